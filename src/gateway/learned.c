/* SPDX-License-Identifier: Apache-2.0
 * learned.c - compares a reading with the store and writes the difference.
 *
 * Fixed texts come before the templates they are of, so that whatever is decided about a template can be explained. Each
 * slice is a transaction of its own: a failure in the middle leaves what was written, which is true, and the reading counts
 * as not made. A row that says what the store says keeps its times; whatever is told of it later was said later, or comes
 * with a word that was. */
#include "gateway/learned.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/apply_account.h"
#include "gateway/content.h"

#define RANK      2
#define SLICE     200
#define ARENA_MAX (256u << 20)

/* --- what is new --------------------------------------------------------------------------------------------------- */

static int compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_name(const void *x, const void *y)
{
    const struct template_row *a = x, *b = y;
    int order = compare(a->name, b->name);
    return order != 0 ? order : compare(a->language, b->language);
}

static bool says_more(const struct template_row *row, const struct template_row *have)
{
    return have == NULL || (row->id != 0 && row->id != have->id) ||
           (row->status != TEMPLATE_STATUS_UNKNOWN && row->status != have->status) ||
           (row->category != CATEGORY_UNKNOWN && row->category != have->category) ||
           (row->quality.n > 0 && !str_eq(row->quality, have->quality)) ||
           (row->listing.n > 0 && !str_eq(row->listing, have->listing));
}

/* The rows that say something the store does not, as old as their list. */
static int new_templates(struct store *reader, struct arena *a, const struct learned *l, struct template_row **ret,
                         size_t *ret_n, struct err *e)
{
    struct template_row *have, *fresh = arena_new_array(a, struct template_row, l->n_rows + 1);
    size_t n_have, n = 0;
    if (fresh == NULL)
        return err_set(e, WL_ENOMEM, "the templates do not fit their memory");
    int rc = templates_list(reader, l->sender.waba, a, &have, &n_have, e);
    if (rc != 0)
        return rc;
    if (n_have > 0)
        qsort(have, n_have, sizeof *have, by_name);
    for (size_t i = 0; i < l->n_rows; i++) {
        const struct template_row *known =
            n_have > 0 ? bsearch(&l->rows[i], have, n_have, sizeof *have, by_name) : NULL;
        if (!says_more(&l->rows[i], known))
            continue;
        fresh[n] = l->rows[i];
        fresh[n++].status_at = reading_at(l->listed_at);
    }
    *ret = fresh;
    *ret_n = n;
    return 0;
}

/* The fixed texts the store does not have. */
static int new_skeletons(struct store *reader, struct arena *a, const struct learned *l, struct skeleton **ret,
                         size_t *ret_n, struct err *e)
{
    struct skeleton *all, have;
    struct err none = {0};
    size_t n_all, n = 0;
    int rc = content_skeletons(a, l->rows, l->n_rows, l->listed_at, &all, &n_all, e);
    for (size_t i = 0; i < n_all && rc == 0; i++) {
        int known = skeletons_get(reader, all[i].number, a, &have, &none);
        if (known == WL_ENOTFOUND)
            all[n++] = all[i];
        else if (known != 0) {
            *e = none;
            rc = known;
        }
    }
    *ret = all;
    *ret_n = n;
    return rc;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

struct slice {
    const struct learned *l;
    const struct template_row *rows;
    const struct skeleton *texts;
    size_t n;
};

/* The number, and what its account may do. */
static int write_number(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct learned *l = ((const struct slice *)ctx)->l;
    struct sender v = l->sender;
    struct account_word w = {.limit = l->limits.people, .portfolio = l->limits.portfolio};
    (void)now;
    v.per_second = l->limits.per_second;
    int rc = apply_number_read(s, a, &v, e);
    w.said = (w.limit >= 0 ? SAID_LIMIT : 0) | (w.portfolio > 0 ? SAID_PORTFOLIO : 0);
    if (rc == 0 && w.said != 0 && v.waba != 0)
        rc = apply_account_word(s, a, v.waba, STR(""), &w, reading_at(l->limits_at), e);
    return rc;
}

static int write_texts(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct slice *v = ctx;
    (void)a, (void)now;
    return skeletons_put(s, v->texts, v->n, e);
}

static int write_rows(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct slice *v = ctx;
    (void)a, (void)now;
    return templates_put(s, v->rows, v->n, e);
}

static size_t next_slice(size_t at, size_t n)
{
    return n - at < SLICE ? n - at : SLICE;
}

static int write_new(struct writer *w, struct store *reader, struct arena *a, const struct learned *l, struct err *e)
{
    struct template_row *rows = NULL;
    struct skeleton *texts = NULL;
    size_t n_rows = 0, n_texts = 0;
    int rc = store_begin_reading(reader, e);
    if (rc == 0)
        rc = new_templates(reader, a, l, &rows, &n_rows, e);
    if (rc == 0)
        rc = new_skeletons(reader, a, l, &texts, &n_texts, e);
    store_rollback(reader);
    for (size_t i = 0; i < n_texts && rc == 0; i += SLICE)
        rc = writer_call(w, RANK, write_texts, &(struct slice){.texts = texts + i, .n = next_slice(i, n_texts)}, e);
    for (size_t i = 0; i < n_rows && rc == 0; i += SLICE)
        rc = writer_call(w, RANK, write_rows, &(struct slice){.rows = rows + i, .n = next_slice(i, n_rows)}, e);
    return rc;
}

int learned_write(struct writer *w, struct store *reader, const struct learned *l, struct err *e)
{
    int rc = writer_call(w, RANK, write_number, &(struct slice){.l = l}, e);
    if (rc != 0 || l->n_rows == 0)
        return rc;
    struct arena *a = arena_create(ARENA_MAX);
    rc = a != NULL ? write_new(w, reader, a, l, e) : err_set(e, WL_ENOMEM, "out of memory");
    arena_free(a);
    return rc;
}
