/* SPDX-License-Identifier: Apache-2.0
 * screen_work.c - the verdict of each row for itself, shares of a batch on all processors.
 *
 * A row's verdict depends on nothing but the row: which other row has the same number is asked later, in order. A worker takes a stretch
 * of the batch and keeps to its own room. */
#include <stdlib.h>
#include <string.h>

#include "cmd/screen_job.h"
#include "core/phone_place.h"

#define ALONE 256 /* rows: fewer are not worth waking anybody */

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
    if (c < 0 || j->columns.at[COLUMN_CALLING_CODE] >= 0 || (uint32_t)c >= row->cells ||
        cells[row->cell + (uint32_t)c].n > sizeof room->country.text)
        return columns_region(&j->columns, j->data, row, cells, j->default_region);
    const struct table_cell *cell = &cells[row->cell + (uint32_t)c];
    if (room->country.n != cell->n || room->country.n == 0 || memcmp(room->country.text, cell->p, cell->n) != 0) {
        room->country.region = columns_region(&j->columns, j->data, row, cells, j->default_region);
        room->country.n = cell->n;
        memcpy(room->country.text, cell->p, cell->n);
    }
    return room->country.region;
}

static void put_e164(struct buf *out, const struct phone_number *n)
{
    char text[PHONE_E164_MAX + 8];
    size_t at = sizeof text;
    if (n->e164 == 0) {
        buf_printf(out, "+%u%s", n->code, n->nsn);
        return;
    }
    for (uint64_t rest = n->e164; rest > 0; rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    text[--at] = '+';
    buf_put(out, text + at, sizeof text - at);
}

/* The cells from e164 to zone. Words of the plans are not in need of quotes, names of networks may be. */
static void put_own(const struct screen_job *j, struct screen_work *w, struct buf *out)
{
    const struct phone_number *n = &w->s.number;
    char d = j->out_delimiter;
    put_e164(out, n);
    buf_putc(out, d);
    if (n->region != 0)
        buf_puts(out, phone_region_id(j->data, n->region));
    buf_putc(out, d);
    buf_puts(out, phone_type_word((enum phone_type)n->type));
    buf_putc(out, d);
    w->network = phone_network(j->data, n, NULL);
    if (w->network[0] != '\0')
        table_put_cell(out, str_of(w->network), d);
    buf_putc(out, d);
    buf_puts(out, phone_zones(j->data, n));
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
        w->s = (struct screened){.number = {.status = PHONE_NOT_A_NUMBER, .type = PHONE_UNKNOWN_TYPE},
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
            put_own(j, w, &room->own);
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
