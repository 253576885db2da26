# SPDX-License-Identifier: Apache-2.0
"""How much marketing one person gets is counted exactly: over all numbers, however many ask at once, and over a kill."""

import itertools
import threading
from datetime import datetime, timedelta, timezone

import pytest
import rig
from policies import cap, gateway_with, no_duplicates, refusal

ANA, BELA = "+" + rig.PEOPLE[0], "+" + rig.PEOPLE[1]
DAY = 86400


def sale(gateway, to, name="Ana", **more):
    return gateway.send_template(to, "spring_sale", parameters=[name], **more)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def accepted(sandbox, to):
    return len(sandbox.ledger(to=to.lstrip("+")))


@pytest.fixture
def shop(start, sandbox, tmp_path):
    """At most two marketing messages a day to a person; Ana and Bela agreed to everything."""
    g = gateway_with(start, sandbox, tmp_path, cap(2, "24h", DAY))
    for who in (ANA, BELA):
        g.grant(who, scope="all")
    return g


def test_the_third_of_a_day_is_held_until_the_first_is_a_day_old(shop, sandbox):
    began = datetime.now(timezone.utc)
    assert sale(shop, ANA).status_code == 200
    assert sale(shop, ANA, sender=rig.OTHER_SENDER).status_code == 200
    answer = sale(shop, ANA)
    code, details, findings = refusal(answer)
    assert code == 131049
    until = moment(findings["cap.marketing"]["until"])
    assert began + timedelta(days=1) <= until <= datetime.now(timezone.utc) + timedelta(days=1, seconds=1)
    assert f"Held until {findings['cap.marketing']['until']}" in details
    assert DAY - 30 * rig.SLOW < int(answer.headers["Retry-After"]) <= DAY + 1
    assert shop.record(answer)["decision"]["facts"]["marketing.sent.2"] == findings["cap.marketing"]["facts"]["marketing.sent.2"]
    assert sale(shop, BELA).status_code == 200, "another person's day is another day"
    assert shop.send_template(ANA, "order_ready", parameters=["A-17"]).status_code == 200, "an order is no marketing"
    assert accepted(sandbox, ANA) == 3


@pytest.mark.threads
def test_two_of_two_hundred_at_once(shop, sandbox):
    answers, lock = [], threading.Lock()
    assert sale(shop, BELA).status_code == 200  # the token is known

    def client(i):
        answer = sale(shop, ANA, str(i), sender=(rig.SENDER, rig.OTHER_SENDER)[i % 2], timeout=60)
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(answers) == 200
    assert sorted(a.status_code for a in answers) == [200] * 2 + [400] * 198
    assert accepted(sandbox, ANA) == 2
    for answer in answers:
        if answer.status_code == 400:
            assert "cap.marketing" in refusal(answer)[2]


def test_a_kill_forgets_nothing(start, shop, sandbox, tmp_path):
    assert sale(shop, ANA).status_code == 200
    shop.kill()
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"rules.policy": ["policy.yaml"]})
    assert sale(g, ANA).status_code == 200
    g.kill()
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"rules.policy": ["policy.yaml"]})
    assert refusal(sale(g, ANA))[0] == 131049
    assert accepted(sandbox, ANA) == 2


def test_a_cap_ends(start, sandbox, tmp_path):
    clock = rig.WallClock(tmp_path)
    g = gateway_with(start, sandbox, tmp_path, cap(1, "60s", 60), hold_budget="0s", env=clock.env)
    g.grant(ANA)
    assert sale(g, ANA).status_code == 200
    assert refusal(sale(g, ANA))[0] == 131049
    clock.set(61)  # to the second, rounded up
    assert sale(g, ANA).status_code == 200


def test_a_template_paused_while_a_message_waits_is_not_sent(start, sandbox, tmp_path):
    """What was known when the message came is asked again when its time has come."""
    g = gateway_with(start, sandbox, tmp_path, cap(1, "6s", 6), hold_budget="20s")
    g.grant(ANA)
    assert sale(g, ANA).status_code == 200
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(sale(g, ANA)))
    sandbox.all_told()
    before = g.metric("requests_total")
    waiting.start()
    asked = itertools.count(2)  # each look is a request itself
    rig.until("it has come in", lambda: g.metric("requests_total") - before >= next(asked))
    sandbox.call("POST", "inbound", {"template": {"name": "spring_sale", "event": "PAUSED"}})
    sandbox.all_told()
    g.wait_applied()
    assert not answers, "it waits"
    waiting.join()
    assert refusal(answers[0])[0] == 132015
    assert accepted(sandbox, ANA) == 1


def test_what_was_refused_did_not_count(shop, sandbox):
    assert shop.send_template(ANA, "spring_sale", parameters=[]).status_code == 400  # the name is missing
    assert shop.send_template(ANA, "no_such_sale").status_code == 400
    assert sale(shop, ANA).status_code == 200
    assert sale(shop, ANA).status_code == 200
    assert refusal(sale(shop, ANA))[0] == 131049


def test_two_who_turn_out_to_be_one_had_both_their_messages(shop, sandbox):
    """Bela wrote with a user id we knew by itself; what either name got, she got."""
    user = "GB.13491208655302"
    shop.grant(user)
    assert sale(shop, BELA).status_code == 200
    answer = shop.send_template(None, "spring_sale", parameters=["Bela"])
    assert answer.status_code == 400  # nobody named
    sandbox.inbound(BELA.lstrip("+"), "hello", user_id=user)
    sandbox.all_told()
    shop.wait_applied()
    assert sale(shop, BELA).status_code == 200
    assert refusal(sale(shop, BELA))[0] == 131049


@pytest.mark.parametrize("code", [131049, 130472])
def test_what_meta_held_back_is_left_alone(gateway, sandbox, code):
    gateway.grant(ANA, scope="all")
    sandbox.fault(f"code={code}", times=1, path="/111/messages")
    assert sale(gateway, ANA).json()["error"]["code"] == code
    answer = sale(gateway, ANA)
    rule = {131049: "cooldown.engagement", 130472: "recipient.experiment"}[code]
    assert rule in refusal(answer)[2]
    assert gateway.send_template(ANA, "order_ready", parameters=["A-17"]).status_code == 200
    assert accepted(sandbox, ANA) == 1


def test_an_account_that_cannot_pay_waits(gateway, sandbox):
    for who in (ANA, BELA):
        gateway.grant(who, scope="all")
    sandbox.fault("code=131042", times=1, path="/111/messages")
    assert sale(gateway, ANA).json()["error"]["code"] == 131042
    rig.until("the account is known not to pay", lambda: sale(gateway, BELA).status_code == 400)
    code, _, findings = refusal(sale(gateway, BELA))
    assert code == 131042 and "account.payment" in findings
    assert accepted(sandbox, ANA) == 0


def test_the_caller_may_say_what_the_message_was_planned_as(gateway, sandbox):
    gateway.grant(ANA, scope="all")
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "template", "template": {"name": "spring_sale", "language": {"code": "en_US"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]}}

    def post(word):
        return gateway.post(f"/v23.0/{rig.SENDER}/messages", body, headers={"Wayleave-Category": word})

    assert "template.category_changed" in refusal(post("utility"))[2]
    assert post("Marketing").status_code == 200
    wrong = post("advertising")
    assert wrong.status_code == 400 and "Wayleave-Category" in wrong.json()["error"]["message"]
    own = {**body, "from": rig.SENDER, "expected_category": "utility"}
    status, answer = gateway.admin("POST", "/messages", own)
    assert status == 403 and any(f["rule"] == "template.category_changed" for f in answer["decision"]["findings"])
    assert gateway.admin("POST", "/messages", {**own, "expected_category": "marketing"})[0] == 200
    status, answer = gateway.admin("POST", "/messages", {**own, "expected_category": "advertising"})
    assert status == 400 and answer["error"]["field"] == "expected_category"
    assert gateway.admin("POST", "/messages", {**own, "expected_category": 3})[1]["error"]["field"] == "expected_category"
    assert all("expected_category" not in str(m) for m in sandbox.ledger())


@pytest.fixture
def small(start, sandbox, tmp_path):
    """A gateway whose portfolio may reach 250 people a day."""
    sandbox.call("POST", "standing", {"limit": "TIER_250"})
    g = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(g.url + "/webhook")
    return g


def test_the_portfolio_counts_people_outside_windows(small, sandbox):
    """Whom the account may reach in a day is counted once each; who wrote to us does not count."""
    people = small.people(4)
    sandbox.inbound(people[3].lstrip("+"))
    rig.until("the message has come in", lambda: (small.person(people[3]) or {}).get("windows"))
    facts = [small.record(sale(small, who))["decision"]["facts"] for who in (people[0], people[0], people[1], people[3], people[2])]
    assert [f["portfolio.counted"] for f in facts] == ["false", "true", "false", "true", "false"]
    assert [f["portfolio.used"] for f in facts] == ["0", "4", "4", "8", "8"], "permille of 250"
    assert small.query("SELECT COUNT(*) FROM reach") == [(3,)]


def test_marketing_leaves_a_reserve_of_the_portfolio(start, small, sandbox, tmp_path):
    people = small.people(230, scope="all")
    assert sale(small, people[0]).status_code == 200
    statuses = {}

    def client(first):
        for who in people[first:225:8]:
            statuses[who] = sale(small, who, timeout=60).status_code

    threads = [threading.Thread(target=client, args=(i,)) for i in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(statuses.values()) == {200} and len(statuses) == 224
    code, _, findings = refusal(sale(small, people[225]))
    assert code == 131048 and "portfolio.unique.marketing" in findings
    assert small.send_template(people[225], "order_ready", parameters=["A-17"]).status_code == 200
    assert sale(small, people[225]).status_code == 200, "who is counted already costs no place"
    small.kill()
    again = start(rig.Gateway, tmp_path, sandbox.url)
    assert "portfolio.unique.marketing" in refusal(sale(again, people[226]))[2]


# --- what reached nobody, and people counted before anybody knew for whom -------------------------------------------


def paces(gateway):
    """By how much the messages to each person are ahead of their pace, ms."""
    return [ahead for (ahead,) in gateway.query("SELECT tat - last_out FROM pair ORDER BY 1")]


def test_what_never_left_may_be_sent_again(start, sandbox, tmp_path):
    """The answer says so: cap, duplicates, the pace with the person and the portfolio's place are as if it had not been."""
    sandbox.call("POST", "standing", {"limit": "TIER_250"})
    (tmp_path / "gateway").mkdir()
    g = gateway_with(start, sandbox, tmp_path / "gateway", cap(2, "24h", DAY), no_duplicates())
    for who in (ANA, BELA):
        g.grant(who, scope="all")
    assert sale(g, BELA).status_code == 200
    g.polled(3)  # the platform that comes back knows another limit, and is not asked for it
    sandbox.kill()
    for _ in range(5):
        answer = sale(g, ANA)
        assert answer.status_code == 503 and "may be sent again" in answer.json()["error"]["error_data"]["details"]
    assert g.query("SELECT COUNT(*) FROM reach") == [(1,)], "Bela's"
    assert paces(g) == [0, 6000]
    (tmp_path / "again").mkdir()
    again = start(rig.Sandbox, tmp_path / "again", port=sandbox.port)
    answer = sale(g, ANA)
    assert answer.status_code == 200, answer.text
    facts = g.record(answer)["decision"]["facts"]
    assert facts["marketing.sent.1"] == "never" and facts["portfolio.used"] == "4" and facts["portfolio.counted"] == "false"
    assert "shop.duplicate.same" in refusal(sale(g, ANA))[2]
    assert accepted(again, ANA) == 1


def test_what_meta_refused_did_not_count(start, shop, sandbox):
    assert sale(shop, ANA, "one").status_code == 200
    for _ in range(3):
        sandbox.fault("code=132015", times=1, path="/111/messages")
        assert sale(shop, ANA, "two").json()["error"]["code"] == 132015
    assert paces(shop)[0] > 12000, "the platform may have counted them for the pace"
    sandbox.fault("drop", times=1, path="/111/messages")
    assert sale(shop, ANA, "two").status_code == 504, "nobody knows whether they got it"
    assert "cap.marketing" in refusal(sale(shop, ANA, "three"))[2], "and so it counts"


def test_what_was_not_delivered_did_not_count(start, sandbox, tmp_path):
    """A cap is about what people got; a failure told twice, or of another person's message, gives nothing more back."""
    g = gateway_with(start, sandbox, tmp_path, cap(2, "24h", DAY), no_duplicates())
    for who in (ANA, BELA):
        g.grant(who, scope="all")
    assert sale(g, BELA).status_code == 200
    for _ in range(3):
        sandbox.fault("fail=131053", times=1, path="/111/messages")
        failed = sale(g, ANA)
        assert failed.status_code == 200
        rig.until("the failure is known", lambda: "failed" in str(g.record(failed)))
        rig.until("it counts no more", lambda: g.query("SELECT LENGTH(caps) FROM person ORDER BY id")[0] == (0,))
    assert sale(g, ANA).status_code == 200
    assert "shop.duplicate.same" in refusal(sale(g, ANA))[2]
    assert "shop.duplicate.same" in refusal(sale(g, BELA))[2]


def test_people_count_before_limit_and_owner_are_known(start, sandbox, tmp_path):
    """Meta tells neither at first. When it does, those reached until then have their places."""
    sandbox.call("POST", "answers", {"unreadable": "whatsapp_business_manager_messaging_limit,owner_business_info"})
    numbers = [{"id": s, "waba": rig.WABA, "token_file": "sender.token"} for s in (rig.SENDER, rig.OTHER_SENDER)]
    g = start(rig.Gateway, tmp_path, sandbox.url, senders=numbers)
    sandbox.webhooks_to(g.url + "/webhook")
    rig.until("numbers and templates are read", lambda: g.query("SELECT COUNT(*), (SELECT COUNT(*) > 0 FROM template) FROM sender") == [(2, 1)])
    people = g.people(4, scope="all")
    for who in people[:3]:
        facts = g.record(sale(g, who))["decision"]["facts"]
        assert facts["portfolio.counted"] == "false" and "portfolio.limit" not in facts
    assert g.query("SELECT portfolio, people_a_day FROM account") in ([], [(0, -1)])
    assert g.query("SELECT portfolio FROM portfolio_budget") == [(int(rig.WABA),)]
    sandbox.call("POST", "standing", {"limit": "TIER_250"})
    rig.until("the limit is known", lambda: g.query("SELECT people_a_day FROM account") == [(250,)])
    assert g.record(sale(g, people[0]))["decision"]["facts"]["portfolio.used"] == "12", "permille of 250"

    sandbox.call("POST", "event", {"field": "account_update", "name": "PARTNER_ADDED"})
    rig.until("the owner is known", lambda: g.query("SELECT portfolio FROM account WHERE waba = " + rig.WABA)[0][0] not in (0, int(rig.WABA)))
    facts = g.record(sale(g, people[3]))["decision"]["facts"]
    assert facts["portfolio.used"] == "12" and facts["portfolio.counted"] == "false"
