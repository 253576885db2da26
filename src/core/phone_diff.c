/* SPDX-License-Identifier: Apache-2.0
 * phone_diff.c - both decision graphs walked together, digit by digit.
 *
 * Where both have come to an answer, all digits that follow get the same, so the number of numbers is a power of ten: nothing is sampled.
 * Rows mean other regions in another file; ids are compared. A file may hold more paths than there is time for: the walk counts. */
#include "core/phone_diff.h"

#include <string.h>

#define STEPS_MAX 100000000u /* some hundred times today's plans */

struct walk {
    const struct phone_data *a, *b;
    bool (*each)(void *ctx, const struct phone_range_change *c);
    void *ctx;
    struct phone_range_change run; /* numbers 0: none is open */
    char digits[PHONE_NSN_MAX + 1];
    unsigned steps;
    bool stop;
};

static bool is_answer(const struct phone_data *d, uint32_t at)
{
    return at < d->head->leaves;
}

static uint32_t next(const struct phone_data *d, uint32_t at, unsigned digit)
{
    return is_answer(d, at) ? at : d->node[at - d->head->leaves].next[digit];
}

static struct phone_kind kind_of(const struct phone_data *d, uint32_t answer)
{
    struct phone_kind k = {.type = d->payload[answer].type};
    if (k.type != PHONE_UNKNOWN_TYPE)
        memcpy(k.region, d->region[d->payload[answer].region].id, sizeof k.region);
    return k;
}

static bool same_kind(struct phone_kind x, struct phone_kind y)
{
    return x.type == y.type && strcmp(x.region, y.region) == 0;
}

static void flush(struct walk *w)
{
    if (w->run.numbers != 0 && !w->stop)
        w->stop = !w->each(w->ctx, &w->run);
    w->run.numbers = 0;
}

static uint64_t power_of_ten(unsigned n)
{
    uint64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

/* The first `depth` of w->digits lead to these two answers. */
static void answers(struct walk *w, unsigned depth, struct phone_kind before, struct phone_kind after)
{
    struct phone_range_change *run = &w->run;
    uint64_t numbers = power_of_ten(run->digits - depth);
    bool goes_on = run->numbers != 0 && strlen(run->last) == depth && same_kind(run->before, before) &&
                   same_kind(run->after, after) && depth > 0 && memcmp(run->last, w->digits, depth - 1) == 0;
    if (!goes_on)
        flush(w);
    if (same_kind(before, after))
        return;
    memcpy(goes_on ? run->last : run->first, w->digits, depth);
    if (!goes_on) {
        run->first[depth] = '\0';
        memcpy(run->last, run->first, sizeof run->last);
        run->before = before;
        run->after = after;
    }
    run->numbers += numbers;
}

static void descend(struct walk *w, uint32_t at_a, uint32_t at_b, unsigned depth)
{
    if (w->stop || ++w->steps > STEPS_MAX)
        return;
    if (is_answer(w->a, at_a) && is_answer(w->b, at_b)) {
        answers(w, depth, kind_of(w->a, at_a), kind_of(w->b, at_b));
        return;
    }
    for (unsigned digit = 0; digit < 10; digit++) {
        w->digits[depth] = (char)('0' + digit);
        descend(w, next(w->a, at_a, digit), next(w->b, at_b, digit), depth + 1);
    }
}

static uint32_t root_of(const struct phone_data *d, unsigned code, unsigned digits)
{
    return d->root[d->plan[d->code[code]].root][digits];
}

int phone_diff(const struct phone_data *a, const struct phone_data *b,
               bool (*each)(void *ctx, const struct phone_range_change *c), void *ctx, struct err *e)
{
    struct walk w = {.a = a, .b = b, .each = each, .ctx = ctx};
    for (unsigned code = 1; code < PHONE_CODES; code++) {
        for (unsigned digits = 1; digits < PHONE_ROOTS && !w.stop; digits++) {
            w.run = (struct phone_range_change){.code = code, .digits = digits};
            if (a->code[code] != 0 || b->code[code] != 0)
                descend(&w, root_of(a, code, digits), root_of(b, code, digits), 0);
            flush(&w);
        }
    }
    return w.steps <= STEPS_MAX ? 0 : err_set(e, WL_ETOOBIG, "the plans have more ranges than can be compared");
}
