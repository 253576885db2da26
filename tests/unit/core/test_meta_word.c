/* SPDX-License-Identifier: Apache-2.0
 * test_meta_word.c - Meta's words have words of ours, and none is told twice. */
#include "t.h"

#include "core/facts.h"
#include "core/meta_word.h"
#include "core/template.h"

TEST(every_status_of_a_number_and_of_a_template_has_words)
{
    struct str rest = str_of(fact_info[FACT_SENDER_STATUS].words);
    while (rest.n > 0) {
        struct str word = str_cut(rest, ' ', &rest);
        if (meta_word(META_NUMBER_STATUS, word) == NULL)
            fail_msg("no words for a number that is %.*s", (int)word.n, word.p);
    }
    for (int s = TEMPLATE_APPROVED; s <= TEMPLATE_LOCKED; s++) {
        const char *word = template_status_name((enum template_status)s);
        if (meta_word(META_TEMPLATE_STATUS, str_of(word)) == NULL)
            fail_msg("no words for a template that is %s", word);
    }
    rest = str_of(fact_info[FACT_ACCOUNT_STATE].words);
    while (rest.n > 0)
        assert_non_null(meta_word(META_ACCOUNT_STATE, str_cut(rest, ' ', &rest)));
}

TEST(words_are_found_by_subject_and_in_any_case)
{
    const struct meta_word *number = meta_word(META_NUMBER_QUALITY, STR("RED"));
    const struct meta_word *template = meta_word(META_TEMPLATE_QUALITY, STR("red"));
    assert_non_null(number);
    assert_non_null(template);
    assert_ptr_not_equal(number, template);
    assert_non_null(number->next);
    assert_null(meta_word(META_NUMBER_QUALITY, STR("GREEN"))->next);
    assert_null(meta_word(META_NUMBER_QUALITY, STR("PURPLE")));
    assert_null(meta_word(META_NUMBER_QUALITY, STR("")));
    assert_null(meta_word(META_NUMBER_QUALITY, STR("gre")));
}

TESTS(T(every_status_of_a_number_and_of_a_template_has_words), T(words_are_found_by_subject_and_in_any_case))
