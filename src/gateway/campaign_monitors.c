/* SPDX-License-Identifier: Apache-2.0
 * campaign_monitors.c - what people do about a campaign: the monitors of each source and of the whole.
 *
 * Cohorts are read whole, about once a second, and less often when that takes long: a look may take a twentieth of the time. Sources
 * come first. One whose monitor tripped is quarantined, and from then on its people are left out of the whole, so that the rest is
 * judged by itself. That a source's monitor would hold does nothing to it: only the whole is ever held.
 *
 * Where no status comes of what was sent, or no webhook at all, nobody can be seen to read: readings are not judged meanwhile, and that
 * is told.
 *
 * After a person let it go on (or released a source) only who was sent to since then counts: what they looked at is not held
 * against it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_runner.h"
#include "store/inbox.h"

#define MINUTE_MS    60000
#define LOOK_EACH_MS 1000
#define LOOK_SHARE   20
#define TEXT_MAX     300
#define DEAF_FROM    60 /* minutes: of messages sent between these ages some are delivered, */
#define DEAF_TO      5
#define DEAF_LEAST   20     /* if they are as many as that */
#define SILENT_MS    900000 /* no webhook of any kind for so long, though people were sent to */
#define DAY          1440
#define TELL_EACH_MS 600000

/* One look. */
struct look {
    struct campaign_runner *r;
    struct run *run;
    const struct campaign_row *row;
    int64_t now;
    struct arena *a;
    struct cohort_change *cohort; /* by (stratum, minute) */
    size_t n;
    struct monitor_cohort *counts; /* room for as many */
    struct monitor_terms terms;    /* as they are judged by now */
};

/* A correction may come before what it corrects. */
static uint32_t count(int64_t n)
{
    return n > 0 ? (uint32_t)n : 0;
}

/* What of it was counted when a person said that it may go on, in the minute in which that was; NULL: nothing. */
static const struct cohort_change *counted_before(const struct run *run, const struct cohort_change *c)
{
    for (size_t i = 0; i < run->n_before; i++)
        if (run->before[i].stratum == c->stratum && run->before[i].minute == c->minute)
            return &run->before[i];
    return NULL;
}

static struct monitor_cohort counts_of(const struct run *run, const struct cohort_change *c)
{
    static const struct cohort_change none = {0};
    const struct cohort_change *was = counted_before(run, c);
    if (was == NULL)
        was = &none;
    return (struct monitor_cohort){.minute = c->minute,
                                   .sent = count(c->sent - was->sent),
                                   .opted_out = count(c->opted_out - was->opted_out),
                                   .undeliverable = count(c->undeliverable - was->undeliverable),
                                   .complained = count(c->complained - was->complained),
                                   .read_15 = count(c->read_15 - was->read_15),
                                   .read_60 = count(c->read_60 - was->read_60),
                                   .read_240 = count(c->read_240 - was->read_240),
                                   .read_1440 = count(c->read_1440 - was->read_1440),
                                   .left_out = count((int64_t)c->held_back + c->failed - was->held_back - was->failed)};
}

/* From now on this is what was counted before; in the place of what was of its source. */
static void remember_one(struct run *run, const struct cohort_change *c)
{
    size_t at = 0;
    while (at < run->n_before && run->before[at].stratum != c->stratum)
        at++;
    if (at == run->n_before) {
        run->before = reallocarray(run->before, at + 1, sizeof *run->before);
        if (run->before == NULL)
            abort();
        run->n_before++;
    }
    run->before[at] = *c;
}

/* Those of the minute in which a person let the whole go on, or a source (NULL: all). Cohorts are by the minute, and who looked knew all that
 * was counted by then. After a restart that is not known any more: then the whole minute counts. */
static void remember(struct look *k, const struct campaign_source *src, int64_t at)
{
    for (size_t i = 0; k->run->counted && i < k->n; i++)
        if (k->cohort[i].minute == at / MINUTE_MS && (src == NULL || k->cohort[i].stratum == src->stratum))
            remember_one(k->run, &k->cohort[i]);
}

static void see_words(struct look *k)
{
    struct run *run = k->run;
    int64_t newest = run->released_at;
    if (run->resumed_at != run->before_at)
        remember(k, NULL, run->resumed_at);
    for (size_t i = 0; i < run->n_sources; i++) {
        const struct campaign_source *src = &run->source[i];
        if (src->state != CAMPAIGN_SOURCE_GOES_ON || src->state_at <= run->released_at)
            continue;
        remember(k, src, src->state_at);
        newest = src->state_at > newest ? src->state_at : newest;
    }
    run->before_at = run->resumed_at;
    run->released_at = newest;
    run->counted = true;
}

/* --- how many were sent --------------------------------------------------------------------------------------------- */

static void count_sent(struct look *k)
{
    struct tally *t = &k->run->tally;
    int64_t age = ramp_terms[k->run->ramp].gate_age_ms, newest = 0, from = k->run->resumed_at / MINUTE_MS;
    t->sent = t->old_enough = t->sent_before = 0;
    for (size_t i = 0; i < k->n; i++) {
        const struct cohort_change *c = &k->cohort[i];
        t->sent += c->sent;
        const struct cohort_change *was = counted_before(k->run, c);
        int64_t before = c->minute < from ? c->sent : was != NULL ? was->sent : 0;
        t->sent_before += before;
        if ((c->minute + 1) * MINUTE_MS + age <= k->now)
            t->old_enough += c->sent - before;
        if (c->sent > 0 && c->minute > newest)
            newest = c->minute;
    }
    int64_t end = (newest + 1) * MINUTE_MS;
    t->last_sent_at = newest == 0 ? 0 : end < k->now ? end : k->now;
}

/* --- sources -------------------------------------------------------------------------------------------------------- */

static struct campaign_source *source_of(struct run *run, int stratum)
{
    for (size_t i = 0; i < run->n_sources; i++)
        if (run->source[i].stratum == stratum)
            return &run->source[i];
    return NULL;
}

/* The first minute whose people count: of this source, NULL: of the whole. */
static int64_t counts_from(const struct run *run, const struct campaign_source *src)
{
    int64_t since = run->resumed_at;
    if (src != NULL && src->state == CAMPAIGN_SOURCE_GOES_ON && src->state_at > since)
        since = src->state_at;
    return since / MINUTE_MS;
}

static bool is_quarantined(const struct campaign_source *src)
{
    return src != NULL && src->state == CAMPAIGN_SOURCE_QUARANTINED;
}

static void say_verdict(const struct monitor_terms *t, const struct monitor_verdict *v, char out[TEXT_MAX])
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    monitor_say(t, v, &b);
    snprintf(out, TEXT_MAX, "%s", b.failed ? monitor_signal_name(v->signal) : buf_cstr(&b));
    buf_done(&b);
}

static int quarantine(struct look *k, struct campaign_source *src, const struct monitor_verdict *v, struct err *e)
{
    char said[TEXT_MAX], detail[2 * TEXT_MAX], id[STORE_ID_TEXT];
    bool done;
    say_verdict(&k->terms, v, said);
    snprintf(detail, sizeof detail, "source %d, %.*s (%lld people): %s", src->stratum,
             (int)(src->name.n < 100 ? src->name.n : 100), src->name.p, (long long)src->people, said);
    int rc = run_act(k->r, k->row,
                     &(struct campaign_order){.act = CAMPAIGN_ACT_QUARANTINE,
                                              .actor = STR("runner"),
                                              .detail = str_of(detail),
                                              .cause = CAUSE_MONITOR,
                                              .stratum = src->stratum},
                     &done, e);
    if (rc != 0 || !done)
        return rc;
    src->state = CAMPAIGN_SOURCE_QUARANTINED;
    campaigns_count(k->r->c, CAMPAIGNS_QUARANTINES, 1);
    campaign_id_text(k->row->id, id);
    log_warn("campaigns",
             "campaign %s: its people from source %d (%.*s) get nothing more, the rest goes on: %s. What to do: see "
             "where that list came from; 'wayleave campaigns release %s --source %d' undoes it",
             id, src->stratum, (int)(src->name.n < 100 ? src->name.n : 100), src->name.p, said, id, src->stratum);
    return 0;
}

/* The stretch of one stratum from *at on, as far as it counts; moves *at behind it. */
static size_t stretch(struct look *k, size_t *at, const struct campaign_source *src)
{
    int stratum = k->cohort[*at].stratum;
    int64_t from = counts_from(k->run, src);
    size_t n = 0;
    for (; *at < k->n && k->cohort[*at].stratum == stratum; (*at)++)
        if (k->cohort[*at].minute >= from)
            k->counts[n++] = counts_of(k->run, &k->cohort[*at]);
    return n;
}

static int look_at_sources(struct look *k, struct err *e)
{
    struct monitor_verdict v;
    int rc = 0;
    for (size_t at = 0; rc == 0 && k->run->n_sources > 1 && at < k->n;) {
        struct campaign_source *src = source_of(k->run, k->cohort[at].stratum);
        size_t n = stretch(k, &at, src);
        if (src == NULL || is_quarantined(src) || n == 0)
            continue;
        monitor_look(&k->terms, k->counts, n, k->now, &v);
        if (v.tripped)
            rc = quarantine(k, src, &v, e);
    }
    return rc;
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

/* Of all sources that go on. */
static void look_at_whole(struct look *k)
{
    int64_t from = counts_from(k->run, NULL);
    size_t n = 0;
    for (size_t i = 0; i < k->n; i++) {
        bool out = k->run->n_sources > 1 && is_quarantined(source_of(k->run, k->cohort[i].stratum));
        if (k->cohort[i].minute >= from && !out)
            k->counts[n++] = counts_of(k->run, &k->cohort[i]);
    }
    monitor_look(&k->terms, k->counts, n, k->now, &k->run->verdict);
    k->run->has_verdict = true;
}

/* --- whether anything is heard -------------------------------------------------------------------------------------- */

/* When the last webhook of any kind came; 0: none did. */
static int64_t last_webhook(struct store *reader)
{
    int64_t seq = 0;
    return inbox_newest(reader, &seq, NULL) == 0 ? store_id_ms(seq) : 0;
}

static bool is_deaf(const struct look *k, struct store *reader)
{
    int64_t minute = k->now / MINUTE_MS, sent = 0, heard = 0, today = 0;
    for (size_t i = 0; i < k->n; i++) {
        const struct cohort_change *c = &k->cohort[i];
        today += c->minute >= minute - DAY ? c->sent : 0;
        if (c->minute < minute - DEAF_FROM || c->minute > minute - DEAF_TO)
            continue;
        sent += c->sent;
        heard += c->delivered + c->read_any + c->undeliverable + c->failed + c->held_back;
    }
    if (sent >= DEAF_LEAST && heard == 0)
        return true;
    return today >= DEAF_LEAST && last_webhook(reader) < k->now - SILENT_MS;
}

/* What is judged: nobody can be seen to read while no statuses come. */
static void set_terms(struct look *k, struct store *reader)
{
    int64_t now_ms = clock_mono_ns() / 1000000;
    char id[STORE_ID_TEXT];
    k->terms = k->run->terms;
    if (!is_deaf(k, reader))
        return;
    for (int s = SIGNAL_READ_15; s < MONITOR_SIGNALS; s++)
        k->terms.ppm[s] = 0;
    if (k->run->deaf_ms != 0 && now_ms < k->run->deaf_ms + TELL_EACH_MS)
        return;
    k->run->deaf_ms = now_ms;
    log_warn("campaigns",
             "campaign %s: no status came of what was sent in the last hour, so its readings are not judged. What to "
             "do: see "
             "with 'wayleave doctor' whether Meta's webhooks arrive",
             campaign_id_text(k->run->id, id));
}

/* --- one look ------------------------------------------------------------------------------------------------------- */

static int look(struct look *k, struct store *reader, struct err *e)
{
    int rc = campaign_cohorts(reader, CAMPAIGN_BUCKET, k->run->id, k->a, &k->cohort, &k->n, e);
    k->counts = rc == 0 ? arena_new_array(k->a, struct monitor_cohort, k->n + 1) : NULL;
    if (rc == 0 && k->counts == NULL)
        rc = err_set(e, WL_ENOMEM, "too many cohorts");
    if (rc != 0)
        return rc;
    see_words(k);
    count_sent(k);
    set_terms(k, reader);
    rc = look_at_sources(k, e);
    if (rc == 0)
        look_at_whole(k);
    return rc;
}

int run_monitors(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
                 struct arena *a, int64_t now, struct err *e)
{
    int64_t begun_ms = clock_mono_ns() / 1000000, rest = run->look_took_ms * LOOK_SHARE;
    struct look k = {.r = r, .run = run, .row = row, .now = now, .a = a};
    if (run->has_verdict && begun_ms < run->looked_ms + (rest > LOOK_EACH_MS ? rest : LOOK_EACH_MS))
        return 0;
    int rc = campaign_sources_get(reader, run->id, a, &run->source, &run->n_sources, e);
    if (rc == 0)
        rc = look(&k, reader, e);
    run->source = NULL; /* the step's */
    run->n_sources = 0;
    run->looked_ms = clock_mono_ns() / 1000000;
    run->look_took_ms = run->looked_ms - begun_ms;
    return rc;
}
