# SPDX-License-Identifier: Apache-2.0
"""wayleave screen: every row in one output with a reason, the same result whatever the memory, the processors, the compression or a
kill in the middle; hostile files. No gateway."""

import csv
import gzip
import io
import json
import os
import random
import signal
import subprocess
import time

import pytest
import rig

ENV = {**os.environ, "NO_COLOR": "1"}
OWN = ["e164", "country", "type", "network", "zone", "verdict", "reason"]


def screen(folder, *words, code=0, stdin=None):
    """The report, and what was said on standard error."""
    done = subprocess.run([rig.BIN, "screen", *map(str, words), "--json"], cwd=folder, env=ENV, input=stdin, capture_output=True,
                          timeout=120 * rig.SLOW)
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    return json.loads(done.stdout) if done.stdout else {}, done.stderr.decode()


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def verdicts(report):
    return {v["verdict"]: v["rows"] for v in report["verdicts"]}


def adds_up(report):
    assert sum(v["rows"] for v in report["verdicts"]) == report["rows"]
    assert sum(report[c] for c in ("kept", "repeated", "unwanted", "wrong")) == report["rows"]
    for table in ("countries", "types"):
        assert sum(x["rows"] for x in report[table]) == report["kept"]


HOSTILE = (b"name,phone,country,plan\r\n"
           b"Ann,+49 30 901820,DE,g\xc3\xb6ld\r\n"
           b"Bob,030 901820,DE,silver\r\n"
           b"Two,\"030 901821, 030 901822\",DE,gold\r\n"
           b"Exp,5.4E+11,DE,gold\r\n"
           b"Formula,=1+1,DE,gold\r\n"
           b"Empty,,DE,gold\r\n"
           b"=cmd|' /C calc'!A0,+12024561111,US,\"@SUM(1)\"\r\n"
           b"Atlantis,0301234,Atlantis,gold\r\n"
           b"Nul,030\x00901823,DE,gold\r\n"
           b"Bytes,030 901824,DE,\xff\xfe\r\n"
           b"More,030 901825,DE,gold,extra,cells\r\n"
           b"Short,030 901826\r\n"
           b"Long," + b"1" * 300 + b",DE,gold\r\n"
           b"Huge," + b"x" * (2 << 20) + b",DE,gold\r\n"
           b"Unclosed,\"030 901827,DE,gold\r\n"
           b"Behind,\"030 901828\"x,DE,gold\r\n"
           b"Sheet,#REF!,DE,gold\r\n"
           b"Text,\"=\"\"030 901829\"\"\",DE,gold\r\n"
           b"Test,+4915123456789,DE,gold\r\n"
           b"Last,030 901830,DE,gold")
EXPECTED = {"Bob": "duplicate", "Two": "two_numbers", "Exp": "digits_lost", "Formula": "formula", "Empty": "empty",
            "Atlantis": "unknown_country", "Nul": "nul_byte", "Bytes": "bad_encoding", "Long": "long_cell", "Huge": "long_cell",
            "Behind": "broken_row", "Unclosed": "broken_row", "Sheet": "sheet_error", "Test": "test_number"}


def test_every_row_of_a_hostile_file_has_a_reason(tmp_path):
    (tmp_path / "in.csv").write_bytes(HOSTILE)
    report, said = screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", "--encoding", "UTF-8", "--report", "r.html", code=4)
    adds_up(report)
    assert "phone" in said and report["rows"] == 20
    kept = rows_of(tmp_path / "out.csv")
    csv.field_size_limit(64 << 20)
    with open(tmp_path / "out.rejected.csv", newline="", encoding="utf-8", errors="replace") as f:
        bad = list(csv.DictReader(line.replace("\0", "?") for line in f))
    found = {row["name"].split(",")[0]: row["verdict"] for row in bad}
    assert found == EXPECTED, found
    assert all(row["reason"] for row in bad)
    assert bad[0]["reason"].endswith("line 2"), bad[0]
    assert [r["name"] for r in kept] == ["Ann", "'=cmd|' /C calc'!A0", "More", "Short", "Text", "Last"]
    assert kept[1]["plan"] == "'@SUM(1)" and kept[2][None] == ["extra", "cells"]
    assert (kept[0]["e164"], kept[0]["screen_country"], kept[0]["type"], kept[0]["zone"]) == ("+4930901820", "DE", "fixed_line",
                                                                                          "Europe/Berlin")
    for name in ("out.csv", "out.rejected.csv"):  # nothing is computed by a spreadsheet
        for line in csv.reader(io.StringIO((tmp_path / name).read_text(errors="replace").replace("\0", "?"))):
            assert not any(cell[:1] in ("=", "@") for cell in line), line
    page = (tmp_path / "r.html").read_text()
    assert "<script" not in page and "broken_row" in page and "http" not in page.replace("http-equiv", "")
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob("*checkpoint*"))


@pytest.mark.parametrize("text, code, rows", [(b"", 1, None), (b"phone\n", 0, 0), (b"\xef\xbb\xbfphone\n+4930901820", 0, 1),
                                              (b"+4930901820\n+12024561111\n", 0, 2), (b"name,colour\na,b\n", 1, None),
                                              ("phone;land\n0301234567;DE\n".encode("utf-16"), 0, 1), (b"\n\n\n", 1, None)])
def test_small_files(tmp_path, text, code, rows):
    (tmp_path / "in.csv").write_bytes(text)
    report, said = screen(tmp_path, "in.csv", "-o", "out.csv", code=code)
    assert ("wayleave:" in said) == (code == 1)
    if code == 0:
        adds_up(report)
        assert report["rows"] == rows == report["kept"]
    else:
        assert not (tmp_path / "out.csv").exists()


def a_list(rows, seed=7):
    """Numbers of a few countries, a third of them more than once, some wrong."""
    rng = random.Random(seed)
    out = ["id,phone,note\n"]
    for i in range(rows):
        r = rng.randrange(1000)
        if r < 20:
            phone = rng.choice(["", "n/a", "5.4E+11", "+4930"])
        else:
            n = rng.randrange(rows * 2 // 3)
            phone = rng.choice([f"+4915112{n:06d}", f"0151 12{n:06d}", f"004915112{n:06d}"])
        out.append(f"{i},{phone},\"row, {i}\"\n")
    return "".join(out)


def outputs(folder, name="out"):
    return [(folder / f"{name}{middle}.csv").read_bytes() for middle in ("", ".rejected")]


def test_memory_processors_and_disk_change_nothing(tmp_path):
    """The set that is full goes on with a survey on the disk; every way gives the same files."""
    text = a_list(40000)
    (tmp_path / "in.csv").write_text(text)
    report, _ = screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", code=4)
    adds_up(report)
    whole = outputs(tmp_path)
    first = {}
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        digits = row["phone"].replace(" ", "").replace("0049", "+49", 1) if row["phone"].startswith("00") else row["phone"].replace(" ", "")
        first.setdefault(digits[-11:], line)
    repeated = [r for r in rows_of(tmp_path / "out.rejected.csv") if r["verdict"] == "duplicate"]
    assert len(repeated) == report["repeated"] > 8000
    assert all(r["reason"] == f"the same number as line {first[r['e164'][-11:]]}" for r in repeated)
    for words in (["--threads", "1"], ["--memory", "256K"], ["--memory", "256K", "--threads", "3"]):
        screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", *words, code=4)
        assert outputs(tmp_path) == whole, words

    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
    screen(tmp_path, "in.csv.gz", "-o", "packed.csv.gz", "--region", "DE", code=4)
    assert gzip.decompress((tmp_path / "packed.csv.gz").read_bytes()) == whole[0]

    last, _ = screen(tmp_path, "-", "-o", "last.csv", "--region", "DE", "--keep", "last", "--memory", "256K", code=4, stdin=text.encode())
    assert [last[c] for c in ("kept", "repeated", "wrong")] == [report[c] for c in ("kept", "repeated", "wrong")]
    backwards = {}
    for row in csv.DictReader(io.StringIO(text)):
        backwards[row["phone"].replace(" ", "")[-11:]] = row["id"]
    kept = rows_of(tmp_path / "last.csv")
    assert all(backwards[r["e164"][-11:]] == r["id"] for r in kept)


@pytest.mark.parametrize("words", [[], ["--memory", "256K"], ["--keep", "last", "--memory", "512K"]])
def test_killed_and_resumed_it_is_the_same_to_the_byte(tmp_path, words):
    (tmp_path / "in.csv").write_text(a_list(40000, seed=11))
    task = ["in.csv", "-o", "out.csv.zst", "--region", "DE", "--checkpoint", "16K", *words]
    screen(tmp_path, *task, code=4)
    whole = [(tmp_path / name).read_bytes() for name in ("out.csv.zst", "out.rejected.csv.zst")]
    report, _ = screen(tmp_path, *task, code=4)
    for name in ("out.csv.zst", "out.rejected.csv.zst"):
        (tmp_path / name).unlink()
    kills = 0
    for attempt in range(4):
        process = subprocess.Popen([rig.BIN, "screen", *task, "--quiet", *(["--resume"] if attempt else [])], cwd=tmp_path, env=ENV)
        checkpoint, before = tmp_path / "out.csv.zst.checkpoint", None
        if attempt and checkpoint.exists():
            before = checkpoint.stat().st_ino
        until = time.monotonic() + 60 * rig.SLOW
        while process.poll() is None and time.monotonic() < until:
            if checkpoint.exists() and checkpoint.stat().st_ino != before:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        if process.wait(60 * rig.SLOW) == -signal.SIGKILL:
            kills += 1
    assert kills > 0 and not (tmp_path / "out.csv.zst").exists()
    resumed, _ = screen(tmp_path, *task, "--resume", code=4)
    assert [(tmp_path / name).read_bytes() for name in ("out.csv.zst", "out.rejected.csv.zst")] == whole
    assert resumed == report
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv.zst", "out.rejected.csv.zst"]


def test_another_task_is_not_gone_on_with(tmp_path):
    (tmp_path / "in.csv").write_text(a_list(20000))
    for name in ("out.csv.part", "out.rejected.csv.part"):
        (tmp_path / name).write_text("")
    (tmp_path / "out.csv.checkpoint").write_text('{"task":"0000"}\n')
    _, said = screen(tmp_path, "in.csv", "-o", "out.csv", "--resume", code=1)
    assert "another task" in said and not (tmp_path / "out.csv").exists()
    (tmp_path / "out.csv.checkpoint").write_text("{")
    assert "damaged" in screen(tmp_path, "in.csv", "-o", "out.csv", "--resume", code=1)[1]
    _, said = screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", code=4)
    assert "interrupted" in said and (tmp_path / "out.csv").exists()
    assert "begins anew" in screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", "--resume", code=4)[1]


def test_what_is_wanted(tmp_path):
    (tmp_path / "in.csv").write_text("phone,plan\n+4930901820,gold\n+4915112345678,gold\n+12024561111,gold\n+4915112345679,silver\n"
                                     "+4915112345679,gold\n+4915112345678,gold\n")
    report, _ = screen(tmp_path, "in.csv", "-o", "out.csv", "--country", "DE", "--type", "mobile", "--where", "plan = gold",
                       "--report", "r.txt")
    assert verdicts(report) == {"ok": 2, "duplicate": 1, "other_country": 1, "other_type": 1, "other_value": 1}
    assert [r["e164"] for r in rows_of(tmp_path / "out.csv")] == ["+4915112345678", "+4915112345679"]
    reasons = {r["verdict"]: r["reason"] for r in rows_of(tmp_path / "out.rejected.csv")}
    assert reasons["other_type"].endswith("fixed_line") and reasons["other_country"].endswith("US")
    (tmp_path / "saved.yaml").write_text("country: [DE]\ntype: [mobile]\nwhere: [\"plan = gold\"]\n")
    again, _ = screen(tmp_path, "in.csv", "-o", "out.csv", "--filter", "saved.yaml")
    assert verdicts(again) == verdicts(report)
    assert "colour" in screen(tmp_path, "in.csv", "-o", "out.csv", "--where", "colour = red", code=2)[1]
    # of its own output the columns are written anew, and nothing changes
    screen(tmp_path, "out.csv", "-o", "twice.csv", "--filter", "saved.yaml")
    assert (tmp_path / "twice.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


def test_words(tmp_path):
    (tmp_path / "in.csv").write_text("phone,Country\n+4930901820,DE\n030 1,DE\n")
    for words, code, text in (
            (["in.csv"], 2, "-o"), (["in.csv", "-o", "o.csv", "--keep", "both"], 2, "--keep"),
            (["in.csv", "-o", "o.csv", "--memory", "lots"], 2, "--memory"), (["in.csv", "-o", "o.csv", "--memory", "1K"], 2, "--memory"),
            (["in.csv", "-o", "o.csv", "--region", "XX"], 2, "XX"), (["in.csv", "-o", "in.csv"], 2, "in.csv"),
            (["none.csv", "-o", "o.csv"], 1, "none.csv"), (["in.csv", "-o", "-"], 2, "--report"),
            (["-", "-o", "o.csv", "--resume"], 2, "--resume"), (["in.csv", "-o", "none/o.csv"], 1, "none"),
            (["in.csv", "-o", "o.csv", "--activity", "rich"], 2, "interactive"),
            (["in.csv", "-o", "o.csv", "--together", "--rejected", "r.csv"], 2, "--together")):
        assert text in screen(tmp_path, *words, code=code, stdin=b"")[1], words
    before = sorted(p.name for p in tmp_path.iterdir())
    report, _ = screen(tmp_path, "in.csv", "--dry-run", code=4)
    assert report["rows"] == 2 and report["dry_run"] and sorted(p.name for p in tmp_path.iterdir()) == before == ["in.csv"]
    done = subprocess.run([rig.BIN, "screen", "-", "-o", "-"], cwd=tmp_path, env=ENV, input=(tmp_path / "in.csv").read_bytes(),
                          capture_output=True, timeout=60 * rig.SLOW)
    assert done.returncode == 4 and done.stdout.startswith(b"phone,Country,e164,screen_country,") and done.stdout.count(b"\n") == 3
    assert b"kept" in done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run([rig.BIN, "screen", "in.csv", "-o", "-", "--quiet"], cwd=tmp_path, env=ENV, stdout=full,
                              stderr=subprocess.PIPE, timeout=60 * rig.SLOW)
    assert done.returncode == 1
    screen(tmp_path, "in.csv", "-o", "all.csv", "--together", code=4)
    assert [r["verdict"] for r in rows_of(tmp_path / "all.csv")] == ["ok", "not_assigned"]


def test_no_file_is_written_over(tmp_path):
    """Neither the list by its own report, nor one output by another, nor a list that is called as a file beside the output would be."""
    text = "phone,x\n+4930901820,1\n,2\n"
    (tmp_path / "in.csv").write_text(text)
    (tmp_path / "link.csv").symlink_to("in.csv")
    for words in (["-o", "out.csv", "--report", "in.csv"], ["-o", "out.csv", "--save-mapping", "./in.csv"], ["-o", "link.csv"],
                  ["-o", "out.csv", "--report", "out.csv"], ["-o", "out.csv", "--rejected", "./out.csv"],
                  ["-o", "out.csv", "--report", "out.rejected.csv"], ["-o", "out.csv", "--filter", "in.csv", "--report", "in.csv"],
                  ["-o", "out.csv", "--filter", "f.yaml", "--report", "f.yaml"]):
        (tmp_path / "f.yaml").write_text("country: [DE]\n")
        assert "same file" in screen(tmp_path, "in.csv", *words, code=2)[1], words
    (tmp_path / "f.yaml").unlink()
    with open(tmp_path / "in.csv", "rb") as f:
        done = subprocess.run([rig.BIN, "screen", "-", "-o", "in.csv"], cwd=tmp_path, env=ENV, stdin=f, capture_output=True, timeout=60)
    assert done.returncode == 2 and b"same file" in done.stderr
    assert (tmp_path / "in.csv").read_text() == text
    for name in ("out.csv.part", "out.csv.checkpoint", "out.csv.seen.part", "out.rejected.csv", "out.rejected.csv.part"):
        (tmp_path / name).write_text(text)
        assert "same file" in screen(tmp_path, name, "-o", "out.csv", code=2)[1], name
        assert (tmp_path / name).read_text() == text
        (tmp_path / name).unlink()
    for words in (["-o", "out.csv", "--rejected", "-"], ["-o", "-", "--rejected", "-"], ["-o", "out.csv", "--report", "-"]):
        assert "standard output" in screen(tmp_path, "in.csv", *words, code=2)[1], words
    screen(tmp_path, "in.csv", "-o", "out.csv", "--rejected", "none/out.csv", code=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "link.csv"]


def test_what_can_be_read_once_only(tmp_path):
    """A named pipe, even when its rows are needed twice."""
    os.mkfifo(tmp_path / "pipe")
    feed = subprocess.Popen(["sh", "-c", "printf 'phone,x\\n+4930901820,1\\n+4930901820,2\\n' > pipe"], cwd=tmp_path)
    report, _ = screen(tmp_path, "pipe", "-o", "out.csv", "--keep", "last")
    assert feed.wait(60) == 0 and verdicts(report) == {"ok": 1, "duplicate": 1}
    assert [r["x"] for r in rows_of(tmp_path / "out.csv")] == ["2"]


def test_outputs_that_are_no_files(tmp_path):
    (tmp_path / "in.csv").write_text(a_list(3000))
    task = ["in.csv", "--region", "DE", "--checkpoint", "4K"]
    screen(tmp_path, *task, "-o", "/dev/null", code=4)
    screen(tmp_path, *task, "-o", "/dev/null", "--rejected", "/dev/null", code=4)
    screen(tmp_path, *task, "-o", "out.csv", "--rejected", "/dev/null", code=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert "--resume needs" in screen(tmp_path, *task, "-o", "/dev/null", "--resume", code=2)[1]


def test_a_full_disk(tmp_path):
    """Without a checkpoint nothing is left, and nobody is told to go on with it."""
    (tmp_path / "in.csv").write_text(a_list(20000))
    process = subprocess.run(["sh", "-c", 'ulimit -f 100; trap "" XFSZ; exec "$@"', "sh", rig.BIN, "screen", "in.csv", "-o", "out.csv",
                              "--region", "DE"], cwd=tmp_path, env=ENV, capture_output=True, timeout=60 * rig.SLOW)
    assert process.returncode == 1 and b"--resume" not in process.stderr, process.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_a_list_that_changes_while_it_is_read(tmp_path):
    """The output is a pipe nobody empties before the list has grown."""
    (tmp_path / "in.csv").write_text(a_list(9000))
    os.mkfifo(tmp_path / "out")
    process = subprocess.Popen([rig.BIN, "screen", "in.csv", "-o", "out", "--rejected", "bad.csv", "--region", "DE"], cwd=tmp_path, env=ENV,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(tmp_path / "out", "rb") as out:
        with open(tmp_path / "in.csv", "a", encoding="utf-8") as more:
            more.write("1,+4930901820,x\n")
        out.read()
    _, said = process.communicate(timeout=60 * rig.SLOW)
    assert process.returncode == 1 and b"changed while it was read" in said, said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out"]


def test_killed_while_files_take_their_names(tmp_path):
    (tmp_path / "in.csv").write_text(a_list(3000))
    screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", code=4)
    whole = outputs(tmp_path)
    (tmp_path / "out.csv.checkpoint").write_text("{}")  # the rejected file has its name already, the other is gone
    (tmp_path / "out.csv").rename(tmp_path / "out.csv.part")
    screen(tmp_path, "in.csv", "-o", "out.csv", "--region", "DE", "--resume", code=4)
    assert outputs(tmp_path) == whole and len(list(tmp_path.iterdir())) == 3


def test_what_the_gateway_remembers(gateway, sandbox, tmp_path):
    """Of people it wrote with, and of nobody else."""
    ana, others = "+4915112345678", ["+4930901820", "+4930901821"]
    sandbox.inbound(ana[1:], "hello")
    rig.until("she is known", lambda: gateway.person(ana))
    (tmp_path / "in.csv").write_text("phone\n" + "\n".join([*others, ana]) + "\n")
    code, out, err = gateway.cli(["screen", "in.csv", "-o", "all.csv", "--activity", "all", "--json"])
    assert code == 0, out + err
    rows = {r["phone"]: r for r in rows_of(tmp_path / "all.csv")}
    assert [rows[n]["activity"] for n in others] == ["unknown", "unknown"] and rows[others[0]]["score"] == ""
    assert rows[ana]["activity"] == "interactive" and float(rows[ana]["score"]) > 0 and len(rows[ana]["last_seen"]) == 10
    code, out, err = gateway.cli(["screen", "in.csv", "-o", "few.csv", "--activity", "interactive", "--where", "score > 0", "--json"])
    assert code == 0 and verdicts(json.loads(out)) == {"ok": 1, "other_value": 2}, err
    code, out, err = gateway.cli(["screen", "in.csv", "-o", "few.csv", "--activity", "interactive,active", "--json"])
    assert verdicts(json.loads(out)) == {"ok": 1, "other_activity": 2}
    assert all(r["reason"].endswith("unknown") for r in rows_of(tmp_path / "few.rejected.csv"))
    gateway.stop()
    code, _, err = gateway.cli(["screen", "in.csv", "-o", "none.csv", "--activity", "all"])
    assert code == 1 and not (tmp_path / "none.csv").exists(), err
