/* SPDX-License-Identifier: Apache-2.0
 * preference_page.c - GET and POST /preferences/<link>: a person sees and changes what they agreed to.
 *
 * The only page of ours that is for the public. The signed link is all that is asked for, so the page tells little: neither
 * name nor number. Looking changes nothing (mail scanners and previews open links); saving records what was changed against
 * what the page had shown, each category with the wording the person read. A refusal is taken from anybody who has the link;
 * it is in force when the page says that it is saved. */
#include "base/clock.h"
#include "gateway/business.h"
#include "gateway/campaign_counts.h"
#include "gateway/gateway_impl.h"
#include "gateway/preference_html.h"
#include "gateway/preference_link.h"
#include "gateway/readers.h"
#include "gateway/recheck.h"
#include "net/form.h"
#include "store/ledger.h"
#include "store/people.h"

#define BODY_MAX  4096
#define PAGE_MAX  65536
#define PEER_MAX  64
#define AGENT_MAX 300

struct visit {
    struct job job;
    struct gateway *g;
    struct http_req *rq;
    struct preference_link link;
    bool saves, stops; /* stops: everything */
    consent_scope on, was;

    /* --- filled in the transaction --- */
    bool gone, refused;
    struct person person;
};

/* --- answers -------------------------------------------------------------------------------------------------------- */

static const struct preference_words *words_for(const struct visit *v)
{
    return preference_words(str_of(v->person.lang), http_header(v->rq, "Accept-Language"));
}

static void reply_page(struct http_req *rq, int status, struct buf *page)
{
    const struct http_header h[] = {{STR("Content-Type"), STR("text/html; charset=utf-8")},
                                    {STR("Cache-Control"), STR("no-store")},
                                    {STR("Referrer-Policy"),
                                     STR("no-referrer")}, /* the address is the key to the page */
                                    {STR("X-Content-Type-Options"), STR("nosniff")},
                                    {STR("X-Robots-Tag"), STR("noindex")},
                                    {STR("Content-Security-Policy"),
                                     STR("default-src 'none'; style-src 'self'; form-action 'self'; "
                                         "frame-ancestors 'none'; base-uri 'none'")}};
    http_reply_buf(rq, status, h, sizeof h / sizeof h[0], page);
}

static void reply_gone(struct http_req *rq, const struct preference_words *w)
{
    struct buf page;
    buf_init(&page, PAGE_MAX);
    preference_gone(w, &page);
    reply_page(rq, 404, &page);
}

static void reply_text(struct http_req *rq, int status, const char *text)
{
    const struct http_header h[] = {{STR("Content-Type"), STR("text/plain; charset=utf-8")},
                                    {STR("Cache-Control"), STR("no-store")}};
    http_reply(rq, status, h, 2, str_of(text));
}

/* Behind a POST the page is fetched anew, so that reloading it saves nothing twice. */
static void reply_saved(struct visit *v)
{
    const struct http_header h[] = {{STR("Location"), STR("?saved=1")}, {STR("Cache-Control"), STR("no-store")}};
    http_reply(v->rq, 303, h, 2, STR(""));
}

static void reply_shown(struct visit *v)
{
    struct buf page;
    buf_init(&page, PAGE_MAX);
    preference_page(words_for(v), business_name(v->g, 0, http_arena(v->rq)), &v->person.consent, clock_now_ms(),
                    str_eq(http_query(v->rq), STR("saved=1")), &page);
    reply_page(v->rq, 200, &page);
}

static void done(void *ctx, struct job *job)
{
    struct visit *v = container_of(job, struct visit, job);
    (void)ctx;
    if (job->rc != 0) {
        reply_text(v->rq, 503, "This does not work just now. Please try again in a moment.\n");
    } else if (v->gone) {
        reply_gone(v->rq, words_for(v));
    } else if (v->saves) {
        if (v->refused)
            recheck_person(v->g->recheck, v->person.bucket, v->person.id);
        reply_saved(v);
    } else {
        reply_shown(v);
    }
}

/* --- in the transaction --------------------------------------------------------------------------------------------- */

static int find_person(struct visit *v, struct store *s, struct err *e)
{
    int rc = people_get(s, v->link.bucket, v->link.contact, &v->person, e);
    v->gone = rc == WL_ENOTFOUND || (rc == 0 && v->person.restricted_until != 0);
    return v->gone ? 0 : rc;
}

/* From where the page was sent, as far as that can be told. */
static struct str evidence_of(struct visit *v, struct arena *a)
{
    struct buf b;
    struct json_out o;
    struct str agent = http_header(v->rq, "User-Agent"), peer = http_peer(v->rq);
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kstr(&o, "address", (struct str){peer.p, peer.n < PEER_MAX ? peer.n : PEER_MAX});
    if (agent.n > 0 && agent.n <= AGENT_MAX)
        jo_kstr(&o, "user_agent", agent);
    jo_end(&o);
    struct str text = {b.failed ? "" : arena_strndup(a, buf_cstr(&b), b.len), b.failed ? 0 : b.len};
    buf_done(&b);
    return text.p != NULL ? text : STR("");
}

static int record(struct visit *v, struct store *s, struct consent_row *row, int64_t now, struct err *e)
{
    size_t fresh = 0;
    const struct consent_ground ground = {.act = row->event.act,
                                          .method = row->method,
                                          .source = row->source,
                                          .has_wording = row->wording.n > 0,
                                          .evidence = row->evidence,
                                          .actor = row->actor};
    row->event.rank = (int)consent_rank(&ground, NULL);
    row->id = store_id(s, now);
    int rc = ledger_append(s, row, 1, &fresh, e);
    return rc == 0 && fresh > 0 ? people_say(s, &v->person, NULL, &row->event, now, e) : rc;
}

static struct consent_row new_row(struct visit *v, struct arena *a, int64_t now)
{
    return (struct consent_row){.bucket = v->person.bucket,
                                .contact = v->person.id,
                                .event = {.at = now},
                                .recorded_at = now,
                                .method = STR("preferences"),
                                .source = STR("preference page"),
                                .language = str_of(words_for(v)->tag),
                                .evidence = evidence_of(v, a),
                                .actor = STR(CONSENT_ACTOR_PAGE),
                                .business = business_name(v->g, 0, a)};
}

static int agree(struct visit *v, struct store *s, struct arena *a, int label, int64_t now, struct err *e)
{
    struct consent_row row = new_row(v, a, now);
    struct buf wording;
    buf_init(&wording, 4096);
    preference_wording(words_for(v), row.business, label, &wording);
    row.event.act = CONSENT_GRANT;
    row.event.scope = CONSENT_SCOPE(preference_categories[label]);
    row.wording = buf_str(&wording);
    int rc = wording.failed ? err_set(e, WL_ETOOBIG, "the wording is too long") : record(v, s, &row, now, e);
    buf_done(&wording);
    return rc;
}

static int refuse(struct visit *v, struct store *s, struct arena *a, consent_scope scope, int64_t now, struct err *e)
{
    struct consent_row row = new_row(v, a, now);
    if (scope == 0)
        return 0;
    row.event.act = CONSENT_WITHDRAW;
    row.event.scope = scope;
    v->refused = true;
    int rc = record(v, s, &row, now, e);
    return rc == 0 ? campaign_told_lately(s, a, row.bucket, row.contact, now, TOLD_OPTED_OUT, e) : rc;
}

static int save(struct visit *v, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    consent_scope want = v->stops ? 0 : v->on & ~v->was;
    int rc = refuse(v, s, a, v->stops ? CONSENT_ALL : v->was & ~v->on, now, e);
    for (int i = 0; rc == 0 && i < PREFERENCE_LABELS; i++)
        if (want & CONSENT_SCOPE(preference_categories[i]))
            rc = agree(v, s, a, i, now, e);
    return rc;
}

static int run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
               struct err *e)
{
    int rc = 0;
    (void)ctx;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct visit *v = container_of(jobs[i], struct visit, job);
        v->refused = false; /* the transaction may run a second time */
        rc = find_person(v, s, e);
        if (rc == 0 && v->saves && !v->gone)
            rc = save(v, s, a, now, e);
    }
    return rc;
}

/* People's words come before what is to be sent. */
static const struct job_type visit_type = {.name = "preferences", .rank = 1, .run = run, .done = done};

/* --- requests ------------------------------------------------------------------------------------------------------- */

static void submit(struct visit *v)
{
    struct err e = {0};
    v->job.type = &visit_type;
    int rc = v->saves ? writer_submit(v->g->writer, &v->job, &e) : readers_submit(v->g->readers, &v->job, &e);
    if (rc != 0) {
        v->job.rc = rc;
        done(NULL, &v->job);
    }
}

static consent_scope category_of(struct str word)
{
    enum category c = category_parse(word);
    return c != CATEGORY_UNKNOWN ? CONSENT_SCOPE(c) & CONSENT_ALL : 0;
}

static void collected(void *ctx, struct http_req *rq)
{
    struct visit *v = ctx;
    struct form form;
    struct err e = {0};
    if (form_urlencoded(http_arena(rq), http_body(rq), &form, &e) != 0) {
        reply_text(rq, 400, "The form could not be read.\n");
        return;
    }
    for (size_t i = 0; i < form.n; i++) {
        const struct form_field *f = &form.fields[i];
        if (str_eq(f->name, STR("on")))
            v->on |= category_of(f->value);
        else if (str_eq(f->name, STR("was")))
            v->was |= category_of(f->value);
        else if (str_eq(f->name, STR("do")))
            v->stops = str_eq(f->value, STR("stop"));
    }
    v->saves = true;
    submit(v);
}

void preference_page_begin(struct gateway *g, struct http_req *rq)
{
    struct str path = http_path(rq), method = http_method(rq);
    struct str token = {path.p + sizeof PREFERENCE_PREFIX - 1, path.n - (sizeof PREFERENCE_PREFIX - 1)};
    const struct http_header css[] = {{STR("Content-Type"), STR("text/css; charset=utf-8")}};
    struct visit *v = arena_new(http_arena(rq), struct visit);
    bool looks = str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
    if (looks && str_eq(token, STR("style.css"))) {
        http_reply(rq, 200, css, 1, str_of(preference_style));
    } else if (!looks && !str_eq(method, STR("POST"))) {
        reply_text(rq, 405, "Only GET and POST.\n");
    } else if (v == NULL) {
        reply_text(rq, 503, "This does not work just now. Please try again in a moment.\n");
    } else if (!preference_link_read(g->preference_key, token, clock_now_ms(), &v->link)) {
        reply_gone(rq, preference_words(STR(""), http_header(rq, "Accept-Language")));
    } else {
        v->g = g;
        v->rq = rq;
        if (looks)
            submit(v);
        else
            http_collect(rq, BODY_MAX, collected, v);
    }
}
