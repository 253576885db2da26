/* SPDX-License-Identifier: Apache-2.0
 * campaigns.c - the table of campaigns that door, dispatcher and projector read, and the life of the runner's threads.
 *
 * The table is built whole from the database and put in place by a pointer; a reader finds its campaign by id under a lock that is
 * held for the look alone. It is read at the start, before anything is judged, after every act (by the thread that did it, before it
 * answers), and by the runner now and then, so that nothing depends on a bell that was forgotten. A campaign stays in it until the
 * last of its messages has come to its end. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/campaigns_impl.h"

#define TABLE_MEMORY (64u << 20)
#define PARSE_MEMORY (32u << 20)

struct campaign_entry {
    struct campaign_now now;
    uint64_t *quarantined; /* bits by stratum; NULL: none is */
};

struct campaign_table {
    struct arena *arena;
    struct campaign_entry *entry; /* by id */
    size_t n;
};

static void table_free(struct campaign_table *t)
{
    if (t == NULL)
        return;
    arena_free(t->arena);
    free(t);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* What a definition says; one that cannot be read any more is sent as if it said nothing, and that is told. */
static void read_definition(struct campaigns *c, const struct campaign_row *row, struct campaign_now *ret)
{
    struct campaign_def *def = arena_new(c->arena, struct campaign_def);
    struct json root;
    struct err e = {0};
    int rc = def == NULL ? err_set(&e, WL_ENOMEM, "no memory to read it") : 0;
    ret->weight = 1;
    if (rc == 0)
        rc = json_parse(c->json, row->definition, false, &root, &e);
    if (rc == 0)
        rc = campaign_def_read(root, c->arena, def, NULL, &e);
    if (rc != 0) {
        log_error("campaigns", "the definition of campaign %lld cannot be read: %s", (long long)row->id, e.text);
        return;
    }
    ret->latest = def->deadline;
    ret->has_hours = def->has_hours;
    ret->hours = def->hours;
    ret->weight = def->weight;
}

static int set_quarantined(struct arena *keep, struct campaign_entry *entry, int stratum, struct err *e)
{
    if (stratum < 0 || stratum >= CAMPAIGN_STRATA_MAX)
        return 0;
    if (entry->quarantined == NULL)
        entry->quarantined = arena_new_array(keep, uint64_t, CAMPAIGN_STRATA_MAX / 64);
    if (entry->quarantined == NULL)
        return err_set(e, WL_ENOMEM, "too many campaigns are open");
    entry->quarantined[stratum / 64] |= UINT64_C(1) << (stratum % 64);
    return 0;
}

static int read_sources(struct campaigns *c, struct arena *keep, struct campaign_entry *entry, struct err *e)
{
    struct campaign_source *v = NULL;
    size_t n = 0;
    int rc = campaign_sources_get(c->reader, entry->now.id, c->arena, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (v[i].state == CAMPAIGN_SOURCE_QUARANTINED)
            rc = set_quarantined(keep, entry, v[i].stratum, e);
    return rc;
}

static int fill(struct campaigns *c, struct campaign_table *t, struct err *e)
{
    struct campaign_row *row = NULL;
    size_t n = 0;
    int rc = campaigns_open(c->reader, t->arena, CAMPAIGNS_OPEN, &row, &n, e);
    if (rc != 0 || n == 0)
        return rc;
    t->entry = arena_new_array(t->arena, struct campaign_entry, n);
    if (t->entry == NULL)
        return err_set(e, WL_ENOMEM, "too many campaigns are open");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (row[i].state == CAMPAIGN_FINISHED) /* none of its messages waits */
            continue;
        struct campaign_entry *entry = &t->entry[t->n++];
        entry->now = (struct campaign_now){.id = row[i].id, .state = (enum campaign_state)row[i].state};
        arena_reset(c->arena);
        read_definition(c, &row[i], &entry->now);
        rc = read_sources(c, t->arena, entry, e);
    }
    return rc;
}

/* With the lock of reading held: whoever is last in has read last. */
static int read_locked(struct campaigns *c, struct err *e)
{
    struct campaign_table *t = calloc(1, sizeof *t), *old;
    if (t == NULL || (t->arena = arena_create(TABLE_MEMORY)) == NULL)
        abort();
    int rc = c->reader != NULL ? fill(c, t, e) : err_set(e, WL_EBUSY, "the gateway is shutting down");
    if (rc == 0) {
        pthread_mutex_lock(&c->table_lock);
        old = c->table;
        c->table = t;
        pthread_mutex_unlock(&c->table_lock);
        t = old;
    }
    table_free(t);
    return rc;
}

int campaigns_read(struct campaigns *c, struct err *e)
{
    pthread_mutex_lock(&c->reading);
    int rc = read_locked(c, e);
    c->stale = rc != 0;
    pthread_mutex_unlock(&c->reading);
    return rc;
}

/* --- asking --------------------------------------------------------------------------------------------------------- */

static const struct campaign_entry *entry_of(const struct campaign_table *t, int64_t id)
{
    size_t from = 0, to = t != NULL ? t->n : 0;
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (t->entry[mid].now.id == id)
            return &t->entry[mid];
        if (t->entry[mid].now.id < id)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

bool campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret)
{
    if (c == NULL)
        return false;
    pthread_mutex_lock(&c->table_lock);
    const struct campaign_entry *entry = entry_of(c->table, campaign);
    if (entry != NULL) {
        *ret = entry->now;
        ret->quarantined = entry->quarantined != NULL && stratum >= 0 && stratum < CAMPAIGN_STRATA_MAX &&
                           (entry->quarantined[stratum / 64] >> (stratum % 64) & 1) != 0;
    }
    pthread_mutex_unlock(&c->table_lock);
    return entry != NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

int campaigns_start(struct campaigns **ret, struct gateway *g, struct err *e)
{
    struct campaigns *c = calloc(1, sizeof *c);
    if (c == NULL || (c->arena = arena_create(PARSE_MEMORY)) == NULL)
        abort();
    c->g = g;
    c->json = json_parser_create();
    pthread_mutex_init(&c->table_lock, NULL);
    pthread_mutex_init(&c->reading, NULL);
    int rc = store_open(&c->reader, g->o.store_url, &(struct store_options){.read_only = true}, e);
    if (rc == 0)
        rc = campaigns_guard(c, e);
    if (rc == 0)
        rc = campaigns_read(c, e);
    if (rc != 0) {
        campaigns_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

int campaigns_run(struct campaigns *c, struct err *e)
{
    int rc = campaign_runner_start(&c->runner, c, e);
    return rc == 0 ? campaign_checker_start(&c->checker, c, e) : rc;
}

void campaigns_ring(struct campaigns *c)
{
    struct err e = {0};
    if (c == NULL)
        return;
    if (campaigns_read(c, &e) != 0)
        log_error("campaigns", "the table of campaigns cannot be read: %s", e.text);
    campaign_runner_ring(c->runner);
    campaign_checker_ring(c->checker);
}

bool campaigns_look(struct campaigns *c, int64_t campaign, struct campaign_look *ret)
{
    return c != NULL && campaign_runner_look(c->runner, campaign, ret);
}

void campaigns_metrics(struct campaigns *c, struct buf *out)
{
    if (c != NULL)
        campaign_runner_metrics(c->runner, out);
}

void campaigns_stop(struct campaigns *c)
{
    if (c == NULL)
        return;
    campaign_checker_stop(c->checker);
    campaign_runner_stop(c->runner);
    if (c->runner != NULL)
        campaigns_beat(c);           /* a copy made before this moment is an older one */
    pthread_mutex_lock(&c->reading); /* before the writer's, which then tidies up the log as the last one */
    store_free(c->reader);
    c->reader = NULL;
    pthread_mutex_unlock(&c->reading);
}

void campaigns_free(struct campaigns *c)
{
    if (c == NULL)
        return;
    campaign_checker_free(c->checker);
    campaign_runner_free(c->runner);
    store_free(c->reader);
    table_free(c->table);
    json_parser_free(c->json);
    arena_free(c->arena);
    pthread_mutex_destroy(&c->table_lock);
    pthread_mutex_destroy(&c->reading);
    free(c);
}
