# SPDX-License-Identifier: Apache-2.0
"""Messages a second: each number has a line of its own, who is due in a moment is waited for, and nobody waits for the
line of another number."""

import contextlib
import json
import threading
import time
from datetime import datetime
from urllib.parse import urlencode

import pytest
import rig
from policies import cap, gateway_with, refusal

SLOW_RATE = 20  # a number that is in use in the phone app as well


@pytest.fixture
def shop(start, sandbox, tmp_path):
    """Number 111 shares its throughput with the phone app, 112 is a number like any other."""
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(g.url + "/webhook")
    return g


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


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
    refused = [(answer, seconds) for answer, seconds in answers if answer.status_code != 200]
    assert 1 <= took < 2 + 3 * rig.SLOW
    # two seconds: forty turns, and what had been saved up meanwhile
    assert 1.5 * SLOW_RATE - 5 <= len(passed) <= max(3, took) * SLOW_RATE + 5
    assert max(passed) > 0.5, "some of them waited"
    assert refused
    assert min(seconds for _, seconds in refused) < 1.9, "nobody waits for what comes too late"
    for answer, seconds in refused:
        code, details, findings = refusal(answer)
        assert code == 130429 and "sender.rate" in findings
        # whoever was told at once was told of a line of two seconds; who stood in it in vain, of what is left of it
        assert int(answer.headers["Retry-After"]) >= (2 if seconds < 1.9 else 1)
    assert len(sandbox.ledger(phone_number_id=rig.SENDER)) == len(passed) + 1


@pytest.mark.threads
def test_nobody_waits_in_the_line_of_another_number(start, sandbox, tmp_path):
    """Two batches fill the line of the slow number for four seconds; the other is answered meanwhile."""
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = start(rig.Gateway, tmp_path, sandbox.url, hold_budget="4s")
    people = g.people(160)
    for sender in (rig.SENDER, rig.OTHER_SENDER):
        assert g.send_template(people[0], "spring_sale", parameters=["x"], sender=sender).status_code == 200
    slow = []

    def batch(some):
        slow.extend(g.post("/v23.0/", {"batch": [sale_part(who) for who in some]}).json())

    line = [threading.Thread(target=batch, args=(people[i:i + 50],)) for i in (1, 51)]
    began, one_by_one = time.monotonic(), []
    for t in line:
        t.start()
    while time.monotonic() - began < 1.5:
        who = people[101 + len(one_by_one) % 30]
        one_by_one.append(g.send_template(who, "spring_sale", parameters=["x"], sender=rig.OTHER_SENDER))
    assert any(t.is_alive() for t in line), "the last of these would have stood at its end"
    at_once, fast = all_at_once(g, people[131:], rig.OTHER_SENDER)
    for t in at_once + line:
        t.join()
    assert {a.status_code for a in one_by_one + [a for a, _ in fast]} == {200}
    assert len(fast) == 29 and len(slow) == 100


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


def test_what_comes_in_counts(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = start(rig.Gateway, tmp_path, sandbox.url, hold_budget="0s")
    sandbox.webhooks_to(g.url + "/webhook")
    people = g.people(3)
    assert g.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    time.sleep(0.5)  # it may send again
    assert g.send_template(people[1], "spring_sale", parameters=["x"]).status_code == 200
    for i in range(2 * SLOW_RATE):
        sandbox.inbound("4477009030%02d" % i)
    rig.until("all of them have come in", lambda: (g.person("+4477009030%02d" % i) or {}).get("windows"))
    answer = g.send_template(people[2], "spring_sale", parameters=["x"])
    code, _, findings = refusal(answer)
    assert code == 130429 and "sender.rate" in findings
    record = g.record(answer)
    wait = moment(record["decision"]["facts"]["sender.free_at"]) - moment(record["at"])
    assert 0.5 < wait.total_seconds() <= 1, "a flood holds the number up for a second"


@contextlib.contextmanager
def flood(gateway, people, sender):
    """All of these as fast as answers come, until the end: a list that fills with the answers."""
    answers, stop = [], threading.Event()

    def one(i):
        n = 0
        while not stop.is_set():
            answer = gateway.send_template(people[i], "spring_sale", parameters=[f"{i}.{n}"], sender=sender)
            n += 1
            answers.append(answer)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(people))]
    for t in threads:
        t.start()
    try:
        yield answers
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_the_line_of_a_slow_number_leaves_room_for_others(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"limits.queue": 64, "hold_budget": "10s"})
    people = g.people(160)
    for sender in (rig.SENDER, rig.OTHER_SENDER):
        assert g.send_template(people[0], "spring_sale", parameters=["x"], sender=sender).status_code == 200
    with flood(g, people[1:101], rig.SENDER) as slow:
        time.sleep(1)
        others = [g.send_template(who, "spring_sale", parameters=["x"], sender=rig.OTHER_SENDER) for who in people[140:]]
    assert [a.status_code for a in others] == [200] * len(others)
    refused = [a for a in slow if a.status_code != 200]
    assert len(refused) < len(slow), "the slow number is served as well"
    assert refused
    for answer in refused:
        assert answer.status_code == 429 and answer.json()["error"]["code"] == 130429 and answer.headers["Retry-After"]
        assert "of this number" in answer.json()["error"]["message"]


def test_marketing_leaves_turns_to_what_people_wait_for(shop):
    people = shop.people(60, scope="all")
    code = {"name": "login_code", "language": {"code": "en_US"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "1234"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "1234"}]}]}
    assert shop.send(people[0], type="template", template=code).status_code == 200
    with flood(shop, people[1:50], rig.SENDER) as marketing:
        time.sleep(1)
        codes = [shop.send(who, type="template", template=code) for who in people[50:]]
    assert [a.status_code for a in codes] == [200] * len(codes)
    assert any(a.status_code == 400 for a in marketing), "there was more than the number may send"


def sale_part(who, sender=rig.SENDER):
    template = {"name": "spring_sale", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}]}
    body = urlencode({"messaging_product": "whatsapp", "to": who, "type": "template", "template": json.dumps(template)})
    return {"method": "POST", "relative_url": f"v23.0/{sender}/messages", "body": body}


def test_the_parts_of_a_batch_wait_for_their_turns(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.OTHER_SENDER, "throughput": "STANDARD"})
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = start(rig.Gateway, tmp_path, sandbox.url, hold_budget="4s")
    people = g.people(101)
    for sender in (rig.SENDER, rig.OTHER_SENDER):
        assert g.send_template(people[0], "spring_sale", parameters=["x"], sender=sender).status_code == 200
    began = time.monotonic()
    parts = g.post("/v23.0/", {"batch": [sale_part(who, rig.OTHER_SENDER) for who in people[1:51]]}).json()
    assert [p["code"] for p in parts] == [200] * 50
    assert time.monotonic() - began > 0.4, "in turn"
    g.stop()
    g = start(rig.Gateway, tmp_path, sandbox.url, hold_budget="2s")
    assert g.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    parts = g.post("/v23.0/", {"batch": [sale_part(who) for who in people[51:]]}).json()  # one patience for all of them
    late = [p for p in parts if p["code"] != 200]
    assert 5 <= len(parts) - len(late) <= 45
    assert late[0]["code"] == 400 and json.loads(late[0]["body"])["error"]["code"] == 130429
    # as little as is left of the two seconds
    assert {h["name"]: h["value"] for h in late[0]["headers"]}["Retry-After"] in ("1", "2")


def test_our_own_interface_waits_for_turns_too(shop, sandbox):
    people = shop.people(81)
    assert shop.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    answers = []

    def one(who):
        template = {"name": "spring_sale", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}]}
        answers.append(shop.request("POST", "/wayleave/v1/messages", token=shop.admin_key, json={"from": rig.SENDER, "to": who, "type": "template", "template": template}))

    threads = [threading.Thread(target=one, args=(who,)) for who in people[1:]]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    refused = [a for a in answers if a.status_code != 200]
    assert len(answers) - len(refused) >= 1.5 * SLOW_RATE - 5
    assert len(sandbox.ledger()) == 1 + len(answers) - len(refused)
    assert refused
    for answer in refused:
        assert answer.status_code == 403
        body = answer.json()
        assert body["error"]["graph_code"] == 130429 and body["decision"]["verdict"] == "hold"
        assert int(answer.headers["Retry-After"]) >= 1
        assert body["error"]["until"] == body["decision"]["until"]


def test_who_waited_for_something_else_gets_a_turn_when_that_is_over(start, sandbox, tmp_path):
    """All of them may be written to again at about the same time. The turns there were when they came are long past by
    then, and the number's pace holds all the same."""
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    g = gateway_with(start, sandbox, tmp_path, cap(1, "6s", 6), hold_budget="30s")
    people = g.people(72)
    for who, sender in zip(people, (rig.SENDER, rig.OTHER_SENDER)):
        assert g.send_template(who, "spring_sale", parameters=["x"], sender=sender).status_code == 200
    first, _ = all_at_once(g, people[2:42], rig.OTHER_SENDER)
    for t in first:
        t.join()
    before = sandbox.call("GET", "ledger", limit=1000)["next"]
    line, _ = all_at_once(g, people[42:], rig.SENDER)
    time.sleep(0.1)
    second, answers = all_at_once(g, people[2:42], rig.SENDER)
    for t in line + second:
        t.join()
    assert [a.status_code for a, _ in answers] == [200] * 40
    took = sorted(seconds for _, seconds in answers)
    assert took[0] > 2, "they waited for the other rule first"
    rows = sandbox.call("GET", "ledger", limit=1000, after=before)["data"]
    left = [row["at_ms"] for row in rows if "+" + row["to"].lstrip("+") in people[2:42]]
    assert len(left) == 40 and max(left) - min(left) > 35 / SLOW_RATE * 1000


def test_a_wall_clock_set_back_holds_nobody_up(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    clock = rig.WallClock(tmp_path)
    g = gateway_with(start, sandbox, tmp_path, cap(1, "1500ms", 2), env=clock.env)
    people = g.people(60)
    assert g.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    clock.set(-3600)
    threads, answers = all_at_once(g, people, rig.SENDER)  # the first of them by two rules
    for t in threads:
        t.join()
    assert max(seconds for _, seconds in answers) < 2 + 2 * rig.SLOW
    passed = sum(a.status_code == 200 for a, _ in answers)
    assert 20 <= passed < 60 and {a.status_code for a, _ in answers} == {200, 400}
    held = refusal(g.send_template(people[0], "spring_sale", parameters=["x"]))
    assert held[0] == 131049, "our time stands still, so this hold does not end; the client is told in time"
    time.sleep(2)
    assert len(sandbox.ledger(to=people[0].lstrip("+"))) == 1
    assert len(sandbox.ledger()) == 1 + passed, "nobody is sent to after the client was answered"
