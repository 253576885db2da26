# SPDX-License-Identifier: Apache-2.0
"""What passes arrives as it was sent; what is refused never leaves, and says why in the platform's own words."""

import json

import pytest
import rig

ANA, NOBODY = rig.PEOPLE[0], rig.STRANGER


@pytest.fixture
def ana(gateway):
    gateway.grant("+" + ANA)
    return ANA


def test_a_consented_template_arrives_byte_for_byte(gateway, sandbox, ana):
    # Odd spacing, an unknown field, an escaped character: none of it may be touched.
    body = ('{ "messaging_product":"whatsapp",  "to":"+%s","type":"template","future_field":[1, 2.50,null],'
            '"template":{"name":"spring_sale","language":{"code":"en_US"},'
            '"components":[{"type":"body","parameters":[{"type":"text","text":"An\\u0061"}]}]}}' % ana)
    r = gateway.request("POST", "/v23.0/111/messages", headers={"Content-Type": "application/json"}, data=body.encode())
    assert r.status_code == 200, r.text
    answer = r.json()
    assert answer["messaging_product"] == "whatsapp"
    assert answer["messages"][0]["id"].startswith("wamid.")
    [entry] = sandbox.ledger()
    sent = entry["body"] if isinstance(entry["body"], dict) else json.loads(entry["body"])
    expected = json.loads(body)
    for added in ("biz_opaque_callback_data",):
        sent.pop(added, None)
    assert sent == expected


def test_no_consent_is_refused_and_nothing_leaves(gateway, sandbox):
    r = gateway.send_template("+" + NOBODY, "spring_sale", parameters=["Ana"])
    assert r.status_code == 400
    error = r.json()["error"]
    assert error["code"] == 131050
    assert error["type"] == "OAuthException"
    assert "131050" in error["message"]
    assert "consent.missing" in error["error_data"]["details"]
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["fbtrace_id"]
    assert sandbox.ledger() == []


def test_a_text_needs_an_open_window(gateway, sandbox, ana):
    assert gateway.send("+" + ana).json()["error"]["code"] == 131047
    sandbox.inbound(ana)
    rig.until("the window is open", lambda: gateway.send("+" + ana).status_code == 200)
    assert len(sandbox.ledger()) == 1


def test_withdrawing_closes_the_door_at_once(gateway, sandbox, ana):
    assert gateway.send_template("+" + ana, "spring_sale", parameters=["Ana"]).status_code == 200
    status, _ = gateway.admin("POST", "/consent", {"who": "+" + ana, "act": "withdraw", "scope": "marketing", "method": "conversation"})
    assert status == 200
    assert gateway.send_template("+" + ana, "spring_sale", parameters=["Ana"]).json()["error"]["code"] == 131050
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("shape", ["+{}", "{}", "+44 7700 900000", "(+44) 7700-900000"])
def test_every_spelling_of_a_number_is_the_same_person(gateway, ana, shape):
    r = gateway.send_template(shape.format(ana), "spring_sale", parameters=["Ana"])
    assert r.status_code == 200, r.text


@pytest.mark.parametrize("path", ["/111/messages", "/v13.0/111/messages", "/v23.0/111/messages"])
def test_with_and_without_a_version(gateway, ana, path):
    body = {"messaging_product": "whatsapp", "to": ana, "type": "template",
            "template": {"name": "hello_world", "language": {"code": "en_US"}}}
    gateway.admin("POST", "/consent", {"who": "+" + ana, "act": "grant", "scope": "utility", "method": "web_form"})
    assert gateway.post(path, body).status_code == 200


def test_the_token_may_stand_in_the_query(gateway, ana):
    body = {"messaging_product": "whatsapp", "to": ana, "type": "template",
            "template": {"name": "spring_sale", "language": {"code": "en_US"},
                         "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]}}
    r = gateway.post(f"/v23.0/111/messages?access_token={rig.TOKEN}", body, token=None)
    assert r.status_code == 200, r.text
    assert rig.TOKEN not in gateway.output()


def test_numbers_and_tokens_stay_out_of_the_log(gateway, ana):
    gateway.send_template("+" + ana, "spring_sale", parameters=["Ana"])
    gateway.send_template("+" + NOBODY, "spring_sale", parameters=["Ana"])
    log = gateway.output()
    for secret in (ana, NOBODY, rig.TOKEN, rig.APP_SECRET, gateway.admin_key):
        assert secret not in log


@pytest.mark.parametrize("form", ["json", "urlencoded"])
def test_a_batch_cannot_smuggle_a_send(gateway, sandbox, form):
    send = {"messaging_product": "whatsapp", "to": NOBODY, "type": "template",
            "template": {"name": "spring_sale", "language": {"code": "en_US"}}}
    parts = [{"method": "POST", "relative_url": "v23.0/111/messages", "body": json.dumps(send)}]
    if form == "json":
        r = gateway.post("/v23.0/", {"batch": parts})
    else:
        r = gateway.request("POST", "/", data={"batch": json.dumps(parts)})
    assert r.status_code in (200, 400)
    assert sandbox.ledger() == []


def test_a_duplicate_key_cannot_name_two_recipients(gateway, sandbox, ana):
    body = '{"messaging_product":"whatsapp","to":"%s","to":"%s","type":"template","template":{"name":"hello_world","language":{"code":"en_US"}}}'
    for pair in ((ana, NOBODY), (NOBODY, ana)):
        r = gateway.request("POST", "/v23.0/111/messages", headers={"Content-Type": "application/json"}, data=body % pair)
        assert r.status_code == 400, r.text
    assert sandbox.ledger() == []


def test_reading_receipts_are_not_sends(gateway, sandbox):
    wamid = sandbox.inbound(NOBODY)
    r = gateway.post("/v23.0/111/messages", {"messaging_product": "whatsapp", "status": "read", "message_id": wamid})
    assert r.status_code == 200, r.text
