/* SPDX-License-Identifier: Apache-2.0
 * optout.c - one verdict on a text, from everything the packs find in it.
 *
 * The text is cut into words and sentences once; letters typed one by one become a word when the packs know it, and a word
 * said several times running counts once. Then every pattern that may begin with a word is tried there, in all languages. What
 * an `unless` of the same language overlaps is taken back. Of what stays the stricter counts, then the person's language, then
 * the longer. What is stopped is what the words near it name, all findings together: "stop calling" asks for no calls, and
 * for no marketing either, because who wants none of our calls is not asking for more of our advertising. */
#include "core/optout_impl.h"

#include <string.h>

#define HITS_MAX    96
#define SPELLED_MAX 16 /* letters typed one by one that may be a word */
#define SCOPE_NEAR  4  /* words behind a finding that may still say what is meant */

struct hit {
    const struct entry *entry;
    uint16_t first, end;
    const struct entry *by; /* taken back */
};
struct hits {
    size_t n;
    struct hit hit[HITS_MAX];
};

const char *optout_verdict_name(enum optout_verdict v)
{
    static const char *const names[] = {"nothing", "stop", "start", "help"};
    return (size_t)v < sizeof names / sizeof names[0] ? names[v] : names[0];
}

void optout_packs_free(struct optout_packs *p)
{
    if (p != NULL)
        arena_free(p->arena);
}

/* ---- words ---- */

/* Single letters from token i on, at least three, when they spell a word the packs know. Returns how many. */
static size_t spelled(const struct optout_packs *k, const struct tokens *t, size_t i, size_t end, uint32_t *ret)
{
    size_t n = 0;
    while (i + n < end && t->token[i + n].n == 1 && !t->token[i + n].alone && n < SPELLED_MAX)
        n++;
    for (; n >= 3; n--) { /* "s t o p i m done" */
        *ret = word_exact(k, t->chars + t->token[i].chars, n);
        if (*ret != 0)
            return n;
    }
    return 0;
}

static void know_sentence(const struct optout_packs *k, struct tokens *t, struct sentence *s, size_t *n)
{
    size_t first = *n;
    for (size_t i = s->first; i < s->end;) {
        struct token *to = &t->token[*n], *w = &t->token[i];
        uint32_t word = 0;
        size_t took = w->n == 1 && !w->alone ? spelled(k, t, i, s->end, &word) : 0;
        *to = *w;
        if (took > 0)
            to->to = t->token[i + took - 1].to;
        to->word = took > 0 ? word : word_find(k, t->chars + w->chars, w->n);
        i += took > 0 ? took : 1;
        if (*n > first && to->word != 0 && to[-1].word == to->word && !to->alone)
            to[-1].to = to->to; /* stop stop stop */
        else
            ++*n;
    }
    s->first = (uint16_t)first;
    s->end = (uint16_t)*n;
}

static void know_words(struct match *m, struct tokens *t)
{
    size_t n = 0;
    for (size_t s = 0; s < t->n_sentences; s++)
        know_sentence(m->packs, t, &t->sentence[s], &n);
    t->n = n;
    memset(t->fill, 0, n * sizeof t->fill[0]);
    m->first_real = SIZE_MAX;
    m->last_real = 0;
    for (size_t s = 0; s < t->n_sentences; s++) {
        size_t filled = 0;
        for (size_t i = t->sentence[s].first; i < t->sentence[s].end; i++) {
            size_t end = t->token[i].word ? class_match(m, CLASS_FILL, i, t->sentence[s].end) : 0;
            for (size_t j = i; j < end; j++)
                t->fill[j] = true;
            filled += t->fill[i];
        }
        if (filled == (size_t)(t->sentence[s].end - t->sentence[s].first))
            continue;
        m->first_real = m->first_real == SIZE_MAX ? s : m->first_real;
        m->last_real = s;
    }
    if (m->first_real == SIZE_MAX) { /* "ok": then that is what it says */
        memset(t->fill, 0, n * sizeof t->fill[0]);
        m->first_real = 0;
        m->last_real = t->n_sentences - 1;
    }
}

/* ---- languages ---- */

/* How well a language fits the person's: 2 the same, 1 the same base, 0 not. */
static int fits(const char *language, struct str hint)
{
    struct str rest, base = str_cut(hint, '_', &rest);
    if (rest.p == NULL)
        base = str_cut(hint, '-', &rest);
    if (hint.n > 0 && str_eq(hint, str_of(language)))
        return 2;
    return base.n > 0 && str_eq(base, str_of(language));
}

struct context {
    const struct optout_packs *packs;
    struct str hint;
};

/* ---- findings ---- */

static void find_at(struct match *m, size_t i, struct hits *h)
{
    const struct optout_packs *k = m->packs;
    const struct word *w = &k->word[m->t->token[i].word];
    for (uint32_t s = 0; s < w->n_starts && h->n < HITS_MAX; s++) {
        const struct pattern *p = &k->pattern[k->start[w->starts + s].pattern];
        size_t end = pattern_match(m, p, i);
        if (end > 0)
            h->hit[h->n++] = (struct hit){&k->entry[p->entry], (uint16_t)i, (uint16_t)end, NULL};
    }
}

static bool overlap(const struct hit *a, const struct hit *b)
{
    return a->first < b->end && b->first < a->end; /* sentences do not share words */
}

static void take_back(struct hits *h)
{
    for (size_t u = 0; u < h->n; u++) {
        const struct hit *un = &h->hit[u];
        for (size_t i = 0; un->entry->does == ENTRY_UNLESS && i < h->n; i++) {
            struct hit *x = &h->hit[i];
            bool asks = x->entry->does <= OPTOUT_HELP && !x->entry->firm;
            if (asks && x->entry->language == un->entry->language && overlap(x, un))
                x->by = un->entry;
        }
    }
}

/* Languages share words: "nao pare de mandar" holds a Spanish "pare de mandar". What one language understands and takes back
 * is no finding of another either, unless that is the person's. */
static void take_back_alike(const struct context *c, struct hits *h)
{
    for (size_t b = 0; b < h->n; b++) {
        const struct hit *back = &h->hit[b];
        for (size_t i = 0; back->by != NULL && back->entry->does == OPTOUT_STOP && i < h->n; i++) {
            struct hit *x = &h->hit[i];
            bool alike = x->by == NULL && x->entry->does == OPTOUT_STOP &&
                         x->entry->language != back->entry->language && back->by->language == back->entry->language &&
                         overlap(x, back);
            if (alike && !x->entry->firm && fits(c->packs->language[x->entry->language].name, c->hint) == 0)
                x->by = back->by;
        }
    }
}

static void find_all(struct match *m, const struct context *c, struct tokens *t, struct str text, struct hits *h)
{
    h->n = 0;
    tokens_cut(&m->packs->fold, text, t);
    know_words(m, t);
    for (m->sentence = 0; m->sentence < t->n_sentences; m->sentence++)
        for (size_t i = t->sentence[m->sentence].first; i < t->sentence[m->sentence].end; i++)
            if (t->token[i].word != 0)
                find_at(m, i, h);
    take_back(h);
    take_back_alike(c, h);
}

/* ---- the verdict ---- */

static int language_fits(const struct context *c, const struct hit *x)
{
    return fits(c->packs->language[x->entry->language].name, c->hint);
}

static bool better(const struct context *c, const struct hit *a, const struct hit *b)
{
    if (b == NULL)
        return true;
    if (a->entry->does != b->entry->does)
        return a->entry->does < b->entry->does;
    int x = language_fits(c, a), y = language_fits(c, b);
    if (x != y)
        return x > y;
    return a->end - a->first > b->end - b->first;
}

/* The best of those up to `last` that stand, or of those that were taken back. */
static const struct hit *best_hit(const struct context *c, const struct hits *h, uint8_t first, uint8_t last, bool back)
{
    const struct hit *best = NULL;
    for (size_t i = 0; i < h->n; i++) {
        const struct hit *x = &h->hit[i];
        if (x->entry->does >= first && x->entry->does <= last && (x->by != NULL) == back && better(c, x, best))
            best = x;
    }
    return best;
}

static consent_scope named_near(struct match *m, const struct hit *x, size_t sentence_end)
{
    const struct language *l = &m->packs->language[x->entry->language];
    size_t end = (size_t)x->end + SCOPE_NEAR;
    end = end < sentence_end ? end : sentence_end;
    consent_scope named = x->entry->scope;
    for (size_t i = x->first; i < end; i++)
        for (int c = 0; c <= CATEGORY_COUNT && m->t->token[i].word != 0; c++)
            if (l->scope[c] != 0 && class_match(m, l->scope[c] - 1, i, end) > 0)
                named |= c == CATEGORY_COUNT ? CONSENT_ALL : CONSENT_SCOPE(c);
    return named;
}

static consent_scope scope_of(struct match *m, const struct hits *h, uint8_t does)
{
    consent_scope named = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct hit *x = &h->hit[i];
        size_t s = 0;
        while (s + 1 < m->t->n_sentences && m->t->sentence[s].end <= x->first)
            s++;
        if (x->entry->does == does && x->by == NULL)
            named |= named_near(m, x, m->t->sentence[s].end);
    }
    if (named == 0 || (named == CONSENT_SCOPE(CATEGORY_CALLS) && does == OPTOUT_STOP))
        named |= CONSENT_SCOPE(CATEGORY_MARKETING);
    return named;
}

static void put_rule(char to[OPTOUT_RULE_MAX], const struct entry *from)
{
    memcpy(to, from->id, OPTOUT_RULE_MAX);
}

static void judge_part(const struct context *c, struct str text, struct optout_finding *ret)
{
    struct tokens t;
    struct hits h;
    struct match m = {.packs = c->packs, .t = &t};
    memset(ret, 0, sizeof *ret);
    if (text.n == 0)
        return;
    find_all(&m, c, &t, text, &h);
    const struct hit *x = best_hit(c, &h, OPTOUT_STOP, OPTOUT_HELP, false);
    if (x != NULL) {
        ret->verdict = (enum optout_verdict)x->entry->does;
        ret->scope = x->entry->does == OPTOUT_HELP ? 0 : scope_of(&m, &h, x->entry->does);
    } else if ((x = best_hit(c, &h, OPTOUT_STOP, OPTOUT_HELP, true)) != NULL) {
        put_rule(ret->taken_back, x->by);
    } else {
        return;
    }
    put_rule(ret->rule, x->entry);
    memcpy(ret->language, c->packs->language[x->entry->language].name, sizeof ret->language);
    size_t from = t.token[x->first].from;
    ret->matched = (struct str){text.p + from, t.token[x->end - 1].to - from};
}

/* The last part of a long text, from a character on. */
static struct str last_part(struct str text)
{
    size_t from = text.n - OPTOUT_TEXT_MAX;
    while (from < text.n && ((unsigned char)text.p[from] & 0xC0) == 0x80)
        from++;
    return (struct str){text.p + from, text.n - from};
}

void optout_judge(const struct optout_packs *p, struct str text, struct str hint, struct optout_finding *ret)
{
    struct context c = {p, hint};
    struct optout_finding last;
    judge_part(&c, text, ret);
    if (text.n <= OPTOUT_TEXT_MAX || ret->verdict == OPTOUT_STOP)
        return;
    judge_part(&c, last_part(text), &last);
    if (last.verdict != OPTOUT_NOTHING && (ret->verdict == OPTOUT_NOTHING || last.verdict < ret->verdict))
        *ret = last;
}

static enum optout_answer answer_part(const struct context *c, struct str text)
{
    struct tokens t;
    struct hits h;
    struct match m = {.packs = c->packs, .t = &t};
    if (text.n == 0)
        return OPTOUT_NEITHER;
    find_all(&m, c, &t, text, &h);
    if (best_hit(c, &h, OPTOUT_STOP, OPTOUT_STOP, false))
        return OPTOUT_NO;
    const struct hit *no = best_hit(c, &h, ENTRY_NO, ENTRY_NO, false),
                     *yes = best_hit(c, &h, ENTRY_YES, ENTRY_YES, false);
    if (no != NULL && yes != NULL) /* "tak" is Polish yes and Malay no */
        return language_fits(c, yes) > language_fits(c, no) ? OPTOUT_YES : OPTOUT_NO;
    if (no != NULL)
        return OPTOUT_NO;
    return yes || best_hit(c, &h, OPTOUT_START, OPTOUT_START, false) ? OPTOUT_YES : OPTOUT_NEITHER;
}

enum optout_answer optout_answer(const struct optout_packs *p, struct str text, struct str hint)
{
    struct context c = {p, hint};
    enum optout_answer first = answer_part(&c, text);
    if (text.n <= OPTOUT_TEXT_MAX || first == OPTOUT_NO)
        return first;
    enum optout_answer last = answer_part(&c, last_part(text));
    return last != OPTOUT_NEITHER ? last : first;
}

/* ---- what is looked for ---- */

bool optout_pattern_at(const struct optout_packs *p, size_t i, struct optout_pattern *ret)
{
    static const char *const does[] = {"nothing", "stop", "start", "help", [ENTRY_NO] = "no", "yes", "unless"};
    if (i >= p->n_patterns)
        return false;
    const struct pattern *x = &p->pattern[i];
    const struct entry *e = &p->entry[x->entry];
    bool whole = (x->flags & (AT_SENTENCE | AT_MESSAGE)) && (x->flags & (TO_SENTENCE | TO_MESSAGE));
    *ret = (struct optout_pattern){.id = e->id,
                                   .language = p->language[e->language].name,
                                   .does = does[e->does],
                                   .scope = e->scope,
                                   .whole = whole,
                                   .gone = e->gone,
                                   .text = x->text};
    return true;
}

/* ---- what we say ---- */

struct str optout_says(const struct optout_packs *p, struct str language, const char *key, struct str *ret_language)
{
    const struct saying *best = NULL;
    int best_fit = -1;
    for (size_t i = 0; i < p->n_sayings; i++) {
        const struct saying *s = &p->saying[i];
        const char *name = p->language[s->language].name;
        int fit = fits(name, language) * 2 + (strcmp(name, "en") == 0);
        if (str_eq(s->key, str_of(key)) && fit > 0 && fit >= best_fit) { /* a later pack's counts */
            best = s;
            best_fit = fit;
        }
    }
    *ret_language = best ? str_of(p->language[best->language].name) : (struct str){NULL, 0};
    return best ? best->text : (struct str){NULL, 0};
}
