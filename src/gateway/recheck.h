/* SPDX-License-Identifier: Apache-2.0
 * recheck.h - who refused something a moment ago, which campaigns were stopped: what waits for them in the outbox is judged again at once.
 *
 * It would be refused anyway when its turn comes; but that may be tomorrow, and whoever looks at the queue should not find
 * messages there to people who said no, or of a campaign that is over. */
#ifndef WL_GATEWAY_RECHECK_H
#define WL_GATEWAY_RECHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;
struct recheck;

int recheck_start(struct recheck **ret, struct gateway *g, struct err *e);
/* Any thread; accepts NULL. People beyond RECHECK_MAX at a time wait for their messages' turns. */
#define RECHECK_MAX 4096
void recheck_person(struct recheck *r, int bucket, int64_t contact);
/* The same for the messages of a campaign that is over; or of one that goes on again after it was held: what rules held them for until later
 * (a template was paused, say) may be over, too. Beyond so many at a time: is to be said again. */
#define RECHECK_CAMPAIGNS_MAX 64
void recheck_campaign(struct recheck *r, int64_t campaign, bool goes_on);
void recheck_stop(struct recheck *r); /* before the door is closed; accepts NULL */
void recheck_free(struct recheck *r); /* accepts NULL */

#endif
