/* SPDX-License-Identifier: Apache-2.0
 * header_words.h - the words in a column's name, whatever case, accents, blanks and punctuation it is written with.
 *
 * Names of countries are folded the same way. Nothing is translated: the tables hold the words of every language. */
#ifndef WL_CORE_HEADER_WORDS_H
#define WL_CORE_HEADER_WORDS_H

#include "base/buf.h"

#define HEADER_BYTES 96 /* of a name; longer ones are questions of a form, and nobody's alias */
#define HEADER_WORDS 12

struct header_words {
    char whole[HEADER_BYTES]; /* "phone#value" of "Phone 1 - Value": digits become one '#', the rest is joined */
    size_t n;
    char room[HEADER_BYTES + HEADER_WORDS];
    const char *word[HEADER_WORDS]; /* "phone", "#", "value" */
    size_t words;
};

/* Letters of Latin scripts lose their accents, those of other scripts stay as they are (Cyrillic in lower case).
 * "phoneNumber" is two words. False: too long, or nothing left. */
bool header_fold(struct str name, struct header_words *ret);
bool header_has(const struct header_words *h, const char *word);

#endif
