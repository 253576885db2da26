/* SPDX-License-Identifier: Apache-2.0
 * campaign_say.c - sentences about campaigns, put together in a fixed place.
 *
 * Written by hand because the core has no printf: a number is its digits, a date is counted from 1970 by the rule of the
 * Gregorian calendar. Nothing is refused; negative counts and spans are told as 0. */
#include "core/campaign_say.h"

#include <string.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct say say_in(char *p, size_t size)
{
    p[0] = '\0';
    return (struct say){p, 0, size};
}

void say(struct say *s, const char *text)
{
    size_t n = strlen(text);
    if (n >= s->size - s->n)
        return;
    memcpy(s->p + s->n, text, n + 1);
    s->n += n;
}

/* At least `least` digits; a separator before every third when `thousands`. */
static void put_digits(struct say *s, int64_t n, int least, int thousands)
{
    char text[32];
    size_t at = sizeof text;
    text[--at] = '\0';
    for (int digits = 0; n > 0 || digits < least; digits++, n /= 10) {
        if (thousands && digits > 0 && digits % 3 == 0)
            text[--at] = ',';
        text[--at] = (char)('0' + n % 10);
    }
    say(s, text + at);
}

void say_count(struct say *s, int64_t n)
{
    put_digits(s, n < 0 ? 0 : n, 1, 1);
}

void say_of(struct say *s, int64_t n, int64_t all)
{
    say_count(s, n);
    say(s, " of ");
    say_count(s, all);
    say(s, " people");
}

void say_span(struct say *s, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *word;
    } units[] = {{DAY, " d"}, {HOUR, " h"}, {MINUTE, " min"}, {SECOND, " s"}};
    int64_t seconds = ms <= 0 ? 0 : (ms + SECOND - 1) / SECOND;
    size_t at = 0;
    while (at < 3 && seconds * SECOND < units[at].ms)
        at++;
    say_count(s, seconds * SECOND / units[at].ms);
    say(s, units[at].word);
    int64_t rest = seconds * SECOND % units[at].ms;
    if (at < 2 && rest >= units[at + 1].ms) {
        say(s, " ");
        say_count(s, rest / units[at + 1].ms);
        say(s, units[at + 1].word);
    }
}

/* Eras of 400 years that begin in March: a year's shape is then the same up to its last day. */
void say_date(int64_t days, int *ret_day, int *ret_month)
{
    int64_t z = days + 719468, era = z / 146097 - (z % 146097 < 0), of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), shifted = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
}

void say_time(struct say *s, int64_t ms)
{
    static const char *const weekday[] = {"Thu ", "Fri ", "Sat ", "Sun ", "Mon ", "Tue ", "Wed "};
    static const char *const month[] = {" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
                                        " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec "};
    int64_t t = ms < 0 ? 0 : ms;
    int d = 0, m = 0;
    say_date(t / DAY, &d, &m);
    say(s, weekday[t / DAY % 7]);
    put_digits(s, d, 1, 0);
    say(s, month[m - 1]);
    put_digits(s, t % DAY / HOUR, 2, 0);
    say(s, ":");
    put_digits(s, t % HOUR / MINUTE, 2, 0);
    say(s, " UTC");
}
