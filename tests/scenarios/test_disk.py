# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, that refuses to sync, that is locked or cannot be written: the gateway says so, sends nothing it
could not account for, loses nothing it said it has, and is itself again after a restart."""

import contextlib
import os
import resource
import sqlite3
import threading
import time

import pytest
import requests
import rig
from test_exactly_once import HAS, accepted, content, listed


@pytest.fixture
def patient(monkeypatch, tmp_path):
    """A gateway whose files may be limited in size: where a disk is full no signal is sent."""
    wrapper = tmp_path / "wayleave"
    wrapper.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec '{rig.BIN}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(rig, "BIN", wrapper)


def ask(gateway, n, to, way="queue"):
    """One message that says its number, under a key of its own; the status, 0: no answer."""
    with contextlib.suppress(requests.RequestException):
        if way == "proxy":
            return gateway.post(f"/v23.0/{rig.SENDER}/messages", {"messaging_product": "whatsapp", "to": to, **content("marketing", n)}, headers={"Idempotency-Key": f"k{n}"}).status_code
        body = {"from": rig.SENDER, "to": to, "queue": True, "idempotency_key": f"k{n}", **content("marketing", n)}
        return gateway.request("POST", "/wayleave/v1/messages", token=gateway.admin_key, json=body).status_code
    return 0


def until_refused(gateway, people, most=20000):
    """Asks until it is refused; what each was told."""
    told = {}
    for n in range(most):
        told[n] = ask(gateway, n, people[n % len(people)], "proxy" if n % 5 == 4 else "queue")
        if told[n] == 503:
            return told
    raise AssertionError("it was never refused")


def refuses(gateway, sandbox, people, n):
    """Says that it cannot, and sends nothing."""
    assert gateway.get("/readyz", token=None).status_code == 503
    time.sleep(0.5)  # what was on its way
    before = len(accepted(sandbox))
    assert [ask(gateway, n + i, people[i], way) for i, way in enumerate(("queue", "proxy"))] == [503, 503]
    inbound = sandbox.call("GET", "webhook")["delivered"]
    sandbox.inbound(people[0].lstrip("+"))
    time.sleep(1)
    assert len(accepted(sandbox)) == before, "nothing leaves that cannot be written down"
    assert sandbox.call("GET", "webhook")["delivered"] == inbound, "and no webhook is thanked for"


def all_kept(gateway, sandbox, told, people):
    """After a restart: what was accepted from callers is sent once, and the others may come again."""
    again = {n: ask(gateway, n, people[n % len(people)], "proxy" if n % 5 == 4 else "queue") for n, status in told.items() if status in (0, 503)}
    assert set(again.values()) <= {200, 202, 409}, again
    rig.until("all are sent", lambda: not listed(gateway, "waiting,sending"), 30)
    sandbox.all_told()
    gateway.wait_applied()
    times, rows = accepted(sandbox), listed(gateway)
    assert max(times.values()) == 1
    missing = {n for n, status in told.items() if status in (200, 202)} - set(times)
    # An attempt that was written, and not known to be, never left; the next life cannot know that and says so.
    doubts = [m["state"] for n in missing for m in gateway.admin("GET", f"/messages?key=k{n}")[1]["messages"]]
    assert len(doubts) == len(missing) and set(doubts) <= {"ambiguous", "undetermined"}, (missing, doubts)
    assert sum(times.values()) == sum(row["state"] in HAS for row in rows.values())
    assert gateway.get("/readyz", token=None).status_code == 200


@pytest.mark.parametrize("place", ["store_begin", "store_commit", "store_sync"])
def test_a_disk_that_refuses(start, sandbox, tmp_path, place):
    first = start(rig.Gateway, tmp_path, sandbox.url)
    people = first.people(200)
    first.stop()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=first.port, env={"WAYLEAVE_FAILPOINT": f"{place}:60+:io"})
    sandbox.webhooks_to(gateway.url + "/webhook", retry_ms=100, read_ms=-1, sent_ms=20, delivered_ms=50)
    told = until_refused(gateway, people)
    assert sum(status in (200, 202) for status in told.values()) > 5
    refuses(gateway, sandbox, people, 50000)
    gateway.stop()
    all_kept(start(rig.Gateway, tmp_path, sandbox.url, port=first.port), sandbox, told, people)


def test_a_disk_that_is_full(start, sandbox, tmp_path, patient):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", retry_ms=100, read_ms=-1, sent_ms=20, delivered_ms=50)
    people = gateway.people(200)
    assert ask(gateway, 40000, people[0]) == 202
    wal = (tmp_path / "state" / "wayleave.db-wal").stat().st_size
    resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, (wal + 400_000, resource.RLIM_INFINITY))
    told = until_refused(gateway, people)
    refuses(gateway, sandbox, people, 50000)
    resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert gateway.get("/readyz", token=None).status_code == 503, "once refused it is looked at by somebody, and started again"
    gateway.stop()
    all_kept(start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port), sandbox, told, people)


def test_a_database_that_somebody_else_holds(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", retry_ms=100, read_ms=-1, sent_ms=20, delivered_ms=50)
    people = gateway.people(40)
    told = {n: ask(gateway, n, people[n]) for n in range(10)}
    answers = {}
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "wayleave.db", timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(0.5)
        before = len(accepted(sandbox))
        threads = [threading.Thread(target=lambda n=n: answers.update({n: ask(gateway, n, people[n], "proxy" if n % 5 == 4 else "queue")})) for n in range(10, 20)]
        for t in threads:
            t.start()
        time.sleep(7)
        assert len(accepted(sandbox)) == before
        other.execute("ROLLBACK")
    for t in threads:
        t.join()
    assert set(answers.values()) <= {200, 202, 503}, answers
    told.update(answers)
    rig.until("it is ready", lambda: ask(gateway, 30, people[30]) == 202)
    all_kept(gateway, sandbox, told, people)


def start_fails(tmp_path, sandbox, *parts):
    config = rig.configuration(tmp_path, sandbox.url, rig.free_port())
    status, _, said = rig.wayleave("serve", "--config", config, cwd=tmp_path)
    assert status == 1, said
    for part in parts:
        assert part in said, said


def test_what_is_in_the_way_of_a_start_is_named(sandbox, tmp_path):
    (tmp_path / "state").write_text("not a directory")
    start_fails(tmp_path, sandbox, "state", "Not a directory")
    (tmp_path / "state").unlink()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "wayleave.db").mkdir()
    start_fails(tmp_path, sandbox, "database", "wayleave.db")
    (tmp_path / "state" / "wayleave.db").rmdir()
    (tmp_path / "state" / "wayleave.db").write_bytes(b"this is no database, whatever its name says " * 100)
    start_fails(tmp_path, sandbox, "database")
    (tmp_path / "state" / "wayleave.db").unlink()


@pytest.fixture
def ordinary(monkeypatch, tmp_path):
    """A gateway for which a file's permissions count, also where everything here runs as root."""
    if os.geteuid() == 0:
        wrapper = tmp_path / "wayleave"
        without = "--inh-caps -dac_override --bounding-set -dac_override"
        wrapper.write_text(f"#!/bin/sh\nexec setpriv {without} '{rig.BIN}' \"$@\"\n")
        wrapper.chmod(0o755)
        monkeypatch.setattr(rig, "BIN", wrapper)


def test_a_directory_that_cannot_be_written_is_named(sandbox, tmp_path, ordinary):
    (tmp_path / "state").mkdir(mode=0o555)
    start_fails(tmp_path, sandbox, "state", "Permission denied")


def test_a_full_disk_at_the_start_is_named(sandbox, tmp_path, patient):
    config = rig.configuration(tmp_path, sandbox.url, rig.free_port())
    child = rig.subprocess.Popen([rig.BIN, "serve", "--config", config], cwd=tmp_path, stdout=rig.subprocess.PIPE, stderr=rig.subprocess.STDOUT, text=True,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY)))
    said, _ = child.communicate(timeout=20 * rig.SLOW)
    assert child.returncode == 1 and "database" in said, said
