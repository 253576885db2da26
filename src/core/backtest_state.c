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

#define WINDOW_MS (24 * INT64_C(3600000))
#define SECOND_MS 1000
#define PERMILLE  1000

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
    static const enum fact_id facts[] = {FACT_MESSAGE_KIND,        FACT_MESSAGE_CATEGORY,  FACT_RECIPIENT_FORM,
                                         FACT_WINDOW_LAST_INBOUND, FACT_PAIR_TAT,          FACT_PORTFOLIO_LIMIT,
                                         FACT_PORTFOLIO_USED,      FACT_PORTFOLIO_COUNTED, FACT_PORTFOLIO_FREE_AT,
                                         FACT_DUPLICATE_SAME_AT,   FACT_DUPLICATE_NEAR_AT};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        wanted[facts[i]] = true;
    for (int i = 0; i < CAPS_RING; i++)
        wanted[FACT_MARKETING_SENT_1 + i] = true;
}

static bool says(const struct facts *f, enum fact_id id, int64_t value)
{
    return f->known[id] && f->value[id] == value;
}

static bool is_proactive(const struct facts *f)
{
    return says(f, FACT_MESSAGE_KIND, INTENT_TEMPLATE) || says(f, FACT_MESSAGE_KIND, INTENT_DIRECT);
}

static bool counts_for_caps(const struct facts *f)
{
    return is_proactive(f) && says(f, FACT_MESSAGE_CATEGORY, CATEGORY_MARKETING);
}

static bool inside_window(const struct facts *f, int64_t ts)
{
    return f->known[FACT_WINDOW_LAST_INBOUND] && f->value[FACT_WINDOW_LAST_INBOUND] != 0 &&
           f->value[FACT_WINDOW_LAST_INBOUND] > ts - WINDOW_MS;
}

static bool opens_conversation(const struct facts *f, int64_t ts)
{
    return is_proactive(f) && !says(f, FACT_RECIPIENT_FORM, IDENTITY_GROUP) && !inside_window(f, ts);
}

/* As caps keep it: rounded up, so that a stretch is never too short. */
static int64_t whole_second(int64_t ms)
{
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

/* People in use and places free, moved by the difference of the two rings. */
static void simulate_portfolio(const struct state_message *m, struct facts *f)
{
    const struct portfolio_state *q = m->portfolio;
    int64_t limit = f->value[FACT_PORTFOLIO_LIMIT], ts = m->ts;
    if (m->person != NULL && m->person->opened != m->person->sim_opened && f->known[FACT_PORTFOLIO_COUNTED])
        fact_set(f, FACT_PORTFOLIO_COUNTED,
                 inside_window(f, ts) || budget_counted(&q->simulated, m->person->sim_opened, ts));
    int64_t used = budget_used(&q->simulated, ts), more = used - (int64_t)budget_used(&q->real, ts);
    if (more == 0 || !f->known[FACT_PORTFOLIO_LIMIT] || !f->known[FACT_PORTFOLIO_USED] || limit <= 0 ||
        limit > UINT32_MAX)
        return;
    int64_t recorded = f->value[FACT_PORTFOLIO_USED] * limit / PERMILLE, people = recorded + more;
    if (people < 0)
        people = 0;
    fact_set(f, FACT_PORTFOLIO_USED, (people * PERMILLE + limit - 1) / limit);
    if (people < limit)
        fact_set(f, FACT_PORTFOLIO_FREE_AT, 0);
    else if (f->value[FACT_PORTFOLIO_FREE_AT] == 0)
        fact_set(f, FACT_PORTFOLIO_FREE_AT,
                 budget_when(&q->simulated, (uint32_t)(used > people - limit ? used - (people - limit) : 1), ts));
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
    bool caps = m->person != NULL && (m->person->differs || m->person->unseeded);
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
        simulate_portfolio(m, room);
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

static int decided_caps(struct backtest_state *s, struct state_message *m, bool recorded, bool other)
{
    bool history = m->recorded->known[FACT_MARKETING_SENT_1];
    struct person_state *p = m->person;
    if (!recorded && !other)
        return 0;
    if (history && recorded == other && (p == NULL || !p->differs))
        return 0; /* both rings go on alike */
    int rc = person_needed(s, m);
    if (rc == 0)
        rc = caps_needed(s, m->person);
    if (rc != 0)
        return rc;
    p = m->person;
    if (!history && !p->unseeded && !p->differs) {
        p->unseeded = true;
        s->without_history++;
    } else if (history && !p->differs) {
        memset(p->caps, 0, sizeof *p->caps);
        caps_from_facts(p->caps, m->recorded);
    }
    p->differs = p->differs || recorded != other;
    if (other)
        caps_sent(p->caps, m->ts, NULL);
    if (recorded && !other)
        p->stopped[p->n_stopped++ % CAPS_RING] = whole_second(m->ts);
    return 0;
}

static int decided_pair(struct backtest_state *s, struct state_message *m, bool recorded, bool other)
{
    int64_t interval = 0;
    if (!m->recorded->known[FACT_PAIR_TAT] || (recorded == other && (m->pair == NULL || !m->pair->differs)))
        return 0;
    if (m->pair == NULL)
        m->pair = id_map_add(&s->pairs, m->contact, m->sender);
    if (m->pair == NULL)
        return WL_ENOMEM;
    if (!m->pair->differs)
        m->pair->tat = m->recorded->value[FACT_PAIR_TAT];
    m->pair->differs = true;
    if (other && ruleset_value(s->o->rules, "pair.rate", "interval", m->ts, &interval) == 0)
        m->pair->tat = pace_take(m->pair->tat, m->ts, interval);
    return 0;
}

static int decided_portfolio(struct backtest_state *s, struct state_message *m, bool recorded, bool other)
{
    if (!opens_conversation(m->recorded, m->ts) || (!recorded && !other))
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
