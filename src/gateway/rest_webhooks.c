/* SPDX-License-Identifier: Apache-2.0
 * rest_webhooks.c - the webhooks that came: the list a page at a time, one body with all that is known of it, the fields.
 *
 * The list is read from the bodies themselves, because their events are kept nowhere else: a page looks at so many bodies,
 * bytes and milliseconds and no more, may be short and still have a next one. Newest first; with `after` oldest first, for
 * who follows: then a body is shown once it was applied, so that what had come before is known as such, or after a moment.
 * People stand in the list by contact id, never by number; the body itself is shown to who asks for that one. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "core/webhook_filter.h"
#include "gateway/rest_subscriber.h"
#include "gateway/snapshot.h"
#include "store/inbox.h"
#include "store/notices.h"

#define PAGE_DEFAULT  100
#define PAGE_MOST     1000
#define LOOK_BODIES   5000 /* one page looks no further than this */
#define LOOK_BYTES    (8u << 20)
#define LOOK_NS       200000000
#define ANSWER_ENOUGH (1u << 20)
#define ROUND_ROWS    200
#define ROUND_BYTES   (1u << 20)
#define SCRATCH_MAX   (32u << 20) /* events of one body */
#define UNAPPLIED_MS  2000        /* who follows does not wait longer for a body to be applied */
#define DEAD_SHOWN    100

enum list_of { FIELDS, NUMBERS, ACCOUNTS, KINDS, STATUSES, LISTS };
/* Members of a filter, and what the query calls one of them. */
static const char *const list_member[LISTS] = {"fields", "numbers", "accounts", "kinds", "statuses"};
static const char *const list_name[LISTS] = {"field", "number", "account", "kind", "status"};

struct query {
    size_t limit;
    int64_t before, after; /* bodies before this one, or after it; 0 not said */
    bool follows;          /* after was said */
    int64_t from, to;      /* ms; 0 not said */
    int64_t app;           /* -1: any */
    bool problem, repeats;
    struct {
        struct str value[FILTER_LIST_MAX];
        size_t n;
    } list[LISTS];
    const struct webhook_filter *filter; /* NULL: every event */
};

/* --- the query -------------------------------------------------------------------------------------------------------- */

static bool add_values(struct query *q, enum list_of which, struct str v)
{
    for (struct str rest = v; rest.p != NULL;) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (one.n == 0 || q->list[which].n == FILTER_LIST_MAX)
            return false;
        q->list[which].value[q->list[which].n++] = one;
    }
    return true;
}

static bool read_list_field(void *to, struct str v, int64_t now)
{
    (void)now;
    return add_values(to, FIELDS, v);
}

static bool read_list_number(void *to, struct str v, int64_t now)
{
    (void)now;
    return add_values(to, NUMBERS, v);
}

static bool read_list_account(void *to, struct str v, int64_t now)
{
    (void)now;
    return add_values(to, ACCOUNTS, v);
}

static bool read_list_kind(void *to, struct str v, int64_t now)
{
    (void)now;
    return add_values(to, KINDS, v);
}

static bool read_list_status(void *to, struct str v, int64_t now)
{
    (void)now;
    return add_values(to, STATUSES, v);
}

bool rest_webhook_place(struct str v, int64_t now, int64_t *ret)
{
    int64_t ms;
    if (str_i64(v, ret))
        return *ret > 0;
    if (!rest_read_time(v, now, &ms))
        return false;
    *ret = ms < INT64_MAX >> 22 ? ms << 22 : INT64_MAX;
    return true;
}

bool rest_webhook_past(struct rest_call *c, const char *field, struct str v, int64_t now)
{
    int64_t id, ms;
    if (!str_i64(v, &id) && rest_read_time(v, now, &ms) && ms > now)
        rest_wrong(c, WL_EINVAL, field, "%s lies in the future", field);
    return c->problem.code == 0;
}

static bool read_before(void *to, struct str v, int64_t now)
{
    return rest_webhook_place(v, now, &((struct query *)to)->before);
}

static bool read_after(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    int64_t id;
    q->follows = true;
    if (!rest_webhook_place(v, now, &q->after))
        return false;
    if (str_i64(v, &id))
        return true;
    q->after--; /* from that moment on */
    return q->after >> 22 <= now;
}

static bool read_from(void *to, struct str v, int64_t now)
{
    return rest_read_time(v, now, &((struct query *)to)->from);
}

static bool read_to(void *to, struct str v, int64_t now)
{
    return rest_read_time(v, now, &((struct query *)to)->to);
}

static bool read_app(void *to, struct str v, int64_t now)
{
    int64_t *app = &((struct query *)to)->app;
    (void)now;
    return str_i64(v, app) && *app >= 0;
}

static bool read_problem(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_flag(v, &((struct query *)to)->problem);
}

static bool read_repeats(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_flag(v, &((struct query *)to)->repeats);
}

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, PAGE_MOST, &((struct query *)to)->limit);
}

#define SEVERAL " or several with commas between, at most 32"
static const struct rest_parameter parameters[] = {
    {"field", read_list_field, "field is the name of a webhook field, as in messages," SEVERAL, true},
    {"number", read_list_number, "number is a phone_number_id," SEVERAL, true},
    {"account", read_list_account, "account is the id of a WhatsApp Business account," SEVERAL, true},
    {"kind", read_list_kind, "kind is a kind of event, as in inbound or status," SEVERAL, true},
    {"status", read_list_status, "status is a status word, as in failed," SEVERAL, true},
    {"app", read_app, "app is the id of one of your apps at Meta, 0 for the one without an id", false},
    {"problem", read_problem, "problem is true or false", false},
    {"repeats", read_repeats, "repeats is true or false", false},
    {"from", read_from, "from is a time such as " REST_TIME_FORMS, false},
    {"to", read_to, "to is a time such as " REST_TIME_FORMS, false},
    {"before", read_before, "before is the id of a webhook, or a time such as " REST_TIME_FORMS, false},
    {"after", read_after, "after is the id of a webhook, or a time that is past, such as " REST_TIME_FORMS, false},
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {NULL, NULL, NULL, false},
};

/* The lists as a filter of subscribers, so that a word means the same in both. */
static bool read_filter(struct rest_call *c, struct arena *a, struct query *q)
{
    struct buf text;
    struct json_out o;
    struct json root;
    struct webhook_filter *filter;
    struct err why = {0};
    size_t all = 0;
    buf_init(&text, 1u << 20);
    json_out_init(&o, &text);
    jo_object(&o);
    for (size_t l = 0; l < LISTS; l++) {
        jo_key(&o, list_member[l]);
        jo_array(&o);
        for (size_t i = 0; i < q->list[l].n; i++, all++)
            jo_str(&o, q->list[l].value[i]);
        jo_end(&o);
    }
    jo_end(&o);
    int rc = json_parse(thread_json(), buf_str(&text), false, &root, &why);
    if (rc == 0 && all > 0) {
        rc = webhook_filter_read(root, a, &filter, &why);
        q->filter = filter;
    }
    buf_done(&text);
    const char *field = NULL;
    for (size_t l = 0; rc != 0 && l < LISTS; l++)
        if (strncmp(why.text, list_member[l], strlen(list_member[l])) == 0)
            field = list_name[l];
    if (rc != 0)
        rest_wrong(c, WL_EINVAL, field, "%s", why.text);
    return rc == 0;
}

static bool read_query(struct rest_call *c, struct arena *a, int64_t now, struct query *q)
{
    *q = (struct query){.limit = PAGE_DEFAULT, .app = -1};
    if (!rest_query(c, a, parameters, q, now) || !read_filter(c, a, q) || !rest_read_span(c, q->from, q->to, now))
        return false;
    if (q->follows && q->before != 0)
        rest_wrong(c, WL_EINVAL, "before", "before goes from new to old and after from old to new: give one of them");
    return c->problem.code == 0;
}

/* --- events ----------------------------------------------------------------------------------------------------------- */

static void id_member(struct json_out *o, const char *key, int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    if (id != 0)
        jo_kcstr(o, key, text);
}

static void text_member(struct json_out *o, const char *key, struct str v)
{
    if (v.n > 0)
        jo_kstr(o, key, v);
}

/* The person as we know them; nothing of somebody who is not known. */
static int contact_member(struct rest_call *c, struct store *s, const struct event *ev, struct err *e)
{
    const struct identity *who = ev->user_id.kind != IDENTITY_NONE ? &ev->user_id : &ev->phone;
    struct person p = {.id = 0};
    char text[48];
    if (who->kind == IDENTITY_NONE)
        return 0;
    int rc = people_find(s, who, 1, &p, e);
    if (rc != 0 || p.id == 0)
        return rc;
    rest_contact_id(&p, text);
    jo_kcstr(&c->out, "contact", text);
    return 0;
}

static int show_event(struct rest_call *c, struct store *s, const struct inbox_row *row, const struct event *ev,
                      size_t at, struct err *e)
{
    struct json_out *o = &c->out;
    char key[24];
    jo_object(o);
    jo_kint(o, "n", (int64_t)at);
    jo_kcstr(o, "kind", event_kind_name(ev->kind));
    text_member(o, "field", ev->field);
    text_member(o, "type", ev->type);
    id_member(o, "number", ev->phone_number_id);
    id_member(o, "account", ev->waba);
    rest_time(o, "at", ev->at != 0 ? ev->at : row->at);
    jo_kbool(o, "repeated", inbox_repeated(row, ev->key));
    int rc = contact_member(c, s, ev, e);
    text_member(o, "group", ev->group_id);
    text_member(o, "wamid", ev->wamid);
    if (ev->code != 0)
        jo_kint(o, "code", ev->code);
    text_member(o, "error", ev->error_title);
    text_member(o, "template", ev->template_name);
    text_member(o, "language", ev->template_language);
    text_member(o, "quality", ev->quality);
    snprintf(key, sizeof key, "%016llx", (unsigned long long)ev->key);
    if (ev->key != 0)
        jo_kcstr(o, "key", key);
    jo_end(o);
    return rc;
}

/* A body and its events. What cannot be read has none. */
struct opened {
    const struct inbox_row *row;
    struct event *events;
    size_t n;
    struct str why; /* it could not be read */
};

static struct opened open_body(const struct rest_call *c, const struct inbox_row *row, struct arena *scratch)
{
    struct opened b = {.row = row};
    struct json root;
    struct err e = {0};
    int rc = json_parse(thread_json(), row->body, false, &root, &e);
    if (rc == 0)
        rc = events_parse(root, scratch, &b.events, &b.n, &e);
    if (rc == 0) {
        snapshot_number_events(c->g->snapshots, b.events, b.n);
        return b;
    }
    const char *why = arena_strdup(scratch, e.text);
    return (struct opened){.row = row, .why = str_of(why != NULL ? why : "it cannot be read")};
}

static bool event_wanted(const struct query *q, const struct inbox_row *row, const struct event *ev)
{
    return (q->filter == NULL || webhook_wanted(q->filter, ev)) && (!q->repeats || inbox_repeated(row, ev->key));
}

static bool body_wanted(const struct query *q, const struct opened *b)
{
    if ((q->problem && b->row->problem.n == 0) || (q->app >= 0 && q->app != b->row->app))
        return false;
    bool any = q->filter == NULL && !q->repeats;
    for (size_t i = 0; i < b->n && !any; i++)
        any = event_wanted(q, b->row, &b->events[i]);
    return any;
}

static void body_members(struct json_out *o, const struct opened *b, int64_t applied)
{
    char text[24];
    const struct inbox_row *row = b->row;
    snprintf(text, sizeof text, "%lld", (long long)row->seq);
    jo_kcstr(o, "id", text);
    rest_time(o, "at", row->at);
    snprintf(text, sizeof text, "%lld", (long long)row->app);
    jo_kcstr(o, "app", row->app != 0 ? text : NULL);
    jo_kint(o, "bytes", (int64_t)row->body.n);
    jo_kbool(o, "applied", row->seq <= applied);
    if (row->problem.n > 0 || b->why.n > 0)
        jo_kstr(o, "problem", row->problem.n > 0 ? row->problem : b->why);
}

/* "events": those that are asked for; q NULL: all. */
static int show_events(struct rest_call *c, struct store *s, const struct query *q, const struct opened *b,
                       struct err *e)
{
    size_t shown = 0;
    int rc = 0;
    jo_key(&c->out, "events");
    jo_array(&c->out);
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        if (q != NULL && !event_wanted(q, b->row, &b->events[i]))
            continue;
        rc = show_event(c, s, b->row, &b->events[i], i, e);
        shown++;
    }
    jo_end(&c->out);
    if (shown < b->n)
        jo_kint(&c->out, "other_events", (int64_t)(b->n - shown));
    return rc;
}

/* --- the page --------------------------------------------------------------------------------------------------------- */

struct page {
    const struct query *q;
    int64_t first, last; /* seq: none before, none after */
    int64_t applied;     /* how far the state is */
    int64_t ceiling;     /* who follows is shown nothing after it */
    int64_t at;          /* the last body that was looked at */
    size_t shown, bodies, bytes;
    int64_t end_ns;
    bool over; /* there is nothing beyond `at` */
};

static bool page_full(const struct rest_call *c, const struct page *p)
{
    return p->over || p->shown == p->q->limit || p->bodies >= LOOK_BODIES || p->bytes >= LOOK_BYTES ||
           c->answer.len > ANSWER_ENOUGH || clock_mono_ns() > p->end_ns;
}

static int show_row(struct rest_call *c, struct store *s, struct arena *scratch, struct page *p,
                    const struct inbox_row *row, struct err *e)
{
    arena_reset(scratch);
    struct opened b = open_body(c, row, scratch);
    p->at = row->seq;
    p->bodies++;
    p->bytes += row->body.n;
    if (!body_wanted(p->q, &b))
        return 0;
    p->shown++;
    jo_object(&c->out);
    body_members(&c->out, &b, p->applied);
    int rc = show_events(c, s, p->q, &b, e);
    jo_end(&c->out);
    return rc;
}

static int read_some(struct store *s, struct arena *a, const struct page *p, struct inbox_row **ret, size_t *ret_n,
                     struct err *e)
{
    if (p->q->follows)
        return inbox_read(s, p->at, ROUND_ROWS, ROUND_BYTES, a, ret, ret_n, e);
    return inbox_read_back(s, p->at, ROUND_ROWS, ROUND_BYTES, a, ret, ret_n, e);
}

static bool beyond(const struct page *p, int64_t seq)
{
    return p->q->follows ? seq > p->last || seq > p->ceiling : seq < p->first;
}

static int show_page(struct rest_call *c, struct store *s, struct arena *a, struct page *p, struct err *e)
{
    struct arena *scratch = arena_create(SCRATCH_MAX);
    int rc = scratch != NULL ? 0 : err_set(e, WL_ENOMEM, "there is no memory for a page of webhooks");
    while (rc == 0 && !page_full(c, p)) {
        struct inbox_row *rows;
        size_t n = 0;
        rc = read_some(s, a, p, &rows, &n, e);
        p->over = rc == 0 && n == 0;
        for (size_t i = 0; i < n && rc == 0 && !page_full(c, p); i++) {
            p->over = beyond(p, rows[i].seq);
            if (!p->over)
                rc = show_row(c, s, scratch, p, &rows[i], e);
        }
    }
    arena_free(scratch);
    return rc;
}

static int64_t start_of(int64_t ms)
{
    return ms < INT64_MAX >> 22 ? ms << 22 : INT64_MAX;
}

/* Where it begins and ends, in seq. */
static void set_bounds(struct page *p, int64_t now)
{
    const struct query *q = p->q;
    p->first = q->from > 0 ? start_of(q->from) : 0;
    p->last = q->to > 0 ? start_of(q->to) - 1 : INT64_MAX;
    p->ceiling = start_of(now - UNAPPLIED_MS);
    if (p->ceiling < p->applied)
        p->ceiling = p->applied;
    if (q->follows)
        p->at = q->after < p->first - 1 ? p->first - 1 : q->after;
    else if (q->before != 0 || p->last != INT64_MAX)
        p->at = q->before != 0 && q->before <= p->last ? q->before : p->last + 1;
}

static void place_member(struct json_out *o, const char *key, int64_t seq)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)seq);
    jo_kcstr(o, key, text);
}

int rest_webhooks_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q;
    struct page p = {.q = &q, .end_ns = clock_mono_ns() + LOOK_NS};
    if (!read_query(c, a, now, &q))
        return 0;
    int rc = cursor_get(s, "projector", &p.applied, e);
    if (rc != 0)
        return rc;
    set_bounds(&p, now);
    jo_object(&c->out);
    jo_key(&c->out, "webhooks");
    jo_array(&c->out);
    rc = show_page(c, s, a, &p, e);
    jo_end(&c->out);
    if (p.over)
        jo_kcstr(&c->out, "next", NULL);
    else
        place_member(&c->out, "next", p.at);
    if (q.follows)
        place_member(&c->out, "position", p.at);
    jo_end(&c->out);
    return rc;
}

/* --- one body --------------------------------------------------------------------------------------------------------- */

struct one_query {
    bool raw;
};

static bool read_raw(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_flag(v, &((struct one_query *)to)->raw);
}

static const struct rest_parameter one_parameters[] = {
    {"raw", read_raw, "raw is true or false", false},
    {NULL, NULL, NULL, false},
};

bool rest_webhook_id(struct rest_call *c, struct str text, const char *field, int64_t *ret)
{
    if (!str_i64(text, ret) || *ret <= 0)
        rest_wrong(c, WL_EINVAL, field, "a webhook is named by its id, in digits, as the list shows it");
    return c->problem.code == 0;
}

/* Base64 as everybody else writes it. */
static void raw_member(struct json_out *o, struct str body)
{
    struct buf b;
    buf_init(&b, REST_ANSWER_MAX);
    base64url_encode(&b, body.p, body.n);
    for (size_t i = 0; i < b.len; i++)
        b.data[i] = (char)(b.data[i] == '-' ? '+' : b.data[i] == '_' ? '/' : b.data[i]);
    while (b.len % 4 != 0)
        buf_putc(&b, '=');
    jo_kstr(o, "raw", buf_str(&b));
    buf_done(&b);
}

/* Whether the body can stand as it is inside an answer that others can read. */
static bool fits_inside(struct str body)
{
    struct buf b;
    struct json root;
    struct err e = {0};
    buf_init(&b, REST_ANSWER_MAX);
    buf_puts(&b, "{\"body\":");
    buf_putstr(&b, body);
    buf_putc(&b, '}');
    bool fits = !b.failed && json_parse(thread_json(), buf_str(&b), false, &root, &e) == 0;
    buf_done(&b);
    return fits;
}

static void show_dead(struct json_out *o, const struct dead_letter *d)
{
    jo_object(o);
    if (d->event >= 0)
        jo_kint(o, "event", d->event);
    rest_time(o, "at", d->died_at);
    jo_kint(o, "attempts", d->attempts);
    jo_kint(o, "status", d->status);
    jo_kstr(o, "why", d->why);
    jo_kbool(o, "again", d->again);
    jo_end(o);
}

/* "trying": what of the body was handed over and is not over. */
static void show_trying(struct json_out *o, const struct subscriber_pending *p, int64_t seq)
{
    jo_key(o, "trying");
    jo_array(o);
    for (size_t i = 0; i < p->n; i++) {
        if (p->thing[i].seq != seq)
            continue;
        jo_object(o);
        if (p->thing[i].event >= 0)
            jo_kint(o, "event", p->thing[i].event);
        jo_kint(o, "attempts", p->thing[i].attempts);
        jo_end(o);
    }
    jo_end(o);
}

/* How this subscriber stands to the body. */
static int show_standing(struct rest_call *c, struct store *s, struct arena *a, const struct subscriber *v, int64_t seq,
                         struct err *e)
{
    struct dead_letter *dead;
    struct subscriber_pending pending;
    size_t n = 0;
    int rc = subscriber_pending_read(v->pending, a, &pending, e);
    if (rc == 0)
        rc = dead_letters_list(s, v->id, seq - 1, INT32_MAX, false, DEAD_SHOWN, a, &dead, &n, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    jo_kcstr(&c->out, "name", v->name);
    jo_kbool(&c->out, "passed", subscriber_passed(v, &pending, seq));
    show_trying(&c->out, &pending, seq);
    jo_kbool(&c->out, "again", v->again_until != 0 && seq > v->again_next && seq <= v->again_until);
    jo_key(&c->out, "dead");
    jo_array(&c->out);
    for (size_t i = 0; i < n && dead[i].seq == seq; i++)
        show_dead(&c->out, &dead[i]);
    jo_end(&c->out);
    jo_end(&c->out);
    return 0;
}

static int show_standings(struct rest_call *c, struct store *s, struct arena *a, int64_t seq, struct err *e)
{
    struct subscriber *v;
    size_t n = 0;
    int rc = subscribers_list(s, a, &v, &n, e);
    jo_key(&c->out, "subscribers");
    jo_array(&c->out);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = show_standing(c, s, a, &v[i], seq, e);
    jo_end(&c->out);
    return rc;
}

int rest_webhook(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct one_query q = {.raw = false};
    struct inbox_row row;
    int64_t seq = 0, applied = 0;
    struct err why = {0};
    if (!rest_query(c, a, one_parameters, &q, now) || !rest_webhook_id(c, c->param, "id", &seq))
        return 0;
    int rc = inbox_get(s, seq, a, &row, &why);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "there is no webhook %lld here; bodies are kept for webhook.keep",
                          (long long)seq);
    if (rc != 0) {
        *e = why;
        return rc;
    }
    rc = cursor_get(s, "projector", &applied, e);
    if (rc != 0)
        return rc;
    struct opened b = open_body(c, &row, a);
    jo_object(&c->out);
    body_members(&c->out, &b, applied);
    rc = show_events(c, s, NULL, &b, e);
    if (rc == 0)
        rc = show_standings(c, s, a, seq, e);
    if (!q.raw && fits_inside(row.body)) {
        jo_key(&c->out, "body");
        jo_raw(&c->out, row.body);
    } else {
        raw_member(&c->out, row.body);
    }
    jo_end(&c->out);
    return rc;
}

/* --- the fields ------------------------------------------------------------------------------------------------------- */

int rest_webhook_fields(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    struct field_heard *v;
    size_t n = 0;
    int rc = fields_list(s, a, &v, &n, e);
    (void)now;
    jo_object(o);
    jo_key(o, "fields");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        jo_object(o);
        jo_kstr(o, "field", v[i].field);
        jo_kbool(o, "known", v[i].known);
        jo_kint(o, "events", v[i].events);
        rest_time(o, "first_at", v[i].first_at);
        rest_time(o, "last_at", v[i].last_at);
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
    return rc;
}
