/* SPDX-License-Identifier: Apache-2.0
 * calendar.c - openings of a week, read, written and looked up in a stretch of places.
 *
 * Hours are read onto the 10,080 minutes of a week and taken off again as runs, so however they are written, overlapping
 * or in pieces, the same hours are the same openings. With offsets between min and max, local times at a moment
 * form a stretch, and an opening [from, to) covers the stretch exactly during [from - min, to - max) of UTC: that turns
 * "open everywhere" into plain intervals, and holidays likewise into [their day's start - max, its end - min). The next
 * opening is found by going from one interval's end to the next, at most a few steps a day, first with the offsets of
 * now, then, from the moment they change, with those after. A clock change is part of that and no special case: local
 * time that is skipped or repeated is what the offsets make it.
 *
 * Refused: hours that are never or always open, times that do not exist, more openings than a week should have. */
#include "core/calendar.h"

#include <string.h>

#define MINUTE_MS     60000
#define DAY_MINUTES   1440
#define DAYS          7
#define EPOCH_WEEKDAY 3 /* 1970-01-01 was a Thursday; Monday is 0 */
#define NEVER         INT64_MAX

static const char *const day_names[DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ---- reading hours ---- */

struct week {
    bool open[MINUTES_A_WEEK];
};

static int day_by_name(struct str s)
{
    for (int d = 0; d < DAYS; d++)
        if (str_ieq(s, str_of(day_names[d])))
            return d;
    return -1;
}

/* "mon", "mon-fri", "fri-mon" or "daily": the first day and how many. */
static int read_days(struct str s, int *ret_first, int *ret_n, struct err *e)
{
    struct str to, from = str_cut(s, '-', &to);
    int first = day_by_name(from), last = to.p == NULL ? first : day_by_name(to);
    if (str_ieq(s, STR("daily"))) {
        first = 0;
        last = DAYS - 1;
    }
    if (first < 0 || last < 0)
        return err_set(e, WL_EINVAL, "\"%.*s\" is no day: write mon..sun, a range as mon-fri, or daily",
                       s.n > 20 ? 20 : (int)s.n, s.n ? s.p : "");
    *ret_first = first;
    *ret_n = (last - first + DAYS) % DAYS + 1;
    return 0;
}

/* "07:00", minutes since midnight; -1 when it is no time. */
static int read_time(struct str s)
{
    if (s.n != 5 || s.p[2] != ':')
        return -1;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
            return -1;
    int hour = (s.p[0] - '0') * 10 + s.p[1] - '0', minute = (s.p[3] - '0') * 10 + s.p[4] - '0';
    return hour > 24 || minute > 59 || (hour == 24 && minute > 0) ? -1 : hour * 60 + minute;
}

/* "07:00-19:00": from, and how many minutes. */
static int read_span(struct str s, int *ret_from, int *ret_n, struct err *e)
{
    struct str end, start = str_cut(s, '-', &end);
    int from = read_time(start), to = read_time(end), shown = s.n > 20 ? 20 : (int)s.n;
    if (from < 0 || to < 0 || from == DAY_MINUTES)
        return err_set(e, WL_EINVAL, "\"%.*s\" are no times: write them as 07:00-19:00, the end of a day as 24:00",
                       shown, s.n ? s.p : "");
    if (from == to)
        return err_set(e, WL_EINVAL, "\"%.*s\" begins where it ends: a whole day is 00:00-24:00", shown, s.p);
    *ret_from = from;
    *ret_n = to > from ? to - from : to - from + DAY_MINUTES;
    return 0;
}

static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct str word = {rest->p, n};
    *rest = (struct str){rest->p + n, rest->n - n};
    return word;
}

/* Days and one or more spans. */
static int read_entry(struct str s, struct week *w, struct err *e)
{
    int first = 0, days = 0, from = 0, n = 0, rc = read_days(next_word(&s), &first, &days, e);
    size_t spans = 0;
    for (s = str_trim(s); rc == 0 && s.n > 0; s = str_trim(s), spans++) {
        if ((rc = read_span(next_word(&s), &from, &n, e)) != 0)
            break;
        for (int d = first; d < first + days; d++)
            for (int m = 0; m < n; m++)
                w->open[(d * DAY_MINUTES + from + m) % MINUTES_A_WEEK] = true;
    }
    if (rc == 0 && spans == 0)
        return err_set(e, WL_EINVAL, "a day has no times: write them as mon-fri 07:00-19:00");
    return rc;
}

/* The runs of open minutes, the one that wraps last. */
static int take_runs(const struct week *w, struct hours *ret, struct err *e)
{
    struct hours h = {0};
    for (int m = 0; m < MINUTES_A_WEEK; m++) {
        if (!w->open[m] || w->open[(m + MINUTES_A_WEEK - 1) % MINUTES_A_WEEK])
            continue;
        int to = m;
        while (to - m < MINUTES_A_WEEK && w->open[to % MINUTES_A_WEEK])
            to++;
        if (h.n == HOURS_SPANS_MAX)
            return err_set(e, WL_EINVAL, "more than %d openings a week", HOURS_SPANS_MAX);
        h.from[h.n] = (uint16_t)m;
        h.to[h.n++] = (uint16_t)to;
    }
    if (h.n == 0)
        return err_set(e, WL_EINVAL, "these hours leave nothing closed: no rule is needed for that");
    *ret = h;
    return 0;
}

int hours_parse(struct str text, struct hours *ret, struct err *e)
{
    struct week w;
    memset(&w, 0, sizeof w);
    if (str_trim(text).n == 0)
        return err_set(e, WL_EINVAL, "no hours are named: write them as mon-fri 07:00-19:00, sat 08:00-15:00");
    for (struct str rest = text; rest.p != NULL;) {
        int rc = read_entry(str_cut(rest, ',', &rest), &w, e);
        if (rc != 0)
            return rc;
    }
    return take_runs(&w, ret, e);
}

/* ---- writing them ---- */

#define PIECES_MAX (HOURS_SPANS_MAX + 1)

/* What is written behind one day: openings that begin on it, and days that longer ones go through. */
struct day {
    uint8_t n;
    uint16_t from[PIECES_MAX], to[PIECES_MAX]; /* minutes since that day's midnight; `to` may lie in the next */
};

static void add_piece(struct day *days, int from, int to)
{
    struct day *d = &days[from / DAY_MINUTES % DAYS];
    int start = from % DAY_MINUTES;
    uint8_t at = d->n++;
    for (; at > 0 && d->from[at - 1] > start; at--) {
        d->from[at] = d->from[at - 1];
        d->to[at] = d->to[at - 1];
    }
    d->from[at] = (uint16_t)start;
    d->to[at] = (uint16_t)(start + to - from);
}

/* An opening of less than a day is one piece, even over midnight; a longer one is cut at midnights. */
static void add_opening(struct day *days, int from, int to)
{
    if (to - from < DAY_MINUTES) {
        add_piece(days, from, to);
        return;
    }
    while (from < to) {
        int midnight = (from / DAY_MINUTES + 1) * DAY_MINUTES, end = midnight < to ? midnight : to;
        add_piece(days, from, end);
        from = end;
    }
}

static bool same_day(const struct day *a, const struct day *b)
{
    return a->n == b->n && memcmp(a->from, b->from, a->n * sizeof a->from[0]) == 0 &&
           memcmp(a->to, b->to, a->n * sizeof a->to[0]) == 0;
}

static void put_day(struct buf *out, const struct day *d, int first, int last)
{
    if (first == 0 && last == DAYS - 1)
        buf_puts(out, "daily");
    else if (first == last)
        buf_puts(out, day_names[first]);
    else
        buf_printf(out, "%s-%s", day_names[first], day_names[last]);
    for (uint8_t i = 0; i < d->n; i++) {
        int to = d->to[i] > DAY_MINUTES ? d->to[i] - DAY_MINUTES : d->to[i];
        buf_printf(out, " %02d:%02d-%02d:%02d", d->from[i] / 60, d->from[i] % 60, to / 60, to % 60);
    }
}

void hours_text(const struct hours *h, struct buf *out)
{
    struct day days[DAYS];
    memset(days, 0, sizeof days);
    for (uint8_t i = 0; i < h->n; i++)
        add_opening(days, h->from[i], h->to[i]);
    bool more = false;
    for (int first = 0, last; first < DAYS; first = last + 1) {
        for (last = first; last + 1 < DAYS && same_day(&days[first], &days[last + 1]);)
            last++;
        if (days[first].n == 0)
            continue;
        if (more)
            buf_puts(out, ", ");
        put_day(out, &days[first], first, last);
        more = true;
    }
}

/* ---- looking up ---- */

/* A stretch of time in which offsets stay: [from, until) in ms. */
struct stretch {
    int64_t from, until;
    int32_t min, max;
};

static struct stretch stretch_at(const struct whereabouts *w, int64_t now)
{
    if (w->change_at == 0 || now < w->change_at)
        return (struct stretch){now, w->change_at == 0 ? NEVER : w->change_at, w->min, w->max};
    return (struct stretch){now, NEVER, w->min_after, w->max_after};
}

/* First minute (of UTC, since the epoch) from `minute` on that opening i covers everywhere. */
static int64_t opening_from(const struct hours *h, uint8_t i, const struct stretch *s, int64_t minute)
{
    if (s->max < s->min || h->to[i] - h->from[i] <= s->max - s->min)
        return NEVER;
    int64_t monday = minute + EPOCH_WEEKDAY * DAY_MINUTES; /* minutes since a Monday */
    int64_t week = floor_div(monday + s->max - h->to[i], MINUTES_A_WEEK) + 1;
    int64_t at = minute - monday + week * MINUTES_A_WEEK + h->from[i] - s->min;
    return at > minute ? at : minute;
}

static int64_t open_from(const struct hours *h, const struct stretch *s, int64_t minute)
{
    int64_t first = NEVER;
    for (uint8_t i = 0; h != NULL && i < h->n; i++) {
        int64_t at = opening_from(h, i, s, minute);
        first = at < first ? at : first;
    }
    return h == NULL ? minute : first;
}

bool hours_open(const struct hours *h, const struct whereabouts *w, int64_t now)
{
    struct stretch s = stretch_at(w, now);
    int64_t minute = floor_div(now, MINUTE_MS);
    return open_from(h, &s, minute) == minute;
}

/* Local days of a minute, in the westernmost and the easternmost place. */
static int64_t day_west(const struct stretch *s, int64_t minute)
{
    return floor_div(minute + s->min, DAY_MINUTES);
}
static int64_t day_east(const struct stretch *s, int64_t minute)
{
    return floor_div(minute + s->max, DAY_MINUTES);
}

/* How many of the list's days are not later than `day`. */
static size_t days_until(const struct holidays *l, int64_t day)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->day[middle] <= day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last holiday among the local days of a minute; false: none of them is one. */
static bool last_holiday(const struct holidays *l, const struct stretch *s, int64_t minute, int64_t *ret)
{
    size_t n = days_until(l, day_east(s, minute));
    if (n == 0 || l->day[n - 1] < day_west(s, minute))
        return false;
    *ret = l->day[n - 1];
    return true;
}

int holiday_at(const struct holidays *l, const struct whereabouts *w, int64_t now)
{
    struct stretch s = stretch_at(w, now);
    int64_t minute = floor_div(now, MINUTE_MS), day;
    if (last_holiday(l, &s, minute, &day))
        return 1;
    return day_west(&s, minute) < l->first || day_east(&s, minute) > l->last ? -1 : 0;
}

/* The first moment of a stretch that will do; 0 when there is none. */
static int64_t opening_in(const struct hours *h, const struct holidays *l, const struct stretch *s)
{
    int64_t minute = floor_div(s->from, MINUTE_MS), holiday;
    while ((minute = open_from(h, s, minute)) <= floor_div(s->until - 1, MINUTE_MS)) {
        if (l == NULL || !last_holiday(l, s, minute, &holiday)) {
            int64_t at = minute * MINUTE_MS;
            return at > s->from ? at : s->from;
        }
        minute = (holiday + 1) * DAY_MINUTES - s->min;
    }
    return 0;
}

int64_t next_opening(const struct hours *h, const struct holidays *l, const struct whereabouts *w, int64_t now)
{
    int64_t horizon = now + (int64_t)CALENDAR_HORIZON_DAYS * DAY_MINUTES * MINUTE_MS, at = 0;
    for (int64_t from = now; at == 0 && from < horizon;) {
        struct stretch s = stretch_at(w, from);
        if (s.until > horizon)
            s.until = horizon;
        at = opening_in(h, l, &s);
        from = s.until;
    }
    return at;
}
