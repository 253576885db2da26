/* SPDX-License-Identifier: Apache-2.0
 * graph_usage.h - how much of what Meta allows is used up, as its answers' headers tell.
 *
 * X-App-Usage is an object of percentages; X-Business-Use-Case-Usage names accounts, each with a list of such objects. Both are
 * read by the same words, and whatever else stands there is passed over. Source: docs/platform.md §2.1. */
#ifndef WL_CORE_GRAPH_USAGE_H
#define WL_CORE_GRAPH_USAGE_H

#include "base/json.h"

struct graph_usage {
    int percent;     /* the highest of them, at most 1000; -1: nothing was said */
    int64_t wait_ms; /* estimated_time_to_regain_access, at most a day; 0 none */
};

/* Raises what `u` says by what the header says. */
void graph_usage_add(struct graph_usage *u, struct json header);

#endif
