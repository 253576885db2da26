# SPDX-License-Identifier: Apache-2.0
"""Power loss in the middle of work, again and again: what a client was told is true afterwards, nothing is sent twice,
and no message is left in between."""

import contextlib
import json
import threading
import time

import pytest
import requests
import rig
from test_h2 import texts
from test_webhook import signed


def sale(gateway, to, text="x", **more):
    return gateway.send_template(to, "spring_sale", parameters=[text], **more)


def quiet(gateway, who):
    with contextlib.suppress(requests.RequestException):
        sale(gateway, who)


@pytest.mark.threads
def test_load_through_three_deaths(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", retry_ms=100)
    people = gateway.people(300)
    answers, lock, stop, count = {}, threading.Lock(), threading.Event(), [0]

    def client():
        while not stop.is_set():
            with lock:
                mine, count[0] = count[0], count[0] + 1
            answer = None
            with contextlib.suppress(requests.RequestException):
                answer = sale(gateway, people[mine % len(people)], str(mine))
            with lock:
                answers[mine] = answer
            if answer is None:
                time.sleep(0.02)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for t in threads:
        t.start()
    for _ in range(3):
        time.sleep(0.7 * rig.SLOW)
        gateway.kill()
        gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    time.sleep(0.5 * rig.SLOW)
    stop.set()
    for t in threads:
        t.join()

    sent = texts(sandbox)
    assert len(sent) == len(set(sent)), "a message was sent twice"
    arrived = set(map(int, sent))
    told = {n: a for n, a in answers.items() if a is not None}
    accepted = {n: a for n, a in told.items() if a.status_code == 200}
    assert len(accepted) > 50
    assert any(a is None for a in answers.values())
    assert {a.status_code for a in told.values()} <= {200, 503, 504}
    for n, answer in accepted.items():
        assert n in arrived
        message = gateway.record(answer)["message"]
        assert message["state"] in ("accepted", "sent", "delivered", "read")
        assert message["wamid"] == answer.json()["messages"][0]["id"]
    assert all(n not in arrived for n, a in told.items() if a.status_code == 503)

    states = gateway.states()
    assert "sending" not in states
    assert states["accepted"] <= len(sent) <= states["accepted"] + states.get("ambiguous", 0)
    assert sum(states.values()) <= len(answers)
    last = gateway.record(accepted[max(accepted)])["id"]
    rig.until("statuses still find their messages", lambda: "read" in gateway.admin("GET", f"/decisions/{last}")[1]["message"]["seen"])


def test_what_was_on_its_way_is_ambiguous_after_a_kill_and_never_sent_again(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = gateway.people(10)
    assert sale(gateway, people[0]).status_code == 200
    sandbox.fault("delay=60000", times=5, path="/111/messages")
    for who in people[:5]:
        threading.Thread(target=quiet, args=(gateway, who), daemon=True).start()
    rig.until("five are on their way", lambda: gateway.states().get("sending") == 5)
    rig.until("and have arrived", lambda: len(sandbox.ledger()) == 6)
    gateway.kill()
    assert gateway.states() == {"accepted": 1, "sending": 5}
    again = start(rig.Gateway, tmp_path, sandbox.url)
    assert again.states() == {"accepted": 1, "ambiguous": 5}
    time.sleep(0.5)
    assert len(sandbox.ledger()) == 6
    sandbox.call("POST", "reset")


def test_an_end_in_order_waits_for_answers_and_leaves_nothing_in_between(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = gateway.people(10)
    assert sale(gateway, people[0]).status_code == 200
    sandbox.fault("delay=1500", times=5, path="/111/messages")
    answers = []
    threads = [threading.Thread(target=lambda w=who: answers.append(sale(gateway, w))) for who in people[:5]]
    for t in threads:
        t.start()
    rig.until("five are on their way", lambda: gateway.states().get("sending") == 5)
    gateway.stop()
    for t in threads:
        t.join()
    assert [a.status_code for a in answers] == [200] * 5
    assert gateway.states() == {"accepted": 6}


def test_an_end_in_order_does_not_wait_for_ever(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"upstream.timeout": "5m"})
    people = gateway.people(5)
    assert sale(gateway, people[0]).status_code == 200
    sandbox.fault("hang", times=5, path="/111/messages")
    for who in people:
        threading.Thread(target=quiet, args=(gateway, who), daemon=True).start()
    rig.until("five are on their way", lambda: gateway.states().get("sending") == 5)
    gateway.stop(25)
    assert gateway.states() == {"accepted": 1, "ambiguous": 5}
    sandbox.call("POST", "reset")


def test_a_webhook_that_was_thanked_for_survives(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    for n in range(40):
        number = f"4477009020{n:02}"
        value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": rig.SENDER}, "contacts": [{"wa_id": number}],
                 "user_preferences": [{"wa_id": number, "detail": "x", "category": "marketing_messages", "value": "stop", "timestamp": 1795000000}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": [{"field": "user_preferences", "value": value}]}]}).encode()
        assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
        if n % 10 == 9:
            gateway.kill()
            gateway = start(rig.Gateway, tmp_path, sandbox.url)
    for n in range(40):
        rig.until("the opt-out is known", lambda n=n: ((gateway.person(f"+4477009020{n:02}") or {}).get("platform_stop") or {}).get("stopped"))
