/* SPDX-License-Identifier: Apache-2.0
 * test_keep.c - beats of leases with a real writer and store, and without the dispatcher's threads.
 *
 * What would hurt: a number that Meta stopped and that sends again after a restart; one that was taken over and never comes
 * back, or that is taken from a gateway that lives; a message of a gateway that is gone that nobody asks about. */
#include "../../store/store_fixture.h"

#include "gateway/admit_impl.h"
#include "gateway/keep.h"
#include "store/census.h"
#include "store/leases.h"

#define OURS   77
#define THEIRS 5
#define TERM   LEASE_TERM_US

static _Atomic int64_t later_us; /* than the monotonic clock says */

int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
const struct rules_book *__wrap_rules_current(const struct gateway *g);
int __wrap_ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret);

int64_t __wrap_clock_mono_ns(void)
{
    return __real_clock_mono_ns() + later_us * 1000;
}

const struct rules_book *__wrap_rules_current(const struct gateway *g)
{
    static const struct rules_book book;
    (void)g;
    return &book;
}

int __wrap_ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret)
{
    (void)rs, (void)rule, (void)name, (void)now, (void)ret;
    return WL_ENOTFOUND;
}

struct house {
    struct fx f;
    struct gateway g;
    struct admit admit;
    struct keeper *keeper;
};

/* The same store in another life of the program. */
static void life(struct house *h, int64_t incarnation)
{
    keeper_free(h->keeper);
    dispatch_free(h->g.dispatch);
    h->g.incarnation = incarnation;
    h->g.dispatch = dispatch_create(&h->g);
    h->keeper = keeper_make(h->g.dispatch);
    assert_ok(lines_open(h->g.dispatch, &h->f.e), h->f.e);
    assert_ok(keeper_recall(h->g.dispatch, &h->f.e), h->f.e);
}

static void start(struct house *h)
{
    struct store *s;
    memset(h, 0, sizeof *h);
    later_us = 0;
    fx_place(&h->f);
    h->g.o.store_url = h->f.url;
    h->g.o.max_queue = 400;
    h->g.snapshots = snapshots_create();
    h->g.admit = &h->admit;
    pthread_mutex_init(&h->admit.lock, NULL);
    assert_ok(store_open(&s, h->f.url, NULL, &h->f.e), h->f.e);
    assert_ok(snapshots_rebuild(h->g.snapshots, s, &h->f.e), h->f.e);
    assert_ok(writer_start(&h->g.writer, s, 400, &h->f.e), h->f.e);
    life(h, OURS);
}

static void finish(struct house *h)
{
    writer_stop(h->g.writer);
    keeper_free(h->keeper);
    dispatch_free(h->g.dispatch);
    snapshots_free(h->g.snapshots);
    fx_end(&h->f);
}

static void beat(struct house *h)
{
    keeper_renew(h->keeper);
    keeper_take_back(h->keeper);
}

/* --- what the database is told ---------------------------------------------------------------------------------------- */

static void call(struct house *h, writer_task *task, void *ctx)
{
    assert_ok(writer_call(h->g.writer, 2, task, ctx, &h->f.e), h->f.e);
}

static int take(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    int64_t epoch;
    (void)a;
    return lease_take(s, SENDER, *(int64_t *)ctx, now, &epoch, e);
}

static int their_beat(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)ctx, (void)a, (void)now;
    return leases_renew(s, THEIRS, NULL, 0, e);
}

static int they_end(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)ctx, (void)a, (void)now;
    return leases_release(s, THEIRS, e);
}

static void taken_by(struct house *h, int64_t owner)
{
    call(h, take, &owner);
}

static struct lease lease_now(struct house *h)
{
    struct store *s;
    struct lease *all, mine;
    size_t n;
    assert_ok(store_open(&s, h->f.url, &(struct store_options){.read_only = true}, &h->f.e), h->f.e);
    assert_ok(leases_list(s, h->f.a, &all, &n, &h->f.e), h->f.e);
    assert_int_equal(n, 1);
    mine = all[0];
    store_free(s);
    return mine;
}

static struct dispatch_view view(struct house *h)
{
    struct dispatch_view v;
    assert_true(dispatch_look(h->g.dispatch, SENDER, &v));
    return v;
}

/* It sends, so there is a lane. */
static int64_t sends(struct house *h)
{
    later_us += 1000;
    return dispatch_take(h->g.dispatch, SENDER, LANE_UTILITY, pace_of(80, 0), mono_us());
}

static void refused(struct house *h, int code)
{
    dispatch_heard(h->g.dispatch, SENDER, sends(h), LIFE_REJECTED, code);
}

/* --- the next life ----------------------------------------------------------------------------------------------------- */

TEST(a_stop_is_there_again_in_the_next_life)
{
    struct house h;
    start(&h);
    taken_by(&h, OURS);
    sends(&h);
    refused(&h, 131048);
    assert_true(h.g.dispatch->stops); /* and the settle thread does not wait with it */
    beat(&h);
    int64_t hour = clock_now_ms() + 3600000;
    taken_by(&h, 78);
    life(&h, 78);
    struct dispatch_view v = view(&h);
    assert_int_equal(v.stop, STOP_CODE);
    assert_int_equal(v.circuit_code, 131048);
    assert_in_range(v.circuit_until, hour - 5000, hour + 1);
    beat(&h);
    assert_in_range(lease_now(&h).memory.until_ms, hour - 5000, hour + 1); /* and in the one after that */
    later_us += 3601 * SECOND_US;
    assert_int_equal(view(&h).circuit_until, 0); /* not a time that has passed */
    assert_non_null(view(&h).circuit_why);
    assert_int_equal(dispatch_let_go(h.g.dispatch, SENDER), STOP_CODE);
    beat(&h);
    life(&h, 79);
    assert_false(dispatch_look(h.g.dispatch, SENDER, &v) && v.stop != STOP_NONE);
    finish(&h);
}

TEST(a_stop_that_is_over_leaves_nothing_behind)
{
    struct house h;
    start(&h);
    taken_by(&h, OURS);
    sends(&h);
    refused(&h, 190);
    beat(&h);
    taken_by(&h, 78);
    life(&h, 78);
    assert_int_equal(dispatch_let_go(h.g.dispatch, SENDER), STOP_CODE); /* before its first beat */
    assert_int_equal(dispatch_let_go(h.g.dispatch, SENDER), STOP_NONE);
    assert_int_equal(dispatch_let_go(h.g.dispatch, 4711), STOP_NONE);
    assert_int_equal(dispatch_let_go(NULL, SENDER), STOP_NONE);
    beat(&h);
    assert_int_equal(lease_now(&h).memory.until_ms, 0);
    assert_int_equal(lease_now(&h).memory.code, 0);
    finish(&h);
}

TEST(a_new_token_ends_what_the_old_one_met_and_nothing_else)
{
    struct house h;
    start(&h);
    struct dispatch *d = h.g.dispatch;
    sends(&h);
    struct number *n = number_at(d, SENDER, false);
    refused(&h, 190);
    assert_true(number_wants_token(n));
    number_new_token(d, n);
    assert_int_equal(view(&h).stop, STOP_NONE);
    n->unwelcome = STOP_TOKEN;
    n->pause_us = NEVER;
    number_new_token(d, n);
    assert_int_equal(view(&h).stop, STOP_NONE);
    assert_int_equal(n->pause_us, 0);
    refused(&h, 131048);
    assert_false(number_wants_token(n));
    number_new_token(d, n);
    assert_int_equal(view(&h).stop, STOP_CODE);
    finish(&h);
}

/* --- two owners -------------------------------------------------------------------------------------------------------- */

TEST(what_another_took_over_is_theirs_while_they_beat_and_ours_when_they_are_gone)
{
    struct house h;
    start(&h);
    taken_by(&h, OURS);
    sends(&h);
    beat(&h);
    int64_t first = lease_now(&h).epoch;
    h.admit.lease[0].sender = SENDER;
    h.admit.lease[h.admit.n_leases++].epoch = first;
    taken_by(&h, THEIRS);
    for (int i = 0; i < 10; i++) {
        beat(&h);
        assert_int_equal(view(&h).stop, STOP_TAKEN);
        assert_int_equal(dispatch_let_go(h.g.dispatch, SENDER), STOP_TAKEN); /* nobody may let go what is not ours */
        call(&h, their_beat, NULL);
        later_us += TERM - 1000;
    }
    assert_int_equal(lease_now(&h).owner, THEIRS);
    beat(&h);
    later_us += TERM / 2;
    beat(&h);
    assert_int_equal(lease_now(&h).owner, THEIRS); /* still for a while, not for a term */
    later_us += TERM / 2;
    beat(&h);
    assert_int_equal(lease_now(&h).owner, OURS);
    assert_true(lease_now(&h).epoch > first);
    assert_int_equal(admit_lease_epoch(&h.admit, SENDER), lease_now(&h).epoch);
    assert_int_equal(view(&h).stop, STOP_NONE);
    finish(&h);
}

TEST(what_another_gave_up_is_ours_at_once_with_what_meta_told_them)
{
    struct house h;
    start(&h);
    taken_by(&h, OURS);
    sends(&h);
    beat(&h);
    life(&h, THEIRS); /* they are told something */
    taken_by(&h, THEIRS);
    sends(&h);
    refused(&h, 131031);
    beat(&h);
    call(&h, they_end, NULL);
    life(&h, OURS);
    dispatch_let_go(h.g.dispatch, SENDER);
    sends(&h);
    beat(&h);
    assert_int_equal(lease_now(&h).owner, 0); /* a number we never had in this life is left alone */
    taken_by(&h, OURS);
    beat(&h);
    taken_by(&h, THEIRS);
    call(&h, they_end, NULL);
    beat(&h);
    assert_int_equal(lease_now(&h).owner, OURS);
    assert_int_equal(view(&h).stop, STOP_CODE);
    assert_int_equal(view(&h).circuit_code, 131031);
    finish(&h);
}

/* Messages being sent, by us under our epoch and by them under theirs. */
struct left {
    int64_t ours, theirs;
};

static int put_left(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct left *l = ctx;
    int rc = 0;
    (void)a;
    for (int i = 1; i <= 2 && rc == 0; i++) {
        struct message m = {
            .id = i, .sender = SENDER, .ts = now, .type = "text", .epoch = i == 1 ? l->ours : l->theirs};
        life_init(&m.life, CATEGORY_UTILITY, now, 0);
        m.life.once = true;
        m.life.state = LIFE_SENDING;
        m.life.attempts = 1;
        m.life.begun_at = now;
        rc = messages_insert(s, &m, NULL, 1, e);
    }
    return rc;
}

static enum life_state state_of(struct house *h, int64_t id)
{
    struct message m;
    assert_ok(messages_get(h->g.dispatch->reader, OUTBOX_SPREAD, id, &m, &h->f.e), h->f.e);
    return (enum life_state)m.life.state;
}

TEST(what_another_was_sending_when_it_went_is_in_doubt_and_ours_is_not)
{
    struct house h;
    struct left left;
    int64_t n = 0;
    start(&h);
    taken_by(&h, OURS);
    sends(&h);
    beat(&h);
    left.ours = lease_now(&h).epoch;
    taken_by(&h, THEIRS);
    left.theirs = lease_now(&h).epoch;
    call(&h, put_left, &left);
    beat(&h);
    later_us += TERM;
    beat(&h);
    assert_int_equal(lease_now(&h).owner, OURS);
    assert_int_equal(state_of(&h, 1), LIFE_SENDING);
    assert_int_equal(state_of(&h, 2), LIFE_AMBIGUOUS);
    assert_ok(census_in_doubt(h.g.dispatch->reader, OUTBOX_SPREAD, 10, &n, &h.f.e), h.f.e);
    assert_int_equal(n, 1);
    finish(&h);
}

TESTS(T(a_stop_is_there_again_in_the_next_life), T(a_stop_that_is_over_leaves_nothing_behind),
      T(a_new_token_ends_what_the_old_one_met_and_nothing_else),
      T(what_another_took_over_is_theirs_while_they_beat_and_ours_when_they_are_gone),
      T(what_another_gave_up_is_ours_at_once_with_what_meta_told_them),
      T(what_another_was_sending_when_it_went_is_in_doubt_and_ours_is_not))
