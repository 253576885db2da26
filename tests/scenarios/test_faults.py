# SPDX-License-Identifier: Apache-2.0
"""An upstream that fails in every way it can: each message ends in the state that is true, the client is told so in
the platform's words, and nothing is ever sent twice."""

import contextlib
import json
import socket
import threading
import time

import pytest
import rig

ANA, BELA = rig.PEOPLE[:2]


@pytest.fixture
def ready(gateway, sandbox):
    """A gateway that has met its token and its templates and may write to Ana and Bela."""
    for number in (ANA, BELA):
        gateway.grant("+" + number)
    assert sale(gateway).status_code == 200
    return gateway


def sale(gateway, to=ANA, **more):
    return gateway.send_template("+" + to, "spring_sale", parameters=["Ana"], **more)


def error_of(answer):
    error = answer.json()["error"]
    assert error["message"]
    assert error["type"]
    assert error["fbtrace_id"]
    return error


def gained(sandbox):
    """Messages the platform has beyond the one that made the gateway ready."""
    return len(sandbox.ledger()) - 1


@pytest.mark.parametrize("fault, arrived", [("lost-answer", 1), ("drop", 0), ("delay=50,lost-answer", 1)])
def test_a_broken_answer_leaves_the_message_ambiguous(ready, sandbox, fault, arrived):
    sandbox.fault(fault, path="/111/messages")
    answer = sale(ready)
    assert answer.status_code == 504
    error = error_of(answer)
    assert error["code"] == 131000
    assert not error.get("is_transient")
    assert "ambiguous" in error["error_data"]["details"]
    assert rig.stored(ready.record(answer)["message"]["state"]) in (["ambiguous", "accepted"] if arrived else ["ambiguous"])
    time.sleep(0.3)
    assert gained(sandbox) == arrived
    rig.until("a webhook has settled what one can", lambda: rig.stored(ready.record(answer)["message"]["state"]) == ("accepted" if arrived else "ambiguous"))
    assert sale(ready).status_code == 200
    assert gained(sandbox) == arrived + 1


CODES = {  # fault: (status, code, state)
    "code=131056": (400, 131056, "rejected"),
    "code=130429": (400, 130429, "rejected"),
    "code=131049": (400, 131049, "rejected"),
    "code=131042": (400, 131042, "rejected"),
    "code=132015": (400, 132015, "rejected"),
    "code=190": (401, 190, "rejected"),
    "code=10": (403, 10, "rejected"),
    "status=429": (429, 4, "rejected"),
    "code=131000": (500, 131000, "ambiguous"),
    "status=500": (500, 1, "ambiguous"),
    "status=503": (503, 2, "ambiguous"),
}


@pytest.mark.parametrize("fault", CODES)
def test_an_error_is_passed_on_and_recorded_as_what_it_says(ready, sandbox, fault):
    status, code, state = CODES[fault]
    sandbox.fault(fault, path="/111/messages")
    answer = sale(ready)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    message = ready.record(answer)["message"]
    assert (message["state"], message["code"]) == (state, code)
    assert gained(sandbox) == 0


def test_an_answer_that_cannot_be_read_is_told_in_readable_words(start, sandbox, tmp_path):
    """A load balancer's error page, a login page, an empty answer: the client gets an error object all the same."""
    front = rig.Front(sandbox.url)
    gateway = start(rig.Gateway, tmp_path, front.url)
    gateway.grant("+" + ANA)
    assert sale(gateway).status_code == 200
    html = {"Content-Type": "text/html"}
    for n, reply in enumerate([(500, html, b"<html>oops</html>"), (502, html, b""), (200, html, b"<html>please log in</html>"),
                               (200, {"Content-Type": "application/json"}, b"{}"), (200, {"Content-Type": "application/json"}, b'{"messages":[{'),
                               (200, {"Content-Type": "application/json"}, b'{"messages":[{"id":""}]}')]):
        front.answer = reply
        answer = sale(gateway)
        assert answer.status_code >= 500, reply
        error = error_of(answer)
        assert error["code"] == 131000
        assert "Do not send it again" in error["error_data"]["details"] and "/wayleave/v1/messages/m" in error["error_data"]["details"]
        record = gateway.record(answer)
        assert record["message"]["state"] == "ambiguous", reply
        assert len(front.sends) == 2 + n
    front.stop()


def test_what_an_error_says_of_a_person_is_remembered(ready, sandbox):
    sandbox.fault("code=131050", path="/111/messages", to=ANA)
    assert error_of(sale(ready))["code"] == 131050
    refused = sale(ready)
    assert "consent.platform_stop" in error_of(refused)["error_data"]["details"]
    sandbox.fault("code=131026", path="/111/messages", to=BELA)
    assert error_of(sale(ready, BELA))["code"] == 131026
    refused = sale(ready, BELA)
    assert "recipient.undeliverable" in error_of(refused)["error_data"]["details"]
    assert ready.record(refused)["message"]["state"] == "refused"
    assert gained(sandbox) == 0


def test_a_failure_reported_later_counts_as_well(ready, sandbox):
    sandbox.fault("fail=131026", path="/111/messages", to=BELA)
    first = sale(ready, BELA)
    assert first.status_code == 200
    rig.until("the failure is known", lambda: "failed" in ready.record(first)["message"]["seen"])
    message = ready.record(first)["message"]
    assert (message["state"], message["code"]) == ("failed", 131026)
    assert "recipient.undeliverable" in error_of(sale(ready, BELA))["error_data"]["details"]


@pytest.mark.threads
def test_a_hanging_call_ends_in_time_and_holds_up_nobody(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"upstream.timeout": "2s" if rig.SLOW == 1 else "6s"})
    for number in (ANA, BELA):
        gateway.grant("+" + number)
    assert sale(gateway).status_code == 200
    sandbox.fault("hang", times=20, path="/111/messages", to=ANA)
    answers = []
    waiting = [threading.Thread(target=lambda: answers.append(sale(gateway))) for _ in range(20)]
    for t in waiting:
        t.start()
    rig.until("twenty calls hang", lambda: sandbox.call("GET", "stats")["hanging"] == 20)
    for _ in range(10):
        began = time.monotonic()
        assert sale(gateway, BELA).status_code == 200
        assert time.monotonic() - began < 1 * rig.SLOW
    assert not answers
    assert gateway.states()["sending"] == 20
    for t in waiting:
        t.join()
    assert [a.status_code for a in answers] == [504] * 20
    assert {gateway.record(a)["message"]["state"] for a in answers} == {"ambiguous"}
    assert len(sandbox.ledger(to=ANA)) == 1
    sandbox.call("POST", "reset")


def test_an_upstream_that_is_down_is_unsent_and_comes_back(start, tmp_path):
    sandbox = start(rig.Sandbox, tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    gateway.grant("+" + ANA)
    assert sale(gateway).status_code == 200
    sandbox.stop()
    for _ in range(3):
        answer = sale(gateway)
        assert answer.status_code == 503
        error = error_of(answer)
        assert (error["code"], error["is_transient"]) == (2, True)
        assert "may be sent again" in error["error_data"]["details"]
        assert gateway.record(answer)["message"]["state"] == "unsent"
    newcomer = sale(gateway, token="another-token")
    assert newcomer.status_code == 503
    assert error_of(newcomer)["code"] == 2
    passed = gateway.get("/v23.0/111/message_templates")
    assert passed.status_code == 503
    assert error_of(passed)
    start(rig.Sandbox, tmp_path, port=sandbox.port)
    assert sale(gateway).status_code == 200
    assert gateway.states() == {"accepted": 2, "unsent": 3}


@pytest.mark.threads
def test_a_client_that_leaves_while_waiting_changes_nothing(ready, sandbox):
    body = json.dumps({"messaging_product": "whatsapp", "to": ANA, "type": "template", "template": {
        "name": "spring_sale", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}]}}).encode()
    head = f"POST /v23.0/111/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {rig.TOKEN}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    sandbox.fault("delay=400", times=5, path="/111/messages")
    for _ in range(5):
        with contextlib.closing(socket.create_connection(("127.0.0.1", ready.port))) as s:
            s.sendall(head.encode() + body)
            time.sleep(0.02)
    rig.until("all five were accepted", lambda: ready.states() == {"accepted": 6})
    assert gained(sandbox) == 5


def test_a_status_that_overtakes_its_answer_is_not_lost(ready, sandbox):
    sandbox.fault("delay=700", path="/111/messages")
    answer = sale(ready)
    assert answer.status_code == 200
    seen = ready.record(answer)["message"]["seen"]
    assert {"sent", "delivered", "read"} <= set(seen)


@pytest.mark.parametrize("mode", ["duplicate", "out_of_order"])
def test_statuses_in_any_order_and_number_give_the_same_view(ready, sandbox, mode):
    sandbox.call("POST", "webhook", {"mode": mode})
    answer = sale(ready)
    rig.until("it was read", lambda: {"sent", "delivered", "read"} <= set(ready.record(answer)["message"]["seen"]))
    time.sleep(0.5)
    message = ready.record(answer)["message"]
    assert message["state"] == "read"
    assert sorted(e["status"] for e in message["events"]) == ["delivered", "read", "sent"]
