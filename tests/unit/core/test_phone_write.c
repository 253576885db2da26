/* SPDX-License-Identifier: Apache-2.0
 * test_phone_write.c - numbers written in four styles, their places, networks and examples, two texts compared, and what other plans
 * change: on small plans made up here. Agreement with libphonenumber itself is proven in tests/phone. */
#include "t.h"

#include "core/phone_compile.h"
#include "core/phone_diff.h"
#include "core/phone_format.h"
#include "core/phone_match.h"
#include "core/phone_place.h"

/* Two shared codes (7: one with leading digits; 1), one of its own, one that is nobody's. */
static const char numbers[] =
    "meta\tname\ttest plans\nmeta\treleased\t2026-01-02\nmeta\tunicode\t15\nmeta\tsource\tnone\n"
    "DE\t49\tidd\t00\nDE\t49\tprefix\t0\nDE\t49\tprefix.parse\t0\n"
    "DE\t49\textension\t int. \nDE\t49\tportable\t1\n"
    "DE\t49\ttype.general\t[1-9]\\d{3,10}\t4-11\t3\t\n"
    "DE\t49\ttype.fixed_line\t3\\d{5,7}\t6-8\t3\t30123456\n"
    "DE\t49\ttype.mobile\t15\\d{8}\t10\t\t1512345678\n"
    "DE\t49\ttype.pager\t16\\d{4}\t6\t\t\n"
    "DE\t49\tformat\t01\t(\\d{2})(\\d{3,6})\t$1/$2\t3\t($1)\t0\t\n"
    "DE\t49\tformat\t02\t(\\d{4})(\\d{6})\t$1 $2\t1 15\t0$1\t0\t\n"
    "DE\t49\tformat\t03\t(\\d)(\\d{3})(\\d{4})\t$2 15-$3\t9\t0$1\t0\t\n"
    "DE\t49\tintl\t01\t(\\d{2})(\\d{3,6})\t$1 $2\t3\n"
    "DE\t49\tintl\t02\t(\\d{4})(\\d{6})\t($1) $2\t15\n"
    "US\t1\tmain\t1\nUS\t1\tidd\t011\nUS\t1\tprefix\t1\nUS\t1\tprefix.parse\t1\n"
    "US\t1\ttype.general\t[2-9]\\d{9}\t10\t7\t\n"
    "US\t1\ttype.fixed_line\t2\\d{9}\t10\t7\t2015550123\nUS\t1\ttype.mobile\t2\\d{9}\t10\t7\t2015550123\n"
    "US\t1\ttype.toll_free\t800\\d{7}\t10\t\t8002345678\n"
    "US\t1\tformat\t01\t(\\d{3})(\\d{3})(\\d{4})\t($1) $2-$3\t\t\t0\t\n"
    "US\t1\tintl\t01\t(\\d{3})(\\d{3})(\\d{4})\t$1-$2-$3\t\n"
    "AG\t1\tidd\t011\nAG\t1\tprefix\t1\nAG\t1\tprefix.parse\t1\n"
    "AG\t1\ttype.general\t268\\d{7}|800\\d{7}\t10\t7\t\nAG\t1\ttype.mobile\t268\\d{7}\t10\t7\t2684641234\n"
    "AG\t1\ttype.toll_free\t800\\d{7}\t10\t\t8002123456\n"
    "MX\t52\tidd\t00\nMX\t52\ttype.general\t\\d{8}\t8\t\t\nMX\t52\ttype.mobile\t5\\d{7}\t8\t\t55123456\n"
    "001\t800\ttype.general\t\\d{8}\t8\t\t\n001\t800\ttype.toll_free\t\\d{8}\t8\t\t12345678\n"
    "001\t800\tformat\t01\t(\\d{4})(\\d{4})\t$1 $2\t\t\t0\t\n";
static const char zones[] =
    "meta\tname\tz\n1\tAmerica/New_York&America/Antigua\n1201\tAmerica/New_York\n"
    "1268\tAmerica/Antigua\n49\tEurope/Berlin&Europe/Busingen\n4915\tNot/For_Mobiles\n4930\tEurope/Berlin\n"
    "5255\tAmerica/Mexico_City\n";
static const char carriers[] =
    "meta\tname\tc\n4915\tFirst Net\n491512\tSecond Net\n4916\tPagers\n4930\tNobody\n1201\tBell\n";

static struct phone_data plans;

static void compile(const char *n, struct buf *out, struct phone_data *ret)
{
    const struct phone_text text[] = {{"numbers.tsv", str_of(n)},
                                      {"zones.tsv", str_of(zones)},
                                      {"carriers.tsv", str_of(carriers)}};
    struct err e = {0};
    buf_init(out, PHONE_FILE_MAX);
    assert_ok(phone_compile(&text[0], &text[1], &text[2], out, &e), e);
    assert_ok(phone_data_open(ret, out->data, out->len, &e), e);
}

static struct phone_number number(unsigned code, const char *nsn)
{
    struct phone_number n;
    phone_number_of(&plans, code, str_of(nsn), &n);
    return n;
}

TEST(styles)
{
    static const struct {
        unsigned code;
        const char *nsn, *ext;
        enum phone_format style;
        const char *want;
    } rows[] = {
        {49, "30123456", "", PHONE_E164, "+4930123456"},
        {49, "30123456", "12", PHONE_E164, "+4930123456"}, /* no extension */
        {49, "30123456", "", PHONE_NATIONAL, "(30)/123456"},
        {49, "30123456", "12", PHONE_NATIONAL, "(30)/123456 int. 12"},
        {49, "30123456", "12", PHONE_INTERNATIONAL, "+49 30 123456 int. 12"},
        {49, "30123456", "12", PHONE_RFC3966, "tel:+49-30-123456;ext=12"},
        {49, "1512345678", "", PHONE_NATIONAL, "01512 345678"},
        {49, "1512345678", "", PHONE_INTERNATIONAL, "+49 (1512) 345678"},
        {49, "1512345678", "", PHONE_RFC3966, "tel:+49-1512-345678"}, /* no separator in front, one between */
        {49, "1612345678", "", PHONE_NATIONAL, "1612345678"},         /* the last of its leading digits counts: 15 */
        {49, "91234567", "", PHONE_NATIONAL, "0123 15-4567"},         /* the rule goes around what comes first */
        {49, "91234567", "", PHONE_INTERNATIONAL, "+49 91234567"},    /* abroad it has no layout */
        {49, "12", "", PHONE_NATIONAL, "12"},
        {49, "0000", "", PHONE_INTERNATIONAL, "+49 0000"},
        {49, "", "", PHONE_INTERNATIONAL, "+49 "},
        {1, "2015550123", "7", PHONE_NATIONAL, "(201) 555-0123 ext. 7"},
        {1, "2015550123", "", PHONE_INTERNATIONAL, "+1 201-555-0123"},
        {1, "2684641234", "", PHONE_NATIONAL, "(268) 464-1234"}, /* as the main region writes */
        {800, "12345678", "", PHONE_INTERNATIONAL, "+800 1234 5678"},
        {800, "12345678", "", PHONE_NATIONAL, "1234 5678"},
        {123, "650253000", "1", PHONE_NATIONAL, "650253000"}, /* nobody's code */
        {123, "650253000", "1", PHONE_INTERNATIONAL, "650253000"},
        {123, "650253000", "1", PHONE_RFC3966, "650253000"},
        {123, "650253000", "1", PHONE_E164, "+123650253000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[PHONE_FORMAT_MAX];
        struct phone_number n = number(rows[i].code, rows[i].nsn);
        size_t len = phone_format(&plans, &n, str_of(rows[i].ext), rows[i].style, got);
        if (strcmp(got, rows[i].want) != 0 || len != strlen(got))
            fail_msg("row %zu: \"%s\", want \"%s\"", i, got, rows[i].want);
    }
}

TEST(what_does_not_fit_is_cut)
{
    char got[PHONE_FORMAT_MAX], ext[PHONE_FORMAT_MAX];
    struct phone_number n = number(49, "30123456");
    memset(ext, '7', sizeof ext);
    assert_int_equal(phone_format(&plans, &n, (struct str){ext, sizeof ext}, PHONE_NATIONAL, got),
                     PHONE_FORMAT_MAX - 1);
    assert_int_equal(got[PHONE_FORMAT_MAX - 1], '\0');
}

TEST(places)
{
    static const struct {
        unsigned code;
        const char *nsn, *zones, *network;
        bool portable, geographical;
    } rows[] = {
        {49, "30123456", "Europe/Berlin", "", true, true}, /* fixed lines have no network */
        {49, "31123456", "Europe/Berlin&Europe/Busingen", "", true, true},
        {49, "1522345678", "Europe/Berlin&Europe/Busingen", "First Net", true, false}, /* mobiles: of the country */
        {49, "1512345678", "Europe/Berlin&Europe/Busingen", "Second Net", true, false},
        {49, "161234", "Europe/Berlin&Europe/Busingen", "Pagers", true, false},
        {49, "301", PHONE_ZONES_UNKNOWN, "", true, false}, /* not valid */
        {1, "2015550123", "America/New_York", "Bell", false, true},
        {1, "2025550123", "America/New_York&America/Antigua", "", false, true},
        {1, "2684641234", "America/Antigua", "", false, true},    /* the US plan says fixed or mobile */
        {52, "55123456", "America/Mexico_City", "", false, true}, /* a code whose mobiles have a place */
        {52, "56123456", PHONE_ZONES_UNKNOWN, "", false, true},
        {800, "12345678", PHONE_ZONES_UNKNOWN, "", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct phone_number n = number(rows[i].code, rows[i].nsn);
        bool portable = false;
        const char *zone = phone_zones(&plans, &n), *network = phone_network(&plans, &n, &portable);
        if (strcmp(zone, rows[i].zones) != 0 || strcmp(network, rows[i].network) != 0 || portable != rows[i].portable ||
            phone_geographical(&plans, &n) != rows[i].geographical)
            fail_msg("row %zu: %s, %s, %d", i, zone, network, portable);
    }
}

TEST(examples)
{
    int de = phone_region(&plans, STR("DE")), ag = phone_region(&plans, STR("ag"));
    assert_int_equal(phone_example(&plans, de, PHONE_MOBILE), 491512345678);
    assert_int_equal(phone_example(&plans, de, PHONE_UNKNOWN_TYPE), 4930123456); /* the first */
    assert_int_equal(phone_example(&plans, de, PHONE_VOIP), 0);
    assert_int_equal(phone_example(&plans, 0, PHONE_MOBILE), 0);
    assert_int_equal(phone_example(&plans, 1000, PHONE_MOBILE), 0);
    assert_int_equal(phone_example(&plans, ag, PHONE_TOLL_FREE), 18002123456);
    assert_true(phone_is_example(&plans, 4930123456));
    assert_true(phone_is_example(&plans, 18002123456)); /* another region's, by its digits */
    assert_true(phone_is_example(&plans, 80012345678));
    assert_false(phone_is_example(&plans, 4930123457));
    assert_false(phone_is_example(&plans, 18002123457));
    assert_false(phone_is_example(&plans, 0));
    assert_false(phone_is_example(&plans, 999123));
}

TEST(matches)
{
    static const struct {
        const char *a, *b;
        enum phone_match want;
    } rows[] = {
        {"+49 30 123456", "+4930123456", PHONE_EXACT_MATCH},
        {"+49 30 123456", "030 123456", PHONE_NSN_MATCH},
        {"030 123456", "+49 30 123456", PHONE_NSN_MATCH},
        {"+49 30 123456", "123456", PHONE_SHORT_NSN_MATCH},
        {"+49 30 123456", "+49 30 123456 ext. 7", PHONE_SHORT_NSN_MATCH},
        {"+49 30 123456 ext. 8", "+49 30 123456 ext. 7", PHONE_NO_MATCH},
        {"+49 30 123456", "+1 30 123456", PHONE_NO_MATCH},
        {"+49 30 123456", "+49 30 123457", PHONE_NO_MATCH},
        {"30123456", "3012 3456", PHONE_NSN_MATCH}, /* both without a country */
        {"30123456", "23456", PHONE_SHORT_NSN_MATCH},
        {"30123456", "30123457", PHONE_NO_MATCH},
        {"30123456", "030123456", PHONE_SHORT_NSN_MATCH},
        {"dog", "30123456", PHONE_MATCH_INVALID},
        {"+49 30 123456", "dog", PHONE_MATCH_INVALID},
        {"30123456", "dog", PHONE_MATCH_INVALID},
        {"+80012345678", "12345678", PHONE_NO_MATCH}, /* cannot be read there: the number 0 */
        {"+80012345670", "12345670", PHONE_SHORT_NSN_MATCH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum phone_match got = phone_match(&plans, str_of(rows[i].a), str_of(rows[i].b));
        if (got != rows[i].want)
            fail_msg("row %zu, \"%s\" and \"%s\": %d, want %d", i, rows[i].a, rows[i].b, (int)got, (int)rows[i].want);
    }
}

/* ---- what other plans change ---- */

struct seen {
    struct buf text;
    unsigned stop_after, n;
};

static bool note(void *ctx, const struct phone_range_change *c)
{
    struct seen *s = ctx;
    buf_printf(&s->text, "+%u %u %s-%s %llu %s%u>%s%u\n", c->code, c->digits, c->first, c->last,
               (unsigned long long)c->numbers, c->before.region, c->before.type, c->after.region, c->after.type);
    return ++s->n != s->stop_after;
}

static const char *changes(struct seen *s, const struct phone_data *a, const struct phone_data *b)
{
    struct err e = {0};
    buf_clear(&s->text);
    s->n = 0;
    assert_ok(phone_diff(a, b, note, s, &e), e);
    return buf_cstr(&s->text);
}

/* The plans with one text in the place of another. */
static void changed(const char *from, const char *to, struct buf *bytes, struct phone_data *ret)
{
    struct buf b;
    const char *at = strstr(numbers, from);
    assert_non_null(at);
    buf_init(&b, 1u << 16);
    buf_put(&b, numbers, (size_t)(at - numbers));
    buf_puts(&b, to);
    buf_puts(&b, at + strlen(from));
    compile(buf_cstr(&b), bytes, ret);
    buf_done(&b);
}

TEST(changes_of_plans)
{
    static const struct {
        const char *from, *to, *want;
    } rows[] = {
        {"meta\tsource\tnone", "meta\tsource\tother", ""},
        {"15\\d{8}\t10", "15[2-4]\\d{7}\t10", "+49 10 150-151 20000000 DE1>11\n+49 10 155-159 50000000 DE1>11\n"},
        {"type.pager\t16\\d{4}", "type.pager\t1[67]\\d{4}", "+49 6 17-17 10000 11>DE8\n"},
        {"type.pager\t16\\d{4}", "type.voip\t16\\d{4}", "+49 6 16-16 10000 DE8>DE6\n"},
        {"MX\t52\tidd\t00\nMX\t52\ttype.general\t\\d{8}\t8\t\t\nMX\t52\ttype.mobile\t5\\d{7}\t8\t\t55123456\n",
         "PE\t51\tidd\t00\nPE\t51\ttype.general\t\\d{2}\t2\t\t\nPE\t51\ttype.mobile\t\\d{2}\t2\t\t\n",
         "+51 2 - 100 11>PE1\n+52 8 5-5 10000000 MX1>11\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen s = {0};
        struct buf bytes;
        struct phone_data other;
        buf_init(&s.text, 1u << 16);
        changed(rows[i].from, rows[i].to, &bytes, &other);
        if (strcmp(changes(&s, &plans, &other), rows[i].want) != 0)
            fail_msg("row %zu:\n%s", i, buf_cstr(&s.text));
        s.stop_after = 1;
        changes(&s, &plans, &other);
        assert_int_equal(s.n, rows[i].want[0] != '\0');
        buf_done(&s.text);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(styles),  T(what_does_not_fit_is_cut), T(places), T(examples),
                                       T(matches), T(changes_of_plans)};
    struct buf bytes;
    compile(numbers, &bytes, &plans);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&bytes);
    return rc;
}
