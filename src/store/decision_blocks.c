/* SPDX-License-Identifier: Apache-2.0
 * decision_blocks.c - packing old rows of the log into blocks, and reading the log as one sequence of blocks.
 *
 * Rows that are not packed yet are shown as a block made in memory, so that a reader of the log knows one form only.
 * Columns are compressed with zstd at level 3: above that, time rises and size hardly falls. What is read of the
 * file is bounded; a damaged block is named by its ids, and the decisions after it can still be read. */
#include "store/decision_blocks.h"

#include <stdlib.h>
#include <zstd.h>

#include "store/db.h"
#include "store/decisions.h"

#define ZSTD_LEVEL  3
#define READ_MEMORY (512u << 20)

STATEMENT(decision_rows,
          "SELECT d.id, d.ts, d.ruleset, d.verdict, d.until_at, d.facts, d.findings, m.contact, m.sender, m.campaign "
          "FROM decision d LEFT JOIN msg m ON m.bucket = d.bucket AND m.id = d.id "
          "WHERE d.bucket = $1 AND d.id > $2 AND d.id < $3 ORDER BY d.id LIMIT $4");
STATEMENT(decision_delete, "DELETE FROM decision WHERE bucket = $1 AND id >= $2 AND id <= $3");
STATEMENT(block_insert, "INSERT INTO decision_block (bucket, last_id, first_id, n, bytes) VALUES ($1, $2, $3, $4, $5)");
STATEMENT(block_find, "SELECT last_id, first_id FROM decision_block WHERE bucket = $1 AND last_id >= $2 "
                      "ORDER BY last_id LIMIT 1");
STATEMENT(block_bytes, "SELECT bytes FROM decision_block WHERE bucket = $1 AND last_id = $2");

/* ---- zstd ---- */

static size_t squeeze(void *ctx, void *out, size_t room, const void *p, size_t n)
{
    size_t stored = ZSTD_compressCCtx(ctx, out, room, p, n, ZSTD_LEVEL);
    return ZSTD_isError(stored) ? 0 : stored;
}

static size_t expand(void *ctx, void *out, size_t n, const void *p, size_t stored)
{
    size_t got = ZSTD_decompressDCtx(ctx, out, n, p, stored);
    return ZSTD_isError(got) ? SIZE_MAX : got;
}

/* ---- the block a handle read last ---- */

struct block_cache {
    struct arena *a;
    ZSTD_DCtx *zstd;
    struct block_codec codec;
    struct decision_block block;
    int bucket;
    int64_t last_id; /* 0: none, or one that was made in memory */
};

void block_cache_free(struct block_cache *c)
{
    if (c == NULL)
        return;
    arena_free(c->a);
    ZSTD_freeDCtx(c->zstd);
    free(c);
}

static int cache_of(struct store *s, struct block_cache **ret, struct err *e)
{
    if (s->decisions == NULL) {
        struct block_cache *c = calloc(1, sizeof *c);
        if (c != NULL) {
            c->a = arena_create(READ_MEMORY);
            c->zstd = ZSTD_createDCtx();
            c->codec = (struct block_codec){.expand = expand, .ctx = c->zstd};
        }
        if (c == NULL || c->a == NULL || c->zstd == NULL) {
            block_cache_free(c);
            return err_set(e, WL_ENOMEM, "out of memory");
        }
        s->decisions = c;
    }
    *ret = s->decisions;
    return 0;
}

/* ---- rows ---- */

static int row_read(struct db_stmt *q, struct arena *a, struct logged_decision *d, struct err *e)
{
    d->id = col_i64(q);
    d->ts = col_i64(q);
    d->ruleset = col_i64(q);
    d->verdict = col_i64(q);
    d->until = col_i64(q);
    int rc = col_copy_blob(q, a, &d->facts, e);
    if (rc == 0)
        rc = col_copy_blob(q, a, &d->findings, e);
    d->contact = col_i64(q);
    d->sender = col_i64(q);
    d->campaign = col_i64(q);
    return rc;
}

static int rows_read(struct store *s, int bucket, int64_t after, int64_t before, struct arena *a,
                     struct logged_decision *rows, size_t max, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &decision_rows, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, after);
    db_i64(q, before);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        rc = row_read(q, a, &rows[n], e);
        if (rc != 0)
            break;
        n++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_n = n;
    return 0;
}

static int no_room(struct err *e)
{
    return err_set(e, WL_ENOMEM, "a block of decisions does not fit its memory");
}

static int pack_rows(const struct logged_decision *rows, size_t n, struct arena *a, struct str *ret, struct err *e)
{
    struct block_codec codec = {.squeeze = squeeze, .ctx = ZSTD_createCCtx()};
    struct buf out;
    buf_init(&out, DECISION_BLOCK_BYTES);
    int rc = codec.ctx == NULL ? no_room(e) : decision_block_write(&out, rows, n, &codec, a, e);
    ZSTD_freeCCtx(codec.ctx);
    char *bytes = rc == 0 ? arena_memdup(a, out.data, out.len) : NULL;
    if (rc == 0 && bytes == NULL)
        rc = no_room(e);
    if (rc == 0)
        *ret = (struct str){bytes, out.len};
    buf_done(&out);
    return rc;
}

int decisions_pack(struct store *s, int bucket, int64_t before, size_t n, struct arena *a, struct packed_decisions *ret,
                   struct err *e)
{
    struct packed_decisions p = {.bucket = bucket};
    size_t got = 0;
    if (n == 0 || n > DECISION_BLOCK_MAX)
        return err_set(e, WL_EBUG, "%zu decisions make no block", n);
    struct logged_decision *rows = arena_new_array(a, struct logged_decision, n);
    if (rows == NULL)
        return no_room(e);
    int rc = rows_read(s, bucket, INT64_MIN, before, a, rows, n, &got, e);
    if (rc == 0 && got == n)
        rc = pack_rows(rows, n, a, &p.bytes, e);
    if (rc != 0)
        return rc;
    if (got == n) {
        p.n = n;
        p.first_id = rows[0].id;
        p.last_id = rows[n - 1].id;
    }
    *ret = p;
    return 0;
}

static int insert_block(struct store *s, const struct packed_decisions *p, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &block_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, p->bucket);
    db_i64(q, p->last_id);
    db_i64(q, p->first_id);
    db_i64(q, (int64_t)p->n);
    db_blob(q, p->bytes.p, p->bytes.n);
    return db_exec(q, NULL, e);
}

static int delete_rows(struct store *s, const struct packed_decisions *p, struct err *e)
{
    struct db_stmt *q;
    int64_t gone = 0;
    int rc = db_prepare(s, &decision_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, p->bucket);
    db_i64(q, p->first_id);
    db_i64(q, p->last_id);
    rc = db_exec(q, &gone, e);
    if (rc == 0 && gone != (int64_t)p->n)
        rc = err_set(e, WL_ECONFLICT, "%zu decisions were packed, %lld rows stood there", p->n, (long long)gone);
    return rc;
}

int decisions_compact(struct store *s, const struct packed_decisions *p, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0)
        rc = insert_block(s, p, e);
    if (rc == 0)
        rc = delete_rows(s, p, e);
    return write_end(s, rc);
}

/* ---- reading ---- */

/* The first block that ends at or after the id; ret_last 0 when there is none. */
static int block_place(struct store *s, int bucket, int64_t id, int64_t *ret_last, int64_t *ret_first, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &block_find, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret_last = rc == 1 ? col_i64(q) : 0;
    *ret_first = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

/* Opens what lies in c->a, and reads its ids, which every use needs. */
static int block_open(struct block_cache *c, struct str bytes, const struct block_codec *codec, struct err *e)
{
    struct int_column ids;
    int rc = decision_block_open(&c->block, bytes, codec, c->a, e);
    if (rc == 0)
        rc = decision_block_numbers(&c->block, BLOCK_ID_MS, &ids, e);
    if (rc == 0)
        rc = decision_block_numbers(&c->block, BLOCK_ID_COUNT, &ids, e);
    return rc;
}

static int block_load(struct store *s, struct block_cache *c, int bucket, int64_t last, int64_t first, struct err *e)
{
    struct db_stmt *q;
    struct str bytes = {NULL, 0};
    if (c->last_id == last && c->bucket == bucket && last != 0)
        return 0;
    c->last_id = 0;
    arena_reset(c->a);
    int rc = db_prepare(s, &block_bytes, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, last);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    rc = rc == 1 ? col_copy_blob(q, c->a, &bytes, e) : err_set(e, WL_ENOTFOUND, "a block of decisions is gone");
    db_reset(q);
    if (rc == 0)
        rc = block_open(c, bytes, &c->codec, e);
    if (rc == 0 && (decision_block_id(&c->block, 0) != first || decision_block_id(&c->block, c->block.n - 1) != last))
        rc = err_set(e, WL_EINVAL, "this block of decisions is damaged: its ids are not those it is kept under");
    if (rc != 0)
        return err_prefix(e, "decisions %lld to %lld", (long long)first, (long long)last), rc;
    c->bucket = bucket;
    c->last_id = last;
    return 0;
}

/* Number of decisions of the block with ids up to `id`; ids rise. */
static size_t block_upto(const struct decision_block *b, int64_t id)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (decision_block_id(b, middle) <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int block_decision_get(struct store *s, int bucket, int64_t id, struct arena *a, struct decision_row *ret,
                       struct err *e)
{
    struct block_cache *c = NULL;
    struct logged_decision d;
    int64_t last = 0, first = 0;
    int rc = cache_of(s, &c, e);
    if (rc == 0)
        rc = block_place(s, bucket, id, &last, &first, e);
    if (rc != 0)
        return rc;
    if (last == 0 || first > id)
        return err_set(e, WL_ENOTFOUND, "there is no decision about this message");
    rc = block_load(s, c, bucket, last, first, e);
    if (rc != 0)
        return rc;
    size_t at = block_upto(&c->block, id);
    if (at == 0 || decision_block_id(&c->block, at - 1) != id)
        return err_set(e, WL_ENOTFOUND, "there is no decision about this message");
    rc = decision_block_row(&c->block, at - 1, a, &d, e);
    if (rc == 0)
        *ret = (struct decision_row){.bucket = bucket,
                                     .id = d.id,
                                     .ts = d.ts,
                                     .ruleset = d.ruleset,
                                     .verdict = (int)d.verdict,
                                     .until = d.until,
                                     .facts = d.facts,
                                     .findings = d.findings};
    return rc;
}

/* Rows as a block that is nowhere kept. */
static int block_of_rows(struct block_cache *c, const struct logged_decision *rows, size_t n, struct err *e)
{
    struct buf out;
    buf_init(&out, DECISION_BLOCK_BYTES);
    int rc = decision_block_write(&out, rows, n, NULL, c->a, e);
    char *bytes = rc == 0 ? arena_memdup(c->a, out.data, out.len) : NULL;
    if (rc == 0 && bytes == NULL)
        rc = no_room(e);
    if (rc == 0)
        rc = block_open(c, (struct str){bytes, out.len}, NULL, e);
    buf_done(&out);
    return rc;
}

/* The rows are read before the block is looked for: whatever is packed in between is found in the block, which then
 * begins no later than those rows. */
int decisions_page(struct store *s, int bucket, int64_t after, struct decision_block **ret, size_t *ret_from,
                   int64_t *ret_skip, struct err *e)
{
    struct block_cache *c = NULL;
    struct logged_decision *rows = NULL;
    int64_t last = 0, first = 0;
    size_t n = 0, from = 0;
    if (after == INT64_MAX)
        return err_set(e, WL_ENOTFOUND, "no decision comes after this one");
    int rc = cache_of(s, &c, e);
    if (rc == 0)
        rc = block_place(s, bucket, after + 1, &last, &first, e);
    if (rc == 0 && last == 0) { /* usually there is one, and the rows come after it */
        c->last_id = 0;
        arena_reset(c->a);
        rows = arena_new_array(c->a, struct logged_decision, DECISION_BLOCK_ROWS);
        rc = rows == NULL ? no_room(e) : rows_read(s, bucket, after, INT64_MAX, c->a, rows, DECISION_BLOCK_ROWS, &n, e);
        if (rc == 0)
            rc = block_place(s, bucket, after + 1, &last, &first, e);
    }
    if (rc != 0)
        return rc;
    if (last == 0 && n == 0)
        return err_set(e, WL_ENOTFOUND, "no decision comes after this one");
    if (last != 0) {
        rc = block_load(s, c, bucket, last, first, e);
        if (rc == WL_EINVAL && ret_skip != NULL)
            *ret_skip = last;
        from = rc == 0 ? block_upto(&c->block, after) : 0;
    } else {
        rc = block_of_rows(c, rows, n, e);
    }
    if (rc != 0)
        return rc;
    *ret = &c->block;
    *ret_from = from;
    return 0;
}
