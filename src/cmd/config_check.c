/* SPDX-License-Identifier: Apache-2.0
 * config_check.c - settings against each other: what needs something else, what does nothing, which files cannot be read.
 *
 * Each value by itself was looked at when it was read. Everything that is wrong is told at once, and what is legal and probably not meant is
 * a warning. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/config_impl.h"

#define APPROVER_KEY_MIN 16

static void check_readable(struct config *c, const char *key)
{
    const struct config_value *v = config_get(c, key);
    if (v && v->text && access(v->text, R_OK) != 0)
        config_problem(c, v->explicit ? v->origin : NULL, "%s: %s cannot be read: %s", key, v->text, strerror(errno));
}

static void check_list(struct config *c, const char *key)
{
    const struct config_value *v = config_get(c, key);
    const struct path_list *l = (const struct path_list *)((const char *)c + v->key->offset);
    for (size_t i = 0; i < l->n; i++)
        if (access(l->path[i], R_OK) != 0)
            config_problem(c, v->origin, "%s: %s cannot be read: %s", key, l->path[i], strerror(errno));
}

static void check_together(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    const char *origin = config_get(c, "listen_tls")->origin;
    if (g->listen_tls && (g->tls_cert == NULL || g->tls_key == NULL))
        config_problem(c, origin, "listen_tls needs tls.cert and tls.key");
    if (g->listen_tls == NULL && (g->tls_cert || g->tls_key))
        config_warning(c, "tls.cert and tls.key do nothing without listen_tls");
    if (config_get(c, "webhook.forward_secret")->text && g->forward_url == NULL)
        config_warning(c, "webhook.forward_secret does nothing without webhook.forward_url");
    if (g->listen && strncmp(g->listen, "127.", 4) != 0 && strncmp(g->listen, "[::1]", 5) != 0)
        config_warning(c,
                       "listen: %s takes plain HTTP from other machines; tokens would cross the network in the clear",
                       g->listen);
    if (g->webhook_path && (strncmp(g->webhook_path, "/wayleave/", 10) == 0 || strncmp(g->webhook_path, "/v", 2) == 0))
        config_warning(c, "webhook.path: %s may hide a path of the API", g->webhook_path);
}

/* What is sent later is sent with the token kept for its number. */
static void check_hold(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    const char *origin = config_get(c, "hold")->origin;
    for (size_t i = 0; i < g->n_senders; i++) {
        const struct sender_option *s = &g->senders[i];
        if (s->token_file != NULL)
            continue;
        if (s->hold == HOLD_QUEUE)
            config_problem(c, origin, "hold of sender %lld: queue needs its token_file", (long long)s->id);
        else if (s->hold == HOLD_AS_SET && g->hold != 0)
            config_warning(c, "hold: queue does nothing for sender %lld, which has no token_file", (long long)s->id);
    }
}

static bool is_set(struct config *c, const char *key, int64_t entry)
{
    const struct config_value *v = config_value_of(c, config_key_find(str_of(key)), entry, false);
    return v != NULL && v->text != NULL;
}

static void check_app(struct config *c, const struct config_value *v)
{
    if (!is_set(c, "webhook.apps[].app_secret", v->entry) && !is_set(c, "webhook.apps[].app_secret_file", v->entry))
        config_problem(c, v->origin, "app %lld of webhook.apps has no app_secret_file", (long long)v->entry);
    if (v->entry == c->gateway.webhook_app_id)
        config_problem(c, v->origin, "app %lld is webhook.app_id already", (long long)v->entry);
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Which app a webhook came from is told by the secret that signed it. */
static void check_apps(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    if (is_set(c, "webhook.app_id", 0) && !is_set(c, "webhook.app_secret", 0) &&
        !is_set(c, "webhook.app_secret_file", 0))
        config_problem(c, config_get(c, "webhook.app_id")->origin, "webhook.app_id needs webhook.app_secret_file");
    for (const struct config_value *v = c->values; v; v = v->next)
        if (strcmp(v->key->path, "webhook.apps[].id") == 0)
            check_app(c, v);
    for (size_t i = 0; i < g->n_webhook_apps; i++) {
        bool taken = same(g->webhook_apps[i].secret, g->webhook_app_secret);
        for (size_t k = 0; k < i; k++)
            taken = taken || same(g->webhook_apps[i].secret, g->webhook_apps[k].secret);
        if (taken)
            config_problem(c, NULL, "app %lld of webhook.apps has the app secret of another one",
                           (long long)g->webhook_apps[i].id);
    }
}

static void check_files(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    static const char *const files[] = {"tls.cert", "tls.key", "upstream.ca_file", "rules.platform", "phone.data"};
    static const char *const lists[] = {"rules.laws", "rules.policy", "rules.shadow", "optout.packs"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        check_readable(c, files[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        check_list(c, lists[i]);
    for (const struct config_value *v = c->values; v; v = v->next) {
        if (strcmp(v->key->path, "senders[].token_file") != 0)
            continue;
        int fd = v->text ? open(v->text, O_RDONLY | O_CLOEXEC) : -1;
        if (v->text == NULL)
            config_warning(
                c, "sender %lld has no token_file: its templates are not polled and the gateway cannot send by itself",
                (long long)v->entry);
        else if (fd < 0)
            config_problem(c, v->origin, "token_file of sender %lld: %s cannot be read: %s", (long long)v->entry,
                           v->text, strerror(errno));
        else
            config_warn_if_public(c, v->text, fd);
        if (fd >= 0)
            close(fd);
    }
    if (g->webhook_app_secret == NULL && g->n_webhook_apps == 0)
        config_warning(
            c,
            "webhook.app_secret_file is not set: every webhook is refused, so no window opens and no opt-out is seen");
    bool verifiable = g->webhook_verify_token != NULL;
    for (size_t i = 0; i < g->n_webhook_apps; i++)
        verifiable = verifiable || g->webhook_apps[i].verify_token != NULL;
    if (!verifiable)
        config_warning(c, "webhook.verify_token_file is not set: Meta cannot verify the webhook's address");
    if (g->n_senders == 0)
        config_warning(c, "no senders: templates are not polled, and `wayleave send` has no token to send with");
}

/* An approver is who has their key: one that two have, or that is easily guessed, would prove nothing. */
static void check_approver(struct config *c, size_t i, bool secrets)
{
    const struct gateway_options *g = &c->gateway;
    const struct approver_option *v = &g->approvers[i];
    struct str name = str_of(v->name);
    if (str_ieq(name, STR("runner")) || str_ieq(name, STR("admin")))
        config_problem(c, NULL, "approvers: nobody can be called %s: it is the gateway's own word", v->name);
    if (!is_set(c, "approvers[].key_file", v->id))
        config_problem(c, NULL, "approver %s has no key_file", v->name);
    if (!secrets || v->key == NULL)
        return;
    if (strlen(v->key) < APPROVER_KEY_MIN)
        config_problem(c, NULL, "key_file of approver %s: a key needs at least %d characters", v->name,
                       APPROVER_KEY_MIN);
    for (size_t k = 0; k < i; k++)
        if (same(v->key, g->approvers[k].key))
            config_problem(c, NULL, "approvers %s and %s have the same key", g->approvers[k].name, v->name);
}

void config_check(struct config *c, bool secrets)
{
    check_together(c);
    check_hold(c);
    check_apps(c);
    for (size_t i = 0; i < c->gateway.n_approvers; i++)
        check_approver(c, i, secrets);
    if (secrets)
        check_files(c);
}
