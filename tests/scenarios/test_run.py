# SPDX-License-Identifier: Apache-2.0
"""The two commands of the README do what they say."""

import fcntl
import os
import shutil
import socket
import subprocess

import rig


def test_run_shows_one_message_that_passes_and_one_that_does_not(tmp_path):
    for name in ("run", "data", "tools"):  # a copy, so that ./demo of a person at work is left alone
        source = rig.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, tmp_path / name)
    port = rig.free_port()
    r = subprocess.run([tmp_path / "run", "--port", str(port)], env={**os.environ, "RUN_ONCE": "1", "WAYLEAVE_BIN": str(rig.BIN)},
                       capture_output=True, text=True, timeout=90 * rig.SLOW, stdin=subprocess.DEVNULL)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "wamid." in r.stdout
    assert "131050" in r.stdout
    for name in ("gateway.log", "sandbox.log"):
        assert not rig.SANITIZER.search((tmp_path / f"demo-{port}" / name).read_text())


def test_run_deletes_nothing_where_it_cannot_run(tmp_path):
    shutil.copy2(rig.ROOT / "run", tmp_path / "run")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        kept = tmp_path / f"demo-{port}" / "state"
        kept.mkdir(parents=True)
        r = subprocess.run([tmp_path / "run", f"--port={port}"], env={**os.environ, "WAYLEAVE_BIN": str(rig.BIN)}, capture_output=True, text=True, timeout=30)
        assert r.returncode == 1
        assert f"port {port} is in use" in r.stderr
        assert kept.is_dir()
    with open(tmp_path / f"demo-{port}.lock", "w") as lock:  # another ./run that has not come to listening yet
        fcntl.flock(lock, fcntl.LOCK_EX)
        r = subprocess.run([tmp_path / "run", f"--port={port}"], env={**os.environ, "WAYLEAVE_BIN": str(rig.BIN)}, capture_output=True, text=True, timeout=30)
        assert (r.returncode, kept.is_dir()) == (1, True)
    for words in (["--port", "0"], ["--port=65536"], ["--port="], ["--port", ""], ["--port"], ["--port", "x"], ["--prot"]):
        assert subprocess.run([tmp_path / "run", *words], capture_output=True, timeout=30).returncode == 2, words
    text = subprocess.run([tmp_path / "run", "--help"], capture_output=True, text=True, timeout=30).stdout
    assert text.startswith("Builds Wayleave") and "SPDX" not in text and "WAYLEAVE_BIN" not in text


def test_the_command_line_says_who_it_is():
    code, out, _ = rig.wayleave("version")
    assert code == 0
    assert "wayleave" in out.lower()
    code, out, err = rig.wayleave("no-such-command")
    assert code == 2
    assert err
