# SPDX-License-Identifier: Apache-2.0
"""`wayleave doctor`: all green where all is well, and one red line, with what to do, for each thing that can be wrong."""

import contextlib
import json
import sqlite3
import time

import pytest
import requests
import rig
from test_door import body_of, metric, post, rows, said
from test_subscribers import PRIVATE, App, settled, subscribe as add_subscriber

APP = 1000


class Clinic:
    """A gateway with the address Meta knows, and its doctor."""

    def __init__(self, start, folder, sandbox, **changes):
        port = rig.free_port()
        changes = {"public_url": f"http://127.0.0.1:{port}", "webhook.app_id": APP, **changes}
        self.sandbox, self.gateway = sandbox, start(rig.Gateway, folder, sandbox.url, port=port, **changes)
        self.folder = folder
        sandbox.webhooks_to(self.gateway.url + "/webhook")

    def write(self, **changes):
        """Another configuration for the doctor, beside the gateway that goes on with its own."""
        rig.configuration(self.folder, self.sandbox.url, self.gateway.port,
                          **{"public_url": self.gateway.url, "webhook.app_id": APP, **changes})

    def examine(self, env=None):
        """(exit status, {name: line} of what is not in order, all lines)."""
        status, out, err = rig.wayleave("doctor", "--json", "--config", self.gateway.config, cwd=self.folder, env=env)
        assert err == "" and rig.TOKEN not in out and rig.APP_SECRET not in out and rig.VERIFY_TOKEN not in out and self.gateway.admin_key not in out
        lines = json.loads(out)["checks"]
        assert json.loads(out)["ok"] == (status == 0)
        for line in lines:
            assert line["result"] in ("ok", "skip") or line["do"], line
        return status, {line["name"]: line for line in lines if line["result"] in ("warn", "fail")}, lines

    def only(self, name, result, *parts, env=None):
        """What is wrong is this, and nothing else."""
        status, wrong, _ = self.examine(env)
        assert list(wrong) == [name], wrong
        assert wrong[name]["result"] == result and status == (1 if result == "fail" else 0)
        for part in parts:
            assert part in wrong[name]["found"] + " " + wrong[name]["do"], wrong[name]
        return wrong[name]


@pytest.fixture
def clinic(start, sandbox, tmp_path):
    return Clinic(start, tmp_path, sandbox)


def test_old_numbering_plans_are_said(start, sandbox, tmp_path):
    stale = rig.ROOT / "fuzz" / "corpus" / "phone_data" / "tiny"  # released 2026-01-01
    clinic = Clinic(start, tmp_path, sandbox, **{"phone.data": str(stale)})
    clinic.only("phone_data", "warn", "days old", "wayleave help phone compile")
    assert "WARN serve: the numbering plans are" in clinic.gateway.output()


def test_all_is_well(clinic):
    status, wrong, lines = clinic.examine()
    assert status == 0 and not wrong and "numbering plans" not in clinic.gateway.output()
    names = {line["name"] for line in lines if line["result"] == "ok"}
    assert names >= {"configuration", "rules", "state_dir", "disk.space", "disk.sync", "database", "descriptors", "gateway", "gateway.key", "upstream", "clock",
                     "number.token", "number.status", "number.quality", "number.name", "number.health", "account.health", "account.subscribed",
                     "webhook.handshake", "webhook.signature", "webhook.public", "app.webhook", "app.fields"}
    assert {line["id"] for line in lines if line["name"] == "number.status"} == {rig.SENDER, rig.OTHER_SENDER}
    status, out, _ = clinic.gateway.cli(["doctor", "--quiet"])
    assert status == 0 and out == ""
    status, out, _ = clinic.gateway.cli(["doctor"])
    assert status == 0 and "0 wrong" in out and "->" not in out.replace("-> write a message", "")


def test_it_changes_nothing(start, sandbox, receiver, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **{"webhook.forward_url": receiver.url, "webhook.apps": [{"id": 1001, "app_secret": "second-secret"}]})
    gateway = clinic.gateway
    post(gateway, body_of(said(1)))
    settled(gateway, "forward")
    before, kept = sorted(p.name for p in (clinic.folder / "state").iterdir()), rows(gateway)
    clinic.examine()
    clinic.examine()
    assert sorted(p.name for p in (clinic.folder / "state").iterdir()) == before
    gateway.wait_applied()
    assert rows(gateway) == kept and len(kept) == 1
    assert [metric(gateway, f"webhooks_{name}_total") for name in ("forged", "probed")] == [0, 2 * 3]  # each app's signature, and a forged one
    assert len(receiver.requests) == 1


def test_the_gateway_is_down(clinic):
    clinic.gateway.stop()
    status, wrong, lines = clinic.examine()
    assert status == 1 and set(wrong) == {"gateway", "webhook.public"}
    assert "systemctl start" in wrong["gateway"]["do"]
    assert {line["name"]: line["result"] for line in lines}["database"] == "ok"


def test_a_token_that_is_refused(clinic):
    (clinic.folder / "sender.token").write_text("an old token")
    status, wrong, lines = clinic.examine()
    assert status == 1 and wrong["number.token"]["result"] == "fail" and "token_file" in wrong["number.token"]["do"]
    assert "an old token" not in json.dumps(lines)


def test_a_token_that_is_not_there(clinic):
    (clinic.folder / "sender.token").unlink()
    status, wrong, _ = clinic.examine()
    assert status == 1 and "sender.token" in wrong["number.token"]["found"] and "configuration" in wrong


def test_a_token_with_too_few_rights_or_days(clinic, sandbox):
    sandbox.call("POST", "answers", {"scopes": "whatsapp_business_messaging,public_profile"})
    clinic.only("number.token_rights", "fail", "whatsapp_business_management")
    sandbox.call("POST", "answers", {"token_expires_at": int(time.time()) + 3 * 86400})
    clinic.only("number.token", "warn", "2 days", "system user")


def test_a_token_that_ends(clinic, sandbox):
    for seconds, result, words in ((-61 * 86400 - 60, "fail", "ended 61 days ago"), (-60, "fail", "ended less than an hour ago"), (-5400, "fail", "ended 1 hour ago"),
                                   (3 * 3600 + 60, "warn", ", 3 hours"), (86400 + 60, "warn", ", 1 day ")):
        sandbox.call("POST", "answers", {"token_expires_at": int(time.time()) + seconds})
        clinic.only("number.token", result, words, "does not expire")


def test_a_number_that_cannot_send(clinic, sandbox):
    requests.post(f"{sandbox.url}/v23.0/{rig.SENDER}/deregister", json={}, headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10).raise_for_status()
    status, wrong, _ = clinic.examine()
    assert status == 1 and set(wrong) == {"number.status", "number.health"} and wrong["number.status"]["id"] == rig.SENDER
    assert "DISCONNECTED" in wrong["number.status"]["found"] and "register" in wrong["number.status"]["do"]
    assert wrong["number.health"]["do"] and "look at the account" not in wrong["number.health"]["do"]  # Meta's own words


def test_a_number_of_low_quality(clinic, sandbox):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "quality_rating": "RED"})
    clinic.only("number.quality", "warn", "RED")


def test_nobody_is_subscribed(clinic, sandbox):
    requests.delete(f"{sandbox.url}/v23.0/{rig.WABA}/subscribed_apps", headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10).raise_for_status()
    clinic.only("account.subscribed", "fail", "no app is subscribed", f"{rig.WABA}/subscribed_apps")


def test_one_of_two_apps_is_not_subscribed(start, sandbox, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **{"webhook.apps": [{"id": 1001, "app_secret": "second-secret"}]})
    sandbox.call("POST", "apps", {"id": "1001", "secret": "second-secret", "url": clinic.gateway.url + "/webhook", "verify": False, "token": "token-of-1001"})
    assert clinic.examine()[:2] == (0, {})
    requests.delete(f"{sandbox.url}/v23.0/{rig.WABA}/subscribed_apps", headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10).raise_for_status()
    clinic.only("account.subscribed", "warn", "app 1000 (webhook.app_id)", f"{rig.WABA}/subscribed_apps")


def subscribe(sandbox, **more):
    answer = requests.post(f"{sandbox.url}/v23.0/{APP}/subscriptions", headers={"Authorization": f"Bearer {APP}|{rig.APP_SECRET}"}, timeout=10,
                           json={"object": "whatsapp_business_account", "verify_token": rig.VERIFY_TOKEN, **more})
    assert answer.status_code == 200, answer.text


def test_webhooks_go_elsewhere(clinic, sandbox, start, tmp_path):
    (tmp_path / "other").mkdir()
    other = start(rig.Gateway, tmp_path / "other", sandbox.url)
    subscribe(sandbox, callback_url=other.url + "/webhook")
    clinic.only("app.webhook", "fail", other.url, clinic.gateway.url + "/webhook")
    subscribe(sandbox, callback_url=clinic.gateway.url + "/webhook")
    requests.post(f"{sandbox.url}/v23.0/{rig.WABA}/subscribed_apps", json={"override_callback_uri": other.url + "/webhook", "verify_token": rig.VERIFY_TOKEN},
                  headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10).raise_for_status()
    clinic.only("account.webhook", "fail", other.url)


def test_one_number_goes_elsewhere(clinic, sandbox, start, tmp_path):
    (tmp_path / "other").mkdir()
    other = start(rig.Gateway, tmp_path / "other", sandbox.url)
    requests.post(f"{sandbox.url}/v23.0/{rig.OTHER_SENDER}", json={"webhook_configuration": {"override_callback_uri": other.url + "/webhook", "verify_token": rig.VERIFY_TOKEN}},
                  headers={"Authorization": f"Bearer {rig.TOKEN}"}, timeout=10).raise_for_status()
    assert clinic.only("number.webhook", "fail", other.url)["id"] == rig.OTHER_SENDER


FIELDS = {"calls": "calls,standby,user_preferences",
          "templates": "message_template_status_update,message_template_quality_update,message_template_components_update,template_category_update",
          "account": "account_update,account_alerts,account_review_update,business_capability_update,security,phone_number_quality_update,phone_number_name_update",
          "groups": "group_lifecycle_update,group_participants_update,group_settings_update,group_status_update",
          "usernames": "business_username_updates"}


def test_fields_that_are_not_subscribed(clinic, sandbox):
    def missing(*fields):
        subscribe(sandbox, callback_url=clinic.gateway.url + "/webhook", fields=",".join(fields))
        status, _, lines = clinic.examine()
        return status, [(line["name"], line["found"]) for line in lines if line["name"].startswith("app.") and line["result"] in ("warn", "fail")]

    assert missing("messages", *FIELDS.values()) == (0, [])
    for kind, fields in FIELDS.items():
        status, [(name, found)] = missing("messages", *(f for k, f in FIELDS.items() if k != kind))
        assert (status, name) == (0, "app.fields") and f"not subscribed to {fields.replace(',', ', ')}: " in found
    status, found = missing("account_update", *(f for k, f in FIELDS.items() if k != "account"), "phone_number_name_update")
    assert status == 1 and [name for name, _ in found] == ["app.messages", "app.fields"] and "no message" in found[0][1]
    assert "account_alerts, " in found[1][1] and "account_update" not in found[1][1]


def test_secrets_that_do_not_match(clinic):
    (clinic.folder / "app-secret").write_text("another secret")
    status, wrong, _ = clinic.examine()
    assert status == 1 and set(wrong) == {"webhook.signature", "app.secret"}
    (clinic.folder / "app-secret").write_text(rig.APP_SECRET)
    (clinic.folder / "verify-token").write_text("another token")
    status, wrong, _ = clinic.examine()
    assert status == 1 and set(wrong) == {"webhook.handshake", "webhook.public"}


def test_meta_is_not_reached(clinic, sandbox):
    sandbox.stop()
    status, wrong, lines = clinic.examine()
    assert status == 1 and set(wrong) == {"upstream"} and "no connection" in wrong["upstream"]["found"]
    assert sandbox.url in wrong["upstream"]["found"] and f"port {sandbox.url.rsplit(':', 1)[1]} of this machine" in wrong["upstream"]["do"]
    assert {line["result"] for line in lines if line["name"].startswith("number.")} == {"skip"}


def test_an_address_that_is_no_name(clinic):
    clinic.write(**{"upstream.url": "http://graph.wayleave.invalid"})
    _, wrong, _ = clinic.examine()
    assert "its name is not found" in wrong["upstream"]["found"]


def test_the_address_outside_is_closed(clinic, sandbox):
    clinic.write(public_url=f"http://127.0.0.1:{rig.free_port()}")
    status, wrong, _ = clinic.examine()
    assert status == 1 and set(wrong) == {"webhook.public", "app.webhook"}


def test_the_clock_is_wrong(clinic):
    clock = rig.WallClock(clinic.folder)
    for seconds, result, words in ((10, "warn", "10 seconds ahead"), (-10, "warn", "10 seconds behind"), (3600, "fail", "3600 seconds ahead")):
        clock.set(seconds)
        clinic.only("clock", result, words, "timedatectl", env=clock.env)


def test_messages_leave_and_no_webhook_comes(clinic, sandbox):
    clinic.gateway.grant("+" + rig.PEOPLE[0], scope="all")
    sandbox.call("POST", "webhook", {"mode": "drop"})
    assert clinic.gateway.send_template("+" + rig.PEOPLE[0], "order_ready", parameters=["A-1"]).status_code == 200
    rig.until("it was accepted", lambda: clinic.gateway.states() == {"accepted": 1})
    assert clinic.examine()[0] == 0  # a status may still come
    clock = rig.WallClock(clinic.folder)
    clock.set(15 * 60)
    status, wrong, _ = clinic.examine(clock.env)
    assert status == 1 and set(wrong) == {"clock", "webhook.silence"}
    assert "1 were accepted in the last 15 minutes, the last webhook came never" in wrong["webhook.silence"]["found"]
    sandbox.call("POST", "webhook", {"mode": "normal"})
    sandbox.inbound(rig.PEOPLE[0])
    rig.until("a webhook came", lambda: clinic.gateway.query("SELECT COUNT(*) FROM inbox WHERE length(body) > 100") != [(0,)])
    assert set(clinic.examine(clock.env)[1]) == {"clock"}
    for _ in range(300):  # webhooks that say nothing
        assert post(clinic.gateway, b'{"entry":[]}').status_code == 200
    status, wrong, lines = clinic.examine(clock.env)
    assert set(wrong) == {"clock"} and ["last webhook came 2" in line["found"] for line in lines if line["name"] == "webhook.silence"] == [True]


def test_a_folder_that_cannot_be_used(clinic):
    (clinic.folder / "state").chmod(0o755)
    clinic.only("state_dir", "warn", "755", "chmod 700")
    (clinic.folder / "state").chmod(0o700)
    clinic.write(state_dir="elsewhere")
    status, wrong, _ = clinic.examine()
    assert wrong["state_dir"]["result"] == "warn" and "not there" in wrong["state_dir"]["found"]
    (clinic.folder / "elsewhere").write_text("a file")
    status, wrong, _ = clinic.examine()
    assert status == 1 and wrong["state_dir"]["result"] == "fail"


def test_another_gateway_has_the_port(clinic, start, sandbox, tmp_path):
    (clinic.folder / "mine").mkdir(mode=0o700)
    (clinic.folder / "mine" / "admin.key").write_text("the key of another gateway")
    clinic.write(state_dir="mine")
    _, wrong, _ = clinic.examine()
    assert wrong["gateway.key"]["result"] == "fail" and "another gateway" in wrong["gateway.key"]["do"]


def test_a_damaged_database(clinic):
    clinic.gateway.stop()
    with contextlib.closing(sqlite3.connect(clinic.folder / "state" / "wayleave.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(clinic.folder / "state" / "wayleave.db", "r+b") as f:
        f.seek(4096 * 3)
        f.write(b"\xff" * 4096 * 4)
    status, wrong, _ = clinic.examine()
    assert status == 1 and wrong["database"]["result"] == "fail" and "backup" in wrong["database"]["do"]


def test_certificates(start, sandbox, tmp_path):
    _, cert, key = rig.certificates(tmp_path, ["127.0.0.1"])
    clinic = Clinic(start, tmp_path, sandbox, listen_tls=f"127.0.0.1:{rig.free_port()}", **{"tls.cert": str(cert), "tls.key": str(key)})
    clinic.only("certificate", "warn", "1 more days", "renew")
    clock = rig.WallClock(tmp_path)
    clock.set(3 * 86400)
    status, wrong, _ = clinic.examine(clock.env)
    assert status == 1 and wrong["certificate"]["result"] == "fail" and "no longer valid" in wrong["certificate"]["found"]


def test_mistakes_of_the_configuration_are_lines_too(clinic):
    clinic.gateway.config.write_text(clinic.gateway.config.read_text() + "lisen: 127.0.0.1:80\n")
    (clinic.folder / "app-secret").chmod(0o644)
    status, _, lines = clinic.examine()
    said = [(line["result"], line["found"]) for line in lines if line["name"] == "configuration"]
    assert status == 1 and any(r == "fail" and "lisen" in f for r, f in said)
    status, out, _ = rig.wayleave("doctor", "--config", clinic.folder / "nowhere.yaml", cwd=clinic.folder)
    assert status == 1 and "nowhere.yaml" in out


def test_a_key_of_the_state_directory(clinic):
    for name, missing in (("link.key", "warn"), ("mark.key", "warn"), ("ledger.key", "fail"), ("seal.key", "fail")):
        key = clinic.folder / "state" / name
        content = key.read_bytes()
        key.chmod(0o640)
        clinic.only("state_dir.keys", "fail", str(name), "640", "chmod 600")
        key.unlink()
        clinic.only("state_dir.keys", missing, str(name), "from the backup")
        key.write_bytes(content)
        key.chmod(0o600)


# --- apps behind the gateway ------------------------------------------------------------------------------------------


def ten_people_write(gateway):
    assert post(gateway, body_of(*(said(n, f"wamid.{time.monotonic_ns()}.{n}") for n in range(10)))).status_code == 200


def test_an_app_behind_the_gateway_takes_nothing(start, sandbox, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **{"webhook.forward_url": f"http://127.0.0.1:{rig.free_port()}/hook"})
    _, _, lines = clinic.examine()
    assert [line["found"] for line in lines if line["name"] == "subscriber"] == ["no subscriber was handed anything since the gateway started"]
    ten_people_write(clinic.gateway)
    rig.until("it is known to be down", lambda: clinic.examine()[1].get("subscriber", {}).get("result") == "fail")
    line = clinic.only("subscriber", "fail", "forward takes no webhooks since", "nothing is lost")
    assert "127.0.0.1" not in line["do"]


@pytest.mark.parametrize("status, words", [(401, "--secret-file"), (404, "--url"), ((302, {"Location": "/other"}), "redirects to"), (500, "own log"), (421, "this gateway itself")])
def test_what_an_app_answers_says_what_to_do(start, sandbox, tmp_path, status, words):
    clinic, app = Clinic(start, tmp_path, sandbox, **PRIVATE), App()
    try:
        add_subscriber(clinic.gateway, "crm", app.url)
        ten_people_write(clinic.gateway)
        settled(clinic.gateway, "crm")
        status_, _, lines = clinic.examine()
        assert status_ == 0 and "the one subscriber takes what it is handed" in [line["found"] for line in lines]
        app.does = lambda request: status
        ten_people_write(clinic.gateway)
        rig.until("it is known to be down", lambda: clinic.examine()[1].get("subscriber", {}).get("result") == "fail")
        clinic.only("subscriber", "fail", "crm takes no webhooks since", words)
    finally:
        app.stop()


def test_an_app_that_is_held_up_by_one_webhook(start, sandbox, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **PRIVATE)
    app = App(lambda request: 400 if b"wamid.bad" in request["body"] else 200)
    try:
        add_subscriber(clinic.gateway, "crm", app.url)
        post(clinic.gateway, body_of(said(77, "wamid.bad")))
        [(seq,)] = clinic.gateway.query("SELECT seq FROM inbox")

        def stuck():
            ten_people_write(clinic.gateway)
            return "crm takes webhooks, but not" in clinic.examine()[1].get("subscriber", {}).get("found", "")

        rig.until("it is known to be stuck", stuck, 30)
        clinic.only("subscriber", "warn", f"not {seq}.0", "own log")
    finally:
        app.stop()


def test_a_secret_that_cannot_be_read(start, sandbox, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **PRIVATE)
    add_subscriber(clinic.gateway, "crm", f"http://127.0.0.1:{rig.free_port()}/hook", secret="a secret of its own")
    clinic.gateway.stop()
    (clinic.folder / "state" / "seal.key").unlink()
    clinic.gateway = start(rig.Gateway, tmp_path, sandbox.url, port=clinic.gateway.port, **PRIVATE, **{"public_url": clinic.gateway.url, "webhook.app_id": APP})
    rig.until("it is known", lambda: "subscriber" in clinic.examine()[1])
    clinic.only("subscriber", "fail", "crm is handed nothing", "seal.key of the backup", "--secret-file")


def test_each_of_many_is_told_of(start, sandbox, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **PRIVATE)
    for i in range(40):
        add_subscriber(clinic.gateway, f"app{i}", "http://127.0.0.1:9/hook")
        clinic.gateway.admin("POST", f"/subscribers/app{i}/pause")
    _, _, lines = clinic.examine()
    assert sum("is paused" in line["found"] for line in lines) == 40
