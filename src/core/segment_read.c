/* SPDX-License-Identifier: Apache-2.0
 * segment_read.c - react-querybuilder's JSON as a tree of groups and rules.
 *
 * Groups come in both of its forms: {combinator, rules: [rule, rule]} and, with combinators between the rules, {rules: [rule, "and", rule,
 * "or", rule]}, where `and` binds closer than `or`, as in SQL. What is muted is as if it were not there, with the combinator before it, as
 * its formatQuery() has it. A group in which nothing is left is left out, too; formatQuery() makes it true, which beside an `or`
 * would mean everybody. For the same reason a segment in whose groups nothing is left is refused, and `not` of a group without rules:
 * only {rules: []} says everybody on purpose.
 * What the editor keeps for itself (id, path, disabled and any other key) is ignored. Refused with a sentence: comparisons of two
 * fields (valueSource "field"), match on parts of a value, xor, placeholders, an operator that its field does not have, a value that is not
 * of the field's kind. Held against react-querybuilder 8.24.1. */
#include <string.h>

#include "base/yaml.h" /* nearest_word() */
#include "core/audience_impl.h"
#include "core/segment_impl.h"

/* Where in the JSON: for the path of an error. */
struct place {
    const struct place *above;
    size_t index;
};

struct reading {
    struct arena *arena;
    const char *path; /* of the error, once there is one */
    size_t rules;
    bool muted;
};

static void put_place(struct buf *out, const struct place *at)
{
    if (at == NULL)
        return;
    put_place(out, at->above);
    buf_printf(out, "%srules[%zu]", out->len > 0 ? "." : "", at->index);
}

/* Keeps where the error is and passes its code on. */
static int at_key(struct reading *r, const struct place *at, const char *key, int rc)
{
    struct buf path;
    buf_init(&path, 1024);
    put_place(&path, at);
    buf_printf(&path, "%s%s", path.len > 0 && *key != '\0' ? "." : "", key);
    r->path = arena_strdup(r->arena, buf_cstr(&path));
    buf_done(&path);
    return rc;
}

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory for a segment");
}

/* A member that must be a string; absent and empty count as missing. */
static int word_of(struct json v, const char *key, struct str *ret, struct err *e)
{
    struct str s;
    if (!json_str(json_get(v, key), &s) || str_trim(s).n == 0)
        return err_set(e, WL_EINVAL, "%s is missing, or is no text", key);
    *ret = str_trim(s);
    return 0;
}

static bool muted(struct reading *r, struct json v)
{
    bool is = false;
    bool yes = json_bool(json_get(v, "muted"), &is) && is;
    r->muted |= yes;
    return yes;
}

/* --- rules ------------------------------------------------------------------------------------------------------------ */

static int read_field(struct reading *r, struct json v, struct segment_rule *rule, struct err *e)
{
    const char *names[64];
    size_t n = 0;
    int rc = word_of(v, "field", &rule->name, e);
    if (rc != 0)
        return rc;
    for (const struct segment_field *f = segment_fields; f->name != NULL; f++) {
        struct str name = str_of(f->name);
        bool named = name.p[name.n - 1] == '.';
        names[n++] = f->name;
        if (named ? !str_starts(rule->name, name) || rule->name.n == name.n : !str_eq(rule->name, name))
            continue;
        char *copy = arena_strndup(r->arena, rule->name.p, rule->name.n);
        if (copy == NULL)
            return no_memory(e);
        for (size_t i = 0; i < rule->name.n; i++)
            if ((unsigned char)copy[i] < ' ')
                return err_set(e, WL_EINVAL, "the name of a field has no control characters");
        rule->field = f;
        rule->about = &segment_abouts[f - segment_fields];
        rule->name.p = copy;
        rule->attribute = (struct str){copy + name.n, rule->name.n - name.n};
        return 0;
    }
    names[n] = NULL;
    const char *near = str_eq(rule->name, STR("~")) ? NULL : nearest_word(rule->name, names);
    const struct str shown = str_clip(rule->name, 60);
    if (str_eq(rule->name, STR("attribute.")))
        return err_set(e, WL_EINVAL,
                       "\"attribute.\" is no field: the attribute's name belongs behind it, as in attribute.city");
    if (near == NULL)
        return err_set(e, WL_EINVAL, "\"%.*s\" is no field: one is to be chosen, as country, tag or attribute.city",
                       (int)shown.n, shown.p);
    return err_set(e, WL_EINVAL, "\"%.*s\" is no field; did you mean %s, or attribute.%.*s?", (int)shown.n, shown.p,
                   near, (int)shown.n, shown.p);
}

static bool has_word(const char *words, struct str word)
{
    for (struct str rest = str_of(words); rest.n > 0;)
        if (str_eq(str_cut(rest, ' ', &rest), word))
            return true;
    return false;
}

static int read_operator(struct json v, struct segment_rule *rule, const struct segment_operator **ret, struct err *e)
{
    struct str word;
    int rc = word_of(v, "operator", &word, e);
    for (const struct segment_operator *o = segment_operators; rc == 0 && o->name != NULL; o++)
        if (str_eq(word, str_of(o->name)) && has_word(rule->field->operators, word)) {
            rule->op = o->op;
            rule->negated = o->negated;
            *ret = o;
            return 0;
        }
    return rc != 0 ? rc
                   : err_set(e, WL_EINVAL, "%.*s has no operator \"%.*s\"; it has %s", (int)str_clip(rule->name, 60).n,
                             rule->name.p, (int)str_clip(word, 30).n, word.p, rule->field->operators);
}

static int read_rule(struct reading *r, struct json v, const struct place *at, struct segment_rule *rule, struct err *e)
{
    const struct segment_operator *o = NULL;
    struct str source;
    if (json_str(json_get(v, "valueSource"), &source) && !str_eq(source, STR("value")))
        return at_key(r, at, "valueSource",
                      err_set(e, WL_EINVAL, "a field is compared with values only, not with \"%.*s\"",
                              (int)str_clip(source, 30).n, source.p));
    if (json_type(json_get(v, "match")) != JSON_ABSENT && json_type(json_get(v, "match")) != JSON_NULL)
        return at_key(r, at, "match", err_set(e, WL_EINVAL, "rules on parts of a value (match) are not known here"));
    if (++r->rules > SEGMENT_RULES_MAX)
        return at_key(r, at, "", err_set(e, WL_ETOOBIG, "a segment has at most %d rules", SEGMENT_RULES_MAX));
    int rc = read_field(r, v, rule, e);
    if (rc != 0)
        return at_key(r, at, "field", rc);
    rc = read_operator(v, rule, &o, e);
    if (rc != 0)
        return at_key(r, at, "operator", rc);
    if (rule->op == OP_KNOWN)
        return 0;
    rc = segment_read_values(r->arena, json_get(v, "value"), o, rule, e);
    return rc != 0 ? at_key(r, at, "value", rc) : 0;
}

/* --- groups ----------------------------------------------------------------------------------------------------------- */

enum join { JOIN_AND, JOIN_OR };

static int read_join(struct str word, enum join *ret, struct err *e)
{
    if (!str_ieq(word, STR("and")) && !str_ieq(word, STR("or")))
        return err_set(e, WL_EINVAL, "\"%.*s\" is no combinator: and, or", (int)str_clip(word, 30).n, word.p);
    *ret = str_ieq(word, STR("or")) ? JOIN_OR : JOIN_AND;
    return 0;
}

static int read_group(struct reading *r, struct json v, const struct place *at, int depth, struct segment_node **ret,
                      struct err *e);

/* One element that is no combinator; *ret NULL: as if it were not there. */
static int read_member(struct reading *r, struct json v, const struct place *at, int depth, struct segment_node **ret,
                       struct err *e)
{
    *ret = NULL;
    if (json_type(v) != JSON_OBJECT)
        return at_key(r, at, "", err_set(e, WL_EINVAL, "a rule or a group is an object"));
    struct str twice = json_duplicate_key(v);
    if (twice.p != NULL)
        return at_key(r, at, "",
                      err_set(e, WL_EINVAL, "the key \"%.*s\" stands twice", (int)str_clip(twice, 60).n, twice.p));
    if (muted(r, v))
        return 0;
    if (json_type(json_get(v, "rules")) != JSON_ABSENT)
        return read_group(r, v, at, depth + 1, ret, e);
    struct segment_node *n = arena_new(r->arena, struct segment_node);
    if (n == NULL || (n->rule = arena_new(r->arena, struct segment_rule)) == NULL)
        return no_memory(e);
    n->is_rule = true;
    *ret = n;
    return read_rule(r, v, at, n->rule, e);
}

static int no_combinator(struct reading *r, const struct place *at, struct err *e)
{
    return at_key(r, at, "", err_set(e, WL_EINVAL, "between two rules stands \"and\" or \"or\", and only there"));
}

/* Members with combinators between them: groups of `and` in a group of `or`. */
static int read_between(struct reading *r, struct json rules, const struct place *above, int depth,
                        struct segment_node *group, struct err *e)
{
    struct segment_node *all = NULL, **tail = NULL, **groups = &group->child;
    enum join join = JOIN_OR;
    size_t i = 0;
    int rc = 0;
    group->any = true;
    for (struct json_iter it = json_iter(rules); rc == 0 && json_next(&it); i++) {
        struct place at = {above, i};
        struct segment_node *n = NULL;
        struct str word;
        bool is_word = json_str(it.value, &word);
        if (is_word != (i % 2 == 1))
            return no_combinator(r, &at, e);
        if (is_word) {
            rc = read_join(word, &join, e);
            if (rc != 0)
                return at_key(r, &at, "", rc);
            continue;
        }
        rc = read_member(r, it.value, &at, depth, &n, e);
        if (rc != 0 || n == NULL)
            continue;
        if (join == JOIN_OR || all == NULL) {
            all = arena_new(r->arena, struct segment_node);
            if (all == NULL)
                return no_memory(e);
            *groups = all;
            groups = &all->next;
            tail = &all->child;
        }
        *tail = n;
        tail = &n->next;
    }
    return rc == 0 && i > 0 && i % 2 == 0 ? no_combinator(r, &(struct place){above, i - 1}, e) : rc;
}

static int read_among(struct reading *r, struct json v, const struct place *above, int depth,
                      struct segment_node *group, struct err *e)
{
    struct segment_node **tail = &group->child;
    struct str word;
    enum join join = JOIN_AND;
    size_t i = 0;
    int rc = json_str(json_get(v, "combinator"), &word) ? read_join(word, &join, e)
                                                        : err_set(e, WL_EINVAL, "combinator is missing: and, or");
    if (rc != 0)
        return at_key(r, above, "combinator", rc);
    group->any = join == JOIN_OR;
    for (struct json_iter it = json_iter(json_get(v, "rules")); rc == 0 && json_next(&it); i++) {
        struct place at = {above, i};
        struct segment_node *n = NULL;
        rc = read_member(r, it.value, &at, depth, &n, e);
        if (rc == 0 && n != NULL) {
            *tail = n;
            tail = &n->next;
        }
    }
    return rc;
}

/* Whether combinators stand between the rules. A group of one rule and without combinator can only be of that form. */
static bool is_between(struct json v)
{
    struct str word;
    bool any = false;
    for (struct json_iter it = json_iter(json_get(v, "rules")); json_next(&it);)
        any |= json_type(it.value) == JSON_STRING;
    return any || (!json_str(json_get(v, "combinator"), &word) && json_count(json_get(v, "rules")) <= 1);
}

static int read_group(struct reading *r, struct json v, const struct place *at, int depth, struct segment_node **ret,
                      struct err *e)
{
    struct segment_node *g = arena_new(r->arena, struct segment_node);
    struct json rules = json_get(v, "rules"), not = json_get(v, "not");
    if (g == NULL)
        return no_memory(e);
    if (depth > SEGMENT_DEPTH_MAX)
        return at_key(r, at, "", err_set(e, WL_ETOOBIG, "groups lie at most %d deep", SEGMENT_DEPTH_MAX));
    if (json_type(rules) != JSON_ARRAY)
        return at_key(r, at, "rules", err_set(e, WL_EINVAL, "rules must be a list"));
    if (json_type(not ) != JSON_ABSENT && json_type(not ) != JSON_NULL && !json_bool(not, &g->negated))
        return at_key(r, at, "not", err_set(e, WL_EINVAL, "not is true or false"));
    const bool outside = r->muted;
    r->muted = false;
    int rc = is_between(v) ? read_between(r, rules, at, depth, g, e) : read_among(r, v, at, depth, g, e);
    if (rc == 0 && g->child == NULL && g->negated && (at == NULL || !r->muted))
        return at_key(r, at, "not",
                      err_set(e, WL_EINVAL, "not of nothing: a group without rules means nobody in particular"));
    r->muted |= outside;
    *ret = g->child != NULL || at == NULL ? g : NULL;
    return rc;
}

int segment_read(struct json query, struct arena *a, struct segment **ret, const char **ret_path, struct err *e)
{
    struct reading r = {.arena = a};
    struct segment *g = arena_new(a, struct segment);
    struct err own;
    int rc = 0;
    e = e != NULL ? e : &own;
    if (g == NULL)
        return no_memory(e);
    struct str twice = json_duplicate_key(query);
    if (json_type(query) != JSON_OBJECT || twice.p != NULL)
        rc = at_key(&r, NULL, "",
                    err_set(e, WL_EINVAL,
                            twice.p != NULL ? "a key of the query stands twice" : "a query is an object with rules"));
    else if (muted(&r, query))
        rc = at_key(&r, NULL, "muted", err_set(e, WL_EINVAL, "all of it is muted, which would mean everybody"));
    else
        rc = read_group(&r, query, NULL, 1, &g->root, e);
    if (rc == 0 && g->root->child == NULL && json_count(json_get(query, "rules")) > 0)
        rc = at_key(&r, NULL, "rules",
                    err_set(e, WL_EINVAL, "%s, which would mean everybody",
                            r.muted ? "all of it is muted" : "there is no rule in its groups"));
    if (rc != 0 && ret_path != NULL)
        *ret_path = r.path != NULL ? r.path : "";
    if (rc == 0)
        *ret = g;
    return rc;
}
