/* SPDX-License-Identifier: Apache-2.0
 * db_sqlite.c - the SQL port on SQLite 3: one file, WAL, one writer.
 *
 * A commit is durable when it returns (synchronous=FULL), unless its owner asked to sync the log by itself
 * (defer_sync): then synchronous is NORMAL, which differs in nothing but that one fdatasync, and a transaction counts
 * only when the owner's own fdatasync of the log came back. Checkpoints run here after a commit, not inside SQLite's
 * hook, because SQLite drops their errors: a refused fsync, in a commit or in a checkpoint, poisons the
 * connection, since the kernel may have forgotten the pages and a later fsync would claim they are safe. A
 * poisoned connection writes nothing more and leaves the log for the next start to recover.
 *
 * What is deleted is overwritten with zeros (secure_delete), in pages that stay and in pages that become free, so that nothing
 * of a person is left in the file once it is deleted; measured, that costs two or three percent of the processor's time
 * where rows come and go. What SQLite leaves behind when it moves rows is taken out on the way to the file
 * (db_sqlite_file.c). The log still holds older pages until it is begun anew, or emptied (store_empty_log()).
 *
 * Statements are prepared once a connection and kept. The connection is used by one thread at a time, so SQLite's
 * own locking is off. Memory: a page cache of a few MiB and no memory map, whose read errors would be signals. */
#include "store/db.h"

#include "store/db_sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
/* Small enough that copying the log back is no pause anybody notices: 20 ms at most were measured with 4,000 frames, 40 ms
 * with 20,000, at the same throughput. */
#define CHECKPOINT_FRAMES 4000
#define EMPTY_WAIT_MOST   1024 /* commits */

struct sqlite_stmt {
    struct db_stmt base;
    sqlite3_stmt *raw; /* NULL until first used */
    int failed_bind;
};

struct sqlite_db {
    struct db base;
    sqlite3 *raw;
    int wal_frames;                 /* in the log after the last commit */
    int checkpoint_at;              /* frames */
    bool empty_log;                 /* the log holds what may be nowhere any more */
    bool empty_log_now;             /* after this commit */
    int empty_in, empty_wait;       /* commits until it is tried again, and how many that were the last time */
    struct sqlite_stmt *statements; /* by statement_slot() */
};

static struct sqlite_db *mine(struct db *db)
{
    return (struct sqlite_db *)db;
}

static int result_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return WL_ECONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return WL_EBUSY;
    case SQLITE_NOMEM:
        return WL_ENOMEM;
    case SQLITE_TOOBIG:
        return WL_ETOOBIG;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return WL_EBUG;
    default:
        return WL_EIO;
    }
}

/* Turns SQLite's code into ours; whatever smells of a refused fsync poisons. */
static int failed(struct sqlite_db *d, int rc, const char *doing, struct err *e)
{
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        d->base.poisoned = true;
    return err_set(e, result_of(rc), "database: %s: %s", doing, d->raw ? sqlite3_errmsg(d->raw) : sqlite3_errstr(rc));
}

static int on_commit(void *ctx, sqlite3 *raw, const char *name, int frames)
{
    (void)raw;
    (void)name;
    struct sqlite_db *d = ctx;
    if (frames < d->wal_frames) /* the log was begun anew */
        d->checkpoint_at = CHECKPOINT_FRAMES;
    d->wal_frames = frames;
    return SQLITE_OK;
}

static int simple(struct sqlite_db *d, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(d->raw, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : failed(d, rc, sql, e);
}

static void sqlite_close(struct db *db)
{
    struct sqlite_db *d = mine(db);
    if (d == NULL)
        return;
    if (d->statements != NULL)
        for (size_t i = 0; i < statement_count(); i++)
            sqlite3_finalize(d->statements[i].raw);
    free(d->statements);
    if (d->raw != NULL) {
        if (d->base.poisoned)
            sqlite3_db_config(d->raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_close(d->raw);
    }
    free(d);
}

static int configure(struct sqlite_db *d, bool read_only, struct err *e)
{
    sqlite3_busy_timeout(d->raw, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(d->raw, 1);
    sqlite3_db_config(d->raw, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(d->raw, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(d->raw, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    int rc = simple(d, read_only ? "PRAGMA cache_size=-4096" : "PRAGMA cache_size=-12288", e);
    if (rc == 0)
        rc = simple(d,
                    "PRAGMA foreign_keys=OFF; PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
                    e);
    if (rc == 0 && !read_only)
        rc = simple(d,
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=134217728; "
                    "PRAGMA secure_delete=ON",
                    e);
    /* 0: SQLite's own checkpoint stays off, see commit below */
    if (rc == 0)
        rc = simple(d, "PRAGMA wal_autocheckpoint=0", e);
    sqlite3_wal_hook(d->raw, on_commit, d);
    return rc;
}

/* Counting its own memory costs SQLite a lock at every allocation. Too late (somebody else started SQLite
 * first) is no harm. */
static void once(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int sqlite_open(struct db **ret, const char *where, bool read_only, struct err *e)
{
    static pthread_once_t first = PTHREAD_ONCE_INIT;
    pthread_once(&first, once);
    /* The file holds personal data: made readable for its owner only, which the log files inherit. */
    if (!read_only) {
        int fd = open(where, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
            return err_set(e, WL_EIO, "database: cannot open or create %s: %s", where, strerror(errno));
        close(fd);
    }
    struct sqlite_db *d = calloc(1, sizeof *d);
    if (d == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    d->base.driver = &db_sqlite;
    d->checkpoint_at = CHECKPOINT_FRAMES;
    d->statements = calloc(statement_count(), sizeof *d->statements);
    if (d->statements == NULL) {
        sqlite_close(&d->base);
        return err_set(e, WL_ENOMEM, "out of memory");
    }
    int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    int rc = sqlite3_open_v2(where, &d->raw, flags, clean_file_system());
    rc = rc == SQLITE_OK ? configure(d, read_only, e) : failed(d, rc, "open", e);
    if (rc != 0) {
        sqlite_close(&d->base);
        return rc;
    }
    *ret = &d->base;
    return 0;
}

static int sqlite_inspect(struct db *db, enum db_content *ret, struct err *e)
{
    struct sqlite_db *d = mine(db);
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(
        d->raw, "SELECT count(*), count(*) FILTER (WHERE name IN ('meta', 'bucket_head')) FROM sqlite_schema", -1, &q,
        NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int(q, 0) == 0 ? DB_EMPTY : sqlite3_column_int(q, 1) == 2 ? DB_OURS : DB_FOREIGN;
    sqlite3_finalize(q);
    return rc == SQLITE_ROW ? 0 : failed(d, rc, "read the schema", e);
}

static int sqlite_check(struct db *db, bool *ret_sound, char *why, size_t size, struct err *e)
{
    struct sqlite_db *d = mine(db);
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(d->raw, "PRAGMA quick_check(1)", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
    bool answered = said != NULL, damaged = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
    if (answered || damaged) {
        *ret_sound = answered && strcmp(said, "ok") == 0;
        snprintf(why, size, "%s", answered ? said : sqlite3_errstr(rc));
    }
    sqlite3_finalize(q);
    return answered || damaged ? 0 : failed(d, rc, "look through the file", e);
}

/* The portable schema in SQLite's words. */
static bool translate(struct str sql, struct buf *out)
{
    static const struct {
        const char *from, *to;
    } words[] = {{"BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY"}, {"); -- clustered", ") WITHOUT ROWID;"}};
    for (size_t i = 0; i < sql.n;) {
        size_t w = 0, n = 1;
        while (w < 2 && !str_starts((struct str){sql.p + i, sql.n - i}, str_of(words[w].from)))
            w++;
        if (w < 2) {
            buf_puts(out, words[w].to);
            n = strlen(words[w].from);
        } else {
            buf_putc(out, sql.p[i]);
        }
        i += n;
    }
    return !out->failed;
}

static int sqlite_script(struct db *db, struct str sql, struct err *e)
{
    struct sqlite_db *d = mine(db);
    struct buf text;
    buf_init(&text, sql.n * 2 + 1);
    int rc = WL_ENOMEM;
    if (translate(sql, &text)) {
        rc = sqlite3_exec(d->raw, buf_cstr(&text), NULL, NULL, NULL);
        rc = rc == SQLITE_OK ? 0 : failed(d, rc, "schema", e);
    }
    buf_done(&text);
    return rc;
}

static int sqlite_begin(struct db *db, struct err *e)
{
    return simple(mine(db), "BEGIN IMMEDIATE", e);
}

/* The moment is that of the first statement. */
static int sqlite_begin_reading(struct db *db, struct err *e)
{
    return simple(mine(db), "BEGIN", e);
}

static void sqlite_rollback(struct db *db)
{
    struct sqlite_db *d = mine(db);
    if (!sqlite3_get_autocommit(d->raw))
        sqlite3_exec(d->raw, "ROLLBACK", NULL, NULL, NULL);
}

/* Copies the log back into the file. This commit is durable whatever happens here, so it is not refused; but
 * after a failed sync of the file nothing later may be acknowledged. Where the log is to be emptied too, nobody is waited
 * for who reads it. */
static void checkpoint(struct sqlite_db *d)
{
    sqlite3_busy_timeout(d->raw, 0);
    int rc =
        sqlite3_wal_checkpoint_v2(d->raw, NULL, d->empty_log ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
                                  NULL, NULL);
    sqlite3_busy_timeout(d->raw, BUSY_TIMEOUT_MS);
    d->empty_log_now = false;
    if (rc == SQLITE_OK && d->empty_log) {
        sqlite3_db_release_memory(
            d->raw); /* pages as they were before they came to the file: with what was moved away */
        d->empty_log = false;
    } else if (d->empty_log) { /* somebody reads: soon again, and less often each time */
        d->empty_wait = d->empty_wait < EMPTY_WAIT_MOST ? 2 * d->empty_wait : d->empty_wait;
        d->empty_in = d->empty_wait;
    }
    /* A reader may keep the log from being begun anew: then not again at every commit. */
    d->checkpoint_at = d->wal_frames + CHECKPOINT_FRAMES / 4;
    if ((rc & 0xff) == SQLITE_IOERR)
        d->base.poisoned = true;
}

static int sqlite_commit(struct db *db, struct err *e)
{
    struct sqlite_db *d = mine(db);
    int rc = sqlite3_exec(d->raw, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        if ((rc & 0xff) == SQLITE_IOERR)
            d->base.poisoned = true;
        int result = failed(d, rc, "commit", e);
        sqlite_rollback(db);
        return result;
    }
    bool empty_again = d->empty_log && --d->empty_in <= 0;
    if (d->wal_frames >= d->checkpoint_at || d->empty_log_now || empty_again)
        checkpoint(d);
    return 0;
}

static void sqlite_empty_log(struct db *db)
{
    struct sqlite_db *d = mine(db);
    d->empty_log = d->empty_log_now = true;
    d->empty_wait = 1;
}

static bool sqlite_log_emptied(struct db *db)
{
    return !mine(db)->empty_log;
}

static int sqlite_defer_sync(struct db *db, int *ret_fd, struct err *e)
{
    struct sqlite_db *d = mine(db);
    char path[4096];
    snprintf(path, sizeof path, "%s-wal", sqlite3_db_filename(d->raw, "main"));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, WL_EIO, "database: cannot open the log %s: %s", path, strerror(errno));
    int rc = simple(d, "PRAGMA synchronous=NORMAL", e);
    if (rc != 0)
        close(fd);
    else
        *ret_fd = fd;
    return rc;
}

static bool sqlite_in_transaction(struct db *db)
{
    return !sqlite3_get_autocommit(mine(db)->raw);
}

static int sqlite_prepare(struct db *db, const struct statement *st, struct db_stmt **ret, struct err *e)
{
    struct sqlite_db *d = mine(db);
    struct sqlite_stmt *q = &d->statements[statement_slot(st)];
    if (q->raw == NULL) {
        int rc = sqlite3_prepare_v3(d->raw, st->sql, -1, SQLITE_PREPARE_PERSISTENT, &q->raw, NULL);
        if (rc != SQLITE_OK)
            return failed(d, rc, st->name, e);
        q->base.db = db;
    }
    q->base.param = q->base.column = 0;
    q->failed_bind = SQLITE_OK;
    *ret = &q->base;
    return 0;
}

static struct sqlite_stmt *stmt(struct db_stmt *q)
{
    return (struct sqlite_stmt *)q;
}

static void bound(struct sqlite_stmt *q, int rc)
{
    if (rc != SQLITE_OK)
        q->failed_bind = rc;
}

static void sqlite_bind_i64(struct db_stmt *q, int64_t v)
{
    bound(stmt(q), sqlite3_bind_int64(stmt(q)->raw, ++q->param, v));
}

static void sqlite_bind_text(struct db_stmt *q, const char *p, size_t n)
{
    bound(stmt(q), sqlite3_bind_text64(stmt(q)->raw, ++q->param, p, n, SQLITE_STATIC, SQLITE_UTF8));
}

static void sqlite_bind_blob(struct db_stmt *q, const void *p, size_t n)
{
    bound(stmt(q), sqlite3_bind_blob64(stmt(q)->raw, ++q->param, p, n, SQLITE_STATIC));
}

static void sqlite_bind_null(struct db_stmt *q)
{
    bound(stmt(q), sqlite3_bind_null(stmt(q)->raw, ++q->param));
}

static void sqlite_reset(struct db_stmt *q)
{
    sqlite3_reset(stmt(q)->raw);
    q->param = q->column = 0;
}

static int sqlite_step(struct db_stmt *q, struct err *e)
{
    struct sqlite_stmt *s = stmt(q);
    int rc = s->failed_bind != SQLITE_OK ? s->failed_bind : sqlite3_step(s->raw);
    q->column = 0;
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    const struct statement *st = __start_wl_statements + (s - mine(q->db)->statements);
    int result = failed(mine(q->db), rc, st->name, e);
    s->failed_bind = SQLITE_OK;
    sqlite_reset(q);
    return result;
}

static int64_t sqlite_changes(struct db_stmt *q)
{
    return sqlite3_changes64(mine(q->db)->raw);
}

static int64_t sqlite_column_i64(struct db_stmt *q)
{
    return sqlite3_column_int64(stmt(q)->raw, q->column++);
}

static struct str sqlite_column_text(struct db_stmt *q)
{
    sqlite3_stmt *raw = stmt(q)->raw;
    int at = q->column++;
    const char *p = (const char *)sqlite3_column_text(raw, at);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(raw, at) : 0};
}

static struct str sqlite_column_blob(struct db_stmt *q)
{
    sqlite3_stmt *raw = stmt(q)->raw;
    int at = q->column++;
    const char *p = sqlite3_column_blob(raw, at); /* NULL also for an empty one */
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(raw, at) : 0};
}

const struct db_driver db_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .inspect = sqlite_inspect,
    .check = sqlite_check,
    .script = sqlite_script,
    .begin = sqlite_begin,
    .begin_reading = sqlite_begin_reading,
    .commit = sqlite_commit,
    .empty_log = sqlite_empty_log,
    .log_emptied = sqlite_log_emptied,
    .defer_sync = sqlite_defer_sync,
    .rollback = sqlite_rollback,
    .in_transaction = sqlite_in_transaction,
    .prepare = sqlite_prepare,
    .bind_i64 = sqlite_bind_i64,
    .bind_text = sqlite_bind_text,
    .bind_blob = sqlite_bind_blob,
    .bind_null = sqlite_bind_null,
    .step = sqlite_step,
    .changes = sqlite_changes,
    .reset = sqlite_reset,
    .column_i64 = sqlite_column_i64,
    .column_text = sqlite_column_text,
    .column_blob = sqlite_column_blob,
};
