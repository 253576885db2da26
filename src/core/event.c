/* SPDX-License-Identifier: Apache-2.0
 * event.c - flattening a webhook body: entries, changes, and the arrays inside a change's value.
 *
 * A first pass counts, so the events are one array of the right size; a second fills it. What a change holds is
 * decided by its `field`, because the same arrays mean different things under others: echoes and history are
 * not messages from a person now. A contact is joined to a message only when one of its ids says so: joining
 * two people by their place in an array would hand one person's opt-out to another. */
#include "core/event.h"

#include <string.h>

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
                                        "account"};
    return (size_t)k < sizeof names / sizeof names[0] ? names[k] : names[0];
}

/* A contact of value.contacts, read once for all messages of the change. */
struct contact {
    struct identity phone, user_id, parent_id;
    struct str name;
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
};

/* reading members */

static struct str word_of(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), (struct str){NULL, 0});
}

static bool word_is(struct str s, const char *word)
{
    return str_ieq(s, str_of(word));
}

static struct str keep(struct reader *r, struct str s)
{
    if (s.p == NULL)
        return s;
    char *p = arena_strndup(r->a, s.p, s.n);
    r->no_memory = r->no_memory || p == NULL;
    return p ? (struct str){p, s.n} : (struct str){NULL, 0};
}

/* Seconds as a string or a number to ms. Values no second will reach before the year 5138 are ms already. */
static int64_t time_of(struct json object, const char *key)
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

static void put_ids(struct event *ev, struct json object, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        put_id(ev, word_of(object, *keys));
}

/* contacts */

static bool same_id(const struct identity *a, const struct identity *b)
{
    return a->kind != IDENTITY_NONE && a->kind == b->kind && strcmp(a->value, b->value) == 0;
}

static bool differ(const struct identity *a, const struct identity *b)
{
    return a->kind != IDENTITY_NONE && b->kind != IDENTITY_NONE && strcmp(a->value, b->value) != 0;
}

static void read_contacts(struct reader *r)
{
    static const char *const keys[] = {"wa_id", "user_id", "parent_user_id", NULL};
    struct json list = json_get(r->value, "contacts");
    size_t n = json_type(list) == JSON_ARRAY ? json_count(list) : 0;
    r->n_contacts = 0;
    if (n > EVENTS_MAX)
        n = EVENTS_MAX;
    if (n == 0)
        return;
    r->contact = arena_new_array(r->a, struct contact, n);
    if (r->contact == NULL) {
        r->no_memory = true;
        return;
    }
    for (struct json_iter it = json_iter(list); r->n_contacts < n && json_next(&it);) {
        struct event who = {0};
        put_ids(&who, it.value, keys);
        struct contact *c = &r->contact[r->n_contacts++];
        *c = (struct contact){who.phone, who.user_id, who.parent_id,
                              keep(r, word_of(json_get(it.value, "profile"), "name"))};
    }
}

/* The contact an event speaks of: one that shares an id with it and contradicts none. An event without any id takes
 * the only contact there is. */
static const struct contact *contact_of(const struct reader *r, const struct event *ev, size_t hint)
{
    bool nameless = ev->phone.kind == IDENTITY_NONE && ev->user_id.kind == IDENTITY_NONE;
    if (nameless)
        return r->n_contacts == 1 ? &r->contact[0] : NULL;
    for (size_t i = 0; i < r->n_contacts; i++) {
        const struct contact *c = &r->contact[(hint + i) % r->n_contacts];
        if ((same_id(&c->phone, &ev->phone) || same_id(&c->user_id, &ev->user_id)) && !differ(&c->phone, &ev->phone) &&
            !differ(&c->user_id, &ev->user_id))
            return c;
    }
    return NULL;
}

static void join_contact(const struct reader *r, struct event *ev, size_t hint)
{
    const struct contact *c = contact_of(r, ev, hint);
    if (c == NULL)
        return;
    if (ev->phone.kind == IDENTITY_NONE)
        ev->phone = c->phone;
    if (ev->user_id.kind == IDENTITY_NONE)
        ev->user_id = c->user_id;
    if (ev->parent_id.kind == IDENTITY_NONE)
        ev->parent_id = c->parent_id;
    ev->profile_name = c->name;
}

/* A new event that starts as the change's base; a scratch one past the maximum, which the count has excluded. */
static struct event *add(struct reader *r, enum event_kind kind)
{
    if (r->n == r->max)
        return NULL;
    struct event *ev = &r->out[r->n++];
    *ev = r->base;
    ev->kind = kind;
    return ev;
}

static void read_errors(struct reader *r, struct event *ev, struct json list)
{
    struct json_iter it = json_iter(list);
    int64_t code = 0;
    if (json_type(list) != JSON_ARRAY || !json_next(&it))
        return;
    if (json_id(json_get(it.value, "code"), &code) && code > 0 && code < INT32_MAX)
        ev->code = (int)code;
    struct str title = word_of(it.value, "title");
    ev->error_title = keep(r, title.p ? title : word_of(it.value, "message"));
}

/* messages */

/* What the person wrote or tapped, where the message has such a thing. */
static struct str text_of(struct json m)
{
    static const struct {
        const char *type, *object, *key;
    } texts[] = {
        {"text", "text", "body"},      {"button", "button", "text"},  {"button", "button", "payload"},
        {"image", "image", "caption"}, {"video", "video", "caption"}, {"document", "document", "caption"},
        {"order", "order", "text"},
    };
    static const char *const replies[] = {"button_reply", "list_reply"};
    struct str type = word_of(m, "type"), found;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (word_is(type, texts[i].type) && json_str(json_at(m, texts[i].object, texts[i].key), &found))
            return found;
    for (size_t i = 0; word_is(type, "interactive") && i < sizeof replies / sizeof replies[0]; i++)
        if (json_str(json_get(json_at(m, "interactive", replies[i]), "title"), &found))
            return found;
    return (struct str){NULL, 0};
}

static void add_system(struct reader *r, struct json m, size_t hint)
{
    static const char *const news[] = {"wa_id", "new_wa_id", "user_id", "parent_user_id", NULL};
    static const char *const senders[] = {"from_user_id", "from_parent_user_id", NULL};
    struct json system = json_get(m, "system");
    struct str what = word_of(system, "type");
    struct event old = {0}, *ev;
    bool number = word_is(what, "user_changed_number") || word_is(what, "customer_changed_number");
    bool changed = number || word_is(what, "user_changed_user_id");
    ev = add(r, changed ? EVENT_NUMBER_CHANGED : EVENT_OTHER);
    if (ev == NULL)
        return;
    ev->at = time_of(m, "timestamp");
    ev->wamid = keep(r, word_of(m, "id"));
    ev->type = keep(r, what.p ? what : word_of(m, "type"));
    if (!changed) {
        put_id(ev, word_of(m, "from"));
        put_ids(ev, m, senders);
        join_contact(r, ev, hint);
        return;
    }
    put_ids(ev, system, news);
    put_id(&old, word_of(system, "previous_user_id"));
    put_id(&old, word_of(system, "previous_parent_user_id"));
    if (number) {
        put_id(&old, word_of(system, "customer"));
        put_id(&old, word_of(m, "from")); /* the message still comes from the old number */
    } else {
        put_id(ev, word_of(m, "from"));
    }
    struct event sender = {0};
    put_ids(&sender, m, senders);
    if (!same_id(&sender.user_id, &old.user_id) && ev->user_id.kind == IDENTITY_NONE)
        ev->user_id = sender.user_id;
    if (!same_id(&sender.parent_id, &old.parent_id) && ev->parent_id.kind == IDENTITY_NONE)
        ev->parent_id = sender.parent_id;
    if (same_id(&old.phone, &ev->phone))
        memset(&old.phone, 0, sizeof old.phone);
    ev->previous = old.phone.kind != IDENTITY_NONE ? old.phone : old.user_id;
    ev->previous_user_id = old.user_id;
    ev->previous_parent_id = old.parent_id;
}

static void add_messages(struct reader *r, struct json list)
{
    static const char *const senders[] = {"from", "from_user_id", "from_parent_user_id", NULL};
    size_t hint = 0;
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it); hint++) {
        struct json m = it.value;
        if (word_is(word_of(m, "type"), "system")) {
            add_system(r, m, hint);
            continue;
        }
        struct event *ev = add(r, EVENT_INBOUND);
        if (ev == NULL)
            return;
        ev->at = time_of(m, "timestamp");
        ev->wamid = keep(r, word_of(m, "id"));
        ev->type = keep(r, word_of(m, "type"));
        ev->group_id = keep(r, word_of(m, "group_id"));
        struct json edited = json_at(m, "edit", "message");
        ev->text = keep(r, text_of(json_type(edited) == JSON_OBJECT ? edited : m));
        read_errors(r, ev, json_get(m, "errors"));
        put_ids(ev, m, senders);
        join_contact(r, ev, hint);
    }
}

/* statuses and calls */

static uint32_t seen_of(struct str word)
{
    static const struct {
        const char *word;
        uint32_t seen;
    } words[] = {{"sent", SEEN_SENT},     {"delivered", SEEN_DELIVERED},
                 {"read", SEEN_READ},     {"played", SEEN_PLAYED},
                 {"failed", SEEN_FAILED}, {"deleted", SEEN_DELETED},
                 {"paused", SEEN_HELD},   {"held_for_quality_assessment", SEEN_HELD}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (word_is(word, words[i].word))
            return words[i].seen;
    return 0;
}

static void add_statuses(struct reader *r, struct json list)
{
    /* Meta's pages and senders spell some of these in two ways. */
    static const char *const persons[] = {"recipient_id", "recipient_user_id", "recipient_parent_user_id",
                                          "parent_recipient_user_id", NULL};
    static const char *const participants[] = {"recipient_participant_id",
                                               "participant_recipient_id",
                                               "recipient_participant_user_id",
                                               "participant_recipient_user_id",
                                               "recipient_participant_parent_user_id",
                                               NULL};
    size_t hint = 0;
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it); hint++) {
        struct json s = it.value;
        struct str word = word_of(s, "status");
        bool group = word_is(word_of(s, "recipient_type"), "group");
        struct event *ev = add(r, EVENT_STATUS);
        if (ev == NULL)
            return;
        ev->at = time_of(s, "timestamp");
        ev->wamid = keep(r, word_of(s, "id"));
        ev->type = keep(r, word);
        ev->opaque = keep(r, word_of(s, "biz_opaque_callback_data"));
        ev->seen = word_is(word_of(s, "type"), "call") ? 0 : seen_of(word); /* a failed call is no failed message */
        read_errors(r, ev, json_get(s, "errors"));
        put_ids(ev, s, group ? participants : persons);
        if (group)
            ev->group_id = keep(r, word_of(s, "recipient_id"));
        join_contact(r, ev, hint);
    }
}

static void add_calls(struct reader *r, struct json list)
{
    static const char *const callers[] = {"from", "from_user_id", "from_parent_user_id", NULL};
    static const char *const called[] = {"to", "to_user_id", "to_parent_user_id", NULL};
    size_t hint = 0;
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it); hint++) {
        struct json c = it.value;
        struct event *ev = add(r, EVENT_CALL);
        if (ev == NULL)
            return;
        ev->user_initiated = word_is(word_of(c, "direction"), "user_initiated");
        /* The window opens when the person calls, not when they hang up. */
        int64_t started = ev->user_initiated ? time_of(c, "start_time") : 0;
        ev->at = started > 0 ? started : time_of(c, "timestamp");
        ev->wamid = keep(r, word_of(c, "id"));
        ev->type = keep(r, word_of(c, "event"));
        ev->opaque = keep(r, word_of(c, "biz_opaque_callback_data"));
        read_errors(r, ev, json_get(c, "errors"));
        put_ids(ev, c, ev->user_initiated ? callers : called);
        join_contact(r, ev, hint);
    }
}

/* user_preferences: stop and resume, and the sign-up by Meta's opt-in link. A stop of a category we do not know
 * stops marketing too; permission is never widened by what we do not know. */
static void add_preferences(struct reader *r, struct json list)
{
    static const struct {
        const char *word;
        enum consent_act act;
    } acts[] = {{"stop", CONSENT_STOP}, {"resume", CONSENT_RESUME}, {"signup", CONSENT_GRANT}};
    static const char *const persons[] = {"wa_id", "user_id", "parent_user_id", NULL};
    size_t hint = 0;
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it); hint++) {
        struct json p = it.value;
        struct str category = word_of(p, "category");
        bool marketing = category.n == 0 || word_is(category, "marketing_messages");
        struct event *ev = add(r, EVENT_OTHER);
        if (ev == NULL)
            return;
        for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
            if (word_is(word_of(p, "value"), acts[i].word) && (marketing || acts[i].act == CONSENT_STOP)) {
                ev->kind = EVENT_PREFERENCE;
                ev->act = acts[i].act;
            }
        ev->at = time_of(p, "timestamp");
        ev->type = keep(r, word_of(p, "value"));
        ev->text = keep(r, word_of(p, "detail"));
        put_ids(ev, p, persons);
        join_contact(r, ev, hint);
    }
}

/* templates and account */

static struct str keep_language(struct reader *r, struct str s)
{
    if (s.p == NULL)
        return s;
    char *p = arena_strndup(r->a, s.p, s.n);
    r->no_memory = r->no_memory || p == NULL;
    for (size_t i = 0; p != NULL && i < s.n; i++)
        if (p[i] == '-')
            p[i] = '_';
    return p ? (struct str){p, s.n} : (struct str){NULL, 0};
}

/* All template events; what it is is told by its members, because Meta documents the quality update under the
 * field of the status update. */
static void add_template(struct reader *r, struct str field)
{
    struct json v = r->value;
    struct event *ev = add(r, EVENT_OTHER);
    if (ev == NULL)
        return;
    ev->at = r->entry_time;
    ev->template_name = keep(r, word_of(v, "message_template_name"));
    ev->template_language = keep_language(r, word_of(v, "message_template_language"));
    json_id(json_get(v, "message_template_id"), &ev->template_id);
    ev->type = keep(r, word_of(v, "event"));
    struct str quality = word_of(v, "new_quality_score");
    if (quality.p != NULL || word_is(field, "message_template_quality_update")) {
        ev->kind = EVENT_TEMPLATE_QUALITY;
        ev->quality = keep(r, quality);
    } else if (word_is(field, "message_template_status_update")) {
        ev->kind = EVENT_TEMPLATE_STATUS;
        ev->template_status = template_status_parse(word_of(v, "event"));
    } else if (word_is(field, "template_category_update")) {
        ev->kind = EVENT_TEMPLATE_CATEGORY;
        /* Announced: correct_category is the future and new_category the present one. Completed: new_category. */
        bool announced = word_of(v, "correct_category").p != NULL && word_of(v, "previous_category").p == NULL;
        ev->new_category = announced ? CATEGORY_UNKNOWN : category_parse(word_of(v, "new_category"));
    }
}

static const struct account_word *keep_account(struct reader *r)
{
    struct account_word w = account_word_parse(r->base.field, r->value);
    if (w.said == 0)
        return NULL;
    const struct account_word *kept = arena_memdup(r->a, &w, sizeof w);
    r->no_memory = r->no_memory || kept == NULL;
    return kept;
}

static void add_plain(struct reader *r, enum event_kind kind)
{
    static const char *const types[] = {"event", "decision", "type"};
    struct event *ev = add(r, kind);
    if (ev == NULL)
        return;
    int64_t at = time_of(r->value, "timestamp");
    ev->at = at > 0 ? at : r->entry_time;
    struct str type = word_of(json_get(r->value, "alert_info"), "alert_type");
    for (size_t i = 0; type.p == NULL && i < sizeof types / sizeof types[0]; i++)
        type = word_of(r->value, types[i]);
    ev->type = keep(r, type);
    if (ev->display_phone.p == NULL)
        ev->display_phone = keep(r, word_of(r->value, "display_phone_number"));
    if (ev->phone_number_id == 0)
        json_id(json_at(r->value, "phone_number_settings", "phone_number_id"), &ev->phone_number_id);
    if (kind == EVENT_ACCOUNT)
        ev->account = keep_account(r);
    read_errors(r, ev, json_get(r->value, "errors"));
}

/* changes */

static void add_conversation(struct reader *r)
{
    struct json nested = json_get(r->value, "standby");
    add_messages(r, json_get(r->value, "messages"));
    add_messages(r, json_get(nested, "messages"));
    add_statuses(r, json_get(r->value, "statuses"));
    add_statuses(r, json_get(nested, "statuses"));
    add_calls(r, json_get(r->value, "calls"));
    add_preferences(r, json_get(r->value, "user_preferences"));
}

static bool in(struct str field, const char *const *list)
{
    for (; *list != NULL; list++)
        if (word_is(field, *list))
            return true;
    return false;
}

static void add_change(struct reader *r, struct json change)
{
    /* A body without `field` is judged by what it holds. */
    static const char *const conversations[] = {"", "messages", "standby", "calls", "user_preferences", NULL};
    static const char *const templates[] = {"message_template_status_update",      "message_template_quality_update",
                                            "message_template_components_update",  "template_category_update",
                                            "template_correct_category_detection", NULL};
    static const char *const accounts[] = {"account_update",
                                           "account_alerts",
                                           "account_review_update",
                                           "account_settings_update",
                                           "phone_number_quality_update",
                                           "phone_number_name_update",
                                           "business_capability_update",
                                           "security",
                                           "business_username_updates",
                                           "phone_number_username_update",
                                           NULL};
    struct str field = word_of(change, "field");
    size_t before = r->n;
    if (json_type(change) != JSON_OBJECT)
        return;
    r->value = json_get(change, "value");
    struct json metadata = json_get(r->value, "metadata");
    r->base.value = r->value;
    r->base.field = keep(r, field);
    r->base.display_phone = keep(r, word_of(metadata, "display_phone_number"));
    r->base.phone_number_id = 0;
    json_id(json_get(metadata, "phone_number_id"), &r->base.phone_number_id);
    if (in(field, conversations)) {
        read_contacts(r);
        add_conversation(r);
        if (r->n == before ||
            json_count(json_get(r->value, "errors")) > 0) /* errors of the account, not of a message */
            add_plain(r, EVENT_OTHER);
    } else if (in(field, templates)) {
        add_template(r, field);
    } else {
        add_plain(r, in(field, accounts) ? EVENT_ACCOUNT : EVENT_OTHER);
    }
}

static size_t count_array(struct json v)
{
    return json_type(v) == JSON_ARRAY ? json_count(v) : 0;
}

/* No fewer than add_change() will add. */
static size_t count_change(struct json change)
{
    static const char *const lists[] = {"messages", "statuses", "calls", "user_preferences"};
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
        r.entry_time = time_of(it.value, "time");
        for (struct json_iter c = json_iter(json_get(it.value, "changes")); json_next(&c);)
            add_change(&r, c.value);
    }
    if (r.no_memory)
        return err_set(e, WL_ENOMEM, "the webhook does not fit its memory");
    *ret = r.out;
    *ret_n = r.n;
    return 0;
}
