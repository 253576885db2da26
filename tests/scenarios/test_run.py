# SPDX-License-Identifier: Apache-2.0
"""The two commands of the README do what they say."""

import os
import shutil
import subprocess

import rig


def test_run_shows_one_message_that_passes_and_one_that_does_not(tmp_path):
    for name in ("run", "data", "tools"):  # a copy, so that ./demo of a person at work is left alone
        source = rig.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, tmp_path / name)
    r = subprocess.run([tmp_path / "run", "--port", str(rig.free_port())], env={**os.environ, "RUN_ONCE": "1", "WAYLEAVE_BIN": str(rig.BIN)},
                       capture_output=True, text=True, timeout=90 * rig.SLOW, stdin=subprocess.DEVNULL)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "wamid." in r.stdout
    assert "131050" in r.stdout
    for name in ("gateway.log", "sandbox.log"):
        assert not rig.SANITIZER.search((tmp_path / "demo" / name).read_text())


def test_the_command_line_says_who_it_is():
    code, out, _ = rig.wayleave("version")
    assert code == 0
    assert "wayleave" in out.lower()
    code, out, err = rig.wayleave("no-such-command")
    assert code == 2
    assert err
