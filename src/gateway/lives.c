/* SPDX-License-Identifier: Apache-2.0
 * lives.c - one message, one piece of news.
 *
 * A piece of news that changes nothing (late, doubled) writes nothing. The row is saved under the version it was read
 * with; the loser of a race reads it again, and because a step depends on nothing but the row and the news the order in
 * which two pieces arrive does not matter more than sendlife.c says.
 *
 * A message whose caller waits (`once`) has no outbox row. Any other has one exactly as long as its life has not ended: due
 * when the next attempt may be, parked while an attempt is in doubt. An open attempt leaves the row where it was: if
 * nothing is heard of it the row is in its place for whoever settles it. What held a message is forgotten when an attempt
 * came to nothing, because no rule holds it then.
 *
 * What a campaign's message counts for changes with its row, and is counted here and nowhere else (campaign_counts.h).
 *
 * A row that should be there and is not (somebody changed the database) must not keep what is known of its message from
 * being written, nor the messages beside it from being settled. Without its body it cannot be sent: it ends as refused with
 * the code for trouble of our own, or as undetermined where an attempt is in doubt. */
#include "gateway/lives.h"

#include "base/log.h"

#include "gateway/campaign_counts.h"
#include "gateway/dispatch.h"
#include "gateway/gateway_impl.h"

#define TRIES     3
#define CODE_LOST 131000 /* something went wrong: here, not at Meta */

static bool same_life(const struct life *a, const struct life *b)
{
    return a->state == b->state && a->attempts == b->attempts && life_bits(a) == life_bits(b) && a->code == b->code &&
           a->at == b->at && a->begun_at == b->begun_at && a->category == b->category;
}

/* Meta's id of the attempt it accepted last. */
static void take_wamid(struct message *m, const struct life_news *news)
{
    if (news->wamid.n == 0 || news->wamid.n >= sizeof m->wamid || message_is_erased(m))
        return;
    if (m->wamid[0] != '\0' && news->event.attempt < m->life.attempts)
        return;
    memcpy(m->wamid, news->wamid.p, news->wamid.n);
    m->wamid[news->wamid.n] = '\0';
}

/* The time Meta tries to deliver began to run when it accepted the message; for what it does not have there is none. */
static void take_validity(struct message *m, enum life_state before, const struct life_news *news, int64_t now)
{
    bool answered = news->event.kind == STEP_ACCEPTED && before == LIFE_SENDING && m->life.state == LIFE_ACCEPTED;
    if (m->valid_until == 0)
        return;
    if (answered)
        m->valid_until += now - m->life.begun_at;
    else if (m->life.accepted == 0 && m->life.state != LIFE_SENDING && m->life.state != LIFE_AMBIGUOUS &&
             m->life.state != LIFE_UNDETERMINED)
        m->valid_until = 0;
}

bool life_row(const struct message *m, struct outbox_key *ret)
{
    if (m->life.once || life_ended(&m->life))
        return false;
    *ret = (struct outbox_key){.bucket = m->bucket,
                               .sender = m->sender,
                               .class = lane_class((enum category)m->life.category),
                               .campaign = m->campaign,
                               .due = m->life.state == LIFE_AMBIGUOUS ? OUTBOX_PARKED : m->life.at,
                               .id = m->id};
    return true;
}

/* Brings the row to where the message now is. */
static int keep_row(struct store *s, const struct message *before, const struct message *m,
                    const struct life_news *news, struct err *e)
{
    static const struct outbox_row nothing;
    struct outbox_key from, to;
    if (!life_row(before, &from))
        return 0;
    if (!life_row(m, &to)) {
        int rc = outbox_delete(s, &from, e);
        return rc == WL_ENOTFOUND ? 0 : rc; /* what Meta says counts in any case */
    }
    if (from.due == to.due && from.class == to.class)
        return 0;
    return outbox_move(s, &from, to.class, to.due, news->held != NULL ? news->held : &nothing, e);
}

/* There is nothing of it that could be sent: *m is saved already, and ends if it waits. */
static int row_lost(struct store *s, struct message *m, int64_t now, struct life_effects *effects, struct err *e)
{
    const struct life_event lost = {.kind = STEP_REFUSED, .code = CODE_LOST};
    log_error("lives", "the outbox has no row of message %lld, which is %s: it cannot be sent any more",
              (long long)m->id, life_state_name((enum life_state)m->life.state));
    if (m->life.state != LIFE_WAITING)
        return 0;
    life_step(&m->life, &lost, now, effects);
    return message_save(s, m, e);
}

static void collect(struct life_after *after, const struct message *before, const struct message *m,
                    const struct life_effects *effects)
{
    if (after == NULL)
        return;
    after->duplicates += effects->duplicate;
    if (m->life.state != before->life.state)
        after->became[m->life.state]++;
    bool nearer = before->life.state != LIFE_WAITING || m->life.at < before->life.at;
    if (m->life.once || m->life.state != LIFE_WAITING || !nearer)
        return;
    for (size_t i = 0; i < after->n_bells; i++)
        if (after->bell[i] == m->sender)
            return;
    if (after->n_bells < LIFE_BELLS)
        after->bell[after->n_bells++] = m->sender;
}

/* What a decision about it gave the message. */
static void take_decision(struct message *m, const struct life_news *news)
{
    m->epoch = news->epoch != 0 ? news->epoch : m->epoch;
    m->decision = news->decision != 0 ? news->decision : m->decision;
    m->valid_until = news->valid_until != 0 ? news->valid_until : m->valid_until;
}

/* WL_ECONFLICT: *m is the row as somebody else left it; nothing was written. */
static int hear_once(struct store *s, struct message *m, const struct life_news *news, int64_t now,
                     struct life_after *after, struct err *e)
{
    struct message next = *m;
    struct life_effects effects;
    life_step(&next.life, &news->event, now, &effects);
    if (!same_life(&next.life, &m->life))
        take_decision(&next, news);
    next.seen |= news->seen;
    take_wamid(&next, news);
    take_validity(&next, (enum life_state)m->life.state, news, now);
    if (next.life.state != m->life.state)
        next.changed_at = now;
    bool changed = !same_life(&next.life, &m->life) || next.seen != m->seen || strcmp(next.wamid, m->wamid) != 0;
    if (!changed)
        return campaign_count(s, m, m, news, e);
    int rc = message_save(s, &next, e);
    if (rc == WL_ECONFLICT) {
        rc = messages_get(s, m->bucket, m->id, m, e);
        return rc == 0 ? WL_ECONFLICT : rc;
    }
    if (rc == 0)
        rc = keep_row(s, m, &next, news, e);
    if (rc == WL_ENOTFOUND)
        rc = row_lost(s, &next, now, &effects, e);
    if (rc == 0)
        rc = campaign_count(s, m, &next, news, e);
    if (rc != 0)
        return rc;
    collect(after, m, &next, &effects);
    *m = next;
    return 0;
}

int life_hear(struct store *s, struct message *m, const struct life_news *news, int64_t now, struct life_after *after,
              struct err *e)
{
    int rc = WL_ECONFLICT;
    for (int i = 0; i < TRIES && rc == WL_ECONFLICT; i++)
        rc = hear_once(s, m, news, now, after, e);
    return rc;
}
