# SPDX-License-Identifier: Apache-2.0
"""What only reads is answered beside the writer: it makes no transaction, and it sees what was acknowledged."""

import re
import time

import rig

ANA = "+" + rig.PEOPLE[0]


def commits(gateway):
    return int(re.search(r"^wayleave_commits (\d+)$", gateway.get("/metrics").text, re.M)[1])


def test_questions_make_no_transactions(gateway):
    gateway.grant(ANA)
    sent = gateway.send_template(ANA, "spring_sale", parameters=["Ana"])
    assert sent.status_code == 200, sent.text
    gateway.wait_applied()

    def at_rest():
        before = commits(gateway)
        time.sleep(0.6)
        return commits(gateway) == before
    rig.until("what follows from the start is written", at_rest, 20)
    paths = ["/status", f"/contacts/%2B{ANA[1:]}", f"/consent/%2B{ANA[1:]}", f"/decisions/{sent.headers['Wayleave-Message-Id']}",
             f"/decisions/{sent.json()['messages'][0]['id']}", "/rules", "/rules/history", "/rules/book/running"]
    before = commits(gateway)
    for _ in range(10):
        for path in paths:
            status, body = gateway.admin("GET", path)
            assert status == 200, (path, body)
    assert commits(gateway) - before < 5  # a webhook may have come meanwhile


def test_an_answer_is_not_older_than_what_was_acknowledged(gateway):
    for i in range(50):
        act = "withdraw" if i % 2 else "grant"
        status, _ = gateway.admin("POST", "/consent", {"who": ANA, "act": act, "scope": "marketing", "method": "web_form", "source": str(i), "at": rig.now()})
        assert status == 200
        shown = gateway.admin("GET", f"/consent/%2B{ANA[1:]}")[1]
        assert len(shown["events"]) == i + 1 and shown["events"][-1 if shown["events"][0]["source"] == "0" else 0]["source"] == str(i)
