/* SPDX-License-Identifier: Apache-2.0
 * rules_log.c - when which book of rules began to decide, and who set a rule aside and why.
 *
 * Rows are added and never changed, each with an entry in the log under the business's own key; rows of before there was a log
 * get theirs from ledger_adopt(). Ids rise with time, so the newest event is the largest key. Overrides may be many and
 * activations are few: an index by act finds these among those. */
#include "store/rules_log.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "store/ledger_rows.h"
#include "store/rules_log_rows.h"

#define RULES_EVENTS_MAX 100000
#define RECORD_MAX       (1u << 20)
#define PLACED_MAX       64
#define PLACED_BYTES     (16u << 20)

STATEMENT(rules_event_add, "INSERT INTO rules_event (id, at, act, ruleset, actor, reason, detail, leaf, n) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7, -1, 0)");
STATEMENT(rules_event_place, "UPDATE rules_event SET leaf = $1, n = $2 WHERE id = $3");
STATEMENT(
    rules_events_unplaced,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event "
    "v LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.leaf = -1 ORDER BY v.id LIMIT $1");
STATEMENT(rules_events_left, "SELECT COUNT(*) FROM (SELECT id FROM rules_event WHERE leaf = -1 LIMIT $1) few LIMIT 1");
STATEMENT(
    rules_event_get,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event "
    "v LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.id = $1 LIMIT 1");
STATEMENT(
    rules_events_newest,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event v "
    "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.id < $1 ORDER BY v.id DESC LIMIT $2");
STATEMENT(
    rules_events_of,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event v "
    "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.act IN ($1, $2, $3) AND v.id < $4 ORDER BY v.id DESC "
    "LIMIT $5");
STATEMENT(
    rules_event_last,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event v "
    "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.act = $1 ORDER BY v.id DESC LIMIT 1");
STATEMENT(
    rules_event_after,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event v "
    "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.act = $1 AND v.id > $2 ORDER BY v.id LIMIT 1");

STATEMENT(
    rules_events_by_leaf,
    "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash, v.leaf, v.n FROM rules_event "
    "v LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.leaf >= 0 AND v.leaf >= $1 ORDER BY "
    "v.leaf LIMIT $2");

const char *rules_act_name(enum rules_act a)
{
    switch (a) {
    case RULES_ACTIVATED:
        return "activated";
    case RULES_OVERRIDDEN:
        return "overridden";
    case RULES_SHADOWED:
        return "shadowed";
    }
    return "unknown";
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct rules_event *v = row;
    v->id = col_i64(q);
    v->at = col_i64(q);
    v->act = (enum rules_act)col_i64(q);
    v->ruleset = col_i64(q);
    int rc = col_copy(q, a, &v->actor, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->reason, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->detail, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->book, e);
    if (rc == 0)
        rc = col_copy_blob(q, a, &v->hash, e);
    if (rc == 0) {
        v->leaf = col_i64(q);
        v->n = col_i64(q);
    }
    return rc;
}

/* --- the entry in the log ------------------------------------------------------------------------------------------- */

static void text_or_null(struct json_out *o, const char *key, struct str s)
{
    jo_key(o, key);
    if (s.n > 0)
        jo_str(o, s);
    else
        jo_null(o);
}

/* As core/consent_record.c writes consent: every key, in this order, null where there is nothing. */
int rules_log_record(const struct rules_event *v, struct buf *out, struct err *e)
{
    char id[STORE_ID_TEXT], at[TIME_TEXT], hex[SHA256_HEX];
    bool hashed = v->hash.n == SHA256_BYTES;
    struct json_out o;
    if (hashed)
        hex_encode((const uint8_t *)v->hash.p, SHA256_BYTES, hex);
    json_out_init(&o, out);
    jo_object(&o);
    jo_kcstr(&o, "schema_version", "wayleave-rules-1");
    jo_kcstr(&o, "record_id", store_id_text(0, v->id, id));
    jo_key(&o, "ruleset");
    jo_object(&o);
    text_or_null(&o, "id", v->book);
    jo_kcstr(&o, "sha256", hashed ? hex : NULL);
    jo_end(&o);
    jo_key(&o, "event");
    jo_object(&o);
    jo_kcstr(&o, "event_type", rules_act_name(v->act));
    jo_kcstr(&o, "event_time", time_text(v->at, at));
    text_or_null(&o, "entity_id", v->actor);
    text_or_null(&o, "reason", v->reason);
    text_or_null(&o, "detail", v->detail);
    jo_end(&o);
    jo_end(&o);
    return out->failed ? err_set(e, WL_ETOOBIG, "the record of what happened to the rules is too large") : 0;
}

/* Gives an event its entry. at: when it comes into the log. */
static int place(struct store *s, const struct rules_event *v, int64_t at, struct err *e)
{
    const struct leaf l = {.kind = LEAF_RULES, .at = at};
    struct buf record;
    struct db_stmt *q;
    int64_t leaf = 0, n = 0;
    buf_init(&record, RECORD_MAX);
    int rc = rules_log_record(v, &record, e);
    if (rc == 0)
        rc = log_append(s, 0, 0, &l, buf_str(&record), &leaf, &n, e);
    buf_done(&record);
    if (rc == 0)
        rc = db_prepare(s, &rules_event_place, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, leaf);
    db_i64(q, n);
    db_i64(q, v->id);
    return db_exec(q, NULL, e);
}

/* Reads events and gives them their entries; *ret_n: how many. `with`: what the statement asks for, an id or how many. */
static int place_those(struct store *s, const struct statement *st, int64_t with, size_t max, int64_t at, size_t *ret_n,
                       struct err *e)
{
    struct rules_event *v = NULL;
    struct db_stmt *q;
    size_t n = 0;
    struct arena *a = arena_create(PLACED_BYTES);
    int rc = a != NULL ? db_prepare(s, st, &q, e) : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0) {
        db_i64(q, with);
        rc = db_rows(q, a, max, sizeof *v, read_row, &v, &n, e);
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = place(s, &v[i], at, e);
    arena_free(a);
    *ret_n = n;
    return rc;
}

int rules_log_adopt(struct store *s, size_t max, int64_t at, struct err *e)
{
    size_t n = 1;
    int rc = 0;
    while (rc == 0 && n > 0 && max > 0) {
        size_t chunk = max < PLACED_MAX ? max : PLACED_MAX;
        rc = place_those(s, &rules_events_unplaced, (int64_t)chunk, chunk, at, &n, e);
        max -= n;
    }
    return rc;
}

int rules_log_left(struct store *s, int64_t max, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &rules_events_left, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, max);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

static int add(struct store *s, const struct rules_event *v, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &rules_event_add, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->id);
    db_i64(q, v->at);
    db_i64(q, v->act);
    db_i64(q, v->ruleset);
    db_text(q, v->actor);
    db_text(q, v->reason);
    db_text(q, v->detail);
    return db_exec(q, NULL, e);
}

int rules_log_append(struct store *s, const struct rules_event *v, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t placed = 0;
        rc = add(s, &v[i], e);
        if (rc == 0)
            rc = place_those(s, &rules_event_get, v[i].id, 1, v[i].at, &placed, e);
    }
    return write_end(s, rc);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

int rules_log_list(struct store *s, struct arena *a, unsigned acts, int64_t before, size_t max,
                   struct rules_event **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    max = max < RULES_EVENTS_MAX ? max : RULES_EVENTS_MAX;
    int rc = db_prepare(s, acts == 0 ? &rules_events_newest : &rules_events_of, &q, e);
    if (rc != 0)
        return rc;
    for (int act = RULES_ACTIVATED; acts != 0 && act <= RULES_SHADOWED; act++)
        db_i64(q, acts & 1u << act ? act : 0);
    db_i64(q, before != 0 ? before : INT64_MAX);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_row, ret, ret_n, e);
}

int rules_log_by_leaf(struct store *s, int64_t leaf, size_t max, struct arena *a, struct rules_event **ret,
                      size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &rules_events_by_leaf, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, leaf);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_row, ret, ret_n, e);
}

int rules_log_last(struct store *s, enum rules_act act, struct arena *a, struct rules_event *ret, struct err *e)
{
    struct rules_event v;
    struct db_stmt *q;
    int rc = db_prepare(s, &rules_event_last, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, act);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    rc = rc == 1 ? read_row(q, a, &v, e) : err_set(e, WL_ENOTFOUND, "nothing of the kind happened to the rules yet");
    db_reset(q);
    if (rc == 0)
        *ret = v;
    return rc;
}

/* The detail ends with the message's id. */
static bool is_about(const struct rules_event *v, struct str message)
{
    struct str d = v->detail;
    return message.n > 0 && d.n > message.n && d.p[d.n - message.n - 1] == ' ' &&
           memcmp(d.p + d.n - message.n, message.p, message.n) == 0;
}

/* An override is logged right after its message is recorded, so it is the first one with a greater id, or there is none. */
int rules_log_overridden(struct store *s, int bucket, int64_t message, struct arena *a, struct rules_event *ret,
                         struct err *e)
{
    struct rules_event v;
    struct db_stmt *q;
    char text[STORE_ID_TEXT];
    int rc = db_prepare(s, &rules_event_after, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, RULES_OVERRIDDEN);
    db_i64(q, message);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    bool any = rc == 1;
    rc = any ? read_row(q, a, &v, e) : 0;
    db_reset(q);
    if (rc == 0 && (!any || !is_about(&v, str_of(store_id_text(bucket, message, text)))))
        rc = err_set(e, WL_ENOTFOUND, "nobody set a rule aside for this message");
    if (rc == 0)
        *ret = v;
    return rc;
}
