/* SPDX-License-Identifier: Apache-2.0
 * test_calendar.c - hours are read, written and looked up right.
 *
 * The reference knows no intervals: it has a table of the week's minutes and goes through time from one moment at
 * which anything can change to the next. It is compared with calendar.c over thousands of random weeks, stretches of
 * places, holidays and clock changes. What people would stumble over stands in rows by hand. */
#include "core/calendar.h"

#include "rules_fixture.h"

#define MINUTE    60000LL
#define DAY       (24 * HOUR)
#define HORIZON   (CALENDAR_HORIZON_DAYS * DAY)
#define THURSDAY  (3 * 1440) /* 1970-01-01, in minutes since Monday */
#define LIST_DAYS 64
#define NONE      (-1000)

/* ---- the reference ---- */

struct reference {
    bool open[MINUTES_A_WEEK];
    int run[MINUTES_A_WEEK]; /* open minutes in a row from here on */
    int32_t first_day;
    bool holiday[LIST_DAYS]; /* from first_day on */
    bool has_hours, has_holidays;
    struct whereabouts w;
};

static void count_runs(struct reference *r)
{
    for (int twice = 2 * MINUTES_A_WEEK - 1; twice >= 0; twice--) {
        int m = twice % MINUTES_A_WEEK;
        r->run[m] = r->open[m] ? (r->run[(m + 1) % MINUTES_A_WEEK] + 1) % 100000 : 0;
    }
}

static int64_t down(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q * b > a ? q - 1 : q;
}

static void local(const struct reference *r, int64_t t, int64_t *ret_west, int64_t *ret_east)
{
    bool after = r->w.change_at != 0 && t >= r->w.change_at;
    *ret_west = down(t, MINUTE) + (after ? r->w.min_after : r->w.min);
    *ret_east = down(t, MINUTE) + (after ? r->w.max_after : r->w.max);
}

static bool is_open(const struct reference *r, int64_t t)
{
    int64_t west, east;
    local(r, t, &west, &east);
    int64_t at = (west + THURSDAY) - down(west + THURSDAY, MINUTES_A_WEEK) * MINUTES_A_WEEK;
    return r->run[at] > east - west;
}

static bool is_holiday(const struct reference *r, int64_t t)
{
    int64_t west, east;
    local(r, t, &west, &east);
    for (int64_t d = down(west, 1440); d <= down(east, 1440); d++)
        if (d >= r->first_day && d < r->first_day + LIST_DAYS && r->holiday[d - r->first_day])
            return true;
    return false;
}

static int64_t reference_next(const struct reference *r, int64_t now)
{
    for (int64_t t = now; t < now + HORIZON;) {
        if ((!r->has_hours || is_open(r, t)) && (!r->has_holidays || !is_holiday(r, t)))
            return t;
        int64_t next = (down(t, MINUTE) + 1) * MINUTE;
        t = r->w.change_at > t && r->w.change_at < next ? r->w.change_at : next;
    }
    return 0;
}

/* ---- random cases ---- */

static int64_t below(uint64_t *seed, uint64_t n)
{
    return (int64_t)(next_random(seed) % n);
}

/* A few openings, written one by one on single days; false when nothing would be closed. */
static bool random_week(uint64_t *seed, struct reference *r, struct buf *text)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    int64_t unit = below(seed, 2) ? 30 : 1, openings = 1 + below(seed, 12), closed = 0;
    for (int64_t i = 0; i < openings; i++) {
        int64_t day = below(seed, 7), from = below(seed, (uint64_t)(1440 / unit)) * unit;
        int64_t n = (1 + below(seed, (uint64_t)(1439 / unit))) * unit, to = (from + n) % 1440;
        if (n >= 1440)
            n -= unit, to = (from + n) % 1440;
        buf_printf(text, "%s%s %02d:%02d-%02d:%02d", i ? ", " : "", names[day], (int)from / 60, (int)from % 60,
                   (int)to / 60, (int)to % 60);
        for (int64_t m = 0; m < n; m++)
            r->open[(day * 1440 + from + m) % MINUTES_A_WEEK] = true;
    }
    for (int m = 0; m < MINUTES_A_WEEK; m++)
        closed += !r->open[m];
    count_runs(r);
    return closed > 0;
}

static void random_places(uint64_t *seed, struct whereabouts *w, int64_t now)
{
    static const int32_t steps[] = {60, -60, 30, -30, 120, -1440, 1440, 7};
    w->min = (int32_t)(below(seed, 26 * 4) * 15) - 720;
    w->max = w->min + (below(seed, 2) ? 0 : (int32_t)(below(seed, 48) * 15));
    w->min_after = w->min;
    w->max_after = w->max;
    w->change_at = 0;
    if (below(seed, 4) == 0)
        return;
    w->change_at = now - 2 * DAY + below(seed, (uint64_t)(18 * DAY));
    if (below(seed, 3))
        w->change_at = down(w->change_at, 15 * MINUTE) * 15 * MINUTE;
    int32_t step = steps[below(seed, 8)];
    if (below(seed, 3))
        w->min_after += step;
    if (below(seed, 3))
        w->max_after += step;
    if (w->min_after > w->max_after)
        w->min_after = w->max_after;
}

static void random_holidays(uint64_t *seed, struct reference *r, int64_t now, struct holidays *l, int32_t *day)
{
    r->first_day = (int32_t)down(now, DAY) - 5;
    *l = (struct holidays){.day = day, .first = r->first_day, .last = r->first_day + 12 + (int32_t)below(seed, 50)};
    int64_t one_in = 1 + below(seed, 9);
    for (int32_t i = 0; i < LIST_DAYS && r->first_day + i <= l->last; i++) {
        r->holiday[i] = below(seed, (uint64_t)one_in) == 0;
        if (r->holiday[i])
            day[l->n++] = r->first_day + i;
    }
}

static void compare_moment(const struct reference *r, const struct hours *h, const struct holidays *l, int64_t t)
{
    int64_t west, east;
    local(r, t, &west, &east);
    bool known = down(west, 1440) >= l->first && down(east, 1440) <= l->last;
    assert_int_equal(hours_open(h, &r->w, t), is_open(r, t));
    assert_int_equal(holiday_at(l, &r->w, t), is_holiday(r, t) ? 1 : known ? 0 : -1);
}

static int one_case(uint64_t *seed)
{
    static struct reference r;
    struct buf text;
    struct err e = {0};
    struct hours h;
    struct holidays l;
    int32_t day[LIST_DAYS];
    int64_t now = NOW - 400 * DAY + below(seed, (uint64_t)(800 * DAY));
    memset(&r, 0, sizeof r);
    buf_init(&text, 4096);
    if (!random_week(seed, &r, &text)) {
        assert_int_equal(hours_parse(buf_str(&text), &h, &e), WL_EINVAL);
        buf_done(&text);
        return 0;
    }
    assert_ok(hours_parse(buf_str(&text), &h, &e), e);
    random_places(seed, &r.w, now);
    random_holidays(seed, &r, now, &l, day);
    r.has_hours = below(seed, 8) != 0;
    r.has_holidays = below(seed, 2) != 0;
    int64_t want = reference_next(&r, now);
    int64_t got = next_opening(r.has_hours ? &h : NULL, r.has_holidays ? &l : NULL, &r.w, now);
    if (got != want)
        fail_msg("\"%s\" at %lld, %d to %d minutes east, from %lld on %d to %d: got %lld, want %lld", buf_cstr(&text),
                 (long long)now, r.w.min, r.w.max, (long long)r.w.change_at, r.w.min_after, r.w.max_after,
                 (long long)got, (long long)want);
    compare_moment(&r, &h, &l, now);
    compare_moment(&r, &h, &l, want ? want : now + HORIZON);
    compare_moment(&r, &h, &l, want ? want - 1 : now + 1);
    if (r.w.change_at > 0) {
        compare_moment(&r, &h, &l, r.w.change_at);
        compare_moment(&r, &h, &l, r.w.change_at - 1);
    }
    buf_done(&text);
    return want == 0 ? 2 : want == now ? 0 : 1;
}

TEST(the_next_opening_is_the_first_open_moment)
{
    uint64_t seed = 20261101;
    int kinds[3] = {0};
    for (int i = 0; i < 25000; i++)
        kinds[one_case(&seed)]++;
    assert_true(kinds[0] > 1000 && kinds[1] > 10000 && kinds[2] > 300); /* open already, later, never */
}

/* ---- rows by hand ---- */

TEST(moments_people_stumble_over)
{
    /* 2026-11-23 is a Monday; ms at 00:00 UTC */
    const int64_t monday = 1795392000000;
    const struct {
        const char *what, *hours;
        struct whereabouts w;
        double now, want; /* hours after that midnight */
    } rows[] = {
        {"closed before seven", "daily 07:00-19:00", {0, 0, 0, 0, 0}, 6, 7},
        {"seven sharp is open", "daily 07:00-19:00", {0, 0, 0, 0, 0}, 7, 7},
        {"nineteen sharp is closed", "daily 07:00-19:00", {0, 0, 0, 0, 0}, 19, 31},
        {"Bogota is five hours behind", "daily 07:00-19:00", {-300, -300, 0, 0, 0}, 7, 12},
        {"Brazil in four zones", "daily 08:00-21:00", {-300, -120, 0, 0, 0}, 5, 13},
        {"and closed when Noronha closes", "daily 08:00-21:00", {-300, -120, 0, 0, 0}, 23, 37},
        {"a stretch longer than the opening", "daily 09:00-12:00", {-300, -120, 0, 0, 0}, 5, NONE},
        {"half an hour is a place", "daily 10:00-21:00", {330, 330, 0, 0, 0}, 4, 4.5},
        {"nights reach into the next day", "fri 21:00-07:00", {0, 0, 0, 0, 0}, 5 * 24 + 6, 5 * 24 + 6},
        {"Sunday's into Monday", "sun 21:00-07:00", {0, 0, 0, 0, 0}, 6, 6},
        {"no Sunday", "mon-fri 07:00-19:00, sat 08:00-15:00", {0, 0, 0, 0, 0}, 5 * 24 + 15, 7 * 24 + 7},
        {"spring forward brings it an hour nearer",
         "daily 08:00-21:00",
         {-300, -300, monday + 7 * HOUR, -240, -240},
         6,
         12},
        {"fall back puts it an hour off", "daily 08:00-21:00", {-240, -240, monday + 6 * HOUR, -300, -300}, 5, 13},
        {"the skipped hour does not come",
         "mon 02:00-03:00",
         {-300, -300, monday + 7 * HOUR, -240, -240},
         5,
         7 * 24 + 6},
        {"the repeated hour comes twice", "mon 01:00-02:00", {-240, -240, monday + 6 * HOUR, -300, -300}, 6, 6},
        {"the change is over", "daily 08:00-21:00", {-300, -300, monday - HOUR, -240, -240}, 6, 12},
        {"Lord Howe moves by half an hour", "daily 08:00-21:00", {630, 630, monday - 9 * HOUR, 660, 660}, -11, -3},
        {"Samoa skipped a Friday",
         "fri 10:00-11:00",
         {-600, -600, monday + 4 * DAY + 10 * HOUR, 840, 840},
         0,
         10 * 24 + 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct hours h;
        assert_ok(hours_parse(str_of(rows[i].hours), &h, &e), e);
        int64_t got = next_opening(&h, NULL, &rows[i].w, monday + (int64_t)(rows[i].now * HOUR));
        if (got != (rows[i].want == NONE ? 0 : monday + (int64_t)(rows[i].want * HOUR)))
            fail_msg("%s: hour %g", rows[i].what, (double)(got - monday) / (double)HOUR);
    }
}

TEST(holidays_are_over_when_they_are_over_everywhere)
{
    const int64_t monday = 1795392000000;
    const int32_t first = (int32_t)(monday / DAY), days[] = {first, first + 2, first + 3};
    const struct holidays l = {.day = days, .n = 3, .first = first - 1, .last = first + 5},
                          none = {.first = first, .last = first};
    const struct whereabouts utc = {0}, brazil = {.min = -300, .max = -120},
                             odd = {.min = -300, .max = -120, .change_at = 0};
    struct hours h;
    assert_int_equal(hours_parse(STR("daily 08:00-18:00"), &h, NULL), 0);
    assert_int_equal(holiday_at(&l, &utc, monday - 1), 0);
    assert_int_equal(holiday_at(&l, &utc, monday), 1);
    assert_int_equal(holiday_at(&l, &utc, monday - DAY - 1), -1);
    assert_int_equal(holiday_at(&l, &utc, monday + 6 * DAY), -1);
    assert_int_equal(holiday_at(&l, &brazil, monday + 2 * HOUR), 1); /* begins in Noronha */
    assert_int_equal(holiday_at(&l, &brazil, monday + 2 * HOUR - 1), 0);
    assert_int_equal(holiday_at(&l, &brazil, monday + 29 * HOUR - 1), 1); /* ends in Acre */
    assert_int_equal(holiday_at(&l, &brazil, monday + 29 * HOUR), 0);
    assert_int_equal(holiday_at(&none, &utc, monday), 0);
    assert_int_equal(next_opening(NULL, &l, &odd, monday + HOUR * 3), monday + 29 * HOUR);
    assert_int_equal(next_opening(&h, &l, &utc, monday), monday + DAY + 8 * HOUR);
    assert_int_equal(next_opening(&h, &l, &utc, monday + DAY + 18 * HOUR), monday + 4 * DAY + 8 * HOUR);
    /* beyond the list nobody knows: a working day */
    assert_int_equal(next_opening(&h, &l, &utc, monday + 20 * DAY), monday + 20 * DAY + 8 * HOUR);
    assert_int_equal(next_opening(NULL, NULL, &utc, monday + 7), monday + 7);
}

/* ---- reading and writing ---- */

TEST(hours_as_people_write_them)
{
    static const struct {
        const char *text, *canonical; /* NULL: refused */
    } rows[] = {
        {"mon-fri 07:00-19:00, sat 08:00-15:00", "mon-fri 07:00-19:00, sat 08:00-15:00"},
        {"sat 08:00-15:00,mon-fri 07:00-19:00", "mon-fri 07:00-19:00, sat 08:00-15:00"},
        {"  MON-Fri\t07:00-19:00 ", "mon-fri 07:00-19:00"},
        {"mon-fri 10:00-13:00 14:00-20:00", "mon-fri 10:00-13:00 14:00-20:00"},
        {"daily 08:00-20:00", "daily 08:00-20:00"},
        {"mon-sun 08:00-20:00", "daily 08:00-20:00"},
        {"sat-fri 08:00-20:00", "daily 08:00-20:00"},
        {"fri-mon 08:00-20:00", "mon 08:00-20:00, fri-sun 08:00-20:00"},
        {"daily 21:00-07:00", "daily 21:00-07:00"},
        {"daily 21:00-24:00 00:00-07:00", "daily 21:00-07:00"},
        {"daily 21:00-00:00", "daily 21:00-24:00"},
        {"mon 08:00-12:00 11:00-14:00 14:00-15:00", "mon 08:00-15:00"},
        {"mon 00:00-24:00", "mon 00:00-24:00"},
        {"mon-wed 00:00-24:00", "mon-wed 00:00-24:00"},
        {"fri 18:00-24:00, sat-sun 00:00-24:00, mon 00:00-06:00",
         "mon 00:00-06:00, fri 18:00-24:00, sat-sun 00:00-24:00"},
        {"sun 22:00-06:00", "sun 22:00-06:00"},
        {"mon 08:00-07:59", "mon 08:00-07:59"},
        {"mon 07:00-08:00", "mon 07:00-08:00"},
        {"", NULL},
        {" ", NULL},
        {"mon", NULL},
        {"07:00-19:00", NULL},
        {"mon-fri", NULL},
        {"mon-fri 7:00-19:00", NULL},
        {"mon-fri 07:00", NULL},
        {"mon-fri 07:00-24:01", NULL},
        {"mon-fri 24:00-07:00", NULL},
        {"mon-fri 07:60-19:00", NULL},
        {"mon-fri 07:00-25:00", NULL},
        {"mon-fri 08:00-08:00", NULL},
        {"mon-fri-sat 08:00-09:00", NULL},
        {"monday 08:00-09:00", NULL},
        {"mon 08:00-09:00,", NULL},
        {"mon 08:00-09:00,,tue 08:00-09:00", NULL},
        {"mon 08:00 - 09:00", NULL},
        {"mon 08.00-09.00", NULL},
        {"daily 00:00-24:00", NULL},
        {"daily 12:00-11:00 10:00-13:00", NULL},
        {"daily 00:00-01:00 02:00-03:00 04:00-05:00 06:00-07:00 08:00-09:00", NULL}, /* 35 openings */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct buf out;
        struct hours h, kept;
        memset(&h, 0x5a, sizeof h);
        kept = h;
        buf_init(&out, 1000);
        int rc = hours_parse(str_of(rows[i].text), &h, &e);
        if (rows[i].canonical == NULL) {
            if (rc != WL_EINVAL || e.text[0] == '\0' || memcmp(&h, &kept, sizeof h) != 0)
                fail_msg("\"%s\" was read", rows[i].text);
        } else {
            assert_ok(rc, e);
            hours_text(&h, &out);
            assert_str(buf_str(&out), rows[i].canonical);
        }
        buf_done(&out);
    }
    struct err e = {0};
    struct hours h;
    assert_int_equal(hours_parse(STR("mon 08:00-09:00, tues 08:00-09:00"), &h, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "tues"));
}

TEST(same_hours_same_text)
{
    uint64_t seed = 4;
    static struct reference r;
    for (int i = 0; i < 3000; i++) {
        struct buf text, once, twice;
        struct hours a, b;
        struct err e = {0};
        memset(&r, 0, sizeof r);
        buf_init(&text, 4096);
        buf_init(&once, 4096);
        buf_init(&twice, 4096);
        if (random_week(&seed, &r, &text)) {
            assert_ok(hours_parse(buf_str(&text), &a, &e), e);
            hours_text(&a, &once);
            assert_ok(hours_parse(buf_str(&once), &b, &e), e);
            hours_text(&b, &twice);
            assert_str(buf_str(&twice), buf_cstr(&once));
            assert_int_equal(a.n, b.n);
            assert_memory_equal(a.from, b.from, a.n * sizeof a.from[0]);
            assert_memory_equal(a.to, b.to, a.n * sizeof a.to[0]);
        }
        buf_done(&text);
        buf_done(&once);
        buf_done(&twice);
    }
}

TESTS(T(the_next_opening_is_the_first_open_moment), T(moments_people_stumble_over),
      T(holidays_are_over_when_they_are_over_everywhere), T(hours_as_people_write_them), T(same_hours_same_text))
