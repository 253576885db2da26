/* SPDX-License-Identifier: Apache-2.0
 * meta_read.c - reading numbers, accounts and templates from the Graph API.
 *
 * Answers are read liberally: a missing field leaves its place empty. Fields stand in tables: some without which nothing can
 * be told, and more that are asked for in the same call. When that is refused for another reason than the token or a limit,
 * the first ones are asked for alone and then each of the others, and who is refused is remembered by the caller. Pages are
 * followed by cursor, never by the `next` address, so that an answer cannot send us (and the token) elsewhere. Reading stops
 * at the stated maxima. */
#include "gateway/meta_read.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "core/account_word.h"
#include "core/facts.h"
#include "core/poll.h"
#include "net/form.h"
#include "net/http_client.h"

#define META_ANSWER_MAX (4u << 20)
#define META_PAGES_MAX  70 /* of 100 templates */
#define PATH_MAX_BYTES  8192

/* --- one call ------------------------------------------------------------------------------------------------------ */

void meta_begin(struct meta *m)
{
    m->status = m->code = 0;
    m->date = 0;
    m->app = m->account = (struct graph_usage){.percent = -1};
}

int64_t meta_date(struct str s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[40], month[4];
    int day, year, hour, minute, second;
    if (s.n == 0 || s.n >= sizeof text)
        return 0;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &hour, &minute, &second) != 6)
        return 0;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (at == NULL || (at - months) % 3 != 0 || year < 1970 || day < 1 || day > 31)
        return 0;
    char iso[40];
    int64_t ms;
    snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, (int)((at - months) / 3) + 1, day, hour, minute,
             second);
    return time_parse(iso, strlen(iso), &ms) ? ms : 0;
}

static void note_usage(struct meta *m, const struct http_call *c, const char *header, struct graph_usage *u)
{
    struct json v;
    struct str said = http_call_header(c, header);
    if (said.n > 0 && json_parse(m->parser, said, false, &v, NULL) == 0)
        graph_usage_add(u, v);
}

/* What the answer tells beside itself. */
static void note(struct meta *m, const struct http_call *c, struct str body)
{
    struct json v;
    int64_t code = 0;
    m->status = c->status;
    m->date = meta_date(http_call_header(c, "Date"));
    note_usage(m, c, "X-App-Usage", &m->app);
    note_usage(m, c, "X-Business-Use-Case-Usage", &m->account);
    if (c->status != 200 && json_parse(m->parser, body, false, &v, NULL) == 0)
        json_i64(json_at(v, "error", "code"), &code);
    m->code = code > 0 && code < INT32_MAX ? (int)code : 0;
}

/* One GET; the answer's body goes to the arena. */
static int get(struct meta *m, const char *path_and_query, int *ret_status, struct str *ret_body, struct err *e)
{
    char *url = arena_printf(m->arena, "%s%s%s/%s", m->origin, m->version[0] ? "/" : "", m->version, path_and_query);
    char *bearer = arena_printf(m->arena, "Bearer %s", m->token);
    if (url == NULL || bearer == NULL)
        return err_set(e, WL_ENOMEM, "too much to read from the Graph API");
    int64_t left = m->deadline - clock_now_ms();
    m->status = m->code = 0;
    if (m->stop != NULL && atomic_load(m->stop))
        return err_set(e, WL_EIO, "the gateway is shutting down");
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
        note(m, &c, *ret_body);
    }
    http_call_done(&c);
    return rc;
}

int meta_get(struct meta *m, const char *what, const char *path_and_query, struct json *ret,
             struct meta_refusal *refusal, struct err *e)
{
    int status;
    struct str body;
    int rc = get(m, path_and_query, &status, &body, e);
    if (rc != 0)
        return rc;
    if (status == 200)
        return json_parse(m->parser, body, false, ret, e) == 0 ? 0 : err_prefix(e, "reading %s", what);
    if (refusal != NULL)
        *refusal = (struct meta_refusal){status, body};
    if (m->code != 0)
        return err_set(e, WL_EDENIED, "reading %s: the Graph API answered %d, code %d", what, status, m->code);
    return err_set(e, WL_EDENIED, "reading %s: the Graph API answered %d", what, status);
}

/* --- fields -------------------------------------------------------------------------------------------------------- */

static void copy_json(char *out, size_t size, struct json v)
{
    struct str s = json_str_or(v, STR(""));
    snprintf(out, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

/* Fields of one kind of object. */
struct fields {
    const char *what, *first; /* without the latter nothing can be told */
    const char *const *more;  /* NULL-terminated; bits of struct meta_skip in this order */
    unsigned brief;           /* which of them are worth a second call to one who is waited for */
    void (*take)(struct arena *a, struct json v, void *ret);
};

static int ask(struct meta *m, const struct fields *f, int64_t id, bool first, unsigned more, void *ret,
               struct meta_refusal *refusal, struct err *e)
{
    struct json v;
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    buf_printf(&path, "%lld?fields=%s", (long long)id, first ? f->first : "");
    bool any = first;
    for (size_t i = 0; f->more[i] != NULL; i++)
        if (more & 1u << i) {
            buf_printf(&path, "%s%s", any ? "," : "", f->more[i]);
            any = true;
        }
    int rc = any ? meta_get(m, f->what, buf_cstr(&path), &v, refusal, e) : 0;
    if (rc == 0 && any)
        f->take(m->arena, v, ret);
    buf_done(&path);
    return rc;
}

/* Whether the last answer was about what was asked for, and not about who asks, how often, or how the day is going. */
static bool about_fields(const struct meta *m)
{
    return poll_end_of(m->status, m->code) == POLL_DENIED;
}

/* The others one by one, until one fails for another reason. */
static void ask_each(struct meta *m, const struct fields *f, int64_t id, unsigned more, struct meta_skip *skip,
                     void *ret)
{
    if (m->brief) {
        skip->fields |= more & ~f->brief;
        if (ask(m, f, id, false, more & f->brief, ret, NULL, NULL) == WL_EDENIED && about_fields(m))
            skip->fields |= more;
        return;
    }
    for (unsigned i = 0; f->more[i] != NULL; i++) {
        int rc = more & 1u << i ? ask(m, f, id, false, 1u << i, ret, NULL, NULL) : 0;
        if (rc == 0)
            continue;
        if (rc != WL_EDENIED || !about_fields(m))
            return;
        skip->fields |= 1u << i;
    }
}

static int ask_all(struct meta *m, const struct fields *f, int64_t id, struct meta_skip *skip, void *ret,
                   struct meta_refusal *refusal, struct err *e)
{
    unsigned more = 0;
    for (unsigned i = 0; f->more[i] != NULL; i++)
        more |= skip->fields & 1u << i ? 0 : 1u << i;
    struct meta_refusal none;
    int rc = ask(m, f, id, true, more, ret, refusal != NULL ? refusal : &none, e);
    if (rc != WL_EDENIED || more == 0 || !about_fields(m))
        return rc;
    rc = ask(m, f, id, true, 0, ret, refusal != NULL ? refusal : &none, e);
    if (rc == 0)
        ask_each(m, f, id, more, skip, ret);
    return rc;
}

static void keep_entity(struct json_out *o, struct json entity, struct buf *one, size_t *left)
{
    enum { ENTITY_MAX = 4096 };
    bool well = str_ieq(json_str_or(json_get(entity, "can_send_message"), STR("")), STR("AVAILABLE"));
    if (well && json_count(json_get(entity, "errors")) == 0 && json_count(json_get(entity, "additional_info")) == 0)
        return;
    buf_clear(one);
    if (!json_write_value(one, entity) || one->len > ENTITY_MAX || one->len + 1 > *left)
        return;
    *left -= one->len + 1;
    jo_raw(o, buf_str(one));
}

enum health meta_health(struct arena *a, struct json status, struct str *ret_detail)
{
    static const char *const words[] = {"", "AVAILABLE", "LIMITED", "BLOCKED"}; /* enum health */
    struct str said = json_str_or(json_get(status, "can_send_message"), STR(""));
    enum health h = HEALTH_UNKNOWN;
    struct buf all, one;
    struct json_out o;
    size_t left = META_HEALTH_MAX - 2;
    for (int i = 1; i < (int)(sizeof words / sizeof words[0]); i++)
        if (str_ieq(said, str_of(words[i])))
            h = (enum health)i;
    buf_init(&all, META_HEALTH_MAX);
    buf_init(&one, 64u << 10);
    json_out_init(&o, &all);
    jo_array(&o);
    for (struct json_iter it = json_iter(json_get(status, "entities")); json_next(&it);)
        keep_entity(&o, it.value, &one, &left);
    jo_end(&o);
    char *kept = all.len > 2 && !all.failed ? arena_strndup(a, buf_cstr(&all), all.len) : NULL;
    *ret_detail = kept != NULL ? (struct str){kept, all.len} : STR("");
    buf_done(&one);
    buf_done(&all);
    return h;
}

/* --- a number ------------------------------------------------------------------------------------------------------ */

enum { NAME_STATUS = 1, THROUGHPUT = 2, ON_PHONE_APP = 4, LIMIT = 8 };
static const char *const number_more[] = {
    "name_status", "throughput", "is_on_biz_app", "whatsapp_business_manager_messaging_limit", "health_status",
    "username",    NULL};

static void take_first(struct sender *s, struct json v)
{
    char word[32];
    copy_json(s->display_phone, sizeof s->display_phone, json_get(v, "display_phone_number"));
    copy_json(s->verified_name, sizeof s->verified_name, json_get(v, "verified_name"));
    copy_json(s->quality, sizeof s->quality, json_get(v, "quality_rating"));
    copy_json(word, sizeof word, json_get(v, "status"));
    for (char *c = word; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    int at = fact_word(FACT_SENDER_STATUS, str_of(word));
    s->status = at > 0 ? at : 0;
}

/* Called once for each answer: what is not in it stays. */
static void take_number(struct arena *a, struct json v, void *ret)
{
    struct meta_number *n = ret;
    struct sender *s = &n->sender;
    bool on_phone_app = s->per_second == 20;
    if (json_type(json_get(v, "display_phone_number")) != JSON_ABSENT)
        take_first(s, v);
    if (json_type(json_get(v, "name_status")) == JSON_STRING)
        copy_json(s->name_status, sizeof s->name_status, json_get(v, "name_status"));
    if (json_type(json_get(v, "username")) == JSON_STRING)
        copy_json(s->username, sizeof s->username, json_get(v, "username"));
    json_bool(json_get(v, "is_on_biz_app"), &on_phone_app);
    int pace = account_throughput_parse(json_str_or(json_at(v, "throughput", "level"), STR("")), on_phone_app);
    s->per_second = pace != 0 ? pace : s->per_second;
    int64_t people = account_limit_parse(json_get(v, "whatsapp_business_manager_messaging_limit"));
    n->people = people >= 0 ? people : n->people;
    if (json_type(json_get(v, "health_status")) == JSON_OBJECT)
        s->health = meta_health(a, json_get(v, "health_status"), &s->health_detail);
}

int meta_number(struct meta *m, int64_t id, struct meta_skip *skip, struct meta_number *ret,
                struct meta_refusal *refusal, struct err *e)
{
    static const struct fields fields = {"the number", "id,display_phone_number,verified_name,status,quality_rating",
                                         number_more, NAME_STATUS | THROUGHPUT | ON_PHONE_APP | LIMIT, take_number};
    struct meta_number n = {.sender = {.id = id, .health_detail = STR("")}, .people = -1};
    int rc = ask_all(m, &fields, id, skip, &n, refusal, e);
    if (rc == 0)
        *ret = n;
    return rc;
}

/* --- an account ---------------------------------------------------------------------------------------------------- */

static void take_account(struct arena *a, struct json v, void *ret)
{
    struct account *w = ret;
    if (json_type(json_get(v, "name")) == JSON_STRING)
        copy_json(w->name, sizeof w->name, json_get(v, "name"));
    json_id(json_at(v, "owner_business_info", "id"), &w->portfolio);
    int64_t people = account_limit_parse(json_get(v, "whatsapp_business_manager_messaging_limit"));
    w->limit = people >= 0 ? people : w->limit;
    if (json_type(json_get(v, "health_status")) == JSON_OBJECT)
        w->health = meta_health(a, json_get(v, "health_status"), &w->health_detail);
}

int meta_account(struct meta *m, int64_t waba, struct meta_skip *skip, struct account *ret, struct err *e)
{
    enum { OWNER = 1 };
    static const char *const more[] = {"owner_business_info", "health_status",
                                       "whatsapp_business_manager_messaging_limit", NULL};
    static const struct fields fields = {"the account", "id,name", more, OWNER, take_account};
    struct account w = {.waba = waba, .limit = -1, .health_detail = STR("")};
    int rc = ask_all(m, &fields, waba, skip, &w, NULL, e);
    if (rc == 0)
        *ret = w;
    return rc;
}

/* --- accounts behind a token --------------------------------------------------------------------------------------- */

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
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "debug_token?input_token=");
    percent_encode(&path, str_of(m->token));
    struct json v;
    int rc = buf_str(&path).n < PATH_MAX_BYTES ? meta_get(m, "the token's scopes", buf_cstr(&path), &v, NULL, e)
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
    int rc = meta_get(m, "the account's numbers", path, &v, NULL, e);
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
    *ret = (struct template_row){.waba = waba, .updated_at = now, .listed_at = now};
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

/* --- templates ----------------------------------------------------------------------------------------------------- */

/* Without being asked, Meta says nothing of quality. */
static const char template_fields[] =
    "fields=id,name,language,status,category,components,parameter_format,quality_score,"
    "rejected_reason,message_send_ttl_seconds&";

static int template_page(struct meta *m, int64_t waba, const char *fields, struct str after, struct json *ret,
                         struct err *e)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    buf_printf(&path, "%lld/message_templates?%slimit=100", (long long)waba, fields);
    if (after.n > 0) {
        buf_puts(&path, "&after=");
        percent_encode(&path, after);
    }
    int rc = path.failed ? err_set(e, WL_ETOOBIG, "the cursor of the account's templates is too long")
                         : meta_get(m, "the account's templates", buf_cstr(&path), ret, NULL, e);
    buf_done(&path);
    return rc;
}

int meta_templates(struct meta *m, int64_t waba, int64_t now, struct template_row **ret, size_t *ret_n, bool *ret_all,
                   struct err *e)
{
    struct template_row *rows = arena_new_array(m->arena, struct template_row, META_TEMPLATES_MAX);
    if (rows == NULL)
        return err_set(e, WL_ENOMEM, "too much to read from the Graph API");
    const char *fields = template_fields;
    struct str after = STR("");
    size_t n = 0;
    bool more = true;
    for (int page = 0; page < META_PAGES_MAX && more && n < META_TEMPLATES_MAX; page++) {
        struct json v;
        int rc = template_page(m, waba, fields, after, &v, e);
        if (rc == WL_EDENIED && page == 0 && about_fields(m)) {
            fields = "";
            rc = template_page(m, waba, fields, after, &v, e);
        }
        if (rc != 0)
            return rc;
        for (struct json_iter it = json_iter(json_get(v, "data")); n < META_TEMPLATES_MAX && json_next(&it);)
            n += template_row(m, it.value, waba, now, &rows[n]);
        struct str cursor = json_str_or(json_get(json_at(v, "paging", "cursors"), "after"), STR(""));
        more = cursor.n > 0 && json_type(json_at(v, "paging", "next")) == JSON_STRING;
        char *kept = arena_strndup(m->arena, cursor.p ? cursor.p : "", cursor.n);
        if (kept == NULL)
            return err_set(e, WL_ENOMEM, "too much to read from the Graph API");
        after = (struct str){kept, cursor.n};
    }
    *ret = rows;
    *ret_n = n;
    *ret_all = !more && n < META_TEMPLATES_MAX;
    return 0;
}
