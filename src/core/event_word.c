/* SPDX-License-Identifier: Apache-2.0
 * event_word.c - what is said of templates, accounts, numbers, flows and groups: one word a change.
 *
 * Everything is told by its members, and a member that is missing or odd leaves its part of the event empty. */
#include "core/event_impl.h"

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

#define MEMBER_MAX 4000 /* of what is kept of a template's status; what is longer is left out */
#define DETAIL_MAX EVENT_NOTICE_MAX

static void member(struct json_out *o, const char *key, struct json v)
{
    struct buf b;
    buf_init(&b, MEMBER_MAX);
    if (json_type(v) != JSON_ABSENT && json_type(v) != JSON_NULL && json_write_value(&b, v)) {
        jo_key(o, key);
        jo_raw(o, buf_str(&b));
    }
    buf_done(&b);
}

/* What a status update says beside the status. rejection_info stands in the value or beside it: Meta shows both. */
static struct str keep_template_detail(struct reader *r, struct json v, struct json change)
{
    struct json inside = json_get(v, "rejection_info"), reason = json_get(v, "reason");
    struct json_out o;
    struct str text = {NULL, 0};
    struct buf b;
    buf_init(&b, DETAIL_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    if (!word_is(json_str_or(reason, STR("NONE")), "NONE"))
        member(&o, "reason", reason);
    member(&o, "rejection_info", json_type(inside) == JSON_OBJECT ? inside : json_get(change, "rejection_info"));
    member(&o, "other_info", json_get(v, "other_info"));
    member(&o, "disable_info", json_get(v, "disable_info"));
    jo_end(&o);
    if (b.len > 2) /* {} */
        text = event_keep(r, buf_str(&b));
    r->no_memory = r->no_memory || b.failed;
    buf_done(&b);
    return text;
}

/* Announced: correct_category is the future and new_category the present one. Completed: new_category. */
static void read_category(struct event *ev, struct json v)
{
    bool announced = word_of(v, "correct_category").p != NULL && word_of(v, "previous_category").p == NULL;
    ev->kind = EVENT_TEMPLATE_CATEGORY;
    if (announced) {
        ev->next_category = category_parse(word_of(v, "correct_category"));
        ev->next_category_at = event_time(v, "category_update_timestamp");
    } else {
        ev->new_category = category_parse(word_of(v, "new_category"));
    }
}

/* All template events; what it is is told by its members, because Meta documents the quality update under the
 * field of the status update. */
void event_add_template(struct reader *r, struct str field, struct json change)
{
    struct json v = r->value;
    struct event *ev = event_add(r, EVENT_OTHER);
    if (ev == NULL)
        return;
    ev->at = r->entry_time;
    ev->template_name = event_keep(r, word_of(v, "message_template_name"));
    ev->template_language = keep_language(r, word_of(v, "message_template_language"));
    json_id(json_get(v, "message_template_id"), &ev->template_id);
    ev->type = event_keep(r, word_of(v, "event"));
    ev->key = event_key_by_value(r, v, json_get(change, "rejection_info"), ev->at);
    struct str quality = word_of(v, "new_quality_score");
    if (quality.p != NULL || word_is(field, "message_template_quality_update")) {
        ev->kind = EVENT_TEMPLATE_QUALITY;
        ev->quality = event_keep(r, quality);
    } else if (word_is(field, "message_template_status_update")) {
        ev->kind = EVENT_TEMPLATE_STATUS;
        ev->template_status = template_status_parse(word_of(v, "event"));
        ev->template_detail = keep_template_detail(r, v, change);
    } else if (word_is(field, "template_category_update")) {
        read_category(ev, v);
    } else if (word_is(field, "message_template_components_update")) {
        ev->kind = EVENT_TEMPLATE_COMPONENTS;
    } else {
        ev->kind = EVENT_TEMPLATE_DETECTED;
        ev->next_category = category_parse(word_of(v, "correct_category"));
    }
}

/* What kind of thing was said, in its own word. */
static struct str word_said(struct json v)
{
    static const char *const words[] = {"event", "decision", "type", "status", NULL};
    struct str word = word_of(json_get(v, "alert_info"), "alert_type");
    for (size_t i = 0; word.p == NULL && words[i] != NULL; i++)
        word = word_of(v, words[i]);
    return word;
}

struct event *event_add_plain(struct reader *r, enum event_kind kind)
{
    struct event *ev = event_add(r, kind);
    if (ev == NULL)
        return NULL;
    ev->at = event_time_or_entry(r, r->value);
    ev->type = event_keep(r, word_said(r->value));
    if (ev->display_phone.p == NULL)
        ev->display_phone = event_keep(r, word_of(r->value, "display_phone_number"));
    if (ev->phone_number_id == 0)
        json_id(json_at(r->value, "phone_number_settings", "phone_number_id"), &ev->phone_number_id);
    ev->key = event_key_by_value(r, r->value, (struct json){0}, ev->at);
    event_read_errors(r, ev, json_get(r->value, "errors"));
    return ev;
}

void event_add_account(struct reader *r)
{
    struct event *ev = event_add_plain(r, EVENT_ACCOUNT);
    if (ev == NULL)
        return;
    struct account_word w = account_word_parse(r->base.field, r->value);
    ev->account = w.said != 0 ? arena_memdup(r->a, &w, sizeof w) : NULL;
    r->no_memory = r->no_memory || (w.said != 0 && ev->account == NULL);
}

void event_add_flow(struct reader *r)
{
    char digits[24];
    int64_t id;
    struct event *ev = event_add_plain(r, EVENT_FLOW);
    if (ev == NULL)
        return;
    ev->flow_id = event_keep(r, word_of(r->value, "flow_id"));
    if (ev->flow_id.p == NULL && json_i64(json_get(r->value, "flow_id"), &id))
        ev->flow_id = event_keep(r, digits_of(id, digits));
}

/* The chat passes to us or to somebody else. Seen without metadata: the recipient says which number it is. */
void event_add_handover(struct reader *r)
{
    struct event *ev = event_add_plain(r, EVENT_HANDOVER);
    if (ev == NULL)
        return;
    struct json sender = json_get(r->value, "sender"), recipient = json_get(r->value, "recipient");
    event_put_id(ev, json_get(sender, "phone_number"));
    event_put_id(ev, json_get(sender, "user_id"));
    if (ev->phone_number_id == 0)
        json_id(json_get(recipient, "phone_number_id"), &ev->phone_number_id);
    if (ev->display_phone.p == NULL)
        ev->display_phone = event_keep(r, word_of(recipient, "display_phone_number"));
    ev->text = event_keep(r, word_of(json_get(r->value, "control_passed"), "previous_owner_app_role"));
}

/* Each element tells of one group. */
void event_add_groups(struct reader *r)
{
    struct json list = json_get(r->value, "groups");
    if (json_type(list) != JSON_ARRAY || json_count(list) == 0) {
        (void)event_add_plain(r, EVENT_GROUP);
        return;
    }
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct event *ev = event_add(r, EVENT_GROUP);
        if (ev == NULL)
            return;
        ev->at = event_time_or_entry(r, it.value);
        ev->type = event_keep(r, word_of(it.value, "type"));
        ev->group_id = event_keep(r, word_of(it.value, "group_id"));
        ev->wamid = event_keep(r, word_of(it.value, "request_id"));
        ev->key = event_key_by_value(r, it.value, (struct json){0}, ev->at);
        event_read_errors(r, ev, json_get(it.value, "errors"));
    }
}
