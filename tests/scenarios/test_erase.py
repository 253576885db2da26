# SPDX-License-Identifier: Apache-2.0
"""What becomes of webhooks that are kept: they go after `webhook.keep`, and what they say of one person goes when that is asked
for. Nothing of it may be left in the files, and nobody else's may be gone."""

import contextlib
import json
import random
import sqlite3
import string
import time

import pytest
import rig
from test_subscribers import PRIVATE, app, events, subscribe  # noqa: F401
from test_webhook import signed

ANA, BO = "447700900301", "447700900302"
ANA_ID, BO_ID = "GB.90000000000301", "GB.90000000000302"
NOBODY = "GB.90000000000399"
PEOPLE = {ANA: ("Ana Wintergarten", ANA_ID), BO: ("Bo Lindqvist", BO_ID)}


def value(*parts):
    """One value with the lists of all of them."""
    whole = {}
    for part in parts:
        for name, elements in part.items():
            whole.setdefault(name, []).extend(elements)
    return whole


@pytest.fixture
def router(start, sandbox, tmp_path):
    return start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE)


@pytest.fixture
def quiet(start, sandbox, tmp_path):
    return start(rig.Gateway, tmp_path, sandbox.url)


def envelope(*values, field="messages"):
    """One body with one change for each value."""
    changes = [{"value": {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550000111", "phone_number_id": rig.SENDER}, **v}, "field": field} for v in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": changes}]}, separators=(",", ":")).encode()


def wrote(number, text, mid):
    name, user_id = PEOPLE[number]
    return {"contacts": [{"profile": {"name": name}, "wa_id": number, "user_id": user_id}],
            "messages": [{"from": number, "from_user_id": user_id, "id": mid, "timestamp": "1790000000", "type": "text", "text": {"body": text}}]}


def status(number, mid):
    return {"id": mid, "status": "delivered", "timestamp": "1790000001", "recipient_id": number}


def store(gateway, *bodies):
    for body in bodies:
        assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    gateway.wait_applied()


def noise(n, seed):
    """Text that cannot be packed, so that a body needs pages of its own."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=n))


def erase(gateway, who):
    """All calls until there is nothing more to look at."""
    looked = changed = 0
    place = {}
    while True:
        code, answer = gateway.admin("POST", "/webhooks/erase", {"who": who, **place})
        assert code == 200, answer
        looked, changed = looked + answer["scanned"], changed + answer["erased"]
        if answer["next"] is None:
            return looked, changed
        place = {"cursor": answer["next"]}


def kept(gateway):
    """The bodies as they lie in the database, packed or not."""
    return {seq: bytes(body) for seq, body in gateway.query("SELECT seq, body FROM inbox")}


def pieces(blob):
    return {blob[i:i + 16] for i in range(0, len(blob) - 16, 4)}


def files(gateway):
    return b"".join(path.read_bytes() for path in (gateway.folder / "state").iterdir() if path.name.startswith("wayleave.db") and not path.name.endswith("-shm"))


def test_nothing_of_one_person_is_left_and_everything_of_the_others(quiet):
    both = {"statuses": [status(ANA, "wamid.s1"), status(BO, "wamid.s2")]}
    large = wrote(ANA, noise(200_000, 1), "wamid.a3")
    large["messages"] += wrote(BO, "me too", "wamid.b3")["messages"]
    large["contacts"] += wrote(BO, "", "")["contacts"]
    store(quiet, envelope(wrote(ANA, "hello from me", "wamid.a1")), envelope(wrote(BO, "hello from Bo", "wamid.b1")), envelope(both), envelope(large),
          envelope({"unheard_of": [{"user": NOBODY}, {"user": BO_ID}]}, field="brand_new"), envelope(wrote(ANA, "and again", "wamid.a4"), wrote(BO, "so do I", "wamid.b4")),
          b'{"object":"whatsapp_business_account","entry":"+44 7700 900301"}')
    before, raw = quiet.bodies(), kept(quiet)
    assert sum(ANA.encode() in body for body in before.values()) == 4
    assert {ANA, BO} <= {who for (who,) in quiet.query("SELECT participant FROM msg_event WHERE msg = 0")}
    assert quiet.admin("GET", f"/contacts/{ANA}")[1]["name"] == "Ana Wintergarten"

    assert erase(quiet, "+" + ANA) == (7, 5)

    after = quiet.bodies()
    everything = b"".join(after.values())
    for word in (ANA, "7700 900301", ANA_ID, "Ana Wintergarten", "hello from me", "and again", "wamid.a1", "wamid.s1", noise(40, 1)):
        assert word.encode() not in everything, word
    for word in ("hello from Bo", "wamid.s2", "me too", "so do I", NOBODY, "Bo Lindqvist"):
        assert word.encode() in everything, word
    assert set(after) == set(before) and all(json.loads(body) is not None for body in after.values())
    assert sum(after[seq] == before[seq] for seq in after) == 2
    assert {who for (who,) in quiet.query("SELECT participant FROM msg_event WHERE msg = 0")} == {BO}
    assert quiet.admin("GET", f"/contacts/{ANA}")[1]["name"] == ""
    assert quiet.admin("GET", f"/contacts/{BO}")[1]["name"] == "Bo Lindqvist"

    now = kept(quiet)
    gone = set().union(*(pieces(raw[seq]) for seq in raw if raw[seq] != now[seq])) - set().union(*(pieces(blob[i:]) for blob in now.values() for i in range(4)))
    assert len(gone) > 30_000
    rig.until("the log is emptied", lambda: (quiet.folder / "state" / "wayleave.db-wal").stat().st_size < 100_000)
    left = files(quiet)
    everywhere = {left[i:i + 16] for i in range(len(left) - 16)}
    assert not gone & everywhere


def test_somebody_nobody_knows_and_somebody_by_another_name(quiet):
    store(quiet, envelope({"unheard_of": [{"user": NOBODY}]}, field="brand_new"), envelope(wrote(BO, "hi", "wamid.b1")), envelope({"statuses": [status(BO, "wamid.s1")]}))
    assert erase(quiet, NOBODY) == (3, 1)
    assert erase(quiet, BO_ID) == (3, 2)  # of which one has the number alone
    assert not any(BO.encode() in body or NOBODY.encode() in body for body in quiet.bodies().values())
    assert erase(quiet, BO) == (3, 0)


def test_the_command_line_comes_back_until_all_is_looked_at(quiet):
    store(quiet, *(envelope(wrote(ANA, f"message {i}", f"wamid.{i}")) for i in range(300)))
    code, out, err = quiet.cli(["webhooks", "erase", "+" + ANA, "--yes", "--json"])
    assert code == 0 and json.loads(out) == {"scanned": 300, "erased": 300}, (out, err)
    assert not any(ANA.encode() in body for body in quiet.bodies().values())


def names(requests):
    """Messages by the place that `Wayleave-Event-Id` says they have."""
    return {r["headers"]["Wayleave-Event-Id"].partition(".")[2]: [e[0] if isinstance(e, tuple) else e for e in events(r["json"])] for r in requests}


def test_what_waits_for_an_application_is_forgotten_too(router, app):
    up = []
    apps = [app(lambda r: 200 if up else 503) for _ in range(2)]
    subscribe(router, "events", apps[0].url)
    subscribe(router, "bodies", apps[1].url, form="bodies")
    store(router, envelope(wrote(ANA, "hello from me", "wamid.a1")), envelope(value(wrote(ANA, "and again", "wamid.a2"), wrote(BO, "so do I", "wamid.b2"))))
    rig.until("both were asked", lambda: all(a.requests for a in apps))
    erase(router, "+" + ANA)
    up.append(True)
    store(router, envelope(wrote(BO, "the end", "wamid.b3")))
    for word in (b"wamid.b2", b"wamid.b3"):
        rig.until("what is left is taken", lambda: all(any(word in r["body"] for r in a.taken()) for a in apps), 40)
    taken = b"".join(r["body"] for a in apps for r in a.taken())
    for word in (ANA, ANA_ID, "Ana Wintergarten", "hello from me", "wamid.a", "null"):
        assert word.encode() not in taken, word
    assert [len(a.taken()) for a in apps] == [2, 2]


def test_an_event_keeps_its_name_after_an_erasure(start, sandbox, tmp_path, app):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE)
    up = []
    behind = app(lambda r: 200 if up or b"wamid.a1" in r["body"] else 503)
    subscribe(gateway, "app", behind.url)
    store(gateway, envelope(value(wrote(ANA, "hello", "wamid.a1"), wrote(BO, "me too", "wamid.b1"))))
    rig.until("one is taken and one is not", lambda: len(behind.taken()) == 1 and len(behind.requests) > 1)
    assert names(behind.requests) == {"0": ["wamid.a1"], "1": ["wamid.b1"]}
    erase(gateway, "+" + ANA)
    port, n = gateway.port, len(behind.requests)
    gateway.stop()
    up.append(True)
    start(rig.Gateway, tmp_path, sandbox.url, port=port, **PRIVATE)
    rig.until("the other one is taken", lambda: len(behind.taken()) == 2, 30)
    assert names(behind.requests[n:]) == {"1": ["wamid.b1"]}


def test_dead_letters_of_an_erased_person_go_and_the_others_keep_their_names(router, app):
    refuse = [b"wamid.a1", b"wamid.b1"]
    behind = app(lambda r: 400 if any(word in r["body"] for word in refuse) else 200)
    subscribe(router, "app", behind.url)
    third = {"messages": [{"from": "15550009999", "id": "wamid.c1", "timestamp": "1790000000", "type": "text", "text": {"body": "x"}}]}
    store(router, envelope(value(wrote(ANA, "hello", "wamid.a1"), wrote(BO, "me too", "wamid.b1"), third)))
    rig.until("the third is taken", lambda: len(behind.taken()) == 1)
    [(seq,)] = router.query("SELECT seq FROM inbox")
    [(subscriber,)] = router.query("SELECT id FROM subscriber")
    router.admin("POST", "/webhooks/replay", {"subscriber": "app", "id": str(seq)})
    rig.until("two are dead", lambda: router.query("SELECT event FROM dead_letter WHERE again = 0 ORDER BY event") == [(0,), (1,)], 60)
    erase(router, "+" + ANA)
    assert router.query("SELECT seq, event FROM dead_letter") == [(seq, 1)]
    refuse.clear()
    n = len(behind.requests)
    assert router.admin("POST", "/webhooks/replay", {"subscriber": "app", "dead": True})[0] in (200, 202)
    rig.until("the letter is taken", lambda: router.query("SELECT count(*) FROM dead_letter") == [(0,)], 30)
    assert names(behind.requests[n:]) == {"1": ["wamid.b1"]}
    router.admin("POST", "/webhooks/replay", {"subscriber": "app", "id": str(seq)})
    rig.until("what is left is handed on again", lambda: set(names(behind.requests[n:])) == {"1", "2"}, 30)


def test_notices_that_name_the_person_are_cut(quiet):
    """What names somebody is not kept as a notice as far as we can tell; what we could not tell is found here."""
    store(quiet, envelope(wrote(ANA, "hello", "wamid.a1")))
    now = int(time.time() * 1000) - 1000
    with contextlib.closing(sqlite3.connect(quiet.folder / "state" / "wayleave.db", timeout=30)) as db, db:
        for i in range(1200):
            detail = {"event": "X", "detail": "said +44 7700 900301" if i in (0, 600, 1199) else "nobody said"}
            db.execute("INSERT INTO notice VALUES (?, ?, 5, 1, 0, 'account_alerts', ?, 'X', ?)", (now + i // 2, -i if i % 2 else i, ANA_ID if i == 7 else "y", json.dumps(detail)))
    assert erase(quiet, "+" + ANA) == (1, 1)
    rows = quiet.query("SELECT subject, word, detail FROM notice")
    assert sum(row == ("", "", '{"cut":true,"erased":true}') for row in rows) == 4 and sum("nobody said" in row[2] for row in rows) == 1196
    assert b"7700 900301" not in files(quiet)


def test_a_mistake_is_named(quiet):
    ana = {"who": "+" + ANA}
    for body, code, field in (
        ({}, 400, "who"), ({"who": ""}, 400, "who"), ({"who": 5}, 400, "who"), ({"who": "not a name"}, 400, "who"), ({"who": "c5-0"}, 404, None), ({**ana, "all": True}, 400, None),
        ({**ana, "cursor": "x"}, 400, "cursor"), ({**ana, "cursor": "1.2"}, 400, "cursor"), ({**ana, "cursor": "-2.2.3"}, 400, "cursor"),
    ):
        got, answer = quiet.admin("POST", "/webhooks/erase", body)
        assert got == code and answer["error"].get("field") == field, (body, answer)


def test_webhooks_go_after_a_while_and_what_they_said_stays(start, sandbox, tmp_path):
    clock = rig.WallClock(tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    store(gateway, envelope(wrote(ANA, "hello", "wamid.a1")), envelope(wrote(BO, "hello", "wamid.b1")))
    raw = kept(gateway)
    clock.set(29 * 86400)
    store(gateway, envelope(wrote(BO, "still there", "wamid.b2")))
    assert len(gateway.bodies()) == 3
    gateway.stop()
    clock.set(31 * 86400)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    rig.until("the old ones are gone", lambda: len(gateway.bodies()) == 1)
    [left] = gateway.bodies().values()
    assert b"still there" in left
    assert "wayleave_webhooks_dropped_total 2" in gateway.get("/metrics", token=None).text
    assert gateway.admin("GET", f"/contacts/{ANA}")[1]["name"] == "Ana Wintergarten"
    assert gateway.admin("GET", "/status")[1]["inbox"]["rows"] == 1
    gone = set().union(*(pieces(blob) for blob in raw.values())) - set().union(*(pieces(blob[i:]) for blob in kept(gateway).values() for i in range(4)))
    assert len(gone) > 20
    rig.until("nothing of them is left in the files", lambda: not any(piece in files(gateway) for piece in gone))


def test_a_stop_leaves_one_file(quiet):
    store(quiet, envelope(wrote(ANA, "hello", "wamid.a1")))
    quiet.stop()
    assert {path.name for path in (quiet.folder / "state").glob("wayleave.db*")} == {"wayleave.db"}
