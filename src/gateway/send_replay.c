/* SPDX-License-Identifier: Apache-2.0
 * send_replay.c - one answer for each state a message can be in.
 *
 * What Meta took is answered as Meta did, with the id the client was given then: Meta's, or ours for a message that went
 * through the outbox. What Meta refused is refused again with its code. What is on its way or in doubt is 409, because a
 * client that took 200 or an error for an answer would forget it or send it twice. Nothing here sends or records. */
#include "gateway/send_replay.h"

#include <stdio.h>

#include "base/clock.h"
#include "core/graph_code.h"
#include "gateway/graph_error.h"
#include "gateway/send_terms.h"

#define ANSWER_MAX   8192
#define DETAILS_MAX  512
#define HELD_STATUS  "held_for_quality_assessment"
#define CODE_GENERAL 131000

struct reply {
    const struct intent *it;
    const struct message *m;
    char id[STORE_ID_TEXT];
};

static void send_reply(struct http_req *rq, int status, const struct reply *r, bool replayed, struct buf *body)
{
    struct http_header h[5];
    size_t n = 0;
    char until[TIME_TEXT];
    h[n++] = (struct http_header){STR("Content-Type"), STR("application/json; charset=UTF-8")};
    h[n++] = (struct http_header){STR("Cache-Control"), STR("no-store")};
    h[n++] = (struct http_header){STR("Wayleave-Message-Id"), str_of(r->id)};
    if (replayed)
        h[n++] = (struct http_header){STR(REPLAYED_HEADER), STR("true")};
    if (r->m->life.state == LIFE_WAITING && r->m->life.at != 0)
        h[n++] = (struct http_header){STR(UNTIL_HEADER), str_of(time_text(r->m->life.at, until))};
    http_reply_buf(rq, status, h, n, body);
}

/* "contacts" as Meta gives it; our reading of the number stands for Meta's, which was told with the first answer. */
static void put_contact(struct json_out *o, const struct intent *it)
{
    jo_key(o, "contacts");
    jo_array(o);
    jo_object(o);
    jo_kstr(o, "input", it->to_text);
    if (it->to.kind == IDENTITY_PHONE)
        jo_kcstr(o, "wa_id", it->to.value);
    else if (it->to.kind == IDENTITY_USER_ID)
        jo_kcstr(o, "user_id", it->to.value);
    jo_end(o);
    jo_end(o);
}

static void success(struct http_req *rq, const struct reply *r, const char *id, bool replayed)
{
    const struct message *m = r->m;
    struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "messaging_product", "whatsapp");
    put_contact(&o, r->it);
    jo_key(&o, "messages");
    jo_array(&o);
    jo_object(&o);
    jo_kcstr(&o, "id", id);
    if (m->life.state == LIFE_WAITING || m->life.held)
        jo_kcstr(&o, "message_status", HELD_STATUS);
    else if (m->kind == INTENT_TEMPLATE)
        jo_kcstr(&o, "message_status", "accepted");
    jo_end(&o);
    jo_end(&o);
    jo_end(&o);
    send_reply(rq, 200, r, replayed, &b);
}

static void failure(struct http_req *rq, const struct reply *r, struct graph_error *g)
{
    struct buf b;
    g->message_id = r->id;
    buf_init(&b, ANSWER_MAX);
    graph_error_body(&b, g, NULL, NULL, NULL);
    send_reply(rq, g->status, r, true, &b);
}

/* Nothing but an answer of Meta's or the end of a doubt settles these. */
static const struct {
    enum life_state state;
    int status, code;
    bool transient;
    const char *message, *details;
} open_states[] = {
    {LIFE_SENDING, 409, CODE_GENERAL, true, "The message with this Idempotency-Key is on its way",
     "Its first request has no answer yet. Ask again with the same key, and do not send it under another."},
    {LIFE_AMBIGUOUS, 409, CODE_GENERAL, true, "Nobody knows yet whether the message with this Idempotency-Key arrived",
     "No answer came to it; a webhook settles it. Ask again with the same key, and do not send it under another."},
    {LIFE_UNDETERMINED, 409, CODE_GENERAL, false, "Nobody knows whether the message with this Idempotency-Key arrived",
     "No answer and no webhook came, and it is not sent again by itself. Whether to send another one is yours to say."},
    {LIFE_UNSENT, 503, 2, true, "The message did not leave",
     "It surely never reached the Graph API and may be sent again."},
    {LIFE_EXPIRED, 400, CODE_GENERAL, false, "The message expired before it could be sent",
     "It waited until it was worthless and was never sent."},
    {LIFE_CANCELLED, 400, CODE_GENERAL, false, "The message was taken back before it was sent",
     "It was cancelled while it waited and was never sent."},
};

static void refused(struct http_req *rq, const struct reply *r)
{
    char details[DETAILS_MAX];
    bool by_meta = r->m->life.state == LIFE_REJECTED;
    const struct graph_code *words = graph_code(r->m->life.code);
    snprintf(details, sizeof details,
             "%s refused this message when it was first asked for; with the same Idempotency-Key the answer stays the "
             "same. GET /wayleave/v1/messages/%s says why.",
             by_meta ? "Meta" : "A rule", r->id);
    failure(rq, r,
            &(struct graph_error){.status = 400,
                                  .code = r->m->life.code != 0 ? r->m->life.code : CODE_GENERAL,
                                  .message = words != NULL ? words->means : "The message was refused",
                                  .details = details});
}

void replay_held(struct http_req *rq, const struct intent *it, const struct message *m)
{
    struct reply r = {.it = it, .m = m};
    store_id_text(m->bucket, m->id, r.id);
    success(rq, &r, r.id, false);
}

void replay_reply(struct http_req *rq, const struct intent *it, const struct message *m)
{
    struct reply r = {.it = it, .m = m};
    enum life_state state = (enum life_state)m->life.state;
    store_id_text(m->bucket, m->id, r.id);
    if (state == LIFE_ACCEPTED || state == LIFE_FAILED || state == LIFE_WAITING) {
        success(rq, &r, m->life.once && m->wamid[0] != '\0' ? m->wamid : r.id, true);
        return;
    }
    for (size_t i = 0; i < sizeof open_states / sizeof open_states[0]; i++) {
        if (open_states[i].state != state)
            continue;
        failure(rq, &r,
                &(struct graph_error){.status = open_states[i].status,
                                      .code = open_states[i].code,
                                      .transient = open_states[i].transient,
                                      .message = open_states[i].message,
                                      .details = open_states[i].details});
        return;
    }
    refused(rq, &r);
}

void replay_conflict(struct http_req *rq, const struct message *m)
{
    char id[STORE_ID_TEXT];
    graph_error_reply(rq, &(struct graph_error){.status = 422,
                                                .code = 100,
                                                .message = "This Idempotency-Key was used for another message",
                                                .message_id = store_id_text(m->bucket, m->id, id),
                                                .details = "The same key is the same message: number, path and "
                                                           "content. Another message wants a key of its own."});
}
