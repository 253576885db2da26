# SPDX-License-Identifier: Apache-2.0
"""Templates: learned from the account with the client's own token, judged before they leave, and never older than what
the platform last said."""

import time

import pytest
import requests
import rig

ANA = "+" + rig.PEOPLE[0]
NEW = {"name": "new_offer", "language": "en_US", "category": "UTILITY", "components": [{"type": "BODY", "text": "Your {{1}} is here.", "example": {"body_text": [["parcel"]]}}]}


@pytest.fixture
def ready(gateway):
    gateway.grant(ANA, scope="all")
    return gateway


def refusal(answer):
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    return error["code"], error["error_data"]["details"]


def test_the_list_is_learned_from_the_account_by_the_clients_token(start, sandbox, tmp_path):
    """Nothing about the number is configured: the token that comes with the first send says what there is."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url, senders=[])
    gateway.grant(ANA, scope="all")
    assert gateway.send_template(ANA, "spring_sale", parameters=["Ana"]).status_code == 200
    for name, parameters in (("order_ready", ["A-17"]), ("hello_world", [])):
        assert gateway.send_template(ANA, name, parameters=parameters).status_code == 200
    assert gateway.record(gateway.send_template(ANA, "order_ready", parameters=["x"]))["message"]["category"] == "utility"


def test_a_token_the_platform_does_not_know_opens_nothing(ready, sandbox):
    for token in ("wrong", rig.TOKEN + "x", rig.TOKEN[:-1]):
        answer = ready.send_template(ANA, "spring_sale", parameters=["Ana"], token=token)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == 190
    answer = ready.send_template(ANA, "spring_sale", parameters=["Ana"], token=None)
    assert answer.json()["error"]["code"] == 2500
    answer = ready.send_template(ANA, "spring_sale", sender="999", parameters=["Ana"])
    assert answer.status_code == 400
    assert sandbox.ledger() == []


def test_an_unknown_name_or_language_is_refused(ready, sandbox):
    for name, language in (("spring_sail", "en_US"), ("spring_sale", "pt_BR"), ("Spring_Sale", "en_US"), ("", "en_US")):
        code, details = refusal(ready.send_template(ANA, name, language))
        assert code in (132001, 100), (name, language)
    assert refusal(ready.send_template(ANA, "spring_sail"))[1].startswith("rule template.unknown")
    assert sandbox.ledger() == []


def body(*texts, **named):
    return {"type": "body", "parameters": [{"type": "text", "text": t} for t in texts] + [{"type": "text", "parameter_name": k, "text": v} for k, v in named.items()]}


IMAGE = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.com/a.png"}}]}
PARAMETERS = {  # what: (template, components, code or None where it passes)
    "none of one": ("spring_sale", [], 132000),
    "one of one": ("spring_sale", [body("Ana")], None),
    "two of one": ("spring_sale", [body("Ana", "Bela")], 132000),
    "one of none": ("hello_world", [body("Ana")], 132000),
    "empty list of none": ("hello_world", [], None),
    "names where names are due": ("order_update", [body(first_name="Ana", order="A-17")], None),
    "another name": ("order_update", [body(first_name="Ana", parcel="A-17")], (132000, 132012)),
    "one name missing": ("order_update", [body(first_name="Ana")], 132000),
    "a picture where one is due": ("spring_sale_image", [IMAGE, body("Ana")], None),
    "no picture where one is due": ("spring_sale_image", [body("Ana")], (132000, 132012)),
    "text where a picture is due": ("spring_sale_image", [{"type": "header", "parameters": [{"type": "text", "text": "x"}]}, body("Ana")], 132012),
    "a line break": ("spring_sale", [body("Ana\nBela")], (100, 132018)),
    "a tab": ("spring_sale", [body("Ana\tBela")], (100, 132018)),
    "five spaces": ("spring_sale", [body("Ana     Bela")], (100, 132018)),
    "four spaces": ("spring_sale", [body("Ana    Bela")], None),
}


def test_parameters_are_counted_before_they_leave(ready, sandbox):
    for what, (name, components, wanted) in PARAMETERS.items():
        before = len(sandbox.ledger())
        answer = ready.send(ANA, type="template", template={"name": name, "language": {"code": "en_US"}, "components": components})
        if wanted is None:
            assert answer.status_code == 200, (what, answer.text)
        else:
            code, details = refusal(answer)
            assert code in (wanted if isinstance(wanted, tuple) else (wanted,)), (what, code, details)
            assert details.startswith("rule template."), what
        assert len(sandbox.ledger()) - before == (wanted is None), what


def test_a_paused_template_waits_and_comes_back(ready, sandbox):
    def event(name, **more):
        sandbox.call("POST", "inbound", {"template": {"name": "spring_sale", "event": name, **more}})

    assert refusal(ready.send_template(ANA, "paused_promo"))[0] == 132015
    assert ready.send_template(ANA, "spring_sale", parameters=["Ana"]).status_code == 200
    for name, wanted in (("PAUSED", 132015), ("APPROVED", None), ("DISABLED", 132016), ("APPROVED", None), ("REJECTED", 132001)):
        time.sleep(1.1)  # webhooks count whole seconds, and of two words of one second the stricter holds
        event(name)
        rig.until(f"{name} is obeyed", lambda w=wanted: (lambda r: r.status_code == 200 if w is None else r.status_code == 400 and r.json()["error"]["code"] == w)(
            ready.send_template(ANA, "spring_sale", parameters=["Ana"])))
    assert ready.send_template(ANA, "order_ready", parameters=["A-17"]).status_code == 200


def test_a_template_made_through_the_gateway_can_be_used_as_soon_as_it_is_approved(ready, sandbox):
    sandbox.call("POST", "webhook", {"template_review_ms": 0})
    assert ready.send_template(ANA, "hello_world").status_code == 200
    assert refusal(ready.send_template(ANA, "new_offer", parameters=["parcel"]))[0] == 132001
    made = ready.post(f"/v23.0/{rig.WABA}/message_templates", NEW)
    assert made.status_code == 200, made.text
    assert ready.send_template(ANA, "new_offer", parameters=["parcel"]).status_code == 200


def test_a_template_under_review_is_not_sent_and_its_approval_is_obeyed(ready, sandbox):
    sandbox.call("POST", "webhook", {"template_review_ms": 700 * rig.SLOW})
    assert ready.send_template(ANA, "hello_world").status_code == 200
    assert ready.post(f"/v23.0/{rig.WABA}/message_templates", NEW).json()["status"] == "PENDING"
    assert refusal(ready.send_template(ANA, "new_offer", parameters=["parcel"]))[0] == 132001
    assert sandbox.ledger()[1:] == []
    rig.until("its approval is known", lambda: ready.send_template(ANA, "new_offer", parameters=["parcel"]).status_code == 200)


def test_a_template_made_elsewhere_is_found_when_it_is_asked_for(start, sandbox, tmp_path):
    clock = rig.WallClock(tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    sandbox.call("POST", "webhook", {"template_review_ms": 0, "mode": "drop"})
    gateway.grant(ANA, scope="all")
    assert gateway.send_template(ANA, "hello_world").status_code == 200
    made = requests.post(f"{sandbox.url}/v23.0/{rig.WABA}/message_templates", json=NEW, headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10)
    assert made.status_code == 200
    clock.set(6)  # a list is not asked for more often than every five seconds
    assert gateway.send_template(ANA, "new_offer", parameters=["parcel"]).status_code == 200


def test_a_deleted_template_is_not_sent(ready, sandbox):
    sandbox.call("POST", "webhook", {"template_review_ms": 0})
    assert ready.post(f"/v23.0/{rig.WABA}/message_templates", NEW).status_code == 200
    assert ready.send_template(ANA, "new_offer", parameters=["parcel"]).status_code == 200
    assert ready.request("DELETE", f"/v23.0/{rig.WABA}/message_templates?name=new_offer").status_code == 200
    answer = ready.send_template(ANA, "new_offer", parameters=["parcel"])
    assert answer.json()["error"]["code"] == 132001
    assert len(sandbox.ledger()) == 1


def test_marketing_messages_is_a_way_for_marketing_only_and_judged_like_the_other(ready, sandbox):
    nobody = "+" + rig.STRANGER
    assert refusal(ready.send_template(nobody, "spring_sale", parameters=["x"], edge="marketing_messages"))[0] == 131050
    assert sandbox.ledger() == []
    assert ready.send_template(ANA, "spring_sale", parameters=["Ana"], edge="marketing_messages", message_activity_sharing=True).status_code == 200
    [entry] = sandbox.ledger()
    assert entry["path"].endswith("/marketing_messages")
    assert '"message_activity_sharing": true' in entry["body"]
    answer = ready.send_template(ANA, "order_ready", parameters=["A-17"], edge="marketing_messages")
    assert answer.status_code == 400
    assert len(sandbox.ledger()) == 1


def test_the_category_that_counts_is_the_accounts_not_the_clients(ready, sandbox):
    """A marketing template is marketing whatever the request calls it."""
    bela = "+" + rig.PEOPLE[1]
    ready.grant(bela, scope="utility")
    answer = ready.send_template(bela, "spring_sale", parameters=["x"], category="utility")
    assert refusal(answer)[0] == 131050
    assert ready.record(answer)["message"]["category"] == "marketing"
    assert ready.send_template(bela, "order_ready", parameters=["A-17"]).status_code == 200
