/* SPDX-License-Identifier: Apache-2.0
 * admit_batch.c - the rows a batch of sends is about: read once each, shared, written back when a send changed them.
 *
 * Several sends of a batch may go to one person, from one number, for one portfolio: each distinct row is held once, so
 * that the second send sees what the first one left, and a cap of two lets two of two hundred through. Rows are written
 * with the version they were read with; who finds another one there fails the transaction, and the writer runs its jobs
 * again from the reading on. People who were reached are only counted where Meta counts them: outside windows, and where
 * the portfolio has a limit or may have one that nobody told us yet; when it is told, the count is there. Whose limit it is
 * and how large, the store says and not the snapshot, which may be older than the word that moved the counts.
 *
 * A send remembers what it added where that can be taken back, should it reach nobody (uncount.c). */
#include "core/pace.h"
#include "base/failpoint.h"
#include "gateway/admit_impl.h"
#include "store/accounts.h"

#define SLOTS    1024 /* > 2 x the largest batch */
#define NO_BATCH "a batch of %zu sends does not fit its arena"

/* --- distinct rows ----------------------------------------------------------------------------------------------- */

/* Which of n rows has this key; a new one, n itself, when none has. */
struct distinct {
    int16_t slot[SLOTS];
    struct {
        int64_t a, b;
    } * key;
    size_t n;
};

static int distinct_init(struct distinct *d, struct arena *a, size_t max, struct err *e)
{
    memset(d->slot, -1, sizeof d->slot);
    d->n = 0;
    d->key = arena_array(a, max, sizeof *d->key);
    return d->key != NULL ? 0 : err_set(e, WL_ENOMEM, NO_BATCH, max);
}

static size_t distinct_at(struct distinct *d, int64_t a, int64_t b, bool *ret_new)
{
    uint64_t h = ((uint64_t)a * 0x9e3779b97f4a7c15u) ^ ((uint64_t)b * 0xc2b2ae3d27d4eb4fu);
    size_t at = (size_t)(h >> 32) % SLOTS;
    for (; d->slot[at] >= 0; at = (at + 1) % SLOTS) {
        size_t i = (size_t)d->slot[at];
        if (d->key[i].a == a && d->key[i].b == b) {
            *ret_new = false;
            return i;
        }
    }
    d->slot[at] = (int16_t)d->n;
    d->key[d->n].a = a;
    d->key[d->n].b = b;
    *ret_new = true;
    return d->n++;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int alloc(struct batch *b, struct job *const *jobs, struct err *e)
{
    struct arena *a = b->a;
    size_t n = b->n;
    b->send = arena_new_array(a, struct send *, n);
    b->who = arena_new_array(a, struct identity, n);
    b->about = arena_new_array(a, struct about, n);
    b->person = arena_new_array(a, struct known_person, n);
    b->pair = arena_new_array(a, struct known_pair, n);
    b->reach = arena_new_array(a, struct known_reach, n);
    b->portfolio = arena_new_array(a, struct known_portfolio, n);
    b->message = arena_new_array(a, struct message, n);
    b->row = arena_new_array(a, struct decision_row, n);
    b->judged = arena_new_array(a, struct decision_row, n);
    b->right = arena_new_array(a, struct right, n);
    if (b->right == NULL || b->judged == NULL || b->row == NULL || b->message == NULL || b->portfolio == NULL ||
        b->reach == NULL || b->pair == NULL || b->person == NULL || b->about == NULL || b->who == NULL ||
        b->send == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH, n);
    for (size_t i = 0; i < n; i++) {
        b->send[i] = container_of(jobs[i], struct send, job);
        b->who[i] = b->send[i]->intent->to;
    }
    return 0;
}

static int read_persons(struct batch *b, struct store *s, struct err *e)
{
    struct distinct d;
    struct person *found = arena_new_array(b->a, struct person, b->n);
    int rc = found != NULL ? people_find(s, b->who, b->n, found, e) : err_set(e, WL_ENOMEM, NO_BATCH, b->n);
    if (rc == 0)
        rc = distinct_init(&d, b->a, b->n, e);
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        bool new;
        if (found[i].id == 0)
            continue;
        size_t at = distinct_at(&d, found[i].id, found[i].bucket, &new);
        if (new)
            b->person[at].p = found[i];
        b->about[i].person = &b->person[at];
    }
    b->n_persons = rc == 0 ? d.n : 0;
    return rc;
}

static int read_pairs(struct batch *b, struct store *s, struct err *e)
{
    struct distinct d;
    int rc = distinct_init(&d, b->a, b->n, e);
    struct pair *rows = arena_new_array(b->a, struct pair, b->n);
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH, b->n);
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        bool new;
        const struct known_person *k = b->about[i].person;
        if (k == NULL)
            continue;
        size_t at = distinct_at(&d, k->p.id, b->send[i]->sender, &new);
        rows[at] = (struct pair){.bucket = k->p.bucket, .contact = k->p.id, .sender = b->send[i]->sender};
        b->about[i].pair = &b->pair[at];
    }
    if (rc == 0)
        rc = pairs_get(s, rows, d.n, e);
    for (size_t i = 0; i < d.n && rc == 0; i++)
        b->pair[i].p = rows[i];
    b->n_pairs = rc == 0 ? d.n : 0;
    return rc;
}

/* Templates and Direct Send open conversations; everything else is an answer inside one. Where the rules say how long a
 * window is taken for open, that counts: a person too many is never one too few. */
static bool in_window(const struct batch *b, const struct pair *p)
{
    return p->last_inbound != 0 && b->now - p->last_inbound < b->values->window;
}

static int read_accounts(struct batch *b, struct store *s, struct err *e)
{
    struct account a = {.waba = 0};
    int rc = 0;
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        struct send *send = b->send[i];
        if (send->waba == 0)
            continue;
        if (a.waba != send->waba)
            rc = accounts_get(s, send->waba, &a, e);
        send->portfolio = account_portfolio(&a);
        send->limit = a.limit;
    }
    return rc;
}

/* Without a limit nobody is counted; while none is known everybody is. */
static bool is_limited(const struct send *s)
{
    return s->portfolio != 0 && s->limit != 0;
}

static bool may_count(const struct batch *b, size_t i)
{
    enum intent_kind kind = b->send[i]->intent->kind;
    return is_limited(b->send[i]) && b->about[i].pair != NULL && !b->about[i].in_window &&
           (kind == INTENT_TEMPLATE || kind == INTENT_DIRECT);
}

static int read_reach(struct batch *b, struct store *s, struct err *e)
{
    struct distinct d;
    int rc = distinct_init(&d, b->a, b->n, e);
    struct reach *rows = arena_new_array(b->a, struct reach, b->n);
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH, b->n);
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        bool new;
        if (!may_count(b, i))
            continue;
        const struct person *p = &b->about[i].person->p;
        size_t at = distinct_at(&d, p->id, b->send[i]->portfolio, &new);
        rows[at] = (struct reach){.bucket = p->bucket, .portfolio = b->send[i]->portfolio, .contact = p->id};
        b->about[i].reach = &b->reach[at];
    }
    if (rc == 0 && d.n > 0)
        rc = reach_get(s, rows, d.n, e);
    for (size_t i = 0; i < d.n && rc == 0; i++)
        b->reach[i].r = rows[i];
    b->n_reach = rc == 0 ? d.n : 0;
    return rc;
}

static int read_portfolios(struct batch *b, struct store *s, struct err *e)
{
    struct distinct d;
    int rc = distinct_init(&d, b->a, b->n, e);
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        bool new;
        if (!is_limited(b->send[i]))
            continue;
        size_t at = distinct_at(&d, b->send[i]->portfolio, 0, &new);
        if (new)
            rc = portfolio_get(s, b->send[i]->portfolio, &b->portfolio[at].p, e);
        b->about[i].portfolio = &b->portfolio[at];
    }
    b->n_portfolios = rc == 0 ? d.n : 0;
    return rc;
}

int batch_read(struct batch *b, struct store *s, struct job *const *jobs, struct err *e)
{
    int rc = alloc(b, jobs, e);
    if (rc == 0)
        rc = read_accounts(b, s, e);
    if (rc == 0)
        rc = read_persons(b, s, e);
    if (rc == 0)
        rc = read_pairs(b, s, e);
    for (size_t i = 0; i < b->n && rc == 0; i++)
        if (b->about[i].pair != NULL)
            b->about[i].in_window = in_window(b, &b->about[i].pair->p);
    if (rc == 0)
        rc = read_reach(b, s, e);
    return rc == 0 ? read_portfolios(b, s, e) : rc;
}

int bucket_of(const struct batch *b, const struct store *s, size_t i)
{
    const struct known_person *k = b->about[i].person;
    return k != NULL ? k->p.bucket : store_bucket(s, b->who[i].kind, str_of(b->who[i].value));
}

/* --- effects ----------------------------------------------------------------------------------------------------- */

static void pair_sent(struct known_pair *k, const struct batch *b, struct send *s)
{
    s->interval = b->values->pair_interval > 0 ? b->values->pair_interval : 0;
    if (s->interval > 0)
        k->p.tat = pace_take(k->p.tat, b->now, s->interval);
    k->p.last_out = b->now;
    k->changed = true;
}

static void person_reached(const struct batch *b, const struct about *about, struct send *s)
{
    struct known_reach *k = about->reach;
    struct budget *people = &about->portfolio->p.budget;
    bool counted = budget_counted(people, k->r.opened_at, b->now);
    k->r.opened_at = budget_take(people, k->r.opened_at, b->now);
    s->opened_at = counted ? 0 : k->r.opened_at;
    k->changed = about->portfolio->changed = true;
}

void batch_effects(struct batch *b, struct send *s, const struct about *about)
{
    s->opened_at = s->interval = 0;
    if (about->pair != NULL)
        pair_sent(about->pair, b, s);
    if (about->reach != NULL)
        person_reached(b, about, s);
    if (about->person != NULL && send_category(s) == CATEGORY_MARKETING) {
        caps_sent(&about->person->p.caps, b->now, s->content.skeleton != 0 ? &s->content : NULL);
        about->person->changed = true;
    }
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static int write_persons(struct batch *b, struct store *s, struct err *e)
{
    struct person *rows = arena_new_array(b->a, struct person, b->n_persons + 1);
    size_t n = 0;
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH, b->n);
    for (size_t i = 0; i < b->n_persons; i++)
        if (b->person[i].changed)
            rows[n++] = b->person[i].p;
    return n > 0 ? people_save(s, rows, n, e) : 0;
}

static int write_pairs(struct batch *b, struct store *s, struct err *e)
{
    struct pair *rows = arena_new_array(b->a, struct pair, b->n_pairs + 1);
    size_t n = 0;
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH, b->n);
    for (size_t i = 0; i < b->n_pairs; i++)
        if (b->pair[i].changed)
            rows[n++] = b->pair[i].p;
    return n > 0 ? pairs_put(s, rows, n, e) : 0;
}

static int write_reach(struct batch *b, struct store *s, struct err *e)
{
    struct reach *rows = arena_new_array(b->a, struct reach, b->n_reach + 1);
    size_t n = 0;
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, NO_BATCH, b->n);
    for (size_t i = 0; i < b->n_reach; i++)
        if (b->reach[i].changed)
            rows[n++] = b->reach[i].r;
    int rc = n > 0 ? reach_put(s, rows, n, e) : 0;
    for (size_t i = 0; i < b->n_portfolios && rc == 0; i++)
        if (b->portfolio[i].changed)
            rc = portfolio_put(s, &b->portfolio[i].p, e);
    return rc;
}

int batch_write(struct batch *b, struct store *s, struct err *e)
{
    int rc = b->n_rows > 0 ? messages_insert(s, b->message, b->row, b->n_rows, e) : 0;
    if (rc == 0 && b->n_judged > 0)
        rc = decisions_insert(s, b->judged, b->n_judged, e);
    if (rc == 0)
        rc = write_pairs(b, s, e);
    if (rc == 0)
        rc = write_persons(b, s, e);
    if (rc == 0)
        rc = write_reach(b, s, e);
    failpoint(door_counted);
    return rc;
}
