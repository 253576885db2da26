# SPDX-License-Identifier: Apache-2.0
"""What is no send passes through: large files in constant memory, links that lead back here, and everything nobody has
heard of exactly as it was sent and answered."""

import hashlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import rig

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
PIECE = bytes(range(256)) * 256


def multipart(pieces, field="file", mime="application/pdf"):
    """The body of an upload, piece by piece: (length, generator)."""
    fields = "".join(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in (("messaging_product", "whatsapp"), ("type", mime)))
    head = (fields + f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="big.pdf"\r\nContent-Type: {mime}\r\n\r\n').encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()

    def parts():
        yield head
        for _ in range(pieces):
            yield PIECE
        yield tail

    return len(head) + pieces * len(PIECE) + len(tail), parts()


def upload(gateway, pieces, chunked=False, stop_after=None):
    length, parts = multipart(pieces)
    c = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30 * rig.SLOW)
    c.putrequest("POST", "/v23.0/111/media")
    c.putheader("Authorization", f"Bearer {rig.TOKEN}")
    c.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    c.putheader(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(length))))
    c.endheaders()
    try:
        for i, part in enumerate(parts):
            if i == stop_after:
                c.close()
                return None
            c.send(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked:
            c.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before the end; the answer says why
    r = c.getresponse()
    return r.status, r.read()


def media_id(answer):
    status, body = answer
    assert status == 200, body
    return requests.models.complexjson.loads(body)["id"]


def digest(pieces):
    h = hashlib.sha256()
    for _ in range(pieces):
        h.update(PIECE)
    return h.hexdigest()


def test_fifty_megabytes_go_up_and_come_back_in_little_memory(gateway, sandbox):
    pieces = 50 * 1024 * 1024 // len(PIECE)
    assert gateway.get("/v23.0/111").status_code == 200
    before = gateway.peak_memory()
    name = media_id(upload(gateway, pieces))
    info = gateway.get(f"/v23.0/{name}").json()
    assert info["sha256"] == digest(pieces)
    assert info["url"].startswith(gateway.url + "/")
    h, size = hashlib.sha256(), 0
    with requests.get(info["url"], headers={"Authorization": f"Bearer {rig.TOKEN}"}, stream=True, timeout=30 * rig.SLOW) as r:
        assert r.status_code == 200
        assert r.headers["Content-Type"] == "application/pdf"
        for piece in r.iter_content(65536):
            h.update(piece)
            size += len(piece)
    assert (size, h.hexdigest()) == (info["file_size"], info["sha256"])
    if not rig.SANITIZED:
        assert gateway.peak_memory() - before < 40 * 1024 * 1024


def test_an_upload_in_chunks_arrives_whole(gateway):
    name = media_id(upload(gateway, 40, chunked=True))
    assert gateway.get(f"/v23.0/{name}").json()["sha256"] == digest(40)


@pytest.mark.threads
@pytest.mark.parametrize("chunked", [False, True], ids=["measured", "chunked"])
def test_an_upload_that_breaks_off_leaves_nothing(gateway, sandbox, chunked):
    for _ in range(5):
        upload(gateway, 40, chunked=chunked, stop_after=20)
    assert media_id(upload(gateway, 40, chunked=chunked))
    stats = sandbox.call("GET", "stats")
    assert stats["media"] == 1


@pytest.mark.parametrize("chunked", [False, True], ids=["measured", "chunked"])
def test_too_large_an_upload_is_refused_in_words(start, sandbox, tmp_path, chunked):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"limits.media_body": "1MiB"})
    status, body = upload(gateway, 20, chunked=chunked)  # of an unmeasured body a megabyte too much is read, not more
    assert status == 413
    assert b'"error"' in body
    assert sandbox.call("GET", "stats")["media"] == 0
    assert media_id(upload(gateway, 10, chunked=chunked))


@pytest.mark.threads
def test_a_reader_that_stops_in_the_middle_harms_nobody(gateway):
    name = media_id(upload(gateway, 160))
    url = gateway.get(f"/v23.0/{name}").json()["url"]
    for _ in range(10):
        with requests.get(url, headers={"Authorization": f"Bearer {rig.TOKEN}"}, stream=True, timeout=10) as r:
            assert r.raw.read(1000)
    assert hashlib.sha256(gateway.get(url[len(gateway.url):]).content).hexdigest() == digest(160)


def test_a_media_address_cannot_be_made_up(gateway, receiver):
    url = gateway.get("/v23.0/" + media_id(upload(gateway, 1))).json()["url"]
    path = url[len(gateway.url):]
    prefix = path[:path.rindex("/") + 1]
    encoded, signature = path[len(prefix):].split(".")
    import base64
    elsewhere = base64.urlsafe_b64encode(receiver.url.encode()).decode().rstrip("=")
    wrong = ("0" if signature[0] != "0" else "1") + signature[1:]
    for forged in (f"{elsewhere}.{signature}", f"{elsewhere}.", elsewhere, f"{encoded}.{wrong}", f"{encoded}", f"{encoded}.{signature}0", f"{encoded}x.{signature}", "", "."):
        r = gateway.get(prefix + forged)
        assert r.status_code == 404, forged
        assert r.json()["error"]["message"]
    assert receiver.requests == []
    assert gateway.get(path).status_code == 200
    assert gateway.get(path, token="wrong").status_code == 401
    assert gateway.get(path, token=None).status_code in (400, 401)


def test_pages_are_followed_through_the_gateway(gateway, sandbox):
    url, names = gateway.url + f"/v14.0/{rig.WABA}/message_templates?limit=2&access_token={rig.TOKEN}", []
    while url:
        assert url.startswith(gateway.url + "/")
        page = requests.get(url, timeout=10).json()
        names += [t["name"] for t in page["data"]]
        url = page["paging"].get("next")
    everything = requests.get(f"{sandbox.url}/v14.0/{rig.WABA}/message_templates?limit=100&access_token={rig.TOKEN}", timeout=10).json()["data"]
    assert names == [t["name"] for t in everything]
    assert len(names) > 4


def test_links_are_left_alone_where_that_is_wanted(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, rewrite_links=False)
    page = gateway.get(f"/v14.0/{rig.WABA}/message_templates?limit=2").json()
    assert page["paging"]["next"].startswith(sandbox.url)


ASKED = ["/v23.0/111", "/v23.0/111?fields=id,display_phone_number", "/v23.0/2000/phone_numbers", "/111/whatsapp_business_profile?fields=about", "/v13.0/", "/",
         "/v23.0/nobody-knows/this?a=1&a=2", "/v23.0/2000/unknown_edge", "/v99.0/111", "/v23.0/debug_token?input_token=sandbox-token", "/v23.0/?ids=111,112"]


@pytest.mark.shared
@pytest.mark.parametrize("path", ASKED)
def test_an_answer_is_the_one_the_platform_gave(gateway, sandbox, path):
    direct = requests.get(sandbox.url + path, headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10)
    passed = gateway.get(path)
    trace = direct.json().get("error", {}).get("fbtrace_id", "no error")
    ours = passed.json().get("error", {}).get("fbtrace_id", "no error")
    assert passed.status_code == direct.status_code
    assert passed.text.replace(ours, trace) == direct.text
    assert {k: v for k, v in passed.headers.items() if k != "Date"} == {k: v for k, v in direct.headers.items() if k != "Date"}


class Echo:
    """Keeps the last request as it came and answers with what is set."""

    def __init__(self):
        echo = self
        self.seen, self.answer = None, (200, [], b"{}")

        class Handler(BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/v31.0/"):  # the gateway has questions of its own
                    echo.seen = (self.command, self.path, self.headers.items(), body)
                status, headers, answer = echo.answer
                self.send_response_only(status)
                for name, value in [*headers, ("Content-Length", str(len(answer)))]:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_one

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def echoing():
    e = Echo()
    yield e
    e.server.shutdown()
    e.server.server_close()


@pytest.fixture
def echo(echoing):
    echoing.seen, echoing.answer = None, (200, [], b"{}")
    return echoing


@pytest.fixture(scope="module")
def before_echo(echoing, tmp_path_factory):
    """The same for all: it keeps nothing of what it passes on."""
    gateway = rig.Gateway(tmp_path_factory.mktemp("echo"), echoing.url)
    yield gateway
    gateway.stop()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_path_and_byte_arrives_as_sent(before_echo, echo, method):
    body = b'{ "new_field" : [1,  2.50, "\\u00e9\xc3\xa9"], "a":1, "a":2 }' if method in ("POST", "PUT", "PATCH") else b""
    path = "/v31.0/9/new%20edge/%2e%41?b=2&a=1&b=3&empty=&q=%20+%26&access_token=t"
    headers = {"X-Custom": "kept, as it is", "User-Agent": "WA_SDK/1", "Content-Type": "application/x-future", "Wayleave-Hold": "queue", "Accept": "text/x", "Cookie": "a=b"}
    c = http.client.HTTPConnection("127.0.0.1", before_echo.port, timeout=10 * rig.SLOW)  # requests would tidy the path
    c.request(method, path, body=body or None, headers={**headers, "Authorization": f"Bearer {rig.TOKEN}"})
    assert c.getresponse().status == 200
    seen_method, seen_path, seen_headers, seen_body = echo.seen
    assert (seen_method, seen_path, seen_body) == (method, path, body)
    seen = dict(seen_headers)
    for name in ("X-Custom", "User-Agent", "Content-Type", "Accept", "Cookie"):
        assert seen[name] == headers[name]
    assert seen["Authorization"] == f"Bearer {rig.TOKEN}"
    assert "Wayleave-Hold" not in seen
    assert seen["Host"] == echo.url[len("http://"):]


def test_every_status_header_and_byte_comes_back(before_echo, echo):
    headers = [("X-App-Usage", '{"call_count":28}'), ("WWW-Authenticate", 'OAuth "x"'), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("ETag", '"e"'), ("x-fb-rev", "1")]
    for status in (200, 201, 206, 400, 401, 403, 404, 409, 418, 429, 500, 503):
        for kind, body in (("application/json; charset=UTF-8", b'{"next":"later", "url":"http://other.example/x"}'), ("image/png", bytes(range(256))), ("text/html", b"<p>")):
            echo.answer = (status, [*headers, ("Content-Type", kind)], body)
            r = before_echo.get("/v23.0/unknown")
            assert (r.status_code, r.content, r.headers["Content-Type"]) == (status, body, kind)
            for name, value in headers:
                assert value in r.headers[name]


def test_a_redirect_is_passed_on_and_not_followed(before_echo, echo, receiver):
    echo.answer = (302, [("Location", receiver.url)], b"")
    r = before_echo.get("/v23.0/unknown", allow_redirects=False)
    assert (r.status_code, r.headers["Location"]) == (302, receiver.url)
    assert receiver.requests == []


def test_links_to_other_places_stay_as_they_are(before_echo, echo):
    other = '{"paging":{"next":"http://elsewhere.example/a?b","previous":"%s.evil.example/"},"url":"http://elsewhere.example/m","x":{"url":"https:\\/\\/lookaside.fbsbx.com.evil.example\\/m"}}' % echo.url
    echo.answer = (200, [("Content-Type", "application/json")], other.encode())
    assert before_echo.get("/v23.0/x").text == other
    echo.answer = (200, [("Content-Type", "application/json")], ('{"a":1.50,  "paging":{"next":"%s\\/v23.0\\/y?after=\\u0041"}}' % echo.url.replace("/", "\\/")).encode())
    text = before_echo.get("/v23.0/x").text
    assert text.startswith('{"a":1.50,  "paging":{"next":"' + before_echo.url)
    assert requests.models.complexjson.loads(text)["paging"]["next"] == before_echo.url + "/v23.0/y?after=A"
