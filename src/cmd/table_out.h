/* SPDX-License-Identifier: Apache-2.0
 * table_out.h - rows written as CSV: quoted where they must be, never a live formula, compressed by name, there when complete.
 *
 * A cell that a spreadsheet would compute (it begins with = @ + - or their full-width forms, TAB or CR) gets an
 * apostrophe in front, unless it is a number: + or - and then digits, blanks, dots and brackets.
 * table_cell_text() takes the apostrophe off again. ".gz" and ".zst" names are compressed. The file is readable
 * by its owner only, and takes its name when table_out_close() succeeds (fresh_file.h). One that a later run may go on
 * with is NAME.part beside its place until then, locked, so that no other run writes it, too. Errors are sticky: every
 * call may be made after one, close says it. */
#ifndef WL_CMD_TABLE_OUT_H
#define WL_CMD_TABLE_OUT_H

#include "base/err.h"
#include "core/table_split.h"

struct table_out;

struct table_out_options {
    const char *path; /* "-": standard output, as it comes */
    char delimiter;   /* 0: a comma, or TAB for a .tsv name */
    bool bom;         /* begins with a byte order mark: older Excel needs it */
    bool resumable;   /* NAME.part, which stays when table_out_drop() is told so */
    uint64_t
        resume; /* (resumable) NAME.part exists; what is behind this byte is cut off and writing goes on there. 0: from the beginning */
};

/* WL_ECONFLICT: path is the file named by not_path (NULL: not asked), or a directory, or another run writes its
 * NAME.part. */
int table_out_open(const struct table_out_options *o, const char *not_path, struct table_out **ret, struct err *e);

/* One more cell of the row. */
void table_out_cell(struct table_out *o, struct str text);
/* One more cell, as it was read: its quotes and "" stay. from: the delimiter it was read with. */
void table_out_as_read(struct table_out *o, const struct table_cell *c, char from);
/* The same for many cells in a row. Fast where nothing is to be done about them. */
void table_out_cells(struct table_out *o, const struct table_cell *c, size_t n, char from);
void table_out_number(struct table_out *o, int64_t n);
/* "+491701234567": never guarded. 0: an empty cell. */
void table_out_phone(struct table_out *o, uint64_t e164);
/* Cells that are ready, as table_put_cell() makes them, with the file's delimiter between them. */
void table_out_ready(struct table_out *o, struct str cells);
/* Ends the row. */
void table_out_end(struct table_out *o);

/* Everything written up to here is in NAME.part; *ret_at is what to resume at. Ends a compressed frame: not for every row. */
int table_out_flush(struct table_out *o, uint64_t *ret_at, struct err *e);
/* Complete: flushes, syncs, renames. o is gone in any case; on an error NAME.part stays. */
int table_out_close(struct table_out *o, struct err *e);
/* Not complete: keep leaves NAME.part for a resume. Accepts NULL. */
void table_out_drop(struct table_out *o, bool keep);

char table_out_delimiter(const struct table_out *o);

/* Appends one cell to a buffer, quoted and guarded the same way. */
void table_put_cell(struct buf *b, struct str text, char delimiter);

#endif
