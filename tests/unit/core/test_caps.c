/* SPDX-License-Identifier: Apache-2.0
 * test_caps.c - the ring keeps the newest times whatever the clock does, a cap decided with it is never exceeded, and
 * its packed form is small, exact and refuses damage. The checkers know nothing of the ring: they look at every
 * message that was let through. */
#include "core/caps.h"

#include "rules_fixture.h"

#define DAY (24 * HOUR)

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return next_random(seed) % n;
}

/* ---- the ring ---- */

TEST(newest_first_whole_seconds_rounded_up)
{
    struct caps c = {0};
    caps_sent(&c, 5001, NULL);
    caps_sent(&c, 9000, NULL);
    caps_sent(&c, 7999, NULL); /* the clock went back */
    assert_int_equal(c.n, 3);
    assert_int_equal(c.sent[0], 9000);
    assert_int_equal(c.sent[1], 8000);
    assert_int_equal(c.sent[2], 6000);
    caps_sent(&c, 0, NULL); /* 0 is "never": it counts all the same */
    caps_sent(&c, INT64_MAX, NULL);
    assert_int_equal(c.sent[0], 253402300799000);
    assert_int_equal(c.sent[4], 1000);
}

TEST(keeps_the_newest_sixteen)
{
    uint64_t seed = 11;
    for (int round = 0; round < 2000; round++) {
        struct caps c = {0};
        int64_t all[40];
        size_t n = below(&seed, 40);
        for (size_t i = 0; i < n; i++) {
            int64_t at = (int64_t)(1 + below(&seed, 30)) * 1000;
            caps_sent(&c, at, NULL);
            size_t k = i;
            for (; k > 0 && all[k - 1] < at; k--)
                all[k] = all[k - 1];
            all[k] = at;
        }
        assert_int_equal(c.n, n < CAPS_RING ? n : CAPS_RING);
        for (size_t i = 0; i < c.n; i++)
            assert_int_equal(c.sent[i], all[i]);
    }
}

static struct content_sent content(uint32_t skeleton, uint32_t values)
{
    return (struct content_sent){.skeleton = skeleton, .values = values, .share = 700};
}

TEST(contents_are_the_newest_different_ones)
{
    struct caps c = {0};
    for (uint32_t i = 1; i <= 7; i++) {
        struct content_sent s = content(i, 0);
        caps_sent(&c, i * 1000, &s);
    }
    assert_int_equal(c.n_contents, CAPS_CONTENTS);
    for (uint32_t i = 0; i < CAPS_CONTENTS; i++)
        assert_int_equal(c.content[i].skeleton, 7 - i);
    struct content_sent again = content(4, 0), other = content(4, 9), old = content(6, 0);
    caps_sent(&c, 9000, &again); /* takes its own place: 4 7 6 5 3 */
    assert_int_equal(c.n_contents, CAPS_CONTENTS);
    assert_int_equal(c.content[0].skeleton, 4);
    assert_int_equal(c.content[0].at, 9000);
    assert_int_equal(c.content[3].skeleton, 5);
    assert_int_equal(c.content[4].skeleton, 3);
    caps_sent(&c, 8000, &other); /* other values are another content: 4 4' 7 6 5 */
    assert_int_equal(c.content[1].values, 9);
    assert_int_equal(c.content[4].skeleton, 5);
    caps_sent(&c, 1500, &old); /* an older time does not make it older */
    assert_int_equal(c.content[3].skeleton, 6);
    assert_int_equal(c.content[3].at, 6000);
}

TEST(merging_is_having_got_both)
{
    uint64_t seed = 5;
    for (int round = 0; round < 3000; round++) {
        struct caps a = {0}, b = {0}, both = {0}, ab, ba;
        size_t n = below(&seed, 24);
        for (size_t i = 0; i < n; i++) {
            int64_t at = (int64_t)(1 + below(&seed, 100)) * 1000;
            struct content_sent s = content((uint32_t)below(&seed, 3), (uint32_t)at); /* a content a time: no ties */
            caps_sent(below(&seed, 2) ? &a : &b, at, &s);
            caps_sent(&both, at, &s);
        }
        a.engagement_at = (int64_t)below(&seed, 3) * 1000;
        b.engagement_at = (int64_t)below(&seed, 3) * 1000;
        b.experiment_at = 4000;
        both.engagement_at = a.engagement_at > b.engagement_at ? a.engagement_at : b.engagement_at;
        both.experiment_at = 4000;
        ab = a;
        caps_merge(&ab, &b);
        ba = b;
        caps_merge(&ba, &a);
        assert_int_equal(ab.n, both.n);
        assert_memory_equal(ab.sent, both.sent, sizeof ab.sent);
        assert_memory_equal(ba.sent, both.sent, sizeof ab.sent);
        assert_int_equal(ab.engagement_at, both.engagement_at);
        assert_int_equal(ab.experiment_at, both.experiment_at);
        assert_int_equal(ab.n_contents, both.n_contents);
        for (size_t i = 0; i < ab.n_contents; i++) {
            assert_int_equal(ab.content[i].at, both.content[i].at);
            assert_int_equal(ba.content[i].at, both.content[i].at);
        }
    }
}

/* ---- what reached nobody ---- */

#define HISTORY 60

/* Every message, and whether it counts still. */
struct history {
    int64_t at[HISTORY];
    bool unsent[HISTORY];
    size_t n, given_back;
};

/* What still counts, newest first. */
static size_t remaining(const struct history *h, int64_t out[HISTORY])
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        size_t k = n;
        if (h->unsent[i])
            continue;
        for (; k > 0 && out[k - 1] < h->at[i]; k--)
            out[k] = out[k - 1];
        out[k] = h->at[i];
        n++;
    }
    return n;
}

/* The ring is that of the messages that remained; once full it is never short of them. */
static void check_remaining(const struct caps *c, const struct history *h)
{
    int64_t left[HISTORY];
    size_t n = remaining(h, left), exact = h->given_back < CAPS_RING ? CAPS_RING - h->given_back : 0;
    if (h->n <= CAPS_RING - 1)
        assert_int_equal(c->n, n);
    for (size_t k = 0; k < CAPS_RING; k++) {
        int64_t truth = k < n ? left[k] : 0, kept = k < c->n ? c->sent[k] : 0;
        if (kept < truth || ((h->n <= CAPS_RING - 1 || (k < exact && k < n)) && kept != truth))
            fail_msg("place %zu of %zu messages, %zu given back: kept %lld, truly %lld", k, h->n, h->given_back,
                     (long long)kept, (long long)truth);
    }
}

TEST(what_reached_nobody_is_as_if_it_had_never_been)
{
    uint64_t seed = 20261123;
    for (int round = 0; round < 4000; round++) {
        struct caps c = {0};
        struct history h = {.n = 0};
        size_t most = below(&seed, 3) ? CAPS_RING - 1 : HISTORY;
        int64_t span = (int64_t)(1 + below(&seed, 40));
        while (h.n < most) {
            size_t i = h.n == 0 ? 0 : below(&seed, h.n);
            if (h.n > 0 && below(&seed, 3) == 0 && !h.unsent[i]) {
                bool gone = caps_unsent(&c, h.at[i], 0);
                h.given_back += gone;
                h.unsent[i] = gone || h.n < CAPS_RING; /* a small ring gives back always */
                assert_true(gone || h.n >= CAPS_RING);
            } else {
                h.at[h.n] = (int64_t)(1 + below(&seed, (uint64_t)span)) * 1000;
                caps_sent(&c, h.at[h.n++], NULL);
            }
            check_remaining(&c, &h);
            uint8_t packed[CAPS_PACKED_MAX];
            size_t size = caps_pack(&c, packed);
            assert_int_equal(caps_unpack(packed, size, &c), 0);
        }
        assert_false(caps_unsent(&c, (span + 1) * 1000, 0)); /* nobody's */
    }
}

TEST(of_two_in_one_second_one_goes)
{
    struct caps c = {0};
    caps_sent(&c, 5001, NULL);
    caps_sent(&c, 5999, NULL);
    assert_true(caps_unsent(&c, 5400, 0));
    assert_true(c.n == 1 && c.sent[0] == 6000 && c.sent[1] == 0);
    assert_true(caps_unsent(&c, 5999, 0));
    assert_false(caps_unsent(&c, 5001, 0));
    assert_int_equal(c.n, 0);
    assert_false(caps_unsent(&c, 0, 0));
}

TEST(a_content_nobody_heard_may_be_said_again)
{
    struct caps c = {0};
    struct content_sent a = content(1, 1), b = content(2, 2);
    caps_sent(&c, 1000, &a);
    caps_sent(&c, 5000, &b);
    caps_sent(&c, 9000, &a); /* again, a while later */
    assert_true(caps_unsent(&c, 9000, 1000));
    assert_int_equal(c.n_contents, 2);
    assert_true(c.content[0].skeleton == 2 && c.content[1].skeleton == 1 && c.content[1].at == 1000);
    assert_true(caps_unsent(&c, 1000, 0));
    assert_true(c.n_contents == 1 && c.content[0].skeleton == 2 && c.content[1].at == 0);
    caps_sent(&c, 5000, &a); /* both in one second: whose it was is not known until the last is gone */
    assert_true(caps_unsent(&c, 5000, 0));
    assert_int_equal(c.n_contents, 2);
    assert_true(caps_unsent(&c, 5000, 0));
    assert_int_equal(c.n_contents, 0);
    caps_sent(&c, 7000, &a);
    assert_true(caps_unsent(&c, 7000, 6001)); /* the same was said in that second: it stays said */
    assert_true(c.n_contents == 1 && c.content[0].at == 7000);
}

TEST(facts_of_the_ring)
{
    struct facts f = {0};
    struct caps c = {.engagement_at = 7000};
    caps_sent(&c, 3000, NULL);
    caps_sent(&c, 4000, NULL);
    caps_facts(&c, &f);
    assert_int_equal(f.value[FACT_MARKETING_SENT_1], 4000);
    assert_int_equal(f.value[FACT_MARKETING_SENT_2], 3000);
    for (int i = FACT_MARKETING_SENT_1; i <= FACT_MARKETING_SENT_16; i++)
        assert_true(f.known[i] && (i < FACT_MARKETING_SENT_3 || f.value[i] == 0));
    assert_int_equal(f.value[FACT_RECIPIENT_ENGAGEMENT_AT], 7000);
    assert_true(f.known[FACT_RECIPIENT_EXPERIMENT_AT] && f.value[FACT_RECIPIENT_EXPERIMENT_AT] == 0);
}

/* ---- the cap ---- */

/* The rule "{fact: marketing.sent.n, newer_than: W}" does not fire. */
static bool let_through(const struct caps *c, int n, int64_t w, int64_t now)
{
    struct facts f = {0};
    caps_facts(c, &f);
    int64_t sent = f.value[FACT_MARKETING_SENT_1 + n - 1];
    return sent == 0 || sent <= now - w;
}

/* A clock that mostly follows the truth and sometimes jumps by up to `most`. */
struct clock {
    int64_t truth, reading, gained; /* gained: sum of its jumps ahead */
};

static void pass(struct clock *k, uint64_t *seed, int64_t w, int64_t most)
{
    int64_t step = (int64_t)below(seed, (uint64_t)w / 2 + 1);
    k->truth += step;
    k->reading += step;
    if (most == 0 || below(seed, 6) != 0)
        return;
    int64_t jump = (int64_t)below(seed, 2 * (uint64_t)most + 1) - most;
    k->reading += jump;
    k->gained += jump > 0 ? jump : 0;
}

#define MESSAGES 300

/* No stretch of length w of these readings, in whatever order they came, holds more than n. */
static void check_readings(const int64_t *reading, size_t count, int n, int64_t w)
{
    for (size_t i = 0; i < count; i++) {
        int in = 0;
        for (size_t k = 0; k < count; k++)
            in += reading[k] > reading[i] - w && reading[k] <= reading[i];
        if (in > n)
            fail_msg("%d messages within %lld ms before the clock's %lld, at most %d", in, (long long)w,
                     (long long)reading[i], n);
    }
}

/* Any n + 1 messages in a row took at least w of real time, less what the clock gained in between. */
static void check_truth(const struct clock *at, size_t count, int n, int64_t w)
{
    for (size_t i = (size_t)n; i < count; i++) {
        const struct clock *first = &at[i - (size_t)n], *last = &at[i];
        int64_t took = last->truth - first->truth, gained = last->gained - first->gained;
        if (took + gained < w)
            fail_msg("%d messages in %lld ms, the clock gained %lld, at most %d in %lld", n + 1, (long long)took,
                     (long long)gained, n, (long long)w);
    }
}

/* steady: what the gateway passes, the greatest reading so far; otherwise the clock as it comes. */
static size_t one_history(uint64_t *seed, bool steady, int64_t most)
{
    struct caps c = {0};
    struct clock k = {.truth = NOW, .reading = NOW}, at[MESSAGES];
    int64_t reading[MESSAGES], seen = 0;
    int n = (int)(1 + below(seed, CAPS_RING));
    int64_t w = (int64_t)(1 + below(seed, 5)) * 60000;
    size_t count = 0;
    for (int i = 0; i < MESSAGES; i++) {
        pass(&k, seed, w, most);
        seen = k.reading > seen ? k.reading : seen;
        int64_t now = steady ? seen : k.reading;
        if (!let_through(&c, n, w, now))
            continue;
        caps_sent(&c, now, NULL);
        uint8_t packed[CAPS_PACKED_MAX]; /* as it comes from the row the next time */
        size_t size = caps_pack(&c, packed);
        assert_int_equal(caps_unpack(packed, size, &c), 0);
        reading[count] = now;
        at[count++] = k;
    }
    check_readings(reading, count, n, w);
    if (steady || most == 0)
        check_truth(at, count, n, w);
    return count;
}

TEST(a_cap_is_never_exceeded)
{
    uint64_t seed = 20261122;
    size_t sent = 0;
    for (int round = 0; round < 600; round++) {
        sent += one_history(&seed, true, 0);
        sent += one_history(&seed, true, 200000);
        sent += one_history(&seed, false, 200000);
    }
    assert_true(sent > 100000); /* else nothing was tested */
}

/* Whatever is given back, and whoever was let through past the cap before: where the rule is silent, fewer than n of the
 * messages that counted lie in the time. */
TEST(giving_back_never_lets_one_too_many_through)
{
    uint64_t seed = 20261124;
    size_t let = 0, back = 0;
    for (int round = 0; round < 20000; round++) {
        struct caps c = {0};
        struct history h = {.n = 0};
        int64_t now = NOW;
        int n = (int)(1 + below(&seed, CAPS_RING));
        int64_t w = (int64_t)(1 + below(&seed, 5)) * 60000;
        while (h.n < HISTORY) {
            now += (int64_t)below(&seed, (uint64_t)w / 8);
            size_t i = h.n == 0 ? 0 : h.n - 1 - below(&seed, h.n < 4 ? h.n : 4), in = 0;
            if (h.n > 0 && !h.unsent[i] && below(&seed, 3) == 0) {
                h.unsent[i] = true;
                back += caps_unsent(&c, h.at[i], 0);
            }
            for (size_t k = 0; k < h.n; k++)
                in += !h.unsent[k] && h.at[k] > now - w;
            bool allowed = let_through(&c, n, w, now);
            if (allowed && in >= (size_t)n)
                fail_msg("%zu within the time, the next was let through, at most %d", in, n);
            if (!allowed && below(&seed, 4) != 0)
                continue;
            let += allowed;
            h.at[h.n++] = now;
            caps_sent(&c, now, NULL);
        }
    }
    assert_true(let > 100000 && back > 50000);
}

TEST(a_cap_is_not_too_strict_either)
{
    struct caps c = {0};
    for (int day = 0; day < 30; day++) { /* two a day, at the second */
        assert_true(let_through(&c, 2, DAY, NOW + day * DAY));
        caps_sent(&c, NOW + day * DAY, NULL);
        assert_true(let_through(&c, 2, DAY, NOW + day * DAY + 500));
        caps_sent(&c, NOW + day * DAY, NULL);
        assert_false(let_through(&c, 2, DAY, NOW + (day + 1) * DAY - 1));
    }
}

/* ---- packed ---- */

static bool same(const struct caps *a, const struct caps *b)
{
    bool ok = a->n == b->n && a->n_contents == b->n_contents && a->engagement_at == b->engagement_at &&
              a->experiment_at == b->experiment_at;
    for (size_t i = 0; ok && i < a->n; i++)
        ok = a->sent[i] == b->sent[i];
    for (size_t i = 0; ok && i < a->n_contents; i++)
        ok = a->content[i].skeleton == b->content[i].skeleton && a->content[i].values == b->content[i].values &&
             a->content[i].share == b->content[i].share && a->content[i].at == b->content[i].at;
    return ok;
}

static struct caps random_caps(uint64_t *seed, size_t messages, uint64_t apart)
{
    struct caps c = {0};
    int64_t at = NOW;
    for (size_t i = 0; i < messages; i++) {
        struct content_sent s = {.skeleton = (uint32_t)below(seed, 500),
                                 .values = (uint32_t)next_random(seed),
                                 .share = (uint16_t)below(seed, 1001)};
        at += (int64_t)below(seed, apart);
        caps_sent(&c, at, below(seed, 3) ? &s : NULL);
    }
    c.engagement_at = below(seed, 2) ? NOW / 1000 * 1000 : 0;
    c.experiment_at = below(seed, 2) ? NOW / 1000 * 1000 + 1000 : 0;
    return c;
}

TEST(packing_is_exact_and_refuses_damage)
{
    uint64_t seed = 77;
    uint8_t packed[CAPS_PACKED_MAX + 1];
    struct caps zero = {0}, got = random_caps(&seed, 3, 1000);
    assert_int_equal(caps_pack(&zero, packed), 0);
    assert_int_equal(caps_unpack(packed, 0, &got), 0);
    assert_true(same(&got, &zero));
    for (int round = 0; round < 2000; round++) {
        struct caps c = random_caps(&seed, below(&seed, 25), 1 + below(&seed, 40 * DAY));
        size_t n = caps_pack(&c, packed);
        assert_int_equal(caps_unpack(packed, n, &got), 0);
        assert_true(same(&got, &c));
        for (size_t cut = 1; cut < n; cut++) {
            struct caps kept = c;
            assert_int_equal(caps_unpack(packed, cut, &kept), WL_EINVAL);
            assert_true(same(&kept, &c));
        }
        packed[n] = 0;
        if (n > 0)
            assert_int_equal(caps_unpack(packed, n + 1, &got), WL_EINVAL);
    }
    for (int round = 0; round < 200000; round++) { /* noise: refused, or read as something that packs the same again */
        size_t n = below(&seed, 40);
        uint8_t again[CAPS_PACKED_MAX];
        for (size_t i = 0; i < n; i++)
            packed[i] = (uint8_t)(below(&seed, 3) ? below(&seed, 20) : next_random(&seed));
        if (n > 0)
            packed[0] = 1;
        if (caps_unpack(packed, n, &got) != 0)
            continue;
        assert_int_equal(caps_pack(&got, again), n);
        assert_memory_equal(again, packed, n);
    }
}

TEST(the_packed_form_is_small)
{
    uint64_t seed = 3;
    uint8_t packed[CAPS_PACKED_MAX];
    struct content_sent s = {.skeleton = 40, .values = 0xdeadbeef, .share = 800};
    struct caps one = {0}, week = {0},
                worst = {.n = CAPS_RING, .n_contents = CAPS_CONTENTS, .engagement_at = NOW, .experiment_at = NOW};
    caps_sent(&one, NOW, &s);
    assert_true(caps_pack(&one, packed) <= 24);
    for (int i = 0; i < 8; i++) { /* two a week for a month, each another content */
        s.skeleton++;
        caps_sent(&week, NOW + i * 3 * DAY + (int64_t)below(&seed, DAY), &s);
    }
    assert_true(caps_pack(&week, packed) <= 96);
    for (int64_t i = 0; i < CAPS_RING; i++) /* centuries apart: contents give way, times do not */
        worst.sent[i] = (253402300799 - i * 15000000000) * 1000;
    for (int64_t i = 0; i < CAPS_CONTENTS; i++)
        worst.content[i] = (struct content_sent){UINT32_MAX, UINT32_MAX, 1000, (253402300799 - i * 40000000000) * 1000};
    size_t n = caps_pack(&worst, packed);
    struct caps got;
    assert_true(n <= CAPS_PACKED_MAX);
    assert_int_equal(caps_unpack(packed, n, &got), 0);
    assert_int_equal(got.n, CAPS_RING);
    assert_memory_equal(got.sent, worst.sent, sizeof got.sent);
    assert_true(got.n_contents >= 2 && got.n_contents < CAPS_CONTENTS);
}

TESTS(T(newest_first_whole_seconds_rounded_up), T(keeps_the_newest_sixteen), T(contents_are_the_newest_different_ones),
      T(merging_is_having_got_both), T(what_reached_nobody_is_as_if_it_had_never_been),
      T(of_two_in_one_second_one_goes), T(a_content_nobody_heard_may_be_said_again),
      T(giving_back_never_lets_one_too_many_through), T(facts_of_the_ring), T(a_cap_is_never_exceeded),
      T(a_cap_is_not_too_strict_either), T(packing_is_exact_and_refuses_damage), T(the_packed_form_is_small))
