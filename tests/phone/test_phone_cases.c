/* SPDX-License-Identifier: Apache-2.0
 * test_phone_cases.c - the number engine against the shared cases: calls of libphonenumber with what it answered.
 *
 * phone-engine has calls logged while that library's own tests passed, on its invented plans (PHONE_TESTMETA names the tables made of
 * them), and calls on today's plans (PHONE_CURRENT). phones has numbers as people write them. Every call whose answer differs is
 * printed; one is a failure. How numbers are written and compared is tested beside their code. */
#include "core/phone_number.h"
#include "tests/t.h"

#define LINE_MAX_BYTES 8192
#define FIELDS         16
#define UNKNOWN_REGION "ZZ"

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

/* ---- one line ---- */

struct row {
    char line[LINE_MAX_BYTES];
    char *f[FIELDS];
    unsigned fields;
};

static void split(struct row *r)
{
    char *p = r->line;
    r->line[strcspn(r->line, "\r\n")] = '\0';
    for (r->fields = 0; r->fields < FIELDS && p; r->fields++) {
        r->f[r->fields] = p;
        p = strchr(p, '\t');
        if (p)
            *p++ = '\0';
    }
    for (unsigned i = r->fields; i < FIELDS; i++)
        r->f[i] = r->line + strlen(r->line);
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Undoes \xHH, in place. */
static struct str raw(char *p)
{
    char *from = p, *to = p;
    for (; *from; to++) {
        if (from[0] == '\\' && from[1] == 'x') {
            *to = (char)(hex(from[2]) * 16 + hex(from[3]));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    return (struct str){p, (size_t)(to - p)};
}

static const char *ended(char *p)
{
    p[raw(p).n] = '\0';
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

static int region_of(const struct phone_data *d, const struct phone_number *n, const char *id)
{
    return strcmp(id, "001") == 0 ? phone_region_of_code(d, n->code) : phone_region(d, str_of(id));
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
    struct str text = raw(f[1]);
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
    struct str text = raw(f[0]);
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
    phone_number_read(d, raw(f[0]), phone_region(d, str_of(f[1])), &n);
    snprintf(got->text, sizeof got->text, "%d", n.status == PHONE_OK && n.possible <= PHONE_IS_POSSIBLE_LOCAL_ONLY);
    snprintf(want->text, sizeof want->text, "%s", f[2]);
}

static const struct call {
    const char *name;
    void (*run)(const struct phone_data *, char **, struct said *, struct said *);
} calls[] = {
    {"full", full},
    {"parse", parse},
    {"parse_raw", parse_raw},
    {"type", type},
    {"valid", valid},
    {"region", region},
    {"possible", possible},
    {"valid_for_region", valid_for_region},
    {"possible_str", possible_str},
};

static const struct call *call_of(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

/* ---- the tests ---- */

/* Runs every call of the file on those plans; how many there were. */
static unsigned run_cases(const char *path, const char *metadata, const struct phone_data *d, unsigned *ret_wrong)
{
    struct row r;
    unsigned ran = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(r.line, sizeof r.line, f)) {
        struct said got = {""}, want = {""};
        char line[LINE_MAX_BYTES];
        memcpy(line, r.line, sizeof line);
        split(&r);
        const struct call *c = call_of(r.f[3]);
        if (r.line[0] == '#' || strncmp(r.f[2], metadata, strlen(metadata)) != 0 || !c)
            continue;
        c->run(d, r.f + 4, &got, &want);
        ran++;
        if (strcmp(got.text, want.text) != 0) {
            fprintf(stderr, "%s got:  %s\nwant: %s\n", line, got.text, want.text);
            ++*ret_wrong;
        }
    }
    fclose(f);
    fprintf(stderr, "%u calls on %s\n", ran, metadata);
    return ran;
}

TEST(googles_own_tests)
{
    unsigned wrong = 0;
    const char *cases = case_file("phone-engine/cases.tsv");
    if (!cases || !testmeta.bytes)
        skip_loudly("no shared cases");
    assert_in_range(run_cases(cases, "testmeta", &testmeta.d, &wrong), 600, 100000);
    assert_int_equal(wrong, 0);
}

TEST(calls_on_todays_plans)
{
    unsigned wrong = 0;
    const char *cases = case_file("phone-engine/cases.tsv");
    if (!cases)
        skip_loudly("no shared cases");
    assert_in_range(run_cases(cases, "npm", &current.d, &wrong), 9000, 100000);
    assert_int_equal(wrong, 0);
}

static void lower(char *z)
{
    for (; *z; z++)
        *z = (char)(*z >= 'A' && *z <= 'Z' ? *z + 32 : *z);
}

/* id input region claim possible valid e164 type region ext */
static void phones_row(const struct phone_data *d, struct row *r, struct said *got, struct said *want)
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
    struct row r;
    unsigned ran = 0, wrong = 0;
    const char *path = case_file("phones/numbers.tsv");
    if (!path)
        skip_loudly("no shared cases");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(r.line, sizeof r.line, f)) {
        struct said got, want;
        split(&r);
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
    const struct CMUnitTest tests[] = {T(googles_own_tests), T(calls_on_todays_plans), T(numbers_as_people_write_them)};
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
