/* SPDX-License-Identifier: Apache-2.0
 * zone_read.c - the bytes of a compiled time zone file, RFC 8536 and its successor RFC 9636.
 *
 * A file of version 2 or later holds its data twice, with 32-bit and with 64-bit times, and a footer with a POSIX TZ
 * string for the times after its table; the first half is stepped over. A file of version 1 has the first half only. Of
 * the types only the offset is kept: names of zone times and summer flags interest nobody here. The footer's names may be
 * quoted, its hours negative or beyond a day, as in "<-02>2<-01>,M3.5.0/-1,M10.5.0/0".
 *
 * Nothing is believed: sizes are compared with what is there before they are used, times must ascend, offsets must
 * be offsets, and the bytes must end where they say. Files that count leap seconds are refused: our times do not. */
#include "base/zone_impl.h"

#define HEADER_BYTES  44
#define DAY_SECONDS   86400
#define HOUR_SECONDS  3600
#define OFFSET_LEAST  (-89999) /* RFC 8536, 3.2 */
#define OFFSET_MOST   93599
#define RULE_HOUR_MAX 167                /* RFC 8536, 3.3.1 */
#define TIME_MOST     (INT64_C(1) << 59) /* before it there was nothing; files begin their tables with its negative */

/* ---- the table ---- */

struct header {
    uint8_t version;
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t i64(const char *p)
{
    return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

static int damaged(struct err *e, const char *what)
{
    return err_set(e, WL_EINVAL, "not a sound time zone file: %s", what);
}

/* Takes the header off the front. */
static int take_header(struct str *in, struct header *ret, struct err *e)
{
    if (in->n < HEADER_BYTES || memcmp(in->p, "TZif", 4) != 0)
        return damaged(e, "it does not begin as one");
    const char *p = in->p;
    *ret = (struct header){.version = (uint8_t)(p[4] == '\0' ? 1 : p[4] - '0'),
                           .isut = u32(p + 20),
                           .isstd = u32(p + 24),
                           .leap = u32(p + 28),
                           .time = u32(p + 32),
                           .type = u32(p + 36),
                           .chars = u32(p + 40)};
    *in = (struct str){p + HEADER_BYTES, in->n - HEADER_BYTES};
    if (ret->version < 1 || ret->version > 9)
        return damaged(e, "an unknown version");
    if ((ret->isut != 0 && ret->isut != ret->type) || (ret->isstd != 0 && ret->isstd != ret->type))
        return damaged(e, "indicators without types");
    return 0;
}

/* Bytes of a block whose times have `wide` bytes; more than any file has when the header asks for the absurd. */
static uint64_t block_size(const struct header *h, uint64_t wide)
{
    return h->time * wide + h->time + h->type * UINT64_C(6) + h->chars + h->leap * (wide + 4) + h->isstd +
           (uint64_t)h->isut;
}

static int read_types(const struct header *h, const char *types, int32_t *offsets, struct err *e)
{
    for (uint32_t i = 0; i < h->type; i++) {
        int32_t offset = (int32_t)u32(types + 6 * i);
        if (offset < OFFSET_LEAST || offset > OFFSET_MOST)
            return damaged(e, "an offset of more than a day");
        if ((unsigned char)types[6 * i + 4] > 1 || (unsigned char)types[6 * i + 5] >= h->chars)
            return damaged(e, "a type that is none");
        offsets[i] = offset;
    }
    return 0;
}

/* The table behind a header: when which type begins. Times have `wide` bytes. */
static int read_table(const struct header *h, size_t wide, const char *times, const int32_t *offsets, int64_t *at,
                      int32_t *offset, struct err *e)
{
    const char *which = times + h->time * wide;
    for (uint32_t i = 0; i < h->time; i++) {
        unsigned char type = (unsigned char)which[i];
        at[i] = wide == 8 ? i64(times + 8 * i) : (int32_t)u32(times + 4 * i);
        if (type >= h->type)
            return damaged(e, "a time has no type");
        if (at[i] < -TIME_MOST || at[i] > TIME_MOST || (i > 0 && at[i] <= at[i - 1]))
            return damaged(e, "its times do not ascend");
        offset[i] = offsets[type];
    }
    return 0;
}

/* Takes one block off the front: its table. */
static int take_block(struct str *in, const struct header *h, size_t wide, struct arena *a, struct zone *z,
                      struct err *e)
{
    int32_t offsets[256];
    if (block_size(h, wide) > in->n)
        return damaged(e, "it is cut short");
    if (h->leap != 0)
        return damaged(e, "it counts leap seconds");
    if (h->type == 0 || h->type > 256 || h->chars == 0)
        return damaged(e, "it has no types");
    int64_t *at = arena_new_array(a, int64_t, h->time);
    int32_t *offset = arena_new_array(a, int32_t, h->time);
    if (h->time > 0 && (at == NULL || offset == NULL))
        return err_set(e, WL_ENOMEM, "no memory for a time zone");
    int rc = read_types(h, in->p + h->time * (wide + 1), offsets, e);
    if (rc == 0)
        rc = read_table(h, wide, in->p, offsets, at, offset, e);
    if (rc != 0)
        return rc;
    *z = (struct zone){.n = h->time, .at = at, .offset = offset, .first_offset = offsets[0]};
    size_t size = (size_t)block_size(h, wide);
    *in = (struct str){in->p + size, in->n - size};
    return 0;
}

/* ---- the rule ---- */

static bool take_char(struct str *in, char c)
{
    if (in->n == 0 || in->p[0] != c)
        return false;
    *in = (struct str){in->p + 1, in->n - 1};
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "EST" or "<-03>": stepped over. */
static bool take_name(struct str *in)
{
    bool quoted = take_char(in, '<');
    size_t n = 0;
    while (n < in->n && (is_letter(in->p[n]) || (quoted && (is_digit(in->p[n]) || in->p[n] == '+' || in->p[n] == '-'))))
        n++;
    *in = (struct str){in->p + n, in->n - n};
    return n >= 3 && (!quoted || take_char(in, '>'));
}

/* A number of at most three digits, at most `max`. */
static bool take_number(struct str *in, int max, int *ret)
{
    int v = 0;
    size_t n = 0;
    for (; n < in->n && n < 3 && is_digit(in->p[n]); n++)
        v = v * 10 + in->p[n] - '0';
    *in = (struct str){in->p + n, in->n - n};
    *ret = v;
    return n > 0 && v <= max;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_time(struct str *in, int hours_max, int32_t *ret)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take_char(in, '-');
    if (!negative)
        take_char(in, '+');
    if (!take_number(in, hours_max, &hours))
        return false;
    if (take_char(in, ':') &&
        (!take_number(in, 59, &minutes) || (take_char(in, ':') && !take_number(in, 59, &seconds))))
        return false;
    int32_t t = hours * HOUR_SECONDS + minutes * 60 + seconds;
    *ret = negative ? -t : t;
    return true;
}

/* "M3.5.0" */
static bool take_week(struct str *in, struct rule_day *d)
{
    int month, week, weekday;
    if (!take_number(in, 12, &month) || !take_char(in, '.') || !take_number(in, 5, &week) || !take_char(in, '.') ||
        !take_number(in, 6, &weekday) || month < 1 || week < 1)
        return false;
    d->kind = DAY_WEEK;
    d->month = (uint8_t)month;
    d->week = (uint8_t)week;
    d->weekday = (uint8_t)weekday;
    return true;
}

/* "Mm.w.d", "Jn" or "n", then "/time" unless it is two in the morning. */
static bool take_day(struct str *in, struct rule_day *ret)
{
    struct rule_day d = {.time = 2 * HOUR_SECONDS};
    int day = 0;
    if (take_char(in, 'M')) {
        if (!take_week(in, &d))
            return false;
    } else {
        d.kind = take_char(in, 'J') ? DAY_JULIAN : DAY_ZERO;
        if (!take_number(in, 365, &day) || (d.kind == DAY_JULIAN && day == 0))
            return false;
        d.day = (uint16_t)day;
    }
    if (take_char(in, '/') && !take_time(in, RULE_HOUR_MAX, &d.time))
        return false;
    *ret = d;
    return true;
}

/* POSIX counts west of Greenwich. */
static bool take_offset(struct str *in, int32_t *ret)
{
    int32_t west;
    if (!take_time(in, 24, &west))
        return false;
    *ret = -west;
    return true;
}

static bool read_rule(struct str in, struct zone *z)
{
    if (!take_name(&in) || !take_offset(&in, &z->standard))
        return false;
    z->has_rule = true;
    if (in.n == 0)
        return true;
    if (!take_name(&in))
        return false;
    z->summer = z->standard + HOUR_SECONDS;
    if (in.n > 0 && in.p[0] != ',' && !take_offset(&in, &z->summer))
        return false;
    z->has_summer = true;
    return take_char(&in, ',') && take_day(&in, &z->begins) && take_char(&in, ',') && take_day(&in, &z->ends) &&
           in.n == 0;
}

int zone_read(struct str bytes, struct arena *a, struct zone *ret, struct err *e)
{
    struct str in = bytes, rule;
    struct header h = {0};
    struct zone z = {0};
    if (in.n > ZONE_FILE_MAX)
        return err_set(e, WL_ETOOBIG, "a time zone file of more than %u bytes", ZONE_FILE_MAX);
    int rc = take_header(&in, &h, e);
    if (rc != 0)
        return rc;
    if (h.version > 1) {
        uint64_t narrow = block_size(&h, 4);
        if (narrow > in.n)
            return damaged(e, "it is cut short");
        in = (struct str){in.p + narrow, in.n - (size_t)narrow};
        rc = take_header(&in, &h, e);
    }
    if (rc == 0)
        rc = take_block(&in, &h, h.version > 1 ? 8 : 4, a, &z, e);
    if (rc != 0)
        return rc;
    if (h.version > 1) {
        if (!take_char(&in, '\n') || (rule = str_cut(in, '\n', &in)).n > 256 || in.p == NULL || in.n > 0)
            return damaged(e, "it has no footer");
        if (rule.n > 0 && !read_rule(rule, &z))
            return damaged(e, "its rule for later times cannot be read");
    }
    *ret = z;
    return 0;
}

/* ---- the rule's times ---- */

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days since the epoch of January 1. */
static int64_t new_year(int64_t year)
{
    int64_t before = year - 1, quarters = before / 4 - before / 100 + before / 400;
    return 365 * (year - 1970) + quarters - 477; /* leap days up to 1969 */
}

static int64_t day_of(const struct rule_day *d, int64_t year)
{
    static const int16_t until[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t first = new_year(year);
    if (d->kind == DAY_ZERO)
        return first + d->day;
    if (d->kind == DAY_JULIAN)
        return first + d->day - 1 + (d->day > until[2] && is_leap(year));
    int64_t month = first + until[d->month - 1] + (d->month > 2 && is_leap(year));
    int64_t length = until[d->month] - until[d->month - 1] + (d->month == 2 && is_leap(year));
    int64_t weekday = ((month + 4) % 7 + 7) % 7; /* of its first day; 1970-01-01 was a Thursday */
    int64_t in_month = (d->weekday - weekday + 7) % 7 + 7 * (d->week - 1);
    return month + (in_month < length ? in_month : in_month - 7);
}

int64_t zone_summer_begins(const struct zone *zone, int64_t year)
{
    return day_of(&zone->begins, year) * DAY_SECONDS + zone->begins.time - zone->standard;
}

int64_t zone_summer_ends(const struct zone *zone, int64_t year)
{
    return day_of(&zone->ends, year) * DAY_SECONDS + zone->ends.time - zone->summer;
}
