/* SPDX-License-Identifier: Apache-2.0
 * lines.c - the lines of the outbox in memory: found, read a little ahead, and their rows handed out turn by turn.
 *
 * A line is one campaign of one class of one number. It is found when the bell rings for its number, and by a sweep over
 * all lines, so that a bell that was missed costs a wait and nothing else. Of each line the next rows that are due are
 * read ahead, without their bodies; when there are none it is known when the next one is.
 *
 * The position up to which a line was read only saves reading again what is in memory. It is given up whenever a line is
 * read to its end, and every few seconds: then it is read from its start, and rows that are in memory or out are known
 * by their ids. So a row that was written late, or put back before the position, is found whatever the clocks said.
 *
 * What must always hold, or a line is forgotten for ever: a line with rows that are due has one of them in memory or out,
 * or is in the list of those to be read, or has a moment (next_ms) at which it comes into that list. Whoever takes the last
 * row out of memory without a turn, or reads and gets none, sets that moment; a turn's end looks anew. And a line that
 * wants rows (little is left of what was read, or nothing is known to be behind it) is read whenever somebody comes by:
 * that there are more behind the position is a reason to read, never one not to.
 *
 * A line of a campaign that is held keeps its rows and has none of them in the lane until it goes on, which is looked for every second.
 *
 * Memory is bounded by the rows a line may have ahead, fewer when all lines together have many, and by the set of ids: a
 * row that finds no room in it is not taken, the position stays before it, and it is asked for again a little later. */
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/admit_impl.h"
#include "gateway/campaigns.h"
#include "gateway/dispatch_impl.h"
#include "gateway/recheck.h"
#include "gateway/rules.h"
#include "gateway/snapshot.h"

#define READ_STEP     64 /* rows read at once: 16 MiB of bodies at most */
#define SCRATCH       (48u << 20)
#define BUILD_STEP    32
#define SWEEP_STEP    64
#define SWEEP_US      (30 * SECOND_US)
#define FROM_START_US (10 * SECOND_US)
#define TOKEN_US      (60 * SECOND_US)
#define NO_TOKEN_US   (5 * SECOND_US)
#define AGAIN_MS      1000
#define WEIGHT_SINGLE 10 /* of messages of no campaign, together: somebody just asked for each of them */

/* --- rows in the lane ---------------------------------------------------------------------------------------------- */

/* After rows came to a line or a line can have its place in the lane. */
static void number_offer(struct dispatch *d, struct number *n)
{
    for (struct line *l = n->lines; l != NULL; l = l->next)
        line_join(l);
    number_wake(d, n, 0);
}

static void read_soon(struct dispatch *d, struct line *l)
{
    if (l->to_read)
        return;
    l->to_read = true;
    l->next_to_read = NULL;
    *d->to_read_tail = l;
    d->to_read_tail = &l->next_to_read;
    pthread_cond_signal(&d->wake_outbox);
}

static size_t most_ahead(const struct dispatch *d)
{
    return d->n_rows < ROWS_MAX ? ROWS_LINE : ROWS_LEAST;
}

/* Reading now may find rows there is room for. */
static bool wants_rows(const struct dispatch *d, const struct line *l)
{
    return !l->more || l->n <= most_ahead(d) / 4;
}

static struct line *line_of(const struct number *n, enum lane_class c, int64_t campaign)
{
    for (struct line *l = n->lines; l != NULL; l = l->next)
        if (l->class == c && l->campaign == campaign)
            return l;
    return NULL;
}

/* Had its turn: the others are before it when they come into the lane anew, as they do whenever something was in the way. */
static void line_last(struct line *l)
{
    struct line **at = &l->number->lines;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    while (*at != NULL)
        at = &(*at)->next;
    *at = l;
    l->next = NULL;
}

void lines_turn(struct dispatch *d, struct number *n, enum lane_class c, int64_t campaign, int64_t now_us)
{
    struct line *l = line_of(n, c, campaign);
    struct queued *q = l != NULL && l->n > 0 ? queued_take(d, l, &l->row[l->first], now_us) : NULL;
    if (l != NULL && l->joined > 0)
        l->joined--;
    if (q == NULL) {
        lane_give_back(&n->lane, now_us, now_us);
        return;
    }
    l->first++;
    l->n--;
    l->out++;
    d->n_rows--;
    d->n_out++;
    d->n_at_door++;
    n->at_door++;
    n->open++;
    line_last(l);
    line_join(l);
    if (l->n == 0)
        number_offer(d, n); /* its place in the lane may be another's */
    if (l->more && wants_rows(d, l))
        read_soon(d, l);
}

/* --- rows in memory ------------------------------------------------------------------------------------------------ */

static bool before(const struct waiting *a, const struct waiting *b)
{
    return a->due != b->due ? a->due < b->due : a->id < b->id;
}

static void make_room(struct line *l)
{
    if (l->first + l->n < l->room)
        return;
    if (l->first > 0) {
        memmove(l->row, l->row + l->first, l->n * sizeof *l->row);
        l->first = 0;
        return;
    }
    l->room = l->room == 0 ? 16 : l->room * 4;
    if ((l->row = realloc(l->row, l->room * sizeof *l->row)) == NULL)
        abort();
}

/* In its place by (due, id), from behind. */
static void row_insert(struct dispatch *d, struct line *l, const struct waiting *w)
{
    make_room(l);
    size_t at = l->first + l->n;
    for (; at > l->first && before(w, &l->row[at - 1]); at--)
        l->row[at] = l->row[at - 1];
    l->row[at] = *w;
    l->n++;
    d->n_rows++;
    if (w->expires != 0 && w->expires < l->first_expiry)
        l->first_expiry = w->expires;
}

void line_take_back(struct dispatch *d, struct line *l, const struct waiting *w)
{
    l->out--;
    row_insert(d, l, w);
    line_join(l);
}

void line_through(struct dispatch *d, struct line *l, const struct waiting *w, bool look)
{
    l->out--;
    id_remove(d->ids, w->id);
    if (l->n == 0 || (look && wants_rows(d, l)))
        read_soon(d, l);
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

/* What the campaign has to do with its line: the weight, which stays; and nothing of one that is held stands in the lane. However many wait
 * for it, they would each have a turn and be held by a rule, again and again, in the way of others. What waits of one that is over is ended
 * before its time. */
static void line_follow(struct dispatch *d, struct line *l)
{
    struct campaign_now c;
    bool known = l->campaign != 0 && campaigns_now(d->g->campaigns, l->campaign, 0, &c);
    bool held = known && c.state == CAMPAIGN_HELD;
    l->weight = l->campaign == 0 ? WEIGHT_SINGLE : known ? c.weight : 1;
    if (l->campaign != 0 && (!known || campaign_is_over(c.state)))
        recheck_campaign(d->g->recheck, l->campaign, false);
    if (held == l->held)
        return;
    l->held = held;
    line_leave(l);
    line_join(l);
    number_wake(d, l->number, 0);
}

static struct line *line_make(struct dispatch *d, struct number *n, const struct outbox_key *k)
{
    struct line *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    l->number = n;
    l->class = (enum lane_class)k->class;
    l->campaign = k->campaign;
    line_follow(d, l);
    l->next_ms = l->first_expiry = NEVER;
    l->next = n->lines;
    n->lines = l;
    n->n_lines++;
    d->n_lines++;
    return l;
}

static void line_drop(struct dispatch *d, struct line *l)
{
    struct number *n = l->number;
    struct line **at = &n->lines;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    n->n_lines--;
    d->n_lines--;
    line_leave(l);
    free(l->row);
    free(l);
}

static void due_at(struct dispatch *d, struct line *l, int64_t ms)
{
    l->next_ms = ms;
    if (ms < d->next_due_ms)
        d->next_due_ms = ms;
}

/* What was not found now may be found a little later. */
static void again_soon(struct dispatch *d, struct line *l, int64_t now)
{
    due_at(d, l, now + AGAIN_MS < l->next_ms ? now + AGAIN_MS : l->next_ms);
}

/* A line was seen in the outbox, with its first row. */
static void line_seen(struct dispatch *d, const struct outbox_key *k, int64_t now)
{
    struct number *n = number_at(d, k->sender, true);
    if (n == NULL && !d->too_many)
        log_error("dispatch",
                  "messages of more than %d numbers wait: those of number %lld and others stay where they are",
                  NUMBERS_MAX, (long long)k->sender);
    d->too_many |= n == NULL;
    if (n == NULL || k->due == OUTBOX_PARKED || k->class < 0 || k->class >= LANE_CLASSES)
        return;
    struct line *l = line_of(n, (enum lane_class)k->class, k->campaign);
    if (l == NULL && d->n_lines < LINES_MAX)
        l = line_make(d, n, k);
    if (l == NULL)
        return; /* a later sweep finds it */
    if (k->due > now)
        due_at(d, l, k->due < l->next_ms ? k->due : l->next_ms);
    else if (wants_rows(d, l))
        read_soon(d, l);
}

void lines_ring(struct dispatch *d, struct number *n)
{
    n->bell = d->bells = true;
    pthread_cond_signal(&d->wake_outbox);
}

/* --- finding ------------------------------------------------------------------------------------------------------- */

static void find_failed(struct err *e)
{
    log_error("dispatch", "the outbox cannot be read: %s", e->text);
}

/* Statements on their own would each take and drop the database's lock. Begun after it was seen why to read, so that what
 * the bell was rung for is seen; where it fails each statement is on its own. */
void lines_reading(struct dispatch *d)
{
    struct err e = {0};
    if (store_begin_reading(d->reader, &e) != 0)
        find_failed(&e);
}

/* All lines of a number. */
static void find_lines(struct dispatch *d, int64_t sender)
{
    struct outbox_key k = {.bucket = OUTBOX_SPREAD, .sender = sender, .class = -1, .campaign = INT64_MIN};
    struct err e = {0};
    int64_t now = clock_now_ms();
    int rc;
    lines_reading(d);
    while ((rc = outbox_next_line(d->reader, &k, &k, &e)) == 0 && k.sender == sender) {
        pthread_mutex_lock(&d->lock);
        line_seen(d, &k, now);
        pthread_mutex_unlock(&d->lock);
    }
    store_rollback(d->reader);
    if (rc != 0 && rc != WL_ENOTFOUND)
        find_failed(&e);
}

/* With the lock held; gives it up meanwhile. */
static void answer_bells(struct dispatch *d)
{
    if (!d->bells)
        return;
    d->bells = false;
    for (size_t i = 0; i < d->n_numbers; i++) {
        struct number *n = d->number[i];
        if (!n->bell)
            continue;
        n->bell = false;
        pthread_mutex_unlock(&d->lock);
        find_lines(d, n->sender);
        pthread_mutex_lock(&d->lock);
    }
}

/* With the lock held; gives it up meanwhile. Some of the lines there are, going round. */
static void sweep(struct dispatch *d)
{
    struct outbox_key k = d->sweep;
    struct err e = {0};
    int64_t now = clock_now_ms();
    int rc = 0;
    if (!d->sweeping && mono_us() < d->next_sweep_us)
        return;
    pthread_mutex_unlock(&d->lock);
    lines_reading(d);
    for (int i = 0; i < SWEEP_STEP && (rc = outbox_next_line(d->reader, &k, &k, &e)) == 0; i++) {
        pthread_mutex_lock(&d->lock);
        line_seen(d, &k, now);
        pthread_mutex_unlock(&d->lock);
    }
    store_rollback(d->reader);
    if (rc != 0 && rc != WL_ENOTFOUND)
        find_failed(&e);
    pthread_mutex_lock(&d->lock);
    d->sweeping = rc == 0;
    d->sweep = rc == 0 ? k : (struct outbox_key){.bucket = OUTBOX_SPREAD};
    d->next_sweep_us = mono_us() + SWEEP_US;
}

/* --- what a number needs -------------------------------------------------------------------------------------------- */

/* How fast the number may be, by what is known of it: as the door says it of callers' sends. */
struct pace number_pace(struct dispatch *d, int64_t sender, int64_t now)
{
    struct rule_values values = {.book = NULL};
    struct snapshot *snap = snapshot_borrow(d->g->snapshots);
    const struct sender *s = snapshot_sender(snap, sender);
    int64_t per_second = s != NULL ? s->per_second : 0;
    snapshot_return(snap);
    rule_values_read(&values, rules_current(d->g), now);
    return speed_pace(&values, per_second);
}

/* The token kept for the number, read again now and then. With the lock held; gives it up meanwhile. */
static void read_token(struct dispatch *d, struct number *n)
{
    int64_t now_us = mono_us();
    if (n->token_us != 0 && now_us < n->token_us + (number_wants_token(n) ? NO_TOKEN_US : TOKEN_US))
        return;
    n->token_us = now_us;
    pthread_mutex_unlock(&d->lock);
    char *token = accounts_token(d->g->accounts, n->sender);
    pthread_mutex_lock(&d->lock);
    bool known = n->token != NULL || n->no_token;
    if (known && token != NULL && (n->token == NULL || strcmp(token, n->token) != 0))
        number_new_token(d, n);
    if (n->token != NULL)
        explicit_bzero(n->token, strlen(n->token));
    free(n->token);
    n->token = token;
    n->no_token = token == NULL;
    n->reread = false;
    number_wake(d, n, 0);
}

/* With the lock held; gives it up meanwhile. */
static void ready_number(struct dispatch *d, struct number *n)
{
    read_token(d, n);
    pthread_mutex_unlock(&d->lock);
    struct pace pace = number_pace(d, n->sender, clock_now_ms());
    pthread_mutex_lock(&d->lock);
    number_permit(d, n, pace);
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* What a read found. */
struct found {
    struct waiting row[READ_STEP];
    size_t n;        /* rows that may be sent */
    size_t looked;   /* rows there were */
    int64_t due, id; /* the last of them */
    int64_t next_ms; /* when there were fewer than asked for: the next one that is not due yet; NEVER */
};

static int read_next(struct dispatch *d, const struct outbox_key *line, int64_t now, struct found *f, struct err *e)
{
    struct outbox_key after = *line;
    struct outbox_key *next;
    size_t n = 0;
    after.due = now;
    after.id = INT64_MAX;
    f->next_ms = NEVER;
    int rc = outbox_read(d->reader, &after, OUTBOX_PARKED - 1, d->scratch, 1, &next, &n, e);
    if (rc == 0 && n > 0)
        f->next_ms = next->due;
    return rc;
}

/* Rows of messages that wait, with the time their messages expire. */
static int read_rows(struct dispatch *d, const struct outbox_key *after, int64_t now, size_t most, struct found *f,
                     struct err *e)
{
    struct outbox_key *key;
    *f = (struct found){.due = after->due, .id = after->id, .next_ms = NEVER};
    arena_reset(d->scratch);
    int rc = outbox_read(d->reader, after, now, d->scratch, most, &key, &f->looked, e);
    for (size_t i = 0; i < f->looked && rc == 0; i++) {
        struct message m;
        const struct outbox_key *k = &key[i];
        f->due = k->due;
        f->id = k->id;
        rc = messages_get(d->reader, k->bucket, k->id, &m, e);
        if (rc == 0 && m.life.state == LIFE_WAITING)
            f->row[f->n++] = (struct waiting){.due = k->due, .id = k->id, .expires = m.life.expires};
        else if (rc == WL_ENOTFOUND)
            rc = 0; /* ended while we read */
    }
    return rc == 0 && f->looked < most ? read_next(d, after, now, f, e) : rc;
}

/* The new ones among them, as many as there is room for; false: there was not room for all. The position is behind the last
 * one that is in memory or out. */
static bool take_found(struct dispatch *d, struct line *l, const struct outbox_key *after, const struct found *f,
                       size_t most)
{
    size_t ahead = most_ahead(d), i = 0;
    l->at_due = after->due;
    l->at_id = after->id;
    for (; i < f->n; i++) {
        enum id_put put = l->n < ahead ? id_put(d->ids, f->row[i].id) : ID_NO_ROOM;
        if (put == ID_NO_ROOM)
            break;
        if (put == ID_NEW)
            row_insert(d, l, &f->row[i]);
        l->at_due = f->row[i].due;
        l->at_id = f->row[i].id;
    }
    bool all = i == f->n;
    if (all) {
        l->at_due = f->due;
        l->at_id = f->id;
    }
    l->more = !all || f->looked == most;
    if (!l->more)
        due_at(d, l, f->next_ms);
    return all;
}

/* Where to read on, and how many rows at most: from the start as many as in one step, since many of them may be known. */
static struct outbox_key read_from(const struct dispatch *d, struct line *l, size_t *ret_most)
{
    struct outbox_key k = {.bucket = OUTBOX_SPREAD,
                           .sender = l->number->sender,
                           .class = l->class,
                           .campaign = l->campaign,
                           .due = l->at_due,
                           .id = l->at_id};
    size_t ahead = most_ahead(d), most = l->n < ahead ? ahead - l->n : 0;
    int64_t now_us = mono_us();
    if (most > 0 && (!l->more || now_us > l->from_start_us + FROM_START_US)) {
        k.due = k.id = INT64_MIN;
        l->from_start_us = now_us;
        most = READ_STEP;
    }
    *ret_most = most < READ_STEP ? most : READ_STEP;
    return k;
}

static bool is_empty(const struct line *l)
{
    return l->n == 0 && l->out == 0 && !l->more && l->next_ms == NEVER && !l->to_read;
}

/* The next rows of a line. With the lock held; gives it up meanwhile. Lines are dropped here only. */
static void read_line(struct dispatch *d, struct line *l)
{
    struct number *n = l->number;
    struct found f;
    struct err e = {0};
    size_t most;
    int64_t now = clock_now_ms();
    struct outbox_key after = read_from(d, l, &most);
    if (most == 0) {
        l->more = true; /* it was not looked whether there are */
        return;
    }
    if (!n->permitted || n->token_us == 0)
        ready_number(d, n);
    pthread_mutex_unlock(&d->lock);
    lines_reading(d);
    int rc = read_rows(d, &after, now, most, &f, &e);
    store_rollback(d->reader);
    if (rc != 0)
        find_failed(&e);
    failpoint(line_read);
    pthread_mutex_lock(&d->lock);
    if (rc != 0 || !take_found(d, l, &after, &f, most))
        again_soon(d, l, now);
    else if (l->more && (wants_rows(d, l) || l->n + READ_STEP <= most_ahead(d)))
        read_soon(d, l); /* by whole steps, until there is no room for another */
    if (is_empty(l))
        line_drop(d, l);
    number_offer(d, n); /* a dropped one's place in the lane may be another's */
}

static void read_first(struct dispatch *d)
{
    struct line *l = d->to_read;
    if (l == NULL)
        return;
    if ((d->to_read = l->next_to_read) == NULL)
        d->to_read_tail = &d->to_read;
    l->to_read = false;
    read_line(d, l);
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

/* Lines with a row that has become due. */
static void read_due(struct dispatch *d, int64_t now)
{
    if (now < d->next_due_ms)
        return;
    d->next_due_ms = NEVER;
    for (size_t i = 0; i < d->n_numbers; i++) {
        for (struct line *l = d->number[i]->lines; l != NULL; l = l->next) {
            if (l->next_ms <= now) {
                l->next_ms = NEVER;
                if (wants_rows(d, l))
                    read_soon(d, l);
            } else if (l->next_ms < d->next_due_ms) {
                d->next_due_ms = l->next_ms;
            }
        }
    }
}

/* Rows read ahead whose time is over go to the settle thread, whatever their number waits for. */
static void line_expire(struct dispatch *d, struct line *l, int64_t now)
{
    bool left = l->first_expiry <= now && d->n_ended < ENDINGS_MAX;
    if (!left)
        return;
    line_leave(l);
    l->first_expiry = NEVER;
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct waiting *w = &l->row[l->first + i];
        bool over = w->expires != 0 && w->expires <= now && d->n_ended < ENDINGS_MAX;
        if (over) {
            d->ended[d->n_ended++] = (struct ending){.id = w->id, .kind = STEP_TIMER};
            id_remove(d->ids, w->id);
            d->n_rows--;
            continue;
        }
        if (w->expires != 0 && w->expires < l->first_expiry)
            l->first_expiry = w->expires;
        l->row[l->first + kept++] = *w;
    }
    l->n = kept;
    pthread_cond_signal(&d->wake_settle);
    line_join(l);
    if (wants_rows(d, l))
        again_soon(d, l, now); /* by then those that end now are gone */
}

/* Once a second. */
static void tick(struct dispatch *d)
{
    int64_t now_us = mono_us(), now = clock_now_ms();
    if (now_us < d->next_tick_us)
        return;
    d->next_tick_us = now_us + SECOND_US;
    for (size_t i = 0; i < d->n_numbers; i++) {
        struct number *n = d->number[i];
        if (n->n_lines == 0)
            continue;
        ready_number(d, n);
        for (struct line *l = n->lines; l != NULL; l = l->next) {
            line_follow(d, l);
            line_expire(d, l, now);
        }
    }
}

/* --- the thread ---------------------------------------------------------------------------------------------------- */

static struct queue_link *take_granted(struct dispatch *d)
{
    struct queue_link *chain = d->granted, **at = &chain;
    for (int i = 0; i < BUILD_STEP && *at != NULL; i++) {
        at = &(*at)->next;
        if (at == d->granted_codes) /* none is left */
            d->granted_codes = &d->granted;
    }
    if ((d->granted = *at) == NULL)
        d->granted_tail = &d->granted;
    *at = NULL;
    return chain;
}

static void outbox_wait(struct dispatch *d)
{
    int64_t now_us = mono_us(), until = d->next_tick_us < d->next_sweep_us ? d->next_tick_us : d->next_sweep_us;
    if (d->granted != NULL || d->to_read != NULL || d->bells || d->sweeping || d->stop)
        return;
    if (d->next_due_ms != NEVER) {
        int64_t left_ms = d->next_due_ms - clock_now_ms();
        int64_t due_us = left_ms < 1000 ? now_us + left_ms * 1000 : NEVER;
        until = due_us < until ? due_us : until;
    }
    if (until > now_us)
        dispatch_sleep(d, &d->wake_outbox, until);
}

void *lines_run(void *arg)
{
    struct dispatch *d = arg;
    pthread_mutex_lock(&d->lock);
    while (!d->stop || d->granted != NULL) {
        struct queue_link *chain = take_granted(d);
        if (chain != NULL) {
            pthread_mutex_unlock(&d->lock);
            failpoint(line_turns);
            queued_submit(d, chain);
            pthread_mutex_lock(&d->lock);
        }
        if (!d->closing) {
            answer_bells(d);
            read_first(d);
            sweep(d);
            read_due(d, clock_now_ms());
            tick(d);
            outbox_wait(d);
        } else if (d->granted == NULL && !d->stop) {
            dispatch_sleep(d, &d->wake_outbox, NEVER);
        }
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

int lines_open(struct dispatch *d, struct err *e)
{
    if ((d->scratch = arena_create(SCRATCH)) == NULL)
        abort();
    d->sweep.bucket = OUTBOX_SPREAD;
    d->sweeping = true;
    return store_open(&d->reader, d->g->o.store_url, &(struct store_options){.read_only = true}, e);
}

void lines_free(struct dispatch *d)
{
    for (size_t i = 0; i < d->n_numbers; i++) {
        struct number *n = d->number[i];
        for (struct line *l = n->lines, *next; l != NULL; l = next) {
            next = l->next;
            free(l->row);
            free(l);
        }
        if (n->token != NULL)
            explicit_bzero(n->token, strlen(n->token));
        free(n->token);
    }
    store_free(d->reader);
    arena_free(d->scratch);
}
