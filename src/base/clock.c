/* SPDX-License-Identifier: Apache-2.0
 * clock.c - the system's time, and time as text.
 *
 * clock_now_ms() remembers the latest time it gave out and never answers an earlier one, so a clock set back
 * by NTP or by hand slows our time to a stop instead of turning it around; ids and windows depend on that.
 * The conversions are arithmetic on the proleptic Gregorian calendar: no libc time zone, no locale. Only UTC
 * and numeric offsets exist here; named zones belong to the tz database reader. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

int64_t clock_now_ms(void)
{
    static _Atomic int64_t latest;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    int64_t seen = atomic_load_explicit(&latest, memory_order_relaxed);
    while (now > seen)
        if (atomic_compare_exchange_weak_explicit(&latest, &seen, now, memory_order_relaxed, memory_order_relaxed))
            return now;
    return seen;
}

int64_t clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#define DAY_MS ((int64_t)86400000)

/* Days since 1970-01-01. The year starts in March here, so that the leap day is its last day; an era is
 * 400 years, after which the calendar repeats. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static char *put_digits(char *out, int v, int digits)
{
    for (int i = digits; i-- > 0; v /= 10)
        out[i] = (char)('0' + v % 10);
    return out + digits;
}

/* Written by hand: every record, answer and line of the log has some. */
char *time_text(int64_t ms, char *out)
{
    int64_t days = ms / DAY_MS, rest = ms % DAY_MS, year;
    int month, day, left;
    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    date_of(days, &year, &month, &day);
    left = (int)rest;
    const struct {
        int v, digits;
        char after;
    } parts[] = {{month, 2, '-'},
                 {day, 2, 'T'},
                 {left / 3600000, 2, ':'},
                 {left / 60000 % 60, 2, ':'},
                 {left / 1000 % 60, 2, '.'},
                 {left % 1000, 3, 'Z'}};
    char *at = out;
    if (year >= 0 && year <= 9999)
        at = put_digits(at, (int)year, 4);
    else
        at += snprintf(at, TIME_TEXT, "%04lld", (long long)year);
    *at++ = '-';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at = put_digits(at, parts[i].v, parts[i].digits);
        *at++ = parts[i].after;
    }
    *at = '\0';
    return out;
}

struct reader {
    const char *p, *end;
};

/* Exactly `digits` digits with a value in [least, most]. */
static bool read_number(struct reader *r, int digits, int least, int most, int *ret)
{
    int v = 0;
    for (int i = 0; i < digits; i++) {
        if (r->p == r->end || *r->p < '0' || *r->p > '9')
            return false;
        v = v * 10 + (*r->p++ - '0');
    }
    *ret = v;
    return v >= least && v <= most;
}

static bool read_char(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct reader *r, int64_t *ret_days)
{
    int year, month, day;
    if (!read_number(r, 4, 0, 9999, &year) || !read_char(r, '-') || !read_number(r, 2, 1, 12, &month) ||
        !read_char(r, '-') || !read_number(r, 2, 1, days_in(year, month), &day))
        return false;
    *ret_days = days_of(year, month, day);
    return true;
}

/* "01:43:07.123": digits beyond the millisecond are dropped. A leap second counts as the second after it. */
static bool read_clock(struct reader *r, int64_t *ret_ms)
{
    int hour, minute, second, millis = 0;
    if (!read_number(r, 2, 0, 23, &hour) || !read_char(r, ':') || !read_number(r, 2, 0, 59, &minute) ||
        !read_char(r, ':') || !read_number(r, 2, 0, minute == 59 ? 60 : 59, &second))
        return false;
    if (read_char(r, '.')) {
        int worth = 100;
        if (r->p == r->end || *r->p < '0' || *r->p > '9')
            return false;
        for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++, worth /= 10)
            millis += (*r->p - '0') * worth;
    }
    *ret_ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + millis;
    return true;
}

/* "Z", "+02:00" and Meta's "+0200". */
static bool read_offset(struct reader *r, int64_t *ret_ms)
{
    int hours, minutes;
    if (read_char(r, 'Z') || read_char(r, 'z')) {
        *ret_ms = 0;
        return true;
    }
    bool west = read_char(r, '-');
    if (!west && !read_char(r, '+'))
        return false;
    if (!read_number(r, 2, 0, 23, &hours))
        return false;
    (void)read_char(r, ':');
    if (!read_number(r, 2, 0, 59, &minutes))
        return false;
    *ret_ms = (hours * 60 + minutes) * (west ? -60000 : 60000);
    return true;
}

int time_parse(const char *s, size_t n, int64_t *ret_ms)
{
    if (s == NULL)
        return false;
    struct reader r = {s, s + n};
    int64_t days, clock = 0, offset = 0;
    if (!read_date(&r, &days))
        return false;
    if (r.p < r.end) {
        if (!read_char(&r, 'T') && !read_char(&r, 't') && !read_char(&r, ' '))
            return false;
        if (!read_clock(&r, &clock) || !read_offset(&r, &offset) || r.p != r.end)
            return false;
    }
    *ret_ms = days * DAY_MS + clock - offset;
    return true;
}
