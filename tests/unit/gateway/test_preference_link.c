/* SPDX-License-Identifier: Apache-2.0
 * test_preference_link.c - links to preference pages, and the page's text.
 *
 * What would hurt: a link that somebody made up, one that never ends, and a name of a business that brings its own HTML. */
#include "t.h"

#include "gateway/preference_html.h"
#include "gateway/preference_link.h"

#define NOW  INT64_C(1795312800000)
#define HOUR 3600000

static const uint8_t key[SHA256_BYTES] = {1, 2, 3}, other[SHA256_BYTES] = {9};

TEST(a_link_comes_back)
{
    static const struct preference_link rows[] = {{0, 1, NOW + HOUR}, {4095, INT64_MAX, NOW + 3650LL * 24 * HOUR}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char token[PREFERENCE_TOKEN];
        struct preference_link got;
        struct str text = str_of(preference_link_write(key, &rows[i], token));
        assert_true(preference_link_read(key, text, NOW, &got));
        assert_int_equal(got.bucket, rows[i].bucket);
        assert_int_equal(got.contact, rows[i].contact);
        assert_int_equal(got.until, rows[i].until / 60000 * 60000);
        assert_false(preference_link_read(other, text, NOW, &got));
        assert_false(preference_link_read(key, text, got.until, &got));
        assert_false(preference_link_read(key, (struct str){text.p, text.n - 1}, NOW, &got));
    }
}

TEST(one_changed_letter_is_no_link)
{
    char token[PREFERENCE_TOKEN];
    struct preference_link l = {7, 4096 * 12 + 7, NOW + HOUR}, got;
    struct str text = str_of(preference_link_write(key, &l, token));
    for (size_t i = 0; i + 1 < text.n; i++) { /* the last letter has bits that mean nothing */
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        assert_false(preference_link_read(key, text, NOW, &got));
        token[i] = was;
    }
    assert_true(preference_link_read(key, text, NOW, &got));
    assert_false(preference_link_read(key, STR(""), NOW, &got));
    assert_false(preference_link_read(key, STR("../../etc/passwd"), NOW, &got));
}

TEST(the_language_is_the_persons_or_the_browsers)
{
    static const struct {
        const char *person, *browser, *want;
    } rows[] = {{"pt_BR", "de", "pt"},      {"", "fr-CA,fr;q=0.9,en;q=0.8", "fr"},
                {"", "xx, de;q=0.5", "de"}, {"", "", "en"},
                {"tlh", "", "en"},          {"AR", "", "ar"},
                {"", "-,;,,", "en"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(preference_words(str_of(rows[i].person), str_of(rows[i].browser))->tag, rows[i].want);
}

TEST(every_language_says_everything)
{
    static const char *const tags[] = {"en", "es", "pt", "fr", "de", "it", "nl", "tr", "id", "ru", "ar", "he", "hi"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        const struct preference_words *w = preference_words(str_of(tags[i]), STR(""));
        struct buf out;
        struct consent_state s = {.platform_stop = true};
        assert_string_equal(w->tag, tags[i]);
        buf_init(&out, 65536);
        preference_page(w, STR("<b>\"Lemon\" & 'Market'</b>"), &s, 1, true, &out);
        assert_false(out.failed);
        assert_null(strstr(buf_cstr(&out), "<b>"));
        assert_null(strstr(buf_cstr(&out), "%s"));
        assert_non_null(strstr(buf_cstr(&out), "&lt;b&gt;&quot;Lemon&quot; &amp; &#39;Market&#39;"));
        buf_clear(&out);
        preference_wording(w, STR("Lemon Market"), 0, &out);
        assert_non_null(strstr(buf_cstr(&out), "Lemon Market"));
        buf_done(&out);
    }
}

TESTS(T(a_link_comes_back), T(one_changed_letter_is_no_link), T(the_language_is_the_persons_or_the_browsers),
      T(every_language_says_everything))
