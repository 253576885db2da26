# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time, come in crowds or say too much: they are cut off or refused, and nobody else waits."""

import contextlib
import json
import resource
import socket
import threading
import time

import pytest
import rig

HEAD = b"POST /v23.0/111/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sandbox-token\r\nContent-Type: application/json\r\n"


@pytest.fixture
def impatient(start, sandbox, tmp_path):
    """A gateway that gives a request two seconds and a silent connection three."""
    return start(rig.Gateway, tmp_path, sandbox.url, **{"limits.request": "2s", "limits.idle": "3s"})


def dribble(port, data, pause):
    """Sends byte after byte until the other side closes; the seconds that took and what it said."""
    began, said = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=pause) as s:
        with contextlib.suppress(OSError):
            for byte in data:
                s.sendall(bytes([byte]))
                with contextlib.suppress(socket.timeout):
                    piece = s.recv(4096)
                    if not piece:
                        break
                    said += piece
        return time.monotonic() - began, said


SLOW = {"head": HEAD + b"X: " + b"a" * 2000, "request line": b"GET /" + b"a" * 2000, "body": HEAD + b'Content-Length: 2000\r\n\r\n{"to":"' + b"a" * 2000,
        "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 300}


def test_a_slow_loris_is_cut_off_and_nobody_waits_for_it(impatient, sandbox):
    results = {}

    def one(name):
        data = SLOW[name]
        if name in ("body", "chunks"):  # the head at once, the body slowly
            end = data.index(b"\r\n\r\n") + 4
            with socket.create_connection(("127.0.0.1", impatient.port), timeout=0.1) as s:
                s.sendall(data[:end])
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    for byte in data[end:]:
                        s.sendall(bytes([byte]))
                        with contextlib.suppress(socket.timeout):
                            if not s.recv(4096):
                                break
                results[name] = time.monotonic() - began
        else:
            results[name] = dribble(impatient.port, data, 0.1)[0]

    threads = [threading.Thread(target=one, args=(name,)) for name in SLOW for _ in range(10)]
    for t in threads:
        t.start()
    for _ in range(10):
        began = time.monotonic()
        assert impatient.get("/v23.0/111").status_code == 200
        assert time.monotonic() - began < 1 * rig.SLOW
        time.sleep(0.1)
    for t in threads:
        t.join()
    assert set(results) == set(SLOW)
    for name, seconds in results.items():
        assert 1 < seconds < 6 * rig.SLOW, name
    assert sandbox.ledger() == []


def test_a_silent_connection_is_closed(impatient):
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=20) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        assert s.recv(4096) == b""
        assert 1 < time.monotonic() - began < 8 * rig.SLOW


@pytest.mark.threads
def test_two_thousand_idle_connections_hold_up_nobody(gateway, sandbox):
    [ana] = gateway.people(1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    with contextlib.ExitStack() as idle:
        crowd = [idle.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=10 * rig.SLOW)) for _ in range(2000)]
        for s in crowd[::2]:  # half of them have asked something and been answered
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in crowd[::2]:
            assert s.recv(4096).startswith(b"HTTP/1.1 200")
        for _ in range(10):
            began = time.monotonic()
            assert gateway.send_template(ana, "spring_sale", parameters=["x"]).status_code == 200
            assert time.monotonic() - began < 1 * rig.SLOW
        for s in crowd[::2]:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in crowd[::2]:
            assert s.recv(4096).startswith(b"HTTP/1.1 200")
    assert len(sandbox.ledger()) == 10


def test_a_full_house_lets_the_next_in_when_somebody_leaves(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"limits.connections": 32})
    crowd = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(64)]
    time.sleep(0.2)
    for s in crowd:
        s.close()
    rig.until("it serves again", lambda: healthy(gateway))


def healthy(gateway):
    with contextlib.suppress(OSError):
        return gateway.get("/healthz", token=None, timeout=2).status_code == 200
    return False


def test_too_much_waiting_is_told_to_come_back(start, sandbox, tmp_path):
    """The line of sends is as long as it may be: one more is told so, at once and in the platform's words."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"limits.queue": 16})
    people = gateway.people(40)
    assert gateway.send_template(people[0], "spring_sale", parameters=["x"]).status_code == 200
    sandbox.fault("delay=1000", times=40, path="/111/messages")
    answers = []
    threads = [threading.Thread(target=lambda w=who: answers.append(gateway.send_template(w, "spring_sale", parameters=["x"]))) for who in people]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    busy = [a for a in answers if a.status_code == 429]
    assert busy
    assert sorted({a.status_code for a in answers}) == [200, 429]
    for a in busy:
        assert a.json()["error"]["code"] == 130429
        assert a.headers["Retry-After"]
    assert len(sandbox.ledger()) == 41 - len(busy)
    assert gateway.send_template(people[1], "spring_sale", parameters=["x"]).status_code == 200


def test_too_large_a_body_is_refused_in_words(gateway, sandbox):
    body = json.dumps({"messaging_product": "whatsapp", "to": rig.PEOPLE[0], "type": "text", "text": {"body": "x" * (1 << 20)}}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[i:i + 65536] for i in range(0, len(body), 65536))) + b"0\r\n\r\n"
    for name, data in (("length", HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body), ("chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)):
        answer = gateway.raw(data, seconds=1)
        assert answer.startswith(b"HTTP/1.1 413"), (name, answer[:200])
        error = json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]
        assert error["code"] == 100 and "too large" in error["message"]
    assert gateway.request("POST", "/webhook", data=b"x" * (4 << 20), token=None).status_code == 413
    assert gateway.request("POST", "/wayleave/v1/contacts/import", data=b"x" * (2 << 20), token=gateway.admin_key).status_code == 413
    assert sandbox.ledger() == []


def test_a_large_head_is_refused_and_a_larger_one_too(gateway):
    for size, wanted in ((8_000, {b"200"}), (40_000, {b"431", b"413", b"400"}), (400_000, {b"431", b"413", b"400", b""})):
        answer = gateway.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + b"a" * size + b"\r\n\r\n", seconds=3)
        assert answer[9:12] in wanted, (size, answer[:100])
    assert healthy(gateway)


def test_a_reader_that_never_reads_holds_up_nobody(gateway, sandbox):
    files = {"file": ("a.pdf", b"x" * 8_000_000, "application/pdf")}
    media = gateway.request("POST", "/v23.0/111/media", data={"messaging_product": "whatsapp", "type": "application/pdf"}, files=files).json()["id"]
    path = gateway.get(f"/v23.0/{media}").json()["url"][len(gateway.url):]
    lazy = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(10)]
    for s in lazy:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {rig.TOKEN}\r\n\r\n".encode())
    for _ in range(10):
        began = time.monotonic()
        assert gateway.get("/v23.0/111").status_code == 200
        assert time.monotonic() - began < 1 * rig.SLOW
    for s in lazy:
        s.close()
    assert gateway.get(path).content == b"x" * 8_000_000
