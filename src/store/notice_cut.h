/* SPDX-License-Identifier: Apache-2.0
 * notice_cut.h - all notices, one after the other, for whoever looks for somebody in them; and cutting one.
 *
 * Notices are of no person, but what Meta writes in a field that nobody described is not ours to promise. A notice that is
 * cut stays as the word that something was said, and when; what it said is gone, and does not come back with a repeat. */
#ifndef WL_STORE_NOTICE_CUT_H
#define WL_STORE_NOTICE_CUT_H

#include "store/notices.h"

#define NOTICE_ERASED "{\"cut\":true,\"erased\":true}"

/* Oldest first, those after (at, key), the last of the page before; at most max. From INT64_MIN, INT64_MIN: from the first. */
int notices_after(struct store *s, int64_t at, int64_t key, size_t max, struct arena *a, struct notice **ret,
                  size_t *ret_n, struct err *e);
/* What it said: its subject, word and detail. One that is gone already is no error. */
int notice_cut(struct store *s, const struct notice *v, struct err *e);

#endif
