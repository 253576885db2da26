# SPDX-License-Identifier: Apache-2.0
"""Lists of numbers from the command line, beside Python's sets: made from tables, compared, chosen from, cut. No gateway."""

import csv
import json
import random
import subprocess

import pytest
import rig


def cli(*arguments, stdin=None, code=0, cwd=None):
    """Runs wayleave; what it printed, or what it said when it should fail."""
    r = subprocess.run([rig.BIN, "lists", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60 * rig.SLOW, cwd=cwd)
    assert not rig.SANITIZER.search(r.stderr), r.stderr
    assert r.returncode == code, f"{r.returncode}: {r.stdout}{r.stderr}"
    return r.stdout if code in (0, 4) else r.stderr


def told(*arguments, **more):
    return json.loads(cli(*arguments, "--json", **more))


def numbers(path):
    return [int(line) for line in cli("show", path).splitlines()]


@pytest.fixture
def sets(tmp_path):
    """Three sets of numbers that overlap, as a list, a table and text."""
    dice = random.Random(8)
    pool = sorted({int("49151" + str(dice.randrange(10**7, 10**8))) for _ in range(4000)} | {int(f"120255501{i:02}") for i in range(100)} | {436641234567, 4930123456})
    a, b, c = (sorted(dice.sample(pool, n)) for n in (3000, 2500, 900))
    (tmp_path / "a.txt").write_text("".join(f"+{n}\n" for n in dice.sample(a, len(a))))
    cli("make", tmp_path / "a.txt", "-o", tmp_path / "a.wll", "-q")
    (tmp_path / "b.csv").write_text("Name,Phone\n" + "".join(f"x,+{n}\n" for n in b))
    (tmp_path / "c.txt").write_text("".join(f"+{n}\n" for n in c + c[:10]))
    return tmp_path, set(a), set(b), set(c)


def test_operations_are_those_of_sets(sets):
    at, a, b, c = sets
    files = [at / "a.wll", at / "b.csv", at / "c.txt"]
    for op, want in [("union", a | b | c), ("intersect", a & b & c), ("subtract", a - b - c)]:
        assert told(op, *files, "-o", at / "out.wll")["numbers"] == len(want)
        assert numbers(at / "out.wll") == sorted(want)
    d = told("diff", at / "a.wll", at / "b.csv", "--only-a", at / "oa.wll", "--only-b", at / "ob.txt", "--both", at / "both.csv")
    assert (d["only_a"], d["only_b"], d["both"]) == (len(a - b), len(b - a), len(a & b))
    assert numbers(at / "oa.wll") == sorted(a - b)
    assert (at / "ob.txt").read_text() == "".join(f"+{n}\n" for n in sorted(b - a))
    assert [row["phone"] for row in csv.DictReader((at / "both.csv").open())] == [f"+{n}" for n in sorted(a & b)]


def test_every_row_is_counted_once_and_told_why(tmp_path):
    (tmp_path / "crm.csv").write_bytes("\ufeffName;Telefon;Land\r\nAnn;0151 12345678;\r\nAnn;+49 151 12345678;\r\nBob;nobody;\r\nCid;;\r\nDee;+49 10;\r\n"
                                       "Eve;2025550123;US\r\nFay;12;Atlantis\r\n\"Gus;1\r\n".encode())
    t = told("make", tmp_path / "crm.csv", "--region", "DE", "-o", tmp_path / "crm.wll", "--rejects", tmp_path / "rejects.csv", code=4)
    assert t["rows"] == 8 == sum(t["rows_by_outcome"].values())
    assert t["numbers"] == 2 and t["doubles"] == 1 and t["rows_by_outcome"]["taken"] == 3
    reasons = {int(row["line"]): row["reason"] for row in csv.DictReader((tmp_path / "rejects.csv").open())}
    assert reasons[4] == "not_a_number" and reasons[5] == "empty" and reasons[6] == "local_only" and reasons[9] == "unclosed_quote"
    assert len(reasons) == 8 - 3
    assert told("make", tmp_path / "crm.csv", "--region", "DE", "--keep-invalid", "-o", tmp_path / "all.wll", code=4)["numbers"] == 3
    assert "no column holds phone numbers" in cli("make", "-", stdin="0151 12345678\n", code=2)  # nobody said where it is from


def test_select_by_what_a_number_tells(sets):
    at, a, _, _ = sets
    us = {n for n in a if n // 10**10 == 1}
    for options, want in [(["--country", "DE"], {n for n in a if str(n).startswith("49")}), (["--in-region", "nanp"], us), (["--type", "can_be_mobile", "--not", "country=DE,AT"], us),
                          (["--pattern", "+4915112*"], {n for n in a if str(n).startswith("4915112")}), (["--range", "12025550110..12025550119"], set(range(12025550110, 12025550120)) & us),
                          (["--country", "AT,US", "--valid"], us | (a & {436641234567}))]:
        assert told("select", at / "a.wll", *options, "-o", at / "s.wll")["numbers"] == len(want)
        assert numbers(at / "s.wll") == sorted(want)
    (at / "saved.yaml").write_text("country: [US]\nnot:\n  pattern: ['120255501?1']\n")
    t = told("select", at / "a.wll", "--filter", at / "saved.yaml", "-o", at / "s.wll")
    assert t["filter"] == "numbers of US, not among 120255501?1" and t["numbers"] == len([n for n in us if n % 10 != 1])
    (at / "saved.yaml").write_text("country: [US]\ntype: mobil\n")
    assert "saved.yaml:2: type: \"mobil\" is no type of number; did you mean mobile?" in cli("select", at / "a.wll", "--filter", at / "saved.yaml", code=2)
    (at / "saved.yaml").write_text("where: ['plan = gold']\n")
    assert "wayleave screen" in cli("select", at / "a.wll", "--filter", at / "saved.yaml", code=2)
    assert "nothing says" in cli("select", at / "a.wll", code=2)


def test_samples_and_batches(sets):
    at, a, _, _ = sets
    one, two = (cli("sample", at / "a.wll", 100, "--seed", 5) for _ in range(2))
    assert one == two != cli("sample", at / "a.wll", 100, "--seed", 6)
    picked = [int(n) for n in one.split()]
    assert len(picked) == 100 and set(picked) <= a and picked == sorted(picked)
    assert told("sample", at / "a.txt", 10**9, "-o", at / "s.wll")["numbers"] == len(a)
    assert told("split", at / "a.wll", "--size", 1000, "-o", at / "dealt.wll") == {"numbers": 3000, "parts": 3, "largest": 1000}
    parts = [numbers(at / f"dealt-{i}.wll") for i in (1, 2, 3)]
    assert [n for row in zip(*parts) for n in row] == sorted(a)
    assert told("split", at / "a.wll", "--parts", 7, "--in-order", "-o", at / "cut.txt")["largest"] == 429
    assert [int(n) for i in range(1, 8) for n in (at / f"cut-{i}.txt").read_text().split()] == sorted(a)
    assert "--in-order" in cli("split", at / "a.wll", "--size", 1, "-o", at / "x.wll", code=2)


def test_info_counts_countries_types_and_test_numbers(sets):
    at, a, _, _ = sets
    t = told("info", at / "a.wll")
    us = len([n for n in a if n // 10**10 == 1])
    assert t["numbers"] == len(a) and t["countries"]["US"] == us <= t["test_numbers"]
    assert sum(t["countries"].values()) == sum(t["types"].values()) == len(a)
    assert t["bytes"] < 4 * len(a) and t["first"] == f"+{min(a)}" and t["last"] == f"+{max(a)}"


def test_only_test_numbers_are_generated(tmp_path):
    rows = list(csv.DictReader(cli("generate", "--country", "GB", "--type", "mobile", "-n", 20).splitlines()))
    assert len(rows) == 20 and all(row["phone"].startswith("+447700900") and row["test_number"] == "fiction" and "Ofcom" in row["source"] for row in rows)
    assert "there are only" in subprocess.run([rig.BIN, "lists", "generate", "--country", "DE", "--type", "mobile", "-n", "1000"], capture_output=True, text=True).stderr
    for refused in (["--pattern", "+4917*"], ["--range", "1..2"], ["--network", "O2"], ["--random"]):
        assert "never agreed" in cli("generate", *refused, code=3)
    assert "write a table" in cli("generate", "-o", tmp_path / "x.wll", code=2)
    assert not (tmp_path / "x.wll").exists()


def test_a_damaged_list_is_refused_and_nothing_half_written_stays(sets):
    at, a, _, _ = sets
    whole = (at / "a.wll").read_bytes()
    for name, wrong in [("short", whole[:-1]), ("long", whole + b"x"), ("block", whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]), ("index", whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:])]:
        (at / "bad.wll").write_bytes(wrong)
        said = cli("union", at / "bad.wll", at / "c.txt", "-o", at / "never.wll", code=1)
        assert "damaged" in said or "cut off" in said, name
    assert [p.name for p in at.iterdir() if "never" in p.name or p.name.endswith(".part")] == []
    assert "version 9" in cli("info", write(at / "new.wll", whole[:4] + b"\x09" + whole[5:]), code=2)
    cli("subtract", at / "a.wll", at / "a.wll", "-o", at / "none.wll")
    assert numbers(at / "none.wll") == [] and (at / "none.wll").stat().st_size == 64
    assert told("info", at / "none.wll")["numbers"] == 0


def write(path, data):
    path.write_bytes(data)
    return path


FIVE = [4915112000000 + 1000 * n for n in range(5)]


def made(path, rows):
    path.write_text("".join(f"+{n}\n" for n in rows))
    return path


@pytest.mark.parametrize("first", ["+49 10", "01511200000", "2026-11-01", "12"])
def test_a_wrong_first_line_is_a_row_and_no_header(tmp_path, first):
    write(tmp_path / "in.txt", f"{first}\n+4915112000001\n".encode())
    t = told("make", tmp_path / "in.txt", "-o", tmp_path / "out.wll", "--rejects", tmp_path / "rejects.csv", code=4)
    assert t["rows"] == 2 and t["numbers"] == 1
    assert [row["line"] for row in csv.DictReader((tmp_path / "rejects.csv").open())] == ["1"]


def test_wrong_numbers_are_kept_without_a_header(tmp_path):
    write(tmp_path / "in.txt", b"+49 10\n+49 11\n+49 12\n+4915112000001\n")
    assert told("make", tmp_path / "in.txt", "--keep-invalid", "-o", tmp_path / "out.wll")["numbers"] == 4
    assert told("make", tmp_path / "in.txt", "-o", tmp_path / "out.wll", code=4)["rows_by_outcome"]["local_only"] == 3


def test_of_two_columns_one_is_read_and_said_or_both_when_asked(tmp_path):
    two = write(tmp_path / "two.csv", b"Name,Phone,Mobile\nAnn,+4915112000001,+4915112000002\nBob,,+4915112000003\nCid,+4915112000004,nothing\n")
    r = subprocess.run([rig.BIN, "lists", "make", two, "-o", tmp_path / "one.wll"], capture_output=True, text=True)
    assert r.returncode == 4 and "Phone" in r.stderr and "Mobile" in r.stderr and "--all-phones" in r.stderr
    assert len(numbers(tmp_path / "one.wll")) == 2
    t = told("make", two, "--all-phones", "-o", tmp_path / "all.wll", "--rejects", tmp_path / "r.csv", code=4)
    assert t["numbers"] == 4 and t["doubles"] == 0 and t["rows_by_outcome"]["not_a_number"] == 1
    assert "Cid" in (tmp_path / "r.csv").read_text()
    assert numbers(tmp_path / "all.wll") == [4915112000001, 4915112000002, 4915112000003, 4915112000004]
    cli("subtract", tmp_path / "all.wll", two, "--all-phones", "-o", tmp_path / "rest.wll", code=4)
    assert numbers(tmp_path / "rest.wll") == []


def test_nothing_that_is_read_or_written_is_written_over(tmp_path):
    a, b = made(tmp_path / "a.txt", FIVE), made(tmp_path / "b.txt", FIVE[:2])
    (tmp_path / "link.txt").symlink_to(a)
    was = a.read_bytes()
    cli("make", a, "-o", tmp_path / "all-1.wll")
    for words in (["make", a, "-o", a], ["make", b, a, "-o", tmp_path / "x.wll", "--rejects", tmp_path / "link.txt"], ["union", a, b, "-o", f"{tmp_path}/./a.txt"], ["show", a, "-o", a],
                  ["diff", a, b, "--only-b", a], ["diff", a, b, "--only-a", tmp_path / "x.wll", "--only-b", f"{tmp_path}/./x.wll"], ["make", a, "-o", tmp_path / "x.csv", "--rejects", tmp_path / "x.csv"],
                  ["select", a, "--country", "DE", "-o", a], ["sample", a, "2", "-o", a], ["split", tmp_path / "all-1.wll", "--parts", "2", "-o", tmp_path / "all.wll"],
                  ["make", a, "--rejects", "-"], ["split", a, "--parts", "2", "-o", "-"]):
        said = cli(*words, code=2)
        assert "name another" in said or "another NAME" in said or "wants a file" in said or "NAME" in said, said
    assert a.read_bytes() == was and numbers(tmp_path / "all-1.wll") == FIVE
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "all-1.wll", "b.txt", "link.txt"]
    with a.open() as f:
        assert subprocess.run([rig.BIN, "lists", "make", "-", "-o", a], stdin=f, capture_output=True).returncode == 2


def test_two_commands_of_the_same_name_do_not_mix_and_a_killed_one_leaves_nothing(tmp_path):
    made(tmp_path / "few.txt", FIVE)
    for name in ("out.csv", "out.wll"):
        pipe = subprocess.Popen([rig.BIN, "lists", "show", "-", "-o", tmp_path / name], stdin=subprocess.PIPE)
        pipe.stdin.write(b"+4915112999999\n" * 100000)
        cli("show", tmp_path / "few.txt", "-o", tmp_path / name)
        assert numbers(tmp_path / name) == FIVE
        pipe.stdin.close()
        assert pipe.wait() == 0 and numbers(tmp_path / name) == [4915112999999]
        pipe = subprocess.Popen([rig.BIN, "lists", "make", "-", "--rejects", tmp_path / "r.csv", "-o", tmp_path / name], stdin=subprocess.PIPE)
        pipe.stdin.write(b"+49 10\n" * 200000)
        pipe.terminate()
        pipe.wait()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["few.txt", "out.csv", "out.wll"]


def test_a_pipe_with_a_name_is_read_once(tmp_path):
    import os
    import threading
    os.mkfifo(tmp_path / "f")
    writer = threading.Thread(target=lambda: made(tmp_path / "f", FIVE + FIVE[:1]))
    writer.start()
    t = told("make", tmp_path / "f", "-o", tmp_path / "out.wll")
    writer.join()
    assert t["numbers"] == 5 and t["doubles"] == 1


def test_rejects_are_repaired_and_read_again(tmp_path):
    write(tmp_path / "in.csv", b'Name;Phone;Note\nAnn;nobody;"a; b"\nBob;+4915112000001;x\nCid;n/a;y\n"Dee;1\n')
    cli("make", tmp_path / "in.csv", "-o", tmp_path / "one.wll", "--rejects", tmp_path / "r.csv", code=4)
    rows = list(csv.DictReader((tmp_path / "r.csv").open()))
    assert [(r["Name"], r["Note"], r["line"], r["reason"]) for r in rows[:2]] == [("Ann", "a; b", "2", "not_a_number"), ("Cid", "y", "4", "not_a_number")]
    (tmp_path / "r.csv").write_text((tmp_path / "r.csv").read_text().replace("nobody", "+4915112000002"))
    t = told("make", tmp_path / "r.csv", "-o", tmp_path / "two.wll", "--rejects", tmp_path / "again.csv", code=4)
    assert t["numbers"] == 1 and t["rows"] == 3
    assert (tmp_path / "again.csv").read_text().splitlines()[0] == "Name,Phone,Note,line,reason"
    write(tmp_path / "plain.txt", b"+49 10\n+4915112000001\n")
    cli("make", tmp_path / "plain.txt", "-o", tmp_path / "p.wll", "--rejects", tmp_path / "p.csv", code=4)
    assert (tmp_path / "p.csv").read_text() == "phone,line,reason\n+49 10,1,local_only\n"
    assert "columns" in cli("make", tmp_path / "in.csv", tmp_path / "plain.txt", "-o", tmp_path / "x.wll", "--rejects", tmp_path / "x.csv", code=2)


def test_batches_of_an_earlier_split_are_not_left_among_new_ones(tmp_path):
    made(tmp_path / "a.txt", FIVE)
    cli("split", tmp_path / "a.txt", "--parts", 4, "-o", tmp_path / "b.wll")
    cli("split", tmp_path / "a.txt", "--parts", 4, "-o", tmp_path / "b.wll")
    assert "b-4.wll" in cli("split", tmp_path / "a.txt", "--parts", 3, "-o", tmp_path / "b.wll", code=2)
    (tmp_path / "b-4.wll").unlink()
    cli("split", tmp_path / "a.txt", "--parts", 3, "-o", tmp_path / "b.wll")


def test_an_empty_stop_list_stops_nobody_and_names_say_what_is_written(tmp_path):
    a, empty = made(tmp_path / "a.txt", FIVE), write(tmp_path / "empty.csv", b"")
    for op in ("subtract", "union"):
        cli(op, a, empty, "-o", tmp_path / "OUT.WLL")
        assert numbers(tmp_path / "OUT.WLL") == FIVE
    assert (tmp_path / "OUT.WLL").read_bytes()[:4] == b"WLNL"
    assert "empty" in cli("make", empty, "-o", tmp_path / "x.wll", code=1)
    assert "packed already" in cli("make", a, "-o", tmp_path / "x.wll.gz", code=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["OUT.WLL", "a.txt", "empty.csv"]


def test_no_number_is_generated_twice():
    rows = [row["phone"] for row in csv.DictReader(cli("generate", "--country", "GP", "-n", 30, code=4).splitlines())]
    assert rows and len(rows) == len(set(rows))
