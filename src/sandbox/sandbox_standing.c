/* SPDX-License-Identifier: Apache-2.0
 * sandbox_standing.c - how a number and its owner stand with the platform: quality, throughput, messaging limit.
 *
 * Told when asked for and announced as the platform does: a higher throughput and a new limit by webhook, a quality by
 * nothing. None of it changes what is accepted here, so at first they are the best there are; a --rate below
 * a thousand, which does limit, makes the throughput STANDARD. */
#include "sandbox/sandbox_handlers.h"

#define HIGH_RATE 1000 /* messages a second of a number with HIGH throughput */

static const char *const qualities[] = {"GREEN", "YELLOW", "RED", "UNKNOWN", NULL};
static const char *const levels[] = {"STANDARD", "HIGH", NULL};
static const char *const limits[] = {"TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", NULL};

void sbx_standing_reset(struct sandbox *sb)
{
    for (size_t i = 0; i < sb->n_numbers; i++) {
        sb->numbers[i].quality = "GREEN";
        sb->numbers[i].throughput = sb->o.mps_limit > 0 && sb->o.mps_limit < HIGH_RATE ? "STANDARD" : "HIGH";
        sb->numbers[i].on_phone_app = false;
    }
    sb->limit = "TIER_UNLIMITED";
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
    jo_kcstr(&o, "max_daily_conversations_per_business", c->sb->limit);
    if (event == NULL)
        jo_kint(&o, "max_phone_numbers_per_waba", 25);
    jo_end(&o);
    jo_end(&o);
    sbx_hooks_change(c->sb, buf_str(&b));
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
    const char *quality = n->quality, *throughput = n->throughput, *limit = c->sb->limit;
    if (!take_word(c, "quality_rating", qualities, &quality) || !take_word(c, "throughput", levels, &throughput) ||
        !take_word(c, "limit", limits, &limit))
        return;
    bool upgraded = throughput != n->throughput && str_eq(str_of(throughput), STR("HIGH"));
    bool limited = limit != c->sb->limit;
    n->quality = quality;
    n->throughput = throughput;
    n->on_phone_app = app.n > 0 ? str_eq(app, STR("true")) : n->on_phone_app;
    c->sb->limit = limit;
    if (upgraded)
        announce(c, "phone_number_quality_update", "THROUGHPUT_UPGRADE", n);
    if (limited)
        announce(c, "business_capability_update", NULL, n);
    sbx_success(c);
}
