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
        {{{CONSENT_WITHDRAW, MKT, 20, 0, 0}, {CONSENT_GRANT, MKT, 30, 3, 0}}, CONSENT_GRANTED, CONSENT_NONE, false},
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
        if (a->of[c].status != b->of[c].status || a->of[c].at != b->of[c].at || a->of[c].rank != b->of[c].rank ||
            a->of[c].until != b->of[c].until || consent_needs(&a->of[c]) != consent_needs(&b->of[c]))
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

/* The rule as one would do it by hand: events one after the other, in the order of their times. */
struct by_hand {
    enum consent_status status;
    int needs; /* withdrawn: the rank that lifts it */
    int rank;
    int64_t at, until;
};

static int hand_rank(const struct consent_event *ev)
{
    bool sound = ev->rank >= 1 && ev->rank <= 5;
    if (ev->act == CONSENT_GRANT)
        return sound ? ev->rank : 1;
    return sound && ev->rank < 3 ? ev->rank : 3;
}

static bool comes_first(const struct consent_event *a, const struct consent_event *b)
{
    int64_t at = a->at > 0 ? a->at : 0, bt = b->at > 0 ? b->at : 0;
    if (at != bt)
        return at < bt;
    if (a->act != b->act)
        return a->act == CONSENT_GRANT;
    if (hand_rank(a) != hand_rank(b))
        return hand_rank(a) < hand_rank(b);
    return a->until == 0 || (b->until != 0 && a->until > b->until);
}

static struct by_hand fold_by_hand(const struct consent_event *events, size_t n, int category)
{
    struct consent_event ev[16];
    struct by_hand s = {CONSENT_NONE, 0, 0, 0, 0};
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if ((events[i].act != CONSENT_GRANT && events[i].act != CONSENT_WITHDRAW) ||
            !(events[i].scope & CONSENT_SCOPE(category)))
            continue;
        size_t k = used++;
        for (; k > 0 && comes_first(&events[i], &ev[k - 1]); k--)
            ev[k] = ev[k - 1];
        ev[k] = events[i];
    }
    for (size_t i = 0; i < used; i++) {
        int rank = hand_rank(&ev[i]), strong = rank > 3 ? 3 : rank;
        int64_t at = ev[i].at > 0 ? ev[i].at : 0;
        if (ev[i].act == CONSENT_WITHDRAW)
            s = (struct by_hand){CONSENT_WITHDRAWN, s.needs > rank ? s.needs : rank, 0, at, 0};
        else if (s.status != CONSENT_WITHDRAWN || strong >= s.needs)
            s = (struct by_hand){CONSENT_GRANTED, 0, rank, at, ev[i].until};
    }
    return s;
}

static bool as_by_hand(const struct consent_word *w, const struct by_hand *h)
{
    if (w->status != h->status)
        return false;
    if (w->status == CONSENT_WITHDRAWN)
        return (int)consent_needs(w) == h->needs;
    return w->rank == h->rank && w->at == h->at && w->until == h->until;
}

static struct consent_event any_event(uint32_t *x)
{
    /* few instants, so that ties are common */
    return (struct consent_event){(enum consent_act)(1 + next(x) % 4), next(x) % 64, (int64_t)(next(x) % 7) - 1,
                                  (int)(next(x) % 8) - 1, (int64_t)(next(x) % 3)};
}

TEST(the_weaker_never_beats_the_withdrawal)
{
    uint32_t x = 362436069u;
    for (int round = 0; round < 20000; round++) {
        struct consent_event ev[10];
        struct consent_voice v[3] = {{.since = 0}, {.since = 0}, {.since = 0}};
        struct consent_state alone = {0}, together;
        size_t n = 1 + next(&x) % 10;
        uint32_t seed = x;
        for (size_t i = 0; i < n; i++) {
            ev[i] = any_event(&x);
            consent_apply(&alone, &ev[i]);
            consent_apply(&v[next(&x) % 3].said, &ev[i]);
        }
        consent_of_voices(v, 3, &together); /* under three names that were known to be one person's all the time */
        for (int c = 0; c < CATEGORY_COUNT; c++) {
            struct by_hand want = {CONSENT_NONE, 0, 0, 0, 0};
            if (CONSENT_ALL & CONSENT_SCOPE(c))
                want = fold_by_hand(ev, n, c);
            if (!as_by_hand(&alone.of[c], &want) || !as_by_hand(&together.of[c], &want))
                fail_msg("round %d, seed %u, category %d: %d (%d), together %d (%d), by hand %d (%d)", round, seed, c,
                         alone.of[c].status, (int)consent_needs(&alone.of[c]), together.of[c].status,
                         (int)consent_needs(&together.of[c]), want.status, want.needs);
        }
    }
}

TEST(contradictory_words)
{
    enum { LISTED = 1, ASSERTED, CAPTURED, WRITTEN, CONFIRMED };
    static const struct {
        struct consent_event ev[4];
        enum consent_status want;
        int needs;
        int64_t at;
    } rows[] = {
        /* who wrote STOP is not brought back by an importer, nor by a program's word, whenever they say it was */
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0}, {CONSENT_GRANT, MKT, 30, LISTED, 0}},
         CONSENT_WITHDRAWN,
         CAPTURED,
         20},
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0}, {CONSENT_GRANT, MKT, 30, ASSERTED, 0}},
         CONSENT_WITHDRAWN,
         CAPTURED,
         20},
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0}, {CONSENT_GRANT, MKT, 30, CAPTURED, 0}}, CONSENT_GRANTED, 0, 30},
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0}, {CONSENT_GRANT, MKT, 30, CONFIRMED, 0}}, CONSENT_GRANTED, 0, 30},
        /* back-dated: before the withdrawal it changes nothing, however good */
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0}, {CONSENT_GRANT, MKT, 19, CONFIRMED, 0}},
         CONSENT_WITHDRAWN,
         CAPTURED,
         20},
        /* what an operator wrote down, an operator may write down again; a list may not */
        {{{CONSENT_WITHDRAW, MKT, 20, ASSERTED, 0}, {CONSENT_GRANT, MKT, 30, ASSERTED, 0}}, CONSENT_GRANTED, 0, 30},
        {{{CONSENT_WITHDRAW, MKT, 20, ASSERTED, 0}, {CONSENT_GRANT, MKT, 30, LISTED, 0}},
         CONSENT_WITHDRAWN,
         ASSERTED,
         20},
        {{{CONSENT_WITHDRAW, MKT, 20, LISTED, 0}, {CONSENT_GRANT, MKT, 30, LISTED, 0}}, CONSENT_GRANTED, 0, 30},
        /* a weaker refusal in between does not make the stronger one weaker */
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0},
          {CONSENT_WITHDRAW, MKT, 25, LISTED, 0},
          {CONSENT_GRANT, MKT, 30, ASSERTED, 0}},
         CONSENT_WITHDRAWN,
         CAPTURED,
         20},
        /* the weaker grant is remembered: it counts once the withdrawal before it is lifted */
        {{{CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0},
          {CONSENT_GRANT, MKT, 40, LISTED, 0},
          {CONSENT_GRANT, MKT, 30, WRITTEN, 0}},
         CONSENT_GRANTED,
         0,
         40},
        /* and a refusal heard late, of before, takes it away again */
        {{{CONSENT_GRANT, MKT, 40, LISTED, 0}, {CONSENT_WITHDRAW, MKT, 20, CAPTURED, 0}},
         CONSENT_WITHDRAWN,
         CAPTURED,
         20},
        /* nobody says how it was refused: the person did */
        {{{CONSENT_WITHDRAW, MKT, 20, 0, 0}, {CONSENT_GRANT, MKT, 30, ASSERTED, 0}}, CONSENT_WITHDRAWN, CAPTURED, 20},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct consent_state s = {0}, kept;
        uint8_t packed[CONSENT_PACKED_MAX];
        size_t n = 0;
        while (n < 4 && rows[i / 2].ev[n].act != 0)
            n++;
        for (size_t k = 0; k < n; k++)
            consent_apply(&s, &rows[i / 2].ev[i % 2 ? n - 1 - k : k]);
        const struct consent_word *w = &s.of[CATEGORY_MARKETING];
        if (w->status != rows[i / 2].want || (int)consent_needs(w) != rows[i / 2].needs || w->at != rows[i / 2].at)
            fail_msg("row %zu: %d at %lld, needs %d", i / 2, w->status, (long long)w->at, (int)consent_needs(w));
        assert_int_equal(consent_unpack(packed, consent_pack(&s, packed), &kept), 0);
        assert_true(same(&s, &kept));
    }
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
            ev[i] = any_event(&x);
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
        buf[0] = (uint8_t)(1 + next(&x) % 3);
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

#define SCAN "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

TEST(grants_have_the_rank_their_evidence_gives)
{
    static const struct {
        const char *method, *source, *evidence, *actor;
        bool wording;
        int want;
        const char *lacks; /* NULL: nothing is missing */
    } rows[] = {
        {"import", "", "", "api", false, 1, NULL},
        {"import", "https://shop.example", "{\"wamid\":\"wamid.x\"}", "api", true, 1, NULL},
        {"api", "", "", "api", true, 2, NULL},
        {"operator", "", "", "api", false, 2, NULL},
        {"", "", "", "", false, 2, NULL},
        {"carrier pigeon", "", "", "", true, 2, NULL},
        {"web_form", "https://shop.example/signup", "", "api", true, 3, NULL},
        {"Web_Form ", "http://shop.example", "", "api", true, 3, NULL},
        {"web_form", "form.csv", "{\"ip\":\"192.0.2.1\", \"url\" : \"https://shop.example/\"}", "api", true, 3, NULL},
        {"web_form", "https://shop.example/signup", "", "api", false, 2, "wording"},
        {"web_form", "scenario", "", "api", true, 2, "address"},
        {"web_form", "", "{\"url\":\"shop\"}", "api", true, 2, "address"},
        {"web_form", "", "{\"more\":{\"url\":\"https://shop.example/\"}}", "api", true, 2, "address"},
        {"web_form", "", "{\"note\":\"\\\"url\\\":\\\"https://x\\\"\"}", "api", true, 2, "address"},
        {"preferences", "preference page", "{}", "preference page", true, 3, NULL},
        {"preferences", "preference page", "{}", "api", true, 2, "web_form"},
        {"preferences", "https://shop.example/mine", "", "api", true, 2, "web_form"},
        {"sms", "", "{\"message_id\":\"SM1\"}", "api", true, 3, NULL},
        {"sms", "", "{\"message_id\":17}", "api", true, 3, NULL},
        {"sms", "", "{\"message_id\":\" \"}", "api", true, 2, "message_id"},
        {"sms", "", "{\"message_id\":null}", "api", true, 2, "message_id"},
        {"sms", "", "{\"message_id\":", "api", true, 2, "message_id"},
        {"sms", "", "message_id: SM1", "api", true, 2, "message_id"},
        {"ivr", "", "{\"call_id\":\"c1\"}", "api", true, 3, NULL},
        {"ivr", "", "{\"call_id\":\"c1\"}", "api", false, 2, "call_id"},
        {"paper", "", "{\"scan_sha256\":\"" SCAN "\"}", "api", true, 3, NULL},
        {"paper", "", "{\"scan_sha256\":\"" SCAN "0\"}", "api", true, 2, "scan_sha256"},
        {"paper", "", "{\"scan_sha256\":\"x" SCAN "\"}", "api", true, 2, "scan_sha256"},
        {"in_person", "", "{\"scan_sha256\":\"" SCAN "\"}", "api", true, 3, NULL},
        {"in_person", "", "", "api", true, 2, "scan_sha256"},
        {"whatsapp", "wamid.HBg", "", "webhook", false, 4, NULL},
        {"whatsapp", "", "{\"wamid\":\"wamid.HBg\"}", "gateway", false, 4, NULL},
        {"whatsapp", "the thread", "", "webhook", true, 2, "gateway"},
        {"whatsapp", "wamid.HBg", "", "api", true, 2, "gateway"},
        {"whatsapp", "", "{\"wamid\":\"wamid.HBg\"}", "preference page", true, 2, "gateway"},
        {"in_app_signup", "", "{\"link\":\"https://wa.me/x\"}", "api", false, 4, NULL},
        {"in_app_signup", "wamid.HBg", "", "api", false, 4, NULL},
        {"in_app_signup", "", "", "api", false, 2, "link"},
        {"platform", "", "", "webhook", false, 4, NULL},
        {"platform", "wamid.HBg", "", "api", true, 2, "gateway"},
        {"double_opt_in", "wamid.HBg", "", "gateway", false, 5, NULL},
        {"double_opt_in", "", "", "gateway", false, 2, "gateway"},
        {"double_opt_in", "wamid.HBg", "", "webhook", true, 2, "gateway"},
        {"double_opt_in", "wamid.HBg", "", "api", true, 2, "gateway"},
        {"double_opt_in", "https://shop.example", "", "api", true, 2, "gateway"},
        {"double_opt_in", "https://shop.example", "", "api", false, 2, "gateway"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *lacks = "?";
        const struct consent_ground g = {CONSENT_GRANT,          str_of(rows[i].method),
                                         str_of(rows[i].source), str_of(rows[i].evidence),
                                         str_of(rows[i].actor),  rows[i].wording};
        int rank = (int)consent_rank(&g, &lacks);
        if (rank != rows[i].want || (lacks == NULL) != (rows[i].lacks == NULL) ||
            (lacks != NULL && strstr(lacks, rows[i].lacks) == NULL))
            fail_msg("row %zu, \"%s\": %d, %s", i, rows[i].method, rank, lacks != NULL ? lacks : "nothing is missing");
    }
}

TEST(withdrawals_are_the_persons_own_words_or_somebodys)
{
    static const struct {
        const char *method, *evidence;
        int want;
    } rows[] = {
        {"whatsapp", "", 3},
        {"sms", "", 3},
        {"web_form", "", 3},
        {"platform", "", 3},
        {"double_opt_in", "", 3},
        {"complaint", "", 3},
        {"suppression", "", 3},
        {"Email", "", 3},
        {"preferences", "", 3},
        {"phone_call", "", 3},
        {"api", "", 2},
        {"operator", "", 2},
        {"crm", "", 2},
        {"", "", 2},
        {"import", "", 1},
        {"merge", "", 3},
        {"merge", "{\"refusal\":\"own_words\"}", 3},
        {"merge", "{\"refusal\":\"asserted\"}", 2},
        {"number_moved", "{\"refusal\":\"listed\"}", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *lacks = "?";
        const struct consent_ground g = {.act = CONSENT_WITHDRAW,
                                         .method = str_of(rows[i].method),
                                         .evidence = str_of(rows[i].evidence)};
        if ((int)consent_rank(&g, &lacks) != rows[i].want || lacks != NULL)
            fail_msg("\"%s\" %s: %d", rows[i].method, rows[i].evidence, (int)consent_rank(&g, NULL));
    }
    const struct consent_ground stop = {.act = CONSENT_STOP, .method = STR_INIT("platform")};
    assert_int_equal(consent_rank(&stop, NULL), CONSENT_RANK_NONE);
}

TEST(some_methods_are_the_gateways_own)
{
    static const char *const ours[] = {"platform",  "merge",       "number_moved",    "suppression",
                                       "no_answer", "preferences", " Double_Opt_In\t"},
                             *const theirs[] = {"whatsapp", "web_form", "import", "platforms", "operator", ""};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        assert_true(consent_method_is_ours(str_of(ours[i])));
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        assert_false(consent_method_is_ours(str_of(theirs[i])));
}

TEST(ranks_have_the_words_of_the_fact)
{
    for (int rank = CONSENT_RANK_NONE; rank <= CONSENT_RANK_CONFIRMED; rank++)
        assert_int_equal(fact_word(FACT_CONSENT_RANK, str_of(consent_rank_name((enum consent_rank)rank))), rank);
}

/* Rows written by earlier versions: marketing (bit 1) granted at 10, utility (bit 2) withdrawn at 20. */
TEST(reads_states_of_before)
{
    enum { SET = 1u << CATEGORY_MARKETING | 1u << CATEGORY_UTILITY | 0xc0 };
    static const uint8_t without_ranks[] = {1, SET, 10 << 1, 20 << 1 | 1, 30},
                         last_words[] = {2, SET, 10 << 1, CONSENT_RANK_LISTED, 20 << 1 | 1, 30};
    struct consent_state s, kept;
    uint8_t again[CONSENT_PACKED_MAX];
    assert_int_equal(consent_unpack(last_words, sizeof last_words, &kept), 0);
    assert_int_equal(consent_unpack(without_ranks, sizeof without_ranks, &s), 0);
    assert_true(same(&s, &kept));
    assert_int_equal(s.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    assert_int_equal(s.of[CATEGORY_MARKETING].rank, CONSENT_RANK_LISTED);
    assert_int_equal(s.of[CATEGORY_MARKETING].at, 10);
    assert_int_equal(s.of[CATEGORY_UTILITY].status, CONSENT_WITHDRAWN);
    assert_int_equal(s.of[CATEGORY_UTILITY].rank, CONSENT_RANK_NONE);
    assert_int_equal(consent_needs(&s.of[CATEGORY_UTILITY]),
                     CONSENT_RANK_CAPTURED); /* nobody kept how: the person's own words */
    assert_true(s.platform_stop && s.platform_at == 30);
    size_t n = consent_pack(&s, again);
    assert_int_equal(n, sizeof last_words + 1);
    assert_int_equal(consent_unpack(again, n, &s), 0);
    assert_true(same(&s, &kept));
    for (int rank = 0; rank < 128; rank++) { /* the byte behind the grant's time */
        again[3] = (uint8_t)rank;
        assert_int_equal(consent_unpack(again, n, &s), rank >= 1 && rank <= 5 ? 0 : WL_EINVAL);
    }
}

/* Packed as nothing packs: words that do not get weaker, or not later. */
TEST(refuses_words_out_of_order)
{
    enum { SET = 1u << CATEGORY_MARKETING, MORE = 0x40, ENDS = 0x80 };
    static const struct {
        uint8_t bytes[10];
        size_t n;
        bool good;
    } rows[] = {
        {{3, SET, 10 << 1 | 1, 3 | MORE, 20 << 1, 1}, 6, true},
        {{3, SET, 10 << 1 | 1, 3 | MORE, 20 << 1, 3}, 6, false},
        {{3, SET, 10 << 1 | 1, 1 | MORE, 20 << 1, 3}, 6, false},
        {{3, SET, 10 << 1 | 1, 3 | MORE, 10 << 1, 1}, 6, false},
        {{3, SET, 10 << 1, 3 | MORE, 10 << 1 | 1, 1}, 6, true}, /* stricter, of the same instant */
        {{3, SET, 10 << 1 | 1, 4}, 4, false},                   /* no withdrawal is better than the person's own */
        {{3, SET, 10 << 1 | 1, 3 | ENDS, 9}, 5, false},         /* nor ends by itself */
        {{3, SET, 10 << 1, 3 | ENDS, 9}, 5, true},
        {{3, SET, 10 << 1, 3 | ENDS, 0}, 5, false},
        {{3, SET, 10 << 1, 3 | MORE}, 4, false},
        {{2, SET, 10 << 1, 3 | ENDS, 9}, 5, false},
        {{4, SET, 10 << 1, 3}, 4, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct consent_state s;
        if ((consent_unpack(rows[i].bytes, rows[i].n, &s) == 0) != rows[i].good)
            fail_msg("row %zu", i);
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
      T(any_order_any_repetition), T(the_weaker_never_beats_the_withdrawal), T(contradictory_words), T(packing),
      T(one_opt_in_stays_small), T(the_evidence_of_the_grant_that_stands), T(grants_have_the_rank_their_evidence_gives),
      T(withdrawals_are_the_persons_own_words_or_somebodys), T(some_methods_are_the_gateways_own),
      T(ranks_have_the_words_of_the_fact), T(reads_states_of_before), T(refuses_words_out_of_order), T(scopes),
      T(names))
