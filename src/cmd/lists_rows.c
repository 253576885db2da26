/* SPDX-License-Identifier: Apache-2.0
 * lists_rows.c - which number a row has, or why none.
 *
 * The columns are found as screening finds them (core/columns.h), and told. A row has exactly one verdict, as in screening; with
 * --rejects those that are not taken are written with their columns, line and reason, to be repaired and read again:
 * so all tables of one such file must have the same columns. */
#include "cmd/lists_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "cmd/lists_places.h"
#include "cmd/table_in.h"
#include "cmd/term.h"
#include "core/columns.h"
#include "core/phone_cell.h"

#define COLUMNS_BYTES (8u << 20)
#define SAID_MAX      4096

struct rows {
    struct lists_reading *r;
    struct lists_in *to;
    struct columns columns;
    size_t width; /* columns but those that an earlier --rejects has put behind them */
    char delimiter;
    const char *name;
    char *room;
    size_t room_n;
};

static enum verdict judge(struct rows *x, struct str text, int region, uint64_t *ret)
{
    struct phone_cell cell;
    phone_cell_read(&x->r->phones.data, text, region, x->r->international || x->columns.international, &cell);
    *ret = cell.number.e164;
    bool wrong = cell.verdict >= VERDICT_TOO_SHORT && cell.verdict <= VERDICT_LOCAL_ONLY;
    if (wrong && cell.number.status == PHONE_OK && *ret != 0 && x->r->keep_invalid)
        cell.verdict = VERDICT_OK;
    return cell.verdict == VERDICT_OK && *ret == 0 ? VERDICT_TOO_LONG : (enum verdict)cell.verdict;
}

/* The row's verdict, its numbers added. Of several cells the first that is not taken decides. */
static int take(struct rows *x, const struct table_row *row, const struct table_cell *cells, enum verdict *ret,
                struct err *e)
{
    const struct columns *c = &x->columns;
    int rc = 0, region = columns_region(c, &x->r->phones.data, row, cells, x->r->region);
    *ret = VERDICT_EMPTY;
    for (size_t i = 0; i < c->phones && rc == 0 && (*ret == VERDICT_EMPTY || x->r->all_phones); i++) {
        uint64_t number = 0;
        uint32_t at = (uint32_t)c->phone[i];
        struct str text = at < row->cells ? table_cell_text(&cells[row->cell + at], x->room) : STR("");
        if (text.n == 0)
            continue;
        enum verdict v = judge(x, text, region, &number);
        if (*ret == VERDICT_EMPTY || *ret == VERDICT_OK)
            *ret = v;
        if (v == VERDICT_OK) {
            rc = lists_in_add(x->to, number, e);
            x->r->added++;
        }
    }
    return rc;
}

/* ---- rows that are not taken */

static void reject(struct rows *x, const struct table_row *row, const struct table_cell *cells, enum verdict v)
{
    struct table_out *o = x->r->rejects;
    if (o == NULL)
        return;
    bool broken = v == VERDICT_BROKEN_ROW;
    size_t n = broken ? 1 : row->cells < x->width ? row->cells : x->width;
    if (broken)
        table_out_cell(o, (struct str){row->p, row->n});
    else
        table_out_cells(o, &cells[row->cell], n, x->delimiter);
    for (; n < x->width; n++)
        table_out_cell(o, STR(""));
    table_out_number(o, (int64_t)row->line);
    table_out_cell(o, str_of(broken ? table_problem_word(row->problem) : verdict_word(v)));
    if (!broken && row->cells > x->columns.n) /* as it stood: with more cells than there are columns */
        table_out_cells(o, &cells[row->cell + x->columns.n], row->cells - x->columns.n, x->delimiter);
    table_out_end(o);
}

static bool is_named(const struct columns *c, size_t i, const char *name)
{
    return str_eq(c->column[i].name, str_of(name));
}

/* Their header, as that of the table. A file without one gets one: the numbers' column has the name that finds it. */
static int begin_rejects(struct rows *x, const struct table_row *header, const struct table_cell *cells, struct err *e)
{
    struct table_out *o = x->r->rejects;
    const struct columns *c = &x->columns;
    bool again = c->n > 2 && is_named(c, c->n - 2, "line") && is_named(c, c->n - 1, "reason");
    x->width = again ? c->n - 2 : c->n;
    uint64_t like = c->headless ? c->n : hash64(header->p, header->n) | UINT64_C(1) << 63;
    if (o == NULL || like == x->r->rejects_like)
        return 0;
    if (x->r->rejects_like != 0)
        return err_set(e, WL_EINVAL,
                       "its columns are others than those of the table before it: make lists of tables with other "
                       "columns one by one, or without --rejects");
    x->r->rejects_like = like;
    for (size_t i = 0; i < x->width && c->headless; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "column %zu", i + 1);
        table_out_cell(o, c->phones > 0 && c->phone[0] == (int)i ? STR("phone") : (struct str){name, (size_t)n});
    }
    if (!c->headless)
        table_out_cells(o, &cells[header->cell], x->width, x->delimiter);
    table_out_cell(o, STR("line"));
    table_out_cell(o, STR("reason"));
    table_out_end(o);
    return 0;
}

/* ---- rows */

static int one_row(struct rows *x, const struct table_row *row, const struct table_cell *cells, struct err *e)
{
    enum verdict v = VERDICT_BROKEN_ROW;
    int rc = 0;
    if (row->n > x->room_n) {
        char *more = realloc(x->room, row->n);
        if (more == NULL)
            return err_set(e, WL_ENOMEM, "out of memory for a row of %u bytes", row->n);
        x->room = more;
        x->room_n = row->n;
    }
    if (row->problem < TABLE_BROKEN)
        rc = take(x, row, cells, &v, e);
    x->r->rows++;
    x->r->verdict[v]++;
    if (v != VERDICT_OK)
        reject(x, row, cells, v);
    return rc;
}

/* What the columns are: from the header, or from the first row being people. */
static int find_columns(struct rows *x, struct table *t, struct arena *a, struct err *e)
{
    const struct table_cell *cells;
    const struct phone_data *d = &x->r->phones.data;
    const struct table_row *header = table_header(t, &cells);
    if (!columns_is_data(d, x->r->region, header, cells))
        return columns_read(a, header, cells, &x->columns, e);
    table_no_header(t);
    return columns_headless(a, header->cells, &x->columns, e);
}

static void tell(struct rows *x, struct table *t)
{
    uint64_t total, done = table_progress(t, &total);
    progress_tell(&x->r->progress, done, total, x->r->rows);
}

static int no_column(struct err *e)
{
    return err_set(e, WL_EINVAL, "no column holds phone numbers (--region says which country those without + are of)");
}

/* Which column it is, where there are several. */
static void say_columns(const struct rows *x)
{
    const struct columns *c = &x->columns;
    struct buf said;
    if (x->r->quiet || c->n < 2 || (c->headless && c->phones < 2))
        return;
    buf_init(&said, SAID_MAX);
    columns_say(c, &said);
    if (c->phones > 1)
        buf_puts(&said, x->r->all_phones ? "; --all-phones: from all of them"
                                         : "; of each row one number is taken, --all-phones takes all");
    fprintf(stderr, "%s: ", x->name);
    term_text(stderr, TONE_PLAIN, buf_str(&said));
    fputc('\n', stderr);
    buf_done(&said);
}

/* What the columns are is known with the first rows. */
static int begin_rows(struct rows *x, struct table *t, const struct table_batch *b, struct err *e)
{
    const struct table_cell *cells;
    const struct table_row *header = table_header(t, &cells);
    if (b != NULL)
        columns_look(&x->columns, &x->r->phones.data, x->r->region, b);
    if (x->columns.phones == 0)
        return no_column(e);
    say_columns(x);
    x->delimiter = table_delimiter(t);
    return begin_rejects(x, header, cells, e);
}

static int read_rows(struct rows *x, struct table *t, struct err *e)
{
    struct table_batch b;
    int rc = 0;
    bool looked = false;
    while (rc == 0 && (rc = table_next(t, &b, e)) == 1) {
        rc = looked ? 0 : begin_rows(x, t, &b, e);
        looked = true;
        for (size_t i = 0; i < b.rows && rc == 0; i++)
            rc = one_row(x, &b.row[i], b.cell, e);
        tell(x, t);
    }
    return rc == 0 && !looked ? begin_rows(x, t, NULL, e) : rc;
}

int lists_rows_read(struct lists_reading *r, const char *path, int fd, struct lists_in *to, struct err *e)
{
    struct rows x = {.r = r, .to = to, .name = path};
    struct table *t = NULL;
    struct arena *a = arena_create(COLUMNS_BYTES);
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory for a table") : 0;
    if (rc == 0)
        rc = table_open(&(struct table_options){.path = path, .fd = fd}, &t, e);
    bool nothing = rc == WL_ENOTFOUND && r->empty_too;
    if (nothing)
        fprintf(stderr, "%s: it is empty: a list of no numbers\n", path);
    if (rc == 0)
        rc = find_columns(&x, t, a, e);
    if (rc == 0)
        rc = read_rows(&x, t, e);
    free(x.room);
    table_close(t);
    arena_free(a);
    return rc == 0 || nothing ? 0 : str_starts(str_of(e->text), str_of(path)) ? rc : err_prefix(e, "%s", path);
}

/* ---- how tables are read */

int lists_reading_begin(const struct args *a, struct lists_reading *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->run = LISTS_RUN;
    ret->quiet = args_has(a, "quiet");
    ret->international = args_has(a, "international");
    ret->keep_invalid = args_has(a, "keep-invalid");
    ret->all_phones = args_has(a, "all-phones");
    int rc = lists_places_check(a);
    if (rc == CMD_OK)
        rc = phone_tables_open(a, &ret->phones);
    if (rc == CMD_OK)
        rc = phone_tables_region(a, &ret->phones, &ret->region);
    progress_begin(&ret->progress, "rows", ret->quiet);
    return rc;
}

void lists_reading_end(struct lists_reading *r)
{
    progress_end(&r->progress);
    table_out_drop(r->rejects, false);
    phone_tables_close(&r->phones);
}
