/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_hash.c - the hash of a plan: made by the check, and worked out anew from what the database holds when somebody asks.
 *
 * It goes over the definition, the report, what the monitors tolerate, the audience, and every row with whom it is for, so that two people's
 * words that were swapped show like any other change. A person may turn out to be one with somebody else since, which is no change of
 * the plan: whoever is not of the audience and was merged with one who is counts as that one. Whose row has nobody any more was
 * erased, or merged with another recipient: then the hash cannot be worked out, and the number of those rows says so. */
#include <roaring/roaring.h>
#include <string.h>

#include "base/digest.h"
#include "gateway/campaign_check_impl.h"
#include "store/erasures.h"

#define PIECE       1000
#define ROWS_MEMORY (32u << 20)
#define CHECK_BYTES (512u << 20)

static void add_int(struct sha256_state *h, int64_t v)
{
    uint8_t text[8];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i) & 0xff);
    sha256_add(h, text, sizeof text);
}

static void add_str(struct sha256_state *h, struct str s)
{
    add_int(h, (int64_t)s.n);
    if (s.n > 0)
        sha256_add(h, s.p, s.n);
}

void plan_row(struct sha256_state *h, const struct campaign_recipient *r)
{
    add_int(h, r->place);
    add_int(h, r->contact);
    add_int(h, r->sender);
    add_int(h, r->stratum);
    add_int(h, r->variant);
    add_int(h, r->skip);
    add_str(h, r->language);
    add_str(h, r->rule);
    add_str(h, r->params);
}

void plan_hash(const struct campaign_row *row, struct str report, struct str terms,
               const uint8_t audience[SHA256_BYTES], const uint8_t rows[SHA256_BYTES], uint8_t ret[SHA256_BYTES])
{
    struct sha256_state *h = sha256_begin();
    add_str(h, STR("wayleave-campaign-plan-1"));
    add_int(h, row->id);
    add_str(h, row->definition);
    add_str(h, report);
    add_str(h, terms);
    sha256_add(h, audience, SHA256_BYTES);
    sha256_add(h, rows, SHA256_BYTES);
    sha256_end(h, ret);
}

/* --- who was meant -------------------------------------------------------------------------------------------------- */

/* The snapshot of an audience (core/audience_snapshot.c), by the upper half of ids. */
struct meant {
    size_t n;
    struct part {
        uint32_t half;
        roaring_bitmap_t *low;
    } * part;
};

static void meant_free(struct meant *m)
{
    for (size_t i = 0; i < m->n; i++)
        roaring_bitmap_free(m->part[i].low);
    m->n = 0;
}

/* What cannot be read means nobody: its hash shows that it is not what it was. */
static void meant_read(struct str bytes, struct arena *a, struct meant *ret)
{
    uint64_t halves = 0;
    *ret = (struct meant){.n = 0};
    if (bytes.n < sizeof halves)
        return;
    memcpy(&halves, bytes.p, sizeof halves);
    size_t at = sizeof halves;
    if (halves > bytes.n / 4 || (ret->part = arena_new_array(a, struct part, (size_t)halves + 1)) == NULL)
        return;
    for (; ret->n < halves && bytes.n - at > 4; ret->n++) {
        struct part *p = &ret->part[ret->n];
        memcpy(&p->half, bytes.p + at, 4);
        size_t left = bytes.n - at - 4, size = roaring_bitmap_portable_deserialize_size(bytes.p + at + 4, left);
        p->low = size > 0 ? roaring_bitmap_portable_deserialize_safe(bytes.p + at + 4, left) : NULL;
        if (p->low == NULL)
            return;
        at += 4 + size;
    }
}

static bool is_meant(const struct meant *m, int64_t contact)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->part[i].half == (uint32_t)((uint64_t)contact >> 32))
            return roaring_bitmap_contains(m->part[i].low, (uint32_t)contact);
    return false;
}

/* Who they were when the plan was made. */
static int who_was(struct store *reader, const struct meant *m, int64_t *contact, struct err *e)
{
    struct lives lives;
    if (*contact == 0 || is_meant(m, *contact))
        return 0;
    lives.n = 0;
    int rc = lives_of(reader, CHECK_BUCKET, *contact, &lives, e);
    for (size_t i = 0; i < lives.n && rc == 0; i++)
        if (is_meant(m, lives.id[i])) {
            *contact = lives.id[i];
            break;
        }
    return rc == WL_ENOTFOUND ? 0 : rc;
}

/* --- anew ----------------------------------------------------------------------------------------------------------- */

static int hash_rows(struct store *reader, int64_t campaign, const struct meant *m, struct arena *a,
                     struct sha256_state *h, int64_t *ret_erased, struct err *e)
{
    struct campaign_recipient *r;
    int64_t place = 1;
    size_t n = PIECE;
    int rc = 0;
    while (rc == 0 && n == PIECE) {
        arena_reset(a);
        rc = recipients_read(reader, CHECK_BUCKET, campaign, place, a, PIECE, &r, &n, e);
        for (size_t i = 0; i < n && rc == 0; i++) {
            *ret_erased += r[i].contact == 0;
            place = r[i].place + 1;
            rc = who_was(reader, m, &r[i].contact, e);
            plan_row(h, &r[i]);
        }
    }
    return rc;
}

int campaign_plan_hash(struct store *reader, const struct campaign_row *c, uint8_t ret[SHA256_BYTES],
                       int64_t *ret_erased, struct err *e)
{
    struct campaign_check_row k = {0};
    struct arena *whole = arena_create(CHECK_BYTES), *page = arena_create(ROWS_MEMORY);
    uint8_t rows[SHA256_BYTES], audience[SHA256_BYTES];
    struct sha256_state *h = sha256_begin();
    struct meant m = {.n = 0};
    int64_t erased = 0;
    int rc = whole != NULL && page != NULL ? campaign_check_get(reader, c->id, whole, &k, e)
                                           : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = campaign_audience_get(reader, c->id, whole, &k.audience, e);
    if (rc == 0) {
        meant_read(k.audience, whole, &m);
        rc = hash_rows(reader, c->id, &m, page, h, &erased, e);
    }
    sha256_end(h, rows);
    if (rc == 0) {
        sha256(k.audience.p, k.audience.n, audience);
        if (memcmp(audience, k.audience_hash, SHA256_BYTES) != 0) /* one of them is not what it was */
            memset(audience, 0, sizeof audience);
        plan_hash(c, k.report, k.terms, audience, rows, ret);
        *ret_erased = erased;
    }
    meant_free(&m);
    arena_free(page);
    arena_free(whole);
    return rc;
}
