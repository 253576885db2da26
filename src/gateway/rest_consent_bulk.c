/* SPDX-License-Identifier: Apache-2.0
 * rest_consent_bulk.c - POST /consent/bulk: up to a thousand consent events in one call.
 *
 * A JSON array, or one object a line. Each row is what POST /consent takes, and has a result of its own: recorded, known
 * already, or failed with the field and the reason. One with a mistake stops none of the others, and nothing of it is
 * written. All that is taken is one transaction, so after an answer everything is durable, and without one the same call is
 * made again: what is known already is not recorded twice. For that a grant must say when it was given. A withdrawal is taken
 * as long as it can be told who withdraws; what is wrong beside that is a warning, and the stricter reading counts. */
#include <stdio.h>

#include "gateway/rest_person.h"

#define ROWS_MAX 1000

struct bulk {
    struct rest_call *c;
    const struct rest_ground *g;
    struct buf noted; /* warnings of the row at hand: an array */
    struct json_out notes;
    int64_t row, recorded, known, failed;
};

static void note(void *ctx, const char *field, const char *why)
{
    struct bulk *b = ctx;
    jo_object(&b->notes);
    if (field != NULL)
        jo_kcstr(&b->notes, "field", field);
    jo_kcstr(&b->notes, "message", why);
    jo_end(&b->notes);
}

static void put_row(struct bulk *b, const char *result)
{
    struct json_out *o = &b->c->out;
    jo_object(o);
    jo_kint(o, "row", b->row);
    jo_kcstr(o, "result", result);
}

/* What the last check left in the call. */
static int failed(struct bulk *b)
{
    put_row(b, "failed");
    if (b->c->field != NULL)
        jo_kcstr(&b->c->out, "field", b->c->field);
    jo_kcstr(&b->c->out, "message", b->c->problem.text);
    jo_end(&b->c->out);
    b->c->problem.code = 0;
    b->c->field = NULL;
    b->failed++;
    return 0;
}

static int mistake(struct bulk *b, const char *field, const char *why)
{
    rest_wrong(b->c, WL_EINVAL, field, "%s", why);
    return failed(b);
}

/* A withdrawal without a time is recorded once: the next import of the same file has nothing to add. */
static bool says_nothing_new(const struct person *p, const struct consent_row *row, bool dated)
{
    for (int c = 0; !dated && c < CATEGORY_COUNT; c++)
        if ((row->event.scope & CONSENT_SCOPE(c)) && p->consent.of[c].status != CONSENT_WITHDRAWN)
            return false;
    return !dated;
}

static int write_row(struct bulk *b, const struct identity *key, struct consent_row *row, bool dated, struct err *e)
{
    struct person p;
    size_t fresh = 0;
    char id[48];
    int rc = people_ensure(b->g->s, key, 1, b->g->now, &p, e);
    if (rc == 0 && !dated && rest_wants_time(b->c, &p, row))
        return failed(b);
    if (rc == 0 && (row->event.act == CONSENT_GRANT || !says_nothing_new(&p, row, dated)))
        rc = rest_record_consent(b->c, b->g->s, &p, row, &fresh, e);
    if (rc != 0)
        return rc;
    rest_contact_id(&p, id);
    put_row(b, fresh > 0 ? "recorded" : "known");
    jo_kcstr(&b->c->out, "contact", id);
    rest_consent_fate(&b->c->out, &p, row);
    jo_end(&b->notes);
    if (b->noted.len > 2) {
        jo_key(&b->c->out, "warnings");
        jo_raw(&b->c->out, buf_str(&b->noted));
    }
    jo_end(&b->c->out);
    b->recorded += fresh > 0;
    b->known += fresh == 0;
    return 0;
}

static int read_row(struct bulk *b, struct json v, struct consent_row *row, bool *ret_dated, struct err *e)
{
    struct str act = json_str_or(json_get(v, "act"), STR("")), at = json_str_or(json_get(v, "at"), STR(""));
    *ret_dated = true;
    if (str_eq(act, STR("withdraw")))
        return rest_withdrawal_row(b->c, b->g, v, (struct rest_notes){note, b}, row, ret_dated, e);
    if (!str_eq(act, STR("grant")))
        return rest_wrong(b->c, WL_EINVAL, "act", "act must be grant or withdraw");
    int rc = rest_consent_row(b->c, b->g, v, row, e);
    if (rc == 0 && b->c->problem.code == 0 && at.n == 0)
        rest_wrong(b->c, WL_EINVAL, "at", "a grant needs at: when did the person agree?");
    *ret_dated = rest_is_timed(v, b->g->now);
    return rc;
}

static int one(struct bulk *b, struct json v, struct err *e)
{
    struct identity key;
    struct consent_row row;
    struct err why = {0};
    bool dated;
    buf_clear(&b->noted);
    json_out_init(&b->notes, &b->noted);
    jo_array(&b->notes);
    if (json_type(v) != JSON_OBJECT)
        return mistake(b, NULL, "a row must be an object");
    json_i64(json_get(v, "row"), &b->row);
    if (identity_written(&b->c->g->phones, json_str_or(json_get(v, "who"), STR("")), &key, &why) != 0)
        return mistake(b, "who", why.text);
    int rc = read_row(b, v, &row, &dated, e);
    if (rc != 0)
        return rc;
    return b->c->problem.code != 0 ? failed(b) : write_row(b, &key, &row, dated, e);
}

static int rows_of_array(struct bulk *b, struct json list, struct err *e)
{
    int64_t at = 0;
    int rc = 0;
    for (struct json_iter it = json_iter(list); rc == 0 && json_next(&it);) {
        b->row = ++at;
        rc = one(b, it.value, e);
    }
    return rc;
}

static int rows_of_lines(struct bulk *b, struct str body, struct err *e)
{
    int64_t at = 0;
    int rc = 0;
    for (struct str rest = body; rc == 0 && rest.n > 0;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        struct json v;
        struct err why = {0};
        if (line.n == 0)
            continue;
        b->row = ++at;
        if (json_parse(thread_json(), line, false, &v, &why) == 0)
            rc = one(b, v, e);
        else
            mistake(b, NULL, why.text);
    }
    return rc;
}

static size_t lines(struct str body)
{
    size_t n = 0;
    for (struct str rest = body; rest.n > 0;)
        n += str_trim(str_cut(rest, '\n', &rest)).n > 0;
    return n;
}

int rest_consent_bulk(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rest_ground g = {s, a, now, "api"};
    struct bulk b = {.c = c, .g = &g};
    struct str body = str_trim(c->body);
    bool array = body.n > 0 && body.p[0] == '[';
    struct json root;
    if (array && !rest_read_body(c, &root))
        return 0;
    size_t n = array ? json_count(root) : lines(body);
    if (n == 0 || n > ROWS_MAX)
        return rest_wrong(c, WL_EINVAL, NULL, "the body must be a JSON array or lines of JSON, of 1 to %d rows",
                          ROWS_MAX);
    buf_init(&b.noted, 65536);
    jo_object(&c->out);
    jo_key(&c->out, "results");
    jo_array(&c->out);
    int rc = array ? rows_of_array(&b, root, e) : rows_of_lines(&b, body, e);
    jo_end(&c->out);
    jo_kint(&c->out, "recorded", b.recorded);
    jo_kint(&c->out, "known", b.known);
    jo_kint(&c->out, "failed", b.failed);
    jo_end(&c->out);
    buf_done(&b.noted);
    return rc;
}
