# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks' drivers share: programs on cores of their own and what they used of them, a free port, a call, and
waiting for something. WRAP in the environment is put before every program ("chrt -r 1")."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
WRAP = os.environ.get("WRAP", "").split()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(url, body=None, headers=None, timeout=30):
    data = json.dumps(body).encode() if body is not None else None
    rq = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(rq, timeout=timeout) as r:
        return r.read()


def wait_for(what, ask, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if ask():
                return
        time.sleep(0.02)
    raise SystemExit(f"after {seconds} s still not: {what}")


def percentile(values, p):
    return sorted(values)[int((len(values) - 1) * p)] if values else float("nan")


class Program:
    """A process on cores of its own, and what it used of them."""

    def __init__(self, arguments, cores, log, **more):
        self.log = open(log, "ab")
        self.child = subprocess.Popen([*WRAP, "taskset", "-c", cores, *map(str, arguments)], stdout=self.log, stderr=self.log, **more)

    def pids(self):
        out = subprocess.run(["pgrep", "-P", str(self.child.pid)], capture_output=True, text=True).stdout
        return [self.child.pid, *map(int, out.split())]

    def cpu(self):
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def written_kb(self):
        with open(f"/proc/{self.child.pid}/io") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("write_bytes:"))

    def memory_mb(self, what="VmRSS"):
        with open(f"/proc/{self.child.pid}/status") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith(what + ":"))

    def kill(self):
        self.child.kill()
        self.child.wait()

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()


def busy():
    """Seconds of CPU anybody used on this machine so far."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, soft, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICKS
