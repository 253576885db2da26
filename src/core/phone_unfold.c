/* SPDX-License-Identifier: Apache-2.0
 * phone_unfold.c - programs of patterns to decision graphs, by walking all their alternatives at once.
 *
 * A state is the list of steps a program may stand at after some digits, in the order Perl would try them, each with the groups it has seen; a step
 * that stands further up in the list already is dropped, for whatever it could still match, the first one matches too. So the first
 * thread that is at its end when the digits are is the match Perl finds. States are found again by their lists, and each keeps its
 * graph by the number of digits to come. Groups are kept as positions of five bits: a number has at most 17 digits. It refuses
 * programs with more states than any plan's by failing, once and for all its later answers. */
#include "core/phone_unfold.h"

#define STATES_MAX  (1u << 17)
#define THREADS_MAX (1u << 22)
#define FIRST_SLOTS 1024u
#define UNKNOWN     0xffffffffu
#define NO_GROUPS   0xffffffffffffffffu

struct thread {
    uint64_t groups; /* 5 bits for each SAVE */
    uint32_t step;
    uint32_t reserved;
};

struct state {
    uint32_t first, count; /* its threads */
    uint32_t position;     /* digits before it; 0 where no groups are kept */
    bool matched;          /* of BEGINS: it has, whatever follows */
    uint32_t next[10];     /* UNKNOWN until asked for */
    phone_ref graph[PHONE_ROOTS];
};

static struct thread *thread_at(const struct phone_unfold *u, uint32_t i)
{
    return (struct thread *)(void *)u->thread.data + i;
}

static struct state *state_at(const struct phone_unfold *u, uint32_t i)
{
    return (struct state *)(void *)u->state.data + i;
}

static uint32_t threads(const struct phone_unfold *u)
{
    return (uint32_t)(u->thread.len / sizeof(struct thread));
}

void phone_unfold_init(struct phone_unfold *u, struct phone_graph *graph)
{
    memset(u, 0, sizeof *u);
    u->graph = graph;
    buf_init(&u->thread, THREADS_MAX * sizeof(struct thread));
    buf_init(&u->state, STATES_MAX * sizeof(struct state));
    buf_init(&u->slot, STATES_MAX * 4 * sizeof(uint32_t));
    buf_init(&u->mark, 0x10000 * sizeof(uint32_t));
    buf_init(&u->stack, 0x20000 * sizeof(struct thread));
}

void phone_unfold_done(struct phone_unfold *u)
{
    buf_done(&u->thread);
    buf_done(&u->state);
    buf_done(&u->slot);
    buf_done(&u->mark);
    buf_done(&u->stack);
}

static uint32_t fail(struct phone_unfold *u)
{
    u->failed = true;
    return 0;
}

static bool table(struct buf *b, size_t bytes)
{
    buf_clear(b);
    if (!buf_reserve(b, bytes))
        return false;
    b->len = bytes;
    memset(b->data, 0, bytes);
    return true;
}

static bool push(struct phone_unfold *u, uint32_t step, uint64_t groups)
{
    struct thread t = {.groups = groups, .step = step};
    return buf_put(&u->stack, &t, sizeof t);
}

static uint64_t save(uint64_t groups, uint32_t slot, uint32_t position)
{
    unsigned shift = 5 * (slot - 2);
    return (groups & ~((uint64_t)31 << shift)) | (uint64_t)position << shift;
}

/* One step of a thread that takes no digit: where it goes on, UNKNOWN where it ends. `end`: no digit is left. */
static uint32_t follow(struct phone_unfold *u, struct thread *t, uint32_t position, bool end)
{
    const struct phone_step *s = &u->step[t->step];
    if (s->op == PHONE_SPLIT) {
        u->failed = u->failed || !push(u, t->step + s->arg, t->groups);
        return t->step + 1;
    }
    if (s->op == PHONE_JUMP)
        return t->step + s->arg;
    if (s->op == PHONE_SAVE) {
        if (u->how == PHONE_UNFOLD_GROUPS)
            t->groups = save(t->groups, s->arg, position);
        return t->step + 1;
    }
    return s->op == PHONE_END && end ? t->step + 1 : UNKNOWN;
}

/* Appends the threads that stand at a digit, a match or the end once `from` went on as far as it can without a digit. Steps met in this round are
 * passed over. True where a match is among them. */
static bool close_over(struct phone_unfold *u, struct thread from, uint32_t position, bool end)
{
    uint32_t *mark = (uint32_t *)(void *)u->mark.data;
    bool matched = false;
    buf_clear(&u->stack);
    u->failed = u->failed || !push(u, from.step, from.groups);
    while (u->stack.len > 0 && !u->failed) {
        struct thread t;
        u->stack.len -= sizeof t;
        memcpy(&t, u->stack.data + u->stack.len, sizeof t);
        while (t.step != UNKNOWN && mark[t.step] != u->round) {
            mark[t.step] = u->round;
            unsigned op = u->step[t.step].op;
            bool stays = op == PHONE_DIGIT || op == PHONE_MATCH || (op == PHONE_END && !end);
            matched = matched || op == PHONE_MATCH;
            if (stays && !buf_put(&u->thread, &t, sizeof t))
                u->failed = true;
            t.step = follow(u, &t, position, end);
        }
    }
    return matched;
}

static uint32_t state_hash(const struct phone_unfold *u, const struct state *s)
{
    uint64_t h = s->position;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct thread *t = thread_at(u, s->first + i);
        h = (h ^ t->step ^ t->groups) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return (uint32_t)(h >> 16);
}

static bool same_state(const struct phone_unfold *u, const struct state *a, const struct state *b)
{
    return a->count == b->count && a->position == b->position && a->matched == b->matched &&
           (a->count == 0 ||
            memcmp(thread_at(u, a->first), thread_at(u, b->first), a->count * sizeof(struct thread)) == 0);
}

static uint32_t *slot_of(const struct phone_unfold *u, const struct state *s)
{
    uint32_t *slot = (uint32_t *)(void *)u->slot.data, at = state_hash(u, s) & (u->slots - 1);
    while (slot[at] != 0 && !same_state(u, state_at(u, slot[at] - 1), s))
        at = (at + 1) & (u->slots - 1);
    return &slot[at];
}

static bool more_slots(struct phone_unfold *u)
{
    uint32_t slots = u->slots ? u->slots * 2 : FIRST_SLOTS;
    if (!table(&u->slot, slots * sizeof(uint32_t)))
        return false;
    u->slots = slots;
    for (uint32_t i = 0; i < u->states; i++)
        *slot_of(u, state_at(u, i)) = i + 1;
    return true;
}

/* The state of the threads from `first` on; they are taken back where it is known already. */
static uint32_t state_of(struct phone_unfold *u, uint32_t first, uint32_t position, bool matched)
{
    struct state s = {.first = first, .count = threads(u) - first, .matched = matched};
    s.position = u->how == PHONE_UNFOLD_GROUPS ? position : 0;
    if (u->failed || (u->states >= u->slots / 2 && !more_slots(u)))
        return fail(u);
    uint32_t *slot = slot_of(u, &s);
    if (*slot != 0) {
        u->thread.len = first * sizeof(struct thread);
        return *slot - 1;
    }
    memset(s.next, 0xff, sizeof s.next);
    memset(s.graph, 0xff, sizeof s.graph);
    if (u->states >= STATES_MAX || !buf_put(&u->state, &s, sizeof s))
        return fail(u);
    *slot = ++u->states;
    return u->states - 1;
}

static uint32_t after_digit(struct phone_unfold *u, uint32_t state, unsigned digit)
{
    const struct state *s = state_at(u, state);
    uint32_t from = s->first, count = s->count, position = s->position, first = threads(u);
    bool matched = false;
    if (s->next[digit] != UNKNOWN)
        return s->next[digit];
    u->round++;
    for (uint32_t i = 0; i < count; i++) {
        struct thread t = *thread_at(u, from + i);
        const struct phone_step *p = &u->step[t.step];
        if (p->op != PHONE_DIGIT || !(p->arg >> digit & 1))
            continue;
        t.step++;
        matched = close_over(u, t, position + 1, false) || matched;
    }
    uint32_t next = state_of(u, first, position + 1, matched && u->how == PHONE_UNFOLD_BEGINS);
    if (!u->failed)
        state_at(u, state)->next[digit] = next;
    return next;
}

static phone_ref answer(struct phone_unfold *u, const struct thread *t)
{
    struct phone_unfold_groups g;
    if (u->how != PHONE_UNFOLD_GROUPS)
        return 1;
    memset(&g, PHONE_UNFOLD_NOWHERE, sizeof g);
    for (unsigned i = 1; i <= PHONE_GROUPS_MAX; i++) {
        g.start[i] = t->groups >> (10 * (i - 1)) & 31;
        g.end[i] = t->groups >> (10 * (i - 1) + 5) & 31;
    }
    return u->leaf(u->context, &g);
}

/* What the state answers when no digit is left: the first of its threads that has matched, or does at the end. */
static phone_ref at_end(struct phone_unfold *u, uint32_t state)
{
    const struct state *s = state_at(u, state);
    uint32_t from = s->first, count = s->count, position = s->position, first = threads(u);
    phone_ref result = 0;
    u->round++;
    for (uint32_t i = 0; i < count && !u->failed; i++) {
        struct thread t = *thread_at(u, from + i);
        if (u->step[t.step].op == PHONE_DIGIT || !close_over(u, t, position, true))
            continue;
        for (uint32_t j = first; j < threads(u); j++) {
            t = *thread_at(u, j);
            if (u->step[t.step].op == PHONE_MATCH) {
                result = answer(u, &t);
                break;
            }
        }
        break;
    }
    u->thread.len = first * sizeof(struct thread);
    return result;
}

static phone_ref graph_of(struct phone_unfold *u, uint32_t state, unsigned digits)
{
    const struct state *s = state_at(u, state);
    if (u->failed || s->matched || s->count == 0)
        return !u->failed && s->matched;
    phone_ref known = s->graph[digits], next[10];
    if (known != UNKNOWN)
        return known;
    if (digits == 0) {
        known = at_end(u, state);
    } else {
        for (unsigned d = 0; d < 10; d++)
            next[d] = graph_of(u, after_digit(u, state, d), digits - 1);
        known = u->failed ? 0 : phone_graph_node(u->graph, next);
    }
    if (!u->failed)
        state_at(u, state)->graph[digits] = known;
    return known;
}

void phone_unfold_begin(struct phone_unfold *u, const struct phone_step *step, uint32_t steps,
                        enum phone_unfold_how how, phone_unfold_leaf leaf, void *context)
{
    struct thread t = {.groups = NO_GROUPS};
    u->step = step;
    u->steps = steps;
    u->how = how;
    u->leaf = leaf;
    u->context = context;
    u->states = u->slots = u->round = 0;
    buf_clear(&u->thread);
    buf_clear(&u->state);
    if (!table(&u->mark, steps * sizeof(uint32_t))) {
        u->failed = true;
        return;
    }
    u->round = 1;
    bool matched = close_over(u, t, 0, false);
    state_of(u, 0, 0, matched && how == PHONE_UNFOLD_BEGINS);
}

phone_ref phone_unfold(struct phone_unfold *u, unsigned digits)
{
    return u->failed ? 0 : graph_of(u, 0, digits);
}

uint16_t phone_unfold_first(struct phone_unfold *u)
{
    unsigned set = 0;
    const struct state *s = u->failed ? NULL : state_at(u, 0);
    for (uint32_t i = 0; s != NULL && i < s->count; i++) {
        const struct phone_step *p = &u->step[thread_at(u, s->first + i)->step];
        set |= p->op == PHONE_DIGIT ? p->arg : p->op == PHONE_MATCH ? 0x7ff : 0;
    }
    return (uint16_t)(set | (at_end(u, 0) != 0 ? 0x400 : 0));
}
