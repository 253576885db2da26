# SPDX-License-Identifier: Apache-2.0
"""Rules and decisions from the command line: no gateway for most of it. What is printed as an example must be one when it
is asked about, and what is wrong must be named."""

import json
import re
import subprocess

import pytest
import rig

POLICY = """ruleset: shop
kind: policy
schema: 1
title: Shop
rules:
  - id: shop.quiet
    title: One marketing message in {hours} hours
    verdict: hold
    until: {{fact: marketing.sent.1, plus: $gap}}
    code: 131049
    reason: The last marketing message to this person was less than {hours} hours ago.
    change: time
    values:
      2026-01-01: {{gap: {hours}h}}
    applies: {{fact: message.category, is: marketing}}
    when: {{fact: marketing.sent.1, newer_than: $gap}}
    on_unknown: ignore
    cite: [{{title: Our own decision, url: 'https://shop.example/policy', read: {read}}}]
    tests:
      - {{given: {{message.category: marketing, marketing.sent.1: now-1h}}, expect: hold}}
      - {{given: {{message.category: marketing, marketing.sent.1: now-{hours}h}}, expect: none}}
"""
ANSWER = {"message.kind": "freeform", "message.category": "service", "message.path": "messages", "recipient.form": "phone", "recipient.valid": True,
          "window.last_inbound": "now-1h", "consent.status": "none"}


def cli(*arguments, stdin=None, code=0, cwd=None):
    """Runs wayleave without a gateway; returns what it printed, or what it said when it should fail."""
    r = subprocess.run([rig.BIN, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60 * rig.SLOW, cwd=cwd)
    assert not rig.SANITIZER.search(r.stderr), r.stderr
    assert r.returncode == code, f"{r.returncode}: {r.stdout}{r.stderr}"
    return r.stdout if code in (0, 3, 4) else r.stderr


def decide(facts, *more, code=0):
    return json.loads(cli("decide", "--facts", "-", "--json", *more, stdin=json.dumps(facts), code=code))


@pytest.fixture
def policy(tmp_path):
    def write(name="policy.yaml", hours=24, read="2026-11-01", text=POLICY):
        path = tmp_path / name
        path.write_text(text.format(hours=hours, read=read))
        return path
    return write


def test_list_and_show_say_what_the_files_say(policy):
    table = cli("rules", "list").splitlines()
    assert table[0].split() == ["ID", "VERDICT", "MODE", "KIND", "CONFIDENCE", "CODE", "SINCE", "TITLE"]
    book = json.loads(cli("rules", "list", rig.RULES, policy(), "--json"))
    by_id = {r["id"]: r for r in book["rules"]}
    assert len(book["hash"]) == 64 and len(by_id) == len(table)  # the table's head stands for our one rule more
    assert by_id["shop.quiet"] | {"title": ""} == {"id": "shop.quiet", "title": "", "verdict": "hold", "mode": "enforce", "kind": "policy", "set": "shop",
                                                   "confidence": None, "code": 131049, "since": "2026-01-01"}
    shown = json.loads(cli("rules", "show", "shop.quiet", rig.RULES, policy(), "--json"))
    assert shown["values"] == {"2026-01-01": {"gap": "24h"}} or shown["values"] == {"2026-01-01": {"gap": "1d"}}
    assert shown["tests"] == 2 and shown["when"] == "{fact: marketing.sent.1, newer_than: $gap}"
    assert shown["applies"] == "{fact: message.category, in: [marketing]}" or shown["applies"] == "{fact: message.category, is: marketing}"
    assert (shown["until"], shown["on_unknown"], shown["holidays"]) == ("{fact: marketing.sent.1, plus: $gap}", "ignore", None)
    text = cli("rules", "show", "window.closed")
    assert "24 hours" in text and "<- now" in text and "read 20" in text
    assert "did you mean window.closed?" in cli("rules", "show", "window.close", code=1)


def test_a_book_is_tested_and_its_mistakes_are_named(policy, tmp_path):
    assert "tests passed" in cli("rules", "test")
    assert json.loads(cli("rules", "test", policy(), "--json"))["decides"] is False
    wrong = policy("wrong.yaml", text=POLICY.replace("expect: hold", "expect: deny"))
    second = policy("second.yaml", text=POLICY.replace("on_unknown", "on_unknwon"))
    said = cli("rules", "test", rig.RULES, wrong, second, code=1)
    assert f"{wrong}:" in said and "fails its test" in said
    assert f"{second}:" in said and "on_unknown" in said
    assert "nowhere.yaml" in cli("rules", "test", tmp_path / "nowhere.yaml", code=1)


def test_lint_warns_of_what_a_reader_would_ask_about(policy):
    twin = POLICY.replace("shop.quiet", "shop.never").replace("verdict: hold\n    until: {{fact: marketing.sent.1, plus: $gap}}", "verdict: deny").replace(
        "    applies: {{fact: message.category, is: marketing}}\n", "").replace("when: {{fact: marketing.sent.1, newer_than: $gap}}",
        "when: {{all: [{{fact: sender.status, is: banned}}, {{fact: message.category, is: marketing}}]}}").replace(
        "message.category: marketing, marketing.sent.1: now-1h}}, expect: hold", "message.category: marketing, sender.status: banned}}, expect: deny").replace(
        "message.category: marketing, marketing.sent.1: now-{hours}h", "message.category: marketing, sender.status: connected")
    never = policy("never.yaml", text=twin.replace("ruleset: shop", "ruleset: never"))
    old = policy("old.yaml", read="2025-01-01")
    found = json.loads(cli("rules", "lint", rig.RULES, never, old, "--at", "2026-11-22", "--json"))["warnings"]
    by_rule = {}
    for w in found:
        by_rule.setdefault(w["rule"], []).append(w["warning"])
    assert any("never speak" in w and "sender.locked" in w for w in by_rule["shop.never"])
    assert any("more than a year ago" in w for w in by_rule["shop.quiet"])
    assert not any("never speak" in w for w in by_rule["shop.quiet"])
    cli("rules", "lint", rig.RULES, old, "--at", "2026-11-22", "--strict", code=1)
    assert cli("rules", "lint", rig.RULES, policy(), "--at", "2026-11-22", "--strict", "--quiet") == ""


def example_holds(d, side, rules):
    """The message a diff shows gets the verdict it says it gets."""
    x = d[side]
    for key in ("before", "after"):
        got = decide(x["message"], *(w for f in rules[key] for w in ("--rules", f)), code={"allow": 0, "hold": 3, "deny": 4}[x[key]["verdict"]])
        assert got["verdict"] == x[key]["verdict"] and got["until"] == x[key]["until"]


def test_diff_proves_or_shows(policy):
    day, two = policy("day.yaml", hours=24), policy("two.yaml", hours=48)
    both = {"before": [rig.RULES, day], "after": [rig.RULES, two]}
    d = json.loads(cli("rules", "diff", f"{rig.RULES},{day}", f"{rig.RULES},{two}", "--json"))
    assert d["relation"] == "stricter" and d["never_looser"] and d["looser"] is None
    assert [(r["id"], r["change"], r["relation"]) for r in d["rules"]] == [("shop.quiet", "changed", "stricter")]
    example_holds(d, "stricter", both)
    d = json.loads(cli("rules", "diff", f"{rig.RULES},{two}", f"{rig.RULES},{day}", "--json"))
    assert d["relation"] == "looser"
    example_holds(d, "looser", {"before": both["after"], "after": both["before"]})
    assert cli("rules", "diff", day, day, "--quiet") == "same\n"
    assert cli("rules", "diff", rig.RULES, f"{rig.RULES},{day}", "--quiet") == "stricter\n"
    deny = policy("deny.yaml", hours=24, text=POLICY.replace("verdict: hold\n    until: {{fact: marketing.sent.1, plus: $gap}}", "verdict: deny").replace("expect: hold", "expect: deny").replace("{hours}h", "12h"))
    d = json.loads(cli("rules", "diff", f"{rig.RULES},{day}", f"{rig.RULES},{deny}", "--json"))
    assert d["relation"] == "incomparable"
    for side in ("looser", "stricter"):
        example_holds(d, side, {"before": both["before"], "after": [rig.RULES, deny]})
    text = cli("rules", "diff", f"{rig.RULES},{day}", f"{rig.RULES},{two}")
    message = text[text.index("  {"):text.index("}}") + 2]
    assert decide(json.loads(message), "--rules", rig.RULES, "--rules", two, code=3)["verdict"] == "hold"
    assert "a part" in cli("rules", "diff", rig.RULES, day, code=1)


def test_diff_sees_words_and_dates(policy):
    reworded = policy("reworded.yaml", text=POLICY.replace("change: time", "change: some time"))
    d = json.loads(cli("rules", "diff", policy(), reworded, "--json"))
    assert d["relation"] == "same" and [r["change"] for r in d["rules"]] == ["reworded"]
    later = policy("later.yaml", text=POLICY.replace("2026-01-01: {{gap: {hours}h}}", "2026-01-01: {{gap: 24h}}\n      2030-05-01: {{gap: 48h}}").replace("now-{hours}h", "now-48h"))
    d = json.loads(cli("rules", "diff", policy(), later, "--json"))
    assert d["relation"] == "stricter" and d["rules"][0]["from"] == "2030-05-01" and d["stricter"]["message"]["at"] >= "2030-05-01"
    d = json.loads(cli("rules", "diff", later, policy(hours=48), "--at", "2031-01-01", "--json"))
    assert d["relation"] == "same"


def test_decide_answers_with_the_verdict_as_exit_status(policy, tmp_path):
    assert decide(ANSWER)["verdict"] == "allow"
    got = decide(ANSWER | {"window.last_inbound": "now-25h"}, code=4)
    assert "window.closed" in [f["rule"] for f in got["findings"]]
    message = {"facts": {**ANSWER, "sender.free_at": "now+90s"}, "at": "2026-11-22T08:00:00Z"}
    assert decide(message, code=3)["until"] == "2026-11-22T08:01:30.000Z"
    assert decide(message | {"expires": "now+60s"}, code=4)["verdict"] == "deny"
    assert decide(message["facts"], "--at", "2026-11-22T08:00:00Z", "--expires", "now+60s", code=4)["verdict"] == "deny"
    (tmp_path / "facts.json").write_text(json.dumps(ANSWER, indent=2))
    assert "allow" in cli("decide", "--facts", tmp_path / "facts.json")
    with_law = decide(ANSWER, "--laws", "co")
    assert with_law["ruleset"]["id"] != decide(ANSWER)["ruleset"]["id"]
    assert "no law called" in cli("decide", "--facts", "-", "--laws", "../co", stdin="{}", code=2)


def test_many_documents_get_a_line_each(tmp_path):
    lines = [json.dumps(ANSWER), "", json.dumps(ANSWER | {"window.last_inbound": "now-25h"}), json.dumps({"facts": ANSWER, "at": "now-2h"}, indent=1)]
    out = cli("decide", "--facts", "-", "--json", stdin="\n".join(lines))
    assert [json.loads(line)["verdict"] for line in out.splitlines()] == ["allow", "deny", "allow"]
    assert [line.split()[0] for line in cli("decide", "--facts", "-", stdin="\n".join(lines)).splitlines()] == ["allow", "deny", "allow"]
    many = tmp_path / "many.jsonl"
    many.write_text((json.dumps(ANSWER) + "\n") * 5000)
    assert cli("decide", "--facts", many).count("\n") == 5000


@pytest.mark.parametrize("text, code, words", [
    ("", 2, "no facts"),
    ("[]", 1, "line 1"),
    ("{", 1, "has no end"),
    ("{}}", 1, "line 1"),
    ('{"consent.stats": "granted"}', 1, "did you mean consent.status?"),
    ('{"consent.status": "grantd"}', 1, "did you mean granted?"),
    ('{"facts": {}, "expire": "now+1h"}', 1, "did you mean expires?"),
    ('{"facts": {}, "at": "yesterday"}', 1, "a time is"),
    ('{"facts": [1]}', 1, "JSON object"),
    ('{"window.last_inbound": "now-23"}', 1, "window.last_inbound: a time is"),
    ('{"window.last_inbound": 1795000000}', 1, "seconds were probably meant"),
    ('{"window.last_inbound": 0}', 1, "seconds were probably meant"),
    ('{"window.last_inbound": 1795000000000000}', 1, "microseconds"),
    ('{"facts": {}, "at": 1795000000}', 1, "at: a time as a number"),
    ('{"facts": {}, "at": "never"}', 1, "no moment"),
    ('{"recipient.utc_min": -841}', 1, "from -840 to 840"),
    ('{"recipient.utc_max_after": 1000}', 1, "from -840 to 840"),
    ('{"recipient.utc_min": 60, "recipient.utc_max": 0}', 1, "is more than recipient.utc_max"),
])
def test_bad_facts_are_named(text, code, words):
    r = subprocess.run([rig.BIN, "decide", "--facts", "-"], input=text, capture_output=True, text=True, timeout=60 * rig.SLOW)
    assert words in r.stderr and r.returncode == code, f"{r.returncode} {r.stderr}"


def test_a_wrong_line_stops_nothing():
    r = subprocess.run([rig.BIN, "decide", "--facts", "-", "--json"], input=f'{json.dumps(ANSWER)}\n{{"nothing": 1}}\n17\n{json.dumps(ANSWER)}\n',
                       capture_output=True, text=True, timeout=60 * rig.SLOW)
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    assert r.returncode == 1
    assert [("verdict" in row, row["line"]) for row in rows] == [(True, 1), (False, 2), (False, 3), (True, 4)]


@pytest.mark.parametrize("broken", [
    '{"message.kind": "freeform"', '{"message.kind": "freeform}', '{"message.kind": {"a": 1}', '{"a": tru}', '{"a": 1}}', "}", "[", '"', "17 18",
    '{"a":\n 1,\n "b": }\n', '{"a": "{', '{"a": "\\', '{"a": ["}', pytest.param("x" * 70000, id="long"), pytest.param('{"a": "' + "x" * (1 << 20), id="too-long"),
])
def test_a_broken_document_takes_no_other_with_it(broken):
    """One error with its line, and everybody else is answered."""
    good = json.dumps(ANSWER)
    text = f"{good}\n{broken}\n{good}\n{good}\n"
    r = subprocess.run([rig.BIN, "decide", "--facts", "-", "--json"], input=text, capture_output=True, text=True, timeout=60 * rig.SLOW)
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    last = text.count("\n")
    assert r.returncode == 1
    assert [row["line"] for row in rows if "verdict" in row and row["verdict"] == "allow"] == [1, last - 1, last], r.stdout
    assert {row["line"] for row in rows if "error" in row} == {2}, r.stdout


def test_a_file_of_broken_documents_ends_soon():
    r = subprocess.run([rig.BIN, "decide", "--facts", "-", "--json"], input='{"message.kind": "receipt"\n' * 20000, capture_output=True, text=True, timeout=60 * rig.SLOW)
    assert r.stdout.count('"error"') == 20000


def first_example():
    """The document that docs/cli.md shows first."""
    text = (rig.ROOT / "docs/cli.md").read_text()
    return re.search(r"^    (\{.*?\})$", text, re.M | re.S)[1]


def test_the_first_examples_allow():
    assert decide(json.loads(first_example()))["verdict"] == "allow"
    assert decide(json.loads((rig.ROOT / "examples/message.json").read_text()))["verdict"] == "allow"
    program = rig.BIN.parents[2] / "examples/decide"
    words = re.findall(r"[a-z_]+\.[a-z_]+=\S+", (rig.ROOT / "examples/decide.c").read_text().split("*/")[0])
    assert set(words) <= set((rig.ROOT / "docs/cli.md").read_text().split())
    if program.is_file():
        r = subprocess.run([program, rig.RULES, *words], capture_output=True, text=True, timeout=60 * rig.SLOW)
        assert (r.returncode, r.stdout[:7]) == (0, "allowed"), r.stdout + r.stderr
    assert decide(dict(w.split("=", 1) for w in words) | {"recipient.valid": True})["verdict"] == "allow"
    out = cli("decide", "--facts", "-", stdin='{"message.kind": "freeform"}', code=4)
    assert "unknown facts that mattered: recipient.valid, " in out and re.search(r"^  code +100$", out, re.M), out


def test_facts_are_listed():
    rows = {row["name"]: row for row in json.loads(cli("facts", "--json"))["facts"]}
    assert rows["consent.status"] == {"name": "consent.status", "type": "word", "words": ["none", "granted", "withdrawn"], "means": "consent for the message's category"}
    assert rows["window.last_inbound"]["type"] == "time" and len(rows) > 60
    assert "one of: none, granted, withdrawn" in cli("facts", "consent.")
    assert "window." not in cli("facts", "consent.")
    assert "no fact begins with consnet" in cli("facts", "consnet", code=1)


def test_what_is_no_file_no_database_and_no_difference_is_said(policy, tmp_path):
    assert "is a directory" in cli("decide", "--facts", tmp_path, code=1)
    assert "there is no database" in cli("rules", "backtest", "--with", policy(), "--state-dir", tmp_path, code=1)
    for text, words in (("", "is empty"), ("no database at all, this file", "is not a gateway's database")):
        (tmp_path / "wayleave.db").write_text(text)
        assert words in cli("rules", "backtest", "--with", policy(), "--state-dir", tmp_path, code=1)
    assert "the same: both have one hash" in cli("rules", "diff", policy(), policy())
    assert "at least 6 digits of its hash" in cli("rules", "diff", policy(), "dead", code=1)


@pytest.mark.parametrize("old, new, words", [
    ("schema: 1", "schema: 2", "schema: must be 1"),
    ("verdict: hold", "verdict: allow", "cannot be allow; it is hold or deny"),
    ("verdict: hold", "verdict: hld", "did you mean hold?"),
    ("    verdict: hold", "\tverdict: hold", "use spaces"),
    ("title: Shop", "title: Shop: ours", "put the text in quotes"),
    ("{gap: 24h}", "{gap: mon-fri 0700-1900}", "write them as 07:00-19:00"),
])
def test_mistakes_of_a_file_say_what_helps(policy, tmp_path, old, new, words):
    path = tmp_path / "wrong.yaml"
    text = policy().read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert words in cli("rules", "test", path, code=1)


def test_lint_names_a_code_no_client_knows(policy, tmp_path):
    path = tmp_path / "code.yaml"
    path.write_text(policy().read_text().replace("code: 131049", "code: 7"))
    assert "code 7 is none of Meta's" in cli("rules", "lint", path)
    assert "none of Meta's" not in cli("rules", "lint", rig.RULES, *sorted((rig.ROOT / "data/rules/law").glob("*.yaml")))


def test_options_that_are_wrong_are_named(tmp_path):
    assert "--facts" in cli("decide", code=2)
    assert "cannot be opened" in cli("decide", "--facts", tmp_path / "none.json", code=1)
    assert "--at" in cli("decide", "--facts", "-", "--at", "noon", stdin="{}", code=2)
    assert "--at" in cli("rules", "list", "--at", "noon", code=2)
    assert "no moment" in cli("rules", "list", "--at", "never", code=2)
    assert "no moment" in cli("decide", "--facts", "-", "--at", "never", stdin="{}", code=2)
    assert "names no rule file" in cli("rules", "diff", ",", rig.RULES, code=2)


def test_explain_takes_metas_id_and_diff_the_running_rules(gateway, sandbox, policy):
    sandbox.inbound(rig.PEOPLE[0])
    sent = rig.until("a free-form answer is allowed", lambda: (lambda r: r if r.status_code == 200 else None)(gateway.send(rig.PEOPLE[0])))
    wamid = sent.json()["messages"][0]["id"]
    code, out, err = gateway.cli(["explain", wamid, "--json"])
    assert code == 0, err
    answer = json.loads(out)
    assert answer["message"]["wamid"] == wamid and answer["decision"]["verdict"] == "allow"
    assert json.loads(gateway.cli(["explain", answer["id"], "--json"])[1])["decision"] == answer["decision"]
    assert gateway.cli(["explain", "wamid.unheard"])[0] == 1

    running = json.loads(gateway.cli(["rules", "diff", "running", str(rig.RULES), "--json"])[1])
    assert running["before"]["hash"] == answer["decision"]["ruleset"]["hash"]
    by_hash = running["before"]["hash"][:12]
    code, out, err = gateway.cli(["rules", "diff", by_hash, "running", "--quiet"])
    assert (code, out) == (0, "same\n"), err
    assert gateway.cli(["rules", "diff", "0123456789ab", "running"])[0] == 1
