/* SPDX-License-Identifier: Apache-2.0
 * phone_cell.h - a cell of a list as a phone number: the one way from what people and programs leave in a cell to a number
 * or the reason there is none. Screening, imports and lists read with it, so that they agree.
 *
 * A verdict comes from the text, its region and the numbering plans alone. Before the text is read as a number, what spreadsheets
 * are known to do to numbers is undone where that is certain (="+49170...", 491701234567.0, 4.91701234567E+11) and
 * named where it is not (5.4E+11). Nothing is guessed: digits without + that may begin with a country code or not
 * have the verdict both_ways.
 *
 * Pure. */
#ifndef WL_CORE_PHONE_CELL_H
#define WL_CORE_PHONE_CELL_H

#include "core/phone_number.h"
#include "core/verdict.h"

/* What was undone before reading. */
enum phone_cell_repair {
    PHONE_CELL_AS_WRITTEN,
    PHONE_CELL_UNWRAPPED,
    PHONE_CELL_DECIMAL,
    PHONE_CELL_EXPONENT,
    PHONE_CELL_PLUS,
    PHONE_CELL_WORDS,
    PHONE_CELL_REPAIRS
};
const char *phone_cell_repair_sentence(enum phone_cell_repair r); /* "" for none */

struct phone_cell {
    struct phone_number number; /* status PHONE_OK: there is one, whatever the verdict */
    uint8_t verdict, repair;
};
/* text: trimmed. region: row of REGION, 0 none, -1: the row names a country nobody knows. international: a number without + begins
 * with its country code. */
void phone_cell_read(const struct phone_data *d, struct str text, int region, bool international,
                     struct phone_cell *ret);

#endif
