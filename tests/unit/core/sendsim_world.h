/* SPDX-License-Identifier: Apache-2.0
 * sendsim_world.h - the world of test_sendsim.c: messages, what is durable of them, virtual time, chance, and a Meta that
 * keeps its own record and breaks every promise it may break.
 *
 * A thing that happens is an event with a time; one heap holds them all. Meta's faults come from a table of odds, drawn
 * anew for each world, and stop at a time known beforehand. */
#ifndef WL_TESTS_SENDSIM_WORLD_H
#define WL_TESTS_SENDSIM_WORLD_H

#include "core/lane.h"
#include "t.h"

#define MESSAGES  1000
#define NUMBERS   3
#define CAMPAIGNS 3 /* 0: single messages */
#define US        INT64_C(1000)
#define SECOND_US (1000 * US)
#define MINUTE_US (60 * SECOND_US)
#define BEGIN_US  INT64_C(1000000000000)
#define CALM_US   (BEGIN_US + 30 * MINUTE_US) /* no faults and no new holds from here on */
#define END_US    (CALM_US + 240 * MINUTE_US) /* everything must have come to an end */
#define SOON_US   (8 * SECOND_US)             /* a webhook that takes longer is late */

enum happens {
    CALL,     /* a caller asks for message `m` */
    CANCEL,   /* and takes it back */
    DUE,      /* message `m` may be sent now */
    PATIENCE, /* its caller has waited long enough */
    TURN,     /* number `m` is looked at: who has a turn? */
    FLUSH,    /* what was written is on the disk */
    TIMER,    /* the doubt about `m` is due */
    ARRIVE,   /* an attempt reaches Meta */
    ANSWER,   /* Meta's answer reaches us */
    HOOK,     /* a webhook reaches us */
    APPLY,    /* webhooks on the disk are applied */
    CRASH,
    START
};

struct event {
    int64_t at;
    uint32_t order, life; /* of the process it is for; 0: whichever runs */
    uint16_t m;
    uint8_t what, attempt;
    uint8_t state; /* ANSWER: enum life_state */
    bool held, delivered;
    int code;
};

struct message {
    struct life mem, disk; /* as this process sees it; as it is after a crash */
    bool in_mem, on_disk;
    uint8_t number, campaign;
    bool once, keyed, may_expire;
    bool told;      /* its caller was told that we answer for it, or what became of it */
    bool cancelled; /* its caller was told that it is cancelled */
    bool joined;    /* stands in its lane */
    int64_t turn_us;
    uint8_t truth; /* attempts Meta accepted */
    uint8_t heard; /* attempts a status was applied of */
    bool spoiled;  /* a status of it was lost or late */
    enum category category;
};

/* Faults of Meta and of the way to it, in 1/1000 of attempts. */
enum fault {
    F_UNSENT,
    F_LOST,
    F_5XX_BEFORE,
    F_5XX_AFTER,
    F_NO_ANSWER,
    F_BUSY,
    F_RATE,
    F_PAIR,
    F_REFUSED,
    F_HELD,
    FAULTS
};
static const int fault_odds[FAULTS] = {
    [F_UNSENT] = 20, [F_LOST] = 10, [F_5XX_BEFORE] = 10, [F_5XX_AFTER] = 10, [F_NO_ANSWER] = 10,
    [F_BUSY] = 15,   [F_RATE] = 15, [F_PAIR] = 10,       [F_REFUSED] = 20,   [F_HELD] = 15};
/* And of its webhooks. */
enum hook_fault { H_LOST, H_LATE, H_TWICE, H_FAILED, HOOK_FAULTS };
static const int hook_odds[HOOK_FAULTS] = {[H_LOST] = 10, [H_LATE] = 20, [H_TWICE] = 150, [H_FAILED] = 40};

struct totals {
    int64_t messages, attempts, accepted, unknown, doubled, refused, expired, cancelled, put_off, crashes, ended_us;
    int64_t resent, webhooks;
};

static struct world {
    uint64_t seed, first_seed;
    struct message m[MESSAGES];
    struct lane lane[NUMBERS];
    int64_t wake_us[NUMBERS];    /* earliest TURN under way */
    int64_t least_room[NUMBERS]; /* the pace seen: greatest turn time - i * interval */
    int64_t turns[NUMBERS];
    int64_t outage_from[NUMBERS], outage_to[NUMBERS]; /* the token is not accepted */
    int64_t still_from[NUMBERS], still_to[NUMBERS];   /* its webhooks stand still */
    int64_t watermark[NUMBERS], watermark_disk[NUMBERS];
    int64_t now_us;
    int64_t started_us;
    uint32_t life;  /* of the process; rises with every start */
    bool up, sound; /* sound: webhooks are never lost and never late */
    int odds[FAULTS], hook_odds[HOOK_FAULTS];
    struct event *heap;
    size_t n_heap, cap_heap;
    uint32_t order;
    struct written *written; /* not on the disk yet */
    size_t n_written, cap_written;
    struct event *inbox; /* webhooks stored */
    size_t n_inbox, cap_inbox, inbox_disk, applied, applied_disk;
    bool apply_planned, flush_planned;
    struct totals t;
} w;

/* A change that waits for the disk, and what is to be done then. */
struct written {
    uint16_t m;
    uint8_t attempt; /* to be sent; 0 none */
    bool tell, cancelled;
    bool thank;
    struct event hook; /* that is thanked for */
};

/* --- chance and time ------------------------------------------------------------------------------------------------ */

static uint64_t next_random(void)
{
    uint64_t z = w.seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t below(int64_t n)
{
    return (int64_t)(next_random() % (uint64_t)n);
}

static int64_t between(int64_t from, int64_t to)
{
    return from + below(to - from);
}

static bool chance(int permille)
{
    return below(1000) < permille;
}

/* Faults stop at CALM_US. */
static bool fault(int permille)
{
    return w.now_us < CALM_US && chance(permille);
}

static void *grown(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap ? 2 * *cap : 256;
    p = realloc(p, *cap * size);
    assert_non_null(p);
    return p;
}

static bool before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void plan(struct event ev)
{
    w.heap = grown(w.heap, w.n_heap, &w.cap_heap, sizeof *w.heap);
    ev.order = w.order++;
    size_t at = w.n_heap++;
    for (; at > 0 && before(&ev, &w.heap[(at - 1) / 2]); at = (at - 1) / 2)
        w.heap[at] = w.heap[(at - 1) / 2];
    w.heap[at] = ev;
}

static bool next_event(struct event *ret)
{
    if (w.n_heap == 0)
        return false;
    struct event last = w.heap[--w.n_heap];
    *ret = w.heap[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < w.n_heap; at = child) {
        child += child + 1 < w.n_heap && before(&w.heap[child + 1], &w.heap[child]);
        if (!before(&w.heap[child], &last))
            break;
        w.heap[at] = w.heap[child];
    }
    w.heap[at] = last;
    return true;
}

/* Something this process will do or hear, if it lives so long. */
static void plan_own(int64_t at, enum happens what, size_t m)
{
    plan((struct event){.at = at, .what = (uint8_t)what, .m = (uint16_t)m, .life = w.life});
}

/* --- Meta ----------------------------------------------------------------------------------------------------------- */

/* All webhooks of a number stand still for a while and then come at once, in their order: late, but nothing overtakes. */
static int64_t held_back(size_t number, int64_t at)
{
    int64_t from = w.still_from[number], to = w.still_to[number];
    return at >= from && at < to ? to + (at - from) / 100000 : at;
}

static void plan_hook(const struct message *m, int64_t after_us, int attempt, bool delivered, int code)
{
    struct event ev = {.what = HOOK, .attempt = (uint8_t)attempt, .code = code};
    ev.m = (uint16_t)(m - w.m);
    ev.delivered = delivered;
    ev.at = held_back(m->number, w.now_us + after_us);
    plan(ev);
    if (fault(w.hook_odds[H_TWICE])) {
        ev.at += below(10 * MINUTE_US);
        plan(ev);
    }
}

/* Statuses of an attempt that was accepted: sent, then delivered or failed, in whatever order they come. */
static void plan_hooks(struct message *m, int attempt, bool held)
{
    int64_t at = 200 * US + below(2 * SECOND_US);
    bool lost = fault(w.hook_odds[H_LOST]), late = fault(w.hook_odds[H_LATE]);
    m->spoiled |= lost || late || (held && !w.sound);
    if (lost)
        return;
    if (late)
        at += below(120 * MINUTE_US);
    if (held && !w.sound) {
        plan_hook(m, at + below(20 * MINUTE_US), attempt, false, chance(500) ? 132015 : 0);
        return;
    }
    plan_hook(m, at, attempt, false, 0);
    bool failed = fault(w.hook_odds[H_FAILED]);
    plan_hook(m, late ? at : below(SOON_US), attempt, !failed, failed ? 131026 : 0);
}

static void meta_accepts(struct message *m, int attempt, bool held)
{
    uint8_t bit = (uint8_t)(1u << (attempt - 1));
    if (m->truth & bit)
        fail_msg("attempt %d was accepted twice", attempt);
    if (m->truth != 0) {
        bool resendable = m->category == CATEGORY_UTILITY || m->category == CATEGORY_AUTHENTICATION;
        if (m->once || !resendable || !m->spoiled)
            fail_msg("message %d of category %d was accepted twice", (int)(m - w.m), (int)m->category);
        w.t.doubled++;
    }
    m->truth |= bit;
    w.t.accepted++;
    plan_hooks(m, attempt, held);
}

static enum fault draw_fault(void)
{
    int64_t at = w.now_us < CALM_US ? below(1000) : 1000;
    for (int f = 0; f < FAULTS; f++) {
        if (at < w.odds[f])
            return (enum fault)f;
        at -= w.odds[f];
    }
    return FAULTS;
}

static bool token_refused(const struct message *m)
{
    return w.now_us >= w.outage_from[m->number] && w.now_us < w.outage_to[m->number];
}

/* A request is there. The answer goes to whoever asked: `life` says whether that one still lives when it comes. */
static void arrive(const struct event *ev)
{
    static const struct {
        enum life_state state;
        int code;
        bool accepts;
    } as[FAULTS + 1] = {[F_UNSENT] = {LIFE_UNSENT, 0, false},        [F_LOST] = {LIFE_AMBIGUOUS, 0, false},
                        [F_5XX_BEFORE] = {LIFE_AMBIGUOUS, 0, false}, [F_5XX_AFTER] = {LIFE_AMBIGUOUS, 0, true},
                        [F_NO_ANSWER] = {LIFE_AMBIGUOUS, 0, true},   [F_BUSY] = {LIFE_REJECTED, 131000, false},
                        [F_RATE] = {LIFE_REJECTED, 130429, false},   [F_PAIR] = {LIFE_REJECTED, 131056, false},
                        [F_REFUSED] = {LIFE_REJECTED, 100, false},   [F_HELD] = {LIFE_ACCEPTED, 0, true},
                        [FAULTS] = {LIFE_ACCEPTED, 0, true}};
    struct message *m = &w.m[ev->m];
    enum fault f = draw_fault();
    struct event answer = {.at = w.now_us + 20 * US + below(300 * US), .what = ANSWER, .life = ev->life, .m = ev->m};
    answer.attempt = ev->attempt;
    answer.state = (uint8_t)as[f].state;
    answer.code = as[f].code;
    answer.held = f == F_HELD;
    if (as[f].accepts && token_refused(m)) {
        answer.state = LIFE_REJECTED;
        answer.code = 190;
    } else if (as[f].accepts) {
        meta_accepts(m, ev->attempt, answer.held);
    }
    if (f == F_LOST || f == F_NO_ANSWER)
        answer.at += 30 * SECOND_US;
    plan(answer);
}

#endif
