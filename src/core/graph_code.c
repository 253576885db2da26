/* SPDX-License-Identifier: Apache-2.0
 * graph_code.c - the table of error codes, found by number.
 *
 * Sixty rows asked for when somebody looks at one message: searched from the first to the last. */
#include "core/graph_code.h"

#include <stddef.h>

static const struct graph_code codes[] = {
#define GRAPH_CODE(code, means, next) {code, means, next},
#include "core/graph_code.def"
#undef GRAPH_CODE
};

const struct graph_code *graph_code(int code)
{
    int wanted = code >= 200 && code <= 299 ? 10 : code; /* the permissions of the Graph API, all alike */
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == wanted)
            return &codes[i];
    return NULL;
}
