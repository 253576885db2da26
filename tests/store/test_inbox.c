/* SPDX-License-Identifier: Apache-2.0
 * test_inbox.c - webhook bodies come back byte for byte and in order.
 *
 * What would hurt: a body lost between two reads, one that blocks the reader for ever, a batch that eats the
 * memory, a body that cannot be read after an update, a dropped body's number given to another. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "base/digest.h"
#include "store/db.h"
#include "store/inbox.h"
#include "store/inbox_pack.h"
#include "store/store_inbox_dictionary.h"

static void fill(struct fx *f, struct inbox_row *rows, size_t n, struct str body)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct inbox_row){.seq = store_id(f->s, NOW), .at = NOW + (int64_t)i, .body = body};
    BEGIN(f);
    OK(f, inbox_append(f->s, rows, n, &f->e));
    COMMIT(f);
}

TEST(bodies_come_back_as_they_came)
{
    struct fx f;
    struct inbox_row rows[3], *got = NULL;
    size_t n = 9;
    static char big[300000];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31);
    fx_start(&f);
    OK(&f, inbox_read(f.s, 0, 10, 1000, f.a, &got, &n, &f.e));
    assert_int_equal(n, 0);
    fill(&f, rows, 3, (struct str){big, sizeof big});
    fx_reopen(&f);
    OK(&f, inbox_read(f.s, 0, 10, 10u << 20, f.a, &got, &n, &f.e));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(got[i].seq == rows[i].seq && got[i].at == rows[i].at && got[i].problem.p == NULL);
        assert_int_equal(got[i].body.n, sizeof big);
        assert_memory_equal(got[i].body.p, big, sizeof big);
    }
    assert_true(store_id(f.s, 0) > rows[2].seq); /* ids go on after the newest body */
    fx_end(&f);
}

TEST(readers_move_on_in_bounded_steps)
{
    struct fx f;
    struct inbox_row rows[50], *got = NULL;
    int64_t at = 0;
    size_t n = 0, seen = 0;
    fx_start(&f);
    fill(&f, rows, 50, STR("{\"object\":\"whatsapp_business_account\"}"));
    for (;;) {
        OK(&f, inbox_read(f.s, at, 7, 1u << 20, f.a, &got, &n, &f.e));
        if (n == 0)
            break;
        assert_true(n <= 7);
        for (size_t i = 0; i < n; i++)
            assert_true(got[i].seq == rows[seen++].seq);
        at = got[n - 1].seq;
    }
    assert_int_equal(seen, 50);
    OK(&f, inbox_read(f.s, 0, 50, 100, f.a, &got, &n, &f.e)); /* about 100 bytes */
    assert_int_equal(n, 3);
    OK(&f, inbox_read(f.s, 0, 50, 1, f.a, &got, &n, &f.e)); /* never nothing */
    assert_int_equal(n, 1);
    fx_end(&f);
}

TEST(a_small_arena_gets_what_fits)
{
    struct fx f;
    static char body[40000];
    struct inbox_row rows[20], *got = NULL;
    size_t n = 0;
    fx_start(&f);
    fill(&f, rows, 20, (struct str){body, sizeof body});
    struct arena *small = arena_create(256 << 10);
    OK(&f, inbox_read(f.s, 0, 20, 10u << 20, small, &got, &n, &f.e));
    assert_true(n >= 1 && n < 20);
    arena_free(small);
    small = arena_create(20000);
    assert_int_equal(inbox_read(f.s, 0, 20, 10u << 20, small, &got, &n, &f.e), WL_ENOMEM); /* not even one */
    arena_free(small);
    fx_end(&f);
}

TEST(problems_stay_with_their_reason)
{
    struct fx f;
    struct inbox_row rows[5], *got = NULL;
    int64_t all = 0, bad = 9;
    size_t n = 0;
    fx_start(&f);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_true(all == 0 && bad == 0);
    fill(&f, rows, 5, STR("not json"));
    BEGIN(&f);
    OK(&f, inbox_problem(f.s, rows[1].seq, STR("no entry"), &f.e));
    OK(&f, inbox_problem(f.s, rows[1].seq, STR("not JSON"), &f.e));
    COMMIT(&f);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_true(all == 5 && bad == 1);
    OK(&f, inbox_read(f.s, rows[0].seq, 1, 100, f.a, &got, &n, &f.e));
    assert_str(got[0].problem, "not JSON");
    assert_str(got[0].body, "not json");
    BEGIN(&f);
    assert_int_equal(inbox_problem(f.s, 1, STR("x"), &f.e), WL_ENOTFOUND);
    store_rollback(f.s);
    BEGIN(&f);
    assert_int_equal(inbox_append(f.s, rows, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_int_equal(all, 5);
    fx_end(&f);
}

#define STATUS(n)                                                                                                      \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"value\":"        \
    "{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"15550783881\","                      \
    "\"phone_number_id\":\"106540352242922\"},\"statuses\":[{\"id\":\"wamid." n                                        \
    "\",\"status\":\"delivered\",\"timestamp\":\"1750263773\",\"recipient_id\":\"16505551234\",\"pricing\":"           \
    "{\"billable\":true,\"pricing_model\":\"PMP\",\"category\":\"utility\",\"type\":\"regular\"}}]},\"field\":"        \
    "\"messages\"}]}]}"

static void raw_sql(const struct fx *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->url, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t raw_number(const struct fx *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(f->url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

/* Bodies in databases of today are read with it for ever. */
TEST(the_dictionary_never_changes)
{
    uint8_t hash[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    sha256(inbox_dictionary, sizeof inbox_dictionary - 1, hash);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(text, "c5dcee45677836317f5ff3d0e1ee3a73817125d65ebb4824d25933c380ab0168");
}

TEST(what_is_typical_lies_packed_and_the_rest_as_it_came)
{
    struct fx f;
    struct inbox_row r[4], *got = NULL;
    size_t n = 0;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file");
    }
    const struct str bodies[4] = {STR(STATUS("HBgLMTY1MDU1NTEyMzQVAgARGBI1Q0RGNjhGNkNBNkRGMDlERDQA")),
                                  STR("\x01\xfe#~`"), STR(""),
                                  STR(STATUS("HBgLMTY1MDU1NTEyMzQVAgARGBIzQTc5OTAxRjI4QzA0NkE5QTgA"))};
    for (size_t i = 0; i < 4; i++)
        r[i] = (struct inbox_row){.seq = store_id(f.s, NOW), .at = NOW, .app = 4711 + (int64_t)i, .body = bodies[i]};
    BEGIN(&f);
    OK(&f, inbox_append(f.s, r, 4, &f.e));
    COMMIT(&f);
    assert_int_equal(raw_number(&f, "SELECT COUNT(*) FROM inbox WHERE form = 1"), 2);
    assert_int_equal(raw_number(&f, "SELECT COUNT(*) FROM inbox WHERE form = 0"), 2);
    assert_true(raw_number(&f, "SELECT MAX(LENGTH(body)) FROM inbox") < 120); /* of 520 */
    fx_reopen(&f);
    OK(&f, inbox_read(f.s, 0, 9, 1u << 20, f.a, &got, &n, &f.e));
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(str_eq(got[i].body, bodies[i]) && got[i].body.p[got[i].body.n] == '\0' &&
                    got[i].app == 4711 + (int64_t)i && got[i].repeats.n == 0);
    fx_end(&f);
}

TEST(a_damaged_body_is_an_error_and_takes_no_memory)
{
    static const char *const harm[] = {
        "UPDATE inbox SET body = x'28b52ffd'",
        "UPDATE inbox SET body = SUBSTR(body, 1, LENGTH(body) - 3)",
        "UPDATE inbox SET form = 2",
        "UPDATE inbox SET body = x''",
        "UPDATE inbox SET body = x'28b52ffdc3010000ffffffff0000'", /* says that it is large */
        "UPDATE inbox SET body = x'28b52ffda00100400001000078'" /* 4 MiB and one byte of x */};
    for (size_t i = 0; i < sizeof harm / sizeof harm[0]; i++) {
        struct fx f;
        struct inbox_row r[1], *got = NULL, one;
        size_t n = 0;
        fx_start(&f);
        if (!fx_is_file(&f)) {
            fx_end(&f);
            skip_loudly("not a file");
        }
        fill(&f, r, 1, STR(STATUS("HBgLMTY1MDU1NTEyMzQVAgARGBI1Q0RGNjhGNkNBNkRGMDlERDQA")));
        raw_sql(&f, harm[i]);
        size_t before = arena_used(f.a);
        if (inbox_read(f.s, 0, 1, 1u << 20, f.a, &got, &n, &f.e) != WL_EIO ||
            inbox_get(f.s, r[0].seq, f.a, &one, &f.e) != WL_EIO)
            fail_msg("row %zu: %s", i, f.e.text);
        assert_true(arena_used(f.a) < before + 20000);
        fx_end(&f);
    }
}

TEST(nothing_larger_than_the_limit_is_taken)
{
    struct fx f;
    static char big[INBOX_BODY_MAX + 1];
    struct inbox_row r = {.seq = 1, .body = {big, sizeof big}}, one;
    memset(big, 'x', sizeof big);
    fx_start(&f);
    BEGIN(&f);
    assert_int_equal(inbox_append(f.s, &r, 1, &f.e), WL_ETOOBIG);
    store_rollback(f.s);
    r.body.n--;
    BEGIN(&f);
    OK(&f, inbox_append(f.s, &r, 1, &f.e));
    assert_int_equal(inbox_rewrite(f.s, 1, (struct str){big, sizeof big}, &f.e), WL_ETOOBIG);
    store_rollback(f.s);
    BEGIN(&f);
    OK(&f, inbox_append(f.s, &r, 1, &f.e));
    COMMIT(&f);
    OK(&f, inbox_get(f.s, 1, f.a, &one, &f.e));
    assert_true(str_eq(one.body, r.body));
    fx_end(&f);
}

TEST(bodies_are_read_backwards_and_one_by_one)
{
    struct fx f;
    struct inbox_row r[30], *got = NULL, one = {.seq = 7};
    int64_t before = 0, seq = -1;
    size_t n = 0, seen = 30;
    fx_start(&f);
    OK(&f, inbox_oldest(f.s, &seq, &f.e));
    assert_int_equal(seq, 0);
    fill(&f, r, 30, STR(STATUS("x")));
    for (;;) {
        OK(&f, inbox_read_back(f.s, before, 7, 1u << 20, f.a, &got, &n, &f.e));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++)
            assert_true(got[i].seq == r[--seen].seq && str_eq(got[i].body, r[0].body));
        before = got[n - 1].seq;
    }
    assert_int_equal(seen, 0);
    OK(&f, inbox_get(f.s, r[4].seq, f.a, &one, &f.e));
    assert_true(one.seq == r[4].seq && one.at == NOW + 4);
    assert_int_equal(inbox_get(f.s, 5, f.a, &one, &f.e), WL_ENOTFOUND);
    OK(&f, inbox_oldest(f.s, &seq, &f.e));
    assert_true(seq == r[0].seq);
    OK(&f, inbox_newest(f.s, &seq, &f.e));
    assert_true(seq == r[29].seq);
    OK(&f, inbox_count(f.s, r[3].seq, r[8].seq, 100, &seq, &f.e));
    assert_int_equal(seq, 5);
    OK(&f, inbox_count(f.s, 0, INT64_MAX, 12, &seq, &f.e));
    assert_int_equal(seq, 12);
    OK(&f, inbox_count(f.s, r[29].seq, INT64_MAX, 12, &seq, &f.e));
    assert_int_equal(seq, 0);
    fx_end(&f);
}

TEST(repeated_events_are_remembered_with_the_body)
{
    struct fx f;
    struct inbox_row r[2], *got = NULL;
    const uint64_t keys[4] = {UINT64_MAX, 3, UINT64_C(0x8000000000000001), 256};
    static uint64_t many[5001];
    size_t n = 0;
    fx_start(&f);
    fill(&f, r, 2, STR("{}"));
    BEGIN(&f);
    OK(&f, inbox_repeats(f.s, r[0].seq, keys, 4, &f.e));
    OK(&f, inbox_repeats(f.s, r[1].seq, keys, 1, &f.e));
    OK(&f, inbox_repeats(f.s, r[1].seq, keys, 0, &f.e)); /* the last word counts */
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, inbox_read(f.s, 0, 9, 1000, f.a, &got, &n, &f.e));
    for (size_t i = 0; i < 4; i++)
        assert_true(inbox_repeated(&got[0], keys[i]) && !inbox_repeated(&got[1], keys[i]) &&
                    !inbox_repeated(&got[0], keys[i] - 1));
    assert_false(inbox_repeated(&got[0], 0));
    for (size_t i = 0; i < 5001; i++)
        many[i] = i * 7919;
    BEGIN(&f);
    OK(&f, inbox_repeats(f.s, r[0].seq, many, 5000, &f.e));
    COMMIT(&f);
    OK(&f, inbox_read(f.s, 0, 1, 1000, f.a, &got, &n, &f.e));
    for (size_t i = 0; i < 5000; i++)
        assert_true(inbox_repeated(got, many[i]) && !inbox_repeated(got, many[i] + 1));
    BEGIN(&f);
    assert_int_equal(inbox_repeats(f.s, r[0].seq, many, 5001, &f.e), WL_ETOOBIG);
    store_rollback(f.s);
    BEGIN(&f);
    assert_int_equal(inbox_repeats(f.s, 1, keys, 1, &f.e), WL_ENOTFOUND);
    store_rollback(f.s);
    fx_end(&f);
}

TEST(a_body_is_written_anew_in_its_place)
{
    struct fx f;
    struct inbox_row r[3], *got = NULL;
    const uint64_t key = 77;
    size_t n = 0;
    fx_start(&f);
    fill(&f, r, 3, STR(STATUS("x")));
    BEGIN(&f);
    OK(&f, inbox_repeats(f.s, r[1].seq, &key, 1, &f.e));
    OK(&f, inbox_rewrite(f.s, r[1].seq, STR("{}"), &f.e));
    OK(&f, inbox_rewrite(f.s, r[2].seq, STR(STATUS("y")), &f.e));
    COMMIT(&f);
    OK(&f, inbox_read(f.s, 0, 9, 1u << 20, f.a, &got, &n, &f.e));
    assert_int_equal(n, 3);
    assert_str(got[0].body, STATUS("x"));
    assert_str(got[1].body, "{}");
    assert_str(got[2].body, STATUS("y"));
    assert_true(got[1].at == NOW + 1 && inbox_repeated(&got[1], key));
    BEGIN(&f);
    assert_int_equal(inbox_rewrite(f.s, 5, STR("{}"), &f.e), WL_ENOTFOUND);
    store_rollback(f.s);
    assert_int_equal(inbox_rewrite(f.s, r[1].seq, STR("{}"), &f.e), WL_EBUG); /* outside a transaction */
    fx_end(&f);
}

static size_t drop(struct fx *f, int64_t before, size_t max)
{
    size_t n = 99;
    BEGIN(f);
    OK(f, inbox_drop(f->s, before, max, &n, &f->e));
    COMMIT(f);
    return n;
}

TEST(the_oldest_go_and_their_numbers_never_come_again)
{
    struct fx f;
    struct inbox_row r[30];
    int64_t all = 0, bad = 0, seq = 0;
    fx_start(&f);
    assert_int_equal(drop(&f, INT64_MAX, 10), 0);
    fill(&f, r, 30, STR("{}"));
    BEGIN(&f);
    OK(&f, inbox_problem(f.s, r[2].seq, STR("odd"), &f.e));
    OK(&f, inbox_problem(f.s, r[20].seq, STR("odd"), &f.e));
    COMMIT(&f);
    assert_int_equal(drop(&f, r[0].seq, 10), 0);
    assert_int_equal(drop(&f, r[15].seq, 10), 10);
    assert_int_equal(drop(&f, r[15].seq, 10), 5);
    assert_int_equal(drop(&f, r[15].seq, 10), 0);
    assert_int_equal(drop(&f, r[29].seq, 0), 0);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_true(all == 15 && bad == 1);
    OK(&f, inbox_oldest(f.s, &seq, &f.e));
    assert_true(seq == r[15].seq);
    BEGIN(&f);
    size_t n = 0;
    OK(&f, inbox_drop(f.s, INT64_MAX, 5, &n, &f.e));
    store_rollback(f.s);
    assert_int_equal(drop(&f, INT64_MAX, 100), 15);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_true(all == 0 && bad == 0);
    fx_reopen(&f); /* empty, and the clock goes back a day */
    seq = store_id(f.s, NOW - 86400000);
    assert_true(seq > r[29].seq && seq < r[29].seq + 100);
    fx_end(&f);
}

TESTS(T(bodies_come_back_as_they_came), T(readers_move_on_in_bounded_steps), T(a_small_arena_gets_what_fits),
      T(problems_stay_with_their_reason), T(the_dictionary_never_changes),
      T(what_is_typical_lies_packed_and_the_rest_as_it_came), T(a_damaged_body_is_an_error_and_takes_no_memory),
      T(nothing_larger_than_the_limit_is_taken), T(bodies_are_read_backwards_and_one_by_one),
      T(repeated_events_are_remembered_with_the_body), T(a_body_is_written_anew_in_its_place),
      T(the_oldest_go_and_their_numbers_never_come_again))
