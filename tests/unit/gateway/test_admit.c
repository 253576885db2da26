/* SPDX-License-Identifier: Apache-2.0
 * test_admit.c - the door with a real writer and store, the shipped rules, a clock that is ours and a lane that is told.
 *
 * What would hurt: a message of the outbox that leaves twice or never, or is counted while it only waits; two of them past a
 * person's cap because both were accepted before; a key that makes two messages or swallows one; a turn that is lost, so
 * that a number slows down for ever; a caller answered with a hold whose message leaves all the same; a process that was
 * frozen and goes on sending for a number somebody else has. */
#include "../../store/store_fixture.h"
#include "../core/shipped_fixture.h"

#include "base/clock.h"
#include "gateway/admit_impl.h"
#include "gateway/apply.h"
#include "store/accounts.h"
#include "store/leases.h"
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
    _Atomic int taken, back, joined, bells, heard;
    _Atomic(struct send *) parked;
} lane;

int64_t __wrap_dispatch_when(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now);
void __wrap_dispatch_take(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now);
void __wrap_dispatch_give_back(struct dispatch *d, int64_t sender);
void __wrap_dispatch_join(struct dispatch *d, struct send *s);
void __wrap_dispatch_park(struct dispatch *d, struct send *s);
void __wrap_dispatch_bell(struct dispatch *d, int64_t sender);
void __wrap_dispatch_heard(struct dispatch *d, int64_t sender, enum life_state state, int code);
void __wrap_http_client_wake(struct http_client *c);

int64_t __wrap_dispatch_when(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now)
{
    (void)d, (void)sender, (void)c, (void)permitted;
    return now + lane.wait_us;
}

void __wrap_dispatch_take(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now)
{
    (void)d, (void)sender, (void)c, (void)permitted, (void)now;
    lane.taken++;
}

void __wrap_dispatch_give_back(struct dispatch *d, int64_t sender)
{
    (void)d, (void)sender;
    lane.back++;
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

void __wrap_dispatch_heard(struct dispatch *d, int64_t sender, enum life_state state, int code)
{
    (void)d, (void)sender, (void)state, (void)code;
    lane.heard++;
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

static struct template_row template(const char *name, enum category c, const char *more)
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

static void fill_store(struct door *d, struct store *s)
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

static void start(struct door *d)
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

static void finish(struct door *d)
{
    assert_int_equal(admit_open(d->g.admit), 0);
    writer_stop(d->g.writer);
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

static int task_run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct task *t = ctx;
    (void)a, (void)now;
    return t->run(s, t->arg, e);
}

/* Something else that is written, between sends. */
static void write_it(struct door *d, int (*run)(struct store *s, void *arg, struct err *e), void *arg)
{
    struct task t = {run, arg};
    OK(&d->f, writer_call(d->g.writer, 0, task_run, &t, &d->f.e));
}

static int grant(struct store *s, void *arg, struct err *e)
{
    struct identity who = fx_name(IDENTITY_PHONE, arg);
    struct person p;
    int rc = people_ensure(s, &who, 1, NOW, &p, e);
    consent_apply(&p.consent,
                  &(struct consent_event){.act = CONSENT_GRANT, .scope = CONSENT_ALL, .at = NOW - DAY, .rank = 4});
    return rc ? rc : people_save(s, &p, 1, e);
}

static int withdraw(struct store *s, void *arg, struct err *e)
{
    struct identity who = fx_name(IDENTITY_PHONE, arg);
    struct person p;
    int rc = people_find(s, &who, 1, &p, e);
    consent_apply(&p.consent,
                  &(struct consent_event){.act = CONSENT_WITHDRAW, .scope = CONSENT_ALL, .at = now_ms, .rank = 4});
    return rc ? rc : people_save(s, &p, 1, e);
}

static struct person person(struct door *d, const char *to)
{
    struct identity who = fx_name(IDENTITY_PHONE, to);
    struct person p;
    OK(&d->f, people_find(d->f.s, &who, 1, &p, &d->f.e));
    return p;
}

static bool is_counted(struct door *d, const char *to)
{
    struct person p = person(d, to);
    struct pair pair = {.contact = p.id, .sender = SENDER};
    OK(&d->f, pairs_get(d->f.s, &pair, 1, &d->f.e));
    return p.caps.n > 0 || pair.tat > now_ms;
}

static struct message stored(struct door *d, const struct one *o)
{
    struct message m;
    OK(&d->f, messages_get(d->f.s, o->s.message.bucket, o->s.message.id, &m, &d->f.e));
    return m;
}

/* The outbox row of a message; false: there is none where its state says, nor parked. */
static bool row_of(struct door *d, const struct one *o, struct outbox_row *ret)
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

static bool is_decided(struct door *d, int bucket, int64_t id)
{
    struct decision_row row;
    struct err e = {0};
    return decisions_get(d->f.s, bucket, id, d->f.a, &row, &e) == 0;
}

static void told(struct send *s)
{
    struct one *o = s->user;
    o->d->done++;
}

static void prepare(struct door *d, struct one *o, enum send_mode mode, const char *name, const char *to)
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

static void until(struct door *d, int n)
{
    for (int i = 0; d->done < n && i < 5000; i++)
        usleep(1000);
    assert_int_equal(d->done, n);
}

static void submit(struct one *o)
{
    struct err e = {0};
    assert_ok(admit_submit(&o->s, &e), e);
}

/* Judged alone. */
static void pass(struct door *d, struct one *o)
{
    int n = d->done + 1;
    submit(o);
    until(d, n);
}

static int hold_gate(struct store *s, void *gate, struct err *e)
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

static void *gate_run(void *arg)
{
    struct gate *g = arg;
    write_it(g->d, hold_gate, &g->lock);
    return NULL;
}

/* Judged in one batch, in this order. */
static void pass_together(struct door *d, struct one *const *all, int n)
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
static void answer(struct door *d, struct one *o, enum life_state outcome, int code)
{
    int n = d->done + 1;
    o->s.outcome = outcome;
    o->s.outcome_code = code;
    o->s.wamid = outcome == LIFE_ACCEPTED ? STR("wamid.A") : (struct str){NULL, 0};
    outcome_submit(&o->s);
    until(d, n);
}

static void settle(struct door *d, struct one *o)
{
    if (send_leaves(&o->s))
        answer(d, o, LIFE_ACCEPTED, 0);
}

/* The message of `accepted`, as the dispatcher takes it to the door. */
static void queue(struct door *d, struct one *o, const struct one *accepted, const char *name, const char *to)
{
    struct outbox_row row;
    prepare(d, o, SEND_QUEUED, name, to);
    o->s.message = stored(d, accepted);
    assert_true(row_of(d, accepted, &row));
    o->s.row = row.key;
    o->s.turn = true;
}

static void accept(struct door *d, struct one *o, const char *name, const char *to)
{
    prepare(d, o, SEND_ACCEPT, name, to);
    pass(d, o);
    assert_ok(o->s.job.rc, o->s.job.err);
}

static char ANA[] = "447700900001", BOB[] = "447700900002"; /* tasks take what they may write to */

/* --- the outbox --------------------------------------------------------------------------------------------------- */

TEST(what_is_accepted_waits_and_counts_for_nothing)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    lane.wait_us = 5000000; /* the number's pace is no hold of what waits anyway */
    accept(&d, &o, "sale", ANA);
    struct message m = stored(&d, &o);
    assert_true(m.life.state == LIFE_WAITING && !m.life.once && m.life.at == NOW && m.life.attempts == 0);
    assert_int_equal(m.life.category, CATEGORY_MARKETING);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.key.due == NOW && row.key.class == LANE_MARKETING && row.ruleset == 0);
    assert_memory_equal(row.body.p, o.s.body.p, o.s.body.n);
    assert_false(send_leaves(&o.s));
    assert_false(is_counted(&d, ANA));
    assert_false(is_decided(&d, m.bucket, m.id));
    assert_true(lane.bells == 1 && lane.taken == 0 && lane.joined == 0);
    assert_true(d.g.metric[METRIC_QUEUED] == 1 && d.g.metric[METRIC_ALLOWED] == 0);
    prepare(&d, &o, SEND_ACCEPT, "sale", ANA);
    o.s.not_before = NOW + DAY;
    o.s.our_id = true;
    pass(&d, &o);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.key.due == NOW + DAY && row.flags == OUTBOX_OUR_ID);
    finish(&d);
}

TEST(what_a_rule_denies_is_not_accepted)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    accept(&d, &o, "sale", ANA); /* nobody ever agreed */
    assert_int_equal(stored(&d, &o).life.state, LIFE_REFUSED);
    assert_false(row_of(&d, &o, &row));
    assert_true(is_decided(&d, o.s.message.bucket, o.s.message.id));
    assert_true(d.g.metric[METRIC_DENIED] == 1 && lane.bells == 0);
    finish(&d);
}

/* Both were accepted while nothing held them; in their turn the second sees what the first has left. */
TEST(two_of_the_outbox_keep_a_persons_cap)
{
    struct door d;
    struct one first, second, a, b;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &first, "sale", ANA);
    accept(&d, &second, "sale", ANA);
    queue(&d, &a, &first, "sale", ANA);
    queue(&d, &b, &second, "sale", ANA);
    pass_together(&d, (struct one *[]){&a, &b}, 2);
    struct message m = stored(&d, &first);
    assert_true(send_leaves(&a.s) && !send_leaves(&b.s));
    assert_true(m.life.state == LIFE_SENDING && m.life.attempts == 1 && m.epoch == a.s.epoch && m.epoch > 0);
    assert_true(m.decision != 0 && m.decision != m.id && is_decided(&d, m.bucket, m.decision));
    assert_int_equal(person(&d, ANA).caps.n, 1);
    m = stored(&d, &second);
    assert_true(m.life.state == LIFE_WAITING && m.life.at >= NOW + DAY && m.life.attempts == 0);
    assert_true(row_of(&d, &second, &row)); /* and it says what holds it */
    assert_true(row.key.due == m.life.at && row.ruleset != 0 && row.until == m.life.at && row.findings.n > 0);
    assert_true(b.s.message.life.at == m.life.at && b.s.row.due == m.life.at);
    assert_true(lane.back == 1 && lane.taken == 0);
    answer(&d, &a, LIFE_ACCEPTED, 0);
    assert_int_equal(stored(&d, &first).life.state, LIFE_ACCEPTED);
    assert_false(row_of(&d, &first, &row));
    assert_int_equal(person(&d, ANA).caps.n, 1);
    now_ms = m.life.at;
    queue(&d, &b, &second, "sale", ANA);
    pass(&d, &b);
    assert_true(send_leaves(&b.s));
    assert_true(row_of(&d, &second, &row));
    answer(&d, &b, LIFE_ACCEPTED, 0);
    assert_false(row_of(&d, &second, &row));
    assert_true(lane.heard == 2 && d.g.metric[METRIC_ACCEPTED] == 2);
    finish(&d);
}

TEST(each_outcome_leaves_row_and_counters_as_it_says)
{
    static const struct {
        enum life_state outcome;
        int code;
        enum life_state after;
        int attempts;
        bool counted, has_row;
    } rows[] = {
        {LIFE_ACCEPTED, 0, LIFE_ACCEPTED, 1, true, false},     {LIFE_REJECTED, 131026, LIFE_REJECTED, 1, false, false},
        {LIFE_REJECTED, 130429, LIFE_WAITING, 1, false, true}, /* counted again in its next turn */
        {LIFE_AMBIGUOUS, 0, LIFE_AMBIGUOUS, 1, true, true},    {LIFE_UNSENT, 0, LIFE_WAITING, 0, false, true},
    };
    struct door d;
    start(&d);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct one accepted, o;
        struct outbox_row row;
        char to[16];
        snprintf(to, sizeof to, "44770090001%zu", i);
        write_it(&d, grant, to);
        accept(&d, &accepted, "sale", to);
        queue(&d, &o, &accepted, "sale", to);
        pass(&d, &o);
        assert_true(send_leaves(&o.s));
        lane.bells = 0;
        answer(&d, &o, rows[i].outcome, rows[i].code);
        struct message m = stored(&d, &accepted);
        assert_int_equal(m.life.state, rows[i].after);
        assert_int_equal(m.life.attempts, rows[i].attempts);
        assert_true(o.s.life.state == m.life.state && o.s.life.at == m.life.at);
        assert_int_equal(person(&d, to).caps.n, rows[i].counted);
        assert_int_equal(row_of(&d, &accepted, &row), rows[i].has_row);
        assert_int_equal(lane.bells, rows[i].after == LIFE_WAITING);
        if (rows[i].after == LIFE_WAITING)
            assert_true(row.key.due > NOW && row.key.due == m.life.at && row.ruleset == 0);
        if (rows[i].after == LIFE_AMBIGUOUS)
            assert_true(row.key.due == OUTBOX_PARKED);
    }
    assert_int_equal(lane.back, 0); /* every turn was used */
    finish(&d);
}

static int status_sent(struct store *s, void *message, struct err *e)
{
    const struct life_news news = {.event = {.kind = STEP_STATUS, .attempt = 1}, .seen = SEEN_SENT};
    return life_hear(s, message, &news, now_ms, NULL, e);
}

/* A webhook told that the attempt was accepted before its answer said that it was refused. */
TEST(what_a_webhook_said_is_not_given_back)
{
    struct door d;
    struct one accepted, o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "sale", ANA);
    queue(&d, &o, &accepted, "sale", ANA);
    pass(&d, &o);
    struct message m = stored(&d, &accepted);
    write_it(&d, status_sent, &m);
    answer(&d, &o, LIFE_REJECTED, 131026);
    m = stored(&d, &accepted);
    assert_true(m.life.state == LIFE_ACCEPTED && m.seen == SEEN_SENT);
    assert_int_equal(person(&d, ANA).caps.n, 1);
    assert_false(row_of(&d, &accepted, &row));
    finish(&d);
}

TEST(nothing_is_sent_that_may_not_be_any_more)
{
    struct door d;
    struct one accepted, late, o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "sale", ANA);
    write_it(&d, withdraw, ANA);
    queue(&d, &o, &accepted, "sale", ANA);
    pass(&d, &o);
    struct message m = stored(&d, &accepted);
    assert_true(!send_leaves(&o.s) && m.life.state == LIFE_REFUSED);
    assert_true(m.decision != 0 && is_decided(&d, m.bucket, m.decision));
    assert_false(row_of(&d, &accepted, &row));
    write_it(&d, grant, BOB);
    prepare(&d, &late, SEND_ACCEPT, "sale", BOB);
    late.s.expires = NOW + MINUTE;
    pass(&d, &late);
    now_ms = NOW + MINUTE;
    queue(&d, &o, &late, "sale", BOB);
    pass(&d, &o);
    assert_true(!send_leaves(&o.s) && stored(&d, &late).life.state == LIFE_EXPIRED);
    assert_int_equal(o.s.message.life.state, LIFE_EXPIRED);
    assert_false(row_of(&d, &late, &row));
    assert_false(is_counted(&d, BOB));
    assert_true(lane.back == 2 && d.g.metric[METRIC_EXPIRED] == 1 && d.g.metric[METRIC_DENIED] == 1);
    finish(&d);
}

/* What was read ahead may be old: the row is what counts, and one attempt is opened, whoever asks how often. */
TEST(one_turn_opens_one_attempt)
{
    struct door d;
    struct one accepted, o, again, later;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "order", ANA);
    queue(&d, &o, &accepted, "order", ANA);
    queue(&d, &again, &accepted, "order", ANA);
    later = again;
    later.s.user = &later;
    later.s.intent = &later.in;
    pass_together(&d, (struct one *[]){&o, &again}, 2);
    assert_true(send_leaves(&o.s) && !send_leaves(&again.s));
    assert_int_equal(again.s.job.rc, WL_ECONFLICT);
    answer(&d, &o, LIFE_ACCEPTED, 0);
    pass(&d, &later);
    assert_true(!send_leaves(&later.s) && later.s.message.life.state == LIFE_ACCEPTED);
    assert_int_equal(stored(&d, &accepted).life.attempts, 1);
    assert_int_equal(lane.back, 2);
    finish(&d);
}

TEST(how_long_meta_tries_is_known_from_its_acceptance_on)
{
    struct door d;
    struct one order, sale, o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &order, SEND_NOW, "order", ANA);
    pass(&d, &order);
    assert_true(send_leaves(&order.s));
    now_ms = NOW + 700;
    answer(&d, &order, LIFE_ACCEPTED, 0);
    assert_int_equal(stored(&d, &order).valid_until, NOW + 700 + 3600000);
    accept(&d, &sale, "sale", ANA);
    assert_int_equal(stored(&d, &sale).valid_until, 0);
    now_ms = NOW + MINUTE;
    queue(&d, &o, &sale, "sale", ANA);
    pass(&d, &o);
    answer(&d, &o, LIFE_REJECTED, 131026);
    assert_int_equal(stored(&d, &sale).valid_until, 0);
    finish(&d);
}

TEST(data_that_finds_no_room_is_kept_aside)
{
    static char own[500];
    struct door d;
    struct one o;
    struct str kept;
    start(&d);
    write_it(&d, grant, ANA);
    memset(own, 'x', sizeof own);
    for (int i = 0; i < 3; i++) {
        prepare(&d, &o, i == 1 ? SEND_ACCEPT : SEND_NOW, "order", i == 2 ? BOB : ANA);
        o.in.opaque = (struct str){own, sizeof own};
        pass(&d, &o);
        OK(&d.f, callback_data_get(d.f.s, o.s.message.bucket, o.s.message.id, d.f.a, &kept, &d.f.e));
        assert_int_equal(kept.n, i == 2 ? 0 : sizeof own); /* BOB never agreed: nothing leaves */
        settle(&d, &o);
    }
    finish(&d);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void keyed(struct door *d, struct one *o, enum send_mode mode, const char *to, const char *key, int64_t print)
{
    prepare(d, o, mode, "order", to);
    o->s.key = (struct send_key){str_of(key), print};
}

TEST(the_same_key_is_the_same_message)
{
    struct door d;
    struct one a, b, c, other;
    start(&d);
    write_it(&d, grant, ANA);
    keyed(&d, &a, SEND_ACCEPT, ANA, "order-1", 1);
    keyed(&d, &b, SEND_ACCEPT, ANA, "order-1", 1);
    keyed(&d, &other, SEND_ACCEPT, ANA, "order-1", 2);
    keyed(&d, &c, SEND_ACCEPT, ANA, "order-2", 1);
    pass_together(&d, (struct one *[]){&a, &b, &other, &c}, 4);
    assert_true(!a.s.replayed && b.s.replayed && b.s.message.id == a.s.message.id);
    assert_int_equal(b.s.message.life.state, LIFE_WAITING);
    assert_int_equal(other.s.job.rc, WL_ECONFLICT);
    assert_non_null(strstr(other.s.job.err.text, "Idempotency-Key 'order-1'"));
    assert_true(c.s.job.rc == 0 && !c.s.replayed && c.s.message.id != a.s.message.id);
    assert_int_equal(d.g.metric[METRIC_QUEUED], 2);
    struct one turn, late;
    queue(&d, &turn, &a, "order", ANA);
    pass(&d, &turn);
    keyed(&d, &late, SEND_NOW, ANA, "order-1", 1);
    pass(&d, &late);
    assert_true(late.s.replayed && late.s.message.life.state == LIFE_SENDING);
    assert_false(send_leaves(&late.s)); /* it is on its way already, for somebody else */
    answer(&d, &turn, LIFE_ACCEPTED, 0);
    keyed(&d, &late, SEND_NOW, ANA, "order-1", 1);
    pass(&d, &late);
    assert_true(late.s.replayed && strcmp(late.s.message.wamid, "wamid.A") == 0);
    assert_true(lane.taken == 0 && lane.back == 0);
    finish(&d);
}

TEST(a_message_that_never_was_gives_its_key_back)
{
    struct door d;
    struct one o;
    start(&d);
    keyed(&d, &o, SEND_NOW, ANA, "k", 1);
    pass(&d, &o);
    assert_int_equal(o.s.message.life.state, LIFE_REFUSED);
    int64_t first = o.s.message.id;
    write_it(&d, grant, ANA);
    keyed(&d, &o, SEND_NOW, ANA, "k", 2); /* the caller changed something */
    pass(&d, &o);
    assert_true(send_leaves(&o.s) && o.s.message.id != first);
    answer(&d, &o, LIFE_UNSENT, 0);
    int64_t second = o.s.message.id;
    keyed(&d, &o, SEND_NOW, ANA, "k", 2);
    pass(&d, &o);
    assert_true(send_leaves(&o.s) && o.s.message.id != second);
    answer(&d, &o, LIFE_AMBIGUOUS, 0);
    int64_t third = o.s.message.id;
    keyed(&d, &o, SEND_NOW, ANA, "k", 2);
    pass(&d, &o);
    assert_true(o.s.replayed && o.s.message.id == third && o.s.message.life.state == LIFE_AMBIGUOUS);
    finish(&d);
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static struct send *parked(void)
{
    struct send *s = NULL;
    for (int i = 0; i < 5000 && (s = atomic_exchange(&lane.parked, NULL)) == NULL; i++)
        usleep(1000);
    assert_non_null(s);
    return s;
}

TEST(who_waits_for_the_pace_only_stands_in_line)
{
    struct door d;
    struct one o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    lane.wait_us = 1000000;
    submit(&o);
    struct send *s = parked();
    assert_true(s == &o.s && lane.joined == 1 && d.done == 0);
    s->turn = true;
    admit_resume(s);
    until(&d, 1);
    assert_true(send_leaves(&o.s));
    assert_true(lane.taken == 0 && lane.back == 0); /* it left in the turn it was given */
    settle(&d, &o);
    prepare(&d, &o, SEND_NOW, "order", ANA); /* too long for anybody */
    lane.wait_us = 60000000;
    pass(&d, &o);
    assert_true(o.s.message.life.state == LIFE_REFUSED && o.s.decision.verdict == VERDICT_HOLD);
    assert_true(lane.joined == 1 && lane.taken == 0 && lane.back == 0);
    finish(&d);
}

TEST(a_turn_that_is_not_used_goes_back)
{
    struct door d;
    struct one o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    lane.wait_us = 1000000;
    submit(&o);
    struct send *s = parked();
    write_it(&d, withdraw, ANA);
    s->turn = true;
    admit_resume(s);
    until(&d, 1);
    assert_true(!send_leaves(&o.s) && o.s.message.life.state == LIFE_REFUSED && lane.back == 1);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    finish(&d);
}

/* The client is answered in time: whoever comes back without a turn gets the hold and is never sent. */
TEST(who_gets_no_turn_in_time_gets_the_hold)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    for (int or_queue = 0; or_queue < 2; or_queue++) {
        prepare(&d, &o, SEND_NOW, "order", ANA);
        o.s.or_queue = or_queue;
        o.s.hold_until_latest = clock_mono_ns() / 1000 + 120000;
        lane.wait_us = 100000;
        int n = d.done;
        submit(&o);
        struct send *s = parked();
        usleep(150000);
        lane.wait_us = 0; /* by now it might leave, but nobody waits for it */
        admit_resume(s);
        until(&d, n + 1);
        assert_true(!send_leaves(&o.s) && o.s.decision.verdict == VERDICT_HOLD);
        struct message m = stored(&d, &o);
        assert_int_equal(m.life.state, or_queue ? LIFE_WAITING : LIFE_REFUSED);
        assert_int_equal(row_of(&d, &o, &row), or_queue);
        assert_int_equal(m.life.once, !or_queue);
    }
    assert_true(lane.taken == 0 && lane.back == 0 && lane.bells == 1);
    finish(&d);
}

TEST(a_hold_too_long_for_a_caller_is_queued_on_request)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "sale", ANA);
    pass(&d, &o);
    settle(&d, &o);
    prepare(&d, &o, SEND_NOW, "sale", ANA);
    o.s.or_queue = o.s.our_id = true;
    pass(&d, &o);
    struct message m = stored(&d, &o);
    assert_true(m.life.state == LIFE_WAITING && !m.life.once && m.life.at >= NOW + DAY);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.flags == OUTBOX_OUR_ID && row.ruleset != 0 && row.until == m.life.at);
    assert_int_equal(person(&d, ANA).caps.n, 1);
    finish(&d);
}

/* --- the right to send -------------------------------------------------------------------------------------------- */

static int taken_over(struct store *s, void *arg, struct err *e)
{
    int64_t epoch;
    (void)arg;
    return lease_take(s, SENDER, 6, NOW, &epoch, e);
}

TEST(who_lost_a_number_sends_nothing_for_it)
{
    struct door d;
    struct one accepted, o, now;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "order", ANA);
    prepare(&d, &now, SEND_NOW, "order", ANA);
    pass(&d, &now);
    assert_true(send_leaves(&now.s));
    settle(&d, &now);
    write_it(&d, taken_over, NULL);
    queue(&d, &o, &accepted, "order", ANA);
    prepare(&d, &now, SEND_NOW, "order", ANA);
    pass_together(&d, (struct one *[]){&o, &now}, 2);
    assert_true(o.s.job.rc == WL_ECONFLICT && now.s.job.rc == WL_ECONFLICT);
    assert_true(stored(&d, &accepted).life.state == LIFE_WAITING && row_of(&d, &accepted, &row));
    assert_int_equal(lane.back, 1);
    finish(&d);
}

TESTS(T(what_is_accepted_waits_and_counts_for_nothing), T(what_a_rule_denies_is_not_accepted),
      T(two_of_the_outbox_keep_a_persons_cap), T(each_outcome_leaves_row_and_counters_as_it_says),
      T(what_a_webhook_said_is_not_given_back), T(nothing_is_sent_that_may_not_be_any_more),
      T(one_turn_opens_one_attempt), T(how_long_meta_tries_is_known_from_its_acceptance_on),
      T(data_that_finds_no_room_is_kept_aside), T(the_same_key_is_the_same_message),
      T(a_message_that_never_was_gives_its_key_back), T(who_waits_for_the_pace_only_stands_in_line),
      T(a_turn_that_is_not_used_goes_back), T(who_gets_no_turn_in_time_gets_the_hold),
      T(a_hold_too_long_for_a_caller_is_queued_on_request), T(who_lost_a_number_sends_nothing_for_it))
