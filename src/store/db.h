/* SPDX-License-Identifier: Apache-2.0
 * db.h - the SQL port: one set of statements, one driver an engine; private to src/store.
 *
 * A noun's file writes its SQL as STATEMENT(name, "text") and runs it with the db_* words below. The text is
 * the same for every engine (docs/decisions/0005-store.md): $1.. in order of first appearance, parameters used in arithmetic
 * CAST, no clock, no random values, ON CONFLICT and RETURNING allowed. What differs between engines lives in a
 * driver (db_sqlite.c).
 *
 * Parameters are bound and columns read in order, so the code reads like the statement. A failed bind is kept and
 * reported by the next step. Nothing here formats a string or allocates per row. */
#ifndef WL_STORE_DB_H
#define WL_STORE_DB_H

#include "store/store.h"

struct statement {
    const char *name, *sql;
};

/* Statements lie side by side in a section of their own, which makes the registry (and the slot of each in
 * a connection's cache) a subtraction. The alignment equals the size, so there are no gaps. */
#define STATEMENT(name, text)                                                                                          \
    static const struct statement name __attribute__((section("wl_statements"), used, aligned(16))) = {#name, text}
_Static_assert(sizeof(struct statement) == 16, "the statement section must have no gaps");

extern const struct statement __start_wl_statements[], __stop_wl_statements[];

static inline size_t statement_count(void)
{
    return (size_t)(__stop_wl_statements - __start_wl_statements);
}
static inline size_t statement_slot(const struct statement *st)
{
    return (size_t)(st - __start_wl_statements);
}

enum db_content { DB_EMPTY, DB_OURS, DB_FOREIGN };

struct db_driver;

/* A connection; a driver's own structure starts with it. */
struct db {
    const struct db_driver *driver;
    bool poisoned; /* an fsync failed: what is on disk is unknown, nothing is written any more */
};

/* A prepared statement, owned by its connection; a driver's own structure starts with it. */
struct db_stmt {
    struct db *db;
    int param, column; /* next to bind, next to read */
};

struct db_driver {
    int (*open)(struct db **ret, const char *where, bool read_only, struct err *e);
    void (*close)(struct db *db);
    /* Is there a schema in it, and is it ours? */
    int (*inspect)(struct db *db, enum db_content *ret, struct err *e);
    /* Reads the file through for what cannot be: *ret_sound false, and why. */
    int (*check)(struct db *db, bool *ret_sound, char *why, size_t size, struct err *e);
    /* Several statements of the schema, translated where the engine's words differ. */
    int (*script)(struct db *db, struct str sql, struct err *e);
    int (*begin)(struct db *db, struct err *e);
    int (*begin_reading)(struct db *db, struct err *e);
    int (*commit)(struct db *db, struct err *e);
    void (*rollback)(struct db *db);
    /* After the open transaction the log keeps nothing, if that can be; and whether it was. */
    void (*empty_log)(struct db *db);
    bool (*log_emptied)(struct db *db);
    /* Makes commits return before they are on disk; a descriptor whose fdatasync() puts them there, or a WL_E*. */
    int (*defer_sync)(struct db *db, int *ret_fd, struct err *e);
    bool (*in_transaction)(struct db *db); /* false also after the engine rolled back by itself */

    int (*prepare)(struct db *db, const struct statement *st, struct db_stmt **ret, struct err *e); /* cached */
    void (*bind_i64)(struct db_stmt *q, int64_t v);
    void (*bind_text)(struct db_stmt *q, const char *p, size_t n); /* borrowed until the reset */
    void (*bind_blob)(struct db_stmt *q, const void *p, size_t n); /* borrowed until the reset */
    void (*bind_null)(struct db_stmt *q);
    int (*step)(struct db_stmt *q, struct err *e); /* 1: a row, 0: no more, or WL_E* */
    int64_t (*changes)(struct db_stmt *q);         /* rows written by the last step */
    void (*reset)(struct db_stmt *q);
    int64_t (*column_i64)(struct db_stmt *q);
    struct str (*column_text)(struct db_stmt *q); /* valid until the next step or reset; {NULL,0} for NULL */
    struct str (*column_blob)(struct db_stmt *q);
};

extern const struct db_driver db_sqlite;

/* The store handle; its functions are store.h's. */
struct block_cache;
struct body_packer;
struct store {
    struct db *db;
    struct block_cache *decisions; /* decision_blocks.c's; NULL until it is needed */
    struct body_packer *bodies;    /* inbox_pack.c's, likewise */
    int64_t last_id;
    int64_t log_next;       /* of this transaction: the place of the next entry (ledger_log.c); -1: not looked up yet */
    int64_t log_generation; /* likewise; known when log_next is */
    uint8_t pepper[32];     /* names are hashed with it (suppressed.h) */
    bool peppered;
    int spread; /* number of buckets in use */
    bool read_only;
    bool open_tx; /* between store_begin and store_commit or store_rollback */
    bool doomed;  /* a verb of this transaction failed half-way: it can only be rolled back */
};

/* Every verb that writes starts with write_start() and returns through write_end(): a failed verb may have
 * written half its rows, so its transaction can't be committed any more. */
int write_start(struct store *s, struct err *e);
int write_end(struct store *s, int rc);

/* Room for one more element in an array in the arena, doubling up to max; NULL when memory ends. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t max, size_t each);

static inline int db_prepare(struct store *s, const struct statement *st, struct db_stmt **ret, struct err *e)
{
    return s->db->driver->prepare(s->db, st, ret, e);
}
static inline void db_i64(struct db_stmt *q, int64_t v)
{
    q->db->driver->bind_i64(q, v);
}
static inline void db_text(struct db_stmt *q, struct str v) /* an absent string is the empty one */
{
    q->db->driver->bind_text(q, v.p ? v.p : "", v.n);
}
static inline void db_blob(struct db_stmt *q, const void *p, size_t n)
{
    q->db->driver->bind_blob(q, p ? p : "", n);
}
static inline void db_null(struct db_stmt *q)
{
    q->db->driver->bind_null(q);
}
static inline void db_text_or_null(struct db_stmt *q, struct str v) /* an absent string is NULL */
{
    if (v.p != NULL)
        db_text(q, v);
    else
        db_null(q);
}
static inline int db_step(struct db_stmt *q, struct err *e)
{
    return q->db->driver->step(q, e);
}
static inline void db_reset(struct db_stmt *q)
{
    q->db->driver->reset(q);
}
/* Runs a statement that gives no rows; ret_changed may be NULL. */
static inline int db_exec(struct db_stmt *q, int64_t *ret_changed, struct err *e)
{
    int rc = q->db->driver->step(q, e);
    if (rc >= 0 && ret_changed != NULL)
        *ret_changed = q->db->driver->changes(q);
    q->db->driver->reset(q);
    return rc < 0 ? rc : 0;
}
static inline int64_t col_i64(struct db_stmt *q)
{
    return q->db->driver->column_i64(q);
}
static inline int col_int(struct db_stmt *q)
{
    return (int)q->db->driver->column_i64(q);
}
static inline struct str col_text(struct db_stmt *q)
{
    return q->db->driver->column_text(q);
}
static inline struct str col_blob(struct db_stmt *q)
{
    return q->db->driver->column_blob(q);
}
/* Reads the rows a prepared and bound statement gives, at most max, into an array of elements of `each` bytes in the arena:
 * *ret_rows (a pointer to a pointer to such elements; NULL without rows) and *ret_n, untouched on failure. Resets the
 * statement. */
typedef int row_reader(struct db_stmt *q, struct arena *a, void *row, struct err *e);
int db_rows(struct db_stmt *q, struct arena *a, size_t max, size_t each, row_reader *read, void *ret_rows,
            size_t *ret_n, struct err *e);
/* Copies a text column into a fixed array, cut to fit, always NUL-terminated. */
void col_chars(struct db_stmt *q, char *out, size_t size);
/* Copies a text or blob column into the arena (NUL added); WL_ENOMEM. NULL stays {NULL,0}. */
int col_copy(struct db_stmt *q, struct arena *a, struct str *ret, struct err *e);
int col_copy_blob(struct db_stmt *q, struct arena *a, struct str *ret, struct err *e);

#endif
