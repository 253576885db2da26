# SPDX-License-Identifier: Apache-2.0
"""The webhook door against everything that is not an ordinary webhook: what is signed is kept whatever it says, what is not is refused and
counted, nothing of it stops what comes after, and what was answered 200 is there whenever the power fails."""

import contextlib
import hashlib
import hmac
import itertools
import json
import socket
import sqlite3
import threading
import time

import pytest
import requests
import rig
from test_exactly_once import Life
from test_subscribers import App, settled, subscribe
from test_webhook import signed

FIRST = 34600000000


def said(n, ids=None, **more):
    """A text from person n."""
    who = str(FIRST + n)
    return {"from": who, "id": ids or f"wamid.door{n}", "timestamp": "1795000000", "type": "text", "text": {"body": f"text {n}"}, **more}


def body_of(*messages, field="messages", **more):
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": rig.SENDER},
             "contacts": [{"profile": {"name": f"Person {m['from']}"}, "wa_id": m["from"]} for m in messages], "messages": list(messages), **more}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": [{"field": field, "value": value}]}]}).encode()


def post(gateway, body, headers=None, secret=rig.APP_SECRET):
    return gateway.request("POST", "/webhook", headers=headers if headers is not None else signed(body, secret), data=body, token=None)


def metric(gateway, name):
    [line] = [line for line in gateway.get("/metrics", token=None).text.splitlines() if line.startswith(f"wayleave_{name} ")]
    return int(line.split()[1])


def known(gateway, n):
    return gateway.person(f"+{FIRST + n}") is not None


def rows(gateway):
    return gateway.query("SELECT seq, app, problem FROM inbox ORDER BY seq")


# --- what is signed ------------------------------------------------------------------------------------------------------

HOOK = {"object": "whatsapp_business_account", "entry": [{"id": rig.WABA, "changes": [{"field": "messages", "value": {}}]}]}
UNREADABLE = {
    "empty": b"",
    "one space": b" ",
    "truncated": body_of(said(1))[:-9],
    "no JSON": b"hello",
    "deeply nested": b"[" * 200_000 + b"]" * 200_000,
    "deeply nested in a member": b'{"entry":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "not UTF-8": body_of(said(1)).replace(b"text 1", b"text \xff\xfe"),
    "cut in the middle of a character": body_of(said(1)).replace(b"text 1", b"text \xf0\x9f\x98"),
    "half of a pair of surrogates": body_of(said(1)).replace(b"text 1", b"\\ud83d"),
    "a NUL": body_of(said(1)).replace(b"text 1", b"text \0"),
    "no object": b"[]",
    "null": b"null",
    "no entry": b"{}",
    "entry is no list": b'{"entry":{}}',
    "two documents": body_of(said(1)) * 2,
    "a number of more than 64 bits": json.dumps(HOOK).replace(f'"id": "{rig.WABA}"', '"id": 99999999999999999999999999').encode(),
    "more events than any body has": body_of(*(said(1, f"wamid.{i}") for i in range(6000))),
}
ODD = {
    "no entries": b'{"entry":[]}',
    "entries of every type": b'{"object":7,"entry":[null,1,"x",[],{},{"id":{}},{"changes":7},{"changes":[null,1,"x",[],{},{"field":1},{"value":2}]}]}',
    "no field": json.dumps(HOOK).replace('"field": "messages", ', "").encode(),
    "a field nobody knows": json.dumps(HOOK).replace("messages", "message_moods").encode(),
    "wrong types everywhere": json.dumps(HOOK).replace('"value": {}', '"value": ' + json.dumps(
        {"metadata": 3, "contacts": {"a": 1}, "messages": [1, None, {"from": {}, "id": [], "timestamp": {}, "type": 9, "text": []}], "statuses": "x", "calls": [[]],
         "user_preferences": [{"wa_id": 5, "value": {}, "category": []}], "errors": [[[]]]})).encode(),
    "an id of 64 bits": json.dumps(HOOK).replace(f'"id": "{rig.WABA}"', '"id": 18446744073709551615').encode(),
    "a time that no calendar has": body_of(said(2, timestamp="99999999999999999999")),
    "a time before all": body_of(said(3, timestamp="-5")),
    "keys twice": body_of(said(4)).replace(b'"type": "text"', b'"type": "text", "type": "image"'),
    "an entry twice": b'{"entry":[],' + body_of(said(5))[1:],
    "nobody's number": body_of(said(6, **{"from": "not a number"})),
    "a name of 100 kB": body_of(said(7)).replace(b"Person", b"P" * 100_000),
    "a text of two MB": body_of(said(8)).replace(b"text 8", b"t" * 2_000_000),
    "NUL by its number": body_of(said(9)).replace(b"text 9", b"a\\u0000b"),
    "a thousand texts": body_of(*(said(10, f"wamid.thousand{i}") for i in range(1000))),
    "the same event twice": body_of(said(11), said(11)),
}


@pytest.mark.shared
@pytest.mark.parametrize("bad, problem", [(b, True) for b in UNREADABLE.values()] + [(b, False) for b in ODD.values()], ids=[*UNREADABLE, *ODD])
def test_what_is_signed_is_kept_whatever_it_says_and_what_follows_is_applied(gateway, bad, problem):
    """One after the other at the same gateway, so that what one of them broke the others would meet."""
    counted = ("webhooks_total", "webhooks_forged_total", "webhook_bytes_total", "events_repeated_total")
    before, last = [metric(gateway, name) for name in counted], len(rows(gateway))
    follows = body_of(said(500 + last))
    assert post(gateway, bad).status_code == 200
    assert post(gateway, follows).status_code == 200
    rig.until("what follows is applied", lambda: known(gateway, 500 + last))
    kept = rows(gateway)[last:]
    assert [bool(p) for _, _, p in kept] == [problem, False], kept
    assert not problem or len(kept[0][2]) < 400
    assert [metric(gateway, name) - n for name, n in zip(counted, before)] == [2, 0, len(bad) + len(follows), 0]


# --- what is not, or comes in another way ----------------------------------------------------------------------------------


def test_nothing_but_the_right_signature_opens_the_door(gateway):
    body = body_of(said(1))
    right = signed(body)["X-Hub-Signature-256"]
    sha1 = "sha1=" + hmac.new(rig.APP_SECRET.encode(), body, hashlib.sha1).hexdigest()
    forged = [{}, {"X-Hub-Signature": sha1}, {"X-Hub-Signature-256": sha1}, {"X-Hub-Signature": right}, {"X-Hub-Signature-256": ""}, {"X-Hub-Signature-256": "sha256="},
              {"X-Hub-Signature-256": right[:-1]}, {"X-Hub-Signature-256": right[:-2]}, {"X-Hub-Signature-256": right + "00"}, {"X-Hub-Signature-256": right[7:]},
              {"X-Hub-Signature-256": right.replace("sha256", "sha512")}, {"X-Hub-Signature-256": "sha256=" + "g" * 64}, {"X-Hub-Signature-256": "sha256=" + "0" * 64},
              signed(body, ""), signed(body, rig.APP_SECRET + " "), signed(body + b"\n"), {"X-Hub-Signature-256": "sha256=" + hashlib.sha256(body).hexdigest()}]
    for n, headers in enumerate(forged):
        assert post(gateway, body, headers).status_code == 401, headers
        assert metric(gateway, "webhooks_forged_total") == n + 1
    assert rows(gateway) == [] and metric(gateway, "webhooks_total") == 0
    for headers in ({"X-Hub-Signature-256": right}, {"X-Hub-Signature-256": right.upper().replace("SHA256", "sha256"), "Content-Type": "text/plain"}):
        assert post(gateway, body, headers).status_code == 200
    rig.until("it is applied", lambda: known(gateway, 1))


def test_other_methods_sizes_and_ways(gateway):
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        r = gateway.request(method, "/webhook", data=b"{}", token=None)
        assert (r.status_code, r.headers["Allow"]) == (405, "GET, HEAD, POST")
    ask = f"/webhook?hub.mode=subscribe&hub.challenge=4711&hub.verify_token={rig.VERIFY_TOKEN}"
    r = gateway.request("HEAD", ask, token=None)
    assert (r.status_code, r.text) == (200, "")
    for wrong in ("", "?hub.mode=subscribe", ask.replace("subscribe", "unsubscribe").removeprefix("/webhook"), f"?hub.challenge=1&hub.verify_token={rig.VERIFY_TOKEN}",
                  "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=", f"?hub.mode=subscribe&hub.challenge=1&hub.verify_token={rig.VERIFY_TOKEN}x",
                  f"?hub.mode=subscribe&hub.challenge=1&hub.verify_token={rig.VERIFY_TOKEN[:-1]}", "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=%00"):
        assert gateway.get("/webhook" + wrong, token=None).status_code == 403, wrong
    assert gateway.get("/webhook?%zz", token=None).status_code in (400, 403)
    largest, most = body_of(said(1)), 3 << 20
    largest += b" " * (most - len(largest))
    assert post(gateway, largest + b" ").status_code == 413
    assert post(gateway, largest).status_code == 200
    pieces = body_of(said(2))
    r = gateway.request("POST", "/webhook", headers=signed(pieces), data=iter([pieces[:50], pieces[50:51], pieces[51:]]), token=None)
    assert r.status_code == 200
    rig.until("both are applied", lambda: known(gateway, 1) and known(gateway, 2))
    assert [problem for _, _, problem in rows(gateway)] == [None, None]


def test_each_app_has_its_secret_and_its_token(start, sandbox, tmp_path):
    (tmp_path / "third-secret").write_text("third-app-secret\n")
    apps = [{"id": 7001, "app_secret": "second-app-secret", "verify_token": "second-token"}, {"id": 9007199254740993, "app_secret_file": "third-secret"}]
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.app_id": 7000, "webhook.apps": apps})
    for n, secret in enumerate((rig.APP_SECRET, "second-app-secret", "third-app-secret")):
        assert post(gateway, body_of(said(n)), secret=secret).status_code == 200
    for secret in ("second-app-secret\n", "second-app-secretthird-app-secret", "7001", "second-token"):
        assert post(gateway, body_of(said(9)), secret=secret).status_code == 401
    assert [app for _, app, _ in rows(gateway)] == [7000, 7001, 9007199254740993]
    for token, status in ((rig.VERIFY_TOKEN, 200), ("second-token", 200), ("second-toke", 403), ("third-app-secret", 403), ("", 403)):
        assert gateway.get(f"/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}", token=None).status_code == status, token
    rig.until("all are applied", lambda: all(known(gateway, n) for n in range(3)))
    assert not known(gateway, 9)


def test_without_a_secret_nothing_is_believed(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.app_secret_file": "", "webhook.verify_token_file": ""})
    for secret in ("", rig.APP_SECRET):
        r = post(gateway, body_of(said(1)), secret=secret)
        assert r.status_code == 401 and "not configured" in r.text
    assert gateway.get("/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=", token=None).status_code == 403
    assert rows(gateway) == []


# --- what we posted ourselves -------------------------------------------------------------------------------------------


def test_what_was_handed_on_to_ourselves_does_not_go_round(start, sandbox, receiver, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.forward_url": receiver.url})
    (tmp_path / "other").mkdir()
    other = start(rig.Gateway, tmp_path / "other", sandbox.url)
    assert post(gateway, body_of(said(1))).status_code == 200
    rig.until("it was handed on", lambda: receiver.requests)
    [handed] = receiver.requests
    answer = post(gateway, handed["body"], handed["headers"])
    assert answer.status_code == 421 and "own address" in answer.text
    assert len(rows(gateway)) == 1 and metric(gateway, "webhooks_looped_total") == 1 and metric(gateway, "webhooks_forged_total") == 0
    assert post(gateway, handed["body"], {**handed["headers"], "X-Hub-Signature-256": "sha256=" + "0" * 64}).status_code == 401
    assert post(other, handed["body"], handed["headers"]).status_code == 200  # a gateway behind a gateway
    assert post(gateway, handed["body"], {**handed["headers"], "Wayleave-Via": "0" * 32}).status_code == 200


def test_a_probe_is_known_by_its_proof_and_says_nothing(gateway):
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    proof = {"Wayleave-Probe": hmac.new(rig.APP_SECRET.encode(), b"wayleave probe", hashlib.sha256).hexdigest()}
    assert post(gateway, body, {**signed(body), **proof}).status_code == 200
    assert post(gateway, body, {**signed(body, "forged"), **proof}).status_code == 401
    assert rows(gateway) == [] and [metric(gateway, f"webhooks_{name}_total") for name in ("probed", "forged")] == [2, 0]
    for headers in ({**signed(body, "forged"), "Wayleave-Probe": "0" * 64}, {**signed(body, "forged"), "Wayleave-Probe": ""}, proof):
        assert post(gateway, body, headers).status_code == 401
    assert [metric(gateway, f"webhooks_{name}_total") for name in ("probed", "forged")] == [3, 2]
    said_something = body_of(said(1))
    assert post(gateway, said_something, {**signed(said_something), **proof}).status_code == 200  # it is kept, whatever it carries
    assert post(gateway, body, {**signed(body), "Wayleave-Probe": "0" * 64}).status_code == 200
    assert len(rows(gateway)) == 2


# --- repeats -------------------------------------------------------------------------------------------------------------


def test_what_comes_again_changes_nothing_and_is_counted(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    first = [said(n) for n in range(30)]
    for m in first:
        assert post(gateway, body_of(m)).status_code == 200
    gateway.wait_applied()
    people = [gateway.person(f"+{FIRST + n}") for n in range(30)]
    assert all(people) and metric(gateway, "events_repeated_total") == 0
    assert post(gateway, body_of(*reversed(first))).status_code == 200
    assert post(gateway, body_of(said(50), *first[:10], said(51), said(51))).status_code == 200
    rig.until("all are counted", lambda: metric(gateway, "events_repeated_total") == 40)
    gateway.kill()
    gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port)
    for m in first + [said(50), said(60)]:
        assert post(gateway, body_of(m)).status_code == 200
    rig.until("the last is known", lambda: known(gateway, 60))
    rig.until("those of an earlier life are counted", lambda: metric(gateway, "events_repeated_total") == 31)
    assert [gateway.person(f"+{FIRST + n}") for n in range(30)] == people


def test_what_a_platform_says_again_and_again_through_two_apps_is_handed_on_once(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.private_subscribers": True, "webhook.apps": [{"id": 1001, "app_secret": "second-secret"}]})
    sandbox.webhooks_to(gateway.url + "/webhook", mode="duplicate, shuffle", sent_ms=10, delivered_ms=20, read_ms=30)
    sandbox.call("POST", "apps", {"id": "1001", "secret": "second-secret", "url": gateway.url + "/webhook", "verify": False})
    shop = App()
    try:
        subscribe(gateway, "shop", shop.url)
        people = gateway.people(10, scope="utility")
        for who in people:
            sandbox.inbound(who.lstrip("+"))
            assert gateway.send_template(who, "order_ready", parameters=["A-1"]).status_code == 200
        sandbox.all_told()
        settled(gateway, "shop")
        heard = sorted(shop.names())
        assert len(heard) == len(set(heard)) == 10 + 3 * 10
        assert metric(gateway, "events_repeated_total") == 3 * len(heard)
        before = [gateway.person(who) for who in people]
        gateway.stop()
        gateway = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, **{"webhook.private_subscribers": True})
        for r in list(shop.requests):  # the week after: each of them alone, and again in another life
            assert post(gateway, r["body"]).status_code == 200
        settled(gateway, "shop")
        assert sorted(shop.names()) == heard
        assert [gateway.person(who) for who in people] == before
    finally:
        shop.stop()


# --- the power fails -----------------------------------------------------------------------------------------------------


class Posters:
    """Threads that post one text after another, each of a person of their own, and remember who was thanked for."""

    def __init__(self, port, threads=6):
        self.url, self.numbers, self.lock = f"http://127.0.0.1:{port}/webhook", itertools.count(), threading.Lock()
        self.stopped, self.thanked, self.asked = threading.Event(), set(), 0
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(threads)]
        for t in self.threads:
            t.start()

    def run(self, i):
        session = requests.Session()
        while not self.stopped.is_set():
            with self.lock:
                n = next(self.numbers)
                self.asked = n + 1
            body, status = body_of(said(n), said(n, f"wamid.second{n}")), 0
            with contextlib.suppress(requests.RequestException):
                status = session.post(self.url, data=body, headers=signed(body), timeout=20 * rig.SLOW).status_code
            if status == 200:
                self.thanked.add(n)
            else:
                assert status in (0, 503), status
                time.sleep(0.01)

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join(30 * rig.SLOW)


def nothing_is_lost(gateway, posters):
    gateway.wait_applied()
    [(stored, problems)] = gateway.query("SELECT COUNT(*), COUNT(problem) FROM inbox")
    assert len(posters.thanked) <= stored <= posters.asked and problems == 0
    people = {int(value) - FIRST for (value,) in gateway.query(f"SELECT value FROM person_identity WHERE value >= '{FIRST}' AND value < '{FIRST + 10**8}'")}
    assert posters.thanked <= people, sorted(posters.thanked - people)[:10]


POINTS = ["webhook_written", "webhook_stored", "webhook_thanked", "project_read", "project_applied", "project_noted", "store_commit", "store_committed", "store_sync", "store_synced"]


@pytest.mark.threads
def test_what_was_thanked_for_survives_a_death_at_every_place(sandbox, tmp_path):
    port = rig.free_port()
    posters = Posters(port)
    try:
        for n, point in enumerate(POINTS):
            thanked = len(posters.thanked)
            life = Life(tmp_path, sandbox.url, port, f"{point}:{20 + 7 * n}")
            assert life.died(30), f"it never came by {point}"
            assert n == 0 or len(posters.thanked) > thanked
        last = Life(tmp_path, sandbox.url, port)
        last.wait_ready(last.url + "/readyz")
        enough = len(posters.thanked) + 50
        rig.until("it takes webhooks again", lambda: len(posters.thanked) > enough)
    finally:
        posters.stop()
    nothing_is_lost(last, posters)
    last.stop()


def test_a_disk_that_refuses_gets_no_thanks(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env={"WAYLEAVE_FAILPOINT": "store_sync:60+:io"})
    posters = Posters(gateway.port)
    rig.until("it is refused", lambda: metric(gateway, "database_healthy") == 0)
    thanked = len(posters.thanked)
    refused = metric(gateway, "webhooks_refused_total")
    rig.until("and all that follows", lambda: metric(gateway, "webhooks_refused_total") > refused + 20)
    posters.stop()
    assert len(posters.thanked) - thanked <= 6, "those whose answer was on its way"
    gateway.stop()
    nothing_is_lost(start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port), posters)


def test_a_database_that_somebody_holds_makes_it_wait_and_loses_nothing(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    posters = Posters(gateway.port)
    rig.until("it takes webhooks", lambda: len(posters.thanked) > 20)
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "wayleave.db", timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(2)
        thanked = len(posters.thanked)
        time.sleep(0.5)
        assert len(posters.thanked) == thanked
        other.execute("ROLLBACK")
    rig.until("it takes webhooks again", lambda: len(posters.thanked) > thanked + 20)
    posters.stop()
    nothing_is_lost(gateway, posters)


# --- a full line -----------------------------------------------------------------------------------------------------------


def test_a_full_line_says_come_again_and_keeps_what_it_took(start, sandbox, tmp_path):
    """The disk stands still: as many webhooks as the line holds wait, one more is told to come again at once."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env={"WAYLEAVE_FAILPOINT": "store_sync:40:delay=4000"}, **{"limits.queue": 16, "limits.connections": 6000})
    body = body_of(said(1))
    request = b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n%s" % (signed(body)["X-Hub-Signature-256"].encode(), len(body), body)
    while metric(gateway, "webhooks_total") < 45 and gateway.raw([request], seconds=0.05):
        pass
    sockets, statuses = [], []
    try:
        while len(sockets) < 5500:
            s = socket.create_connection(("127.0.0.1", gateway.port))
            s.sendall(request)
            sockets.append(s)
        for s in sockets:
            s.settimeout(20 * rig.SLOW)
            statuses.append(int(s.recv(200).split(b" ")[1]))
    finally:
        for s in sockets:
            s.close()
    assert set(statuses) == {200, 503}
    assert metric(gateway, "webhooks_refused_total") == statuses.count(503)
    gateway.wait_applied()
    assert len(rows(gateway)) >= statuses.count(200)
