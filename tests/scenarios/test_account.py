# SPDX-License-Identifier: Apache-2.0
"""The account: what the platform says about it by webhook counts for the next send, until it ends, and not when it is old."""

import time

import pytest
import rig

ANA, BEN = "+" + rig.PEOPLE[0], "+" + rig.PEOPLE[1]
WITHIN = 1 * rig.SLOW  # seconds from the webhook to the first send it refuses


@pytest.fixture
def ready(gateway, sandbox):
    gateway.grant(ANA, scope="all")
    assert gateway.send_template(ANA, "order_ready", parameters=["A-1"]).status_code == 200
    return gateway


def arrived(gateway, sandbox):
    """Until everything the platform had to say was heard and applied."""
    sandbox.all_told()
    gateway.wait_applied()


def change(sandbox, field, **value):
    sandbox.call("POST", "inbound", {"change": {"field": field, "value": value}})


def restriction(*kinds, seconds):
    return {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": f"RESTRICTED_{k}", "expiration": int(time.time()) + seconds} for k in kinds]}


def template(gateway, name="order_ready"):
    return gateway.send_template(ANA, name, parameters=["A-2"])


def refused(what, send, seconds=10):
    """Sends until it is refused, and returns the refusal."""
    answers = []

    def ask():
        answers.append(send())
        return answers[-1].status_code == 400

    rig.until(what, ask, seconds)
    return answers[-1]


def details(answer):
    return answer.json()["error"]["error_data"]["details"]


def test_a_restriction_refuses_the_next_template_and_ends_by_itself(ready, sandbox):
    seconds = 5 * rig.SLOW
    sandbox.inbound(rig.PEOPLE[0])
    arrived(ready, sandbox)
    change(sandbox, "account_update", **restriction("BIZ_INITIATED_MESSAGING", "ADD_PHONE_NUMBER_ACTION", seconds=seconds))
    said = time.time()
    answer = refused("a template is refused", lambda: template(ready), WITHIN / rig.SLOW)
    assert answer.json()["error"]["code"] == 368
    assert details(answer).startswith("rule account.restricted.templates: ")
    for part in (time.strftime("Held until %Y-%m-%dT%H:%M", time.gmtime(said + seconds)), "account.no_templates_until", "Source: WhatsApp Business Platform policy"):
        assert part in details(answer)
    assert ready.send(ANA).status_code == 200  # an answer in an open window is none of it
    rig.until("templates leave again", lambda: template(ready).status_code == 200, 2 * seconds / rig.SLOW)
    assert time.time() >= int(said) + seconds - 2  # a hold of two seconds is waited out


def test_all_messages_may_be_blocked(ready, sandbox):
    sandbox.inbound(rig.PEOPLE[0])
    arrived(ready, sandbox)
    change(sandbox, "account_update", **restriction("BIZ_INITIATED_MESSAGING", "CUSTOMER_INITIATED_MESSAGING", seconds=86400))
    answer = refused("an answer is refused", lambda: ready.send(ANA))
    assert details(answer).startswith("rule account.restricted.messages: ")
    assert "account.restricted.templates" in details(template(ready))


def test_a_block_of_utility_leaves_the_rest(ready, sandbox):
    change(sandbox, "account_update", **restriction("UTILITY_TEMPLATES", seconds=86400))
    answer = refused("utility is refused", lambda: template(ready))
    assert details(answer).startswith("rule account.restricted.utility: ")
    assert template(ready, "spring_sale").status_code == 200


def test_a_block_of_direct_send_leaves_templates(ready, sandbox):
    change(sandbox, "account_update", **restriction("DIRECT_SEND_UTILITY_TEMPLATES", seconds=86400))
    answer = refused("Direct Send is refused", lambda: ready.send(ANA, type="text", text={"body": "Your parcel is here"}, category="utility"))
    assert details(answer).startswith("rule account.restricted.direct: ") and answer.json()["error"]["code"] == 139200
    assert template(ready).status_code == 200


@pytest.mark.parametrize("code, rule", [(131064, "account.misuse"), (131048, "sender.spam")])
def test_what_meta_refuses_for_all_is_not_tried_with_the_next(ready, sandbox, code, rule):
    sandbox.inbound(rig.PEOPLE[0])
    arrived(ready, sandbox)
    sandbox.fault(f"code={code}", times=1, path="/111/messages")
    assert template(ready).json()["error"]["code"] == code
    answer = refused("the next template is held here", lambda: template(ready))
    assert details(answer).startswith(f"rule {rule}: ") and "Held until" in details(answer)
    assert ready.send(ANA).status_code == 200  # who wrote gets an answer, and it proves nothing
    assert details(template(ready)).startswith(f"rule {rule}: ")


def test_without_an_end_until_reinstated(ready, sandbox):
    change(sandbox, "account_update", event="ACCOUNT_RESTRICTION", restriction_info=[{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}])
    answer = refused("a template is refused", lambda: template(ready))
    assert details(answer).startswith("rule account.restricted.lasting: ")
    time.sleep(1.1)  # webhooks count whole seconds
    change(sandbox, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE", "waba_ban_date": "November 3, 2026"})
    rig.until("templates leave again", lambda: template(ready).status_code == 200)


def test_disabled_and_reinstated(ready, sandbox):
    change(sandbox, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "November 3, 2026"})
    change(sandbox, "account_update", event="ACCOUNT_VIOLATION", violation_info={"violation_type": "SCAM"})
    arrived(ready, sandbox)
    assert template(ready).status_code == 200  # a day that is announced has not come
    change(sandbox, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
    answer = refused("a template is refused", lambda: template(ready))
    assert details(answer).startswith("rule account.state: ") and answer.json()["error"]["code"] == 131031
    time.sleep(1.1)
    change(sandbox, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"})
    rig.until("templates leave again", lambda: template(ready).status_code == 200)


def test_an_old_word_does_not_count(ready, sandbox):
    def said(seconds_ago, value):
        entry = {"id": rig.WABA, "time": int(time.time()) - seconds_ago, "changes": [{"field": "account_update", "value": value}]}
        sandbox.call("POST", "inbound", {"raw": {"object": "whatsapp_business_account", "entry": [entry]}})

    said(60, {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}})
    said(90, restriction("BIZ_INITIATED_MESSAGING", seconds=86400))
    arrived(ready, sandbox)
    time.sleep(WITHIN)
    assert template(ready).status_code == 200
    said(30, restriction("BIZ_INITIATED_MESSAGING", seconds=86400))
    rig.until("a template is refused", lambda: template(ready).status_code == 400)


def account(gateway):
    return gateway.query(f"SELECT portfolio, people_a_day FROM account WHERE waba = {rig.WABA}")


def speed(gateway):
    return gateway.query(f"SELECT quality, per_second FROM sender WHERE id = {rig.SENDER}")


def test_limits_are_read_and_kept_up_to_date(ready, sandbox):
    assert account(ready) == [(3000, 0)] and speed(ready) == [("GREEN", 1000)]
    sandbox.call("POST", "standing", {"limit": "TIER_2K"})
    rig.until("the limit is known", lambda: account(ready) == [(3000, 2000)])
    time.sleep(1.1)  # webhooks count whole seconds, and of two words of one second the stricter holds
    change(sandbox, "business_capability_update", max_daily_conversations_per_business=-1, max_phone_numbers_per_waba=25)
    rig.until("there is no limit any more", lambda: account(ready) == [(3000, 0)])
    time.sleep(1.1)
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "throughput": "STANDARD"})
    change(sandbox, "phone_number_quality_update", display_phone_number="15550001000", event="FLAGGED", current_limit="TIER_10K")
    rig.until("the quality is known", lambda: speed(ready) == [("RED", 1000)] and account(ready) == [(3000, 10000)])


def test_what_stands_in_another_way_is_read_by_polling(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "quality_rating": "YELLOW", "throughput": "STANDARD", "limit": "TIER_250"})
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    rig.until("it was read", lambda: speed(gateway) == [("YELLOW", 80)] and account(gateway) == [(3000, 250)])
    sandbox.call("POST", "standing", {"phone_number_id": rig.OTHER_SENDER, "is_on_biz_app": True})
    gateway.grant(BEN, scope="all")
    other = start(rig.Gateway, tmp_path / "other", sandbox.url) if (tmp_path / "other").mkdir() is None else None
    rig.until("a number used on a phone too", lambda: other.query(f"SELECT per_second FROM sender WHERE id = {rig.OTHER_SENDER}") == [(20,)])
