# SPDX-License-Identifier: Apache-2.0
"""Campaigns, exactly: everybody once, whatever happens meanwhile. The program dies at every named place of a campaign's way, answers are
lost, people change their mind, Meta takes a template away, a list turns out to be bad, and somebody puts yesterday's database back.

Run as a program it dies at random moments of one campaign, for long:
    test_campaign_exact.py [PEOPLE]        the binary is $WAYLEAVE_BIN"""

import contextlib
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import campaign_rig as camp
import rig
from test_exactly_once import Life

# The places of a campaign's way, and how often they are passed before the end.
POINTS = [("campaign_taking", 1), ("campaign_beating", 1), ("campaign_marking", 1), ("campaign_passing", 1), ("campaign_submitting", 20), ("door_counted", 4), ("store_commit", 30),
          ("campaign_told", 30), ("queued_handed", 10), ("campaign_acting", 1), ("campaign_acted", 1)]
AT_CHECK = POINTS[3:6] + POINTS[7:8] + POINTS[9:10]  # the rest in tools/soak campaign


def ready(gateway):
    """Its templates were read."""
    rig.until("the templates are known", lambda: gateway.query("SELECT COUNT(*) FROM template")[0][0])
    return gateway


def slow(sandbox):
    """Eighty messages a second of a number, so that there is time for something to happen."""
    for sender in (rig.SENDER, rig.OTHER_SENDER):
        sandbox.call("POST", "standing", {"phone_number_id": sender, "throughput": "STANDARD"})


def quiet(gateway, c):
    """Nobody is sent to just now, nor will be soon."""
    soon = gateway.query(f"SELECT COUNT(*) FROM outbox WHERE due < {int(time.time() * 1000) + 60000}")[0][0]
    return soon == 0 and not [r for r in camp.rows(gateway, c.id) if r.state == "sending" or (r.state == "" and r.contact)]


def template_is(sandbox, status):
    sandbox.call("POST", "event", {"field": "message_template_status_update", "name": status, "template": "spring_sale"})


def told(gateway, words):
    return [line for line in gateway.output().splitlines() if words in line]


def test_everybody_once_over_two_numbers_with_lost_answers_and_second_thoughts(start, sandbox, tmp_path):
    slow(sandbox)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"upstream.timeout": "1s"})
    sandbox.webhooks_to(gateway.url + "/webhook", sent_ms=5, delivered_ms=10, read_ms=-1)
    people = camp.people(ready(gateway), 300)
    other = people[::2]
    c = camp.Campaign(gateway, camp.definition(numbers=[rig.SENDER, rig.OTHER_SENDER], ramp="fast")).launched()
    c.wait_handed(40)
    c.pause()
    held = len(camp.received(sandbox))
    assert c.state() == "held" and held < 300
    refused = [who for who in people if who not in camp.received(sandbox)][-5:]
    for who in refused:
        assert gateway.admin("POST", "/consent", {"who": who, "act": "withdraw", "scope": "marketing", "method": "phone"})[0] == 200
    sandbox.fault("lost-answer", times=1, path="/messages")  # it has arrived, and nobody says so: only a status does
    c.resume()
    rig.until("everybody has their message or a reason", lambda: not [r for r in camp.rows(gateway, c.id) if r.state in ("", "waiting", "sending", "ambiguous")], 60)
    v = c.wait("finished")
    got = camp.received(sandbox)
    missing = set(people) - set(got)
    assert not camp.twice(sandbox) and len(got) == len(people) - len(missing)
    assert missing <= set(refused) and v["handed"] == 300
    states = Counter(r.state for r in camp.rows(gateway, c.id))
    assert states == Counter(accepted=len(got), refused=len(missing)), states
    senders = Counter(m["phone_number_id"] for m in sandbox.ledger(limit=500))
    assert len(senders) == 2 and len(other) == 150
    acts = [a for a, _ in c.events()]
    assert acts.count("pause") == 1 and acts[-1] == "finish"
    assert 'wayleave_campaign_handed_total 300' in gateway.get("/metrics", token=None).text


def test_a_stop_is_obeyed_by_what_waits(start, sandbox, tmp_path):
    slow(sandbox)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    camp.people(ready(gateway), 300)
    c = camp.Campaign(gateway, camp.definition(ramp="fast")).launched()
    c.wait_handed(30)
    c.stop()
    n = len(camp.received(sandbox))
    rig.until("what waited was refused", lambda: not {"waiting", "sending"} & {r.state for r in camp.rows(gateway, c.id)})
    got = camp.received(sandbox)
    assert len(got) - n <= 30 and len(got) < 300 and c.state() == "stopped"  # those whose turn had come
    rows = camp.rows(gateway, c.id)
    assert {r.state for r in rows} <= {"accepted", "refused", ""} and sum(r.state == "" for r in rows) + len(got) <= 300


def through(folder, points, seed, n=200):
    """One campaign in which the program dies at each of these places."""
    chance = random.Random(seed)
    sandbox, port, missed = rig.Sandbox(folder), rig.free_port(), []
    changes = {"campaigns.second_person_above": 100000}
    try:
        slow(sandbox)
        life = Life(folder, sandbox.url, port, **changes)
        life.wait_ready(life.url + "/readyz")
        sandbox.webhooks_to(life.url + "/webhook", retry_ms=100, sent_ms=10, delivered_ms=20, read_ms=-1)
        people = camp.people(ready(life), n)
        c = camp.Campaign(life, camp.definition(numbers=[rig.SENDER, rig.OTHER_SENDER], ramp="fast"))
        c.check()
        c.approve()
        life.stop()
        with contextlib.closing(sqlite3.connect(folder / "state" / "wayleave.db")) as db, db:
            db.execute("UPDATE campaign_recipient SET contact = 0, params = '' WHERE place = 5")  # as somebody's who was erased
        for at, (point, most) in enumerate(points):
            life = Life(folder, sandbox.url, port, f"{point}:{chance.randint(1, most)}", **changes)
            c.gateway = life
            with contextlib.suppress(Exception):
                if at == 0 and life.ready():
                    c.start()
                elif point in ("campaign_acting", "campaign_acted") and life.ready():
                    template_is(sandbox, "PAUSED")
            if not life.died(8):
                missed.append(point)
                life.kill()
            with contextlib.closing(sqlite3.connect(folder / "state" / "wayleave.db")) as db, db:
                db.execute("UPDATE campaign SET target = people WHERE state = 4")  # the ramp would wait for twenty minutes behind 500 people
        template_is(sandbox, "APPROVED")
        life = Life(folder, sandbox.url, port, **changes)
        life.wait_ready(life.url + "/readyz")
        c.gateway = life
        if c.state() == "held":
            rig.until("it may go on", lambda: life.query("SELECT status FROM template WHERE name = 'spring_sale'")[0][0] == 1)
            c.resume()
        rig.until("nobody waits any more", lambda: quiet(life, c), 60 + n / 20)
        sandbox.all_told()
        life.wait_applied()
        return compare(life, sandbox, c, people), missed
    finally:
        with contextlib.suppress(Exception):
            life.stop()
        sandbox.kill()


def compare(gateway, sandbox, c, people):
    """What is not as it has to be. A message whose answer died with the program is in doubt when no status tells of it: it is never sent again.
    Who was at the door while the template was away was refused by Meta, or is held by the rules for as long as Meta pauses templates."""
    unsent = ("ambiguous", "undetermined", "rejected", "waiting")
    got, rows = Counter(camp.received(sandbox)), [r for r in camp.rows(gateway, c.id) if r.contact]
    states = Counter(r.state for r in rows)
    wrong = [f"{who[-4:]} got {k}" for who, k in got.items() if k > 1]
    if sum(got.values()) != states["accepted"]:
        wrong.append(f"the platform accepted {sum(got.values())}, rows say {dict(states)}")
    if len(rows) != len(people) - 1 or len(rows) - len(got) != sum(states[s] for s in unsent):
        wrong.append(f"{len(rows) - len(got)} have nothing, rows say {dict(states)}")
    if not states["accepted"] or set(states) - {"accepted", *unsent}:
        wrong.append(f"states {dict(states)}")
    if not any(states[s] for s in unsent[:2] + unsent[3:]):
        c.wait("finished")
    print(dict(states))
    return wrong


def test_power_loss_at_every_place_of_a_campaign(tmp_path):
    seed = int(os.environ.get("WAYLEAVE_SEED", random.randrange(10**9)))
    wrong, missed = through(tmp_path, AT_CHECK, seed)
    assert not wrong, (seed, wrong)
    assert not missed, f"the campaign never came by {missed} (seed {seed})"


def test_a_template_that_meta_takes_away_holds_it_within_a_second(start, sandbox, tmp_path):
    slow(sandbox)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", sent_ms=5, delivered_ms=10, read_ms=-1)
    people = camp.people(ready(gateway), 450)
    c = camp.Campaign(gateway, camp.definition(ramp="fast")).launched()
    c.wait_handed(20)
    template_is(sandbox, "PAUSED")
    began = time.monotonic()
    v = c.wait("held", 5)
    assert time.monotonic() - began < 3 * rig.SLOW and v["cause"] == "template" and "paused" in v["why"]  # a second, when nothing else runs
    [line] = rig.until("it is told", lambda: told(gateway, "is stopped until somebody"))
    assert "spring_sale" in line and "wayleave campaigns resume" in line
    n = len(camp.received(sandbox))
    c.resume()  # it is paused still: nobody's word helps
    assert c.wait("held", 5)["cause"] == "template"
    assert len(camp.received(sandbox)) == n < 200
    template_is(sandbox, "APPROVED")
    rig.until("it is approved again", lambda: gateway.query("SELECT status FROM template WHERE name = 'spring_sale'")[0][0] == 1)
    c.resume()
    c.wait_handed(len(people))
    rig.until("they are on their way", lambda: len(camp.received(sandbox)) > n)
    rig.until("it is quiet", lambda: quiet(gateway, c))
    assert not camp.twice(sandbox)
    # Who was at the door when it was taken away was refused by Meta, or is held by the rules for as long as Meta pauses templates.
    states = Counter(r.state for r in camp.rows(gateway, c.id))
    assert n < states["accepted"] == len(camp.received(sandbox)) and set(states) <= {"accepted", "rejected", "waiting"}, states
    assert sum(states.values()) == len(people)


def test_a_bad_source_is_quarantined_and_the_rest_goes_on(start, sandbox, tmp_path):
    slow(sandbox)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", sent_ms=5, delivered_ms=10, read_ms=-1)
    sandbox.call("POST", "people", {"seed": 5, "factor": 1000000, "undeliverable": "0%", "opt_out": "0%", "complaint": "0%",
                                    "groups": [{"prefix": "447700903", "undeliverable": "100%"}]})
    good = camp.people(ready(gateway), 250, source="shop.csv")
    bad = camp.people(gateway, 80, first=447700903000, source="bought.csv")
    c = camp.Campaign(gateway, camp.definition(ramp="fast")).launched()
    rig.until("the bad source is quarantined", lambda: [s for s in c.get()["sources"] if s["state"] == "quarantined"])
    [source] = [s for s in c.get()["sources"] if s["state"] == "quarantined"]
    assert source["name"] == "bought.csv" and c.state() == "running"
    assert "could not be delivered" in source["why"]
    rig.until("it is told", lambda: told(gateway, "the rest goes on"))
    rig.until("everybody else has it", lambda: set(good) <= set(camp.received(sandbox)))
    reached = set(bad) & set(camp.received(sandbox))
    assert 0 < len(reached) < len(bad) and not camp.twice(sandbox)
    rows = [r for r in camp.rows(gateway, c.id) if r.state == "waiting"]
    assert len(rows) == len(bad) - len(reached)
    assert c.state() == "running"  # they wait for somebody to look
    c.stop()


def test_who_lets_it_go_on_begins_its_monitors_anew(start, sandbox, tmp_path):
    slow(sandbox)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", sent_ms=5, delivered_ms=10, read_ms=-1)
    sandbox.call("POST", "people", {"seed": 5, "factor": 1000000, "undeliverable": "0%", "opt_out": "40%"})
    camp.people(ready(gateway), 400)
    c = camp.Campaign(gateway, camp.definition(ramp="fast")).launched()
    v = c.wait("held")
    assert v["cause"] == "monitor" and v["resume_at"] is None and "opt_out" in v["why"], v
    sandbox.all_told()
    gateway.wait_applied()
    before = len(camp.received(sandbox))
    assert before < 300
    c.resume()
    rig.until("it is stopped again, by those who got it since", lambda: len(told(gateway, "is stopped until somebody")) == 2)
    assert c.state() == "held" and before < len(camp.received(sandbox))
    assert [a for a, _ in c.events()][-3:] == ["hold", "resume", "hold"]
    counted = int(re.search(r"opt_out: \d+ of (\d+) people", c.get()["why"]).group(1))
    assert counted <= len(camp.received(sandbox)) - before, (counted, before)


def test_an_older_copy_of_the_database_does_not_go_on_by_itself(start, sandbox, tmp_path):
    slow(sandbox)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = camp.people(ready(gateway), 200)
    c = camp.Campaign(gateway, camp.definition(ramp="fast")).launched()
    c.wait_handed(30)
    gateway.stop()
    kept = tmp_path / "yesterday.db"
    shutil.copy(tmp_path / "state" / "wayleave.db", kept)

    again = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    c.gateway = again
    c.wait("finished")
    assert sorted(camp.received(sandbox)) == sorted(people)
    again.stop()
    shutil.copy(kept, tmp_path / "state" / "wayleave.db")
    for left in ("-wal", "-shm"):
        (tmp_path / "state" / f"wayleave.db{left}").unlink(missing_ok=True)

    restored = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    c.gateway = restored
    v = c.wait("held", 10)
    assert v["cause"] == "gap" and "older copy" in v["why"] and told(restored, "older copy")
    try:
        c.resume()
        raise AssertionError("it went on")
    except camp.Refused as e:
        assert e.status == 403 or e.status == 409, e
    assert sorted(camp.received(sandbox)) == sorted(people)
    c.stop()


def test_a_series_makes_its_next_campaign_and_asks_a_person_when_something_is_new(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = camp.people(ready(gateway), 12, source="shop.csv")
    soon = time.gmtime(time.time() + 1800)
    repeat = {"every": "week", "on": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "at": time.strftime("%H:%M", soon), "zone": "Etc/UTC", "times": 1}
    first, second = (camp.Campaign(gateway, camp.definition(name, repeat=repeat)) for name in ("as it was", "with more"))
    for series in (first, second):
        series.check()
        series.approve()
    first.start()

    def made(series):
        ids = gateway.query(f"SELECT id FROM campaign WHERE series = {camp.campaign_number(series.id)}")
        listed = {camp.campaign_number(v["id"]): v["id"] for v in gateway.admin("GET", "/campaigns")[1]["campaigns"]}
        return [camp.Campaign(gateway, listed[i]) for (i,) in ids]
    [one] = rig.until("the series made one", lambda: made(first))
    v = one.wait("running")
    assert v["people"] == len(people) and v["approved_by"] == "ana" and v["handed"] == 0 and "start_at" in v["definition"] and "repeat" not in v["definition"]
    assert first.state() == "running" and ("repeat", "runner") in first.events() and not camp.received(sandbox)

    camp.people(gateway, 3, first=447700903000, source="bought.csv")
    second.start()
    [other] = rig.until("the other series made one", lambda: made(second))
    rig.until("it waits for a person", lambda: told(gateway, "from a source that was not there"))
    assert other.state() == "checked"
    assert len(made(first)) == 1 and len(made(second)) == 1


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    seed = int(os.environ.get("WAYLEAVE_SEED", 20261122))
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="wayleave-campaign-") as name:
        points = POINTS[:9] + [(chance.choice(POINTS[4:9])[0], 200) for _ in range(n // 500)]
        wrong, missed = through(Path(name), points, seed, n)
    print("\n".join(wrong), f"\nseed {seed}: {n} people, {len(points)} lives, {len(missed)} of them lived on, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
