# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is still there after the process died in the middle of its work."""

import subprocess

import rig


def test_consent_window_and_opt_out_survive_a_kill(start, sandbox, tmp_path):
    ana, bela = rig.PEOPLE[:2]
    first = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(first.url + "/webhook")
    first.grant("+" + ana)
    first.grant("+" + bela)
    status, _ = first.admin("POST", "/consent", {"who": "+" + bela, "act": "withdraw", "scope": "marketing", "method": "conversation"})
    assert status == 200
    sandbox.inbound(ana)
    rig.until("the window is open", lambda: first.send("+" + ana).status_code == 200)
    first.kill()

    again = start(rig.Gateway, tmp_path, sandbox.url, port=first.port)
    assert again.send_template("+" + ana, "spring_sale", parameters=["Ana"]).status_code == 200
    assert again.send("+" + ana).status_code == 200
    assert again.send_template("+" + bela, "spring_sale", parameters=["Bela"]).json()["error"]["code"] == 131050


def test_two_gateways_do_not_share_one_state(start, sandbox, gateway, tmp_path):
    second = subprocess.Popen([rig.BIN, "serve", "--config", gateway.config, "--set", f"listen=127.0.0.1:{rig.free_port()}"], cwd=tmp_path,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = second.communicate(timeout=10 * rig.SLOW)
    except subprocess.TimeoutExpired:
        second.terminate()
        second.communicate(timeout=10 * rig.SLOW)
        raise AssertionError("a second gateway opened the same state directory") from None
    assert second.returncode != 0
    assert "state" in said
    assert gateway.get("/healthz", token=None).status_code == 200
