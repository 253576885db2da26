/* SPDX-License-Identifier: Apache-2.0
 * message_list.c - messages that answer a question, newest first.
 *
 * There is no index to ask (docs/decisions/0005-store.md, law 2), so rows are walked from the newest down in the order of
 * their key and looked at one by one, a bounded number at a time. A span of time is a span of ids, because an id begins
 * with the moment it was given out: never before the message's own time, and after it by as much as the clock was set
 * back, of which we allow for some minutes. */
#include "store/messages_rows.h"
#include "store/people_rows.h"

#define SET_BACK_MS INT64_C(600000)
#define LIVES_MAX   200 /* people that were merged into one */

STATEMENT(msg_before,
          "SELECT id, contact, sender, campaign, state, attempt, epoch, ts, kind, category, seen, code, "
          "ts_outcome, type, wamid, ver, life, due, begun_at, expires, decision, valid_until, place, stratum FROM msg "
          "WHERE bucket = $1 AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4");
STATEMENT(merged_into, "SELECT gone FROM person_merge WHERE bucket = $1 AND kept = $2 ORDER BY gone LIMIT $3");

struct question {
    const struct message_filter *f;
    int64_t lives[LIVES_MAX + 1]; /* the ids the person's messages may have */
    size_t n_lives;
};

/* A person's messages are also those of whom they turned out to be. */
static int find_lives(struct store *s, int bucket, struct question *w, struct err *e)
{
    struct db_stmt *q;
    int64_t root = 0;
    int rc = person_root(s, bucket, w->f->contact, &root, e);
    if (rc == WL_ENOTFOUND)
        root = w->f->contact;
    else if (rc != 0)
        return rc;
    rc = db_prepare(s, &merged_into, &q, e);
    if (rc != 0)
        return rc;
    w->lives[w->n_lives++] = root;
    db_i64(q, bucket);
    db_i64(q, root);
    db_i64(q, LIVES_MAX);
    while (w->n_lives <= LIVES_MAX && (rc = db_step(q, e)) == 1)
        w->lives[w->n_lives++] = col_i64(q);
    db_reset(q);
    return rc < 0 ? rc : 0;
}

static bool of_person(const struct question *w, int64_t contact)
{
    bool is = w->f->contact == 0;
    for (size_t i = 0; i < w->n_lives && !is; i++)
        is = w->lives[i] == contact;
    return is;
}

static bool same_origin(const struct message_filter *f, const struct message *m)
{
    return (f->sender == 0 || m->sender == f->sender) && (f->campaign == 0 || m->campaign == f->campaign) &&
           (f->from == 0 || m->ts >= f->from) && (f->to == 0 || m->ts < f->to) &&
           (f->category == 0 || m->life.category == f->category);
}

static bool same_fate(const struct message_filter *f, const struct message *m)
{
    return (f->states == 0 || (f->states >> m->life.state & 1)) && (m->seen & f->seen) == f->seen &&
           (m->seen & f->not_seen) == 0 && (f->code == 0 || m->life.code == f->code) &&
           (f->past_valid == 0 || (m->valid_until != 0 && m->valid_until <= f->past_valid)) &&
           (!f->duplicated || life_duplicates(&m->life) > 0);
}

static bool answers(const struct question *w, const struct message *m)
{
    return same_origin(w->f, m) && same_fate(w->f, m) && of_person(w, m->contact);
}

static int64_t first_id(int64_t ms)
{
    return ms <= 0 ? 0 : ms > INT64_MAX >> 22 ? INT64_MAX : ms << 22;
}

struct page {
    struct message *rows;
    size_t n, cap, max, seen;
    int64_t last; /* id looked at last */
};

/* Rows of the bound statement, until the page is full or no more are allowed. */
static int fill_page(struct db_stmt *q, const struct question *w, int bucket, struct arena *a, struct page *p,
                     struct err *e)
{
    struct message m;
    int rc = 0;
    while (p->n < p->max && (rc = db_step(q, e)) == 1) {
        rc = message_read(q, a, &m, e);
        m.bucket = bucket;
        p->seen++;
        p->last = m.id;
        if (!answers(w, &m))
            continue;
        struct message *grown = arena_grow(a, p->rows, p->n, &p->cap, p->max, sizeof *p->rows);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, "the answer is larger than its memory limit") : 0;
        if (rc != 0)
            break;
        grown[p->n++] = m;
        p->rows = grown;
    }
    db_reset(q);
    return rc < 0 ? rc : 0;
}

int messages_list(struct store *s, int bucket, const struct message_filter *f, int64_t before, struct arena *a,
                  size_t max, struct message **ret, size_t *ret_n, int64_t *ret_next, struct err *e)
{
    struct question w = {.f = f};
    struct page p = {.max = max};
    struct db_stmt *q;
    int64_t below = before != 0 ? before : INT64_MAX;
    int64_t to = f->to != 0 ? first_id(f->to < INT64_MAX - SET_BACK_MS ? f->to + SET_BACK_MS : f->to) : INT64_MAX;
    int rc = f->contact != 0 ? find_lives(s, bucket, &w, e) : 0;
    if (rc == 0)
        rc = db_prepare(s, &msg_before, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, below < to ? below : to);
    db_i64(q, first_id(f->from));
    db_i64(q, MESSAGES_SCAN_MAX);
    rc = fill_page(q, &w, bucket, a, &p, e);
    if (rc != 0)
        return rc;
    *ret = p.rows;
    *ret_n = p.n;
    *ret_next = p.n == p.max || p.seen == MESSAGES_SCAN_MAX ? p.last : 0;
    return 0;
}
