/* SPDX-License-Identifier: Apache-2.0
 * decision_columns.h - rows of the decision log turned into columns, and what must be put together again.
 *
 * Packed facts are taken apart to one column a fact. Findings are one of few texts but for the times in them, so the
 * times are taken out (any number of six bytes as varint.h writes it: 34 years to 139 years after 1970), the texts
 * numbered and the times kept in a column of their own, as differences from the end of the decision's hold. Nothing
 * is known here of what the bytes of a finding mean; taking apart and putting together are exact for any bytes.
 * Private to decision_block.c. */
#ifndef WL_CORE_DECISION_COLUMNS_H
#define WL_CORE_DECISION_COLUMNS_H

#include "core/decision_block.h"

#define ID_COUNT_BITS 22

struct columns {
    size_t n;
    struct {
        int number;
        struct str bytes;
    } column[BLOCK_COLUMNS]; /* ascending */
};

int columns_write(struct columns *ret, const struct logged_decision *rows, size_t n, struct arena *a);

/* A text of findings and where its times belong. */
struct block_text {
    struct str bytes;
    uint32_t n_times;
    const uint32_t *position; /* ascending: so many bytes of the text stand before it */
};

struct findings_column {
    const struct block_text *text;
    size_t n_texts;
    struct int_column times;
    const uint32_t *first_time;
};

int findings_read(struct findings_column *ret, struct str texts, struct str times, const int64_t *index,
                  const int64_t *ts, const int64_t *until, size_t n, struct arena *a);
int finding_text(const struct block_text *t, const int64_t *times, struct arena *a, struct str *ret);
int odd_read(struct str bytes, const int64_t *covers, size_t n, struct arena *a, const struct str **ret);
/* Packed facts of row i; facts[f].v is NULL where there is no column. */
int facts_row(const struct int_column facts[256], size_t covers, size_t i, struct arena *a, struct str *ret);

#endif
