# SPDX-License-Identifier: Apache-2.0
"""A number that Meta stopped stands still, also through a restart, until its time is over or a person says so; and whoever
watches is told why."""

import re
import time

import pytest
import rig
from test_outbox import accepted, all_ended, ledger, outbox, post, queue

HOUR = 3600


def gauge(gateway, name, **labels):
    """One figure of /metrics."""
    text = gateway.get("/metrics", token=None).text
    want = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^{name}{re.escape('{' + want + '}') if want else ''} (\S+)$", text, re.M)
    return float(found.group(1)) if found else None


def queue_of(gateway, sender=rig.SENDER):
    _, body = gateway.admin("GET", "/status")
    return next((q for q in body["queues"] if q["sender"] == sender), {})


def stop_by(gateway, sandbox, code, people):
    """The platform refuses a number with this code; messages wait then."""
    sandbox.fault(f"code={code}", times=1, path="/111/messages")
    accepted(post(gateway, people[0]))
    rig.until("the number stands still", lambda: gateway.query(f"SELECT stop_code FROM sender_lease WHERE sender = 111 AND stop_code = {code}"))
    queue(gateway, people[1:])


def said(gateway, words):
    return gateway.output().count(words)


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("code, others", [(131048, "held"), (131037, "due"), (190, "due")])
def test_a_stop_is_not_forgotten_at_a_restart(start, sandbox, tmp_path, code, others, how):
    """Of what is asked for after 131048 a rule holds the marketing, too."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook")
    people = gateway.people(6)
    stop_by(gateway, sandbox, code, people)
    before = len(ledger(sandbox))
    until = queue_of(gateway)["stopped_until"]
    getattr(gateway, how)()

    again = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    time.sleep(2.5 * rig.SLOW)
    assert len(ledger(sandbox)) == before, "nothing left"
    assert outbox(again) == 6
    now = queue_of(again)
    assert now["stopped_until"][:16] == until[:16] and now["stopped_why"]
    assert gauge(again, "wayleave_number_circuit", sender=rig.SENDER, code=code) == 1
    assert gauge(again, "wayleave_numbers_stopped", reason="circuit") == 1
    assert said(again, f"Meta answered {code}") == 2, "told once in each life"
    rig.until("they are counted", lambda: gauge(again, "wayleave_messages_waiting", reason=others) == 5)

    status, body = again.admin("POST", f"/numbers/{rig.SENDER}/resume", {"by": "Ada"})
    assert (status, body) == (200, {"sender": rig.SENDER, "stopped": "circuit", "token": True})
    rig.until("what was due has left", lambda: outbox(again) == (1 if others == "due" else 6))
    rig.until("it is told", lambda: said(again, "number 111 goes on by the word of Ada") == 1 and said(again, "number 111 goes on\n") == 1)
    assert gauge(again, "wayleave_number_circuit", sender=rig.SENDER, code=code) is None
    assert not re.search("4477009", again.output().split("goes on by the word")[1]), "nobody's number is told"
    status, body = again.admin("POST", f"/numbers/{rig.SENDER}/resume")
    assert (status, body["error"]["code"]) == (409, "conflict")
    again.stop()
    third = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    assert queue_of(third).get("stopped_why") is None


@pytest.mark.parametrize("seconds", [-9 * HOUR, 9 * HOUR])
def test_a_clock_that_was_set_between_two_lives(start, sandbox, tmp_path, seconds):
    """Set back, the stop is no longer than it was; set forward, one message tries and the others wait for what comes of it."""
    clock = rig.WallClock(tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    people = gateway.people(6)
    stop_by(gateway, sandbox, 131048, people)
    before = len(sandbox.call("GET", "ledger", limit=1000)["data"])
    gateway.stop()
    clock.set(seconds)
    sandbox.fault("code=131048", times=100, path="/111/messages")
    again = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, env=clock.env)
    time.sleep(2 * rig.SLOW)
    stops = again.query("SELECT stop_ms, stop_until FROM sender_lease WHERE sender = 111")
    now = (time.time() + seconds) * 1000
    assert stops[0][0] == HOUR * 1000
    assert now < stops[0][1] <= now + HOUR * 1000
    tried = again.query("SELECT COUNT(*) FROM msg WHERE attempt > 0")[0][0]
    assert tried <= (1 if seconds < 0 else 2)
    assert len(sandbox.call("GET", "ledger", limit=1000)["data"]) == before


def test_a_token_that_is_changed_in_its_file_is_noticed(start, tmp_path):
    sandbox = start(rig.Sandbox, tmp_path, options=("--token", rig.TOKEN, "--token", "another-token"))
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = gateway.people(3)
    stop_by(gateway, sandbox, 190, people)
    (tmp_path / "sender.token").write_text(rig.TOKEN + "\n")  # the same again: nothing follows
    time.sleep(6 * rig.SLOW)
    assert outbox(gateway) == 3
    (tmp_path / "sender.token").write_text("another-token")
    rig.until("what was due has left", lambda: outbox(gateway) == 1, 15)


def test_a_number_without_a_token_says_so_and_goes_on_when_there_is_one(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = gateway.people(3)
    sandbox.fault("code=133010", times=1, path="/111/messages")
    accepted(post(gateway, people[0]))
    rig.until("it stopped", lambda: queue_of(gateway).get("stopped_until"))
    queue(gateway, people[1:])
    (tmp_path / "sender.token").rename(tmp_path / "aside")
    code, out, _ = gateway.cli(["numbers", "resume", rig.SENDER, "--by", "Ada"])  # reads the file anew
    assert code == 0 and "goes on" in out
    rig.until("it says so", lambda: gauge(gateway, "wayleave_numbers_stopped", reason="no_token") == 1)
    rig.until("they are counted", lambda: gauge(gateway, "wayleave_messages_waiting", reason="no_token") == 2, 15)
    status, body = gateway.admin("POST", f"/numbers/{rig.SENDER}/resume")
    assert status == 409 and "token_file" in body["error"]["message"]
    (tmp_path / "aside").rename(tmp_path / "sender.token")
    rig.until("they left", lambda: outbox(gateway) == 1)
    assert said(gateway, "messages wait and no token is kept for it") == 1
    for wrong, status in (("4711", 404), ("x", 400), ("111/other", 404)):
        assert gateway.admin("POST", f"/numbers/{wrong}/resume" if "/" not in wrong else f"/numbers/{wrong}")[0] == status
    assert gateway.admin("POST", f"/numbers/{rig.SENDER}/resume", {"who": "x"})[0] == 400
    assert gateway.request("POST", f"/wayleave/v1/numbers/{rig.SENDER}/resume").status_code == 401
    code, _, err = gateway.cli(["numbers", "resume", rig.SENDER])
    assert code != 0 and "nothing had stopped" in err


def test_what_is_in_doubt_is_counted_also_after_a_crash(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"upstream.timeout": "60s"})
    people = gateway.people(4)
    accepted(post(gateway, people[0]))
    all_ended(gateway)
    sandbox.fault("hang", times=100, path="/111/messages")
    queue(gateway, people[1:])
    rig.until("they are on their way", lambda: gateway.states().get("sending") == 3)
    assert gauge(gateway, "wayleave_messages_in_doubt") == 0
    gateway.kill()
    again = start(rig.Gateway, tmp_path, sandbox.url)
    rig.until("they are counted", lambda: gauge(again, "wayleave_messages_in_doubt") == 3)
    assert gauge(again, "wayleave_messages_waiting", reason="in_doubt") == 3
    assert gauge(again, "wayleave_messages_at_least") == 0
