/* SPDX-License-Identifier: Apache-2.0
 * table_sheet.c - libarchive opens the workbook, expat reads its parts, a sheet's rows become lines of CSV.
 *
 * The archive is read twice: first the list of sheets, the styles (to know dates from numbers) and the shared
 * strings, which are kept in memory and bounded; then the sheet, in pieces.
 *
 * A small file can say a lot, so everything is bounded: what all parts expand to (EXPANDED_LEAST, and EXPANDED_TIMES the
 * file's size, which no table people keep comes near), what is kept of it, how deep elements are nested, and the bytes
 * of one tag, which expat would read again with each piece. Document type declarations are refused: workbooks have none,
 * attacks do. A row whose cells are out of order, or name a text that is not there, is remembered as damaged.
 *
 * Sheets that are hidden are read when they are asked for by name only. A workbook's times have no zone and are written as UTC. Rows that the sheet leaves
 * out become empty lines, so that lines are the rows of the sheet. */
#include "cmd/table_sheet.h"

#include <archive.h>
#include <archive_entry.h>
#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/table_split.h"

#define STRINGS_BYTES  (256u << 20) /* of all shared strings, with where they begin */
#define STRING_COST    (2 * sizeof(uint64_t))
#define EXPANDED_LEAST (64ull << 20)
#define EXPANDED_TIMES 100ull
#define TAG_BYTES      (1u << 20)
#define DEPTH          64
#define SHEETS_BYTES   4096 /* of the names of sheets, for people */
#define PART_BYTES     65536
#define LINE_BYTES     (2 * TABLE_ROW_MAX)
#define NAME_BYTES     256
#define STYLES         65536
#define FORMATS        1024
#define SHEET_ROWS     1048576
#define SHEET_COLUMNS  16384
#define NO_WORKBOOK    "it is a ZIP archive and no XLSX workbook; unpack it, or save the sheet as CSV UTF-8"

enum part { PART_BOOK, PART_LINKS, PART_STYLES, PART_STRINGS, PART_SHEET };

struct table_sheet {
    int fd;
    struct archive *archive;
    XML_Parser parser;
    enum part part;
    const char *wanted;     /* the sheet's name; NULL: the first one */
    char link[NAME_BYTES];  /* r:id of it */
    char entry[NAME_BYTES]; /* the archive's name of it */
    bool from_1904;
    struct buf sheets; /* "A", "B" (hidden) */
    uint64_t expanded, expanded_max;
    size_t unseen; /* bytes since the parser saw anything whole */
    size_t depth;
    uint32_t *bad; /* damaged rows, ascending */
    size_t n_bad, bad_cap;

    struct buf strings; /* one after the other */
    uint64_t *string_at;
    size_t n_strings, strings_cap;
    bool is_date[STYLES]; /* by style */
    size_t n_styles;
    int date_format[FORMATS]; /* own formats that are dates */
    size_t n_formats;
    bool in_styles;

    struct buf text;    /* of the element that is open */
    struct buf formula; /* "=...": of the cell, while nothing says what it comes to */
    bool take_text, phonetic, open_row;
    size_t row, column; /* of the next row to be written, of the next cell in it */
    size_t cell_column;
    char type[16];
    size_t style;

    struct buf line; /* CSV not fetched yet */
    size_t line_at;
    const char *why; /* what is wrong with it */
    int failed;      /* said once what is in line was fetched */
    struct err error;
};

/* --- attributes and names -------------------------------------------------------------------------------------------- */

static const char *local(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static bool named(const char *name, const char *is)
{
    return strcmp(local(name), is) == 0;
}

static const char *attribute(const char **a, const char *name)
{
    for (; a[0] != NULL; a += 2)
        if (named(a[0], name))
            return a[1];
    return "";
}

static void keep(char *ret, size_t size, const char *value)
{
    size_t n = strnlen(value, size - 1);
    memcpy(ret, value, n);
    ret[n] = '\0';
}

static void wrong(struct table_sheet *s, const char *why)
{
    if (s->why == NULL)
        s->why = why;
    XML_StopParser(s->parser, XML_FALSE);
}

/* The row at hand: each once, in order. */
static void note_bad(struct table_sheet *s)
{
    if (s->n_bad > 0 && s->bad[s->n_bad - 1] == s->row)
        return;
    if (s->n_bad == s->bad_cap) {
        s->bad_cap = s->bad_cap == 0 ? 64 : 2 * s->bad_cap;
        s->bad = realloc(s->bad, s->bad_cap * sizeof *s->bad);
        if (s->bad == NULL)
            abort();
    }
    s->bad[s->n_bad++] = (uint32_t)s->row;
}

/* --- the parts before the sheet
 * ------------------------------------------------------------------------------------------ */

static void sheet_named(struct table_sheet *s, const char *name, bool hidden, const char *link)
{
    struct str clipped = str_clip(str_of(name), 60);
    if (s->sheets.len + 100 < SHEETS_BYTES)
        buf_printf(&s->sheets, "%s\"%.*s\"%s", s->sheets.len > 0 ? ", " : "", (int)clipped.n, clipped.p,
                   hidden ? " (hidden)" : "");
    if (s->link[0] == '\0' && (s->wanted == NULL ? !hidden : strcmp(s->wanted, name) == 0))
        keep(s->link, sizeof s->link, link);
}

static void book_begin(struct table_sheet *s, const char *name, const char **a)
{
    const char *old = attribute(a, "date1904");
    if (named(name, "workbookPr"))
        s->from_1904 = strcmp(old, "1") == 0 || strcmp(old, "true") == 0;
    else if (named(name, "sheet"))
        sheet_named(s, attribute(a, "name"),
                    attribute(a, "state")[0] != '\0' && !named(attribute(a, "state"), "visible"), attribute(a, "id"));
}

static void link_begin(struct table_sheet *s, const char *name, const char **a)
{
    const char *target = attribute(a, "Target");
    if (!named(name, "Relationship") || s->link[0] == '\0' || strcmp(attribute(a, "Id"), s->link) != 0)
        return;
    size_t folder = target[0] == '/' ? 0 : 3;
    memcpy(s->entry, "xl/", folder);
    keep(s->entry + folder, sizeof s->entry - folder, target + (target[0] == '/'));
}

/* A format with days, months or hours in it, outside quotes and brackets. */
static bool date_code(const char *code)
{
    bool quoted = false, bracket = false;
    for (; *code != '\0'; code++) {
        quoted ^= *code == '"';
        bracket = (bracket || *code == '[') && *code != ']';
        if (*code == '\\' && code[1] != '\0')
            code++;
        else if (!quoted && !bracket && strchr("dmyhsDMYHS", *code) != NULL)
            return true;
    }
    return false;
}

static bool date_number(const struct table_sheet *s, long format)
{
    if ((format >= 14 && format <= 22) || (format >= 27 && format <= 36) || (format >= 45 && format <= 47))
        return true;
    for (size_t i = 0; i < s->n_formats; i++)
        if (s->date_format[i] == format)
            return true;
    return false;
}

static void style_begin(struct table_sheet *s, const char *name, const char **a)
{
    long number = strtol(attribute(a, "numFmtId"), NULL, 10);
    if (named(name, "numFmt") && s->n_formats < FORMATS && date_code(attribute(a, "formatCode")))
        s->date_format[s->n_formats++] = (int)number;
    else if (named(name, "cellXfs"))
        s->in_styles = true;
    else if (named(name, "xf") && s->in_styles && s->n_styles < STYLES)
        s->is_date[s->n_styles++] = date_number(s, number);
}

static void string_end(struct table_sheet *s)
{
    if (s->n_strings + 1 >= s->strings_cap) {
        s->strings_cap = s->strings_cap == 0 ? 1024 : 2 * s->strings_cap;
        s->string_at = realloc(s->string_at, s->strings_cap * sizeof *s->string_at);
        if (s->string_at == NULL)
            abort();
        s->string_at[0] = 0;
    }
    buf_putstr(&s->strings, buf_str(&s->text));
    if (s->strings.failed || s->strings.len + s->n_strings * STRING_COST > STRINGS_BYTES)
        wrong(s, "it has more text than fits; save the sheet as CSV UTF-8");
    s->string_at[++s->n_strings] = s->strings.len;
    buf_clear(&s->text);
}

/* --- the sheet
 * ---------------------------------------------------------------------------------------------------------------- */

static void put_cell(struct table_sheet *s, struct str text)
{
    bool quote = text.n == 0 || text.p[0] == ' ' || text.p[text.n - 1] == ' ';
    for (size_t i = 0; i < text.n && !quote; i++)
        quote = memchr("\",\r\n", text.p[i], 4) != NULL;
    if (text.n > 0 && quote)
        buf_putc(&s->line, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_putc(&s->line, '"');
        buf_putc(&s->line, text.p[i]);
    }
    if (text.n > 0 && quote)
        buf_putc(&s->line, '"');
}

/* "C5" -> 2; the cell behind the last one when it does not say. */
static size_t column_of(const struct table_sheet *s, const char *place)
{
    size_t n = 0;
    for (; *place >= 'A' && *place <= 'Z' && n < SHEET_COLUMNS; place++)
        n = n * 26 + (size_t)(*place - 'A' + 1);
    return n > 0 ? n - 1 : s->column;
}

static void row_begin(struct table_sheet *s, const char **a)
{
    long row = strtol(attribute(a, "r"), NULL, 10);
    bool before = row > 0 && (size_t)row <= s->row;
    for (; row > 0 && row <= SHEET_ROWS && s->row + 1 < (size_t)row; s->row++)
        buf_putc(&s->line, '\n');
    s->row++;
    s->column = 0;
    s->open_row = true;
    if (before || s->row > SHEET_ROWS)
        note_bad(s);
}

static void sheet_begin(struct table_sheet *s, const char *name, const char **a)
{
    if (named(name, "row")) {
        row_begin(s, a);
    } else if (named(name, "c") && s->open_row) {
        keep(s->type, sizeof s->type, attribute(a, "t"));
        s->style = strtoul(attribute(a, "s"), NULL, 10);
        s->cell_column = column_of(s, attribute(a, "r"));
        buf_clear(&s->text);
        buf_clear(&s->formula);
    }
}

/* "4.91701234567E+11" -> "491701234567": all the digits that are there, no exponent. */
static struct str plain_number(struct str v, char *room, size_t size)
{
    const char *mark = memchr(v.p, 'E', v.n);
    mark = mark != NULL ? mark : memchr(v.p, 'e', v.n);
    if (mark == NULL)
        return v;
    long shift = strtol(mark + 1, NULL, 10);
    size_t n = 0;
    bool point = false;
    for (const char *p = v.p; p < mark && n + 1 < size; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        room[n++] = *p;
        shift -= point && *p != '-';
    }
    if (shift < 0 || n + (size_t)shift + 1 > size)
        return v; /* a fraction, or longer than any number people write */
    memset(room + n, '0', (size_t)shift);
    return (struct str){room, n + (size_t)shift};
}

/* Days since the end of 1899 as a date. */
static struct str date_text(const struct table_sheet *s, struct str v, char ret[TIME_TEXT])
{
    double days = strtod(v.p, NULL) + (s->from_1904 ? 1462 : 0);
    if (!(days >= 61 && days < 2958466)) /* until 1900-02-28 Excel counts otherwise; to the year 9999 */
        return v;
    double whole = floor(days);
    int64_t ms = llround((days - whole) * 86400) * 1000;
    time_text((int64_t)(whole - 25569) * 86400000 + ms, ret);
    return (struct str){ret, ms == 0 ? 10 : strlen(ret)};
}

/* A program that does not compute writes formulas alone: such a cell is its formula, and not empty. */
static void formula_end(struct table_sheet *s)
{
    buf_putc(&s->formula, '=');
    buf_putstr(&s->formula, buf_str(&s->text));
    buf_clear(&s->text);
}

static struct str cell_value(struct table_sheet *s, char *room, size_t size)
{
    struct str v = {buf_cstr(&s->text), s->text.len};
    if (v.n == 0 && s->formula.len > 0)
        return buf_str(&s->formula);
    if (strcmp(s->type, "s") == 0) {
        size_t i = strtoul(v.p, NULL, 10);
        if (v.n > 0 && i >= s->n_strings)
            note_bad(s);
        if (v.n == 0 || i >= s->n_strings)
            return STR("");
        return (struct str){s->strings.data + s->string_at[i], s->string_at[i + 1] - s->string_at[i]};
    }
    if (strcmp(s->type, "b") == 0)
        return str_eq(v, STR("1")) ? STR("TRUE") : STR("FALSE");
    if (v.n == 0 || (s->type[0] != '\0' && strcmp(s->type, "n") != 0))
        return v;
    if (s->style < s->n_styles && s->is_date[s->style])
        return date_text(s, v, room);
    return plain_number(v, room, size);
}

static void cell_end(struct table_sheet *s)
{
    char room[TIME_TEXT > 64 ? TIME_TEXT : 64];
    if (!s->open_row)
        return;
    if (s->cell_column < s->column || s->cell_column >= SHEET_COLUMNS) {
        note_bad(s);
        return;
    }
    for (size_t i = s->column; i < s->cell_column; i++)
        buf_putc(&s->line, ',');
    if (s->column > 0)
        buf_putc(&s->line, ',');
    put_cell(s, cell_value(s, room, sizeof room));
    s->column = s->cell_column + 1;
}

/* --- expat
 * ---------------------------------------------------------------------------------------------------------------------- */

static void XMLCALL on_begin(void *of, const char *name, const char **a)
{
    static void (*const begin[])(struct table_sheet *, const char *, const char **) = {
        [PART_BOOK] = book_begin, [PART_LINKS] = link_begin, [PART_STYLES] = style_begin, [PART_SHEET] = sheet_begin};
    struct table_sheet *s = of;
    s->unseen = 0;
    if (++s->depth > DEPTH) {
        wrong(s, "its elements are nested too deep");
        return;
    }
    s->phonetic = s->phonetic || named(name, "rPh");
    bool value = named(name, "v") && s->part == PART_SHEET, formula = named(name, "f") && s->part == PART_SHEET;
    s->take_text = !s->phonetic && (named(name, "t") || value || formula);
    if (value)
        buf_clear(&s->formula);
    if (begin[s->part] != NULL)
        begin[s->part](s, name, a);
}

static void XMLCALL on_end(void *of, const char *name)
{
    struct table_sheet *s = of;
    s->unseen = 0;
    s->depth--;
    s->take_text = false;
    if (named(name, "rPh"))
        s->phonetic = false;
    if (s->part == PART_STYLES && named(name, "cellXfs"))
        s->in_styles = false;
    if (s->part == PART_STRINGS && named(name, "si"))
        string_end(s);
    if (s->part != PART_SHEET)
        return;
    if (named(name, "f"))
        formula_end(s);
    if (named(name, "c"))
        cell_end(s);
    if (named(name, "row")) {
        buf_putc(&s->line, '\n');
        s->open_row = false;
    }
    if (s->line.failed)
        wrong(s, "a row has more than fits");
}

static void XMLCALL on_text(void *of, const char *p, int n)
{
    struct table_sheet *s = of;
    s->unseen = 0;
    if (s->take_text && !buf_put(&s->text, p, (size_t)n))
        wrong(s, "a cell has more than fits");
}

static void XMLCALL on_doctype(void *of, const char *name, const char *system, const char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    wrong(of, "it declares a document type, which no workbook does");
}

static void parser_start(struct table_sheet *s, enum part part)
{
    if (s->parser == NULL)
        s->parser = XML_ParserCreate(NULL);
    else
        XML_ParserReset(s->parser, NULL);
    if (s->parser == NULL)
        abort();
    s->part = part;
    XML_SetUserData(s->parser, s);
    XML_SetElementHandler(s->parser, on_begin, on_end);
    XML_SetCharacterDataHandler(s->parser, on_text);
    XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
    buf_clear(&s->text);
    s->take_text = s->phonetic = false;
    s->unseen = s->depth = 0;
}

/* One more piece of the archive's entry; *ret_more false at its end. */
static int parse_piece(struct table_sheet *s, bool *ret_more, struct err *e)
{
    char piece[PART_BYTES];
    la_ssize_t n = archive_read_data(s->archive, piece, sizeof piece);
    if (n < 0)
        return err_set(e, WL_ECORRUPT, "the workbook is damaged: %s", archive_error_string(s->archive));
    *ret_more = n > 0;
    s->expanded += (uint64_t)n;
    s->unseen += (size_t)n;
    if (s->expanded > s->expanded_max || s->unseen > TAG_BYTES + PART_BYTES)
        return err_set(e, WL_ETOOBIG, "the workbook expands to more than its size allows; save the sheet as CSV UTF-8");
    if (XML_Parse(s->parser, piece, (int)n, n == 0) != XML_STATUS_ERROR)
        return 0;
    return err_set(e, WL_ECORRUPT, "the workbook is damaged: %s",
                   s->why != NULL ? s->why : XML_ErrorString(XML_GetErrorCode(s->parser)));
}

static int archive_begin(struct table_sheet *s, struct err *e)
{
    if (s->archive != NULL)
        archive_read_free(s->archive);
    if (lseek(s->fd, 0, SEEK_SET) != 0)
        return err_set(e, WL_EINVAL, "a workbook cannot be read from a pipe; save it in a file first");
    if ((s->archive = archive_read_new()) == NULL)
        abort();
    archive_read_support_format_zip_seekable(s->archive);
    if (archive_read_open_fd(s->archive, s->fd, PART_BYTES) != ARCHIVE_OK)
        return err_set(e, WL_EINVAL, NO_WORKBOOK);
    return 0;
}

/* Parses the archive's entry of this name; ret_found false: there is none. */
static int read_entry(struct table_sheet *s, const char *name, enum part part, bool *ret_found, struct err *e)
{
    struct archive_entry *entry;
    bool more = true;
    int rc = archive_begin(s, e);
    *ret_found = false;
    while (rc == 0 && !*ret_found && archive_read_next_header(s->archive, &entry) == ARCHIVE_OK) {
        const char *path = archive_entry_pathname(entry);
        *ret_found = path != NULL && strcmp(path, name) == 0;
    }
    if (rc != 0 || !*ret_found)
        return rc;
    parser_start(s, part);
    while (rc == 0 && more && part != PART_SHEET)
        rc = parse_piece(s, &more, e);
    return rc;
}

static int no_sheet(const struct table_sheet *s, struct err *e)
{
    const char *there = s->sheets.len > 0 ? buf_cstr(&s->sheets) : "none at all";
    if (s->wanted != NULL)
        return err_set(e, WL_EINVAL, "the workbook has no sheet \"%.60s\"; it has %s", s->wanted, there);
    return err_set(e, WL_EINVAL, "the workbook has no sheet to be seen (name one with --sheet); it has %s", there);
}

int table_sheet_open(int fd, const char *sheet, struct table_sheet **ret, struct err *e)
{
    bool found = true, maybe;
    struct stat st;
    struct table_sheet *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    *ret = s;
    s->fd = fd;
    s->wanted = sheet;
    buf_init(&s->strings, STRINGS_BYTES);
    buf_init(&s->text, TABLE_ROW_MAX);
    buf_init(&s->formula, TABLE_ROW_MAX);
    buf_init(&s->line, LINE_BYTES);
    buf_init(&s->sheets, SHEETS_BYTES);
    s->expanded_max = EXPANDED_LEAST + (fstat(fd, &st) == 0 ? (uint64_t)st.st_size * EXPANDED_TIMES : 0);
    int rc = read_entry(s, "xl/workbook.xml", PART_BOOK, &found, e);
    if (rc == 0 && !found)
        return err_set(e, WL_EINVAL, NO_WORKBOOK);
    if (rc == 0 && s->link[0] == '\0')
        return no_sheet(s, e);
    if (rc == 0)
        rc = read_entry(s, "xl/_rels/workbook.xml.rels", PART_LINKS, &maybe, e);
    if (rc == 0)
        rc = read_entry(s, "xl/styles.xml", PART_STYLES, &maybe, e);
    if (rc == 0)
        rc = read_entry(s, "xl/sharedStrings.xml", PART_STRINGS, &maybe, e);
    if (rc == 0)
        rc = read_entry(s, s->entry, PART_SHEET, &found, e);
    return rc == 0 && !found ? err_set(e, WL_ECORRUPT, "the workbook is damaged: the sheet is not in it") : rc;
}

void table_sheet_close(struct table_sheet *s)
{
    if (s == NULL)
        return;
    if (s->archive != NULL)
        archive_read_free(s->archive);
    if (s->parser != NULL)
        XML_ParserFree(s->parser);
    buf_done(&s->strings);
    buf_done(&s->text);
    buf_done(&s->formula);
    buf_done(&s->line);
    buf_done(&s->sheets);
    free(s->bad);
    free(s->string_at);
    free(s);
}

int table_sheet_read(struct table_sheet *s, char *p, size_t n, size_t *ret, struct err *e)
{
    bool more = true;
    *ret = 0;
    while (s->line_at == s->line.len && more && s->failed == 0) {
        buf_clear(&s->line);
        s->line_at = 0;
        s->failed = parse_piece(s, &more, &s->error);
    }
    *ret = s->line.len - s->line_at < n ? s->line.len - s->line_at : n;
    if (*ret == 0 && s->failed != 0)
        return err_set(e, s->failed, "%s", s->error.text);
    if (*ret > 0)
        memcpy(p, s->line.data + s->line_at, *ret);
    s->line_at += *ret;
    return 0;
}

bool table_sheet_bad(const struct table_sheet *s, uint64_t row)
{
    size_t from = 0, to = s->n_bad;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (s->bad[middle] < row)
            from = middle + 1;
        else
            to = middle;
    }
    return from < s->n_bad && s->bad[from] == row;
}

const char *table_sheet_names(const struct table_sheet *s)
{
    return buf_cstr(&s->sheets);
}
