/* SPDX-License-Identifier: Apache-2.0
 * offer.c - which rows of a number stand in its lane, and what keeps them out of it.
 *
 * Only a few rows of a line are in the lane at a time, and none while something else than its turn is in the way: then
 * callers have the lane for themselves.
 *
 * What has had its turn is overtaken by nothing any more. So that a machine which cannot keep the pace lets messages wait
 * in the lanes, where codes go first, and not at the door, the door takes of all numbers what it decides, as fast as it did
 * lately, while two batches of the writer's take and a moment more; and a few codes besides. The batches are part of it
 * because a slow disk delays each message and yet stops none: fewer messages at the door would not make it faster. These
 * places are shared like those of messages without an answer: a number may have as many as are free, one alone half of
 * them, of two each a third, and whoever comes next finds something free (dynamic
 * thresholds, Choudhury and Hahne). A number that found none is told when one is free, in its turn; it may have had no
 * use for it, so while much is free the next one is told. */
#include "gateway/dispatch_impl.h"

#define JOINED_MAX 8                /* rows of a line in the lane; each turn brings the next */
#define DOOR_US    (SECOND_US / 10) /* measured for so long */
#define DOOR_WAIT  (SECOND_US / 20) /* for the writer to begin with it */
#define DOOR_KEPT  (DOOR_LEAST / 4) /* for codes */

/* --- what is in the way -------------------------------------------------------------------------------------------- */

/* Messages a second; of a number whose pace nobody has said yet, one. */
static int64_t per_second(const struct number *n)
{
    return n->permitted ? SECOND_US / n->lane.permitted.interval_us : 1;
}

/* A tenth of a second's messages may be on their way to the door. */
static size_t most_at_door(const struct number *n)
{
    int64_t per_s = per_second(n);
    return per_s < 10 ? 1 : (size_t)(per_s / 10);
}

/* Two seconds' messages may be without an answer. */
static size_t most_open(const struct number *n)
{
    int64_t per_s = per_second(n);
    return per_s < 4 ? 8 : (size_t)(2 * per_s);
}

/* Of messages without an answer, and of their bytes. */
static bool has_place(const struct dispatch *d, const struct number *n)
{
    return d->n_out < d->most_queued && n->open < d->most_queued - d->n_out && d->bytes < BYTES_MAX &&
           n->bytes < BYTES_MAX - d->bytes;
}

/* A place at the door. */
static bool has_way(const struct dispatch *d, const struct number *n)
{
    return d->n_at_door < d->most_at_door && n->at_door < d->most_at_door - d->n_at_door;
}

static bool has_way_for_codes(const struct dispatch *d, const struct number *n)
{
    return d->n_at_door < d->most_at_door + DOOR_KEPT && n->at_door < 2 * most_at_door(n);
}

static void measure_door(struct dispatch *d)
{
    int64_t now_us = mono_us(), took_us = now_us - d->door_us;
    d->decided++;
    if (took_us < DOOR_US)
        return;
    int64_t in_us = DOOR_WAIT + 2 * writer_takes_us(d->g->writer); /* one batch before it, and its own */
    size_t most = (d->most_at_door + d->decided * (size_t)in_us / (size_t)took_us) / 2;
    d->most_at_door = most > DOOR_LEAST ? most : DOOR_LEAST;
    d->decided = 0;
    d->door_us = now_us;
}

void lines_decided(struct dispatch *d, struct number *n)
{
    n->at_door--;
    d->n_at_door--;
    measure_door(d);
    number_wake(d, n, 0);
    lines_feed(d);
}

/* But for the way to the door. */
static const char *number_rests(const struct dispatch *d, const struct number *n, int64_t now_us, int64_t *ret_until_us)
{
    *ret_until_us = NEVER;
    if (d->closing)
        return "the gateway is shutting down";
    if (n->taken_over)
        return "another gateway has taken this number over";
    if (n->no_token)
        return "no token is kept for this number";
    if (n->reread)
        return "the token kept for this number is being read again";
    if (n->greeting_on && !n->relisting)
        return "the token kept for this number is being checked";
    if (!dispatch_may_send(d)) {
        *ret_until_us = now_us + SECOND_US / 10;
        return "the right to send for this number could not be renewed";
    }
    if (n->pause_us > now_us) {
        *ret_until_us = n->pause_us;
        return n->why;
    }
    if (n->open >= most_open(n) || !has_place(d, n))
        return "messages before it have no answer yet";
    return NULL;
}

const char *number_stopped(const struct dispatch *d, const struct number *n, int64_t now_us, int64_t *ret_until_us)
{
    const char *why = number_rests(d, n, now_us, ret_until_us);
    if (why == NULL && (n->at_door >= most_at_door(n) || !has_way(d, n)))
        return "messages before it are being judged";
    return why;
}

/* --- rows in the lane ---------------------------------------------------------------------------------------------- */

void line_join(struct line *l)
{
    struct lane *lane = &l->number->lane;
    enum offered may = l->number->offered;
    if (may == OFFERED_NOTHING || (may == OFFERED_CODES && l->class != LANE_AUTHENTICATION))
        return;
    while (!l->waits && !l->held && l->joined < l->n && l->joined < JOINED_MAX &&
           lane_join(lane, l->class, l->campaign, l->weight))
        l->joined++;
}

void line_leave(struct line *l)
{
    for (; l->joined > 0; l->joined--)
        lane_leave(&l->number->lane, l->class, l->campaign);
}

/* It waits for a place that another number has. */
static void starve(struct dispatch *d, struct number *n)
{
    if (n->starved)
        return;
    n->starved = true;
    n->next_starved = NULL;
    *d->starved_tail = n;
    d->starved_tail = &n->next_starved;
}

/* So much is free that nobody has to wait for it, whatever they have. */
static bool much_free(const struct dispatch *d)
{
    return 2 * d->n_out < d->most_queued && 2 * d->n_at_door < d->most_at_door && 2 * d->bytes < BYTES_MAX;
}

void lines_pass_on(struct dispatch *d)
{
    if (d->starved != NULL && much_free(d))
        lines_feed(d);
}

void lines_feed(struct dispatch *d)
{
    struct number *n = d->starved;
    if (n == NULL)
        return;
    if ((d->starved = n->next_starved) == NULL)
        d->starved_tail = &d->starved;
    n->starved = false;
    number_wake(d, n, 0);
}

static enum offered what_may(const struct dispatch *d, const struct number *n, int64_t now_us)
{
    int64_t until;
    if (n->n_lines == 0 || number_rests(d, n, now_us, &until) != NULL)
        return OFFERED_NOTHING;
    if (n->at_door < most_at_door(n) && has_way(d, n))
        return OFFERED_ALL;
    return has_way_for_codes(d, n) ? OFFERED_CODES : OFFERED_NOTHING;
}

void lines_offer(struct dispatch *d, struct number *n, int64_t now_us)
{
    enum offered may = what_may(d, n, now_us);
    if (may != OFFERED_ALL && n->n_lines > 0 && (!has_place(d, n) || !has_way(d, n)))
        starve(d, n);
    if (may == n->offered)
        return;
    bool fewer = may < n->offered;
    n->offered = may;
    for (struct line *l = n->lines; l != NULL; l = l->next) {
        if (fewer && (may == OFFERED_NOTHING || l->class != LANE_AUTHENTICATION))
            line_leave(l);
        line_join(l);
    }
}
