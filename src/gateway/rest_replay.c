/* SPDX-License-Identifier: Apache-2.0
 * rest_replay.c - old webhooks handed to one subscriber again, and one made-up event posted to see whether it listens.
 *
 * A stretch of bodies is handed over beside what comes in, which goes first; one stretch at a time. What a subscriber did not
 * take is tried once more, all of it; single bodies are put to the same place. A test is a signed POST of a field that no
 * app knows, so that nothing happens there but an answer; it waits for nobody here and counts for nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/fanout.h"
#include "gateway/rest_subscriber.h"
#include "store/inbox.h"

#define COUNTED   10000 /* more bodies than this are "at least" so many */
#define IDS_MAX   100
#define TEST_BODY 512

/* --- again ------------------------------------------------------------------------------------------------------------ */

struct replay {
    struct str subscriber;
    bool dead, stop;
    int64_t from, to; /* first and last body; 0 not said */
    int64_t id[IDS_MAX];
    size_t n_ids;
};

static bool read_place(struct rest_call *c, struct json v, const char *field, int64_t now, bool last, int64_t *ret)
{
    struct str text;
    int64_t id;
    *ret = 0;
    if (json_type(v) <= JSON_NULL)
        return true;
    if (!json_str(v, &text) || !rest_webhook_place(text, now, ret)) {
        rest_wrong(c, WL_EINVAL, field, "%s is the id of a webhook or a time such as " REST_TIME_FORMS, field);
        return false;
    }
    if (!last && !rest_webhook_past(c, field, text, now))
        return false;
    if (last && !str_i64(text, &id) && *ret != INT64_MAX)
        --*ret; /* before that moment */
    return true;
}

/* "id": one, or a list of them. */
static bool read_ids(struct rest_call *c, struct json v, struct replay *r)
{
    struct str one;
    if (json_type(v) <= JSON_NULL)
        return true;
    if (json_str(v, &one)) {
        r->n_ids = 1;
        return rest_webhook_id(c, one, "id", &r->id[0]);
    }
    if (json_type(v) != JSON_ARRAY || json_count(v) == 0 || json_count(v) > IDS_MAX) {
        rest_wrong(c, WL_EINVAL, "id", "id is the id of a webhook, or a list of 1 to %d of them", IDS_MAX);
        return false;
    }
    for (struct json_iter it = json_iter(v); json_next(&it); r->n_ids++)
        if (!rest_webhook_id(c, json_str_or(it.value, STR("")), "id", &r->id[r->n_ids]))
            return false;
    return true;
}

static bool read_flag(struct rest_call *c, struct json root, const char *key, bool *ret)
{
    struct json v = json_get(root, key);
    if (json_type(v) <= JSON_NULL || json_bool(v, ret))
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s is true or false", key);
    return false;
}

static bool read_replay(struct rest_call *c, int64_t now, struct replay *r)
{
    static const char *const keys[] = {"subscriber", "from", "to", "dead", "stop", "id", NULL};
    struct json root;
    *r = (struct replay){.n_ids = 0};
    if (!rest_read_object(c, keys, &root))
        return false;
    if (!json_str(json_get(root, "subscriber"), &r->subscriber)) {
        rest_wrong(c, WL_EINVAL, "subscriber", "subscriber is missing: who is to get the webhooks again");
        return false;
    }
    if (!read_place(c, json_get(root, "from"), "from", now, false, &r->from) ||
        !read_place(c, json_get(root, "to"), "to", now, true, &r->to) || !read_flag(c, root, "dead", &r->dead) ||
        !read_flag(c, root, "stop", &r->stop) || !read_ids(c, json_get(root, "id"), r))
        return false;
    if ((r->from != 0) + r->dead + r->stop + (r->n_ids > 0) != 1)
        rest_wrong(c, WL_EINVAL, NULL, "say one of these: `from` (and `to`), `dead`, `id`, or `stop`");
    else if (r->to != 0 && r->from == 0)
        rest_wrong(c, WL_EINVAL, "to", "to stands beside `from` only");
    else if (r->to != 0 && r->to < r->from)
        rest_wrong(c, WL_EINVAL, "to", "to must lie after `from`");
    return c->problem.code == 0;
}

static void answer(struct rest_call *c, const struct subscriber *v, int64_t bodies, int64_t letters)
{
    struct json_out *o = &c->out;
    c->follow = fanout_changed;
    jo_object(o);
    jo_kcstr(o, "subscriber", v->name);
    jo_kint(o, "bodies", bodies);
    if (bodies >= COUNTED)
        jo_kbool(o, "at_least", true);
    if (letters >= 0) {
        jo_kint(o, "dead", letters);
        jo_kbool(o, "more", letters >= DEAD_LETTERS_AT_ONCE); /* the same call goes on with the rest */
    }
    jo_kbool(o, "paused", v->paused);
    jo_end(o);
}

static int again_stretch(struct rest_call *c, struct store *s, const struct replay *r, const struct subscriber *v,
                         struct err *e)
{
    int64_t newest = 0, bodies = 0;
    int rc = inbox_newest(s, &newest, e);
    if (rc != 0)
        return rc;
    int64_t after = r->from - 1, until = r->to != 0 && r->to < newest ? r->to : newest;
    if (v->again_until != 0)
        return rest_wrong(c, WL_ECONFLICT, NULL,
                          "'%s' is being given older webhooks again already; wait until that is done, or stop it first",
                          v->name);
    if (until > after)
        rc = inbox_count(s, after, until, COUNTED, &bodies, e);
    if (rc == 0 && bodies > 0)
        rc = subscriber_again(s, v->id, after, until, e);
    answer(c, v, bodies, -1);
    return rc;
}

static int again_ids(struct rest_call *c, struct store *s, struct arena *a, const struct replay *r,
                     const struct subscriber *v, int64_t now, struct err *e)
{
    struct dead_letter d[IDS_MAX];
    struct inbox_row row;
    struct err why = {0};
    for (size_t i = 0; i < r->n_ids; i++) {
        int rc = inbox_get(s, r->id[i], a, &row, &why);
        if (rc == WL_ENOTFOUND)
            return rest_wrong(c, WL_ENOTFOUND, "id", "there is no webhook %lld here", (long long)r->id[i]);
        if (rc != 0) {
            *e = why;
            return rc;
        }
        d[i] = (struct dead_letter){.subscriber = v->id,
                                    .seq = r->id[i],
                                    .event = -1,
                                    .died_at = now,
                                    .why = STR("asked for again"),
                                    .again = true};
    }
    int rc = dead_letters_put(s, d, r->n_ids, e);
    answer(c, v, (int64_t)r->n_ids, -1);
    return rc;
}

int rest_webhooks_replay(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct replay r;
    struct subscriber v;
    size_t letters = 0;
    if (!read_replay(c, now, &r))
        return 0;
    int rc = rest_find_subscriber(c, s, a, r.subscriber, "subscriber", &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (r.from != 0)
        return again_stretch(c, s, &r, &v, e);
    if (r.n_ids > 0)
        return again_ids(c, s, a, &r, &v, now, e);
    rc = r.stop ? subscriber_again(s, v.id, 0, 0, e) : dead_letters_again(s, v.id, 0, &letters, e);
    answer(c, &v, 0, r.stop ? -1 : (int64_t)letters);
    return rc;
}

/* --- a test ----------------------------------------------------------------------------------------------------------- */

struct trial {
    struct fanout_test test;
    struct rest_call *c;
    char name[SUBSCRIBER_NAME_MAX];
    char body[TEST_BODY];
};

/* A name may lead to an address that could not be given as one. */
static const char *trial_error(const struct trial *t)
{
    const struct gateway *g = t->c->g;
    const char *said = t->test.error;
    if (said[0] == '\0' || strstr(said, address_refused) == NULL)
        return said[0] != '\0' ? said : NULL;
    if (g->o.webhook_private || t->test.by_configuration)
        return "its name leads to a link-local address, which nothing is ever posted to";
    return "its name leads to an address on this machine or in a private network: set `webhook.private_subscribers: "
           "true` "
           "in the configuration and start the gateway again";
}

static void trial_over(struct fanout_test *test)
{
    struct trial *t = container_of(test, struct trial, test);
    struct rest_call *c = t->c;
    struct json_out *o = &c->out;
    jo_object(o);
    jo_kcstr(o, "subscriber", t->name);
    jo_kbool(o, "taken", test->status >= 200 && test->status < 300);
    jo_kint(o, "status", test->status);
    jo_kint(o, "took_ms", test->took_ms);
    jo_kcstr(o, "error", trial_error(t));
    jo_end(o);
    rest_reply(c);
}

static void trial_begin(struct rest_call *c)
{
    struct trial *t = c->work;
    struct err e = {0};
    if (fanout_test(c->g->fanout, &t->test, &e) == 0)
        return;
    c->problem = e;
    rest_reply(c);
}

int rest_subscriber_test(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct subscriber v;
    int rc = rest_find_subscriber(c, s, a, c->param, NULL, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct arena *kept = http_arena(c->rq); /* outlives the transaction */
    struct trial *t = arena_new(kept, struct trial);
    const char *url = arena_strndup(kept, v.url.p, v.url.n), *secret = NULL;
    if (v.secret.n > 0)
        secret = arena_memdup(kept, v.secret.p, v.secret.n);
    if (t == NULL || url == NULL || (v.secret.n > 0 && secret == NULL))
        return err_set(e, WL_ENOMEM, "the request is too large");
    *t = (struct trial){.c = c, .test = {.url = {url, v.url.n}, .secret = {secret, secret != NULL ? v.secret.n : 0}}};
    memcpy(t->name, v.name, sizeof t->name);
    int n = snprintf(t->body, sizeof t->body,
                     "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"0\",\"time\":%lld,\"changes\":["
                     "{\"field\":\"wayleave_test\",\"value\":{\"subscriber\":\"%s\",\"test\":true}}]}]}",
                     (long long)(now / 1000), t->name);
    t->test.body = (struct str){t->body, (size_t)n};
    t->test.app = v.app;
    t->test.by_configuration = v.origin == SUBSCRIBER_BY_CONFIGURATION;
    t->test.done = trial_over;
    c->work = t;
    c->later = trial_begin;
    return 0;
}
