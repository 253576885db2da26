# SPDX-License-Identifier: Apache-2.0
"""The preference page: a person with their link sees and changes what they agreed to, without a script and without a login."""

import re
import time

import pytest
import requests
import rig

ANA, BELA = rig.PEOPLE[:2]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preferences")
    sandbox = rig.Sandbox(folder)
    gateway = rig.Gateway(folder, sandbox.url, public_url="https://wa.example.org", business="Lemon <Market>")
    gateway.grant("+" + ANA)
    yield gateway
    gateway.stop()
    sandbox.stop()


def link(gateway, who="+" + ANA, **body):
    status, answer = gateway.admin("POST", f"/contacts/{who.replace('+', '%2B')}/preferences", body or None)
    assert status == 200, answer
    assert answer["url"].startswith("https://wa.example.org/preferences/")
    return gateway.url + answer["url"].removeprefix("https://wa.example.org")


def ticked(page):
    return re.findall(r'name="on" value="(\w+)" checked', page)


def events(gateway, who=ANA):
    return gateway.admin("GET", f"/consent/%2B{who}")[1]["events"]


def status_of(gateway, category="marketing", who=ANA):
    return gateway.person("+" + who)["consent"][category]["status"]


def test_a_person_sees_and_changes_what_they_agreed_to(shop):
    shop.grant("+" + BELA)
    url = link(shop, "+" + BELA)
    page = requests.get(url, timeout=10)
    assert page.status_code == 200 and ticked(page.text) == ["marketing"]
    assert "Lemon &lt;Market&gt;" in page.text and "<Market>" not in page.text
    assert BELA not in page.text, "a link can be passed on"
    assert "script" not in page.text and "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "no-referrer"

    answer = requests.post(url, data="was=marketing&on=utility&do=save", headers=FORM, timeout=10, allow_redirects=False)
    assert answer.status_code == 303
    assert (status_of(shop, who=BELA), status_of(shop, "utility", BELA)) == ("withdrawn", "granted")
    again = requests.get(url + "?saved=1", timeout=10)
    assert ticked(again.text) == ["utility"] and "Saved." in again.text
    gave = next(e for e in events(shop, BELA) if e["act"] == "grant" and e["scope"] == "utility")
    assert "Lemon <Market>" in gave["wording"] and gave["method"] == "preferences" and gave["language"] == "en"
    assert shop.send_template("+" + BELA, "spring_sale").status_code == 400


def test_a_page_that_lay_open_changes_only_what_its_reader_changed(shop):
    shop.grant("+" + ANA)
    url = link(shop)  # opened while marketing was on
    shop.admin("POST", "/consent", {"who": "+" + ANA, "act": "withdraw", "scope": "marketing", "method": "whatsapp"})
    assert requests.post(url, data="was=marketing&on=marketing&on=calls&do=save", headers=FORM, timeout=10).status_code == 200
    assert (status_of(shop), status_of(shop, "calls")) == ("withdrawn", "granted")


def test_what_has_ended_is_not_ticked_and_may_be_given_again(shop):
    who = "+447700906777"
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    status, _ = shop.admin("POST", "/consent", {"who": who, "act": "grant", "scope": "marketing", "method": "web_form", "source": "https://shop.example/form",
                                                "wording": "Yes, for a while.", "expires": ends})
    assert status == 200
    url = link(shop, who)
    rig.until("the consent has ended", lambda: ticked(requests.get(url, timeout=10).text) == [], 20)
    page = requests.get(url, timeout=10).text
    assert 'name="was"' not in page and "<small>" not in page
    assert ticked(requests.post(url, data="on=marketing&do=save", headers=FORM, timeout=10).text) == ["marketing"]
    word = shop.person(who)["consent"]["marketing"]
    assert word["status"] == "granted" and word["expires"] is None


def test_one_button_stops_everything(shop):
    url = link(shop)
    page = requests.post(url, data="on=marketing&do=stop", headers=FORM, timeout=10)
    assert ticked(page.text) == []
    assert {status_of(shop, c) for c in ("marketing", "utility", "authentication", "calls")} == {"withdrawn"}


def test_looking_changes_nothing(shop):
    url, before = link(shop), len(events(shop))
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        requests.request(method, url + "?on=marketing&do=save", timeout=10)
    requests.post(url, data="", headers=FORM, timeout=10)
    assert requests.post(url, data="on=%zz", headers=FORM, timeout=10).status_code == 400
    assert requests.post(url, data="x" * 5000, headers=FORM, timeout=10).status_code in (400, 413)
    assert len(events(shop)) == before


def test_what_is_no_link_shows_nobody(shop):
    good = link(shop)
    for bad in (good[:-4] + "AAAA", good[:-10], shop.url + "/preferences/", shop.url + "/preferences/" + "A" * 2000, good + "/x"):
        page = requests.get(bad, timeout=10, headers={"Accept-Language": "de-AT,de;q=0.9"})
        assert page.status_code == 404 and "gilt nicht mehr" in page.text
    assert shop.admin("POST", "/contacts/%2B15550009999/preferences")[0] == 404
    assert shop.admin("POST", f"/contacts/%2B{ANA}/preferences", {"days": 0})[1]["error"]["field"] == "days"


def test_the_persons_language_is_spoken(shop):
    shop.admin("POST", "/contacts/import", {"contacts": [{"phone": "+" + ANA, "lang": "ar"}]})
    page = requests.get(link(shop), timeout=10).text
    assert '<html lang="ar" dir="rtl">' in page


def test_the_command_prints_the_link(shop):
    status, printed, _ = shop.cli(["contacts", "link", "+" + ANA, "--days", "7"])
    assert status == 0 and printed.startswith("https://wa.example.org/preferences/")
    assert shop.cli(["contacts", "link", "+" + ANA, "--days", "x"])[0] == 2
