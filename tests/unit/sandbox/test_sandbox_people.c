/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_people.c - what the model is told is what its people do, and the running sandbox tells it as webhooks.
 *
 * Rates and times are counted over many people: what was put in has to come out, in each group, within what chance allows.
 * Then a sandbox whose clock runs a million times as fast is sent to, and the webhooks that arrive are counted against what
 * it says it drew. */
#include "rig.h"

#include "sandbox/sandbox_people.h"

#define PEOPLE 100000
#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)

struct counts {
    size_t read, untold, opted_out, complained, undeliverable, held_back, replied, away;
    size_t by[4]; /* readings there after 15 min, 1, 4, 24 h */
};

static void check_one(const struct people_reaction *r)
{
    if (r->fail_code != 0) {
        assert_true(r->fail_ms > 0 && r->fail_ms <= MINUTE);
        assert_true(r->read_ms < 0 && r->delivered_ms < 0 && r->opt_out_ms < 0 && r->reply_ms < 0);
        return;
    }
    assert_true(r->sent_ms > 0 && r->delivered_ms > r->sent_ms);
    assert_true(r->read_ms < 0 || r->read_ms > r->delivered_ms);
    assert_true(r->opt_out_ms < 0 || (r->read_ms > 0 && r->opt_out_ms > r->read_ms));
    assert_true(r->reply_ms < 0 || (r->read_ms > 0 && r->reply_ms > r->read_ms && r->opt_out_ms < 0));
    assert_true(!r->complains || r->opt_out_ms > 0);
}

static struct counts count(const struct people_model *m, size_t group, bool wants)
{
    static const int64_t after[4] = {15 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR};
    struct counts c = {0};
    struct people_reaction r;
    for (uint64_t i = 0; i < PEOPLE; i++) {
        people_react(m, group, i * 7919, 1, wants, &r);
        check_one(&r);
        c.undeliverable += r.fail_code == 131026;
        c.held_back += r.fail_code == 131049;
        c.read += r.read_ms > 0 && r.told;
        c.untold += r.read_ms > 0 && !r.told;
        c.opted_out += r.opt_out_ms > 0;
        c.complained += r.complains;
        c.replied += r.reply_ms > 0;
        for (size_t k = 0; k < 4; k++)
            c.by[k] += r.read_ms > 0 && r.read_ms <= after[k];
    }
    return c;
}

/* Within five standard deviations. */
static void near_share(const char *what, size_t n, size_t of, double share)
{
    double want = (double)of * share, off = (double)n - want, variance = want * (1 - share) + 1;
    if (off * off > 25 * variance)
        fail_msg("%s: %zu of %zu, wanted %.0f", what, n, of, want);
}

TEST(rates_come_out_as_they_were_put_in)
{
    struct people_model m;
    struct err e = {0};
    people_default(&m);
    assert_ok(people_read_group(&m, STR("bought: prefix=49, opt_out=15%, undeliverable=25%, read=40%"), &e), e);
    struct counts c = count(&m, 0, true);
    near_share("read", c.read, PEOPLE, 0.75);
    near_share("untold", c.untold, PEOPLE, 0.75 / 0.85 * 0.15);
    near_share("opt-out", c.opted_out, PEOPLE, 0.002);
    near_share("complaint", c.complained, PEOPLE, 0.0003);
    near_share("undeliverable", c.undeliverable, PEOPLE, 0.03);
    near_share("reply", c.replied, PEOPLE, 0.02);
    assert_int_equal(c.held_back, 0);
    static const double shares[4] = {0.34, 0.54, 0.81, 0.98};
    for (size_t k = 0; k < 4; k++) {
        double got_share = (double)c.by[k] / (double)(c.read + c.untold);
        assert_true(got_share > shares[k] - 0.025 && got_share < shares[k] + 0.025);
    }
    c = count(&m, 1, true);
    near_share("opt-out of the group", c.opted_out, PEOPLE, 0.15);
    near_share("undeliverable of the group", c.undeliverable, PEOPLE, 0.25);
    near_share("read by the group", c.read, PEOPLE, 0.4);
    near_share("complaint of the group, as everybody", c.complained, PEOPLE, 0.0003);
    c = count(&m, 0, false);
    near_share("read of a receipt", c.read, PEOPLE, 0.75);
    assert_int_equal(c.opted_out + c.replied + c.complained, 0);
    people_done(&m);
}

TEST(rates_at_their_ends)
{
    struct people_model m;
    struct err e = {0};
    people_default(&m);
    assert_ok(people_read(&m, STR("read=100%, receipts_off=0, undeliverable=0, opt_out=100%, reply=100%"), &e), e);
    struct counts c = count(&m, 0, true);
    assert_int_equal(c.read, PEOPLE);
    assert_int_equal(c.opted_out, PEOPLE);
    assert_int_equal(c.replied, 0);
    assert_ok(people_read(&m, STR("read=0,undeliverable=100%,held-back=100%"), &e), e);
    c = count(&m, 0, true);
    assert_int_equal(c.undeliverable, PEOPLE);
    assert_ok(people_read(&m, STR("undeliverable=40%,held-back=60%"), &e), e);
    c = count(&m, 0, true);
    assert_int_equal(c.undeliverable + c.held_back, PEOPLE);
    assert_int_equal(c.read + c.opted_out, 0);
    people_done(&m);
}

/* The same seed, person and message: the same; another seed: another; who cannot be reached never can. */
TEST(the_same_again)
{
    struct people_model m;
    struct people_reaction a, b;
    size_t differ = 0;
    people_default(&m);
    for (uint64_t i = 0; i < 2000; i++) {
        memset(&a, 1, sizeof a);
        memset(&b, 2, sizeof b);
        people_react(&m, 0, i, 5, true, &a);
        people_react(&m, 0, i, 5, true, &b);
        assert_int_equal(a.read_ms, b.read_ms);
        assert_int_equal(a.opt_out_ms, b.opt_out_ms);
        people_react(&m, 0, i, 6, true, &b);
        assert_int_equal(a.fail_code, b.fail_code);
        differ += a.read_ms != b.read_ms;
        m.seed = 2;
        people_react(&m, 0, i, 5, true, &b);
        differ += a.sent_ms != b.sent_ms;
        m.seed = 1;
    }
    assert_true(differ > 2500);
    people_done(&m);
}

TEST(who_is_in_which_group)
{
    struct people_model m;
    struct err e = {0};
    struct json_parser *p = json_parser_create();
    struct json v;
    const char *text = "{\"groups\":[{\"name\":\"named\",\"numbers\":[\"+15550001111\",15550002222],\"opt_out\":0.5},"
                       "{\"prefix\":[\"4915\",\"+33\"],\"read\":\"1%\"},{\"share\":\"20%\"}]}";
    people_default(&m);
    assert_ok(json_parse(p, str_of(text), false, &v, &e), e);
    assert_ok(people_read_json(&m, v, &e), e);
    assert_int_equal(people_group_of(&m, STR("15550001111")), 1);
    assert_int_equal(people_group_of(&m, STR("15550002222")), 1);
    assert_int_equal(people_group_of(&m, STR("4915112345678")), 2);
    assert_int_equal(people_group_of(&m, STR("33612345678")), 2);
    assert_int_equal(people_ppm(&m, 1, PEOPLE_OPT_OUT), 500000);
    assert_int_equal(people_ppm(&m, 1, PEOPLE_READ), 750000);
    size_t by_chance = 0;
    for (int i = 0; i < 20000; i++) {
        char who[20];
        snprintf(who, sizeof who, "1555%07d", i);
        size_t g = people_group_of(&m, str_of(who));
        assert_true(g == 0 || g == 3 || g == 1);
        by_chance += g == 3;
    }
    near_share("by chance", by_chance, 20000, 0.2);
    people_done(&m);
    json_parser_free(p);
}

TEST(what_is_not_understood_is_named)
{
    static const struct {
        const char *text, *part;
        bool group;
    } rows[] = {{"read=120%", "\"read\" wants a share", false},
                {"read=-1", "\"read\"", false},
                {"read=1.5", "\"read\"", false},
                {"read=", "\"read\"", false},
                {"read", "\"read\" has no value", false},
                {"raed=5%", "\"raed\" is nothing people have", false},
                {"seed=x", "\"seed\"", false},
                {"factor=0", "\"factor\"", false},
                {"way=pigeon", "\"way\" wants any, text", false},
                {"opt_out=0.0000001", "\"opt_out\"", false},
                {"opt_out=3%", "a group of people needs a share", true},
                {"prefix=1234567890123456", "\"prefix\" wants 1 to 15 digits", true},
                {"bought: share=2", "\"share\"", true}};
    struct people_model m;
    people_default(&m);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct str text = str_of(rows[i].text);
        int rc = rows[i].group ? people_read_group(&m, text, &e) : people_read(&m, text, &e);
        if (rc != WL_EINVAL || strstr(e.text, rows[i].part) == NULL)
            fail_msg("%s: %d, %s", rows[i].text, rc, e.text);
        assert_int_equal(m.n_groups, 1);
        assert_int_equal(m.group[0].ppm[PEOPLE_READ], 750000);
    }
    struct err e = {0};
    assert_int_equal(people_read(&m, STR("read=10%,seed=9,wings=2"), &e), WL_EINVAL);
    assert_int_equal(m.seed, 1);
    assert_ok(people_read(&m, STR(" opt-out = 0.000001 , seed=9,"), &e), e);
    assert_int_equal(m.group[0].ppm[PEOPLE_OPT_OUT], 1);
    for (int i = 1; i < PEOPLE_GROUPS; i++)
        assert_ok(people_read_group(&m, STR("share=1%"), &e), e);
    assert_int_equal(people_read_group(&m, STR("share=1%"), &e), WL_EINVAL);
    people_done(&m);
}

/* ---- running ---- */

#define SALE(to)                                                                                                       \
    "{\"messaging_product\":\"whatsapp\",\"to\":\"%s\",\"type\":\"template\",\"template\":{\"name\":"                  \
    "\"spring_sale\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{"           \
    "\"type\":\"text\",\"text\":\"Ana\"}]}]}}"

static void send_to_all(size_t n)
{
    char body[600], to[20];
    for (size_t i = 0; i < n; i++) {
        snprintf(to, sizeof to, "%s%06zu", i % 2 ? "49151555" : "1555000", i);
        snprintf(body, sizeof body, SALE(), to);
        post("/v23.0/111/messages", body);
        expect(200);
    }
}

static size_t drawn(const char *what)
{
    char path[64];
    int64_t n = 0;
    for (int g = 0; g < 2; g++) {
        snprintf(path, sizeof path, "drawn.%d.%s", g, what);
        n += int_at(path);
    }
    return (size_t)n;
}

TEST(webhooks_are_what_was_drawn)
{
    up();
    post("/_sandbox/people",
         "{\"seed\":3,\"factor\":1000000,\"read\":\"50%\",\"opt_out\":\"10%\",\"complaint\":\"5%\","
         "\"reply\":\"10%\",\"groups\":[{\"name\":\"bought\",\"prefix\":\"4915\",\"undeliverable\":\"40%\","
         "\"held_back\":\"20%\",\"read\":\"20%\"}]}");
    expect(200);
    send_to_all(150);
    get("/_sandbox/people");
    size_t undeliverable = drawn("undeliverable"), held = drawn("held_back"), read = drawn("read");
    size_t left = drawn("opted_out"), angry = drawn("complained"), replied = drawn("replied");
    assert_int_equal(drawn("messages"), 150);
    assert_true(undeliverable > 10 && held > 5 && read > 20 && left > 3 && angry > 0 && replied > 3);
    assert_str(str_at("groups.0.name"), "bought");
    ear_wait(undeliverable + held + 2 * (150 - undeliverable - held) + read + left + replied);
    assert_int_equal(ear_with("131026"), undeliverable);
    assert_int_equal(ear_with("131049"), held);
    assert_int_equal(ear_with("\"status\":\"read\""), read);
    assert_int_equal(ear_with("\"status\":\"sent\""), 150 - undeliverable - held);
    assert_int_equal(ear_with("spam"), angry);
    size_t pressed = ear_with("\"type\":\"button\""), preferred = ear_with("\"field\":\"user_preferences\"");
    assert_true(pressed > 0 && preferred > 0);
    assert_int_equal(pressed + preferred + ear_with("\"type\":\"text\""), left + replied);
    down();
}

TEST(refused_and_off)
{
    up();
    post("/_sandbox/people", "{\"read\":\"many\"}");
    expect_error(400, 100);
    get("/_sandbox/people");
    assert_int_equal(json_type(at("on")), JSON_BOOL);
    post("/v23.0/111/messages", HELLO("15550001111")); /* still after fixed delays */
    ear_wait(3);
    post("/_sandbox/people", "{\"undeliverable\":1,\"factor\":1000000}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    ear_wait(4);
    assert_int_equal(ear_with("131026"), 1);
    post("/_sandbox/people", "{\"on\":false}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    ear_wait(7);
    down();
}

TESTS(T(rates_come_out_as_they_were_put_in), T(rates_at_their_ends), T(the_same_again), T(who_is_in_which_group),
      T(what_is_not_understood_is_named), T(webhooks_are_what_was_drawn), T(refused_and_off))
