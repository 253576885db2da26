/* SPDX-License-Identifier: Apache-2.0
 * checkpoints_impl.h - what the files of the ledger's publisher share.
 *
 * checkpoints.c publishes: its thread alone reads new leaves and writes tiles. checkpoints_open.c looks at everything once, before
 * that thread is there. */
#ifndef WL_GATEWAY_CHECKPOINTS_IMPL_H
#define WL_GATEWAY_CHECKPOINTS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/checkpoints.h"
#include "gateway/gateway_impl.h"
#include "gateway/lag.h"
#include "gateway/ledger_dir.h"
#include "gateway/ledger_tiles.h"
#include "store/ledger.h"

#define LEDGER_FILES_MAX 1024 /* begun and not finished: those of one checkpoint */

struct checkpoints {
    struct gateway *g;
    struct store *reader; /* the thread's */
    struct arena *arena;  /* likewise */
    struct ledger_dir dir;
    char origin[NOTE_NAME_MAX + 1];
    struct note_key key; /* its name is origin */
    int64_t generation;

    /* --- the thread's --- */
    struct ledger_tiles tiles; /* as published */
    struct ledger_tiles next;  /* what is being made of them */
    struct ledger_file files[LEDGER_FILES_MAX];
    size_t n_files;
    struct log_head head; /* of `next`; its note is not kept */
    bool in_trouble;
    int64_t told_us; /* when the log was last told so */
    int64_t thinned_us;

    /* --- anybody's --- */
    _Atomic int64_t sealed;    /* size of the last checkpoint */
    _Atomic int64_t sealed_at; /* ms; 0: there is none in this life */
    atomic_bool rung;
    struct lag lag; /* from durable to sealed */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    int64_t rung_us; /* when it rang first since the last look; 0: it did not */
    struct buf note; /* the last checkpoint's; its text says of which size */

    pthread_mutex_t publishing; /* who puts a note into its place; before `lock` */
    pthread_t thread;
    bool runs;
};

/* checkpoints_open.c: rows without a leaf get one; directory, key and generation; everything is compared; `tiles` is what is
 * published. */
int checkpoints_open(struct checkpoints *c, struct err *e);

/* checkpoints.c: makes what is durable public; at most some ten thousand leaves more than before. *ret_more: there are
 * others, or were when it looked. */
int checkpoints_publish(struct checkpoints *c, bool *ret_more, struct err *e);

/* "wayleave/<8 hex>" or what the configuration says, with "/gen2" behind it in the second generation and so on. */
int ledger_origin(const struct gateway_options *o, const uint8_t public_key[SIGN_PUBLIC_BYTES], int64_t generation,
                  char ret[NOTE_NAME_MAX + 1], struct err *e);
/* The generation that stands behind an origin; 0: none does, as in the first. */
int64_t ledger_origin_generation(struct str origin);
/* Takes the directory to "<directory>.<generation>", or with a further number where that is taken. */
int ledger_set_aside(const char *path, int64_t generation, struct err *e);

#endif
