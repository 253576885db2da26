/* SPDX-License-Identifier: Apache-2.0
 * campaign_def_value.c - single values of a definition: texts, numbers, times, shares, words, each with its limits.
 *
 * Each takes a value with its place and says what is wrong with it in a sentence that begins with the place. What is absent is no mistake here:
 * whoever needs it asks. Texts are copied, so that they end with a NUL and outlive the JSON. */
#include <string.h>

#include "base/clock.h"
#include "base/yaml.h"
#include "core/campaign_def_impl.h"
#include "core/campaign_say.h"

int def_wrong_at(struct def_reader *r, struct def_at at)
{
    r->field = at.path != NULL ? at.path : "";
    return err_set(r->e, WL_EINVAL, "%s %s", r->field[0] != '\0' ? r->field : "the definition", r->what.text);
}

int def_no_memory(struct def_reader *r)
{
    return err_set(r->e, WL_ENOMEM, "the definition does not fit its memory");
}

struct def_at def_in(struct def_reader *r, struct def_at at, const char *key)
{
    const char *path = at.path[0] == '\0' ? key : arena_printf(r->a, "%s.%s", at.path, key);
    return (struct def_at){json_get(at.v, key), path != NULL ? path : key};
}

struct def_at def_nth(struct def_reader *r, struct def_at at, size_t i)
{
    const char *path = arena_printf(r->a, "%s[%zu]", at.path, i);
    return (struct def_at){at.v, path != NULL ? path : at.path};
}

static int shown(struct str s)
{
    return s.n > 60 ? 60 : (int)s.n;
}

int def_object(struct def_reader *r, struct def_at at, const char *const *known)
{
    if (json_type(at.v) != JSON_OBJECT)
        return def_wrong(r, at, "must be a JSON object");
    struct str twice = json_duplicate_key(at.v);
    if (twice.p != NULL)
        return def_wrong(r, at, "has \"%.*s\" twice", shown(twice), twice.p);
    for (struct json_iter it = json_iter(at.v); json_next(&it);) {
        size_t i = 0;
        while (known[i] != NULL && !str_eq(it.key, str_of(known[i])))
            i++;
        if (known[i] != NULL)
            continue;
        const char *near = nearest_word(it.key, known);
        return def_wrong(r, at, "has \"%.*s\", which it does not know%s%s%s", shown(it.key), it.key.p,
                         near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
    }
    return 0;
}

int def_text(struct def_reader *r, struct def_at at, size_t max, struct str *ret)
{
    struct str s;
    if (!def_given(at))
        return 0;
    if (!json_str(at.v, &s))
        return def_wrong(r, at, "must be a text");
    if (s.n == 0 || s.n > max)
        return def_wrong(r, at, "must have 1 to %zu bytes", max);
    if (memchr(s.p, '\0', s.n) != NULL)
        return def_wrong(r, at, "has a NUL in it");
    char *copy = arena_strndup(r->a, s.p, s.n);
    if (copy == NULL)
        return def_no_memory(r);
    *ret = (struct str){copy, s.n};
    return 0;
}

int def_int(struct def_reader *r, struct def_at at, int64_t least, int64_t most, int64_t *ret)
{
    int64_t v;
    if (!def_given(at))
        return 0;
    if (!json_i64(at.v, &v) || v < least || v > most)
        return def_wrong(r, at, "must be a whole number from %lld to %lld", (long long)least, (long long)most);
    *ret = v;
    return 0;
}

int def_number(struct def_reader *r, struct def_at at, int64_t *ret)
{
    int64_t v;
    if (!json_id(at.v, &v) || v <= 0)
        return def_wrong(r, at, "must be the id of a phone number, as Meta gives it");
    *ret = v;
    return 0;
}

int def_time(struct def_reader *r, struct def_at at, int64_t *ret)
{
    struct str s;
    int64_t v = 0;
    if (!def_given(at))
        return 0;
    if (!json_str(at.v, &s) || s.n < 17 || !time_parse(s.p, s.n, &v) || v <= 0)
        return def_wrong(r, at, "must be a time with its offset from UTC, like 2026-12-01T09:00:00+01:00");
    *ret = v;
    return 0;
}

int def_duration(struct def_reader *r, struct def_at at, int64_t *ret)
{
    static const struct {
        char name;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    struct str s;
    int64_t v;
    if (!def_given(at))
        return 0;
    if (json_str(at.v, &s) && s.n > 1 && str_i64((struct str){s.p, s.n - 1}, &v) && v >= 0 && v <= 100000)
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
            if (s.p[s.n - 1] == units[i].name) {
                *ret = v * units[i].ms;
                return 0;
            }
    return def_wrong(r, at, "must be a time span such as 30m, 24h or 7d");
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* "0.5%" in millionths; -1: it is none. */
static int64_t ppm_of(struct str s)
{
    struct str rest, whole = str_cut(s, '%', &rest), part;
    int64_t v = 0, fraction = 0;
    whole = str_cut(whole, '.', &part);
    if (rest.p == NULL || rest.n > 0 || !is_digits(whole) || whole.n > 3 || (part.p != NULL && !is_digits(part)) ||
        part.n > 4)
        return -1;
    str_i64(whole, &v);
    if (part.n > 0)
        str_i64(part, &fraction);
    for (size_t i = part.n; i < 4; i++)
        fraction *= 10;
    return v * 10000 + fraction;
}

int def_share(struct def_reader *r, struct def_at at, int64_t least, int64_t most, int64_t *ret_ppm)
{
    struct str s;
    if (!def_given(at))
        return 0;
    int64_t v = json_str(at.v, &s) ? ppm_of(s) : -1;
    if (v < least || v > most)
        return def_wrong(r, at, "must be a share in per cent as a text, like \"0.5%%\", at most %lld%%",
                         (long long)most / 10000);
    *ret_ppm = v;
    return 0;
}

int def_word(struct def_reader *r, struct def_at at, const char *const *words, size_t *ret)
{
    struct str s;
    char list[200];
    struct say all = say_in(list, sizeof list);
    if (!def_given(at))
        return 0;
    for (size_t i = 0; words[i] != NULL; i++) {
        if (json_str(at.v, &s) && str_eq(s, str_of(words[i]))) {
            *ret = i;
            return 0;
        }
        say(&all, i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ");
        say(&all, words[i]);
    }
    return def_wrong(r, at, "must be %s", list);
}

int def_texts(struct def_reader *r, struct def_at at, size_t max, size_t max_bytes, struct str *ret, size_t *ret_n)
{
    size_t n = 0;
    int rc = 0;
    if (json_type(at.v) == JSON_STRING) {
        rc = def_text(r, at, max_bytes, ret);
        *ret_n = rc == 0;
        return rc;
    }
    if (!def_given(at))
        return 0;
    if (json_type(at.v) != JSON_ARRAY || json_count(at.v) == 0 || json_count(at.v) > max)
        return def_wrong(r, at, "must be a list of 1 to %zu texts", max);
    for (struct json_iter it = json_iter(at.v); rc == 0 && json_next(&it); n++) {
        struct def_at one = def_nth(r, (struct def_at){it.value, at.path}, n);
        if (!def_given(one))
            return def_wrong(r, one, "must be a text");
        rc = def_text(r, one, max_bytes, &ret[n]);
        for (size_t i = 0; rc == 0 && i < n; i++)
            if (str_eq(ret[i], ret[n]))
                rc = def_wrong(r, one, "is there twice");
    }
    if (rc == 0)
        *ret_n = n;
    return rc;
}

/* "pt_br" as "pt_BR". */
static void spell(char *s, size_t n)
{
    size_t base = 0;
    while (base < n && s[base] != '_')
        base++;
    for (size_t i = 0; i < n && n <= base + 3; i++) {
        if (i < base && s[i] >= 'A' && s[i] <= 'Z')
            s[i] = (char)(s[i] - 'A' + 'a');
        else if (i > base && s[i] >= 'a' && s[i] <= 'z')
            s[i] = (char)(s[i] - 'a' + 'A');
    }
}

/* "pt-BR", "pt_BR", "fil": letters of ASCII, and a region of letters or digits; into Meta's spelling. */
static bool fold_language(struct str *s, struct arena *a)
{
    char *copy = arena_strndup(a, s->p, s->n);
    size_t letters = 0;
    for (size_t i = 0; copy != NULL && i < s->n; i++) {
        bool letter = (copy[i] >= 'a' && copy[i] <= 'z') || (copy[i] >= 'A' && copy[i] <= 'Z');
        bool digit = copy[i] >= '0' && copy[i] <= '9';
        if (copy[i] == '-')
            copy[i] = '_';
        if (copy[i] == '_' ? i < 2 || i + 1 == s->n : !letter && !(digit && i > 2))
            return false;
        letters += letter;
    }
    if (copy != NULL)
        spell(copy, s->n);
    s->p = copy;
    return copy != NULL && letters >= 2;
}

int def_languages(struct def_reader *r, struct def_at at, size_t max, struct str *ret, size_t *ret_n)
{
    int rc = def_texts(r, at, max, LANGUAGE_MAX - 1, ret, ret_n);
    for (size_t i = 0; rc == 0 && i < *ret_n; i++)
        if (!fold_language(&ret[i], r->a))
            rc = def_wrong(r, json_type(at.v) == JSON_ARRAY ? def_nth(r, at, i) : at,
                           "must be a language as templates have them, like de or pt_BR");
    return rc;
}
