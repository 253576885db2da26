# SPDX-License-Identifier: Apache-2.0
"""A person's data handed out to them: everything that is held on them, and nothing of anybody else."""

import json
import time

import rig
from test_identity import event, sale

ANA, BELA, USER, OTHER = rig.PEOPLE[0], rig.PEOPLE[1], "GB.70001", "GB.70002"


def wrote(gateway, number, user, text, name, wamid, **more):
    event(gateway, {"contacts": [{"profile": {"name": name}, "wa_id": number, "user_id": user}],
                    "messages": [{"from": number, "from_user_id": user, "id": wamid, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}, **more}]})


def test_everything_of_one_person_and_nothing_of_another(gateway, tmp_path):
    gateway.grant("+" + ANA)
    gateway.grant("+" + BELA)
    wrote(gateway, ANA, USER, "where is my parcel?", "Ana Silva", "wamid.ana1")
    wrote(gateway, BELA, OTHER, "my secret is 4711", "Bela Braun", "wamid.bela1")
    wrote(gateway, BELA, OTHER, f"please write to my friend +{ANA} instead", "Bela Braun", "wamid.bela2")
    both = {"contacts": [{"profile": {"name": "Ana Silva"}, "wa_id": ANA, "user_id": USER}, {"profile": {"name": "Bela Braun"}, "wa_id": BELA, "user_id": OTHER}],
            "messages": [{"from": n, "from_user_id": u, "id": f"wamid.both{n}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": t}}
                         for n, u, t in ((ANA, USER, "one of mine"), (BELA, OTHER, "one of Bela's"))]}
    event(gateway, both)
    give_up = time.monotonic() + 30
    while sale(gateway, "+" + ANA).status_code != 200:  # until the consent lies inside a checkpoint
        assert time.monotonic() < give_up
    out = tmp_path / "ana.json"
    code, said, err = gateway.cli(["contacts", "export", "+" + ANA, "-o", out])
    assert code == 0 and said == "" and out.stat().st_mode & 0o077 == 0, err
    text = out.read_text()
    got = json.loads(text)
    assert got["person"]["name"] == "Ana Silva" and {i["value"] for i in got["person"]["identities"]} == {ANA, USER}
    assert [e["wording"] for e in got["events"]] == ["Yes, write to me on WhatsApp."] and got["events"][0]["leaf"] >= 0
    assert got["consent"]["marketing"]["status"] == "granted" and got["numbers"][0]["sender"] == rig.SENDER
    allowed = [m for m in got["messages"] if m["state"] in ("accepted", "sent", "delivered", "read")]
    assert len(allowed) == 1 and allowed[0]["decision"]["verdict"] == "allow"
    mine = [w for w in got["webhooks"] if w["about"] == "them"]
    assert "where is my parcel?" in json.dumps(mine) and "one of mine" in json.dumps(mine)
    named = [w for w in got["webhooks"] if w["about"] != "them"]
    assert len(named) == 1 and "body" not in named[0]  # Bela's text: that it names her, not what it says
    for secret in (BELA, OTHER, "Bela", "4711", "my friend", "one of Bela's", "wamid.bela"):
        assert secret not in text, secret
    assert json.loads(gateway.cli(["contacts", "export", USER])[1])["person"] == got["person"]


def test_it_comes_in_pages(gateway):
    gateway.grant("+" + ANA)
    path, pages = f"/contacts/%2B{ANA}/export", []
    cursor = ""
    while cursor is not None:
        status, page = gateway.admin("GET", path + (f"?cursor={cursor}" if cursor else ""))
        assert status == 200, page
        pages.append(set(page) - {"next"})
        cursor = page["next"]
    assert "person" in pages[0] and pages[1:] == [{"messages"}, {"webhooks"}, {"statuses"}]
    for wrong in ("x", "0.0.0", "4.0.0", "1.-1.0", "1"):
        assert gateway.admin("GET", f"{path}?cursor={wrong}")[0] == 400, wrong
    assert gateway.admin("GET", "/contacts/%2B15550009999/export")[0] == 404
    assert gateway.cli(["contacts", "export", "+15550009999"])[0] == 1


def test_what_does_not_fit_is_said(gateway):
    """Half of the evidence must not pass for all of it."""
    assert gateway.grant("+" + ANA) and gateway.admin("GET", f"/contacts/%2B{ANA}/export")[1]["cut"] is False
    row = {"who": "+" + ANA, "act": "grant", "scope": "marketing", "source": "s" * 4000, "wording": "w" * 4000}
    for lot in range(6):
        rows = [{**row, "at": f"2026-01-02T03:{lot:02}:{i // 2:02}Z", "evidence": f"{i} " + "e" * 4000 if i % 2 else "f" * 4000} for i in range(80)]
        status, answer = gateway.admin("POST", "/consent/bulk", rows)
        assert status == 200 and answer["recorded"] == 80, answer
    for path in (f"/contacts/%2B{ANA}/export", f"/consent/%2B{ANA}"):
        status, answer = gateway.admin("GET", path)
        assert status == 200 and answer["cut"] is True and 100 < len(answer["events"]) < 481, (path, status, len(answer.get("events", [])))
    assert json.loads(gateway.cli(["contacts", "export", "+" + ANA])[1])["cut"] is True
