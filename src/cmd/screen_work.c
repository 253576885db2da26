/* SPDX-License-Identifier: Apache-2.0
 * screen_work.c - the verdict of each row for itself, shares of a batch on all processors.
 *
 * A row's verdict depends on nothing but the row: which other row has the same number is asked later, in order. A worker takes a stretch
 * of the batch and keeps to its own room. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/screen_job.h"
#include "core/phone_place.h"

#define SHORT_CELLS 128 /* number, country and type fit */
#define ALONE       256 /* rows: fewer are not worth waking anybody */

/* Room for what of a row has to be rewritten to be read. */
static char *room_for(struct screen_room *room, size_t n)
{
    buf_clear(&room->bytes);
    if (!buf_reserve(&room->bytes, 2 * n + BUF_PADDING))
        abort();
    return room->bytes.data;
}

static struct str own_value(const struct screen_known *k, int column)
{
    if (column == SCREEN_ACTIVITY)
        return str_of(k->class != NULL ? k->class : "");
    return str_of(column == SCREEN_SCORE ? k->score : k->last_seen);
}

enum verdict screen_filter(const struct screen_job *j, size_t row, struct screen_room *room)
{
    const struct table_row *r = &j->batch.row[row];
    struct str value[NUMBER_FILTER_COLUMNS_MAX];
    size_t n = number_filter_columns(j->filter);
    char *at = n > 0 ? room_for(room, r->n) : NULL;
    for (size_t i = 0; i < n; i++) {
        int c = j->asks[i].column;
        value[i] = (struct str){"", 0};
        if (c >= 0 && (uint32_t)c < r->cells) {
            const struct table_cell *cell = &j->batch.cell[r->cell + (uint32_t)c];
            value[i] = table_cell_text(cell, at);
            at += cell->n;
        } else if (c < 0) {
            value[i] = own_value(&j->known[row], j->asks[i].own);
        }
    }
    return verdict_of_filter(number_filter_check(j->filter, &j->work[row].s.number, value));
}

/* The region of a row; most rows have the country of the row before. */
static int region_of(const struct screen_job *j, const struct table_row *row, const struct table_cell *cells,
                     struct screen_room *room)
{
    int c = j->columns.at[COLUMN_COUNTRY];
    uint64_t text = 0;
    if (c < 0 || j->columns.at[COLUMN_CALLING_CODE] >= 0 || (uint32_t)c >= row->cells ||
        cells[row->cell + (uint32_t)c].n > sizeof text)
        return columns_region(&j->columns, j->data, row, cells, j->default_region);
    const struct table_cell *cell = &cells[row->cell + (uint32_t)c];
    for (uint32_t i = 0; i < cell->n; i++)
        text = text << 8 | (unsigned char)cell->p[i];
    if (room->country.n != cell->n || room->country.n == 0 || room->country.text != text) {
        room->country.region = columns_region(&j->columns, j->data, row, cells, j->default_region);
        room->country.n = cell->n;
        room->country.text = text;
    }
    return room->country.region;
}

static const struct screen_word *word_of(const struct screen_job *j, struct screen_room *room, const char *text)
{
    struct screen_word *w = &room->words[((uintptr_t)text * 0x9e3779b97f4a7c15u) >> 54];
    struct buf cell;
    if (w->text == text)
        return w;
    *w = (struct screen_word){.text = text, .n = (uint32_t)strlen(text)};
    buf_init(&cell, 2 * w->n + 8);
    table_put_cell(&cell, str_of(text), j->out_delimiter);
    w->bare = cell.len == w->n;
    buf_done(&cell);
    return w;
}

static char *add_text(char *to, const char *text, size_t n)
{
    memcpy(to, text, n);
    return to + n;
}

static char *add_e164(char *to, const struct phone_number *n)
{
    char text[PHONE_E164_MAX];
    size_t at = sizeof text;
    if (n->e164 == 0)
        return to + snprintf(to, PHONE_E164_MAX, "+%u%s", n->code, n->nsn);
    for (uint64_t rest = n->e164; rest > 0; rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    text[--at] = '+';
    return add_text(to, text + at, sizeof text - at);
}

/* The cells from e164 to zone. */
static void put_own(const struct screen_job *j, struct screen_work *w, struct screen_room *room)
{
    const struct phone_number *n = &w->s.number;
    const char *type = phone_type_word((enum phone_type)n->type), *region = phone_region_id(j->data, n->region);
    char d = j->out_delimiter;
    struct buf *out = &room->own;
    w->network = phone_network(j->data, n, NULL);
    const struct screen_word *network = word_of(j, room, w->network);
    if (!buf_reserve(out, SHORT_CELLS))
        return;
    char *to = add_e164(out->data + out->len, n);
    *to++ = d;
    to = add_text(to, region, n->region != 0 ? strlen(region) : 0);
    *to++ = d;
    to = add_text(to, type, strlen(type));
    *to++ = d;
    out->len = (size_t)(to - out->data);
    if (network->bare)
        buf_put(out, network->text, network->n);
    else
        table_put_cell(out, str_of(w->network), d);
    buf_putc(out, d);
    const struct screen_word *zones = word_of(j, room, phone_zones(j->data, n));
    buf_put(out, zones->text, zones->n);
}

static void put_none(const struct screen_job *j, struct buf *out)
{
    for (int c = SCREEN_E164; c < SCREEN_ZONE; c++)
        buf_putc(out, j->out_delimiter);
}

static void one_row(const struct screen_job *j, size_t i, struct screen_room *room)
{
    const struct table_row *row = &j->batch.row[i];
    const struct table_cell *cells = j->batch.cell;
    struct screen_work *w = &j->work[i];
    int column;
    if (row->problem != TABLE_RIGHT) {
        w->s = (struct phone_cell){.number = {.status = PHONE_NOT_A_NUMBER, .type = PHONE_UNKNOWN_TYPE},
                                   .verdict = (uint8_t)verdict_of_problem(row->problem)};
        return;
    }
    int region = region_of(j, row, cells, room);
    struct str text = columns_phone(&j->columns, row, cells, room_for(room, row->n), &column);
    screen_number(&j->screen, text, region, &w->s);
    if (w->s.verdict == VERDICT_OK) {
        if (j->filter != NULL && j->activity == NULL)
            w->s.verdict = (uint8_t)screen_filter(j, i, room);
    } else if (row->cells != j->header && columns_ragged(&j->columns, j->data, row, cells, j->default_region, NULL)) {
        w->s.verdict = VERDICT_RAGGED;
    }
}

static void share_of_work(void *ctx, unsigned share, unsigned shares)
{
    struct screen_job *j = ctx;
    struct screen_room *room = &j->room[share];
    size_t rows = j->batch.rows, from = rows * share / shares, end = rows * (share + 1) / shares;
    buf_clear(&room->own);
    for (size_t i = from; i < end; i++) {
        struct screen_work *w = &j->work[i];
        one_row(j, i, room);
        w->share = (uint8_t)share;
        w->at = (uint32_t)room->own.len;
        w->network = NULL;
        if (verdict_class((enum verdict)w->s.verdict) != VERDICT_WRONG || w->s.verdict == VERDICT_TEST_NUMBER)
            put_own(j, w, room);
        else
            put_none(j, &room->own);
        w->n = (uint32_t)(room->own.len - w->at);
    }
    if (room->own.failed)
        abort();
}

void screen_work(struct screen_job *j)
{
    if (j->batch.rows < ALONE)
        share_of_work(j, 0, 1);
    else
        pool_run(j->pool, share_of_work, j);
}
