/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_table.c - the hash table against a plain list.
 *
 * Deleting moves entries, which is where such tables go wrong: thousands of puts and deletes in a random but fixed
 * order are checked one by one against an array that says what must be there. */
#include "t.h"

#include "sandbox/sandbox_table.h"

#define KEYS 500

struct item {
    char text[16];
};

static struct str item_key(const void *v)
{
    return str_of(((const struct item *)v)->text);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

TEST(agrees_with_a_list)
{
    static struct item items[KEYS];
    bool there[KEYS] = {false};
    struct sbx_table t;
    uint32_t random = 7;
    size_t count = 0;
    sbx_table_init(&t, item_key);
    for (int i = 0; i < KEYS; i++)
        snprintf(items[i].text, sizeof items[i].text, "key-%d", i);
    for (int round = 0; round < 20000; round++) {
        size_t i = next_random(&random) % KEYS;
        if (there[i]) {
            assert_ptr_equal(sbx_table_del(&t, str_of(items[i].text)), &items[i]);
            count--;
        } else {
            assert_null(sbx_table_del(&t, str_of(items[i].text)));
            sbx_table_put(&t, &items[i]);
            count++;
        }
        there[i] = !there[i];
        assert_int_equal(t.n, count);
        size_t j = next_random(&random) % KEYS;
        assert_ptr_equal(sbx_table_get(&t, str_of(items[j].text)), there[j] ? &items[j] : NULL);
    }
    for (int i = 0; i < KEYS; i++)
        assert_ptr_equal(sbx_table_get(&t, str_of(items[i].text)), there[i] ? &items[i] : NULL);
    size_t pos = 0, seen = 0;
    const struct item *at;
    while ((at = sbx_table_next(&t, &pos)) != NULL) {
        assert_true(there[at - items]);
        seen++;
    }
    assert_int_equal(seen, count);
    sbx_table_done(&t);
}

TEST(an_empty_table_answers)
{
    struct sbx_table t;
    size_t pos = 0;
    sbx_table_init(&t, item_key);
    assert_null(sbx_table_get(&t, STR("x")));
    assert_null(sbx_table_del(&t, STR("x")));
    assert_null(sbx_table_next(&t, &pos));
    sbx_table_done(&t);
}

TESTS(T(agrees_with_a_list), T(an_empty_table_answers))
