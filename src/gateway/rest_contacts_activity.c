/* SPDX-License-Identifier: Apache-2.0
 * rest_contacts_activity.c - how active contacts are: POST /contacts/activity for a list of numbers, and one contact's.
 *
 * The answer has an entry for each number, in their order. It is read from what the gateway's own messages led to; of a number that
 * nobody here ever wrote to it says that it is unknown, and nothing is asked anywhere. */
#include <stdio.h>

#include "base/clock.h"
#include "gateway/rest_contact.h"
#include "gateway/rest_person.h"
#include "store/activities.h"

#define NUMBERS_MAX 5000
#define DAYS_MAX    3650

bool rest_is_stopped(const struct consent_state *c)
{
    return c->platform_stop || c->of[CATEGORY_MARKETING].status == CONSENT_WITHDRAWN;
}

static void put_delay(struct json_out *o, const char *key, int64_t seconds)
{
    jo_key(o, key);
    if (seconds < 0)
        jo_null(o);
    else
        jo_int(o, seconds);
}

void rest_activity_members(struct json_out *o, const struct activity *a, bool stopped,
                           const struct activity_horizons *h, int64_t now)
{
    char score[32];
    snprintf(score, sizeof score, "%.2f", stopped ? 0.0 : activity_score(a, now));
    jo_kcstr(o, "class", activity_class_name(activity_class_of(a, h, now)));
    jo_key(o, "score");
    jo_raw(o, str_of(score));
    jo_kbool(o, "stopped", stopped);
    rest_time(o, "last_sent", a->sent * 1000);
    rest_time(o, "last_delivered", a->delivered * 1000);
    rest_time(o, "last_read", a->read * 1000);
    rest_time(o, "last_replied", a->replied * 1000);
    rest_time(o, "last_clicked", a->clicked * 1000);
    rest_time(o, "last_failed", a->failed * 1000);
    jo_kint(o, "undeliverable", activity_unreachable(a));
    put_delay(o, "delay_last", activity_last_delay(a));
    put_delay(o, "delay_typical", activity_typical_delay(a));
}

void rest_horizons(struct json_out *o, const struct activity_horizons *h)
{
    jo_key(o, "horizons");
    jo_object(o);
    jo_kint(o, "idle_days", h->idle_days);
    jo_kint(o, "interactive_days", h->interactive_days);
    jo_kint(o, "new_days", h->new_days);
    jo_kint(o, "undeliverable_after", h->undeliverable_after);
    jo_end(o);
}

int rest_activity_show(struct json_out *o, struct store *s, const struct person *p, int64_t now, struct err *e)
{
    struct activity_row r = {.bucket = p->bucket, .contact = p->id};
    int rc = activities_get(s, &r, 1, e);
    if (rc != 0)
        return rc;
    jo_key(o, "activity");
    jo_object(o);
    rest_activity_members(o, &r.a, rest_is_stopped(&p->consent), &activity_usual, now);
    rest_time(o, "since", r.a.since * 1000);
    jo_end(o);
    return 0;
}

/* --- a list of numbers ------------------------------------------------------------------------------------------------ */

static bool read_horizon(struct rest_call *c, struct json v, const char *name, int64_t most, int *ret)
{
    struct json member = json_get(v, name);
    int64_t n;
    if (json_type(member) == JSON_ABSENT)
        return true;
    if (!json_i64(member, &n) || n < 1 || n > most) {
        rest_wrong(c, WL_EINVAL, name, "%s is a number from 1 to %lld", name, (long long)most);
        return false;
    }
    *ret = (int)n;
    return true;
}

static bool read_horizons(struct rest_call *c, struct json v, struct activity_horizons *ret)
{
    static const char *const keys[] = {"idle_days", "interactive_days", "new_days", "undeliverable_after", NULL};
    *ret = activity_usual;
    if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
        return true;
    if (json_type(v) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, "horizons", "horizons must be an object of numbers");
        return false;
    }
    return rest_known_keys(c, v, keys) && read_horizon(c, v, keys[0], DAYS_MAX, &ret->idle_days) &&
           read_horizon(c, v, keys[1], DAYS_MAX, &ret->interactive_days) &&
           read_horizon(c, v, keys[2], DAYS_MAX, &ret->new_days) &&
           read_horizon(c, v, keys[3], ACTIVITY_NEWEST, &ret->undeliverable_after);
}

static bool read_numbers(struct rest_call *c, struct json numbers)
{
    int64_t at = 0;
    if (json_type(numbers) != JSON_ARRAY || json_count(numbers) == 0 || json_count(numbers) > NUMBERS_MAX) {
        rest_wrong(c, WL_EINVAL, "numbers", "numbers must be an array of 1 to %d phone numbers", NUMBERS_MAX);
        return false;
    }
    for (struct json_iter it = json_iter(numbers); json_next(&it); at++)
        if (json_type(it.value) != JSON_STRING) {
            rest_wrong(c, WL_EINVAL, "numbers", "numbers[%lld] must be a text, as in \"+15550001111\"", (long long)at);
            return false;
        }
    return true;
}

/* People who are to be erased are as unknown as anybody. */
static int put_number(struct rest_call *c, struct store *s, struct str number, const struct activity_horizons *h,
                      int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    struct identity key;
    struct err why = {0};
    struct person p = {.id = 0};
    char id[48];
    bool readable = identity_written(&c->g->phones, number, &key, &why) == 0;
    int rc = readable ? people_find(s, &key, 1, &p, e) : 0;
    if (p.restricted_until != 0)
        p = (struct person){.id = 0};
    struct activity_row r = {.bucket = p.bucket, .contact = p.id};
    if (rc == 0 && p.id != 0)
        rc = activities_get(s, &r, 1, e);
    if (rc != 0)
        return rc;
    jo_object(o);
    jo_kstr(o, "number", number);
    if (p.id != 0) {
        rest_activity_members(o, &r.a, rest_is_stopped(&p.consent), h, now);
        rest_contact_id(&p, id);
        jo_kcstr(o, "contact", id);
    } else {
        jo_kcstr(o, "class", activity_class_name(ACTIVITY_UNKNOWN));
    }
    if (!readable)
        jo_kcstr(o, "error", why.text);
    jo_end(o);
    return 0;
}

int rest_contacts_activity(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"numbers", "horizons", NULL};
    struct activity_horizons h;
    struct json root;
    char as_of[TIME_TEXT];
    (void)a;
    if (!rest_read_body(c, &root) || !rest_known_keys(c, root, keys) ||
        !read_horizons(c, json_get(root, "horizons"), &h))
        return 0;
    struct json numbers = json_get(root, "numbers");
    if (!read_numbers(c, numbers))
        return 0;
    jo_object(&c->out);
    jo_kcstr(&c->out, "as_of", time_text(now, as_of));
    rest_horizons(&c->out, &h);
    jo_key(&c->out, "contacts");
    jo_array(&c->out);
    for (struct json_iter it = json_iter(numbers); json_next(&it);) {
        int rc = put_number(c, s, json_str_or(it.value, STR("")), &h, now, e);
        if (rc != 0)
            return rc;
    }
    jo_end(&c->out);
    jo_end(&c->out);
    return 0;
}
