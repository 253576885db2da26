/* SPDX-License-Identifier: Apache-2.0
 * rest_preferences.c - POST /contacts/{who}/preferences: a link to the person's own preference page.
 *
 * The link is worked out, not kept: asking twice gives two that are both good. Without public_url nobody outside could open
 * it, so there is none. */
#include <stdio.h>

#include "gateway/preference_link.h"
#include "gateway/rest_impl.h"
#include "gateway/rest_subscriber.h"

#define DAY_MS   INT64_C(86400000)
#define DAYS_MAX 3650

int rest_preferences_link(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"days", NULL};
    const struct gateway *g = c->g;
    struct person p;
    struct json root;
    char token[PREFERENCE_TOKEN];
    int64_t days = g->o.preference_ms / DAY_MS;
    if (c->body.n > 0) {
        if (!rest_read_object(c, keys, &root))
            return 0;
        if (json_type(json_get(root, "days")) > JSON_NULL &&
            (!json_i64(json_get(root, "days"), &days) || days < 1 || days > DAYS_MAX))
            return rest_wrong(c, WL_EINVAL, "days", "days must be a number from 1 to %d", DAYS_MAX);
    }
    if (g->o.public_url == NULL)
        return rest_wrong(c, WL_ECONFLICT, NULL,
                          "public_url is not set in the configuration, so nobody outside could open the link");
    int rc = rest_find_person(c, s, c->param, &p, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct preference_link l = {.bucket = p.bucket, .contact = p.id, .until = now + days * DAY_MS};
    char *url = arena_printf(a, "%s" PREFERENCE_PREFIX "%s", g->o.public_url,
                             preference_link_write(g->preference_key, &l, token));
    if (url == NULL)
        return err_set(e, WL_ENOMEM, "the answer is too large");
    jo_object(&c->out);
    jo_kcstr(&c->out, "url", url);
    rest_time(&c->out, "until", l.until);
    jo_end(&c->out);
    return 0;
}
