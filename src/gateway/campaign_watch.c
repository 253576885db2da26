/* SPDX-License-Identifier: Apache-2.0
 * campaign_watch.c - what Meta says about a campaign's templates, numbers and accounts, and does about its messages.
 *
 * No statistics: a template that is paused, disabled, RED or of another category, a number or an account that Meta acts against, messages
 * that Meta keeps for a quality assessment. Each is a trigger with a key; the first that nobody waived holds the campaign, and only a
 * person lets it go on (but for Meta's assessment, which ends by itself). Who does so knows what was said by then: those triggers are waived
 * as long as they last, except where going on would only use people up, because the rules would refuse every message.
 *
 * Which templates its people get stands in the check's report, so that one that is gone is seen before the first of them is used up, in
 * every life anew. Templates that turn YELLOW while it runs keep the ramp where it is.
 *
 * What is asked lies in the snapshot that a webhook's transaction renews, and in the dispatcher: the question costs no read but that
 * of the messages sent last.
 *
 * A template that says something else than what was approved is a trigger, too: it holds the campaign until it says that again. That is read anew
 * when the snapshot is another one or something was otherwise, at most each WORDS_MS, and each WORDS_ANYWAY_MS in any case. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "gateway/campaign_listings.h"
#include "gateway/campaign_runner.h"
#include "gateway/dispatch.h"
#include "gateway/gateway_impl.h"

#define ASSESSED_LOOK   256 /* messages of which is seen whether Meta keeps them */
#define WORDS_MS        2000
#define WORDS_ANYWAY_MS 10000
#define CHECK_MAX       (256u << 20) /* of what a check found */

enum { QUALITY_UNKNOWN, QUALITY_GREEN, QUALITY_YELLOW, QUALITY_RED }; /* template.quality in facts.def */

struct watch {
    struct campaign_runner *r;
    struct run *run;
    struct snapshot *snap;
    int64_t now;
    struct trigger *trigger;
    size_t n;
};

static struct trigger *found(struct watch *w, enum campaign_cause cause, const char *todo)
{
    static struct trigger spare; /* of more than fit nobody asks */
    struct trigger *t = w->n < TRIGGERS_MAX ? &w->trigger[w->n++] : &spare;
    *t = (struct trigger){.cause = cause, .todo = todo};
    return t;
}

/* --- templates ------------------------------------------------------------------------------------------------------ */

void run_use(struct run *run, const struct campaign_recipient *who)
{
    for (size_t i = 0; i < run->n_uses; i++)
        if (run->use[i].variant == who->variant && run->use[i].sender == who->sender &&
            str_eq(who->language, str_of(run->use[i].language)))
            return;
    if (run->n_uses == USES_MAX || who->language.n >= sizeof run->use[0].language)
        return;
    struct use *u = &run->use[run->n_uses++];
    *u = (struct use){.variant = who->variant, .sender = who->sender};
    memcpy(u->language, who->language.p, who->language.n);
}

static bool has_people(struct json languages, struct str name, struct str language)
{
    for (struct json_iter it = json_iter(languages); json_next(&it);)
        if (str_eq(json_str_or(json_get(it.value, "template"), STR("")), name) &&
            str_eq(json_str_or(json_get(it.value, "language"), STR("")), language))
            return true;
    return false;
}

/* Of each number of that account, for every variant that uses it. */
static void use_listing(struct run *run, const struct snapshot *snap, struct json t)
{
    struct str name = json_str_or(json_get(t, "template"), STR("")),
               account = json_str_or(json_get(t, "account"), STR(""));
    struct campaign_recipient who = {.language = json_str_or(json_get(t, "language"), STR(""))};
    int64_t waba = 0;
    if (!str_i64(account, &waba))
        return;
    for (size_t n = 0; n < run->def->n_numbers; n++) {
        const struct sender *s = snapshot_sender(snap, run->def->number[n]);
        who.sender = run->def->number[n];
        for (size_t v = 0; s != NULL && s->waba == waba && v < run->def->n_variants; v++) {
            who.variant = (int)v;
            if (str_eq(run->def->variant[v].name, name))
                run_use(run, &who);
        }
    }
}

int run_uses_read(struct campaign_runner *r, struct run *run, struct str report, struct err *e)
{
    struct json_parser *p = json_parser_create();
    struct json root;
    int rc = json_parse(p, report, false, &root, e);
    struct snapshot *snap = snapshot_borrow(r->c->g->snapshots);
    run->n_uses = 0;
    for (struct json_iter it = json_iter(rc == 0 ? json_get(root, "templates") : (struct json){0});
         rc == 0 && json_next(&it);)
        if (has_people(json_get(root, "languages"), json_str_or(json_get(it.value, "template"), STR("")),
                       json_str_or(json_get(it.value, "language"), STR(""))))
            use_listing(run, snap, it.value);
    snapshot_return(snap);
    json_parser_free(p);
    for (size_t i = 0; i < run->n_uses; i++)
        run->use[i].known = true; /* the check saw it */
    return rc;
}

/* What the rules refuse; of the others a person may think differently. */
static bool is_refused(enum template_status s)
{
    return s != TEMPLATE_FLAGGED && s != TEMPLATE_PENDING_DELETION;
}

static void of_template(struct watch *w, const struct campaign_variant *v, const struct use *u, const char *how,
                        bool always)
{
    struct trigger *t = found(w, CAUSE_TEMPLATE,
                              always ? "see the template in WhatsApp Manager; when it may be used again, resume"
                                     : "see what people dislike about it; resume if it is to go on all the same");
    snprintf(t->what, sizeof t->what, "template %.*s (%s) is %s", (int)(v->name.n < 80 ? v->name.n : 80), v->name.p,
             u->language, how);
    t->always = always;
}

static void look_at_quality(struct watch *w, const struct campaign_variant *v, const struct use *u, int quality)
{
    uint64_t bit = UINT64_C(1) << u->variant;
    if (quality == QUALITY_RED)
        of_template(w, v, u, "RED: Meta counts many blocks and reports of it", false);
    if (quality != QUALITY_YELLOW)
        w->run->not_yellow |= bit;
    if (quality == QUALITY_YELLOW && (w->run->not_yellow & bit) != 0)
        w->run->yellow |= bit;
    else if (quality != QUALITY_YELLOW)
        w->run->yellow &= ~bit;
}

static void look_at_template(struct watch *w, struct use *u)
{
    const struct campaign_def *d = w->run->def;
    const struct sender *s = snapshot_sender(w->snap, u->sender);
    if (s == NULL || u->variant < 0 || (size_t)u->variant >= d->n_variants)
        return;
    const struct campaign_variant *v = &d->variant[u->variant];
    const struct known_template *t = snapshot_template(w->snap, s->waba, v->name, str_of(u->language));
    if (t == NULL && u->known)
        of_template(w, v, u, "gone", true);
    if (t == NULL)
        return;
    u->known = true;
    if (t->status != TEMPLATE_APPROVED && t->status != TEMPLATE_STATUS_UNKNOWN)
        of_template(w, v, u, template_status_name(t->status), is_refused(t->status));
    else if (t->category != d->category && t->category != CATEGORY_UNKNOWN)
        of_template(w, v, u, "of another category now", true);
    else
        look_at_quality(w, v, u, t->quality);
}

static void read_words(struct watch *w, struct store *reader)
{
    struct campaign_check_row k = {0};
    struct arena *a = arena_create(CHECK_MAX);
    char which[LISTING_WHICH] = "";
    bool same = true;
    if (a != NULL && campaign_check_get(reader, w->run->id, a, &k, NULL) == 0 &&
        campaign_listings_same(reader, k.report, &same, which, NULL) == 0)
        snprintf(w->run->otherwise, sizeof w->run->otherwise, "%.*s", (int)sizeof w->run->otherwise - 1,
                 same ? "" : which);
    arena_free(a);
}

static void look_at_words(struct watch *w, struct store *reader)
{
    struct run *run = w->run;
    int64_t now_ms = clock_mono_ns() / 1000000;
    bool soon = (const void *)w->snap != run->worded || run->otherwise[0] != '\0';
    int64_t rest = soon ? WORDS_MS : WORDS_ANYWAY_MS;
    if (run->worded_ms == 0 || now_ms >= run->worded_ms + rest) {
        read_words(w, reader);
        run->worded = w->snap;
        run->worded_ms = now_ms;
    }
    if (run->otherwise[0] == '\0')
        return;
    struct trigger *t = found(w, CAUSE_TEMPLATE, "stop it and make a new one, if it is to be said so");
    snprintf(t->what, sizeof t->what, "%s", run->otherwise);
    t->always = true;
}

/* --- numbers and accounts ------------------------------------------------------------------------------------------- */

static void of_number(struct watch *w, int64_t sender, enum campaign_cause cause, const char *how, bool always)
{
    struct trigger *t =
        found(w, cause, "see WhatsApp Manager what Meta says about the number; when it is settled, resume");
    snprintf(t->what, sizeof t->what, "number %lld %s", (long long)sender, how);
    t->always = always;
}

/* A status in which the rules refuse what the number is to send. */
static const char *bad_status(int status)
{
    static const char *const says[] = {[3] = "is restricted",
                                       [5] = "is banned",
                                       [6] = "is disconnected",
                                       [7] = "is deleted",
                                       [8] = "was migrated away"}; /* sender.status in facts.def */
    return status >= 0 && (size_t)status < sizeof says / sizeof says[0] ? says[status] : NULL;
}

static void look_at_circuit(struct watch *w, int64_t sender)
{
    struct dispatch_view v;
    if (!dispatch_look(w->r->c->g->dispatch, sender, &v) || v.circuit_why == NULL)
        return;
    if (v.circuit_code == 368)
        of_number(w, sender, CAUSE_ACCOUNT, "belongs to an account that Meta blocked for policy violations (368)",
                  false);
    else if (v.circuit_code == 131031)
        of_number(w, sender, CAUSE_ACCOUNT, "belongs to an account that Meta locked (131031)", false);
    else if (v.circuit_code == 131048)
        of_number(w, sender, CAUSE_ACCOUNT, "was restricted because people blocked or reported it (131048)", false);
}

static void look_at_account(struct watch *w, int64_t waba)
{
    const struct account *v = snapshot_account(w->snap, waba);
    const char *how = NULL;
    if (v == NULL)
        return;
    if (account_standing(v) != ACCOUNT_OK)
        how = account_standing(v) == ACCOUNT_DISABLED ? "is disabled" : "is locked";
    else if (v->no_messages_until > w->now)
        how = "may send nothing";
    else if (v->no_templates_until > w->now)
        how = "may not write to people first";
    if (how == NULL)
        return;
    struct trigger *t =
        found(w, CAUSE_ACCOUNT, "see WhatsApp Manager what Meta says about the account; when it is settled, resume");
    snprintf(t->what, sizeof t->what, "account %lld %s", (long long)waba, how);
    t->always = true;
}

static void look_at_number(struct watch *w, int64_t sender)
{
    const struct sender *s = snapshot_sender(w->snap, sender);
    look_at_circuit(w, sender);
    if (s == NULL)
        return;
    const char *how = bad_status(s->status);
    if (how != NULL)
        of_number(w, sender, CAUSE_NUMBER, how, true);
    if (s->spam_at != 0)
        of_number(w, sender, CAUSE_ACCOUNT, "was restricted because people blocked or reported it (131048)", false);
    if (s->waba != 0)
        look_at_account(w, s->waba);
}

/* --- what Meta keeps ------------------------------------------------------------------------------------------------ */

static bool is_kept(const struct message *m)
{
    return m->life.state == LIFE_ACCEPTED && m->life.held && !m->life.delivered && (m->seen & SEEN_SENT) == 0;
}

static void look_at_kept(struct watch *w, struct store *reader, struct arena *a)
{
    struct recipient_fate *v = NULL;
    size_t n = 0;
    int64_t first = w->run->handed - w->run->tally.open - ASSESSED_LOOK;
    if (w->run->handed == 0 || recipients_fates(reader, CAMPAIGN_BUCKET, w->run->id, first > 1 ? first : 1, a,
                                                ASSESSED_LOOK, &v, &n, NULL) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (is_kept(&v[i].m)) {
            snprintf(found(w, CAUSE_RAMP, "nothing: it goes on when Meta lets them go")->what,
                     sizeof w->trigger[0].what, "Meta keeps messages of it for a quality assessment");
            return;
        }
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

static int watch(struct watch *w, struct store *reader, struct arena *a)
{
    w->trigger = arena_new_array(a, struct trigger, TRIGGERS_MAX);
    if (w->trigger == NULL)
        return -1;
    w->snap = snapshot_borrow(w->r->c->g->snapshots);
    for (size_t i = 0; i < w->run->n_uses; i++)
        look_at_template(w, &w->run->use[i]);
    look_at_words(w, reader);
    for (size_t i = 0; i < w->run->def->n_numbers; i++)
        look_at_number(w, w->run->def->number[i]);
    snapshot_return(w->snap);
    look_at_kept(w, reader, a);
    for (size_t i = 0; i < w->n; i++)
        w->trigger[i].key = hash64(w->trigger[i].what, strlen(w->trigger[i].what));
    return 0;
}

static bool is_waived(const struct run *run, const struct trigger *t)
{
    for (size_t i = 0; !t->always && i < run->n_waived; i++)
        if (run->waived[i] == t->key)
            return true;
    return false;
}

/* What is over is not waived for the next time. */
static void drop_waived(struct run *run, const struct watch *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->n_waived; i++) {
        bool lasts = false;
        for (size_t k = 0; !lasts && k < w->n; k++)
            lasts = w->trigger[k].key == run->waived[i];
        if (lasts)
            run->waived[kept++] = run->waived[i];
    }
    run->n_waived = kept;
}

const struct trigger *run_watch(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a,
                                int64_t now)
{
    struct watch w = {.r = r, .run = run, .now = now};
    if (watch(&w, reader, a) != 0)
        return NULL;
    drop_waived(run, &w);
    for (size_t i = 0; i < w.n; i++)
        if (!is_waived(run, &w.trigger[i]))
            return &w.trigger[i];
    return NULL;
}

void run_waive(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a, int64_t now)
{
    struct watch w = {.r = r, .run = run, .now = now};
    if (watch(&w, reader, a) != 0)
        return;
    run->n_waived = 0;
    for (size_t i = 0; i < w.n; i++)
        run->waived[run->n_waived++] = w.trigger[i].key;
    run->yellow = run->not_yellow = 0;
}
