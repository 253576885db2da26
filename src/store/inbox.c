/* SPDX-License-Identifier: Apache-2.0
 * inbox.c - webhook bodies exactly as they came, in the order we took them.
 *
 * Appended in one commit before Meta gets its 200; readers keep their own cursors. A body that cannot be applied
 * stays where it is with the reason beside it. How many there are is counted as they come and go, because counting rows
 * of this size would read the whole table. Old ones go from the front, a short range of keys at a time. */
#include "store/inbox.h"

#include <stdlib.h>

#include "store/db.h"
#include "store/inbox_pack.h"

STATEMENT(inbox_insert,
          "INSERT INTO inbox (seq, lane, at, app, form, body, problem) VALUES ($1, 0, $2, $3, $4, $5, $6)");
STATEMENT(inbox_after,
          "SELECT seq, at, app, form, body, problem, repeats FROM inbox WHERE seq > $1 ORDER BY seq LIMIT $2");
STATEMENT(inbox_before,
          "SELECT seq, at, app, form, body, problem, repeats FROM inbox WHERE seq < $1 ORDER BY seq DESC LIMIT $2");
STATEMENT(inbox_one, "SELECT seq, at, app, form, body, problem, repeats FROM inbox WHERE seq = $1");
STATEMENT(inbox_last, "SELECT seq FROM inbox ORDER BY seq DESC LIMIT 1");
STATEMENT(inbox_first, "SELECT seq FROM inbox ORDER BY seq LIMIT 1");
STATEMENT(inbox_mark, "UPDATE inbox SET problem = $1 WHERE seq = $2");
STATEMENT(inbox_mark_repeats, "UPDATE inbox SET repeats = $1 WHERE seq = $2");
STATEMENT(inbox_change, "UPDATE inbox SET form = $1, body = $2 WHERE seq = $3");
STATEMENT(inbox_nth, "SELECT seq FROM inbox WHERE seq < $1 ORDER BY seq LIMIT 1 OFFSET $2");
STATEMENT(inbox_last_before, "SELECT seq FROM inbox WHERE seq < $1 ORDER BY seq DESC LIMIT 1");
STATEMENT(inbox_delete, "DELETE FROM inbox WHERE seq <= $1");
STATEMENT(inbox_some, "SELECT COUNT(*) FROM (SELECT seq FROM inbox WHERE seq > $1 AND seq <= $2 LIMIT $3) AS few");
STATEMENT(inbox_problems, "SELECT COUNT(*) FROM inbox WHERE problem IS NOT NULL LIMIT 1");
STATEMENT(inbox_tally_add, "INSERT INTO tally (name, value) VALUES ('inbox', $1) ON CONFLICT (name) DO UPDATE SET "
                           "value = tally.value + excluded.value");
STATEMENT(inbox_tally, "SELECT value FROM tally WHERE name = 'inbox' LIMIT 1");
/* store.c goes on after this one with its ids. */
STATEMENT(inbox_gone, "INSERT INTO tally (name, value) VALUES ('inbox_gone', $1) ON CONFLICT (name) DO UPDATE SET "
                      "value = excluded.value WHERE excluded.value > tally.value");

static int insert(struct store *s, const struct inbox_row *r, struct err *e)
{
    struct db_stmt *q;
    struct str kept = {NULL, 0};
    enum body_form form = BODY_AS_IT_CAME;
    int rc = body_pack(&s->bodies, r->body, &kept, &form, e);
    if (rc == 0)
        rc = db_prepare(s, &inbox_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, r->seq);
    db_i64(q, r->at);
    db_i64(q, r->app);
    db_i64(q, form);
    db_blob(q, kept.p, kept.n);
    db_text_or_null(q, r->problem);
    return db_exec(q, NULL, e);
}

static int count(struct store *s, int64_t more, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_tally_add, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, more);
    return db_exec(q, NULL, e);
}

int inbox_append(struct store *s, const struct inbox_row *rows, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = insert(s, &rows[i], e);
    if (rc == 0)
        rc = count(s, (int64_t)n, e);
    return write_end(s, rc);
}

static int read_row(struct store *s, struct db_stmt *q, struct arena *a, struct inbox_row *r, struct err *e)
{
    r->seq = col_i64(q);
    r->at = col_i64(q);
    r->app = col_i64(q);
    int form = col_int(q);
    int rc = body_unpack(&s->bodies, form, col_blob(q), a, &r->body, e);
    if (rc == 0)
        rc = col_copy(q, a, &r->problem, e);
    return rc == 0 ? col_copy_blob(q, a, &r->repeats, e) : rc;
}

/* Reads what a prepared statement gives when it starts at `from`. */
static int read_rows(struct store *s, struct db_stmt *q, int64_t from, size_t max, size_t max_bytes, struct arena *a,
                     struct inbox_row **ret, size_t *ret_n, struct err *e)
{
    struct inbox_row *rows = NULL;
    size_t n = 0, cap = 0, bytes = 0;
    int rc = 0;
    db_i64(q, from);
    db_i64(q, (int64_t)max);
    while (n < max && (n == 0 || bytes < max_bytes) && (rc = db_step(q, e)) == 1) {
        struct inbox_row *grown = arena_grow(a, rows, n, &cap, max, sizeof *rows);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, "the answer is larger than its memory limit") : 0;
        if (rc == 0)
            rc = read_row(s, q, a, &grown[n], e);
        if (rc != 0)
            break;
        rows = grown;
        bytes += rows[n++].body.n;
    }
    db_reset(q);
    if (rc == WL_ENOMEM && n > 0)
        rc = 0; /* what fits is an answer; the reader comes back for the rest */
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    return 0;
}

int inbox_read(struct store *s, int64_t after, size_t max, size_t max_bytes, struct arena *a, struct inbox_row **ret,
               size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_after, &q, e);
    return rc != 0 ? rc : read_rows(s, q, after, max, max_bytes, a, ret, ret_n, e);
}

int inbox_read_back(struct store *s, int64_t before, size_t max, size_t max_bytes, struct arena *a,
                    struct inbox_row **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_before, &q, e);
    return rc != 0 ? rc : read_rows(s, q, before != 0 ? before : INT64_MAX, max, max_bytes, a, ret, ret_n, e);
}

int inbox_get(struct store *s, int64_t seq, struct arena *a, struct inbox_row *ret, struct err *e)
{
    struct inbox_row row;
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_one, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, seq);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    rc = rc == 1 ? read_row(s, q, a, &row, e) : err_set(e, WL_ENOTFOUND, "there is no such webhook body");
    db_reset(q);
    if (rc == 0)
        *ret = row;
    return rc;
}

/* The first number a prepared and bound statement gives, 0 when it gives none. */
static int one_number(struct db_stmt *q, int64_t *ret, struct err *e)
{
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int inbox_newest(struct store *s, int64_t *ret_seq, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_last, &q, e);
    return rc != 0 ? rc : one_number(q, ret_seq, e);
}

int inbox_oldest(struct store *s, int64_t *ret_seq, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_first, &q, e);
    return rc != 0 ? rc : one_number(q, ret_seq, e);
}

/* Runs a bound change of one body. */
static int change(struct db_stmt *q, struct err *e)
{
    int64_t changed = 0;
    int rc = db_exec(q, &changed, e);
    return rc == 0 && changed == 0 ? err_set(e, WL_ENOTFOUND, "there is no such webhook body") : rc;
}

int inbox_problem(struct store *s, int64_t seq, struct str why, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &inbox_mark, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, why);
    db_i64(q, seq);
    return write_end(s, change(q, e));
}

/* ---- repeats: the keys in rising order, eight bytes each, little end first ---- */

#define KEY_BYTES   8
#define REPEATS_MAX 5000 /* events of one body */

static uint64_t key_at(struct str keys, size_t i)
{
    uint64_t key = 0;
    for (size_t b = KEY_BYTES; b > 0; b--)
        key = key << 8 | (uint8_t)keys.p[i * KEY_BYTES + b - 1];
    return key;
}

static int by_key(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

static int write_repeats(struct store *s, int64_t seq, uint64_t *keys, size_t n, struct err *e)
{
    struct db_stmt *q;
    struct buf packed;
    buf_init(&packed, REPEATS_MAX * KEY_BYTES);
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 0; i < n; i++)
        for (int shift = 0; shift < 64; shift += 8)
            buf_putc(&packed, (char)(keys[i] >> shift & 0xff));
    int rc = packed.failed ? err_set(e, WL_ENOMEM, "out of memory") : db_prepare(s, &inbox_mark_repeats, &q, e);
    if (rc == 0) {
        db_blob(q, packed.data, packed.len);
        db_i64(q, seq);
        rc = change(q, e);
    }
    buf_done(&packed);
    return rc;
}

int inbox_repeats(struct store *s, int64_t seq, const uint64_t *keys, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    if (n > REPEATS_MAX)
        return write_end(s, err_set(e, WL_ETOOBIG, "%zu repeated events in one webhook body", n));
    uint64_t *sorted = calloc(n + 1, sizeof *sorted);
    if (sorted == NULL)
        return write_end(s, err_set(e, WL_ENOMEM, "out of memory"));
    if (n > 0)
        memcpy(sorted, keys, n * sizeof *keys);
    rc = write_repeats(s, seq, sorted, n, e);
    free(sorted);
    return write_end(s, rc);
}

bool inbox_repeated(const struct inbox_row *row, uint64_t key)
{
    size_t low = 0, high = row->repeats.n / KEY_BYTES;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t at = key_at(row->repeats, middle);
        if (at == key)
            return true;
        if (at < key)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* ---- taking out ---- */

int inbox_rewrite(struct store *s, int64_t seq, struct str body, struct err *e)
{
    struct db_stmt *q;
    struct str kept = {NULL, 0};
    enum body_form form = BODY_AS_IT_CAME;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    rc = body_pack(&s->bodies, body, &kept, &form, e);
    if (rc == 0)
        rc = db_prepare(s, &inbox_change, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, form);
    db_blob(q, kept.p, kept.n);
    db_i64(q, seq);
    return write_end(s, change(q, e));
}

int inbox_last_of(struct store *s, int64_t before, size_t max, int64_t *ret_seq, struct err *e)
{
    struct db_stmt *q;
    *ret_seq = 0;
    if (max == 0)
        return 0;
    int rc = db_prepare(s, &inbox_nth, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, before);
    db_i64(q, (int64_t)max - 1);
    rc = one_number(q, ret_seq, e);
    if (rc != 0 || *ret_seq != 0)
        return rc;
    if ((rc = db_prepare(s, &inbox_last_before, &q, e)) != 0)
        return rc;
    db_i64(q, before);
    return one_number(q, ret_seq, e);
}

static int delete_up_to(struct store *s, int64_t last, int64_t *ret_gone, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, last);
    rc = db_exec(q, ret_gone, e);
    if (rc == 0)
        rc = count(s, -*ret_gone, e);
    if (rc == 0)
        rc = db_prepare(s, &inbox_gone, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, last);
    return db_exec(q, NULL, e);
}

int inbox_drop(struct store *s, int64_t before, size_t max, size_t *ret_n, struct err *e)
{
    int64_t last = 0, gone = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = inbox_last_of(s, before, max, &last, e);
    if (rc == 0 && last != 0)
        rc = delete_up_to(s, last, &gone, e);
    if (rc == 0)
        *ret_n = (size_t)gone;
    return write_end(s, rc);
}

int inbox_count(struct store *s, int64_t after, int64_t until, int64_t most, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_some, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, after);
    db_i64(q, until);
    db_i64(q, most);
    return one_number(q, ret, e);
}

int inbox_counts(struct store *s, int64_t *ret_rows, int64_t *ret_problems, struct err *e)
{
    static const struct statement *const reads[2] = {&inbox_tally, &inbox_problems};
    int64_t n[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct db_stmt *q;
        int rc = db_prepare(s, reads[i], &q, e);
        if (rc == 0)
            rc = one_number(q, &n[i], e);
        if (rc != 0)
            return rc;
    }
    *ret_rows = n[0];
    *ret_problems = n[1];
    return 0;
}
