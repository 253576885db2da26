/* SPDX-License-Identifier: Apache-2.0
 * rules_log.c - when which book of rules began to decide, and who set a rule aside and why.
 *
 * Rows are added and never changed. Ids rise with time, so the newest event is the largest key. Overrides may be many and
 * activations are few: an index by act finds these among those. */
#include "store/db.h"
#include "store/rules_log.h"

#define RULES_EVENTS_MAX 100000

STATEMENT(rules_event_add, "INSERT INTO rules_event (id, at, act, ruleset, actor, reason, detail) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7)");
STATEMENT(rules_events_newest,
          "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash FROM rules_event v "
          "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.id < $1 ORDER BY v.id DESC LIMIT $2");
STATEMENT(rules_events_of,
          "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash FROM rules_event v "
          "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.act IN ($1, $2, $3) AND v.id < $4 ORDER BY v.id DESC "
          "LIMIT $5");
STATEMENT(rules_event_last,
          "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash FROM rules_event v "
          "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.act = $1 ORDER BY v.id DESC LIMIT 1");
STATEMENT(rules_event_after,
          "SELECT v.id, v.at, v.act, v.ruleset, v.actor, v.reason, v.detail, r.id, r.hash FROM rules_event v "
          "LEFT JOIN ruleset r ON r.number = v.ruleset WHERE v.act = $1 AND v.id > $2 ORDER BY v.id LIMIT 1");

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

int rules_log_append(struct store *s, const struct rules_event *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &rules_event_add, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        db_i64(q, v[i].id);
        db_i64(q, v[i].at);
        db_i64(q, v[i].act);
        db_i64(q, v[i].ruleset);
        db_text(q, v[i].actor);
        db_text(q, v[i].reason);
        db_text(q, v[i].detail);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
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
    return rc;
}

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
