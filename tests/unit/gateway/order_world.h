/* SPDX-License-Identifier: Apache-2.0
 * order_world.h - webhook bodies applied to a store, and the whole of its state as a text.
 *
 * A world is a fresh store with people, messages, numbers and accounts that are there before any webhook. Bodies are applied in
 * one transaction, in the order they are given. The dump names people by the names they go by, never by the ids of rows, so
 * that two worlds that mean the same have the same text. Left out: ids, versions, and when rows were written. */
#ifndef WL_TESTS_ORDER_WORLD_H
#define WL_TESTS_ORDER_WORLD_H

#include "../../store/store_fixture.h"

#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "store/accounts.h"
#include "store/activities.h"
#include "store/senders.h"

#define WORLD_NAMES    1024
#define WORLD_MESSAGES 64

struct world {
    struct fx f;
    struct gateway *g;
    struct apply *apply;
    struct json_parser *parser;
    struct identity name[WORLD_NAMES]; /* all that were heard of */
    size_t n_names;
    int64_t message[WORLD_MESSAGES];
    size_t n_messages;
    size_t events;
};

static inline void world_start(struct world *w)
{
    memset(w, 0, sizeof *w);
    fx_start(&w->f);
    w->parser = json_parser_create();
    w->g = calloc(1, sizeof *w->g);
    assert_non_null(w->g);
    memset(w->g->mark_key, 3, sizeof w->g->mark_key);
    OK(&w->f, apply_create(&w->apply, w->f.s, &w->f.e));
    apply_marks(w->apply, w->g);
}

static inline void world_end(struct world *w)
{
    apply_free(w->apply);
    free(w->g);
    json_parser_free(w->parser);
    fx_end(&w->f);
}

static inline void world_name(struct world *w, const struct identity *id)
{
    if (id->kind == IDENTITY_NONE)
        return;
    for (size_t i = 0; i < w->n_names; i++)
        if (w->name[i].kind == id->kind && strcmp(w->name[i].value, id->value) == 0)
            return;
    assert_true(w->n_names < WORLD_NAMES);
    w->name[w->n_names++] = *id;
}

/* --- before any webhook: in the caller's transaction ---------------------------------------------------------------- */

static inline struct person world_person(struct world *w, enum identity_kind kind, const char *value)
{
    struct identity id = fx_name(kind, value);
    struct person p;
    world_name(w, &id);
    OK(&w->f, people_ensure(w->f.s, &id, 1, NOW, &p, &w->f.e));
    return p;
}

static inline void world_said(struct world *w, struct person *p, enum consent_act act, int64_t at)
{
    struct consent_event ev = {act, CONSENT_SCOPE(CATEGORY_MARKETING), at, CONSENT_RANK_CAPTURED, 0};
    OK(&w->f, people_say(w->f.s, p, NULL, &ev, NOW, &w->f.e));
}

static inline void world_called(struct world *w, struct person *p, const char *name)
{
    snprintf(p->name, sizeof p->name, "%s", name);
    OK(&w->f, people_save(w->f.s, p, 1, &w->f.e));
}

/* A message Meta has accepted under this id. */
static inline void world_message(struct world *w, int64_t contact, const char *wamid)
{
    struct message m = fx_message(&w->f, contact);
    struct life_news news = {.event = {.kind = STEP_ACCEPTED, .attempt = 1}, .wamid = str_of(wamid)};
    struct life_after after = {.n_bells = 0};
    bool changed = false;
    assert_true(w->n_messages < WORLD_MESSAGES);
    OK(&w->f, messages_insert(w->f.s, &m, NULL, 1, &w->f.e));
    OK(&w->f, life_hear(w->f.s, &m, &news, NOW, NULL, &w->f.e));
    OK(&w->f, apply_adopt(w->apply, w->f.s, w->f.a, 0, m.id, news.wamid, NOW, &changed, &after, &w->f.e));
    w->message[w->n_messages++] = m.id;
}

/* --- webhooks ------------------------------------------------------------------------------------------------------ */

struct told {
    struct str body;
    int64_t stored_at;
};

static inline void world_hear_one(struct world *w, struct arena *a, const struct told *t, struct apply_result *r)
{
    struct event *ev;
    struct json root;
    size_t n;
    assert_ok(json_parse(w->parser, t->body, false, &root, &w->f.e), w->f.e);
    assert_ok(events_parse(root, a, &ev, &n, &w->f.e), w->f.e);
    for (size_t i = 0; i < n; i++) {
        world_name(w, &ev[i].phone);
        world_name(w, &ev[i].user_id);
        world_name(w, &ev[i].parent_id);
        world_name(w, &ev[i].previous);
        world_name(w, &ev[i].previous_user_id);
        world_name(w, &ev[i].previous_parent_id);
    }
    OK(&w->f, apply_events(w->apply, w->f.s, a, ev, n, t->stored_at, NOW + 7 * INT64_C(86400000), r, &w->f.e));
    OK(&w->f, apply_end(w->f.s, r, &w->f.e));
    w->events += n;
}

static inline void world_hear(struct world *w, const struct told *t, size_t n)
{
    struct arena *a = arena_create(64u << 20);
    struct apply_result r = {.events = 0};
    BEGIN(&w->f);
    for (size_t i = 0; i < n; i++) {
        arena_reset(a);
        world_hear_one(w, a, &t[i], &r);
    }
    COMMIT(&w->f);
    arena_free(a);
}

/* --- the dump ------------------------------------------------------------------------------------------------------ */

#define LL(v) ((long long)(v))

static inline int world_by_name(const void *x, const void *y)
{
    const struct identity *a = x, *b = y;
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->value, b->value);
}

/* But for the counters, which are rounded. */
static inline void dump_activity(struct world *w, const struct person *p, struct buf *out)
{
    struct activity_row r = {.bucket = p->bucket, .contact = p->id};
    OK(&w->f, activities_get(w->f.s, &r, 1, &w->f.e));
    const struct activity *a = &r.a;
    if (r.ver == 0)
        return;
    buf_printf(out, ", since %lld, sent %lld, delivered %lld, read %lld, tapped %lld, wrote %lld, failed %lld",
               LL(a->since), LL(a->sent), LL(a->delivered), LL(a->read), LL(a->clicked), LL(a->replied), LL(a->failed));
    for (size_t i = 0; i < a->n_newest; i++)
        buf_printf(out, ", %d %lld", a->newest[i].kind, LL(a->newest[i].at));
    for (size_t i = 0; i < a->n_delays; i++)
        buf_printf(out, ", %lld in %lld", LL(a->delay[i].sent), LL(a->delay[i].needed));
}

static inline void dump_person(struct world *w, const struct person *p, struct buf *out)
{
    static const int64_t senders[] = {1, 2};
    struct identity names[64];
    size_t n = 0;
    int64_t last = 0;
    OK(&w->f, people_identities(w->f.s, p->bucket, p->id, names, 64, &n, &w->f.e));
    qsort(names, n, sizeof *names, world_by_name);
    buf_puts(out, "person");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, " %s", names[i].value);
    OK(&w->f, pairs_last_named(w->f.s, p->bucket, p->id, &last, &w->f.e));
    last = p->name_at != 0 && last > p->name_at ? last : p->name_at;
    buf_printf(out, ": name \"%s\" %lld, lang %s, undeliverable %lld, held %lld", p->name, LL(last), p->lang,
               LL(p->undeliverable_at), LL(p->caps.engagement_at));
    for (int c = 0; c < CATEGORY_COUNT; c++)
        if (p->consent.of[c].status != CONSENT_NONE)
            buf_printf(out, ", %d %s %d %lld", c, consent_status_name((enum consent_status)p->consent.of[c].status),
                       p->consent.of[c].rank, LL(p->consent.of[c].at));
    buf_printf(out, ", platform %d %lld", p->consent.platform_stop, LL(p->consent.platform_at));
    for (size_t i = 0; i < 2; i++) {
        struct pair pair = {.bucket = p->bucket, .contact = p->id, .sender = senders[i]};
        OK(&w->f, pairs_get(w->f.s, &pair, 1, &w->f.e));
        if (pair.last_inbound != 0)
            buf_printf(out, ", window %zu %lld", i, LL(pair.last_inbound));
    }
    dump_activity(w, p, out);
    buf_putc(out, '\n');
}

static inline void dump_people(struct world *w, struct buf *out)
{
    int64_t count = 0;
    qsort(w->name, w->n_names, sizeof *w->name, world_by_name);
    for (size_t i = 0; i < w->n_names; i++) {
        struct person p;
        struct identity names[64];
        size_t n = 0;
        OK(&w->f, people_find(w->f.s, &w->name[i], 1, &p, &w->f.e));
        if (p.id == 0) {
            buf_printf(out, "nobody %s\n", w->name[i].value);
            continue;
        }
        OK(&w->f, people_identities(w->f.s, p.bucket, p.id, names, 64, &n, &w->f.e));
        qsort(names, n, sizeof *names, world_by_name);
        if (world_by_name(&names[0], &w->name[i]) == 0) /* once, at the least of their names */
            dump_person(w, &p, out);
    }
    OK(&w->f, people_count(w->f.s, &count, &w->f.e));
    buf_printf(out, "people %lld\n", LL(count));
}

static inline int dump_by_event(const void *x, const void *y)
{
    const struct message_event *a = x, *b = y;
    int order = a->at != b->at ? (a->at > b->at) - (a->at < b->at) : 0;
    char p[600], q[600];
    if (order != 0)
        return order;
    snprintf(p, sizeof p, "%.*s %.*s %.*s %d", (int)a->status.n, a->status.p, (int)a->participant.n, a->participant.p,
             (int)a->wamid.n, a->wamid.p, a->code);
    snprintf(q, sizeof q, "%.*s %.*s %.*s %d", (int)b->status.n, b->status.p, (int)b->participant.n, b->participant.p,
             (int)b->wamid.n, b->wamid.p, b->code);
    return strcmp(p, q);
}

static inline void dump_message(struct world *w, int64_t id, struct buf *out)
{
    struct message_event *ev;
    struct message m;
    size_t n;
    if (id != 0) {
        OK(&w->f, messages_get(w->f.s, 0, id, &m, &w->f.e));
        buf_printf(out, "message %s: state %s, seen %u, code %d, bits %lld\n", m.wamid,
                   life_state_name((enum life_state)m.life.state), m.seen, m.life.code, LL(life_bits(&m.life)));
    }
    OK(&w->f, message_events_list(w->f.s, 0, id, w->f.a, 10000, &ev, &n, &w->f.e));
    if (n > 0)
        qsort(ev, n, sizeof *ev, dump_by_event);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "  status %lld %.*s %d \"%.*s\" %.*s %.*s\n", LL(ev[i].at), (int)ev[i].status.n, ev[i].status.p,
                   ev[i].code, (int)ev[i].detail.n, ev[i].detail.p, (int)ev[i].participant.n, ev[i].participant.p,
                   id == 0 ? (int)ev[i].wamid.n : 0, ev[i].wamid.p);
}

static inline void dump_accounts(struct world *w, struct buf *out)
{
    struct account *v;
    struct sender *s;
    size_t n;
    OK(&w->f, accounts_list(w->f.s, w->f.a, &v, &n, &w->f.e));
    for (size_t i = 0; i < n; i++, v++)
        buf_printf(out,
                   "account %lld: owner %lld, limit %lld, state %d, until %lld %lld %lld %lld, payment %lld, misuse "
                   "%lld, violation %s, review %s, disable %s, numbers %lld, standing %d\n",
                   LL(v->waba), LL(v->portfolio), LL(v->limit), (int)v->state, LL(v->no_templates_until),
                   LL(v->no_messages_until), LL(v->no_utility_until), LL(v->no_direct_until), LL(v->payment_failed_at),
                   LL(v->misuse_at), v->violation, v->review, v->disable_on, LL(v->numbers_max),
                   (int)account_standing(v));
    OK(&w->f, senders_list(w->f.s, w->f.a, &s, &n, &w->f.e));
    for (size_t i = 0; i < n; i++, s++)
        buf_printf(out, "number %lld: quality %s, pace %d, name %s, username %s, spam %lld\n", LL(s->id), s->quality,
                   s->per_second, s->name_status, s->username, LL(s->spam_at));
}

static inline void dump_words(struct world *w, struct buf *out)
{
    static const struct notice_filter all = {.waba = 0};
    struct template_row *t;
    struct field_heard *f;
    struct notice *v;
    size_t n;
    OK(&w->f, templates_list(w->f.s, 0, w->f.a, &t, &n, &w->f.e));
    for (size_t i = 0; i < n; i++, t++)
        buf_printf(out, "template %lld %.*s %.*s: id %lld, %s %.*s, %s, next %s %lld, quality %.*s, contents %lld\n",
                   LL(t->waba), (int)t->name.n, t->name.p, (int)t->language.n, t->language.p, LL(t->id),
                   template_status_name(t->status), (int)t->detail.n, t->detail.p, category_name(t->category),
                   category_name(t->next_category), LL(t->next_category_at), (int)t->quality.n, t->quality.p,
                   LL(t->components_at));
    OK(&w->f, notices_list(w->f.s, &all, 10000, w->f.a, &v, &n, &w->f.e));
    for (size_t i = 0; i < n; i++, v++)
        buf_printf(out, "notice %lld %.*s %lld %lld %.*s %.*s %.*s\n", LL(v->at), (int)v->field.n, v->field.p,
                   LL(v->waba), LL(v->sender), (int)v->subject.n, v->subject.p, (int)v->word.n, v->word.p,
                   (int)v->detail.n, v->detail.p);
    OK(&w->f, fields_list(w->f.s, w->f.a, &f, &n, &w->f.e));
    for (size_t i = 0; i < n; i++, f++)
        buf_printf(out, "field \"%.*s\" %s\n", (int)f->field.n, f->field.p, f->known ? "known" : "unknown");
}

/* All of it; the caller frees the text. */
static inline char *world_dump(struct world *w)
{
    struct buf out;
    buf_init(&out, 8u << 20);
    dump_people(w, &out);
    for (size_t i = 0; i < w->n_messages; i++)
        dump_message(w, w->message[i], &out);
    buf_puts(&out, "of no message:\n");
    dump_message(w, 0, &out);
    dump_accounts(w, &out);
    dump_words(w, &out);
    assert_false(out.failed);
    return buf_take(&out);
}

#endif
