/* SPDX-License-Identifier: Apache-2.0
 * test_admit.c - keys, turns and leases at the door.
 *
 * What would hurt: a key that makes two messages or swallows one; a turn that is lost, so that a number slows down for ever;
 * a caller answered with a hold whose message leaves all the same; a process that was frozen and goes on sending for a
 * number somebody else has. */
#include "door_fixture.h"

#include "store/leases.h"

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void keyed(struct door *d, struct one *o, enum send_mode mode, const char *to, const char *key, int64_t print)
{
    prepare(d, o, mode, "order", to);
    o->s.key = (struct send_key){str_of(key), print};
}

TEST(the_same_key_is_the_same_message)
{
    struct door d;
    struct one a, b, c, other;
    start(&d);
    write_it(&d, grant, ANA);
    keyed(&d, &a, SEND_ACCEPT, ANA, "order-1", 1);
    keyed(&d, &b, SEND_ACCEPT, ANA, "order-1", 1);
    keyed(&d, &other, SEND_ACCEPT, ANA, "order-1", 2);
    keyed(&d, &c, SEND_ACCEPT, ANA, "order-2", 1);
    pass_together(&d, (struct one *[]){&a, &b, &other, &c}, 4);
    assert_true(!a.s.replayed && b.s.replayed && b.s.message.id == a.s.message.id);
    assert_int_equal(b.s.message.life.state, LIFE_WAITING);
    assert_int_equal(other.s.job.rc, WL_ECONFLICT);
    assert_non_null(strstr(other.s.job.err.text, "Idempotency-Key 'order-1'"));
    assert_true(c.s.job.rc == 0 && !c.s.replayed && c.s.message.id != a.s.message.id);
    assert_int_equal(d.g.metric[METRIC_QUEUED], 2);
    struct one turn, late;
    queue(&d, &turn, &a, "order", ANA);
    pass(&d, &turn);
    keyed(&d, &late, SEND_NOW, ANA, "order-1", 1);
    pass(&d, &late);
    assert_true(late.s.replayed && late.s.message.life.state == LIFE_SENDING);
    assert_false(send_leaves(&late.s)); /* it is on its way already, for somebody else */
    answer(&d, &turn, LIFE_ACCEPTED, 0);
    keyed(&d, &late, SEND_NOW, ANA, "order-1", 1);
    pass(&d, &late);
    assert_true(late.s.replayed && strcmp(late.s.message.wamid, "wamid.A") == 0);
    assert_true(lane.taken == 0 && lane.back == 0);
    finish(&d);
}

TEST(a_message_that_never_was_gives_its_key_back)
{
    struct door d;
    struct one o;
    start(&d);
    keyed(&d, &o, SEND_NOW, ANA, "k", 1);
    pass(&d, &o);
    assert_int_equal(o.s.message.life.state, LIFE_REFUSED);
    int64_t first = o.s.message.id;
    write_it(&d, grant, ANA);
    keyed(&d, &o, SEND_NOW, ANA, "k", 2); /* the caller changed something */
    pass(&d, &o);
    assert_true(send_leaves(&o.s) && o.s.message.id != first);
    answer(&d, &o, LIFE_UNSENT, 0);
    int64_t second = o.s.message.id;
    keyed(&d, &o, SEND_NOW, ANA, "k", 2);
    pass(&d, &o);
    assert_true(send_leaves(&o.s) && o.s.message.id != second);
    answer(&d, &o, LIFE_AMBIGUOUS, 0);
    int64_t third = o.s.message.id;
    keyed(&d, &o, SEND_NOW, ANA, "k", 2);
    pass(&d, &o);
    assert_true(o.s.replayed && o.s.message.id == third && o.s.message.life.state == LIFE_AMBIGUOUS);
    finish(&d);
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static struct send *parked(void)
{
    struct send *s = NULL;
    for (int i = 0; i < 5000 && (s = atomic_exchange(&lane.parked, NULL)) == NULL; i++)
        usleep(1000);
    assert_non_null(s);
    return s;
}

TEST(who_waits_for_the_pace_only_stands_in_line)
{
    struct door d;
    struct one o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    lane.wait_us = 1000000;
    submit(&o);
    struct send *s = parked();
    assert_true(s == &o.s && lane.joined == 1 && d.done == 0);
    give_turn(s);
    admit_resume(s);
    until(&d, 1);
    assert_true(send_leaves(&o.s));
    assert_true(lane.taken == 0 && lane.back == 0); /* it left in the turn it was given */
    settle(&d, &o);
    prepare(&d, &o, SEND_NOW, "order", ANA); /* too long for anybody */
    lane.wait_us = 60000000;
    pass(&d, &o);
    assert_true(o.s.message.life.state == LIFE_REFUSED && o.s.decision.verdict == VERDICT_HOLD);
    assert_true(lane.joined == 1 && lane.taken == 0 && lane.back == 0);
    finish(&d);
}

TEST(a_turn_that_is_not_used_goes_back)
{
    struct door d;
    struct one o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    lane.wait_us = 1000000;
    submit(&o);
    struct send *s = parked();
    write_it(&d, withdraw, ANA);
    give_turn(s);
    admit_resume(s);
    until(&d, 1);
    assert_true(!send_leaves(&o.s) && o.s.message.life.state == LIFE_REFUSED && lane.back == 1);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    finish(&d);
}

/* The client is answered in time: whoever comes back without a turn gets the hold and is never sent. */
TEST(who_gets_no_turn_in_time_gets_the_hold)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    for (int or_queue = 0; or_queue < 2; or_queue++) {
        prepare(&d, &o, SEND_NOW, "order", ANA);
        o.s.or_queue = or_queue;
        o.s.hold_until_latest = clock_mono_ns() / 1000 + 300000;
        lane.wait_us = 100000;
        int n = d.done;
        submit(&o);
        struct send *s = parked();
        usleep(350000);
        lane.wait_us = 0; /* by now it might leave, but nobody waits for it */
        admit_resume(s);
        until(&d, n + 1);
        assert_true(!send_leaves(&o.s) && o.s.decision.verdict == VERDICT_HOLD);
        struct message m = stored(&d, &o);
        assert_int_equal(m.life.state, or_queue ? LIFE_WAITING : LIFE_REFUSED);
        assert_int_equal(row_of(&d, &o, &row), or_queue);
        assert_int_equal(m.life.once, !or_queue);
    }
    assert_true(lane.taken == 0 && lane.back == 0 && lane.bells == 1);
    finish(&d);
}

/* The answer says when to come again, as things are when it is given. */
TEST(who_got_no_turn_is_told_of_the_line_of_now)
{
    struct door d;
    struct one o;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    o.s.hold_until_latest = clock_mono_ns() / 1000 + 300000;
    lane.wait_us = 100000;
    submit(&o);
    struct send *s = parked();
    usleep(350000);
    now_ms += 250;
    lane.wait_us = 7000000; /* others came before it */
    admit_resume(s);
    until(&d, 1);
    assert_true(!send_leaves(&o.s) && o.s.decision.verdict == VERDICT_HOLD);
    assert_int_equal(o.s.decision.until, NOW + 250 + 7000);
    assert_int_equal(o.s.facts.value[FACT_SENDER_FREE_AT], o.s.decision.until); /* what it is explained by */
    prepare(&d, &o, SEND_NOW, "order", ANA); /* its turn would come with the end of its patience: not waited for */
    o.s.hold_until_latest = clock_mono_ns() / 1000 + 10000000;
    lane.wait_us = 9980000;
    pass(&d, &o);
    assert_true(o.s.decision.verdict == VERDICT_HOLD && lane.joined == 1);
    prepare(&d, &o, SEND_NOW, "order", ANA);
    lane.wait_us = 100000;
    o.s.hold_until_latest = clock_mono_ns() / 1000 + 300000;
    submit(&o);
    s = parked();
    usleep(350000);
    write_it(&d, withdraw, ANA); /* what is true by now is said */
    admit_resume(s);
    until(&d, 3);
    assert_int_equal(o.s.decision.verdict, VERDICT_DENY);
    finish(&d);
}

TEST(a_hold_too_long_for_a_caller_is_queued_on_request)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    prepare(&d, &o, SEND_NOW, "sale", ANA);
    pass(&d, &o);
    settle(&d, &o);
    prepare(&d, &o, SEND_NOW, "sale", ANA);
    o.s.or_queue = o.s.our_id = true;
    pass(&d, &o);
    struct message m = stored(&d, &o);
    assert_true(m.life.state == LIFE_WAITING && !m.life.once && m.life.at >= NOW + DAY);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.flags == OUTBOX_OUR_ID && row.ruleset != 0 && row.until == m.life.at);
    assert_int_equal(person(&d, ANA).caps.n, 1);
    finish(&d);
}

static void waits_in_line(struct door *d, struct one *o, const char *name, const char *key)
{
    now_ms += MINUTE; /* for the pace with the person */
    prepare(d, o, SEND_NOW, name, ANA);
    o->s.key = (struct send_key){str_of(key), 1};
    lane.wait_us = 1000000;
    submit(o);
    assert_ptr_equal(parked(), &o->s);
    lane.wait_us = 0;
}

static void comes_back(struct door *d, struct one *o)
{
    int n = d->done + 1;
    give_turn(&o->s);
    admit_resume(&o->s);
    until(d, n);
}

/* finish() counts: no turn is lost on any of the ways a message can take, and none ends twice. */
TEST(every_turn_has_one_end)
{
    static const struct {
        enum life_state outcome;
        int code;
    } rows[] = {{LIFE_ACCEPTED, 0}, {LIFE_REJECTED, 100}, {LIFE_AMBIGUOUS, 0}, {LIFE_UNSENT, 0}};
    struct door d;
    struct one o, other, accepted;
    struct err e = {0};
    start(&d);
    write_it(&d, grant, ANA);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) { /* granted, and taken as it leaves */
        waits_in_line(&d, &o, "order", "");
        comes_back(&d, &o);
        assert_true(send_leaves(&o.s));
        answer(&d, &o, rows[i].outcome, rows[i].code);
        now_ms += MINUTE;
        prepare(&d, &o, SEND_NOW, "order", ANA);
        pass(&d, &o);
        assert_true(send_leaves(&o.s));
        answer(&d, &o, rows[i].outcome, rows[i].code);
    }
    assert_true(lane.heard == 8 && lane.taken == 4 && lane.back == 0);
    waits_in_line(&d, &o, "order", "k"); /* sent meanwhile, under its key */
    keyed(&d, &other, SEND_NOW, ANA, "k", 1);
    pass(&d, &other);
    settle(&d, &other);
    comes_back(&d, &o);
    assert_true(o.s.replayed && lane.back == 1);
    waits_in_line(&d, &o, "sale", ""); /* one is enough for today, by now */
    prepare(&d, &other, SEND_NOW, "sale", ANA);
    pass(&d, &other);
    settle(&d, &other);
    comes_back(&d, &o);
    assert_true(o.s.decision.verdict == VERDICT_HOLD && lane.back == 2);
    accept(&d, &accepted, "order", ANA);
    waits_in_line(&d, &o, "order", "");
    admit_close(d.g.admit);
    comes_back(&d, &o);
    assert_true(o.s.job.rc == WL_EBUSY && lane.back == 3);
    queue(&d, &other, &accepted, "order", ANA);
    assert_int_equal(admit_submit(&other.s, &e), WL_EBUSY);
    assert_true(other.s.turn); /* still the dispatcher's, who gives it back */
    dispatch_give_back(d.g.dispatch, SENDER, other.s.turn_us);
    finish(&d);
}

/* --- the right to send -------------------------------------------------------------------------------------------- */

static int taken_over(struct store *s, void *arg, struct err *e)
{
    int64_t epoch;
    (void)arg;
    return lease_take(s, SENDER, 6, NOW, &epoch, e);
}

TEST(who_lost_a_number_sends_nothing_for_it)
{
    struct door d;
    struct one accepted, o, now;
    struct outbox_row row;
    start(&d);
    write_it(&d, grant, ANA);
    accept(&d, &accepted, "order", ANA);
    prepare(&d, &now, SEND_NOW, "order", ANA);
    pass(&d, &now);
    assert_true(send_leaves(&now.s));
    settle(&d, &now);
    write_it(&d, taken_over, NULL);
    queue(&d, &o, &accepted, "order", ANA);
    prepare(&d, &now, SEND_NOW, "order", ANA);
    pass_together(&d, (struct one *[]){&o, &now}, 2);
    assert_true(o.s.job.rc == WL_ECONFLICT && now.s.job.rc == WL_ECONFLICT);
    assert_true(stored(&d, &accepted).life.state == LIFE_WAITING && row_of(&d, &accepted, &row));
    assert_int_equal(lane.back, 1);
    finish(&d);
}

TESTS(T(the_same_key_is_the_same_message), T(a_message_that_never_was_gives_its_key_back),
      T(who_waits_for_the_pace_only_stands_in_line), T(a_turn_that_is_not_used_goes_back), T(every_turn_has_one_end),
      T(who_gets_no_turn_in_time_gets_the_hold), T(who_got_no_turn_is_told_of_the_line_of_now),
      T(a_hold_too_long_for_a_caller_is_queued_on_request), T(who_lost_a_number_sends_nothing_for_it))
