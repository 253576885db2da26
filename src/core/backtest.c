/* SPDX-License-Identifier: Apache-2.0
 * backtest.c - the log decided again, and the difference counted.
 *
 * A block is read a column a fact, and only the facts that the book mentions, the report groups by or the simulation
 * follows. The other book decides each row by decide() itself, so a backtest cannot disagree with the gateway. What the
 * recorded findings say is looked at only where it is needed: to name the rule of a message that would be let through,
 * and to know which rules a person had set aside and that a message could not wait, once for each text of findings
 * a block holds. */
#include "core/backtest.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/backtest_state.h"
#include "core/id_map.h"
#include "core/ruleset_impl.h"

#define ALL_GROUPS  UINT32_MAX /* no group of its own */
#define CODES_ALL   4096
#define KEY_UNKNOWN (-1)

struct group {
    int64_t key, by; /* keys of the map */
    struct backtest_group face;
    uint32_t number;
};

struct code_count {
    int64_t code, zero;
    uint64_t n;
};

/* Whether the findings of a text say anything that the facts do not. */
enum heard { HEARD_UNASKED = 0, HEARD_NOTHING, HEARD_SOME };

struct backtest {
    struct backtest_options o;
    struct arena *arena;
    struct backtest_state *state;
    bool wanted[FACT_COUNT];
    struct backtest_report report;
    struct id_map groups, codes;
    struct group *last[BACKTEST_DIMENSIONS]; /* most decisions fall where the one before fell */
    struct backtest_stopped *stopped;
    size_t n_stopped;
    uint8_t *heard; /* by text of the block */
    struct facts simulated;
    struct decision new, old; /* large: not on the stack */
};

const char *backtest_dimension_name(enum backtest_dimension d)
{
    static const char *const names[] = {"category", "country", "campaign", "rule"};
    return (unsigned)d < BACKTEST_DIMENSIONS ? names[d] : "";
}

const char *backtest_fate_name(enum backtest_fate f)
{
    static const char *const names[] = {"lost", "unsent",    "rejected", "ambiguous", "accepted",
                                        "sent", "delivered", "read",     "failed"};
    return (unsigned)f < FATE_COUNT ? names[f] : "";
}

const char *backtest_answer_name(enum backtest_answer a)
{
    static const char *const names[] = {"unknown", "no", "yes"};
    return (unsigned)a < ANSWER_COUNT ? names[a] : "";
}

static void want_predicate(const struct ruleset *rs, uint32_t root, bool wanted[FACT_COUNT])
{
    for (uint32_t i = root; root != NO_NODE && i < rs->node[root].end; i++) {
        const struct node *n = &rs->node[i];
        if (n->op <= OP_NOT)
            continue;
        wanted[n->fact] = true;
        if (n->op == OP_BEFORE || n->op >= OP_OUTSIDE)
            wanted[n->other] = true;
    }
}

void backtest_facts_of(const struct ruleset *rs, bool ret_wanted[FACT_COUNT])
{
    memset(ret_wanted, false, FACT_COUNT);
    ret_wanted[FACT_MESSAGE_KIND] = true; /* a receipt is no send */
    for (size_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rule[i];
        for (size_t k = 0; k < r->facts.n; k++)
            ret_wanted[r->facts.fact[k]] = true;
        if (r->builtin == BUILTIN_NONE) {
            want_predicate(rs, r->applies, ret_wanted);
            want_predicate(rs, r->when, ret_wanted);
        }
        if (r->until.kind == UNTIL_FACT)
            ret_wanted[r->until.fact] = true;
    }
    for (size_t i = 0; i < rs->n_basis; i++)
        want_predicate(rs, rs->basis[i].when, ret_wanted);
    /* who looks at one of these looks at where the person is, and that is all of them */
    for (int f = FACT_RECIPIENT_UTC_MIN; f <= FACT_RECIPIENT_UTC_MAX_AFTER; f++)
        ret_wanted[f] = ret_wanted[f] || ret_wanted[FACT_RECIPIENT_UTC_MIN] || ret_wanted[FACT_RECIPIENT_UTC_MAX];
}

struct backtest *backtest_create(const struct backtest_options *o, struct arena *a)
{
    struct backtest *bt = arena_new(a, struct backtest);
    if (bt == NULL)
        return NULL;
    bt->o = *o;
    bt->arena = a;
    bt->stopped = arena_new_array(a, struct backtest_stopped, DECISION_BLOCK_MAX);
    bt->heard = arena_alloc(a, DECISION_BLOCK_MAX);
    bt->state = o->stateful ? state_create(&bt->o, a) : NULL;
    if (bt->stopped == NULL || bt->heard == NULL || (o->stateful && bt->state == NULL))
        return NULL;
    backtest_facts_of(o->rules, bt->wanted);
    bt->wanted[FACT_MESSAGE_CATEGORY] = bt->wanted[FACT_RECIPIENT_COUNTRY] = true;
    if (o->stateful)
        state_wants(bt->wanted);
    id_map_init(&bt->groups, a, sizeof(struct group));
    id_map_init(&bt->codes, a, sizeof(struct code_count));
    return bt;
}

/* ---- one decision ---- */

/* A block while it is decided. */
struct run {
    struct backtest *bt;
    struct decision_block *block;
    struct block_facts facts;
    struct int_column ts, until, verdict, ruleset, contact, sender, campaign, text;
    int64_t heard_book; /* of which backtest.heard speaks */
};

static int run_open(struct run *r, struct err *e)
{
    const struct {
        enum block_number number;
        struct int_column *column;
    } columns[] = {{BLOCK_TS, &r->ts},
                   {BLOCK_UNTIL, &r->until},
                   {BLOCK_VERDICT, &r->verdict},
                   {BLOCK_RULESET, &r->ruleset},
                   {BLOCK_CONTACT, &r->contact},
                   {BLOCK_SENDER, &r->sender},
                   {BLOCK_CAMPAIGN, &r->campaign},
                   {BLOCK_FINDINGS, &r->text}};
    struct int_column id;
    int rc = block_facts_open(&r->facts, r->block, r->bt->wanted, e);
    for (size_t i = 0; rc == 0 && i < sizeof columns / sizeof columns[0]; i++)
        rc = decision_block_numbers(r->block, columns[i].number, columns[i].column, e);
    if (rc == 0)
        rc = decision_block_numbers(r->block, BLOCK_ID_MS, &id, e);
    return rc == 0 ? decision_block_numbers(r->block, BLOCK_ID_COUNT, &id, e) : rc;
}

/* The recorded findings; false when they are not understood any more. */
static bool recorded(struct run *r, size_t i, struct decision *ret)
{
    struct str packed;
    const struct backtest_options *o = &r->bt->o;
    const struct ruleset *book = o->book != NULL ? o->book(o->ctx, r->ruleset.v[i]) : NULL;
    return book != NULL && decision_block_findings(r->block, i, r->block->arena, &packed, NULL) == 0 &&
           decision_unpack(packed.p, packed.n, book, ret) == 0;
}

/* What the recorded findings say that the facts do not: rules set aside, as far as the other book has them, and when the
 * message was surely worthless. It was so before the last of the holds it could not wait for was over; 0: they do not
 * say. */
struct told {
    struct override aside;
    bool any_aside;
    int64_t expires;
};

static void tell(const struct backtest *bt, struct told *ret)
{
    bool worthless = false;
    int64_t last = 0;
    for (size_t k = 0; k < bt->old.n; k++) {
        const struct finding *fi = &bt->old.finding[k];
        worthless = worthless || fi->rule->builtin == BUILTIN_EXPIRY;
        if (fi->overridden) {
            ret->any_aside = true;
            override_add(&ret->aside, bt->o.rules, str_of(rule_id(fi->rule)), NULL);
        } else if (!fi->shadow && fi->verdict == VERDICT_HOLD && fi->until > last) {
            last = fi->until;
        }
    }
    ret->expires = worthless && last > 1 ? last - 1 : 0;
}

/* A text of findings that told nothing once tells nothing, as long as it is of the same book. */
static void listen(struct run *r, size_t i, struct told *ret)
{
    struct backtest *bt = r->bt;
    memset(ret, 0, sizeof *ret);
    if (bt->o.book == NULL)
        return;
    if (r->ruleset.v[i] != r->heard_book) {
        memset(bt->heard, HEARD_UNASKED, DECISION_BLOCK_MAX);
        r->heard_book = r->ruleset.v[i];
    }
    uint8_t *heard = &bt->heard[r->text.v[i]];
    if (*heard == HEARD_NOTHING || !recorded(r, i, &bt->old))
        return;
    tell(bt, ret);
    *heard = ret->any_aside || ret->expires != 0 ? HEARD_SOME : HEARD_NOTHING;
}

static struct group *group_of(struct backtest *bt, enum backtest_dimension by, int64_t key)
{
    struct group *g = bt->last[by];
    if (g != NULL && g->key == key)
        return g;
    g = id_map_find(&bt->groups, key, by);
    if (g == NULL) {
        if (bt->groups.n >= BACKTEST_GROUPS || (g = id_map_add(&bt->groups, key, by)) == NULL) {
            bt->report.ungrouped++;
            return NULL;
        }
        g->face.by = by;
        g->face.key = key;
        g->number = (uint32_t)bt->groups.n - 1;
    }
    bt->last[by] = g;
    return g;
}

static struct group *group_of_rule(struct backtest *bt, const struct finding *fi)
{
    if (fi == NULL)
        return NULL;
    const char *id = rule_id(fi->rule);
    struct group *g = group_of(bt, BY_RULE, (int64_t)hash64(id, strlen(id)));
    if (g != NULL && g->face.rule == NULL)
        g->face.rule = arena_strdup(bt->arena, id); /* the recorded book may be gone at the end */
    return g;
}

/* The rule that speaks for the stricter one; of two alike, the other book's. */
static struct group *rule_of(struct run *r, size_t i, int was)
{
    struct backtest *bt = r->bt;
    if ((int)bt->new.verdict >= was)
        return group_of_rule(bt, decision_main(&bt->new));
    if (recorded(r, i, &bt->old))
        return group_of_rule(bt, decision_main(&bt->old));
    bt->report.no_book++;
    return NULL;
}

static int64_t fact_or(const struct facts *f, enum fact_id id, int64_t otherwise)
{
    return f->known[id] ? f->value[id] : otherwise;
}

static void count(struct run *r, size_t i, int was)
{
    struct backtest *bt = r->bt;
    struct backtest_report *rep = &bt->report;
    int is = (int)bt->new.verdict;
    const struct facts *f = &r->facts.facts;
    struct group *const groups[] = {
        group_of(bt, BY_CATEGORY, fact_or(f, FACT_MESSAGE_CATEGORY, KEY_UNKNOWN)),
        group_of(bt, BY_COUNTRY, fact_or(f, FACT_RECIPIENT_COUNTRY, KEY_UNKNOWN)),
        group_of(bt, BY_CAMPAIGN, r->campaign.v[i]),
        rule_of(r, i, was),
    };
    rep->count[was][is]++;
    for (size_t k = 0; k < sizeof groups / sizeof groups[0]; k++)
        if (groups[k] != NULL)
            groups[k]->face.count[was][is]++;
    if (was == VERDICT_HOLD && is == VERDICT_HOLD) {
        rep->held_longer += bt->new.until > r->until.v[i];
        rep->held_shorter += bt->new.until < r->until.v[i];
    }
    if (was == is)
        return;
    if (rep->n_examples[was][is] < BACKTEST_EXAMPLES)
        rep->example[was][is][rep->n_examples[was][is]++] = decision_block_id(r->block, i);
    if (was == VERDICT_ALLOW)
        bt->stopped[bt->n_stopped++] =
            (struct backtest_stopped){.id = decision_block_id(r->block, i),
                                      .ts = r->ts.v[i],
                                      .contact = r->contact.v[i],
                                      .sender = r->sender.v[i],
                                      .category = (int)fact_or(f, FACT_MESSAGE_CATEGORY, 0),
                                      .group = groups[BY_RULE] != NULL ? groups[BY_RULE]->number : ALL_GROUPS};
}

static int decide_row(struct run *r, size_t i, int was, struct err *e)
{
    struct backtest *bt = r->bt;
    const struct facts *f = &r->facts.facts;
    struct state_message m = {.ts = r->ts.v[i], .contact = r->contact.v[i], .sender = r->sender.v[i], .recorded = f};
    struct told told;
    bool follow = bt->state != NULL && m.contact != 0;
    int rc = follow ? state_facts(bt->state, &m, &bt->simulated, &f) : 0;
    listen(r, i, &told);
    bt->report.overridden += told.any_aside;
    decide_overridden(bt->o.rules, f, m.ts, told.expires, &told.aside, &bt->new);
    if (rc == 0 && follow)
        rc = state_decided(bt->state, &m, was == VERDICT_ALLOW, bt->new.verdict == VERDICT_ALLOW);
    bt->report.no_person += bt->state != NULL && !follow;
    return rc == 0 ? 0 : err_set(e, rc, "the simulated state does not fit its memory");
}

int backtest_block(struct backtest *bt, struct decision_block *b, size_t from, size_t to,
                   const struct backtest_stopped **ret_stopped, size_t *ret_n, struct err *e)
{
    struct run r = {.bt = bt, .block = b};
    struct backtest_report *rep = &bt->report;
    int rc = run_open(&r, e);
    bt->n_stopped = 0;
    memset(bt->heard, HEARD_UNASKED, DECISION_BLOCK_MAX);
    for (size_t i = from; rc == 0 && i < to && i < b->n; i++) {
        int64_t was = r.verdict.v[i];
        if (rep->decisions++ == 0)
            rep->first_ts = r.ts.v[i];
        rep->last_ts = r.ts.v[i];
        if (was < VERDICT_ALLOW || was > VERDICT_DENY || r.ts.v[i] != within_time(r.ts.v[i]) ||
            block_facts_at(&r.facts, i, NULL) != 0) {
            rep->unreadable++;
            continue;
        }
        rc = decide_row(&r, i, (int)was, e);
        if (rc == 0)
            count(&r, i, (int)was);
    }
    if (rc != 0)
        return rc;
    *ret_stopped = bt->stopped;
    *ret_n = bt->n_stopped;
    return 0;
}

/* ---- outcomes and the report ---- */

void backtest_became(struct backtest *bt, const struct backtest_stopped *s, enum backtest_fate fate, int code,
                     enum backtest_answer replied, enum backtest_answer opted_out)
{
    struct backtest_fates *const fates[] = {
        &bt->report.fates, s->group != ALL_GROUPS ? &((struct group *)bt->groups.entry[s->group])->face.fates : NULL};
    for (size_t i = 0; i < 2 && fates[i] != NULL; i++) {
        fates[i]->fate[fate]++;
        fates[i]->replied[replied]++;
        fates[i]->opted_out[opted_out]++;
    }
    if (fate != FATE_FAILED && fate != FATE_REJECTED)
        return;
    struct code_count *c = id_map_find(&bt->codes, code, 0);
    if (c == NULL && bt->codes.n < CODES_ALL)
        c = id_map_add(&bt->codes, code, 0);
    if (c != NULL)
        c->n++;
}

static int compare_groups(const void *a, const void *b)
{
    const struct backtest_group *x = *(struct backtest_group *const *)a, *y = *(struct backtest_group *const *)b;
    if (x->by != y->by)
        return x->by < y->by ? -1 : 1;
    if (x->by == BY_RULE)
        return strcmp(x->rule, y->rule);
    return x->key < y->key ? -1 : x->key > y->key;
}

static int compare_codes(const void *a, const void *b)
{
    const struct code_count *x = *(struct code_count *const *)a, *y = *(struct code_count *const *)b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

static void report_codes(struct backtest *bt, struct backtest_report *rep)
{
    qsort(bt->codes.entry, bt->codes.n, sizeof *bt->codes.entry, compare_codes);
    rep->n_codes = 0;
    for (size_t i = 0; i < bt->codes.n; i++) {
        const struct code_count *c = bt->codes.entry[i];
        if (rep->n_codes < BACKTEST_CODES - 1 || i + 1 == bt->codes.n) {
            rep->code[rep->n_codes].code = (int)c->code;
            rep->code[rep->n_codes++].n = c->n;
        } else { /* the last place is that of all others */
            for (rep->code[rep->n_codes].n = 0, rep->code[rep->n_codes].code = 0; i < bt->codes.n; i++)
                rep->code[rep->n_codes].n += ((const struct code_count *)bt->codes.entry[i])->n;
            rep->n_codes++;
        }
    }
}

int backtest_report(struct backtest *bt, struct backtest_report *ret, struct err *e)
{
    size_t n = 0;
    const struct backtest_group **group = arena_new_array(bt->arena, const struct backtest_group *, bt->groups.n + 1);
    if (group == NULL)
        return err_set(e, WL_ENOMEM, "the report does not fit its memory");
    for (size_t i = 0; i < bt->groups.n; i++) {
        const struct group *g = bt->groups.entry[i];
        if (g->face.by != BY_RULE || g->face.rule != NULL)
            group[n++] = &g->face;
    }
    if (n > 0)
        qsort(group, n, sizeof *group, compare_groups);
    *ret = bt->report;
    ret->no_history = bt->state != NULL ? state_without_history(bt->state) : 0;
    ret->group = group;
    ret->n_groups = n;
    if (bt->codes.n > 0)
        report_codes(bt, ret);
    return 0;
}
