/* SPDX-License-Identifier: Apache-2.0
 * table_in.c - a window over the file's text, and what turns its bytes into UTF-8 before they get there.
 *
 * The window holds whole rows: what a batch left over moves to its beginning, more is read behind it, and it grows
 * when one row fills it.
 *
 * The encoding is said by a byte order mark, seen from the NULs of UTF-16, or decided at the first bytes beyond
 * ASCII, with what the same window holds: when at least half of the lines with such bytes are right UTF-8 it is UTF-8
 * (the others get a problem), anything else is taken for Windows-1252, as spreadsheets write it where nobody asked for
 * UTF-8. iconv turns the rest; a byte
 * it cannot read becomes U+FFFD. Lines that end in a lone CR, as old Macintosh programs wrote them, are understood
 * when the first window has no other line end.
 *
 * Where a file cannot be read on, what is left behind the last whole row is a row of its own that is broken: half a
 * number must never pass for one. */
#include "cmd/table_in.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/table_bytes.h"
#include "cmd/table_sheet.h"

#define WINDOW_FIRST (256u << 10)
#define WINDOW_LAST  (TABLE_ROW_MAX + WINDOW_FIRST)
#define RAW_BYTES    (256u << 10)
#define BATCH_ROWS   16384
#define BATCH_CELLS  65536

struct table {
    struct table_bytes *bytes;
    struct table_sheet *sheet; /* a workbook instead of text */
    /* Bytes that are not UTF-8, on their way. */
    iconv_t turn; /* (iconv_t)-1: none */
    char raw[RAW_BYTES];
    size_t raw_at, raw_end;
    bool mac, decided, ended; /* lone CRs; encoding known; no more bytes */
    char encoding[32];
    uint64_t mark; /* bytes of the byte order mark */

    char *window; /* cap + TABLE_PADDING bytes */
    size_t cap, at, end;
    bool dirty;
    struct table_split split;
    struct table_rows rows;
    size_t rows_max;

    struct table_row header;
    struct table_cell *header_cell;
    char *header_text;
    int failed; /* the file could not be read on: said once all rows before it were given */
    struct err why;
};

/* --- bytes ----------------------------------------------------------------------------------------------------------- */

static int raw_read(struct table *t, char *p, size_t n, size_t *ret, struct err *e)
{
    return t->sheet != NULL ? table_sheet_read(t->sheet, p, n, ret, e) : table_bytes_read(t->bytes, p, n, ret, e);
}

static void set_encoding(struct table *t, const char *name)
{
    size_t n = strnlen(name, sizeof t->encoding - 1);
    memcpy(t->encoding, name, n);
    t->encoding[n] = '\0';
    t->decided = true;
}

static int turn_from(struct table *t, const char *name, struct err *e)
{
    set_encoding(t, name);
    if (strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0) {
        set_encoding(t, "UTF-8");
        return 0;
    }
    t->turn = iconv_open("UTF-8", name);
    if (t->turn == (iconv_t)-1)
        return err_set(e, WL_EINVAL, "nobody knows the encoding \"%.60s\" (iconv -l lists them)", name);
    return 0;
}

static void put_unreadable(struct table *t)
{
    memcpy(t->window + t->end, "\xEF\xBF\xBD", 3);
    t->end += 3;
}

/* Turns what is in raw into the window, as far as there is room. */
static void turn_raw(struct table *t)
{
    size_t unit = strncmp(t->encoding, "UTF-16", 6) == 0 ? 2 : strncmp(t->encoding, "UTF-32", 6) == 0 ? 4 : 1;
    while (t->raw_at < t->raw_end && t->cap - t->end >= 16) {
        char *in = t->raw + t->raw_at, *out = t->window + t->end;
        size_t in_left = t->raw_end - t->raw_at, out_left = t->cap - t->end;
        size_t rc = iconv(t->turn, &in, &in_left, &out, &out_left);
        int why = errno;
        t->raw_at = t->raw_end - in_left;
        t->end = t->cap - out_left;
        if (rc != (size_t)-1 || why == E2BIG || (why == EINVAL && !t->ended))
            return;
        if (t->cap - t->end < 3)
            return;
        put_unreadable(t);
        t->raw_at += in_left < unit ? in_left : unit;
    }
}

static int fill_turned(struct table *t, struct err *e)
{
    size_t n = 0, left = t->raw_end - t->raw_at;
    int rc = 0;
    memmove(t->raw, t->raw + t->raw_at, left);
    t->raw_at = 0;
    t->raw_end = left;
    if (!t->ended && left < sizeof t->raw) {
        rc = raw_read(t, t->raw + left, sizeof t->raw - left, &n, e);
        t->raw_end += n;
        t->ended = rc != 0 || n == 0;
    }
    turn_raw(t);
    return rc;
}

/* --- which encoding ----------------------------------------------------------------------------------------------------- */

/* Bytes of the line at p that are part of it, and whether it holds UTF-8 beyond ASCII, or something else. What the
 * ends of a window cut off counts for neither. */
static size_t look_at_line(const char *p, size_t n, bool *ret_right, bool *ret_wrong)
{
    size_t i = 0;
    *ret_right = *ret_wrong = false;
    while (i < n && p[i] != '\n') {
        unsigned char b = (unsigned char)p[i];
        size_t len = b < 0x80 ? 1 : b < 0xC2 ? 0 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 0;
        if (len > n - i)
            return n;
        if (len > 1 && table_text_problem(p + i, len) == TABLE_RIGHT) {
            *ret_right = true;
        } else if (len != 1) {
            *ret_wrong = true;
            len = 1;
        }
        i += len;
    }
    return i;
}

/* Lines with bytes beyond ASCII: those that are UTF-8, and those that are not. */
static void count_lines(const char *p, size_t n, size_t *ret_right, size_t *ret_wrong)
{
    bool right, wrong;
    size_t i = 0;
    *ret_right = *ret_wrong = 0;
    while (i < n && i < 3 && ((unsigned char)p[i] & 0xC0) == 0x80)
        i++;
    for (; i < n; i++) {
        i += look_at_line(p + i, n - i, &right, &wrong);
        *ret_right += right && !wrong;
        *ret_wrong += wrong;
    }
}

/* UTF-16 without a mark: digits, blanks, delimiters and Latin letters have a NUL beside them, always on the same side;
 * between letters of other scripts there are fewer of them. */
static const char *wide_text(const char *p, size_t n)
{
    size_t nul[2] = {0}, alone[2] = {0}, looked = n < 4096 ? n : 4096;
    looked &= ~(size_t)1;
    for (size_t i = 0; i < looked; i++) {
        nul[i & 1] += p[i] == '\0';
        alone[i & 1] += p[i] == '\n' && p[i ^ 1] != '\0';
    }
    if (looked < 8)
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        bool most = nul[i] * 5 > looked * 2 && nul[1 - i] * 20 < looked;
        bool some = nul[i] > 2 && nul[i] * 20 > looked && nul[1 - i] == 0 && alone[1 - i] == 0;
        if (most || some)
            return i == 0 ? "UTF-16BE" : "UTF-16LE";
    }
    return NULL;
}

/* The bytes from `from` on came in as they are; they turn out to be something else. */
static int turn_back(struct table *t, size_t from, const char *name, struct err *e)
{
    size_t n = t->end - from;
    int rc = turn_from(t, name, e);
    if (rc != 0 || t->turn == (iconv_t)-1)
        return rc;
    t->end = from;
    t->raw_at = 0;
    t->raw_end = n; /* never more than fill() reads while undecided */
    memcpy(t->raw, t->window + from, n);
    turn_raw(t);
    return 0;
}

/* Looks at new bytes of an undecided file. */
static int decide(struct table *t, size_t from, bool first, struct err *e)
{
    const char *p = t->window + from, *wide = first ? wide_text(p, t->end - from) : NULL;
    size_t right, wrong;
    if (wide != NULL)
        return turn_back(t, from, wide, e);
    if (!table_dirty(p, t->end - from))
        return 0;
    count_lines(p, t->end - from, &right, &wrong);
    if (right == 0 && wrong == 0)
        return 0;
    if (right >= wrong) {
        set_encoding(t, "UTF-8");
        return 0;
    }
    return turn_back(t, from, "WINDOWS-1252", e);
}

/* --- the window
 * ----------------------------------------------------------------------------------------------------------- */

static void grow(struct table *t)
{
    size_t cap = t->cap == 0 ? WINDOW_FIRST : t->cap * 2 < WINDOW_LAST ? t->cap * 2 : WINDOW_LAST;
    char *window = realloc(t->window, cap + TABLE_PADDING);
    if (window == NULL)
        abort();
    memset(window + t->end, 0, cap + TABLE_PADDING - t->end);
    t->window = window;
    t->cap = cap;
}

static void lone_returns(struct table *t, size_t from)
{
    for (size_t i = from; t->mac && i < t->end; i++)
        if (t->window[i] == '\r')
            t->window[i] = '\n';
}

/* More text behind what is there. */
static int fill(struct table *t, bool first, struct err *e)
{
    size_t from = t->end, n = 0, room = t->cap - t->end;
    int rc = 0;
    if (t->turn != (iconv_t)-1) {
        rc = fill_turned(t, e);
    } else {
        if (!t->decided && room > sizeof t->raw)
            room = sizeof t->raw;
        rc = raw_read(t, t->window + t->end, room, &n, e);
        t->end += n;
        t->ended = rc != 0 || n == 0;
        if (rc == 0 && !t->decided)
            rc = decide(t, from, first, e);
    }
    lone_returns(t, from);
    return rc;
}

static bool all_in(const struct table *t)
{
    return t->ended && t->raw_at == t->raw_end;
}

/* Makes room, and reads until there is twice as much as before: a row that is begun again then costs no more than its
 * length. An error is kept until the rows before it are given. */
static void refill(struct table *t)
{
    memmove(t->window, t->window + t->at, t->end - t->at);
    t->end -= t->at;
    t->at = 0;
    if (t->cap - t->end < t->cap / 4 && t->cap < WINDOW_LAST)
        grow(t);
    size_t room = (t->cap - t->end) / 2, enough = t->end + (t->end < room ? t->end : room);
    for (size_t before = t->end; (t->end == before || t->end < enough) && !all_in(t) && t->failed == 0;)
        t->failed = fill(t, false, &t->why);
    if (t->failed != 0) {
        t->ended = true;
        t->raw_at = t->raw_end = 0;
    }
    t->dirty = table_dirty(t->window, t->end);
}

/* What is left where the file could not be read on. */
static bool cut_off(struct table *t)
{
    size_t n = t->end - t->at;
    struct str left = str_trim((struct str){t->window + t->at, n});
    t->rows.row[0] = (struct table_row){.line = t->split.lines + 1,
                                        .at = t->split.at,
                                        .p = t->window + t->at,
                                        .n = (uint32_t)(n < TABLE_ROW_MAX ? n : TABLE_ROW_MAX),
                                        .problem = TABLE_CUT};
    t->rows.rows = left.n > 0;
    t->at = t->end;
    t->split.at += n;
    return left.n > 0;
}

static void mark_damaged(struct table *t)
{
    for (size_t i = 0; t->sheet != NULL && i < t->rows.rows; i++) {
        struct table_row *row = &t->rows.row[i];
        if (!table_sheet_bad(t->sheet, row->line))
            continue;
        row->problem = TABLE_DAMAGED;
        row->cells = 0;
    }
}

static bool split_on(struct table *t, size_t rows_max)
{
    t->rows.rows_max = rows_max;
    for (;;) {
        bool last = all_in(t) && t->failed == 0;
        size_t used = table_split(&t->split, t->window + t->at, t->end - t->at, last, t->dirty, &t->rows);
        t->at += used;
        mark_damaged(t);
        if (t->rows.rows > 0)
            return true;
        if (used > 0 && t->at < t->end)
            continue;
        if (all_in(t))
            return t->failed != 0 && cut_off(t);
        refill(t);
    }
}

/* --- the beginning
 * -------------------------------------------------------------------------------------------------------- */

/* A byte order mark: of UTF-8 it is passed over, of UTF-16 and UTF-32 it names the encoding. */
static int read_mark(struct table *t, struct err *e)
{
    static const struct {
        struct str bytes;
        const char *encoding;
    } marks[] = {{STR_INIT("\xEF\xBB\xBF"), "UTF-8"},
                 {STR_INIT("\xFF\xFE\0\0"), "UTF-32LE"}, /* no text in UTF-16 begins with a NUL */
                 {STR_INIT("\0\0\xFE\xFF"), "UTF-32BE"},
                 {STR_INIT("\xFF\xFE"), "UTF-16LE"},
                 {STR_INIT("\xFE\xFF"), "UTF-16BE"}};
    struct str s = {t->window, t->end};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!str_starts(s, marks[i].bytes))
            continue;
        t->mark = marks[i].bytes.n;
        memmove(t->window, t->window + t->mark, t->end - t->mark);
        t->end -= t->mark;
        if (i == 0) {
            set_encoding(t, marks[i].encoding);
            return 0;
        }
        return turn_back(t, 0, marks[i].encoding, e);
    }
    return 0;
}

/* As many of the first bytes as one look needs, as they are. What was read before an error stands. */
static int first_bytes(struct table *t, struct err *e)
{
    size_t n = 1;
    int rc = 0;
    while (rc == 0 && n > 0 && t->end < sizeof t->raw) {
        rc = raw_read(t, t->window + t->end, sizeof t->raw - t->end, &n, &t->why);
        t->end += n;
    }
    t->ended = rc != 0 || n == 0;
    t->failed = rc;
    return rc != 0 && t->end == 0 ? err_set(e, rc, "%s", t->why.text) : 0;
}

/* Files that are no text, or packed once more than we unpack. */
static int refuse_others(const struct table *t, struct err *e)
{
    static const struct {
        struct str magic;
        const char *why;
    } others[] = {{STR_INIT("\x1F\x8B"), "it is packed twice: unpack it once (gzip -d)"},
                  {STR_INIT("\x28\xB5\x2F\xFD"), "it is packed twice: unpack it once (zstd -d)"},
                  {STR_INIT("PK\x03\x04"), "there is a workbook or ZIP archive packed in it: unpack it first"},
                  {STR_INIT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
                   "it is a workbook of an old Excel (.xls), or has a password: save it as XLSX or as CSV UTF-8"},
                  {STR_INIT("%PDF-"), "it is a PDF document: export the list as CSV UTF-8"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (str_starts((struct str){t->window, t->end}, others[i].magic))
            return err_set(e, WL_EINVAL, "%s", others[i].why);
    return 0;
}

/* The first bytes, and what they are. */
static int first_window(struct table *t, const char *encoding, struct err *e)
{
    int rc = first_bytes(t, e);
    if (rc == 0 && t->sheet == NULL)
        rc = refuse_others(t, e);
    if (rc == 0)
        rc = read_mark(t, e);
    if (rc == 0 && t->mark == 0 && encoding != NULL && encoding[0] != '\0')
        rc = turn_back(t, 0, encoding, e);
    return rc != 0 || t->decided ? rc : decide(t, 0, true, e);
}

/* "sep=;" of Excel, in any case, in quotes or not: says the delimiter and is no row. */
static bool read_separator(struct table *t)
{
    struct str s = {t->window, t->end};
    size_t quote = s.n > 0 && s.p[0] == '"', at = quote + 4;
    if (s.n < at + 2 || !str_ieq((struct str){s.p + quote, 4}, STR("sep=")) || s.p[at] == '"' || s.p[at] == '\n')
        return false;
    size_t after = at + 1;
    if (quote > 0 && s.p[after++] != '"')
        return false;
    after += after < s.n && s.p[after] == '\r';
    if (after >= s.n || s.p[after] != '\n')
        return false;
    t->split.delimiter = s.p[at];
    t->at = after + 1;
    t->split.at = after + 1;
    t->split.lines = 1;
    return true;
}

static void find_dialect(struct table *t, char delimiter)
{
    size_t looked = t->end < RAW_BYTES ? t->end : RAW_BYTES;
    const char *cr = memchr(t->window, '\r', looked);
    t->mac = cr != NULL && cr + 1 < t->window + looked && memchr(t->window, '\n', looked) == NULL;
    lone_returns(t, 0);
    if (!read_separator(t))
        t->split.delimiter = table_sniff(t->window, t->end);
    if (delimiter != '\0')
        t->split.delimiter = delimiter;
    if (t->sheet != NULL) {
        t->split.delimiter = ',';
        t->split.whole_rows = true;
    }
    t->dirty = table_dirty(t->window, t->end);
}

static int read_first_row(struct table *t, struct err *e)
{
    if (!split_on(t, 1))
        return t->failed != 0 ? err_set(e, t->failed, "%s", t->why.text) : err_set(e, WL_ENOTFOUND, "it is empty");
    const struct table_row *row = t->rows.row;
    t->header = *row;
    t->header_text = malloc((size_t)row->n + TABLE_PADDING);
    t->header_cell = calloc((size_t)row->cells + 1, sizeof *t->header_cell);
    if (t->header_text == NULL || t->header_cell == NULL)
        abort();
    memcpy(t->header_text, row->p, row->n);
    t->header.p = t->header_text;
    t->header.cell = 0;
    for (size_t i = 0; i < row->cells; i++) {
        t->header_cell[i] = t->rows.cell[row->cell + i];
        t->header_cell[i].p = t->header_text + (t->header_cell[i].p - row->p);
    }
    return 0;
}

static int open_bytes(struct table *t, const struct table_options *o, struct err *e)
{
    int rc = table_bytes_open(o->path, o->fd, &t->bytes, e);
    if (rc != 0 || table_bytes_packing(t->bytes) != PACKING_ZIP)
        return rc;
    set_encoding(t, "UTF-8");
    return table_sheet_open(table_bytes_fd(t->bytes), o->sheet, &t->sheet, e);
}

int table_open(const struct table_options *o, struct table **ret, struct err *e)
{
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    *ret = t;
    t->turn = (iconv_t)-1;
    t->rows_max = o->rows_max > 0 && o->rows_max < BATCH_ROWS ? o->rows_max : BATCH_ROWS;
    t->rows = (struct table_rows){.cells_max = BATCH_CELLS};
    t->rows.row = calloc(BATCH_ROWS, sizeof *t->rows.row);
    t->rows.cell = calloc(BATCH_CELLS, sizeof *t->rows.cell);
    if (t->rows.row == NULL || t->rows.cell == NULL)
        abort();
    grow(t);
    int rc = open_bytes(t, o, e);
    if (rc == 0)
        rc = first_window(t, t->sheet != NULL ? NULL : o->encoding, e);
    if (rc != 0)
        return rc;
    find_dialect(t, o->delimiter);
    return read_first_row(t, e);
}

void table_close(struct table *t)
{
    if (t == NULL)
        return;
    table_sheet_close(t->sheet);
    table_bytes_close(t->bytes);
    if (t->turn != (iconv_t)-1)
        iconv_close(t->turn);
    free(t->header_text);
    free(t->header_cell);
    free(t->rows.row);
    free(t->rows.cell);
    free(t->window);
    free(t);
}

/* --- rows
 * -------------------------------------------------------------------------------------------------------------------- */

const struct table_row *table_header(const struct table *t, const struct table_cell **ret_cells)
{
    *ret_cells = t->header_cell;
    return &t->header;
}

void table_no_header(struct table *t)
{
    t->at -= (size_t)(t->split.at - t->header.at);
    t->split.at = t->header.at;
    t->split.lines = t->header.line - 1;
    t->split.skipping = false;
}

int table_next(struct table *t, struct table_batch *ret, struct err *e)
{
    bool some = split_on(t, t->rows_max);
    *ret = (struct table_batch){t->rows.row, t->rows.cell, t->rows.rows};
    if (some)
        return 1;
    return t->failed != 0 ? err_set(e, t->failed, "%s", t->why.text) : 0;
}

/* Reads up to a byte of the text without cutting it. */
static int pass_over(struct table *t, uint64_t at, struct err *e)
{
    while (t->split.at < at) {
        uint64_t left = at - t->split.at, here = t->end - t->at;
        size_t n = (size_t)(left < here ? left : here);
        t->at += n;
        t->split.at += n;
        if (n == left)
            return 0;
        if (all_in(t))
            return err_set(e, WL_EINVAL, "the file is shorter than it was: it ends before byte %llu",
                           (unsigned long long)at);
        refill(t);
    }
    return 0;
}

int table_seek(struct table *t, uint64_t at, uint64_t line, struct err *e)
{
    if (at < t->split.at)
        return err_set(e, WL_EINVAL, "byte %llu is before the first row", (unsigned long long)at);
    bool plain = t->sheet == NULL && t->turn == (iconv_t)-1 && at > t->split.at + t->cap;
    if (plain && table_bytes_seek(t->bytes, at + t->mark)) {
        t->at = t->end = 0;
        t->ended = false;
        t->split.at = at;
        refill(t);
    } else {
        int rc = pass_over(t, at, e);
        if (rc != 0)
            return rc;
    }
    t->split.lines = line - 1;
    return 0;
}

char table_delimiter(const struct table *t)
{
    return t->split.delimiter;
}

const char *table_encoding(const struct table *t)
{
    return t->encoding;
}

const char *table_compression(const struct table *t)
{
    static const char *const names[] = {"", "gzip", "zstd", "xlsx"};
    return names[table_bytes_packing(t->bytes)];
}

const char *table_sheets(const struct table *t)
{
    return t->sheet != NULL ? table_sheet_names(t->sheet) : "";
}

uint64_t table_progress(const struct table *t, uint64_t *ret_total)
{
    return table_bytes_progress(t->bytes, ret_total);
}
