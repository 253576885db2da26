/* SPDX-License-Identifier: Apache-2.0
 * meta_word.h - what Meta's words about numbers, accounts and templates mean, in plain words, and what a person can do.
 *
 * Words only: what the program does by itself about a state is the business of the rules. */
#ifndef WL_CORE_META_WORD_H
#define WL_CORE_META_WORD_H

#include "base/buf.h"

enum meta_subject {
    META_NUMBER_STATUS,
    META_NUMBER_QUALITY,
    META_NAME_STATUS,
    META_HEALTH,
    META_ACCOUNT_STATE,
    META_RESTRICTION, /* of an account, by our names: templates, messages, utility, direct, payment */
    META_REVIEW,
    META_TEMPLATE_STATUS,
    META_TEMPLATE_QUALITY,
    META_TEMPLATE_REASON,
    META_NUMBER_STOP /* what stops the outbox of a number here */
};

struct meta_word {
    enum meta_subject subject;
    const char *word, *means, *next; /* next NULL: nothing is to be done */
};

/* Case ignored. NULL: a word we have none for. */
const struct meta_word *meta_word(enum meta_subject subject, struct str word);

#endif
