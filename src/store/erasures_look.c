/* SPDX-License-Identifier: Apache-2.0
 * erasures_look.c - finding the rows of a person where no index leads to them, a page at a time.
 *
 * Messages and callers' keys are read along their keys, a bounded number of rows a call, and compared here: an index by
 * person would cost every message more than an erasure ever does. */
#include <string.h>

#include "store/erasures.h"
#include "store/messages_rows.h"

STATEMENT(msg_after,
          "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
          "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, place, stratum FROM msg "
          "WHERE bucket = $1 AND id > $2 ORDER BY id LIMIT $3");
STATEMENT(event_names, "SELECT msg, at, code, status, participant FROM msg_event WHERE bucket = $1 AND msg > $2 AND "
                       "msg <= $3 AND participant <> '' ORDER BY msg, at LIMIT $4");
STATEMENT(keys_page,
          "SELECT r.week, r.key, CASE WHEN m.contact IS NULL THEN 0 ELSE m.contact END FROM (SELECT bucket, week, key, "
          "msg FROM idempotency WHERE bucket = $1 AND (week, key) > ($2, $3) ORDER BY week, key LIMIT $4) r LEFT JOIN "
          "msg m ON m.bucket = r.bucket AND m.id = r.msg ORDER BY r.week, r.key LIMIT $4");
STATEMENT(notices_shown, "SELECT DISTINCT notice FROM ledger WHERE bucket = $1 AND contact = $2 AND notice > $3 "
                         "ORDER BY notice LIMIT $4");
STATEMENT(notices_after_leaf,
          "SELECT leaf, contact, notice FROM ledger WHERE bucket = $1 AND leaf > $2 ORDER BY leaf LIMIT $3");

#define NO_MEMORY "what was found does not fit its memory"

/* --- messages -------------------------------------------------------------------------------------------------------- */

/* Of somebody nobody knew there is no contact; their number may be in Meta's id, and in what waits. */
static bool may_be_theirs(const struct lives *l, const struct message *m)
{
    return lives_have(l, m->contact) ||
           (m->contact == 0 && !message_is_erased(m) && (m->wamid[0] != '\0' || !life_ended(&m->life)));
}

int messages_after(struct store *s, const struct lives *l, int64_t *at, size_t look, struct arena *a,
                   struct message **ret, size_t *ret_n, bool *ret_end, struct err *e)
{
    struct message *rows = NULL, m;
    size_t n = 0, cap = 0, seen = 0;
    int64_t last = *at;
    struct db_stmt *q;
    int rc = db_prepare(s, &msg_after, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, l->bucket);
    db_i64(q, last);
    db_i64(q, (int64_t)look);
    while (seen < look && (rc = db_step(q, e)) == 1) {
        rc = message_read(q, a, &m, e);
        m.bucket = l->bucket;
        last = m.id;
        seen++;
        if (!may_be_theirs(l, &m))
            continue;
        struct message *grown = arena_grow(a, rows, n, &cap, look, sizeof *rows);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, NO_MEMORY) : 0;
        if (rc != 0)
            break;
        rows = grown;
        rows[n++] = m;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    *at = last;
    *ret_end = seen < look;
    return 0;
}

static int read_participant(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct message_event *ev = row;
    ev->msg = col_i64(q);
    ev->at = col_i64(q);
    ev->code = col_int(q);
    int rc = col_copy(q, a, &ev->status, e);
    return rc == 0 ? col_copy(q, a, &ev->participant, e) : rc;
}

int participants_between(struct store *s, int bucket, int64_t after, int64_t to, size_t max, struct arena *a,
                         struct message_event **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &event_names, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, after);
    db_i64(q, to);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof **ret, read_participant, ret, ret_n, e);
    for (size_t i = 0; rc == 0 && i < *ret_n; i++)
        (*ret)[i].bucket = bucket;
    return rc;
}

/* --- callers' keys ------------------------------------------------------------------------------------------ */

int keys_after(struct store *s, const struct lives *l, struct key_at *at, size_t look, struct arena *a,
               struct key_at **ret, size_t *ret_n, bool *ret_end, struct err *e)
{
    struct key_at *found = arena_new_array(a, struct key_at, look), last = *at;
    size_t n = 0, seen = 0;
    struct db_stmt *q;
    int rc = found != NULL ? db_prepare(s, &keys_page, &q, e) : err_set(e, WL_ENOMEM, NO_MEMORY);
    if (rc != 0)
        return rc;
    db_i64(q, l->bucket);
    db_i64(q, at->week);
    db_blob(q, at->key, sizeof at->key);
    db_i64(q, (int64_t)look);
    while (seen < look && (rc = db_step(q, e)) == 1) {
        memset(&last, 0, sizeof last);
        last.week = col_i64(q);
        struct str key = col_blob(q);
        memcpy(last.key, key.p, key.n < sizeof last.key ? key.n : sizeof last.key);
        seen++;
        if (lives_have(l, col_i64(q)))
            found[n++] = last;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *at = last;
    *ret = found;
    *ret_n = n;
    *ret_end = seen < look;
    return 0;
}

/* --- wordings -------------------------------------------------------------------------------------------------------- */

static int of_one_life(struct store *s, int bucket, int64_t contact, struct wordings *w, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &notices_shown, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_blob(q, w->after, sizeof w->after);
    db_i64(q, WORDINGS_MOST);
    while (w->n < WORDINGS_MOST && (rc = db_step(q, e)) == 1) {
        struct str hash = col_blob(q);
        if (hash.n != SHA256_BYTES)
            continue;
        memcpy(w->after, hash.p, SHA256_BYTES);
        memcpy(w->hash[w->n++], hash.p, SHA256_BYTES);
    }
    db_reset(q);
    return rc < 0 ? rc : 0;
}

int wordings_next(struct store *s, const struct lives *l, struct wordings *w, struct err *e)
{
    int rc = 0;
    w->n = 0;
    w->at = -1;
    while (rc == 0 && w->life < l->n) {
        rc = of_one_life(s, l->bucket, l->id[w->life], w, e);
        if (w->n > 0)
            break;
        w->life++;
        memset(w->after, 0, sizeof w->after);
    }
    return rc;
}

static void shown_to_another(struct wordings *w, struct str hash)
{
    for (size_t i = 0; i < w->n; i++)
        if (hash.n == SHA256_BYTES && memcmp(w->hash[i], hash.p, SHA256_BYTES) == 0) {
            w->n--;
            memmove(w->hash[i], w->hash[w->n], SHA256_BYTES);
            return;
        }
}

int wordings_look(struct store *s, const struct lives *l, struct wordings *w, size_t look, bool *ret_end, struct err *e)
{
    size_t seen = 0;
    struct db_stmt *q;
    int rc = db_prepare(s, &notices_after_leaf, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, l->bucket);
    db_i64(q, w->at);
    db_i64(q, (int64_t)look);
    while (seen < look && w->n > 0 && (rc = db_step(q, e)) == 1) {
        int64_t leaf = col_i64(q), contact = col_i64(q);
        w->at = leaf;
        seen++;
        if (!lives_have(l, contact))
            shown_to_another(w, col_blob(q));
    }
    db_reset(q);
    *ret_end = rc == 0 || w->n == 0;
    return rc < 0 ? rc : 0;
}
