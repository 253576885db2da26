/* SPDX-License-Identifier: Apache-2.0
 * simulate_show.c - what was simulated, for a person and as JSON.
 *
 * For a person: the plan in a line, the forecast, the timeline of the first run, how it ended, and of many runs how often and
 * how far. Times are spans since the beginning, because that is what one plan has in common with another. The JSON has all of
 * it, times in RFC 3339. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/progress.h"
#include "cmd/simulate.h"
#include "cmd/term.h"

#define INDENT 14

static const char *count(int64_t n, char out[PROGRESS_COUNT])
{
    return progress_count(n < 0 ? 0 : (uint64_t)n, out);
}

static const char *percent(uint32_t ppm, char out[24])
{
    snprintf(out, 24, "%g %%", (double)ppm / 10000);
    return out;
}

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static void show_rates(const struct people_model *m, size_t g)
{
    static const char *const words[PEOPLE_RATES] = {
        "read", "opt out", "complain", "cannot be reached", "held back by Meta", "do not show it", "answer"};
    char text[24];
    bool more = false;
    for (size_t r = 0; r < PEOPLE_RATES; r++) {
        uint32_t ppm = people_ppm(m, g, (enum people_rate)r);
        if (ppm == 0 || r == PEOPLE_RECEIPTS_OFF || r == PEOPLE_REPLY || (g > 0 && !m->group[g].set[r]))
            continue;
        printf("%s%s %s", more ? ", " : "", percent(ppm, text), words[r]);
        more = true;
    }
    puts(more || g == 0 ? "" : "as the others");
}

static void show_plan(const struct sim_job *j)
{
    const struct sim_plan *p = &j->plan;
    const struct forecast_terms *t = &p->terms_of;
    char n[PROGRESS_COUNT], share[24];
    if (j->name[0] != '\0')
        term_printf(stdout, TONE_BOLD, "%s\n", j->name);
    printf("plan          %s people, ramp %s, %lld messages a second", count(t->people, n), sim_ramp_name(t->ramp),
           (long long)t->per_second);
    if (t->a_day > 0)
        printf(", %s people in 24 h", count(t->a_day, n));
    puts(p->unwatched ? ", without monitors" : "");
    printf("people        ");
    show_rates(&p->people, 0);
    for (size_t g = 1; g < p->people.n_groups; g++) {
        uint32_t ppm = p->people.group[g].share; /* of a gateway's campaign it is no round number */
        ppm = ppm < 10000 ? ppm : (ppm + 500) / 1000 * 1000;
        printf("  %s of them, %s: ", percent(ppm, share), p->people.group[g].name);
        show_rates(&p->people, g);
    }
}

/* --- the forecast ------------------------------------------------------------------------------------------------- */

static void show_forecast(const struct sim_answer *v)
{
    const struct forecast *f = &v->forecast;
    const struct forecast_terms *t = &v->job->plan.terms_of;
    char span[32], text[800], lack[600];
    int n = f->done_at != 0
                ? snprintf(text, sizeof text, "done after %s", sim_span(f->done_at - v->job->plan.now, span))
                : snprintf(text, sizeof text, "not done within %d days", FORECAST_DAYS);
    for (size_t i = 0; i < 3 && f->why[i][0] != '\0'; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", i == 0 ? ", because of " : "; ", f->why[i]);
    fputs("forecast      ", stdout);
    term_wrap(stdout, INDENT, str_of(text));
    if (t->deadline == 0 || !campaign_forecast_lack(t, f, lack, sizeof lack))
        return;
    fputs("deadline      ", stdout);
    term_wrap(stdout, INDENT, str_of(lack));
}

/* --- the timeline ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *name;
    enum tone tone;
} whats[] = {[SIM_STAGE] = {"stage", "stage", TONE_PLAIN},
             [SIM_HOLD] = {"held", "hold", TONE_WARN},
             [SIM_GO_ON] = {"goes on", "go_on", TONE_GOOD},
             [SIM_STOP] = {"STOPPED", "stop", TONE_BAD},
             [SIM_QUARANTINE] = {"isolated", "quarantine", TONE_BAD},
             [SIM_SOURCE_HELD] = {"source held", "source_hold", TONE_WARN},
             [SIM_SOURCE_FREED] = {"source goes on", "source_go_on", TONE_GOOD},
             [SIM_FINISH] = {"finished", "finish", TONE_GOOD},
             [SIM_LATE] = {"too late", "late", TONE_BAD},
             [SIM_GIVEN_UP] = {"given up", "given_up", TONE_BAD}};

static void show_detail(const struct sim_job *j, const struct sim_moment *m)
{
    char n[PROGRESS_COUNT], span[32];
    const char *source = j->plan.people.group[m->stratum].name;
    switch (m->what) {
    case SIM_STAGE:
        printf("up to %s people", count(m->target, n));
        break;
    case SIM_HOLD:
        printf("%s (looked at again after %s)", m->why, sim_span(m->until - m->at, span));
        break;
    case SIM_STOP:
        printf("%s; only a person lets it go on", m->why);
        break;
    case SIM_QUARANTINE:
    case SIM_SOURCE_HELD:
    case SIM_SOURCE_FREED:
        printf("%s, %s of them reached%s%s", source, count(m->stratum_reached, n), m->why[0] != '\0' ? ": " : "",
               m->why);
        break;
    case SIM_GIVEN_UP:
        printf("after %d days", SIM_DAYS);
        break;
    case SIM_GO_ON:
    case SIM_FINISH:
    case SIM_LATE:
        printf("%s", m->why);
    }
}

static void show_timeline(const struct sim_answer *v)
{
    const struct sim_job *j = v->job;
    char n[PROGRESS_COUNT], span[32];
    puts("");
    term_printf(stdout, TONE_BOLD, "%12s  %11s\n", "after", "people");
    for (size_t i = 0; i < v->first.n_moments; i++) {
        const struct sim_moment *m = &v->first.moment[i];
        printf("%12s  %11s  ", sim_span(m->at - j->plan.now, span), count(m->reached, n));
        term_cell(stdout, whats[m->what].tone, str_of(whats[m->what].word), 15);
        show_detail(j, m);
        puts("");
    }
    if (v->first.more_moments > 0)
        printf("%25s  and %zu more\n", "", v->first.more_moments);
}

/* --- how it ended ------------------------------------------------------------------------------------------------- */

static void show_end(const struct sim_answer *v)
{
    static const char *const words[] = {"finished", "stopped by its monitors", "over at its deadline", "not finished"};
    const struct sim_result *r = &v->first;
    const struct sim_counts *c = &r->all;
    const struct people_model *m = &v->job->plan.people;
    char n[PROGRESS_COUNT], all[PROGRESS_COUNT], span[32];
    puts("");
    term_printf(stdout, r->end == SIM_FINISHED ? TONE_GOOD : TONE_BAD, "%s after %s\n", words[r->end],
                sim_span(r->end_at - v->job->plan.now, span));
    printf("reached       %s of %s people", count(r->reached, n), count(v->job->plan.terms_of.people, all));
    if (r->left_out > 0)
        printf("; %s of isolated sources were left out", count(r->left_out, n));
    printf("\nof these      %s read it", count(c->read, n));
    printf(", %s opt out", count(c->opted_out, n));
    printf(", %s of them complain", count(c->complained, n));
    printf(", %s cannot be reached\n", count(c->undeliverable, n));
    for (size_t g = 1; g < m->n_groups; g++) {
        printf("%-13s %s reached", m->group[g].name, count(r->stratum[g].sent, n));
        if (r->isolated_at[g] != 0)
            printf(", isolated after %s when %s had it", sim_span(r->isolated_at[g] - v->job->plan.now, span),
                   count(r->isolated_reached[g], n));
        puts("");
    }
}

/* --- many runs ---------------------------------------------------------------------------------------------------- */

struct many {
    size_t ended[4], held, isolated[SIM_STRATA];
    int64_t *value;
};

static void sum_up(const struct sim_answer *v, struct many *m)
{
    for (size_t i = 0; i < v->n; i++) {
        m->ended[v->run[i].end]++;
        m->held += v->run[i].held_reached >= 0;
        for (size_t g = 0; g < SIM_STRATA; g++)
            m->isolated[g] += v->run[i].isolated_reached[g] >= 0;
    }
}

/* The values of one field that are not negative. */
static size_t take(const struct sim_answer *v, struct many *m, size_t offset)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        int64_t x;
        memcpy(&x, (const char *)&v->run[i] + offset, sizeof x);
        if (x >= 0)
            m->value[n++] = x;
    }
    return n;
}

#define FIELD(name) offsetof(struct sim_short, name)

static void show_pair(const struct sim_answer *v, struct many *m, const char *label, size_t offset, bool is_time)
{
    char a[PROGRESS_COUNT], b[PROGRESS_COUNT], s[32], t[32];
    size_t n = take(v, m, offset);
    if (n == 0)
        return;
    int64_t half = sim_quantile(m->value, n, 0.5), most = sim_quantile(m->value, n, 0.95);
    printf("%-28s %14s %14s\n", label, is_time ? sim_span(half, s) : count(half, a),
           is_time ? sim_span(most, t) : count(most, b));
}

static void show_share(const char *label, size_t n, size_t of)
{
    if (n > 0)
        printf("%-28s %8zu of %zu  (%.2f %%)\n", label, n, of, 100 * (double)n / (double)of);
}

static void show_many(const struct sim_answer *v)
{
    const struct people_model *p = &v->job->plan.people;
    struct many m = {.value = calloc(v->n, sizeof *m.value)};
    if (m.value == NULL)
        abort();
    sum_up(v, &m);
    puts("");
    term_printf(stdout, TONE_BOLD, "%zu runs, seeds %llu to %llu\n", v->n, (unsigned long long)v->job->seed,
                (unsigned long long)(v->job->seed + v->n - 1));
    show_share("finished", m.ended[SIM_FINISHED], v->n);
    show_share("held at least once", m.held, v->n);
    show_share("stopped by its monitors", m.ended[SIM_STOPPED], v->n);
    show_share("over at the deadline", m.ended[SIM_DEADLINE], v->n);
    show_share("not finished", m.ended[SIM_UNFINISHED], v->n);
    for (size_t g = 1; g < p->n_groups; g++)
        if (m.isolated[g] > 0) {
            printf("%s: ", p->group[g].name);
            show_share("isolated", m.isolated[g], v->n);
        }
    term_printf(stdout, TONE_DIM, "%-28s %14s %14s\n", "", "median", "95 of 100");
    show_pair(v, &m, "people reached", FIELD(reached), false);
    show_pair(v, &m, "  when first held", FIELD(held_reached), false);
    show_pair(v, &m, "  when stopped", FIELD(stopped_reached), false);
    for (size_t g = 1; g < p->n_groups; g++)
        if (m.isolated[g] > 0) {
            char label[64];
            snprintf(label, sizeof label, "  of %.18s", p->group[g].name);
            show_pair(v, &m, label, FIELD(isolated_reached) + g * sizeof(int64_t), false);
        }
    show_pair(v, &m, "opt-outs it causes", FIELD(opted_out), false);
    show_pair(v, &m, "time", FIELD(took), true);
    free(m.value);
}

void sim_show(const struct sim_answer *v)
{
    show_plan(v->job);
    show_forecast(v);
    if (v->n == 1) {
        show_timeline(v);
        show_end(v);
    } else {
        show_many(v);
    }
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void put_time(struct json_out *o, const char *key, int64_t ms)
{
    char text[40];
    jo_kcstr(o, key, ms != 0 ? time_text(ms, text) : NULL);
}

static void put_plan(struct json_out *o, const struct sim_job *j)
{
    const struct forecast_terms *t = &j->plan.terms_of;
    jo_key(o, "plan");
    jo_object(o);
    jo_kcstr(o, "campaign", j->name[0] != '\0' ? j->name : NULL);
    jo_kint(o, "people", t->people);
    jo_kcstr(o, "ramp", sim_ramp_name(t->ramp));
    jo_kint(o, "per_second", t->per_second);
    jo_kint(o, "limit_a_day", t->a_day);
    put_time(o, "start_at", j->plan.now);
    put_time(o, "deadline", t->deadline);
    jo_kbool(o, "watched", !j->plan.unwatched);
    jo_key(o, "reactions");
    jo_object(o);
    people_write_json(&j->plan.people, o);
    jo_end(o);
    jo_key(o, "monitors");
    monitor_terms_write(&j->plan.terms, o);
    jo_end(o);
}

static void put_forecast(struct json_out *o, const struct sim_answer *v)
{
    const struct forecast *f = &v->forecast;
    jo_key(o, "forecast");
    jo_object(o);
    put_time(o, "done_at", f->done_at);
    jo_kint(o, "takes_ms", f->done_at != 0 ? f->done_at - v->job->plan.now : -1);
    jo_kint(o, "by_deadline", f->by_deadline);
    jo_key(o, "why");
    jo_array(o);
    for (size_t i = 0; i < 3 && f->why[i][0] != '\0'; i++)
        jo_cstr(o, f->why[i]);
    jo_end(o);
    jo_end(o);
}

static void put_moment(struct json_out *o, const struct sim_job *j, const struct sim_moment *m)
{
    jo_object(o);
    put_time(o, "at", m->at);
    jo_kint(o, "after_ms", m->at - j->plan.now);
    jo_kcstr(o, "what", whats[m->what].name);
    jo_kint(o, "reached", m->reached);
    if (m->what == SIM_STAGE)
        jo_kint(o, "target", m->target);
    if (m->what == SIM_HOLD)
        put_time(o, "until", m->until);
    if (m->what == SIM_QUARANTINE || m->what == SIM_SOURCE_HELD || m->what == SIM_SOURCE_FREED) {
        jo_kcstr(o, "source", j->plan.people.group[m->stratum].name);
        jo_kint(o, "source_reached", m->stratum_reached);
    }
    jo_kcstr(o, "why", m->why);
    jo_end(o);
}

static void put_first(struct json_out *o, const struct sim_answer *v)
{
    const struct sim_result *r = &v->first;
    jo_key(o, "first");
    jo_object(o);
    jo_kint(o, "seed", (int64_t)r->seed);
    jo_kcstr(o, "end", sim_end_name(r->end));
    put_time(o, "end_at", r->end_at);
    jo_kint(o, "takes_ms", r->end_at - v->job->plan.now);
    jo_kint(o, "reached", r->reached);
    jo_kint(o, "held_reached", r->held_reached);
    jo_kint(o, "stopped_reached", r->stopped_reached);
    jo_kint(o, "left_out", r->left_out);
    jo_kint(o, "read", r->all.read);
    jo_kint(o, "opted_out", r->all.opted_out);
    jo_kint(o, "complained", r->all.complained);
    jo_kint(o, "undeliverable", r->all.undeliverable);
    jo_key(o, "timeline");
    jo_array(o);
    for (size_t i = 0; i < r->n_moments; i++)
        put_moment(o, v->job, &r->moment[i]);
    jo_end(o);
    jo_end(o);
}

static void put_pair(struct json_out *o, const struct sim_answer *v, struct many *m, const char *name, size_t offset)
{
    size_t n = take(v, m, offset);
    jo_key(o, name);
    jo_object(o);
    jo_kint(o, "runs", (int64_t)n);
    jo_kint(o, "median", sim_quantile(m->value, n, 0.5));
    jo_kint(o, "p95", sim_quantile(m->value, n, 0.95));
    jo_end(o);
}

static void put_sources(struct json_out *o, const struct sim_answer *v, struct many *m)
{
    const struct people_model *p = &v->job->plan.people;
    jo_key(o, "sources");
    jo_array(o);
    for (size_t g = 1; g < p->n_groups; g++) {
        jo_object(o);
        jo_kcstr(o, "name", p->group[g].name);
        put_pair(o, v, m, "isolated", FIELD(isolated_reached) + g * sizeof(int64_t));
        jo_end(o);
    }
    jo_end(o);
}

static void put_runs(struct json_out *o, const struct sim_answer *v)
{
    struct many m = {.value = calloc(v->n, sizeof *m.value)};
    if (m.value == NULL)
        abort();
    sum_up(v, &m);
    jo_key(o, "runs");
    jo_object(o);
    jo_kint(o, "n", (int64_t)v->n);
    for (int e = SIM_FINISHED; e <= SIM_UNFINISHED; e++)
        jo_kint(o, sim_end_name((enum sim_end)e), (int64_t)m.ended[e]);
    jo_kint(o, "held", (int64_t)m.held);
    put_pair(o, v, &m, "reached", FIELD(reached));
    put_pair(o, v, &m, "held_reached", FIELD(held_reached));
    put_pair(o, v, &m, "stopped_reached", FIELD(stopped_reached));
    put_pair(o, v, &m, "opted_out", FIELD(opted_out));
    put_pair(o, v, &m, "takes_ms", FIELD(took));
    put_sources(o, v, &m);
    jo_end(o);
    free(m.value);
}

int sim_show_json(const struct sim_answer *v)
{
    struct json_out o;
    struct buf b;
    buf_init(&b, 4u << 20);
    json_out_init(&o, &b);
    jo_object(&o);
    put_plan(&o, v->job);
    put_forecast(&o, v);
    put_runs(&o, v);
    put_first(&o, v);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}
