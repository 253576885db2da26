/* SPDX-License-Identifier: Apache-2.0
 * similar.h - are two short messages the same text, nearly the same, or different ones?
 *
 * Text is folded to what a reader sees (NFKC, case, look-alikes of mixed-script words, invisible characters, punctuation and
 * runs of space), digits and links are masked, and the set of its character 4-grams (2-grams where the script has no
 * spaces) is summed up by 128 smallest hashes of 8 bits each (MinHash, Broder 1997). The share of equal ones estimates the
 * Jaccard similarity, with a standard error of at most 44 permille. Nothing is learned and nothing is random: same
 * text, same signature, on every machine. Any number of threads may call these functions at once. */
#ifndef WL_CORE_SIMILAR_H
#define WL_CORE_SIMILAR_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define SIMILAR_SIZE     128
#define SIMILAR_TEXT_MAX 32768 /* bytes looked at; the rest of a longer text does not count */
#define SIMILAR_SAME     800   /* permille */
#define SIMILAR_NEAR                                                                                                   \
    470 /* chosen by test_similar_recall.c: at 500 one text in twelve with a fifth of its words replaced is missed */

struct signature {
    uint8_t min[SIMILAR_SIZE];
    uint32_t grams;  /* different ones the text has, told apart by 16 bits; 0: nothing to compare, similar to nothing */
    uint64_t masked; /* hash of its numbers and links, in order; places for values ("{{1}}") are none */
};

/* Bytes that are no UTF-8 are taken as U+FFFD; never fails. A text without letters, of numbers and links, has nothing to
 * compare. */
void similar_signature(struct str text, struct signature *ret);
int similar_permille(const struct signature *a, const struct signature *b);
/* The same of two fixed texts, whose numbers and links are their own words: below `same` when those differ ("Sale 20 % off",
 * "Sale 50 % off"). */
int similar_fixed(const struct signature *a, const struct signature *b, int same);

/* The normalised, masked text itself (for tests and explanations), and a hash of it that is equal for equal texts. In a text
 * without letters nothing is masked. */
void similar_normalise(struct str text, struct buf *out);
uint64_t similar_hash(struct str text);
/* Of a fixed text: equal only where its numbers and links are equal too. */
uint64_t similar_fixed_hash(struct str text);

/* Two messages made of fixed texts A and B and values: permille of common text that is certain whatever the values are.
 * fixed: similarity of the two fixed texts; share_a, share_b: permille of each whole message that its fixed text makes.
 * With equal values it is `fixed`. For one fixed text s of whole texts a, b: s / (a + b - s). */
int similar_at_least(int fixed, int share_a, int share_b);

/* How `now` differs from `before`: runs of words, in order, that are common, only before, or only now. */
enum span_kind { SPAN_COMMON, SPAN_BEFORE, SPAN_NOW };
struct span {
    enum span_kind kind;
    struct str text; /* a slice of the text it is from (of `now` when common) */
};
#define SPANS_MAX 256
/* In the arena, of which it takes about 150 KiB. Texts are compared up to their 2,000th word, and not beyond
 * SIMILAR_TEXT_MAX; when the spans run out, all that is left is one change. */
int similar_spans(struct str before, struct str now, struct arena *a, struct span **ret, size_t *ret_n, struct err *e);

#endif
