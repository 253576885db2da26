/* SPDX-License-Identifier: Apache-2.0
 * sandbox.h - an imitation of the WhatsApp Cloud API that runs on one machine and costs nothing.
 *
 * It answers what Meta's Graph API answers to the calls real client libraries make, keeps what it accepted in a
 * bounded ledger, and delivers signed webhooks to a URL. It can be told to misbehave (wrong answers, lost answers,
 * delays, webhooks twice, late or in the wrong order), by a request header or by its own calls under /_sandbox/,
 * which only the same machine may use. It never contacts Meta, never delivers a message to anybody, and says
 * `X-Wayleave-Sandbox: true` in every answer so that nobody mistakes it for the real one. */
#ifndef WL_SANDBOX_H
#define WL_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/sandbox_people.h"

struct sandbox;

struct sandbox_number {
    const char *id;      /* phone number id, digits */
    const char *display; /* "+15550001000" */
};

/* Everything is copied by sandbox_start(). Times are milliseconds; -1 means "never" where it says so. */
struct sandbox_options {
    const char *address;                      /* "127.0.0.1" */
    uint16_t port;                            /* 0: any free port, see sandbox_port() */
    const char *tls_cert_file, *tls_key_file; /* both or neither */
    unsigned threads;                         /* HTTP threads, at least 2 */

    const char *const *tokens; /* access tokens accepted; NULL: "sandbox-token" */
    size_t n_tokens;
    const char *app_id, *app_secret; /* the secret signs webhooks */
    const char *verify_token;        /* for the webhook handshake */
    const char *webhook_url;         /* NULL: none until one is set by a call */
    const char *ca_file;             /* to verify an https webhook URL; NULL: the system's */

    const char *waba_id;
    const struct sandbox_number *numbers; /* NULL: 111 and 112 */
    size_t n_numbers;

    int64_t sent_ms, delivered_ms, read_ms; /* after acceptance; -1: never */
    int64_t template_review_ms;             /* PENDING for so long; 0: approved at once */
    const struct people_model *people;      /* how people react (sandbox_people.h); NULL: after the fixed delays */
    bool windows_open;                      /* true: never fail a free-form message with 131047 */
    bool pair_limit;                        /* enforce 1 message per 6 s per pair, bursts of 45 (131056) */
    unsigned mps_limit;                     /* messages a second per number, in and out (130429); 0: no limit */
    int64_t mps_burst_ms;                   /* so many milliseconds' worth of them may come at once after a rest */

    unsigned webhook_parallel; /* POSTs in flight at once */
    unsigned webhook_batch;    /* most updates in one POST, 1-1000 */
    int64_t retry_ms;          /* first pause after a failed POST; doubles up to a minute, for seven days */

    size_t ledger_messages, ledger_bytes; /* the oldest are dropped (and counted) beyond either */
    size_t media_limit;                   /* bytes of one upload */
    size_t media_total;                   /* bytes of all uploads together; the oldest are dropped beyond */
    int64_t hang_ms;                      /* a hung call is cut after this */
};

/* Fills in the defaults described in docs/sandbox.md. */
void sandbox_options_default(struct sandbox_options *o);

/* Starts listening and answering on its own threads. WL_EINVAL for an option that makes no sense, WL_EIO. */
int sandbox_start(struct sandbox **ret, const struct sandbox_options *o, struct err *e);
uint16_t sandbox_port(const struct sandbox *s);
/* Ends everything; webhooks not yet delivered are forgotten. Accepts NULL. */
void sandbox_stop(struct sandbox *s);

#endif
