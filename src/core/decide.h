/* SPDX-License-Identifier: Apache-2.0
 * decide.h - the one function that says allow, hold or deny.
 *
 * Pure: no clock, no I/O, no floats, no allocation. Every rule is evaluated; the result is the join
 * ALLOW < HOLD(until) < DENY over all of them, so the order of rules cannot matter and the explanation lists
 * every reason. No rule grants by silence: without a basis (consent for the category or an open customer
 * service window, as the rule set's `basis` section says) the answer is DENY basis.none. A HOLD that ends after
 * the message's expiry becomes DENY hold.past_expiry. Receipts are not sends: ALLOW without rules. A book that does
 * not decide (ruleset_decides()) denies, with what its rules find and nobody to speak. */
#ifndef WL_CORE_DECIDE_H
#define WL_CORE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "core/facts.h"
#include "core/ruleset.h"

enum verdict { VERDICT_ALLOW = 0, VERDICT_HOLD = 1, VERDICT_DENY = 2 };
const char *verdict_name(enum verdict v); /* "allow", "hold", "deny" */

#define FINDINGS_MAX      RULES_MAX /* a decision can list every rule that fires */
#define FINDING_FACTS_MAX 5

struct finding {
    const struct rule *rule; /* never NULL: basis.none and hold.past_expiry are rules of the set too */
    uint16_t index;          /* its position in the set */
    uint8_t verdict;
    bool shadow;     /* reported, not joined */
    bool unknown;    /* fired through on_unknown */
    bool overridden; /* reported, not joined: a person took responsibility (policy rules only) */
    uint8_t n_facts;
    uint8_t facts[FINDING_FACTS_MAX]; /* enum fact_id, the values that made it true */
    int64_t until;                    /* HOLD */
};

struct decision {
    enum verdict verdict;
    int64_t until; /* HOLD */
    size_t n;
    struct finding finding[FINDINGS_MAX]; /* in order of rule id; every rule that fired */
};

/* expires: when the message is worthless, 0 = never. Total: there is no "no decision". */
void decide(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires, struct decision *ret);

/* The same with some rules set aside (break glass): a bit per rule of the book. Only rules of the customer's own policy can be; what
 * the platform or a law says stands, whatever the bits say. */
#define OVERRIDE_WORDS ((RULES_MAX + 63) / 64)
struct override {
    uint64_t rule[OVERRIDE_WORDS];
};
/* Adds the policy rule of this id. WL_ENOTFOUND; WL_EINVAL naming the set when it is no policy rule. */
int override_add(struct override *o, const struct ruleset *rs, struct str rule_id, struct err *e);
void decide_overridden(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires,
                       const struct override *o, struct decision *ret);

/* The finding that speaks for the decision: strongest verdict, then the rule that stands first in the book.
 * NULL when ALLOW. */
const struct finding *decision_main(const struct decision *d);

/* {"verdict":..,"until":..,"ruleset":{"id","hash"},"facts":{all that were known},"findings":[{"rule","title","verdict",
 * "until","code","reason","unknown","facts":{},"change","citations":[{}],"confidence","ruleset","shadow","overridden"}]}:
 * the one explanation that proxy, CLI, REST and console show. "confidence" is null where the file says nothing; the
 * finding's "ruleset" stands there when the book has several. The finding that speaks stands first, then the others by rule id. */
void decision_json(const struct decision *d, const struct ruleset *rs, const struct facts *f, struct json_out *out);
/* One line for error_data.details: "rule window.closed: reason (facts). Needs: change. Source: title, url (read)". */
void decision_details(const struct decision *d, const struct ruleset *rs, const struct facts *f, struct buf *out);

/* Findings packed for the log; the facts are packed apart. unpack needs the same rule set (by hash). */
#define DECISION_PACKED_MAX (FINDINGS_MAX * 12 + 16)
size_t decision_pack(const struct decision *d, uint8_t *out);
int decision_unpack(const void *p, size_t n, const struct ruleset *rs, struct decision *ret);

#endif
