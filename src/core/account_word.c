/* SPDX-License-Identifier: Apache-2.0
 * account_word.c - tables from Meta's words to what they mean for a send.
 *
 * The enforcement ladder knows a block of template messages and one of all messages; the webhook names what is blocked by who
 * begins the conversation. A block of answers (RESTRICTED_CUSTOMER_INITIATED_MESSAGING) is the second: Meta knows no block
 * of answers alone. Blocks of calls and of adding numbers say nothing about the messages judged here. A restriction without a
 * time that can be read lasts until it is lifted. Whoever took an account off the API (deleted it, or left with it) locks it for
 * sending until it comes back. Events that change nothing here (partners, prices, links, security, alerts) are for people to
 * read. */
#include "core/account_word.h"

#include <string.h>

static struct str text_at(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), (struct str){NULL, 0});
}

static bool is(struct str s, const char *word)
{
    return str_ieq(s, str_of(word));
}

/* Limits */

int64_t account_limit_parse(struct json v)
{
    static const struct {
        const char *word;
        int64_t people;
    } tiers[] = {{"TIER_50", 50},     {"TIER_250", 250},     {"TIER_1K", 1000},    {"TIER_2K", 2000},
                 {"TIER_10K", 10000}, {"TIER_100K", 100000}, {"TIER_UNLIMITED", 0}};
    int64_t n;
    if (json_i64(v, &n) || json_id(v, &n))
        return n == -1 ? 0 : n > 0 ? n : -1;
    struct str word = json_str_or(v, STR(""));
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++)
        if (is(word, tiers[i].word))
            return tiers[i].people;
    return is(word, "-1") ? 0 : -1;
}

int account_throughput_parse(struct str level, bool on_phone_app)
{
    if (on_phone_app)
        return 20;
    return is(level, "STANDARD") ? 80 : is(level, "HIGH") ? 1000 : 0;
}

/* The portfolio's limit under any of the names it has had. */
static void say_limit(struct account_word *w, struct json value)
{
    static const char *const names[] = {"max_daily_conversations_per_business", "max_daily_conversation_per_phone",
                                        "current_limit"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !(w->said & SAID_LIMIT); i++) {
        int64_t limit = account_limit_parse(json_get(value, names[i]));
        if (limit >= 0) {
            w->limit = limit;
            w->said |= SAID_LIMIT;
        }
    }
}

/* Restrictions */

static int64_t expiration(struct json info)
{
    int64_t t;
    if (!json_id(json_get(info, "expiration"), &t) || t <= 0)
        return ACCOUNT_FOREVER;
    int64_t ms = t < 100000000000 ? t * 1000 : t; /* no second before the year 5138 is as large */
    return ms < ACCOUNT_FOREVER ? ms : ACCOUNT_FOREVER;
}

static void say_restriction(struct account_word *w, struct json info)
{
    static const struct {
        const char *type;
        unsigned said;
        size_t until;
    } types[] = {
        {"RESTRICTED_BIZ_INITIATED_MESSAGING", SAID_TEMPLATES, offsetof(struct account_word, no_templates_until)},
        {"RESTRICTED_CUSTOMER_INITIATED_MESSAGING", SAID_MESSAGES, offsetof(struct account_word, no_messages_until)},
        {"RESTRICTED_UTILITY_TEMPLATES", SAID_UTILITY, offsetof(struct account_word, no_utility_until)},
        {"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES", SAID_DIRECT, offsetof(struct account_word, no_direct_until)},
    };
    struct str type = text_at(info, "restriction_type");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!is(type, types[i].type))
            continue;
        int64_t at = expiration(info), *until = (int64_t *)(void *)((char *)w + types[i].until);
        bool again = (w->said & types[i].said) != 0;
        *until = again && *until > at ? *until : at; /* named twice: the longer one */
        w->said |= types[i].said;
    }
}

/* A text that fits its place; one that does not says nothing. */
static bool say_text(char *out, size_t size, struct str text)
{
    if (text.n == 0 || text.n >= size || memchr(text.p, '\0', text.n) != NULL)
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static void say_state(struct account_word *w, enum account_state state)
{
    w->state = state;
    w->said |= SAID_STATE;
}

static void say_ban(struct account_word *w, struct json info)
{
    struct str state = text_at(info, "waba_ban_state");
    bool scheduled = is(state, "SCHEDULE_FOR_DISABLE"), disabled = is(state, "DISABLE") || is(state, "DISABLED");
    if (disabled) {
        say_state(w, ACCOUNT_DISABLED);
    } else if (is(state, "REINSTATE") || is(state, "REINSTATED")) {
        say_state(w, ACCOUNT_OK); /* and nothing is restricted any more, nor will it be disabled */
        w->said |= SAID_TEMPLATES | SAID_MESSAGES | SAID_UTILITY | SAID_DIRECT | SAID_DISABLE_ON;
    }
    /* a warning: until that day the account works */
    if ((scheduled || disabled) && say_text(w->disable_on, sizeof w->disable_on, text_at(info, "waba_ban_date")))
        w->said |= SAID_DISABLE_ON;
}

static void say_violation(struct account_word *w, struct json info)
{
    if (say_text(w->violation, sizeof w->violation, text_at(info, "violation_type")))
        w->said |= SAID_VIOLATION;
}

static void say_owner(struct account_word *w, struct json info)
{
    int64_t owner;
    json_id(json_get(info, "waba_id"), &w->waba);
    if (!json_id(json_get(info, "owner_business_id"), &owner) || owner <= 0)
        return;
    w->portfolio = owner;
    w->said |= SAID_PORTFOLIO;
}

/* Fields */

static void account_update(struct account_word *w, struct json value)
{
    struct str event = text_at(value, "event");
    if (is(event, "ACCOUNT_RESTRICTION")) {
        for (struct json_iter it = json_iter(json_get(value, "restriction_info")); json_next(&it);)
            say_restriction(w, it.value);
    } else if (is(event, "ACCOUNT_VIOLATION")) {
        say_violation(w, json_get(value, "violation_info"));
    } else if (is(event, "DISABLED_UPDATE")) {
        say_ban(w, json_get(value, "ban_info"));
    } else if (is(event, "ACCOUNT_DELETED")) {
        say_state(w, ACCOUNT_DISABLED);
    } else if (is(event, "ACCOUNT_OFFBOARDED")) {
        say_state(w, ACCOUNT_LOCKED);
    } else if (is(event, "ACCOUNT_RECONNECTED")) {
        say_state(w, ACCOUNT_OK);
    }
    say_owner(w, json_get(value, "waba_info"));
}

static const char *decision_in(struct json value, const char *const *words)
{
    struct str decision = text_at(value, "decision");
    for (; *words != NULL; words++)
        if (is(decision, *words))
            return *words;
    return NULL;
}

static void account_review_update(struct account_word *w, struct json value)
{
    static const char *const words[] = {"APPROVED", "REJECTED", "PENDING", "DEFERRED", NULL};
    w->review = decision_in(value, words);
    w->said |= w->review != NULL ? SAID_REVIEW : 0;
}

/* What the number's own name_status will say. */
static void phone_number_name_update(struct account_word *w, struct json value)
{
    static const char *const words[] = {"APPROVED", "REJECTED", "PENDING", "DEFERRED", NULL};
    const char *decision = decision_in(value, words);
    if (decision == NULL)
        return;
    bool rejected = decision == words[1], pending = decision == words[2];
    w->name_status = rejected ? "DECLINED" : pending ? "PENDING_REVIEW" : decision;
    w->said |= SAID_NAME_STATUS;
}

/* Reserved and pending names are nobody's yet. */
static void business_username(struct account_word *w, struct json value)
{
    static const char *const gone[] = {"DELETED", "REMOVED", "RELEASED", "REJECTED"};
    static const char *const taken[] = {"", "APPROVED", "ACTIVE", "CLAIMED", "ADOPTED", "UPDATED"};
    struct str status = text_at(value, "status"), name = text_at(value, "username");
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (is(status, gone[i]))
            w->said |= SAID_USERNAME;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (is(status, taken[i]) && say_text(w->username, sizeof w->username, name))
            w->said |= SAID_USERNAME;
}

/* FLAGGED is of the years in which a number of low quality was flagged; what came after UNFLAGGED is not said. */
static void phone_number_quality_update(struct account_word *w, struct json value)
{
    struct str event = text_at(value, "event");
    if (is(event, "THROUGHPUT_UPGRADE")) {
        w->per_second = 1000;
        w->said |= SAID_THROUGHPUT;
    } else if (is(event, "FLAGGED")) {
        w->quality = "RED";
        w->said |= SAID_QUALITY;
    }
    say_limit(w, value);
}

static void business_capability_update(struct account_word *w, struct json value)
{
    static const char *const names[] = {"max_phone_numbers_per_waba", "max_phone_numbers_per_business"};
    int64_t n;
    for (size_t i = 0; i < 2 && !(w->said & SAID_NUMBERS_MAX); i++) {
        if (!json_id(json_get(value, names[i]), &n) || n <= 0)
            continue;
        w->numbers_max = n;
        w->said |= SAID_NUMBERS_MAX;
    }
    say_limit(w, value);
}

static const struct {
    const char *field;
    void (*parse)(struct account_word *w, struct json value);
} fields[] = {
    {"account_update", account_update},
    {"account_review_update", account_review_update},
    {"phone_number_quality_update", phone_number_quality_update},
    {"phone_number_name_update", phone_number_name_update},
    {"business_capability_update", business_capability_update},
    {"business_username_updates", business_username},
    {"phone_number_username_update", business_username},
};

struct account_word account_word_parse(struct str field, struct json value)
{
    struct account_word w = {0};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (is(field, fields[i].field))
            fields[i].parse(&w, value);
    return w;
}
