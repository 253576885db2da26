/* SPDX-License-Identifier: Apache-2.0
 * fuzz_hours.c - any bytes as weekly opening hours.
 *
 * What is refused leaves the output alone and says why. What is accepted has openings in order that do not touch, and
 * is the same again when it is written and read; its next opening is open and no moment tried before it is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW    INT64_C(1795600000123)
#define MINUTE INT64_C(60000)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_openings(const struct hours *h)
{
    must(h->n > 0 && h->n <= HOURS_SPANS_MAX);
    for (uint8_t i = 0; i < h->n; i++) {
        must(h->from[i] < MINUTES_A_WEEK && h->to[i] > h->from[i] && h->to[i] - h->from[i] < MINUTES_A_WEEK);
        must(i == 0 || h->from[i] > h->to[i - 1]);
    }
    must(h->to[h->n - 1] < h->from[0] + MINUTES_A_WEEK);
}

static void check_text(const struct hours *h)
{
    struct buf once, twice;
    struct hours again;
    buf_init(&once, 4096);
    buf_init(&twice, 4096);
    hours_text(h, &once);
    must(!once.failed && hours_parse(buf_str(&once), &again, NULL) == 0);
    hours_text(&again, &twice);
    must(str_eq(buf_str(&once), buf_str(&twice)) && again.n == h->n);
    for (uint8_t i = 0; i < h->n; i++)
        must(again.from[i] == h->from[i] && again.to[i] == h->to[i]);
    buf_done(&once);
    buf_done(&twice);
}

static void check_next(const struct hours *h, const struct whereabouts *w)
{
    int64_t at = next_opening(h, NULL, w, NOW), end = at ? at : NOW + CALENDAR_HORIZON_DAYS * 1440 * MINUTE;
    must(at == 0 || (at >= NOW && hours_open(h, w, at)));
    for (int64_t t = NOW; t < end; t += 37 * MINUTE)
        must(!hours_open(h, w, t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct whereabouts places[] = {{0, 0, 0, 0, 0},
                                                {-720, 840, 0, 0, 0},
                                                {-300, -120, NOW + 4000 * MINUTE, -240, -180}};
    struct err e = {0};
    struct hours h = {.n = 77};
    int rc = hours_parse((struct str){(const char *)data, size}, &h, &e);
    must(rc == e.code);
    if (rc != 0) {
        must(rc == WL_EINVAL && h.n == 77 && e.text[0] != '\0');
        return 0;
    }
    check_openings(&h);
    check_text(&h);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        check_next(&h, &places[i]);
    return 0;
}
