/* SPDX-License-Identifier: Apache-2.0
 * rules_fixture.h - what the tests of rules share: the shipped set, small sets as text, and facts in short form.
 *
 * tiny_set() wraps rules under test in the least a set must have. fixture_facts() starts from a message that the
 * shipped set allows, so that a test changes one thing and sees what that one thing does. */
#ifndef WL_TESTS_RULES_FIXTURE_H
#define WL_TESTS_RULES_FIXTURE_H

#include "core/decide.h"
#include "core/intent.h"
#include "core/ruleset.h"
#include "core/template.h"
#include "t.h"

#define NOW  1795600000000 /* 2026-11-25 */
#define HOUR 3600000LL

#define TINY_CITE "    cite: [{title: T, url: 'https://example.org/t', read: 2026-11-21}]\n"
#define TINY_HEAD                                                                                                      \
    "ruleset: tiny\nkind: platform\nschema: 1\ntitle: Tiny\nbasis:\n  - id: all\n    when: {fact: message.kind, "      \
    "known: "                                                                                                          \
    "true}\n" TINY_CITE "rules:\n"
#define TINY_TAIL                                                                                                      \
    "  - id: basis.none\n    builtin: true\n    title: T\n    code: 1\n    reason: R.\n    change: c\n" TINY_CITE      \
    "  - id: hold.past_expiry\n    builtin: true\n    title: T\n    code: 2\n    reason: R.\n    change: "             \
    "c\n" TINY_CITE

static inline struct ruleset *shipped_set(void)
{
    char path[1024];
    struct err e = {0};
    struct ruleset *rs = NULL;
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/data/rules/whatsapp-platform.yaml", root ? root : ".");
    assert_ok(ruleset_load(&rs, path, &e), e);
    return rs;
}

/* Compiles TINY_HEAD, the rules given, TINY_TAIL. */
static inline int tiny_compile(struct ruleset **ret, const char *rules, struct err *e)
{
    static char text[65536];
    snprintf(text, sizeof text, "%s%s%s", TINY_HEAD, rules, TINY_TAIL);
    return ruleset_compile(ret, "tiny.yaml", str_of(text), e);
}

static inline struct ruleset *tiny_set(const char *rules)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    assert_ok(tiny_compile(&rs, rules, &e), e);
    return rs;
}

/* A book of the least platform set with `rules`, a law and a policy. */
static inline struct ruleset *tiny_book(const char *rules, const char *law, const char *policy)
{
    static char text[3][65536];
    struct ruleset_file files[3] = {{"tiny.yaml", {NULL, 0}}, {"law.yaml", {NULL, 0}}, {"policy.yaml", {NULL, 0}}};
    struct ruleset *rs = NULL;
    struct err e = {0};
    snprintf(text[0], sizeof text[0], "%s%s%s", TINY_HEAD, rules, TINY_TAIL);
    snprintf(text[1], sizeof text[1], "ruleset: law\nkind: law\nschema: 1\ntitle: Law\n%s", law);
    snprintf(text[2], sizeof text[2], "ruleset: policy\nkind: policy\nschema: 1\ntitle: Policy\n%s", policy);
    for (int i = 0; i < 3; i++)
        files[i].text = str_of(text[i]);
    assert_ok(ruleset_compile_all(&rs, files, 3, &e), e);
    return rs;
}

/* An approved marketing template to a person who opted in; every fact known. */
static inline struct facts fixture_facts(void)
{
    struct facts f = {0};
    fact_set(&f, FACT_MESSAGE_KIND, INTENT_TEMPLATE);
    fact_set(&f, FACT_MESSAGE_CATEGORY, CATEGORY_MARKETING);
    fact_set(&f, FACT_MESSAGE_PATH, PATH_MESSAGES);
    fact_set(&f, FACT_MESSAGE_TYPE_REACTION, false);
    fact_set(&f, FACT_RECIPIENT_FORM, IDENTITY_PHONE);
    fact_set(&f, FACT_RECIPIENT_VALID, true);
    fact_set(&f, FACT_RECIPIENT_IS_SENDER, false);
    fact_set_code(&f, FACT_RECIPIENT_COUNTRY, "BR");
    fact_set(&f, FACT_RECIPIENT_UNDELIVERABLE_AT, 0);
    fact_set(&f, FACT_CONSENT_STATUS, 1);
    fact_set(&f, FACT_CONSENT_AT, NOW - 1000 * HOUR);
    fact_set(&f, FACT_CONSENT_PLATFORM_STOP, false);
    fact_set(&f, FACT_CONSENT_PLATFORM_AT, 0);
    fact_set(&f, FACT_WINDOW_LAST_INBOUND, 0);
    fact_set(&f, FACT_TEMPLATE_KNOWN, true);
    fact_set(&f, FACT_TEMPLATE_STATUS, TEMPLATE_APPROVED);
    fact_set(&f, FACT_TEMPLATE_FIT, FIT_OK);
    fact_set(&f, FACT_PAIR_TAT, 0);
    fact_set(&f, FACT_SENDER_STATUS, 1);
    return f;
}

/* The same person writing back: a free-form answer in an open window, without any opt-in. */
static inline struct facts fixture_answer(void)
{
    struct facts f = fixture_facts();
    fact_set(&f, FACT_MESSAGE_KIND, INTENT_FREEFORM);
    fact_set(&f, FACT_MESSAGE_CATEGORY, CATEGORY_SERVICE);
    fact_set(&f, FACT_CONSENT_STATUS, 0);
    fact_set(&f, FACT_WINDOW_LAST_INBOUND, NOW - HOUR);
    f.known[FACT_TEMPLATE_KNOWN] = f.known[FACT_TEMPLATE_STATUS] = f.known[FACT_TEMPLATE_FIT] = false;
    return f;
}

/* A small deterministic generator: the same cases on every machine. */
static inline uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* A value that makes sense for the fact. */
static inline int64_t sensible_value(int fact, uint64_t *seed)
{
    static const char *const codes[] = {"US", "BR", "CO", "MX", "IN", "DE", "CL", "US-TX"};
    struct facts code = {0};
    uint64_t r = next_random(seed);
    switch (fact_info[fact].type) {
    case FACT_TYPE_TIME:
        return r % 4 == 0 ? 0 : NOW + (int64_t)(next_random(seed) % (200 * HOUR)) - 100 * HOUR;
    case FACT_TYPE_BOOL:
        return (int64_t)(r & 1);
    case FACT_TYPE_CODE:
        fact_set_code(&code, (enum fact_id)fact, codes[r % 8]);
        return code.value[fact];
    case FACT_TYPE_INT:
        if (fact >= FACT_RECIPIENT_UTC_MIN && fact <= FACT_RECIPIENT_UTC_MAX_AFTER)
            return (int64_t)(r % 20) * 15 - 300 +
                   (fact == FACT_RECIPIENT_UTC_MAX || fact == FACT_RECIPIENT_UTC_MAX_AFTER) * 120;
        return (int64_t)(r % 1001);
    case FACT_TYPE_WORD:
        break;
    }
    return (int64_t)(r & 15);
}

/* Facts as they may come from anywhere: some unknown, some sensible, some absurd. */
static inline struct facts random_facts(uint64_t *seed)
{
    struct facts f = {0};
    for (int i = 0; i < FACT_COUNT; i++) {
        uint64_t r = next_random(seed);
        if (r % 8 == 0)
            continue;
        fact_set(&f, (enum fact_id)i, r % 8 == 1 ? (int64_t)next_random(seed) : sensible_value(i, seed));
    }
    return f;
}

#endif
