/* SPDX-License-Identifier: Apache-2.0
 * ruleset.c - the face of a loaded book: its sets, rules, texts, citations and dated values.
 *
 * A book is immutable from the moment it is loaded until it is freed, so threads share it by pointer without a lock.
 * Everything handed out is borrowed from it. Looking up by name compares strings and is meant for start-up, commands and
 * pages; decide() works with positions. */
#include "core/ruleset_impl.h"

void ruleset_free(struct ruleset *rs)
{
    if (rs != NULL)
        arena_free(rs->arena); /* the book itself lies in its arena */
}

const char *ruleset_kind_name(enum ruleset_kind k)
{
    static const char *const names[] = {"platform", "law", "policy"};
    return (unsigned)k < 3 ? names[k] : "policy";
}

const char *rule_mode_name(enum rule_mode m)
{
    static const char *const names[] = {"enforce", "shadow", "off"};
    return (unsigned)m < 3 ? names[m] : "off";
}

bool ruleset_decides(const struct ruleset *rs)
{
    return rs->decides;
}

const char *ruleset_id(const struct ruleset *rs)
{
    return rs->id;
}

const uint8_t *ruleset_hash(const struct ruleset *rs)
{
    return rs->hash;
}

struct str ruleset_canonical(const struct ruleset *rs)
{
    return rs->canonical;
}

size_t ruleset_sources(const struct ruleset *rs)
{
    return rs->n_sets;
}

const struct ruleset_source *ruleset_source(const struct ruleset *rs, size_t i)
{
    return i < rs->n_sets ? &rs->set[i].face : NULL;
}

size_t ruleset_count(const struct ruleset *rs)
{
    return rs->n_rules;
}

const struct rule *ruleset_rule(const struct ruleset *rs, size_t i)
{
    return i < rs->n_rules ? &rs->rule[i] : NULL;
}

const struct rule *ruleset_find(const struct ruleset *rs, const char *id)
{
    for (size_t i = 0; i < rs->n_rules; i++)
        if (strcmp(rs->rule[i].id, id) == 0)
            return &rs->rule[i];
    return NULL;
}

const char *rule_id(const struct rule *r)
{
    return r->id;
}

const char *rule_title(const struct rule *r)
{
    return r->title;
}

const char *rule_reason(const struct rule *r)
{
    return r->reason;
}

const char *rule_change(const struct rule *r)
{
    return r->change;
}

const char *rule_confidence(const struct rule *r)
{
    return r->confidence;
}

int rule_verdict(const struct rule *r)
{
    return r->verdict;
}

enum rule_mode rule_mode_of(const struct rule *r)
{
    return (enum rule_mode)r->mode;
}

const struct ruleset_source *rule_source(const struct ruleset *rs, const struct rule *r)
{
    return &rs->set[r->source].face;
}

int rule_code(const struct rule *r)
{
    return r->code;
}

size_t rule_citations(const struct rule *r)
{
    return r->n_cite;
}

const struct citation *rule_citation(const struct rule *r, size_t i)
{
    return i < r->n_cite ? &r->cite[i].face : NULL;
}

size_t rule_dates(const struct rule *r, const int64_t **ret)
{
    *ret = r->values.since;
    return r->values.n_rows;
}

size_t rule_values(const struct rule *r, const char *const **ret_names)
{
    *ret_names = r->values.name;
    return r->values.n_names;
}

bool rule_ends(const struct rule *r, size_t date)
{
    return date < r->values.n_rows && r->values.row[date].v == NULL;
}

int ruleset_value(const struct ruleset *rs, const char *rule, const char *name, int64_t now, int64_t *ret)
{
    const struct rule *r = ruleset_find(rs, rule);
    const int64_t *row;
    if (r == NULL || !values_at(&r->values, now, &row))
        return WL_ENOTFOUND;
    for (uint16_t i = 0; i < r->values.n_names; i++) {
        if (strcmp(r->values.name[i], name) == 0) {
            *ret = row[i];
            return 0;
        }
    }
    return WL_ENOTFOUND;
}
