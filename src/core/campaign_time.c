/* SPDX-License-Identifier: Apache-2.0
 * campaign_time.c - when a repetition falls due: weekly or monthly, at a time of day in a zone.
 *
 * Days of the zone's own calendar are gone through from the day before `after` on; the first that fits whose time of day
 * comes later than `after` is it. A time of day is the first moment at which the zone's clock shows it or a later one: what a
 * clock change leaves out is due when the clock has jumped, what it repeats is due the first time and only then. A monthly
 * day beyond the end of a month is its last day.
 *
 * Nothing is refused here: a repetition without weekdays, or never, is never due. How many times it may fall due is for
 * whoever counts them. */
#include "core/campaign.h"

#include "base/zone.h"
#include "core/campaign_say.h"

#define MINUTE        INT64_C(60000)
#define DAY           (1440 * MINUTE)
#define EPOCH_WEEKDAY 3  /* 1970-01-01 was a Thursday; Monday is 0 */
#define DAYS_AHEAD    64 /* a month's day, twice over */
#define OFFSETS_MOST  (27 * 60 * MINUTE)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The first moment at which the zone's clock shows `local` (ms since 1970 as the clock shows it) or later. */
static int64_t first_showing(const struct zone *z, int64_t local)
{
    int64_t from = local - OFFSETS_MOST; /* there the clock shows less */
    for (;;) {
        int64_t at = local - (int64_t)zone_offset(z, from) * 1000;
        int64_t change = zone_next_change(z, from, local + OFFSETS_MOST);
        if (at <= from)
            return from; /* it jumped over it */
        if (change == 0 || at < change)
            return at;
        from = change;
    }
}

static bool falls_on(const struct campaign_repeat *r, int64_t day)
{
    int of_month = 0, month = 0, next = 0;
    if (r->every == REPEAT_WEEK)
        return (r->weekdays >> ((day + EPOCH_WEEKDAY) % 7) & 1) != 0;
    say_date(day, &of_month, &month);
    say_date(day + 1, &next, &month);
    return of_month == r->month_day || (next == 1 && of_month < r->month_day);
}

int64_t campaign_next(const struct campaign_repeat *r, const struct zone *z, int64_t after)
{
    int64_t now = after > 0 ? after : 0;
    int64_t today = floor_div(now + (int64_t)zone_offset(z, now) * 1000, DAY);
    if (r->every == REPEAT_NEVER)
        return 0;
    for (int64_t day = today > 1 ? today - 1 : 0; day < today + DAYS_AHEAD; day++) {
        if (!falls_on(r, day))
            continue;
        int64_t at = first_showing(z, day * DAY + (int64_t)r->minute * MINUTE);
        if (at > after)
            return r->until != 0 && at > r->until ? 0 : at;
    }
    return 0;
}
