/* SPDX-License-Identifier: Apache-2.0
 * fuzz_decision_block.c - any bytes as a block of decisions.
 *
 * The checksum is made to fit first, or nothing behind it would ever be reached. What must hold: the block is refused
 * with a sentence or gives as many decisions as it says; reading some facts agrees with unpacking all; and the decisions
 * it gave, written as a block and read again, are the same. A small book then tries itself on the block, in both modes,
 * as the program does without reading rows first. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/backtest.h"
#include "core/decision_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECKSUM 8

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool same(const struct logged_decision *a, const struct logged_decision *b)
{
    return a->id == b->id && a->ts == b->ts && a->ruleset == b->ruleset && a->verdict == b->verdict &&
           a->until == b->until && a->contact == b->contact && a->sender == b->sender && a->campaign == b->campaign &&
           str_eq(a->facts, b->facts) && str_eq(a->findings, b->findings);
}

/* A fact looked at alone is the fact of the whole. */
static void check_facts(struct decision_block *b, const struct logged_decision *rows)
{
    struct block_facts r;
    bool all[FACT_COUNT];
    memset(all, true, sizeof all);
    must(block_facts_open(&r, b, all, NULL) == 0);
    for (size_t i = 0; i < b->n; i++) {
        struct facts f;
        if (block_facts_at(&r, i, NULL) != 0)
            continue;
        must(facts_unpack(rows[i].facts.p, rows[i].facts.n, &f) == 0);
        must(memcmp(f.known, r.facts.known, sizeof f.known) == 0);
        for (int k = 0; k < FACT_COUNT; k++)
            must(!f.known[k] || f.value[k] == r.facts.value[k]);
    }
}

static void check_again(const struct logged_decision *rows, size_t n, struct arena *a)
{
    struct decision_block again;
    struct buf out;
    buf_init(&out, DECISION_BLOCK_BYTES);
    must(decision_block_write(&out, rows, n, NULL, a, NULL) == 0);
    must(decision_block_open(&again, buf_str(&out), NULL, a, NULL) == 0 && again.n == n);
    for (size_t i = 0; i < n; i++) {
        struct logged_decision d;
        must(decision_block_row(&again, i, a, &d, NULL) == 0 && same(&d, &rows[i]));
    }
    buf_done(&out);
}

#define CITE "    cite: [{title: T, url: 'https://example.org/t', read: 2026-11-21}]\n"
#define TEXT "    title: T\n    code: 1\n    reason: R.\n    change: c\n" CITE
#define HOLD(id, until, values, when, yes, no)                                                                         \
    "  - id: " id "\n    verdict: hold\n    on_unknown: ignore\n    until: " until                                     \
    "\n    values: {2018-01-01: " values "}\n    when: " when "\n" TEXT "    tests:\n      - {given: {" yes            \
    "}, expect: hold}\n      - {given: {" no "}, expect: none}\n"

static const char book_text[] =
    "ruleset: b\nkind: platform\nschema: 1\ntitle: B\nbasis:\n  - id: all\n    when: {fact: message.kind, known: "
    "true}\n" CITE
    "rules:\n" HOLD("cap", "{fact: marketing.sent.1, plus: $age}", "{age: 24h}",
                    "{fact: marketing.sent.1, newer_than: $age}", "marketing.sent.1: now-1s", "marketing.sent.1: never")
        HOLD("pair.rate", "{fact: pair.tat, minus: $burst}", "{interval: 6s, burst: 12s}",
             "{fact: pair.tat, ahead_by: $burst}", "pair.tat: now+13s", "pair.tat: now")
            HOLD("portfolio.full", "{fact: portfolio.free_at}", "{}", "{fact: portfolio.used, ge: 500}",
                 "portfolio.used: 500, portfolio.free_at: now+1h",
                 "portfolio.used: 0") "  - id: basis.none\n    builtin: "
                                      "true\n" TEXT "  - id: hold.past_expiry\n"
                                      "    builtin: true\n" TEXT;

static const struct ruleset *book_of(void *ctx, int64_t number)
{
    return number % 2 == 0 ? ctx : NULL;
}

/* As the program meets a block: nothing of it was looked at before. */
static void try_book(struct str bytes, bool stateful, struct arena *a)
{
    static struct ruleset *rs;
    struct decision_block b;
    const struct backtest_stopped *stopped;
    struct backtest_report report;
    struct err e = {0};
    size_t n = 0;
    if (rs == NULL)
        must(ruleset_compile(&rs, "book", str_of(book_text), &e) == 0);
    if (decision_block_open(&b, bytes, NULL, a, &e) != 0)
        return;
    struct backtest_options o = {.rules = rs, .stateful = stateful, .book = book_of, .ctx = rs};
    struct backtest *bt = backtest_create(&o, a);
    must(bt != NULL);
    if (backtest_block(bt, &b, 0, b.n, &stopped, &n, &e) != 0) {
        must(e.text[0] != '\0');
        return;
    }
    must(n <= b.n);
    for (size_t i = 0; i < n; i++)
        backtest_became(bt, &stopped[i], FATE_FAILED, (int)i, ANSWER_NO, ANSWER_YES);
    must(backtest_report(bt, &report, &e) == 0 && report.decisions == b.n);
}

static void read_block(struct str bytes, struct arena *a)
{
    struct decision_block b;
    struct err e = {0};
    if (decision_block_open(&b, bytes, NULL, a, &e) != 0) {
        must(e.text[0] != '\0');
        return;
    }
    must(b.n >= 1 && b.n <= DECISION_BLOCK_MAX);
    struct logged_decision *rows = b.n <= 256 ? arena_new_array(a, struct logged_decision, b.n) : NULL;
    for (size_t i = 0; rows != NULL && i < b.n; i++)
        if (decision_block_row(&b, i, a, &rows[i], &e) != 0) {
            must(e.text[0] != '\0');
            return;
        }
    if (rows == NULL)
        return;
    check_facts(&b, rows);
    check_again(rows, b.n, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_create(256u << 20);
    char *bytes = a != NULL && size >= CHECKSUM && size <= 1 << 16 ? arena_memdup(a, data, size) : NULL;
    if (bytes != NULL) {
        uint64_t sum = hash64(bytes, size - CHECKSUM);
        for (int i = 0; i < CHECKSUM; i++)
            bytes[size - CHECKSUM + (size_t)i] = (char)(sum >> (8 * i));
        try_book((struct str){bytes, size}, false, a);
        try_book((struct str){bytes, size}, true, a);
        read_block((struct str){bytes, size}, a);
    }
    arena_free(a);
    return 0;
}
