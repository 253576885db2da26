/* SPDX-License-Identifier: Apache-2.0
 * campaign_write.c - what the runner changes: acts, stages and beats, the end of a campaign and its outcome.
 *
 * Each is one transaction that reads the row anew, so whatever a person did a moment before stands: an act is done only on the state it was
 * decided for. A campaign is finished when the cursor is behind its last person and nobody's message is open, looked at in the
 * very transaction that says so. What became of it is written twice: at the end, and a day later, when the last readings are in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/zone.h"
#include "core/phone_country.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_runner.h"
#include "store/people.h"

#define SETTLED_MS    INT64_C(86700000) /* 24 hours and five minutes */
#define MINUTE_MS     60000
#define SAMPLE        200
#define COUNTRY_ZONES 32
#define NAMES_MAX     16
#define ENDS_MOST     1000
#define OVER_LOOK_MS  1000

/* --- acts ----------------------------------------------------------------------------------------------------------- */

struct act_task {
    struct campaign_runner *r;
    const struct campaign_row *row;
    const struct campaign_order *o;
    bool done;
    struct err why;
};

/* Somebody did something to it since it was read. */
static bool is_another(const struct campaign_row *now, const struct campaign_row *was)
{
    return now->state != was->state || now->busy != was->busy || now->cause != was->cause ||
           (now->resume_at == 0) != (was->resume_at == 0);
}

static int act_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct act_task *t = ctx;
    struct campaign_row c;
    int rc = campaign_get(s, t->row->id, a, &c, e);
    t->done = false;
    t->why = (struct err){0};
    if (rc != 0 || is_another(&c, t->row))
        return rc == WL_ENOTFOUND ? 0 : rc;
    rc = campaign_do(t->r->c->g, s, &c, t->o, now, e);
    failpoint(campaign_acting);
    t->done = rc == 0;
    if (rc != WL_EDENIED && rc != WL_ECONFLICT)
        return rc;
    t->why = *e; /* nothing was written */
    return 0;
}

int run_act(struct campaign_runner *r, const struct campaign_row *row, const struct campaign_order *o, bool *ret_done,
            struct err *e)
{
    struct act_task t = {.r = r, .row = row, .o = o};
    char id[STORE_ID_TEXT];
    int rc = writer_call(r->c->g->writer, CAMPAIGN_JOB_RANK, act_task, &t, e);
    *ret_done = rc == 0 && t.done;
    if (rc != 0)
        return rc;
    failpoint(campaign_acted);
    if (t.why.code != 0)
        log_info("campaigns", "campaign %s: %s was not done: %s", campaign_id_text(row->id, id),
                 campaign_act_name(o->act), t.why.text);
    if (t.done)
        campaigns_beat(r->c);
    return t.done ? campaigns_read(r->c, e) : 0;
}

/* --- stages and beats ----------------------------------------------------------------------------------------------- */

struct beat_task {
    int64_t id, target, target_at, beat;
};

static int beat_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct beat_task *t = ctx;
    struct campaign_row c;
    int rc = campaign_get(s, t->id, a, &c, e);
    if (rc != 0)
        return rc;
    c.target = t->target;
    c.target_at = t->target_at;
    c.beat_at = now;
    rc = campaign_save(s, &c, e);
    if (rc == 0)
        rc = run_beat_count(s, &t->beat, e);
    failpoint(campaign_beating);
    return rc;
}

int run_beat(struct campaign_runner *r, struct run *run, const struct campaign_row *row, int64_t target,
             int64_t target_at, struct err *e)
{
    struct beat_task t = {.id = row->id, .target = target, .target_at = target_at};
    int rc = writer_call(r->c->g->writer, CAMPAIGN_JOB_RANK, beat_task, &t, e);
    if (rc != 0)
        return rc;
    run->beat_ms = clock_mono_ns() / 1000000;
    run_mark(r->c->g, t.beat);
    return 0;
}

static int cursor_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct campaign_hand *h = ctx;
    (void)a, (void)now;
    int rc = campaign_cursor_take(s, CAMPAIGN_BUCKET, h->campaign, h->epoch, e);
    failpoint(campaign_taking);
    return rc;
}

int run_take_cursor(struct campaign_runner *r, struct run *run, struct err *e)
{
    run->hand.campaign = run->id;
    run->hand.epoch = r->c->g->incarnation;
    int rc = writer_call(r->c->g->writer, CAMPAIGN_JOB_RANK, cursor_task, &run->hand, e);
    run->taken = rc == 0;
    return rc;
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

struct finish_task {
    struct campaign_runner *r;
    const struct run *run;
    const struct campaign_row *row;
    const char *why;
    bool done;
};

static int finish_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct finish_task *t = ctx;
    const struct campaign_order o = {.act = CAMPAIGN_ACT_FINISH, .actor = STR("runner"), .detail = str_of(t->why)};
    struct campaign_cursor cur = {.bucket = CAMPAIGN_BUCKET, .campaign = t->row->id};
    struct campaign_row c;
    int64_t place = 0;
    t->done = false;
    int rc = campaign_cursor_get(s, &cur, e);
    if (rc == 0)
        rc = recipients_first_open(s, CAMPAIGN_BUCKET, t->row->id, t->run->tally.ended, ENDS_MOST, &place, e);
    if (rc == 0)
        rc = campaign_get(s, t->row->id, a, &c, e);
    if (rc != 0 || place != cur.cur || cur.cur <= c.people || c.state != t->row->state)
        return rc;
    rc = campaign_do(t->r->c->g, s, &c, &o, now, e);
    if (rc != 0)
        return rc;
    c.due = now + SETTLED_MS; /* its outcome, once the last readings are in */
    rc = campaign_save(s, &c, e);
    failpoint(campaign_finishing);
    t->done = rc == 0;
    return rc;
}

int run_finish(struct campaign_runner *r, const struct run *run, const struct campaign_row *row, const char *why,
               bool *ret_done, struct err *e)
{
    struct finish_task t = {.r = r, .run = run, .row = row, .why = why};
    int rc = writer_call(r->c->g->writer, CAMPAIGN_JOB_RANK, finish_task, &t, e);
    *ret_done = rc == 0 && t.done;
    if (*ret_done)
        campaigns_beat(r->c);
    return *ret_done ? campaigns_read(r->c, e) : rc;
}

/* --- its outcome ---------------------------------------------------------------------------------------------------- */

/* The country a name says; "" none. */
static void country_of_name(const struct gateway *g, const struct identity *who, char out[3])
{
    int64_t e164;
    out[0] = '\0';
    if (who->kind == IDENTITY_PHONE && str_i64(str_of(who->value), &e164))
        phone_country(&g->phones, (uint64_t)e164, out);
    else if (who->kind == IDENTITY_USER_ID)
        snprintf(out, 3, "%.2s", who->value);
}

static int country_of_person(const struct gateway *g, struct store *reader, const struct campaign_recipient *who,
                             char out[3], struct err *e)
{
    struct identity names[NAMES_MAX];
    size_t n = 0;
    out[0] = '\0';
    int rc = who->contact != 0 ? people_identities(reader, who->bucket, who->contact, names, NAMES_MAX, &n, e) : 0;
    for (size_t i = 0; rc == 0 && i < n && out[0] == '\0'; i++)
        country_of_name(g, &names[i], out);
    return rc;
}

/* The country of most of its people, by a sample of them. */
static int country_of(const struct gateway *g, const struct run *run, struct store *reader, struct arena *a,
                      char out[8], struct err *e)
{
    struct campaign_recipient *v = NULL;
    char seen[SAMPLE][3];
    size_t n = 0, best = 0;
    int rc = recipients_read(reader, CAMPAIGN_BUCKET, run->id, 1, a, SAMPLE, &v, &n, e);
    out[0] = '\0';
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = country_of_person(g, reader, &v[i], seen[i], e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++)
            same += strcmp(seen[i], seen[k]) == 0;
        if (same > best && seen[i][0] != '\0') {
            best = same;
            memcpy(out, seen[i], sizeof seen[i]);
        }
    }
    return rc;
}

/* Whom Meta took and then left out for reasons of its own counts nowhere. */
static int64_t judged(const struct cohort_change *c)
{
    int64_t n = (int64_t)c->sent - c->held_back - c->failed;
    return n > 0 ? n : 0;
}

static void add_readings(struct baseline_outcome *o, const struct cohort_change *c, int64_t now)
{
    static const int64_t minutes[3] = {60, 240, 1440};
    const int reads[3] = {c->read_60, c->read_240, c->read_1440};
    for (int h = 0; h < 3; h++)
        if ((c->minute + 1 + minutes[h]) * MINUTE_MS <= now) {
            o->n[h] += judged(c);
            o->read[h] += reads[h];
        }
}

static int by_size(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* In the zone that is in the middle of the country's; UTC where nobody knows. */
static int local_hour(struct campaign_runner *r, const char *country, int utc_hour, int64_t now)
{
    const struct zone *z[COUNTRY_ZONES];
    int32_t offset[COUNTRY_ZONES];
    if (r->zones == NULL && zones_load(&r->zones, NULL, NULL) != 0)
        return utc_hour;
    size_t n = zones_of_country(r->zones, country, z, COUNTRY_ZONES);
    for (size_t i = 0; i < n; i++)
        offset[i] = zone_offset(z[i], now);
    if (n == 0)
        return utc_hour;
    qsort(offset, n, sizeof offset[0], by_size);
    return ((utc_hour * 3600 + offset[n / 2]) / 3600 % 24 + 24) % 24;
}

static int outcome_of(struct campaign_runner *r, const struct run *run, const struct campaign_row *row,
                      struct store *reader, struct arena *a, int64_t now, struct campaign_outcome *ret, struct err *e)
{
    struct cohort_change *v = NULL;
    int64_t by_hour[24] = {0};
    size_t n = 0;
    *ret =
        (struct campaign_outcome){.campaign = run->id, .ended_at = row->ended_at, .category = (int)run->def->category};
    int rc = campaign_cohorts(reader, CAMPAIGN_BUCKET, run->id, a, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        ret->o.sent += judged(&v[i]);
        ret->o.opted_out += v[i].opted_out;
        ret->o.undeliverable += v[i].undeliverable;
        ret->o.complained += v[i].complained;
        by_hour[v[i].minute / 60 % 24] += v[i].sent;
        add_readings(&ret->o, &v[i], now);
    }
    for (int h = 0; h < 24; h++)
        if (by_hour[h] > by_hour[ret->hour])
            ret->hour = h;
    if (rc == 0)
        rc = country_of(r->c->g, run, reader, a, ret->country, e);
    if (rc == 0)
        ret->hour = local_hour(r, ret->country, ret->hour, now);
    return rc;
}

struct over_task {
    const struct campaign_row *row;
    const struct campaign_outcome *outcome; /* NULL: none */
    bool ends;                              /* nothing of it is left to be done */
};

static int over_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct over_task *t = ctx;
    struct campaign_row c;
    (void)now;
    int rc = t->outcome != NULL ? campaign_outcome_put(s, t->outcome, e) : 0;
    if (rc == 0 && t->ends)
        rc = campaign_get(s, t->row->id, a, &c, e);
    if (rc != 0 || !t->ends || c.ver != t->row->ver)
        return rc;
    c.due = 0;
    return campaign_save(s, &c, e);
}

/* Whether nothing of it is with the door any more. */
static int is_through(struct campaign_runner *r, struct run *run, struct store *reader, bool *ret, struct err *e)
{
    campaign_hand_collect(r->hands, &run->hand);
    int rc = run_follow_ends(run, reader, e);
    *ret = rc == 0 && run->hand.out == 0 && run->tally.ended > run->handed;
    return rc;
}

/* Looked at now and then while something of it is open, and once more when its last readings are in. */
static bool is_looked_at(struct run *run, const struct campaign_row *row, int64_t now)
{
    bool waits = row->state == CAMPAIGN_FINISHED && now < row->due && run->begun;
    int64_t now_ms = clock_mono_ns() / 1000000;
    if (waits || now_ms < run->ask_ms)
        return false;
    run->ask_ms = now_ms + OVER_LOOK_MS;
    run->begun = true;
    return true;
}

int run_over(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
             struct arena *a, int64_t now, struct err *e)
{
    struct campaign_outcome outcome;
    struct over_task t = {.row = row};
    bool through = false, well = row->state == CAMPAIGN_FINISHED && run->readable;
    if (!is_looked_at(run, row, now))
        return 0;
    int rc = is_through(r, run, reader, &through, e);
    if (rc == 0 && well)
        rc = outcome_of(r, run, row, reader, a, now, &outcome, e);
    if (rc != 0)
        return rc;
    t.outcome = well ? &outcome : NULL;
    t.ends = through && (row->state != CAMPAIGN_FINISHED || now >= row->due);
    if (t.outcome == NULL && !t.ends)
        return 0;
    rc = writer_call(r->c->g->writer, CHORE_RANK, over_task, &t, e);
    return rc == 0 && t.ends ? campaigns_read(r->c, e) : rc;
}
