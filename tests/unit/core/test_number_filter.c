/* SPDX-License-Identifier: Apache-2.0
 * test_number_filter.c - filters: which numbers pass, what is said of a mistake, how a filter is told as a sentence. */
#include "core/number_filter.h"

#include "core/country_group.h"
#include "core/number_range.h"

#include "t.h"

static struct phone_data plans;
static struct arena *mem;

static struct number_filter *begin(void)
{
    if (plans.head == NULL)
        phone_data_builtin(&plans);
    if (mem == NULL)
        mem = arena_create(64u << 20);
    arena_reset(mem);
    return number_filter_new(mem, &plans);
}

/* "country=DE; type=mobile" */
static int add_all(struct number_filter *f, const char *text, struct err *e)
{
    int rc = 0;
    for (struct str rest = str_of(text); rc == 0 && rest.n > 0;) {
        struct str value, key = str_trim(str_cut(str_trim(str_cut(rest, ';', &rest)), '=', &value));
        char name[32] = "";
        memcpy(name, key.p, key.n < 31 ? key.n : 31);
        rc = number_filter_add(f, name, value, e);
    }
    return rc == 0 ? number_filter_seal(f, e) : rc;
}

static enum number_filter_why ask(const struct number_filter *f, uint64_t e164, const struct str *values)
{
    struct phone_number n = {.type = PHONE_UNKNOWN_TYPE};
    phone_number_of_e164(&plans, e164, &n);
    n.e164 = e164;
    return number_filter_check(f, &n, values);
}

static const struct {
    const char *filter;
    uint64_t number;
    enum number_filter_why want;
} rows[] = {
    {"", 1, NUMBER_WANTED},
    {"valid=true", 4915112345678, NUMBER_WANTED},
    {"valid=true", 4910, NUMBER_OTHER_VALIDITY},
    {"valid=false", 4910, NUMBER_WANTED},
    {"country=DE,AT", 4915112345678, NUMBER_WANTED},
    {"country=de", 4915112345678, NUMBER_WANTED},
    {"country=AT", 4915112345678, NUMBER_OTHER_COUNTRY},
    {"country=AT; region=EU", 4915112345678, NUMBER_WANTED}, /* one kind: either will do */
    {"region=dach", 41791234567, NUMBER_WANTED},
    {"region=EU", 41791234567, NUMBER_OTHER_COUNTRY},
    {"region=EU; not=country=DE", 4915112345678, NUMBER_OTHER_COUNTRY},
    {"not=region=EU", 41791234567, NUMBER_WANTED},
    {"country=CA", 16045550123, NUMBER_WANTED},
    {"country=US", 16045550123, NUMBER_OTHER_COUNTRY},
    {"type=mobile", 4915112345678, NUMBER_WANTED},
    {"type=mobile", 4930123456, NUMBER_OTHER_TYPE},
    {"type=mobile", 12015550123, NUMBER_OTHER_TYPE},
    {"type=can_be_mobile", 12015550123, NUMBER_WANTED},
    {"not=type=fixed_line", 4930123456, NUMBER_OTHER_TYPE},
    {"network=vodafone*", 491721234567, NUMBER_WANTED},
    {"network=vodafone*", 4915112345678, NUMBER_OTHER_NETWORK},
    {"not=network=Vodafone", 491721234567, NUMBER_OTHER_NETWORK},
    {"network=unknown", 4930123456, NUMBER_WANTED},
    {"network=unknown", 491721234567, NUMBER_OTHER_NETWORK},
    {"zone=Europe/Berlin", 4930123456, NUMBER_WANTED},
    {"zone=America/New_York", 4930123456, NUMBER_OTHER_ZONE},
    {"zone=America/*", 12015550123, NUMBER_WANTED},
    {"zone=Etc/Unknown", 4910, NUMBER_WANTED},
    {"pattern=+4917*", 491721234567, NUMBER_WANTED},
    {"pattern=+4917*", 4917, NUMBER_WANTED},
    {"pattern=+4917*", 491601234567, NUMBER_OTHER_RANGE},
    {"pattern=49-170-???????", 491701234567, NUMBER_WANTED},
    {"pattern=49-170-???????", 4917012345678, NUMBER_OTHER_RANGE},
    {"pattern=49 (1?0) 123*", 491601234567, NUMBER_WANTED},
    {"pattern=49 (1?0) 123*", 491611234567, NUMBER_OTHER_RANGE},
    {"pattern=?9*", 491611234567, NUMBER_WANTED},
    {"range=491700000000..491709999999", 491709999999, NUMBER_WANTED},
    {"range=+49 170 0000000..+49 170 9999999", 491710000000, NUMBER_OTHER_RANGE},
    {"range=491700000000-491709999999", 491700000000, NUMBER_WANTED},
    {"not=pattern=4917*; pattern=49*", 491701234567, NUMBER_OTHER_RANGE},
    {"not=pattern=4917*; pattern=49*", 491601234567, NUMBER_WANTED},
};

TEST(who_passes)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct number_filter *f = begin();
        assert_ok(add_all(f, rows[i].filter, &e), e);
        enum number_filter_why got = ask(f, rows[i].number, NULL);
        if (got != rows[i].want)
            fail_msg("\"%s\" of %llu: %s", rows[i].filter, (unsigned long long)rows[i].number,
                     number_filter_why_word(got));
        if (got == NUMBER_WANTED && !number_filter_may(f, rows[i].number, rows[i].number))
            fail_msg("\"%s\": a block with %llu would be skipped", rows[i].filter, (unsigned long long)rows[i].number);
        assert_int_equal(number_filter_any(f), rows[i].filter[0] == '\0');
    }
}

static const struct {
    const char *filter, *cells[2]; /* of columns in the order they are named */
    bool holds;
} wheres[] = {
    {"plan = gold", {"Gold", NULL}, true},
    {"plan = gold|silver", {" silver ", NULL}, true},
    {"plan = gold|silver", {"lead", NULL}, false},
    {"plan != gold|silver", {"lead", NULL}, true},
    {"plan =", {"", NULL}, true},
    {"plan =", {"x", NULL}, false},
    {"plan != ", {"", NULL}, false},
    {"note ~ REF", {"a ref b", NULL}, true},
    {"note ~ ref", {"re", NULL}, false},
    {"score >= 0.5", {"0.50", NULL}, true},
    {"score > 0.5", {"0.5", NULL}, false},
    {"score > -1.5", {"-1.25", NULL}, true},
    {"score < -1.25", {"-1.5", NULL}, true},
    {"score < 10", {"n/a", NULL}, false},
    {"score >= 10", {"n/a", NULL}, false},
    {"score <= 3", {"+3.000000000", NULL}, true},
    {"seen >= 2026-11-01", {"2026-11-22T10:00Z", NULL}, true},
    {"seen >= 2026-11-01", {"2026-10-31", NULL}, false},
    {"seen < 2026-11-01", {"20", NULL}, false},
    {"score < .5", {".25", NULL}, true},
    {"score < 1", {".", NULL}, false},
    {"score < 1", {"1e-3", NULL}, false},
};

TEST(where_a_column_holds)
{
    for (size_t i = 0; i < sizeof wheres / sizeof wheres[0]; i++) {
        struct err e = {0};
        struct number_filter *f = begin();
        struct str cell = str_of(wheres[i].cells[0]);
        assert_ok(number_filter_add(f, "where", str_of(wheres[i].filter), &e), e);
        assert_ok(number_filter_seal(f, &e), e);
        assert_int_equal(number_filter_columns(f), 1);
        if ((ask(f, 491701234567, &cell) == NUMBER_WANTED) != wheres[i].holds)
            fail_msg("\"%s\" of \"%s\"", wheres[i].filter, wheres[i].cells[0]);
    }
    struct err e = {0};
    struct number_filter *f = begin();
    const struct str cells[] = {STR_INIT("gold"), STR_INIT("Berlin")};
    assert_ok(add_all(f, "where=Plan=gold;where=city!=Bonn;where=PLAN~ol", &e), e);
    assert_int_equal(number_filter_columns(f), 2);
    assert_str(number_filter_column(f, 1), "city");
    assert_int_equal(ask(f, 1, cells), NUMBER_WANTED);
}

static const struct {
    const char *filter, *says;
} mistakes[] = {
    {"country=Germany", "country: Germany is no country"},
    {"country=UK", "did you mean GB?"},
    {"country=EU", "write region: EU"},
    {"country=BV", "no numbering plan of its own"},
    {"region=EUU", "did you mean EU?"},
    {"region=DE", "is no group of countries"},
    {"type=mobil", "did you mean mobile?"},
    {"network=Vodafome", "no network of the numbering plans is called \"Vodafome\""},
    {"network=*a*b*c*d*", "at most 3 times"},
    {"zone=Europe/Berlyn", "no zone of the numbering plans"},
    {"pattern=0170*", "begin with their country code"},
    {"pattern=49*17", "* stands at the end only"},
    {"pattern=49x", "digits, ? and a * at the end"},
    {"pattern=+", "has no digits"},
    {"pattern=12345678901234567890", "more than 19 digits"},
    {"range=4917", "two numbers with .. between them"},
    {"range=49..491", "as many digits"},
    {"range=492..491", "ends before it begins"},
    {"range=49?..491", "? and * make a pattern"},
    {"valid=yes", "neither true nor false"},
    {"valid=true;valid=false", "no number is that"},
    {"where=plan", "a column, one of"},
    {"where== gold", "a column, one of"},
    {"where=score > much", "a number or a day"},
    {"where=note ~", "a text is wanted"},
    {"not=country", "as in country=DE,AT"},
    {"not=not=x", "not in itself"},
    {"not=where=a=b", "!= turns = round"},
    {"not=countri=DE", "did you mean country?"},
    {"countri=DE", "did you mean country?"},
    {"country=DE,,AT", "a word is missing"},
};

TEST(mistakes_are_named)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct err e = {0};
        struct number_filter *f = begin();
        assert_int_not_equal(add_all(f, mistakes[i].filter, &e), 0);
        if (strstr(e.text, mistakes[i].says) == NULL)
            fail_msg("\"%s\": %s", mistakes[i].filter, e.text);
    }
}

static int read_file(struct number_filter *f, const char *text, struct err *e)
{
    struct yaml *root = NULL;
    int rc = yaml_parse(mem, "saved.yaml", str_of(text), &root, e);
    if (rc == 0)
        rc = number_filter_read(f, root, e);
    return rc == 0 ? number_filter_seal(f, e) : rc;
}

TEST(a_file_is_the_same_language)
{
    static const char text[] =
        "valid: true\ncountry: [DE, AT]\nregion: BENELUX\ntype: mobile, pager\n"
        "pattern:\n  - '+4917*'\n  - 49-151-*\nwhere: ['plan = gold']\nnot: {country: [LU], range: "
        "['491700000000..491700000009']}\n";
    struct err e = {0};
    struct buf say;
    const struct str gold = STR_INIT("gold");
    struct number_filter *f = begin();
    assert_ok(read_file(f, text, &e), e);
    assert_int_equal(ask(f, 491701234567, &gold), NUMBER_WANTED);
    assert_int_equal(ask(f, 491700000003, &gold), NUMBER_OTHER_RANGE);
    assert_int_equal(ask(f, 352621123456, &gold), NUMBER_OTHER_COUNTRY);
    buf_init(&say, 4096);
    number_filter_explain(f, &say);
    assert_str(buf_str(&say),
               "valid mobile or pager numbers of DE, AT or BENELUX, not of LU, among +4917* or 49-151-*, not among "
               "491700000000..491700000009, whose column \"plan\" is \"gold\"");
    buf_done(&say);
}

TEST(a_mistake_in_a_file_has_its_line)
{
    static const char *const files[][2] = {
        {"country: DE\ntype:\n  - mobile\n  - mobil\n", "saved.yaml:4: type: \"mobil\" is no type"},
        {"country: DE\ncolour: red\n", "saved.yaml:2: unknown key \"colour\""},
        {"not:\n  not: {country: DE}\n", "saved.yaml:2:"},
        {"country: {a: b}\n", "saved.yaml:1: country: one word or a list"},
        {"country: [[DE]]\n", "saved.yaml:1:"},
        {"- DE\n", "saved.yaml:1:"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct err e = {0};
        struct number_filter *f = begin();
        assert_int_equal(read_file(f, files[i][0], &e), WL_EINVAL);
        if (strstr(e.text, files[i][1]) == NULL)
            fail_msg("%s: %s", files[i][0], e.text);
    }
}

TEST(sentences)
{
    static const char *const said[][2] = {
        {"", "all numbers"},
        {"valid=false", "invalid numbers"},
        {"type=can_be_mobile", "can be mobile numbers"},
        {"not=type=pager,voip", "numbers that are not pager or voip"},
        {"country=DE;network=Vodafone", "numbers of DE, whose original network is Vodafone"},
        {"zone=Europe/Berlin;not=zone=Europe/Vienna",
         "numbers that may be in the time zone Europe/Berlin, that cannot be in the time zone Europe/Vienna"},
        {"country=DE,AT,CH,FR,IT,ES,PT,NL,BE,LU", "numbers of DE, AT, CH, FR, IT, ES, PT, NL or one of 2 more"},
        {"where=a=;where=b=x|y;where=c>=1", "numbers whose column \"a\" is empty, whose column \"b\" is \"x\" or "
                                            "\"y\", whose column \"c\" is at least \"1\""},
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct err e = {0};
        struct buf b;
        struct number_filter *f = begin();
        assert_ok(add_all(f, said[i][0], &e), e);
        buf_init(&b, 4096);
        number_filter_explain(f, &b);
        assert_str(buf_str(&b), said[i][1]);
        buf_done(&b);
    }
}

/* Beside a slow reading of the pattern: every number of up to six digits. */
static bool fits(const char *p, const char *digits)
{
    if (*p == '*')
        return true;
    if (*p == '\0' || *digits == '\0')
        return *p == *digits;
    return (*p == '?' || *p == *digits) && fits(p + 1, digits + 1);
}

TEST(patterns_mean_what_they_show)
{
    static const char *const patterns[] = {"4*", "49*", "4?9", "??", "4?*", "?9?*", "490??", "999999", "1", "9?????"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct number_ranges r = {0};
        struct err e = {0};
        begin();
        assert_ok(number_ranges_pattern(&r, str_of(patterns[i]), mem, &e), e);
        assert_ok(number_ranges_seal(&r, mem, &e), e);
        for (uint64_t v = 1; v < 1000000; v += v < 2000 ? 1 : 37) {
            char digits[24];
            snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
            bool want = fits(patterns[i], digits);
            if (number_ranges_has(&r, v) != want || (want && !number_ranges_may(&r, v, v)))
                fail_msg("%s of %s", patterns[i], digits);
        }
    }
}

TEST(blocks_outside_are_skipped)
{
    struct err e = {0};
    struct number_filter *f = begin();
    assert_ok(add_all(f, "country=DE;pattern=4917*", &e), e);
    assert_true(number_filter_may(f, 491700000000, 491700000001));
    assert_true(number_filter_may(f, 1, UINT64_MAX));
    assert_false(number_filter_may(f, 491600000000, 491699999999));
    assert_false(number_filter_may(f, 4300000000, 4399999999));
    f = begin();
    assert_ok(add_all(f, "country=DE", &e), e);
    assert_false(number_filter_may(f, 431234567890, 439999999999));
    assert_false(number_filter_digits_only(f));
}

TEST(groups_are_countries_of_the_plans)
{
    begin();
    for (const struct country_group *g = country_groups; g->word != NULL; g++) {
        size_t known = 0;
        for (struct str rest = str_of(g->countries); rest.n > 0;) {
            struct str c = str_cut(rest, ' ', &rest);
            assert_int_equal(c.n, 2);
            assert_true(rest.n == 0 || memcmp(c.p, rest.p, 2) < 0); /* in order, each once */
            known += phone_region(&plans, c) > 0;
        }
        assert_true(known > 2);
        assert_ptr_equal(country_group(str_of(g->word)), g);
    }
    assert_null(country_group(STR("ATLANTIS")));
}

TESTS(T(who_passes), T(where_a_column_holds), T(mistakes_are_named), T(a_file_is_the_same_language),
      T(a_mistake_in_a_file_has_its_line), T(sentences), T(patterns_mean_what_they_show), T(blocks_outside_are_skipped),
      T(groups_are_countries_of_the_plans))
