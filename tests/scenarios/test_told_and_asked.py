# SPDX-License-Identifier: Apache-2.0
"""What the platform tells by webhook and what it answers when asked is one picture: a gateway that only heard of it and one
that only asked hold the same."""

import rig

EVENTS = [
    {"field": "message_template_status_update", "name": "PAUSED", "template": "spring_sale"},
    {"field": "message_template_status_update", "name": "DISABLED", "template": "spring_sale_image"},
    {"field": "message_template_status_update", "name": "APPROVED", "template": "paused_promo"},
    {"field": "message_template_quality_update", "name": "RED", "template": "order_ready"},
    {"field": "message_template_quality_update", "name": "YELLOW", "template": "login_code"},
    {"field": "template_category_update", "name": "changed", "template": "order_update"},
    {"field": "phone_number_quality_update", "name": "FLAGGED", "phone_number_id": rig.OTHER_SENDER, "value": {"current_limit": None}},
    {"field": "phone_number_name_update", "name": "APPROVED", "value": {"requested_verified_name": "Ana's Shop"}},
    {"field": "phone_number_name_update", "name": "REJECTED", "phone_number_id": rig.OTHER_SENDER},
    {"field": "business_username_updates", "name": "approved", "value": {"username": "anas.shop"}},
    {"field": "business_capability_update", "name": "TIER_2K"},
]


def picture(gateway):
    return {
        "templates": sorted(gateway.query("SELECT name, language, status, category, quality FROM template")),
        "numbers": sorted(gateway.query("SELECT id, quality, per_second, verified_name, name_status, username FROM sender")),
        "accounts": sorted(gateway.query("SELECT waba, people_a_day, state FROM account")),
    }


def test_who_heard_and_who_asked_know_the_same(start, sandbox, tmp_path):
    for name in ("heard", "asked"):
        (tmp_path / name).mkdir()
    heard = start(rig.Gateway, tmp_path / "heard", sandbox.url)
    sandbox.webhooks_to(heard.url + "/webhook")
    heard.grant("+" + rig.PEOPLE[0], scope="all")
    assert heard.send_template("+" + rig.PEOPLE[0], "order_ready", parameters=["A-1"]).status_code == 200  # the list was read before
    heard.polled(3)
    before = picture(heard)
    sandbox.call("POST", "webhook", {"mode": "hold"})
    for event in EVENTS:
        sandbox.call("POST", "event", event)
    sandbox.call("POST", "webhook", {"mode": "shuffle, duplicate, merge"})
    sandbox.all_told()
    heard.wait_applied()
    told = picture(heard)
    assert all(told[key] != before[key] for key in before)

    asked = start(rig.Gateway, tmp_path / "asked", sandbox.url)
    asked.grant("+" + rig.PEOPLE[0], scope="all")
    assert asked.send_template("+" + rig.PEOPLE[0], "hello_world").status_code == 200
    asked.polled(3)
    assert picture(asked) == told
