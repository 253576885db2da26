/* SPDX-License-Identifier: Apache-2.0
 * poll.c - the table of what is read, and of what holds several of them up at once.
 *
 * A group stands for a token or an account. While it has failures, only one of its targets is read at a time; a failure that
 * began before the last one was known counts no second time, so that two readings that fail together wait as long as one.
 * Searching is linear: there are as many targets as numbers, and one is begun a few times a second at most. */
#include "core/poll.h"

#include <stdlib.h>
#include <string.h>

#define DOUBLINGS 20 /* more would not fit, and wait_most_ms is reached long before */

const struct poll_terms poll_usual = {.interval_ms = 15 * 60000,
                                      .together = 2,
                                      .gap_ms = 250,
                                      .wait_first_ms = 60000,
                                      .wait_most_ms = 6 * 3600000,
                                      .wait_token_ms = 15 * 60000,
                                      .soon_ms = 2000,
                                      .soon_apart_ms = 5000,
                                      .pause_ms = 30000,
                                      .long_pause_ms = 5 * 60000};

struct group {
    uint64_t key;
    unsigned failures, reading;
    int64_t failed_at; /* when the last failure was known */
    int64_t not_before;
    bool full, refused;
};

struct target {
    struct poll_target is;
    struct group *app, *account; /* account NULL: not known */
    int64_t due, begun;
    unsigned failures;
    bool reading, again, urgent; /* again: once more when it is read */
    bool soon;                   /* it is due because it changed */
    unsigned soons;              /* so many readings in a row were */
    bool was_read, named, late;  /* late: no longer named, and still being read */
};

struct poll {
    struct poll_terms terms;
    struct target *all;
    struct group *apps, *accounts;
    size_t max, n, n_apps, n_accounts;
    unsigned reading;
    int64_t next_begin;
    uint64_t seed;
};

enum poll_end poll_end_of(int status, int code)
{
    static const struct {
        int code;
        enum poll_end end;
    } codes[] = {
        {4, POLL_FULL_APP},          {17, POLL_FULL_APP}, {80007, POLL_FULL_ACCOUNT}, {80008, POLL_FULL_ACCOUNT},
        {130429, POLL_FULL_ACCOUNT}, {190, POLL_TOKEN},   {1, POLL_FAILED},           {2, POLL_FAILED},
        {131000, POLL_FAILED},       {0, POLL_FAILED},
    };
    if (status == 0)
        return POLL_SILENT;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0] && code != 0; i++)
        if (codes[i].code == code)
            return codes[i].end;
    if (status == 401 && code == 0)
        return POLL_TOKEN;
    if (status == 429)
        return POLL_FULL_APP;
    return status >= 500 && code != 3 ? POLL_FAILED : POLL_DENIED; /* 3 is a permission that is missing, with a 500 */
}

struct poll *poll_create(const struct poll_terms *t, size_t max, uint64_t seed)
{
    struct poll *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->all = calloc(max + 1, sizeof *p->all);
    p->apps = calloc(max + 1, sizeof *p->apps);
    p->accounts = calloc(max + 1, sizeof *p->accounts);
    if (p->all == NULL || p->apps == NULL || p->accounts == NULL) {
        poll_free(p);
        return NULL;
    }
    p->terms = *t;
    p->max = max;
    p->seed = seed;
    p->next_begin = INT64_MIN;
    return p;
}

void poll_free(struct poll *p)
{
    if (p == NULL)
        return;
    free(p->all);
    free(p->apps);
    free(p->accounts);
    free(p);
}

/* --- chance and waits ---------------------------------------------------------------------------------------------- */

/* From 0 to 999: splitmix64. */
static int64_t chance(struct poll *p)
{
    uint64_t z = p->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int64_t)((z ^ (z >> 31)) % 1000);
}

static int64_t between(struct poll *p, int64_t low_permille, int64_t high_permille, int64_t of)
{
    return of / 1000 * (low_permille + (high_permille - low_permille) * chance(p) / 1000);
}

static int64_t wait_after(struct poll *p, unsigned failures, int64_t first)
{
    int64_t wait = first;
    for (unsigned i = 1; i < failures && i < DOUBLINGS && wait < p->terms.wait_most_ms; i++)
        wait *= 2;
    if (wait > p->terms.wait_most_ms)
        wait = p->terms.wait_most_ms;
    return between(p, 800, 1200, wait);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- groups -------------------------------------------------------------------------------------------------------- */

static struct group *group_of(struct group *all, size_t *n, uint64_t key)
{
    for (size_t i = 0; i < *n; i++)
        if (all[i].key == key)
            return &all[i];
    all[*n] = (struct group){.key = key, .failed_at = INT64_MIN, .not_before = INT64_MIN};
    return &all[(*n)++];
}

/* Whether one of the group may be read now; else *wake is when, at the earliest. */
static bool group_lets(const struct group *g, bool urgent, int64_t mono, int64_t *wake)
{
    if (g == NULL || (urgent && !g->full))
        return true;
    if (g->not_before > mono) {
        *wake = later(*wake, g->not_before);
        return false;
    }
    if (g->failures == 0 || g->reading == 0)
        return true;
    *wake = INT64_MAX; /* when the one that went first is answered */
    return false;
}

static void group_failed(struct poll *p, struct group *g, int64_t begun, int64_t first, int64_t wait, int64_t mono)
{
    if (begun >= g->failed_at)
        g->failures++;
    g->failed_at = mono;
    g->not_before = later(g->not_before, mono + later(wait, wait_after(p, g->failures, first)));
}

/* What began before the last failure was known says nothing of what came after it. */
static void group_well(struct poll *p, struct group *g, int64_t begun, int percent, int64_t wait, int64_t mono)
{
    int64_t pause = percent >= 90 ? p->terms.long_pause_ms : p->terms.pause_ms;
    if (g->failures == 0 || begun >= g->failed_at) {
        g->failures = 0;
        g->full = g->refused = false;
    }
    if (percent >= 80)
        g->not_before = later(g->not_before, mono + later(pause, wait));
}

/* Groups of nobody go, so that there are never more than targets. */
static void drop_groups(struct poll *p)
{
    struct group *of[2] = {p->apps, p->accounts};
    size_t *count[2] = {&p->n_apps, &p->n_accounts};
    for (int k = 0; k < 2; k++) {
        size_t kept = 0;
        for (size_t i = 0; i < *count[k]; i++) {
            bool used = false;
            for (size_t j = 0; j < p->n && !used; j++)
                used = k == 0 ? p->all[j].is.app == of[k][i].key : (uint64_t)p->all[j].is.account == of[k][i].key;
            if (used)
                of[k][kept++] = of[k][i];
        }
        *count[k] = kept;
    }
    for (size_t j = 0; j < p->n; j++) {
        struct target *t = &p->all[j];
        t->app = group_of(p->apps, &p->n_apps, t->is.app);
        t->account = t->is.account != 0 ? group_of(p->accounts, &p->n_accounts, (uint64_t)t->is.account) : NULL;
    }
    for (size_t i = 0; i < p->n_apps; i++)
        p->apps[i].reading = 0;
    for (size_t i = 0; i < p->n_accounts; i++)
        p->accounts[i].reading = 0;
    for (size_t j = 0; j < p->n; j++) {
        p->all[j].app->reading += p->all[j].reading;
        if (p->all[j].account != NULL)
            p->all[j].account->reading += p->all[j].reading;
    }
}

/* --- targets ------------------------------------------------------------------------------------------------------- */

static struct target *find(const struct poll *p, enum poll_kind kind, int64_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->all[i].is.kind == kind && p->all[i].is.id == id)
            return &p->all[i];
    return NULL;
}

void poll_set(struct poll *p, const struct poll_target *all, size_t n, int64_t mono)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++)
        p->all[i].named = false;
    for (size_t i = 0; i < n; i++) {
        struct target *t = find(p, all[i].kind, all[i].id);
        bool known = t != NULL;
        if (!known && p->n == p->max)
            continue;
        t = known ? t : &p->all[p->n++];
        if (!known)
            *t = (struct target){.due = mono};
        else if (t->is.app != all[i].app)
            *t = (struct target){.due = mono, .begun = t->begun, .reading = t->reading};
        t->is = all[i];
        t->named = true;
    }
    for (size_t i = 0; i < p->n; i++) {
        p->all[i].late = !p->all[i].named;
        if (p->all[i].named || p->all[i].reading)
            p->all[kept++] = p->all[i];
    }
    p->n = kept;
    drop_groups(p);
}

/* What goes first of two that may: what somebody waits for, then accounts, then what is due longest. */
static bool before(const struct target *a, const struct target *b)
{
    if (a->urgent != b->urgent)
        return a->urgent;
    if (a->is.kind != b->is.kind)
        return a->is.kind == POLL_ACCOUNT;
    return a->due < b->due;
}

static int64_t when(const struct target *t, int64_t mono)
{
    int64_t wake = t->due;
    bool app = group_lets(t->app, t->urgent, mono, &wake), account = group_lets(t->account, t->urgent, mono, &wake);
    return app && account ? t->due : wake;
}

bool poll_next(struct poll *p, int64_t mono, struct poll_target *ret, int64_t *ret_wake)
{
    struct target *next = NULL;
    int64_t wake = INT64_MAX;
    for (size_t i = 0; i < p->n && p->reading < p->terms.together; i++) {
        struct target *t = &p->all[i];
        if (t->reading || t->late)
            continue;
        int64_t at = later(when(t, mono), p->next_begin);
        if (at > mono)
            wake = at < wake ? at : wake;
        else if (next == NULL || before(t, next))
            next = t;
    }
    *ret_wake = wake;
    if (next == NULL)
        return false;
    next->reading = true;
    next->soons = next->soon ? next->soons + 1 : 0;
    next->urgent = next->again = next->soon = false;
    next->begun = mono;
    next->app->reading++;
    if (next->account != NULL)
        next->account->reading++;
    p->reading++;
    p->next_begin = mono + p->terms.gap_ms;
    *ret = next->is;
    return true;
}

static void well(struct poll *p, struct target *t, const struct poll_answer *answer, int64_t mono)
{
    t->failures = 0;
    t->due = mono + between(p, t->was_read ? 800 : 300, 950, p->terms.interval_ms);
    t->was_read = true;
    group_well(p, t->app, t->begun, answer->app_percent, answer->wait_ms, mono);
    if (t->account != NULL)
        group_well(p, t->account, t->begun, answer->account_percent, answer->wait_ms, mono);
}

static void failed(struct poll *p, struct target *t, const struct poll_answer *answer, int64_t mono)
{
    enum poll_end end = answer->end;
    bool of_app = end == POLL_FULL_APP || end == POLL_TOKEN || end == POLL_SILENT;
    struct group *g = end == POLL_DENIED ? NULL : of_app ? t->app : t->account;
    t->failures++;
    if (g == NULL) {
        t->due = mono + later(answer->wait_ms, wait_after(p, t->failures, p->terms.wait_first_ms));
        return;
    }
    group_failed(p, g, t->begun, end == POLL_TOKEN ? p->terms.wait_token_ms : p->terms.wait_first_ms, answer->wait_ms,
                 mono);
    g->full |= end == POLL_FULL_ACCOUNT || end == POLL_FULL_APP;
    g->refused |= end == POLL_TOKEN;
    t->due = g->not_before;
}

/* What changes all the time is not read all the time. */
static int64_t apart(const struct poll *p, const struct target *t)
{
    int64_t ms = p->terms.soon_apart_ms;
    for (unsigned i = 1; i < t->soons && ms < p->terms.interval_ms; i++)
        ms *= 2;
    return ms < p->terms.interval_ms ? ms : p->terms.interval_ms;
}

void poll_ended(struct poll *p, enum poll_kind kind, int64_t id, const struct poll_answer *answer, int64_t mono)
{
    struct target *t = find(p, kind, id);
    if (t == NULL || !t->reading)
        return;
    t->reading = false;
    t->app->reading--;
    if (t->account != NULL)
        t->account->reading--;
    p->reading--;
    if (answer->end == POLL_READ)
        well(p, t, answer, mono);
    else
        failed(p, t, answer, mono);
    if (t->again && t->failures == 0)
        t->due = t->urgent ? mono : later(mono, t->begun + apart(p, t));
}

bool poll_soon(struct poll *p, enum poll_kind kind, int64_t id, int64_t mono)
{
    struct target *t = find(p, kind, id);
    if (t == NULL)
        return false;
    int64_t at = mono + p->terms.soon_ms;
    if (t->begun != 0)
        at = later(at, t->begun + apart(p, t));
    if (t->reading || at < t->due)
        t->soon = true;
    if (t->reading)
        t->again = true;
    else if (t->failures == 0 && at < t->due)
        t->due = at;
    return true;
}

bool poll_now(struct poll *p, enum poll_kind kind, int64_t id, int64_t mono)
{
    struct target *t = find(p, kind, id);
    if (t == NULL)
        return false;
    t->urgent = true;
    t->again = t->reading;
    t->due = mono;
    return true;
}

/* --- looking ------------------------------------------------------------------------------------------------------- */

bool poll_look(const struct poll *p, enum poll_kind kind, int64_t id, int64_t mono, struct poll_state *ret)
{
    const struct target *t = find(p, kind, id);
    if (t == NULL)
        return false;
    const struct group *account = t->account;
    unsigned most = t->failures > t->app->failures ? t->failures : t->app->failures;
    most = account != NULL && account->failures > most ? account->failures : most;
    int64_t due = later(t->due, t->app->not_before);
    due = account != NULL ? later(due, account->not_before) : due;
    *ret = (struct poll_state){.due = later(due, mono),
                               .failures = most,
                               .reading = t->reading,
                               .full = t->app->full || (account != NULL && account->full),
                               .refused = t->app->refused};
    return true;
}

bool poll_refused(const struct poll *p, uint64_t app)
{
    for (size_t i = 0; i < p->n_apps; i++)
        if (p->apps[i].key == app)
            return p->apps[i].refused;
    return false;
}
