/* SPDX-License-Identifier: Apache-2.0
 * rest_templates.c - templates as Meta keeps them: status and why, category and the one to come, quality, contents.
 *
 * What is known comes from lists that were read and from webhooks, whichever was later; `listed_at` says how old the contents
 * are. Reading the lists again happens behind the call: it says how many accounts were asked for. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/accounts.h"
#include "gateway/rest_account.h"
#include "gateway/rest_subscriber.h"

#define PAGE_DEFAULT 100
#define PAGE_MOST    1000
#define NAME_MOST    512

struct query {
    int64_t account;
    int status; /* -1: any */
    struct str name;
    size_t limit;
    struct {
        int64_t waba;
        struct str name, language;
    } after; /* waba 0: from the first on */
};

static bool read_account(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct query *)to)->account);
}

static bool read_status(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    q->status = (int)template_status_parse(v);
    return q->status != TEMPLATE_STATUS_UNKNOWN;
}

static bool read_name(void *to, struct str v, int64_t now)
{
    (void)now;
    ((struct query *)to)->name = v;
    return v.n > 0 && v.n <= NAME_MOST;
}

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, PAGE_MOST, &((struct query *)to)->limit);
}

/* "account/name/language" */
static bool read_key(struct str v, int64_t *ret_waba, struct str *ret_name, struct str *ret_language)
{
    struct str rest;
    struct str waba = str_cut(v, '/', &rest);
    *ret_name = str_cut(rest, '/', ret_language);
    return rest_read_id(waba, ret_waba) && ret_name->n > 0 && ret_language->n > 0;
}

static bool read_after(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return read_key(v, &q->after.waba, &q->after.name, &q->after.language);
}

static const struct rest_parameter parameters[] = {
    {"account", read_account, "account is the id of a WhatsApp Business account", false},
    {"status", read_status,
     "status is one of approved, pending, rejected, paused, disabled, in_appeal, limit_exceeded, archived, deleted, "
     "pending_deletion, flagged, locked",
     false},
    {"name", read_name, "name is a part of the template's name", false},
    {"after", read_after, "after is what `next` of the page before says", false},
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {NULL, NULL, NULL, false},
};

static int order(struct str a, struct str b)
{
    int by = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return by != 0 ? by : (a.n > b.n) - (a.n < b.n);
}

/* Whether the row stands after the place at which the page before ended: by account, name, language. */
static bool comes_after(const struct query *q, const struct template_row *t)
{
    if (q->after.waba == 0 || t->waba != q->after.waba)
        return q->after.waba == 0 || t->waba > q->after.waba;
    int by = order(t->name, q->after.name);
    return by > 0 || (by == 0 && order(t->language, q->after.language) > 0);
}

static bool wanted(const struct query *q, const struct template_row *t)
{
    return (q->status < 0 || t->status == (enum template_status)q->status) &&
           (q->name.n == 0 || memmem(t->name.p, t->name.n, q->name.p, q->name.n) != NULL) && comes_after(q, t);
}

static int by_key(const void *x, const void *y)
{
    const struct template_row *a = x, *b = y;
    if (a->waba != b->waba)
        return a->waba < b->waba ? -1 : 1;
    int by = order(a->name, b->name);
    return by != 0 ? by : order(a->language, b->language);
}

static const char *category_word(enum category v)
{
    return v != CATEGORY_UNKNOWN ? category_name(v) : NULL;
}

/* Meta's reason out of what was said with the status; the first of these that says one. */
static struct str reason_of(struct json detail)
{
    struct str reason = json_str_or(json_get(detail, "reason"), STR(""));
    struct str title = json_str_or(json_at(detail, "other_info", "title"), STR(""));
    bool none = reason.n == 0 || str_ieq(reason, STR("NONE"));
    return none ? title : reason;
}

static void show_reason(struct json_out *o, struct str detail)
{
    struct json root;
    struct err e = {0};
    struct str none = {NULL, 0};
    bool good = detail.n > 0 && json_parse(thread_json(), detail, false, &root, &e) == 0;
    rest_word(o, "reason", META_TEMPLATE_REASON, good ? reason_of(root) : none);
    struct json info = good ? json_get(root, "rejection_info") : (struct json){NULL, 0};
    struct str why = json_str_or(json_get(info, "reason"), none);
    struct str advice = json_str_or(json_get(info, "recommendation"), none);
    if (why.n > 0)
        jo_kstr(o, "why", why);
    if (advice.n > 0)
        jo_kstr(o, "recommendation", advice);
}

static void template_members(struct json_out *o, const struct template_row *t)
{
    rest_id(o, "account", t->waba);
    jo_kstr(o, "name", t->name);
    jo_kstr(o, "language", t->language);
    rest_id(o, "id", t->id);
    jo_kcstr(o, "status", t->status != TEMPLATE_STATUS_UNKNOWN ? template_status_name(t->status) : NULL);
    rest_time(o, "status_at", t->status_at);
    jo_kcstr(o, "category", category_word(t->category));
    jo_kcstr(o, "next_category", category_word(t->next_category));
    rest_time(o, "next_category_at", t->next_category != CATEGORY_UNKNOWN ? t->next_category_at : 0);
    if (t->quality.n > 0)
        jo_kstr(o, "quality", t->quality);
    else
        jo_kcstr(o, "quality", NULL);
    show_reason(o, t->detail);
    rest_time(o, "listed_at", t->listed_at);
}

int rest_templates_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q = {.status = -1, .limit = PAGE_DEFAULT};
    struct template_row *t;
    size_t n = 0, shown = 0, last = 0;
    struct buf next;
    if (!rest_query(c, a, parameters, &q, now))
        return 0;
    int rc = templates_list(s, q.account, a, &t, &n, e);
    if (rc != 0)
        return rc;
    if (n > 0) /* nothing to sort is no pointer either */
        qsort(t, n, sizeof *t, by_key);
    buf_init(&next, 2048);
    jo_object(&c->out);
    jo_key(&c->out, "templates");
    jo_array(&c->out);
    for (size_t i = 0; i < n && next.len == 0; i++) {
        if (!wanted(&q, &t[i]))
            continue;
        if (shown == q.limit) {
            buf_printf(&next, "%lld/%.*s/%.*s", (long long)t[last].waba, (int)t[last].name.n, t[last].name.p,
                       (int)t[last].language.n, t[last].language.p);
            break;
        }
        jo_object(&c->out);
        template_members(&c->out, &t[i]);
        jo_end(&c->out);
        last = i;
        shown++;
    }
    jo_end(&c->out);
    rest_text(&c->out, "next", buf_cstr(&next));
    jo_end(&c->out);
    buf_done(&next);
    return 0;
}

/* --- one -------------------------------------------------------------------------------------------------------------- */

static void show_contents(struct json_out *o, const struct template_row *t)
{
    struct json root;
    struct err e = {0};
    bool good = t->listing.n > 0 && json_parse(thread_json(), t->listing, false, &root, &e) == 0;
    jo_key(o, "components");
    struct json components = good ? json_get(root, "components") : (struct json){NULL, 0};
    struct buf b;
    buf_init(&b, REST_ANSWER_MAX);
    if (json_type(components) == JSON_ARRAY && json_write_value(&b, components))
        jo_raw(o, buf_str(&b));
    else
        jo_null(o);
    buf_done(&b);
}

int rest_template(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    struct template_row *t;
    struct str name, language;
    int64_t waba;
    size_t n = 0, i = 0;
    (void)now;
    if (!read_key(c->param, &waba, &name, &language))
        return rest_wrong(c, WL_EINVAL, "account",
                          "a template is named by account, name and language: 2000/order_ready/en_US");
    int rc = templates_list(s, waba, a, &t, &n, e);
    if (rc != 0)
        return rc;
    while (i < n && !(str_eq(t[i].name, name) && str_eq(t[i].language, language)))
        i++;
    if (i == n)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "account %lld has no template '%.*s' in '%.*s' here", (long long)waba,
                          (int)(name.n < 100 ? name.n : 100), name.p, (int)(language.n < 20 ? language.n : 20),
                          language.p);
    jo_object(o);
    template_members(o, &t[i]);
    const struct meta_word *status = meta_word(META_TEMPLATE_STATUS, str_of(template_status_name(t[i].status)));
    jo_kcstr(o, "status_means", status != NULL ? status->means : NULL);
    jo_kcstr(o, "status_next", status != NULL ? status->next : NULL);
    const struct meta_word *quality = meta_word(META_TEMPLATE_QUALITY, t[i].quality);
    jo_kcstr(o, "quality_means", quality != NULL ? quality->means : NULL);
    jo_kcstr(o, "quality_next", quality != NULL ? quality->next : NULL);
    rest_json(o, "detail", t[i].detail);
    rest_time(o, "components_at", t[i].components_at);
    jo_kbool(o, "stale", t[i].components_at > t[i].listed_at);
    show_contents(o, &t[i]);
    jo_end(o);
    return 0;
}

/* --- read again ------------------------------------------------------------------------------------------------------- */

int rest_templates_sync(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"account", NULL};
    struct json root = {NULL, 0};
    struct err why = {0};
    int64_t waba = 0;
    size_t n = 0;
    (void)s, (void)a, (void)now, (void)e;
    if (str_trim(c->body).n > 0 && !rest_read_object(c, keys, &root))
        return 0;
    struct json account = json_get(root, "account");
    if (json_type(account) > JSON_NULL && (!json_id(account, &waba) || waba <= 0))
        return rest_wrong(c, WL_EINVAL, "account", "account is the id of a WhatsApp Business account");
    int rc = accounts_sync(c->g->accounts, waba, &n, &why);
    if (rc != 0)
        return rest_wrong(c, rc, "account", "%s", why.text);
    c->status = 202;
    jo_object(&c->out);
    jo_kint(&c->out, "accounts", (int64_t)n);
    jo_end(&c->out);
    return 0;
}
