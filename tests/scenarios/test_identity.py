# SPDX-License-Identifier: Apache-2.0
"""One person, many names: phone numbers, business-scoped ids, parent ids, old and new ones. An opt-out given under one
name holds under all of them."""

import json
import time

import rig
from test_webhook import signed

ANA, NEW = rig.PEOPLE[0], rig.PEOPLE[1]
ID, NEW_ID, PARENT = "GB.13491208655302741918", "GB.777000000000001", "GB.ENT.11815799212886844830"


def names(gateway, who):
    return {(i["kind"], i["value"]) for i in gateway.person(who)["identities"]}


def event(gateway, value, field="messages"):
    """Posts one change, signed, and waits until it is applied."""
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": rig.SENDER}, **value}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": [{"field": field, "value": value}]}]}).encode()
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    gateway.wait_applied()


def sale(gateway, to=None, **more):
    return gateway.send_template(to, "spring_sale", parameters=["Ana"], **more)


def code(answer):
    return answer.json()["error"]["code"]


def test_a_person_without_a_number_can_write_and_be_answered(gateway, sandbox):
    assert code(gateway.send(None, recipient=ID, type="text", text={"body": "hello"})) == 131047
    sandbox.call("POST", "inbound", {"user_id": ID, "phone_number_id": rig.SENDER, "text": "hello"})
    rig.until("the window is open", lambda: gateway.send(None, recipient=ID, type="text", text={"body": "hello"}).status_code == 200)
    [entry] = sandbox.ledger()
    assert entry["to"] == ID
    assert names(gateway, ID) == {("user_id", ID)}
    assert code(sale(gateway, recipient=ID)) == 131050
    gateway.grant(ID)
    assert sale(gateway, recipient=ID).status_code == 200
    assert rig.stored(gateway.record(sale(gateway, recipient=ID))["message"]["state"]) == "accepted"


def test_an_id_in_the_wrong_field_is_not_taken_for_a_number(gateway, sandbox):
    answer = gateway.send(ID)
    assert answer.status_code == 400
    assert sandbox.ledger() == []


def test_who_is_known_by_number_and_id_is_one_person(gateway, sandbox):
    gateway.grant("+" + ANA)
    gateway.grant(ID, scope="utility")
    assert gateway.person("+" + ANA)["id"] != gateway.person(ID)["id"]
    sandbox.inbound(ANA, user_id=ID)
    rig.until("they are one", lambda: gateway.person("+" + ANA)["id"] == gateway.person(ID)["id"])
    assert names(gateway, ID) == {("phone", ANA), ("user_id", ID)}
    consent = gateway.person(ID)["consent"]
    assert (consent["marketing"]["status"], consent["utility"]["status"]) == ("granted", "granted")
    assert sale(gateway, recipient=ID).status_code == 200
    status, _ = gateway.admin("POST", "/consent", {"who": ID, "act": "withdraw", "scope": "marketing", "method": "conversation"})
    assert status == 200
    assert code(sale(gateway, "+" + ANA)) == 131050
    assert code(sale(gateway, recipient=ID)) == 131050


def test_an_opt_out_of_one_of_two_names_wins_when_they_turn_out_to_be_one(gateway, sandbox):
    gateway.grant("+" + ANA)
    status, _ = gateway.admin("POST", "/consent", {"who": ID, "act": "withdraw", "scope": "marketing", "method": "conversation"})
    assert status == 200
    assert sale(gateway, "+" + ANA).status_code == 200
    sandbox.inbound(ANA, user_id=ID)
    rig.until("marketing is refused", lambda: sale(gateway, "+" + ANA).status_code == 400)


def test_when_both_are_given_the_number_is_who_counts(gateway, sandbox):
    gateway.grant(ID)
    assert code(sale(gateway, "+" + ANA, recipient=ID)) == 131050
    gateway.grant("+" + ANA)
    assert sale(gateway, "+" + ANA, recipient=ID).status_code == 200
    assert sandbox.ledger()[0]["to"].lstrip("+") == ANA


def test_a_new_number_carries_the_opt_out_over(gateway):
    gateway.grant("+" + ANA)
    gateway.grant("+" + NEW)  # a list had the new number too
    status, _ = gateway.admin("POST", "/consent", {"who": "+" + ANA, "act": "withdraw", "scope": "marketing", "method": "conversation"})
    assert status == 200
    assert sale(gateway, "+" + NEW).status_code == 200
    event(gateway, {"contacts": [{"profile": {"name": "Ana"}, "wa_id": NEW, "user_id": NEW_ID}], "messages": [
        {"from": ANA, "id": "wamid.change", "timestamp": str(int(time.time())), "type": "system",
         "system": {"body": "Ana changed from A to B", "wa_id": NEW, "type": "user_changed_number", "previous_user_id": ID}}]})
    assert names(gateway, "+" + NEW) >= {("phone", ANA), ("phone", NEW)}
    assert gateway.person("+" + NEW)["id"] == gateway.person("+" + ANA)["id"]
    for name in ({"to": "+" + NEW}, {"to": None, "recipient": NEW_ID}, {"to": "+" + ANA}):
        assert code(sale(gateway, **name)) == 131050, name


def test_an_opt_out_of_an_old_id_holds_for_the_new_one(gateway, sandbox):
    sandbox.call("POST", "inbound", {"user_id": ID, "phone_number_id": rig.SENDER, "text": "hello"})
    rig.until("the person is known", lambda: gateway.person(ID))
    gateway.grant(ID)
    sandbox.call("POST", "inbound", {"user_id": ID, "phone_number_id": rig.SENDER, "user_preferences": "stop"})
    rig.until("marketing is refused", lambda: code(sale(gateway, recipient=ID)) == 131050 if sale(gateway, recipient=ID).status_code == 400 else False)
    event(gateway, {"contacts": [{"profile": {"name": "Ana"}, "user_id": NEW_ID}], "messages": [
        {"from_user_id": NEW_ID, "id": "wamid.change", "timestamp": str(int(time.time())), "type": "system",
         "system": {"body": "x", "type": "user_changed_user_id", "user_id": NEW_ID, "previous_user_id": ID}}]})
    assert gateway.person(NEW_ID)["platform_stop"]["stopped"]
    answer = sale(gateway, recipient=NEW_ID)
    assert "consent.platform_stop" in answer.json()["error"]["error_data"]["details"]


def test_the_change_may_be_told_before_the_old_name_was_heard_of(gateway):
    """Webhooks overtake each other: what comes late for the old number is the same person's."""
    event(gateway, {"contacts": [{"profile": {"name": "Ana"}, "wa_id": NEW}], "messages": [
        {"from": ANA, "id": "wamid.change", "timestamp": str(int(time.time())), "type": "system", "system": {"body": "x", "wa_id": NEW, "type": "user_changed_number"}}]})
    event(gateway, {"contacts": [{"profile": {"name": "Ana"}, "wa_id": ANA}], "user_preferences": [
        {"wa_id": ANA, "detail": "x", "category": "marketing_messages", "value": "stop", "timestamp": 1794999999}]}, "user_preferences")
    gateway.grant("+" + NEW)
    assert gateway.person("+" + NEW)["platform_stop"]["stopped"]


def test_the_number_the_platform_answers_with_is_the_same_person(start, sandbox, tmp_path):
    """One writes to +54 11 15..., the platform knows 54 9 11 ... (of Mexico and Brazil both forms are one name from the start)."""
    front = rig.Front(sandbox.url)
    gateway = start(rig.Gateway, tmp_path, front.url)
    asked, known = "54111512345678", "5491112345678"
    gateway.grant("+" + asked)
    front.answer = (200, {"Content-Type": "application/json"}, json.dumps({"messaging_product": "whatsapp", "contacts": [{"input": "+" + asked, "wa_id": known, "user_id": "AR.900001"}],
                                                                          "messages": [{"id": "wamid.argentina"}]}).encode())
    assert sale(gateway, "+" + asked).status_code == 200
    assert names(gateway, "+" + asked) == {("phone", asked), ("phone", known), ("user_id", "AR.900001")}
    event(gateway, {"contacts": [{"profile": {"name": "Ana"}, "wa_id": known}], "user_preferences": [
        {"wa_id": known, "detail": "x", "category": "marketing_messages", "value": "stop", "timestamp": 1794999999}]}, "user_preferences")
    for name in ({"to": "+" + asked}, {"to": "+" + known}, {"to": None, "recipient": "AR.900001"}):
        assert code(sale(gateway, **name)) == 131050, name
    front.stop()


def test_a_window_belongs_to_the_person_and_to_the_number_they_wrote_to(gateway, sandbox):
    sandbox.inbound(ANA, user_id=ID)
    rig.until("the window is open", lambda: gateway.send("+" + ANA).status_code == 200)
    assert gateway.send(None, recipient=ID, type="text", text={"body": "x"}).status_code == 200
    assert code(gateway.send("+" + ANA, sender=rig.OTHER_SENDER)) == 131047


def test_old_news_opens_no_window_and_the_future_no_longer_one(gateway, sandbox):
    sandbox.inbound(ANA, timestamp=int(time.time()) - 25 * 3600)
    rig.until("the person is known", lambda: gateway.person("+" + ANA))
    assert code(gateway.send("+" + ANA)) == 131047
    event(gateway, {"contacts": [{"wa_id": NEW}], "messages": [{"from": NEW, "id": "wamid.f", "timestamp": str(int(time.time()) + 90 * 86400), "type": "text", "text": {"body": "x"}}]})
    [window] = gateway.person("+" + NEW)["windows"]
    assert window["last_inbound"] <= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 5))
