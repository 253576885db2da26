# SPDX-License-Identifier: Apache-2.0
"""A campaign is played before it is sent: what a simulation says about good and bad ones, that it says the same again, that forecast and
play agree; that a checked campaign can be asked about; and that the people of the sandbox, who are the same, are seen by the gateway as
they were drawn."""

import json

import pytest
import rig
from campaign_rig import Campaign, definition, people

START = ("--start", "2026-11-24T09:00:00Z")


def simulate(*words, status=0):
    code, out, err = rig.wayleave("simulate", *START, *words)
    assert code == status, (words, code, out, err)
    return out if status == 0 else err


def played(*words):
    return json.loads(simulate("--json", *words))


def test_a_good_one_and_bad_ones():
    good = played("--people", 20000)
    assert good["first"]["end"] == "finished" and good["first"]["reached"] == 20000 and good["first"]["held_reached"] == -1
    stages = [m["target"] for m in good["first"]["timeline"] if m["what"] == "stage"]
    assert stages == [200, 500, 1500, 4500, 13500, 20000]

    bad = played("--people", 20000, "--opt-out", "3%", "--runs", 20, "--tolerate", "opt_out=0.45%")["runs"]
    assert bad["stopped"] == 20 and bad["reached"]["median"] <= 1500 and bad["opted_out"]["p95"] < 120
    free = played("--people", 20000, "--opt-out", "3%", "--unwatched")["first"]
    assert free["reached"] == 20000 and free["opted_out"] > 500

    unread = played("--people", 20000, "--read", "40%", "--ramp", "careful", "--runs", 5)["runs"]
    assert unread["stopped"] == 5 and unread["reached"]["p95"] <= 2000
    wrong = played("--people", 20000, "--undeliverable", "20%")["first"]
    assert wrong["end"] == "stopped" and wrong["reached"] <= 500
    assert "could not be delivered" in wrong["timeline"][-1]["why"]


def test_a_bad_source_is_isolated_and_the_rest_goes_on():
    runs = played("--people", 20000, "--bad-source", "10%:opt-out=15%,undeliverable=25%", "--runs", 10)
    assert runs["runs"]["finished"] == 10 and runs["runs"]["stopped"] == 0
    [source] = runs["runs"]["sources"]
    assert source["isolated"]["runs"] == 10 and source["isolated"]["p95"] <= 200
    assert runs["first"]["reached"] + runs["first"]["left_out"] == 20000


def test_the_same_again():
    words = ("--people", 5000, "--opt-out", "1%", "--seed", 7)
    assert simulate("--json", *words) == simulate("--json", *words)
    assert simulate("--json", *words) != simulate("--json", *words[:-1], 8)
    text = simulate(*words)
    assert "forecast      done after" in text and "up to 200 people" in text and "\x1b" not in text


@pytest.mark.parametrize("words", [
    ("--people", 3000, "--per-second", 5),
    ("--people", 30000, "--ramp", "fast", "--limit-a-day", 10000, "--used-today", 4000),
    ("--people", 20000, "--hours", "mon-sat 09:00-20:00", "--zone", "America/Sao_Paulo=50%", "--zone", "Europe/Berlin=50%"),
    ("--people", 9000, "--ramp", "careful", "--hours", "daily 10:00-12:00", "--zone", "Asia/Kolkata"),
], ids=["slow", "tier", "zones", "hours"])
def test_forecast_and_play_agree(words):
    v = played(*words)
    said, took = v["forecast"]["takes_ms"], v["first"]["takes_ms"]
    assert v["first"]["end"] == "finished" and abs(said - took) <= 0.1 * took, (said, took)


def test_a_deadline():
    v = played("--people", 80000, "--limit-a-day", 10000, "--deadline", "2026-11-26T14:10:00Z")
    by = v["forecast"]["by_deadline"]
    assert v["first"]["end"] == "deadline" and abs(by - v["first"]["reached"]) <= 0.1 * by
    text = " ".join(simulate("--people", 80000, "--limit-a-day", 10000, "--deadline", "2026-11-26T14:10:00Z").split())
    assert "of 80,000 people cannot be sent to before Thu 26 Nov 14:10 UTC because of the limit of 10,000 people in 24 h" in text


def test_refused_in_words():
    for words, part in [(("--people", 0), "--people wants a number from 1"), (("--opt-out", "many"), "--opt-out"),
                        (("--bad-source", "10%"), "--bad-source wants SHARE:RATES"), (("--zone", "Nowhere"), "no such time zone"),
                        (("--zone", "Europe/Berlin=60%"), "the zones together are 60 % of the people"),
                        (("--read", "1%", "--opt-out", "5%"), "more people are to opt out than read it"),
                        (("--bad-source", "10%:undeliverable=90%,complaint=20%"), "complain than read it: bad source 1"),
                        (("--zone", "Europe/Berlin=60%", "--zone", "Asia/Tokyo"), "the zones together are 160 %"),
                        (("--ramp", "slow"), "standard, careful or fast"), (("--tolerate", "luck=1%"), "--tolerate knows opt_out"),
                        (("--deadline", "2020-01-01"), "before it begins"), (("--source", "a:read=1%"), "of a source the campaign has")]:
        assert part in simulate(*words, status=2), words


def test_a_campaign_of_a_gateway(gateway):
    people(gateway, 30, source="fair.csv")
    people(gateway, 70, first=447700905000, source="shop.csv")
    c = Campaign(gateway, definition("Spring sale"))
    code, _, err = gateway.cli(["simulate", "Spring sale", "--json"])
    assert code != 0 and "was not checked" in err, err
    c.check()
    code, out, err = gateway.cli(["simulate", "Spring sale", "--json", "--people", 5000, "--source", "fair.csv:undeliverable=100%"])
    assert code == 0, err
    v = json.loads(out)
    assert v["plan"]["campaign"] == "Spring sale" and v["plan"]["people"] == 5000
    assert {s["name"] for s in v["runs"]["sources"]} == {"fair.csv", "shop.csv"}
    assert v["plan"]["monitors"]["ppm"] == c.get("check")["report"]["monitors"]["terms"]["ppm"]
    [isolated] = [m for m in v["first"]["timeline"] if m["what"] == "quarantine"]
    assert isolated["source"] == "fair.csv"


def test_what_the_sandbox_drew_is_what_the_gateway_counts(gateway, sandbox):
    """STOP, a button, the platform's own opt-out, a complaint, 131026 and readings, each person once."""
    sandbox.call("POST", "people", {"seed": 5, "factor": 1000000, "opt_out": "30%", "complaint": "10%", "undeliverable": "10%", "reply": "20%"})
    people(gateway, 120)
    c = Campaign(gateway, definition("Loud", ramp="fast")).launched()
    c.wait(("finished", "held"))  # a slow machine sees the first opt-outs while it still sends

    def counted():
        sandbox.all_told()
        gateway.wait_applied()
        d = sandbox.call("GET", "people")["drawn"][0]
        assert min(d["opted_out"], d["complained"], d["undeliverable"], d["read"]) > 0
        [sums] = gateway.query("SELECT SUM(sent), SUM(undeliverable), SUM(read_any), SUM(opted_out), SUM(complained) FROM campaign_cohort")
        return sums == (d["messages"], d["undeliverable"], d["read"], d["opted_out"], d["complained"])
    rig.until("the gateway counts what was drawn", counted)
