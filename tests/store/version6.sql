-- SPDX-License-Identifier: Apache-2.0
-- A database as the program left it when the schema had six migrations: four people of whom two became one, what they consented
-- to, one wording shown to two of them, a rule book that was activated and set aside once. test_ledger_log.c brings it up to date.
BEGIN TRANSACTION;
CREATE TABLE account (
    waba INTEGER PRIMARY KEY,
    portfolio BIGINT NOT NULL,
    people_a_day BIGINT NOT NULL, -- 0 without limit, -1 not known
    state INT NOT NULL,
    no_templates_until BIGINT NOT NULL,
    no_messages_until BIGINT NOT NULL,
    no_utility_until BIGINT NOT NULL,
    payment_failed_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    state_at BIGINT NOT NULL, -- when each was said
    templates_at BIGINT NOT NULL,
    messages_at BIGINT NOT NULL,
    utility_at BIGINT NOT NULL,
    limit_at BIGINT NOT NULL,
    no_direct_until BIGINT NOT NULL,
    misuse_at BIGINT NOT NULL, -- last 131064; 0: not since a template was accepted
    direct_at BIGINT NOT NULL
, portfolio_at BIGINT NOT NULL DEFAULT 0, name TEXT NOT NULL DEFAULT '', health INT NOT NULL DEFAULT 0, health_detail TEXT NOT NULL DEFAULT '', health_at BIGINT NOT NULL DEFAULT 0, violation TEXT NOT NULL DEFAULT '', violation_at BIGINT NOT NULL DEFAULT 0, review TEXT NOT NULL DEFAULT '', review_at BIGINT NOT NULL DEFAULT 0, disable_on TEXT NOT NULL DEFAULT '', disable_at BIGINT NOT NULL DEFAULT 0, numbers_max BIGINT NOT NULL DEFAULT 0, numbers_max_at BIGINT NOT NULL DEFAULT 0);
CREATE TABLE bucket_head (
    bucket INT NOT NULL,
    next_ordinal BIGINT NOT NULL, -- a person's id is ordinal * 4096 + bucket
    people BIGINT NOT NULL,
    PRIMARY KEY (bucket)
) WITHOUT ROWID;
INSERT INTO "bucket_head" VALUES(0,5,3);
CREATE TABLE callback_data (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
CREATE TABLE dead_letter (
    subscriber BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    event INT NOT NULL,
    died_at BIGINT NOT NULL,
    attempts INT NOT NULL,
    status INT NOT NULL,
    why TEXT NOT NULL,
    again INT NOT NULL,
    PRIMARY KEY (subscriber, seq, event)
) WITHOUT ROWID;
CREATE TABLE decision (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    ruleset BIGINT NOT NULL,
    verdict INT NOT NULL,
    until_at BIGINT NOT NULL,
    facts BLOB NOT NULL,
    findings BLOB NOT NULL,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
CREATE TABLE decision_block (
    bucket INT NOT NULL,
    last_id BIGINT NOT NULL,
    first_id BIGINT NOT NULL,
    n INT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (bucket, last_id)
);
CREATE TABLE field_heard (
    field TEXT NOT NULL,
    known INT NOT NULL,
    events BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (field)
) WITHOUT ROWID;
CREATE TABLE idempotency (
    bucket INT NOT NULL,
    week BIGINT NOT NULL,
    key BLOB NOT NULL,
    msg BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    PRIMARY KEY (bucket, week, key)
) WITHOUT ROWID;
CREATE TABLE identity_claim (
    bucket INT NOT NULL,
    kind INT NOT NULL,
    value TEXT NOT NULL,
    user_id TEXT NOT NULL,
    since BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    PRIMARY KEY (bucket, kind, value, user_id)
) WITHOUT ROWID;
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY,
    lane INT NOT NULL,
    at BIGINT NOT NULL,
    body BLOB NOT NULL,
    problem TEXT
, app BIGINT NOT NULL DEFAULT 0, form INT NOT NULL DEFAULT 0, repeats BLOB NOT NULL DEFAULT '');
CREATE TABLE ledger (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    at BIGINT NOT NULL,
    act INT NOT NULL,
    scope BIGINT NOT NULL,
    method TEXT NOT NULL,
    id BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    source TEXT NOT NULL,
    wording TEXT NOT NULL,
    language TEXT NOT NULL,
    evidence TEXT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (bucket, contact, at, act, scope, method)
) WITHOUT ROWID;
INSERT INTO "ledger" VALUES(0,4096,1795324405000,1,60,'web_form',7530136710676480000,1,1795324495000,0,'https://shop.example/join','Yes, send me offers of Example Shop on WhatsApp. I can stop at any time.','en','{"ip":"192.0.2.7"}','api');
INSERT INTO "ledger" VALUES(0,4096,1795324455000,2,8,'web_form',7530136710697451520,1,1795324495005,0,'https://shop.example/leave','No more messages about orders.','en','','api');
INSERT INTO "ledger" VALUES(0,8192,1795324425000,3,4,'platform',7530136710684868608,1,1795324495002,106540352242922,'user_preferences','','','','webhook');
INSERT INTO "ledger" VALUES(0,8192,1795324435000,4,4,'platform',7530136710689062912,1,1795324495003,106540352242922,'user_preferences','','','','webhook');
INSERT INTO "ledger" VALUES(0,12288,1795324415000,1,4,'import',7530136710680674304,1,1795324495001,0,'list.csv#3','Yes, send me offers of Example Shop on WhatsApp. I can stop at any time.','en','','api');
INSERT INTO "ledger" VALUES(0,16384,1795324445000,2,60,'conversation',7530136710693257216,1,1795324495004,0,'','','','she wrote: no more offers – "never"','cli');
CREATE TABLE meta (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('schema',6);
INSERT INTO "meta" VALUES('spread',1);
CREATE TABLE msg (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    campaign BIGINT NOT NULL,
    state INT NOT NULL,
    attempt INT NOT NULL,
    epoch BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    kind INT NOT NULL,
    category INT NOT NULL,
    seen BIGINT NOT NULL,
    code BIGINT NOT NULL,
    ts_outcome BIGINT NOT NULL,
    type TEXT NOT NULL,
    wamid TEXT NOT NULL, ver BIGINT NOT NULL DEFAULT 0, life BIGINT NOT NULL DEFAULT 65536, due BIGINT NOT NULL DEFAULT 0, begun_at BIGINT NOT NULL DEFAULT 0, expires BIGINT NOT NULL DEFAULT 0, decision BIGINT NOT NULL DEFAULT 0, valid_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
CREATE TABLE "msg_event" (
    bucket INT NOT NULL,
    msg BIGINT NOT NULL,
    at BIGINT NOT NULL,
    status TEXT NOT NULL,
    participant TEXT NOT NULL,
    orphan_wamid TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    code BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (bucket, msg, at, status, participant, orphan_wamid, code)
) WITHOUT ROWID;
CREATE TABLE notice (
    at BIGINT NOT NULL,
    key BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    waba BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    field TEXT NOT NULL,
    subject TEXT NOT NULL,
    word TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (at, key)
) WITHOUT ROWID;
CREATE TABLE outbox (
    bucket INT NOT NULL,
    sender BIGINT NOT NULL,
    class INT NOT NULL,
    campaign BIGINT NOT NULL,
    due BIGINT NOT NULL,
    id BIGINT NOT NULL,
    path INT NOT NULL,
    flags BIGINT NOT NULL,
    expected INT NOT NULL,
    ruleset BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    facts BLOB NOT NULL,
    findings BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (bucket, sender, class, campaign, due, id)
);
CREATE TABLE pair (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    ver BIGINT NOT NULL,
    last_inbound BIGINT NOT NULL,
    tat BIGINT NOT NULL,
    last_out BIGINT NOT NULL, named_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, contact, sender)
) WITHOUT ROWID;
CREATE TABLE person (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    ver BIGINT NOT NULL,
    merged_into BIGINT NOT NULL, -- 0, or the person this one turned out to be
    created_at BIGINT NOT NULL,
    undeliverable_at BIGINT NOT NULL,
    consent BLOB NOT NULL,
    name TEXT NOT NULL,
    lang TEXT NOT NULL, caps BLOB NOT NULL DEFAULT '', zone TEXT NOT NULL DEFAULT '', name_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
INSERT INTO "person" VALUES(0,4096,1,4,0,1795324495000,0,X'027C9094E39AC06803B1A1E99AC0689094E39AC068039094E39AC06803B8B4B38DA034','','',X'','',0);
INSERT INTO "person" VALUES(0,8192,1,4,4096,1795324495000,0,X'0240B8B4B38DA034','','',X'','',0);
INSERT INTO "person" VALUES(0,12288,1,2,0,1795324495000,0,X'0204B0B0E49AC06801','','',X'','',0);
INSERT INTO "person" VALUES(0,16384,1,2,0,1795324495000,0,X'023C9185E89AC0689185E89AC0689185E89AC0689185E89AC068','','',X'','',0);
CREATE TABLE person_identity (
    bucket INT NOT NULL,
    tenant BIGINT NOT NULL,
    kind INT NOT NULL,
    value TEXT NOT NULL,
    contact BIGINT NOT NULL,
    added_at BIGINT NOT NULL, replaced_at BIGINT NOT NULL DEFAULT 0, said BLOB NOT NULL DEFAULT '', since BIGINT NOT NULL DEFAULT 0, claimed_at BIGINT NOT NULL DEFAULT 0, claimed_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (bucket, tenant, kind, value)
) WITHOUT ROWID;
INSERT INTO "person_identity" VALUES(0,1,1,'15550001001',4096,1795324495000,0,X'023C9094E39AC06803B1A1E99AC0689094E39AC068039094E39AC06803',1795324495050,1795324495050,'US.1001');
INSERT INTO "person_identity" VALUES(0,1,1,'15550001002',12288,1795324495000,0,X'0204B0B0E49AC06801',0,0,'');
INSERT INTO "person_identity" VALUES(0,1,1,'15550001003',16384,1795324495000,0,X'023C9185E89AC0689185E89AC0689185E89AC0689185E89AC068',0,0,'');
INSERT INTO "person_identity" VALUES(0,1,2,'US.1001',4096,1795324495000,0,X'0240B8B4B38DA034',1795324495050,0,'');
CREATE TABLE person_merge (
    bucket INT NOT NULL,
    kept BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, kept, gone)
) WITHOUT ROWID;
INSERT INTO "person_merge" VALUES(0,4096,8192,1795324495050);
CREATE TABLE portfolio_budget (
    portfolio INTEGER PRIMARY KEY,
    ver BIGINT NOT NULL,
    ring BLOB NOT NULL
);
CREATE TABLE reach (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    portfolio BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, portfolio)
) WITHOUT ROWID;
CREATE TABLE reader_cursor (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
CREATE TABLE rules_event (
    id INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    act INT NOT NULL,
    ruleset BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
);
INSERT INTO "rules_event" VALUES(7530136710928138240,1795324495060,1,1,'start','','');
INSERT INTO "rules_event" VALUES(7530136710932332544,1795324495061,2,1,'ana','she asked for it on the phone','policy.frequency m0d1a55b4kc000g0');
CREATE TABLE ruleset (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    id TEXT NOT NULL,
    source BLOB NOT NULL,
    first_used_at BIGINT NOT NULL
);
INSERT INTO "ruleset" VALUES(1,X'92719FE0CF8CD51592AF31EE8A5736D79F7273777FA3F7B70BFE993A4CD32180','example-1',X'72756C65733A205B5D0A',1795324495000);
CREATE TABLE sender (
    id INTEGER PRIMARY KEY,
    waba BIGINT NOT NULL,
    status INT NOT NULL,
    display_phone TEXT NOT NULL,
    verified_name TEXT NOT NULL,
    quality TEXT NOT NULL,
    updated_at BIGINT NOT NULL
, per_second INT NOT NULL DEFAULT 0, spam_at BIGINT NOT NULL DEFAULT 0, number_at BIGINT NOT NULL DEFAULT 0, quality_at BIGINT NOT NULL DEFAULT 0, per_second_at BIGINT NOT NULL DEFAULT 0, name_status TEXT NOT NULL DEFAULT '', name_status_at BIGINT NOT NULL DEFAULT 0, username TEXT NOT NULL DEFAULT '', username_at BIGINT NOT NULL DEFAULT 0, health INT NOT NULL DEFAULT 0, health_detail TEXT NOT NULL DEFAULT '', health_at BIGINT NOT NULL DEFAULT 0);
CREATE TABLE sender_lease (
    sender INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    taken_at BIGINT NOT NULL
, wm_ts BIGINT NOT NULL DEFAULT 0, stop_until BIGINT NOT NULL DEFAULT 0, stop_ms BIGINT NOT NULL DEFAULT 0, stop_code BIGINT NOT NULL DEFAULT 0, pace BIGINT NOT NULL DEFAULT 0, shelf BIGINT NOT NULL DEFAULT 0, hold_ms BIGINT NOT NULL DEFAULT 0);
CREATE TABLE skeleton (
    number INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    first_seen BIGINT NOT NULL
);
CREATE TABLE subscriber (
    id INTEGER PRIMARY KEY,
    ver BIGINT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    app BIGINT NOT NULL,
    secret BLOB NOT NULL,
    form INT NOT NULL,
    parallel INT NOT NULL,
    origin INT NOT NULL,
    paused INT NOT NULL,
    filter TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    position BIGINT NOT NULL,
    again_next BIGINT NOT NULL,
    again_until BIGINT NOT NULL,
    pending BLOB NOT NULL
);
CREATE TABLE tally (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
CREATE TABLE template (
    waba BIGINT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    id BIGINT NOT NULL,
    status INT NOT NULL,
    category INT NOT NULL,
    quality TEXT NOT NULL,
    listing TEXT NOT NULL,
    updated_at BIGINT NOT NULL, status_at BIGINT NOT NULL DEFAULT 0, category_at BIGINT NOT NULL DEFAULT 0, quality_at BIGINT NOT NULL DEFAULT 0, id_at BIGINT NOT NULL DEFAULT 0, detail TEXT NOT NULL DEFAULT '', detail_status INT NOT NULL DEFAULT 0, detail_at BIGINT NOT NULL DEFAULT 0, next_category INT NOT NULL DEFAULT 0, next_category_at BIGINT NOT NULL DEFAULT 0, next_said_at BIGINT NOT NULL DEFAULT 0, components_at BIGINT NOT NULL DEFAULT 0, listed_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (waba, name, language)
);
CREATE INDEX identity_of ON person_identity (bucket, contact, added_at);
CREATE INDEX ledger_in_order ON ledger (bucket, id);
CREATE INDEX msg_sending ON msg (bucket, epoch) WHERE state = 2;
CREATE UNIQUE INDEX ruleset_hash ON ruleset (hash);
CREATE INDEX inbox_problem ON inbox (seq) WHERE problem IS NOT NULL;
CREATE INDEX rules_event_act ON rules_event (act, id);
CREATE INDEX msg_doubt ON msg (bucket, due) WHERE state = 5;
CREATE INDEX msg_decided ON msg (bucket, decision) WHERE decision <> 0;
CREATE INDEX outbox_held ON outbox (bucket, due) WHERE ruleset <> 0;
CREATE UNIQUE INDEX subscriber_name ON subscriber (name);
CREATE INDEX dead_letter_again ON dead_letter (subscriber, seq, event) WHERE again = 1;
COMMIT;
