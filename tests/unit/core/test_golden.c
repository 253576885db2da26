/* SPDX-License-Identifier: Apache-2.0
 * test_golden.c - 100,000 decisions that must not change, on any machine, with any compiler, in any order of judging.
 *
 * Each case makes its facts from its own number and each fact's, so that facts added later change no other. The rules are a
 * file of the test's own. golden-decisions.txt holds the SHA-256 over all packed decisions, and the beginning of one for
 * each thousand, so that a difference is located. A changed decision is a changed product: when it is meant, write the file
 * anew with WAYLEAVE_GOLDEN_WRITE=1 and say why in the commit. */
#include "rules_fixture.h"

#include "core/ruleset_impl.h"

#define CASES    100000
#define BLOCK    1000
#define SHOWN    8 /* bytes of a block's digest in the file */
#define LINE_MAX 128

static const char *path_of(const char *name)
{
    static char path[1024];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/unit/core/%s", root ? root : ".", name);
    return path;
}

static struct ruleset *golden_set(void)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    assert_ok(ruleset_load(&rs, path_of("golden-rules.yaml"), &e), e);
    return rs;
}

/* What is sent every day, to people in several countries. */
static struct facts usual_facts(uint64_t number)
{
    static const char *const countries[] = {"CO", "CO", "FR", "FR", "US", "US", "IN", "BR", "TR", "CU"};
    static const char *const regions[] = {"US-FL", "US-CT", "US-RI", "US-TX", "US-NY"};
    uint64_t seed = ~number;
    struct facts f = number % 3 == 0 ? fixture_answer() : fixture_facts();
    fact_set(&f, FACT_RECIPIENT_UTC_MIN, -300);
    fact_set(&f, FACT_RECIPIENT_UTC_MAX, next_random(&seed) % 2 ? -300 : -180);
    fact_set_code(&f, FACT_RECIPIENT_COUNTRY, countries[next_random(&seed) % 10]);
    fact_set_code(&f, FACT_RECIPIENT_REGION, regions[next_random(&seed) % 5]);
    fact_set_code(&f, FACT_SENDER_COUNTRY, countries[next_random(&seed) % 10]);
    for (int i = 0; i < FACT_MARKETING_SENT_16 + 1; i++) /* what the fixture leaves open: never, zero, the usual word */
        if (!f.known[i] && (i < FACT_TEMPLATE_KNOWN || i > FACT_TEMPLATE_FIT))
            fact_set(&f, (enum fact_id)i, fact_info[i].type == FACT_TYPE_WORD ? 1 : 0);
    fact_set(&f, FACT_ACCOUNT_STATE, 0);
    fact_set(&f, FACT_CONSENT_RANK, 3);
    if (number % 3 && next_random(&seed) % 3 == 0)
        fact_set(&f, FACT_MESSAGE_CATEGORY, next_random(&seed) % 2 ? CATEGORY_UTILITY : CATEGORY_AUTHENTICATION);
    if (number % 3 && next_random(&seed) % 8 == 0) {
        fact_set(&f, FACT_TEMPLATE_STATUS, TEMPLATE_PAUSED);
        fact_set(&f, FACT_TEMPLATE_STATUS_AT, NOW - (int64_t)(next_random(&seed) % 10) * HOUR);
    }
    fact_set(&f, FACT_MESSAGE_EXPECTED, f.value[FACT_MESSAGE_CATEGORY]);
    return f;
}

/* One fact in 8 or, every other case, in 32 is not usual: sensible, absurd or unknown. */
static struct facts golden_facts(uint64_t number)
{
    struct facts f = {0}, usual = usual_facts(number);
    for (int i = 0; i < FACT_COUNT; i++) {
        uint64_t seed = number * 1000003 + (uint64_t)i, r = next_random(&seed) % (number % 2 ? 8 : 32) * 8;
        r += next_random(&seed) % 8;
        if (r >= 8 && usual.known[i])
            fact_set(&f, (enum fact_id)i, usual.value[i]);
        else if (r == 0)
            fact_set(&f, (enum fact_id)i, (int64_t)next_random(&seed));
        else if (r < 6)
            fact_set(&f, (enum fact_id)i, sensible_value(i, &seed));
    }
    return f;
}

/* Two months from today, or years away. */
static int64_t golden_time(uint64_t number, uint64_t *seed)
{
    int64_t year = 365 * 24 * HOUR, now = NOW + (int64_t)(next_random(seed) % (60 * 24 * HOUR));
    return number % 9 == 0 ? now - 3 * year : number % 11 == 0 ? now - 6 * year : number % 13 == 0 ? now + year : now;
}

static void shuffle(uint16_t *order, size_t n, uint64_t *seed)
{
    for (size_t k = 0; k < n; k++)
        order[k] = (uint16_t)k;
    for (size_t k = n - 1; k > 0; k--) {
        size_t with = next_random(seed) % (k + 1);
        uint16_t kept = order[k];
        order[k] = order[with];
        order[with] = kept;
    }
}

/* One case, packed; judged again rule by rule in another order. */
static size_t golden_case(const struct ruleset *rs, uint64_t number, uint8_t *out)
{
    static struct decision d, again;
    static uint8_t other[DECISION_PACKED_MAX];
    uint16_t order[RULES_MAX];
    uint64_t seed = number;
    struct facts f = golden_facts(number);
    int64_t now = golden_time(number, &seed);
    int64_t expires = number % 5 ? 0 : now + 12 * HOUR;
    decide(rs, &f, now, expires, &d);
    size_t n = decision_pack(&d, out);
    shuffle(order, rs->n_rules, &seed);
    decide_in_order(rs, &f, now, expires, order, rs->n_rules, NULL, &again);
    assert_int_equal(decision_pack(&again, other), n);
    assert_memory_equal(out, other, n);
    return n;
}

static void digests(const struct ruleset *rs, char (*line)[LINE_MAX])
{
    struct sha256_state *all = sha256_begin();
    uint8_t packed[DECISION_PACKED_MAX], sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    for (uint64_t b = 0; b < CASES / BLOCK; b++) {
        struct sha256_state *block = sha256_begin();
        for (uint64_t i = b * BLOCK; i < (b + 1) * BLOCK; i++) {
            size_t n = golden_case(rs, i, packed);
            sha256_add(block, packed, n);
            sha256_add(all, packed, n);
        }
        sha256_end(block, sum);
        hex_encode(sum, SHOWN, hex);
        snprintf(line[b], LINE_MAX, "%llu %s\n", (unsigned long long)b * BLOCK, hex);
    }
    sha256_end(all, sum);
    hex_encode(sum, SHA256_BYTES, hex);
    snprintf(line[CASES / BLOCK], LINE_MAX, "all %s\n", hex);
}

TEST(a_hundred_thousand_decisions_are_what_they_were)
{
    static char line[CASES / BLOCK + 1][LINE_MAX];
    struct ruleset *rs = golden_set();
    char want[LINE_MAX];
    bool write = getenv("WAYLEAVE_GOLDEN_WRITE") != NULL;
    digests(rs, line);
    FILE *f = fopen(path_of("golden-decisions.txt"), write ? "w" : "r");
    assert_non_null(f);
    for (size_t i = 0; i <= CASES / BLOCK; i++) {
        if (write)
            assert_true(fputs(line[i], f) >= 0);
        else if (fgets(want, sizeof want, f) == NULL || strcmp(want, line[i]) != 0)
            fail_msg("decisions from case %zu on are not what they were: %s", i * BLOCK, line[i]);
    }
    assert_int_equal(fclose(f), 0);
    ruleset_free(rs);
}

/* A digest of nothing but denials by one rule would watch over little. */
TEST(the_cases_reach_every_rule_and_every_verdict)
{
    struct ruleset *rs = golden_set();
    static size_t fired[RULES_MAX];
    size_t verdicts[3] = {0}, silent = 0;
    uint8_t packed[DECISION_PACKED_MAX];
    for (uint64_t i = 0; i < CASES; i += 2) {
        struct decision d;
        size_t n = golden_case(rs, i, packed);
        assert_int_equal(decision_unpack(packed, n, rs, &d), 0);
        verdicts[d.verdict]++;
        for (size_t k = 0; k < d.n; k++)
            fired[d.finding[k].index]++;
    }
    for (size_t k = 0; k < ruleset_count(rs); k++) {
        if (fired[k] == 0 && rule_mode_of(ruleset_rule(rs, k)) != MODE_OFF) {
            print_message("never: %s\n", rule_id(ruleset_rule(rs, k)));
            silent++;
        }
    }
    print_message("%zu allowed, %zu held, %zu denied\n", verdicts[0], verdicts[1], verdicts[2]);
    assert_true(verdicts[0] > 100 && verdicts[1] > 100 && verdicts[2] > 100);
    assert_int_equal(silent, 0);
    ruleset_free(rs);
}

TESTS(T(a_hundred_thousand_decisions_are_what_they_were), T(the_cases_reach_every_rule_and_every_verdict))
