/* SPDX-License-Identifier: Apache-2.0
 * fanout_impl.h - what the files of the fan-out share.
 *
 * Everything here belongs to the fan-out's own thread, except what stands under `lock`, the client (any thread), and a note
 * while the writer has it. */
#ifndef WL_GATEWAY_FANOUT_IMPL_H
#define WL_GATEWAY_FANOUT_IMPL_H

#include "base/clock.h"
#include "core/delivery.h"
#include "core/webhook_filter.h"
#include "gateway/fanout.h"
#include "gateway/gateway_impl.h"
#include "store/inbox.h"

#define FANOUT_BODY_MAX (16u << 20) /* restored: a value may come back where a short mark stood */

struct target;

/* One thing of a window with its bytes, which stay until it is over. */
struct post {
    struct queue_link link;   /* of those that were answered */
    struct post *prev, *next; /* of its stream, oldest first */
    struct stream *stream;
    const struct delivery_thing *thing; /* while it is on its way */
    int64_t seq, app;
    int event; /* -1: the whole body */

    struct http_call call;
    struct http_header headers[6];
    char *url;
    char signature[7 + 65], name[32], attempt[16];

    size_t n;
    char body[];
};

/* A way through the inbox: what comes, what is handed over again, what is tried once more. */
enum stream_kind { STREAM_LIVE, STREAM_DEAD, STREAM_AGAIN, STREAMS };

struct stream {
    struct target *target;
    enum stream_kind kind;
    struct delivery *window; /* NULL: nothing was ever in it */
    struct post *first, *last;
    size_t bytes; /* of their bodies */
    int64_t read; /* the last body that was read to its end */
    int64_t until;
    int64_t part_seq;         /* the body after it that did not fit whole, 0: none */
    size_t part_next, part_n; /* its next event, and how many it had */
    bool full, ended;         /* something did not fit; something ended since */
    bool idle;                /* there are places, and nothing in the window may go */
    bool more;                /* DEAD: there may be some to be tried once more. AGAIN: there are bodies to be read */
    int64_t restart_from;     /* -1, or: it begins anew after this one, as soon as nothing is on its way */
    int64_t wake_ms;          /* when the window is to be asked again */
    /* DEAD: bodies that somebody asked for whole, and that go event by event */
    int64_t asked[64];
    size_t n_asked;
};

/* What is to be written of a thing: it was given up, or a dead one was taken after all. */
struct loss {
    int64_t seq, at;
    int event, attempts, status;
    bool taken;
    char why[120];
};

struct target { /* a subscriber */
    int64_t id, ver;
    char name[SUBSCRIBER_NAME_MAX];
    char *url, *filter_text;
    struct str secret;             /* its own; empty: the app's */
    struct arena *arena;           /* of the filter */
    struct webhook_filter *filter; /* NULL: everything */
    enum subscriber_form form;
    unsigned parallel;
    bool by_configuration, paused;
    bool broken; /* the row cannot be used: the view says why */
    bool gone;   /* dropped: nothing is begun or written any more */
    bool touched, seen;
    struct stream stream[STREAMS];
    unsigned open;
    int64_t saved;                    /* its position on the disk */
    int64_t again_saved, again_until; /* as the row says */
    struct loss *losses;
    size_t n_losses;
    struct fanout_view view;
};

/* What is written about one subscriber at once. */
struct note_entry {
    struct target *target; /* for the fan-out's thread only */
    int64_t id, position;
    int64_t again_from, again_next, again_until, again_end; /* the row's next and until; what they become */
    struct loss *losses;
    size_t n_losses;
};

struct note {
    struct job job;
    struct job_type type;
    struct note_entry entry[SUBSCRIBERS_MAX];
    size_t n;
    bool open; /* the writer has it */
};

struct fanout {
    struct gateway *g;
    pthread_t thread;
    struct http_client *client;
    struct store *reader;
    struct arena *rows, *cut;
    struct buf restored;
    struct target *target[2 * SUBSCRIBERS_MAX]; /* those that are gone stay while something of theirs is open */
    size_t n;
    int64_t upto; /* what was applied so far: nothing beyond is handed on */
    struct note note;
    int64_t note_ms;  /* when the next note is due; INT64_MAX: nothing changed */
    int64_t retry_ms; /* when what failed in the store or was refused by the client is tried again */
    bool reload, default_said;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* monotonic */
    bool ready, rung, changed, stop, noted;
    int failed; /* why it could not start */
    struct err why;
    struct queue_link *answered, **last_answered;
    struct fanout_view view[2 * SUBSCRIBERS_MAX];
    size_t n_views;
};

static inline int64_t fanout_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* fanout_cut.c */
struct cut_piece {
    struct str body;
    int event;
    bool wanted, fresh; /* by its filter; by it and not had before */
    struct delivery_names names;
};
struct cut {
    struct cut_piece *piece;
    size_t n;
};
/* A body as a subscriber is to have it, in f->cut and f->restored until the next one. */
int fanout_cut(struct fanout *f, const struct target *t, bool whole, const struct inbox_row *row, struct cut *ret,
               struct err *e);

/* fanout_stream.c */
void stream_open(struct stream *st, struct target *t, enum stream_kind kind, int64_t read);
void stream_close(struct stream *st); /* nothing is on its way any more */
void stream_restart(struct stream *st, int64_t read);
void stream_set(struct stream *st); /* the terms of its subscriber changed */
/* Reads on, a bounded bit. True: there is more to do at once. */
bool stream_fill(struct fanout *f, struct stream *st);
void stream_remove(struct stream *st, struct post *p); /* it is over: frees it */
int64_t stream_position(const struct stream *st);

/* fanout_post.c */
/* On its way; false: not now. */
bool post_start(struct fanout *f, struct post *p, const struct delivery_thing *thing);
void post_free(struct post *p);
/* It was given up: to be written, counted and said with the next note. */
void post_given_up(const struct post *p, const struct delivery_thing *thing, enum delivery_end end, const char *said);
/* An answer is here. */
void post_settle(struct post *p, bool stopping);

/* fanout_target.c */
void targets_reload(struct fanout *f);
void target_free(struct target *t);

/* fanout_note.c */
void note_setup(struct fanout *f);
bool note_send(struct fanout *f); /* false: nothing changed, or not now */
void note_settle(struct fanout *f);
void note_last(struct fanout *f); /* waits until it is on the disk */
void loss_add(struct target *t, const struct loss *l);
/* The subscriber of the configuration becomes what the configuration says. */
int fanout_configure(struct gateway *g, struct err *e);

#endif
