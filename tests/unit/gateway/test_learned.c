/* SPDX-License-Identifier: Apache-2.0
 * test_learned.c - what a reading told, compared with the store and written: the difference only, a slice at a time.
 *
 * What would hurt: every message waiting behind a list of templates, a list that undoes what a webhook said while it was on
 * its way, and a text nobody kept because its template had not changed. */
#include "../../store/store_fixture.h"

#include "gateway/learned.h"
#include "gateway/writer.h"
#include "store/accounts.h"
#include "store/skeletons.h"

#define WABA 2000
#define MANY 1000

struct lx {
    struct fx f;
    struct writer *w;
    struct store *reader;
    struct learned l;
    size_t news; /* templates the last one wrote */
};

static struct template_row row_of(struct lx *x, int i)
{
    struct template_row row = {.waba = WABA,
                               .language = STR("en_US"),
                               .id = 1 + i,
                               .status = TEMPLATE_APPROVED,
                               .category = CATEGORY_MARKETING,
                               .quality = STR("GREEN"),
                               .updated_at = NOW};
    row.name = str_of(arena_printf(x->f.a, "t%d", i));
    row.listing = str_of(
        arena_printf(x->f.a, "{\"components\":[{\"type\":\"BODY\",\"text\":\"See the %c%c%c%c offer, {{1}}.\"}]}",
                     'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'a' + i / 17576));
    return row;
}

static void start(struct lx *x)
{
    memset(x, 0, sizeof *x);
    fx_start(&x->f);
    OK(&x->f, store_open(&x->reader, x->f.url, &(struct store_options){.read_only = true}, &x->f.e));
    OK(&x->f, writer_start(&x->w, x->f.s, 64, &x->f.e));
    x->f.s = NULL; /* the writer's */
    x->l.rows = arena_new_array(x->f.a, struct template_row, MANY);
    for (int i = 0; i < MANY; i++)
        x->l.rows[i] = row_of(x, i);
    x->l.n_rows = MANY;
    x->l.sender = (struct sender){.id = SENDER, .waba = WABA, .status = 1, .updated_at = NOW};
    x->l.sender.per_second = 80;
    x->l.people = 250;
    x->l.account =
        (struct account){.waba = WABA, .portfolio = 77, .limit = 250, .health = HEALTH_AVAILABLE, .updated_at = NOW};
    x->l.waba = WABA;
    x->l.listed_at = NOW;
    x->l.all = true;
}

static void end(struct lx *x)
{
    store_free(x->reader);
    writer_stop(x->w);
    fx_end(&x->f);
}

/* Transactions it took. */
static uint64_t learn(struct lx *x, int64_t begun)
{
    struct writer_stats before, after;
    x->l.sender.updated_at = x->l.account.updated_at = x->l.listed_at = begun;
    for (size_t i = 0; i < x->l.n_rows; i++)
        x->l.rows[i].updated_at = begun;
    writer_stats(x->w, &before);
    OK(&x->f, learned_write(x->w, x->reader, &x->l, &x->news, &x->f.e));
    writer_stats(x->w, &after);
    return after.commits - before.commits;
}

static struct template_row *stored(struct lx *x)
{
    struct template_row *rows;
    size_t n;
    OK(&x->f, templates_list(x->reader, WABA, x->f.a, &rows, &n, &x->f.e));
    assert_int_equal(n, MANY);
    return rows;
}

static const struct template_row *stored_row(struct lx *x, int i)
{
    const struct template_row *rows = stored(x);
    for (int k = 0; k < MANY; k++)
        if (rows[k].id == 1 + i)
            return &rows[k];
    fail();
    return NULL;
}

static size_t texts(struct lx *x)
{
    struct skeleton *v;
    size_t n;
    OK(&x->f, skeletons_list(x->reader, x->f.a, 2 * MANY, &v, &n, &x->f.e));
    return n;
}

TEST(only_what_is_new_is_written_and_in_slices)
{
    struct lx x;
    struct account account;
    struct sender *senders;
    size_t n;
    start(&x);
    uint64_t first = learn(&x, NOW);
    assert_in_range(first, 1 + 2 * MANY / 500, 1 + 2 * MANY / 100); /* the number, and slices of some hundreds */
    assert_int_equal(texts(&x), MANY);
    OK(&x.f, accounts_get(x.reader, WABA, &account, &x.f.e));
    assert_true(account.limit == 250 && account.portfolio == 77);
    OK(&x.f, senders_list(x.reader, x.f.a, &senders, &n, &x.f.e));
    assert_true(n == 1 && senders[0].per_second == 80 && senders[0].waba == WABA);
    assert_int_equal(learn(&x, NOW + 60000), 1); /* the number alone */
    assert_int_equal(stored_row(&x, 5)->updated_at, NOW);
    x.l.rows[5].quality = STR("YELLOW");
    x.l.rows[6].status = TEMPLATE_PAUSED;
    x.l.rows[7] = row_of(&x, 7007);
    x.l.rows[7].id = 8;
    x.l.rows[7].name = STR("t7");
    assert_int_equal(learn(&x, NOW + 120000), 3); /* the number, a text, three rows */
    assert_str(stored_row(&x, 5)->quality, "YELLOW");
    assert_int_equal(stored_row(&x, 6)->status, TEMPLATE_PAUSED);
    assert_int_equal(stored_row(&x, 6)->updated_at, NOW + 120000);
    assert_int_equal(stored_row(&x, 8)->updated_at, NOW);
    assert_int_equal(texts(&x), MANY + 1);
    end(&x);
}

static int hear(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a, (void)now;
    return templates_put(s, ctx, 1, e);
}

TEST(what_a_webhook_said_meanwhile_stays)
{
    struct lx x;
    start(&x);
    learn(&x, NOW);
    struct template_row word = {.waba = WABA,
                                .name = STR("t3"),
                                .language = STR("en_US"),
                                .status = TEMPLATE_PAUSED,
                                .category = CATEGORY_UTILITY,
                                .quality = STR("RED"),
                                .updated_at = NOW + 62000,
                                .status_at = NOW + 60000};
    OK(&x.f, writer_call(x.w, 1, hear, &word, &x.f.e));
    learn(&x, NOW + 60500); /* asked for in the same second, and told after it */
    const struct template_row *row = stored_row(&x, 3);
    assert_true(row->status == TEMPLATE_PAUSED && row->category == CATEGORY_UTILITY);
    assert_str(row->quality, "RED");
    learn(&x, NOW + 62500); /* as if said in the second before: later than the word by a whole one */
    row = stored_row(&x, 3);
    assert_true(row->status == TEMPLATE_APPROVED && row->category == CATEGORY_MARKETING);
    assert_str(row->quality, "GREEN");
    end(&x);
}

/* A store of an older release has the templates and no texts. */
static int put_rows(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct lx *x = ctx;
    (void)a, (void)now;
    return templates_put(s, x->l.rows, MANY, e);
}

TEST(texts_are_learned_of_templates_that_are_known)
{
    struct lx x;
    start(&x);
    OK(&x.f, writer_call(x.w, 1, put_rows, &x, &x.f.e));
    assert_int_equal(texts(&x), 0);
    learn(&x, NOW + 1000);
    assert_int_equal(texts(&x), MANY);
    assert_int_equal(stored_row(&x, 3)->updated_at, NOW);
    end(&x);
}

TEST(a_template_that_is_on_no_complete_list_is_gone)
{
    struct lx x;
    start(&x);
    learn(&x, NOW);
    x.l.n_rows = MANY - 2;
    x.l.all = false; /* a list that was cut says nothing of the rest */
    learn(&x, NOW + 10000);
    assert_int_equal(x.news, 0);
    struct template_row word = {.waba = WABA, /* said while the list was read: it is newer */
                                .name = x.l.rows[MANY - 1].name,
                                .language = STR("en_US"),
                                .status = TEMPLATE_APPROVED,
                                .updated_at = NOW + 21000,
                                .status_at = NOW + 20000};
    OK(&x.f, writer_call(x.w, 1, hear, &word, &x.f.e));
    x.l.all = true;
    learn(&x, NOW + 20500);
    assert_int_equal(x.news, 1);
    assert_int_equal(stored_row(&x, MANY - 2)->status, TEMPLATE_DELETED);
    assert_true(stored_row(&x, MANY - 2)->listing.n > 0); /* what was sent with it can still be told */
    assert_int_equal(stored_row(&x, MANY - 1)->status, TEMPLATE_APPROVED);
    x.l.n_rows = MANY;
    learn(&x, NOW + 40000);
    assert_int_equal(stored_row(&x, MANY - 2)->status, TEMPLATE_APPROVED);
    end(&x);
}

TEST(contents_that_changed_are_fresh_again_though_they_read_the_same)
{
    struct lx x;
    start(&x);
    learn(&x, NOW);
    struct template_row word = {.waba = WABA,
                                .name = STR("t3"),
                                .language = STR("en_US"),
                                .components_at = NOW + 20000,
                                .updated_at = NOW + 20000};
    OK(&x.f, writer_call(x.w, 1, hear, &word, &x.f.e));
    assert_true(stored_row(&x, 3)->components_at > stored_row(&x, 3)->listed_at);
    for (int i = 0; i < MANY; i++)
        x.l.rows[i].listed_at = NOW + 30000;
    learn(&x, NOW + 30000);
    assert_int_equal(x.news, 1);
    assert_true(stored_row(&x, 3)->components_at < stored_row(&x, 3)->listed_at);
    end(&x);
}

TEST(a_reading_without_a_list)
{
    struct lx x;
    struct template_row *rows;
    size_t n = 9;
    start(&x);
    x.l.n_rows = 0;
    x.l.waba = 0;
    x.l.all = false;
    x.l.people = -1;
    x.l.account.waba = 0;
    assert_int_equal(learn(&x, NOW), 1);
    OK(&x.f, templates_list(x.reader, 0, x.f.a, &rows, &n, &x.f.e));
    assert_int_equal(n, 0);
    end(&x);
}

TEST(a_number_and_an_account_by_themselves)
{
    struct lx x;
    struct sender *senders;
    struct account *accounts;
    size_t n;
    start(&x);
    x.l.n_rows = 0;
    x.l.sender.health = HEALTH_BLOCKED;
    x.l.sender.health_detail = STR("[{\"entity_type\":\"WABA\"}]");
    snprintf(x.l.sender.name_status, sizeof x.l.sender.name_status, "APPROVED");
    snprintf(x.l.account.name, sizeof x.l.account.name, "Cafe");
    learn(&x, NOW);
    x.l.sender.health = HEALTH_UNKNOWN; /* not said this time */
    x.l.sender.health_detail = STR("");
    x.l.sender.name_status[0] = x.l.account.name[0] = '\0';
    x.l.account.health = HEALTH_LIMITED;
    learn(&x, NOW + 60000);
    OK(&x.f, senders_list(x.reader, x.f.a, &senders, &n, &x.f.e));
    assert_true(n == 1 && senders[0].health == HEALTH_BLOCKED);
    assert_str(senders[0].health_detail, "[{\"entity_type\":\"WABA\"}]");
    assert_string_equal(senders[0].name_status, "APPROVED");
    OK(&x.f, accounts_list(x.reader, x.f.a, &accounts, &n, &x.f.e));
    assert_true(n == 1 && accounts[0].health == HEALTH_LIMITED && accounts[0].limit == 250);
    assert_string_equal(accounts[0].name, "Cafe");
    end(&x);
}

TESTS(T(only_what_is_new_is_written_and_in_slices), T(what_a_webhook_said_meanwhile_stays),
      T(texts_are_learned_of_templates_that_are_known), T(a_template_that_is_on_no_complete_list_is_gone),
      T(contents_that_changed_are_fresh_again_though_they_read_the_same), T(a_reading_without_a_list),
      T(a_number_and_an_account_by_themselves))
