/* SPDX-License-Identifier: Apache-2.0
 * test_monitor.c - the stop lines an operator reads, the promise behind them, and counts that cannot be. */
#include <math.h>

#include "core/monitor.h"
#include "t.h"

#define MINUTE INT64_C(60000)
#define NOW    (INT64_C(29000000) * MINUTE)

/* A sender whose baseline is calibrated: what 99.5 % of the good campaigns of population B keep to (docs/monitors.md). */
static const struct monitor_terms calibrated = {{4500, 61000, 900, 196000, 331000, 505000, 659000}, 100, 1700};

TEST(stop_lines_are_those_printed)
{
    static const struct {
        enum monitor_signal signal;
        int64_t n, line;
    } lines[] = {{SIGNAL_OPT_OUT, 100, 5},        {SIGNAL_OPT_OUT, 200, 7},    {SIGNAL_OPT_OUT, 600, 11},
                 {SIGNAL_OPT_OUT, 2000, 23},      {SIGNAL_OPT_OUT, 6000, 49},  {SIGNAL_UNDELIVERABLE, 200, 28},
                 {SIGNAL_UNDELIVERABLE, 600, 63}, {SIGNAL_COMPLAINT, 200, 5},  {SIGNAL_COMPLAINT, 2000, 10},
                 {SIGNAL_READ_240, 200, 72},      {SIGNAL_READ_240, 600, 251}, {SIGNAL_OPT_OUT, 3, 3},
                 {SIGNAL_OPT_OUT, 1, -1},         {SIGNAL_OPT_OUT, 0, -1},     {SIGNAL_OPT_OUT, -5, -1},
                 {SIGNAL_READ_240, 5, -1},        {SIGNAL_READ_15, 1000, -1}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(monitor_stop_line(&calibrated, lines[i].signal, lines[i].n), lines[i].line);
}

static int64_t line_by_trying(const struct monitor_terms *t, enum monitor_signal s, int64_t n)
{
    int64_t line = -1;
    for (int64_t k = 0; k <= n; k++) {
        struct monitor_cohort c = {.minute = NOW / MINUTE - 2000, .sent = (uint32_t)n};
        struct monitor_verdict v;
        uint32_t *count[] = {&c.opted_out, &c.undeliverable, &c.complained, &c.read_15,
                             &c.read_60,   &c.read_240,      &c.read_1440};
        *count[s] = (uint32_t)k;
        struct monitor_terms only = {.haste = t->haste};
        only.ppm[s] = t->ppm[s];
        monitor_look(&only, &c, 1, NOW, &v);
        assert_int_equal(v.reading[s].stop_line, monitor_stop_line(t, s, n));
        if (v.word != MONITOR_STOP)
            continue;
        if (s >= SIGNAL_READ_15)
            line = k;
        else
            return k;
    }
    return line;
}

TEST(the_line_is_where_the_look_stops)
{
    static const struct monitor_terms odd = {{1, 999999, 500000, 900000, 999999, 3, 950000}, 0, 0};
    static const struct monitor_terms *const all[] = {&monitor_shipped, &calibrated, &odd};
    for (size_t t = 0; t < 3; t++)
        for (unsigned s = 0; s < MONITOR_SIGNALS; s++)
            for (int64_t n = 1; n <= 400 && s != SIGNAL_READ_15; n = n * 3 / 2 + 1)
                assert_int_equal(line_by_trying(all[t], (enum monitor_signal)s, n),
                                 monitor_stop_line(all[t], (enum monitor_signal)s, n));
}

/* The expected e under the tolerated rate is 1, whatever n: the whole guarantee. */
TEST(no_bet_wins_on_average)
{
    static const struct monitor_terms terms = {{20000, 61000, 900, 196000, 331000, 505000, 659000}, 0, 1000};
    for (int64_t n = 1; n <= 300; n += 23) {
        double sum = 0, chance = (double)n * log(1 - 0.02); /* ln */
        for (int64_t k = 0; k <= n; k++) {
            struct monitor_cohort c = {.minute = NOW / MINUTE, .sent = (uint32_t)n, .opted_out = (uint32_t)k};
            struct monitor_verdict v;
            monitor_look(&terms, &c, 1, NOW, &v);
            sum += exp(chance + v.reading[SIGNAL_OPT_OUT].log_e);
            chance += log((double)(n - k) / (double)(k + 1) * 0.02 / 0.98);
        }
        assert_true(fabs(sum - 1) < 1e-6);
    }
}

static struct monitor_verdict look(const struct monitor_terms *t, const struct monitor_cohort *c, size_t n, int64_t now)
{
    struct monitor_verdict v;
    monitor_look(t, c, n, now, &v);
    return v;
}

TEST(too_many_too_soon_holds_and_the_hold_ends_by_itself)
{
    struct monitor_cohort c = {.minute = NOW / MINUTE, .sent = 600, .opted_out = 7};
    struct monitor_verdict v = look(&calibrated, &c, 1, NOW + 8 * MINUTE);
    assert_int_equal(v.word, MONITOR_HOLD);
    assert_int_equal(v.signal, SIGNAL_OPT_OUT);
    assert_true(v.reading[SIGNAL_OPT_OUT].log_fast > log(250));
    assert_true(v.reading[SIGNAL_OPT_OUT].log_e < log(10));
    c.read_15 = 200, c.read_60 = 300, c.read_240 = 400;
    assert_int_equal(look(&calibrated, &c, 1, NOW + 250 * MINUTE).word, MONITOR_GO);
    c.opted_out = 11;
    assert_int_equal(look(&calibrated, &c, 1, NOW + 250 * MINUTE).word, MONITOR_STOP);
    c.opted_out = 10; /* e is between 10 and 250: what they do is here, and only more people can tell */
    v = look(&calibrated, &c, 1, NOW + 250 * MINUTE);
    assert_true(v.reading[SIGNAL_OPT_OUT].log_e > log(10));
    assert_int_equal(v.word, MONITOR_GO);
    struct monitor_cohort next[] = {c, {.minute = NOW / MINUTE + 249, .sent = 120}};
    assert_int_equal(look(&calibrated, next, 2, NOW + 250 * MINUTE).word, MONITOR_HOLD);
}

/* One person before the line e is below 1/a, on it above: 250, 500 and 1,000. */
TEST(each_signal_stops_at_its_own_budget)
{
    static const double budget[MONITOR_SIGNALS] = {0.004, 0.002, 0.001, 1, 0.001, 0.001, 0.001};
    double nearest = INFINITY;
    for (unsigned s = 0; s < MONITOR_SIGNALS; s++)
        for (int64_t n = 100; n <= 20000 && s != SIGNAL_READ_15; n += 97) {
            int64_t line = monitor_stop_line(&calibrated, (enum monitor_signal)s, n),
                    before = s >= SIGNAL_READ_60 ? line + 1 : line - 1;
            for (int on = 0; on < 2; on++) {
                struct monitor_cohort c = {.minute = NOW / MINUTE - 2000, .sent = (uint32_t)n};
                uint32_t *count[] = {&c.opted_out, &c.undeliverable, &c.complained, &c.read_15,
                                     &c.read_60,   &c.read_240,      &c.read_1440};
                *count[s] = (uint32_t)(on ? line : before);
                double above = look(&calibrated, &c, 1, NOW).reading[s].log_e + log(budget[s]);
                assert_true(on ? above >= 0 : above < 0);
                nearest = fmin(nearest, fabs(above));
            }
        }
    assert_true(nearest < 0.01);
}

/* The quick test as it is printed, with the curve in full: people weigh by the share of their reaction that can be here. */
TEST(exposure_is_the_curve_of_the_quickest)
{
    static const double m[] = {1.5, 2, 3, 5, 8, 15};
    for (int64_t minutes = 1; minutes < 5000; minutes = minutes * 4 / 3 + 1)
        for (uint32_t haste = 1000; haste <= 4000; haste += 1500) {
            struct monitor_terms t = calibrated;
            t.haste = haste;
            struct monitor_cohort c = {.minute = NOW / MINUTE - minutes,
                                       .sent = 1000,
                                       .opted_out = 12,
                                       .complained = 3};
            double at = (double)minutes * haste / 1000, e = 0;
            double share = 0.175 * erfc(-log(at / 5) * M_SQRT1_2) + 0.325 * erfc(-log(at / 120) / 1.3 * M_SQRT1_2);
            for (size_t i = 0; i < 6; i++)
                e += pow(m[i], 12) * exp(-(m[i] - 1) * 1000 * 0.0045 * share) / 6;
            struct monitor_verdict v = look(&t, &c, 1, NOW);
            assert_true(fabs(v.reading[SIGNAL_OPT_OUT].log_fast - log(e)) < 0.25);
            assert_true(isfinite(v.reading[SIGNAL_COMPLAINT].log_fast));
            assert_false(isfinite(v.reading[SIGNAL_UNDELIVERABLE].log_fast));
        }
}

TEST(ten_to_one_holds_and_nine_does_not)
{
    int holds = 0, goes = 0;
    for (uint32_t n = 20; n < 4000; n += 7)
        for (uint32_t k = 1; k < 400; k++) {
            struct monitor_cohort c = {.minute = NOW / MINUTE, .sent = n, .undeliverable = k};
            struct monitor_verdict v = look(&calibrated, &c, 1, NOW);
            double e = exp(v.reading[SIGNAL_UNDELIVERABLE].log_e);
            if (v.word == MONITOR_STOP)
                break;
            assert_int_equal(v.word, e >= 10 ? MONITOR_HOLD : MONITOR_GO);
            holds += e < 11 && v.word == MONITOR_HOLD;
            goes += e > 9 && v.word == MONITOR_GO;
        }
    assert_true(holds > 10 && goes > 10);
}

TEST(undeliverable_messages_are_waited_for_five_minutes)
{
    struct monitor_cohort c = {.minute = NOW / MINUTE, .sent = 200, .undeliverable = 23};
    assert_int_equal(look(&calibrated, &c, 1, NOW + 6 * MINUTE - 1).word, MONITOR_HOLD);
    assert_int_equal(look(&calibrated, &c, 1, NOW + 6 * MINUTE).word, MONITOR_GO);
}

/* What a signal waits for is the next one that is watched. */
TEST(a_reading_waits_for_the_next_that_is_watched)
{
    struct monitor_terms t = calibrated;
    struct monitor_cohort c = {.minute = NOW / MINUTE, .sent = 200, .read_15 = 20, .read_60 = 75, .read_240 = 120};
    t.ppm[SIGNAL_READ_60] = 0;
    assert_int_equal(look(&calibrated, &c, 1, NOW + 60 * MINUTE).word, MONITOR_HOLD);
    assert_int_equal(look(&calibrated, &c, 1, NOW + 61 * MINUTE).word, MONITOR_GO);
    assert_int_equal(look(&t, &c, 1, NOW + 240 * MINUTE).word, MONITOR_HOLD);
    assert_int_equal(look(&t, &c, 1, NOW + 241 * MINUTE).word, MONITOR_GO);
    memset(&t.ppm[SIGNAL_READ_60], 0, 3 * sizeof t.ppm[0]); /* there is none: for the rest of those who were sent to */
    assert_int_equal(look(&t, &c, 1, NOW + 61 * MINUTE).word, MONITOR_GO);
    struct monitor_cohort more[] = {c, {.minute = NOW / MINUTE + 50, .sent = 200}};
    assert_int_equal(look(&t, more, 2, NOW + 61 * MINUTE).word, MONITOR_HOLD);
}

/* Nobody waits for it any more, but that it was too much too soon is what is said of it. */
TEST(what_tripped_is_what_is_named)
{
    struct monitor_terms t = calibrated;
    bool seen = false;
    t.haste = 1;
    for (int64_t age = 1; age < 600; age++) {
        struct monitor_cohort c = {.minute = NOW / MINUTE,
                                   .sent = 600,
                                   .complained = 4,
                                   .undeliverable = 61,
                                   .read_15 = 200,
                                   .read_60 = 300,
                                   .read_240 = 400};
        struct monitor_verdict v = look(&t, &c, 1, NOW + age * MINUTE);
        assert_true(v.tripped);
        assert_int_equal(v.signal, SIGNAL_COMPLAINT);
        seen |= v.word == MONITOR_GO;
    }
    assert_true(seen);
}

TEST(readings_count_at_their_age_only)
{
    struct monitor_cohort c = {.minute = NOW / MINUTE, .sent = 200};
    assert_int_equal(look(&calibrated, &c, 1, NOW + 16 * MINUTE - 1).word, MONITOR_GO);
    struct monitor_verdict v = look(&calibrated, &c, 1, NOW + 16 * MINUTE);
    assert_int_equal(v.word, MONITOR_HOLD);
    assert_int_equal(v.signal, SIGNAL_READ_15);
    assert_int_equal(v.reading[SIGNAL_READ_60].n, 0);
    v = look(&calibrated, &c, 1, NOW + 61 * MINUTE);
    assert_int_equal(v.word, MONITOR_STOP);
    assert_int_equal(v.signal, SIGNAL_READ_60);
    c.read_60 = 80, c.read_240 = 120; /* late readers: at 15 minutes nobody, at an hour enough */
    assert_int_equal(look(&calibrated, &c, 1, NOW + 61 * MINUTE).word, MONITOR_GO);
}

TEST(people_without_receipts_belong_to_the_baseline)
{
    struct monitor_cohort c = {.minute = NOW / MINUTE - 2000,
                               .sent = 20000,
                               .read_15 = 4900,
                               .read_60 = 8000,
                               .read_240 = 12000,
                               .read_1440 = 14600};
    assert_int_equal(look(&monitor_shipped, &c, 1, NOW).word, MONITOR_GO);
    uint32_t *const read[] = {&c.read_15, &c.read_60, &c.read_240, &c.read_1440};
    for (size_t i = 0; i < 4; i++) /* a fifth of the readers is invisible: the shipped terms still hold */
        *read[i] = *read[i] * 8 / 10;
    assert_int_equal(look(&monitor_shipped, &c, 1, NOW).word, MONITOR_GO);
    assert_int_equal(look(&calibrated, &c, 1, NOW).word, MONITOR_STOP); /* those of somebody else's people do not */
    struct monitor_terms none = calibrated;
    memset(&none.ppm[SIGNAL_READ_15], 0, 4 * sizeof none.ppm[0]);
    assert_int_equal(look(&none, &c, 1, NOW).word, MONITOR_GO); /* no readings are expected: none are judged */
    assert_int_equal(look(&none, &c, 1, NOW).reading[SIGNAL_READ_240].stop_line, -1);
}

/* Up to a quarter of a country's marketing is held back by Meta: they did not read because there was nothing to read. */
TEST(whom_meta_left_out_counts_nowhere)
{
    struct monitor_cohort c = {
        .minute = NOW / MINUTE - 300, .sent = 2000, .read_15 = 400, .read_60 = 660, .read_240 = 890, .opted_out = 6};
    assert_int_equal(look(&calibrated, &c, 1, NOW).word, MONITOR_STOP);
    c.left_out = 500;
    struct monitor_verdict v = look(&calibrated, &c, 1, NOW);
    assert_int_equal(v.word, MONITOR_GO);
    assert_int_equal(v.reading[SIGNAL_READ_240].n, 1500);
    assert_int_equal(v.reading[SIGNAL_OPT_OUT].n, 1500);
    c.left_out = 3000; /* more than there were */
    assert_int_equal(look(&calibrated, &c, 1, NOW).reading[SIGNAL_OPT_OUT].n, 0);
    assert_int_equal(look(&calibrated, &c, 1, NOW).word, MONITOR_GO);
}

TEST(counts_that_cannot_be_do_no_harm)
{
    struct monitor_cohort more = {.minute = NOW / MINUTE, .sent = 4, .opted_out = 9, .undeliverable = 900};
    struct monitor_verdict v = look(&calibrated, &more, 1, NOW);
    assert_int_equal(v.reading[SIGNAL_OPT_OUT].k, 4);
    assert_int_equal(v.reading[SIGNAL_UNDELIVERABLE].k, 4);
    assert_int_equal(v.word, MONITOR_STOP);
    struct monitor_cohort odd[] = {{.minute = INT64_MAX, .sent = 10},
                                   {.minute = INT64_MIN, .sent = 10, .read_15 = 10},
                                   {.minute = NOW / MINUTE + 500, .sent = 10, .read_1440 = 3}};
    v = look(&calibrated, odd, 3, NOW);
    assert_int_equal(v.reading[SIGNAL_OPT_OUT].n, 30);
    assert_int_equal(v.reading[SIGNAL_READ_15].n, 10); /* of a minute that is yet to come nobody is old enough */
    struct monitor_cohort twice[] = {{.minute = NOW / MINUTE - 9, .sent = 100, .opted_out = 3},
                                     {.minute = NOW / MINUTE - 9, .sent = 100, .opted_out = 4}};
    assert_int_equal(look(&calibrated, twice, 2, NOW).word, MONITOR_STOP);
    assert_int_equal(look(&calibrated, NULL, 0, NOW).word, MONITOR_GO);
    assert_int_equal(look(&calibrated, twice, 2, -1).reading[SIGNAL_OPT_OUT].n, 200);
}

TEST(twenty_million_people_fit)
{
    struct monitor_cohort c = {.minute = NOW / MINUTE - 5000,
                               .sent = 20000000,
                               .opted_out = 40000,
                               .undeliverable = 600000,
                               .complained = 6000,
                               .read_15 = 5000000,
                               .read_60 = 8000000,
                               .read_240 = 12100000,
                               .read_1440 = 14700000};
    struct monitor_verdict v = look(&calibrated, &c, 1, NOW);
    assert_int_equal(v.word, MONITOR_GO);
    assert_true(v.reading[SIGNAL_OPT_OUT].stop_line > 110000 && v.reading[SIGNAL_OPT_OUT].stop_line < 112000);
    c.opted_out = 20000000, c.read_240 = 0;
    v = look(&calibrated, &c, 1, NOW);
    assert_int_equal(v.word, MONITOR_STOP);
    assert_int_equal(v.signal, SIGNAL_OPT_OUT);
    assert_true(isfinite(v.reading[SIGNAL_OPT_OUT].log_e) && isfinite(v.reading[SIGNAL_OPT_OUT].log_fast));
    assert_int_equal(monitor_stop_line(&calibrated, SIGNAL_OPT_OUT, INT64_MAX / 2) > 0, 1);
}

TEST(it_says_what_anybody_can_check)
{
    struct monitor_cohort c = {
        .minute = NOW / MINUTE - 300, .sent = 200, .opted_out = 7, .read_15 = 50, .read_60 = 80, .read_240 = 120};
    struct buf out;
    buf_init(&out, 1000);
    struct monitor_verdict v = look(&calibrated, &c, 1, NOW);
    monitor_say(&calibrated, &v, &out);
    assert_str(buf_str(&out), "7 of 200 opted out; 0.45 % are tolerated, and 7 stop it");
    c.opted_out = 0, c.read_240 = 60;
    v = look(&calibrated, &c, 1, NOW);
    buf_clear(&out);
    monitor_say(&calibrated, &v, &out);
    assert_str(buf_str(&out),
               "60 of 200 had read it within 4 h; 50.5 % are expected at least, and 72 or fewer stop it");
    c = (struct monitor_cohort){.minute = NOW / MINUTE, .sent = 600, .opted_out = 7};
    v = look(&calibrated, &c, 1, NOW + 8 * MINUTE);
    buf_clear(&out);
    monitor_say(&calibrated, &v, &out);
    assert_str(
        buf_str(&out),
        "7 of 600 opted out; 0.45 % are tolerated, and 11 stop it; these are too many so soon, and waiting will tell");
    assert_true(v.tripped);
    c = (struct monitor_cohort){.minute = NOW / MINUTE, .sent = 200};
    v = look(&calibrated, &c, 1, NOW + 16 * MINUTE);
    buf_clear(&out);
    monitor_say(&calibrated, &v, &out);
    assert_str(
        buf_str(&out),
        "0 of 200 had read it within 15 min; 19.6 % are expected at least; that is unusual, and waiting will tell");
    assert_false(v.tripped); /* this age only holds */
    v = look(&calibrated, &c, 0, NOW);
    buf_clear(&out);
    monitor_say(&calibrated, &v, &out);
    assert_str(buf_str(&out), "nobody counts yet");
    buf_done(&out);
}

TEST(terms_survive_as_text)
{
    struct json_parser *p = json_parser_create();
    struct json_out out;
    struct buf b;
    struct json v;
    struct err e = {0};
    struct monitor_terms back;
    buf_init(&b, 1000);
    json_out_init(&out, &b);
    monitor_terms_write(&calibrated, &out);
    assert_ok(json_parse(p, buf_str(&b), false, &v, &e), e);
    assert_ok(monitor_terms_read(v, &back, &e), e);
    assert_memory_equal(&back, &calibrated, sizeof back);
    assert_ok(json_parse(p, STR("{\"ppm\":{\"opt_out\":1000}}"), false, &v, &e), e);
    assert_ok(monitor_terms_read(v, &back, &e), e);
    assert_int_equal(back.ppm[SIGNAL_OPT_OUT], 1000);
    assert_int_equal(back.ppm[SIGNAL_READ_240], monitor_shipped.ppm[SIGNAL_READ_240]);
    static const char *const wrong[] = {"[]", "{\"ppm\":{\"complaint\":1000001}}", "{\"ppm\":{\"read_1h\":\"1\"}}",
                                        "{\"haste\":-1}", "{\"learned_from\":0.5}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_ok(json_parse(p, str_of(wrong[i]), false, &v, &e), e);
        assert_int_equal(monitor_terms_read(v, &back, &e), WL_EINVAL);
    }
    buf_done(&b);
    json_parser_free(p);
}

TESTS(T(stop_lines_are_those_printed), T(the_line_is_where_the_look_stops), T(no_bet_wins_on_average),
      T(too_many_too_soon_holds_and_the_hold_ends_by_itself), T(each_signal_stops_at_its_own_budget),
      T(exposure_is_the_curve_of_the_quickest), T(ten_to_one_holds_and_nine_does_not),
      T(undeliverable_messages_are_waited_for_five_minutes), T(a_reading_waits_for_the_next_that_is_watched),
      T(what_tripped_is_what_is_named), T(readings_count_at_their_age_only),
      T(people_without_receipts_belong_to_the_baseline), T(whom_meta_left_out_counts_nowhere),
      T(counts_that_cannot_be_do_no_harm), T(twenty_million_people_fit), T(it_says_what_anybody_can_check),
      T(terms_survive_as_text))
