/* SPDX-License-Identifier: Apache-2.0
 * test_lists_in.c - a table longer than memory: runs on disk give the same list as memory alone; what is written is a list. */
#include "cmd/lists_in.h"

#include <fcntl.h>
#include <unistd.h>

#include "cmd/lists_out.h"

#include "t.h"

#define ROWS  20000
#define RANGE 30000

static char dir[] = "/tmp/wayleave-lists-XXXXXX";
static char path[4][64];
static bool has[RANGE];

static uint64_t number_of(size_t i)
{
    return 4915100000000 + i * 37;
}

/* A table with doubles, in no order; has[] tells what is in it. */
static void make_table(void)
{
    uint64_t state = 5;
    if (mkdtemp(dir) == NULL)
        fail_msg("no directory");
    for (size_t i = 0; i < 4; i++)
        snprintf(path[i], sizeof path[i], "%s/%zu%s", dir, i, i == 0 ? ".csv" : ".wll");
    FILE *f = fopen(path[0], "w");
    assert_non_null(f);
    fprintf(f, "name,phone\n");
    for (size_t i = 0; i < ROWS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t k = (size_t)(state >> 33) % RANGE;
        has[k] = true;
        fprintf(f, "x,+%llu\n", (unsigned long long)number_of(k));
    }
    fclose(f);
}

static void begin(struct lists_reading *r, size_t run)
{
    memset(r, 0, sizeof *r);
    phone_data_builtin(&r->phones.data);
    r->run = run;
    r->quiet = true;
}

static void check(struct number_source s)
{
    struct number_span span;
    struct err e = {0};
    size_t k = 0;
    do {
        assert_ok(s.next(s.ctx, 0, &span, &e), e);
        assert_true(span.n <= NUMBER_LIST_BLOCK);
        for (size_t i = 0; i < span.n; i++, k++) {
            while (k < RANGE && !has[k])
                k++;
            assert_true(k < RANGE);
            assert_int_equal(span.p[i], number_of(k));
        }
    } while (span.n > 0);
    while (k < RANGE)
        assert_false(has[k++]);
}

TEST(runs_on_disk_are_the_same_list)
{
    static const size_t runs[] = {512, 999, ROWS / 2, ROWS, ROWS + 1};
    make_table();
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct lists_reading r;
        struct lists_in *in;
        struct err e = {0};
        begin(&r, runs[i]);
        assert_ok(lists_in_open(&r, path[0], &in, &e), e);
        assert_int_equal(r.rows, ROWS);
        assert_int_equal(r.verdict[VERDICT_OK], ROWS);
        assert_int_equal(lists_in_count(in) > 0, runs[i] >= ROWS);
        check(lists_in_source(in));
        check(lists_in_source(in)); /* from the beginning again */
        lists_in_close(in);
    }
}

/* The table twice, as a list and as rows: one list, each number once. */
TEST(lists_and_tables_together)
{
    struct lists_reading r;
    struct lists_in *in;
    struct lists_out *out;
    struct err e = {0};
    const char *both[] = {path[0], path[1], path[0]};
    for (int turn = 0; turn < 2; turn++) {
        begin(&r, 3000);
        assert_ok(lists_in_open_all(&r, both, turn == 0 ? 1 : 3, &in, &e), e);
        assert_null(lists_in_file(in));
        assert_ok(lists_out_open(path[1 + turn], &out, &e), e);
        assert_ok(lists_out_all(out, lists_in_source(in), NULL, 0, &e), e);
        assert_ok(lists_out_close(out, &e), e);
        lists_in_close(in);
        assert_ok(lists_in_open(&r, path[1 + turn], &in, &e), e);
        assert_non_null(lists_in_file(in));
        check(lists_in_source(in));
        lists_in_close(in);
    }
}

TEST(two_lists_of_one_name_do_not_mix)
{
    struct list_writer *w[2];
    struct list_file *f;
    struct err e = {0};
    for (size_t i = 0; i < 2; i++)
        assert_ok(list_writer_open(path[3], &w[i], &e), e);
    for (uint64_t n = 1; n < 50000; n++)
        assert_ok(list_writer_put(w[n % 2], (struct number_span){&n, 1}, &e), e);
    assert_int_equal(access(path[3], F_OK), -1);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(list_writer_close(w[i], NULL, &e), e);
        assert_ok(list_file_open(path[3], open(path[3], O_RDONLY), &f, &e), e);
        struct number_source s = list_file_source(f);
        struct number_span span;
        uint64_t want = i == 0 ? 2 : 1;
        while (s.next(s.ctx, 0, &span, &e) == 0 && span.n > 0)
            for (size_t k = 0; k < span.n; k++, want += 2)
                assert_int_equal(span.p[k], want);
        assert_true(want >= 49999);
        list_file_close(f);
    }
    unlink(path[3]);
}

TEST(numbers_that_do_not_rise_are_refused)
{
    static const uint64_t wrong[] = {3, 2}, last[] = {5}, same[] = {5};
    struct list_writer *w;
    struct err e = {0};
    assert_ok(list_writer_open(path[3], &w, &e), e);
    assert_int_equal(list_writer_put(w, (struct number_span){wrong, 2}, &e), WL_EINVAL);
    assert_ok(list_writer_put(w, (struct number_span){last, 1}, &e), e);
    assert_int_equal(list_writer_put(w, (struct number_span){same, 1}, &e), WL_EINVAL);
    list_writer_drop(w);
    assert_int_equal(access(path[3], F_OK), -1);
    for (size_t i = 0; i < 4; i++)
        unlink(path[i]);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left there */
}

TESTS(T(runs_on_disk_are_the_same_list), T(lists_and_tables_together), T(two_lists_of_one_name_do_not_mix),
      T(numbers_that_do_not_rise_are_refused))
