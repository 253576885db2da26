/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_quiet.c - at which hours the rules let a campaign's messages leave, found out by asking them.
 *
 * Quiet hours may stand in any rule of any pack, under any name. So one person of each larger group with the same clocks is asked about once more,
 * with the same facts, for each quarter of an hour of a week that begins eight days from now: by then what holds for another reason (a cap, a pace) is
 * over for most. What is held then is held because of the hour. Open is when it is in all of those groups: who forecasts with it is
 * never too early. The campaign's own deadline may be before that week, and its own hours are known: both are left out of the question. A week that is never open tells nothing of hours and is left out. */
#include <string.h>

#include "core/decide.h"
#include "gateway/campaign_check_impl.h"

#define STEP_MINUTES 15
#define STEPS        (MINUTES_A_WEEK / STEP_MINUTES)
#define LATER_MS     (8 * INT64_C(86400000))
#define GROUPS       8  /* that are asked about */
#define SHARE_LEAST  20 /* one in so many people: smaller groups are not asked about */

/* The first Monday 00:00 of that local time, eight days from now or later; as UTC. */
static int64_t week_from(int64_t now, int32_t offset_minutes)
{
    int64_t local = (now + LATER_MS) / 60000 + offset_minutes;
    int64_t since_monday = ((local / 1440 + 3) % 7) * 1440 + local % 1440; /* 1970-01-01 was a Thursday */
    return (local - since_monday + MINUTES_A_WEEK - offset_minutes) * 60000;
}

static void ask_group(const struct ruleset *rs, const struct check_group *g, struct decision *d, int64_t now,
                      bool open[STEPS])
{
    bool own[STEPS], any = false;
    const struct whereabouts *w = &g->where;
    struct facts facts = *g->facts;
    facts.known[FACT_CAMPAIGN_LATEST] = false;
    fact_set(&facts, FACT_CAMPAIGN_OPEN_AT, 0);
    int64_t from = week_from(now, w->min);
    if (w->change_at != 0 && w->change_at < from)
        from = week_from(now, w->min_after);
    for (size_t i = 0; i < STEPS; i++) {
        decide(rs, &facts, from + (int64_t)i * STEP_MINUTES * 60000, 0, d);
        own[i] = d->verdict == VERDICT_ALLOW;
        any = any || own[i];
    }
    for (size_t i = 0; i < STEPS && any; i++)
        open[i] = open[i] && own[i];
}

/* False: there are too many openings, or none, or nothing is closed. */
static bool make_hours(const bool open[STEPS], struct hours *ret)
{
    struct hours h = {.n = 0};
    for (size_t i = 0; i < STEPS; i++) {
        if (!open[i] || (i > 0 && open[i - 1]))
            continue;
        size_t end = i;
        while (end < STEPS && open[end])
            end++;
        if (h.n == HOURS_SPANS_MAX)
            return false;
        h.from[h.n] = (uint16_t)(i * STEP_MINUTES);
        h.to[h.n++] = (uint16_t)(end * STEP_MINUTES);
    }
    if (h.n == 0 || (h.n == 1 && h.from[0] == 0 && h.to[0] == MINUTES_A_WEEK))
        return false;
    if (h.n > 1 && h.from[0] == 0 && h.to[h.n - 1] == MINUTES_A_WEEK) { /* over the end of the week */
        h.to[h.n - 1] = (uint16_t)(MINUTES_A_WEEK + h.to[0]);
        h.n--;
        memmove(h.from, h.from + 1, h.n * sizeof h.from[0]);
        memmove(h.to, h.to + 1, h.n * sizeof h.to[0]);
    }
    *ret = h;
    return true;
}

bool check_quiet(struct check *c, struct hours *ret)
{
    const struct ruleset *rs = rules_current(c->g)->ruleset;
    struct decision *d = arena_new(c->a, struct decision);
    bool open[STEPS];
    size_t asked = 0;
    memset(open, true, sizeof open);
    for (size_t i = 0; i < c->n_groups && asked < GROUPS && d != NULL; i++) {
        const struct check_group *g = &c->group[i];
        if (g->facts == NULL || g->people * SHARE_LEAST < (int64_t)c->n_order)
            continue;
        ask_group(rs, g, d, c->now, open);
        asked++;
    }
    return asked > 0 && make_hours(open, ret);
}
