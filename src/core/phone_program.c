/* SPDX-License-Identifier: Apache-2.0
 * phone_program.c - a backtracking matcher over digits with a stack of what is left to try.
 *
 * The stack holds choices (a step and a place to go on from) and marks to be put back when a path is given up. It lives for one run;
 * there is no state between runs. */
#include "core/phone_program.h"

#include <string.h>

struct pending {
    uint16_t step; /* where to go on; of a mark to put back: its number */
    uint16_t at;   /* digits matched there; of a mark: its value */
    bool mark;
};

struct run {
    struct pending stack[PHONE_PENDING_MAX];
    unsigned open;
    uint32_t step;
    uint32_t at;
};

static void push(struct run *r, uint32_t step, uint32_t at, bool mark)
{
    r->stack[r->open++] = (struct pending){(uint16_t)step, (uint16_t)at, mark};
}

/* Gives the path up; false when nothing is left to try. */
static bool back(struct run *r, struct phone_found *f)
{
    while (r->open > 0) {
        struct pending p = r->stack[--r->open];
        if (!p.mark) {
            r->step = p.step;
            r->at = p.at;
            return true;
        }
        f->mark[p.step] = p.at;
    }
    return false;
}

/* Carries out a step; false where it does not hold. */
static bool advance(struct run *r, struct phone_step s, const char *digits, size_t n, struct phone_found *f)
{
    switch (s.op) {
    case PHONE_DIGIT:
        if (r->at >= n || !(s.arg >> (digits[r->at] - '0') & 1))
            return false;
        r->at++;
        break;
    case PHONE_SPLIT:
        push(r, r->step + s.arg, r->at, false);
        break;
    case PHONE_JUMP:
        r->step += s.arg;
        return true;
    case PHONE_SAVE:
        push(r, s.arg, f->mark[s.arg], true);
        f->mark[s.arg] = (uint16_t)r->at;
        break;
    case PHONE_END:
        if (r->at < n)
            return false;
        break;
    default: /* PHONE_FAIL */
        return false;
    }
    r->step++;
    return true;
}

bool phone_program_run(const struct phone_data *d, uint32_t program, const char *digits, size_t n,
                       struct phone_found *ret)
{
    struct run r;
    r.open = 0;
    r.step = program;
    r.at = 0;
    memset(ret->mark, 0xff, sizeof ret->mark);
    for (;;) {
        struct phone_step s = d->program[r.step];
        if (s.op == PHONE_MATCH) {
            ret->end = (uint16_t)r.at;
            return true;
        }
        if (!advance(&r, s, digits, n, ret) && !back(&r, ret))
            return false;
    }
}

struct str phone_found_group(const struct phone_found *f, unsigned g, const char *digits)
{
    uint16_t from = f->mark[2 * g], to = f->mark[2 * g + 1];
    if (from == PHONE_MARK_NONE || to == PHONE_MARK_NONE || to < from)
        return (struct str){digits, 0};
    return (struct str){digits + from, (size_t)(to - from)};
}
