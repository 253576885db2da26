# SPDX-License-Identifier: Apache-2.0
"""A person is asked whether they meant it: the question goes through the rules like any message, the answer becomes a consent that
can be proven, and nobody is asked twice, also when the program dies in between."""

import contextlib
import itertools
import json
import sqlite3
import time

import pytest
import requests
import rig
from test_identity import event

NUMBERS = itertools.count(15550107000)
QUESTION = "Do you want our offers here?"
FIRST = {"act": "grant", "scope": "utility", "method": "web_form", "source": "https://shop.example/join", "wording": "Ask me on WhatsApp"}
TEMPLATE = {"template": "order_ready", "language": "en_US", "components": [{"type": "body", "parameters": [{"type": "text", "text": "A-1"}]}]}


def says(gateway, who, text="", at=None, **content):
    """The person writes or taps; returns the id of the message."""
    at = at or int(time.time())
    wamid = f"wamid.{who}.{next(NUMBERS)}"
    event(gateway, {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": wamid, "timestamp": str(at), **(content or {"type": "text", "text": {"body": text}})}]})
    return wamid


def tap(gateway, who, payload, **more):
    return says(gateway, who, type="interactive", interactive={"type": "button_reply", "button_reply": {"id": payload, "title": "x"}}, **more)


def ask(gateway, who, want=201, **wish):
    status, body = gateway.admin("POST", "/welcomes", {"who": "+" + who, "from": rig.SENDER, **wish})
    assert status == want, body
    return body


def writer(gateway, sandbox, text="hello"):
    """Somebody who has just written: also Meta knows that they may be answered."""
    who = str(next(NUMBERS))
    sandbox.inbound(who, text)
    rig.until("it is heard", lambda: gateway.person("+" + who), 30)
    return who


def ask_in_window(gateway, sandbox, **wish):
    """Somebody who has just written is asked; returns them and the question once it is out."""
    who = writer(gateway, sandbox)
    made = ask(gateway, who, text=QUESTION, **wish)
    return who, reaches(gateway, made, phase="waiting")


def shown(gateway, welcome):
    return gateway.admin("GET", "/welcomes/" + welcome["id"])[1]


def reaches(gateway, welcome, **state):
    return rig.until(f"{welcome['id']} is {state}", lambda: (lambda v: v if all(v[k] == s for k, s in state.items()) else None)(shown(gateway, welcome)), 30)


def word(gateway, who, category="marketing"):
    return gateway.person("+" + who)["consent"][category]


def last(gateway, who):
    return gateway.admin("GET", f"/consent/%2B{who}")[1]["events"][-1]


def got(sandbox, who):
    return [json.loads(e["body"]) for e in sandbox.ledger(to=who)]


def buttons(message):
    return [b["reply"]["id"] for b in message["interactive"]["action"]["buttons"]]


@pytest.mark.shared
def test_a_yes_becomes_a_confirmed_consent_with_its_evidence(gateway, sandbox):
    who = str(next(NUMBERS))
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))  # Meta tells times in whole seconds
    made = ask(gateway, who, first={**FIRST, "at": before}, wording="Reply YES", **TEMPLATE)
    asked = reaches(gateway, made, phase="waiting")
    [question] = got(sandbox, who)
    assert question["template"]["name"] == "order_ready"
    assert word(gateway, who)["status"] == "none", "it was asked for, not given"
    wamid = says(gateway, who, "Yes!")
    done = reaches(gateway, made, state="done")
    assert done["reply"] == wamid and done["answered_at"] and done["messages"] == asked["messages"]
    given = last(gateway, who)
    assert (given["act"], given["method"], given["wording"], given["actor"]) == ("grant", "double_opt_in", "Reply YES", "gateway")
    proof = json.loads(given["evidence"])
    assert (proof["welcome"], proof["wamid"], proof["messages"]) == (made["id"], wamid, asked["messages"]) and proof["first"]
    assert (word(gateway, who)["status"], word(gateway, who)["rank"]) == ("granted", "confirmed")
    says(gateway, who, "yes")
    says(gateway, who, "no")
    assert shown(gateway, made)["state"] == "done" and last(gateway, who)["at"] == given["at"], "what is said later is about something else"


@pytest.mark.shared
def test_inside_the_window_two_buttons_ask(gateway, sandbox):
    who, welcome = ask_in_window(gateway, sandbox)
    [question] = got(sandbox, who)
    assert question["interactive"]["body"]["text"] == QUESTION
    yes, no = buttons(question)
    wamid = tap(gateway, who, yes)
    assert reaches(gateway, welcome, state="done")["reply"] == wamid
    assert last(gateway, who)["wording"] == QUESTION
    tap(gateway, who, no)
    assert shown(gateway, welcome)["state"] == "declined", "the last tap counts"
    assert word(gateway, who)["status"] == "withdrawn"


@pytest.mark.shared
def test_the_buttons_speak_the_language_of_the_question(gateway, sandbox):
    for language, labels in (("de", ["Ja", "Nein"]), ("pt_BR", ["Sim", "Não"]), ("xx", ["Yes", "No"])):
        who, _ = ask_in_window(gateway, sandbox, language=language)
        [question] = got(sandbox, who)
        assert [b["reply"]["title"] for b in question["interactive"]["action"]["buttons"]] == labels


@pytest.mark.shared
@pytest.mark.parametrize("answer", ["no", "STOP"])
def test_a_no_is_a_withdrawal(gateway, sandbox, answer):
    who, welcome = ask_in_window(gateway, sandbox)
    says(gateway, who, answer)
    assert reaches(gateway, welcome, state="declined")["why"] == "they said no"
    assert (word(gateway, who)["status"], last(gateway, who)["act"]) == ("withdrawn", "withdraw")
    assert [e["act"] for e in gateway.admin("GET", f"/consent/%2B{who}")[1]["events"]] == ["withdraw"]


def answers(gateway, who, text, wamid):
    """Writes in reply to one of our messages."""
    own = f"wamid.{who}.{next(NUMBERS)}"
    event(gateway, {"contacts": [{"wa_id": who}], "messages": [{"from": who, "id": own, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}, "context": {"from": "15550009999", "id": wamid}}]})
    return own


@pytest.mark.shared
@pytest.mark.parametrize("yes", ["yes", "ok", "sure", "START"])
def test_a_yes_to_something_else_confirms_nothing(gateway, sandbox, yes):
    who, welcome = ask_in_window(gateway, sandbox)
    assert gateway.send("+" + who, type="text", text={"body": "Shall the courier ring at 5 pm?"}).status_code == 200
    question, other = [e["wamid"] for e in sandbox.ledger(to=who)]
    says(gateway, who, yes)
    answers(gateway, who, yes, other)
    assert shown(gateway, welcome)["state"] == "open" and word(gateway, who)["status"] == "none"
    wamid = answers(gateway, who, "yes", question)
    done = shown(gateway, welcome)
    assert (done["state"], done["reply"], word(gateway, who)["rank"]) == ("done", wamid, "confirmed"), "a reply to the question is an answer"


@pytest.mark.shared
def test_a_tap_and_a_no_count_whatever_else_was_sent(gateway, sandbox):
    for answer, state in (("no", "declined"), ("tap", "done")):
        who, welcome = ask_in_window(gateway, sandbox)
        assert gateway.send("+" + who, type="text", text={"body": "Shall the courier ring at 5 pm?"}).status_code == 200
        (tap(gateway, who, "wayleave:yes:" + welcome["id"]) if answer == "tap" else says(gateway, who, answer))
        assert shown(gateway, welcome)["state"] == state


@pytest.mark.shared
def test_a_no_stands_against_a_grant_of_its_second(gateway, sandbox):
    who, welcome = ask_in_window(gateway, sandbox)
    at = int(time.time())
    says(gateway, who, "no", at=at)
    assert shown(gateway, welcome)["state"] == "declined"
    assert last(gateway, who)["at"] == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".999Z"


@pytest.mark.shared
def test_no_row_and_no_id_stops_what_people_say(gateway, sandbox):
    who, welcome = ask_in_window(gateway, sandbox)
    other, second = ask_in_window(gateway, sandbox)
    with contextlib.closing(sqlite3.connect(f"file:{gateway.folder}/state/wayleave.db?mode=rw", uri=True, timeout=30)) as db, db:
        assert db.execute("UPDATE errand SET detail = '{' WHERE contact = (SELECT contact FROM errand ORDER BY id DESC LIMIT 1 OFFSET 1)").rowcount == 1
    says(gateway, who, "yes")
    assert word(gateway, who)["status"] == "none", "nobody knows any more what was asked"
    says(gateway, who, "no")
    gateway.wait_applied()
    assert (word(gateway, who)["status"], last(gateway, who)["act"]) == ("withdrawn", "withdraw")
    event(gateway, {"contacts": [{"wa_id": other}], "messages": [{"from": other, "id": "wamid." + "\u00e9" * 5000, "timestamp": str(int(time.time())), "type": "text", "text": {"body": "yes"}}]})
    assert shown(gateway, second)["state"] == "done" and json.loads(last(gateway, other)["evidence"])["wamid"].startswith("wamid.")


@pytest.mark.shared
def test_a_rule_that_refuses_the_question_is_named(gateway, sandbox):
    who = str(next(NUMBERS))
    made = ask(gateway, who, **TEMPLATE)
    refused = reaches(gateway, made, state="refused")
    assert refused["why"].startswith("rule consent.missing: ") and refused["sent"] == 0
    closed = ask(gateway, who, text=QUESTION)
    assert reaches(gateway, closed, state="refused")["why"].startswith("rule window.closed: ")
    assert got(sandbox, who) == []
    status, out, _ = gateway.cli(["welcomes", "show", made["id"]])
    assert status == 0 and "refused" in out and "consent.missing" in out


@pytest.mark.shared
def test_whoever_is_silent_is_reminded_and_then_left_alone(gateway, sandbox):
    who, welcome = ask_in_window(gateway, sandbox, remind_after="1s", expires_after="5s", reminders=1)
    reaches(gateway, welcome, state="expired")
    first, second = got(sandbox, who)
    assert buttons(first) == buttons(second) and shown(gateway, welcome)["sent"] == 2
    assert word(gateway, who)["status"] == "none"
    says(gateway, who, "yes", at=int(time.time()) + 1)
    assert word(gateway, who)["status"] == "none", "nobody asks any more"
    tap(gateway, who, buttons(first)[0], at=int(time.time()) + 1)
    assert (shown(gateway, welcome)["state"], last(gateway, who)["method"], word(gateway, who)["rank"]) == ("expired", "whatsapp", "written"), "it was too late to confirm anything"


@pytest.mark.shared
def test_an_answer_given_in_time_and_heard_late_counts(gateway, sandbox):
    who, welcome = ask_in_window(gateway, sandbox, expires_after="3s", reminders=0)
    said = int(time.time())
    reaches(gateway, welcome, state="expired")
    says(gateway, who, "yes", at=said)
    assert shown(gateway, welcome)["state"] == "done" and word(gateway, who)["rank"] == "confirmed"


@pytest.mark.shared
def test_an_old_consent_is_confirmed_again_or_taken_back(gateway, sandbox):
    stranger = str(next(NUMBERS))
    assert ask(gateway, stranger, 409, reconfirm=True, text=QUESTION)["error"]["field"] == "reconfirm"
    for silence, then in (("nothing", "granted"), ("withdraw", "withdrawn")):
        who = writer(gateway, sandbox)
        gateway.grant("+" + who)
        made = ask(gateway, who, reconfirm=True, on_silence=silence, text=QUESTION, reminders=0, expires_after="3s")
        reaches(gateway, made, state="expired")
        assert len(got(sandbox, who)) == 1 and word(gateway, who)["status"] == then


@pytest.mark.shared
def test_one_question_at_a_time_and_it_can_be_taken_back(gateway, sandbox):
    who, welcome = ask_in_window(gateway, sandbox)
    assert welcome["id"] in ask(gateway, who, 409, text=QUESTION)["error"]["message"]
    status, out, _ = gateway.cli(["welcomes", "list", "--state", "open", "--contact", "+" + who])
    assert status == 0 and welcome["id"] in out
    status, out, _ = gateway.cli(["welcomes", "cancel", welcome["id"], "--json"])
    assert status == 0 and json.loads(out)["state"] == "cancelled"
    assert gateway.admin("DELETE", "/welcomes/" + welcome["id"])[0] == 409
    says(gateway, who, "yes")
    assert word(gateway, who)["status"] == "none"
    status, out, _ = gateway.cli(["welcomes", "start", "+" + who, "--from", rig.SENDER, "--text", QUESTION, "--json"])
    assert status == 0 and json.loads(out)["state"] == "open"


WRONG = {
    "who": {"who": "nobody"},
    "from": {"from": None},
    "scope": {"scope": "everything"},
    "reminders": {"reminders": 9},
    "remind_after": {"remind_after": "soon"},
    "expires_after": {"expires_after": "400d"},
    "on_silence": {"on_silence": "shout"},
    "components": {"components": {}},
    "text": {"text": "x" * 1025},
    "buttons": {"buttons": "yes"},
}


@pytest.mark.shared
@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_named(gateway, field):
    status, body = gateway.admin("POST", "/welcomes", {"who": f"+{next(NUMBERS)}", "from": rig.SENDER, "text": QUESTION, **WRONG[field]})
    assert status == 400 and body["error"]["field"] == field, body
    assert gateway.admin("GET", "/welcomes/m123")[0] == 400 and gateway.admin("GET", "/welcomes?state=odd")[0] == 400


def test_consents_of_a_method_are_asked_about_by_themselves(start, tmp_path):
    sandbox = start(rig.Sandbox, tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"welcome.on": "paper, web_form", "welcome.from": int(rig.SENDER), "welcome.text": QUESTION + " {business}", "business": "Lemon Market"})
    sandbox.webhooks_to(gateway.url + "/webhook")
    who, other = writer(gateway, sandbox), str(next(NUMBERS))
    rig.until("the log is watched", lambda: gateway.query("SELECT 1 FROM reader_cursor WHERE name = 'welcomes' AND value > 0"), 20)
    gateway.grant("+" + other, method="crm")
    old = {"who": "+" + str(next(NUMBERS)), "act": "grant", "scope": "marketing", "method": "paper", "at": "2026-01-02"}
    assert gateway.admin("POST", "/consent/bulk", [old])[1]["recorded"] == 1, "and who agreed long ago is not asked either"
    gateway.grant("+" + who)
    [welcome] = rig.until("somebody is asked", lambda: gateway.admin("GET", "/welcomes")[1]["welcomes"], 20)
    reaches(gateway, welcome, phase="waiting")
    [question] = got(sandbox, who)
    assert question["interactive"]["body"]["text"] == QUESTION + " Lemon Market" and welcome["first"]
    assert word(gateway, who)["rank"] != "confirmed"
    tap(gateway, who, buttons(question)[0])
    assert word(gateway, who)["rank"] == "confirmed"
    gateway.stop()
    again = start(rig.Gateway, tmp_path, sandbox.url, **{"welcome.on": "paper, web_form", "welcome.from": int(rig.SENDER), "welcome.text": QUESTION})
    again.grant("+" + who, method="paper")
    time.sleep(1)
    assert len(again.admin("GET", "/welcomes")[1]["welcomes"]) == 1, "what is confirmed is not asked about, and nobody twice"
    assert "wayleave_welcomes_started_total 0" in again.get("/metrics").text


# Where it dies, and how many messages the person has in the end: the second submission is the reminder's.
DEATHS = {"errand_submitting:1": 1, "errand_writing:1": 1, "errand_written:1": 1, "errand_writing:2": 1, "errand_written:2": 1, "errand_submitting:2": 2}


@pytest.mark.parametrize("place", DEATHS)
def test_the_program_dies_in_between_and_nobody_is_asked_twice(start, tmp_path, place):
    sandbox = start(rig.Sandbox, tmp_path)
    dying = rig.Gateway(tmp_path, sandbox.url, env={"WAYLEAVE_FAILPOINT": place})
    sandbox.webhooks_to(dying.url + "/webhook")
    who = writer(dying, sandbox)
    with contextlib.suppress(requests.ConnectionError):  # it may die before it has answered
        ask(dying, who, text=QUESTION, remind_after="1s" if DEATHS[place] == 2 else "1d", reminders=1)
    rig.until("it died", lambda: dying.child.poll() is not None, 30)
    dying.kill()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, dying.port)
    [made] = gateway.admin("GET", "/welcomes")[1]["welcomes"]
    rig.until("it is known", lambda: shown(gateway, made)["sent"] == DEATHS[place], 30)
    if place.startswith("errand_submitting"):  # else one may have been on its way: that is never sent again
        rig.until("they are asked", lambda: len(got(sandbox, who)) == DEATHS[place], 30)
    time.sleep(1)  # another one would be there by now
    assert len(got(sandbox, who)) <= DEATHS[place] == len(gateway.query("SELECT id FROM msg"))
    tap(gateway, who, "wayleave:yes:" + made["id"])
    assert shown(gateway, made)["state"] == "done", "also while nobody knows whether Meta took it: who answers was asked"


@pytest.mark.shared
def test_an_opt_out_is_confirmed_once(gateway, sandbox):
    who = writer(gateway, sandbox, "STOP")
    confirmed = rig.until("they are told", lambda: [v for v in gateway.admin("GET", f"/welcomes?kind=stopped&contact=%2B{who}")[1]["welcomes"] if v["state"] == "done"], 30)
    assert len(confirmed) == 1 and confirmed[0]["why"] == "sent" and len(got(sandbox, who)) == 1
    says(gateway, who, "please stop!")
    rig.until("it is not said again", lambda: [v["state"] for v in gateway.admin("GET", f"/welcomes?kind=stopped&contact=%2B{who}")[1]["welcomes"]] in (["cancelled", "done"], ["done"]), 30)
    assert len(got(sandbox, who)) == 1
    assert "wayleave_confirmations_sent_total" in gateway.get("/metrics").text


@pytest.mark.shared
def test_two_machines_do_not_answer_each_other_for_ever(gateway, sandbox):
    who = writer(gateway, sandbox)
    begun = int(time.time()) - 60
    agreed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun - 60))
    assert gateway.admin("POST", "/consent", {"who": "+" + who, "act": "grant", "scope": "marketing", "method": "web_form", "source": "https://shop.example/join", "wording": "Yes", "at": agreed})[0] in (200, 201)
    words = ["STOP", "START", "STOP", "START", "HELP", "STOP"]

    def owed():
        rows = gateway.admin("GET", f"/welcomes?kind=all&contact=%2B{who}")[1]["welcomes"]
        return [(v["state"], v["why"]) for v in reversed(rows)]

    for n, text in enumerate(words):
        says(gateway, who, text, at=begun + 5 * n)
    rig.until("all is decided", lambda: len(owed()) == len(words) and "open" not in [state for state, _ in owed()], 30)
    assert [state for state, _ in owed()] == ["done"] * 3 + ["cancelled"] * 3
    assert owed()[3][1] == "3 answers went to them within 24 hours" and len(got(sandbox, who)) == 3
    assert word(gateway, who)["status"] == "withdrawn", "what they ask for is done all the same"


def test_nobody_is_told_where_the_configuration_has_it_so(start, tmp_path):
    sandbox = start(rig.Sandbox, tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"optout.confirm": False, "optout.text_help": "We are {business}.", "business": "Lemon Market"})
    sandbox.webhooks_to(gateway.url + "/webhook")
    who = writer(gateway, sandbox, "STOP")
    sandbox.inbound(who, "HELP")
    rig.until("help comes", lambda: got(sandbox, who), 30)
    assert [m["text"]["body"] for m in got(sandbox, who)] == ["We are Lemon Market."] and word(gateway, who)["status"] == "withdrawn"
