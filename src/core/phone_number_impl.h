/* SPDX-License-Identifier: Apache-2.0
 * phone_number_impl.h - between reading text (phone_number_text.c, and the short way in phone_number.c) and understanding digits.
 *
 * Nobody else includes this. */
#ifndef WL_CORE_PHONE_NUMBER_IMPL_H
#define WL_CORE_PHONE_NUMBER_IMPL_H

#include "core/phone_number.h"

#define PHONE_SLACK 24 /* readable bytes behind digits, so that they can be taken in words */

/* Digits as they are dialled, out of a text. */
struct phone_dialled {
    const char *digit; /* PHONE_SLACK readable bytes stand behind them */
    size_t n;
    bool plus;             /* a plus sign was before them */
    bool bare;             /* no region is needed */
    int region;            /* the default one, 0 none */
    struct phone_raw *raw; /* to be told what was there, or NULL */
};

/* What the digits mean: all of ret but the extension. */
void phone_dialled_read(const struct phone_data *d, const struct phone_dialled *in, struct phone_number *ret);

/* Any text at all. in: region, bare and raw are set. */
void phone_text_read(const struct phone_data *d, struct str text, struct phone_dialled *in, struct phone_number *ret);

#endif
