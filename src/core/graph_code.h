/* SPDX-License-Identifier: Apache-2.0
 * graph_code.h - what an error code of the Graph API means for a message, in plain words, and what a person can do.
 *
 * Words only: what the program does by itself about a code is core/sendlife.h's reaction_to(). */
#ifndef WL_CORE_GRAPH_CODE_H
#define WL_CORE_GRAPH_CODE_H

struct graph_code {
    int code;
    const char *means, *next;
};

/* NULL: a code we have no words for. */
const struct graph_code *graph_code(int code);

#endif
