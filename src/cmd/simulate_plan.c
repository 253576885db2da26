/* SPDX-License-Identifier: Apache-2.0
 * simulate_plan.c - what is simulated: the options of `wayleave simulate`, and a campaign as a gateway knows it.
 *
 * A campaign that was checked brings how many people it has, where they come from, its ramp, what its numbers send, the rates
 * its monitors look with, its hours, start and deadline; options given beside it count instead. Nobody knows how its people
 * will react: that is always the options' matter, and what is not said is as usual (docs/simulate.md).
 *
 * Refused: a plan for nobody or for more than two million, shares that are none, sources that are more than everybody, zones that
 * do not exist or are not everybody together, more people who leave than read, a campaign that was never checked. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cmd/campaigns_verbs.h"
#include "cmd/show.h"
#include "cmd/simulate.h"
#include "cmd/term.h"

#define PER_SECOND 80
#define MILLION    1000000

const struct option simulate_options[] = {
    {.name = "people", .value = "N", .help = "how many are to get it (default 100000)"},
    {.name = "ramp", .value = "WORD", .help = "standard (default), careful or fast"},
    {.name = "per-second", .value = "N", .help = "messages its numbers send together (default 80)"},
    {.name = "limit-a-day", .value = "N", .help = "people the portfolio may reach in 24 hours; 0 is no limit"},
    {.name = "used-today", .value = "N", .help = "of these, reached already"},
    {.name = "hours", .value = "HOURS", .help = "when people may be sent to, local time, as in mon-sat 09:00-20:00"},
    {.name = "zone", .value = "ZONE[=SHARE]", .help = "where people live, as in America/Sao_Paulo=60%", .repeat = true},
    {.name = "start", .value = "TIME", .help = "when it begins, as in 2026-11-24T09:00:00Z (default: now)"},
    {.name = "deadline", .value = "TIME", .help = "when it has to be over"},
    {.name = "read", .value = "SHARE", .help = "of all people, those whose reading is reported (default 75%)"},
    {.name = "opt-out", .value = "SHARE", .help = "those who opt out (default 0.2%)"},
    {.name = "complaint", .value = "SHARE", .help = "those who complain (default 0.03%)"},
    {.name = "undeliverable", .value = "SHARE", .help = "numbers that cannot be reached (default 3%)"},
    {.name = "held-back", .value = "SHARE", .help = "people Meta keeps it from (default 0)"},
    {.name = "receipts-off", .value = "SHARE", .help = "of those who read, who does not show it (default 15%)"},
    {.name = "reply", .value = "SHARE", .help = "those who answer (default 2%)"},
    {.name = "speed", .value = "X", .help = "of readers: 2 reads in half the usual time"},
    {.name = "bad-source",
     .value = "SHARE:RATES",
     .help = "part of the people with rates of its own, as in 10%:opt-out=15%,undeliverable=25%",
     .repeat = true},
    {.name = "source",
     .value = "NAME:RATES",
     .help = "rates of a source of the campaign, as in \"fair.csv:opt-out=15%\"",
     .repeat = true},
    {.name = "tolerate",
     .value = "SIGNAL=SHARE",
     .help = "what its monitors tolerate, as in opt_out=0.45%; read_4h=51% is what they expect",
     .repeat = true},
    {.name = "unwatched", .help = "without monitors, to compare"},
    {.name = "runs", .value = "N", .help = "play it so many times, each with another seed (default 1)"},
    {.name = "seed", .value = "N", .help = "of chance (default 1); the same seed ends the same way"},
    {0},
};

/* --- small ones --------------------------------------------------------------------------------------------------- */

static int read_number(const struct args *a, const char *option, int64_t min, int64_t max, int64_t *ret)
{
    const char *s = args_get(a, option);
    int64_t v = 0;
    if (s == NULL)
        return CMD_OK;
    if (!str_i64(str_of(s), &v) || v < min || v > max)
        return cmd_fail(CMD_USAGE, NULL, "--%s wants a number from %lld to %lld, not \"%s\"", option, (long long)min,
                        (long long)max, s);
    *ret = v;
    return CMD_OK;
}

static int read_time(const struct args *a, const char *option, int64_t *ret)
{
    const char *s = args_get(a, option);
    if (s != NULL && !time_parse(s, strlen(s), ret))
        return cmd_fail(CMD_USAGE, NULL, "--%s wants a time, as in 2026-11-24T09:00:00Z, not \"%s\"", option, s);
    return CMD_OK;
}

static bool read_share(struct str text, uint32_t *ret)
{
    struct people_model scratch;
    char line[80];
    if (text.n > 40)
        return false;
    snprintf(line, sizeof line, "read=%.*s", (int)text.n, text.n ? text.p : "");
    people_default(&scratch);
    bool ok = people_read(&scratch, str_of(line), NULL) == 0;
    *ret = scratch.group[0].ppm[PEOPLE_READ];
    people_done(&scratch);
    return ok;
}

static bool ramp_by_name(struct str s, enum ramp_kind *ret)
{
    for (int r = RAMP_STANDARD; r <= RAMP_FAST; r++)
        if (str_eq(s, str_of(sim_ramp_name((enum ramp_kind)r)))) {
            *ret = (enum ramp_kind)r;
            return true;
        }
    return false;
}

/* --- how people react --------------------------------------------------------------------------------------------- */

static int read_rates(struct sim_job *j, const struct args *a)
{
    static const char *const rates[] = {"read",      "opt-out",      "complaint", "undeliverable",
                                        "held-back", "receipts-off", "reply",     "speed"};
    struct err e = {0};
    char text[120];
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (!args_has(a, rates[i]))
            continue;
        snprintf(text, sizeof text, "%s=%s", rates[i], args_get(a, rates[i]));
        if (people_read(&j->plan.people, str_of(text), &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "--%s: %s", rates[i], e.text);
    }
    return CMD_OK;
}

static int add_group(struct sim_job *j, const char *option, const char *members, const char *given)
{
    struct err e = {0};
    if (people_read_group(&j->plan.people, str_of(members), &e) != 0)
        return cmd_fail(CMD_USAGE, NULL, "--%s %s: %s", option, given, e.text);
    return CMD_OK;
}

static int read_bad_sources(struct sim_job *j, const struct args *a)
{
    const char *s;
    char text[400];
    int rc = CMD_OK;
    for (size_t i = 0; rc == CMD_OK && (s = args_nth(a, "bad-source", i)) != NULL; i++) {
        struct str rates, share = str_cut(str_of(s), ':', &rates);
        if (rates.p == NULL || strlen(s) > 300)
            return cmd_fail(CMD_USAGE, NULL, "--bad-source wants SHARE:RATES, as in 10%%:opt-out=15%%, not \"%s\"", s);
        snprintf(text, sizeof text, "bad source %zu: share=%.*s,%.*s", i + 1, (int)share.n, share.p, (int)rates.n,
                 rates.p);
        rc = add_group(j, "bad-source", text, s);
    }
    return rc;
}

/* Rates for a source that the campaign has. */
static int read_sources(struct sim_job *j, const struct args *a)
{
    struct people_model *m = &j->plan.people;
    const char *s;
    char text[400];
    for (size_t i = 0; (s = args_nth(a, "source", i)) != NULL; i++) {
        struct str rates, name = str_trim(str_cut(str_of(s), ':', &rates));
        size_t at = 1, last = m->n_groups;
        while (at < last && !str_eq(str_clip(name, sizeof m->group[at].name - 1), str_of(m->group[at].name)))
            at++;
        if (rates.p == NULL || at == last || strlen(s) > 300)
            return cmd_fail(CMD_USAGE, "wayleave campaigns show names its sources",
                            "--source wants NAME:RATES of a source the campaign has, not \"%s\"", s);
        snprintf(text, sizeof text, "share=1%%,%.*s", (int)rates.n, rates.p);
        int rc = last < PEOPLE_GROUPS ? add_group(j, "source", text, s) : cmd_fail(CMD_USAGE, NULL, "too many sources");
        if (rc != CMD_OK)
            return rc;
        m->n_groups = last;
        memcpy(m->group[at].ppm, m->group[last].ppm, sizeof m->group[at].ppm);
        memcpy(m->group[at].set, m->group[last].set, sizeof m->group[at].set);
    }
    return CMD_OK;
}

static int check_shares(const struct people_model *m)
{
    uint64_t all = 0;
    for (size_t g = 1; g < m->n_groups; g++) {
        all += m->group[g].share;
        if (m->group[g].n_prefixes > 0)
            return cmd_fail(CMD_USAGE, NULL, "sources are parts of the people here: give a share, no prefix");
    }
    return all <= MILLION ? CMD_OK : cmd_fail(CMD_USAGE, NULL, "the sources together are more than everybody");
}

/* --- monitors, zones, hours --------------------------------------------------------------------------------------- */

static int read_tolerated(struct sim_job *j, const struct args *a)
{
    const char *s;
    for (size_t i = 0; (s = args_nth(a, "tolerate", i)) != NULL; i++) {
        struct str share, name = str_trim(str_cut(str_of(s), '=', &share));
        int at = 0;
        uint32_t ppm = 0;
        while (at < MONITOR_SIGNALS && !str_eq(name, str_of(monitor_signal_name((enum monitor_signal)at))))
            at++;
        if (at == MONITOR_SIGNALS)
            return cmd_fail(
                CMD_USAGE, NULL,
                "--tolerate knows opt_out, undeliverable, complaint, read_15m, read_1h, read_4h, read_24h, not \"%s\"",
                s);
        if (share.p == NULL || !read_share(str_trim(share), &ppm) || ppm == 0)
            return cmd_fail(CMD_USAGE, NULL, "--tolerate wants SIGNAL=SHARE, as in opt_out=0.45%%, not \"%s\"", s);
        j->plan.terms.ppm[at] = ppm;
    }
    return CMD_OK;
}

static struct whereabouts where_of(const struct zone *z, int64_t now)
{
    int64_t change = zone_next_change(z, now, now + (int64_t)CALENDAR_HORIZON_DAYS * 86400000);
    int32_t before = zone_offset(z, now) / 60, after = change != 0 ? zone_offset(z, change) / 60 : before;
    return (struct whereabouts){before, before, change, after, after};
}

static void add_zone(struct sim_plan *p, const struct zone *z, uint32_t ppm)
{
    char *name = p->zone_name[p->n_zones];
    snprintf(name, sizeof p->zone_name[0], "%s", zone_name(z));
    p->zone[p->n_zones++] = (struct forecast_people){where_of(z, p->now), ppm, name};
}

/* Where a share is given, all of them are everybody, to a hundredth; without any they are equal parts. */
static int check_zones(const struct sim_job *j, const struct args *a)
{
    int64_t all = 0;
    bool shares = false;
    for (size_t i = 0; i < j->plan.n_zones; i++) {
        all += j->plan.zone[i].n;
        shares |= strchr(args_nth(a, "zone", i), '=') != NULL;
    }
    if (!shares || (all >= MILLION - MILLION / 100 && all <= MILLION + MILLION / 100))
        return CMD_OK;
    return cmd_fail(CMD_USAGE, "--zone America/Sao_Paulo=60% --zone Europe/Berlin=40%",
                    "the zones together are %lld %% of the people, and should be everybody", (long long)(all / 10000));
}

static int read_zones(struct sim_job *j, const struct args *a)
{
    struct sim_plan *p = &j->plan;
    struct zones *zones = NULL;
    struct err e = {0};
    const char *s;
    int rc = CMD_OK;
    if (args_nth(a, "zone", 0) == NULL)
        return CMD_OK;
    if (zones_load(&zones, NULL, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    for (size_t i = 0; rc == CMD_OK && (s = args_nth(a, "zone", i)) != NULL; i++) {
        struct str share, name = str_cut(str_of(s), '=', &share);
        const struct zone *z = zone_find(zones, name);
        uint32_t ppm = MILLION;
        if (z == NULL)
            rc = cmd_fail(CMD_USAGE, NULL,
                          "--zone %s: there is no such time zone; they are written like America/Sao_Paulo", s);
        else if (i == SIM_ZONES)
            rc = cmd_fail(CMD_USAGE, NULL, "at most %d zones", SIM_ZONES);
        else if (share.p != NULL && (!read_share(share, &ppm) || ppm == 0))
            rc = cmd_fail(CMD_USAGE, NULL, "--zone wants ZONE=SHARE, as in Europe/Berlin=40%%, not \"%s\"", s);
        else
            add_zone(p, z, ppm);
    }
    zones_free(zones);
    return rc == CMD_OK ? check_zones(j, a) : rc;
}

static int read_hours(struct sim_job *j, const char *text)
{
    struct err e = {0};
    if (text == NULL)
        return CMD_OK;
    if (hours_parse(str_of(text), &j->plan.hours, &e) != 0)
        return cmd_fail(CMD_USAGE, NULL, "--hours: %s", e.text);
    j->plan.has_hours = true;
    return CMD_OK;
}

/* --- a campaign --------------------------------------------------------------------------------------------------- */

static void take_sources(struct sim_job *j, struct json sources, int64_t people)
{
    struct people_model *m = &j->plan.people;
    for (struct json_iter it = json_iter(sources); json_next(&it) && m->n_groups < PEOPLE_GROUPS - 1;) {
        struct str name = show_text(it.value, "name");
        int64_t n = show_number(it.value, "people");
        if (n <= 0 || n >= people)
            continue;
        struct people_group *g = &m->group[m->n_groups++];
        *g = (struct people_group){.share = (uint32_t)(n * MILLION / people)};
        name = name.n > 0 ? str_clip(name, sizeof g->name - 1) : STR("api");
        snprintf(g->name, sizeof g->name, "%.*s", (int)name.n, name.p);
    }
}

static int take_report(struct sim_job *j, struct json report)
{
    struct forecast_terms *t = &j->plan.terms_of;
    struct err e = {0};
    int64_t rate = 0;
    for (struct json_iter it = json_iter(json_get(report, "numbers")); json_next(&it);)
        rate += show_number(it.value, "per_second");
    if (rate > 0)
        t->per_second = rate;
    ramp_by_name(show_text(json_get(report, "ramp"), "kind"), &t->ramp);
    take_sources(j, json_get(report, "sources"), t->people);
    struct json terms = json_at(report, "monitors", "terms");
    if (json_type(terms) == JSON_OBJECT && monitor_terms_read(terms, &j->plan.terms, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "the campaign's monitors: %s", e.text);
    return CMD_OK;
}

static int take_definition(struct sim_job *j, struct json d)
{
    struct str start = show_text(d, "start_at"), deadline = show_text(d, "deadline"), hours = show_text(d, "hours");
    char text[400];
    (void)time_parse(start.p, start.n, &j->plan.terms_of.start_at);
    (void)time_parse(deadline.p, deadline.n, &j->plan.terms_of.deadline);
    snprintf(text, sizeof text, "%.*s", (int)(hours.n < 399 ? hours.n : 399), hours.n > 0 ? hours.p : "");
    return read_hours(j, hours.n > 0 ? text : NULL);
}

static int fetch(struct sim_job *j, const struct args *a)
{
    struct campaign_call c;
    struct json v;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = campaign_call_get(&c, "", &v);
    if (rc == CMD_OK) {
        snprintf(j->name, sizeof j->name, "%s", c.name);
        j->plan.terms_of.people = show_number(v, "people");
        rc = take_definition(j, json_get(v, "definition"));
    }
    if (rc == CMD_OK)
        rc = campaign_call_get(&c, "/check", &v);
    if (rc == CMD_OK && j->plan.terms_of.people <= 0)
        rc = cmd_fail(CMD_FAILED, NULL, "nobody is to get the campaign %s: see wayleave campaigns check", j->name);
    if (rc == CMD_OK)
        rc = take_report(j, json_get(v, "report"));
    campaign_call_close(&c);
    return rc;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int read_terms(struct sim_job *j, const struct args *a)
{
    struct forecast_terms *t = &j->plan.terms_of;
    int64_t seed = 1, runs = 1;
    const char *ramp = args_get(a, "ramp");
    if (ramp != NULL && !ramp_by_name(str_of(ramp), &t->ramp))
        return cmd_fail(CMD_USAGE, NULL, "--ramp is standard, careful or fast, not \"%s\"", ramp);
    const struct {
        const char *option;
        int64_t min, max, *into;
    } numbers[] = {{"people", 1, SIM_PEOPLE_MAX, &t->people},
                   {"per-second", 1, 10000, &t->per_second},
                   {"limit-a-day", 0, 100000000, &t->a_day},
                   {"used-today", 0, 100000000, &t->used},
                   {"seed", 0, INT64_MAX, &seed},
                   {"runs", 1, SIM_RUNS_MAX, &runs}};
    int rc = CMD_OK;
    for (size_t i = 0; rc == CMD_OK && i < sizeof numbers / sizeof numbers[0]; i++)
        rc = read_number(a, numbers[i].option, numbers[i].min, numbers[i].max, numbers[i].into);
    if (rc == CMD_OK)
        rc = read_time(a, "start", &t->start_at);
    if (rc == CMD_OK)
        rc = read_time(a, "deadline", &t->deadline);
    if (rc == CMD_OK)
        rc = read_hours(j, args_get(a, "hours"));
    j->seed = (uint64_t)seed;
    j->runs = (size_t)runs;
    return rc;
}

/* Who leaves or complains has read it: more of them than read it would be fewer than was asked for. */
static int check_leavers(const struct people_model *m)
{
    static const enum people_rate leaving[] = {PEOPLE_OPT_OUT, PEOPLE_COMPLAINT};
    for (size_t g = 0; g < m->n_groups; g++) {
        int64_t off = people_ppm(m, g, PEOPLE_RECEIPTS_OFF), told = people_ppm(m, g, PEOPLE_READ);
        int64_t arrive = MILLION - (int64_t)people_ppm(m, g, PEOPLE_UNDELIVERABLE) - people_ppm(m, g, PEOPLE_HELD_BACK);
        int64_t read = off >= MILLION ? told : told * MILLION / (MILLION - off);
        read = read < arrive ? read : arrive;
        for (size_t i = 0; i < sizeof leaving / sizeof leaving[0]; i++)
            if (m->group[g].set[leaving[i]] && m->group[g].ppm[leaving[i]] > read)
                return cmd_fail(CMD_USAGE, "--receipts-off is for those who read and do not show it",
                                "more people are to %s than read it%s%s",
                                leaving[i] == PEOPLE_OPT_OUT ? "opt out" : "complain", g > 0 ? ": " : "",
                                g > 0 ? m->group[g].name : "");
    }
    return CMD_OK;
}

static int check(const struct sim_job *j)
{
    const struct forecast_terms *t = &j->plan.terms_of;
    if (t->people > SIM_PEOPLE_MAX)
        return cmd_fail(CMD_USAGE, "--people plays it with fewer",
                        "%lld people are more than the %d that can be played", (long long)t->people, SIM_PEOPLE_MAX);
    if (t->deadline != 0 && t->deadline <= j->plan.now)
        return cmd_fail(CMD_USAGE, NULL, "the deadline is before it begins");
    int rc = check_shares(&j->plan.people);
    return rc == CMD_OK ? check_leavers(&j->plan.people) : rc;
}

/* A campaign's own start counts while it is to come. */
static void set_start(struct sim_plan *p, bool said)
{
    int64_t now = clock_now_ms();
    if (!said && p->terms_of.start_at < now)
        p->terms_of.start_at = 0;
    p->now = p->terms_of.start_at != 0 ? p->terms_of.start_at : now;
}

int sim_job_read(struct sim_job *j, const struct args *a)
{
    struct sim_plan *p = &j->plan;
    p->terms_of = (struct forecast_terms){.people = 100000, .per_second = PER_SECOND};
    p->terms = monitor_shipped;
    p->unwatched = args_has(a, "unwatched");
    people_default(&p->people);
    int rc = a->n_words > 0 ? fetch(j, a) : CMD_OK;
    if (rc == CMD_OK)
        rc = read_terms(j, a);
    set_start(p, args_has(a, "start"));
    int (*const parts[])(struct sim_job *, const struct args *) = {read_rates, read_bad_sources, read_sources,
                                                                   read_tolerated, read_zones};
    for (size_t i = 0; rc == CMD_OK && i < sizeof parts / sizeof parts[0]; i++)
        rc = parts[i](j, a);
    if (rc == CMD_OK)
        rc = check(j);
    if (rc == CMD_OK)
        sim_plan_ready(p);
    return rc;
}

void sim_job_done(struct sim_job *j)
{
    people_done(&j->plan.people);
}
