/* SPDX-License-Identifier: Apache-2.0
 * sandbox_limits.c - the platform's two rate limits, while they are switched on: a number's messages a second, a pair's pace.
 *
 * Both are GCRA, one mark each: the moment at which all that was counted would have been sent at the sustained rate. A
 * message moves the mark by its cost and is refused when that would be further ahead than the burst. What people write
 * counts against the number too, but is never refused. The number's time is monotonic, in microseconds: a thousand
 * messages a second is one a millisecond. Neither limit has anything to say about what a message contains. */
#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_send.h"

#include "base/clock.h"

#define SECOND_US  1000000
#define PAIR_MS    6000
#define PAIR_BURST 45

static bool within(int64_t *mark, int64_t now, int64_t cost, int64_t room)
{
    int64_t next = (*mark > now ? *mark : now) + cost;
    if (next - now > room)
        return false;
    *mark = next;
    return true;
}

static int64_t cost_us(const struct sandbox *sb)
{
    return SECOND_US / sb->o.mps_limit;
}

/* At least one message fits. */
static int64_t room_us(const struct sandbox *sb)
{
    int64_t room = sb->o.mps_burst_ms * 1000;
    return room > cost_us(sb) ? room : cost_us(sb);
}

bool sbx_limits_take(struct call *c, const struct sbx_send *s)
{
    struct sandbox *sb = c->sb;
    if (sb->o.mps_limit > 0 && !within(&c->number->tat_us, clock_mono_ns() / 1000, cost_us(sb), room_us(sb))) {
        sb->slowed++;
        sbx_fail(c, 130429, NULL);
        return false;
    }
    struct sbx_pair *p = sb->o.pair_limit ? sbx_pair(sb, str_of(c->number->id), s->user, true) : NULL;
    if (p != NULL && !within(&p->tat_ms, c->now_ms, PAIR_MS, PAIR_MS * PAIR_BURST)) {
        sbx_fail(c, 131056, NULL);
        return false;
    }
    return true;
}

/* However many come in, the number has a turn again after its cost. */
void sbx_limits_inbound(struct sandbox *sb, struct sbx_number *n)
{
    if (sb->o.mps_limit == 0)
        return;
    int64_t now = clock_mono_ns() / 1000;
    if (!within(&n->tat_us, now, cost_us(sb), room_us(sb)))
        n->tat_us = now + room_us(sb);
}

void sbx_limits_write(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_kint(o, "rate", c->sb->o.mps_limit);
    jo_kint(o, "burst_ms", c->sb->o.mps_burst_ms);
    jo_kbool(o, "pair_limit", c->sb->o.pair_limit);
    jo_kint(o, "slowed", (int64_t)c->sb->slowed);
    jo_end(o);
}
