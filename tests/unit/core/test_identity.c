/* SPDX-License-Identifier: Apache-2.0
 * test_identity.c - two spellings of one name give the same bytes, and no id turns into a phone number. */
#include "core/identity.h"

#include "t.h"

TEST(what_a_person_writes)
{
    struct phone_data plans;
    struct identity id;
    phone_data_builtin(&plans);
    assert_int_equal(identity_written(&plans, STR("+49 (0)170 1234567"), &id, NULL), 0);
    assert_string_equal(id.value, "491701234567");
    assert_int_equal(identity_written(&plans, STR("us.13491208655302"), &id, NULL), 0);
    assert_string_equal(id.value, "US.13491208655302");
    assert_int_equal(identity_written(&plans, STR("0170 1234567"), &id, NULL), WL_EINVAL);
}

TEST(what_a_person_types)
{
    static const struct {
        const char *text;
        enum identity_kind kind; /* NONE: refused */
        const char *value;
    } rows[] = {
        {"+55 11 91234-5678", IDENTITY_PHONE, "5511912345678"},
        {"5511912345678", IDENTITY_PHONE, "5511912345678"},
        {"+49 (0)170 1234567", IDENTITY_PHONE, "4901701234567"},
        {"US.13491208655302741918", IDENTITY_USER_ID, "US.13491208655302741918"},
        {" us.13491208655302741918\n", IDENTITY_USER_ID, "US.13491208655302741918"},
        {"BR.aB9", IDENTITY_USER_ID, "BR.aB9"}, /* what follows the prefix keeps its case */
        {"US.ENT.11815799212886844830", IDENTITY_PARENT_ID, "US.ENT.11815799212886844830"},
        {"us.ent.11aB", IDENTITY_PARENT_ID, "US.ENT.11aB"},
        {"US.ENTERPRISE", IDENTITY_USER_ID, "US.ENTERPRISE"},
        {"US.", IDENTITY_NONE, NULL},
        {"US.ENT.", IDENTITY_NONE, NULL},
        {"US.123-456", IDENTITY_NONE, NULL},
        {"US.123.456", IDENTITY_NONE, NULL},
        {"US 13491208655302", IDENTITY_NONE, NULL},
        {"U1.13491208655302", IDENTITY_NONE, NULL},
        {"BSUID_123", IDENTITY_NONE, NULL},
        {"", IDENTITY_NONE, NULL},
        {"US.1349\xc3\xa9", IDENTITY_NONE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct identity id = {.kind = IDENTITY_GROUP, .value = "kept"};
        int rc = identity_parse(str_of(rows[i].text), &id, &e);
        if (rows[i].kind == IDENTITY_NONE) {
            if (rc != WL_EINVAL || e.text[0] == '\0' || strcmp(id.value, "kept") != 0)
                fail_msg("row %zu was accepted or touched: %d %s", i, rc, id.value);
        } else if (rc != 0 || id.kind != rows[i].kind || strcmp(id.value, rows[i].value) != 0) {
            fail_msg("row %zu: %d (%s), %s %s", i, rc, e.text, identity_kind_name(id.kind), id.value);
        }
    }
}

/* Two names are compared byte for byte, so what follows the NUL must be the same too. */
TEST(keys_are_canonical_bytes)
{
    struct identity a, b;
    memset(&a, 0xaa, sizeof a);
    memset(&b, 0x55, sizeof b);
    assert_int_equal(identity_phone(STR("+55 (11) 91234-5678"), &a, NULL), 0);
    assert_int_equal(identity_phone(STR("5511912345678"), &b, NULL), 0);
    assert_memory_equal(&a, &b, sizeof a);
}

TEST(lengths)
{
    char text[200];
    struct identity id;
    memset(text, '7', sizeof text);
    memcpy(text, "US.ENT.", 7);
    assert_int_equal(identity_user_id((struct str){text, 7 + 128}, &id, NULL), 0);
    assert_int_equal(strlen(id.value), 7 + 128);
    assert_int_equal(identity_user_id((struct str){text, 7 + 129}, &id, NULL), WL_EINVAL);
    assert_int_equal(identity_group((struct str){text, 128}, &id, NULL), 0);
    assert_int_equal(identity_group((struct str){text, 129}, &id, NULL), WL_EINVAL);
}

TEST(groups)
{
    static const struct {
        const char *text;
        int want;
    } rows[] = {{"120363025246125486", 0}, {"Y2FwaV9ncm91cDox-_=", 0}, {"x@g.us", 0},          {"", WL_EINVAL},
                {"two words", WL_EINVAL},  {"tab\t", WL_EINVAL},       {"\xc3\xa9", WL_EINVAL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct identity id;
        assert_int_equal(identity_group(str_of(rows[i].text), &id, NULL), rows[i].want);
        if (rows[i].want == 0) {
            assert_int_equal(id.kind, IDENTITY_GROUP);
            assert_string_equal(id.value, rows[i].text);
        }
    }
}

TEST(forms_do_not_mix)
{
    struct identity id;
    assert_int_equal(identity_phone(STR("US.13491208655302"), &id, NULL), WL_EINVAL);
    assert_int_equal(identity_user_id(STR("5511912345678"), &id, NULL), WL_EINVAL);
    assert_string_equal(identity_kind_name(IDENTITY_PARENT_ID), "parent_user_id");
    assert_string_equal(identity_kind_name((enum identity_kind)99), "none");
}

TESTS(T(what_a_person_types), T(what_a_person_writes), T(keys_are_canonical_bytes), T(lengths), T(groups),
      T(forms_do_not_mix))
