/* SPDX-License-Identifier: Apache-2.0
 * stops.c - what keeps a number from sending: found, told to the log, and ended by hand.
 *
 * Why a number stands still is known in several places (its lane, its token's file, introductions, the leases); here it is
 * one word. The settle thread looks once a second, and at once when a circuit changes, and tells what is new: a warning
 * when a number stops, with until when, and a line when it goes on. A circuit that opens again is told again. Numbers of
 * people and tokens are never told.
 *
 * A person may say that a number goes on. Then everything that is only our own caution is forgotten; if Meta says the same
 * again, it stops anew. What another gateway has taken over is not ours to let go. */
#include "base/log.h"
#include "core/graph_code.h"
#include "gateway/keep.h"

#define TOLD_MAX 64 /* at a time; others are told next */

const char *number_stop_name(enum number_stop s)
{
    static const char *const names[STOPS] = {
        [STOP_NONE] = "none",         [STOP_CODE] = "circuit",        [STOP_SILENCE] = "silence",
        [STOP_NO_TOKEN] = "no_token", [STOP_TOKEN] = "token_refused", [STOP_UPSTREAM] = "unreachable",
        [STOP_TAKEN] = "taken_over"};
    return (unsigned)s < STOPS ? names[s] : "unknown";
}

enum number_stop number_stop(const struct number *n)
{
    if (n->taken_over)
        return STOP_TAKEN;
    if (n->no_token && n->n_lines > 0)
        return STOP_NO_TOKEN;
    if (n->unwelcome != STOP_NONE)
        return n->unwelcome;
    if (!n->permitted || n->lane.open_until_us == 0)
        return STOP_NONE;
    return n->lane.circuit_code != 0 ? STOP_CODE : STOP_SILENCE;
}

void stops_changed(struct dispatch *d)
{
    d->stops = true;
    pthread_cond_signal(&d->wake_settle);
}

/* --- tokens -------------------------------------------------------------------------------------------------------- */

/* Codes with which Meta speaks about the token, or about what it may do. */
static bool about_the_token(const struct number *n)
{
    int code = n->permitted && n->lane.open_until_us != 0 ? n->lane.circuit_code : 0;
    return code == 190 || code == 10 || code == 3 || code == 131005;
}

bool number_wants_token(const struct number *n)
{
    return n->no_token || n->unwelcome == STOP_TOKEN || about_the_token(n);
}

static void go_on(struct dispatch *d, struct number *n)
{
    n->pause_us = 0;
    n->unwelcome = STOP_NONE;
    if (n->permitted)
        lane_let_go(&n->lane, mono_us());
    number_wake(d, n, 0);
    stops_changed(d);
}

void number_new_token(struct dispatch *d, struct number *n)
{
    if (n->unwelcome != STOP_NONE || about_the_token(n))
        go_on(d, n);
}

/* --- by hand ------------------------------------------------------------------------------------------------------- */

enum number_stop dispatch_let_go(struct dispatch *d, int64_t sender)
{
    enum number_stop stop = STOP_NONE;
    if (d == NULL)
        return stop;
    pthread_mutex_lock(&d->lock);
    struct number *n = number_at(d, sender, false);
    if (n != NULL) {
        stop = number_stop(n);
        n->token_us = 0;
        d->next_tick_us = 0; /* the outbox thread reads it */
        pthread_cond_signal(&d->wake_outbox);
    }
    if (stop != STOP_NONE && stop != STOP_TAKEN) {
        n->reread = true; /* what a token that is no longer kept would meet must not stop it again */
        go_on(d, n);
    }
    pthread_mutex_unlock(&d->lock);
    return stop;
}

/* --- told ---------------------------------------------------------------------------------------------------------- */

struct told {
    int64_t sender;
    enum number_stop stop;
    int code;
    int64_t until_ms;
};

/* Whether there is something new to tell of the number. */
static bool news(struct number *n, struct told *t)
{
    enum number_stop stop = number_stop(n);
    bool circuit = stop == STOP_CODE || stop == STOP_SILENCE;
    int64_t until_us = circuit ? n->lane.open_until_us : 0, now_us = mono_us();
    if (stop == n->said && until_us == n->said_us)
        return false;
    n->said = stop;
    n->said_us = until_us;
    *t = (struct told){.sender = n->sender, .stop = stop};
    if (circuit) {
        t->code = n->lane.circuit_code;
        t->until_ms = clock_now_ms() + (until_us > now_us ? (until_us - now_us) / 1000 : 0);
    }
    return true;
}

static const char *code_words(int code)
{
    const char *why = reaction_to(code).why;
    const struct graph_code *known = graph_code(code);
    return why != NULL ? why : known != NULL ? known->means : "not known here";
}

static void tell(const struct told *t)
{
    static const char *const why[STOPS] = {
        [STOP_NO_TOKEN] =
            "messages wait and no token is kept for it; set token_file under senders in the configuration",
        [STOP_TOKEN] = "Meta does not accept the token kept for it",
        [STOP_UPSTREAM] = "the Graph API cannot be reached to check the token kept for it",
        [STOP_TAKEN] = "another gateway has taken it over",
    };
    char until[TIME_TEXT];
    long long sender = (long long)t->sender;
    if (t->stop == STOP_NONE)
        log_info("dispatch", "number %lld goes on", sender);
    else if (t->stop == STOP_CODE)
        log_warn("dispatch", "the outbox of number %lld stops until %s: Meta answered %d, %s", sender,
                 time_text(t->until_ms, until), t->code, code_words(t->code));
    else if (t->stop == STOP_SILENCE)
        log_warn("dispatch",
                 "the outbox of number %lld stops until %s: several attempts in a row got no readable answer", sender,
                 time_text(t->until_ms, until));
    else
        log_warn("dispatch", "the outbox of number %lld stops: %s", sender, why[t->stop]);
}

void stops_tell(struct dispatch *d)
{
    struct told told[TOLD_MAX];
    size_t n = 0;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->n_numbers && n < TOLD_MAX; i++)
        n += news(d->number[i], &told[n]);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < n; i++)
        tell(&told[i]);
}
