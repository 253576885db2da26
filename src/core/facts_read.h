/* SPDX-License-Identifier: Apache-2.0
 * facts_read.h - facts as people and programs write them: names with values, and JSON objects of such pairs.
 *
 * The library, the command line and the tests inside rule files read facts through here, so that a value means the same
 * everywhere. What is wrong is named, with the nearest fact or word that exists. */
#ifndef WL_CORE_FACTS_READ_H
#define WL_CORE_FACTS_READ_H

#include "base/json.h"
#include "core/facts.h"

/* "never", "now", "now-23h", "now+270s" or a date and time, as ms. WL_EINVAL. */
int facts_read_time(struct str text, int64_t now, int64_t *ret, struct err *e);
/* Milliseconds since 1970 as a number. WL_EINVAL before 2009 and after 9999: seconds or nanoseconds were meant then. */
int facts_read_ms(int64_t number, int64_t *ret, struct err *e);
/* One value as text; "unknown" forgets the fact. WL_EINVAL; f is unchanged then. */
int facts_read(struct facts *f, struct str name, struct str value, int64_t now, struct err *e);
/* An object of facts; numbers and booleans may stand as such, null is "unknown". All of it or nothing. */
int facts_read_json(struct facts *f, struct json object, int64_t now, struct err *e);

#endif
