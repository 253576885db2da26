/* SPDX-License-Identifier: Apache-2.0
 * doctor_meta.c - what Meta says: the way there, our clock against its, each number with its token, who hears of each account,
 * and what the apps are subscribed to.
 *
 * What Meta writes for people (why something cannot be sent, what would help) is shown as it is. A check that needs a right
 * the token does not have is passed over and says so: it is no fault by itself. */
#include "gateway/doctor_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/graph_code.h"
#include "core/poll.h"
#include "gateway/meta_read.h"
#include "net/form.h"
#include "net/http_probe.h"

#define DAY_MS          86400000ll
#define CLOCK_WARN_MS   2000
#define CLOCK_FAIL_MS   30000
#define TOKEN_WARN_DAYS 7
#define CERT_WARN_DAYS  7
#define ACCOUNTS_MAX    32
#define ROUND_MS        20000

static struct meta meta_of(struct round *r, const char *token)
{
    struct meta m = {.origin = r->d->o->upstream_url,
                     .ca_file = r->d->o->upstream_ca,
                     .version = "",
                     .token = token,
                     .timeout_ms = DOCTOR_CALL_MS,
                     .deadline = clock_now_ms() + ROUND_MS,
                     .parser = r->parser,
                     .arena = r->arena};
    meta_begin(&m);
    return m;
}

/* What a code means and what helps, where we have words for it. */
static const char *helps(const struct meta *m, const char *otherwise)
{
    const struct graph_code *code = graph_code(m->code);
    return code != NULL && code->next != NULL ? code->next : otherwise;
}

/* --- the way there ------------------------------------------------------------------------------------------------- */

/* Nothing listens, or nothing lets us through: where that is says what to do. */
static void advise_connection(struct doctor_line *l, const struct http_probe *p)
{
    bool here = strcmp(p->host, "localhost") == 0 || strncmp(p->host, "127.", 4) == 0 || strcmp(p->host, "[::1]") == 0;
    if (here)
        doctor_advise(l,
                      "start the program that belongs at port %d of this machine (wayleave sandbox?), or correct "
                      "upstream.url",
                      p->port);
    else if (p->port == 443)
        doctor_advise(l, "let this machine make connections to port 443 outside");
    else
        doctor_advise(l, "see whether %s listens at port %d and this machine may reach it, or correct upstream.url",
                      p->host, p->port);
}

static void unreachable(struct round *r, const struct http_probe *p, const char *why)
{
    static const char *const words[] = {"its name is not found", "no connection comes about",
                                        "no trust comes about (TLS)", "no answer comes"};
    static const char *const advice[] = {
        "look at the name servers of this machine (/etc/resolv.conf)", NULL,
        "update the package ca-certificates, set this machine's clock, or correct upstream.ca_file",
        "try again in a minute; if it stays so, look at metastatus.com and at what stands in between"};
    struct doctor_line *l = doctor_say(r, "upstream", DOCTOR_FAIL, advice[p->failed_at],
                                       "upstream.url is %s, and it cannot be reached: %s (%s)", r->d->o->upstream_url,
                                       words[p->failed_at], why);
    if (p->failed_at == HTTP_STEP_CONNECT)
        advise_connection(l, p);
}

static void clock_check(struct round *r, const struct http_probe *p)
{
    int64_t theirs = meta_date(str_of(p->date)), ours = (p->began + p->ended) / 2;
    if (theirs == 0) {
        doctor_say(r, "clock", DOCTOR_SKIP, NULL, "the answer does not say what time it is");
        return;
    }
    int64_t off = ours - (theirs + 500), by = off < 0 ? -off : off; /* a Date is cut to its second */
    by = by > 500 + (p->ended - p->began) / 2 ? by : 0;
    enum doctor_result result = by > CLOCK_FAIL_MS ? DOCTOR_FAIL : by > CLOCK_WARN_MS ? DOCTOR_WARN : DOCTOR_OK;
    if (result == DOCTOR_OK)
        doctor_say(r, "clock", DOCTOR_OK, NULL, "this machine's clock is right within two seconds");
    else
        doctor_say(r, "clock", result, "set the clock by the network: timedatectl set-ntp true",
                   "this machine's clock is %lld seconds %s", (long long)((by + 500) / 1000),
                   off < 0 ? "behind" : "ahead");
}

void doctor_upstream(struct round *r)
{
    struct http_probe p;
    struct err e = {0};
    char url[600];
    snprintf(url, sizeof url, "%s/", r->d->o->upstream_url);
    if (http_probe(url, r->d->o->upstream_ca, DOCTOR_CALL_MS, &p, &e) != 0) {
        unreachable(r, &p, e.text);
        return;
    }
    long long days = (long long)((p.cert_until - clock_now_ms()) / DAY_MS);
    bool soon = p.cert_until != 0 && days < CERT_WARN_DAYS;
    struct doctor_line *l =
        doctor_say(r, "upstream", DOCTOR_OK, NULL, "%s answers after %lld ms, HTTP/%d%s", r->d->o->upstream_url,
                   (long long)p.answer_ms, p.version / 10, p.version == 11 ? ".1" : "");
    if (p.tls && p.cert_until != 0) {
        size_t n = strlen(l->found);
        snprintf(l->found + n, sizeof l->found - n, ", its certificate is valid for %lld more days", days);
    }
    if (soon) {
        l->result = DOCTOR_WARN;
        doctor_advise(l, "if it is not Meta's own, renew the certificate of upstream.url");
    } else if (p.tls && p.version < 20) {
        l->result = DOCTOR_WARN;
        doctor_advise(
            l, "take what stands between this machine and Meta out of the way: without HTTP/2 sending is slower");
    }
    clock_check(r, &p);
}

/* --- a number ------------------------------------------------------------------------------------------------------ */

static char *read_token(struct round *r, const char *file)
{
    char text[8192];
    FILE *f = file != NULL ? fopen(file, "re") : NULL;
    if (f == NULL)
        return NULL;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    struct str t = str_trim((struct str){text, n});
    char *kept = t.n > 0 ? arena_strndup(r->arena, t.p, t.n) : NULL;
    explicit_bzero(text, sizeof text);
    return kept;
}

static bool has_scope(struct json data, const char *scope)
{
    for (struct json_iter it = json_iter(json_get(data, "scopes")); json_next(&it);)
        if (str_eq(json_str_or(it.value, STR("")), str_of(scope)))
            return true;
    return false;
}

static void scopes(struct round *r, struct json data)
{
    static const struct {
        const char *scope, *without;
    } wanted[] = {{"whatsapp_business_messaging", "nothing can be sent"},
                  {"whatsapp_business_management", "templates and the number's state cannot be read"}};
    for (size_t i = 0; i < 2; i++)
        if (!has_scope(data, wanted[i].scope))
            doctor_advise(doctor_say(r, "number.token_rights", DOCTOR_FAIL, NULL, "the token lacks %s: %s",
                                     wanted[i].scope, wanted[i].without),
                          "make a new token of the system user with %s", wanted[i].scope);
}

#define HOUR_MS   3600000ll
#define SPAN_TEXT 32

/* "3 days", "5 hours", "less than an hour". */
static const char *span_text(int64_t ms, char out[SPAN_TEXT])
{
    long long n = ms / DAY_MS;
    const char *unit = "day";
    if (n == 0) {
        n = ms / HOUR_MS;
        unit = "hour";
    }
    if (n == 0)
        snprintf(out, SPAN_TEXT, "less than an hour");
    else
        snprintf(out, SPAN_TEXT, "%lld %s%s", n, unit, n == 1 ? "" : "s");
    return out;
}

static void expiry(struct round *r, struct json data)
{
    int64_t until = 0, now = clock_now_ms();
    char at[TIME_TEXT], span[SPAN_TEXT];
    json_i64(json_get(data, "expires_at"), &until);
    if (until < 0 || until > INT64_MAX / 1000)
        until = 0; /* no time anybody means */
    int64_t left = until * 1000 - now;
    if (until == 0)
        doctor_say(r, "number.token", DOCTOR_OK, NULL, "the token is valid and does not expire");
    else if (left <= 0)
        doctor_say(r, "number.token", DOCTOR_FAIL,
                   "make a token of a system user that does not expire, put it into token_file, then: wayleave numbers "
                   "resume ID",
                   "the token ended %s ago, %s", span_text(-left, span), time_text(until * 1000, at));
    else if (left < TOKEN_WARN_DAYS * DAY_MS)
        doctor_say(r, "number.token", DOCTOR_WARN,
                   "make a token of a system user that does not expire, and put it into token_file",
                   "the token is valid until %s, %s", time_text(until * 1000, at), span_text(left, span));
    else
        doctor_say(r, "number.token", DOCTOR_OK, NULL, "the token is valid until %s", time_text(until * 1000, at));
}

/* Whether there is any use in asking more with it. */
static bool token_valid(struct round *r, struct meta *m)
{
    struct buf path;
    struct json v = {0};
    struct err e = {0};
    bool valid = false;
    int64_t app;
    buf_init(&path, 16384);
    buf_puts(&path, "debug_token?input_token=");
    percent_encode(&path, str_of(m->token));
    int rc = meta_get(m, "the token", buf_cstr(&path), &v, NULL, &e);
    explicit_bzero(path.data, path.len);
    buf_done(&path);
    struct json data = json_get(v, "data");
    if (rc == 0)
        json_bool(json_get(data, "is_valid"), &valid);
    if (rc == WL_EDENIED && poll_end_of(m->status, m->code) != POLL_TOKEN) {
        doctor_say(r, "number.token", DOCTOR_SKIP, NULL, "what the token may do cannot be read: %s", e.text);
        return true;
    }
    if (rc != 0 && rc != WL_EDENIED) {
        doctor_say(r, "number.token", DOCTOR_SKIP, NULL, "Meta could not be asked: %s", e.text);
        return false;
    }
    if (!valid) {
        struct str why = json_str_or(json_at(data, "error", "message"), STR(""));
        doctor_say(r, "number.token", DOCTOR_FAIL,
                   "make a new token of the system user, put it into token_file, then: wayleave numbers resume ID",
                   "Meta does not accept the token%s%.*s", why.n > 0 ? ": " : "", (int)(why.n < 200 ? why.n : 200),
                   why.p);
        return false;
    }
    expiry(r, data);
    scopes(r, data);
    pthread_mutex_lock(&r->d->lock);
    if (r->d->app == 0 && json_id(json_get(data, "app_id"), &app))
        r->d->app = app;
    pthread_mutex_unlock(&r->d->lock);
    return true;
}

/* Meta's own words of what is wrong and what helps, of the first entity that says something. */
static void add_reasons(struct round *r, struct doctor_line *l, struct str detail)
{
    struct json entities;
    if (detail.n == 0 || json_parse(r->parser, detail, false, &entities, NULL) != 0)
        return;
    for (struct json_iter it = json_iter(entities); json_next(&it);) {
        for (struct json_iter error = json_iter(json_get(it.value, "errors")); json_next(&error);) {
            struct str why = json_str_or(json_get(error.value, "error_description"), STR(""));
            struct str help = json_str_or(json_get(error.value, "possible_solution"), STR(""));
            size_t n = strlen(l->found), m = strlen(l->advice);
            snprintf(l->found + n, sizeof l->found - n, "; %.*s", (int)why.n, why.p);
            if (help.n > 0)
                snprintf(l->advice + m, sizeof l->advice - m, "%s%.*s", m > 0 ? " " : "", (int)help.n, help.p);
        }
    }
}

static void health(struct round *r, const char *name, enum health h, struct str detail)
{
    if (h == HEALTH_UNKNOWN)
        return;
    struct doctor_line *l = doctor_say(r, name,
                                       h == HEALTH_BLOCKED   ? DOCTOR_FAIL
                                       : h == HEALTH_LIMITED ? DOCTOR_WARN
                                                             : DOCTOR_OK,
                                       NULL, "Meta says that it can%s send",
                                       h == HEALTH_BLOCKED   ? "not"
                                       : h == HEALTH_LIMITED ? " only to a limited extent"
                                                             : "");
    if (h == HEALTH_AVAILABLE)
        return;
    add_reasons(r, l, detail);
    if (l->advice[0] == '\0')
        doctor_advise(l, "look at the account in WhatsApp Manager, which says more");
}

static void status(struct round *r, struct json v)
{
    struct str word = json_str_or(json_get(v, "status"), STR(""));
    struct str quality = json_str_or(json_get(v, "quality_rating"), STR(""));
    struct str display = json_str_or(json_get(v, "display_phone_number"), STR(""));
    if (word.n > 0 && !str_ieq(word, STR("CONNECTED")))
        doctor_say(r, "number.status", DOCTOR_FAIL,
                   "register the number (POST /{id}/register), or see in WhatsApp Manager why it is so",
                   "%.*s is %.*s; only CONNECTED can send", (int)display.n, display.p, (int)word.n, word.p);
    else
        doctor_say(r, "number.status", DOCTOR_OK, NULL, "%.*s is connected", (int)display.n, display.p);
    bool red = str_ieq(quality, STR("RED")), yellow = str_ieq(quality, STR("YELLOW"));
    if (red || yellow)
        doctor_say(
            r, "number.quality", DOCTOR_WARN,
            "send fewer marketing messages, and only to people who asked for them: people block or report the number",
            "its quality is %s", red ? "RED" : "YELLOW");
    else
        doctor_say(r, "number.quality", DOCTOR_OK, NULL, "its quality is %.*s", (int)quality.n, quality.p);
}

static void name(struct round *r, const struct sender *s)
{
    bool well = strcmp(s->name_status, "APPROVED") == 0 || strcmp(s->name_status, "AVAILABLE_WITHOUT_REVIEW") == 0;
    if (s->name_status[0] == '\0')
        return;
    doctor_say(r, "number.name", well ? DOCTOR_OK : DOCTOR_WARN,
               well ? NULL : "choose or confirm the display name in WhatsApp Manager, then register the number again",
               "its display name is %s", well ? "approved" : s->name_status);
}

/* An address of Meta's for our webhooks, against ours. */
static void address(struct round *r, const char *check, const char *of, struct str url)
{
    char shown[DOCTOR_URL];
    struct buf ours;
    buf_init(&ours, 4096);
    bool known = doctor_public_address(r->d, &ours), same = known && str_eq(url, buf_str(&ours));
    doctor_url(url, shown);
    if (same)
        doctor_say(r, check, DOCTOR_OK, NULL, "webhooks of %s go to %s", of, shown);
    else if (known)
        doctor_advise(doctor_say(r, check, DOCTOR_FAIL, NULL, "webhooks of %s go to %s and not to this gateway", of,
                                 shown),
                      "set that address to %s, or correct public_url and webhook.path", buf_cstr(&ours));
    else if (!str_ends(url, str_of(r->d->o->webhook_path)))
        doctor_say(r, check, DOCTOR_WARN,
                   "see whether that is this gateway, and set public_url and webhook.path to match",
                   "webhooks of %s go to %s, which does not end like webhook.path", of, shown);
    else
        doctor_say(r, check, DOCTOR_OK, NULL, "webhooks of %s go to %s; set public_url to have it compared", of, shown);
    buf_done(&ours);
}

static void number_override(struct round *r, struct meta *m)
{
    char path[64];
    struct json v = {0};
    snprintf(path, sizeof path, "%lld?fields=webhook_configuration", (long long)r->id);
    if (meta_get(m, "the number's address", path, &v, NULL, NULL) != 0)
        return;
    struct str url = json_str_or(json_get(json_get(v, "webhook_configuration"), "phone_number"), STR(""));
    if (url.n > 0)
        address(r, "number.webhook", "this number", url);
}

static void keep_account(struct round *r, int64_t waba)
{
    struct doctor *d = r->d;
    pthread_mutex_lock(&d->lock);
    bool known = false;
    for (size_t i = 0; i < d->n_accounts; i++)
        known |= d->account[i].waba == waba;
    if (!known) {
        d->account[d->n_accounts].waba = waba;
        d->account[d->n_accounts++].sender = r->index;
    }
    pthread_mutex_unlock(&d->lock);
}

static void find_account(struct round *r, struct meta *m)
{
    int64_t waba = r->d->o->senders[r->index].waba, all[ACCOUNTS_MAX];
    size_t n = 0;
    bool has = false, asked = false;
    if (waba != 0) {
        asked = meta_has_number(m, waba, r->id, &has, NULL) == 0;
    } else if (meta_accounts(m, all, ACCOUNTS_MAX, &n, NULL) == 0) {
        for (size_t i = 0; i < n && !has; i++)
            if (meta_has_number(m, all[i], r->id, &has, NULL) == 0 && has)
                waba = all[i];
    }
    if (asked && !has)
        doctor_say(r, "number.account", DOCTOR_FAIL, "correct waba of this sender, or leave it out",
                   "account %lld has no such number", (long long)waba);
    else if (waba == 0)
        doctor_say(r, "number.account", DOCTOR_WARN, "set waba of this sender in the configuration",
                   "its account cannot be found with this token");
    if (waba != 0 && (has || !asked))
        keep_account(r, waba);
}

static void look_at_number(struct round *r, struct meta *m)
{
    char path[128];
    struct json v = {0};
    struct err e = {0};
    struct meta_number n;
    struct meta_skip skip = {0};
    snprintf(path, sizeof path, "%lld?fields=id,display_phone_number,status,quality_rating", (long long)r->id);
    int rc = meta_get(m, "the number", path, &v, NULL, &e);
    if (rc != 0) {
        doctor_say(
            r, "number.status", rc == WL_EIO ? DOCTOR_SKIP : DOCTOR_FAIL,
            helps(m,
                  "see whether the id is a phone_number_id (not the phone number, not the account's), and whether the "
                  "system user was given the account"),
            "the number cannot be read: %s", e.text);
        return;
    }
    status(r, v);
    if (meta_number(m, r->id, &skip, &n, NULL, &e) == 0) {
        name(r, &n.sender);
        health(r, "number.health", n.sender.health, n.sender.health_detail);
    }
    number_override(r, m);
    find_account(r, m);
}

void doctor_number(struct round *r)
{
    const struct sender_option *o = &r->d->o->senders[r->index];
    char *token = read_token(r, o->token_file);
    if (token == NULL) {
        bool named = o->token_file != NULL;
        doctor_say(r, "number.token", named ? DOCTOR_FAIL : DOCTOR_SKIP,
                   named ? "put the token into that file, readable by the user the gateway runs as"
                         : "name a token_file, so that the number can be polled and sent from",
                   "%s%s", named ? "no token can be read from " : "the number has no token_file: it is not looked at",
                   named ? o->token_file : "");
        return;
    }
    struct meta m = meta_of(r, token);
    if (token_valid(r, &m))
        look_at_number(r, &m);
    explicit_bzero(token, strlen(token));
}

/* --- an account ---------------------------------------------------------------------------------------------------- */

static bool is_our_app(const struct doctor *d, int64_t id)
{
    bool any = false;
    for (size_t i = 0; i < doctor_apps(d->o); i++) {
        struct webhook_app app = doctor_app(d->o, i);
        if (app.id == id && id != 0)
            return true;
        any |= app.id != 0;
    }
    return !any; /* we were not told which apps are ours */
}

/* The configured apps that are not among the subscribed ones, each in a line of its own. */
static void left_out(struct round *r, struct json v)
{
    for (size_t i = 0; i < doctor_apps(r->d->o); i++) {
        struct webhook_app app = doctor_app(r->d->o, i);
        bool found = app.id == 0;
        for (struct json_iter it = json_iter(json_get(v, "data")); json_next(&it);) {
            int64_t id = 0;
            json_id(json_get(json_get(it.value, "whatsapp_business_api_data"), "id"), &id);
            found |= id == app.id;
        }
        if (!found)
            doctor_advise(doctor_say(r, "account.subscribed", DOCTOR_WARN, NULL,
                                     "app %lld (%s) is not subscribed to the account: nothing comes through it",
                                     (long long)app.id, i == 0 ? "webhook.app_id" : "webhook.apps"),
                          "subscribe it with a token of that app (POST %s/%lld/subscribed_apps), or take it out of the "
                          "configuration",
                          r->d->o->upstream_url, (long long)r->id);
    }
}

static void subscribed(struct round *r, struct json v)
{
    size_t n = 0, ours = 0;
    for (struct json_iter it = json_iter(json_get(v, "data")); json_next(&it); n++) {
        int64_t id = 0;
        json_id(json_get(json_get(it.value, "whatsapp_business_api_data"), "id"), &id);
        struct str url = json_str_or(json_get(it.value, "override_callback_uri"), STR(""));
        if (!is_our_app(r->d, id))
            continue;
        ours++;
        if (url.n > 0)
            address(r, "account.webhook", "this account", url);
    }
    if (ours > 0)
        doctor_say(r, "account.subscribed", DOCTOR_OK, NULL, "%zu app%s of ours hear%s of it", ours,
                   ours == 1 ? "" : "s", ours == 1 ? "s" : "");
    else
        doctor_advise(doctor_say(r, "account.subscribed", DOCTOR_FAIL, NULL,
                                 n == 0 ? "no app is subscribed to the account: nobody hears of its messages"
                                        : "other apps are subscribed to the account, and none of ours"),
                      "subscribe the app: curl -X POST -H \"Authorization: Bearer $(cat TOKEN_FILE)\" "
                      "%s/%lld/subscribed_apps",
                      r->d->o->upstream_url, (long long)r->id);
    if (ours > 0)
        left_out(r, v);
}

void doctor_account(struct round *r)
{
    char path[64];
    struct json v = {0};
    struct err e = {0};
    struct account account;
    struct meta_skip skip = {0};
    char *token = read_token(r, r->d->o->senders[r->d->account[r->index].sender].token_file);
    if (token == NULL)
        return;
    struct meta m = meta_of(r, token);
    if (meta_account(&m, r->id, &skip, &account, &e) == 0)
        health(r, "account.health", account.health, account.health_detail);
    snprintf(path, sizeof path, "%lld/subscribed_apps", (long long)r->id);
    if (meta_get(&m, "the apps of the account", path, &v, NULL, &e) == 0)
        subscribed(r, v);
    else
        doctor_say(r, "account.subscribed", DOCTOR_SKIP, helps(&m, "give the token whatsapp_business_management"),
                   "who is subscribed cannot be read: %s", e.text);
    explicit_bzero(token, strlen(token));
}

/* --- an app -------------------------------------------------------------------------------------------------------- */

/* Webhooks whose words count here, beside messages: docs/platform.md §6.3. A line for each kind, because not everybody
 * uses all of them. */
static const struct kind {
    const char *without;
    const char *fields[8];
    const char *older; /* another name of the first */
} kinds[] = {
    {"calls, what is written while an agent of Meta's has the talk, and stops said in WhatsApp are not heard of",
     {"calls", "standby", "user_preferences"},
     NULL},
    {"what becomes of templates is known with the next reading only",
     {"message_template_status_update", "message_template_quality_update", "message_template_components_update",
      "template_category_update"},
     NULL},
    {"what becomes of the account and its numbers is known with the next reading only",
     {"account_update", "account_alerts", "account_review_update", "business_capability_update", "security",
      "phone_number_quality_update", "phone_number_name_update"},
     NULL},
    {"what becomes of groups is not heard of",
     {"group_lifecycle_update", "group_participants_update", "group_settings_update", "group_status_update"},
     NULL},
    {"what becomes of the business's usernames is not heard of",
     {"business_username_updates"},
     "phone_number_username_update"},
};

static bool has_field(struct json list, const char *field)
{
    for (struct json_iter it = json_iter(list); field != NULL && json_next(&it);) {
        struct str name = json_str_or(json_get(it.value, "name"), json_str_or(it.value, STR("")));
        if (str_eq(name, str_of(field)))
            return true;
    }
    return false;
}

/* What of one kind is missing; false: nothing. */
static bool missing_of(struct json list, const struct kind *k, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < sizeof k->fields / sizeof k->fields[0] && k->fields[i] != NULL; i++)
        if (!has_field(list, k->fields[i]) && !(i == 0 && has_field(list, k->older)))
            buf_printf(out, "%s%s", out->len > 0 ? ", " : "", k->fields[i]);
    return out->len > 0;
}

static void look_at_fields(struct round *r, struct json list)
{
    struct buf missing;
    bool all = has_field(list, "messages");
    buf_init(&missing, 300);
    if (!all)
        doctor_say(r, "app.messages", DOCTOR_FAIL,
                   "subscribe to the field messages in the app's dashboard (WhatsApp, Configuration)",
                   "the app is not subscribed to messages: no message and no status arrives");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!missing_of(list, &kinds[i], &missing))
            continue;
        all = false;
        doctor_say(r, "app.fields", DOCTOR_WARN,
                   "subscribe to it in the app's dashboard (WhatsApp, Configuration), so that the gateway hears of it "
                   "at once",
                   "the app is not subscribed to %s: %s", buf_cstr(&missing), kinds[i].without);
    }
    if (all)
        doctor_say(r, "app.fields", DOCTOR_OK, NULL, "the app is subscribed to all that is used here");
    buf_done(&missing);
}

static void subscription(struct round *r, struct json v)
{
    struct json found = {0};
    bool active = true;
    for (struct json_iter it = json_iter(json_get(v, "data")); json_next(&it);)
        if (str_eq(json_str_or(json_get(it.value, "object"), STR("")), STR("whatsapp_business_account")))
            found = it.value;
    if (json_type(found) == JSON_ABSENT) {
        doctor_say(r, "app.webhook", DOCTOR_FAIL,
                   "give the app the gateway's address and the verify token in its dashboard (WhatsApp, Configuration)",
                   "the app has no address for webhooks of WhatsApp");
        return;
    }
    json_bool(json_get(found, "active"), &active);
    if (active)
        address(r, "app.webhook", "the app", json_str_or(json_get(found, "callback_url"), STR("")));
    else
        doctor_say(r, "app.webhook", DOCTOR_FAIL, "switch the subscription on again in the app's dashboard",
                   "the app's subscription is not active: Meta sends it nothing");
    look_at_fields(r, json_get(found, "fields"));
}

void doctor_app_round(struct round *r)
{
    struct webhook_app app = doctor_app(r->d->o, r->index);
    struct json v = {0};
    struct err e = {0};
    char path[64];
    if (r->id == 0) {
        doctor_say(r, "app.webhook", DOCTOR_SKIP, "set webhook.app_id, so that the app's subscription can be read",
                   "which app the secret belongs to is not known");
        return;
    }
    char *token = arena_printf(r->arena, "%lld|%s", (long long)r->id, app.secret);
    if (token == NULL)
        return;
    struct meta m = meta_of(r, token);
    snprintf(path, sizeof path, "%lld/subscriptions", (long long)r->id);
    int rc = meta_get(&m, "the app's subscriptions", path, &v, NULL, &e);
    if (rc == 0)
        subscription(r, v);
    else if (rc == WL_EIO)
        doctor_say(r, "app.webhook", DOCTOR_SKIP, NULL, "Meta could not be asked: %s", e.text);
    else if (poll_end_of(m.status, m.code) == POLL_TOKEN || m.code == 1 || m.code == 101 || m.code == 104)
        doctor_say(
            r, "app.secret", app.id != 0 ? DOCTOR_FAIL : DOCTOR_WARN,
            "copy the app secret again (App settings, Basic) into webhook.app_secret_file, or correct webhook.app_id",
            "Meta does not accept the app secret for this app: webhooks would be refused as forged");
    else
        doctor_say(r, "app.webhook", DOCTOR_SKIP, helps(&m, NULL), "the app's subscriptions cannot be read: %s",
                   e.text);
    explicit_bzero(token, strlen(token));
}
