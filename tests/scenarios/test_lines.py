# SPDX-License-Identifier: Apache-2.0
"""What numbering plans tell at the door: nobody's numbers, the kind of line, the two forms of one mobile number."""

import rig

FICTION, EXAMPLE, BERLIN = "+447700900123", "+4915123456789", "+4930901820"
STORED, AT_WHATSAPP = "+5541988887777", "554188887777"


def template(gateway, who):
    return gateway.send_template(who, "order_ready", parameters=["A-1"])


def test_nobody_is_written_to_but_in_a_sandbox(start, sandbox, tmp_path):
    """A test number is nobody's: refused, unless upstream is a sandbox on this machine or the owner allows it."""
    (tmp_path / "strict").mkdir()
    strict = start(rig.Gateway, tmp_path / "strict", sandbox.url, **{"phone.test_numbers": "refuse"})
    usual = start(rig.Gateway, tmp_path, sandbox.url)
    for g in (strict, usual):
        for who in (FICTION, EXAMPLE, BERLIN):
            g.grant(who, scope="all")
    for who in (FICTION, EXAMPLE):
        error = template(strict, who).json()["error"]
        assert error["code"] == 131026 and error["error_data"]["details"].startswith("rule recipient.test: ")
        assert template(usual, who).status_code == 200
    answer = template(strict, BERLIN)
    facts = strict.record(answer)["decision"]["facts"]
    assert answer.status_code == 200 and facts["recipient.line"] == "fixed_line" and facts["recipient.test"] == "false"
    assert "recipient.test" not in usual.record(template(usual, BERLIN))["decision"]["facts"]


def test_both_forms_of_a_number_are_one_person(gateway, sandbox):
    """Brazil's ninth digit: WhatsApp may leave it out where the business has it. Who stops under one form has stopped."""
    gateway.grant(STORED, scope="all")
    assert gateway.send_template(STORED, "spring_sale", parameters=["Ana"]).status_code == 200
    sandbox.inbound(AT_WHATSAPP, "stop")
    sandbox.all_told()
    gateway.wait_applied()
    assert gateway.person(STORED)["consent"]["marketing"]["status"] == "withdrawn"
    assert gateway.person(AT_WHATSAPP)["id"] == gateway.person(STORED)["id"]
    assert gateway.send_template(STORED, "spring_sale", parameters=["Ana"]).status_code == 400
