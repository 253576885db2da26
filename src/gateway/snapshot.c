/* SPDX-License-Identifier: Apache-2.0
 * snapshot.c - builds and hands out the immutable picture of numbers and templates.
 *
 * Everything of one snapshot lives in one arena. Templates are found through an open-addressing table keyed by
 * account, name and language; numbers are few and searched in order. A listing that no longer compiles is kept
 * without a spec: its parameters then go unchecked, because Meta checks them again. */
#include "gateway/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"

#define SNAPSHOT_ARENA_MAX (256u << 20)

struct snapshot {
    int refs;
    struct arena *arena;
    struct sender *senders;
    size_t n_senders;
    struct known_template **table;
    size_t mask; /* slots - 1 */
};

struct snapshots {
    pthread_mutex_t lock;
    struct snapshot *current;
};

static struct snapshot *snapshot_create(void)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (s == NULL || (s->arena = arena_create(SNAPSHOT_ARENA_MAX)) == NULL)
        abort();
    s->refs = 1;
    return s;
}

struct snapshots *snapshots_create(void)
{
    struct snapshots *all = calloc(1, sizeof *all);
    if (all == NULL)
        abort();
    pthread_mutex_init(&all->lock, NULL);
    all->current = snapshot_create();
    return all;
}

void snapshots_free(struct snapshots *all)
{
    if (all == NULL)
        return;
    snapshot_return(all->current);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

struct snapshot *snapshot_borrow(struct snapshots *all)
{
    pthread_mutex_lock(&all->lock);
    struct snapshot *s = all->current;
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&all->lock);
    return s;
}

void snapshot_return(struct snapshot *s)
{
    if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    arena_free(s->arena);
    free(s);
}

static uint64_t template_hash(int64_t waba, struct str name, struct str language)
{
    return hash64(name.p, name.n) ^ (hash64(language.p, language.n) * 31) ^ ((uint64_t)waba * 0x9e3779b97f4a7c15u);
}

static void table_add(struct snapshot *s, struct known_template *t)
{
    size_t i = (size_t)template_hash(t->waba, t->name, t->language) & s->mask;
    while (s->table[i] != NULL)
        i = (i + 1) & s->mask;
    s->table[i] = t;
}

static void compile_spec(struct snapshot *s, struct json_parser *parser, const struct template_row *row,
                         struct known_template *t)
{
    struct json listing;
    struct template_spec *spec;
    if (row->listing.n == 0 || json_parse(parser, row->listing, false, &listing, NULL) != 0)
        return;
    if (template_compile(s->arena, listing, &spec, NULL) == 0)
        t->spec = spec;
}

static int build_templates(struct snapshot *s, struct store *store, struct err *e)
{
    struct template_row *rows;
    size_t n;
    int rc = templates_list(store, 0, s->arena, &rows, &n, e);
    if (rc != 0)
        return rc;
    size_t slots = 16;
    while (slots < n * 2)
        slots *= 2;
    s->table = arena_new_array(s->arena, struct known_template *, slots);
    struct known_template *all = arena_new_array(s->arena, struct known_template, n + 1);
    if (s->table == NULL || all == NULL)
        return err_set(e, WL_ENOMEM, "too many templates");
    s->mask = slots - 1;
    struct json_parser *parser = json_parser_create();
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct known_template){.waba = rows[i].waba,
                                         .name = rows[i].name,
                                         .language = rows[i].language,
                                         .status = rows[i].status,
                                         .category = rows[i].category};
        compile_spec(s, parser, &rows[i], &all[i]);
        table_add(s, &all[i]);
    }
    json_parser_free(parser);
    return 0;
}

int snapshots_rebuild(struct snapshots *all, struct store *store, struct err *e)
{
    struct snapshot *s = snapshot_create();
    int rc = senders_list(store, s->arena, &s->senders, &s->n_senders, e);
    if (rc == 0)
        rc = build_templates(s, store, e);
    if (rc != 0) {
        snapshot_return(s);
        return rc;
    }
    pthread_mutex_lock(&all->lock);
    struct snapshot *old = all->current;
    all->current = s;
    pthread_mutex_unlock(&all->lock);
    snapshot_return(old);
    return 0;
}

const struct sender *snapshot_sender(const struct snapshot *s, int64_t id)
{
    for (size_t i = 0; i < s->n_senders; i++)
        if (s->senders[i].id == id)
            return &s->senders[i];
    return NULL;
}

size_t snapshot_senders(const struct snapshot *s, const struct sender **ret)
{
    *ret = s->senders;
    return s->n_senders;
}

const struct known_template *snapshot_template(const struct snapshot *s, int64_t waba, struct str name,
                                               struct str language)
{
    if (s->table == NULL)
        return NULL;
    for (size_t i = (size_t)template_hash(waba, name, language) & s->mask; s->table[i] != NULL; i = (i + 1) & s->mask) {
        const struct known_template *t = s->table[i];
        if (t->waba == waba && str_eq(t->name, name) && str_eq(t->language, language))
            return t;
    }
    return NULL;
}
