/* SPDX-License-Identifier: Apache-2.0
 * checkpoints.h - makes the ledger's log public: tiles and signed checkpoints, within a second of the news.
 *
 * At the start the root is worked out anew from all leaves and compared with the last checkpoint, in the database and in
 * the directory: where they differ the gateway does not run. Then one thread reads new leaves, writes their tiles, and signs a
 * size only when its rows are on disk. What is inside the last checkpoint may be relied on by decisions. */
#ifndef WL_GATEWAY_CHECKPOINTS_H
#define WL_GATEWAY_CHECKPOINTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "core/note.h"

struct gateway;
struct checkpoints;
struct store;

/* After the writer. WL_ECORRUPT: the log is not what it was, and how. */
int checkpoints_start(struct checkpoints **ret, struct gateway *g, struct err *e);
void checkpoints_stop(struct checkpoints *c); /* before the writer ends; publishes what is durable; accepts NULL */
void checkpoints_free(struct checkpoints *c);
/* Something was appended. Any thread; accepts NULL. */
void checkpoints_bell(struct checkpoints *c);
/* Leaves inside the last checkpoint: those with a lower index are. Any thread, no lock; accepts NULL (0). */
int64_t checkpoints_sealed(const struct checkpoints *c);
int64_t checkpoints_sealed_at(const struct checkpoints *c); /* when that was made, ms; 0: in no life of ours */
/* How long leaves wait from being durable to being sealed, as text for /metrics. */
struct buf;
void checkpoints_lag(struct checkpoints *c, struct buf *out, const char *name, const char *help);
/* The last signed checkpoint, cosignatures with it, in the arena; WL_ENOTFOUND: none yet. Any thread. */
int checkpoints_note(struct checkpoints *c, struct arena *a, struct str *ret, struct err *e);
/* Our verifier key; borrowed. */
const struct note_key *checkpoints_key(const struct checkpoints *c);
/* A cosigned form of a checkpoint: kept, and published if it still is the last. Any thread. */
int checkpoints_cosigned(struct checkpoints *c, struct str note, struct err *e);
/* Proofs, from the tiles. Any thread. */
int checkpoints_prove(struct checkpoints *c, int64_t index, int64_t size, struct tlog_hash ret[TLOG_PROOF_MAX],
                      size_t *ret_n, struct err *e);
int checkpoints_prove_consistency(struct checkpoints *c, int64_t old, int64_t size,
                                  struct tlog_hash ret[TLOG_PROOF_MAX], size_t *ret_n, struct err *e);
/* Where tiles and checkpoints lie; borrowed. */
const char *checkpoints_dir(const struct checkpoints *c);

#endif
