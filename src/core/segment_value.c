/* SPDX-License-Identifier: Apache-2.0
 * segment_value.c - numbers and times read from text, digit by digit, and a time said in words.
 *
 * Whoever compares them in another engine is given what this file read: the columns `number` and `time` of store/audience_file.c. */
#include "core/segment_value.h"

#define DAY 86400

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits in front of *s, which moves over them, put behind *v: those beyond the most are passed over. How many there were. */
static size_t take_digits(struct str *s, size_t most, int64_t *v)
{
    size_t n = 0;
    for (; n < s->n && digit(s->p[n]); n++)
        if (n < most)
            *v = *v * 10 + (s->p[n] - '0');
    *s = (struct str){s->p + n, s->n - n};
    return n;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = (struct str){s->p + 1, s->n - 1};
    return true;
}

#define WHOLE_DIGITS 12 /* so that millionths fit */
#define DECIMALS     6

bool segment_number(struct str s, int64_t *ret)
{
    bool minus = take_char(&s, '-');
    int64_t v = 0;
    while (s.n > 1 && s.p[0] == '0' && digit(s.p[1]))
        take_char(&s, '0');
    size_t whole = take_digits(&s, WHOLE_DIGITS, &v), decimals = 0;
    if (whole == 0 || whole > WHOLE_DIGITS)
        return false;
    if (take_char(&s, '.') && (decimals = take_digits(&s, DECIMALS, &v)) == 0)
        return false;
    for (; decimals < DECIMALS; decimals++)
        v *= 10;
    *ret = minus ? -v : v;
    return s.n == 0;
}

/* --- times ------------------------------------------------------------------------------------------------------------ */

/* Exactly n digits in front of *s, which moves over them. */
static bool take(struct str *s, size_t n, int *ret)
{
    int v = 0;
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!digit(s->p[i]))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = (struct str){s->p + n, s->n - n};
    *ret = v;
    return true;
}

/* Days since 1970 of a day of the calendar, years counted from March on. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, m = month > 2 ? month - 3 : month + 9;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool take_day(struct str *s, int64_t *ret)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    bool form = take(s, 4, &year) && take_char(s, '-') && take(s, 2, &month) && take_char(s, '-') && take(s, 2, &day);
    if (!form || year < 1 || month < 1 || month > 12)
        return false;
    if (day < 1 || day > length[month - 1] + (month == 2 && is_leap(year)))
        return false;
    *ret = days_of(year, month, day);
    return true;
}

/* "10:00", "10:00:05", "10:00:05.123": seconds of the day. */
static bool take_clock(struct str *s, int64_t *ret)
{
    int hour, minute, second = 0;
    if (!take(s, 2, &hour) || !take_char(s, ':') || !take(s, 2, &minute) || hour > 23 || minute > 59)
        return false;
    if (take_char(s, ':') && (!take(s, 2, &second) || second > 59))
        return false;
    if (take_char(s, '.')) {
        size_t n = 0;
        while (n < s->n && digit(s->p[n]))
            n++;
        if (n == 0)
            return false;
        *s = (struct str){s->p + n, s->n - n};
    }
    *ret = hour * 3600 + minute * 60 + second;
    return true;
}

/* "", "Z", "+02:00", "-0530": seconds east of UTC. */
static bool take_zone(struct str *s, int64_t *ret)
{
    int hour, minute;
    *ret = 0;
    if (s->n == 0 || take_char(s, 'Z'))
        return true;
    bool west = take_char(s, '-');
    if ((!west && !take_char(s, '+')) || !take(s, 2, &hour))
        return false;
    take_char(s, ':');
    if (!take(s, 2, &minute) || hour > 18 || minute > 59)
        return false;
    *ret = (hour * 3600 + minute * 60) * (west ? -1 : 1);
    return true;
}

bool segment_day_or_second(struct str s, struct segment_time *ret)
{
    int64_t days, clock, zone;
    if (!take_day(&s, &days))
        return false;
    if (s.n == 0) {
        *ret = (struct segment_time){.from = days * DAY, .until = days * DAY + DAY - 1, .day = true};
        return true;
    }
    if ((!take_char(&s, 'T') && !take_char(&s, ' ')) || !take_clock(&s, &clock) || !take_zone(&s, &zone) || s.n > 0)
        return false;
    int64_t at = days * DAY + clock - zone;
    *ret = (struct segment_time){.from = at, .until = at};
    return true;
}

#define AMOUNT_DIGITS 6

bool segment_time(struct str s, struct segment_time *ret)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY}, {'w', 7 * DAY}};
    static const struct str now = STR_INIT("now");
    if (!str_starts(s, now))
        return segment_day_or_second(s, ret);
    s = str_trim((struct str){s.p + now.n, s.n - now.n});
    *ret = (struct segment_time){.relative = true};
    if (s.n == 0)
        return true;
    bool back = take_char(&s, '-');
    if (!back && !take_char(&s, '+'))
        return false;
    s = str_trim(s);
    int64_t v = 0;
    size_t n = 0;
    for (; n < s.n && digit(s.p[n]); n++)
        v = n < AMOUNT_DIGITS ? v * 10 + (s.p[n] - '0') : v;
    if (n == 0 || n > AMOUNT_DIGITS || s.n != n + 1)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (s.p[n] == units[i].unit) {
            ret->from = ret->until = v * units[i].seconds * (back ? -1 : 1);
            return true;
        }
    return false;
}

/* --- said ------------------------------------------------------------------------------------------------------------- */

static void say_day(int64_t days, struct buf *out)
{
    static const char *const month[] = {"March",     "April",   "May",      "June",     "July",    "August",
                                        "September", "October", "November", "December", "January", "February"};
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100), m = (5 * of_year + 2) / 153;
    buf_printf(out, "%d %s %d", (int)(of_year - (153 * m + 2) / 5 + 1), month[m],
               (int)(years + era * 400 + (m >= 10 ? 1 : 0)));
}

void segment_time_say(const struct segment_time *t, struct buf *out)
{
    int64_t days = (t->from >= 0 ? t->from : t->from - DAY + 1) / DAY, clock = t->from - days * DAY;
    say_day(days, out);
    if (t->day)
        return;
    buf_printf(out, " %02d:%02d", (int)(clock / 3600), (int)(clock / 60 % 60));
    if (clock % 60 != 0)
        buf_printf(out, ":%02d", (int)(clock % 60));
    buf_puts(out, " UTC");
}
