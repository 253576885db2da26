# SPDX-License-Identifier: Apache-2.0
"""Consent over the REST interface: what an import may do, and whose it is when names change hands."""

import time

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
