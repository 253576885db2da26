# SPDX-License-Identifier: Apache-2.0
"""What people did with messages, and what the business says of them: counted from webhooks, imported, listed, and gone with the
person."""

import csv
import io
import json
import time

import pytest
import rig
from test_erase import envelope, status, store
from test_erasure import ANA, ANA_ID, BO, assert_nowhere, shred

SHA = "ab" * 32


@pytest.fixture
def quiet(start, sandbox, tmp_path):
    return start(rig.Gateway, tmp_path, sandbox.url)


def activity(gateway, *numbers, **more):
    code, answer = gateway.admin("POST", "/contacts/activity", {"numbers": list(numbers), **more})
    assert code == 200, answer
    assert [c["number"] for c in answer["contacts"]] == list(numbers)
    return answer["contacts"]


def imported(gateway, *rows, **more):
    code, answer = gateway.admin("POST", "/contacts/import", {"contacts": list(rows), **more})
    assert code == 200, answer
    return answer


def listed(gateway, query=""):
    """Phones of all pages, by pages of two."""
    phones, cursor = [], ""
    while True:
        code, page = gateway.admin("GET", f"/contacts?limit=2{query}{cursor}")
        assert code == 200, page
        phones += [c["phone"] for c in page["contacts"]]
        if page["next"] is None:
            return phones
        cursor = "&cursor=" + page["next"]


def said(number, mid, at, **content):
    """A message from a person."""
    return {"contacts": [{"profile": {"name": "Ana"}, "wa_id": number}], "messages": [{"from": number, "id": mid, "timestamp": str(at), **content}]}


TEXT = {"type": "text", "text": {"body": "hello"}}
TAP = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "more", "title": "More"}}}


def test_statuses_and_replies_make_a_contact_active(gateway, sandbox):
    ana, bo, nobody = "+" + rig.PEOPLE[0], "+" + rig.PEOPLE[1], "+447700900999"
    gateway.grant(ana)
    assert gateway.send_template(ana, "spring_sale", parameters=["Ana"]).status_code == 200
    rig.until("it is read", lambda: activity(gateway, ana)[0].get("last_read"))
    [a, b, c, broken] = activity(gateway, ana, bo, nobody, "five")
    assert a["class"] == "active" and 0.99 <= a["score"] <= 1 and not a["stopped"]
    assert a["last_sent"] and a["last_delivered"] and a["last_replied"] is None and a["delay_last"] >= 0 and a["undeliverable"] == 0
    assert b == {"number": bo, "class": "unknown"} and c == {"number": nobody, "class": "unknown"}
    assert broken["class"] == "unknown" and broken["error"]
    assert gateway.person(ana)["activity"]["class"] == "active"
    at = int(time.time()) - 10
    for _ in range(2):  # told twice
        store(gateway, envelope(said(ana[1:], "wamid.1", at, **TEXT)), envelope(said(ana[1:], "wamid.2", at + 1, **TAP)))
    [a] = activity(gateway, ana)
    assert a["class"] == "interactive" and 5.9 <= a["score"] <= 6 and a["last_clicked"] > a["last_replied"]
    assert activity(gateway, ana, horizons={"interactive_days": 1})[0]["class"] == "interactive"
    gateway.admin("POST", "/consent", {"who": ana, "act": "withdraw", "scope": "marketing", "method": "web_form"})
    [a] = activity(gateway, ana)
    assert a["stopped"] and a["score"] == 0 and a["class"] == "interactive"


def test_what_cannot_be_delivered_is_counted_until_a_sign_of_life(gateway, sandbox):
    bo, now = "+" + rig.PEOPLE[1], int(time.time())
    gateway.grant(bo)
    sandbox.fault("fail=131026", to=bo[1:])
    mid = gateway.send_template(bo, "spring_sale", parameters=["Bo"]).json()["messages"][0]["id"]
    rig.until("it failed", lambda: activity(gateway, bo)[0]["last_failed"])
    assert activity(gateway, bo)[0]["undeliverable"] == 1 and activity(gateway, bo)[0]["class"] == "new"
    failed = [{"id": mid, "status": "failed", "timestamp": str(now - 60 * i), "recipient_id": bo[1:], "errors": [{"code": 131026, "title": "Undeliverable"}]} for i in (1, 2)]
    store(gateway, envelope({"statuses": failed}))
    assert activity(gateway, bo)[0]["undeliverable"] == 3 and listed(gateway, "&activity=undeliverable") == [bo]
    assert activity(gateway, bo, horizons={"undeliverable_after": 4})[0]["class"] == "new"
    store(gateway, envelope(said(bo[1:], "wamid.back", now + 1, **TEXT)))
    assert activity(gateway, bo)[0]["class"] == "interactive"
    assert activity(gateway, bo)[0]["undeliverable"] == 0


def test_attributes_tags_and_files_are_kept_shown_and_listed(quiet):
    people = [f"+44770092{i:04}" for i in range(5)]
    source = {"name": "crm.csv", "sha256": SHA}
    rows = [{"phone": p, "attributes": {"city": "Bern" if i < 2 else "Köln", "n": str(i)}, "tags": ["all"] + (["vip"] if i % 2 else [])} for i, p in enumerate(people)]
    first, again = imported(quiet, *rows, **{"import": source}), imported(quiet, *rows, **{"import": source})
    assert first["created"] == 5 and again["unchanged"] == 5, again
    contact = quiet.person(people[1])
    assert contact["attributes"]["city"]["value"] == "Bern" and contact["attributes"]["city"]["import"] == contact["imports"][0]["id"]
    assert contact["tags"] == ["all", "vip"] and contact["imports"][0]["sha256"] == SHA and contact["imports"][0]["name"] == "crm.csv"
    changed = imported(quiet, {"phone": people[1], "attributes": {"n": None, "city": "Biel"}, "tags": ["-vip", "new"]})
    assert changed["updated"] == 1
    contact = quiet.person(people[1])
    assert contact["tags"] == ["all", "new"] and set(contact["attributes"]) == {"city"} and contact["attributes"]["city"]["value"] == "Biel"
    assert listed(quiet) == people and listed(quiet, "&activity=new") == people and listed(quiet, "&activity=dormant,active") == []
    assert listed(quiet, "&tag=vip") == [people[3]] and listed(quiet, "&attribute.city=K%C3%B6ln&attribute.n=4") == [people[4]]
    assert listed(quiet, "&attribute.n=") == [people[0], *people[2:]] and listed(quiet, "&idle_days=30") == [] and listed(quiet, "&seen_days=30") == []
    code, answer = quiet.admin("PUT", f"/contacts/{people[0].replace('+', '%2B')}/attributes", {"attributes": {"shoe": "43"}})
    assert code == 200 and set(answer["attributes"]) == {"shoe"}
    code, answer = quiet.admin("PUT", f"/contacts/{people[0].replace('+', '%2B')}/tags", {"tags": ["gold"]})
    assert code == 200 and answer["tags"] == ["gold"]
    code, answer = quiet.admin("PUT", "/contacts/%2B4915100000000/tags", {"tags": []})
    assert code == 404
    done, out, _ = quiet.cli(["contacts", "list", "--tag", "vip", "--json"])
    assert done == 0 and [json.loads(line)["phone"] for line in out.splitlines()] == [people[3]]
    done, out, _ = quiet.cli(["contacts", "list", "--attribute", "city=Köln", "--csv"])
    assert done == 0 and [(row["phone"], row["class"], row["tags"]) for row in csv.DictReader(io.StringIO(out))] == [(p, "new", t) for p, t in zip(people[2:], ("all", "all,vip", "all"))]
    done, out, _ = quiet.cli(["contacts", "list", "--limit", "2"])
    assert done == 0 and people[1] in out and people[2] not in out and "there are more" in out
    assert quiet.cli(["contacts", "list", "--activity", "sleepy"])[0] == 2 and "no contact" in quiet.cli(["contacts", "list", "--seen-days", "9"])[1]
    out = quiet.cli(["contacts", "show", people[1]])[1]
    assert all(word in out for word in ("Biel", "crm.csv", "new, score 0"))
    assert [quiet.admin(method, path, body)[0] for method, path, body in [
        ("GET", "/contacts?activity=sleepy", None), ("GET", "/contacts?attribut.x=1", None), ("GET", "/contacts?idle_days=0", None), ("GET", "/contacts?cursor=x", None),
        ("PUT", "/contacts/x/tags", {"tags": "a"}), ("PUT", f"/contacts/{people[0][1:]}/attributes", {"attributes": {"City": "x"}}),
        ("POST", "/contacts/activity", {"numbers": []}), ("POST", "/contacts/activity", {"numbers": ["x"], "horizons": {"idle_days": 0}}),
        ("POST", "/contacts/activity", {"numbers": ["x"] * 5001}), ("POST", "/contacts/import", {"contacts": [], "import": {"name": "a", "sha256": "1"}})]] == [400] * 10
    bad = imported(quiet, *({"phone": people[4], **wrong} for wrong in (
        {"attributes": {"a b": "x"}}, {"attributes": {"a": ""}}, {"attributes": {"a": "x" * 513}}, {"attributes": ["a"]}, {"tags": ["a,b"]}, {"tags": [""]}, {"tags": "a"}, {"tags": [1]})))
    assert len(bad["errors"]) == 8 and {e["field"] for e in bad["errors"]} == {"attributes", "tags"}
    many = imported(quiet, {"phone": people[4], "attributes": {f"a{i}": "x" for i in range(70)}})
    assert len(quiet.person(people[4])["attributes"]) == 64 and len(many["warnings"]) == 1


def test_a_tap_is_counted_once_whatever_is_started_again(start, sandbox, tmp_path):
    first, ana = start(rig.Gateway, tmp_path, sandbox.url), "+" + ANA
    store(first, envelope(said(ANA, "wamid.t", int(time.time()) - 10, **TAP)))
    [before] = activity(first, ana)
    assert 1.99 <= before["score"] <= 2 and before["last_clicked"] and before["last_replied"] is None
    first.stop()
    again = start(rig.Gateway, tmp_path, sandbox.url)
    rig.until("it is filled", lambda: again.query("SELECT 1 FROM reader_cursor WHERE name = 'activity.pairs' AND value = -1"))
    [after] = activity(again, ana)
    assert 1.99 <= after["score"] <= 2 and after["last_clicked"] == before["last_clicked"] and after["last_replied"] is None


def test_who_is_to_be_erased_is_in_no_list_and_no_import_brings_them_back(quiet):
    ana, bo, source = "+" + ANA, "+" + BO, {"name": "people.csv", "sha256": SHA}
    imported(quiet, *({"phone": p, "name": "Ana", "attributes": {"street": "S"}, "tags": ["t"]} for p in (ana, bo)))
    quiet.grant(ana)
    store(quiet, envelope(said(ANA, "wamid.a1", int(time.time()) - 5, **TEXT)))
    assert listed(quiet) == [ana, bo] and activity(quiet, ana)[0]["class"] == "interactive"
    code, out, error = quiet.cli(["contacts", "erase", ana, "--yes"])
    assert code == 0 and quiet.query("SELECT COUNT(*) FROM person WHERE restricted_until > 0") == [(1,)], out + error
    assert listed(quiet) == [bo] and listed(quiet, "&tag=t") == [bo]
    assert [row["phone"] for row in csv.DictReader(io.StringIO(quiet.cli(["contacts", "list", "--csv"])[1]))] == [bo]
    assert activity(quiet, ana) == [{"number": ana, "class": "unknown"}]
    row = {"phone": ana, "user_id": ANA_ID, "name": "Ana again", "lang": "de", "zone": "Europe/Berlin", "attributes": {"street": "S"}, "tags": ["t"]}
    answer = imported(quiet, row, **{"import": source})
    assert answer["unchanged"] == 1 and answer["updated"] == 0 and "erased" in answer["warnings"][0]["message"], answer
    answer = imported(quiet, {**row, "consent": {"act": "withdraw", "scope": "marketing", "method": "import"}}, **{"import": source})
    assert answer["consents"] + answer.get("withdrawals", 0) == 1 and "erased" in answer["warnings"][0]["message"], answer
    assert quiet.query("SELECT COUNT(*) FROM person WHERE restricted_until > 0 AND name = '' AND lang = '' AND zone = ''") == [(1,)]
    assert [quiet.query(f"SELECT COUNT(*) FROM {table}") for table in ("activity", "attribute", "tag", "contact_source")] == [[(0,)], [(1,)], [(1,)], [(0,)]]


def test_what_cannot_be_read_is_refused_by_name(quiet):
    phone = "+447700920000"
    imported(quiet, {"phone": phone})
    for body, field, word in (
            ({"numbers": [phone, None]}, "numbers", "numbers[1]"), ({"numbers": [phone, phone, {}]}, "numbers", "numbers[2]"), ({"numbers": [1]}, "numbers", "numbers[0]"),
            ({"numbers": phone}, "numbers", "array"), ({"numbers": [phone], "horizons": "y"}, "horizons", "object"), ({"numbers": [phone], "horizons": []}, "horizons", "object"),
            ({"numbers": [phone], "horizons": {"idle_days": 1.5}}, "idle_days", "number")):
        code, answer = quiet.admin("POST", "/contacts/activity", body)
        assert code == 400 and field in json.dumps(answer) and word in json.dumps(answer), (body, answer)
    assert [c["class"] for c in activity(quiet, "+44 (0)7700 920000", "+44-7700-920000")] == ["new", "new"]
    for attributes in ({"a\0b": "x"}, {"\0": "x"}, {"a\n": "x"}, {"a": "x\0y"}, {"a": "x\ny"}, {"a": "\x7fy"}, {"a": "x\x1b[2J"}):
        code, answer = quiet.admin("PUT", "/contacts/%2B447700920000/attributes", {"attributes": attributes})
        assert code == 400 and "attribute" in json.dumps(answer), attributes
        assert imported(quiet, {"phone": phone, "attributes": attributes})["errors"][0]["field"] == "attributes"
    for name in ("a\0b", "a\nb", "a\x7f"):
        code, answer = quiet.admin("POST", "/contacts/import", {"contacts": [], "import": {"name": name, "sha256": SHA}})
        assert code == 400 and "import.name" in json.dumps(answer), name
    for i in range(18):
        imported(quiet, {"phone": phone}, **{"import": {"name": "daily.csv", "sha256": f"{i:064x}"}})
    code, export = quiet.admin("GET", "/contacts/%2B447700920000/export")
    assert code == 200 and export["cut"] and export["imports_cut"] and [int(i["sha256"], 16) for i in export["imports"]] == [0, *range(3, 18)]


def test_nothing_of_it_is_left_of_somebody_who_is_erased(quiet):
    secret = "Mühlenstraße-Geheimnis-77"
    rows = [{"phone": "+" + number, "user_id": uid, "attributes": {"street": secret + number}, "tags": ["tag-" + number]} for number, uid in ((ANA, ANA_ID), (BO, "GB.90000000000302"))]
    imported(quiet, *rows, **{"import": {"name": "people.csv", "sha256": SHA}})
    store(quiet, envelope(said(ANA, "wamid.a1", 1790000000, **TEXT)), envelope(said(BO, "wamid.b1", 1790000000, **TEXT)))
    code, export = quiet.admin("GET", f"/contacts/%2B{ANA}/export")
    assert code == 200 and export["attributes"]["street"]["value"] == secret + ANA and export["tags"] == ["tag-" + ANA]
    assert export["activity"]["last_replied"] and export["imports"][0]["name"] == "people.csv"
    shred(quiet, "+" + ANA)
    assert_nowhere(quiet, ANA, secret + ANA, "tag-" + ANA)
    store(quiet, envelope({"statuses": [status(ANA, "wamid.x")]}))
    assert activity(quiet, "+" + ANA) == [{"number": "+" + ANA, "class": "unknown"}]
    assert [quiet.query(f"SELECT COUNT(*) FROM {table}") for table in ("activity", "attribute", "tag", "contact_source")] == [[(1,)]] * 4
    assert quiet.person("+" + BO)["attributes"]["street"]["value"] == secret + BO
