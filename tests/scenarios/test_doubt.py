# SPDX-License-Identifier: Apache-2.0
"""What an attempt without an answer is worth when the world changes around it: the template's category, the clock, the
database. And what is no doubt at all: Meta saying that a number is too fast."""

import json
import sqlite3
import time
from datetime import datetime, timedelta, timezone

import rig
from test_outbox import READY, SALE, accepted, ledger, message, outbox, post, template
from test_webhook import signed

FAST = 130429


def soon(seconds):
    return f"{datetime.now(timezone.utc) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def in_state(gateway, name, *states):
    rig.until(f"{name} is {states}", lambda: message(gateway, name)["state"] in states, 30)


def test_what_became_marketing_while_it_waited_is_not_sent_twice(start, sandbox, tmp_path):
    clock = rig.WallClock(tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    sandbox.webhooks_to(gateway.url + "/webhook", mode="drop")
    who, other = gateway.people(2)
    gateway.people(2, scope="utility")
    name = accepted(post(gateway, who, **template(READY, "x"), not_before=soon(4)))
    word = {"message_template_id": gateway.query("SELECT id FROM template WHERE name = 'order_ready'")[0][0], "message_template_name": "order_ready", "message_template_language": "en_US", "previous_category": "UTILITY", "new_category": "MARKETING"}
    change = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "time": int(time.time()), "changes": [{"field": "template_category_update", "value": word}]}]}).encode()
    sandbox.call("POST", "event", {"field": "template_category_update", "name": "changed", "template": READY["name"]})  # lost, and so it is listed
    assert gateway.post("/webhook", data=change, headers=signed(change)).status_code == 200
    gateway.wait_applied()
    sandbox.fault("lost-answer", times=1, path="/111/messages")
    in_state(gateway, name, "ambiguous")
    assert message(gateway, name)["category"] == "marketing"
    time.sleep(2)  # all statuses of it are lost
    sandbox.call("POST", "webhook", {"mode": "normal"})
    clock.set(20)
    in_state(gateway, accepted(post(gateway, other, **template(SALE, "y"))), "sent", "delivered", "read")
    clock.set(360)  # the doubt about an order would be over
    time.sleep(3)
    assert message(gateway, name)["state"] == "ambiguous"
    clock.set(3700)
    in_state(gateway, name, "undetermined")
    assert [row["to"] for row in ledger(sandbox)].count(who) == 1


def test_a_number_that_is_too_fast_for_a_while_loses_no_message(gateway, sandbox):
    people = gateway.people(3)
    sandbox.fault(f"code={FAST}", times=100000, path="/111/messages")
    names = [accepted(post(gateway, who, **template(SALE, "x"))) for who in people]

    def refused():
        return 100000 - sum(fault["times"] for fault in sandbox.call("GET", "faults")["data"])

    rig.until("each of them was refused three times", lambda: refused() >= 9, 30)
    rig.until("all of them wait", lambda: gateway.states() == {"waiting": 3})
    sandbox.call("DELETE", "faults")
    for name in names:
        in_state(gateway, name, "accepted", "sent", "delivered", "read")
    assert all(message(gateway, name)["attempts"] == 1 for name in names)
    assert len(ledger(sandbox)) == 3


def test_a_watermark_of_a_clock_that_was_ahead_proves_nothing(start, sandbox, tmp_path):
    clock = rig.WallClock(tmp_path)
    clock.set(7200)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    sandbox.webhooks_to(gateway.url + "/webhook")
    first, second = gateway.people(2, scope="utility")
    in_state(gateway, accepted(post(gateway, first, **template(READY, "x"))), "delivered", "read")
    rig.until("the watermark is kept", lambda: gateway.query("SELECT COUNT(*) FROM sender_lease WHERE wm_ts > 0")[0][0], 10)
    gateway.stop()
    clock.set(0)
    sandbox.call("POST", "webhook", {"mode": "hold"})
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, env=clock.env)
    sandbox.fault("lost-answer", times=1, path="/111/messages")
    name = accepted(post(gateway, second, **template(READY, "y")))
    in_state(gateway, name, "ambiguous")
    clock.set(310)
    time.sleep(3)
    assert message(gateway, name)["state"] == "ambiguous"
    assert [row["to"] for row in ledger(sandbox)].count(second) == 1


def test_a_message_without_its_row_keeps_nothing_from_being_settled(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    names = [accepted(post(gateway, who, **template(SALE, "x"), not_before=soon(3600))) for who in gateway.people(3)]
    gateway.stop()
    db = sqlite3.connect(f"{tmp_path}/state/wayleave.db")
    db.execute("UPDATE msg SET state = 2, attempt = 1, epoch = 1, begun_at = ?", (int(time.time() * 1000) - 9000000,))
    db.execute("DELETE FROM outbox WHERE id = (SELECT MIN(id) FROM msg)")
    db.commit()
    db.close()
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    for name in names:
        in_state(gateway, name, "ambiguous")
    assert outbox(gateway) == 2
    assert "the outbox has no row of message" in gateway.output()


def test_an_outcome_that_could_not_be_written_is_told_again(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env={"WAYLEAVE_FAILPOINT": "outcome_written:1:io"})
    sandbox.webhooks_to(gateway.url + "/webhook", mode="drop")
    (who,) = gateway.people(1)
    in_state(gateway, accepted(post(gateway, who, **template(SALE, "x"))), "accepted")
    assert len(ledger(sandbox)) == 1


def test_an_outcome_that_can_never_be_written_is_a_doubt_in_the_same_life(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env={"WAYLEAVE_FAILPOINT": "outcome_written:1+:io"})
    sandbox.webhooks_to(gateway.url + "/webhook", mode="drop")
    people = gateway.people(3)
    names = [accepted(post(gateway, who, **template(SALE, "x"))) for who in people[:2]]
    assert post(gateway, people[2], queue=False, **template(SALE, "x")).ok  # its caller knows, and we do not
    for name in names:
        in_state(gateway, name, "ambiguous")
    rig.until("all three are in doubt", lambda: gateway.states() == {"ambiguous": 3}, 10)
    assert len(ledger(sandbox)) == 3
