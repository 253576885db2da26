/* SPDX-License-Identifier: Apache-2.0
 * sandbox_effects.c - what an event does to the imitation: what it told by webhook is what it tells when asked.
 *
 * One function a field, over the value as it was sent, so that what the caller changed in it counts. Fields that say nothing
 * the imitation keeps (alerts, flows, groups, echoes, payments) have none. Words it does not know change nothing. */
#include "sandbox/sandbox_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_templates.h"

struct effect {
    struct sandbox *sb;
    struct json value;
    int64_t at_ms;
};

static struct str text(struct json v, const char *key)
{
    return json_str_or(json_get(v, key), (struct str){NULL, 0});
}

static bool is(struct str s, const char *word)
{
    return str_ieq(s, str_of(word));
}

struct sbx_template *sbx_event_template(const struct sandbox *sb, struct str name, struct str language)
{
    char written[24];
    if (language.n >= sizeof written)
        return NULL;
    for (size_t i = 0; i < language.n; i++)
        written[i] = language.p[i] == '-' ? '_' : language.p[i];
    return sbx_template_find(sb, name, (struct str){written, language.n});
}

static struct sbx_template *the_template(const struct effect *f)
{
    return sbx_event_template(f->sb, text(f->value, "message_template_name"),
                              text(f->value, "message_template_language"));
}

struct sbx_number *sbx_event_number(struct sandbox *sb, struct json value)
{
    struct str id = json_str_or(json_at(value, "metadata", "phone_number_id"), text(value, "entity_id"));
    struct str display = text(value, "display_phone_number");
    struct sbx_number *n = id.n > 0 ? sbx_number_find(sb, id) : NULL;
    return n == NULL && display.n > 0 ? sbx_number_by_digits(sb, display) : n;
}

/* --- templates ---------------------------------------------------------------------------------------- */

static void template_quality(const struct effect *f)
{
    struct sbx_template *t = the_template(f);
    struct str score = text(f->value, "new_quality_score");
    if (t != NULL && score.n > 0 && score.n < sizeof t->quality)
        snprintf(t->quality, sizeof t->quality, "%.*s", (int)score.n, score.p);
}

static void template_status(const struct effect *f)
{
    struct sbx_template *t = the_template(f);
    if (json_type(json_get(f->value, "new_quality_score")) != JSON_ABSENT)
        template_quality(f);
    else if (t != NULL)
        sbx_template_became(f->sb, t, text(f->value, "event"), text(f->value, "reason"));
}

static void template_category(const struct effect *f)
{
    struct sbx_template *t = the_template(f);
    const char *correct = sbx_template_category(text(f->value, "correct_category"));
    const char *now = sbx_template_category(text(f->value, "new_category"));
    if (t == NULL)
        return;
    t->category = now ? now : t->category;
    t->correct_category = correct;
}

static const char *const component_types[] = {"HEADER", "BODY", "FOOTER", "BUTTONS"};
static const char *const component_members[] = {"message_template_title", "message_template_element",
                                                "message_template_footer", "message_template_buttons"};

static void write_button(struct json_out *o, struct json b)
{
    static const char *const members[][2] = {{"type", "message_template_button_type"},
                                             {"text", "message_template_button_text"},
                                             {"url", "message_template_button_url"},
                                             {"phone_number", "message_template_button_phone_number"}};
    jo_object(o);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (text(b, members[i][1]).p != NULL)
            jo_kstr(o, members[i][0], text(b, members[i][1]));
    jo_end(o);
}

static void write_component(struct json_out *o, size_t type, struct json told)
{
    jo_object(o);
    jo_kcstr(o, "type", component_types[type]);
    if (type == 0)
        jo_kcstr(o, "format", "TEXT");
    if (type < 3) {
        jo_kstr(o, "text", json_str_or(told, STR("")));
    } else {
        jo_key(o, "buttons");
        jo_array(o);
        for (struct json_iter it = json_iter(told); json_next(&it);)
            write_button(o, it.value);
        jo_end(o);
    }
    jo_end(o);
}

/* What is not told stays. */
static void write_components(struct json_out *o, const struct effect *f, struct json before)
{
    jo_array(o);
    for (size_t i = 0; i < 4; i++) {
        struct json told = json_get(f->value, component_members[i]);
        if (json_type(told) != JSON_ABSENT) {
            write_component(o, i, told);
            continue;
        }
        for (struct json_iter it = json_iter(before); json_next(&it);) {
            if (!is(text(it.value, "type"), component_types[i]))
                continue;
            struct buf b;
            buf_init(&b, 1u << 20);
            json_write_value(&b, it.value);
            jo_raw(o, buf_str(&b));
            buf_done(&b);
        }
    }
    jo_end(o);
}

static void template_components(const struct effect *f)
{
    struct sbx_template *t = the_template(f);
    struct json_parser *p = sbx_parser_take(f->sb);
    struct json components;
    struct json_out o;
    struct buf b;
    buf_init(&b, 1u << 20);
    json_out_init(&o, &b);
    if (t != NULL && json_parse(p, str_of(t->components), false, &components, NULL) == 0) {
        write_components(&o, f, components);
        if (json_parse(p, buf_str(&b), false, &components, NULL) == 0)
            sbx_template_set(t, components);
    }
    buf_done(&b);
    sbx_parser_give(f->sb, p);
}

/* --- numbers ------------------------------------------------------------------------------------------ */

static void limit_told(const struct effect *f)
{
    struct json told = json_get(f->value, "max_daily_conversations_per_business");
    if (json_type(told) == JSON_ABSENT)
        told = json_get(f->value, "current_limit");
    sbx_standing_limit(f->sb, told);
}

static void number_quality(const struct effect *f)
{
    struct sbx_number *n = sbx_event_number(f->sb, f->value);
    struct str event = text(f->value, "event");
    limit_told(f);
    if (n == NULL)
        return;
    if (is(event, "THROUGHPUT_UPGRADE"))
        n->throughput = "HIGH";
    else if (is(event, "FLAGGED"))
        n->quality = "RED";
    else if (is(event, "UNFLAGGED"))
        n->quality = "GREEN";
}

static void number_name(const struct effect *f)
{
    struct sbx_number *n = sbx_event_number(f->sb, f->value);
    struct str decision = text(f->value, "decision"), name = text(f->value, "requested_verified_name");
    if (n == NULL)
        return;
    n->new_name_status = is(decision, "REJECTED") ? "DECLINED" : is(decision, "APPROVED") ? "NONE" : "PENDING_REVIEW";
    if (is(decision, "REJECTED"))
        n->name_status = "DECLINED";
    if (!is(decision, "APPROVED"))
        return;
    n->name_status = "APPROVED";
    if (name.n > 0)
        sbx_set_text(&n->next_name, name); /* the number takes it when it is registered again */
}

static void number_username(const struct effect *f)
{
    struct sbx_number *n = sbx_event_number(f->sb, f->value);
    if (n == NULL)
        return;
    if (is(text(f->value, "status"), "deleted")) {
        free(n->username);
        n->username = NULL;
    } else if (is(text(f->value, "status"), "approved")) {
        sbx_set_text(&n->username, text(f->value, "username"));
    }
}

static void alert(const struct effect *f)
{
    struct sbx_number *n = sbx_event_number(f->sb, f->value);
    struct str type = text(json_get(f->value, "alert_info"), "alert_type");
    if (n != NULL && (is(type, "OBA_APPROVED") || is(type, "OBA_REJECTED")))
        n->official = is(type, "OBA_APPROVED");
}

/* --- people ------------------------------------------------------------------------------------------- */

static void each_name(const struct effect *f, struct json who, const char *phone, const char *user_id,
                      void (*then)(struct sbx_pair *p, int64_t at_ms, struct json who))
{
    const struct sbx_number *n = sbx_event_number(f->sb, f->value);
    struct str names[2] = {text(who, phone), text(who, user_id)}, at = text(who, "timestamp");
    int64_t seconds = f->at_ms / 1000;
    str_i64(at, &seconds);
    for (int i = 0; i < 2 && n != NULL; i++) {
        struct sbx_pair *p = names[i].n > 0 ? sbx_pair(f->sb, str_of(n->id), names[i], true) : NULL;
        if (p != NULL)
            then(p, seconds * 1000, who);
    }
}

static void wrote(struct sbx_pair *p, int64_t at_ms, struct json who)
{
    (void)who;
    if (at_ms > p->inbound_ms && at_ms <= clock_now_ms() + 1000)
        p->inbound_ms = at_ms;
}

static void preferred(struct sbx_pair *p, int64_t at_ms, struct json who)
{
    (void)at_ms;
    p->stopped = is(text(who, "value"), "stop");
}

static void all_wrote(const struct effect *f, struct json messages)
{
    for (struct json_iter it = json_iter(messages); json_next(&it);)
        if (!is(text(it.value, "type"), "system") && json_type(json_get(it.value, "group_id")) == JSON_ABSENT)
            each_name(f, it.value, "from", "from_user_id", wrote);
}

static void messages(const struct effect *f)
{
    all_wrote(f, json_get(f->value, "messages"));
}

static void standby(const struct effect *f)
{
    all_wrote(f, json_at(f->value, "standby", "messages"));
}

static void calls(const struct effect *f)
{
    for (struct json_iter it = json_iter(json_get(f->value, "calls")); json_next(&it);)
        if (is(text(it.value, "direction"), "USER_INITIATED") && is(text(it.value, "event"), "connect"))
            each_name(f, it.value, "from", "from_user_id", wrote);
}

static void preferences(const struct effect *f)
{
    for (struct json_iter it = json_iter(json_get(f->value, "user_preferences")); json_next(&it);)
        each_name(f, it.value, "wa_id", "user_id", preferred);
}

/* --- the account -------------------------------------------------------------------------------------- */

static void restrict_account(const struct effect *f)
{
    static const char *const types[SBX_RESTRICTIONS] = {"RESTRICTED_BIZ_INITIATED_MESSAGING",
                                                        "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
                                                        "RESTRICTED_UTILITY_TEMPLATES",
                                                        "RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES"};
    for (struct json_iter it = json_iter(json_get(f->value, "restriction_info")); json_next(&it);) {
        int64_t until;
        bool lasting = !json_id(json_get(it.value, "expiration"), &until);
        for (size_t i = 0; i < SBX_RESTRICTIONS; i++)
            if (is(text(it.value, "restriction_type"), types[i]))
                f->sb->standing.until_ms[i] = lasting ? INT64_MAX : until * 1000;
    }
}

static void account(const struct effect *f)
{
    struct sbx_standing *s = &f->sb->standing;
    struct str event = text(f->value, "event"), ban = text(json_get(f->value, "ban_info"), "waba_ban_state");
    if (is(event, "ACCOUNT_RESTRICTION"))
        restrict_account(f);
    else if (is(event, "ACCOUNT_DELETED"))
        s->status = "DELETED";
    else if (is(event, "DISABLED_UPDATE") && is(ban, "DISABLE"))
        s->status = "DISABLED";
    else if (is(event, "DISABLED_UPDATE") && is(ban, "REINSTATE")) {
        s->status = "ACTIVE";
        memset(s->until_ms, 0, sizeof s->until_ms);
    }
}

static void review(const struct effect *f)
{
    static const char *const words[] = {"APPROVED", "REJECTED", "PENDING", "DEFERRED"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is(text(f->value, "decision"), words[i]))
            f->sb->standing.review = words[i];
}

void sbx_event_effect(struct sandbox *sb, struct str field, struct json value, int64_t at_ms)
{
    static const struct {
        const char *field;
        void (*then)(const struct effect *f);
    } effects[] = {
        {"messages", messages},
        {"standby", standby},
        {"calls", calls},
        {"user_preferences", preferences},
        {"message_template_status_update", template_status},
        {"message_template_quality_update", template_quality},
        {"message_template_components_update", template_components},
        {"template_category_update", template_category},
        {"phone_number_quality_update", number_quality},
        {"phone_number_name_update", number_name},
        {"business_username_updates", number_username},
        {"phone_number_username_update", number_username},
        {"account_alerts", alert},
        {"account_update", account},
        {"account_review_update", review},
        {"business_capability_update", limit_told},
    };
    const struct effect f = {sb, value, at_ms};
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
        if (str_eq(field, str_of(effects[i].field)))
            effects[i].then(&f);
}
