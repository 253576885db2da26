/* SPDX-License-Identifier: Apache-2.0
 * rest_campaign_live.c - /campaigns/{id}/live: how far it is, how fast, why it waits and until when, and how near each monitor is to its
 * stop line.
 *
 * Cheap enough to be asked each second: counts come from the cohorts, which grow by a row a minute and source, and what the runner last
 * found is in memory. The rows themselves are the report's matter. */
#include "gateway/campaign_check.h"
#include "gateway/rest_campaign.h"

#define CHECK_BYTES (256u << 20)
#define MINUTE_MS   60000

struct counts {
    int64_t sent, delivered, read, undeliverable, held_back, failed, opted_out, complained, replied;
};

static void add(struct counts *t, const struct cohort_change *c)
{
    t->sent += c->sent;
    t->delivered += c->delivered;
    t->read += c->read_any;
    t->undeliverable += c->undeliverable;
    t->held_back += c->held_back;
    t->failed += c->failed;
    t->opted_out += c->opted_out;
    t->complained += c->complained;
    t->replied += c->replied;
}

static void show_counts(struct json_out *o, const struct counts *t)
{
    jo_key(o, "counts");
    jo_object(o);
    jo_kint(o, "sent", t->sent);
    jo_kint(o, "delivered", t->delivered);
    jo_kint(o, "read", t->read);
    jo_kint(o, "replied", t->replied);
    jo_kint(o, "opted_out", t->opted_out);
    jo_kint(o, "complained", t->complained);
    jo_kint(o, "undeliverable", t->undeliverable);
    jo_kint(o, "held_by_meta", t->held_back);
    jo_kint(o, "failed", t->failed);
    jo_end(o);
}

struct live {
    struct rest_call *c;
    const struct campaign_row *v;
    struct cohort_change *cohort;
    size_t n;
    int64_t now, handed;
};

/* Messages a minute: of the minute under way and the one before, as if they came evenly. */
static int64_t a_minute(const struct live *l)
{
    int64_t this = l->now / MINUTE_MS, here = 0, before = 0, gone = l->now % MINUTE_MS;
    for (size_t i = 0; i < l->n; i++) {
        here += l->cohort[i].minute == this ? l->cohort[i].sent : 0;
        before += l->cohort[i].minute == this - 1 ? l->cohort[i].sent : 0;
    }
    return here + before * (MINUTE_MS - gone) / MINUTE_MS;
}

/* What waits for its next stage has no rate that says when it will be done. */
static void show_pace(struct live *l)
{
    struct json_out *o = &l->c->out;
    struct campaign_look w;
    bool waits = campaigns_look(l->c->g->campaigns, l->v->id, &w) && w.kind == RUN_WAIT && w.why[0] != '\0';
    int64_t rate = l->v->state == CAMPAIGN_RUNNING ? a_minute(l) : 0, left = waits ? 0 : l->v->people - l->handed;
    jo_kint(o, "per_minute", rate);
    rest_time(o, "at_this_rate_until", rate > 0 && left > 0 ? l->now + left * MINUTE_MS / rate : 0);
}

static const char *step_word(enum campaign_step_kind k)
{
    static const char *const words[] = {[RUN_HAND] = "hands_on", [RUN_WAIT] = "waits", [RUN_HOLD] = "holds",
                                        [RUN_GO_ON] = "goes_on", [RUN_STOP] = "stops", [RUN_FINISH] = "finishes"};
    return (size_t)k < sizeof words / sizeof words[0] ? words[k] : NULL;
}

static void show_monitor(struct json_out *o, const struct campaign_look *w, enum monitor_signal signal)
{
    const struct monitor_reading *r = &w->verdict.reading[signal];
    bool speaks = w->verdict.word != MONITOR_GO && w->verdict.signal == signal;
    jo_object(o);
    jo_kcstr(o, "signal", monitor_signal_name(signal));
    jo_kint(o, "tolerated_ppm", w->terms.ppm[signal]);
    jo_kint(o, "people", r->n);
    jo_kint(o, "count", r->k);
    jo_key(o, "stop_line");
    if (r->stop_line >= 0)
        jo_int(o, r->stop_line);
    else
        jo_null(o);
    jo_kcstr(o, "says", !speaks ? "go" : w->verdict.word == MONITOR_HOLD ? "hold" : "stop");
    jo_end(o);
}

static bool is_watched(uint32_t ppm)
{
    return ppm > 0 && ppm < 1000000;
}

static void show_look(struct live *l)
{
    struct json_out *o = &l->c->out;
    struct campaign_look w;
    bool known = campaigns_look(l->c->g->campaigns, l->v->id, &w);
    jo_kcstr(o, "step", known ? step_word(w.kind) : NULL);
    jo_kcstr(o, "waits_because", known && w.kind == RUN_WAIT && w.why[0] != '\0' ? w.why : NULL);
    rest_time(o, "asked_again_at", known ? w.next_at : 0);
    jo_kint(o, "per_second_most", known ? w.per_second : 0);
    jo_kint(o, "waiting_at_the_door", known ? w.waiting : 0);
    rest_time(o, "monitors_since", known ? w.since : 0);
    jo_key(o, "monitors");
    jo_array(o);
    for (int i = 0; known && i < MONITOR_SIGNALS; i++)
        if (is_watched(w.terms.ppm[i]))
            show_monitor(o, &w, (enum monitor_signal)i);
    jo_end(o);
}

static void text_or_null(struct json_out *o, const char *key, struct str s)
{
    jo_key(o, key);
    if (s.n > 0)
        jo_str(o, s);
    else
        jo_null(o);
}

static int show_sources(struct live *l, struct store *s, struct arena *a, struct err *e)
{
    struct json_out *o = &l->c->out;
    struct campaign_source *v = NULL;
    size_t n = 0, k = 0;
    int rc = campaign_sources_get(s, l->v->id, a, &v, &n, e);
    jo_key(o, "sources");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) { /* both are in the order of the strata */
        struct counts t = {0};
        for (; k < l->n && l->cohort[k].stratum <= v[i].stratum; k++)
            if (l->cohort[k].stratum == v[i].stratum)
                add(&t, &l->cohort[k]);
        jo_object(o);
        jo_kint(o, "source", v[i].stratum);
        text_or_null(o, "name", v[i].name);
        jo_kint(o, "people", v[i].people);
        jo_kcstr(o, "state", v[i].state == CAMPAIGN_SOURCE_QUARANTINED ? "quarantined" : "goes_on");
        rest_time(o, "since", v[i].state_at);
        text_or_null(o, "why", v[i].why);
        show_counts(o, &t);
        jo_end(o);
    }
    jo_end(o);
    return rc;
}

/* The earliest time of the next stage, by the ramp: 0 where it waits for something else. */
static int64_t next_stage(const struct live *l, struct str terms)
{
    struct monitor_terms t;
    enum ramp_kind ramp = RAMP_STANDARD;
    bool rests = l->v->state == CAMPAIGN_RUNNING && l->v->target_at != 0 && l->handed < l->v->people;
    if (!rests || campaign_terms_read(terms, &t, &ramp, NULL) != 0)
        return 0;
    int64_t at = l->v->target_at + ramp_terms[ramp].pause_ms;
    return at > l->now ? at : 0;
}

/* When the check said that it would be done, and when its ramp goes on. */
static void show_plan(struct live *l, struct store *s)
{
    int64_t next = 0;
    struct campaign_check_row k;
    struct json root;
    struct arena *large = arena_create(CHECK_BYTES);
    struct str done = {NULL, 0};
    bool known = large != NULL && campaign_check_get(s, l->v->id, large, &k, NULL) == 0;
    if (known)
        next = next_stage(l, k.terms);
    if (known && json_parse(thread_json(), k.report, false, &root, NULL) == 0)
        done = json_str_or(json_at(root, "forecast", "done_at"), done);
    rest_time(&l->c->out, "next_stage_at", next);
    jo_key(&l->c->out, "planned_until");
    if (done.n > 0)
        jo_str(&l->c->out, done);
    else
        jo_null(&l->c->out);
    arena_free(large);
}

int rest_campaign_live(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_row v;
    struct counts all = {0};
    struct live l = {.c = c, .v = &v, .now = now};
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    rc = campaign_cohorts(s, CAMPAIGN_BUCKET, v.id, a, &l.cohort, &l.n, e);
    if (rc == 0)
        rc = rest_campaign_handed(s, &v, &l.handed, e);
    for (size_t i = 0; i < l.n && rc == 0; i++)
        add(&all, &l.cohort[i]);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    rc = rest_campaign_members(c, s, &v, e);
    rest_time(&c->out, "as_of", now);
    jo_kint(&c->out, "stage", v.target);
    show_counts(&c->out, &all);
    show_pace(&l);
    show_plan(&l, s);
    show_look(&l);
    if (rc == 0)
        rc = show_sources(&l, s, a, e);
    jo_end(&c->out);
    return rc;
}
