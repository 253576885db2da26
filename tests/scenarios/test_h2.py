# SPDX-License-Identifier: Apache-2.0
"""The way upstream as it is in production: HTTP/2 over TLS, to a server that closes connections when it pleases. The
server is nginx in front of the sandbox."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import rig

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="SKIPPED for want of nginx")

CONF = """
user root; worker_processes 2; daemon off; pid nginx.pid; error_log error.log info;
events {{ worker_connections 1024; }}
http {{
  log_format protocol '$server_protocol $request_method $status $uri';
  access_log access.log protocol;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  upstream sandbox {{ server 127.0.0.1:{sandbox}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{port} ssl http2; ssl_certificate {cert}; ssl_certificate_key {key}; keepalive_requests {requests};
    client_max_body_size 200m;
    location / {{ proxy_pass http://sandbox; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off; }}
  }}
}}
"""


class Nginx:
    """nginx with a certificate of its own; an object of the shape that `start` ends."""

    name, killed = "nginx", False

    def __init__(self, folder, sandbox, port=None, requests=1000, names=("127.0.0.1",)):
        self.folder, self.port = folder, port or rig.free_port()
        folder.mkdir()
        self.ca, cert, key = rig.certificates(folder, names)
        (folder / "nginx.conf").write_text(CONF.format(sandbox=sandbox.port, port=self.port, cert=cert, key=key, requests=requests))
        self.url = f"https://127.0.0.1:{self.port}"
        self.child = subprocess.Popen([NGINX, "-p", folder, "-c", "nginx.conf", "-e", "error.log"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rig.until("nginx listens", lambda: rig.can_listen("127.0.0.1", self.port) and (folder / "nginx.pid").exists())

    def reload(self):
        self.child.send_signal(signal.SIGHUP)

    def kill_workers(self):
        for child in Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def access(self):
        return [line.split() for line in (self.folder / "access.log").read_text().splitlines()]

    def output(self):
        return (self.folder / "error.log").read_text() + (self.folder / "access.log").read_text()[-2000:]

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        assert self.child.wait(15) == 0, self.output()


@pytest.fixture
def nginx(start, sandbox, tmp_path):
    return start(Nginx, tmp_path / "nginx", sandbox)


@pytest.fixture
def gateway(start, nginx, sandbox, tmp_path):
    return start(rig.Gateway, tmp_path, nginx.url, **{"upstream.ca_file": str(nginx.ca)})


def sale(gateway, to, text="x"):
    return gateway.send_template(to, "spring_sale", parameters=[text])


def texts(sandbox):
    """What each accepted message says, as it was numbered by its sender."""
    found, after = [], 0
    while True:
        page = sandbox.call("GET", "ledger", after=after, limit=1000)
        found += [json.loads(e["body"])["template"]["components"][0]["parameters"][0]["text"] for e in page["data"]]
        if not page["more"]:
            return found
        after = page["next"]


def test_sends_and_everything_else_travel_over_http2(gateway, nginx, sandbox):
    [ana] = gateway.people(1)
    assert sale(gateway, ana).status_code == 200
    assert gateway.get("/v23.0/111").json()["id"] == "111"
    files = {"file": ("a.pdf", b"x" * 3_000_000, "application/pdf")}
    media = gateway.request("POST", "/v23.0/111/media", data={"messaging_product": "whatsapp", "type": "application/pdf"}, files=files).json()["id"]
    url = gateway.get(f"/v23.0/{media}").json()["url"]
    path = "/" + url.split("/", 3)[3]  # the sandbox does not know of the TLS before it, so the address it gives is no use here
    assert gateway.get(path).content == b"x" * 3_000_000
    assert gateway.post("/v23.0/", {"batch": [{"method": "GET", "relative_url": "111"}]}).json()[0]["code"] == 200
    passed = [line for line in nginx.access() if line[1] == "POST" or line[3] == "/v23.0/111/messages"]
    assert {line[0] for line in passed} == {"HTTP/2.0"}
    assert [line for line in nginx.access() if line[3] == "/v23.0/111/messages"] == [["HTTP/2.0", "POST", "200", "/v23.0/111/messages"]]


@pytest.mark.threads
def test_many_at_once_share_few_connections(gateway, nginx, sandbox):
    people = gateway.people(40)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: sale(gateway, people[i % 40], str(i)), range(400)))
    assert {a.status_code for a in answers} == {200}
    assert sorted(map(int, texts(sandbox))) == list(range(400))
    opened = (nginx.folder / "error.log").read_text().count("client 127.0.0.1 closed keepalive connection")
    assert opened < 20


def test_an_authority_nobody_trusts_gets_nothing(start, nginx, sandbox, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    ca, _, _ = rig.certificates(other, ["127.0.0.1"])
    gateway = start(rig.Gateway, tmp_path, nginx.url, **{"upstream.ca_file": str(ca)})
    [ana] = gateway.people(1)
    answer = sale(gateway, ana)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == 2
    assert gateway.get("/v23.0/111").status_code == 503
    assert sandbox.call("GET", "stats")["calls"] == 0


def test_a_server_that_turns_into_another_gets_nothing(start, sandbox, tmp_path):
    """Same address, other name in the certificate: the message is unsent, and sent when the right one is back."""
    first = start(Nginx, tmp_path / "first", sandbox)
    gateway = start(rig.Gateway, tmp_path, first.url, **{"upstream.ca_file": str(first.ca)})
    [ana] = gateway.people(1)
    assert sale(gateway, ana).status_code == 200
    first.stop()
    second = start(Nginx, tmp_path / "second", sandbox, port=first.port, names=("impostor.example",))
    answer = sale(gateway, ana)
    assert answer.status_code == 503
    assert answer.json()["error"]["is_transient"]
    assert gateway.record(answer)["message"]["state"] == "unsent"
    second.stop()
    assert len(sandbox.ledger()) == 1


class Load:
    """Eight clients that send one numbered message after another to forty people until told to stop."""

    def __init__(self, gateway, people):
        self.answers, self.lock, self.stopping, self.n = {}, threading.Lock(), False, 0
        self.threads = [threading.Thread(target=self.run, args=(gateway, people)) for _ in range(8)]
        for t in self.threads:
            t.start()

    def run(self, gateway, people):
        while not self.stopping:
            with self.lock:
                mine, self.n = self.n, self.n + 1
            answer = sale(gateway, people[mine % len(people)], str(mine))
            with self.lock:
                self.answers[mine] = answer

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join()
        return self.answers


def judge(gateway, sandbox, answers):
    """Nothing lost, nothing doubled, everything recorded as what it is. Returns how many ended how."""
    sent = texts(sandbox)
    assert len(sent) == len(set(sent)), "a message was sent twice"
    arrived, states = set(map(int, sent)), {}
    for n, answer in answers.items():
        state = rig.stored(gateway.record(answer)["message"]["state"])
        states[state] = states.get(state, 0) + 1
        assert (answer.status_code == 200) == (state == "accepted"), answer.text
        if state == "accepted":
            assert n in arrived
        elif state in ("unsent", "refused"):
            assert n not in arrived
    assert gateway.states() == states
    return states


@pytest.mark.threads
def test_a_reload_under_load_loses_and_doubles_nothing(gateway, nginx, sandbox):
    load = Load(gateway, gateway.people(300))
    for _ in range(4):
        time.sleep(0.5)
        nginx.reload()
    time.sleep(0.5)
    states = judge(gateway, sandbox, load.stop())
    assert set(states) <= {"accepted", "unsent"}
    assert states["accepted"] > 100
    assert states.get("unsent", 0) <= 2  # what the server did not touch goes again on another connection


def test_connections_that_last_for_twenty_requests_lose_nothing(start, sandbox, tmp_path):
    nginx = start(Nginx, tmp_path / "nginx", sandbox, requests=20)
    gateway = start(rig.Gateway, tmp_path, nginx.url, **{"upstream.ca_file": str(nginx.ca)})
    load = Load(gateway, gateway.people(300))
    time.sleep(1.5)
    states = judge(gateway, sandbox, load.stop())
    assert set(states) <= {"accepted", "unsent"}
    assert states["accepted"] > 50
    assert states.get("unsent", 0) <= 2


@pytest.mark.threads
def test_workers_that_are_killed_under_load_double_nothing(gateway, nginx, sandbox):
    load = Load(gateway, gateway.people(300))
    for _ in range(3):
        time.sleep(0.4)
        nginx.kill_workers()
    time.sleep(0.5)
    states = judge(gateway, sandbox, load.stop())
    assert states["accepted"] > 50
