# SPDX-License-Identifier: Apache-2.0
"""Somebody writes "stop": from then on nobody advertises to them, they are told so once, and what they ask for they still get."""

import itertools
import json
import re
import time

import pytest
import rig
from test_identity import event
from test_outbox import accepted, message, post

pytestmark = pytest.mark.shared
NUMBERS = itertools.count(447700904000)
HOUR = 3600


def somebody(gateway, granted=True, **more):
    """A person of this test alone, as a number without the plus."""
    who = str(next(NUMBERS))
    if granted:
        gateway.grant("+" + who)
    return who


def says(gateway, who, text, ago=0, **more):
    """The person writes, or taps what is in `more`; the webhook is applied when this returns."""
    at = int(time.time()) - ago
    content = more or {"type": "text", "text": {"body": text}}
    event(gateway, {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": f"wamid.{who}.{at}.{len(text)}", "timestamp": str(at), **content}]})


def consent(gateway, who, category="marketing"):
    return gateway.person("+" + who)["consent"][category]


def last_event(gateway, who):
    return gateway.admin("GET", f"/consent/%2B{who}")[1]["events"][-1]


def sale(gateway, who):
    return gateway.send_template("+" + who, "spring_sale", parameters=["Ana"])


def told(sandbox, who):
    bodies = [json.loads(e["body"]) for e in sandbox.ledger() if e["to"].lstrip("+") == who]
    return [b["text"]["body"] for b in bodies if b["type"] == "text"]


STOPS = {
    "a word": {"text": "STOP"},
    "a sentence": {"text": "Please take me off your list, thank you"},
    "another language": {"text": "Não quero mais receber mensagens"},
    "a button of a template": {"type": "button", "button": {"text": "Stop promotions", "payload": "STOP"}},
    "a quick reply": {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "unsubscribe", "title": "Unsubscribe"}}},
    "a row of a list": {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "x7", "title": "Unsubscribe", "description": ""}}},
    "a caption": {"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "caption": "stop sending me these"}},
}


@pytest.mark.parametrize("how", STOPS)
def test_whoever_asks_to_stop_is_obeyed_by_the_next_decision(gateway, how):
    who, said = somebody(gateway), dict(STOPS[how])
    assert sale(gateway, who).status_code == 200
    says(gateway, who, said.pop("text", ""), **said)
    refused = sale(gateway, who)
    assert refused.status_code == 400 and refused.json()["error"]["code"] == 131050
    why = last_event(gateway, who)
    assert (why["act"], why["method"], why["actor"]) == ("withdraw", "whatsapp", "webhook")
    assert why["source"].startswith(f"wamid.{who}") and '"entry":"' in why["evidence"] and '"words":"' in why["evidence"]


def tap(title, payload):
    return {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": payload, "title": title}}}


@pytest.mark.parametrize("title, payload", [("Track my parcel", "start"), ("Cancel my order", "cancel"), ("Shop info", "info"), ("Next", "end")])
def test_what_nobody_sees_is_not_what_they_said(gateway, title, payload):
    """The id behind a button is a program's word."""
    who = somebody(gateway)
    says(gateway, who, "", **tap(title, payload))
    assert consent(gateway, who)["status"] == "granted"
    says(gateway, who, "STOP")
    says(gateway, who, "", ago=-2, **tap(title, payload))
    assert consent(gateway, who)["status"] == "withdrawn"


def test_however_long_its_parts_are_an_opt_out_is_taken(gateway):
    who = somebody(gateway)
    event(gateway, {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": "wamid." + "x\n" * 2000, "timestamp": str(int(time.time())), "type": "text", "text": {"body": "stop " * 900}}]})
    event(gateway, {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": "wamid." + "y\n" * 2000, "timestamp": str(int(time.time())), "type": "text", "text": {"body": "STOP"}}]})
    assert consent(gateway, who)["status"] == "withdrawn"
    says(gateway, somebody(gateway), "hello")  # and webhooks go on


@pytest.mark.parametrize("text", ["I'll stop by the shop tomorrow", "please don't stop sending me the offers", "Where is the bus stop?", "hello", "👍", "cancel my order 123 please"])
def test_what_only_looks_like_it_changes_nothing(gateway, text):
    who = somebody(gateway)
    says(gateway, who, text)
    assert consent(gateway, who)["status"] == "granted"


def test_the_person_is_told_once_and_still_gets_what_they_ask_for(gateway, sandbox):
    who = somebody(gateway)
    says(gateway, who, "STOP")
    rig.until("they are told", lambda: told(sandbox, who), 20)
    assert re.search("START", told(sandbox, who)[0])
    assert gateway.send("+" + who, type="text", text={"body": "your answer"}).status_code == 200
    says(gateway, who, "stop!!!")
    says(gateway, who, "when do you open?")
    time.sleep(1)
    assert len([t for t in told(sandbox, who) if "START" in t]) == 1


def test_start_lifts_a_refusal_and_nothing_else(gateway, sandbox):
    who = somebody(gateway)
    says(gateway, who, "STOP", ago=20)
    says(gateway, who, "START", ago=10)
    assert (consent(gateway, who)["status"], last_event(gateway, who)["act"]) == ("granted", "grant")
    assert sale(gateway, who).status_code == 200
    stranger = somebody(gateway, granted=False)
    says(gateway, stranger, "start", ago=30)
    assert consent(gateway, stranger)["status"] == "none", "a bot is begun with that word, too"
    says(gateway, stranger, "STOP", ago=20)
    says(gateway, stranger, "START", ago=10)
    assert consent(gateway, stranger)["status"] == "withdrawn", "nothing was taken from them that could be given back"


def test_an_old_stop_counts_from_its_own_time(gateway, sandbox):
    who = str(next(NUMBERS))
    gateway.admin("POST", "/consent", {"who": "+" + who, "act": "grant", "scope": "marketing", "method": "web_form", "source": "https://shop.example/form", "wording": "Yes, send me news"})
    says(gateway, who, "STOP", ago=3 * 24 * HOUR)
    assert consent(gateway, who)["status"] == "granted", "they agreed later than that"
    other = somebody(gateway)
    says(gateway, other, "STOP", ago=-1)
    assert consent(gateway, other)["status"] == "withdrawn"
    time.sleep(0.5)
    assert told(sandbox, who) == [], "after days nobody is answered"


def test_the_same_message_again_is_one_event(gateway):
    who = somebody(gateway)
    body = {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": "wamid.again", "timestamp": str(int(time.time())), "type": "text", "text": {"body": "unsubscribe"}}]}
    for _ in range(3):
        event(gateway, body)
    assert sorted(e["act"] for e in gateway.admin("GET", f"/consent/%2B{who}")[1]["events"]) == ["grant", "withdraw"]


def test_what_is_said_in_a_group_is_said_to_others(gateway):
    who = somebody(gateway)
    event(gateway, {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": "wamid.g", "group_id": "g1", "timestamp": str(int(time.time())), "type": "text", "text": {"body": "stop"}}]})
    assert consent(gateway, who)["status"] == "granted"


def test_what_waits_for_them_ends_at_once(gateway):
    """Also what is to be sent tomorrow; and what waits for others stays."""
    who, other = somebody(gateway), somebody(gateway)
    template = {"type": "template", "template": {"name": "spring_sale", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]}}
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 24 * HOUR))
    ids = {}
    for person in (who, other):
        status, body = gateway.admin("POST", "/messages", {"from": rig.SENDER, "to": "+" + person, "queue": True, "not_before": tomorrow, **template})
        assert status == 202, body
        ids[person] = body["id"]
    says(gateway, who, "STOP")
    rig.until("it ended", lambda: gateway.admin("GET", f"/messages/{ids[who]}")[1]["state"] == "refused", 20)
    shown = gateway.admin("GET", f"/messages/{ids[who]}")[1]
    assert shown["decision"]["rule"] == "consent.withdrawn"
    assert gateway.admin("GET", f"/messages/{ids[other]}")[1]["state"] == "waiting"


def test_the_time_until_it_is_obeyed_is_a_metric(gateway):
    who = somebody(gateway)
    before = int(re.search(r"^wayleave_refusal_obeyed_seconds_count (\d+)", gateway.get("/metrics").text, re.M).group(1))
    says(gateway, who, "STOP")
    rig.until("it is counted", lambda: int(re.search(r"^wayleave_refusal_obeyed_seconds_count (\d+)", gateway.get("/metrics").text, re.M).group(1)) > before, 20)


def test_a_complaint_counts_like_a_stop(gateway):
    who = somebody(gateway)
    status, _ = gateway.admin("POST", "/consent", {"who": "+" + who, "act": "withdraw", "scope": "marketing", "method": "complaint", "evidence": "ticket 4711"})
    assert status == 200 and sale(gateway, who).status_code == 400
