/* SPDX-License-Identifier: Apache-2.0
 * facts.h - the table of facts as docs/facts.md has it.
 *
 * `wayleave facts` itself stands in verbs.h; this is for `wayleave help --markdown-facts`, which tools/gen-docs asks. */
#ifndef WL_CMD_FACTS_H
#define WL_CMD_FACTS_H

#include <stdio.h>

void facts_markdown(FILE *out);

#endif
