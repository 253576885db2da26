/* SPDX-License-Identifier: Apache-2.0
 * test_consent.c - the fold gives the same state for any order and repetition of the same events, and each rule of
 * it gives the state a person would expect. The random tests print their seed. */
#include "core/consent.h"

#include "core/facts.h"

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
        {{{CONSENT_GRANT, MKT, 10, 0, 0}}, CONSENT_GRANTED, CONSENT_NONE, false},
        {{{CONSENT_GRANT, CONSENT_ALL, 10, 0, 0}, {CONSENT_WITHDRAW, MKT, 20, 0, 0}},
         CONSENT_WITHDRAWN,
         CONSENT_GRANTED,
         false},
        /* arrival order does not count, the person's time does */
        {{{CONSENT_WITHDRAW, MKT, 20, 0, 0}, {CONSENT_GRANT, MKT, 10, 0, 0}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_WITHDRAW, MKT, 20, 0, 0}, {CONSENT_GRANT, MKT, 30, 0, 0}}, CONSENT_GRANTED, CONSENT_NONE, false},
        /* the same instant: the stricter */
        {{{CONSENT_GRANT, MKT, 20, 0, 0}, {CONSENT_WITHDRAW, MKT, 20, 0, 0}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_WITHDRAW, MKT, 20, 0, 0}, {CONSENT_GRANT, MKT, 20, 0, 0}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_STOP, 0, 20, 0, 0}, {CONSENT_RESUME, 0, 20, 0, 0}}, CONSENT_NONE, CONSENT_NONE, true},
        {{{CONSENT_RESUME, 0, 20, 0, 0}, {CONSENT_STOP, 0, 20, 0, 0}}, CONSENT_NONE, CONSENT_NONE, true},
        /* only a resume lifts a platform stop */
        {{{CONSENT_STOP, MKT, 10, 0, 0}, {CONSENT_GRANT, MKT, 50, 0, 0}}, CONSENT_GRANTED, CONSENT_NONE, true},
        {{{CONSENT_STOP, MKT, 10, 0, 0}, {CONSENT_RESUME, MKT, 20, 0, 0}}, CONSENT_NONE, CONSENT_NONE, false},
        {{{CONSENT_RESUME, MKT, 20, 0, 0}, {CONSENT_STOP, MKT, 10, 0, 0}}, CONSENT_NONE, CONSENT_NONE, false},
        /* a resume is no grant, a stop no withdrawal */
        {{{CONSENT_GRANT, MKT, 5, 0, 0}, {CONSENT_STOP, MKT, 10, 0, 0}, {CONSENT_RESUME, MKT, 20, 0, 0}},
         CONSENT_GRANTED,
         CONSENT_NONE,
         false},
        /* times before 1970 count as its start */
        {{{CONSENT_WITHDRAW, MKT, -5, 0, 0}}, CONSENT_WITHDRAWN, CONSENT_NONE, false},
        {{{CONSENT_STOP, 0, -5, 0, 0}}, CONSENT_NONE, CONSENT_NONE, true},
        /* nobody consents to a reply */
        {{{CONSENT_WITHDRAW, CONSENT_SCOPE(CATEGORY_SERVICE), 9, 0, 0}}, CONSENT_NONE, CONSENT_NONE, false},
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
        if (a->of[c].status != b->of[c].status || a->of[c].at != b->of[c].at || a->of[c].rank != b->of[c].rank)
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
            ev[i] =
                (struct consent_event){(enum consent_act)(1 + next(&x) % 4), next(&x) % 64, (int64_t)(next(&x) % 4) - 1,
                                       (int)(next(&x) % 8) - 1, (int64_t)(next(&x) % 3)};
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
            consent_apply(&s, &(struct consent_event){(enum consent_act)(1 + next(&x) % 4), next(&x) % 64, at,
                                                      (int)(next(&x) % 6), (int64_t)(next(&x) % 2) * 99});
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
        buf[0] = (uint8_t)(1 + next(&x) % 2);
        (void)consent_unpack(buf, n, &got);
    }
}

TEST(one_opt_in_stays_small)
{
    uint8_t buf[CONSENT_PACKED_MAX];
    struct consent_state s = {0};
    consent_apply(&s, &(struct consent_event){CONSENT_GRANT, MKT, 1795312987123, CONSENT_RANK_WRITTEN, 0});
    assert_true(consent_pack(&s, buf) <= 9); /* it is in every contact's row */
}

TEST(the_evidence_of_the_grant_that_stands)
{
    static const struct {
        struct consent_event ev[3];
        int want;
    } rows[] = {
        {{{CONSENT_GRANT, MKT, 10, CONSENT_RANK_WRITTEN, 0}}, CONSENT_RANK_WRITTEN},
        /* the latest grant counts, not the best */
        {{{CONSENT_GRANT, MKT, 10, CONSENT_RANK_CONFIRMED, 0}, {CONSENT_GRANT, MKT, 20, CONSENT_RANK_LISTED, 0}},
         CONSENT_RANK_LISTED},
        {{{CONSENT_GRANT, MKT, 20, CONSENT_RANK_LISTED, 0}, {CONSENT_GRANT, MKT, 10, CONSENT_RANK_CONFIRMED, 0}},
         CONSENT_RANK_LISTED},
        /* of one instant the better */
        {{{CONSENT_GRANT, MKT, 10, CONSENT_RANK_CAPTURED, 0}, {CONSENT_GRANT, MKT, 10, CONSENT_RANK_LISTED, 0}},
         CONSENT_RANK_CAPTURED},
        {{{CONSENT_GRANT, MKT, 10, CONSENT_RANK_LISTED, 0}, {CONSENT_GRANT, MKT, 10, CONSENT_RANK_CAPTURED, 0}},
         CONSENT_RANK_CAPTURED},
        /* a withdrawal leaves none, at the same instant too */
        {{{CONSENT_GRANT, MKT, 10, CONSENT_RANK_WRITTEN, 0}, {CONSENT_WITHDRAW, MKT, 20, CONSENT_RANK_WRITTEN, 0}},
         CONSENT_RANK_NONE},
        {{{CONSENT_WITHDRAW, MKT, 10, 0, 0}, {CONSENT_GRANT, MKT, 10, CONSENT_RANK_CONFIRMED, 0}}, CONSENT_RANK_NONE},
        /* nobody said, or nonsense: the least */
        {{{CONSENT_GRANT, MKT, 10, 0, 0}}, CONSENT_RANK_LISTED},
        {{{CONSENT_GRANT, MKT, 10, 6, 0}}, CONSENT_RANK_LISTED},
        {{{CONSENT_GRANT, MKT, 10, -1, 0}}, CONSENT_RANK_LISTED},
        /* what WhatsApp's own menu says touches no evidence */
        {{{CONSENT_GRANT, MKT, 10, CONSENT_RANK_WRITTEN, 0}, {CONSENT_STOP, MKT, 20, 0, 0}}, CONSENT_RANK_WRITTEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct consent_state s = {0};
        for (size_t k = 0; k < 3 && rows[i].ev[k].act != 0; k++)
            consent_apply(&s, &rows[i].ev[k]);
        if (s.of[CATEGORY_MARKETING].rank != rows[i].want || s.of[CATEGORY_UTILITY].rank != CONSENT_RANK_NONE)
            fail_msg("row %zu: rank %d", i, s.of[CATEGORY_MARKETING].rank);
    }
}

TEST(methods_have_ranks)
{
    static const struct {
        const char *method;
        int with, without;
    } rows[] = {
        {"import", 1, 1},
        {"api", 2, 2},
        {"cli", 2, 2},
        {"crm", 2, 2},
        {"operator", 2, 2},
        {"", 2, 2},
        {"carrier pigeon", 2, 2},
        {"web_form", 3, 2},
        {"sms", 3, 2},
        {"ivr", 3, 2},
        {"paper", 3, 2},
        {"in_person", 3, 2},
        {"Web_Form ", 3, 2},
        {"whatsapp", 4, 4},
        {"platform", 4, 4},
        {"in_app_signup", 4, 4},
        {"double_opt_in", 5, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int with = (int)consent_rank_of(str_of(rows[i].method), true);
        int without = (int)consent_rank_of(str_of(rows[i].method), false);
        if (with != rows[i].with || without != rows[i].without)
            fail_msg("\"%s\": %d with wording, %d without", rows[i].method, with, without);
    }
    assert_int_equal(fact_word(FACT_CONSENT_RANK, STR("none")), CONSENT_RANK_NONE);
    assert_int_equal(fact_word(FACT_CONSENT_RANK, STR("listed")), CONSENT_RANK_LISTED);
    assert_int_equal(fact_word(FACT_CONSENT_RANK, STR("asserted")), CONSENT_RANK_ASSERTED);
    assert_int_equal(fact_word(FACT_CONSENT_RANK, STR("captured")), CONSENT_RANK_CAPTURED);
    assert_int_equal(fact_word(FACT_CONSENT_RANK, STR("written")), CONSENT_RANK_WRITTEN);
    assert_int_equal(fact_word(FACT_CONSENT_RANK, STR("confirmed")), CONSENT_RANK_CONFIRMED);
}

/* Rows written before grants had a rank: version 1, marketing (bit 1) granted at 10, utility (bit 2) withdrawn at 20. */
TEST(reads_states_without_ranks)
{
    const uint8_t old[] = {1, 1u << CATEGORY_MARKETING | 1u << CATEGORY_UTILITY | 0xc0, 10 << 1, 20 << 1 | 1, 30};
    struct consent_state s;
    uint8_t again[CONSENT_PACKED_MAX];
    assert_int_equal(consent_unpack(old, sizeof old, &s), 0);
    assert_int_equal(s.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    assert_int_equal(s.of[CATEGORY_MARKETING].rank, CONSENT_RANK_LISTED);
    assert_int_equal(s.of[CATEGORY_MARKETING].at, 10);
    assert_int_equal(s.of[CATEGORY_UTILITY].status, CONSENT_WITHDRAWN);
    assert_int_equal(s.of[CATEGORY_UTILITY].rank, CONSENT_RANK_NONE);
    assert_true(s.platform_stop && s.platform_at == 30);
    struct consent_state kept = s;
    size_t n = consent_pack(&s, again);
    assert_int_equal(n, sizeof old + 1);
    assert_int_equal(consent_unpack(again, n, &s), 0);
    assert_true(same(&s, &kept));
    for (int rank = 0; rank < 256; rank++) { /* the byte behind the grant's time */
        again[3] = (uint8_t)rank;
        assert_int_equal(consent_unpack(again, n, &s), rank >= 1 && rank <= 5 ? 0 : WL_EINVAL);
    }
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

/* What is said under two names of one person, who was first heard with each at `since`. */
TEST(a_refusal_stands_against_grants_of_before_the_names_were_known_to_be_one)
{
    static const struct {
        enum consent_act a, b;
        int64_t a_at, b_at, since_a, since_b;
        bool shared; /* a was somebody else's name, too */
        enum consent_status status;
        int64_t at;
        bool stopped;
    } rows[] = {
        {CONSENT_WITHDRAW, CONSENT_GRANT, 10, 20, 30, 30, false, CONSENT_WITHDRAWN, 20, false},
        {CONSENT_WITHDRAW, CONSENT_GRANT, 10, 20, 20, 20, false, CONSENT_GRANTED, 20, false},
        {CONSENT_WITHDRAW, CONSENT_GRANT, 10, 20, 5, 25, false, CONSENT_WITHDRAWN, 20, false},
        {CONSENT_WITHDRAW, CONSENT_GRANT, 20, 10, 5, 5, false, CONSENT_WITHDRAWN, 20, false},
        {CONSENT_GRANT, CONSENT_GRANT, 10, 20, 30, 30, false, CONSENT_GRANTED, 20, false},
        {CONSENT_GRANT, 0, 10, 0, 30, 30, false, CONSENT_GRANTED, 10, false},
        {CONSENT_GRANT, 0, 10, 0, 30, 30, true, CONSENT_NONE, 0, false}, /* nobody knows who granted */
        {CONSENT_WITHDRAW, 0, 10, 0, 30, 30, true, CONSENT_WITHDRAWN, 10, false},
        {CONSENT_GRANT, CONSENT_WITHDRAW, 20, 10, 5, 5, true, CONSENT_WITHDRAWN, 10, false},
        {CONSENT_WITHDRAW, CONSENT_GRANT, 10, 20, 5, 5, true, CONSENT_GRANTED, 20, false},
        {CONSENT_STOP, CONSENT_RESUME, 10, 20, 30, 30, false, CONSENT_NONE, 0, true},
        {CONSENT_STOP, CONSENT_RESUME, 10, 20, 15, 15, false, CONSENT_NONE, 0, false},
        {CONSENT_RESUME, CONSENT_STOP, 20, 10, 5, 5, true, CONSENT_NONE, 0, true},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const size_t row = i / 2, first = i % 2; /* in either order */
        struct consent_event ev[2] = {{rows[row].a, CONSENT_SCOPE(CATEGORY_MARKETING), rows[row].a_at,
                                       CONSENT_RANK_WRITTEN, 0},
                                      {rows[row].b, CONSENT_SCOPE(CATEGORY_MARKETING), rows[row].b_at,
                                       CONSENT_RANK_WRITTEN, 0}};
        struct consent_voice v[2] = {{.since = 0}, {.since = 0}};
        struct consent_state s;
        v[first] = (struct consent_voice){.since = rows[row].since_a, .refusals_only = rows[row].shared};
        v[1 - first].since = rows[row].since_b;
        consent_apply(&v[first].said, &ev[0]);
        consent_apply(&v[1 - first].said, &ev[1]);
        consent_of_voices(v, 2, &s);
        const struct consent_word *w = &s.of[CATEGORY_MARKETING];
        if (w->status != rows[row].status || w->at != rows[row].at || s.platform_stop != rows[row].stopped)
            fail_msg("row %zu: %d at %lld, stopped %d", row, w->status, (long long)w->at, s.platform_stop);
    }
}

TESTS(T(a_refusal_stands_against_grants_of_before_the_names_were_known_to_be_one), T(rules),
      T(any_order_any_repetition), T(packing), T(one_opt_in_stays_small), T(the_evidence_of_the_grant_that_stands),
      T(methods_have_ranks), T(reads_states_without_ranks), T(scopes), T(names))
