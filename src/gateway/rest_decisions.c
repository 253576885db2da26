/* SPDX-License-Identifier: Apache-2.0
 * rest_decisions.c - why a message was allowed, held or refused, and what became of it; and the gateway's own state.
 *
 * The answer is rebuilt from the decision log: the packed facts and findings and the rules they were made with. Those of
 * this life are still there; earlier ones are built again from the store. */
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "core/decide.h"
#include "core/similar.h"
#include "gateway/dispatch.h"
#include "gateway/old_books.h"
#include "gateway/fanout.h"
#include "gateway/rest_impl.h"
#include "store/census.h"
#include "store/inbox.h"
#include "store/messages.h"
#include "store/rules_log.h"
#include "store/skeletons.h"

#define EVENTS_SHOWN 200
#define QUEUES_SHOWN 64
#define ROWS_COUNTED 20000 /* of the outbox, for the status */

void rest_seen(struct json_out *o, uint32_t seen)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{SEEN_SENT, "sent"},      {SEEN_DELIVERED, "delivered"}, {SEEN_READ, "read"},
                 {SEEN_PLAYED, "played"},  {SEEN_FAILED, "failed"},       {SEEN_HELD, "held"},
                 {SEEN_DELETED, "deleted"}};
    jo_key(o, "seen");
    jo_array(o);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (seen & words[i].bit)
            jo_cstr(o, words[i].word);
    jo_end(o);
}

int rest_message_events(struct json_out *o, struct store *s, struct arena *a, const struct message *m, struct err *e)
{
    struct message_event *ev;
    size_t n = 0;
    int rc = message_events_list(s, m->bucket, m->id, a, EVENTS_SHOWN, &ev, &n, e);
    jo_key(o, "events");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kstr(o, "status", ev[i].status);
        rest_time(o, "at", ev[i].at);
        jo_kint(o, "code", ev[i].code);
        jo_kstr(o, "detail", ev[i].detail);
        jo_end(o);
    }
    jo_end(o);
    return rc;
}

static int show_message(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, int64_t now,
                        struct err *e)
{
    struct json_out *o = &c->out;
    char sender[24];
    snprintf(sender, sizeof sender, "%lld", (long long)m->sender);
    jo_key(o, "message");
    jo_object(o);
    jo_kcstr(o, "sender", sender);
    jo_kcstr(o, "type", m->type);
    jo_kcstr(o, "category", category_name((enum category)m->life.category));
    jo_kcstr(o, "state", life_word(&m->life, m->seen, m->valid_until, now));
    rest_time(o, "changed_at", m->changed_at);
    jo_kint(o, "code", rest_message_code(m));
    jo_kcstr(o, "wamid", m->wamid[0] ? m->wamid : NULL);
    rest_time(o, "expires", m->life.expires);
    rest_seen(o, m->seen);
    int rc = rest_message_events(o, s, a, m, e);
    if (rc == 0)
        rc = rest_message_waiting(c, s, a, m, now, e);
    jo_end(o);
    return rc;
}

/* Whether a rule says so: duplicate.same of the platform's set, policy.duplicate.near of one's own. */
static bool is_duplicate(const struct decision *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (strstr(rule_id(d->finding[i].rule), "duplicate.") != NULL)
            return true;
    return false;
}

static void show_spans(struct json_out *o, const struct span *spans, size_t n)
{
    static const char *const kinds[] = {[SPAN_COMMON] = "common", [SPAN_BEFORE] = "before", [SPAN_NOW] = "now"};
    jo_key(o, "spans");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, "kind", kinds[spans[i].kind]);
        jo_kstr(o, "text", spans[i].text);
        jo_end(o);
    }
    jo_end(o);
}

/* What a near or full duplicate has in common with what the person got before: fixed texts only, no values. */
static int show_similar(struct rest_call *c, struct store *s, struct arena *a, const struct facts *f, struct err *e)
{
    struct skeleton before, now;
    struct span *spans = NULL;
    struct err none = {0};
    size_t n = 0;
    int64_t same_at = f->value[FACT_DUPLICATE_SAME_AT], near_at = f->value[FACT_DUPLICATE_NEAR_AT];
    int rc = skeletons_get(s, (uint32_t)f->value[FACT_DUPLICATE_OF], a, &before, &none);
    if (rc == 0)
        rc = skeletons_get(s, (uint32_t)f->value[FACT_MESSAGE_SKELETON], a, &now, &none);
    if (rc == 0)
        rc = similar_spans(before.text, now.text, a, &spans, &n, &none);
    if (rc != 0 && rc != WL_ENOTFOUND) { /* not found: a text older than this gateway's memory of texts */
        *e = none;
        return rc;
    }
    jo_key(&c->out, "similar");
    jo_object(&c->out);
    rest_time(&c->out, "at", same_at > near_at ? same_at : near_at);
    jo_kint(&c->out, "permille", f->value[FACT_DUPLICATE_SIMILARITY]);
    show_spans(&c->out, spans, n);
    jo_end(&c->out);
    return 0;
}

typedef int show_decided(void *ctx, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                         struct err *e);

static int read_by(const struct decision_row *row, const struct ruleset *rs, show_decided *each, void *ctx,
                   struct err *e)
{
    struct facts f;
    struct decision d;
    int rc = facts_unpack(row->facts.p, row->facts.n, &f);
    if (rc == 0)
        rc = decision_unpack(row->findings.p, row->findings.n, rs, &d);
    if (rc != 0)
        return err_set(e, rc, "a decision of the log cannot be read");
    return each(ctx, &d, rs, &f, e);
}

int rest_decision_read(struct rest_call *c, struct store *s, struct arena *a, const struct decision_row *row,
                       show_decided *each, void *ctx, struct err *e)
{
    const struct ruleset *rs = rules_published(c->g, row->ruleset);
    struct old_book *old;
    if (rs != NULL)
        return read_by(row, rs, each, ctx, e);
    int rc = old_book_borrow(c->g->old_books, s, a, row->ruleset, &old, e);
    if (rc != 0)
        return rc;
    rc = read_by(row, old_book_rules(old), each, ctx, e);
    old_book_return(c->g->old_books, old);
    return rc;
}

struct shown {
    struct rest_call *c;
    struct store *s;
    struct arena *a;
};

static int show_decision(void *ctx, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                         struct err *e)
{
    struct shown *to = ctx;
    jo_key(&to->c->out, "decision");
    decision_json(d, rs, f, &to->c->out);
    return is_duplicate(d) ? show_similar(to->c, to->s, to->a, f, e) : 0;
}

/* Who set rules aside for this message, and why. Nothing when nobody did. */
static int show_override(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, struct err *e)
{
    struct rules_event v;
    struct err none = {0};
    int rc = rules_log_overridden(s, m->bucket, m->id, a, &v, &none);
    if (rc == WL_ENOTFOUND)
        return 0;
    if (rc != 0) {
        *e = none;
        return rc;
    }
    jo_key(&c->out, "override");
    jo_object(&c->out);
    jo_kstr(&c->out, "reason", v.reason);
    jo_kstr(&c->out, "actor", v.actor);
    jo_end(&c->out);
    return 0;
}

/* The decision that was asked for; of a message that waits and was never judged to its end there may be none. */
static int find_decision(struct store *s, struct arena *a, const struct message *m, int64_t decision,
                         struct decision_row *ret, bool *ret_found, struct err *e)
{
    struct err why = {0};
    int rc =
        decision != 0 ? decisions_get(s, m->bucket, decision, a, ret, &why) : rest_message_decision(s, a, m, ret, &why);
    *ret_found = rc == 0;
    if (rc == 0 || rc == WL_ENOTFOUND)
        return 0;
    *e = why;
    return rc;
}

int rest_decision(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    int64_t decision;
    bool found;
    struct message m;
    struct decision_row row;
    struct shown to = {c, s, a};
    int rc = rest_find_message(c, s, &m, &decision, e);
    if (rc == 0 && c->problem.code == 0)
        rc = find_decision(s, a, &m, decision, &row, &found, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    char text[STORE_ID_TEXT];
    jo_object(&c->out);
    jo_kcstr(&c->out, "id", store_id_text(m.bucket, m.id, text));
    rest_time(&c->out, "at", found && row.ts != 0 ? row.ts : m.ts);
    rc = show_message(c, s, a, &m, now, e);
    if (rc == 0 && found)
        rc = rest_decision_read(c, s, a, &row, show_decision, &to, e);
    else if (rc == 0)
        jo_kcstr(&c->out, "decision", NULL);
    if (rc == 0)
        rc = show_override(c, s, a, &m, e);
    jo_end(&c->out);
    return rc;
}

static void show_senders(struct rest_call *c)
{
    struct json_out *o = &c->out;
    struct snapshot *snap = snapshot_borrow(c->g->snapshots);
    const struct sender *senders;
    size_t n = snapshot_senders(snap, &senders);
    jo_key(o, "senders");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        struct facts f = {0};
        struct buf status;
        char id[24], waba[24];
        snprintf(id, sizeof id, "%lld", (long long)senders[i].id);
        snprintf(waba, sizeof waba, "%lld", (long long)senders[i].waba);
        buf_init(&status, 64);
        fact_set(&f, FACT_SENDER_STATUS, senders[i].status);
        fact_text(&f, FACT_SENDER_STATUS, &status);
        jo_object(o);
        jo_kcstr(o, "id", id);
        jo_kcstr(o, "waba", waba);
        jo_kstr(o, "status", buf_str(&status));
        jo_kcstr(o, "display_phone", senders[i].display_phone);
        jo_kcstr(o, "quality", senders[i].quality);
        jo_end(o);
        buf_done(&status);
    }
    jo_end(o);
    snapshot_return(snap);
}

/* What each number has in the outbox, by what it waits for, as far as rows are counted. */
struct backlog {
    int64_t sender, due, later, held, parked;
};

static struct backlog *of_number(struct backlog *q, size_t *n, size_t max, int64_t sender)
{
    size_t at = 0;
    while (at < *n && q[at].sender != sender)
        at++;
    if (at == max)
        return NULL;
    if (at == *n)
        q[(*n)++] = (struct backlog){.sender = sender};
    return &q[at];
}

static int count_queues(struct store *s, struct arena *a, int64_t now, struct backlog *q, size_t max, size_t *ret_n,
                        struct err *e)
{
    struct census_row *row = NULL, *held = NULL;
    size_t n = 0, n_held = 0, found = 0;
    int rc = census_outbox(s, 0, now, ROWS_COUNTED, a, &row, &n, e);
    if (rc == 0)
        rc = census_held_of(s, 0, now, ROWS_COUNTED, a, &held, &n_held, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct backlog *to = of_number(q, &found, max, row[i].sender);
        if (to != NULL)
            *to = (struct backlog){row[i].sender, row[i].due, row[i].later, 0, row[i].parked};
    }
    for (size_t i = 0; i < n_held; i++) {
        struct backlog *to = of_number(q, &found, max, held[i].sender);
        if (to != NULL)
            to->held = held[i].later < to->later ? held[i].later : to->later;
    }
    *ret_n = found;
    return 0;
}

static void show_queue(struct rest_call *c, const struct backlog *q, int64_t now)
{
    struct json_out *o = &c->out;
    struct dispatch_view v;
    char id[24];
    bool seen = dispatch_look(c->g->dispatch, q->sender, &v);
    snprintf(id, sizeof id, "%lld", (long long)q->sender);
    jo_object(o);
    jo_kcstr(o, "sender", id);
    jo_kint(o, "waiting", q->due + q->later + q->parked);
    jo_kint(o, "due", q->due);
    jo_kint(o, "scheduled", q->later - q->held);
    jo_kint(o, "held", q->held);
    jo_kint(o, "in_doubt", q->parked);
    if (seen) {
        jo_kint(o, "open", (int64_t)v.open);
        jo_kint(o, "callers", (int64_t)v.parked);
        jo_kint(o, "permitted_per_second", v.permitted_per_s);
        jo_kint(o, "pace_permille", v.pace_permille);
        rest_time(o, "stopped_until", v.circuit_until > now ? v.circuit_until : 0);
        jo_kcstr(o, "stopped_why", v.circuit_why != NULL ? v.circuit_why : v.why);
        rest_time(o, "webhooks_applied_to", v.watermark);
    }
    jo_end(o);
}

/* Numbers that have something to send or have sent: how much waits, and what stops it. */
static int show_queues(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct backlog q[QUEUES_SHOWN];
    int64_t known[QUEUES_SHOWN];
    size_t n = 0, n_known = dispatch_numbers(c->g->dispatch, known, QUEUES_SHOWN);
    int rc = count_queues(s, a, now, q, QUEUES_SHOWN, &n, e);
    for (size_t i = 0; rc == 0 && i < n_known; i++)
        of_number(q, &n, QUEUES_SHOWN, known[i]);
    jo_key(&c->out, "queues");
    jo_array(&c->out);
    for (size_t i = 0; i < n; i++)
        show_queue(c, &q[i], now);
    jo_end(&c->out);
    return rc;
}

/* "inbox": what came, what of it is not applied yet, what could not be, and events that had come before. */
static int show_inbox(struct rest_call *c, struct store *s, struct arena *a, struct err *e)
{
    struct json_out *o = &c->out;
    struct inbox_row *row = NULL;
    int64_t rows = 0, bad = 0, applied = 0, waiting = 0;
    size_t n = 0;
    int rc = inbox_counts(s, &rows, &bad, e);
    if (rc == 0)
        rc = cursor_get(s, "projector", &applied, e);
    if (rc == 0)
        rc = inbox_count(s, applied, INT64_MAX, ROWS_COUNTED, &waiting, e);
    if (rc == 0 && waiting > 0)
        rc = inbox_read(s, applied, 1, 1, a, &row, &n, e);
    jo_key(o, "inbox");
    jo_object(o);
    jo_kint(o, "rows", rows);
    jo_kint(o, "unapplied", waiting);
    rest_time(o, "unapplied_since", n > 0 ? row[0].at : 0);
    jo_kint(o, "problems", bad);
    jo_kint(o, "repeats", (int64_t)atomic_load(&c->g->metric[METRIC_EVENTS_REPEATED]));
    jo_end(o);
    return rc;
}

/* Who hears of webhooks, as far as it is known without asking the database. */
static const char *state_of(const struct fanout_view *v)
{
    if (v->paused)
        return "paused";
    if (v->broken)
        return "broken";
    return v->down_since != 0 ? "down" : v->stuck > 0 ? "stuck" : "up";
}

static void show_subscribers(struct rest_call *c, int64_t now)
{
    struct json_out *o = &c->out;
    struct fanout_view v[SUBSCRIBERS_MAX];
    size_t n = fanout_list(c->g->fanout, v, SUBSCRIBERS_MAX);
    jo_key(o, "subscribers");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, "name", v[i].name);
        jo_kcstr(o, "state", state_of(&v[i]));
        rest_time(o, "down_since", v[i].down_since);
        jo_kint(o, "lag_ms", v[i].waiting_at != 0 && v[i].waiting_at < now ? now - v[i].waiting_at : 0);
        jo_kcstr(o, "last_error", v[i].last_error[0] != '\0' ? v[i].last_error : NULL);
        jo_end(o);
    }
    jo_end(o);
}

int rest_status(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    int64_t people = 0;
    int rc = people_count(s, &people, e);
    if (rc != 0)
        return rc;
    char hash[SHA256_HEX];
    hex_encode(ruleset_hash(rules_current(c->g)->ruleset), SHA256_BYTES, hash);
    struct json_out *o = &c->out;
    jo_object(o);
    jo_kcstr(o, "version", WAYLEAVE_VERSION);
    jo_kint(o, "uptime_s", (now - c->g->started_at) / 1000);
    jo_key(o, "ruleset");
    jo_object(o);
    jo_kcstr(o, "id", ruleset_id(rules_current(c->g)->ruleset));
    jo_kcstr(o, "hash", hash);
    jo_end(o);
    jo_kint(o, "contacts", people);
    rc = show_inbox(c, s, a, e);
    show_subscribers(c, now);
    show_senders(c);
    if (rc == 0)
        rc = show_queues(c, s, a, now, e);
    jo_key(o, "ledger");
    jo_object(o);
    rest_ledger_members(c->g, o);
    jo_end(o);
    jo_kcstr(o, "upstream", c->g->o.upstream_url);
    jo_end(o);
    return rc;
}
