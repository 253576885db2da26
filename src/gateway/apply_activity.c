/* SPDX-License-Identifier: Apache-2.0
 * apply_activity.c - events of Meta's as events of a person's activity.
 *
 * A status is kept once (store/message_events.c), so it is surely no repeat; a message from a person may come again in another
 * body, and nothing here knows. What is said in a group counts for nobody: a message to it is nobody's, and its words are said to
 * others. A voice message that was played was read before: it is a sign of life and no second reading. */
#include "gateway/apply_activity.h"

#include <stdlib.h>

#include "store/activities.h"

#define CODE_UNDELIVERABLE 131026
#define CODE_HELD_BACK     131049 /* too much marketing for this person */

static enum activity_kind kind_of_failure(int code)
{
    return code == CODE_UNDELIVERABLE ? ACTIVITY_UNREACHABLE
           : code == CODE_HELD_BACK   ? ACTIVITY_HELD_BACK
                                      : ACTIVITY_FAILED;
}

static int64_t sent_at(const struct message *m)
{
    return m->life.begun_at != 0 ? m->life.begun_at : m->ts;
}

bool activity_of_status(const struct message *m, uint32_t seen, int code, int64_t at, struct activity_event *ret)
{
    enum activity_kind kind = seen & SEEN_FAILED                      ? kind_of_failure(code)
                              : seen & SEEN_READ                      ? ACTIVITY_READ
                              : seen & (SEEN_DELIVERED | SEEN_PLAYED) ? ACTIVITY_DELIVERED
                                                                      : ACTIVITY_SENT;
    if (m->contact == 0 || message_is_erased(m) || (kind == ACTIVITY_SENT && !(seen & SEEN_SENT)))
        return false;
    *ret = (struct activity_event){.kind = kind, .at = at, .sent = seen & SEEN_PLAYED ? 0 : sent_at(m), .sure = true};
    return true;
}

/* Most refusals are about the message or the account. */
bool activity_of_refusal(const struct message *m, int code, int64_t at, struct activity_event *ret)
{
    enum activity_kind kind = kind_of_failure(code);
    if (kind == ACTIVITY_FAILED || m->contact == 0 || message_is_erased(m))
        return false;
    *ret = (struct activity_event){.kind = kind, .at = at, .sent = sent_at(m), .sure = true};
    return true;
}

/* --- collecting ------------------------------------------------------------------------------------------------------- */

static int by_person(const void *x, const void *y)
{
    const struct active_person *a = x, *b = y;
    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    return (a->contact > b->contact) - (a->contact < b->contact);
}

int apply_active_flush(struct apply_active *a, struct store *s, struct err *e)
{
    struct activity_event ev[APPLY_ACTIVE_MAX];
    size_t n = a->n;
    int rc = 0;
    a->n = 0;
    qsort(a->said, n, sizeof *a->said, by_person);
    for (size_t i = 0, k; i < n && rc == 0; i += k) {
        for (k = 0; i + k < n && by_person(&a->said[i], &a->said[i + k]) == 0; k++)
            ev[k] = a->said[i + k].ev;
        rc = activities_add(s, a->said[i].bucket, a->said[i].contact, ev, k, e);
    }
    return rc;
}

static int collect(struct apply_active *a, struct store *s, int bucket, int64_t contact,
                   const struct activity_event *ev, struct err *e)
{
    int rc = a->n == APPLY_ACTIVE_MAX ? apply_active_flush(a, s, e) : 0;
    if (rc == 0 && contact != 0)
        a->said[a->n++] = (struct active_person){bucket, contact, *ev};
    return rc;
}

int apply_activity_status(struct apply_active *a, struct store *s, const struct message *m, uint32_t seen, int code,
                          int64_t at, struct err *e)
{
    struct activity_event ev;
    return activity_of_status(m, seen, code, at, &ev) ? collect(a, s, m->bucket, m->contact, &ev, e) : 0;
}

int apply_activity_inbound(struct apply_active *a, struct store *s, int bucket, int64_t contact, const struct event *ev,
                           int64_t at, struct err *e)
{
    const struct activity_event said = {.kind = ev->payload.n > 0 ? ACTIVITY_CLICKED : ACTIVITY_REPLIED, .at = at};
    return ev->opens && ev->group_id.n == 0 ? collect(a, s, bucket, contact, &said, e) : 0;
}

int apply_activity_refusal(struct store *s, const struct message *m, int code, int64_t at, struct err *e)
{
    struct activity_event ev;
    return activity_of_refusal(m, code, at, &ev) ? activities_add(s, m->bucket, m->contact, &ev, 1, e) : 0;
}
