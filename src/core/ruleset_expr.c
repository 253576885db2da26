/* SPDX-License-Identifier: Apache-2.0
 * ruleset_expr.c - predicates from a rule file's tree to flat nodes.
 *
 * Everything that can be wrong is found here, with file, line and key: facts and words that do not exist (with the
 * nearest one that does), comparisons that do not fit the fact's type, dated values that are not defined or are used
 * as another kind (a duration as a number), empty lists and comparisons that can only have one answer. What
 * compiles cannot fail at run time. It refuses more facts in one rule than a finding can carry. */
#include "core/ruleset_build.h"

#include "core/country.h"

enum arg_kind { ARG_ONE, ARG_MANY, ARG_NUMBER, ARG_DURATION, ARG_FACT, ARG_FLAG };

#define ON(type) (1u << FACT_TYPE_##type)
#define ON_ANY   (ON(BOOL) | ON(INT) | ON(TIME) | ON(WORD) | ON(CODE))
#define ON_SET   (ON(BOOL) | ON(INT) | ON(WORD) | ON(CODE))

static const struct comparison {
    const char *key;
    uint8_t op; /* OP_WORDS stands for a set of either kind */
    bool negate;
    uint8_t arg;
    uint8_t types; /* fact types it fits */
} comparisons[] = {
    {"is", OP_WORDS, false, ARG_ONE, ON_SET},
    {"is_not", OP_WORDS, true, ARG_ONE, ON_SET},
    {"in", OP_WORDS, false, ARG_MANY, ON_SET},
    {"not_in", OP_WORDS, true, ARG_MANY, ON_SET},
    {"lt", OP_LT, false, ARG_NUMBER, ON(INT)},
    {"le", OP_LE, false, ARG_NUMBER, ON(INT)},
    {"gt", OP_GT, false, ARG_NUMBER, ON(INT)},
    {"ge", OP_GE, false, ARG_NUMBER, ON(INT)},
    {"older_than", OP_OLDER, false, ARG_DURATION, ON(TIME)},
    {"newer_than", OP_NEWER, false, ARG_DURATION, ON(TIME)},
    {"ahead_by", OP_AHEAD, false, ARG_DURATION, ON(TIME)},
    {"before", OP_BEFORE, false, ARG_FACT, ON(TIME)},
    {"known", OP_KNOWN, false, ARG_FLAG, ON_ANY},
};
#define COMPARISONS (sizeof comparisons / sizeof comparisons[0])

const char **words_of(struct arena *a, const char *spaced)
{
    struct str rest = str_of(spaced);
    size_t n = 0, max = 1;
    for (const char *p = spaced; *p; p++)
        max += *p == ' ';
    const char **list = arena_new_array(a, const char *, max + 1);
    while (list != NULL && rest.n > 0) {
        struct str word = str_cut(rest, ' ', &rest);
        if ((list[n++] = arena_strndup(a, word.p, word.n)) == NULL)
            return NULL;
    }
    return list;
}

/* ": did you mean x?" or nothing, in the scratch arena. */
static const char *suggestion(struct builder *b, struct str word, const char *const *list)
{
    const char *near = list ? nearest_word(word, list) : NULL;
    const char *text = near ? arena_printf(b->tmp, ": did you mean %s?", near) : NULL;
    return text ? text : "";
}

int expr_fact(struct builder *b, const struct yaml *n, uint8_t *ret, struct err *e)
{
    struct str name;
    int rc = yaml_str(n, &name, e), id;
    if (rc != 0)
        return rc;
    if ((id = fact_by_name(name)) < 0)
        return yaml_error(n, e, "no fact is called %.*s%s", (int)(name.n > 60 ? 60 : name.n), name.p,
                          suggestion(b, name, b->fact_names));
    *ret = (uint8_t)id;
    return 0;
}

int expr_slot(const struct scope *s, const struct yaml *n, uint8_t fact, uint8_t *ret, struct err *e)
{
    for (uint8_t i = 0; i < s->facts->n; i++) {
        if (s->facts->fact[i] == fact) {
            *ret = i;
            return 0;
        }
    }
    if (s->facts->n == RULE_FACTS_MAX)
        return yaml_error(n, e, "a rule may use at most %d different facts; split it in two", RULE_FACTS_MAX);
    s->facts->fact[s->facts->n] = fact;
    *ret = s->facts->n++;
    return 0;
}

/* A rule read before is taken as it was kept: whoever asks why it decided gets the answer. */
static int code_value(const struct builder *b, enum fact_id id, const struct yaml *n, struct str text, int64_t *ret,
                      struct err *e)
{
    struct facts f = {0};
    struct err why = {0};
    if (!b->proven && country_check(text, id == FACT_RECIPIENT_REGION ? PLACE_REGION : PLACE_COUNTRY, &why) != 0)
        return yaml_error(n, e, "%s", why.text);
    fact_set_code(&f, id, text.p);
    if (!f.known[id] || strlen(text.p) != text.n)
        return yaml_error(n, e, "a code is 1 to 8 letters, digits, '-' or '_'");
    *ret = f.value[id];
    return 0;
}

int expr_fact_value(struct builder *b, uint8_t fact, const struct yaml *n, int64_t *ret, struct err *e)
{
    struct str text;
    bool flag;
    int word, rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    switch (fact_info[fact].type) {
    case FACT_TYPE_BOOL:
        if ((rc = yaml_bool(n, &flag, e)) == 0)
            *ret = flag;
        return rc;
    case FACT_TYPE_CODE:
        return code_value(b, (enum fact_id)fact, n, text, ret, e);
    case FACT_TYPE_WORD:
        if ((word = fact_word((enum fact_id)fact, text)) < 0)
            return yaml_error(n, e, "%.*s is no value of %s%s", (int)(text.n > 60 ? 60 : text.n), text.p,
                              fact_info[fact].name, suggestion(b, text, words_of(b->tmp, fact_info[fact].words)));
        *ret = word;
        return 0;
    default:
        return yaml_i64(n, INT64_MIN, INT64_MAX, ret, e);
    }
}

/* ---- operands ---- */

/* "$name": its index among the rule's dated values, which must be of this kind. */
static int value_ref(const struct scope *s, const struct yaml *n, struct str name, enum value_kind kind, int16_t *ret,
                     struct err *e)
{
    const struct values *v = s->values;
    for (uint16_t i = 0; i < v->n_names; i++) {
        if (!str_eq(name, str_of(v->name[i])))
            continue;
        if (v->kind[i] != kind && (v->kind[i] != VALUE_ANY || kind == VALUE_HOURS))
            return yaml_error(n, e, "$%s is a %s, but a %s is needed here", v->name[i],
                              value_kind_name((enum value_kind)v->kind[i]), value_kind_name(kind));
        *ret = (int16_t)i;
        return 0;
    }
    return yaml_error(n, e, "$%.*s is not among the rule's values", (int)(name.n > 60 ? 60 : name.n), name.p);
}

static int term(struct builder *b, const struct scope *s, const struct yaml *n, struct str text, enum value_kind kind,
                struct operand *o, int i, struct err *e)
{
    struct yaml scalar = *n;
    o->value[i] = -1;
    if (text.n > 1 && text.p[0] == '$')
        return value_ref(s, n, (struct str){text.p + 1, text.n - 1}, kind, &o->value[i], e);
    scalar.text.p = arena_strndup(b->tmp, text.p ? text.p : "", text.n);
    scalar.text.n = text.n;
    if (scalar.text.p == NULL)
        return err_set(e, WL_ENOMEM, "the rule set is too large");
    if (kind == VALUE_INT)
        return yaml_i64(&scalar, INT64_MIN, INT64_MAX, &o->constant[i], e);
    return yaml_duration(&scalar, &o->constant[i], e);
}

/* Where " + " or " - " stands, or NULL. */
static const char *sign_in(struct str text)
{
    for (size_t i = 0; i + 2 < text.n; i++)
        if (text.p[i] == ' ' && (text.p[i + 1] == '+' || text.p[i + 1] == '-') && text.p[i + 2] == ' ')
            return text.p + i;
    return NULL;
}

int expr_operand(struct builder *b, const struct scope *s, const struct yaml *n, enum value_kind kind,
                 struct operand *ret, struct err *e)
{
    struct operand o = {.value = {-1, -1}};
    struct str text, first;
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    const char *sign = sign_in(text);
    first = sign ? (struct str){text.p, (size_t)(sign - text.p)} : text;
    rc = term(b, s, n, first, kind, &o, 0, e);
    if (rc == 0 && sign != NULL) {
        o.sign = sign[1] == '+' ? 1 : -1;
        rc = term(b, s, n, (struct str){sign + 3, text.n - first.n - 3}, kind, &o, 1, e);
    }
    if (rc == 0)
        *ret = o;
    return rc;
}

int expr_hours(const struct scope *s, const struct yaml *n, struct operand *ret, struct err *e)
{
    struct operand o = {.value = {-1, -1}};
    struct str text;
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    if (text.n < 2 || text.p[0] != '$')
        return yaml_error(n, e, "must be a dated value that is a week's hours, such as $hours");
    rc = value_ref(s, n, (struct str){text.p + 1, text.n - 1}, VALUE_HOURS, &o.value[0], e);
    if (rc == 0)
        *ret = o;
    return rc;
}

int expr_whereabouts(const struct scope *s, const struct yaml *n, uint8_t *ret_min, uint8_t *ret_max, struct err *e)
{
    int rc = expr_slot(s, n, FACT_RECIPIENT_UTC_MIN, ret_min, e);
    return rc != 0 ? rc : expr_slot(s, n, FACT_RECIPIENT_UTC_MAX, ret_max, e);
}

/* ---- nodes ---- */

static int new_node(struct builder *b, const struct yaml *n, uint8_t op, uint32_t *ret, struct err *e)
{
    if (b->rs->n_nodes == NODES_MAX)
        return yaml_error(n, e, "the rule set has more than %d conditions", NODES_MAX);
    struct node *node = &b->node[b->rs->n_nodes];
    *node = (struct node){.op = op, .end = b->rs->n_nodes + 1, .arg = {.value = {-1, -1}}};
    *ret = b->rs->n_nodes++;
    return 0;
}

static int list_add(struct builder *b, const struct yaml *n, struct node *node, int64_t v, struct err *e)
{
    if (b->rs->n_lists == LIST_VALUES_MAX)
        return yaml_error(n, e, "the rule set's lists hold more than %d values", LIST_VALUES_MAX);
    for (uint32_t i = 0; i < node->n_list; i++)
        if (b->list[node->list + i] == v)
            return yaml_error(n, e, "the list names the same value twice");
    b->list[b->rs->n_lists++] = v;
    node->n_list++;
    return 0;
}

static int set_add(struct builder *b, const struct yaml *n, struct node *node, struct err *e)
{
    int64_t v;
    int rc = expr_fact_value(b, node->fact, n, &v, e);
    if (rc != 0)
        return rc;
    if (node->op == OP_LIST)
        return list_add(b, n, node, v, e);
    if (node->words >> v & 1)
        return yaml_error(n, e, "the list names the same value twice");
    node->words |= (uint64_t)1 << v;
    return 0;
}

static uint64_t all_words(struct builder *b, uint8_t fact)
{
    uint64_t all = 0;
    const char **list;
    if (fact_info[fact].type == FACT_TYPE_BOOL)
        return 3;
    list = words_of(b->tmp, fact_info[fact].words);
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        all |= (uint64_t)1 << i;
    return all;
}

static int compile_set(struct builder *b, struct node *node, const struct yaml *arg, bool many, struct err *e)
{
    enum fact_type type = fact_info[node->fact].type;
    int rc = 0;
    node->op = type == FACT_TYPE_WORD || type == FACT_TYPE_BOOL ? OP_WORDS : OP_LIST;
    node->list = b->rs->n_lists;
    if (!many)
        return set_add(b, arg, node, e);
    if (arg->kind != YAML_SEQUENCE || arg->child == NULL)
        return yaml_error(arg, e, "must be a list of at least one value");
    for (const struct yaml *v = arg->child; v != NULL && rc == 0; v = v->next)
        rc = set_add(b, v, node, e);
    if (rc == 0 && node->op == OP_WORDS && node->words == all_words(b, node->fact))
        return yaml_error(arg, e, "names every value of %s, so it has only one answer", fact_info[node->fact].name);
    return rc;
}

/* {fact: A, before: B}: two times. */
static int compile_other(struct builder *b, const struct scope *s, struct node *node, const struct yaml *arg,
                         struct err *e)
{
    int rc = expr_fact(b, arg, &node->other, e);
    if (rc != 0)
        return rc;
    if (fact_info[node->other].type != FACT_TYPE_TIME || node->other == node->fact)
        return yaml_error(arg, e, "must be another fact that is a time");
    return expr_slot(s, arg, node->other, &node->other_slot, e);
}

static int compile_argument(struct builder *b, const struct scope *s, const struct comparison *op, struct node *node,
                            const struct yaml *arg, struct err *e)
{
    bool flag;
    int rc;
    switch ((enum arg_kind)op->arg) {
    case ARG_ONE:
    case ARG_MANY:
        return compile_set(b, node, arg, op->arg == ARG_MANY, e);
    case ARG_NUMBER:
        return expr_operand(b, s, arg, VALUE_INT, &node->arg, e);
    case ARG_DURATION:
        return expr_operand(b, s, arg, VALUE_DURATION, &node->arg, e);
    case ARG_FACT:
        return compile_other(b, s, node, arg, e);
    case ARG_FLAG:
        break;
    }
    if ((rc = yaml_bool(arg, &flag, e)) == 0)
        node->negate = !flag;
    return rc;
}

static const struct comparison *comparison_of(const struct yaml *n, const struct yaml **ret_arg)
{
    for (size_t i = 0; i < COMPARISONS; i++)
        if ((*ret_arg = yaml_get(n, comparisons[i].key)) != NULL)
            return &comparisons[i];
    return NULL;
}

static int compile_leaf(struct builder *b, const struct scope *s, const struct yaml *n, uint32_t *ret, struct err *e)
{
    static const char *const keys[] = {"fact", "is",         "is_not",     "in",       "not_in", "lt",    "le", "gt",
                                       "ge",   "older_than", "newer_than", "ahead_by", "before", "known", NULL};
    const struct yaml *arg;
    uint8_t fact, slot;
    int rc = yaml_known_keys(n, keys, "condition", e);
    if (rc != 0 || (rc = expr_fact(b, yaml_get(n, "fact"), &fact, e)) != 0)
        return rc;
    const struct comparison *op = comparison_of(n, &arg);
    if (op == NULL || n->children != 2)
        return yaml_error(n, e, "a condition is a fact and exactly one comparison");
    if (!(op->types >> fact_info[fact].type & 1))
        return yaml_error(arg, e, "`%s` does not fit %s", op->key, fact_info[fact].name);
    if ((rc = expr_slot(s, n, fact, &slot, e)) != 0 || (rc = new_node(b, n, op->op, ret, e)) != 0)
        return rc;
    struct node *node = &b->node[*ret];
    node->fact = fact;
    node->slot = slot;
    node->negate = op->negate;
    return compile_argument(b, s, op, node, arg, e);
}

static int compile(struct builder *b, const struct scope *s, const struct yaml *n, int depth, uint32_t *ret,
                   struct err *e);

static int compile_parts(struct builder *b, const struct scope *s, const struct yaml *parts, uint8_t op, int depth,
                         uint32_t *ret, struct err *e)
{
    uint32_t child;
    int rc = new_node(b, parts, op, ret, e);
    if (rc != 0)
        return rc;
    if (op == OP_NOT) {
        rc = compile(b, s, parts, depth + 1, &child, e);
    } else {
        if (parts->kind != YAML_SEQUENCE || parts->child == NULL)
            return yaml_error(parts, e, "must be a list of at least one condition");
        for (const struct yaml *p = parts->child; p != NULL && rc == 0; p = p->next)
            rc = compile(b, s, p, depth + 1, &child, e);
    }
    b->node[*ret].end = b->rs->n_nodes;
    return rc;
}

/* {outside: $hours} or {holiday: CO} */
static int compile_calendar(struct builder *b, const struct scope *s, const struct yaml *n, uint32_t *ret,
                            struct err *e)
{
    const struct yaml *hours = yaml_get(n, "outside"), *list = yaml_get(n, "holiday");
    uint8_t slot, other_slot;
    int rc;
    if (n->children != 1)
        return yaml_error(n, e, "`%s` stands alone in its condition", hours != NULL ? "outside" : "holiday");
    if ((rc = expr_whereabouts(s, n, &slot, &other_slot, e)) != 0 ||
        (rc = new_node(b, n, hours != NULL ? OP_OUTSIDE : OP_HOLIDAY, ret, e)) != 0)
        return rc;
    struct node *node = &b->node[*ret];
    node->fact = FACT_RECIPIENT_UTC_MIN;
    node->other = FACT_RECIPIENT_UTC_MAX;
    node->slot = slot;
    node->other_slot = other_slot;
    return hours != NULL ? expr_hours(s, hours, &node->arg, e) : dated_list(b, list, &node->list, e);
}

static int compile(struct builder *b, const struct scope *s, const struct yaml *n, int depth, uint32_t *ret,
                   struct err *e)
{
    static const struct {
        const char *key;
        uint8_t op;
    } groups[] = {{"all", OP_ALL}, {"any", OP_ANY}, {"not", OP_NOT}};
    if (n->kind != YAML_MAPPING || n->child == NULL)
        return yaml_error(n, e, "a condition is a mapping: all, any, not, or a fact with a comparison");
    if (depth > EXPR_DEPTH_MAX)
        return yaml_error(n, e, "conditions are nested deeper than %d", EXPR_DEPTH_MAX);
    for (size_t i = 0; i < 3; i++) {
        const struct yaml *parts = yaml_get(n, groups[i].key);
        if (parts == NULL)
            continue;
        if (n->children != 1)
            return yaml_error(n, e, "`%s` stands alone in its condition", groups[i].key);
        return compile_parts(b, s, parts, groups[i].op, depth, ret, e);
    }
    if (yaml_get(n, "outside") != NULL || yaml_get(n, "holiday") != NULL)
        return compile_calendar(b, s, n, ret, e);
    if (yaml_get(n, "fact") == NULL) {
        static const char *const keys[] = {"all", "any", "not", "fact", "outside", "holiday", NULL};
        int rc = yaml_known_keys(n, keys, "condition", e);
        return rc != 0 ? rc : yaml_error(n, e, "a condition needs all, any, not, fact, outside or holiday");
    }
    return compile_leaf(b, s, n, ret, e);
}

int expr_compile(struct builder *b, const struct scope *s, const struct yaml *n, uint32_t *ret_root, struct err *e)
{
    return compile(b, s, n, 0, ret_root, e);
}
