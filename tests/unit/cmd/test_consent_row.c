/* SPDX-License-Identifier: Apache-2.0
 * test_consent_row.c - rows of files as consent events: which column is which, what is added, and what a row must not say. */
#include "split_row.h"

#include "cmd/consent_row.h"

#define HASH   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ORIGIN "\"import\":{\"file\":\"leads\",\"sha256\":\"" HASH "\",\"row\":7}"

static struct phone_data plans;

static struct consent_format format(void)
{
    return (struct consent_format){.file = "leads", .sha256 = HASH, .numbers.plans = &plans};
}

TEST(headers)
{
    static const struct {
        const char *map, *header, *says; /* says: NULL, it is taken */
        const char *ignored;
    } rows[] = {
        {NULL, "who,act,scope,at", NULL, ""},
        {NULL, "phone,scope,town", NULL, "town"},
        {"who=Mobile", "Mobile,phone,scope", NULL, "phone"},
        {"at=When", "who,When,at", NULL, "at"},
        {NULL, "scope,at", "no column says who", ""},
        {NULL, "who,phone", "two columns are who", ""},
        {"who=Mobile", "who,scope", "no column \"Mobile\" for who", "who"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct consent_format f = format();
        struct import_row row;
        struct err e = {0};
        if (rows[i].map != NULL)
            assert_ok(consent_format_map(&f, rows[i].map, &e), e);
        split(rows[i].header, &row);
        int rc = consent_format_header(&f, &row, &e);
        if (rows[i].says != NULL && (rc != WL_EINVAL || strstr(e.text, rows[i].says) == NULL))
            fail_msg("row %zu: %d, %s", i, rc, e.text);
        if (rows[i].says == NULL)
            assert_ok(rc, e);
        assert_string_equal(buf_cstr(&f.ignored), rows[i].ignored);
        consent_format_done(&f);
    }
}

TEST(maps_refused)
{
    static const char *const rows[][2] = {{"whom=a", "did you mean who"},
                                          {"who", "FIELD=COLUMN"},
                                          {"who=", "FIELD=COLUMN"},
                                          {"=a", "FIELD=COLUMN"},
                                          {"act=b", "mapped twice"}};
    struct consent_format f = format();
    struct err e = {0};
    assert_ok(consent_format_map(&f, "act=a", &e), e);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(consent_format_map(&f, rows[i][0], &e), WL_EINVAL);
        assert_non_null(strstr(e.text, rows[i][1]));
    }
}

TEST(rows_of_a_table)
{
    static const struct {
        const char *line, *want, *field; /* field: at fault, instead of want */
    } rows[] = {
        {"+15550001111,grant,Marketing; Utility,2026-01-02,a letter",
         "{\"row\":7,\"who\":\"+15550001111\",\"act\":\"grant\",\"scope\":\"marketing,utility\",\"at\":\"2026-01-02T00:"
         "00:00.000Z\","
         "\"method\":\"import\",\"evidence\":{\"text\":\"a letter\"," ORIGIN "}}",
         NULL},
        {"US.1349,withdraw,,,",
         "{\"row\":7,\"who\":\"US.1349\",\"act\":\"withdraw\",\"method\":\"import\",\"evidence\":{" ORIGIN "}}", NULL},
        {"+15550001111,grant,nonsense,never,",
         "{\"row\":7,\"who\":\"+15550001111\",\"act\":\"grant\",\"scope\":\"nonsense\",\"at\":\"never\",\"method\":"
         "\"import\","
         "\"evidence\":{" ORIGIN "}}",
         NULL}, /* the gateway says what is wrong */
        {"15550001111,grant,all,2026-01-02,", NULL, "who"},
        {"5.5E+12,grant,all,2026-01-02,", NULL, "who"},
        {",grant,all,2026-01-02,", NULL, "who"},
        {"+15550001111,grant,all,2026-01-02,,more", NULL, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct consent_format f = format();
        struct import_row row;
        struct json_out out;
        struct buf b;
        struct err e = {0};
        const char *field = NULL;
        f.fallback[FIELD_METHOD] = "import";
        buf_init(&b, 4096);
        json_out_init(&out, &b);
        split("who,act,scope,at,evidence", &row);
        assert_ok(consent_format_header(&f, &row, &e), e);
        split(rows[i].line, &row);
        int rc = consent_row_table(&f, &row, &out, &field, &e);
        if (rows[i].want != NULL) {
            assert_ok(rc, e);
            assert_str(buf_str(&b), rows[i].want);
        } else {
            assert_int_equal(rc, WL_EINVAL);
            assert_string_equal(field != NULL ? field : "", rows[i].field);
        }
        buf_done(&b);
        consent_format_done(&f);
    }
}

TEST(lines_of_json)
{
    static const struct {
        const char *line, *want, *field;
    } rows[] = {
        {"{\"Mobile\":\"+15550001111\",\"act\":\"grant\",\"evidence\":{\"call_id\":\"c\",\"import\":1},\"error\":"
         "\"old\",\"row\":3}",
         "{\"row\":7,\"who\":\"+15550001111\",\"act\":\"grant\",\"method\":\"import\",\"evidence\":{\"call_id\":"
         "\"c\"," ORIGIN "}}",
         NULL},
        {"{\"Mobile\":\"+15550001111\",\"wordng\":[1],\"evidence\":\"seen\",\"at\":null}",
         "{\"row\":7,\"who\":\"+15550001111\",\"wordng\":[1],\"method\":\"import\",\"evidence\":{\"text\":"
         "\"seen\"," ORIGIN "}}",
         NULL},
        {"{\"Mobile\":\"+15550001111\",\"at\":\"2026-01-02\",\"consent_at\":\"2026-01-03\"}", NULL, "at"},
        {"{\"Mobile\":\"\"}", NULL, "who"},
        {"{\"act\":\"grant\"}", NULL, "who"},
        {"[1]", NULL, ""},
        {"{", NULL, ""},
    };
    struct json_parser *parser = json_parser_create();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct consent_format f = format();
        struct json_out out;
        struct buf b;
        struct err e = {0};
        const char *field = NULL;
        f.fallback[FIELD_METHOD] = "import";
        f.mapped[FIELD_WHO] = "Mobile";
        buf_init(&b, 4096);
        json_out_init(&out, &b);
        int rc = consent_row_json(&f, parser, str_of(rows[i].line), 7, &out, &field, &e);
        if (rows[i].want != NULL) {
            assert_ok(rc, e);
            assert_str(buf_str(&b), rows[i].want);
        } else if (rc != WL_EINVAL || strcmp(field != NULL ? field : "", rows[i].field) != 0) {
            fail_msg("row %zu: %d, %s", i, rc, field != NULL ? field : "no field");
        }
        buf_done(&b);
    }
    json_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(headers), T(maps_refused), T(rows_of_a_table), T(lines_of_json)};
    phone_data_builtin(&plans);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
