# SPDX-License-Identifier: Apache-2.0
"""How the checks read the tree: which files there are, C without its comments and strings, and how a problem
is reported. Every check takes --root so that its own test can point it at a bad sample. Nothing here parses C
properly; the checks stay with what a line-wise look can decide without false alarms."""

import argparse
import re
import sys
from pathlib import Path

TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'""", re.S)
SKIP = {"node_modules", "__pycache__", ".git", "demo"}


def arguments(about, **extra):
    """Parses --root and whatever else the check names; returns the namespace with root as an absolute path."""
    p = argparse.ArgumentParser(description=about)
    p.add_argument("--root", default=Path(__file__).resolve().parent.parent, type=Path)
    for name, keys in extra.items():
        p.add_argument("--" + name, **keys)
    a = p.parse_args()
    a.root = a.root.resolve()
    return a


def files(root, folders, suffixes):
    """Sorted files under the folders (relative names) with one of the suffixes; build folders are not entered."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            parts = path.relative_to(root).parts
            if path.is_file() and path.suffix in suffixes and not SKIP.intersection(parts) and not parts[0].startswith("build"):
                found.append(path)
    return found


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without(text, comments=True, strings=False):
    """Text of the same length and lines, with comments (and the insides of literals) replaced by spaces."""
    def swap(m):
        t = m.group(0)
        if t[0] == "/":
            return _blank(t) if comments else t
        return t[0] + _blank(t[1:-1]) + t[-1] if strings else t
    return TOKEN.sub(swap, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Problems:
    """Collects `file:line: sentence` and ends the program with the right word and exit code."""

    def __init__(self, check, root):
        self.check, self.root, self.found = check, root, []

    def add(self, path, line, sentence):
        path = Path(path)
        if path.is_absolute() and path.is_relative_to(self.root):
            path = path.relative_to(self.root)
        self.found.append((str(path), line, sentence))

    def finish(self, looked_at):
        for path, line, sentence in sorted(self.found):
            print(f"{path}:{line}: {sentence}")
        if self.found:
            print(f"{self.check}: {len(self.found)} problem(s) in {looked_at}")
            sys.exit(1)
        print(f"{self.check}: ok, {looked_at}")
        sys.exit(0)


def allow_list(path):
    """Reads `key  # reason` lines into {key: reason}; a line without a reason is an error of the list itself."""
    allowed = {}
    if not path.exists():
        return allowed
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, sep, reason = line.partition("#")
        if not sep or not reason.strip():
            sys.exit(f"{path}:{n}: an exception needs a reason after '#'")
        allowed[key.strip()] = reason.strip()
    return allowed
