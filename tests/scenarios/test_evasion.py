# SPDX-License-Identifier: Apache-2.0
"""Ways around the door: whatever Meta might take as a send to somebody who did not agree stays here.

The upstream is a plain recorder that says yes to everything, so that nothing but the gateway can stop a message. Each
row is one spelling; none may put the stranger's number on the wire in anything that writes.
"""

import gzip
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

import rig

STRANGER = "15559990000"
FRIEND = "15550001111"
SEND = "/v23.0/111/messages"
BODY = {"messaging_product": "whatsapp", "to": STRANGER, "type": "text", "text": {"body": "x"}}
FORM = {**BODY, "text": json.dumps(BODY["text"])}
PART = {"method": "POST", "relative_url": "v23.0/111/messages", "body": json.dumps(BODY)}


class Recorder:
    """Answers every call with success and keeps what came."""

    FIXED = {
        "/111": {"id": "111", "display_phone_number": "+1 555 000 0000", "status": "CONNECTED", "quality_rating": "GREEN"},
        "/debug_token": {"data": {"granular_scopes": [{"target_ids": ["2000"]}]}},
        "/phone_numbers": {"data": [{"id": "111"}]},
    }

    def __init__(self):
        recorder = self
        self.calls, self.templates = [], []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.split("?")[0]
                answer = next((v for k, v in recorder.FIXED.items() if path.endswith(k)), None)
                if answer is None or self.command != "GET":
                    recorder.calls.append((self.command, self.path, dict(self.headers), body))
                    answer = {"data": recorder.templates} if path.endswith("/message_templates") else {"messages": [{"id": "wamid.1"}]}
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def mentions(self, what):
        return [c for c in self.calls if what in c[1] or what.encode() in c[3] or what in str(c[2])]

    def handed_on(self):
        """Paths of what raw() sent and the gateway passed on; its own readings of numbers and templates are left out."""
        return [c[1] for c in self.calls if "X-Ours" in c[2]]


def friend_writes(gateway):
    """Opens the friend's window, so that a reading of the friend's number would let a message pass."""
    message = {"from": FRIEND, "id": "wamid.in", "timestamp": str(int(time.time())), "type": "text", "text": {"body": "hi"}}
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "111"}, "messages": [message]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "2000", "changes": [{"field": "messages", "value": value}]}]}).encode()
    signature = "sha256=" + hmac.new(rig.APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert gateway.post("/webhook", data=body, headers={"X-Hub-Signature-256": signature}).status_code == 200
    until = time.time() + 10
    while gateway.send(FRIEND).status_code != 200:
        assert time.time() < until, "the friend's window did not open"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    recorder = Recorder()
    gateway = rig.Gateway(tmp_path_factory.mktemp("evasion"), recorder.url)
    friend_writes(gateway)
    yield recorder, gateway
    gateway.stop()
    recorder.server.shutdown()


def raw(gateway, line, body=b"", *headers, token=rig.TOKEN):
    head = [line, "Host: x", "Authorization: Bearer " + token, "Connection: close", "X-Ours: yes", f"Content-Length: {len(body)}", *headers]
    return gateway.raw("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def multipart(*fields):
    parts = "".join(f'--bb\r\nContent-Disposition: form-data; name="{n}"{extra}\r\n\r\n{v}\r\n' for n, extra, v in fields)
    return (parts + "--bb--\r\n").encode(), {"Content-Type": "multipart/form-data; boundary=bb"}


def json_raw(path, method="POST"):
    return lambda g: raw(g, f"{method} {path} HTTP/1.1", json.dumps(BODY).encode(), "Content-Type: application/json")


def batch(*parts, **fields):
    return lambda g: g.post("/v23.0/", json={"batch": list(parts), **fields})


def multipart_batch(extra):
    def send(g):
        data, headers = multipart(("batch", extra, json.dumps([PART])))
        return g.post("/v23.0/", data=data, headers=headers)

    return send


SPELLINGS = {
    "as it is": lambda g: g.post(SEND, json=BODY),
    "method=GET in the query": lambda g: g.post(SEND + "?method=GET", json=BODY),
    "two methods in the query": lambda g: g.post(SEND + "?method=GET&method=POST", json=BODY),
    "an escaped slash": json_raw("/v23.0/111%2Fmessages"),
    "a NUL at the end": json_raw("/v23.0/111/messages%00"),
    "a backslash": json_raw("/v23.0/111\\messages"),
    "a fragment": json_raw("/v23.0/111/messages%23x"),
    "path parameters": json_raw("/v23.0/111/messages;a=b"),
    "an ending": json_raw("/v23.0/111/messages.json"),
    "two escapes": json_raw("/v23.0/111/%256Dessages"),
    "an absolute target": json_raw("http://graph.facebook.com/v23.0/111/messages"),
    "PUT": json_raw(SEND, "PUT"),
    "PATCH": json_raw(SEND, "PATCH"),
    "DELETE with a body": lambda g: g.request("DELETE", SEND, data={**FORM, "method": "post"}),
    "GET with a body": lambda g: g.request("GET", SEND, headers={"X-HTTP-Method-Override": "POST"}, json=BODY),
    "all in the query": lambda g: g.request("GET", SEND + "?method=post&to=" + STRANGER + "&type=text&text=%7B%22body%22:%22x%22%7D"),
    "a group that is a person": lambda g: g.post(SEND, json={**BODY, "recipient_type": "group"}),
    "a group in odd letters": lambda g: g.post(SEND, json={**BODY, "recipient_type": " Group "}),
    "a second to in the form": lambda g: g.post(SEND, data=[*{**FORM, "to": FRIEND}.items(), (" to", STRANGER)]),
    "a second to in the query": lambda g: g.post(SEND + "?%20to=" + STRANGER, json={**BODY, "to": FRIEND}),
    "two content types": lambda g: raw(g, f"POST {SEND} HTTP/1.1", json.dumps({"z": f"&to={STRANGER}&", **BODY, "to": FRIEND}).encode(),
                                       "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"),
    "a compressed batch": lambda g: g.post("/v23.0/", data=gzip.compress(b"batch=" + quote(json.dumps([PART])).encode(), 0),
                                           headers={"Content-Encoding": "gzip", "Content-Type": "application/x-www-form-urlencoded"}),
    "batch[0][...] in a form": lambda g: g.post("/v23.0/", data={"batch[0][method]": "POST", "batch[0][relative_url]": "111/messages",
                                                                 "batch[0][body]": json.dumps(BODY)}),
    "a batch with a space": lambda g: g.post("/v23.0/", data={" batch": json.dumps([PART])}),
    "a batch that is a file": multipart_batch('; filename="x"'),
    "a batch that is a file*": multipart_batch("; filename*=utf-8''x"),
    "a batch as it is": batch(PART),
    "a batch in text": lambda g: g.post("/v23.0/", json={"batch": json.dumps([PART])}),
    "a part with a fragment": batch({**PART, "relative_url": "v23.0/111/messages#x"}),
    "a part with an escaped slash": batch({**PART, "relative_url": "v23.0/111%2Fmessages"}),
    "a part with method=GET": batch({**PART, "relative_url": "v23.0/111/messages?method=GET"}),
    "a part that is a batch": batch({"method": "GET", "relative_url": "?batch=" + quote(json.dumps([PART]))}),
    "a part whose body is an object": batch({**PART, "relative_url": "v23.0/111/messages?to=" + FRIEND, "body": BODY}),
    "a part that refers to a part": batch({**PART, "relative_url": "%7Bresult=a:$.x%7D/messages"}),
    "a batch in the query, partly refused": lambda g: g.post("/v23.0/?batch=" + quote(json.dumps([PART, {"method": "GET", "relative_url": "111"}]))),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_reaches_a_stranger(place, spelling):
    recorder, gateway = place
    recorder.calls.clear()
    SPELLINGS[spelling](gateway)
    assert recorder.mentions(STRANGER) == []


def test_digits_of_other_scripts_name_nobody(place):
    recorder, gateway = place
    recorder.calls.clear()
    answer = gateway.post(SEND, json={**BODY, "to": "1555000111\u0661"})
    assert answer.status_code == 400 and recorder.mentions("1555000111") == []


def test_links_in_content_are_neither_changed_nor_opened(place):
    recorder, gateway = place
    hidden = recorder.url + SEND + f"?messaging_product=whatsapp&to={STRANGER}&type=text&text=x"
    buttons = [hidden, "https://www.facebook.com/ourshop", "https://evil.example?.fbsbx.com/"]
    recorder.templates = [{"name": "t", "language": "en_US", "components": [{"type": "BUTTONS", "buttons": [{"type": "URL", "url": u} for u in buttons]}]}]
    answer = gateway.request("GET", "/v23.0/2000/message_templates").json()
    assert [b["url"] for b in answer["data"][0]["components"][0]["buttons"]] == buttons


@pytest.mark.parametrize("path", ["/wayleave/v1", "/wayleave", "//wayleave/v1/status", "/WAYLEAVE/v1/status", "/%77ayleave/v1/status"])
def test_our_own_paths_and_key_stay_here(place, path):
    recorder, gateway = place
    recorder.calls.clear()
    raw(gateway, f"GET {path} HTTP/1.1", token=gateway.admin_key)
    assert recorder.handed_on() == []


def test_a_target_cannot_extend_the_upstreams_name(place):
    recorder, gateway = place
    recorder.calls.clear()
    assert raw(gateway, "GET *.evil.example/x HTTP/1.1").startswith(b"HTTP/1.1 400")
    assert recorder.handed_on() == []


def test_what_is_no_send_passes_however_odd(place):
    recorder, gateway = place
    for path in ("/v23.0/2000/flows?x=%zz", "/" + "/".join("abcdefghijklmnopqrstuvwx"), "/v23.0/a%2Fb?type[]=1"):
        recorder.calls.clear()
        assert raw(gateway, f"GET {path} HTTP/1.1").startswith(b"HTTP/1.1 200"), path
        assert recorder.handed_on() == [path]
