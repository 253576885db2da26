/* SPDX-License-Identifier: Apache-2.0
 * apply_asked.c - what people ask for in words or by a tap: to stop, to start again, for help; and what they answer us.
 *
 * Words are judged by core/optout.h, the label of a button like words, its hidden payload only where it plainly says stop. To
 * stop is obeyed whoever asks and whatever they agreed to before, at the time of their message, so the next decision knows. To
 * start gives back what a refusal took away and nothing else: a bot is begun with "start", too, and that is no consent. So of
 * a start that overtook its stop nothing comes, which is the strict side. The message, the words in it and the entry that
 * knew them are kept as evidence. What is said in a group is said to others.
 *
 * That we heard it is told to the person by an errand written in the same transaction; one whose message is old by now is not
 * answered any more (47 CFR 64.1200(a)(12) allows one answer within five minutes). */
#include "base/log.h"
#include "core/optout.h"
#include "gateway/apply_impl.h"
#include "gateway/gateway_impl.h"
#include "gateway/welcomes.h"
#include "store/errands.h"
#include "store/ledger.h"

#define ANSWER_MS    (5 * 60 * 1000)
#define EVIDENCE_MAX 16384 /* whatever is in the rest, escaped */
#define MATCHED_MAX  200   /* bytes of the words that are kept */
#define WAMID_KEPT   512
#define HISTORY_MAX  1000 /* of a person's history that are looked through for what they had agreed to */

/* Payloads are written by programs, and nobody sees them: one counts only where it says nothing else. "cancel" may be an
 * order's, "start" a menu's; a person who reads "Track my parcel" has not asked for advertising. */
static bool is_plain_stop(struct str payload)
{
    static const struct str words[] = {STR_INIT("stop"), STR_INIT("unsub"), STR_INIT("optout"), STR_INIT("opt_out"),
                                       STR_INIT("opt-out")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (payload.n >= words[i].n && str_ieq((struct str){payload.p, words[i].n}, words[i]))
            return true;
    return false;
}

static struct optout_finding judge(const struct optout_packs *packs, const struct event *ev, const struct person *p)
{
    struct optout_finding text = {.verdict = OPTOUT_NOTHING}, payload = text;
    if (ev->text.n > 0)
        optout_judge(packs, ev->text, str_of(p->lang), &text);
    if (text.verdict != OPTOUT_STOP && is_plain_stop(ev->payload))
        optout_judge(packs, ev->payload, str_of(p->lang), &payload);
    return payload.verdict == OPTOUT_STOP ? payload : text;
}

/* --- evidence ------------------------------------------------------------------------------------------------------ */

/* What was written, in the arena. */
static int kept(struct apply_context *c, struct buf *b, struct str *ret, struct err *e)
{
    *ret = (struct str){b->failed ? NULL : arena_strndup(c->arena, buf_cstr(b), b->len), b->len};
    buf_done(b);
    return ret->p != NULL ? 0 : err_set(e, WL_ENOMEM, "no memory for what somebody asked for");
}

static int evidence_of(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct str *ret,
                       struct err *e)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, EVIDENCE_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kstr(&o, "wamid", str_clip(ev->wamid, WAMID_KEPT));
    jo_kstr(&o, "words", str_clip(f->matched, MATCHED_MAX));
    jo_kcstr(&o, "entry", f->rule);
    if (ev->payload.n > 0)
        jo_kbool(&o, "tapped", true);
    jo_end(&o);
    return kept(c, &b, ret, e);
}

/* Times of messages are whole seconds. A refusal was said as late in its second as it can have been, so that a grant of the
 * same second does not stand against it; anything else as early. The same message always has the same time. */
static int64_t time_of(const struct apply_context *c, const struct event *ev, enum consent_act act)
{
    int64_t at = apply_time(c, ev);
    return act == CONSENT_WITHDRAW && at % 1000 == 0 ? at + 999 : at;
}

/* Records it; *ret_new false: it is known already. */
static int record(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct person *p,
                  enum consent_act act, consent_scope scope, bool *ret_new, struct err *e)
{
    struct said said = {.act = act,
                        .at = time_of(c, ev, act),
                        .sender = ev->phone_number_id,
                        .scope = scope,
                        .method = STR("whatsapp"),
                        .source = str_clip(ev->wamid, WAMID_KEPT),
                        .language = str_of(f->language),
                        .under = said_under(ev)};
    int rc = evidence_of(c, ev, f, &said.evidence, e);
    return rc == 0 ? apply_consent(c->s, p, &said, c->now, ret_new, e) : rc;
}

/* --- answering ----------------------------------------------------------------------------------------------------- */

static int detail_of(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct str *ret,
                     struct err *e)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, EVIDENCE_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "language", f->language);
    jo_kstr(&o, "wamid", str_clip(ev->wamid, WAMID_KEPT));
    jo_end(&o);
    return kept(c, &b, ret, e);
}

static int owe(struct apply_context *c, const struct event *ev, const struct optout_finding *f, const struct person *p,
               enum errand_kind kind, struct err *e)
{
    int64_t at = apply_time(c, ev);
    struct errand owed = {.bucket = p->bucket,
                          .id = store_id(c->s, c->now),
                          .kind = kind,
                          .state = ERRAND_OPEN,
                          .due = c->now,
                          .contact = p->id,
                          .sender = ev->phone_number_id,
                          .scope = f->scope,
                          .begun_at = at,
                          .expires = at + ANSWER_MS};
    const struct errand_options *o = &c->a->g->o.errand;
    bool wanted = kind == ERRAND_HELP ? o->help : o->confirm;
    if (!wanted || !ev->opens || ev->phone_number_id == 0 || c->now >= owed.expires)
        return 0;
    int rc = detail_of(c, ev, f, &owed.detail, e);
    if (rc == 0)
        rc = errands_add(c->s, &owed, 1, e);
    c->result->errands |= rc == 0;
    return rc;
}

/* --- what is asked ------------------------------------------------------------------------------------------------- */

static int stop(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct person *p,
                struct err *e)
{
    bool new = false;
    int rc = record(c, ev, f, p, CONSENT_WITHDRAW, f->scope, &new, e);
    if (rc != 0 || !new)
        return rc;
    apply_refused(c, p);
    struct str words = ev->text.n > 0 && ev->text.n <= CAMPAIGN_COMPLAINT_MAX ? ev->text : f->matched;
    rc = apply_told(c, ev, p, TOLD_OPTED_OUT | (campaign_complaint(words) ? TOLD_COMPLAINED : 0), e);
    return rc == 0 ? owe(c, ev, f, p, ERRAND_STOPPED, e) : rc;
}

/* Of the categories meant those the person refused after they had agreed. */
static int lost(struct apply_context *c, const struct person *p, consent_scope meant, consent_scope *ret, struct err *e)
{
    struct consent_row *rows;
    consent_scope found = 0, agreed = 0;
    size_t n = 0;
    for (int category = 0; category < CATEGORY_COUNT; category++)
        if ((meant & CONSENT_SCOPE(category)) && p->consent.of[category].status == CONSENT_WITHDRAWN)
            found |= CONSENT_SCOPE(category);
    int rc = found != 0 ? ledger_list(c->s, p->bucket, p->id, c->arena, HISTORY_MAX, &rows, &n, e) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        agreed |= rows[i].event.act == CONSENT_GRANT ? rows[i].event.scope : 0;
    *ret = found & agreed;
    return rc;
}

static int start(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct person *p,
                 struct err *e)
{
    consent_scope scope = 0;
    bool new = false;
    int rc = lost(c, p, f->scope, &scope, e);
    if (rc != 0 || scope == 0)
        return rc;
    rc = record(c, ev, f, p, CONSENT_GRANT, scope, &new, e);
    return rc == 0 && new ? owe(c, ev, f, p, ERRAND_STARTED, e) : rc;
}

/* An answer to a question of ours. What is wrong with the question must not keep anything else of the message from counting. */
static int answer(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct person *p,
                  struct err *e)
{
    const struct welcome_said said = {.text = ev->text,
                                      .payload = ev->payload,
                                      .wamid = str_clip(ev->wamid, WAMID_KEPT),
                                      .reply_to = ev->reply_to,
                                      .at = apply_time(c, ev),
                                      .sender = ev->phone_number_id,
                                      .under = said_under(ev),
                                      .found = f};
    struct err why = {0};
    bool declined = false;
    int rc = welcome_hear(c->s, c->arena, c->a->g, p, &said, c->now, &declined, &why);
    if (rc == WL_EINVAL) {
        log_warn("apply", "an open question could not be read, nobody's answer counts for it: %s", why.text);
        return 0;
    }
    c->result->errands = true; /* it may have been answered */
    if (rc == 0 && declined)
        apply_refused(c, p);
    if (rc == 0 && declined)
        rc = apply_told(c, ev, p, TOLD_OPTED_OUT, &why);
    return rc == 0 ? 0 : err_set(e, rc, "%s", why.text);
}

int apply_asked(struct apply_context *c, const struct event *ev, struct person *p, struct err *e)
{
    const struct optout_packs *packs = c->a->g != NULL ? c->a->g->packs : NULL; /* NULL: nobody's words are read */
    struct optout_finding f = {.verdict = OPTOUT_NOTHING};
    int rc = 0;
    if (c->a->g == NULL || ev->group_id.n > 0 || (ev->text.n == 0 && ev->payload.n == 0))
        return 0;
    if (packs != NULL)
        f = judge(packs, ev, p);
    if (f.verdict == OPTOUT_STOP) /* before anything that may fail */
        rc = stop(c, ev, &f, p, e);
    if (rc == 0)
        rc = answer(c, ev, &f, p, e);
    if (rc == 0 && f.verdict == OPTOUT_START)
        rc = start(c, ev, &f, p, e);
    if (rc == 0 && f.verdict == OPTOUT_HELP)
        rc = owe(c, ev, &f, p, ERRAND_HELP, e);
    return rc;
}
