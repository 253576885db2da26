/* SPDX-License-Identifier: Apache-2.0
 * test_contact_row.c - rows as contacts: whose number it is, and what a row says about consent. */
#include "split_row.h"

#include "base/json.h"
#include "cmd/contact_row.h"

static struct phone_data plans;
static struct arena *arena;

/* As an import has it once it read this header. */
static struct contact_format format(const char *header)
{
    struct contact_format f = {.consent_from = -1, .file = "crm.csv", .sha256 = "5eaf", .numbers.plans = &plans};
    struct import_row row;
    struct err e = {0};
    struct table_batch nothing = {0};
    split(header, &row);
    assert_ok(columns_read(arena, row.row, row.cells, &f.columns, &e), e);
    columns_look(&f.columns, &plans, 0, &nothing);
    return f;
}

TEST(columns_not_used)
{
    struct contact_format f = format("Celular,NOME,cidade,Email,Tags,bairro");
    struct buf b;
    buf_init(&b, 1024);
    struct err e = {0};
    assert_ok(contact_attribute(&f, "city=CIDADE", &e), e);
    contact_ignored(&f, &b);
    assert_string_equal(buf_cstr(&b), "Email, bairro");
    assert_int_equal(contact_attribute(&f, "city=Town", &e), WL_EINVAL);
    assert_int_equal(contact_attribute(&f, "city", &e), WL_EINVAL);
    struct import_row row;
    struct contact_found found;
    struct json_out out;
    buf_clear(&b);
    json_out_init(&out, &b);
    split("+5511987654321,Ana,Recife,a@x,\"\"\"VIP\"\",\"\"Blog\"\"\",PE", &row);
    assert_ok(contact_row_json(&f, &row, &out, &found, &e), e);
    assert_str(buf_str(&b), "{\"row\":7,\"phone\":\"+5511987654321\",\"name\":\"Ana\",\"lang\":\"\","
                            "\"tags\":[\"VIP\",\"Blog\"],\"attributes\":{\"city\":\"Recife\"}}");
    buf_done(&b);
}

/* phone, user_id, consent, consent_act, consent_at */
static int read_row(const char *line, const char *scope, const char *at, struct buf *b, enum column_role *field,
                    struct err *e)
{
    struct contact_format f = format("phone,user_id,consent,consent_act,consent_at,name");
    struct contact_found found;
    struct import_row row;
    struct json_out out;
    *e = (struct err){0};
    f.fallback[COLUMN_CONSENT] = scope;
    f.fallback[COLUMN_AT] = at;
    split(line, &row);
    json_out_init(&out, b);
    int rc = contact_row_json(&f, &row, &out, &found, e);
    *field = found.field;
    return rc;
}

TEST(good_rows)
{
    static const struct {
        const char *line, *scope, *at, *want;
    } rows[] = {
        {"+1 202 555 0100,,,,,Ada", NULL, NULL,
         "{\"row\":7,\"phone\":\"+12025550100\",\"name\":\"Ada\",\"lang\":\"\"}"},
        {"+12025550100,,no,,,", NULL, NULL, "{\"row\":7,\"phone\":\"+12025550100\",\"name\":\"\",\"lang\":\"\"}"},
        {",US.13491208655302741918,,,,", NULL, NULL,
         "{\"row\":7,\"user_id\":\"US.13491208655302741918\",\"name\":\"\",\"lang\":\"\"}"},
        {"+12025550100,,Marketing; Utility,,2026-01-31,", NULL, NULL,
         "\"consent\":{\"scope\":\"marketing,utility\",\"act\":\"grant\",\"at\":\"2026-01-31T00:00:00.000Z\","
         "\"method\":\"import\""},
        {"+12025550100,,all,withdraw,2026-01-31T10:00:00+02:00,", NULL, NULL,
         "\"scope\":\"all\",\"act\":\"withdraw\",\"at\":\"2026-01-31T08:00:00.000Z\""},
        {"+12025550100,,,,,", "utility", "2026-02-01",
         "\"scope\":\"utility\",\"act\":\"grant\",\"at\":\"2026-02-01T00:00:00.000Z\""},
        {"+12025550100,,marketing,,,", "utility", "2026-02-01", "\"scope\":\"marketing\""},
        {"+12025550100,,no,,,", "utility", "2026-02-01", "\"lang\":\"\"}"}, /* its own word counts */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct err e;
        enum column_role field;
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
        {"+12025550100,,,withdraw,,", NULL, NULL, 0, "\"scope\":\"all\",\"act\":\"withdraw\",\"method\""},
        {"+12025550100,,no,withdraw,2026-01-02,", NULL, NULL, 0, "\"scope\":\"all\""},
        {"+12025550100,,yes,withdrawn,,", NULL, NULL, 0, "\"scope\":\"all\""},
        {"+12025550100,,Marketing,withdraw,31/01/2026,", NULL, NULL, 0,
         "\"scope\":\"marketing\",\"act\":\"withdraw\",\"at\":\"31/01/2026\""},
        {"+12025550100,,marketting,withdraw,,", NULL, NULL, 0, "\"scope\":\"marketting\""},
        {"+12025550100,,,opt-out,,", NULL, NULL, 0, "\"scope\":\"all\",\"act\":\"withdraw\""},
        {"+12025550100,,,Unsubscribe,,", NULL, NULL, 0, "\"scope\":\"all\",\"act\":\"withdraw\""},
        {"+12025550100,,Opted out,,2026-01-01,", NULL, NULL, 0, "\"scope\":\"all\",\"act\":\"withdraw\""},
        {"+12025550100,,,withdraw,,", "utility", "2026-02-01", 0, "\"scope\":\"all\",\"act\":\"withdraw\",\"method\""},
        {"+12025550100,nonsense,all,withdraw,,", NULL, NULL, 1, "{\"row\":7,\"phone\":\"+12025550100\",\"name\""},
        {"hello,US.13491208655302741918,all,withdraw,,", NULL, NULL, 1, "{\"row\":7,\"user_id\":\"US.1349"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct err e;
        enum column_role field;
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
        enum column_role field;
        const char *says;
    } rows[] = {
        {",,,,,Ada", COLUMN_PHONE, "is empty"},
        {"hello,,,,,", COLUMN_PHONE, ""},
        {"5.51199E+12,,,,,", COLUMN_PHONE, "last digits are lost"},
        {"212 555 0123,,,,,", COLUMN_PHONE, "nothing says which"},
        {"(11) 98765-4323,,,,,", COLUMN_PHONE, "--international"},
        {"+12025550100,nonsense,,,,", COLUMN_USER_ID, ""},
        {"+12025550100,,yes,,2026-01-01,", COLUMN_CONSENT, "does not say to what"},
        {"+12025550100,,everything,,2026-01-01,", COLUMN_CONSENT, "everything"},
        {"+12025550100,,all,maybe,2026-01-01,", COLUMN_ACT, "grant or withdraw"},
        {"+12025550100,,,maybe,,", COLUMN_ACT, "is \"maybe\""},
        {"+12025550100,,all,,,", COLUMN_AT, "is missing"},
        {"+12025550100,,all,,31/01/2026,", COLUMN_AT, "must be a date"},
        {"+12025550100,,all,,2999-01-01,", COLUMN_AT, "in the future"},
        {"hello,,all,withdraw,,", COLUMN_PHONE, ""},
        {",,all,withdraw,,", COLUMN_PHONE, "is empty"},
        {"hello,nonsense,all,withdraw,,", COLUMN_PHONE, ""},
        {"+12025550100,,all", COLUMN_NONE, "\"consent_act\" is missing"},
        {"+12025550100,,all,,2026-01-01,a,b", COLUMN_NONE, "7 cells, the header 6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct err e;
        enum column_role field = COLUMN_ROLES;
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
        struct contact_format f = format("phone");
        struct contact_found found;
        struct import_row row;
        struct json_out out;
        struct buf b;
        struct err e = {0};
        bool vouched = i % 2, want = vouched ? rows[i / 2].vouched : rows[i / 2].plain;
        f.numbers.international = vouched;
        split(rows[i / 2].phone, &row);
        buf_init(&b, 65536);
        json_out_init(&out, &b);
        if ((contact_row_json(&f, &row, &out, &found, &e) == 0) != want)
            fail_msg("%s, %s: \"%s\"", rows[i / 2].phone, vouched ? "vouched" : "plain", e.text);
        buf_done(&b);
    }
}

/* A national number is read in the row's country, else in that of --region. */
TEST(countries)
{
    static const struct {
        const char *line, *region, *want; /* the number, or what is wrong */
    } rows[] = {
        {"0151 12345678,", "DE", "+4915112345678"},
        {"0151 12345678,Germany", "", "+4915112345678"},
        {"06 12 34 56 78,FR", "DE", "+33612345678"},
        {"0151 12345678,+49", "", "+4915112345678"},
        {"+33612345678,DE", "DE", "+33612345678"},
        {"+33612345678,Nowhere", "", "+33612345678"},
        {"0151 12345678,Nowhere", "DE", "names a country that is not known"},
        {"0151 12345678,", "", "say --region DE"},
        {"0151 1,", "DE", "given to nobody"},
        {"=cmd,", "DE", "the cell is a formula"},
        {"4.917E+11,", "DE", "last digits are lost"},
        {"0151 12345678 0160 12345678,", "DE", "several numbers in one cell"},
        {"4915112345678,", "DE", "whether it begins with a country code"},
        {"33612345678,", "DE", "whether it begins with a country code"},
        {"436641493839.0,", "AT", "\"+436641493839\""},
        {"4.36641493839E+11,", "AT", "\"+436641493839\""},
        {"+49123,", "", "only be dialled within its own area"},
        {"+49 1515877529,", "", "given to nobody"},
        {"+1 999 999 9999,", "", "given to nobody"},
        {"0170-1234567 (privat),", "DE", "\"+491701234567\""},
        {"+44 20 7946 1234/5,", "", "several numbers in one cell"},
        {"2023-03-15,", "DE", "no phone number"},
        {"#NAME?,", "DE", "left an error"},
        {"33612345678,", "FR", "+33612345678"}, /* no number in France without its code */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contact_format f = format("phone,country");
        struct contact_found found;
        struct import_row row;
        struct json_out out;
        struct buf b;
        struct err e = {0};
        f.numbers.region = phone_region(&plans, str_of(rows[i].region));
        split(rows[i].line, &row);
        buf_init(&b, 65536);
        json_out_init(&out, &b);
        int rc = contact_row_json(&f, &row, &out, &found, &e);
        if (strstr(rc == 0 ? buf_cstr(&b) : e.text, rows[i].want) == NULL)
            fail_msg("%s: %d %s %s", rows[i].line, rc, buf_cstr(&b), e.text);
        buf_done(&b);
    }
}

/* What the columns of other channels mean: no consent to WhatsApp by themselves, and the end of everything when they say so. */
TEST(other_channels)
{
    static const struct {
        const char *header, *line, *from, *want, *without;
    } rows[] = {
        {"phone,Accepts SMS Marketing", "+4915112345678,yes", NULL, "\"lang\"", "consent"},
        {"phone,Accepts SMS Marketing", "+4915112345678,yes", "Accepts SMS Marketing",
         "\"scope\":\"marketing\",\"act\":\"grant\"", "withdraw"},
        {"phone,Accepts SMS Marketing", "+4915112345678,no", "Accepts SMS Marketing", "\"lang\"", "consent"},
        {"phone,SMS Consent", "+4915112345678,UNSUBSCRIBED", "SMS Consent", "\"act\":\"withdraw\"", "grant"},
        {"phone,UNSUB_TIME,consent,consent_at", "+4915112345678,2024-05-06 07:08:09,all,2024-01-01", NULL,
         "\"scope\":\"marketing\",\"act\":\"withdraw\",\"at\":\"2024-05-06T07:08:09.000Z\",\"method\":\"import\","
         "\"evidence\":{\"column\":\"UNSUB_TIME\",\"cell\":\"2024-05-06 07:08:09\",\"import\":{\"file\":\"crm.csv\","
         "\"sha256\":\"5eaf\",\"row\":7}}",
         "grant"},
        {"phone,Status", "+4915112345678,Unsubscribed", NULL, "\"act\":\"withdraw\"", "\"at\""},
        {"phone,Status", "+4915112345678,bounced", NULL, "\"lang\"", "consent"},
        {"phone,EMAIL_BLACKLISTED,SMS_BLACKLISTED", "+4915112345678,No,Yes", NULL, "\"column\":\"SMS_BLACKLISTED\"",
         "grant"},
        {"phone,EMAIL_BLACKLISTED,SMS_BLACKLISTED", "+4915112345678,No,", NULL, "\"lang\"", "consent"},
        {"phone,WhatsApp opt-in", "+4915112345678,no", NULL, "\"lang\"", "consent"}, /* not even --consent */
        {"phone,First Name,Last Name", "+4915112345678,Ada,Lovelace", NULL, "\"name\":\"Ada Lovelace\"", "withdraw"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contact_format f = format(rows[i].header);
        struct contact_found found;
        struct import_row row;
        struct json_out out;
        struct buf b;
        struct err e = {0};
        if (rows[i].from != NULL)
            f.consent_from = 1;
        if (rows[i].from != NULL || strstr(rows[i].header, "WhatsApp") != NULL) {
            f.fallback[COLUMN_CONSENT] = "marketing";
            f.fallback[COLUMN_AT] = "2026-01-02";
        }
        split(rows[i].line, &row);
        buf_init(&b, 65536);
        json_out_init(&out, &b);
        assert_ok(contact_row_json(&f, &row, &out, &found, &e), e);
        if (strstr(buf_cstr(&b), rows[i].want) == NULL || strstr(buf_cstr(&b), rows[i].without) != NULL)
            fail_msg("%s: %s", rows[i].line, buf_cstr(&b));
        assert_int_equal(found.other_channel, i == 0);
        buf_done(&b);
    }
}

/* Under a column, with --consent for every row: what comes out. "+" is a grant, "-" a withdrawal, "?" one with a warning, "0"
 * nothing, "h" nothing though there was --consent, "!" an error. */
static char outcome(const char *header, const char *cell, bool from, struct err *e)
{
    struct contact_format f = format(header);
    struct contact_found found;
    struct import_row row;
    struct json_out out;
    struct buf b;
    char line[256];
    *e = (struct err){0};
    f.fallback[COLUMN_CONSENT] = "marketing";
    f.fallback[COLUMN_AT] = "2026-01-02";
    f.consent_from = from ? 1 : -1;
    snprintf(line, sizeof line, "+4915112345678,%s", cell);
    split(line, &row);
    buf_init(&b, 65536);
    json_out_init(&out, &b);
    int rc = contact_row_json(&f, &row, &out, &found, e);
    bool grant = strstr(buf_cstr(&b), "\"grant\"") != NULL, withdraw = strstr(buf_cstr(&b), "\"withdraw\"") != NULL;
    buf_done(&b);
    return rc < 0 ? '!' : withdraw ? (rc == 1 ? '?' : '-') : grant ? '+' : found.held ? 'h' : '0';
}

static void check_cells(const char *header, bool from, const char *const *cells, char want)
{
    for (size_t i = 0; cells[i] != NULL; i++) {
        struct err e;
        char got = outcome(header, cells[i], from, &e);
        if (got != want || (got == '!' && strstr(e.text, cells[i]) == NULL))
            fail_msg("%s = \"%s\": %c, want %c: %s", header, cells[i], got, want, e.text);
    }
}

static const char *const
    agree[] = {"yes",    "TRUE",     "1",       "Y",         "x",        "on",     "Subscribed", "opted in",
               "Opt-In", "OPTED_IN", "granted", "Confirmed", "accepted", "active", "Oui",        "ja",
               "SÍ",     "si",       "sim",     "Evet",      "ya",       "ДА",     "2025-01-02", NULL},
    *const leave[] = {"Opted out",
                      "opt-out",
                      "OPT_OUT",
                      "Unsubscribe",
                      "unsubscribed",
                      "Suppressed",
                      "do not contact",
                      "DNC",
                      "STOP",
                      "withdrawn",
                      "revoked",
                      "User unsubscribed",
                      "globally unsubscribed",
                      "Spam complaint",
                      "complained",
                      "Désabonné",
                      "DÉSABONNÉE",
                      "désabonné(e)",
                      "abbestellt",
                      "Abgemeldet",
                      "Dado de baja",
                      "BAJA",
                      "cancelado",
                      "descadastrado",
                      "Disiscritto",
                      "cleaned",
                      "blocked",
                      "Blacklisted",
                      "unsubscribed by the user on 3 May",
                      "has opted out of it",
                      NULL},
    *const refuse[] = {"declined", "Refused", "abgelehnt", NULL},
    *const wait[] = {"Never Subscribed", "pending", "unconfirmed", "bounced", "no", "FALSE", "Nein", NULL},
    *const silent[] = {"", "N/A", "null", "-", "--", NULL}, *const riddle[] = {"maybe", "see notes", NULL},
    *const stay[] = {"",      "N/A",  "null",   "none", "-",     "--",         "0",  "0.0",      "0000-00-00 00:00:00",
                     "FALSO", "faux", "falsch", "NÃO",  "HAYIR", "subscribed", "no", "Opted in", NULL};

TEST(words_of_consent)
{
    static const char *const whatsapp[] = {"phone,WhatsApp opt-in",       "phone,Opted in to WhatsApp",
                                           "phone,Opted in on WhatsApp",  "phone,WhatsApp Marketing Consent Status",
                                           "phone,WhatsApp status",       "phone,WhatsApp Opt In Date",
                                           "phone,whatsapp_consent_given"};
    for (size_t i = 0; i < sizeof whatsapp / sizeof whatsapp[0]; i++)
        for (int from = 0; from < 2; from++) {
            check_cells(whatsapp[i], from, agree, '+');
            check_cells(whatsapp[i], from, leave, '-');
            check_cells(whatsapp[i], from, refuse, '-');
            check_cells(whatsapp[i], from, wait, 'h');
            check_cells(whatsapp[i], from, silent, 'h');
            check_cells(whatsapp[i], from, riddle, '!');
        }
    static const char *const other[] = {"phone,SMS consent",  "phone,Marketing consent", "phone,Consent status",
                                        "phone,Subscription", "phone,Subscribed",        "phone,Opt-in status"};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        check_cells(other[i], true, agree, '+');
        check_cells(other[i], true, riddle, '!');
        check_cells(other[i], false, agree, '+'); /* --consent speaks of WhatsApp */
        check_cells(other[i], false, silent, '+');
        check_cells(other[i], false, wait, 'h');
        check_cells(other[i], false, riddle, 'h');
        check_cells(other[i], false, leave, '-');
    }
}

TEST(words_of_leaving)
{
    static const char *const states[] = {"phone,Status", "phone,Newsletter status", "phone,Estado", "phone,Stato"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        check_cells(states[i], false, leave, '-');
        check_cells(states[i], false, wait, 'h');
        check_cells(states[i], false, refuse, 'h');
        check_cells(states[i], false, agree, '+');
        check_cells(states[i], false, riddle, '+'); /* "Customer" */
    }
    static const char *const gone[] =
        {"phone,Unsubscribed", "phone,Opt-out status", "phone,WhatsApp opt-out status", "phone,Blocked",
         "phone,Gesperrt",     "phone,Werbesperre",    "phone,Nicht kontaktieren",      "phone,Ne pas contacter"},
                             *const yes[] = {"yes", "1", "active", "2024-05-06 07:08:09", NULL};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        check_cells(gone[i], false, stay, '+');
        check_cells(gone[i], false, yes, '-');
        check_cells(gone[i], false, leave, '-');
        check_cells(gone[i], false, riddle, '?');
    }
    /* Two of them: both are read. */
    struct err e;
    assert_int_equal(outcome("phone,Status,Email Status", "active,unsubscribed", false, &e), '-');
    assert_int_equal(outcome("phone,Email Status,Status", "unsubscribed,active", false, &e), '-');
    assert_int_equal(outcome("phone,Status,Subscription Status", "active,pending", false, &e), 'h');
    assert_int_equal(outcome("phone,WhatsApp opt-in,consent,consent_at", "no,all,2026-01-01", false, &e), 'h');
    assert_non_null(strstr(e.text, "is not recorded"));
    /* A row that ends before them. */
    assert_int_equal(outcome("phone,name,Opt-out", "Ada", false, &e), '!');
    assert_non_null(strstr(e.text, "\"Opt-out\" is missing"));
    assert_int_equal(outcome("phone,name,Opt-out", "Ada,", false, &e), '+');
}

TEST(columns_that_would_not_be_read)
{
    static const struct {
        const char *header, *says;
    } rows[] = {{"phone,Agreed?,Town", "\"Agreed?\""},
                {"phone,Lead Status,Marketing prefs", "\"Lead Status\", \"Marketing prefs\""},
                {"phone,WhatsApp opt-in,OPTIN_IP,Consent source", ""},
                {"phone,State,Order status,Notes", ""},
                {"phone,Werbung erlaubt?", "\"Werbung erlaubt?\""},
                {"phone,Receive promotions", "\"Receive promotions\""},
                {"phone,Would you like to hear from us by phone or by message once in a while?",
                 "\"Would you like to hear from us by phone or by message once in a while?\""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contact_format f = format(rows[i].header);
        struct buf b;
        buf_init(&b, 1024);
        contact_unread(&f, &b);
        if (strcmp(buf_cstr(&b), rows[i].says) != 0)
            fail_msg("%s: %s", rows[i].header, buf_cstr(&b));
        buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(columns_not_used), T(good_rows),
                                       T(withdrawals),      T(bad_rows),
                                       T(plus_or_vouched),  T(countries),
                                       T(other_channels),   T(words_of_consent),
                                       T(words_of_leaving), T(columns_that_would_not_be_read)};
    phone_data_builtin(&plans);
    arena = arena_create(64u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
