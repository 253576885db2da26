# SPDX-License-Identifier: Apache-2.0
"""The same key is the same message: a client that lost an answer may ask again and nobody gets the message twice, and
gets told what became of the first."""

import json
import threading
import uuid

import pytest
import rig

ANA = rig.PEOPLE[0]


def twice(gateway, path, token, name, values, body):
    """A request that says a header more than once; no client library would."""
    body = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"]
    return gateway.raw("\r\n".join(lines + [f"{name}: {value}" for value in values]).encode() + b"\r\n\r\n" + body).decode()


@pytest.fixture
def ready(gateway, sandbox):
    rig.seed(gateway, sandbox)
    return gateway


def template(to, parameter="Ana", **more):
    return {"messaging_product": "whatsapp", "to": to, "type": "template",
            "template": {"name": "spring_sale", "language": {"code": "en_US"},
                         "components": [{"type": "body", "parameters": [{"type": "text", "text": parameter}]}]}, **more}


def text(to, words="hello", **more):
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": words}, **more}


def send(gateway, body, key=None, headers=None, **more):
    return gateway.post(f"/v23.0/{rig.SENDER}/messages", body, headers={**({"Idempotency-Key": key} if key else {}), **(headers or {})}, **more)


def rest(gateway, body, headers=None, **more):
    return gateway.request("POST", "/wayleave/v1/messages", token=gateway.admin_key, json={"from": rig.SENDER, **body}, headers=headers, **more)


def test_the_same_key_is_the_same_message(ready, sandbox):
    key = str(uuid.uuid4())
    first = send(ready, template(ANA), key)
    assert first.status_code == 200 and "Idempotent-Replayed" not in first.headers
    again = send(ready, template(ANA), key)
    assert again.status_code == 200, again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Wayleave-Message-Id"] == first.headers["Wayleave-Message-Id"]
    assert again.json()["messages"][0]["id"] == first.json()["messages"][0]["id"]
    assert again.json()["messaging_product"] == "whatsapp"
    assert again.json()["contacts"] == first.json()["contacts"]
    assert len(sandbox.ledger()) == 1
    assert send(ready, text(ANA), str(uuid.uuid4())).status_code == 200
    assert len(sandbox.ledger()) == 2


def test_the_quoted_form_and_other_white_space_are_the_same_request(ready, sandbox):
    assert send(ready, text(ANA), '"order-4711"').status_code == 200
    again = ready.request("POST", f"/v23.0/{rig.SENDER}/messages", headers={"Idempotency-Key": "order-4711", "Content-Type": "application/json"},
                          data=json.dumps(text(ANA), indent=4))
    assert again.status_code == 200 and again.headers["Idempotent-Replayed"] == "true", again.text
    assert len(sandbox.ledger()) == 1


def test_the_order_of_a_bodys_members_says_nothing(ready, sandbox):
    assert send(ready, text(ANA), "order").status_code == 200
    again = send(ready, dict(reversed(text(ANA).items())), "order")
    assert again.status_code == 200 and again.headers["Idempotent-Replayed"] == "true", again.text
    assert len(sandbox.ledger()) == 1


@pytest.mark.shared
@pytest.mark.parametrize("name, values", [("Idempotency-Key", ["a", "b"]), ("Wayleave-Hold", ["queue", "refuse"]), ("Wayleave-Category", ["utility", "marketing"])])
def test_a_header_that_says_two_things_is_refused(ready, sandbox, name, values):
    assert " 400 " in twice(ready, f"/v23.0/{rig.SENDER}/messages", rig.TOKEN, name, values, text(ANA)).splitlines()[0]
    if name == "Idempotency-Key":
        answer = twice(ready, "/wayleave/v1/messages", ready.admin_key, name, values, {"from": rig.SENDER, **text(ANA)})
        assert " 400 " in answer.splitlines()[0] and "says two things" in answer
    assert sandbox.ledger() == []
    assert " 200 " in twice(ready, f"/v23.0/{rig.SENDER}/messages", rig.TOKEN, name, [values[0]] * 2, text(ANA)).splitlines()[0]


def test_a_key_for_another_message_is_a_mistake(ready, sandbox):
    first = send(ready, text(ANA), "one")
    assert first.status_code == 200
    for body in (text(ANA, "something else"), template(ANA)):
        other = send(ready, body, "one")
        assert other.status_code == 422 and other.json()["error"]["code"] == 100, other.text
        assert "Idempotency-Key" in other.json()["error"]["message"]
        assert other.json()["error"]["error_data"]["wayleave"]["id"] == first.headers["Wayleave-Message-Id"]
    mine = rest(ready, {**text(ANA, "over REST"), "idempotency_key": "one"})
    assert mine.status_code == 422 and mine.json()["error"]["field"] == "idempotency_key" and mine.json()["error"]["code"] == "key_used"
    assert mine.json()["id"] == first.headers["Wayleave-Message-Id"] and mine.json()["id"] in mine.json()["error"]["message"]
    assert len(sandbox.ledger()) == 1


@pytest.mark.shared
@pytest.mark.parametrize("key", ["", '"open', "two words", "x" * 256, "k\u00e9".encode().decode("latin-1")])
def test_a_key_that_cannot_be_read_is_refused(ready, sandbox, key):
    r = send(ready, text(ANA), headers={"Idempotency-Key": key})
    assert r.status_code == 400 and "Idempotency-Key" in r.text, r.text
    assert sandbox.ledger() == []


def test_a_refusal_of_metas_is_told_again(ready, sandbox):
    sandbox.fault("code=131051", path="/111/messages")
    first = send(ready, text(ANA), "k")
    assert first.status_code == 400 and first.json()["error"]["code"] == 131051
    again = send(ready, text(ANA), "k")
    assert again.status_code == 400 and again.json()["error"]["code"] == 131051, again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert sandbox.ledger() == []


def test_what_is_in_doubt_is_neither_sent_nor_forgotten(ready, sandbox):
    """Meta took it and the answer was lost. The client that asks again learns that, and once the webhook came, its id."""
    sandbox.call("POST", "webhook", {"mode": "hold"})
    sandbox.fault("lost-answer", path="/111/messages")
    first = send(ready, text(ANA), "k", timeout=40)
    assert first.status_code == 504, first.text
    doubt = send(ready, text(ANA), "k")
    assert doubt.status_code == 409 and doubt.json()["error"]["is_transient"] is True, doubt.text
    assert "under another" in doubt.json()["error"]["error_data"]["details"]
    assert len(sandbox.ledger()) == 1
    sandbox.call("POST", "webhook", {"mode": "normal"})
    [entry] = sandbox.ledger()
    settled = rig.until("the webhook settled it", lambda: (r := send(ready, text(ANA), "k")).status_code == 200 and r)
    assert settled.json()["messages"][0]["id"] == entry["wamid"]
    assert len(sandbox.ledger()) == 1


def test_what_surely_did_not_leave_may_be_sent_under_its_key(ready, sandbox, start, tmp_path):
    sandbox.stop()
    unsent = send(ready, text(ANA), "k")
    assert unsent.status_code == 503, unsent.text
    sandbox = start(rig.Sandbox, tmp_path, port=sandbox.port, options=["--windows-open"])
    again = rig.until("it is reached again", lambda: (r := send(ready, text(ANA), "k")).status_code == 200 and r)
    assert again.json()["messages"][0]["id"].startswith("wamid.")
    assert send(ready, text(ANA), "k").headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.ledger()) == 1


def test_at_the_same_moment_one_leaves(ready, sandbox):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(send(ready, text(ANA), "k", timeout=30))) for _ in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(sandbox.ledger()) == 1
    assert {a.status_code for a in answers} <= {200, 409}
    assert len({a.headers["Wayleave-Message-Id"] for a in answers if "Wayleave-Message-Id" in a.headers}) == 1


def test_over_rest_the_message_itself_is_the_answer(ready, sandbox):
    first = rest(ready, {**text(ANA), "idempotency_key": "k"})
    assert first.status_code == 200, first.text
    for again in (rest(ready, {**text(ANA), "idempotency_key": "k"}), rest(ready, text(ANA), headers={"Idempotency-Key": "k"})):
        assert again.status_code == 200 and again.headers["Idempotent-Replayed"] == "true", again.text
        assert again.headers["Wayleave-Message-Id"] == first.json()["id"] == again.json()["id"]
        assert again.json()["replayed"] is True and again.json()["wamid"] == first.json()["wamid"]
    assert len(sandbox.ledger()) == 1
    both = rest(ready, {**text(ANA), "idempotency_key": "k"}, headers={"Idempotency-Key": "other"})
    assert both.status_code == 400 and both.json()["error"]["field"] == "idempotency_key"


def test_a_key_outlives_a_crash(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook")
    rig.seed(gateway, sandbox)
    first = send(gateway, text(ANA), "k")
    assert first.status_code == 200
    gateway.kill()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    again = send(gateway, text(ANA), "k")
    assert again.status_code == 200 and again.headers["Idempotent-Replayed"] == "true", again.text
    assert again.json()["messages"][0]["id"] == first.json()["messages"][0]["id"]
    assert len(sandbox.ledger()) == 1


def test_a_batch_has_no_key(ready, sandbox):
    parts = [{"method": "POST", "relative_url": f"v23.0/{rig.SENDER}/messages", "body": json.dumps(text(ANA))}]
    r = ready.post("/v23.0/", {"batch": parts}, headers={"Idempotency-Key": "k"})
    assert r.status_code == 400 and "batch" in r.text, r.text
    assert sandbox.ledger() == []
