/* SPDX-License-Identifier: Apache-2.0
 * test_write_cases.c - libphonenumber's own unit tests of writing and comparing numbers, as logged calls with results.
 *
 * They need its test metadata: PHONE_TESTMETA names the tables compiled of it. The rows stay where they are; without them it skips. */
#include "tests/t.h"

#include "core/phone_format.h"
#include "core/phone_match.h"
#include "tests/phone/case_rows.h"

static struct phone_data plans;

static bool open_plans(void)
{
    static _Alignas(8) char bytes[PHONE_FILE_MAX];
    const char *path = getenv("PHONE_TESTMETA");
    FILE *f = path != NULL ? fopen(path, "rb") : NULL;
    struct err e = {0};
    if (f == NULL)
        return false;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_ok(phone_data_open(&plans, bytes, n, &e), e);
    return true;
}

/* What a number nobody has is written as when its raw text is known: that text, which our numbers do not keep. */
static bool is_raw_zero(struct str nsn, struct str want)
{
    bool zeros = str_eq(nsn, STR("0")) && want.n > 1;
    for (size_t i = 0; i < want.n; i++)
        zeros = zeros && (want.p[i] == '0' || want.p[i] == '-');
    return zeros;
}

/* Fields: cc nsn ext style want. */
static bool write_row(void *context, char **f)
{
    struct phone_number n;
    char got[PHONE_FORMAT_MAX];
    struct str want = case_bytes(f[4]);
    (void)context;
    if (is_raw_zero(str_of(f[1]), want))
        want = STR("0");
    phone_number_of(&plans, (unsigned)strtoul(f[0], NULL, 10), str_of(f[1]), &n);
    size_t len = phone_format(&plans, &n, str_of(f[2]), (enum phone_format)atoi(f[3]), got);
    if (str_eq(want, (struct str){got, len}))
        return true;
    print_error("\"%s\", want \"%.*s\"\n", got, (int)want.n, want.p);
    return false;
}

/* Fields: a b result. */
static bool match_row(void *context, char **f)
{
    int got = (int)phone_match(&plans, case_bytes(f[0]), case_bytes(f[1])), want = atoi(f[2]);
    (void)context;
    if (got != want)
        print_error("%d, want %d\n", got, want);
    return got == want;
}

/* Calls of reading are run by test_phone_cases.c, which knows of these two. */
static void run(const char *op, bool (*row)(void *, char **), size_t at_least)
{
    static const char *const others[] = {"parse",    "parse_raw",        "type",         "valid",  "region",
                                         "possible", "valid_for_region", "possible_str", "format", "match"};
    struct case_call calls[1 + sizeof others / sizeof others[0]] = {{op, row}};
    const char *path = case_file("phone-engine/cases.tsv");
    if (path == NULL || plans.head == NULL)
        skip_loudly("no cases of phone-engine, or no tables of the test metadata");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        calls[i + 1].name = others[i];
    struct case_count n = case_run(path, "testmeta", calls, sizeof calls / sizeof calls[0], NULL);
    assert_int_equal(n.wrong, 0);
    assert_in_range(n.ran, at_least, 100000);
}

TEST(numbers_are_written_as_libphonenumber_writes_them)
{
    run("format", write_row, 60);
}

TEST(numbers_match_where_libphonenumber_says_so)
{
    run("match", match_row, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(numbers_are_written_as_libphonenumber_writes_them),
                                       T(numbers_match_where_libphonenumber_says_so)};
    open_plans();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
