/* SPDX-License-Identifier: Apache-2.0
 * ruleset.h - rules as reviewed files: loaded, proven, hashed, immutable.
 *
 * A file is one *set*: the platform's, a country's law, or the customer's own policy. What decides is a *book*: one
 * platform set and any number of others, compiled together to one flat table. Loading proves that every rule has a
 * citation, dated values, an on_unknown and at least two tests, that its tests pass, that it can fire and be silent,
 * and that no id stands twice in the book; otherwise the book is refused with file, line and key. The version of a
 * set is the SHA-256 of its canonical form (independent of spacing, comments and order of keys); that of a book of
 * several sets the SHA-256 over "id NUL hash" of each. Only the platform set grants (its `basis` section), so law and
 * policy can tighten and never loosen. The format is described in docs/rules.md. */
#ifndef WL_CORE_RULESET_H
#define WL_CORE_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

struct ruleset; /* a book, or a part of one */
struct rule;

enum ruleset_kind { RULESET_PLATFORM, RULESET_LAW, RULESET_POLICY };
const char *ruleset_kind_name(enum ruleset_kind k); /* "platform", "law", "policy" */
enum rule_mode { MODE_ENFORCE, MODE_SHADOW, MODE_OFF };
const char *rule_mode_name(enum rule_mode m);

struct ruleset_file {
    const char *name; /* path, for messages */
    struct str text;
};
#define RULESET_FILES_MAX 64
#define RULES_MAX         200 /* in a book */

/* Compiles files to a book. Rules keep the order platform, law, policy and within a kind that of the files. Without
 * a platform set the result is a part: it can be listed, tested and compared, and decides nothing (ruleset_decides()). Two
 * platform sets, or two sets of one id, are refused. ruleset_free() it. */
int ruleset_compile_all(struct ruleset **ret, const struct ruleset_file *files, size_t n, struct err *e);
/* One text, one set. */
int ruleset_compile(struct ruleset **ret, const char *name, struct str text, struct err *e);
int ruleset_load(struct ruleset **ret, const char *path, struct err *e);
int ruleset_load_all(struct ruleset **ret, const char *const *paths, size_t n, struct err *e);
/* A canonical text that was proven once, as the store keeps it: built again without its tests, and only if it has this
 * hash. WL_EINVAL otherwise. */
int ruleset_restore(struct ruleset **ret, struct str canonical, const uint8_t hash[SHA256_BYTES], struct err *e);
void ruleset_free(struct ruleset *rs); /* accepts NULL */
bool ruleset_decides(const struct ruleset *rs);

const char *ruleset_id(const struct ruleset *rs);      /* of a book of several: "whatsapp-platform+law-co+policy" */
const uint8_t *ruleset_hash(const struct ruleset *rs); /* SHA256_BYTES */
/* All that was compiled, canonical, joined with lines of "---": ruleset_restore() builds it again. Borrowed. */
struct str ruleset_canonical(const struct ruleset *rs);

/* The sets of a book. */
struct ruleset_source {
    const char *id, *title, *file, *area; /* area: ISO country or region of a law; "" otherwise */
    enum ruleset_kind kind;
    uint8_t hash[SHA256_BYTES];
    size_t first, n; /* its rules: [first, first + n) */
};
size_t ruleset_sources(const struct ruleset *rs);
const struct ruleset_source *ruleset_source(const struct ruleset *rs, size_t i);

size_t ruleset_count(const struct ruleset *rs);
const struct rule *ruleset_rule(const struct ruleset *rs, size_t i);       /* i < ruleset_count */
const struct rule *ruleset_find(const struct ruleset *rs, const char *id); /* or NULL */

const char *rule_id(const struct rule *r);
const char *rule_title(const struct rule *r);
const char *rule_reason(const struct rule *r);     /* sentence shown to people */
const char *rule_change(const struct rule *r);     /* what would change it */
const char *rule_confidence(const struct rule *r); /* "high", "medium", "low"; "" where the file says nothing */
int rule_code(const struct rule *r);               /* Graph error code */
int rule_verdict(const struct rule *r);            /* enum verdict */
enum rule_mode rule_mode_of(const struct rule *r);
const struct ruleset_source *rule_source(const struct ruleset *rs, const struct rule *r);
size_t rule_citations(const struct rule *r);
struct citation {
    const char *title, *url, *read; /* read: date as text */
};
const struct citation *rule_citation(const struct rule *r, size_t i);
/* The dates from which its values hold, ascending, as ms; and each value as text ("24h", "3", "mon-fri 07:00-19:00"). */
size_t rule_dates(const struct rule *r, const int64_t **ret);
size_t rule_values(const struct rule *r, const char *const **ret_names);
void rule_value_text(const struct ruleset *rs, const struct rule *r, size_t date, size_t value, struct buf *out);
bool rule_ends(const struct rule *r, size_t date); /* whether it was out of force from that date on (`off`) */
/* A part of the rule in one line of the file's own notation; nothing where it has none. */
enum rule_part { RULE_APPLIES, RULE_WHEN, RULE_UNTIL, RULE_ON_UNKNOWN };
void rule_part_text(const struct ruleset *rs, const struct rule *r, enum rule_part part, struct buf *out);
/* The lists of holidays it asks about, with the days they speak for: "CO 2026-01-01 to 2027-12-31, FR ...". */
void rule_holidays_text(const struct ruleset *rs, const struct rule *r, struct buf *out);
/* A named dated value of a rule in force at `now`, e.g. ("pair.rate","interval"). WL_ENOTFOUND. */
int ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret);

#endif
