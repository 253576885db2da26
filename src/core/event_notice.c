/* SPDX-License-Identifier: Apache-2.0
 * event_notice.c - what is kept word for word of a change that speaks of accounts, numbers, templates or flows.
 *
 * Such words outlive the body they came in, so nobody may be named in them: Meta adds members as it likes, and a person is
 * looked for by the values, whatever the member is called. A user id is one by its form. A phone number is taken for
 * one where its digits could be somebody's: there is a country of that calling code, it is as long as numbers are, and it is
 * neither a time nor a date. Members that name something of ours are not looked at. What is taken for a person by mistake
 * costs the words, which are in the body for as long as that is kept. */
#include "core/event_impl.h"
#include "core/phone.h"

#define TEXT_MAX     256
#define DIGITS_MIN   8
#define DIGITS_MAX   13 /* ids of Meta's have more */
#define NANP         1  /* the calling code of North America: eleven digits with it */
#define NANP_FIRST   INT64_C(10000000000)
#define NANP_LAST    INT64_C(19999999999)
#define CUT          "{\"cut\":true}"
#define CUT_A_PERSON "{\"cut\":true,\"names_a_person\":true}"

static bool one_of(struct str word, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_eq(word, str_of(*list)))
            return true;
    return false;
}

/* Members that are a person's whatever is in them. */
static bool is_persons(struct str name)
{
    static const char *const members[] = {"contacts",          "wa_id",          "user_id",
                                          "from_user_id",      "recipient_id",   "recipient_user_id",
                                          "user_phone_number", "parent_user_id", NULL};
    return one_of(name, members);
}

static bool ends_with(struct str s, const char *tail)
{
    struct str t = str_of(tail);
    return s.n >= t.n && memcmp(s.p + s.n - t.n, t.p, t.n) == 0;
}

/* Members that name something of the business, or a time. */
static bool is_ours(struct str name)
{
    static const char *const members[] = {"display_phone_number", "id", "timestamp", "time", "expiration", NULL};
    return one_of(name, members) || ends_with(name, "_id") || ends_with(name, "_timestamp") ||
           ends_with(name, "_time") || ends_with(name, "_date");
}

static bool is_time(int64_t n)
{
    return (n >= 1000000000 && n < 2100000000) || (n >= 1000000000000 && n < 2100000000000);
}

static bool could_be_phone(int64_t n)
{
    int digits = 0;
    for (int64_t left = n; left > 0; left /= 10)
        digits++;
    if (digits < DIGITS_MIN || digits > DIGITS_MAX || is_time(n))
        return false;
    if (n < NANP_FIRST || n > NANP_LAST) {
        int64_t first = n;
        while (first > 9)
            first /= 10;
        if (first == NANP)
            return false;
    }
    return phone_code_builtin((uint64_t)n);
}

/* "2026-11-22", and what begins so. */
static bool is_date(struct str s)
{
    return s.n >= 10 && s.p[4] == '-' && s.p[7] == '-' && (s.p[0] == '1' || s.p[0] == '2');
}

static bool is_person(struct json v)
{
    struct identity id;
    struct str s;
    uint64_t phone;
    int64_t n;
    if (json_i64(v, &n))
        return could_be_phone(n);
    if (!json_str(v, &s) || s.n > TEXT_MAX)
        return false;
    if (identity_user_id(s, &id, NULL) == 0)
        return true;
    return !is_date(s) && phone_parse(s, &phone, NULL) == 0 && could_be_phone((int64_t)phone);
}

static bool names_a_person(struct json v)
{
    if (is_person(v))
        return true;
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        bool member = it.key.p != NULL;
        enum json_type type = json_type(it.value);
        bool deep = type == JSON_OBJECT || type == JSON_ARRAY;
        if (member && is_persons(it.key))
            return true;
        if ((deep || !member || !is_ours(it.key)) && names_a_person(it.value))
            return true;
    }
    return false;
}

void event_keep_notice(struct reader *r, struct event *ev)
{
    struct buf b;
    if (names_a_person(r->value)) {
        ev->notice = STR(CUT_A_PERSON);
        return;
    }
    buf_init(&b, EVENT_NOTICE_MAX);
    if (json_write_value(&b, r->value))
        ev->notice = event_keep(r, buf_str(&b));
    else
        ev->notice = STR(CUT);
    buf_done(&b);
}
