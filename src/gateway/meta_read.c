/* SPDX-License-Identifier: Apache-2.0
 * meta_read.c - reading numbers, accounts and templates from the Graph API.
 *
 * Answers are read liberally: a missing field leaves its place empty. Pages are followed by cursor, never by the `next`
 * address, so that an answer cannot send us (and the token) elsewhere. Reading stops at the stated maxima. */
#include "gateway/meta_read.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "core/account_word.h"
#include "core/facts.h"
#include "net/form.h"
#include "net/http_client.h"

#define META_ANSWER_MAX (4u << 20)
#define META_PAGES_MAX  70 /* of 100 templates */

/* One GET; the answer's body goes to the arena. */
static int get(struct meta *m, const char *path_and_query, int *ret_status, struct str *ret_body, struct err *e)
{
    char *url = arena_printf(m->arena, "%s%s%s/%s", m->origin, m->version[0] ? "/" : "", m->version, path_and_query);
    char *bearer = arena_printf(m->arena, "Bearer %s", m->token);
    if (url == NULL || bearer == NULL)
        return err_set(e, WL_ENOMEM, "too much to read from the Graph API");
    int64_t left = m->deadline - clock_now_ms();
    if (left <= 0)
        return err_set(e, WL_EIO, "the Graph API took too long");
    struct http_header h[] = {{STR("Authorization"), str_of(bearer)}, {STR("Accept"), STR("application/json")}};
    struct http_call c = {.method = STR("GET"),
                          .url = str_of(url),
                          .headers = h,
                          .n_headers = 2,
                          .timeout_ms = left < m->timeout_ms ? left : m->timeout_ms,
                          .max_answer = META_ANSWER_MAX};
    int rc = http_fetch(&c, m->ca_file, e);
    if (rc == 0) {
        char *body = arena_strndup(m->arena, buf_cstr(&c.answer), c.answer.len);
        if (body == NULL)
            rc = err_set(e, WL_ENOMEM, "too much to read from the Graph API");
        *ret_status = c.status;
        *ret_body = (struct str){body, c.answer.len};
    }
    http_call_done(&c);
    return rc;
}

static int get_json(struct meta *m, const char *what, const char *path_and_query, struct json *ret, struct err *e)
{
    int status;
    struct str body;
    int rc = get(m, path_and_query, &status, &body, e);
    if (rc != 0)
        return rc;
    if (status != 200)
        return err_set(e, WL_EDENIED, "reading %s: the Graph API answered %d", what, status);
    return json_parse(m->parser, body, false, ret, e);
}

static void copy_json(char *out, size_t size, struct json v)
{
    struct str s = json_str_or(v, STR(""));
    snprintf(out, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

int meta_number(struct meta *m, int64_t id, struct sender *ret, struct meta_refusal *refusal, struct err *e)
{
    char path[160];
    snprintf(path, sizeof path, "%lld?fields=id,display_phone_number,verified_name,status,quality_rating",
             (long long)id);
    int status;
    struct str body;
    int rc = get(m, path, &status, &body, e);
    if (rc != 0)
        return rc;
    if (status != 200) {
        *refusal = (struct meta_refusal){status, body};
        return err_set(e, WL_EDENIED, "the Graph API answered %d for this number and token", status);
    }
    struct json v;
    if ((rc = json_parse(m->parser, body, false, &v, e)) != 0)
        return err_prefix(e, "reading the number");
    struct sender s = {.id = id};
    copy_json(s.display_phone, sizeof s.display_phone, json_get(v, "display_phone_number"));
    copy_json(s.verified_name, sizeof s.verified_name, json_get(v, "verified_name"));
    copy_json(s.quality, sizeof s.quality, json_get(v, "quality_rating"));
    char word[32];
    copy_json(word, sizeof word, json_get(v, "status"));
    for (char *c = word; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    int at = fact_word(FACT_SENDER_STATUS, str_of(word));
    s.status = at > 0 ? at : 0;
    *ret = s;
    return 0;
}

struct meta_limits meta_limits(struct meta *m, int64_t number, int64_t waba)
{
    struct meta_limits l = {.people = -1};
    struct json v;
    bool on_phone_app = false;
    char path[160];
    snprintf(path, sizeof path, "%lld?fields=throughput,is_on_biz_app,whatsapp_business_manager_messaging_limit",
             (long long)number);
    if (get_json(m, "the number's limits", path, &v, NULL) == 0) {
        json_bool(json_get(v, "is_on_biz_app"), &on_phone_app);
        l.per_second = account_throughput_parse(json_str_or(json_at(v, "throughput", "level"), STR("")), on_phone_app);
        l.people = account_limit_parse(json_get(v, "whatsapp_business_manager_messaging_limit"));
    }
    snprintf(path, sizeof path, "%lld?fields=owner_business_info", (long long)waba);
    if (get_json(m, "the account's owner", path, &v, NULL) == 0)
        json_id(json_at(v, "owner_business_info", "id"), &l.portfolio);
    return l;
}

static void add_id(int64_t *ids, size_t max, size_t *n, int64_t id)
{
    for (size_t i = 0; i < *n; i++)
        if (ids[i] == id)
            return;
    if (*n < max)
        ids[(*n)++] = id;
}

int meta_accounts(struct meta *m, int64_t *ret, size_t max, size_t *ret_n, struct err *e)
{
    struct buf path;
    buf_init(&path, 8192);
    buf_puts(&path, "debug_token?input_token=");
    percent_encode(&path, str_of(m->token));
    struct json v;
    int rc = buf_str(&path).n < 8192 ? get_json(m, "the token's scopes", buf_cstr(&path), &v, e)
                                     : err_set(e, WL_ETOOBIG, "the token is too long");
    buf_done(&path);
    if (rc != 0)
        return rc;
    *ret_n = 0;
    for (struct json_iter it = json_iter(json_at(v, "data", "granular_scopes")); json_next(&it);) {
        for (struct json_iter id = json_iter(json_get(it.value, "target_ids")); json_next(&id);) {
            int64_t waba;
            if (json_id(id.value, &waba))
                add_id(ret, max, ret_n, waba);
        }
    }
    return 0;
}

int meta_has_number(struct meta *m, int64_t waba, int64_t number, bool *ret, struct err *e)
{
    char path[96];
    snprintf(path, sizeof path, "%lld/phone_numbers?fields=id&limit=100", (long long)waba);
    struct json v;
    int rc = get_json(m, "the account's numbers", path, &v, e);
    if (rc != 0)
        return rc;
    *ret = false;
    for (struct json_iter it = json_iter(json_get(v, "data")); json_next(&it);) {
        int64_t id;
        if (json_id(json_get(it.value, "id"), &id) && id == number)
            *ret = true;
    }
    return 0;
}

/* One template of a listing as a row; false when it lacks a name or language. */
static bool template_row(struct meta *m, struct json v, int64_t waba, int64_t now, struct template_row *ret)
{
    struct str name, language;
    if (!json_str(json_get(v, "name"), &name) || !json_str(json_get(v, "language"), &language))
        return false;
    struct buf listing;
    buf_init(&listing, 256u << 10);
    json_write_value(&listing, v);
    *ret = (struct template_row){.waba = waba, .updated_at = now};
    char *folded = arena_strndup(m->arena, language.p, language.n);
    ret->name = (struct str){arena_strndup(m->arena, name.p, name.n), name.n};
    ret->language = (struct str){folded, language.n};
    ret->listing = (struct str){arena_strndup(m->arena, buf_cstr(&listing), listing.len), listing.len};
    buf_done(&listing);
    if (folded == NULL || ret->name.p == NULL || ret->listing.p == NULL)
        return false;
    for (char *c = folded; *c; c++)
        if (*c == '-')
            *c = '_';
    json_id(json_get(v, "id"), &ret->id);
    ret->status = template_status_parse(json_str_or(json_get(v, "status"), STR("")));
    ret->category = category_parse(json_str_or(json_get(v, "category"), STR("")));
    struct str quality = json_str_or(json_at(v, "quality_score", "score"), STR(""));
    ret->quality = (struct str){arena_strndup(m->arena, quality.p ? quality.p : "", quality.n), quality.n};
    return true;
}

int meta_templates(struct meta *m, int64_t waba, int64_t now, struct template_row **ret, size_t *ret_n, struct err *e)
{
    struct template_row *rows = arena_new_array(m->arena, struct template_row, META_TEMPLATES_MAX);
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, "too much to read from the Graph API");
    size_t n = 0;
    struct buf path;
    buf_init(&path, 8192);
    buf_printf(&path, "%lld/message_templates?limit=100", (long long)waba);
    int rc = 0;
    for (int page = 0; page < META_PAGES_MAX && rc == 0; page++) {
        struct json v;
        if ((rc = get_json(m, "the account's templates", buf_cstr(&path), &v, e)) != 0)
            break;
        for (struct json_iter it = json_iter(json_get(v, "data")); n < META_TEMPLATES_MAX && json_next(&it);)
            n += template_row(m, it.value, waba, now, &rows[n]);
        struct str after = json_str_or(json_get(json_at(v, "paging", "cursors"), "after"), STR(""));
        if (after.n == 0 || json_type(json_at(v, "paging", "next")) != JSON_STRING)
            break;
        buf_clear(&path);
        buf_printf(&path, "%lld/message_templates?limit=100&after=", (long long)waba);
        percent_encode(&path, after);
    }
    buf_done(&path);
    if (rc == 0) {
        *ret = rows;
        *ret_n = n;
    }
    return rc;
}
