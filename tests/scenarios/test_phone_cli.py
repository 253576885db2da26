# SPDX-License-Identifier: Apache-2.0
"""Numbers and numbering plans from the command line, without a gateway: what a number is and why it is none, other plans in the place of
those built in, what they change. Time zones and networks are compared with Debian's python3-phonenumbers on its own plans."""

import json
import random
import subprocess

import pytest
import rig

PLANS = rig.ROOT / "data" / "phone"


def cli(*arguments, stdin=None, code=0, env=None):
    """Standard output, or what it said when it should fail."""
    r = subprocess.run([rig.BIN, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60 * rig.SLOW, env=env)
    assert not rig.SANITIZER.search(r.stderr), r.stderr
    assert r.returncode == code, f"{r.returncode}: {r.stdout}{r.stderr}"
    return r.stdout if code in (0, 4) else r.stderr


def numbers(text, *more, code=0):
    return [json.loads(line) for line in cli("phone", "show", "-", "--json", *more, stdin="\n".join(text), code=code).splitlines()]


def test_a_number_is_told_with_everything_known():
    told, = numbers(["(030) 123456 ext. 7"], "--region", "de")
    data = told.pop("data")
    assert data.startswith("google-libphonenumber ")
    assert told == {
        "input": "(030) 123456 ext. 7", "valid": True, "why": None, "status": "ok", "possible": "possible", "e164": "+4930123456", "code": 49,
        "national_digits": "30123456", "extension": "7", "region": "DE", "regions": ["DE"], "type": "fixed_line", "national": "030 123456 ext. 7",
        "international": "+49 30 123456 ext. 7", "rfc3966": "tel:+49-30-123456;ext=7", "geographical": True, "zones": ["Europe/Berlin"],
        "network": None, "portable": True, "test_number": "example"}
    shared, = numbers(["+1 800 234 5678"])
    assert shared["region"] == "US" and {"US", "CA", "BB"} <= set(shared["regions"]) and len(shared["zones"]) > 30
    shown = cli("phone", "show", "+14155550199")
    assert "+14155550199  valid" in shown and "(415) 555-0199" in shown and "America/Los_Angeles" in shown


def test_why_a_number_is_none():
    why = {
        "dog": "no phone number",
        "030 123456": "no --region",
        "+999 1234567": "no country code",
        "+33 12345": "5 digits behind +33: numbers there have 9",
        "+1 202 555 01234": "11 digits behind +1: numbers there have 10",
        "+1 555 0123": "its area code is missing",
        "+1 555 555 0123": "in no range that is assigned",
        "+49 1234567890123456789": "more than 17 digits",
        "+1": "no phone number",
        "9" * 300: "longer than 250 bytes",
    }
    told = numbers(why, code=4)
    assert [t["input"][:20] for t in told] == [w[:20] for w in why] and not any(t["valid"] for t in told)
    for t in told:
        assert why[t["input"]] in t["why"], t
    assert "not valid\n  why          its area code is missing" in cli("phone", "show", "+15550123", code=4)
    assert "two letters, as in DE" in cli("phone", "show", "+15550123", "--region", "Germany", code=2)
    assert cli("phone", "show", "-", stdin="\n \n") == ""
    assert [t["valid"] for t in numbers(["\0", "+49 30 1\00023456", "\0+49 30 123456", "+49 30 123456"], code=4)] == [False, False, False, True]
    assert "\\x00  not valid\n  why          it is no phone number" in cli("phone", "show", "-", stdin="\0\n", code=4)


@pytest.fixture
def plans(tmp_path):
    """Texts of plans in a folder: those shipped, with replacements."""
    def make(**replace):
        text = (PLANS / "numbers.tsv").read_text()
        for old, new in replace.values():
            assert old in text
            text = text.replace(old, new)
        folder = tmp_path / "plans"
        folder.mkdir(exist_ok=True)
        (folder / "numbers.tsv").write_text(text)
        return folder
    return make


def test_other_plans_take_the_place_of_those_built_in(plans, tmp_path):
    file, config = tmp_path / "phone.pnd", tmp_path / "wayleave.yaml"
    folder = plans(name=("meta\tname\tgoogle-libphonenumber 3.2.47", "meta\tname\told plans"), day=("meta\treleased\t2026-09-02", "meta\treleased\t2020-01-02"))
    assert "old plans" in cli("phone", "compile", folder, "-o", file)
    config.write_text(f"phone: {{data: {file}}}\n")
    for how in (("--phone-data", file), ("--config", config)):
        r = subprocess.run([rig.BIN, "phone", "data", "--json", *how], capture_output=True, text=True, timeout=60 * rig.SLOW)
        told = json.loads(r.stdout)
        assert told["name"] == "old plans" and told["file"] == str(file) and told["stale"] and told["released"] == "2020-01-02"
        assert not told["zones"] and not told["networks"] and told["plan_bytes"] < 256 * 1024 and "days old (old plans)" in r.stderr
    told, = numbers(["+4930123456"], "--phone-data", file)
    assert told["valid"] and told["zones"] == [] and told["data"] == "old plans"
    own = json.loads(cli("phone", "data", "--json"))
    assert own["file"] is None and own["zones"] and own["networks"] and any("sha256:" in s for s in own["sources"])
    assert "google-libphonenumber" in cli("phone", "data") and "built in" in cli("phone", "data")


def test_what_is_no_data_is_named(plans, tmp_path):
    file = tmp_path / "phone.pnd"
    folder = plans(type=("DE\t49\ttype.mobile\t1", "DE\t49\ttype.mobile\t(1"))
    said = cli("phone", "compile", folder, "-o", file, code=1)
    line = next(i for i, x in enumerate((folder / "numbers.tsv").read_text().splitlines(), 1) if x.startswith("DE\t49\ttype.mobile"))
    assert f"numbers.tsv:{line}:" in said and not list(tmp_path.glob("phone.pnd*"))
    assert "numbers.tsv cannot be read" in cli("phone", "compile", tmp_path, "-o", file, code=1)
    assert "-o says which file" in cli("phone", "compile", folder, code=2)
    file.write_bytes((tmp_path / "plans" / "numbers.tsv").read_bytes())
    for command in (["phone", "show", "+4930123456", "--phone-data", file], ["phone", "diff", "built-in", file], ["phone", "data", "--phone-data", file]):
        assert str(file) in cli(*command, code=1)
    file.write_bytes(b"\0" * ((4 << 20) + 1))
    assert "larger than" in cli("phone", "data", "--phone-data", file, code=1)
    assert "cannot be read" in cli("phone", "data", "--phone-data", tmp_path / "none", code=1)
    config = tmp_path / "wayleave.yaml"
    config.write_text(f"phone: {{data: {tmp_path}/none}}\n")
    assert "none: it cannot be read" in cli("phone", "show", "+4930123456", "--config", config, code=1)


def test_what_other_plans_change_is_counted(plans, tmp_path):
    cli("phone", "compile", plans(), "-o", tmp_path / "same.pnd", "--quiet")
    cli("phone", "compile", plans(turkey=("TR\t90\ttype.pager", "TR\t90\ttype.voicemail"), samoa=("WS\t685\ttype.general\t", "WS\t685\ttype.general\t9{3}|")),
        "-o", tmp_path / "b.pnd")
    same = json.loads(cli("phone", "diff", "built-in", tmp_path / "same.pnd", "--json"))
    assert same["changes"] == [] and same["no_longer_valid"] == same["newly_valid"] == same["other_region_or_type"] == 0
    told = json.loads(cli("phone", "diff", "built-in", tmp_path / "b.pnd", "--ranges", "--json"))
    assert told["newly_valid"] == 0 and {c["code"] for c in told["changes"]} == {90}
    change = told["changes"][0]
    assert change["before"] == {"valid": True, "region": "TR", "type": "pager"} and change["after"]["type"] == "voicemail"
    assert sum(r["numbers"] for r in told["ranges"]) == told["other_region_or_type"] + told["no_longer_valid"] == sum(c["numbers"] for c in told["changes"])
    one = told["ranges"][0]
    before, = numbers([f"+{one['code']}{one['first']}{'0' * (one['digits'] - len(one['first']))}"])
    assert before["type"] == "pager"
    text = cli("phone", "diff", "built-in", tmp_path / "b.pnd", "--ranges")
    assert "TR pager, now TR voicemail" in text and f"+90 {one['first'][:-1]}" in text


def test_places_are_those_of_pythons_library(tmp_path):
    phonenumbers = pytest.importorskip("phonenumbers", reason="python3-phonenumbers is not installed")
    from phonenumbers import carrier, carrierdata, timezone, tzdata
    subprocess.run([rig.ROOT / "tools" / "phone-data", "debian", "--released", "2022-10-13", "-o", tmp_path], check=True)
    cli("phone", "compile", tmp_path, "-o", tmp_path / "debian.pnd", "--quiet")
    dice, asked = random.Random(8), []
    for table in (carrierdata.CARRIER_DATA, tzdata.TIMEZONE_DATA):
        for prefix in dice.sample(sorted(table), 1500):
            asked.append("+" + prefix + "".join(dice.choice("0123456789") for _ in range(15 - len(prefix))))
    parsed = [(phonenumbers.format_number(n, phonenumbers.PhoneNumberFormat.E164), n) for text in asked if (n := shortened(phonenumbers, text)) is not None]
    r = subprocess.run([rig.BIN, "phone", "show", "-", "--json", "--phone-data", tmp_path / "debian.pnd"],
                       input="\n".join(text for text, _ in parsed), capture_output=True, text=True, timeout=60 * rig.SLOW)
    ours = [json.loads(line) for line in r.stdout.splitlines()]
    assert len(ours) == len(parsed) > 2000 and sum(o["valid"] for o in ours) > 1500 and sum(o["network"] is not None for o in ours) > 200
    for o, (text, n) in zip(ours, parsed):
        zones = list(timezone.time_zones_for_number(n))
        assert (o["zones"] or ["Etc/Unknown"]) == zones, text
        assert (o["network"] or "") == carrier.name_for_number(n, "en"), text
        assert o["geographical"] == phonenumbers.is_number_geographical(n), text
        region = phonenumbers.region_code_for_number(n)
        assert o["region"] == region and o["portable"] == (region is not None and phonenumbers.is_mobile_number_portable_region(region)), text


def shortened(phonenumbers, text):
    """The number of so many of these digits that is valid; of all of them if none is."""
    try:
        n = phonenumbers.parse(text)
        shorter = phonenumbers.PhoneNumber()
        shorter.merge_from(n)
        return shorter if phonenumbers.truncate_too_long_number(shorter) else n
    except phonenumbers.NumberParseException:
        return None
