/* SPDX-License-Identifier: Apache-2.0
 * sandbox_apps.h - the apps that hear of the account's events: who they are, where they listen, what they have yet to hear.
 *
 * As on the real platform every app has an id, a secret that signs what it is sent, and an address; it may name the webhook
 * fields it wants, and replace its address for `messages`: for all of the account, or for one number. The first app is
 * the one of the options. Apps are added and changed, never taken away: what is on its way points to them. Each has a
 * queue of its own, so one that is down delays no other. All of it is [lock]. */
#ifndef WL_SANDBOX_APPS_H
#define WL_SANDBOX_APPS_H

#include "sandbox/sandbox_call.h"

/* One thing to tell: a status of a message, or text ready to be sent. */
struct sbx_update {
    struct sbx_update *next;
    struct sbx_message *m; /* a reference; NULL for text */
    size_t event;          /* index in m->events */
    enum sbx_status status;
    bool raw;      /* text is a whole body, not a change */
    int64_t at_ms; /* when it happened; for the entry's time */
    struct str text, field, number_id;
    char bytes[];
};

struct sbx_app {
    size_t index; /* in the list, and in what messages remember */
    char *id, *name, *secret, *verify_token;
    char *token;        /* its own access token; "": none but id|secret (and the options' for the first) */
    char *url;          /* "": none */
    char *account_url;  /* override of the account, "": none */
    char **number_urls; /* overrides of the numbers, "": none */
    char *fields;       /* ",messages,flows,"; "": all there are */
    bool subscribed;    /* to the account */
    struct sbx_update *ready, **ready_tail, *held, **held_tail;
    struct sbx_delivery *again, **again_tail; /* to be posted once more */
    unsigned in_flight;
    uint64_t delivered, failed, dropped; /* POSTs answered 200; other outcomes; updates never sent */
};

/* sandbox_apps.c */
struct sbx_app *sbx_app_find(const struct sandbox *sb, struct str id);  /* NULL */
struct sbx_app *sbx_app_of_token(struct sandbox *sb, struct str token); /* whose token it is; NULL: nobody's */
/* A new one without an address, subscribed; NULL when there are SBX_APPS. */
struct sbx_app *sbx_app_add(struct sandbox *sb, struct str id, struct str secret, struct str verify_token);
bool sbx_app_has_field(const struct sbx_app *a, struct str field);
/* The fields a call names ("messages,flows" or an array) as they are kept. */
char *sbx_app_fields(struct call *c);
void sbx_app_write_fields(struct json_out *o, const struct sbx_app *a, bool versions);
/* Where it hears of the update; "" when it does not. */
const char *sbx_app_url(const struct sandbox *sb, const struct sbx_app *a, struct str field, struct str number_id);
void sbx_apps_free(struct sandbox *sb);
void sbx_apps_get(struct call *c); /* the calls under /_sandbox/apps */
void sbx_apps_post(struct call *c);

/* sandbox_bodies.c: packs at most max updates from `first` on, all for this address, into one body. Returns the rest. */
struct sbx_update *sbx_body_pack(const struct sandbox *sb, const struct sbx_app *a, struct sbx_update *first,
                                 size_t max, struct buf *ret, size_t *ret_n);
#define SBX_BODY_MAX (3u << 20)

#endif
