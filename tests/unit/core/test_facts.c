/* SPDX-License-Identifier: Apache-2.0
 * test_facts.c - the fact table against its enums, values as people read them, and the packed form. */
#include "rules_fixture.h"

#include "core/consent.h"

/* A rule file says "paused"; the C code sets TEMPLATE_PAUSED. If the two drift, every decision is wrong. */
TEST(words_stand_where_their_enums_say)
{
    for (int i = 0; i < CATEGORY_COUNT; i++)
        assert_int_equal(fact_word(FACT_MESSAGE_CATEGORY, str_of(category_name((enum category)i))), i);
    for (int i = 0; i <= TEMPLATE_LOCKED; i++)
        assert_int_equal(fact_word(FACT_TEMPLATE_STATUS, str_of(template_status_name((enum template_status)i))), i);
    for (int i = 0; i <= FIT_TEXT; i++)
        assert_int_equal(fact_word(FACT_TEMPLATE_FIT, str_of(template_fit_name((enum template_fit)i))), i);
    for (int i = 0; i <= CONSENT_WITHDRAWN; i++)
        assert_int_equal(fact_word(FACT_CONSENT_STATUS, str_of(consent_status_name((enum consent_status)i))), i);
    assert_int_equal(fact_word(FACT_MESSAGE_KIND, STR("receipt")), INTENT_RECEIPT);
    assert_int_equal(fact_word(FACT_MESSAGE_KIND, STR("freeform")), INTENT_FREEFORM);
    assert_int_equal(fact_word(FACT_MESSAGE_KIND, STR("template")), INTENT_TEMPLATE);
    assert_int_equal(fact_word(FACT_MESSAGE_KIND, STR("direct")), INTENT_DIRECT);
    assert_int_equal(fact_word(FACT_MESSAGE_KIND, STR("encrypted")), INTENT_ENCRYPTED);
    assert_int_equal(fact_word(FACT_MESSAGE_PATH, STR("messages")), PATH_MESSAGES);
    assert_int_equal(fact_word(FACT_MESSAGE_PATH, STR("marketing_messages")), PATH_MARKETING_MESSAGES);
    assert_int_equal(fact_word(FACT_MESSAGE_PATH, STR("messages_encrypted")), PATH_ENCRYPTED);
    assert_int_equal(fact_word(FACT_RECIPIENT_FORM, STR("phone")), IDENTITY_PHONE);
    assert_int_equal(fact_word(FACT_RECIPIENT_FORM, STR("user_id")), IDENTITY_USER_ID);
    assert_int_equal(fact_word(FACT_RECIPIENT_FORM, STR("parent_user_id")), IDENTITY_PARENT_ID);
    assert_int_equal(fact_word(FACT_RECIPIENT_FORM, STR("group")), IDENTITY_GROUP);
}

TEST(names_and_words_are_found_whole)
{
    for (int i = 0; i < FACT_COUNT; i++) {
        assert_int_equal(fact_by_name(str_of(fact_info[i].name)), i);
        assert_true(strlen(fact_info[i].words) == 0 || fact_info[i].type == FACT_TYPE_WORD);
        assert_true(fact_info[i].doc[0] != '\0');
    }
    assert_int_equal(fact_by_name(STR("template.stat")), -1);
    assert_int_equal(fact_by_name(STR("")), -1);
    assert_int_equal(fact_word(FACT_TEMPLATE_STATUS, STR("pend")), -1);
    assert_int_equal(fact_word(FACT_TEMPLATE_STATUS, STR("")), -1);
    assert_int_equal(fact_word(FACT_RECIPIENT_VALID, STR("true")), -1);
}

static void assert_text(const struct facts *f, enum fact_id id, const char *want)
{
    struct buf b;
    buf_init(&b, 200);
    fact_text(f, id, &b);
    assert_str(buf_str(&b), want);
    buf_done(&b);
}

TEST(values_read_as_people_write_them)
{
    struct facts f = {0};
    assert_text(&f, FACT_CONSENT_STATUS, "unknown");
    fact_set(&f, FACT_CONSENT_STATUS, 1);
    assert_text(&f, FACT_CONSENT_STATUS, "granted");
    fact_set(&f, FACT_CONSENT_STATUS, 77);
    assert_text(&f, FACT_CONSENT_STATUS, "77");
    fact_set(&f, FACT_RECIPIENT_VALID, 1);
    assert_text(&f, FACT_RECIPIENT_VALID, "true");
    fact_set(&f, FACT_PAIR_TAT, 0);
    assert_text(&f, FACT_PAIR_TAT, "never");
    fact_set(&f, FACT_PAIR_TAT, 1795312987123);
    assert_text(&f, FACT_PAIR_TAT, "2026-11-22T02:03:07.123Z");
    fact_set(&f, FACT_PAIR_TAT, INT64_MAX);
    assert_text(&f, FACT_PAIR_TAT, "9223372036854775807");
    fact_set_code(&f, FACT_RECIPIENT_COUNTRY, "BR");
    assert_text(&f, FACT_RECIPIENT_COUNTRY, "BR");
    fact_set(&f, FACT_RECIPIENT_COUNTRY, INT64_MIN);
    assert_text(&f, FACT_RECIPIENT_COUNTRY, "????????");
}

TEST(a_code_that_does_not_fit_stays_unknown)
{
    static const char *const bad[] = {"", "NINELONGS", "B R", "\xc3\x84", "+1"};
    for (size_t i = 0; i < 5; i++) {
        struct facts f = {0};
        fact_set_code(&f, FACT_RECIPIENT_COUNTRY, bad[i]);
        assert_false(f.known[FACT_RECIPIENT_COUNTRY]);
    }
    struct facts f = {0};
    fact_set_code(&f, FACT_RECIPIENT_COUNTRY, "EIGHT-_8");
    assert_text(&f, FACT_RECIPIENT_COUNTRY, "EIGHT-_8");
}

static void assert_same(const struct facts *a, const struct facts *b)
{
    for (int i = 0; i < FACT_COUNT; i++) {
        assert_int_equal(a->known[i], b->known[i]);
        if (a->known[i])
            assert_true(a->value[i] == b->value[i]);
    }
}

TEST(packing_keeps_every_fact)
{
    uint64_t seed = 1;
    uint8_t packed[FACTS_PACKED_MAX];
    for (int i = 0; i < 2000; i++) {
        struct facts f = random_facts(&seed), back;
        if (i == 0)
            f = (struct facts){0};
        if (i == 1)
            for (int k = 0; k < FACT_COUNT; k++)
                fact_set(&f, (enum fact_id)k, k % 2 ? INT64_MIN : INT64_MAX);
        size_t n = facts_pack(&f, packed);
        assert_true(n <= sizeof packed);
        assert_int_equal(facts_unpack(packed, n, &back), 0);
        assert_same(&f, &back);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(facts_unpack(packed, cut, &back), WL_EINVAL);
    }
}

TEST(a_usual_message_packs_small)
{
    uint8_t packed[FACTS_PACKED_MAX];
    struct facts f = fixture_facts();
    assert_true(facts_pack(&f, packed) <= 32);
    f = (struct facts){0};
    assert_int_equal(facts_pack(&f, packed), 1);
}

TEST(facts_of_another_release)
{
    struct facts f = fixture_facts(), back;
    /* newer: the last of its 255 facts is known with the value 5 */
    uint8_t newer[35] = {255, 1};
    _Static_assert(FACT_COUNT < 255, "the newest fact of the test is newer than ours");
    newer[1 + 254 / 8] = 1 << (254 % 8);
    newer[33] = 4;
    newer[34] = 10;
    assert_int_equal(facts_unpack(newer, sizeof newer, &back), 0);
    assert_true(back.known[0] && back.value[0] == 2);
    /* older: only the first fact existed */
    uint8_t older[] = {1, 1, 4};
    assert_int_equal(facts_unpack(older, sizeof older, &back), 0);
    assert_true(back.known[0] && !back.known[1]);
    /* damaged: a bit beyond the count, an overlong number, something after the end */
    uint8_t beyond[] = {1, 3, 4, 4}, overlong[] = {1, 1, 0x84, 0}, after[] = {1, 1, 4, 0};
    back = f;
    assert_int_equal(facts_unpack(beyond, sizeof beyond, &back), WL_EINVAL);
    assert_int_equal(facts_unpack(overlong, sizeof overlong, &back), WL_EINVAL);
    assert_int_equal(facts_unpack(after, sizeof after, &back), WL_EINVAL);
    assert_same(&f, &back);
}

TESTS(T(words_stand_where_their_enums_say), T(names_and_words_are_found_whole), T(values_read_as_people_write_them),
      T(a_code_that_does_not_fit_stays_unknown), T(packing_keeps_every_fact), T(a_usual_message_packs_small),
      T(facts_of_another_release))
