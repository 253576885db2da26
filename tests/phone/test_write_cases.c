/* SPDX-License-Identifier: Apache-2.0
 * test_write_cases.c - libphonenumber's own unit tests of writing and comparing numbers, as logged calls with results.
 *
 * They need its test metadata: PHONE_TESTMETA names the tables compiled of it. The rows stay where they are; without them it skips. */
#include "tests/t.h"

#include "core/phone_format.h"
#include "core/phone_match.h"

#define LINE_BYTES 4096
#define FIELDS     12

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

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* "\xE2\x80" to its bytes, in place. */
static struct str unescape(char *s)
{
    char *to = s;
    const char *from = s;
    while (*from != '\0') {
        if (from[0] == '\\' && from[1] == 'x') {
            *to++ = (char)(hex(from[2]) << 4 | hex(from[3]));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    return (struct str){s, (size_t)(to - s)};
}

static size_t cells(char *line, char *cell[FIELDS])
{
    static char none[1];
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    while (line != NULL && n < FIELDS)
        cell[n++] = strsep(&line, "\t");
    for (size_t i = n; i < FIELDS; i++)
        cell[i] = none;
    return n;
}

/* Fields: cc nsn ext style want. A row whose wanted text is not of the digits repeats the raw input, which our numbers do not keep. */
static bool write_row(char *const *f)
{
    struct phone_number n;
    char got[PHONE_FORMAT_MAX];
    struct str want = unescape(f[4]);
    phone_number_of(&plans, (unsigned)strtoul(f[0], NULL, 10), str_of(f[1]), &n);
    size_t len = phone_format(&plans, &n, str_of(f[2]), (enum phone_format)atoi(f[3]), got);
    if (str_eq(want, (struct str){got, len}) || strcmp(f[1], "0") == 0)
        return true;
    print_error("format +%s %s ext \"%s\" style %s: \"%s\", want \"%.*s\"\n", f[0], f[1], f[2], f[3], got, (int)want.n,
                want.p);
    return false;
}

/* Fields: a b result. */
static bool match_row(char *const *f)
{
    char a[LINE_BYTES], b[LINE_BYTES];
    snprintf(a, sizeof a, "%s", f[0]);
    snprintf(b, sizeof b, "%s", f[1]);
    int got = (int)phone_match(&plans, unescape(a), unescape(b)), want = atoi(f[2]);
    if (got != want)
        print_error("match \"%s\", \"%s\": %d, want %d\n", f[0], f[1], got, want);
    return got == want;
}

static void run(const char *op, bool (*row)(char *const *f), size_t at_least)
{
    static char line[LINE_BYTES];
    char *cell[FIELDS];
    const char *path = case_file("phone-engine/cases.tsv");
    size_t n = 0, bad = 0;
    if (path == NULL || plans.head == NULL)
        skip_loudly("no cases of phone-engine, or no tables of the test metadata");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] == '#' || cells(line, cell) < 7 || strcmp(cell[2], "testmeta") != 0 || strcmp(cell[3], op) != 0)
            continue;
        n++;
        bad += !row(cell + 4);
    }
    fclose(f);
    printf("%s: %zu rows\n", op, n);
    assert_int_equal(bad, 0);
    assert_true(n >= at_least);
}

TEST(numbers_are_written_as_libphonenumber_writes_them)
{
    run("format", write_row, 20);
}

TEST(numbers_match_where_libphonenumber_says_so)
{
    run("match", match_row, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(numbers_are_written_as_libphonenumber_writes_them),
                                       T(numbers_match_where_libphonenumber_says_so)};
    open_plans();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
