-- SPDX-License-Identifier: Apache-2.0
-- The schema, as numbered migrations. A migration that was released is never edited: add the next one.
--
-- Plain SQL for SQLite and PostgreSQL. Two words are translated by a driver: BIGINT PRIMARY KEY is the row
-- number itself on SQLite, and a table marked "clustered" is stored in the order of its key (WITHOUT ROWID).
-- BLOB is BYTEA on PostgreSQL.
--
-- Every person-bound key starts with bucket. Ids and times come from the program. There is no random secondary
-- index on a table written once per message: such an index costs 6 to 19 times the insert.

-- migration 1
CREATE TABLE meta (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
); -- clustered
INSERT INTO meta (name, value) VALUES ('spread', 1);

CREATE TABLE reader_cursor (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
); -- clustered

CREATE TABLE tally (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
); -- clustered

-- People.
CREATE TABLE bucket_head (
    bucket INT NOT NULL,
    next_ordinal BIGINT NOT NULL, -- a person's id is ordinal * 4096 + bucket
    people BIGINT NOT NULL,
    PRIMARY KEY (bucket)
); -- clustered

CREATE TABLE person_identity (
    bucket INT NOT NULL,
    tenant BIGINT NOT NULL,
    kind INT NOT NULL,
    value TEXT NOT NULL,
    contact BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, tenant, kind, value)
); -- clustered
CREATE INDEX identity_of ON person_identity (bucket, contact, added_at);

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
); -- clustered

CREATE TABLE person_merge (
    bucket INT NOT NULL,
    kept BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, kept, gone)
); -- clustered

CREATE TABLE pair (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    ver BIGINT NOT NULL,
    last_inbound BIGINT NOT NULL,
    tat BIGINT NOT NULL,
    last_out BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, sender)
); -- clustered

-- The key says when two reports of consent are the same one.
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
); -- clustered
CREATE INDEX ledger_in_order ON ledger (bucket, id);

-- Messages. id is 41 bits of milliseconds and 22 of counter: rows are appended and ranges of days are contiguous.
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
); -- clustered
CREATE INDEX msg_sending ON msg (bucket, epoch) WHERE state = 2;

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
); -- clustered

-- msg 0: the message is not known (yet); only then does the key need Meta's id.
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
); -- clustered

-- Control tables: small, not bucketed.
CREATE TABLE ruleset (
    number BIGINT PRIMARY KEY,
    hash BLOB NOT NULL,
    id TEXT NOT NULL,
    source BLOB NOT NULL,
    first_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX ruleset_hash ON ruleset (hash);

CREATE TABLE sender (
    id BIGINT PRIMARY KEY,
    waba BIGINT NOT NULL,
    status INT NOT NULL,
    display_phone TEXT NOT NULL,
    verified_name TEXT NOT NULL,
    quality TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE template (
    waba BIGINT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    id BIGINT NOT NULL,
    status INT NOT NULL,
    category INT NOT NULL,
    quality TEXT NOT NULL,
    listing TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (waba, name, language)
);

CREATE TABLE sender_lease (
    sender BIGINT PRIMARY KEY,
    owner BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    taken_at BIGINT NOT NULL
);

-- Webhook bodies. lane: for several receivers and projectors later; 0 for now.
CREATE TABLE inbox (
    seq BIGINT PRIMARY KEY,
    lane INT NOT NULL,
    at BIGINT NOT NULL,
    body BLOB NOT NULL,
    problem TEXT
);
CREATE INDEX inbox_problem ON inbox (seq) WHERE problem IS NOT NULL;

-- migration 2
-- When the name stopped being the person's current one (a user id goes with the number it was given for); 0: it has not.
ALTER TABLE person_identity ADD COLUMN replaced_at BIGINT NOT NULL DEFAULT 0;
-- When the platform gave the template its status: an older word does not undo a newer one.
ALTER TABLE template ADD COLUMN status_at BIGINT NOT NULL DEFAULT 0;

-- migration 3
-- What a person got lately (core/caps.h), under the version of their row; and the time zone their contact named.
ALTER TABLE person ADD COLUMN caps BLOB NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN zone TEXT NOT NULL DEFAULT '';
-- Messages a second, in and out; 0: not known.
ALTER TABLE sender ADD COLUMN per_second INT NOT NULL DEFAULT 0;
-- When Meta last answered with 131048; 0: not since a template was accepted.
ALTER TABLE sender ADD COLUMN spam_at BIGINT NOT NULL DEFAULT 0;
-- When each was said: the number's own data (account, status, names), its quality, its messages a second.
ALTER TABLE sender ADD COLUMN number_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender ADD COLUMN quality_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender ADD COLUMN per_second_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN category_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN quality_at BIGINT NOT NULL DEFAULT 0;

-- Who was last counted when against a portfolio's limit. The contact comes before the portfolio: a merge moves all of
-- a person's rows.
CREATE TABLE reach (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    portfolio BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, portfolio)
); -- clustered

-- Control tables.
CREATE TABLE portfolio_budget (
    portfolio BIGINT PRIMARY KEY,
    ver BIGINT NOT NULL,
    ring BLOB NOT NULL
);

CREATE TABLE account (
    waba BIGINT PRIMARY KEY,
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
);

CREATE TABLE skeleton (
    number BIGINT PRIMARY KEY,
    text TEXT NOT NULL,
    first_seen BIGINT NOT NULL
);

CREATE TABLE rules_event (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    act INT NOT NULL,
    ruleset BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX rules_event_act ON rules_event (act, id);

-- migration 4
-- Old decisions, thousands to a row (core/decision_block.h). What lies here is no row of `decision` any more.
CREATE TABLE decision_block (
    bucket INT NOT NULL,
    last_id BIGINT NOT NULL,
    first_id BIGINT NOT NULL,
    n INT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (bucket, last_id)
);

-- migration 5
-- The life of a message (core/sendlife.h): `life` is its flags and counts as bits, life_bits(); `due` when to
-- look at it again. decision: 0, or the id of a decision made later than the message was accepted. Rows of before were
-- attempted once and never will be again (65536); those Meta had and reported as failed said so in `seen` alone.
ALTER TABLE msg ADD COLUMN ver BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msg ADD COLUMN life BIGINT NOT NULL DEFAULT 65536;
ALTER TABLE msg ADD COLUMN due BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msg ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msg ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msg ADD COLUMN decision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msg ADD COLUMN valid_until BIGINT NOT NULL DEFAULT 0;
UPDATE msg SET state = 8, life = 65793 WHERE state = 3 AND attempt = 1 AND (seen & 16) <> 0 AND (seen & 14) = 0;
CREATE INDEX msg_doubt ON msg (bucket, due) WHERE state = 5;
CREATE INDEX msg_decided ON msg (bucket, decision) WHERE decision <> 0;

-- Messages that wait to be sent, and those an attempt of which is open or in doubt, with all that sending takes. A line
-- is (sender, class, campaign); its first row is the next to go. Not clustered: lines are read by key alone, and the bodies,
-- which are read one at a time, would be in the way. findings: of the rule that holds it; empty: none does.
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
CREATE INDEX outbox_held ON outbox (bucket, due) WHERE ruleset <> 0;

-- A client's own callback data that did not fit beside ours.
CREATE TABLE callback_data (
    bucket INT NOT NULL,
    id BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
); -- clustered

-- Callers' idempotency keys, hashed, by weeks: old ones go as a range.
CREATE TABLE idempotency (
    bucket INT NOT NULL,
    week BIGINT NOT NULL,
    key BLOB NOT NULL,
    msg BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    PRIMARY KEY (bucket, week, key)
); -- clustered

-- Statuses of messages this number sent until then have been applied (core/sendlife.h); 0: nothing is known.
ALTER TABLE sender_lease ADD COLUMN wm_ts BIGINT NOT NULL DEFAULT 0;
-- What its lane has to know in the next life of the program (core/lane.h, struct lane_memory).
ALTER TABLE sender_lease ADD COLUMN stop_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender_lease ADD COLUMN stop_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender_lease ADD COLUMN stop_code BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender_lease ADD COLUMN pace BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender_lease ADD COLUMN shelf BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender_lease ADD COLUMN hold_ms BIGINT NOT NULL DEFAULT 0;

-- migration 6
-- Webhook bodies. app: Meta's id of the app whose secret signed it, 0: the one that is configured without an id. form: 0 as it
-- came, 1 zstd with the dictionary of store/inbox.c. repeats: the keys (core/event.h) of those of its events that we had
-- before, eight bytes each, little end first.
ALTER TABLE inbox ADD COLUMN app BIGINT NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN form INT NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN repeats BLOB NOT NULL DEFAULT '';

-- Who behind us hears of webhooks. position: all up to this inbox seq is handed over, or given up (dead_letter).
-- again_next..again_until: what is handed over once more, 0: nothing.
CREATE TABLE subscriber (
    id BIGINT PRIMARY KEY,
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
CREATE UNIQUE INDEX subscriber_name ON subscriber (name);

-- What a subscriber did not take. event: which one of the body, counted from 0; -1: the whole body. again: 1: it is to be
-- tried once more.
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
); -- clustered
CREATE INDEX dead_letter_again ON dead_letter (subscriber, seq, event) WHERE again = 1;

-- What Meta said of accounts, numbers, templates and flows, word for word, and when. No people.
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
); -- clustered

-- How often each `field` of a webhook was heard.
CREATE TABLE field_heard (
    field TEXT NOT NULL,
    known INT NOT NULL,
    events BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (field)
); -- clustered

-- When a webhook said a person's name; 0: the business gave it, and it stays.
ALTER TABLE person ADD COLUMN name_at BIGINT NOT NULL DEFAULT 0;
-- When the name the person shows was last heard with a message to this number.
ALTER TABLE pair ADD COLUMN named_at BIGINT NOT NULL DEFAULT 0;
-- said: consent given or refused under this name (core/consent.h, packed). since: when it was first heard together with
-- another name of the person. claimed_by: of a phone number or parent id, the user id it goes with, heard with it first at
-- claimed_at. 0 and "": never. replaced_at of a phone number: its person left it then; who claims it later has it.
ALTER TABLE person_identity ADD COLUMN said BLOB NOT NULL DEFAULT '';
ALTER TABLE person_identity ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE person_identity ADD COLUMN claimed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE person_identity ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
-- Names that were heard with more than one user id, and when first with each: the latest has it. contact: whose that was
-- when it was written (a person may have been merged since).
CREATE TABLE identity_claim (
    bucket INT NOT NULL,
    kind INT NOT NULL,
    value TEXT NOT NULL,
    user_id TEXT NOT NULL,
    since BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    PRIMARY KEY (bucket, kind, value, user_id)
); -- clustered

-- detail: what was said with the status detail_status (reason, recommendation, when it is disabled) as JSON. next_category:
-- announced, in force from next_category_at on; 0 with a time in next_said_at: nothing is announced any more since then.
-- components_at: when its contents last changed by Meta's word; newer than listed_at: the listing is stale. id_at,
-- detail_at: when it was said, as status_at.
ALTER TABLE template ADD COLUMN id_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE template ADD COLUMN detail_status INT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN detail_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN next_category INT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN next_category_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN next_said_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN components_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE template ADD COLUMN listed_at BIGINT NOT NULL DEFAULT 0;

-- name_status as Meta calls it, "" not known. health: 0 not known, 1 available, 2 limited, 3 blocked; health_detail: why, as JSON.
ALTER TABLE sender ADD COLUMN name_status TEXT NOT NULL DEFAULT '';
ALTER TABLE sender ADD COLUMN name_status_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE sender ADD COLUMN username_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender ADD COLUMN health INT NOT NULL DEFAULT 0;
ALTER TABLE sender ADD COLUMN health_detail TEXT NOT NULL DEFAULT '';
ALTER TABLE sender ADD COLUMN health_at BIGINT NOT NULL DEFAULT 0;

-- violation: the last one, as Meta calls it. disable_on: the day it says the account ends, as it writes it.
ALTER TABLE account ADD COLUMN portfolio_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN health INT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN health_detail TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN health_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN violation TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN violation_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN review TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN review_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN disable_on TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN disable_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN numbers_max BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN numbers_max_at BIGINT NOT NULL DEFAULT 0;

-- Two failures of one moment with different codes are two.
CREATE TABLE msg_event_by_code (
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
); -- clustered
INSERT INTO msg_event_by_code (bucket, msg, at, status, participant, orphan_wamid, recorded_at, seen, code, detail)
SELECT bucket, msg, at, status, participant, orphan_wamid, recorded_at, seen, code, detail FROM msg_event;
DROP TABLE msg_event;
ALTER TABLE msg_event_by_code RENAME TO msg_event;

-- migration 7
-- Consent events with all that proves them. The key says when two reports are the same one; fingerprint: hash64 of how it was
-- given (store/ledger.c), so that two that differ in their evidence are both kept. leaf: its place in the log, -1 until it has
-- one; n: the number its tag and salt follow from, with the person's key (store/ledger_log.c). subject: the name it was
-- said under, as it was then. notice: SHA-256 of the wording shown (table wording), empty: none. expires: 0 never. wording:
-- as it was kept before there was that table; emptied when the row gets its leaf.
CREATE TABLE ledger_with_leaf (
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
); -- clustered
INSERT INTO ledger_with_leaf (bucket, contact, at, act, scope, method, fingerprint, leaf, n, id, tenant, recorded_at, sender,
    expires, subject, business, source, notice, language, policy, jurisdiction, evidence, actor, wording)
SELECT bucket, contact, at, act, scope, method, 0, -1, 0, id, tenant, recorded_at, sender, 0, '', '', source, '', language, '',
    '', evidence, actor, wording FROM ledger;
DROP TABLE ledger;
ALTER TABLE ledger_with_leaf RENAME TO ledger;
CREATE INDEX ledger_leaf ON ledger (bucket, leaf, id);

-- Wordings people were shown, each once. hash: SHA-256 of the text.
CREATE TABLE wording (
    hash BLOB NOT NULL,
    language TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (hash)
); -- clustered

-- What makes a person's leaves theirs: without it nobody can tell whose they were. Contact 0: the business itself.
CREATE TABLE subject_key (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (bucket, contact)
); -- clustered

-- The log of this data node: entries of core/leaf.h in their order, without a gap. gone: 1, what it committed to was erased.
CREATE TABLE log_leaf (
    idx BIGINT PRIMARY KEY,
    gone INT NOT NULL,
    entry BLOB NOT NULL
);
CREATE INDEX log_leaf_gone ON log_leaf (idx) WHERE gone = 1;

-- Checkpoints: the latest, and the last of each day. note: the signed text, with cosignatures as they come; empty while it is
-- not signed. generation: which log; a later one begins anew, over all records there are.
CREATE TABLE log_head (
    generation BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    at BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (generation, size)
);
CREATE INDEX log_head_at ON log_head (at);

-- Highest place of the person's leaves in the log, -1 none. restricted_until: they asked to be erased and their proof is kept
-- until then; 0: they did not.
ALTER TABLE person ADD COLUMN leaf BIGINT NOT NULL DEFAULT -1;
ALTER TABLE person ADD COLUMN restricted_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rules_event ADD COLUMN leaf BIGINT NOT NULL DEFAULT -1;
ALTER TABLE rules_event ADD COLUMN n BIGINT NOT NULL DEFAULT 0;
CREATE INDEX rules_event_leaf ON rules_event (leaf) WHERE leaf >= 0;
CREATE INDEX rules_event_unplaced ON rules_event (id) WHERE leaf = -1;

CREATE INDEX identity_claim_of ON identity_claim (bucket, contact);

-- Erasures asked for. contact: whose, name: by which name, of somebody nobody knew; 0 and "" once it is done. due: when there is
-- something to do next. until_at: how long the proof is kept. cleaned_at: when everything else was gone, 0 not yet. leaves: how
-- many became gone; leaf, n: of the entry that says so. regime: which law had the proof kept so long.
CREATE TABLE erasure (
    id BIGINT PRIMARY KEY,
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
CREATE INDEX erasure_open ON erasure (due, id) WHERE done_at = 0;
CREATE INDEX erasure_leaf ON erasure (leaf) WHERE leaf >= 0;
CREATE INDEX erasure_of ON erasure (bucket, contact) WHERE done_at = 0;

-- Names of people who were erased after they had said no, hashed with a key that is not in here. scope: what they refused,
-- at: when; platform_at: when they stopped marketing in WhatsApp itself, 0 they did not.
CREATE TABLE suppressed (
    bucket INT NOT NULL,
    hash BLOB NOT NULL,
    scope BIGINT NOT NULL,
    at BIGINT NOT NULL,
    platform_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, hash)
); -- clustered

-- Messages the gateway owes a person (store/errands.h). step: how often it asked. msg: the last message it sent, 0 none.
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
); -- clustered
CREATE INDEX errand_due ON errand (bucket, due) WHERE state = 1;
CREATE INDEX errand_person ON errand (bucket, contact, id);

-- Claims by a user id, when their person is erased. There are few.
CREATE INDEX claim_by ON identity_claim (bucket, user_id);

-- migration 8
-- What each person did with the messages they got: core/activity.h, packed. A row comes with the first status or message.
CREATE TABLE activity (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    ver BIGINT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (bucket, contact)
); -- clustered

-- What the business says of its contacts. source: the import it came with (import_source), 0: the API.
CREATE TABLE attribute (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    source BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, name)
); -- clustered

CREATE TABLE tag (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    tag TEXT NOT NULL,
    source BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, tag)
); -- clustered
CREATE INDEX tag_of ON tag (bucket, tag, contact);

-- Files contacts came from, by name and SHA-256, and who came from which. The source with the earliest `at` is where somebody came from.
CREATE TABLE import_source (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX import_source_file ON import_source (sha256, name);

CREATE TABLE contact_source (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    source BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, source)
); -- clustered

-- migration 9
-- Of a campaign's message: which of its recipients (campaign_recipient.place), and of which source (campaign_source.stratum).
ALTER TABLE msg ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
ALTER TABLE msg ADD COLUMN stratum INT NOT NULL DEFAULT 0;

-- Names people have left. There are few.
CREATE INDEX identity_left ON person_identity (bucket, contact) WHERE replaced_at <> 0;

-- Segments by name, and every version of each: react-querybuilder's JSON as it was given. gone_at: it was taken away; versions stay,
-- because campaigns refer to them.
CREATE TABLE segment (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    gone_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX segment_name ON segment (name) WHERE gone_at = 0;

CREATE TABLE segment_version (
    segment BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    note TEXT NOT NULL,
    query TEXT NOT NULL,
    PRIMARY KEY (segment, version)
); -- clustered

-- Campaigns (core/campaign.h). definition: as it was given. series: the campaign that repeats and made this one, 0 none;
-- occurrence: its number in it. audience: people of the segment; people: those of them that are to get a message. plan: SHA-256 of all
-- that was checked, empty: nothing yet. target: so many may have been handed to the door by now, set at target_at. generation: of the
-- ledger when it was approved. beat_at: when the runner last went on with it. why: what holds or stopped it, for people; resume_at: when
-- it goes on by itself, 0 never. due: when the runner has something to do next, 0 nothing. busy: a check is asked for or under way.
CREATE TABLE campaign (
    id BIGINT PRIMARY KEY,
    ver BIGINT NOT NULL,
    name TEXT NOT NULL,
    state INT NOT NULL,
    cause INT NOT NULL,
    why TEXT NOT NULL,
    busy INT NOT NULL,
    definition TEXT NOT NULL,
    series BIGINT NOT NULL,
    occurrence BIGINT NOT NULL,
    audience BIGINT NOT NULL,
    people BIGINT NOT NULL,
    plan BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    checked_at BIGINT NOT NULL,
    approved_at BIGINT NOT NULL,
    approved_by TEXT NOT NULL,
    generation BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    resume_at BIGINT NOT NULL,
    target BIGINT NOT NULL,
    target_at BIGINT NOT NULL,
    beat_at BIGINT NOT NULL,
    due BIGINT NOT NULL
);
CREATE INDEX campaign_open ON campaign (id) WHERE due <> 0;
CREATE INDEX campaign_series ON campaign (series, occurrence) WHERE series <> 0;

-- What a check found, as JSON, and the audience as a Roaring bitmap (portable format) over the contacts' ids shifted right by the
-- bits of the bucket. terms: with what its monitors look (core/monitor.h), as JSON.
CREATE TABLE campaign_check (
    campaign BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    report TEXT NOT NULL,
    terms TEXT NOT NULL,
    audience BLOB NOT NULL,
    audience_hash BLOB NOT NULL
);

-- Where a campaign's people came from: stratum 0 is the API, others files that were imported. state: 1 goes on, 2 quarantined.
CREATE TABLE campaign_source (
    campaign BIGINT NOT NULL,
    stratum INT NOT NULL,
    source BIGINT NOT NULL,
    name TEXT NOT NULL,
    people BIGINT NOT NULL,
    state INT NOT NULL,
    state_at BIGINT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (campaign, stratum)
); -- clustered

-- How far a campaign is: recipients below cur have their message or their reason. It moves only in the transaction that writes those
-- rows, and only under the epoch of who runs it.
CREATE TABLE campaign_cursor (
    bucket INT NOT NULL,
    campaign BIGINT NOT NULL,
    cur BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (bucket, campaign)
); -- clustered

-- Everybody of the audience, in the order in which they are sent to, from place 1; those who get nothing come last. skip: why they
-- get nothing (core/campaign.h, enum campaign_skip), rule: the rule that says so. told: what they did about it
-- (store/campaigns.h). params: what is put into the template, frozen. msg: 0 until it is with the door.
CREATE TABLE campaign_recipient (
    bucket INT NOT NULL,
    campaign BIGINT NOT NULL,
    place BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    stratum INT NOT NULL,
    variant INT NOT NULL,
    skip INT NOT NULL,
    told INT NOT NULL,
    msg BIGINT NOT NULL,
    language TEXT NOT NULL,
    rule TEXT NOT NULL,
    params BLOB NOT NULL,
    PRIMARY KEY (bucket, campaign, place)
); -- clustered

-- The campaigns of a person; written sorted, so that the other table needs no index.
CREATE TABLE contact_campaign (
    bucket INT NOT NULL,
    contact BIGINT NOT NULL,
    campaign BIGINT NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (bucket, contact, campaign)
); -- clustered

-- What monitors look at: people by the minute in which their message was sent and where they came from. read_15 .. read_1440: read
-- within so many minutes.
CREATE TABLE campaign_cohort (
    bucket INT NOT NULL,
    campaign BIGINT NOT NULL,
    stratum INT NOT NULL,
    minute BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    read_any BIGINT NOT NULL,
    read_15 BIGINT NOT NULL,
    read_60 BIGINT NOT NULL,
    read_240 BIGINT NOT NULL,
    read_1440 BIGINT NOT NULL,
    undeliverable BIGINT NOT NULL,
    held_back BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    opted_out BIGINT NOT NULL,
    complained BIGINT NOT NULL,
    replied BIGINT NOT NULL,
    PRIMARY KEY (bucket, campaign, stratum, minute)
); -- clustered

-- What happened to a campaign, and who did it. leaf, n: as in rules_event.
CREATE TABLE campaign_event (
    id BIGINT PRIMARY KEY,
    campaign BIGINT NOT NULL,
    at BIGINT NOT NULL,
    act INT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL,
    record TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    n BIGINT NOT NULL
);
CREATE INDEX campaign_event_of ON campaign_event (campaign, id);
CREATE INDEX campaign_event_leaf ON campaign_event (leaf) WHERE leaf >= 0;

-- Rates of campaigns that ended well, from which tolerances are learned (core/baseline.h). country, hour: of most of its people;
-- counts as in campaign_cohort, of people sent to long enough ago for each.
CREATE TABLE campaign_outcome (
    campaign BIGINT PRIMARY KEY,
    ended_at BIGINT NOT NULL,
    country TEXT NOT NULL,
    category INT NOT NULL,
    hour INT NOT NULL,
    sent BIGINT NOT NULL,
    opted_out BIGINT NOT NULL,
    undeliverable BIGINT NOT NULL,
    complained BIGINT NOT NULL,
    n_60 BIGINT NOT NULL,
    read_60 BIGINT NOT NULL,
    n_240 BIGINT NOT NULL,
    read_240 BIGINT NOT NULL,
    n_1440 BIGINT NOT NULL,
    read_1440 BIGINT NOT NULL
);
