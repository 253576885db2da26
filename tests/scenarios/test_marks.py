# SPDX-License-Identifier: Apache-2.0
"""Our mark in what leaves: it ties statuses to attempts whose answers were lost, nobody can forge it, and the client finds
its own callback data in the webhooks handed on, as if there had been no mark."""

import json

import pytest
import rig
from test_webhook import applied, signed

ANA = rig.PEOPLE[0]
FIELD = "biz_opaque_callback_data"
FACE = "\U0001f600"


@pytest.fixture
def ready(start, sandbox, receiver, tmp_path):
    """A gateway that hands webhooks on to `receiver` and may write to Ana."""
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.forward_url": receiver.url})
    sandbox.webhooks_to(g.url + "/webhook")
    g.grant("+" + ANA)
    return g


def sale(gateway, *own):
    return gateway.send_template("+" + ANA, "spring_sale", parameters=["Ana"], **({FIELD: own[0]} if own else {}))


def statuses(receiver, wamid):
    """What was handed on about this message."""
    found = []
    for request in receiver.requests:
        for entry in json.loads(request["body"])["entry"]:
            for change in entry["changes"]:
                found += [s for s in change["value"].get("statuses", []) if s["id"] == wamid]
    return found


def status_body(wamid, mark, status="sent"):
    """A status as the platform posts it, but with spaces between."""
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": "111"},
             "statuses": [{"id": wamid, "status": status, "timestamp": "1795000000", "recipient_id": ANA, FIELD: mark}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": [{"field": "messages", "value": value}]}]}, indent=1).encode()


def post(gateway, body):
    before = applied(gateway)
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    rig.until("it is applied", lambda: applied(gateway) > before)


def metric(gateway, name):
    [line] = [line for line in gateway.get("/metrics", token=None).text.splitlines() if line.startswith(name + " ")]
    return int(line.split()[1])


def in_doubt(gateway, sandbox):
    """A send whose answer was lost, and its mark."""
    sandbox.fault("lost-answer", path="/111/messages")
    answer = sale(gateway, "order-17")
    assert answer.status_code == 504
    return answer, sandbox.ledger()[-1][FIELD]


def state(gateway, answer):
    return rig.stored(gateway.record(answer)["message"]["state"])


OWN = {  # what the client says, if anything: what it finds
    "none": ((), None), "short": (("order-17",), "order-17"), "empty": (("",), ""), "longest": (("x" * 512,), "x" * 512), "fits": (("x" * 469,), "x" * 469),
    "just not": (("x" * 470,), "x" * 470), "unicode": ((f'caf\u00e9/"{FACE}"\n\\u0041',), f'caf\u00e9/"{FACE}"\n\\u0041'), "faces": ((FACE * 250,), FACE * 250),
    "a number": ((17,), "17"), "null": ((None,), None),
}


def test_a_client_finds_its_own_value_in_every_status(ready, sandbox, receiver):
    wamids = {what: sale(ready, *own).json()["messages"][0]["id"] for what, (own, _) in OWN.items()}
    marks = [entry[FIELD] for entry in sandbox.ledger()]
    assert len(marks) == len(OWN) and all(mark.startswith("wl1.") for mark in marks)
    for what, wamid in wamids.items():
        rig.until(f"all was handed on: {what}", lambda w=wamid: len(statuses(receiver, w)) == 3)
        assert [s["status"] for s in statuses(receiver, wamid)] == ["sent", "delivered", "read"], what
        assert [s.get(FIELD) for s in statuses(receiver, wamid)] == [OWN[what][1]] * 3, what
    for request in receiver.requests:
        assert b"wl1." not in request["body"]
        assert request["headers"]["X-Hub-Signature-256"] == signed(request["body"])["X-Hub-Signature-256"]


def test_what_the_platform_has_to_judge_reaches_it_as_it_is(ready, sandbox):
    for own in ("x" * 513, {"a": 1}, ["a"]):
        before = len(sandbox.ledger())
        sale(ready, own)
        assert all(json.dumps(own) in entry["body"] and "wl1." not in entry["body"] for entry in sandbox.ledger()[before:]), own


def test_what_is_not_ours_is_handed_on_byte_for_byte(ready, receiver):
    bodies = [status_body(f"wamid.other{n}", value) for n, value in enumerate(("another app's", "wl1.0.1.1.0.0000000000000000|x", {"not": "text"}, None))]
    for n, body in enumerate(bodies):
        post(ready, body)
        rig.until("it was handed on", lambda n=n: len(receiver.requests) > n)
        assert receiver.requests[n]["body"] == body


def test_a_lost_answer_is_settled_by_its_status(ready, sandbox, receiver):
    answer, _ = in_doubt(ready, sandbox)
    rig.until("it is known to be accepted", lambda: state(ready, answer) == "accepted")
    wamid = sandbox.ledger()[-1]["wamid"]
    rig.until("it is known to be read", lambda: "read" in ready.record(answer)["message"]["seen"])
    rig.until("all was handed on", lambda: len(statuses(receiver, wamid)) == 3)
    assert {s[FIELD] for s in statuses(receiver, wamid)} == {"order-17"}
    assert metric(ready, "wayleave_events_orphaned_total") == 0


def test_a_lost_answer_is_settled_after_a_restart_too(ready, start, sandbox, receiver, tmp_path):
    """Meta's id was never known here: nothing but the mark can say whose status it is."""
    sandbox.call("POST", "webhook", {"mode": "hold"})
    answer, _ = in_doubt(ready, sandbox)
    ready.kill()
    again = start(rig.Gateway, tmp_path, sandbox.url, port=ready.port, **{"webhook.forward_url": receiver.url})
    assert state(again, answer) == "ambiguous"
    sandbox.call("POST", "webhook", {"mode": "normal"})
    rig.until("it is known to be accepted", lambda: state(again, answer) == "accepted")
    rig.until("it is known to be read", lambda: "read" in again.record(answer)["message"]["seen"])
    assert len(sandbox.ledger()) == 1


def test_a_forged_mark_is_not_believed(ready, sandbox, receiver):
    sandbox.call("POST", "webhook", {"mode": "drop"})
    answer, mark = in_doubt(ready, sandbox)
    head, own = mark.split("|")
    forgeries = (head[:-1] + ("0" if head[-1] != "0" else "1") + "|" + own, head.replace("wl1.0.", "wl1.1.") + "|" + own, head.upper() + "|" + own, " " + mark, head)
    for i, forged in enumerate(forgeries):
        post(ready, status_body(f"wamid.forged{i}", forged))
        assert state(ready, answer) == "ambiguous", forged
    post(ready, status_body("wamid.true", mark))
    assert state(ready, answer) == "accepted"
    rig.until("all was handed on", lambda: len(receiver.requests) == 6)
    assert [s[FIELD] for s in statuses(receiver, "wamid.true")] == ["order-17"]
    for i in range(len(forgeries)):
        assert [s[FIELD] != "order-17" for s in statuses(receiver, f"wamid.forged{i}")] == [True]


def test_a_message_that_was_accepted_twice_is_noticed(ready, sandbox):
    answer = sale(ready, "order-17")
    wamid, mark = answer.json()["messages"][0]["id"], sandbox.ledger()[0][FIELD]
    rig.until("it was read", lambda: "read" in ready.record(answer)["message"]["seen"])
    assert metric(ready, "wayleave_messages_duplicated_total") == 0
    for status in ("sent", "sent", "delivered"):
        post(ready, status_body("wamid.second", mark, status))
    assert metric(ready, "wayleave_messages_duplicated_total") == 1
    assert "accepted a message twice" in ready.output()
    assert ready.record(answer)["message"]["wamid"] == wamid
