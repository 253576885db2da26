/* SPDX-License-Identifier: Apache-2.0
 * activity.c - one person's activity: events in, score and class out.
 *
 * A counter is the sum of weight * 2^((time - EPOCH) / half-life) over its events, kept as a logarithm: a sum that grows with the
 * time of its events needs no decaying when it is not looked at, and does not care for their order. Two bytes hold its
 * logarithm for forty years in steps of 1/128 of a half-life of 30 days, 1/512 of 180. What is added to a large sum is mostly less than a
 * step; so the sum is rounded up with the probability of the rest, by a coin that the event's own time and kind throw: right
 * on average, and the same whenever it is worked out again.
 *
 * Stop is no event here: minus infinity in a sum would never leave it, and who agrees again is to count again. Whoever
 * refused marketing has no score while they do (the callers'), which comes to the same.
 *
 * Packed: version, which last times there are, the latest of all times, the others as seconds before it, the counters, the newest
 * events and the deliveries as gaps. */
#include "core/activity.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "core/varint.h"

#define PACK_VERSION 1
#define DAY_S        INT64_C(86400)
#define EPOCH        INT64_C(1577836800) /* 2020: before there was anything to count */
#define LAST_SECOND  INT64_C(3786825600) /* 2090: a clock beyond is not believed */
#define FLOOR        8                   /* logarithms are kept from -FLOOR on */

static const struct {
    double half_life_s, steps;
} counters[ACTIVITY_COUNTERS] = {{30.0 * DAY_S, 128}, {180.0 * DAY_S, 512}};

static const double weights[] = {
    [ACTIVITY_SENT] = 0,    [ACTIVITY_DELIVERED] = 0,    [ACTIVITY_READ] = 1,        [ACTIVITY_CLICKED] = 2,
    [ACTIVITY_REPLIED] = 3, [ACTIVITY_HELD_BACK] = -0.5, [ACTIVITY_UNREACHABLE] = 0, [ACTIVITY_FAILED] = 0,
};

const struct activity_horizons activity_usual = {90, 90, 7, 3};

/* --- the counters ----------------------------------------------------------------------------------------------------- */

/* In [0, 1), from the event alone. */
static double coin(const struct activity_newest *ev, int which)
{
    uint64_t x = (uint64_t)ev->at * 16 + (uint64_t)ev->kind * 2 + (uint64_t)which;
    x ^= x >> 31;
    x *= UINT64_C(0x7fb5d329728ea185);
    x ^= x >> 27;
    x *= UINT64_C(0x81dadef4bc2dd44d);
    x ^= x >> 33;
    return (double)(x >> 11) * 0x1p-53;
}

static double since_epoch(int64_t at, int which)
{
    return (double)(at - EPOCH) / counters[which].half_life_s;
}

/* log2 of a counter that is not empty. */
static double logarithm(uint16_t level, int which)
{
    return (level - 1) / counters[which].steps - FLOOR;
}

static uint16_t level_of(double log, int which, double chance)
{
    double level = floor((log + FLOOR) * counters[which].steps + chance) + 1;
    return level < 1 ? 1 : level > UINT16_MAX ? UINT16_MAX : (uint16_t)level;
}

static double sum_of_logs(double a, double b)
{
    double more = a > b ? a : b, less = a > b ? b : a;
    return more + log2(1 + exp2(less - more));
}

static uint16_t add_log(uint16_t level, double log, int which, double chance)
{
    return level_of(level == 0 ? log : sum_of_logs(logarithm(level, which), log), which, chance);
}

/* An event that is none of the newest. False: it weighs nothing. */
static bool count(struct activity *a, const struct activity_newest *ev)
{
    double weight = weights[ev->kind];
    if (weight == 0)
        return false;
    for (int i = 0; i < ACTIVITY_COUNTERS; i++) {
        uint16_t *level = weight > 0 ? &a->good[i] : &a->held[i];
        *level = add_log(*level, log2(fabs(weight)) + since_epoch(ev->at, i), i, coin(ev, i));
    }
    return true;
}

/* --- events ----------------------------------------------------------------------------------------------------------- */

static int64_t second(int64_t ms)
{
    int64_t s = ms / 1000;
    return s < EPOCH ? EPOCH : s > LAST_SECOND ? LAST_SECOND : s;
}

static int order(const struct activity_newest *x, const struct activity_newest *y)
{
    return x->at != y->at ? (x->at > y->at ? 1 : -1) : (x->kind > y->kind) - (x->kind < y->kind);
}

/* Into the newest events, of which the oldest may have to leave for the counters. Those that were held back are none of
 * them: they are no sign of life, and would push out the undeliverable ones that are counted one after the other. */
static bool keep(struct activity *a, struct activity_newest ev, bool sure)
{
    size_t place = 0;
    while (place < a->n_newest && order(&a->newest[place], &ev) > 0)
        place++;
    bool is_there = place < a->n_newest && order(&a->newest[place], &ev) == 0;
    if (is_there || place == ACTIVITY_NEWEST || ev.kind == ACTIVITY_HELD_BACK)
        return sure && count(a, &ev);
    if (a->n_newest == ACTIVITY_NEWEST)
        (void)count(a, &a->newest[ACTIVITY_NEWEST - 1]);
    else
        a->n_newest++;
    memmove(&a->newest[place + 1], &a->newest[place], (a->n_newest - 1 - place) * sizeof ev);
    a->newest[place] = ev;
    return true;
}

static bool keep_delay(struct activity *a, int64_t sent, int64_t needed)
{
    size_t place = 0;
    while (place < a->n_delays && a->delay[place].sent > sent)
        place++;
    if (place == ACTIVITY_DELAYS)
        return false;
    if (place < a->n_delays && a->delay[place].sent == sent) {
        bool less = needed < a->delay[place].needed;
        a->delay[place].needed = less ? needed : a->delay[place].needed;
        return less;
    }
    if (a->n_delays < ACTIVITY_DELAYS)
        a->n_delays++;
    memmove(&a->delay[place + 1], &a->delay[place], (a->n_delays - 1u - place) * sizeof *a->delay);
    a->delay[place] = (struct activity_delay){sent, needed};
    return true;
}

static bool raise_to(int64_t *last, int64_t at)
{
    bool later = at > *last;
    *last = later ? at : *last;
    return later;
}

static bool lower_to(int64_t *first, int64_t at)
{
    bool earlier = *first == 0 || at < *first;
    *first = earlier ? at : *first;
    return earlier;
}

static int64_t *last_of(struct activity *a, enum activity_kind kind)
{
    switch (kind) {
    case ACTIVITY_DELIVERED:
        return &a->delivered;
    case ACTIVITY_READ:
        return &a->read;
    case ACTIVITY_CLICKED:
        return &a->clicked;
    case ACTIVITY_REPLIED:
        return &a->replied;
    case ACTIVITY_HELD_BACK:
    case ACTIVITY_UNREACHABLE:
    case ACTIVITY_FAILED:
        return &a->failed;
    default:
        return &a->sent;
    }
}

/* Those that weigh something, and those that are counted one after the other. */
static bool is_counted(enum activity_kind kind)
{
    return weights[kind] != 0 || kind == ACTIVITY_UNREACHABLE;
}

bool activity_add(struct activity *a, const struct activity_event *ev)
{
    const struct activity_newest one = {second(ev->at), (uint8_t)ev->kind};
    int64_t sent = ev->sent > 0 ? second(ev->sent) : 0;
    bool changed = ev->kind != ACTIVITY_SENT && raise_to(last_of(a, ev->kind), one.at);
    if (sent != 0) {
        changed |= raise_to(&a->sent, sent);
        changed |= lower_to(&a->since, sent);
    }
    if (ev->kind == ACTIVITY_DELIVERED && sent != 0)
        changed |= keep_delay(a, sent, one.at > sent ? one.at - sent : 0);
    if (is_counted(ev->kind))
        changed |= keep(a, one, ev->sure);
    if (ev->kind != ACTIVITY_SENT)
        changed |= lower_to(&a->since, one.at);
    return changed;
}

void activity_merge(struct activity *a, const struct activity *other)
{
    static const enum activity_kind kinds[] = {ACTIVITY_SENT,    ACTIVITY_DELIVERED, ACTIVITY_READ,
                                               ACTIVITY_CLICKED, ACTIVITY_REPLIED,   ACTIVITY_FAILED};
    struct activity from = *other;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        raise_to(last_of(a, kinds[i]), *last_of(&from, kinds[i]));
    if (from.since != 0)
        lower_to(&a->since, from.since);
    for (int i = 0; i < ACTIVITY_COUNTERS; i++) {
        const struct activity_newest turn = {from.since, (uint8_t)i};
        if (from.good[i] != 0)
            a->good[i] = add_log(a->good[i], logarithm(from.good[i], i), i, coin(&turn, i));
        if (from.held[i] != 0)
            a->held[i] = add_log(a->held[i], logarithm(from.held[i], i), i, coin(&turn, i));
    }
    for (size_t i = 0; i < from.n_newest; i++)
        keep(a, from.newest[i], true);
    for (size_t i = 0; i < from.n_delays; i++)
        keep_delay(a, from.delay[i].sent, from.delay[i].needed);
}

/* --- what it means ---------------------------------------------------------------------------------------------------- */

/* What a counter is worth now; one that is ahead of the clock is not worth more for it. */
static double decayed(double log, int64_t now_s, int which)
{
    return exp2(log - since_epoch(now_s, which));
}

double activity_counter(const struct activity *a, int which, int64_t now)
{
    int64_t now_s = second(now);
    double sum = 0;
    for (size_t i = 0; i < a->n_newest; i++) {
        int64_t at = a->newest[i].at < now_s ? a->newest[i].at : now_s;
        double weight = weights[a->newest[i].kind];
        sum += weight != 0 ? weight * exp2((double)(at - now_s) / counters[which].half_life_s) : 0;
    }
    if (a->good[which] != 0)
        sum += decayed(logarithm(a->good[which], which), now_s, which);
    if (a->held[which] != 0)
        sum -= decayed(logarithm(a->held[which], which), now_s, which);
    return sum > 0 ? sum : 0;
}

double activity_score(const struct activity *a, int64_t now)
{
    return (activity_counter(a, 0, now) + activity_counter(a, 1, now)) / 2;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t interacted(const struct activity *a)
{
    return later(a->clicked, a->replied);
}

static int64_t alive(const struct activity *a)
{
    return later(later(a->delivered, a->read), interacted(a));
}

int64_t activity_alive(const struct activity *a)
{
    return alive(a) * 1000;
}

int activity_unreachable(const struct activity *a)
{
    int64_t since = alive(a);
    int n = 0;
    for (size_t i = 0; i < a->n_newest; i++)
        n += a->newest[i].kind == ACTIVITY_UNREACHABLE && a->newest[i].at > since;
    return n;
}

int64_t activity_last_delay(const struct activity *a)
{
    return a->n_delays > 0 ? a->delay[0].needed : -1;
}

int64_t activity_typical_delay(const struct activity *a)
{
    int64_t sorted[ACTIVITY_DELAYS];
    for (size_t i = 0; i < a->n_delays; i++) {
        size_t place = i;
        for (; place > 0 && sorted[place - 1] > a->delay[i].needed; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = a->delay[i].needed;
    }
    return a->n_delays > 0 ? sorted[(a->n_delays - 1) / 2] : -1;
}

static const char *const class_names[ACTIVITY_CLASSES] = {"unknown", "new",     "interactive",
                                                          "active",  "dormant", "undeliverable"};

const char *activity_class_name(enum activity_class c)
{
    return (unsigned)c < ACTIVITY_CLASSES ? class_names[c] : class_names[ACTIVITY_UNKNOWN];
}

enum activity_class activity_class_parse(const char *word, size_t n)
{
    int c = 0;
    while (c < ACTIVITY_CLASSES && (strlen(class_names[c]) != n || memcmp(class_names[c], word, n) != 0))
        c++;
    return (enum activity_class)c;
}

static bool is_within(int64_t at, int days, int64_t now_s)
{
    return at != 0 && now_s - at < days * DAY_S;
}

enum activity_class activity_class_of(const struct activity *a, const struct activity_horizons *h, int64_t now)
{
    int64_t now_s = second(now);
    if (activity_unreachable(a) >= h->undeliverable_after)
        return ACTIVITY_UNDELIVERABLE;
    if (is_within(interacted(a), h->interactive_days, now_s))
        return ACTIVITY_INTERACTIVE;
    if (is_within(alive(a), h->idle_days, now_s))
        return ACTIVITY_ACTIVE;
    if (alive(a) == 0 && (a->since == 0 || is_within(a->since, h->new_days, now_s)))
        return ACTIVITY_NEW;
    return ACTIVITY_DORMANT;
}

/* --- packed ----------------------------------------------------------------------------------------------------------- */

#define TIMES 7

/* In the order of their bits. */
static void times_of(struct activity *a, int64_t *ret[TIMES])
{
    int64_t *const all[TIMES] = {&a->since, &a->sent, &a->delivered, &a->read, &a->clicked, &a->replied, &a->failed};
    memcpy(ret, all, sizeof all);
}

static size_t put_u16(uint8_t *out, uint16_t v)
{
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
    return 2;
}

#define HAS_GOOD 1
#define HAS_HELD 2

static size_t pack_counters(const struct activity *a, uint8_t *out)
{
    size_t n = 1;
    out[0] = (uint8_t)((a->good[0] != 0 ? HAS_GOOD : 0) | (a->held[0] != 0 ? HAS_HELD : 0));
    for (int i = 0; i < ACTIVITY_COUNTERS && a->good[0] != 0; i++)
        n += put_u16(out + n, a->good[i]);
    for (int i = 0; i < ACTIVITY_COUNTERS && a->held[0] != 0; i++)
        n += put_u16(out + n, a->held[i]);
    return n;
}

size_t activity_pack(const struct activity *a, uint8_t out[ACTIVITY_PACKED_MAX])
{
    struct activity from = *a;
    int64_t *time[TIMES], base = 0;
    size_t n = 0;
    times_of(&from, time);
    out[n++] = PACK_VERSION;
    out[n++] = 0;
    for (int i = 0; i < TIMES; i++) {
        out[1] = (uint8_t)(out[1] | (*time[i] != 0) << i);
        base = later(base, *time[i]);
    }
    n += varint_put(out + n, (uint64_t)base);
    for (int i = 0; i < TIMES; i++)
        if (*time[i] != 0)
            n += varint_put(out + n, (uint64_t)(base - *time[i]));
    n += pack_counters(a, out + n);
    out[n++] = (uint8_t)(a->n_newest << 4 | a->n_delays);
    int64_t last = base;
    for (size_t i = 0; i < a->n_newest; last = a->newest[i++].at)
        n += varint_put(out + n, (uint64_t)(last - a->newest[i].at) << 3 | a->newest[i].kind);
    last = base;
    for (size_t i = 0; i < a->n_delays; last = a->delay[i++].sent) {
        n += varint_put(out + n, (uint64_t)(last - a->delay[i].sent));
        n += varint_put(out + n, (uint64_t)a->delay[i].needed);
    }
    return n;
}

/* One number up to most. */
static bool get(const uint8_t **p, const uint8_t *end, uint64_t most, int64_t *ret)
{
    uint64_t v;
    if (!varint_get(p, end, &v) || v > most)
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool get_time(const uint8_t **p, const uint8_t *end, int64_t before, int64_t *ret)
{
    int64_t gap;
    if (!get(p, end, LAST_SECOND, &gap) || before - gap < EPOCH)
        return false;
    *ret = before - gap;
    return true;
}

static bool unpack_times(const uint8_t **p, const uint8_t *end, uint8_t bits, struct activity *a, int64_t *ret_base)
{
    int64_t *time[TIMES];
    times_of(a, time);
    int64_t latest = 0;
    bool good = bits >> TIMES == 0 && get(p, end, LAST_SECOND, ret_base);
    for (int i = 0; i < TIMES && good; i++) {
        if (bits >> i & 1)
            good = get_time(p, end, *ret_base, time[i]);
        latest = later(latest, *time[i]);
    }
    return good && latest == *ret_base; /* all else is before it */
}

static bool unpack_pair(const uint8_t **p, const uint8_t *end, uint16_t ret[ACTIVITY_COUNTERS])
{
    for (int i = 0; i < ACTIVITY_COUNTERS; i++, *p += 2) {
        if (end - *p < 2)
            return false;
        ret[i] = (uint16_t)((*p)[0] | (*p)[1] << 8);
        if (ret[i] == 0)
            return false;
    }
    return true;
}

static bool unpack_counters(const uint8_t **p, const uint8_t *end, struct activity *a)
{
    if (*p == end || **p > (HAS_GOOD | HAS_HELD))
        return false;
    uint8_t bits = *(*p)++;
    return (!(bits & HAS_GOOD) || unpack_pair(p, end, a->good)) && (!(bits & HAS_HELD) || unpack_pair(p, end, a->held));
}

static bool unpack_newest(const uint8_t **p, const uint8_t *end, int64_t base, struct activity *a)
{
    int64_t last = base, v;
    for (size_t i = 0; i < a->n_newest; i++) {
        if (!get(p, end, (uint64_t)LAST_SECOND << 3, &v))
            return false;
        struct activity_newest ev = {last - (v >> 3), (uint8_t)(v & 7)};
        if (ev.at < EPOCH || !is_counted(ev.kind) || (i > 0 && order(&a->newest[i - 1], &ev) <= 0))
            return false;
        a->newest[i] = ev;
        last = ev.at;
    }
    return true;
}

static bool unpack_delays(const uint8_t **p, const uint8_t *end, int64_t base, struct activity *a)
{
    int64_t last = base;
    for (size_t i = 0; i < a->n_delays; i++) {
        struct activity_delay *d = &a->delay[i];
        if (!get_time(p, end, last, &d->sent) || !get(p, end, LAST_SECOND, &d->needed) || (i > 0 && d->sent == last))
            return false;
        last = d->sent;
    }
    return true;
}

int activity_unpack(const void *packed, size_t n, struct activity *ret)
{
    const uint8_t *p = packed, *end = p + n;
    struct activity a = {0};
    int64_t base = 0;
    if (n < 2 || p[0] != PACK_VERSION)
        return WL_ECORRUPT;
    uint8_t bits = p[1];
    p += 2;
    if (!unpack_times(&p, end, bits, &a, &base) || !unpack_counters(&p, end, &a) || p == end)
        return WL_ECORRUPT;
    a.n_newest = *p >> 4;
    a.n_delays = *p++ & 15;
    if (a.n_newest > ACTIVITY_NEWEST || a.n_delays > ACTIVITY_DELAYS || !unpack_newest(&p, end, base, &a) ||
        !unpack_delays(&p, end, base, &a) || p != end)
        return WL_ECORRUPT;
    *ret = a;
    return 0;
}
