/* SPDX-License-Identifier: Apache-2.0
 * graph_usage.c - the words of Meta's usage headers.
 *
 * Percentages may be above a hundred. The time until access is regained is told in minutes. Numbers that cannot be meant are
 * cut, lists are looked at up to a maximum, and what is no whole number says nothing. */
#include "core/graph_usage.h"

#define PERCENT_MAX 1000
#define MINUTES_MAX 1440
#define LISTS_MAX   64 /* accounts, and entries of each, that are looked at */

static int64_t whole(struct json v)
{
    int64_t n;
    return json_i64(v, &n) ? n : -1;
}

static void add_one(struct graph_usage *u, struct json object)
{
    static const char *const names[] = {"call_count", "total_time", "total_cputime"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int64_t n = whole(json_get(object, names[i]));
        if (n > u->percent)
            u->percent = n < PERCENT_MAX ? (int)n : PERCENT_MAX;
    }
    int64_t minutes = whole(json_get(object, "estimated_time_to_regain_access"));
    minutes = minutes < MINUTES_MAX ? minutes : MINUTES_MAX;
    if (minutes * 60000 > u->wait_ms)
        u->wait_ms = minutes * 60000;
}

void graph_usage_add(struct graph_usage *u, struct json header)
{
    size_t lists = 0;
    if (json_type(header) != JSON_OBJECT)
        return;
    add_one(u, header);
    for (struct json_iter it = json_iter(header); lists++ < LISTS_MAX && json_next(&it);) {
        size_t entries = 0;
        if (json_type(it.value) != JSON_ARRAY)
            continue;
        for (struct json_iter one = json_iter(it.value); entries++ < LISTS_MAX && json_next(&one);)
            if (json_type(one.value) == JSON_OBJECT)
                add_one(u, one.value);
    }
}
