/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_faults.c - misbehaviour on demand: by header, by queue, and what of it stays in the ledger.
 *
 * What matters to whoever tests against the sandbox: a lost answer was accepted, a dropped call was not, a queued fault
 * hits exactly the calls it names and as often as asked. */
#include "rig.h"

static const char hello[] = HELLO("15550001111");

static void send_with(const char *fault)
{
    ask_typed("POST", "/v23.0/111/messages", "application/json", str_of(hello), fault);
}

static int64_t accepted(void)
{
    get("/_sandbox/stats");
    return int_at("accepted");
}

TEST(by_header)
{
    up();
    send_with("code=131056");
    expect_error(400, 131056);
    send_with("code=190");
    expect_error(401, 190);
    send_with("status=500");
    assert_int_equal(got.status, 500);
    assert_true(int_at("error.code") > 0);
    send_with("status=429");
    expect_error(429, 4);
    send_with("code=999999"); /* any code may be asked for */
    expect_error(400, 999999);
    send_with("nonsense");
    expect_error(400, 100);
    send_with("code=");
    expect_error(400, 100);
    assert_int_equal(accepted(), 0);
    int64_t before = clock_mono_ns();
    send_with("delay=150");
    expect(200);
    assert_true(clock_mono_ns() - before >= 150000000);
    send_with("fail=131026");
    expect(200);
    ear_wait(4);
    assert_int_equal(ear_with("131026"), 1);
    assert_int_equal(accepted(), 2);
    down();
}

TEST(answers_that_never_come)
{
    up();
    send_with("lost-answer");
    assert_int_equal(got.fate, HTTP_AMBIGUOUS);
    assert_int_equal(accepted(), 1);
    get("/_sandbox/ledger");
    assert_str(str_at("data.0.fault"), "lost-answer");
    send_with("drop");
    assert_int_equal(got.fate, HTTP_AMBIGUOUS);
    assert_int_equal(accepted(), 1);
    send_with("delay=50, lost-answer");
    assert_int_equal(got.fate, HTTP_AMBIGUOUS);
    assert_int_equal(accepted(), 2);
    ear_wait(6); /* lost answers are still delivered and reported */
    down();
}

TEST(the_queue)
{
    up();
    post("/_sandbox/faults", "{\"fault\":\"code=131056\",\"times\":2,\"path\":\"/111/messages\"}");
    expect(200);
    post("/_sandbox/faults", "{\"fault\":\"status=503\",\"phone_number_id\":\"112\"}");
    post("/_sandbox/faults", "{\"fault\":\"code=131000\",\"to\":\"+1 555 000 2222\"}");
    get("/_sandbox/faults");
    assert_int_equal(json_count(at("data")), 3);
    get("/v23.0/111"); /* another path: not hit */
    expect(200);
    post("/v23.0/111/messages", hello);
    expect_error(400, 131056);
    post("/111/messages", hello); /* the prefix counts with or without version */
    expect_error(400, 131056);
    post("/v23.0/111/messages", hello); /* used up */
    expect(200);
    post("/v23.0/112/messages", hello);
    expect_error(503, 2);
    post("/v23.0/112/messages", hello);
    expect(200);
    post("/v23.0/112/messages", HELLO("15550002222"));
    assert_int_equal(int_at("error.code"), 131000);
    post("/_sandbox/faults", "{\"fault\":\"code=1\",\"times\":1000}");
    ask("DELETE", "/_sandbox/faults", NULL);
    post("/v23.0/111/messages", hello);
    expect(200);
    post("/_sandbox/faults", "{\"fault\":\"colour=red\"}");
    expect(400);
    post("/_sandbox/faults", "{}");
    expect(400);
    down();
}

static void *hanger(void *arg)
{
    struct err e = {0};
    char url[200];
    struct http_header h[] = {{STR("Authorization"), STR("Bearer sandbox-token")},
                              {STR("X-Sandbox-Fault"), STR("hang")}};
    snprintf(url, sizeof url, "%s/v23.0/111/messages", base);
    struct http_call c = {.method = STR("POST"),
                          .url = str_of(url),
                          .headers = h,
                          .n_headers = 2,
                          .body = str_of(hello),
                          .timeout_ms = WAIT_MS,
                          .max_answer = 65536};
    http_fetch(&c, NULL, &e);
    *(enum http_fate *)arg = c.fate;
    http_call_done(&c);
    return NULL;
}

static void start_hanging(pthread_t *t, enum http_fate *fate)
{
    *fate = HTTP_ANSWERED;
    assert_int_equal(pthread_create(t, NULL, hanger, fate), 0);
    for (int i = 0; i < 1000; i++) {
        get("/_sandbox/stats");
        if (int_at("hanging") == 1)
            return;
        usleep(2000);
    }
    fail_msg("the call does not hang");
}

TEST(hanging_ends_with_reset_and_with_the_stop)
{
    pthread_t t;
    enum http_fate fate;
    up();
    start_hanging(&t, &fate);
    post("/_sandbox/reset", "{}");
    expect(200);
    pthread_join(t, NULL);
    assert_int_equal(fate, HTTP_AMBIGUOUS);
    start_hanging(&t, &fate);
    assert_int_equal(accepted(), 0); /* a hung call is not accepted */
    down();
    pthread_join(t, NULL);
    assert_int_equal(fate, HTTP_AMBIGUOUS);
}

TEST(the_own_calls_are_not_for_web_pages)
{
    char url[200];
    struct http_header h = {STR("Origin"), STR("http://evil.example")};
    up();
    snprintf(url, sizeof url, "%s/_sandbox/ledger", base);
    fetch("GET", url, &h, 1, STR(""));
    expect(403);
    fetch("GET", url, NULL, 0, STR(""));
    expect(200);
    get("/_sandbox/");
    assert_true(json_count(at("data")) >= 8);
    get("/_sandbox/nothing");
    expect(404);
    down();
}

TESTS(T(by_header), T(answers_that_never_come), T(the_queue), T(hanging_ends_with_reset_and_with_the_stop),
      T(the_own_calls_are_not_for_web_pages))
