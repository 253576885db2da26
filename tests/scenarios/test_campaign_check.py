# SPDX-License-Identifier: Apache-2.0
"""What a check says before anything is sent: who gets nothing and why, from which number and in which language the others do, and every
mistake that would else be found while it sends."""

import contextlib
import sqlite3
import time

import policies
import pytest
import requests
import rig
from campaign_rig import Campaign, campaign_number, definition, people, rows

WORDS = {"body": [{"attribute": "first_name", "default": "you"}]}


def template(sandbox, name, language="en_US", body="Hello {{1}}, our spring sale starts today.", category="MARKETING", **more):
    """One more template of the account, approved."""
    made = {"name": name, "language": language, "category": category, "allow_category_change": False,
            "components": [{"type": "BODY", "text": body, "example": {"body_text": [["Ana"]]}}], **more}
    r = requests.post(f"{sandbox.url}/v23.0/{rig.WABA}/message_templates", json=made, headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10)
    assert r.status_code == 200, r.text
    sandbox.call("POST", "event", {"field": "message_template_status_update", "name": "APPROVED", "template": name, "language": language})


def report(campaign):
    return campaign.get("check")["report"]


def problems(campaign, level):
    return {p["what"]: p for p in report(campaign)["problems"] if p["level"] == level}


def skips(r):
    return {(s["reason"], s["rule"]): s["people"] for s in r["funnel"]["skipped"]}


def test_everybody_has_a_reason_or_a_message(gateway, sandbox):
    """One of each: nobody of the segment is missing from the funnel, and what is frozen is what was shown."""
    template(sandbox, "spring_sale", "de", "Hallo {{1}}, unser Schlussverkauf beginnt.")
    template(sandbox, "spring_sale", "pt_BR", "Olá {{1}}, começa hoje.")
    people(gateway, 10)                                                                 # English, unknown
    people(gateway, 4, first=4915112345600, lang="de")
    people(gateway, 3, first=5511912345600, lang="pt-PT")
    people(gateway, 2, first=447700903000, consent=None)                                # never agreed
    people(gateway, 2, first=447700904000, attributes={"first_name": "two     words"})   # no template takes that
    people(gateway, 2, first=447700905000, attributes={"size": "L"})                    # no name: the default
    people(gateway, 5, first=447700906000, tag="others")                                # not meant
    uma = {"user_id": "DE.13491208655302741918", "lang": "de", "attributes": {"first_name": "Uma"}, "tags": ["crowd"],
           "consent": {"act": "grant", "scope": "marketing", "method": "web_form", "at": "2026-01-02T03:04:05Z"}}
    assert gateway.admin("POST", "/contacts/import", {"contacts": [uma]})[1]["created"] == 1  # no number is known of her
    gateway.sealed()
    c = Campaign(gateway, definition(templates=[{"name": "spring_sale", "languages": ["en_US", "de", "pt_BR"], "parameters": WORDS}],
                                     tolerate={"opt_out": "40%", "complaint": "0.05%"}))
    v = c.check()
    r = report(c)
    assert (v["audience"], v["people"]) == (24, 20)
    assert (r["funnel"]["known"], r["funnel"]["segment"], r["funnel"]["reachable"], r["funnel"]["people"]) == (29, 24, 22, 20)
    assert skips(r) == {("rule", "consent.missing"): 2, ("parameter", "first_name"): 2}
    assert sum(skips(r).values()) + v["people"] == v["audience"]
    assert {k["language"]: k["people"] for k in r["languages"]} == {"en_US": 12, "de": 5, "pt_BR": 3}
    assert sum(k["people"] for k in r["countries"]) == 20 and {"country": "BR", "people": 3} in r["countries"]
    [parameter] = r["parameters"]
    assert (parameter["missing"], parameter["refused"], parameter["defaulted"]) == (0, 2, 2) and len(parameter["sample"]) == 2
    refused = problems(c, "warning")["value_refused"]
    assert refused["people"] == 2 and refused["field"] == "templates[0].parameters.body[0]" and refused["sample"] == parameter["sample"]
    laxer = problems(c, "warning")["tolerate_laxer"]  # the stricter one counts, and is nothing to warn of
    assert laxer["field"] == "tolerate.opt_out" and "40 % has no effect: 0.6 %" in laxer["text"]
    tolerated = {line["signal"]: line["tolerated_ppm"] for line in r["monitors"]["stop_lines"]}
    assert (tolerated["opt_out"], tolerated["complaint"]) == (6000, 500)
    assert r["errors"] == 0 and r["ramp"]["kind"] == "careful" and r["forecast"]["done_at"] and r["monitors"]["stop_lines"]

    shown = c.get("preview", limit=50)["preview"]
    assert len(shown) == 20 and sum("Hallo P" in p["text"] for p in shown) == 4
    [to_uma] = [p for p in shown if "Hallo Uma" in p["text"]]
    assert to_uma["body"]["recipient"] == to_uma["to"] and "to" not in to_uma["body"]
    assert all(p["to"] and "…" in p["to"] for p in shown) and not any("4477009020" in str(p) for p in shown)
    table = rows(gateway, c.id)
    assert [row.place for row in table] == list(range(1, 25)) and [row.skip != 0 for row in table] == [False] * 20 + [True] * 4
    assert sorted(str(row.params) for row in table if row.skip == 0)[:3] == ["['P0']", "['P0']", "['P0']"]

    again = c.check()  # nothing changed: the same people, the same order, the same words
    assert [(k.contact, k.params, k.skip) for k in rows(gateway, c.id)] == [(k.contact, k.params, k.skip) for k in table] and again["people"] == 20
    assert sandbox.ledger() == []


def test_figures_are_of_who_gets_a_message_and_rows_are_whose_they_are(gateway, sandbox):
    """A text that is too long with somebody's own value is found before Meta finds it; how people came to their number and who has the
    default is told of those who get one; and two people whose words were swapped behind the program's back show."""
    template(sandbox, "long_text", body="Hello {{1}}, " + "spring " * 100)
    people(gateway, 20)
    people(gateway, 2, first=447700905000, attributes={"first_name": "x" * 400})
    people(gateway, 3, first=447700905500, attributes={"size": "L"})
    people(gateway, 4, first=447700906000, consent=None, attributes={"size": "L"})
    c = Campaign(gateway, definition(hold_out="20%", most=12, templates=[{"name": "long_text", "languages": ["en_us"], "parameters": WORDS}]))
    c.check()
    r = report(c)
    got = skips(r)
    assert got[("parameter", "first_name")] == 2 and got[("rule", "consent.missing")] == 4 and r["funnel"]["people"] == 12
    [number], [parameter] = r["numbers"], r["parameters"]
    assert number["people"] == sum(number[way] for way in ("sticky", "route", "country", "share")) == 12
    table = rows(gateway, c.id)
    assert parameter["refused"] == 2 and parameter["defaulted"] == sum(row.params == ["you"] for row in table if row.skip == 0)
    everybody = definition(templates=[{"name": "long_text", "parameters": {"body": ["y" * 400]}}])
    assert "1024 characters" in Campaign(gateway, everybody).ask_check()["why"]

    c.approve()
    assert c.get("verify")["sound"] is True
    gateway.stop()
    with contextlib.closing(sqlite3.connect(gateway.folder / "state" / "wayleave.db")) as db, db:
        one, two = (row.contact for row in table[:2])
        for place, contact in ((1, two), (2, one)):
            db.execute("UPDATE campaign_recipient SET contact = ? WHERE campaign = ? AND place = ?", (contact, campaign_number(c.id), place))
    again = rig.Gateway(gateway.folder, sandbox.url)
    try:
        v = Campaign(again, c.id).get("verify")
        assert v["sound"] is False and not v["same"] and v["erased"] == 0, v
    finally:
        again.stop()


def past(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


# What is wrong, the word for it, its field, and words of its sentence.
MISTAKES = [
    ({"query": {"combinator": "and", "rules": [{"field": "contry", "operator": "=", "value": "DE"}]}}, "segment", "query", "country"),
    ({"query": None, "segment": "nobody saved it"}, "segment_unknown", "segment", "nobody saved it"),
    ({"query": {"combinator": "and", "rules": [{"field": "tag", "operator": "contains", "value": "nobody has it"}]}}, "audience_empty", "query", "nobody"),
    ({"templates": [{"name": "sprung_sale"}]}, "template_unknown", "templates[0]", "did you mean spring_sale?"),
    ({"templates": [{"name": "spring_sale", "languages": ["en_US", "fr"], "parameters": WORDS}]}, "template_language", "templates[0]", "in fr"),
    ({"templates": [{"name": "spring_sale"}]}, "template_parameters", "templates[0]", "1 expected"),
    ({"templates": [{"name": "spring_sale", "parameters": {"body": {"first": "x"}}}]}, "template_parameters", "templates[0]", "name"),
    ({"templates": [{"name": "spring_sale_image", "parameters": {**WORDS, "header": "text"}}]}, "template_parameters", "templates[0]", "image"),
    ({"templates": [{"name": "paused_promo"}]}, "template_status", "templates[0]", "paused"),
    ({"category": "utility"}, "template_category", "templates[0]", "marketing"),
    ({"numbers": ["999"]}, "number_token", "numbers[0]", "no token"),
    ({"deadline": past(60)}, "deadline_past", "deadline", "passed"),
    ({"start_at": past(7200), "max_lateness": "1h"}, "start_past", "start_at", "max_lateness"),
    ({"templates": [{"name": "spring_sale", "parameters": {**WORDS, "limited_time_offer": {"expires_at": past(60)}}}]}, "offer_past",
     "templates[0].parameters.limited_time_offer.expires_at", "ended"),
    ({"templates": [{"name": "spring_sale", "parameters": {"body": [{"attribute": "nobody_has_it"}]}}]}, "nobody_left", "", "nobody of the 2"),
]


@pytest.mark.shared
def test_what_is_wrong_is_said_before(gateway, sandbox):
    """Each in one campaign; none can be approved, and the reason stands at the campaign."""
    people(gateway, 2, first=447700905000, tag="two")
    campaigns = []
    for change, what, field, says in MISTAKES:
        c = Campaign(gateway, definition(**{"tag": "two", **change}))
        v = c.ask_check()
        found = problems(c, "error")
        assert v["state"] == "draft" and not v["plan"], (what, v)
        assert what in found, (what, report(c)["problems"])
        assert found[what]["field"] == field and says in found[what]["text"] and found[what]["text"] in v["why"], found
        with pytest.raises(AssertionError):
            c.act("approve", plan="0" * 64)
        campaigns.append(c)
    two = Campaign(gateway, definition(tag="two", deadline=past(60), templates=[{"name": "sprung_sale"}]))
    assert "passed" in two.ask_check()["why"] and "sprung_sale" in two.get()["why"]  # all of it at once
    assert gateway.query("SELECT COUNT(*) FROM campaign_recipient") == [(0,)]
    nobody = problems(campaigns[-1], "warning")["value_missing"]
    assert nobody["people"] == 2 and "nobody_has_it" in nobody["text"] and len(nobody["sample"]) == 2
    assert sandbox.ledger() == []


@pytest.mark.shared
def test_whoever_was_written_to_keeps_the_number(gateway, sandbox):
    """Sticky first, then routes, then the country, then shares; those of a route are for nobody else."""
    people(gateway, 40)
    people(gateway, 5, first=5511912345600)
    sandbox.inbound("447700902007", sender=rig.OTHER_SENDER)
    sandbox.inbound("447700902008", sender=rig.SENDER)
    sandbox.inbound("5511912345601", sender=rig.SENDER)
    assert gateway.send_template("+447700902009", "spring_sale", parameters=["you"], sender=rig.OTHER_SENDER).status_code == 200
    sandbox.all_told()
    gateway.wait_applied()
    routed = definition(numbers=[rig.SENDER, rig.OTHER_SENDER], routes=[{"number": rig.OTHER_SENDER, "countries": ["BR"]}])
    c = Campaign(gateway, routed)
    c.check()
    mine, other = report(c)["numbers"]
    assert (mine["people"], other["people"]) == (39, 6), report(c)["funnel"]
    assert (mine["sticky"], other["sticky"], other["route"], other["country"] + other["share"]) == (2, 2, 4, 0)
    everybody = definition(numbers=[rig.SENDER, rig.OTHER_SENDER])
    shared = Campaign(gateway, everybody)
    shared.check()
    mine, other = report(shared)["numbers"]
    assert mine["people"] + other["people"] == 45 and mine["people"] > 5 and other["people"] > 5
    only = Campaign(gateway, definition(routes=[{"number": rig.SENDER, "countries": ["BR"]}]))
    assert only.check()["people"] == 6 and skips(report(only))[("number", "")] == 39  # the one of those who wrote to it, too


@pytest.mark.shared
def test_kept_back_and_limited(gateway):
    """The hold-out is the same people each time; a limit takes the first of the order."""
    people(gateway, 200, first=447700907000, tag="many")
    c = Campaign(gateway, definition(tag="many", hold_out="10%", most=100))
    v = c.check()
    held, over = skips(report(c))[("hold_out", "")], skips(report(c))[("limit", "")]
    assert v["people"] == 100 and 5 <= held <= 40 and held + over == 100
    before = {row.contact for row in rows(gateway, c.id) if row.skip == 2}
    c.check()
    assert {row.contact for row in rows(gateway, c.id) if row.skip == 2} == before


@pytest.mark.shared
def test_a_reworded_bad_text_is_told(gateway, sandbox):
    template(sandbox, "fresh_promo", body="Everything must go, today only. {{1}}!")
    people(gateway, 2, first=447700906000, tag="few")
    c = Campaign(gateway, definition(tag="few", templates=[{"name": "fresh_promo", "parameters": WORDS}]))
    assert c.ask_check()["people"] == 2, report(c)
    near = problems(c, "warning")["template_near_duplicate"]
    assert "paused_promo" in near["text"] and report(c)["duplicates"][0]["like"]["status"] == "paused"
    assert report(c)["ramp"]["kind"] == "careful"


def test_meta_is_away(gateway, sandbox):
    """What is known is taken, and it is said; what never was known cannot be."""
    people(gateway, 2)
    c = Campaign(gateway, definition())
    c.check()
    sandbox.kill()
    c.check()
    assert report(c)["errors"] == 0


def test_hours_of_the_rules_are_found_out(start, sandbox, tmp_path):
    """Who has to wait is counted with the rule, and the forecast knows at which hours it will be. Also where the door has few places."""
    hour = (time.gmtime().tm_hour + 11) % 22  # not now, wherever Britain is
    gateway = policies.gateway_with(start, sandbox, tmp_path, policies.open_hours(f"daily {hour:02}:00-{hour + 2:02}:00"), **{"limits.queue": 16})
    people(gateway, 40)
    c = Campaign(gateway, definition())
    assert c.check()["people"] == 40
    [held] = report(c)["funnel"]["held"]
    assert (held["rule"], held["people"]) == ("quiet.hours", 40) and held["first_until"] == held["last_until"] > rig.now()
    forecast = report(c)["forecast"]
    assert f"{hour:02}:00-{hour + 2:02}:00" in forecast["rules_hours"] and forecast["hours"] is None
    assert forecast["first_at"] >= held["first_until"]
    soon = Campaign(gateway, definition(deadline=past(-2 * 86400), hours="daily 00:00-23:45"))
    soon.check()  # its own deadline, which is before the week that is asked about, and its own hours are not the rules'
    assert report(soon)["forecast"]["rules_hours"] == forecast["rules_hours"], report(soon)["forecast"]


def test_a_check_that_is_cut_off_is_made_anew(start, sandbox, tmp_path):
    """Power loss at one step of writing after the other: each life begins anew, the last one ends it, and nothing of a half one is left."""
    port = rig.free_port()

    def life(place=None):
        return start(rig.Gateway, tmp_path, sandbox.url, port=port, env={"WAYLEAVE_FAILPOINT": place} if place else None)

    def dies(gateway):
        gateway.wait(30 * rig.SLOW)
        gateway.kill()
    gateway = life("campaign_check_rows")
    people(gateway, 30)
    c = Campaign(gateway, definition())
    c.act("check")
    dies(gateway)
    for place in ("campaign_check_index", "campaign_check_plan"):
        dies(start(DiesSoon, tmp_path, sandbox.url, port=port, env={"WAYLEAVE_FAILPOINT": place}))
    c.gateway = gateway = life()
    rig.until("the check is made anew", lambda: not c.get()["busy"])
    assert (c.get()["state"], c.get()["people"]) == ("checked", 30) and c.get("verify")["same"]
    assert [row.place for row in rows(gateway, c.id)] == list(range(1, 31))
    assert gateway.query("SELECT COUNT(*) FROM contact_campaign") == [(30,)]
    assert [act for act, _ in c.events()] == ["create", "check", "checked"]


class DiesSoon(rig.Gateway):
    """One that may be gone before it is ready."""

    def wait_ready(self, url, seconds=60):
        pass
