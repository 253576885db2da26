/* SPDX-License-Identifier: Apache-2.0
 * recheck.c - the chore that looks through the outbox for messages to people who refused something, and of campaigns that are over.
 *
 * The outbox has no order by person, and shall have none: an index would be paid for by every message. So all rows are gone
 * through with whom they are to, once for all who refused meanwhile; after a pass it rests for four times as long as that
 * took. What is found goes to the door, a few at a time, which ends it if a rule denies it now. That does not hurry: at a message's
 * turn the same question is asked again. So the few are few enough to be in nobody's way, and as many as make the hundreds of thousands
 * that may wait for a stopped campaign a matter of minutes. */
#include "gateway/recheck.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/admit.h"
#include "gateway/chore.h"
#include "gateway/gateway_impl.h"
#include "store/campaigns.h"
#include "store/outbox.h"

#define REST_MS  200
#define PAGE     1000
#define TOGETHER 24                    /* at the door at a time */
#define MEMORY   (TOGETHER * 1u << 20) /* four times the largest body for each */
#define PATIENCE 4                     /* rests as many times as long as a pass took */
#define BUCKET   0                     /* one holds everything while the spread is 1 */

struct campaign_asked {
    int64_t id;
    bool goes_on; /* else it is over */
};

struct recheck {
    struct gateway *g;
    struct chore *chore;
    pthread_mutex_t lock;
    pthread_cond_t told;
    int64_t asked[RECHECK_MAX]; /* who refused since the pass under way began */
    size_t n_asked;
    struct campaign_asked campaign[RECHECK_CAMPAIGNS_MAX]; /* likewise */
    size_t n_campaigns;
    size_t deciding; /* at the door */

    /* --- the chore's own --- */
    int64_t looked[RECHECK_MAX]; /* whom this pass is for, sorted */
    size_t n_looked;
    struct campaign_asked about[RECHECK_CAMPAIGNS_MAX]; /* campaigns it is for */
    size_t n_about;
    bool watches;            /* it is known what had happened to campaigns when it began: */
    int64_t happened;        /* the newest event that was seen */
    struct outbox_key after; /* where it is */
    int64_t begun_ns, rest_until_ns;
};

void recheck_person(struct recheck *r, int bucket, int64_t contact)
{
    (void)bucket;
    if (r == NULL || contact == 0)
        return;
    pthread_mutex_lock(&r->lock);
    if (r->n_asked < RECHECK_MAX)
        r->asked[r->n_asked++] = contact;
    pthread_mutex_unlock(&r->lock);
}

void recheck_campaign(struct recheck *r, int64_t campaign, bool goes_on)
{
    size_t i = 0;
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    while (i < r->n_campaigns && r->campaign[i].id != campaign)
        i++;
    if (i < RECHECK_CAMPAIGNS_MAX)
        r->campaign[i] = (struct campaign_asked){campaign, goes_on};
    r->n_campaigns += i == r->n_campaigns && i < RECHECK_CAMPAIGNS_MAX;
    pthread_mutex_unlock(&r->lock);
}

/* --- messages ------------------------------------------------------------------------------------------------------ */

/* Those that go to the door together. */
struct few {
    struct arena *a;
    struct send *send[TOGETHER];
    size_t n;
};

static void decided(struct send *s)
{
    struct recheck *r = s->user;
    pthread_mutex_lock(&r->lock);
    if (--r->deciding == 0)
        pthread_cond_signal(&r->told);
    pthread_mutex_unlock(&r->lock);
}

static bool goes_on(const struct recheck *r, int64_t campaign)
{
    for (size_t i = 0; i < r->n_about; i++)
        if (r->about[i].id == campaign)
            return r->about[i].goes_on;
    return false;
}

/* A message that is gone or under way is not ours. */
static int add(struct recheck *r, struct store *reader, const struct outbox_key *key, struct few *f, struct err *e)
{
    struct send *s = arena_new(f->a, struct send);
    struct intent *intent = arena_new(f->a, struct intent);
    struct outbox_row row;
    if (s == NULL || intent == NULL)
        return err_set(e, WL_ENOMEM, "no memory to judge a message again");
    int rc = outbox_get(reader, key, f->a, &row, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    *s = (struct send){
        .g = r->g, .mode = SEND_QUEUED, .sender = key->sender, .only_refuse = true, .decided = decided, .user = r};
    s->sooner = row.ruleset != 0 && goes_on(r, key->campaign);
    if (send_from_row(s, &row, f->a, intent, e) == 0) /* else the dispatcher ends it */
        f->send[f->n++] = s;
    return 0;
}

static void count(struct recheck *r, bool one_more)
{
    pthread_mutex_lock(&r->lock);
    r->deciding += one_more ? 1 : (size_t)-1;
    pthread_mutex_unlock(&r->lock);
}

/* Returns when all were judged. One the door has no room for now is an error, and they are looked at again. */
static int judge(struct recheck *r, struct few *f, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        count(r, true);
        rc = admit_submit(f->send[i], e);
        if (rc != 0)
            count(r, false);
    }
    pthread_mutex_lock(&r->lock);
    while (r->deciding > 0)
        pthread_cond_wait(&r->told, &r->lock);
    pthread_mutex_unlock(&r->lock);
    f->n = 0;
    arena_reset(f->a);
    return rc;
}

/* --- a pass -------------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* false: nobody refused anything. */
static bool begin_pass(struct recheck *r)
{
    if (r->n_looked > 0 || r->n_about > 0)
        return true;
    if (clock_mono_ns() < r->rest_until_ns)
        return false;
    pthread_mutex_lock(&r->lock);
    r->n_looked = r->n_asked;
    memcpy(r->looked, r->asked, r->n_asked * sizeof r->asked[0]);
    r->n_asked = 0;
    r->n_about = r->n_campaigns;
    memcpy(r->about, r->campaign, r->n_campaigns * sizeof r->campaign[0]);
    r->n_campaigns = 0;
    pthread_mutex_unlock(&r->lock);
    qsort(r->looked, r->n_looked, sizeof r->looked[0], by_id);
    r->after = (struct outbox_key){.bucket = BUCKET};
    r->begun_ns = clock_mono_ns();
    return r->n_looked > 0 || r->n_about > 0;
}

static void end_pass(struct recheck *r)
{
    int64_t now = clock_mono_ns();
    r->n_looked = r->n_about = 0;
    r->rest_until_ns = now + PATIENCE * (now - r->begun_ns);
}

static bool is_looked_for(const struct recheck *r, const struct outbox_addressee *to)
{
    for (size_t i = 0; i < r->n_about; i++)
        if (r->about[i].id == to->key.campaign)
            return true;
    return to->contact != 0 && r->n_looked > 0 &&
           bsearch(&to->contact, r->looked, r->n_looked, sizeof r->looked[0], by_id) != NULL;
}

/* The rows of a page that are looked for; the pass goes on behind those that were judged. */
static int look_through(struct recheck *r, struct store *reader, const struct outbox_addressee *to, size_t n,
                        struct few *f, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (is_looked_for(r, &to[i]))
            rc = add(r, reader, &to[i].key, f, e);
        if (rc == 0 && (f->n == TOGETHER || i + 1 == n))
            rc = judge(r, f, e);
        if (rc == 0 && f->n == 0)
            r->after = to[i].key;
    }
    return rc;
}

/* Campaigns that go on again, or with people of a source again, as their events say: what is held for moments only is not missed. */
static int watch_campaigns(struct recheck *r, struct store *reader, struct arena *a, struct err *e)
{
    struct campaign_event_row *ev = NULL;
    size_t n = 0;
    int rc = r->watches ? campaign_events_after(reader, r->happened, a, RECHECK_CAMPAIGNS_MAX, &ev, &n, e)
                        : campaign_events_newest(reader, &r->happened, e);
    r->watches |= rc == 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (ev[i].act == CAMPAIGN_ACT_RESUME || ev[i].act == CAMPAIGN_ACT_RELEASE)
            recheck_campaign(r, ev[i].campaign, true);
        r->happened = ev[i].id;
    }
    return rc;
}

static int look(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct recheck *r = ctx;
    struct outbox_addressee *to = NULL;
    struct few f = {.n = 0};
    size_t n = 0;
    int rc = watch_campaigns(r, reader, a, e);
    if (rc != 0 || !begin_pass(r))
        return rc;
    rc = outbox_addressees(reader, &r->after, PAGE, a, &to, &n, e);
    f.a = rc == 0 ? arena_create(MEMORY) : NULL;
    if (rc == 0 && f.a == NULL)
        rc = err_set(e, WL_ENOMEM, "no memory to judge messages again");
    if (rc == 0)
        rc = look_through(r, reader, to, n, &f, e);
    arena_free(f.a);
    *ret_more = rc == 0 && n == PAGE;
    if (rc == 0 && n < PAGE)
        end_pass(r);
    return rc;
}

/* --- start and stop ------------------------------------------------------------------------------------------------ */

int recheck_start(struct recheck **ret, struct gateway *g, struct err *e)
{
    struct recheck *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->g = g;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->told, NULL);
    int rc =
        chore_start(&r->chore, g->o.store_url,
                    &(struct chore_options){.name = "recheck",
                                            .failed = "messages to people who refused something, or of campaigns that "
                                                      "are over, were not looked at",
                                            .memory = MEMORY,
                                            .rest_ms = REST_MS,
                                            .backlog_ms = 1,
                                            .step = look,
                                            .ctx = r},
                    e);
    if (rc != 0) {
        recheck_free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void recheck_stop(struct recheck *r)
{
    if (r != NULL)
        chore_stop(r->chore);
}

void recheck_free(struct recheck *r)
{
    if (r == NULL)
        return;
    chore_free(r->chore);
    pthread_cond_destroy(&r->told);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
