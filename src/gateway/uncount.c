/* SPDX-License-Identifier: Apache-2.0
 * uncount.c - which of a message's traces are taken back, and when they have to stay.
 *
 * Marketing: its time leaves the person's ring and its content is forgotten, core/caps.h; found by the time of the attempt.
 * The place in the portfolio: only if this message opened it, and the person's row still says so. Who counted before, or
 * was written to since, goes on counting; what their row said before is not known any more. The pace with the person:
 * only for what never left, because Meta may have counted what it refused; and only while no later message has been
 * put on top of it, because a burst after a pause owes nothing to what was before the pause.
 *
 * A failed status says that an accepted message was not delivered. A cap and a duplicate are about what people got, so
 * these are given back; the place and the pace are Meta's counts and stay. Statuses come in any order and more than
 * once: what counts is whether the message is failed and was never seen delivered, before and after a status. A
 * delivery that is told after the failure counts again, without its content. One failure in a group is not the
 * group's. */
#include "gateway/uncount.h"

#include "store/people.h"
#include "store/reach.h"

static int64_t same_at(const struct facts *f)
{
    return f->known[FACT_DUPLICATE_SAME_AT] ? f->value[FACT_DUPLICATE_SAME_AT] : 0;
}

/* When what the message counts for was counted: its last attempt's beginning. */
static int64_t counted_at(const struct message *m)
{
    return m->life.begun_at != 0 ? m->life.begun_at : m->ts;
}

static int give_back_place(struct store *s, const struct send *send, int64_t contact, struct err *e)
{
    struct reach r = {.bucket = send->message.bucket,
                      .portfolio = send->portfolio,
                      .contact = contact,
                      .opened_at = send->opened_at};
    struct portfolio p;
    bool own = false;
    if (send->opened_at == 0)
        return 0;
    int rc = portfolio_get(s, send->portfolio, &p, e);
    if (rc != 0 || !budget_give_back(&p.budget, send->opened_at))
        return rc;
    rc = reach_forget(s, &r, &own, e);
    return rc == 0 && own ? portfolio_put(s, &p, e) : rc;
}

static int give_back_pace(struct store *s, const struct send *send, int64_t contact, struct err *e)
{
    const struct message *m = &send->message;
    struct pair pair = {.bucket = m->bucket, .contact = contact, .sender = m->sender};
    int rc = pairs_get(s, &pair, 1, e);
    if (rc != 0 || pair.last_out != counted_at(m) || send->interval == 0)
        return rc;
    pair.tat -= send->interval;
    return pairs_put(s, &pair, 1, e);
}

int uncount_send(struct store *s, const struct send *send, struct err *e)
{
    const struct message *m = &send->message;
    struct person p;
    if ((send->outcome != LIFE_UNSENT && send->outcome != LIFE_REJECTED) || m->contact == 0)
        return 0;
    int rc = people_get(s, m->bucket, m->contact, &p, e);
    if (rc == 0 && m->life.category == CATEGORY_MARKETING && caps_unsent(&p.caps, counted_at(m), same_at(&send->facts)))
        rc = people_save(s, &p, 1, e);
    if (rc == 0)
        rc = give_back_place(s, send, p.id, e);
    if (rc == 0 && send->outcome == LIFE_UNSENT && p.id == m->contact) /* a merge joins paces, too */
        rc = give_back_pace(s, send, p.id, e);
    return rc;
}

/* Whether a message of which these statuses were seen counts as one the person got. */
static bool counts(uint32_t seen)
{
    return !(seen & SEEN_FAILED) || (seen & (SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED));
}

static bool was_counted(const struct message *m)
{
    static const uint32_t states =
        1u << LIFE_SENDING | 1u << LIFE_ACCEPTED | 1u << LIFE_AMBIGUOUS | 1u << LIFE_FAILED | 1u << LIFE_UNDETERMINED;
    return m->contact != 0 && m->life.category == CATEGORY_MARKETING && (states >> m->life.state & 1);
}

int uncount_status(struct store *s, struct arena *a, const struct message *before, uint32_t seen, struct err *e)
{
    struct decision_row d;
    struct facts f;
    struct person p;
    bool counted = counts(before->seen | seen);
    if (counts(before->seen) == counted || !was_counted(before))
        return 0;
    int rc = decisions_get(s, before->bucket, message_decision(before), a, &d, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    if (facts_unpack(d.facts.p, d.facts.n, &f) != 0 ||
        (f.known[FACT_RECIPIENT_FORM] && f.value[FACT_RECIPIENT_FORM] == IDENTITY_GROUP))
        return 0;
    rc = people_get(s, before->bucket, before->contact, &p, e);
    if (rc != 0)
        return rc;
    if (counted)
        caps_sent(&p.caps, counted_at(before), NULL);
    else if (!caps_unsent(&p.caps, counted_at(before), same_at(&f)))
        return 0;
    return people_save(s, &p, 1, e);
}
