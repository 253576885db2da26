/* SPDX-License-Identifier: Apache-2.0
 * ruleset_canon.c - the one text that stands for a rule set, and its hash.
 *
 * The canonical form is JSON written from the compiled set, not from the file: keys and rules in alphabetical order,
 * durations and dates in milliseconds, words in the order of their fact, `is` written as a list of one. Two files
 * with the same canonical form decide alike and explain alike, byte for byte. A rule's position is part of it, because
 * it says which rule speaks first; tests are not, because they prove the set and do not change it. */
#include "core/ruleset_impl.h"

#include "base/json.h"

#define CANONICAL_MAX (8u << 20)

static void write_word(struct json_out *o, uint8_t fact, int64_t v)
{
    struct facts f = {0};
    struct buf text;
    if (fact_info[fact].type == FACT_TYPE_BOOL) {
        jo_bool(o, v != 0);
        return;
    }
    if (fact_info[fact].type == FACT_TYPE_INT) {
        jo_int(o, v);
        return;
    }
    buf_init(&text, 64);
    fact_set(&f, (enum fact_id)fact, v);
    fact_text(&f, (enum fact_id)fact, &text);
    jo_str(o, buf_str(&text));
    buf_done(&text);
}

static void write_set(struct json_out *o, const struct ruleset *rs, const struct node *n)
{
    jo_key(o, n->negate ? "not_in" : "in");
    jo_array(o);
    for (int64_t v = 0; n->op == OP_WORDS && v < 64; v++)
        if (n->words >> v & 1)
            write_word(o, n->fact, v);
    for (uint32_t i = 0; n->op == OP_LIST && i < n->n_list; i++)
        write_word(o, n->fact, rs->list[n->list + i]);
    jo_end(o);
}

static void write_term(struct json_out *o, const struct operand *a, int i, const struct values *values)
{
    if (a->value[i] < 0) {
        jo_int(o, a->constant[i]);
        return;
    }
    struct buf name;
    buf_init(&name, 128);
    buf_printf(&name, "$%s", values->name[a->value[i]]);
    jo_str(o, buf_str(&name));
    buf_done(&name);
}

/* 5, "$x", or ["$x","-",5] */
static void write_operand(struct json_out *o, const struct operand *a, const struct values *values)
{
    if (a->sign == 0) {
        write_term(o, a, 0, values);
        return;
    }
    jo_array(o);
    write_term(o, a, 0, values);
    jo_cstr(o, a->sign > 0 ? "+" : "-");
    write_term(o, a, 1, values);
    jo_end(o);
}

static void write_leaf(struct json_out *o, const struct ruleset *rs, const struct node *n, const struct values *values)
{
    static const char *const names[] = {[OP_LT] = "lt",
                                        [OP_LE] = "le",
                                        [OP_GT] = "gt",
                                        [OP_GE] = "ge",
                                        [OP_OLDER] = "older_than",
                                        [OP_NEWER] = "newer_than",
                                        [OP_AHEAD] = "ahead_by"};
    jo_object(o);
    jo_kcstr(o, "fact", fact_info[n->fact].name);
    if (n->op == OP_WORDS || n->op == OP_LIST) {
        write_set(o, rs, n);
    } else if (n->op == OP_KNOWN) {
        jo_kbool(o, "known", !n->negate);
    } else if (n->op == OP_BEFORE) {
        jo_kcstr(o, "before", fact_info[n->other].name);
    } else {
        jo_key(o, names[n->op]);
        write_operand(o, &n->arg, values);
    }
    jo_end(o);
}

static void write_predicate(struct json_out *o, const struct ruleset *rs, uint32_t root, const struct values *values)
{
    static const char *const groups[] = {[OP_ALL] = "all", [OP_ANY] = "any", [OP_NOT] = "not"};
    const struct node *n = &rs->node[root];
    if (n->op > OP_NOT) {
        write_leaf(o, rs, n, values);
        return;
    }
    jo_object(o);
    jo_key(o, groups[n->op]);
    if (n->op != OP_NOT)
        jo_array(o);
    for (uint32_t i = root + 1; i < n->end; i = rs->node[i].end)
        write_predicate(o, rs, i, values);
    if (n->op != OP_NOT)
        jo_end(o);
    jo_end(o);
}

static void write_citations(struct json_out *o, const struct cite *c, size_t n)
{
    jo_key(o, "cite");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, "read", c[i].face.read);
        if (c[i].source != NULL)
            jo_kcstr(o, "source", c[i].source);
        jo_kcstr(o, "title", c[i].face.title);
        jo_kcstr(o, "url", c[i].face.url);
        jo_end(o);
    }
    jo_end(o);
}

/* Position in alphabetical order -> index of the name. */
static void sort_names(const struct values *v, uint16_t *order)
{
    for (uint16_t i = 0; i < v->n_names; i++) {
        uint16_t at = i;
        for (; at > 0 && strcmp(v->name[order[at - 1]], v->name[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void write_values(struct json_out *o, const struct values *v)
{
    uint16_t order[NAMES_MAX];
    if (v->n_rows == 0)
        return;
    sort_names(v, order);
    jo_key(o, "values");
    jo_array(o);
    for (uint16_t r = 0; r < v->n_rows; r++) {
        jo_object(o);
        jo_kint(o, "since", v->row[r].since);
        jo_key(o, "values");
        jo_object(o);
        for (uint16_t i = 0; i < v->n_names; i++)
            jo_kint(o, v->name[order[i]], v->row[r].v[order[i]]);
        jo_end(o);
        jo_end(o);
    }
    jo_end(o);
}

static void write_until(struct json_out *o, const struct rule *r)
{
    static const char *const signs[] = {"minus", "", "plus"};
    if (r->until.kind == UNTIL_NONE)
        return;
    jo_key(o, "until");
    jo_object(o);
    if (r->until.kind == UNTIL_NOW_PLUS) {
        jo_key(o, "now_plus");
        write_operand(o, &r->until.arg, &r->values);
    } else {
        jo_kcstr(o, "fact", fact_info[r->until.fact].name);
        if (r->until.sign != 0) {
            jo_key(o, signs[r->until.sign + 1]);
            write_operand(o, &r->until.arg, &r->values);
        }
    }
    jo_end(o);
}

static void write_rule(struct json_out *o, const struct ruleset *rs, const struct rule *r)
{
    static const char *const modes[] = {"enforce", "shadow", "off"};
    static const char *const unknowns[] = {"deny", "hold", "ignore"};
    bool own = r->builtin == BUILTIN_NONE;
    jo_object(o);
    if (r->applies != NO_NODE) {
        jo_key(o, "applies");
        write_predicate(o, rs, r->applies, &r->values);
    }
    if (!own)
        jo_kbool(o, "builtin", true);
    jo_kcstr(o, "change", r->change);
    write_citations(o, r->cite, r->n_cite);
    jo_kint(o, "code", r->code);
    jo_kcstr(o, "id", r->id);
    if (own)
        jo_kcstr(o, "mode", modes[r->mode]);
    if (own)
        jo_kcstr(o, "on_unknown", unknowns[r->on_unknown]);
    jo_kint(o, "position", r->index);
    jo_kcstr(o, "reason", r->reason);
    jo_kcstr(o, "title", r->title);
    if (own && r->on_unknown == UNKNOWN_HOLD)
        jo_kint(o, "unknown_hold", r->unknown_hold);
    write_until(o, r);
    write_values(o, &r->values);
    if (own)
        jo_kcstr(o, "verdict", verdict_name((enum verdict)r->verdict));
    if (r->when != NO_NODE) {
        jo_key(o, "when");
        write_predicate(o, rs, r->when, &r->values);
    }
    jo_end(o);
}

/* In the order of the file: it decides which facts an explanation names first. */
static void write_bases(struct json_out *o, const struct ruleset *rs)
{
    jo_key(o, "basis");
    jo_array(o);
    for (size_t i = 0; i < rs->n_basis; i++) {
        const struct basis *b = &rs->basis[i];
        jo_object(o);
        write_citations(o, b->cite, b->n_cite);
        jo_kcstr(o, "id", b->id);
        write_values(o, &b->values);
        jo_key(o, "when");
        write_predicate(o, rs, b->when, &b->values);
        jo_end(o);
    }
    jo_end(o);
}

int ruleset_canonicalise(struct ruleset *rs, struct err *e)
{
    struct buf text;
    struct json_out o;
    buf_init(&text, CANONICAL_MAX);
    json_out_init(&o, &text);
    jo_object(&o);
    write_bases(&o, rs);
    jo_key(&o, "rules");
    jo_array(&o);
    for (size_t rank = 0; rank < rs->n_rules; rank++)
        write_rule(&o, rs, &rs->rule[rs->by_rank[rank]]);
    jo_end(&o);
    jo_kcstr(&o, "ruleset", rs->id);
    jo_kint(&o, "schema", 1);
    jo_kcstr(&o, "title", rs->title);
    jo_end(&o);
    const char *copy = text.failed ? NULL : arena_strndup(rs->arena, text.data, text.len);
    if (copy == NULL) {
        buf_done(&text);
        return err_set(e, WL_ENOMEM, "the rule set's canonical form does not fit in memory");
    }
    rs->canonical = (struct str){copy, text.len};
    sha256(copy, text.len, rs->hash);
    buf_done(&text);
    return 0;
}
