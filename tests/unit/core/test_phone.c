/* SPDX-License-Identifier: Apache-2.0
 * test_phone.c - spellings of one number give one value, what is no number is refused, and the country is told
 * wherever the calling code is somebody's: the main one where several share it. */
#include "core/identity.h"
#include "core/phone.h"
#include "core/phone_country.h"

#include "t.h"

static const struct phone_data *plans(void)
{
    static struct phone_data d;
    if (d.head == NULL)
        phone_data_builtin(&d);
    return &d;
}

TEST(spellings)
{
    static const struct {
        const char *text;
        uint64_t want; /* 0: refused */
        const char *says;
    } rows[] = {
        {"+5511912345678", 5511912345678, NULL},
        {"+55 11 91234-5678", 5511912345678, NULL},
        {"1 555 0001111", 15550001111, NULL}, /* n8n keeps the spaces */
        {"(55) 11.91234/5678", 5511912345678, NULL},
        {"\t+55\xc2\xa0"
         "11\xe2\x80\xaf"
         "91234\xe2\x80\x91"
         "5678\n",
         5511912345678, NULL},                                          /* NBSP, narrow NBSP, hyphen */
        {"\xe2\x80\xaa+1 555 000 1111\xe2\x80\xac", 15550001111, NULL}, /* embedding marks */
        {"\xef\xbc\x8b\xef\xbc\x95\xef\xbc\x95\xef\xbc\x91\xef\xbc\x91\xef\xbc\x93\xef\xbc\x93\xef\xbc\x94\xef\xbc\x94",
         55113344, NULL}, /* full width */
        {"+\xd9\xa9\xd9\xa7\xd9\xa1\xd9\xa5\xd9\xa0\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5", 9715012345, NULL},
        {"+\xf0\x9d\x9f\x8f\xf0\x9d\x9f\x9f\xf0\x9d\x9f\xbf"
         "5550001",
         1795550001, NULL}, /* mathematical digits */
        {"1234567", 1234567, NULL},
        {"123456789012345", 123456789012345, NULL},
        {"123456", 0, "at least 7"},
        {"1234567890123456", 0, "at most 15"},
        {"", 0, "at least 7"},
        {"+", 0, "at least 7"},
        {"00 55 11 91234 5678", 0, "country code"},
        {"0055 11 91234 5678", 0, "write +49 ... instead of 0049 ..."},
        {"011 91234-5678", 0, "country code"},
        {"++5511912345678", 0, "only"},
        {"55+11912345678", 0, "only"},
        {"US.13491208655302", 0, "only"},
        {"5511912345678x9", 0, "only"},
        {"5511912345678 ext. 9", 0, "only"},
        {"{{Recipient-Phone-Number}}", 0, "only"},
        {"wamid.HBgNNTUy", 0, "only"},
        {"1-800-FLOWERS", 0, "only"},
        {"5511912345678;", 0, "only"},
        {"55119123\xff"
         "5678",
         0, "UTF-8"},
        {"55119123\xc0\xb5"
         "678",
         0, "UTF-8"},                     /* an overlong "5" */
        {"551191234567\xd9", 0, "UTF-8"}, /* cut short */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        uint64_t got = 42;
        int rc = phone_parse(str_of(rows[i].text), &got, &e);
        if (rows[i].want != 0 && (rc != 0 || got != rows[i].want))
            fail_msg("row %zu: rc %d (%s), got %llu", i, rc, e.text, (unsigned long long)got);
        if (rows[i].want == 0 && (rc != WL_EINVAL || got != 42 || strstr(e.text, rows[i].says) == NULL))
            fail_msg("row %zu: rc %d, \"%s\"", i, rc, e.text);
    }
}

TEST(nul_and_length)
{
    uint64_t got;
    char spaces[100000];
    assert_int_equal(phone_parse((struct str){"5511912345678\0", 14}, &got, NULL), WL_EINVAL);
    assert_int_equal(phone_parse((struct str){NULL, 0}, &got, NULL), WL_EINVAL);
    memset(spaces, ' ', sizeof spaces);
    assert_int_equal(phone_parse((struct str){spaces, sizeof spaces}, &got, NULL), WL_EINVAL);
}

TEST(the_message_holds_no_number)
{
    static const char *const texts[] = {"+55119123456789012", "0551191234567", "5511912345678x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err e = {0};
        uint64_t got;
        assert_int_equal(phone_parse(str_of(texts[i]), &got, &e), WL_EINVAL);
        assert_null(strstr(e.text, "5511"));
    }
}

/* Whose rules are asked. A number without a country is one no country's rule speaks about. */
static const struct {
    uint64_t e164;
    const char *want;
} main_ones[] = {
    {5511912345678, "BR"},
    {351912345678, "PT"},
    {3591234567, "BG"},
    {919876543210, "IN"},
    {4915112345678, "DE"},
    {213612345678, "DZ"},
    {88012345678, "BD"},
    {2012345678, "EG"},
    {6001234567, "MY"},
    {6731234567, "BN"},
    {59812345678, "UY"},
    {38344123456, "XK"},
    {9981234567, "UZ"},
    /* 1: the United States unless the area code is another's */
    {12125550100, "US"},
    {15550001111, "US"},
    {19835550100, "US"}, /* of 2024 */
    {18005550100, "US"}, /* toll-free and other codes without a place */
    {18335550100, "US"},
    {18885550100, "US"},
    {15005550100, "US"},
    {19005550100, "US"},
    {14165550100, "CA"},
    {12735550100, "CA"}, /* the youngest */
    {16225550100, "CA"}, /* non-geographic */
    {16585550100, "JM"},
    {18495550100, "DO"},
    {19395550100, "PR"},
    {13405550100, "VI"},
    {16705550100, "MP"},
    {16715550100, "GU"},
    {16845550100, "AS"},
    {17215550100, "SX"},
    {18685550100, "TT"},
    /* the main one of a shared code, or what the beginning says */
    {447700900123, "GB"},
    {441481960194, "GG"},
    {447781123456, "GG"},
    {441534456789, "JE"},
    {447797712345, "JE"},
    {441624756789, "IM"},
    {447624234567, "IM"},
    {390612345678, "IT"},
    {393123456789, "IT"},
    {390669812345, "VA"},
    {4740612345, "NO"},
    {4779123456, "SJ"},
    {358412345678, "FI"},
    {35818123456, "AX"},
    {61412345678, "AU"},
    {61891621234, "CC"},
    {61891641234, "CX"},
    {212612345678, "MA"},
    {262692123456, "RE"},
    {262639012345, "YT"},
    {262269601234, "YT"},
    {590690001234, "GP"},
    {59995181234, "CW"},
    {5993181234, "BQ"},
    {29051234, "SH"},
    {29081234, "TA"},
    {50051234, "FK"},
    {672381234, "NF"},
    {79123456789, "RU"},
    {77710009998, "KZ"},
    {76001234567, "RU"},
    /* nobody's */
    {8001234567, ""},
    {88312345678, ""},
    {9991234567, ""},
    {2101234567, ""},
    {55, "BR"},
    {0, ""},
};

TEST(country)
{
    for (size_t i = 0; i < sizeof main_ones / sizeof main_ones[0]; i++) {
        char got[3] = "??";
        phone_country(plans(), main_ones[i].e164, got);
        if (strcmp(got, main_ones[i].want) != 0)
            fail_msg("%llu: got \"%s\", want \"%s\"", (unsigned long long)main_ones[i].e164, got, main_ones[i].want);
    }
}

/* The column `name` of a tab-separated line, by number. */
static struct str column(const char *line, int number)
{
    struct str rest = str_of(line), field = str_cut(rest, '\t', &rest);
    while (number-- > 0)
        field = str_cut(rest, '\t', &rest);
    return field;
}

/* 0 for a text with letters. */
static size_t count_digits(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z')
            return 0;
        n += s.p[i] >= '0' && s.p[i] <= '9';
    }
    return n;
}

/* International spellings against the answers of an independent library, wherever it only removed punctuation: what
 * it knows of letters, extensions and trunk prefixes takes numbering plans. */
TEST(agrees_with_an_independent_library)
{
    const char *path = case_file("phones/numbers.tsv");
    char line[2048];
    size_t same = 0, countries = 0;
    if (path == NULL)
        skip_loudly("phones/numbers.tsv is not there");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        struct str input = column(line, 1), e164 = column(line, 6), region = column(line, 8), ext = column(line, 9);
        uint64_t got = 0, want = 0;
        char country[3];
        if (input.n == 0 || input.p[0] != '+' || !str_eq(column(line, 5), STR("yes")) || ext.n > 0 ||
            count_digits(input) != count_digits(e164))
            continue;
        if (phone_parse(e164, &want, NULL) != 0 || phone_parse(input, &got, NULL) != 0)
            fail_msg("%s", line);
        if (got != want)
            fail_msg("got %llu: %s", (unsigned long long)got, line);
        same++;
        phone_country(plans(), want, country);
        if (country[0] != '\0' && (region.n != 2 || memcmp(region.p, country, 2) != 0))
            fail_msg("got %s: %s", country, line);
        countries += country[0] != '\0';
    }
    fclose(f);
    assert_true(same > 100);
    assert_true(countries > 100);
}

/* Who may hold a number: for quiet hours, a country too many is a shorter day, one too few wakes people up. */
TEST(countries)
{
    static const struct {
        uint64_t e164;
        const char *want;
    } rows[] = {
        {5511912345678, "BR"},
        {12125550100, "US"},
        {14165550100, "CA"},
        {19995550100, "US"}, /* no area code yet */
        {17875550100, "PR"},
        {18095550100, "DO"},
        {12425550100, "BS"},
        {447700900123, "GB GG IM JE"},
        {4712345678, "NO SJ"},
        {390612345678, "IT"},
        {79161234567, "RU"},
        {77011234567, "KZ"},
        {70012345678, "RU KZ"},
        {61412345678, "AU CC CX"},
        {61891641234, "CX"},
        {61891621234, "CC"},
        {61891701234, "AU CX"},
        {212612345678, "MA EH"},
        {262692123456, "RE"},
        {35841123456, "FI AX"},
        {59995123456, "CW"},
        {59965123456, "CW"},
        {50051234, "FK"},
        {672312345, "NF"},
        {672212345, "NF"},
        {8001234567, ""}, /* no country */
        {9991234567, ""},
        {7, "RU KZ"},
        {1, "US"},
        {0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got[PHONE_COUNTRIES_MAX];
        char text[64] = "";
        size_t n = phone_countries(plans(), rows[i].e164, got, PHONE_COUNTRIES_MAX);
        for (size_t j = 0; j < n; j++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", j ? " " : "", got[j]);
        if (strcmp(text, rows[i].want) != 0)
            fail_msg("%llu: got \"%s\", want \"%s\"", (unsigned long long)rows[i].e164, text, rows[i].want);
        assert_true(phone_countries(plans(), rows[i].e164, got, 0) == 0);
        char alone[3];
        phone_country(plans(), rows[i].e164, alone);
        assert_true(strncmp(alone, rows[i].want, 2) == 0);
    }
}

/* "(0)" is what is dialled inside the country. What Meta reads is digits only, so there it stays. */
TEST(the_zero_in_brackets)
{
    static const struct {
        const char *text;
        uint64_t written, meta;
    } rows[] = {
        {"+49 (0)170 1234567", 491701234567, 4901701234567},
        {"+49(0)1701234567", 491701234567, 4901701234567},
        {"49 (0) 170 1234567", 491701234567, 4901701234567},
        {"(+49) (0)170-1234567", 491701234567, 4901701234567},
        {"+44 (0)20 7946 0000", 442079460000, 4402079460000},
        {"+353 (0)1 234 5678", 35312345678, 353012345678},
        {"+1 555 000 1111", 15550001111, 15550001111},
        {"+1 (555) 000 1111", 15550001111, 15550001111},
        {"+39 (0)6 1234 5678", 390612345678, 390612345678}, /* Rome keeps its zero */
        {"+225 (0)7 12 34 56 78", 2250712345678, 2250712345678},
        {"+4917 (0)01234567", 4917001234567, 4917001234567}, /* no country's code before it */
        {"+49 170 (0)1234567", 4917001234567, 4917001234567},
        {"+49 (01)70 1234567", 491701234567, 4901701234567},
        {"+49\xef\xbc\x88"
         "0\xef\xbc\x89"
         "170 1234567",
         491701234567, 4901701234567}, /* full-width brackets, */
        {"\xef\xbc\x8b\xef\xbc\x94\xef\xbc\x99\xef\xbc\x88\xef\xbc\x90\xef\xbc\x89\xef\xbc\x91\xef\xbc\x97\xef\xbc\x90"
         "1234567",
         491701234567, 4901701234567}, /* and digits */
        {"+49 ( 0 )170 1234567", 491701234567, 4901701234567},
        {"+49(0)(0)170 123456", 49170123456, 4900170123456},
        {"\xe2\x80\x8e+49 (0)170 1234567", 491701234567, 4901701234567}, /* directional marks before it, */
        {"\xe2\x80\xaa+49 (0)170 1234567\xe2\x80\xac", 491701234567, 4901701234567},
        {"+49 (\xe2\x80\x8e"
         "0\xe2\x80\xac)170 1234567",
         491701234567, 4901701234567}, /* and inside */
        {"+36 (06) 1 234 5678", 3612345678, 360612345678},
        {"+52 (01)55 1234 5678", 525512345678, 52015512345678},
        {"+52 (045) 55 1234 5678", 525512345678, 520455512345678},
        {"+7 (8) 495 123-45-67", 74951234567, 784951234567},
        {"+7 (800) 555-35-35", 78005553535, 78005553535},
        {"+44 (0)7700 900123", 447700900123, 4407700900123},     /* nobody's, and still one */
        {"+44 (01)7700 900123", 44017700900123, 44017700900123}, /* who knows */
        {"+378 (8)12345", 378812345, 378812345},                 /* San Marino's area code is not added */
        {"+49 0170 1234567", 4901701234567, 4901701234567},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t written = 0, meta = 0;
        phone_parse_written(plans(), str_of(rows[i].text), &written, NULL);
        phone_parse(str_of(rows[i].text), &meta, NULL);
        if (written != rows[i].written || meta != rows[i].meta)
            fail_msg("\"%s\": %llu and %llu", rows[i].text, (unsigned long long)written, (unsigned long long)meta);
    }
    uint64_t none = 0;
    assert_int_equal(phone_parse_written(plans(), STR("(0)170 1234567"), &none, NULL), WL_EINVAL);
    assert_int_equal(phone_parse_written(plans(), STR("+49 (0)1234"), &none, NULL),
                     WL_EINVAL); /* six digits are left */
}

/* Pairs of ../shared/cases/phones/wa_id_variants.tsv among them: what is stored, and the id that arrives. */
TEST(two_forms_of_one_mobile_number)
{
    static const struct {
        const char *stored, *arrives;
        bool same;
    } rows[] = {
        {"5541988887777", "554188887777", true},
        {"554188887777", "5541988887777", true},
        {"554132345678", "5541932345678", false}, /* without the nine it is a landline */
        {"554132345678", "554132345678", true},
        {"525512345678", "5215512345678", true},
        {"5215512345678", "5225512345678", false},
        {"541112345678", "5491112345678", false}, /* Argentina: a landline may have WhatsApp, too */
        {"15215512345678", "1525512345678", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct identity a, b;
        assert_int_equal(identity_phone(str_of(rows[i].stored), &a, NULL), 0);
        assert_int_equal(identity_phone(str_of(rows[i].arrives), &b, NULL), 0);
        if ((strcmp(a.value, b.value) == 0) != rows[i].same)
            fail_msg("row %zu: %s and %s", i, a.value, b.value);
    }
}

TESTS(T(spellings), T(two_forms_of_one_mobile_number), T(the_zero_in_brackets), T(nul_and_length),
      T(the_message_holds_no_number), T(country), T(countries), T(agrees_with_an_independent_library))
