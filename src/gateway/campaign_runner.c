/* SPDX-License-Identifier: Apache-2.0
 * campaign_runner.c - the thread that owns the clocks of all campaigns.
 *
 * A step goes through the open campaigns. Of each it takes back what the door said; when it is time (or a bell rang) it looks at monitors and
 * triggers, fills in how far it is, asks core/campaign_run.h what to do, and does it; and it hands people on while the answer's number
 * lasts. A campaign that cannot be followed is told to the log, once, and stops no other.
 *
 * Before the first person of a campaign is handed on in a life, its cursor is taken under this life's epoch, so an earlier life's
 * sends are refused if any were left, and a beat is on the disk. Stages are written before they are used. A stop of the program ends
 * the step that is under way and begins no other: what was handed on is the outbox's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/zone.h"
#include "gateway/campaign_check.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_runner.h"
#include "gateway/checkpoints_impl.h"

#define MEMORY       (128u << 20)
#define SCRATCH      (256u << 20)
#define REST_MS      200
#define BACKLOG_MS   2
#define ASK_MS       400  /* while messages leave */
#define ASK_IDLE_MS  2000 /* while none does */
#define BEAT_MS      10000
#define BEAT_BUSY_MS 1000  /* while people are handed on */
#define TABLE_MS     5000  /* the table is read again, whatever rang */
#define KEPT_MS      60000 /* of a hold for Meta's assessment: it is looked at again and again */
#define EVENTS_MOST  10000
#define TELL_EACH_MS 60000

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* --- what is remembered --------------------------------------------------------------------------------------------- */

static struct run *run_of(struct campaign_runner *r, int64_t id)
{
    struct run *run = r->runs;
    while (run != NULL && run->id != id)
        run = run->next;
    if (run != NULL)
        return run;
    run = calloc(1, sizeof *run);
    if (run == NULL || (run->arena = arena_create(RUN_MEMORY)) == NULL)
        abort();
    run->json = json_parser_create();
    run->id = id;
    run->next = r->runs;
    r->runs = run;
    return run;
}

static void run_free(struct run *run)
{
    run_numbers_done(run);
    free(run->before);
    json_parser_free(run->json);
    arena_free(run->arena);
    free(run);
}

/* Those that are over for good, once nothing of theirs is under way. */
static void forget_gone(struct campaign_runner *r)
{
    for (struct run **at = &r->runs; *at != NULL;) {
        struct run *run = *at;
        if (!run->seen)
            campaign_hand_collect(r->hands, &run->hand);
        if (run->seen || run->hand.out > 0) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        run_free(run);
    }
}

/* The definition does not change any more once it is checked; it and what it points to live in the run's arena and parser. */
static int read_definition(struct campaign_runner *r, struct run *run, const struct campaign_row *row,
                           struct arena *scratch, struct store *reader, struct err *e)
{
    struct campaign_check_row check;
    struct json root;
    arena_reset(run->arena);
    char *text = arena_strndup(run->arena, row->definition.p, row->definition.n);
    run->def = arena_new(run->arena, struct campaign_def);
    if (text == NULL || run->def == NULL)
        return err_set(e, WL_ENOMEM, "its definition does not fit its memory");
    int rc = json_parse(run->json, (struct str){text, row->definition.n}, false, &root, e);
    if (rc == 0)
        rc = campaign_def_read(root, run->arena, run->def, NULL, e);
    if (rc == 0)
        rc = campaign_check_get(reader, row->id, scratch, &check, e);
    if (rc == 0)
        rc = campaign_terms_read(check.terms, &run->terms, &run->ramp, e);
    if (rc == 0)
        rc = run_uses_read(r, run, check.report, e);
    run->readable = rc == 0;
    return rc;
}

/* --- acts ----------------------------------------------------------------------------------------------------------- */

/* What, what was done, what to do, and how to undo it. */
static void tell_hold(const struct campaign_row *row, const char *why, int64_t resume_at, const char *todo)
{
    char id[STORE_ID_TEXT], at[TIME_TEXT];
    campaign_id_text(row->id, id);
    int shown = (int)(row->name.n < 80 ? row->name.n : 80);
    if (resume_at != 0)
        log_warn("campaigns",
                 "campaign %s (%.*s) is held until %s at least: %s. Nothing more leaves; it goes on by itself, and at "
                 "once with "
                 "'wayleave campaigns resume %s'",
                 id, shown, row->name.p, time_text(resume_at, at), why, id);
    else
        log_warn("campaigns",
                 "campaign %s (%.*s) is stopped until somebody lets it go on: %s. Nothing more leaves, what waits is "
                 "kept. What to "
                 "do: %s: 'wayleave campaigns resume %s', or 'stop' for good",
                 id, shown, row->name.p, why, todo, id);
}

static int hold(struct campaign_runner *r, const struct campaign_row *row, enum campaign_cause cause, const char *why,
                int64_t resume_at, const char *todo, struct err *e)
{
    bool done;
    int rc = run_act(r, row,
                     &(struct campaign_order){.act = CAMPAIGN_ACT_HOLD,
                                              .actor = STR("runner"),
                                              .detail = str_of(why),
                                              .cause = cause,
                                              .resume_at = resume_at},
                     &done, e);
    if (rc != 0 || !done)
        return rc;
    campaigns_count(r->c, resume_at != 0 ? CAMPAIGNS_HOLDS : CAMPAIGNS_STOPS, 1);
    tell_hold(row, why, resume_at, todo);
    return 0;
}

static const char *what_to_do(enum campaign_cause cause)
{
    static const char *const says[] = {
        [CAUSE_MONITOR] = "see who got it and what they say about it; resume if it is to go on all the same",
        [CAUSE_GAP] = "see on the platform what was sent, then resume with --after-gap"};
    return (size_t)cause < sizeof says / sizeof says[0] && says[cause] != NULL ? says[cause]
                                                                               : "look at it, then resume";
}

static int stop_late(struct campaign_runner *r, const struct campaign_row *row, const struct campaign_step *step,
                     struct err *e)
{
    char id[STORE_ID_TEXT];
    bool done;
    int rc = run_act(r, row,
                     &(struct campaign_order){.act = CAMPAIGN_ACT_STOP,
                                              .actor = STR("runner"),
                                              .detail = str_of(step->why),
                                              .cause = step->cause},
                     &done, e);
    if (rc != 0 || !done)
        return rc;
    campaigns_count(r->c, CAMPAIGNS_STOPS, 1);
    log_warn("campaigns",
             "campaign %s (%.*s) is over: %s. What waits is not sent any more. What to do: make a new one for those "
             "who have no "
             "message",
             campaign_id_text(row->id, id), (int)(row->name.n < 80 ? row->name.n : 80), row->name.p, step->why);
    return 0;
}

static int go_on(struct campaign_runner *r, const struct campaign_row *row, const struct campaign_step *step,
                 struct err *e)
{
    char id[STORE_ID_TEXT];
    bool done;
    int rc = run_act(r, row,
                     &(struct campaign_order){.act = CAMPAIGN_ACT_RESUME,
                                              .actor = STR("runner"),
                                              .detail = str_of(step->why)},
                     &done, e);
    if (rc == 0 && done)
        log_info("campaigns", "campaign %s goes on: %s", campaign_id_text(row->id, id), step->why);
    return rc;
}

static int finish(struct campaign_runner *r, struct run *run, const struct campaign_row *row,
                  const struct campaign_step *step, struct err *e)
{
    char id[STORE_ID_TEXT];
    bool done;
    int rc = run_finish(r, run, row, step->why, &done, e);
    if (rc == 0 && done)
        log_info("campaigns", "campaign %s (%.*s) is finished: %s", campaign_id_text(row->id, id),
                 (int)(row->name.n < 80 ? row->name.n : 80), row->name.p, step->why);
    return rc;
}

/* --- a person let it go on ------------------------------------------------------------------------------------------ */

/* When, the last time; 0 never. */
static int read_resumed(const struct run *run, struct store *reader, struct arena *a, int64_t *ret, bool *ret_monitor,
                        struct err *e)
{
    struct campaign_event_row *v = NULL;
    size_t n = 0;
    bool monitor = false;
    int rc = campaign_events(reader, run->id, a, EVENTS_MOST, &v, &n, e);
    *ret = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (v[i].act == CAMPAIGN_ACT_RESUME && !str_eq(v[i].actor, STR("runner"))) {
            *ret = v[i].at;
            *ret_monitor = monitor;
        }
        if (v[i].act == CAMPAIGN_ACT_HOLD)
            monitor = true;
    }
    return rc;
}

/* The last place whose message was taken over by the door before then. Messages' ids are times. */
static int place_at(const struct run *run, struct store *reader, struct arena *a, int64_t at, int64_t *ret,
                    struct err *e)
{
    int64_t from = 0, to = run->handed; /* the answer lies between, both included */
    struct campaign_recipient who;
    int rc = 0;
    while (rc == 0 && from < to) {
        int64_t mid = from + (to - from + 1) / 2, place = mid;
        do /* somebody who was passed by has none: the one before says when it was */
            rc = recipient_get(reader, CAMPAIGN_BUCKET, run->id, place, a, &who, e);
        while (rc == 0 && who.msg == 0 && --place > from);
        if (rc == 0 && place > from && store_id_ms(who.msg) >= at)
            to = place - 1;
        else
            from = mid;
    }
    *ret = from;
    return rc;
}

/* What it was held for counts no more: its monitors and its ramp begin anew, and what Meta says now was known. */
static int see_resumed(struct campaign_runner *r, struct run *run, struct campaign_row *row, struct store *reader,
                       struct arena *a, int64_t now, struct err *e)
{
    int64_t at = 0;
    bool monitor = false;
    if (row->ver == run->ver)
        return 0;
    int rc = read_resumed(run, reader, a, &at, &monitor, e);
    if (rc != 0 || at == run->resumed_at) {
        run->ver = rc == 0 ? row->ver : run->ver;
        return rc;
    }
    run->resumed_at = at;
    run->looked_ms = 0; /* the monitors look again at once */
    run->has_verdict = false;
    run->lenient = 0;
    if (row->state == CAMPAIGN_RUNNING)
        run_waive(r, run, reader, a, now);
    rc = monitor ? place_at(run, reader, a, at, &run->base, e) : 0;
    bool anew = rc == 0 && monitor && run->held_by == CAUSE_MONITOR; /* seen in this life: the row has the old stage */
    if (anew) {
        row->target = row->target_at = 0;
        rc = run_beat(r, run, row, 0, 0, e);
    }
    run->ver = rc == 0 ? row->ver : run->ver;
    return rc;
}

/* --- asking --------------------------------------------------------------------------------------------------------- */

/* Whether a trigger may hold it in the state it is in: what a person paused, or looks at, is not held again for something else. */
static bool may_hold(const struct campaign_row *row)
{
    return row->state == CAMPAIGN_RUNNING || (row->state == CAMPAIGN_HELD && row->resume_at != 0);
}

/* *ret_over: the question is answered. */
static int heed(struct campaign_runner *r, struct run *run, struct campaign_row *row, struct store *reader,
                struct arena *a, int64_t now, bool *ret_over, struct err *e)
{
    const struct trigger *t = run_watch(r, run, reader, a, now);
    bool kept = row->state == CAMPAIGN_HELD && row->cause == CAUSE_RAMP;
    *ret_over = false;
    if (t == NULL) {
        if (kept && row->resume_at != 0)
            row->resume_at = now; /* it has ended: on it goes */
        return 0;
    }
    if (!may_hold(row))
        return 0;
    *ret_over = true;
    if (t->cause == CAUSE_RAMP && kept)
        return 0;
    return hold(r, row, t->cause, t->what, t->cause == CAUSE_RAMP ? now + KEPT_MS : 0, t->todo, e);
}

/* A template turned YELLOW: no stage but the one it is in. */
static void keep_stage(const struct run *run, const struct campaign_row *row, int64_t now, struct campaign_step *step)
{
    if (run->yellow == 0 || row->target == 0 || step->target <= row->target)
        return;
    step->target = row->target;
    step->target_at = row->target_at;
    if (step->kind != RUN_HAND)
        return;
    step->kind = RUN_WAIT;
    step->at = now + ASK_IDLE_MS;
    snprintf(
        step->why, sizeof step->why,
        "a template of it turned YELLOW: no further stage before it is GREEN again, or somebody pauses and resumes it");
}

static int do_step(struct campaign_runner *r, struct run *run, const struct campaign_row *row,
                   const struct campaign_step *step, struct err *e)
{
    int rc = 0;
    run->lenient = step->lenient;
    run->quota = 0;
    if (step->target != row->target || step->target_at != row->target_at || run->beat_ms == 0 ||
        mono_ms() >= run->beat_ms + (step->kind == RUN_HAND ? BEAT_BUSY_MS : BEAT_MS))
        rc = run_beat(r, run, row, step->target, step->target_at, e);
    if (rc != 0)
        return rc;
    switch (step->kind) {
    case RUN_HAND:
        run->quota = step->n;
        return 0;
    case RUN_HOLD:
        return hold(r, row, step->cause, step->why, step->resume_at, what_to_do(step->cause), e);
    case RUN_GO_ON:
        return go_on(r, row, step, e);
    case RUN_STOP:
        return stop_late(r, row, step, e);
    case RUN_FINISH:
        return finish(r, run, row, step, e);
    case RUN_WAIT:
        break;
    }
    return 0;
}

static void remember(struct run *run, const struct campaign_progress *p, const struct campaign_step *step, int64_t now)
{
    int64_t rest = p->open > 0 || step->kind != RUN_WAIT ? ASK_MS : ASK_IDLE_MS;
    bool lasts = step->kind == RUN_HAND || step->kind == RUN_WAIT;
    run->ask_ms = mono_ms() + (!lasts ? 0 : step->at - now < rest ? step->at - now : rest);
    run->was_looked = true;
    run->look = (struct campaign_look){.at = now,
                                       .kind = step->kind,
                                       .next_at = step->at,
                                       .per_second = p->per_second,
                                       .open = p->open,
                                       .waiting = p->waiting,
                                       .terms = run->terms,
                                       .verdict = run->verdict,
                                       .since = run->resumed_at};
    snprintf(run->look.why, sizeof run->look.why, "%s", step->why);
}

static int ask(struct campaign_runner *r, struct run *run, struct campaign_row *row, struct store *reader,
               struct arena *a, int64_t now, struct err *e)
{
    struct campaign_progress p;
    struct campaign_step step;
    bool over;
    int rc = run_monitors(r, run, row, reader, a, now, e);
    run->base_sent = run->base > 0 ? run->tally.sent_before : 0;
    if (rc == 0)
        rc = heed(r, run, row, reader, a, now, &over, e);
    if (rc != 0 || over) {
        run->quota = 0;
        run->ask_ms = mono_ms() + ASK_MS;
        return rc;
    }
    rc = run_progress(r, run, row, reader, a, now, &p, e);
    if (rc != 0)
        return rc;
    campaign_step(&p, now, &step);
    keep_stage(run, row, now, &step);
    remember(run, &p, &step, now);
    return do_step(r, run, row, &step, e);
}

/* --- one campaign --------------------------------------------------------------------------------------------------- */

static int hand_on(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
                   struct arena *a, bool *ret_more, struct err *e)
{
    struct hand_terms t = {.def = run->def,
                           .number = run->number,
                           .n_numbers = run->n_numbers,
                           .most = run->quota,
                           .last = row->people,
                           .use = run_use,
                           .ctx = run};
    size_t handed = 0;
    char id[STORE_ID_TEXT];
    int rc = campaign_hand(r->hands, &run->hand, &t, reader, a, &handed, e);
    run->quota -= (int64_t)handed;
    *ret_more = *ret_more || handed > 0 || run->hand.out > 0;
    const struct err *why = &run->hand.why;
    if (rc != 0 || why->code == 0 || why->code == WL_EBUSY || why->code == WL_ECONFLICT)
        return rc; /* those pass by themselves */
    snprintf(run->look.why, sizeof run->look.why, "nobody can be handed on just now: %.160s", why->text);
    int64_t now_ms = mono_ms();
    if (run->told_ms != 0 && now_ms < run->told_ms + TELL_EACH_MS)
        return 0;
    run->told_ms = now_ms;
    log_warn("campaigns", "campaign %s: nobody can be handed on just now, which is tried again: %s",
             campaign_id_text(run->id, id), why->text);
    return 0;
}

static int follow(struct campaign_runner *r, struct run *run, struct campaign_row *row, struct store *reader,
                  struct arena *a, bool rung, bool *ret_more, struct err *e)
{
    int64_t now = clock_now_ms();
    int rc = run->taken ? 0 : run_take_cursor(r, run, e);
    if (rc != 0)
        return rc;
    campaign_hand_collect(r->hands, &run->hand);
    bool changed = row->ver != run->ver;
    rc = see_resumed(r, run, row, reader, a, now, e);
    if (rc == 0 && (rung || mono_ms() >= run->ask_ms || (changed && row->state != CAMPAIGN_RUNNING)))
        rc = ask(r, run, row, reader, a, now, e);
    run->held_by = row->state == CAMPAIGN_HELD ? (enum campaign_cause)row->cause : CAUSE_NONE;
    if (row->state != CAMPAIGN_RUNNING)
        run->quota = 0;
    if (rc != 0 || run->quota == 0)
        return rc;
    return hand_on(r, run, row, reader, a, ret_more, e);
}

static int one(struct campaign_runner *r, struct run *run, struct campaign_row *row, struct store *reader, bool rung,
               bool *ret_more, struct err *e)
{
    struct arena *a = r->scratch;
    bool open = row->state == CAMPAIGN_RUNNING || row->state == CAMPAIGN_HELD;
    bool over = campaign_is_over((enum campaign_state)row->state);
    arena_reset(a);
    if (row->busy || (!open && !over))
        return 0;
    if (!run->readable && mono_ms() < run->ask_ms)
        return 0; /* it could not be read a moment ago */
    /* What was cancelled may never have been checked. */
    bool needed = !over || row->state == CAMPAIGN_FINISHED;
    int rc = run->readable || !needed ? 0 : read_definition(r, run, row, a, reader, e);
    if (rc != 0)
        return rc;
    if (over)
        return run_over(r, run, row, reader, a, clock_now_ms(), e);
    if (run->def->repeat.every != REPEAT_NEVER)
        return run_series(r, run, row, reader, a, clock_now_ms(), e);
    return follow(r, run, row, reader, a, rung, ret_more, e);
}

/* --- the step ------------------------------------------------------------------------------------------------------- */

static void tell_trouble(struct run *run, const struct err *why)
{
    char id[STORE_ID_TEXT];
    run->ask_ms = mono_ms() + ASK_IDLE_MS;
    if (run->told || why->code == WL_EBUSY)
        return;
    run->told = true;
    log_error("campaigns", "campaign %s cannot be followed: %s", campaign_id_text(run->id, id), why->text);
}

static void show(struct campaign_runner *r, const struct campaign_row *row, size_t n)
{
    pthread_mutex_lock(&r->lock);
    r->n_views = 0;
    for (size_t i = 0; i < n; i++) {
        const struct run *run = r->runs;
        while (run != NULL && run->id != row[i].id)
            run = run->next;
        if (run != NULL)
            r->view[r->n_views++] = (struct run_view){.id = run->id,
                                                      .people = row[i].people,
                                                      .handed = run->hand.next > 1 ? run->hand.next - 1 : run->handed,
                                                      .sent = run->tally.sent,
                                                      .state = row[i].state,
                                                      .cause = row[i].cause,
                                                      .looked = run->was_looked,
                                                      .look = run->look};
    }
    pthread_mutex_unlock(&r->lock);
}

/* Nothing has to depend on a bell, or on a read that failed. */
static int renew_table(struct campaign_runner *r, struct err *e)
{
    int64_t now_ms = mono_ms();
    if (!r->c->stale && now_ms < r->table_ms + TABLE_MS)
        return 0;
    r->table_ms = now_ms;
    return campaigns_read(r->c, e);
}

/* Finished, its outcome written, and its last readings are not in: there may be many, and nothing is remembered of them. */
static bool is_settling(const struct campaign_runner *r, const struct campaign_row *row)
{
    if (row->state != CAMPAIGN_FINISHED || clock_now_ms() >= row->due)
        return false;
    const struct run *run = r->runs;
    while (run != NULL && run->id != row->id)
        run = run->next;
    return run == NULL || run->begun;
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct campaign_runner *r = ctx;
    struct campaign_row *row = NULL;
    size_t n = 0;
    bool rung = atomic_exchange(&r->rung, false);
    int rc = campaigns_open(reader, a, CAMPAIGNS_OPEN, &row, &n, e);
    for (struct run *run = r->runs; run != NULL; run = run->next)
        run->seen = rc != 0;
    if (rc == 0)
        rc = renew_table(r, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct err why = {0};
        if (is_settling(r, &row[i]))
            continue;
        struct run *run = run_of(r, row[i].id);
        run->seen = true;
        int failed = one(r, run, &row[i], reader, rung, ret_more, &why);
        if (failed != 0) {
            why.code = failed;
            tell_trouble(run, &why);
        } else if (run->readable) {
            run->told = false;
        }
    }
    forget_gone(r);
    if (rc == 0)
        show(r, row, n);
    return rc;
}

/* --- asked by others ------------------------------------------------------------------------------------------------ */

bool campaign_runner_look(struct campaign_runner *r, int64_t campaign, struct campaign_look *ret)
{
    bool found = false;
    if (r == NULL)
        return false;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; !found && i < r->n_views; i++) {
        found = r->view[i].id == campaign && r->view[i].looked;
        if (found)
            *ret = r->view[i].look;
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_gauge(const struct campaign_runner *r, struct buf *b, const char *name, const char *help, size_t at)
{
    char id[STORE_ID_TEXT];
    head(b, name, "gauge", help);
    for (size_t i = 0; i < r->n_views; i++)
        buf_printf(b, "%s{campaign=\"%s\"} %lld\n", name, campaign_id_text(r->view[i].id, id),
                   (long long)*(const int64_t *)((const char *)&r->view[i] + at));
}

void campaign_runner_metrics(struct campaign_runner *r, struct buf *out)
{
    static const struct {
        const char *name, *help;
    } counters[CAMPAIGN_COUNTS] = {
        [CAMPAIGNS_HANDED] = {"wayleave_campaign_handed_total", "people whose message campaigns handed to the door"},
        [CAMPAIGNS_HOLDS] = {"wayleave_campaign_holds_total", "times a campaign was held and goes on by itself"},
        [CAMPAIGNS_STOPS] = {"wayleave_campaign_stops_total",
                             "times a campaign was stopped until somebody lets it go on, or for good"},
        [CAMPAIGNS_QUARANTINES] = {"wayleave_campaign_quarantines_total", "sources of people that were quarantined"},
        [CAMPAIGNS_CHECKS] = {"wayleave_campaign_checks_total", "checks of campaigns that were done"},
    };
    int64_t states[CAMPAIGN_CANCELLED + 1] = {0};
    if (r == NULL)
        return;
    for (int i = 0; i < CAMPAIGN_COUNTS; i++) {
        head(out, counters[i].name, "counter", counters[i].help);
        buf_printf(out, "%s %llu\n", counters[i].name,
                   (unsigned long long)atomic_load_explicit(&r->c->count[i], memory_order_relaxed));
    }
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->n_views; i++)
        states[r->view[i].state]++;
    head(out, "wayleave_campaigns", "gauge", "campaigns that are followed, by state");
    for (int s = CAMPAIGN_RUNNING; s <= CAMPAIGN_STOPPED; s++)
        buf_printf(out, "wayleave_campaigns{state=\"%s\"} %lld\n", campaign_state_name((enum campaign_state)s),
                   (long long)states[s]);
    write_gauge(r, out, "wayleave_campaign_people", "people that are to get a message",
                offsetof(struct run_view, people));
    write_gauge(r, out, "wayleave_campaign_handed", "of them, handed to the door", offsetof(struct run_view, handed));
    write_gauge(r, out, "wayleave_campaign_sent", "of them, that Meta took", offsetof(struct run_view, sent));
    write_gauge(r, out, "wayleave_campaign_open", "messages of it that have not come to their end",
                offsetof(struct run_view, look.open));
    pthread_mutex_unlock(&r->lock);
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

/* The door said something. */
static void bell(void *ctx)
{
    struct campaign_runner *r = ctx;
    chore_ring(r->chore);
}

int campaign_runner_start(struct campaign_runner **ret, struct campaigns *c, struct err *e)
{
    struct campaign_runner *r = calloc(1, sizeof *r);
    if (r == NULL || (r->scratch = arena_create(SCRATCH)) == NULL)
        abort();
    r->c = c;
    pthread_mutex_init(&r->lock, NULL);
    r->hands = campaign_hands_create(c, bell, r);
    int rc = chore_start(&r->chore, c->g->o.store_url,
                         &(struct chore_options){.name = "campaigns",
                                                 .failed = "campaigns wait",
                                                 .memory = MEMORY,
                                                 .rest_ms = REST_MS,
                                                 .backlog_ms = BACKLOG_MS,
                                                 .step = step,
                                                 .ctx = r},
                         e);
    if (rc != 0) {
        campaign_runner_free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void campaign_runner_ring(struct campaign_runner *r)
{
    if (r == NULL)
        return;
    r->rung = true;
    chore_ring(r->chore);
}

void campaign_runner_stop(struct campaign_runner *r)
{
    if (r != NULL)
        chore_stop(r->chore);
}

void campaign_runner_free(struct campaign_runner *r)
{
    if (r == NULL)
        return;
    chore_free(r->chore);
    campaign_hands_free(r->hands);
    for (struct run *next; r->runs != NULL; r->runs = next) {
        next = r->runs->next;
        run_free(r->runs);
    }
    zones_free(r->zones);
    arena_free(r->scratch);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
