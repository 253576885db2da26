/* SPDX-License-Identifier: Apache-2.0
 * audience_rows.c - seven tables walked side by side along (bucket, contact).
 *
 * People lead; activity, names, attributes, tags and sources follow, each a cursor of its own that is moved on to whoever the leader
 * is at. What belongs to nobody (a row of somebody who was merged away a moment ago) is passed over. Names come from their index alone;
 * those a person has left stand in a partial index, which is nearly empty, and are walked beside it. */
#include "store/audience_rows.h"

#include <limits.h>
#include <string.h>

#include "store/campaigns.h"
#include "store/db.h"

STATEMENT(audience_people_after,
          "SELECT id, created_at, undeliverable_at, consent, name, lang, zone, restricted_until FROM person "
          "WHERE bucket = $1 AND id > $2 AND merged_into = 0 ORDER BY id LIMIT $3");
STATEMENT(audience_activities,
          "SELECT contact, state FROM activity WHERE bucket = $1 AND contact > $2 ORDER BY contact LIMIT $3");
STATEMENT(audience_names, "SELECT contact, kind, value FROM person_identity WHERE bucket = $1 AND contact > $2 "
                          "ORDER BY contact, added_at, tenant, kind, value LIMIT $3");
STATEMENT(audience_names_left, "SELECT contact, kind, value FROM person_identity WHERE bucket = $1 AND contact > $2 "
                               "AND replaced_at <> 0 ORDER BY contact LIMIT $3");
STATEMENT(audience_attributes, "SELECT contact, name, value FROM attribute WHERE bucket = $1 AND contact > $2 "
                               "ORDER BY contact, name LIMIT $3");
STATEMENT(audience_tags,
          "SELECT contact, tag FROM tag WHERE bucket = $1 AND contact > $2 ORDER BY contact, tag LIMIT $3");
STATEMENT(audience_sources, "SELECT contact, source, at FROM contact_source WHERE bucket = $1 AND contact > $2 "
                            "ORDER BY contact, source LIMIT $3");
STATEMENT(audience_source_names, "SELECT id, name FROM import_source WHERE id > $1 ORDER BY id LIMIT $2");
STATEMENT(audience_marks,
          "SELECT r.place, r.contact, r.skip, r.told, m.state, m.seen, m.life FROM campaign_recipient r "
          "LEFT JOIN msg m ON m.bucket = r.bucket AND m.id = r.msg WHERE r.bucket = $1 AND r.campaign = $2 "
          "AND r.place > $3 ORDER BY r.place LIMIT $4");

enum { ACTIVITY, NAME, NAME_LEFT, ATTRIBUTE, TAG, SOURCE, SIDES };
static const struct statement *const side_statement[SIDES] = {&audience_activities, &audience_names,
                                                              &audience_names_left, &audience_attributes,
                                                              &audience_tags,       &audience_sources};

#define PERSON_MEMORY (16u << 20) /* what one person can be, a hundred times over */
#define SOURCES_PAGE  1000

struct side {
    struct db_stmt *q;
    int64_t contact; /* of the row at hand; INT64_MAX: there is none any more */
};

struct dated {
    int64_t source, at;
};

struct walk {
    struct side side[SIDES];
    struct arena *a; /* of the person at hand */
    struct consent_state consent;
    struct activity activity;
    struct identity *left; /* names the person has left */
    size_t n_left;
};

/* --- the sides -------------------------------------------------------------------------------------------------------- */

static int side_step(struct side *v, struct err *e)
{
    int rc = db_step(v->q, e);
    v->contact = rc == 1 ? col_i64(v->q) : INT64_MAX;
    return rc < 0 ? rc : 0;
}

/* Moves on to this person. *ret: there is a row of theirs, which can be read. */
static int side_seek(struct side *v, int64_t contact, bool *ret, struct err *e)
{
    int rc = 0;
    while (rc == 0 && v->contact < contact)
        rc = side_step(v, e);
    *ret = rc == 0 && v->contact == contact;
    return rc;
}

static int sides_open(struct store *s, struct walk *w, int bucket, int64_t after, struct err *e)
{
    int rc = 0;
    for (int i = 0; i < SIDES && rc == 0; i++) {
        rc = db_prepare(s, side_statement[i], &w->side[i].q, e);
        if (rc != 0)
            break;
        db_i64(w->side[i].q, bucket);
        db_i64(w->side[i].q, after);
        db_i64(w->side[i].q, INT64_MAX);
        rc = side_step(&w->side[i], e);
    }
    return rc;
}

static void sides_close(struct walk *w)
{
    for (int i = 0; i < SIDES; i++)
        if (w->side[i].q != NULL)
            db_reset(w->side[i].q);
}

/* --- one person ------------------------------------------------------------------------------------------------------- */

static int too_much(struct err *e)
{
    return err_set(e, WL_ENOMEM, "what is known of one person is larger than its memory limit");
}

static int read_activity(struct walk *w, struct audience_person *p, struct err *e)
{
    bool there;
    int rc = side_seek(&w->side[ACTIVITY], p->id, &there, e);
    if (rc != 0 || !there)
        return rc;
    struct str packed = col_blob(w->side[ACTIVITY].q);
    w->activity = (struct activity){.since = 0};
    if (packed.n > 0 && activity_unpack(packed.p, packed.n, &w->activity) != 0)
        return err_set(e, WL_EIO, "database: the activity of a person cannot be read");
    p->activity = &w->activity;
    return 0;
}

static int read_names_left(struct walk *w, int64_t id, struct err *e)
{
    struct side *v = &w->side[NAME_LEFT];
    size_t cap = 0;
    bool there;
    int rc = side_seek(v, id, &there, e);
    w->left = NULL;
    w->n_left = 0;
    while (rc == 0 && there) {
        struct identity *grown = arena_grow(w->a, w->left, w->n_left, &cap, SIZE_MAX, sizeof *grown);
        if (grown == NULL)
            return too_much(e);
        w->left = grown;
        grown[w->n_left].kind = (enum identity_kind)col_i64(v->q);
        col_chars(v->q, grown[w->n_left++].value, sizeof grown->value);
        rc = side_step(v, e);
        there = rc == 0 && v->contact == id;
    }
    return rc;
}

static bool is_left(const struct walk *w, int kind, struct str value)
{
    for (size_t i = 0; i < w->n_left; i++)
        if ((int)w->left[i].kind == kind && str_eq(str_of(w->left[i].value), value))
            return true;
    return false;
}

/* The first number counts, else the first user id. */
static void take_name(struct audience_person *p, int kind, struct str value)
{
    bool better = p->phone.kind == IDENTITY_NONE || (kind == IDENTITY_PHONE && p->phone.kind != IDENTITY_PHONE);
    p->named = true;
    if (!better || value.n >= sizeof p->phone.value)
        return;
    p->phone.kind = (enum identity_kind)kind;
    memcpy(p->phone.value, value.p, value.n);
    p->phone.value[value.n] = '\0';
}

static int read_names(struct walk *w, struct audience_person *p, struct err *e)
{
    struct side *v = &w->side[NAME];
    bool there;
    int rc = read_names_left(w, p->id, e);
    if (rc == 0)
        rc = side_seek(v, p->id, &there, e);
    while (rc == 0 && there) {
        int kind = col_int(v->q);
        struct str value = col_text(v->q);
        if ((kind == IDENTITY_PHONE || kind == IDENTITY_USER_ID) && !is_left(w, kind, value))
            take_name(p, kind, value);
        rc = side_step(v, e);
        there = rc == 0 && v->contact == p->id;
    }
    return rc;
}

static int read_attributes(struct walk *w, struct audience_person *p, struct err *e)
{
    struct side *v = &w->side[ATTRIBUTE];
    struct audience_pair *pairs = NULL;
    size_t cap = 0;
    bool there;
    int rc = side_seek(v, p->id, &there, e);
    while (rc == 0 && there) {
        pairs = arena_grow(w->a, pairs, p->n_attributes, &cap, SIZE_MAX, sizeof *pairs);
        if (pairs == NULL)
            return too_much(e);
        rc = col_copy(v->q, w->a, &pairs[p->n_attributes].name, e);
        if (rc == 0)
            rc = col_copy(v->q, w->a, &pairs[p->n_attributes++].value, e);
        if (rc == 0)
            rc = side_step(v, e);
        there = rc == 0 && v->contact == p->id;
    }
    p->attribute = pairs;
    return rc;
}

static int read_tags(struct walk *w, struct audience_person *p, struct err *e)
{
    struct side *v = &w->side[TAG];
    struct str *tags = NULL;
    size_t cap = 0;
    bool there;
    int rc = side_seek(v, p->id, &there, e);
    while (rc == 0 && there) {
        tags = arena_grow(w->a, tags, p->n_tags, &cap, SIZE_MAX, sizeof *tags);
        if (tags == NULL)
            return too_much(e);
        rc = col_copy(v->q, w->a, &tags[p->n_tags++], e);
        if (rc == 0)
            rc = side_step(v, e);
        there = rc == 0 && v->contact == p->id;
    }
    p->tag = tags;
    return rc;
}

/* The earliest first; there are few. */
static void sort_by_time(struct dated *d, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct dated v = d[i];
        size_t k = i;
        for (; k > 0 && d[k - 1].at > v.at; k--)
            d[k] = d[k - 1];
        d[k] = v;
    }
}

static int read_sources(struct walk *w, struct audience_person *p, struct err *e)
{
    struct side *v = &w->side[SOURCE];
    struct dated *d = NULL;
    size_t cap = 0, n = 0;
    bool there;
    int rc = side_seek(v, p->id, &there, e);
    while (rc == 0 && there) {
        d = arena_grow(w->a, d, n, &cap, SIZE_MAX, sizeof *d);
        if (d == NULL)
            return too_much(e);
        d[n].source = col_i64(v->q);
        d[n++].at = col_i64(v->q);
        rc = side_step(v, e);
        there = rc == 0 && v->contact == p->id;
    }
    if (rc != 0 || n == 0)
        return rc;
    int64_t *ids = arena_array(w->a, n, sizeof *ids);
    if (ids == NULL)
        return too_much(e);
    sort_by_time(d, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = d[i].source;
    p->source = ids;
    p->n_sources = n;
    return 0;
}

/* The row itself. Its texts are good until the next one. */
static int read_person(struct db_stmt *q, struct walk *w, struct audience_person *p, struct err *e)
{
    p->id = col_i64(q);
    p->created_at = col_i64(q);
    p->undeliverable_at = col_i64(q);
    struct str packed = col_blob(q);
    if (consent_unpack(packed.p, packed.n, &w->consent) != 0)
        return err_set(e, WL_EIO, "database: the consent state of a person cannot be read");
    p->consent = &w->consent;
    p->name = col_text(q);
    p->lang = col_text(q);
    p->zone = col_text(q);
    p->restricted = col_i64(q) != 0;
    return 0;
}

static int read_whole(struct db_stmt *q, struct walk *w, struct audience_person *p, struct err *e)
{
    int rc = read_person(q, w, p, e);
    if (rc == 0)
        rc = read_activity(w, p, e);
    if (rc == 0)
        rc = read_names(w, p, e);
    if (rc == 0)
        rc = read_attributes(w, p, e);
    if (rc == 0)
        rc = read_tags(w, p, e);
    return rc == 0 ? read_sources(w, p, e) : rc;
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

struct page {
    int (*each)(void *ctx, const struct audience_person *p, struct err *e);
    void *ctx;
    int64_t last;
    size_t n;
};

static int walk_people(struct db_stmt *q, struct walk *w, struct page *page, struct err *e)
{
    int rc = 0;
    while (rc == 0 && (rc = db_step(q, e)) == 1) {
        struct audience_person p = {.phone.kind = IDENTITY_NONE};
        arena_reset(w->a);
        rc = read_whole(q, w, &p, e);
        if (rc == 0)
            rc = page->each(page->ctx, &p, e);
        page->last = p.id;
        page->n++;
    }
    return rc;
}

static int walk_page(struct store *s, struct walk *w, int bucket, int64_t after, size_t max, struct page *page,
                     struct err *e)
{
    struct db_stmt *q;
    int rc = sides_open(s, w, bucket, after, e);
    if (rc == 0)
        rc = db_prepare(s, &audience_people_after, &q, e);
    if (rc == 0) {
        db_i64(q, bucket);
        db_i64(q, after);
        db_i64(q, (int64_t)max);
        rc = walk_people(q, w, page, e);
        db_reset(q);
    }
    sides_close(w);
    return rc;
}

int audience_rows(struct store *s, int bucket, int64_t after, size_t max, struct arena *a,
                  int (*each)(void *ctx, const struct audience_person *p, struct err *e), void *ctx, int64_t *ret_last,
                  size_t *ret_n, struct err *e)
{
    struct page page = {.each = each, .ctx = ctx, .last = after};
    struct walk *w = arena_new(a, struct walk);
    if (w == NULL || (w->a = arena_create(PERSON_MEMORY)) == NULL)
        return too_much(e);
    int rc = walk_page(s, w, bucket, after, max, &page, e);
    arena_free(w->a);
    if (rc == 0) {
        *ret_last = page.last;
        *ret_n = page.n;
    }
    return rc;
}

/* --- files and campaigns ---------------------------------------------------------------------------------------------- */

struct named {
    int64_t id;
    struct str name;
};

static int read_named(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct named *v = row;
    v->id = col_i64(q);
    return col_copy(q, a, &v->name, e);
}

int audience_row_sources(struct store *s, struct arena *a,
                         int (*each)(void *ctx, int64_t id, struct str name, struct err *e), void *ctx, struct err *e)
{
    struct named *v = NULL;
    size_t n = SOURCES_PAGE;
    int64_t after = 0;
    int rc = 0;
    while (rc == 0 && n == SOURCES_PAGE) {
        struct db_stmt *q;
        rc = db_prepare(s, &audience_source_names, &q, e);
        if (rc != 0)
            break;
        db_i64(q, after);
        db_i64(q, SOURCES_PAGE);
        rc = db_rows(q, a, SOURCES_PAGE, sizeof *v, read_named, &v, &n, e);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = each(ctx, v[i].id, v[i].name, e);
        after = rc == 0 && n > 0 ? v[n - 1].id : after;
    }
    return rc;
}

/* What became of a message; state 0: there is none. */
static unsigned marks_of(int state, uint32_t seen, int64_t bits)
{
    const uint32_t arrived = SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED,
                   had = arrived | SEEN_SENT | SEEN_FAILED | SEEN_HELD;
    const unsigned ended = 1u << LIFE_REFUSED | 1u << LIFE_REJECTED | 1u << LIFE_UNSENT | 1u << LIFE_FAILED |
                           1u << LIFE_EXPIRED | 1u << LIFE_CANCELLED;
    struct life l = {.state = (uint8_t)state};
    unsigned marks = 0;
    if (state == 0)
        return 0;
    life_set_bits(&l, bits);
    if (l.accepted != 0 || (seen & had) != 0)
        marks |= AUDIENCE_SENT;
    if (l.delivered || (seen & arrived) != 0)
        marks |= AUDIENCE_DELIVERED;
    if ((seen & (SEEN_READ | SEEN_PLAYED)) != 0)
        marks |= AUDIENCE_READ;
    if ((marks & AUDIENCE_DELIVERED) == 0 && (ended >> state & 1) != 0)
        marks |= AUDIENCE_FAILED;
    return marks;
}

static unsigned told_marks(int64_t told)
{
    return ((told & (TOLD_REPLIED | TOLD_CLICKED)) != 0 ? AUDIENCE_REPLIED : 0u) |
           ((told & TOLD_OPTED_OUT) != 0 ? AUDIENCE_OPTED_OUT : 0u);
}

int audience_row_marks(struct store *s, int bucket, int64_t campaign, int64_t after, size_t max,
                       int (*each)(void *ctx, int64_t contact, unsigned marks, struct err *e), void *ctx,
                       int64_t *ret_last, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int64_t last = after;
    size_t n = 0;
    int rc = db_prepare(s, &audience_marks, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, campaign);
    db_i64(q, after);
    db_i64(q, (int64_t)max);
    while (rc == 0 && (rc = db_step(q, e)) == 1) {
        last = col_i64(q);
        int64_t contact = col_i64(q), skip = col_i64(q), told = col_i64(q);
        int state = col_int(q);
        uint32_t seen = (uint32_t)col_i64(q);
        unsigned marks = skip != 0 ? 0 : marks_of(state, seen, col_i64(q)) | told_marks(told);
        rc = each(ctx, contact, AUDIENCE_IN_CAMPAIGN | marks, e);
        n++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_last = last;
    *ret_n = n;
    return 0;
}
