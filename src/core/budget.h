/* SPDX-License-Identifier: Apache-2.0
 * budget.h - how many different people a portfolio reached outside windows in the last 24 hours (docs/platform.md §3.3).
 *
 * A ring of 96 cells of 15 minutes holds how many people were last reached in each; a person counts until 24 hours
 * after the end of the cell of their last message, so the count is never short and at most a quarter of an hour late.
 * Who reaches a person again moves them to the present cell; when that was is the person's own row (store/reach).
 * A clock that steps back adds to the newest cell. */
#ifndef WL_CORE_BUDGET_H
#define WL_CORE_BUDGET_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/facts.h"

#define BUDGET_CELLS   97 /* 96 full ones and the one that is filling */
#define BUDGET_CELL_MS (15 * INT64_C(60000))
#define BUDGET_DAY_MS  (24 * INT64_C(3600000))

struct budget {
    int64_t newest;              /* number of the newest cell: time / BUDGET_CELL_MS */
    uint32_t cell[BUDGET_CELLS]; /* by number % BUDGET_CELLS */
};

/* Whether a person last reached at `opened_at` (0 never) still counts at `now`. */
bool budget_counted(const struct budget *b, int64_t opened_at, int64_t now);
uint32_t budget_used(const struct budget *b, int64_t now);
/* A message outside windows to a person last reached at `opened_at`; returns the opened_at to keep. */
int64_t budget_take(struct budget *b, int64_t opened_at, int64_t now);
/* The message that made a person count reached nobody: their place is free again. opened_at: what budget_take()
 * returned for it, and the person's row still says. False: the place stays taken (budget.c says when). */
bool budget_give_back(struct budget *b, int64_t opened_at);
/* The people of `other` count here as well; who is in both counts twice, until they leave. */
void budget_merge(struct budget *b, const struct budget *other);
/* First moment at which fewer than `below` people count, if nobody else is reached; now or earlier: already. */
int64_t budget_when(const struct budget *b, uint32_t below, int64_t now);
/* portfolio.*: limit 0 = without limit, < 0 = unknown; reserve in permille of the limit. */
void budget_facts(const struct budget *b, int64_t limit, int reserve_permille, bool counted, int64_t now,
                  struct facts *f);

#define BUDGET_PACKED_MAX 600
size_t budget_pack(const struct budget *b, uint8_t out[BUDGET_PACKED_MAX]);
int budget_unpack(const void *p, size_t n, struct budget *ret);

#endif
