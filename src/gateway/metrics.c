/* SPDX-License-Identifier: Apache-2.0
 * metrics.c - /healthz, /readyz and /metrics: a table of counters written as Prometheus text.
 *
 * Healthy means the process answers. Ready means that it can accept: the database takes writes. No label ever carries a
 * number, a name or a token. */
#include "base/clock.h"
#include "gateway/admit.h"
#include "gateway/gateway_impl.h"

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
    [METRIC_DUPLICATES] = {"wayleave_messages_duplicated_total", "second attempts that turned out to be accepted too"},
    [METRIC_PASSED] = {"wayleave_passed_total", "calls passed through"},
    [METRIC_WEBHOOKS] = {"wayleave_webhooks_total", "webhook bodies stored"},
    [METRIC_WEBHOOKS_FORGED] = {"wayleave_webhooks_forged_total", "webhook bodies with a wrong signature"},
    [METRIC_EVENTS] = {"wayleave_events_total", "webhook events applied"},
    [METRIC_EVENTS_ORPHANED] = {"wayleave_events_orphaned_total", "statuses of messages we do not know"},
    [METRIC_FORWARDED] = {"wayleave_forwarded_total", "webhook bodies handed on"},
    [METRIC_FORWARD_RETRIES] = {"wayleave_forward_retries_total", "attempts to hand on that failed"},
    [METRIC_FORWARD_PARKED] = {"wayleave_forward_parked_total", "bodies the receiver refused for good or for too long"},
    [METRIC_BAD_REQUESTS] = {"wayleave_bad_requests_total", "requests that could not be read"},
};

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

static void write_metrics(struct gateway *g, struct buf *b)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        buf_printf(b, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", rows[i].name, rows[i].help, rows[i].name,
                   rows[i].name, (unsigned long long)atomic_load_explicit(&g->metric[i], memory_order_relaxed));
    write_shadow(g, b);
    struct writer_stats w;
    writer_stats(g->writer, &w);
    gauge(b, "wayleave_commits", "database transactions since start", w.commits);
    gauge(b, "wayleave_jobs", "jobs in those transactions", w.jobs);
    gauge(b, "wayleave_job_failures", "jobs that failed", w.failures);
    gauge(b, "wayleave_database_healthy", "1 while the database takes writes", writer_healthy(g->writer));
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
        buf_init(&b, 64u << 10);
        write_metrics(g, &b);
        http_reply_buf(rq, 200, h, 1, &b);
    }
}
