/* SPDX-License-Identifier: Apache-2.0
 * optout_match.c - whether a pattern of a pack stands at a word of a sentence.
 *
 * A pattern is a row of elements: a word, a class of words and word groups, or a gap of some words; each may be optional. It
 * may have to begin or end with the clause (what stands between commas), the sentence or the message, where words that say
 * nothing (please, thank you) do not count. Matching tries alternatives one after the other and gives up after STEPS_MAX steps for a whole text, so no
 * text makes it slow. */
#include "core/optout_impl.h"

static size_t sentence_end(const struct match *m)
{
    return m->t->sentence[m->sentence].end;
}

static bool seq_at(const struct match *m, const struct seq *s, size_t i, size_t end)
{
    if (s->n > end - i)
        return false;
    for (size_t k = 1; k < s->n; k++)
        if (m->t->token[i + k].word != s->word[k])
            return false;
    return true;
}

/* The first use of word w in the class, among uses in order of class; the word's last one + 1 when there is none. */
static uint32_t first_use(const struct optout_packs *k, const struct word *w, uint32_t klass)
{
    uint32_t low = w->uses, high = w->uses + w->n_uses;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (k->use[middle].klass < klass)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t class_match(struct match *m, uint32_t klass, size_t i, size_t end)
{
    const struct optout_packs *k = m->packs;
    const struct word *w = &k->word[m->t->token[i].word];
    size_t longest = 0;
    for (uint32_t u = first_use(k, w, klass); u < w->uses + w->n_uses && k->use[u].klass == klass; u++) {
        const struct seq *s = &k->seq[k->use[u].seq];
        if (i + s->n > longest && seq_at(m, s, i, end))
            longest = i + s->n;
    }
    return longest;
}

/* Whether nothing but words that say nothing stands between token i and where it must begin: a comma, for a clause. */
static bool at_begin(const struct match *m, const struct pattern *p, size_t i)
{
    size_t first = m->t->sentence[m->sentence].first;
    if ((p->flags & AT_MESSAGE) && m->sentence != m->first_real)
        return false;
    if ((p->flags & AT_ENDS) && m->sentence != m->first_real && m->sentence != m->last_real)
        return false;
    if ((p->flags & (AT_CLAUSE | AT_SENTENCE | AT_MESSAGE)) == 0)
        return true;
    while (i > first && !((p->flags & AT_CLAUSE) && m->t->token[i].comma) && m->t->fill[i - 1])
        i--;
    return i == first || ((p->flags & AT_CLAUSE) && m->t->token[i].comma);
}

static bool at_end(const struct match *m, const struct pattern *p, size_t i)
{
    size_t end = sentence_end(m);
    if ((p->flags & TO_MESSAGE) && m->sentence != m->last_real)
        return false;
    if ((p->flags & (TO_CLAUSE | TO_SENTENCE | TO_MESSAGE)) == 0)
        return true;
    while (i < end && !((p->flags & TO_CLAUSE) && m->t->token[i].comma) && m->t->fill[i])
        i++;
    return i == end || ((p->flags & TO_CLAUSE) && m->t->token[i].comma);
}

static size_t go(struct match *m, const struct pattern *p, size_t e, size_t i);

static size_t go_class(struct match *m, const struct pattern *p, size_t e, size_t i, uint32_t klass)
{
    const struct optout_packs *k = m->packs;
    const struct word *w = &k->word[m->t->token[i].word];
    size_t end = 0;
    for (uint32_t u = first_use(k, w, klass); u < w->uses + w->n_uses && k->use[u].klass == klass && end == 0; u++) {
        const struct seq *s = &k->seq[k->use[u].seq];
        if (seq_at(m, s, i, sentence_end(m)))
            end = go(m, p, e + 1, i + s->n);
    }
    return end;
}

static size_t go_gap(struct match *m, const struct pattern *p, size_t e, size_t i, size_t most)
{
    size_t end = 0;
    for (size_t k = 0; k <= most && i + k <= sentence_end(m) && end == 0; k++)
        end = go(m, p, e + 1, i + k);
    return end;
}

static size_t go(struct match *m, const struct pattern *p, size_t e, size_t i)
{
    if (m->steps >= STEPS_MAX)
        return 0;
    m->steps++;
    if (e == p->n)
        return at_end(m, p, i) ? i : 0;
    const struct element *el = &m->packs->element[p->elements + e];
    size_t end = 0;
    if (el->kind == ELEMENT_GAP)
        return go_gap(m, p, e, i, el->arg);
    if (i < sentence_end(m) && el->kind == ELEMENT_WORD && m->t->token[i].word == el->arg)
        end = go(m, p, e + 1, i + 1);
    else if (i < sentence_end(m) && el->kind == ELEMENT_CLASS)
        end = go_class(m, p, e, i, el->arg);
    return end == 0 && el->optional ? go(m, p, e + 1, i) : end;
}

size_t pattern_match(struct match *m, const struct pattern *p, size_t i)
{
    return at_begin(m, p, i) ? go(m, p, 0, i) : 0;
}
