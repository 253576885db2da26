/* SPDX-License-Identifier: Apache-2.0
 * store.c - the store handle: opening and migrating, transactions, ids, buckets, cursors.
 *
 * Migrations are the numbered parts of schema.sql; each runs in one transaction with the raising of the version,
 * so a crash leaves either the old schema or the new one. A file written by a newer program is refused.
 *
 * A verb that writes outside a transaction, or after another verb of the same transaction failed, is refused: what
 * is committed is always a whole batch. */
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/failpoint.h"
#include "store/decision_blocks.h"
#include "store/inbox_pack.h"
#include "store/store_schema.h"

STATEMENT(meta_get, "SELECT value FROM meta WHERE name = $1");
STATEMENT(meta_set,
          "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
STATEMENT(reader_cursor_get, "SELECT value FROM reader_cursor WHERE name = $1");
STATEMENT(
    reader_cursor_set,
    "INSERT INTO reader_cursor (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
STATEMENT(newest_message, "SELECT id FROM msg WHERE bucket = $1 ORDER BY id DESC LIMIT 1");
/* Ids rise with places in the log; those without a place are in order of their ids. */
STATEMENT(newest_consent, "SELECT id FROM ledger WHERE bucket = $1 ORDER BY leaf DESC, id DESC LIMIT 1");
STATEMENT(newest_unplaced, "SELECT id FROM ledger WHERE bucket = $1 AND leaf = -1 ORDER BY id DESC LIMIT 1");
STATEMENT(newest_errand, "SELECT id FROM errand WHERE bucket = $1 ORDER BY id DESC LIMIT 1");
STATEMENT(newest_inbox, "SELECT seq FROM inbox ORDER BY seq DESC LIMIT 1");
STATEMENT(dropped_inbox, "SELECT value FROM tally WHERE name = 'inbox_gone' LIMIT 1");
STATEMENT(newest_campaign, "SELECT id FROM campaign ORDER BY id DESC LIMIT 1");
STATEMENT(newest_campaign_event, "SELECT id FROM campaign_event ORDER BY id DESC LIMIT 1");
STATEMENT(newest_rules_event, "SELECT id FROM rules_event ORDER BY id DESC LIMIT 1");

/* Reads one number; `absent` where there is no row. */
static int get_number(struct store *s, const struct statement *st, struct str name, int64_t absent, int64_t *ret,
                      struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : absent;
    db_reset(q);
    return 0;
}

static int set_number(struct store *s, const struct statement *st, struct str name, int64_t value, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    db_i64(q, value);
    return db_exec(q, NULL, e);
}

/* The next part of the schema text: the lines after "-- migration N". false at the end. */
static bool next_migration(struct str *rest, int64_t *ret_number, struct str *ret_sql)
{
    static const char mark[] = "-- migration ";
    const char *at = memmem(rest->p, rest->n, mark, sizeof mark - 1);
    if (at == NULL)
        return false;
    struct str tail = {at + sizeof mark - 1, rest->n - (size_t)(at - rest->p) - (sizeof mark - 1)}, sql;
    struct str number = str_cut(tail, '\n', &sql);
    const char *next = memmem(sql.p, sql.n, mark, sizeof mark - 1);
    *ret_sql = (struct str){sql.p, next ? (size_t)(next - sql.p) : sql.n};
    *rest = (struct str){sql.p + ret_sql->n, sql.n - ret_sql->n};
    return str_i64(number, ret_number);
}

static int64_t newest_schema(void)
{
    struct str rest = {store_schema, sizeof store_schema - 1}, sql;
    int64_t newest = 0;
    while (next_migration(&rest, &newest, &sql))
        ;
    return newest;
}

static int schema_version(struct store *s, int64_t *ret, struct err *e)
{
    enum db_content content = DB_EMPTY;
    int rc = s->db->driver->inspect(s->db, &content, e);
    if (rc != 0)
        return rc;
    if (content == DB_FOREIGN)
        return err_set(e, WL_EINVAL, "this database belongs to another program");
    if (content == DB_EMPTY) {
        *ret = 0;
        return 0;
    }
    return get_number(s, &meta_get, STR("schema"), 0, ret, e);
}

static int run_migrations(struct store *s, int64_t have, struct err *e)
{
    struct str rest = {store_schema, sizeof store_schema - 1}, sql;
    int64_t number = 0;
    int rc = 0;
    while (rc == 0 && next_migration(&rest, &number, &sql)) {
        if (number <= have)
            continue;
        rc = s->db->driver->script(s->db, sql, e);
        if (rc == 0)
            rc = set_number(s, &meta_set, STR("schema"), number, e);
    }
    return rc;
}

static int migrate(struct store *s, bool read_only, struct err *e)
{
    int64_t have = 0, want = newest_schema();
    int rc = schema_version(s, &have, e);
    if (rc == 0 && have < want && !read_only) {
        rc = s->db->driver->begin(s->db, e);
        if (rc != 0)
            return rc;
        rc = schema_version(s, &have, e); /* again: another process may have been first */
        if (rc == 0)
            rc = run_migrations(s, have, e);
        if (rc == 0)
            rc = failpoint_io(store_migrate, e);
        if (rc == 0)
            rc = s->db->driver->commit(s->db, e);
        else
            s->db->driver->rollback(s->db);
        failpoint(store_migrated);
        if (rc == 0 && have < want)
            have = want;
    }
    if (rc != 0)
        return rc;
    if (have > want)
        return err_set(e, WL_EINVAL,
                       "the database has schema %lld, this program knows up to %lld: it was written by a newer version",
                       (long long)have, (long long)want);
    if (have < want)
        return err_set(e, WL_EINVAL, "the database has schema %lld, this program needs %lld: open it for writing first",
                       (long long)have, (long long)want);
    return 0;
}

/* One of the statements above; bucket < 0: of a table that is not bucketed. */
static int prime_from(struct store *s, const struct statement *st, int bucket, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    if (bucket >= 0)
        db_i64(q, bucket);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    int64_t id = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    if (id > s->last_id)
        s->last_id = id;
    return 0;
}

/* Ids go on after the newest one that is kept, whatever the clock says; of webhook bodies after the newest that was
 * dropped too, because readers' positions lie behind it. */
static int prime_ids(struct store *s, struct err *e)
{
    int rc = prime_from(s, &newest_inbox, -1, e);
    if (rc == 0)
        rc = prime_from(s, &dropped_inbox, -1, e);
    if (rc == 0)
        rc = prime_from(s, &newest_rules_event, -1, e);
    if (rc == 0)
        rc = prime_from(s, &newest_campaign, -1, e);
    if (rc == 0)
        rc = prime_from(s, &newest_campaign_event, -1, e);
    for (int bucket = 0; rc == 0 && bucket < s->spread; bucket++) {
        rc = prime_from(s, &newest_message, bucket, e);
        if (rc == 0)
            rc = prime_from(s, &newest_consent, bucket, e);
        if (rc == 0)
            rc = prime_from(s, &newest_unplaced, bucket, e);
        if (rc == 0)
            rc = prime_from(s, &newest_errand, bucket, e);
    }
    return rc;
}

int store_open(struct store **ret, const char *url, const struct store_options *o, struct err *e)
{
    const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
    if (strncmp(path, "postgres", 8) == 0 && strstr(path, "://") != NULL)
        return err_set(e, WL_EINVAL, "this program is built without PostgreSQL; give the path of a file");
    if (*path == '\0')
        return err_set(e, WL_EINVAL, "the database path is empty");
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    s->read_only = o != NULL && o->read_only;
    int64_t spread = 0;
    int rc = db_sqlite.open(&s->db, path, s->read_only, e);
    if (rc == 0)
        rc = migrate(s, s->read_only, e);
    if (rc == 0)
        rc = get_number(s, &meta_get, STR("spread"), 1, &spread, e);
    if (rc == 0 && spread != 1)
        rc = err_set(e, WL_EINVAL, "the database is spread over %lld buckets, this program handles one",
                     (long long)spread);
    s->spread = (int)spread;
    if (rc == 0)
        rc = prime_ids(s, e);
    if (rc != 0) {
        store_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void store_free(struct store *s)
{
    if (s == NULL)
        return;
    if (s->db != NULL) {
        s->db->driver->rollback(s->db);
        s->db->driver->close(s->db);
    }
    block_cache_free(s->decisions);
    body_packer_free(s->bodies);
    free(s);
}

static int refuse_poisoned(struct err *e)
{
    return err_set(e, WL_EIO,
                   "database: the disk refused to make an earlier write durable; nothing is written until a restart");
}

int store_begin(struct store *s, struct err *e)
{
    if (s->read_only || s->open_tx)
        return err_set(e, WL_EBUG,
                       s->read_only ? "transaction on a read-only handle" : "transaction inside a transaction");
    if (s->db->poisoned)
        return refuse_poisoned(e);
    int rc = failpoint_io(store_begin, e);
    if (rc == 0)
        rc = s->db->driver->begin(s->db, e);
    if (rc == 0) {
        s->open_tx = true;
        s->doomed = false;
        s->log_next = -1;
    }
    return rc;
}

int store_begin_reading(struct store *s, struct err *e)
{
    if (!s->read_only)
        return err_set(e, WL_EBUG, "a reading transaction on a handle that writes");
    return s->db->driver->begin_reading(s->db, e);
}

int store_commit(struct store *s, struct err *e)
{
    if (!s->open_tx)
        return err_set(e, WL_EBUG, "commit without a transaction");
    if (s->doomed || s->db->poisoned || !s->db->driver->in_transaction(s->db)) {
        store_rollback(s);
        return s->db->poisoned ? refuse_poisoned(e)
                               : err_set(e, WL_ECONFLICT, "a part of this transaction failed; it was rolled back");
    }
    if (failpoint_fails(store_commit)) {
        store_rollback(s);
        return err_set(e, WL_EIO, "a failure was ordered at store_commit");
    }
    s->open_tx = false;
    int rc = s->db->driver->commit(s->db, e);
    failpoint(store_committed);
    return rc;
}

void store_rollback(struct store *s)
{
    s->open_tx = false;
    s->db->driver->rollback(s->db);
}

int store_empty_log(struct store *s, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0)
        s->db->driver->empty_log(s->db);
    return rc;
}

bool store_log_emptied(const struct store *s)
{
    return s->db->driver->log_emptied(s->db);
}

struct store_sync {
    int fd;
};

int store_sync_open(struct store_sync **ret, struct store *s, struct err *e)
{
    struct store_sync *y = calloc(1, sizeof *y);
    if (y == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    int rc = s->db->driver->defer_sync(s->db, &y->fd, e);
    if (rc != 0) {
        free(y);
        return rc;
    }
    *ret = y;
    return 0;
}

int store_sync_wait(struct store_sync *y, struct err *e)
{
    if (failpoint_fails(store_sync))
        return err_set(e, WL_EIO, "database: the log cannot be synced: a failure was ordered");
    if (fdatasync(y->fd) != 0)
        return err_set(e, WL_EIO, "database: the log cannot be synced: %s", strerror(errno));
    failpoint(store_synced);
    return 0;
}

void store_sync_free(struct store_sync *y)
{
    if (y == NULL)
        return;
    close(y->fd);
    free(y);
}

void store_poison(struct store *s)
{
    s->db->poisoned = true;
}

int write_start(struct store *s, struct err *e)
{
    if (!s->open_tx)
        return err_set(e, WL_EBUG, "a write outside a transaction");
    if (s->db->poisoned)
        return refuse_poisoned(e);
    if (s->doomed || !s->db->driver->in_transaction(s->db))
        return err_set(e, WL_ECONFLICT, "an earlier part of this transaction failed");
    return 0;
}

int write_end(struct store *s, int rc)
{
    if (rc != 0)
        s->doomed = true;
    return rc;
}

int store_bucket(const struct store *s, int kind, struct str value)
{
    if (s->spread <= 1)
        return 0;
    uint64_t h = hash64(value.p, value.n) + (uint64_t)kind;
    return (int)(h & (uint64_t)(s->spread - 1));
}

int64_t store_id(struct store *s, int64_t now_ms)
{
    const int64_t max_ms = ((int64_t)1 << 41) - 1;
    int64_t ms = now_ms < 0 ? 0 : now_ms > max_ms ? max_ms : now_ms;
    int64_t id = ms << 22;
    s->last_id = id > s->last_id ? id : s->last_id + 1;
    return s->last_id;
}

/* Crockford: no I, L, O, U. */
static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";
#define ID_DIGITS 15 /* 63 bits of id and 12 of bucket are exactly 15 digits of 5 bits */

char *store_id_text(int bucket, int64_t id, char *out)
{
    uint64_t high = (uint64_t)id >> 13; /* the first 10 digits */
    uint64_t low = ((uint64_t)id & 0x1fff) << 12 | ((uint64_t)bucket & 0xfff);
    out[0] = 'm';
    for (int i = 0; i < 10; i++)
        out[1 + i] = crockford[high >> (45 - 5 * i) & 31];
    for (int i = 0; i < 5; i++)
        out[11 + i] = crockford[low >> (20 - 5 * i) & 31];
    out[1 + ID_DIGITS] = '\0';
    return out;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c - 'A' + 'a');
    if (c == 'o')
        c = '0';
    if (c == 'i' || c == 'l')
        c = '1';
    const char *at = c ? strchr(crockford, c) : NULL;
    return at ? (int)(at - crockford) : -1;
}

int store_id_parse(struct str text, int *ret_bucket, int64_t *ret_id)
{
    if (text.n != 1 + ID_DIGITS || (text.p[0] != 'm' && text.p[0] != 'M'))
        return WL_EINVAL;
    uint64_t high = 0, low = 0;
    for (size_t i = 1; i < text.n; i++) {
        int v = digit_value(text.p[i]);
        if (v < 0)
            return WL_EINVAL;
        if (i <= 10)
            high = high << 5 | (uint64_t)v;
        else
            low = low << 5 | (uint64_t)v;
    }
    *ret_bucket = (int)(low & 0xfff);
    *ret_id = (int64_t)(high << 13 | low >> 12);
    return 0;
}

int cursor_get(struct store *s, const char *name, int64_t *ret, struct err *e)
{
    return get_number(s, &reader_cursor_get, str_of(name), 0, ret, e);
}

int cursor_set(struct store *s, const char *name, int64_t value, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, set_number(s, &reader_cursor_set, str_of(name), value, e));
}

int store_check(struct store *s, bool *ret_sound, char why[200], struct err *e)
{
    return s->db->driver->check(s->db, ret_sound, why, 200, e);
}

int store_verify_statements(struct store *s, struct err *e)
{
    for (const struct statement *st = __start_wl_statements; st < __stop_wl_statements; st++) {
        struct db_stmt *q;
        int rc = db_prepare(s, st, &q, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t max, size_t each)
{
    if (n < *cap)
        return array;
    size_t more = *cap == 0 ? 16 : *cap * 2;
    more = more > max ? max : more;
    void *grown = arena_array(a, more, each);
    if (grown == NULL)
        return NULL;
    if (n > 0)
        memcpy(grown, array, n * each);
    *cap = more;
    return grown;
}

int db_rows(struct db_stmt *q, struct arena *a, size_t max, size_t each, row_reader *read, void *ret_rows,
            size_t *ret_n, struct err *e)
{
    char *rows = NULL;
    size_t n = 0, cap = 0;
    int rc = 0;
    while (n < max && (rc = db_step(q, e)) == 1) {
        char *grown = arena_grow(a, rows, n, &cap, max, each);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, "the answer is larger than its memory limit") : 0;
        if (rc == 0)
            rc = read(q, a, grown + n * each, e);
        if (rc != 0)
            break;
        rows = grown;
        n++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    memcpy(ret_rows, &rows, sizeof rows);
    *ret_n = n;
    return 0;
}

void col_chars(struct db_stmt *q, char *out, size_t size)
{
    struct str v = col_text(q);
    size_t n = v.n < size ? v.n : size - 1;
    if (n > 0)
        memcpy(out, v.p, n);
    out[n] = '\0';
}

static int copy(struct str v, struct arena *a, struct str *ret, struct err *e)
{
    if (v.p == NULL) {
        *ret = v;
        return 0;
    }
    char *p = arena_strndup(a, v.p, v.n);
    if (p == NULL)
        return err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
    *ret = (struct str){p, v.n};
    return 0;
}

int col_copy(struct db_stmt *q, struct arena *a, struct str *ret, struct err *e)
{
    return copy(col_text(q), a, ret, e);
}

int col_copy_blob(struct db_stmt *q, struct arena *a, struct str *ret, struct err *e)
{
    return copy(col_blob(q), a, ret, e);
}
