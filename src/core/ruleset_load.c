/* SPDX-License-Identifier: Apache-2.0
 * ruleset_load.c - a rule file's tree to a compiled rule set, or one sentence saying what is wrong with it.
 *
 * One table lists the keys of a rule in the order in which they must be understood (values before the conditions
 * that use them). A set is accepted whole or not at all: every key known, every rule cited, dated and tested, its
 * tests passing, both rules of the engine present, ids unique. Strings are copied into the set's arena and the
 * file's tree is thrown away. The file is opened by base/yaml only; nothing here touches the system. */
#include "core/ruleset_impl.h"

#define RULESET_BYTES_MAX (24u << 20)
#define SCRATCH_BYTES_MAX (160u << 20) /* the tree of the largest file yaml.h accepts, and the node arrays */

#define ID_MAX         40
#define TITLE_MAX      100
#define REASON_MAX     170
#define CHANGE_MAX     120
#define CITE_TITLE_MAX 100
#define CITE_URL_MAX   150

/* ---- scalars ---- */

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "the rule set does not fit in its memory");
}

static const char *copy(struct builder *b, struct str s)
{
    return arena_strndup(b->rs->arena, s.p ? s.p : "", s.n);
}

/* A text shown to people: not empty, at most max bytes, one line, no control characters. */
static int read_text(struct builder *b, const struct yaml *n, size_t max, const char **ret, struct err *e)
{
    struct str s;
    int rc = yaml_str(n, &s, e);
    if (rc != 0)
        return rc;
    s = str_trim(s);
    if (s.n == 0 || s.n > max)
        return yaml_error(n, e, "must be 1 to %zu bytes long, has %zu", max, s.n);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return yaml_error(n, e, "must be one line without control characters");
    const char *text = copy(b, s);
    if (text == NULL)
        return no_memory(e);
    *ret = text;
    return 0;
}

static int read_id(struct builder *b, const struct yaml *n, const char **ret, struct err *e)
{
    const char *id = NULL;
    int rc = read_text(b, n, ID_MAX, &id, e);
    if (rc != 0)
        return rc;
    if (id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0' || id[0] < 'a' || id[0] > 'z')
        return yaml_error(n, e, "an id is lower-case letters, digits, '.', '_' and '-', beginning with a letter");
    *ret = id;
    return 0;
}

static int read_word(const struct yaml *n, const char *const *words, uint8_t *ret, struct err *e)
{
    struct str s;
    int rc = yaml_str(n, &s, e);
    if (rc != 0)
        return rc;
    for (uint8_t i = 0; words[i] != NULL; i++) {
        if (str_eq(s, str_of(words[i]))) {
            *ret = i;
            return 0;
        }
    }
    const char *near = nearest_word(s, words);
    return yaml_error(n, e, "cannot be %.*s%s%s%s", (int)(s.n > 60 ? 60 : s.n), s.p, near ? ": did you mean " : "",
                      near ? near : "", near ? "?" : "");
}

/* ---- citations ---- */

static int read_citation(struct builder *b, const struct yaml *n, struct cite *ret, struct err *e)
{
    static const char *const keys[] = {"title", "url", "read", "source", NULL};
    static const struct {
        const char *key;
        size_t max;
    } parts[] = {{"title", CITE_TITLE_MAX}, {"url", CITE_URL_MAX}, {"read", 10}, {"source", TITLE_MAX}};
    const char *text[4] = {NULL};
    int64_t day;
    int rc = yaml_known_keys(n, keys, "citation", e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < 4; i++) {
        const struct yaml *part = yaml_get(n, parts[i].key);
        if (part == NULL && i == 3)
            break;
        if (part == NULL)
            return yaml_error(n, e, "a citation needs `%s`", parts[i].key);
        if ((rc = read_text(b, part, parts[i].max, &text[i], e)) != 0)
            return rc;
    }
    if (strncmp(text[1], "https://", 8) != 0 || strpbrk(text[1], " <>\"") != NULL)
        return yaml_error(yaml_get(n, "url"), e, "must be an https address");
    if ((rc = yaml_date(yaml_get(n, "read"), &day, e)) != 0)
        return rc;
    *ret = (struct cite){{text[0], text[1], text[2]}, text[3]};
    return 0;
}

static int read_citations(struct builder *b, const struct yaml *n, const struct cite **ret, size_t *ret_n,
                          struct err *e)
{
    int rc = 0;
    size_t i = 0;
    if (n->kind != YAML_SEQUENCE || n->child == NULL)
        return yaml_error(n, e, "must be a list of at least one citation");
    struct cite *list = arena_new_array(b->rs->arena, struct cite, (size_t)n->children);
    if (list == NULL)
        return no_memory(e);
    for (const struct yaml *c = n->child; c != NULL && rc == 0; c = c->next)
        rc = read_citation(b, c, &list[i++], e);
    if (rc == 0) {
        *ret = list;
        *ret_n = i;
    }
    return rc;
}

/* ---- dated values ---- */

static int value_name(const struct values *v, struct str key)
{
    for (uint16_t i = 0; i < v->n_names; i++)
        if (str_eq(key, str_of(v->name[i])))
            return i;
    return -1;
}

static int read_value(const struct yaml *n, int64_t *ret, uint8_t *ret_kind, struct err *e)
{
    struct str text;
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    *ret_kind = VALUE_DURATION;
    if (!str_i64(text, ret))
        return yaml_duration(n, ret, e);
    *ret_kind = *ret == 0 ? VALUE_ANY : VALUE_INT;
    return 0;
}

/* The first date gives the names; the others must give the same ones, of the same kind. */
static int read_names(struct builder *b, const struct yaml *first, struct values *v, struct err *e)
{
    if (first->children > NAMES_MAX)
        return yaml_error(first, e, "has more than %d values", NAMES_MAX);
    v->name = arena_new_array(b->rs->arena, const char *, (size_t)first->children + 1);
    v->kind = arena_new_array(b->rs->arena, uint8_t, (size_t)first->children + 1);
    if (v->name == NULL || v->kind == NULL)
        return no_memory(e);
    for (const struct yaml *c = first->child; c != NULL; c = c->next) {
        if (c->key.n == 0 || c->key.n > ID_MAX ||
            c->key.p[strspn(c->key.p, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
            return yaml_error(c, e, "a value's name is lower-case letters, digits and '_'");
        if ((v->name[v->n_names++] = copy(b, c->key)) == NULL)
            return no_memory(e);
    }
    return 0;
}

static int read_row(struct builder *b, const struct yaml *n, struct values *v, struct value_row *ret, struct err *e)
{
    struct yaml date = *n;
    int64_t *row = arena_new_array(b->rs->arena, int64_t, (size_t)v->n_names + 1);
    date.text = n->key;
    date.kind = YAML_SCALAR;
    int rc = yaml_date(&date, &ret->since, e);
    if (rc != 0)
        return rc;
    if (row == NULL)
        return no_memory(e);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        uint8_t kind;
        int at = value_name(v, c->key);
        if (at < 0)
            return yaml_error(c, e, "is not among the values of the first date; every date names the same values");
        if ((rc = read_value(c, &row[at], &kind, e)) != 0)
            return rc;
        if (kind != VALUE_ANY && v->kind[at] != VALUE_ANY && v->kind[at] != kind)
            return yaml_error(c, e, "is a duration at one date and a number at another");
        if (kind != VALUE_ANY)
            v->kind[at] = kind;
    }
    if (n->children != v->n_names)
        return yaml_error(n, e, "every date names the same values: %d here, %d at the first date", n->children,
                          v->n_names);
    ret->v = row;
    return 0;
}

static int read_values(struct builder *b, const struct yaml *n, struct values *v, struct err *e)
{
    int rc;
    if (n->kind != YAML_MAPPING || n->child == NULL || n->children > ROWS_MAX)
        return yaml_error(n, e, "must map 1 to %d dates to the values in force from then on", ROWS_MAX);
    v->row = arena_new_array(b->rs->arena, struct value_row, (size_t)n->children);
    if (v->row == NULL)
        return no_memory(e);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        struct value_row row = {0};
        size_t at = v->n_rows;
        if (c->kind != YAML_MAPPING)
            return yaml_error(c, e, "must be a mapping of value names; {} when there are none");
        if ((c == n->child && (rc = read_names(b, c, v, e)) != 0) || (rc = read_row(b, c, v, &row, e)) != 0)
            return rc;
        for (; at > 0 && v->row[at - 1].since >= row.since; at--)
            v->row[at] = v->row[at - 1];
        if (at < v->n_rows && v->row[at + 1].since == row.since)
            return yaml_error(c, e, "the same date stands here twice");
        v->row[at] = row;
        v->n_rows++;
    }
    return 0;
}

/* ---- the keys of a rule, in the order in which they are understood ---- */

typedef int read_key(struct builder *b, const struct yaml *n, struct rule *r, struct err *e);

static int key_id(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return read_id(b, n, &r->id, e);
}
static int key_title(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return read_text(b, n, TITLE_MAX, &r->title, e);
}
static int key_reason(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return read_text(b, n, REASON_MAX, &r->reason, e);
}
static int key_change(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return read_text(b, n, CHANGE_MAX, &r->change, e);
}
static int key_mode(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const words[] = {"enforce", "shadow", "off", NULL};
    (void)b;
    return read_word(n, words, &r->mode, e);
}
static int key_verdict(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const words[] = {"hold", "deny", NULL};
    uint8_t word = 0;
    (void)b;
    int rc = read_word(n, words, &word, e);
    r->verdict = word == 0 ? VERDICT_HOLD : VERDICT_DENY;
    return rc;
}
static int key_code(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    int64_t code;
    (void)b;
    int rc = yaml_i64(n, 1, 99999999, &code, e);
    if (rc == 0)
        r->code = (int)code;
    return rc;
}
static int key_cite(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return read_citations(b, n, &r->cite, &r->n_cite, e);
}
static int key_values(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return read_values(b, n, &r->values, e);
}
static int key_when(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    return expr_compile(b, &s, n, &r->when, e);
}
static int key_applies(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    return expr_compile(b, &s, n, &r->applies, e);
}

static int key_unknown(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct str text, rest = {NULL, 0};
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    if (str_eq(text, STR("deny")) || str_eq(text, STR("ignore"))) {
        r->on_unknown = text.p[0] == 'd' ? UNKNOWN_DENY : UNKNOWN_IGNORE;
        return 0;
    }
    if (!str_eq(str_cut(text, ' ', &rest), STR("hold")) || rest.n == 0)
        return yaml_error(n, e, "must be deny, ignore, or hold and a duration (\"hold 15m\")");
    struct scope none = {&(const struct values){0}, NULL};
    struct operand o;
    struct yaml duration = *n;
    duration.text = rest;
    if ((rc = expr_operand(b, &none, &duration, VALUE_DURATION, &o, e)) != 0)
        return rc;
    if (o.sign != 0 || o.constant[0] <= 0)
        return yaml_error(n, e, "must hold for more than nothing");
    r->on_unknown = UNKNOWN_HOLD;
    r->unknown_hold = o.constant[0];
    return 0;
}

static int until_fact(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    const struct yaml *fact = yaml_get(n, "fact"), *plus = yaml_get(n, "plus"), *minus = yaml_get(n, "minus");
    int rc;
    if (fact == NULL || (plus != NULL && minus != NULL))
        return yaml_error(n, e, "must be {now_plus: ..} or {fact: .., minus or plus: ..}");
    if ((rc = expr_fact(b, fact, &r->until.fact, e)) != 0 ||
        (rc = expr_slot(&s, fact, r->until.fact, &r->until.slot, e)) != 0)
        return rc;
    if (fact_info[r->until.fact].type != FACT_TYPE_TIME)
        return yaml_error(fact, e, "%s is not a time", fact_info[r->until.fact].name);
    r->until.kind = UNTIL_FACT;
    r->until.arg = (struct operand){.value = {-1, -1}};
    r->until.sign = plus != NULL ? 1 : minus != NULL ? -1 : 0;
    if (r->until.sign == 0)
        return 0;
    return expr_operand(b, &s, plus != NULL ? plus : minus, VALUE_DURATION, &r->until.arg, e);
}

static int key_until(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const keys[] = {"now_plus", "fact", "plus", "minus", NULL};
    struct scope s = {&r->values, &r->facts};
    int rc = yaml_known_keys(n, keys, "until", e);
    if (rc != 0)
        return rc;
    const struct yaml *plus = yaml_get(n, "now_plus");
    if (plus == NULL)
        return until_fact(b, n, r, e);
    if (n->children != 1)
        return yaml_error(n, e, "`now_plus` stands alone");
    r->until.kind = UNTIL_NOW_PLUS;
    return expr_operand(b, &s, plus, VALUE_DURATION, &r->until.arg, e);
}

enum need { NO, MAY, MUST };

static const struct rule_key {
    const char *key;
    read_key *read; /* NULL: read elsewhere */
    uint8_t in_rule, in_builtin;
} rule_keys[] = {
    {"id", key_id, MUST, MUST},         {"title", key_title, MUST, MUST},      {"builtin", NULL, NO, MUST},
    {"mode", key_mode, MAY, NO},        {"verdict", key_verdict, MUST, NO},    {"code", key_code, MUST, MUST},
    {"reason", key_reason, MUST, MUST}, {"change", key_change, MUST, MUST},    {"cite", key_cite, MUST, MUST},
    {"values", key_values, MUST, NO},   {"when", key_when, MUST, NO},          {"applies", key_applies, MAY, NO},
    {"until", key_until, MAY, NO},      {"on_unknown", key_unknown, MUST, NO}, {"tests", NULL, MUST, NO},
};
#define RULE_KEYS (sizeof rule_keys / sizeof rule_keys[0])

static int read_builtin(const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const ids[] = {"", "basis.none", "hold.past_expiry"};
    struct str id = {NULL, 0};
    bool builtin = false;
    const struct yaml *flag = yaml_get(n, "builtin"), *name = yaml_get(n, "id");
    int rc = flag ? yaml_bool(flag, &builtin, e) : 0;
    if (rc != 0)
        return rc;
    if (name == NULL)
        return yaml_error(n, e, "a rule needs `id`");
    if ((rc = yaml_str(name, &id, e)) != 0)
        return rc;
    for (uint8_t i = BUILTIN_BASIS; i <= BUILTIN_EXPIRY; i++)
        if (str_eq(id, str_of(ids[i])))
            r->builtin = i;
    if (builtin != (r->builtin != BUILTIN_NONE))
        return yaml_error(name, e, "`builtin: true` belongs to basis.none and hold.past_expiry, and only to them");
    return 0;
}

/* Reads one key when it is there; says so when it must not be, or is missing and must not be missing. */
static int read_rule_key(struct builder *b, const struct yaml *n, const struct rule_key *key, struct rule *r,
                         struct err *e)
{
    const struct yaml *v = yaml_get(n, key->key);
    uint8_t need = r->builtin ? key->in_builtin : key->in_rule;
    if (v == NULL)
        return need == MUST ? yaml_error(n, e, "rule %s needs `%s`", r->id ? r->id : "", key->key) : 0;
    if (key->read == NULL)
        return 0;
    if (need == NO)
        return yaml_error(v, e, "rule %s is the engine's own: it has no `%s`", r->id, key->key);
    return key->read(b, v, r, e);
}

static int read_rule(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    const char *keys[RULE_KEYS + 1] = {NULL};
    for (size_t i = 0; i < RULE_KEYS; i++)
        keys[i] = rule_keys[i].key;
    r->when = r->applies = NO_NODE;
    r->until.arg = (struct operand){.value = {-1, -1}};
    r->verdict = VERDICT_DENY;
    int rc = yaml_known_keys(n, keys, "rule", e);
    if (rc == 0)
        rc = read_builtin(n, r, e);
    for (size_t i = 0; i < RULE_KEYS && rc == 0; i++)
        rc = read_rule_key(b, n, &rule_keys[i], r, e);
    if (rc != 0 || r->builtin != BUILTIN_NONE)
        return rc;
    if ((r->verdict == VERDICT_HOLD) != (r->until.kind != UNTIL_NONE))
        return yaml_error(n, e, "rule %s: a hold needs `until`, and only a hold has one", r->id);
    return rule_check(b, r, n, e);
}

/* ---- the set ---- */

static int read_basis(struct builder *b, const struct yaml *n, struct basis *basis, struct fact_list *facts,
                      struct err *e)
{
    static const char *const keys[] = {"id", "when", "values", "cite", NULL};
    const struct yaml *id = yaml_get(n, "id"), *when = yaml_get(n, "when"), *cite = yaml_get(n, "cite");
    const struct yaml *values = yaml_get(n, "values");
    struct scope s = {&basis->values, facts};
    int rc = yaml_known_keys(n, keys, "basis", e);
    if (rc != 0)
        return rc;
    if (id == NULL || when == NULL || cite == NULL)
        return yaml_error(n, e, "a basis needs `id`, `when` and `cite`");
    if ((rc = read_id(b, id, &basis->id, e)) != 0 ||
        (values != NULL && (rc = read_values(b, values, &basis->values, e)) != 0) ||
        (rc = read_citations(b, cite, &basis->cite, &basis->n_cite, e)) != 0)
        return rc;
    return expr_compile(b, &s, when, &basis->when, e);
}

static int read_bases(struct builder *b, const struct yaml *n, struct fact_list *facts, struct err *e)
{
    struct ruleset *rs = b->rs;
    int rc = 0;
    if (n->kind != YAML_SEQUENCE || n->child == NULL || n->children > RULES_MAX)
        return yaml_error(n, e, "must be a list of 1 to %d bases", RULES_MAX);
    rs->basis = arena_new_array(rs->arena, struct basis, (size_t)n->children);
    if (rs->basis == NULL)
        return no_memory(e);
    for (const struct yaml *c = n->child; c != NULL && rc == 0; c = c->next) {
        rc = read_basis(b, c, &rs->basis[rs->n_basis], facts, e);
        for (size_t i = 0; rc == 0 && i < rs->n_basis; i++)
            if (strcmp(rs->basis[i].id, rs->basis[rs->n_basis].id) == 0)
                rc = yaml_error(c, e, "two bases are called %s", rs->basis[i].id);
        rs->n_basis++;
    }
    return rc;
}

static int read_rules(struct builder *b, const struct yaml *n, struct err *e)
{
    struct ruleset *rs = b->rs;
    if (n->kind != YAML_SEQUENCE || n->child == NULL || n->children > RULES_MAX)
        return yaml_error(n, e, "must be a list of 1 to %d rules", RULES_MAX);
    rs->rule = arena_new_array(rs->arena, struct rule, (size_t)n->children);
    if (rs->rule == NULL)
        return no_memory(e);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        struct rule *r = &rs->rule[rs->n_rules];
        r->index = (uint16_t)rs->n_rules;
        int rc = read_rule(b, c, r, e);
        if (rc != 0)
            return rc;
        for (size_t i = 0; i < rs->n_rules; i++)
            if (strcmp(rs->rule[i].id, r->id) == 0)
                return yaml_error(c, e, "two rules are called %s", r->id);
        rs->n_rules++;
    }
    return 0;
}

static int find_builtins(struct ruleset *rs, const struct yaml *n, const struct fact_list *basis_facts, struct err *e)
{
    unsigned seen = 0;
    for (size_t i = 0; i < rs->n_rules; i++) {
        struct rule *r = &rs->rule[i];
        seen |= 1u << r->builtin;
        if (r->builtin == BUILTIN_BASIS) {
            rs->basis_rule = r->index;
            r->facts = *basis_facts;
        } else if (r->builtin == BUILTIN_EXPIRY) {
            rs->expiry_rule = r->index;
        }
    }
    if ((seen >> BUILTIN_BASIS & 1) == 0)
        return yaml_error(n, e, "the set needs the rule basis.none (builtin: true)");
    if ((seen >> BUILTIN_EXPIRY & 1) == 0)
        return yaml_error(n, e, "the set needs the rule hold.past_expiry (builtin: true)");
    return 0;
}

static void rank_rules(struct ruleset *rs)
{
    for (uint16_t i = 0; i < rs->n_rules; i++) {
        uint16_t at = i;
        for (; at > 0 && strcmp(rs->rule[rs->by_rank[at - 1]].id, rs->rule[i].id) > 0; at--)
            rs->by_rank[at] = rs->by_rank[at - 1];
        rs->by_rank[at] = i;
    }
    for (uint16_t rank = 0; rank < rs->n_rules; rank++)
        rs->rule[rs->by_rank[rank]].rank = rank;
}

static int read_set(struct builder *b, const struct yaml *root, struct err *e)
{
    static const char *const keys[] = {"ruleset", "schema", "title", "basis", "rules", NULL};
    struct ruleset *rs = b->rs;
    struct fact_list basis_facts = {0};
    int64_t schema;
    int rc = yaml_known_keys(root, keys, "rule set", e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; keys[i] != NULL; i++)
        if (yaml_get(root, keys[i]) == NULL)
            return yaml_error(root, e, "a rule set needs `%s`", keys[i]);
    if ((rc = yaml_i64(yaml_get(root, "schema"), 1, 1, &schema, e)) != 0 ||
        (rc = read_id(b, yaml_get(root, "ruleset"), &rs->id, e)) != 0 ||
        (rc = read_text(b, yaml_get(root, "title"), TITLE_MAX, &rs->title, e)) != 0 ||
        (rc = read_bases(b, yaml_get(root, "basis"), &basis_facts, e)) != 0 ||
        (rc = read_rules(b, yaml_get(root, "rules"), e)) != 0)
        return rc;
    if ((rc = find_builtins(rs, yaml_get(root, "rules"), &basis_facts, e)) != 0)
        return rc;
    rank_rules(rs);
    return 0;
}

/* Moves the arrays of the builder, which are as large as a set may be, to the set's own arena. */
static int settle(struct builder *b, struct err *e)
{
    struct ruleset *rs = b->rs;
    rs->node = arena_memdup(rs->arena, b->node, (rs->n_nodes + 1) * sizeof *b->node);
    rs->list = arena_memdup(rs->arena, b->list, (rs->n_lists + 1) * sizeof *b->list);
    if (rs->node == NULL || rs->list == NULL)
        return no_memory(e);
    return ruleset_canonicalise(rs, e);
}

static int build(struct ruleset **ret, struct arena *tmp, const struct yaml *root, struct err *e)
{
    struct arena *a = arena_create(RULESET_BYTES_MAX);
    struct ruleset *rs = a ? arena_new(a, struct ruleset) : NULL;
    struct builder b = {rs, tmp, arena_new_array(tmp, struct node, NODES_MAX + 1),
                        arena_new_array(tmp, int64_t, LIST_VALUES_MAX + 1),
                        arena_new_array(tmp, const char *, FACT_COUNT + 1)};
    int rc;
    if (rs == NULL || b.node == NULL || b.list == NULL || b.fact_names == NULL) {
        arena_free(a);
        return no_memory(e);
    }
    for (size_t i = 0; i < FACT_COUNT; i++)
        b.fact_names[i] = fact_info[i].name;
    rs->arena = a;
    rs->node = b.node;
    rs->list = b.list;
    if ((rc = read_set(&b, root, e)) != 0 || (rc = settle(&b, e)) != 0) {
        arena_free(a);
        return rc;
    }
    *ret = rs;
    return 0;
}

int ruleset_compile(struct ruleset **ret, const char *name, struct str text, struct err *e)
{
    struct arena *tmp = arena_create(SCRATCH_BYTES_MAX);
    struct yaml *root;
    int rc = tmp ? yaml_parse(tmp, name, text, &root, e) : no_memory(e);
    if (rc == 0)
        rc = build(ret, tmp, root, e);
    arena_free(tmp);
    return rc;
}

int ruleset_load(struct ruleset **ret, const char *path, struct err *e)
{
    struct arena *tmp = arena_create(SCRATCH_BYTES_MAX);
    struct yaml *root;
    int rc = tmp ? yaml_parse_file(tmp, path, &root, e) : no_memory(e);
    if (rc == 0)
        rc = build(ret, tmp, root, e);
    arena_free(tmp);
    return rc;
}
