/* SPDX-License-Identifier: Apache-2.0
 * fuzz_usage.c - any bytes as a usage header, as health_status and as a date of HTTP.
 *
 * Whatever they are: percentages and waits stay within what is stated, reasons within their maximum and JSON. */
#include <stdlib.h>

#include "gateway/meta_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct json_parser *jp;
    struct graph_usage u = {.percent = -1};
    struct str text = {(const char *)data, n}, detail;
    struct json v;
    if (jp == NULL)
        jp = json_parser_create();
    meta_date(text);
    if (json_parse(jp, text, false, &v, NULL) != 0)
        return 0;
    struct arena *a = arena_create(1u << 20);
    graph_usage_add(&u, v);
    meta_health(a, v, &detail);
    if (u.percent < -1 || u.percent > 1000 || u.wait_ms < 0 || u.wait_ms > INT64_C(86400000) ||
        detail.n > META_HEALTH_MAX)
        abort();
    if (detail.n > 0 && json_parse(jp, detail, false, &v, NULL) != 0)
        abort();
    arena_free(a);
    return 0;
}
