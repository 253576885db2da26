# SPDX-License-Identifier: Apache-2.0
"""Campaigns as their users do them: from a file to the last delivery through the command line; who may approve what; what is refused and in
which words; that a figure and its rows are one."""

import contextlib
import csv
import io
import json
import re
import sqlite3
import time

import campaign_rig
import pytest
import requests
import rig
from campaign_rig import Campaign, Refused, definition, people

ADA = "adas-own-key-0123456789"


def story(gateway, *words, status=0, stdin=None):
    code, out, err = gateway.cli(["campaigns", *words], stdin=stdin)
    assert code == status, (words, code, out, err)
    return out if status == 0 else err


@pytest.mark.shared
def test_from_a_file_to_the_end(gateway, sandbox):
    *numbers, gone = people(gateway, 13, tag="story")
    people(gateway, 3, first=447700903000, tag="story", consent=None)  # in the segment, and never asked
    made = json.loads(story(gateway, "create", "-", "--json", "--actor", "ana", stdin=json.dumps(definition(tag="story"))))
    assert made["state"] == "draft" and made["created_by"] == "ana"
    story(gateway, "approve", "Spring sale", "--yes", status=1)  # it has no plan yet

    found = json.loads(story(gateway, "check", "Spring sale", "--json"))
    assert (found["state"], found["audience"], found["people"]) == ("checked", 16, 13), found["report"]["problems"]
    [skipped] = found["report"]["funnel"]["skipped"]
    assert (skipped["reason"], skipped["people"]) == ("rule", 3) and skipped["rule"]
    for words in (("check", "Spring sale", "--show"), ("preview", made["id"]), ("show", "Spring sale"), ("list",)):
        assert "Spring sale" in story(gateway, *words) or words[0] == "preview"
    shown = story(gateway, "check", made["id"], "--show")
    assert "3 of 16 will not be sent to" in shown and re.search(r"spring_sale +en_US +13\n", shown)
    assert "Hello P" in story(gateway, "preview", made["id"])

    story(gateway, "approve", made["id"], status=2)  # nobody to ask
    story(gateway, "approve", made["id"], "--plan", "0" * 64, status=1)  # another plan
    story(gateway, "approve", made["id"], "--plan", found["plan"], "--actor", "ana")
    gateway.admin("POST", "/consent", {"who": gone, "act": "withdraw", "scope": "marketing", "method": "phone_call"})  # a moment too late for the check
    story(gateway, "start", "Spring sale")
    code, out, err = gateway.cli(["campaigns", "watch", "Spring sale", "--json"])
    seen = [json.loads(line) for line in out.splitlines()]
    assert code == 4 and seen[-1]["state"] == "finished" and seen[-1]["handed"] == 13, err  # one of them did not get it
    assert sorted(campaign_rig.received(sandbox)) == sorted(numbers)
    sandbox.all_told()
    gateway.wait_applied()

    messages = gateway.cli(["messages", "list", "--campaign", made["id"], "--json"])[1].splitlines()
    assert len(messages) == 13 and {json.loads(m)["campaign"] for m in messages} == {made["id"]}
    assert "it is what was approved" in story(gateway, "verify", "Spring sale")
    acts = [v["act"] for v in map(json.loads, story(gateway, "events", "Spring sale", "--json").splitlines())]
    assert acts == ["create", "check", "checked", "approve", "start", "finish"]
    assert "Submitted to WhatsApp" in story(gateway, "report", "Spring sale")
    figures_and_rows(gateway, made["id"])
    table = list(csv.DictReader(io.StringIO(story(gateway, "export", "Spring sale", "--csv"))))
    assert len(table) == 16 and {row["phone"] for row in table if row["status"] not in ("skipped", "refused")} == set(numbers)
    [refused] = json.loads(story(gateway, "report", "Spring sale", "--json"))["refused"]
    assert refused["people"] == 1 and [row["rule"] for row in table if row["phone"] == gone] == [refused["rule"]]
    assert story(gateway, "stop", "Spring sale", "--yes", status=1)  # it is over: for good

    later = definition("Later", tag="story", start_at="2030-01-02T09:00:00+01:00")  # told in UTC
    assert "begins       2030-01-02 08:00:00Z" in story(gateway, "show", story(gateway, "create", "-", "-q", stdin=json.dumps(later)).strip())


def figures_and_rows(gateway, name):
    """Every figure of the report, and as many rows behind it."""
    report = json.loads(story(gateway, "report", name, "--json"))
    figures = [v for key in ("funnel", "outcomes", "reactions", "skipped", "refused", "waiting", "failed") for v in report[key]]
    figures += [{"people": g["people"]["audience"], "rows": g["rows"]} for g in report["by"]["source"]]
    for key, group in (("outcomes", report["outcomes"]), ("source", [g["people"] | {"people": g["people"]["audience"]} for g in report["by"]["source"]])):
        assert sum(v["people"] for v in group) == report["audience"], key
    for figure in figures:
        status, page = gateway.admin("GET", f"/campaigns/{name}/recipients?limit=1000&{figure['rows']}")
        assert status == 200 and len(page["recipients"]) == figure["people"] and page["next"] is None, (figure, page)
    assert len(story(gateway, "export", name, "--rows", "status=skipped&reason=rule").splitlines()) == report["skipped"][0]["people"]


@pytest.mark.shared
def test_who_waits_is_told_why_and_until_when(gateway, sandbox):
    """Its hours are over until tomorrow, wherever people are: they wait with the door, and each is told why."""
    people(gateway, 3, first=447700905000, tag="night")
    hour = (time.gmtime().tm_hour + 6) % 24
    c = Campaign(gateway, definition("Night", tag="night", hours=f"daily {hour:02}:00-{hour:02}:30")).launched()
    c.wait_handed(3)
    [waits] = rig.until("the report says why", lambda: [w for w in c.get("report")["waiting"] if w["rule"] and w["people"] == 3])
    assert waits["rule"] == "campaign.window" and waits["until"] > rig.now()
    rows = c.get("recipients?" + waits["rows"])["recipients"]
    assert [(r["status"], r["rule"]) for r in rows] == [("waiting", "campaign.window")] * 3 and all(r["waiting_until"] for r in rows)
    assert c.get("live")["state"] == "running" and "waiting" in story(gateway, "report", c.id).lower()
    assert "--source" in story(gateway, "quarantine", c.id, "--source", "7", status=2)
    c.pause(reason="a mistake in it")
    assert (c.get()["state"], c.get()["cause"]) == ("held", "person")
    assert "a mistake in it" in story(gateway, "watch", c.id, "--once")
    story(gateway, "stop", c.id, "--yes", "--reason", "it will not do")
    assert c.get()["why"] == "it will not do" and not campaign_rig.received(sandbox)


@pytest.fixture
def strict(start, sandbox, tmp_path):
    """Above three people somebody else has to approve: ada, with a key of her own."""
    (tmp_path / "ada.key").write_text(ADA + "\n")
    (tmp_path / "ada.key").chmod(0o600)
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"campaigns.second_person_above": 3, "approvers": [{"name": "ada", "key_file": "ada.key"}]})
    sandbox.webhooks_to(g.url + "/webhook")
    return g


def refuses(code, what, act):
    with pytest.raises(Refused) as e:
        act()
    assert e.value.status == code and what in e.value.error["message"], e.value


def test_a_second_person(strict):
    people(strict, 3, tag="few")
    people(strict, 5, first=447700903000)
    small = Campaign(strict, definition("Small", tag="few"))
    small.check()
    small.approve()  # by whoever made it

    large = Campaign(strict, definition("Large"))
    assert large.check()["second_person"] and not small.get()["second_person"]
    refuses(409, "an approver has to approve it", large.approve)
    refuses(400, "is an approver, whose acts are proven by their key", lambda: large.approve(actor="Ada"))
    refuses(400, "it is ada who acts", lambda: large._call("POST", f"/campaigns/{large.id}/approve", {"actor": "bo"}, ADA))
    refuses(401, "the admin key is missing or wrong", lambda: large.act("approve", key=ADA[:-1] + "x", plan=large.get()["plan"]))
    story(strict, "approve", "Large", "--plan", large.get()["plan"], "--key-file", strict.folder / "ada.key")
    assert large.get()["approved_by"] == "ada"
    assert large.get("verify")["sound"] or not large.get("verify")["approval"]["sealed"]

    own = Campaign(strict, definition("Her own"))
    own.ask_check(key=ADA)
    refuses(409, "who neither wrote nor checked it", lambda: own.approve(key=ADA))
    refuses(401, "for campaigns alone", lambda: own._call("GET", "/contacts", key=ADA))
    refuses(401, "for campaigns alone", lambda: own._call("POST", "/rules/activate", {}, key=ADA))


# What somebody with access to the file does, what the ledger's audit says of it, and what verify does.
TAMPERED = [
    ("UPDATE campaign_event SET record = replace(record, 'ana', 'bob') WHERE record <> ''", r"the approval of campaign {id} does not fit its leaf \d+", "does not commit to the record"),
    ("DELETE FROM campaign_event WHERE record <> ''", r"leaf \d+ \(campaign\): its record is gone", "nobody approved it"),
    ("UPDATE campaign_recipient SET params = '[\"Eve\"]' WHERE place = 1", "everything fits", "is not what it was when the plan was made"),
    ("UPDATE campaign SET definition = replace(definition, 'again', 'anew')", "everything fits", "is not what it was when the plan was made"),
    ("UPDATE campaign SET people = people + 1", "everything fits", "is for other numbers of people"),
    ("UPDATE campaign SET name = 'Harmless'", "everything fits", "with another name"),
    ("UPDATE campaign SET plan = zeroblob(32)", "everything fits", "the plan is another one than the approval names"),
]


def changed_behind_its_back(gateway, c, statement, audit, says):
    table = re.match(r"(?:UPDATE|DELETE FROM) (\w+)", statement).group(1)
    with contextlib.closing(sqlite3.connect(gateway.folder / "state" / "wayleave.db", timeout=30, isolation_level=None)) as db:
        before = db.execute(f"SELECT * FROM {table}").fetchall()
        assert db.execute(statement).rowcount > 0
        said, found = gateway.cli(["ledger", "verify"])[1], c.get("verify")
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"DELETE FROM {table}")
        db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(before[0]))})", before)
        db.execute("COMMIT")
    assert re.search(audit.format(id=c.id), said), said
    assert not found["sound"] and any(says in p for p in found["problems"]), (statement, found)
    story(gateway, "verify", c.id)


@pytest.mark.shared
def test_what_was_approved_is_what_is_sent(gateway):
    people(gateway, 2, first=447700904000)
    c = Campaign(gateway, definition("Plan"))
    plan = c.check()["plan"]
    c.change(definition("Plan, again"))  # its check is void
    refuses(409, "the campaign is draft", lambda: c.act("approve", plan=plan))
    c.check()
    refuses(409, "and not the one named", lambda: c.act("approve", plan=plan))
    refuses(400, "plan is missing", lambda: c.act("approve"))
    c.approve()
    refuses(409, "it was changed since", lambda: c.change(definition(), version=1))
    rig.until("the approval is sealed", lambda: c.get("verify")["approval"]["sealed"])
    assert c.get("verify")["sound"], c.get("verify")
    for statement, audit, says in TAMPERED:
        changed_behind_its_back(gateway, c, statement, audit, says)
    with contextlib.closing(sqlite3.connect(gateway.folder / "state" / "wayleave.db", timeout=30, isolation_level=None)) as db:  # as an erasure leaves it
        assert db.execute(f"UPDATE campaign_recipient SET contact = 0, params = '' WHERE place = 1 AND campaign = {campaign_rig.campaign_number(c.id)}").rowcount == 1
    found = c.get("verify")
    assert found["sound"] is None and found["erased"] == 1 and not found["problems"], found
    code, out, _ = gateway.cli(["campaigns", "verify", c.id])
    assert code == 4 and "cannot be worked out any more" in out
    c.act("cancel", reason="the wrong day")
    assert c.get()["state"] == "cancelled"
    refuses(409, "that is for good", c.start)


@pytest.mark.shared
def test_a_template_that_says_something_else_by_now(gateway, sandbox):
    """It is edited at Meta, under the same name, after somebody stood for what it said."""
    def graph(method, path, **body):
        r = requests.request(method, f"{sandbox.url}/v23.0/{path}", json=body, headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=30)
        assert r.status_code == 200, r.text
        return r.json()

    def text(words):
        return [{"type": "BODY", "text": words, "example": {"body_text": [["Ana"]]}}]

    people(gateway, 2, first=447700906000, tag="words")
    made = graph("POST", f"{rig.WABA}/message_templates", name="news", language="en_US", category="MARKETING", components=text("Hello {{1}}, here is our news."))
    sandbox.call("POST", "event", {"field": "message_template_status_update", "name": "APPROVED", "template": "news"})
    gateway.cli(["templates", "sync"])
    c = Campaign(gateway, definition("Words", tag="words", template="news"))
    c.check()
    c.approve()
    graph("POST", made["id"], components=text("Hello {{1}}, buy our coins today."))
    sandbox.call("POST", "event", {"field": "message_template_status_update", "name": "APPROVED", "template": "news"})
    sandbox.all_told()
    gateway.wait_applied()
    gateway.cli(["templates", "sync"])
    rig.until("the new text is read", lambda: gateway.query("SELECT 1 FROM template WHERE name = 'news' AND listing LIKE '%coins%'"))
    with pytest.raises(Refused) as e:
        c.start()
    assert e.value.status == 409 and "news (en_US)" in e.value.error["message"], e.value
    found = c.get("verify")
    assert not found["sound"] and any("news (en_US)" in p for p in found["problems"]), found
    assert "its approval is void" in story(gateway, "change", c.id, "-", stdin=json.dumps(definition("Words", tag="words", template="news")))
    c.check()
    c.approve()
    c.start()
    c.wait("finished")
    assert len(campaign_rig.received(sandbox)) == 2


WRONG = [
    ({"name": None}, "name"),
    ({"numbers": []}, "numbers"),
    ({"nummbers": ["111"]}, "nummbers"),
    ({"hold_out": 0.5}, "hold_out"),
    ({"templates": [{"name": "spring_sale", "parameters": {"body": [{"text": "a\nb"}]}}]}, "templates[0].parameters.body[0]"),
    ({"segment": "vips"}, "query"),
    ({"deadline": "tomorrow"}, "deadline"),
]


@pytest.mark.shared
def test_bad_input_names_its_field(gateway):
    for changes, field in WRONG:
        with pytest.raises(Refused) as e:
            Campaign(gateway, {**definition(), **changes} if None not in changes.values() else definition(**changes))
        assert e.value.status == 400 and field in json.dumps(e.value.error), (changes, e.value)
    for body, field in [({}, "definition"), ({"definition": 5}, "definition"), ({"definition": definition(), "actor": "runner"}, "actor"),
                        ({"definition": definition(), "acter": "x"}, "acter"), ({"definition": definition(), "actor": "a" * 65}, "actor")]:
        status, answer = gateway.admin("POST", "/campaigns", body)
        assert status == 400 and field in json.dumps(answer), (body, answer)
    assert gateway.admin("GET", "/campaigns/k000000000000000")[0] == 404
    assert gateway.admin("GET", "/campaigns/m000000000000000")[0] == 404
    assert gateway.admin("GET", "/campaigns?state=runing")[0] == 400
    story(gateway, "show", "Nothing of the kind", status=1)
    story(gateway, "create", "-", stdin="{", status=2)
    story(gateway, "watch", "x", "--every", "0", status=2)
    story(gateway, "release", "x", status=2)


@pytest.mark.shared
def test_nobody_in_it_is_said(gateway):
    c = Campaign(gateway, definition("Nobody", tag="no-such-tag"))
    v = c.ask_check()
    assert v["state"] == "draft" and v["why"]
    err = story(gateway, "check", "Nobody", status=1)
    assert "cannot be approved" in err
    story(gateway, "cancel", "Nobody", "--yes")
