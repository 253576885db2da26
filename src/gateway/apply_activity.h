/* SPDX-License-Identifier: Apache-2.0
 * apply_activity.h - what statuses, messages and refusals say of how active a person is (core/activity.h).
 *
 * What a run of events says is collected and written at its end, each person's row once and in the order of the table; that may be, because
 * the order of events does not matter. */
#ifndef WL_GATEWAY_APPLY_ACTIVITY_H
#define WL_GATEWAY_APPLY_ACTIVITY_H

#include "core/activity.h"
#include "core/event.h"
#include "store/messages.h"

#define APPLY_ACTIVE_MAX 512
struct apply_active {
    size_t n;
    struct active_person {
        int bucket;
        int64_t contact;
        struct activity_event ev;
    } said[APPLY_ACTIVE_MAX];
};
/* Writes what was collected, which is then empty. */
int apply_active_flush(struct apply_active *a, struct store *s, struct err *e);

/* What a status of a message says of its person; false: nothing. */
bool activity_of_status(const struct message *m, uint32_t seen, int code, int64_t at, struct activity_event *ret);
/* The same of Meta's refusal of a message. */
bool activity_of_refusal(const struct message *m, int code, int64_t at, struct activity_event *ret);

/* A status that was not heard before, of a message to one person. */
int apply_activity_status(struct apply_active *a, struct store *s, const struct message *m, uint32_t seen, int code,
                          int64_t at, struct err *e);
/* Somebody wrote, tapped or called. */
int apply_activity_inbound(struct apply_active *a, struct store *s, int bucket, int64_t contact, const struct event *ev,
                           int64_t at, struct err *e);
/* At once. */
int apply_activity_refusal(struct store *s, const struct message *m, int code, int64_t at, struct err *e);

#endif
