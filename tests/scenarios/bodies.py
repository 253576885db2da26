# SPDX-License-Identifier: Apache-2.0
"""Webhook bodies taken apart and put together: one event a body, many entries a body; and what they left behind in a
gateway, told without anything that depends on the order in which they came.

The splitting here is written for the tests alone, apart from the product's own, so that one can be held against the other."""

import hashlib
import hmac
import json
import time

import requests
import rig

LISTS = ("messages", "statuses", "user_preferences", "calls", "message_echoes", "groups", "errors")


def text(body):
    """As Meta writes it: nothing but ASCII, slashes escaped."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


def body(change, account, at=None):
    """One change as a body."""
    return {"object": "whatsapp_business_account", "entry": [{"id": account, **({"time": at} if at else {}), "changes": [change]}]}


def single(value):
    """The value once for each event in its lists; as it is when it holds none."""
    if not isinstance(value, dict):
        return [value]
    if isinstance(value.get("standby"), dict):
        return [{**value, "standby": inner} for inner in single(value["standby"])]
    lists = [key for key in LISTS if isinstance(value.get(key), list) and value[key]]
    rest = {key: v for key, v in value.items() if key not in lists}
    return [{**rest, key: [one]} for key in lists for one in value[key]] or [value]


def split(whole):
    """Bodies of one event each, in the order in which the events stand."""
    made = []
    for entry in whole["entry"]:
        for change in entry.get("changes", []):
            for value in single(change.get("value")):
                made.append({**whole, "entry": [{**entry, "changes": [{**change, "value": value}]}]})
    return made


def merge(wholes, most):
    """The same entries in fewer bodies; changes of the same account and time share an entry."""
    made = []
    for at in range(0, len(wholes), most):
        entries = {}
        for whole in wholes[at:at + most]:
            for entry in whole["entry"]:
                head = {key: v for key, v in entry.items() if key != "changes"}
                entries.setdefault(json.dumps(head, sort_keys=True), {**head, "changes": []})["changes"] += entry.get("changes", [])
        made.append({"object": "whatsapp_business_account", "entry": list(entries.values())})
    return made


def post(gateway, texts, secret=rig.APP_SECRET):
    session = requests.Session()
    for data in texts:
        signature = "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
        answer = session.post(gateway.url + "/webhook", data=data, headers={"X-Hub-Signature-256": signature, "Content-Type": "application/json"}, timeout=10 * rig.SLOW)
        assert answer.status_code == 200, data


# --- what they left behind ---------------------------------------------------------------------------------------------

OWN = {"ver", "bucket", "created_at", "recorded_at", "updated_at", "listed_at", "key"}  # of our keeping, not of what was said


def rows(gateway, table, without=(), where=""):
    """A table as a set of rows with names; times of the last hour are `now`: what had no time happened when it came."""
    now = time.time() * 1000
    columns = [name for _, name, *_ in gateway.query(f"PRAGMA table_info({table})") if name not in OWN | set(without)]

    def told(name, v):
        return "now" if isinstance(v, int) and (name == "at" or name.endswith(("_at", "_inbound"))) and abs(now - v) < 3600_000 else v

    return {tuple((name, told(name, v)) for name, v in zip(columns, row)) for row in gateway.query(f"SELECT {', '.join(columns)} FROM {table} {where}")}


def people(gateway):
    """Each person under all their names: consent, stops, name, windows."""
    names, shown = {}, {}
    for contact, kind, value in gateway.query("SELECT contact, kind, value FROM person_identity"):
        names.setdefault(contact, set()).add((kind, value))
    profile = dict(gateway.query("SELECT id, name FROM person"))
    for contact, ids in names.items():
        status, told = gateway.admin("GET", f"/contacts/c{contact}-{contact % 4096}")
        assert status == 200, told
        shown[tuple(sorted(ids))] = (json.dumps(told["consent"]), told["platform_stop"]["stopped"], told["undeliverable_at"] is not None, profile.get(contact))
    now = time.time() * 1000
    windows = {(tuple(sorted(names.get(c, {("nobody", c)}))), sender, "now" if abs(now - last) < 3600_000 else last)
               for c, sender, last in gateway.query("SELECT contact, sender, last_inbound FROM pair WHERE last_inbound > 0")}
    return set(shown.items()), windows


def state(gateway, polled=()):
    """Everything the webhooks say now holds. `polled`: accounts and numbers that are also asked for, and left out."""
    asked = ", ".join(map(str, polled)) or "0"
    known, windows = people(gateway)
    return {
        "people": known, "windows": windows,
        "statuses": rows(gateway, "msg_event", ("msg",)),
        "templates": rows(gateway, "template", where=f"WHERE waba NOT IN ({asked})"),
        "numbers": rows(gateway, "sender", where=f"WHERE id NOT IN ({asked})"),
        "accounts": rows(gateway, "account", where=f"WHERE waba NOT IN ({asked})"),
        "notices": rows(gateway, "notice", where=f"WHERE waba NOT IN ({asked})"),
        "fields": rows(gateway, "field_heard", ("events", "first_at", "last_at")),
    }


def differences(a, b):
    return {key: sorted(map(str, a[key] ^ b[key])) for key in a if a[key] != b[key]}
