# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the scenarios: `sandbox` and `gateway` are real processes on free ports with a folder of their own,
stopped and checked after each test. When a test fails, their logs are printed with it.

To start and stop them is most of a short scenario. Where a table of cases leaves nothing behind that the next one could
meet (all are refused; or each looks only at what is its own), @pytest.mark.shared gives one pair to all of them in a file,
and the sandbox forgets between two of them what came.

A scenario is one story in one file. Use @pytest.mark.threads for the few that the ThreadSanitizer run repeats."""

import os

import pytest
import rig


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: many at once; repeated under ThreadSanitizer")
    config.addinivalue_line("markers", "shared: its sandbox and gateway are those of the other tests of this file with this mark")


def pytest_sessionstart(session):
    if not rig.BIN.is_file():
        pytest.exit(f"no binary at {rig.BIN}; build first, or set WAYLEAVE_BIN", returncode=4)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for process in getattr(item, "started", []) + getattr(item, "lent", []):
            report.sections.append((f"log of {process.name}", process.output()[-8000:]))


def pytest_runtest_logreport(report):
    """Names what failed for ./check, which looks at it a second time; once, in the process that hears of all workers."""
    names = os.environ.get("WAYLEAVE_FAILED")
    if report.failed and names and "PYTEST_XDIST_WORKER" not in os.environ:
        with open(names, "a", encoding="utf-8") as f:
            print(report.nodeid, file=f)


@pytest.fixture
def start(request):
    """start(Class, ...) makes a process that ends with the test: last started, first stopped."""
    request.node.started = []

    def make(kind, *arguments, **named):
        process = kind(*arguments, **named)
        request.node.started.append(process)
        return process

    yield make
    trouble = []
    for process in reversed(request.node.started):
        try:
            process.stop()
        except AssertionError as e:
            trouble.append(str(e))
    assert not trouble, "\n".join(trouble)


class Pair:
    """A sandbox and a gateway before it, for many tests: each answers for what happened while it had them."""

    def __init__(self, folder):
        self.sandbox = rig.Sandbox(folder)
        self.gateway = rig.Gateway(folder, self.sandbox.url)
        self.sandbox.webhooks_to(self.gateway.url + "/webhook")

    def check(self):
        for process in (self.gateway, self.sandbox):
            assert process.child.poll() is None and not rig.SANITIZER.search(process.output()), process.output()[-6000:]

    def stop(self):
        try:
            self.gateway.stop()
        finally:
            self.sandbox.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    p = Pair(tmp_path_factory.mktemp("shared"))
    yield p
    p.stop()


@pytest.fixture
def borrowed(request):
    """The file's pair, where a test shares it; else None."""
    if not request.node.get_closest_marker("shared"):
        yield None
        return
    p = request.getfixturevalue("pair")
    request.node.lent = [p.sandbox, p.gateway]
    yield p
    p.check()
    p.sandbox.call("POST", "reset")


@pytest.fixture
def sandbox(borrowed, request, tmp_path):
    return borrowed.sandbox if borrowed else request.getfixturevalue("start")(rig.Sandbox, tmp_path)


@pytest.fixture
def gateway(borrowed, request, sandbox, tmp_path):
    """A gateway before the sandbox, with the sandbox's webhooks pointed at it."""
    if borrowed:
        return borrowed.gateway
    g = request.getfixturevalue("start")(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(g.url + "/webhook")
    return g


@pytest.fixture
def receiver():
    r = rig.Receiver()
    yield r
    r.stop()
