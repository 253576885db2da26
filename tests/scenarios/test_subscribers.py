# SPDX-License-Identifier: Apache-2.0
"""Apps behind the gateway: each gets every webhook it asked for, at its own pace, in order for each message and person, signed
as it expects; and none of them can lose another's, or hold it up."""

import collections
import hashlib
import hmac
import json
import time

import pytest
import rig

PRIVATE = {"webhook.private_subscribers": True}


class App(rig.Receiver):
    """A receiver of webhooks that does what it is told: `does(request)` is a status, or (status, headers), and may take its time."""

    def __init__(self, does=lambda request: 200):
        self.does = does
        super().__init__()

    def answer(self, request):
        request.update(at=time.monotonic(), json=json.loads(request["body"]))
        answer = self.does(request)
        request.update(ended=time.monotonic(), status=answer[0] if isinstance(answer, tuple) else answer)
        return answer

    def taken(self):
        """In the order in which it was done with them."""
        return sorted((r for r in list(self.requests) if 200 <= r.get("status", 0) < 300), key=lambda r: r["ended"])

    def names(self):
        """Of the events it took: ids of messages, with the status."""
        return [name for r in self.taken() for name in events(r["json"])]


@pytest.fixture
def app():
    """app(does) makes one that ends with the test."""
    made = []

    def make(*arguments, **named):
        made.append(App(*arguments, **named))
        return made[-1]

    yield make
    for a in made:
        a.stop()


def message(i, who=rig.PEOPLE[0]):
    return {"from": who, "id": f"wamid.{i}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": "olá \u00fc"}}


def status(i, word, who=rig.PEOPLE[0]):
    return {"id": f"wamid.{i}", "status": word, "timestamp": str(int(time.time())), "recipient_id": who}


def value(sender=rig.SENDER, **more):
    return {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": sender}, **more}


def changes(*pairs, account=rig.WABA):
    return {"object": "whatsapp_business_account", "entry": [{"id": account, "changes": [{"field": f, "value": v} for f, v in pairs]}]}


def messages(*list_, sender=rig.SENDER):
    people = [{"profile": {"name": "Ana"}, "wa_id": who} for who in sorted({m["from"] for m in list_})]
    return changes(("messages", value(sender, contacts=people, messages=list(list_))))


def statuses(*list_):
    return changes(("messages", value(statuses=list(list_))))


def events(body):
    """'wamid.1' for a message, 'wamid.1 read' for a status, the field for anything else."""
    names = []
    for entry in body["entry"]:
        for change in entry["changes"]:
            v = change["value"]
            inside = [m["id"] for m in v.get("messages", [])] + [f"{s['id']} {s['status']}" for s in v.get("statuses", [])]
            names += inside or [change["field"]]
    return names


def signature(body, secret):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(gateway, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(raw, rig.APP_SECRET)}
    answer = gateway.request("POST", "/webhook", headers=headers, data=raw, token=None)
    assert answer.status_code == 200, answer.text


def subscribe(gateway, name, url, **more):
    code, body = gateway.admin("POST", "/subscribers", {"name": name, "url": url, **more})
    assert code in (200, 201), body


def subscriber(gateway, name):
    code, body = gateway.admin("GET", "/subscribers/" + name)
    assert code == 200, body
    return body


def settled(gateway, name):
    """Until it is handed everything that was applied, and that is written down."""
    gateway.wait_applied()
    [(newest,)] = gateway.query("SELECT COALESCE(MAX(seq), 0) FROM inbox")
    far = f"SELECT position, length(pending) FROM subscriber WHERE name = '{name}'"
    rig.until(f"{name} is at the end", lambda: gateway.query(far)[0][0] >= newest and gateway.query(far)[0][1] == 0, 20)


@pytest.fixture
def router(start, sandbox, tmp_path):
    """A gateway whose subscribers may be on this machine."""
    return start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE)


def test_one_event_a_post_signed_as_the_app_expects(router, app):
    own, apps = app(), app()
    subscribe(router, "own", own.url, secret="a secret of its own")
    subscribe(router, "apps", apps.url)
    post(router, messages(message(1), message(2, rig.PEOPLE[1])))
    post(router, statuses(status(7, "sent"), status(7, "delivered"), status(8, "sent", rig.PEOPLE[1])))
    wanted = ["wamid.1", "wamid.2", "wamid.7 delivered", "wamid.7 sent", "wamid.8 sent"]
    for a, secret in ((own, "a secret of its own"), (apps, rig.APP_SECRET)):
        rig.until("five events", lambda a=a: len(a.taken()) == 5)
        assert sorted(a.names()) == wanted
        for r in a.taken():
            assert len(events(r["json"])) == 1
            assert r["headers"]["X-Hub-Signature-256"] == signature(r["body"], secret)
            assert r["headers"]["Content-Type"] == "application/json"
            assert r["headers"]["User-Agent"].startswith("Wayleave/")
            assert r["headers"]["Wayleave-Attempt"] == "1"
        assert len({r["headers"]["Wayleave-Event-Id"] for r in a.taken()}) == 5
        for r in a.taken():  # what the value says beside its events stays
            v = r["json"]["entry"][0]["changes"][0]["value"]
            assert v["metadata"]["phone_number_id"] == rig.SENDER
            if "messages" in v:
                assert [c["wa_id"] for c in v["contacts"]] == [v["messages"][0]["from"]]


def test_bodies_come_as_they_were_sent_byte_for_byte(router, app):
    whole = app()
    subscribe(router, "whole", whole.url, form="bodies")
    raw = (b'{ "object":"whatsapp_business_account","entry" : [{"id":"2000","changes":[{"value":{"metadata":{"phone_number_id":"111"},'
           b'"messages":[{"from":"447700900000","id":"wamid.\\u0041","big":12345678901234567890123,"timestamp":"1","type":"text",'
           b'"text":{"body":"\\ud83d\\ude00 \xc3\xbc"}},{"id":"wamid.B","from":"447700900001"}]},"field":"messages"}]}]}\n')
    post(router, raw)
    rig.until("the body", lambda: whole.taken())
    assert whole.requests[0]["body"] == raw
    assert whole.requests[0]["headers"]["X-Hub-Signature-256"] == signature(raw, rig.APP_SECRET)
    assert "." not in whole.requests[0]["headers"]["Wayleave-Event-Id"]


def test_each_gets_what_it_asked_for(router, app):
    asked = {"failed": {"kinds": ["status"], "statuses": ["failed"]}, "other": {"numbers": [rig.OTHER_SENDER]}, "templates": {"fields": ["message_template_status_update"]}}
    apps = {name: app() for name in (*asked, "all", "whole")}
    for name in (*asked, "all"):
        subscribe(router, name, apps[name].url, filter=asked.get(name))
    subscribe(router, "whole", apps["whole"].url, form="bodies", filter=asked["failed"])
    both = statuses(status(7, "sent"), status(8, "failed"))
    post(router, both)
    post(router, messages(message(1)))
    post(router, messages(message(2), sender=rig.OTHER_SENDER))
    post(router, changes(("message_template_status_update", {"event": "APPROVED", "message_template_id": 1, "message_template_name": "x", "message_template_language": "en_US"})))
    rig.until("all of it", lambda: len(apps["all"].taken()) == 5)
    for name in apps:
        settled(router, name)
    assert apps["failed"].names() == ["wamid.8 failed"]
    assert apps["other"].names() == ["wamid.2"]
    assert apps["templates"].names() == ["message_template_status_update"]
    assert [r["json"] for r in apps["whole"].taken()] == [both]


def test_neither_a_slow_nor_a_dead_one_holds_the_others_up(router, app):
    slow, well = app(lambda request: time.sleep(5) or 200), app()
    subscribe(router, "dead", f"http://127.0.0.1:{rig.free_port()}/")
    subscribe(router, "slow", slow.url, parallel=1)
    subscribe(router, "well", well.url)
    began = time.monotonic()
    for i in range(30):
        post(router, messages(*[message(100 * i + k, rig.PEOPLE[k % 8]) for k in range(10)]))
    rig.until("the one that is well has all", lambda: len(well.taken()) == 300)
    assert time.monotonic() - began < 5 * rig.SLOW  # before the slow one had two
    assert len(slow.taken()) <= 1 * rig.SLOW
    rig.until("the dead one is known to be down", lambda: subscriber(router, "dead")["down_since"])


def test_what_is_told_of_one_message_comes_in_order_and_one_at_a_time(router, app):
    def does(request):
        time.sleep(0.05 if "sent" in events(request["json"])[0] else 0.01)
        return 200

    many = app(does)
    subscribe(router, "many", many.url, parallel=16)
    words = ("sent", "delivered", "read")
    for word in words:
        for at in range(0, 40, 20):
            post(router, statuses(*[status(i, word, f"4477009{i:05}") for i in range(at, at + 20)]))
    rig.until("all of it", lambda: len(many.taken()) == 120)
    told = collections.defaultdict(list)
    for r in sorted(many.taken(), key=lambda r: r["at"]):
        [name] = events(r["json"])
        told[name.split()[0]].append((name.split()[1], r["at"], r["ended"]))
    for name, story in told.items():
        assert [word for word, _, _ in story] == list(words), name
        for (_, _, ended), (_, began, _) in zip(story, story[1:]):
            assert began >= ended, f"{name} was told two things at once"
    spans = sorted((r["at"], r["ended"]) for r in many.taken())
    assert any(later[0] < earlier[1] for earlier, later in zip(spans, spans[1:])), "nothing went side by side"


def test_one_that_is_down_is_probed_and_gets_everything_when_it_is_back(router, app):
    shop = app(lambda request: 503)
    subscribe(router, "shop", shop.url)
    for i in range(20):
        post(router, messages(message(i, rig.PEOPLE[i % 8])))
    rig.until("it is down", lambda: subscriber(router, "shop")["down_since"])
    asked = len(shop.requests)
    time.sleep(1)
    assert len(shop.requests) - asked <= 2  # a probe, not a storm
    shop.does = lambda request: 200
    rig.until("everything", lambda: len(shop.taken()) == 20, 20)
    assert sorted(shop.names()) == sorted(f"wamid.{i}" for i in range(20))
    of = collections.defaultdict(list)
    for r in sorted(shop.requests, key=lambda r: r["at"]):
        of[r["headers"]["Wayleave-Event-Id"]].append(int(r["headers"]["Wayleave-Attempt"]))
    assert len(of) == 20 and all(tries == list(range(1, len(tries) + 1)) for tries in of.values()), of
    rig.until("it is well", lambda: not subscriber(router, "shop")["down_since"])


def test_one_body_that_is_refused_is_not_in_the_way_of_others(router, app):
    picky = app(lambda request: 422 if events(request["json"]) == ["wamid.0"] else 200)
    subscribe(router, "picky", picky.url)
    for i in range(40):
        post(router, messages(message(i, rig.PEOPLE[i % 8])))
    others = {f"wamid.{i}" for i in range(40) if i % 8}  # the person whose message is refused has to wait
    rig.until("the others", lambda: others <= set(picky.names()))
    assert not {f"wamid.{i}" for i in range(0, 40, 8)} & set(picky.names())
    picky.does = lambda request: 200
    rig.until("that one too", lambda: len(picky.taken()) == 40, 20)
    assert [n for n in picky.names() if int(n.split(".")[1]) % 8 == 0] == [f"wamid.{i}" for i in range(0, 40, 8)]


def test_what_was_taken_beyond_one_that_is_refused_does_not_come_again(start, sandbox, tmp_path, app):
    """Whatever happens to the gateway, or to the settings, while one is stuck: that one is tried on, and the rest stays taken."""
    odd = app(lambda request: 400 if events(request["json"]) == ["wamid.0"] else 200)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE)
    subscribe(gateway, "odd", odd.url)
    for i in range(20):
        post(gateway, messages(message(i, f"4477009{i:05}")))

    def only_one_is_stuck():
        """All that came is written down as taken, but for one."""
        [(position, left, newest)] = gateway.query("SELECT position, length(pending), (SELECT MAX(seq) FROM inbox) FROM subscriber")
        return position >= newest and 0 < left < 20

    def more(i):
        post(gateway, messages(message(i, f"4477009{i:05}")))
        rig.until(f"{i} was taken and written down", lambda: f"wamid.{i}" in odd.names() and only_one_is_stuck(), 20)
        tries = len(odd.requests) - len(odd.taken())
        rig.until("the other one is tried on", lambda: len(odd.requests) - len(odd.taken()) > tries, 20)

    more(20)
    gateway.stop()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, **PRIVATE)
    more(21)
    gateway.kill()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, **PRIVATE)
    more(22)
    assert gateway.admin("PATCH", "/subscribers/odd", {"parallel": 3, "filter": {"fields": ["messages"]}})[0] == 200
    more(23)
    assert sorted(odd.names()) == sorted(f"wamid.{i}" for i in range(1, 24)), "each of them once"
    attempts = [int(r["headers"]["Wayleave-Attempt"]) for r in list(odd.requests) if r["status"] == 400]
    assert attempts == sorted(attempts) and attempts[-1] > 4, "counted on through all of it"
    odd.does = lambda request: 200
    rig.until("that one too", lambda: "wamid.0" in odd.names(), 20)


def test_two_apps_of_meta_on_one_account_and_each_subscriber_is_of_one(start, sandbox, tmp_path, app):
    """Both bring everything, in any order; what an app behind us checks with is the secret of its own."""
    secrets = {"first": rig.APP_SECRET, "second": "the second app's secret"}
    apps = [{"id": "1001", "app_secret": secrets["second"]}]
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE, **{"webhook.app_id": "1000", "webhook.apps": apps})
    shops = {}
    for name, of in (("first", None), ("second", "1001")):
        shops[name] = app(lambda r, s=secrets[name]: 200 if r["headers"]["X-Hub-Signature-256"] == signature(r["body"], s) else 401)
        subscribe(gateway, name, shops[name].url, **({"app": of} if of else {}))
    for i in range(20):
        raw = json.dumps(messages(message(i, f"4477009{i:05}"))).encode()
        for name in sorted(secrets, reverse=i % 2 == 1):
            headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(raw, secrets[name])}
            assert gateway.request("POST", "/webhook", headers=headers, data=raw, token=None).status_code == 200
    for name, shop in shops.items():
        rig.until(f"{name} has them", lambda s=shop: len(s.taken()) == 20, 20)
        settled(gateway, name)
        assert len(shop.requests) == 20, "each once, and nothing was refused"


def test_redirects_are_not_followed(router, app):
    elsewhere, moved = app(), app()
    moved.does = lambda request: (302, {"Location": elsewhere.url})
    subscribe(router, "moved", moved.url)
    post(router, messages(message(1)))
    rig.until("two attempts", lambda: len(moved.requests) >= 2)
    assert not elsewhere.requests
    assert "302" in subscriber(router, "moved")["last_error"]


def test_pause_and_resume(router, app):
    shop = app()
    subscribe(router, "shop", shop.url)
    post(router, messages(message(1)))
    settled(router, "shop")
    assert router.admin("POST", "/subscribers/shop/pause")[0] == 200
    rig.until("it is paused", lambda: subscriber(router, "shop")["paused"])
    for i in range(2, 6):
        post(router, messages(message(i)))
    router.wait_applied()
    time.sleep(0.3)
    assert shop.names() == ["wamid.1"]
    assert router.admin("POST", "/subscribers/shop/resume")[0] == 200
    rig.until("the rest", lambda: len(shop.taken()) == 5)
    assert shop.names() == [f"wamid.{i}" for i in range(1, 6)]


def test_a_change_counts_for_what_is_not_on_its_way(router, app):
    old, new = app(), app()
    subscribe(router, "shop", old.url)
    post(router, messages(message(1)))
    settled(router, "shop")
    code, body = router.admin("PATCH", "/subscribers/shop", {"url": new.url, "secret": "another secret", "filter": {"kinds": ["status"]}})
    assert code == 200, body
    post(router, messages(message(2)))
    post(router, statuses(status(3, "sent")))
    settled(router, "shop")
    assert old.names() == ["wamid.1"] and new.names() == ["wamid.3 sent"]
    assert new.requests[0]["headers"]["X-Hub-Signature-256"] == signature(new.requests[0]["body"], "another secret")
    assert router.admin("DELETE", "/subscribers/shop")[0] == 200
    post(router, statuses(status(4, "sent")))
    router.wait_applied()
    time.sleep(0.3)
    assert len(new.requests) == 1


def test_handed_over_again_from_a_time_and_by_name(router, app):
    shop = app()
    subscribe(router, "shop", shop.url)
    for i in range(3):
        post(router, messages(message(i)))
    settled(router, "shop")
    code, body = router.admin("POST", "/webhooks/replay", {"subscriber": "shop", "from": "now-1h"})
    assert code == 200, body
    rig.until("all of it again", lambda: len(shop.taken()) == 6)
    assert shop.names() == ["wamid.0", "wamid.1", "wamid.2"] * 2
    ids = [r["headers"]["Wayleave-Event-Id"] for r in shop.taken()]
    assert ids[:3] == ids[3:]
    rig.until("it is over", lambda: not subscriber(router, "shop")["again"])
    [(middle,)] = router.query("SELECT seq FROM inbox ORDER BY seq LIMIT 1 OFFSET 1")
    code, body = router.admin("POST", "/webhooks/replay", {"subscriber": "shop", "id": str(middle)})
    assert code == 200, body
    rig.until("the one", lambda: len(shop.taken()) == 7)
    rig.until("nothing is left to be tried", lambda: router.query("SELECT COUNT(*) FROM dead_letter") == [(0,)])
    assert shop.names()[6:] == ["wamid.1"]


def test_a_new_one_begins_with_what_comes_or_where_it_is_told(router, app):
    late, all_of_it = app(), app()
    for i in range(3):
        post(router, messages(message(i)))
    router.wait_applied()
    time.sleep(0.01)
    subscribe(router, "late", late.url)
    subscribe(router, "all", all_of_it.url, **{"from": "start"})
    post(router, messages(message(3)))
    settled(router, "late")
    settled(router, "all")
    assert late.names() == ["wamid.3"]
    assert all_of_it.names() == [f"wamid.{i}" for i in range(4)]


def test_a_body_of_a_thousand_events(router, app):
    shop, whole = app(), app()
    subscribe(router, "shop", shop.url, parallel=32)
    subscribe(router, "whole", whole.url, form="bodies")
    body = messages(*[message(i, f"4477009{i:05}") for i in range(1500)])  # more than a window holds
    post(router, body)
    rig.until("all of it", lambda: len(shop.taken()) == 1500, 30)
    assert sorted(shop.names()) == sorted(f"wamid.{i}" for i in range(1500))
    rig.until("the whole", lambda: whole.taken())
    assert whole.requests[0]["json"] == body
    settled(router, "shop")


def test_what_came_before_is_not_handed_on_twice(router, app):
    shop = app()
    subscribe(router, "shop", shop.url)
    body = messages(message(1), message(2))
    post(router, body)
    settled(router, "shop")
    post(router, body)
    post(router, messages(body["entry"][0]["changes"][0]["value"]["messages"][1], message(3)))
    settled(router, "shop")
    assert sorted(shop.names()) == ["wamid.1", "wamid.2", "wamid.3"]


def test_an_app_that_answers_at_once_finds_the_window_open(router, sandbox, app):
    """What is handed on was applied before."""
    answered = []

    def does(request):
        for entry in request["json"]["entry"]:
            for m in entry["changes"][0]["value"].get("messages", []):
                answered.append(router.send("+" + m["from"]).status_code)
        return 200

    bot = app(does)
    sandbox.webhooks_to(router.url + "/webhook")
    subscribe(router, "bot", bot.url, filter={"kinds": ["inbound"]})
    for number in rig.PEOPLE:
        sandbox.inbound(number)
    rig.until("everybody is answered", lambda: len(answered) == len(rig.PEOPLE))
    assert answered == [200] * len(rig.PEOPLE)


def test_power_loss_in_the_middle_loses_nothing(start, sandbox, tmp_path, app):
    shop = app(lambda request: time.sleep(0.02) or 200)
    lives = [start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE)]
    subscribe(lives[0], "shop", shop.url, parallel=4)
    for life in range(3):
        for i in range(15):
            post(lives[-1], messages(*[message(1000 * life + 10 * i + k, f"4477009{k:05}") for k in range(10)]))
        seen = len(shop.taken())
        rig.until("it is in the middle", lambda s=seen: len(shop.taken()) > s + 10)
        lives[-1].kill()
        lives.append(start(rig.Gateway, tmp_path, sandbox.url, port=lives[0].port, **PRIVATE))
    everything = {f"wamid.{1000 * life + i}" for life in range(3) for i in range(150)}
    rig.until("everything came", lambda: everything <= set(shop.names()), 30)
    times = collections.Counter(r["headers"]["Wayleave-Event-Id"] for r in shop.taken())
    assert len(times) == len(everything), "the same event has one name"
    for person in range(10):  # repeats apart, nobody's messages overtook each other
        first = list(dict.fromkeys(n for n in shop.names() if int(n.split(".")[1]) % 10 == person))
        assert first == sorted(first, key=lambda n: int(n.split(".")[1]))


def test_the_one_of_the_configuration_keeps_its_place(start, sandbox, tmp_path, app):
    """Made and unmade by the key; where it was when there was only one receiver is where it begins."""
    shop = app(lambda request: 503)
    forward = {"webhook.forward_url": shop.url, "webhook.forward_secret": "the shop's own"}
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **forward)
    for i in range(3):
        post(gateway, messages(message(i, rig.PEOPLE[i])))
    rig.until("it was tried", lambda: shop.requests)
    assert subscriber(gateway, "forward")["origin"] == "configuration"
    gateway.stop()
    shop.does = lambda request: 200
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, **forward)
    rig.until("all of it", lambda: len(shop.taken()) == 3)
    assert shop.taken()[0]["headers"]["X-Hub-Signature-256"] == signature(shop.taken()[0]["body"], "the shop's own")
    gateway.stop()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    assert gateway.admin("GET", "/subscribers/forward")[0] == 404


def test_private_addresses_are_refused_to_those_made_by_others(start, sandbox, tmp_path, app):
    shop = app()
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    code, _ = gateway.admin("POST", "/subscribers", {"name": "shop", "url": shop.url})
    assert code == 400 or code == 422
    by_name = shop.url.replace("127.0.0.1", "localhost")  # a name is looked at when it is connected to
    subscribe(gateway, "shop", by_name)
    post(gateway, messages(message(1)))
    rig.until("it was refused", lambda: "reach" in (subscriber(gateway, "shop")["last_error"] or ""))
    assert not shop.requests
