/* SPDX-License-Identifier: Apache-2.0
 * rest_api.c - our own API: key, routes, errors. The command line and the console are its clients.
 *
 * Every call needs the admin key, compared in constant time. A call that writes becomes one job of the writer: it sees and
 * changes the database in the same transaction as everything else that arrived with it, and is answered after the commit.
 * Such calls are bounded (1 MiB, 1,000 rows), so none can hold the writer for long. A call that only reads never comes near
 * it: it is the same kind of job, done by the readers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/yaml.h"
#include "gateway/approvers.h"
#include "gateway/readers.h"
#include "gateway/recheck.h"
#include "gateway/rest_account.h"
#include "gateway/rest_campaign.h"
#include "gateway/rest_contact.h"
#include "gateway/rest_erasures.h"
#include "gateway/rest_impl.h"
#include "gateway/rest_person.h"
#include "gateway/rest_segment.h"
#include "gateway/rest_subscriber.h"
#include "gateway/rest_welcomes.h"
#include "gateway/send_terms.h"
#include "net/form.h"

#define PREFIX      "/wayleave/v1/"
#define REFUSED_MAX 1000 /* as many rows as a call may have */

struct rest_route {
    const char *method, *path;           /* path ending in '/': a parameter follows; "{}": it stands there */
    enum { READS, ASKS, WRITES } access; /* ASKS: reads, and takes a query */
    rest_handler handle;
    void (*begin)(struct gateway *g, struct http_req *rq); /* instead of handle: sees to itself */
};

static const struct rest_route routes[] = {
    {"GET", "status", READS, rest_status, NULL},
    {"GET", "contacts", ASKS, rest_contacts_list, NULL},
    {"POST", "contacts/import", WRITES, rest_contacts_import, NULL},
    {"POST", "contacts/activity", READS, rest_contacts_activity, NULL},
    {"PUT", "contacts/{}/attributes", WRITES, rest_contact_attributes, NULL},
    {"PUT", "contacts/{}/tags", WRITES, rest_contact_tags, NULL},
    {"POST", "contacts/{}/preferences", READS, rest_preferences_link, NULL},
    {"GET", "contacts/{}/export", ASKS, rest_person_export, NULL},
    {"GET", "contacts/{}/erase", READS, rest_erasure_preview, NULL},
    {"POST", "contacts/{}/erase", WRITES, rest_contact_erase, NULL},
    {"GET", "contacts/", READS, rest_contacts_show, NULL},
    {"GET", "erasures", ASKS, rest_erasures_list, NULL},
    {"GET", "erasures/{}", READS, rest_erasure, NULL},
    {"POST", "consent", WRITES, rest_consent_add, NULL},
    {"POST", "consent/bulk", WRITES, rest_consent_bulk, NULL},
    {"GET", "wordings", READS, rest_wordings_list, NULL},
    {"GET", "wordings/", READS, rest_wording, NULL},
    {"GET", "consent/", READS, rest_consent_show, NULL},
    {"GET", "ledger", READS, rest_ledger, NULL},
    {"GET", "ledger/audit", ASKS, rest_ledger_audit, NULL},
    {"GET", "ledger/proofs/", ASKS, rest_ledger_proofs, NULL},
    {"GET", "decisions/", READS, rest_decision, NULL},
    {"POST", "messages", WRITES, NULL, rest_send},
    {"GET", "messages", ASKS, rest_messages_list, NULL},
    {"GET", "messages/", READS, rest_message, NULL},
    {"DELETE", "messages/", WRITES, rest_message_cancel, NULL},
    {"GET", "numbers", READS, rest_numbers_list, NULL},
    {"POST", "numbers/{}/resume", READS, rest_number_resume, NULL},
    {"GET", "numbers/{}", READS, rest_number, NULL},
    {"GET", "accounts", READS, rest_accounts_list, NULL},
    {"GET", "accounts/{}", READS, rest_account, NULL},
    {"GET", "templates", ASKS, rest_templates_list, NULL},
    {"POST", "templates/sync", READS, rest_templates_sync, NULL},
    {"GET", "templates/{}/{}/{}", READS, rest_template, NULL},
    {"GET", "notices", ASKS, rest_notices_list, NULL},
    {"GET", "webhooks", ASKS, rest_webhooks_list, NULL},
    {"GET", "webhooks/fields", READS, rest_webhook_fields, NULL},
    {"POST", "webhooks/erase", READS, rest_webhooks_erase, NULL},
    {"POST", "webhooks/replay", WRITES, rest_webhooks_replay, NULL},
    {"GET", "webhooks/{}", ASKS, rest_webhook, NULL},
    {"GET", "subscribers", READS, rest_subscribers_list, NULL},
    {"POST", "subscribers", WRITES, rest_subscriber_add, NULL},
    {"GET", "subscribers/{}", READS, rest_subscriber, NULL},
    {"PATCH", "subscribers/{}", WRITES, rest_subscriber_change, NULL},
    {"DELETE", "subscribers/{}", WRITES, rest_subscriber_remove, NULL},
    {"POST", "subscribers/{}/pause", WRITES, rest_subscriber_pause, NULL},
    {"POST", "subscribers/{}/resume", WRITES, rest_subscriber_resume, NULL},
    {"POST", "subscribers/{}/test", READS, rest_subscriber_test, NULL},
    {"GET", "subscribers/{}/dead", ASKS, rest_subscriber_dead, NULL},
    {"GET", "welcomes", ASKS, rest_welcomes_list, NULL},
    {"POST", "welcomes", WRITES, rest_welcome_start, NULL},
    {"GET", "welcomes/{}", READS, rest_welcome, NULL},
    {"DELETE", "welcomes/{}", WRITES, rest_welcome_cancel, NULL},
    {"GET", "campaigns", ASKS, rest_campaigns_list, NULL},
    {"POST", "campaigns", WRITES, rest_campaign_create, NULL},
    {"GET", "campaigns/{}", READS, rest_campaign, NULL},
    {"GET", "campaigns/{}/check", READS, rest_campaign_check, NULL},
    {"GET", "campaigns/{}/preview", ASKS, rest_campaign_preview, NULL},
    {"GET", "campaigns/{}/live", READS, rest_campaign_live, NULL},
    {"GET", "campaigns/{}/report", READS, rest_campaign_report, NULL},
    {"GET", "campaigns/{}/recipients", ASKS, rest_campaign_recipients, NULL},
    {"GET", "campaigns/{}/events", READS, rest_campaign_events, NULL},
    {"GET", "campaigns/{}/verify", READS, rest_campaign_verify, NULL},
    {"PUT", "campaigns/{}", WRITES, rest_campaign_change, NULL},
    {"POST", "campaigns/{}/check", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/approve", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/start", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/pause", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/resume", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/stop", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/cancel", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/quarantine", WRITES, rest_campaign_act, NULL},
    {"POST", "campaigns/{}/release", WRITES, rest_campaign_act, NULL},
    {"GET", "segments", ASKS, rest_segments_list, NULL},
    {"GET", "segments/fields", ASKS, rest_segments_fields, NULL},
    {"GET", "segments/fields/{}/values", ASKS, rest_segments_values, NULL},
    {"GET", "segments/model", READS, rest_segments_model, NULL},
    {"POST", "segments/count", READS, rest_segments_count, NULL},
    {"POST", "segments/explain", READS, rest_segments_explain, NULL},
    {"POST", "segments/sql", READS, rest_segments_sql, NULL},
    {"POST", "segments/sample", READS, rest_segments_sample, NULL},
    {"POST", "segments/export", READS, rest_segments_export, NULL},
    {"GET", "segments/{}", ASKS, rest_segment_show, NULL},
    {"PUT", "segments/{}", WRITES, rest_segment_put, NULL},
    {"DELETE", "segments/{}", WRITES, rest_segment_drop, NULL},
    {"GET", "segments/{}/versions", ASKS, rest_segment_versions, NULL},
    {"GET", "rules", READS, rest_rules_show, NULL},
    {"GET", "rules/history", ASKS, rest_rules_history, NULL},
    {"GET", "rules/shadow", READS, rest_rules_shadow, NULL},
    {"GET", "rules/book/", READS, rest_rules_book, NULL},
    {"POST", "rules/activate", WRITES, NULL, rest_rules_activate},
};

static const struct {
    int result, status;
    const char *code;
} problems[] = {
    {WL_EINVAL, 400, "invalid"},      {WL_EDENIED, 401, "unauthorized"},
    {WL_ENOTFOUND, 404, "not_found"}, {WL_ECONFLICT, 409, "conflict"},
    {WL_ETOOBIG, 413, "too_big"},     {WL_ENOMEM, 413, "too_big"},
    {WL_EBUSY, 503, "busy"},          {WL_EIO, 503, "busy"},
    {WL_ECORRUPT, 500, "corrupt"},
};

void rest_problem(struct http_req *rq, const struct err *e, const char *field)
{
    int status = 500;
    const char *code = "internal";
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        if (problems[i].result == e->code) {
            status = problems[i].status;
            code = problems[i].code;
        }
    }
    rest_error(rq, status, code, e->text, field);
}

void rest_refuse(struct http_req *rq, int status, const char *why)
{
    const char *code = status == 413 ? "too_big" : status == 429 || status == 503 ? "busy" : "invalid";
    rest_error(rq, status, code, why, NULL);
}

void rest_error(struct http_req *rq, int status, const char *code, const char *message, const char *field)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, 8192);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_key(&o, "error");
    jo_object(&o);
    jo_kcstr(&o, "code", code);
    jo_kcstr(&o, "message", message);
    if (field != NULL)
        jo_kcstr(&o, "field", field);
    jo_end(&o);
    jo_end(&o);
    struct http_header h[] = {{STR("Content-Type"), STR("application/json")}};
    http_reply_buf(rq, status, h, 1, &b);
}

int rest_wrong(struct rest_call *c, int code, const char *field, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    c->problem.code = code;
    vsnprintf(c->problem.text, sizeof c->problem.text, fmt, ap);
    va_end(ap);
    c->field = field;
    return 0;
}

void rest_refused(struct rest_call *c, const struct person *p)
{
    if (c->refused == NULL)
        c->refused = arena_array(http_arena(c->rq), REFUSED_MAX, sizeof *c->refused);
    if (c->refused != NULL && c->n_refused < REFUSED_MAX) /* beyond that, messages are judged when their turn comes */
        c->refused[c->n_refused++] = (struct rest_refused){p->bucket, p->id};
}

bool rest_known_keys(struct rest_call *c, struct json object, const char *const *known)
{
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        bool found = false;
        for (size_t i = 0; known[i] != NULL && !found; i++)
            found = str_eq(it.key, str_of(known[i]));
        if (found)
            continue;
        const char *near = nearest_word(it.key, known);
        rest_wrong(c, WL_EINVAL, NULL, "the key '%.*s' is not known here%s%s%s", (int)(it.key.n < 64 ? it.key.n : 64),
                   it.key.p, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return false;
    }
    return true;
}

static int rest_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                    struct err *e)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        struct rest_call *c = container_of(jobs[i], struct rest_call, job);
        buf_done(&c->answer); /* the transaction may run a second time */
        buf_init(&c->answer, REST_ANSWER_MAX);
        json_out_init(&c->out, &c->answer);
        c->problem.code = 0;
        c->status = 0;
        c->follow = NULL;
        c->later = NULL;
        c->after = (struct life_after){.n_bells = 0};
        c->n_refused = 0;
        int rc = c->route->handle(c, s, a, now, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

void rest_reply(struct rest_call *c)
{
    struct http_header h[] = {{STR("Content-Type"), STR("application/json")},
                              {STR("Cache-Control"), STR("no-store")},
                              {STR(REPLAYED_HEADER), STR("true")},
                              {STR("Wayleave-Message-Id"), c->param}};
    struct buf answer = c->answer; /* the call lives in the request's arena, which the reply may free */
    if (c->job.rc != 0)
        rest_problem(c->rq, &c->job.err, NULL);
    else if (c->problem.code != 0)
        rest_problem(c->rq, &c->problem, c->field);
    else
        http_reply_buf(c->rq, c->status != 0 ? c->status : 200, h, c->replayed ? 4 : 2, &answer);
    buf_done(&answer);
}

static void rest_done(void *ctx, struct job *job)
{
    (void)ctx;
    struct rest_call *c = container_of(job, struct rest_call, job);
    bool good = job->rc == 0 && c->problem.code == 0;
    if (job->rc == 0)
        life_follow(c->g, &c->after);
    for (size_t i = 0; good && i < c->n_refused; i++)
        recheck_person(c->g->recheck, c->refused[i].bucket, c->refused[i].contact);
    if (good && c->follow != NULL)
        c->follow(c->g->fanout);
    if (good && c->later != NULL)
        c->later(c);
    else
        rest_reply(c);
}

static const struct job_type rest_type = {.name = "rest", .rank = 2, .run = rest_run, .done = rest_done};

static void rest_collected(void *ctx, struct http_req *rq)
{
    struct rest_call *c = ctx;
    struct err e = {0};
    c->body = http_body(rq);
    c->job.type = &rest_type;
    int rc = c->route->access != WRITES ? readers_submit(c->g->readers, &c->job, &e)
                                        : writer_submit(c->g->writer, &c->job, &e);
    if (rc != 0)
        rest_problem(rq, &e, NULL);
}

void rest_show_message(struct gateway *g, struct http_req *rq, int bucket, int64_t id)
{
    static const struct rest_route route = {"GET", "messages/", READS, rest_message, NULL};
    struct err e = {0};
    struct rest_call *c = arena_new(http_arena(rq), struct rest_call);
    char *text = arena_alloc(http_arena(rq), STORE_ID_TEXT);
    if (c == NULL || text == NULL) {
        err_set(&e, WL_ENOMEM, "the request is too large");
        rest_problem(rq, &e, NULL);
        return;
    }
    *c = (struct rest_call){.g = g,
                            .rq = rq,
                            .route = &route,
                            .param = str_of(store_id_text(bucket, id, text)),
                            .replayed = true,
                            .job = {.type = &rest_type}};
    if (readers_submit(g->readers, &c->job, &e) != 0)
        rest_problem(rq, &e, NULL);
}

/* What follows "Bearer"; empty: nothing does. */
static struct str bearer(const struct http_req *rq)
{
    struct str v = str_trim(http_header(rq, "Authorization")), rest;
    return str_ieq(str_cut(v, ' ', &rest), STR("Bearer")) ? str_trim(rest) : (struct str){"", 0};
}

static bool key_matches(const struct gateway *g, struct str key)
{
    struct str want = str_of(g->admin_key);
    return key.n == want.n && digest_equal(key.p, want.p, want.n);
}

/* An approver's key is for campaigns alone. */
static int whose_key(const struct gateway *g, const struct http_req *rq, struct str path, const char **ret_approver,
                     struct err *e)
{
    struct str key = bearer(rq);
    if (key_matches(g, key))
        return 0;
    const struct approver_option *approver = approver_by_key(g, key);
    if (approver == NULL)
        return err_set(
            e, WL_EDENIED,
            "the admin key is missing or wrong (Authorization: Bearer <key>; it is in admin.key of the state "
            "directory)");
    if (!str_eq(path, STR("campaigns")) && !str_starts(path, STR("campaigns/")))
        return err_set(e, WL_EDENIED,
                       "an approver's key is for campaigns alone: this needs the gateway's own (admin.key)");
    *ret_approver = approver->name;
    return 0;
}

/* How often this byte is in it. */
static size_t count(struct str s, char byte)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == byte;
    return n;
}

/* Whether the path is this one, and what stands for its parameter; behind a last '/' that may be anything. Parameters that
 * follow one another ("{}/{}") come as one, with what stands between them. */
static bool path_fits(struct str path, const char *pattern, struct str *ret_param)
{
    const char *hole = strstr(pattern, "{}"), *last = strrchr(pattern, '}');
    struct str head = {pattern, hole != NULL ? (size_t)(hole - pattern) : strlen(pattern)};
    struct str tail = str_of(hole != NULL ? last + 1 : "");
    *ret_param = (struct str){NULL, 0};
    if (head.p[head.n - 1] != '/')
        return str_eq(path, head);
    if (!str_starts(path, head) || path.n <= head.n + tail.n || memcmp(path.p + path.n - tail.n, tail.p, tail.n) != 0)
        return false;
    *ret_param = (struct str){path.p + head.n, path.n - head.n - tail.n};
    return hole == NULL || count(*ret_param, '/') == count((struct str){hole, (size_t)(last - hole)}, '/');
}

static const struct rest_route *find_route(struct str method, struct str path, struct str *ret_param)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (str_eq(method, str_of(routes[i].method)) && path_fits(path, routes[i].path, ret_param))
            return &routes[i];
    return NULL;
}

/* A parameter nobody reads would be lost in silence: a filter that filters nothing. */
static int no_query(const struct rest_route *route, struct str query, struct err *e)
{
    struct str rest, name = str_cut(str_cut(query, '&', &rest), '=', &rest);
    if (query.n == 0 || route->access == ASKS)
        return 0;
    return err_set(e, WL_EINVAL, "this path takes no query, as in '%.*s'", (int)(name.n < 64 ? name.n : 64), name.p);
}

void rest_api_begin(struct gateway *g, struct http_req *rq)
{
    struct err e = {0};
    struct str path = http_path(rq), param;
    path = (struct str){path.p + sizeof PREFIX - 1, path.n - (sizeof PREFIX - 1)};
    const struct rest_route *route = find_route(http_method(rq), path, &param);
    struct rest_call *c = arena_new(http_arena(rq), struct rest_call);
    const char *approver = NULL;
    int rc = whose_key(g, rq, path, &approver, &e);
    if (rc == 0 && route == NULL)
        err_set(&e, WL_ENOTFOUND, "no such method and path in this API");
    else if (rc == 0 && (c == NULL || (param.p != NULL && !percent_decode(http_arena(rq), param, &param))))
        err_set(&e, WL_EINVAL, "the path has a broken percent escape");
    if (e.code == 0)
        no_query(route, http_query(rq), &e);
    if (e.code != 0) {
        rest_problem(rq, &e, NULL);
        return;
    }
    if (route->begin != NULL) {
        route->begin(g, rq);
        return;
    }
    *c = (struct rest_call){.g = g, .rq = rq, .route = route, .param = param, .approver = approver};
    http_collect(rq, REST_BODY_MAX, rest_collected, c);
}
