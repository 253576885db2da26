/* SPDX-License-Identifier: Apache-2.0
 * verdict.h - what can become of a row of a list of numbers, in one vocabulary for everything that reads such lists.
 *
 * The words, sentences and next steps are rows of verdict.def. */
#ifndef WL_CORE_VERDICT_H
#define WL_CORE_VERDICT_H

#include "core/number_filter.h"

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

#endif
