# SPDX-License-Identifier: Apache-2.0
"""What every scenario of campaigns does: people with a sealed consent, a definition, its way from draft to the end, and what the sandbox says
that it got. Everything goes over the REST interface; the command line has a scenario of its own.

    people(gateway, 50)                                    fifty people, tagged, who agreed
    c = Campaign(gateway, definition("spring"))            made
    c.check(); c.approve(); c.start(); c.wait("finished")  or Campaign(...).launched().wait("finished")
    received(sandbox)                                      numbers that got a message, in order
"""

import collections
import hashlib
import json

import rig

ACTS = ("check", "approve", "start", "pause", "resume", "stop", "cancel", "quarantine", "release")
OVER = ("finished", "stopped", "cancelled")


def people(gateway, n, first=447700902000, tag="crowd", source=None, consent="marketing", **more):
    """That many people with a tag and a name, who agreed and whose consent is sealed; consent None: they said nothing. source: the
    name of a file they come from. Returns their numbers, with a plus."""
    numbers = [f"+{first + i}" for i in range(n)]
    rows = [{"phone": number, "attributes": {"first_name": f"P{i}"}, "tags": [tag], **more} for i, number in enumerate(numbers)]
    if consent:
        for row in rows:
            row["consent"] = {"act": "grant", "scope": consent, "method": "web_form", "at": "2026-01-02T03:04:05Z"}
    for at in range(0, n, 500):
        body = {"contacts": rows[at:at + 500]}
        if source:
            body["import"] = {"name": source, "sha256": hashlib.sha256(source.encode()).hexdigest()}
        status, answer = gateway.admin("POST", "/contacts/import", body)
        assert status == 200 and not answer["errors"], answer
    if consent:
        gateway.sealed()
    return numbers


def tagged(tag="crowd"):
    """A segment's query: who has this tag."""
    return {"combinator": "and", "rules": [{"field": "tag", "operator": "=", "value": tag}]}


def definition(name="Spring sale", tag="crowd", template="spring_sale", **changes):
    """A campaign for who has the tag, with the sandbox's own marketing template; changes are top-level keys, None takes one away."""
    d = {
        "name": name,
        "category": "marketing",
        "query": tagged(tag),
        "templates": [{"name": template, "languages": ["en_US"], "parameters": {"body": [{"attribute": "first_name", "default": "you"}]}}],
        "numbers": [rig.SENDER],
    }
    d.update(changes)
    return {k: v for k, v in d.items() if v is not None}


class Refused(AssertionError):
    """An answer that is none of 2xx; .status and .error say what it was."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.error = status, (body or {}).get("error", {})


class Campaign:
    """One campaign of a gateway, by its id."""

    def __init__(self, gateway, what, actor="ana", key=None):
        """what: a definition, which is made into a campaign; or the id of one there is."""
        self.gateway = gateway
        if isinstance(what, str):
            self.id = what
        else:
            self.id = self._call("POST", "/campaigns", {"definition": what, "actor": actor}, key)["id"]

    def _call(self, method, path, body=None, key=None):
        r = self.gateway.request(method, "/wayleave/v1" + path, token=key or self.gateway.admin_key, json=body, timeout=30)
        answer = r.json() if r.content else None
        if r.status_code >= 300:
            raise Refused(r.status_code, answer)
        return answer

    def get(self, what="", **query):
        """The campaign, or with what="report", "recipients", "events"... that of it."""
        words = "&".join(f"{k}={v}" for k, v in query.items())
        return self._call("GET", f"/campaigns/{self.id}" + (f"/{what}" if what else "") + (f"?{words}" if words else ""))

    def act(self, word, actor="ana", key=None, **more):
        """Does it and returns the campaign as it is then; what may not be done raises Refused."""
        assert word in ACTS
        body = {**({} if key else {"actor": actor}), **more}
        return self._call("POST", f"/campaigns/{self.id}/{word}", body, key)

    def change(self, what, actor="ana", **more):
        return self._call("PUT", f"/campaigns/{self.id}", {"definition": what, "actor": actor, **more})

    def state(self):
        return self.get()["state"]

    def ask_check(self, **more):
        """Asks for a check and waits until it is done, whatever it found; returns the campaign."""
        self.act("check", **more)
        return rig.until("the campaign is checked", lambda: (lambda v: None if v["busy"] else v)(self.get()), 60)

    def check(self, **more):
        """The same, and insists that it could be checked."""
        v = self.ask_check(**more)
        assert v["state"] == "checked", (v["state"], v["why"])
        return v

    def approve(self, **more):
        return self.act("approve", **{"plan": self.get()["plan"], **more})

    def start(self, **more):
        return self.act("start", **more)

    def pause(self, **more):
        return self.act("pause", **more)

    def resume(self, **more):
        return self.act("resume", **more)

    def stop(self, **more):
        return self.act("stop", **more)

    def launched(self):
        """Checked, approved and started."""
        self.check()
        self.approve()
        self.start()
        return self

    def wait(self, state, seconds=60):
        """Until it is in this state (or one of these); returns the campaign. One that is over for another reason fails at once."""
        states = (state,) if isinstance(state, str) else state

        def there():
            v = self.get()
            assert v["state"] in states or v["state"] not in OVER, (v["state"], v["cause"], v["why"])
            return v if v["state"] in states else None
        return rig.until(f"the campaign is {' or '.join(states)}", there, seconds)

    def wait_handed(self, n, seconds=60):
        """Until at least so many of its people were handed to the door."""
        return rig.until(f"{n} people are handed on", lambda: (lambda v: v if v["handed"] >= n else None)(self.get()), seconds)

    def events(self):
        """What happened, oldest first, as (act, actor)."""
        return [(v["act"], v["actor"]) for v in self.get("events")["events"]]


def received(sandbox, **query):
    """Numbers with a plus, in the order the platform accepted a message to them, each as often as it did."""
    out, after = [], 0
    while True:
        page = sandbox.call("GET", "ledger", after=after, limit=500, **query)
        if not page["data"]:
            return out
        out += ["+" + str(m["to"]).lstrip("+") for m in page["data"]]
        after = page["next"]


def twice(sandbox):
    """Who got more than one."""
    return [number for number, n in collections.Counter(received(sandbox)).items() if n > 1]


def rows(gateway, campaign):
    """campaign_recipient as it lies in the database, by place; also of a gateway that is dead. With the state of their message."""
    got = gateway.query("SELECT r.place, r.contact, r.skip, r.rule, r.stratum, r.told, COALESCE(m.state, 0), r.params FROM campaign_recipient r "
                        f"LEFT JOIN msg m ON m.bucket = r.bucket AND m.id = r.msg WHERE r.campaign = {campaign_number(campaign)} ORDER BY r.place")
    row = collections.namedtuple("Row", "place contact skip rule stratum told state params")
    return [row(*v[:6], rig.STATES.get(v[6], ""), json.loads(v[7]) if v[7] else None) for v in got]


def campaign_number(text):
    """The number a campaign has in the database."""
    value = 0
    for c in text[1:]:
        value = value << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(c)
    high, low = value >> 25, value & 0x1ffffff
    return high << 13 | low >> 12
