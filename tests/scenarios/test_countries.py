# SPDX-License-Identifier: Apache-2.0
"""Rules of countries reach the people there by their phone numbers, also where countries share a calling code."""

import pytest
import rig

NEW_YORK, TOLL_FREE, TORONTO, JAMAICA = "+12125550100", "+18005550100", "+14165550100", "+16585550100"


@pytest.fixture
def asked(gateway):
    for who in (NEW_YORK, TOLL_FREE, TORONTO, JAMAICA):
        gateway.grant(who, scope="all")
    return gateway


def left(sandbox):
    return sandbox.call("GET", "stats")["ledger"]


@pytest.mark.parametrize("who", [NEW_YORK, TOLL_FREE])
def test_marketing_to_the_united_states_never_leaves(asked, sandbox, who):
    answer = asked.send_template(who, "spring_sale", parameters=["Ana"])
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["code"] == 131049
    assert error["error_data"]["details"].startswith("rule recipient.country: ")
    assert "recipient.country US" in error["error_data"]["details"]
    assert left(sandbox) == 0
    assert asked.send_template(who, "order_ready", parameters=["A-1"]).status_code == 200  # what is no marketing passes
    assert left(sandbox) == 1


@pytest.mark.parametrize("who", [TORONTO, JAMAICA])
def test_neighbours_under_the_same_calling_code_get_theirs(asked, sandbox, who):
    assert asked.send_template(who, "spring_sale", parameters=["Ana"]).status_code == 200
    assert left(sandbox) == 1


def test_a_misspelt_country_is_no_fact(gateway):
    code, out, err = rig.wayleave("decide", "--facts", "-", "--rules", rig.RULES, stdin='{"recipient.country": "usa"}')
    assert code != 0 and "usa is no country" in err and "did you mean US?" in err
