# SPDX-License-Identifier: Apache-2.0
"""Messages we answer for: each is sent once, in its turn, whatever happens to Meta, to the number or to us; and a number in
trouble holds up nobody else."""

import concurrent.futures
import time
from collections import Counter

import pytest
import rig

SALE = {"name": "spring_sale", "language": {"code": "en_US"}}
READY = {"name": "order_ready", "language": {"code": "en_US"}}
CODE = {"name": "login_code", "language": {"code": "en_US"}}


def template(which, *parameters):
    components = [{"type": "body", "parameters": [{"type": "text", "text": p} for p in parameters]}]
    if which is CODE:
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": parameters[0]}]})
    return {"type": "template", "template": {**which, "components": components}}


def post(gateway, to, sender=rig.SENDER, **more):
    """Asks for one message to be sent in its turn."""
    body = {"from": sender, "to": to, "queue": True, **(more or template(SALE, "x"))}
    return gateway.request("POST", "/wayleave/v1/messages", token=gateway.admin_key, json=body)


def accepted(answer):
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def queue(gateway, people, sender=rig.SENDER, message=None):
    """One message to each of these; their ids."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda who: accepted(post(gateway, who, sender, **(message or template(SALE, "x")))), people))


def message(gateway, name):
    status, body = gateway.admin("GET", f"/messages/{name}")
    assert status == 200, body
    return body


def outbox(gateway):
    return gateway.query("SELECT COUNT(*) FROM outbox")[0][0]


def all_ended(gateway, seconds=20):
    rig.until("the outbox is empty", lambda: outbox(gateway) == 0, seconds)


def ledger(sandbox, sender=None):
    """All that the platform accepted, oldest first."""
    rows, after = [], 0
    while True:
        page = sandbox.call("GET", "ledger", limit=1000, after=after)
        if not page["data"]:
            return [row for row in rows if sender in (None, row["phone_number_id"])]
        rows += page["data"]
        after = page["next"]


def got(sandbox, sender=None):
    """How often each person got something."""
    return Counter(row["to"].lstrip("+") for row in ledger(sandbox, sender))


def each_once(sandbox, people, sender=None):
    assert got(sandbox, sender) == Counter(who.lstrip("+") for who in people)


@pytest.mark.threads
def test_what_is_queued_leaves_once(gateway, sandbox):
    people = gateway.people(60)
    names = queue(gateway, people)
    all_ended(gateway)
    each_once(sandbox, people)
    gateway.wait_applied()
    assert gateway.states() == {"accepted": len(people)}
    assert message(gateway, names[0])["state"] in ("accepted", "sent", "delivered", "read")


def test_what_people_wait_for_goes_first(start, sandbox, tmp_path):
    """A campaign fills the line of a slow number; a code asked for behind it leaves at once, an order next."""
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook")
    people = gateway.people(80)
    for scope in ("utility", "authentication"):
        gateway.grant(people[0], scope=scope)
    gateway.sealed()
    queue(gateway, people)
    rig.until("the campaign is under way", lambda: len(ledger(sandbox)) > 5)
    before = len(ledger(sandbox))
    order, code = (accepted(post(gateway, people[0], **template(which, "1234"))) for which in (READY, CODE))
    rig.until("the code was sent", lambda: message(gateway, code)["state"] != "waiting", 5)
    all_ended(gateway)
    assert message(gateway, order)["state"] in ("accepted", "sent", "delivered", "read")
    sent = [row["seq"] for row in ledger(sandbox) if row["to"].lstrip("+") == people[0].lstrip("+")]
    assert len(sent) == 3 and max(sent) <= before + 15, "in front of most of the campaign"


def test_a_number_that_hangs_delays_no_other(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"upstream.timeout": "4s", "limits.queue": 64})
    sandbox.webhooks_to(gateway.url + "/webhook")
    people = gateway.people(150)
    for sender in (rig.SENDER, rig.OTHER_SENDER):
        accepted(post(gateway, people[0], sender, **template(SALE, sender)))
    all_ended(gateway)
    sandbox.fault("hang", times=1000, path="/111/messages")
    queue(gateway, people[1:75], rig.SENDER)
    time.sleep(0.5)
    began = time.monotonic()
    queue(gateway, people[75:], rig.OTHER_SENDER)
    rig.until("the other number has sent all", lambda: len(ledger(sandbox, rig.OTHER_SENDER)) == 76, 10)
    assert time.monotonic() - began < 3.5 * rig.SLOW
    assert not ledger(sandbox, rig.SENDER)[1:]


def test_a_refused_number_stops_and_the_others_go_on(gateway, sandbox):
    people = gateway.people(60)
    sandbox.fault("code=133010", times=1000, path="/111/messages")
    names = queue(gateway, people[:15], rig.SENDER)
    stopped = "SELECT 1 FROM sender_lease WHERE sender = 111 AND stop_code = 133010"
    rig.until("the number stands still", lambda: gateway.query(stopped))
    after = queue(gateway, people[15:30], rig.SENDER)
    queue(gateway, people[30:], rig.OTHER_SENDER)
    rig.until("the other number has sent all", lambda: len(ledger(sandbox, rig.OTHER_SENDER)) == 30)
    each_once(sandbox, people[30:])
    rig.until("nothing is lost, and the others have ended", lambda: outbox(gateway) == 30)
    attempts = [[message(gateway, name)["attempts"] for name in some] for some in (names, after)]
    assert sum(attempts[0]) >= 1, "what was under way when the first was refused"
    assert set(attempts[1]) == {0}, "and nothing after it"


@pytest.mark.parametrize("fault", ["code=130429", "code=131056"])
def test_a_refusal_for_now_is_repeated(gateway, sandbox, fault):
    people = gateway.people(4)
    sandbox.fault(fault, times=2, path="/111/messages")
    names = queue(gateway, people)
    all_ended(gateway, 40)
    each_once(sandbox, people)
    gateway.wait_applied()
    assert gateway.states() == {"accepted": len(people)}
    assert all(message(gateway, name)["attempts"] == 1 for name in names), "what is not about a message costs it no attempt"


def test_a_refusal_for_good_ends_it(gateway, sandbox):
    [who] = gateway.people(1)
    sandbox.fault("code=131008", path="/111/messages")
    name = accepted(post(gateway, who))
    all_ended(gateway)
    assert (message(gateway, name)["state"], message(gateway, name)["code"]) == ("rejected", 131008)
    assert not ledger(sandbox)


def test_an_upstream_that_is_away_costs_nothing_but_time(start, tmp_path):
    first = start(rig.Sandbox, tmp_path)
    gateway = start(rig.Gateway, tmp_path, first.url)
    people = gateway.people(31)
    queue(gateway, people[:1])
    all_ended(gateway)
    first.stop()
    queue(gateway, people[1:])
    time.sleep(2)
    assert outbox(gateway) == 30
    second = start(rig.Sandbox, tmp_path, port=first.port)
    all_ended(gateway, 60)
    each_once(second, people[1:])


def test_a_restart_goes_on_with_the_rest(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "is_on_biz_app": True})
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    people = gateway.people(60)
    queue(gateway, people)
    rig.until("some were sent", lambda: len(ledger(sandbox)) > 10)
    gateway.stop()
    left = outbox(gateway)
    assert 0 < left < 60
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    all_ended(gateway)
    each_once(sandbox, people)


def test_a_token_that_is_gone_is_waited_for(gateway, sandbox, tmp_path):
    people = gateway.people(4)
    queue(gateway, people[:1])
    all_ended(gateway)
    sandbox.fault("code=190", path="/111/messages")
    token = tmp_path / "sender.token"
    names = queue(gateway, people[1:2])
    token.rename(tmp_path / "moved")
    rig.until("the token was refused", lambda: message(gateway, names[0])["state"] == "waiting")
    (tmp_path / "moved").rename(token)
    assert outbox(gateway) == 1


def test_what_is_worthless_by_then_is_not_sent(gateway, sandbox):
    """Also when its number may not send at all meanwhile."""
    people = gateway.people(12)
    sandbox.fault("code=133010", times=1000, path="/111/messages")
    queue(gateway, people[:1])
    rig.until("the number was refused", lambda: gateway.query("SELECT 1 FROM msg WHERE code = 133010"))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    names = [accepted(post(gateway, who, **template(SALE, "x"), expires=soon)) for who in people[1:]]
    rig.until("they have expired", lambda: all(message(gateway, name)["state"] == "expired" for name in names), 8)
    assert outbox(gateway) == 1
    assert not ledger(sandbox)


def test_a_number_of_which_hundreds_expire_goes_on_and_delays_no_other(gateway, sandbox):
    """More than is read ahead of one line, while Meta stops its number."""
    people = gateway.people(380)
    sandbox.fault("code=131057", times=1000, path="/111/messages")
    queue(gateway, people[:1])
    rig.until("the number was refused", lambda: gateway.query("SELECT 1 FROM msg WHERE code = 131057"))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4 * rig.SLOW))
    queue(gateway, people[1:301], message={**template(SALE, "x"), "expires": soon})
    last = queue(gateway, people[301:302])[0]
    began = time.monotonic()
    queue(gateway, people[302:], rig.OTHER_SENDER)
    rig.until("the other number has sent all", lambda: len(ledger(sandbox, rig.OTHER_SENDER)) == len(people[302:]), 10)
    assert time.monotonic() - began < 5 * rig.SLOW
    rig.until("they have expired", lambda: gateway.states().get("expired") == 300, 20)
    assert message(gateway, last)["state"] == "waiting"
    sandbox.call("DELETE", "faults")
    assert gateway.admin("POST", f"/numbers/{rig.SENDER}/resume", {"by": "Ada"})[0] == 200
    rig.until("the last one was sent", lambda: message(gateway, last)["state"] in ("accepted", "sent", "delivered", "read"))
    each_once(sandbox, [people[301]], rig.SENDER)  # the one that was refused waits for its own time
