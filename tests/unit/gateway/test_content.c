/* SPDX-License-Identifier: Apache-2.0
 * test_content.c - what a marketing template says, and how like it is to what a person got before.
 *
 * What would hurt: a promotion sent twice because only the name in it changed, and a message with something new to say
 * refused because its template was used before. */
#include "../../store/store_fixture.h"

#include "gateway/content.h"
#include "gateway/snapshot.h"

#define WABA 2000
#define SALE "Hello {{1}}, our spring sale starts today with half the price on every coat."
#define MENU "Hello {{1}}, this is your {{2}}."

struct cx {
    struct fx f;
    struct json_parser *parser;
    struct snapshots *all;
    struct snapshot *snap;
};

static void start(struct cx *x)
{
    fx_start(&x->f);
    x->parser = json_parser_create();
    x->all = snapshots_create();
    x->snap = NULL;
}

static void end(struct cx *x)
{
    snapshot_return(x->snap);
    snapshots_free(x->all);
    json_parser_free(x->parser);
    fx_end(&x->f);
}

static struct json parse(struct cx *x, const char *text)
{
    struct json v;
    OK(&x->f, json_parse(x->parser, str_of(text), false, &v, &x->f.e));
    return v;
}

static char *listing_of(struct cx *x, const char *body)
{
    return arena_printf(x->f.a, "{\"components\":[{\"type\":\"BODY\",\"text\":\"%s\"}]}", body);
}

static struct skeleton_text skeleton(struct cx *x, const char *listing)
{
    struct skeleton_text t;
    OK(&x->f, content_skeleton(x->f.a, parse(x, listing), &t, &x->f.e));
    return t;
}

/* Lists the templates (name, body in turn, NULL last), as learned.c does, and takes the new snapshot. */
static void list(struct cx *x, const char *const *pairs)
{
    struct template_row rows[8];
    struct skeleton *texts;
    size_t n = 0, n_texts;
    for (; pairs[2 * n] != NULL; n++)
        rows[n] = (struct template_row){.waba = WABA,
                                        .name = str_of(pairs[2 * n]),
                                        .language = STR("en_US"),
                                        .id = 1 + (int64_t)n,
                                        .status = TEMPLATE_APPROVED,
                                        .category = CATEGORY_MARKETING,
                                        .quality = STR("YELLOW"),
                                        .listing = str_of(listing_of(x, pairs[2 * n + 1])),
                                        .updated_at = NOW,
                                        .status_at = NOW};
    OK(&x->f, content_skeletons(x->f.a, rows, n, NOW, &texts, &n_texts, &x->f.e));
    assert_int_equal(n_texts, n);
    BEGIN(&x->f);
    OK(&x->f, templates_put(x->f.s, rows, n, &x->f.e));
    OK(&x->f, skeletons_put(x->f.s, texts, n_texts, &x->f.e));
    COMMIT(&x->f);
    OK(&x->f, snapshots_rebuild(x->all, x->f.s, &x->f.e));
    snapshot_return(x->snap);
    x->snap = snapshot_borrow(x->all);
}

static struct content_sent says(struct cx *x, const char *name, const char *values)
{
    const struct known_template *t = snapshot_template(x->snap, WABA, str_of(name), STR("en_US"));
    assert_non_null(t);
    char *components = arena_printf(x->f.a, "[{\"type\":\"body\",\"parameters\":[%s]}]", values);
    return content_of(t->skeleton, t->fixed, parse(x, components));
}

static struct facts compare(struct cx *x, struct content_sent now, const struct caps *got)
{
    struct facts f = {0};
    content_facts(&now, got, x->snap, SIMILAR_SAME, SIMILAR_NEAR, &f);
    return f;
}

#define ANA "{\"type\":\"text\",\"text\":\"Ana\"}"
#define BOB "{\"type\":\"text\",\"text\":\"Roberto\"}"

TEST(the_fixed_text_is_body_footer_and_cards)
{
    struct cx x;
    start(&x);
    struct skeleton_text t =
        skeleton(&x, "{\"components\":[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"not me\"},"
                     "{\"type\":\"FOOTER\",\"text\":\"foot\"},{\"type\":\"BODY\",\"text\":\"Ol\xc3\xa1 {{1}}!\"},"
                     "{\"type\":\"CAROUSEL\",\"cards\":[{\"components\":[{\"type\":\"BODY\",\"text\":\"card\"}]}]}]}");
    assert_str(t.text, "Ol\xc3\xa1 {{1}}!\nfoot\ncard");
    assert_int_equal(t.fixed, 5 + 1 + 4 + 1 + 4);
    assert_true(t.number != 0);
    assert_int_equal(skeleton(&x, "{\"components\":[{\"type\":\"BODY\"}]}").number, 0);
    assert_int_equal(skeleton(&x, "{}").number, 0);
    assert_int_equal(skeleton(&x, listing_of(&x, "a {{ b")).fixed, 6); /* no placeholder */
    assert_int_equal(skeleton(&x, listing_of(&x, SALE)).number, skeleton(&x, listing_of(&x, SALE)).number);
    assert_int_not_equal(skeleton(&x, listing_of(&x, SALE)).number, skeleton(&x, listing_of(&x, MENU)).number);
    end(&x);
}

TEST(a_new_name_makes_no_new_promotion)
{
    struct cx x;
    start(&x);
    list(&x, (const char *const[]){"sale", SALE, "menu", MENU, NULL});
    struct caps got = {0};
    struct content_sent first = says(&x, "sale", ANA);
    assert_in_range(first.share, 900, 999);
    struct facts f = compare(&x, first, &got);
    assert_int_equal(f.value[FACT_DUPLICATE_SAME_AT], 0);
    assert_false(f.known[FACT_DUPLICATE_OF]);
    caps_sent(&got, NOW, &first);
    f = compare(&x, first, &got);
    assert_int_equal(f.value[FACT_DUPLICATE_SAME_AT], NOW);
    assert_int_equal(f.value[FACT_DUPLICATE_SIMILARITY], 1000);
    assert_int_equal(f.value[FACT_DUPLICATE_OF], first.skeleton);
    f = compare(&x, says(&x, "sale", BOB), &got);
    assert_int_equal(f.value[FACT_DUPLICATE_SAME_AT], NOW);
    assert_in_range(f.value[FACT_DUPLICATE_SIMILARITY], 800, 999);
    end(&x);
}

TEST(another_number_in_the_fixed_text_is_another_offer)
{
    struct cx x;
    start(&x);
    list(&x, (const char *const[]){"a", "Spring sale: 20% off every coat", "b", "Spring sale: 50% off every coat", "c",
                                   "Spring sale! 20% off every coat.", NULL});
    struct caps got = {0};
    struct content_sent first = says(&x, "a", "");
    caps_sent(&got, NOW, &first);
    struct facts f = compare(&x, says(&x, "b", ""), &got);
    assert_int_equal(f.value[FACT_DUPLICATE_SAME_AT], 0);
    assert_int_equal(f.value[FACT_DUPLICATE_NEAR_AT], NOW);
    f = compare(&x, says(&x, "c", ""), &got);
    assert_int_equal(f.value[FACT_DUPLICATE_SAME_AT], NOW);
    end(&x);
}

TEST(other_words_in_the_same_frame_are_news)
{
    struct cx x;
    start(&x);
    list(&x, (const char *const[]){"menu", MENU, NULL});
    struct caps got = {0};
    const char *long_one =
        ANA ",{\"type\":\"text\",\"text\":\"invitation to the opening of our new shop in Porto Alegre\"}";
    const char *other =
        ANA ",{\"type\":\"text\",\"text\":\"reminder that your gift card expires at the end of the month\"}";
    struct content_sent first = says(&x, "menu", long_one);
    caps_sent(&got, NOW, &first);
    struct facts f = compare(&x, says(&x, "menu", other), &got);
    assert_int_equal(f.value[FACT_DUPLICATE_SAME_AT], 0);
    assert_int_equal(f.value[FACT_DUPLICATE_NEAR_AT], 0);
    assert_int_equal(compare(&x, first, &got).value[FACT_DUPLICATE_SAME_AT], NOW);
    end(&x);
}

/* A person remembers a promotion longer than its template lives. */
TEST(a_text_is_known_after_its_template_is_gone)
{
    struct cx x;
    start(&x);
    list(&x, (const char *const[]){"sale", SALE, NULL});
    struct content_sent first = says(&x, "sale", ANA);
    struct caps got = {0};
    caps_sent(&got, NOW, &first);
    list(&x,
         (const char *const[]){"sale", "Something else altogether: the shop moves to another town next week.", "again",
                               "Hello {{1}}, our spring sale starts today with half the price on every hat.", NULL});
    assert_non_null(snapshot_signature(x.snap, first.skeleton));
    struct facts f = compare(&x, says(&x, "again", BOB), &got);
    assert_int_equal(f.value[FACT_DUPLICATE_NEAR_AT], NOW);
    assert_int_equal(f.value[FACT_DUPLICATE_OF], first.skeleton);
    assert_int_equal(compare(&x, says(&x, "sale", ""), &got).value[FACT_DUPLICATE_NEAR_AT], 0);
    assert_null(snapshot_signature(x.snap, 12345));
    assert_null(snapshot_signature(x.snap, 0));
    end(&x);
}

TEST(the_snapshot_knows_accounts_and_quality)
{
    struct cx x;
    start(&x);
    struct account a = {.waba = WABA, .portfolio = 77, .limit = 250, .state = ACCOUNT_LOCKED};
    BEGIN(&x.f);
    OK(&x.f, accounts_put(x.f.s, &a, 1, &x.f.e));
    COMMIT(&x.f);
    list(&x, (const char *const[]){"sale", SALE, NULL});
    assert_int_equal(snapshot_account(x.snap, WABA)->limit, 250);
    assert_int_equal(snapshot_account(x.snap, WABA)->state, ACCOUNT_LOCKED);
    assert_null(snapshot_account(x.snap, 1));
    const struct known_template *t = snapshot_template(x.snap, WABA, STR("sale"), STR("en_US"));
    assert_int_equal(t->quality, 2);
    assert_int_equal(t->status_at, NOW / 1000 * 1000);
    end(&x);
}

TESTS(T(the_fixed_text_is_body_footer_and_cards), T(a_new_name_makes_no_new_promotion),
      T(another_number_in_the_fixed_text_is_another_offer), T(other_words_in_the_same_frame_are_news),
      T(a_text_is_known_after_its_template_is_gone), T(the_snapshot_knows_accounts_and_quality))
