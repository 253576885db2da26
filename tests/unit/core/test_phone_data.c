/* SPDX-License-Identifier: Apache-2.0
 * test_phone_data.c - a file of numbering plans is refused for what is wrong in it, and looked up in.
 *
 * The broken files are the fuzz corpus: one small file with one thing wrong each, whose digest is put right here. */
#include "base/digest.h"
#include "core/phone_number.h"
#include "t.h"

#define FILE_MAX_BYTES 65536
#define DAY_MS         INT64_C(86400000)

static union {
    uint8_t bytes[FILE_MAX_BYTES];
    struct phone_file_header head;
} file;

static size_t read_corpus(const char *name)
{
    char path[1024];
    uint8_t digest[SHA256_BYTES];
    snprintf(path, sizeof path, "%s/fuzz/corpus/phone_data/%s", getenv("WAYLEAVE_SOURCE_ROOT"), name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(file.bytes, 1, sizeof file.bytes, f);
    fclose(f);
    if (n < sizeof file.head)
        return n;
    memset(file.head.digest, 0, sizeof file.head.digest);
    sha256(file.bytes, n, digest);
    memcpy(file.head.digest, digest, sizeof file.head.digest);
    return n;
}

TEST(what_is_broken_is_said)
{
    static const struct {
        const char *name, *says;
    } rows[] = {
        {"nothing", "does not begin with WLPN"},
        {"magic_only", "does not begin with WLPN"},
        {"version", "of version 2"},
        {"size", "says 3552"},
        {"half", "1772 bytes long"},
        {"header_only", "64 bytes long"},
        {"sections_many", "900 sections"},
        {"section_twice", "there twice"},
        {"section_outside", "the regions are not inside"},
        {"section_odd", "the nodes are not inside"},
        {"section_long", "the nodes are not inside"},
        {"section_size", "the plans are not inside"},
        {"leaves_many", "60000 answers"},
        {"leaves_none", "node 0"},
        {"node_upwards", "node 0"},
        {"node_itself", "node 1"},
        {"root_beyond", "root 1"},
        {"root_deep", "root 1"},
        {"payload_region", "payload 1"},
        {"payload_type", "payload 1"},
        {"code_beyond", "plan 1"},
        {"code_other", "calling code 92"},
        {"plan_main", "plan 1"},
        {"plan_root", "plan 1"},
        {"code_none", "plan 1"},
        {"region_id", "region 1"},
        {"region_unended", "region 1"},
        {"region_twice", "region AA is there twice"},
        {"region_transform", "region 1"},
        {"region_program", "region 1"},
        {"region_groups", "region 1"},
        {"region_lengths", "region 1"},
        {"region_code_none", "region 2"},
        {"region_zz_code", "region 0"},
        {"length_row", "row of lengths 1"},
        {"mask", "row of lengths"},
        {"program_back", "step 2"},
        {"program_beyond", "step 2"},
        {"program_op", "step 2"},
        {"program_mark", "step 2"},
        {"program_open_end", "step 33"},
        {"program_splits", "step 20"},
        {"program_marks", "step 39"},
        {"program_long", "step 40"},
        {"text_open", "texts do not end"},
        {"name_outside", "texts do not end"},
        {"layout_groups", "layout 1"},
        {"example_text", "example 0"},
        {"zone_up", "prefix 0"},
        {"zone_name", "name 0"},
        {"zone_ends", "prefix 1"},
        {"zone_leafless", "prefix table of 0"},
        {"carrier_root", "prefix table"},
        {"carrier_ends", "prefix 2"},
        {"carrier_leafless", "prefix table of 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct phone_data d = {.head = NULL};
        struct err e = {0};
        size_t n = read_corpus(rows[i].name);
        if (phone_data_open(&d, file.bytes, n, &e) != WL_EINVAL || d.head || !strstr(e.text, rows[i].says))
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].name, e.text, rows[i].says);
    }
}

TEST(damage_is_seen)
{
    struct phone_data d;
    struct err e = {0};
    size_t n = read_corpus("tiny");
    assert_ok(phone_data_open(&d, file.bytes, n, &e), e);
    file.bytes[n - 1] ^= 1;
    assert_int_equal(phone_data_open(&d, file.bytes, n, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "damaged"));
}

TEST(looked_up)
{
    struct phone_data d;
    phone_data_builtin(&d);
    int de = phone_region(&d, STR("DE"));
    assert_int_not_equal(de, 0);
    assert_int_equal(phone_region(&d, STR("de")), de);
    assert_string_equal(phone_region_id(&d, de), "DE");
    static const char *const none[] = {"", "D", "DEU", "ZZ", "00", "d\xc3", "001", "[A"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(phone_region(&d, str_of(none[i])), 0);
    assert_int_equal(phone_region_of_code(&d, 49), de);
    assert_int_equal(phone_region_of_code(&d, 1), phone_region(&d, STR("US")));
    assert_string_equal(phone_region_id(&d, phone_region_of_code(&d, 800)), "001");
    assert_int_equal(phone_region_of_code(&d, 999), 0);
    assert_int_equal(phone_region_of_code(&d, 100000), 0);
    assert_int_equal(phone_data_age_days(&d, 0), 0);
    assert_int_equal(phone_data_age_days(&d, (d.head->released + 10) * DAY_MS), 10);
}

/* The program's own tables, in the ways a person spells one number. */
TEST(one_number_in_many_spellings)
{
    static const char *const spellings[] = {"+49 30 901820",
                                            "030 901820",
                                            "0049 30 901820",
                                            "(030) 90-18-20",
                                            "+49 (0)30 901820",
                                            "tel:+49-30-901820",
                                            "901820;phone-context=+4930",
                                            "\xef\xbc\x8b\xef\xbc\x94\xef\xbc\x99 30 901820",
                                            "030 901820 ext. 7",
                                            "4930901820"};
    struct phone_data d;
    struct phone_number n, same;
    phone_data_builtin(&d);
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        phone_number_read(&d, str_of(spellings[i]), phone_region(&d, STR("DE")), &n);
        assert_int_equal(n.status, PHONE_OK);
        assert_int_equal(n.e164, UINT64_C(4930901820));
        assert_string_equal(n.nsn, "30901820");
        assert_int_equal(n.type, PHONE_FIXED_LINE);
    }
    assert_true(phone_number_of_e164(&d, UINT64_C(4930901820), &same));
    assert_int_equal(same.e164, n.e164);
    assert_false(phone_number_of_e164(&d, 0, &same));
    assert_false(phone_number_of_e164(&d, UINT64_C(999123456789), &same));
    phone_number_read(&d, STR("030 901820"), 0, &n);
    assert_int_equal(n.status, PHONE_INVALID_COUNTRY_CODE);
    assert_int_equal(n.e164, 0);
}

TEST(words)
{
    for (int t = PHONE_FIXED_LINE; t <= PHONE_UNKNOWN_TYPE; t++)
        assert_int_equal(phone_type_of_word(str_of(phone_type_word((enum phone_type)t))), t);
    assert_int_equal(phone_type_of_word(STR("satellite")), -1);
    assert_string_equal(phone_status_word(PHONE_TOO_LONG_NSN), "too_long");
    assert_string_equal(phone_possible_word(PHONE_IS_POSSIBLE_LOCAL_ONLY), "local_only");
}

TESTS(T(what_is_broken_is_said), T(damage_is_seen), T(looked_up), T(one_number_in_many_spellings), T(words))
