#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logs and packs of our own code, read by Go's sumdb packages as they are: check_go.py MAKE_LOG. Then a few changed bytes, which Go
must not take either: a check that takes everything proves nothing."""

import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = [(0, 4), (1, 5), (3, 255), (255, 256), (256, 257), (300, 1000), (60000, 66000)]


def check(program, folder, *more):
    key, witness = (folder / "key.txt").read_text().strip(), (folder / "witness.txt").read_text().strip()
    old = ["-old", folder / "old.txt"] if "OLD" in more else []
    return subprocess.run([program, "-key", key, "-witness", witness, *old, "-pack", folder / "pack", folder / "log"],
                          capture_output=True, text=True)


def flip(path, at):
    b = bytearray(path.read_bytes())
    b[at] ^= 1
    path.write_bytes(bytes(b))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        program = tmp / "ledger_check"
        built = subprocess.run([Path(__file__).parent / "build", program])
        if built.returncode:
            sys.exit(built.returncode)
        for old, size in SIZES:
            folder = tmp / f"log{size}"
            subprocess.run([sys.argv[1], folder, str(old), str(size)], check=True)
            run = check(program, folder, *(["OLD"] if old else []))
            print(size, run.stdout, sep="\n", end="")
            if run.returncode or run.stdout.count("ok ") != (6 if old else 5):
                sys.exit(f"a log of {size} was not taken: {run.stdout}{run.stderr}")
        folder = tmp / "log1000"
        for name, at in [("log/tile/0/001", 5), ("log/tile/1/000.p/3", 40), ("log/tile/entries/002", 7), ("log/checkpoint", 30),
                         ("pack/events/0001-grant/entry.bin", 90), ("pack/events/0002-withdraw/record.json", 60),
                         ("pack/events/0003-stop/salt.txt", 1), ("pack/events/0001-grant/notice.txt", 2), ("old.txt", 24)]:
            flip(folder / name, at)
            if check(program, folder, "OLD").returncode != 1:
                sys.exit(f"{name} was changed, and taken")
            flip(folder / name, at)
        if check(program, folder, "OLD").returncode:
            sys.exit("changes were not undone")


main()
