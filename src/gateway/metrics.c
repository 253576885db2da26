/* SPDX-License-Identifier: Apache-2.0
 * metrics.c - /healthz, /readyz and /metrics: a table of counters written as Prometheus text.
 *
 * Healthy means the process answers. Ready means that it can accept: the database takes writes. No label ever carries a
 * person's number, a name or a token; our own numbers stand under the ids Meta gave them, because each has a pace, a circuit and a
 * backlog of its own. */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/accounts.h"
#include "gateway/admit.h"
#include "gateway/campaigns.h"
#include "gateway/checkpoints.h"
#include "gateway/dispatch.h"
#include "gateway/errands.h"
#include "gateway/fanout.h"
#include "gateway/gateway_impl.h"
#include "gateway/ledger_watch.h"
#include "gateway/witness.h"

static const struct {
    const char *name, *help;
} rows[METRIC_COUNT] = {
    [METRIC_REQUESTS] = {"wayleave_requests_total", "HTTP requests received"},
    [METRIC_ALLOWED] = {"wayleave_decisions_allowed_total", "messages allowed"},
    [METRIC_HELD] = {"wayleave_decisions_held_total", "messages refused for now"},
    [METRIC_DENIED] = {"wayleave_decisions_denied_total", "messages denied"},
    [METRIC_ACCEPTED] = {"wayleave_messages_accepted_total", "messages Meta accepted"},
    [METRIC_REJECTED] = {"wayleave_messages_rejected_total", "messages Meta rejected"},
    [METRIC_AMBIGUOUS] = {"wayleave_messages_ambiguous_total", "messages without an answer"},
    [METRIC_UNSENT] = {"wayleave_messages_unsent_total", "messages that surely never left"},
    [METRIC_QUEUED] = {"wayleave_messages_queued_total", "messages taken into the outbox"},
    [METRIC_FAILED] = {"wayleave_messages_failed_total", "messages Meta had and could not deliver"},
    [METRIC_EXPIRED] = {"wayleave_messages_expired_total", "messages that were worthless before they could be sent"},
    [METRIC_UNDETERMINED] = {"wayleave_messages_undetermined_total", "messages given up in doubt"},
    [METRIC_CANCELLED] = {"wayleave_messages_cancelled_total", "messages taken back before an attempt"},
    [METRIC_DUPLICATES] = {"wayleave_messages_duplicated_total", "times Meta turned out to have a message once more"},
    [METRIC_REPEATED] = {"wayleave_messages_repeated_total",
                         "attempts of the outbox that came to nothing and are made again"},
    [METRIC_PASSED] = {"wayleave_passed_total", "calls passed through"},
    [METRIC_WEBHOOKS] = {"wayleave_webhooks_total", "webhook bodies stored"},
    [METRIC_WEBHOOKS_FORGED] = {"wayleave_webhooks_forged_total", "webhook bodies with a wrong signature"},
    [METRIC_WEBHOOKS_PROBED] = {"wayleave_webhooks_probed_total",
                                "what wayleave doctor posted to see whether it is taken"},
    [METRIC_WEBHOOKS_LOOPED] =
        {"wayleave_webhooks_looped_total",
         "webhook bodies refused because we had handed them on: a subscriber has our own address"},
    [METRIC_WEBHOOKS_REFUSED] = {"wayleave_webhooks_refused_total",
                                 "signed webhook bodies that could not be stored and that Meta was asked to repeat"},
    [METRIC_WEBHOOK_BYTES] = {"wayleave_webhook_bytes_total", "bytes of the webhook bodies stored"},
    [METRIC_WEBHOOKS_DROPPED] = {"wayleave_webhooks_dropped_total", "webhook bodies dropped after webhook.keep"},
    [METRIC_WEBHOOKS_MISSED] = {"wayleave_webhooks_missed_total",
                                "webhook bodies dropped before a subscriber had taken them, once for each subscriber"},
    [METRIC_EVENTS] = {"wayleave_events_total", "webhook events applied"},
    [METRIC_EVENTS_REPEATED] = {"wayleave_events_repeated_total", "webhook events that had come before"},
    [METRIC_EVENTS_ORPHANED] = {"wayleave_events_orphaned_total", "statuses of messages we do not know"},
    [METRIC_POLLS] = {"wayleave_polls_total", "readings of a number, or of an account with its templates"},
    [METRIC_POLL_FAILURES] = {"wayleave_poll_failures_total", "those that failed"},
    [METRIC_BAD_REQUESTS] = {"wayleave_bad_requests_total", "requests that could not be read"},
};

#define METRICS_MAX (4u << 20)

static void gauge(struct buf *b, const char *name, const char *help, uint64_t v)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name, help, name, name, (unsigned long long)v);
}

/* What the live rules said by what the ones in the shadow said. */
static void write_shadow(const struct gateway *g, struct buf *b)
{
    static const char name[] = "wayleave_shadow_decisions_total";
    uint64_t n[3][3];
    rules_shadow_totals(g, n);
    buf_printf(b, "# HELP %s messages the rules in the shadow judged too\n# TYPE %s counter\n", name, name);
    for (int live = 0; live < 3; live++)
        for (int shadow = 0; shadow < 3; shadow++)
            buf_printf(b, "%s{live=\"%s\",shadow=\"%s\"} %llu\n", name, verdict_name((enum verdict)live),
                       verdict_name((enum verdict)shadow), (unsigned long long)n[live][shadow]);
}

/* What the gateway says and asks by itself. */
static void write_errands(const struct gateway *g, struct buf *b)
{
    static const struct {
        const char *name, *help;
    } errand_rows[ERRAND_COUNTS] = {
        [ERRANDS_SENT] = {"wayleave_confirmations_sent_total",
                          "opt-outs, opt-ins and cries for help that were answered by the gateway itself"},
        [ERRANDS_REFUSED] = {"wayleave_errands_refused_total", "messages of its own that a rule or Meta refused"},
        [ERRANDS_LATE] = {"wayleave_confirmations_late_total", "those that could not be sent in time and were not"},
        [WELCOMES_STARTED] = {"wayleave_welcomes_started_total", "people asked to confirm by welcome.on"},
        [WELCOMES_CONFIRMED] = {"wayleave_welcomes_confirmed_total", "people who confirmed"},
        [WELCOMES_DECLINED] = {"wayleave_welcomes_declined_total", "people who said no"},
        [WELCOMES_EXPIRED] = {"wayleave_welcomes_expired_total", "people who did not answer"},
    };
    for (int i = 0; i < ERRAND_COUNTS; i++)
        buf_printf(b, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", errand_rows[i].name, errand_rows[i].help,
                   errand_rows[i].name, errand_rows[i].name,
                   (unsigned long long)errands_counted(g->errands, (enum errand_count)i));
}

/* --- our numbers --------------------------------------------------------------------------------------------------- */

#define NUMBERS_SHOWN 4096

static void head(struct buf *b, const char *name, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void of_number(struct buf *b, const char *name, const struct dispatch_view *v, int64_t permille)
{
    buf_printf(b, "%s{sender=\"%lld\"} %lld.%03lld\n", name, (long long)v->sender, (long long)(permille / 1000),
               (long long)(permille % 1000));
}

static int64_t waits(const struct dispatch_view *v)
{
    return (int64_t)v->read * 1000;
}

static int64_t pace(const struct dispatch_view *v)
{
    return v->pace_permille;
}

static int64_t circuit(const struct dispatch_view *v)
{
    return v->circuit_why != NULL ? 1000 : 0;
}

static int64_t watermark_age(const struct dispatch_view *v)
{
    int64_t age = clock_now_ms() - v->watermark;
    return v->watermark != 0 && age > 0 ? age : 0;
}

/* What Meta said of which number, while it stops the outbox. */
static void write_circuits(struct buf *b, const struct dispatch_view *v, size_t n)
{
    static const char name[] = "wayleave_number_circuit";
    head(b, name, "1 while the outbox is stopped by this code of the Graph API; none: by attempts without an answer");
    for (size_t i = 0; i < n; i++) {
        if (v[i].circuit_why == NULL)
            continue;
        buf_printf(b, "%s{sender=\"%lld\",code=\"", name, (long long)v[i].sender);
        if (v[i].circuit_code != 0)
            buf_printf(b, "%d\"} 1\n", v[i].circuit_code);
        else
            buf_puts(b, "none\"} 1\n");
    }
}

static void write_stops(struct buf *b, const struct dispatch_view *v, size_t n)
{
    static const char name[] = "wayleave_numbers_stopped";
    uint64_t stopped[STOPS] = {0};
    for (size_t i = 0; i < n; i++)
        stopped[v[i].stop]++;
    head(b, name, "numbers of which the outbox is stopped, by what stops it");
    for (int s = STOP_NONE + 1; s < STOPS; s++)
        buf_printf(b, "%s{reason=\"%s\"} %llu\n", name, number_stop_name((enum number_stop)s),
                   (unsigned long long)stopped[s]);
}

/* Counted a moment ago: census.c. */
static void write_census(const struct gateway *g, struct buf *b)
{
    static const char name[] = "wayleave_messages_waiting";
    struct dispatch_census c;
    dispatch_count(g->dispatch, &c);
    const struct {
        const char *reason;
        int64_t n;
    } kinds[] = {{"due", c.due},
                 {"no_token", c.no_token},
                 {"scheduled", c.scheduled},
                 {"held", c.held},
                 {"in_doubt", c.in_doubt}};
    head(b, name, "messages of the outbox, by what they wait for");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        buf_printf(b, "%s{reason=\"%s\"} %lld\n", name, kinds[i].reason, (long long)kinds[i].n);
    gauge(b, "wayleave_messages_in_doubt", "messages that may have been accepted, callers' own among them",
          (uint64_t)c.all_in_doubt);
    gauge(b, "wayleave_messages_at_least", "1 when there are more of either than were counted", c.at_least);
}

static void write_totals(struct buf *b, const struct dispatch_view *v, size_t n)
{
    static const char waiting[] = "wayleave_outbox_waiting";
    uint64_t open = 0, circuits = 0, more = 0, by_class[LANE_CLASSES] = {0};
    for (size_t i = 0; i < n; i++) {
        open += v[i].open;
        circuits += v[i].circuit_why != NULL;
        more += v[i].at_least;
        for (int c = 0; c < LANE_CLASSES; c++)
            by_class[c] += v[i].waiting[c];
    }
    head(b, waiting, "messages of the outbox that are due and wait for their turn, as far as they were read");
    for (int c = 0; c < LANE_CLASSES; c++)
        buf_printf(b, "%s{class=\"%s\"} %llu\n", waiting, lane_class_name((enum lane_class)c),
                   (unsigned long long)by_class[c]);
    gauge(b, "wayleave_outbox_unread", "numbers with more of them than were read", more);
    gauge(b, "wayleave_outbox_open", "messages of the outbox between their turn and its end", open);
    gauge(b, "wayleave_circuits_open", "numbers of which the outbox is stopped because of what Meta said", circuits);
}

static void write_numbers(struct gateway *g, struct buf *b)
{
    static const struct {
        const char *name, *help;
        int64_t (*permille)(const struct dispatch_view *v);
    } gauges[] = {
        {"wayleave_number_waiting", "messages of the outbox that are due, as far as they were read", waits},
        {"wayleave_number_pace", "messages a second it is sent at, at most", pace},
        {"wayleave_number_circuit_open", "1 while the outbox is stopped because of what Meta said", circuit},
        {"wayleave_number_watermark_age_seconds", "since the newest message whose status was applied; 0: none was",
         watermark_age},
    };
    int64_t *sender = calloc(NUMBERS_SHOWN, sizeof *sender);
    struct dispatch_view *v = calloc(NUMBERS_SHOWN, sizeof *v);
    size_t n = 0;
    if (sender == NULL || v == NULL)
        abort();
    for (size_t i = dispatch_numbers(g->dispatch, sender, NUMBERS_SHOWN); i > 0; i--)
        n += dispatch_look(g->dispatch, sender[i - 1], &v[n]);
    write_totals(b, v, n);
    write_census(g, b);
    write_stops(b, v, n);
    write_circuits(b, v, n);
    for (size_t k = 0; k < sizeof gauges / sizeof gauges[0]; k++) {
        head(b, gauges[k].name, gauges[k].help);
        for (size_t i = 0; i < n; i++)
            of_number(b, gauges[k].name, &v[i], gauges[k].permille(&v[i]));
    }
    gauge(b, "wayleave_may_send", "1 while the right to send for our numbers is renewed in time",
          dispatch_may_send(g->dispatch));
    free(sender);
    free(v);
}

/* How old the newest reading of each number is that has a token. */
static void write_readings(struct gateway *g, struct buf *b)
{
    static const char name[] = "wayleave_number_reading_age_seconds";
    struct accounts_view v;
    int64_t now = clock_now_ms();
    head(b, name, "since the number was read of Meta by itself; not there before the first time");
    for (size_t i = 0; i < g->o.n_senders && i < NUMBERS_SHOWN; i++)
        if (accounts_look(g->accounts, g->o.senders[i].id, &v) && v.polled_at != 0)
            buf_printf(b, "%s{sender=\"%lld\"} %lld\n", name, (long long)g->o.senders[i].id,
                       (long long)((now - v.polled_at) / 1000));
}

/* --- subscribers --------------------------------------------------------------------------------------------------- */

static uint64_t waits_seconds(const struct fanout_view *v)
{
    int64_t age = clock_now_ms() - v->waiting_at;
    return v->waiting_at != 0 && age > 0 ? (uint64_t)age / 1000 : 0;
}

static uint64_t down(const struct fanout_view *v)
{
    return v->down_since != 0;
}

static uint64_t delivered(const struct fanout_view *v)
{
    return v->delivered;
}

static uint64_t failed(const struct fanout_view *v)
{
    return v->failed;
}

static uint64_t dead(const struct fanout_view *v)
{
    return v->dead;
}

/* By the names that people gave them. */
static void write_subscribers(struct gateway *g, struct buf *b)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(const struct fanout_view *v);
    } of_one[] = {
        {"wayleave_subscriber_position_age_seconds", "gauge",
         "since the oldest webhook was stored that it was not handed", waits_seconds},
        {"wayleave_subscriber_down", "gauge", "1 while it takes nothing", down},
        {"wayleave_subscriber_delivered_total", "counter", "webhooks it took", delivered},
        {"wayleave_subscriber_failed_total", "counter", "attempts that failed", failed},
        {"wayleave_subscriber_dead_total", "counter", "webhooks that were given up", dead},
    };
    struct fanout_view v[SUBSCRIBERS_MAX];
    size_t n = fanout_list(g->fanout, v, SUBSCRIBERS_MAX);
    for (size_t k = 0; k < sizeof of_one / sizeof of_one[0]; k++) {
        buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", of_one[k].name, of_one[k].help, of_one[k].name, of_one[k].type);
        for (size_t i = 0; i < n; i++)
            buf_printf(b, "%s{subscriber=\"%s\"} %llu\n", of_one[k].name, v[i].name,
                       (unsigned long long)of_one[k].value(&v[i]));
    }
}

/* --- the ledger ---------------------------------------------------------------------------------------------------- */

static void write_witnesses(struct gateway *g, struct buf *b)
{
    static const char name[] = "wayleave_ledger_confirmed_leaves";
    struct witness_view v[WITNESSES_MAX + 1];
    size_t n = witnesses_look(g->witnesses, v);
    if (n > 0)
        head(b, name, "leaves inside the last checkpoint that a witness, or the time-stamping authority, confirmed");
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s{by=\"%s\"} %lld\n", name, v[i].name, (long long)v[i].size);
}

static void write_ledger(struct gateway *g, struct buf *b)
{
    int64_t at = checkpoints_sealed_at(g->checkpoints), age = clock_now_ms() - at;
    gauge(b, "wayleave_ledger_leaves", "leaves inside the last signed checkpoint of the ledger",
          (uint64_t)checkpoints_sealed(g->checkpoints));
    gauge(b, "wayleave_ledger_checkpoint_age_seconds", "since that was signed; a quiet ledger's grows",
          at != 0 && age > 0 ? (uint64_t)age / 1000 : 0);
    struct ledger_watched w;
    ledger_watch_look(g->ledger_watch, &w);
    gauge(b, "wayleave_ledger_problems", "things the audit of the ledger found that do not fit", (uint64_t)w.problems);
    gauge(b, "wayleave_ledger_audited_timestamp_seconds", "when its last whole round ended; 0: in no life of ours",
          (uint64_t)w.done_at / 1000);
    if (g->checkpoints != NULL)
        checkpoints_lag(g->checkpoints, b, "wayleave_ledger_seal_seconds",
                        "from a leaf being on the disk to being inside a signed checkpoint, at most");
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static void write_metrics(struct gateway *g, struct buf *b)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        buf_printf(b, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", rows[i].name, rows[i].help, rows[i].name,
                   rows[i].name, (unsigned long long)atomic_load_explicit(&g->metric[i], memory_order_relaxed));
    write_shadow(g, b);
    write_errands(g, b);
    campaigns_metrics(g->campaigns, b);
    lag_write(&g->obeyed, b, "wayleave_refusal_obeyed_seconds",
              "from storing a webhook with an opt-out until every decision knows of it");
    struct writer_stats w;
    writer_stats(g->writer, &w);
    gauge(b, "wayleave_commits", "database transactions since start", w.commits);
    gauge(b, "wayleave_jobs", "jobs in those transactions", w.jobs);
    gauge(b, "wayleave_job_failures", "jobs that failed", w.failures);
    gauge(b, "wayleave_database_healthy", "1 while the database takes writes", writer_healthy(g->writer));
    write_numbers(g, b);
    write_subscribers(g, b);
    write_readings(g, b);
    write_ledger(g, b);
    write_witnesses(g, b);
    gauge(b, "wayleave_messages_open", "messages whose outcome is not written yet", admit_open(g->admit));
    gauge(b, "wayleave_time_zones_known", "1 when there is a time zone database", admit_places_known(g->admit));
    gauge(b, "wayleave_time_zones_damaged", "time zones missing or damaged in it", admit_places_damaged(g->admit));
    gauge(b, "wayleave_upstream_calls", "calls to the Graph API under way", http_client_open(g->client));
    struct http_server_stats s = {0};
    const struct http_server *http = __atomic_load_n(&g->http, __ATOMIC_ACQUIRE); /* NULL: still starting */
    if (http != NULL)
        http_server_stats(http, &s);
    gauge(b, "wayleave_connections", "open client connections", s.connections_now);
    gauge(b, "wayleave_uptime_seconds", "seconds since start", (uint64_t)(clock_now_ms() - g->started_at) / 1000);
}

void metrics_begin(struct gateway *g, struct http_req *rq)
{
    struct http_header h[] = {{STR("Content-Type"), STR("text/plain; version=0.0.4; charset=utf-8")}};
    struct str path = http_path(rq);
    if (str_eq(path, STR("/healthz"))) {
        http_reply(rq, 200, h, 1, STR("ok\n"));
    } else if (str_eq(path, STR("/readyz"))) {
        bool ready = writer_healthy(g->writer);
        struct str said = STR("ok\n");
        if (!admit_places_known(g->admit))
            said = STR("ok, but without time zones nobody's local time is known: install tzdata and restart\n");
        http_reply(rq, ready ? 200 : 503, h, 1, ready ? said : STR("the database refused a write\n"));
    } else {
        struct buf b;
        buf_init(&b, METRICS_MAX);
        write_metrics(g, &b);
        http_reply_buf(rq, 200, h, 1, &b);
    }
}
