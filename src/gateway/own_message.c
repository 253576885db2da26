/* SPDX-License-Identifier: Apache-2.0
 * own_message.c - submits what the gateway has to say, and tells what the door said to it.
 *
 * Nobody waits for Meta's answer here: the message is judged and, unless a rule denies it, taken into the outbox, which answers
 * for it from then on. The body under a key may differ from one attempt to the next, because a window closes or a text is
 * changed in the configuration: the first that was taken is the message, so the key alone is what is compared. */
#include "gateway/own_message.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/own_send.h"

#define MEMORY (1u << 20)

struct own_job {
    struct own_send own;
    own_message_told *told;
    void *ctx;
};

static void end(struct own_job *j, struct own_message_fate *fate)
{
    own_message_told *told = j->told;
    void *ctx = j->ctx;
    own_send_done(&j->own);
    arena_free(j->own.arena);
    free(j);
    told(ctx, fate);
}

static void failed(struct own_send *own, const struct err *why)
{
    struct own_message_fate fate = {.rc = why->code != 0 ? why->code : WL_EIO, .err = *why};
    end(container_of(own, struct own_job, own), &fate);
}

static void decided(struct send *s)
{
    struct own_job *j = s->user;
    const struct finding *main = s->replayed ? NULL : decision_main(&s->decision);
    struct own_message_fate fate = {.bucket = s->message.bucket, .msg = s->message.id};
    if (s->job.rc != 0) {
        failed(&j->own, &s->job.err);
        return;
    }
    fate.taken = s->replayed || s->message.life.state == LIFE_WAITING;
    if (!fate.taken && main != NULL) {
        snprintf(fate.rule, sizeof fate.rule, "%s", rule_id(main->rule));
        fate.until = s->decision.verdict == VERDICT_HOLD ? s->decision.until : 0;
        err_set(&fate.err, WL_EDENIED, "%s", rule_reason(main->rule));
    }
    end(j, &fate);
}

static int fill(struct own_job *j, const struct own_message *m, struct err *e)
{
    struct own_send *o = &j->own;
    char *body = arena_strndup(o->arena, m->body.p, m->body.n);
    char *key = arena_strndup(o->arena, m->key.p, m->key.n);
    if (body == NULL || key == NULL)
        return err_set(e, WL_ENOMEM, "the message is too large");
    o->body = (struct str){body, m->body.n};
    o->send.body = o->body;
    o->send.key.text = (struct str){key, m->key.n};
    o->send.expires = m->expires;
    return 0;
}

int own_message_submit(struct gateway *g, const struct own_message *m, own_message_told *told, void *ctx, struct err *e)
{
    struct own_job *j = calloc(1, sizeof *j);
    if (j == NULL || (j->own.arena = arena_create(MEMORY)) == NULL)
        abort();
    j->told = told;
    j->ctx = ctx;
    j->own.failed = failed;
    j->own.send = (struct send){.mode = SEND_ACCEPT, .our_id = true, .decided = decided, .user = j};
    int rc = fill(j, m, e);
    if (rc == 0)
        rc = own_send_token(&j->own, g, m->sender, e);
    if (rc != 0) {
        own_send_done(&j->own);
        arena_free(j->own.arena);
        free(j);
        return rc;
    }
    own_send_submit(&j->own);
    return 0;
}
