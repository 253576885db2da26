/* SPDX-License-Identifier: Apache-2.0
 * people_list.c - walking people, or those with a tag, along a key.
 *
 * People who are to be erased are in no list. What is decided by time (a class, how long somebody is idle) is asked of core/activity.h row by row: no index could hold it, and
 * it would cost every status more than a list ever does. So a call looks at a bounded number of rows and says where to go on. */
#include "store/people_list.h"

#include "store/db.h"

STATEMENT(people_after,
          "SELECT p.id, p.created_at, p.consent, p.name, p.lang, p.restricted_until, a.state FROM person p "
          "LEFT JOIN activity a ON a.bucket = p.bucket AND a.contact = p.id WHERE p.bucket = $1 AND p.id > $2 AND "
          "p.merged_into = 0 ORDER BY p.id LIMIT $3");
STATEMENT(tagged_after,
          "SELECT p.id, p.created_at, p.consent, p.name, p.lang, p.restricted_until, a.state FROM tag t "
          "JOIN person p ON p.bucket = t.bucket AND p.id = t.contact LEFT JOIN activity a ON a.bucket = t.bucket AND "
          "a.contact = t.contact WHERE t.bucket = $1 AND t.tag = $2 AND t.contact > $3 ORDER BY t.contact LIMIT $4");
STATEMENT(person_attribute, "SELECT value FROM attribute WHERE bucket = $1 AND contact = $2 AND name = $3");

static int read_row(struct db_stmt *q, struct listed_person *p, struct err *e)
{
    p->id = col_i64(q);
    p->created_at = col_i64(q);
    struct str packed = col_blob(q);
    if (consent_unpack(packed.p, packed.n, &p->consent) != 0)
        return err_set(e, WL_EIO, "database: the consent state of a person cannot be read");
    col_chars(q, p->name, sizeof p->name);
    col_chars(q, p->lang, sizeof p->lang);
    p->restricted_until = col_i64(q);
    packed = col_blob(q);
    p->a = (struct activity){.since = 0};
    if (packed.p != NULL && packed.n > 0 && activity_unpack(packed.p, packed.n, &p->a) != 0)
        return err_set(e, WL_EIO, "database: the activity of a person cannot be read");
    return 0;
}

static bool fits(const struct people_filter *f, const struct listed_person *p, int64_t now)
{
    int64_t alive = activity_alive(&p->a), known = alive != 0 ? alive : p->created_at;
    return p->restricted_until == 0 &&
           (f->classes == 0 || (f->classes >> activity_class_of(&p->a, &f->horizons, now) & 1)) &&
           (f->idle_since == 0 || known <= f->idle_since) && (f->alive_since == 0 || alive >= f->alive_since);
}

static int has_attributes(struct store *s, const struct people_filter *f, const struct listed_person *p, bool *ret,
                          struct err *e)
{
    *ret = true;
    for (size_t i = 0; i < f->n_attributes && *ret; i++) {
        struct db_stmt *q;
        int rc = db_prepare(s, &person_attribute, &q, e);
        if (rc != 0)
            return rc;
        db_i64(q, p->bucket);
        db_i64(q, p->id);
        db_text(q, f->attribute[i].name);
        rc = db_step(q, e);
        if (rc < 0)
            return rc;
        *ret = rc == 1 && (f->attribute[i].value.p == NULL || str_eq(col_text(q), f->attribute[i].value));
        db_reset(q);
    }
    return 0;
}

static int start(struct store *s, int bucket, const struct people_filter *f, int64_t after, struct db_stmt **ret,
                 struct err *e)
{
    int rc = db_prepare(s, f->tag.p != NULL ? &tagged_after : &people_after, ret, e);
    if (rc != 0)
        return rc;
    db_i64(*ret, bucket);
    if (f->tag.p != NULL)
        db_text(*ret, f->tag);
    db_i64(*ret, after);
    db_i64(*ret, PEOPLE_SCAN_MAX);
    return 0;
}

struct page {
    struct listed_person *rows;
    size_t n, cap, seen;
    int64_t last; /* id looked at last */
};

static int fill_page(struct store *s, struct db_stmt *q, int bucket, const struct people_filter *f, int64_t now,
                     struct arena *a, size_t max, struct page *page, struct err *e)
{
    int rc = 0;
    while (page->n < max && (rc = db_step(q, e)) == 1) {
        struct listed_person p = {.bucket = bucket};
        bool wanted = false;
        rc = read_row(q, &p, e);
        if (rc != 0)
            return rc;
        page->seen++;
        page->last = p.id;
        rc = fits(f, &p, now) ? has_attributes(s, f, &p, &wanted, e) : 0;
        if (rc != 0)
            return rc;
        if (!wanted)
            continue;
        struct listed_person *grown = arena_grow(a, page->rows, page->n, &page->cap, max, sizeof *grown);
        if (grown == NULL)
            return err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
        grown[page->n++] = p;
        page->rows = grown;
    }
    return rc < 0 ? rc : 0;
}

int people_list(struct store *s, int bucket, const struct people_filter *f, int64_t after, int64_t now, struct arena *a,
                size_t max, struct listed_person **ret, size_t *ret_n, int64_t *ret_next, struct err *e)
{
    struct page page = {.n = 0};
    struct db_stmt *q;
    int rc = start(s, bucket, f, after, &q, e);
    if (rc != 0)
        return rc;
    rc = fill_page(s, q, bucket, f, now, a, max, &page, e);
    db_reset(q);
    if (rc != 0)
        return rc;
    *ret = page.rows;
    *ret_n = page.n;
    *ret_next = page.n == max || page.seen == PEOPLE_SCAN_MAX ? page.last : 0;
    return 0;
}
