/* SPDX-License-Identifier: Apache-2.0
 * test_phone_compile.c - patterns mean what Perl says, plans what libphonenumber says, and what is wrong in a plan is
 * named by file and line. The world's own plans are compared by tests/phone/check_tables.py; here are small ones made up for each rule. */
#include "core/phone_compile.h"
#include "core/phone_format.h"
#include "core/phone_graph.h"
#include "core/phone_place.h"
#include "core/phone_regex.h"
#include "core/phone_unfold.h"

#include "t.h"

#define META "meta\tname\tTest 1\nmeta\treleased\t2026-09-02\nmeta\tunicode\t15\nmeta\tsource\tmade up\n"

/* ---- patterns ---- */

static bool walk(const struct phone_graph *g, phone_ref r, const char *digits)
{
    for (; !phone_graph_is_leaf(r); digits++)
        r = phone_graph_at(g, r)->next[*digits - '0'];
    return r != 0;
}

static bool matches(const char *pattern, const char *digits, enum phone_unfold_how how)
{
    struct phone_graph g;
    struct phone_unfold u;
    struct buf steps;
    struct err e = {0};
    uint16_t groups;
    buf_init(&steps, 1 << 20);
    phone_graph_init(&g);
    phone_unfold_init(&u, &g);
    assert_ok(phone_regex_compile(str_of(pattern), &steps, &groups, &e), e);
    phone_unfold_begin(&u, (const void *)steps.data, (uint32_t)(steps.len / sizeof(struct phone_step)), how, NULL,
                       NULL);
    bool is = walk(&g, phone_unfold(&u, (unsigned)strlen(digits)), digits);
    assert_false(u.failed || g.failed);
    phone_unfold_done(&u);
    phone_graph_done(&g);
    buf_done(&steps);
    return is;
}

TEST(patterns)
{
    static const struct {
        const char *pattern, *yes, *no; /* blanks between numbers; "-" the empty one */
    } rows[] = {
        {"", "-", "1"},
        {"12", "12", "1 123 21 -"},
        {"[2-47]\\d", "20 39 47 79", "10 50 80 2 200"},
        {"[^2-4]", "0 1 5 9", "2 3 4"},
        {"1|23|", "1 23 -", "2 3 123"},
        {"1(?:2|3(?:4|56))7", "127 1347 13567", "137 1357 17"},
        {"1?2{2}3{0,2}", "22 122 223 12233", "12 1222 22333"},
        {"(?:12?){2,3}", "11 121 1212 111 12112", "1 12 1111"},
        {"(1|12)(3|23)", "13 123 1223", "12 1233"},
        {"1$|2", "1 2", "12 21"},
        {"0~0", "", "0 00 000"},
        {".\\d", "00 99", "0 000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int yes = 0; yes < 2; yes++) {
            struct str rest = str_of(yes ? rows[i].yes : rows[i].no);
            while (rest.p != NULL && rest.n > 0) {
                struct str one = str_cut(rest, ' ', &rest);
                char digits[20] = "";
                if (one.p[0] != '-')
                    memcpy(digits, one.p, one.n);
                if (matches(rows[i].pattern, digits, PHONE_UNFOLD_WHOLE) != yes)
                    fail_msg("%s: %s", rows[i].pattern, digits);
            }
        }
    assert_true(matches("12|3$", "129", PHONE_UNFOLD_BEGINS) && matches("12|3$", "3", PHONE_UNFOLD_BEGINS));
    assert_false(matches("12|3$", "31", PHONE_UNFOLD_BEGINS) || matches("12|3$", "1", PHONE_UNFOLD_BEGINS));
}

TEST(refused_patterns)
{
    static const struct {
        const char *pattern, *says;
    } rows[] = {
        {"1*", "repeating is not known at character 2"},
        {"1+", "repeating"},
        {"1??", "repeating"},
        {"1{2}{3}", "repeating"},
        {"*", "do not know at character 1"},
        {"1{3,2}", "fall"},
        {"1{2,}", "number is missing"},
        {"1{99}", "too large"},
        {"1{2", "not closed"},
        {"[1-", "no end"},
        {"[3-1]", "backwards"},
        {"[a]", "only digits"},
        {"[1", "only digits"},
        {"(1", "not closed at character 3"},
        {"1)", "not opened at character 2"},
        {"(?=1)", "ahead or back"},
        {"\\w", "do not know"},
        {"1 2", "do not know at character 2"},
        {"((((((((((((((((((((((((((((((((((((((((((1))))))", "too many"},
        {"(?:(?:(?:\\d{40}){40}){40}){40}", "more than 30000 steps"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf steps;
        struct err e = {0};
        uint16_t groups;
        buf_init(&steps, 1 << 20);
        assert_true(phone_regex_compile(str_of(rows[i].pattern), &steps, &groups, &e) < 0);
        if (strstr(e.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].pattern, e.text);
        buf_done(&steps);
    }
}

/* ---- plans ---- */

/* Two that share 1, the main one known by nothing, BB by its leading digits; CC alone; an entity without region. */
static const char plans[] = META "AA\t1\tmain\t1\n"
                                 "AA\t1\tidd\t011\n"
                                 "AA\t1\tprefix.parse\t1\n"
                                 "AA\t1\tprefix\t1\n"
                                 "AA\t1\ttype.general\t[2-9]\\d{5}\t6\t3\t\n"
                                 "AA\t1\ttype.fixed_line\t[2-5]\\d{5}\t6\t3\t200001\n"
                                 "AA\t1\ttype.mobile\t[5-6]\\d{5}\t6\t\t600001\n"
                                 "AA\t1\ttype.toll_free\t50\\d{4}\t6\t\t500001\n"
                                 "AA\t1\tformat\t01\t(\\d{3})(\\d{3})\t$1-$2\t[2-8]\t($1)\t0\t\n"
                                 "AA\t1\tformat\t02\t9(\\d{2})(\\d{3})\t$2 $1\t\t0$1\t0\t\n"
                                 "AA\t1\tintl\t01\t(\\d{2})(\\d{4})\t$1.$2\t2\n"
                                 "AA\t1\tintl\t02\t((\\d)\\d{2})(\\d{3})\t$2/$1/$3\t3\n"
                                 "BB\t1\tidd\t011\n"
                                 "BB\t1\tleading\t7|68\n"
                                 "BB\t1\tprefix.parse\t1|([2-9]\\d{2})$\n"
                                 "BB\t1\tprefix.transform\t777$1\n"
                                 "BB\t1\ttype.general\t(?:7|68)\\d{4,5}\t5-6\t\t\n"
                                 "BB\t1\ttype.mobile\t(?:7\\d|68)\\d{4}\t6\t\t700001\n"
                                 "CC\t44\tidd\t00\n"
                                 "CC\t44\tidd.preferred\t00~9\n"
                                 "CC\t44\textension\t x\n"
                                 "CC\t44\tportable\t1\n"
                                 "CC\t44\ttype.general\t\\d{4,6}\t4-6\t\t\n"
                                 "CC\t44\ttype.fixed_line\t1\\d{3,5}\t4,6\t\t1001\n"
                                 "CC\t44\ttype.mobile\t1\\d{3,5}\t4,6\t\t1001\n"
                                 "001\t800\ttype.general\t\\d{8}\t8\t\t\n"
                                 "001\t800\ttype.toll_free\t\\d{8}\t8\t\t12345678\n";
static const char zones[] = "meta\tsource\tzones made up\n1\tA/All\n12\tA/Two&A/Three\n1234\tA/All\n44\tC/C\n447\t\n";
static const char networks[] = "165\tFirst\n1659\tSecond\n";

static void compile(const char *numbers, const char *zone, const char *network, struct buf *out)
{
    struct phone_text n = {"numbers.tsv", str_of(numbers)}, z = {"zones.tsv", str_of(zone)},
                      c = {"carriers.tsv", str_of(network)};
    struct err e = {0};
    buf_init(out, PHONE_FILE_MAX);
    assert_ok(phone_compile(&n, zone ? &z : NULL, network ? &c : NULL, out, &e), e);
}

static struct phone_data opened(const struct buf *file)
{
    struct phone_data d;
    struct err e = {0};
    assert_ok(phone_data_open(&d, file->data, file->len, &e), e);
    return d;
}

TEST(kinds)
{
    static const struct {
        unsigned code;
        const char *nsn, *region;
        enum phone_type type;
    } rows[] = {
        {1, "200000", "AA", PHONE_FIXED_LINE},
        {1, "510000", "AA", PHONE_FIXED_LINE_OR_MOBILE},
        {1, "500000", "AA", PHONE_TOLL_FREE}, /* asked before fixed and mobile */
        {1, "600000", "AA", PHONE_MOBILE},
        {1, "680000", "AA", PHONE_MOBILE}, /* the main one first */
        {1, "700000", "BB", PHONE_MOBILE},
        {1, "70000", "BB", PHONE_UNKNOWN_TYPE}, /* by its first digit, whether valid or not */
        {1, "7", "BB", PHONE_UNKNOWN_TYPE},
        {1, "900000", "ZZ", PHONE_UNKNOWN_TYPE},
        {44, "1234", "CC", PHONE_FIXED_LINE_OR_MOBILE}, /* one pattern for both */
        {44, "12345", "CC", PHONE_UNKNOWN_TYPE},        /* a length of neither */
        {44, "9", "CC", PHONE_UNKNOWN_TYPE},            /* alone, so always its */
        {800, "12345678", "001", PHONE_TOLL_FREE},
        {2, "12345678", "ZZ", PHONE_UNKNOWN_TYPE},
    };
    struct buf file;
    compile(plans, zones, networks, &file);
    struct phone_data d = opened(&file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct phone_number n;
        phone_number_of(&d, rows[i].code, str_of(rows[i].nsn), &n);
        if (strcmp(phone_region_id(&d, n.region), rows[i].region) != 0 || n.type != rows[i].type)
            fail_msg("+%u %s: %s %s", rows[i].code, rows[i].nsn, phone_region_id(&d, n.region),
                     phone_type_word(n.type));
    }
    assert_string_equal(phone_data_name(&d), "Test 1");
    assert_int_equal(d.count[PHONE_SECTION_SOURCE], 2);
    assert_int_equal(phone_data_age_days(&d, INT64_C(1788393600000)), 1); /* 2026-09-03 */
    buf_done(&file);
}

TEST(regions)
{
    struct buf file;
    struct phone_number n;
    compile(plans, NULL, NULL, &file);
    struct phone_data d = opened(&file);
    int a = phone_region(&d, STR("AA")), b = phone_region(&d, STR("BB")), c = phone_region(&d, STR("CC"));
    phone_number_of(&d, 1, STR("680000"), &n);
    assert_true(phone_number_valid_for(&d, &n, a) && phone_number_valid_for(&d, &n, b));
    assert_false(phone_number_valid_for(&d, &n, c));
    phone_number_of(&d, 1, STR("700000"), &n);
    assert_true(!phone_number_valid_for(&d, &n, a) && phone_number_valid_for(&d, &n, b));
    assert_int_equal(d.region[a].prefix_single, 1 << 1);
    assert_int_equal(d.region[a].prefix_first, 1 << 1);
    assert_int_equal(d.region[b].prefix_single, 0);
    assert_int_equal(d.region[b].prefix_first, 0x3fe);
    assert_int_equal(d.region[b].prefix_groups, 1);
    assert_string_equal(d.text + d.region[b].transform, "777$1");
    assert_string_equal(d.text + d.region[a].idd_text, "011");
    assert_string_equal(d.text + d.region[c].idd_text, "00~9");
    assert_string_equal(d.text + d.region[c].extension_text, " x");
    assert_int_equal(d.region[c].flags, PHONE_REGION_PORTABLE);
    assert_int_equal(d.region[a].flags, PHONE_REGION_MAIN);
    assert_int_equal(d.region[b].flags, PHONE_REGION_LEADING);
    assert_int_equal(phone_number_possible_for(&d, &n, PHONE_TOLL_FREE), PHONE_IS_POSSIBLE);
    phone_number_of(&d, 1, STR("200"), &n);
    assert_int_equal(n.possible, PHONE_IS_POSSIBLE_LOCAL_ONLY);
    assert_int_equal(phone_number_possible_for(&d, &n, PHONE_FIXED_LINE_OR_MOBILE), PHONE_IS_POSSIBLE_LOCAL_ONLY);
    assert_int_equal(phone_number_possible_for(&d, &n, PHONE_PAGER), PHONE_POSSIBLE_INVALID_LENGTH);
    assert_int_equal(phone_example(&d, b, PHONE_MOBILE), 1700001);
    buf_done(&file);
}

TEST(layouts)
{
    static const struct {
        const char *nsn, *national, *international;
    } rows[] = {
        {"234567", "(234)-567", "+1 23.4567"},   /* cut at the places of both */
        {"345678", "(345)-678", "+1 3/345/678"}, /* a group in a group */
        {"456789", "(456)-789", "+1 456789"},    /* abroad: as it is */
        {"912345", "0345 12", "+1 912345"},      /* a digit in no group; the rule is around the first one written */
        {"23456", "23456", "+1 23456"},
    };
    struct buf file;
    char text[PHONE_FORMAT_MAX];
    compile(plans, NULL, NULL, &file);
    struct phone_data d = opened(&file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct phone_number n;
        phone_number_of(&d, 1, str_of(rows[i].nsn), &n);
        phone_format(&d, &n, STR(""), PHONE_NATIONAL, text);
        assert_string_equal(text, rows[i].national);
        phone_format(&d, &n, STR(""), PHONE_INTERNATIONAL, text);
        assert_string_equal(text, rows[i].international);
    }
    buf_done(&file);
}

TEST(prefixes)
{
    struct buf file;
    struct phone_number n;
    compile(plans, zones, networks, &file);
    struct phone_data d = opened(&file);
    phone_number_of(&d, 1, STR("234567"), &n);
    assert_string_equal(phone_zones(&d, &n), "A/All");
    phone_number_of(&d, 1, STR("244567"), &n);
    assert_string_equal(phone_zones(&d, &n), "A/Two&A/Three");
    phone_number_of(&d, 1, STR("600000"), &n);
    assert_string_equal(phone_zones(&d, &n), "A/All");
    assert_string_equal(phone_network(&d, &n, NULL), "");
    phone_number_of(&d, 1, STR("650000"), &n);
    assert_string_equal(phone_network(&d, &n, NULL), "First");
    phone_number_of(&d, 1, STR("659000"), &n);
    assert_string_equal(phone_network(&d, &n, NULL), "Second");
    buf_done(&file);
}

/* The same facts in another order are the same plans. */
TEST(same_bytes)
{
    struct buf file, again, turned;
    char reversed[sizeof plans] = "";
    size_t at = sizeof plans - 1;
    for (struct str rest = STR(plans); rest.p != NULL && rest.n > 0;) {
        struct str line = str_cut(rest, '\n', &rest);
        at -= line.n + 1;
        memcpy(reversed + at, line.p, line.n);
        reversed[at + line.n] = '\n';
    }
    compile(plans, zones, networks, &file);
    compile(plans, zones, networks, &again);
    compile(reversed, zones, networks, &turned);
    assert_true(file.len == again.len && memcmp(file.data, again.data, file.len) == 0);
    assert_true(file.len == turned.len && memcmp(file.data, turned.data, file.len) == 0);
    buf_done(&file);
    buf_done(&again);
    buf_done(&turned);
}

TEST(complaints)
{
    static const struct {
        const char *numbers, *zones, *says;
    } rows[] = {
        {"", NULL, "meta name, meta released and meta unicode are needed"},
        {META, NULL, "numbers.tsv: no region at all"},
        {META "AA\t1\tmain\n", NULL, "numbers.tsv:5: fewer than 4 columns"},
        {META "AA\t1\tmain\t1\t2\n", NULL, "numbers.tsv:5: 5 columns, main has 4"},
        {META "AA\t1\ta\tb\tc\td\te\tf\tg\th\ti\n", NULL, "numbers.tsv:5: more than 10 columns"},
        {META "AA\t1\tmain\t2\n", NULL, "numbers.tsv:5: must be 1"},
        {META "AA\t1\tmain\t1\nAA\t1\tmain\t1\n", NULL, "numbers.tsv:6: said before"},
        {META "AA\t1\tidd\t1\nAA\t1\tidd\t1\n", NULL, "numbers.tsv:6: said before"},
        {META "AA\t1\tfax\t1\n", NULL, "numbers.tsv:5: no such field"},
        {META "AA\t1\ttype.fax\t1\t1\t\t\n", NULL, "numbers.tsv:5: no such type"},
        {META "aa\t1\tmain\t1\n", NULL, "numbers.tsv:5: a line begins with a region"},
        {META "ZZ\t1\tmain\t1\n", NULL, "numbers.tsv:5: a line begins with a region"},
        {META "AA\t1000\tmain\t1\n", NULL, "numbers.tsv:5: a calling code"},
        {META "AA\t0\tmain\t1\n", NULL, "numbers.tsv:5: a calling code"},
        {META "AA\t1\tidd\t1\nAA\t2\tmain\t1\n", NULL, "numbers.tsv:6: a region has one calling code"},
        {META "AA\t1\tidd\t1\n", NULL, "numbers.tsv:5: the region has no type.general"},
        {META "AA\t1\tmain\t1\nAA\t1\ttype.general\t1\t1\t\t\nBB\t1\tmain\t1\nBB\t1\ttype.general\t1\t1\t\t\n", NULL,
         "numbers.tsv:5: two main regions"},
        {META "AA\t1\ttype.general\t1\t18\t\t\n", NULL, "numbers.tsv:5: lengths look like"},
        {META "AA\t1\ttype.general\t1\t9-7\t\t\n", NULL, "numbers.tsv:5: a range of lengths"},
        {META "AA\t1\ttype.general\t1\t1,\t\t\n", NULL, "numbers.tsv:5: lengths look like"},
        {META "AA\t1\ttype.general\t1\t1\t\t12x\n", NULL, "numbers.tsv:5: an example"},
        {META "AA\t1\ttype.general\t1*\t1\t\t\n", NULL, "numbers.tsv:5: this way of repeating"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tleading\t(\n", NULL, "numbers.tsv:6: a bracket"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tprefix.parse\t)\n", NULL, "numbers.tsv:6: a bracket"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tidd\t0{\n", NULL, "numbers.tsv:6: a number is missing"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tformat\tx\t1\t1\t\t\t\t\n", NULL,
         "numbers.tsv:6: a format begins"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tintl\t1\t1\t1\t[\n", NULL, "numbers.tsv:6: only digits"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tintl\t1\t1\t1\t\nAA\t1\tintl\t01\t1\t1\t\n", NULL,
         "numbers.tsv:7: said before"},
        {META "AA\t1\ttype.general\t1\t1\t\t\nAA\t1\tintl\t1\t(\\d{15})(\\d)\t$1\t\n", NULL,
         "numbers.tsv:6: the format cuts"},
        {META "meta\tname\tagain\n", NULL, "numbers.tsv:5: said before"},
        {META "meta\tcolour\tred\n", NULL, "numbers.tsv:5: no such meta line"},
        {"meta\treleased\t2026-13-01\n", NULL, "numbers.tsv:1: a date looks like"},
        {"meta\treleased\t9999-12-31\n", NULL, "numbers.tsv:1: the date is out of range"},
        {"meta\tunicode\tx\n", NULL, "numbers.tsv:1: a version is a number"},
        {"meta\n", NULL, "numbers.tsv:1: a meta line has three columns"},
        {"# a word\n\nmeta\tname\tx\r\n", NULL, "numbers.tsv:3: a NUL or carriage return"},
        {plans, "1\tA\n1\tB\n", "zones.tsv:2: said before"},
        {plans, "1x\tA\n", "zones.tsv:1: a prefix has digits only"},
        {plans, "\tA\n", "zones.tsv:1: a prefix has 1 to 15 digits"},
        {plans, "1234567890123456\tA\n", "zones.tsv:1: a prefix has 1 to 15 digits"},
        {plans, "1\n", "zones.tsv:1: a line is a prefix and its name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct phone_text n = {"numbers.tsv", str_of(rows[i].numbers)}, z = {"zones.tsv", str_of(rows[i].zones)};
        struct buf out;
        struct err e = {0};
        buf_init(&out, PHONE_FILE_MAX);
        assert_int_equal(phone_compile(&n, rows[i].zones ? &z : NULL, NULL, &out, &e), WL_EINVAL);
        if (strstr(e.text, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, e.text);
        buf_done(&out);
    }
}

/* A pattern with more states than any plan has, and a file with no room. */
TEST(too_much)
{
    char wide[4096] = META "AA\t1\ttype.general\t";
    for (int i = 0; i < 14; i++) /* each length of head and tail is another state */
        strcat(wide, "(?:(?:\\d[13579]){0,8}|(?:\\d\\d[2468]){0,6})(?:[0-7]\\d?){0,9}");
    strcat(wide, "\t1-17\t\t\n");
    struct phone_text n = {"numbers.tsv", str_of(wide)}, good = {"numbers.tsv", str_of(plans)};
    struct buf out;
    struct err e = {0};
    buf_init(&out, PHONE_FILE_MAX);
    assert_int_equal(phone_compile(&n, NULL, NULL, &out, &e), WL_ETOOBIG);
    assert_non_null(strstr(e.text, "numbers.tsv: the plans are larger"));
    buf_done(&out);
    buf_init(&out, 100);
    assert_int_equal(phone_compile(&good, NULL, NULL, &out, &e), WL_ETOOBIG);
    buf_done(&out);
}

/* What is walked for each number has to stay in the caches of a core. */
TEST(built_in)
{
    struct phone_data d;
    phone_data_builtin(&d);
    const uint32_t each[] = {[PHONE_SECTION_NODE] = sizeof(struct phone_node),
                             [PHONE_SECTION_ROOT] = sizeof(uint16_t[PHONE_ROOTS]),
                             [PHONE_SECTION_PAYLOAD] = sizeof(struct phone_payload),
                             [PHONE_SECTION_CODE] = sizeof(uint16_t),
                             [PHONE_SECTION_PLAN] = sizeof(struct phone_plan),
                             [PHONE_SECTION_REGION] = sizeof(struct phone_region_row),
                             [PHONE_SECTION_LENGTH] = sizeof(struct phone_lengths),
                             [PHONE_SECTION_PROGRAM] = sizeof(struct phone_step),
                             [PHONE_SECTION_LAYOUT] = sizeof(struct phone_layout)};
    uint32_t bytes = d.count[PHONE_SECTION_MASK] * 4;
    for (size_t s = 1; s < sizeof each / sizeof each[0]; s++)
        bytes += d.count[s] * each[s];
    assert_in_range(bytes, 200 << 10, 254 << 10);
    assert_in_range(d.count[PHONE_SECTION_REGION], 240, 300);
    assert_true(phone_region(&d, STR("de")) > 0 && d.count[PHONE_SECTION_ZONE_NODE] > 0);
}

TESTS(T(patterns), T(refused_patterns), T(kinds), T(regions), T(layouts), T(prefixes), T(same_bytes), T(complaints),
      T(too_much), T(built_in))
