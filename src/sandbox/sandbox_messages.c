/* SPDX-License-Identifier: Apache-2.0
 * sandbox_messages.c - accepting messages, remembering them, and their history.
 *
 * A send that passed the checks is counted against the limits (when they are switched on), written to the ledger with
 * its bytes and headers as received, given its webhooks, and answered. What would only fail later on the real platform
 * (window closed, recipient opted out, blocked) is accepted here too and fails by webhook. */
#include "sandbox/sandbox_apps.h"
#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MS 86400000

/* --- what will fail later ----------------------------------------------------------------------------- */

/* What the pair's state means for a message that was accepted: the code it will fail with, 0 for none. */
static int pair_failure(const struct call *c, const struct sbx_send *s, const struct sbx_pair *p, bool window)
{
    bool marketing = s->template != NULL && strcmp(s->template->category, "MARKETING") == 0;
    bool free_form = s->template == NULL && s->direct == NULL && !s->group;
    if (p != NULL && p->blocked)
        return 130403;
    if (p != NULL && p->stopped && marketing)
        return 131050;
    return free_form && !window && !c->sb->o.windows_open ? 131047 : 0;
}

static void foresee(struct call *c, struct sbx_send *s, bool *ret_in_window)
{
    const struct sbx_pair *p = sbx_pair(c->sb, str_of(c->number->id), s->user, false);
    *ret_in_window = p != NULL && p->inbound_ms > 0 && c->now_ms - p->inbound_ms < WINDOW_MS;
    if (c->fault.fail != 0)
        s->fail_code = c->fault.fail;
    if (s->fail_code == 0)
        s->fail_code = pair_failure(c, s, p, *ret_in_window);
}

/* --- remembering -------------------------------------------------------------------------------------- */

static const char *category_of(const struct sbx_send *s)
{
    if (s->template == NULL)
        return s->direct ? s->direct : "service";
    if (s->lite)
        return "marketing_lite";
    return s->template->category[0] == 'M'   ? "marketing"
           : s->template->category[0] == 'U' ? "utility"
                                             : "authentication";
}

static struct str put(char **at, struct str s)
{
    struct str kept = {*at, s.n};
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static void headers_json(struct call *c, struct buf *out)
{
    const struct http_header *h;
    size_t n = http_headers(c->rq, &h);
    struct json_out o;
    json_out_init(&o, out);
    jo_object(&o);
    for (size_t i = 0; i < n; i++) {
        jo_key_str(&o, h[i].name);
        jo_str(&o, h[i].value);
    }
    jo_end(&o);
}

static struct sbx_message *remember(struct call *c, const struct sbx_send *s, bool in_window)
{
    char wamid[SBX_WAMID];
    struct buf headers;
    buf_init(&headers, 1u << 20);
    headers_json(c, &headers);
    struct str texts[] = {str_of(sbx_new_wamid(c->sb, s->user, wamid)),
                          str_of(c->number->id),
                          str_of(c->number->digits),
                          s->to,
                          s->user,
                          s->type,
                          s->template ? s->template->name : (struct str){NULL, 0},
                          s->callback,
                          c->method,
                          c->path,
                          c->query_text,
                          buf_str(&headers),
                          c->body};
    size_t n = sizeof texts / sizeof *texts, bytes = sizeof(struct sbx_message);
    for (size_t i = 0; i < n; i++)
        bytes += texts[i].n;
    struct sbx_message *m = calloc(1, bytes);
    if (m == NULL)
        abort();
    struct str *fields[] = {&m->wamid, &m->number_id,     &m->display,  &m->to,     &m->user,
                            &m->type,  &m->template_name, &m->callback, &m->method, &m->path,
                            &m->query, &m->headers_json,  &m->body};
    char *at = (char *)(m + 1);
    for (size_t i = 0; i < n; i++)
        *fields[i] = put(&at, texts[i]);
    buf_done(&headers);
    m->at_ms = c->now_ms;
    m->refs = 1;
    m->bytes = bytes;
    m->category = category_of(s);
    bool freed = in_window && (s->template == NULL || strcmp(m->category, "utility") == 0) && s->direct == NULL;
    m->pricing_type = freed ? "free_customer_service" : "regular";
    m->fault = sbx_fault_name(&c->fault);
    m->bsuid = s->bsuid;
    m->group = s->group;
    m->body_is_text = c->body_is_text;
    m->fail_code = s->fail_code;
    return m;
}

static void answer_accepted(struct call *c, const struct sbx_message *m)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_key(o, "contacts");
    jo_array(o);
    jo_object(o);
    jo_kstr(o, "input", m->to);
    jo_kstr(o, m->bsuid ? "user_id" : "wa_id", m->user);
    jo_end(o);
    jo_end(o);
    jo_key(o, "messages");
    jo_array(o);
    jo_object(o);
    jo_kstr(o, "id", m->wamid);
    if (m->group)
        jo_kstr(o, "group_id", m->user);
    if (m->template_name.n > 0)
        jo_kcstr(o, "message_status", "accepted");
    jo_end(o);
    jo_end(o);
    jo_end(o);
}

static void send(struct call *c, bool lite)
{
    struct sbx_send s = {.lite = lite};
    bool in_window;
    if (!c->number->registered) {
        sbx_fail(c, 133010, NULL);
        return;
    }
    if (!sbx_validate(c, &s) || !sbx_standing_allows(c, &s) || !sbx_limits_take(c, &s))
        return;
    foresee(c, &s, &in_window);
    struct sbx_message *m = remember(c, &s, in_window);
    sbx_ledger_add(c->sb, m);
    sbx_hooks_status_plan(c->sb, m);
    answer_accepted(c, m);
}

/* Read receipts and typing indicators come to the same address but are no messages. */
static void mark_read(struct call *c)
{
    if (!str_ieq(json_str_or(json_get(c->params, "messaging_product"), STR("")), STR("whatsapp")))
        sbx_fail_param(c, "The parameter messaging_product is required.");
    else if (json_str_or(json_get(c->params, "message_id"), STR("")).n == 0)
        sbx_fail_param(c, "The parameter message_id is required.");
    else
        sbx_success(c);
}

void sbx_messages_post(struct call *c)
{
    struct str status = json_str_or(json_get(c->params, "status"), (struct str){NULL, 0});
    if (status.p == NULL)
        send(c, false);
    else if (str_ieq(status, STR("read")))
        mark_read(c);
    else
        sbx_fail_param(c, "Param status must be one of {READ} - got \"%.*s\".", (int)(status.n < 40 ? status.n : 40),
                       status.p);
}

void sbx_marketing_messages_post(struct call *c)
{
    send(c, true);
}

/* --- reading back ------------------------------------------------------------------------------------- */

/* One line for each app that was to hear of it. */
static void write_history_event(struct json_out *o, const struct sandbox *sb, const struct sbx_message *m, size_t i,
                                const struct sbx_app *app)
{
    static const char *const upper[] = {"SENT", "DELIVERED", "READ", "FAILED"};
    const struct sbx_message_event *e = &m->events[i];
    char id[48];
    snprintf(id, sizeof id, "%llu%zu%zu", (unsigned long long)m->seq + 200000000000ULL, i, app->index);
    jo_object(o);
    jo_kcstr(o, "id", id);
    jo_kcstr(o, "delivery_status", upper[e->status]);
    jo_kint(o, "timestamp", e->at_ms / 1000);
    if (e->hook[app->index] != SBX_HOOK_NONE) {
        jo_kcstr(o, "webhook_update_state", sbx_hook_names[e->hook[app->index]]);
        jo_key(o, "application");
        jo_object(o);
        jo_kcstr(o, "id", app->id);
        jo_end(o);
        jo_kcstr(o, "webhook_uri", sbx_app_url(sb, app, STR("messages"), m->number_id));
    }
    jo_end(o);
}

static void write_history(struct json_out *o, const struct sandbox *sb, const struct sbx_message *m, size_t i)
{
    for (size_t n = 0; n < sb->hooks.n_apps; n++)
        if (n == 0 || m->events[i].hook[n] != SBX_HOOK_NONE)
            write_history_event(o, sb, m, i, sb->hooks.apps[n]);
}

void sbx_message_history_get(struct call *c)
{
    struct str wamid = sbx_param(c, "message_id");
    const struct sbx_message *m = wamid.n > 0 ? sbx_table_get(&c->sb->by_wamid, wamid) : NULL;
    struct json_out *o = &c->jo;
    char id[32];
    if (wamid.n == 0) {
        sbx_fail_param(c, "The parameter message_id is required.");
        return;
    }
    if (m == NULL || !str_eq(m->number_id, str_of(c->number->id))) {
        sbx_error(c, &(struct sbx_error){.http = 422,
                                         .type = "GraphMethodException",
                                         .code = 100,
                                         .message = "The requested message_id was not found in the message history"});
        return;
    }
    snprintf(id, sizeof id, "%llu", (unsigned long long)m->seq + 100000000000ULL);
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    jo_object(o);
    jo_kcstr(o, "id", id);
    jo_kstr(o, "message_id", m->wamid);
    jo_key(o, "events");
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (size_t i = 0; i < m->n_events; i++)
        write_history(o, c->sb, m, i);
    jo_end(o);
    jo_end(o);
    jo_end(o);
    jo_end(o);
    jo_end(o);
}

static bool ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static void write_body(struct json_out *o, const struct sbx_message *m)
{
    if (m->body_is_text || ascii(m->body)) {
        jo_kstr(o, "body", m->body);
        return;
    }
    struct buf text;
    buf_init(&text, 8u << 20);
    sbx_base64(&text, m->body.p, m->body.n);
    jo_kstr(o, "body_base64", buf_str(&text));
    buf_done(&text);
}

void sbx_message_write(struct json_out *o, const struct sbx_message *m)
{
    jo_object(o);
    jo_kint(o, "seq", (int64_t)m->seq);
    jo_kint(o, "at_ms", m->at_ms);
    jo_kstr(o, "wamid", m->wamid);
    jo_kstr(o, "phone_number_id", m->number_id);
    jo_kstr(o, "to", m->to);
    jo_kstr(o, m->bsuid ? "user_id" : "wa_id", m->user);
    jo_kstr(o, "type", m->type);
    if (m->template_name.n > 0)
        jo_kstr(o, "template", m->template_name);
    if (m->callback.n > 0)
        jo_kstr(o, "biz_opaque_callback_data", m->callback);
    jo_kcstr(o, "category", m->category);
    jo_kcstr(o, "fault", m->fault);
    jo_kint(o, "fail_code", m->fail_code);
    jo_key(o, "statuses");
    jo_array(o);
    for (size_t i = 0; i < m->n_events; i++) {
        jo_object(o);
        jo_kcstr(o, "status", sbx_status_names[m->events[i].status]);
        jo_kint(o, "at_ms", m->events[i].at_ms);
        jo_kcstr(o, "webhook", sbx_hook_names[m->events[i].hook[0]]);
        jo_end(o);
    }
    jo_end(o);
    jo_kstr(o, "method", m->method);
    jo_kstr(o, "path", m->path);
    jo_kstr(o, "query", m->query);
    jo_key(o, "headers");
    jo_raw(o, m->headers_json);
    write_body(o, m);
    jo_end(o);
}
