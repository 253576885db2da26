/* SPDX-License-Identifier: Apache-2.0
 * campaign_acts.c - what somebody, or the runner, does to a campaign: one function through which every change of state goes.
 *
 * What may be done in which state is core/campaign.c's. Beside that stands here what a state cannot know: a check that is under way, the
 * plan somebody approves, who else has to, whether a source is one of this campaign's, whether the database is an older copy. Then the row
 * is saved under the version it was read with, and the event is written; an approval has its record in the ledger, which says
 * for good who stood for which plan. Nothing is written where anything is refused. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "gateway/approvers.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_listings.h"
#include "gateway/campaigns.h"
#include "gateway/checkpoints_impl.h"

#define HISTORY_MOST 1000 /* events of a campaign that may still be approved */
#define HISTORY_MAX  (8u << 20)
#define CHECK_MAX    (256u << 20) /* of what a check found */
#define RECORD_MAX   8192

struct act {
    struct gateway *g;
    struct store *s;
    struct campaign_row *c;
    const struct campaign_order *o;
    int64_t now;
    enum campaign_state next;
    struct buf record; /* of its leaf; empty: it has none */
    struct campaign_source source;
};

static int64_t generation(const struct act *x)
{
    return x->g->checkpoints != NULL ? x->g->checkpoints->generation : 0;
}

static int64_t second_person_above(const struct act *x)
{
    return (int64_t)x->g->o.second_person_above;
}

/* --- whether it may be done, beside the state ------------------------------------------------------------------------ */

static int not_busy(struct act *x, struct err *e)
{
    return x->c->busy ? err_set(e, WL_EDENIED, "a check of this campaign is under way: try again when it is done") : 0;
}

static int is_busy(struct act *x, struct err *e)
{
    return x->c->busy ? 0 : err_set(e, WL_ECONFLICT, "no check of this campaign is asked for any more");
}

/* Whether this person had a hand in what is to be approved. */
static int had_a_hand(struct act *x, struct arena *a, bool *ret, struct err *e)
{
    struct campaign_event_row *v = NULL;
    size_t n = 0;
    int rc = campaign_events(x->s, x->c->id, a, HISTORY_MOST, &v, &n, e);
    if (rc == 0 && n == HISTORY_MOST)
        rc = err_set(e, WL_EDENIED,
                     "so much happened to this campaign that nobody can tell who had a hand in it: "
                     "create it anew");
    *ret = str_ieq(x->c->created_by, x->o->actor);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        bool hand =
            v[i].act == CAMPAIGN_ACT_CREATE || v[i].act == CAMPAIGN_ACT_CHANGE || v[i].act == CAMPAIGN_ACT_CHECK;
        *ret = *ret || (hand && str_ieq(v[i].actor, x->o->actor));
    }
    return rc;
}

/* Above a size somebody else has to stand for it, and prove with a key of their own that it is them. */
static int second_person(struct act *x, struct err *e)
{
    long long people = (long long)x->c->people, above = (long long)second_person_above(x);
    struct arena *a;
    bool hand = false;
    if (x->c->people <= second_person_above(x))
        return 0;
    if (x->g->o.n_approvers == 0)
        return err_set(
            e, WL_EDENIED,
            "it is for %lld people: above %lld (campaigns.second_person_above) an approver has to approve it, "
            "and the configuration names none under approvers",
            people, above);
    if (!approver_is(x->g, x->o->actor))
        return err_set(e, WL_EDENIED,
                       "it is for %lld people: above %lld an approver has to approve it, with a key of their own "
                       "(approvers of the configuration)",
                       people, above);
    if ((a = arena_create(HISTORY_MAX)) == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    int rc = had_a_hand(x, a, &hand, e);
    if (rc == 0 && hand)
        rc = err_set(
            e, WL_EDENIED,
            "it is for %lld people: above %lld a second person has to approve it, who neither wrote nor checked it",
            people, above);
    arena_free(a);
    return rc;
}

static int same_plan(const struct act *x, struct err *e)
{
    char plan[SHA256_HEX];
    hex_encode(x->c->plan, SHA256_BYTES, plan);
    if (!x->c->planned)
        return err_set(e, WL_EDENIED, "it has no plan that could be approved: have it checked");
    if (x->o->plan.n == 0)
        return err_set(e, WL_EINVAL,
                       "plan is missing: an approval names the hash of the plan it stands for, which is %s", plan);
    if (!str_ieq(x->o->plan, str_of(plan)))
        return err_set(e, WL_EDENIED,
                       "the plan of this campaign is %s and not the one named: look at what its check says now", plan);
    return 0;
}

static int may_approve(struct act *x, struct err *e)
{
    int rc = not_busy(x, e);
    if (rc == 0)
        rc = same_plan(x, e);
    return rc == 0 ? second_person(x, e) : rc;
}

/* A copy that was put back does not know what was sent since: nobody stood for it as it is. */
static bool is_older_copy(const struct act *x)
{
    return x->c->generation != 0 && x->c->generation != generation(x);
}

/* What people would read is what somebody stood for. */
static int same_words(struct act *x, struct err *e)
{
    struct campaign_check_row k = {0};
    struct arena *a = arena_create(CHECK_MAX);
    char which[LISTING_WHICH] = "";
    bool same = true;
    int rc = a != NULL ? campaign_check_get(x->s, x->c->id, a, &k, e) : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = campaign_listings_same(x->s, k.report, &same, which, e);
    arena_free(a);
    if (rc == 0 && !same)
        rc = err_set(e, WL_EDENIED, "%s: have the campaign checked and approved again", which);
    return rc;
}

static int may_start(struct act *x, struct err *e)
{
    int64_t copied = 0;
    int rc = campaigns_copied_at(x->s, &copied, e);
    if (rc != 0)
        return rc;
    if (is_older_copy(x) || (copied != 0 && x->c->approved_at < copied))
        return err_set(
            e, WL_EDENIED,
            "the database is an older copy that was put back after this campaign was approved, so it may have "
            "been sent: have it checked and approved again");
    rc = not_busy(x, e);
    return rc == 0 ? same_words(x, e) : rc;
}

/* What was away, or is an older copy of itself, goes on only for somebody who says that they looked. */
static int may_resume(struct act *x, struct err *e)
{
    bool older = is_older_copy(x);
    if ((x->c->cause != CAUSE_GAP && !older) || x->o->after_gap)
        return 0;
    return err_set(e, WL_EDENIED,
                   older ? "the database is a copy that was put back, and what this campaign sent since is not in it: "
                           "going on would repeat messages. Look at the platform's figures, then resume with after_gap"
                         : "it stood still while nobody ran it: look whether it should still go out, then resume with "
                           "after_gap");
}

/* Its source, as it is, into x->source. */
static int find_source(struct act *x, struct arena *a, struct err *e)
{
    struct campaign_source *v = NULL;
    size_t n = 0;
    int rc = campaign_sources_get(x->s, x->c->id, a, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (v[i].stratum == x->o->stratum) {
            x->source = v[i];
            x->source.name = (struct str){NULL, 0};
            return 0;
        }
    }
    return rc != 0 ? rc : err_set(e, WL_ENOTFOUND, "source %d is none of this campaign's", x->o->stratum);
}

static int may_change_source(struct act *x, struct err *e)
{
    int to = x->o->act == CAMPAIGN_ACT_RELEASE ? CAMPAIGN_SOURCE_GOES_ON : CAMPAIGN_SOURCE_QUARANTINED;
    struct arena *a = arena_create(HISTORY_MAX);
    int rc = a != NULL ? find_source(x, a, e) : err_set(e, WL_ENOMEM, "out of memory");
    arena_free(a);
    if (rc == 0 && x->source.state == to)
        rc = err_set(e, WL_EDENIED, "source %d %s already", x->o->stratum,
                     to == CAMPAIGN_SOURCE_GOES_ON ? "goes on" : "is in quarantine");
    x->source.state = to;
    x->source.state_at = x->now;
    x->source.why = x->o->detail;
    return rc;
}

/* --- the record of an approval ----------------------------------------------------------------------------------------- */

static int write_record(struct act *x, const struct campaign_check_row *k, int64_t leaves, struct err *e)
{
    char id[STORE_ID_TEXT], at[TIME_TEXT], plan[SHA256_HEX], audience[SHA256_HEX];
    struct json_out o;
    hex_encode(x->c->plan, SHA256_BYTES, plan);
    hex_encode(k->audience_hash, SHA256_BYTES, audience);
    json_out_init(&o, &x->record);
    jo_object(&o);
    jo_kcstr(&o, "schema_version", "wayleave-campaign-1");
    jo_kcstr(&o, "campaign", campaign_id_text(x->c->id, id));
    jo_kstr(&o, "name", x->c->name);
    jo_kcstr(&o, "plan", plan);
    jo_kcstr(&o, "audience", audience);
    jo_kint(&o, "in_audience", x->c->audience);
    jo_kint(&o, "people", x->c->people);
    jo_kstr(&o, "created_by", x->c->created_by);
    jo_kstr(&o, "approved_by", x->o->actor);
    jo_kcstr(&o, "approved_at", time_text(x->now, at));
    jo_key(&o, "ledger");
    jo_object(&o);
    jo_kint(&o, "generation", generation(x));
    jo_kint(&o, "size", leaves);
    jo_end(&o);
    jo_end(&o);
    return x->record.failed ? err_set(e, WL_ETOOBIG, "the record of the approval is too large") : 0;
}

static int make_record(struct act *x, struct err *e)
{
    struct campaign_check_row k = {0};
    struct arena *a = arena_create(CHECK_MAX);
    int64_t leaves = 0;
    int rc = a != NULL ? campaign_check_get(x->s, x->c->id, a, &k, e) : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = log_size(x->s, &leaves, e);
    if (rc == 0)
        rc = write_record(x, &k, leaves, e);
    arena_free(a);
    return rc;
}

/* --- what it changes. `due` keeps it before the runner, who takes that away when nothing is left to be done ---------- */

static void unplan(struct campaign_row *c)
{
    c->planned = false;
    memset(c->plan, 0, sizeof c->plan);
    c->checked_at = c->approved_at = 0;
    c->approved_by = (struct str){"", 0};
    c->people = c->audience = 0;
}

static void clear_cause(struct campaign_row *c)
{
    c->cause = CAUSE_NONE;
    c->why = (struct str){"", 0};
    c->resume_at = 0;
}

static void on_change(struct act *x)
{
    unplan(x->c);
    clear_cause(x->c);
}

static void on_check(struct act *x)
{
    unplan(x->c);
    clear_cause(x->c);
    x->c->busy = true;
    x->c->due = x->now;
}

static void on_checked(struct act *x)
{
    x->c->busy = false;
    x->c->due = 0;
    x->c->checked_at = x->now;
    x->c->approved_at = 0;
    x->c->approved_by = (struct str){"", 0};
    clear_cause(x->c);
}

static void on_unchecked(struct act *x)
{
    unplan(x->c);
    clear_cause(x->c);
    x->c->busy = false;
    x->c->due = 0;
    x->c->why = x->o->detail;
}

static void on_approve(struct act *x)
{
    x->c->approved_at = x->now;
    x->c->approved_by = x->o->actor;
    x->c->generation = generation(x);
}

static void on_start(struct act *x)
{
    clear_cause(x->c);
    x->c->started_at = x->c->beat_at = x->c->due = x->now;
}

/* Somebody who pauses what was away has not said that it may go on where it is. */
static void on_hold(struct act *x)
{
    enum campaign_cause cause = x->o->act == CAMPAIGN_ACT_PAUSE ? CAUSE_PERSON : x->o->cause;
    x->c->cause = x->c->cause == CAUSE_GAP ? CAUSE_GAP : (int)cause;
    x->c->why = x->o->detail;
    x->c->resume_at = x->o->act == CAMPAIGN_ACT_PAUSE ? 0 : x->o->resume_at;
    x->c->due = x->now;
}

static void on_resume(struct act *x)
{
    clear_cause(x->c);
    x->c->due = x->c->beat_at = x->now;
    if (x->o->after_gap)
        x->c->generation = generation(x);
}

static void on_stop(struct act *x)
{
    x->c->cause = x->o->cause != CAUSE_NONE ? x->o->cause : CAUSE_PERSON;
    x->c->why = x->o->detail;
    x->c->resume_at = 0;
    x->c->ended_at = x->c->due = x->now;
}

static void on_cancel(struct act *x)
{
    clear_cause(x->c);
    x->c->busy = false;
    x->c->ended_at = x->c->due = x->now;
    x->c->why = x->o->detail;
}

static void on_finish(struct act *x)
{
    clear_cause(x->c);
    x->c->ended_at = x->now;
    x->c->due = 0;
}

static void on_source(struct act *x)
{
    x->c->due = x->now;
}

static const struct act_row {
    int (*may)(struct act *x, struct err *e);    /* beside the state; NULL: always */
    int (*record)(struct act *x, struct err *e); /* what its leaf commits to; NULL: it has none */
    void (*change)(struct act *x);               /* beside the state; NULL: nothing */
} acts[CAMPAIGN_ACT_REPEAT + 1] = {
    [CAMPAIGN_ACT_CREATE] = {NULL, NULL, NULL},
    [CAMPAIGN_ACT_CHANGE] = {not_busy, NULL, on_change},
    [CAMPAIGN_ACT_CHECK] = {not_busy, NULL, on_check},
    [CAMPAIGN_ACT_CHECKED] = {is_busy, NULL, on_checked},
    [CAMPAIGN_ACT_UNCHECKED] = {is_busy, NULL, on_unchecked},
    [CAMPAIGN_ACT_APPROVE] = {may_approve, make_record, on_approve},
    [CAMPAIGN_ACT_START] = {may_start, NULL, on_start},
    [CAMPAIGN_ACT_PAUSE] = {NULL, NULL, on_hold},
    [CAMPAIGN_ACT_HOLD] = {NULL, NULL, on_hold},
    [CAMPAIGN_ACT_RESUME] = {may_resume, NULL, on_resume},
    [CAMPAIGN_ACT_STOP] = {NULL, NULL, on_stop},
    [CAMPAIGN_ACT_CANCEL] = {NULL, NULL, on_cancel},
    [CAMPAIGN_ACT_QUARANTINE] = {may_change_source, NULL, on_source},
    [CAMPAIGN_ACT_RELEASE] = {may_change_source, NULL, on_source},
    [CAMPAIGN_ACT_FINISH] = {NULL, NULL, on_finish},
    [CAMPAIGN_ACT_REPEAT] = {NULL, NULL, NULL},
};

/* --- doing it ---------------------------------------------------------------------------------------------------------------- */

static int create(struct act *x, struct err *e)
{
    struct campaign_row *c = x->c;
    c->id = store_id(x->s, x->now);
    c->state = CAMPAIGN_DRAFT;
    c->created_at = x->now;
    c->created_by = x->o->actor;
    return campaign_insert(x->s, c, e);
}

static int save(struct act *x, const struct act_row *row, struct err *e)
{
    if (x->o->act == CAMPAIGN_ACT_CREATE)
        return create(x, e);
    x->c->state = x->next;
    if (row->change != NULL)
        row->change(x);
    int rc = row->may == may_change_source ? campaign_source_set(x->s, &x->source, e) : 0;
    return rc == 0 ? campaign_save(x->s, x->c, e) : rc;
}

static int tell(struct act *x, struct err *e)
{
    struct campaign_event_row ev = {.id = store_id(x->s, x->now),
                                    .campaign = x->c->id,
                                    .at = x->now,
                                    .act = x->o->act,
                                    .actor = x->o->actor,
                                    .detail = x->o->detail,
                                    .record = buf_str(&x->record)};
    return campaign_event_append(x->s, &ev, e);
}

static int allowed(struct act *x, const struct act_row *row, struct err *e)
{
    if (x->o->actor.n == 0)
        return err_set(e, WL_EINVAL, "actor is missing: who does this");
    int rc = x->o->act == CAMPAIGN_ACT_CREATE
                 ? 0
                 : campaign_act_allowed((enum campaign_state)x->c->state, x->o->act, &x->next, e);
    return rc == 0 && row->may != NULL ? row->may(x, e) : rc;
}

int campaign_do(struct gateway *g, struct store *s, struct campaign_row *c, const struct campaign_order *o, int64_t now,
                struct err *e)
{
    const struct act_row *row = &acts[o->act];
    struct campaign_row as_it_was = *c;
    struct act x = {.g = g, .s = s, .c = c, .o = o, .now = now, .next = (enum campaign_state)c->state};
    int rc = allowed(&x, row, e);
    buf_init(&x.record, RECORD_MAX);
    if (rc == 0 && row->record != NULL)
        rc = row->record(&x, e);
    if (rc == 0)
        rc = save(&x, row, e);
    if (rc == 0)
        rc = tell(&x, e);
    buf_done(&x.record);
    if (rc != 0)
        *c = as_it_was;
    return rc;
}
