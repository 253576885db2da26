# SPDX-License-Identifier: Apache-2.0
"""Policies for scenarios: rule files written by a few words, each with the tests a rule needs, and a gateway with them."""

from datetime import datetime, timedelta

import rig

HEAD = "ruleset: shop\nschema: 1\nkind: policy\ntitle: The shop's own\nrules:\n"
CITE = "    cite: [{title: Our policy, url: https://example.org/policy, read: 2026-11-22}]\n"


def cap(n, time, seconds):
    """At most n marketing messages in a time, as text and in seconds."""
    fact = f"marketing.sent.{n}"
    return f"""  - id: cap.marketing
    title: So many in a time
    verdict: hold
    until: {{fact: {fact}, plus: $time}}
    code: 131049
    reason: This person got enough marketing from us for now.
    change: time
    values: {{2026-01-01: {{time: {time}}}}}
    applies: {{fact: message.category, is: marketing}}
    when: {{fact: {fact}, newer_than: $time}}
    on_unknown: hold 15m
{CITE}    tests:
      - {{given: {{message.category: marketing, {fact}: now}}, expect: hold until now+{time}}}
      - {{given: {{message.category: marketing, {fact}: now-{seconds}s}}, expect: none}}
"""


def open_hours(hours):
    """Marketing within these hours ("daily 08:00-20:00") of the person only."""
    hour, minute = map(int, hours.split()[1].split("-")[0].split(":"))
    begins = datetime(2026, 11, 23, hour, minute)
    at, before = (f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in (begins, begins - timedelta(seconds=1)))
    where = "message.category: marketing, recipient.utc_min: 0, recipient.utc_max: 0"
    return f"""  - id: quiet.hours
    title: Not at this hour
    verdict: hold
    until: {{open: $hours}}
    code: 131049
    reason: It is not our hour where the person is.
    change: our hour
    values: {{2026-01-01: {{hours: "{hours}"}}}}
    applies: {{fact: message.category, is: marketing}}
    when: {{outside: $hours}}
    on_unknown: deny
{CITE}    tests:
      - {{given: {{{where}}}, now: {before}, expect: hold until {at}}}
      - {{given: {{{where}}}, now: {at}, expect: none}}
      - {{given: {{message.category: marketing}}, expect: deny}}
"""


def no_duplicates():
    rule = """  - id: shop.duplicate.{kind}
    title: That again
    verdict: deny
    code: 131049
    reason: This person got {words} from us this week.
    change: other content
    values: {{2026-01-01: {{within: 7d}}}}
    applies: {{fact: message.category, is: marketing}}
    when: {{fact: duplicate.{kind}_at, newer_than: $within}}
    on_unknown: ignore
""" + CITE.replace("{", "{{").replace("}", "}}") + """    tests:
      - {{given: {{message.category: marketing, duplicate.{kind}_at: now}}, expect: deny}}
      - {{given: {{message.category: marketing, duplicate.{kind}_at: now-7d}}, expect: none}}
"""
    return rule.format(kind="same", words="the same") + rule.format(kind="near", words="nearly the same")


def gateway_with(start, sandbox, folder, *rules, **changes):
    (folder / "policy.yaml").write_text(HEAD + "".join(rules))
    g = start(rig.Gateway, folder, sandbox.url, **{"rules.policy": ["policy.yaml"], **changes})
    sandbox.webhooks_to(g.url + "/webhook")
    return g


def refusal(answer):
    """The code, the details and every rule of a refused send."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    decision = error["error_data"]["wayleave"]["decision"]
    return error["code"], error["error_data"]["details"], {f["rule"]: f for f in decision["findings"]}


def template(gateway, name, text, category="MARKETING", example="Ana"):
    """A template of its own, approved at once."""
    components = [{"type": "BODY", "text": text, **({"example": {"body_text": [[example]]}} if "{{" in text else {})}]
    made = gateway.post(f"/v23.0/{rig.WABA}/message_templates", {"name": name, "language": "en_US", "category": category, "components": components})
    assert made.status_code == 200, made.text
    return name
