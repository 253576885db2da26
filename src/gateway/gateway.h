/* SPDX-License-Identifier: Apache-2.0
 * gateway.h - the running product: builds every part, connects them, and takes them down again.
 *
 * Options are plain values; reading them from a file is cmd's business. Everything below runs on the threads of
 * docs/architecture.md. */
#ifndef WL_GATEWAY_GATEWAY_H
#define WL_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;

/* What becomes of a client's send that a rule holds for longer than the client waits. */
enum hold_word {
    HOLD_AS_SET = 0, /* whoever is asked next says */
    HOLD_REFUSE = 1,
    HOLD_QUEUE = 2 /* it is taken into the outbox, and sent with the token kept for its number */
};

struct sender_option {
    int64_t id;       /* phone_number_id */
    int64_t waba;     /* 0: discovered through the token */
    char *token_file; /* NULL: only clients' own tokens; needed for our own API's sends and for polling */
    int hold;         /* enum hold_word; AS_SET: as the options say */
};

/* A Meta app whose webhooks come here. */
struct webhook_app {
    int64_t id; /* Meta's app id; 0 only for the one of webhook.app_secret when webhook.app_id is not set */
    char *secret, *verify_token;
};

/* Somebody who stands for campaigns, with a key of their own (approvers.h). */
struct approver_option {
    int64_t id; /* the configuration's; follows from the name */
    char *name, *key;
};

struct path_list {
    char **path;
    size_t n;
};

/* What the gateway says and asks by itself (errands.h, welcomes.h). Texts NULL: those of the packs. */
struct errand_options {
    bool confirm; /* an opt-out and an opt-in that were heard are confirmed */
    bool help;    /* who asks for help is told who writes and how to stop */
    char *stopped, *started, *help_text;
    char *
        welcome_on; /* methods, with commas: consents recorded with one of them are asked to be confirmed; NULL: none */
    int64_t welcome_from; /* phone number id; 0: the one the consent is for */
    char *welcome_template, *welcome_language, *welcome_text;
    bool welcome_buttons; /* the template has two quick replies: yes, then no */
    size_t welcome_reminders;
    int64_t welcome_remind_after_ms, welcome_expires_after_ms;
};

struct phone_data;

/* Messages to test numbers (core/test_number.h). AUTO: allowed where upstream is on this machine, a sandbox. */
enum test_numbers { TEST_NUMBERS_AUTO, TEST_NUMBERS_REFUSE, TEST_NUMBERS_ALLOW };

struct gateway_options {
    char *listen;     /* "127.0.0.1:8080"; port 0 picks a free one */
    char *listen_tls; /* NULL: none */
    char *tls_cert, *tls_key;
    char *business;   /* its name for the people it writes to; NULL: as Meta verified it */
    char *public_url; /* origin put into rewritten links; NULL: what the client's Host header said */
    char *state_dir;  /* database, admin key; created with mode 0700 */
    char *store_url;  /* NULL: sqlite file wayleave.db in state_dir */
    char *rules_file; /* the platform's rules */
    struct path_list rules_laws, rules_policy, rules_shadow; /* see docs/rules.md; none by default */
    bool optout_listen;                                      /* what people write is read (docs/opt-out.md) */
    char *optout_dir;                                        /* shipped packs; NULL: none */
    struct path_list optout_packs;                           /* further ones */
    char *regimes_file;             /* how long proof of consent is kept (core/regime.h); NULL: it is not kept */
    char *phone_data_file;          /* numbering plans (core/phone_file.h); NULL: those built in */
    enum test_numbers test_numbers; /* messages to numbers that are nobody's */
    const struct phone_data
        *phones;                 /* the same, opened; kept by the caller while the gateway runs. NULL: those built in */
    char *upstream_url;          /* "https://graph.facebook.com", no trailing slash */
    char *upstream_ca;           /* NULL: the system's */
    int64_t upstream_timeout_ms; /* a send without an answer after this is ambiguous */
    unsigned upstream_connections;    /* HTTP/2 sessions, 1-4 */
    char *webhook_path;               /* "/webhook" */
    char *webhook_verify_token;       /* NULL: handshake refused */
    char *webhook_app_secret;         /* NULL: posts refused (nothing unsigned is accepted) */
    int64_t webhook_app_id;           /* 0: not said */
    struct webhook_app *webhook_apps; /* further ones */
    size_t n_webhook_apps;
    int64_t webhook_keep_ms; /* bodies are dropped after this long */
    bool webhook_private;    /* subscribers made through the API may be at private addresses; loopback and all */
    char *forward_url, *forward_secret; /* NULL: no such subscriber; secret NULL: signed as the body was */
    char *admin_key_file;               /* NULL: admin.key in state_dir, made at first start */
    struct sender_option *senders;
    size_t n_senders;
    unsigned http_threads;
    unsigned max_connections, max_per_address;
    unsigned idle_seconds, request_seconds;
    size_t max_json_bytes;    /* a send's body; default 1 MiB */
    size_t max_media_bytes;   /* an upload; default 105 MB */
    size_t max_queue;         /* intents waiting for a decision or an answer */
    int64_t hold_budget_ms;   /* a HOLD this short is waited out */
    int hold;                 /* a HOLD that is longer, of a client's send. 0: refused; 1: queued (enum hold_word) */
    int64_t poll_interval_ms; /* templates and numbers are read again after this */
    bool rewrite_links;
    struct errand_options errand;
    char *ledger_origin;    /* names the ledger's log; NULL: after its key */
    char *ledger_witnesses; /* file with a line for each; NULL: none */
    char *ledger_timestamp_url,
        *ledger_timestamp_ca;   /* RFC 3161; NULL: nobody is asked; its signature is not looked at */
    bool ledger_public;         /* tiles and checkpoints are served to anybody */
    int64_t preference_ms;      /* how long a link to a person's preference page is good */
    size_t second_person_above; /* people; a campaign for more needs an approver who had no hand in it */
    struct approver_option *approvers;
    size_t n_approvers;
};

/* The state directory is ours while the descriptor is open; WL_ECONFLICT: a gateway has it. */
int gateway_lock(const char *state_dir, int *ret_fd, struct err *e);
/* Returns when requests are accepted. gateway_stop() it. */
int gateway_start(struct gateway **ret, const struct gateway_options *o, struct err *e);
uint16_t gateway_port(const struct gateway *g);
uint16_t gateway_tls_port(const struct gateway *g); /* 0: none */
/* Reads the rule files again; the log says what came of it. */
void gateway_reload_rules(struct gateway *g);
/* Finishes what is open (at most some seconds), then stops. Accepts NULL. */
void gateway_stop(struct gateway *g);

#endif
