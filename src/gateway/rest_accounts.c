/* SPDX-License-Identifier: Apache-2.0
 * rest_accounts.c - what Meta says of our accounts, with since when and what it means; and the notices it sent, word for word.
 *
 * A time beside a word is when Meta said it, not when we heard. A restriction that is over is not shown; what came before
 * stands among the notices. */
#include "gateway/rest_account.h"

#include <stdio.h>

#include "base/digest.h"
#include "gateway/accounts.h"
#include "store/reach.h"

#define NOTICES_DEFAULT 100
#define NOTICES_MOST    1000
#define NOTICES_SHOWN   10

/* --- words ------------------------------------------------------------------------------------------------------------ */

void rest_id(struct json_out *o, const char *key, int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    jo_kcstr(o, key, id != 0 ? text : NULL);
}

void rest_text(struct json_out *o, const char *key, const char *text)
{
    jo_kcstr(o, key, *text != '\0' ? text : NULL);
}

void rest_word(struct json_out *o, const char *key, enum meta_subject subject, struct str word)
{
    char name[64];
    const struct meta_word *w = meta_word(subject, word);
    if (word.n == 0) {
        jo_kcstr(o, key, NULL);
        return;
    }
    jo_kstr(o, key, word);
    if (w == NULL)
        return;
    snprintf(name, sizeof name, "%s_means", key);
    jo_kcstr(o, name, w->means);
    if (w->next == NULL)
        return;
    snprintf(name, sizeof name, "%s_next", key);
    jo_kcstr(o, name, w->next);
}

void rest_json(struct json_out *o, const char *key, struct str json_text)
{
    struct json root;
    struct err e = {0};
    bool good = json_text.n > 0 && json_parse(thread_json(), json_text, false, &root, &e) == 0;
    jo_key(o, key);
    if (good)
        jo_raw(o, json_text);
    else
        jo_null(o);
}

const char *rest_health(enum health h)
{
    static const char *const names[] = {NULL, "available", "limited", "blocked"};
    return (unsigned)h < sizeof names / sizeof names[0] ? names[h] : NULL;
}

const char *rest_account_state(enum account_state s)
{
    return s == ACCOUNT_LOCKED ? "locked" : s == ACCOUNT_DISABLED ? "disabled" : "ok";
}

/* --- an account ------------------------------------------------------------------------------------------------------- */

int rest_limit(struct rest_call *c, struct store *s, const struct account *v, int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    struct portfolio p;
    if (v->waba == 0 || v->limit < 0) {
        jo_kcstr(o, "limit", NULL);
        return 0;
    }
    int rc = portfolio_get(s, account_portfolio(v), &p, e);
    if (rc != 0)
        return rc;
    int64_t used = p.ver != 0 ? budget_used(&p.budget, now) : 0;
    jo_key(o, "limit");
    jo_object(o);
    if (v->limit > 0)
        jo_kint(o, "people", v->limit);
    else
        jo_kcstr(o, "people", NULL);
    jo_kint(o, "used", used);
    if (v->limit > 0)
        jo_kint(o, "left", used < v->limit ? v->limit - used : 0);
    else
        jo_kcstr(o, "left", NULL);
    jo_end(o);
    return 0;
}

static void restriction(struct json_out *o, const char *what, int64_t until, int64_t now)
{
    const struct meta_word *w = meta_word(META_RESTRICTION, str_of(what));
    if (until <= now)
        return;
    jo_object(o);
    jo_kcstr(o, "what", what);
    rest_time(o, "until", until < ACCOUNT_FOREVER ? until : 0);
    jo_kcstr(o, "means", w != NULL ? w->means : NULL);
    jo_kcstr(o, "next", w != NULL ? w->next : NULL);
    jo_end(o);
}

void rest_restrictions(struct json_out *o, const struct account *v, int64_t now)
{
    jo_key(o, "restrictions");
    jo_array(o);
    restriction(o, "messages", v->no_messages_until, now);
    restriction(o, "templates", v->no_templates_until, now);
    restriction(o, "utility", v->no_utility_until, now);
    restriction(o, "direct", v->no_direct_until, now);
    restriction(o, "payment", v->payment_failed_at != 0 ? ACCOUNT_FOREVER : 0, now);
    restriction(o, "misuse", v->misuse_at != 0 ? ACCOUNT_FOREVER : 0, now);
    jo_end(o);
}

int rest_account_members(struct rest_call *c, struct store *s, const struct account *v, int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    rest_id(o, "id", v->waba);
    rest_text(o, "name", v->name);
    rest_id(o, "portfolio", v->portfolio);
    rest_word(o, "state", META_ACCOUNT_STATE, str_of(rest_account_state(account_standing(v))));
    rest_word(o, "health", META_HEALTH, str_of(rest_health(v->health)));
    rest_text(o, "disable_on", v->disable_on);
    rest_restrictions(o, v, now);
    return rest_limit(c, s, v, now, e);
}

/* How many numbers and templates there are of it. */
struct belongings {
    struct sender *sender;
    struct template_row *template;
    size_t n_senders, n_templates;
};

static int read_belongings(struct store *s, struct arena *a, int64_t waba, struct belongings *b, struct err *e)
{
    int rc = senders_list(s, a, &b->sender, &b->n_senders, e);
    return rc == 0 ? templates_list(s, waba, a, &b->template, &b->n_templates, e) : rc;
}

static void counts(struct rest_call *c, const struct belongings *b, const struct account *v)
{
    struct json_out *o = &c->out;
    size_t numbers = 0, templates = 0;
    int64_t listed = 0, failed = 0;
    char why[160] = "";
    accounts_listed(c->g->accounts, v->waba, &listed, &failed, why);
    for (size_t i = 0; i < b->n_senders; i++)
        numbers += b->sender[i].waba == v->waba;
    for (size_t i = 0; i < b->n_templates; i++)
        templates += b->template[i].waba == v->waba;
    jo_kint(o, "numbers", (int64_t)numbers);
    if (v->numbers_max > 0)
        jo_kint(o, "numbers_max", v->numbers_max);
    else
        jo_kcstr(o, "numbers_max", NULL);
    jo_kint(o, "templates", (int64_t)templates);
    rest_time(o, "templates_read_at", listed);
    rest_time(o, "templates_failed_at", failed);
    rest_text(o, "templates_error", failed != 0 ? why : "");
}

int rest_accounts_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct account *v;
    struct belongings b = {.n_senders = 0};
    size_t n = 0;
    int rc = accounts_list(s, a, &v, &n, e);
    if (rc == 0)
        rc = read_belongings(s, a, 0, &b, e);
    jo_object(&c->out);
    jo_key(&c->out, "accounts");
    jo_array(&c->out);
    for (size_t i = 0; i < n && rc == 0; i++) {
        jo_object(&c->out);
        rc = rest_account_members(c, s, &v[i], now, e);
        counts(c, &b, &v[i]);
        rest_time(&c->out, "updated_at", v[i].updated_at);
        jo_end(&c->out);
    }
    jo_end(&c->out);
    jo_end(&c->out);
    return rc;
}

/* When each word was said. */
static void said(struct json_out *o, const struct account *v)
{
    jo_key(o, "said_at");
    jo_object(o);
    rest_time(o, "state", v->said_at.state);
    rest_time(o, "templates", v->said_at.templates);
    rest_time(o, "messages", v->said_at.messages);
    rest_time(o, "utility", v->said_at.utility);
    rest_time(o, "direct", v->said_at.direct);
    rest_time(o, "limit", v->said_at.limit);
    rest_time(o, "health", v->told_at.health);
    rest_time(o, "violation", v->told_at.violation);
    rest_time(o, "review", v->told_at.review);
    rest_time(o, "disable_on", v->told_at.disable);
    jo_end(o);
}

static void numbers_of(struct json_out *o, const struct belongings *b, int64_t waba)
{
    char text[24];
    jo_key(o, "number_ids");
    jo_array(o);
    for (size_t i = 0; i < b->n_senders; i++) {
        if (b->sender[i].waba != waba)
            continue;
        snprintf(text, sizeof text, "%lld", (long long)b->sender[i].id);
        jo_cstr(o, text);
    }
    jo_end(o);
}

/* "templates_by_status": {"approved": 12, ...} */
static void by_status(struct json_out *o, const struct belongings *b, int64_t waba)
{
    size_t n[TEMPLATE_LOCKED + 1] = {0};
    for (size_t i = 0; i < b->n_templates; i++)
        n[b->template[i].status] += b->template[i].waba == waba;
    jo_key(o, "templates_by_status");
    jo_object(o);
    for (int i = 0; i <= TEMPLATE_LOCKED; i++)
        if (n[i] > 0)
            jo_kint(o, template_status_name((enum template_status)i), (int64_t)n[i]);
    jo_end(o);
}

static int show_account(struct rest_call *c, struct store *s, struct arena *a, const struct account *v, int64_t now,
                        struct err *e)
{
    struct json_out *o = &c->out;
    struct belongings b = {.n_senders = 0};
    struct notice_filter of = {.waba = v->waba};
    int rc = read_belongings(s, a, v->waba, &b, e);
    if (rc == 0)
        rc = rest_account_members(c, s, v, now, e);
    if (rc != 0)
        return rc;
    counts(c, &b, v);
    rest_json(o, "health_why", v->health_detail);
    rest_text(o, "violation", v->violation);
    rest_word(o, "review", META_REVIEW, str_of(v->review));
    rest_time(o, "payment_failed_at", v->payment_failed_at);
    rest_time(o, "misuse_at", v->misuse_at);
    said(o, v);
    numbers_of(o, &b, v->waba);
    by_status(o, &b, v->waba);
    rest_time(o, "updated_at", v->updated_at);
    return rest_notices(c, s, a, &of, NOTICES_SHOWN, e);
}

int rest_account(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct account *v;
    int64_t waba = 0;
    size_t n = 0, i = 0;
    if (!rest_read_id(c->param, &waba))
        return rest_wrong(c, WL_EINVAL, "id", "an account is named by its id, in digits");
    int rc = accounts_list(s, a, &v, &n, e);
    if (rc != 0)
        return rc;
    while (i < n && v[i].waba != waba)
        i++;
    if (i == n)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "account %lld is not known here", (long long)waba);
    jo_object(&c->out);
    rc = show_account(c, s, a, &v[i], now, e);
    jo_end(&c->out);
    return rc;
}

/* --- notices ---------------------------------------------------------------------------------------------------------- */

static void show_notice(struct json_out *o, const struct notice *v)
{
    jo_object(o);
    rest_time(o, "at", v->at);
    rest_time(o, "recorded_at", v->recorded_at);
    jo_kstr(o, "field", v->field);
    rest_id(o, "account", v->waba);
    rest_id(o, "number", v->sender);
    if (v->subject.n > 0)
        jo_kstr(o, "subject", v->subject);
    if (v->word.n > 0)
        jo_kstr(o, "word", v->word);
    rest_json(o, "detail", v->detail);
    jo_end(o);
}

int rest_notices(struct rest_call *c, struct store *s, struct arena *a, const struct notice_filter *f, size_t most,
                 struct err *e)
{
    struct notice *v;
    size_t n = 0;
    int rc = notices_list(s, f, most, a, &v, &n, e);
    jo_key(&c->out, "notices");
    jo_array(&c->out);
    for (size_t i = 0; i < n && rc == 0; i++)
        show_notice(&c->out, &v[i]);
    jo_end(&c->out);
    return rc;
}

struct notice_query {
    struct notice_filter f;
    size_t limit;
};

static bool read_account(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct notice_query *)to)->f.waba);
}

static bool read_number(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct notice_query *)to)->f.sender);
}

static bool read_field(void *to, struct str v, int64_t now)
{
    (void)now;
    ((struct notice_query *)to)->f.field = v;
    return v.n > 0 && v.n <= 64;
}

/* A time, or "<ms>.<key>" as `next` says it: several may have been said in one millisecond. */
static bool read_before(void *to, struct str v, int64_t now)
{
    struct notice_filter *f = &((struct notice_query *)to)->f;
    struct str key;
    struct str ms = str_cut(v, '.', &key);
    uint8_t bytes[8];
    size_t n = 0;
    if (key.p == NULL || !rest_read_id(ms, &f->before))
        return rest_read_time(v, now, &f->before);
    if (!hex_decode(key, bytes, sizeof bytes, &n) || n != sizeof bytes)
        return false;
    f->before_key = 0;
    for (size_t i = 0; i < n; i++)
        f->before_key = f->before_key << 8 | bytes[i];
    return true;
}

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, NOTICES_MOST, &((struct notice_query *)to)->limit);
}

static const struct rest_parameter parameters[] = {
    {"account", read_account, "account is the id of a WhatsApp Business account", false},
    {"number", read_number, "number is a phone_number_id", false},
    {"field", read_field, "field is the name of a webhook field, as in account_update", false},
    {"before", read_before, "before is a time such as " REST_TIME_FORMS, false},
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {NULL, NULL, NULL, false},
};

int rest_notices_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct notice_query q = {.limit = NOTICES_DEFAULT};
    struct notice *v;
    char next[48] = "";
    size_t n = 0;
    if (!rest_query(c, a, parameters, &q, now))
        return 0;
    int rc = notices_list(s, &q.f, q.limit + 1, a, &v, &n, e);
    if (rc != 0)
        return rc;
    size_t shown = n > q.limit ? q.limit : n;
    jo_object(&c->out);
    jo_key(&c->out, "notices");
    jo_array(&c->out);
    for (size_t i = 0; i < shown; i++)
        show_notice(&c->out, &v[i]);
    jo_end(&c->out);
    if (n > shown)
        snprintf(next, sizeof next, "%lld.%016llx", (long long)v[shown - 1].at, (unsigned long long)v[shown - 1].key);
    rest_text(&c->out, "next", next);
    jo_end(&c->out);
    return 0;
}
