/* SPDX-License-Identifier: Apache-2.0
 * snapshot.c - builds and hands out the immutable picture of numbers, accounts, templates and fixed texts.
 *
 * Everything of one snapshot lives in one arena. Templates are found through an open-addressing table keyed by
 * account, name and language, signatures through one keyed by the text's number; numbers and accounts are few and
 * searched in order. A listing that no longer compiles is kept without a spec: its parameters then go unchecked, because
 * Meta checks them again. A text's signature never changes, so it is computed once and copied from picture to picture. */
#include "gateway/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"
#include "core/phone.h"
#include "gateway/content.h"
#include "store/skeletons.h"

#define SNAPSHOT_ARENA_MAX (256u << 20)
#define TEXTS_ARENA_MAX    (256u << 20) /* the texts themselves, while signatures are made */
#define SKELETONS_MAX      20000        /* newest ones; a person's row remembers five contents */

struct known_skeleton {
    uint32_t number; /* 0: free */
    struct signature signature;
};

struct snapshot {
    int refs;
    struct arena *arena;
    struct sender *senders;
    size_t n_senders;
    struct account *accounts;
    size_t n_accounts;
    struct known_template **table;
    size_t mask; /* slots - 1 */
    struct known_skeleton *skeleton;
    size_t skeleton_mask;
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

/* --- fixed texts --------------------------------------------------------------------------------------------------- */

static struct known_skeleton *skeleton_slot(const struct snapshot *s, uint32_t number)
{
    size_t i = number & s->skeleton_mask; /* a number is a hash already */
    while (s->skeleton[i].number != 0 && s->skeleton[i].number != number)
        i = (i + 1) & s->skeleton_mask;
    return &s->skeleton[i];
}

static void add_skeleton(struct snapshot *s, uint32_t number, struct str text, const struct snapshot *before)
{
    struct known_skeleton *k = skeleton_slot(s, number);
    if (k->number != 0)
        return;
    k->number = number;
    const struct signature *known = snapshot_signature(before, number);
    if (known != NULL)
        k->signature = *known;
    else
        similar_signature(text, &k->signature);
}

static int reserve_skeletons(struct snapshot *s, size_t n, struct err *e)
{
    size_t slots = 16;
    while (slots < n * 3 / 2 + 1)
        slots *= 2;
    s->skeleton = arena_new_array(s->arena, struct known_skeleton, slots);
    s->skeleton_mask = slots - 1;
    return s->skeleton != NULL ? 0 : err_set(e, WL_ENOMEM, "too many templates");
}

/* --- templates ----------------------------------------------------------------------------------------------------- */

static int quality_word(struct str said)
{
    static const char *const words[] = {"unknown", "green", "yellow", "red"}; /* template.quality */
    for (int i = 0; i < (int)(sizeof words / sizeof words[0]); i++)
        if (str_ieq(said, str_of(words[i])))
            return i;
    return -1;
}

/* What the listing tells beyond the row: the spec, and the fixed text where duplicates count. */
static int read_listing(struct snapshot *s, struct json_parser *parser, const struct template_row *row,
                        const struct snapshot *before, struct known_template *t, struct err *e)
{
    struct json listing;
    struct template_spec *spec;
    struct skeleton_text text;
    if (row->listing.n == 0 || json_parse(parser, row->listing, false, &listing, NULL) != 0)
        return 0;
    if (template_compile(s->arena, listing, &spec, NULL) == 0)
        t->spec = spec;
    if (row->category != CATEGORY_MARKETING)
        return 0;
    int rc = content_skeleton(s->arena, listing, &text, e);
    if (rc != 0 || text.number == 0)
        return rc;
    t->skeleton = text.number;
    t->fixed = text.fixed;
    add_skeleton(s, text.number, text.text, before);
    return 0;
}

static int build_templates(struct snapshot *s, const struct template_row *rows, size_t n, const struct snapshot *before,
                           struct err *e)
{
    int rc = 0;
    size_t slots = 16;
    while (slots < n * 2)
        slots *= 2;
    s->table = arena_new_array(s->arena, struct known_template *, slots);
    struct known_template *all = arena_new_array(s->arena, struct known_template, n + 1);
    if (s->table == NULL || all == NULL)
        return err_set(e, WL_ENOMEM, "too many templates");
    s->mask = slots - 1;
    struct json_parser *parser = json_parser_create();
    for (size_t i = 0; i < n && rc == 0; i++) {
        all[i] = (struct known_template){.waba = rows[i].waba,
                                         .name = rows[i].name,
                                         .language = rows[i].language,
                                         .status = rows[i].status,
                                         .category = rows[i].category,
                                         .quality = quality_word(rows[i].quality),
                                         .status_at = rows[i].status_at};
        rc = read_listing(s, parser, &rows[i], before, &all[i], e);
        table_add(s, &all[i]);
    }
    json_parser_free(parser);
    return rc;
}

/* Templates listed now and fixed texts of all times; `texts` is for the latter while their signatures are made. */
static int build_contents(struct snapshot *s, struct store *store, const struct snapshot *before, struct arena *texts,
                          struct err *e)
{
    struct template_row *rows;
    struct skeleton *old;
    size_t n, n_old;
    int rc = templates_list(store, 0, s->arena, &rows, &n, e);
    if (rc == 0)
        rc = skeletons_list(store, texts, SKELETONS_MAX, &old, &n_old, e);
    if (rc == 0)
        rc = reserve_skeletons(s, n + n_old, e);
    if (rc == 0)
        rc = build_templates(s, rows, n, before, e);
    for (size_t i = 0; rc == 0 && i < n_old; i++)
        if (old[i].number != 0)
            add_skeleton(s, old[i].number, old[i].text, before);
    return rc;
}

int snapshots_rebuild(struct snapshots *all, struct store *store, struct err *e)
{
    struct snapshot *s = snapshot_create(), *before = snapshot_borrow(all);
    struct arena *texts = arena_create(TEXTS_ARENA_MAX);
    if (texts == NULL)
        abort();
    int rc = senders_list(store, s->arena, &s->senders, &s->n_senders, e);
    if (rc == 0)
        rc = accounts_list(store, s->arena, &s->accounts, &s->n_accounts, e);
    if (rc == 0)
        rc = build_contents(s, store, before, texts, e);
    arena_free(texts);
    snapshot_return(before);
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

static int64_t number_shown(const struct snapshot *s, struct str display)
{
    for (size_t i = 0; i < s->n_senders; i++)
        if (phone_same_digits(str_of(s->senders[i].display_phone), display))
            return s->senders[i].id;
    return 0;
}

void snapshot_number_events(struct snapshots *all, struct event *ev, size_t n)
{
    struct snapshot *s = NULL;
    for (size_t i = 0; i < n && all != NULL; i++) {
        if (ev[i].phone_number_id != 0 || ev[i].display_phone.n == 0)
            continue;
        s = s != NULL ? s : snapshot_borrow(all);
        ev[i].phone_number_id = number_shown(s, ev[i].display_phone);
    }
    if (s != NULL)
        snapshot_return(s);
}

size_t snapshot_senders(const struct snapshot *s, const struct sender **ret)
{
    *ret = s->senders;
    return s->n_senders;
}

const struct account *snapshot_account(const struct snapshot *s, int64_t waba)
{
    for (size_t i = 0; i < s->n_accounts; i++)
        if (s->accounts[i].waba == waba)
            return &s->accounts[i];
    return NULL;
}

const struct signature *snapshot_signature(const struct snapshot *s, uint32_t skeleton)
{
    if (s->skeleton == NULL || skeleton == 0)
        return NULL;
    const struct known_skeleton *k = skeleton_slot(s, skeleton);
    return k->number != 0 ? &k->signature : NULL;
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
