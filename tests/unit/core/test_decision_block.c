/* SPDX-License-Identifier: Apache-2.0
 * test_decision_block.c - what goes into a block of decisions comes out of it, and damage is refused. */
#include "core/decision_block.h"

#include "base/digest.h"
#include "core/decide.h"
#include "core/varint.h"
#include "rules_fixture.h"

#define ARENA (256u << 20)

struct bed {
    struct arena *a;
    struct buf block;
    struct err e;
    struct logged_decision rows[1000];
};

static struct bed *bed_new(void)
{
    static struct bed b;
    b = (struct bed){.a = arena_create(ARENA)};
    buf_init(&b.block, DECISION_BLOCK_BYTES);
    return &b;
}

static void bed_done(struct bed *b)
{
    buf_done(&b->block);
    arena_free(b->a);
}

/* A codec anybody can check: a run of one byte becomes that byte and its length in four. */
static size_t squeeze(void *ctx, void *out, size_t room, const void *p, size_t n)
{
    uint8_t *to = out;
    ++*(int *)ctx;
    if (n < 6 || room < 5 || memcmp(p, (const char *)p + 1, n - 1) != 0)
        return 0;
    to[0] = *(const uint8_t *)p;
    for (int i = 0; i < 4; i++)
        to[1 + i] = (uint8_t)(n >> (8 * i));
    return 5;
}

static size_t expand(void *ctx, void *out, size_t n, const void *p, size_t stored)
{
    const uint8_t *from = p;
    (void)ctx;
    if (stored != 5)
        return 0;
    size_t said = from[1] | (size_t)from[2] << 8 | (size_t)from[3] << 16 | (size_t)from[4] << 24;
    if (said == n)
        memset(out, from[0], n);
    return said;
}

static void pack_facts(struct bed *b, struct logged_decision *d, const struct facts *f)
{
    uint8_t *out = arena_alloc(b->a, FACTS_PACKED_MAX);
    d->facts = (struct str){(char *)out, facts_pack(f, out)};
}

static void pack_findings(struct bed *b, struct logged_decision *d, const struct ruleset *rs, const struct facts *f)
{
    struct decision found;
    uint8_t *out = arena_alloc(b->a, DECISION_PACKED_MAX);
    decide(rs, f, d->ts, 0, &found);
    d->verdict = (int64_t)found.verdict;
    d->until = found.until;
    d->findings = (struct str){(char *)out, decision_pack(&found, out)};
}

/* Decisions as the gateway makes them, about facts from anywhere. */
static size_t usual_rows(struct bed *b, size_t n, bool absurd)
{
    uint64_t seed = 7;
    struct ruleset *rs = shipped_set();
    for (size_t i = 0; i < n; i++) {
        struct facts f = absurd ? random_facts(&seed) : fixture_facts();
        fact_set(&f, FACT_PAIR_TAT, NOW + (int64_t)(next_random(&seed) % 600000) - 200000);
        b->rows[i] = (struct logged_decision){.id = ((NOW + (int64_t)i / 3) << 22) + (int64_t)i % 3,
                                              .ts = NOW + (int64_t)i / 3,
                                              .ruleset = 1 + (int64_t)i / 600,
                                              .contact = (int64_t)(next_random(&seed) % 5000) * 4096,
                                              .sender = 111,
                                              .campaign = i % 7 == 0 ? 5 : 0};
        pack_facts(b, &b->rows[i], &f);
        pack_findings(b, &b->rows[i], rs, &f);
    }
    ruleset_free(rs);
    return n;
}

static void assert_bytes(struct str got, struct str want)
{
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.p, want.p, want.n);
}

static void assert_round_trip(struct bed *b, size_t n, const struct block_codec *codec)
{
    struct decision_block block;
    struct arena *scratch = arena_create(ARENA);
    buf_clear(&b->block);
    assert_ok(decision_block_write(&b->block, b->rows, n, codec, scratch, &b->e), b->e);
    arena_reset(scratch);
    assert_ok(decision_block_open(&block, buf_str(&b->block), codec, scratch, &b->e), b->e);
    assert_int_equal(block.n, n);
    for (size_t k = 0; k < n; k++) {
        size_t i = k * 7 % n; /* in no order */
        struct logged_decision d;
        assert_ok(decision_block_row(&block, i, scratch, &d, &b->e), b->e);
        const struct logged_decision *want = &b->rows[i];
        assert_true(d.id == want->id && d.ts == want->ts && d.ruleset == want->ruleset && d.verdict == want->verdict);
        assert_true(d.until == want->until && d.contact == want->contact && d.sender == want->sender);
        assert_true(d.campaign == want->campaign);
        assert_bytes(d.facts, want->facts);
        assert_bytes(d.findings, want->findings);
    }
    arena_free(scratch);
}

TEST(decisions_come_back_byte_for_byte)
{
    struct bed *b = bed_new();
    for (int absurd = 0; absurd < 2; absurd++) {
        usual_rows(b, 999, absurd);
        for (size_t n = 1; n <= 999; n = n * 3 + 1)
            assert_round_trip(b, n, NULL);
        assert_round_trip(b, 999, NULL);
    }
    bed_done(b);
}

TEST(any_bytes_come_back)
{
    struct bed *b = bed_new();
    uint64_t seed = 3;
    for (int turn = 0; turn < 40; turn++) {
        for (size_t i = 0; i < 60; i++) {
            struct logged_decision *d = &b->rows[i];
            int64_t *numbers[] = {&d->id,    &d->ts,      &d->ruleset, &d->verdict,
                                  &d->until, &d->contact, &d->sender,  &d->campaign};
            for (size_t k = 0; k < 8; k++)
                *numbers[k] = (int64_t)next_random(&seed) >> (next_random(&seed) % 64);
            struct str *texts[] = {&d->facts, &d->findings};
            for (size_t k = 0; k < 2; k++) {
                size_t n = next_random(&seed) % 80;
                char *bytes = arena_alloc(b->a, n);
                for (size_t at = 0; at < n; at++) /* many that look like the first bytes of a time */
                    bytes[at] = (char)(next_random(&seed) | (next_random(&seed) % 3 ? 0x80 : 0));
                *texts[k] = (struct str){bytes, n};
            }
        }
        assert_round_trip(b, 60, NULL);
    }
    bed_done(b);
}

TEST(facts_of_a_newer_release_are_kept_and_skipped)
{
    struct bed *b = bed_new();
    static uint8_t newer[] = {255, 1, [32] = 0x40, [33] = 4, [34] = 10}; /* facts 0 and 254 */
    for (size_t i = 0; i < 9; i++)
        b->rows[i] = (struct logged_decision){.id = (int64_t)i, .facts = {(char *)newer, sizeof newer}};
    assert_round_trip(b, 9, NULL);
    struct decision_block block;
    struct block_facts r;
    bool all[FACT_COUNT];
    memset(all, true, sizeof all);
    assert_ok(decision_block_open(&block, buf_str(&b->block), NULL, b->a, &b->e), b->e);
    assert_ok(block_facts_open(&r, &block, all, &b->e), b->e);
    assert_ok(block_facts_at(&r, 3, &b->e), b->e);
    assert_true(r.facts.known[0] && r.facts.value[0] == 2);
    for (int i = 1; i < FACT_COUNT; i++)
        assert_false(r.facts.known[i]);
    bed_done(b);
}

TEST(wanted_facts_are_those_of_the_row)
{
    struct bed *b = bed_new();
    bool wanted[FACT_COUNT] = {false};
    struct decision_block block;
    struct block_facts r;
    usual_rows(b, 500, true);
    for (int i = 0; i < FACT_COUNT; i += 2)
        wanted[i] = true;
    assert_ok(decision_block_write(&b->block, b->rows, 500, NULL, b->a, &b->e), b->e);
    assert_ok(decision_block_open(&block, buf_str(&b->block), NULL, b->a, &b->e), b->e);
    assert_ok(block_facts_open(&r, &block, wanted, &b->e), b->e);
    for (size_t i = 0; i < 500; i++) {
        struct facts want;
        assert_int_equal(facts_unpack(b->rows[i].facts.p, b->rows[i].facts.n, &want), 0);
        assert_ok(block_facts_at(&r, i, &b->e), b->e);
        for (int f = 0; f < FACT_COUNT; f++) {
            assert_int_equal(r.facts.known[f], wanted[f] && want.known[f]);
            if (r.facts.known[f])
                assert_true(r.facts.value[f] == want.value[f]);
        }
    }
    assert_true(block.at[BLOCK_FACTS].read && !block.at[BLOCK_FACTS + 1].read); /* what nobody asked for was left */
    bed_done(b);
}

TEST(a_column_that_shrinks_is_stored_small)
{
    struct bed *b = bed_new();
    int calls = 0;
    const struct block_codec codec = {squeeze, expand, &calls};
    for (size_t i = 0; i < 10; i++) /* ten times no facts, which is odd, and a column of ten zeros */
        b->rows[i] = (struct logged_decision){.id = (int64_t)i << 22, .ts = (int64_t)i};
    assert_round_trip(b, 10, &codec);
    struct decision_block block;
    assert_ok(decision_block_open(&block, buf_str(&b->block), &codec, b->a, &b->e), b->e);
    assert_int_equal(block.at[BLOCK_ODD].raw, 10);
    assert_int_equal(block.at[BLOCK_ODD].stored.n, 5);
    assert_true(calls > 0);
    bed_done(b);
}

static void seal(struct buf *block)
{
    uint64_t sum = hash64(block->data, block->len - 8);
    for (size_t i = 0; i < 8; i++)
        block->data[block->len - 8 + i] = (char)(sum >> (8 * i));
}

/* Whatever it says, reading ends, within its memory, with rows or a sentence. */
static int read_all(struct bed *b)
{
    struct decision_block block;
    struct block_facts r;
    struct logged_decision d;
    bool all[FACT_COUNT];
    struct arena *a = arena_create(ARENA);
    b->e = (struct err){0};
    memset(all, true, sizeof all);
    int rc = decision_block_open(&block, buf_str(&b->block), NULL, a, &b->e);
    size_t n = rc == 0 ? block.n : 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = decision_block_row(&block, i, a, &d, &b->e);
    if (n > 0 && block_facts_open(&r, &block, all, NULL) == 0)
        for (size_t i = 0; i < n; i++)
            block_facts_at(&r, i, NULL);
    arena_free(a);
    return rc;
}

TEST(damage_is_refused_and_named)
{
    struct bed *b = bed_new();
    usual_rows(b, 40, true);
    assert_ok(decision_block_write(&b->block, b->rows, 40, NULL, b->a, &b->e), b->e);
    size_t n = b->block.len;
    for (size_t cut = 0; cut < n; cut += 1 + cut / 50) {
        b->block.len = cut;
        assert_int_equal(read_all(b), WL_EINVAL);
        assert_true(strlen(b->e.text) > 20);
    }
    b->block.len = n;
    for (size_t at = 0; at < n; at++) {
        b->block.data[at] ^= 0x41;
        assert_int_equal(read_all(b), WL_EINVAL);
        b->block.data[at] ^= 0x41;
    }
    assert_int_equal(read_all(b), 0);
    b->block.data[3] = 9;
    assert_int_equal(read_all(b), WL_EINVAL);
    assert_non_null(strstr(b->e.text, "format 9"));
    bed_done(b);
}

/* A checksum made to fit protects nothing: the limits of each column do. */
TEST(forged_blocks_do_no_harm)
{
    struct bed *b = bed_new();
    uint64_t seed = 11;
    size_t refused = 0;
    usual_rows(b, 24, true);
    assert_ok(decision_block_write(&b->block, b->rows, 24, NULL, b->a, &b->e), b->e);
    size_t n = b->block.len;
    char *good = arena_memdup(b->a, b->block.data, n);
    for (int i = 0; i < 4000; i++) {
        for (uint64_t k = 0; k <= next_random(&seed) % 3; k++)
            b->block.data[4 + next_random(&seed) % (n - 4)] = (char)next_random(&seed);
        seal(&b->block);
        refused += read_all(b) != 0;
        memcpy(b->block.data, good, n);
    }
    assert_true(refused > 200 && refused < 4000); /* some say other decisions, and that is all */
    bed_done(b);
}

TEST(too_many_rows_are_refused)
{
    struct bed *b = bed_new();
    assert_int_equal(decision_block_write(&b->block, b->rows, 0, NULL, b->a, &b->e), WL_EINVAL);
    assert_int_equal(decision_block_write(&b->block, b->rows, DECISION_BLOCK_MAX + 1, NULL, b->a, &b->e), WL_EINVAL);
    bed_done(b);
}

TESTS(T(decisions_come_back_byte_for_byte), T(any_bytes_come_back), T(facts_of_a_newer_release_are_kept_and_skipped),
      T(wanted_facts_are_those_of_the_row), T(a_column_that_shrinks_is_stored_small), T(damage_is_refused_and_named),
      T(forged_blocks_do_no_harm), T(too_many_rows_are_refused))
