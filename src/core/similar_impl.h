/* SPDX-License-Identifier: Apache-2.0
 * similar_impl.h - what the files behind similar.h share: a text folded to what a reader sees, in pieces.
 *
 * Folded: bytes that are no UTF-8 are U+FFFD; letters of another script put into a word for their looks become those they
 * look like; compatibility forms, case and invisible characters are gone (NFKC_Casefold); what is neither letter nor
 * number parts words; between words stands one space, and none between letters of scripts that have no spaces.
 * Letters typed one by one ("w o n") are one word. */
#ifndef WL_CORE_SIMILAR_IMPL_H
#define WL_CORE_SIMILAR_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FOLD_NUMBER '0' /* what a masked number is, */
#define FOLD_LINK   '/' /* and what a masked link is: no folded text has another '/' */

enum fold_flags {
    FOLD_MASK = 1,    /* numbers, codes and links are one sign each; digits that stand for letters are letters */
    FOLD_SYMBOLS = 2, /* what is neither letter nor number is kept: for texts without letters */
};

/* Gets the folded text, in order, a piece at a time. */
typedef void fold_sink(void *to, const uint32_t *p, size_t n);
/* Returns a hash of what was masked, in order; numbers in braces, which are places for values, are not in it. */
uint64_t fold_text(struct str text, unsigned flags, fold_sink *sink, void *to);

#define FOLD_HASH 0x9E3779B97F4A7C15u
static inline uint64_t fold_mix(uint64_t h, uint32_t c)
{
    h = (h ^ c) * FOLD_HASH;
    return h ^ h >> 29;
}

/* Whether a piece of masked text has anything in it but masks. */
static inline bool fold_plain(const uint32_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != FOLD_NUMBER && p[i] != FOLD_LINK && p[i] != ' ')
            return true;
    return false;
}

/* Letters of a script that is written without spaces: a pair of them says as much as four of another. */
static inline bool fold_spaceless(uint32_t c)
{
    if (c < 0x0E00) /* most letters of most texts */
        return false;
    return c <= 0x0EFF ||                  /* Thai, Lao */
           (c >= 0x1000 && c <= 0x109F) || /* Myanmar */
           (c >= 0x1780 && c <= 0x17FF) || /* Khmer */
           (c >= 0x3040 && c <= 0x30FF) || /* kana */
           (c >= 0x31F0 && c <= 0x31FF) || /* kana of Ainu */
           (c >= 0x3400 && c <= 0x9FFF) || /* Han */
           (c >= 0xF900 && c <= 0xFAFF) || /* Han, compatibility */
           (c >= 0x20000 && c <= 0x3FFFF); /* Han, further planes */
}

#endif
