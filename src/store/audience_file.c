/* SPDX-License-Identifier: Apache-2.0
 * audience_file.c - the audience written into a new SQLite file, table by table.
 *
 * An audience knows who has a value, a row wants to know what somebody has: so each column of words is turned round first, four bytes a
 * person and column. Rows are written in one transaction without a journal, into a file that is thrown away when anything fails.
 * This is no part of the store: it has a schema of its own and no migrations, for it is made anew each time. */
#include "store/audience_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/segment_value.h"

#define NAMES_MAX 4096 /* of attributes, as many as an audience can have */

static const char schema[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN;"
    "CREATE TABLE audience (id INTEGER PRIMARY KEY, created INTEGER, country TEXT, line TEXT, network TEXT, language "
    "TEXT, "
    "zone TEXT, name TEXT, activity TEXT, consent_marketing TEXT, consent_utility TEXT, consent_authentication TEXT, "
    "consent_calls TEXT, platform_stop INTEGER NOT NULL, undeliverable INTEGER NOT NULL, named INTEGER NOT NULL, "
    "score INTEGER NOT NULL, last_sent INTEGER, last_delivered INTEGER, last_read INTEGER, last_replied INTEGER, "
    "last_clicked INTEGER);"
    "CREATE TABLE audience_tag (id INTEGER NOT NULL, tag TEXT NOT NULL);"
    "CREATE TABLE audience_import (id INTEGER NOT NULL, import TEXT NOT NULL);"
    "CREATE TABLE audience_list (id INTEGER NOT NULL, name TEXT NOT NULL);"
    "CREATE TABLE audience_campaign (id INTEGER NOT NULL, mark TEXT NOT NULL);"
    "CREATE TABLE audience_attribute (id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, number INTEGER, "
    "time INTEGER);";

static const char indexes[] = "CREATE INDEX audience_tag_id ON audience_tag (id, tag);"
                              "CREATE INDEX audience_import_id ON audience_import (id, import);"
                              "CREATE INDEX audience_list_id ON audience_list (id, name);"
                              "CREATE INDEX audience_campaign_id ON audience_campaign (id, mark);"
                              "CREATE INDEX audience_attribute_id ON audience_attribute (id, name);"
                              "COMMIT;";

struct audience_file {
    sqlite3 *db;
};

static int failed(struct audience_file *f, const char *what, struct err *e)
{
    return err_set(e, WL_EIO, "SQLite cannot %s: %s", what, f->db != NULL ? sqlite3_errmsg(f->db) : "out of memory");
}

static int open_file(struct audience_file **ret, const char *path, int flags, struct err *e)
{
    struct audience_file *f = calloc(1, sizeof *f);
    if (f == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    if (sqlite3_open_v2(path, &f->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        int rc = failed(f, "open the file", e);
        audience_file_free(f);
        return rc;
    }
    *ret = f;
    return 0;
}

int audience_file_open(struct audience_file **ret, const char *path, struct err *e)
{
    return open_file(ret, path, SQLITE_OPEN_READONLY, e);
}

void audience_file_free(struct audience_file *f)
{
    if (f == NULL)
        return;
    sqlite3_close(f->db);
    free(f);
}

int audience_file_ids(struct audience_file *f, const char *sql, int (*each)(void *ctx, int64_t id, struct err *e),
                      void *ctx, struct err *e)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(f->db, sql, -1, &q, NULL) != SQLITE_OK)
        return failed(f, "read the SELECT", e);
    int step = SQLITE_DONE, rc = 0;
    while (rc == 0 && (step = sqlite3_step(q)) == SQLITE_ROW)
        rc = each(ctx, sqlite3_column_int64(q, 0), e);
    if (rc == 0 && step != SQLITE_DONE)
        rc = failed(f, "answer", e);
    sqlite3_finalize(q);
    return rc;
}

/* --- everybody's row -------------------------------------------------------------------------------------------------- */

/* A column of words, turned round: 1 + the place in `value` of what somebody has; 0 nothing. */
struct column {
    uint32_t *at;
    struct buf value; /* struct str */
};

static int put_holders(void *ctx, struct str value, const uint32_t *ordinal, size_t n, struct err *e)
{
    struct column *c = ctx;
    const struct str *known = (const struct str *)(const void *)c->value.data;
    size_t count = c->value.len / sizeof value;
    if ((count == 0 || known[count - 1].p != value.p) && !buf_put(&c->value, &value, sizeof value))
        return err_set(e, WL_ENOMEM, "out of memory for a column");
    count = c->value.len / sizeof value;
    for (size_t i = 0; i < n; i++)
        c->at[ordinal[i]] = (uint32_t)count;
    return 0;
}

/* In the order of the table; flags last. */
static const char *const words[] = {"country",
                                    "line",
                                    "network",
                                    "language",
                                    "zone",
                                    "name",
                                    "activity",
                                    "consent.marketing",
                                    "consent.utility",
                                    "consent.authentication",
                                    "consent.calls",
                                    "platform_stop",
                                    "undeliverable",
                                    "named"};
#define WORDS (sizeof words / sizeof *words)
#define FLAGS 3

static int bind_row(sqlite3_stmt *q, const struct audience *a, const struct column *column, uint32_t ordinal)
{
    int i = 1;
    uint32_t created = audience_number(a, ordinal, AUDIENCE_CREATED);
    sqlite3_bind_int64(q, i++, audience_contact(a, ordinal));
    if (created != 0)
        sqlite3_bind_int64(q, i, created);
    i++;
    for (size_t k = 0; k < WORDS; k++, i++) {
        uint32_t at = column[k].at[ordinal];
        const struct str *value = (const struct str *)(const void *)column[k].value.data;
        if (k >= WORDS - FLAGS)
            sqlite3_bind_int(q, i, at != 0);
        else if (at != 0)
            sqlite3_bind_text(q, i, value[at - 1].p, (int)value[at - 1].n, SQLITE_STATIC);
    }
    sqlite3_bind_int64(q, i++, audience_number(a, ordinal, AUDIENCE_SCORE));
    for (enum audience_number w = AUDIENCE_LAST_SENT; w <= AUDIENCE_LAST_CLICKED; w++, i++)
        if (audience_number(a, ordinal, w) != 0)
            sqlite3_bind_int64(q, i, audience_number(a, ordinal, w));
    int rc = sqlite3_step(q);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc;
}

static int write_people(struct audience_file *f, const struct audience *a, struct err *e)
{
    struct column column[WORDS] = {0};
    size_t n = audience_people(a);
    sqlite3_stmt *q = NULL;
    int rc = 0;
    for (size_t k = 0; k < WORDS; k++) {
        buf_init(&column[k].value, (size_t)UINT32_MAX * sizeof(struct str));
        column[k].at = calloc(n + 1, sizeof *column[k].at);
        if (rc == 0 && column[k].at == NULL)
            rc = err_set(e, WL_ENOMEM, "out of memory for a column");
        if (rc == 0)
            rc = audience_each(a, str_of(words[k]), put_holders, &column[k], e);
    }
    if (rc == 0 &&
        sqlite3_prepare_v2(f->db, "INSERT INTO audience VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1, &q,
                           NULL) != SQLITE_OK)
        rc = failed(f, "write people", e);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        if (bind_row(q, a, column, i) != SQLITE_DONE)
            rc = failed(f, "write a row", e);
    sqlite3_finalize(q);
    for (size_t k = 0; k < WORDS; k++) {
        free(column[k].at);
        buf_done(&column[k].value);
    }
    return rc;
}

/* --- what they may have several of ------------------------------------------------------------------------------------- */

struct rows {
    struct audience_file *f;
    const struct audience *a;
    sqlite3_stmt *q;
    struct str attribute; /* name; p NULL: the table has no values */
};

static void bind_value(struct rows *r, struct str value)
{
    struct segment_time t;
    int64_t number;
    sqlite3_clear_bindings(r->q);
    sqlite3_bind_text(r->q, 2, value.p, (int)value.n, SQLITE_STATIC);
    if (r->attribute.p == NULL)
        return;
    sqlite3_bind_text(r->q, 3, r->attribute.p, (int)r->attribute.n, SQLITE_STATIC);
    if (segment_number(value, &number))
        sqlite3_bind_int64(r->q, 4, number);
    if (segment_day_or_second(value, &t))
        sqlite3_bind_int64(r->q, 5, t.from);
}

static int write_holders(void *ctx, struct str value, const uint32_t *ordinal, size_t n, struct err *e)
{
    struct rows *r = ctx;
    bind_value(r, value);
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_int64(r->q, 1, audience_contact(r->a, ordinal[i]));
        if (sqlite3_step(r->q) != SQLITE_DONE)
            return failed(r->f, "write a row", e);
        sqlite3_reset(r->q);
    }
    return 0;
}

static int write_table(struct rows *r, const char *field, const char *insert, struct err *e)
{
    if (sqlite3_prepare_v2(r->f->db, insert, -1, &r->q, NULL) != SQLITE_OK)
        return failed(r->f, "write", e);
    int rc = audience_each(r->a, str_of(field), write_holders, r, e);
    sqlite3_finalize(r->q);
    return rc;
}

static int write_attributes(struct rows *r, struct err *e)
{
    struct arena *arena = arena_create((size_t)64 << 20);
    struct audience_value *names = NULL;
    size_t n = 0;
    int rc = arena != NULL ? audience_values(r->a, STR("attribute"), NAMES_MAX, arena, &names, &n, e)
                           : err_set(e, WL_ENOMEM, "out of memory");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *field = arena_printf(arena, "attribute.%.*s", (int)names[i].value.n, names[i].value.p);
        r->attribute = names[i].value;
        rc = field != NULL
                 ? write_table(r, field,
                               "INSERT INTO audience_attribute (id, value, name, number, time) VALUES (?, ?, ?, ?, ?)",
                               e)
                 : err_set(e, WL_ENOMEM, "out of memory");
    }
    arena_free(arena);
    return rc;
}

static int write_all(struct audience_file *f, const struct audience *a, struct err *e)
{
    static const struct {
        const char *field, *insert;
    } tables[] = {{"tag", "INSERT INTO audience_tag VALUES (?, ?)"},
                  {"import", "INSERT INTO audience_import VALUES (?, ?)"},
                  {"list", "INSERT INTO audience_list VALUES (?, ?)"},
                  {"campaign", "INSERT INTO audience_campaign VALUES (?, ?)"}};
    struct rows rows = {.f = f, .a = a};
    int rc = sqlite3_exec(f->db, schema, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(f, "begin the file", e);
    if (rc == 0)
        rc = write_people(f, a, e);
    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof *tables; i++)
        rc = write_table(&rows, tables[i].field, tables[i].insert, e);
    if (rc == 0)
        rc = write_attributes(&rows, e);
    if (rc == 0 && sqlite3_exec(f->db, indexes, NULL, NULL, NULL) != SQLITE_OK)
        rc = failed(f, "finish the file", e);
    return rc;
}

int audience_file_write(const char *path, const struct audience *a, struct err *e)
{
    struct audience_file *f = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? err_set(e, WL_ECONFLICT, "there is such a file already")
                               : err_set(e, WL_EIO, "the file cannot be made: %s", strerror(errno));
    close(fd);
    int rc = open_file(&f, path, SQLITE_OPEN_READWRITE, e);
    if (rc == 0)
        rc = write_all(f, a, e);
    audience_file_free(f);
    if (rc != 0)
        unlink(path);
    return rc;
}
