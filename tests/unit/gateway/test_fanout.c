/* SPDX-License-Identifier: Apache-2.0
 * test_fanout.c - the fan-out on a real store and writer; receivers, the client and the clocks are the test's.
 *
 * What would hurt: a webhook that is lost, one refused that blocks a week of others, a position written before what it
 * passes over was taken or given up, memory that grows with the backlog, a row that nobody can use and everybody pays for. */
#include "../../store/store_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/seal.h"
#include "gateway/fanout_impl.h"
#include "gateway/mark.h"

#define HOUR (3600LL * 1000)
#define HELD 1000 /* an answer that does not come before the end */

/* --- the world of one test -------------------------------------------------------------------------------------------- */

static _Atomic int64_t passed_ms; /* the clocks move by what was waited for */
static _Atomic bool slowly;       /* by a fifth of a second in a millisecond at most */
static struct {
    pthread_mutex_t lock;
    int (*says)(const struct http_call *c);
    struct http_call *held[64];
    size_t n_held;
    _Atomic int taken, asked;
    char log[8192];  /* names of messages that were taken, a space after each */
    char last[4096]; /* body of the last */
    char signature[7 + SHA256_HEX], name[40];
    _Atomic int attempt; /* as the last one said that was refused */
} receiver = {.lock = PTHREAD_MUTEX_INITIALIZER};

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void)
{
    return NOW + passed_ms;
}

int64_t __wrap_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void)
{
    return (1000 + passed_ms) * 1000000;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    (void)c;
    int64_t at = until->tv_sec * 1000 + until->tv_nsec / 1000000 - 1000;
    pthread_mutex_unlock(m); /* the others have their time too */
    usleep(slowly ? 1000 : 20);
    pthread_mutex_lock(m);
    if (slowly && at > passed_ms + 200)
        at = passed_ms + 200;
    if (at > passed_ms)
        passed_ms = at;
    return ETIMEDOUT;
}

static struct str value_of(const struct http_call *c, const char *name)
{
    for (size_t i = 0; i < c->n_headers; i++)
        if (str_ieq(c->headers[i].name, str_of(name)))
            return c->headers[i].value;
    return STR("");
}

static int attempt_of(const struct http_call *c)
{
    int64_t n = 0;
    assert_true(str_i64(value_of(c, "Wayleave-Attempt"), &n));
    return (int)n;
}

/* The text after "id":"wamid. */
static void message_name(struct str body, char *out, size_t n)
{
    const char *at = memmem(body.p, body.n, "wamid.", 6), *end = at;
    while (end != NULL && end < body.p + body.n && *end != '"')
        end++;
    snprintf(out, n, "%.*s ", at != NULL ? (int)(end - at - 6) : 1, at != NULL ? at + 6 : "?");
}

static void note_taken(const struct http_call *c)
{
    char name[64];
    message_name(c->body, name, sizeof name);
    pthread_mutex_lock(&receiver.lock);
    strncat(receiver.log, name, sizeof receiver.log - strlen(receiver.log) - 1);
    snprintf(receiver.last, sizeof receiver.last, "%.*s", (int)(c->body.n < 4095 ? c->body.n : 4095), c->body.p);
    snprintf(receiver.signature, sizeof receiver.signature, "%.71s", value_of(c, "X-Hub-Signature-256").p);
    snprintf(receiver.name, sizeof receiver.name, "%s", value_of(c, "Wayleave-Event-Id").p);
    pthread_mutex_unlock(&receiver.lock);
    receiver.taken++;
}

int __wrap_http_client_start(struct http_client **ret, const struct http_client_options *o, struct err *e);
int __wrap_http_client_start(struct http_client **ret, const struct http_client_options *o, struct err *e)
{
    (void)o, (void)e;
    *ret = NULL;
    return 0;
}

int __wrap_http_client_submit_quietly(struct http_client *c, struct http_call *call);
int __wrap_http_client_submit_quietly(struct http_client *c, struct http_call *call)
{
    (void)c;
    int status = receiver.says(call);
    receiver.asked++;
    if (status == HELD) {
        receiver.held[receiver.n_held++] = call;
        return 0;
    }
    call->status = status;
    call->fate = status != 0 ? HTTP_ANSWERED : HTTP_UNSENT;
    if (status == 200)
        note_taken(call);
    else
        receiver.attempt = attempt_of(call);
    call->done(call);
    return 0;
}

void __wrap_http_client_wake(struct http_client *c);
void __wrap_http_client_wake(struct http_client *c)
{
    (void)c;
}

void __wrap_http_client_stop(struct http_client *c);
void __wrap_http_client_stop(struct http_client *c)
{
    (void)c;
    for (; receiver.n_held > 0; receiver.n_held--) {
        struct http_call *call = receiver.held[receiver.n_held - 1];
        call->status = 0;
        call->done(call);
    }
}

void __wrap_http_client_free(struct http_client *c);
void __wrap_http_client_free(struct http_client *c)
{
    (void)c;
}

/* --- one life after another -------------------------------------------------------------------------------------------- */

struct world {
    struct fx f;
    struct gateway *g;
};

static void life_start(struct world *l, int (*says)(const struct http_call *c))
{
    static char secret[] = "app secret", other[] = "second secret";
    static struct webhook_app apps[] = {{.id = 77, .secret = other}};
    receiver.says = says;
    receiver.taken = receiver.asked = 0;
    receiver.log[0] = '\0';
    l->g = calloc(1, sizeof *l->g);
    l->g->o.store_url = l->f.url;
    l->g->o.webhook_app_secret = secret;
    l->g->o.webhook_apps = apps;
    l->g->o.n_webhook_apps = 1;
    struct store *s = NULL;
    OK(&l->f, store_open(&s, l->f.url, NULL, &l->f.e));
    OK(&l->f, writer_start(&l->g->writer, s, 64, &l->f.e));
}

static void life_fanout(struct world *l)
{
    OK(&l->f, fanout_start(&l->g->fanout, l->g, &l->f.e));
}

static void life_end(struct world *l)
{
    fanout_free(l->g->fanout);
    writer_stop(l->g->writer);
    free(l->g);
}

static struct subscriber *add(struct world *l, const char *name, enum subscriber_form form, const char *filter)
{
    static struct subscriber v;
    v = (struct subscriber){.id = store_id(l->f.s, NOW),
                            .url = STR("https://app.example.com/"),
                            .form = form,
                            .parallel = 8,
                            .filter = str_of(filter),
                            .created_at = NOW,
                            .position = 1};
    snprintf(v.name, sizeof v.name, "%s", name);
    BEGIN(&l->f);
    OK(&l->f, subscriber_put(l->f.s, &v, &l->f.e));
    COMMIT(&l->f);
    return &v;
}

static struct subscriber row_of(struct world *l, const char *name)
{
    struct subscriber v;
    OK(&l->f, subscriber_get(l->f.s, str_of(name), l->f.a, &v, &l->f.e));
    return v;
}

static void bell(struct world *l)
{
    if (l->g->fanout != NULL)
        fanout_bell(l->g->fanout);
}

/* A body is in the inbox and applied. */
static int64_t arrives(struct world *l, int64_t app, const char *body)
{
    int64_t now = NOW + passed_ms;
    struct inbox_row row = {.seq = store_id(l->f.s, now), .at = now, .app = app, .body = str_of(body)};
    BEGIN(&l->f);
    OK(&l->f, inbox_append(l->f.s, &row, 1, &l->f.e));
    OK(&l->f, cursor_set(l->f.s, "projector", row.seq, &l->f.e));
    COMMIT(&l->f);
    bell(l);
    return row.seq;
}

#define HEAD                                                                                                           \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"2000\",\"changes\":[{\"field\":\"messages\","      \
    "\"value\":{\"messages\":["
#define TAIL "]}}]}]}"

/* Messages `from` to before `to`, each of somebody else. */
static int64_t messages(struct world *l, int from, int to, size_t padding)
{
    struct buf b;
    char *pad = calloc(1, padding + 1);
    memset(pad, 'x', padding);
    buf_init(&b, 8u << 20);
    buf_puts(&b, HEAD);
    for (int i = from; i < to; i++)
        buf_printf(
            &b, "%s{\"id\":\"wamid.%d\",\"from\":\"4477009%05d\",\"type\":\"text\",\"timestamp\":\"1\",\"x\":\"%s\"}",
            i > from ? "," : "", i, i, pad);
    buf_puts(&b, TAIL);
    int64_t seq = arrives(l, 0, buf_cstr(&b));
    buf_done(&b);
    free(pad);
    return seq;
}

static bool until(bool (*is)(struct world *l), struct world *l)
{
    for (int i = 0; i < 20000; i++) {
        if (is(l))
            return true;
        usleep(1000);
    }
    return false;
}

static int64_t dead_count(struct world *l)
{
    int64_t n = 0;
    OK(&l->f, dead_letters_count(l->f.s, row_of(l, "a").id, &n, &l->f.e));
    return n;
}

static int64_t newest; /* what `done` waits for */

static bool done(struct world *l)
{
    struct subscriber v = row_of(l, "a");
    return v.position >= newest && v.pending.n == 0;
}

static void all_done(struct world *l, int64_t seq)
{
    newest = seq;
    if (!until(done, l))
        fail_msg("position %lld, not %lld; taken: %s", (long long)row_of(l, "a").position, (long long)seq,
                 receiver.log);
}

static bool took(const char *name)
{
    char text[64], log[sizeof receiver.log + 2];
    pthread_mutex_lock(&receiver.lock);
    snprintf(log, sizeof log, " %s", receiver.log);
    pthread_mutex_unlock(&receiver.lock);
    snprintf(text, sizeof text, " %s ", name);
    return strstr(log, text) != NULL;
}

/* --- receivers -------------------------------------------------------------------------------------------------------- */

static int takes(const struct http_call *c)
{
    (void)c;
    return 200;
}

static int silent(const struct http_call *c)
{
    (void)c;
    return 0;
}

static int holds(const struct http_call *c)
{
    (void)c;
    return HELD;
}

static int refuses_first(const struct http_call *c)
{
    return memmem(c->body.p, c->body.n, "wamid.0\"", 8) != NULL ? 400 : 200;
}

/* --- tests ------------------------------------------------------------------------------------------------------------ */

TEST(one_that_is_refused_is_given_up_and_tried_once_more_when_asked)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, refuses_first);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    life_fanout(&l);
    int64_t first = messages(&l, 0, 40, 0), last = 0;
    for (int i = 40; i < 80; i++) { /* others are taken while it is tried */
        last = messages(&l, i, i + 1, 0);
        usleep(2000);
    }
    all_done(&l, last);
    assert_int_equal(receiver.taken, 79);
    assert_int_equal(dead_count(&l), 1);
    struct dead_letter *d;
    size_t n;
    int64_t id = row_of(&l, "a").id;
    OK(&l.f, dead_letters_list(l.f.s, id, 0, 0, false, 9, l.f.a, &d, &n, &l.f.e));
    assert_int_equal(d[0].seq, first);
    assert_int_equal(d[0].event, 0);
    assert_int_equal(d[0].status, 400);
    assert_true(d[0].attempts >= 10);
    for (int round = 0; round < 2; round++) { /* refused again it stays dead, taken it is no more */
        int asked = receiver.asked;
        receiver.says = round == 0 ? refuses_first : takes;
        BEGIN(&l.f);
        OK(&l.f, dead_letters_again(l.f.s, id, 0, &n, &l.f.e));
        COMMIT(&l.f);
        fanout_changed(l.g->fanout);
        for (int i = 0; i < 5000 && (receiver.asked == asked || (round == 1 && dead_count(&l) != 0)); i++)
            usleep(1000);
        assert_int_equal(dead_count(&l), round == 0 ? 1 : 0);
    }
    assert_true(took("0"));
    life_end(&l);
    fx_end(&l.f);
}

static bool forty_dead(struct world *l)
{
    return dead_count(l) == 40;
}

TEST(a_receiver_away_for_a_week_loses_what_is_older_and_nothing_else)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, silent);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    life_fanout(&l);
    messages(&l, 0, 40, 0);
    assert_true(until(forty_dead, &l));
    assert_true(passed_ms > 7 * 24 * HOUR && passed_ms < 8 * 24 * HOUR);
    assert_true(receiver.asked < 5000); /* every five minutes, not all the time */
    receiver.says = takes;
    all_done(&l, messages(&l, 40, 43, 0));
    assert_true(took("40") && took("42"));
    life_end(&l);
    fx_end(&l.f);
}

TEST(memory_is_bounded_whatever_waits_and_what_was_not_taken_is_not_passed)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, holds);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    int64_t first = messages(&l, 0, 1, 0), last = messages(&l, 1, 2500, 0); /* more than a window */
    for (int i = 0; i < 30; i++)
        last = messages(&l, 3000 + i, 3001 + i, 1u << 20);
    add(&l, "big", SUBSCRIBER_BODIES, "");
    life_fanout(&l);
    for (int i = 0; i < 5000 && receiver.n_held < 16; i++)
        usleep(1000);
    fanout_stop(l.g->fanout);
    struct fanout *f = l.g->fanout;
    assert_int_equal(f->n, 2);
    for (size_t i = 0; i < f->n; i++) {
        const struct stream *st = &f->target[i]->stream[STREAM_LIVE];
        assert_true(delivery_count(st->window) > 8 && delivery_count(st->window) <= DELIVERY_WINDOW_MAX);
        assert_true(st->bytes <= 9u << 20);
        assert_int_equal(f->target[i]->open, 0);
    }
    struct subscriber_pending p;
    struct subscriber a = row_of(&l, "a");
    OK(&l.f, subscriber_pending_read(a.pending, l.f.a, &p, &l.f.e));
    assert_true(p.n > 8 && p.n <= DELIVERY_WINDOW_MAX && !subscriber_passed(&a, &p, first));
    life_end(&l);
    life_start(&l, takes);
    life_fanout(&l);
    all_done(&l, last);
    assert_in_range(receiver.taken, 2530, 2530 + 32); /* nothing twice, also of a body that was taken up in part */
    life_end(&l);
    fx_end(&l.f);
}

#define STATUS                                                                                                         \
    "{\"object\":\"w\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{\"statuses\":[{"       \
    "\"id\":"                                                                                                          \
    "\"wamid.1\",\"status\":\"sent\",\"recipient_id\":\"4477009\", \"biz_opaque_callback_data\":\"%s\" }]}}]}]}"

/* A change of settings counts from some POST on. */
static void comes_to_be_signed(struct world *l, int64_t app, const char *secret, const char *body)
{
    uint8_t mac[SHA256_BYTES];
    char want[SHA256_HEX];
    hmac_sha256(str_of(secret), str_of(body), mac);
    hex_encode(mac, sizeof mac, want);
    for (int i = 0; i < 100 && strcmp(receiver.signature + 7, want) != 0; i++)
        all_done(l, arrives(l, app, body));
    all_done(l, arrives(l, app, body));
    assert_string_equal(receiver.signature + 7, want);
}

static void signed_with(struct world *l, const char *secret, const char *body)
{
    uint8_t mac[SHA256_BYTES];
    char want[7 + SHA256_HEX] = "sha256=";
    (void)l;
    assert_string_equal(receiver.last, body);
    hmac_sha256(str_of(secret), str_of(body), mac);
    hex_encode(mac, sizeof mac, want + 7);
    assert_string_equal(receiver.signature, want);
}

static bool app_is_said(struct world *l)
{
    struct fanout_view v;
    return fanout_look(l->g->fanout, row_of(l, "a").id, &v) && v.app_unknown;
}

static void change(struct world *l, struct subscriber *v)
{
    BEGIN(&l->f);
    OK(&l->f, subscriber_put(l->f.s, v, &l->f.e));
    COMMIT(&l->f);
    if (l->g->fanout != NULL)
        fanout_changed(l->g->fanout);
}

TEST(what_is_ours_is_taken_out_and_all_is_signed_as_the_subscribers_app_would)
{
    struct world l = {0};
    const struct callback_key k = {{0}};
    const struct callback c = {.message = 17, .attempt = 1};
    char body[512], want[512], text[40];
    struct buf mark, sealed;
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, takes);
    add(&l, "a", SUBSCRIBER_BODIES, "");
    life_fanout(&l);
    buf_init(&mark, 512);
    callback_write(&k, &c, STR("order-17"), &mark);
    snprintf(body, sizeof body, STATUS, buf_cstr(&mark));
    snprintf(want, sizeof want, STATUS, "order-17");
    int64_t seq = arrives(&l, 0, body);
    all_done(&l, seq);
    signed_with(&l, "app secret", want);
    snprintf(text, sizeof text, "%lld", (long long)seq);
    assert_string_equal(receiver.name, text);
    all_done(&l, arrives(&l, 77, want)); /* another app's copy came first: what this one expects does not change */
    signed_with(&l, "app secret", want);
    struct subscriber v = row_of(&l, "a");
    v.app = 77;
    change(&l, &v);
    comes_to_be_signed(&l, 0, "second secret", want);
    assert_false(app_is_said(&l));
    v.app = 78; /* one that is not configured any more */
    change(&l, &v);
    comes_to_be_signed(&l, 77, "app secret", want);
    assert_true(app_is_said(&l));
    buf_init(&sealed, 512);
    OK(&l.f, seal(l.g->seal_key, STR("its own"), &sealed, &l.f.e));
    v.secret = buf_str(&sealed);
    change(&l, &v);
    comes_to_be_signed(&l, 77, "its own", want);
    assert_false(app_is_said(&l));
    buf_done(&sealed);
    buf_done(&mark);
    life_end(&l);
    fx_end(&l.f);
}

static bool both_broken(struct world *l)
{
    struct fanout_view v;
    return fanout_look(l->g->fanout, row_of(l, "sealed").id, &v) && v.last_error[0] != '\0' &&
           fanout_look(l->g->fanout, row_of(l, "odd").id, &v) && v.last_error[0] != '\0';
}

TEST(a_row_that_cannot_be_used_is_nobody_elses_trouble)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, takes);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    add(&l, "odd", SUBSCRIBER_EVENTS, "{\"no such member\":1}");
    struct subscriber *v = add(&l, "sealed", SUBSCRIBER_EVENTS, "");
    v->secret = STR("sealed with another key, long ago, and long enough to be one");
    BEGIN(&l.f);
    OK(&l.f, subscriber_put(l.f.s, v, &l.f.e));
    COMMIT(&l.f);
    life_fanout(&l);
    all_done(&l, messages(&l, 0, 3, 0));
    assert_true(until(both_broken, &l));
    assert_int_equal(receiver.taken, 3);
    assert_int_equal(row_of(&l, "odd").position, 1);
    struct fanout_view lost;
    assert_true(fanout_look(l.g->fanout, row_of(&l, "sealed").id, &lost));
    assert_true(lost.broken && lost.secret_lost);
    assert_non_null(strstr(lost.last_error, "wayleave webhooks subscribers set sealed --secret-file FILE"));
    assert_true(fanout_look(l.g->fanout, row_of(&l, "odd").id, &lost) && lost.broken && !lost.secret_lost);
    life_end(&l);
    fx_end(&l.f);
}

TEST(what_cannot_be_read_goes_to_those_who_filter_nothing)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, takes);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    add(&l, "picky", SUBSCRIBER_EVENTS, "{\"kinds\":[\"status\"]}");
    life_fanout(&l);
    all_done(&l, arrives(&l, 0, "no JSON"));
    assert_string_equal(receiver.last, "no JSON");
    assert_int_equal(receiver.taken, 1);
    arrives(&l, 0, "{\"object\":\"whatsapp_business_account\",\"entry\":[]}"); /* what says nothing is nobody's */
    all_done(&l, arrives(&l, 0, "{\"entry\":[{\"id\":\"2000\",\"changes\":[]}]}"));
    assert_int_equal(receiver.asked, 1);
    life_end(&l);
    fx_end(&l.f);
}

/* --- one life goes on where the other ended --------------------------------------------------------------------------- */

static unsigned pending_of(struct world *l)
{
    struct fanout_view v = {.pending = 999};
    (void)fanout_look(l->g->fanout, row_of(l, "a").id, &v);
    return v.pending;
}

static int wanted_taken;

static bool one_is_left(struct world *l)
{
    struct subscriber_pending p;
    OK(&l->f, subscriber_pending_read(row_of(l, "a").pending, l->f.a, &p, &l->f.e));
    return receiver.taken >= wanted_taken && pending_of(l) == 1 && p.n == 1;
}

static void all_but_one(struct world *l, int taken)
{
    wanted_taken = taken;
    if (!until(one_is_left, l))
        fail_msg("%d taken, not %d; %u wait", receiver.taken, taken, pending_of(l));
}

/* Whatever the one that is stuck is asked about, nobody has to take anything twice. */
TEST(what_was_taken_beyond_one_that_is_stuck_is_not_handed_over_again)
{
    struct world l = {0};
    struct fanout_view v;
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, refuses_first);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    life_fanout(&l);
    slowly = true;
    int64_t first = messages(&l, 0, 5, 0);
    messages(&l, 5, 6, 0);
    all_but_one(&l, 5);
    while (receiver.attempt < 2)
        usleep(100);
    fanout_stop(l.g->fanout);
    int attempt = receiver.attempt;
    struct subscriber row = row_of(&l, "a");
    struct subscriber_pending p;
    OK(&l.f, subscriber_pending_read(row.pending, l.f.a, &p, &l.f.e));
    assert_true(p.n == 1 && p.thing[0].seq == first && p.thing[0].event == 0 && (int)p.thing[0].attempts == attempt);
    assert_true(row.position > first && !subscriber_passed(&row, &p, first));
    life_end(&l);
    life_start(&l, refuses_first); /* a restart */
    receiver.attempt = 0;
    life_fanout(&l);
    messages(&l, 6, 7, 0);
    all_but_one(&l, 1);
    while (receiver.attempt == 0)
        usleep(100);
    assert_true(receiver.attempt > attempt);
    assert_string_equal(receiver.log, "6 ");
    row = row_of(&l, "a"); /* other settings */
    row.filter = STR("{\"kinds\":[\"inbound\"]}");
    change(&l, &row);
    messages(&l, 7, 8, 0);
    all_but_one(&l, 2);
    assert_string_equal(receiver.log, "6 7 ");
    for (int i = 8; i < 12; i++) {
        messages(&l, i, i + 1, 0);
        all_but_one(&l, i - 5);
    }
    assert_true(fanout_look(l.g->fanout, row.id, &v));
    assert_true(v.stuck == 1 && v.stuck_seq == first && v.stuck_event == 0 && v.stuck_status == 400);
    assert_true(v.oldest_seq == first && v.oldest_attempts >= FANOUT_STUCK);
    row.form = SUBSCRIBER_BODIES; /* its body goes whole */
    receiver.says = takes;
    row.filter = STR("");
    change(&l, &row);
    all_done(&l, first);
    assert_true(receiver.taken >= 7 && receiver.taken <= 8);
    life_end(&l);
    life_start(&l, takes);
    life_fanout(&l);
    all_done(&l, messages(&l, 12, 13, 0));
    slowly = false;
    assert_string_equal(receiver.log, "12 ");
    life_end(&l);
    fx_end(&l.f);
}

TEST(what_waits_and_is_not_wanted_or_not_there_any_more_is_let_go)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, refuses_first);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    life_fanout(&l);
    messages(&l, 0, 5, 0);
    all_but_one(&l, 4);
    struct subscriber row = row_of(&l, "a");
    row.filter = STR("{\"kinds\":[\"status\"]}");
    change(&l, &row);
    all_done(&l, row.position);
    row.filter = STR("");
    change(&l, &row);
    messages(&l, 0, 1, 0);
    all_but_one(&l, 4);
    life_end(&l);
    size_t n;
    BEGIN(&l.f);
    OK(&l.f, inbox_drop(l.f.s, INT64_MAX, 100, &n, &l.f.e));
    COMMIT(&l.f);
    life_start(&l, takes);
    life_fanout(&l);
    all_done(&l, messages(&l, 5, 6, 0));
    assert_string_equal(receiver.log, "5 ");
    life_end(&l);
    fx_end(&l.f);
}

/* Copies are made before they are needed, and may lie for days. */
TEST(who_was_erased_is_not_in_what_waits)
{
    struct world l = {0};
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, refuses_first);
    add(&l, "a", SUBSCRIBER_EVENTS, "");
    life_fanout(&l);
    int64_t seq = messages(&l, 0, 1, 0);
    messages(&l, 1, 2, 0);
    all_but_one(&l, 1);
    BEGIN(&l.f);
    OK(&l.f, inbox_rewrite(l.f.s, seq,
                           STR(HEAD "{\"id\":\"wamid.other\",\"from\":\"44770091\",\"type\":\"text\","
                                    "\"timestamp\":\"1\"}" TAIL),
                           &l.f.e));
    COMMIT(&l.f);
    fanout_forget(l.g->fanout);
    receiver.says = takes;
    all_done(&l, seq);
    assert_string_equal(receiver.log, "1 other ");
    fanout_stop(l.g->fanout);
    fanout_forget(l.g->fanout); /* nobody is there to do it, and nothing to be done */
    life_end(&l);
    fx_end(&l.f);
}

TEST(a_subscriber_somebody_made_is_not_taken_over_by_the_configuration)
{
    struct world l = {0};
    char url[] = "http://receiver/";
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, takes);
    add(&l, "forward", SUBSCRIBER_EVENTS, "");
    l.g->o.forward_url = url;
    life_fanout(&l);
    struct subscriber v = row_of(&l, "forward");
    assert_true(v.origin == SUBSCRIBER_BY_API && v.form == SUBSCRIBER_EVENTS);
    assert_str(v.url, "https://app.example.com/");
    life_end(&l);
    fx_end(&l.f);
}

TEST(the_configurations_own_begins_where_the_forwarder_was)
{
    struct world l = {0};
    char url[] = "http://receiver/";
    fx_start(&l.f);
    passed_ms = 0;
    life_start(&l, takes);
    int64_t old = messages(&l, 0, 1, 0);
    BEGIN(&l.f);
    OK(&l.f, cursor_set(l.f.s, "forward", old, &l.f.e));
    COMMIT(&l.f);
    messages(&l, 1, 2, 0);
    l.g->o.forward_url = url;
    life_fanout(&l);
    for (int i = 0; i < 5000 && receiver.taken < 1; i++)
        usleep(1000);
    life_end(&l);
    assert_string_equal(receiver.log, "1 ");
    assert_int_equal(row_of(&l, "forward").origin, SUBSCRIBER_BY_CONFIGURATION);
    life_start(&l, takes); /* the key is gone, and comes again: from then on */
    life_fanout(&l);
    life_end(&l);
    struct subscriber v;
    assert_int_equal(subscriber_get(l.f.s, STR("forward"), l.f.a, &v, NULL), WL_ENOTFOUND);
    passed_ms += 1000;
    life_start(&l, takes);
    l.g->o.forward_url = url;
    life_fanout(&l);
    messages(&l, 2, 3, 0);
    for (int i = 0; i < 5000 && receiver.taken < 1; i++)
        usleep(1000);
    life_end(&l);
    assert_string_equal(receiver.log, "2 ");
    fx_end(&l.f);
}

TESTS(T(one_that_is_refused_is_given_up_and_tried_once_more_when_asked),
      T(a_receiver_away_for_a_week_loses_what_is_older_and_nothing_else),
      T(memory_is_bounded_whatever_waits_and_what_was_not_taken_is_not_passed),
      T(what_is_ours_is_taken_out_and_all_is_signed_as_the_subscribers_app_would),
      T(what_was_taken_beyond_one_that_is_stuck_is_not_handed_over_again),
      T(what_waits_and_is_not_wanted_or_not_there_any_more_is_let_go), T(who_was_erased_is_not_in_what_waits),
      T(a_subscriber_somebody_made_is_not_taken_over_by_the_configuration),
      T(a_row_that_cannot_be_used_is_nobody_elses_trouble), T(what_cannot_be_read_goes_to_those_who_filter_nothing),
      T(the_configurations_own_begins_where_the_forwarder_was))
