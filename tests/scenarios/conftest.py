# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the scenarios: `sandbox` and `gateway` are real processes on free ports with a folder of their own,
stopped and checked after each test. When a test fails, their logs are printed with it.

A scenario is one story in one file. Use @pytest.mark.threads for the few that the ThreadSanitizer run repeats."""

import pytest
import rig


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: many at once; repeated under ThreadSanitizer")


def pytest_sessionstart(session):
    if not rig.BIN.is_file():
        pytest.exit(f"no binary at {rig.BIN}; build first, or set WAYLEAVE_BIN", returncode=4)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for process in getattr(item, "started", []):
            report.sections.append((f"log of {process.name}", process.output()[-8000:]))


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


@pytest.fixture
def sandbox(start, tmp_path):
    return start(rig.Sandbox, tmp_path)


@pytest.fixture
def gateway(start, sandbox, tmp_path):
    """A gateway before the sandbox, with the sandbox's webhooks pointed at it."""
    g = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(g.url + "/webhook")
    return g


@pytest.fixture
def receiver():
    r = rig.Receiver()
    yield r
    r.stop()
