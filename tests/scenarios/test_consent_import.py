# SPDX-License-Identifier: Apache-2.0
"""Consent events in bulk: over REST, and out of CSV files and lines of JSON; each row for itself, and nothing twice."""

import csv
import hashlib
import contextlib
import json
import os
import time
import signal
import pty
import subprocess

import pytest
import rig

PROOF = {"method": "web_form", "source": "https://shop.example/join", "wording": "Yes, send me offers."}


def bulk(gateway, rows, lines=False):
    if not lines:
        return gateway.admin("POST", "/consent/bulk", rows)
    r = gateway.request("POST", "/wayleave/v1/consent/bulk", token=gateway.admin_key, data="\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return r.status_code, r.json()


def events(gateway, who):
    return gateway.admin("GET", "/consent/" + who.replace("+", "%2B"))[1]["events"]


@pytest.mark.shared
@pytest.mark.parametrize("lines", [False, True], ids=["array", "lines"])
def test_one_bad_row_stops_no_other(gateway, lines):
    ana, bela, cara = [f"+44770090{8 if lines else 9}00{i}" for i in range(3)]
    rows = [
        {"who": ana, "act": "grant", "scope": "marketing", "at": "2026-01-02", **PROOF},
        {"who": "not a number", "act": "grant", "scope": "marketing", "at": "2026-01-02"},
        {"row": 70, "who": bela, "act": "grant", "scope": "marketing"},
        {"row": 71, "who": bela, "act": "withdraw", "scope": "nonsense", "at": "never", "method": "email"},
        {"row": 72, "who": cara, "act": "grant", "scope": "all", "at": "2031-01-02"},
        {"row": 73, "who": ana, "act": "grant", "scope": "marketing", "at": "2026-01-02", **PROOF},
        {"row": 74, "who": ana, "act": "grant", "scope": "utility", "at": "2026-01-02", "wordng": "x"},
    ]
    status, answer = bulk(gateway, rows, lines)
    assert status == 200, answer
    assert [(r["row"], r["result"], r.get("field")) for r in answer["results"]] == [
        (1, "recorded", None), (2, "failed", "who"), (70, "failed", "at"), (71, "recorded", None), (72, "failed", "at"), (73, "known", None), (74, "failed", None)]
    assert (answer["recorded"], answer["known"], answer["failed"]) == (2, 1, 4)
    assert answer["results"][0]["rank"] == "captured" and answer["results"][0]["in_force"]
    assert {w["field"] for w in answer["results"][3]["warnings"]} == {"scope", "at"}
    assert "did you mean 'wording'" in answer["results"][6]["message"]
    assert gateway.person(bela)["consent"]["utility"]["status"] == "withdrawn" and gateway.person(cara) is None
    again = bulk(gateway, rows, lines)[1]
    assert (again["recorded"], again["known"], again["failed"]) == (0, 3, 4)
    assert len(events(gateway, ana)) == 1 and len(events(gateway, bela)) == 1


@pytest.mark.shared
def test_a_scope_is_a_text_or_a_list(gateway):
    ana, bela, cara, dora = [f"+4477009086{i:02}" for i in range(4)]
    status, answer = bulk(gateway, [
        {"who": ana, "act": "grant", "scope": ["marketing", "calls"], "at": "2026-01-02", **PROOF},
        {"who": bela, "act": "grant", "scope": ["marketing", 7], "at": "2026-01-02"},
        {"who": bela, "act": "grant", "scope": ["shoes"], "at": "2026-01-02"},
        {"who": bela, "act": "grant", "at": "2026-01-02"},
        {"who": bela, "act": "grant", "scope": [], "at": "2026-01-02"},
        {"who": cara, "act": "withdraw", "scope": ["marketing"], "method": "email"},
        {"who": dora, "act": "withdraw", "scope": {"marketing": True}, "method": "email"}])
    assert status == 200, answer
    results = answer["results"]
    assert [r["result"] for r in results] == ["recorded", "failed", "failed", "failed", "failed", "recorded", "recorded"]
    assert "list of texts" in results[1]["message"] and "shoes" in results[2]["message"]
    assert all(r["message"].startswith("scope is missing: all, or ") for r in results[3:5])
    assert "warnings" not in results[5] and [w["field"] for w in results[6]["warnings"]] == ["scope"]
    held = {c: w["status"] for c, w in gateway.person(ana)["consent"].items() if c in ("marketing", "utility", "calls")}
    assert (held["marketing"], held["calls"]) == ("granted", "granted") and held.get("utility") != "granted"
    assert gateway.person(cara)["consent"].get("utility", {}).get("status") != "withdrawn", "no more than was said"
    assert gateway.person(dora)["consent"]["utility"]["status"] == "withdrawn", "what cannot be read is all"
    status, answer = gateway.admin("POST", "/consent", {"who": bela, "act": "grant", "scope": ["utility"]})
    assert status == 200 and answer["in_force"], answer


@pytest.mark.shared
def test_a_number_with_its_zero_in_brackets_is_the_same_person(gateway):
    said = [{"who": "+49 170 0008601", "act": "grant", "scope": "all", "at": "2026-01-02", **PROOF}, {"who": "+49 (0)170 0008601", "act": "withdraw", "scope": "all", "at": "2026-01-03", "method": "email"},
            {"who": "0049 170 0008601", "act": "withdraw", "scope": "all"}]
    results = bulk(gateway, said)[1]["results"]
    assert results[0]["contact"] == results[1]["contact"]
    assert gateway.person("+491700008601")["consent"]["marketing"]["status"] == "withdrawn"
    assert "write +49 ... instead of 0049 ..." in results[2]["message"]


@pytest.mark.shared
def test_a_line_that_is_no_json_is_a_failed_row(gateway):
    status, answer = bulk(gateway, ["{\"who\":", json.dumps({"who": "+447700908101", "act": "grant", "scope": "all", "at": "2026-01-02"}), "17"], lines=True)
    assert status == 200 and [r["result"] for r in answer["results"]] == ["failed", "recorded", "failed"]


@pytest.mark.shared
@pytest.mark.parametrize("body", ["", "[]", "[{", json.dumps([{}] * 1001), "{}\n" * 1001])
def test_what_is_no_batch_is_refused(gateway, body):
    r = gateway.request("POST", "/wayleave/v1/consent/bulk", token=gateway.admin_key, data=body)
    assert r.status_code == 400, r.text


def run(gateway, path, *more):
    code, out, err = gateway.cli(["consent", "import", path, "--json", *more])
    return code, (json.loads(out) if out else None), err


CSV = """Mobile;act;scope;at;method;wording;Remark
+447700908201;grant;Marketing; 2026-01-02;web_form;Yes, offers.;a
0770 0908202;grant;marketing;2026-01-02;web_form;Yes, offers.;b
+447700908203;grant;marketing;;web_form;Yes, offers.;c
+447700908204;withdraw;;;;;d
"""


def test_a_csv_file_is_taken_row_by_row_and_what_failed_is_repaired(gateway, tmp_path):
    file, bad = tmp_path / "leads.csv", tmp_path / "bad.csv"
    file.write_text(CSV)
    code, said, err = run(gateway, file, "--map", "who=Mobile", "--errors", bad, "--business", "Example Shop", "--jurisdiction", "GB", "--source", "https://shop.example/")
    assert code == 4 and (said["rows"], said["recorded"], said["failed"]) == (4, 2, 2), (said, err)
    assert [(e["line"], e["field"]) for e in said["errors"]] == [(3, "who"), (4, "at")]
    assert "columns not used: Remark" in err and said["sha256"] == hashlib.sha256(CSV.encode()).hexdigest()
    event = events(gateway, "+447700908201")[0]
    assert json.loads(event["evidence"])["import"] == {"file": "leads.csv", "sha256": said["sha256"], "row": 2}
    assert (event["business"], event["jurisdiction"], event["rank"]) == ("Example Shop", "GB", "captured")
    rest = bad.read_text()
    assert bad.stat().st_mode & 0o077 == 0 and rest.splitlines()[0].endswith(";error") and len(rest.splitlines()) == 3
    bad.write_text(rest.replace("0770 0908202", "+447700908202").replace("marketing;;web_form", "marketing;2026-01-03;web_form"))
    code, said, _ = run(gateway, bad, "--map", "who=Mobile")
    assert code == 0 and (said["rows"], said["recorded"]) == (2, 2)
    assert run(gateway, file, "--map", "who=Mobile", "--business", "Example Shop", "--jurisdiction", "GB", "--source", "https://shop.example/")[1]["known"] == 2


def test_lines_of_json_keep_their_evidence(gateway, tmp_path):
    file, bad = tmp_path / "events.ndjson", tmp_path / "bad.ndjson"
    rows = [{"who": "+447700908301", "act": "grant", "scope": "marketing", "at": "2026-01-02T03:04:05Z", "method": "ivr", "wording": "Press 1.", "evidence": {"call_id": "c-9"}},
            {"who": "+447700908302", "act": "grant", "scope": "marketing", "at": "2026-01-02", "policy": 7},
            {"act": "grant", "scope": "marketing"}]
    file.write_text("\n".join(json.dumps(r) for r in rows) + "\nnot json\n")
    code, said, _ = run(gateway, file, "--errors", bad)
    assert code == 4 and (said["recorded"], said["failed"]) == (1, 3)
    assert [(e["line"], e.get("field")) for e in said["errors"]] == [(2, "policy"), (3, "who"), (4, None)]  # in the order of the file
    event = events(gateway, "+447700908301")[0]
    evidence = json.loads(event["evidence"])
    assert event["rank"] == "captured" and evidence["call_id"] == "c-9" and evidence["import"]["row"] == 1
    kept = bad.read_text().splitlines()
    assert [json.loads(line).get("who") for line in kept] == ["+447700908302", None, None] and json.loads(kept[2])["line"] == "not json"
    bad.write_text(kept[0] + "\n")
    assert run(gateway, bad, "--errors", tmp_path / "again.ndjson")[0] == 4
    assert (tmp_path / "again.ndjson").read_text().count('"error"') == 1  # the newest reason alone
    bad.write_text(kept[0].replace('"policy": 7', '"policy": "7"'))
    assert run(gateway, bad)[0] == 0 and events(gateway, "+447700908302")[0]["policy"] == "7"
    assert gateway.cli(["consent", "import", "-"], stdin=json.dumps(rows[0]))[0] == 0


@pytest.mark.shared
@pytest.mark.parametrize("what", ["consent", "contacts"])
def test_a_reason_stands_in_its_column_and_in_the_order_of_the_file(gateway, tmp_path, what):
    file, bad = tmp_path / "rows.csv", tmp_path / "bad.csv"
    file.write_text("who,act,scope,at,method\nnobody,grant,all,2026-01-02,paper\n+447700908501,grant,all,2026-01-02,paper,too,many\n,grant,all,2026-01-02,paper\nno one,grant,all,2026-01-02,paper\n"
                    if what == "consent" else "phone,name\nnobody,A\n+447700908501,B,too,many\n,C\nno one,D\n")
    assert gateway.cli([what, "import", file, "--errors", bad])[0] == 4
    header, *rows = csv.reader(bad.read_text().splitlines())
    at = header.index("error")
    assert [row[0] for row in rows] == ["nobody", "+447700908501", "", "no one"] and all(row[at] for row in rows), rows
    assert "the row has" in rows[1][at] and rows[1][at + 1:] == ["too", "many"]


@pytest.mark.shared
def test_what_cannot_be_imported_says_so(gateway, tmp_path):
    file = tmp_path / "x.csv"
    for text, options, code, says in (("", (), 1, "is empty"), ("a,b\n1,2\n", (), 1, "no column says who"), ("who,phone\n", (), 1, "two columns"),
                                      ("who\n", ("--map", "whom=a"), 2, "did you mean who"), ("a\n", ("--map", "who=b"), 1, "no column \"b\""),
                                      ("who\n", ("--format", "xml"), 2, "csv or ndjson"), ("who\n", ("--errors", file), 2, "is the file being imported")):
        file.write_text(text)
        got, _, err = gateway.cli(["consent", "import", file, *options])
        assert got == code and says in err, (text, options, got, err)
        assert file.read_text() == text
    file.write_text("who,act,scope,at\n+447700908401,grant,all,2026-01-02\n")
    code, said, _ = run(gateway, file, "--dry-run")
    assert code == 0 and said["not_sent"] == 1 and gateway.person("+447700908401") is None


def test_progress_is_drawn_on_a_terminal_only(gateway, tmp_path):
    """Once it takes a while: the gateway is held until the command asked for its first batch and longer than a bar waits."""
    file = tmp_path / "many.csv"
    file.write_text("who,act,scope,at\n" + "".join(f"+4477009{50000 + i},grant,marketing,2026-01-02\n" for i in range(2500)))
    assert "a second" not in gateway.cli(["consent", "import", file, "--dry-run"])[2]
    ours, theirs = pty.openpty()
    gateway.child.send_signal(signal.SIGSTOP)
    try:
        r = subprocess.Popen([rig.BIN, "consent", "import", str(file), "--config", gateway.config], stdout=subprocess.PIPE, stderr=theirs, cwd=gateway.folder)
        os.close(theirs)
        time.sleep(2.2)
    finally:
        gateway.child.send_signal(signal.SIGCONT)
    out, drawn = r.communicate(timeout=120)[0], b""
    with contextlib.suppress(OSError):  # the other end is closed
        while more := os.read(ours, 65536):
            drawn += more
    os.close(ours)
    assert r.returncode == 0 and b"rows" in drawn and b"a second" in drawn and b"recorded" in out


@pytest.mark.shared
def test_a_wording_keeps_its_lines_and_evidence_stays_in_one_piece(gateway):
    evidence = json.dumps({"said": "yes, do " * 40})
    status, body = gateway.admin("POST", "/consent", {"who": "+447700908601", "act": "grant", "scope": "marketing", **PROOF, "wording": "line one\nline two \a", "evidence": evidence})
    assert status == 200, body
    out = gateway.cli(["consent", "show", "+447700908601"])[1]
    assert "line one\n               line two \\x07\n" in out and evidence in out, out
