-- SPDX-License-Identifier: Apache-2.0
-- A database as the program left it when the schema had two migrations: a person with a grant whose message went out,
-- and one who withdrew and was refused. Rows of a real run, cut short; test_store.c brings it up to date.
BEGIN TRANSACTION;
CREATE TABLE bucket_head (
    bucket INT NOT NULL,
    next_ordinal BIGINT NOT NULL, -- a person's id is ordinal * 4096 + bucket
    people BIGINT NOT NULL,
    PRIMARY KEY (bucket)
) WITHOUT ROWID;
INSERT INTO "bucket_head" VALUES(0,9,8);
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
INSERT INTO "decision" VALUES(0,7530136711687307264,1795324495241,1,0,0,X'417FFF0700000000000004040000020200000280F09FA48B680000000202000002',X'010000');
INSERT INTO "decision" VALUES(0,7530136711750221824,1795324495256,1,2,0,X'417FFF070000000000000404000002020000048090F298B3680000000202000002',X'010202140207070207');
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY,
    lane INT NOT NULL,
    at BIGINT NOT NULL,
    body BLOB NOT NULL,
    problem TEXT
);
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
INSERT INTO "ledger" VALUES(0,4096,1788220800000,1,12,'web_form',7530136711582449664,1,1795324495216,0,'demo-contacts.csv sha256:3ddc2968e09a73178c909dd8fa7228108ab187f424cbe3ec440685365956c0c3','Yes, send me offers and order updates on WhatsApp. I can stop at any time.','','sign-up form 2026-09','api');
INSERT INTO "ledger" VALUES(0,16384,1793577600000,2,4,'conversation',7530136711582449667,1,1795324495216,0,'demo-contacts.csv sha256:3ddc2968e09a73178c909dd8fa7228108ab187f424cbe3ec440685365956c0c3','','','she wrote: no more offers','api');
CREATE TABLE meta (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('schema',2);
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
    wamid TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
INSERT INTO "msg" VALUES(0,7530136711687307264,4096,111,0,3,1,1,1795324495241,2,2,0,0,1795324495244,'template','wamid.HBgMNDQ3NzAwOTAwMjAxFQIAERgSQjUxN0QwOUMwNDc2QUY1MzVFAA==');
INSERT INTO "msg" VALUES(0,7530136711750221824,16384,111,0,1,0,1,1795324495256,2,2,0,131050,0,'template','');
INSERT INTO "msg" VALUES(0,7530136711754416128,16384,111,0,3,1,1,1795324495257,2,2,17,131026,1795324495260,'template','wamid.F');
INSERT INTO "msg" VALUES(0,7530136711758610432,16384,111,0,3,1,1,1795324495258,2,2,19,131026,1795324495261,'template','wamid.D');
INSERT INTO "msg" VALUES(0,7530136711762804736,16384,111,0,5,1,1,1795324495259,2,1,0,0,1795324495262,'template','');
CREATE TABLE msg_event (
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
    PRIMARY KEY (bucket, msg, at, status, participant, orphan_wamid)
) WITHOUT ROWID;
CREATE TABLE pair (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    ver BIGINT NOT NULL,
    last_inbound BIGINT NOT NULL,
    tat BIGINT NOT NULL,
    last_out BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, sender)
) WITHOUT ROWID;
INSERT INTO "pair" VALUES(0,4096,111,1,0,1795324501241,1795324495241);
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
    lang TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
INSERT INTO "person" VALUES(0,4096,1,2,0,1795324495216,0,X'010C80F09FA48B6880F09FA48B68','Ana','en');
INSERT INTO "person" VALUES(0,16384,1,2,0,1795324495216,0,X'01048190F298B368','Dora','en');
CREATE TABLE person_identity (
    bucket INT NOT NULL,
    tenant BIGINT NOT NULL,
    kind INT NOT NULL,
    value TEXT NOT NULL,
    contact BIGINT NOT NULL,
    added_at BIGINT NOT NULL, replaced_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, tenant, kind, value)
) WITHOUT ROWID;
INSERT INTO "person_identity" VALUES(0,1,1,'447700900201',4096,1795324495216,0);
INSERT INTO "person_identity" VALUES(0,1,1,'447700900204',16384,1795324495216,0);
CREATE TABLE person_merge (
    bucket INT NOT NULL,
    kept BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, kept, gone)
) WITHOUT ROWID;
CREATE TABLE reader_cursor (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
CREATE TABLE ruleset (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    id TEXT NOT NULL,
    source BLOB NOT NULL,
    first_used_at BIGINT NOT NULL
);
INSERT INTO "ruleset" VALUES(1,X'793EDEB3C815F2A6E53A362437641326EE919AFE7501208673018FFA92106D8C','whatsapp-platform',X'7B7D',1795324494993);
CREATE TABLE sender (
    id INTEGER PRIMARY KEY,
    waba BIGINT NOT NULL,
    status INT NOT NULL,
    display_phone TEXT NOT NULL,
    verified_name TEXT NOT NULL,
    quality TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO "sender" VALUES(111,2000,1,'+15550001000','Sandbox','GREEN',1795324495093);
CREATE TABLE sender_lease (
    sender INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    taken_at BIGINT NOT NULL
);
INSERT INTO "sender_lease" VALUES(111,7530136710647119872,1,1,1795324495241);
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
    updated_at BIGINT NOT NULL, status_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (waba, name, language)
);
INSERT INTO "template" VALUES(2000,'hello_world','en_US',2568289349638861,1,3,'','{}',1795324495093,1795324000000);
CREATE INDEX identity_of ON person_identity (bucket, contact, added_at);
CREATE INDEX ledger_in_order ON ledger (bucket, id);
CREATE INDEX msg_sending ON msg (bucket, epoch) WHERE state = 2;
CREATE UNIQUE INDEX ruleset_hash ON ruleset (hash);
CREATE INDEX inbox_problem ON inbox (seq) WHERE problem IS NOT NULL;
COMMIT;
