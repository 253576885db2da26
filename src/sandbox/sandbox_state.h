/* SPDX-License-Identifier: Apache-2.0
 * sandbox_state.h - what the imitation remembers: numbers, people, accepted messages, templates, media, webhooks.
 *
 * One lock guards all of it and is held while a handler runs; no handler blocks. Functions marked [lock] want it
 * held. Messages are counted references because a webhook on its way may outlive its line in the ledger. */
#ifndef WL_SANDBOX_STATE_H
#define WL_SANDBOX_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/json.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_table.h"
#include "sandbox/sandbox_timer.h"

enum sbx_status { SBX_SENT, SBX_DELIVERED, SBX_READ, SBX_FAILED };
enum sbx_hook { SBX_HOOK_NONE, SBX_HOOK_PENDING, SBX_HOOK_DELIVERED, SBX_HOOK_RETRYING, SBX_HOOK_FAILED };
/* How updates are delivered; bits, none: as they come. */
enum sbx_mode {
    SBX_NORMAL = 0,
    SBX_DUPLICATE = 1,    /* everything twice */
    SBX_OUT_OF_ORDER = 2, /* read before delivered before sent */
    SBX_SHUFFLE = 4,      /* in an order of chance */
    SBX_SPLIT = 8,        /* one update in a POST */
    SBX_MERGE = 16,       /* as many as fit, in several entries */
    SBX_HOLD = 32,        /* kept until this bit goes */
    SBX_DROP = 64         /* thrown away */
};
#define SBX_APPS 8

struct sbx_message_event {
    int64_t at_ms;
    enum sbx_status status;
    unsigned char hook[SBX_APPS]; /* enum sbx_hook, by the app */
};

/* An accepted message; all text lies behind the struct in the same allocation. */
struct sbx_message {
    uint64_t seq; /* its place in the ledger, from 1 */
    int64_t at_ms;
    int refs;
    size_t bytes;
    struct str wamid, number_id, display, to, user, type, template_name, callback;
    struct str method, path, query, headers_json, body;
    const char *category;     /* pricing category, lower case */
    const char *pricing_type; /* "regular", "free_customer_service" */
    const char *fault;        /* "" or what was done to the call, static text */
    bool bsuid, group, body_is_text;
    int fail_code; /* the asynchronous failure, 0: none */
    size_t n_events;
    struct sbx_message_event events[4];
};

/* What is known of one person towards one number. */
struct sbx_pair {
    struct str key; /* "number_id|user" */
    struct str user;
    int64_t inbound_ms; /* last message from the person; 0: never */
    int64_t tat_ms;     /* pair rate: theoretical arrival time */
    bool stopped, blocked;
};

enum {
    SBX_ABOUT,
    SBX_ADDRESS,
    SBX_DESCRIPTION,
    SBX_EMAIL,
    SBX_VERTICAL,
    SBX_WEBSITES,
    SBX_PICTURE,
    SBX_PROFILE_FIELDS
};

struct sbx_number {
    char *id, *display, *digits;
    char *profile[SBX_PROFILE_FIELDS]; /* JSON text of each field, or NULL */
    bool registered, on_phone_app, official;
    const char *quality, *throughput, *name_status, *new_name_status; /* the platform's words */
    char *name, *next_name, *username; /* owned; next_name: approved, the next registration takes it; NULL: none */
    int64_t tat_us;                    /* throughput: theoretical arrival time */
};

struct sbx_template;
struct sbx_media;
struct sbx_update;
struct sbx_delivery;
struct sbx_fault_rule;
struct sbx_app;
struct sbx_transfer;
struct call;

struct sbx_hooks {
    struct sbx_app *apps[SBX_APPS]; /* the first is the options' */
    size_t n_apps;
    unsigned mode;             /* enum sbx_mode */
    bool retry_all;            /* a POST that comes again comes to every app again */
    struct sbx_delivery *open; /* all that exist */
    size_t waiting;            /* updates that are ready or held, of all apps */
};

/* What an update is about, for who is to hear of it and where. */
struct sbx_about {
    struct str field, number_id; /* number_id may be {NULL,0} */
    int64_t at_ms;               /* when it happened; 0: now */
};

/* What the platform does not let the account do, until when (ms). */
enum sbx_restriction { SBX_NO_TEMPLATES, SBX_NO_MESSAGES, SBX_NO_UTILITY, SBX_NO_DIRECT, SBX_RESTRICTIONS };

struct sbx_standing {
    const char *limit;  /* TIER_250 ... of the portfolio */
    const char *status; /* ACTIVE, DISABLED, DELETED */
    const char *review; /* APPROVED ... */
    int64_t until_ms[SBX_RESTRICTIONS];
};

/* What answers tell beside what was asked: sandbox_answers.c. */
struct sbx_answers {
    atomic_int app_usage, account_usage, regain_minutes; /* percent; told in every answer */
    char unreadable[300], scopes[300];                   /* "a,b" */
    int64_t token_expires_s;                             /* 0: never */
};

/* How people react, while that is switched on: sandbox_people_live.c. */
struct sbx_people_tally {
    uint64_t messages, undeliverable, held_back, read, read_untold, opted_out, complained, replied;
};
struct sbx_people {
    bool on;
    struct people_model model;
    struct sbx_people_tally tally[PEOPLE_GROUPS]; /* by group */
};

struct sandbox {
    struct sandbox_options o;
    struct arena *own; /* copies of the options' texts */
    pthread_mutex_t lock;
    bool stopping;
    struct http_server *server;
    struct http_client *client;
    struct sbx_timer timer;
    atomic_uint_fast64_t counter;
    uint64_t seed;

    struct sbx_number *numbers;
    size_t n_numbers;
    struct sbx_table pairs;

    struct sbx_message **ledger; /* ring of o.ledger_messages */
    uint64_t first_seq, next_seq;
    size_t ledger_bytes;
    uint64_t dropped, calls, refused, slowed; /* slowed: refused with 130429 */
    struct sbx_table by_wamid;

    struct sbx_template **templates; /* in order of creation; NULL where deleted */
    size_t n_templates, cap_templates;
    struct sbx_table template_names, template_ids;

    struct sbx_table media;
    struct sbx_media *media_first, **media_tail; /* oldest first */
    size_t media_bytes, media_files;

    pthread_mutex_t transfer_lock; /* what follows; taken after `lock` if both */
    pthread_cond_t transfer_wake;
    struct sbx_transfer *transfers, **transfers_tail;
    pthread_t transfer_thread;
    bool transfer_running, transfer_stop;

    struct sbx_hooks hooks;

    struct sbx_fault_rule *faults;
    atomic_uint n_faults;
    struct call *hung;
    unsigned n_hung;

    struct sbx_standing standing;
    struct sbx_answers answers;
    struct sbx_people people;
    pthread_mutex_t parser_lock;
    struct json_parser *parsers[32];
    size_t n_parsers;
};

/* sandbox_state.c */
void sbx_answers_reset(struct sandbox *sb); /* [lock] sandbox_answers.c */
void sbx_state_init(struct sandbox *sb);    /* numbers, ledger, pairs from the options */
void sbx_state_done(struct sandbox *sb);
void sbx_state_reset(struct sandbox *sb); /* [lock] back to the seed; webhook settings stay */
struct sbx_number *sbx_number_find(struct sandbox *sb, struct str id);
struct sbx_number *sbx_number_by_digits(struct sandbox *sb, struct str display); /* however it is written; NULL */
uint64_t sbx_random(struct sandbox *sb);
/* A media, template or message id as Meta writes them: 15 or 16 digits, unique here. out holds >= 24 bytes. */
char *sbx_new_id(struct sandbox *sb, char *out);
/* "wamid.…" for a message to or from the digits. out holds >= SBX_WAMID bytes. */
#define SBX_WAMID 160
char *sbx_new_wamid(struct sandbox *sb, struct str digits, char *out);
/* Replaces an owned text; {NULL,0} is "". */
void sbx_set_text(char **field, struct str text);
void sbx_base64(struct buf *b, const void *p, size_t n);
/* [lock] The pair's record; NULL when unknown and !create, or when a million pairs are known. */
struct sbx_pair *sbx_pair(struct sandbox *sb, struct str number_id, struct str user, bool create);
/* [lock] Appends m (whose reference is taken over) and drops the oldest beyond the limits. */
void sbx_ledger_add(struct sandbox *sb, struct sbx_message *m);
struct sbx_message *sbx_ledger_at(const struct sandbox *sb, uint64_t seq); /* [lock] NULL when gone */
void sbx_message_unref(struct sbx_message *m);                             /* [lock] */
struct json_parser *sbx_parser_take(struct sandbox *sb);
void sbx_parser_give(struct sandbox *sb, struct json_parser *p);

/* sandbox_standing.c */
void sbx_standing_reset(struct sandbox *sb);

/* sandbox_webhooks.c */
void sbx_hooks_init(struct sandbox *sb);
void sbx_hooks_done(struct sandbox *sb);
void sbx_hooks_reset(struct sandbox *sb);                              /* [lock] forgets what waits */
void sbx_hooks_status_plan(struct sandbox *sb, struct sbx_message *m); /* [lock] sent, delivered, read or failed */
/* [lock] One of them, after so many ms; below 0: never. */
void sbx_hooks_plan(struct sandbox *sb, struct sbx_message *m, enum sbx_status status, int64_t after_ms);
/* [lock] A change, {"field":…,"value":…}, to every app that wants to hear of it. */
void sbx_hooks_change(struct sandbox *sb, const struct sbx_about *about, struct str change_json);
void sbx_hooks_raw(struct sandbox *sb, struct str body);    /* [lock] the body exactly as given */
void sbx_hooks_set_mode(struct sandbox *sb, unsigned mode); /* [lock] leaving HOLD releases what is held */
void sbx_hooks_forget_planned(struct sandbox *sb);          /* drops what the timer holds; without the lock */
void sbx_hooks_round(void *sandbox);                        /* timer thread: posts what is ready */
extern const char *const sbx_mode_names[7];                 /* by bit */
extern const char *const sbx_status_names[4];
extern const char *const sbx_hook_names[5];

/* sandbox_media.c */
void sbx_media_init(struct sandbox *sb);
void sbx_media_clear(struct sandbox *sb);                      /* [lock] */
bool sbx_media_known(const struct sandbox *sb, struct str id); /* [lock] */

/* sandbox_transfer.c */
int sbx_transfers_start(struct sandbox *sb, struct err *e);
void sbx_transfers_stop(struct sandbox *sb);
void sbx_transfer_receive(struct sandbox *sb, struct http_req *rq);
/* For the server's refusals: whether the caller may (and must) answer this request. */
bool sbx_transfer_claim(struct http_req *rq);

#endif
