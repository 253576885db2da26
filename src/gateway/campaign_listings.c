/* SPDX-License-Identifier: Apache-2.0
 * campaign_listings.c - the hash of what a template says, and whether all of a campaign say what they said.
 *
 * The keys `example` are left out at every depth: Meta fills them with addresses that run out. A template that is gone, or of which Meta said
 * that its contents changed and that was not read anew since, is not the same either. */
#include "gateway/campaign_listings.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX  (512u << 10)
#define ROWS_MAX  (256u << 20)
#define DEPTH_MAX 16

static void write_without_examples(struct json_out *o, struct json v, int depth)
{
    bool list = json_type(v) == JSON_ARRAY;
    if ((!list && json_type(v) != JSON_OBJECT) || depth == DEPTH_MAX) {
        struct buf text;
        buf_init(&text, TEXT_MAX);
        json_write_value(&text, v);
        jo_raw(o, text.failed ? STR("null") : buf_str(&text));
        buf_done(&text);
        return;
    }
    if (list)
        jo_array(o);
    else
        jo_object(o);
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (!list && str_eq(it.key, STR("example")))
            continue;
        if (!list)
            jo_key_str(o, it.key);
        write_without_examples(o, it.value, depth + 1);
    }
    jo_end(o);
}

int campaign_listing_hash(struct json_parser *p, struct str listing, uint8_t ret[SHA256_BYTES], struct err *e)
{
    static const char *const keys[] = {"components", "parameter_format"};
    struct json root = {NULL, 0};
    struct json_out o;
    struct buf text;
    int rc = listing.n > 0 ? json_parse(p, listing, false, &root, e) : 0;
    if (rc != 0)
        return rc;
    buf_init(&text, TEXT_MAX);
    json_out_init(&o, &text);
    jo_array(&o);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct json v = json_get(root, keys[i]);
        if (json_type(v) == JSON_ABSENT)
            jo_null(&o);
        else
            write_without_examples(&o, v, 0);
    }
    jo_end(&o);
    if (text.failed)
        rc = err_set(e, WL_ETOOBIG, "a template's listing is too large");
    else
        sha256(text.data, text.len, ret);
    buf_done(&text);
    return rc;
}

/* --- all of a campaign ------------------------------------------------------------------------------------------------------- */

struct comparison {
    struct arena *a;
    struct json_parser *report, *listing;
    struct template_row *row;
    size_t n;
};

static const struct template_row *find(const struct comparison *x, int64_t waba, struct str name, struct str language)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->row[i].waba == waba && str_eq(x->row[i].name, name) && str_eq(x->row[i].language, language))
            return &x->row[i];
    return NULL;
}

/* One of the report's; "" : it says what it said. */
static int compare_one(const struct comparison *x, struct json v, char which[LISTING_WHICH], struct err *e)
{
    struct str name = json_str_or(json_get(v, "template"), STR("")),
               hash = json_str_or(json_get(v, "listing"), STR(""));
    struct str language = json_str_or(json_get(v, "language"), STR(""));
    uint8_t bytes[SHA256_BYTES];
    char text[SHA256_HEX];
    int64_t waba = 0;
    bool usable = true;
    json_bool(json_get(v, "usable"), &usable);
    if (!usable || !json_id(json_get(v, "account"), &waba))
        return 0;
    const struct template_row *t = find(x, waba, name, language);
    const char *what = t == NULL ? "is there no more" : NULL;
    if (t != NULL && t->components_at > t->listed_at)
        what = "was changed at Meta, and is being read anew";
    if (what == NULL) {
        int rc = campaign_listing_hash(x->listing, t->listing, bytes, e);
        if (rc != 0)
            return rc;
        hex_encode(bytes, sizeof bytes, text);
        what = str_eq(hash, str_of(text)) ? NULL : "says something else than when it was checked";
    }
    if (what != NULL)
        snprintf(which, LISTING_WHICH, "template %.*s (%.*s) %s", (int)(name.n < 128 ? name.n : 128), name.p,
                 (int)(language.n < 32 ? language.n : 32), language.p, what);
    return 0;
}

static int compare_all(struct comparison *x, struct store *s, struct str report, char which[LISTING_WHICH],
                       struct err *e)
{
    struct json root;
    int rc = json_parse(x->report, report, false, &root, e);
    if (rc == 0)
        rc = templates_list(s, 0, x->a, &x->row, &x->n, e);
    if (rc != 0)
        return rc;
    for (struct json_iter it = json_iter(json_get(root, "templates")); rc == 0 && which[0] == '\0' && json_next(&it);)
        rc = compare_one(x, it.value, which, e);
    return rc;
}

int campaign_listings_same(struct store *s, struct str report, bool *ret_same, char which[LISTING_WHICH], struct err *e)
{
    struct comparison x = {.a = arena_create(ROWS_MAX), .report = json_parser_try(), .listing = json_parser_try()};
    which[0] = '\0';
    int rc = x.a != NULL && x.report != NULL && x.listing != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = compare_all(&x, s, report, which, e);
    if (rc == 0)
        *ret_same = which[0] == '\0';
    arena_free(x.a);
    json_parser_free(x.report);
    json_parser_free(x.listing);
    return rc;
}
