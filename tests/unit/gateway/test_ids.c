/* SPDX-License-Identifier: Apache-2.0
 * test_ids.c - the ids of rows in memory, up to the set's bound.
 *
 * What would hurt: a search in a full table that never ends, with the dispatcher's lock held; an id that is forgotten
 * because another one was removed, so that its row is taken to the door twice. */
#include "t.h"

#include "gateway/ids.h"

/* Ids of messages: a time, and a number behind it. */
static int64_t nth(int64_t i)
{
    return (INT64_C(1790000000000) + i / 7) << 22 | i % 7;
}

static struct id_set *make(void)
{
    struct id_set *s = calloc(1, sizeof *s);
    assert_non_null(s);
    return s;
}

TEST(an_id_is_new_once_until_it_is_removed)
{
    struct id_set *s = make();
    assert_int_equal(id_put(s, 5), ID_NEW);
    assert_int_equal(id_put(s, 5), ID_KNOWN);
    id_remove(s, 6); /* never there */
    assert_int_equal(s->n, 1);
    id_remove(s, 5);
    id_remove(s, 5);
    assert_int_equal(s->n, 0);
    assert_int_equal(id_put(s, 5), ID_NEW);
    free(s);
}

TEST(a_full_set_refuses_and_still_knows_everybody)
{
    struct id_set *s = make();
    for (int64_t i = 0; i < IDS_MAX; i++)
        assert_int_equal(id_put(s, nth(i)), ID_NEW);
    for (int64_t i = IDS_MAX; i < 2 * IDS_MAX; i++)
        assert_int_equal(id_put(s, nth(i)), ID_NO_ROOM);
    assert_int_equal(s->n, IDS_MAX);
    for (int64_t i = 0; i < IDS_MAX; i++)
        assert_int_equal(id_put(s, nth(i)), ID_KNOWN);
    id_remove(s, nth(IDS_MAX)); /* refused, so not there */
    assert_int_equal(s->n, IDS_MAX);
    id_remove(s, nth(7));
    assert_int_equal(id_put(s, nth(IDS_MAX)), ID_NEW);
    assert_int_equal(id_put(s, nth(7)), ID_NO_ROOM);
    free(s);
}

TEST(those_that_stay_are_found_whoever_goes)
{
    struct id_set *s = make();
    for (int64_t i = 0; i < IDS_MAX; i++)
        id_put(s, nth(i));
    for (int64_t i = 0; i < IDS_MAX; i += 3)
        id_remove(s, nth(i));
    for (int64_t i = 0; i < IDS_MAX; i++)
        assert_int_equal(id_put(s, nth(i)), i % 3 == 0 ? ID_NEW : ID_KNOWN);
    for (int64_t i = 0; i < IDS_MAX; i++)
        id_remove(s, nth(i));
    assert_int_equal(s->n, 0);
    for (size_t at = 0; at < ID_SLOTS; at++)
        assert_true(s->slot[at] == 0);
    free(s);
}

TESTS(T(an_id_is_new_once_until_it_is_removed), T(a_full_set_refuses_and_still_knows_everybody),
      T(those_that_stay_are_found_whoever_goes))
