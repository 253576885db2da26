/* SPDX-License-Identifier: Apache-2.0
 * sandbox_standing.c - how a number and its owner stand with the platform: quality, throughput, messaging limit.
 *
 * Told when asked for and announced as the platform does: a higher throughput and a new limit by webhook, a quality by
 * nothing. None of that changes what is accepted here, so at first they are the best there are; a --rate below
 * a thousand, which does limit, makes the throughput STANDARD. What an event restricts (sandbox_effects.c) is refused:
 * templates, utility, Direct Send or everything with 368 or 139200 until its time is over, everything with 131031 while the
 * account is disabled; health_status says the same. */
#include "sandbox/sandbox_apps.h"
#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_send.h"

#include <stdlib.h>
#include <string.h>

#define HIGH_RATE 1000 /* messages a second of a number with HIGH throughput */

static const char *const qualities[] = {"GREEN", "YELLOW", "RED", "UNKNOWN", NULL};
static const char *const levels[] = {"STANDARD", "HIGH", NULL};
static const char *const limits[] = {"TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", NULL};
static const int64_t limit_numbers[] = {250, 2000, 10000, 100000, -1};

void sbx_standing_reset(struct sandbox *sb)
{
    for (size_t i = 0; i < sb->n_numbers; i++) {
        sb->numbers[i].quality = "GREEN";
        sb->numbers[i].throughput = sb->o.mps_limit > 0 && sb->o.mps_limit < HIGH_RATE ? "STANDARD" : "HIGH";
        sb->numbers[i].on_phone_app = sb->numbers[i].official = false;
        sb->numbers[i].name_status = "APPROVED";
        sb->numbers[i].new_name_status = "NONE";
        sbx_set_text(&sb->numbers[i].name, STR("Sandbox"));
        free(sb->numbers[i].next_name);
        free(sb->numbers[i].username);
        sb->numbers[i].next_name = sb->numbers[i].username = NULL;
    }
    sb->standing = (struct sbx_standing){.limit = "TIER_UNLIMITED", .status = "ACTIVE", .review = "APPROVED"};
}

void sbx_standing_limit(struct sandbox *sb, struct json told)
{
    int64_t n = 0;
    bool number = json_i64(told, &n);
    for (size_t i = 0; limits[i] != NULL; i++)
        if (number ? n == limit_numbers[i] : str_ieq(json_str_or(told, STR("")), str_of(limits[i])))
            sb->standing.limit = limits[i];
}

/* Takes a word of the list from the call; false when it is another, and the call has been answered. */
static bool take_word(struct call *c, const char *name, const char *const *words, const char **field)
{
    struct str given = sbx_param(c, name);
    if (given.n == 0)
        return true;
    for (; *words != NULL; words++)
        if (str_ieq(given, str_of(*words))) {
            *field = *words;
            return true;
        }
    sbx_fail_param(c, "Param %s is not one of the words the platform uses.", name);
    return false;
}

static void announce(struct call *c, const char *field, const char *event, const struct sbx_number *n)
{
    struct json_out o;
    struct buf b;
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "field", field);
    jo_key(&o, "value");
    jo_object(&o);
    if (event != NULL) {
        jo_kcstr(&o, "display_phone_number", n->digits);
        jo_kcstr(&o, "event", event);
    }
    jo_kcstr(&o, "max_daily_conversations_per_business", c->sb->standing.limit);
    if (event == NULL)
        jo_kint(&o, "max_phone_numbers_per_waba", 25);
    jo_end(&o);
    jo_end(&o);
    const struct sbx_about about = {.field = str_of(field)};
    sbx_hooks_change(c->sb, &about, buf_str(&b));
    buf_done(&b);
}

void sbx_standing_post(struct call *c)
{
    struct str id = sbx_param(c, "phone_number_id"), app = sbx_param(c, "is_on_biz_app");
    struct sbx_number *n = id.n > 0 ? sbx_number_find(c->sb, id) : &c->sb->numbers[0];
    if (n == NULL) {
        sbx_fail_param(c, "There is no such phone_number_id.");
        return;
    }
    const char *quality = n->quality, *throughput = n->throughput, *limit = c->sb->standing.limit;
    if (!take_word(c, "quality_rating", qualities, &quality) || !take_word(c, "throughput", levels, &throughput) ||
        !take_word(c, "limit", limits, &limit))
        return;
    bool upgraded = throughput != n->throughput && str_eq(str_of(throughput), STR("HIGH"));
    bool limited = limit != c->sb->standing.limit;
    n->quality = quality;
    n->throughput = throughput;
    n->on_phone_app = app.n > 0 ? str_eq(app, STR("true")) : n->on_phone_app;
    c->sb->standing.limit = limit;
    if (upgraded)
        announce(c, "phone_number_quality_update", "THROUGHPUT_UPGRADE", n);
    if (limited)
        announce(c, "business_capability_update", NULL, n);
    sbx_success(c);
}

/* --- what is refused ---------------------------------------------------------------------------------- */

bool sbx_standing_allows(struct call *c, const struct sbx_send *s)
{
    const struct sbx_standing *st = &c->sb->standing;
    bool utility = s->template != NULL && strcmp(s->template->category, "UTILITY") == 0;
    int code = strcmp(st->status, "ACTIVE") != 0                                   ? 131031
               : c->now_ms < st->until_ms[SBX_NO_MESSAGES]                         ? 368
               : s->template != NULL && c->now_ms < st->until_ms[SBX_NO_TEMPLATES] ? 368
               : utility && c->now_ms < st->until_ms[SBX_NO_UTILITY]               ? 368
               : s->direct != NULL && c->now_ms < st->until_ms[SBX_NO_DIRECT]      ? 139200
                                                                                   : 0;
    if (code != 0)
        sbx_fail(c, code, NULL);
    return code == 0;
}

/* --- health_status ------------------------------------------------------------------------------------ */

enum health { AVAILABLE, LIMITED, BLOCKED };
static const char *const healths[] = {"AVAILABLE", "LIMITED", "BLOCKED"};

static enum health account_health(const struct call *c)
{
    const struct sbx_standing *st = &c->sb->standing;
    if (strcmp(st->status, "ACTIVE") != 0 || c->now_ms < st->until_ms[SBX_NO_MESSAGES])
        return BLOCKED;
    return c->now_ms < st->until_ms[SBX_NO_TEMPLATES] || c->now_ms < st->until_ms[SBX_NO_UTILITY] ? LIMITED : AVAILABLE;
}

static void write_entity(struct json_out *o, const char *type, const char *id, enum health h)
{
    jo_object(o);
    jo_kcstr(o, "entity_type", type);
    jo_kcstr(o, "id", id);
    jo_kcstr(o, "can_send_message", healths[h]);
    if (h != AVAILABLE) {
        jo_key(o, "errors");
        jo_array(o);
        jo_object(o);
        jo_kint(o, "error_code", strcmp(type, "WABA") == 0 ? 141006 : 141000);
        jo_kcstr(o, "error_description",
                 strcmp(type, "WABA") == 0 ? "The account is restricted." : "The phone number is not registered.");
        jo_kcstr(o, "possible_solution", "See the account in Business Manager.");
        jo_end(o);
        jo_end(o);
    }
    jo_end(o);
}

void sbx_health_write(const struct call *c, struct json_out *o, const struct sbx_number *n)
{
    enum health account = account_health(c), number = n != NULL && !n->registered ? BLOCKED : AVAILABLE;
    jo_object(o);
    jo_kcstr(o, "can_send_message", healths[account > number ? account : number]);
    jo_key(o, "entities");
    jo_array(o);
    if (n != NULL)
        write_entity(o, "PHONE_NUMBER", n->id, number);
    write_entity(o, "WABA", c->sb->o.waba_id, account);
    write_entity(o, "BUSINESS", SBX_PORTFOLIO, AVAILABLE);
    write_entity(o, "APP", c->app != NULL ? c->app->id : c->sb->o.app_id, AVAILABLE);
    jo_end(o);
    jo_end(o);
}
