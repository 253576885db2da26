/* SPDX-License-Identifier: Apache-2.0
 * life_after.c - what follows from news about messages once they are on disk: counters, and a bell for what waits anew.
 *
 * Apart from lives.c because it belongs to another thread and needs the running gateway. A message counts when it comes into
 * a state, whoever brought the news; one that is corrected later counts there too, so the counters tell what happened and
 * not how messages stand. */
#include "gateway/dispatch.h"
#include "gateway/gateway_impl.h"
#include "gateway/lives.h"

void life_follow(struct gateway *g, const struct life_after *after)
{
    static const struct {
        enum life_state state;
        enum metric metric;
    } counted[] = {
        {LIFE_ACCEPTED, METRIC_ACCEPTED},   {LIFE_REJECTED, METRIC_REJECTED},
        {LIFE_AMBIGUOUS, METRIC_AMBIGUOUS}, {LIFE_UNSENT, METRIC_UNSENT},
        {LIFE_FAILED, METRIC_FAILED},       {LIFE_EXPIRED, METRIC_EXPIRED},
        {LIFE_CANCELLED, METRIC_CANCELLED}, {LIFE_UNDETERMINED, METRIC_UNDETERMINED},
    };
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        if (after->became[counted[i].state] > 0)
            metric_add(g, counted[i].metric, after->became[counted[i].state]);
    if (after->duplicates > 0)
        metric_add(g, METRIC_DUPLICATES, after->duplicates);
    for (size_t i = 0; i < after->n_bells; i++)
        dispatch_bell(g->dispatch, after->bell[i]);
}
