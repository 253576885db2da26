/* SPDX-License-Identifier: Apache-2.0
 * rest_wordings.c - the wordings people were shown: all of them with how many rest on each, and one by its hash.
 *
 * A wording is named by the SHA-256 of its text, which is how the records in the ledger name it. How many events rest on each is
 * counted when somebody asks: a reader walks the ledger for at most a moment, and the answer says how far it came. */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/rest_person.h"
#include "store/wordings.h"

#define WORDINGS_SHOWN 1000
#define BUCKET         0 /* one holds everything while the spread is 1 */
#define PAGE           10000
#define PAGE_MEMORY    (4u << 20)
#define COUNT_NS       800000000

static void put_wording(struct json_out *o, const struct wording *w, const int64_t *events)
{
    char hex[SHA256_HEX];
    hex_encode(w->hash, SHA256_BYTES, hex);
    jo_object(o);
    jo_kcstr(o, "sha256", hex);
    jo_kstr(o, "language", w->language);
    rest_time(o, "first_at", w->first_at);
    if (events != NULL)
        jo_kint(o, "events", *events);
    jo_kstr(o, "text", w->text);
    jo_end(o);
}

struct tally {
    const struct wording *w;
    int64_t events;
};

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct tally *)a)->w->hash, ((const struct tally *)b)->w->hash, SHA256_BYTES);
}

static void count_page(struct tally *t, size_t n, const struct wording_use *use, size_t n_use)
{
    struct wording w;
    const struct tally key = {.w = &w};
    struct tally *last = NULL; /* neighbours often rest on the same */
    for (size_t i = 0; i < n_use; i++) {
        if (!use[i].any)
            continue;
        if (last == NULL || memcmp(last->w->hash, use[i].hash, SHA256_BYTES) != 0) {
            memcpy(w.hash, use[i].hash, SHA256_BYTES);
            last = bsearch(&key, t, n, sizeof *t, by_hash);
        }
        if (last != NULL)
            last->events++;
    }
}

/* *ret_all: the whole ledger was counted. */
static int count(struct store *s, struct tally *t, size_t n, bool *ret_all, struct err *e)
{
    struct arena *a = arena_create(PAGE_MEMORY);
    int64_t begun = clock_mono_ns(), leaf = 0;
    size_t got = PAGE;
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory") : 0;
    while (rc == 0 && got == PAGE && clock_mono_ns() - begun < COUNT_NS) {
        struct wording_use *use = NULL;
        arena_reset(a);
        rc = wordings_used(s, BUCKET, leaf, PAGE, a, &use, &got, e);
        if (rc == 0 && got > 0) {
            count_page(t, n, use, got);
            leaf = use[got - 1].leaf + 1;
        }
    }
    *ret_all = got < PAGE;
    arena_free(a);
    return rc;
}

int rest_wordings_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct wording *w;
    bool all = false;
    size_t n = 0;
    (void)now;
    int rc = wordings_list(s, WORDINGS_SHOWN, a, &w, &n, e);
    struct tally *t = rc == 0 ? arena_array(a, n + 1, sizeof *t) : NULL;
    if (rc == 0 && t == NULL)
        rc = err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
    for (size_t i = 0; rc == 0 && i < n; i++)
        t[i] = (struct tally){&w[i], 0};
    if (rc == 0) {
        qsort(t, n, sizeof *t, by_hash);
        rc = count(s, t, n, &all, e);
    }
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    jo_key(&c->out, "wordings");
    jo_array(&c->out);
    for (size_t i = 0; i < n; i++) {
        const struct tally key = {.w = &w[i]};
        const struct tally *mine = bsearch(&key, t, n, sizeof *t, by_hash);
        put_wording(&c->out, &w[i], mine != NULL ? &mine->events : NULL);
    }
    jo_end(&c->out);
    jo_kbool(&c->out, "counted_all", all);
    jo_end(&c->out);
    return 0;
}

int rest_wording(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    uint8_t hash[SHA256_BYTES];
    struct err why = {0};
    struct wording w;
    (void)now;
    if (!rest_read_hash(c->param, hash))
        return rest_wrong(c, WL_EINVAL, "sha256", "a wording is named by the 64 hex digits of its SHA-256");
    int rc = wording_get(s, hash, a, &w, &why);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "no wording with this SHA-256 is known");
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    put_wording(&c->out, &w, NULL);
    return 0;
}
