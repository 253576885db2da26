/* SPDX-License-Identifier: Apache-2.0
 * phone_compile.h - numbering plans as reviewed text (data/phone/) to the tables of phone_file.h.
 *
 * Pure: the texts come in, the file's bytes go out. Accepts any plan libphonenumber's metadata can state, its own test metadata included;
 * every complaint names file and line. The same texts give the same bytes. */
#ifndef WL_CORE_PHONE_COMPILE_H
#define WL_CORE_PHONE_COMPILE_H

#include "base/buf.h"
#include "base/err.h"
#include "core/phone_file.h"

struct phone_text {
    const char *name; /* for complaints: "numbers.tsv" */
    struct str text;
};

#define PHONE_COMPILE_MS_AIM 500 /* of the world's plans */

/* numbers is required; zones and carriers may be NULL. `out` must hold PHONE_FILE_MAX. WL_EINVAL: `e` has "numbers.tsv:12: ...". */
int phone_compile(const struct phone_text *numbers, const struct phone_text *zones, const struct phone_text *carriers,
                  struct buf *out, struct err *e);

#endif
