/* SPDX-License-Identifier: Apache-2.0
 * dispatch_impl.h - what the files of the dispatcher share: the table of numbers, and the lines of the outbox in memory.
 *
 * One mutex guards all of it and is held for moments only: never while the database is read, the writer or the client is
 * called, or a file is opened. Three threads: `dispatch` gives turns (dispatch.c) among what offer.c lets into the lanes,
 * `outbox` finds and reads what waits (lines.c) and takes it to the door (queued.c), `settle` keeps time for what is in
 * doubt (settle.c).
 *
 * Bounds, whatever the backlog: NUMBERS_MAX numbers (7 KiB each), LINES_MAX lines, ROWS_MAX rows read ahead (24 bytes each;
 * their bodies stay in the database until they have a turn), and half of limits.queue messages between their turn and
 * their end, with BYTES_MAX of bodies and as much again for what leaves. Numbers are never forgotten; lines go when they
 * are empty. */
#ifndef WL_GATEWAY_DISPATCH_IMPL_H
#define WL_GATEWAY_DISPATCH_IMPL_H

#include <stdatomic.h>

#include "base/clock.h"
#include "core/lease.h"
#include "gateway/dispatch.h"
#include "gateway/gateway_impl.h"
#include "gateway/graph_api.h"
#include "gateway/ids.h"

#define NUMBER_SLOTS  4096 /* a power of two */
#define NUMBERS_MAX   (NUMBER_SLOTS - NUMBER_SLOTS / 8)
#define LINES_MAX     16384
#define ROWS_LINE     256
#define ROWS_MAX      65536 /* beyond these a line reads only ROWS_LEAST ahead */
#define ROWS_LEAST    4
#define BYTES_MAX     (64u << 20)
#define DOOR_LEAST    256 /* at the door at once, on the slowest machine: a batch of the writer's */
#define ENDINGS_MAX   1024
#define NEVER         INT64_MAX
#define SECOND_US     INT64_C(1000000)
#define OUTBOX_SPREAD 0 /* the one bucket, while the spread is 1 */

/* A row of the outbox that was read ahead. */
struct waiting {
    int64_t due, id;
    int64_t expires; /* ms; 0 never */
};

/* One class and campaign of a number, while it has rows that are not parked. */
struct line {
    struct line *next; /* of its number */
    struct line *next_to_read;
    struct number *number;
    enum lane_class class;
    int64_t campaign;
    uint32_t weight;     /* among those of its class */
    struct waiting *row; /* `room` places, by (due, id); those from `first` on, n of them */
    size_t room, first, n;
    size_t joined, out;    /* how many of them are in the lane; rows that had a turn and are not through with it */
    bool to_read;          /* in the list of those */
    bool more;             /* there may be due rows behind those that were read */
    bool waits, held;      /* for a list of templates; its campaign is held */
    int64_t at_due, at_id; /* read up to here */
    int64_t next_ms;       /* when the next one is due; NEVER: none is */
    int64_t from_start_us; /* when it was read from its start last */
    int64_t first_expiry;  /* of those read ahead; NEVER */
};

enum offered { OFFERED_NOTHING, OFFERED_CODES, OFFERED_ALL }; /* CODES: authentication's */

/* Sends of one class whose callers wait. */
struct callers {
    struct queue_link *head, **tail;
    size_t n;      /* parked */
    size_t joined; /* in the lane: parked, or about to be */
    size_t owed;   /* had their turn before they were parked */
};

struct number {
    int64_t sender;
    struct lane lane;
    bool permitted;   /* somebody said how fast it may be: there is a lane */
    uint32_t inbound; /* came in before */
    struct callers callers[LANE_CLASSES];
    int64_t deadline_us; /* the first of those parked; NEVER */
    int64_t next_us;     /* when it is looked at again */
    size_t heap_at;      /* SIZE_MAX: never, as things are */

    struct line *lines;
    size_t n_lines;
    enum offered offered; /* what of its lines is in the lane */
    bool bell;            /* its lines may be others by now */
    size_t at_door;       /* had their turn and are not decided */
    size_t open;          /* these, and attempts without an answer */
    size_t bytes;         /* of their bodies */
    bool starved;         /* in the list of those */
    struct number *next_starved;
    int64_t pause_us; /* nothing of the outbox before then */
    const char *why;  /* it pauses */
    char *token;      /* the outbox thread's */
    int64_t token_us; /* when it was read; 0: has to be read */
    bool no_token;
    bool reread;      /* before anything leaves: it may be another one by now */
    bool greeting_on; /* an introduction is under way */
    bool relisting;   /* only for templates: other lines go on */
    int64_t relisted_us;
    struct greeting greeting;
    struct dispatch *d;
    int64_t watermark;

    enum number_stop unwelcome; /* TOKEN or UPSTREAM: what the last introduction met; NONE */
    enum number_stop said;      /* was told to people, */
    int64_t said_us;            /* with a circuit until then */
    struct lane_memory kept;    /* as it was written last, by the lane's own clock */
    int64_t epoch;              /* of our lease when it was seen last; 0: we had none in this life */
    bool taken_over;            /* somebody else has it */
    struct lease_watch watch;
};

struct queued; /* queued.h */

/* A message that waits and never gets a turn any more: for the settle thread. */
struct ending {
    int64_t id;
    enum life_step_kind kind;
    int code;
};

/* An attempt that is over, and nobody could write how. */
struct left_open {
    int64_t id, decision; /* the decision says which attempt */
};

struct dispatch {
    struct gateway *g;
    pthread_mutex_t lock;
    pthread_cond_t wake, wake_outbox, wake_settle; /* by the monotonic clock */
    pthread_t thread, outbox_thread, settle_thread;
    bool running, closing, stop;
    int64_t started_us;

    struct number *slot[NUMBER_SLOTS];
    struct number *number[NUMBERS_MAX]; /* the same in order of arrival */
    size_t n_numbers;
    struct number *heap[NUMBERS_MAX]; /* by next_us */
    size_t n_heap;
    int64_t sleeps_until_us; /* the dispatch thread */

    /* --- the outbox --- */
    struct store *reader; /* the outbox thread's */
    struct arena *scratch;
    struct line *to_read, **to_read_tail;
    size_t n_lines, n_rows;  /* lines, and rows in them */
    struct id_set *ids;      /* of rows in memory: read ahead, or out */
    bool bells, too_many;    /* numbers: said once */
    struct outbox_key sweep; /* where it is */
    bool sweeping;
    int64_t next_sweep_us, next_tick_us, next_due_ms;
    struct queued *idle;
    struct queue_link *granted, **granted_tail, **granted_codes; /* behind all, behind the codes */
    size_t n_queued, most_queued, n_out, bytes;
    size_t n_at_door, most_at_door; /* of all numbers */
    size_t decided;                 /* left the door since door_us */
    int64_t door_us;
    struct number *starved, **starved_tail; /* numbers that wait for places of others */

    /* --- time --- */
    _Atomic int64_t renewed_us; /* when the last renewal that succeeded was begun */
    struct ending ended[ENDINGS_MAX];
    size_t n_ended;
    struct left_open *left;
    size_t n_left, left_room;
    bool stops; /* a circuit opened or closed: to be written, and told */
    struct dispatch_census census;
};

static inline int64_t mono_us(void)
{
    return clock_mono_ns() / 1000;
}

/* Without threads, for tests; dispatch_start() otherwise. */
struct dispatch *dispatch_create(struct gateway *g);

/* --- dispatch.c; with the lock held --- */

struct number *number_at(struct dispatch *d, int64_t sender, bool make); /* NULL: there is none, or no room for it */
void number_permit(struct dispatch *d, struct number *n, struct pace permitted);
/* The number is looked at at this moment, unless it would be sooner anyway. */
void number_wake(struct dispatch *d, struct number *n, int64_t at_us);
/* Waits on one of the conditions until then. */
void dispatch_sleep(struct dispatch *d, pthread_cond_t *cond, int64_t until_us);

/* --- offer.c; with the lock held --- */

/* Why nothing of this number's outbox may leave, for people; NULL: nothing is in the way but its turn. *ret_until_us: when that
 * may change by itself. */
const char *number_stopped(const struct dispatch *d, const struct number *n, int64_t now_us, int64_t *ret_until_us);
/* Puts rows into the lane, or takes them out, as number_stopped() says. */
void lines_offer(struct dispatch *d, struct number *n, int64_t now_us);
/* The first of its rows are put into the lane; none is any more. */
void line_join(struct line *l);
void line_leave(struct line *l);
/* A place is free: the next number that waits for one is looked at. */
void lines_feed(struct dispatch *d);
/* While much is free: so that nobody waits because one who was told had no use for it. */
void lines_pass_on(struct dispatch *d);
/* The door decided about one of the number's. */
void lines_decided(struct dispatch *d, struct number *n);

/* --- lines.c; with the lock held --- */

/* The lane gave a turn: the line's first row goes out. */
void lines_turn(struct dispatch *d, struct number *n, enum lane_class c, int64_t campaign, int64_t now_us);
/* A row that went out is not sent now and is still where it was: it is the line's again. */
void line_take_back(struct dispatch *d, struct line *l, const struct waiting *w);
/* A row that went out is through with its turn; `look`: it may wait anew. */
void line_through(struct dispatch *d, struct line *l, const struct waiting *w, bool look);
/* Lines may have more, or other, rows than is known. */
void lines_ring(struct dispatch *d, struct number *n);
void lines_free(struct dispatch *d); /* at the end */

/* The outbox thread, without the lock: what it reads until store_rollback() is of one moment, not before this one. */
void lines_reading(struct dispatch *d);
/* How fast the number may be, by what is known of it. Without the lock. */
struct pace number_pace(struct dispatch *d, int64_t sender, int64_t now);
/* The outbox thread: opens what it reads with, and runs. */
int lines_open(struct dispatch *d, struct err *e);
void *lines_run(void *dispatch);

/* --- queued.c --- */

/* With the lock held: one for this row, in line for the outbox thread; NULL: too many are out. */
struct queued *queued_take(struct dispatch *d, struct line *l, const struct waiting *w, int64_t turn_us);
/* The outbox thread, without the lock: takes what had its turn to the door. */
void queued_submit(struct dispatch *d, struct queue_link *chain);
void queued_free(struct dispatch *d);

/* --- stops.c --- */

/* What keeps the number from sending, apart from its turns. With the lock held. */
enum number_stop number_stop(const struct number *n);
/* The token in the number's file is another one: what the old one met is over. With the lock held. */
void number_new_token(struct dispatch *d, struct number *n);
/* Whether its token is to be read again soon. With the lock held. */
bool number_wants_token(const struct number *n);
/* A circuit opened or closed: the settle thread sees to it at once. With the lock held. */
void stops_changed(struct dispatch *d);
/* --- settle.c --- */

int settle_start(struct dispatch *d, struct err *e); /* before any thread: leases, and what an earlier life left */
void *settle_run(void *dispatch);
void settle_end(struct dispatch *d); /* the leases are given back */

#endif
