# SPDX-License-Identifier: Apache-2.0
"""Webhooks at the command line and over REST: what came, followed as it comes, told to several apps, given again; and what a
person who mistypes is told."""

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import time

import pytest
import rig
from test_webhook import signed

ANA = rig.PEOPLE[0]
SECRET = "a secret of the crm's own"


@pytest.fixture
def router(start, sandbox, tmp_path):
    """A gateway whose subscribers may be on this machine."""
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.private_subscribers": True})
    sandbox.webhooks_to(g.url + "/webhook")
    (tmp_path / "crm.secret").write_text(SECRET + "\n")
    return g


def ok(result):
    code, out, err = result
    assert code == 0, out + err
    return out


def rows(result):
    return [json.loads(line) for line in ok(result).splitlines()]


def wrote(gateway, sandbox, *people):
    for number in people: # one after the other: posts that are under way together come in any order
        sandbox.inbound(number)
        sandbox.all_told()
    gateway.wait_applied()


def stored(gateway, body):
    """Raw bytes, posted as Meta would."""
    assert gateway.request("POST", "/webhook", headers=signed(body), data=body, token=None).status_code == 200
    gateway.wait_applied()


def add(gateway, name, url, *options):
    return ok(gateway.cli(["webhooks", "subscribers", "add", name, url, *options]))


def subscriber(gateway, name):
    status, body = gateway.admin("GET", f"/subscribers/{name}")
    assert status == 200, body
    return body


# --- what came ---------------------------------------------------------------------------------------------------------

def test_the_list_names_people_by_contact_and_the_body_comes_out_as_it_came(router, sandbox):
    wrote(router, sandbox, *rig.PEOPLE[:3])
    shown = ok(router.cli(["webhooks", "list"]))
    assert shown.count("inbound") == 3 and not any(number in shown for number in rig.PEOPLE)
    newest, middle, oldest = rows(router.cli(["webhooks", "list", "--json"]))
    contact = router.person("+" + rig.PEOPLE[2])["id"]
    assert newest["events"][0]["contact"] == contact and newest["applied"] and newest["id"] > middle["id"] > oldest["id"]

    [one] = rows(router.cli(["webhooks", "list", "--limit", "1", "--before", newest["id"], "--json"]))
    assert one["id"] == middle["id"]
    assert rows(router.cli(["webhooks", "list", "--to", "now-1h", "--json"])) == []
    assert len(rows(router.cli(["webhooks", "list", "--from", "now-1h", "--kind", "inbound", "--number", "111", "--json"]))) == 3
    assert rows(router.cli(["webhooks", "list", "--number", "112", "--json"])) == []

    whole = json.loads(ok(router.cli(["webhooks", "show", newest["id"], "--json"])))
    assert whole["body"]["entry"][0]["changes"][0]["value"]["messages"][0]["from"] == rig.PEOPLE[2]
    assert ANA not in ok(router.cli(["webhooks", "show", newest["id"]]))


def test_what_only_shows_a_number_is_found_by_its_id(router):
    def known():
        return [display for [display] in router.query("SELECT display_phone FROM sender WHERE id = 111") if display]
    [display] = rig.until("the number's display form is known", known)
    for shown in (display, "15550009999"):
        stored(router, json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "2000", "time": 1795000000, "changes": [
            {"field": "phone_number_quality_update", "value": {"display_phone_number": shown, "event": "FLAGGED", "current_limit": "TIER_1K"}}]}]}).encode())
    [row] = rows(router.cli(["webhooks", "list", "--number", "111", "--field", "phone_number_quality_update", "--json"]))
    assert row["events"][0]["number"] == "111"


def test_every_byte_of_a_body_is_kept(router):
    odd = b'{ "object":"whatsapp_business_account" ,"entry":[{"id":"2000","changes":[{"field":"messages","value":{"x":"caf\\u00e9 12345678901234567890","n":1.50}}]}]}\n'
    stored(router, odd)
    [row] = rows(router.cli(["webhooks", "list", "--json"]))
    r = subprocess.run([rig.BIN, "webhooks", "show", row["id"], "--raw", "--config", router.config], capture_output=True, timeout=60 * rig.SLOW)
    assert r.stdout == odd and r.returncode == 0, r.stderr
    assert base64.b64decode(router.admin("GET", f"/webhooks/{row['id']}?raw=true")[1]["raw"]) == odd


def test_what_could_not_be_applied_says_why(router):
    stored(router, b"this is no JSON \xff")
    [row] = rows(router.cli(["webhooks", "list", "--problem", "--json"]))
    assert row["problem"] and row["events"] == []
    whole = router.admin("GET", f"/webhooks/{row['id']}")[1]
    assert "body" not in whole and base64.b64decode(whole["raw"]) == b"this is no JSON \xff"
    assert "could not be applied" in ok(router.cli(["status"]))
    assert row["problem"] in ok(router.cli(["webhooks", "list"]))


def test_an_event_that_comes_again_is_marked(router):
    event = {"object": "whatsapp_business_account", "entry": [{"id": "2000", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001000", "phone_number_id": "111"},
        "contacts": [{"wa_id": ANA}], "messages": [{"from": ANA, "id": "wamid.once", "timestamp": "1795000000", "type": "text", "text": {"body": "hi"}}]}}]}]}
    stored(router, json.dumps(event).encode())
    stored(router, json.dumps(event, indent=1).encode())
    second, first = rows(router.cli(["webhooks", "list", "--json"]))
    assert [first["events"][0]["repeated"], second["events"][0]["repeated"]] == [False, True]
    assert first["events"][0]["key"] == second["events"][0]["key"]
    assert [r["id"] for r in rows(router.cli(["webhooks", "list", "--repeats", "--json"]))] == [second["id"]]
    assert router.admin("GET", "/status")[1]["inbox"]["repeats"] == 1


def test_a_page_looks_only_so_far_and_says_where_it_stopped(router):
    for i in range(30):
        stored(router, json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "2000", "changes": [{"field": "flows", "value": {"event": "X", "flow_id": str(i)}}]}]}).encode())
    seen, cursor = [], ""
    while True:
        status, page = router.admin("GET", "/webhooks?limit=7" + (f"&before={cursor}" if cursor else ""))
        assert status == 200 and len(page["webhooks"]) <= 7
        seen += [row["id"] for row in page["webhooks"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 30 and seen == sorted(seen, key=int, reverse=True)
    follow, place = [], seen[-1]
    while len(follow) < 29:
        page = router.admin("GET", f"/webhooks?limit=10&after={place}")[1]
        follow += [row["id"] for row in page["webhooks"]]
        place = page["position"]
    assert follow == seen[::-1][1:]
    assert router.admin("GET", f"/webhooks?after={place}")[1] == {"webhooks": [], "next": None, "position": place}


# --- followed ----------------------------------------------------------------------------------------------------------

class Tail:
    def __init__(self, gateway, *options):
        self.out = open(gateway.folder / f"tail-{time.monotonic_ns()}", "w+")
        self.err = open(gateway.folder / f"tail-{time.monotonic_ns()}.err", "w+")
        self.child = subprocess.Popen([rig.BIN, "webhooks", "tail", *options, "--config", gateway.config], stdout=self.out, stderr=self.err, cwd=gateway.folder)

    def lines(self):
        with open(self.out.name) as f:
            return [line for line in f.read().splitlines() if line]

    def errors(self):
        with open(self.err.name) as f:
            return f.read()

    def end(self):
        self.child.send_signal(signal.SIGINT)
        return self.child.wait(20 * rig.SLOW)


def test_tail_shows_each_event_once_also_over_a_restart(start, sandbox, tmp_path):
    first = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(first.url + "/webhook")
    wrote(first, sandbox, rig.PEOPLE[0])
    tail, plain = Tail(first, "--json", "--from", "now-1h"), Tail(first, "--from", "now-1h", "--number", "111")
    try:
        rig.until("the first is shown", lambda: len(tail.lines()) == 1 and len(plain.lines()) == 1)
        first.stop()
        rig.until("it says that nobody answers", lambda: "wayleave:" in tail.errors())
        second = start(rig.Gateway, tmp_path, sandbox.url, port=first.port)
        sandbox.inbound(rig.PEOPLE[1])
        sandbox.inbound(rig.PEOPLE[2])
        rig.until("what came since is shown", lambda: len(tail.lines()) == 3 and len(plain.lines()) == 3, 20)
        second.wait_applied()
        assert "answers again" in tail.errors()
    finally:
        ends = tail.end(), plain.end()
    assert ends == (0, 0)
    events = [json.loads(line) for line in tail.lines()]
    assert [e["kind"] for e in events] == ["inbound"] * 3 and len({e["wamid"] for e in events}) == 3
    assert not any(number in "".join(plain.lines()) for number in rig.PEOPLE)


def test_tail_says_what_is_wrong_and_ends(router):
    code, _, err = router.cli(["webhooks", "tail", "--kind", "inbund"])
    assert code == 2 and "inbound" in err and "--kind" in err
    code, _, err = router.cli(["webhooks", "tail", "--url", f"http://127.0.0.1:{rig.free_port()}"])
    assert code == 75 and "no gateway answers" in err


# --- subscribers -------------------------------------------------------------------------------------------------------

def test_two_apps_each_get_what_they_asked_for_signed_as_they_expect(router, sandbox, receiver):
    alerts = rig.Receiver()
    add(router, "crm", receiver.url, "--secret-file", "crm.secret", "--field", "messages", "--kind", "inbound")
    add(router, "alerts", alerts.url, "--kind", "template_status", "--form", "bodies")
    sandbox.inbound(ANA)
    sandbox.call("POST", "inbound", {"template": {"name": "spring_sale", "language": "en_US", "event": "PAUSED", "reason": "NONE"}})
    rig.until("both heard", lambda: receiver.requests and alerts.requests)
    router.wait_applied()
    alerts.stop()
    [mine], [theirs] = receiver.requests, alerts.requests
    assert mine["headers"]["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), mine["body"], hashlib.sha256).hexdigest()
    assert theirs["headers"]["X-Hub-Signature-256"] == signed(theirs["body"])["X-Hub-Signature-256"]
    assert json.loads(mine["body"])["entry"][0]["changes"][0]["value"]["messages"][0]["from"] == ANA
    [row] = rows(router.cli(["webhooks", "list", "--kind", "inbound", "--json"]))
    assert mine["headers"]["Wayleave-Event-Id"] == row["id"] + ".0"
    rig.until("both are past it", lambda: all(s["passed"] for s in router.admin("GET", f"/webhooks/{row['id']}")[1]["subscribers"]))


def test_a_secret_never_comes_back(router, receiver):
    out = add(router, "crm", receiver.url, "--secret-file", "crm.secret", "--json")
    assert json.loads(out)["secret"] == "own"
    for path in ("/subscribers", "/subscribers/crm", "/status"):
        assert SECRET not in json.dumps(router.admin("GET", path)[1])
    [(kept,)] = router.query("SELECT secret FROM subscriber WHERE name = 'crm'")
    assert SECRET.encode() not in kept and SECRET not in router.output()
    ok(router.cli(["webhooks", "subscribers", "set", "crm", "--app-secret"]))
    assert subscriber(router, "crm")["secret"] == "app"
    assert router.cli(["webhooks", "subscribers", "add", "b", receiver.url, "--secret", "x"])[0] == 2


def test_set_changes_only_what_is_given(router, receiver):
    add(router, "crm", receiver.url, "--secret-file", "crm.secret", "--field", "messages", "--kind", "inbound", "--parallel", "3")
    ok(router.cli(["webhooks", "subscribers", "set", "crm", "--status", "failed"]))
    now = subscriber(router, "crm")
    assert now["filter"] == {"fields": ["messages"], "kinds": ["inbound"], "statuses": ["failed"]}
    assert (now["parallel"], now["secret"], now["form"], now["url"]) == (3, "own", "events", receiver.url)
    ok(router.cli(["webhooks", "subscribers", "set", "crm", receiver.url + "2", "--everything", "--form", "bodies"]))
    now = subscriber(router, "crm")
    assert (now["filter"], now["form"], now["url"], now["parallel"], now["secret"]) == ({}, "bodies", receiver.url + "2", 3, "own")
    code, _, err = router.cli(["webhooks", "subscribers", "set", "crm"])
    assert code == 2 and "what is to change" in err


def test_paused_it_keeps_its_place(router, sandbox, receiver):
    add(router, "crm", receiver.url, "--kind", "inbound", "--paused")
    sandbox.inbound(ANA)
    rig.until("it waits", lambda: subscriber(router, "crm")["lag"]["bodies"] == 1)
    assert "paused" in ok(router.cli(["webhooks", "subscribers", "list"])) and receiver.requests == []
    ok(router.cli(["webhooks", "subscribers", "resume", "crm"]))
    rig.until("it has it", lambda: receiver.requests)
    ok(router.cli(["webhooks", "subscribers", "pause", "crm"]))
    ok(router.cli(["webhooks", "subscribers", "remove", "crm"]))
    assert router.admin("GET", "/subscribers")[1] == {"subscribers": []}


def test_a_test_says_what_the_app_answers_and_counts_for_nothing(router, receiver):
    add(router, "crm", receiver.url, "--secret-file", "crm.secret")
    assert "taken by crm: 200" in ok(router.cli(["webhooks", "subscribers", "test", "crm"]))
    [got] = receiver.requests
    assert got["headers"]["X-Hub-Signature-256"] == "sha256=" + hmac.new(SECRET.encode(), got["body"], hashlib.sha256).hexdigest()
    assert json.loads(got["body"])["entry"][0]["changes"][0]["field"] == "wayleave_test"
    receiver.status = 401
    code, _, err = router.cli(["webhooks", "subscribers", "test", "crm"])
    assert code == 1 and "401" in err and "secret" in err
    add(router, "gone", f"http://127.0.0.1:{rig.free_port()}/")
    code, out, _ = router.cli(["webhooks", "subscribers", "test", "gone", "--json"])
    answer = json.loads(out)
    assert code == 1 and answer["status"] == 0 and answer["error"]
    assert subscriber(router, "crm")["delivered"] == 0 and subscriber(router, "gone")["down_since"] is None


def test_old_webhooks_are_given_again(router, sandbox, receiver):
    wrote(router, sandbox, *rig.PEOPLE[:4])
    add(router, "crm", receiver.url)
    old = [row["id"] for row in rows(router.cli(["webhooks", "list", "--json"]))][::-1]
    said = ok(router.cli(["webhooks", "replay", "--subscriber", "crm", "--from", old[1], "--to", old[2]]))
    assert said.startswith("2 webhooks are")
    rig.until("two came", lambda: len(receiver.requests) == 2)
    rig.until("it is over", lambda: subscriber(router, "crm")["again"] is None)
    assert {r["headers"]["Wayleave-Event-Id"] for r in receiver.requests} == {f"{i}.0" for i in old[1:3]}
    ok(router.cli(["webhooks", "replay", "--subscriber", "crm", old[3], old[0]]))
    rig.until("the other two came", lambda: len(receiver.requests) == 4)
    rig.until("nothing is left", lambda: router.admin("GET", "/subscribers/crm/dead")[1]["dead"] == [])
    late = rig.Receiver()
    add(router, "late", late.url, "--from", "start")
    rig.until("the new one has all of them", lambda: len(late.requests) == 4)
    late.stop()


def test_what_the_configuration_made_is_changed_there(start, sandbox, receiver, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.forward_url": receiver.url})
    sandbox.webhooks_to(g.url + "/webhook")
    rig.until("it is there", lambda: g.admin("GET", "/subscribers")[1]["subscribers"])
    assert subscriber(g, "forward")["origin"] == "configuration"
    for command in (["set", "forward", "--parallel", "2"], ["remove", "forward"]):
        code, _, err = g.cli(["webhooks", "subscribers", *command])
        assert code == 1 and "webhook.forward_url" in err
    ok(g.cli(["webhooks", "subscribers", "test", "forward"]))
    ok(g.cli(["webhooks", "subscribers", "pause", "forward"]))
    wrote(g, sandbox, ANA)
    assert len(receiver.requests) == 1
    ok(g.cli(["webhooks", "subscribers", "resume", "forward"]))
    rig.until("it goes on", lambda: len(receiver.requests) == 2)
    ok(g.cli(["webhooks", "replay", "--subscriber", "forward", "--from", "now-1h"]))
    rig.until("it came again", lambda: len(receiver.requests) == 3)


def test_a_person_is_erased_and_the_others_stay(router, sandbox):
    wrote(router, sandbox, *rig.PEOPLE[:2])
    code, _, err = router.cli(["webhooks", "erase", "+" + ANA])
    assert code == 2 and "--yes" in err
    said = json.loads(ok(router.cli(["webhooks", "erase", "+" + ANA, "--yes", "--json"])))
    assert said["scanned"] == 2 and said["erased"] == 1
    raw = [router.admin("GET", f"/webhooks/{row['id']}?raw=true")[1]["raw"] for row in rows(router.cli(["webhooks", "list", "--json"]))]
    kept = b"".join(base64.b64decode(one) for one in raw)
    assert ANA.encode() not in kept and rig.PEOPLE[1].encode() in kept
    assert "0 changed" in ok(router.cli(["webhooks", "erase", "+" + ANA, "--yes"]))


# --- mistakes ----------------------------------------------------------------------------------------------------------

WRONG_SUBSCRIBERS = [
    ({}, "name"), ({"name": "a b", "url": "http://127.0.0.1/"}, "name"), ({"name": "", "url": "http://127.0.0.1/"}, "name"), ({"name": "x" * 64, "url": "http://127.0.0.1/"}, "name"),
    ({"name": 7, "url": "http://127.0.0.1/"}, "name"), ({"name": "a"}, "url"), ({"name": "a", "url": "ftp://x/"}, "url"), ({"name": "a", "url": "nonsense"}, "url"), ({"name": "a", "url": 1}, "url"),
    ({"name": "a", "url": "http://169.254.169.254/"}, "url"), ({"name": "a", "url": "http://h/" + "x" * 1100}, "url"), ({"name": "a", "url": "http://h/a b"}, "url"),
    ({"secret": "nul \x00 in it"}, "secret"), ({"secret": "two\nlines of it"}, "secret"), ({"app": "77"}, "app"), ({"app": "x"}, "app"), ({"app": -1}, "app"),
    ({"secret": "short"}, "secret"), ({"secret": 12345678}, "secret"), ({"secret": "x" * 256}, "secret"), ({"form": "event"}, "form"), ({"form": 1}, "form"),
    ({"parallel": 0}, "parallel"), ({"parallel": 65}, "parallel"), ({"parallel": "3"}, "parallel"), ({"paused": "yes"}, "paused"),
    ({"filter": []}, "filter"), ({"filter": {"kinds": ["inbund"]}}, "filter"), ({"filter": {"knds": ["inbound"]}}, "filter"), ({"filter": {"numbers": ["abc"]}}, "filter"), ({"filter": {"statuses": ["fialed"]}}, "filter"),
    ({"from": "yesterday"}, "from"), ({"from": 5}, "from"), ({"from": "now+1h"}, "from"), ({"from": "never"}, "from"),
]


@pytest.fixture(scope="module")
def mistaken(request, tmp_path_factory):
    """One gateway for all the mistakes: none of them changes it."""
    folder = tmp_path_factory.mktemp("mistakes")
    sandbox = rig.Sandbox(folder)
    g = rig.Gateway(folder, sandbox.url, **{"webhook.private_subscribers": True})
    assert g.admin("POST", "/subscribers", {"name": "good", "url": "http://127.0.0.1:9/"})[0] == 200
    yield g
    g.stop()
    sandbox.stop()


@pytest.mark.parametrize("body, field", WRONG_SUBSCRIBERS)
def test_a_mistake_in_a_subscriber_names_its_field(mistaken, body, field):
    whole = body if field in ("name", "url") else {"name": "a", "url": "http://127.0.0.1:9/", **body}
    status, answer = mistaken.admin("POST", "/subscribers", whole)
    assert status == 400 and answer["error"]["field"] == field and answer["error"]["message"], answer
    if field not in ("name", "from") and body.get(field) is not None:
        status, answer = mistaken.admin("PATCH", "/subscribers/good", {field: body[field]})
        assert status == 400 and answer["error"]["field"] == field, answer
    assert [s["name"] for s in mistaken.admin("GET", "/subscribers")[1]["subscribers"]] == ["good"]


@pytest.mark.parametrize("method, path, body, says", [
    ("POST", "/subscribers", {"name": "a", "url": "http://h/", "secrt": "x"}, "did you mean 'secret'"),
    ("PATCH", "/subscribers/good", {"name": "b"}, "not known here"), ("PATCH", "/subscribers/god", {}, "did you mean 'good'"),
    ("POST", "/subscribers", {"name": "good", "url": "http://127.0.0.1:9/"}, "already"),
    ("GET", "/subscribers/goood", None, "did you mean 'good'"), ("POST", "/subscribers/nobody/pause", None, "there is no subscriber"),
    ("POST", "/webhooks/replay", {}, "subscriber is missing"), ("POST", "/webhooks/replay", {"subscriber": "gud", "dead": True}, "did you mean 'good'"),
    ("POST", "/webhooks/replay", {"subscriber": "good"}, "say one of these"), ("POST", "/webhooks/replay", {"subscriber": "good", "dead": True, "from": "now-1h"}, "say one of these"),
    ("POST", "/webhooks/replay", {"subscriber": "good", "from": "soon"}, "from is"), ("POST", "/webhooks/replay", {"subscriber": "good", "to": "now"}, "say one of these"),
    ("POST", "/webhooks/replay", {"subscriber": "good", "from": "now", "to": "now-1h"}, "after `from`"), ("POST", "/webhooks/replay", {"subscriber": "good", "from": "now+2h"}, "in the future"),
    ("GET", "/webhooks?from=now%2B1h", None, "in the future"), ("GET", "/webhooks?from=now&to=now-1h", None, "after `from`"), ("GET", "/webhooks?after=now%2B1h", None, "a time that is past"),
    ("GET", "/messages?from=now&to=now-1h", None, "after `from`"), ("GET", "/webhooks?status=fialed", None, "failed"), ("POST", "/subscribers", {"name": "forward", "url": "http://h/"}, "webhook.forward_url"),
    ("POST", "/webhooks/replay", {"subscriber": "good", "id": []}, "id is"),
    ("POST", "/webhooks/replay", {"subscriber": "good", "id": "x"}, "in digits"), ("POST", "/webhooks/replay", {"subscriber": "good", "id": "77"}, "there is no webhook"),
    ("GET", "/webhooks/x", None, "in digits"), ("GET", "/webhooks/77", None, "there is no webhook"), ("GET", "/webhooks/77?rw=true", None, "did you mean 'raw'"),
    ("GET", "/webhooks?limit=0", None, "limit is"), ("GET", "/webhooks?limit=1001", None, "limit is"), ("GET", "/webhooks?feild=messages", None, "did you mean 'field'"),
    ("GET", "/webhooks?kind=inbund", None, "inbound"), ("GET", "/webhooks?number=abc", None, "number"), ("GET", "/webhooks?before=1&after=2", None, "one of them"),
    ("GET", "/webhooks?problem=1", None, "problem is"), ("GET", "/webhooks?from=soon", None, "from is"), ("GET", "/webhooks?app=x", None, "app is"), ("GET", "/webhooks?from=now&from=now", None, "twice"),
    ("GET", "/subscribers/good/dead?after=x", None, "after is"), ("GET", "/subscribers?limit=3", None, "takes no query"),
])
def test_a_mistake_is_told_with_what_was_meant(mistaken, method, path, body, says):
    status, answer = mistaken.admin(method, path, body)
    assert 400 <= status < 410 and says in answer["error"]["message"], (status, answer)


@pytest.mark.parametrize("words, code, says", [
    (["list", "--limit", "0"], 2, "--limit"), (["list", "--kind", "inbund"], 2, "--kind"), (["list", "--number", "x"], 2, "--number"), (["list", "--from", "soon"], 2, "--from"),
    (["show", "77"], 1, "there is no webhook"), (["replay"], 2, "--subscriber"), (["replay", "--subscriber", "good"], 2, "say which"), (["replay", "--subscriber", "god", "--dead"], 1, "did you mean 'good'"),
    (["replay", "--subscriber", "good", "--from", "soon"], 2, "--from"), (["erase", "+15550001111"], 2, "--yes"),
    (["subscribers", "add", "a b", "http://127.0.0.1/"], 2, "NAME"), (["subscribers", "add", "a", "nonsense"], 2, "URL"), (["subscribers", "add", "a", "http://127.0.0.1/", "--form", "x"], 2, "--form"),
    (["subscribers", "add", "a", "http://127.0.0.1/", "--secret-file", "/nowhere"], 1, "/nowhere"), (["subscribers", "add", "a", "http://127.0.0.1/", "--secret-env", "NO_SUCH_VARIABLE"], 2, "NO_SUCH_VARIABLE"),
    (["subscribers", "add", "a", "http://127.0.0.1/", "--parallel", "many"], 2, "--parallel"), (["subscribers", "lst"], 2, "webhooks subscribers list"), (["subscribers", "show", "god"], 1, "did you mean 'good'"),
    (["subscribers", "show", "nobody"], 1, "next: wayleave webhooks subscribers list"), (["show", "77"], 1, "next: wayleave webhooks list"), (["list", "--kind", "inbound,statsu"], 2, '--kind: there is no kind of that name; did you mean "status"?'),
    (["subscribers", "add", "a", "http://h/", "--kind", "nothing_like_it"], 2, "inbound, call, status"), (["subscribers", "add", "a", "http://h/", "--status", "fialed"], 2, '--status: there is no status of that name; did you mean "failed"?'),
    (["subscribers", "add", "a", "http://h/", "--number", "x"], 2, "--number: each must"), (["subscribers", "add", "a", "http://h/", "--app", "77"], 2, "--app"), (["subscribers", "add", "forward", "http://h/"], 1, "webhook.forward_url"),
    (["subscribers", "add", "a", "http://h/", "--from", "now+1h"], 2, "--from lies in the future"), (["replay", "--subscriber", "good", "--from", "now", "--to", "now-1h"], 2, "--to must lie after --from"),
    (["list", "--from", "now", "--to", "now-1h"], 2, "--to must lie after --from"), (["list", "--from", "now+1h"], 2, "--from lies in the future"), (["subscribers", "add", "a", "http://h/", "--secret-env", "NO_SUCH_VARIABLE"], 2, "--secret-file"),
])
def test_a_mistake_at_the_command_line_names_the_option(mistaken, words, code, says):
    got, out, err = mistaken.cli(["webhooks", *words])
    assert got == code and says in err, (got, out, err)


@pytest.mark.parametrize("words, says", [
    (["subscribers", "list"], '"webhooks subscribers list"'), (["help", "webhook"], '"webhooks"'), (["help", "subscribers", "add"], '"webhooks subscribers add"'),
])
def test_half_a_command_is_told_the_whole(words, says):
    r = subprocess.run([rig.BIN, *words], capture_output=True, text=True, timeout=60 * rig.SLOW)
    assert r.returncode == 2 and "did you mean " + says in r.stderr, r.stderr


def test_times_before_1970_are_times(router, sandbox, receiver):
    wrote(router, sandbox, *rig.PEOPLE[:2])
    add(router, "crm", receiver.url)
    assert ok(router.cli(["webhooks", "replay", "--subscriber", "crm", "--from", "1970-01-01"])).startswith("2 webhooks are")
    assert len(rows(router.cli(["webhooks", "list", "--from", "1969-12-31", "--json"]))) == 2
    for none in (["--to", "1970-01-01"], ["--before", "1970-01-01"], ["--to", "1960-01-01"]):
        assert rows(router.cli(["webhooks", "list", *none, "--json"])) == []


def test_a_status_alone_means_statuses_and_commas_are_the_same_everywhere(router, sandbox, receiver):
    add(router, "fail", receiver.url, "--status", "failed,read")
    assert subscriber(router, "fail")["filter"] == {"statuses": ["failed", "read"]}
    add(router, "both", receiver.url, "--kind", "inbound, status", "--number", "111,112")
    assert subscriber(router, "both")["filter"] == {"kinds": ["inbound", "status"], "numbers": ["111", "112"]}
    wrote(router, sandbox, ANA)
    rig.until("one is past it", lambda: subscriber(router, "both")["lag"]["bodies"] == 0 and subscriber(router, "both")["delivered"] == 1)
    rig.until("and so is the other", lambda: subscriber(router, "fail")["lag"]["bodies"] == 0)
    assert subscriber(router, "fail")["delivered"] == 0 and len(receiver.requests) == 1
    assert rows(router.cli(["webhooks", "list", "--status", "failed", "--json"])) == []
    assert "status failed, read" in ok(router.cli(["webhooks", "subscribers", "show", "fail"]))


def test_our_own_address_is_no_subscriber(start, sandbox, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.private_subscribers": True, "public_url": "https://wa.example.com/"})
    for url in (f"{g.url}/webhook", f"http://localhost:{g.port}/anything", f"http://127.0.0.1:{g.port}", "https://wa.example.com/webhook", "https://WA.example.com/webhook?x=1"):
        status, answer = g.admin("POST", "/subscribers", {"name": "loop", "url": url})
        assert status == 400 and answer["error"]["field"] == "url" and "own address" in answer["error"]["message"], (url, answer)
    for name, url in (("a", "https://wa.example.com/webhook2"), ("b", "https://wa.example.com/n8n/webhook"), ("c", "http://127.0.0.1:9/webhook")):
        assert g.admin("POST", "/subscribers", {"name": name, "url": url})[0] == 200, url


def test_a_subscriber_is_of_one_meta_app(start, sandbox, receiver, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"webhook.private_subscribers": True, "webhook.app_id": 1000, "webhook.apps": [{"id": 1001, "app_secret": "the other app's secret"}]})
    add(g, "first", receiver.url)
    other = rig.Receiver()
    add(g, "second", other.url, "--app", "1001")
    assert (subscriber(g, "first")["app"], subscriber(g, "second")["app"]) == (None, "1001")
    assert "Meta app 1001" in ok(g.cli(["webhooks", "subscribers", "show", "second"]))
    code, _, err = g.cli(["webhooks", "subscribers", "set", "first", "--app", "1002"])
    assert code == 2 and "1000, 1001" in err and "--app" in err
    sandbox.webhooks_to(g.url + "/webhook")
    sandbox.inbound(ANA)
    rig.until("both heard", lambda: receiver.requests and other.requests)
    ok(g.cli(["webhooks", "subscribers", "test", "second"]))
    for request in other.requests:
        assert request["headers"]["X-Hub-Signature-256"] == "sha256=" + hmac.new(b"the other app's secret", request["body"], hashlib.sha256).hexdigest()
    assert receiver.requests[0]["headers"]["X-Hub-Signature-256"] == signed(receiver.requests[0]["body"])["X-Hub-Signature-256"]
    ok(g.cli(["webhooks", "subscribers", "set", "second", "--app", "1000"]))
    assert subscriber(g, "second")["app"] == "1000"
    other.stop()


def test_one_that_is_refused_while_others_are_taken_is_told_as_such(router, sandbox, receiver):
    receiver.answer = lambda request: 401 if ANA.encode() in request["body"] else 200
    add(router, "crm", receiver.url)
    wrote(router, sandbox, *rig.PEOPLE[:4])
    rig.until("it is stuck", lambda: subscriber(router, "crm")["stuck"], 30)
    now = subscriber(router, "crm")
    first = str(next(seq for seq, body in router.bodies().items() if ANA.encode() in body))  # webhooks come in any order
    assert now["stuck"]["id"] == first and now["stuck"]["status"] == 401 and now["lag"]["bodies"] == 1 and now["delivered"] == 3
    assert "stuck" in ok(router.cli(["webhooks", "subscribers", "list"]))
    assert "HTTP 401" in ok(router.cli(["webhooks", "subscribers", "show", "crm"])) and "HTTP 401" in ok(router.cli(["webhooks", "subscribers", "dead", "crm"]))
    standing = router.admin("GET", f"/webhooks/{first}")[1]["subscribers"][0]
    assert not standing["passed"] and standing["trying"][0]["event"] == 0
    other = next(row["id"] for row in rows(router.cli(["webhooks", "list", "--json"])) if row["id"] != first)
    rig.until("the others are known to be taken", lambda: router.admin("GET", f"/webhooks/{other}")[1]["subscribers"][0]["passed"])


def test_private_addresses_are_not_for_the_api_unless_the_configuration_says_so(gateway):
    code, _, err = gateway.cli(["webhooks", "subscribers", "add", "a", "http://127.0.0.1:9/"])
    assert code == 2 and "webhook.private_subscribers: true" in err
    code, _, err = gateway.cli(["webhooks", "subscribers", "add", "a", "http://169.254.169.254/"])
    assert code == 2 and "link-local" in err and "private_subscribers" not in err
    add(gateway, "named", "http://localhost:9/")
    code, _, err = gateway.cli(["webhooks", "subscribers", "test", "named"])
    assert code == 1 and "webhook.private_subscribers: true" in err
    assert gateway.admin("POST", "/subscribers", {"name": "a", "url": "https://app.example.com/hook"})[0] == 200
