/* SPDX-License-Identifier: Apache-2.0
 * campaign_fate.c - sorts one person of a campaign into the figures they count in.
 *
 * Outcomes are looked for in one order, the last a message can reach first, so that each person has exactly one. What Meta accepted is
 * never said to have arrived before Meta says so. Past the time Meta tries to deliver, silence means that it did not. */
#include "gateway/campaign_fate.h"

#define BIT(f) (1u << (f))

static const struct {
    const char *word, *label;
} names[CAMPAIGN_FIGURES] = {
    [FIGURE_AUDIENCE] = {"audience", "In the audience"},
    [FIGURE_SKIPPED] = {"skipped", "Skipped"},
    [FIGURE_CHOSEN] = {"chosen", "Chosen"},
    [FIGURE_PENDING] = {"pending", "Pending"},
    [FIGURE_GONE] = {"gone", "Nobody any more"},
    [FIGURE_HANDED] = {"handed", "Handed to the door"},
    [FIGURE_REFUSED] = {"refused", "Refused by a rule"},
    [FIGURE_WAITING] = {"waiting", "Waiting"},
    [FIGURE_SENDING] = {"sending", "On its way"},
    [FIGURE_IN_DOUBT] = {"in_doubt", "In doubt"},
    [FIGURE_SUBMITTED] = {"submitted", "Submitted to WhatsApp"},
    [FIGURE_AWAITING] = {"awaiting", "Awaiting delivery update"},
    [FIGURE_DELIVERED] = {"delivered", "Delivered"},
    [FIGURE_READ] = {"read", "Read"},
    [FIGURE_FAILED] = {"failed", "Failed"},
    [FIGURE_EXPIRED] = {"expired", "Expired"},
    [FIGURE_CANCELLED] = {"cancelled", "Taken back"},
    [FIGURE_REPLIED] = {"replied", "Replied"},
    [FIGURE_CLICKED] = {"clicked", "Clicked"},
    [FIGURE_OPTED_OUT] = {"opted_out", "Opted out"},
    [FIGURE_COMPLAINED] = {"complained", "Complained"},
};

const char *campaign_figure_word(enum campaign_figure f)
{
    return (size_t)f < CAMPAIGN_FIGURES ? names[f].word : "";
}

const char *campaign_figure_label(enum campaign_figure f)
{
    return (size_t)f < CAMPAIGN_FIGURES ? names[f].label : "";
}

const char *campaign_outcome_label(enum campaign_figure f)
{
    return f == FIGURE_DELIVERED ? "Delivered, not read" : campaign_figure_label(f);
}

bool campaign_figure_parse(struct str word, enum campaign_figure *ret)
{
    for (int f = 0; f < CAMPAIGN_FIGURES; f++) {
        if (!str_eq(word, str_of(names[f].word)))
            continue;
        *ret = (enum campaign_figure)f;
        return true;
    }
    return false;
}

static bool is_delivered(const struct message *m)
{
    return m->life.delivered || (m->seen & (SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED)) != 0;
}

/* Of what Meta accepted. */
static uint32_t accepted(const struct message *m, int64_t now)
{
    if ((m->seen & (SEEN_READ | SEEN_PLAYED)) != 0)
        return BIT(FIGURE_SUBMITTED) | BIT(FIGURE_DELIVERED) | BIT(FIGURE_READ);
    if (is_delivered(m))
        return BIT(FIGURE_SUBMITTED) | BIT(FIGURE_DELIVERED);
    bool late = m->valid_until != 0 && now >= m->valid_until;
    return BIT(FIGURE_SUBMITTED) | (late ? BIT(FIGURE_EXPIRED) : BIT(FIGURE_AWAITING));
}

static uint32_t of_message(const struct message *m, int64_t now)
{
    uint32_t taken = m->life.accepted != 0 ? BIT(FIGURE_SUBMITTED) : 0;
    switch ((enum life_state)m->life.state) {
    case LIFE_ACCEPTED:
        return accepted(m, now);
    case LIFE_FAILED:
        return is_delivered(m) ? accepted(m, now) : BIT(FIGURE_SUBMITTED) | BIT(FIGURE_FAILED);
    case LIFE_REJECTED:
        return taken | BIT(FIGURE_FAILED);
    case LIFE_REFUSED:
        return taken | BIT(FIGURE_REFUSED);
    case LIFE_WAITING:
        return taken | BIT(FIGURE_WAITING);
    case LIFE_SENDING:
        return taken | BIT(FIGURE_SENDING);
    case LIFE_CANCELLED:
        return taken | BIT(FIGURE_CANCELLED);
    case LIFE_EXPIRED:
    case LIFE_UNSENT:
        return taken | BIT(FIGURE_EXPIRED);
    case LIFE_AMBIGUOUS:
    case LIFE_UNDETERMINED:
        break;
    }
    return taken | BIT(FIGURE_IN_DOUBT);
}

static uint32_t of_told(int told)
{
    return ((told & TOLD_REPLIED) != 0 ? BIT(FIGURE_REPLIED) : 0) |
           ((told & TOLD_CLICKED) != 0 ? BIT(FIGURE_CLICKED) : 0) |
           ((told & TOLD_OPTED_OUT) != 0 ? BIT(FIGURE_OPTED_OUT) : 0) |
           ((told & TOLD_COMPLAINED) != 0 ? BIT(FIGURE_COMPLAINED) : 0);
}

uint32_t campaign_figures(const struct recipient_fate *f, int64_t cur, int64_t now)
{
    uint32_t bits = BIT(FIGURE_AUDIENCE) | of_told(f->r.told);
    if (f->r.skip != SKIP_NONE)
        return bits | BIT(FIGURE_SKIPPED);
    bits |= BIT(FIGURE_CHOSEN);
    if (f->m.id != 0)
        return bits | BIT(FIGURE_HANDED) | of_message(&f->m, now);
    return bits | (f->r.place < cur ? BIT(FIGURE_GONE) : BIT(FIGURE_PENDING));
}

enum campaign_figure campaign_outcome_of(uint32_t figures)
{
    static const enum campaign_figure order[] = {FIGURE_SKIPPED,  FIGURE_PENDING,  FIGURE_GONE,     FIGURE_REFUSED,
                                                 FIGURE_WAITING,  FIGURE_SENDING,  FIGURE_IN_DOUBT, FIGURE_FAILED,
                                                 FIGURE_EXPIRED,  FIGURE_AWAITING, FIGURE_READ,     FIGURE_DELIVERED,
                                                 FIGURE_CANCELLED};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (figures & BIT(order[i]))
            return order[i];
    return FIGURE_AUDIENCE;
}

/* What the message of this person is. */
static bool message_fits(const struct recipient_fate *f, uint32_t figures, const struct fate_filter *q)
{
    if (q->code != 0 && ((figures & BIT(FIGURE_FAILED)) == 0 || f->m.life.code != q->code))
        return false;
    return q->number == 0 || campaign_fate_number(f) == q->number;
}

/* What the check said of them. */
static bool row_fits(const struct campaign_recipient *r, const struct fate_filter *q)
{
    return (q->rule.p == NULL || r->skip == SKIP_NONE || str_eq(r->rule, q->rule)) &&
           (q->skip == 0 || r->skip == q->skip) && (q->source < 0 || r->stratum == q->source) &&
           (q->variant < 0 || r->variant == q->variant) && (q->language.p == NULL || str_eq(r->language, q->language));
}

bool campaign_fate_fits(const struct recipient_fate *f, uint32_t figures, const struct fate_filter *q)
{
    return (q->figures == 0 || (figures & q->figures) != 0) &&
           (q->outcomes == 0 || (q->outcomes & BIT(campaign_outcome_of(figures))) != 0) && row_fits(&f->r, q) &&
           message_fits(f, figures, q);
}
