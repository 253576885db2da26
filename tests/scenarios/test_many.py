# SPDX-License-Identifier: Apache-2.0
"""Many clients at once: every send is answered, each acceptance is one message at the platform, none is doubled."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import rig


@pytest.mark.threads
def test_sixteen_clients_at_once(gateway, sandbox):
    people = [f"4477009001{i:02}" for i in range(50)]
    for number in people:
        gateway.grant("+" + number)

    def one(i):
        to = people[i % len(people)] if i % 5 else rig.STRANGER
        return to, gateway.send_template("+" + to, "spring_sale", parameters=[str(i)])

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(400)))
    passed = [r.json()["messages"][0]["id"] for to, r in answers if r.status_code == 200]
    refused = [r for to, r in answers if to == rig.STRANGER]
    assert all(r.status_code == 400 and r.json()["error"]["code"] == 131050 for r in refused)
    assert len(passed) == 320
    assert len(set(passed)) == 320
    assert len(sandbox.ledger(limit=1000)) == 320


@pytest.mark.threads
def test_opt_outs_and_sends_race(gateway, sandbox):
    """Once a withdrawal is acknowledged no later send passes, whatever else is going on."""
    people = [f"4477009002{i:02}" for i in range(12)]
    for number in people:
        gateway.grant("+" + number)

    def one(number):
        for _ in range(3):
            gateway.send_template("+" + number, "spring_sale", parameters=["x"])
        status, _ = gateway.admin("POST", "/consent", {"who": "+" + number, "act": "withdraw", "scope": "marketing", "method": "conversation"})
        assert status == 200
        return [gateway.send_template("+" + number, "spring_sale", parameters=["x"]).status_code for _ in range(3)]

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(one, people)) == [[400] * 3] * 12
