# SPDX-License-Identifier: Apache-2.0
"""Rules exchanged while the gateway runs, rules in the shadow, and rules set aside: what is in force is always recorded,
a mistake in a file changes nothing, and only what is the customer's own can be set aside."""

import concurrent.futures
import signal
import threading

import pytest
import rig
from test_identity import sale

ANA, BELA = rig.PEOPLE[0], rig.PEOPLE[1]
SALE = {"from": rig.SENDER, "type": "template", "template": {"name": "spring_sale", "language": {"code": "en_US"}, "components": [
    {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]}}


def policy(name, rule="policy.no_sales", verdict="deny", category="marketing", extra=""):
    """A policy of one rule."""
    until = "\n    until: {now_plus: 3h}" if verdict == "hold" else ""
    ends = " until now+3h" if verdict == "hold" else ""
    return f"""ruleset: {name}
schema: 1
kind: policy
title: Ours
rules:
  - id: {rule}
    title: No sales now
    verdict: {verdict}{until}
    code: 131049
    reason: We send no sales at the moment.
    change: nothing, until we begin again
    values:
      2026-01-01: {{}}
    when: {{fact: message.category, is: {category}}}
    on_unknown: ignore
    cite:
      - {{title: Minutes, url: https://example.org/minutes, read: 2026-11-22}}
    tests:
      - {{given: {{message.category: {category}}}, expect: {verdict}{ends}}}
      - {{given: {{message.category: authentication}}, expect: none}}
{extra}"""


@pytest.fixture
def place(tmp_path):
    """policy.yaml and shadow.yaml, both about nothing anybody sends."""
    (tmp_path / "policy.yaml").write_text(policy("ours", "policy.no_calls", category="calls"))
    (tmp_path / "shadow.yaml").write_text(policy("ours", "policy.no_calls", category="calls"))
    return tmp_path


@pytest.fixture
def shop(start, sandbox, place):
    """A gateway with a policy and another one in the shadow, and Ana who agreed to marketing."""
    g = start(rig.Gateway, place, sandbox.url, **{"rules.policy": ["policy.yaml"], "rules.shadow": ["shadow.yaml"]})
    sandbox.webhooks_to(g.url + "/webhook")
    g.grant("+" + ANA)
    return g


def activate(gateway, status=200):
    got, body = gateway.admin("POST", "/rules/activate")
    assert got == status, body
    return body


def acts(gateway, act):
    return [e for e in gateway.admin("GET", "/rules/history")[1]["events"] if e["act"] == act]


def send(gateway, to=ANA, **more):
    return gateway.admin("POST", "/messages", {**SALE, "to": "+" + to, **more})


def test_a_file_with_a_mistake_keeps_what_runs(shop, place):
    before = shop.admin("GET", "/rules")[1]
    for text, words in ((policy("ours").replace("on_unknown: ignore", "on_unkown: ignore"), ["policy.yaml:", "on_unkown"]),
                        (policy("ours").replace("expect: deny", "expect: none"), ["policy.yaml:", "test"]),
                        ("- nothing", ["policy.yaml"]), ("ruleset: [", ["policy.yaml"])):
        (place / "policy.yaml").write_text(text)
        error = activate(shop, 400)["error"]
        assert error["code"] == "invalid" and all(w in error["message"] for w in words), error
        assert shop.admin("GET", "/rules")[1] == before
    (place / "policy.yaml").unlink()
    assert "policy.yaml" in activate(shop, 400)["error"]["message"]
    assert send(shop)[0] == 200
    assert len(acts(shop, "activated")) == 1
    code, out, err = shop.cli(["rules", "activate"])
    assert code != 0 and out == "" and "policy.yaml" in err


def test_the_next_decision_is_made_by_the_new_rules(shop, place):
    first = send(shop)[1]["id"]
    assert activate(shop)["changed"] is False
    (place / "policy.yaml").write_text(policy("ours"))
    answer = activate(shop)
    assert answer["changed"] is True
    assert [s["id"] for s in answer["running"]["sources"]] == ["whatsapp-platform", "ours"]
    status, refused = send(shop)
    assert (status, refused["error"]["graph_code"]) == (403, 131049)
    assert "policy.no_sales" in [f["rule"] for f in refused["decision"]["findings"]]
    both = acts(shop, "activated")
    assert [(e["actor"], e["hash"] == answer["running"]["hash"]) for e in both] == [("api", True), ("start", False)]
    # The first message is explained by the rules that let it through, although they are no longer in force.
    old = shop.admin("GET", f"/decisions/{first}")[1]["decision"]
    assert (old["verdict"], old["ruleset"]["hash"]) == ("allow", both[1]["hash"])
    code, out, _ = shop.cli(["rules", "history"])
    assert code == 0 and [line.split()[2:4] for line in out.splitlines() if " activated" in line] == [["activated", "api"], ["activated", "start"]]
    code, out, _ = shop.cli(["rules", "running"])
    assert code == 0 and answer["running"]["hash"] in out and "policy.yaml" in out


def test_a_restart_with_the_same_rules_is_no_activation(shop, start, sandbox, place):
    shop.stop()
    again = start(rig.Gateway, place, sandbox.url, **{"rules.policy": ["policy.yaml"]})
    assert [e["actor"] for e in acts(again, "activated")] == ["start"]
    assert [e["id"] for e in acts(again, "shadowed")] == ["", "whatsapp-platform+ours"]
    assert again.admin("GET", "/rules/shadow")[0] == 404


def test_a_hangup_reads_the_rules_again(shop, place):
    (place / "policy.yaml").write_text(policy("ours"))
    shop.child.send_signal(signal.SIGHUP)
    rig.until("the new rules are in force", lambda: len(acts(shop, "activated")) == 2)
    assert acts(shop, "activated")[0]["actor"] == "signal"
    assert send(shop)[0] == 403
    (place / "policy.yaml").write_text("ruleset: [")
    shop.child.send_signal(signal.SIGHUP)
    rig.until("the refusal is in the log", lambda: "the rules stay as they are" in shop.output())
    assert send(shop)[0] == 403


def test_the_shadow_judges_and_decides_nothing(shop, place):
    assert send(shop)[0] == 200
    assert send(shop, BELA)[0] == 403  # nobody asked her
    (place / "shadow.yaml").write_text(policy("ours", verdict="hold"))
    activate(shop)
    status, sent = send(shop)
    assert status == 200, sent
    assert send(shop, BELA)[0] == 403
    tally = shop.admin("GET", "/rules/shadow")[1]
    assert tally["live"] == {"allow": {"allow": 0, "hold": 1, "deny": 0}, "hold": {"allow": 0, "hold": 0, "deny": 0}, "deny": {"allow": 0, "hold": 0, "deny": 1}}
    assert tally["differ"] == [{"id": sent["id"], "live": "allow", "shadow": "hold"}]
    metrics = shop.get("/metrics").text
    assert 'wayleave_shadow_decisions_total{live="allow",shadow="hold"} 1' in metrics
    assert 'wayleave_shadow_decisions_total{live="allow",shadow="allow"} 1' in metrics  # of the shadow before
    assert 'wayleave_shadow_decisions_total{live="deny",shadow="deny"} 2' in metrics


@pytest.mark.threads
def test_rules_change_under_load(shop, place):
    """Whatever is sent meanwhile is decided by one of the two books, and says by which."""
    numbers, answers, stop = shop.people(8), [], threading.Event()

    def keep_sending(to):
        while not stop.is_set():
            answers.append(shop.admin("POST", "/messages", {**SALE, "to": to}))

    senders = [threading.Thread(target=keep_sending, args=(to,)) for to in numbers]
    for t in senders:
        t.start()
    for i in range(10):
        (place / "policy.yaml").write_text(policy("ours") if i % 2 == 0 else policy("ours", "policy.no_calls", category="calls"))
        assert activate(shop)["changed"]
    stop.set()
    for t in senders:
        t.join()
    hashes = {e["hash"] for e in acts(shop, "activated")}
    assert len(hashes) == 2 and len(acts(shop, "activated")) == 11
    for status, body in answers:
        assert status in (200, 403), body
        decision = shop.admin("GET", f"/decisions/{body['id']}")[1]["decision"]
        fired = [f["rule"] for f in decision["findings"] if not f["shadow"]]
        assert decision["ruleset"]["hash"] in hashes
        assert (status == 200) == (decision["verdict"] == "allow") and ("policy.no_sales" in fired) <= (status == 403)


def test_a_policy_can_be_set_aside_and_nothing_else(shop, place):
    (place / "policy.yaml").write_text(policy("ours"))
    activate(shop)
    why = {"rules": ["policy.no_sales"], "reason": "The recall cannot wait."}
    assert send(shop)[0] == 403
    status, sent = send(shop, override=why)
    assert status == 200, sent
    [event] = acts(shop, "overridden")
    assert (event["reason"], event["detail"]) == (why["reason"], f"policy.no_sales {sent['id']}")
    decision = shop.admin("GET", f"/decisions/{sent['id']}")[1]["decision"]
    assert [(f["rule"], f["overridden"]) for f in decision["findings"]] == [("policy.no_sales", True)]
    told = " ".join(shop.cli(["explain", sent["id"]])[1].split())
    assert "policy.no_sales" in told and "(set aside: The recall cannot wait.)" in told, told
    assert send(shop)[0] == 403  # for that one message only
    words = ["send", "--from", rig.SENDER, "--to", "+" + ANA, "--template", "spring_sale", "--language", "en_US", "--param", "x", "--override", "policy.no_sales"]
    assert shop.cli(words)[0] == 2  # without a reason
    assert shop.cli([*words, "--reason", "The recall cannot wait, says Ana."])[0] == 0
    assert "The recall cannot wait, says Ana." in " ".join(shop.cli(["rules", "history", "--overrides"])[1].split())
    assert event["actor"] == "api"
    status, refused = send(shop, BELA, override=why)  # the platform's rules stand
    assert status == 403 and "policy.no_sales" not in refused["error"]["message"]
    assert len(acts(shop, "overridden")) == 2  # and so it changed nothing
    status, sent = send(shop, override={**why, "by": "Ada, night shift"})
    assert status == 200 and acts(shop, "overridden")[0]["actor"] == "Ada, night shift"
    assert "(set aside by Ada, night shift: The recall cannot wait.)" in " ".join(shop.cli(["explain", sent["id"]])[1].split())
    assert shop.cli([*words, "--reason", "because", "--by", "Bo"])[0] == 0 and acts(shop, "overridden")[0]["actor"] == "Bo"
    for wrong, word in (({"rules": ["consent.missing"], "reason": "because"}, "consent.missing"), ({"rules": ["policy.no"], "reason": "because"}, "policy.no"),
                        ({"rules": ["policy.no_sales"]}, "reason"), ({"rules": ["policy.no_sales"], "reason": " x "}, "reason"),
                        ({"rules": ["policy.no_sales"], "reason": "x" * 501}, "reason"), ({"rules": [], "reason": "because"}, "rules"),
                        ({"rules": [1], "reason": "because"}, "rules"), ("policy.no_sales", "override"), (None, "override"),
                        ({**why, "reason": "a\x00b c"}, "reason"), ({**why, "reason": "red \x1b[31malert"}, "reason"),
                        ({**why, "reason": "two\nlines"}, "reason"), ({**why, "reason": "csi \x9b31m"}, "reason"),
                        ({**why, "resaon": "because"}, "resaon"), ({**why, "by": ""}, "by"), ({**why, "by": 7}, "by"),
                        ({**why, "by": "x" * 101}, "by"), ({**why, "by": "Ada\u202e\x07"}, "by")):
        status, body = send(shop, override=wrong)
        assert (status, body["error"]["field"]) == (400, "override") and word in body["error"]["message"], body
    # A client of the Graph API face has no such key: Meta's answer to an unknown one is none of ours.
    assert sale(shop, "+" + ANA, override=why).status_code == 400


def test_activations_and_books_are_found_behind_many_overrides(shop, place):
    """The log of overrides grows with the traffic; what decided when must not drown in it."""
    old = shop.admin("GET", "/rules")[1]["hash"]
    (place / "policy.yaml").write_text(policy("ours"))
    activate(shop)
    why = {"rules": ["policy.no_sales"], "reason": "The recall cannot wait."}
    people = shop.people(205)

    def post(to):
        status, body = shop.admin("POST", "/messages", {**SALE, "to": to, "override": why})
        assert status == 200, body

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(post, people))
    status, page = shop.admin("GET", "/rules/history")
    assert status == 200 and len(page["events"]) == 200 and page["next"] == page["events"][-1]["event"]
    rest = shop.admin("GET", f"/rules/history?before={page['next']}")[1]
    events = page["events"] + rest["events"]
    assert rest["next"] is None and [e["act"] for e in events].count("overridden") == 205
    assert len({e["event"] for e in events}) == len(events)
    books = shop.admin("GET", "/rules/history?act=activated,shadowed")[1]
    assert [e["act"] for e in books["events"]] == ["activated", "shadowed", "activated"] and books["next"] is None
    assert [e["hash"] for e in shop.admin("GET", "/rules/history?act=activated")[1]["events"]][1] == old
    for name in (old, old[:12], old[:7]):
        status, book = shop.admin("GET", f"/rules/book/{name}")
        assert (status, book["hash"]) == (200, old)
    assert shop.admin("GET", f"/rules/book/{'0' * 12}")[0] == 404
    for query, field in (("act=activate", "act"), ("act=", "act"), ("act=activated,,shadowed", "act"), ("before=x", "before"), ("before=5&before=6", "before"), ("before=-1", "before"), ("page=2", None)):
        status, body = shop.admin("GET", f"/rules/history?{query}")
        assert (status, body["error"].get("field")) == (400, field), body
    code, out, _ = shop.cli(["rules", "history"])
    assert code == 0 and [line.split()[2] for line in out.splitlines()] == ["activated", "shadowed", "activated"]
    code, out, _ = shop.cli(["rules", "history", "--overrides"])
    assert code == 0 and out.count(" overridden ") == 200 and "--before" in out.splitlines()[-1]
    code, out, _ = shop.cli(["rules", "history", "--overrides", "--before", out.split()[-1]])
    assert code == 0 and out.count(" overridden ") == 5 and "--before" not in out
    assert shop.cli(["rules", "history", "--before", "x"])[0] == 2


def test_a_law_by_name_and_a_wrong_one(start, sandbox, tmp_path):
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"rules.laws": ["co"]})
    sources = g.admin("GET", "/rules")[1]["sources"]
    assert [(s["kind"], s["file"].endswith("/law/co.yaml")) for s in sources] == [("platform", False), ("law", True)]
    code, out, err = rig.wayleave("check-config", "--config", g.config, "--set", "rules.laws=co,nowhere")
    assert code != 0 and "nowhere.yaml cannot be read" in out + err
