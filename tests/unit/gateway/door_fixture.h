/* SPDX-License-Identifier: Apache-2.0
 * door_fixture.h - the door with a real writer and store, the shipped rules and a cap of one marketing message a day.
 *
 * The clock is the test's, and the lane is told what to say and notes what it is asked; at the end of each test every turn
 * that was taken or given must have come back or been told of, once, by the moment it is known by. One file of a program may include
 * it: it defines what the linker puts in the place of the real ones (--wrap). */
#ifndef WL_TESTS_DOOR_FIXTURE_H
#define WL_TESTS_DOOR_FIXTURE_H

#include "../../store/store_fixture.h"
#include "../core/shipped_fixture.h"

#include "base/clock.h"
#include "gateway/admit_impl.h"
#include "gateway/apply.h"
#include "store/accounts.h"
#include "store/senders.h"

#define WABA   2000
#define MINUTE INT64_C(60000)
#define DAY    (1440 * MINUTE)

/* --- what stands around the door ---------------------------------------------------------------------------------- */

int64_t __wrap_clock_now_ms(void);
static _Atomic int64_t now_ms;

int64_t __wrap_clock_now_ms(void)
{
    return now_ms;
}

/* The lane: a number is free `wait_us` from now, and everything that is asked of it is noted. */
static struct {
    _Atomic int64_t wait_us;
    _Atomic int taken, given, back, joined, bells, heard;
    _Atomic int64_t turns; /* sum of the moments of those that are out */
    _Atomic(struct send *) parked;
} lane;

int64_t __wrap_dispatch_when(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now);
int64_t __wrap_dispatch_take(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now);
void __wrap_dispatch_give_back(struct dispatch *d, int64_t sender, int64_t turn_us);
void __wrap_dispatch_join(struct dispatch *d, struct send *s);
void __wrap_dispatch_park(struct dispatch *d, struct send *s);
void __wrap_dispatch_bell(struct dispatch *d, int64_t sender);
void __wrap_dispatch_heard(struct dispatch *d, int64_t sender, int64_t turn_us, enum life_state state, int code);
void __wrap_http_client_wake(struct http_client *c);

int64_t __wrap_dispatch_when(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now)
{
    (void)d, (void)sender, (void)c, (void)permitted;
    return now + lane.wait_us;
}

/* Each turn has a moment of its own. */
static int64_t new_turn(void)
{
    static _Atomic int64_t turns;
    int64_t n = ++turns, us = 1000 + n * n;
    lane.turns += us;
    return us;
}

int64_t __wrap_dispatch_take(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now)
{
    (void)d, (void)sender, (void)c, (void)permitted, (void)now;
    lane.taken++;
    return new_turn();
}

void __wrap_dispatch_give_back(struct dispatch *d, int64_t sender, int64_t turn_us)
{
    (void)d, (void)sender;
    lane.back++;
    lane.turns -= turn_us;
}

void __wrap_dispatch_join(struct dispatch *d, struct send *s)
{
    (void)d, (void)s;
    lane.joined++;
}

void __wrap_dispatch_park(struct dispatch *d, struct send *s)
{
    (void)d;
    lane.parked = s;
}

void __wrap_dispatch_bell(struct dispatch *d, int64_t sender)
{
    (void)d;
    assert_int_equal(sender, SENDER);
    lane.bells++;
}

void __wrap_dispatch_heard(struct dispatch *d, int64_t sender, int64_t turn_us, enum life_state state, int code)
{
    (void)d, (void)sender, (void)state, (void)code;
    lane.heard++;
    lane.turns -= turn_us;
}

/* As the dispatcher gives one. */
static inline void give_turn(struct send *s)
{
    lane.given++;
    s->turn = true;
    s->turn_us = new_turn();
}

void __wrap_http_client_wake(struct http_client *c)
{
    (void)c;
}

/* --- the door ----------------------------------------------------------------------------------------------------- */

struct door {
    struct fx f; /* s: a reader of its own */
    struct gateway g;
    struct shipped rules;
    char policy[200];
    char *policies[1];
    struct json_parser *parser;
    struct snapshot *snap;
    _Atomic int done;
};

struct one {
    struct send s;
    struct intent in;
    struct door *d;
};

static const char cap[] =
    "ruleset: shop\nschema: 1\nkind: policy\ntitle: T\nrules:\n"
    "  - id: cap.marketing\n    title: T\n    verdict: hold\n    until: {fact: marketing.sent.1, plus: $time}\n"
    "    code: 131049\n    reason: R\n    change: c\n    values: {2020-01-01: {time: 24h}}\n"
    "    applies: {fact: message.category, is: marketing}\n"
    "    when: {fact: marketing.sent.1, newer_than: $time}\n    on_unknown: hold 15m\n"
    "    cite: [{title: T, url: https://example.org/p, read: 2026-11-22}]\n    tests:\n"
    "      - {given: {message.category: marketing, marketing.sent.1: now}, expect: hold until now+24h}\n"
    "      - {given: {message.category: marketing, marketing.sent.1: now-86400s}, expect: none}\n";

static inline struct template_row template(const char *name, enum category c, const char *more)
{
    static char listing[4][400];
    static int n;
    char *text = listing[n++ % 4];
    snprintf(text, sizeof listing[0], "{\"components\":[{\"type\":\"BODY\",\"text\":\"Hello {{1}}, this is %s.\"}]%s}",
             name, more);
    return (struct template_row){.waba = WABA,
                                 .name = str_of(name),
                                 .language = STR("en_US"),
                                 .id = n,
                                 .status = TEMPLATE_APPROVED,
                                 .category = c,
                                 .quality = STR("GREEN"),
                                 .listing = str_of(text),
                                 .updated_at = NOW - DAY,
                                 .status_at = NOW - 30 * DAY};
}

static inline void fill_store(struct door *d, struct store *s)
{
    struct sender number = {
        .id = SENDER, .waba = WABA, .status = 1, .display_phone = "+44 7700 900000", .quality = "GREEN"};
    struct account account = {.waba = WABA, .portfolio = 77, .limit = 1000, .updated_at = NOW};
    struct template_row rows[] = {template("sale", CATEGORY_MARKETING, ""),
                                  template("order", CATEGORY_UTILITY, ",\"message_send_ttl_seconds\":3600")};
    OK(&d->f, store_begin(s, &d->f.e));
    OK(&d->f, senders_put(s, &number, 1, &d->f.e));
    OK(&d->f, accounts_put(s, &account, 1, &d->f.e));
    OK(&d->f, templates_put(s, rows, 2, &d->f.e));
    OK(&d->f, rules_register(d->g.rules, s, NOW, &d->f.e));
    OK(&d->f, store_commit(s, &d->f.e));
    OK(&d->f, snapshots_rebuild(d->g.snapshots, s, &d->f.e));
}

static inline void start(struct door *d)
{
    struct store *s;
    memset(d, 0, sizeof *d);
    memset(&lane, 0, sizeof lane);
    now_ms = NOW;
    fx_place(&d->f);
    shipped_add(&d->rules, "whatsapp-platform.yaml");
    snprintf(d->policy, sizeof d->policy, "%s/policy.yaml", d->f.dir);
    FILE *f = fopen(d->policy, "w");
    fputs(cap, f);
    fclose(f);
    d->policies[0] = d->policy;
    d->g.o.rules_file = d->rules.text[0];
    d->g.o.rules_policy = (struct path_list){d->policies, 1};
    d->g.o.max_queue = 400;
    d->g.o.hold_budget_ms = 2000;
    d->g.incarnation = 5;
    d->g.snapshots = snapshots_create();
    d->parser = json_parser_create();
    OK(&d->f, rules_open(&d->g.rules, &d->g, &d->f.e));
    OK(&d->f, store_open(&s, d->f.url, NULL, &d->f.e));
    fill_store(d, s);
    OK(&d->f, apply_create(&d->g.apply, s, &d->f.e));
    OK(&d->f, writer_start(&d->g.writer, s, 400, &d->f.e));
    OK(&d->f, admit_create(&d->g.admit, &d->g, &d->f.e));
    OK(&d->f, store_open(&d->f.s, d->f.url, &(struct store_options){.read_only = true}, &d->f.e));
    d->snap = snapshot_borrow(d->g.snapshots);
}

static inline void finish(struct door *d)
{
    assert_int_equal(admit_open(d->g.admit), 0);
    writer_stop(d->g.writer);
    assert_int_equal(lane.taken + lane.given, lane.back + lane.heard);
    assert_int_equal(lane.turns, 0);
    admit_free(d->g.admit);
    apply_free(d->g.apply);
    snapshot_return(d->snap);
    snapshots_free(d->g.snapshots);
    rules_free(d->g.rules);
    json_parser_free(d->parser);
    fx_end(&d->f);
}

struct task {
    int (*run)(struct store *s, void *arg, struct err *e);
    void *arg;
};

static inline int task_run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct task *t = ctx;
    (void)a, (void)now;
    return t->run(s, t->arg, e);
}

/* Something else that is written, between sends. */
static inline void write_it(struct door *d, int (*run)(struct store *s, void *arg, struct err *e), void *arg)
{
    struct task t = {run, arg};
    OK(&d->f, writer_call(d->g.writer, 0, task_run, &t, &d->f.e));
}

static inline int grant(struct store *s, void *arg, struct err *e)
{
    struct identity who = fx_name(IDENTITY_PHONE, arg);
    struct person p;
    int rc = people_ensure(s, &who, 1, NOW, &p, e);
    consent_apply(&p.consent,
                  &(struct consent_event){.act = CONSENT_GRANT, .scope = CONSENT_ALL, .at = NOW - DAY, .rank = 4});
    return rc ? rc : people_save(s, &p, 1, e);
}

static inline int withdraw(struct store *s, void *arg, struct err *e)
{
    struct identity who = fx_name(IDENTITY_PHONE, arg);
    struct person p;
    int rc = people_find(s, &who, 1, &p, e);
    consent_apply(&p.consent,
                  &(struct consent_event){.act = CONSENT_WITHDRAW, .scope = CONSENT_ALL, .at = now_ms, .rank = 4});
    return rc ? rc : people_save(s, &p, 1, e);
}

static inline struct person person(struct door *d, const char *to)
{
    struct identity who = fx_name(IDENTITY_PHONE, to);
    struct person p;
    OK(&d->f, people_find(d->f.s, &who, 1, &p, &d->f.e));
    return p;
}

static inline bool is_counted(struct door *d, const char *to)
{
    struct person p = person(d, to);
    struct pair pair = {.contact = p.id, .sender = SENDER};
    OK(&d->f, pairs_get(d->f.s, &pair, 1, &d->f.e));
    return p.caps.n > 0 || pair.tat > now_ms;
}

static inline struct message stored(struct door *d, const struct one *o)
{
    struct message m;
    OK(&d->f, messages_get(d->f.s, o->s.message.bucket, o->s.message.id, &m, &d->f.e));
    return m;
}

/* The outbox row of a message; false: there is none where its state says, nor parked. */
static inline bool row_of(struct door *d, const struct one *o, struct outbox_row *ret)
{
    struct message m = stored(d, o);
    struct outbox_key k;
    struct err e = {0};
    bool has = life_row(&m, &k);
    if (!has)
        k = (struct outbox_key){.bucket = m.bucket,
                                .sender = m.sender,
                                .class = lane_class((enum category)m.life.category),
                                .due = m.life.at,
                                .id = m.id};
    int rc = outbox_get(d->f.s, &k, d->f.a, ret, &e);
    assert_true(rc == 0 || rc == WL_ENOTFOUND);
    assert_int_equal(rc == 0, has); /* a row exists exactly while the message is ours and has not ended */
    return has;
}

static inline bool is_decided(struct door *d, int bucket, int64_t id)
{
    struct decision_row row;
    struct err e = {0};
    return decisions_get(d->f.s, bucket, id, d->f.a, &row, &e) == 0;
}

static inline void told(struct send *s)
{
    struct one *o = s->user;
    o->d->done++;
}

static inline void prepare(struct door *d, struct one *o, enum send_mode mode, const char *name, const char *to)
{
    char body[600];
    struct json v;
    memset(o, 0, sizeof *o);
    snprintf(body, sizeof body,
             "{\"messaging_product\":\"whatsapp\",\"to\":\"%s\",\"type\":\"template\",\"template\":{\"name\":\"%s\","
             "\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\","
             "\"text\":\"Ana\"}]}]}}",
             to, name);
    OK(&d->f, json_parse(d->parser, str_of(body), false, &v, &d->f.e));
    OK(&d->f, intent_parse(v, PATH_MESSAGES, d->f.a, &o->in, &d->f.e));
    o->d = d;
    o->s = (struct send){.g = &d->g,
                         .mode = mode,
                         .sender = SENDER,
                         .intent = &o->in,
                         .body = {arena_strndup(d->f.a, body, strlen(body)), strlen(body)},
                         .decided = told,
                         .recorded = told,
                         .hold_until_latest = admit_patience(&d->g),
                         .user = o};
    send_facts(&o->s, d->snap);
}

static inline void until(struct door *d, int n)
{
    for (int i = 0; d->done < n && i < 5000; i++)
        usleep(1000);
    assert_int_equal(d->done, n);
}

static inline void submit(struct one *o)
{
    struct err e = {0};
    assert_ok(admit_submit(&o->s, &e), e);
}

/* Judged alone. */
static inline void pass(struct door *d, struct one *o)
{
    int n = d->done + 1;
    submit(o);
    until(d, n);
}

static inline int hold_gate(struct store *s, void *gate, struct err *e)
{
    (void)s, (void)e;
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return 0;
}

struct gate {
    pthread_mutex_t lock;
    pthread_t thread;
    struct door *d;
};

static inline void *gate_run(void *arg)
{
    struct gate *g = arg;
    write_it(g->d, hold_gate, &g->lock);
    return NULL;
}

/* Judged in one batch, in this order. */
static inline void pass_together(struct door *d, struct one *const *all, int n)
{
    struct gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .d = d};
    int before = d->done;
    pthread_mutex_lock(&g.lock);
    pthread_create(&g.thread, NULL, gate_run, &g);
    usleep(50000); /* the writer stands at the gate */
    for (int i = 0; i < n; i++)
        submit(all[i]);
    pthread_mutex_unlock(&g.lock);
    pthread_join(g.thread, NULL);
    until(d, before + n);
}

/* What Meta answered, written. */
static inline void answer(struct door *d, struct one *o, enum life_state outcome, int code)
{
    int n = d->done + 1;
    o->s.outcome = outcome;
    o->s.outcome_code = code;
    o->s.wamid = outcome == LIFE_ACCEPTED ? STR("wamid.A") : (struct str){NULL, 0};
    outcome_submit(&o->s);
    until(d, n);
}

static inline void settle(struct door *d, struct one *o)
{
    if (send_leaves(&o->s))
        answer(d, o, LIFE_ACCEPTED, 0);
}

/* The message of `accepted`, as the dispatcher takes it to the door. */
static inline void queue(struct door *d, struct one *o, const struct one *accepted, const char *name, const char *to)
{
    struct outbox_row row;
    prepare(d, o, SEND_QUEUED, name, to);
    o->s.message = stored(d, accepted);
    assert_true(row_of(d, accepted, &row));
    o->s.row = row.key;
    give_turn(&o->s);
}

static inline void accept(struct door *d, struct one *o, const char *name, const char *to)
{
    prepare(d, o, SEND_ACCEPT, name, to);
    pass(d, o);
    assert_ok(o->s.job.rc, o->s.job.err);
}

static char ANA[] = "447700900001"; /* tasks take what they may write to */

#endif
