/* SPDX-License-Identifier: Apache-2.0
 * campaign_check.c - one check, from the definition to the plan.
 *
 * What can be said without looking at anybody is said first: numbers, templates, times, the segment. Where that leaves nothing to send or nobody to
 * send to, people are not looked at, and the report says how far it came. Else everybody is gone through, and the check ends with a
 * plan, or with every reason why there can be none. Memory: 80 bytes a person beside the audience, and at most 300 MB of templates and the
 * like. A check that is interrupted leaves rows behind that belong to no plan; the next one takes them away. */
#include "gateway/campaign_check.h"

#include <roaring/roaring.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "gateway/audiences.h"
#include "gateway/campaign_check_impl.h"
#include "gateway/campaign_id.h"

#define ARENA_MAX    (256u << 20)
#define PAGE_MAX     (32u << 20)
#define REPORT_MAX   (4u << 20)
#define TERMS_MAX    4096
#define AUDIENCE_MAX (512u << 20)

/* --- what every step uses ------------------------------------------------------------------------------------------- */

int check_go_on(const struct check *c, struct err *e)
{
    return c->stop != NULL && c->stop(c->ctx) ? err_set(e, WL_EBUSY, "the check was interrupted") : 0;
}

struct check_problem *check_problem(struct check *c, bool error, const char *what, const char *field, const char *fmt,
                                    ...)
{
    va_list ap;
    if (c->n_problems == CHECK_PROBLEMS)
        return NULL;
    struct check_problem *p = &c->problem[c->n_problems++];
    *p = (struct check_problem){.error = error, .what = what, .field = field};
    va_start(ap, fmt);
    vsnprintf(p->text, sizeof p->text, fmt, ap);
    va_end(ap);
    c->n_errors += error;
    return p;
}

void check_sample(struct check_sample *s, int64_t contact)
{
    if (s->n < CHECK_SAMPLE)
        s->contact[s->n++] = contact;
}

struct check_tally *check_tally(struct check *c, enum campaign_skip skip, struct str rule)
{
    for (size_t i = 0; i < c->n_tallies; i++)
        if (c->tally[i].skip == skip && str_eq(c->tally[i].rule, rule))
            return &c->tally[i];
    char *copy = c->n_tallies < CHECK_TALLIES ? arena_strndup(c->a, rule.p != NULL ? rule.p : "", rule.n) : NULL;
    if (copy == NULL)
        return &c->tally[CHECK_TALLIES - 1];
    c->tally[c->n_tallies] = (struct check_tally){.skip = skip, .rule = {copy, rule.n}};
    return &c->tally[c->n_tallies++];
}

const char *check_field(struct check *c, const char *fmt, ...)
{
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = arena_strdup(c->a, text);
    return copy != NULL ? copy : "";
}

const char *check_slot_name(const struct campaign_variant *v, size_t slot, char out[64])
{
    const struct campaign_slot *s = &v->slot[slot];
    size_t n = 0;
    for (size_t i = 0; i < slot; i++)
        n += str_eq(v->slot[i].component, s->component);
    if (str_eq(s->component, STR("button")))
        snprintf(out, 64, "button[%d]", s->index);
    else if (s->name.n > 0)
        snprintf(out, 64, "%.*s.%.*s", (int)s->component.n, s->component.p, (int)str_clip(s->name, 40).n, s->name.p);
    else
        snprintf(out, 64, "%.*s[%zu]", (int)s->component.n, s->component.p, n);
    return out;
}

/* --- steps ---------------------------------------------------------------------------------------------------------- */

/* False: it cannot be read, which is said. */
static int read_definition(struct check *c, bool *ret, struct err *e)
{
    struct json root;
    struct err why = {0};
    const char *field = "";
    struct campaign_def *d = arena_new(c->a, struct campaign_def);
    *ret = false;
    if (d == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for a definition");
    int rc = json_parse(c->json, c->row.definition, false, &root, &why);
    if (rc == 0)
        rc = campaign_def_read(root, c->a, d, &field, &why);
    if (rc != 0 && rc != WL_EINVAL)
        return err_set(e, rc, "%s", why.text);
    if (rc != 0)
        check_problem(c, true, "definition", field, "%s", why.text);
    else
        c->def = d;
    *ret = rc == 0;
    return 0;
}

static void check_start(struct check *c)
{
    const struct campaign_def *d = c->def;
    char at[TIME_TEXT];
    if (d->repeat.every != REPEAT_NEVER || d->start_at == 0 || d->start_at > c->now)
        return;
    if (d->max_lateness != 0 && c->now - d->start_at > d->max_lateness)
        check_problem(c, true, "start_past", "start_at",
                      "it was to begin at %s, and that is longer ago than max_lateness allows",
                      time_text(d->start_at, at));
    else
        check_problem(c, false, "start_past", "start_at", "it was to begin at %s: it begins as soon as it is started",
                      time_text(d->start_at, at));
}

static void check_offers(struct check *c)
{
    char at[TIME_TEXT];
    for (size_t v = 0; v < c->def->n_variants; v++)
        for (size_t i = 0; i < c->def->variant[v].n_slots; i++) {
            const struct campaign_slot *s = &c->def->variant[v].slot[i];
            int64_t ends = 0;
            if (str_eq(s->component, STR("limited_time_offer")) && str_i64(s->text, &ends) && ends <= c->now)
                check_problem(c, true, "offer_past",
                              check_field(c, "templates[%zu].parameters.limited_time_offer.expires_at", v),
                              "the offer ended at %s", time_text(ends, at));
        }
}

static void check_times(struct check *c)
{
    const struct campaign_def *d = c->def;
    char at[TIME_TEXT];
    if (d->deadline != 0 && d->deadline <= c->now)
        check_problem(c, true, "deadline_past", "deadline", "the deadline %s has passed", time_text(d->deadline, at));
    if (d->repeat.every != REPEAT_NEVER && d->repeat.until != 0 && d->repeat.until <= c->now)
        check_problem(c, true, "repeat_over", "repeat.until", "its repetition ended at %s",
                      time_text(d->repeat.until, at));
    check_start(c);
    check_offers(c);
}

/* What was missing of people, in sentences. */
static void tell_values(struct check *c)
{
    char where[64];
    for (size_t v = 0; v < c->def->n_variants; v++)
        for (size_t i = 0; i < c->def->variant[v].n_slots; i++) {
            const struct check_slot *s = &c->slot[v][i];
            const struct campaign_slot *slot = &c->def->variant[v].slot[i];
            const char *field =
                check_field(c, "templates[%zu].parameters.%s", v, check_slot_name(&c->def->variant[v], i, where));
            struct check_problem *p = NULL;
            int name = (int)str_clip(slot->attribute, 80).n;
            if (s->missing > 0)
                p = check_problem(c, false, "value_missing", field,
                                  "%lld %s no \"%.*s\", and there is no default: they get nothing",
                                  (long long)s->missing, s->missing == 1 ? "person has" : "people have", name,
                                  slot->attribute.p);
            if (p != NULL) {
                p->people = s->missing;
                p->sample = s->sample;
            }
            p = s->refused > 0 ? check_problem(c, false, "value_refused", field,
                                               "%lld %s a \"%.*s\" that no template takes (a line break, too "
                                               "long, ..): they get nothing",
                                               (long long)s->refused, s->refused == 1 ? "person has" : "people have",
                                               name, slot->attribute.p)
                               : NULL;
            if (p != NULL) {
                p->people = s->refused;
                p->sample = s->sample;
            }
        }
}

static void tell_skips(struct check *c)
{
    for (size_t i = 0; i < c->n_tallies; i++) {
        const struct check_tally *t = &c->tally[i];
        struct check_problem *p = NULL;
        if (t->skip == SKIP_LANGUAGE)
            p = check_problem(c, false, "language", "templates",
                              "%lld people of language \"%.*s\" get nothing: no template can be sent to them",
                              (long long)t->people, (int)t->rule.n, t->rule.p);
        else if (t->skip == SKIP_NUMBER)
            p = check_problem(c, false, "route", "routes",
                              "%lld people get nothing: no number of the campaign is for their country and language",
                              (long long)t->people);
        if (p != NULL) {
            p->people = t->people;
            p->sample = t->sample;
        }
    }
}

static int snapshot_audience(struct check *c, struct err *e)
{
    int64_t began = clock_mono_ns();
    int rc = audience_snapshot(c->au, c->people, &c->audience, e);
    if (rc == 0)
        sha256(c->audience.data, c->audience.len, c->audience_hash);
    c->froze_ms = (clock_mono_ns() - began) / 1000000;
    return rc;
}

/* Everybody, once nothing stands against it. */
static int look_at_everybody(struct check *c, struct err *e)
{
    int rc = snapshot_audience(c, e);
    if (rc == 0)
        rc = check_people(c, e);
    if (rc != 0)
        return rc;
    tell_values(c);
    tell_skips(c);
    rc = check_order(c, e);
    return rc == 0 ? check_terms(c, e) : rc;
}

static int look(struct check *c, struct err *e)
{
    bool readable = false;
    int rc = read_definition(c, &readable, e);
    if (rc != 0 || !readable)
        return rc;
    check_times(c);
    rc = check_numbers(c, e);
    if (rc == 0)
        rc = check_templates(c, e);
    if (rc == 0)
        rc = check_near(c, e);
    if (rc == 0)
        rc = check_segment(c, e);
    return rc == 0 && c->n_errors == 0 ? look_at_everybody(c, e) : rc;
}

/* It was cancelled, or changed, while we looked: nothing of what was found counts. */
static int overtaken(struct check *c, int rc, struct err *e)
{
    if (rc != WL_EDENIED && rc != WL_ECONFLICT && rc != WL_ENOTFOUND)
        return rc;
    c->n_errors = 1; /* so that its rows are only taken away */
    return check_write(c, e);
}

/* What is too large now is too large the next time, too: nobody is to wait for that. */
static int limits_are_problems(struct check *c, int rc, const struct err *why)
{
    if (rc != WL_ETOOBIG && rc != WL_EINVAL)
        return rc;
    if (c->n_problems == CHECK_PROBLEMS)
        c->n_problems--;
    check_problem(c, true, "limit", "", "%s", why->text);
    return 0;
}

static void tell_log(const struct check *c)
{
    char id[STORE_ID_TEXT];
    log_info(
        "campaigns",
        "%s was checked in %lld ms: %zu of %lld people, %zu errors, %zu warnings; its audience was fixed in %lld ms",
        campaign_id_text(c->row.id, id), (long long)(clock_now_ms() - c->now), c->n_order, (long long)c->n_segment,
        c->n_errors, c->n_problems - c->n_errors, (long long)c->froze_ms);
}

static int run(struct check *c, struct err *e)
{
    struct err why = {0};
    int rc = campaign_get(c->reader, c->row.id, c->a, &c->row, e);
    if (rc != 0 || !c->row.busy || c->row.state != CAMPAIGN_DRAFT)
        return rc == WL_ENOTFOUND ? 0 : rc;
    rc = limits_are_problems(c, look(c, &why), &why);
    if (rc == 0)
        rc = check_report(c, &why);
    if (rc == 0)
        rc = check_write(c, &why);
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    rc = c->n_errors == 0 ? check_done(c, e) : check_undone(c, e);
    if (rc == 0)
        tell_log(c);
    return overtaken(c, rc, e);
}

/* --- begin and end -------------------------------------------------------------------------------------------------- */

static int begin(struct check *c, struct err *e)
{
    struct err why;
    c->now = clock_now_ms();
    c->words = -1;
    c->a = arena_create(ARENA_MAX);
    c->page = arena_create(PAGE_MAX);
    c->json = json_parser_create();
    c->query_json = json_parser_create();
    c->snap = snapshot_borrow(c->g->snapshots);
    buf_init(&c->report, REPORT_MAX);
    buf_init(&c->terms_text, TERMS_MAX);
    buf_init(&c->audience, AUDIENCE_MAX);
    if (c->a == NULL || c->page == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for a check");
    places_load(&c->places, NULL, &c->g->phones, &why);
    campaign_key(c->row.id, c->g->mark_key, c->key);
    c->problem = arena_new_array(c->a, struct check_problem, CHECK_PROBLEMS);
    c->tally = arena_new_array(c->a, struct check_tally, CHECK_TALLIES);
    c->group = arena_new_array(c->a, struct check_group, CHECK_GROUPS);
    return c->problem != NULL && c->tally != NULL && c->group != NULL
               ? 0
               : err_set(e, WL_ENOMEM, "out of memory for a check");
}

static void end(struct check *c)
{
    if (c->au != NULL)
        audience_return(c->g->audiences, c->au);
    if (c->people != NULL)
        roaring_bitmap_free(c->people);
    if (c->words >= 0)
        close(c->words);
    places_free(c->places);
    free(c->order);
    free(c->person);
    buf_done(&c->audience);
    buf_done(&c->terms_text);
    buf_done(&c->report);
    snapshot_return(c->snap);
    json_parser_free(c->query_json);
    json_parser_free(c->json);
    arena_free(c->page);
    arena_free(c->a);
    free(c);
}

int campaign_check_run(struct gateway *g, struct store *reader, int64_t campaign, bool (*stop)(void *ctx), void *ctx,
                       struct err *e)
{
    struct check *c = calloc(1, sizeof *c);
    if (c == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for a check");
    c->g = g;
    c->reader = reader;
    c->stop = stop;
    c->ctx = ctx;
    c->row.id = campaign;
    int rc = begin(c, e);
    if (rc == 0)
        rc = run(c, e);
    end(c);
    return rc;
}
