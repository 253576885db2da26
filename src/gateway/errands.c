/* SPDX-License-Identifier: Apache-2.0
 * errands.c - the thread that does what is due.
 *
 * A pass: what the door said since the last one, then what is due. For each errand the machine of core/welcome.h says what to
 * do; a message to be sent goes to the door in one of a few places, and its errand is left alone until the door has answered;
 * of one that was taken its row says what became of it. All news of a pass are written in one transaction that reads the
 * errands again, because an answer or somebody's hand may have changed them meanwhile. Nothing is remembered between passes but
 * those places: after a crash the same step is submitted again under the same key. */
#include "gateway/errands.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/chore.h"
#include "gateway/errand_body.h"
#include "gateway/errand_sow.h"
#include "gateway/gateway_impl.h"
#include "gateway/own_message.h"
#include "gateway/recheck.h"
#include "gateway/welcomes.h"
#include "store/messages.h"

#define PLACES     32
#define DUE_MAX    128
#define MEMORY     (8u << 20)
#define REST_MS    500
#define BACKLOG_MS 20
#define LOOK_MIN   500
#define LOOK_MAX   60000
#define AGAIN_MIN  1000
#define AGAIN_MAX  300000
#define KEPT_MS    (INT64_C(400) * 86400000) /* what ended is shown for so long */
#define FORGET_MAX 500
#define LOOKED_AT  16 /* newest errands of a person among which is looked for what was said */
#define BUCKET     0  /* one holds everything while the spread is 1 */
#define ID_BITS    22

/* What is known about an errand and not written yet. */
struct news {
    int64_t id;
    struct welcome_event ev;
    int64_t msg; /* TAKEN */
    char why[200];
};

enum place_state { PLACE_FREE, PLACE_OUT, PLACE_BACK };
struct place {
    struct errands *r;
    enum place_state state; /* under the lock */
    int64_t id, begun_at;
    int step;
    struct own_message_fate fate; /* BACK */
};

struct errands {
    struct gateway *g;
    struct chore *chore;
    pthread_mutex_t lock;
    struct place place[PLACES];
    _Atomic uint64_t count[ERRAND_COUNTS];

    /* --- the chore's own --- */
    struct news news[PLACES + DUE_MAX];
    size_t n_news;
    struct sow sow;
    int64_t forgot_ns;

    /* --- of the transaction under way --- */
    uint64_t counted[ERRAND_COUNTS];
    int64_t refused[PLACES + DUE_MAX]; /* whose silence withdrew something */
    size_t n_refused;
};

void errands_count(struct errands *r, enum errand_count what, uint64_t n)
{
    if (r != NULL)
        atomic_fetch_add_explicit(&r->count[what], n, memory_order_relaxed);
}

uint64_t errands_counted(const struct errands *r, enum errand_count what)
{
    return r != NULL ? atomic_load_explicit(&r->count[what], memory_order_relaxed) : 0;
}

void errands_bell(struct errands *r)
{
    if (r != NULL)
        chore_ring(r->chore);
}

static struct news *news_of(struct errands *r, int64_t id, enum welcome_event_kind kind, int step)
{
    struct news *n = &r->news[r->n_news++];
    *n = (struct news){.id = id, .ev = {.kind = kind, .step = step}};
    return n;
}

/* --- from the door -------------------------------------------------------------------------------------------------- */

static void told(void *ctx, const struct own_message_fate *fate)
{
    struct place *p = ctx;
    struct errands *r = p->r;
    pthread_mutex_lock(&r->lock);
    p->fate = *fate;
    p->state = PLACE_BACK;
    pthread_mutex_unlock(&r->lock);
    errands_bell(r);
}

/* Later, the longer it takes. */
static int64_t again_at(int64_t begun_at, int64_t now)
{
    int64_t wait = (now - begun_at) / 4;
    return now + (wait < AGAIN_MIN ? AGAIN_MIN : wait > AGAIN_MAX ? AGAIN_MAX : wait);
}

static void read_fate(struct errands *r, const struct place *p, int64_t now)
{
    const struct own_message_fate *f = &p->fate;
    bool never = f->rc == WL_EINVAL || f->rc == WL_ETOOBIG;
    enum welcome_event_kind kind = f->rc == 0 && f->taken   ? WELCOME_TAKEN
                                   : never                  ? WELCOME_LOST
                                   : f->rc != 0 || f->until ? WELCOME_PUT_OFF
                                                            : WELCOME_DENIED;
    struct news *n = news_of(r, p->id, kind, p->step);
    n->msg = f->msg;
    n->ev.at = f->until != 0 ? f->until : again_at(p->begun_at, now);
    if (f->rc == 0 && !f->taken)
        snprintf(n->why, sizeof n->why, "rule %.63s: %.120s", f->rule, f->err.text);
    else if (f->rc != 0)
        snprintf(n->why, sizeof n->why, "%.190s", f->err.text);
}

/* News of those that came back; their places are free once these are written. */
static void collect(struct errands *r, int64_t now)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < PLACES; i++)
        if (r->place[i].state == PLACE_BACK)
            read_fate(r, &r->place[i], now);
    pthread_mutex_unlock(&r->lock);
}

static void free_places(struct errands *r)
{
    pthread_mutex_lock(&r->lock);
    for (size_t k = 0; k < r->n_news; k++)
        for (size_t i = 0; i < PLACES; i++)
            if (r->place[i].state == PLACE_BACK && r->place[i].id == r->news[k].id)
                r->place[i].state = PLACE_FREE;
    pthread_mutex_unlock(&r->lock);
}

/* *ret: a free place, NULL when there is none. Whether the errand has one already. */
static bool has_place(struct errands *r, int64_t id, struct place **ret)
{
    bool has = false;
    *ret = NULL;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < PLACES; i++) {
        if (r->place[i].state == PLACE_FREE)
            *ret = &r->place[i];
        else if (r->place[i].id == id)
            has = true;
    }
    pthread_mutex_unlock(&r->lock);
    return has;
}

/* --- what is due ---------------------------------------------------------------------------------------------------- */

static int submit(struct errands *r, struct store *reader, struct arena *a, const struct errand *v,
                  const struct welcome_row *row, struct place *p, int64_t now, struct err *e)
{
    struct own_message m = {.sender = v->sender, .expires = v->expires};
    char *key = arena_printf(a, "errand:%lld:%d", (long long)v->id, row->w.taken);
    m.key = str_of(key);
    int rc = key == NULL ? err_set(e, WL_ENOMEM, "the key does not fit its memory")
                         : errand_body(r->g, reader, a, v, row, now, &m.body, e);
    if (rc != 0 && rc != WL_EINVAL)
        return rc;
    pthread_mutex_lock(&r->lock);
    *p = (struct place){.r = r, .state = PLACE_OUT, .id = v->id, .begun_at = v->begun_at, .step = row->w.taken};
    pthread_mutex_unlock(&r->lock);
    failpoint(errand_submitting);
    if (rc == 0)
        rc = own_message_submit(r->g, &m, told, p, e);
    if (rc != 0) {
        struct own_message_fate fate = {.rc = rc, .err = *e};
        fate.err.code = rc;
        told(p, &fate);
    }
    return 0;
}

static void say_why(struct errands *r, struct store *reader, struct arena *a, const struct message *m, struct news *n)
{
    if (m->life.state == LIFE_UNDETERMINED)
        snprintf(n->why, sizeof n->why, "no answer came from Meta; it may have been sent");
    else if (m->life.state == LIFE_REFUSED)
        errand_rule(r->g, reader, a, m, n->why, sizeof n->why);
    else if (n->ev.kind == WELCOME_LOST)
        snprintf(n->why, sizeof n->why, "its message ended as %s, code %d", life_state_name(m->life.state),
                 m->life.code);
}

/* What became of the message that was taken. */
static int look(struct errands *r, struct store *reader, struct arena *a, const struct errand *v,
                const struct welcome_row *row, int64_t now, struct err *e)
{
    static const enum welcome_event_kind means[LIFE_CANCELLED + 1] = {
        [LIFE_REFUSED] = WELCOME_DENIED,    [LIFE_SENDING] = WELCOME_PUT_OFF,   [LIFE_ACCEPTED] = WELCOME_SENT,
        [LIFE_REJECTED] = WELCOME_LOST,     [LIFE_AMBIGUOUS] = WELCOME_PUT_OFF, [LIFE_UNSENT] = WELCOME_LOST,
        [LIFE_WAITING] = WELCOME_PUT_OFF,   [LIFE_FAILED] = WELCOME_LOST,       [LIFE_EXPIRED] = WELCOME_LATE,
        [LIFE_UNDETERMINED] = WELCOME_SENT, [LIFE_CANCELLED] = WELCOME_LOST};
    struct message m = {.ts = now};
    int step = row->w.taken - 1;
    int rc = v->msg != 0 ? messages_get(reader, v->bucket, v->msg, &m, e) : WL_ENOTFOUND;
    if (rc == WL_ENOTFOUND) {
        struct news *lost = news_of(r, v->id, WELCOME_LOST, step);
        snprintf(lost->why, sizeof lost->why, "its message is not known any more");
        return 0;
    }
    if (rc != 0)
        return rc;
    struct news *n = news_of(r, v->id, means[m.life.state <= LIFE_CANCELLED ? m.life.state : LIFE_CANCELLED], step);
    int64_t wait = (now - m.ts) / 2;
    n->ev.at = now + (wait < LOOK_MIN ? LOOK_MIN : wait > LOOK_MAX ? LOOK_MAX : wait);
    if (n->ev.kind == WELCOME_SENT)
        n->ev.at = m.life.begun_at;
    else if (m.life.state == LIFE_WAITING && m.life.at > n->ev.at)
        n->ev.at = m.life.at;
    say_why(r, reader, a, &m, n);
    return 0;
}

/* Whether `before` makes it pointless to say it again: true, or *ret_over: nothing older matters. */
static bool was_said(const struct errand *v, const struct errand *before, bool *ret_over)
{
    bool same = before->kind == v->kind, hears = before->kind == ERRAND_STOPPED || before->kind == ERRAND_STARTED;
    *ret_over = before->begun_at < v->begun_at - ERRAND_AGAIN_MS || (v->kind != ERRAND_HELP && hears && !same);
    return !*ret_over && same && (before->state == ERRAND_OPEN || before->state == ERRAND_DONE);
}

/* It is known in this pass that it is not said. */
static bool is_dropped(const struct errands *r, int64_t id)
{
    for (size_t i = 0; i < r->n_news; i++)
        if (r->news[i].id == id && r->news[i].ev.kind == WELCOME_CANCEL)
            return true;
    return false;
}

/* Whoever is answered each time may be a machine that answers, too. */
static int is_enough(const struct errands *r, struct store *reader, struct arena *a, const struct errand *v,
                     const char **ret, struct err *e)
{
    static const enum errand_state said[] = {ERRAND_DONE, ERRAND_OPEN};
    int64_t since = v->begun_at - ERRAND_AGAIN_MS;
    size_t answers = 0;
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < sizeof said / sizeof said[0]; k++) {
        struct errand *all = NULL;
        size_t n = 0;
        rc = errands_list(reader, v->bucket, v->contact, said[k], v->id, LOOKED_AT, a, &all, &n, e);
        for (size_t i = 0; rc == 0 && i < n; i++)
            answers += all[i].kind != ERRAND_WELCOME && all[i].sender == v->sender && !is_dropped(r, all[i].id) &&
                       all[i].begun_at > since;
        if (rc == 0 && n == LOOKED_AT && all[n - 1].begun_at > since)
            answers += ERRAND_ANSWERS_MAX; /* there are more than are looked at */
    }
    if (rc == 0 && answers >= ERRAND_ANSWERS_MAX)
        *ret = "3 answers went to them within 24 hours";
    return rc;
}

/* The same was said to them already, or the configuration has it that nobody is told. */
static int is_idle(struct errands *r, struct store *reader, struct arena *a, const struct errand *v, const char **ret,
                   struct err *e)
{
    const struct errand_options *o = &r->g->o.errand;
    struct errand *all = NULL;
    size_t n = 0;
    bool over = false;
    *ret = NULL;
    if (v->kind == ERRAND_WELCOME || v->step > 0)
        return 0;
    if (v->kind == ERRAND_HELP ? !o->help : !o->confirm)
        *ret = "the configuration does not have it said";
    int rc = errands_list(reader, v->bucket, v->contact, 0, v->id, LOOKED_AT, a, &all, &n, e);
    for (size_t i = 0; rc == 0 && i < n && *ret == NULL && !over; i++)
        if (was_said(v, &all[i], &over))
            *ret = "it was said already";
    return rc == 0 && *ret == NULL ? is_enough(r, reader, a, v, ret, e) : rc;
}

/* Too late is what comes after five minutes, whatever the row allows. */
static void bound(struct errand *v)
{
    int64_t most = v->begun_at + ERRAND_ONCE_MS;
    if (v->kind != ERRAND_WELCOME && v->expires > most)
        v->expires = most;
}

static int consider(struct errands *r, struct store *reader, struct arena *a, struct errand *v, int64_t now,
                    struct err *e)
{
    struct welcome_row row;
    struct welcome_effects f;
    struct place *p;
    const char *idle = NULL;
    bool damaged;
    if (has_place(r, v->id, &p))
        return 0;
    bound(v);
    int rc = welcome_row_salvage(v, a, &row, &damaged, e);
    if (rc == 0 && damaged)
        idle = "its row cannot be read";
    else if (rc == 0)
        rc = is_idle(r, reader, a, v, &idle, e);
    if (rc != 0)
        return rc;
    if (idle != NULL) {
        snprintf(news_of(r, v->id, WELCOME_CANCEL, 0)->why, 200, "%s", idle);
        return 0;
    }
    struct welcome was = row.w;
    welcome_step(&row.w, &(struct welcome_event){.kind = WELCOME_TICK}, now, &f);
    if (f.look)
        return look(r, reader, a, v, &row, now, e);
    if (f.send)
        return p != NULL ? submit(r, reader, a, v, &row, p, now, e) : 0;
    if (f.changed || row.w.due != was.due)
        news_of(r, v->id, WELCOME_TICK, 0);
    return 0;
}

/* --- written -------------------------------------------------------------------------------------------------------- */

static void count_end(struct errands *r, const struct errand *v)
{
    bool asks = v->kind == ERRAND_WELCOME;
    if (v->state == ERRAND_DONE && !asks)
        r->counted[ERRANDS_SENT]++;
    else if (v->state == ERRAND_REFUSED || v->state == ERRAND_FAILED)
        r->counted[ERRANDS_REFUSED]++;
    else if (v->state == ERRAND_EXPIRED)
        r->counted[asks ? WELCOMES_EXPIRED : ERRANDS_LATE]++;
}

/* They were told what no answer means. */
static int silence(struct errands *r, struct store *s, struct arena *a, const struct errand *v,
                   const struct welcome_row *row, int64_t now, struct err *e)
{
    struct person p;
    const struct welcome_word word = {.act = CONSENT_WITHDRAW, .at = v->expires, .method = STR("no_answer")};
    int rc = people_get(s, v->bucket, v->contact, &p, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    r->refused[r->n_refused++] = p.id;
    return welcome_record(s, a, v, row, &p, &word, now, e);
}

static const char *end_words(const struct errand *v)
{
    if (v->state == ERRAND_EXPIRED)
        return v->kind != ERRAND_WELCOME ? "it could not be sent in time" : "nobody answered";
    return v->state == ERRAND_DONE ? "sent" : "";
}

static int write_one(struct errands *r, struct store *s, struct arena *a, const struct news *n, int64_t now,
                     struct err *e)
{
    struct errand v;
    struct welcome_row row;
    struct welcome_effects f;
    bool damaged;
    char id[STORE_ID_TEXT], *why = NULL;
    int rc = errand_get(s, BUCKET, n->id, a, &v, e);
    if (rc == WL_ENOTFOUND)
        return 0; /* it went with its person */
    bound(&v);
    if (rc == 0)
        rc = welcome_row_salvage(&v, a, &row, &damaged, e);
    if (rc != 0)
        return rc;
    bool was_open = v.state == ERRAND_OPEN, takes = n->ev.kind == WELCOME_TAKEN && n->ev.step == row.w.taken;
    welcome_step(&row.w, &n->ev, now, &f);
    if (f.withdraw)
        rc = silence(r, s, a, &v, &row, now, e);
    if (takes)
        v.msg = n->msg;
    if (rc == 0)
        rc = welcome_row_write(&v, a, &row, takes ? store_id_text(BUCKET, n->msg, id) : NULL, e);
    if (rc != 0)
        return rc;
    if (was_open) {
        why = arena_strdup(a, n->why[0] != '\0' ? n->why : v.state != ERRAND_OPEN ? end_words(&v) : "");
        v.why = str_of(why);
    }
    if (was_open && v.state != ERRAND_OPEN)
        count_end(r, &v);
    return errand_put(s, &v, e);
}

static int write_news(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct errands *r = ctx;
    int rc = 0;
    memset(r->counted, 0, sizeof r->counted);
    r->n_refused = 0;
    for (size_t i = 0; rc == 0 && i < r->n_news; i++)
        rc = write_one(r, s, a, &r->news[i], now, e);
    failpoint(errand_writing);
    return rc;
}

static int record(struct errands *r, struct err *e)
{
    if (r->n_news == 0)
        return 0;
    int rc = writer_call(r->g->writer, CHORE_RANK, write_news, r, e);
    if (rc != 0)
        return rc;
    failpoint(errand_written);
    free_places(r);
    for (size_t i = 0; i < ERRAND_COUNTS; i++)
        errands_count(r, (enum errand_count)i, r->counted[i]);
    for (size_t i = 0; i < r->n_refused; i++)
        recheck_person(r->g->recheck, BUCKET, r->refused[i]);
    return 0;
}

/* --- the pass ------------------------------------------------------------------------------------------------------- */

static int forget(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    size_t gone;
    (void)ctx, (void)a;
    return errands_forget(s, BUCKET, (now - KEPT_MS) << ID_BITS, FORGET_MAX, &gone, e);
}

/* Once an hour is often enough for what is a year old. */
static int forget_old(struct errands *r, struct err *e)
{
    int64_t now_ns = clock_mono_ns();
    if (r->forgot_ns != 0 && now_ns - r->forgot_ns < INT64_C(3600) * 1000000000)
        return 0;
    r->forgot_ns = now_ns;
    return writer_call(r->g->writer, CHORE_RANK, forget, r, e);
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct errands *r = ctx;
    struct errand *due = NULL;
    int64_t now = clock_now_ms();
    size_t n = 0, started = 0;
    r->n_news = 0;
    collect(r, now);
    int rc = record(r, e);
    r->n_news = 0;
    if (rc == 0)
        rc = errand_sow(&r->sow, r->g, reader, a, &started, e);
    errands_count(r, WELCOMES_STARTED, started);
    if (rc == 0)
        rc = errands_due(reader, BUCKET, now, DUE_MAX, a, &due, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = consider(r, reader, a, &due[i], now, e);
    if (rc == WL_ENOMEM && r->n_news > 0)
        rc = 0; /* the rest comes when these are written */
    if (rc == 0)
        rc = record(r, e);
    *ret_more = n == DUE_MAX || r->n_news > 0 || started > 0;
    return rc == 0 ? forget_old(r, e) : rc;
}

int errands_start(struct errands **ret, struct gateway *g, struct err *e)
{
    struct errands *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->g = g;
    pthread_mutex_init(&r->lock, NULL);
    int rc = chore_start(&r->chore, g->o.store_url,
                         &(struct chore_options){.name = "errands",
                                                 .failed = "what people are owed waits",
                                                 .memory = MEMORY,
                                                 .rest_ms = REST_MS,
                                                 .backlog_ms = BACKLOG_MS,
                                                 .step = step,
                                                 .ctx = r},
                         e);
    if (rc != 0) {
        errands_free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void errands_stop(struct errands *r)
{
    if (r != NULL)
        chore_stop(r->chore);
}

void errands_free(struct errands *r)
{
    if (r == NULL)
        return;
    chore_free(r->chore);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
