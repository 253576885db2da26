/* SPDX-License-Identifier: Apache-2.0
 * rest_contacts_list.c - GET /contacts: who is known, by what they did lately, a tag, attributes; in pages.
 *
 * People come in the order they became known. A page may have fewer contacts than asked for, or none, and a next one: a call looks
 * at a bounded number of people. */
#include <stdio.h>

#include "base/clock.h"
#include "gateway/rest_contact.h"
#include "store/people_list.h"

#define BUCKET       0 /* one holds everything while the spread is 1 */
#define PAGE_DEFAULT 100
#define PAGE_MOST    1000
#define NAMES_SHOWN  8
#define DAY_MS       INT64_C(86400000)
#define DAYS_MAX     3650

struct query {
    struct people_filter f;
    size_t limit;
    int64_t after;
};

static bool read_days(struct str v, int64_t *ret)
{
    return str_i64(v, ret) && *ret >= 1 && *ret <= DAYS_MAX;
}

static bool read_activity(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    for (struct str rest = v; rest.p != NULL;) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        enum activity_class class = activity_class_parse(word.p, word.n);
        if (class == ACTIVITY_UNKNOWN || class == ACTIVITY_CLASSES)
            return false;
        q->f.classes |= 1u << class;
    }
    return true;
}

static bool read_idle(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    int64_t days;
    if (!read_days(v, &days))
        return false;
    q->f.idle_since = now - days * DAY_MS;
    return true;
}

static bool read_alive(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    int64_t days;
    if (!read_days(v, &days))
        return false;
    q->f.alive_since = now - days * DAY_MS;
    return true;
}

static bool read_horizon(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    int64_t days;
    (void)now;
    if (!read_days(v, &days))
        return false;
    q->f.horizons.idle_days = q->f.horizons.interactive_days = (int)days;
    return true;
}

static bool read_tag(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    q->f.tag = v;
    return v.n > 0;
}

/* "city=Berlin"; an empty value: whoever has one. */
static bool read_attribute(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    struct str value, name = str_cut(v, '=', &value);
    (void)now;
    if (q->f.n_attributes == PEOPLE_ATTRIBUTES_MAX || name.n == 0)
        return false;
    q->f.attribute[q->f.n_attributes].name = name;
    q->f.attribute[q->f.n_attributes++].value = value.n > 0 ? value : (struct str){NULL, 0};
    return true;
}

static bool read_limit(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return rest_read_size(v, PAGE_MOST, &q->limit);
}

static bool read_cursor(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return rest_read_id(v, &q->after);
}

static const struct rest_parameter parameters[] = {
    {"activity", read_activity,
     "activity is new, interactive, active, dormant or undeliverable, or several with commas between", false},
    {"idle_days", read_idle, "idle_days is a number of days from 1 to 3650: no sign of life for so long", false},
    {"seen_days", read_alive, "seen_days is a number of days from 1 to 3650: a sign of life within them", false},
    {"horizon_days", read_horizon, "horizon_days is a number of days from 1 to 3650: what counts as lately", false},
    {"tag", read_tag, "tag is a tag", false},
    {"attribute.", read_attribute, "attribute.NAME is a value; at most 8 of them", true},
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {"cursor", read_cursor, "cursor is the `next` of the page before", false},
    {NULL, NULL, NULL, false},
};

static int put_names(struct json_out *o, struct store *s, const struct listed_person *p, struct err *e)
{
    struct identity ids[NAMES_SHOWN];
    size_t n = 0;
    int rc = people_identities(s, p->bucket, p->id, ids, NAMES_SHOWN, &n, e);
    bool phone = false;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (ids[i].kind == IDENTITY_PHONE && !phone) {
            char text[IDENTITY_MAX + 1];
            snprintf(text, sizeof text, "+%s", ids[i].value);
            jo_kcstr(o, "phone", text);
            phone = true;
        } else if (ids[i].kind == IDENTITY_USER_ID) {
            jo_kcstr(o, "user_id", ids[i].value);
            break;
        }
    }
    return rc;
}

static int put_tags(struct json_out *o, struct store *s, struct arena *a, const struct listed_person *p, struct err *e)
{
    struct tag *t;
    size_t n = 0;
    int rc = tags_get(s, p->bucket, p->id, a, &t, &n, e);
    jo_key(o, "tags");
    jo_array(o);
    for (size_t i = 0; rc == 0 && i < n; i++)
        jo_str(o, t[i].tag);
    jo_end(o);
    return rc;
}

static int put_contact(struct rest_call *c, struct store *s, struct arena *a, const struct query *q,
                       const struct listed_person *p, int64_t now, struct err *e)
{
    const struct person named = {.bucket = p->bucket, .id = p->id};
    struct json_out *o = &c->out;
    char id[48];
    rest_contact_id(&named, id);
    jo_object(o);
    jo_kcstr(o, "id", id);
    int rc = put_names(o, s, p, e);
    jo_kcstr(o, "name", p->name);
    jo_kcstr(o, "lang", p->lang);
    rest_time(o, "created_at", p->created_at);
    rest_activity_members(o, &p->a, rest_is_stopped(&p->consent), &q->f.horizons, now);
    if (rc == 0)
        rc = put_tags(o, s, a, p, e);
    jo_end(o);
    return rc;
}

int rest_contacts_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q = {.f.horizons = activity_usual, .limit = PAGE_DEFAULT};
    struct listed_person *p = NULL;
    char as_of[TIME_TEXT], next[24] = "";
    size_t n = 0;
    int64_t after = 0;
    if (!rest_query(c, a, parameters, &q, now))
        return 0;
    int rc = people_list(s, BUCKET, &q.f, q.after, now, a, q.limit, &p, &n, &after, e);
    if (rc != 0)
        return rc;
    snprintf(next, sizeof next, "%lld", (long long)after);
    jo_object(&c->out);
    jo_kcstr(&c->out, "as_of", time_text(now, as_of));
    rest_horizons(&c->out, &q.f.horizons);
    jo_key(&c->out, "contacts");
    jo_array(&c->out);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_contact(c, s, a, &q, &p[i], now, e);
    jo_end(&c->out);
    jo_kcstr(&c->out, "next", after != 0 ? next : NULL);
    jo_end(&c->out);
    return rc;
}
