# SPDX-License-Identifier: Apache-2.0
"""A send is a send however its fields are written, and a batch is the sends it holds: each is judged, none slips
through, and what passes arrives as it was written."""

import json
import re
from urllib.parse import urlencode

import pytest
import requests
import rig

ANA, NOBODY = rig.PEOPLE[0], rig.STRANGER
TEMPLATE = {"name": "spring_sale", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "Aña & co = 50 %"}]}]}
PATH = "/v23.0/111/messages"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ready(gateway, sandbox):
    gateway.grant("+" + ANA)
    return gateway


def fields(to):
    """A template send as the text fields of a form."""
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": json.dumps(TEMPLATE)}


def code(answer):
    assert answer.status_code >= 400, answer.text
    error = answer.json()["error"]
    assert error["message"] and error["type"]
    return error["code"]


def raw(gateway, data, kind=None, path=PATH, method="POST", token=rig.TOKEN):
    """Sends bytes with the target written exactly as given."""
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10 * rig.SLOW)
    headers = {**({"Content-Type": kind} if kind else {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    c.request(method, path, body=data, headers=headers)
    r = c.getresponse()
    answer = requests.Response()
    answer.status_code, answer._content = r.status, r.read()
    answer.headers.update(r.getheaders())
    return answer


def as_urlencoded(gateway, to):
    return gateway.request("POST", PATH, data=fields(to))


def as_multipart(gateway, to):
    return gateway.request("POST", PATH, files={k: (None, v) for k, v in fields(to).items()})


def as_chunks(gateway, to):
    body = json.dumps({**fields(to), "template": TEMPLATE}).encode()
    return gateway.request("POST", PATH, headers={"Content-Type": "application/json"}, data=(body[i:i + 10] for i in range(0, len(body), 10)))


def in_query(gateway, to):
    return gateway.request("POST", PATH + "?" + urlencode(fields(to)))


def half_in_query(gateway, to):
    body = {**fields(to), "template": TEMPLATE}
    body.pop("to")
    return gateway.request("POST", PATH + "?" + urlencode({"to": to}), json=body)


def token_in_form(gateway, to):
    return gateway.request("POST", PATH, data={**fields(to), "access_token": rig.TOKEN}, token=None)


def token_in_query(gateway, to):
    return gateway.request("POST", PATH + "?access_token=" + rig.TOKEN, data=fields(to), token=None)


def token_in_body(gateway, to):
    return gateway.request("POST", PATH, json={**fields(to), "template": TEMPLATE, "access_token": rig.TOKEN}, token=None)


def template_as_text(gateway, to):
    return gateway.request("POST", PATH, json=fields(to))


MARK = re.compile(r'"biz_opaque_callback_data":"wl1\.[^"]*",|biz_opaque_callback_data=wl1\.[^&]*&'
                  r'|--[^\r]*\r\nContent-Disposition: form-data; name="biz_opaque_callback_data"\r\n\r\nwl1\.[^\r]*\r\n')


def arrived(entry, body):
    """Whether what came is what was written, but for our one mark in it."""
    plain, marks = MARK.subn("", entry["body"])
    return plain == body and marks == 1


SHAPES = [as_urlencoded, as_multipart, as_chunks, in_query, half_in_query, token_in_form, token_in_query, token_in_body]


@pytest.mark.shared
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.__name__)
def test_a_send_in_any_shape_is_judged_and_arrives(ready, sandbox, shape):
    assert code(shape(ready, NOBODY)) == 131050
    assert sandbox.ledger() == []
    answer = shape(ready, "+" + ANA)
    assert answer.status_code == 200, answer.text
    [entry] = sandbox.ledger()
    assert entry["to"].lstrip("+") == ANA
    body = answer.request.body
    if isinstance(body, (str, bytes)):
        assert arrived(entry, body.decode() if isinstance(body, bytes) else body), entry["body"]
    assert rig.TOKEN not in ready.output()


@pytest.mark.shared
@pytest.mark.parametrize("kind", [None, "text/plain", FORM, "application/json; charset=utf-8", "application/octet-stream", "multipart/form-data", "APPLICATION/JSON"])
def test_a_wrong_content_type_hides_nothing(ready, sandbox, kind):
    body = json.dumps({**fields(NOBODY), "template": TEMPLATE}).encode()
    assert code(raw(ready, body, kind)) in (100, 131050)
    assert sandbox.ledger() == []


SAME_TWICE = {
    "query and JSON": (PATH + f"?to={NOBODY}", json.dumps({**fields(ANA), "template": TEMPLATE}), "application/json"),
    "query and form": (PATH + f"?to={NOBODY}", urlencode(fields(ANA)), FORM),
    "form twice": (PATH, urlencode(fields(ANA)) + f"&to={NOBODY}", FORM),
    "query twice": (PATH + f"?to={ANA}&to={NOBODY}", json.dumps({"messaging_product": "whatsapp", "type": "template", "template": TEMPLATE}), "application/json"),
    "JSON twice": (PATH, json.dumps({**fields(ANA), "template": TEMPLATE})[:-1] + f',"to":"{NOBODY}"}}', "application/json"),
    "JSON twice, escaped": (PATH, json.dumps({**fields(ANA), "template": TEMPLATE})[:-1] + f',"t\\u006f":"{NOBODY}"}}', "application/json"),
}


@pytest.mark.shared
@pytest.mark.parametrize("path, body, kind", SAME_TWICE.values(), ids=SAME_TWICE)
def test_a_field_given_twice_is_refused_by_name(ready, sandbox, path, body, kind):
    answer = raw(ready, body.encode(), kind, path)
    assert code(answer) == 100
    assert re.search(r"""['"]to['"]""", answer.json()["error"]["message"]), answer.text
    assert sandbox.ledger() == []


TARGETS = ["/V23.0/111/MESSAGES", "/111/messages/", "//111//messages", "/111/%6dessages", "/v23.0/x/../111/messages", "/v23.0/111/./messages", "/111/messages?", "/111/messages;x=1",
           "/111/mess%61ges%20", "/v23.0/v23.0/111/messages", "/v23/111/messages", "/111/marketing_messages", "/v23.0/111/messages#x", "/v23.0/0111/messages", "/messages", "/111/messages%00",
           "/v23.0/111/x/messages", "/v23.0/111%2Fmessages", "http://elsewhere.example/v23.0/111/messages", "/v23.0/111/messages_encrypted"]


@pytest.mark.shared
@pytest.mark.shared
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "post"])
def test_no_spelling_of_the_path_slips_through(ready, sandbox, method):
    body = json.dumps({**fields(NOBODY), "template": TEMPLATE}).encode()
    for target in TARGETS:
        assert raw(ready, body, "application/json", target, method).status_code >= 400, target
        assert sandbox.ledger() == [], target


def test_a_send_in_a_get_is_judged_too(ready, sandbox):
    for method in ("post", "POST"):
        assert code(raw(ready, None, None, PATH + "?" + urlencode({**fields(NOBODY), "method": method}), "GET")) == 131050
    assert sandbox.ledger() == []


WRONG = {  # body: a word of the message
    "{}": "to", '{"to":1.5,"type":"text","text":{"body":"x"}}': "to", '{"to":["+447700900000"],"type":"text","text":{"body":"x"}}': "to",
    '{"to":"+447700900000","type":["text"],"text":{"body":"x"}}': "type", '{"to":"+447700900000","type":"template","template":"x"}': "template",
    '{"to":"+447700900000","type":"template","template":{"name":1}}': "name", '{"to":"+447700900000","type":"template","template":{"name":"x","language":"en"}}': "language",
    '{"recipient":7,"type":"text","text":{"body":"x"}}': "recipient",
    '"text"': "object", "[{}]": "object", "": "to", "{": "JSON", '{"to":"\\ud800","type":"text"}': "JSON",
}


@pytest.mark.shared
def test_what_is_wrong_is_named(ready, sandbox):
    for body, word in WRONG.items():
        answer = raw(ready, body.encode(), "application/json")
        assert answer.status_code == 400, body
        said = answer.json()["error"]
        assert word.lower() in (said["message"] + said["error_data"]["details"]).lower(), body
    assert sandbox.ledger() == []


# --- batches ---------------------------------------------------------------------------------------------------------


def part(to, path="v23.0/111/messages", **more):
    return {"method": "POST", "relative_url": path, "headers": ["Content-Type: application/json"], "body": json.dumps({**fields(to), "template": TEMPLATE}), **more}


def form_part(to):
    return {"method": "POST", "relative_url": "v23.0/111/messages", "body": urlencode(fields(to))}


def receipt(wamid):
    return {"method": "POST", "relative_url": "111/messages", "body": urlencode({"messaging_product": "whatsapp", "status": "read", "message_id": wamid})}


GET = {"method": "GET", "relative_url": "v23.0/111?fields=id"}


def batch_json(gateway, parts, path="/v23.0/"):
    return gateway.post(path, {"batch": parts, "include_headers": True})


def batch_form(gateway, parts):
    return gateway.request("POST", "/", data={"batch": json.dumps(parts), "include_headers": "true"})


def batch_multipart(gateway, parts):
    return gateway.request("POST", "/v23.0", files={"batch": (None, json.dumps(parts)), "include_headers": (None, "true")})


def batch_query(gateway, parts):
    return gateway.request("POST", "/?" + urlencode({"batch": json.dumps(parts)}))


def batch_text(gateway, parts):
    return gateway.post("/v23.0/", {"batch": json.dumps(parts)})


BATCHES = [batch_json, batch_form, batch_multipart, batch_query, batch_text]


def codes(answer):
    assert answer.status_code == 200, answer.text
    return [p["code"] for p in answer.json()]


@pytest.mark.parametrize("batch", BATCHES, ids=lambda b: b.__name__)
def test_the_parts_of_a_batch_come_back_in_their_order(ready, sandbox, batch):
    wamid = sandbox.inbound(ANA)
    parts = [GET, part(NOBODY), part(ANA), receipt(wamid), form_part(NOBODY), form_part("+" + ANA), {"method": "GET", "relative_url": "nobody-knows"}, part(NOBODY)]
    answer = batch(ready, parts)
    assert codes(answer) == [200, 400, 200, 200, 400, 200, 400, 400]
    bodies = [json.loads(p["body"]) for p in answer.json()]
    assert bodies[0]["id"] == "111"
    for refused in (1, 4, 7):
        assert bodies[refused]["error"]["code"] == 131050
        assert "consent.missing" in bodies[refused]["error"]["error_data"]["details"]
    sent = [e["wamid"] for e in sandbox.ledger()]
    assert [bodies[i]["messages"][0]["id"] for i in (2, 5)] == sent
    assert bodies[3] == {"success": True}
    assert ready.states() == {"accepted": 2, "refused": 3}
    assert [rig.stored(m["state"]) for m in ready.person("+" + ANA)["messages"]] == ["accepted"] * 2


@pytest.fixture
def front(sandbox):
    f = rig.Front(sandbox.url)
    yield f
    f.stop()


def test_a_batch_refused_as_a_whole_never_leaves(start, sandbox, front, tmp_path):
    gateway = start(rig.Gateway, tmp_path, front.url)
    for batch in BATCHES:
        assert codes(batch(gateway, [part(NOBODY), form_part(NOBODY)])) == [400, 400], batch
    assert front.posts == []
    assert sandbox.ledger() == []


@pytest.mark.shared
@pytest.mark.parametrize("batch", BATCHES, ids=lambda b: b.__name__)
def test_a_batch_that_is_allowed_arrives_as_it_was_written(ready, sandbox, batch):
    parts = [part(ANA), GET, form_part("+" + ANA)]
    assert codes(batch(ready, parts)) == [200, 200, 200]
    first, second = sandbox.ledger()
    assert arrived(first, parts[0]["body"]), first["body"]
    assert arrived(second, parts[2]["body"]), second["body"]


def test_what_cannot_be_judged_in_a_batch_is_refused(ready, sandbox):
    inner = json.dumps([part(NOBODY)])
    named = {**GET, "name": "first"}
    parts = [named, {"method": "POST", "relative_url": "/", "body": "batch=" + inner}, {"method": "POST", "relative_url": "v23.0/", "body": urlencode({"batch": inner})},
             {"method": "POST", "relative_url": "v23.0/111/messages", "body": json.dumps(fields("{result=first:$.to}"))},
             {"method": "POST", "relative_url": "{result=first:$.id}/messages", "body": json.dumps(fields(NOBODY))},
             {"method": "GET", "relative_url": "/?" + urlencode({"batch": inner})}, {"method": "POST", "relative_url": "?" + urlencode({"batch": inner})}, part(ANA)]
    answer = batch_json(ready, parts)
    assert codes(answer) == [200, 400, 400, 400, 400, 400, 400, 200]
    assert [e["to"] for e in sandbox.ledger()] == [ANA]


@pytest.mark.shared
@pytest.mark.parametrize("method", ["POST", "post", "PUT"])
def test_no_spelling_of_a_part_slips_through(ready, sandbox, method):
    for target in ("/111/messages", "V23.0/111/Messages", "https://graph.facebook.com/v23.0/111/messages", "111//messages?x", "v23.0/111/%6Dessages", "./111/messages", "111/messages#",
                   "messages", "111/marketing_messages"):
        [only] = batch_json(ready, [part(NOBODY, target, method=method)]).json()
        assert only["code"] >= 400, target
        assert sandbox.ledger() == [], target


def test_nothing_of_a_refused_part_goes_upstream(start, front, tmp_path):
    gateway = start(rig.Gateway, tmp_path, front.url)
    gateway.grant("+" + ANA)
    for batch in BATCHES:
        front.posts.clear()
        assert codes(batch(gateway, [part(ANA), form_part(NOBODY), GET])) == [200, 400, 200], batch
        [(path, body)] = front.posts
        assert ANA.encode() in body
        assert NOBODY not in path
        assert NOBODY.encode() not in body


def test_a_part_may_bring_a_token_of_its_own(ready, sandbox):
    answer = batch_json(ready, [part(ANA, access_token="wrong"), part(ANA, f"v23.0/111/messages?access_token={rig.TOKEN}"), part(ANA)])
    assert codes(answer) == [401, 200, 200]
    assert json.loads(answer.json()[0]["body"])["error"]["code"] == 190
    answer = ready.request("POST", "/", json={"batch": [part(ANA, access_token=rig.TOKEN)], "access_token": rig.TOKEN}, token=None)
    assert codes(answer) == [200]
    assert len(sandbox.ledger()) == 3


def test_a_batch_with_a_file_goes_whole_or_not_at_all(ready, sandbox):
    upload = {"method": "POST", "relative_url": "v23.0/111/media", "body": "messaging_product=whatsapp&type=image/png", "attached_files": "f"}

    def with_file(parts):
        return ready.request("POST", "/", data={"batch": json.dumps(parts)}, files={"f": ("a.png", b"\x89PNG", "image/png")})

    answer = with_file([upload, part(NOBODY), part(ANA)])
    assert answer.status_code == 400, answer.text
    assert code(answer) == 100
    assert "batch[1]" in answer.json()["error"]["message"]
    assert sandbox.ledger() == []
    assert sandbox.call("GET", "stats")["media"] == 0
    assert ready.states() == {"refused": 1, "unsent": 1}
    assert with_file([upload, part(ANA)]).status_code == 200
    assert len(sandbox.ledger()) == 1


def test_a_batch_without_an_answer_leaves_its_sends_ambiguous(ready, sandbox):
    assert codes(batch_json(ready, [part(ANA)])) == [200]
    sandbox.call("POST", "webhook", {"mode": "hold"})
    for parts, wanted in (([part(ANA), part(ANA)], [504, 504]), ([part(NOBODY), GET, part(ANA)], [400, 504, 504])):
        sandbox.fault("lost-answer", method="POST", path="/v23.0/")
        answer = batch_json(ready, parts)
        assert codes(answer) == wanted
        last = json.loads(answer.json()[-1]["body"])["error"]
        assert last["code"] == 131000
        assert "not send it again" in last["error_data"]["details"]
        assert ready.admin("GET", "/decisions/" + last["error_data"]["wayleave"]["id"])[1]["message"]["state"] == "ambiguous"
    assert len(sandbox.ledger()) == 4
    rig.until("the first is accepted and the others in doubt", lambda: ready.states() == {"accepted": 1, "ambiguous": 3, "refused": 1})
    sandbox.call("POST", "webhook", {"mode": "normal"})
    rig.until("the statuses have said that all were accepted", lambda: ready.states() == {"accepted": 4, "refused": 1})


def test_a_batch_before_a_dead_upstream_says_so_for_each_send(start, tmp_path):
    sandbox = start(rig.Sandbox, tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    gateway.grant("+" + ANA)
    assert codes(batch_json(gateway, [part(ANA)])) == [200]
    sandbox.stop()
    answer = batch_json(gateway, [part(ANA), part(NOBODY)])
    assert codes(answer) == [503, 400]
    assert json.loads(answer.json()[0]["body"])["error"]["is_transient"]
    assert gateway.states() == {"accepted": 1, "unsent": 1, "refused": 1}
    assert batch_json(gateway, [GET, GET]).status_code == 503


@pytest.mark.parametrize("batch", ["x", "{}", "[]", "[1]", "[{}]", '[{"method":"POST"}]', "[" + ",".join(['{"method":"GET","relative_url":"111"}'] * 51) + "]",
                                   '[{"method":"GET","relative_url":"111","relative_url":"112"}]'])
def test_a_batch_that_is_none_is_refused_in_words(ready, batch):
    answer = ready.request("POST", "/", data={"batch": batch})
    assert answer.status_code == 400
    assert "batch" in answer.json()["error"]["message"]
