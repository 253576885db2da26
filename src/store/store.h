/* SPDX-License-Identifier: Apache-2.0
 * store.h - opening the database, transactions, buckets and ids. The nouns have headers of their own.
 *
 * The store is the only SQL. Its verbs take arrays, run inside a transaction the caller opened, and know no
 * clock: ids and times come from above. A store handle belongs to one thread at a time. Every person-bound key
 * starts with `bucket` (docs/decisions/0005-store.md) and one transaction touches one bucket only, so that the same statements run
 * on SQLite today and on PostgreSQL, Citus or several servers later.
 *
 * SQLite: WAL, synchronous=FULL (or the owner syncs by itself, store_sync_open()), one writer. store_commit() returning WL_EIO after the disk refused an fsync
 * poisons the handle: every later write fails (fail closed), because what is on disk is then unknown. */
#ifndef WL_STORE_STORE_H
#define WL_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct store;

#define STORE_BUCKETS 4096
#define STORE_TENANT  1 /* one business per gateway for now; the column is there */

struct store_options {
    bool read_only; /* a second connection for readers; never migrates */
};

/* url: a file path, or "sqlite:PATH". Creates and migrates the schema (numbered, transactional, refused when the
 * file is newer than the program). store_free() it. */
int store_open(struct store **ret, const char *url, const struct store_options *o, struct err *e);
void store_free(struct store *s); /* accepts NULL; rolls back an open transaction */

/* A write transaction (BEGIN IMMEDIATE). */
int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e); /* error: nothing was written, or (poisoned) unknown */
void store_rollback(struct store *s);
/* What a transaction deletes or replaces is overwritten in the file, but the engine's log still has it as it was written. In
 * a transaction: its commit empties the log, unless somebody reads just then; later ones try, too. Whether it was done says
 * the other. */
int store_empty_log(struct store *s, struct err *e);
bool store_log_emptied(const struct store *s);
/* On a read-only handle: what is read from here to store_rollback() is as it was at one moment, with every commit that
 * had returned before this call. */
int store_begin_reading(struct store *s, struct err *e);

/* Durability apart from committing, for a writer that prepares its next transaction while the disk works. Once a
 * store_sync was made for it, a commit on this handle that returned is ordered but perhaps not on disk yet;
 * store_sync_wait() returns 0 when everything committed before the call is. It may be called from another thread than
 * the handle's. WL_EIO: the disk refused; what it holds is unknown, call store_poison() on the handle and acknowledge
 * nothing more. Where the engine's commit is durable by itself the wait is empty. */
struct store_sync;
int store_sync_open(struct store_sync **ret, struct store *s, struct err *e);
int store_sync_wait(struct store_sync *y, struct err *e);
void store_sync_free(struct store_sync *y); /* accepts NULL; before store_free() */
void store_poison(struct store *s);         /* nothing is written through this handle any more */

/* The bucket a new person's first identifier falls into. One bucket with the default spread of 1; never derived
 * from the number's digits in a way that another spelling could change (hash of the canonical identity). */
int store_bucket(const struct store *s, int kind, struct str value);

/* Ids: 41 bits of milliseconds, 22 bits of counter; strictly rising within the handle, also when the clock
 * stands still or goes back. Primed from the newest row at open. */
int64_t store_id(struct store *s, int64_t now_ms);
static inline int64_t store_id_ms(int64_t id)
{
    return id >> 22;
}
/* "m" + Crockford base 32 of id and bucket: what people see and paste. out holds STORE_ID_TEXT bytes. */
#define STORE_ID_TEXT 20
char *store_id_text(int bucket, int64_t id, char *out);
int store_id_parse(struct str text, int *ret_bucket, int64_t *ret_id); /* WL_EINVAL */

/* Named positions of readers in the inbox and similar; 0 when never set. */
int cursor_get(struct store *s, const char *name, int64_t *ret, struct err *e);
int cursor_set(struct store *s, const char *name, int64_t value, struct err *e);

/* Looks the whole file through, which takes a second or so for each few hundred MB. *ret_sound false: it is damaged, and
 * `why` says how. */
int store_check(struct store *s, bool *ret_sound, char why[200], struct err *e);
/* For tests and doctor: prepares every statement of the program; the first that fails is the error. */
int store_verify_statements(struct store *s, struct err *e);

#endif
