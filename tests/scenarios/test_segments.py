# SPDX-License-Identifier: Apache-2.0
"""Segments: who is meant is said in a sentence and counted as of now; what is mistyped is named; nobody loses what somebody else saved; a
list that is exported has everybody once; and whoever refused, or is gone, is in no count of people who may be written to."""

import contextlib
import csv
import io
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import campaign_rig
import pytest
import rig

GRANT = {"act": "grant", "scope": "marketing", "method": "web_form", "at": "2026-01-02T03:04:05Z"}


@pytest.fixture
def quiet(start, sandbox, tmp_path):
    return start(rig.Gateway, tmp_path, sandbox.url)


def every(*rules, combinator="and"):
    """A query: field, operator, value of each condition."""
    return {"combinator": combinator, "rules": [{"field": f, "operator": o, "value": v} for f, o, v in rules]}


VIP = every(("tag", "=", "vip"))


def imported(gateway, *rows):
    code, answer = gateway.admin("POST", "/contacts/import", {"contacts": list(rows), "import": {"name": "crm.csv", "sha256": "ab" * 32}})
    assert code == 200 and not answer["errors"], answer


def asked(gateway, verb, query=None, **more):
    code, answer = gateway.admin("POST", f"/segments/{verb}", {**({"query": query} if query else {}), **more})
    assert code == 200, answer
    return answer


def count(gateway, query=None, **more):
    return asked(gateway, "count", query, **more)["matching"]


def crowd(gateway):
    """Six in Germany, three in Brazil; four Germans agreed to marketing. The tests that share a gateway share them."""
    imported(gateway, *[{"phone": f"+49170123450{i}", "name": f"P{i}", "tags": ["vip"] if i % 2 else ["cold"],
                         "attributes": {"city": "Berlin" if i < 3 else "Bern"}, **({"consent": GRANT} if i < 4 else {})} for i in range(6)],
             *[{"phone": f"+551191234560{i}", "tags": ["vip"]} for i in range(3)])


def fields_chapter(fields):
    """What docs/segments.md says of them."""
    lines = ["| Field | Is | What it is | Words |", "|---|---|---|---|"]
    sets = {}
    for f in fields:
        name = f["name"] + ("NAME" if f["name"].endswith(".") else "")
        lines.append(f"| `{name}` | {f['type']} | {f['label']}: {f['doc']} | {' '.join(f'`{v}`' for v in f['values'] or [])} |")
        sets.setdefault(" ".join(f["operators"]), []).append(f"`{name}`")
    return "\n".join([*lines, "", *(f"- `{operators}`: {', '.join(names)}" for operators, names in sets.items())]) + "\n"


@pytest.mark.shared
def test_a_count_says_who_how_many_and_what_nobody_has(gateway):
    crowd(gateway)
    a = asked(gateway, "count", every(("country", "in", "DE,AT"), ("tag", "=", "vip")))
    assert a["sentence"] == "People in Germany or Austria who have the tag vip." and a["unheard"] == []
    assert (a["people"], a["matching"], a["reachable"]) == (9, 3, {"marketing": 2, "utility": 0, "authentication": 0})
    a = asked(gateway, "count", every(("tag", "=", "vyp"), ("attribute.cty", "=", "Bern")))
    assert a["matching"] == 0 and a["unheard"] == ["tag vyp", "attribute.cty"]
    a = asked(gateway, "explain", every(("country", "=", "DE"), ("tag", "=", "vip")))
    assert [(r["path"], r["people"]) for r in a["rules"]] == [("rules[0]", 6), ("rules[1]", 6)] and a["matching"] == 3
    assert "audience_tag" in asked(gateway, "sql", VIP)["sql"]
    # for a console's menus
    code, fields = gateway.admin("GET", "/segments/fields")
    names = {f["name"]: f for f in fields["fields"]}
    assert code == 200 and "=" in names["country"]["operators"] and "granted" in names["consent.marketing"]["values"]
    assert names["attribute.city"]["people"] == 6
    chapter = fields_chapter([f for f in fields["fields"] if "people" not in f])
    assert chapter in (rig.ROOT / "docs" / "segments.md").read_text(), "docs/segments.md is to say:\n" + chapter
    code, values = gateway.admin("GET", "/segments/fields/attribute.city/values?limit=1")
    assert code == 200 and len(values["values"]) == 1 and values["values"][0]["people"] == 3 and values["more"]
    assert gateway.admin("GET", "/segments/fields/list/values")[1]["values"] == [{"value": "crm.csv", "people": 9}]
    # a few of them, to look at: the same seed shows the same people, and no number
    a = asked(gateway, "sample", VIP, limit=3, seed=7)
    assert a == {**asked(gateway, "sample", VIP, limit=3, seed=7), "as_of": a["as_of"]} and len({c["id"] for c in a["contacts"]}) == 3
    assert all("*****" in c["phone"] and len(c["phone"]) < 12 for c in a["contacts"]) and a["contacts"][-1]["tags"] == ["vip"]
    code, model = gateway.admin("GET", "/segments/model")
    assert code == 200 and model["people"] == 9 and model["bytes"] > 0 and model["current"]


def test_what_was_written_a_moment_ago_counts(quiet):
    crowd(quiet)
    anna, everybody = "+491701234501", every()
    assert count(quiet, VIP) == 6 and asked(quiet, "count", everybody)["reachable"]["marketing"] == 4
    quiet.admin("PUT", f"/contacts/{anna}/tags", {"tags": ["-vip"]})
    assert count(quiet, VIP) == 5
    quiet.admin("POST", "/consent", {"who": anna, "act": "withdraw", "scope": "marketing", "method": "web_form"})
    a = asked(quiet, "count", everybody)
    assert a["matching"] == 9 and a["reachable"]["marketing"] == 3
    # no query brings back who refused
    refused = asked(quiet, "count", every(("consent.marketing", "=", "withdrawn")))
    assert refused["matching"] == 1 and refused["reachable"]["marketing"] == 0
    # who is to be erased, or is gone, is in no segment, count, sample or list
    code, out, err = quiet.cli(["contacts", "erase", "+491701234503", "--yes"])
    assert code == 0, (out, err)
    assert count(quiet, everybody) == 8
    assert "+491701234503" not in json.dumps(asked(quiet, "export", everybody))
    # many at once, while people are written: each answer is of a moment
    stop = threading.Event()

    def write():
        for i in range(20):
            imported(quiet, {"phone": f"+4917098700{i:02}", "tags": ["vip"]})
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    with ThreadPoolExecutor(4) as pool:
        while not stop.is_set():
            seen += list(pool.map(lambda fresh: count(quiet, everybody, fresh=fresh), [False, True, False, True]))
    writer.join()
    assert all(8 <= n <= 28 for n in seen) and count(quiet, everybody) == 28


WRONG = [
    ({"query": every(("tagg", "=", "vip"))}, "query.rules[0].field", "tagg"),
    ({"query": every(("tag", "=", "vip"), ("tag", "resembles", "vip"))}, "query.rules[1].operator", "resembles"),
    ({"query": {"combinator": "and", "rules": [VIP["rules"][0], every(("score", ">", "much"))]}}, "query.rules[1].rules[0].value", "much"),
    ({"query": every(("country", "=", "Germany"))}, "query.rules[0].value", "is no country"),
    ({"query": {"combinator": "nor", "rules": []}}, "query.combinator", "nor"),
    ({"query": [1]}, "query", "object"),
    ({}, "query", "query"),
    ({"query": VIP, "segment": "vip"}, "segment", "both"),
    ({"segment": 5}, "segment", "name"),
    ({"query": VIP, "fresh": "yes"}, "fresh", "true"),
    ({"quary": VIP}, None, "query"),
    ({"query": every(("tag", "in", ["x" * 60] * 1200))}, "query", "larger"),
]


@pytest.mark.shared
def test_bad_input_is_named_with_its_place(gateway):
    for body, field, word in WRONG:
        code, answer = gateway.admin("POST", "/segments/count", body)
        assert code in (400, 413) and answer["error"].get("field") == field and word in answer["error"]["message"], (body, answer)
    for path, code, word in (("/segments/vip", 404, "vip"), ("/segments/fields/contry/values", 404, "did you mean 'country'"), ("/segments/fields/score/values", 400, "score"),
                             ("/segments/fields/tag/values?limit=0", 400, "limit"), ("/segments?after=", 400, "after"), ("/segments/vip/versions", 404, "vip")):
        got, answer = gateway.admin("GET", path)
        assert got == code and word in answer["error"]["message"], (path, answer)
    for path, body, field in (("/segments/model", {"query": VIP}, "name"), ("/segments/x", {"query": every(("tagg", "=", "1"))}, "query.rules[0].field"), ("/segments/x", {"query": VIP, "note": 5}, "note"),
                              ("/segments/x", {"query": VIP, "version": -1}, "version"), ("/segments/" + "x" * 129, {"query": VIP}, "name"), ("/segments/x%0ay", {"query": VIP}, "name")):
        code, answer = gateway.admin("PUT", path, body)
        assert code == 400 and answer["error"]["field"] == field, (path, answer)
    for verb, more, field in (("sample", {"limit": 101}, "limit"), ("export", {"limit": 0}, "limit"), ("export", {"cursor": "7"}, "cursor"), ("sample", {"seed": -1}, "seed")):
        code, answer = gateway.admin("POST", f"/segments/{verb}", {"query": VIP, **more})
        assert code == 400 and answer["error"]["field"] == field, answer
    assert gateway.admin("GET", "/segments")[1] == {"segments": [], "next": None}


@pytest.mark.shared
def test_saved_segments_have_versions_and_nobody_overwrites_another(gateway):
    crowd(gateway)
    name = "/segments/vip%20%2F%20cold"  # any name a person would give

    def put(query, **more):
        return gateway.admin("PUT", name, {"query": query, **more})

    code, a = put(VIP, version=0, actor="ada", note="for the spring sale")
    assert code == 201 and (a["name"], a["version"], a["saved"], a["sentence"]) == ("vip / cold", 1, True, "People who have the tag vip.")
    assert put(VIP)[1]["saved"] is False and put(VIP, version=0)[0] == 409
    code, a = put(every(("tag", "=", "cold")), version=1, actor="bob")
    assert code == 200 and a["version"] == 2
    assert gateway.admin("PUT", "/segments/unsaid", {"query": VIP})[0] == 201
    assert gateway.admin("GET", "/segments/unsaid")[1]["actor"] == "admin"  # whoever has the key
    assert gateway.admin("DELETE", "/segments/unsaid")[0] == 200
    code, a = put(VIP, version=1)  # who looked before bob
    assert code == 409 and a["error"]["field"] == "version" and "version 2" in a["error"]["message"]
    assert gateway.admin("GET", name)[1]["query"] == every(("tag", "=", "cold"))
    code, a = gateway.admin("GET", name + "?version=1")
    assert code == 200 and a["query"] == VIP and a["actor"] == "ada" and a["note"] == "for the spring sale"
    versions = gateway.admin("GET", name + "/versions?limit=1")[1]
    assert [v["version"] for v in versions["versions"]] == [2] and versions["next"] == 2
    assert [v["actor"] for v in gateway.admin("GET", name + "/versions?before=2")[1]["versions"]] == ["ada"]
    assert count(gateway, segment="vip / cold") == 3 and count(gateway, segment="vip / cold", version=1) == 6
    code, a = gateway.admin("POST", "/segments/count", {"segment": "vip / colt"})
    assert code == 404 and "did you mean 'vip / cold'" in a["error"]["message"]
    code, a = gateway.admin("POST", "/segments/count", {"segment": "vip / cold", "version": 9})
    assert code == 404 and a["error"]["field"] == "version"
    assert gateway.admin("DELETE", name)[0] == 200 and gateway.admin("DELETE", name)[0] == 404
    assert put(VIP, version=0)[1]["version"] == 1 and gateway.admin("DELETE", name)[0] == 200


def test_an_export_has_everybody_once_in_the_version_it_began_with(quiet):
    numbers = [f"+4917012{i:05}" for i in range(600)]
    imported(quiet, *[{"phone": n, "tags": ["all"] + (["some"] if i % 50 == 0 else []), "name": "=1+1" if i == 0 else f"P{i}",
                       "attributes": {"city": f"City, {i}"}} for i, n in enumerate(numbers)])
    quiet.admin("PUT", "/segments/list", {"query": every(("tag", "=", "all"))})
    got, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = asked(quiet, "export", segment="list", limit=250, **({"cursor": cursor} if cursor else {}))
        got += [c["phone"] for c in page["contacts"]]
        cursor, pages = page["next"], pages + 1
        if pages == 1:  # somebody changes it meanwhile, and somebody else comes
            quiet.admin("PUT", "/segments/list", {"query": every(("tag", "=", "some"))})
            imported(quiet, {"phone": "+491709999999", "tags": ["all"]})
        assert page["version"] == 1
    assert got[:600] == numbers and got[600:] == ["+491709999999"] and pages == 3
    # a few of many: each is looked up
    few = asked(quiet, "export", every(("tag", "=", "some")))
    assert [c["phone"] for c in few["contacts"]] == numbers[::50] and few["next"] is None
    # as a table, and as lines
    code, out, err = quiet.cli(["segments", "export", "--where", "tag = all", "--attribute", "city"])
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and len(rows) == 601, err
    assert rows[0]["phone"] == numbers[0] and rows[0]["name"] == "'=1+1" and rows[1]["city"] == "City, 1" and rows[0]["tags"] == "all,some"
    code, out, err = quiet.cli(["segments", "export", "list", "--json", "--limit", "5"])
    assert code == 0 and [json.loads(line)["phone"] for line in out.splitlines()] == numbers[0:250:50], err


def test_a_list_has_everybody_beside_those_who_are_gone(quiet):
    numbers = [f"+4917012345{i:02}" for i in range(20)]
    imported(quiet, *[{"phone": n, "tags": ["all"] + (["few"] if i in (0, 1, 19) else []), **({"consent": GRANT} if 4 < i < 12 else {})}
                      for i, n in enumerate(numbers)])
    for n in numbers[5:12]:  # their proof is kept: they keep a row, and are in no segment
        assert quiet.cli(["contacts", "erase", n, "--yes"])[0] == 0
    a = asked(quiet, "export", every(("tag", "=", "all")))
    assert [c["phone"] for c in a["contacts"]] == numbers[:5] + numbers[12:] and a["matching"] == 13
    few = every(("tag", "=", "few"))
    assert [c["phone"] for c in asked(quiet, "export", few)["contacts"]] == [numbers[0], numbers[1], numbers[19]]
    # somebody turns out to be somebody else after everybody was read
    with contextlib.closing(sqlite3.connect(f"{quiet.folder}/state/wayleave.db", timeout=30)) as db, db:
        db.execute("UPDATE person SET merged_into = 1 WHERE id = (SELECT MIN(id) FROM person)")
    assert [c["phone"] for c in asked(quiet, "export", few)["contacts"]] == [numbers[1], numbers[19]]


def test_what_is_muted_is_not_explained(quiet):
    muted = {"combinator": "and", "muted": True, "rules": [{"field": "tagg", "operator": "=", "value": "x"}]}
    crowd(quiet)
    query = {"combinator": "and", "rules": [VIP["rules"][0], {"field": "tag", "operator": "=", "value": "cold", "muted": True}, muted]}
    a = asked(quiet, "explain", query)
    assert a["matching"] == 6 and [(r["path"], r["people"]) for r in a["rules"]] == [("rules[0]", 6)]


def test_what_a_campaign_did_can_be_asked(gateway, sandbox):
    numbers = campaign_rig.people(gateway, 12)
    sandbox.fault("code=131026", times=2, method="POST", path="/111/messages")
    c = campaign_rig.Campaign(gateway, campaign_rig.definition()).launched()
    c.wait("finished")
    sandbox.all_told()
    gateway.wait_applied()

    def who(mark, operator="="):
        return count(gateway, every(("campaign", operator, c.id + mark)))

    assert (who(""), who(":in"), who(":delivered"), who(":failed")) == (12, 12, 10, 2) and who(":delivered", "!=") == 2
    assert asked(gateway, "export", every(("campaign", "=", c.id + ":failed")))["matching"] == 2 and len(numbers) == 12
    assert asked(gateway, "count", every(("campaign", "=", "k0dwt9b3c5e0g00:read")))["unheard"] == ["campaign k0dwt9b3c5e0g00:read"]
    assert gateway.admin("GET", "/segments/model")[1]["campaigns"] == 1


@pytest.mark.shared
def test_the_command_line(gateway):
    crowd(gateway)

    def cli(*words, stdin=None, want=0):
        code, out, err = gateway.cli(["segments", *words], stdin=stdin)
        assert code == want, (words, out, err)
        return out or err

    out = cli("save", "vip-germany", "--where", "country in DE,AT", "--where", "tag is vip", "--note", "spring", "--actor", "ada")
    assert "saved vip-germany version 1" in out and "People in Germany or Austria who have the tag vip." in out
    out = cli("count", "vip-germany")
    assert "3 of 9 people" in out and "marketing to 2" in out
    shown = cli("show", "vip-germany", "--json")
    assert json.loads(cli("count", "--query", "-", "--json", stdin=shown))["matching"] == 3  # what was shown can be asked again
    assert "tag vyp" in cli("count", "--where", "tag is vyp")
    assert json.loads(cli("count", "--any", "--where", "tag = vip", "--where", "attribute.city begins with ber", "--json"))["matching"] == 9  # Berlin and Bern
    assert json.loads(cli("count", "--where", "attribute.city is unknown", "--json"))["matching"] == 3
    assert "any of the tags \"a,b\" or c." in cli("count", "--where", "tag in a\\,b, c,")
    assert [json.loads(line)["name"] for line in cli("list").splitlines()] == ["vip-germany"]  # no terminal: lines of JSON
    assert {json.loads(line)["value"] for line in cli("values", "tag").splitlines()} == {"vip", "cold"}
    assert "People in Germany or Austria." in cli("explain", "vip-germany") and "SELECT" in cli("sql", "vip-germany")
    assert len(cli("sample", "vip-germany", "--limit", "2").splitlines()) == 2
    assert "people" in cli("model") and json.loads(cli("show", "vip-germany", "--versions"))["version"] == 1
    for words in (["count"], ["count", "--where", "tag vip"], ["count", "--where", "tag is known x"], ["count", "--where", "tagg = vip"], ["save", "x", "--query", "-", "--where", "tag = x"]):
        cli(*words, want=2)
    assert "did you mean 'vip-germany'" in cli("count", "vip-germny", want=1)
    cli("save", "vip-germany", "--where", "tag = cold", "--version", "7", want=1)
    cli("count", "--query", "nothing.json", want=1)
    assert "removed" in cli("drop", "vip-germany")
