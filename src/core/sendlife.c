/* SPDX-License-Identifier: Apache-2.0
 * sendlife.c - one function per kind of event, found through a table; see sendlife.h for the promise.
 *
 * The states in which Meta may already have the message are SENDING, AMBIGUOUS, ACCEPTED, FAILED and
 * UNDETERMINED. An attempt is opened in WAITING only, and WAITING is reached from the others in exactly three ways: a
 * definite refusal, the certainty that nothing left, and the one resend of a doubt. tests/unit/core/test_sendlife.c
 * explores every interleaving with crashes and lost, late and doubled words of Meta. */
#include "core/sendlife.h"

#include <stddef.h>

#include "core/event.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)

static const char *const state_names[] = {
    [LIFE_REFUSED] = "refused",           [LIFE_SENDING] = "sending",     [LIFE_ACCEPTED] = "accepted",
    [LIFE_REJECTED] = "rejected",         [LIFE_AMBIGUOUS] = "ambiguous", [LIFE_UNSENT] = "unsent",
    [LIFE_WAITING] = "waiting",           [LIFE_FAILED] = "failed",       [LIFE_EXPIRED] = "expired",
    [LIFE_UNDETERMINED] = "undetermined", [LIFE_CANCELLED] = "cancelled"};
#define STATES (sizeof state_names / sizeof state_names[0])

const char *life_state_name(enum life_state s)
{
    return (unsigned)s < STATES && state_names[s] != NULL ? state_names[s] : "unknown";
}

enum life_state life_state_parse(struct str word)
{
    for (size_t i = LIFE_REFUSED; i < STATES; i++)
        if (str_eq(word, str_of(state_names[i])))
            return (enum life_state)i;
    return 0;
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

bool reaction_spares(enum reaction r)
{
    return r >= REACT_RATE;
}

int64_t reaction_wait(const struct reaction_to *r, int attempts)
{
    static const struct {
        int factor;
        int64_t most;
    } grow[] = {[REACT_REJECT] = {1, 0},       [REACT_RETRY] = {2, HOUR_MS},
                [REACT_RATE] = {2, MINUTE_MS}, [REACT_PAIR] = {4, 17 * MINUTE_MS},
                [REACT_WAIT] = {1, HOUR_MS},   [REACT_CIRCUIT] = {1, HOUR_MS}};
    int64_t wait = r->wait_ms, most = grow[r->reaction].most;
    for (int i = 1; i < attempts && wait < most; i++)
        wait *= grow[r->reaction].factor;
    return wait < most ? wait : most;
}

/* --- what a doubt is worth --------------------------------------------------------------------------------------- */

static bool may_resend(const struct life *l)
{
    return !l->once && (l->category == CATEGORY_UTILITY || l->category == CATEGORY_AUTHENTICATION);
}

int64_t life_doubt_wait(enum category c)
{
    return c == CATEGORY_AUTHENTICATION ? 10000 : c == CATEGORY_UTILITY ? 5 * MINUTE_MS : HOUR_MS;
}

int64_t life_doubt_most(enum category c)
{
    return c == CATEGORY_AUTHENTICATION ? 10 * MINUTE_MS : HOUR_MS;
}

/* The one under which less is done about a doubt, and later. */
static enum category stricter(enum category a, enum category b)
{
    static const uint8_t rank[CATEGORY_COUNT] = {
        [CATEGORY_AUTHENTICATION] = 0, [CATEGORY_UTILITY] = 1, [CATEGORY_SERVICE] = 2,
        [CATEGORY_CALLS] = 2,          [CATEGORY_UNKNOWN] = 3, [CATEGORY_MARKETING] = 4};
    return rank[b] > rank[a] ? b : a;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

bool life_ended(const struct life *l)
{
    return l->state != LIFE_WAITING && l->state != LIFE_SENDING && l->state != LIFE_AMBIGUOUS;
}

void life_init(struct life *l, enum category c, int64_t now, int64_t expires)
{
    *l = (struct life){.state = LIFE_WAITING, .category = (uint8_t)c, .at = now, .expires = expires};
}

static bool too_late(const struct life *l, int64_t now)
{
    return l->expires != 0 && now >= l->expires;
}

/* The answer is about the attempt that is open, or about the one in doubt: a process that was taken for dead may come back
 * with it. */
static bool answers(const struct life *l, const struct life_event *ev)
{
    return (l->state == LIFE_SENDING || l->state == LIFE_AMBIGUOUS) && ev->attempt == l->attempts;
}

/* What waits longer than it is worth is looked at again when it is worth nothing any more. */
static void wait_until(struct life *l, int64_t at)
{
    l->state = LIFE_WAITING;
    l->at = l->expires != 0 && at > l->expires ? l->expires : at;
}

/* Meta has it; whether it arrived is what webhooks said, of all attempts that were accepted. */
static void settle_accepted(struct life *l)
{
    bool arrived = l->delivered || l->failed != l->accepted;
    l->state = arrived ? LIFE_ACCEPTED : LIFE_FAILED;
    l->at = 0;
}

static void on_begin(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    bool room = l->anew || l->attempts < LIFE_ATTEMPTS_MAX;
    if (l->state != LIFE_WAITING || now < l->at || too_late(l, now) || !room)
        return;
    if (ev->category != CATEGORY_UNKNOWN)
        l->category = (uint8_t)(l->attempts == 0 ? ev->category : stricter((enum category)l->category, ev->category));
    if (!l->anew)
        l->attempts++;
    l->anew = false;
    l->state = LIFE_SENDING;
    l->begun_at = now;
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

/* An id is certain whenever it comes; one of an earlier attempt leaves the open one to its own answer. */
static void on_accepted(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)now;
    if (answers(l, ev))
        l->held = ev->held;
    has_attempt(l, ev->attempt, ret);
    if (l->state != LIFE_SENDING || ev->attempt == l->attempts)
        settle_accepted(l);
}

/* No attempt is open any more, and the last one was surely not accepted. A doubt about an earlier one stays. */
static void settle_refused(struct life *l, bool again, int64_t at, int64_t now)
{
    bool late = too_late(l, now);
    l->at = 0;
    if (l->accepted != 0) {
        settle_accepted(l);
    } else if (again && !late) {
        wait_until(l, at);
    } else if (l->resent) {
        l->state = LIFE_UNDETERMINED;
    } else {
        l->state = again ? LIFE_EXPIRED : LIFE_REJECTED;
    }
}

static void on_rejected(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (!answers(l, ev))
        return;
    struct reaction_to r = reaction_to(ev->code);
    bool spared = reaction_spares(r.reaction) && !l->once;
    bool again = spared || (r.reaction != REACT_REJECT && !l->once && l->attempts < LIFE_ATTEMPTS_MAX);
    l->code = ev->code;
    if (spared && l->turned < LIFE_TURNED_MAX)
        l->turned++;
    settle_refused(l, again, now + reaction_wait(&r, spared ? l->turned : l->attempts), now);
    l->anew = spared && l->state == LIFE_WAITING;
}

static void on_unsent(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (!answers(l, ev))
        return;
    if (l->once) {
        l->state = LIFE_UNSENT;
        l->at = 0;
        return;
    }
    l->attempts--; /* nothing left the machine: it was none */
    settle_refused(l, true, ev->at > now ? ev->at : now, now);
}

static void doubt(struct life *l, int64_t now)
{
    if (l->accepted != 0) {
        settle_accepted(l);
        return;
    }
    l->state = LIFE_AMBIGUOUS;
    l->at = now + life_doubt_wait((enum category)l->category);
}

static void on_silent(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (l->state != LIFE_SENDING || ev->attempt != l->attempts)
        return;
    l->code = ev->code != 0 ? ev->code : l->code; /* a 5xx that names one settles nothing, but says more than none */
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
    if (ev->failed) {
        uint8_t bit = (uint8_t)(1u << (ev->attempt - 1));
        bool told = (l->failed & bit) != 0 && l->code != 0 && l->code < ev->code;
        l->failed |= bit;
        l->code = ev->code != 0 && !told ? ev->code : l->code; /* of several, the smallest: whichever came first */
    }
    if (l->state != LIFE_SENDING || ev->attempt == l->attempts)
        settle_accepted(l); /* else the resend is on its way: its own answer will close it */
}

/* Whether a status of the last attempt would have been applied by now, had Meta accepted it. */
static bool would_have_been_seen(const struct life *l, const struct life_event *ev, int64_t now)
{
    bool missed = l->begun_at < ev->listening && now < ev->listening + LIFE_REPEATED_MS;
    return !missed && ev->watermark >= l->begun_at + LIFE_WATERMARK_MARGIN_MS;
}

static void doubt_timer(struct life *l, const struct life_event *ev, int64_t now)
{
    enum category c = (enum category)l->category;
    bool seen = would_have_been_seen(l, ev, now);
    if (may_resend(l) && !l->resent && seen && !too_late(l, now) && l->attempts < LIFE_ATTEMPTS_MAX) {
        l->resent = true;
        wait_until(l, now);
    } else if (!may_resend(l) || l->resent || too_late(l, now) ||
               now >= l->begun_at + life_doubt_wait(c) + life_doubt_most(c)) {
        l->state = LIFE_UNDETERMINED;
        l->at = 0;
    } else {
        l->at = now + life_doubt_wait(c) / 4; /* the webhooks of later messages are not in yet */
    }
}

/* It will not be attempted again. A doubt about an earlier attempt stays one. */
static void give_up(struct life *l, enum life_state end)
{
    l->state = l->resent ? LIFE_UNDETERMINED : (uint8_t)end;
    l->at = 0;
}

static void on_timer(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ret;
    if (l->state == LIFE_AMBIGUOUS && now >= l->at) {
        doubt_timer(l, ev, now);
    } else if (l->state == LIFE_WAITING && too_late(l, now)) {
        give_up(l, LIFE_EXPIRED);
    }
}

static void on_put_off(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)now, (void)ret;
    if (l->state == LIFE_WAITING)
        wait_until(l, ev->at);
}

static void on_refused(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)now, (void)ret;
    if (l->state != LIFE_WAITING)
        return;
    l->code = ev->code;
    give_up(l, LIFE_REFUSED);
}

static void on_cancel(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ev, (void)now, (void)ret;
    if (l->state == LIFE_WAITING)
        give_up(l, LIFE_CANCELLED);
}

static void on_forget(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    on_cancel(l, ev, now, ret);
    if (l->state != LIFE_AMBIGUOUS)
        return;
    l->state = LIFE_UNDETERMINED;
    l->at = 0;
}

/* It changes nothing in what is known of the attempts. */
static void on_doubled(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    (void)ev, (void)now;
    ret->duplicate = !l->doubled;
    l->doubled = true;
}

typedef void on_event(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret);
static on_event *const events[] = {
    [STEP_BEGIN] = on_begin,     [STEP_ACCEPTED] = on_accepted, [STEP_REJECTED] = on_rejected,
    [STEP_UNSENT] = on_unsent,   [STEP_SILENT] = on_silent,     [STEP_RESTART] = on_restart,
    [STEP_STATUS] = on_status,   [STEP_TIMER] = on_timer,       [STEP_PUT_OFF] = on_put_off,
    [STEP_REFUSED] = on_refused, [STEP_CANCEL] = on_cancel,     [STEP_DOUBLED] = on_doubled,
    [STEP_FORGET] = on_forget,
};

void life_step(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret)
{
    struct life_effects none = {0};
    bool about_attempt = ev->kind >= STEP_ACCEPTED && ev->kind <= STEP_STATUS && ev->kind != STEP_RESTART;
    bool before = life_ended(l);
    *ret = none;
    if (about_attempt && (ev->attempt < 1 || ev->attempt > l->attempts))
        return; /* no such attempt was ever begun */
    events[ev->kind](l, ev, now, ret);
    ret->ended = life_ended(l) && !before;
}

/* --- stored and shown --------------------------------------------------------------------------------------------- */

int64_t life_bits(const struct life *l)
{
    return l->accepted | l->failed << 8 | l->once << 16 | l->resent << 17 | l->held << 18 | l->delivered << 19 |
           l->doubled << 20 | l->anew << 21 | l->turned << 22;
}

void life_set_bits(struct life *l, int64_t bits)
{
    l->accepted = (uint8_t)(bits & 0xff);
    l->failed = (uint8_t)(bits >> 8 & 0xff);
    l->once = bits >> 16 & 1;
    l->resent = bits >> 17 & 1;
    l->held = bits >> 18 & 1;
    l->delivered = bits >> 19 & 1;
    l->doubled = bits >> 20 & 1;
    l->anew = bits >> 21 & 1;
    l->turned = (uint8_t)(bits >> 22 & LIFE_TURNED_MAX);
}

int life_duplicates(const struct life *l)
{
    int n = __builtin_popcount(l->accepted);
    return (n > 1 ? n - 1 : 0) + l->doubled;
}

const char *life_word(const struct life *l, uint32_t seen, int64_t valid_until, int64_t now)
{
    static const struct {
        uint32_t seen;
        const char *word;
    } words[] = {{SEEN_PLAYED, "played"}, {SEEN_READ, "read"}, {SEEN_DELIVERED, "delivered"}};
    if (l->state != LIFE_ACCEPTED)
        return life_state_name((enum life_state)l->state);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (seen & words[i].seen)
            return words[i].word;
    if (valid_until != 0 && now >= valid_until)
        return "expired";
    return seen & SEEN_SENT ? "sent" : l->held ? "held" : "accepted";
}
