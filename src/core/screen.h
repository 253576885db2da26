/* SPDX-License-Identifier: Apache-2.0
 * screen.h - what is to be said of one row of a list of numbers: its verdict, of which it has exactly one.
 *
 * The verdict of a number is that of core/phone_cell.h, and whether the number is one for tests. Nobody is asked about
 * anybody's account.
 *
 * Pure; the tally is one thread's at a time. */
#ifndef WL_CORE_SCREEN_H
#define WL_CORE_SCREEN_H

#include "base/arena.h"
#include "core/phone_cell.h"

struct screen {
    const struct phone_data *data;
    bool international;   /* a number without + begins with its country code */
    uint64_t tests[4096]; /* bits by hash of a thousand numbers: most are seen at once to hold no test number */
};
void screen_init(struct screen *s, const struct phone_data *d, bool international);

/* text: trimmed. region: row of REGION, 0 none, -1: the row names a country nobody knows. */
void screen_number(const struct screen *s, struct str text, int region, struct phone_cell *ret);

/* What is counted. Countries, types and networks are those of rows that are kept. */
#define SCREEN_NETWORKS 16384
#define SCREEN_LINES    5
struct screen_tally {
    uint64_t rows, verdict[VERDICTS], repair[PHONE_CELL_REPAIRS], type[PHONE_TYPES];
    uint64_t line[VERDICTS][SCREEN_LINES]; /* where the first rows of it begin; 0 none */
    uint64_t *region;                      /* by row of REGION */
    size_t regions;
    struct {
        const char *name; /* NULL: free */
        uint64_t n;
    } network[SCREEN_NETWORKS]; /* by address; a name may be there more than once */
};
/* NULL: memory. */
struct screen_tally *screen_tally_new(struct arena *a, const struct phone_data *d);
/* One row. network: of phone_network(), NULL or "" for none; the pointer is kept. */
void screen_count(struct screen_tally *t, const struct phone_cell *row, const char *network, uint64_t line);
void screen_count_network(struct screen_tally *t, const char *network, uint64_t n);
uint64_t screen_class_count(const struct screen_tally *t, enum verdict_class c);

#endif
