# SPDX-License-Identifier: Apache-2.0
"""Applications that read webhooks as Chatwoot, Evolution API, frappe_whatsapp, Whatomate and n8n do (docs/clients.md): a batch
that Meta posts as one body reaches each of them whole when it is handed one event at a time, and most of it is lost on the
way when bodies are handed on as they come."""

import contextlib
import hashlib
import hmac
import json

import pytest
import rig

N8N_SECRET = "n8n-app-secret"


class App(rig.Receiver):
    """Keeps what it took in: (kind, id) of each event, and what came with it."""

    def __init__(self, secret=rig.APP_SECRET):
        self.secret, self.took, self.refused = secret, [], 0
        super().__init__()

    def signed(self, request):
        wanted = "sha256=" + hmac.new(self.secret.encode(), request["body"], hashlib.sha256).hexdigest()
        return hmac.compare_digest(request["headers"].get("X-Hub-Signature-256", ""), wanted)

    def answer(self, request):
        status = self.read(request, json.loads(request["body"]))
        self.refused += status != 200
        return status

    def message(self, m):
        self.took.append(("message", m["id"]))

    def status_of(self, s):
        self.took.append((s["status"], s["id"]))
        assert s.get("biz_opaque_callback_data", "").startswith("client-"), s  # its own word, not our mark


class Chatwoot(App):
    """The first of everything; the inbox is found by number and id; unsigned is refused."""

    inboxes = {("15550001000", rig.SENDER)}

    def __init__(self):
        self.people = {}
        super().__init__()

    def read(self, request, body):
        if not self.signed(request):
            return 401
        value = body["entry"][0]["changes"][0]["value"]
        metadata = value.get("metadata", {})
        if (metadata.get("display_phone_number"), metadata.get("phone_number_id")) not in self.inboxes:
            return 200  # no such inbox
        if value.get("statuses"):
            self.status_of(value["statuses"][0])
        elif value.get("messages"):
            m, contact = value["messages"][0], value["contacts"][0]
            assert contact["wa_id"] == m["from"], "the message would be another person's"
            self.people[m["from"]] = contact["profile"]["name"]
            self.message(m)
        return 200


class Evolution(App):
    """Once for each entry, and every time the first change of the first one; of messages the first; no signature is asked for."""

    def read(self, request, body):
        for _ in body["entry"]:
            value = body["entry"][0]["changes"][0]["value"]
            for m in value.get("messages", [])[:1]:
                self.message(m)
            for s in value.get("statuses", []):
                self.status_of(s)
        return 200


class Frappe(App):
    """The first change of the first entry; whatever goes wrong, 200."""

    def read(self, request, body):
        with contextlib.suppress(Exception):
            change = body["entry"][0]["changes"][0]
            for m in change["value"].get("messages", []):
                self.message(m)
            if not change["value"].get("messages") and change["field"] == "message_template_status_update":
                self.took.append(("template", change["value"]["message_template_name"]))
            elif not change["value"].get("messages"):
                self.status_of(change["value"]["statuses"][0])
        return 200


class Whatomate(App):
    """Everything in every list."""

    def read(self, request, body):
        for entry in body["entry"]:
            for change in entry["changes"]:
                for m in change["value"].get("messages", []):
                    self.message(m)
                for s in change["value"].get("statuses", []):
                    self.status_of(s)
                if change["field"] == "message_template_status_update":
                    self.took.append(("template", change["value"]["message_template_name"]))
        return 200


class N8n(App):
    """One trigger: a run of the workflow for each POST, whose first step takes the first message."""

    def __init__(self):
        self.runs = 0
        super().__init__(N8N_SECRET)

    def read(self, request, body):
        if not self.signed(request):
            return 401
        self.runs += 1
        items = [{**change["value"], "field": change["field"]} for entry in body["entry"] for change in entry["changes"]]
        for m in items[0].get("messages", [])[:1]:
            self.message(m)
        return 200


@pytest.fixture
def apps():
    made = {kind.__name__.lower(): kind() for kind in (Chatwoot, Evolution, Frappe, Whatomate, N8n)}
    yield made
    for app in made.values():
        app.stop()


@pytest.fixture
def router(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.private_subscribers": True})
    sandbox.webhooks_to(gateway.url + "/webhook")
    return gateway


def subscribe(gateway, name, app, **more):
    status, told = gateway.admin("POST", "/subscribers", {"name": name, "url": app.url, **more})
    assert status in (200, 201), told
    assert not any(secret in json.dumps(told) for secret in (rig.APP_SECRET, N8N_SECRET))


def batch(gateway, sandbox):
    """Fifty events of a few minutes, posted as one body: the ids as (kind, id)."""
    for person in rig.PEOPLE:
        gateway.grant("+" + person, scope="all")
        sandbox.inbound(person)
    sandbox.call("POST", "webhook", {"read_ms": 100, "delivered_ms": 20, "sent_ms": 10})
    rig.until("all windows are open", lambda: gateway.query("SELECT COUNT(*) FROM pair WHERE last_inbound > 0") == [(len(rig.PEOPLE),)])
    before = max(gateway.bodies())
    sandbox.call("POST", "webhook", {"mode": "hold"})
    wanted = set()
    for n in range(10):
        answer = gateway.send("+" + rig.PEOPLE[n % len(rig.PEOPLE)], type="text", text={"body": f"answer {n}"}, biz_opaque_callback_data=f"client-{n}")
        assert answer.status_code == 200, answer.text
        wanted |= {(status, answer.json()["messages"][0]["id"]) for status in ("sent", "delivered", "read")}
    for n in range(19):
        wanted.add(("message", sandbox.inbound(rig.PEOPLE[n % len(rig.PEOPLE)], f"question {n}", name=f"Person {n % len(rig.PEOPLE)}")))
    sandbox.call("POST", "event", {"field": "message_template_status_update", "name": "PAUSED", "template": "paused_promo"})
    wanted.add(("template", "paused_promo"))
    rig.until("fifty updates wait", lambda: sandbox.call("GET", "webhook")["waiting"] == 50)
    sandbox.call("POST", "webhook", {"mode": "merge"})
    rig.until("they came", lambda: max(gateway.bodies()) > before)
    gateway.wait_applied()
    [body] = [body for seq, body in gateway.bodies().items() if seq > before]
    assert len(json.loads(body)["entry"]) > 3
    assert len(wanted) == 50
    return wanted


def taken_over(gateway, names):
    """Until every subscriber's position is the end of the inbox, and nothing before it waits."""
    newest = max(gateway.bodies())

    def there():
        rows = gateway.query("SELECT name, position, length(pending) FROM subscriber")
        return all(position >= newest and waits == 0 for name, position, waits in rows if name in names)

    rig.until("all is handed over", there)


def test_a_batch_reaches_every_app_whole_as_single_events(router, sandbox, apps):
    # Only what the batch brings is counted: they subscribe when the windows are open already.
    secrets = {"n8n": {"secret": N8N_SECRET, "filter": {"fields": ["messages"], "kinds": ["inbound"]}}}
    for name, app in apps.items():
        subscribe(router, name, app, **secrets.get(name, {}))
    wanted = batch(router, sandbox)
    taken_over(router, apps)
    news = {name: [x for x in app.took if x in wanted] for name, app in apps.items()}
    for name, app in apps.items():
        assert app.refused == 0, name
        assert len(news[name]) == len(set(news[name])), name  # nothing twice when all answer at once
    inbound = {x for x in wanted if x[0] == "message"}
    assert set(news["frappe"]) == set(news["whatomate"]) == wanted
    assert set(news["chatwoot"]) == set(news["evolution"]) == wanted - {("template", "paused_promo")}
    assert set(news["n8n"]) == inbound
    assert apps["n8n"].runs == len(inbound) + len(rig.PEOPLE)  # a run for each message, none for a status
    assert apps["chatwoot"].people[rig.PEOPLE[3]] == "Person 3"
    for app in apps.values():
        for request in app.requests:
            [entry] = json.loads(request["body"])["entry"]
            assert len(entry["changes"]) == 1


def test_as_it_came_most_of_it_is_lost_on_the_way(router, sandbox, apps):
    """What docs/clients.md says of bodies: right for an app that loops, and for it alone."""
    for name, app in apps.items():
        subscribe(router, name, app, form="bodies", **({"secret": N8N_SECRET} if name == "n8n" else {}))
    wanted = batch(router, sandbox)
    taken_over(router, apps)
    lost = {name: len(wanted - set(app.took)) for name, app in apps.items()}
    print(f"of {len(wanted)} events lost: {lost}")
    assert lost["whatomate"] == 0
    assert lost["chatwoot"] >= 48 and lost["frappe"] > 0 and lost["evolution"] > 0 and lost["n8n"] > 0
    assert len(apps["evolution"].took) > len(set(apps["evolution"].took))  # and the first once for each entry
    whole = [request["body"] for request in apps["whatomate"].requests]
    assert all(b"wl1." not in body for body in whole)


def test_an_app_that_verifies_takes_only_what_its_own_secret_signed(router, sandbox, apps):
    """Chatwoot believes the app's secret, n8n one of its own: each is signed for as it expects."""
    subscribe(router, "chatwoot", apps["chatwoot"])
    subscribe(router, "wrong", apps["n8n"], secret="another secret")
    wamid = sandbox.inbound(rig.PEOPLE[0], "hello", name="Ana")
    rig.until("Chatwoot has it", lambda: apps["chatwoot"].took == [("message", wamid)])
    rig.until("the other refuses it", lambda: apps["n8n"].refused > 0)
    assert apps["n8n"].took == []
    status, told = router.admin("PATCH", "/subscribers/wrong", {"secret": N8N_SECRET})
    assert status == 200, told
    rig.until("with the right secret it is taken", lambda: apps["n8n"].took == [("message", wamid)], 20)
    assert apps["chatwoot"].took == [("message", wamid)]
