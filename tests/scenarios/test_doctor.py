# SPDX-License-Identifier: Apache-2.0
"""`wayleave doctor`: all green where all is well, and one red line, with what to do, for each thing that can be wrong."""

import contextlib
import json
import sqlite3
import time

import pytest
import requests
import rig

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


def test_all_is_well(clinic):
    status, wrong, lines = clinic.examine()
    assert status == 0 and not wrong
    names = {line["name"] for line in lines if line["result"] == "ok"}
    assert names >= {"configuration", "rules", "state_dir", "disk.space", "disk.sync", "database", "descriptors", "gateway", "gateway.key", "upstream", "clock",
                     "number.token", "number.status", "number.quality", "number.name", "number.health", "account.health", "account.subscribed",
                     "webhook.handshake", "webhook.signature", "webhook.public", "app.webhook", "app.fields"}
    assert {line["id"] for line in lines if line["name"] == "number.status"} == {rig.SENDER, rig.OTHER_SENDER}
    status, out, _ = clinic.gateway.cli(["doctor", "--quiet"])
    assert status == 0 and out == ""
    status, out, _ = clinic.gateway.cli(["doctor"])
    assert status == 0 and "0 wrong" in out and "->" not in out.replace("-> write a message", "")


def test_it_leaves_nothing_behind(clinic):
    before = sorted(p.name for p in (clinic.folder / "state").iterdir())
    clinic.examine()
    assert sorted(p.name for p in (clinic.folder / "state").iterdir()) == before
    clinic.gateway.wait_applied()
    assert clinic.gateway.query("SELECT COUNT(*) FROM inbox WHERE problem IS NOT NULL") == [(0,)]


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


def test_fields_that_are_not_subscribed(clinic, sandbox):
    subscribe(sandbox, callback_url=clinic.gateway.url + "/webhook", fields="messages,account_update")
    clinic.only("app.fields", "warn", "user_preferences", "message_template_status_update")
    subscribe(sandbox, callback_url=clinic.gateway.url + "/webhook", fields="account_update")
    status, wrong, _ = clinic.examine()
    assert status == 1 and wrong["app.messages"]["result"] == "fail" and "no message" in wrong["app.messages"]["found"]


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
    assert {line["result"] for line in lines if line["name"].startswith("number.")} == {"skip"}


def test_an_address_that_is_no_name(clinic):
    clinic.write(**{"upstream.url": "http://graph.wayleave.invalid"})
    _, wrong, _ = clinic.examine()
    assert "its name is not found" in wrong["upstream"]["found"]


def test_the_address_outside_is_closed(clinic, sandbox):
    clinic.write(public_url=f"http://127.0.0.1:{rig.free_port()}")
    status, wrong, _ = clinic.examine()
    assert status == 1 and set(wrong) == {"webhook.public", "app.webhook"}


@pytest.mark.parametrize("seconds, result, words", [(10, "warn", "10 seconds ahead"), (-10, "warn", "10 seconds behind"), (3600, "fail", "3600 seconds ahead")])
def test_the_clock_is_wrong(clinic, seconds, result, words):
    clock = rig.WallClock(clinic.folder)
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


def test_an_app_behind_the_gateway_takes_nothing(start, sandbox, tmp_path):
    clinic = Clinic(start, tmp_path, sandbox, **{"webhook.forward_url": f"http://127.0.0.1:{rig.free_port()}/hook"})
    sandbox.inbound(rig.PEOPLE[0])
    rig.until("it is known to be down", lambda: "subscriber" in clinic.examine()[1])
    line = clinic.only("subscriber", "fail", "forward takes no webhooks since", "nothing is lost")
    assert "127.0.0.1" not in line["do"]
