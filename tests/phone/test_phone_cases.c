/* SPDX-License-Identifier: Apache-2.0
 * test_phone_cases.c - the number engine against the shared cases: calls of libphonenumber with what it answered.
 *
 * phone-engine has calls logged while that library's own tests passed, on its invented plans (PHONE_TESTMETA names the tables made of
 * them), and calls on today's plans (PHONE_CURRENT). phones has numbers as people write them. Every call whose answer differs is
 * printed; one is a failure. How numbers are written and compared is tested beside their code. */
#include "core/phone_number.h"
#include "tests/phone/case_rows.h"
#include "tests/t.h"

struct tables {
    struct phone_data d;
    void *bytes;
};

static struct tables current, testmeta;

static bool load(struct tables *t, const char *env)
{
    struct err e = {0};
    const char *path = getenv(env);
    FILE *f = path ? fopen(path, "rb") : NULL;
    if (!f)
        return false;
    t->bytes = aligned_alloc(8, PHONE_FILE_MAX);
    assert_non_null(t->bytes);
    size_t n = fread(t->bytes, 1, PHONE_FILE_MAX, f);
    fclose(f);
    assert_ok(phone_data_open(&t->d, t->bytes, n, &e), e);
    return true;
}

static const char *ended(char *p)
{
    p[case_bytes(p).n] = '\0';
    return p;
}

/* ---- the calls ---- */

struct said {
    char text[256];
};

static struct str number_of(const struct phone_data *d, char **f, struct phone_number *n)
{
    phone_number_of(d, (unsigned)strtoul(f[0], NULL, 10), str_of(f[1]), n);
    return str_of(f[2]);
}

/* "001" is the entity of the number's own code, if that is no region's. */
static int region_of(const struct phone_data *d, const struct phone_number *n, const char *id)
{
    int main = phone_region_of_code(d, n->code);
    if (strcmp(id, "001") == 0)
        return strcmp(phone_region_id(d, main), id) == 0 ? main : 0;
    return phone_region(d, str_of(id));
}

static const char *e164_of(const struct phone_number *n, char ret[PHONE_E164_MAX + 8])
{
    ret[0] = '\0';
    if (n->status != PHONE_OK)
        return ret;
    snprintf(ret, PHONE_E164_MAX + 8, "+%u%s", n->code, n->nsn);
    if (strlen(ret) <= 20)
        assert_int_equal(n->e164, strtoull(ret + 1, NULL, 10));
    else
        assert_int_equal(n->e164, 0);
    return ret;
}

static void full(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct str text = case_bytes(f[1]);
    struct phone_number n;
    char e164[PHONE_E164_MAX + 8];
    phone_number_read(d, text, phone_region(d, str_of(f[0])), &n);
    if (n.status == PHONE_OK)
        snprintf(got->text, sizeof got->text, "0 %u %s %.*s %s %u %d %u %s", n.code, n.nsn, n.ext_len,
                 text.p + n.ext_at, phone_region_id(d, n.region), n.type, phone_number_valid(&n), n.possible,
                 e164_of(&n, e164));
    else
        snprintf(got->text, sizeof got->text, "%u", n.status);
    if (strcmp(f[2], "0") == 0)
        snprintf(want->text, sizeof want->text, "0 %s %s %s %s %s %s %s %s", f[3], f[4], ended(f[5]), f[6], f[7], f[8],
                 f[9], f[10]);
    else
        snprintf(want->text, sizeof want->text, "%s", f[2]);
}

static void parse_either(const struct phone_data *d, char **f, bool keep, struct said *got, struct said *want)
{
    struct str text = case_bytes(f[0]);
    struct phone_number n;
    struct phone_raw kept = {.carrier = ""};
    if (keep)
        phone_number_read_raw(d, text, phone_region(d, str_of(f[1])), &n, &kept);
    else
        phone_number_read(d, text, phone_region(d, str_of(f[1])), &n);
    snprintf(got->text, sizeof got->text, "%u %u %s %.*s %d %s", n.status, n.code, n.nsn, n.ext_len, text.p + n.ext_at,
             n.status == PHONE_OK ? kept.source : 0, n.status == PHONE_OK ? kept.carrier : "");
    if (strcmp(f[2], "0") != 0)
        snprintf(want->text, sizeof want->text, "%s 0   0 ", f[2]);
    else
        snprintf(want->text, sizeof want->text, "%s %s %s %s %s %s", f[2], f[3], f[4], ended(f[5]), f[6], f[7]);
}

static void parse(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    parse_either(d, f, false, got, want);
}

static void parse_raw(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    parse_either(d, f, true, got, want);
}

static void type(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct phone_number n;
    number_of(d, f, &n);
    snprintf(got->text, sizeof got->text, "%u", n.type);
    snprintf(want->text, sizeof want->text, "%s", f[3]);
}

static void valid(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct phone_number n;
    number_of(d, f, &n);
    snprintf(got->text, sizeof got->text, "%d", phone_number_valid(&n));
    snprintf(want->text, sizeof want->text, "%s", f[3]);
}

static void region(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct phone_number n;
    number_of(d, f, &n);
    snprintf(got->text, sizeof got->text, "%s", phone_region_id(d, n.region));
    snprintf(want->text, sizeof want->text, "%s", f[3]);
}

static void valid_for_region(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct phone_number n;
    number_of(d, f, &n);
    snprintf(got->text, sizeof got->text, "%d", phone_number_valid_for(d, &n, region_of(d, &n, f[3])));
    snprintf(want->text, sizeof want->text, "%s", f[4]);
}

static void possible(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct phone_number n;
    number_of(d, f, &n);
    snprintf(got->text, sizeof got->text, "%d",
             phone_number_possible_for(d, &n, (enum phone_type)strtoul(f[3], NULL, 10)));
    snprintf(want->text, sizeof want->text, "%s", f[4]);
}

static void possible_str(const struct phone_data *d, char **f, struct said *got, struct said *want)
{
    struct phone_number n;
    phone_number_read(d, case_bytes(f[0]), phone_region(d, str_of(f[1])), &n);
    snprintf(got->text, sizeof got->text, "%d", n.status == PHONE_OK && n.possible <= PHONE_IS_POSSIBLE_LOCAL_ONLY);
    snprintf(want->text, sizeof want->text, "%s", f[2]);
}

static bool same(const struct phone_data *d, char **f,
                 void (*run)(const struct phone_data *, char **, struct said *, struct said *))
{
    struct said got = {""}, want = {""};
    run(d, f, &got, &want);
    if (strcmp(got.text, want.text) == 0)
        return true;
    fprintf(stderr, "got:  %s\nwant: %s\n", got.text, want.text);
    return false;
}

#define CALLS(X)                                                                                                       \
    X(full) X(parse) X(parse_raw) X(type) X(valid) X(region) X(possible) X(valid_for_region) X(possible_str)
#define X(name)                                                                                                        \
    static bool run_##name(void *d, char **f)                                                                          \
    {                                                                                                                  \
        return same(d, f, name);                                                                                       \
    }
CALLS(X)
#undef X

static const struct case_call calls[] = {
#define X(name) {#name, run_##name},
    CALLS(X)
#undef X
        {"format", NULL}, /* test_write_cases.c */
    {"match", NULL},
};

/* ---- the tests ---- */

static void run_all(const char *metadata, const struct phone_data *d, unsigned least)
{
    struct phone_data plans = *d;
    const char *cases = case_file("phone-engine/cases.tsv");
    struct case_count n = case_run(cases, metadata, calls, sizeof calls / sizeof calls[0], &plans);
    assert_int_equal(n.wrong, 0);
    assert_in_range(n.ran, least, 100000);
}

TEST(googles_own_tests)
{
    if (!case_file("phone-engine/cases.tsv") || !testmeta.bytes)
        skip_loudly("no shared cases");
    run_all("testmeta", &testmeta.d, 600);
}

TEST(calls_on_todays_plans)
{
    if (!case_file("phone-engine/cases.tsv"))
        skip_loudly("no shared cases");
    run_all("npm", &current.d, 9000);
}

/* The shared cases have no row that would tell a code's main region from the entity without a place. */
TEST(no_region_is_asked_by_its_name)
{
    static const struct {
        const char *field[5];
    } rows[] = {{{"1", "2125550100", "", "001", "0"}}, {{"1", "2122345678", "", "001", "0"}},
                {{"1", "2122345678", "", "US", "1"}},  {{"49", "30123456", "", "001", "0"}},
                {{"800", "12345678", "", "001", "1"}}, {{"800", "12345678", "", "US", "0"}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *f[5];
        for (int k = 0; k < 5; k++)
            f[k] = (char *)(uintptr_t)rows[i].field[k];
        assert_true(run_valid_for_region(&current.d, f));
    }
}

static void lower(char *z)
{
    for (; *z; z++)
        *z = (char)(*z >= 'A' && *z <= 'Z' ? *z + 32 : *z);
}

/* id input region claim possible valid e164 type region ext */
static void phones_row(const struct phone_data *d, struct case_row *r, struct said *got, struct said *want)
{
    struct phone_number n;
    struct str text = str_of(r->f[1]);
    char e164[PHONE_E164_MAX + 8];
    phone_number_read(d, text, phone_region(d, str_of(r->f[2])), &n);
    bool ok = n.status == PHONE_OK;
    snprintf(got->text, sizeof got->text, "%s %s %s %s %s %.*s",
             ok && n.possible <= PHONE_IS_POSSIBLE_LOCAL_ONLY ? "yes" : "no", phone_number_valid(&n) ? "yes" : "no",
             e164_of(&n, e164), ok ? phone_type_word(n.type) : "", ok && n.region ? phone_region_id(d, n.region) : "",
             n.ext_len, text.p + n.ext_at);
    lower(r->f[7]);
    snprintf(want->text, sizeof want->text, "%s %s %s %s %s %s", r->f[4], r->f[5], r->f[6], r->f[7], r->f[8], r->f[9]);
}

TEST(numbers_as_people_write_them)
{
    static struct case_row r;
    unsigned ran = 0, wrong = 0;
    const char *path = case_file("phones/numbers.tsv");
    if (!path)
        skip_loudly("no shared cases");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (case_row_next(f, &r)) {
        struct said got, want;
        if (strcmp(r.f[0], "id") == 0)
            continue;
        phones_row(&current.d, &r, &got, &want);
        ran++;
        if (strcmp(got.text, want.text) != 0) {
            fprintf(stderr, "%s \"%s\" %s got:  %s\nwant: %s\n", r.f[0], r.f[1], r.f[2], got.text, want.text);
            wrong++;
        }
    }
    fclose(f);
    fprintf(stderr, "%u numbers\n", ran);
    assert_in_range(ran, 1500, 100000);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(googles_own_tests), T(calls_on_todays_plans),
                                       T(no_region_is_asked_by_its_name), T(numbers_as_people_write_them)};
    if (!load(&current, "PHONE_CURRENT")) {
        fprintf(stderr, "PHONE_CURRENT names no tables\n");
        return 1;
    }
    load(&testmeta, "PHONE_TESTMETA");
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    free(current.bytes);
    free(testmeta.bytes);
    return rc;
}
