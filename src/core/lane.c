/* SPDX-License-Identifier: Apache-2.0
 * lane.c - turns, pace and circuit of one number; lane.h says what each formula is and where it comes from.
 *
 * A turn is given in three questions: does the pace allow one, which class has it, which of its flows. Answers feed two
 * things that know nothing of each other: the pace and the circuit. Whoever calls keeps the lane to one thread at a time. */
#include "core/lane.h"

#include <string.h>

#define SECOND   INT64_C(1000000)
#define LONGEST  (3600 * SECOND) /* an interval or a tolerance */
#define PERMILLE INT64_C(1000)   /* a message a second, in messages a thousand seconds */

/* --- arithmetic that stays in its range ----------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t plus(int64_t t, int64_t d)
{
    return __builtin_add_overflow(t, d, &t) ? INT64_MAX : t;
}

static int64_t times(size_t n, int64_t d)
{
    return __builtin_mul_overflow(n, d, &d) ? INT64_MAX : d;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

enum lane_class lane_class(enum category c)
{
    switch (c) {
    case CATEGORY_AUTHENTICATION:
        return LANE_AUTHENTICATION;
    case CATEGORY_UTILITY:
        return LANE_UTILITY;
    case CATEGORY_SERVICE:
    case CATEGORY_CALLS:
        return LANE_SERVICE;
    case CATEGORY_MARKETING:
    case CATEGORY_UNKNOWN:
        break;
    }
    return LANE_MARKETING;
}

const char *lane_class_name(enum lane_class c)
{
    static const char *const names[LANE_CLASSES] = {"authentication", "utility", "service", "marketing"};
    return (unsigned)c < LANE_CLASSES ? names[c] : "unknown";
}

/* --- the pace ------------------------------------------------------------------------------------------------------ */

static int64_t permitted_permille(const struct lane *l)
{
    return most(1, 1000 * SECOND / l->permitted.interval_us);
}

static void set_pace(struct lane *l, int64_t permille)
{
    int64_t top = permitted_permille(l), floor = least(PERMILLE, top);
    l->pace_permille = most(floor, least(top, permille));
    l->interval_us =
        l->pace_permille == top ? l->permitted.interval_us : (1000 * SECOND + l->pace_permille - 1) / l->pace_permille;
}

static struct pace sane(struct pace p)
{
    return (struct pace){most(1, least(p.interval_us, LONGEST)), most(0, least(p.tolerance_us, LONGEST))};
}

void lane_init(struct lane *l, struct pace permitted, int64_t now_us)
{
    memset(l, 0, sizeof *l);
    l->permitted = sane(permitted);
    l->tat_us = plus(now_us, l->permitted.tolerance_us);
    l->raised_us = l->heed_us = now_us;
    l->cut_us = now_us - SECOND;
    set_pace(l, INT64_MAX);
}

void lane_permit(struct lane *l, struct pace permitted)
{
    bool slowed = l->pace_permille < permitted_permille(l);
    l->permitted = sane(permitted);
    set_pace(l, slowed ? l->pace_permille : INT64_MAX);
}

int64_t lane_pace_permille(const struct lane *l)
{
    return l->pace_permille;
}

void lane_inbound(struct lane *l, uint32_t n, int64_t now_us)
{
    int64_t base = most(l->tat_us, now_us), end = plus(now_us, l->permitted.tolerance_us + SECOND);
    if (n == 0 || base >= end)
        return;
    int64_t room = (end - base) / l->interval_us;
    l->tat_us = base + least(n, room) * l->interval_us;
}

/* Refused for its pace. What was under way at the higher pace is refused with it and says nothing new, nor does what is sent
 * within the time this answer took: messages overtake each other. */
static void slow_down(struct lane *l, int64_t turn_us, int64_t now_us)
{
    l->slowed++;
    if (turn_us != 0 ? turn_us < l->cut_us : now_us < plus(l->cut_us, SECOND))
        return;
    int64_t met = l->pace_permille, shelf = l->shelf_permille, higher = shelf + shelf / 100;
    if (shelf != 0 && met > shelf) {
        bool confirmed = met * 99 / 100 < higher;
        l->shelf_permille = confirmed ? most(shelf, met * 99 / 100) : higher;
        l->hold_us = confirmed ? least(2 * l->hold_us, LANE_HOLD_MOST) : l->hold_us;
    } else {
        l->shelf_held = l->shelf_held && shelf != 0 && met * 10 > shelf * 9;
        l->shelf_permille = met * (l->shelf_held ? 99 : 95) / 100;
        l->hold_us = l->shelf_held ? least(2 * l->hold_us, LANE_HOLD_MOST) : LANE_HOLD_LEAST;
    }
    l->shelf_us = 0;
    l->raised_us = now_us;
    l->cut_us = turn_us != 0 ? plus(now_us, least(now_us - turn_us, SECOND)) : now_us;
    set_pace(l, met * LANE_SLOWED_PERMIL / 1000);
}

/* Above the shelf: on until it is far behind. */
static void feel_up(struct lane *l, int64_t now_us)
{
    int64_t shelf = l->shelf_permille, pace = l->pace_permille;
    bool on_top = pace == permitted_permille(l) && now_us >= plus(l->shelf_us, 60 * SECOND);
    if (pace > shelf + shelf / 4 || on_top) {
        l->shelf_permille = 0;
        return;
    }
    set_pace(l, pace + most(1, least(PERMILLE, shelf / 100)));
}

static void keep_shelf(struct lane *l, int64_t now_us)
{
    if (l->shelf_us == 0)
        l->shelf_us = now_us;
    if (now_us < plus(l->shelf_us, l->hold_us))
        return;
    l->shelf_held = true;
    l->shelf_us = now_us;
    feel_up(l, now_us);
}

/* Accepted at the pace of now. */
static void speed_up(struct lane *l, int64_t turn_us, int64_t now_us)
{
    int64_t pace = l->pace_permille, shelf = l->shelf_permille;
    bool as_before = turn_us != 0 && turn_us < l->cut_us;
    if (as_before || now_us < plus(l->raised_us, SECOND))
        return;
    l->raised_us = now_us;
    if (shelf == 0)
        set_pace(l, pace + PERMILLE);
    else if (pace < shelf)
        set_pace(l, least(shelf, pace + most(PERMILLE, (shelf - pace) / 2)));
    else if (pace == shelf)
        keep_shelf(l, now_us);
    else
        feel_up(l, now_us);
}

/* --- who waits ----------------------------------------------------------------------------------------------------- */

static struct lane_flow *flow_of(struct lane_row *r, int64_t campaign)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->flow[i].campaign == campaign)
            return &r->flow[i];
    return NULL;
}

bool lane_join(struct lane *l, enum lane_class c, int64_t campaign, uint32_t weight)
{
    struct lane_row *r = &l->row[c];
    if (campaign == LANE_CALLERS) {
        r->callers++;
        r->waiting++;
        return true;
    }
    struct lane_flow *f = flow_of(r, campaign);
    if (f == NULL) {
        if (r->n == LANE_FLOWS_MAX)
            return false;
        f = &r->flow[r->n++];
        *f = (struct lane_flow){.campaign = campaign};
    }
    f->weight = weight < 1 ? 1 : weight > LANE_WEIGHT_MAX ? LANE_WEIGHT_MAX : weight;
    f->waiting++;
    r->waiting++;
    return true;
}

/* One fewer. A flow that is empty goes, and takes what it saved up with it: who comes back begins anew. */
static void drop_one(struct lane_row *r, struct lane_flow *f)
{
    r->waiting--;
    if (--f->waiting > 0)
        return;
    size_t i = (size_t)(f - r->flow);
    memmove(f, f + 1, (--r->n - i) * sizeof *f);
    if (r->at > i)
        r->at--;
}

void lane_leave(struct lane *l, enum lane_class c, int64_t campaign)
{
    struct lane_row *r = &l->row[c];
    struct lane_flow *f = flow_of(r, campaign);
    if (f != NULL) {
        drop_one(r, f);
    } else if (campaign == LANE_CALLERS && r->callers > 0) {
        r->callers--;
        r->waiting--;
    }
}

/* --- whose turn ---------------------------------------------------------------------------------------------------- */

/* Whether the circuit stops the outbox. */
static bool outbox_stopped(const struct lane *l, int64_t now_us)
{
    if (l->open_until_us == 0)
        return false;
    return now_us < l->open_until_us || (l->probing && now_us < plus(l->probe_us, LANE_PROBE_MOST));
}

static size_t ready(const struct lane *l, int c, bool stopped)
{
    return stopped ? l->row[c].callers : l->row[c].waiting;
}

/* LANE_CLASSES: nobody. */
static enum lane_class next_class(const struct lane *l, bool stopped)
{
    if (l->since_marketing >= LANE_FLOOR - 1 && ready(l, LANE_MARKETING, stopped) > 0)
        return LANE_MARKETING;
    int c = 0;
    while (c < LANE_CLASSES && ready(l, c, stopped) == 0)
        c++;
    return (enum lane_class)c;
}

/* Deficit round robin; a turn costs LANE_WEIGHT_MAX, so that a visit never pays for two. Rounds in which nobody could
 * pay are not walked: what they would have brought is added at once. */
static struct lane_flow *next_flow(struct lane_row *r)
{
    while (r->at < r->n && r->flow[r->at].deficit < LANE_WEIGHT_MAX)
        r->at++;
    if (r->at >= r->n) {
        uint32_t rounds = UINT32_MAX;
        for (size_t i = 0; i < r->n; i++) {
            uint32_t wants = (LANE_WEIGHT_MAX - r->flow[i].deficit + r->flow[i].weight - 1) / r->flow[i].weight;
            rounds = wants < rounds ? wants : rounds;
        }
        for (size_t i = r->n; i-- > 0;) {
            r->flow[i].deficit += rounds * r->flow[i].weight;
            r->at = r->flow[i].deficit >= LANE_WEIGHT_MAX ? i : r->at;
        }
    }
    struct lane_flow *f = &r->flow[r->at++];
    f->deficit -= LANE_WEIGHT_MAX;
    return f;
}

static void count_class(struct lane *l, enum lane_class c)
{
    if (c == LANE_MARKETING)
        l->since_marketing = 0;
    else if (l->since_marketing < LANE_FLOOR - 1)
        l->since_marketing++;
}

static int64_t leave_from_row(struct lane_row *r)
{
    if (r->callers > 0) {
        r->callers--;
        r->waiting--;
        return LANE_CALLERS;
    }
    struct lane_flow *f = next_flow(r);
    int64_t campaign = f->campaign;
    drop_one(r, f);
    return campaign;
}

static enum lane_says when_stopped(const struct lane *l, int64_t pace_us, int64_t *ret_when_us)
{
    size_t waiting = 0;
    for (int c = 0; c < LANE_CLASSES; c++)
        waiting += l->row[c].waiting;
    if (waiting == 0)
        return LANE_IDLE;
    int64_t until = l->probing ? plus(l->probe_us, LANE_PROBE_MOST) : l->open_until_us;
    *ret_when_us = most(until, pace_us);
    return LANE_LATER;
}

enum lane_says lane_next(struct lane *l, int64_t now_us, enum lane_class *ret_class, int64_t *ret_campaign,
                         int64_t *ret_when_us)
{
    bool stopped = outbox_stopped(l, now_us);
    enum lane_class c = next_class(l, stopped);
    int64_t when = pace_when(l->tat_us, l->permitted.tolerance_us);
    if (c == LANE_CLASSES)
        return when_stopped(l, when, ret_when_us);
    if (l->open_until_us != 0 && l->turn_us == now_us)
        when = most(when, plus(now_us, 1)); /* so that the one that tries is known by its turn */
    if (when > now_us) {
        *ret_when_us = when;
        return LANE_LATER;
    }
    *ret_class = c;
    *ret_campaign = leave_from_row(&l->row[c]);
    lane_take(l, c, now_us);
    if (l->open_until_us != 0 && *ret_campaign != LANE_CALLERS) {
        l->probing = true;
        l->probe_us = now_us;
    }
    return LANE_GO;
}

void lane_take(struct lane *l, enum lane_class c, int64_t now_us)
{
    int64_t end = plus(now_us, l->permitted.tolerance_us + LANE_LINE_MOST);
    int64_t tat = plus(most(l->tat_us, now_us), l->interval_us);
    l->tat_us = least(tat, most(end, l->tat_us));
    l->turn_us = now_us;
    count_class(l, c);
}

/* What was taken before the pace was cut cost less than a turn costs now. */
void lane_give_back(struct lane *l, int64_t turn_us, int64_t now_us)
{
    bool known = turn_us != 0 && turn_us >= l->cut_us;
    if (l->tat_us > now_us)
        l->tat_us -= known ? l->interval_us : l->permitted.interval_us;
    if (l->probing && (turn_us == 0 || turn_us == l->probe_us))
        l->probing = false;
}

int64_t lane_when(const struct lane *l, enum lane_class c, int64_t now_us)
{
    bool stopped = l->open_until_us != 0;
    size_t others = 0, ahead = l->row[c].callers, marketing = ready(l, LANE_MARKETING, stopped);
    for (int i = 0; i < LANE_MARKETING && i < (int)c; i++)
        others += ready(l, i, stopped);
    size_t s = l->since_marketing, most_others = (LANE_FLOOR - 1) - s + (LANE_FLOOR - 1) * ahead;
    if (c == LANE_MARKETING) {
        ahead += others < most_others ? others : most_others;
    } else {
        ahead += others;
        size_t floors = (s + ahead) / (LANE_FLOOR - 1);
        ahead += floors < marketing ? floors : marketing;
    }
    int64_t when = pace_when(l->tat_us, l->permitted.tolerance_us);
    if (ahead == 0)
        return when;
    return pace_when(plus(most(l->tat_us, now_us), times(ahead, l->interval_us)), l->permitted.tolerance_us);
}

/* --- the circuit ---------------------------------------------------------------------------------------------------- */

enum word { ACCEPTED, ABOUT_THE_MESSAGE, ABOUT_THE_NUMBER, NO_WORD, NEVER_LEFT };

static enum word word_of(enum life_state state, int code)
{
    if (state == LIFE_ACCEPTED)
        return ACCEPTED;
    if (state != LIFE_REJECTED)
        return state == LIFE_UNSENT ? NEVER_LEFT : NO_WORD;
    return reaction_to(code).reaction == REACT_CIRCUIT ? ABOUT_THE_NUMBER : ABOUT_THE_MESSAGE;
}

static bool is_silent(enum word w)
{
    return w == NO_WORD || w == NEVER_LEFT;
}

/* What opens it says how long it may stay so. */
static void circuit_open(struct lane *l, enum word word, int code, int64_t wait_us, int64_t now_us)
{
    int64_t top = word == NEVER_LEFT ? LANE_UNSENT_MOST : word == NO_WORD ? LANE_SILENT_MOST : LANE_CIRCUIT_MOST;
    int64_t twice = least(l->circuit_us, LANE_CIRCUIT_MOST) * 2;
    l->circuit_us = least(most(wait_us, twice), top);
    l->open_until_us = plus(now_us, l->circuit_us);
    l->heed_us = now_us;
    l->circuit_code = code;
    l->probing = false;
    l->silent = 0;
}

static void circuit_close(struct lane *l, int64_t now_us)
{
    l->open_until_us = 0;
    l->heed_us = now_us;
    l->circuit_code = 0;
    l->probing = false;
    l->silent = 0;
}

static void heard_closed(struct lane *l, enum word word, int code, int64_t wait_us, int64_t now_us)
{
    l->silent = is_silent(word) ? l->silent + 1 : 0;
    if (word == ACCEPTED)
        l->circuit_us = 0;
    else if (word == ABOUT_THE_NUMBER)
        circuit_open(l, word, code, wait_us, now_us);
    else if (l->silent >= LANE_SILENT_MAX)
        circuit_open(l, word, 0, LANE_SILENT_US, now_us);
}

static void heard_probe(struct lane *l, enum word word, int code, int64_t wait_us, int64_t now_us)
{
    if (word == ABOUT_THE_NUMBER)
        circuit_open(l, word, code, wait_us, now_us);
    else if (is_silent(word))
        circuit_open(l, word, l->circuit_code, LANE_SILENT_US, now_us);
    else
        circuit_close(l, now_us);
}

/* A caller's attempt, begun after it opened. */
static void heard_beside(struct lane *l, enum word word, int code, int64_t wait_us, int64_t now_us)
{
    if (word == ABOUT_THE_MESSAGE && l->circuit_code == 0) {
        circuit_close(l, now_us); /* opened for silence */
    } else if (word == ABOUT_THE_NUMBER && !l->probing) {
        if (now_us >= l->open_until_us)
            circuit_open(l, word, code, wait_us, now_us); /* as good as the one that was to try */
        else if (plus(now_us, wait_us) > l->open_until_us && wait_us > l->circuit_us) {
            l->circuit_us = wait_us;
            l->open_until_us = plus(now_us, wait_us);
            l->circuit_code = code;
        }
    }
}

static void circuit_heard(struct lane *l, int64_t turn_us, enum life_state state, int code, int64_t now_us)
{
    enum word word = word_of(state, code);
    int64_t wait_us = word == ABOUT_THE_NUMBER ? reaction_to(code).wait_ms * 1000 : 0;
    bool probe = l->probing && (turn_us == 0 || turn_us == l->probe_us);
    bool open = l->open_until_us != 0;
    if (probe)
        heard_probe(l, word, code, wait_us, now_us);
    else if ((turn_us == 0 && open) || (turn_us != 0 && turn_us < l->heed_us))
        return; /* of before */
    else if (!open)
        heard_closed(l, word, code, wait_us, now_us);
    else if (word == ACCEPTED)
        circuit_close(l, now_us);
    else
        heard_beside(l, word, code, wait_us, now_us);
    if (l->open_until_us == 0 && word == ACCEPTED)
        l->circuit_us = 0;
}

void lane_heard(struct lane *l, int64_t turn_us, enum life_state state, int code, int64_t now_us)
{
    if (state == LIFE_REJECTED && reaction_to(code).reaction == REACT_RATE)
        slow_down(l, turn_us, now_us);
    else if (state == LIFE_ACCEPTED)
        speed_up(l, turn_us, now_us);
    circuit_heard(l, turn_us, state, code, now_us);
}

bool lane_let_go(struct lane *l, int64_t now_us)
{
    bool open = l->open_until_us != 0;
    if (open)
        circuit_close(l, now_us);
    l->circuit_us = 0;
    return open;
}

/* --- from one life to the next -------------------------------------------------------------------------------------- */

void lane_remember(const struct lane *l, int64_t now_us, int64_t now_ms, struct lane_memory *ret)
{
    bool open = l->open_until_us != 0, slowed = l->pace_permille < permitted_permille(l);
    int64_t until_ms = open ? now_ms + (l->open_until_us - now_us) / 1000 : 0;
    *ret = (struct lane_memory){.until_ms = open ? most(1, until_ms) : 0,
                                .circuit_ms = l->circuit_us / 1000,
                                .code = l->circuit_code,
                                .pace_permille = slowed ? l->pace_permille : 0,
                                .shelf_permille = l->shelf_permille,
                                .hold_ms = l->hold_us / 1000};
}

static void resume_pace(struct lane *l, const struct lane_memory *m, int64_t now_us)
{
    l->raised_us = now_us;
    if (m->shelf_permille > 0) {
        l->shelf_permille = least(m->shelf_permille, permitted_permille(l));
        l->hold_us = most(LANE_HOLD_LEAST, least(m->hold_ms, LANE_HOLD_MOST / 1000) * 1000);
    }
    if (m->pace_permille > 0)
        set_pace(l, m->pace_permille);
}

void lane_resume(struct lane *l, const struct lane_memory *m, int64_t now_us, int64_t now_ms)
{
    int64_t length_ms = most(0, least(m->circuit_ms, LANE_CIRCUIT_MOST / 1000));
    resume_pace(l, m, now_us);
    l->circuit_us = length_ms * 1000;
    if (m->until_ms <= 0)
        return;
    int64_t left_ms = m->until_ms > now_ms ? least(m->until_ms - now_ms, length_ms) : 0;
    l->open_until_us = plus(now_us, left_ms * 1000);
    l->heed_us = now_us;
    l->circuit_code = (int)m->code;
}
