# SPDX-License-Identifier: Apache-2.0
"""Power loss at every named place of a send's way (src/base/failpoints.def), under a load of every kind: nothing that was
accepted is lost, nothing is sent twice, and what is said of a message is what the platform knows of it.

Run as a program it does the same for long, with deaths at random moments:
    test_exactly_once.py [MESSAGES]        the binary is $WAYLEAVE_BIN; tools/soak kill builds one"""

import contextlib
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import requests
import rig

POINTS = [p for p in re.findall(r"^FAILPOINT\((\w+),", (rig.ROOT / "src/base/failpoints.def").read_text(), re.M)
          if not p.startswith(("errand_", "campaign_"))]  # test_welcome.py and test_campaign_exact.py die at those
FRESH = {"store_migrate", "store_migrated"}  # met by the first start only
AFTER = {"settle_left": "queued_begun", "start_leases": "queued_handed"}  # where the life before has to end
AT_END = {"stop_leases", "stop_drained"}
LEDGER = {p for p in POINTS if p.startswith("ledger_")}  # an opt-in is what makes the ledger longer
RARE = LEDGER | {"settle_doubt", "settle_left", "settle_forget", "lease_renewed", "start_state", "start_book", "start_leases", "cancel_written", "outbox_moved"} | FRESH | AT_END
SENDERS = (rig.SENDER, rig.OTHER_SENDER)
WHAT = {"marketing": "spring_sale", "utility": "order_ready", "authentication": "login_code", "service": None}


def content(category, n):
    """A message that says its number."""
    if category == "service":
        return {"type": "text", "text": {"body": str(n)}}
    components = [{"type": "body", "parameters": [{"type": "text", "text": str(n)}]}]
    if category == "authentication":
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": str(n)}]})
    return {"type": "template", "template": {"name": WHAT[category], "language": {"code": "en_US"}, "components": components}}


def number_of(row):
    body = json.loads(row["body"])
    return int(body["text"]["body"] if body["type"] == "text" else body["template"]["components"][0]["parameters"][0]["text"])


class Life(rig.Gateway):
    """A gateway that is expected to die, maybe before it is ready."""

    def __init__(self, folder, upstream, port, failpoint=None, **changes):
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.config = rig.configuration(Path(folder), upstream, port, log_level="warn", **changes)
        rig.Process.__init__(self, "gateway", ["serve", "--config", self.config], folder, {"WAYLEAVE_FAILPOINT": failpoint} if failpoint else None)

    def ready(self):
        """False: it died before."""
        with contextlib.suppress(AssertionError):
            self.wait_ready(self.url + "/readyz")
        return self.child.poll() is None

    def died(self, seconds):
        """Whether it was killed, at the latest after so long."""
        with contextlib.suppress(rig.subprocess.TimeoutExpired):
            self.child.wait(seconds * rig.SLOW)
        if self.child.returncode is None:
            return False
        self._out.close()
        complaint = rig.SANITIZER.search(self.output())
        assert self.child.returncode == -signal.SIGKILL and not complaint, self.output()[-4000:]
        return True


class Asked:
    """One message, as its client knows it."""

    def __init__(self, n, chance):
        self.n, self.sender = n, chance.choice(SENDERS)
        self.category = chance.choice(list(WHAT))
        self.way = chance.choice(["queue", "queue", "queue", "wait", "proxy", "proxy"])
        self.later = self.way == "queue" and chance.random() < 0.1  # and taken back again
        self.not_before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        self.key = f"key-{n}" if self.later or chance.random() < 0.7 else None
        self.names, self.answers, self.taken_back = set(), [], False

    def send(self, url, admin_key, to):
        if self.way == "proxy":
            headers = {"Authorization": f"Bearer {rig.TOKEN}", **({"Idempotency-Key": self.key} if self.key else {})}
            return requests.post(f"{url}/v23.0/{self.sender}/messages", json={"messaging_product": "whatsapp", "to": to, **content(self.category, self.n)}, headers=headers, timeout=20)
        body = {"from": self.sender, "to": to, **content(self.category, self.n), **({"idempotency_key": self.key} if self.key else {})}
        if self.way == "queue":
            body["queue"] = True
            if self.later:
                body["not_before"] = self.not_before
        return requests.post(f"{url}/wayleave/v1/messages", json=body, headers={"Authorization": f"Bearer {admin_key}"}, timeout=20)

    @property
    def told(self):
        """The last answer: (status, JSON)."""
        return self.answers[-1] if self.answers else (0, None)

    @property
    def queued(self):
        """Taken into the outbox; 200: it is the answer to the same request, made again."""
        return self.told[0] == 202 or (self.way == "queue" and self.told[0] == 200)


class World:
    """A sandbox, a receiver behind us, people, clients that never stop asking, and one gateway life after another."""

    def __init__(self, folder, seed, clients=6, rest=0.03, **changes):
        self.folder, self.changes, self.rest = folder, changes, rest
        self.chance, self.seed = random.Random(seed), seed
        self.sandbox, self.receiver = rig.Sandbox(folder), rig.Receiver()
        self.port = rig.free_port()
        self.changes["webhook.forward_url"] = self.receiver.url
        self.asked, self.lock = [], threading.Lock()
        self.stop, self.pause, self.lives = threading.Event(), threading.Event(), 0
        self.clients = [threading.Thread(target=self.client, daemon=True) for _ in range(clients)]
        self.people, self.admin_key = [], None

    def prepare(self):
        gateway = self.life()
        gateway.wait_ready(gateway.url + "/readyz")
        self.admin_key = gateway.admin_key
        self.sandbox.webhooks_to(gateway.url + "/webhook", retry_ms=100, sent_ms=20, delivered_ms=50, read_ms=-1)
        for scope in ("marketing", "utility", "authentication"):
            self.people = gateway.people(400, scope=scope)
        for who in self.people[:20]:
            for sender in SENDERS:
                self.sandbox.inbound(who.lstrip("+"), sender=sender)
        self.sandbox.all_told()
        gateway.wait_applied()
        gateway.stop()
        for t in self.clients:
            t.start()

    def life(self, failpoint=None):
        self.lives += 1
        return Life(self.folder, self.sandbox.url, self.port, failpoint, **self.changes)

    def next_asked(self):
        with self.lock:
            asked = Asked(len(self.asked), self.chance)
            self.asked.append(asked)
        return asked

    def client(self):
        while not self.stop.is_set():
            if not self.pause.is_set():
                self.ask(self.next_asked())
            time.sleep(self.rest)

    def ask(self, asked):
        """Once; under a key again until somebody answers."""
        to = self.people[asked.n % 20 if asked.category == "service" else asked.n % len(self.people)]
        while True:
            answer = None
            with contextlib.suppress(requests.RequestException, ValueError):
                r = asked.send(f"http://127.0.0.1:{self.port}", self.admin_key, to)
                answer = (r.status_code, r.json())
                name = r.headers.get("Wayleave-Message-Id") or answer[1].get("id")
                if name:
                    asked.names.add(name)
            if answer is not None:
                asked.answers.append(answer)
            busy = answer is None or answer[0] in (413, 429, 503)  # 413: memory was refused to it, where that is on trial
            if not busy or asked.key is None or (self.stop.is_set() and answer is not None):
                break
            time.sleep(0.05)
        if asked.later and asked.queued:
            with contextlib.suppress(requests.RequestException):
                r = requests.delete(f"http://127.0.0.1:{self.port}/wayleave/v1/messages/{asked.told[1]['id']}", headers={"Authorization": f"Bearer {self.admin_key}"}, timeout=20)
                asked.taken_back = r.status_code == 200

    def trouble(self):
        """Refusals for now, answers that are lost, connections that are cut."""
        self.sandbox.call("DELETE", "faults")
        for what in ("code=131000,status=400", "code=130429", self.chance.choice(["lost-answer", "drop", "status=500"])):
            self.sandbox.fault(what, times=1, path=f"/{self.chance.choice(SENDERS)}/messages")

    def doubt(self):
        """Leaves a message in a doubt that is settled ten seconds later."""
        with self.lock:
            asked = Asked(len(self.asked), self.chance)
            asked.category, asked.way, asked.key, asked.later = "authentication", "queue", f"doubt-{asked.n}", False
            self.asked.append(asked)
        self.sandbox.fault("drop", times=4, path=f"/{asked.sender}/messages")
        self.ask(asked)

    def opt_in(self):
        """Somebody agrees once more, so that there is something to seal."""
        with contextlib.suppress(requests.RequestException):
            requests.post(f"http://127.0.0.1:{self.port}/wayleave/v1/consent", headers={"Authorization": f"Bearer {self.admin_key}"}, timeout=20,
                          json={"who": self.people[self.lives % len(self.people)], "act": "grant", "scope": "marketing", "method": "web_form", "evidence": f"life {self.lives}"})

    def die_at(self, point):
        """A life that ends at this place. False: it never came by."""
        nth = 1 if point in RARE else self.chance.randint(1, 8)
        self.trouble()
        if point == "outbox_moved":
            for sender in SENDERS:
                self.sandbox.fault("code=131000,status=400", times=20, path=f"/{sender}/messages")
        life = self.life(f"{point}:{nth}")
        try:
            if point in AT_END and life.ready():
                time.sleep(0.3)
                life.child.send_signal(signal.SIGTERM)
            if point == "settle_doubt" and life.ready():
                self.doubt()
            if point in LEDGER and life.ready():
                self.opt_in()
            if life.died(20):
                return True
            life.kill()
            return False
        finally:
            if life.child.poll() is None:
                life.kill()

    def end(self, seconds=60):
        """The last life: no faults, everything comes to an end. Returns the gateway and what its list says."""
        self.sandbox.call("DELETE", "faults")
        last = self.life()
        last.wait_ready(last.url + "/readyz")
        self.pause.set()
        self.stop.set()
        for t in self.clients:
            t.join(30 * rig.SLOW)
        later = {asked.told[1]["id"] for asked in self.asked if asked.later and asked.queued}
        rig.until("what can be sent is sent", lambda: not set(listed(last, "waiting,sending")) - later, seconds)
        self.sandbox.all_told(130)  # what a gateway that was not there had to be told may rest for a minute
        last.wait_applied()
        return last

    def close(self):
        self.stop.set()
        self.receiver.stop()
        with contextlib.suppress(Exception):
            self.sandbox.kill()


def listed(gateway, states=None):
    """Every message of the list, by id."""
    found, before = {}, None
    while True:
        query = "limit=1000" + (f"&state={states}" if states else "") + (f"&cursor={before}" if before else "")
        status, body = gateway.admin("GET", f"/messages?{query}")
        assert status == 200, body
        found.update({m["id"]: m for m in body["messages"]})
        before = body.get("next")
        if not before:
            return found


def accepted(sandbox):
    """How often the platform accepted each message."""
    times, after = Counter(), 0
    while True:
        page = sandbox.call("GET", "ledger", after=after, limit=1000)
        times.update(number_of(row) for row in page["data"])
        if not page["more"]:
            return times
        after = page["next"]


HAS = {"accepted", "held", "sent", "delivered", "read", "failed"}
NOT = {"refused", "rejected", "unsent", "cancelled", "expired"}
UNKNOWN = {"ambiguous", "undetermined"}


def compare(world, gateway):
    """Everything that is not as it has to be, and the figures."""
    rows, times, wrong = listed(gateway), accepted(world.sandbox), []
    states = Counter(row["state"] for row in rows.values())

    def check(ok, asked, what):
        if not ok:
            wrong.append(f"message {asked.n} ({asked.category}, {asked.way}, key {asked.key}): {what}; answers {asked.answers[-2:]}, accepted {times[asked.n]} times, "
                         f"rows {[(rows.get(n) or {}).get('state') for n in asked.names]}")

    for asked in world.asked:
        mine, status = [rows[n]["state"] for n in asked.names if n in rows], asked.told[0]
        check(times[asked.n] <= 1, asked, "sent twice")
        check(len(mine) == len(asked.names), asked, "forgotten")
        if status in (200, 202):
            check(len(mine) > 0, asked, "answered for, and there is no row")
            check(times[asked.n] == sum(state in HAS for state in mine), asked, "what is said is not what is so")
            check(not set(mine) - HAS - NOT - UNKNOWN or (asked.later and mine == ["waiting"]), asked, "came to no end")
        elif status == 503 or (400 <= status < 500 and status != 409):  # 409: an earlier request under this key is in doubt
            check(not HAS & set(mine) and not (asked.key and times[asked.n]), asked, "refused, and sent all the same")
        check(not asked.taken_back or mine == ["cancelled"], asked, "its caller was told that it is taken back")
        if status == 200 and asked.way != "queue" and asked.told[1].get("state", "accepted") in HAS:
            check(times[asked.n] == 1, asked, "its caller was told that it is accepted")
    has, total = sum(states[s] for s in HAS), sum(times.values())
    if has != total:
        wrong.append(f"{has} rows say that they were accepted, the platform accepted {total}")
    return wrong, {"asked": len(world.asked), "accepted": total, "lives": world.lives, "kept for later": sum(a.later for a in world.asked), **states}


def through(folder, points, seed, missed):
    """One world in which the gateway dies at each of these places."""
    folder.mkdir()
    world = World(folder, seed)
    try:
        world.prepare()
        for point in points:
            if point in AFTER and not world.die_at(AFTER[point]):
                missed.append(AFTER[point])
            if not world.die_at(point):
                missed.append(point)
        last = world.end()
        wrong, figures = compare(world, last)
        last.stop()
        print(f"seed {seed}: {figures}")
        assert not wrong, f"seed {seed}, {len(wrong)} wrong:\n" + "\n".join(wrong[:20])
    finally:
        world.close()


def first_start(folder, point):
    """Dies while the tables are made; the next start makes them."""
    folder.mkdir()
    sandbox, port = rig.Sandbox(folder), rig.free_port()
    try:
        died = Life(folder, sandbox.url, port, point).died(10)
        life = Life(folder, sandbox.url, port)
        life.wait_ready(life.url + "/readyz")
        assert life.people(3) and life.states() == {}
        life.stop()
        return died
    finally:
        sandbox.kill()


def test_power_loss_at_every_place(tmp_path):
    seed = int(os.environ.get("WAYLEAVE_SEED", random.randrange(10**9)))
    points = [p for p in POINTS if p not in FRESH]
    missed, trouble = [], []
    missed += [p for p in sorted(FRESH) if not first_start(tmp_path / p, p)]

    def run(name, mine):
        try:
            through(tmp_path / name, mine, seed, missed)
        except BaseException as e:  # pylint: disable=broad-except
            trouble.append(e)

    worlds = [threading.Thread(target=run, args=(name, points[at::2])) for at, name in enumerate(("one", "two"))]
    for t in worlds:
        t.start()
    for t in worlds:
        t.join()
    if trouble:
        raise trouble[0]
    assert not missed, f"the load never came by {sorted(missed)} (seed {seed})"


def test_memory_that_runs_out_anywhere(tmp_path):
    """An allocation fails somewhere on the way, then the power; each time somewhere else. A start takes some 12,900 of them,
    and is refused with a sentence when it does not get one."""
    seed = int(os.environ.get("WAYLEAVE_SEED", random.randrange(10**9)))
    world = World(tmp_path, seed)
    try:
        world.prepare()
        for _ in range(12):
            life = world.life(f"arena_full:{world.chance.randint(12000, 18000)}:io")
            with contextlib.suppress(rig.subprocess.TimeoutExpired):
                life.child.wait(0.9 * rig.SLOW)
            assert life.child.returncode in (None, 1) and not rig.SANITIZER.search(life.output()), f"seed {seed}\n" + life.output()[-4000:]
            life.kill()
        last = world.end()
        wrong, figures = compare(world, last)
        last.stop()
        assert not wrong, f"seed {seed}, {len(wrong)} wrong of {figures}:\n" + "\n".join(wrong[:20])
    finally:
        world.close()


def test_a_place_that_is_none_is_refused(tmp_path, sandbox):
    life = Life(tmp_path, sandbox.url, rig.free_port(), "no_such_place")
    assert life.child.wait(10 * rig.SLOW) == 1
    assert 'there is no place "no_such_place"' in life.output()
    life._out.close()


def main():
    """So many messages, and a death every few seconds."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(os.environ.get("WAYLEAVE_SEED", 20261122))
    with tempfile.TemporaryDirectory(prefix="wayleave-kill-") as name:
        world = World(Path(name), seed, clients=16, rest=0)
        for sender in SENDERS:
            world.sandbox.call("POST", "standing", {"phone_number_id": sender, "throughput": "HIGH"})
        try:
            world.prepare()
            began = time.monotonic()
            while len(world.asked) < messages:
                life = world.life()
                if world.chance.random() < 0.3:
                    world.trouble()
                if life.died(world.chance.uniform(1, 6)):
                    sys.exit("it died by itself:\n" + life.output()[-4000:])
                life.kill()
                print(f"{time.monotonic() - began:6.0f} s, life {world.lives}: {len(world.asked)} asked for", flush=True)
            last = world.end(3600)
            wrong, figures = compare(world, last)
            last.stop()
        finally:
            world.close()
    print("\n".join(wrong[:50]))
    print(f"seed {seed}: {figures}; {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
