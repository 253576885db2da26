/* SPDX-License-Identifier: Apache-2.0
 * rest_campaign_report.c - /campaigns/{id}/report: what became of everybody, from the audience down to who replied.
 *
 * The funnel begins with the audience and not with what was sent: who was never attempted is counted, with the reason. Each figure
 * carries the query that lists its rows, and both come from campaign_figures(). All rows are passed once for one report, about two
 * microseconds each, so it is a question for now and then; what changes each second is rest_campaign_live.c's. Which rule refused or
 * holds a message stands in its decision, which is larger: of at most LOOKED of each the rule is looked up, and the report says how many
 * were not. */
#include <stdio.h>
#include <stdlib.h>

#include "core/graph_code.h"
#include "gateway/campaign_fate.h"
#include "gateway/rest_campaign.h"
#include "net/form.h"
#include "store/campaigns_report.h"

#define REASONS_MAX  512
#define CODES_MAX    256
#define GROUPS_MAX   256
#define LOOKED       2000
#define ROWS_MAX     512
#define DECISION_MAX (4u << 20)

struct tally {
    int64_t n[CAMPAIGN_FIGURES];
};

struct reason { /* of who was skipped, or whose message a rule refused or holds */
    int skip;
    struct str rule;
    int64_t people, from, until;
};

struct group { /* people of one number, variant or language */
    int64_t key;
    struct str name;
    struct tally t;
};

struct groups {
    struct group row[GROUPS_MAX];
    size_t n;
};

struct looked { /* messages whose decision is asked for */
    struct message *m;
    size_t n;
    int64_t more;
};

struct report {
    struct arena *a;
    int64_t cur, now;
    struct tally all, outcome;
    struct tally source[CAMPAIGN_STRATA_MAX];
    struct groups number, variant, language;
    struct reason skipped[REASONS_MAX];
    size_t n_skipped;
    struct failure {
        int code;
        int64_t people;
    } code[CODES_MAX];
    size_t n_codes;
    struct looked refused, waiting;
    int64_t wait_from, wait_until; /* when the first and the last of those that wait are looked at again */
};

/* --- counting ------------------------------------------------------------------------------------------------------------ */

static void add(struct tally *t, uint32_t figures)
{
    for (int f = 0; f < CAMPAIGN_FIGURES; f++)
        t->n[f] += figures >> f & 1;
}

static struct str keep(struct report *r, struct str s)
{
    const char *copy = arena_strndup(r->a, s.p != NULL ? s.p : "", s.n);
    return (struct str){copy != NULL ? copy : "", copy != NULL ? s.n : 0};
}

/* What finds no place any more counts with the last. */
static void add_group(struct report *r, struct groups *g, int64_t key, struct str name, uint32_t figures)
{
    size_t i = 0;
    while (i < g->n && (g->row[i].key != key || !str_eq(g->row[i].name, name)))
        i++;
    if (i == g->n && g->n < GROUPS_MAX)
        g->row[g->n++] = (struct group){.key = key, .name = keep(r, name)};
    add(&g->row[i < g->n ? i : g->n - 1].t, figures);
}

static struct reason *reason_of(struct report *r, struct reason *list, size_t *n, int skip, struct str rule)
{
    size_t i = 0;
    while (i < *n && (list[i].skip != skip || !str_eq(list[i].rule, rule)))
        i++;
    if (i == *n && *n < REASONS_MAX)
        list[(*n)++] = (struct reason){.skip = skip, .rule = keep(r, rule)};
    return &list[i < *n ? i : *n - 1];
}

static void add_code(struct report *r, int code)
{
    size_t i = 0;
    while (i < r->n_codes && r->code[i].code != code)
        i++;
    if (i == r->n_codes && r->n_codes < CODES_MAX)
        r->code[r->n_codes++].code = code;
    r->code[i < r->n_codes ? i : r->n_codes - 1].people++;
}

static void look_later(struct looked *l, const struct message *m)
{
    if (l->n < LOOKED)
        l->m[l->n++] = *m;
    else
        l->more++;
}

static void add_wait(struct report *r, const struct message *m)
{
    int64_t at = m->life.at;
    r->wait_from = r->wait_from == 0 || at < r->wait_from ? at : r->wait_from;
    r->wait_until = at > r->wait_until ? at : r->wait_until;
    look_later(&r->waiting, m);
}

static int count(void *ctx, const struct recipient_fate *f, struct err *e)
{
    struct report *r = ctx;
    uint32_t figures = campaign_figures(f, r->cur, r->now);
    size_t source = f->r.stratum >= 0 && f->r.stratum < CAMPAIGN_STRATA_MAX ? (size_t)f->r.stratum : 0;
    (void)e;
    add(&r->all, figures);
    r->outcome.n[campaign_outcome_of(figures)]++;
    add(&r->source[source], figures);
    if (f->r.skip != SKIP_NONE) {
        reason_of(r, r->skipped, &r->n_skipped, f->r.skip, f->r.rule)->people++;
        return 0;
    }
    add_group(r, &r->number, campaign_fate_number(f), (struct str){"", 0}, figures);
    add_group(r, &r->variant, f->r.variant, (struct str){"", 0}, figures);
    add_group(r, &r->language, 0, f->r.language, figures);
    if (figures & 1u << FIGURE_FAILED)
        add_code(r, f->m.life.code);
    if (figures & 1u << FIGURE_REFUSED)
        look_later(&r->refused, &f->m);
    if (figures & 1u << FIGURE_WAITING)
        add_wait(r, &f->m);
    return 0;
}

static int by_people(const void *a, const void *b)
{
    int64_t x = ((const struct reason *)a)->people, y = ((const struct reason *)b)->people;
    return x < y ? 1 : x > y ? -1 : 0;
}

static int by_failed(const void *a, const void *b)
{
    int64_t x = ((const struct failure *)a)->people, y = ((const struct failure *)b)->people;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* What concerns most people first. */
static void sort_reasons(struct reason *list, size_t n)
{
    if (n > 1)
        qsort(list, n, sizeof *list, by_people);
}

static struct report *report_make(struct arena *a, int64_t now)
{
    struct report *r = arena_new(a, struct report);
    if (r == NULL)
        return NULL;
    r->a = a;
    r->now = now;
    r->refused.m = arena_new_array(a, struct message, LOOKED);
    r->waiting.m = arena_new_array(a, struct message, LOOKED);
    return r->refused.m != NULL && r->waiting.m != NULL ? r : NULL;
}

/* --- which rule ------------------------------------------------------------------------------------------------------------ */

/* Those whose decision was looked up, by rule. */
static int read_rules(struct rest_call *c, struct store *s, struct report *r, const struct looked *l,
                      struct reason *list, size_t *ret_n, struct err *e)
{
    struct arena *scratch = arena_create(DECISION_MAX);
    int rc = scratch != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    for (size_t i = 0; i < l->n && rc == 0; i++) {
        char rule[REST_RULE_MAX];
        arena_reset(scratch);
        rc = rest_message_rule(c, s, scratch, &l->m[i], rule, e);
        if (rc != 0)
            break;
        struct reason *at = reason_of(r, list, ret_n, 0, str_of(rule));
        int64_t until = l->m[i].life.at;
        at->people++;
        at->from = at->from == 0 || until < at->from ? until : at->from;
        at->until = until > at->until ? until : at->until;
    }
    arena_free(scratch);
    return rc;
}

/* --- the answer ------------------------------------------------------------------------------------------------------------ */

/* "rows": the query of GET campaigns/{id}/recipients that lists them. */
static void rows_member(struct json_out *o, const char *query)
{
    jo_kcstr(o, "rows", query);
}

/* outcome: each person in one of them alone. */
static void figure(struct json_out *o, const struct report *r, enum campaign_figure f, bool outcome)
{
    char query[64];
    snprintf(query, sizeof query, "%s=%s", outcome ? "outcome" : "status", campaign_figure_word(f));
    jo_object(o);
    jo_kcstr(o, "step", campaign_figure_word(f));
    jo_kcstr(o, "label", outcome ? campaign_outcome_label(f) : campaign_figure_label(f));
    jo_kint(o, "people", outcome ? r->outcome.n[f] : r->all.n[f]);
    rows_member(o, query);
    jo_end(o);
}

static void show_figures(struct json_out *o, const char *key, const struct report *r, const enum campaign_figure *f,
                         size_t n)
{
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < n; i++)
        figure(o, r, f[i], strcmp(key, "outcomes") == 0);
    jo_end(o);
}

static void show_skipped(struct json_out *o, const struct report *r)
{
    jo_key(o, "skipped");
    jo_array(o);
    for (size_t i = 0; i < r->n_skipped; i++) {
        const struct reason *v = &r->skipped[i];
        struct buf query;
        buf_init(&query, ROWS_MAX);
        buf_printf(&query, "status=skipped&reason=%s", campaign_skip_name((enum campaign_skip)v->skip));
        if (v->rule.n > 0) {
            buf_puts(&query, "&rule=");
            percent_encode(&query, v->rule);
        }
        jo_object(o);
        jo_kcstr(o, "reason", campaign_skip_name((enum campaign_skip)v->skip));
        jo_key(o, "rule");
        if (v->rule.n > 0)
            jo_str(o, v->rule);
        else
            jo_null(o);
        jo_kint(o, "people", v->people);
        rows_member(o, query.failed ? NULL : buf_cstr(&query));
        jo_end(o);
        buf_done(&query);
    }
    jo_end(o);
}

static void show_codes(struct json_out *o, const struct report *r)
{
    jo_key(o, "failed");
    jo_array(o);
    for (size_t i = 0; i < r->n_codes; i++) {
        const struct graph_code *words = graph_code(r->code[i].code);
        char query[64];
        snprintf(query, sizeof query, "status=failed&code=%d", r->code[i].code);
        jo_object(o);
        jo_kint(o, "code", r->code[i].code);
        jo_kcstr(o, "means", words != NULL ? words->means : NULL);
        jo_kcstr(o, "next", words != NULL ? words->next : NULL);
        jo_kint(o, "people", r->code[i].people);
        rows_member(o, query);
        jo_end(o);
    }
    jo_end(o);
}

/* Those a rule refused when their turn came, or holds: the rule is null where it stands in no decision. */
static void show_rules(struct json_out *o, const char *key, const struct reason *list, size_t n, bool times,
                       const struct looked *l)
{
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, "rule", list[i].rule.n > 0 ? list[i].rule.p : NULL);
        jo_kint(o, "people", list[i].people);
        if (times) {
            rest_time(o, "from", list[i].from);
            rest_time(o, "until", list[i].until);
        }
        struct buf query;
        buf_init(&query, ROWS_MAX);
        buf_puts(&query, times ? "outcome=waiting" : "outcome=refused");
        if (list[i].rule.n > 0)
            buf_puts(&query, "&rule=");
        percent_encode(&query, list[i].rule);
        rows_member(o, buf_cstr(&query));
        buf_done(&query);
        jo_end(o);
    }
    jo_end(o);
    if (l->more > 0)
        jo_kint(o, times ? "waiting_not_looked_up" : "refused_not_looked_up", l->more);
}

static void show_tally(struct json_out *o, const struct tally *t)
{
    jo_key(o, "people");
    jo_object(o);
    for (int f = 0; f < CAMPAIGN_FIGURES; f++)
        if (t->n[f] > 0 || f == FIGURE_AUDIENCE)
            jo_kint(o, campaign_figure_word((enum campaign_figure)f), t->n[f]);
    jo_end(o);
}

static void show_source(struct json_out *o, const struct report *r, int source, const struct campaign_source *v)
{
    char query[32];
    snprintf(query, sizeof query, "source=%d", source);
    jo_object(o);
    jo_kint(o, "source", source);
    jo_key(o, "name");
    if (v != NULL && v->name.n > 0)
        jo_str(o, v->name);
    else
        jo_null(o);
    jo_kcstr(o, "state", v != NULL && v->state == CAMPAIGN_SOURCE_QUARANTINED ? "quarantined" : "goes_on");
    show_tally(o, &r->source[source]);
    rows_member(o, query);
    jo_end(o);
}

/* Those of who gets a message are rows; whoever gets none may come from others. */
static int show_sources(struct rest_call *c, struct store *s, const struct report *r, int64_t campaign, struct err *e)
{
    struct campaign_source *v = NULL;
    size_t n = 0, k = 0;
    int rc = campaign_sources_get(s, campaign, r->a, &v, &n, e);
    jo_key(&c->out, "source");
    jo_array(&c->out);
    for (int source = 0; source < CAMPAIGN_STRATA_MAX && rc == 0; source++) {
        while (k < n && v[k].stratum < source)
            k++;
        const struct campaign_source *row = k < n && v[k].stratum == source ? &v[k] : NULL;
        if (row != NULL || r->source[source].n[FIGURE_AUDIENCE] > 0)
            show_source(&c->out, r, source, row);
    }
    jo_end(&c->out);
    return rc;
}

static void show_groups(struct json_out *o, const char *key, const struct groups *g, const struct campaign_def *d)
{
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < g->n; i++) {
        const struct group *v = &g->row[i];
        struct buf query, name;
        buf_init(&query, ROWS_MAX);
        buf_init(&name, ROWS_MAX);
        bool variant = strcmp(key, "variant") == 0;
        if (variant && d != NULL && v->key >= 0 && (size_t)v->key < d->n_variants)
            buf_putstr(&name, d->variant[v->key].name);
        else if (v->name.n > 0 || strcmp(key, "language") == 0)
            buf_putstr(&name, v->name);
        else
            buf_printf(&name, "%lld", (long long)v->key);
        buf_printf(&query, "%s=", key);
        if (variant || v->name.n == 0)
            buf_printf(&query, "%lld", (long long)v->key);
        else
            percent_encode(&query, v->name);
        jo_object(o);
        if (variant)
            jo_kint(o, key, v->key);
        else
            jo_kstr(o, key, buf_str(&name));
        if (variant)
            jo_kstr(o, "template", buf_str(&name));
        show_tally(o, &v->t);
        rows_member(o, buf_cstr(&query));
        jo_end(o);
        buf_done(&query);
        buf_done(&name);
    }
    jo_end(o);
}

static int show_groupings(struct rest_call *c, struct store *s, const struct report *r, const struct campaign_row *v,
                          struct err *e)
{
    struct campaign_def *d = NULL;
    (void)rest_campaign_definition(r->a, v, &d, NULL); /* one that cannot be read any more: variants go by number */
    jo_key(&c->out, "by");
    jo_object(&c->out);
    int rc = show_sources(c, s, r, v->id, e);
    show_groups(&c->out, "number", &r->number, d);
    show_groups(&c->out, "variant", &r->variant, d);
    show_groups(&c->out, "language", &r->language, d);
    jo_end(&c->out);
    return rc;
}

static int show_report(struct rest_call *c, struct store *s, struct report *r, const struct campaign_row *v,
                       struct err *e)
{
    static const enum campaign_figure funnel[] = {FIGURE_AUDIENCE,  FIGURE_CHOSEN, FIGURE_HANDED, FIGURE_SUBMITTED,
                                                  FIGURE_DELIVERED, FIGURE_READ,   FIGURE_REPLIED};
    static const enum campaign_figure outcomes[] = {FIGURE_SKIPPED,   FIGURE_PENDING,  FIGURE_GONE,    FIGURE_WAITING,
                                                    FIGURE_SENDING,   FIGURE_IN_DOUBT, FIGURE_REFUSED, FIGURE_AWAITING,
                                                    FIGURE_DELIVERED, FIGURE_READ,     FIGURE_FAILED,  FIGURE_EXPIRED,
                                                    FIGURE_CANCELLED};
    static const enum campaign_figure reactions[] = {FIGURE_REPLIED, FIGURE_CLICKED, FIGURE_OPTED_OUT,
                                                     FIGURE_COMPLAINED};
    struct reason *by = arena_new_array(r->a, struct reason, REASONS_MAX);
    struct reason *holds = arena_new_array(r->a, struct reason, REASONS_MAX);
    struct json_out *o = &c->out;
    size_t n_by = 0, n_holds = 0;
    if (by == NULL || holds == NULL)
        return err_set(e, WL_ENOMEM, "the report does not fit its memory");
    int rc = read_rules(c, s, r, &r->refused, by, &n_by, e);
    if (rc == 0)
        rc = read_rules(c, s, r, &r->waiting, holds, &n_holds, e);
    if (rc != 0)
        return rc;
    sort_reasons(r->skipped, r->n_skipped);
    sort_reasons(by, n_by);
    sort_reasons(holds, n_holds);
    if (r->n_codes > 1)
        qsort(r->code, r->n_codes, sizeof r->code[0], by_failed);
    show_figures(o, "funnel", r, funnel, sizeof funnel / sizeof funnel[0]);
    show_figures(o, "outcomes", r, outcomes, sizeof outcomes / sizeof outcomes[0]);
    show_figures(o, "reactions", r, reactions, sizeof reactions / sizeof reactions[0]);
    show_skipped(o, r);
    show_rules(o, "refused", by, n_by, false, &r->refused);
    show_rules(o, "waiting", holds, n_holds, true, &r->waiting);
    rest_time(o, "waiting_from", r->wait_from);
    rest_time(o, "waiting_until", r->wait_until);
    show_codes(o, r);
    return show_groupings(c, s, r, v, e);
}

int rest_campaign_report(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_cursor at = {.bucket = CAMPAIGN_BUCKET};
    struct campaign_row v;
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct report *r = report_make(a, now);
    if (r == NULL)
        return err_set(e, WL_ENOMEM, "the report does not fit its memory");
    at.campaign = v.id;
    rc = campaign_cursor_get(s, &at, e);
    r->cur = at.cur;
    if (rc == 0)
        rc = recipients_each(s, CAMPAIGN_BUCKET, v.id, count, r, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    rc = rest_campaign_members(c, s, &v, e);
    rest_time(&c->out, "as_of", now);
    if (rc == 0)
        rc = show_report(c, s, r, &v, e);
    jo_end(&c->out);
    return rc;
}
