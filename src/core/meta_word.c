/* SPDX-License-Identifier: Apache-2.0
 * meta_word.c - the table of words, found by what they are said of.
 *
 * Asked for when somebody looks at a number or a template: searched from the first row to the last. */
#include "core/meta_word.h"

#include <stddef.h>

static const struct meta_word words[] = {
#define META_WORD(subject, word, means, next) {subject, word, means, next},
#include "core/meta_word.def"
#undef META_WORD
};

const struct meta_word *meta_word(enum meta_subject subject, struct str word)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].subject == subject && str_ieq(word, str_of(words[i].word)))
            return &words[i];
    return NULL;
}
