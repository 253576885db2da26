/* SPDX-License-Identifier: Apache-2.0
 * lists_out.h - where the numbers of a list command go: a list, a table, or lines of text.
 *
 * By the name: .wll is a list; .csv and .tsv have a header "phone"; anything else is text, one number a line, "+"
 * in front; .gz and .zst behind these compress. No name or "-": text on standard output. What was at the name is
 * replaced when all is there. */
#ifndef WL_CMD_LISTS_OUT_H
#define WL_CMD_LISTS_OUT_H

#include "core/number_algebra.h"

struct lists_out;

int lists_out_open(const char *path, struct lists_out **ret, struct err *e);
int lists_out_put(struct lists_out *o, struct number_span s, struct err *e);
int lists_out_close(struct lists_out *o, struct err *e); /* o is gone in any case */
void lists_out_drop(struct lists_out *o);                /* accepts NULL */
uint64_t lists_out_count(const struct lists_out *o);

/* All that a source has. progress may be NULL; total: numbers expected, 0 unknown. */
struct progress;
int lists_out_all(struct lists_out *o, struct number_source from, struct progress *progress, uint64_t total,
                  struct err *e);

#endif
