/* SPDX-License-Identifier: Apache-2.0
 * test_contact_row.c - columns by their many names, and what a row must say about consent. */
#include "t.h"

#include "base/json.h"
#include "cmd/contact_row.h"

static void split(const char *line, struct csv_row *row)
{
    struct str rest = str_of(line);
    row->n = 0;
    row->line = 7;
    while (rest.p)
        row->field[row->n++] = str_cut(rest, ',', &rest);
}

TEST(columns)
{
    static const struct {
        const char *header;
        int phone, name, at;
        const char *ignored;
    } rows[] = {
        {"phone,name,consent_at", 0, 1, 2, ""},
        {"Name, Phone Number ,Opt-In Date", 1, 0, 2, ""},
        {"Celular,NOME,cidade,estado", 0, 1, -1, "cidade, estado"},
        {"MSISDN,Full-Name", 0, 1, -1, ""},
        {"WhatsApp,,Nombre", 0, 2, -1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct csv_row row;
        struct contact_columns c;
        struct err e = {0};
        split(rows[i].header, &row);
        assert_ok(contact_columns_read(&c, &row, &e), e);
        assert_int_equal(c.at[COLUMN_PHONE], rows[i].phone);
        assert_int_equal(c.at[COLUMN_NAME], rows[i].name);
        assert_int_equal(c.at[COLUMN_AT], rows[i].at);
        assert_string_equal(buf_cstr(&c.ignored), rows[i].ignored);
        contact_columns_done(&c);
    }
}

TEST(headers_refused)
{
    static const struct {
        const char *header, *says;
    } rows[] = {
        {"+15550100,Ada", "must be a header"},
        {"name,lang", "no column \"phone\""},
        {"phone,name,mobile", "\"phone\" and \"mobile\" both mean phone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct csv_row row;
        struct contact_columns c;
        struct err e = {0};
        split(rows[i].header, &row);
        assert_int_equal(contact_columns_read(&c, &row, &e), WL_EINVAL);
        assert_non_null(strstr(e.text, rows[i].says));
        contact_columns_done(&c);
    }
}

/* phone, user_id, consent, consent_act, consent_at */
static int read_row(const char *line, const char *scope, const char *at, struct buf *b, enum contact_column *field,
                    struct err *e)
{
    struct csv_row row;
    struct contact_columns c;
    struct json_out out;
    *e = (struct err){0};
    split("phone,user_id,consent,consent_act,consent_at,name", &row);
    assert_ok(contact_columns_read(&c, &row, e), *e);
    c.fallback[COLUMN_CONSENT] = scope;
    c.fallback[COLUMN_AT] = at;
    split(line, &row);
    json_out_init(&out, b);
    int rc = contact_row_json(&c, &row, &out, field, e);
    contact_columns_done(&c);
    return rc;
}

TEST(good_rows)
{
    static const struct {
        const char *line, *scope, *at, *want;
    } rows[] = {
        {"+1 555 0100,,,,,Ada", NULL, NULL, "{\"row\":7,\"phone\":\"+1 555 0100\",\"name\":\"Ada\",\"lang\":\"\"}"},
        {"+15550100,,no,,,", NULL, NULL, "{\"row\":7,\"phone\":\"+15550100\",\"name\":\"\",\"lang\":\"\"}"},
        {",US.13491208655302741918,,,,", NULL, NULL,
         "{\"row\":7,\"user_id\":\"US.13491208655302741918\",\"name\":\"\",\"lang\":\"\"}"},
        {"+15550100,,Marketing; Utility,,2026-01-31,", NULL, NULL,
         "\"consent\":{\"scope\":\"marketing,utility\",\"act\":\"grant\",\"at\":\"2026-01-31T00:00:00.000Z\","
         "\"method\":\"import\""},
        {"+15550100,,all,withdraw,2026-01-31T10:00:00+02:00,", NULL, NULL,
         "\"scope\":\"all\",\"act\":\"withdraw\",\"at\":\"2026-01-31T08:00:00.000Z\""},
        {"+15550100,,,,,", "utility", "2026-02-01",
         "\"scope\":\"utility\",\"act\":\"grant\",\"at\":\"2026-02-01T00:00:00.000Z\""},
        {"+15550100,,marketing,,,", "utility", "2026-02-01", "\"scope\":\"marketing\""},
        {"+15550100,,no,,,", "utility", "2026-02-01", "\"lang\":\"\"}"}, /* its own word counts */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct err e;
        enum contact_column field;
        buf_init(&b, 65536);
        assert_ok(read_row(rows[i].line, rows[i].scope, rows[i].at, &b, &field, &e), e);
        if (strstr(buf_cstr(&b), rows[i].want) == NULL)
            fail_msg("%s: got %s, want %s", rows[i].line, buf_cstr(&b), rows[i].want);
        buf_done(&b);
    }
}

/* A withdrawal is taken as long as the row says who it is; what cannot be read goes to the gateway as it stands. */
TEST(withdrawals)
{
    static const struct {
        const char *line, *scope, *at;
        int rc;
        const char *want;
    } rows[] = {
        {"+15550100,,,withdraw,,", NULL, NULL, 0, "\"scope\":\"all\",\"act\":\"withdraw\",\"method\""},
        {"+15550100,,no,withdraw,2026-01-02,", NULL, NULL, 0, "\"scope\":\"all\""},
        {"+15550100,,yes,withdrawn,,", NULL, NULL, 0, "\"scope\":\"all\""},
        {"+15550100,,Marketing,withdraw,31/01/2026,", NULL, NULL, 0,
         "\"scope\":\"marketing\",\"act\":\"withdraw\",\"at\":\"31/01/2026\""},
        {"+15550100,,marketting,withdraw,,", NULL, NULL, 0, "\"scope\":\"marketting\""},
        {"+15550100,,,withdraw,,", "utility", "2026-02-01", 0, "\"scope\":\"all\",\"act\":\"withdraw\",\"method\""},
        {"+15550100,nonsense,all,withdraw,,", NULL, NULL, 1, "{\"row\":7,\"phone\":\"+15550100\",\"name\""},
        {"hello,US.13491208655302741918,all,withdraw,,", NULL, NULL, 1, "{\"row\":7,\"user_id\":\"US.1349"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct err e;
        enum contact_column field;
        buf_init(&b, 65536);
        int rc = read_row(rows[i].line, rows[i].scope, rows[i].at, &b, &field, &e);
        if (rc != rows[i].rc || strstr(buf_cstr(&b), rows[i].want) == NULL || (rc == 1) != (e.text[0] != '\0'))
            fail_msg("%s: %d, \"%s\", got %s, want %s", rows[i].line, rc, e.text, buf_cstr(&b), rows[i].want);
        buf_done(&b);
    }
}

TEST(bad_rows)
{
    static const struct {
        const char *line;
        enum contact_column field;
        const char *says;
    } rows[] = {
        {",,,,,Ada", COLUMN_PHONE, "is empty"},
        {"hello,,,,,", COLUMN_PHONE, ""},
        {"5.51199E+12,,,,,", COLUMN_PHONE, "shortened by a spreadsheet"},
        {"212 555 0123,,,,,", COLUMN_PHONE, "write it with + and the country code"},
        {"(11) 98765-4323,,,,,", COLUMN_PHONE, "--international"},
        {"+15550100,nonsense,,,,", COLUMN_USER_ID, ""},
        {"+15550100,,yes,,2026-01-01,", COLUMN_CONSENT, "does not say to what"},
        {"+15550100,,everything,,2026-01-01,", COLUMN_CONSENT, "everything"},
        {"+15550100,,all,maybe,2026-01-01,", COLUMN_ACT, "grant or withdraw"},
        {"+15550100,,all,,,", COLUMN_AT, "is missing"},
        {"+15550100,,all,,31/01/2026,", COLUMN_AT, "must be a date"},
        {"+15550100,,all,,2999-01-01,", COLUMN_AT, "in the future"},
        {"hello,,all,withdraw,,", COLUMN_PHONE, ""},
        {",,all,withdraw,,", COLUMN_PHONE, "is empty"},
        {"hello,nonsense,all,withdraw,,", COLUMN_PHONE, ""},
        {"+15550100,,all,,2026-01-01,a,b", COLUMN_PHONE, "7 fields, the header 6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct err e;
        enum contact_column field = COLUMN_COUNT;
        buf_init(&b, 65536);
        int rc = read_row(rows[i].line, NULL, NULL, &b, &field, &e);
        if (rc != WL_EINVAL || field != rows[i].field || strstr(e.text, rows[i].says) == NULL || *e.text == '\0')
            fail_msg("%s: %d, field %d, \"%s\"", rows[i].line, rc, (int)field, e.text);
        buf_done(&b);
    }
}

/* A number without '+' is taken when the whole file was said to be international, and only then. */
TEST(plus_or_vouched)
{
    static const struct {
        const char *phone;
        bool plain, vouched;
    } rows[] = {
        {"+447700900123", true, true},
        {"(+44) 7700-900123", true, true},
        {"\xEF\xBC\x8B"
         "447700900123",
         true, true},
        {"447700900123", false, true},
        {"55 (11) 98765-4323", false, true},
        {"4477+00900123", false, false},
        {"5.51199E+12", false, false},
        {"hello", false, false},
    };
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof rows[0]); i++) {
        struct csv_row row;
        struct contact_columns c;
        struct json_out out;
        struct buf b;
        struct err e = {0};
        enum contact_column field;
        bool vouched = i % 2, want = vouched ? rows[i / 2].vouched : rows[i / 2].plain;
        split("phone", &row);
        assert_ok(contact_columns_read(&c, &row, &e), e);
        c.international = vouched;
        split(rows[i / 2].phone, &row);
        buf_init(&b, 65536);
        json_out_init(&out, &b);
        if ((contact_row_json(&c, &row, &out, &field, &e) == 0) != want)
            fail_msg("%s, %s: \"%s\"", rows[i / 2].phone, vouched ? "vouched" : "plain", e.text);
        buf_done(&b);
        contact_columns_done(&c);
    }
}

TESTS(T(columns), T(headers_refused), T(good_rows), T(withdrawals), T(bad_rows), T(plus_or_vouched))
