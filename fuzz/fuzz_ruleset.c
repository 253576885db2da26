/* SPDX-License-Identifier: Apache-2.0
 * fuzz_ruleset.c - any bytes as a rule file, and decisions by whatever was accepted.
 *
 * A file that is refused says why and leaves nothing behind. One that is accepted compiles to the same hash again, is
 * restored from its canonical text, and decides facts made from its own bytes: findings sorted and bounded, the verdict
 * the strongest of them, the line within its limit, the packed decision read back to the same bytes, the restored rules
 * of the same opinion, and so the rules judged one by one without the index. The same bytes are taken for stored rules,
 * which come without proof and as several sets: what is restored decides as well. */
#include <stdlib.h>

#include "core/ruleset_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Facts from the input's end, where a file usually has its tests: sensible and absurd ones. */
static struct facts facts_from(const uint8_t *data, size_t size, size_t round)
{
    struct facts f = {0};
    for (size_t i = 0; i < FACT_COUNT && size > 0; i++) {
        uint8_t byte = data[size - 1 - (i * 7 + round * 31) % size];
        if (byte % 8 == 0)
            continue;
        fact_set(&f, (enum fact_id)i, byte % 8 == 1 ? INT64_MIN + byte : byte % 8 == 2 ? INT64_MAX - byte : byte / 16);
    }
    return f;
}

static void check(const struct ruleset *rs, const struct ruleset *twin, const struct facts *f, int64_t now,
                  int64_t expires)
{
    static struct decision d, back;
    uint8_t packed[DECISION_PACKED_MAX], again[DECISION_PACKED_MAX];
    struct buf line;
    int strongest = VERDICT_ALLOW;
    decide(rs, f, now, expires, &d);
    must(d.n <= FINDINGS_MAX);
    for (size_t i = 0; i < d.n; i++) {
        must(i == 0 || strcmp(rule_id(d.finding[i - 1].rule), rule_id(d.finding[i].rule)) < 0);
        if (!d.finding[i].shadow && d.finding[i].verdict > strongest)
            strongest = d.finding[i].verdict;
    }
    must((int)d.verdict == (ruleset_decides(rs) ? strongest : VERDICT_DENY));
    must((decision_main(&d) == NULL) == (strongest == VERDICT_ALLOW));
    buf_init(&line, 4096);
    decision_details(&d, rs, f, &line);
    must(!line.failed && line.len <= 900);
    buf_done(&line);
    size_t n = decision_pack(&d, packed);
    must(n <= sizeof packed && decision_unpack(packed, n, rs, &back) == 0);
    must(decision_pack(&back, again) == n && memcmp(packed, again, n) == 0);
    decide(twin, f, now, expires, &back);
    must(decision_pack(&back, again) == n && memcmp(packed, again, n) == 0);
    decide_in_order(rs, f, now, expires, rs->by_rank, rs->n_rules, NULL, &back);
    must(decision_pack(&back, again) == n && memcmp(packed, again, n) == 0);
}

static void check_facts(const struct ruleset *rs, const struct ruleset *twin, const uint8_t *data, size_t size)
{
    for (size_t round = 0; round < 8; round++) {
        struct facts f = facts_from(data, size, round);
        check(rs, twin, &f, round % 2 ? 1795600000000 : INT64_MAX - (int64_t)round, round % 3 ? 0 : 1795600000000);
    }
}

/* The hash of a book of several sets is not that of its text, so only one set is taken under its own hash. */
static void restore(const uint8_t *data, size_t size)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    struct buf shown;
    uint8_t hash[SHA256_BYTES];
    sha256(data, size, hash);
    if (ruleset_restore(&rs, (struct str){(const char *)data, size}, hash, &e) != 0) {
        must(rs == NULL && e.text[0] != '\0');
        return;
    }
    check_facts(rs, rs, data, size);
    buf_init(&shown, 1 << 20);
    for (size_t i = 0; i < ruleset_count(rs); i++)
        for (int part = RULE_APPLIES; part <= RULE_ON_UNKNOWN; part++)
            rule_part_text(rs, ruleset_rule(rs, i), (enum rule_part)part, &shown);
    must(!shown.failed);
    buf_done(&shown);
    ruleset_free(rs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 17)
        return 0;
    restore(data, size);
    struct str text = {(const char *)data, size};
    struct ruleset *rs = NULL, *twin = NULL, *restored = NULL;
    struct err e = {0};
    int rc = ruleset_compile(&rs, "input", text, &e);
    if (rc != 0) {
        must(rs == NULL && rc == e.code && e.text[0] != '\0');
        return 0;
    }
    must(ruleset_compile(&twin, "input", text, &e) == 0);
    must(memcmp(ruleset_hash(rs), ruleset_hash(twin), SHA256_BYTES) == 0);
    must(ruleset_restore(&restored, ruleset_canonical(rs), ruleset_hash(rs), &e) == 0);
    check_facts(rs, restored, data, size);
    ruleset_free(rs);
    ruleset_free(twin);
    ruleset_free(restored);
    return 0;
}
