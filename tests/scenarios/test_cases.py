# SPDX-License-Identifier: Apache-2.0
"""Bodies that other people's clients send and other people's webhooks receive: sends arrive byte for byte or are refused
with a reason, errors come back as they were, webhooks are kept and mean the same in whatever order they come.

The cases are gathered from public sources and lie outside this repository (WAYLEAVE_CASES)."""

import hashlib
import hmac
import json
import os
import random
import re
import time
from pathlib import Path

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


def payloads():
    """(row, body as bytes); what is written down as text is sent as text."""
    return [(row, row["raw"].encode() if "raw" in row else json.dumps(row["payload"], ensure_ascii=True).replace("/", "\\/").encode()) for row in rows("webhooks/webhooks.jsonl")]


def post(gateway, bodies):
    session = requests.Session()
    for body in bodies:
        signature = "sha256=" + hmac.new(rig.APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        r = session.post(gateway.url + "/webhook", data=body, headers={"X-Hub-Signature-256": signature, "Content-Type": "application/json"}, timeout=10 * rig.SLOW)
        assert r.status_code == 200, body


def state(gateway):
    """All that the webhooks left behind, without what depends on the order: ids and times of recording."""
    now = time.time() * 1000

    def at(ms):
        return "now" if abs(now - ms) < 3600_000 else ms  # an event without a time happened when it came

    people = {}
    for contact, kind, value in gateway.query("SELECT contact, kind, value FROM person_identity"):
        people.setdefault(contact, set()).add((kind, value))
    names = {contact: tuple(sorted(ids)) for contact, ids in people.items()}
    shown = {}
    for contact, ids in names.items():
        status, body = gateway.admin("GET", f"/contacts/c{contact}-{contact % 4096}")
        assert status == 200, body
        shown[ids] = (json.dumps(body["consent"]), body["platform_stop"]["stopped"], body["undeliverable_at"] is not None)
    windows = {(names[c], sender, at(last)) for c, sender, last in gateway.query("SELECT contact, sender, last_inbound FROM pair WHERE last_inbound > 0 AND contact IN (SELECT contact FROM person_identity)")}
    statuses = {(wamid, s, at(t), p, code) for wamid, s, t, p, code in gateway.query("SELECT orphan_wamid, status, at, participant, code FROM msg_event")}
    templates = set(gateway.query("SELECT waba, name, language FROM template"))
    return {"people": shown, "windows": windows, "statuses": statuses, "templates": templates}


def differences(a, b):
    return {key: [x for x in (set(a[key].items()) if isinstance(a[key], dict) else a[key]) ^ (set(b[key].items()) if isinstance(b[key], dict) else b[key])] for key in a if a[key] != b[key]}


@pytest.fixture
def quiet(start, sandbox, tmp_path):
    """A gateway that learns nothing by itself."""
    made = []

    def make():
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(start(rig.Gateway, folder, sandbox.url))
        return made[-1]

    return make


def test_every_webhook_is_kept_and_means_what_it_says(quiet):
    gateway = quiet()
    cases = payloads()
    post(gateway, [body for _, body in cases])
    gateway.wait_applied()
    assert gateway.query("SELECT COUNT(*) FROM inbox") == [(len(cases),)]
    problems = gateway.query("SELECT COUNT(*) FROM inbox WHERE problem <> ''")
    assert problems == [(sum("raw" in row for row, _ in cases),)]
    kept = {bytes(b) if isinstance(b, (bytes, memoryview)) else b.encode() for (b,) in gateway.query("SELECT body FROM inbox")}
    assert kept == {body for _, body in cases}

    known = {value for (value,) in gateway.query("SELECT value FROM person_identity")}
    windows = {(value, sender) for value, sender in gateway.query("SELECT value, sender FROM pair JOIN person_identity USING (bucket, contact) WHERE last_inbound > 0")}
    statuses = {(w, s) for w, s in gateway.query("SELECT orphan_wamid, status FROM msg_event")}
    for row, _ in cases:
        for change in row.get("summary", []):
            number = change.get("phone_number_id")
            if change["field"] == "messages" and number and number.isdigit():
                for m in change.get("messages", []):
                    who = m.get("from", "")
                    if who.isdigit() and len(who) > 6 and not m.get("group_id") and m.get("type") not in ("system", "unsupported", "edit", "revoke"):
                        assert who in known, (row["id"], who)
                        if "group_id" not in json.dumps(row["payload"]):
                            assert (who, int(number)) in windows, (row["id"], m)
            if change["field"] == "messages":
                for s in change.get("statuses", []):
                    if s.get("id") and s.get("status"):
                        assert (s["id"], s["status"]) in statuses, (row["id"], s)
            assert all(p["wa_id"] in known for p in change.get("user_preferences", []))
            if change["field"].startswith("message_template_status") and str(change["waba_id"]).isdigit():
                assert gateway.query(f"SELECT COUNT(*) FROM template WHERE name = '{change['message_template_name']}' AND waba = {int(change['waba_id'])}") == [(1,)], row["id"]
    last = {}  # the latest word of each person, the stricter one of the same second
    for row, _ in cases:
        for entry in row.get("payload", {}).get("entry", []):
            for change in entry["changes"]:
                for p in change["value"].get("user_preferences", []) if isinstance(change["value"], dict) else []:
                    if p["value"] in ("stop", "resume"):
                        last[p["wa_id"]] = max(last.get(p["wa_id"], (0, False)), (int(p["timestamp"]), p["value"] == "stop"))
    assert True in {stopped for _, stopped in last.values()}
    for who, (_, stopped) in last.items():
        assert gateway.person("+" + who)["platform_stop"]["stopped"] == stopped, who


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_and_the_number_of_deliveries_do_not_matter(quiet, seed):
    bodies = [body for _, body in payloads()]
    plain = quiet()
    post(plain, bodies)
    plain.wait_applied()
    mixed = quiet()
    again = bodies + bodies[::2]
    random.Random(seed).shuffle(again)
    post(mixed, again)
    mixed.wait_applied()
    assert differences(state(plain), state(mixed)) == {}
