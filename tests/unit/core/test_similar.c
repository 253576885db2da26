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
        {"满300元iPhone", "满 0 元 iphone"},
        {"bad \xFF\xC3(", "bad ��"},
        {"🎁", "🎁"}, /* signs count where there is nothing else */
        {"gift 🎁 card", "gift card"},
        {"5", "5"}, /* and numbers and links where there are not even signs */
        {"2024-12-24", "2024-12-24"},
        {"https://a.example/one", "https://a.example/one"},
        {"5 🎁", "5 🎁"},
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
    assert_int_equal(alike("5", "7"), 0);
    assert_int_equal(alike("5", "5"), 0);
    assert_int_equal(alike("https://a.example/one", "https://b.example/two"), 0);
    assert_int_equal(alike("10:30, 20 %", "11:30, 50 %"), 0);
    assert_true(similar_hash(STR("5")) != similar_hash(STR("7")) && similar_hash(STR("5")) == similar_hash(STR(" 5 ")));
    assert_true(similar_hash(STR("https://a.example/one")) != similar_hash(STR("https://b.example/two")));
}

/* In a text that never changes a number is a word: another one makes another offer. */
TEST(numbers_of_fixed_texts_count)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"Sale 20% off", "Sale 50% off", false},
        {"Sale 20% off", "SALE: 20 % off!", true},
        {"Flight AB123 to Rome only 49 euro", "Flight XY987 to Rome only 49 euro", false},
        {"Buy now https://shop.example/shoes", "Buy now https://shop.example/hats", false},
        {"Buy now https://shop.example/shoes", "buy now https://SHOP.example/shoes", true},
        {"Call +1 234 567", "Call +1 234 568", false},
        {"Hello {{1}}, here is your {{2}}", "Hello {{2}}, here is your {{1}}", true}, /* places for values */
        {"Hello {{1}}, 3 days left", "Hello {{1}}, 2 days left", false},
        {"Sale ２０% off", "Sale 20% off", true},
        {"5", "7", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature a, b;
        similar_signature(str_of(rows[i].a), &a);
        similar_signature(str_of(rows[i].b), &b);
        bool same = similar_fixed(&a, &b, SIMILAR_SAME) >= SIMILAR_SAME;
        bool equal = similar_fixed_hash(str_of(rows[i].a)) == similar_fixed_hash(str_of(rows[i].b));
        if (same != rows[i].same || equal != rows[i].same)
            fail_msg("%s | %s: %d permille, hashes %s", rows[i].a, rows[i].b, similar_fixed(&a, &b, SIMILAR_SAME),
                     equal ? "equal" : "differ");
    }
    struct signature a, b;
    similar_signature(STR("Sale 20% off"), &a);
    similar_signature(STR("Sale 50% off"), &b);
    assert_int_equal(similar_fixed(&a, &b, SIMILAR_SAME), SIMILAR_SAME - 1); /* still nearly the same */
    assert_int_equal(similar_fixed(&a, &b, 700), 699);
    assert_int_equal(similar_permille(&a, &b), 1000);
}

TEST(the_same_said_in_other_ways)
{
    static const char *const same[][2] = {
        {"Your code 4821 is valid until 10:30", "YOUR CODE 99 is valid until 9:15!"},
        {"Sale at https://a.example/x?u=1 today", "Sale at https://a.example/y today"},
        {"b\u00FCcher f\u00FCr alle", "bu\u0308cher fu\u0308r alle"},
        {"STRASSE", "stra\u00DFe"},
        {"\uFF76\uFF80\uFF76\uFF85", "\u30AB\u30BF\u30AB\u30CA"}, /* kana of half width */
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_int_equal(alike(same[i][0], same[i][1]), 1000);
        assert_true(similar_hash(str_of(same[i][0])) == similar_hash(str_of(same[i][1])));
    }
    assert_true(similar_hash(STR("a bc")) != similar_hash(STR("abc")));
    assert_true(similar_hash(STR("ab")) != similar_hash(STR("ba")));
    assert_true(similar_hash(STR("!")) != similar_hash(STR("?")));
}

/* What is stored must mean the same in every later release and on every machine. */
TEST(signatures_do_not_change)
{
    static const uint8_t want[] = {0x29, 0x4F, 0x67, 0x9C, 0x92, 0x8A, 0x5B, 0xB6,
                                   0xD1, 0x77, 0xA9, 0x50, 0xAD, 0x06, 0x5E, 0xD5};
    struct signature s;
    similar_signature(STR("Summer sale: 30 % off everything, \u043E\u0442\u043B\u0438\u0447\u043D\u043E, \u4FC3\u9500"),
                      &s);
    assert_memory_equal(s.min, want, sizeof want);
    assert_int_equal(s.grams, 38);
    assert_true(similar_hash(STR("Summer sale")) == 0xE364B91CC641B56Eu);
}

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    seed += 0x9E3779B97F4A7C15u;
    uint64_t z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) >> 33) % below;
}

/* The definition, said once more without hashes: the share of 4-grams of " text " that are in both. */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 4);
}

static size_t grams_of(const char *text, char (*ret)[4])
{
    size_t n = strlen(text) - 3, kept = 0;
    for (size_t i = 0; i < n; i++)
        memcpy(ret[i], text + i, 4);
    qsort(ret, n, 4, by_bytes);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || memcmp(ret[i], ret[kept - 1], 4) != 0)
            memmove(ret[kept++], ret[i], 4);
    return kept;
}

static int exact_permille(const char *a, const char *b)
{
    static char x[40000][4], y[40000][4];
    size_t n = grams_of(a, x), m = grams_of(b, y), common = 0;
    for (size_t i = 0; i < n; i++)
        common += bsearch(x[i], y, m, 4, by_bytes) != NULL;
    return (int)(common * 1000 / (n + m - common));
}

static void add_words(char *out, size_t upto)
{
    size_t n = strlen(out);
    while (n < upto) {
        for (uint32_t k = 2 + chance(8); k > 0; k--)
            out[n++] = (char)('a' + chance(26));
        out[n++] = ' ';
    }
    out[n] = '\0';
}

TEST(the_estimate_is_near_the_truth)
{
    static const size_t lengths[] = {60, 600, 6000, 20000};
    static char a[40000], b[40000];
    seed = 1;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        int sum = 0, most = 0, rounds = 200;
        for (int r = 0; r < rounds; r++) {
            strcpy(a, " ");
            add_words(a, lengths[l] * chance(11) / 10);
            strcpy(b, a);
            add_words(a, lengths[l]);
            add_words(b, lengths[l]);
            int off = alike(a, b) - exact_permille(a, b);
            sum += off;
            most = abs(off) > most ? abs(off) : most;
        }
        /* one draw of 128 at a half has a deviation of 44 permille */
        if (abs(sum) / rounds > 12 || most > 180)
            fail_msg("%zu letters: off by %d on average, by %d at most", lengths[l], sum / rounds, most);
    }
}

TEST(what_is_certain)
{
    static const struct {
        int fixed, a, b, want;
    } rows[] = {
        {1000, 1000, 1000, 1000}, {1000, 500, 1000, 500},   {1000, 1000, 500, 500}, {1000, 500, 500, 333},
        {500, 1000, 1000, 500},   {500, 500, 500, 200},     {800, 900, 700, 527},   {0, 1000, 1000, 0},
        {1000, 0, 1000, 0},       {2000, 1001, 1000, 1000}, {-5, 10, 10, 0},        {1, 1, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(similar_at_least(rows[i].fixed, rows[i].a, rows[i].b), rows[i].want);
}

/* Sets drawn at random: never is less common than was promised, and with nothing else common and one fixed text inside
 * the other it is no more than that and rounding. */
TEST(what_is_certain_is_never_too_much)
{
    seed = 2;
    int least = 1000;
    for (int i = 0; i < 200000; i++) {
        int common = (int)chance(500), only_a = (int)chance(300), only_b = (int)chance(300);
        int values_a = (int)chance(400), values_b = (int)chance(400), also = (int)chance(200);
        int fa = common + only_a, fb = common + only_b, both = fa + fb - common;
        if (fa == 0 || fb == 0)
            continue;
        if (also > values_a || also > values_b)
            also = 0;
        int a = fa + values_a, b = fb + values_b;
        int truth = (common + also) * 1000 / (a + b - common - also);
        int said = similar_at_least(common * 1000 / both, fa * 1000 / a, fb * 1000 / b);
        assert_true(said <= truth);
        bool inside = (only_a == 0 && fa * b >= fb * a) || (only_b == 0 && fb * a >= fa * b);
        if (inside && also == 0 && truth - said < least)
            least = truth - said;
    }
    assert_true(least <= 1);
}

/* Spans */

static const char *shown(const char *before, const char *now)
{
    static char out[4096];
    struct arena *a = arena_create(1 << 20);
    struct span *s;
    struct err e = {0};
    size_t n, len = 0;
    assert_ok(similar_spans(str_of(before), str_of(now), a, &s, &n, &e), e);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        len +=
            (size_t)snprintf(out + len, sizeof out - len, "%c%.*s|", "=-+"[s[i].kind], (int)s[i].text.n, s[i].text.p);
    arena_free(a);
    return out;
}

TEST(differences_are_shown)
{
    static const char *const rows[][3] = {
        {"", "", ""},
        {"", "a b", "+a b|"},
        {"a  b", "", "-a  b|"},
        {"Your code is 4821, thanks", "YOUR code is  77, thanks!", "=YOUR code is|-4821,|+77,|=thanks!|"},
        {"buy now at a.example", "now at b.example buy", "-buy|=now at|-a.example|+b.example buy|"},
        {"one two three", "four five", "-one two three|+four five|"},
        {"สวัสดีค่ะ พัสดุของคุณ", "สวัสดีครับ พัสดุคุณ", "=สวัสดี|-ค่ะ|+ครับ|=พัสดุ|-ของ|=คุณ|"},
        {"您的包裹到了", "您的快递已到了", "=您的|-包裹|+快递已|=到了|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(shown(rows[i][0], rows[i][1]), rows[i][2]);
}

static size_t longest_common(const char *a, const char *b, size_t n, size_t m)
{
    size_t row[64] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t corner = 0;
        for (size_t k = 0; k < m; k++) {
            size_t above = row[k + 1];
            row[k + 1] = a[i] == b[k] ? corner + 1 : above > row[k] ? above : row[k];
            corner = above;
        }
    }
    return row[m];
}

static size_t letters(struct str s)
{
    return (s.n + 1) / 2;
}

/* Words of one letter: both texts are whole in the spans, and no alignment has more in common. */
TEST(alignments_are_the_best)
{
    struct arena *arena = arena_create(1 << 20);
    seed = 3;
    for (int round = 0; round < 20000; round++) {
        char a[130], b[130], wa[64], wb[64];
        size_t n = chance(40), m = chance(40), got, now = 0, common = 0, before = 0;
        uint32_t kinds = 1 + chance(6);
        for (size_t i = 0; i < n; i++)
            a[2 * i] = wa[i] = (char)('a' + chance(kinds)), a[2 * i + 1] = ' ';
        for (size_t i = 0; i < m; i++)
            b[2 * i] = wb[i] = (char)('a' + chance(kinds)), b[2 * i + 1] = ' ';
        struct span *s;
        arena_reset(arena);
        assert_int_equal(similar_spans((struct str){a, 2 * n}, (struct str){b, 2 * m}, arena, &s, &got, NULL), 0);
        for (size_t i = 0; i < got; i++) {
            if (s[i].kind == SPAN_BEFORE) {
                assert_ptr_equal(s[i].text.p, a + 2 * (before + common));
                before += letters(s[i].text);
            } else {
                assert_ptr_equal(s[i].text.p, b + 2 * (now + common));
                *(s[i].kind == SPAN_NOW ? &now : &common) += letters(s[i].text);
            }
        }
        assert_int_equal(before + common, n);
        assert_int_equal(now + common, m);
        assert_int_equal(common, longest_common(wa, wb, n, m));
    }
    arena_free(arena);
}

TEST(long_texts_are_cut)
{
    struct buf a, b;
    struct span *s;
    size_t n;
    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 4000; i++) {
        buf_printf(&a, "w%c%c x%d ", 'a' + i % 26, 'a' + i / 26 % 26, i);
        buf_printf(&b, "w%c%c y%d ", 'a' + i % 26, 'a' + i / 26 % 26, i);
    }
    struct arena *arena = arena_create(1 << 20);
    assert_int_equal(similar_spans(buf_str(&a), buf_str(&b), arena, &s, &n, NULL), 0);
    assert_in_range(n, 250, SPANS_MAX);
    assert_int_equal(s[n - 1].kind, SPAN_NOW);
    arena_free(arena);
    arena = arena_create(1000);
    struct err e = {0};
    assert_int_equal(similar_spans(STR("a"), STR("b"), arena, &s, &n, &e), WL_ENOMEM);
    arena_free(arena);
    buf_clear(&b);
    buf_putstr(&b, buf_str(&a));
    buf_puts(&b, " and much more");
    assert_true(a.len > SIMILAR_TEXT_MAX);
    assert_true(similar_hash(buf_str(&a)) == similar_hash(buf_str(&b)));
    buf_done(&a);
    buf_done(&b);
}

TESTS(T(normalised), T(nothing_is_similar_to_nothing), T(numbers_of_fixed_texts_count), T(the_same_said_in_other_ways),
      T(signatures_do_not_change), T(the_estimate_is_near_the_truth), T(what_is_certain),
      T(what_is_certain_is_never_too_much), T(differences_are_shown), T(alignments_are_the_best), T(long_texts_are_cut))
