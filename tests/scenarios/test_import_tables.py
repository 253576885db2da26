# SPDX-License-Identifier: Apache-2.0
"""People out of the exports of other programs: packed, in other encodings, as workbooks, with consent of other channels."""
import datetime
import gzip
import json
import pathlib
import shutil
import subprocess
import zipfile

import pytest
import rig

A, B, C, D, E = (f"+4915112345{i:03}" for i in range(5))
SHOP = "First Name,Last Name,Email,Accepts Email Marketing,Country Code,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Tags,Tax Exempt\n"
AGREE = ("--consent", "marketing", "--consent-at", "2026-01-02")
WORDING = "Yes, send me offers by SMS and WhatsApp"


def bring(gateway, file, *options, code=0):
    got, out, err = gateway.cli(["contacts", "import", file, *options, "--json"])
    assert got == code, out + err
    return json.loads(out)


def marketing(gateway, who):
    return gateway.person(who)["consent"]["marketing"]["status"]


def test_a_yes_to_sms_is_none_to_whatsapp(gateway, tmp_path):
    rows = [("Ada", "DE", "0151 12345000", "yes"), ("Bea", "DE", "015112345001", "no"), ("J\xf6rg", "FR", "+49 151 12345002", "yes")]
    text = SHOP + "".join(f'{n},X,a@example.com,yes,{c},{p},{y},1,1,"new, vip",no\n' for n, c, p, y in rows)
    (tmp_path / "shop.csv.gz").write_bytes(gzip.compress(text.encode("cp1252")))
    said = bring(gateway, "shop.csv.gz", "--attribute", "spent=Total Spent")
    assert (said["created"], said["consents"], said["other_channel"], said["export_of"]) == (3, 0, 3, "Shopify")
    assert marketing(gateway, A) == "none" and gateway.person(C)["name"] == "J\xf6rg X"
    shown = json.loads(gateway.cli(["contacts", "show", A, "--json"])[1])
    assert sorted(shown["tags"]) == ["new", "vip"] and "spent" in json.dumps(shown["attributes"]) and "shop.csv.gz" in json.dumps(shown)
    take = ("--consent-from", "Accepts SMS Marketing", *AGREE)
    code, _, err = gateway.cli(["contacts", "import", "shop.csv.gz", *take])
    assert code == 2 and "--consent-wording" in err
    assert bring(gateway, "shop.csv.gz", *take, "--consent-wording", WORDING)["consents"] == 2
    assert [marketing(gateway, who) for who in (A, B, C)] == ["granted", "none", "granted"]
    evidence = json.loads(gateway.cli(["consent", "show", A, "--json"])[1])["events"][0]
    assert evidence["wording"] == WORDING and '"row":2' in json.dumps(evidence).replace(" ", "").replace("\\", "")
    again = bring(gateway, "shop.csv.gz", *take, "--consent-wording", WORDING)
    assert (again["unchanged"], again["consents"]) == (3, 0)


def test_who_left_by_any_channel_has_left(gateway, tmp_path):
    text = ("EMAIL;SMS;EMAIL_BLACKLISTED;SMS_BLACKLISTED;consent;consent_at\n" + f"a@x.example;{A[1:]};Yes;No;all;2026-01-02\n" +
            f"b@x.example;{B[1:]};No;No;all;2026-01-02\nc@x.example;nonsense;Yes;No;;\n")
    (tmp_path / "brevo.csv").write_bytes(text.encode("utf-16"))
    said = bring(gateway, "brevo.csv", "--region", "DE", "--errors", "bad.csv", code=4)
    assert (said["unsubscribed"], said["failed"], said["export_of"]) == (1, 1, "Brevo")
    assert [marketing(gateway, who) for who in (A, B)] == ["withdrawn", "granted"]
    bad = (tmp_path / "bad.csv").read_text()
    assert "is no phone number" in bad
    (tmp_path / "good.csv").write_text(bad.replace("nonsense", C))
    assert bring(gateway, "good.csv")["created"] == 1
    assert marketing(gateway, C) == "withdrawn"


def test_who_refused_stays_refused_unless_the_file_proves_more(gateway, tmp_path):
    for who in (A, B):
        gateway.cli(["consent", "withdraw", who, "--scope", "all", "--method", "email", "--at", "2026-03-01"])
    (tmp_path / "list.csv").write_text(f"phone,consent,consent_at\n{A},all,2026-06-01\n{B},all,2026-06-01\n")
    bring(gateway, "list.csv")
    assert [marketing(gateway, who) for who in (A, B)] == ["withdrawn", "withdrawn"]
    (tmp_path / "form.csv").write_text("phone,consent,consent_at,consent_method,consent_wording,consent_evidence\n" +
                                       f"{A},all,2026-06-01,web_form,Yes please,https://shop.example/form\n{B},all,2026-02-01,web_form,Yes please,https://shop.example/form\n")
    bring(gateway, "form.csv")
    assert [marketing(gateway, who) for who in (A, B)] == ["granted", "withdrawn"]  # newer and stronger; stronger and older


def test_the_same_file_again_withdraws_nobody_who_agreed_since(gateway, tmp_path):
    (tmp_path / "left.csv").write_text(f"phone,unsubscribed\n{A},yes\n{B},N/A\n")
    said = bring(gateway, "left.csv")
    assert (said["withdrawals"], said["consents"], said["unsubscribed"]) == (1, 0, 1)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    gateway.cli(["consent", "grant", A, "--at", now, "--scope", "marketing", "--method", "web_form", "--wording", "Yes please", "--evidence", '{"url":"https://shop.example/form"}'])
    assert marketing(gateway, A) == "granted"
    for name in ("left.csv", "copy.csv"):
        (tmp_path / name).write_bytes((tmp_path / "left.csv").read_bytes())
        bring(gateway, name)
        assert marketing(gateway, A) == "granted", name
    (tmp_path / "next.csv").write_text(f"phone,unsubscribed\n{A},yes\n")
    bring(gateway, "next.csv")  # another export, later
    assert marketing(gateway, A) == "withdrawn"
    (tmp_path / "list.csv").write_text(f"phone\n{A}\n{B}\n")
    said = bring(gateway, "list.csv", *AGREE)
    assert (said["refused"], marketing(gateway, A), marketing(gateway, B)) == (1, "withdrawn", "granted")
    assert "had refused, and stay so" in gateway.cli(["contacts", "import", "list.csv", *AGREE])[1]


def test_what_shared_cases_expect_of_the_people_in_them(gateway, tmp_path):
    """Of files whose rows hold numbers. status-respected, kit, mailchimp and the other files of addresses alone have nobody to import."""
    cases = pathlib.Path(__file__).resolve().parents[3] / "shared/cases/crm"
    if not (cases / "index.jsonl").exists():
        pytest.skip(f"{cases} is not there")
    with_numbers = {"preset-systeme_io.csv": ("+33600000001", ()), "preset-brevo.csv": ("+33611111111", ()),
                    "preset-activecampaign.csv": ("+33102030405", ("--region", "FR")), "preset-generic-fr.csv": ("+33600000000", ("--region", "FR", "--allow-unassigned"))}
    seen = 0
    for line in (cases / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        want = case.get("expect", {}).get("result")
        if want is None or case["file"] not in with_numbers:
            continue
        seen += 1
        phone, options = with_numbers[case["file"]]
        shutil.copy(cases / case["file"], tmp_path)
        said = bring(gateway, case["file"], *options)
        assert said["failed"] == 0 and said["unsubscribed"] == int(want.get("unsubscribed", False)), case
        person = json.loads(gateway.cli(["contacts", "show", phone, "--json"])[1])
        assert phone.lstrip("+") == want.get("phone", phone).lstrip("+")
        assert sorted(person["tags"]) == want.get("tags", sorted(person["tags"])) and want.get("first_name", "") in person["name"]
        assert marketing(gateway, phone) == ("withdrawn" if want.get("unsubscribed") else "none")
    assert seen == len(with_numbers)


SHEET = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>consent</t></is></c><c r="D1" t="inlineStr"><is><t>consent_at</t></is></c></row>
<row r="3"><c r="A3" t="s"><v>2</v></c><c r="B3"><v>4.9151123450031E+12</v></c><c r="C3" t="str"><f>"a"&amp;"ll"</f><v>all</v></c><c r="D3" s="1"><v>46053</v></c></row>
<row r="4"><c r="B4"><v>4915112345004</v></c></row></sheetData></worksheet>"""
PARTS = {
    "xl/workbook.xml": '<workbook xmlns:r="x"><sheets><sheet name="Notes" sheetId="2" r:id="r9"/><sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Target="worksheets/s1.xml"/><Relationship Id="r9" Target="/xl/worksheets/s2.xml"/></Relationships>',
    "xl/styles.xml": '<styleSheet><cellStyleXfs><xf numFmtId="0"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    "xl/sharedStrings.xml": "<sst><si><t>Name</t></si><si><r><t>Mob</t></r><r><t>ile</t></r></si><si><t>Eva, &quot;E&quot;</t><rPh><t>x</t></rPh></si></sst>",
    "xl/worksheets/s1.xml": SHEET.replace("4.9151123450031E+12", "4.915112345003E+12"),
    "xl/worksheets/s2.xml": "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>",
}


def test_a_workbook_keeps_its_digits_and_dates(gateway, tmp_path):
    with zipfile.ZipFile(tmp_path / "people.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in PARTS.items():
            book.writestr(name, text)
    code, _, err = gateway.cli(["contacts", "import", "people.xlsx", "--sheet", "Nobody"])
    assert code == 1 and 'no sheet "Nobody"; it has "Notes", "People"' in err
    said = bring(gateway, "people.xlsx", "--sheet", "People", "--international", "--save-mapping", "map.yaml")
    assert (said["created"], said["consents"]) == (2, 1)
    assert gateway.person(D)["name"] == 'Eva, "E"' and gateway.person(E)
    shown = gateway.cli(["consent", "show", D, "--json"])[1]
    assert "2026-01-31T00:00:00" in shown
    mapping = (tmp_path / "map.yaml").read_text()
    assert 'phone: ["Mobile"]' in mapping
    (tmp_path / "map.yaml").write_text(mapping.replace('phone: ["Mobile"]', 'phone: ["Handy"]'))
    code, _, err = gateway.cli(["contacts", "import", "people.xlsx", "--sheet", "People", "--mapping", "map.yaml"])
    assert code == 1 and 'no column "Handy" for phone' in err


@pytest.mark.parametrize("text, options, code, says", [
    (b"PK\x03\x04nonsense", (), 1, "no XLSX workbook"), (b"\x1f\x8b\x08nonsense", (), 1, "damaged"), (b"a;b\n1;2\n", (), 1, "--map phone=COLUMN"),
    (b"phone,x\n+4915112345000\n", ("--map", "phon=x"), 2, "is no role"), (b"phone\n+4915112345000\n", ("--region", "XX"), 2, "XX"),
    (b"phone\n+4915112345000\n", ("--encoding", "klingon"), 1, "klingon"), (b"phone\n+4915112345000\n", ("--delimiter", "::"), 2, "one character"),
    (b"+4915112345000,Ada\n+4915112345001,Bea\n", (), 0, "because of what it holds"), (b"01511200000\n+4915112345001\n", (), 4, "x.csv:1: phone"), (b"phone,note\n+4915112345000,LONG\n+4915112345001,y\n", (), 4, "more than 1 MiB"),
    (b"phone,Agreed?\n+4915112345000,no\n", AGREE, 2, '"Agreed?" may say who agreed or left'), (b"phone,Agreed?\n+4915112345000,no\n", (*AGREE, "--ignore-column", "agreed?"), 0, "right"),
    (b"phone,Agreed?\n+4915112345000,maybe\n", (*AGREE, "--map", "whatsapp_consent=Agreed?"), 4, '"maybe" under "Agreed?" is neither yes nor no'),
    (b"phone,Raw\n+4915112345000,maybe\n", (*AGREE, "--consent-from", "Raw", "--consent-wording", "x"), 4, '"maybe" under "Raw"'),
    (b"phone,Opted in to WhatsApp\n+4915112345000,yes\n", (*AGREE, "--consent-from", "Opted in to WhatsApp"), 0, "right"), (b"phone\n+4915112345000\n", ("--consent", "promo"), 2, "marketing, utility"),
    (b"phone,unsubscribed\n+4915112345000,gone fishing\n", (), 0, "taken for a withdrawal"), (b"phone,name,opt-out\n+4915112345000,Ada\n", (), 4, '"opt-out" is missing'),
    (b"phone\n+4915112345000\n\"x\n+4915112345001\n", (), 4, "never closed"), (b"id,doc,phone,z\n1,+4915112345000,y\n", (), 4, 'under "doc"'),
])
def test_what_is_wrong_is_said(tmp_path, text, options, code, says):
    (tmp_path / "x.csv").write_bytes(text.replace(b"LONG", b"x" * (10 << 20)))
    done = subprocess.run([rig.BIN, "contacts", "import", "x.csv", "--dry-run", *options], capture_output=True, text=True, timeout=60 * rig.SLOW, cwd=tmp_path)
    assert done.returncode == code and says in done.stdout + done.stderr, done
    assert "Sanitizer" not in done.stderr


def test_a_mapping_is_all_there_is_and_destroys_nothing(tmp_path):
    def dry(*options):
        done = subprocess.run([rig.BIN, "contacts", "import", "x.csv", "--dry-run", *options], capture_output=True, text=True, timeout=60 * rig.SLOW, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr
    text = "phone,Mobile,phone,name\n+4915112345000,1,+4915112345001,Ada\n"
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "link.yaml").symlink_to("x.csv")
    for option in ("x.csv", "./x.csv", "link.yaml"):
        assert dry("--save-mapping", option)[0] == 2
    assert dry("--save-mapping", "e.csv", "--errors", "e.csv")[0] == 2
    assert (tmp_path / "x.csv").read_text() == text and not (tmp_path / "e.csv").exists()
    assert dry("--save-mapping", "m.yaml", "--map", "phone=phone#2")[0] == 0
    assert 'phone: ["phone#2"]' in (tmp_path / "m.yaml").read_text()
    assert dry("--mapping", "m.yaml", "--save-mapping", "m.yaml")[0] == 0
    assert 'phone: ["phone#2"]' in (tmp_path / "m.yaml").read_text()
    for nothing in ("columns: {}\n", "columns:\n  name: [name]\n"):
        (tmp_path / "n.yaml").write_text(nothing)
        assert dry("--mapping", "n.yaml")[0] == 1
    code, said = dry("--map", "phone=Mobil")
    assert code == 2 and 'did you mean "Mobile"' in said and "the columns are phone, Mobile, phone, name" in said
    assert dry("--delimiter", "comma", "--map", "phone=#1")[0] == 0
