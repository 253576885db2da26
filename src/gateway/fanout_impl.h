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
    int64_t seq;
    int event;           /* -1: the whole body */
    unsigned attempts;   /* that were answered, or not answered in time */
    int status;          /* the last answer's */
    bool failed, stuck;  /* here; FANOUT_STUCK times while others were taken */
    uint64_t taken_then; /* how many were taken when it failed first */

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
    size_t n, n_stuck;
    size_t bytes; /* of their bodies */
    int64_t read; /* the last body that was read to its end */
    int64_t until;
    int64_t part_seq; /* the body after it that did not fit whole, 0: none */
    size_t part_next; /* its next event */
    /* what was taken up before and is read again before it goes on, by (seq, event) */
    struct subscriber_thing *held;
    size_t n_held, next_held, held_piece;
    int64_t all_of;    /* of this body everything was added, whatever else is said of it */
    bool full, ended;  /* something did not fit; something ended since */
    bool idle;         /* there are places, and nothing in the window may go */
    bool more;         /* DEAD: there may be some to be tried once more. AGAIN: there are bodies to be read */
    bool anew;         /* another window as soon as nothing is on its way: with what was in this one */
    int64_t anew_from; /* or -1; with nothing but what comes after this body */
    int64_t wake_ms;   /* when the window is to be asked again */
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
    int64_t app;                   /* 0: the first one */
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
    struct buf pending;               /* and what stands beside it there */
    int64_t again_saved, again_until; /* as the row says */
    struct loss *losses;
    size_t n_losses;
    struct fanout_view view;
};

/* What is written about one subscriber at once. */
struct note_entry {
    struct target *target; /* for the fan-out's thread only */
    int64_t id, position;
    struct buf pending;
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
    bool reload;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* monotonic */
    bool ready, rung, changed, stop, noted;
    uint64_t forget_asked, forgot; /* calls of fanout_forget(), and how many of them were obeyed */
    bool over;
    pthread_cond_t forgotten;
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
    bool gone;          /* erased: its place is counted, and it is nobody's */
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
/* It goes on after this body, and what it has is dropped. */
void stream_begin(struct stream *st, int64_t read);
/* What is in it is read again from the inbox; what is on its way ends first. */
void stream_reread(struct stream *st);
void stream_settled(struct stream *st); /* something of it was on its way and is not any more */
void stream_set(struct stream *st);     /* the terms of its subscriber changed */
/* Reads on, a bounded bit. True: there is more to do at once. */
bool stream_fill(struct fanout *f, struct stream *st);
void stream_remove(struct stream *st, struct post *p); /* it is over: frees it */
int64_t stream_position(const struct stream *st);      /* all up to this body is over */
/* What was taken up and is not over, packed, into an empty buffer; and the other way round. */
void stream_pending(const struct stream *st, struct buf *out);
void stream_take_up(struct stream *st, const struct subscriber_pending *p);
int64_t stream_oldest(const struct stream *st, unsigned *ret_attempts); /* 0: there is none */
size_t stream_count(const struct stream *st);

/* fanout_post.c */
/* The app's, by webhook.app_id and webhook.apps; of one that is not configured (any more): the first one's. */
struct str fanout_app_secret(const struct gateway_options *o, int64_t app, bool *ret_known);
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
