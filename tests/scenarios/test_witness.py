# SPDX-License-Identifier: Apache-2.0
"""Others confirm the ledger's checkpoints: witnesses that sign only what continues, and a time-stamping authority."""

import base64
import hashlib
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import rig

WITNESS = "witness.example/w1"


def leaf_root(old, size, root, proof):
    """The old and the new root that a consistency proof leads to (RFC 9162, 2.1.4.2); `root`: the old one."""
    node = lambda left, right: hashlib.sha256(b"\x01" + left + right).digest()
    proof = ([root] if old & (old - 1) == 0 else []) + proof
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr, sr


class Key:
    """An Ed25519 key of openssl's, for a party outside."""

    def __init__(self, folder, name):
        self.path, self.name = folder / f"{re.sub('[^a-z0-9]', '', name)}.pem", name
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path], check=True)
        self.public = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
        self.id = hashlib.sha256(name.encode() + b"\n\x04" + self.public).digest()[:4]
        encoded = base64.b64encode(b"\x04" + self.public).decode()
        self.text = f"{name}+{self.id.hex()}+{encoded}"

    def sign(self, data, folder):
        message = folder / "message"
        message.write_bytes(data)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", message], check=True, capture_output=True).stdout


class Outside:
    """A witness (C2SP tlog-witness) and a time-stamping authority (RFC 3161) in one server."""

    def __init__(self, folder):
        self.folder, self.key = folder, Key(folder, WITNESS)
        self.size, self.root, self.seen, self.refuse = 0, None, [], False
        self.authority()
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = outside.witness(body.decode()) if self.path.endswith("add-checkpoint") else outside.stamp(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def witness(self, body):
        head, note = body.split("\n\n", 1)
        first, *proof = head.split("\n")
        old = int(first.removeprefix("old "))
        origin, size, root = note.split("\n")[:3]
        size, root = int(size), base64.b64decode(root)
        self.seen.append((old, size))
        if self.refuse:
            return 403, b""
        if old != self.size:
            return 409, f"{self.size}\n".encode()
        if 0 < old < size and leaf_root(old, size, self.root, [base64.b64decode(p) for p in proof]) != (self.root, root):
            return 422, b""
        self.size, self.root = size, root
        at = int(time.time())
        text = note.split("\n\n", 1)[0] + "\n"
        signature = self.key.sign(f"cosignature/v1\ntime {at}\n{text}".encode(), self.folder)
        line = base64.b64encode(self.key.id + at.to_bytes(8, "big") + signature).decode()
        return 200, f"\u2014 {WITNESS} {line}\n".encode()

    def authority(self):
        """A throw-away authority; `openssl ts` answers for it."""
        run = lambda *words: subprocess.run(words, check=True, capture_output=True, cwd=self.folder)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ts.key", "-out", "ts.crt", "-days", "2",
            "-subj", "/CN=time", "-addext", "extendedKeyUsage=critical,timeStamping", "-addext", "keyUsage=critical,digitalSignature")
        (self.folder / "ts.cnf").write_text("[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ncrypto_device = builtin\nsigner_cert = ts.crt\nsigner_key = ts.key\n"
                                            "signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\n")
        (self.folder / "serial").write_text("01\n")
        self.stamps = 0

    def stamp(self, query):
        (self.folder / "query").write_bytes(query)
        done = subprocess.run(["openssl", "ts", "-reply", "-config", "ts.cnf", "-section", "t", "-queryfile", "query", "-out", "reply"], capture_output=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        self.stamps += 1
        return 200, (self.folder / "reply").read_bytes()

    def stop(self):
        self.server.shutdown()


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    o = Outside(folder)
    yield o
    o.stop()


def checkpoint(gateway):
    return (gateway.folder / "state" / "ledger" / "checkpoint").read_text()


def size(gateway):
    return int(checkpoint(gateway).split("\n")[1])


def confirmed(gateway, by):
    found = re.search(rf'^wayleave_ledger_confirmed_leaves{{by="{re.escape(by)}"}} (\d+)$', gateway.get("/metrics", token=None).text, re.M)
    return int(found.group(1)) if found else None


def test_a_witness_cosigns_and_an_authority_stamps(start, sandbox, tmp_path, outside):
    (tmp_path / "witnesses").write_text(f"# ours\n{outside.key.text} {outside.url}/\n")
    settings = {"ledger.witnesses": "witnesses", "ledger.timestamp_url": outside.url + "/tsr", "ledger.timestamp_ca": str(outside.folder / "ts.crt")}
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **settings)
    gateway.people(3)
    rig.until("it is cosigned", lambda: f"\u2014 {WITNESS} " in checkpoint(gateway), 30)
    rig.until("it is told", lambda: (confirmed(gateway, outside.key.text) or 0) >= 3, 30)

    stamps = gateway.folder / "state" / "ledger" / "timestamps"
    rig.until("it is stamped", lambda: list(stamps.glob("*.tsr")), 30)
    [reply] = stamps.glob("*.tsr")
    note = reply.with_suffix(".checkpoint")
    verified = subprocess.run(["openssl", "ts", "-verify", "-data", note, "-in", reply, "-CAfile", outside.folder / "ts.crt", "-partial_chain"], capture_output=True, text=True)
    assert "Verification: OK" in verified.stdout + verified.stderr, verified.stderr

    gateway.stop()  # another life does not know what the witness confirmed, and learns it from the witness
    before, stamped = outside.size, outside.stamps
    again = start(rig.Gateway, tmp_path, sandbox.url, port=gateway.port, **settings)
    again.people(2, first=447700902000)
    rig.until("the witness follows", lambda: outside.size == size(again) > before, 30)
    assert outside.stamps == stamped and confirmed(again, outside.url + "/tsr") == int(reply.stem)  # one a day, however often it starts
    assert (0, outside.size) in outside.seen or any(old == 0 for old, _ in outside.seen[1:])


def test_a_witness_that_refuses_stops_nothing(start, sandbox, tmp_path, outside):
    outside.refuse = True
    (tmp_path / "witnesses").write_text(f"{outside.key.text} {outside.url}\n")
    gateway = start(rig.Gateway, tmp_path, sandbox.url, **{"ledger.witnesses": "witnesses"})
    sandbox.webhooks_to(gateway.url + "/webhook")
    [person] = gateway.people(1)
    rig.until("it was asked", lambda: outside.seen, 30)
    assert gateway.send_template(person, "spring_sale", parameters=["Ana"]).status_code == 200
    rig.until("it is told", lambda: "did not confirm a checkpoint: it answered 403" in gateway.output(), 30)
    assert WITNESS not in checkpoint(gateway)


@pytest.mark.parametrize("line, why", [("nonsense https://w.example", "witnesses:2: "), ("{key}", "the address is missing"), ("{key} ftp://w.example", "witnesses:2: ")])
def test_a_line_that_cannot_be_read_stops_the_start(tmp_path, line, why):
    key = Key(tmp_path, WITNESS)
    (tmp_path / "witnesses").write_text("# one\n" + line.format(key=key.text) + "\n")
    config = rig.configuration(tmp_path, "http://127.0.0.1:9", rig.free_port(), **{"ledger.witnesses": "witnesses"})
    status, _, said = rig.wayleave("serve", "--config", config)
    assert status == 1 and why in said
