# SPDX-License-Identifier: Apache-2.0
"""Messages a second: each number has a line of its own, who is due in a moment is waited for, and nobody waits for the
line of another number."""

import threading
import time

import pytest
import rig
from policies import refusal

SLOW_RATE = 20  # a number that is in use in the phone app as well


@pytest.fixture
def shop(start, sandbox, tmp_path):
    """Number 111 shares its throughput with the phone app, 112 is a number like any other."""
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(g.url + "/webhook")
    return g


def all_at_once(gateway, people, sender):
    """One message to each of these at the same moment: a list to be filled with (answer, seconds it took)."""
    answers = []

    def one(who):
        began = time.monotonic()
        answer = gateway.send_template(who, "spring_sale", parameters=["x"], sender=sender)
        answers.append((answer, time.monotonic() - began))

    threads = [threading.Thread(target=one, args=(who,)) for who in people]
    for t in threads:
        t.start()
    return threads, answers


def test_a_line_is_waited_for_as_long_as_a_client_can_wait(shop, sandbox):
    people = shop.people(80)
    assert shop.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200  # the number is known now
    began = time.monotonic()
    threads, answers = all_at_once(shop, people[1:], rig.SENDER)
    for t in threads:
        t.join()
    took = time.monotonic() - began
    passed = [seconds for answer, seconds in answers if answer.status_code == 200]
    refused = [answer for answer, _ in answers if answer.status_code != 200]
    assert 1 <= took < 2 + 3 * rig.SLOW
    # two seconds of patience are forty turns, and what had been saved up meanwhile
    assert 2 * SLOW_RATE - 5 <= len(passed) <= 3 * SLOW_RATE + 5
    assert max(passed) > 0.5, "some of them waited"
    assert refused
    for answer in refused:
        code, details, findings = refusal(answer)
        assert code == 130429 and "sender.rate" in findings
        assert int(answer.headers["Retry-After"]) >= 2
    assert len(sandbox.ledger(phone_number_id=rig.SENDER)) == len(passed) + 1


@pytest.mark.threads
def test_nobody_waits_in_the_line_of_another_number(shop):
    people = shop.people(120)
    for sender in (rig.SENDER, rig.OTHER_SENDER):
        assert shop.send_template(people[0], "spring_sale", parameters=["x"], sender=sender).status_code == 200
    slow_threads, slow = all_at_once(shop, people[1:61], rig.SENDER)
    fast = []
    for who in people[61:]:
        began = time.monotonic()
        answer = shop.send_template(who, "spring_sale", parameters=["x"], sender=rig.OTHER_SENDER)
        fast.append((answer, time.monotonic() - began))
    for t in slow_threads:
        t.join()
    assert [a.status_code for a, _ in fast] == [200] * len(fast)
    assert sorted(seconds for _, seconds in fast)[len(fast) // 2] < 0.2 * rig.SLOW
    assert max(seconds for _, seconds in slow) > 1


def test_a_restart_gives_no_credit(start, shop, sandbox, tmp_path):
    """What the life before sent a moment ago is not known to the next one, so it begins as if it had sent all it may."""
    people = shop.people(40)
    assert shop.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    shop.kill()
    g = start(rig.Gateway, tmp_path, sandbox.url, hold_budget="0s")
    threads, answers = all_at_once(g, people, rig.SENDER)
    for t in threads:
        t.join()
    passed = sum(a.status_code == 200 for a, _ in answers)
    assert passed < len(people), "no second's worth at once"


def test_what_comes_in_counts(shop, sandbox):
    people = shop.people(3)
    assert shop.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    time.sleep(1.2)  # a second's worth is saved up again
    for i in range(60):
        sandbox.inbound("4477009030%02d" % i)
    shop.wait_applied()
    answer = shop.send_template(people[1], "spring_sale", parameters=["x"])
    assert answer.status_code in (200, 400)
    free_at, at = (shop.record(answer)["decision"]["facts"]["sender.free_at"], shop.record(answer)["at"])
    assert free_at >= at
