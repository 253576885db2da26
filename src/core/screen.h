/* SPDX-License-Identifier: Apache-2.0
 * screen.h - what is to be said of one row of a list of numbers: its verdict, of which it has exactly one.
 *
 * A number's verdict comes from its text, its region and the numbering plans alone. Nobody is asked about anybody's
 * account. Before the text is read as a number, what spreadsheets are known to do to numbers is undone where
 * that is certain (="+49170...", 491701234567.0, 4.91701234567E+11) and named where it is not (5.4E+11).
 *
 * Pure; the tally is one thread's at a time. */
#ifndef WL_CORE_SCREEN_H
#define WL_CORE_SCREEN_H

#include "base/arena.h"
#include "core/number_filter.h"
#include "core/phone_number.h"

enum verdict {
#define VERDICT(name, word, class, sentence, next) VERDICT_##name,
#include "core/verdict.def"
#undef VERDICT
    VERDICTS
};
enum verdict_class { VERDICT_KEPT, VERDICT_REPEATED, VERDICT_UNWANTED, VERDICT_WRONG };

const char *verdict_word(enum verdict v);
enum verdict_class verdict_class(enum verdict v);
const char *verdict_sentence(enum verdict v);
const char *verdict_next(enum verdict v);
int verdict_of_word(struct str word);                       /* -1: none */
enum verdict verdict_of_filter(enum number_filter_why why); /* VERDICT_OK for NUMBER_WANTED */
enum verdict verdict_of_problem(int table_problem);         /* of table_split.h; VERDICT_OK for none */

/* What was undone before reading. */
enum screen_repair {
    SCREEN_AS_WRITTEN,
    SCREEN_UNWRAPPED,
    SCREEN_DECIMAL,
    SCREEN_EXPONENT,
    SCREEN_PLUS,
    SCREEN_REPAIRS
};
const char *screen_repair_sentence(enum screen_repair r); /* "" for none */

struct screen {
    const struct phone_data *data;
    bool international;   /* a number without + begins with its country code */
    uint64_t tests[4096]; /* bits by hash of a thousand numbers: most are seen at once to hold no test number */
};
void screen_init(struct screen *s, const struct phone_data *d, bool international);

struct screened {
    struct phone_number number; /* status PHONE_OK: there is one, whatever the verdict */
    uint8_t verdict, repair;
};
/* text: trimmed. region: row of REGION, 0 none, -1: the row names a country nobody knows. */
void screen_number(const struct screen *s, struct str text, int region, struct screened *ret);

/* What is counted. Countries, types and networks are those of rows that are kept. */
#define SCREEN_NETWORKS 16384
#define SCREEN_LINES    5
struct screen_tally {
    uint64_t rows, verdict[VERDICTS], repair[SCREEN_REPAIRS], type[PHONE_TYPES];
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
void screen_count(struct screen_tally *t, const struct screened *row, const char *network, uint64_t line);
void screen_count_network(struct screen_tally *t, const char *network, uint64_t n);
uint64_t screen_class_count(const struct screen_tally *t, enum verdict_class c);

#endif
