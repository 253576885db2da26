# SPDX-License-Identifier: Apache-2.0
"""Broken, hostile and unusual HTTP: answered or dropped, never believed, and the next client is served."""

import pytest
import rig

HEAD = b"POST /v23.0/111/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sandbox-token\r\nContent-Type: application/json\r\n"


def status(answer):
    """The status of the first answer, or 0 when the connection was closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


NONSENSE = {
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00", {0, 400}),
    "no path": (b"GET\r\n\r\n", {0, 400}),
    "another version": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", {0, 400, 505}),
    "length in letters": (HEAD + b"Content-Length: banana\r\n\r\n{}", {0, 400}),
    "negative length": (HEAD + b"Content-Length: -1\r\n\r\n{}", {0, 400}),
    "overflowing length": (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}", {0, 400, 413}),
    "too long a body": (HEAD + b"Content-Length: 10000000\r\n\r\n{}", {413}),
    "broken chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", {0, 400}),
    "endless header": (HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n", {0, 400, 413, 431}),
    "not an object": (HEAD + b"Content-Length: 2\r\n\r\n[]", {400}),
    "half an object": (HEAD + b"Content-Length: 5\r\n\r\n{\"a\":", {400}),
    "not UTF-8": (HEAD + b"Content-Length: 10\r\n\r\n{\"a\":\"\xff\xfe\"}", {400}),
}


@pytest.mark.shared
@pytest.mark.parametrize("data, wanted", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_and_the_next_is_served(gateway, sandbox, data, wanted):
    assert status(gateway.raw(data, seconds=3)) in wanted
    assert gateway.get("/healthz", token=None).status_code == 200
    assert sandbox.ledger() == []


@pytest.mark.shared
@pytest.mark.parametrize("both", [b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
                                  b"Content-Length: 4\r\nContent-Length: 44\r\n", b"Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n"],
                         ids=["length, chunked", "chunked, length", "two lengths", "unknown coding"])
def test_two_lengths_smuggle_nothing(gateway, both):
    """Whatever is thought of the first request, its body is not served as a second one."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = gateway.raw(HEAD + both + b"\r\n0\r\n\r\n" + hidden, seconds=3)
    assert answer.count(b"HTTP/1.1 200") == 0, answer


def test_a_body_in_pieces_and_in_chunks_is_one_body(gateway, sandbox):
    gateway.grant("+" + rig.PEOPLE[0], scope="utility")
    body = b'{"messaging_product":"whatsapp","to":"%s","type":"template","template":{"name":"hello_world","language":{"code":"en_US"}}}' % rig.PEOPLE[0].encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 17]), body[i:i + 17]) for i in range(0, len(body), 17)) + b"0\r\n\r\n"
    whole = HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks
    answer = gateway.raw([whole[i:i + 40] for i in range(0, len(whole), 40)])
    assert status(answer) == 200, answer
    assert len(sandbox.ledger()) == 1


@pytest.mark.shared
def test_expect_continue_is_answered(gateway):
    body = b"[]"
    answer = gateway.raw(HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n" + body)
    assert answer.startswith((b"HTTP/1.1 100", b"HTTP/1.1 400")), answer


def test_a_client_that_stops_in_the_middle_harms_nobody(gateway, sandbox):
    for _ in range(20):
        gateway.raw(HEAD + b"Content-Length: 500\r\n\r\n{\"messaging_product\":", seconds=0.05)
    assert gateway.get("/healthz", token=None).status_code == 200
    assert sandbox.ledger() == []
