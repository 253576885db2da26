/* SPDX-License-Identifier: Apache-2.0
 * event_talk.c - what people and messages are told of: messages, statuses, calls, preferences, echoes.
 *
 * The lists of a conversation stand in the value itself or, while Meta's agent has the chat, inside `standby`. Each element is
 * an event. */
#include <string.h>

#include "core/event_impl.h"

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

/* What the business had put behind what was tapped. */
static struct str payload_of(struct json m)
{
    static const struct {
        const char *type, *object, *key;
    } places[] = {{"button", "button", "payload"},
                  {"interactive", "button_reply", "id"},
                  {"interactive", "list_reply", "id"}};
    struct str type = word_of(m, "type"), found;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct json in = word_is(type, "interactive") ? json_get(m, "interactive") : m;
        if (word_is(type, places[i].type) && json_str(json_at(in, places[i].object, places[i].key), &found))
            return found;
    }
    return (struct str){NULL, 0};
}

static struct str text_as_edited(struct json m)
{
    struct json edited = json_at(m, "edit", "message");
    return text_of(json_type(edited) == JSON_OBJECT ? edited : m);
}

/* Not what changes or takes back something said before: whether that counts as writing is nowhere said. */
static bool says_something(struct json m)
{
    struct str type = word_of(m, "type");
    if (word_is(type, "edit") || word_is(type, "revoke"))
        return false;
    return !word_is(type, "reaction") || word_of(json_get(m, "reaction"), "emoji").n > 0;
}

/* Who changed: the names before and after. */
static void read_change_of_names(struct event *ev, struct json m, bool number)
{
    static const char *const news[] = {"wa_id", "new_wa_id", "user_id", "parent_user_id", NULL};
    static const char *const olds[] = {"previous_user_id", "previous_parent_user_id", NULL};
    static const char *const senders[] = {"from_user_id", "from_parent_user_id", NULL};
    struct json system = json_get(m, "system");
    struct event old = {0}, sender = {0};
    event_put_ids(ev, system, news);
    event_put_ids(&old, system, olds);
    if (number) {
        event_put_id(&old, json_get(system, "customer"));
        event_put_id(&old, json_get(m, "from")); /* the message still comes from the old number */
    } else {
        event_put_id(ev, json_get(m, "from"));
    }
    event_put_ids(&sender, m, senders);
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

static const char *const senders_of_message[] = {"from", "from_user_id", "from_parent_user_id", NULL};

static void add_system(struct reader *r, struct json m)
{
    struct str what = word_of(json_get(m, "system"), "type");
    bool number = word_is(what, "user_changed_number") || word_is(what, "customer_changed_number");
    bool changed = number || word_is(what, "user_changed_user_id");
    struct event *ev = event_add(r, changed ? EVENT_NUMBER_CHANGED : EVENT_OTHER);
    if (ev == NULL)
        return;
    ev->at = event_time_or_entry(r, m);
    ev->wamid = event_keep(r, word_of(m, "id"));
    ev->type = event_keep(r, what.p ? what : word_of(m, "type"));
    ev->key = EVENT_KEY_BY_ID(r, "message", m, ev->wamid);
    if (changed) {
        read_change_of_names(ev, m, number);
        return;
    }
    event_put_ids(ev, m, senders_of_message);
    event_join_contact(r, ev);
}

static void add_messages(struct reader *r, struct json list)
{
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct json m = it.value;
        if (word_is(word_of(m, "type"), "system")) {
            add_system(r, m);
            continue;
        }
        struct event *ev = event_add(r, EVENT_INBOUND);
        if (ev == NULL)
            return;
        ev->at = event_time_or_entry(r, m);
        ev->wamid = event_keep(r, word_of(m, "id"));
        ev->type = event_keep(r, word_of(m, "type"));
        ev->group_id = event_keep(r, word_of(m, "group_id"));
        ev->text = event_keep(r, text_as_edited(m));
        ev->payload = event_keep(r, payload_of(m));
        ev->reply_to = event_keep(r, word_of(json_get(m, "context"), "id"));
        ev->opens = ev->group_id.n == 0 && says_something(m);
        ev->key = EVENT_KEY_BY_ID(r, "message", m, ev->wamid);
        event_read_errors(r, ev, json_get(m, "errors"));
        event_put_ids(ev, m, senders_of_message);
        event_join_contact(r, ev);
    }
}

/* What the business itself wrote elsewhere: of nobody who writes to us. */
static void add_echoes(struct reader *r, struct json list)
{
    static const char *const persons[] = {"to", "to_user_id", "to_parent_user_id", NULL};
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct json m = it.value;
        struct event *ev = event_add(r, EVENT_ECHO);
        if (ev == NULL)
            return;
        ev->at = event_time_or_entry(r, m);
        ev->wamid = event_keep(r, word_of(m, "id"));
        ev->type = event_keep(r, word_of(m, "type"));
        ev->group_id = event_keep(r, word_of(m, "group_id"));
        ev->text = event_keep(r, text_as_edited(m));
        ev->key = EVENT_KEY_BY_ID(r, "echo", m, ev->wamid, ev->type);
        event_put_ids(ev, m, persons);
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

/* Whether it speaks of something that came of the message, a payment for one: that can be said of several of one message. */
static bool is_of_a_thing(struct json s)
{
    struct str type = word_of(s, "type");
    return type.n > 0 && !word_is(type, "message") && !word_is(type, "call");
}

/* What else tells two statuses apart: the codes beside the first, and of a thing all that is said. 0: nothing does. */
static uint64_t key_of_rest(struct json s, const struct event *ev)
{
    struct event_key k = {.n = 0};
    bool timed = false;
    for (size_t i = 0; i < ev->n_further; i++)
        event_key_number(&k, ev->further[i].code);
    if (is_of_a_thing(s))
        event_key_number(&k, (int64_t)event_key_of_value(s, &timed));
    return k.n > 0 ? event_key_done(&k) : 0;
}

/* Whom a status speaks of, as written: of the words that may name them, all. */
static uint64_t key_of_status(const struct reader *r, struct json s, const struct event *ev, const char *const *persons)
{
    struct event_key who = {.n = 0};
    char text[24], code[24];
    int64_t id;
    for (; *persons != NULL; persons++) {
        struct json v = json_get(s, *persons);
        struct str name = json_str_or(v, (struct str){NULL, 0});
        if (json_i64(v, &id))
            name = digits_of(id, text);
        if (name.n > 0)
            event_key_word(&who, name);
    }
    uint64_t named = event_key_done(&who), rest = key_of_rest(s, ev);
    const struct str words[] = {ev->wamid,
                                word_of(s, "type"),
                                ev->type,
                                {(const char *)&named, sizeof named},
                                digits_of(ev->code, code),
                                {(const char *)&rest, sizeof rest}};
    return event_key_by_id(r, "status", s, words, sizeof words / sizeof words[0] - (rest == 0));
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
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct json s = it.value;
        struct str word = word_of(s, "status");
        bool group = word_is(word_of(s, "recipient_type"), "group");
        struct event *ev = event_add(r, EVENT_STATUS);
        if (ev == NULL)
            return;
        ev->at = event_time_or_entry(r, s);
        ev->wamid = event_keep(r, word_of(s, "id"));
        ev->type = event_keep(r, word);
        ev->opaque = event_keep(r, word_of(s, "biz_opaque_callback_data"));
        ev->seen = word_is(word_of(s, "type"), "call") ? 0 : seen_of(word); /* a failed call is no failed message */
        event_read_errors(r, ev, json_get(s, "errors"));
        event_put_ids(ev, s, group ? participants : persons);
        if (group)
            ev->group_id = event_keep(r, word_of(s, "recipient_id"));
        ev->key = key_of_status(r, s, ev, group ? participants : persons);
        event_join_contact(r, ev);
    }
}

static void add_calls(struct reader *r, struct json list)
{
    static const char *const callers[] = {"from", "from_user_id", "from_parent_user_id", NULL};
    static const char *const called[] = {"to", "to_user_id", "to_parent_user_id", NULL};
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct json c = it.value;
        struct event *ev = event_add(r, EVENT_CALL);
        if (ev == NULL)
            return;
        ev->user_initiated = ev->opens = word_is(word_of(c, "direction"), "user_initiated");
        /* The window opens when the person calls, not when they hang up. */
        int64_t started = ev->user_initiated ? event_time(c, "start_time") : 0;
        ev->at = started > 0 ? started : event_time_or_entry(r, c);
        ev->wamid = event_keep(r, word_of(c, "id"));
        ev->type = event_keep(r, word_of(c, "event"));
        ev->opaque = event_keep(r, word_of(c, "biz_opaque_callback_data"));
        ev->key = EVENT_KEY_BY_ID(r, "call", c, ev->wamid, ev->type, word_of(c, "status"));
        event_read_errors(r, ev, json_get(c, "errors"));
        event_put_ids(ev, c, ev->user_initiated ? callers : called);
        event_join_contact(r, ev);
    }
}

/* user_preferences: stop and resume, and the sign-up by Meta's opt-in link. A stop of a category we do not know
 * stops marketing too; permission is never widened by what we do not know. */
static enum consent_act act_of(struct json preference)
{
    static const struct {
        const char *word;
        enum consent_act act;
    } acts[] = {{"stop", CONSENT_STOP}, {"resume", CONSENT_RESUME}, {"signup", CONSENT_GRANT}};
    struct str category = word_of(preference, "category"), value = word_of(preference, "value");
    bool marketing = category.n == 0 || word_is(category, "marketing_messages");
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (word_is(value, acts[i].word) && (marketing || acts[i].act == CONSENT_STOP))
            return acts[i].act;
    return (enum consent_act)0;
}

/* By whom it names. One that names nobody is of the contact beside it. */
static uint64_t key_of_preference(const struct reader *r, struct json p, const struct event *ev)
{
    struct event_key k = event_key_of(r, "preference");
    event_key_word(&k, str_of(ev->phone.value));
    event_key_word(&k, str_of(ev->user_id.value));
    event_key_word(&k, str_of(ev->parent_id.value));
    event_key_word(&k, word_of(p, "category"));
    event_key_word(&k, ev->type);
    event_key_number(&k, ev->at);
    return ev->at > 0 ? event_key_done(&k) : 0;
}

static void add_preferences(struct reader *r, struct json list)
{
    static const char *const persons[] = {"wa_id", "user_id", "parent_user_id", NULL};
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct json p = it.value;
        enum consent_act act = act_of(p);
        struct event *ev = event_add(r, act != 0 ? EVENT_PREFERENCE : EVENT_OTHER);
        if (ev == NULL)
            return;
        ev->act = act;
        ev->at = event_time_or_entry(r, p);
        ev->type = event_keep(r, word_of(p, "value"));
        ev->text = event_keep(r, word_of(p, "detail"));
        event_put_ids(ev, p, persons);
        bool named = ev->phone.kind != IDENTITY_NONE || ev->user_id.kind != IDENTITY_NONE;
        ev->key = named ? key_of_preference(r, p, ev) : 0;
        event_join_contact(r, ev);
        ev->key = named ? ev->key : key_of_preference(r, p, ev);
    }
}

static void add_conversation(struct reader *r)
{
    struct json nested = json_get(r->value, "standby");
    add_messages(r, json_get(r->value, "messages"));
    add_messages(r, json_get(nested, "messages"));
    add_statuses(r, json_get(r->value, "statuses"));
    add_statuses(r, json_get(nested, "statuses"));
    add_calls(r, json_get(r->value, "calls"));
    add_calls(r, json_get(nested, "calls"));
    add_preferences(r, json_get(r->value, "user_preferences"));
    add_echoes(r, json_get(r->value, "message_echoes"));
    add_echoes(r, json_get(nested, "message_echoes"));
}

/* Errors of the number, not of a message: they may stand beside messages, and are an event of their own. */
static void add_errors(struct reader *r)
{
    struct json errors = json_get(r->value, "errors");
    struct event *ev = event_add(r, EVENT_OTHER);
    if (ev == NULL)
        return;
    ev->at = event_time_or_entry(r, r->value);
    ev->type = STR("errors");
    ev->key = event_key_by_value(r, errors, (struct json){0}, ev->at);
    event_read_errors(r, ev, errors);
}

void event_add_talk(struct reader *r)
{
    size_t before = r->n;
    event_read_contacts(r);
    add_conversation(r);
    if (json_count(json_get(r->value, "errors")) > 0)
        add_errors(r);
    else if (r->n == before)
        (void)event_add_plain(r, EVENT_OTHER);
}

void event_add_echoes(struct reader *r)
{
    size_t before = r->n;
    add_echoes(r, json_get(r->value, "message_echoes"));
    if (r->n == before)
        (void)event_add_plain(r, EVENT_OTHER);
}
