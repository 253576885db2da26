# SPDX-License-Identifier: Apache-2.0
"""Reading what Meta does not push: all of it, politely, without one field or one number taking the others with it, and never
over what a webhook said later."""

import pytest
import requests
import rig

AUTHORISED = {"Authorization": f"Bearer {rig.TOKEN}"}


@pytest.fixture
def front(sandbox):
    f = rig.Front(sandbox.url)
    yield f
    f.stop()


def reads(front, part):
    return [path for path, _ in front.gets if part in path]


def metric(gateway, name):
    return sum(float(line.split()[-1]) for line in gateway.get("/metrics", token=None).text.splitlines() if line.startswith(name))


def make_templates(sandbox, n, first=0):
    for i in range(first, first + n):
        requests.post(f"{sandbox.url}/v23.0/{rig.WABA}/message_templates", headers=AUTHORISED, timeout=10, json={
            "name": f"many_{i:04}", "language": "en_US", "category": "UTILITY", "components": [{"type": "BODY", "text": "Ready."}]}).raise_for_status()


def statuses(gateway, where="1"):
    return dict(gateway.query(f"SELECT name, status FROM template WHERE {where}"))


APPROVED, PAUSED, DELETED = 1, 4, 9


def test_all_pages_are_read_and_what_left_the_list_is_gone(start, sandbox, front, tmp_path):
    make_templates(sandbox, 230)
    gateway = start(rig.Gateway, tmp_path, front.url)
    rig.until("all are known", lambda: len(statuses(gateway, "name LIKE 'many_%'")) == 230)
    assert len(reads(front, "message_templates")) == 3
    requests.delete(f"{sandbox.url}/v23.0/{rig.WABA}/message_templates", params={"name": "many_0007"}, headers=AUTHORISED, timeout=10).raise_for_status()
    gateway.stop()
    gateway = start(rig.Gateway, tmp_path, front.url)
    rig.until("it is gone", lambda: statuses(gateway, "name = 'many_0007'") == {"many_0007": DELETED})
    assert sum(status == DELETED for status in statuses(gateway).values()) == 1


def test_many_numbers_are_no_burst_and_their_account_is_read_once(start, tmp_path):
    numbers = [str(1000 + i) for i in range(20)]
    options = [option for n in numbers for option in ("--number", f"{n}=+1555000{n}")]
    sandbox = start(rig.Sandbox, tmp_path, options=options)
    front = rig.Front(sandbox.url)
    try:
        senders = [{"id": n, "waba": int(rig.WABA), "token_file": "sender.token"} for n in numbers]
        gateway = start(rig.Gateway, tmp_path, front.url, senders=senders)
        gateway.polled(len(numbers) + 1)
        assert front.most <= 2
        assert len(reads(front, "message_templates")) == len(reads(front, f"/{rig.WABA}?fields")) == 1
        assert sorted(path[1:5] for path in reads(front, "?fields") if rig.WABA not in path) == numbers
        assert metric(gateway, "wayleave_poll_failures_total") == 0
        assert gateway.query("SELECT COUNT(*) FROM sender WHERE status = 1 AND health = 1 AND name_status = 'APPROVED'") == [(len(numbers),)]
        assert len([line for line in gateway.get("/metrics", token=None).text.splitlines() if line.startswith("wayleave_number_reading_age_seconds{")]) == len(numbers)
    finally:
        front.stop()


@pytest.mark.parametrize("fault, held_up", [("code=4", True), ("code=17", True), ("status=429", True), ("drop", True), ("status=500", False), ("code=10", False)])
def test_a_reading_that_fails_is_not_repeated_at_once(start, sandbox, front, tmp_path, fault, held_up):
    sandbox.fault(fault, times=100, path=f"/{rig.SENDER}", method="GET")
    gateway = start(rig.Gateway, tmp_path, front.url)
    rig.until("it failed", lambda: f"number {rig.SENDER} cannot be read" in gateway.output())
    assert "asked again in 1 minutes" in gateway.output() or "asked again in 2 minutes" in gateway.output()
    if held_up:  # everything that is read with this token waits
        sandbox.inbound(rig.PEOPLE[0])
        assert metric(gateway, "wayleave_polls_total") == 1
    else:
        gateway.polled(3)
        rig.until("the other one is known", lambda: gateway.query(f"SELECT status FROM sender WHERE id = {rig.OTHER_SENDER}") == [(1,)])
    assert len({path for path in reads(front, f"/{rig.SENDER}?") if "username" in path}) == len([path for path in reads(front, f"/{rig.SENDER}?") if "username" in path]) == 1


def test_a_limit_of_the_account_stops_its_numbers_and_no_send(start, sandbox, front, tmp_path):
    senders = [{"id": s, "waba": int(rig.WABA), "token_file": "sender.token"} for s in (rig.SENDER, rig.OTHER_SENDER)]
    sandbox.fault("code=80008", times=100, path=f"/{rig.WABA}/message_templates", method="GET")
    gateway = start(rig.Gateway, tmp_path, front.url, senders=senders)
    sandbox.webhooks_to(gateway.url + "/webhook")
    rig.until("it failed", lambda: f"account {rig.WABA} cannot be read" in gateway.output())
    sandbox.inbound(rig.PEOPLE[0])
    rig.until("an answer is sent", lambda: gateway.send("+" + rig.PEOPLE[0]).status_code == 200)
    before = len(reads(front, "message_templates"))
    for _ in range(5):
        gateway.send("+" + rig.PEOPLE[0])
    assert len(reads(front, "message_templates")) == before


def test_a_refused_token_is_shown_once_and_a_new_one_at_once(start, sandbox, front, tmp_path):
    gateway = start(rig.Gateway, tmp_path, front.url)
    gateway.polled(3)
    gateway.stop()
    front.gets.clear()
    (tmp_path / "old").mkdir()
    config = gateway.config.read_text().replace("token_file: sender.token", "token_file: old/token")
    (tmp_path / "old" / "token").write_text("a token of last year")
    (tmp_path / "old" / "token").chmod(0o600)
    gateway.config.write_text(config)

    class Again(rig.Gateway):
        """The same with the configuration as it stands."""

        def __init__(self, folder):
            self.port, self.url, self.config = gateway.port, gateway.url, gateway.config
            rig.Process.__init__(self, "gateway", ["serve", "--config", self.config], folder)
            self.wait_ready(self.url + "/readyz")

    again = start(Again, tmp_path)
    rig.until("it was refused", lambda: "Meta refuses the token" in again.output())
    assert "not shown again for" in again.output() and "a token of last year" not in again.output()
    assert metric(again, "wayleave_polls_total") == len([1 for _, token in front.gets if token == "a token of last year"]) <= 2
    (tmp_path / "old" / "token").write_text(rig.TOKEN)
    rig.until("the new one is taken", lambda: metric(again, "wayleave_polls_total") - metric(again, "wayleave_poll_failures_total") >= 3, 15)
    assert len([1 for _, token in front.gets if token == "a token of last year"]) <= 2


def test_fields_that_are_refused_take_no_others_with_them(start, sandbox, front, tmp_path):
    sandbox.call("POST", "answers", {"unreadable": "username,health_status,quality_score"})
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "quality_rating": "YELLOW", "throughput": "STANDARD", "limit": "TIER_2K"})
    gateway = start(rig.Gateway, tmp_path, front.url)
    gateway.polled(3)
    assert metric(gateway, "wayleave_poll_failures_total") == 0
    assert gateway.query(f"SELECT status, quality, per_second, name_status, health FROM sender WHERE id = {rig.SENDER}") == [(1, "YELLOW", 80, "APPROVED", 0)]
    assert gateway.query("SELECT portfolio, name, health FROM account") == [(3000, "Sandbox Business", 0)]
    assert statuses(gateway)["order_ready"] == APPROVED


def test_what_a_webhook_said_since_stands(start, sandbox, tmp_path):
    sandbox.fault("delay=1500", path=f"/{rig.SENDER}", method="GET")
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook")
    sandbox.call("POST", "inbound", {"change": {"field": "phone_number_quality_update", "value": {"display_phone_number": "15550001000", "event": "FLAGGED", "current_limit": "TIER_10K"}}})
    gateway.polled(3)
    quality = lambda: gateway.query(f"SELECT quality FROM sender WHERE id = {rig.SENDER}")  # noqa: E731
    gateway.wait_applied()
    assert quality() in ([("RED",)], [("GREEN",)])  # of a number that was not known the word finds nobody
    sandbox.fault("delay=1500", path=f"/{rig.SENDER}", method="GET")
    gateway.stop()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    rig.until("it is being read", lambda: not sandbox.call("GET", "faults")["data"])
    sandbox.call("POST", "inbound", {"change": {"field": "phone_number_quality_update", "value": {"display_phone_number": "15550001000", "event": "FLAGGED", "current_limit": "TIER_10K"}}})
    rig.until("the word is known", lambda: quality() == [("RED",)])
    gateway.polled(3)
    assert quality() == [("RED",)]


def test_a_change_is_looked_at_once_however_often_it_is_told(start, sandbox, front, tmp_path):
    gateway = start(rig.Gateway, tmp_path, front.url)
    sandbox.webhooks_to(gateway.url + "/webhook")
    gateway.polled(3)
    before = len(reads(front, "message_templates"))
    sandbox.call("POST", "webhook", {"mode": "hold"})
    make_templates(sandbox, 1)
    for i in range(8):
        sandbox.call("POST", "inbound", {"change": {"field": "message_template_components_update", "value": {
            "message_template_id": 1 + i, "message_template_name": "order_ready", "message_template_language": "en_US", "message_template_element": f"Ready {i}."}}})
    sandbox.call("POST", "webhook", {"mode": "normal"})  # one after the other, in no time
    rig.until("the list was read again", lambda: "many_0000" in statuses(gateway, "listed_at > 0"))
    sandbox.all_told()
    gateway.wait_applied()
    gateway.polled(4)
    assert len(reads(front, "message_templates")) == before + 1
    assert metric(gateway, "wayleave_polls_total") == 4  # the numbers had nothing to do with it


def test_somebody_asks_for_it_now(start, sandbox, front, tmp_path):
    gateway = start(rig.Gateway, tmp_path, front.url)
    gateway.polled(3)
    make_templates(sandbox, 1)
    status, body = gateway.admin("POST", "/templates/sync", {})
    assert status in (200, 202), body
    rig.until("it was read", lambda: statuses(gateway, "name = 'many_0000'"))
    status, body = gateway.admin("POST", "/templates/sync", {"account": "987654321"})
    assert status == 404, body
