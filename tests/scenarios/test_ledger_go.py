# SPDX-License-Identifier: Apache-2.0
"""The ledger as programs read it that know nothing of us: Go's sumdb packages as Debian ships them (tests/go), and consent-verify.
What the gateway publishes and what it exports must be proven by both, also while the log grows, and nothing that was changed."""

import shutil
import subprocess

import pytest
import rig

ANA, BELA = "+447700901301", "+447700901302"
WORDING = "Yes, Example may write to me about offers on WhatsApp."
CONSENT_VERIFY = rig.BIN.parent.parent / "verify" / "consent-verify"


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    """The program of tests/go."""
    program = tmp_path_factory.mktemp("go") / "ledger_check"
    built = subprocess.run([rig.ROOT / "tests" / "go" / "build", program], capture_output=True, text=True)
    if built.returncode == 77:
        pytest.skip("Go or golang-golang-x-mod-dev is not installed")
    assert built.returncode == 0, built.stderr

    def check(*arguments):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    return check


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A gateway whose log grew by some hundred leaves after its first checkpoint was kept by somebody."""
    p = type("Log", (), {})()
    p.folder = tmp_path_factory.mktemp("log")
    p.sandbox = rig.Sandbox(p.folder)
    p.gateway = rig.Gateway(p.folder, p.sandbox.url, **{"ledger.origin": "example.com/whatsapp"})
    p.dir = p.folder / "state" / "ledger"
    p.consent = lambda who, act, **more: rig_ok(p.gateway.admin("POST", "/consent", {"who": who, "act": act, "scope": "marketing", "source": "scenario", **more}))
    p.consent(ANA, "grant", method="web_form", wording=WORDING, language="en")
    sealed(p.gateway)
    shutil.copy(p.dir / "checkpoint", p.folder / "old.txt")
    p.gateway.people(600, first=447700901400)
    p.consent(ANA, "withdraw", method="whatsapp")
    p.consent(BELA, "grant", method="paper", evidence="scan 17")
    p.size = sealed(p.gateway)
    p.key = rig_ok(p.gateway.admin("GET", "/ledger"))["key"]
    yield p
    p.gateway.stop()
    p.sandbox.stop()


def rig_ok(answer):
    status, body = answer
    assert status == 200, body
    return body


def sealed(gateway):
    """Until everything that is in the log is in a checkpoint; how much that is."""
    gateway.sealed()
    return gateway.query("SELECT COUNT(*) FROM log_leaf")[0][0]


def export(log, who, name):
    pack = log.folder / name
    code, out, err = log.gateway.cli(["ledger", "export", who, "-o", f"{pack}/"])
    assert code == 0, out + err
    return pack


def test_go_reads_the_directory(log, go):
    run = go("-key", log.key, "-old", log.folder / "old.txt", log.dir)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"ok checkpoint: example.com/whatsapp, {log.size} leaves" in run.stdout
    assert f"ok entries: {log.size} make the root" in run.stdout
    assert "ok tiles" in run.stdout and "ok inclusion" in run.stdout
    assert f"to {log.size}," in run.stdout  # consistency with what was kept


def test_go_and_consent_verify_prove_a_pack(log, go):
    for who, events in ((ANA, 2), (BELA, 1)):
        pack = export(log, who, f"pack{events}")
        run = go("-key", log.key, "-pack", pack)
        assert run.returncode == 0 and f"ok pack: {events} events" in run.stdout, run.stdout + run.stderr
        run = subprocess.run([CONSENT_VERIFY, "--key", log.key, pack], capture_output=True, text=True)
        assert run.returncode == 0 and f"{events} of {events} events are proven" in run.stdout, run.stdout + run.stderr
    notice = log.folder / "pack2" / "events" / "0001-grant" / "notice.txt"
    assert notice.read_text() == WORDING


def test_both_refuse_what_was_changed(log, go):
    pack = export(log, ANA, "changed")
    record = pack / "events" / "0002-withdraw" / "record.json"
    record.write_text(record.read_text().replace("447700901301", "447700901302"))
    run = go("-key", log.key, "-pack", pack)
    assert run.returncode == 1 and "does not commit" in run.stdout, run.stdout
    run = subprocess.run([CONSENT_VERIFY, "--key", log.key, pack], capture_output=True, text=True)
    assert run.returncode == 1 and "WRONG  0002-withdraw: record.json is not the record" in run.stdout, run.stdout
    copy = log.folder / "copy"
    shutil.copytree(log.dir, copy)
    bundle = copy / "tile" / "entries" / "001"
    bundle.write_bytes(bundle.read_bytes().replace(b"\0\x70\1\1", b"\0\x70\1\2", 1))  # a grant becomes a withdrawal
    run = go("-key", log.key, copy)
    assert run.returncode == 1 and "do not make the checkpoint's root" in run.stdout, run.stdout
