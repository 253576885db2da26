# SPDX-License-Identifier: Apache-2.0
"""Messages this gateway answers for: taken, kept while they must wait, sent when they may be, and always with a reason
for what they are. And the list of all messages, which says what became of each."""

import contextlib
import csv
import io
import json
import sqlite3
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest
import rig
from policies import cap, gateway_with
from test_webhook import signed

ANA, BELA = "+" + rig.PEOPLE[0], "+" + rig.PEOPLE[1]


@pytest.fixture
def ready(gateway, sandbox):
    rig.seed(gateway, sandbox)
    return gateway


def shop(start, sandbox, folder, time, seconds, **changes):
    """One marketing message per person in that time."""
    g = gateway_with(start, sandbox, folder, cap(1, time, seconds), **changes)
    rig.seed(g, sandbox)
    return g


def text(to, words="hello", **more):
    return {"from": rig.SENDER, "to": to, "type": "text", "text": {"body": words}, **more}


def sale(to, parameter="Ana", **more):
    return {"from": rig.SENDER, "to": to, "type": "template",
            "template": {"name": "spring_sale", "language": {"code": "en_US"},
                         "components": [{"type": "body", "parameters": [{"type": "text", "text": parameter}]}]}, **more}


def rest(gateway, body):
    return gateway.request("POST", "/wayleave/v1/messages", token=gateway.admin_key, json=body)


def taken(gateway, body):
    r = rest(gateway, {**body, "queue": True})
    assert r.status_code == 202, r.text
    assert r.headers["Location"] == "/wayleave/v1/messages/" + r.json()["id"]
    return r.json()


def message(gateway, name):
    status, body = gateway.admin("GET", f"/messages/{name}")
    assert status == 200, body
    return body


def state(gateway, name):
    return message(gateway, name)["state"]


def listed(gateway, query=""):
    status, body = gateway.admin("GET", f"/messages{query}")
    assert status == 200, body
    return body["messages"]


def moment(words):
    return datetime.fromisoformat(words.replace("Z", "+00:00"))


def test_a_message_left_with_the_gateway_is_sent(ready, sandbox):
    answer = taken(ready, text(ANA))
    assert answer["state"] == "waiting" and answer["expires"]
    rig.until("it was read", lambda: state(ready, answer["id"]) == "read", 20)
    [entry] = sandbox.ledger()
    shown = message(ready, answer["id"])
    assert (shown["attempts"], shown["duplicates"], shown["queued"], shown["wamid"]) == (1, 0, True, entry["wamid"])
    assert shown["decision"]["verdict"] == "allow" and "waiting" not in shown
    assert [e["status"] for e in shown["events"]] == ["sent", "delivered", "read"]
    assert message(ready, entry["wamid"])["id"] == answer["id"]
    assert rest(ready, text(ANA)).status_code == 200
    assert len(sandbox.ledger()) == 2


def test_what_a_rule_denies_is_not_taken(ready, sandbox):
    r = rest(ready, {**sale("+" + rig.STRANGER), "queue": True})
    assert r.status_code == 403 and r.json()["decision"]["findings"][0]["rule"] == "consent.missing", r.text
    assert state(ready, r.json()["id"]) == "refused"
    assert sandbox.ledger() == [] and ready.query("SELECT COUNT(*) FROM outbox") == [(0,)]


def test_what_a_rule_holds_says_so_and_leaves_when_it_may(start, sandbox, tmp_path):
    g = shop(start, sandbox, tmp_path, "6s", 6)
    assert rest(g, sale(ANA)).status_code == 200
    answer = taken(g, sale(ANA, "Bob"))
    assert answer["reason"] == "rule" and answer["rule"] == "cap.marketing" and "enough marketing" in answer["why"]
    shown = message(g, answer["id"])
    assert shown["state"] == "waiting" and shown["waiting"]["reason"] == "rule" and shown["waiting"]["rule"] == "cap.marketing"
    assert shown["waiting"]["until"] == answer["until"]
    assert shown["decision"]["verdict"] == "hold"
    explained = g.admin("GET", f"/decisions/{answer['id']}")[1]
    assert explained["decision"]["findings"][0]["rule"] == "cap.marketing"
    assert len(sandbox.ledger()) == 1
    rig.until("it left after the hold", lambda: len(sandbox.ledger()) == 2, 20)
    assert datetime.now(timezone.utc) >= moment(answer["until"])


def test_the_status_says_what_a_number_has_waiting(start, sandbox, tmp_path):
    g = shop(start, sandbox, tmp_path, "1h", 3600)
    assert rest(g, sale(ANA)).status_code == 200
    taken(g, sale(ANA, "Bob"))
    for _ in range(2):
        taken(g, sale(BELA, not_before="now+1h"))
    status, body = g.admin("GET", "/status")
    [queue] = [q for q in body["queues"] if q["sender"] == rig.SENDER]
    assert (queue["waiting"], queue["due"], queue["scheduled"], queue["held"], queue["in_doubt"]) == (3, 0, 2, 1, 0), queue
    assert "3 waiting (2 scheduled, 1 held by rules)" in ok(g.cli(["status"]))


def test_at_a_time_its_caller_chose(ready, sandbox):
    at = datetime.now(timezone.utc) + timedelta(seconds=3)
    answer = taken(ready, text(ANA, not_before=at.isoformat()))
    assert answer["reason"] == "scheduled" and abs(moment(answer["until"]) - at) < timedelta(milliseconds=2)
    assert message(ready, answer["id"])["waiting"]["reason"] == "scheduled"
    assert sandbox.ledger() == []
    rig.until("it left", lambda: len(sandbox.ledger()) == 1, 20)
    assert datetime.now(timezone.utc) >= at


def test_a_message_that_waits_can_be_taken_back_and_no_other(ready, sandbox):
    answer = taken(ready, text(ANA, not_before="now+1h"))
    status, body = ready.admin("DELETE", f"/messages/{answer['id']}")
    assert (status, body["state"]) == (200, "cancelled"), body
    assert ready.query("SELECT COUNT(*) FROM outbox") == [(0,)]
    status, body = ready.admin("DELETE", f"/messages/{answer['id']}")
    assert status == 409 and "cancelled" in body["error"]["message"]
    sent = rest(ready, text(ANA)).json()["id"]
    assert ready.admin("DELETE", f"/messages/{sent}")[0] == 409
    assert ready.admin("DELETE", "/messages/m00000000000")[0] in (400, 404)
    assert len(sandbox.ledger()) == 1


def test_what_meta_refuses_for_now_is_tried_again_until_it_is_worthless(ready, sandbox):
    sandbox.fault("code=131056", times=100, path="/111/messages")
    answer = taken(ready, text(ANA, expires="now+5s"))
    waits = rig.until("it waits for another attempt", lambda: (m := message(ready, answer["id"])).get("waiting", {}).get("reason") == "retry" and m)
    assert waits["state"] == "waiting" and "131056" in waits["waiting"]["why"] and waits["waiting"]["until"]
    rig.until("it expired", lambda: state(ready, answer["id"]) == "expired", 20)
    assert message(ready, answer["id"])["attempts"] >= 1 and "waiting" not in message(ready, answer["id"])
    assert sandbox.ledger() == [] and ready.query("SELECT COUNT(*) FROM outbox") == [(0,)]


def story(gateway, name):
    """What a person reads of it, on one line."""
    return " ".join(ok(gateway.cli(["messages", "show", name])).split())


def test_what_was_met_on_the_way_is_history(ready, sandbox):
    """A code that another attempt left behind is no advice about the message: nobody is told to send again what was read."""
    sandbox.fault("code=131056", path="/111/messages")
    name = taken(ready, text(ANA))["id"]
    rig.until("it was read", lambda: state(ready, name) == "read", 30)
    shown = message(ready, name)
    assert (shown["attempts"], shown["code"], shown["code_means"], shown["code_next"]) == (1, 0, None, None)
    assert shown["turned_away"] == {"times": 1, "code": 131056} and [(t["attempt"], t["met"], t["code"]) for t in shown["tries"]] == [(1, "accepted", 0)]
    told = story(ready, name)
    assert "turned away by Meta 1 time, last with 131056" in told and "attempt 1: accepted by Meta" in told and "next" not in told, told
    assert listed(ready, "?code=131056") == []


def test_an_attempt_before_is_told_with_its_code(ready, sandbox):
    sandbox.fault("code=1", path="/111/messages")
    name = taken(ready, text(ANA))["id"]
    rig.until("it waits for another attempt", lambda: message(ready, name).get("waiting", {}).get("reason") == "retry")
    assert message(ready, name)["code"] == 1 and [m["id"] for m in listed(ready, "?code=1")] == [name]
    rig.until("it was read", lambda: state(ready, name) == "read", 40)
    assert message(ready, name)["code"] == 0 and listed(ready, "?code=1") == []
    told = story(ready, name)
    assert "attempt 1: refused by Meta with 1: unknown error" in told and "attempt 2: accepted by Meta" in told and "next" not in told, told


def test_a_failure_after_it_was_read_is_history(ready, sandbox):
    name = taken(ready, text(ANA))["id"]
    rig.until("it was read", lambda: state(ready, name) == "read", 20)
    [entry] = sandbox.ledger()
    failed = {"id": entry["wamid"], "status": "failed", "timestamp": str(int(time.time()) + 5), "recipient_id": ANA[1:], "errors": [{"code": 131026, "title": "Undeliverable"}]}
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": rig.SENDER}, "statuses": [failed]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": [{"field": "messages", "value": value}]}]}).encode()
    assert ready.post("/webhook", data=body, headers=signed(body)).status_code == 200
    rig.until("the failure was heard", lambda: "failed" in message(ready, name)["seen"])
    shown = message(ready, name)
    assert (shown["state"], shown["code"], shown["code_next"]) == ("read", 0, None)
    told = story(ready, name)
    assert "Meta: failed 131026" in told and "another channel" not in told, told


def test_an_expired_message_is_not_to_be_sent_again_for_its_code(ready, sandbox):
    sandbox.fault("code=131056", times=100, path="/111/messages")
    name = taken(ready, text(ANA, expires="now+2s"))["id"]
    rig.until("it expired", lambda: state(ready, name) == "expired", 20)
    assert (message(ready, name)["code"], message(ready, name)["code_next"]) == (0, None)
    told = story(ready, name)
    assert "worthless: it was not sent in time" in told and "send it again" not in told and "send a new one" in told, told


def test_a_rules_refusal_is_not_told_as_metas(ready):
    """The code stands for the rule to clients of the Graph API; nobody asked Meta, and nobody stopped anything."""
    name = rest(ready, sale("+" + rig.STRANGER)).json()["id"]
    shown = message(ready, name)
    assert shown["code"] != 0 and shown["code_means"] == "the rule consent.missing said no; Meta was not asked", shown
    assert shown["code_next"] is None
    [row] = listed(ready, "?state=refused")
    assert row["code_means"] == "a rule said no; Meta was not asked"
    assert "stopped marketing" not in story(ready, name)


def test_what_is_taken_back_has_its_end_in_its_story(ready):
    name = taken(ready, text(ANA, not_before="now+1h"))["id"]
    ok(ready.cli(["messages", "cancel", name]))
    told = story(ready, name)
    assert "taken back by its caller" in told and "attempt 0" not in told, told


def test_a_message_that_waits_after_a_doubt_says_so(ready, sandbox, start, tmp_path):
    """Its first attempt may have arrived: whoever takes it back is told that before, and what the end will be called."""
    name = taken(ready, text(ANA, not_before="now+1h"))["id"]
    assert message(ready, name)["waiting"] | {"until": 0} == {"reason": "scheduled", "why": "its caller asked for this time", "until": 0, "then": None,
                                                              "doubt": False, "cancelled_as": "cancelled"}
    ready.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "wayleave.db")) as db:
        db.execute("UPDATE msg SET attempt = 1, life = life | 1 << 17, begun_at = ts WHERE state = 7")  # as after a doubt
        db.commit()
    g = start(rig.Gateway, tmp_path, sandbox.url)
    waiting = message(g, name)["waiting"]
    assert waiting["doubt"] is True and waiting["cancelled_as"] == "undetermined" and "may have arrived" in waiting["why"]
    assert waiting["then"] == "it is sent once more"
    told = story(g, name)
    assert "attempt 1: no answer came; it may have arrived" in told and "it ends as undetermined then" in told, told
    assert ok(g.cli(["messages", "cancel", name])).startswith(f"undetermined {name}: an attempt of it may have arrived")
    assert "given up: nobody knows" in story(g, name)


def test_a_doubt_says_what_is_done_about_it(ready, sandbox):
    sandbox.fault("drop", times=2, path="/111/messages")
    once = rest(ready, text(ANA)).json()["id"]
    shown = message(ready, once)
    assert shown["state"] == "ambiguous" and "never sent again" in shown["waiting"]["then"], shown
    assert shown["waiting"]["doubt"] and shown["waiting"]["cancelled_as"] is None
    assert "given up" not in story(ready, once).split(" next ")[1]
    order = {"from": rig.SENDER, "to": ANA, "type": "template", "template": {"name": "order_ready", "language": {"code": "en_US"},
             "components": [{"type": "body", "parameters": [{"type": "text", "text": "17"}]}]}}
    ready.grant(ANA, scope="utility")
    queued = taken(ready, order)["id"]
    rig.until("it is in doubt", lambda: state(ready, queued) == "ambiguous")
    assert "sent once more" in message(ready, queued)["waiting"]["then"]
    told = story(ready, queued)
    assert "sent once more" in told and "or it is given up" not in told and "attempt 1: no answer came" in told, told


def test_explaining_says_the_same_word_and_why_it_waits(ready, sandbox):
    name = taken(ready, text(ANA, not_before="now+1h"))["id"]
    told = " ".join(ok(ready.cli(["explain", name])).split())
    for words in ("state waiting", "its caller asked for this time", "until 20", "none yet", "expires 20"):
        assert words in told, told
    ok(ready.cli(["messages", "cancel", name]))
    told = " ".join(ok(ready.cli(["explain", name])).split())
    assert "state cancelled" in told and "since 20" in told and "verdict none" in told, told
    sent = rest(ready, text(ANA)).json()["id"]
    rig.until("it was read", lambda: state(ready, sent) == "read", 20)
    assert "state read" in " ".join(ok(ready.cli(["explain", sent])).split())
    assert [m["state"] for m in ready.person(ANA)["messages"]] == ["read", "cancelled"]


@pytest.mark.shared
@pytest.mark.parametrize("words, field", [
    ({"queue": "yes"}, "queue"), ({"not_before": "now+1h"}, "queue"), ({"expires": "now+1h"}, "queue"),
    ({"queue": True, "not_before": "tomorrow"}, "not_before"), ({"queue": True, "not_before": "now+366d"}, "not_before"),
    ({"queue": True, "expires": "now-1s"}, "expires"), ({"queue": True, "expires": "now+374d"}, "expires"),
    ({"queue": True, "not_before": "now+2h", "expires": "now+1h"}, "expires"), ({"idempotency_key": ""}, "idempotency_key"),
    ({"idempotency_key": 5}, "idempotency_key")])
def test_times_that_make_no_sense_are_refused(ready, sandbox, words, field):
    r = rest(ready, text(ANA, **words))
    assert r.status_code == 400 and r.json()["error"]["field"] == field, r.text
    assert sandbox.ledger() == [] and ready.query("SELECT COUNT(*) FROM outbox") == [(0,)]


@pytest.mark.shared
@pytest.mark.parametrize("words, near", [({"queue": True, "not_befor": "now+2h"}, "not_before"), ({"Expires": "now+2h"}, "expires"), ({"idempotencyKey": "k"}, "idempotency_key"),
                                         ({"queue": True, "send_at": "now+2h"}, None)])
def test_a_misspelt_word_of_ours_sends_nothing(ready, sandbox, words, near):
    r = rest(ready, text(ANA, **words))
    assert r.status_code == 400 and (near is None or f"did you mean '{near}'" in r.json()["error"]["message"]), r.text
    assert sandbox.ledger() == [] and ready.query("SELECT COUNT(*) FROM outbox") == [(0,)]


def test_the_last_day_of_all_has_its_week_too(ready):
    answer = taken(ready, text(ANA, not_before="now+365d"))
    assert moment(answer["expires"]) - moment(answer["until"]) == timedelta(days=7)


def test_a_number_without_a_token_cannot_be_answered_for(ready):
    r = rest(ready, {**text(ANA), "from": "999", "queue": True})
    assert r.status_code == 400 and r.json()["error"]["field"] == "from"


# --- the drop-in face -------------------------------------------------------------------------------------------------


def graph(gateway, parameter="Ana", **headers):
    body = {"messaging_product": "whatsapp", "to": ANA, **{k: v for k, v in sale(ANA, parameter).items() if k in ("type", "template")}}
    return gateway.post(f"/v23.0/{rig.SENDER}/messages", body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_a_client_may_ask_for_the_queue(start, sandbox, tmp_path):
    g = shop(start, sandbox, tmp_path, "8s", 8)
    assert graph(g, Wayleave_Hold="queue").json()["messages"][0]["id"].startswith("wamid.")
    refused = graph(g, "Bob")
    assert refused.headers["Wayleave-Message-Id"] == refused.json()["error"]["error_data"]["wayleave"]["id"]
    assert refused.status_code == 400 and refused.json()["error"]["code"] == 131049
    held = graph(g, "Bob", Wayleave_Hold="queue", Idempotency_Key="k")
    assert held.status_code == 200, held.text
    [m] = held.json()["messages"]
    assert m["message_status"] == "held_for_quality_assessment" and m["id"] == held.headers["Wayleave-Message-Id"]
    assert held.json()["contacts"] == [{"input": ANA, "wa_id": ANA[1:]}]
    until = moment(held.headers["Wayleave-Until"])
    again = graph(g, "Bob", Wayleave_Hold="queue", Idempotency_Key="k")
    assert again.json()["messages"] == held.json()["messages"] and again.headers["Idempotent-Replayed"] == "true"
    rig.until("it left after the hold", lambda: len(sandbox.ledger()) == 2, 20)
    assert datetime.now(timezone.utc) >= until
    rig.until("the answer came", lambda: state(g, m["id"]) in ("accepted", "sent", "delivered", "read"))
    after = graph(g, "Bob", Wayleave_Hold="queue", Idempotency_Key="k")
    assert after.json()["messages"][0]["id"] == m["id"], "the client knows it by our id"
    assert len(sandbox.ledger()) == 2


def test_the_configuration_may_ask_for_it(start, sandbox, tmp_path):
    senders = [{"id": rig.SENDER, "token_file": "sender.token", "hold": "queue"}, {"id": rig.OTHER_SENDER, "token_file": "sender.token"}]
    g = shop(start, sandbox, tmp_path, "1h", 3600, senders=senders)
    assert graph(g).status_code == 200
    assert graph(g, "Bob").json()["messages"][0]["message_status"] == "held_for_quality_assessment"
    assert graph(g, "Bob", Wayleave_Hold="refuse").status_code == 400
    wrong = graph(g, "Bob", Wayleave_Hold="later")
    assert wrong.status_code == 400 and "Wayleave-Hold" in wrong.text
    other = g.send_template(ANA, "spring_sale", parameters=["Cy"], sender=rig.OTHER_SENDER)
    assert other.status_code == 400, other.text
    [waits] = listed(g, "?state=waiting")
    assert waits["queued"] and waits["category"] == "marketing"


def test_the_queue_wants_a_token(start, sandbox, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url, senders=[{"id": rig.SENDER}])
    r = graph(g, Wayleave_Hold="queue")
    assert r.status_code == 400 and "token_file" in r.text, r.text
    code, out, err = rig.wayleave("check-config", "--config", g.config, "--set", f"senders.{rig.SENDER}.hold=queue", cwd=tmp_path)
    assert code == 1 and "token_file" in out + err


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(ready, sandbox):
    """Two read by Ana, one refused to a stranger, one rejected to Bela, one that waits, one taken back."""
    for _ in range(2):
        assert rest(ready, text(ANA)).status_code == 200
    assert rest(ready, sale("+" + rig.STRANGER)).status_code == 403
    sandbox.fault("code=131051", path="/111/messages", to=BELA[1:])
    assert rest(ready, text(BELA)).status_code == 502
    ready.waits = taken(ready, sale(ANA, not_before="now+1h"))["id"]
    gone = taken(ready, text(BELA, not_before="now+1h"))["id"]
    assert ready.admin("DELETE", f"/messages/{gone}")[0] == 200
    rig.until("both were read", lambda: len(listed(ready, "?state=read")) == 2, 20)
    return ready


LISTED = [
    ("", ["cancelled", "waiting", "rejected", "refused", "read", "read"]),
    ("?state=read", ["read", "read"]), ("?state=delivered", []), ("?state=accepted", []),
    ("?state=waiting,rejected", ["waiting", "rejected"]), ("?state=waiting&state=rejected", ["waiting", "rejected"]),
    ("?contact=%2B" + ANA[1:], ["waiting", "read", "read"]), ("?contact=%2B" + BELA[1:], ["cancelled", "rejected"]),
    ("?code=131051", ["rejected"]), ("?category=marketing", ["waiting", "refused"]), ("?sender=112", []),
    ("?from=now-1h&category=service", ["cancelled", "rejected", "read", "read"]), ("?to=2026-01-01", []), ("?duplicated=true", []),
    ("?limit=2", ["cancelled", "waiting"])]


def test_what_is_asked_for_is_listed(several):
    for query, states in LISTED:
        assert [m["state"] for m in listed(several, query)] == states, query


def test_pages_hold_everything_once(several):
    names, query = [], "?limit=1"
    while True:
        status, page = several.admin("GET", "/messages" + query)
        assert status == 200
        names += [m["id"] for m in page["messages"]]
        if page["next"] is None:
            break
        query = f"?limit=1&cursor={page['next']}"
    assert names == [m["id"] for m in listed(several)] and len(set(names)) == 6


@pytest.mark.shared
@pytest.mark.parametrize("query, field", [
    ("?state=gone", "state"), ("?limit=0", "limit"), ("?limit=1001", "limit"), ("?cursor=x", "cursor"), ("?from=soon", "from"),
    ("?category=spam", "category"), ("?code=x", "code"), ("?duplicated=maybe", "duplicated"), ("?sender=-1", "sender"), ("?stat=read", None),
    ("?limit=1&limit=2", "limit"), ("?key=a+b", "key"), ("?key=k&code=100", "key")])
def test_a_question_that_is_not_understood_is_refused(gateway, query, field):
    status, body = gateway.admin("GET", "/messages" + query)
    assert status == 400 and body["error"].get("field") == field, body
    if field is None:
        assert "did you mean 'state'" in body["error"]["message"]


@pytest.mark.shared
@pytest.mark.parametrize("path", ["/messages/mt400000000?state=read", "/status?x", "/contacts/+15550001234?limit=1", "/decisions/mt400000000?a=b&c=d"])
def test_a_parameter_nobody_reads_is_refused(gateway, path):
    status, body = gateway.admin("GET", path)
    assert status == 400 and "takes no query" in body["error"]["message"], body
    if "messages" in path:
        assert gateway.admin("DELETE", path)[0] == 400


def test_too_much_is_refused_in_this_apis_own_words(gateway):
    r = gateway.request("POST", "/wayleave/v1/messages", token=gateway.admin_key, data=b" " * (1 << 20) + b" ")
    assert r.status_code == 413 and r.json()["error"]["code"] == "too_big" and "field" not in r.json()["error"], r.text
    long = {"from": rig.SENDER, "to": ANA, "type": "text", "text": {"body": "x" * (256 << 10)}, "queue": True}
    r = rest(gateway, long)
    assert r.status_code == 413 and "256 KiB" in r.json()["error"]["message"], r.text


def test_a_message_is_found_and_taken_back_by_its_key(ready):
    name = taken(ready, text(ANA, not_before="now+1h", idempotency_key="visit-17"))["id"]
    taken(ready, text(ANA, not_before="now+1h"))
    assert [m["id"] for m in listed(ready, "?key=visit-17")] == [name]
    assert [m["id"] for m in listed(ready, "?key=visit-17&state=waiting")] == [name] and listed(ready, "?key=visit-17&state=read") == []
    assert listed(ready, "?key=visit-18") == []
    assert name in ok(ready.cli(["messages", "list", "--key", "visit-17"]))
    code, out, err = ready.cli(["messages", "cancel", "--key", "visit-18"])
    assert code == 1 and "visit-18" in err
    assert ok(ready.cli(["messages", "cancel", "--key", "visit-17"])) == f"cancelled {name}\n"
    assert state(ready, name) == "cancelled"
    assert ready.cli(["messages", "cancel"])[0] == 2 and ready.cli(["messages", "cancel", name, "--key", "visit-17"])[0] == 2


def test_nobody_is_named_by_number(several):
    status, body = several.admin("GET", "/messages")
    assert ANA[1:] not in json.dumps(body) and body["messages"][-1]["contact"] == several.person(ANA)["id"]


# --- the command line -------------------------------------------------------------------------------------------------


def ok(result):
    code, out, err = result
    assert code == 0, out + err
    return out


def test_the_command_line_lists_shows_and_exports(several):
    table = ok(several.cli(["messages", "list"]))
    assert [line.split()[3] for line in table.splitlines()[1:]] == ["cancelled", "waiting", "rejected", "refused", "read", "read"]
    lines = ok(several.cli(["messages", "list", "--state", "read", "--json"])).splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["read", "read"]
    assert "--before" in ok(several.cli(["messages", "list", "--limit", "1"]))
    story = ok(several.cli(["messages", "show", several.waits]))
    for word in ("waiting", "its caller asked for this time", "until", "taken from its caller", "messages cancel " + several.waits):
        assert word in story, story
    rejected = json.loads(ok(several.cli(["messages", "list", "--state", "rejected", "--json"])))["id"]
    story = ok(several.cli(["messages", "show", rejected]))
    assert "131051" in story and "not supported" in story and "send another type" in story, story
    rows = list(csv.DictReader(io.StringIO(ok(several.cli(["messages", "export", "--csv"])))))
    assert [r["state"] for r in rows] == ["cancelled", "waiting", "rejected", "refused", "read", "read"]
    assert rows[2]["code"] == "131051" and rows[4]["wamid"].startswith("wamid.") and rows[1]["queued"] == "true"
    lines = ok(several.cli(["messages", "export", "--contact", BELA])).splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["cancelled", "rejected"]
    assert ok(several.cli(["messages", "list", "--state", "played"])) == "no message\n"
    assert ok(several.cli(["messages", "list", "--state", "played", "--json"])) == ""
    assert several.cli(["messages", "show", "nonsense"])[0] == 1


@pytest.mark.shared
@pytest.mark.parametrize("options, says", [
    (["--state", "gone"], "--state is one of"), (["--limit", "0"], "--limit is a number from 1 to 1000"), (["--from", "soon"], "--from is a time"),
    (["--before", "x"], "--before is the id"), (["--code", "x"], "--code is"), (["--contact", "nobody"], "--contact")])
def test_a_mistake_in_an_option_is_told_in_its_own_name(gateway, options, says):
    code, out, err = gateway.cli(["messages", "list", *options])
    assert code == 2 and says in err and "cursor" not in err and "never" not in err, err


@pytest.mark.shared
@pytest.mark.parametrize("options, says", [
    (["--at", "tomorrow"], "--at is a time"), (["--at", "never"], "--at is a time"), (["--at", "now+2h", "--expires", "now+1h"], "--expires must lie after now and after --at"),
    (["--expires", "now+400d"], "--expires lies"), (["--idempotency-key", "two words"], "--idempotency-key")])
def test_a_mistake_in_a_time_is_told_in_the_commands_words(ready, options, says):
    code, out, err = ready.cli(["send", "--from", rig.SENDER, "--to", ANA, "--text", "hello", "--queue", *options])
    assert code == 2 and says in err and "not_before" not in err and "now, now" not in err, err


def test_what_meta_rejects_is_told_with_its_code_and_metas_words(ready, sandbox):
    sandbox.fault("code=131051", path="/111/messages")
    code, out, err = ready.cli(["send", "--from", rig.SENDER, "--to", ANA, "--text", "hello"])
    assert code == 1 and "131051: this type of message is not supported" in err and "Meta's words" in err and "send another type" in err, err


def test_what_may_have_been_sent_has_an_exit_status_of_its_own(ready, sandbox):
    sandbox.fault("drop", path="/111/messages")
    send = ["send", "--from", rig.SENDER, "--to", ANA, "--text", "hello", "--idempotency-key", "k"]
    code, out, err = ready.cli(send)
    assert code == 5 and "do not send it again" in err, err
    assert ready.cli(send)[0] == 5, "the message under the key is still in doubt"


def test_an_export_that_nobody_got_claims_nothing(several):
    for form in ([], ["--csv"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([rig.BIN, "messages", "export", *form, "--config", several.config], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60 * rig.SLOW)
        assert done.returncode == 1 and "could not be written" in done.stderr and "were written" not in done.stderr, done.stderr
        assert done.stderr.count("wayleave:") == 1, done.stderr


def test_the_command_line_takes_back(several):
    code, out, err = several.cli(["messages", "cancel", several.waits, "m00000000000"])
    assert code == 4 and out.startswith("cancelled " + several.waits), out + err
    assert "m00000000000: " in err
    code, out, err = several.cli(["messages", "cancel", several.waits])
    assert code == 1 and "too late" in err
    assert "cancelled" in ok(several.cli(["messages", "show", several.waits]))


def test_the_command_line_leaves_a_message_with_the_gateway(ready, sandbox):
    send = ["send", "--from", rig.SENDER, "--to", ANA, "--text", "hello"]
    out = ok(ready.cli([*send, "--queue", "--at", "now+1h", "--expires", "now+2h", "--idempotency-key", "k"]))
    assert out.startswith("waiting m") and "until" in out
    again = ok(ready.cli([*send, "--queue", "--at", "now+1h", "--expires", "now+2h", "--idempotency-key", "k", "--json"]))
    assert json.loads(again)["replayed"] is True and json.loads(again)["id"] in out
    assert ready.cli([*send, "--idempotency-key", "k"])[0] == 1
    assert ready.cli([*send, "--at", "now+1h"])[0] == 2
    assert sandbox.ledger() == []
    told = ok(ready.cli(["status"]))
    assert "1 waiting (1 scheduled), 0 on their way" in told and " 0.0 a second" not in told, told
    assert "hold" not in ok(ready.cli(["explain", json.loads(again)["id"]])).split("verdict")[-1]
