/* SPDX-License-Identifier: Apache-2.0
 * backtest_state.c - the simulated state of people, pairs and portfolios.
 *
 * A person gets an entry at the first message that counts for a cap or opens a conversation; the ring of their
 * marketing is followed only once it differs from the recorded one, and starts from the recorded facts of that moment.
 * Where those were not recorded (an older release), it starts from what the log itself said since its beginning. */
#include "core/backtest_state.h"

#include <string.h>

#include "core/budget.h"
#include "core/caps.h"
#include "core/consent.h"
#include "core/id_map.h"
#include "core/intent.h"
#include "core/pace.h"
#include "core/ruleset_impl.h"

#define WINDOW_MS (24 * INT64_C(3600000))
#define SECOND_MS 1000
#define PERMILLE  1000
#define USED_MAX  (1000 * 1000000) /* permille of a limit: nothing a gateway recorded is near that */

struct person_state {
    int64_t contact, zero;
    bool differs;  /* sent[] is the simulation's */
    bool unseeded; /* the recorded facts never said what was sent before */
    uint32_t n_stopped;
    struct caps *caps;          /* NULL while nothing has to be followed */
    int64_t stopped[CAPS_RING]; /* whole seconds at which the person got what they would not have got; a ring */
    int64_t opened, sim_opened; /* when the person was last counted against the portfolio; 0 not since the log began */
};

struct pair_state {
    int64_t contact, sender;
    bool differs;
    int64_t tat;
};

struct portfolio_state {
    int64_t portfolio, zero;
    bool differs;
    struct budget real, simulated;
};

struct backtest_state {
    const struct backtest_options *o;
    struct arena *arena;
    struct id_map people, pairs, portfolios;
    uint64_t without_history;
};

struct backtest_state *state_create(const struct backtest_options *o, struct arena *a)
{
    struct backtest_state *s = arena_new(a, struct backtest_state);
    if (s == NULL)
        return NULL;
    s->o = o;
    s->arena = a;
    id_map_init(&s->people, a, sizeof(struct person_state));
    id_map_init(&s->pairs, a, sizeof(struct pair_state));
    id_map_init(&s->portfolios, a, sizeof(struct portfolio_state));
    return s;
}

uint64_t state_without_history(const struct backtest_state *s)
{
    return s->without_history;
}

void state_wants(bool wanted[FACT_COUNT])
{
    static const enum fact_id facts[] = {FACT_MESSAGE_KIND,         FACT_MESSAGE_CATEGORY,  FACT_RECIPIENT_FORM,
                                         FACT_WINDOW_LAST_INBOUND,  FACT_PAIR_TAT,          FACT_PORTFOLIO_LIMIT,
                                         FACT_PORTFOLIO_USED,       FACT_PORTFOLIO_COUNTED, FACT_PORTFOLIO_FREE_AT,
                                         FACT_PORTFOLIO_RESERVE_AT, FACT_DUPLICATE_SAME_AT, FACT_DUPLICATE_NEAR_AT};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        wanted[facts[i]] = true;
    for (int i = 0; i < CAPS_RING; i++)
        wanted[FACT_MARKETING_SENT_1 + i] = true;
}

static bool says(const struct facts *f, enum fact_id id, int64_t value)
{
    return f->known[id] && f->value[id] == value;
}

/* What counts, and when, is what the gateway's door counts (gateway/admit_batch.c). */
static bool counts_for_caps(const struct facts *f)
{
    return says(f, FACT_MESSAGE_CATEGORY, CATEGORY_MARKETING);
}

static int64_t book_value(const struct backtest_state *s, const char *rule, const char *name, int64_t ts,
                          int64_t otherwise)
{
    int64_t v;
    return ruleset_value(s->o->rules, rule, name, ts, &v) == 0 ? v : otherwise;
}

static bool inside_window(const struct backtest_state *s, const struct facts *f, int64_t ts)
{
    int64_t last = f->known[FACT_WINDOW_LAST_INBOUND] ? f->value[FACT_WINDOW_LAST_INBOUND] : 0;
    if (last == 0 || last <= ts - WINDOW_MS)
        return false;
    return ts - last <
           book_value(s, "window.closed", "window", ts, WINDOW_MS) - book_value(s, "window.closed", "margin", ts, 0);
}

static bool opens_conversation(const struct backtest_state *s, const struct facts *f, int64_t ts)
{
    return (says(f, FACT_MESSAGE_KIND, INTENT_TEMPLATE) || says(f, FACT_MESSAGE_KIND, INTENT_DIRECT)) &&
           f->known[FACT_PORTFOLIO_LIMIT] && f->value[FACT_PORTFOLIO_LIMIT] > 0 && !inside_window(s, f, ts);
}

/* As caps keep it: rounded up, so that a stretch is never too short. */
static int64_t whole_second(int64_t at)
{
    int64_t ms = within_time(at);
    return (ms / SECOND_MS + (ms % SECOND_MS != 0)) * SECOND_MS;
}

/* ---- facts ---- */

static void caps_from_facts(struct caps *c, const struct facts *f)
{
    for (int i = CAPS_RING; i-- > 0;) {
        enum fact_id id = (enum fact_id)(FACT_MARKETING_SENT_1 + i);
        if (f->known[id] && f->value[id] != 0)
            caps_sent(c, f->value[id], NULL);
    }
}

static void simulate_caps(const struct person_state *p, struct facts *f)
{
    for (int i = 0; i < CAPS_RING; i++)
        fact_set(f, (enum fact_id)(FACT_MARKETING_SENT_1 + i), i < p->caps->n ? p->caps->sent[i] : 0);
}

static bool was_stopped(const struct person_state *p, int64_t at)
{
    for (size_t i = 0; i < CAPS_RING && i < p->n_stopped; i++)
        if (p->stopped[i] == whole_second(at))
            return true;
    return false;
}

static void simulate_duplicates(const struct person_state *p, struct facts *f)
{
    static const enum fact_id ids[] = {FACT_DUPLICATE_SAME_AT, FACT_DUPLICATE_NEAR_AT};
    for (size_t i = 0; i < 2; i++)
        if (f->known[ids[i]] && f->value[ids[i]] != 0 && was_stopped(p, f->value[ids[i]]))
            f->value[ids[i]] = 0;
}

/* When fewer than `below` people count. What was recorded of it is kept where it still says "not yet"; else it is told
 * from those of whom the simulation knows when they leave, who may be fewer than all. */
static int64_t place_at(const struct state_message *m, int64_t people, int64_t below, int64_t recorded)
{
    const struct budget *b = &m->portfolio->simulated;
    int64_t leave = people - below, used = budget_used(b, m->ts);
    if (leave < 0)
        return 0;
    return recorded != 0 ? recorded : budget_when(b, (uint32_t)(used > leave ? used - leave : 1), m->ts);
}

/* People in use and places free, moved by the difference of the two rings. */
static void simulate_portfolio(const struct backtest_state *s, const struct state_message *m, struct facts *f)
{
    const struct portfolio_state *q = m->portfolio;
    const struct person_state *p = m->person;
    int64_t limit = f->value[FACT_PORTFOLIO_LIMIT], ts = m->ts;
    if (p != NULL && p->opened != p->sim_opened && f->known[FACT_PORTFOLIO_COUNTED])
        fact_set(f, FACT_PORTFOLIO_COUNTED,
                 inside_window(s, f, ts) || budget_counted(&q->simulated, p->sim_opened, ts));
    int64_t more = (int64_t)budget_used(&q->simulated, ts) - (int64_t)budget_used(&q->real, ts);
    if (more == 0 || !f->known[FACT_PORTFOLIO_LIMIT] || !f->known[FACT_PORTFOLIO_USED] || limit <= 0 ||
        limit > UINT32_MAX || f->value[FACT_PORTFOLIO_USED] < 0 || f->value[FACT_PORTFOLIO_USED] > USED_MAX)
        return;
    int64_t people = f->value[FACT_PORTFOLIO_USED] * limit / PERMILLE + more;
    int64_t open = limit * (PERMILLE - book_value(s, "portfolio.unique.marketing", "reserve", ts, 0)) / PERMILLE;
    if (people < 0)
        people = 0;
    fact_set(f, FACT_PORTFOLIO_USED, (people * PERMILLE + limit - 1) / limit);
    fact_set(f, FACT_PORTFOLIO_FREE_AT, place_at(m, people, limit, f->value[FACT_PORTFOLIO_FREE_AT]));
    fact_set(f, FACT_PORTFOLIO_RESERVE_AT, place_at(m, people, open, f->value[FACT_PORTFOLIO_RESERVE_AT]));
}

static int64_t portfolio_of(const struct backtest_state *s, int64_t sender)
{
    return s->o->portfolio != NULL ? s->o->portfolio(s->o->ctx, sender) : 0;
}

int state_facts(struct backtest_state *s, struct state_message *m, struct facts *room, const struct facts **ret)
{
    m->person = id_map_find(&s->people, m->contact, 0);
    m->pair = id_map_find(&s->pairs, m->contact, m->sender);
    m->portfolio = id_map_add(&s->portfolios, portfolio_of(s, m->sender), 0);
    if (m->portfolio == NULL)
        return WL_ENOMEM;
    bool caps = m->person != NULL && (m->person->differs || m->person->unseeded) && counts_for_caps(m->recorded);
    bool pair = m->pair != NULL && m->pair->differs;
    *ret = m->recorded;
    if (!caps && !pair && !m->portfolio->differs)
        return 0;
    *room = *m->recorded;
    if (caps) {
        simulate_caps(m->person, room);
        simulate_duplicates(m->person, room);
    }
    if (pair)
        fact_set(room, FACT_PAIR_TAT, m->pair->tat);
    if (m->portfolio->differs)
        simulate_portfolio(s, m, room);
    *ret = room;
    return 0;
}

/* ---- decisions ---- */

static int person_needed(struct backtest_state *s, struct state_message *m)
{
    if (m->person == NULL)
        m->person = id_map_add(&s->people, m->contact, 0);
    return m->person != NULL ? 0 : WL_ENOMEM;
}

static int caps_needed(struct backtest_state *s, struct person_state *p)
{
    if (p->caps == NULL)
        p->caps = arena_new(s->arena, struct caps);
    return p->caps != NULL ? 0 : WL_ENOMEM;
}

/* The ring as it was before this message, when following it begins. */
static void begin_caps(struct backtest_state *s, struct person_state *p, const struct facts *recorded, bool history)
{
    if (p->differs)
        return;
    if (history) {
        memset(p->caps, 0, sizeof *p->caps);
        caps_from_facts(p->caps, recorded);
    } else if (!p->unseeded) {
        p->unseeded = true;
        s->without_history++;
    }
}

static int decided_caps(struct backtest_state *s, struct state_message *m, bool recorded, bool other)
{
    bool history = m->recorded->known[FACT_MARKETING_SENT_1];
    bool alike = recorded == other && (m->person == NULL || !m->person->differs);
    if ((!recorded && !other) || (history && alike))
        return 0; /* nothing was sent, or both rings go on alike */
    int rc = person_needed(s, m);
    if (rc == 0)
        rc = caps_needed(s, m->person);
    if (rc != 0)
        return rc;
    struct person_state *p = m->person;
    begin_caps(s, p, m->recorded, history);
    p->differs = p->differs || recorded != other;
    if (other)
        caps_sent(p->caps, m->ts, NULL);
    else
        p->stopped[p->n_stopped++ % CAPS_RING] = whole_second(m->ts);
    return 0;
}

static int decided_pair(struct backtest_state *s, struct state_message *m, bool recorded, bool other)
{
    int64_t interval = book_value(s, "pair.rate", "interval", m->ts, 0);
    if (!m->recorded->known[FACT_PAIR_TAT] || (recorded == other && (m->pair == NULL || !m->pair->differs)))
        return 0;
    if (m->pair == NULL)
        m->pair = id_map_add(&s->pairs, m->contact, m->sender);
    if (m->pair == NULL)
        return WL_ENOMEM;
    if (!m->pair->differs)
        m->pair->tat = within_time(m->recorded->value[FACT_PAIR_TAT]);
    m->pair->differs = true;
    if (other && interval > 0)
        m->pair->tat = pace_take(m->pair->tat, m->ts, interval);
    return 0;
}

static int decided_portfolio(struct backtest_state *s, struct state_message *m, bool recorded, bool other)
{
    if (!opens_conversation(s, m->recorded, m->ts) || (!recorded && !other))
        return 0;
    int rc = person_needed(s, m);
    if (rc != 0)
        return rc;
    /* Counted since before the log began: that goes on for a time nobody knows, in both worlds. */
    if (says(m->recorded, FACT_PORTFOLIO_COUNTED, true) && m->person->opened == 0 && m->person->sim_opened == 0)
        recorded = other = true;
    m->portfolio->differs = m->portfolio->differs || recorded != other;
    if (recorded)
        m->person->opened = budget_take(&m->portfolio->real, m->person->opened, m->ts);
    if (other)
        m->person->sim_opened = budget_take(&m->portfolio->simulated, m->person->sim_opened, m->ts);
    return 0;
}

int state_decided(struct backtest_state *s, struct state_message *m, bool recorded_allows, bool other_allows)
{
    int rc = 0;
    if (counts_for_caps(m->recorded))
        rc = decided_caps(s, m, recorded_allows, other_allows);
    if (rc == 0)
        rc = decided_pair(s, m, recorded_allows, other_allows);
    return rc == 0 ? decided_portfolio(s, m, recorded_allows, other_allows) : rc;
}
