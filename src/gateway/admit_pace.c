/* SPDX-License-Identifier: Apache-2.0
 * admit_pace.c - turns among the messages of a number, and which holds are waited out.
 *
 * A send has at most one turn: given with it (from the outbox), granted while it was parked, or taken when it is let through.
 * It keeps the turn when its transaction is run again, and gives it back when it is held for something else, refused, or
 * turns out to be sent already; a hold that is waited out for another reason than the pace would let many turns pass and
 * have all of them leave at once.
 *
 * Only what the caller's patience covers is waited out, and of the line's turns only those that come a little before its end:
 * turns come later than they were estimated, by as much as the machine is slow, and who joins in vain has waited in vain. When the pace is what holds a send longest it goes in line among
 * the messages of its number, counted from the moment it is judged, so that those judged next see it; else the writer
 * wakes it when the hold is over; so too when the line sent it back without a turn and before its time. Who was just opted in
 * waits for a checkpoint of the ledger: that is looked for soon, because it comes any moment, and then less and less often. One for the outbox is taken as if it had its turn: whose it is then says the lane. */
#include "gateway/admit_impl.h"

#define MARGIN_US     50000
#define PROOF_LOOK_MS 20  /* the first time; twice as long each time, */
#define PROOF_MOST_MS 250 /* at most */

int64_t pace_free_at(const struct batch *b, const struct send *s)
{
    if (s->turn || s->mode != SEND_NOW)
        return b->mono_us;
    return dispatch_when(b->ad->g->dispatch, s->sender, lane_class(send_category(s)), send_pace(b, s), b->mono_us);
}

void pace_leave(const struct batch *b, struct send *s)
{
    if (!s->turn)
        s->turn_us =
            dispatch_take(b->ad->g->dispatch, s->sender, lane_class(send_category(s)), send_pace(b, s), b->mono_us);
    s->turn = true;
}

void pace_give_back(struct admit *ad, struct send *s)
{
    if (s->turn)
        dispatch_give_back(ad->g->dispatch, s->sender, s->turn_us);
    s->turn = false;
}

/* Whether it only waits for the next checkpoint of the ledger, which comes long before the rule's time is over. */
static bool awaits_proof(const struct batch *b, const struct send *s)
{
    const struct facts *f = &s->facts;
    return f->known[FACT_CONSENT_PROOF] && f->value[FACT_CONSENT_PROOF] != PROOF_SEALED &&
           s->decision.until == b->now + b->values->proof_soon;
}

/* A checkpoint is made some milliseconds after what it is about; one that is not there by then is late. */
static int64_t until_next_look(struct send *s, int64_t wait)
{
    int64_t look = PROOF_LOOK_MS << s->looks;
    if (look < PROOF_MOST_MS)
        s->looks++;
    else
        look = PROOF_MOST_MS;
    return look < wait ? look : wait;
}

bool put_off(const struct batch *b, struct send *s)
{
    if (s->mode != SEND_NOW || s->decision.verdict != VERDICT_HOLD)
        return false;
    int64_t wait = s->decision.until - b->now;
    bool pace = s->facts.known[FACT_SENDER_FREE_AT] && s->facts.value[FACT_SENDER_FREE_AT] == s->decision.until;
    int64_t margin_us = pace ? MARGIN_US : 0;
    if (awaits_proof(b, s))
        wait = until_next_look(s, wait);
    if (wait > (s->hold_until_latest - margin_us - b->mono_us) / 1000)
        return false;
    s->held = true;
    if (pace && !s->turn && !s->parked) {
        dispatch_join(b->ad->g->dispatch, s);
        s->joined = true;
        writer_park(&s->job);
    } else {
        s->parked = false;
        pace_give_back(b->ad, s);
        writer_defer(&s->job, b->mono_us + wait * 1000);
    }
    return true;
}

bool too_late(const struct batch *b, const struct send *s)
{
    return s->held && s->decision.verdict == VERDICT_HOLD && b->mono_us > s->hold_until_latest;
}
