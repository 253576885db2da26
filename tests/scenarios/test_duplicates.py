# SPDX-License-Identifier: Apache-2.0
"""The same promotion twice is refused although the name in it changed; two updates of an order are not the same."""

import pytest
import rig
from policies import gateway_with, no_duplicates, refusal, template

ANA, BELA = "+" + rig.PEOPLE[0], "+" + rig.PEOPLE[1]
COATS = "Hello {{1}}, our winter sale starts today: half the price on every coat and jacket in all our shops, until Sunday."
HATS = "Hello {{1}}, our winter sale starts today: half the price on every hat and scarf in all our shops, until Monday."
NEWS = "Dear {{1}}, from next week on we bake bread on Sundays too. Come and see us between eight and noon, the oven is warm."


@pytest.fixture
def shop(start, sandbox, tmp_path):
    g = gateway_with(start, sandbox, tmp_path, no_duplicates())
    sandbox.call("POST", "webhook", {"template_review_ms": 0})
    for who in (ANA, BELA):
        g.grant(who, scope="all")
    for name, text in (("coats", COATS), ("hats", HATS), ("news", NEWS)):
        template(g, name, text)
    return g


def send(gateway, to, name, *values):
    return gateway.send_template(to, name, parameters=values)


def test_a_new_name_makes_no_new_promotion(shop, sandbox):
    answer = send(shop, ANA, "coats", "Ana")
    assert answer.status_code == 200, answer.text
    for name in ("Ana", "Ana Maria", "Dr. Silva"):
        code, details, findings = refusal(send(shop, ANA, "coats", name))
        assert code == 131049 and "shop.duplicate.same" in findings, name
    assert send(shop, ANA, "news", "Ana").status_code == 200, "other news are news"
    assert send(shop, BELA, "coats", "Bela").status_code == 200, "what one got is no matter of the other's"
    assert len(sandbox.ledger(to=ANA.lstrip("+"))) == 2


def test_nearly_the_same_is_shown_with_what_differs(shop):
    assert send(shop, ANA, "coats", "Ana").status_code == 200
    answer = send(shop, ANA, "hats", "Ana")
    assert "shop.duplicate.near" in refusal(answer)[2]
    record = shop.record(answer)
    similar = record["similar"]
    assert 500 <= similar["permille"] < 1000
    assert str(similar["permille"]) == record["decision"]["facts"]["duplicate.similarity"]
    common = " ".join(s["text"] for s in similar["spans"] if s["kind"] == "common")
    assert "winter sale starts today" in common
    assert "coat" in " ".join(s["text"] for s in similar["spans"] if s["kind"] == "before")
    assert "hat" in " ".join(s["text"] for s in similar["spans"] if s["kind"] == "now")
    assert "Ana" not in str(similar)
    assert "similar" not in shop.record(send(shop, ANA, "news", "Ana"))


def test_an_order_with_another_number_is_another_message(shop):
    for order in ("A-17", "A-18", "A-17"):
        assert send(shop, ANA, "order_ready", order).status_code == 200


def test_it_is_remembered_over_a_kill_and_after_the_template_is_gone(start, shop, sandbox, tmp_path):
    assert send(shop, ANA, "coats", "Ana").status_code == 200
    assert shop.request("DELETE", f"/v23.0/{rig.WABA}/message_templates?name=coats").status_code == 200
    shop.kill()
    g = start(rig.Gateway, tmp_path, sandbox.url, **{"rules.policy": ["policy.yaml"]})
    assert send(g, ANA, "news", "Ana").status_code == 200
    answer = send(g, ANA, "hats", "Ana")
    assert "shop.duplicate.near" in refusal(answer)[2]
    assert g.record(answer)["similar"]["spans"]


def test_nothing_of_the_values_is_kept(shop):
    assert send(shop, ANA, "coats", "Rumpelstiltskin").status_code == 200
    shop.stop()
    for path in filter(rig.Path.is_file, shop.folder.rglob("state/**/*")):
        assert b"Rumpelstiltskin" not in path.read_bytes(), path
