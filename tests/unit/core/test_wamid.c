/* SPDX-License-Identifier: Apache-2.0
 * test_wamid.c - whose number stands in one of Meta's ids. */
#include "t.h"

#include "base/digest.h"
#include "core/wamid.h"

static bool names(const char *encodes, bool url, enum identity_kind kind, const char *value)
{
    struct identity name = {.kind = kind};
    struct buf b;
    buf_init(&b, 4096);
    buf_puts(&b, "wamid.");
    if (url)
        base64url_encode(&b, encodes, strlen(encodes));
    else
        base64_encode(&b, encodes, strlen(encodes));
    snprintf(name.value, sizeof name.value, "%s", value);
    bool found = wamid_names(buf_str(&b), &name, 1);
    buf_done(&b);
    return found;
}

static void test_a_number_is_found_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *encodes;
        enum identity_kind kind;
        const char *value;
        bool found;
    } rows[] = {
        {"\x1c\x18\x0b"
         "15550001111\x15\x02",
         IDENTITY_PHONE, "15550001111", true},
        {"15550001111", IDENTITY_PHONE, "15550001111", true},
        {"x15550001111y", IDENTITY_PHONE, "15550001111", true},
        {"215550001111", IDENTITY_PHONE, "15550001111", false},
        {"155500011112", IDENTITY_PHONE, "15550001111", false},
        {"15550001112", IDENTITY_PHONE, "15550001111", false},
        {"1555000111", IDENTITY_PHONE, "15550001111", false},
        {"", IDENTITY_PHONE, "15550001111", false},
        {"x123456y", IDENTITY_PHONE, "123456", false}, /* by chance */
        {"\x18US.9001234\x15", IDENTITY_USER_ID, "US.9001234", true},
        {"\x18US.90012345\x15", IDENTITY_USER_ID, "US.9001234", false},
        {"\x18xUS.9001234\x15", IDENTITY_USER_ID, "US.9001234", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int url = 0; url < 2; url++)
            if (names(rows[i].encodes, url != 0, rows[i].kind, rows[i].value) != rows[i].found)
                fail_msg("%zu: %s", i, rows[i].value);
}

static void test_other_texts_name_nobody(void **state)
{
    const struct identity name = {.kind = IDENTITY_PHONE, .value = "15550001111"};
    static const char *const texts[] = {
        "", "wamid.", "-", "15550001111", "WAMID.MTU1NTAwMDExMTE=", "wamid.!MTU1NTAwMDExMTE="};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(wamid_names(str_of(texts[i]), &name, 1));
    assert_true(wamid_names(STR("wamid.MTU1NTAwMDExMTE="), &name, 1));
    assert_false(wamid_names(STR("wamid.MTU1NTAwMDExMTE="), &name, 0));
    char large[4096] = "wamid.";
    memset(large + 6, 'M', sizeof large - 7);
    assert_false(wamid_names(str_of(large), &name, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_number_is_found_whole_or_not_at_all),
                                       cmocka_unit_test(test_other_texts_name_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
