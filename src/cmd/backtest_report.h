/* SPDX-License-Identifier: Apache-2.0
 * backtest_report.h - a backtest's report as a table for people, as CSV and as JSON lines for programs.
 *
 * CSV and JSON lines hold the same rows of the same seven columns (docs/backtest.md), all of them; the table shows the
 * groups with the most changes. */
#ifndef WL_CMD_BACKTEST_REPORT_H
#define WL_CMD_BACKTEST_REPORT_H

#include <stdio.h>

#include "core/backtest.h"

enum backtest_format { BACKTEST_TABLE, BACKTEST_JSON, BACKTEST_CSV };
/* -1 for another word. */
int backtest_format_named(const char *word);

struct backtest_about {
    const struct ruleset *rules;
    bool stateful;
    int bucket;       /* of the messages, for their ids */
    uint64_t damaged; /* blocks that could not be read */
};

void backtest_print(FILE *out, enum backtest_format format, const struct backtest_report *r,
                    const struct backtest_about *about);

#endif
