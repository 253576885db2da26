/* SPDX-License-Identifier: Apache-2.0
 * budget.c - the ring of cells that counts the people of the last day.
 *
 * A cell is a quarter of an hour by number: time / 15 minutes. The present cell is the later of the clock's and the
 * newest one that was written, so a clock that steps back stands still here until it has caught up, and nobody leaves
 * the count early by any clock that does not run ahead. Whoever was last reached in cell k counts while the present
 * cell is at most k + 96. What a person's row says is believed only as far as the ring knows of it: a row from the
 * ring's future, or of a cell that counts nobody, is of a person to be counted anew. Integers only; sums saturate.
 *
 * A row that says a moment is taken for the trace of one message: who is reached again while they count gets a later
 * moment, by one millisecond when time stood still. Only a cell's last millisecond may stand for several messages, and a
 * place opened then is not given back.
 *
 * Packed: version, the newest cell's number, how many cells follow, their counts from the newest backwards. */
#include "core/budget.h"

#include <string.h>

#include "core/varint.h"

#define PACK_VERSION 1
#define TIME_LAST    INT64_C(253402300799999) /* year 9999: a clock beyond is not believed */
#define PERMILLE     1000

static int64_t number_of(int64_t ms)
{
    if (ms <= 0)
        return 0;
    return (ms > TIME_LAST ? TIME_LAST : ms) / BUDGET_CELL_MS;
}

static int64_t present(const struct budget *b, int64_t now)
{
    int64_t number = number_of(now);
    return number > b->newest ? number : b->newest;
}

/* When a cell's people stop counting. */
static int64_t leaves_at(int64_t number)
{
    return (number + BUDGET_CELLS) * BUDGET_CELL_MS;
}

/* The oldest cell that still counts. */
static int64_t oldest(int64_t present_cell)
{
    return present_cell < BUDGET_CELLS ? 0 : present_cell - BUDGET_CELLS + 1;
}

bool budget_counted(const struct budget *b, int64_t opened_at, int64_t now)
{
    int64_t number = number_of(opened_at);
    return opened_at > 0 && number <= b->newest && number >= oldest(present(b, now)) &&
           b->cell[number % BUDGET_CELLS] > 0;
}

uint32_t budget_used(const struct budget *b, int64_t now)
{
    uint64_t sum = 0;
    for (int64_t k = oldest(present(b, now)); k <= b->newest; k++)
        sum += b->cell[k % BUDGET_CELLS];
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

/* The ring turns to the present cell; the places it enters are those of cells that count no more. */
static void turn(struct budget *b, int64_t to)
{
    if (to - b->newest >= BUDGET_CELLS)
        memset(b->cell, 0, sizeof b->cell);
    else
        for (int64_t k = b->newest + 1; k <= to; k++)
            b->cell[k % BUDGET_CELLS] = 0;
    b->newest = to;
}

static bool is_last_of_cell(int64_t ms)
{
    return ms % BUDGET_CELL_MS == BUDGET_CELL_MS - 1;
}

int64_t budget_take(struct budget *b, int64_t opened_at, int64_t now)
{
    bool counted = budget_counted(b, opened_at, now);
    turn(b, present(b, now));
    if (counted)
        b->cell[number_of(opened_at) % BUDGET_CELLS]--;
    uint32_t *cell = &b->cell[b->newest % BUDGET_CELLS];
    if (*cell < UINT32_MAX)
        ++*cell;
    int64_t begins = b->newest * BUDGET_CELL_MS, at = now > TIME_LAST ? TIME_LAST : now;
    if (at < begins)
        at = begins;
    if (!counted || at > opened_at)
        return at;
    return is_last_of_cell(opened_at) ? opened_at : opened_at + 1;
}

bool budget_give_back(struct budget *b, int64_t opened_at)
{
    if (is_last_of_cell(opened_at) || !budget_counted(b, opened_at, opened_at))
        return false;
    b->cell[number_of(opened_at) % BUDGET_CELLS]--;
    return true;
}

void budget_merge(struct budget *b, const struct budget *other)
{
    turn(b, other->newest > b->newest ? other->newest : b->newest);
    for (int64_t k = oldest(b->newest); k <= other->newest; k++) {
        uint32_t *cell = &b->cell[k % BUDGET_CELLS], more = other->cell[k % BUDGET_CELLS];
        *cell = more > UINT32_MAX - *cell ? UINT32_MAX : *cell + more;
    }
}

int64_t budget_when(const struct budget *b, uint32_t below, int64_t now)
{
    uint64_t left = 0;
    int64_t k = oldest(present(b, now));
    for (int64_t i = k; i <= b->newest; i++)
        left += b->cell[i % BUDGET_CELLS];
    if (left < below)
        return now;
    for (; k <= b->newest; k++) {
        left -= b->cell[k % BUDGET_CELLS];
        if (left < below)
            return leaves_at(k);
    }
    return TIME_LAST; /* below 0: never */
}

void budget_facts(const struct budget *b, int64_t limit, int reserve_permille, bool counted, int64_t now,
                  struct facts *f)
{
    fact_set(f, FACT_PORTFOLIO_COUNTED, counted);
    if (limit < 0)
        return;
    int64_t reserve = reserve_permille < 0 ? 0 : reserve_permille > PERMILLE ? PERMILLE : reserve_permille;
    int64_t known = limit > UINT32_MAX ? UINT32_MAX : limit, used = budget_used(b, now);
    int64_t open = known * (PERMILLE - reserve) / PERMILLE;
    bool bounded = limit > 0;
    if (open == 0)
        open = 1; /* what a small limit leaves beside its reserve; at none people would wait for the year 9999 */
    fact_set(f, FACT_PORTFOLIO_LIMIT, limit);
    fact_set(f, FACT_PORTFOLIO_USED, bounded ? (used * PERMILLE + known - 1) / known : 0);
    fact_set(f, FACT_PORTFOLIO_FREE_AT, bounded && used >= known ? budget_when(b, (uint32_t)known, now) : 0);
    fact_set(f, FACT_PORTFOLIO_RESERVE_AT, bounded && used >= open ? budget_when(b, (uint32_t)open, now) : 0);
}

size_t budget_pack(const struct budget *b, uint8_t out[BUDGET_PACKED_MAX])
{
    size_t n = 0, cells = 0;
    for (size_t i = 0; i < BUDGET_CELLS && (int64_t)i <= b->newest; i++)
        if (b->cell[(b->newest - (int64_t)i) % BUDGET_CELLS] > 0)
            cells = i + 1;
    if (cells == 0 && b->newest == 0)
        return 0;
    out[n++] = PACK_VERSION;
    n += varint_put(out + n, (uint64_t)b->newest);
    out[n++] = (uint8_t)cells;
    for (size_t i = 0; i < cells; i++)
        n += varint_put(out + n, b->cell[(b->newest - (int64_t)i) % BUDGET_CELLS]);
    return n;
}

/* The counts from the newest cell backwards; the last one kept counts somebody. */
static bool read_cells(const uint8_t **at, const uint8_t *end, size_t cells, struct budget *b)
{
    uint64_t v = 1;
    if (cells > BUDGET_CELLS || (int64_t)cells > b->newest + 1)
        return false;
    for (size_t i = 0; i < cells; i++) {
        if (!varint_get(at, end, &v) || v > UINT32_MAX)
            return false;
        b->cell[(b->newest - (int64_t)i) % BUDGET_CELLS] = (uint32_t)v;
    }
    return v > 0;
}

int budget_unpack(const void *p, size_t n, struct budget *ret)
{
    const uint8_t *at = p, *end = at + n;
    struct budget b;
    uint64_t v = 0;
    memset(&b, 0, sizeof b);
    if (n > 0) {
        if (*at++ != PACK_VERSION || !varint_get(&at, end, &v) || v > (uint64_t)number_of(TIME_LAST) || at == end)
            return WL_EINVAL;
        b.newest = (int64_t)v;
        size_t cells = *at++;
        if (!read_cells(&at, end, cells, &b) || at != end || (cells == 0 && b.newest == 0))
            return WL_EINVAL;
    }
    *ret = b;
    return 0;
}
