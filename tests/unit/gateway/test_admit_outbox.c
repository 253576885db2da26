/* SPDX-License-Identifier: Apache-2.0
 * test_admit_outbox.c - what the door does with messages we answer for: taken in, judged in their turn, and after it.
 *
 * What would hurt: a message of the outbox that leaves twice or never, or is counted while it only waits; two of them past a
 * person's cap because both were accepted before; one that leaves although the person said no meanwhile. */
#include "door_fixture.h"

static char BOB[] = "447700900002";

/* --- the outbox --------------------------------------------------------------------------------------------------- */

TEST(what_is_accepted_waits_and_counts_for_nothing)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    lane.wait_us = 5000000; /* the number's pace is no hold of what waits anyway */
    accept(&d, &o, "sale", ANA);
    struct message m = stored(&d, &o);
    assert_true(m.life.state == LIFE_WAITING && !m.life.once && m.life.at == NOW && m.life.attempts == 0);
    assert_int_equal(m.life.category, CATEGORY_MARKETING);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.key.due == NOW && row.key.class == LANE_MARKETING && row.ruleset == 0);
    assert_memory_equal(row.body.p, o.s.body.p, o.s.body.n);
    assert_false(send_leaves(&o.s));
    assert_false(is_counted(&d, ANA));
    assert_false(is_decided(&d, m.bucket, m.id));
    assert_true(lane.bells == 1 && lane.taken == 0 && lane.joined == 0);
    assert_true(d.g.metric[METRIC_QUEUED] == 1 && d.g.metric[METRIC_ALLOWED] == 0);
    prepare(&d, &o, SEND_ACCEPT, "sale", ANA);
    o.s.not_before = NOW + DAY;
    o.s.our_id = true;
    pass(&d, &o);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.key.due == NOW + DAY && row.flags == OUTBOX_OUR_ID);
    finish(&d);
}

TEST(what_a_rule_denies_is_not_accepted)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    accept(&d, &o, "sale", ANA); /* nobody ever agreed */
    assert_int_equal(stored(&d, &o).life.state, LIFE_REFUSED);
    assert_false(row_of(&d, &o, &row));
    assert_true(is_decided(&d, o.s.message.bucket, o.s.message.id));
    assert_true(d.g.metric[METRIC_DENIED] == 1 && lane.bells == 0);
    finish(&d);
}

/* Both were accepted while nothing held them; in their turn the second sees what the first has left. */
TEST(two_of_the_outbox_keep_a_persons_cap)
{
    struct door d;
    struct one first, second, a, b;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &first, "sale", ANA);
    accept(&d, &second, "sale", ANA);
    queue(&d, &a, &first, "sale", ANA);
    queue(&d, &b, &second, "sale", ANA);
    pass_together(&d, (struct one *[]){&a, &b}, 2);
    struct message m = stored(&d, &first);
    assert_true(send_leaves(&a.s) && !send_leaves(&b.s));
    assert_true(m.life.state == LIFE_SENDING && m.life.attempts == 1 && m.epoch == a.s.epoch && m.epoch > 0);
    assert_true(m.decision != 0 && m.decision != m.id && is_decided(&d, m.bucket, m.decision));
    assert_int_equal(person(&d, ANA).caps.n, 1);
    m = stored(&d, &second);
    assert_true(m.life.state == LIFE_WAITING && m.life.at >= NOW + DAY && m.life.attempts == 0);
    assert_true(row_of(&d, &second, &row)); /* and it says what holds it */
    assert_true(row.key.due == m.life.at && row.ruleset != 0 && row.until == m.life.at && row.findings.n > 0);
    assert_true(b.s.message.life.at == m.life.at && b.s.row.due == m.life.at);
    assert_true(lane.back == 1 && lane.taken == 0);
    answer(&d, &a, LIFE_ACCEPTED, 0);
    assert_int_equal(stored(&d, &first).life.state, LIFE_ACCEPTED);
    assert_false(row_of(&d, &first, &row));
    assert_int_equal(person(&d, ANA).caps.n, 1);
    now_ms = m.life.at;
    queue(&d, &b, &second, "sale", ANA);
    pass(&d, &b);
    assert_true(send_leaves(&b.s));
    assert_true(row_of(&d, &second, &row));
    answer(&d, &b, LIFE_ACCEPTED, 0);
    assert_false(row_of(&d, &second, &row));
    assert_true(lane.heard == 2 && d.g.metric[METRIC_ACCEPTED] == 2);
    finish(&d);
}

TEST(each_outcome_leaves_row_and_counters_as_it_says)
{
    static const struct {
        enum life_state outcome;
        int code;
        enum life_state after;
        int attempts;
        bool counted, has_row;
    } rows[] = {
        {LIFE_ACCEPTED, 0, LIFE_ACCEPTED, 1, true, false},     {LIFE_REJECTED, 131026, LIFE_REJECTED, 1, false, false},
        {LIFE_REJECTED, 130429, LIFE_WAITING, 1, false, true}, /* counted again in its next turn */
        {LIFE_AMBIGUOUS, 0, LIFE_AMBIGUOUS, 1, true, true},    {LIFE_UNSENT, 0, LIFE_WAITING, 0, false, true},
    };
    struct door d;
    start(&d);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct one accepted, o;
        struct outbox_row row;
        char to[16];
        snprintf(to, sizeof to, "44770090001%zu", i);
        write_it(&d, grant, to);
        accept(&d, &accepted, "sale", to);
        queue(&d, &o, &accepted, "sale", to);
        pass(&d, &o);
        assert_true(send_leaves(&o.s));
        lane.bells = 0;
        answer(&d, &o, rows[i].outcome, rows[i].code);
        struct message m = stored(&d, &accepted);
        assert_int_equal(m.life.state, rows[i].after);
        assert_int_equal(m.life.attempts, rows[i].attempts);
        assert_true(o.s.life.state == m.life.state && o.s.life.at == m.life.at);
        assert_int_equal(person(&d, to).caps.n, rows[i].counted);
        assert_int_equal(row_of(&d, &accepted, &row), rows[i].has_row);
        assert_int_equal(lane.bells, rows[i].after == LIFE_WAITING);
        if (rows[i].after == LIFE_WAITING)
            assert_true(row.key.due > NOW && row.key.due == m.life.at && row.ruleset == 0);
        if (rows[i].after == LIFE_AMBIGUOUS)
            assert_true(row.key.due == OUTBOX_PARKED);
    }
    assert_int_equal(lane.back, 0); /* every turn was used */
    finish(&d);
}

static int status_sent(struct store *s, void *message, struct err *e)
{
    const struct life_news news = {.event = {.kind = STEP_STATUS, .attempt = 1}, .seen = SEEN_SENT};
    return life_hear(s, message, &news, now_ms, NULL, e);
}

/* A webhook told that the attempt was accepted before its answer said that it was refused. */
TEST(what_a_webhook_said_is_not_given_back)
{
    struct door d;
    struct one accepted, o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "sale", ANA);
    queue(&d, &o, &accepted, "sale", ANA);
    pass(&d, &o);
    struct message m = stored(&d, &accepted);
    write_it(&d, status_sent, &m);
    answer(&d, &o, LIFE_REJECTED, 131026);
    m = stored(&d, &accepted);
    assert_true(m.life.state == LIFE_ACCEPTED && m.seen == SEEN_SENT);
    assert_int_equal(person(&d, ANA).caps.n, 1);
    assert_false(row_of(&d, &accepted, &row));
    finish(&d);
}

TEST(nothing_is_sent_that_may_not_be_any_more)
{
    struct door d;
    struct one accepted, late, o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "sale", ANA);
    write_it(&d, withdraw, ANA);
    queue(&d, &o, &accepted, "sale", ANA);
    pass(&d, &o);
    struct message m = stored(&d, &accepted);
    assert_true(!send_leaves(&o.s) && m.life.state == LIFE_REFUSED);
    assert_true(m.decision != 0 && is_decided(&d, m.bucket, m.decision));
    assert_false(row_of(&d, &accepted, &row));
    write_it(&d, grant, BOB);
    prepare(&d, &late, SEND_ACCEPT, "sale", BOB);
    late.s.expires = NOW + MINUTE;
    pass(&d, &late);
    now_ms = NOW + MINUTE;
    queue(&d, &o, &late, "sale", BOB);
    pass(&d, &o);
    assert_true(!send_leaves(&o.s) && stored(&d, &late).life.state == LIFE_EXPIRED);
    assert_int_equal(o.s.message.life.state, LIFE_EXPIRED);
    assert_false(row_of(&d, &late, &row));
    assert_false(is_counted(&d, BOB));
    assert_true(lane.back == 2 && d.g.metric[METRIC_EXPIRED] == 1 && d.g.metric[METRIC_DENIED] == 1);
    finish(&d);
}

/* What was read ahead may be old: the row is what counts, and one attempt is opened, whoever asks how often. */
TEST(one_turn_opens_one_attempt)
{
    struct door d;
    struct one accepted, o, again, later;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "order", ANA);
    queue(&d, &o, &accepted, "order", ANA);
    queue(&d, &again, &accepted, "order", ANA);
    later = again;
    later.s.user = &later;
    later.s.intent = &later.in;
    give_turn(&later.s);
    pass_together(&d, (struct one *[]){&o, &again}, 2);
    assert_true(send_leaves(&o.s) && !send_leaves(&again.s));
    assert_int_equal(again.s.job.rc, WL_ECONFLICT);
    answer(&d, &o, LIFE_ACCEPTED, 0);
    pass(&d, &later);
    assert_true(!send_leaves(&later.s) && later.s.message.life.state == LIFE_ACCEPTED);
    assert_int_equal(stored(&d, &accepted).life.attempts, 1);
    assert_int_equal(lane.back, 2);
    finish(&d);
}

TEST(how_long_meta_tries_is_known_from_its_acceptance_on)
{
    struct door d;
    struct one order, sale, o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &order, SEND_NOW, "order", ANA);
    pass(&d, &order);
    assert_true(send_leaves(&order.s));
    now_ms = NOW + 700;
    answer(&d, &order, LIFE_ACCEPTED, 0);
    assert_int_equal(stored(&d, &order).valid_until, NOW + 700 + 3600000);
    accept(&d, &sale, "sale", ANA);
    assert_int_equal(stored(&d, &sale).valid_until, 0);
    now_ms = NOW + MINUTE;
    queue(&d, &o, &sale, "sale", ANA);
    pass(&d, &o);
    answer(&d, &o, LIFE_REJECTED, 131026);
    assert_int_equal(stored(&d, &sale).valid_until, 0);
    finish(&d);
}

TEST(data_that_finds_no_room_is_kept_aside)
{
    static char own[500];
    struct door d;
    struct one o;
    struct str kept;
    start(&d);
    write_it(&d, grant, ANA);
    memset(own, 'x', sizeof own);
    for (int i = 0; i < 3; i++) {
        prepare(&d, &o, i == 1 ? SEND_ACCEPT : SEND_NOW, "order", i == 2 ? BOB : ANA);
        o.in.opaque = (struct str){own, sizeof own};
        pass(&d, &o);
        OK(&d.f, callback_data_get(d.f.s, o.s.message.bucket, o.s.message.id, d.f.a, &kept, &d.f.e));
        assert_int_equal(kept.n, i == 2 ? 0 : sizeof own); /* BOB never agreed: nothing leaves */
        settle(&d, &o);
    }
    finish(&d);
}

TESTS(T(what_is_accepted_waits_and_counts_for_nothing), T(what_a_rule_denies_is_not_accepted),
      T(two_of_the_outbox_keep_a_persons_cap), T(each_outcome_leaves_row_and_counters_as_it_says),
      T(what_a_webhook_said_is_not_given_back), T(nothing_is_sent_that_may_not_be_any_more),
      T(one_turn_opens_one_attempt), T(how_long_meta_tries_is_known_from_its_acceptance_on),
      T(data_that_finds_no_room_is_kept_aside))
