/* SPDX-License-Identifier: Apache-2.0
 * test_wamid_map.c - recent ids are found, the oldest generation is forgotten, memory stays bounded. */
#include "t.h"

#include "gateway/wamid_map.h"

static struct str name(int i, char out[32])
{
    snprintf(out, 32, "wamid.%d", i);
    return str_of(out);
}

TEST(finds_the_recent_and_forgets_the_old)
{
    struct wamid_map *m = wamid_map_create(1000);
    char text[32];
    int bucket;
    int64_t id;
    assert_false(wamid_map_get(m, STR("wamid.0"), &bucket, &id));
    for (int i = 0; i < 2500; i++)
        wamid_map_put(m, name(i, text), i % 7, 1000000 + i);
    for (int i = 1000; i < 2500; i++) {
        assert_true(wamid_map_get(m, name(i, text), &bucket, &id));
        assert_int_equal(bucket, i % 7);
        assert_int_equal(id, 1000000 + i);
    }
    assert_false(wamid_map_get(m, name(0, text), &bucket, &id));
    wamid_map_put(m, name(2000, text), 3, 42); /* the same id again: the newer row counts */
    assert_true(wamid_map_get(m, name(2000, text), &bucket, &id));
    assert_int_equal(id, 42);
    wamid_map_free(m);
}

TESTS(T(finds_the_recent_and_forgets_the_old))
