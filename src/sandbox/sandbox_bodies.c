/* SPDX-License-Identifier: Apache-2.0
 * sandbox_bodies.c - the bodies of webhooks: statuses and changes in entries, written as Meta writes them.
 *
 * What belongs to an account or a template has the time of its entry; what is about messages has times of its own and none
 * there. A new entry is begun where the time is another. Merged bodies also begin one after every few changes, and put
 * statuses of one number that follow each other into one change, so that every list Meta may fill has several elements.
 * Non-ASCII text is written as \uXXXX. A raw body goes alone, as it is. */
#include "sandbox/sandbox_apps.h"

#include <stdio.h>
#include <string.h>

#define ENTRY_CHANGES 5 /* changes of an entry of a merged body */

static void write_errors(struct json_out *o, int code)
{
    jo_key(o, "errors");
    jo_array(o);
    jo_object(o);
    jo_kint(o, "code", code);
    jo_kcstr(o, "title", sbx_error_title(code));
    jo_kcstr(o, "message", sbx_error_title(code));
    jo_key(o, "error_data");
    jo_object(o);
    jo_kcstr(o, "details", sbx_error_details(code));
    jo_end(o);
    jo_kcstr(o, "href", "/documentation/business-messaging/whatsapp/support/error-codes");
    jo_end(o);
    jo_end(o);
}

static void write_pricing(struct json_out *o, const struct sbx_message *m)
{
    jo_key(o, "pricing");
    jo_object(o);
    jo_kbool(o, "billable", strcmp(m->pricing_type, "regular") == 0);
    jo_kcstr(o, "pricing_model", "PMP");
    jo_kcstr(o, "type", m->pricing_type);
    jo_kcstr(o, "category", m->category);
    jo_end(o);
}

static void write_status(struct json_out *o, const struct sbx_update *u)
{
    const struct sbx_message *m = u->m;
    char seconds[24];
    int64_t at = u->event < m->n_events ? m->events[u->event].at_ms : m->at_ms;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(at / 1000));
    jo_object(o);
    jo_kstr(o, "id", m->wamid);
    jo_kcstr(o, "status", sbx_status_names[u->status]);
    jo_kcstr(o, "timestamp", seconds);
    jo_kstr(o, m->bsuid ? "recipient_user_id" : "recipient_id", m->user);
    if (m->group)
        jo_kcstr(o, "recipient_type", "group");
    if (m->callback.n > 0)
        jo_kstr(o, "biz_opaque_callback_data", m->callback);
    if (u->status == SBX_FAILED)
        write_errors(o, m->fail_code);
    else if (u->status != SBX_READ)
        write_pricing(o, m);
    jo_end(o);
}

/* A change of statuses is left open, so that more may follow. */
static void begin_statuses(struct json_out *o, const struct sbx_update *u)
{
    jo_object(o);
    jo_key(o, "value");
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_key(o, "metadata");
    jo_object(o);
    jo_kstr(o, "display_phone_number", u->m->display);
    jo_kstr(o, "phone_number_id", u->m->number_id);
    jo_end(o);
    jo_key(o, "statuses");
    jo_array(o);
}

static void end_statuses(struct json_out *o)
{
    jo_end(o);
    jo_end(o);
    jo_kcstr(o, "field", "messages");
    jo_end(o);
}

/* The length of the UTF-8 sequence at p and its code point; the text is known to be valid. */
static size_t code_point(const unsigned char *p, uint32_t *ret)
{
    if (p[0] < 0xe0) {
        *ret = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    }
    if (p[0] < 0xf0) {
        *ret = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return 3;
    }
    *ret = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    return 4;
}

/* Meta writes non-ASCII as \uXXXX in lower-case hex and slashes as \/; both occur only inside strings. */
static void escape(struct buf *out, struct str json)
{
    size_t plain = 0, i = 0;
    while (i < json.n) {
        unsigned char ch = (unsigned char)json.p[i];
        if (ch < 0x80 && ch != '/') {
            i++;
            continue;
        }
        buf_put(out, json.p + plain, i - plain);
        if (ch == '/') {
            buf_puts(out, "\\/");
            i++;
        } else {
            uint32_t cp;
            i += code_point((const unsigned char *)json.p + i, &cp);
            if (cp >= 0x10000)
                buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + ((cp - 0x10000) & 0x3ff));
            else
                buf_printf(out, "\\u%04x", cp);
        }
        plain = i;
    }
    buf_put(out, json.p + plain, json.n - plain);
}

/* The body as far as it is written. */
struct page {
    const struct sandbox *sb;
    struct json_out o;
    bool merge, entry;
    int64_t time;                      /* of the entry in seconds, 0: none */
    size_t changes;                    /* in the entry */
    const struct sbx_update *statuses; /* the first of the change that is open, or NULL */
};

static void end_change(struct page *p)
{
    if (p->statuses != NULL)
        end_statuses(&p->o);
    p->statuses = NULL;
}

static void end_entry(struct page *p)
{
    end_change(p);
    if (!p->entry)
        return;
    jo_end(&p->o);
    jo_end(&p->o);
    p->entry = false;
}

static void begin_entry(struct page *p, int64_t time)
{
    jo_object(&p->o);
    jo_kcstr(&p->o, "id", p->sb->o.waba_id);
    if (time > 0)
        jo_kint(&p->o, "time", time);
    jo_key(&p->o, "changes");
    jo_array(&p->o);
    p->entry = true;
    p->time = time;
    p->changes = 0;
}

static void write_update(struct page *p, const struct sbx_update *u)
{
    int64_t time = str_eq(u->field, STR("messages")) ? 0 : u->at_ms / 1000;
    bool same = p->statuses != NULL && u->m != NULL && str_eq(p->statuses->number_id, u->number_id);
    if (p->merge && same) {
        write_status(&p->o, u);
        return;
    }
    end_change(p);
    if (!p->entry || time != p->time || (p->merge && p->changes == ENTRY_CHANGES)) {
        end_entry(p);
        begin_entry(p, time);
    }
    p->changes++;
    if (u->m == NULL) {
        jo_raw(&p->o, u->text);
        return;
    }
    begin_statuses(&p->o, u);
    write_status(&p->o, u);
    p->statuses = u;
}

struct sbx_update *sbx_body_pack(const struct sandbox *sb, const struct sbx_app *a, struct sbx_update *first,
                                 size_t max, struct buf *ret, size_t *ret_n)
{
    struct page p = {.sb = sb, .merge = (sb->hooks.mode & SBX_MERGE) != 0};
    const char *url = sbx_app_url(sb, a, first->field, first->number_id);
    struct buf text;
    *ret_n = 0;
    if (first->raw) {
        buf_putstr(ret, first->text);
        *ret_n = 1;
        return first->next;
    }
    buf_init(&text, 2 * SBX_BODY_MAX);
    json_out_init(&p.o, &text);
    jo_object(&p.o);
    jo_kcstr(&p.o, "object", "whatsapp_business_account");
    jo_key(&p.o, "entry");
    jo_array(&p.o);
    for (; first != NULL && !first->raw && *ret_n < max && text.len < SBX_BODY_MAX / 4; first = first->next, ++*ret_n) {
        if (strcmp(url, sbx_app_url(sb, a, first->field, first->number_id)) != 0)
            break;
        write_update(&p, first);
    }
    end_entry(&p);
    jo_end(&p.o);
    jo_end(&p.o);
    escape(ret, buf_str(&text));
    buf_done(&text);
    return first;
}
