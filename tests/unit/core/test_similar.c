/* SPDX-License-Identifier: Apache-2.0
 * test_similar.c - texts that are one text are seen as one, different ones are not, and the differences are shown. */
#include "core/similar.h"

#include "t.h"

static int alike(const char *a, const char *b)
{
    struct signature x, y;
    similar_signature(str_of(a), &x);
    similar_signature(str_of(b), &y);
    return similar_permille(&x, &y);
}

TEST(normalised)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"  Hello,\tWORLD!!  ", "hello world"},
        {"Don't “miss” it", "dont miss it"},
        {"Pay 1,234.50 by 10:30", "pay 0 by 0"},
        {"Call +1 (234) 567-89", "call 0"},
        {"code AB12C", "code 0"},
        {"p1ace your c@rd", "place your card"},
        {"w o n a p r i z e now", "wonaprize now"},
        {"see:https://shop.example/a?b=1, www.shop.example", "see / /"},
        {"y77.us/1110 or wa.link. mail me@shop.example", "/ or / mail /"},
        {"That is all.Bye", "that is all bye"},
        {"ze\u200Bro\u00AD width\uFEFF", "zero width"},
        {"Ｆｕｌｌ width", "full width"},
        {"pаypаl Ваnk", "paypal bank"}, /* Cyrillic in Latin */
        {"пpивeт", "привет"},           /* the other way */
        {"со", "со"},                   /* a Cyrillic word is one */
        {"打 折 5 折", "打折 0 折"},
        {"bad \xFF\xC3(", "bad ��"},
        {"🎁", "🎁"}, /* signs count where there is nothing else */
        {"gift 🎁 card", "gift card"},
    };
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        similar_normalise(str_of(rows[i].text), &b);
        assert_str(buf_str(&b), rows[i].want);
    }
    buf_done(&b);
}

TEST(nothing_is_similar_to_nothing)
{
    assert_int_equal(alike("", ""), 0);
    assert_int_equal(alike(" \n", "hello"), 0);
    assert_int_equal(alike("a", "A!"), 1000);
    assert_int_equal(alike("ok", "no"), 0);
    assert_int_equal(alike("🎁", "😀"), 0);
}

TESTS(T(normalised), T(nothing_is_similar_to_nothing))
