/* SPDX-License-Identifier: Apache-2.0
 * ruleset_index.c - which rules cannot speak about these facts, known before one of them is judged.
 *
 * When a book is loaded, each fact that rules mention is tried at each of its values (words, false and true, the codes
 * that rules name, the time "never", any other, unknown) while every other fact and the date may be anything: the truth of a
 * condition is then an interval between FALSE and TRUE. A rule whose interval ends below what would make it speak stays
 * silent whenever the fact has that value, so each value has a bit set of the rules that might speak. A decision ANDs the
 * sets of the facts that exclude most and judges what is left. Leaving a rule out is a proof, never a guess: what is
 * judged and what is found are the same as without the index. */
#include "core/ruleset_build.h"

#include <stdlib.h>

#define SELECTORS_MAX 48 /* facts looked at for one decision: those that exclude most rules */
#define CELLS_MAX     256

/* The cells of a fact. Words and booleans follow by value, codes in ascending order, "never" alone. */
enum { CELL_UNKNOWN = 0, CELL_OTHER = 1, CELL_FIRST = 2 };

struct interval {
    enum tri least, most;
};

/* One fact at one of its values; the others may be anything. */
struct trial {
    const struct ruleset *rs;
    struct facts facts; /* holds this one */
    uint8_t fact;
    bool other; /* known, and none of the values that have a cell */
};

static const struct interval anything = {TRI_FALSE, TRI_TRUE};

/* A comparison with "never", which needs neither clock nor dated value. */
static struct interval never_interval(const struct node *n)
{
    switch (n->op) {
    case OP_OLDER:
        return (struct interval){TRI_TRUE, TRI_TRUE};
    case OP_NEWER:
    case OP_AHEAD:
        return (struct interval){TRI_FALSE, TRI_FALSE};
    default:
        return anything;
    }
}

static struct interval leaf_interval(const struct trial *t, const struct node *n)
{
    static const struct interval unknown = {TRI_UNKNOWN, TRI_UNKNOWN};
    bool two = n->op == OP_BEFORE || n->op >= OP_OUTSIDE, known = t->facts.known[t->fact];
    if (n->fact != t->fact && !(two && n->other == t->fact))
        return anything;
    if (n->op != OP_KNOWN && !known)
        return unknown;
    bool exact = n->op == OP_WORDS || (n->op == OP_LIST && fact_info[t->fact].type == FACT_TYPE_CODE);
    if (n->op == OP_KNOWN || exact) {
        struct view v = {t->rs, &t->facts, 0, NULL};
        enum tri truth = predicate_eval(&v, (uint32_t)(n - t->rs->node));
        return (struct interval){truth, truth};
    }
    if (fact_info[t->fact].type == FACT_TYPE_TIME && n->fact == t->fact && !t->other)
        return never_interval(n);
    return anything;
}

static struct interval tree_interval(const struct trial *t, uint32_t root)
{
    const struct node *nodes = t->rs->node, *n = &nodes[root];
    if (n->op > OP_NOT)
        return leaf_interval(t, n);
    if (n->op == OP_NOT) {
        struct interval i = tree_interval(t, root + 1);
        return (struct interval){(enum tri)(TRI_TRUE - i.most), (enum tri)(TRI_TRUE - i.least)};
    }
    enum tri first = n->op == OP_ALL ? TRI_TRUE : TRI_FALSE;
    struct interval whole = {first, first};
    for (uint32_t i = root + 1; i < n->end; i = nodes[i].end) {
        struct interval part = tree_interval(t, i);
        if (n->op == OP_ALL ? part.least < whole.least : part.least > whole.least)
            whole.least = part.least;
        if (n->op == OP_ALL ? part.most < whole.most : part.most > whole.most)
            whole.most = part.most;
    }
    return whole;
}

/* Whether the rule might say something. Where unknown is ignored, only TRUE speaks. */
static bool might_speak(const struct trial *t, const struct rule *r)
{
    enum tri least = r->on_unknown == UNKNOWN_IGNORE ? TRI_TRUE : TRI_UNKNOWN;
    return tree_interval(t, r->when).most >= least &&
           (r->applies == NO_NODE || tree_interval(t, r->applies).most >= least);
}

static bool judged(const struct rule *r)
{
    return r->builtin == BUILTIN_NONE && r->mode != MODE_OFF;
}

/* ---- building ---- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The codes that rules compare the fact with, ascending, each once. */
static size_t codes_of(const struct ruleset *rs, uint8_t fact, int64_t *codes)
{
    size_t n = 0, kept = 0;
    for (uint32_t i = 0; i < rs->n_nodes; i++) {
        const struct node *node = &rs->node[i];
        for (uint32_t k = 0; node->op == OP_LIST && node->fact == fact && k < node->n_list && n < CELLS_MAX; k++)
            codes[n++] = rs->list[node->list + k];
    }
    qsort(codes, n, sizeof *codes, by_value);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || codes[i] != codes[kept - 1])
            codes[kept++] = codes[i];
    return n < CELLS_MAX ? kept : CELLS_MAX; /* too many: not selected by */
}

/* The values that have a cell of their own. */
static size_t values_of(struct builder *b, uint8_t fact, int64_t *values)
{
    size_t n = 0;
    const char **words;
    switch (fact_info[fact].type) {
    case FACT_TYPE_BOOL:
        n = 2;
        break;
    case FACT_TYPE_WORD:
        words = words_of(b->tmp, fact_info[fact].words);
        while (words != NULL && words[n] != NULL)
            n++;
        break;
    case FACT_TYPE_CODE:
        return codes_of(b->rs, fact, values);
    case FACT_TYPE_TIME:
        n = 1;
        break;
    case FACT_TYPE_INT:
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = (int64_t)i;
    return n;
}

static bool mentioned(const struct ruleset *rs, uint8_t fact)
{
    for (size_t i = 0; i < rs->n_rules; i++)
        for (uint8_t s = 0; judged(&rs->rule[i]) && s < rs->rule[i].facts.n; s++)
            if (rs->rule[i].facts.fact[s] == fact)
                return true;
    return false;
}

/* Fills the cell and returns how many rules it excludes. */
static size_t fill_cell(const struct trial *t, struct rule_bits *cell)
{
    size_t excluded = 0;
    for (size_t rank = 0; rank < t->rs->n_rules; rank++) {
        const struct rule *r = &t->rs->rule[t->rs->by_rank[rank]];
        if (!judged(r))
            continue;
        if (might_speak(t, r))
            cell->word[rank / 64] |= (uint64_t)1 << rank % 64;
        else
            excluded++;
    }
    return excluded;
}

static int build_selector(struct builder *b, uint8_t fact, struct selector *ret, struct err *e)
{
    int64_t values[CELLS_MAX];
    size_t n = values_of(b, fact, values);
    struct selector s = {.fact = fact, .type = (uint8_t)fact_info[fact].type, .n = (uint16_t)n};
    struct trial *t = arena_new(b->tmp, struct trial);
    s.cell = arena_new_array(b->rs->arena, struct rule_bits, n + CELL_FIRST);
    s.value = arena_memdup(b->rs->arena, values, n * sizeof *values);
    if (t == NULL || s.cell == NULL || (n > 0 && s.value == NULL))
        return text_no_memory(e);
    t->rs = b->rs;
    t->fact = fact;
    for (size_t i = 0; i < n + CELL_FIRST; i++) {
        t->facts.known[fact] = i != CELL_UNKNOWN;
        t->facts.value[fact] = i < CELL_FIRST ? -1 : values[i - CELL_FIRST];
        t->other = i == CELL_OTHER;
        s.excludes += 1000 * fill_cell(t, &s.cell[i]) / (n + CELL_FIRST);
    }
    *ret = s;
    return 0;
}

/* Keeps the best, in order. */
static void keep_selector(struct ruleset *rs, const struct selector *s)
{
    size_t at = rs->n_selectors;
    if (s->excludes == 0 || s->n >= CELLS_MAX)
        return;
    while (at > 0 && rs->selector[at - 1].excludes < s->excludes)
        at--;
    if (at == SELECTORS_MAX)
        return;
    rs->n_selectors += rs->n_selectors < SELECTORS_MAX;
    for (size_t i = rs->n_selectors - 1; i > at; i--)
        rs->selector[i] = rs->selector[i - 1];
    rs->selector[at] = *s;
}

int ruleset_index(struct builder *b, struct err *e)
{
    struct ruleset *rs = b->rs;
    rs->selector = arena_new_array(rs->arena, struct selector, SELECTORS_MAX);
    if (rs->selector == NULL)
        return text_no_memory(e);
    for (size_t rank = 0; rank < rs->n_rules; rank++)
        if (judged(&rs->rule[rs->by_rank[rank]]))
            rs->judged.word[rank / 64] |= (uint64_t)1 << rank % 64;
    for (uint8_t fact = 0; fact < FACT_COUNT; fact++) {
        struct selector s = {0};
        int rc = mentioned(rs, fact) ? build_selector(b, fact, &s, e) : 0;
        if (rc != 0)
            return rc;
        keep_selector(rs, &s);
    }
    return 0;
}

/* ---- deciding ---- */

static size_t code_cell(const struct selector *s, int64_t v)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->value[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n && s->value[low] == v ? CELL_FIRST + low : CELL_OTHER;
}

static size_t cell_of(const struct selector *s, const struct facts *f)
{
    int64_t v = f->value[s->fact];
    if (!f->known[s->fact])
        return CELL_UNKNOWN;
    switch ((enum fact_type)s->type) {
    case FACT_TYPE_BOOL:
        return CELL_FIRST + (v != 0);
    case FACT_TYPE_CODE:
        return code_cell(s, v);
    default:
        return (uint64_t)v < s->n ? CELL_FIRST + (size_t)v : CELL_OTHER;
    }
}

size_t ruleset_candidates(const struct ruleset *rs, const struct facts *f, uint16_t order[RULES_MAX])
{
    struct rule_bits left = rs->judged;
    size_t n = 0;
    for (size_t i = 0; i < rs->n_selectors; i++) {
        const struct rule_bits *cell = &rs->selector[i].cell[cell_of(&rs->selector[i], f)];
        for (size_t w = 0; w < RULE_WORDS; w++)
            left.word[w] &= cell->word[w];
    }
    for (size_t w = 0; w < RULE_WORDS; w++)
        for (uint64_t bits = left.word[w]; bits != 0; bits &= bits - 1)
            order[n++] = rs->by_rank[w * 64 + (size_t)__builtin_ctzll(bits)];
    return n;
}
