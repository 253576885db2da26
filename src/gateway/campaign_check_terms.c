/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_terms.c - how a campaign begins, with what it is watched, and how long it takes.
 *
 * Ramp, where the definition names none (methods of core/campaign_run.h): careful for what is new or doubtful, that is a template that Meta has not
 * rated GREEN and approved less than a week ago, one rated YELLOW, one like a bad one, a number rated YELLOW, a list most of which was in no
 * campaign yet, or a business whose first campaign ended less than a month ago; fast where every template is GREEN and nearly everybody got a
 * campaign within 30 days; else standard. What is tolerated is learned from our own campaigns of the same country, category and hour of
 * the day, of the same country and category, or of the same category, whichever has enough of them; never above what the definition
 * says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/campaign_check_impl.h"
#include "store/reach.h"

#define DAY_MS       INT64_C(86400000)
#define NEW_TEMPLATE (7 * DAY_MS)
#define MONTH        (30 * DAY_MS)
#define LOOKS        200 /* people whose earlier campaigns are looked up */
#define OUTCOMES     300
#define LEARN_LEAST  30

/* --- ramp ----------------------------------------------------------------------------------------------------------- */

struct standing {
    bool careful, green;
    const char *why;
};

static void look_at_listings(const struct check *c, struct standing *s)
{
    s->green = c->n_listings > 0;
    for (size_t i = 0; i < c->n_listings; i++) {
        const struct template_row *t = c->listing[i].row;
        bool green = str_ieq(t->quality, STR("GREEN"));
        if (!c->listing[i].usable)
            continue;
        s->green = s->green && green;
        if (str_ieq(t->quality, STR("YELLOW")))
            s->why = "Meta rates a template of it YELLOW";
        else if (!green && t->status_at != 0 && c->now - t->status_at < NEW_TEMPLATE)
            s->why = "a template of it is new: approved less than a week ago and not rated GREEN";
    }
}

static void look_at_numbers(const struct check *c, struct standing *s)
{
    for (size_t i = 0; i < c->def->n_numbers; i++)
        if (c->number[i].sender != NULL && str_ieq(str_of(c->number[i].sender->quality), STR("YELLOW")))
            s->why = "Meta rates a number of it YELLOW";
    if (c->n_duplicates > 0)
        s->why = "the text of a template of it is like one that Meta paused, disabled, rejected or rated RED";
}

/* How many of some of its people were in another campaign, and lately. */
static int look_at_people(struct check *c, size_t *ret_looked, size_t *ret_ever, size_t *ret_lately, struct err *e)
{
    struct campaign_recipient *r;
    size_t step = c->n_order / LOOKS + 1, n;
    int rc = 0;
    for (size_t i = 0; i < c->n_order && rc == 0; i += step) {
        bool ever = false, lately = false;
        arena_reset(c->page);
        rc = recipients_of(c->reader, CHECK_BUCKET, c->order[i].contact, c->page, 4, &r, &n, e);
        for (size_t k = 0; k < n && rc == 0; k++) {
            ever = ever || r[k].campaign != c->row.id;
            lately = lately || (r[k].campaign != c->row.id && c->now - store_id_ms(r[k].campaign) < MONTH);
        }
        ++*ret_looked;
        *ret_ever += ever;
        *ret_lately += lately;
    }
    arena_reset(c->page);
    return rc;
}

/* Whether a campaign of this business ended a month ago or more. */
static int is_experienced(struct check *c, bool *ret, struct err *e)
{
    struct campaign_outcome *o;
    size_t n = 0;
    *ret = false;
    int rc = campaign_outcomes(c->reader, STR(""), (int)c->def->category, -1, c->page, OUTCOMES, &o, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        *ret = *ret || c->now - o[i].ended_at >= MONTH || n == OUTCOMES;
    arena_reset(c->page);
    return rc;
}

static void settle_ramp(struct check *c, const char *doubt, bool fast)
{
    const char *why = "nothing about it is new, and not all of it is proven";
    c->ramp = RAMP_STANDARD;
    if (c->def->ramp_given) {
        c->ramp = c->def->ramp;
        why = "the definition says so";
    } else if (doubt != NULL) {
        c->ramp = RAMP_CAREFUL;
        why = doubt;
    } else if (fast) {
        c->ramp = RAMP_FAST;
        why = "its templates are GREEN and its people got a campaign within 30 days";
    }
    snprintf(c->ramp_why, sizeof c->ramp_why, "%s", why);
    if (doubt != NULL && c->ramp != RAMP_CAREFUL)
        check_problem(c, false, "ramp", "ramp", "it would begin carefully if the definition did not say otherwise: %s",
                      doubt);
}

static int choose_ramp(struct check *c, struct err *e)
{
    struct standing s = {.why = NULL};
    size_t looked = 0, ever = 0, lately = 0;
    bool experienced = false;
    look_at_listings(c, &s);
    look_at_numbers(c, &s);
    int rc = look_at_people(c, &looked, &ever, &lately, e);
    if (rc == 0)
        rc = is_experienced(c, &experienced, e);
    if (rc != 0)
        return rc;
    if (s.why == NULL && !experienced)
        s.why = "no campaign of this category ended more than a month ago";
    if (s.why == NULL && ever * 2 < looked)
        s.why = "most of its people were in no campaign yet";
    settle_ramp(c, s.why, s.green && lately * 10 >= looked * 9);
    return 0;
}

/* --- monitors ------------------------------------------------------------------------------------------------------- */

/* The country most of its people are in, and the hour it begins there. */
static int hour_and_country(const struct check *c, char country[3])
{
    size_t most = CHECK_COUNTRIES - 1, group = 0;
    for (size_t i = 0; i + 1 < CHECK_COUNTRIES; i++)
        if (c->by_country[i] > 0 && (most == CHECK_COUNTRIES - 1 || c->by_country[i] > c->by_country[most]))
            most = i;
    for (size_t i = 1; i < c->n_groups; i++)
        if (c->group[i].people > c->group[group].people)
            group = i;
    country[0] = most < CHECK_COUNTRIES - 1 ? (char)('A' + most / 26) : '\0';
    country[1] = (char)('A' + most % 26);
    country[2] = '\0';
    int64_t at = c->def->start_at > c->now ? c->def->start_at : c->now;
    int64_t local = at / 60000 + (c->n_groups > 0 ? c->group[group].where.min : 0);
    return (int)((local / 60 % 24 + 24) % 24);
}

/* A definition can only be stricter: baseline_learn() leaves a laxer rate out, and whoever wrote it is to know. */
static void say_laxer(struct check *c, const struct monitor_terms *most)
{
    static const char *const fields[] = {"tolerate.opt_out", "tolerate.undeliverable", "tolerate.complaint"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (most->ppm[i] > c->terms.ppm[i])
            check_problem(c, false, "tolerate_laxer", fields[i],
                          "%g %% has no effect: %g %% are tolerated as it is, and a definition can only be stricter",
                          most->ppm[i] / 1e4, c->terms.ppm[i] / 1e4);
}

static int learn(struct check *c, struct err *e)
{
    char country[3];
    int block = hour_and_country(c, country) / 6;
    const struct {
        const char *country;
        int block;
    } wider[] = {{country, block}, {country, -1}, {"", -1}};
    struct baseline_outcome *o = arena_new_array(c->a, struct baseline_outcome, OUTCOMES);
    struct campaign_outcome *v = NULL;
    struct monitor_terms most = {.ppm = {c->def->opt_out_most, c->def->undeliverable_most, c->def->complaint_most}};
    size_t n = 0;
    int rc = o != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    for (size_t i = 0; rc == 0 && i < sizeof wider / sizeof wider[0] && n < LEARN_LEAST; i++) {
        if (i < 2 && country[0] == '\0')
            continue;
        rc = campaign_outcomes(c->reader, str_of(wider[i].country), (int)c->def->category, wider[i].block, c->page,
                               OUTCOMES, &v, &n, e);
        for (size_t k = 0; rc == 0 && k < n; k++)
            o[k] = v[k].o;
        arena_reset(c->page);
    }
    if (rc == 0)
        baseline_learn(o, n, &monitor_shipped, &most, &c->terms);
    if (rc == 0)
        say_laxer(c, &most);
    return rc;
}

static const char *const ramp_words[] = {"standard", "careful", "fast"};

/* The monitors' terms, and the ramp among them. */
static int write_terms(struct check *c, struct err *e)
{
    struct json_out o;
    json_out_init(&o, &c->terms_text);
    monitor_terms_write(&c->terms, &o);
    if (c->terms_text.failed || c->terms_text.len < 2)
        return err_set(e, WL_ENOMEM, "out of memory for the terms");
    c->terms_text.len--; /* its closing bracket */
    buf_printf(&c->terms_text, ",\"ramp\":\"%s\"}", ramp_words[c->ramp]);
    return c->terms_text.failed ? err_set(e, WL_ENOMEM, "out of memory for the terms") : 0;
}

int campaign_terms_read(struct str terms, struct monitor_terms *ret, enum ramp_kind *ret_ramp, struct err *e)
{
    struct json_parser *parser = json_parser_create();
    struct json root;
    struct monitor_terms t = monitor_shipped;
    enum ramp_kind ramp = RAMP_CAREFUL;
    int rc = json_parse(parser, terms, false, &root, e);
    if (rc == 0)
        rc = monitor_terms_read(root, &t, e);
    struct str word = rc == 0 ? json_str_or(json_get(root, "ramp"), STR("")) : STR("");
    for (size_t i = 0; i < sizeof ramp_words / sizeof ramp_words[0]; i++)
        if (str_eq(word, str_of(ramp_words[i])))
            ramp = (enum ramp_kind)i;
    json_parser_free(parser);
    if (rc == 0) {
        *ret = t;
        *ret_ramp = ramp;
    }
    return rc;
}

/* --- how long ------------------------------------------------------------------------------------------------------- */

static int by_people(const void *a, const void *b)
{
    const struct forecast_people *x = a, *y = b;
    return x->n > y->n ? -1 : x->n < y->n;
}

/* Those of whom somebody gets a message, the largest first. */
static struct forecast_people *groups(struct check *c, size_t *ret_n)
{
    struct forecast_people *v = arena_new_array(c->a, struct forecast_people, CHECK_GROUPS);
    size_t n = 0;
    if (v == NULL)
        return NULL;
    for (size_t i = 0; i < c->n_groups; i++)
        if (c->group[i].people > 0)
            v[n++] = (struct forecast_people){c->group[i].where, c->group[i].people, c->group[i].country};
    qsort(v, n, sizeof *v, by_people);
    *ret_n = n;
    return v;
}

/* What all its portfolios may reach in a day; 0 without limit, or not known. */
static int limits(struct check *c, struct forecast_terms *t, struct err *e)
{
    int64_t seen[CAMPAIGN_NUMBERS_MAX];
    size_t n_seen = 0;
    bool unlimited = false;
    int rc = 0;
    for (size_t i = 0; i < c->def->n_numbers && rc == 0; i++) {
        const struct sender *s = c->number[i].sender;
        const struct account *a = s != NULL ? snapshot_account(c->snap, s->waba) : NULL;
        struct portfolio p;
        bool again = false;
        t->per_second += c->number[i].people > 0 ? c->number[i].per_second : 0;
        if (a == NULL || c->number[i].people == 0)
            continue;
        for (size_t k = 0; k < n_seen; k++)
            again = again || seen[k] == account_portfolio(a);
        if (again)
            continue;
        seen[n_seen++] = account_portfolio(a);
        unlimited = unlimited || a->limit <= 0;
        t->a_day += a->limit > 0 ? a->limit : 0;
        rc = portfolio_get(c->reader, account_portfolio(a), &p, e);
        if (rc == 0)
            t->used += budget_used(&p.budget, c->now);
    }
    if (unlimited)
        t->a_day = t->used = 0;
    return rc;
}

static int forecast(struct check *c, struct err *e)
{
    char lack[400];
    struct forecast_terms t = {.ramp = c->ramp,
                               .people = (int64_t)c->n_order,
                               .start_at = c->def->start_at > c->now ? c->def->start_at : c->now,
                               .deadline = c->def->deadline,
                               .hours = c->def->has_hours ? &c->def->hours : NULL};
    int rc = limits(c, &t, e);
    if (rc != 0 || c->n_order == 0)
        return rc;
    t.group = groups(c, &t.n_groups);
    if (t.group == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for a forecast");
    c->has_quiet = check_quiet(c, &c->quiet);
    t.quiet = c->has_quiet ? &c->quiet : NULL;
    campaign_forecast(&t, c->now, &c->forecast);
    if (campaign_forecast_lack(&t, &c->forecast, lack, sizeof lack))
        check_problem(c, false, "forecast", c->def->deadline != 0 ? "deadline" : "", "%s", lack);
    if (t.a_day != 0 && t.a_day - t.used < t.people)
        check_problem(c, false, "limit", "",
                      "it is for %lld people, and the portfolio may reach %lld more in these 24 hours (%lld in all)",
                      (long long)t.people, (long long)(t.a_day > t.used ? t.a_day - t.used : 0), (long long)t.a_day);
    return 0;
}

int check_terms(struct check *c, struct err *e)
{
    int rc = choose_ramp(c, e);
    if (rc == 0)
        rc = learn(c, e);
    if (rc == 0)
        rc = write_terms(c, e);
    return rc == 0 ? forecast(c, e) : rc;
}
