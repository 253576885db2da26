# SPDX-License-Identifier: Apache-2.0
"""The ledger as an operator, an auditor and somebody with access to the database see it: opt-ins are sealed within moments and
can be proven to a stranger, whatever is changed behind the program's back is found and named, and a database that is not the
one that was signed does not start."""

import base64
import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import time
import zipfile
from urllib.parse import quote

import pytest
import requests
import rig
from test_identity import event

ANA, BELA, CLEO = "+447700901201", "+447700901202", "+447700901203"
WORDING = "I agree to hear from Example about offers."


def consent(gateway, who, act="grant", **more):
    status, body = gateway.admin("POST", "/consent", {"who": who, "act": act, "scope": "marketing", "method": "web_form", "source": "https://example.com/form", **more})
    assert status == 200, body
    return body


def leaves(gateway):
    return gateway.query("SELECT COUNT(*) FROM log_leaf")[0][0]


def sale(gateway, to):
    return gateway.send_template(to, "spring_sale", parameters=["Ana"])


def speaks(answer):
    return re.match(r"rule (\S+):", answer.json()["error"]["error_data"]["details"])[1]


@pytest.fixture(scope="module")
def business(tmp_path_factory):
    """A sandbox and a gateway with some history; tests put back what they change."""
    p = type("Business", (), {})()
    p.folder = tmp_path_factory.mktemp("ledger")
    p.sandbox = rig.Sandbox(p.folder)
    p.gateway = rig.Gateway(p.folder, p.sandbox.url, **{"ledger.public": True, "ledger.origin": "example.com/whatsapp"})
    consent(p.gateway, ANA, wording=WORDING, language="en")
    consent(p.gateway, BELA)
    consent(p.gateway, BELA, "withdraw", method="sms")
    consent(p.gateway, CLEO, method="paper", evidence="scan 17")
    p.gateway.sealed()
    yield p
    p.gateway.stop()
    p.sandbox.stop()


# --- sealing ------------------------------------------------------------------------------------------------------------


def test_an_opt_in_is_sealed_within_two_seconds(gateway):
    took = []
    for i in range(10):
        at = time.monotonic()
        consent(gateway, f"+4477009013{i:02}")
        n = leaves(gateway)
        rig.until("it is sealed", lambda: gateway.admin("GET", "/ledger")[1]["sealed"] >= n, 20)
        took.append(time.monotonic() - at)
    took.sort()
    print(f"opt-in to checkpoint: median {took[5] * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms")
    assert took[5] < 2 * rig.SLOW
    metrics = gateway.get("/metrics").text
    assert int(re.search(r"^wayleave_ledger_seal_seconds_count (\d+)", metrics, re.M)[1]) > 0
    assert int(re.search(r"^wayleave_ledger_leaves (\d+)", metrics, re.M)[1]) == leaves(gateway)


def test_marketing_waits_for_the_checkpoint_and_for_no_longer(gateway):
    consent(gateway, ANA)
    assert sale(gateway, ANA).status_code == 200  # right behind the opt-in: it waited some milliseconds


def test_without_a_new_checkpoint_marketing_is_held(gateway):
    consent(gateway, ANA)
    assert sale(gateway, ANA).status_code == 200
    in_the_way = gateway.folder / "state" / "ledger" / "checkpoint.new"
    in_the_way.mkdir()
    consent(gateway, BELA)
    held = sale(gateway, BELA)
    assert held.status_code == 400 and speaks(held) == "consent.unproven" and held.headers["Retry-After"] == "1", held.text
    assert sale(gateway, ANA).status_code == 200  # hers is proven
    rig.until("the log says so", lambda: "nothing new is sealed" in gateway.output())
    in_the_way.rmdir()
    gateway.sealed()
    assert sale(gateway, BELA).status_code == 200
    assert gateway.cli(["ledger", "verify"])[0] == 0


def test_many_at_once_fill_tiles(gateway):
    people = gateway.people(700)
    gateway.sealed()
    folder = gateway.folder / "state" / "ledger"
    assert (folder / "tile/0/001").stat().st_size == 256 * 32 and (folder / "tile/entries/001").stat().st_size == 256 * 114
    assert not (folder / "tile/0/000.p").exists()  # a full tile needs no narrow ones
    code, said, _ = gateway.cli(["ledger", "prove", people[300]])
    assert code == 0 and "proven" in said
    code, said, _ = gateway.cli(["ledger", "verify", "--json"])
    assert code == 0 and json.loads(said)["leaves"] == leaves(gateway), said
    with changed(gateway, "ledger", "UPDATE ledger SET leaf = -1 WHERE leaf >= 300", "UPDATE ledger SET evidence = 'x' WHERE leaf = 3"):
        assert "does not fit its leaf 3:" in gateway.cli(["ledger", "verify"])[1]  # many without a place hide nothing


# --- proofs for strangers -------------------------------------------------------------------------------------------------


def root_by_proof(entry, index, size, hashes):
    """RFC 9162, 2.1.3.2, from its text."""
    fn, sn, r = index, size - 1, hashlib.sha256(b"\0" + entry).digest()
    for p in hashes:
        assert sn > 0
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


def check_event(folder, checkpoint):
    """As a stranger would, with nothing but a hash function; the signature is consent-verify's."""
    entry, record = (folder / "entry.bin").read_bytes(), (folder / "record.json").read_bytes()
    salt = bytes.fromhex((folder / "salt.txt").read_text())
    assert hashlib.sha256(b"wayleave record v1\n" + salt + record).digest() == entry[48:80]
    head, note = (folder / "proof.tlog-proof").read_text().split("\n\n", 1)
    assert note == checkpoint
    lines = head.split("\n")
    index, hashes = int(lines[1].split()[1]), [base64.b64decode(x) for x in lines[2:]]
    _, size, root = note.split("\n")[:3]
    assert root_by_proof(entry, index, int(size), hashes) == base64.b64decode(root)
    return json.loads(record)


def test_a_pack_convinces_a_stranger(business, tmp_path):
    for where, pack in ((f"{tmp_path}/a/", tmp_path / "a"), (f"{tmp_path}/b.zip", tmp_path / "b")):
        code, said, wrong = business.gateway.cli(["ledger", "export", ANA, "-o", where])
        assert code == 0, said + wrong
        if where.endswith(".zip"):
            zipfile.ZipFile(where).extractall(tmp_path)
            assert zipfile.ZipFile(where).testzip() is None
        checkpoint = (pack / "checkpoint.txt").read_text()
        assert checkpoint.startswith("example.com/whatsapp\n") and (pack / "key.txt").read_text().startswith("example.com/whatsapp+")
        record = check_event(pack / "events" / "0001-grant", checkpoint)
        assert record["pii_principal_id"] == "phone:" + ANA.lstrip("+") and record["event"]["method"] == "web_form"
        notice = (pack / "events" / "0001-grant" / "notice.txt").read_text()
        assert notice == WORDING and hashlib.sha256(notice.encode()).hexdigest() == record["privacy_notice"]["sha256"]
        assert "wayleave ledger verify" in (pack / "README.txt").read_text()  # which is about what was taken out
    for where in ("b.zip", "a/"):
        code, _, wrong = business.gateway.cli(["ledger", "export", ANA, "-o", f"{tmp_path}/{where}"])
        assert code == 1 and "File exists" in wrong and "//" not in wrong  # nothing is written over


def test_a_proof_is_of_what_is_there(business):
    """A withdrawal that was deleted is found by the audit; prove says that it would not see it."""
    with changed(business.gateway, "ledger", "DELETE FROM ledger WHERE method = 'sms'"):
        code, said, _ = business.gateway.cli(["ledger", "prove", BELA])
        assert code == 0 and "wayleave ledger verify" in said and "withdraw" not in said
        assert re.search(r"leaf \d+ \(withdraw\): its record is gone", business.gateway.cli(["ledger", "verify"])[1])


def test_consent_verify_agrees_and_sees_a_change(business, tmp_path):
    program = rig.BIN.parents[1] / "verify" / "consent-verify"
    if not program.is_file():
        pytest.skip(f"no {program}: build consent-verify")
    assert business.gateway.cli(["ledger", "export", BELA, "-o", f"{tmp_path}/pack/"])[0] == 0
    key = business.gateway.cli(["ledger", "checkpoint", "--key"])[1].strip()

    def verify():
        return subprocess.run([program, "--key", key, tmp_path / "pack"], capture_output=True, text=True, timeout=30)

    assert verify().returncode == 0, verify().stdout + verify().stderr
    record = tmp_path / "pack" / "events" / "0002-withdraw" / "record.json"
    record.write_text(record.read_text().replace('"sms"', '"fax"'))
    assert verify().returncode == 1 and "WRONG" in verify().stdout


def test_the_log_is_there_for_monitors(business):
    gateway = business.gateway

    def get(path):
        return requests.get(gateway.url + path, timeout=10)

    note = gateway.cli(["ledger", "checkpoint"])[1]
    assert get("/ledger/checkpoint").text == note
    size = int(note.split("\n")[1])
    for tile in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        answer = get("/ledger/" + tile)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
        assert answer.content == (gateway.folder / "state" / "ledger" / tile).read_bytes()
    for path in ("tile/0/000.p/0", "tile/0/000.p/256", f"tile/0/0.p/{size}", "tile/0/x000/000", "tile/9/000", "tile/0/999", "tile/entries/x", "tile/0/", "tile/0/%2e%2e/000",
                 "ledger.key", "checkpoint/", "tile/entries/000.p/1/2", "tile/0/x001/000.p/-1"):
        assert get("/ledger/" + path).status_code == 404, path
    assert requests.post(gateway.url + "/ledger/checkpoint", timeout=10).status_code != 200


def test_the_log_is_for_nobody_unless_it_is_said(gateway):
    gateway.grant(ANA)
    gateway.sealed()
    assert requests.get(gateway.url + "/ledger/checkpoint", timeout=10).status_code != 200


def test_proofs_and_audit_pages_say_what_they_want(business):
    for path, field in (("/ledger/proofs/" + quote(ANA) + "?size=999", "size"), ("/ledger/proofs/" + quote(ANA) + "?from=-1", "from"), ("/ledger/audit?part=tiles&size=1", "part"),
                        ("/ledger/audit?part=leaves", "size"), ("/ledger/audit?part=leaves&size=999", "size")):
        status, body = business.gateway.admin("GET", path)
        assert status == 400 and body["error"]["field"] == field, body
    status, body = business.gateway.admin("GET", "/ledger/proofs/" + quote(CLEO) + "?size=0")
    assert status == 200 and body["events"][0]["proof"] is None
    assert business.gateway.admin("GET", "/ledger/proofs/%2B447700909999")[0] == 404
    code, _, wrong = business.gateway.cli(["ledger", "prove", "+447700909999"])
    assert code == 1 and "447700909999" not in wrong


# --- tampering --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def changed(gateway, table, *statements):
    """What somebody with access to the file does; afterwards the table is as it was."""
    path = gateway.folder / "state" / "wayleave.db"
    with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        before = db.execute(f"SELECT * FROM {table}").fetchall()
        for sql in statements:
            assert db.execute(sql).rowcount > 0, sql
        try:
            yield
        finally:
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"DELETE FROM {table}")
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(before[0]))})", before)
            db.execute("COMMIT")


LEAF_OF = "(SELECT leaf FROM ledger WHERE method = 'paper')"
WITHDRAWN = "id = (SELECT contact FROM ledger WHERE method = 'sms')"
TAMPERED = [
    ("a record's evidence", "ledger", ["UPDATE ledger SET evidence = 'scan 18' WHERE method = 'paper'"], r"record m\S+ of contact c\d+-0 does not fit its leaf {leaf}"),
    ("a record's time", "ledger", ["UPDATE ledger SET at = at - 1 WHERE method = 'paper'"], r"does not fit its leaf {leaf}"),
    ("a record's act", "ledger", ["UPDATE ledger SET act = 1 WHERE method = 'sms'"], r"is a grant, its leaf \d+ a withdraw"),
    ("a record that is taken out", "ledger", ["DELETE FROM ledger WHERE method = 'paper'"], r"leaf {leaf} \(grant\): its record is gone, and no erasure took it"),
    ("a record whose leaf is taken off", "ledger", ["UPDATE ledger SET leaf = -1 WHERE method = 'paper'"], r"record m\S+ has no leaf"),
    ("a record with somebody else's leaf", "ledger", ["UPDATE ledger SET leaf = leaf - 1 WHERE method = 'paper'"], r"another record has the same leaf"),
    ("a record beyond the log", "ledger", ["UPDATE ledger SET leaf = 5000 WHERE method = 'paper'"], r"has leaf 5000, and the log ends before"),
    ("an entry", "log_leaf", [f"UPDATE log_leaf SET entry = substr(entry, 1, 60) || x'00' || substr(entry, 62) WHERE idx = {LEAF_OF}"], r"leaf {leaf} in the database is not the one that was published"),
    ("an entry's length", "log_leaf", [f"UPDATE log_leaf SET entry = x'01' WHERE idx = {LEAF_OF}"], r"entry {leaf} of the log has 1 bytes"),
    ("an entry that is taken out", "log_leaf", [f"DELETE FROM log_leaf WHERE idx = {LEAF_OF}"], r"entry {leaf} of the log is missing|leaf {leaf} and what follows is gone"),
    ("an entry marked as erased", "log_leaf", [f"UPDATE log_leaf SET gone = 1 WHERE idx = {LEAF_OF}"], r"is there, but its leaf {leaf} is marked as erased"),
    ("an erasure that never was", "log_leaf", [f"UPDATE log_leaf SET gone = 1 WHERE idx = {LEAF_OF}"], r"1 leaves are marked as erased, and erasures took 0"),
    ("a person's key", "subject_key", ["UPDATE subject_key SET key = zeroblob(32) WHERE contact = (SELECT contact FROM ledger WHERE method = 'paper')"], r"does not fit its leaf {leaf}"),
    ("a person's key that is taken out", "subject_key", ["DELETE FROM subject_key WHERE contact = (SELECT contact FROM ledger WHERE method = 'paper')"], r"the key of its leaf {leaf} is gone"),
    ("a wording", "wording", ["UPDATE wording SET text = text || ' And calls.'"], r"the wording that was shown is not the one that is kept"),
    ("a wording that is taken out", "wording", ["DELETE FROM wording"], r"the wording that was shown is gone"),
    ("an event of the rules", "rules_event", ["UPDATE rules_event SET actor = 'api'"], r"event \d+ of the rules does not fit its leaf 0"),
    ("an event of the rules that is taken out", "rules_event", ["DELETE FROM rules_event"], r"leaf 0 \(rules\): its record is gone"),
    ("a checkpoint's root", "log_head", ["UPDATE log_head SET root = zeroblob(32)"], r"the database's checkpoint of \d+ leaves has another root"),
    ("a checkpoint's signature", "log_head", ["UPDATE log_head SET note = substr(note, 1, length(note) - 8) || 'AAAAAA=' || char(10) WHERE note <> ''"], r"the database's checkpoint: "),
    ("a consent that was withdrawn", "person", [f"UPDATE person SET consent = (SELECT consent FROM person WHERE id = (SELECT contact FROM ledger WHERE method = 'paper')) WHERE {WITHDRAWN}"],
     r"contact c\d+-0 \(leaf \d+\): consent for marketing is granted, and the events refuse it"),
    ("a withdrawal that is lost", "person", [f"UPDATE person SET consent = '' WHERE {WITHDRAWN}"], r"consent for marketing is unknown, and the events refuse it"),
    ("how far a person is proven", "person", ["UPDATE person SET leaf = 0 WHERE id = (SELECT contact FROM ledger WHERE method = 'paper')"], r"counts as proven from leaf 0 on, and leaf {leaf} is theirs"),
    ("a person's state that is no state", "person", [f"UPDATE person SET consent = x'ff' WHERE {WITHDRAWN}"], r"contact c\d+-0 cannot be read"),
]


@pytest.mark.parametrize("what, table, statements, says", TAMPERED, ids=[t[0].replace(" ", "-") for t in TAMPERED])
def test_what_was_changed_is_found_and_named(business, what, table, statements, says):
    [(leaf,)] = business.gateway.query("SELECT leaf FROM ledger WHERE method = 'paper'")
    with changed(business.gateway, table, *statements):
        code, said, wrong = business.gateway.cli(["ledger", "verify"])
        assert code == 1 and re.search(says.format(leaf=leaf), said), f"{what}:\n{said}{wrong}"
        assert "4477009012" not in said
    code, said, wrong = business.gateway.cli(["ledger", "verify"])
    assert code == 0 and "everything fits" in said, said + wrong


@pytest.mark.parametrize("table, statement, says", [
    ("wording", "UPDATE wording SET text = 'I agree to everything.'", r"leaf \d+: the wording that was shown is not the one that is kept"),
    ("wording", "DELETE FROM wording", r"leaf \d+: the wording that was shown is gone"),
    ("ledger", "UPDATE ledger SET source = 'https://example.com/other' WHERE wording = '' AND length(notice) = 32", r"the record behind leaf \d+ is not the one"),
], ids=["another-wording", "no-wording", "another-record"])
def test_nothing_is_proven_of_what_was_changed(business, tmp_path, table, statement, says):
    """Neither a proof nor a pack is made with a wording or a record that is not the one of the ledger."""
    with changed(business.gateway, table, statement):
        for command in (["ledger", "prove", ANA], ["ledger", "export", ANA, "-o", f"{tmp_path}/pack.zip"]):
            code, said, wrong = business.gateway.cli(command)
            assert code == 1 and re.search(says, wrong) and "proven" not in said, said + wrong
        assert not (tmp_path / "pack.zip").exists()
        status, body = business.gateway.admin("GET", "/ledger/proofs/" + quote(ANA))
        assert status == 500 and body["error"]["code"] == "corrupt" and re.search(says, body["error"]["message"]), body
    assert business.gateway.cli(["ledger", "prove", ANA])[0] == 0


def verified(gateway):
    code, said, wrong = gateway.cli(["ledger", "verify"])
    assert code in (0, 1), wrong
    return said


def test_an_open_erasure_hides_nothing(gateway):
    """Somebody waits to be erased, as somebody always does; a withdrawal that is taken out meanwhile is found, and so is whatever
    is done to the erasure."""
    for who in (ANA, BELA):
        consent(gateway, who)
    number = gateway.person(BELA)["id"][1:].split("-")[0]
    [(granted,)] = gateway.query(f"SELECT hex(consent) FROM person WHERE id = {number}")
    consent(gateway, BELA, "withdraw", method="sms")
    code, said, wrong = gateway.cli(["contacts", "erase", ANA, "--yes", "--json"])
    assert code == 0, said + wrong
    rig.until("it only waits", lambda: gateway.query("SELECT cleaned_at FROM erasure")[0][0] != 0, 30)
    gateway.sealed()
    assert "everything fits" in verified(gateway)
    [(leaf,)] = gateway.query("SELECT leaf FROM ledger WHERE act = 2")
    with changed(gateway, "ledger", f"DELETE FROM ledger WHERE leaf = {leaf}"), changed(gateway, "log_leaf", f"UPDATE log_leaf SET gone = 1 WHERE idx = {leaf}"), \
            changed(gateway, "person", f"UPDATE person SET consent = x'{granted}' WHERE id = {number}"):
        said = verified(gateway)
        assert "1 leaves are marked as erased, and erasures took 0" in said and f"leaf {leaf} is marked as erased, and is of contact c{number}-0" in said, said
        with changed(gateway, "erasure", "UPDATE erasure SET leaves = 1"):
            assert "keeps the proof, and says that it took 1 records" in verified(gateway)
    with changed(gateway, "erasure", "DELETE FROM erasure"):
        assert "is restricted until an erasure, and no erasure is open" in verified(gateway)
    with changed(gateway, "person", "UPDATE person SET restricted_until = 0 WHERE restricted_until <> 0"):
        assert re.search(r"contact c\d+-0 is to be erased \(e\d+\), and is not restricted", verified(gateway))
    assert "everything fits" in verified(gateway)


def test_an_erasure_that_is_done_is_what_was_sealed(gateway):
    consent(gateway, ANA)
    code, said, wrong = gateway.cli(["contacts", "erase", ANA, "--now", "--reason", "letter", "--yes", "--json"])
    assert code == 0, said + wrong
    rig.until("it is done", lambda: gateway.query("SELECT done_at FROM erasure")[0][0] != 0, 30)
    gateway.sealed()
    assert "everything fits" in verified(gateway)
    for what in ("reason = 'asked by phone'", "asked_at = asked_at - 86400000", "n = n - 1"):
        with changed(gateway, "erasure", f"UPDATE erasure SET {what}"):
            assert re.search(r"erasure e\d+ does not fit its leaf \d+", verified(gateway)), what
    with changed(gateway, "erasure", "UPDATE erasure SET leaf = -1"):
        assert "and no erasure has it" in verified(gateway)


def test_a_name_that_is_pointed_at_somebody_else(gateway):
    """Whoever has a name has what was refused under it; else somebody with access to the file lifts an opt-out so."""
    for who in (ANA, BELA):
        consent(gateway, who)
    time.sleep(1)
    consent(gateway, ANA, "withdraw", method="sms")
    gateway.sealed()
    ana, bela = (gateway.person(who)["id"][1:].split("-")[0] for who in (ANA, BELA))
    point = f"UPDATE person_identity SET contact = {bela} WHERE contact = {ana}"
    with changed(gateway, "person_identity", point):
        assert f"contact c{bela}-0: consent for marketing is refused under one of their names, and not by them" in verified(gateway)
    with changed(gateway, "person_identity", point, f"UPDATE person_identity SET said = '' WHERE contact = {bela}"):
        assert re.search(rf"contact c{ana}-0 refused marketing \(leaf \d+\) under a name that is contact c{bela}-0's by now", verified(gateway))
    assert "everything fits" in verified(gateway)


def test_a_number_that_went_to_somebody_else_fits(gateway):
    """As the platform tells it: with what was refused under it, which who has it now may lift."""
    number, first, then = ANA.lstrip("+"), "GB.81234567890401", "GB.81234567890402"
    now = int(time.time())

    def wrote(user_id, ago):
        event(gateway, {"contacts": [{"wa_id": number, "user_id": user_id}],
                        "messages": [{"from": number, "from_user_id": user_id, "id": f"wamid.{user_id}", "timestamp": str(now - ago), "type": "text", "text": {"body": "hi"}}]})

    wrote(first, 3600)
    consent(gateway, ANA, "withdraw", method="sms", at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 3000)))
    consent(gateway, then, at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 3500)))
    wrote(then, 2000)
    gateway.sealed()
    assert gateway.person(ANA)["id"] == gateway.person(then)["id"] != gateway.person(first)["id"]
    assert gateway.person(ANA)["consent"]["marketing"]["status"] == "withdrawn" and "everything fits" in verified(gateway)
    consent(gateway, then, wording=WORDING, at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 1000)))
    gateway.sealed()
    assert gateway.person(ANA)["consent"]["marketing"]["status"] == "granted" and "everything fits" in verified(gateway)


@contextlib.contextmanager
def damaged(path, at=0):
    before = path.read_bytes()
    path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
    try:
        yield
    finally:
        path.write_bytes(before)


def test_what_was_changed_in_the_directory_is_found(business, tmp_path):
    gateway = business.gateway
    size, key = leaves(gateway), gateway.cli(["ledger", "checkpoint", "--key"])[1].strip()
    folder, copy = gateway.folder / "state" / "ledger", tmp_path / "copy"
    shutil.copytree(folder, copy)
    files = [(f"tile/0/000.p/{size}", 3 * 32, r"leaf 3\b"), (f"tile/entries/000.p/{size}", 3 * 114 + 50, r"leaf 3\b"), ("checkpoint", 60, r"checkpoint")]
    for name, at, says in files:
        with damaged(folder / name, at):
            code, said, _ = gateway.cli(["ledger", "verify"])
            assert code == 1 and re.search(says, said), said
        with damaged(copy / name, at):
            code, said, _ = rig.wayleave("ledger", "verify", "--offline", copy, "--key", key)
            assert code == 1 and re.search(says, said), said
    assert gateway.cli(["ledger", "verify"])[0] == 0
    assert rig.wayleave("ledger", "verify", "--offline", copy, "--key", key)[0] == 0
    name, _, code = key.split("+", 2)
    raw = base64.b64decode(code)
    raw = raw[:-1] + bytes([raw[-1] ^ 1])
    digits = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    other = f"{name}+{digits}+{base64.b64encode(raw).decode()}"
    assert rig.wayleave("ledger", "verify", "--offline", copy, "--key", other)[0] == 1
    assert rig.wayleave("ledger", "verify", "--offline", tmp_path / "none")[0] == 1
    code, said, wrong = rig.wayleave("ledger", "verify", "--offline", copy, "--key", "abc")
    assert code == 2 and "--key: " in wrong and "checkpoint:" not in said + wrong


def test_the_gateway_finds_it_by_itself(start, sandbox, tmp_path):
    """At its start, before anybody asks; what it found stands in the status and in /metrics."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    consent(gateway, CLEO, method="paper", evidence="scan 17")
    gateway.sealed()
    gateway.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "wayleave.db")) as db:
        db.execute("UPDATE ledger SET evidence = 'scan 18'")
        db.commit()
    again = start(rig.Gateway, tmp_path, sandbox.url)
    found = rig.until("it is found", lambda: again.admin("GET", "/status")[1]["ledger"]["problem"], 30)
    assert "does not fit its leaf" in found and "audit: record" in again.output()
    assert re.search(r"^wayleave_ledger_problems 1$", again.get("/metrics").text, re.M)
    assert "does not fit" in again.cli(["status"])[1]


# --- starts -------------------------------------------------------------------------------------------------------------------


def refused(gateway_config, folder):
    """What a gateway that does not start says."""
    code, _, said = rig.wayleave("serve", "--config", gateway_config, cwd=folder)
    assert code == 1, said
    return said


@pytest.mark.parametrize("place", ["ledger_read", "ledger_head", "ledger_tiles", "ledger_sealed"])
def test_power_loss_between_an_opt_in_and_its_checkpoint(start, sandbox, tmp_path, place):
    first = start(rig.Gateway, tmp_path, sandbox.url)
    first.grant(ANA)
    first.sealed()
    first.stop()
    dies = start(rig.Gateway, tmp_path, sandbox.url, env={"WAYLEAVE_FAILPOINT": f"{place}:1"})
    with contextlib.suppress(requests.RequestException, AssertionError):
        dies.grant(BELA)
    dies.wait(20 * rig.SLOW)
    dies.kill()
    again = start(rig.Gateway, tmp_path, sandbox.url)
    again.sealed()
    assert leaves(again) == first_leaves(again) and again.cli(["ledger", "verify"])[0] == 0
    assert again.cli(["ledger", "prove", BELA])[0] == 0


def first_leaves(gateway):
    """As many as there are records and events of the rules."""
    return gateway.query("SELECT (SELECT COUNT(*) FROM ledger) + (SELECT COUNT(*) FROM rules_event)")[0][0]


def test_an_older_database_does_not_start_and_gets_a_new_log(start, sandbox, tmp_path):
    first = start(rig.Gateway, tmp_path, sandbox.url)
    consent(first, ANA)
    first.sealed()
    first.stop()
    state = tmp_path / "state"
    backup = (state / "wayleave.db").read_bytes()
    second = start(rig.Gateway, tmp_path, sandbox.url)
    consent(second, BELA)
    second.sealed()
    had = leaves(second)
    second.stop()
    (state / "wayleave.db").write_bytes(backup)
    said = refused(second.config, tmp_path)
    assert re.search(rf"the ledger in the database has {had - 1} leaves, and .* over {had}: leaf {had - 1} and what follows is gone", said), said
    assert "wayleave ledger reopen" in said
    assert rig.wayleave("ledger", "reopen", "--config", second.config)[0] == 2  # without a reason
    code, said, wrong = rig.wayleave("ledger", "reopen", "--reason", "restored after a disk failure", "--config", second.config)
    assert code == 0 and f"ended with {had} leaves; generation 2" in said, said + wrong  # as the checkpoint says, not the backup
    code, said, wrong = rig.wayleave("ledger", "reopen", "--reason", "impatience", "--config", second.config)
    assert code == 0 and "reopened already: generation 2" in said, said + wrong
    assert f"last checkpoint {had}\n" in (state / "ledger.1" / "ended.txt").read_text()
    assert "restored after a disk failure" in (state / "ledger.1" / "ended.txt").read_text()
    assert rig.wayleave("ledger", "verify", "--offline", state / "ledger.1")[0] == 0
    third = start(rig.Gateway, tmp_path, sandbox.url)
    third.sealed()
    note = third.cli(["ledger", "checkpoint"])[1]
    assert note.split("\n")[0].endswith("/gen2")
    assert third.cli(["ledger", "verify"])[0] == 0 and third.cli(["ledger", "prove", ANA])[0] == 0
    assert sale(third, ANA).status_code == 200
    code, _, wrong = third.cli(["ledger", "reopen", "--reason", "x"])
    assert code == 1 and "in use" in wrong  # while it runs
    third.stop()
    (state / "wayleave.db").write_bytes(backup)  # and once more the old one
    assert "generation 2" in refused(third.config, tmp_path)


def test_a_log_without_any_signature_does_not_start(start, sandbox, tmp_path):
    """Whoever takes away the directory and its checkpoints from the database would have anything signed anew."""
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    consent(gateway, ANA)
    gateway.sealed()
    gateway.stop()
    database, directory = tmp_path / "state" / "wayleave.db", tmp_path / "state" / "ledger"
    before = database.read_bytes()
    for sql in (["DELETE FROM log_head"], ["UPDATE log_head SET note = ''"], ["DELETE FROM log_head", "DELETE FROM log_leaf", "UPDATE ledger SET leaf = -1", "UPDATE rules_event SET leaf = -1"]):
        shutil.rmtree(directory, ignore_errors=True)
        with contextlib.closing(sqlite3.connect(database)) as db:
            for one in sql:
                db.execute(one)
            db.commit()
        said = refused(gateway.config, tmp_path)
        assert "no signed checkpoint of them is left" in said and "ledger reopen" in said, said
        shutil.rmtree(directory, ignore_errors=True)
        if len(sql) == 1:
            directory.mkdir()  # as after a death before the first checkpoint
            second = start(rig.Gateway, tmp_path, sandbox.url)
            second.sealed()
            assert "everything fits" in verified(second)
            second.stop()
        database.write_bytes(before)
    shutil.rmtree(directory, ignore_errors=True)
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("DELETE FROM log_head")
        db.commit()
    assert rig.wayleave("ledger", "reopen", "--reason", "no checkpoint is left", "--config", gateway.config)[0] == 0
    again = start(rig.Gateway, tmp_path, sandbox.url)
    again.sealed()
    assert "everything fits" in verified(again) and again.cli(["ledger", "checkpoint"])[1].split("\n")[0].endswith("/gen2")


def test_a_changed_entry_does_not_start_and_is_named(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    for who in (ANA, BELA, CLEO):
        gateway.grant(who)
    gateway.sealed()
    gateway.stop()
    database, directory = tmp_path / "state" / "wayleave.db", tmp_path / "state" / "ledger"
    before = database.read_bytes()
    for sql, says in (("UPDATE log_leaf SET entry = substr(entry, 1, 60) || x'00' || substr(entry, 62) WHERE idx = 2", "leaf 2 of the ledger in the database is not what was published"),
                      ("DELETE FROM log_leaf WHERE idx = 1", "entry 1 of the log is missing"),
                      ("UPDATE log_head SET root = zeroblob(32)", "the root of the database's last checkpoint is another")):
        with contextlib.closing(sqlite3.connect(database)) as db:
            db.execute(sql)
            db.commit()
        said = refused(gateway.config, tmp_path)
        assert says in said and "ledger reopen" in said or "entry 1" in said, said
        database.write_bytes(before)
    with damaged(directory / "checkpoint", 50):
        assert "checkpoint is" in refused(gateway.config, tmp_path)
    (tmp_path / "state" / "ledger.key").rename(tmp_path / "ledger.key")  # a new one is another key
    assert "put ledger.key and ledger.origin back" in refused(gateway.config, tmp_path)
    (tmp_path / "ledger.key").rename(tmp_path / "state" / "ledger.key")
    for origin, says in (("example.com/gen2", "may not end in /gen"), ("has a space", "ledger.origin"), ("has+plus", "ledger.origin"), ("example.com/log/2", "as example.com/log/2")):
        code, _, said = rig.wayleave("serve", "--config", gateway.config, "--set", f"ledger.origin={origin}", cwd=tmp_path)
        assert code == 1 and says in said, said
    assert start(rig.Gateway, tmp_path, sandbox.url).cli(["ledger", "verify"])[0] == 0


def test_a_directory_that_is_damaged_or_gone_is_written_again(start, sandbox, tmp_path):
    first = start(rig.Gateway, tmp_path, sandbox.url)
    first.people(300)
    first.sealed()
    note = first.cli(["ledger", "checkpoint"])[1]
    first.stop()
    directory = tmp_path / "state" / "ledger"
    before = {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file() and ".p/" not in str(p)}
    tile = directory / "tile/0/000"
    tile.write_bytes(bytes(len(tile.read_bytes())))
    (directory / "tile/entries/000").unlink()
    (directory / "tile/1/000.p/1").write_bytes(b"")
    second = start(rig.Gateway, tmp_path, sandbox.url)
    assert "are missing or damaged" in second.output() and second.cli(["ledger", "verify"])[0] == 0
    second.stop()
    shutil.rmtree(directory)
    third = start(rig.Gateway, tmp_path, sandbox.url)
    third.sealed()
    assert third.cli(["ledger", "checkpoint"])[1] == note  # the same bytes: the same key signs the same
    assert third.cli(["ledger", "verify"])[0] == 0
    for name, content in before.items():
        assert (directory / name).read_bytes() == content, name
