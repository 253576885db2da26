/* SPDX-License-Identifier: Apache-2.0
 * sandbox_people.c - the model of people's reactions; sandbox_people.h says what is assumed.
 *
 * Two streams of chance are made of the seed: one of the person (whether they can be reached at all, whether they report
 * readings), which is the same for every message, and one of person and message. Rates are of everybody sent to, so what can
 * only happen to some of them is drawn with the rate divided by their share: readings among those it reaches, opt-outs among
 * those who read. Where the share is too small for the rate, all of them do it and the rate is not met.
 *
 * Refused: nothing here; rates are checked where they are read. */
#include "sandbox/sandbox_people.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u
#define SECOND  1000.0
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define LONGEST (30 * 24 * HOUR)

const char *const people_rate_names[PEOPLE_RATES] = {
    [PEOPLE_READ] = "read",           [PEOPLE_OPT_OUT] = "opt_out",
    [PEOPLE_COMPLAINT] = "complaint", [PEOPLE_UNDELIVERABLE] = "undeliverable",
    [PEOPLE_HELD_BACK] = "held_back", [PEOPLE_RECEIPTS_OFF] = "receipts_off",
    [PEOPLE_REPLY] = "reply",
};

void people_default(struct people_model *m)
{
    static const uint32_t usual[PEOPLE_RATES] = {750000, 2000, 300, 30000, 0, 150000, 20000};
    *m = (struct people_model){.seed = 1, .speed = 1, .factor = 1, .n_groups = 1};
    memcpy(m->group[0].ppm, usual, sizeof usual);
    memcpy(m->group[0].name, "others", sizeof "others");
}

void people_done(struct people_model *m)
{
    for (size_t i = 0; i < m->n_groups; i++)
        free(m->group[i].listed);
    m->n_groups = 0;
}

void people_copy(struct people_model *to, const struct people_model *from)
{
    *to = *from;
    for (size_t i = 0; i < from->n_groups; i++) {
        const struct people_group *g = &from->group[i];
        if (g->n_listed == 0)
            continue;
        if ((to->group[i].listed = malloc(g->n_listed * sizeof *g->listed)) == NULL)
            abort();
        memcpy(to->group[i].listed, g->listed, g->n_listed * sizeof *g->listed);
    }
}

uint32_t people_ppm(const struct people_model *m, size_t group, enum people_rate r)
{
    const struct people_group *g = &m->group[group < m->n_groups ? group : 0];
    return group == 0 || g->set[r] ? g->ppm[r] : m->group[0].ppm[r];
}

/* --- chance ------------------------------------------------------------------------------------------------------- */

struct dice {
    uint64_t state;
};

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t roll(struct dice *d)
{
    d->state += 0x9e3779b97f4a7c15u;
    return mix(d->state);
}

static double uniform(struct dice *d) /* above 0, below 1 */
{
    return ((double)(roll(d) >> 11) + 0.5) / 9007199254740992.0;
}

static bool happens(struct dice *d, double p)
{
    return uniform(d) < p;
}

static double lognormal(struct dice *d, double median, double sigma)
{
    double z = sqrt(-2 * log(uniform(d))) * cos(6.283185307179586 * uniform(d));
    return median * exp(sigma * z);
}

static int64_t ms(double t)
{
    return (int64_t)(t < 1 ? 1 : t > LONGEST ? LONGEST : t);
}

uint64_t people_key(struct str text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * 0x100000001b3u;
    return mix(h);
}

/* --- whose kind --------------------------------------------------------------------------------------------------- */

static bool is_listed(const struct people_group *g, uint64_t who)
{
    size_t low = 0, high = g->n_listed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->listed[middle] < who)
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->n_listed && g->listed[low] == who;
}

size_t people_group_of(const struct people_model *m, struct str who)
{
    if (m->n_groups == 1)
        return 0;
    uint64_t key = people_key(who);
    double at = (double)(mix(m->seed ^ key ^ 0x67726f7570u) >> 11) / 9007199254740992.0 * MILLION;
    for (size_t i = 1; i < m->n_groups; i++) {
        const struct people_group *g = &m->group[i];
        if (is_listed(g, key))
            return i;
        for (size_t k = 0; k < g->n_prefixes; k++)
            if (str_starts(who, str_of(g->prefix[k])))
                return i;
        if (at < g->share)
            return i;
        at -= g->share;
    }
    return 0;
}

/* --- what they do ------------------------------------------------------------------------------------------------- */

static double rate(const struct people_model *m, size_t group, enum people_rate r)
{
    return (double)people_ppm(m, group, r) / MILLION;
}

static double among(double all, double share)
{
    return share <= 0 ? 0 : all >= share ? 1 : all / share;
}

static enum people_way way_of(const struct people_model *m, struct dice *d)
{
    double u = uniform(d);
    if (m->way != PEOPLE_BY_ANY)
        return m->way;
    return u < 0.6 ? PEOPLE_BY_TEXT : u < 0.85 ? PEOPLE_BY_BUTTON : PEOPLE_BY_PREFERENCE;
}

static bool fails(const struct people_model *m, size_t group, struct dice *person, struct dice *d,
                  struct people_reaction *ret)
{
    double undeliverable = rate(m, group, PEOPLE_UNDELIVERABLE);
    double held = rate(m, group, PEOPLE_HELD_BACK), when = uniform(d);
    if (happens(person, undeliverable)) {
        ret->fail_code = 131026;
        ret->fail_ms = ms(SECOND + when * 58 * SECOND);
    } else if (happens(d, among(held, 1 - undeliverable))) {
        ret->fail_code = 131049;
        ret->fail_ms = ms(SECOND + when * 4 * SECOND);
    }
    return ret->fail_code != 0;
}

/* After reading: leaves, perhaps in anger, or answers. */
static void after_reading(const struct people_model *m, size_t group, double readers, struct dice *d,
                          struct people_reaction *ret)
{
    double complaint = rate(m, group, PEOPLE_COMPLAINT), leave = rate(m, group, PEOPLE_OPT_OUT), u = uniform(d);
    leave = leave > complaint ? leave : complaint;
    if (u < among(leave, readers)) {
        ret->opt_out_ms = ret->read_ms + ms(lognormal(d, 30 * SECOND, 1));
        ret->way = way_of(m, d);
        ret->complains = u < among(complaint, readers);
    } else if (happens(d, among(rate(m, group, PEOPLE_REPLY), readers - leave))) {
        ret->reply_ms = ret->read_ms + ms(lognormal(d, 10 * MINUTE, 1.5));
    }
}

void people_react(const struct people_model *m, size_t group, uint64_t who, uint64_t what, bool wants,
                  struct people_reaction *ret)
{
    struct dice person = {mix(m->seed ^ who)}, d = {mix(mix(m->seed ^ who) ^ what)};
    *ret = (struct people_reaction){.read_ms = -1, .fail_ms = -1, .delivered_ms = -1, .opt_out_ms = -1, .reply_ms = -1};
    ret->sent_ms = ms(lognormal(&d, 0.4 * SECOND, 0.5));
    if (fails(m, group, &person, &d, ret))
        return;
    double off = rate(m, group, PEOPLE_RECEIPTS_OFF), told = rate(m, group, PEOPLE_READ);
    double arrives = 1 - rate(m, group, PEOPLE_UNDELIVERABLE) - rate(m, group, PEOPLE_HELD_BACK);
    double readers = off >= 1 ? told : told / (1 - off);
    readers = readers < arrives ? readers : arrives;
    bool away = happens(&d, 0.05); /* the phone is off for a while */
    ret->told = !happens(&person, off);
    ret->delivered_ms = ret->sent_ms + ms(lognormal(&d, away ? 30 * MINUTE : 2 * SECOND, away ? 1.2 : 0.8));
    bool soon = happens(&d, 0.35);
    double took = lognormal(&d, soon ? 5 * MINUTE : 2 * HOUR, soon ? 1 : 1.3) / m->speed;
    if (!happens(&d, among(readers, arrives)))
        return;
    ret->read_ms = ms(took) > ret->delivered_ms ? ms(took) : ret->delivered_ms + 200;
    if (wants)
        after_reading(m, group, readers, &d, ret);
}
