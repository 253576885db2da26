/* SPDX-License-Identifier: Apache-2.0
 * gateway_impl.h - the parts of a running gateway, for the files of this folder only.
 *
 * Options and keys are fixed while it runs; every other part has an owner of its own and is reached through
 * its header. Which thread may touch what is said there. */
#ifndef WL_GATEWAY_GATEWAY_IMPL_H
#define WL_GATEWAY_GATEWAY_IMPL_H

#include <stdatomic.h>

#include "core/phone_data.h"
#include "gateway/gateway.h"
#include "gateway/lag.h"
#include "gateway/rules.h"
#include "gateway/snapshot.h"
#include "gateway/webhook_own.h"
#include "gateway/writer.h"
#include "net/http_client.h"
#include "net/http_server.h"

struct accounts;
struct projector;
struct fanout;
struct activity_fill;
struct compactor;
struct erasures;
struct regimes;
struct readers;
struct old_books;
struct admit;
struct checkpoints;
struct dispatch;
struct ledger_watch;
struct apply;
struct optout_packs;
struct recheck;
struct witnesses;
struct audiences;
struct errands;
struct campaigns;

/* Counters shown by /metrics; each is a row of the table in metrics.c. */
enum metric {
    METRIC_REQUESTS,
    METRIC_ALLOWED,
    METRIC_HELD,
    METRIC_DENIED,
    METRIC_ACCEPTED,
    METRIC_REJECTED,
    METRIC_AMBIGUOUS,
    METRIC_UNSENT,
    METRIC_QUEUED,
    METRIC_FAILED,
    METRIC_EXPIRED,
    METRIC_UNDETERMINED,
    METRIC_CANCELLED,
    METRIC_DUPLICATES,
    METRIC_REPEATED,
    METRIC_PASSED,
    METRIC_WEBHOOKS,
    METRIC_WEBHOOKS_FORGED,
    METRIC_WEBHOOKS_PROBED,
    METRIC_WEBHOOKS_LOOPED,
    METRIC_WEBHOOKS_REFUSED,
    METRIC_WEBHOOK_BYTES,
    METRIC_WEBHOOKS_DROPPED,
    METRIC_WEBHOOKS_MISSED,
    METRIC_EVENTS,
    METRIC_EVENTS_REPEATED,
    METRIC_EVENTS_ORPHANED,
    METRIC_POLLS,
    METRIC_POLL_FAILURES,
    METRIC_BAD_REQUESTS,
    METRIC_COUNT
};

struct gateway {
    struct gateway_options o;   /* owned copies */
    char *admin_key;            /* text; compared in constant time */
    uint8_t link_key[32];       /* signs rewritten media links; from the state directory */
    uint8_t preference_key[32]; /* signs links to preference pages; from there too */
    uint8_t ledger_key[32];     /* signs checkpoints of the ledger; from there too */
    uint8_t mark_key[32];       /* signs our mark in what leaves (mark.h); from there too */
    uint8_t suppress_key[32];   /* hashes names of people who were erased (store/suppressed.h); from there too */
    uint8_t seal_key[32];       /* seals subscribers' secrets in the database (base/seal.h); from there too */
    char via[WEBHOOK_VIA];      /* says in what we hand on that it was handed on by us */
    int64_t started_at, incarnation;
    int lock_fd; /* the state directory is ours while this is open */

    struct rules *rules; /* ask rules_current(), rules_published() */

    struct optout_packs *packs; /* immutable; NULL: none are configured */

    struct snapshots *snapshots;
    struct writer *writer;
    struct http_client *client;
    struct checkpoints *checkpoints; /* NULL while it starts */
    struct accounts *accounts;
    struct admit *admit;
    struct dispatch *dispatch;
    struct apply *apply; /* writer thread only, but for apply_find() */
    struct recheck *recheck;
    struct witnesses *witnesses;
    struct errands *errands;
    struct lag obeyed; /* from a webhook that refuses something until the next decision knows */
    struct projector *projector;
    struct fanout *fanout;
    struct compactor *compactor;
    struct activity_fill *activity_fill;
    struct retention *retention;
    struct ledger_watch *ledger_watch;
    struct erasures *erasures;
    struct campaigns *campaigns;
    struct regimes *regimes;
    struct phone_data phones;
    bool test_refused; /* messages to test numbers are */
    struct readers *readers;
    struct audiences *audiences; /* what segments are answered over */
    struct old_books *old_books;
    struct http_server *http, *https;
    _Atomic uint64_t metric[METRIC_COUNT];
};

static inline void metric_add(struct gateway *g, enum metric m, uint64_t n)
{
    atomic_fetch_add_explicit(&g->metric[m], n, memory_order_relaxed);
}

/* The calling thread's own JSON parser, created at first use and freed with the thread. */
struct json_parser *thread_json(void);

/* Faces; each answers its request exactly once, now or later. routes.c decides which one. */
void routes_begin(void *ctx, struct http_req *rq);                               /* ctx: struct gateway */
void routes_refuse(void *ctx, struct http_req *rq, int status, const char *why); /* the server's own refusals */
void graph_api_begin(struct gateway *g, struct http_req *rq);                    /* graph_api.c */
void rest_api_begin(struct gateway *g, struct http_req *rq);                     /* rest_api.c */
/* The server itself refuses a call of our own API: in that API's shape. */
void rest_refuse(struct http_req *rq, int status, const char *why);
void webhook_begin(struct gateway *g, struct http_req *rq);         /* webhook.c */
void media_link_begin(struct gateway *g, struct http_req *rq);      /* links.c */
void preference_page_begin(struct gateway *g, struct http_req *rq); /* preference_page.c */
void ledger_public_begin(struct gateway *g, struct http_req *rq);   /* ledger_public.c */
void metrics_begin(struct gateway *g, struct http_req *rq);         /* metrics.c */

#endif
