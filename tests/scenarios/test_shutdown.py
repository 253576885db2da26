# SPDX-License-Identifier: Apache-2.0
"""A gateway that is asked to stop in the middle of everything: it ends well, answers whom it can, sends nothing it has
not recorded and leaves no message in doubt whose fate it knew."""

import re
import threading
import time

import pytest
import requests
import rig

ANA, BELA = rig.PEOPLE[:2]


def gauge(gateway, name):
    return int(re.search(rf"^{name} (\d+)$", requests.get(gateway.url + "/metrics", timeout=10).text, re.M).group(1))


class Clients:
    """Calls made at once, and their answers; None: the connection was closed without one."""

    def __init__(self, n, call):
        self.answers = []
        self.threads = [threading.Thread(target=self.run, args=(call, i), daemon=True) for i in range(n)]
        for t in self.threads:
            t.start()

    def run(self, call, i):
        try:
            self.answers.append(call(i))
        except requests.RequestException:
            self.answers.append(None)

    def wait(self):
        for t in self.threads:
            t.join(60)
        return self.answers


def open_window(gateway, sandbox, number=ANA):
    sandbox.inbound(number)
    rig.until("the window is open", lambda: gateway.send("+" + number).status_code == 200)


def test_held_messages_are_given_back(start, sandbox, tmp_path):
    """They wait for the pair's pace, longer than the stop does: their clients are told to come again, nobody else is."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url, hold_budget="60s")
    sandbox.webhooks_to(gateway.url + "/webhook")
    open_window(gateway, sandbox)
    while gauge(gateway, "wayleave_messages_open") == 0:  # until the pair's burst is used up
        burst = Clients(8, lambda _: gateway.send("+" + ANA, token=rig.TOKEN))
        time.sleep(0.5 * rig.SLOW)
    held, sent, began = gauge(gateway, "wayleave_messages_open"), sandbox.call("GET", "stats")["ledger"], time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 8 * rig.SLOW
    waited = [a for a in burst.wait() if a is None or a.status_code != 200]
    assert len(waited) >= held - 2  # one or two may have had their time
    for answer in waited:
        assert answer is not None, "a held message's client was dropped without an answer"
        assert answer.status_code == 429
        assert "shutting down" in answer.text
    assert set(gateway.states()) <= {"accepted", "refused"}  # refused: before the window was open
    assert gateway.states()["accepted"] == sandbox.call("GET", "stats")["ledger"] >= sent


@pytest.mark.threads
def test_a_stop_among_sends_leaves_nothing_half_done(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    for i in range(40):
        gateway.grant(f"+447700930{i:03}")
    assert gateway.send_template("+447700930000", "spring_sale", parameters=["A"]).status_code == 200
    go_on = True

    def send(i):
        answers = []
        while go_on and not (answers and answers[-1] is None):
            try:
                answers.append(gateway.send_template(f"+447700930{i:03}", "spring_sale", parameters=["A"]))
            except requests.RequestException:
                answers.append(None)
        return answers

    clients = Clients(16, send)
    time.sleep(1)
    gateway.stop(30)
    go_on = False
    accepted = 1 + sum(a is not None and a.status_code == 200 for answers in clients.wait() for a in answers)
    states = gateway.states()
    assert states.pop("refused", 0) + states["accepted"] >= accepted
    assert states["accepted"] == sandbox.call("GET", "stats")["ledger"]
    assert set(states) <= {"accepted", "unsent"}, states


def test_a_stop_while_the_platform_hangs(start, sandbox, tmp_path):
    """Sends, introductions and other calls under way when the grace is over: the sends are ambiguous, nothing more."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"upstream.timeout": "120s"})
    sandbox.webhooks_to(gateway.url + "/webhook")
    gateway.grant("+" + ANA)
    open_window(gateway, sandbox)
    sandbox.fault("hang", times=100)
    batch = ('[{"method":"POST","relative_url":"v23.0/111/messages","body":"messaging_product=whatsapp&to=%s&type=text&text=%%7B%%22body%%22%%3A%%22x%%22%%7D"},'
             '{"method":"GET","relative_url":"v23.0/111"}]' % ANA)
    calls = [lambda: gateway.send("+" + ANA),
             lambda: gateway.post(f"/v23.0/{rig.WABA}/message_templates", json={"name": "x", "category": "UTILITY", "language": "en"}),
             lambda: gateway.get("/v23.0/111"),
             lambda: gateway.send("+" + ANA, token="a new one"),
             lambda: gateway.post("/", data={"batch": batch})]
    clients = Clients(len(calls), lambda i: calls[i]())
    rig.until("both sends hang", lambda: gateway.states().get("sending", 0) >= 2)
    gateway.stop(45)
    clients.wait()
    assert gateway.states()["ambiguous"] == 2
    assert "sending" not in gateway.states()


def test_webhooks_while_stopping_are_kept_or_refused(start, sandbox, tmp_path, receiver):
    """What was thanked for is in the inbox; what was not, the platform repeats."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.forward_url": receiver.url})
    sandbox.webhooks_to(gateway.url + "/webhook")
    for i in range(60):
        sandbox.inbound(f"1555400{i:04}")
    gateway.stop(30)
    again = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, **{"webhook.forward_url": receiver.url})
    rig.until("every body was handed on", lambda: sum(r["body"].count(b'"wamid.') for r in receiver.requests) >= 60, 30)
    assert again.get("/readyz", token=None).status_code == 200


def test_counters_return_to_nothing(gateway, sandbox):
    """Whatever way a send takes, its place is free afterwards."""
    gateway.grant("+" + ANA)
    open_window(gateway, sandbox)
    assert gateway.send("+" + BELA).status_code == 400  # no window
    assert gateway.send("+" + ANA, sender="999").status_code >= 400
    assert gateway.send("no number").status_code == 400
    for fault in ("code=131009", "status=500", "lost-answer", "drop"):
        sandbox.fault(fault, path="/111/messages")
        assert gateway.send("+" + ANA).status_code >= 400
    part = '{"method":"POST","relative_url":"v23.0/111/messages","body":"messaging_product=whatsapp&to=%s&type=text&text=%%7B%%22body%%22%%3A%%22x%%22%%7D"}'
    assert gateway.post("/", data={"batch": "[%s,%s]" % (part % ANA, part % BELA)}).status_code == 200
    status, _ = gateway.admin("POST", "/messages", {"from": "111", "to": "+" + ANA, "type": "text", "text": {"body": "x"}})
    assert status == 200
    sandbox.fault("delay=400", path="/111/messages")
    gateway.raw(b"POST /v23.0/111/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sandbox-token\r\nContent-Type: application/json\r\nContent-Length: 85\r\n\r\n"
                b'{"messaging_product":"whatsapp","to":"%s","type":"text","text":{"body":"hello"}  }' % ANA.encode(), seconds=0.2)
    rig.until("no message is open", lambda: gauge(gateway, "wayleave_messages_open") == 0)
    rig.until("no call is open", lambda: gauge(gateway, "wayleave_upstream_calls") == 0)
