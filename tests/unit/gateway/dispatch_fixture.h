/* SPDX-License-Identifier: Apache-2.0
 * dispatch_fixture.h - the dispatcher with a real writer and store; the door is ours and notes who comes.
 *
 * Turns of all lanes are counted: at the end each of them has come to its end, known by its moment. */
#ifndef WL_TESTS_DISPATCH_FIXTURE_H
#define WL_TESTS_DISPATCH_FIXTURE_H

#include "../../store/store_fixture.h"

#include <unistd.h>

#include "gateway/dispatch_impl.h"
#include "store/leases.h"

#define OTHER       (SENDER + 1)
#define TEXT        "{\"messaging_product\":\"whatsapp\",\"to\":\"447700900001\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}"
#define AT_DOOR     8 /* a tenth of a second of eighty */
#define SEEN        4096
#define TEN_MINUTES INT64_C(600000)

/* --- what stands around the dispatcher ------------------------------------------------------------------------------- */

/* Everybody who came to the door, in order. */
static struct {
    pthread_mutex_t lock;
    struct send *send[SEEN];
    int64_t id[SEEN];
    size_t n, judged;
    struct send *resumed[SEEN];
    size_t n_resumed, ended; /* of these, those whose turns came to an end */
} door = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Atomic int busy;      /* so many are refused first */
static _Atomic bool no_token; /* of anybody */
static _Atomic int64_t poor;  /* this number and those after it have none; 0: nobody */
static const char *_Atomic token_kept;
static _Atomic bool token_held, token_asked; /* its file cannot be read now; somebody tries to */
static _Atomic int64_t silent;               /* nobody judges this number's messages */
static _Atomic int reads;                    /* of the outbox that succeed; -1: all */

/* Turns of all lanes that have not come to their end, and ends of turns that were not known by their moment. */
static _Atomic int turns_out, turns_unknown;

enum lane_says __real_lane_next(struct lane *l, int64_t now_us, enum lane_class *c, int64_t *campaign, int64_t *when);
enum lane_says __wrap_lane_next(struct lane *l, int64_t now_us, enum lane_class *c, int64_t *campaign, int64_t *when);
void __real_lane_take(struct lane *l, enum lane_class c, int64_t now_us);
void __wrap_lane_take(struct lane *l, enum lane_class c, int64_t now_us);
void __real_lane_give_back(struct lane *l, int64_t turn_us, int64_t now_us);
void __wrap_lane_give_back(struct lane *l, int64_t turn_us, int64_t now_us);
void __real_lane_heard(struct lane *l, int64_t turn_us, enum life_state state, int code, int64_t now_us);
void __wrap_lane_heard(struct lane *l, int64_t turn_us, enum life_state state, int code, int64_t now_us);

enum lane_says __wrap_lane_next(struct lane *l, int64_t now_us, enum lane_class *c, int64_t *campaign, int64_t *when)
{
    enum lane_says says = __real_lane_next(l, now_us, c, campaign, when);
    turns_out += says == LANE_GO;
    return says;
}

void __wrap_lane_take(struct lane *l, enum lane_class c, int64_t now_us)
{
    turns_out++;
    __real_lane_take(l, c, now_us);
}

void __wrap_lane_give_back(struct lane *l, int64_t turn_us, int64_t now_us)
{
    turns_out--;
    turns_unknown += turn_us == 0;
    __real_lane_give_back(l, turn_us, now_us);
}

void __wrap_lane_heard(struct lane *l, int64_t turn_us, enum life_state state, int code, int64_t now_us)
{
    turns_out--;
    turns_unknown += turn_us == 0;
    __real_lane_heard(l, turn_us, state, code, now_us);
}

int __wrap_admit_submit(struct send *s, struct err *e);
void __wrap_admit_resume(struct send *s);
char *__wrap_accounts_token(struct accounts *a, int64_t sender);
int __real_outbox_read(struct store *s, const struct outbox_key *after, int64_t until, struct arena *a, size_t max,
                       struct outbox_key **ret, size_t *ret_n, struct err *e);
int __wrap_outbox_read(struct store *s, const struct outbox_key *after, int64_t until, struct arena *a, size_t max,
                       struct outbox_key **ret, size_t *ret_n, struct err *e);
bool __wrap_accounts_trusts(struct accounts *a, int64_t sender, struct str token);
const struct rules_book *__wrap_rules_current(const struct gateway *g);
int __wrap_ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret);

int __wrap_admit_submit(struct send *s, struct err *e)
{
    if (busy > 0) {
        busy--;
        return err_set(e, WL_EBUSY, "busy");
    }
    pthread_mutex_lock(&door.lock);
    if (door.n < SEEN) {
        door.id[door.n] = s->row.id;
        door.send[door.n++] = s;
    }
    pthread_mutex_unlock(&door.lock);
    return 0;
}

void __wrap_admit_resume(struct send *s)
{
    pthread_mutex_lock(&door.lock);
    door.resumed[door.n_resumed++ % SEEN] = s;
    pthread_mutex_unlock(&door.lock);
}

char *__wrap_accounts_token(struct accounts *a, int64_t sender)
{
    (void)a;
    token_asked = true;
    while (token_held)
        usleep(1000);
    return no_token || (poor != 0 && sender >= poor) ? NULL : strdup(token_kept);
}

bool __wrap_accounts_trusts(struct accounts *a, int64_t sender, struct str token)
{
    (void)a, (void)sender;
    assert_str(token, token_kept);
    return true;
}

int __wrap_outbox_read(struct store *s, const struct outbox_key *after, int64_t until, struct arena *a, size_t max,
                       struct outbox_key **ret, size_t *ret_n, struct err *e)
{
    if (reads == 0)
        return err_set(e, WL_EIO, "a test wants it so");
    if (reads > 0)
        reads--;
    return __real_outbox_read(s, after, until, a, max, ret, ret_n, e);
}

const struct rules_book *__wrap_rules_current(const struct gateway *g)
{
    static const struct rules_book book;
    (void)g;
    return &book;
}

int __wrap_ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret)
{
    (void)rs, (void)rule, (void)name, (void)now, (void)ret;
    return WL_ENOTFOUND;
}

static inline size_t came(void)
{
    pthread_mutex_lock(&door.lock);
    size_t n = door.n;
    pthread_mutex_unlock(&door.lock);
    return n;
}

static inline size_t resumed(void)
{
    pthread_mutex_lock(&door.lock);
    size_t n = door.n_resumed;
    pthread_mutex_unlock(&door.lock);
    return n;
}

/* --- a gateway ----------------------------------------------------------------------------------------------------- */

struct house {
    struct fx f;
    struct gateway g;
    int64_t next_id;
};

static inline void start(struct house *h)
{
    struct store *s;
    memset(h, 0, sizeof *h);
    door.n = door.judged = door.n_resumed = door.ended = 0;
    turns_out = turns_unknown = 0;
    busy = 0;
    no_token = token_held = token_asked = false;
    token_kept = "token";
    poor = silent = 0;
    reads = -1;
    fx_place(&h->f);
    h->g.o.store_url = h->f.url;
    h->g.o.max_queue = 400;
    h->g.incarnation = 77;
    h->g.snapshots = snapshots_create();
    h->next_id = 1;
    assert_ok(store_open(&s, h->f.url, NULL, &h->f.e), h->f.e);
    assert_ok(snapshots_rebuild(h->g.snapshots, s, &h->f.e), h->f.e);
    assert_ok(writer_start(&h->g.writer, s, 400, &h->f.e), h->f.e);
}

static inline void go(struct house *h)
{
    assert_ok(dispatch_start(&h->g.dispatch, &h->g, &h->f.e), h->f.e);
}

struct rows {
    struct house *h;
    int64_t sender, campaign, due;
    enum category category;
    int64_t expires;
    int n;
    enum life_state state; /* 0: it waits */
};

static inline int put_rows(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rows *r = ctx;
    int rc = 0;
    (void)a;
    for (int i = 0; i < r->n && rc == 0; i++) {
        struct message m = {.id = r->h->next_id + i,
                            .sender = r->sender,
                            .campaign = r->campaign,
                            .ts = now,
                            .kind = INTENT_FREEFORM,
                            .type = "text"};
        life_init(&m.life, r->category, now, r->expires);
        m.life.at = r->due;
        if (r->state != 0) {
            m.life.state = (uint8_t)r->state;
            m.life.attempts = 1;
            m.life.begun_at = now - TEN_MINUTES;
            m.epoch = 1;
        }
        struct outbox_row row = {.key = {.sender = r->sender,
                                         .class = lane_class(r->category),
                                         .campaign = r->campaign,
                                         .due = r->state == LIFE_AMBIGUOUS ? OUTBOX_PARKED : r->due,
                                         .id = m.id},
                                 .body = STR(TEXT)};
        rc = messages_insert(s, &m, NULL, 1, e);
        if (rc == 0)
            rc = outbox_put(s, &row, 1, e);
    }
    return rc;
}

/* The first of their ids; the others follow. */
static inline int64_t put(struct house *h, struct rows r)
{
    int64_t first = h->next_id;
    r.h = h;
    assert_ok(writer_call(h->g.writer, 2, put_rows, &r, &h->f.e), h->f.e);
    h->next_id += r.n;
    dispatch_bell(h->g.dispatch, r.sender);
    return first;
}

static inline int end_row(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct send *send = ctx;
    const struct life_news news = {.event = {.kind = STEP_REFUSED}};
    (void)a;
    int rc = messages_get(s, send->row.bucket, send->row.id, &send->message, e);
    return rc == 0 ? life_hear(s, &send->message, &news, now, NULL, e) : rc;
}

static inline void refuse_one(struct house *h, struct send *s)
{
    assert_ok(writer_call(h->g.writer, 5, end_row, s, &h->f.e), h->f.e);
    s->job.rc = 0;
    dispatch_give_back(h->g.dispatch, s->sender, s->turn_us);
    s->decided(s);
}

/* The door refuses those who came and were not judged yet. */
static inline void refuse(struct house *h)
{
    for (; door.judged < came(); door.judged++)
        if (door.send[door.judged]->sender != silent)
            refuse_one(h, door.send[door.judged]);
}

/* Refuses whoever comes until `n` came, or it took too long. */
static inline void refuse_until(struct house *h, size_t n)
{
    for (int i = 0; i < 100000 && door.judged < n; i++) {
        refuse(h);
        usleep(200);
    }
    assert_int_equal(came(), n);
}

static inline void wait_for(size_t (*count)(void), size_t n)
{
    for (int i = 0; i < 10000 && count() < n; i++)
        usleep(1000);
    assert_int_equal(count(), n);
}

/* Nobody came for half a second. */
static inline void wait_until_still(void)
{
    size_t n = 0;
    for (int still = 0; still < 5; usleep(100000)) {
        still = n > 0 && came() == n ? still + 1 : 0;
        n = came();
    }
}

/* Callers who came back with a turn have used it. */
static inline void answer_callers(struct house *h)
{
    for (; door.ended < resumed(); door.ended++) {
        const struct send *s = door.resumed[door.ended];
        if (s->turn)
            dispatch_heard(h->g.dispatch, s->sender, s->turn_us, LIFE_ACCEPTED, 0);
    }
}

static inline void finish(struct house *h)
{
    dispatch_stop(h->g.dispatch);
    refuse(h); /* who was on the way to the door */
    answer_callers(h);
    assert_int_equal(turns_out, 0);
    assert_int_equal(turns_unknown, 0);
    writer_stop(h->g.writer);
    dispatch_free(h->g.dispatch);
    snapshots_free(h->g.snapshots);
    fx_end(&h->f);
}

#endif
