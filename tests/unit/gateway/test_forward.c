/* SPDX-License-Identifier: Apache-2.0
 * test_forward.c - the forwarder on a real store and writer; the receiver and the clock are the test's.
 *
 * What would hurt: a body that is lost or handed on out of order because the receiver was away, one refused body that blocks
 * a week of others, a new receiver flooded with history. */
#include "../../store/store_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "gateway/forward.h"
#include "gateway/gateway_impl.h"
#include "gateway/mark.h"
#include "store/inbox.h"

/* The receiver: what it says to each attempt in turn; 0 is no answer. */
static struct {
    const int *says;
    int attempts;
    char taken[1024];
    char signature[SHA256_HEX]; /* of the last */
} receiver;
static _Atomic int64_t passed_ms; /* the clock moves by what was waited */

int __wrap_http_fetch(struct http_call *c, const char *ca_file, struct err *e);
int __wrap_http_fetch(struct http_call *c, const char *ca_file, struct err *e)
{
    (void)ca_file, (void)e;
    int status = receiver.says[receiver.attempts++];
    if (status == 200)
        strncat(receiver.taken, c->body.p, c->body.n);
    snprintf(receiver.signature, sizeof receiver.signature, "%.*s", SHA256_HEX - 1, c->headers[1].value.p + 7);
    c->status = status;
    return status != 0 ? 0 : WL_EIO;
}

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void)
{
    return NOW + passed_ms;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    (void)c, (void)m;
    int64_t at = until->tv_sec * 1000 + until->tv_nsec / 1000000 - NOW;
    if (at > passed_ms)
        passed_ms = at;
    return ETIMEDOUT;
}

static void append_body(struct fx *f, struct str body)
{
    struct inbox_row row = {.seq = store_id(f->s, NOW + passed_ms), .at = NOW + passed_ms, .body = body};
    BEGIN(f);
    OK(f, inbox_append(f->s, &row, 1, &f->e));
    COMMIT(f);
}

/* Bodies of one letter; what begins with a brace is one body. */
static void append(struct fx *f, const char *bodies)
{
    if (*bodies == '{')
        append_body(f, str_of(bodies));
    for (; *bodies != '\0' && *bodies != '{'; bodies++)
        append_body(f, (struct str){bodies, 1});
}

/* Runs a forwarder until it is done with the bodies that are there before it starts and those that come then. */
static void forwards(struct fx *f, const char *while_away, const char *then, size_t expected, const int *says,
                     uint64_t parked)
{
    struct gateway *g = calloc(1, sizeof *g);
    struct store *s = NULL;
    char url[] = "http://receiver/", secret[] = "secret";
    memset(&receiver, 0, sizeof receiver);
    receiver.says = says;
    passed_ms = 0;
    append(f, while_away);
    g->o.store_url = f->url;
    g->o.forward_url = url;
    g->o.webhook_app_secret = secret;
    OK(f, store_open(&s, f->url, NULL, &f->e));
    OK(f, writer_start(&g->writer, s, 16, &f->e));
    OK(f, forwarder_start(&g->forwarder, g, &f->e));
    append(f, then);
    forwarder_bell(g->forwarder);
    for (int i = 0; i < 30000 && g->metric[METRIC_FORWARDED] + g->metric[METRIC_FORWARD_PARKED] < expected; i++)
        usleep(1000);
    forwarder_stop(g->forwarder);
    assert_int_equal(g->metric[METRIC_FORWARDED] + g->metric[METRIC_FORWARD_PARKED], expected);
    assert_int_equal(g->metric[METRIC_FORWARD_PARKED], parked);
    forwarder_free(g->forwarder);
    writer_stop(g->writer);
    free(g);
}

static int64_t problems(struct fx *f)
{
    int64_t rows = 0, n = 0;
    OK(f, inbox_counts(f->s, &rows, &n, &f->e));
    return n;
}

#define ALWAYS 200, 200, 200, 200

TEST(a_new_receiver_gets_what_comes_from_now_on_and_later_all_of_it)
{
    struct fx f;
    static const int says[] = {ALWAYS};
    fx_start(&f);
    forwards(&f, "xyz", "ab", 2, says, 0);
    assert_string_equal(receiver.taken, "ab");
    forwards(&f, "cd", "e", 3, says, 0);
    assert_string_equal(receiver.taken, "cde");
    fx_end(&f);
    fx_start(&f);
    forwards(&f, "", "", 0, says, 0); /* an empty inbox is a beginning too */
    forwards(&f, "a", "b", 2, says, 0);
    assert_string_equal(receiver.taken, "ab");
    fx_end(&f);
}

TEST(who_is_away_is_waited_for_and_what_is_refused_is_passed_over)
{
    static const struct {
        int says[24];
        const char *taken;
        int parked, seconds; /* seconds: how long it all took at least */
    } rows[] = {
        {{400, 400, 400, 400, 400, 400, 400, 400, 400, 400, ALWAYS}, "b", 1, 511},
        {{400, 404, 403, 410, 422, 400, 401, 400, 400, 200, ALWAYS}, "ab", 0, 511},
        {{500, 503, 0, 500, 502, 504, 500, 500, 500, 500, 301, 0, 200, ALWAYS}, "ab", 0, 600},
        {{408, 429, 408, 429, 408, 429, 408, 429, 408, 429, 408, 429, 200, ALWAYS}, "ab", 0, 600},
        {{503, 400, 0, 400, 400, 400, 400, 400, 400, 400, 400, 400, 500, 200, ALWAYS}, "b", 1, 600},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fx f;
        fx_start(&f);
        forwards(&f, "", "ab", 2, rows[i].says, (uint64_t)rows[i].parked);
        if (strcmp(receiver.taken, rows[i].taken) != 0 || problems(&f) != rows[i].parked)
            fail_msg("row %zu: took \"%s\", %d noted", i, receiver.taken, (int)problems(&f));
        assert_true(passed_ms >= rows[i].seconds * 1000);
        fx_end(&f);
    }
}

TEST(a_receiver_away_for_a_week_loses_what_is_older)
{
    struct fx f;
    static int says[4000];
    fx_start(&f);
    forwards(&f, "", "a", 1, says, 1);
    assert_int_equal(problems(&f), 1);
    assert_true(passed_ms > 7LL * 24 * 3600 * 1000 && passed_ms < 8LL * 24 * 3600 * 1000);
    fx_end(&f);
}

#define STATUS "{\"statuses\":[{\"id\":\"wamid.1\", \"biz_opaque_callback_data\":\"%s\" }]}"

TEST(what_is_ours_is_taken_out_before_it_is_signed)
{
    static const int says[] = {ALWAYS};
    struct fx f;
    const struct callback_key k = {{0}}; /* of the gateway that forwards() makes */
    const struct callback c = {.message = 17, .attempt = 1};
    char body[512], want[512];
    struct buf mark;
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX];
    fx_start(&f);
    buf_init(&mark, 512);
    callback_write(&k, &c, STR("order-17"), &mark);
    snprintf(body, sizeof body, STATUS, buf_cstr(&mark));
    snprintf(want, sizeof want, STATUS, "order-17");
    forwards(&f, "", body, 1, says, 0);
    assert_string_equal(receiver.taken, want);
    hmac_sha256(STR("secret"), str_of(want), mac);
    hex_encode(mac, sizeof mac, hex);
    assert_string_equal(receiver.signature, hex);
    snprintf(body, sizeof body, STATUS, "wl1.0.h.1.2.0000000000000000|order-17"); /* not ours: not a byte is touched */
    forwards(&f, "", body, 1, says, 0);
    assert_string_equal(receiver.taken, body);
    buf_done(&mark);
    fx_end(&f);
}

TESTS(T(a_new_receiver_gets_what_comes_from_now_on_and_later_all_of_it),
      T(who_is_away_is_waited_for_and_what_is_refused_is_passed_over),
      T(a_receiver_away_for_a_week_loses_what_is_older), T(what_is_ours_is_taken_out_before_it_is_signed))
