/* SPDX-License-Identifier: Apache-2.0
 * rest_segments_rows.c - people of a segment as rows: who they are by now, what the business says of them, what they may be sent.
 *
 * Which people is the read model's word, what is said of each is read from the database: somebody who was erased, is to be, or turned
 * out to be somebody else since then is left out. Where the people of a page lie close together they are read in one walk along
 * the key, else each on their own. A sample is for looking at, and shows of a number its country and its last two digits. */
#include <roaring/roaring.h>
#include <stdio.h>

#include "core/phone_number.h"
#include "gateway/rest_contact.h"
#include "gateway/rest_segment.h"
#include "store/audience_rows.h"

#define BUCKET     0 /* one holds everything while the spread is 1 */
#define WALK_TIMES 4 /* people walked past for one that is wanted */
#define WALK_MORE  16
#define TAIL       2 /* digits of a masked number that are shown */
#define TAIL_FROM  9 /* of one that has so many */

struct rows {
    struct segment_ask *q;
    const uint32_t *ordinal;
    size_t n, at; /* those below `at` are done */
    bool masked;
    roaring_bitmap_t *may[SEGMENT_CATEGORIES];
};

/* "+49*****67": the country code, where there is one, and the last two digits. */
static void put_phone(struct rows *r, const struct identity *phone)
{
    char text[IDENTITY_MAX + 40];
    struct phone_number n = {.code = 0};
    size_t digits = strlen(phone->value);
    int64_t e164 = 0;
    snprintf(text, sizeof text, "+%s", phone->value);
    if (r->masked) {
        bool known =
            str_i64(str_of(phone->value), &e164) && phone_number_of_e164(&r->q->c->g->phones, (uint64_t)e164, &n);
        const char *tail = digits >= TAIL_FROM ? phone->value + digits - TAIL : "";
        char code[8] = "";
        if (known)
            snprintf(code, sizeof code, "%u", n.code);
        snprintf(text, sizeof text, "+%s*****%s", code, tail);
    }
    jo_kcstr(&r->q->c->out, "phone", text);
}

static void put_said(struct json_out *o, const struct audience_person *p)
{
    jo_key(o, "tags");
    jo_array(o);
    for (size_t i = 0; i < p->n_tags; i++)
        jo_str(o, p->tag[i]);
    jo_end(o);
    jo_key(o, "attributes");
    jo_object(o);
    for (size_t i = 0; i < p->n_attributes; i++) {
        jo_key_str(o, p->attribute[i].name);
        jo_str(o, p->attribute[i].value);
    }
    jo_end(o);
}

static void put_reachable(struct rows *r, uint32_t ordinal)
{
    struct json_out *o = &r->q->c->out;
    jo_key(o, "reachable");
    jo_array(o);
    for (size_t i = 0; i < SEGMENT_CATEGORIES; i++)
        if (roaring_bitmap_contains(r->may[i], ordinal))
            jo_cstr(o, category_name(segment_category[i]));
    jo_end(o);
}

static void put_row(struct rows *r, const struct audience_person *p, uint32_t ordinal)
{
    static const struct activity nothing = {.since = 0};
    const struct person named = {.bucket = BUCKET, .id = p->id};
    struct json_out *o = &r->q->c->out;
    char id[48];
    rest_contact_id(&named, id);
    jo_object(o);
    jo_kcstr(o, "id", id);
    if (p->phone.kind == IDENTITY_PHONE)
        put_phone(r, &p->phone);
    else if (p->phone.kind == IDENTITY_USER_ID)
        jo_kcstr(o, "user_id", p->phone.value);
    jo_kstr(o, "name", p->name);
    jo_kstr(o, "lang", p->lang);
    jo_kcstr(o, "country", audience_country(r->q->au, ordinal));
    rest_time(o, "created_at", p->created_at);
    rest_activity_members(o, p->activity != NULL ? p->activity : &nothing, rest_is_stopped(p->consent), &activity_usual,
                          r->q->now);
    put_reachable(r, ordinal);
    put_said(o, p);
    jo_end(o);
}

static int each_person(void *ctx, const struct audience_person *p, struct err *e)
{
    struct rows *r = ctx;
    (void)e;
    while (r->at < r->n && audience_contact(r->q->au, r->ordinal[r->at]) < p->id)
        r->at++;
    if (r->at == r->n || audience_contact(r->q->au, r->ordinal[r->at]) != p->id)
        return 0;
    uint32_t ordinal = r->ordinal[r->at++];
    if (!p->restricted)
        put_row(r, p, ordinal);
    return 0;
}

/* From the first of the page on until the last was met, or somebody behind them: whoever is to be erased has a row and no ordinal, so
 * how many rows lie between is not known. */
static int walk(struct rows *r, struct err *e)
{
    int64_t last = audience_contact(r->q->au, r->ordinal[0]) - 1;
    size_t most, n;
    int rc;
    do {
        most = (size_t)(r->ordinal[r->n - 1] - r->ordinal[r->at]) + 1 + WALK_MORE;
        rc = audience_rows(r->q->s, BUCKET, last, most, r->q->a, each_person, r, &last, &n, e);
    } while (rc == 0 && n == most && r->at < r->n);
    return rc;
}

/* Each alone: of somebody who has gone the next one is read, whose own turn comes. */
static int look_up(struct rows *r, struct err *e)
{
    const size_t all = r->n;
    int rc = 0;
    for (size_t i = 0; i < all && rc == 0; i++) {
        int64_t last = 0, before = audience_contact(r->q->au, r->ordinal[i]) - 1;
        size_t n;
        r->at = i;
        r->n = i + 1;
        rc = audience_rows(r->q->s, BUCKET, before, 1, r->q->a, each_person, r, &last, &n, e);
    }
    return rc;
}

int rest_segment_rows(struct segment_ask *q, const uint32_t *ordinal, size_t n, bool masked, struct err *e)
{
    struct rows r = {.q = q, .ordinal = ordinal, .n = n, .masked = masked};
    int rc = 0;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < SEGMENT_CATEGORIES && rc == 0; i++)
        rc = segment_reachable(q->people, q->au, segment_category[i], q->now, &r.may[i], e);
    size_t span = ordinal[n - 1] - ordinal[0] + 1;
    if (rc == 0)
        rc = span <= n * WALK_TIMES ? walk(&r, e) : look_up(&r, e);
    for (size_t i = 0; i < SEGMENT_CATEGORIES; i++)
        rest_segment_free(r.may[i]);
    return rc;
}
