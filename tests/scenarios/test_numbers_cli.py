# SPDX-License-Identifier: Apache-2.0
"""Numbers, accounts and templates as Meta says they are: shown with since when, what it means and what to do."""

import json
import time

import rig
from test_account import restriction
from test_webhook import post


def ok(result):
    code, out, err = result
    assert code == 0, out + err
    return out


def rows(result):
    return [json.loads(line) for line in ok(result).splitlines()]


def known(gateway):
    rig.until("both numbers were read", lambda: all(n["status"] == "connected" and n["polled_at"] for n in rows(gateway.cli(["numbers", "list", "--json"]))))
    rig.until("the templates were listed", lambda: rows(gateway.cli(["templates", "list", "--json"])))


def number(gateway, which=rig.SENDER):
    return json.loads(ok(gateway.cli(["numbers", "show", which, "--json"])))


def test_numbers_are_listed_with_what_is_known(gateway, sandbox):
    known(gateway)
    first, second = rows(gateway.cli(["numbers", "list", "--json"]))
    assert (first["id"], second["id"], first["account"]) == (rig.SENDER, rig.OTHER_SENDER, rig.WABA)
    assert first["token"] and first["stopped"] is None and first["waiting"] == 0
    assert first["last_webhook_at"] is None
    sandbox.inbound(rig.PEOPLE[0])
    rig.until("it was heard of", lambda: rows(gateway.cli(["numbers", "list", "--json"]))[0]["last_webhook_at"])
    assert rows(gateway.cli(["numbers", "list", "--json"]))[1]["last_webhook_at"] is None
    shown = ok(gateway.cli(["numbers", "list"]))
    assert "connected" in shown and rig.SENDER in shown


def test_a_number_is_shown_with_since_when_and_what_to_do(gateway, sandbox):
    known(gateway)
    post(gateway, "account_update", **restriction("BIZ_INITIATED_MESSAGING", seconds=3600))
    n = number(gateway)
    assert n["said_at"]["status"] and n["status_means"] == "it can send"
    [only] = n["of_account"]["restrictions"]
    assert only["what"] == "templates" and only["until"] and "templates are refused" in only["means"] and only["next"]
    shown = ok(gateway.cli(["numbers", "show", rig.SENDER]))
    assert "restricted" in shown and "templates are refused" in shown
    post(gateway, "phone_number_name_update", display_phone_number="15550001000", decision="REJECTED", requested_verified_name="Example", rejection_reason="NAME_NOT_CONSISTENT")
    rig.until("the notice is among the last", lambda: any(x["field"] == "phone_number_name_update" for x in gateway.admin("GET", "/notices")[1]["notices"]))


def test_an_account_is_shown_with_its_restrictions_and_notices(gateway, sandbox):
    known(gateway)
    post(gateway, "account_update", **restriction("UTILITY_TEMPLATES", seconds=3600))
    post(gateway, "account_update", at=1790000000, event="ACCOUNT_VIOLATION", violation_info={"violation_type": "SCAM"})
    [a] = rows(gateway.cli(["accounts", "list", "--json"]))
    assert a["id"] == rig.WABA and [r["what"] for r in a["restrictions"]] == ["utility"] and a["numbers"] == 2 and a["templates"] > 0
    shown = ok(gateway.cli(["accounts", "show", rig.WABA]))
    assert "utility until" in shown and "SCAM" in shown and "account_update" in shown
    whole = json.loads(ok(gateway.cli(["accounts", "show", rig.WABA, "--json"])))
    assert whole["number_ids"] == [rig.SENDER, rig.OTHER_SENDER] and whole["violation"] == "SCAM"
    assert sum(whole["templates_by_status"].values()) == whole["templates"]

    newest, oldest = rows(gateway.cli(["accounts", "notices", "--field", "account_update", "--json"]))
    assert oldest["detail"]["violation_info"] == {"violation_type": "SCAM"} and oldest["word"] == "ACCOUNT_VIOLATION"
    assert rows(gateway.cli(["accounts", "notices", "--field", "account_update", "--before", newest["at"], "--json"])) == [oldest]
    assert rows(gateway.cli(["accounts", "notices", "--account", "77", "--json"])) == []
    assert "ACCOUNT_VIOLATION" in ok(gateway.cli(["accounts", "notices"]))


def test_notices_of_one_moment_are_paged_and_none_is_left_out(gateway, sandbox):
    for flow in range(5):
        post(gateway, "flows", at=1790000000, event="FLOW_STATUS_CHANGE", flow_id=str(flow), old_status="PUBLISHED", new_status="THROTTLED", message="slow")
    seen, before = [], ""
    while True:
        page = gateway.admin("GET", "/notices?limit=2&field=flows" + (f"&before={before}" if before else ""))[1]
        seen += [n["detail"]["flow_id"] for n in page["notices"]]
        if page["next"] is None:
            break
        before = page["next"]
    assert sorted(seen) == ["0", "1", "2", "3", "4"]


def test_templates_say_why_and_what_comes(gateway, sandbox):
    known(gateway)
    post(gateway, "message_template_status_update", event="REJECTED", message_template_id=1, message_template_name="cart", message_template_language="en",
         message_template_category="MARKETING", reason="INVALID_FORMAT", rejection_info={"reason": "Adjacent parameters.", "recommendation": "Put text between them."})
    [cart] = rows(gateway.cli(["templates", "list", "--status", "rejected", "--json"]))
    assert (cart["name"], cart["reason"], cart["why"]) == ("cart", "INVALID_FORMAT", "Adjacent parameters.")
    shown = ok(gateway.cli(["templates", "show", "cart"]))
    assert "Put text between them." in shown and "variables" in shown and "hand it in again" in shown
    day = int(time.time()) + 20 * 86400
    when = time.strftime("%Y-%m-%d", time.gmtime(day))
    post(gateway, "template_category_update", message_template_id=6, message_template_name="order_ready", message_template_language="en_US", correct_category="MARKETING", new_category="UTILITY",
         category_update_timestamp=day)
    [ready] = rows(gateway.cli(["templates", "list", "--name", "order_ready", "--json"]))
    assert (ready["category"], ready["next_category"], ready["next_category_at"][:10]) == ("utility", "marketing", when)
    assert f"becomes marketing {when}" in ok(gateway.cli(["templates", "list"]))
    sale = json.loads(ok(gateway.cli(["templates", "show", "spring_sale", "--language", "en_US", "--json"])))
    assert sale["components"][0]["type"] == "BODY" and sale["stale"] is False


def test_templates_are_paged_and_read_again(gateway, sandbox):
    known(gateway)
    everything = [(t["account"], t["name"], t["language"]) for t in rows(gateway.cli(["templates", "list", "--json"]))]
    seen, after = [], ""
    while True:
        page = gateway.admin("GET", "/templates?limit=2" + (f"&after={after}" if after else ""))[1]
        seen += [(t["account"], t["name"], t["language"]) for t in page["templates"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == everything == sorted(everything) and len(seen) > 2
    read = rows(gateway.cli(["accounts", "list", "--json"]))[0]["templates_read_at"]
    assert "1 account is" in ok(gateway.cli(["templates", "sync"]))
    rig.until("they were read again", lambda: rows(gateway.cli(["accounts", "list", "--json"]))[0]["templates_read_at"] > read)


def test_names_that_are_not_there(gateway, sandbox):
    known(gateway)
    for words, code, says in ((["numbers", "show", "77"], 1, "not known here"), (["numbers", "show", "abc"], 1, "in digits"), (["accounts", "show", "77"], 1, "not known here"),
                              (["templates", "show", "nothing"], 1, "there is no template"), (["templates", "list", "--status", "aproved"], 2, "--status"), (["templates", "list", "--account", "x"], 2, "--account"),
                              (["templates", "sync", "77"], 1, "77"), (["accounts", "notices", "--limit", "0"], 2, "--limit"), (["accounts", "notices", "--before", "soon"], 2, "--before")):
        got, out, err = gateway.cli(words)
        assert got == code and says in err, (words, got, out, err)
