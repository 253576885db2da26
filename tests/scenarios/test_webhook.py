# SPDX-License-Identifier: Apache-2.0
"""Events from the platform: believed only when signed, kept before they are acknowledged, handed on signed again."""

import hashlib
import hmac
import json
import time

import rig

EVENT = {"object": "whatsapp_business_account", "entry": [{"id": "222", "changes": [{"field": "messages", "value": {
    "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": "111"},
    "contacts": [{"profile": {"name": "Ana"}, "wa_id": rig.PEOPLE[0]}],
    "messages": [{"from": rig.PEOPLE[0], "id": "wamid.scenario1", "timestamp": "1", "type": "text", "text": {"body": "hello"}}]}}]}]}


def signed(body, secret=rig.APP_SECRET):
    return {"Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def applied(gateway):
    [line] = [line for line in gateway.get("/metrics", token=None).text.splitlines() if line.startswith("wayleave_events_total ")]
    return int(line.split()[1])


def post(gateway, field, at=None, **value):
    """One change as the platform posts it, signed; returns when it is applied."""
    entry = {"id": rig.WABA, "changes": [{"field": field, "value": value}], **({"time": at} if at else {})}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    before = applied(gateway)
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    rig.until("the event is applied", lambda: applied(gateway) > before)


def test_the_handshake_wants_the_right_token(gateway):
    ask = "/webhook?hub.mode=subscribe&hub.challenge=4711&hub.verify_token="
    r = gateway.get(ask + rig.VERIFY_TOKEN, token=None)
    assert (r.status_code, r.text) == (200, "4711")
    assert gateway.get(ask + "wrong", token=None).status_code == 403


def test_only_signed_events_are_believed(gateway):
    body = json.dumps(EVENT).encode()
    for headers in ({}, {"X-Hub-Signature-256": "sha256=00"}, signed(body, "other secret"), signed(body + b" ")):
        r = gateway.request("POST", "/webhook", headers=headers, data=body, token=None)
        assert r.status_code in (401, 403), r.status_code
    assert gateway.admin("GET", f"/contacts/%2B{rig.PEOPLE[0]}")[0] == 404
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    rig.until("the person is known", lambda: gateway.admin("GET", f"/contacts/%2B{rig.PEOPLE[0]}")[0] == 200)


def test_events_are_handed_on_with_our_signature(start, sandbox, receiver, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.forward_url": receiver.url})
    body = json.dumps(EVENT).encode()
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    rig.until("the event was handed on", lambda: receiver.requests)
    got = receiver.requests[0]
    assert json.loads(got["body"])["entry"][0]["changes"][0]["value"]["messages"][0]["id"] == "wamid.scenario1"
    assert got["headers"]["X-Hub-Signature-256"] == signed(got["body"])["X-Hub-Signature-256"]


def test_stopping_marketing_in_whatsapp_is_an_opt_out(gateway, sandbox):
    ana = rig.PEOPLE[0]
    gateway.grant("+" + ana)
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": "111"},
             "contacts": [{"profile": {"name": "Ana"}, "wa_id": ana}],
             "user_preferences": [{"wa_id": ana, "detail": "User requested to stop marketing messages", "category": "marketing_messages",
                                   "value": "stop", "timestamp": 1795000000}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "222", "changes": [{"field": "user_preferences", "value": value}]}]}).encode()
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    rig.until("marketing is refused", lambda: gateway.send_template("+" + ana, "spring_sale", parameters=["Ana"]).status_code == 400)
    value["user_preferences"][0].update(value="resume", timestamp=1795000001)
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "222", "changes": [{"field": "user_preferences", "value": value}]}]}).encode()
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    rig.until("marketing passes again", lambda: gateway.send_template("+" + ana, "spring_sale", parameters=["Ana"]).status_code == 200)


def test_an_old_word_about_a_template_undoes_no_newer_one(gateway, sandbox):
    """Webhooks are repeated for days and come in any order: what counts is when it was said."""
    ana, now = "+" + rig.PEOPLE[0], int(time.time())
    gateway.grant(ana)
    assert gateway.send_template(ana, "spring_sale", parameters=["Ana"]).status_code == 200  # the list was read now

    def said(event, at, wanted):
        post(gateway, "message_template_status_update", at=at, event=event, message_template_id=1, message_template_name="spring_sale", message_template_language="en_US")
        assert gateway.send_template(ana, "spring_sale", parameters=["Ana"]).status_code == wanted, (event, at)

    said("PAUSED", now - 3600, 200)
    time.sleep(1.1)
    now = int(time.time())
    said("PAUSED", now, 400)
    said("APPROVED", now - 3600, 400)
    said("APPROVED", now, 400)  # of two words of one second the stricter holds, whichever came first
    time.sleep(1.1)
    said("APPROVED", int(time.time()), 200)


def test_delivery_states_only_rise(gateway, sandbox):
    ana = rig.PEOPLE[0]
    gateway.grant("+" + ana)
    assert gateway.send_template("+" + ana, "spring_sale", parameters=["Ana"]).status_code == 200
    [message] = gateway.admin("GET", f"/contacts/%2B{ana}")[1]["messages"]

    def state():
        return set(gateway.admin("GET", f"/decisions/{message['id']}")[1]["message"]["seen"])

    rig.until("it was delivered", lambda: "delivered" in state())
    rig.until("it was read", lambda: "read" in state())
    assert {"sent", "delivered", "read"} <= state()
