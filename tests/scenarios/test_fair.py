# SPDX-License-Identifier: Apache-2.0
"""What one client does, or the platform does to one client, costs the others neither their turn nor their memory."""

import threading
import time

import pytest
import rig

ANA = rig.PEOPLE[0]


def in_background(n, call):
    for i in range(n):
        threading.Thread(target=lambda i=i: call(i), daemon=True).start()


def quietly(call):
    try:
        call()
    except Exception:  # its end is not what is looked at
        pass


def test_calls_that_hang_leave_room_for_messages(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"limits.queue": 16, "upstream.timeout": "60s"})
    gateway.grant("+" + ANA)
    assert gateway.send_template("+" + ANA, "spring_sale", parameters=["A"]).status_code == 200
    sandbox.fault("hang", times=16, path="/2000/phone_numbers")
    in_background(16, lambda _: quietly(lambda: gateway.get("/v23.0/2000/phone_numbers")))
    rig.until("they hang", lambda: "wayleave_upstream_calls 16" in gateway.get("/metrics", token=None).text)
    assert gateway.get("/v23.0/2000/phone_numbers").status_code == 429
    for _ in range(3):
        assert gateway.send_template("+" + ANA, "spring_sale", parameters=["A"]).status_code == 200
    sandbox.call("POST", "reset")  # they need not be waited for


@pytest.mark.threads
def test_dead_tokens_do_not_hold_up_a_good_one(gateway, sandbox):
    gateway.grant("+" + ANA)
    sandbox.fault("hang", times=1000, path="/999")
    in_background(24, lambda i: quietly(lambda: gateway.send("+" + ANA, sender="999", token=f"junk{i}")))
    time.sleep(0.5)
    began = time.monotonic()
    assert gateway.send_template("+" + ANA, "spring_sale", parameters=["A"]).status_code == 200
    assert time.monotonic() - began < 2 * rig.SLOW


def test_a_token_nobody_answers_for_is_told_so_in_time(gateway, sandbox):
    """Before a client's own patience of five seconds is over; and those in line behind it do not wait again."""
    sandbox.fault("hang", times=1000, path="/999")
    began, answers = time.monotonic(), []
    in_background(6, lambda _: answers.append((gateway.send("+" + ANA, sender="999", token="one"), time.monotonic() - began)))
    rig.until("all are answered", lambda: len(answers) == 6, 12)
    for answer, seconds in answers:
        assert answer.status_code == 503
        assert seconds < 4.5 * rig.SLOW


def test_templates_of_accounts_nobody_has_are_not_remembered(gateway, sandbox):
    """Anybody may post to any account's templates; that must not make us forget which list is fresh."""
    gateway.grant("+" + ANA)
    assert gateway.send_template("+" + ANA, "spring_sale", parameters=["A"]).status_code == 200
    for i in range(300):
        gateway.request("POST", f"/v23.0/{900000 + i}/message_templates", token=None)
    sandbox.fault("hang", times=100, method="GET")  # a list read now would take long
    for _ in range(5):
        assert gateway.send_template("+" + ANA, "spring_sale", parameters=["A"]).status_code == 200
