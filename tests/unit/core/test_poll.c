/* SPDX-License-Identifier: Apache-2.0
 * test_poll.c - when numbers and accounts are read again.
 *
 * What would hurt: a burst at Meta's door, a token shown again and again after it was refused, one number's failure that
 * stops the others, a limit of the whole app that is asked about a hundred times, a change that is never looked at. */
#include "core/poll.h"

#include "t.h"

#define MINUTE 60000
#define HOUR   (60 * MINUTE)
#define NUMBER POLL_NUMBER, 1
#define OTHER  POLL_NUMBER, 2

static const struct poll_target pair[] = {{POLL_NUMBER, 1, 100, 7}, {POLL_NUMBER, 2, 200, 7}};
static const struct poll_answer read_well = {.end = POLL_READ, .app_percent = -1, .account_percent = -1};

static struct poll_answer bad(enum poll_end end)
{
    return (struct poll_answer){.end = end, .app_percent = -1, .account_percent = -1};
}

static struct poll *two(int64_t mono)
{
    struct poll *p = poll_create(&poll_usual, 8, 1);
    poll_set(p, pair, 2, mono);
    return p;
}

/* Begins whatever is due at the time and answers it; returns how many. Time goes on by the gap. */
static unsigned read_due(struct poll *p, int64_t *mono, const struct poll_answer *answer)
{
    unsigned n = 0;
    struct poll_target t;
    int64_t wake;
    for (;;) {
        if (poll_next(p, *mono, &t, &wake)) {
            poll_ended(p, t.kind, t.id, answer, *mono);
            n++;
        } else if (wake > *mono + poll_usual.gap_ms) {
            return n;
        }
        *mono += poll_usual.gap_ms;
    }
}

static int64_t next_due(struct poll *p, enum poll_kind kind, int64_t id, int64_t mono)
{
    struct poll_state s;
    assert_true(poll_look(p, kind, id, mono, &s));
    return s.due;
}

TEST(an_answer_means)
{
    static const struct {
        int status, code;
        enum poll_end end;
    } rows[] = {
        {0, 0, POLL_SILENT},
        {401, 190, POLL_TOKEN},
        {400, 190, POLL_TOKEN},
        {401, 0, POLL_TOKEN},
        {400, 4, POLL_FULL_APP},
        {429, 4, POLL_FULL_APP},
        {429, 17, POLL_FULL_APP},
        {429, 0, POLL_FULL_APP},
        {400, 80007, POLL_FULL_ACCOUNT},
        {429, 80008, POLL_FULL_ACCOUNT},
        {400, 130429, POLL_FULL_ACCOUNT},
        {500, 0, POLL_FAILED},
        {503, 2, POLL_FAILED},
        {400, 1, POLL_FAILED},
        {500, 3, POLL_DENIED},
        {403, 10, POLL_DENIED},
        {403, 200, POLL_DENIED},
        {400, 100, POLL_DENIED},
        {404, 0, POLL_DENIED},
        {400, 33, POLL_DENIED},
        {502, 131000, POLL_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (poll_end_of(rows[i].status, rows[i].code) != rows[i].end)
            fail_msg("HTTP %d code %d: %d", rows[i].status, rows[i].code, poll_end_of(rows[i].status, rows[i].code));
}

TEST(everything_is_read_once_an_interval_and_never_in_a_burst)
{
    enum { N = 30, HOURS = 24 };
    struct poll_target all[N + 1];
    int64_t last[N + 1] = {0}, end[2] = {0, 0}, begun = INT64_MIN / 2, wake;
    unsigned count[N + 1] = {0}, most = 0, open = 0;
    struct poll_target busy[2];
    struct poll *p = poll_create(&poll_usual, N + 1, 42);
    for (int i = 0; i < N; i++)
        all[i] = (struct poll_target){POLL_NUMBER, i + 1, 100, 7};
    all[N] = (struct poll_target){POLL_ACCOUNT, 100, 100, 7};
    poll_set(p, all, N + 1, 0);
    for (int64_t mono = 0; mono < HOURS * HOUR; mono += 50) {
        for (int i = 0; i < 2; i++) {
            if (end[i] != 0 && end[i] <= mono) { /* a second each */
                poll_ended(p, busy[i].kind, busy[i].id, &read_well, mono);
                end[i] = 0;
                open--;
            }
        }
        struct poll_target t;
        while (poll_next(p, mono, &t, &wake)) {
            size_t at = t.kind == POLL_ACCOUNT ? N : (size_t)t.id - 1;
            assert_true(mono - begun >= poll_usual.gap_ms);
            assert_true(count[at] == 0 || mono - last[at] <= poll_usual.interval_ms);
            assert_true(count[at] != 0 || mono < MINUTE);
            begun = last[at] = mono;
            count[at]++;
            int free = end[0] == 0 ? 0 : 1;
            assert_int_equal(end[free], 0);
            busy[free] = t;
            end[free] = mono + 1000;
            most = ++open > most ? open : most;
        }
    }
    assert_int_equal(most, 2);
    for (int i = 0; i <= N; i++)
        assert_in_range(count[i], HOURS * 4, HOURS * 6);
    poll_free(p);
}

TEST(later_rounds_are_spread)
{
    enum { N = 30 };
    struct poll_target all[N];
    struct poll *p = poll_create(&poll_usual, N, 5);
    int64_t mono = 0, earliest = INT64_MAX, latest = 0;
    for (int i = 0; i < N; i++)
        all[i] = (struct poll_target){POLL_NUMBER, i + 1, 0, 7};
    poll_set(p, all, N, mono);
    assert_int_equal(read_due(p, &mono, &read_well), N);
    for (int i = 0; i < N; i++) {
        int64_t due = next_due(p, POLL_NUMBER, i + 1, mono);
        earliest = due < earliest ? due : earliest;
        latest = due > latest ? due : latest;
    }
    assert_true(latest - earliest > poll_usual.interval_ms / 3);
    poll_free(p);
}

TEST(failures_wait_longer_each_time_and_only_their_own)
{
    struct poll *p = two(0);
    struct poll_target t;
    int64_t mono = 0, wake, before = 0;
    struct poll_answer denied = bad(POLL_DENIED);
    for (int i = 0; i < 16; i++) {
        mono = next_due(p, NUMBER, mono);
        while (!poll_next(p, mono, &t, &wake) || t.id != 1) {
            if (wake == INT64_MAX)
                poll_ended(p, t.kind, t.id, &read_well, mono);
            mono += poll_usual.gap_ms;
            poll_ended(p, OTHER, &read_well, mono);
        }
        poll_ended(p, NUMBER, &denied, mono);
        int64_t wait = next_due(p, NUMBER, mono) - mono;
        assert_in_range(wait, 48000, 6 * HOUR * 12 / 10);
        assert_true(i < 2 || i > 8 || wait > before);
        before = wait;
        struct poll_state s;
        assert_true(poll_look(p, OTHER, mono, &s));
        assert_int_equal(s.failures, 0);
    }
    assert_true(before >= 6 * HOUR * 8 / 10);
    poll_free(p);
}

TEST(a_limit_of_the_app_holds_up_all_it_reads_and_of_an_account_its_own)
{
    static const struct {
        enum poll_end end;
        bool other;
    } rows[] = {{POLL_FULL_APP, true},
                {POLL_SILENT, true},
                {POLL_TOKEN, true},
                {POLL_FULL_ACCOUNT, false},
                {POLL_FAILED, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct poll *p = two(1000);
        struct poll_target t;
        int64_t wake;
        struct poll_answer a = bad(rows[i].end);
        assert_true(poll_next(p, 1000, &t, &wake));
        poll_ended(p, t.kind, t.id, &a, 1100);
        assert_int_equal(poll_next(p, 2000, &t, &wake), !rows[i].other);
        if (rows[i].other)
            assert_true(wake >= 1100 + 48000);
        assert_int_equal(poll_refused(p, 7), rows[i].end == POLL_TOKEN);
        poll_free(p);
    }
}

TEST(after_a_limit_one_goes_first)
{
    struct poll *p = two(0);
    struct poll_target t;
    int64_t wake, mono = 0;
    struct poll_answer full = bad(POLL_FULL_APP);
    full.wait_ms = 20 * MINUTE; /* Meta's own word */
    assert_true(poll_next(p, mono, &t, &wake));
    poll_ended(p, t.kind, t.id, &full, mono);
    assert_false(poll_next(p, 19 * MINUTE, &t, &wake));
    assert_int_equal(wake, 20 * MINUTE);
    mono = wake;
    assert_true(poll_next(p, mono, &t, &wake));
    assert_false(poll_next(p, mono + 1000, &t, &wake)); /* the other waits for its answer */
    poll_ended(p, t.kind, t.id, &read_well, mono + 1000);
    assert_true(poll_next(p, mono + 2000, &t, &wake));
    poll_free(p);
}

TEST(two_that_fail_together_count_once)
{
    struct poll *p = two(0);
    struct poll_target a, b;
    int64_t wake;
    struct poll_answer silent = bad(POLL_SILENT);
    assert_true(poll_next(p, 0, &a, &wake));
    assert_true(poll_next(p, 300, &b, &wake));
    poll_ended(p, a.kind, a.id, &silent, 1000);
    poll_ended(p, b.kind, b.id, &silent, 1100);
    assert_true(next_due(p, NUMBER, 1100) < 1100 + 73000);
    poll_free(p);
}

TEST(a_refused_token_rests_and_a_new_one_is_tried_at_once)
{
    struct poll *p = two(0);
    struct poll_target t, mended[2] = {pair[0], pair[1]};
    int64_t wake;
    struct poll_answer refused = bad(POLL_TOKEN);
    assert_true(poll_next(p, 0, &t, &wake));
    poll_ended(p, t.kind, t.id, &refused, 10);
    assert_false(poll_next(p, 11 * MINUTE, &t, &wake));
    assert_true(poll_refused(p, 7));
    mended[0].app = mended[1].app = 8;
    poll_set(p, mended, 2, 11 * MINUTE);
    assert_false(poll_refused(p, 8));
    assert_true(poll_next(p, 11 * MINUTE, &t, &wake));
    poll_free(p);
}

TEST(a_change_is_looked_at_once_however_often_it_is_told)
{
    struct poll *p = two(0);
    int64_t mono = 1000000, began;
    struct poll_target t;
    int64_t wake;
    read_due(p, &mono, &read_well);
    began = mono += MINUTE;
    for (int i = 0; i < 100; i++)
        assert_true(poll_soon(p, NUMBER, mono + i * 10));
    mono = next_due(p, NUMBER, mono);
    assert_in_range(mono - began, 1, 5000);
    assert_true(poll_next(p, mono, &t, &wake));
    assert_int_equal(t.id, 1);
    assert_true(poll_soon(p, NUMBER, mono)); /* while it is read: what it says may be older */
    poll_ended(p, NUMBER, &read_well, mono + 500);
    assert_int_equal(next_due(p, NUMBER, mono + 500), mono + poll_usual.soon_apart_ms);
    assert_false(poll_soon(p, POLL_NUMBER, 99, mono));
    poll_free(p);
}

TEST(what_changes_all_the_time_is_not_read_all_the_time)
{
    struct poll *p = two(0);
    struct poll_target t;
    int64_t wake, mono = 0;
    unsigned n = 0;
    read_due(p, &mono, &read_well);
    for (int64_t end = mono + HOUR; mono < end; mono += 1000) {
        poll_soon(p, NUMBER, mono);
        while (poll_next(p, mono, &t, &wake)) {
            n += t.id == 1;
            poll_ended(p, t.kind, t.id, &read_well, mono);
        }
    }
    assert_in_range(n, 8, 20);
    poll_free(p);
}

TEST(who_waits_for_it_goes_first_unless_it_is_too_much)
{
    struct poll *p = two(0);
    struct poll_target t;
    struct poll_state s;
    int64_t mono = 0, wake;
    struct poll_answer refused = bad(POLL_TOKEN), full = bad(POLL_FULL_ACCOUNT);
    read_due(p, &mono, &read_well);
    mono += MINUTE;
    assert_true(poll_now(p, OTHER, mono));
    assert_true(poll_next(p, mono, &t, &wake));
    assert_int_equal(t.id, 2);
    poll_ended(p, OTHER, &refused, mono);
    assert_true(poll_now(p, OTHER, mono)); /* the file may have been mended */
    assert_true(poll_next(p, mono + 300, &t, &wake));
    poll_ended(p, OTHER, &full, mono + 300);
    assert_true(poll_now(p, OTHER, mono));
    assert_false(poll_next(p, mono + 600, &t, &wake));
    assert_true(poll_look(p, OTHER, mono, &s));
    assert_true(s.full);
    poll_free(p);
}

TEST(when_little_is_left_it_pauses)
{
    static const struct {
        int percent;
        int64_t pause;
    } rows[] = {{79, 0}, {80, 30000}, {89, 30000}, {90, 5 * MINUTE}, {100, 5 * MINUTE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct poll *p = two(0);
        struct poll_target t;
        int64_t wake;
        struct poll_answer a = read_well;
        a.app_percent = rows[i].percent;
        assert_true(poll_next(p, 0, &t, &wake));
        poll_ended(p, t.kind, t.id, &a, 1000);
        assert_int_equal(poll_next(p, 1000 + rows[i].pause - (rows[i].pause > 0), &t, &wake), rows[i].pause == 0);
        if (rows[i].pause > 0)
            assert_int_equal(wake, 1000 + rows[i].pause);
        poll_free(p);
    }
}

TEST(what_is_no_longer_named_is_not_read)
{
    struct poll *p = two(0);
    struct poll_target t;
    int64_t wake;
    assert_true(poll_next(p, 0, &t, &wake));
    poll_set(p, &pair[1], 1, 100); /* the one that is being read has gone */
    assert_true(poll_next(p, 1000, &t, &wake));
    assert_int_equal(t.id, 2);
    poll_ended(p, NUMBER, &read_well, 1200);
    poll_ended(p, OTHER, &read_well, 1300);
    poll_set(p, &pair[1], 1, 1400);
    struct poll_state s;
    assert_false(poll_look(p, NUMBER, 1400, &s));
    poll_free(p);
}

TESTS(T(an_answer_means), T(everything_is_read_once_an_interval_and_never_in_a_burst), T(later_rounds_are_spread),
      T(failures_wait_longer_each_time_and_only_their_own),
      T(a_limit_of_the_app_holds_up_all_it_reads_and_of_an_account_its_own), T(after_a_limit_one_goes_first),
      T(two_that_fail_together_count_once), T(a_refused_token_rests_and_a_new_one_is_tried_at_once),
      T(a_change_is_looked_at_once_however_often_it_is_told), T(what_changes_all_the_time_is_not_read_all_the_time),
      T(who_waits_for_it_goes_first_unless_it_is_too_much), T(when_little_is_left_it_pauses),
      T(what_is_no_longer_named_is_not_read))
