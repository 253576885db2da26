/* SPDX-License-Identifier: Apache-2.0
 * ruleset_load.c - rule files to one compiled book, or one sentence saying what is wrong with them.
 *
 * All files are parsed, put in the order platform, law, policy, and compiled one after the other into the same arrays, so
 * that a decision walks one table however many files there are. A book is accepted whole or not at all. Only the
 * platform set has a basis and the rules of the engine; a book without one is a part, which decides nothing. Canonical
 * texts that were proven once are compiled by the same code, without tests, and only when they have the hash they were
 * stored under. Strings are copied into the book's arena and the files' trees are thrown away. Files are opened by
 * base/yaml only; nothing here touches the system. */
#include "core/ruleset_build.h"

#define RULESET_BYTES_MAX   (24u << 20)
#define SCRATCH_BYTES_MAX   (160u << 20) /* the tree of the largest file yaml.h accepts, and the node arrays */
#define CANONICAL_BYTES_MAX (8u << 20)

static const char *const kind_words[] = {"platform", "law", "policy", NULL};
static const char separator[] = "\n---\n";

/* A file, parsed. */
struct part {
    const char *file;
    const struct yaml *root;
    struct str text; /* restoring: its canonical text */
    uint8_t kind;
};

/* ---- one set ---- */

static int read_bases(struct builder *b, const struct yaml *n, struct fact_list *facts, struct err *e)
{
    struct ruleset *rs = b->rs;
    int rc = 0;
    if (n->kind != YAML_SEQUENCE || n->child == NULL || n->children > RULES_MAX)
        return yaml_error(n, e, "must be a list of 1 to %d bases", RULES_MAX);
    rs->basis = arena_new_array(rs->arena, struct basis, (size_t)n->children);
    if (rs->basis == NULL)
        return text_no_memory(e);
    for (const struct yaml *c = n->child; c != NULL && rc == 0; c = c->next) {
        rc = rule_read_basis(b, c, &rs->basis[rs->n_basis], facts, e);
        for (size_t i = 0; rc == 0 && i < rs->n_basis; i++)
            if (strcmp(rs->basis[i].id, rs->basis[rs->n_basis].id) == 0)
                rc = yaml_error(c, e, "two bases are called %s", rs->basis[i].id);
        rs->n_basis++;
    }
    return rc;
}

/* A rule's id is its reason code: it stands once in the whole book. */
static int check_id(const struct ruleset *rs, const struct rule *r, const struct yaml *list, const struct yaml *n,
                    struct err *e)
{
    const struct rule *twin = ruleset_find(rs, r->id);
    if (twin == NULL)
        return 0;
    for (const struct yaml *c = list->child; twin->source == r->source && c != n; c = c->next) {
        struct str id;
        if (yaml_str(yaml_get(c, "id"), &id, NULL) == 0 && str_eq(id, str_of(r->id)))
            return yaml_error(n, e, "two rules are called %s; the other stands at line %d", r->id, c->line);
    }
    return yaml_error(n, e, "two rules are called %s; the other stands in %s", r->id, rs->set[twin->source].face.file);
}

static int read_rules(struct builder *b, const struct yaml *n, struct err *e)
{
    struct ruleset *rs = b->rs;
    if (n->kind != YAML_SEQUENCE || n->child == NULL)
        return yaml_error(n, e, "must be a list of at least one rule");
    b->set->face.first = rs->n_rules;
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        if (rs->n_rules == RULES_MAX)
            return yaml_error(c, e, "there are more than %d rules in the book", RULES_MAX);
        struct rule *r = &rs->rule[rs->n_rules];
        r->index = (uint16_t)rs->n_rules;
        r->source = (uint16_t)rs->n_sets;
        int rc = rule_read(b, c, r, e);
        if (rc != 0 || (rc = check_id(rs, r, n, c, e)) != 0)
            return rc;
        rs->n_rules++;
        b->set->face.n++;
    }
    return 0;
}

/* The platform set brings the two rules of the engine. */
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
    rs->decides = true;
    return 0;
}

/* Keys that every set has, and those that only one kind may have. */
static int check_keys(const struct part *p, struct err *e)
{
    static const char *const musts[] = {"ruleset", "schema", "title", "rules"};
    const struct yaml *basis = yaml_get(p->root, "basis"), *area = yaml_get(p->root, "area");
    int64_t schema;
    for (size_t i = 0; i < sizeof musts / sizeof musts[0]; i++)
        if (yaml_get(p->root, musts[i]) == NULL)
            return yaml_error(p->root, e, "a rule set needs `%s`", musts[i]);
    if (p->kind == RULESET_PLATFORM && basis == NULL)
        return yaml_error(p->root, e, "a platform set needs `basis`");
    if (p->kind != RULESET_PLATFORM && basis != NULL)
        return yaml_error(basis, e, "only a platform set grants; a %s can only tighten", kind_words[p->kind]);
    if (p->kind != RULESET_LAW && area != NULL)
        return yaml_error(area, e, "only a law has an area");
    return yaml_i64(yaml_get(p->root, "schema"), 1, 1, &schema, e);
}

static int check_set_id(const struct builder *b, const struct yaml *n, struct err *e)
{
    for (size_t i = 0; i < b->rs->n_sets; i++)
        if (strcmp(b->rs->set[i].face.id, b->set->face.id) == 0)
            return yaml_error(n, e, "two sets are called %s; the other is %s", b->set->face.id,
                              b->rs->set[i].face.file);
    return 0;
}

static int read_head(struct builder *b, const struct part *p, struct err *e)
{
    struct ruleset_source *face = &b->set->face;
    const struct yaml *id = yaml_get(p->root, "ruleset"), *area = yaml_get(p->root, "area");
    struct str text;
    int rc;
    face->area = "";
    if ((face->file = text_copy(b, str_of(p->file))) == NULL)
        return text_no_memory(e);
    if ((rc = text_id(b, id, &face->id, e)) != 0 || (rc = check_set_id(b, id, e)) != 0)
        return rc;
    if (area != NULL && ((rc = yaml_str(area, &text, e)) != 0 || (rc = text_area(b, area, text, &face->area, e)) != 0))
        return rc;
    return text_line(b, yaml_get(p->root, "title"), TITLE_MAX, &face->title, e);
}

static int read_set(struct builder *b, const struct part *p, struct err *e)
{
    struct ruleset *rs = b->rs;
    struct fact_list basis_facts = {0};
    const struct yaml *rules = yaml_get(p->root, "rules"), *holidays = yaml_get(p->root, "holidays");
    int rc = check_keys(p, e);
    if (rc != 0)
        return rc;
    if (p->kind == RULESET_PLATFORM && rs->n_sets > 0)
        return yaml_error(p->root, e, "a book has one platform set, and %s is one already", rs->set[0].face.file);
    b->set = &rs->set[rs->n_sets];
    b->set->face.kind = (enum ruleset_kind)p->kind;
    b->set->canonical = p->text;
    b->set->first_list = rs->n_holidays;
    if ((rc = read_head(b, p, e)) != 0 || (holidays != NULL && (rc = dated_holidays(b, holidays, e)) != 0))
        return rc;
    if (p->kind == RULESET_PLATFORM && (rc = read_bases(b, yaml_get(p->root, "basis"), &basis_facts, e)) != 0)
        return rc;
    if ((rc = read_rules(b, rules, e)) != 0)
        return rc;
    if (p->kind == RULESET_PLATFORM && (rc = find_builtins(rs, rules, &basis_facts, e)) != 0)
        return rc;
    rs->n_sets++;
    return 0;
}

/* ---- the book ---- */

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

/* The canonical text of every set, one after the other, and where in it each begins and ends. */
static int settle_canonical(struct ruleset *rs, struct err *e)
{
    struct buf text;
    size_t end[RULESET_FILES_MAX];
    buf_init(&text, CANONICAL_BYTES_MAX);
    for (size_t i = 0; i < rs->n_sets; i++) {
        if (i > 0)
            buf_puts(&text, separator);
        if (rs->set[i].canonical.p != NULL)
            buf_putstr(&text, rs->set[i].canonical);
        else
            ruleset_canonicalise(rs, &rs->set[i], &text);
        end[i] = text.len;
    }
    const char *all = text.failed ? NULL : arena_strndup(rs->arena, text.data, text.len);
    for (size_t i = 0, at = 0; i < rs->n_sets && all != NULL; i++) {
        struct set *set = &rs->set[i];
        set->canonical = (struct str){all + at, end[i] - at};
        sha256(set->canonical.p, set->canonical.n, set->face.hash);
        at = end[i] + sizeof separator - 1;
    }
    rs->canonical = (struct str){all, text.len};
    buf_done(&text);
    return all != NULL ? 0 : text_no_memory(e);
}

/* One set: its own id and hash. Several: their ids joined, and a hash over ids and hashes. */
static int settle_name(struct ruleset *rs, struct err *e)
{
    struct buf id;
    rs->id = rs->set[0].face.id;
    memcpy(rs->hash, rs->set[0].face.hash, SHA256_BYTES);
    if (rs->n_sets == 1)
        return 0;
    struct sha256_state *state = sha256_begin();
    buf_init(&id, RULESET_FILES_MAX * (ID_MAX + 1));
    for (size_t i = 0; i < rs->n_sets; i++) {
        const struct ruleset_source *face = &rs->set[i].face;
        buf_printf(&id, "%s%s", i > 0 ? "+" : "", face->id);
        sha256_add(state, face->id, strlen(face->id) + 1);
        sha256_add(state, face->hash, SHA256_BYTES);
    }
    sha256_end(state, rs->hash);
    rs->id = id.failed ? NULL : arena_strndup(rs->arena, id.data, id.len);
    buf_done(&id);
    return rs->id != NULL ? 0 : text_no_memory(e);
}

/* Moves the arrays of the builder, which are as large as a book may be, to the book's own arena. */
static int settle(struct builder *b, struct err *e)
{
    struct ruleset *rs = b->rs;
    rs->node = arena_memdup(rs->arena, b->node, (rs->n_nodes + 1) * sizeof *b->node);
    rs->list = arena_memdup(rs->arena, b->list, (rs->n_lists + 1) * sizeof *b->list);
    rs->hours = arena_memdup(rs->arena, b->hours, (rs->n_hours + 1) * sizeof *b->hours);
    if (rs->node == NULL || rs->list == NULL || rs->hours == NULL)
        return text_no_memory(e);
    rank_rules(rs);
    int rc = ruleset_index(b, e);
    if (rc == 0)
        rc = settle_canonical(rs, e);
    return rc != 0 ? rc : settle_name(rs, e);
}

static int builder_init(struct builder *b, struct arena *a, struct arena *tmp, struct err *e)
{
    struct ruleset *rs = arena_new(a, struct ruleset);
    *b = (struct builder){.rs = rs,
                          .tmp = tmp,
                          .node = arena_new_array(tmp, struct node, NODES_MAX + 1),
                          .list = arena_new_array(tmp, int64_t, LIST_VALUES_MAX + 1),
                          .hours = arena_new_array(tmp, struct hours, HOURS_MAX + 1),
                          .fact_names = arena_new_array(tmp, const char *, FACT_COUNT + 1)};
    if (rs == NULL || b->node == NULL || b->list == NULL || b->hours == NULL || b->fact_names == NULL)
        return text_no_memory(e);
    for (size_t i = 0; i < FACT_COUNT; i++)
        b->fact_names[i] = fact_info[i].name;
    rs->arena = a;
    rs->set = arena_new_array(a, struct set, RULESET_FILES_MAX);
    rs->rule = arena_new_array(a, struct rule, RULES_MAX);
    rs->holidays = arena_new_array(a, struct holiday_list, HOLIDAYS_MAX);
    rs->node = b->node; /* until they settle: rules are run while they are proven */
    rs->list = b->list;
    rs->hours = b->hours;
    return rs->set != NULL && rs->rule != NULL && rs->holidays != NULL ? 0 : text_no_memory(e);
}

/* Which kind a file is; asked before its rules are read, because it says where they stand. */
static int read_kind(struct part *p, struct err *e)
{
    static const char *const keys[] = {"ruleset", "kind",     "schema", "title", "area",
                                       "basis",   "holidays", "rules",  NULL};
    int rc = yaml_known_keys(p->root, keys, "rule set", e);
    if (rc != 0)
        return rc;
    if (yaml_get(p->root, "kind") == NULL)
        return yaml_error(p->root, e, "a rule set needs `kind`: platform, law or policy");
    return text_word(yaml_get(p->root, "kind"), kind_words, &p->kind, e);
}

static int build(struct ruleset **ret, struct arena *tmp, struct part *part, size_t n, bool proven, struct err *e)
{
    struct arena *a = arena_create(RULESET_BYTES_MAX);
    struct builder b;
    int rc = a != NULL ? builder_init(&b, a, tmp, e) : text_no_memory(e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_kind(&part[i], e);
    b.proven = proven;
    for (uint8_t kind = RULESET_PLATFORM; kind <= RULESET_POLICY; kind++)
        for (size_t i = 0; i < n && rc == 0; i++)
            if (part[i].kind == kind)
                rc = read_set(&b, &part[i], e);
    if (rc != 0 || (rc = settle(&b, e)) != 0) {
        arena_free(a);
        return rc;
    }
    *ret = b.rs;
    return 0;
}

static int count_files(size_t n, struct err *e)
{
    if (n < 1 || n > RULESET_FILES_MAX)
        return err_set(e, WL_EINVAL, "a book is made of 1 to %d rule files, not %zu", RULESET_FILES_MAX, n);
    return 0;
}

static int compile_texts(struct ruleset **ret, const struct ruleset_file *files, size_t n, bool proven, struct err *e)
{
    struct part part[RULESET_FILES_MAX];
    int rc = count_files(n, e);
    if (rc != 0)
        return rc;
    struct arena *tmp = arena_create(SCRATCH_BYTES_MAX);
    rc = tmp != NULL ? 0 : text_no_memory(e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct yaml *root = NULL;
        rc = yaml_parse(tmp, files[i].name, files[i].text, &root, e);
        part[i] = (struct part){.file = files[i].name, .root = root};
        if (proven)
            part[i].text = files[i].text;
    }
    if (rc == 0)
        rc = build(ret, tmp, part, n, proven, e);
    arena_free(tmp);
    return rc;
}

int ruleset_compile_all(struct ruleset **ret, const struct ruleset_file *files, size_t n, struct err *e)
{
    return compile_texts(ret, files, n, false, e);
}

int ruleset_compile(struct ruleset **ret, const char *name, struct str text, struct err *e)
{
    struct ruleset_file file = {name, text};
    return compile_texts(ret, &file, 1, false, e);
}

int ruleset_load_all(struct ruleset **ret, const char *const *paths, size_t n, struct err *e)
{
    struct part part[RULESET_FILES_MAX];
    int rc = count_files(n, e);
    if (rc != 0)
        return rc;
    struct arena *tmp = arena_create(SCRATCH_BYTES_MAX);
    rc = tmp != NULL ? 0 : text_no_memory(e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct yaml *root = NULL;
        rc = yaml_parse_file(tmp, paths[i], &root, e);
        part[i] = (struct part){.file = paths[i], .root = root};
    }
    if (rc == 0)
        rc = build(ret, tmp, part, n, false, e);
    arena_free(tmp);
    return rc;
}

int ruleset_load(struct ruleset **ret, const char *path, struct err *e)
{
    return ruleset_load_all(ret, &path, 1, e);
}

int ruleset_restore(struct ruleset **ret, struct str canonical, const uint8_t hash[SHA256_BYTES], struct err *e)
{
    struct ruleset_file files[RULESET_FILES_MAX];
    struct ruleset *rs = NULL;
    struct str rest = canonical, line = {separator, sizeof separator - 1};
    size_t n = 0;
    while (rest.p != NULL && n < RULESET_FILES_MAX) {
        const char *cut = memmem(rest.p, rest.n, line.p, line.n);
        size_t len = cut != NULL ? (size_t)(cut - rest.p) : rest.n;
        files[n++] = (struct ruleset_file){"stored rules", {rest.p, len}};
        rest = cut != NULL ? (struct str){cut + line.n, rest.n - len - line.n} : (struct str){NULL, 0};
    }
    int rc = compile_texts(&rs, files, n, true, e);
    if (rc != 0)
        return rc;
    if (!str_eq(rs->canonical, canonical) || memcmp(rs->hash, hash, SHA256_BYTES) != 0) {
        ruleset_free(rs);
        return err_set(e, WL_EINVAL, "the stored rules do not have the hash they were stored under");
    }
    *ret = rs;
    return 0;
}
