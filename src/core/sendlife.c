/* SPDX-License-Identifier: Apache-2.0
 * sendlife.c - one function per kind of event, found through a table; see sendlife.h for the promise.
 *
 * The states in which Meta may already have the message are SENDING, DOUBT, SENT, FAILED after a webhook, and
 * UNDETERMINED. An attempt is opened in WAITING only, and WAITING is reached from the others in exactly three ways: a
 * definite refusal, the certainty that nothing left, and the one resend of a doubt. tests/unit/core/test_sendlife.c
 * explores every interleaving with crashes and lost, late and doubled words of Meta. */
#include "core/sendlife.h"

#include <stddef.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)

const char *life_state_name(enum life_state s)
{
    static const char *const names[] = {"", "waiting", "sending", "doubt", "sent", "failed", "expired", "undetermined"};
    return (unsigned)s < sizeof names / sizeof names[0] ? names[s] : "";
}

/* --- error codes ------------------------------------------------------------------------------------------------- */

static const struct {
    int code;
    struct reaction_to to;
} reactions[] = {
#define REACTION(code, reaction, wait_ms, why) {code, {REACT_##reaction, wait_ms, why}},
#include "core/reactions.def"
#undef REACTION
};

struct reaction_to reaction_to(int code)
{
    if (code >= 200 && code <= 299)
        code = 10; /* the permissions of the Graph API, all alike */
    for (size_t i = 0; i < sizeof reactions / sizeof reactions[0]; i++)
        if (reactions[i].code == code)
            return reactions[i].to;
    return (struct reaction_to){REACT_REJECT, 0, NULL};
}

int64_t reaction_wait(const struct reaction_to *r, int attempts)
{
    int64_t wait = r->wait_ms;
    int factor = r->reaction == REACT_PAIR ? 4 : r->reaction == REACT_RETRY ? 2 : 1;
    for (int i = 1; i < attempts && i < LIFE_ATTEMPTS_MAX; i++)
        wait *= factor;
    return wait;
}

/* --- what a doubt is worth --------------------------------------------------------------------------------------- */

static bool may_resend(enum category c)
{
    return c == CATEGORY_UTILITY || c == CATEGORY_AUTHENTICATION;
}

int64_t life_doubt_wait(enum category c)
{
    return c == CATEGORY_AUTHENTICATION ? 10000 : c == CATEGORY_UTILITY ? 5 * MINUTE_MS : HOUR_MS;
}

int64_t life_doubt_most(enum category c)
{
    return c == CATEGORY_AUTHENTICATION ? 10 * MINUTE_MS : HOUR_MS;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

bool life_ended(const struct life *l)
{
    return l->state >= LIFE_SENT;
}

void life_init(struct life *l, enum category c, int64_t now, int64_t expires)
{
    *l = (struct life){.state = LIFE_WAITING, .category = (uint8_t)c, .at = now, .expires = expires};
}

static bool too_late(const struct life *l, int64_t now)
{
    return l->expires != 0 && now >= l->expires;
}

/* The answer is about the attempt that is open. */
static bool answers(const struct life *l, const struct life_event *ev)
{
    return l->state == LIFE_SENDING && ev->attempt == l->attempts;
}

static void on_begin(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ev;
    if (l->state != LIFE_WAITING || now < l->at || too_late(l, now) || l->attempts >= LIFE_ATTEMPTS_MAX)
        return;
    l->attempts++;
    l->state = LIFE_SENDING;
    l->begun_at = now;
    l->at = 0;
    ret->send = true;
}

/* Meta has attempt n. Whatever was believed before, the message is sent; a second attempt that was accepted is a duplicate. */
static void has_attempt(struct life *l, int n, struct life_effects *ret)
{
    uint8_t bit = (uint8_t)(1u << (n - 1));
    if (l->accepted & bit)
        return;
    ret->duplicate = l->accepted != 0;
    l->accepted |= bit;
}

static void on_accepted(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)now;
    if (!answers(l, ev))
        return;
    has_attempt(l, ev->attempt, ret);
    l->held = ev->held;
    l->state = !l->delivered && l->failed == l->accepted ? LIFE_FAILED : LIFE_SENT; /* a webhook may have been faster */
}

/* No attempt is open any more, and the last one was surely not accepted. A doubt about an earlier one stays. */
static void settle_refused(struct life *l, bool again, int64_t at, int64_t now)
{
    bool late = too_late(l, now);
    l->at = 0;
    if (l->accepted != 0) {
        l->state = LIFE_SENT;
    } else if (again && !late) {
        l->state = LIFE_WAITING;
        l->at = at;
    } else if (l->resent) {
        l->state = LIFE_UNDETERMINED;
    } else {
        l->state = again ? LIFE_EXPIRED : LIFE_FAILED;
    }
}

static void on_rejected(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (!answers(l, ev))
        return;
    struct reaction_to r = reaction_to(ev->code);
    bool again = r.reaction != REACT_REJECT && l->attempts < LIFE_ATTEMPTS_MAX;
    l->code = ev->code;
    settle_refused(l, again, now + reaction_wait(&r, l->attempts), now);
}

static void on_unsent(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (!answers(l, ev))
        return;
    l->attempts--; /* nothing left the machine: it was none */
    settle_refused(l, true, now, now);
}

static void doubt(struct life *l, int64_t now)
{
    l->state = l->accepted != 0 ? LIFE_SENT : LIFE_DOUBT;
    l->at = l->state == LIFE_DOUBT ? now + life_doubt_wait((enum category)l->category) : 0;
}

static void on_silent(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (answers(l, ev))
        doubt(l, now);
}

static void on_restart(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ev, (void)ret;
    if (l->state == LIFE_SENDING)
        doubt(l, now);
}

/* Webhooks come late, twice and in any order; each says for certain that its attempt was accepted. */
static void on_status(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)now;
    has_attempt(l, ev->attempt, ret);
    l->delivered = l->delivered || ev->delivered;
    if (ev->code != 0) {
        l->failed |= (uint8_t)(1u << (ev->attempt - 1));
        l->code = ev->code;
    }
    if (l->state == LIFE_SENDING && ev->attempt != l->attempts)
        return; /* the resend is on its way: its own answer will close it */
    bool arrived = l->delivered || l->failed != l->accepted;
    l->state = arrived ? LIFE_SENT : LIFE_FAILED;
    l->at = 0;
}

static void doubt_timer(struct life *l, const struct life_event *ev, int64_t now)
{
    enum category c = (enum category)l->category;
    bool seen = ev->watermark >= l->begun_at + LIFE_WATERMARK_MARGIN_MS;
    if (may_resend(c) && !l->resent && seen && !too_late(l, now) && l->attempts < LIFE_ATTEMPTS_MAX) {
        l->resent = true;
        l->state = LIFE_WAITING;
        l->at = now;
    } else if (!may_resend(c) || l->resent || too_late(l, now) ||
               now >= l->begun_at + life_doubt_wait(c) + life_doubt_most(c)) {
        l->state = LIFE_UNDETERMINED;
        l->at = 0;
    } else {
        l->at = now + life_doubt_wait(c) / 4; /* the webhooks of later messages are not in yet */
    }
}

static void on_timer(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (l->state == LIFE_DOUBT && now >= l->at) {
        doubt_timer(l, ev, now);
    } else if (l->state == LIFE_WAITING && too_late(l, now)) {
        /* A resend that came too late leaves the doubt about the first attempt. */
        l->state = l->resent ? LIFE_UNDETERMINED : LIFE_EXPIRED;
        l->at = 0;
    }
}

typedef void on_event(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret);
static on_event *const events[] = {
    [LIFE_BEGIN] = on_begin,   [LIFE_ACCEPTED] = on_accepted, [LIFE_REJECTED] = on_rejected, [LIFE_UNSENT] = on_unsent,
    [LIFE_SILENT] = on_silent, [LIFE_RESTART] = on_restart,   [LIFE_STATUS] = on_status,     [LIFE_TIMER] = on_timer,
};

void life_step(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    struct life_effects none = {0};
    bool about_attempt = ev->kind >= LIFE_ACCEPTED && ev->kind != LIFE_RESTART && ev->kind != LIFE_TIMER;
    bool before = life_ended(l);
    *ret = none;
    if (about_attempt && (ev->attempt < 1 || ev->attempt > l->attempts))
        return; /* no such attempt was ever begun */
    events[ev->kind](l, ev, now, ret);
    ret->ended = life_ended(l) && !before;
}
