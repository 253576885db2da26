/* SPDX-License-Identifier: Apache-2.0
 * rest_message.c - one message: what became of it, why it waits and until when, and taking it back.
 *
 * A code is told as the message's own where its state rests on it: a refusal of Meta's or of a rule, a failure, a wait for the
 * next attempt. One that was met on the way to another state is history and stands with its attempt, or a message that was
 * read would come with the advice to send it again. What a rule of ours refused was never asked of Meta, so Meta's meaning of
 * the code is not told as a fact.
 *
 * A message that is not at its end always has a reason, and the reason is told: a rule that holds it, a time its caller
 * chose, a refusal that is tried again, a number that is stuck or busy, a doubt. "Waiting" without a reason is not an
 * answer. The person is named by contact id; numbers stand with the contact only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "core/decide.h"
#include "core/graph_code.h"
#include "gateway/accounts.h"
#include "gateway/apply.h"
#include "gateway/campaign_id.h"
#include "gateway/dispatch.h"
#include "gateway/rest_impl.h"

#define WHY_MAX 400

/* --- finding it --------------------------------------------------------------------------------------------------- */

int rest_find_message(struct rest_call *c, struct store *s, struct message *ret, int64_t *ret_decision, struct err *e)
{
    int bucket;
    int64_t id;
    struct err why = {0};
    bool metas = str_starts(c->param, STR("wamid."));
    *ret_decision = 0;
    if (metas && !apply_find(c->g->apply, c->param, &bucket, &id))
        return rest_wrong(c, WL_ENOTFOUND, "id",
                          "no recent message has this id of Meta's; the gateway's own id (mt4…) finds older ones");
    if (!metas && store_id_parse(c->param, &bucket, &id) != 0)
        return rest_wrong(c, WL_EINVAL, "id",
                          "this is no message id: they look like mt4… or wamid.… and stand in answers");
    int rc = messages_get(s, bucket, id, ret, &why);
    if (rc == WL_ENOTFOUND) {
        rc = messages_decided(s, bucket, id, ret, &why);
        *ret_decision = id;
    }
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_ENOTFOUND, "id", "no message has this id");
    if (rc != 0)
        *e = why;
    return rc;
}

int rest_message_decision(struct store *s, struct arena *a, const struct message *m, struct decision_row *ret,
                          struct err *e)
{
    struct outbox_key key;
    struct outbox_row row;
    if (m->life.state == LIFE_WAITING && life_row(m, &key) && outbox_get(s, &key, a, &row, e) == 0 &&
        row.ruleset != 0) {
        *ret = (struct decision_row){.bucket = m->bucket,
                                     .id = m->id,
                                     .ruleset = row.ruleset,
                                     .verdict = VERDICT_HOLD,
                                     .until = row.until,
                                     .facts = row.facts,
                                     .findings = row.findings};
        return 0;
    }
    return decisions_get(s, m->bucket, message_decision(m), a, ret, e);
}

/* --- what every answer says of it --------------------------------------------------------------------------------- */

static void id_member(struct json_out *o, const char *key, int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    jo_kcstr(o, key, id != 0 ? text : NULL);
}

int rest_message_code(const struct message *m)
{
    const struct life *l = &m->life;
    bool refused = l->state == LIFE_REFUSED || l->state == LIFE_REJECTED || l->state == LIFE_FAILED;
    bool repeats = l->state == LIFE_WAITING && l->attempts > 0 && !l->resent;
    bool doubt = (l->state == LIFE_AMBIGUOUS || l->state == LIFE_UNDETERMINED) && l->attempts == 1; /* a 5xx's */
    return refused || repeats || doubt ? l->code : 0;
}

/* `rule`: the one that refused it; NULL: not looked up. */
static void code_members(struct json_out *o, const struct message *m, const char *rule)
{
    int code = rest_message_code(m);
    const struct graph_code *words = code != 0 ? graph_code(code) : NULL;
    char ours[WHY_MAX];
    snprintf(ours, sizeof ours, "%s%s said no; Meta was not asked", rule != NULL ? "the rule " : "a rule",
             rule != NULL ? rule : "");
    jo_kint(o, "code", code);
    jo_kcstr(o, "code_means", m->life.state == LIFE_REFUSED ? ours : words != NULL ? words->means : NULL);
}

static void members(struct json_out *o, const struct message *m, const char *rule, int64_t now)
{
    char id[STORE_ID_TEXT], campaign[STORE_ID_TEXT], contact[48];
    snprintf(contact, sizeof contact, "c%lld-%d", (long long)m->contact, m->bucket);
    jo_kcstr(o, "id", store_id_text(m->bucket, m->id, id));
    rest_time(o, "at", m->ts);
    jo_kcstr(o, "contact", m->contact != 0 ? contact : NULL);
    id_member(o, "sender", m->sender);
    jo_kcstr(o, "campaign", m->campaign != 0 ? campaign_id_text(m->campaign, campaign) : NULL);
    jo_kcstr(o, "type", m->type);
    jo_kcstr(o, "category", category_name((enum category)m->life.category));
    jo_kcstr(o, "state", life_word(&m->life, m->seen, m->valid_until, now));
    rest_time(o, "changed_at", m->changed_at);
    jo_kint(o, "attempts", m->life.attempts);
    jo_kint(o, "duplicates", life_duplicates(&m->life));
    code_members(o, m, rule);
    jo_kcstr(o, "wamid", m->wamid[0] != '\0' && !message_is_erased(m) ? m->wamid : NULL);
    jo_kbool(o, "queued", !m->life.once);
}

void rest_message_members(struct json_out *o, const struct message *m, int64_t now)
{
    members(o, m, NULL, now);
}

/* --- what its attempts met ---------------------------------------------------------------------------------------- */

/* Of the last attempt; NULL: it ended, and how is not known any more. */
static const char *last_met(const struct life *l)
{
    if (l->state == LIFE_SENDING)
        return "under way";
    if (l->state == LIFE_AMBIGUOUS)
        return "no answer";
    if (l->state == LIFE_UNSENT)
        return "not left";
    if (l->anew)
        return "turned away";
    if (l->state == LIFE_REJECTED)
        return "refused";
    if (l->resent) /* its doubt, or that of an attempt before it */
        return l->attempts == 1 ? "no answer" : NULL;
    return l->state == LIFE_UNDETERMINED ? "no answer" : l->accepted == 0 ? "refused" : NULL;
}

/* Of attempt n, in a word. One before the last was refused for now, unless a doubt was the reason for another. */
static const char *met(const struct life *l, int n)
{
    int bit = 1 << (n - 1);
    bool first_doubted = l->attempts == 2 && (l->code == 0 || l->state == LIFE_SENDING || l->state == LIFE_AMBIGUOUS);
    if (l->accepted & bit)
        return l->failed & bit ? "failed" : "accepted";
    if (n == l->attempts)
        return last_met(l);
    return !l->resent ? "refused" : first_doubted ? "no answer" : NULL;
}

/* The last code met is one for which it was turned away: that is about its number or the person, and no end of an attempt. */
static bool turned_with_code(const struct life *l)
{
    return l->turned > 0 && l->state != LIFE_REFUSED && reaction_spares(reaction_to(l->code).reaction);
}

/* The attempt that met the message's code; 0: none is known to be the one. */
static int met_code(const struct life *l)
{
    if (l->code == 0 || l->state == LIFE_REFUSED || turned_with_code(l))
        return 0;
    if (l->failed != 0)
        return (l->failed & (l->failed - 1)) == 0 ? __builtin_ctz(l->failed) + 1 : 0;
    if (l->resent || l->state == LIFE_AMBIGUOUS || l->state == LIFE_UNDETERMINED)
        return 0;
    return l->accepted != 0 || l->state == LIFE_SENDING ? l->attempts - 1 : l->attempts;
}

static void show_tries(struct json_out *o, const struct life *l)
{
    jo_key(o, "turned_away");
    jo_object(o);
    jo_kint(o, "times", l->turned);
    jo_kint(o, "code", turned_with_code(l) ? l->code : 0);
    jo_end(o);
    jo_key(o, "tries");
    jo_array(o);
    for (int n = 1; n <= l->attempts; n++) {
        jo_object(o);
        jo_kint(o, "attempt", n);
        rest_time(o, "at", n == l->attempts ? l->begun_at : 0);
        jo_kcstr(o, "met", met(l, n));
        jo_kint(o, "code", n == met_code(l) ? l->code : 0);
        jo_end(o);
    }
    jo_end(o);
}

/* --- why it waits ------------------------------------------------------------------------------------------------- */

struct waits {
    const char *reason; /* a word */
    char why[WHY_MAX];  /* a sentence */
    const char *then;   /* what happens at that time; NULL: it is sent */
    int64_t until;      /* 0: nobody can say */
    char rule[200];     /* the one that holds it; "" none */
};

static int read_holding_rule(void *ctx, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                             struct err *e)
{
    struct waits *w = ctx;
    const struct finding *main = decision_main(d);
    (void)rs, (void)f, (void)e;
    if (main == NULL)
        return 0;
    snprintf(w->rule, sizeof w->rule, "%s", rule_id(main->rule));
    snprintf(w->why, sizeof w->why, "%s", rule_reason(main->rule));
    return 0;
}

static void say(struct waits *w, const char *reason, int64_t until, const char *why)
{
    w->reason = reason;
    w->until = until;
    snprintf(w->why, sizeof w->why, "%s", why);
}

/* It stands in its number's line: who goes first, and what else is in the way. */
static void waits_for_turn(const struct message *m, const struct dispatch_view *v, struct waits *w)
{
    size_t before = 0;
    say(w, "turn", 0, "it is in line for its number's turn");
    for (int c = 0; c <= (int)lane_class((enum category)m->life.category); c++)
        before += v->waiting[c];
    if (v->why != NULL)
        snprintf(w->why, sizeof w->why, "%s", v->why);
    else if (v->pace_permille > 0)
        snprintf(w->why, sizeof w->why,
                 "it is in line for its number's turn, with %zu%s of its class or a more urgent one; the number sends "
                 "%lld.%lld messages a second",
                 before, v->at_least ? " or more" : "", (long long)(v->pace_permille / 1000),
                 (long long)(v->pace_permille % 1000 / 100));
}

/* The message's time has come: what stands in its way now is its number's. */
static void waits_for_number(struct rest_call *c, const struct message *m, struct waits *w)
{
    struct dispatch_view v = {.sender = 0};
    bool seen = dispatch_look(c->g->dispatch, m->sender, &v);
    char *token = accounts_token(c->g->accounts, m->sender);
    if (token == NULL) {
        say(w, "no_token", 0, "no token is kept for its number: set token_file under senders in the configuration");
    } else if (seen && v.circuit_why != NULL) {
        w->reason = "circuit";
        w->until = v.circuit_until;
        snprintf(w->why, sizeof w->why, "%s: %s",
                 v.circuit_until != 0 ? "nothing of the outbox leaves from its number until then"
                                      : "one message of its number tries, and the others wait for what comes of it",
                 v.circuit_why);
    } else {
        waits_for_turn(m, &v, w);
    }
    if (token != NULL)
        explicit_bzero(token, strlen(token));
    free(token);
}

/* It was tried before, and is again at a later time. */
static void waits_for_next_attempt(const struct message *m, struct waits *w)
{
    const struct graph_code *code = graph_code(m->life.code);
    say(w, "retry", m->life.at, "the last attempt did not leave the machine");
    if (m->life.attempts > 0 && m->life.code != 0)
        snprintf(w->why, sizeof w->why, "Meta refused attempt %d with %d%s%s", m->life.attempts, m->life.code,
                 code != NULL ? ": " : "", code != NULL ? code->means : "");
}

static int waits_waiting(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, int64_t now,
                         struct waits *w, struct err *e)
{
    struct decision_row row;
    struct outbox_key key;
    struct outbox_row kept;
    struct err none = {0};
    bool found = life_row(m, &key) && outbox_get(s, &key, a, &kept, &none) == 0;
    if (m->life.at <= now) {
        waits_for_number(c, m, w);
        return 0;
    }
    if (found && kept.ruleset != 0 && rest_message_decision(s, a, m, &row, &none) == 0) {
        say(w, "rule", m->life.at, "a rule holds it");
        w->then = "it is judged again, and sent when the rules allow it";
        return rest_decision_read(c, s, a, &row, read_holding_rule, w, e);
    }
    if (m->life.begun_at == 0)
        say(w, "scheduled", m->life.at, "its caller asked for this time");
    else
        waits_for_next_attempt(m, w);
    return 0;
}

/* What the end of a doubt will be: as core/sendlife.c decides it when the time has come. */
static void waits_in_doubt(const struct message *m, struct waits *w)
{
    const struct life *l = &m->life;
    bool category = l->category == CATEGORY_UTILITY || l->category == CATEGORY_AUTHENTICATION;
    bool in_time = l->expires == 0 || l->at < l->expires;
    bool again = category && !l->once && !l->resent && in_time && l->attempts < LIFE_ATTEMPTS_MAX;
    say(w, "doubt", l->at, "no answer came, and it may have been accepted; a webhook settles it at any time");
    w->then = again ? "it is sent once more if webhooks of later messages came and none of this one; else it is given "
                      "up as undetermined"
                    : "it is given up as undetermined; it is never sent again";
}

/* One that waits after a doubt may have arrived all the same, and that stays so when it is taken back. */
static bool in_doubt(const struct life *l)
{
    return l->state == LIFE_AMBIGUOUS || (l->resent && l->accepted == 0);
}

static void doubt_in_words(const struct message *m, struct waits *w)
{
    size_t n = strlen(w->why);
    if (m->life.state == LIFE_AMBIGUOUS || !in_doubt(&m->life))
        return;
    snprintf(w->why + n, sizeof w->why - n, "; an attempt before may have arrived: no answer came to it");
    if (m->life.state == LIFE_WAITING && w->then == NULL)
        w->then = "it is sent once more";
}

int rest_message_waiting(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, int64_t now,
                         struct err *e)
{
    struct json_out *o = &c->out;
    struct waits w = {.reason = NULL};
    int rc = 0;
    if (life_ended(&m->life))
        return 0;
    if (m->life.state == LIFE_SENDING)
        say(&w, "sending", 0, "an attempt is on its way and has no answer yet");
    else if (m->life.state == LIFE_AMBIGUOUS)
        waits_in_doubt(m, &w);
    else
        rc = waits_waiting(c, s, a, m, now, &w, e);
    doubt_in_words(m, &w);
    jo_key(o, "waiting");
    jo_object(o);
    jo_kcstr(o, "reason", w.reason);
    jo_kcstr(o, "why", w.why);
    if (w.rule[0] != '\0')
        jo_kcstr(o, "rule", w.rule);
    rest_time(o, "until", w.until > now ? w.until : 0);
    jo_kcstr(o, "then", w.then);
    jo_kbool(o, "doubt", in_doubt(&m->life));
    jo_kcstr(o, "cancelled_as",
             m->life.state != LIFE_WAITING ? NULL
             : m->life.resent              ? life_state_name(LIFE_UNDETERMINED)
                                           : life_state_name(LIFE_CANCELLED));
    jo_end(o);
    return rc;
}

/* --- show --------------------------------------------------------------------------------------------------------- */

static int show_verdict(void *ctx, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                        struct err *e)
{
    struct json_out *o = ctx;
    const struct finding *main = decision_main(d);
    (void)rs, (void)f, (void)e;
    jo_object(o);
    jo_kcstr(o, "verdict", verdict_name(d->verdict));
    jo_kcstr(o, "rule", main != NULL ? rule_id(main->rule) : NULL);
    jo_kcstr(o, "reason", main != NULL ? rule_reason(main->rule) : NULL);
    rest_time(o, "until", d->verdict == VERDICT_HOLD ? d->until : 0);
    jo_end(o);
    return 0;
}

static int show_decision(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, struct err *e)
{
    struct decision_row row;
    struct err why = {0};
    int rc = rest_message_decision(s, a, m, &row, &why);
    jo_key(&c->out, "decision");
    if (rc == 0)
        return rest_decision_read(c, s, a, &row, show_verdict, &c->out, e);
    jo_null(&c->out);
    if (rc == WL_ENOTFOUND)
        return 0;
    *e = why;
    return rc;
}

/* The rule that refused it, for `code_means`. Empty: another state, or a decision that cannot be read any more. */
static void refusing_rule(struct rest_call *c, struct store *s, struct arena *a, const struct message *m,
                          struct waits *ret)
{
    struct decision_row row;
    struct err none = {0};
    if (m->life.state == LIFE_REFUSED && rest_message_decision(s, a, m, &row, &none) == 0)
        rest_decision_read(c, s, a, &row, read_holding_rule, ret, &none);
}

/* What to do about the code; of a message that waits the gateway does it. */
static const char *code_next(const struct message *m)
{
    const struct graph_code *code = graph_code(rest_message_code(m));
    bool ended = m->life.state == LIFE_REJECTED || m->life.state == LIFE_FAILED;
    return ended && code != NULL && m->life.code != 0 ? code->next : NULL;
}

static int show(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, int64_t now,
                struct err *e)
{
    struct json_out *o = &c->out;
    struct waits by = {.reason = NULL};
    refusing_rule(c, s, a, m, &by);
    jo_object(o);
    members(o, m, by.rule[0] != '\0' ? by.rule : NULL, now);
    if (c->replayed)
        jo_kbool(o, "replayed", true);
    jo_kcstr(o, "code_next", code_next(m));
    rest_time(o, "begun_at", m->life.begun_at);
    rest_time(o, "expires", m->life.expires);
    rest_time(o, "valid_until", m->valid_until);
    jo_kbool(o, "resent", m->life.resent);
    show_tries(o, &m->life);
    rest_seen(o, m->seen);
    int rc = rest_message_events(o, s, a, m, e);
    if (rc == 0)
        rc = show_decision(c, s, a, m, e);
    if (rc == 0)
        rc = rest_message_waiting(c, s, a, m, now, e);
    jo_end(o);
    c->status = c->replayed && m->life.state == LIFE_WAITING ? 202 : 0;
    return rc;
}

int rest_message(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct message m;
    int64_t decision;
    int rc = rest_find_message(c, s, &m, &decision, e);
    return rc == 0 && c->problem.code == 0 ? show(c, s, a, &m, now, e) : rc;
}

/* --- taking it back ----------------------------------------------------------------------------------------------- */

int rest_message_cancel(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct message m;
    int64_t decision;
    const struct life_news news = {.event = {.kind = STEP_CANCEL}};
    int rc = rest_find_message(c, s, &m, &decision, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (m.life.state != LIFE_WAITING)
        return rest_wrong(c, WL_ECONFLICT, NULL,
                          "it is too late: the message is %s, and only one that waits can be taken back",
                          life_word(&m.life, m.seen, m.valid_until, now));
    rc = life_hear(s, &m, &news, now, &c->after, e);
    failpoint(cancel_written);
    return rc == 0 ? show(c, s, a, &m, now, e) : rc;
}
