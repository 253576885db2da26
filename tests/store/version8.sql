-- SPDX-License-Identifier: Apache-2.0
-- A database as the program left it when the schema had eight migrations: the five people of version7.sql and one who was imported with an
-- attribute and a tag and was refused a message. test_campaigns.c brings it up to date.
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
CREATE TABLE activity (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    ver BIGINT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (bucket, contact)
) WITHOUT ROWID;
CREATE TABLE attribute (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    source BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, name)
) WITHOUT ROWID;
INSERT INTO "attribute" VALUES(0,24576,'city','Bern',0,1795382072487);
CREATE TABLE bucket_head (
    bucket INT NOT NULL,
    next_ordinal BIGINT NOT NULL, -- a person's id is ordinal * 4096 + bucket
    people BIGINT NOT NULL,
    PRIMARY KEY (bucket)
) WITHOUT ROWID;
INSERT INTO "bucket_head" VALUES(0,7,5);
CREATE TABLE callback_data (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
CREATE TABLE contact_source (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    source BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, source)
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
CREATE TABLE erasure (
    id INTEGER PRIMARY KEY,
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    name TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    due BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    cleaned_at BIGINT NOT NULL,
    done_at BIGINT NOT NULL,
    leaves BIGINT NOT NULL,
    leaf BIGINT NOT NULL,
    n BIGINT NOT NULL,
    regime TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL
);
CREATE TABLE errand (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    kind INT NOT NULL,
    state INT NOT NULL,
    due BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    scope BIGINT NOT NULL,
    begun_at BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    step INT NOT NULL,
    msg BIGINT NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
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
CREATE TABLE import_source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY,
    lane INT NOT NULL,
    at BIGINT NOT NULL,
    body BLOB NOT NULL,
    problem TEXT
, app BIGINT NOT NULL DEFAULT 0, form INT NOT NULL DEFAULT 0, repeats BLOB NOT NULL DEFAULT '');
CREATE TABLE "ledger" (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    at BIGINT NOT NULL,
    act INT NOT NULL,
    scope BIGINT NOT NULL,
    method TEXT NOT NULL,
    fingerprint BIGINT NOT NULL,
    leaf BIGINT NOT NULL,
    n BIGINT NOT NULL,
    id BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    subject TEXT NOT NULL,
    business TEXT NOT NULL,
    source TEXT NOT NULL,
    notice BLOB NOT NULL,
    language TEXT NOT NULL,
    policy TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    evidence TEXT NOT NULL,
    actor TEXT NOT NULL,
    wording TEXT NOT NULL,
    PRIMARY KEY (bucket, contact, at, act, scope, method, fingerprint)
) WITHOUT ROWID;
INSERT INTO "ledger" VALUES(0,24576,1767323045000,1,4,'web_form',-7712666249383837124,1,1099511627777,7530378208160514048,1,1795382072487,0,0,'phone:4915550002009','','',X'','','','','','api','');
CREATE TABLE log_head (
    generation BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    at BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (generation, size)
);
INSERT INTO "log_head" VALUES(1,1,X'27DD3E62DF1CC909FCB01494F884167123BAA747481B05B7267EA08854EA2D0A',1795382072341,'wayleave/44e0a362
1
J90+Yt8cyQn8sBSU+IQWcSO6p0dIGwW3Jn6giFTqLQo=

— wayleave/44e0a362 6mm2ENlwiYSlZx8BWbFUah68d6jqKlxCh9RdfUs6YHMDzvnZ9HG1RIOoaF9l24Do4lhDidVfkdgis9Wz9wFR0jOIngo=
');
INSERT INTO "log_head" VALUES(1,2,X'600DC244E476035D195B3F51B779CCDEF4BDFF914FC41FCF299F57429EE49082',1795382072504,'wayleave/44e0a362
2
YA3CROR2A10ZWz9Rt3nM3vS9/5FPxB/PKZ9XQp7kkII=

— wayleave/44e0a362 6mm2EI1TOoC5jPjgNbLtL3jDD4P2Eei7unTMDS7HDpFic7KbfNifYZeO561iBMqzdDOhmXN/+Y/SjgylzUBCwgmBpQ4=
');
CREATE TABLE log_leaf (
    idx INTEGER PRIMARY KEY,
    gone INT NOT NULL,
    entry BLOB NOT NULL
);
INSERT INTO "log_leaf" VALUES(0,0,X'0110000000079C1D00000000000000006EB8E075941A6BD94B4C948B77E2DEB3BF1ECA260CBA2C0ABFACF6FAE3F07F5EDCF9D9454D36EDE20D74A7BAFB26B16FA0E14091E87E37FA2C98C7955EA8F4290000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "log_leaf" VALUES(1,0,X'0101000000079C1D000000000000000060E27BDAF10FA054F19FF8A6B907131916B1E177148BF662EDF1B0BEE2976F9232641AEF7F582A3519C2334D058D08DB99BDE1325EF8F2DD4868BCB50495F5D90000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE meta (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('schema',8);
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
INSERT INTO "msg" VALUES(0,7519265074708480000,4096,106540352242922,0,3,1,1,1792732495000,2,2,7,0,0,'template','wamid.2001a',0,524289,0,1792732495000,0,0,0);
INSERT INTO "msg" VALUES(0,7522888953364480000,8192,106540352242922,0,3,1,1,1793596495000,2,2,3,0,0,'template','wamid.2001b',0,524289,0,1793596495000,0,0,0);
INSERT INTO "msg" VALUES(0,7524700892692480000,12288,106540352242922,0,8,1,1,1794028495000,2,2,16,131026,0,'template','wamid.2002',0,1,0,1794028495000,0,0,0);
INSERT INTO "msg" VALUES(0,7525063280558080000,12288,106540352242922,0,8,1,1,1794114895000,2,2,16,131026,0,'template','wamid.2002',0,1,0,1794114895000,0,0,0);
INSERT INTO "msg" VALUES(0,7525425668423680000,12288,106540352242922,0,8,1,1,1794201295000,2,2,16,131026,0,'template','wamid.2002',0,1,0,1794201295000,0,0,0);
INSERT INTO "msg" VALUES(0,7526512832020480000,16384,106540352242922,0,3,1,1,1794460495000,2,2,1,0,0,'template','wamid.2003',0,1,0,1794460495000,0,0,0);
INSERT INTO "msg" VALUES(0,7526875219886080000,0,106540352242922,0,3,1,1,1794546895000,2,2,3,0,0,'template','wamid.nobody',0,524289,0,1794546895000,0,0,0);
INSERT INTO "msg" VALUES(0,7527237607751680000,20480,106540352242922,0,3,1,1,1794633295000,2,2,2,0,0,'template','-',0,524289,0,1794633295000,0,0,0);
INSERT INTO "msg" VALUES(0,7530378208445726720,24576,111,0,1,0,0,1795382072555,2,0,0,132001,0,'template','',0,65536,1795382072555,0,0,0,0);
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
INSERT INTO "msg_event" VALUES(0,7519265074708480000,1792732496000,'sent','','',1792732496700,1,0,'');
INSERT INTO "msg_event" VALUES(0,7519265074708480000,1792732499000,'delivered','','',1792732499700,2,0,'');
INSERT INTO "msg_event" VALUES(0,7519265074708480000,1792732555000,'read','','',1792732555700,4,0,'');
INSERT INTO "msg_event" VALUES(0,7522888953364480000,1793596496000,'sent','','',1793596496700,1,0,'');
INSERT INTO "msg_event" VALUES(0,7522888953364480000,1793596504000,'delivered','','',1793596504700,2,0,'');
INSERT INTO "msg_event" VALUES(0,7524700892692480000,1794028497000,'failed','','',1794028497700,16,131026,'');
INSERT INTO "msg_event" VALUES(0,7525063280558080000,1794114897000,'failed','','',1794114897700,16,131026,'');
INSERT INTO "msg_event" VALUES(0,7525425668423680000,1794201297000,'failed','','',1794201297700,16,131026,'');
INSERT INTO "msg_event" VALUES(0,7526512832020480000,1794460496000,'sent','','',1794460496700,1,0,'');
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
INSERT INTO "pair" VALUES(0,4096,106540352242922,1,1794892495000,0,0,0);
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
    lang TEXT NOT NULL, caps BLOB NOT NULL DEFAULT '', zone TEXT NOT NULL DEFAULT '', name_at BIGINT NOT NULL DEFAULT 0, leaf BIGINT NOT NULL DEFAULT -1, restricted_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
INSERT INTO "person" VALUES(0,4096,1,2,0,1791868495000,0,X'','','',X'','',0,-1,0);
INSERT INTO "person" VALUES(0,8192,1,2,4096,1791868495000,0,X'','','','','',0,-1,0);
INSERT INTO "person" VALUES(0,12288,1,1,0,1791868495000,0,X'','','','','',0,-1,0);
INSERT INTO "person" VALUES(0,16384,1,1,0,1791868495000,0,X'','','','','',0,-1,0);
INSERT INTO "person" VALUES(0,20480,1,1,0,1791868495000,0,X'','','','','',0,-1,0);
INSERT INTO "person" VALUES(0,24576,1,2,0,1795382072487,0,X'030490B2CCCAEF6602','Ann','',X'','',0,1,0);
CREATE TABLE person_identity (
    bucket INT NOT NULL,
    tenant BIGINT NOT NULL,
    kind INT NOT NULL,
    value TEXT NOT NULL,
    contact BIGINT NOT NULL,
    added_at BIGINT NOT NULL, replaced_at BIGINT NOT NULL DEFAULT 0, said BLOB NOT NULL DEFAULT '', since BIGINT NOT NULL DEFAULT 0, claimed_at BIGINT NOT NULL DEFAULT 0, claimed_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (bucket, tenant, kind, value)
) WITHOUT ROWID;
INSERT INTO "person_identity" VALUES(0,1,1,'15550002001',4096,1791868495000,0,'',1794892495000,1794892495000,'US.2001');
INSERT INTO "person_identity" VALUES(0,1,1,'15550002002',12288,1791868495000,0,'',0,0,'');
INSERT INTO "person_identity" VALUES(0,1,1,'15550002003',16384,1791868495000,0,'',0,0,'');
INSERT INTO "person_identity" VALUES(0,1,1,'15550002004',20480,1791868495000,0,'',0,0,'');
INSERT INTO "person_identity" VALUES(0,1,1,'4915550002009',24576,1795382072487,0,X'030490B2CCCAEF6602',0,0,'');
INSERT INTO "person_identity" VALUES(0,1,2,'US.2001',4096,1791868495000,0,'',1794892495000,0,'');
CREATE TABLE person_merge (
    bucket INT NOT NULL,
    kept BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, kept, gone)
) WITHOUT ROWID;
INSERT INTO "person_merge" VALUES(0,4096,8192,1794892495000);
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
INSERT INTO "reader_cursor" VALUES('activity.since',1795382072066);
CREATE TABLE rules_event (
    id INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    act INT NOT NULL,
    ruleset BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
, leaf BIGINT NOT NULL DEFAULT -1, n BIGINT NOT NULL DEFAULT 0);
CREATE TABLE ruleset (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    id TEXT NOT NULL,
    source BLOB NOT NULL,
    first_used_at BIGINT NOT NULL
);
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
CREATE TABLE subject_key (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (bucket, contact)
) WITHOUT ROWID;
INSERT INTO "subject_key" VALUES(0,0,X'EABB14703221FF7CFCBB3654333EFDBF5E997FDB21FB48F225E1142D68C1EDD1');
INSERT INTO "subject_key" VALUES(0,24576,X'A83C0186B161D420609782F26B8D71EF66A54050B21076FE97C7DB94258CF751');
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
CREATE TABLE suppressed (
    bucket INT NOT NULL,
    hash BLOB NOT NULL,
    scope BIGINT NOT NULL,
    at BIGINT NOT NULL,
    platform_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, hash)
) WITHOUT ROWID;
CREATE TABLE tag (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    tag TEXT NOT NULL,
    source BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, tag)
) WITHOUT ROWID;
INSERT INTO "tag" VALUES(0,24576,'vip',0,1795382072487);
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
CREATE TABLE wording (
    hash BLOB NOT NULL,
    language TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (hash)
) WITHOUT ROWID;
CREATE INDEX identity_of ON person_identity (bucket, contact, added_at);
CREATE INDEX msg_sending ON msg (bucket, epoch) WHERE state = 2;
CREATE UNIQUE INDEX ruleset_hash ON ruleset (hash);
CREATE INDEX inbox_problem ON inbox (seq) WHERE problem IS NOT NULL;
CREATE INDEX rules_event_act ON rules_event (act, id);
CREATE INDEX msg_doubt ON msg (bucket, due) WHERE state = 5;
CREATE INDEX msg_decided ON msg (bucket, decision) WHERE decision <> 0;
CREATE INDEX outbox_held ON outbox (bucket, due) WHERE ruleset <> 0;
CREATE UNIQUE INDEX subscriber_name ON subscriber (name);
CREATE INDEX dead_letter_again ON dead_letter (subscriber, seq, event) WHERE again = 1;
CREATE INDEX ledger_leaf ON ledger (bucket, leaf, id);
CREATE INDEX log_leaf_gone ON log_leaf (idx) WHERE gone = 1;
CREATE INDEX log_head_at ON log_head (at);
CREATE INDEX rules_event_leaf ON rules_event (leaf) WHERE leaf >= 0;
CREATE INDEX rules_event_unplaced ON rules_event (id) WHERE leaf = -1;
CREATE INDEX identity_claim_of ON identity_claim (bucket, contact);
CREATE INDEX erasure_open ON erasure (due, id) WHERE done_at = 0;
CREATE INDEX erasure_leaf ON erasure (leaf) WHERE leaf >= 0;
CREATE INDEX erasure_of ON erasure (bucket, contact) WHERE done_at = 0;
CREATE INDEX errand_due ON errand (bucket, due) WHERE state = 1;
CREATE INDEX errand_person ON errand (bucket, contact, id);
CREATE INDEX claim_by ON identity_claim (bucket, user_id);
CREATE INDEX tag_of ON tag (bucket, tag, contact);
CREATE UNIQUE INDEX import_source_file ON import_source (sha256, name);
COMMIT;
