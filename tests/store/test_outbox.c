/* SPDX-License-Identifier: Apache-2.0
 * test_outbox.c - the rows that wait to be sent, read along their lines; and callback data kept aside.
 *
 * What would hurt: a message accepted and never read, because it was written behind the reader; one read that is gone, or
 * twice as two rows; a body that comes back changed; a line that walks the whole table. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "store/db.h"
#include "store/outbox.h"

static struct outbox_key key(int64_t sender, int class, int64_t campaign, int64_t due, int64_t id)
{
    return (struct outbox_key){.sender = sender, .class = class, .campaign = campaign, .due = due, .id = id};
}

static struct outbox_row row(struct outbox_key k)
{
    return (struct outbox_row){.key = k, .body = STR("{}")};
}

static void put(struct fx *f, struct outbox_key k)
{
    struct outbox_row r = row(k);
    BEGIN(f);
    OK(f, outbox_put(f->s, &r, 1, &f->e));
    COMMIT(f);
}

static bool same_key(const struct outbox_key *a, const struct outbox_key *b)
{
    return a->bucket == b->bucket && a->sender == b->sender && a->class == b->class && a->campaign == b->campaign &&
           a->due == b->due && a->id == b->id;
}

static bool same_bytes(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static void check_row(const struct outbox_row *got, const struct outbox_row *want)
{
    assert_true(same_key(&got->key, &want->key));
    assert_true(got->path == want->path && got->flags == want->flags && got->expected == want->expected);
    assert_true(got->ruleset == want->ruleset && got->until == want->until);
    assert_true(same_bytes(got->facts, want->facts) && same_bytes(got->findings, want->findings));
    assert_true(same_bytes(got->body, want->body));
}

static const struct outbox_row full = {.path = 2,
                                       .flags = OUTBOX_OUR_ID,
                                       .expected = 3,
                                       .body = {"{\"a\":\"\\u0000\"}\0\xff", 16},
                                       .ruleset = 7,
                                       .until = NOW + 99,
                                       .facts = {"\0\x01\xff", 3},
                                       .findings = {"\x02\0", 2}};

TEST(keeps_every_field_of_a_row)
{
    struct fx f;
    struct outbox_row want = full, got;
    struct outbox_key *read = NULL;
    size_t n = 0;
    want.key = key(SENDER, 3, 12, NOW, 5);
    fx_start(&f);
    BEGIN(&f);
    OK(&f, outbox_put(f.s, &want, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, outbox_get(f.s, &want.key, f.a, &got, &f.e));
    check_row(&got, &want);
    struct outbox_key head = key(SENDER, 3, 12, 0, 0), where = want.key;
    OK(&f, outbox_read(f.s, &head, NOW, f.a, 10, &read, &n, &f.e));
    assert_int_equal(n, 1);
    assert_true(same_key(&read[0], &want.key));
    /* put off as it is, then held by another rule */
    BEGIN(&f);
    OK(&f, outbox_move(f.s, &where, where.class, NOW + 10, NULL, &f.e));
    COMMIT(&f);
    want.key.due = NOW + 10;
    assert_true(same_key(&where, &want.key));
    OK(&f, outbox_get(f.s, &want.key, f.a, &got, &f.e));
    check_row(&got, &want);
    const struct outbox_row held = {.ruleset = 8, .until = NOW + 5, .findings = STR("new")};
    BEGIN(&f);
    OK(&f, outbox_move(f.s, &where, where.class, OUTBOX_PARKED, &held, &f.e));
    COMMIT(&f);
    want.key.due = OUTBOX_PARKED;
    want.ruleset = held.ruleset;
    want.until = held.until;
    want.facts = held.facts;
    want.findings = held.findings;
    OK(&f, outbox_get(f.s, &want.key, f.a, &got, &f.e));
    check_row(&got, &want);
    BEGIN(&f);
    assert_int_equal(outbox_put(f.s, &want, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    fx_end(&f);
}

/* There is one row of a message, under one key at a time. */
TEST(what_is_not_there_changes_nothing)
{
    struct fx f;
    struct outbox_key there = key(SENDER, 1, 0, NOW, 5), was = there, now = there;
    struct outbox_row got;
    int64_t n = 9;
    fx_start(&f);
    put(&f, there);
    BEGIN(&f);
    OK(&f, outbox_move(f.s, &now, now.class, NOW + 1, NULL, &f.e));
    assert_int_equal(outbox_move(f.s, &was, was.class, NOW + 2, NULL, &f.e), WL_ENOTFOUND);
    assert_true(was.due == NOW);
    assert_int_equal(outbox_delete(f.s, &was, &f.e), WL_ENOTFOUND);
    OK(&f, cursor_set(f.s, "x", 1, &f.e)); /* the transaction goes on */
    COMMIT(&f);
    OK(&f, outbox_count(f.s, &there, 10, &n, &f.e));
    assert_int_equal(n, 1);
    struct outbox_key wrong[] = {now, now, now, now, now};
    wrong[0].bucket++;
    wrong[1].sender++;
    wrong[2].class ++;
    wrong[3].campaign++;
    wrong[4].id++;
    BEGIN(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(outbox_delete(f.s, &wrong[i], &f.e), WL_ENOTFOUND);
        assert_int_equal(outbox_move(f.s, &wrong[i], wrong[i].class, NOW + 9, &full, &f.e), WL_ENOTFOUND);
        assert_int_equal(outbox_get(f.s, &wrong[i], f.a, &got, &f.e), WL_ENOTFOUND);
    }
    OK(&f, outbox_get(f.s, &now, f.a, &got, &f.e));
    OK(&f, outbox_delete(f.s, &now, &f.e));
    assert_int_equal(outbox_delete(f.s, &now, &f.e), WL_ENOTFOUND);
    COMMIT(&f);
    OK(&f, outbox_count(f.s, &there, 10, &n, &f.e));
    assert_int_equal(n, 0);
    assert_int_equal(outbox_delete(f.s, &now, &f.e), WL_EBUG); /* outside a transaction */
    assert_int_equal(outbox_move(f.s, &now, now.class, 1, NULL, &f.e), WL_EBUG);
    fx_end(&f);
}

TEST(a_row_in_doubt_is_found_where_it_is_parked)
{
    struct fx f;
    struct outbox_key k = key(SENDER, 1, 0, NOW, 5), asked = k;
    struct outbox_row got;
    struct outbox_key *read = NULL;
    size_t n = 9;
    fx_start(&f);
    put(&f, k);
    BEGIN(&f);
    OK(&f, outbox_move(f.s, &k, k.class, OUTBOX_PARKED, NULL, &f.e));
    COMMIT(&f);
    OK(&f, outbox_get(f.s, &asked, f.a, &got, &f.e));
    assert_true(same_key(&got.key, &k));
    struct outbox_key head = key(SENDER, 1, 0, 0, 0);
    OK(&f, outbox_read(f.s, &head, INT64_MAX - 1, f.a, 10, &read, &n, &f.e)); /* and nobody reads it as due */
    assert_int_equal(n, 0);
    fx_end(&f);
}

TEST(the_largest_body_is_kept_and_a_larger_one_refused)
{
    struct fx f;
    static char body[OUTBOX_BODY_MAX + 1];
    struct outbox_row r[2] = {row(key(SENDER, 1, 0, NOW, 5)), row(key(SENDER, 1, 0, NOW, 6))}, got;
    int64_t n = 9;
    memset(body, 'x', sizeof body);
    body[0] = '{';
    fx_start(&f);
    r[0].body = (struct str){body, OUTBOX_BODY_MAX};
    r[1].body = (struct str){body, OUTBOX_BODY_MAX + 1};
    BEGIN(&f);
    assert_int_equal(outbox_put(f.s, r, 2, &f.e), WL_ETOOBIG);
    OK(&f, outbox_count(f.s, &r[0].key, 10, &n, &f.e));
    assert_int_equal(n, 0); /* not the first of them either */
    OK(&f, outbox_put(f.s, r, 1, &f.e));
    COMMIT(&f);
    OK(&f, outbox_get(f.s, &r[0].key, f.a, &got, &f.e));
    assert_true(same_bytes(got.body, r[0].body));
    fx_end(&f);
}

TEST(a_line_is_read_in_its_order_a_piece_at_a_time)
{
    struct fx f;
    /* due, id: in no order, two of the same moment */
    static const struct {
        int64_t due, id;
    } rows[] = {{NOW + 30, 1}, {NOW, 9}, {NOW + 10, 3}, {NOW, 4}, {NOW + 20, 2}, {NOW + 10, 5}};
    static const int64_t order[] = {4, 9, 3, 5, 2, 1};
    struct outbox_key *got = NULL;
    struct outbox_key at = key(SENDER, 1, 7, 0, 0);
    size_t n = 0;
    fx_start(&f);
    for (size_t i = 0; i < 6; i++)
        put(&f, key(SENDER, 1, 7, rows[i].due, rows[i].id));
    put(&f, key(SENDER, 1, 8, NOW, 100)); /* neighbours of other lines */
    put(&f, key(SENDER, 1, 6, NOW, 101));
    put(&f, key(SENDER, 2, 7, NOW, 102));
    put(&f, key(SENDER + 1, 1, 7, NOW, 103));
    for (int i = 0; i < 6; i++) {
        OK(&f, outbox_read(f.s, &at, INT64_MAX, f.a, 1, &got, &n, &f.e));
        assert_true(n == 1 && got[0].id == order[i]);
        at = got[0];
    }
    OK(&f, outbox_read(f.s, &at, INT64_MAX, f.a, 1, &got, &n, &f.e));
    assert_int_equal(n, 0);
    at = key(SENDER, 1, 7, 0, 0);
    OK(&f, outbox_read(f.s, &at, NOW + 10, f.a, 10, &got, &n, &f.e));
    assert_true(n == 4 && got[3].id == 5);
    at = got[1]; /* within a moment: (NOW, 9) */
    OK(&f, outbox_read(f.s, &at, NOW + 19, f.a, 10, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == 3 && got[1].id == 5);
    OK(&f, outbox_read(f.s, &at, NOW - 1, f.a, 10, &got, &n, &f.e));
    assert_int_equal(n, 0);
    int64_t count = 0;
    OK(&f, outbox_count(f.s, &at, 100, &count, &f.e));
    assert_int_equal(count, 6);
    OK(&f, outbox_count(f.s, &at, 4, &count, &f.e));
    assert_int_equal(count, 4);
    fx_end(&f);
}

TEST(lines_follow_each_other_by_their_heads)
{
    struct fx f;
    static const struct {
        int64_t sender;
        int class;
        int64_t campaign;
    } lines[] = {{111, 0, 0}, {111, 0, 5}, {111, 3, 0}, {222, 1, 2}};
    struct outbox_key at = {.sender = 0}, got = {.id = -1};
    fx_start(&f);
    assert_int_equal(outbox_next_line(f.s, &at, &got, &f.e), WL_ENOTFOUND);
    assert_true(got.id == -1);
    for (int i = 0; i < 4; i++) {
        put(&f, key(lines[i].sender, lines[i].class, lines[i].campaign, NOW + 7, 30 + i));
        put(&f, key(lines[i].sender, lines[i].class, lines[i].campaign, NOW + 5, 40 + i));
        put(&f, key(lines[i].sender, lines[i].class, lines[i].campaign, OUTBOX_PARKED, 20 + i));
    }
    for (int i = 0; i < 4; i++) {
        OK(&f, outbox_next_line(f.s, &at, &at, &f.e)); /* in place */
        assert_true(at.sender == lines[i].sender && at.class == lines[i].class && at.campaign == lines[i].campaign);
        assert_true(at.due == NOW + 5 && at.id == 40 + i && at.bucket == 0);
    }
    assert_int_equal(outbox_next_line(f.s, &at, &got, &f.e), WL_ENOTFOUND);
    at = (struct outbox_key){.bucket = 1};
    assert_int_equal(outbox_next_line(f.s, &at, &got, &f.e), WL_ENOTFOUND);
    fx_end(&f);
}

/* --- a reader with a position -------------------------------------------------------------------------------------- */

#define MESSAGES 60

/* Messages are accepted (some for later), read, put off, parked, put back and ended, at random, by the rule of outbox.h. */
struct world {
    struct fx f;
    uint32_t seed;
    int64_t now;
    struct outbox_key reader; /* of the one line */
    struct {
        struct outbox_key key;
        bool there, read; /* since it was put where it is */
    } m[MESSAGES];
    int n, reads;
};

static uint32_t die(struct world *w, uint32_t sides)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 16) % sides;
}

static void accept_one(struct world *w)
{
    if (w->n == MESSAGES)
        return;
    int64_t due = die(w, 2) ? w->now : w->now + die(w, 5);
    w->m[w->n].key = key(SENDER, 1, 0, due, store_id(w->f.s, w->now));
    w->m[w->n].there = true;
    put(&w->f, w->m[w->n++].key);
}

static void change_one(struct world *w)
{
    if (w->n == 0)
        return;
    int i = (int)die(w, (uint32_t)w->n);
    uint32_t what = die(w, 4);
    if (!w->m[i].there)
        return;
    BEGIN(&w->f);
    if (what == 0 && w->m[i].read) {
        OK(&w->f, outbox_delete(w->f.s, &w->m[i].key, &w->f.e));
        w->m[i].there = false;
    } else {
        int64_t due = what == 1 ? OUTBOX_PARKED : what == 2 ? w->now : w->now + die(w, 5);
        OK(&w->f, outbox_move(w->f.s, &w->m[i].key, w->m[i].key.class, due, NULL, &w->f.e));
        w->m[i].read = false;
    }
    COMMIT(&w->f);
}

/* Reads on, up to before now, and checks that nothing due by then is unread. */
static void read_on(struct world *w)
{
    struct outbox_key *got;
    size_t n = 1;
    while (n > 0) {
        arena_reset(w->f.a);
        OK(&w->f, outbox_read(w->f.s, &w->reader, w->now - 1, w->f.a, 1 + die(w, 3), &got, &n, &w->f.e));
        for (size_t k = 0; k < n; k++) {
            int i = 0;
            while (i < w->n && w->m[i].key.id != got[k].id)
                i++;
            assert_true(i < w->n && w->m[i].there && !w->m[i].read && same_key(&w->m[i].key, &got[k]));
            w->m[i].read = true;
            w->reader = got[k];
            w->reads++;
        }
    }
    for (int i = 0; i < w->n; i++)
        if (w->m[i].there && !w->m[i].read)
            assert_true(w->m[i].key.due >= w->now);
}

TEST(a_reader_with_a_position_misses_nothing)
{
    int reads = 0;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        struct world w = {.seed = seed * 7919, .now = NOW, .reader = key(SENDER, 1, 0, 0, 0)};
        fx_start(&w.f);
        for (int step = 0; step < 150; step++) {
            switch (die(&w, 4)) {
            case 0:
                accept_one(&w);
                break;
            case 1:
                change_one(&w);
                break;
            case 2:
                read_on(&w);
                break;
            default:
                w.now += die(&w, 3); /* or the same moment again */
            }
        }
        w.now += 10;
        read_on(&w);
        reads += w.reads;
        fx_end(&w.f);
    }
    assert_true(reads > 1000); /* or nothing was tested */
}

/* --- plans ---------------------------------------------------------------------------------------------------------- */

/* Every statement about the outbox goes along its primary key, and nothing is sorted. */
TEST(every_read_is_a_range_of_the_key)
{
    struct fx f;
    sqlite3 *db = NULL;
    int plans = 0;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("plans are read from SQLite");
    }
    assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
    for (const struct statement *st = __start_wl_statements; st < __stop_wl_statements; st++) {
        char sql[4000];
        sqlite3_stmt *q = NULL;
        if (strncmp(st->name, "outbox_", 7) != 0 || strcmp(st->name, "outbox_insert") == 0)
            continue;
        bool lines = strcmp(st->name, "outbox_line") == 0 || strcmp(st->name, "outbox_to") == 0;
        const char *key = lines ? "sqlite_autoindex_outbox_1 (bucket=? AND (sender,class,campaign,due,id)>(?,?,?,?,?))"
                                : "sqlite_autoindex_outbox_1 (bucket=? AND sender=? AND class=? AND campaign=?";
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", st->sql);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(q, 3);
            plans += strstr(plan, key) != NULL;
            if (strstr(plan, "TEMP") != NULL || (strstr(plan, "outbox") != NULL && strstr(plan, key) == NULL))
                fail_msg("%s: %s", st->name, plan);
        }
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    assert_int_equal(plans, 8);
    fx_end(&f);
}

/* --- callback data -------------------------------------------------------------------------------------------------- */

TEST(callback_data_comes_back_and_goes_when_it_is_old)
{
    int64_t other = 0;
    struct fx f;
    struct str got = STR("x");
    fx_start(&f);
    OK(&f, callback_data_get(f.s, 0, 5, f.a, &got, &f.e));
    assert_true(got.p == NULL && got.n == 0);
    BEGIN(&f);
    OK(&f, callback_data_put(f.s, 0, 5, STR("\"caf\xc3\xa9\""), &f.e));
    OK(&f, callback_data_put(f.s, 0, 6, STR(""), &f.e));
    OK(&f, callback_data_put(f.s, 0, 7, STR("old"), &f.e));
    OK(&f, callback_data_put(f.s, 0, 7, STR("new"), &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, callback_data_get(f.s, 0, 5, f.a, &got, &f.e));
    assert_str(got, "\"caf\xc3\xa9\"");
    OK(&f, callback_data_get(f.s, 0, 6, f.a, &got, &f.e));
    assert_true(got.p != NULL && got.n == 0); /* given, and empty */
    OK(&f, callback_data_get(f.s, 0, 7, f.a, &got, &f.e));
    assert_str(got, "new");
    OK(&f, callback_data_get(f.s, 1, 7, f.a, &got, &f.e));
    assert_true(got.p == NULL);
    BEGIN(&f);
    OK(&f, callback_data_forget(f.s, 1, 100, NOW, &other, &f.e)); /* another bucket's */
    OK(&f, callback_data_forget(f.s, 0, 7, NOW, &other, &f.e));
    assert_true(other == 0);
    COMMIT(&f);
    OK(&f, callback_data_get(f.s, 0, 6, f.a, &got, &f.e));
    assert_true(got.p == NULL);
    OK(&f, callback_data_get(f.s, 0, 7, f.a, &got, &f.e));
    assert_str(got, "new");
    fx_end(&f);
}

/* A message may wait for a year, and what it is to be handed back with is wanted for two weeks after its end. */
TEST(callback_data_stays_until_its_message_has_ended_for_long)
{
    static const struct {
        enum life_state state;
        int64_t changed_at;
        bool stays;
    } rows[] = {{LIFE_WAITING, 0, true},      {LIFE_SENDING, 1, true},        {LIFE_AMBIGUOUS, 1, true},
                {LIFE_ACCEPTED, NOW, false},  {LIFE_ACCEPTED, NOW + 1, true}, {LIFE_REFUSED, 0, false},
                {LIFE_CANCELLED, NOW, false}, {LIFE_EXPIRED, NOW + 9, true}};
    struct fx f;
    struct str got;
    int64_t after = 0, ids[sizeof rows / sizeof rows[0]];
    fx_start(&f);
    BEGIN(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct message m = fx_message(&f, 4096);
        m.life.state = (uint8_t)rows[i].state;
        m.changed_at = rows[i].changed_at;
        ids[i] = m.id;
        OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
        OK(&f, callback_data_put(f.s, 0, m.id, STR("v"), &f.e));
    }
    OK(&f, callback_data_forget(f.s, 0, INT64_MAX, NOW, &after, &f.e));
    COMMIT(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OK(&f, callback_data_get(f.s, 0, ids[i], f.a, &got, &f.e));
        assert_int_equal(got.p != NULL, rows[i].stays);
    }
    fx_end(&f);
}

TEST(much_old_callback_data_goes_in_steps_the_oldest_first)
{
    struct fx f;
    struct str got;
    int64_t after = 0;
    int left[3] = {0};
    fx_start(&f);
    BEGIN(&f);
    for (int64_t id = 1; id <= 4500; id++)
        OK(&f, callback_data_put(f.s, 0, id, STR("v"), &f.e));
    COMMIT(&f);
    for (int step = 0; step < 3; step++) {
        BEGIN(&f);
        OK(&f, callback_data_forget(f.s, 0, 4400, NOW, &after, &f.e));
        COMMIT(&f);
        for (int64_t id = 1; id <= 4500; id++) {
            OK(&f, callback_data_get(f.s, 0, id, f.a, &got, &f.e));
            left[step] += got.p != NULL;
        }
    }
    assert_int_equal(left[0], 2500);
    assert_int_equal(left[1], 500);
    assert_int_equal(left[2], 101);
    OK(&f, callback_data_get(f.s, 0, 4400, f.a, &got, &f.e));
    assert_str(got, "v");
    fx_end(&f);
}

TESTS(T(keeps_every_field_of_a_row), T(what_is_not_there_changes_nothing),
      T(a_row_in_doubt_is_found_where_it_is_parked), T(the_largest_body_is_kept_and_a_larger_one_refused),
      T(a_line_is_read_in_its_order_a_piece_at_a_time), T(lines_follow_each_other_by_their_heads),
      T(a_reader_with_a_position_misses_nothing), T(every_read_is_a_range_of_the_key),
      T(callback_data_comes_back_and_goes_when_it_is_old), T(callback_data_stays_until_its_message_has_ended_for_long),
      T(much_old_callback_data_goes_in_steps_the_oldest_first))
