/* SPDX-License-Identifier: Apache-2.0
 * event_key.c - hashing words and JSON values into an event's key.
 *
 * Members of an object are added up, so their order does not count; elements of an array are chained, so theirs does. A value
 * is never deeper than the parser allows (JSON_MAX_DEPTH), and each of its bytes is read once. */
#include "core/event_key.h"

#include "base/digest.h"

static uint64_t pair(uint64_t a, uint64_t b)
{
    const uint64_t both[2] = {a, b};
    return hash64(both, sizeof both);
}

void event_key_number(struct event_key *k, int64_t v)
{
    if (k->n < EVENT_KEY_PARTS)
        k->part[k->n++] = (uint64_t)v;
}

void event_key_word(struct event_key *k, struct str word)
{
    event_key_number(k, (int64_t)hash64(word.n > 0 ? word.p : "", word.n));
}

uint64_t event_key_done(const struct event_key *k)
{
    uint64_t h = hash64(k->part, k->n * sizeof k->part[0]);
    return h != 0 ? h : 1;
}

static uint64_t of_text(enum json_type type, struct str s)
{
    return pair((uint64_t)type, hash64(s.n > 0 ? s.p : "", s.n));
}

/* Numbers by their digits, where 64 bits do not hold them. */
static uint64_t of_number(struct json v)
{
    struct buf b;
    int64_t i;
    if (json_i64(v, &i))
        return pair(JSON_INT, (uint64_t)i);
    buf_init(&b, 400);
    (void)json_write_value(&b, v);
    uint64_t h = of_text(JSON_DOUBLE, buf_str(&b));
    buf_done(&b);
    return h;
}

static bool is_time(struct str key, struct json v)
{
    int64_t at;
    return str_eq(key, STR("timestamp")) && json_id(v, &at) && at > 0;
}

uint64_t event_key_of_value(struct json v, bool *timed)
{
    enum json_type type = json_type(v);
    uint64_t h = (uint64_t)type;
    struct str text;
    bool yes = false;
    switch (type) {
    case JSON_INT:
    case JSON_UINT:
    case JSON_DOUBLE:
        return of_number(v);
    case JSON_STRING:
        return json_str(v, &text) ? of_text(type, text) : 0;
    case JSON_BOOL:
        return pair((uint64_t)type, json_bool(v, &yes) && yes);
    case JSON_ARRAY:
        for (struct json_iter it = json_iter(v); json_next(&it);)
            h = pair(h, event_key_of_value(it.value, timed));
        return h;
    case JSON_OBJECT:
        for (struct json_iter it = json_iter(v); json_next(&it);) {
            *timed = *timed || is_time(it.key, it.value);
            h += pair(of_text(JSON_STRING, it.key), event_key_of_value(it.value, timed));
        }
        return h;
    default: /* null, absent */
        return h;
    }
}
