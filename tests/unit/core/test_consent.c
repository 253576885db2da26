/* SPDX-License-Identifier: Apache-2.0
 * test_consent.c - the fold gives the same state for any order and repetition of the same events, and each rule of
 * it gives the state a person would expect. The random tests print their seed. */
#include "core/consent.h"

#include "t.h"

#define MKT CONSENT_SCOPE(CATEGORY_MARKETING)
#define UTL CONSENT_SCOPE(CATEGORY_UTILITY)

TEST(rules)
{
    static const struct {
        struct consent_event ev[4];
        enum consent_status marketing, utility;
        bool stop;
    } rows[] = {
        {{{0}}, CONSENT_NONE, CONSENT_NONE, false},
        {{{CONSENT_GRANT, MKT, 10}}, CONSENT_GRANTED, CONSENT_NONE, false},
        {{{CONSENT_GRANT, CONSENT_ALL, 10}, {CONSENT_WITHDRAW, MKT, 20}}, CONSENT_WITHDRAWN, CONSENT_GRANTED, false},
        /* arrival order does not count, the person's time does */
        {{{CONSENT_WITHDRAW, MKT, 20}, {CONSENT_GRANT, MKT, 10}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_WITHDRAW, MKT, 20}, {CONSENT_GRANT, MKT, 30}}, CONSENT_GRANTED, CONSENT_NONE, false},
        /* the same instant: the stricter */
        {{{CONSENT_GRANT, MKT, 20}, {CONSENT_WITHDRAW, MKT, 20}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_WITHDRAW, MKT, 20}, {CONSENT_GRANT, MKT, 20}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_STOP, 0, 20}, {CONSENT_RESUME, 0, 20}}, CONSENT_NONE, CONSENT_NONE, true},
        {{{CONSENT_RESUME, 0, 20}, {CONSENT_STOP, 0, 20}}, CONSENT_NONE, CONSENT_NONE, true},
        /* only a resume lifts a platform stop */
        {{{CONSENT_STOP, MKT, 10}, {CONSENT_GRANT, MKT, 50}}, CONSENT_GRANTED, CONSENT_NONE, true},
        {{{CONSENT_STOP, MKT, 10}, {CONSENT_RESUME, MKT, 20}}, CONSENT_NONE, CONSENT_NONE, false},
        {{{CONSENT_RESUME, MKT, 20}, {CONSENT_STOP, MKT, 10}}, CONSENT_NONE, CONSENT_NONE, false},
        /* a resume is no grant, a stop no withdrawal */
        {{{CONSENT_GRANT, MKT, 5}, {CONSENT_STOP, MKT, 10}, {CONSENT_RESUME, MKT, 20}},
         CONSENT_GRANTED,
         CONSENT_NONE,
         false},
        /* times before 1970 count as its start */
        {{{CONSENT_WITHDRAW, MKT, -5}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_STOP, 0, -5}}, CONSENT_NONE, CONSENT_NONE, true},
        /* nobody consents to a reply */
        {{{CONSENT_WITHDRAW, CONSENT_SCOPE(CATEGORY_SERVICE), 9}}, CONSENT_NONE, CONSENT_NONE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct consent_state s = {0};
        for (size_t k = 0; k < 4 && rows[i].ev[k].act != 0; k++)
            consent_apply(&s, &rows[i].ev[k]);
        if (s.of[CATEGORY_MARKETING].status != rows[i].marketing || s.of[CATEGORY_UTILITY].status != rows[i].utility ||
            s.platform_stop != rows[i].stop || s.of[CATEGORY_SERVICE].status != CONSENT_NONE)
            fail_msg("row %zu: marketing %s, utility %s, stop %d", i,
                     consent_status_name(s.of[CATEGORY_MARKETING].status),
                     consent_status_name(s.of[CATEGORY_UTILITY].status), s.platform_stop);
    }
}

static bool same(const struct consent_state *a, const struct consent_state *b)
{
    for (int c = 0; c < CATEGORY_COUNT; c++)
        if (a->of[c].status != b->of[c].status || a->of[c].at != b->of[c].at)
            return false;
    return a->platform_stop == b->platform_stop && a->platform_at == b->platform_at;
}

static uint32_t next(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

TEST(any_order_any_repetition)
{
    uint32_t x = 2463534242u;
    for (int round = 0; round < 3000; round++) {
        struct consent_event ev[8];
        struct consent_state want = {0};
        size_t n = 1 + next(&x) % 8;
        uint32_t seed = x;
        for (size_t i = 0; i < n; i++) {
            /* few instants, so that ties are common */
            ev[i] = (struct consent_event){(enum consent_act)(1 + next(&x) % 4), next(&x) % 64,
                                           (int64_t)(next(&x) % 4) - 1};
            consent_apply(&want, &ev[i]);
        }
        for (int shuffle = 0; shuffle < 6; shuffle++) {
            struct consent_state got = {0};
            for (size_t i = n; i > 1; i--) {
                size_t k = next(&x) % i;
                struct consent_event t = ev[k];
                ev[k] = ev[i - 1];
                ev[i - 1] = t;
            }
            for (size_t i = 0; i < n; i++) {
                consent_apply(&got, &ev[i]);
                consent_apply(&got, &ev[next(&x) % (i + 1)]); /* a redelivery of any earlier one */
            }
            if (!same(&got, &want))
                fail_msg("round %d, seed %u", round, seed);
        }
    }
}

TEST(packing)
{
    uint32_t x = 88675123u;
    uint8_t buf[CONSENT_PACKED_MAX];
    struct consent_state zero = {0}, got;
    assert_int_equal(consent_pack(&zero, buf), 0);
    memset(&got, 0xff, sizeof got);
    assert_int_equal(consent_unpack(buf, 0, &got), 0);
    assert_true(same(&got, &zero));
    for (int round = 0; round < 2000; round++) {
        struct consent_state s = {0};
        for (int i = 0; i < 6; i++) {
            int64_t at = round % 7 == 0 ? INT64_MAX : (int64_t)next(&x) * 1000;
            consent_apply(&s, &(struct consent_event){(enum consent_act)(1 + next(&x) % 4), next(&x) % 64, at});
        }
        size_t n = consent_pack(&s, buf);
        assert_true(n <= CONSENT_PACKED_MAX);
        assert_int_equal(consent_unpack(buf, n, &got), 0);
        assert_true(same(&got, &s));
        for (size_t cut = 1; cut < n; cut++) { /* damaged: cut short, or with something behind */
            struct consent_state kept = zero;
            assert_int_equal(consent_unpack(buf, cut, &kept), WL_EINVAL);
            assert_true(same(&kept, &zero));
        }
        if (n < sizeof buf) {
            buf[n] = 0;
            assert_int_equal(consent_unpack(buf, n + 1, &got), WL_EINVAL);
        }
    }
    for (int round = 0; round < 20000; round++) { /* noise must not be read past its end */
        size_t n = next(&x) % 20;
        for (size_t i = 0; i < n; i++)
            buf[i] = (uint8_t)next(&x);
        buf[0] = 1;
        (void)consent_unpack(buf, n, &got);
    }
}

TEST(one_opt_in_stays_small)
{
    uint8_t buf[CONSENT_PACKED_MAX];
    struct consent_state s = {0};
    consent_apply(&s, &(struct consent_event){CONSENT_GRANT, MKT, 1795312987123});
    assert_true(consent_pack(&s, buf) <= 9); /* it is in every contact's row */
}

TEST(scopes)
{
    static const struct {
        const char *text;
        consent_scope want; /* 0: refused */
        const char *back;
    } rows[] = {
        {"all", CONSENT_ALL, "all"},
        {"ALL", CONSENT_ALL, "all"},
        {"marketing", MKT, "marketing"},
        {"utility, Marketing", MKT | UTL, "marketing,utility"},
        {"marketing,utility,authentication,calls", CONSENT_ALL, "all"},
        {"marketing,all", CONSENT_ALL, "all"},
        {"otp", CONSENT_SCOPE(CATEGORY_AUTHENTICATION), "authentication"},
        {"service", 0, NULL},
        {"marketing,", 0, NULL},
        {"marketing;utility", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        consent_scope got = 77;
        struct buf b;
        buf_init(&b, 100);
        int rc = consent_scope_parse(str_of(rows[i].text), &got, &e);
        if (rows[i].want == 0) {
            assert_int_equal(rc, WL_EINVAL);
            assert_int_equal(got, 77);
            assert_true(e.text[0] != '\0');
        } else {
            assert_ok(rc, e);
            assert_int_equal(got, rows[i].want);
            consent_scope_text(got, &b);
            assert_str(buf_str(&b), rows[i].back);
        }
        buf_done(&b);
    }
    struct err e = {0};
    consent_scope got;
    assert_int_equal(consent_scope_parse(STR("utility,news"), &got, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "news"));
}

TEST(names)
{
    assert_string_equal(consent_act_name(CONSENT_STOP), "stop");
    assert_string_equal(consent_act_name(CONSENT_RESUME), "resume");
    assert_string_equal(consent_act_name(CONSENT_GRANT), "grant");
    assert_string_equal(consent_act_name(CONSENT_WITHDRAW), "withdraw");
    assert_string_equal(consent_status_name(CONSENT_NONE), "none");
    assert_string_equal(consent_status_name(CONSENT_WITHDRAWN), "withdrawn");
}

TESTS(T(rules), T(any_order_any_repetition), T(packing), T(one_opt_in_stays_small), T(scopes), T(names))
