/* SPDX-License-Identifier: Apache-2.0
 * campaign_series.c - campaigns that repeat.
 *
 * The campaign that somebody approved sends nothing itself. LEAD_MS before it falls due a new one is made of its definition, with that
 * moment as its beginning, and checked: a fresh audience, fresh templates. It is approved in the name of who approved the series when it is
 * for at most one and a half times as many people, from no source and with no template that was not there when the series was approved; else it waits
 * for a person, and when nobody comes in time (max_lateness) it is not sent. What fell due while nobody ran is made up for once at
 * most.
 *
 * A series ends with its `until`, its `times`, after MADE_MOST campaigns, or when somebody stops it; what it made is a campaign of its own by then. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/zone.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_runner.h"

#define LEAD_MS     INT64_C(3600000)
#define LOOK_MS     1000
#define MADE_MOST   1000
#define MISSED_MOST 10000
#define GROWTH_OF   2 /* people: at most three halves of those approved */
#define GROWTH_TO   3
#define ACTOR       "runner"

/* --- the definition of one -------------------------------------------------------------------------------------------- */

/* The same without its repetition, beginning then. */
static int write_definition(struct json root, int64_t start_at, struct buf *out, struct err *e)
{
    struct json_out o;
    char at[TIME_TEXT];
    json_out_init(&o, out);
    jo_object(&o);
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        if (str_eq(it.key, STR("repeat")) || str_eq(it.key, STR("start_at")))
            continue;
        struct buf value;
        buf_init(&value, CAMPAIGN_DEFINITION_MAX);
        json_write_value(&value, it.value);
        jo_key_str(&o, it.key);
        jo_raw(&o, buf_str(&value));
        buf_done(&value);
    }
    jo_kcstr(&o, "start_at", time_text(start_at, at));
    jo_end(&o);
    return out->failed ? err_set(e, WL_ETOOBIG, "the definition is larger than %u KiB", CAMPAIGN_DEFINITION_MAX >> 10)
                       : 0;
}

struct make_task {
    struct campaign_runner *r;
    const struct campaign_row *series;
    struct str definition, at; /* at: when it was due */
    int64_t occurrence, id;
};

static int make_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct make_task *t = ctx;
    struct gateway *g = t->r->c->g;
    struct campaign_row series, fresh = {.name = t->series->name,
                                         .definition = t->definition,
                                         .series = t->series->id,
                                         .occurrence = t->occurrence};
    char id[STORE_ID_TEXT];
    int rc = campaign_get(s, t->series->id, a, &series, e);
    if (rc != 0 || series.state != CAMPAIGN_RUNNING)
        return rc;
    rc =
        campaign_do(g, s, &fresh,
                    &(struct campaign_order){.act = CAMPAIGN_ACT_CREATE, .actor = STR(ACTOR), .detail = t->at}, now, e);
    if (rc == 0)
        rc =
            campaign_do(g, s, &fresh, &(struct campaign_order){.act = CAMPAIGN_ACT_CHECK, .actor = STR(ACTOR)}, now, e);
    if (rc == 0)
        rc = campaign_do(g, s, &series,
                         &(struct campaign_order){.act = CAMPAIGN_ACT_REPEAT,
                                                  .actor = STR(ACTOR),
                                                  .detail = str_of(campaign_id_text(fresh.id, id))},
                         now, e);
    failpoint(campaign_repeating);
    t->id = fresh.id;
    return rc;
}

static int make(struct campaign_runner *r, const struct campaign_row *row, int64_t occurrence, int64_t start_at,
                struct arena *a, struct err *e)
{
    struct make_task t = {.r = r, .series = row, .occurrence = occurrence};
    struct json root;
    struct buf b;
    char id[STORE_ID_TEXT], of[STORE_ID_TEXT], at[TIME_TEXT];
    struct json_parser *json = json_parser_create();
    buf_init(&b, CAMPAIGN_DEFINITION_MAX);
    int rc = json_parse(json, row->definition, false, &root, e);
    if (rc == 0)
        rc = write_definition(root, start_at, &b, e);
    json_parser_free(json);
    t.at = str_of(time_text(start_at, at));
    char *kept = rc == 0 ? arena_strndup(a, buf_cstr(&b), b.len) : NULL;
    t.definition = (struct str){kept, b.len};
    buf_done(&b);
    if (rc == 0 && kept == NULL)
        rc = err_set(e, WL_ENOMEM, "its definition does not fit its memory");
    if (rc == 0)
        rc = writer_call(r->c->g->writer, CAMPAIGN_JOB_RANK, make_task, &t, e);
    if (rc != 0 || t.id == 0)
        return rc;
    log_info("campaigns", "campaign %s made %s, number %lld of it, for %s", campaign_id_text(row->id, of),
             campaign_id_text(t.id, id), (long long)occurrence, at);
    return campaigns_read(r->c, e);
}

/* --- the one that was made last --------------------------------------------------------------------------------------- */

/* Whether every element of `now` has an element of `before` with the same values under these keys. */
static bool is_known(struct json before, struct json now, const char *k1, const char *k2)
{
    struct str a1, a2, b1, b2;
    for (struct json_iter it = json_iter(now); json_next(&it);) {
        bool found = false;
        a1 = json_str_or(json_get(it.value, k1), STR(""));
        a2 = json_str_or(json_get(it.value, k2), STR(""));
        for (struct json_iter was = json_iter(before); !found && json_next(&was);) {
            b1 = json_str_or(json_get(was.value, k1), STR(""));
            b2 = json_str_or(json_get(was.value, k2), STR(""));
            found = str_eq(a1, b1) && str_eq(a2, b2);
        }
        if (!found)
            return false;
    }
    return true;
}

/* One that was made, and when it was due. */
struct made {
    const struct campaign_row *row; /* NULL: none was */
    int64_t due;
};

/* From its first event and not from its definition: that somebody may have changed, and what they moved would fall due once more. */
static int read_due(struct store *reader, struct arena *a, struct made *m, struct err *e)
{
    struct campaign_event_row *first = NULL;
    size_t n = 0;
    int rc = campaign_events(reader, m->row->id, a, 1, &first, &n, e);
    if (rc == 0 && (n == 0 || !time_parse(first->detail.p, first->detail.n, &m->due)))
        rc = err_set(e, WL_ECORRUPT, "when its campaign number %lld was due is not written anywhere",
                     (long long)m->row->occurrence);
    return rc;
}

/* Whether nobody changed what was made of the series. */
static bool is_its_own(const struct campaign_row *series, const struct made *made)
{
    struct json_parser *p = json_parser_create();
    struct json root;
    struct buf b;
    buf_init(&b, CAMPAIGN_DEFINITION_MAX);
    bool own = json_parse(p, series->definition, false, &root, NULL) == 0 &&
               write_definition(root, made->due, &b, NULL) == 0 && str_eq(buf_str(&b), made->row->definition);
    buf_done(&b);
    json_parser_free(p);
    return own;
}

static bool is_same(struct json a, struct json b)
{
    struct buf x, y;
    buf_init(&x, CAMPAIGN_DEFINITION_MAX);
    buf_init(&y, CAMPAIGN_DEFINITION_MAX);
    bool same = json_write_value(&x, a) && json_write_value(&y, b) && str_eq(buf_str(&x), buf_str(&y));
    buf_done(&x);
    buf_done(&y);
    return same;
}

/* By both reports; NULL: nothing is new. */
static const char *new_in(const struct campaign_row *series, const struct made *made, struct json was, struct json is)
{
    struct json templates = json_get(is, "templates"), before = json_get(was, "templates");
    if (!is_its_own(series, made))
        return "its definition is not what its series says";
    if (!is_same(json_get(was, "segment"), json_get(is, "segment")))
        return "the segment it is for was changed since the series was approved";
    if (made->row->people * GROWTH_OF > series->people * GROWTH_TO)
        return "it is for more than one and a half times as many people as the series was approved for";
    if (!is_known(json_get(was, "sources"), json_get(is, "sources"), "source", "name"))
        return "it has people from a source that was not there when the series was approved";
    if (!is_known(before, templates, "template", "language"))
        return "it uses a template that was not there when the series was approved";
    if (!is_known(before, templates, "template", "listing"))
        return "the text of a template is not what it was when the series was approved";
    return NULL;
}

static int news_of(const struct campaign_row *series, const struct made *made, struct store *reader, struct arena *a,
                   const char **ret, struct err *e)
{
    struct campaign_check_row before, now;
    struct json_parser *p = json_parser_create(), *q = json_parser_create();
    struct json was, is;
    int rc = campaign_check_get(reader, series->id, a, &before, e);
    if (rc == 0)
        rc = campaign_check_get(reader, made->row->id, a, &now, e);
    if (rc == 0)
        rc = json_parse(p, before.report, false, &was, e);
    if (rc == 0)
        rc = json_parse(q, now.report, false, &is, e);
    *ret = rc == 0 ? new_in(series, made, was, is) : NULL;
    json_parser_free(p);
    json_parser_free(q);
    return rc;
}

static int approve(struct campaign_runner *r, struct run *run, const struct campaign_row *series, const struct made *m,
                   struct store *reader, struct arena *a, struct err *e)
{
    const struct campaign_row *made = m->row;
    char plan[SHA256_HEX], id[STORE_ID_TEXT];
    const char *news = NULL;
    bool done;
    int rc = news_of(series, m, reader, a, &news, e);
    if (rc != 0)
        return rc;
    if (news != NULL) {
        if (run->waits_for != made->id)
            log_warn("campaigns",
                     "campaign %s, which its series made, waits for somebody to approve and start it: %s. What to do: "
                     "look at "
                     "it, then 'wayleave campaigns approve %s'",
                     campaign_id_text(made->id, id), news, id);
        run->waits_for = made->id;
        return 0;
    }
    hex_encode(made->plan, SHA256_BYTES, plan);
    rc = run_act(r, made,
                 &(struct campaign_order){.act = CAMPAIGN_ACT_APPROVE,
                                          .actor = series->approved_by,
                                          .detail = STR("as its series was"),
                                          .plan = str_of(plan)},
                 &done, e);
    if (rc == 0 && !done)
        run->waits_for = made->id; /* run_act() said why */
    return rc;
}

static int follow_made(struct campaign_runner *r, struct run *run, const struct campaign_row *series,
                       const struct made *m, struct store *reader, struct arena *a, struct err *e)
{
    const struct campaign_row *made = m->row;
    bool done, ours = run->waits_for != made->id;
    if (made->busy)
        return 0;
    if (made->state == CAMPAIGN_CHECKED && ours)
        return approve(r, run, series, m, reader, a, e);
    ours = ours && str_eq(made->approved_by, series->approved_by) && is_its_own(series, m);
    if (made->state == CAMPAIGN_APPROVED && ours) /* what a person approved a person starts */
        return run_act(r, made, &(struct campaign_order){.act = CAMPAIGN_ACT_START, .actor = STR(ACTOR)}, &done, e);
    return 0;
}

/* --- when ------------------------------------------------------------------------------------------------------------- */

static const struct zone *zone_of(struct campaign_runner *r, const char *name)
{
    if (r->zones == NULL && zones_load(&r->zones, NULL, NULL) != 0)
        return NULL;
    return zone_find(r->zones, str_of(name));
}

/* The next time it falls due after that; of several that are over only the last. 0: never again. */
static int64_t next_due(const struct campaign_repeat *rep, const struct zone *z, int64_t after, int64_t now)
{
    int64_t due = campaign_next(rep, z, after);
    for (int i = 0; i < MISSED_MOST && due != 0; i++) {
        int64_t later = campaign_next(rep, z, due);
        if (later == 0 || later > now)
            break;
        due = later;
    }
    return due;
}

static int end(struct campaign_runner *r, const struct campaign_row *row, const char *why, struct err *e)
{
    bool done;
    return run_act(r, row,
                   &(struct campaign_order){.act = CAMPAIGN_ACT_FINISH, .actor = STR(ACTOR), .detail = str_of(why)},
                   &done, e);
}

/* The one that was made last; NULL: none was. */
static int find_last(struct store *reader, const struct campaign_row *row, struct arena *a, struct made *ret,
                     bool *ret_full, struct err *e)
{
    struct campaign_row *made = NULL;
    size_t n = 0;
    int rc = campaigns_of_series(reader, row->id, a, MADE_MOST, &made, &n, e);
    *ret = (struct made){.row = NULL};
    *ret_full = n == MADE_MOST;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (ret->row == NULL || made[i].occurrence > ret->row->occurrence)
            ret->row = &made[i];
    return rc == 0 && ret->row != NULL ? read_due(reader, a, ret, e) : rc;
}

/* Makes the next one where it is time, or ends the series. */
static int go_on(struct campaign_runner *r, const struct run *run, const struct campaign_row *row, const struct made *m,
                 const struct zone *z, struct arena *a, int64_t now, struct err *e)
{
    const struct campaign_repeat *rep = &run->def->repeat;
    const struct campaign_row *last = m->row;
    int64_t count = last != NULL ? last->occurrence : 0, after = last != NULL ? m->due : row->started_at;
    int64_t due = rep->times != 0 && count >= rep->times ? 0 : next_due(rep, z, after, now);
    if (due != 0)
        return now < due - LEAD_MS ? 0 : make(r, row, count + 1, due, a, e);
    return last == NULL || campaign_is_over((enum campaign_state)last->state)
               ? end(r, row, "it does not fall due any more", e)
               : 0;
}

int run_series(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
               struct arena *a, int64_t now, struct err *e)
{
    const struct zone *z = zone_of(r, run->def->repeat.zone);
    struct made last;
    bool full;
    int64_t now_ms = clock_mono_ns() / 1000000;
    if (now_ms < run->ask_ms || row->state != CAMPAIGN_RUNNING)
        return 0;
    run->ask_ms = now_ms + LOOK_MS;
    if (z == NULL)
        return err_set(e, WL_ENOTFOUND, "its time zone, %s, is not known on this machine: install tzdata",
                       run->def->repeat.zone);
    int rc = find_last(reader, row, a, &last, &full, e);
    if (rc == 0 && last.row != NULL)
        rc = follow_made(r, run, row, &last, reader, a, e);
    if (rc == 0 && full)
        return end(r, row, "it made 1,000 campaigns, which is the most", e);
    return rc == 0 ? go_on(r, run, row, &last, z, a, now, e) : rc;
}
