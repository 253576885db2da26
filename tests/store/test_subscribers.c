/* SPDX-License-Identifier: Apache-2.0
 * test_subscribers.c - who hears of webhooks, how far they are, and what they did not take.
 *
 * What would hurt: a position that goes back and hands a day over twice, a change of one's settings that undoes another's
 * or moves the position, a dead letter nobody finds again. */
#include "store_fixture.h"

#include "store/inbox.h"
#include "store/subscribers.h"

static struct subscriber named(struct fx *f, const char *name)
{
    struct subscriber v = {.id = store_id(f->s, NOW),
                           .url = STR("https://example.com/hook"),
                           .app = 1001,
                           .secret = STR("\x01\0sealed"),
                           .form = SUBSCRIBER_BODIES,
                           .parallel = 8,
                           .origin = SUBSCRIBER_BY_CONFIGURATION,
                           .filter = STR("{\"fields\":[\"messages\"]}"),
                           .created_at = NOW,
                           .changed_at = NOW + 1,
                           .position = 100,
                           .again_next = 5,
                           .again_until = 9};
    snprintf(v.name, sizeof v.name, "%s", name);
    return v;
}

static int put(struct fx *f, struct subscriber *v)
{
    BEGIN(f);
    int rc = subscriber_put(f->s, v, &f->e);
    if (rc == 0)
        COMMIT(f);
    else
        store_rollback(f->s);
    return rc;
}

static struct subscriber get(struct fx *f, const char *name)
{
    struct subscriber v;
    OK(f, subscriber_get(f->s, str_of(name), f->a, &v, &f->e));
    return v;
}

static void check_crm(struct fx *f, int64_t id)
{
    struct subscriber got = get(f, "crm");
    assert_true(got.id == id && got.ver == 1 && got.form == SUBSCRIBER_BODIES && got.parallel == 8);
    assert_true(got.origin == SUBSCRIBER_BY_CONFIGURATION && !got.paused && got.created_at == NOW);
    assert_true(got.app == 1001 && got.changed_at == NOW + 1 && got.position == 100 && got.again_next == 5 &&
                got.again_until == 9);
    assert_str(got.url, "https://example.com/hook");
    assert_true(str_eq(got.secret, STR("\x01\0sealed")));
    assert_str(got.filter, "{\"fields\":[\"messages\"]}");
}

TEST(a_subscriber_comes_back_as_it_was_put)
{
    struct fx f;
    struct subscriber *all = NULL, got;
    size_t n = 9;
    fx_start(&f);
    OK(&f, subscribers_list(f.s, f.a, &all, &n, &f.e));
    assert_int_equal(n, 0);
    assert_int_equal(subscriber_get(f.s, STR("crm"), f.a, &got, &f.e), WL_ENOTFOUND);
    struct subscriber v = named(&f, "crm"), other = named(&f, "bot-2");
    OK(&f, put(&f, &v));
    other.url = STR("http://127.0.0.1:9/");
    other.secret = other.filter = (struct str){NULL, 0};
    other.form = SUBSCRIBER_EVENTS, other.origin = SUBSCRIBER_BY_API, other.paused = true;
    OK(&f, put(&f, &other));
    assert_true(v.ver == 1 && other.ver == 1);
    fx_reopen(&f);
    check_crm(&f, v.id);
    OK(&f, subscribers_list(f.s, f.a, &all, &n, &f.e));
    assert_true(n == 2 && all[0].id == v.id && all[1].id == other.id && all[1].paused);
    assert_string_equal(all[1].name, "bot-2");
    assert_true(all[1].secret.n == 0 && all[1].filter.n == 0 && all[1].form == SUBSCRIBER_EVENTS);
    fx_end(&f);
}

TEST(changes_go_by_version_and_leave_the_position_alone)
{
    struct fx f;
    fx_start(&f);
    struct subscriber v = named(&f, "crm"), stale, other = named(&f, "bot");
    OK(&f, put(&f, &v));
    stale = v;
    BEGIN(&f);
    OK(&f, subscriber_position(f.s, v.id, 200, STR(""), &f.e));
    OK(&f, subscriber_position(f.s, v.id, 150, STR("x"), &f.e)); /* never back */
    OK(&f, subscriber_again(f.s, v.id, 7, 9, &f.e));
    OK(&f, subscriber_position(f.s, 4711, 1, STR(""), &f.e)); /* gone meanwhile */
    OK(&f, subscriber_again(f.s, 4711, 1, 2, &f.e));
    COMMIT(&f);
    v.url = STR("https://example.com/other");
    v.paused = true;
    OK(&f, put(&f, &v)); /* the position moved, the version did not */
    assert_int_equal(v.ver, 2);
    struct subscriber got = get(&f, "crm");
    assert_true(got.ver == 2 && got.position == 200 && got.again_next == 7 && got.again_until == 9 && got.paused);
    assert_str(got.url, "https://example.com/other");
    assert_int_equal(put(&f, &stale), WL_ECONFLICT);
    assert_int_equal(stale.ver, 1);
    OK(&f, put(&f, &other));
    memcpy(other.name, "crm", 4);
    assert_int_equal(put(&f, &other), WL_ECONFLICT); /* another has the name */
    other.id = store_id(f.s, NOW), other.ver = 0;
    assert_int_equal(put(&f, &other), WL_ECONFLICT);
    OK(&f, put(&f, &v));
    BEGIN(&f);
    OK(&f, subscriber_again(f.s, v.id, 0, 0, &f.e));
    COMMIT(&f);
    got = get(&f, "crm");
    assert_true(got.again_next == 0 && got.again_until == 0 && got.ver == 3);
    fx_end(&f);
}

TEST(odd_ones_and_too_many_are_refused)
{
    struct fx f;
    char name[32];
    fx_start(&f);
    struct subscriber v = named(&f, "");
    assert_int_equal(put(&f, &v), WL_EINVAL);
    v = named(&f, "x");
    memset(v.name, 'x', sizeof v.name);
    assert_int_equal(put(&f, &v), WL_EINVAL);
    v = named(&f, "x");
    v.parallel = 0;
    assert_int_equal(put(&f, &v), WL_EINVAL);
    v.parallel = SUBSCRIBER_PARALLEL_MAX + 1;
    assert_int_equal(put(&f, &v), WL_EINVAL);
    for (int i = 0; i < SUBSCRIBERS_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        v = named(&f, name);
        OK(&f, put(&f, &v));
    }
    v = named(&f, "more");
    assert_int_equal(put(&f, &v), WL_ETOOBIG);
    v = get(&f, "s3");
    OK(&f, put(&f, &v)); /* who is there may change */
    BEGIN(&f);
    OK(&f, subscriber_drop(f.s, v.id, &f.e));
    COMMIT(&f);
    v = named(&f, "more");
    OK(&f, put(&f, &v));
    assert_int_equal(subscriber_put(f.s, &v, &f.e), WL_EBUG); /* outside a transaction */
    fx_end(&f);
}

static struct dead_letter dead(int64_t subscriber, int64_t seq, int event)
{
    return (struct dead_letter){.subscriber = subscriber,
                                .seq = seq,
                                .event = event,
                                .died_at = NOW,
                                .attempts = 5,
                                .status = 500,
                                .why = STR("it answered 500")};
}

/* How many letters a walk in pages of three sees; they must rise. */
static size_t walk(struct fx *f, int64_t subscriber, bool only_again)
{
    struct dead_letter *v = NULL;
    int64_t seq = 0;
    int event = 0;
    size_t n = 0, seen = 0;
    do {
        OK(f, dead_letters_list(f->s, subscriber, seq, event, only_again, 3, f->a, &v, &n, &f->e));
        for (size_t i = 0; i < n; i++) {
            assert_true(v[i].seq > seq || (v[i].seq == seq && v[i].event > event));
            assert_true(v[i].subscriber == subscriber && (!only_again || v[i].again));
            seq = v[i].seq, event = v[i].event;
        }
        seen += n;
    } while (n == 3);
    return seen;
}

static int64_t counted(struct fx *f, int64_t subscriber)
{
    int64_t n = -1;
    OK(f, dead_letters_count(f->s, subscriber, &n, &f->e));
    return n;
}

TEST(dead_letters_are_found_marked_and_dropped)
{
    struct fx f;
    struct dead_letter *got = NULL, v[12];
    size_t n = 0;
    fx_start(&f);
    for (int i = 0; i < 10; i++)
        v[i] = dead(1, 100 + i / 4, i % 4 - 1); /* -1 is the whole body */
    v[10] = dead(2, 100, -1), v[11] = dead(2, 102, 3);
    BEGIN(&f);
    OK(&f, dead_letters_put(f.s, v, 12, &f.e));
    v[0].attempts = 9, v[0].status = 0, v[0].why = STR("no answer within 30 s"), v[0].died_at = NOW + 7;
    OK(&f, dead_letters_put(f.s, v, 1, &f.e)); /* it died again */
    COMMIT(&f);
    fx_reopen(&f);
    assert_true(counted(&f, 1) == 10 && counted(&f, 2) == 2 && counted(&f, 3) == 0);
    assert_true(walk(&f, 1, false) == 10 && walk(&f, 2, false) == 2 && walk(&f, 1, true) == 0);
    OK(&f, dead_letters_list(f.s, 1, 0, 0, false, 1, f.a, &got, &n, &f.e));
    assert_true(n == 1 && got->seq == 100 && got->event == -1 && got->attempts == 9 && got->status == 0 &&
                got->died_at == NOW + 7 && !got->again);
    assert_str(got->why, "no answer within 30 s");
    BEGIN(&f);
    OK(&f, dead_letters_again(f.s, 1, 101, &n, &f.e));
    assert_int_equal(n, 4);
    OK(&f, dead_letters_again(f.s, 1, 101, &n, &f.e));
    assert_int_equal(n, 0);
    COMMIT(&f);
    assert_true(walk(&f, 1, true) == 4 && walk(&f, 2, true) == 0);
    BEGIN(&f);
    OK(&f, dead_letters_again(f.s, 1, 0, &n, &f.e));
    assert_int_equal(n, 6); /* the others */
    OK(&f, dead_letter_drop(f.s, 1, 100, -1, &f.e));
    OK(&f, dead_letter_drop(f.s, 1, 100, -1, &f.e)); /* it is gone */
    COMMIT(&f);
    assert_true(walk(&f, 1, true) == 9 && counted(&f, 1) == 9);
    fx_end(&f);
}

TEST(marking_goes_in_bounded_steps)
{
    struct fx f;
    size_t n = 0;
    fx_start(&f);
    BEGIN(&f);
    for (int i = 0; i < DEAD_LETTERS_AT_ONCE + 5; i++) {
        struct dead_letter v = dead(1, 100 + i, -1);
        OK(&f, dead_letters_put(f.s, &v, 1, &f.e));
    }
    OK(&f, dead_letters_again(f.s, 1, 0, &n, &f.e));
    assert_int_equal(n, DEAD_LETTERS_AT_ONCE);
    OK(&f, dead_letters_again(f.s, 1, 0, &n, &f.e));
    assert_int_equal(n, 5);
    COMMIT(&f);
    fx_end(&f);
}

TEST(dead_letters_go_with_their_bodies_and_their_subscriber)
{
    struct fx f;
    struct dead_letter v[10];
    size_t n = 99;
    fx_start(&f);
    struct subscriber a = named(&f, "a"), b = named(&f, "b");
    OK(&f, put(&f, &a));
    OK(&f, put(&f, &b));
    for (int i = 0; i < 10; i++)
        v[i] = dead(i % 2 ? a.id : b.id, 100 + i, 0);
    BEGIN(&f);
    OK(&f, dead_letters_expire(f.s, INT64_MAX, 100, &n, &f.e));
    assert_int_equal(n, 0);
    OK(&f, dead_letters_put(f.s, v, 10, &f.e));
    OK(&f, dead_letters_expire(f.s, 106, 4, &n, &f.e));
    assert_int_equal(n, 4);
    OK(&f, dead_letters_expire(f.s, 106, 4, &n, &f.e));
    assert_int_equal(n, 2);
    COMMIT(&f);
    assert_true(counted(&f, a.id) == 2 && counted(&f, b.id) == 2);
    struct dead_letter orphan = dead(4711, 100000, 0); /* of a subscriber that went while it died */
    BEGIN(&f);
    OK(&f, dead_letters_put(f.s, &orphan, 1, &f.e));
    OK(&f, dead_letters_expire(f.s, 1, 100, &n, &f.e));
    assert_int_equal(n, 1);
    OK(&f, subscriber_drop(f.s, a.id, &f.e));
    COMMIT(&f);
    assert_true(counted(&f, a.id) == 0 && counted(&f, b.id) == 2);
    BEGIN(&f);
    assert_int_equal(subscriber_drop(f.s, a.id, &f.e), WL_ENOTFOUND);
    store_rollback(f.s);
    fx_end(&f);
}

static int64_t body(struct fx *f, int64_t at)
{
    struct inbox_row row = {.seq = store_id(f->s, at), .at = at, .body = STR("{}")};
    BEGIN(f);
    OK(f, inbox_append(f->s, &row, 1, &f->e));
    COMMIT(f);
    return row.seq;
}

static int64_t waiting(struct fx *f, int64_t until)
{
    struct subscriber v = get(f, "crm");
    int64_t n = -1;
    OK(f, subscriber_waiting(f->s, &v, until, 100, &n, &f->e));
    return n;
}

TEST(what_is_not_over_stands_beside_the_position)
{
    struct fx f;
    struct subscriber_pending p;
    struct buf b;
    int64_t seq[6];
    fx_start(&f);
    for (int i = 0; i < 6; i++)
        seq[i] = body(&f, NOW + i);
    struct subscriber v = named(&f, "crm");
    OK(&f, put(&f, &v));
    struct subscriber_thing things[] = {{seq[1], -1, 0}, {seq[2], 0, 70000}, {seq[2], 9, 3}, {seq[4], 1, 0}};
    buf_init(&b, 1000);
    subscriber_pending_write(&(struct subscriber_pending){seq[4], 5, things, 4}, &b);
    BEGIN(&f);
    OK(&f, subscriber_position(f.s, v.id, seq[3], buf_str(&b), &f.e));
    OK(&f, subscriber_position(f.s, v.id, seq[3], buf_str(&b), &f.e)); /* and again where it is */
    COMMIT(&f);
    fx_reopen(&f);
    struct subscriber got = get(&f, "crm");
    assert_true(got.position == seq[3]);
    OK(&f, subscriber_pending_read(got.pending, f.a, &p, &f.e));
    assert_true(p.part_seq == seq[4] && p.part_next == 5 && p.n == 4);
    assert_memory_equal(p.thing, things, sizeof things);
    for (int i = 0; i < 6; i++)
        assert_int_equal(subscriber_passed(&got, &p, seq[i]), i == 0 || i == 3);
    assert_int_equal(waiting(&f, seq[5]), 4); /* two of those before, two after */
    assert_int_equal(waiting(&f, seq[1]), 1);
    assert_int_equal(waiting(&f, seq[0]), 0);
    for (size_t n = 1; n < b.len; n++) /* cut off anywhere: whole things or damage, and nothing is read beyond */
        if (subscriber_pending_read((struct str){b.data, n}, f.a, &p, NULL) == 0)
            assert_true(p.n < 4);
    assert_int_equal(subscriber_pending_read(STR("\xff\xff"), f.a, &p, &f.e), WL_EINVAL);
    buf_clear(&b);
    subscriber_pending_write(&(struct subscriber_pending){.part_next = 7}, &b);
    assert_int_equal(b.len, 0);
    buf_done(&b);
    fx_end(&f);
}

/* Ids do not go by the clock of the moment: it may have been ahead when bodies came, or be ahead now. */
TEST(a_new_one_begins_after_the_newest_body)
{
    struct fx f;
    fx_start(&f);
    int64_t newest = body(&f, NOW);
    struct subscriber v = named(&f, "crm"), early = named(&f, "early");
    v.position = 0;
    v.created_at = NOW + INT64_C(3600000);
    OK(&f, put(&f, &v));
    assert_true(v.position == newest && get(&f, "crm").position == newest);
    early.position = 1;
    OK(&f, put(&f, &early));
    assert_true(get(&f, "early").position == 1);
    fx_end(&f);
}

TESTS(T(what_is_not_over_stands_beside_the_position), T(a_new_one_begins_after_the_newest_body),
      T(a_subscriber_comes_back_as_it_was_put), T(changes_go_by_version_and_leave_the_position_alone),
      T(odd_ones_and_too_many_are_refused), T(dead_letters_are_found_marked_and_dropped),
      T(marking_goes_in_bounded_steps), T(dead_letters_go_with_their_bodies_and_their_subscriber))
