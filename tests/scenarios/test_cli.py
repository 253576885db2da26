# SPDX-License-Identifier: Apache-2.0
"""The command line against a running gateway: what it prints, what a script can read, and the exit status that says
what to do next (0 done, 1 failed, 2 usage, 3 refused, 4 partly, 5 in doubt, 75 later)."""

import json
import subprocess

import pytest
import rig

ANA, BELA, CARLA = ("+" + n for n in rig.PEOPLE[:3])

FILE = f"""Name;Mobile;Opt-in;consent_at;Method;Shoe size
Ana;{ANA};marketing;2026-01-02;web_form;38
Bela;(+44) 7700-900001;all;2026-01-02T10:00:00Z;paper;39
Carla;{CARLA};;;;40
Nobody;not a number;marketing;2026-01-02;web_form;41
Dora;+447700900003;marketing;;web_form;42
Emma;+447700900004;everything;2026-01-02;web_form;43
"""


def ok(result):
    code, out, err = result
    assert code == 0, out + err
    return out


def test_a_verdict_nobody_could_read_is_a_failure():
    ask = [rig.BIN, "decide", "--facts", "-"]
    for facts, verdict in (('{"message.kind": "freeform"}', 4), ('{"message.kind": "receipt"}', 0)):
        done = subprocess.run(ask, input=facts, capture_output=True, text=True, timeout=60 * rig.SLOW)
        assert done.returncode == verdict, done.stderr
        with open("/dev/full", "w") as full:
            failed = subprocess.run(ask, input=facts, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60 * rig.SLOW)
        assert failed.returncode == 1 and "could not be written" in failed.stderr


def test_an_import_takes_what_is_right_and_names_what_is_not(gateway, tmp_path):
    (tmp_path / "people.csv").write_text(FILE)
    code, out, err = gateway.cli(["contacts", "import", "people.csv", "--errors", "bad.csv", "--json"])
    assert code == 4, out + err
    report = json.loads(out)
    assert (report["rows"], report["created"], report["failed"], report["consents"]) == (6, 3, 3, 2)
    assert "Shoe size" in report["ignored_columns"]
    assert len(report["errors"]) == 3
    bad = (tmp_path / "bad.csv").read_text().splitlines()
    assert len(bad) == 4
    assert [line.split(";")[0] for line in bad] == ["Name", "Nobody", "Dora", "Emma"]
    assert all(line.split(";")[-1] for line in bad[1:])
    assert (tmp_path / "bad.csv").stat().st_mode & 0o077 == 0

    again = json.loads(gateway.cli(["contacts", "import", "people.csv", "--json"])[1])
    assert (again["created"], again["updated"], again["unchanged"], again["consents"], again["failed"]) == (0, 0, 3, 0, 3)
    assert gateway.person(ANA)["consent"]["marketing"]["status"] == "granted"
    assert gateway.person(BELA)["consent"]["utility"]["status"] == "granted"
    assert gateway.person(CARLA)["consent"]["marketing"]["status"] == "none"

    repaired = [bad[0], bad[2].replace("marketing;;", "marketing;2026-02-03;"), bad[3].replace("everything", "utility")]
    (tmp_path / "repaired.csv").write_text("\n".join(repaired) + "\n")
    out = ok(gateway.cli(["contacts", "import", "repaired.csv"]))
    assert "created" in out
    assert "warnings" not in out


def test_a_name_writes_no_lines_of_its_own(gateway, sandbox):
    """What people call themselves is theirs to choose: it stays on its line."""
    sandbox.inbound(rig.PEOPLE[0], "hi", name="Ann\nconsent\n  marketing       granted\x1b[2J\u202e")
    rig.until("she is known", lambda: (gateway.person(ANA) or {}).get("name", "").startswith("Ann"))
    shown = ok(gateway.cli(["contacts", "show", ANA]))
    assert shown.splitlines().count("consent") == 1 and "\x1b" not in shown and "\u202e" not in shown
    assert "Ann\\x0aconsent\\x0a" in shown and not any("granted" in line for line in shown.splitlines() if "Ann" not in line), shown


def test_an_import_undoes_no_opt_out(gateway, tmp_path):
    (tmp_path / "people.csv").write_text(FILE)
    gateway.cli(["contacts", "import", "people.csv"])
    ok(gateway.cli(["consent", "withdraw", ANA, "--scope", "marketing"]))
    assert gateway.cli(["contacts", "import", "people.csv"])[0] == 4
    assert gateway.person(ANA)["consent"]["marketing"]["status"] == "withdrawn"


def test_a_withdrawal_is_taken_whatever_else_is_wrong(gateway, tmp_path):
    """Each row has a mistake beside the point; nobody in it may get another message."""
    people = [f"+55119123460{i:02}" for i in range(12)]
    (tmp_path / "agreed.csv").write_text("phone\n" + "\n".join(people) + "\n")
    ok(gateway.cli(["contacts", "import", "agreed.csv", "--consent", "all", "--consent-at", "2026-01-02"]))
    head = "phone,user_id,name,lang,zone,consent,consent_act,consent_at,consent_method,consent_language"
    rows = ["{},,,,,,withdraw,,,", "{},,,,,no,withdraw,,,", "{},,,,,yes,withdrawn,,,", "{},,,,,marketting,withdraw,2026-02-01,,",
            "{},,,,,all,withdraw,31/01/2026,,", "{},,,,,all,withdraw,2999-01-01,,", "{},nonsense,,,,all,withdraw,2026-02-01,,",
            "{},," + "x" * 300 + ",,,all,withdraw,2026-02-01,,", "{},,," + "x" * 40 + ",,all,withdraw,2026-02-01,,",
            "{},,,,Mars/Base,all,withdraw,2026-02-01,,", "{},,,,,all,withdraw,2026-02-01," + "m" * 60 + ",", "{},,,,,all,withdraw,2026-02-01,," + "l" * 60]
    (tmp_path / "left.csv").write_text(head + "\n" + "\n".join(r.format(p) for r, p in zip(rows, people)) + "\n")
    code, out, err = gateway.cli(["contacts", "import", "left.csv", "--json"])
    report = json.loads(out)
    assert (code, report["failed"], report["updated"], report["consents"], report["withdrawals"]) == (0, 0, 12, 0, 12), out + err
    assert [(w["line"], w["field"]) for w in report["warnings"] if w["line"] != 8] == [
        (5, "scope"), (6, "at"), (7, "at"), (9, "name"), (10, "lang"), (11, "zone"), (12, "method"), (13, "language")]
    assert [w["field"] for w in report["warnings"] if w["line"] == 8] == ["user_id"]
    for person in people:
        assert {c["status"] for c in gateway.person(person)["consent"].values()} == {"withdrawn"}, person
    again = json.loads(gateway.cli(["contacts", "import", "left.csv", "--json"])[1])
    assert (again["unchanged"], again["withdrawals"], again["warned"]) == (12, 0, report["warned"])


def test_a_withdrawal_over_rest_needs_only_who(gateway):
    ok(gateway.cli(["consent", "grant", ANA, "--scope", "all"]))
    body = {"contacts": [{"phone": ANA, "shoe": 41, "user_id": "?", "consent": {"act": "withdraw", "scope": "everything", "at": 5, "colour": "red", "wording": 7}}]}
    answer = gateway.admin("POST", "/contacts/import", body)[1]
    assert answer["errors"] == []
    assert {w.get("field") for w in answer["warnings"]} == {None, "user_id", "scope", "at", "wording"}
    assert {c["status"] for c in gateway.person(ANA)["consent"].values()} == {"withdrawn"}


def test_a_dry_run_sends_nothing(gateway, tmp_path):
    (tmp_path / "people.csv").write_text(FILE)
    code, out, _ = gateway.cli(["contacts", "import", "people.csv", "--dry-run", "--json"])
    assert code in (0, 4)
    assert json.loads(out)["dry_run"]
    assert gateway.person(ANA) is None
    assert ok(gateway.cli(["send", "--from", rig.SENDER, "--to", ANA, "--text", "x", "--dry-run"]))
    ok(gateway.cli(["consent", "grant", ANA, "--scope", "all", "--dry-run"]))
    assert gateway.person(ANA) is None


def test_an_import_from_standard_input(gateway):
    out = ok(gateway.cli(["contacts", "import", "-", "--consent", "marketing", "--consent-at", "2026-01-02", "--consent-method", "paper"], stdin=f"phone\n{ANA}\n{BELA}\n"))
    assert "created" in out
    assert gateway.person(BELA)["consent"]["marketing"]["status"] == "granted"


def test_a_national_number_is_not_taken_for_an_international_one(gateway, tmp_path):
    (tmp_path / "people.csv").write_text(f"phone\n212 555 0123\n(11) 98765-4323\n{ANA[1:]}\n{BELA}\n")
    code, out, err = gateway.cli(["contacts", "import", "people.csv"])
    assert code == 4, out + err
    assert err.count("nothing says which; say --region DE") == 3
    assert gateway.person("+2125550123") is None and gateway.person(ANA) is None and gateway.person(BELA)
    (tmp_path / "msisdn.csv").write_text(f"phone\n{ANA[1:]}\n")
    ok(gateway.cli(["contacts", "import", "msisdn.csv", "--international"]))
    assert gateway.person(ANA)


@pytest.mark.parametrize("text, says", [("", "empty"), ("colour,size\nred,3\n", "phone"), ('phone\n"never closed\n', "quot")])
def test_a_file_that_is_no_list_of_people_is_refused(gateway, tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    code, out, err = gateway.cli(["contacts", "import", "x.csv"])
    assert code in (1, 4), out + err
    assert says in (out + err).lower()


def test_consent_is_given_shown_and_taken_back(gateway):
    ok(gateway.cli(["consent", "grant", ANA, "--scope", "marketing,utility", "--method", "paper", "--wording", "Yes, send me offers", "--evidence", "box 7", "--at", "2026-03-04T05:06:07Z"]))
    out = ok(gateway.cli(["consent", "show", ANA]))
    for word in ("granted", "paper", "Yes, send me offers", "box 7", "2026-03-04"):
        assert word in out
    ok(gateway.cli(["consent", "withdraw", "(+44) 7700-900000", "--scope", "marketing"]))
    history = json.loads(ok(gateway.cli(["consent", "show", ANA, "--json"])))
    assert history["consent"]["marketing"]["status"] == "withdrawn"
    assert history["consent"]["utility"]["status"] == "granted"
    shown = json.loads(ok(gateway.cli(["contacts", "show", ANA, "--json"])))
    assert {"kind": "phone", "value": ANA[1:]} in shown["identities"]
    assert ANA[1:] in ok(gateway.cli(["contacts", "show", shown["id"]]))
    assert gateway.cli(["contacts", "show", BELA])[0] == 1
    for who, scope, option, value in (("nobody's number", "marketing", "WHO", None), (ANA, "shoes", "--scope", None), (ANA, "all", "--at", "2099-01-01"), (ANA, "all", "--jurisdiction", "Germany")):
        code, out, err = gateway.cli(["consent", "grant", who, "--scope", scope, *([option, value] if value else [])])
        assert code == 2 and option in err, (option, out, err)
    assert gateway.cli(["consent", "grant", BELA, "--scope", "everything"])[0] in (1, 2)
    assert gateway.person(BELA) is None


def send(gateway, *what, to=ANA):
    return gateway.cli(["send", "--from", rig.SENDER, "--to", to, *what])


def test_sending_says_by_its_exit_status_what_became_of_it(gateway, sandbox):
    code, out, err = send(gateway, "--text", "hello")
    assert code == 3, out + err
    assert "window.closed" in out
    sandbox.inbound(ANA[1:])
    rig.until("the window is open", lambda: (gateway.person(ANA) or {}).get("windows"))
    out = ok(send(gateway, "--text", "hello"))
    assert out.startswith("accepted m") and "wamid." in out
    gateway.grant(ANA, scope="all")
    ok(send(gateway, "--template", "order_ready", "--language", "en_US", "--param", "A-17"))
    ok(send(gateway, "--template", "order_update", "--language", "en_US", "--named", "first_name=Ana", "--named", "order=A-17"))
    assert len(sandbox.ledger()) == 3
    assert send(gateway, "--template", "nonsense", "--language", "en_US")[0] == 3
    assert send(gateway, "--template", "order_ready", "--language", "en_US")[0] == 3
    assert send(gateway, "--text", "x", "--template", "y")[0] == 2
    assert gateway.cli(["send", "--from", "999", "--to", ANA, "--text", "x"])[0] == 1
    assert len(sandbox.ledger()) == 3
    sandbox.fault("code=131056", path="/v25.0/111/messages")
    code, out, err = send(gateway, "--text", "hello", "--json")
    assert code == 1
    assert json.loads(out)["state"] == "rejected"
    sandbox.fault("lost-answer", path="/v25.0/111/messages")
    code, out, err = send(gateway, "--text", "hello", "--json")
    assert code == 5, "an ambiguous message is nothing to try again"
    assert json.loads(out)["state"] == "ambiguous"
    sandbox.stop()
    assert send(gateway, "--text", "hello")[0] == 75


def test_a_hold_says_when_to_come_back(gateway, sandbox):
    gateway.grant(ANA)
    for _ in range(60):
        answer = gateway.admin(
            "POST", "/messages", {"from": rig.SENDER, "to": ANA, "type": "template", "template": {"name": "spring_sale", "language": {"code": "en_US"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "x"}]}]}})
        if answer[0] != 200:
            break
    code, out, err = send(gateway, "--template", "spring_sale", "--language", "en_US", "--param", "x")
    assert code == 75, out + err
    assert "pair.rate" in out
    assert "until" in out


def test_explaining_shows_the_rule_the_facts_and_the_source(gateway):
    refused = gateway.send_template(ANA, "spring_sale", parameters=["x"])
    name = refused.json()["error"]["error_data"]["wayleave"]["id"]
    out = ok(gateway.cli(["explain", name]))
    for word in ("deny", "consent.missing", "consent.status", "none", "would change", "opt-in", "https://", "marketing", "refused"):
        assert word in out, word
    body = json.loads(ok(gateway.cli(["explain", name, "--json"])))
    assert body["id"] == name
    assert body["decision"]["verdict"] == "deny"
    finding = next(f for f in body["decision"]["findings"] if f["rule"] == "consent.missing")
    assert finding["facts"] and finding["citations"][0]["url"].startswith("https://")
    gateway.grant(ANA)
    passed = gateway.send_template(ANA, "spring_sale", parameters=["x"]).headers["Wayleave-Message-Id"]
    assert "allow" in ok(gateway.cli(["explain", passed]))
    assert gateway.cli(["explain", name[:-1] + ("0" if name[-1] != "0" else "1")])[0] == 1
    assert gateway.cli(["explain", "nonsense"])[0] == 1
    assert gateway.cli(["explain"])[0] == 2


def test_a_wrong_key_and_no_gateway_are_told_apart(gateway, tmp_path):
    (tmp_path / "wrong.key").write_text("0" * 64)
    code, _, err = gateway.cli(["status", "--key-file", "wrong.key"])
    assert code == 1
    assert "key" in err
    code, _, err = gateway.cli(["status", "--url", f"http://127.0.0.1:{rig.free_port()}"])
    assert code == 75
    assert "wayleave serve" in err
    assert gateway.cli(["status", "--url", "nonsense"])[0] == 2
    assert ok(gateway.cli(["status"]))
    state = json.loads(ok(gateway.cli(["status", "--json"])))
    assert state["ruleset"]["id"] == "whatsapp-platform"
    for _, out, err in (gateway.cli(["status"]), gateway.cli(["status", "--key-file", "wrong.key"])):
        assert gateway.admin_key not in out + err


MISTAKES = {  # a line put into the configuration: what is said of it
    "lisen: 127.0.0.1:1": ("lisen", "listen"),
    "hold_buget: 2s": ("hold_buget", "hold_budget"),
    "hold_budget: soon": ("hold_budget", "duration"),
    "hold_budget: 2h": ("hold_budget",),
    "poll_interval: -5": ("poll_interval",),
    "limits: {threads: 1}": ("limits.threads",),
    "limits: {thread: 4}": ("thread", "threads"),
    "rewrite_links: perhaps": ("rewrite_links",),
    "public_url: not a url": ("public_url",),
    "hold_budget: 1s\nhold_budget: 2s": ("hold_budget", "already"),
    "rules: nowhere.yaml": ("nowhere.yaml",),
    "hold_budget: [1, 2": (),
    "welcome: {on: webform}": ("welcome.on", "did you mean web_form"),
    "welcome: {text: \"News of {shop}?\"}": ("welcome.text", "{shop}", "{business}"),
    "optout: {text_help: \"Hello {name}\"}": ("optout.text_help", "{name}", "{business}"),
}
PACKS = {"": "", "language: de\nstopp: {exact: [halt]}\n": "unknown key", "language: de\nsays: {stopped: \"Ende, {name}\"}\n": "{business}"}


def test_a_mistake_in_the_configuration_is_named_with_file_line_and_nearest_key(tmp_path):
    for name in ("app-secret", "verify-token"):
        (tmp_path / name).write_text("secret")
    good = "listen: 127.0.0.1:0\nstate_dir: state\nupstream:\n  url: http://127.0.0.1:1\nwebhook:\n  app_secret_file: app-secret\n  verify_token_file: verify-token\n"
    target = tmp_path / "wayleave.yaml"
    target.write_text(good)
    code, out, err = rig.wayleave("check-config", "--config", target, cwd=tmp_path)
    assert code == 0, out + err
    assert "secret" not in out.replace("app_secret", "").replace("app-secret", "").replace("forward_secret", "")
    for mistake, words in MISTAKES.items():
        target.write_text(good + mistake + "\n")
        for command in ("check-config", "serve"):
            code, out, err = rig.wayleave(command, "--config", target, cwd=tmp_path)
            assert code == 1, (mistake, command, out, err)
            for word in words:
                assert word in err, (mistake, command, err)
            if "nowhere" not in mistake:
                last = len((good + mistake).splitlines())
                assert f"wayleave.yaml:{last}" in err or f"wayleave.yaml:{last + 1}" in err, (mistake, err)
    target.write_text(good + "optout:\n  packs: ours.yaml\n")
    for pack, words in PACKS.items():
        (tmp_path / "ours.yaml").write_text(pack)
        for command in ("check-config", "serve"):
            code, out, err = rig.wayleave(command, "--config", target, cwd=tmp_path)
            assert code == 1 and "ours.yaml" in err and words in err, (pack, command, out, err)
    target.write_text(good + "lisen: x\nhold_budget: soon\n")
    code, out, err = rig.wayleave("check-config", "--config", target, cwd=tmp_path)
    assert "lisen" in err and "hold_budget" in err, "all mistakes at once"


def test_what_hinders_a_start_comes_with_what_helps(gateway, tmp_path):
    port = gateway.url.rsplit(":", 1)[1]
    code, out, err = rig.wayleave("serve", "--config", gateway.config, "--set", f"listen=127.0.0.1:{port}", "--set", f"state_dir={tmp_path / 'other'}")
    assert code == 1, out + err
    assert "in use" in err and "choose another port with listen" in err and "check-config" not in err
    code, out, err = rig.wayleave("serve", "--config", gateway.config, "--set", "listen=127.0.0.1:0")
    assert code == 1 and f"in use by another gateway, process {gateway.child.pid}" in err and "state_dir of its own" in err and "check-config" not in err
    for command in ("serve", "check-config", "status"):
        code, out, err = rig.wayleave(command, "--config", tmp_path / "absent.yaml")
        assert (code, out) == (1, "")
        assert "absent.yaml cannot be read: No such file" in err and "warning" not in err
    code, out, err = rig.wayleave("serve", "--config", gateway.config, "--set", "rules=/nowhere")
    assert code == 1 and f"check-config --config {gateway.config}" in err


def test_a_key_that_is_not_there_is_named_in_full(tmp_path):
    code, _, err = rig.wayleave("status", "--url", "http://127.0.0.1:1", cwd=tmp_path, env={"WAYLEAVE_KEY": ""})
    assert code in (1, 75)
    assert f"{tmp_path}/wayleave-data/admin.key" in err or "/var/lib/wayleave/admin.key" in err
