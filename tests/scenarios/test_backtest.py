# SPDX-License-Identifier: Apache-2.0
"""A backtest says what a stricter policy would have done to the messages of the log, and what became of those; and what
it says is what the gateway does once the policy is in force."""

import csv
import io
import json
import time
from collections import Counter

import rig

SANDBOX_TEMPLATE = "spring_sale"
HEAD = """ruleset: trial
schema: 1
kind: policy
title: A policy on trial
rules:
"""
CITE = "    cite: [{title: Our policy, url: 'https://example.org/policy', read: 2026-11-22}]\n"
NO_MARKETING = HEAD + """  - id: trial.none
    title: No marketing to phone numbers
    verdict: deny
    code: 131049
    reason: We send no marketing to phone numbers.
    change: another policy
    values:
      2020-01-01: {}
    applies: {fact: message.category, is: marketing}
    when: {fact: recipient.form, is: phone}
    on_unknown: ignore
    tests:
      - {given: {message.category: marketing, recipient.form: phone}, expect: deny}
      - {given: {message.category: marketing, recipient.form: group}, expect: none}
""" + CITE
ONE_A_DAY = HEAD + """  - id: trial.cap
    title: One a day
    verdict: hold
    until: {fact: marketing.sent.1, plus: $time}
    code: 131049
    reason: One marketing message a day.
    change: time
    values:
      2020-01-01: {time: 24h}
    applies: {fact: message.category, is: marketing}
    when: {fact: marketing.sent.1, newer_than: $time}
    on_unknown: ignore
    tests:
      - {given: {message.category: marketing, marketing.sent.1: now-1h}, expect: hold}
      - {given: {message.category: marketing, marketing.sent.1: never}, expect: none}
""" + CITE


def policy(folder, text):
    path = folder / "trial.yaml"
    path.write_text(text)
    return path


def backtest(gateway, path, *more):
    status, out, err = gateway.cli(["rules", "backtest", "--with", path, "--format", "json", *more])
    assert status == 0, err
    return [json.loads(line) for line in out.splitlines()]


def transitions(rows, dimension="all", key=None):
    return {(r["recorded"], r["other"]): r["count"] for r in rows
            if r["kind"] == "transition" and r["dimension"] == dimension and r.get("key") == key}


def outcomes(rows, dimension="all"):
    return {r["measure"]: r["count"] for r in rows if r["kind"] == "outcome" and r["dimension"] == dimension}


def mix(gateway, people):
    """Marketing to each, answers to the first, a stranger; the verdicts as the database has them."""
    [(before,)] = gateway.query("SELECT COALESCE(MAX(id), 0) FROM msg")
    for number in people:
        gateway.send_template("+" + number, SANDBOX_TEMPLATE, parameters=["Ana"])
    gateway.send("+" + people[0])
    gateway.send("+" + people[0])
    gateway.send_template("+" + rig.STRANGER, SANDBOX_TEMPLATE, parameters=["Ana"])
    return Counter(verdict for (verdict,) in gateway.query(f"SELECT verdict FROM decision WHERE id > {before}"))


def test_what_a_policy_would_have_done_and_what_became_of_it(start, gateway, sandbox, tmp_path):
    people = rig.PEOPLE[:4]
    rig.seed(gateway, sandbox)
    sent = mix(gateway, people)
    assert sent == {0: 6, 2: 1}
    time.sleep(1.1)  # webhooks tell whole seconds
    sandbox.inbound(people[0], "thanks")
    withdrawn = {"who": "+" + people[1], "act": "withdraw", "scope": "marketing", "method": "conversation"}
    assert gateway.admin("POST", "/consent", withdrawn)[0] == 200
    rig.until("all was delivered", lambda: gateway.query("SELECT COUNT(*) FROM msg WHERE seen & 2") == [(6,)])
    gateway.wait_applied()

    trial = policy(tmp_path, NO_MARKETING)
    rows = backtest(gateway, trial)
    assert transitions(rows) == {("allow", "allow"): 2, ("allow", "deny"): 4, ("deny", "deny"): 1}
    assert transitions(rows, "category", "marketing") == {("allow", "deny"): 4, ("deny", "deny"): 1}
    assert transitions(rows, "category", "service") == {("allow", "allow"): 2}
    [country] = {r["key"] for r in rows if r.get("dimension") == "country"}
    assert transitions(rows, "country", country) == transitions(rows)
    assert transitions(rows, "rule", "trial.none") == {("allow", "deny"): 4}
    became = outcomes(rows)
    assert sum(became.get(fate, 0) for fate in ("accepted", "sent", "delivered", "read")) == 4
    assert became["opted_out_7d_yes"] == 1
    assert became["replied_24h_yes"] == 1
    assert outcomes(rows, "rule") == became
    examples = [r["key"] for r in rows if r["kind"] == "example"]
    assert len(examples) == 4
    assert all(gateway.admin("GET", f"/decisions/{name}")[0] == 200 for name in examples)

    # The same rows as CSV; a time after everything leaves nothing; the table says it to people.
    status, out, err = gateway.cli(["rules", "backtest", "--with", trial, "--format", "csv"])
    assert status == 0, err
    assert [{k: v for k, v in r.items() if v != "" and k != "count"} for r in csv.DictReader(io.StringIO(out))] == \
        [{k: v for k, v in r.items() if k != "count"} for r in rows]
    assert transitions(backtest(gateway, trial, "--from", "now+1h")) == {}
    status, out, err = gateway.cli(["rules", "backtest", "--with", trial])
    assert status == 0 and "4 would have been stopped" in out and "trial.none" in out, out + err

    # In force, the policy does what was said: the same mix, the same verdicts.
    said = Counter()
    for (_, other), count in transitions(rows).items():
        said[["allow", "hold", "deny"].index(other)] += count
    gateway.stop()
    strict = start(rig.Gateway, tmp_path, sandbox.url, **{"rules.policy": [str(trial)]})
    consent = {"who": "+" + people[1], "act": "grant", "scope": "marketing", "method": "web_form", "at": rig.now()}
    assert strict.admin("POST", "/consent", consent)[0] == 200
    strict.sealed()
    assert mix(strict, people) == said
    rows = backtest(strict, trial)
    assert transitions(rows)[("allow", "deny")] == 4  # those of before
    assert transitions(rows)[("deny", "deny")] == 6
    assert backtest(strict, rig.RULES) and transitions(backtest(strict, rig.RULES))[("deny", "allow")] == 4


def test_stateful_caps_see_their_own_decisions(gateway, sandbox, tmp_path):
    people = rig.PEOPLE[:3]
    rig.seed(gateway, sandbox)
    for number in people:
        for _ in range(4):
            assert gateway.send_template("+" + number, SANDBOX_TEMPLATE, parameters=["Ana"]).status_code == 200
    trial = policy(tmp_path, ONE_A_DAY)
    rows = backtest(gateway, trial, "--stateful")
    assert transitions(rows) == {("allow", "allow"): 3, ("allow", "hold"): 9}


def test_bad_questions_get_sentences(gateway, tmp_path):
    good, bad = policy(tmp_path, NO_MARKETING), tmp_path / "bad.yaml"
    bad.write_text(NO_MARKETING.replace("recipient.form", "recipient.shape"))
    for arguments, words in (
            ([], "--with FILE is missing"),
            (["--with", bad], "recipient.shape"),
            (["--with", tmp_path / "absent.yaml"], "absent.yaml"),
            (["--with", good, "--format", "xml"], "not \"xml\""),
            (["--with", good, "--from", "yesterday"], "--from"),
            (["--with", good, "--from", "now", "--to", "now-1h"], "--from is not before --to"),
            (["--with", good, "--state-dir", tmp_path / "nowhere"], "nowhere")):
        status, out, err = gateway.cli(["rules", "backtest", *arguments])
        assert status in (1, 2) and words in err and out == "", (arguments, status, out, err)
