#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""consent-verify on packs of our own code: check_consent_verify.py MAKE_LOG CONSENT_VERIFY. What is right is proven, and of everything
that can be wrong the sentence is asked for: each file missing, each part changed, proofs and keys of somebody else."""

import base64
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

GRANT, WITHDRAW, STOP = "events/0001-grant/", "events/0002-withdraw/", "events/0003-stop/"
made, failed = 0, 0


def verify(*arguments):
    return subprocess.run([sys.argv[2], *map(str, arguments)], capture_output=True, text=True)


def expect(what, run, status, *words):
    global made, failed
    made += 1
    said = run.stdout + run.stderr
    if run.returncode != status or any(w not in said for w in words):
        failed += 1
        print(f"{what}: status {run.returncode}, {status} was wanted, with {words}:\n{said}")


def replace(pack, name, change):
    path = pack / name
    path.write_bytes(change(path.read_bytes()))


def flip(at):
    return lambda b: b[:at] + bytes([b[at] ^ 1]) + b[at + 1:]


def swap(old, new):
    def change(b):
        assert old in b, old
        return b.replace(old, new, 1)
    return change


def line(n, text):
    def change(b):
        lines = b.split(b"\n")
        lines[n] = text
        return b"\n".join(lines)
    return change


def signed(n):
    """The n-th line from the end, with one bit of its signature changed."""
    def change(b):
        lines = b.split(b"\n")
        head, code = lines[-1 - n].rsplit(b" ", 1)
        raw = base64.b64decode(code)
        lines[-1 - n] = head + b" " + base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1]))
        return b"\n".join(lines)
    return change


def long_signature(b):
    """The log's line once more, with more behind its signature than one has."""
    head, code = b.split(b"\n")[4].rsplit(b" ", 1)
    return b + head + b" " + base64.b64encode(base64.b64decode(code) + bytes(30)) + b"\n"


# name of the file, what is done to it (None: it goes), what is said
WRONG = [
    ("checkpoint.txt", None, "No such file"),
    ("checkpoint.txt", signed(2), "the signature of wayleave.example/log on the checkpoint is wrong"),
    ("checkpoint.txt", signed(1), "the signature of witness.example/w1 on the checkpoint is wrong"),
    ("checkpoint.txt", line(-2, b""), "no signatures"),
    ("checkpoint.txt", swap(b"\n1000\n", b"\n1001\n"), "the signature of wayleave.example/log on the checkpoint is wrong"),
    ("checkpoint.txt", swap(b"\n1000\n", b"\n01000\n"), "not a log's name, a size and a root"),
    ("checkpoint.txt", swap(b"wayleave.example/log\n", b"elsewhere.example/log\n"), "of the log elsewhere.example/log"),
    ("checkpoint.txt", swap(b"\n1000\n", b"\n1000\r\n"), "control character"),
    ("checkpoint.txt", lambda b: b[:-1], "no signed note"),
    ("checkpoint.txt", lambda b: b + b"x\n", "a line of signatures that is none"),
    ("checkpoint.txt", long_signature, "the signature of wayleave.example/log on the checkpoint is wrong"),
    ("checkpoint.txt", lambda b: b * 300, "too large"),
    (GRANT + "record.json", None, "No such file"),
    (GRANT + "record.json", flip(70), "record.json is not the record that entry.bin commits to"),
    (GRANT + "record.json", lambda b: b + b"\n", "record.json is not the record that entry.bin commits to"),
    (GRANT + "record.json", lambda b: b + b" " * 70000, "too large"),
    (GRANT + "salt.txt", None, "No such file"),
    (GRANT + "salt.txt", lambda b: b.upper(), "salt.txt is not 64 hex digits"),
    (GRANT + "salt.txt", lambda b: b[1:], "salt.txt is not 64 hex digits"),
    (GRANT + "salt.txt", lambda b: b[:10] + (b"0" if b[10:11] != b"0" else b"1") + b[11:], "record.json is not the record"),
    (GRANT + "entry.bin", None, "No such file"),
    (GRANT + "entry.bin", flip(0), "entry.bin is no entry that is known"),
    (GRANT + "entry.bin", lambda b: b[:1] + b"\x63" + b[2:], "entry.bin is no entry that is known"),
    (GRANT + "entry.bin", lambda b: b[:1] + b"\x02" + b[2:], "the entry says withdraw and the record does not"),
    (GRANT + "entry.bin", flip(3), "entry.bin is no entry that is known"),
    (GRANT + "entry.bin", flip(4), "the proof does not lead from the entry to the checkpoint's root"),
    (GRANT + "entry.bin", lambda b: b[:4] + b"\0\0\0\1" + b[8:], "made after the entry"),
    (GRANT + "entry.bin", flip(20), "the proof does not lead from the entry to the checkpoint's root"),
    (GRANT + "entry.bin", flip(60), "record.json is not the record that entry.bin commits to"),
    (GRANT + "entry.bin", flip(111), "entry.bin is no entry that is known"),
    (GRANT + "entry.bin", lambda b: b[:-1], "entry.bin is no entry that is known"),
    (GRANT + "entry.bin", lambda b: b + b"\0", "too large"),
    (GRANT + "notice.txt", None, "notice.txt is missing"),
    (GRANT + "notice.txt", flip(3), "notice.txt is not the notice that the record names"),
    (WITHDRAW + "notice.txt", lambda b: b"made up", "notice.txt is there, and the record names no notice"),
    (GRANT + "proof.tlog-proof", None, "No such file"),
    (GRANT + "proof.tlog-proof", line(0, b"c2sp.org/tlog-proof@v2"), "does not begin as"),
    (GRANT + "proof.tlog-proof", line(1, b"index 00"), "which leaf"),
    (GRANT + "proof.tlog-proof", line(1, b"index 1"), "does not lead from the entry"),
    (GRANT + "proof.tlog-proof", line(1, b"index 1000"), "does not lead from the entry"),
    (GRANT + "proof.tlog-proof", line(2, base64.b64encode(bytes(32))), "does not lead from the entry"),
    (GRANT + "proof.tlog-proof", line(2, b"AAAA"), "a line that is no hash"),
    (GRANT + "proof.tlog-proof", swap(b"\nindex 0\n", b"\nindex 0\n" + base64.b64encode(bytes(32)) + b"\n"), "does not lead from the entry"),
    (GRANT + "proof.tlog-proof", swap(b"\nindex 0\n", b"\nindex 0\n" + (base64.b64encode(bytes(32)) + b"\n") * 60), "too many"),
    (GRANT + "proof.tlog-proof", lambda b: b[:100], "ends before its checkpoint"),
    (GRANT + "proof.tlog-proof", lambda b: b.split(b"\n\n")[0] + b"\n", "ends before its checkpoint"),
    (GRANT + "proof.tlog-proof", signed(2), "the signature of wayleave.example/log on the checkpoint is wrong"),
]


def wrong_packs(tmp, keys):
    for i, (name, change, said) in enumerate(WRONG):
        pack = tmp / f"wrong{i}"
        shutil.copytree(tmp / "a" / "pack", pack)
        if change is None:
            (pack / name).unlink()
        elif not (pack / name).exists():
            (pack / name).write_bytes(change(b""))
        else:
            replace(pack, name, change)
        expect(f"{i} {name}", verify(*keys, pack), 1, "WRONG", said)
        shutil.rmtree(pack)


def mixed_packs(tmp, keys):
    """Right files in wrong places."""
    pack = tmp / "mixed"
    shutil.copytree(tmp / "a" / "pack", pack)
    for old, new in ((STOP, "events/9999-stop"), ("events/0004-resume", "events/10000-resume")):
        (pack / old).rename(pack / new)
    expect("many events", verify(*keys, pack), 0, "4 of 4 events", "warn   events 0003 to 9998 are not in the pack")
    shutil.rmtree(pack / WITHDRAW)
    expect("one that was taken out", verify(*keys, pack), 0, "3 of 3 events", "warn   events 0002 to 9998 are")
    (pack / "events/9999-stop").rename(pack / STOP)
    expect("one of the middle", verify(*keys, pack), 0, "warn   event 0002 is not in the pack", "warn   events 0004 to 9999 are")
    shutil.make_archive(tmp / "pack", "zip", pack)
    expect("an archive", verify(*keys, tmp / "pack.zip"), 1, "unzip it")
    shutil.rmtree(pack)
    shutil.copytree(tmp / "a" / "pack", pack)
    shutil.copytree(pack / GRANT, pack / "events/0005-grant")
    expect("an event twice", verify(*keys, pack), 1, "was shown already", "4 of 5 events")
    shutil.rmtree(pack / "events/0005-grant")
    shutil.copy(tmp / "b" / "pack" / GRANT / "proof.tlog-proof", pack / GRANT / "proof.tlog-proof")
    expect("a proof of another time", verify(*keys, pack), 1, "WRONG  0001-grant")
    shutil.copy(tmp / "b" / "pack" / "checkpoint.txt", pack / "checkpoint.txt")
    shutil.copy(tmp / "a" / "pack" / GRANT / "proof.tlog-proof", pack / GRANT / "proof.tlog-proof")
    expect("another checkpoint", verify(*keys, pack), 1, "another checkpoint than the pack's")
    shutil.rmtree(pack / "events")
    expect("no folder of events", verify(*keys, pack), 1, "No such file")
    (pack / "events").mkdir()
    expect("no events", verify(*keys, pack), 1, "there is no event in it")


def keys_of_others(tmp, pack, key, witness):
    name, digits, code = key.split("+", 2)
    for bad in ["", "x", key[:-4], name + "x+" + digits + "+" + code, name + "+" + digits.upper() + "+" + code, name + "+00000000+" + code]:
        expect(f"key {bad!r}", verify("--key", bad, pack), 2, "consent-verify:")
    expect("a witness is no log", verify("--key", witness, pack), 1, "the key is witness.example/w1's")
    expect("a log is no witness that is named", verify("--key", key, "--witness", key, pack), 0)
    (tmp / "key-file").write_text(key + "\n")
    expect("a key in a file", verify("--key", tmp / "key-file", pack), 0)
    expect("no key for a proof", verify(pack / GRANT / "proof.tlog-proof"), 1, "needs --key")
    expect("no key that is known", verify("--key", "/nowhere", pack), 2)
    for bad in [[], ["--key"], ["--key", key], ["--key", key, "--key", key, pack], ["--what", pack]]:
        expect(f"command line {bad}", verify(*bad), 2)
    expect("help", verify("--help"), 0, "usage: consent-verify")
    expect("nothing there", verify("--key", key, tmp / "none"), 1, "No such file")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        subprocess.run([sys.argv[1], tmp / "a", "300", "1000"], check=True)
        subprocess.run([sys.argv[1], tmp / "b", "300", "1001"], check=True)
        pack, key, witness = tmp / "a" / "pack", (tmp / "a" / "key.txt").read_text().strip(), (tmp / "a" / "witness.txt").read_text().strip()
        keys = ["--key", key, "--witness", witness]
        expect("a pack", verify(*keys, pack), 0, "signed by its key and 1 witness, first at 2026-09-21 ", "4 of 4 events are proven",
               "0001-grant: grant, leaf 0 of 1000, recorded in the hour of 2026-09-21 14:00 UTC, notice fits",
               "0004-resume: resume, leaf 999 of 1000, recorded in the hour of 2026-09-24 14:00 UTC, no notice")
        expect("two packs", verify(*keys, pack, tmp / "b" / "pack"), 0, "of 1000,", "of 1001,")
        expect("one good, one bad", verify(*keys, pack, tmp), 1, "4 of 4 events are proven")
        expect("its own key", verify(pack), 0, "the key is the pack's own", "signed by its key and 0 witnesses")
        expect("single proofs", verify(*keys, pack / GRANT / "proof.tlog-proof", pack / STOP / "proof.tlog-proof"), 0, "leaf 666 of 1000")
        wrong_packs(tmp, keys)
        mixed_packs(tmp, keys)
        keys_of_others(tmp, pack, key, witness)
        for size in (4, 5, 6, 7, 8, 9, 255, 256, 257, 65537):
            subprocess.run([sys.argv[1], tmp / "n", "1", str(size)], check=True)
            expect(f"a log of {size}", verify(*keys, tmp / "n" / "pack"), 0, "4 of 4 events are proven")
            shutil.rmtree(tmp / "n")
    print(f"{made - failed} of {made} as expected")
    sys.exit(failed > 0)


main()
