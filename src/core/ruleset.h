/* SPDX-License-Identifier: Apache-2.0
 * ruleset.h - rules as a reviewed file: loaded, proven, hashed, immutable.
 *
 * A rule set is compiled from YAML to a flat table. Loading proves that every rule has a citation, dated values,
 * an on_unknown and at least two tests, that its tests pass, and that ids are unique; otherwise the set is
 * refused with file, line and key. Its version is the SHA-256 of its canonical form (independent of spacing,
 * comments and order of keys). The format is described in docs/rules.md. */
#ifndef WL_CORE_RULESET_H
#define WL_CORE_RULESET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

struct ruleset;
struct rule;

/* Compiles one file's text; `name` (the path) appears in messages. ruleset_free() it. */
int ruleset_compile(struct ruleset **ret, const char *name, struct str text, struct err *e);
int ruleset_load(struct ruleset **ret, const char *path, struct err *e);
void ruleset_free(struct ruleset *rs); /* accepts NULL */

const char *ruleset_id(const struct ruleset *rs);       /* "whatsapp-platform" */
const uint8_t *ruleset_hash(const struct ruleset *rs);  /* SHA256_BYTES */
struct str ruleset_canonical(const struct ruleset *rs); /* borrowed */
size_t ruleset_count(const struct ruleset *rs);
const struct rule *ruleset_rule(const struct ruleset *rs, size_t i);       /* i < ruleset_count */
const struct rule *ruleset_find(const struct ruleset *rs, const char *id); /* or NULL */

const char *rule_id(const struct rule *r);
const char *rule_title(const struct rule *r);
const char *rule_reason(const struct rule *r); /* sentence shown to people */
const char *rule_change(const struct rule *r); /* what would change it */
int rule_code(const struct rule *r);           /* Graph error code */
size_t rule_citations(const struct rule *r);
struct citation {
    const char *title, *url, *read; /* read: date as text */
};
const struct citation *rule_citation(const struct rule *r, size_t i);
/* A named dated value of a rule in force at `now`, e.g. ("pair.rate","interval"). WL_ENOTFOUND. */
int ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret);

#endif
