/* SPDX-License-Identifier: Apache-2.0
 * campaign_hand.c - from a recipient's row to the door, and what the door said.
 *
 * The body is built from the values that the check froze; only the person's name is looked up now, because it may have
 * changed. Somebody who is gone meanwhile (erased, or nameless) is passed by: the cursor moves over them alone, when nothing else is
 * under way.
 *
 * One cursor and several numbers: people were given their number by the check, so the campaign lasts as long as its slowest number does, and
 * a number that has enough at the door is waited for: the others lose nothing by it. A number that is stuck (stopped, in a circuit, without
 * an answer) is not waited for: its people are handed on all the same and stand in the outbox in a line of their own, at most
 * HAND_PILE_MOST of them, to be judged again in their turn like everybody. Only then the campaign waits for it.
 *
 * Trouble (the line of the writer is full, Meta cannot be asked about the number) is answered by waiting: twice as long each time, up to
 * HAND_REST_MOST. */
#include "gateway/campaign_hand.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/own_send.h"
#include "store/people.h"

#define HAND_PLACES    512 /* of all campaigns */
#define HAND_MEMORY    (1u << 20)
#define HAND_BODY_MAX  (64u << 10)
#define HAND_NAMES     16
#define HAND_REST      20 /* ms */
#define HAND_REST_MOST 5000
#define BELL_EACH      32 /* back: the runner is told */

enum place_state { PLACE_FREE, PLACE_OUT, PLACE_BACK };
struct hand_place {
    struct campaign_hands *all;
    struct own_send own;
    struct campaign_hand *hand; /* the runner thread's */
    enum place_state state;     /* under the lock */
    int64_t place;
    struct err err; /* BACK; code 0: it is with the door, or was denied there */
};

struct campaign_hands {
    struct campaigns *c;
    void (*bell)(void *ctx);
    void *ctx;
    pthread_mutex_t lock;
    size_t n_out, n_back;
    struct hand_place place[HAND_PLACES];
};

struct campaign_hands *campaign_hands_create(struct campaigns *c, void (*bell)(void *ctx), void *ctx)
{
    struct campaign_hands *all = calloc(1, sizeof *all);
    if (all == NULL)
        abort();
    all->c = c;
    all->bell = bell;
    all->ctx = ctx;
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void campaign_hands_free(struct campaign_hands *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < HAND_PLACES; i++) {
        own_send_done(&all->place[i].own);
        arena_free(all->place[i].own.arena);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* --- what the door says; any thread --------------------------------------------------------------------------------- */

static void back(struct hand_place *p, const struct err *why)
{
    struct campaign_hands *all = p->all;
    pthread_mutex_lock(&all->lock);
    p->err = *why;
    p->state = PLACE_BACK;
    all->n_out--;
    all->n_back++;
    bool tell = all->n_out == 0 || all->n_back % BELL_EACH == 0 || why->code != 0;
    pthread_mutex_unlock(&all->lock);
    if (tell)
        all->bell(all->ctx);
}

static void failed(struct own_send *own, const struct err *why)
{
    struct err e = *why;
    if (e.code == 0)
        e.code = WL_EIO;
    back(container_of(own, struct hand_place, own), &e);
}

static void decided(struct send *s)
{
    static const struct err well = {0};
    struct hand_place *p = s->user;
    failpoint(campaign_told);
    if (s->job.rc != 0)
        failed(&p->own, &s->job.err);
    else
        back(p, &well);
}

/* --- taking back ---------------------------------------------------------------------------------------------------- */

static void take(struct campaign_hand *h, const struct err *why, int64_t now_ms)
{
    h->out--;
    if (why->code == 0) {
        h->handed++;
        if (!h->broken)
            h->why.code = 0;
        return;
    }
    if (why->code != WL_ECONFLICT || !h->broken) /* those behind the first only say that they are behind it */
        h->why = *why;
    if (!h->broken) {
        int64_t rest = h->window > 1 ? HAND_REST : HAND_REST * 8;
        h->rest_ms = now_ms + rest;
    }
    h->broken = true;
}

void campaign_hand_collect(struct campaign_hands *all, struct campaign_hand *h)
{
    int64_t now_ms = clock_mono_ns() / 1000000;
    size_t well = 0;
    if (h->out == 0)
        return;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < HAND_PLACES; i++) {
        struct hand_place *p = &all->place[i];
        if (p->state != PLACE_BACK || p->hand != h)
            continue;
        well += p->err.code == 0;
        take(h, &p->err, now_ms);
        p->state = PLACE_FREE;
        all->n_back--;
    }
    pthread_mutex_unlock(&all->lock);
    campaigns_count(all->c, CAMPAIGNS_HANDED, well);
    if (well > 0 && !h->broken && h->window < HAND_WINDOW)
        h->window = h->window * 2 < HAND_WINDOW ? h->window * 2 : HAND_WINDOW;
    if (h->broken && h->out == 0) {
        h->broken = false;
        h->window = 1;
        h->next = 0;
    }
}

/* --- one person ----------------------------------------------------------------------------------------------------- */

static struct hand_place *free_place(struct campaign_hands *all)
{
    struct hand_place *found = NULL;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; found == NULL && i < HAND_PLACES; i++)
        if (all->place[i].state == PLACE_FREE)
            found = &all->place[i];
    pthread_mutex_unlock(&all->lock);
    return found;
}

static struct hand_number *number_of(const struct hand_terms *t, int64_t sender)
{
    for (size_t i = 0; i < t->n_numbers; i++)
        if (t->number[i].sender == sender)
            return &t->number[i];
    return NULL;
}

/* The name they are written to under: a phone number before a user id. False: they have none. */
static int name_of(struct store *reader, const struct campaign_recipient *r, struct identity *ret, bool *ret_found,
                   int64_t *ret_person, struct err *e)
{
    struct identity names[HAND_NAMES];
    struct person p;
    size_t n = 0;
    *ret_found = false;
    *ret_person = r->contact;
    if (r->contact == 0)
        return 0;
    int rc = people_get(reader, r->bucket, r->contact, &p, e);
    if (rc == 0)
        *ret_person = p.id;
    if (rc == 0)
        rc = people_identities(reader, p.bucket, p.id, names, HAND_NAMES, &n, e);
    for (int kind = IDENTITY_PHONE; rc == 0 && !*ret_found && kind <= IDENTITY_USER_ID; kind++)
        for (size_t i = 0; i < n && !*ret_found; i++) {
            *ret_found = (int)names[i].kind == kind;
            *ret = names[i];
        }
    return rc == WL_ENOTFOUND ? 0 : rc;
}

static int build(struct hand_place *p, const struct hand_terms *t, const struct campaign_recipient *r,
                 const struct identity *to, struct err *e)
{
    struct str digits = str_of(to->value);
    struct buf b;
    if (r->variant < 0 || (size_t)r->variant >= t->def->n_variants)
        return err_set(e, WL_EINVAL, "it has no template number %d", r->variant);
    if (to->kind == IDENTITY_PHONE && digits.n > 0 && digits.p[0] == '+')
        digits = (struct str){digits.p + 1, digits.n - 1};
    buf_init(&b, HAND_BODY_MAX);
    int rc = campaign_body(&t->def->variant[r->variant], r->language, digits, to->kind == IDENTITY_USER_ID, r->params,
                           &b, e);
    char *kept = rc == 0 && !b.failed ? arena_strndup(p->own.arena, buf_cstr(&b), b.len) : NULL;
    if (rc == 0 && kept == NULL)
        rc = err_set(e, WL_ETOOBIG, "the message is larger than %u KiB", HAND_BODY_MAX >> 10);
    p->own.body = (struct str){kept, kept != NULL ? b.len : 0};
    buf_done(&b);
    return rc;
}

static void reset(struct hand_place *p, struct campaign_hands *all)
{
    struct arena *mine = p->own.arena;
    own_send_done(&p->own);
    if (mine == NULL && (mine = arena_create(HAND_MEMORY)) == NULL)
        abort();
    arena_reset(mine);
    p->all = all;
    p->own = (struct own_send){.arena = mine, .failed = failed};
}

/* False: it is back already, because something went wrong. */
static bool submit(struct campaign_hands *all, struct campaign_hand *h, const struct hand_terms *t,
                   struct hand_place *p, const struct campaign_recipient *r, struct hand_number *number)
{
    p->own.token = strdup(number->token);
    if (p->own.token == NULL)
        abort();
    p->own.send = (struct send){.g = all->c->g,
                                .mode = SEND_ACCEPT,
                                .sender = r->sender,
                                .expected = t->def->category,
                                .expires = t->def->deadline,
                                .body = p->own.body,
                                .campaign = h->campaign,
                                .place = r->place,
                                .stratum = r->stratum,
                                .campaign_epoch = h->epoch,
                                .decided = decided,
                                .user = p};
    pthread_mutex_lock(&all->lock);
    p->hand = h;
    p->place = r->place;
    p->state = PLACE_OUT;
    all->n_out++;
    pthread_mutex_unlock(&all->lock);
    h->out++;
    number->waiting++;
    failpoint(campaign_submitting);
    own_send_submit(&p->own);
    pthread_mutex_lock(&all->lock);
    bool well = p->state == PLACE_OUT || p->err.code == 0;
    pthread_mutex_unlock(&all->lock);
    return well;
}

/* --- nobody is there ------------------------------------------------------------------------------------------------ */

struct pass_by {
    const struct campaign_hand *h;
    int64_t place, contact;
};

static int pass_by_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct pass_by *p = ctx;
    const struct campaign_cursor c = {.bucket = CAMPAIGN_BUCKET,
                                      .campaign = p->h->campaign,
                                      .cur = p->place,
                                      .epoch = p->h->epoch};
    struct campaign_recipient who;
    (void)now;
    int rc = recipient_get(s, CAMPAIGN_BUCKET, p->h->campaign, p->place, a, &who, e);
    if (rc == 0 && who.contact != p->contact) /* they are somebody else's by now, who may be written to */
        rc = err_set(e, WL_ECONFLICT, "the recipient is another person by now");
    if (rc == 0)
        rc = campaign_cursor_move(s, &c, p->place, 0, e);
    failpoint(campaign_passing);
    return rc;
}

/* Only when nothing else is under way; false: later. */
static int pass_by(struct campaign_hands *all, struct campaign_hand *h, const struct campaign_recipient *who,
                   bool *ret_done, struct err *e)
{
    struct pass_by p = {h, who->place, who->contact};
    *ret_done = false;
    if (h->out > 0)
        return 0;
    int rc = writer_call(all->c->g->writer, CAMPAIGN_JOB_RANK, pass_by_task, &p, e);
    if (rc == WL_ECONFLICT || rc == WL_EBUSY) {
        h->next = 0;
        return 0;
    }
    *ret_done = rc == 0;
    if (rc == 0)
        h->next = who->place + 1;
    return rc;
}

/* --- two turn out to be one ----------------------------------------------------------------------------------------- */

struct merge {
    int bucket;
    int64_t into, from;
};

static int merge_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct merge *m = ctx;
    (void)a, (void)now;
    return recipients_merge(s, m->bucket, m->into, m->from, e);
}

/* They became one person while the check wrote its rows, so that nobody saw that both are recipients: the later place becomes nobody's. */
static int merge(struct campaign_hands *all, struct campaign_hand *h, const struct campaign_recipient *r,
                 int64_t person, struct err *e)
{
    struct merge m = {r->bucket, person, r->contact};
    if (h->out > 0)
        return 0; /* later */
    h->next = 0;
    h->merged = r->place; /* once is enough */
    return writer_call(all->c->g->writer, CAMPAIGN_JOB_RANK, merge_task, &m, e);
}

/* --- handing on ----------------------------------------------------------------------------------------------------- */

/* Whether this number's next one has to wait. */
static bool has_enough(const struct hand_terms *t, const struct hand_number *n)
{
    return n->waiting >= (n->stuck && t->n_numbers > 1 ? HAND_PILE_MOST : n->most);
}

/* false in *ret_on: nothing more now. */
static int hand_one(struct campaign_hands *all, struct campaign_hand *h, const struct hand_terms *t,
                    const struct campaign_recipient *r, struct store *reader, bool *ret_on, struct err *e)
{
    struct hand_number *number = number_of(t, r->sender);
    struct hand_place *p;
    struct identity to;
    struct err why = {0};
    int64_t person;
    bool known;
    *ret_on = false;
    if (number == NULL || number->token == NULL) {
        err_set(&h->why, WL_EDENIED,
                "no token is kept for number %lld: set token_file under senders in the configuration",
                (long long)r->sender);
        h->rest_ms = clock_mono_ns() / 1000000 + HAND_REST_MOST;
        return 0;
    }
    if (has_enough(t, number) || (p = free_place(all)) == NULL)
        return 0;
    int rc = name_of(reader, r, &to, &known, &person, e);
    if (rc != 0)
        return rc;
    if (person != r->contact && h->merged != r->place)
        return merge(all, h, r, person, e);
    reset(p, all);
    if (known && (rc = build(p, t, r, &to, &why)) != 0) {
        log_error("campaigns",
                  "campaign %lld: the message to its person number %lld cannot be built, they get none: %s",
                  (long long)h->campaign, (long long)r->place, why.text);
        known = false;
    }
    if (!known)
        return pass_by(all, h, r, ret_on, e);
    t->use(t->ctx, r);
    h->next = r->place + 1;
    *ret_on = submit(all, h, t, p, r, number);
    return 0;
}

static int find_cursor(struct campaign_hand *h, struct store *reader, struct err *e)
{
    struct campaign_cursor c = {.bucket = CAMPAIGN_BUCKET, .campaign = h->campaign};
    if (h->next != 0)
        return 0;
    int rc = campaign_cursor_get(reader, &c, e);
    if (rc == 0 && c.epoch != h->epoch)
        rc = err_set(e, WL_ECONFLICT, "another gateway has taken campaign %lld over", (long long)h->campaign);
    if (rc == 0) {
        h->next = c.cur > 0 ? c.cur : 1;
        h->window = 1;
    }
    return rc;
}

static size_t how_many(const struct campaign_hand *h, const struct hand_terms *t)
{
    int64_t left = t->last - h->next + 1, n = t->most;
    int64_t room = (int64_t)h->window - (int64_t)h->out;
    if (n > left)
        n = left;
    if (n > room)
        n = room;
    return n > 0 ? (size_t)n : 0;
}

int campaign_hand(struct campaign_hands *all, struct campaign_hand *h, const struct hand_terms *t, struct store *reader,
                  struct arena *a, size_t *ret_handed, struct err *e)
{
    struct campaign_recipient *r = NULL;
    size_t n = 0;
    bool on = true;
    *ret_handed = 0;
    campaign_hand_collect(all, h);
    if (h->broken || clock_mono_ns() / 1000000 < h->rest_ms)
        return 0;
    int rc = find_cursor(h, reader, e);
    size_t most = rc == 0 ? how_many(h, t) : 0;
    if (most > 0)
        rc = recipients_read(reader, CAMPAIGN_BUCKET, h->campaign, h->next, a, most, &r, &n, e);
    for (size_t i = 0; rc == 0 && on && i < n && !h->broken; i++) {
        rc = hand_one(all, h, t, &r[i], reader, &on, e);
        *ret_handed += rc == 0 && on;
    }
    return rc;
}
