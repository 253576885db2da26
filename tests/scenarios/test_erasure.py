# SPDX-License-Identifier: Apache-2.0
"""A person is erased: nothing that names them is left in any file of the gateway, whenever it is killed meanwhile; the proof of
their consent stays as long as a law has it kept and not a day longer; nobody else's is touched; and an old list does not bring
them back."""

import base64
import contextlib
import json
import shutil
import sqlite3
import time

import pytest
import rig
from test_erase import PEOPLE, envelope, status, store, value, wrote
from test_outbox import CODE, READY, SALE, message, post, template
from test_subscribers import PRIVATE, app, subscribe  # noqa: F401

ANA, BO = "447700922301", "447700900302"  # they differ early: half a number in base64 is to be one person's
ANA_ID, BO_ID = "GB.81234567890301", "GB.90000000000302"
NAME = "Ana Wintergarten"
PEOPLE[ANA] = (NAME, ANA_ID)
SPELLINGS = (ANA, "+44 7700 922301", "7700 922301", "7700-922301")
NEXT_MONTH = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30 * 86400))
LONG_AGO, SOON = "2016-03-01T10:00:00Z", "2026-01-02T03:04:05Z"


@pytest.fixture
def quiet(start, sandbox, tmp_path):
    return start(rig.Gateway, tmp_path, sandbox.url, **PRIVATE)


def forms(word):
    """A text as it may be hidden: itself, in hex, and in base64 wherever in the bytes it begins."""
    raw = word.encode()
    yield raw
    yield raw.hex().encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)[(0, 2, 3)[before]:]
        coded = coded[:len(coded) - 4 if len(coded) > 12 else None].rstrip(b"=")
        yield coded
        yield coded.translate(bytes.maketrans(b"+/", b"-_"))


def every_file(gateway):
    """The state directory with its tiles and keys, the log of the program, and a copy of the database made now, both ways."""
    folder = gateway.folder / "copies"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    db = sqlite3.connect(f"file:{gateway.folder}/state/wayleave.db?mode=ro", uri=True, timeout=30)
    db.execute("VACUUM INTO ?", (str(folder / "vacuumed.db"),))
    with sqlite3.connect(folder / "backup.db") as to:
        db.backup(to)
    db.close()
    paths = [p for place in ("state", "copies") for p in (gateway.folder / place).rglob("*") if p.is_file() and not p.name.endswith("-shm")]
    data = {}
    for path in [*paths, gateway.log]:
        with contextlib.suppress(FileNotFoundError):  # tiles are renamed while they are written
            data[str(path.relative_to(gateway.folder))] = path.read_bytes()
    return data


def assert_nowhere(gateway, *words):
    looked_for = {form: word for word in words for form in forms(word) if len(form) >= 7}

    def found():
        return [(place, word) for place, data in every_file(gateway).items() for form, word in looked_for.items() if form in data]
    try:
        rig.until("nothing is left in the files", lambda: not found(), 20)
    except AssertionError:
        assert found() == []


def erase(gateway, who, *options, code=0):
    done, out, err = gateway.cli(["contacts", "erase", who, "--yes", "--json", *options], timeout=120)
    assert done == code, (out, err)
    return json.loads(out) if code == 0 else err


def shred(gateway, who):
    answer = erase(gateway, who, "--now", "--reason", "letter of 3 May")
    assert answer["state"] == "done", answer
    return answer


def grant(gateway, who, at=SOON, **more):
    code, answer = gateway.admin("POST", "/consent", {"who": who, "act": "grant", "scope": "marketing", "at": at, "method": "web_form", "source": "https://example.com/join",
                                                      "wording": "I agree to get offers of Example Ltd by WhatsApp", **more})
    assert code == 200, answer
    return answer


def consent(gateway, who):
    person = gateway.person(who)
    return person and person["consent"]["marketing"]["status"]


def wamids(gateway):
    return [w for (w,) in gateway.query("SELECT wamid FROM msg WHERE length(wamid) > 1")]


def all_heard(gateway):
    """Until no status of what was sent is to come any more."""
    rig.until("messages were delivered and read", lambda: gateway.query("SELECT count(*) FROM msg WHERE state = 3 AND (seen & 4) = 0") == [(0,)], 30)
    gateway.wait_applied()


def chosen(gateway, values):
    """A campaign as a check leaves it, with these people and what is to be put into their messages; its id."""
    campaign = (int(time.time() * 1000) << 22) + 7
    with contextlib.closing(sqlite3.connect(gateway.folder / "state" / "wayleave.db", timeout=30)) as db, db:
        db.execute(f"INSERT INTO campaign VALUES ({campaign}, 1, 'spring', 2, 0, '', 0, '{{}}', 0, 0, {len(values)}, {len(values)}, '', 1, 'ada', 1, 0, '', 0, 0, 0, 0, 0, 0, 0, 0)")
        for place, (who, value) in enumerate(values.items(), 1):
            contact = db.execute("SELECT contact FROM person_identity WHERE kind = 1 AND value = ?", (who[1:],)).fetchone()[0]
            db.execute("INSERT INTO campaign_recipient VALUES (0, ?, ?, ?, 1, 0, 0, 0, 1, 0, 'en_US', '', ?)", (campaign, place, contact, value.encode()))
            db.execute("INSERT INTO contact_campaign VALUES (0, ?, ?, ?)", (contact, campaign, place))
    return campaign


def of_everybody(gateway):
    """What must stay as it is when somebody else goes: consent events, people, names, entries of the log."""
    return [gateway.query(sql) for sql in ("SELECT * FROM ledger WHERE subject LIKE '%900302' OR subject LIKE '%90000000000302' ORDER BY id",
                                           "SELECT kind, value, contact FROM person_identity WHERE value IN ('447700900302', 'GB.90000000000302') ORDER BY value")]


def test_a_person_with_everything_leaves_nothing(quiet, sandbox, app):
    sandbox.webhooks_to(quiet.url + "/webhook", sent_ms=1, delivered_ms=2, read_ms=3)
    refuse = [b"dead letter text"]
    behind = app(lambda r: 400 if any(word in r["body"] for word in refuse) else 200)
    subscribe(quiet, "app", behind.url)
    # one person known twice until they are heard together; consents by several ways
    grant(quiet, "+" + ANA, evidence=json.dumps({"ip": "198.51.100.77", "note": "signed as Ana Wintergarten"}))
    grant(quiet, ANA_ID, method="paper", wording="A wording that was written for Ana alone, number +44 7700 922301")
    grant(quiet, "+" + BO)
    code, answer = quiet.admin("POST", "/contacts/import", {"source": "list of Ana W.csv", "contacts": [
        {"phone": "+" + ANA, "name": "Ana Wintergarten-List", "zone": "Europe/London", "consent": {"act": "grant", "scope": "all", "method": "import", "at": LONG_AGO}}]})
    assert code == 200 and not answer["errors"]
    mine = quiet.person(ANA_ID)["id"]
    for text in ("hello from me", "a text of Ana's own"):
        sandbox.inbound(ANA, text, user_id=ANA_ID)
    sandbox.inbound(BO, "hello from Bo")
    rig.until("they are one", lambda: quiet.person("+" + ANA)["id"] == quiet.person(ANA_ID)["id"] and (quiet.person("+" + BO) or {}).get("windows"))
    assert mine == quiet.person("+" + ANA)["id"] or quiet.query("SELECT count(*) FROM person_merge") == [(1,)]
    caption = {"messages": [{"from": ANA, "from_user_id": ANA_ID, "id": "wamid.img", "timestamp": "1790000002", "type": "image",
                             "image": {"id": "900900900", "mime_type": "image/jpeg", "caption": "a caption of Ana's"}}]}
    store(quiet, envelope(value(wrote(ANA, "dead letter text", "wamid.a1"), wrote(BO, "me too", "wamid.b1"))), envelope(caption),
          envelope({"statuses": [status(ANA, "wamid.nobodys"), status(BO, "wamid.bos")]}))
    # sent, with the client's own data; failed; refused; held back for later
    assert quiet.send(ANA, type="text", text={"body": "text to Ana"}, biz_opaque_callback_data="order of Ana W " + "x" * 490).status_code == 200
    assert quiet.send(BO, type="text", text={"body": "text to Bo"}).status_code == 200
    later = post(quiet, "+" + ANA, not_before=NEXT_MONTH, **template(SALE, "parameter for Ana"))
    assert later.status_code == 202, later.text
    keyed = quiet.request("POST", "/wayleave/v1/messages", token=quiet.admin_key, headers={"Idempotency-Key": "order-447700922301"},
                          json={"from": rig.SENDER, "to": "+" + ANA, "queue": True, "not_before": NEXT_MONTH, **template(READY, "A-1")})
    assert keyed.status_code == 202, keyed.text
    sandbox.fault("code=131026")
    quiet.send(ANA, type="text", text={"body": "a text that fails"})
    [seq] = [seq for seq, body in quiet.bodies().items() if b"dead letter text" in body]
    rig.until("one was asked for and not taken", lambda: any(b"dead letter text" in r["body"] for r in behind.requests))
    assert quiet.admin("POST", "/webhooks/replay", {"subscriber": "app", "id": str(seq)})[0] in (200, 202)
    rig.until("one is dead", lambda: quiet.query("SELECT count(*) FROM dead_letter") == [(1,)], 60)
    all_heard(quiet)
    ids, others = wamids(quiet), of_everybody(quiet)
    theirs = [w for w in ids if b"447700922301" in base64.b64decode(w[6:] + "===")]
    assert len(theirs) == 1 and len(ids) == 2, ids
    # chosen for a campaign
    campaign = chosen(quiet, {"+" + ANA: "[\"value for Ana W\"]", "+" + BO: "[\"value for Bo\"]"})
    _, exported, _ = quiet.cli(["contacts", "export", "+" + ANA])
    [one] = json.loads(exported)["campaigns"]
    assert (one["name"], one["values"], one["did"], one["skipped"]) == ("spring", "[\"value for Ana W\"]", ["replied"], None)
    [(keys,)] = quiet.query("SELECT hex(key) FROM subject_key WHERE contact <> 0 ORDER BY contact LIMIT 1")
    leaves, [(messages,)] = quiet.query("SELECT idx, entry FROM log_leaf ORDER BY idx"), quiet.query("SELECT count(*) FROM msg")
    assert quiet.query("SELECT count(*) FROM idempotency")[0][0] == 1 and quiet.query("SELECT count(*) FROM callback_data")[0][0] == 1

    answer = shred(quiet, "+" + ANA)

    assert answer["leaves"] == 3 and answer["contact"] is None and answer["reason"] == "letter of 3 May"
    assert quiet.person("+" + ANA) is None and quiet.person(ANA_ID) is None
    texts = ("hello from me", "text of Ana's own", "dead letter text", "caption of Ana", "text to Ana", "parameter for Ana", "order of Ana W", "198.51.100.77", "written for Ana alone", "value for Ana W")
    assert_nowhere(quiet, *SPELLINGS, ANA_ID, NAME, *theirs, *texts, keys, bytes.fromhex(keys).decode("latin-1"))
    # messages are counted, and nothing else is known of them
    assert quiet.query("SELECT count(*) FROM msg") == [(messages,)]
    assert message(quiet, later.json()["id"])["state"] == "cancelled" and message(quiet, later.json()["id"])["contact"] is None
    assert quiet.query("SELECT count(*) FROM outbox") == [(0,)] and quiet.query("SELECT count(*) FROM idempotency") == [(0,)]
    # their place in the campaign stays, because places are counted; nobody is in it
    rows = quiet.query(f"SELECT place, contact = 0, told, CAST(params AS TEXT) FROM campaign_recipient WHERE campaign = {campaign} ORDER BY place")
    assert rows == [(1, 1, 1, ""), (2, 0, 1, "[\"value for Bo\"]")] and quiet.query("SELECT count(*) FROM contact_campaign") == [(1,)]
    # nobody else lost anything
    assert of_everybody(quiet) == others
    assert quiet.query("SELECT idx, entry FROM log_leaf WHERE idx < %d ORDER BY idx" % len(leaves)) == leaves
    assert quiet.query("SELECT count(*) FROM log_leaf WHERE gone = 1") == [(3,)]
    code, out, err = quiet.cli(["ledger", "verify"])
    assert code == 0, (out, err)
    assert quiet.cli(["ledger", "prove", "+" + BO])[0] == 0 and quiet.cli(["ledger", "prove", "+" + ANA])[0] != 0
    bodies = b"".join(quiet.bodies().values())
    assert all(word in bodies for word in (b"hello from Bo", b"me too", b"wamid.bos"))
    assert [w for w in ids if w not in theirs] == wamids(quiet)
    assert quiet.query("SELECT count(*) FROM wording WHERE text LIKE '%offers of Example%'") == [(1,)]  # Bo was shown it, too


def test_proof_is_kept_until_the_law_is_content(start, sandbox, tmp_path):
    clock = rig.WallClock(tmp_path)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    sandbox.webhooks_to(gateway.url + "/webhook")
    grant(gateway, "+" + ANA, jurisdiction="US-TX")
    sandbox.inbound(ANA, "hello from me", user_id=ANA_ID)
    rig.until("they were heard", lambda: (gateway.person("+" + ANA) or {}).get("windows"))
    code, out, _ = gateway.cli(["contacts", "erase", "+" + ANA, "--dry-run"])
    assert code == 0 and "kept until" in out and "Limitation Act 1980" in out
    assert gateway.person("+" + ANA)["name"] != "" or gateway.bodies()

    answer = erase(gateway, "+" + ANA)

    years = int(answer["until"][:4]) - int(answer["asked_at"][:4])
    assert answer["state"] == "restricted" and answer["regime"]["id"] == "gb-limitation" and years in (6, 7), answer  # the longest of where they may be
    assert [answer["regime"][k] for k in ("duty", "confidence", "read")] == ["may", "low", "2026-11-22"]
    assert_nowhere(gateway, "hello from me", ANA_ID + '"')
    assert gateway.query("SELECT count(*) FROM ledger") == [(1,)] and gateway.query("SELECT count(*) FROM subject_key WHERE contact <> 0") == [(1,)]
    refused = gateway.send_template(ANA, "spring_sale", parameters=["Ana"])
    assert refused.json()["error"]["code"] == 131050
    assert gateway.record(refused)["decision"]["verdict"] == "deny"
    assert erase(gateway, "+" + ANA)["id"] == answer["id"]  # the same once more is the same
    code, listed, _ = gateway.cli(["contacts", "erasures", "--json"])
    assert code == 0 and [json.loads(line)["state"] for line in listed.splitlines()] == ["restricted"]

    gateway.stop()
    clock.set((years + 2) * 366 * 86400)
    gateway = start(rig.Gateway, tmp_path, sandbox.url, env=clock.env)
    rig.until("the proof is gone", lambda: gateway.admin("GET", f"/erasures/{answer['id']}")[1]["state"] == "done", 30)
    assert gateway.query("SELECT count(*) FROM ledger") == [(0,)] and gateway.person("+" + ANA) is None
    assert_nowhere(gateway, ANA, ANA_ID)


def test_what_is_kept_may_be_hurried_and_needs_a_reason(quiet):
    grant(quiet, "+" + ANA)
    assert erase(quiet, "+" + ANA)["state"] == "restricted"
    assert "reason" in erase(quiet, "+" + ANA, "--now", code=2)
    assert "names the person" in erase(quiet, "+" + ANA, "--now", "--reason", "as +44 7700 922301 asked", code=2)
    code, out, _ = quiet.cli(["contacts", "erase", "+" + ANA, "--now", "--dry-run"])
    assert code == 0 and "would be destroyed now" in out and "without --now it is kept until" in out, out
    assert shred(quiet, "+" + ANA)["leaves"] == 1
    assert_nowhere(quiet, ANA)
    for more in (["--dry-run"], ["--yes"]):  # and now nobody knows them
        code, out, _ = quiet.cli(["contacts", "erase", "+447700922399", *more])
        assert code == 0 and "known by this name" in out, out


def test_without_consent_there_is_nothing_to_keep(quiet, sandbox):
    store(quiet, envelope(wrote(ANA, "hello from me", "wamid.a1")))
    answer = erase(quiet, ANA_ID)
    assert answer["state"] == "done" and answer["leaves"] == 0 and answer["regime"] is None
    assert_nowhere(quiet, ANA, ANA_ID, NAME, "hello from me")


def test_somebody_nobody_knows(quiet):
    store(quiet, envelope({"unheard_of": [{"user": ANA_ID}]}, field="brand_new"), envelope(wrote(BO, "hello from Bo", "wamid.b1")))
    assert erase(quiet, ANA_ID)["state"] == "done"
    assert_nowhere(quiet, ANA_ID)
    assert erase(quiet, ANA_ID)["state"] == "done"  # and once more
    assert quiet.admin("POST", "/contacts/nonsense/erase", {})[0] == 400
    assert quiet.admin("GET", "/erasures/e1")[0] == 404 and quiet.admin("GET", "/erasures/x")[0] == 400
    assert quiet.person("+" + BO)


def test_two_at_once_and_the_same_twice(quiet):
    for who in (ANA, BO):
        grant(quiet, "+" + who)
    store(quiet, *(envelope(wrote(who, f"message {i}", f"wamid.{who}.{i}")) for i in range(40) for who in (ANA, BO)))
    wishes = {"now": True, "reason": "asked for"}
    answers = [quiet.admin("POST", f"/contacts/{who}/erase", wishes) for who in (ANA, BO, ANA)]
    assert [code for code, _ in answers] == [202, 202, 202] and answers[0][1]["id"] == answers[2][1]["id"]
    for _, answer in answers:
        rig.until("it is done", lambda a=answer: quiet.admin("GET", f"/erasures/{a['id']}")[1]["state"] == "done", 40)
    assert_nowhere(quiet, ANA, BO, ANA_ID, BO_ID)


def test_what_is_on_its_way_is_waited_for(quiet, sandbox):
    sandbox.webhooks_to(quiet.url + "/webhook", sent_ms=-1, delivered_ms=-1, read_ms=-1)
    grant(quiet, "+" + ANA)
    sandbox.fault("delay=3000", path=f"/{rig.SENDER}/messages")
    name = post(quiet, "+" + ANA, **template(SALE, "parameter for Ana")).json()["id"]
    rig.until("it is on its way", lambda: message(quiet, name)["state"] == "sending")
    answer = shred(quiet, "+" + ANA)
    assert message(quiet, name)["state"] in ("accepted", "sent") and answer["state"] == "done"
    [(wamid,)] = [(row["wamid"],) for row in sandbox.ledger()]
    assert_nowhere(quiet, ANA, wamid, "parameter for Ana")


def test_a_late_status_names_nobody(quiet, sandbox):
    sandbox.webhooks_to(quiet.url + "/webhook", sent_ms=1, delivered_ms=6000, read_ms=-1)
    grant(quiet, "+" + ANA)
    sent = []
    rig.until("it is sent", lambda: sent.append(quiet.send_template(ANA, "spring_sale", parameters=["Ana"])) or sent[-1].status_code == 200)
    name = sent[-1].headers["Wayleave-Message-Id"]
    shred(quiet, "+" + ANA)
    rig.until("it was delivered", lambda: message(quiet, name)["state"] == "delivered", 30)
    assert quiet.query("SELECT DISTINCT participant, orphan_wamid, detail FROM msg_event") == [("", "", "")]
    assert quiet.query("SELECT contact, wamid FROM msg") == [(0, "-")]
    quiet.wait_applied()
    erase(quiet, "+" + ANA)  # the body of the webhook is one that came since
    assert_nowhere(quiet, ANA)


def test_an_old_list_does_not_bring_them_back_and_a_new_word_does(quiet):
    grant(quiet, "+" + ANA)
    quiet.admin("POST", "/contacts/import", {"contacts": [{"phone": "+" + ANA, "user_id": ANA_ID}]})
    shred(quiet, "+" + ANA)
    assert quiet.query("SELECT count(*) FROM suppressed") == [(2,)]
    old = {"phone": "+" + ANA, "consent": {"act": "grant", "scope": "all", "method": "import", "at": LONG_AGO}}
    assert quiet.admin("POST", "/contacts/import", {"contacts": [old]})[0] == 200
    assert consent(quiet, "+" + ANA) == "withdrawn"
    assert [m for (m,) in quiet.query("SELECT method FROM ledger ORDER BY at DESC")][0] == "suppression"
    store(quiet, envelope({"messages": [{"from_user_id": ANA_ID, "id": "wamid.x", "timestamp": "1790000000", "type": "text", "text": {"body": "x"}}]}))
    rig.until("the other name is known, too", lambda: quiet.person(ANA_ID))
    assert consent(quiet, ANA_ID) == "withdrawn"
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    time.sleep(1.5)
    grant(quiet, "+" + ANA, at=now)
    assert consent(quiet, "+" + ANA) == "granted"


def test_whoever_gets_the_number_of_somebody_who_is_to_be_erased_is_somebody_else(start, sandbox, tmp_path):
    quiet = start(rig.Gateway, tmp_path, sandbox.url)
    grant(quiet, "+" + ANA)
    answer = erase(quiet, "+" + ANA)
    assert answer["state"] == "restricted"
    grant(quiet, BO_ID)
    before = quiet.query(f"SELECT * FROM ledger WHERE subject LIKE '%{BO_ID}'")
    store(quiet, envelope({"contacts": [{"wa_id": ANA, "user_id": BO_ID}], "messages": [{**wrote(ANA, "I am new here", "wamid.new")["messages"][0], "from_user_id": BO_ID}]}))
    rig.until("the number is the new owner's", lambda: quiet.person("+" + ANA)["id"] == quiet.person(BO_ID)["id"] != answer["contact"])
    new = quiet.person(BO_ID)
    assert not new.get("restricted_until") and consent(quiet, BO_ID) == "granted" and quiet.query("SELECT count(*) FROM person_merge") == [(0,)]
    assert quiet.send_template(None, "spring_sale", parameters=["x"], recipient=BO_ID).status_code == 200
    # nothing else is learned of who is to be erased, neither from a list
    assert quiet.admin("POST", "/contacts/import", {"contacts": [{"phone": "+" + ANA, "user_id": BO_ID}]})[0] == 200
    # the time of the proof is over
    quiet.stop()
    db = sqlite3.connect(tmp_path / "state" / "wayleave.db")
    db.execute("UPDATE erasure SET until_at = 1, due = 1")
    db.commit()
    db.close()
    quiet = start(rig.Gateway, tmp_path, sandbox.url)
    rig.until("the proof is gone", lambda: quiet.admin("GET", f"/erasures/{answer['id']}")[1]["state"] == "done", 30)
    assert quiet.admin("GET", f"/erasures/{answer['id']}")[1]["leaves"] == 1
    assert quiet.query(f"SELECT * FROM ledger WHERE subject LIKE '%{BO_ID}'") == before
    assert quiet.person("+" + ANA)["id"] == quiet.person(BO_ID)["id"] == new["id"] and consent(quiet, BO_ID) == "granted"
    store(quiet, envelope({"contacts": [{"wa_id": ANA, "user_id": BO_ID}], "messages": [{**wrote(ANA, "still here", "wamid.still")["messages"][0], "from_user_id": BO_ID}]}))
    assert consent(quiet, BO_ID) == "granted" and b"still here" in b"".join(quiet.bodies().values())


def test_another_key_for_hashed_names_is_noticed_at_the_start(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    grant(gateway, "+" + ANA)
    shred(gateway, "+" + ANA)
    gateway.stop()
    key = tmp_path / "state" / "suppress.key"
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(AssertionError, match=r"suppress\.key of a backup back"):
        start(rig.Gateway, tmp_path, sandbox.url)
    key.chmod(0o600)
    key.write_bytes(kept)
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    grant(gateway, "+" + ANA, at=LONG_AGO, method="import")
    assert consent(gateway, "+" + ANA) == "withdrawn"


def test_wordings_of_theirs_alone_go_however_many_there_are(quiet):
    for i in range(70):
        grant(quiet, "+" + ANA, at=f"2026-01-02T03:{i // 60:02}:{i % 60:02}Z", wording=f"wording {i} for Ana alone")
    grant(quiet, "+" + ANA, at="2026-01-03T03:04:05Z", wording="shown to both")
    grant(quiet, "+" + BO, wording="shown to both")
    assert erase(quiet, "+" + ANA)["state"] == "restricted"
    assert quiet.query("SELECT count(*) FROM wording") == [(71,)]
    assert shred(quiet, "+" + ANA)["leaves"] == 71
    assert quiet.query("SELECT text FROM wording") == [("shown to both",)]


@pytest.mark.parametrize("commit", [1, 2, 3, 4, 5, 6])
def test_killed_in_the_middle_it_is_completed_at_the_next_start(start, sandbox, tmp_path, commit):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    grant(gateway, "+" + ANA)
    grant(gateway, "+" + BO)
    store(gateway, envelope(wrote(ANA, "hello from me", "wamid.a1")), envelope(wrote(BO, "hello from Bo", "wamid.b1")), envelope({"statuses": [status(ANA, "wamid.s1")]}))
    assert post(gateway, "+" + ANA, not_before=NEXT_MONTH, **template(SALE, "parameter for Ana")).status_code == 202
    gateway.stop()
    (tmp_path / "second").mkdir()
    doomed = start(rig.Gateway, tmp_path, sandbox.url)
    answer = doomed.admin("POST", f"/contacts/{ANA}/erase", {"now": True, "reason": "asked for"})[1]
    rig.until("it has begun", lambda: doomed.query("SELECT count(*) FROM erasure") == [(1,)])
    time.sleep(0.02 * (commit - 1))
    doomed.kill()
    again = start(rig.Gateway, tmp_path, sandbox.url)
    rig.until("it is done", lambda: again.admin("GET", f"/erasures/{answer['id']}")[1]["state"] == "done", 40)
    assert again.query("SELECT leaves FROM erasure") == [(1,)] and again.query("SELECT count(*) FROM log_leaf WHERE gone = 1") == [(1,)]
    assert_nowhere(again, ANA, ANA_ID, NAME, "hello from me", "parameter for Ana")
    assert again.person("+" + BO) and b"hello from Bo" in b"".join(again.bodies().values())
