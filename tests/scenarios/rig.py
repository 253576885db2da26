# SPDX-License-Identifier: Apache-2.0
"""Real processes for scenarios: a sandbox that plays Meta, a gateway in front of it, their configuration (here and
nowhere else), their logs and their end. A process that does not end with status 0, or that a sanitizer complained
about, fails the test that started it.

Run as a program it starts a pair, seeds it, and runs a command with the facts in its environment:
    rig.py COMMAND [ARGUMENT...]        the binary is $WAYLEAVE_BIN
"""

import contextlib
import ctypes
import ctypes.util
import json
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import requests
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("WAYLEAVE_BIN", ROOT / "build" / "src" / "cmd" / "wayleave")).resolve()
RULES = ROOT / "data" / "rules" / "whatsapp-platform.yaml"
TOKEN = "sandbox-token"
SENDER, OTHER_SENDER, WABA = "111", "112", "2000"
APP_SECRET, VERIFY_TOKEN = "scenario-app-secret", "scenario-verify-token"
SLOW = 4 if os.environ.get("WAYLEAVE_SLOW") else 1  # sanitizers multiply every wait
STATES = {1: "refused", 2: "sending", 3: "accepted", 4: "rejected", 5: "ambiguous", 6: "unsent",
          7: "waiting", 8: "failed", 9: "expired", 10: "undetermined", 11: "cancelled"}
SANITIZER = re.compile(r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed)")


# No scenario asks an authority of this system (those with TLS name one of their own), and to read all of them takes half of a start.
NO_AUTHORITIES = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
SANITIZED = BIN.is_file() and any(mark in BIN.read_bytes() for mark in (b"__asan_init", b"__tsan_init"))  # memory and time mean little then


def stored(word):
    """The state in the database behind the word that is shown: what statuses said of an accepted message is no state of its own."""
    return "accepted" if word in ("held", "sent", "delivered", "read", "played") else word


def free_port():
    """A port nobody listened on a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def now():
    """This moment as the REST interface takes times."""
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"


def until(what, ask, seconds=30):
    """Asks until the answer is true and returns it; fails with `what` when it never is."""
    end, rest = time.monotonic() + seconds * SLOW, 0.005
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds * SLOW} s still not: {what}")
        time.sleep(rest)
        rest = min(rest * 1.5, 0.02)


def unpacked(body, most=4 << 20):
    """A webhook body out of its zstd frame, with the dictionary of src/store."""
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    words, out = (ROOT / "src" / "store" / "inbox.zdict").read_bytes(), ctypes.create_string_buffer(most)
    zstd.ZSTD_createDCtx.restype = ctypes.c_void_p
    zstd.ZSTD_decompress_usingDict.restype = ctypes.c_size_t
    context = ctypes.c_void_p(zstd.ZSTD_createDCtx())
    size = ctypes.c_size_t
    n = zstd.ZSTD_decompress_usingDict(context, out, size(most), body, size(len(body)), words, size(len(words)))
    zstd.ZSTD_freeDCtx(context)
    assert n <= most, "not a packed body"
    return out.raw[:n]


class Process:
    """One running wayleave, with its log in a file and a clean end."""

    def __init__(self, name, arguments, folder, env=None):
        self.name, self.folder = name, Path(folder)
        self.log = self.folder / f"{name}.log"
        self._out = open(self.log, "ab")
        self.child = subprocess.Popen([BIN, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT,
                                      cwd=self.folder, env={**os.environ, **NO_AUTHORITIES, **(env or {})})
        self.killed = False

    def wait(self, seconds):
        """Its status, the moment it has ended; Popen.wait(seconds) by itself would look every 50 ms only."""
        with contextlib.suppress(OSError), open(os.pidfd_open(self.child.pid), "rb", buffering=0) as ended:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.poll(seconds * 1000)
            seconds = 0.1
        return self.child.wait(seconds)

    def peak_memory(self):
        """The most memory it ever had in use, in bytes."""
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.child.pid}/status").read_text()).group(1)) * 1024

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_ready(self, url, seconds=60):
        def ready():
            if self.child.poll() is not None:
                raise AssertionError(f"{self.name} ended with status {self.child.returncode} while starting:\n{self.output()}")
            with contextlib.suppress(requests.RequestException):
                return requests.get(url, timeout=2).status_code == 200
            return False
        until(f"{self.name} answers {url}", ready, seconds)

    def kill(self):
        """As power loss would: no chance to finish anything."""
        self.killed = True
        self.child.kill()
        self.child.wait(10)
        self._out.close()

    def stop(self, seconds=15):
        """Asks it to end and insists that it ends well."""
        if self._out.closed:
            return
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            status = self.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)
            status = "none: it had to be killed"
        self._out.close()
        complaint = SANITIZER.search(self.output())
        if complaint:
            raise AssertionError(f"{self.name}: {complaint.group(0)}\n{self.output()[-6000:]}")
        if status != 0:
            raise AssertionError(f"{self.name} ended with status {status}:\n{self.output()[-3000:]}")


class Sandbox(Process):
    """The imitation Cloud API and its own calls under /_sandbox/."""

    def __init__(self, folder, port=None, options=()):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__("sandbox", ["sandbox", "--listen", f"127.0.0.1:{self.port}", "--app-secret", APP_SECRET, "--verify-token", VERIFY_TOKEN, *options], folder)
        self.wait_ready(self.url + "/_sandbox/stats")

    def call(self, method, path, body=None, **query):
        r = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, params=query, timeout=10 * SLOW)
        assert r.status_code < 300, f"sandbox {method} {path}: {r.status_code} {r.text}"
        return r.json() if r.content else None

    def ledger(self, **query):
        """What the platform accepted, oldest first; query: after, limit, wamid, to, phone_number_id."""
        return self.call("GET", "ledger", **query)["data"]

    def inbound(self, number, text="hello", sender=SENDER, **more):
        """A person writes to the business (or what else `more` says); the webhook follows. Returns the message's id."""
        return self.call("POST", "inbound", {"from": number, "phone_number_id": sender, "text": text, **more}).get("id")

    def fault(self, what, times=1, **match):
        """The next matching calls go wrong: 'status=500', 'lost', 'code=131056', 'delay=300'..."""
        return self.call("POST", "faults", {"fault": what, "times": times, **match})

    def webhooks_to(self, url, **settings):
        """Where events go from now on, after the handshake; settings: mode, sent_ms, batch, verify..."""
        return self.call("POST", "webhook", {"url": url, **settings})

    def all_told(self, seconds=30):
        """Waits until it has told all it knows, statuses to come among it, and was heard."""
        def nothing_left():
            hook = self.call("GET", "webhook")
            return not any(hook[k] for k in ("waiting", "planned", "in_flight"))
        until("the platform has told everything", nothing_left, seconds)

    def kill(self):
        super().kill()
        self._is_gone()

    def stop(self, seconds=15):
        super().stop(seconds)
        self._is_gone()

    def _is_gone(self):
        """Waits until the other ends of its connections have been told. What is sent into one before that has left, and
        nobody can say whether it arrived."""
        def connected():
            ends = [line.split()[2:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            return [f"0100007F:{self.port:04X}", "01"] in ends  # established, towards 127.0.0.1
        until("all connections to the sandbox are closed", lambda: not connected())


def configuration(folder, upstream, port, **changes):
    """The one place where scenarios write a configuration. Changes are dotted keys: {"limits.queue": 16}."""
    (folder / "app-secret").write_text(APP_SECRET)
    (folder / "verify-token").write_text(VERIFY_TOKEN)
    (folder / "sender.token").write_text(TOKEN)
    for name in ("app-secret", "verify-token", "sender.token"):
        (folder / name).chmod(0o600)
    config = {
        "listen": f"127.0.0.1:{port}",
        "state_dir": "state",
        "rules": {"platform": str(RULES)},
        "log_level": "debug",
        "upstream": {"url": upstream},
        "webhook": {"app_secret_file": "app-secret", "verify_token_file": "verify-token"},
        "senders": [{"id": s, "token_file": "sender.token"} for s in (SENDER, OTHER_SENDER)],
    }
    for key, value in changes.items():
        *path, last = key.split(".")
        place = config
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    target = folder / "wayleave.yaml"
    target.write_text(yaml.safe_dump(config, sort_keys=False))
    return target


class Gateway(Process):
    """The product, as its clients and its operator see it."""

    def __init__(self, folder, upstream, port=None, env=None, **changes):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = configuration(Path(folder), upstream, self.port, **changes)
        super().__init__("gateway", ["serve", "--config", self.config], folder, env)
        self.wait_ready(self.url + "/readyz")

    @property
    def admin_key(self):
        return (self.folder / "state" / "admin.key").read_text().strip()

    def request(self, method, path, headers=None, token=TOKEN, timeout=15, **more):
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        return requests.request(method, self.url + path, headers=headers, timeout=timeout * SLOW, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, json=None, headers=None, **more):
        return self.request("POST", path, headers=headers, json=json, **more)

    def send(self, to, sender=SENDER, version="v23.0", edge="messages", token=TOKEN, timeout=15, **message):
        """POSTs a Graph send as a client would; without a message it is a text. `timeout` is the client's patience."""
        if not message:
            message = {"type": "text", "text": {"body": "hello"}}
        return self.post(f"/{version}/{sender}/{edge}", {"messaging_product": "whatsapp", **({"to": to} if to else {}), **message}, token=token, timeout=timeout)

    def send_template(self, to, name, language="en_US", parameters=(), **more):
        components = [{"type": "body", "parameters": [{"type": "text", "text": p} for p in parameters]}] if parameters else []
        return self.send(to, type="template", template={"name": name, "language": {"code": language}, "components": components}, **more)

    def admin(self, method, path, body=None):
        """Our own REST API; returns (status, JSON)."""
        r = self.request(method, "/wayleave/v1" + path, token=self.admin_key, json=body)
        return r.status_code, (r.json() if r.content else None)

    def grant(self, who, scope="marketing", method="web_form"):
        """An act of the person's just now, with what proves it: the rank is captured, and it is sealed."""
        status, body = self.admin("POST", "/consent", {"who": who, "act": "grant", "scope": scope, "method": method, "at": now(),
                                                       "source": "https://shop.example/form", "wording": "Yes, write to me on WhatsApp."})
        assert status == 200, body
        self.sealed()
        return body

    def sealed(self):
        """Waits until all that was said of consent lies inside a signed checkpoint: marketing waits for that, too."""
        [(n,)] = self.query("SELECT COUNT(*) FROM log_leaf")
        until("the ledger is sealed", lambda: self.admin("GET", "/ledger")[1]["sealed"] >= n, 20)

    def people(self, n, first=447700901000, scope="marketing"):
        """That many people who agreed, as numbers with a plus; also a business has a list."""
        numbers = [f"+{first + i}" for i in range(n)]
        consent = {"act": "grant", "scope": scope, "method": "web_form", "at": "2026-01-02T03:04:05Z"}
        for at in range(0, n, 500):
            status, body = self.admin("POST", "/contacts/import", {"contacts": [{"phone": number, "consent": consent} for number in numbers[at:at + 500]]})
            assert status == 200 and not body["errors"], body
        self.sealed()
        return numbers

    def person(self, who):
        """What we know of a person, or None."""
        status, body = self.admin("GET", "/contacts/" + quote(who, safe=""))
        return body if status == 200 else None

    def record(self, answer):
        """What was recorded of the message that was answered so: its decision, its state, its events."""
        name = answer.headers.get("Wayleave-Message-Id") or answer.json()["error"]["error_data"]["wayleave"]["id"]
        status, body = self.admin("GET", f"/decisions/{name}")
        assert status == 200, body
        return body

    def query(self, sql):
        """Rows of the database; also of a gateway that is dead."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/state/wayleave.db?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(sql).fetchall()

    def bodies(self):
        """Webhook bodies as they came, by seq; read without the program, by the format alone."""
        return {seq: unpacked(bytes(body)) if form else bytes(body) for seq, form, body in self.query("SELECT seq, form, body FROM inbox")}

    def states(self):
        """How many messages the database holds in each state."""
        return {STATES[state]: n for state, n in self.query("SELECT state, COUNT(*) FROM msg GROUP BY state")}

    def metric(self, name):
        """A counter or a gauge of /metrics, without the prefix that all have."""
        lines = self.get("/metrics", token=None).text.splitlines()
        [line] = [line for line in lines if line.startswith(f"wayleave_{name} ")]
        return int(line.split()[1])

    def polled(self, n):
        """Waits until so many readings of numbers and accounts are over: one of each at the start, and then none
        for a quarter of an hour."""
        until(f"{n} readings", lambda: self.metric("polls_total") >= n)

    def wait_applied(self):
        """Until every webhook stored by now has been applied."""
        [(newest,)] = self.query("SELECT COALESCE(MAX(seq), 0) FROM inbox")
        until("all webhooks are applied", lambda: (self.query("SELECT value FROM reader_cursor WHERE name = 'projector'") or [(0,)])[0][0] >= newest)

    def cli(self, arguments, stdin=None, timeout=60):
        """Runs a subcommand against this gateway: (exit status, standard output, standard error)."""
        r = subprocess.run([BIN, *map(str, arguments), "--config", self.config], input=stdin, capture_output=True, text=True, timeout=timeout * SLOW, cwd=self.folder)
        assert not SANITIZER.search(r.stderr), r.stderr
        return r.returncode, r.stdout, r.stderr

    def raw(self, data, seconds=5, half_close=False):
        """Bytes as they are to the port; what came back until the other side closed or the time was up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds * SLOW) as s:
            got = b""
            with contextlib.suppress(socket.timeout, ConnectionError):
                for piece in [data] if isinstance(data, bytes) else data:
                    s.sendall(piece)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        break
                    got += piece
            return got


class WallClock:
    """The wall clock of one process, to be set: Gateway(..., env=clock.env)."""

    def __init__(self, folder):
        library, self.seconds = folder / "wall_clock.so", folder / "wall_clock.seconds"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("wall_clock.c")], check=True)
        self.set(0)
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        self.env = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self.seconds), "ASAN_OPTIONS": options}

    def set(self, seconds):
        """That many seconds from the truth."""
        with open(self.seconds, "r+b" if self.seconds.exists() else "wb") as f:
            f.write(seconds.to_bytes(8, sys.byteorder, signed=True))


def wayleave(*arguments, stdin=None, timeout=60, cwd=None, env=None):
    """Any subcommand without a gateway: (exit status, standard output, standard error)."""
    r = subprocess.run([BIN, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=timeout * SLOW, cwd=cwd, env={**os.environ, **(env or {})})
    assert not SANITIZER.search(r.stderr), r.stderr
    return r.returncode, r.stdout, r.stderr


class Receiver:
    """A plain HTTP listener that keeps what it was sent; for webhooks handed on."""

    def __init__(self, status=200):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        receiver = self
        self.requests, self.status = [], status

        class Handler(BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = {"path": self.path, "headers": dict(self.headers.items()), "body": body}
                receiver.requests.append(request)
                answer = receiver.answer(request)
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        """The status, or status and headers, for a request that was kept; for stand-ins that do something with it."""
        return self.status

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Front:
    """A server between gateway and sandbox that passes everything on, except what it is told to answer by itself:
    `answer` is None or (status, headers, body) for the sends to come. It keeps the posts it saw, the sends by themselves, and the
    reads with their token; `most` is how many reads were under way at a time."""

    def __init__(self, behind):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        front = self
        self.posts, self.sends, self.gets, self.answer = [], [], [], None
        self.lock, self.open, self.most = threading.Lock(), 0, 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = None
                if self.command == "POST":
                    front.posts.append((self.path, body))
                if self.command == "POST" and self.path.split("?")[0].endswith("messages"):
                    front.sends.append(body)
                    answer = front.answer
                if self.command == "GET":
                    with front.lock:
                        front.gets.append((self.path, self.headers.get("Authorization", "").removeprefix("Bearer ")))
                        front.open += 1
                        front.most = max(front.most, front.open)
                if answer is None:
                    r = requests.request(self.command, behind + self.path, data=body, headers={k: v for k, v in self.headers.items() if k != "Host"}, timeout=30)
                    answer = r.status_code, {"Content-Type": r.headers.get("Content-Type", "")}, r.content
                if self.command == "GET":
                    with front.lock:
                        front.open -= 1
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def certificates(folder, names):
    """A throw-away authority and one certificate for those addresses: (ca, cert, key) as PEM files."""
    folder = Path(folder)
    san = ",".join(("IP:" if re.fullmatch(r"[0-9.]+", n) else "DNS:") + n for n in names)
    (folder / "san").write_text(f"subjectAltName={san}\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for command in (
        ["openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=scenario authority"],
        ["openssl", "req", *key[:-2], "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=scenario"],
        ["openssl", "x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san", "-out", "tls.crt"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "ca.pem", folder / "tls.crt", folder / "tls.key"


def can_listen(address, port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((address, port))
        except OSError as e:
            return f"cannot listen on {address}:{port}: {e.strerror}"
    return ""


PEOPLE = [f"4477009000{i:02}" for i in range(8)]  # a range set aside for fiction
STRANGER = "447700900099"
TLS_ADDRESS = "127.0.0.2"


def seed(gateway, sandbox):
    """Eight people who agreed to marketing and wrote just now; one stranger who did neither."""
    for number in PEOPLE:
        gateway.grant("+" + number)
        sandbox.inbound(number)
    for number in PEOPLE:
        until(f"the window of {number} is open", lambda n=number: (gateway.admin("GET", f"/contacts/%2B{n}")[1] or {}).get("windows"))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="wayleave-rig-") as name:
        folder = Path(name)
        env, changes = {}, {}
        refused = can_listen(TLS_ADDRESS, 443)
        if refused:
            env["TLS_ABSENT"] = refused
        else:
            ca, cert, key = certificates(folder, [TLS_ADDRESS])
            changes = {"listen_tls": f"{TLS_ADDRESS}:443", "tls.cert": str(cert), "tls.key": str(key)}
            env.update(TLS_HOST=TLS_ADDRESS, NODE_EXTRA_CA_CERTS=str(ca))
        sandbox = gateway = None
        status = 1
        try:
            sandbox = Sandbox(folder)
            gateway = Gateway(folder, sandbox.url, **changes)
            sandbox.webhooks_to(gateway.url + "/webhook")
            seed(gateway, sandbox)
            env.update(BASE_URL=gateway.url, SANDBOX_URL=sandbox.url, TOKEN=TOKEN, PHONE_ID=SENDER, WABA_ID=WABA, PEOPLE=",".join(PEOPLE),
                       STRANGER=STRANGER, TEMPLATE="spring_sale", TEMPLATE_LANGUAGE="en_US", ADMIN_KEY_FILE=str(folder / "state" / "admin.key"))
            status = subprocess.run(sys.argv[1:], env={**os.environ, **env}, check=False).returncode
        finally:
            for process in (gateway, sandbox):
                if process is not None:
                    try:
                        process.stop()
                    except AssertionError as e:
                        print(e, file=sys.stderr)
                        status = status or 1
            if status and gateway is not None:
                print("--- gateway's last words\n" + gateway.output()[-4000:], file=sys.stderr)
        sys.exit(status)


if __name__ == "__main__":
    main()
