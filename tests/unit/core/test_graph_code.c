/* SPDX-License-Identifier: Apache-2.0
 * test_graph_code.c - every code the program reacts to or speaks has words, and no code has two. */
#include "t.h"

#include <limits.h>

#include "core/graph_code.h"
#include "core/sendlife.h"

static const int reactions[] = {
#define REACTION(code, reaction, wait_ms, why) code,
#include "core/reactions.def"
#undef REACTION
};

static const int listed[] = {
#define GRAPH_CODE(code, means, next) code,
#include "core/graph_code.def"
#undef GRAPH_CODE
};

TEST(what_we_react_to_can_be_explained)
{
    for (size_t i = 0; i < sizeof reactions / sizeof reactions[0]; i++)
        if (graph_code(reactions[i]) == NULL)
            fail_msg("%d has no words", reactions[i]);
}

TEST(a_code_stands_there_once)
{
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
        const struct graph_code *c = graph_code(listed[i]);
        assert_non_null(c);
        assert_true(strlen(c->means) > 0 && strlen(c->next) > 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(listed[i], listed[j]);
    }
}

TEST(permissions_are_all_alike_and_others_are_unknown)
{
    assert_ptr_equal(graph_code(200), graph_code(10));
    assert_ptr_equal(graph_code(299), graph_code(10));
    assert_null(graph_code(300));
    assert_null(graph_code(-1));
    assert_null(graph_code(INT_MAX));
}

TESTS(T(what_we_react_to_can_be_explained), T(a_code_stands_there_once),
      T(permissions_are_all_alike_and_others_are_unknown))
