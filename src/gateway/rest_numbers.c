/* SPDX-License-Identifier: Apache-2.0
 * rest_numbers.c - our numbers: what Meta says of each and what that means, what waits, what stops it, and letting it go on.
 *
 * Shown is every number that Meta told us of, that is configured, or that something was sent from. What Meta said comes with
 * the time at which it said so.
 *
 * A number goes on by a person's word: what had stopped it is named in the answer and, with who said so, in the log. Nothing
 * is written to the database: what the lane knows is kept with the next beat of the leases. Where nothing had stopped it,
 * where no token is there to go on with, or where another gateway sends for it, that is said and nothing is changed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/dispatch.h"
#include "gateway/projector.h"
#include "gateway/rest_account.h"
#include "store/census.h"

#define BY_MAX        100
#define NUMBERS_MAX   1024
#define ROWS_COUNTED  20000 /* of the outbox */
#define NOTICES_SHOWN 10

/* --- shown ------------------------------------------------------------------------------------------------------------ */

/* What is read once for all numbers of an answer. */
struct about {
    struct sender *sender;
    struct account *account;
    struct census_row *waiting;
    size_t n_senders, n_accounts, n_waiting;
};

static int read_about(struct store *s, struct arena *a, int64_t now, struct about *to, struct err *e)
{
    *to = (struct about){.n_senders = 0};
    int rc = senders_list(s, a, &to->sender, &to->n_senders, e);
    if (rc == 0)
        rc = accounts_list(s, a, &to->account, &to->n_accounts, e);
    return rc == 0 ? census_outbox(s, 0, now, ROWS_COUNTED, a, &to->waiting, &to->n_waiting, e) : rc;
}

static const struct sender *sender_of(const struct about *b, int64_t id)
{
    for (size_t i = 0; i < b->n_senders; i++)
        if (b->sender[i].id == id)
            return &b->sender[i];
    return NULL;
}

/* The account as known; with limit -1 one of which nothing is. */
static struct account account_of(const struct about *b, int64_t waba)
{
    for (size_t i = 0; i < b->n_accounts; i++)
        if (b->account[i].waba == waba && waba != 0)
            return b->account[i];
    return (struct account){.waba = waba, .limit = -1};
}

static size_t add(int64_t *id, size_t n, int64_t one)
{
    size_t i = 0;
    while (i < n && id[i] != one)
        i++;
    if (i == n && n < NUMBERS_MAX)
        id[n++] = one;
    return n;
}

/* Every number there is, each once. */
static size_t all_numbers(struct gateway *g, const struct about *b, int64_t id[NUMBERS_MAX])
{
    static const size_t most = 256;
    int64_t sent[256];
    size_t n = 0, n_sent = dispatch_numbers(g->dispatch, sent, most);
    for (size_t i = 0; i < g->o.n_senders; i++)
        n = add(id, n, g->o.senders[i].id);
    for (size_t i = 0; i < b->n_senders; i++)
        n = add(id, n, b->sender[i].id);
    for (size_t i = 0; i < n_sent; i++)
        n = add(id, n, sent[i]);
    return n;
}

static void status_member(struct json_out *o, const struct sender *v, bool words)
{
    struct facts f = {0};
    struct buf status;
    buf_init(&status, 64);
    fact_set(&f, FACT_SENDER_STATUS, v->status);
    fact_text(&f, FACT_SENDER_STATUS, &status);
    if (words)
        rest_word(o, "status", META_NUMBER_STATUS, buf_str(&status));
    else
        jo_kstr(o, "status", buf_str(&status));
    buf_done(&status);
}

/* What Meta says; with words: what each means, and since when it is so. */
static void said_members(struct json_out *o, const struct sender *v, bool words)
{
    rest_text(o, "phone", v->display_phone);
    rest_text(o, "name", v->verified_name);
    rest_id(o, "account", v->waba);
    status_member(o, v, words);
    struct str quality = str_of(v->quality), name_status = str_of(v->name_status),
               health = str_of(rest_health(v->health));
    if (words) {
        rest_word(o, "quality", META_NUMBER_QUALITY, quality);
        rest_word(o, "name_status", META_NAME_STATUS, name_status);
        rest_word(o, "health", META_HEALTH, health);
        rest_json(o, "health_why", v->health_detail);
    } else {
        rest_text(o, "quality", v->quality);
        rest_text(o, "name_status", v->name_status);
        jo_kcstr(o, "health", health.p);
    }
    rest_text(o, "username", v->username);
    jo_kint(o, "per_second", v->per_second);
}

static void since_members(struct json_out *o, const struct sender *v)
{
    jo_key(o, "said_at");
    jo_object(o);
    rest_time(o, "status", v->said_at.number);
    rest_time(o, "quality", v->said_at.quality);
    rest_time(o, "per_second", v->said_at.per_second);
    rest_time(o, "name_status", v->told_at.name_status);
    rest_time(o, "username", v->told_at.username);
    rest_time(o, "health", v->told_at.health);
    jo_end(o);
    rest_time(o, "spam_at", v->spam_at);
    rest_time(o, "updated_at", v->updated_at);
}

/* What we know by ourselves: what waits, what stops it, when it was heard of last. */
static void own_members(struct rest_call *c, const struct about *b, int64_t id, bool words)
{
    struct json_out *o = &c->out;
    struct dispatch_view d = {.stop = STOP_NONE};
    struct accounts_view poll = {.token = false};
    int64_t waiting = 0;
    bool seen = dispatch_look(c->g->dispatch, id, &d), polled = accounts_look(c->g->accounts, id, &poll);
    for (size_t i = 0; i < b->n_waiting; i++)
        if (b->waiting[i].sender == id)
            waiting = b->waiting[i].due + b->waiting[i].later + b->waiting[i].parked;
    jo_kint(o, "waiting", waiting);
    if (seen && d.stop != STOP_NONE && words)
        rest_word(o, "stopped", META_NUMBER_STOP, str_of(number_stop_name(d.stop)));
    else
        jo_kcstr(o, "stopped", seen && d.stop != STOP_NONE ? number_stop_name(d.stop) : NULL);
    rest_time(o, "stopped_until", seen ? d.circuit_until : 0);
    if (seen && d.circuit_code != 0)
        jo_kint(o, "stopped_code", d.circuit_code);
    jo_kbool(o, "token", polled && poll.token);
    rest_time(o, "last_webhook_at", projector_heard(c->g->projector, id));
    rest_time(o, "polled_at", poll.polled_at);
    if (!words)
        return;
    rest_time(o, "next_poll_at", poll.next_poll_at);
    rest_time(o, "poll_failed_at", poll.failed_at);
    rest_text(o, "poll_error", poll.error);
    jo_kbool(o, "token_refused", poll.refused);
    jo_kint(o, "pace_permille", d.pace_permille);
    rest_time(o, "webhooks_applied_to", d.watermark);
}

static int show_number(struct rest_call *c, struct store *s, const struct about *b, int64_t id, bool words, int64_t now,
                       struct err *e)
{
    static const struct sender nothing = {.status = 0};
    const struct sender *known_as = sender_of(b, id), *v = known_as != NULL ? known_as : &nothing;
    struct account account = account_of(b, v->waba);
    rest_id(&c->out, "id", id);
    said_members(&c->out, v, words);
    int rc = rest_limit(c, s, &account, now, e);
    own_members(c, b, id, words);
    if (words)
        since_members(&c->out, v);
    return rc;
}

int rest_numbers_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct about b;
    int64_t *id = arena_new_array(a, int64_t, NUMBERS_MAX);
    if (id == NULL)
        return err_set(e, WL_ENOMEM, "the list of numbers does not fit its memory");
    int rc = read_about(s, a, now, &b, e);
    if (rc != 0)
        return rc;
    size_t n = all_numbers(c->g, &b, id);
    jo_object(&c->out);
    jo_key(&c->out, "numbers");
    jo_array(&c->out);
    for (size_t i = 0; i < n && rc == 0; i++) {
        jo_object(&c->out);
        rc = show_number(c, s, &b, id[i], false, now, e);
        jo_end(&c->out);
    }
    jo_end(&c->out);
    jo_end(&c->out);
    return rc;
}

/* --- by a person's word ----------------------------------------------------------------------------------------------- */

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

int rest_number(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct about b;
    int64_t *id = arena_new_array(a, int64_t, NUMBERS_MAX);
    int64_t one = read_number(c);
    size_t i = 0;
    if (one == 0)
        return 0;
    if (id == NULL)
        return err_set(e, WL_ENOMEM, "the list of numbers does not fit its memory");
    int rc = read_about(s, a, now, &b, e);
    if (rc != 0)
        return rc;
    size_t n = all_numbers(c->g, &b, id);
    while (i < n && id[i] != one)
        i++;
    if (i == n)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "number %lld is not known here", (long long)one);
    const struct sender *v = sender_of(&b, one);
    struct account account = account_of(&b, v != NULL ? v->waba : 0);
    struct notice_filter of = {.sender = one};
    jo_object(&c->out);
    rc = show_number(c, s, &b, one, true, now, e);
    if (rc == 0 && account.waba != 0) {
        jo_key(&c->out, "of_account");
        jo_object(&c->out);
        rc = rest_account_members(c, s, &account, now, e);
        jo_end(&c->out);
    }
    if (rc == 0)
        rc = rest_notices(c, s, a, &of, NOTICES_SHOWN, e);
    jo_end(&c->out);
    return rc;
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
