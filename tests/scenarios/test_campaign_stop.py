# SPDX-License-Identifier: Apache-2.0
"""What waits for a campaign that is over ends at once, and nothing else does: those whose turn would come tomorrow are not found in the queue
tomorrow, hundreds of thousands or few. And what waits for one that goes on again goes as soon as nothing holds it any more."""

import time
from collections import Counter

import campaign_rig as camp
import requests
import rig
from test_campaign_check import template as made
from test_campaign_exact import template_is
from test_outbox import SALE, template

PEOPLE = 150
NEXT_MONTH = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30 * 86400))


def test_what_sleeps_ends_with_its_campaign_and_nothing_else_does(start, sandbox, tmp_path):
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    rig.until("the templates are known", lambda: gateway.query("SELECT COUNT(*) FROM template")[0][0])
    camp.people(gateway, PEOPLE)
    hour = (time.gmtime().tm_hour + 11) % 23  # they are in Britain, where it is not that hour now
    hours = f"daily {hour:02}:00-{hour + 1:02}:00"
    asleep, other = (camp.Campaign(gateway, camp.definition(name, ramp="fast", hours=hours)).launched() for name in ("Stopped", "Goes on"))
    single = gateway.request("POST", "/wayleave/v1/messages", token=gateway.admin_key,
                             json={"from": rig.SENDER, "to": "+447700902001", "queue": True, "not_before": NEXT_MONTH, **template(SALE, "Ann")})
    assert single.status_code == 202, single.text
    rig.until("all of them wait", lambda: gateway.query("SELECT COUNT(*) FROM outbox") == [(2 * PEOPLE + 1,)], 60)
    soon = int(time.time() * 1000) + 3600000
    assert gateway.query(f"SELECT COUNT(*) FROM outbox WHERE due < {soon}") == [(0,)]
    asleep.stop()
    rig.until("what slept has ended", lambda: not {"waiting"} & {r.state for r in camp.rows(gateway, asleep.id)}, 30)
    rows = camp.rows(gateway, asleep.id)
    assert Counter(r.state for r in rows) == Counter(refused=PEOPLE)
    assert gateway.query("SELECT COUNT(*) FROM outbox") == [(PEOPLE + 1,)]
    assert {r.state for r in camp.rows(gateway, other.id)} == {"waiting"} and other.state() == "running"
    refused = gateway.admin("GET", "/messages?limit=1&state=refused")[1]["messages"][0]
    why = gateway.admin("GET", "/decisions/" + refused["id"])[1]["decision"]["findings"]
    assert "campaign.stopped" in {f["rule"] for f in why}, why
    assert camp.received(sandbox) == []


def test_what_a_paused_template_held_goes_when_the_campaign_goes_on(start, sandbox, tmp_path):
    sandbox.call("POST", "standing", {"phone_number_id": rig.SENDER, "throughput": "STANDARD"})
    gateway = start(rig.Gateway, tmp_path, sandbox.url)
    sandbox.webhooks_to(gateway.url + "/webhook", sent_ms=5, delivered_ms=10, read_ms=-1)
    rig.until("the templates are known", lambda: gateway.query("SELECT COUNT(*) FROM template")[0][0])
    camp.people(gateway, PEOPLE)
    c = camp.Campaign(gateway, camp.definition(ramp="fast")).launched()
    c.wait_handed(20)
    template_is(sandbox, "PAUSED")
    c.wait("held")
    template_is(sandbox, "APPROVED")
    rig.until("it is approved again", lambda: gateway.query("SELECT status FROM template WHERE name = 'spring_sale'") == [(1,)])
    c.resume()
    c.wait("finished")  # not three hours later, for which Meta pauses templates
    states = Counter(r.state for r in camp.rows(gateway, c.id))
    assert states["accepted"] == len(camp.received(sandbox)) and set(states) <= {"accepted", "rejected"} and sum(states.values()) == PEOPLE, states
    assert not camp.twice(sandbox)


def test_a_text_that_nobody_approved_goes_to_nobody_else(gateway, sandbox):
    """A template is edited while its campaign is at its first stage: it is held, nobody's word helps, and verify says so."""
    made(sandbox, "edited")
    camp.people(gateway, 210)
    c = camp.Campaign(gateway, camp.definition(ramp="careful", template="edited")).launched()
    c.wait_handed(200)
    account = {"headers": {"Authorization": f"Bearer {rig.TOKEN}"}, "timeout": 10}
    [listed] = requests.get(f"{sandbox.url}/v23.0/{rig.WABA}/message_templates?name=edited", **account).json()["data"]
    components = [{**part, "text": part["text"].replace("spring", "last")} if part["type"] == "BODY" else part for part in listed["components"]]
    assert requests.post(f"{sandbox.url}/v23.0/{listed['id']}", json={"components": components}, **account).status_code == 200
    sandbox.call("POST", "event", {"field": "message_template_status_update", "name": "APPROVED", "template": "edited", "language": "en_US"})
    sandbox.call("POST", "event", {"field": "message_template_components_update", "template": "edited", "language": "en_US"})
    v = c.wait("held")
    assert v["cause"] == "template" and "edited" in v["why"], v
    rig.until("verify sees it", lambda: c.get("verify")["sound"] is False)
    c.resume()
    c.wait("held")
    assert c.get()["handed"] == 200
