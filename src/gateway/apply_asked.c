/* SPDX-License-Identifier: Apache-2.0
 * apply_asked.c - what people ask for in words or by a tap: to stop, to start again, for help; and what they answer us.
 *
 * Words are judged by core/optout.h, the label and the payload of a button like words; of the two the stricter counts. To stop
 * is obeyed whoever asks and whatever they agreed to before, at the time of their message, so the next decision knows. To
 * start lifts a refusal and nothing else: a bot is begun with "start", too, and that is no consent. The message, the words
 * in it and the entry that knew them are kept as evidence. What is said in a group is said to others.
 *
 * That we heard it is told to the person by an errand written in the same transaction; one whose message is old by now is not
 * answered any more (47 CFR 64.1200(a)(12) allows one answer within five minutes). */
#include "core/optout.h"
#include "gateway/apply_impl.h"
#include "gateway/gateway_impl.h"
#include "gateway/welcomes.h"
#include "store/errands.h"
#include "store/ledger.h"

#define ANSWER_MS    (5 * 60 * 1000)
#define EVIDENCE_MAX 2048
#define MATCHED_MAX  200         /* bytes of the words that are kept */
#define OUR_PAYLOAD  "wayleave:" /* of buttons of our own questions, welcomes.h reads them */

static int strictness(enum optout_verdict v)
{
    static const int order[] = {[OPTOUT_NOTHING] = 0, [OPTOUT_STOP] = 3, [OPTOUT_START] = 2, [OPTOUT_HELP] = 1};
    return order[v];
}

static struct optout_finding judge(const struct optout_packs *packs, const struct event *ev, const struct person *p)
{
    struct optout_finding text = {.verdict = OPTOUT_NOTHING}, payload = text;
    if (ev->text.n > 0)
        optout_judge(packs, ev->text, str_of(p->lang), &text);
    if (ev->payload.n > 0 && !str_starts(ev->payload, STR(OUR_PAYLOAD)))
        optout_judge(packs, ev->payload, str_of(p->lang), &payload);
    return strictness(payload.verdict) > strictness(text.verdict) ? payload : text;
}

/* --- evidence ------------------------------------------------------------------------------------------------------ */

/* Never cut inside a character. */
static struct str clipped(struct str s, size_t max)
{
    size_t n = s.n < max ? s.n : max;
    while (n > 0 && n < s.n && (s.p[n] & 0xc0) == 0x80)
        n--;
    return (struct str){s.p, n};
}

static int evidence_of(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct str *ret,
                       struct err *e)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, EVIDENCE_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kstr(&o, "wamid", ev->wamid);
    jo_kstr(&o, "words", clipped(f->matched, MATCHED_MAX));
    jo_kcstr(&o, "entry", f->rule);
    if (ev->payload.n > 0)
        jo_kbool(&o, "tapped", true);
    jo_end(&o);
    *ret = (struct str){b.failed ? NULL : arena_strndup(c->arena, buf_cstr(&b), b.len), b.len};
    buf_done(&b);
    return ret->p != NULL ? 0 : err_set(e, WL_ENOMEM, "no memory for the evidence of an opt-out");
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
                        .source = ev->wamid,
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
    jo_kstr(&o, "wamid", ev->wamid);
    jo_end(&o);
    *ret = (struct str){b.failed ? NULL : arena_strndup(c->arena, buf_cstr(&b), b.len), b.len};
    buf_done(&b);
    return ret->p != NULL ? 0 : err_set(e, WL_ENOMEM, "no memory for an answer");
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
    return owe(c, ev, f, p, ERRAND_STOPPED, e);
}

/* Of the categories meant those the person refused. */
static consent_scope refused(const struct person *p, consent_scope scope)
{
    consent_scope found = 0;
    for (int category = 0; category < CATEGORY_COUNT; category++)
        if ((scope & CONSENT_SCOPE(category)) && p->consent.of[category].status == CONSENT_WITHDRAWN)
            found |= CONSENT_SCOPE(category);
    return found;
}

static int start(struct apply_context *c, const struct event *ev, const struct optout_finding *f, struct person *p,
                 struct err *e)
{
    consent_scope scope = refused(p, f->scope);
    bool new = false;
    if (scope == 0)
        return 0;
    int rc = record(c, ev, f, p, CONSENT_GRANT, scope, &new, e);
    return rc == 0 && new ? owe(c, ev, f, p, ERRAND_STARTED, e) : rc;
}

int apply_asked(struct apply_context *c, const struct event *ev, struct person *p, struct err *e)
{
    const struct optout_packs *packs = c->a->g != NULL ? c->a->g->packs : NULL; /* NULL: nobody's words are read */
    struct optout_finding f = {.verdict = OPTOUT_NOTHING};
    if (c->a->g == NULL || ev->group_id.n > 0 || (ev->text.n == 0 && ev->payload.n == 0))
        return 0;
    if (packs != NULL)
        f = judge(packs, ev, p);
    const struct welcome_said said = {.text = ev->text,
                                      .payload = ev->payload,
                                      .wamid = ev->wamid,
                                      .at = apply_time(c, ev),
                                      .sender = ev->phone_number_id,
                                      .under = said_under(ev),
                                      .found = &f};
    bool declined = false;
    int rc = welcome_hear(c->s, c->arena, c->a->g, p, &said, c->now, &declined, e);
    if (rc != 0)
        return rc;
    c->result->errands = true; /* an open question may have been answered */
    if (declined)
        apply_refused(c, p);
    switch (f.verdict) {
    case OPTOUT_STOP:
        return stop(c, ev, &f, p, e);
    case OPTOUT_START:
        return start(c, ev, &f, p, e);
    case OPTOUT_HELP:
        return owe(c, ev, &f, p, ERRAND_HELP, e);
    default:
        return 0;
    }
}
