/* SPDX-License-Identifier: Apache-2.0
 * event.c - flattening a webhook body: entries, changes, and the arrays inside a change's value.
 *
 * A first pass counts, so the events are one array of the right size; a second fills it. What a change holds is
 * decided by its `field`, because the same arrays mean different things under others: echoes and history are
 * not messages from a person now. A contact is joined to a message only when one of its ids says so: joining
 * two people by their place in an array would hand one person's opt-out to another. Contacts are found by their ids, so that a
 * body costs what its bytes cost; where two of them contradict each other neither is joined. Nothing depends on what else is in
 * the body: an event is the same alone, in a batch, and in another order. */
#include "core/event.h"

#include <string.h>

#include "core/event_impl.h"

const char *event_kind_name(enum event_kind k)
{
    static const char *const names[] = {"other",
                                        "inbound",
                                        "call",
                                        "status",
                                        "preference",
                                        "template_status",
                                        "template_quality",
                                        "template_category",
                                        "number_changed",
                                        "account",
                                        "template_components",
                                        "template_detected",
                                        "flow",
                                        "group",
                                        "echo",
                                        "handover"};
    return (size_t)k < sizeof names / sizeof names[0] ? names[k] : names[0];
}

/* reading members */

struct str event_keep(struct reader *r, struct str s)
{
    if (s.p == NULL)
        return s;
    char *p = arena_strndup(r->a, s.p, s.n);
    r->no_memory = r->no_memory || p == NULL;
    return p ? (struct str){p, s.n} : (struct str){NULL, 0};
}

/* Seconds as a string or a number to ms. Values no second will reach before the year 5138 are ms already. */
int64_t event_time(struct json object, const char *key)
{
    int64_t t = 0;
    if (!json_id(json_get(object, key), &t) || t <= 0)
        return 0;
    return t < 100000000000 ? t * 1000 : t;
}

/* Puts the id where it belongs, unless that place is taken; text that is no id is ignored. */
static void put_id(struct event *ev, struct str text)
{
    struct identity id;
    if (text.n == 0 || identity_parse(text, &id, NULL) != 0)
        return;
    struct identity *at = id.kind == IDENTITY_PHONE     ? &ev->phone
                          : id.kind == IDENTITY_USER_ID ? &ev->user_id
                                                        : &ev->parent_id;
    if (at->kind == IDENTITY_NONE)
        *at = id;
}

/* An id as text; Meta and senders write phone numbers as JSON numbers, too. */
void event_put_id(struct event *ev, struct json v)
{
    char digits[24];
    int64_t n;
    if (json_i64(v, &n) && n > 0)
        put_id(ev, digits_of(n, digits));
    else
        put_id(ev, json_str_or(v, (struct str){NULL, 0}));
}

void event_put_ids(struct event *ev, struct json object, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        event_put_id(ev, json_get(object, *keys));
}

/* A new event that starts as the change's base; a scratch one past the maximum, which the count has excluded. */
struct event *event_add(struct reader *r, enum event_kind kind)
{
    if (r->n == r->max)
        return NULL;
    struct event *ev = &r->out[r->n++];
    *ev = r->base;
    ev->kind = kind;
    return ev;
}

static bool is_new_code(const struct event *ev, const struct event_error *more, size_t n, int code)
{
    for (size_t i = 0; i < n; i++)
        if (more[i].code == code)
            return false;
    return code != 0 && code != ev->code;
}

static struct event_error error_of(struct reader *r, struct json v)
{
    int64_t code = 0;
    struct str title = word_of(v, "title");
    bool is_code = json_id(json_get(v, "code"), &code) && code > 0 && code < INT32_MAX;
    return (struct event_error){is_code ? (int)code : 0, event_keep(r, title.p ? title : word_of(v, "message"))};
}

void event_read_errors(struct reader *r, struct event *ev, struct json list)
{
    struct json_iter it = json_iter(list);
    struct event_error more[EVENT_ERRORS_MAX - 1];
    size_t n = 0;
    if (json_type(list) != JSON_ARRAY || !json_next(&it))
        return;
    struct event_error first = error_of(r, it.value);
    ev->code = first.code;
    ev->error_title = first.title;
    for (size_t i = 1; i < EVENT_ERRORS_MAX && json_next(&it); i++) {
        more[n] = error_of(r, it.value);
        n += is_new_code(ev, more, n, more[n].code);
    }
    if (n == 0)
        return;
    ev->further = arena_memdup(r->a, more, n * sizeof more[0]);
    ev->n_further = ev->further != NULL ? n : 0;
    r->no_memory = r->no_memory || ev->further == NULL;
}

int64_t event_time_or_entry(const struct reader *r, struct json object)
{
    int64_t at = event_time(object, "timestamp");
    return at > 0 ? at : r->entry_time;
}

/* keys */

/* What every key begins with. */
struct event_key event_key_of(const struct reader *r, const char *what)
{
    struct event_key k = {.n = 0};
    struct str field = r->base.field.n > 0 ? r->base.field : STR("messages");
    event_key_word(&k, str_of(what));
    event_key_word(&k, field);
    event_key_number(&k, r->base.phone_number_id);
    return k;
}

/* The key of what has an id; of what has none, its own value stands for one, if there is a time to tell two apart. */
uint64_t event_key_by_id(const struct reader *r, const char *what, struct json v, const struct str *words, size_t n)
{
    struct event_key k = event_key_of(r, what);
    bool timed = false;
    if (words[0].n == 0) {
        event_key_number(&k, (int64_t)event_key_of_value(v, &timed));
        return timed ? event_key_done(&k) : 0;
    }
    for (size_t i = 0; i < n; i++)
        event_key_word(&k, words[i]);
    return event_key_done(&k);
}

/* The key of a value that is an event as a whole: by account, field, time and all it says. */
uint64_t event_key_by_value(const struct reader *r, struct json v, struct json beside, int64_t at)
{
    struct event_key k = event_key_of(r, "value");
    bool timed = at > 0;
    event_key_number(&k, r->base.waba);
    event_key_number(&k, at);
    event_key_number(&k, (int64_t)event_key_of_value(v, &timed));
    event_key_number(&k, (int64_t)event_key_of_value(beside, &timed));
    return timed ? event_key_done(&k) : 0;
}

/* changes */

/* How a field is read. */
enum reading { READ_OTHER, READ_TALK, READ_TEMPLATE, READ_ACCOUNT, READ_FLOW, READ_GROUP, READ_ECHO, READ_HANDOVER };

static const struct field {
    const char *name;
    enum reading reading;
    bool documented; /* docs/platform.md §6.3 names it */
    bool notice;     /* of accounts, numbers, templates, flows */
} fields[] = {
    {"", READ_TALK, false, false}, /* a body without `field` is judged by what it holds */
    {"messages", READ_TALK, true, false},
    {"standby", READ_TALK, true, false},
    {"calls", READ_TALK, true, false},
    {"user_preferences", READ_TALK, true, false},
    {"message_template_status_update", READ_TEMPLATE, true, true},
    {"message_template_quality_update", READ_TEMPLATE, true, true},
    {"message_template_components_update", READ_TEMPLATE, true, true},
    {"template_category_update", READ_TEMPLATE, true, true},
    {"template_correct_category_detection", READ_TEMPLATE, true, true},
    {"account_update", READ_ACCOUNT, true, true},
    {"account_alerts", READ_ACCOUNT, true, true},
    {"account_review_update", READ_ACCOUNT, true, true},
    {"account_settings_update", READ_ACCOUNT, true, true},
    {"phone_number_quality_update", READ_ACCOUNT, true, true},
    {"phone_number_name_update", READ_ACCOUNT, true, true},
    {"business_capability_update", READ_ACCOUNT, true, true},
    {"security", READ_ACCOUNT, true, true},
    {"business_username_updates", READ_ACCOUNT, true, true},
    {"phone_number_username_update", READ_ACCOUNT, true, true},
    {"flows", READ_FLOW, true, true},
    {"payment_configuration_update", READ_OTHER, true, true},
    {"partner_solutions", READ_OTHER, true, true},
    {"automatic_events", READ_OTHER, true, true},
    {"tracking_events", READ_OTHER, true, true},
    {"template_performance_metrics", READ_OTHER, true, true},
    {"group_lifecycle_update", READ_GROUP, true, false},
    {"group_participants_update", READ_GROUP, true, false},
    {"group_settings_update", READ_GROUP, true, false},
    {"group_status_update", READ_GROUP, true, false},
    {"message_echoes", READ_ECHO, true, false},
    {"smb_message_echoes", READ_ECHO, true, false},
    {"messaging_handovers", READ_HANDOVER, true, false},
    {"history", READ_OTHER, true, false},
    {"smb_app_state_sync", READ_OTHER, true, false},
    {"call_recording_available", READ_OTHER, true, false},
};

static const struct field *field_of(struct str name)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (word_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

bool event_field_known(struct str field)
{
    const struct field *f = field_of(field);
    return f != NULL && f->documented;
}

bool event_is_notice(struct str field)
{
    const struct field *f = field_of(field);
    return f != NULL && f->notice;
}

static void add_change(struct reader *r, struct json change)
{
    struct str name = word_of(change, "field");
    const struct field *f = field_of(name);
    size_t before = r->n;
    if (json_type(change) != JSON_OBJECT)
        return;
    r->value = json_get(change, "value");
    struct json metadata = json_get(r->value, "metadata");
    r->base.value = r->value;
    r->base.field = event_keep(r, name);
    r->base.display_phone = event_keep(r, word_of(metadata, "display_phone_number"));
    r->base.phone_number_id = 0;
    json_id(json_get(metadata, "phone_number_id"), &r->base.phone_number_id);
    switch (f != NULL ? f->reading : READ_OTHER) {
    case READ_TALK:
        event_add_talk(r);
        break;
    case READ_TEMPLATE:
        event_add_template(r, name, change);
        break;
    case READ_ACCOUNT:
        event_add_account(r);
        break;
    case READ_FLOW:
        event_add_flow(r);
        break;
    case READ_GROUP:
        event_add_groups(r);
        break;
    case READ_ECHO:
        event_add_echoes(r);
        break;
    case READ_HANDOVER:
        event_add_handover(r);
        break;
    case READ_OTHER:
        (void)event_add_plain(r, EVENT_OTHER);
        break;
    }
    if (f != NULL && f->notice && r->n > before)
        event_keep_notice(r, &r->out[before]);
}

static size_t count_array(struct json v)
{
    return json_type(v) == JSON_ARRAY ? json_count(v) : 0;
}

/* No fewer than add_change() will add. */
static size_t count_change(struct json change)
{
    static const char *const lists[] = {"messages",         "statuses",       "calls",
                                        "user_preferences", "message_echoes", "groups"};
    struct json value = json_get(change, "value");
    size_t n = json_count(json_get(value, "errors")) > 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        n += count_array(json_get(value, lists[i])) + count_array(json_at(value, "standby", lists[i]));
    return n > 0 ? n : 1;
}

int events_parse(struct json body, struct arena *a, struct event **ret, size_t *ret_n, struct err *e)
{
    struct json entries = json_get(body, "entry");
    struct reader r = {.a = a};
    if (json_type(body) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "a webhook body must be a JSON object");
    if (json_type(entries) != JSON_ARRAY)
        return err_set(e, WL_EINVAL, "a webhook body must have an array named entry");
    for (struct json_iter it = json_iter(entries); json_next(&it);) {
        struct json changes = json_get(it.value, "changes");
        for (struct json_iter c = json_iter(changes); r.max <= EVENTS_MAX && json_next(&c);)
            r.max += count_change(c.value);
    }
    if (r.max > EVENTS_MAX)
        return err_set(e, WL_ETOOBIG, "a webhook body must not have more than %d events", EVENTS_MAX);
    r.out = arena_new_array(a, struct event, r.max + 1);
    if (r.out == NULL)
        return err_set(e, WL_ENOMEM, "the webhook does not fit its memory");
    for (struct json_iter it = json_iter(entries); json_next(&it);) {
        memset(&r.base, 0, sizeof r.base);
        json_id(json_get(it.value, "id"), &r.base.waba);
        r.entry_time = event_time(it.value, "time");
        for (struct json_iter c = json_iter(json_get(it.value, "changes")); json_next(&c);)
            add_change(&r, c.value);
    }
    if (r.no_memory)
        return err_set(e, WL_ENOMEM, "the webhook does not fit its memory");
    *ret = r.out;
    *ret_n = r.n;
    return 0;
}
