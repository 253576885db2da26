# SPDX-License-Identifier: Apache-2.0
"""Compiled numbering plans against their text, without the compiler: check_tables.py TABLES NUMBERS [ZONES CARRIERS] [--each N] [--cells N] [--seed N]

The text's patterns are asked directly, by Python's re, the way libphonenumber asks them; the tables are walked as
phone_file.h describes them. Numbers are random ones of every calling code and length (--each), and one out of as many
decision cells as --cells says, spread over all of them (0: all). Whose number, which kind, general pattern, own root of each region,
both formats, lengths, prefix and IDD programs, examples, time zones and networks must be the same. Prints how much it compared."""

import argparse
import random
import re
import struct
import sys
from functools import lru_cache
from pathlib import Path

NSN_MAX, UNKNOWN = 17, 11
WORDS = ["fixed_line", "mobile", None, "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail"]
ASKED = ["premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail"]
NODE, ROOT, PAYLOAD, CODE, PLAN, REGION, LENGTH, PROGRAM, LAYOUT, TEXT, EXAMPLE, ZONE_NODE, ZONE_NAME, CARRIER_NODE, CARRIER_NAME, SOURCE, MASK = range(1, 18)


# ---- the text ----

def bits(lengths):
    out = 0
    for part in lengths.split(",") if lengths not in ("", "-1") else []:
        a, _, b = part.partition("-")
        out |= sum(1 << n for n in range(int(a), int(b or a) + 1))
    return out


class Desc:
    def __init__(self, pattern, lengths, local, example):
        self.re = re.compile(pattern, re.ASCII) if pattern else None
        self.pattern, self.example = pattern, example
        self.any_length = lengths == ""
        self.possible, self.local = bits(lengths), bits(local)

    def match(self, number, with_lengths=True):
        if with_lengths and not self.any_length and not self.possible >> len(number) & 1:
            return False
        return self.re is not None and self.re.fullmatch(number) is not None


NONE = Desc("", "-1", "", "")


class Area:
    def __init__(self, region, code):
        self.id, self.code, self.desc, self.said, self.format, self.intl = region, code, {}, {}, [], []

    def get(self, word):
        return self.desc.get(word, NONE)

    def type(self, number):
        """GetNumberTypeHelper."""
        if not self.get("general").match(number):
            return UNKNOWN
        for word in ASKED:
            if self.get(word).match(number):
                return WORDS.index(word)
        same = self.get("fixed_line").pattern == self.get("mobile").pattern
        if self.get("fixed_line").match(number):
            return 2 if same or self.get("mobile").match(number) else 0
        return 1 if not same and self.get("mobile").match(number) else UNKNOWN

    def general(self, number):
        return self.get("general").match(number, with_lengths=False)


def lines(path):
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#") and not line.startswith("meta\t"):
            yield line.split("\t")


def read_plans(path):
    areas = {}
    for region, code, field, *values in lines(path):
        a = areas.setdefault((region, int(code)), Area(region, int(code)))
        if field.startswith("type."):
            a.desc[field[5:]] = Desc(*values)
        elif field in ("format", "intl"):
            leading = values[3].split(" ")[-1]
            rule = values[4] if field == "format" else ""
            getattr(a, field).append((int(values[0]), re.compile(values[1], re.ASCII), values[2], re.compile(leading, re.ASCII), rule))
        else:
            a.said[field] = values[0]
    for a in areas.values():
        a.format.sort(key=lambda f: f[0])
        a.intl.sort(key=lambda f: f[0])
    return sorted(areas.values(), key=lambda a: (a.id == "001", a.id, a.code))


def regions_of(areas):
    """Calling code -> its regions, the main one first."""
    out = {}
    for a in areas:
        shared = out.setdefault(a.code, [])
        shared.insert(0 if "main" in a.said else len(shared), a)
    return out


def whose(shared, number):
    """GetRegionCodeForNumber and GetNumberType; None: nobody's."""
    if len(shared) == 1:
        return shared[0], shared[0].type(number)
    for a in shared:
        kind = a.type(number)
        if "leading" in a.said:
            if re.match(a.said["leading"], number):
                return a, kind
        elif kind != UNKNOWN:
            return a, kind
    return None, UNKNOWN


def formatted(forms, number, national):
    for _, pattern, text, leading, rule in forms:
        if leading.match(number) and pattern.fullmatch(number):
            if national and rule:
                text = re.sub(r"\$\d", lambda m: rule.replace("$1", m[0]), text, count=1)
            return pattern.sub(lambda m: re.sub(r"\$(\d)", lambda g: m[int(g[1])] or "", text), number)
    return number


# ---- the tables ----

class Tables:
    SHAPES = {NODE: "10H", ROOT: "18H", PAYLOAD: "HBB", CODE: "H", PLAN: "8H", REGION: "4s6H6I2H", LENGTH: "24B", PROGRAM: "HH", LAYOUT: "3I",
              EXAMPLE: "HBBI", ZONE_NODE: "11H", ZONE_NAME: "I", CARRIER_NODE: "11H", CARRIER_NAME: "I", SOURCE: "I", MASK: "I"}

    def __init__(self, path):
        b = Path(path).read_bytes()
        magic, version, sections, size, self.leaves, *self.prefix_roots, _released, name, _unicode = struct.unpack_from("<4sHH9I", b)
        assert magic == b"WLPN" and version == 1 and size == len(b)
        self.s, self.sizes = {}, {}
        for i in range(sections):
            which, at, count, each = struct.unpack_from("<4I", b, 64 + 16 * i)
            assert at % 8 == 0 and at + count * each <= size
            raw = b[at:at + count * each]
            self.sizes[which] = len(raw)
            if which == TEXT:
                self.text_bytes = raw
            else:
                shape = struct.Struct("<" + self.SHAPES[which])
                assert shape.size == each
                self.s[which] = list(shape.iter_unpack(raw))
        assert self.text(name)
        self.nodes = self.s[NODE]

    def text(self, at):
        return self.text_bytes[at:self.text_bytes.index(b"\0", at)].decode()

    def walk(self, root, number):
        """The answer at a row of ROOT."""
        r = self.s[ROOT][root][len(number)]
        for c in number:
            if r < self.leaves:
                break
            r = self.nodes[r - self.leaves][ord(c) - 48]
        return r

    def kind(self, root, number):
        region, kind, flags = self.s[PAYLOAD][self.walk(root, number)]
        return region, kind, bool(flags & 1)

    def layout(self, root, number, which):
        row = self.s[LAYOUT][self.walk(root, number)]
        groups, text = row[0], self.text(row[which])
        if not text:
            return number
        piece, at = {}, 0
        for i in range(1, 9):
            n = groups & 15 if groups != 15 else len(number) - at
            piece[str(i)], at, groups = number[at:at + n], at + n, groups >> 4
        return re.sub(r"\$(\d)", lambda m: piece[m[1]], text)

    def cells(self, root, length):
        """(digits that lead there, digits left) of each way through a graph."""
        todo = [(self.s[ROOT][root][length], "")]
        while todo:
            r, path = todo.pop()
            if r < self.leaves:
                yield path
                continue
            for d, child in enumerate(self.nodes[r - self.leaves]):
                todo.append((child, path + str(d)))

    def run(self, at, number):
        """Perl's match of a program at the beginning: (end, groups), or None."""
        todo = [(at, 0, {})]
        while todo:
            pc, i, groups = todo.pop()
            while True:
                op, arg = self.s[PROGRAM][pc]
                if op == 0:
                    break
                if op == 1:
                    return i, groups
                if op == 2:
                    if i == len(number) or not arg >> int(number[i]) & 1:
                        break
                    pc, i = pc + 1, i + 1
                elif op == 3:
                    todo.append((pc + arg, i, dict(groups)))
                    pc += 1
                elif op == 4:
                    pc += arg
                elif op == 5:
                    groups = {**groups, arg: i}
                    pc += 1
                else:
                    if i < len(number):
                        break
                    pc += 1
        return None

    def prefix(self, nodes, names, root, leaves, number):
        if nodes not in self.s:
            return None
        best, r = 0, root
        for c in number:
            if r < leaves:
                break
            node = self.s[nodes][r - leaves]
            best, r = node[10] or best, node[ord(c) - 48]
        if r >= leaves:
            best = self.s[nodes][r - leaves][10] or best
        elif r:
            best = r
        return self.text(self.s[names][best][0]) if best else None


# ---- the comparison ----

class Check:
    def __init__(self, tables, areas, rng):
        self.t, self.areas, self.rng = tables, areas, rng
        self.shared = regions_of(areas)
        self.row = {id(a): i + 1 for i, a in enumerate(areas)}
        self.wrong, self.numbers = 0, 0
        self.whose = lru_cache(1 << 16)(lambda code, number: whose(self.shared[code], number))

    def same(self, got, want, *about):
        if got != want:
            self.wrong += 1
            if self.wrong <= 20:
                print("DIFFERS", *about, "tables:", got, "text:", want)

    def number(self, code, number):
        t = self.t
        self.numbers += 1
        plan = t.s[PLAN][t.s[CODE][code][0]]
        shared = self.shared[code]
        area, kind = self.whose(code, number)
        self.same(t.kind(plan[3], number), (self.row[id(area)] if area else 0, kind, shared[0].general(number)), code, number)
        for a in shared:
            row = t.s[REGION][self.row[id(a)]]
            named, kind, general = t.kind(row[3], number)
            kind = kind if named in (0, self.row[id(a)]) else UNKNOWN
            self.same((kind, general), (a.type(number), a.general(number)), a.id, number)
        main = shared[0]
        self.same(t.layout(plan[4], number, 1), formatted(main.format, number, True), code, number, "national")
        self.same(t.layout(plan[4], number, 2), formatted(main.intl or main.format, number, False), code, number, "international")

    def digits(self, n):
        return "".join(self.rng.choice("0123456789") for _ in range(n))

    def random_numbers(self, each):
        for code in sorted(self.shared):
            for n in range(NSN_MAX + 1):
                likely = any(a.get("general").possible >> n & 1 for a in self.shared[code])
                for _ in range(each if likely else each // 8 + 1):
                    self.number(code, self.digits(n))

    def all_cells(self):
        for code in sorted(self.shared):
            plan = self.t.s[PLAN][self.t.s[CODE][code][0]]
            roots = sorted({plan[3], plan[4]} | {self.t.s[REGION][self.row[id(a)]][3] for a in self.shared[code]})
            for root in roots:
                for n in range(NSN_MAX + 1):
                    for path in self.t.cells(root, n):
                        yield code, n, path

    def cell_numbers(self, most):
        cells = list(self.all_cells())
        for code, n, path in cells if most == 0 else self.rng.sample(cells, min(most, len(cells))):
            self.number(code, path + self.digits(n - len(path)))
        return len(cells)

    def region(self, a):
        t, row = self.t, self.t.s[REGION][self.row[id(a)]]
        ident, code, plan, _, lengths, first, single, program, prefix, transform, idd, idd_text, extension, groups, flags = row
        self.same((ident.rstrip(b"\0").decode(), code, t.s[PLAN][plan][0]), (a.id, a.code, a.code), "region")
        said = a.said.get
        self.same((t.text(prefix), t.text(transform), t.text(extension)),
                  (said("prefix", ""), said("prefix.transform", ""), said("extension", "")), a.id, "prefixes")
        main = self.shared[a.code][0] is a
        self.same(flags, (1 if "main" in a.said else 0) | (2 if "portable" in a.said else 0) | (4 if a.id == "001" else 0)
                  | (8 if "leading" in a.said else 0), a.id, "flags")
        self.same(t.s[PLAN][plan][1] == self.row[id(a)], main, a.id, "main")
        self.lengths(a, tuple(t.s[MASK][m][0] for m in t.s[LENGTH][lengths]))
        rule = said("prefix.parse", "")
        self.same(bool(program), bool(rule), a.id, "has a prefix rule")
        if rule:
            self.program(a, rule, program, groups, first, single)
        if a.id != "001":
            idd_rule = said("idd", "")
            only = re.fullmatch(r"\d+(?:~\d+)?", idd_rule, re.ASCII)
            self.same(t.text(idd_text), said("idd.preferred", idd_rule if only else ""), a.id, "idd")
            self.program(a, idd_rule, idd, None, 0x7ff, 0)

    def lengths(self, a, row):
        want = [(a.get(w).possible if not a.get(w).any_length else a.get("general").possible, a.get(w).local)
                for w in ["general"] + [w or "general" for w in WORDS]]
        want[3] = tuple(x | y for x, y in zip(want[1], want[2]))
        self.same(row, tuple(w[0] for w in want) + tuple(w[1] for w in want), a.id, "lengths")

    def program(self, a, rule, at, groups, first, single):
        pattern = re.compile(rule, re.ASCII)
        if groups is not None:
            self.same(groups, pattern.groups, a.id, "groups")
        known = re.findall(r"\d+", rule) or ["0"]
        for _ in range(60):
            number = "".join(self.rng.choice(known)[:self.rng.randint(1, 6)] for _ in range(self.rng.randint(0, 2)))
            number += self.digits(self.rng.randint(0, 10))
            m, got = pattern.match(number), self.t.run(at, number)
            want = (m.end(), {2 * g + side: m.span(g)[side] for g in range(1, pattern.groups + 1) for side in (0, 1)
                              if m.span(g)[0] >= 0}) if m else None
            self.same(got, want, a.id, rule, number)
            can = first >> (int(number[0]) if number else 10) & 1
            if m and not can:
                self.same(first, "a match", a.id, rule, number, "mask")
            if single:
                self.same(m.end() if m else 0, 1 if number and single >> int(number[0]) & 1 else 0, a.id, rule, number, "single")

    def examples(self):
        want = [(i + 1, k, a.get(w).example) for i, a in enumerate(self.areas) for k, w in enumerate(WORDS) if w and a.get(w).example]
        self.same([(r, k, self.t.text(x)) for r, k, _, x in self.t.s.get(EXAMPLE, [])], want, "examples")

    def prefixes(self, path, nodes, names, root, leaves, most):
        table = {row[0]: row[1] for row in lines(path)}
        keys = sorted(table)
        for key in keys if most == 0 else self.rng.sample(keys, min(most, len(keys))):
            for number in (key, key[:-1], key + self.digits(4), key[:-1] + self.digits(5)):
                want = next((table[number[:n]] for n in range(len(number), 0, -1) if number[:n] in table), None)
                self.same(self.t.prefix(nodes, names, root, leaves, number), want, path, number)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("tables")
    p.add_argument("numbers")
    p.add_argument("prefixes", nargs="*")
    p.add_argument("--each", type=int, default=8)
    p.add_argument("--cells", type=int, default=4000)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    tables, areas = Tables(a.tables), read_plans(a.numbers)
    c = Check(tables, areas, random.Random(a.seed))
    c.same([r[0] for r in tables.s[REGION]][1:], [x.id.ljust(4, "\0").encode() for x in areas], "regions")
    for area in areas:
        c.region(area)
    c.examples()
    c.random_numbers(a.each)
    cells = c.cell_numbers(a.cells)
    zone_root, zone_leaves, carrier_root, carrier_leaves = tables.prefix_roots
    if a.prefixes:
        c.prefixes(a.prefixes[0], ZONE_NODE, ZONE_NAME, zone_root, zone_leaves, a.cells // 4)
        c.prefixes(a.prefixes[1], CARRIER_NODE, CARRIER_NAME, carrier_root, carrier_leaves, a.cells // 4)
    core = sum(n for s, n in tables.sizes.items() if s <= TEXT or s == MASK)
    print(f"{c.numbers} numbers, {cells} cells, {len(areas)} regions, {len(tables.nodes)} nodes, {core} bytes of numbers' tables: {c.wrong} differ")
    sys.exit(1 if c.wrong or c.numbers == 0 else 0)


main()
