/* SPDX-License-Identifier: Apache-2.0
 * test_screen_seen.c - surveys of lists that fill partitions unluckily, of long numbers only, and of a file that grew meanwhile. */
#include "cmd/screen_seen.h"

#include "cmd/spill.h"
#include "t.h"

#define PARTS 256 /* of screen_seen.c */
#define FULL  16384

static struct pool *pool;

static struct seen *begin(size_t memory, bool last, size_t expected)
{
    struct seen *s;
    struct err e = {0};
    const struct seen_options o = {.memory = memory, .expected = expected, .folder = "/tmp", .last = last};
    assert_int_equal(seen_open(&o, pool, &s, &e), 0);
    assert_int_equal(seen_survey_begin(s, &e), 0);
    return s;
}

/* Rows of which the last repeats the first, all of them through a survey. */
static void survey_all(struct seen *s, struct number_seen *rows, size_t n)
{
    struct err e = {0};
    rows[n - 1].key = rows[0].key;
    assert_int_equal(seen_survey(s, rows, n, &e), 0);
    int rc = seen_survey_end(s, &e);
    if (rc != 0)
        fail_msg("%s", e.text);
    assert_int_equal(seen_answer(s, rows, n, &e), 0);
}

/* A partition whose one block is full: its numbers have to fit, however unevenly they lie. */
TEST(a_partition_that_is_just_full_is_looked_through)
{
    struct number_seen *rows = calloc(FULL, sizeof *rows);
    size_t n = 0;
    pool = pool_create(1);
    for (uint64_t k = 491510000000; n < FULL; k++)
        if (number_key_part((struct number_key){k, 0}, PARTS) == 3) {
            rows[n] = (struct number_seen){.key = {k, 0}, .line = n + 2};
            n++;
        }
    for (int last = 0; last < 2; last++) {
        struct seen *s = begin(64u << 20, last, 64u << 20);
        survey_all(s, rows, n);
        for (size_t i = 1; i + 1 < n; i++)
            assert_int_equal(rows[i].first, 0);
        assert_int_equal(rows[0].first, last ? rows[n - 1].line : 0);
        assert_int_equal(rows[n - 1].first, last ? 0 : rows[0].line);
        seen_close(s, false);
    }
    pool_free(pool);
    free(rows);
}

/* Their slots are a small share of the memory; a list may hold nothing else. What was expected of the file is no limit. */
TEST(a_list_of_long_numbers_fits)
{
    enum { N = 4000 };
    struct number_seen *rows = calloc(N, sizeof *rows);
    size_t n = 0;
    pool = pool_create(1);
    for (uint64_t k = 49309018200000000; n < N; k++)
        if (number_key_part((struct number_key){k, 0}, PARTS) == 3) {
            rows[n] = (struct number_seen){.key = {k, 0}, .line = n + 2};
            n++;
        }
    struct seen *s = begin(64u << 20, false, SEEN_MEMORY_LEAST);
    survey_all(s, rows, n);
    assert_int_equal(rows[n - 1].first, rows[0].line);
    assert_int_equal(rows[n - 2].first, 0);
    seen_close(s, false);
    pool_free(pool);
    free(rows);
}

TEST(a_row_the_survey_did_not_see_is_refused)
{
    struct number_seen rows[] = {{.key = {491510000000, 0}, .line = 2}, {.key = {491510000001, 0}, .line = 3}};
    struct number_seen more[] = {{.key = {491510000002, 0}, .line = (uint64_t)1 << 30}};
    struct err e = {0};
    pool = pool_create(1);
    struct seen *s = begin(1u << 20, false, 1u << 20);
    assert_int_equal(seen_survey(s, rows, 2, &e), 0);
    assert_int_equal(seen_survey_end(s, &e), 0);
    assert_int_equal(seen_answer(s, rows, 2, &e), 0);
    assert_int_equal(seen_answer(s, more, 1, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "changed"));
    seen_close(s, false);
    pool_free(pool);
}

TESTS(T(a_partition_that_is_just_full_is_looked_through), T(a_list_of_long_numbers_fits),
      T(a_row_the_survey_did_not_see_is_refused))
