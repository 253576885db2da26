/* SPDX-License-Identifier: Apache-2.0
 * decision_block.c - writing and opening blocks of decisions: header, directory, columns, checksum.
 *
 * "WLD", a version, how many decisions, how many columns; for each column its number, its length and its length as it
 * is stored (the same when it would not shrink); then the columns, then eight bytes of hash over all of it. Columns
 * are read when they are first asked for, and by then the checksum has been seen to fit; their own limits are checked
 * all the same, because a checksum proves no honesty. How rows become columns is decision_columns.c's. */
#include "core/decision_block.h"

#include <string.h>

#include "base/digest.h"
#include "core/decision_columns.h"
#include "core/varint.h"

#define BLOCK_VERSION 1
#define CHECKSUM      8
#define COLUMN_MAX    (32u << 20) /* no column of DECISION_BLOCK_MAX rows is near that, texts of findings included */

static const char block_magic[4] = {'W', 'L', 'D', BLOCK_VERSION};

static void number_put(struct buf *out, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    buf_put(out, bytes, varint_put(bytes, v));
}

static void checksum_put(struct buf *out, size_t from)
{
    uint64_t sum = hash64(out->data + from, out->len - from);
    for (int i = 0; i < CHECKSUM; i++)
        buf_putc(out, (char)(sum >> (8 * i) & 255));
}

static uint64_t checksum_get(const uint8_t *p)
{
    uint64_t sum = 0;
    for (int i = 0; i < CHECKSUM; i++)
        sum |= (uint64_t)p[i] << (8 * i);
    return sum;
}

/* The column as it is stored: squeezed where that is less. */
static int column_store(struct buf *body, struct str raw, const struct block_codec *codec, size_t *ret_stored)
{
    size_t n = 0;
    if (!buf_reserve(body, raw.n + 64))
        return WL_ENOMEM;
    if (codec != NULL)
        n = codec->squeeze(codec->ctx, body->data + body->len, raw.n, raw.p, raw.n);
    if (n != 0 && n < raw.n)
        body->len += n;
    else if (buf_putstr(body, raw))
        n = raw.n;
    *ret_stored = n;
    return body->failed ? WL_ENOMEM : 0;
}

int decision_block_write(struct buf *out, const struct logged_decision *rows, size_t n, const struct block_codec *codec,
                         struct arena *a, struct err *e)
{
    struct columns c;
    struct buf body;
    size_t from = out->len, stored = 0;
    if (n == 0 || n > DECISION_BLOCK_MAX)
        return err_set(e, WL_EINVAL, "a block holds 1 to %d decisions, not %zu", DECISION_BLOCK_MAX, n);
    int rc = columns_write(&c, rows, n, a);
    buf_init(&body, DECISION_BLOCK_BYTES);
    buf_put(out, block_magic, sizeof block_magic);
    number_put(out, n);
    number_put(out, c.n);
    for (size_t i = 0; rc == 0 && i < c.n; i++) {
        rc = column_store(&body, c.column[i].bytes, codec, &stored);
        number_put(out, c.column[i].number);
        number_put(out, c.column[i].bytes.n);
        number_put(out, stored);
    }
    buf_putstr(out, buf_str(&body));
    buf_done(&body);
    if (rc == 0 && !out->failed)
        checksum_put(out, from);
    if (rc != 0 || out->failed)
        return err_set(e, rc != 0 ? rc : WL_ENOMEM, "a block of %zu decisions does not fit its memory", n);
    return 0;
}

/* ---- opening ---- */

static int damaged(struct err *e, const char *what)
{
    return err_set(e, WL_EINVAL, "this block of decisions is damaged: %s", what);
}

/* The directory: which columns there are; *at ends where the first begins. */
static int directory_read(struct decision_block *b, const uint8_t **at, const uint8_t *end, uint64_t n_columns,
                          struct err *e)
{
    uint64_t number, raw, stored, all = 0, before = 0;
    uint64_t start[BLOCK_COLUMNS];
    for (uint64_t i = 0; i < n_columns; i++) {
        if (!varint_get(at, end, &number) || !varint_get(at, end, &raw) || !varint_get(at, end, &stored))
            return damaged(e, "its directory ends early");
        if (number >= BLOCK_COLUMNS || (i > 0 && number <= before))
            return damaged(e, "its columns are out of order");
        if (raw > COLUMN_MAX || stored > raw)
            return damaged(e, "a column is longer than any can be");
        b->at[number].present = true;
        b->at[number].raw = raw;
        b->at[number].stored.n = stored;
        start[number] = all;
        all += stored;
        before = number;
    }
    if ((uint64_t)(end - *at) != all)
        return damaged(e, "its length is not that of its columns");
    for (size_t i = 0; i < BLOCK_COLUMNS; i++)
        if (b->at[i].present)
            b->at[i].stored.p = (const char *)*at + start[i];
    return 0;
}

int decision_block_open(struct decision_block *ret, struct str bytes, const struct block_codec *codec, struct arena *a,
                        struct err *e)
{
    const uint8_t *at = (const uint8_t *)bytes.p, *end = at + bytes.n;
    uint64_t n, n_columns;
    if (bytes.n < sizeof block_magic + CHECKSUM || memcmp(at, block_magic, 3) != 0)
        return damaged(e, "it does not begin as one");
    if (at[3] != BLOCK_VERSION)
        return err_set(e, WL_EINVAL, "this block of decisions has format %d, this program knows %d", at[3],
                       BLOCK_VERSION);
    end -= CHECKSUM;
    if (checksum_get(end) != hash64(bytes.p, bytes.n - CHECKSUM))
        return damaged(e, "its checksum does not fit");
    at += sizeof block_magic;
    if (!varint_get(&at, end, &n) || n == 0 || n > DECISION_BLOCK_MAX)
        return damaged(e, "its number of decisions is impossible");
    if (!varint_get(&at, end, &n_columns) || n_columns > BLOCK_COLUMNS)
        return damaged(e, "its number of columns is impossible");
    memset(ret, 0, sizeof *ret);
    ret->n = n;
    ret->arena = a;
    ret->codec = codec;
    return directory_read(ret, &at, end, n_columns, e);
}

/* The column's own bytes. */
static int column_bytes(struct decision_block *b, int number, struct str *ret, struct err *e)
{
    struct str stored = b->at[number].stored;
    size_t raw = b->at[number].raw;
    if (stored.n == raw) {
        *ret = stored;
        return 0;
    }
    char *bytes = arena_alloc(b->arena, raw);
    if (bytes == NULL)
        return err_set(e, WL_ENOMEM, "a block of decisions does not fit its memory");
    if (b->codec == NULL || b->codec->expand(b->codec->ctx, bytes, raw, stored.p, stored.n) != raw)
        return damaged(e, "a column cannot be expanded");
    *ret = (struct str){bytes, raw};
    return 0;
}

static int column_failed(int rc, int number, struct err *e)
{
    char what[64] = "column ";
    char digits[4] = {(char)('0' + number / 100), (char)('0' + number / 10 % 10), (char)('0' + number % 10), '\0'};
    if (rc == WL_ENOMEM)
        return err_set(e, rc, "a block of decisions does not fit its memory");
    memcpy(what + 7, digits, sizeof digits);
    memcpy(what + 10, " cannot be read", 16);
    return damaged(e, what);
}

/* Numbers of texts: there are no more texts than decisions, so readers may index by them. */
static bool are_positions(const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] < 0 || (uint64_t)v[i] >= n)
            return false;
    return true;
}

static int numbers_read(struct decision_block *b, int number, struct int_column *ret, struct err *e)
{
    struct str bytes;
    struct int_column ts = {.v = NULL};
    int rc = column_bytes(b, number, &bytes, e);
    if (rc == 0 && number != BLOCK_TS && int_column_needs_base(bytes))
        rc = decision_block_numbers(b, BLOCK_TS, &ts, e);
    if (rc != 0)
        return rc;
    rc = int_column_read(bytes, ts.v, b->n, b->arena, ret);
    if (rc == 0 && number < BLOCK_NUMBERS && ret->known != NULL)
        rc = WL_EINVAL;
    if (rc == 0 && number == BLOCK_FINDINGS && !are_positions(ret->v, b->n))
        rc = WL_EINVAL;
    return rc == 0 ? 0 : column_failed(rc, number, e);
}

/* What a column that is not there says: every number is 0, no fact is known. */
static int numbers_absent(struct decision_block *b, int number, struct int_column *ret, struct err *e)
{
    int64_t *v = arena_new_array(b->arena, int64_t, b->n);
    const bool *known = number >= BLOCK_FACTS ? arena_new_array(b->arena, bool, b->n) : NULL;
    if (v == NULL || (number >= BLOCK_FACTS && known == NULL))
        return column_failed(WL_ENOMEM, number, e);
    *ret = (struct int_column){.v = v, .known = known, .constant = known == NULL};
    return 0;
}

int decision_block_numbers(struct decision_block *b, int number, struct int_column *ret, struct err *e)
{
    int rc = 0;
    struct int_column *column = &b->at[number].column;
    if (!b->at[number].read)
        rc = b->at[number].present ? numbers_read(b, number, column, e) : numbers_absent(b, number, column, e);
    if (rc != 0)
        return rc;
    b->at[number].read = true;
    *ret = *column;
    return 0;
}

int64_t decision_block_id(const struct decision_block *b, size_t i)
{
    return (int64_t)((uint64_t)b->at[BLOCK_ID_MS].column.v[i] << ID_COUNT_BITS |
                     (uint64_t)b->at[BLOCK_ID_COUNT].column.v[i]);
}

/* ---- findings ---- */

/* Everything findings are made from: their texts, and the times with the base they were told from. */
static int findings_prepare(struct decision_block *b, struct err *e)
{
    struct str texts = STR(""), times = STR("");
    struct int_column index, ts, until;
    if (b->text != NULL)
        return 0;
    int rc = decision_block_numbers(b, BLOCK_FINDINGS, &index, e);
    if (rc == 0)
        rc = decision_block_numbers(b, BLOCK_TS, &ts, e);
    if (rc == 0)
        rc = decision_block_numbers(b, BLOCK_UNTIL, &until, e);
    if (rc == 0 && b->at[BLOCK_TEXTS].present)
        rc = column_bytes(b, BLOCK_TEXTS, &texts, e);
    if (rc == 0 && b->at[BLOCK_TIMES].present)
        rc = column_bytes(b, BLOCK_TIMES, &times, e);
    if (rc != 0)
        return rc;
    struct findings_column f;
    rc = findings_read(&f, texts, times, index.v, ts.v, until.v, b->n, b->arena);
    if (rc != 0)
        return column_failed(rc, BLOCK_TEXTS, e);
    b->text = f.text;
    b->n_texts = f.n_texts;
    b->times = f.times;
    b->first_time = f.first_time;
    return 0;
}

int decision_block_findings(struct decision_block *b, size_t i, struct arena *a, struct str *ret, struct err *e)
{
    int rc = findings_prepare(b, e);
    if (rc != 0)
        return rc;
    const struct block_text *t = &b->text[b->at[BLOCK_FINDINGS].column.v[i]];
    rc = finding_text(t, b->times.v + b->first_time[i], a, ret);
    return rc == 0 ? 0 : column_failed(rc, BLOCK_TIMES, e);
}

/* ---- facts ---- */

static int odd_prepare(struct decision_block *b, const int64_t *covers, struct err *e)
{
    struct str bytes = STR("");
    if (b->odd != NULL)
        return 0;
    int rc = b->at[BLOCK_ODD].present ? column_bytes(b, BLOCK_ODD, &bytes, e) : 0;
    if (rc == 0)
        rc = odd_read(bytes, covers, b->n, b->arena, &b->odd);
    return rc == 0 ? 0 : rc == WL_ENOMEM ? column_failed(rc, BLOCK_ODD, e) : damaged(e, "its odd facts cannot be read");
}

static int facts_bytes(struct decision_block *b, size_t i, struct arena *a, struct str *ret, struct err *e)
{
    struct int_column covers, facts[256];
    int rc = decision_block_numbers(b, BLOCK_COVERS, &covers, e);
    if (rc != 0)
        return rc;
    if (covers.v[i] < 0 || covers.v[i] > 255) {
        rc = odd_prepare(b, covers.v, e);
        if (rc == 0)
            *ret = b->odd[i];
        return rc;
    }
    for (int f = 0; rc == 0 && f < 256; f++) {
        facts[f].v = NULL;
        if (b->at[BLOCK_FACTS + f].present)
            rc = decision_block_numbers(b, BLOCK_FACTS + f, &facts[f], e);
    }
    if (rc != 0)
        return rc;
    rc = facts_row(facts, (size_t)covers.v[i], i, a, ret);
    return rc == 0 ? 0 : column_failed(rc, BLOCK_COVERS, e);
}

int decision_block_row(struct decision_block *b, size_t i, struct arena *a, struct logged_decision *ret, struct err *e)
{
    struct logged_decision d;
    int64_t *const plain[BLOCK_NUMBERS] = {[BLOCK_TS] = &d.ts,
                                           [BLOCK_RULESET] = &d.ruleset,
                                           [BLOCK_VERDICT] = &d.verdict,
                                           [BLOCK_UNTIL] = &d.until,
                                           [BLOCK_CONTACT] = &d.contact,
                                           [BLOCK_SENDER] = &d.sender,
                                           [BLOCK_CAMPAIGN] = &d.campaign};
    int rc = 0;
    for (int column = 0; rc == 0 && column < BLOCK_NUMBERS; column++) {
        struct int_column c;
        rc = decision_block_numbers(b, column, &c, e);
        if (rc == 0 && plain[column] != NULL)
            *plain[column] = c.v[i];
    }
    if (rc == 0)
        rc = facts_bytes(b, i, a, &d.facts, e);
    if (rc == 0)
        rc = decision_block_findings(b, i, a, &d.findings, e);
    if (rc != 0)
        return rc;
    d.id = decision_block_id(b, i);
    *ret = d;
    return 0;
}

int block_facts_open(struct block_facts *ret, struct decision_block *b, const bool wanted[FACT_COUNT], struct err *e)
{
    struct int_column c;
    int rc = decision_block_numbers(b, BLOCK_COVERS, &c, e);
    memset(ret, 0, sizeof *ret);
    ret->block = b;
    for (size_t i = 0; rc == 0 && i < b->n && ret->covers == NULL; i++)
        if (c.v[i] < 0 || c.v[i] > 255)
            ret->covers = c.v;
    for (int f = 0; rc == 0 && f < FACT_COUNT; f++) {
        ret->wanted[f] = wanted[f];
        if (!wanted[f] || !b->at[BLOCK_FACTS + f].present)
            continue;
        rc = decision_block_numbers(b, BLOCK_FACTS + f, &c, e);
        if (rc == 0 && c.constant && ret->covers == NULL) {
            fact_set(&ret->facts, (enum fact_id)f, c.v[0]);
        } else if (rc == 0) {
            ret->moving[ret->n].v = c.v;
            ret->moving[ret->n].known = c.known;
            ret->moving[ret->n++].fact = (uint8_t)f;
        }
    }
    return rc;
}

/* Facts that were kept as bytes: unknown in the columns, and unreadable here too unless a newer release wrote them. */
static int odd_at(struct block_facts *r, size_t i, struct err *e)
{
    int rc = odd_prepare(r->block, r->covers, e);
    if (rc != 0)
        return rc;
    return err_set(e, WL_EINVAL, "the facts of a decision (number %zu of its block) are damaged", i);
}

int block_facts_at(struct block_facts *r, size_t i, struct err *e)
{
    struct facts *f = &r->facts;
    if (r->covers != NULL && (r->covers[i] < 0 || r->covers[i] > 255))
        return odd_at(r, i, e);
    for (size_t k = 0; k < r->n; k++) {
        uint8_t fact = r->moving[k].fact;
        f->value[fact] = r->moving[k].v[i];
        f->known[fact] = r->moving[k].known == NULL || r->moving[k].known[i];
    }
    return 0;
}
