/* SPDX-License-Identifier: Apache-2.0
 * sandbox_answers.c - what answers tell beside what was asked: how much of the allowance is used, and what this version or
 * this token does not get.
 *
 * Set with POST /_sandbox/answers and kept until the next one or a reset. Usage is only told, as by the real platform, which
 * refuses later and by itself; a field that is set unreadable is refused with the whole call, as by it. */
#include "sandbox/sandbox_handlers.h"

#include <stdio.h>
#include <string.h>

size_t sbx_usage_headers(const struct sandbox *sb, struct sbx_usage *to, struct http_header h[2])
{
    int app = atomic_load(&sb->answers.app_usage), account = atomic_load(&sb->answers.account_usage);
    snprintf(to->app, sizeof to->app, "{\"call_count\":%d,\"total_cputime\":0,\"total_time\":0}", app);
    h[0] = (struct http_header){STR("X-App-Usage"), str_of(to->app)};
    if (account == 0)
        return 1;
    snprintf(to->account, sizeof to->account,
             "{\"%s\":[{\"type\":\"whatsapp\",\"call_count\":%d,\"total_cputime\":0,\"total_time\":0,"
             "\"estimated_time_to_regain_access\":%d}]}",
             sb->o.waba_id, account, atomic_load(&sb->answers.regain_minutes));
    h[1] = (struct http_header){STR("X-Business-Use-Case-Usage"), str_of(to->account)};
    return 2;
}

/* Whether the name stands in the list "a,b,c". */
static bool listed(const char *list, struct str name)
{
    struct str rest = str_of(list);
    while (rest.n > 0)
        if (str_eq(str_trim(str_cut(rest, ',', &rest)), name))
            return true;
    return false;
}

bool sbx_readable(struct call *c)
{
    struct str rest = sbx_param(c, "fields");
    if (c->sb->answers.unreadable[0] == '\0' || !str_eq(c->method, STR("GET")))
        return true;
    while (rest.n > 0) {
        struct str name = str_trim(str_cut(rest, ',', &rest));
        if (!listed(c->sb->answers.unreadable, name))
            continue;
        sbx_fail_param(c, "(#100) Tried accessing nonexisting field (%.*s)", (int)name.n, name.p);
        return false;
    }
    return true;
}

void sbx_token_answers(struct call *c)
{
    struct json_out *o = &c->jo;
    struct str rest = str_of(c->sb->answers.scopes[0] != '\0' ? c->sb->answers.scopes
                                                              : "whatsapp_business_management,"
                                                                "whatsapp_business_messaging,public_profile");
    jo_kint(o, "expires_at", c->sb->answers.token_expires_s);
    jo_key(o, "scopes");
    jo_array(o);
    while (rest.n > 0)
        jo_str(o, str_trim(str_cut(rest, ',', &rest)));
    jo_end(o);
}

static bool take_number(struct call *c, const char *name, int64_t max, int64_t *ret)
{
    struct str given = sbx_param(c, name);
    *ret = 0;
    if (given.n == 0 || (str_i64(given, ret) && *ret >= 0 && *ret <= max))
        return true;
    sbx_fail_param(c, "Param %s must be a number from 0 to %lld", name, (long long)max);
    return false;
}

static bool take_list(struct call *c, const char *name, char *out, size_t size)
{
    struct str given = sbx_param(c, name);
    if (given.n >= size) {
        sbx_fail_param(c, "Param %s must be shorter than %zu bytes", name, size);
        return false;
    }
    snprintf(out, size, "%.*s", (int)given.n, given.p ? given.p : "");
    return true;
}

void sbx_answers_post(struct call *c)
{
    struct sbx_answers *a = &c->sb->answers;
    int64_t app, account, minutes, expires;
    if (!take_number(c, "app_usage", 1000, &app) || !take_number(c, "account_usage", 1000, &account) ||
        !take_number(c, "regain_minutes", 1440, &minutes) || !take_number(c, "token_expires_at", INT64_MAX, &expires) ||
        !take_list(c, "unreadable", a->unreadable, sizeof a->unreadable) ||
        !take_list(c, "scopes", a->scopes, sizeof a->scopes))
        return;
    atomic_store(&a->app_usage, (int)app);
    atomic_store(&a->account_usage, (int)account);
    atomic_store(&a->regain_minutes, (int)minutes);
    a->token_expires_s = expires;
    sbx_success(c);
}

void sbx_answers_reset(struct sandbox *sb)
{
    atomic_store(&sb->answers.app_usage, 0);
    atomic_store(&sb->answers.account_usage, 0);
    atomic_store(&sb->answers.regain_minutes, 0);
    sb->answers.unreadable[0] = sb->answers.scopes[0] = '\0';
    sb->answers.token_expires_s = 0;
}
