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
           (row->listing.n > 0 && (!str_eq(row->listing, have->listing) || have->components_at >= have->listed_at));
}

/* A template of an earlier list that is not on this one. Archived ones are on none. */
static bool is_gone(const struct learned *l, const struct template_row *in_order, const struct template_row *have)
{
    return l->all && have->listing.n > 0 && have->status != TEMPLATE_DELETED && have->status != TEMPLATE_ARCHIVED &&
           have->status_at <= reading_at(l->listed_at) && have->updated_at < l->listed_at &&
           (l->n_rows == 0 || bsearch(have, in_order, l->n_rows, sizeof *have, by_name) == NULL);
}

/* The rows that say something the store does not, as old as their list, and those it has too many. */
static int new_templates(struct store *reader, struct arena *a, const struct learned *l, struct template_row **ret,
                         size_t *ret_n, struct err *e)
{
    struct template_row *have, *fresh, *in_order;
    size_t n_have, n = 0;
    int rc = templates_list(reader, l->waba, a, &have, &n_have, e);
    if (rc != 0)
        return rc;
    fresh = arena_new_array(a, struct template_row, l->n_rows + n_have + 1);
    in_order = arena_new_array(a, struct template_row, l->n_rows + 1);
    if (fresh == NULL || in_order == NULL)
        return err_set(e, WL_ENOMEM, "the templates do not fit their memory");
    if (l->n_rows > 0) {
        memcpy(in_order, l->rows, l->n_rows * sizeof *in_order);
        qsort(in_order, l->n_rows, sizeof *in_order, by_name);
    }
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
    for (size_t i = 0; i < n_have; i++)
        if (is_gone(l, in_order, &have[i]))
            fresh[n++] = (struct template_row){.waba = have[i].waba,
                                               .name = have[i].name,
                                               .language = have[i].language,
                                               .status = TEMPLATE_DELETED,
                                               .updated_at = l->listed_at,
                                               .status_at = reading_at(l->listed_at)};
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

/* The number with what it says of its account's limit, and the account. */
static int write_objects(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct learned *l = ((const struct slice *)ctx)->l;
    const struct account_word w = {.said = SAID_LIMIT, .limit = l->people};
    int rc = l->sender.id != 0 ? apply_number_read(s, a, &l->sender, e) : 0;
    (void)now;
    if (rc == 0 && l->people >= 0 && l->sender.waba != 0)
        rc = apply_account_word(s, a, l->sender.waba, STR(""), &w, reading_at(l->sender.updated_at), e);
    return rc == 0 && l->account.waba != 0 ? apply_account_read(s, a, &l->account, e) : rc;
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

static int write_new(struct writer *w, struct store *reader, struct arena *a, const struct learned *l, size_t *ret_new,
                     struct err *e)
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
    *ret_new = n_rows;
    return rc;
}

int learned_write(struct writer *w, struct store *reader, const struct learned *l, size_t *ret_new, struct err *e)
{
    size_t n = 0;
    int rc =
        l->sender.id != 0 || l->account.waba != 0 ? writer_call(w, RANK, write_objects, &(struct slice){.l = l}, e) : 0;
    if (rc == 0 && l->listed_at != 0) {
        struct arena *a = arena_create(ARENA_MAX);
        rc = a != NULL ? write_new(w, reader, a, l, &n, e) : err_set(e, WL_ENOMEM, "out of memory");
        arena_free(a);
    }
    if (rc == 0 && ret_new != NULL)
        *ret_new = n;
    return rc;
}
