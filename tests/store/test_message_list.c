/* SPDX-License-Identifier: Apache-2.0
 * test_message_list.c - messages that answer a question, page by page.
 *
 * What would hurt: a message that is on no page, or on two; a search that ends because a stretch of messages held nothing;
 * one that shows another number's messages. */
#include "store_fixture.h"

#include "core/event.h"

static struct message base(struct fx *f, int i)
{
    struct message m = fx_message(f, 4096);
    m.ts = NOW + i;
    m.id = store_id(f->s, m.ts);
    return m;
}

static void insert(struct fx *f, const struct message *m, size_t n)
{
    BEGIN(f);
    OK(f, messages_insert(f->s, m, NULL, n, &f->e));
    COMMIT(f);
}

static size_t list(struct fx *f, const struct message_filter *w, struct message **ret)
{
    size_t n = 99;
    int64_t next = -1;
    OK(f, messages_list(f->s, 0, w, 0, f->a, 50, ret, &n, &next, &f->e));
    assert_true(next == 0);
    return n;
}

/* Of two messages that differ in one thing, a question about it finds the one. */
TEST(a_filter_finds_what_it_asks_for)
{
    struct fx f;
    fx_start(&f);
    enum { N = 11 };
    struct message m[N + 1], *got = NULL;
    for (int i = 0; i <= N; i++)
        m[i] = base(&f, i);
    m[0].sender++;
    m[1].contact = 8192;
    m[2].campaign = 5;
    m[3].life.state = LIFE_FAILED;
    m[4].life.category = 4;
    m[5].seen = SEEN_SENT | SEEN_READ;
    m[6].seen = SEEN_SENT | SEEN_FAILED;
    m[7].life.code = 131026;
    m[8].valid_until = NOW + 500;
    m[9].valid_until = NOW + 501;
    m[10].life.accepted = 3;
    insert(&f, m, N + 1);
    const struct {
        struct message_filter f;
        int only; /* the one it finds */
    } rows[] = {
        {{.sender = SENDER + 1}, 0},
        {{.contact = 8192}, 1},
        {{.campaign = 5}, 2},
        {{.states = 1u << LIFE_FAILED}, 3},
        {{.states = 1u << LIFE_FAILED | 1u << LIFE_WAITING}, 3},
        {{.category = 4}, 4},
        {{.seen = SEEN_READ}, 5},
        {{.seen = SEEN_SENT, .not_seen = SEEN_READ}, 6},
        {{.seen = SEEN_SENT | SEEN_FAILED}, 6},
        {{.code = 131026}, 7},
        {{.past_valid = NOW + 500}, 8},
        {{.past_valid = NOW + 999, .from = NOW + 9}, 9},
        {{.duplicated = true}, 10},
        {{.from = NOW + 11}, 11},
        {{.to = NOW + 1}, 0},
        {{.from = NOW + 4, .to = NOW + 5}, 4},
        {{.sender = SENDER, .to = NOW + 2}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = list(&f, &rows[i].f, &got);
        if (n != 1 || got[0].id != m[rows[i].only].id)
            fail_msg("row %zu: %zu found", i, n);
    }
    const struct message_filter none[] = {{.sender = 1}, {.category = 5}, {.from = NOW + 12}, {.to = NOW}, {.seen = 8}};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(list(&f, &none[i], &got), 0);
    assert_int_equal(list(&f, &(struct message_filter){.from = 0}, &got), N + 1);
    assert_true(got[0].id == m[N].id && got[N].id == m[0].id && got[1].life.accepted == 3);
    fx_end(&f);
}

TEST(pages_hold_every_message_once)
{
    enum { N = 57 };
    struct fx f;
    struct message m[N], *got = NULL;
    fx_start(&f);
    for (int i = 0; i < N; i++) {
        m[i] = base(&f, 0);
        m[i].campaign = i % 3;
    }
    insert(&f, m, N);
    for (size_t max = 1; max <= 60; max += 7) {
        int64_t next = 0;
        size_t n = 0, found = 0;
        do {
            struct message_filter w = {.campaign = 2};
            OK(&f, messages_list(f.s, 0, &w, next, f.a, max, &got, &n, &next, &f.e));
            for (size_t k = 0; k < n; k++, found++)
                assert_true(got[k].id == m[N - 1 - 3 * found].id);
            assert_true(n == max || next == 0);
        } while (next != 0);
        assert_int_equal(found, N / 3);
    }
    size_t n = 9;
    int64_t next = 9;
    struct message_filter all = {.from = 0};
    OK(&f, messages_list(f.s, 1, &all, 0, f.a, 10, &got, &n, &next, &f.e)); /* another bucket */
    assert_true(n == 0 && next == 0);
    fx_end(&f);
}

/* More rows than are looked at in one go, and the only one asked for behind them all. */
TEST(a_stretch_of_nothing_does_not_end_the_search)
{
    enum { STEP = 1000 };
    struct fx f;
    static struct message m[STEP];
    struct message rare, *got = NULL;
    struct message_filter w = {.campaign = 7};
    size_t n = 9;
    int64_t next = -1;
    fx_start(&f);
    rare = base(&f, 0);
    rare.campaign = 7;
    insert(&f, &rare, 1);
    for (int i = 0; i < MESSAGES_SCAN_MAX / STEP; i++) {
        for (int k = 0; k < STEP; k++)
            m[k] = base(&f, 1);
        insert(&f, m, STEP);
    }
    OK(&f, messages_list(f.s, 0, &w, 0, f.a, 10, &got, &n, &next, &f.e));
    assert_true(n == 0 && next > rare.id);
    OK(&f, messages_list(f.s, 0, &w, next, f.a, 10, &got, &n, &next, &f.e));
    assert_true(n == 1 && got[0].id == rare.id && next == 0);
    w.to = NOW + 1; /* nothing keeps a span of time from being found at once when it is long over */
    w.from = NOW;
    OK(&f, messages_list(f.s, 0, &w, next, f.a, 10, &got, &n, &next, &f.e));
    assert_true(n == 0 && next != 0);
    fx_end(&f);
}

TEST(an_old_span_is_found_without_walking_to_it)
{
    enum { DAY = 86400000 };
    struct fx f;
    struct message m[4], *got = NULL;
    struct message_filter w = {.from = NOW + DAY, .to = NOW + 2 * DAY};
    size_t n = 9;
    int64_t next = -1;
    fx_start(&f);
    for (int i = 0; i < 4; i++) {
        m[i] = base(&f, i * DAY);
        assert_true(store_id_ms(m[i].id) == m[i].ts);
    }
    m[2].ts = NOW + DAY + 5; /* its clock was set back: the id had to rise all the same */
    m[2].id = ((NOW + 2 * (int64_t)DAY + 60000) << 22) + 1;
    insert(&f, m, 4);
    OK(&f, messages_list(f.s, 0, &w, 0, f.a, 10, &got, &n, &next, &f.e));
    assert_true(n == 2 && got[0].id == m[2].id && got[1].id == m[1].id && next == 0);
    fx_end(&f);
}

TEST(a_persons_messages_are_those_of_all_their_names)
{
    struct fx f;
    fx_start(&f);
    struct identity user = fx_name(IDENTITY_USER_ID, "US.1");
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), q = fx_person(&f, user.kind, user.value);
    int64_t first = p.id, second = q.id;
    struct message m[3] = {base(&f, 0), base(&f, 1), base(&f, 2)}, *got = NULL;
    m[0].contact = first;
    m[1].contact = second;
    m[2].contact = 0;
    insert(&f, m, 3);
    assert_int_equal(list(&f, &(struct message_filter){.contact = first}, &got), 1);
    BEGIN(&f);
    OK(&f, people_add_identity(f.s, &p, &user, NOW, &f.e));
    COMMIT(&f);
    assert_int_equal(list(&f, &(struct message_filter){.contact = first}, &got), 2);
    assert_int_equal(list(&f, &(struct message_filter){.contact = second}, &got), 2);
    assert_true(got[0].id == m[1].id && got[1].id == m[0].id);
    assert_int_equal(list(&f, &(struct message_filter){.contact = 4096 * 77}, &got), 0);
    fx_end(&f);
}

TEST(an_answer_larger_than_its_memory_is_an_error)
{
    struct fx f;
    static struct message m[400];
    struct message *got = NULL;
    struct message_filter w = {.from = 0};
    size_t n = 9;
    int64_t next = 9;
    struct arena *small = arena_create(16u << 10);
    fx_start(&f);
    for (int i = 0; i < 400; i++)
        m[i] = base(&f, 0);
    insert(&f, m, 400);
    assert_int_equal(messages_list(f.s, 0, &w, 0, small, 400, &got, &n, &next, &f.e), WL_ENOMEM);
    assert_true(got == NULL && n == 9 && next == 9);
    arena_free(small);
    fx_end(&f);
}

TESTS(T(a_filter_finds_what_it_asks_for), T(pages_hold_every_message_once),
      T(a_stretch_of_nothing_does_not_end_the_search), T(an_old_span_is_found_without_walking_to_it),
      T(a_persons_messages_are_those_of_all_their_names), T(an_answer_larger_than_its_memory_is_an_error))
