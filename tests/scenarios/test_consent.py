# SPDX-License-Identifier: Apache-2.0
"""Consent over the REST interface: what an import may do, and whose it is when names change hands."""

import hashlib
import json
import time

import pytest
import rig
from test_identity import event, sale

ANA, BELA = rig.PEOPLE[0], rig.PEOPLE[1]


def imported(gateway, **consent):
    status, body = gateway.admin("POST", "/contacts/import", {"source": "form.csv", "contacts": [{"phone": "+" + ANA, "consent": {"scope": "marketing", "method": "form", **consent}}]})
    assert status == 200, body
    return body


def withdraw(gateway, who, **more):
    status, body = gateway.admin("POST", "/consent", {"who": who, "act": "withdraw", "scope": "marketing", "method": "sms", **more})
    assert status == 200, body


def events(gateway, who):
    return [e["act"] for e in gateway.admin("GET", f"/consent/%2B{who}")[1]["events"]]


def test_an_imported_grant_has_a_time_and_undoes_no_opt_out(gateway):
    for at in ({}, {"at": ""}, {"at": None}):
        assert [e["field"] for e in imported(gateway, **at)["errors"]] == ["at"]
    assert gateway.person("+" + ANA) is None
    assert imported(gateway, act="withdraw")["errors"] == []  # an opt-out needs no date to count
    withdraw(gateway, "+" + ANA, at="2026-01-01")
    first = imported(gateway, at="2026-01-02")
    assert (first["errors"], first["consents"]) == ([], 1)
    before = events(gateway, ANA)
    assert imported(gateway, at="2026-01-02")["unchanged"] == 1
    assert events(gateway, ANA) == before
    withdraw(gateway, "+" + ANA)
    imported(gateway, at="2026-01-02")
    assert gateway.person("+" + ANA)["consent"]["marketing"]["status"] == "withdrawn"
    assert sale(gateway, "+" + ANA).status_code == 400
    assert gateway.grant("+" + ANA)["consent"]["marketing"]["status"] == "granted"  # said just now, through the API


def test_a_recycled_number_lifts_nobodys_opt_out(gateway):
    """A's number now belongs to B, who opted out; A's later grant stays A's."""
    one, two, now = "GB.11111", "GB.22222", int(time.time())
    withdraw(gateway, "+" + BELA, at="2026-01-01")
    status, _ = gateway.admin("POST", "/consent", {"who": "+" + ANA, "act": "grant", "scope": "marketing", "method": "form", "at": "2026-06-01"})
    assert status == 200
    for number, user, at in ((ANA, one, now - 60), (BELA, two, now - 50), (ANA, two, now + 1)):
        event(gateway, {"contacts": [{"wa_id": number, "user_id": user}],
                        "messages": [{"from": number, "from_user_id": user, "id": f"wamid.{at}", "timestamp": str(at), "type": "text", "text": {"body": "x"}}]})
    assert gateway.person("+" + ANA)["id"] == gateway.person(two)["id"] != gateway.person(one)["id"]
    for name in ({"to": "+" + ANA}, {"to": "+" + BELA}, {"to": None, "recipient": two}):
        assert sale(gateway, **name).status_code == 400, name
    assert sale(gateway, recipient=one).status_code == 200


def test_a_shared_parent_id_makes_nobody_one(gateway):
    parent = "GB.ENT.99"
    withdraw(gateway, "+" + ANA)
    gateway.grant("+" + BELA)
    for number in (ANA, BELA):
        event(gateway, {"contacts": [{"wa_id": number, "parent_user_id": parent}],
                        "messages": [{"from": number, "id": f"wamid.{number}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": "x"}}]})
    assert gateway.person("+" + ANA)["id"] != gateway.person("+" + BELA)["id"]
    assert sale(gateway, "+" + ANA).status_code == 400
    assert sale(gateway, "+" + BELA).status_code == 200


def test_a_withdrawal_older_than_the_grant_says_that_it_does_not_count(gateway):
    """Consent counts by when the person spoke; whoever writes a late note down must see that nothing changed."""
    who = "+447700900555"
    gateway.grant(who)
    body = {"who": who, "act": "withdraw", "scope": "marketing", "at": "2026-01-02", "method": "phone_call"}
    status, answer = gateway.admin("POST", "/consent", body)
    assert status == 200 and answer["new"] and not answer["in_force"]
    assert answer["consent"]["marketing"]["status"] == "granted"
    code, said, _ = gateway.cli(["consent", "withdraw", who, "--scope", "marketing", "--at", "2026-01-03", "--method", "phone_call"])
    assert code == 0 and "not in force" in said
    status, answer = gateway.admin("POST", "/consent", {**body, "at": None})
    assert status == 200 and answer["in_force"] and answer["consent"]["marketing"]["status"] == "withdrawn"


def test_a_mistyped_key_is_refused(gateway):
    status, answer = gateway.admin("POST", "/consent", {"who": "+447700900556", "act": "grant", "scope": "marketing", "wordng": "yes"})
    assert status == 400 and "did you mean 'wording'" in answer["error"]["message"]
    assert gateway.person("+447700900556") is None


NEW = iter(range(447700907000, 447700907999))  # somebody nobody knows yet, for each case


def record(gateway, who, **event):
    return gateway.admin("POST", "/consent", {"who": who, "scope": "marketing", **event})


def shown(gateway, who):
    status, answer = gateway.admin("GET", "/consent/" + who.replace("+", "%2B"))
    assert status == 200, answer
    return answer


SCAN = "ab" * 32
WAYS = [  # method, what proves it, the rank with it, and what the answer says without it
    ("web_form", {"source": "https://shop.example/join", "wording": "Yes, send me offers.", "evidence": {"ip": "192.0.2.7", "user_agent": "Firefox"}}, "captured", "form's address"),
    ("sms", {"wording": "Reply YES for offers.", "evidence": {"message_id": "SM17"}}, "captured", "message_id"),
    ("ivr", {"wording": "Press 1 for offers.", "evidence": {"call_id": "c-17"}}, "captured", "call_id"),
    ("paper", {"wording": "I want offers.", "evidence": {"scan_sha256": SCAN}}, "captured", "scan_sha256"),
    ("in_person", {"wording": "I want offers.", "evidence": {"scan_sha256": SCAN}}, "captured", "scan_sha256"),
    ("in_app_signup", {"evidence": {"link": "https://wa.me/message/ABC"}}, "written", "link"),
]


@pytest.mark.shared
@pytest.mark.parametrize("method,proof,rank,lacks", WAYS, ids=[way[0] for way in WAYS])
def test_each_way_in_is_worth_what_it_proves(gateway, method, proof, rank, lacks):
    with_proof, without = f"+{next(NEW)}", f"+{next(NEW)}"
    context = {"business": "Example Shop", "policy": "2026-03", "jurisdiction": "US-CA", "language": "en", "expires": "2031-01-01", "at": "2026-02-03T04:05:06Z"}
    status, answer = record(gateway, with_proof, act="grant", method=method, **proof, **context)
    assert status == 200 and answer["rank"] == rank and "lacks" not in answer and answer["in_force"] and answer["back_dated"], answer
    event = shown(gateway, with_proof)["events"][-1]
    assert (event["business"], event["policy"], event["jurisdiction"], event["language"]) == ("Example Shop", "2026-03", "US-CA", "en")
    assert event["expires"].startswith("2031-01-01") and event["rank"] == rank and event["subject"] == f"phone:{with_proof[1:]}"
    assert event["wording"] == proof.get("wording", "") and (json.loads(event["evidence"]) == proof["evidence"])
    status, answer = record(gateway, without, act="grant", method=method)
    assert status == 200 and answer["rank"] == "asserted" and lacks in answer["lacks"], answer
    code, said, _ = gateway.cli(["consent", "grant", f"+{next(NEW)}", "--scope", "marketing", "--method", method, "--business", "Example Shop",
                                 "--policy", "2026-03", "--jurisdiction", "DE", "--expires", "2031-01-01"])
    assert code == 0 and lacks in " ".join(said.split()), said


OURS = ["platform", "merge", "number_moved", "suppression", "no_answer", "preferences", "double_opt_in", " Platform"]


@pytest.mark.shared
@pytest.mark.parametrize("method", OURS)
def test_what_only_the_gateway_hears_is_claimed_by_nobody_else(gateway, method):
    who, grant = f"+{next(NEW)}", {"act": "grant", "scope": "marketing", "method": method, "evidence": {"wamid": "wamid.x"}, "at": "2026-01-02"}
    status, answer = record(gateway, who, **grant)
    assert status == 400 and answer["error"]["field"] == "method" and "gateway" in answer["error"]["message"], answer
    results = gateway.admin("POST", "/consent/bulk", [{"who": who, **grant}])[1]["results"]
    assert [(r["result"], r["field"]) for r in results] == [("failed", "method")]
    listed = gateway.admin("POST", "/contacts/import", {"source": "x", "contacts": [{"phone": who, "consent": grant}]})[1]
    assert [e["field"] for e in listed["errors"]] == ["method"]
    assert gateway.person(who) is None
    assert record(gateway, who, **{**grant, "act": "withdraw"})[1]["in_force"]  # a refusal is taken by whatever word


@pytest.mark.shared
def test_an_id_of_a_message_nobody_heard_is_somebodys_word(gateway):
    """An invented wamid does not lift what the person themselves wrote."""
    who = f"+{next(NEW)}"
    event(gateway, {"contacts": [{"wa_id": who[1:]}], "messages": [{"from": who[1:], "id": f"wamid.{who}", "timestamp": str(int(time.time()) - 60), "type": "text", "text": {"body": "STOP"}}]})
    assert gateway.person(who)["consent"]["marketing"]["status"] == "withdrawn"
    status, answer = record(gateway, who, act="grant", method="whatsapp", evidence={"wamid": "wamid.x"}, source="wamid.x", wording="Yes", at=stamp(-1))
    assert status == 200 and answer["rank"] == "asserted" and "the gateway itself heard" in answer["lacks"] and not answer["in_force"], answer
    assert gateway.person(who)["consent"]["marketing"]["status"] == "withdrawn"


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


FORM = {"act": "grant", "method": "web_form", "source": "https://shop.example/join", "wording": "Yes, write to me."}
ENTRIES = {
    "one": lambda g, who, at: record(g, who, **FORM, at=at)[0] == 200,
    "bulk": lambda g, who, at: g.admin("POST", "/consent/bulk", [{"who": who, "scope": "marketing", **FORM, "at": at}])[1]["recorded"] == 1,
    "import": lambda g, who, at: g.admin("POST", "/contacts/import", {"source": "x", "contacts": [{"phone": who, "consent": {"scope": "marketing", **FORM, "at": at}}]})[1]["consents"] == 1,
}


@pytest.mark.shared
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_clock_that_runs_ahead_outruns_no_refusal(gateway, entry):
    who = f"+{next(NEW)}"
    assert ENTRIES[entry](gateway, who, stamp(250))
    event_now = shown(gateway, who)["events"][-1]
    assert event_now["at"] == event_now["recorded_at"]
    assert record(gateway, who, act="withdraw", method="phone_call")[1]["in_force"]
    assert not ENTRIES[entry](gateway, who, stamp(280)), "when that was, nobody can say"
    assert gateway.person(who)["consent"]["marketing"]["status"] == "withdrawn"
    late = f"+{next(NEW)}"  # a refusal of a clock that runs ahead stands, and not against what is said after it
    assert record(gateway, late, act="withdraw", method="phone_call", at=stamp(250))[1]["in_force"]
    time.sleep(0.01)
    assert ENTRIES[entry](gateway, late, rig.now())
    assert gateway.person(late)["consent"]["marketing"]["status"] == "granted"


@pytest.mark.shared
def test_a_form_without_a_time_lifts_no_refusal(gateway):
    """It was filled in before the person wrote STOP, and posted after it."""
    who = f"+{next(NEW)}"
    assert record(gateway, who, **FORM)[0] == 200  # nobody refused: now will do
    assert record(gateway, who, act="withdraw", method="sms")[1]["in_force"]
    for undated in ({}, {"at": ""}, {"at": None}, {"at": stamp(200)}):
        status, answer = record(gateway, who, **FORM, **undated)
        assert status == 400 and answer["error"]["field"] == "at" and "refused marketing" in answer["error"]["message"], answer
    assert record(gateway, who, **{**FORM, "scope": "utility"})[0] == 200  # of that nothing was refused
    assert record(gateway, who, **{**FORM, "scope": "all"})[0] == 400
    code, _, said = gateway.cli(["consent", "grant", who, "--scope", "marketing"])
    assert code != 0 and "needs at" in " ".join(said.split()), said
    assert [e["act"] for e in shown(gateway, who)["events"]] == ["grant", "withdraw", "grant"]
    time.sleep(0.01)
    assert record(gateway, who, **FORM, at=rig.now())[1]["in_force"]


@pytest.mark.shared
@pytest.mark.parametrize("field,value", [
    ("jurisdiction", "Germany"), ("jurisdiction", "US-"), ("expires", "2025-12-31"), ("expires", "soon"), ("at", "2031-01-01"), ("act", "resume"),
    ("wording_sha256", "ab" * 31), ("wording_sha256", "ab" * 32), ("evidence", 17), ("evidence", {"x": "y" * 5000}), ("business", "x" * 201), ("scope", "everything")])
def test_what_is_wrong_is_named(gateway, field, value):
    who = f"+{next(NEW)}"
    status, answer = record(gateway, who, **{"act": "grant", "method": "web_form", "at": "2026-01-01", **{field: value}})
    assert status == 400 and answer["error"]["field"] == field, answer
    assert gateway.person(who) is None
    if field == "expires":
        assert record(gateway, who, act="withdraw", expires="2031-01-01")[1]["error"]["field"] == "expires"


def test_a_wording_is_kept_once_and_known_by_its_hash(gateway):
    text = "Ja, Neuigkeiten über WhatsApp — gern."
    name = hashlib.sha256(text.encode()).hexdigest()
    one, two = "+447700906001", "+447700906002"
    proof = {"method": "web_form", "source": "https://shop.example/de"}
    assert record(gateway, one, act="grant", wording_sha256=name, **proof)[0] == 400  # nobody said the words yet
    assert record(gateway, one, act="grant", wording=text, language="de", **proof)[1]["rank"] == "captured"
    assert record(gateway, two, act="grant", wording_sha256=name.upper(), **proof)[1]["rank"] == "captured"
    assert record(gateway, two, act="grant", wording="something else", wording_sha256=name, **proof)[0] == 400
    event = shown(gateway, two)["events"][0]
    assert (event["wording"], event["wording_sha256"], event["language"]) == (text, name, "de")
    assert record(gateway, two, act="grant", wording="Other words.", **proof)[1]["rank"] == "captured"
    answer = gateway.admin("GET", "/wordings")[1]
    assert {(w["sha256"], w["text"], w["events"]) for w in answer["wordings"]} == {(name, text, 2), (hashlib.sha256(b"Other words.").hexdigest(), "Other words.", 1)}
    assert answer["counted_all"]
    assert gateway.admin("GET", "/wordings/" + name)[1]["text"] == text
    assert gateway.admin("GET", "/wordings/" + "00" * 32)[0] == 404 and gateway.admin("GET", "/wordings/x")[0] == 400
    assert "2 events, " in gateway.cli(["consent", "wordings"])[1]


def test_the_weaker_never_beats_the_withdrawal(gateway):
    """Who wrote STOP is not brought back by a list or a program's word, whatever time they say."""
    who, proof = "+447700906011", {"method": "web_form", "source": "https://shop.example/", "wording": "Yes, offers please."}
    record(gateway, who, act="grant", at="2026-01-01", **proof)
    assert record(gateway, who, act="withdraw", method="whatsapp", at="2026-02-01", evidence={"wamid": "wamid.stop"})[1]["in_force"]
    before = record(gateway, who, act="grant", at="2026-01-15", **proof)[1]  # back-dated: however good
    assert before["new"] and not before["in_force"] and "withdrew at 2026-02-01" in before["why"]
    for method, rank in (("import", "listed"), ("crm", "asserted")):
        later = record(gateway, who, act="grant", at="2026-03-01", method=method)[1]
        assert later["new"] and not later["in_force"] and later["rank"] == rank and "captured or better" in later["why"], later
    answer = shown(gateway, who)
    assert answer["consent"]["marketing"] == {"status": "withdrawn", "at": "2026-02-01T00:00:00.000Z", "rank": "none", "expires": None, "needs": "captured"}
    standing = answer["standing"][0]
    by = next(e for e in answer["events"] if e["id"] == standing["decided_by"])
    assert (standing["category"], standing["granted"], by["act"], by["method"]) == ("marketing", False, "withdraw", "whatsapp")
    assert len(standing["against"]) == 2
    said = gateway.cli(["consent", "show", who])[1]
    assert "until a later grant that is captured or better" in said and "does not decide" in said
    assert sale(gateway, who).status_code == 400
    assert record(gateway, who, act="grant", at="2026-04-01", **proof)[1]["in_force"]
    again = shown(gateway, who)
    assert again["consent"]["marketing"]["status"] == "granted" and again["standing"][0]["granted"]
    assert record(gateway, who, act="grant", at="2026-04-01", **proof)[1]["new"] is False  # the same evidence: nothing new
    assert record(gateway, who, act="grant", at="2026-04-01", **{**proof, "source": "https://shop.example/two"})[1]["new"]


def test_an_event_has_its_place_in_the_ledger(gateway):
    who = "+447700906021"
    gateway.grant(who)
    give_up = time.monotonic() + 30
    while not (event := shown(gateway, who)["events"][-1])["sealed"]:
        assert event["leaf"] >= 0 and time.monotonic() < give_up
        time.sleep(0.05)
    assert f"leaf {event['leaf']}, inside a signed checkpoint" in gateway.cli(["consent", "show", who])[1]
