/* SPDX-License-Identifier: Apache-2.0
 * campaign_def_when.c - when a campaign begins, until when it may run, at which hours, and how it repeats.
 *
 * A start in the past is no mistake of the definition, which may be old: the check says so. What contradicts itself is one: a deadline before
 * the start, a day of the month for what repeats each week. */
#include <string.h>

#include "base/zone.h"
#include "core/campaign_def_impl.h"

#define LATENESS_DEFAULT INT64_C(86400000)

static const char *const repeat_keys[] = {"every", "on", "day", "at", "zone", "until", "times", NULL};
static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

/* "09:30" in minutes of the day. */
static int read_minute(struct def_reader *r, struct def_at at, int *ret)
{
    struct str s;
    if (json_str(at.v, &s) && s.n == 5 && s.p[2] == ':') {
        int d[4] = {s.p[0] - '0', s.p[1] - '0', s.p[3] - '0', s.p[4] - '0'};
        bool digits = true;
        for (int i = 0; i < 4; i++)
            digits = digits && d[i] >= 0 && d[i] <= 9;
        if (digits && d[0] * 10 + d[1] < 24 && d[2] < 6) {
            *ret = (d[0] * 10 + d[1]) * 60 + d[2] * 10 + d[3];
            return 0;
        }
    }
    return def_wrong(r, at, "must be a time of the day, like \"09:30\"");
}

static int read_weekdays(struct def_reader *r, struct def_at at, uint8_t *ret)
{
    struct str word[7];
    size_t n = 0;
    if (!def_given(at))
        return def_wrong(r, at, "is missing: on which days, like [\"mon\", \"thu\"]");
    int rc = def_texts(r, at, 7, 3, word, &n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t d = 0;
        while (days[d] != NULL && !str_eq(word[i], str_of(days[d])))
            d++;
        if (days[d] == NULL)
            return def_wrong(r, at, "must be of mon, tue, wed, thu, fri, sat, sun");
        *ret |= (uint8_t)(1u << d);
    }
    return rc;
}

static int read_zone(struct def_reader *r, struct def_at at, char ret[ZONE_NAME_MAX])
{
    struct str zone = {NULL, 0};
    if (!def_given(at))
        return def_wrong(r, at, "is missing: whose local time it is, like Europe/Berlin");
    int rc = def_text(r, at, ZONE_NAME_MAX - 1, &zone);
    if (rc == 0)
        memcpy(ret, zone.p, zone.n);
    return rc;
}

/* Each week needs its days, each month its day; the other's key would be without effect, so it is wrong. */
static int read_which(struct def_reader *r, struct def_at at, struct campaign_repeat *ret)
{
    bool week = ret->every == REPEAT_WEEK;
    struct def_at on = def_in(r, at, "on"), day = def_in(r, at, "day"), other = week ? day : on;
    int64_t d = 0;
    if (def_given(other))
        return def_wrong(r, other, "is for what repeats every %s", week ? "month" : "week");
    if (week)
        return read_weekdays(r, on, &ret->weekdays);
    if (!def_given(day))
        return def_wrong(r, day, "is missing: 1 to 31");
    int rc = def_int(r, day, 1, 31, &d);
    ret->month_day = (uint8_t)d;
    return rc;
}

static int read_repeat(struct def_reader *r, struct def_at at, struct campaign_repeat *ret)
{
    static const char *const every[] = {"week", "month", NULL};
    size_t which = 0;
    int64_t times = 0;
    struct def_at word = def_in(r, at, "every");
    int rc = def_object(r, at, repeat_keys);
    if (rc == 0 && !def_given(word))
        rc = def_wrong(r, word, "is missing: week or month");
    if (rc == 0)
        rc = def_word(r, word, every, &which);
    ret->every = which == 0 ? REPEAT_WEEK : REPEAT_MONTH;
    if (rc == 0)
        rc = read_which(r, at, ret);
    if (rc == 0)
        rc = read_minute(r, def_in(r, at, "at"), &ret->minute);
    if (rc == 0)
        rc = read_zone(r, def_in(r, at, "zone"), ret->zone);
    if (rc == 0)
        rc = def_time(r, def_in(r, at, "until"), &ret->until);
    if (rc == 0)
        rc = def_int(r, def_in(r, at, "times"), 1, 10000, &times);
    ret->times = (int)times;
    return rc;
}

static int read_hours(struct def_reader *r, struct def_at at)
{
    struct str text;
    struct err e;
    if (!def_given(at))
        return 0;
    if (!json_str(at.v, &text))
        return def_wrong(r, at, "must be a text like \"mon-fri 09:00-18:00\"");
    if (hours_parse(text, &r->d->hours, &e) != 0)
        return def_wrong(r, at, "is not understood: %s", e.text);
    r->d->has_hours = true;
    return 0;
}

int def_when(struct def_reader *r, struct def_at root)
{
    struct campaign_def *d = r->d;
    struct def_at deadline = def_in(r, root, "deadline"), repeat = def_in(r, root, "repeat");
    struct def_at start = def_in(r, root, "start_at");
    d->max_lateness = LATENESS_DEFAULT;
    int rc = def_time(r, start, &d->start_at);
    if (rc == 0)
        rc = def_time(r, deadline, &d->deadline);
    if (rc == 0 && d->deadline != 0 && d->deadline <= d->start_at)
        rc = def_wrong(r, deadline, "is not after start_at");
    if (rc == 0)
        rc = def_duration(r, def_in(r, root, "max_lateness"), &d->max_lateness);
    if (rc == 0)
        rc = read_hours(r, def_in(r, root, "hours"));
    if (rc != 0 || !def_given(repeat))
        return rc;
    rc = read_repeat(r, repeat, &d->repeat);
    if (rc == 0 && d->deadline != 0)
        rc = def_wrong(r, deadline, "is a fixed time, and a campaign that repeats would run into it: leave it out");
    return rc;
}
