/* SPDX-License-Identifier: Apache-2.0
 * consent_word.h - what a cell of somebody's export says about consent: yes, no, left, not yet, a time.
 *
 * Only words of a list are a yes. A word nobody knows is none and is told apart from a no, so that it can be asked
 * about. Case, accents, blanks, hyphens and underscores make no difference. */
#ifndef WL_CORE_CONSENT_WORD_H
#define WL_CORE_CONSENT_WORD_H

#include "base/buf.h"

enum consent_says {
    CONSENT_WORD_NOTHING, /* empty, N/A, null, -, 0000-00-00 */
    CONSENT_WORD_NO,      /* no, false, 0, never */
    CONSENT_WORD_YES,     /* yes, true, 1: to whatever the column's name says */
    CONSENT_WORD_IN,      /* subscribed, opted in: a yes by itself */
    CONSENT_WORD_DATE,    /* begins as a date does */
    CONSENT_WORD_PENDING, /* pending, unconfirmed, bounced: no yes, and nobody left */
    CONSENT_WORD_REFUSED, /* declined, rejected: left where it is about consent */
    CONSENT_WORD_LEFT,    /* unsubscribed, opted out, blocked, STOP */
    CONSENT_WORD_UNKNOWN
};
enum consent_says consent_word_of(struct str cell);

/* Whether a column of this name seems to say who agreed or left: "Opted in", "Newsletter-Anmeldung". */
bool consent_word_in_name(struct str name);

#endif
