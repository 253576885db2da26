# SPDX-License-Identifier: Apache-2.0
"""Bodies that other people's clients send and other people's webhooks receive: sends arrive byte for byte or are refused
with a reason, errors come back as they were, webhooks are kept and mean the same in whatever order they come.

The cases are gathered from public sources and lie outside this repository (WAYLEAVE_CASES)."""

import json
import os
import random
import re
import time
from pathlib import Path

import bodies
import pytest
import requests
import rig

CASES = Path(os.environ.get("WAYLEAVE_CASES", rig.ROOT.parent / "shared" / "cases"))
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"SKIPPED for want of cases: {CASES} is not there (set WAYLEAVE_CASES)")


def rows(name):
    return [json.loads(line) for line in (CASES / name).read_text().splitlines()]


# --- sends -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def front(sandbox):
    f = rig.Front(sandbox.url)
    yield f
    f.stop()


@pytest.fixture
def open_doors(start, sandbox, front, tmp_path):
    """A gateway in front of the front, with eight people who agreed to everything and wrote just now."""
    gateway = start(rig.Gateway, tmp_path, front.url)
    sandbox.webhooks_to(gateway.url + "/webhook")
    for number in rig.PEOPLE:
        gateway.grant("+" + number, scope="all")
    rig.seed(gateway, sandbox)
    sandbox.call("POST", "webhook", {"mode": "drop"})  # what becomes of the messages is not the question here
    return gateway


def sends():
    for name in ("sends.jsonl", "postman.jsonl", "recorded.jsonl"):
        for row in rows("sends/" + name):
            path = row.get("path_template") or row.get("url") or row.get("uri") or "/messages"
            if path.split("?")[0].endswith("/messages") and isinstance(row["request"], dict):
                yield row
    for row in rows("sends/template_objects.jsonl"):
        yield {"id": row["id"], "request": {"messaging_product": "whatsapp", "to": "x", "type": "template", **row["request"]}}


def without_mark(sent, request):
    """Every byte but those of our mark."""
    if "biz_opaque_callback_data" in request:
        return re.sub(rb"wl1\.[^|\"]*\|?", b"", sent, count=1)
    return re.sub(rb'"biz_opaque_callback_data":"wl1\.[^"]*",', b"", sent, count=1)


def test_every_send_arrives_as_written_or_is_refused_with_a_rule(open_doors, front):
    tally = {"sent": 0, "refused": 0}
    for n, row in enumerate(sends()):
        request = dict(row["request"])
        if "to" in request:
            request["to"] = "+" + rig.PEOPLE[n % len(rig.PEOPLE)]
        body = json.dumps(request, ensure_ascii=n % 2 == 0, indent=n % 3 or None).encode()
        before = len(front.sends)
        answer = open_doors.request("POST", "/v23.0/111/messages", headers={"Content-Type": "application/json"}, data=body)
        arrived = front.sends[before:]
        said = answer.json()
        if arrived:
            assert [without_mark(sent, request) for sent in arrived] == [body], row["id"]
            tally["sent"] += 1
        else:
            assert 400 <= answer.status_code < 500, (row["id"], answer.text)
            details = said["error"]["error_data"]["details"]
            assert details.startswith("rule ") or said["error"]["code"] == 100, (row["id"], details)
            # A reason to refuse is the template (ours are others) or the shape; free-form to an open window is none.
            assert request.get("type") == "template" or said["error"]["code"] == 100, (row["id"], details)
            tally["refused"] += 1
    print(tally)
    assert tally["sent"] > 70


def test_every_error_of_a_send_comes_back_unchanged(open_doors, front):
    for n, row in enumerate(rows("sends/errors.jsonl")):
        status, body = row["status"] or 400, json.dumps(row["body"], indent=n % 3 or None).encode()
        front.answer = (status, {"Content-Type": "application/json; charset=UTF-8", "WWW-Authenticate": 'OAuth "x"'}, body)
        # A receipt, so that no error changes what is thought of a person; every eighth is a send.
        if n % 8:
            request = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}
        else:
            request = {"messaging_product": "whatsapp", "to": "+" + rig.PEOPLE[n // 8 % len(rig.PEOPLE)], "type": "text", "text": {"body": "x"}}
        answer = open_doors.post("/v23.0/111/messages", request)
        assert (answer.status_code, answer.content) == (status, body), row["id"]
        assert answer.headers["WWW-Authenticate"] == 'OAuth "x"'
        if n % 8 == 0:
            assert open_doors.record(answer)["message"]["state"] == ("ambiguous" if status >= 500 else "rejected"), row["id"]


def test_every_other_answer_comes_back_unchanged(start, sandbox, front, tmp_path):
    gateway = start(rig.Gateway, tmp_path, front.url, rewrite_links=False)
    examples = [(r["id"], r["status"] or 200, {}, r["body"]) for r in rows("sends/api_examples.jsonl") if r["kind"] == "response"]
    recorded = [(r["id"], r["response"]["status"], r["response"]["headers"], r["response"]["body"]) for r in rows("sends/recorded.jsonl")]
    assert len(examples) > 300
    session = requests.Session()
    connection = {"date", "content-length", "transfer-encoding", "connection", "strict-transport-security", "alt-svc", "content-encoding"}
    for name, status, headers, body in [*examples[::3], *recorded]:
        text = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=UTF-8", **{k: v if isinstance(v, str) else v[0] for k, v in headers.items() if k.lower() not in connection}}
        front.answer = (status, headers, text)
        answer = session.post(gateway.url + "/v23.0/111/not_messages", headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10 * rig.SLOW)
        assert (answer.status_code, answer.content) == (status, text), name
        for key, value in headers.items():
            assert answer.headers[key] == value, (name, key)


# --- webhooks --------------------------------------------------------------------------------------------------------

KNOWN = set("""messages message_template_status_update message_template_quality_update message_template_components_update template_category_update
template_correct_category_detection phone_number_quality_update phone_number_name_update account_update account_settings_update account_alerts account_review_update
business_capability_update security user_preferences calls call_recording_available flows history smb_app_state_sync smb_message_echoes message_echoes standby
messaging_handovers group_lifecycle_update group_participants_update group_settings_update group_status_update payment_configuration_update partner_solutions
automatic_events tracking_events template_performance_metrics business_username_updates phone_number_username_update""".split())
# What is told of the account is kept word for word; what is about people stays in the bodies.
NOTICED = {f for f in KNOWN if f.startswith(("message_template_", "template_", "phone_number_", "account_", "business_", "partner_", "payment_"))} | {"security", "flows"}
CATALOGUE_ACCOUNT, CATALOGUE_NUMBER = "4242", "4243"


def cases():
    """(id, body or None, bytes); what is written down as text is sent as text."""
    return [(row["id"], row.get("payload"), row["raw"].encode() if "raw" in row else bodies.text(row["payload"])) for row in rows("webhooks/webhooks.jsonl")]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Every event the sandbox knows, of an account nobody polls; each at one of few times, so that many are of the same second."""
    folder = tmp_path_factory.mktemp("catalogue")
    sandbox, made, chance = rig.Sandbox(folder), [], random.Random(7)
    for n, row in enumerate(sandbox.call("GET", "event")["data"]):
        person = f"155500011{n % 4:02}"
        change = sandbox.call("POST", "event", {**row, "at": 1790000000 + chance.randrange(20), "from": person, "user_id": f"US.9000{n % 4}"})["change"]
        at = None if row["field"] == "messages" else 1790000000 + chance.randrange(20)
        whole = json.dumps(bodies.body(change, rig.WABA, at)).replace(f'"{rig.WABA}"', f'"{CATALOGUE_ACCOUNT}"').replace(f'"{rig.SENDER}"', f'"{CATALOGUE_NUMBER}"')
        made.append((f"{row['field']}/{row['name']}", json.loads(whole), bodies.text(json.loads(whole))))
    sandbox.stop()
    return made


@pytest.fixture
def quiet(start, sandbox, tmp_path):
    """A gateway whose only news of these numbers and accounts are the bodies."""
    made = []

    def make(**changes):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(start(rig.Gateway, folder, sandbox.url, **{"senders": [], **changes}))  # no token: nothing is polled
        return made[-1]

    return make


def state(gateway):
    return bodies.state(gateway, polled=(rig.WABA, rig.SENDER, rig.OTHER_SENDER))


def readable(payload):
    return isinstance(payload, dict) and isinstance(payload.get("entry"), list)


def changes(payload):
    """(account, field, value) of a body."""
    for entry in payload["entry"] if readable(payload) else ():
        for change in entry.get("changes", []):
            yield entry.get("id"), change.get("field", ""), change["value"] if isinstance(change.get("value"), dict) else {}


def number(v):
    return int(v) if str(v).isdigit() and str(v).isascii() else 0


def sender_of(value):
    return number((value.get("metadata") or {}).get("phone_number_id"))


def ms(v):
    return number(v) if number(v) > 10**11 else number(v) * 1000


def phone(v):
    return str(v).isdigit() and 7 <= len(str(v)) <= 15 and not str(v).startswith("0")


def who_wrote(everything):
    """(name, number) of all who wrote or called, under every name that came with it."""
    wrote = set()
    for _, payload, _ in everything:
        for _, field, value in changes(payload):
            part = value.get("standby") if field == "standby" else value if field in ("messages", "calls") else None
            talk = [*(part or {}).get("messages", []), *(part or {}).get("calls", [])]
            people = [*talk, *(part or {}).get("contacts", [])] if talk else []
            wrote |= {(str(p.get(key)), sender_of(value)) for p in people for key in ("from", "from_user_id", "from_parent_user_id", "wa_id", "user_id", "parent_user_id")}
    return wrote


class Known:
    """What a gateway's database says, in the words of the bodies."""

    def __init__(self, gateway):
        self.names, self.windows = {}, {}
        for contact, value in gateway.query("SELECT contact, value FROM person_identity"):
            self.names.setdefault(contact, set()).add(value)
        self.people = set().union(*self.names.values())
        inbound = gateway.query("SELECT contact, sender, last_inbound FROM pair WHERE last_inbound > 0")
        for contact, sender, last in inbound:
            self.windows.update({(value, sender): last for value in self.names.get(contact, ())})
        self.pairs = {(frozenset(self.names.get(contact, ())), sender) for contact, sender, _ in inbound}
        self.statuses = {}
        for wamid, status, code in gateway.query("SELECT orphan_wamid, status, code FROM msg_event"):
            self.statuses.setdefault((wamid, status), set()).add(code)
        self.templates = set(gateway.query("SELECT waba, name, language FROM template"))
        self.notices = set(gateway.query("SELECT waba, field, word FROM notice"))
        self.fields = dict(gateway.query("SELECT field, known FROM field_heard"))


def means_of_messages(known, row, value):
    sender = sender_of(value)
    for m in value.get("messages", []):
        who = str(m.get("from", ""))
        if not sender or not phone(who) or m.get("type") in ("system", "unsupported", "edit", "revoke") or "group_id" in json.dumps(value):
            continue
        assert who in known.people, (row, who)
        assert known.windows.get((who, sender), 0) >= min(ms(m.get("timestamp")), 1000 * int(time.time())), (row, m)
    for s in value.get("statuses", []):
        if s.get("id") and s.get("status"):
            codes = known.statuses.get((s["id"], s["status"]))
            assert codes is not None, (row, s)
            for error in s.get("errors", [])[:1]:
                assert number(error.get("code")) in codes, (row, s, codes)


def means(known, row, account, field, value):
    """That the gateway holds what one change says."""
    if field == "messages":
        means_of_messages(known, row, value)
    for p in value.get("user_preferences", []):
        assert not phone(p.get("wa_id", "")) or p["wa_id"] in known.people, (row, p)
    if field.startswith("message_template_") and number(account) and value.get("message_template_name") and value.get("message_template_language"):
        assert (number(account), value["message_template_name"], value["message_template_language"].replace("-", "_")) in known.templates, row
    if field in NOTICED and number(account):
        assert any(n[:2] == (number(account), field) for n in known.notices), (row, field)
    for word in ("event", "decision"):
        if field in ("account_update", "account_review_update") and number(account) and value.get(word):
            assert (number(account), field, value[word]) in known.notices, (row, value[word])
    if field:
        assert known.fields.get(field) == (1 if field in KNOWN else 0), (row, field, known.fields.get(field))


def last_preferences(everything):
    """The latest word of each person, the stricter one of the same second: number -> stopped."""
    last = {}
    for _, payload, _ in everything:
        for _, _, value in changes(payload):
            for p in value.get("user_preferences", []):
                if p.get("value") in ("stop", "resume") and phone(p.get("wa_id", "")):
                    last[p["wa_id"]] = max(last.get(p["wa_id"], (0, False)), (number(p.get("timestamp")), p["value"] == "stop"))
    return {who: stopped for who, (_, stopped) in last.items()}


def test_every_webhook_is_kept_and_means_what_it_says(quiet, catalogue):
    gateway = quiet()
    everything = cases() + catalogue
    bodies.post(gateway, [data for _, _, data in everything])
    gateway.wait_applied()
    assert sorted(gateway.bodies().values()) == sorted(data for _, _, data in everything)
    assert gateway.query("SELECT COUNT(*) FROM inbox WHERE problem <> ''") == [(sum(not readable(payload) for _, payload, _ in everything),)]

    known = Known(gateway)
    for row, payload, _ in everything:
        for account, field, value in changes(payload):
            means(known, row, account, field, value)
    wrote = who_wrote(everything)
    for names, sender in known.pairs:  # and nobody is thought to have written who was only written to, or of whom a history tells
        assert any((name, sender) in wrote for name in names), (names, sender)
    preferences = last_preferences(everything)
    assert set(preferences.values()) == {True, False}
    for who, stopped in preferences.items():
        assert gateway.person("+" + who)["platform_stop"]["stopped"] == stopped, who


def shuffled_twice(wholes, chance):
    again = wholes * 2
    chance.shuffle(again)
    return again


def split_up(wholes, chance):
    pieces = [piece for whole in wholes for piece in bodies.split(whole)]
    chance.shuffle(pieces)
    return pieces


def merged(wholes, chance):
    order = list(wholes)
    chance.shuffle(order)
    return bodies.merge(order, 40)


def all_at_once(wholes, chance):
    """Pieces, wholes and merged ones, each several times, in any order."""
    mixed = split_up(wholes, chance) + merged(wholes, chance) + list(wholes)
    chance.shuffle(mixed)
    return mixed


def said(whole):
    """A body of one event without its contacts, which are those of the event or of all: as text to compare."""
    [entry] = whole["entry"]
    [change] = entry["changes"]
    value = change["value"]
    if isinstance(value, dict):
        value = {key: v for key, v in value.items() if key != "contacts"}
    return json.dumps([entry.get("id"), entry.get("time"), change["field"], value], sort_keys=True)


def differ_in_name(wholes):
    """The bodies with ids that are used once: many sources use the same ones, and the second use is taken for a repeat."""
    def renamed(v, n):
        if isinstance(v, list):
            return [renamed(x, n) for x in v]
        if isinstance(v, dict):
            return {key: f"{x}.{n}" if key == "id" and isinstance(x, str) and {"timestamp", "status"} & set(v) else renamed(x, n) for key, x in v.items()}
        return v
    return [renamed(whole, n) for n, whole in enumerate(wholes)]


def same_in_any_order(plain, quiet, wholes, ways):
    wanted = state(plain)
    for how in ways:
        seed = int(os.environ.get("WAYLEAVE_SEED", random.randrange(1 << 32)))
        print(f"{how.__name__}: WAYLEAVE_SEED={seed}")
        other = quiet()
        bodies.post(other, [bodies.text(whole) for whole in how(wholes, random.Random(seed))])
        other.wait_applied()
        assert bodies.differences(wanted, state(other)) == {}, (how.__name__, seed)
        other.stop()


def test_the_order_and_the_form_of_deliveries_do_not_matter(quiet, catalogue):
    wholes = [payload for _, payload, _ in cases() + catalogue if readable(payload)]
    plain = quiet()
    bodies.post(plain, [bodies.text(whole) for whole in wholes])
    plain.wait_applied()
    same_in_any_order(plain, quiet, wholes, (shuffled_twice, split_up, merged, all_at_once))


def test_what_is_handed_on_one_by_one_is_all_that_came_and_means_the_same(quiet, catalogue, receiver):
    everything = cases() + catalogue
    broken = [data for _, payload, data in everything if not readable(payload)]
    wholes = differ_in_name([payload for _, payload, _ in everything if readable(payload)])
    plain = quiet(**{"webhook.private_subscribers": True})
    assert plain.admin("POST", "/subscribers", {"name": "pieces", "url": receiver.url})[0] == 200
    bodies.post(plain, [bodies.text(whole) for whole in wholes] + broken)
    plain.wait_applied()
    newest = max(plain.bodies())
    rig.until("all is handed on", lambda: plain.query(f"SELECT 1 FROM subscriber WHERE name = 'pieces' AND position >= {newest} AND length(pending) = 0"))
    came = [request["body"] for request in receiver.requests]
    assert [body for body in came if body in broken] == broken  # what cannot be read goes as it came
    pieces = [json.loads(body) for body in came if body not in broken]
    assert {said(piece) for piece in pieces} == {said(piece) for whole in wholes for piece in bodies.split(whole)}

    def as_handed_on(_, chance):
        return chance.sample(pieces, len(pieces))

    same_in_any_order(plain, quiet, wholes, (as_handed_on,))
