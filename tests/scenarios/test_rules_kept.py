# SPDX-License-Identifier: Apache-2.0
"""A decision is explained by the rules that made it, also when others are in force by now."""

import rig


def refused(gateway, to):
    """The path of the record of a message that was refused."""
    answer = gateway.send("+" + to)
    assert answer.status_code != 200
    return "/decisions/" + answer.json()["error"]["error_data"]["wayleave"]["id"]


def explained(gateway, path):
    status, body = gateway.admin("GET", path)
    assert status == 200, body
    decision = body["decision"]
    return decision["ruleset"]["hash"], {f["rule"]: f["reason"] for f in decision["findings"]}


def test_a_decision_of_yesterdays_rules_is_explained_today(start, sandbox, tmp_path):
    ana = rig.PEOPLE[0]
    rules = tmp_path / "rules.yaml"
    text = rig.RULES.read_text()
    rules.write_text(text)
    first = start(rig.Gateway, tmp_path, sandbox.url, **{"rules.platform": str(rules)})
    message = refused(first, ana)
    before, said = explained(first, message)
    assert "window.closed" in said
    first.stop()

    rules.write_text(text.replace(said["window.closed"], "The person has to write first."))
    again = start(rig.Gateway, tmp_path, sandbox.url, port=first.port, **{"rules.platform": str(rules)})
    assert explained(again, message) == (before, said)
    after, says = explained(again, refused(again, ana))
    assert after != before
    assert says["window.closed"] == "The person has to write first."
