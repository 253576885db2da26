/* SPDX-License-Identifier: Apache-2.0
 * columns_impl.h - what the files of columns.h share.
 *
 * columns_name.c knows names, columns_look.c what cells hold, columns.c puts both together. */
#ifndef WL_CORE_COLUMNS_IMPL_H
#define WL_CORE_COLUMNS_IMPL_H

#include "core/columns.h"
#include "core/header_words.h"

/* Role, rank and reason by the folded name alone. */
void column_by_name(const struct header_words *h, struct column *ret);
/* The program whose export has these columns, if it is a known one. Its columns with a meaning of their own get it. */
void columns_preset(struct columns *c, const struct header_words *h);

/* Whether the text is a number that somebody can have. */
bool column_number(const struct phone_data *d, int region, struct str text);
/* at and phone anew, from the roles. */
void columns_arrange(struct columns *c);
/* The cell's text without copying, as far as it is plain. */
struct str column_text(const struct table_row *row, const struct table_cell *cells, size_t i);

#endif
