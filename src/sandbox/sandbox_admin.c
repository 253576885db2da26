/* SPDX-License-Identifier: Apache-2.0
 * sandbox_admin.c - the imitation's own calls under /_sandbox/: faults, simulated users, webhooks, ledger, reset.
 *
 * They come through the same listener and are answered only to this machine, and not to a web page (a request with an
 * Origin header is refused, whatever it says). No token is needed. Errors are plain: {"error":{"message":…}}. */
#include "sandbox/sandbox_apps.h"
#include "sandbox/sandbox_events.h"
#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_people_live.h"
#include "sandbox/sandbox_templates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER_PAGE     100
#define LEDGER_PAGE_MAX 1000
#define LEDGER_BYTES    (32u << 20)
#define LINES_MAX       50000

static void refuse(struct call *c, int status, const char *message)
{
    buf_clear(&c->out);
    json_out_init(&c->jo, &c->out);
    c->status = status;
    jo_object(&c->jo);
    jo_key(&c->jo, "error");
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "message", message);
    jo_kcstr(&c->jo, "type", "SandboxException");
    jo_end(&c->jo);
    jo_end(&c->jo);
}

/* --- faults ------------------------------------------------------------------------------------------- */

static void faults_get(struct call *c)
{
    sbx_faults_write(c);
}

static void faults_post(struct call *c)
{
    struct err e = {0};
    if (sbx_fault_add(c, &e) != 0)
        refuse(c, 400, e.text);
    else
        sbx_success(c);
}

static void faults_delete(struct call *c)
{
    sbx_faults_clear(c->sb);
    sbx_success(c);
}

/* --- simulated users ---------------------------------------------------------------------------------- */

struct inbound {
    struct sbx_number *number;
    struct str from, user_id, name;
    int64_t at_s;
    char id[SBX_WAMID];
};

static bool read_inbound(struct call *c, struct inbound *in)
{
    struct str number_id = sbx_param(c, "phone_number_id"), given = sbx_param(c, "id");
    in->number = number_id.n > 0 ? sbx_number_find(c->sb, number_id) : &c->sb->numbers[0];
    in->from = sbx_digits(c, sbx_param(c, "from"));
    in->user_id = sbx_param(c, "user_id");
    in->name = sbx_param(c, "name");
    in->at_s = c->now_ms / 1000;
    if (in->number == NULL) {
        refuse(c, 404, "there is no such phone_number_id");
        return false;
    }
    if (in->from.n == 0 && in->user_id.n == 0) {
        refuse(c, 400, "\"from\" (a phone number) or \"user_id\" is missing");
        return false;
    }
    if (sbx_param(c, "timestamp").n > 0 && !str_i64(sbx_param(c, "timestamp"), &in->at_s)) {
        refuse(c, 400, "\"timestamp\" must be seconds since 1970");
        return false;
    }
    sbx_new_wamid(c->sb, in->from.n > 0 ? in->from : STR("0"), in->id);
    if (given.n > 0 && given.n < sizeof in->id)
        snprintf(in->id, sizeof in->id, "%.*s", (int)given.n, given.p);
    return true;
}

static void open_value(struct json_out *o, const struct inbound *in)
{
    jo_object(o);
    jo_key(o, "value");
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_key(o, "metadata");
    jo_object(o);
    jo_kcstr(o, "display_phone_number", in->number->digits);
    jo_kcstr(o, "phone_number_id", in->number->id);
    jo_end(o);
    jo_key(o, "contacts");
    jo_array(o);
    jo_object(o);
    jo_key(o, "profile");
    jo_object(o);
    jo_kstr(o, "name", in->name.n > 0 ? in->name : STR("Sandbox User"));
    jo_end(o);
    if (in->from.n > 0)
        jo_kstr(o, "wa_id", in->from);
    if (in->user_id.n > 0)
        jo_kstr(o, "user_id", in->user_id);
    jo_end(o);
    jo_end(o);
}

static void copy_member(struct json_out *o, struct str key, struct json v)
{
    struct buf text;
    buf_init(&text, 4u << 20);
    json_write_value(&text, v);
    jo_key_str(o, key);
    jo_raw(o, buf_str(&text));
    buf_done(&text);
}

static bool ours(struct str key)
{
    return str_eq(key, STR("from")) || str_eq(key, STR("from_user_id")) || str_eq(key, STR("id")) ||
           str_eq(key, STR("timestamp"));
}

/* The message as given whole, or {"text": "…"}, or {"type": T, T: {…}}; context and referral come along. */
static void write_content(struct call *c, struct json_out *o)
{
    struct json message = json_get(c->params, "message"), text = json_get(c->params, "text");
    static const char *const extras[] = {"context", "referral", "errors", "unsupported"};
    struct str plain;
    if (json_type(message) == JSON_OBJECT) {
        for (struct json_iter it = json_iter(message); json_next(&it);)
            if (!ours(it.key))
                copy_member(o, it.key, it.value);
        return;
    }
    struct str type = json_str_or(json_get(c->params, "type"), STR("text"));
    char *key = arena_strndup(c->a, type.p, type.n);
    jo_kstr(o, "type", type);
    if (json_str(text, &plain)) {
        jo_key(o, "text");
        jo_object(o);
        jo_kstr(o, "body", plain);
        jo_end(o);
    } else if (key != NULL && json_type(json_get(c->params, key)) != JSON_ABSENT) {
        copy_member(o, type, json_get(c->params, key));
    }
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        if (json_type(json_get(c->params, extras[i])) != JSON_ABSENT)
            copy_member(o, str_of(extras[i]), json_get(c->params, extras[i]));
}

static void write_message(struct call *c, struct json_out *o, const struct inbound *in)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)in->at_s);
    open_value(o, in);
    jo_key(o, "messages");
    jo_array(o);
    jo_object(o);
    if (in->from.n > 0)
        jo_kstr(o, "from", in->from);
    if (in->user_id.n > 0)
        jo_kstr(o, "from_user_id", in->user_id);
    jo_kcstr(o, "id", in->id);
    jo_kcstr(o, "timestamp", seconds);
    write_content(c, o);
    jo_end(o);
    jo_end(o);
    jo_end(o);
    jo_kcstr(o, "field", "messages");
    jo_end(o);
}

static void write_preferences(struct json_out *o, const struct inbound *in, bool stop)
{
    open_value(o, in);
    jo_key(o, "user_preferences");
    jo_array(o);
    jo_object(o);
    if (in->from.n > 0)
        jo_kstr(o, "wa_id", in->from);
    if (in->user_id.n > 0)
        jo_kstr(o, "user_id", in->user_id);
    jo_kcstr(o, "detail",
             stop ? "User requested to stop marketing messages" : "User requested to resume marketing messages");
    jo_kcstr(o, "category", "marketing_messages");
    jo_kcstr(o, "value", stop ? "stop" : "resume");
    jo_kint(o, "timestamp", in->at_s);
    jo_end(o);
    jo_end(o);
    jo_end(o);
    jo_kcstr(o, "field", "user_preferences");
    jo_end(o);
}

/* What the event means for later sends, under each name the person has. */
static void apply_inbound(struct call *c, const struct inbound *in, struct str preference)
{
    struct str names[2] = {in->from, in->user_id};
    for (int i = 0; i < 2; i++) {
        struct sbx_pair *p = names[i].n ? sbx_pair(c->sb, str_of(in->number->id), names[i], true) : NULL;
        if (p == NULL)
            continue;
        if (preference.n > 0)
            p->stopped = str_eq(preference, STR("stop"));
        else if (in->at_s * 1000 > p->inbound_ms)
            p->inbound_ms = in->at_s * 1000;
    }
}

static void inbound_user(struct call *c)
{
    struct inbound in = {0};
    struct str preference = sbx_param(c, "user_preferences");
    struct buf text;
    struct json_out o;
    if (!read_inbound(c, &in))
        return;
    if (preference.n > 0 && !str_eq(preference, STR("stop")) && !str_eq(preference, STR("resume"))) {
        refuse(c, 400, "\"user_preferences\" is \"stop\" or \"resume\"");
        return;
    }
    buf_init(&text, 4u << 20);
    json_out_init(&o, &text);
    if (preference.n > 0)
        write_preferences(&o, &in, str_eq(preference, STR("stop")));
    else
        write_message(c, &o, &in);
    apply_inbound(c, &in, preference);
    if (preference.n == 0)
        sbx_limits_inbound(c->sb, in.number);
    const struct sbx_about about = {preference.n > 0 ? STR("user_preferences") : STR("messages"), str_of(in.number->id),
                                    0};
    sbx_hooks_change(c->sb, &about, buf_str(&text));
    buf_done(&text);
    jo_object(&c->jo);
    jo_kbool(&c->jo, "success", true);
    if (preference.n == 0)
        jo_kcstr(&c->jo, "id", in.id);
    jo_end(&c->jo);
}

static void inbound_template(struct call *c, struct json spec)
{
    struct str name = json_str_or(json_get(spec, "name"), STR("")), none = {NULL, 0};
    struct str language = json_str_or(json_get(spec, "language"), STR("en_US"));
    struct str event = json_str_or(json_get(spec, "event"), STR("")),
               reason = json_str_or(json_get(spec, "reason"), none);
    struct sbx_template *t = sbx_template_find(c->sb, name, language);
    if (t == NULL)
        refuse(c, 404, "there is no such template in that language");
    else if (event.n == 0)
        refuse(c, 400, "\"event\" is missing, for example \"PAUSED\"");
    else {
        sbx_template_event(c->sb, t, event, reason);
        sbx_success(c);
    }
}

static void inbound_change(struct call *c, struct json change)
{
    const struct sbx_about about = {json_str_or(json_get(change, "field"), STR("")),
                                    json_str_or(json_at(json_get(change, "value"), "metadata", "phone_number_id"),
                                                (struct str){NULL, 0}),
                                    0};
    struct buf b;
    buf_init(&b, 4u << 20);
    json_write_value(&b, change);
    sbx_hooks_change(c->sb, &about, buf_str(&b));
    buf_done(&b);
    sbx_success(c);
}

static void inbound_raw(struct call *c, struct json raw)
{
    struct str text;
    struct buf b;
    buf_init(&b, 4u << 20);
    if (!json_str(raw, &text)) {
        json_write_value(&b, raw);
        text = buf_str(&b);
    }
    sbx_hooks_raw(c->sb, text);
    buf_done(&b);
    sbx_success(c);
}

static void inbound_post(struct call *c)
{
    struct json raw = json_get(c->params, "raw"), change = json_get(c->params, "change");
    struct json template = json_get(c->params, "template");
    if (json_type(raw) == JSON_STRING || json_type(raw) == JSON_OBJECT)
        inbound_raw(c, raw);
    else if (json_type(change) == JSON_OBJECT)
        inbound_change(c, change);
    else if (json_type(template) == JSON_OBJECT)
        inbound_template(c, template);
    else
        inbound_user(c);
}

/* --- webhooks ----------------------------------------------------------------------------------------- */

/* The words of the mode, with ", " between them. */
static void write_mode(struct json_out *o, unsigned mode)
{
    struct buf b;
    buf_init(&b, 256);
    for (unsigned i = 0; i < sizeof sbx_mode_names / sizeof *sbx_mode_names; i++)
        if (mode & 1u << i)
            buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", sbx_mode_names[i]);
    jo_kcstr(o, "mode", b.len > 0 ? buf_cstr(&b) : "normal");
    buf_done(&b);
}

static void webhook_get(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct sbx_hooks *h = &sb->hooks;
    struct json_out *o = &c->jo;
    struct sbx_app all = {0};
    for (size_t i = 0; i < h->n_apps; i++) {
        all.in_flight += h->apps[i]->in_flight;
        all.delivered += h->apps[i]->delivered;
        all.failed += h->apps[i]->failed;
        all.dropped += h->apps[i]->dropped;
    }
    jo_object(o);
    jo_kcstr(o, "url", h->apps[0]->url);
    write_mode(o, h->mode);
    jo_kint(o, "sent_ms", sb->o.sent_ms);
    jo_kint(o, "delivered_ms", sb->o.delivered_ms);
    jo_kint(o, "read_ms", sb->o.read_ms);
    jo_kint(o, "template_review_ms", sb->o.template_review_ms);
    jo_kint(o, "retry_ms", sb->o.retry_ms);
    jo_kbool(o, "retry_all", h->retry_all);
    jo_kint(o, "batch", sb->o.webhook_batch);
    jo_kint(o, "parallel", sb->o.webhook_parallel);
    jo_kint(o, "waiting", (int64_t)h->waiting);
    jo_kint(o, "planned", (int64_t)sbx_timer_count(&sb->timer));
    jo_kint(o, "in_flight", all.in_flight);
    jo_kint(o, "delivered", (int64_t)all.delivered);
    jo_kint(o, "failed_attempts", (int64_t)all.failed);
    jo_kint(o, "dropped", (int64_t)all.dropped);
    jo_end(o);
}

static bool take_number(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret)
{
    struct str text = sbx_param(c, name);
    int64_t v;
    if (text.p == NULL)
        return true;
    if (!str_i64(text, &v) || v < min || v > max) {
        refuse(c, 400,
               arena_printf(c->a, "\"%s\" must be a number from %lld to %lld", name, (long long)min, (long long)max));
        return false;
    }
    *ret = v;
    return true;
}

static bool mode_word(struct str word, unsigned *ret)
{
    for (unsigned i = 0; i < sizeof sbx_mode_names / sizeof *sbx_mode_names; i++)
        if (str_eq(word, str_of(sbx_mode_names[i]))) {
            *ret |= 1u << i;
            return true;
        }
    return str_eq(word, STR("normal"));
}

static bool take_mode(struct call *c)
{
    struct str rest = sbx_param(c, "mode");
    unsigned mode = 0;
    bool ok = true;
    if (rest.n == 0)
        return true;
    while (rest.n > 0)
        ok = mode_word(str_trim(str_cut(rest, ',', &rest)), &mode) && ok;
    if (!ok || ((mode & SBX_SPLIT) && (mode & SBX_MERGE)) || ((mode & SBX_HOLD) && (mode & SBX_DROP))) {
        refuse(c, 400, "\"mode\" is normal, or some of duplicate, out_of_order, shuffle, split or merge, hold or drop");
        return false;
    }
    sbx_hooks_set_mode(c->sb, mode);
    return true;
}

static void take_text(struct call *c, const char *name, char **field)
{
    if (sbx_param(c, name).p != NULL)
        sbx_set_text(field, sbx_param(c, name));
}

/* [lock] Everything but the address. */
static bool take_settings(struct call *c)
{
    struct sandbox_options *o = &c->sb->o;
    int64_t batch = o->webhook_batch, parallel = o->webhook_parallel;
    const int64_t day = 86400000;
    if (!take_number(c, "sent_ms", -1, day, &o->sent_ms) ||
        !take_number(c, "delivered_ms", -1, day, &o->delivered_ms) ||
        !take_number(c, "read_ms", -1, day, &o->read_ms) ||
        !take_number(c, "template_review_ms", 0, day, &o->template_review_ms) ||
        !take_number(c, "retry_ms", 1, day, &o->retry_ms) || !take_number(c, "batch", 1, 1000, &batch) ||
        !take_number(c, "parallel", 1, 1000, &parallel) || !take_mode(c))
        return false;
    o->webhook_batch = (unsigned)batch;
    o->webhook_parallel = (unsigned)parallel;
    if (sbx_param(c, "retry_all").n > 0)
        c->sb->hooks.retry_all = str_eq(sbx_param(c, "retry_all"), STR("true"));
    take_text(c, "secret", &c->sb->hooks.apps[0]->secret);
    take_text(c, "verify_token", &c->sb->hooks.apps[0]->verify_token);
    return true;
}

static void take_url(struct call *c, bool ok)
{
    if (!ok) {
        refuse(c, 400,
               "the address did not answer 200 with hub.challenge; add \"verify\":false to set it all the same");
        return;
    }
    pthread_mutex_lock(&c->sb->lock);
    sbx_set_text(&c->sb->hooks.apps[0]->url, sbx_param(c, "url"));
    webhook_get(c);
    pthread_mutex_unlock(&c->sb->lock);
}

static void webhook_post(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct str url = sbx_param(c, "url");
    pthread_mutex_lock(&sb->lock);
    bool ok = take_settings(c);
    struct str verify_token = str_of(arena_strdup(c->a, sb->hooks.apps[0]->verify_token));
    bool verify = url.n > 0 && !str_eq(sbx_param(c, "verify"), STR("false"));
    if (ok && !verify) {
        if (url.p != NULL)
            sbx_set_text(&sb->hooks.apps[0]->url, url);
        webhook_get(c);
    }
    pthread_mutex_unlock(&sb->lock);
    if (ok && verify)
        sbx_handshake(c, url, verify_token, take_url);
}

/* --- ledger and state --------------------------------------------------------------------------------- */

static bool shown(struct call *c, const struct sbx_message *m)
{
    struct str number_id = sbx_param(c, "phone_number_id"), to = sbx_param(c, "to");
    return (number_id.n == 0 || str_eq(number_id, m->number_id)) &&
           (to.n == 0 || str_eq(to, m->to) || str_eq(to, m->user));
}

/* On one line: whatever would end it becomes a question mark. */
static void put_line(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        buf_put(out, (unsigned char)text.p[i] < ' ' ? "?" : text.p + i, 1);
    buf_put(out, "\n", 1);
}

/* One line a message: seq, when, number, who, the caller's own data. For whoever reads along with a fast sender. */
static void lines_get(struct call *c)
{
    struct sandbox *sb = c->sb;
    int64_t after = 0, limit = LINES_MAX;
    if (!take_number(c, "after", 0, INT64_MAX / 2, &after) || !take_number(c, "limit", 1, LINES_MAX, &limit))
        return;
    uint64_t seq = (uint64_t)after + 1 > sb->first_seq ? (uint64_t)after + 1 : sb->first_seq;
    c->answer_type = "text/plain; charset=UTF-8";
    for (; seq < sb->next_seq && limit > 0; seq++, limit--) {
        const struct sbx_message *m = sbx_ledger_at(sb, seq);
        buf_printf(&c->out, "%llu %lld %.*s %.*s ", (unsigned long long)m->seq, (long long)m->at_ms,
                   (int)m->number_id.n, m->number_id.p, (int)m->user.n, m->user.p);
        put_line(&c->out, m->callback);
    }
}

static void limits_post(struct call *c)
{
    struct sandbox_options *o = &c->sb->o;
    int64_t rate = o->mps_limit;
    struct str pair = sbx_param(c, "pair_limit");
    if (!take_number(c, "rate", 0, 1000000, &rate) || !take_number(c, "burst_ms", 0, 60000, &o->mps_burst_ms))
        return;
    o->mps_limit = (unsigned)rate;
    if (pair.n > 0)
        o->pair_limit = str_eq(pair, STR("true"));
    sbx_limits_write(c);
}

static void ledger_get(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct json_out *o = &c->jo;
    struct str wamid = sbx_param(c, "wamid");
    int64_t after = 0, limit = LEDGER_PAGE;
    if (!take_number(c, "after", 0, INT64_MAX / 2, &after) || !take_number(c, "limit", 1, LEDGER_PAGE_MAX, &limit))
        return;
    uint64_t seq = (uint64_t)after + 1 > sb->first_seq ? (uint64_t)after + 1 : sb->first_seq;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    if (wamid.n > 0) {
        const struct sbx_message *m = sbx_table_get(&sb->by_wamid, wamid);
        if (m != NULL)
            sbx_message_write(o, m);
        seq = sb->next_seq;
    }
    for (; seq < sb->next_seq && limit > 0 && c->out.len < LEDGER_BYTES; seq++) {
        const struct sbx_message *m = sbx_ledger_at(sb, seq);
        if (!shown(c, m))
            continue;
        sbx_message_write(o, m);
        limit--;
    }
    jo_end(o);
    jo_kint(o, "next", (int64_t)seq - 1); /* give this as `after` */
    jo_kbool(o, "more", seq < sb->next_seq);
    jo_kint(o, "accepted", (int64_t)sb->next_seq - 1);
    jo_kint(o, "dropped", (int64_t)sb->dropped);
    jo_end(o);
}

static void stats_get(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_kint(o, "calls", (int64_t)sb->calls);
    jo_kint(o, "refused", (int64_t)sb->refused);
    jo_kint(o, "slowed", (int64_t)sb->slowed);
    jo_kint(o, "accepted", (int64_t)sb->next_seq - 1);
    jo_kint(o, "ledger", (int64_t)(sb->next_seq - sb->first_seq));
    jo_kint(o, "ledger_bytes", (int64_t)sb->ledger_bytes);
    jo_kint(o, "dropped", (int64_t)sb->dropped);
    jo_kint(o, "pairs", (int64_t)sb->pairs.n);
    jo_kint(o, "templates", (int64_t)sb->template_ids.n);
    jo_kint(o, "media", (int64_t)sb->media.n);
    jo_kint(o, "media_bytes", (int64_t)sb->media_bytes);
    jo_kint(o, "faults", atomic_load(&sb->n_faults));
    jo_kint(o, "hanging", sb->n_hung);
    jo_key(o, "webhook");
    webhook_get(c);
    jo_end(o);
}

static void reset_post(struct call *c)
{
    struct sandbox *sb = c->sb;
    sbx_release_hung(sb);
    sbx_hooks_forget_planned(sb);
    pthread_mutex_lock(&sb->lock);
    sbx_faults_clear(sb);
    sbx_hooks_reset(sb);
    sbx_state_reset(sb);
    sbx_media_clear(sb);
    sbx_templates_clear(sb);
    sbx_templates_seed(sb);
    pthread_mutex_unlock(&sb->lock);
    sbx_success(c);
}

/* --- the table ---------------------------------------------------------------------------------------- */

static void index_get(struct call *c);

static const struct admin {
    const char *method, *path;
    bool free; /* takes the lock itself */
    void (*handle)(struct call *c);
    const char *what;
} admins[] = {
    {"GET", "", false, index_get, "this list"},
    {"POST", "faults", false, faults_post, "queue a fault: fault, times, method, path, phone_number_id, to"},
    {"GET", "faults", false, faults_get, "the queue"},
    {"DELETE", "faults", false, faults_delete, "empty the queue"},
    {"POST", "inbound", false, inbound_post,
     "a user's message (from, phone_number_id, text), user_preferences, template, change, raw"},
    {"POST", "event", false, sbx_event_post,
     "a documented event: field, name, value, template, language, phone_number_id, from, user_id, at"},
    {"GET", "event", false, sbx_event_get, "the fields and names there are"},
    {"POST", "apps", true, sbx_apps_post,
     "another app: id, secret, url, verify_token, fields, name, token, subscribed"},
    {"GET", "apps", false, sbx_apps_get, "the apps and what each was delivered"},
    {"POST", "webhook", true, webhook_post,
     "address and secret of the first app; mode, delays, batch, parallel, retry_all"},
    {"GET", "webhook", false, webhook_get, "the settings and what has been delivered"},
    {"POST", "standing", false, sbx_standing_post,
     "a number's phone_number_id, quality_rating, throughput, is_on_biz_app; the portfolio's limit"},
    {"POST", "answers", false, sbx_answers_post,
     "what answers tell: app_usage, account_usage, regain_minutes, unreadable fields, token_expires_at, scopes"},
    {"GET", "ledger", false, ledger_get, "accepted messages: after, limit, wamid, to, phone_number_id"},
    {"GET", "ledger_lines", false, lines_get,
     "the same as lines: seq, time in ms, number, who, callback data: after, limit"},
    {"POST", "limits", false, limits_post, "rate (messages a second per number; 0: none), burst_ms, pair_limit"},
    {"GET", "limits", false, sbx_limits_write, "the limits, and how often 130429 was answered"},
    {"POST", "people", false, sbx_people_post,
     "how people react: read, opt_out, complaint, undeliverable, held_back, receipts_off, reply, seed, speed, factor, "
     "way, "
     "groups, on"},
    {"GET", "people", false, sbx_people_get, "the same, and what was drawn"},
    {"GET", "stats", false, stats_get, "counters"},
    {"POST", "reset", true, reset_post, "forget everything but the webhook settings"},
};

static void index_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (size_t i = 0; i < sizeof admins / sizeof *admins; i++) {
        jo_object(o);
        jo_kcstr(o, "method", admins[i].method);
        jo_kcstr(o, "path", arena_printf(c->a, "/_sandbox/%s", admins[i].path));
        jo_kcstr(o, "what", admins[i].what);
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
}

static bool from_here(struct call *c)
{
    struct str peer = http_peer(c->rq);
    return (str_starts(peer, STR("127.")) || str_eq(peer, STR("::1")) || str_starts(peer, STR("::ffff:127."))) &&
           http_header(c->rq, "Origin").p == NULL;
}

void sbx_admin(struct call *c)
{
    struct str path = c->n_seg > 1 ? c->seg[1] : STR("");
    if (!from_here(c)) {
        refuse(c, 403, "these calls are for the machine the sandbox runs on");
        return;
    }
    for (size_t i = 0; i < sizeof admins / sizeof *admins; i++) {
        if (!str_eq(c->method, str_of(admins[i].method)) || !str_eq(path, str_of(admins[i].path)) || c->n_seg > 2)
            continue;
        if (!admins[i].free)
            pthread_mutex_lock(&c->sb->lock);
        admins[i].handle(c);
        if (!admins[i].free)
            pthread_mutex_unlock(&c->sb->lock);
        return;
    }
    refuse(c, 404, "unknown; GET /_sandbox/ lists the calls");
}
