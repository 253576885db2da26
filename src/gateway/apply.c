/* SPDX-License-Identifier: Apache-2.0
 * apply.c - one function per kind of event, found through a table.
 *
 * Everything is folded by the time it happened: what Meta says, else when its body came, never when it is applied. Of one
 * moment the stricter word counts. So the same bodies lead to the same state however often and in whatever order they come,
 * split or merged. What cannot be placed stays in the inbox, which is never the poorer for it. */
#include "gateway/apply_impl.h"

#include <stdlib.h>

static int apply_nothing(struct apply_context *c, const struct event *ev, struct err *e)
{
    (void)c, (void)ev, (void)e;
    return 0; /* kept in the inbox; nothing a decision needs */
}

static int (*const apply_by_kind[])(struct apply_context *, const struct event *, struct err *) = {
    [EVENT_OTHER] = apply_nothing,
    [EVENT_INBOUND] = apply_inbound,
    [EVENT_CALL] = apply_inbound,
    [EVENT_STATUS] = apply_status,
    [EVENT_PREFERENCE] = apply_preference,
    [EVENT_TEMPLATE_STATUS] = apply_template,
    [EVENT_TEMPLATE_QUALITY] = apply_template,
    [EVENT_TEMPLATE_CATEGORY] = apply_template,
    [EVENT_NUMBER_CHANGED] = apply_number_changed,
    [EVENT_ACCOUNT] = apply_account,
    [EVENT_TEMPLATE_COMPONENTS] = apply_template,
    [EVENT_TEMPLATE_DETECTED] = apply_nothing,
    [EVENT_FLOW] = apply_nothing,
    [EVENT_GROUP] = apply_nothing,
    [EVENT_ECHO] = apply_nothing,
    [EVENT_HANDOVER] = apply_nothing,
};

int apply_events(struct apply *a, struct store *s, struct arena *arena, const struct event *ev, size_t n,
                 int64_t stored_at, int64_t now, struct apply_result *ret, struct err *e)
{
    struct apply_context c = {
        .a = a, .s = s, .arena = arena, .stored_at = stored_at < now ? stored_at : now, .now = now, .result = ret};
    for (size_t i = 0; i < n; i++) {
        int rc = apply_by_kind[ev[i].kind](&c, &ev[i], e);
        if (rc == 0)
            rc = apply_notice(&c, &ev[i], e);
        if (rc == 0)
            rc = apply_field(&c, &ev[i], e);
        if (rc != 0)
            return rc;
        ret->events++;
    }
    return 0;
}

int apply_create(struct apply **ret, struct store *s, struct err *e)
{
    struct apply *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    int rc = apply_statuses_create(&a->statuses, s, e);
    if (rc != 0) {
        free(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void apply_marks(struct apply *a, const struct gateway *g)
{
    a->g = g;
}

void apply_free(struct apply *a)
{
    if (a == NULL)
        return;
    apply_statuses_free(a->statuses);
    free(a);
}
