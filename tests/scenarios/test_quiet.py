# SPDX-License-Identifier: Apache-2.0
"""The hour that counts is the person's: by the zone the contact gave, else by every zone the number may be in. The clocks
of the answer are those of the system's database, read here by another reader of it."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import rig
from policies import gateway_with, open_hours, refusal

ANA = "+" + rig.PEOPLE[0]


def clock(when):
    return when.strftime("%H:%M")


def minutes(zone, when):
    return str(int(when.astimezone(ZoneInfo(zone)).utcoffset().total_seconds() // 60))


def sale(gateway, to):
    return gateway.send_template(to, "spring_sale", parameters=["Ana"])


def contact(gateway, phone, zone):
    """A person with a zone, who agreed; returns what the import said."""
    row = {"phone": phone, "zone": zone, "consent": {"act": "grant", "scope": "all", "method": "web_form", "at": "2026-01-02T03:04:05Z"}}
    status, body = gateway.admin("POST", "/contacts/import", {"contacts": [row]})
    assert status == 200, body
    return body


@pytest.fixture
def here():
    """The hours from two before to two after now in Sao Paulo; elsewhere they are other hours."""
    now = datetime.now(ZoneInfo("America/Sao_Paulo"))
    return f"daily {clock(now - timedelta(hours=2))}-{clock(now + timedelta(hours=2))}"


def next_start(hours, zone):
    """When these daily hours next begin there."""
    hour, minute = map(int, hours.split()[1].split("-")[0].split(":"))
    local = datetime.now(ZoneInfo(zone))
    for day in range(3):
        date = (local + timedelta(days=day)).date()
        begins = datetime(date.year, date.month, date.day, hour, minute, tzinfo=ZoneInfo(zone))
        if begins > local:
            return begins.astimezone(timezone.utc)
    raise AssertionError("never")


def test_the_zone_of_the_person_decides(start, sandbox, tmp_path, here):
    gateway = gateway_with(start, sandbox, tmp_path, open_hours(here))
    zones = ["America/Sao_Paulo", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland", "Asia/Kathmandu", "America/Los_Angeles"]
    now = datetime.now(timezone.utc)
    for i, zone in enumerate(zones):
        phone = f"+55119123450{i:02}"  # all with Brazilian numbers
        assert contact(gateway, phone, zone)["errors"] == []
        assert gateway.person(phone)["zone"] == zone
        answer = sale(gateway, phone)
        facts = gateway.record(answer)["decision"]["facts"]
        assert (facts["recipient.utc_min"], facts["recipient.utc_max"]) == (minutes(zone, now),) * 2
        if zone == "America/Sao_Paulo":
            assert answer.status_code == 200
            continue
        code, details, findings = refusal(answer)
        assert code == 131049
        until = datetime.fromisoformat(findings["quiet.hours"]["until"].replace("Z", "+00:00"))
        assert until == next_start(here, zone), zone
        assert f"Held until {findings['quiet.hours']['until']}" in details


def test_without_a_zone_it_must_be_the_hour_in_all_places_of_the_number(start, sandbox, tmp_path):
    now = datetime.now(timezone.utc)
    brazil = datetime.now(ZoneInfo("America/Sao_Paulo"))
    # half an hour around now in the capital's zone: in Acre it is two hours earlier
    gateway = gateway_with(start, sandbox, tmp_path, open_hours(f"daily {clock(brazil - timedelta(minutes=30))}-{clock(brazil + timedelta(minutes=30))}"))
    for phone, zones in (("+5511912345001", ("America/Rio_Branco", "America/Noronha")), ("+12125550100", ("Pacific/Honolulu", "America/New_York")),
                         ("+4915112345001", ("Europe/Berlin",) * 2), ("+77011234567", ("Asia/Almaty",) * 2)):
        gateway.grant(phone)
        answer = sale(gateway, phone)
        facts = gateway.record(answer)["decision"]["facts"]
        assert (facts["recipient.utc_min"], facts["recipient.utc_max"]) == (minutes(zones[0], now), minutes(zones[1], now)), phone
        assert "quiet.hours" in refusal(answer)[2]
    assert contact(gateway, "+5511912345001", "America/Sao_Paulo")["updated"] == 1
    assert sale(gateway, "+5511912345001").status_code == 200


def test_a_zone_nobody_knows_is_left_out_and_said(start, sandbox, tmp_path, here):
    """Whoever agreed or withdrew is taken all the same: the number tells where they are."""
    gateway = gateway_with(start, sandbox, tmp_path, open_hours(here))
    for i, zone in enumerate(("Brazil", "../../etc/passwd", "America/Sao_Paolo", "europe/london", "x" * 300)):
        answer = contact(gateway, f"+551191234500{i}", zone)
        [warning] = answer["warnings"]
        assert (warning["row"], warning["field"], answer["errors"], answer["created"]) == (1, "zone", [], 1), zone
        assert zone[:40] in warning["message"]
        assert (gateway.person(f"+551191234500{i}")["zone"], gateway.person(f"+551191234500{i}")["consent"]["marketing"]["status"]) == ("", "granted")
    metrics = gateway.get("/metrics", token=None).text
    assert "wayleave_time_zones_known 1" in metrics
    assert "wayleave_time_zones_damaged " in metrics


def test_a_zone_is_taken_away(start, sandbox, tmp_path, here):
    gateway = gateway_with(start, sandbox, tmp_path, open_hours(here))
    assert contact(gateway, "+5511912345001", "Europe/London")["created"] == 1
    assert contact(gateway, "+5511912345001", "")["unchanged"] == 1
    assert gateway.person("+5511912345001")["zone"] == "Europe/London"
    assert "Europe/London" in gateway.cli(["contacts", "show", "+5511912345001"])[1]
    assert contact(gateway, "+5511912345001", "-")["updated"] == 1
    assert contact(gateway, "+5511912345001", "-")["unchanged"] == 1
    assert gateway.person("+5511912345001")["zone"] == ""


def test_the_list_of_a_file_has_a_column_for_it(start, sandbox, tmp_path, here):
    gateway = gateway_with(start, sandbox, tmp_path, open_hours(here))
    (tmp_path / "people.csv").write_text("phone,name,timezone\n+5511912345001,Ana,Europe/Berlin\n+5511912345002,Bela,\n")
    status, out, err = gateway.cli(["contacts", "import", "people.csv"])
    assert status == 0, out + err
    assert [gateway.person(f"+551191234500{i}")["zone"] for i in (1, 2)] == ["Europe/Berlin", ""]
