# SPDX-License-Identifier: Apache-2.0
"""Ways in which a campaign could have met somebody twice, or gone on without being asked: copies of the database put back one after the
other, two persons who become one while a check runs, a pause at the moment it would go on by itself, a series' campaign somebody moved."""

import contextlib
import shutil
import sqlite3
import time

import campaign_rig as camp
import rig
from test_campaign_exact import ready, slow, told
from test_exactly_once import Life

DATABASE = "state/wayleave.db"


def hot_copy(folder, name):
    """As a backup program makes it, of a database in use."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as source, contextlib.closing(sqlite3.connect(folder / name)) as copy:
        source.backup(copy)


def put_back(folder, name):
    shutil.copy(folder / name, folder / DATABASE)
    for left in ("-wal", "-shm"):
        (folder / f"{DATABASE}{left}").unlink(missing_ok=True)


def sql(folder, *statements):
    """Changes the database of a gateway that is not there."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db, db:
        for words, values in statements:
            db.execute(words, values)


def test_copies_of_any_age_are_noticed_whichever_comes_first(start, sandbox, tmp_path):
    slow(sandbox)
    g = start(rig.Gateway, tmp_path, sandbox.url)
    camp.people(ready(g), 200)
    c = camp.Campaign(g, camp.definition(ramp="fast")).launched()
    hot_copy(tmp_path, "older.db")
    c.wait_handed(60)
    hot_copy(tmp_path, "newer.db")  # some messages are all that happened since
    c.wait("finished")
    g.stop()
    for name in ("older.db", "newer.db", "older.db"):  # "that was the wrong one"
        put_back(tmp_path, name)
        g = start(rig.Gateway, tmp_path, sandbox.url, port=g.port)
        c.gateway = g
        v = c.wait("held", 10)
        assert v["cause"] == "gap" and not camp.twice(sandbox), name
        g.stop()


def test_who_became_one_while_they_were_checked_gets_one(start, sandbox, tmp_path):
    """Rows as a check leaves them when two persons become one after it took its audience, before they can be found by person."""
    g = start(rig.Gateway, tmp_path, sandbox.url)
    numbers, other = camp.people(ready(g), 3), "GB.13491208655302741918"
    agreed = {"act": "grant", "scope": "marketing", "method": "web_form", "at": "2026-01-02T03:04:05Z"}
    row = {"user_id": other, "tags": ["crowd"], "attributes": {"first_name": "Q"}, "consent": agreed}
    status, answer = g.admin("POST", "/contacts/import", {"contacts": [row]})
    assert status == 200 and not answer["errors"], answer
    g.sealed()
    c = camp.Campaign(g, camp.definition(ramp="fast"))
    c.check()
    c.approve()
    places = g.query("SELECT contact, params, place FROM campaign_recipient")
    index = g.query("SELECT contact, campaign, place FROM contact_campaign")
    sandbox.webhooks_to(g.url + "/webhook", sent_ms=5, delivered_ms=10, read_ms=-1)
    sandbox.inbound(numbers[0].lstrip("+"), user_id=other)
    rig.until("they are one", lambda: g.person(numbers[0])["id"] == g.person(other)["id"])
    g.stop()
    sql(tmp_path, *[("UPDATE campaign_recipient SET contact = ?, params = ? WHERE place = ?", v) for v in places],
        *[("INSERT OR REPLACE INTO contact_campaign (bucket, contact, campaign, place) VALUES (0, ?, ?, ?)", v) for v in index])
    g = start(rig.Gateway, tmp_path, sandbox.url, port=g.port)
    c.gateway = g
    c.start()
    c.wait("finished")
    assert sorted(camp.received(sandbox)) == sorted(numbers)


def test_a_pause_at_the_moment_it_would_go_on_stands(start, sandbox, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url)
    camp.people(ready(g), 20)
    c = camp.Campaign(g, camp.definition(ramp="fast"))
    c.check()
    c.approve()
    c.start()
    c.pause()
    g.stop()
    held_for_meta = 8
    sql(tmp_path, ("UPDATE campaign SET cause = ?, resume_at = ?", (held_for_meta, int(time.time() * 1000) - 1000)))
    life = Life(tmp_path, sandbox.url, g.port, "campaign_beating:1:delay=3000")  # it has decided to go on, and says so behind this
    c.gateway = life
    try:
        assert life.ready()
        before = life.query("SELECT beat_at FROM campaign")
        c.pause()
        rig.until("the runner has had its say", lambda: life.query("SELECT beat_at FROM campaign") != before)
        time.sleep(0.5)  # and would have acted
        v = c.get()
        assert (v["state"], v["cause"]) == ("held", "person") and c.events()[-1] == ("pause", "ana")
    finally:
        life.stop()


def test_what_is_over_before_it_began_is_let_go(start, sandbox, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url)
    camp.Campaign(g, camp.definition()).act("cancel")
    rig.until("nothing is left to be done", lambda: g.query("SELECT COUNT(*) FROM campaign WHERE due <> 0") == [(0,)], 10)
    assert not told(g, "cannot be followed")


def test_a_series_campaign_that_is_moved_waits_for_a_person_and_does_not_fall_due_twice(start, sandbox, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url)
    camp.people(ready(g), 12, source="shop.csv")
    soon = time.gmtime(time.time() + 1800)
    repeat = {"every": "week", "on": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "at": time.strftime("%H:%M", soon), "zone": "Etc/UTC"}
    series = camp.Campaign(g, camp.definition("daily", repeat=repeat))
    series.check()
    series.approve(actor="the boss")
    g.stop()  # started, it makes its first one at once: rows are put in its way before it can approve it
    life = Life(tmp_path, sandbox.url, g.port, "campaign_check_plan:1:delay=1500")
    series.gateway = life
    try:
        assert life.ready()
        series.start()

        def made():
            listed = {camp.campaign_number(v["id"]): v["id"] for v in life.admin("GET", "/campaigns")[1]["campaigns"]}
            ids = life.query(f"SELECT id FROM campaign WHERE series = {camp.campaign_number(series.id)}")
            return [camp.Campaign(life, listed[i]) for (i,) in ids if i in listed]
        [one] = rig.until("the series made one", made)

        def moved():
            changed = {**one.get()["definition"], "start_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))}
            with contextlib.suppress(camp.Refused):
                one.change(changed, actor="mo")
                return True
        rig.until("it is moved", moved)
        one.check(actor="mo")
        time.sleep(1.2)  # a look of the series'
        assert one.state() == "checked" and len(made()) == 1
        one.approve(actor="eve")
        one.start(actor="eve")
        one.wait("finished")
        time.sleep(1.2)
        assert len(made()) == 1 and not camp.twice(sandbox)
    finally:
        life.stop()
