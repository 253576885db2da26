/* SPDX-License-Identifier: Apache-2.0
 * decision_block.h - thousands of recorded decisions as columns, and back to the same bytes.
 *
 * A block holds what the rows of the decision log hold (ids, times, verdict, packed facts and findings) and whose
 * message it was, one column for each thing, so that what repeats costs nothing. Columns are compressed one by one by
 * whatever codec the owner gives, and read one by one: who asks for three facts pays for three. Facts and findings
 * come back byte for byte, those of newer releases too. A block names its version and ends with a checksum; damage
 * is refused with what is wrong, and what passes the checksum is still read with suspicion. */
#ifndef WL_CORE_DECISION_BLOCK_H
#define WL_CORE_DECISION_BLOCK_H

#include "base/arena.h"
#include "core/facts.h"
#include "core/int_column.h"

#define DECISION_BLOCK_ROWS  4096  /* the usual size: what fits the caches, and little to write at once */
#define DECISION_BLOCK_MAX   16384 /* rows a reader accepts */
#define DECISION_BLOCK_BYTES (64u << 20)

struct logged_decision {
    int64_t id, ts;
    int64_t ruleset; /* number of the book */
    int64_t verdict, until;
    int64_t contact, sender, campaign; /* of the message; 0 unknown */
    struct str facts, findings;        /* packed */
};

/* Both return bytes written; squeeze 0 when that is not less, expand exactly n or it was damage. */
struct block_codec {
    size_t (*squeeze)(void *ctx, void *out, size_t room, const void *p, size_t n);
    size_t (*expand)(void *ctx, void *out, size_t n, const void *p, size_t stored);
    void *ctx;
};

/* Appends one block of 1 to DECISION_BLOCK_MAX rows; codec NULL: nothing is compressed. The arena is scratch. */
int decision_block_write(struct buf *out, const struct logged_decision *rows, size_t n, const struct block_codec *codec,
                         struct arena *a, struct err *e);

/* The columns that stand for one number a decision; facts follow at BLOCK_FACTS + enum fact_id. */
enum block_number {
    BLOCK_TS,
    BLOCK_ID_MS,    /* id >> 22 */
    BLOCK_ID_COUNT, /* the 22 bits below */
    BLOCK_RULESET,
    BLOCK_VERDICT,
    BLOCK_UNTIL,
    BLOCK_CONTACT,
    BLOCK_SENDER,
    BLOCK_CAMPAIGN,
    BLOCK_COVERS,   /* facts the packed form covers; -1: it is none and kept as it is */
    BLOCK_FINDINGS, /* number of the text of the findings */
    BLOCK_NUMBERS,
    BLOCK_TIMES = BLOCK_NUMBERS, /* the times taken out of findings, in order */
    BLOCK_TEXTS,                 /* texts of findings without their times */
    BLOCK_ODD,                   /* facts that are no packed facts */
    BLOCK_FACTS = 16,
    BLOCK_COLUMNS = BLOCK_FACTS + 256
};

struct block_text;
struct decision_block {
    size_t n;
    struct arena *arena;
    const struct block_codec *codec;
    struct {
        struct str stored;
        size_t raw;
        bool present, read;
        struct int_column column;
    } at[BLOCK_COLUMNS];
    const struct block_text *text; /* of findings; NULL until asked for */
    size_t n_texts;
    struct int_column times;
    const uint32_t *first_time; /* by row */
    const struct str *odd;      /* by row */
};

/* bytes and arena must outlive the block; the codec is used whenever a column is first asked for. */
int decision_block_open(struct decision_block *ret, struct str bytes, const struct block_codec *codec, struct arena *a,
                        struct err *e);
/* The column of a number or a fact; all unknown where no decision knows it. */
int decision_block_numbers(struct decision_block *b, int column, struct int_column *ret, struct err *e);
/* One decision as it was given to decision_block_write(). Reads every column the first time. */
int decision_block_row(struct decision_block *b, size_t i, struct arena *a, struct logged_decision *ret, struct err *e);
/* Its findings alone. */
int decision_block_findings(struct decision_block *b, size_t i, struct arena *a, struct str *ret, struct err *e);
int64_t decision_block_id(const struct decision_block *b, size_t i); /* both columns of ids must have been read */

/* Some facts of many decisions, in order: the facts not wanted stay unknown. */
struct block_facts {
    struct facts facts; /* of the row last asked for */
    size_t n;
    struct {
        const int64_t *v;
        const bool *known;
        uint8_t fact;
    } moving[FACT_COUNT]; /* what is not the same in every row */
    const int64_t *covers;
    struct decision_block *block;
    bool wanted[FACT_COUNT];
};
int block_facts_open(struct block_facts *ret, struct decision_block *b, const bool wanted[FACT_COUNT], struct err *e);
int block_facts_at(struct block_facts *r, size_t i, struct err *e); /* fills r->facts */

#endif
