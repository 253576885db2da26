/* SPDX-License-Identifier: Apache-2.0
 * table_split.h - bytes of a CSV file cut into rows and cells, a block at a time, in place.
 *
 * RFC 4180 quoting: a quote opens at the beginning of a cell and nowhere else; LF or CRLF ends a row outside quotes.
 * Nothing is copied and nothing is guessed: a row that is wrong (a quote never closed, text behind a closing quote,
 * too long, too many cells) is given up for the line it began on, with its reason and its bytes as they stood, and
 * reading goes on with the next line: one stray quote must not swallow the rest of a file. Two of them that make a
 * cell of several lines together are such a cell: nothing tells them apart. Blank lines are no rows.
 * No I/O, no memory of its own: the caller has the bytes and the arrays. */
#ifndef WL_CORE_TABLE_SPLIT_H
#define WL_CORE_TABLE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TABLE_ROW_MAX   (16u << 20) /* bytes of a row; of a longer one the beginning is shown */
#define TABLE_CELL_MAX  (1u << 20)  /* bytes of a cell; a row with a longer one is whole, and has a problem */
#define TABLE_CELLS_MAX 16384       /* of a row: as many as a spreadsheet has columns */
#define TABLE_PADDING   64          /* readable bytes behind those given */

enum {
    CELL_QUOTED = 1, /* it stood in quotes: p[-1] and p[n] */
    CELL_ESCAPED = 2 /* it holds "" for ": table_cell_text() undoes it */
};

/* What is wrong with a row. From TABLE_BROKEN on it could not be cut: it has no cells. */
enum table_problem {
    TABLE_RIGHT,
    TABLE_LONG_CELL, /* more than TABLE_CELL_MAX bytes */
    TABLE_NUL,       /* NUL bytes; the cells hold them */
    TABLE_ENCODING,  /* not UTF-8, in a file that otherwise is */
    TABLE_BROKEN,
    TABLE_UNCLOSED = TABLE_BROKEN, /* a quote is opened and never closed */
    TABLE_BEHIND_QUOTE,            /* there is text behind a closing quote */
    TABLE_LONG_ROW,                /* more than TABLE_ROW_MAX bytes: p, n are its beginning */
    TABLE_CUT,                     /* the file could not be read on behind it: the caller's */
    TABLE_DAMAGED,                 /* of a workbook: what the cells hold is not certain; the caller's */
    TABLE_MANY_CELLS,
    TABLE_PROBLEMS
};
const char *table_problem_word(int problem);     /* "unclosed_quote"; "" for none */
const char *table_problem_sentence(int problem); /* "a quote is opened and never closed" */

struct table_cell {
    const char *p; /* without its quotes; not trimmed */
    uint32_t n;
    uint32_t flags; /* CELL_* */
};

struct table_row {
    uint64_t line; /* 1-based, the line it begins on */
    uint64_t at;   /* byte it begins at, in the text as UTF-8 without byte order mark */
    const char *p; /* as it stood, without its line end */
    uint32_t n;
    uint32_t cell, cells; /* first one in the batch, how many */
    int problem;          /* enum table_problem */
};

struct table_batch {
    const struct table_row *row;
    const struct table_cell *cell;
    size_t rows;
};

/* Carried from block to block. Zero but for the delimiter at the beginning of a file (line counts from 0 then). */
struct table_split {
    char delimiter;
    bool whole_rows; /* a row is a line, whatever line feeds its cells hold */
    bool skipping;   /* inside the rest of a line that was given up */
    uint64_t at;     /* of the next byte */
    uint64_t lines;  /* line ends before it */
    uint64_t doomed; /* up to here no line can be right that goes on behind its end */
    int doom;        /* what it is then */
};

/* Where the rows go. Both arrays are the caller's; cells_max at least TABLE_CELLS_MAX. */
struct table_rows {
    struct table_row *row;
    struct table_cell *cell;
    size_t rows_max, cells_max;
    size_t rows, cells; /* what was filled in */
};

/* Cuts what is complete in p[0..n), fills ret (from its beginning) and returns how many bytes are done with; give the
 * others again, with more behind them. last: nothing comes any more. dirty: the bytes may hold NULs or bytes beyond
 * ASCII, look for them. 0 bytes done with, and no row: n is too few bytes for one row (never when n > TABLE_ROW_MAX). */
size_t table_split(struct table_split *s, const char *p, size_t n, bool last, bool dirty, struct table_rows *ret);

/* Whether bytes need the look: any NUL, any byte beyond ASCII. */
bool table_dirty(const char *p, size_t n);
/* Whether bytes are UTF-8 without NULs: 0, TABLE_NUL or TABLE_ENCODING. */
int table_text_problem(const char *p, size_t n);
/* The most frequent of , ; TAB | outside quotes in the first line; a comma when none occurs. "sep=;" lines are the
 * caller's. */
char table_sniff(const char *p, size_t n);

/* Whether a spreadsheet would compute it: it begins with = @ + - or their full-width forms, TAB or CR, after blanks
 * or not, and is no number such as "+49 (170) 12345" or "-1.5" ("+49-170" is: a subtraction). */
bool table_live(struct str s);

/* The cell as text: "" undone into room, which holds at least n bytes, blanks off both ends, and the apostrophe off that
 * table_out.h puts before what is live. Most cells are returned where they stand. */
struct str table_cell_text(const struct table_cell *c, char *room);
/* The same without copying: false when "" is in it. */
static inline bool table_cell_plain(const struct table_cell *c, struct str *ret)
{
    *ret = (struct str){c->p, c->n};
    return (c->flags & CELL_ESCAPED) == 0;
}

#endif
