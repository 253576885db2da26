/* SPDX-License-Identifier: Apache-2.0
 * facts_read.c - the text of a fact to its value.
 *
 * What a value may look like is decided by the fact's type in facts.def: words of its list, true or false, a number, a
 * code, a time. Times may be relative to `now`, so that a file of facts does not age. An object is read into a copy and
 * taken over whole, so that a mistake in its last line changes nothing. Nothing is allocated. */
#include "core/facts_read.h"

#include "base/clock.h"
#include "base/yaml.h"
#include "core/country.h"

#define WORDS_MAX   32
#define WORDS_BYTES 256                    /* of the longest list of words */
#define SHOWN       60                     /* bytes of a wrong value that are repeated */
#define YEAR_2009   INT64_C(1230768000000) /* WhatsApp is not older */
#define YEAR_10000  INT64_C(253402300800000)
#define UTC_FAR     (14 * 60) /* no zone is farther from UTC, either way */

static int shown(struct str s)
{
    return (int)(s.n > SHOWN ? SHOWN : s.n);
}

int facts_read_time(struct str text, int64_t now, int64_t *ret, struct err *e)
{
    const struct yaml duration = {.kind = YAML_SCALAR, .text = {text.p + 4, text.n > 4 ? text.n - 4 : 0}, .file = ""};
    int64_t ms;
    if (str_eq(text, STR("never")) || str_eq(text, STR("now"))) {
        *ret = text.n == 3 ? now : 0;
        return 0;
    }
    if ((str_starts(text, STR("now-")) || str_starts(text, STR("now+"))) && yaml_duration(&duration, &ms, NULL) == 0) {
        if (__builtin_add_overflow(now, text.p[3] == '+' ? ms : -ms, ret))
            *ret = text.p[3] == '+' ? INT64_MAX : INT64_MIN;
        return 0;
    }
    if (text.n == 0 || !time_parse(text.p, text.n, &ms))
        return err_set(e, WL_EINVAL,
                       "a time is never, now, now-23h, now+270s, 2026-11-21 or 2026-11-21T10:00:00Z, not \"%.*s\"",
                       shown(text), text.p ? text.p : "");
    *ret = ms;
    return 0;
}

int facts_read_ms(int64_t number, int64_t *ret, struct err *e)
{
    if (number < YEAR_2009)
        return err_set(e, WL_EINVAL,
                       "a time as a number is in milliseconds since 1970, and %lld lies before 2009: seconds were "
                       "probably meant (never is written \"never\")",
                       (long long)number);
    if (number >= YEAR_10000)
        return err_set(e, WL_EINVAL,
                       "a time as a number is in milliseconds since 1970, and %lld lies after 9999: microseconds or "
                       "nanoseconds were probably meant",
                       (long long)number);
    *ret = number;
    return 0;
}

static int wrong_word(enum fact_id id, struct str value, struct err *e)
{
    const char *list[WORDS_MAX + 1], *near;
    char words[WORDS_BYTES];
    size_t n = 0, len = strlen(fact_info[id].words);
    if (len < sizeof words) {
        memcpy(words, fact_info[id].words, len + 1);
        for (char *p = words; n < WORDS_MAX; *p++ = '\0') {
            list[n++] = p;
            if ((p = strchr(p, ' ')) == NULL)
                break;
        }
    }
    list[n] = NULL;
    near = nearest_word(value, list);
    return err_set(e, WL_EINVAL, "%.*s is no value of %s%s%s%s", shown(value), value.p, fact_info[id].name,
                   near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

static int wrong_name(struct str name, struct err *e)
{
    const char *list[FACT_COUNT + 1];
    for (int i = 0; i < FACT_COUNT; i++)
        list[i] = fact_info[i].name;
    list[FACT_COUNT] = NULL;
    const char *near = nearest_word(name, list);
    return err_set(e, WL_EINVAL, "no fact is called %.*s%s%s%s", shown(name), name.p ? name.p : "",
                   near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

/* What is no country is refused: it would match no rule, and say nothing. */
static int read_code(struct facts *f, enum fact_id id, struct str value, struct err *e)
{
    char code[9] = "";
    int rc = country_check(value, id == FACT_RECIPIENT_REGION ? PLACE_REGION : PLACE_COUNTRY, e);
    if (rc != 0) {
        err_prefix(e, "%s", fact_info[id].name);
        return rc;
    }
    memcpy(code, value.p, value.n);
    fact_set_code(f, id, code);
    return 0;
}

static bool is_offset(enum fact_id id)
{
    return id == FACT_RECIPIENT_UTC_MIN || id == FACT_RECIPIENT_UTC_MAX || id == FACT_RECIPIENT_UTC_MIN_AFTER ||
           id == FACT_RECIPIENT_UTC_MAX_AFTER;
}

static int check_offset(enum fact_id id, int64_t v, struct err *e)
{
    if (is_offset(id) && (v < -UTC_FAR || v > UTC_FAR))
        return err_set(e, WL_EINVAL, "%s is in minutes, from %d to %d, not %lld", fact_info[id].name, -UTC_FAR, UTC_FAR,
                       (long long)v);
    return 0;
}

/* The western end is not east of the eastern one. */
static int check_range(const struct facts *f, enum fact_id min, enum fact_id max, struct err *e)
{
    if (!f->known[min] || !f->known[max] || f->value[min] <= f->value[max])
        return 0;
    return err_set(e, WL_EINVAL, "%s, %lld, is more than %s, %lld", fact_info[min].name, (long long)f->value[min],
                   fact_info[max].name, (long long)f->value[max]);
}

static int read_value(enum fact_id id, struct str value, int64_t now, int64_t *ret, struct err *e)
{
    int word, rc;
    switch (fact_info[id].type) {
    case FACT_TYPE_BOOL:
        if (!str_eq(value, STR("true")) && !str_eq(value, STR("false")))
            return err_set(e, WL_EINVAL, "%s is true or false, not \"%.*s\"", fact_info[id].name, shown(value),
                           value.p);
        *ret = value.n == 4;
        return 0;
    case FACT_TYPE_WORD:
        if ((word = fact_word(id, value)) < 0)
            return wrong_word(id, value, e);
        *ret = word;
        return 0;
    case FACT_TYPE_TIME:
        if ((rc = facts_read_time(value, now, ret, e)) != 0)
            err_prefix(e, "%s", fact_info[id].name);
        return rc;
    default:
        if (!str_i64(value, ret))
            return err_set(e, WL_EINVAL, "%s is a whole number, not \"%.*s\"", fact_info[id].name, shown(value),
                           value.p);
        return check_offset(id, *ret, e);
    }
}

int facts_read(struct facts *f, struct str name, struct str value, int64_t now, struct err *e)
{
    int64_t v;
    int rc, found = fact_by_name(name);
    if (found < 0)
        return wrong_name(name, e);
    enum fact_id id = (enum fact_id)found;
    if (value.p == NULL)
        value = STR("");
    /* A word list may have a word "unknown" of its own (a template's status): there it is a value. */
    if (str_eq(value, STR("unknown")) && fact_word(id, value) < 0) {
        f->known[id] = false;
        f->value[id] = 0;
        return 0;
    }
    if (fact_info[id].type == FACT_TYPE_CODE)
        return read_code(f, id, value, e);
    if ((rc = read_value(id, value, now, &v, e)) == 0)
        fact_set(f, id, v);
    return rc;
}

static int read_member(struct facts *f, struct str name, struct json value, int64_t now, struct err *e)
{
    struct str text;
    int64_t number;
    bool flag;
    char digits[24];
    if (json_str(value, &text))
        return facts_read(f, name, text, now, e);
    if (json_bool(value, &flag))
        return facts_read(f, name, flag ? STR("true") : STR("false"), now, e);
    int id = fact_by_name(name);
    if (id < 0)
        return wrong_name(name, e);
    if (json_type(value) == JSON_NULL) {
        f->known[id] = false;
        f->value[id] = 0;
        return 0;
    }
    if (!json_i64(value, &number))
        return err_set(e, WL_EINVAL, "%s: a value is a text, a whole number, true, false or null", fact_info[id].name);
    if (fact_info[id].type == FACT_TYPE_TIME) { /* as text it would be no time */
        int rc = facts_read_ms(number, &number, e);
        if (rc != 0)
            err_prefix(e, "%s", fact_info[id].name);
        if (rc != 0)
            return rc;
        fact_set(f, (enum fact_id)id, number);
        return 0;
    }
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char *p = digits + sizeof digits;
    do
        *--p = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        *--p = '-';
    return facts_read(f, name, (struct str){p, (size_t)(digits + sizeof digits - p)}, now, e);
}

int facts_read_json(struct facts *f, struct json object, int64_t now, struct err *e)
{
    struct facts all = *f;
    bool seen[FACT_COUNT] = {false};
    if (json_type(object) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "facts are a JSON object of names and values");
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        int rc = read_member(&all, it.key, it.value, now, e);
        if (rc != 0)
            return rc;
        int id = fact_by_name(it.key);
        if (seen[id])
            return err_set(e, WL_EINVAL, "%s stands there twice", fact_info[id].name);
        seen[id] = true;
    }
    int rc = check_range(&all, FACT_RECIPIENT_UTC_MIN, FACT_RECIPIENT_UTC_MAX, e);
    if (rc == 0)
        rc = check_range(&all, FACT_RECIPIENT_UTC_MIN_AFTER, FACT_RECIPIENT_UTC_MAX_AFTER, e);
    if (rc == 0)
        *f = all;
    return rc;
}
