/* SPDX-License-Identifier: Apache-2.0
 * rest_numbers.c - POST /wayleave/v1/numbers/{id}/resume: a person says that a number of ours may go on.
 *
 * What had stopped it is named in the answer and, with who said so, in the log. Nothing is written to the database: what the
 * lane knows is kept with the next beat of the leases. Where nothing had stopped it, where no token is there to go on with,
 * or where another gateway sends for it, that is said and nothing is changed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/dispatch.h"
#include "gateway/rest_impl.h"

#define BY_MAX 100

static bool read_by(struct rest_call *c, struct str *ret)
{
    static const char *const keys[] = {"by", NULL};
    struct json root;
    struct err e = {0};
    *ret = STR("the admin key");
    if (str_trim(c->body).n == 0)
        return true;
    if (json_parse(thread_json(), c->body, false, &root, &e) != 0 || json_type(root) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, NULL, "the body is not a JSON object");
        return false;
    }
    if (!rest_known_keys(c, root, keys))
        return false;
    struct json by = json_get(root, "by");
    if (json_type(by) > JSON_NULL && (!json_str(by, ret) || ret->n == 0 || ret->n > BY_MAX)) {
        rest_wrong(c, WL_EINVAL, "by", "by is a name of at most %d bytes", BY_MAX);
        return false;
    }
    return true;
}

static int64_t read_number(struct rest_call *c)
{
    int64_t sender = 0;
    if (!str_i64(c->param, &sender) || sender <= 0)
        rest_wrong(c, WL_EINVAL, "id", "a number is named by its phone_number_id, in digits");
    return c->problem.code == 0 ? sender : 0;
}

/* *ret_stop: what stops it. */
static bool known(struct gateway *g, int64_t sender, enum number_stop *ret_stop)
{
    struct dispatch_view v = {.stop = STOP_NONE};
    struct snapshot *snap = snapshot_borrow(g->snapshots);
    bool seen = dispatch_look(g->dispatch, sender, &v), yes = seen || snapshot_sender(snap, sender) != NULL;
    *ret_stop = v.stop;
    snapshot_return(snap);
    for (size_t i = 0; i < g->o.n_senders && !yes; i++)
        yes = g->o.senders[i].id == sender;
    return yes;
}

static bool has_token(struct gateway *g, int64_t sender)
{
    char *token = accounts_token(g->accounts, sender);
    bool yes = token != NULL;
    if (yes)
        explicit_bzero(token, strlen(token));
    free(token);
    return yes;
}

static void answer(struct rest_call *c, int64_t sender, enum number_stop stop, bool token)
{
    struct json_out *o = &c->out;
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)sender);
    jo_object(o);
    jo_kcstr(o, "sender", id);
    jo_kcstr(o, "stopped", number_stop_name(stop));
    jo_kbool(o, "token", token);
    jo_end(o);
}

int rest_number_resume(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct str by;
    int64_t sender = read_number(c);
    (void)s, (void)a, (void)now, (void)e;
    if (sender == 0 || !read_by(c, &by))
        return 0;
    enum number_stop stop;
    if (!known(c->g, sender, &stop))
        return rest_wrong(c, WL_ENOTFOUND, NULL, "number %lld is not known here", (long long)sender);
    bool token = has_token(c->g, sender);
    if (stop != STOP_NO_TOKEN || token)
        stop = dispatch_let_go(c->g->dispatch, sender);
    if (stop == STOP_NONE)
        return rest_wrong(c, WL_ECONFLICT, NULL, "nothing had stopped number %lld", (long long)sender);
    if (stop == STOP_TAKEN)
        return rest_wrong(c, WL_ECONFLICT, NULL,
                          "another gateway sends for number %lld; it comes back when that one gives it up",
                          (long long)sender);
    if (!token && stop == STOP_NO_TOKEN)
        return rest_wrong(c, WL_ECONFLICT, NULL,
                          "no token is kept for number %lld: set token_file under senders in the configuration, or "
                          "mend the file",
                          (long long)sender);
    log_warn("dispatch", "number %lld goes on by the word of %.*s; it had stopped: %s", (long long)sender, (int)by.n,
             by.p, number_stop_name(stop));
    answer(c, sender, stop, token);
    return 0;
}
