/* SPDX-License-Identifier: Apache-2.0
 * own_send.c - reads the body, asks whoever has to be asked first, and goes to the door.
 *
 * After an introduction the body is read again: what was parsed belongs to the thread that parsed it. */
#include "gateway/own_send.h"

#include <stdlib.h>

#include "gateway/accounts.h"
#include "gateway/greet.h"

int own_send_token(struct own_send *o, struct gateway *g, int64_t sender, struct err *e)
{
    o->send.g = g;
    o->send.sender = sender;
    o->token = accounts_token(g->accounts, sender);
    if (o->token != NULL)
        return 0;
    return err_set(e, WL_EINVAL, "no token is kept for this number: set token_file under senders in the configuration");
}

void own_send_done(struct own_send *o)
{
    if (o->token == NULL)
        return;
    explicit_bzero(o->token, strlen(o->token));
    free(o->token);
    o->token = NULL;
}

static void greeted(struct greeting *gr, bool ok, int status, struct str body)
{
    struct own_send *o = gr->user;
    struct err e = {0};
    bool wait = o->send.mode == SEND_ACCEPT && status == 0; /* the outbox can wait for Meta to be reached again */
    if (ok || wait) {
        own_send_submit(o);
        return;
    }
    if (status != 0)
        err_set(&e, WL_EDENIED, "Meta does not accept the token kept for this number (answer %d)", status);
    else
        err_set(&e, WL_EIO, "the Graph API cannot be reached: %.*s", (int)(body.n < 200 ? body.n : 200), body.p);
    o->failed(o, &e);
}

static int read_body(struct own_send *o, struct err *e)
{
    struct json root;
    int rc = json_parse(thread_json(), o->body, false, &root, e);
    if (rc == 0)
        rc = intent_parse(root, PATH_MESSAGES, o->arena, &o->intent, e);
    if (rc == 0 && o->intent.kind == INTENT_RECEIPT)
        rc = err_set(e, WL_EINVAL, "read receipts are not messages; post them to the Graph API face");
    return rc;
}

void own_send_submit(struct own_send *o)
{
    struct gateway *g = o->send.g;
    struct err e = {0};
    int rc = read_body(o, &e);
    if (rc != 0) {
        o->failed(o, &e);
        return;
    }
    o->send.intent = &o->intent;
    struct snapshot *snap = snapshot_borrow(g->snapshots);
    send_facts(&o->send, snap);
    snapshot_return(snap);
    enum greet what = greet_next(&o->send, str_of(o->token), &o->asked);
    if (what != GREET_NOT) {
        o->greeting = (struct greeting){.ready = greeted, .user = o};
        rc = graph_greet(g, &o->greeting, o->send.sender, str_of(o->token), STR(""), what == GREET_AGAIN, &e);
    } else {
        rc = admit_submit(&o->send, &e);
    }
    if (rc != 0)
        o->failed(o, &e);
}
