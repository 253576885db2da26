/* SPDX-License-Identifier: Apache-2.0
 * rest_rules.c - the rules in force: what they are, since when, what came before, and reading them again.
 *
 * Activating compiles files and may take a while, so it happens on the rules' own thread and is answered from there; a
 * file with a mistake is answered with its place and changes nothing. */
#include <stdio.h>

#include "base/digest.h"
#include "gateway/rest_impl.h"
#include "store/rules_log.h"

#define ACTIVATE_BODY_MAX 4096
#define HISTORY_PAGE      200

static void hash_member(struct json_out *o, const uint8_t *hash)
{
    char text[SHA256_HEX];
    hex_encode(hash, SHA256_BYTES, text);
    jo_kcstr(o, "hash", text);
}

/* "rules": {"enforce": 12, "shadow": 1, "off": 0} of [first, first + n). */
static void modes_member(struct json_out *o, const struct ruleset *rs, size_t first, size_t n)
{
    int64_t count[MODE_OFF + 1] = {0};
    for (size_t i = first; i < first + n; i++)
        count[rule_mode_of(ruleset_rule(rs, i))]++;
    jo_key(o, "rules");
    jo_object(o);
    for (int m = 0; m <= MODE_OFF; m++)
        jo_kint(o, rule_mode_name((enum rule_mode)m), count[m]);
    jo_end(o);
}

static void book_members(struct json_out *o, const struct ruleset *rs, const char *since, int64_t at)
{
    jo_kcstr(o, "id", ruleset_id(rs));
    hash_member(o, ruleset_hash(rs));
    rest_time(o, since, at);
    modes_member(o, rs, 0, ruleset_count(rs));
    jo_key(o, "sources");
    jo_array(o);
    for (size_t i = 0; i < ruleset_sources(rs); i++) {
        const struct ruleset_source *source = ruleset_source(rs, i);
        jo_object(o);
        jo_kcstr(o, "id", source->id);
        jo_kcstr(o, "kind", ruleset_kind_name(source->kind));
        jo_kcstr(o, "title", source->title);
        jo_kcstr(o, "area", source->area[0] ? source->area : NULL);
        jo_kcstr(o, "file", source->file);
        hash_member(o, source->hash);
        modes_member(o, rs, source->first, source->n);
        jo_end(o);
    }
    jo_end(o);
}

static void show_book(struct json_out *o, const struct rules_book *book)
{
    book_members(o, book->ruleset, "activated_at", book->activated_at);
    jo_key(o, "shadow");
    if (book->shadow == NULL) {
        jo_null(o);
        return;
    }
    jo_object(o);
    book_members(o, book->shadow, "since", book->shadow_since);
    jo_end(o);
}

int rest_rules_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)s, (void)a, (void)now, (void)e;
    jo_object(&c->out);
    show_book(&c->out, rules_current(c->g));
    jo_end(&c->out);
    return 0;
}

/* --- what came before ---------------------------------------------------------------------------------------------- */

/* "activated,shadowed" as bits; false: a word is none. */
static bool read_acts(struct str list, unsigned *ret)
{
    unsigned acts = 0;
    while (list.n > 0) {
        unsigned before = acts;
        struct str word = str_cut(list, ',', &list);
        for (int act = RULES_ACTIVATED; act <= RULES_SHADOWED; act++)
            acts |= str_eq(word, str_of(rules_act_name((enum rules_act)act))) ? 1u << act : 0;
        if (acts == before)
            return false;
    }
    *ret = acts;
    return acts != 0;
}

struct page {
    unsigned acts;
    int64_t before;
};

static bool page_acts(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_acts(v, &((struct page *)to)->acts);
}

static bool page_before(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct page *)to)->before);
}

static const struct rest_parameter parameters[] = {
    {"act", page_acts, "act is activated, shadowed or overridden, or several with commas between", false},
    {"before", page_before, "before is the event of a row, as `next` says it", false},
    {NULL, NULL, NULL, false},
};

static void event_member(struct json_out *o, const char *key, int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    jo_kcstr(o, key, text);
}

static void show_event(struct json_out *o, const struct rules_event *v)
{
    jo_object(o);
    event_member(o, "event", v->id);
    rest_time(o, "at", v->at);
    jo_kcstr(o, "act", rules_act_name(v->act));
    jo_kstr(o, "id", v->book);
    if (v->hash.n == SHA256_BYTES)
        hash_member(o, (const uint8_t *)v->hash.p);
    else
        jo_kcstr(o, "hash", NULL);
    jo_kstr(o, "actor", v->actor);
    if (v->act == RULES_OVERRIDDEN) {
        jo_kstr(o, "reason", v->reason);
        jo_kstr(o, "detail", v->detail);
    }
    jo_end(o);
}

int rest_rules_history(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct rules_event *v;
    struct json_out *o = &c->out;
    struct page page = {.acts = 0};
    size_t n = 0;
    if (!rest_query(c, a, parameters, &page, now))
        return 0;
    int rc = rules_log_list(s, a, page.acts, page.before, HISTORY_PAGE + 1, &v, &n, e);
    if (rc != 0)
        return rc;
    jo_object(o);
    jo_key(o, "events");
    jo_array(o);
    for (size_t i = 0; i < n && i < HISTORY_PAGE; i++)
        show_event(o, &v[i]);
    jo_end(o);
    if (n > HISTORY_PAGE)
        event_member(o, "next", v[HISTORY_PAGE - 1].id);
    else
        jo_kcstr(o, "next", NULL);
    jo_end(o);
    return 0;
}

int rest_rules_shadow(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rules_book *book = rules_current(c->g);
    struct json_out *o = &c->out;
    struct shadow_tally t;
    char id[STORE_ID_TEXT];
    (void)s, (void)a, (void)now, (void)e;
    if (book->shadow == NULL)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "no rules are in the shadow; name files under rules.shadow");
    rules_shadow_tally(book, &t);
    jo_object(o);
    jo_kcstr(o, "id", ruleset_id(book->shadow));
    hash_member(o, ruleset_hash(book->shadow));
    rest_time(o, "since", book->shadow_since);
    jo_key(o, "live");
    jo_object(o);
    for (int live = 0; live < 3; live++) {
        jo_key(o, verdict_name((enum verdict)live));
        jo_object(o);
        for (int shadow = 0; shadow < 3; shadow++)
            jo_kint(o, verdict_name((enum verdict)shadow), (int64_t)t.count[live][shadow]);
        jo_end(o);
    }
    jo_end(o);
    jo_key(o, "differ");
    jo_array(o);
    for (size_t i = 0; i < t.n; i++) {
        jo_object(o);
        jo_kcstr(o, "id", store_id_text(t.example[i].bucket, t.example[i].message, id));
        jo_kcstr(o, "live", verdict_name(t.example[i].live));
        jo_kcstr(o, "shadow", verdict_name(t.example[i].shadow));
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
    return 0;
}

/* --- reading the files again --------------------------------------------------------------------------------------- */

struct activate_call {
    struct rules_activation activation;
    struct gateway *g;
    struct http_req *rq;
};

static void activated(struct rules_activation *v)
{
    struct activate_call *c = v->user;
    struct http_header h[] = {{STR("Content-Type"), STR("application/json")}, {STR("Cache-Control"), STR("no-store")}};
    struct buf b;
    struct json_out o;
    if (v->rc != 0) {
        rest_problem(c->rq, &v->err, NULL);
        return;
    }
    buf_init(&b, REST_ANSWER_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kbool(&o, "changed", v->changed);
    jo_key(&o, "running");
    jo_object(&o);
    show_book(&o, v->book);
    jo_end(&o);
    jo_end(&o);
    http_reply_buf(c->rq, 200, h, 2, &b);
}

static void activate_collected(void *ctx, struct http_req *rq)
{
    struct activate_call *c = ctx;
    struct err e = {0};
    c->activation = (struct rules_activation){.actor = "api", .done = activated, .user = c};
    if (rules_activate(c->g->rules, &c->activation, &e) != 0)
        rest_problem(rq, &e, NULL);
}

void rest_rules_activate(struct gateway *g, struct http_req *rq)
{
    struct activate_call *c = arena_new(http_arena(rq), struct activate_call);
    if (c == NULL) {
        rest_problem(rq, &(struct err){.code = WL_ENOMEM, .text = "the request is too large"}, NULL);
        return;
    }
    c->g = g;
    c->rq = rq;
    http_collect(rq, ACTIVATE_BODY_MAX, activate_collected, c);
}
