/* SPDX-License-Identifier: Apache-2.0
 * event_impl.h - what the files that read webhook bodies share.
 *
 * One reader goes through a body: it knows the change at hand, its contacts, and the events so far. The files add to it, each what
 * it can read. Private to core/event*.c. */
#ifndef WL_CORE_EVENT_IMPL_H
#define WL_CORE_EVENT_IMPL_H

#include <string.h>

#include "core/event.h"
#include "core/event_key.h"

/* A contact of value.contacts, read once for all messages of the change. */
struct contact {
    struct identity phone, user_id, parent_id;
    struct str name;
};

/* What the contacts with one id say together: which of them to take each part from. */
#define NO_CONTACT (-1)
#define CONTRADICT (-2)
struct place {
    const struct identity *id; /* NULL: the place is free */
    int phone, user_id, parent_id, name;
};

struct reader {
    struct arena *a;
    struct event *out;
    size_t n, max;
    bool no_memory;
    /* of the entry and change at hand */
    struct json value;
    int64_t entry_time;
    struct event base; /* what all events of the change share */
    struct contact *contact;
    size_t n_contacts;
    struct place *place; /* by phone number and by user id; a power of two of them */
    size_t places;
};

static inline struct str word_of(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), (struct str){NULL, 0});
}

static inline bool word_is(struct str s, const char *word)
{
    return str_ieq(s, str_of(word));
}

/* The number as text, in `room`. */
static inline struct str digits_of(int64_t v, char room[24])
{
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char *p = room + 24;
    do
        *--p = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0)
        *--p = '-';
    return (struct str){p, (size_t)(room + 24 - p)};
}

static inline bool same_id(const struct identity *a, const struct identity *b)
{
    return a->kind != IDENTITY_NONE && a->kind == b->kind && strcmp(a->value, b->value) == 0;
}

static inline bool differ(const struct identity *a, const struct identity *b)
{
    return a->kind != IDENTITY_NONE && b->kind != IDENTITY_NONE && strcmp(a->value, b->value) != 0;
}

/* Copies into the arena; absent stays absent. */
struct str event_keep(struct reader *r, struct str s);
/* Seconds as a string or a number to ms; 0 when it is none. */
int64_t event_time(struct json object, const char *key);
/* Its timestamp, else its entry's time. */
int64_t event_time_or_entry(const struct reader *r, struct json object);
void event_put_id(struct event *ev, struct json v);
void event_put_ids(struct event *ev, struct json object, const char *const *keys); /* keys ends with NULL */
/* A new event that starts as the change's base; NULL past the maximum, which the count has excluded. */
struct event *event_add(struct reader *r, enum event_kind kind);
void event_read_errors(struct reader *r, struct event *ev, struct json list);

/* What every key begins with. */
struct event_key event_key_of(const struct reader *r, const char *what);
uint64_t event_key_by_id(const struct reader *r, const char *what, struct json v, const struct str *words, size_t n);
/* The key of what has an id, the first of the words; of what has none, its own value stands for one, if there is a time to
 * tell two apart. */
#define EVENT_KEY_BY_ID(r, what, v, ...)                                                                               \
    event_key_by_id(r, what, v, (const struct str[]){__VA_ARGS__},                                                     \
                    sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
/* The key of a value that is an event as a whole: by account, field, time and all it says. */
uint64_t event_key_by_value(const struct reader *r, struct json v, struct json beside, int64_t at);

void event_read_contacts(struct reader *r);
/* Adds what the contacts say of whom the event speaks of. */
void event_join_contact(const struct reader *r, struct event *ev);

/* One reading of a change each. */
void event_add_talk(struct reader *r);
void event_add_echoes(struct reader *r);
void event_add_template(struct reader *r, struct str field, struct json change);
struct event *event_add_plain(struct reader *r, enum event_kind kind);
void event_add_account(struct reader *r);
void event_add_flow(struct reader *r);
void event_add_handover(struct reader *r);
void event_add_groups(struct reader *r);

/* The change's value as what is kept of it word for word. */
void event_keep_notice(struct reader *r, struct event *ev);

#endif
