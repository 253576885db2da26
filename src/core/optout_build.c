/* SPDX-License-Identifier: Apache-2.0
 * optout_build.c - the tables behind packs of opt-out words, from patterns as people write them.
 *
 * A pattern is words and, between them: <class>, (one|an other|<class>), each with ? behind it when it may be missing; ~3, up to three
 * words of any kind; at the beginning ^ or ^^ (the clause begins here, the message), at the end $ or $$. Its first element
 * must be there, because patterns are found by the words they may begin with. Words are folded by the same code as
 * messages, so a pack may be written with capitals and accents. */
#include "core/optout_build.h"

#include <stdlib.h>
#include <string.h>

#define PACKS_BYTES_MAX (32u << 20)
#define TABLE_BYTES_MAX (8u << 20)
#define WORDS_MAX       40000 /* of SLOTS */
#define TYPOS_MAX       1500  /* words, each with a slot a letter */
#define CLASSES_MAX     20000
#define ANY_LANGUAGE    UINT32_MAX

static struct buf *tables(struct builder *b, size_t i)
{
    struct buf *all[] = {&b->chars,   &b->word,  &b->use,      &b->seq,    &b->klass, &b->element,
                         &b->pattern, &b->entry, &b->language, &b->saying, &b->typo,  NULL};
    return all[i];
}

int builder_open(struct builder *b, struct err *e)
{
    memset(b, 0, sizeof *b);
    for (size_t i = 0; tables(b, i) != NULL; i++)
        buf_init(tables(b, i), TABLE_BYTES_MAX);
    struct arena *a = arena_create(PACKS_BYTES_MAX);
    struct optout_packs *k = a ? arena_new(a, struct optout_packs) : NULL;
    if (k == NULL) {
        arena_free(a);
        return err_set(e, WL_ENOMEM, "out of memory");
    }
    b->packs = k;
    k->arena = a;
    k->slot = arena_new_array(a, uint32_t, SLOTS);
    k->typo_slot = arena_new_array(a, uint32_t, SLOTS);
    b->scratch = arena_new(a, struct tokens);
    if (k->slot == NULL || k->typo_slot == NULL || b->scratch == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    struct word none = {0};
    buf_put(&b->word, &none, sizeof none); /* number 0: unknown */
    builder_class(b, ANY_LANGUAGE, STR("fill"));
    return chars_build(&k->fold, a, e);
}

void builder_close(struct builder *b)
{
    for (size_t i = 0; tables(b, i) != NULL; i++)
        buf_done(tables(b, i));
    if (b->packs != NULL)
        arena_free(b->packs->arena);
    b->packs = NULL;
}

bool builder_failed(const struct builder *b)
{
    struct builder *mine = (struct builder *)b;
    for (size_t i = 0; tables(mine, i) != NULL; i++)
        if (tables(mine, i)->failed)
            return true;
    return builder_count(&b->word, struct word) > WORDS_MAX || builder_count(&b->klass, struct klass) > CLASSES_MAX ||
           builder_count(&b->typo, uint32_t) > TYPOS_MAX;
}

/* ---- words ---- */

static uint32_t add_word(struct builder *b, const uint32_t *p, size_t n)
{
    struct optout_packs *k = b->packs;
    k->chars = (uint32_t *)(void *)b->chars.data;
    k->word = (struct word *)(void *)b->word.data;
    uint32_t found = word_exact(k, p, n), number = (uint32_t)builder_count(&b->word, struct word);
    if (found != 0 || builder_failed(b))
        return found;
    struct word w = {.chars = (uint32_t)builder_count(&b->chars, uint32_t), .n = (uint32_t)n};
    buf_put(&b->chars, p, n * sizeof *p);
    buf_put(&b->word, &w, sizeof w);
    size_t s = word_hash(p, n) % SLOTS;
    while (k->slot[s] != 0)
        s = (s + 1) % SLOTS;
    k->slot[s] = builder_failed(b) ? 0 : number;
    return number;
}

int builder_words(struct builder *b, const struct yaml *at, struct str text, struct seq *ret, struct err *e)
{
    struct tokens *t = b->scratch;
    tokens_cut(&b->packs->fold, text, t);
    if (t->n == 0)
        return yaml_error(at, e, "\"%.*s\" has no word", (int)(text.n > 60 ? 60 : text.n), text.p);
    if (t->n > SEQ_MAX)
        return yaml_error(at, e, "more than %d words: \"%.*s\"", SEQ_MAX, (int)(text.n > 60 ? 60 : text.n), text.p);
    memset(ret, 0, sizeof *ret);
    ret->n = (uint8_t)t->n;
    for (size_t i = 0; i < t->n; i++)
        ret->word[i] = add_word(b, t->chars + t->token[i].chars, t->token[i].n);
    return 0;
}

int builder_spelling(struct builder *b, const struct yaml *at, struct str text, uint32_t word, struct err *e)
{
    struct seq s;
    size_t known = builder_count(&b->word, struct word);
    int rc = builder_words(b, at, text, &s, e);
    if (rc != 0)
        return rc;
    if (s.n != 1)
        return yaml_error(at, e, "must be one word");
    if (s.word[0] < known) /* a word of its own, in another language perhaps */
        return 0;
    if (!builder_failed(b))
        builder_at(&b->word, struct word, s.word[0])->means = word;
    return 0;
}

void builder_typo(struct builder *b, uint32_t word)
{
    buf_put(&b->typo, &word, sizeof word);
}

/* ---- languages, classes, entries ---- */

uint32_t builder_language(struct builder *b, struct str name)
{
    size_t n = builder_count(&b->language, struct language);
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_of(builder_at(&b->language, struct language, i)->name)))
            return (uint32_t)i;
    struct language l = {0};
    memcpy(l.name, name.p, name.n < LANG_MAX ? name.n : LANG_MAX - 1);
    buf_put(&b->language, &l, sizeof l);
    return (uint32_t)n;
}

uint32_t builder_find_class(const struct builder *b, uint32_t language, struct str name)
{
    for (size_t i = 0; i < builder_count(&b->klass, struct klass); i++) {
        const struct klass *c = builder_at(&b->klass, struct klass, i);
        if (c->language == language && name.n > 0 && str_eq(name, str_of(c->name)))
            return (uint32_t)i;
    }
    return UINT32_MAX;
}

static uint32_t new_class(struct builder *b, uint32_t language, struct str name)
{
    struct klass c = {.language = language};
    memcpy(c.name, name.n ? name.p : "", name.n < sizeof c.name ? name.n : sizeof c.name - 1);
    buf_put(&b->klass, &c, sizeof c);
    return (uint32_t)builder_count(&b->klass, struct klass) - 1;
}

uint32_t builder_class(struct builder *b, uint32_t language, struct str name)
{
    uint32_t found = builder_find_class(b, language, name);
    return found != UINT32_MAX ? found : new_class(b, language, name);
}

void builder_member(struct builder *b, uint32_t klass, const struct seq *s)
{
    struct use u = {.word = s->word[0], .klass = klass, .seq = (uint32_t)builder_count(&b->seq, struct seq)};
    buf_put(&b->seq, s, sizeof *s);
    buf_put(&b->use, &u, sizeof u);
}

static struct entry *find_entry(const struct builder *b, const char *id)
{
    for (size_t i = 0; i < builder_count(&b->entry, struct entry); i++)
        if (strcmp(builder_at(&b->entry, struct entry, i)->id, id) == 0)
            return builder_at(&b->entry, struct entry, i);
    return NULL;
}

/* A name as part of an id: white space and signs are hyphens. */
static void put_name(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool sign = (unsigned char)c <= ',' || c == '/' || (c >= ':' && c <= '@');
        if (!sign)
            buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        else if (out->len > 0 && out->data[out->len - 1] != '-' && i + 1 < name.n)
            buf_putc(out, '-');
    }
}

int builder_entry(struct builder *b, const struct yaml *at, uint32_t language, uint8_t does, const char *kind,
                  struct str name, consent_scope scope, uint32_t *ret, struct err *e)
{
    struct entry row = {.language = language, .does = does, .scope = scope};
    struct buf id;
    buf_init(&id, OPTOUT_RULE_MAX - 1);
    buf_printf(&id, "%s.%s.", builder_at(&b->language, struct language, language)->name, kind);
    put_name(&id, name);
    bool fits = !id.failed;
    if (fits)
        memcpy(row.id, buf_cstr(&id), id.len);
    buf_done(&id);
    if (!fits)
        return yaml_error(at, e, "the entry's name is longer than %d bytes", OPTOUT_RULE_MAX - 1);
    struct entry *old = find_entry(b, row.id);
    if (old != NULL && old->does != does)
        return yaml_error(at, e, "%s stands under two headings", row.id);
    if (old != NULL) {
        old->gone = false;
        old->scope |= scope;
        *ret = (uint32_t)(old - builder_at(&b->entry, struct entry, 0));
        return 0;
    }
    *ret = (uint32_t)builder_count(&b->entry, struct entry);
    return buf_put(&b->entry, &row, sizeof row) ? 0 : err_set(e, WL_ETOOBIG, "the packs have too many entries");
}

int builder_without(struct builder *b, const struct yaml *at, struct str id, struct err *e)
{
    char text[OPTOUT_RULE_MAX] = "";
    if (id.n < sizeof text)
        memcpy(text, id.p, id.n);
    struct entry *old = find_entry(b, text);
    if (old == NULL)
        return yaml_error(at, e, "no pack before this one has an entry %.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    old->gone = true;
    return 0;
}

/* ---- patterns ---- */

struct reader {
    struct builder *b;
    const struct yaml *at;
    struct str rest;
    struct pattern pattern;
    uint32_t language;
};

static int put_element(struct reader *r, struct element el, struct err *e)
{
    if (r->pattern.n == ELEMENTS_MAX)
        return yaml_error(r->at, e, "a pattern of more than %d parts", ELEMENTS_MAX);
    if (r->pattern.n == 0 && (el.optional || el.kind == ELEMENT_GAP))
        return yaml_error(r->at, e, "the first part of a pattern must not be optional");
    buf_put(&r->b->element, &el, sizeof el);
    r->pattern.n++;
    return 0;
}

static bool take_question(struct reader *r)
{
    bool there = r->rest.n > 0 && r->rest.p[0] == '?';
    if (there)
        r->rest = (struct str){r->rest.p + 1, r->rest.n - 1};
    return there;
}

/* The text up to `close`, which is taken too. */
static int take_until(struct reader *r, char close, struct str *ret, struct err *e)
{
    struct str after, inside = str_cut((struct str){r->rest.p + 1, r->rest.n - 1}, close, &after);
    if (after.p == NULL)
        return yaml_error(r->at, e, "\"%c\" is not closed", r->rest.p[0]);
    *ret = inside;
    r->rest = after;
    return 0;
}

static int read_class(struct reader *r, struct err *e)
{
    struct str name;
    int rc = take_until(r, '>', &name, e);
    if (rc != 0)
        return rc;
    uint32_t c = builder_find_class(r->b, r->language, name);
    if (c == UINT32_MAX)
        return yaml_error(r->at, e, "<%.*s> is no class of words of this language", (int)(name.n > 40 ? 40 : name.n),
                          name.p);
    return put_element(r, (struct element){.kind = ELEMENT_CLASS, .arg = c, .optional = take_question(r)}, e);
}

/* The members a class has by now become members of the choice. */
static int copy_class(struct reader *r, struct str name, uint32_t into, struct err *e)
{
    struct builder *b = r->b;
    uint32_t c = builder_find_class(b, r->language, name);
    if (c == UINT32_MAX)
        return yaml_error(r->at, e, "<%.*s> is no class of words of this language", (int)(name.n > 40 ? 40 : name.n),
                          name.p);
    for (size_t i = 0, n = builder_count(&b->use, struct use); i < n; i++) {
        struct use u = *builder_at(&b->use, struct use, i);
        if (u.klass != c)
            continue;
        u.klass = into;
        buf_put(&b->use, &u, sizeof u);
    }
    return 0;
}

static int read_choice(struct reader *r, struct err *e)
{
    struct str rest;
    struct seq s;
    int rc = take_until(r, ')', &rest, e);
    uint32_t c = new_class(r->b, r->language, (struct str){NULL, 0});
    while (rc == 0 && rest.p != NULL) {
        struct str one = str_trim(str_cut(rest, '|', &rest));
        bool is_class = one.n > 2 && one.p[0] == '<' && one.p[one.n - 1] == '>';
        if (is_class) {
            rc = copy_class(r, (struct str){one.p + 1, one.n - 2}, c, e);
        } else {
            rc = builder_words(r->b, r->at, one, &s, e);
            if (rc == 0)
                builder_member(r->b, c, &s);
        }
    }
    return rc != 0 ? rc
                   : put_element(r, (struct element){.kind = ELEMENT_CLASS, .arg = c, .optional = take_question(r)}, e);
}

static int read_gap(struct reader *r, struct err *e)
{
    int64_t most = 0;
    struct str after, number = str_cut((struct str){r->rest.p + 1, r->rest.n - 1}, ' ', &after);
    if (!str_i64(number, &most) || most < 1 || most > 12)
        return yaml_error(r->at, e, "after ~ comes how many words at most, 1 to 12");
    r->rest = after;
    return put_element(r, (struct element){.kind = ELEMENT_GAP, .arg = (uint32_t)most}, e);
}

static int read_words(struct reader *r, struct err *e)
{
    size_t n = 0;
    while (n < r->rest.n && strchr(" <>()|?", r->rest.p[n]) == NULL)
        n++;
    struct seq s;
    int rc = builder_words(r->b, r->at, (struct str){r->rest.p, n}, &s, e);
    if (rc != 0)
        return rc;
    r->rest = (struct str){r->rest.p + n, r->rest.n - n};
    bool optional = take_question(r);
    if (optional && s.n > 1) {
        uint32_t c = new_class(r->b, r->language, (struct str){NULL, 0});
        builder_member(r->b, c, &s);
        return put_element(r, (struct element){.kind = ELEMENT_CLASS, .arg = c, .optional = true}, e);
    }
    for (size_t i = 0; i < s.n && rc == 0; i++)
        rc = put_element(r, (struct element){.kind = ELEMENT_WORD, .arg = s.word[i], .optional = optional}, e);
    return rc;
}

/* ^ and $ off both ends. */
static void read_anchors(struct reader *r)
{
    if (str_starts(r->rest, STR("^")))
        r->pattern.flags |= str_starts(r->rest, STR("^^")) ? AT_MESSAGE | AT_SENTENCE : AT_CLAUSE;
    if (str_ends(r->rest, STR("$")))
        r->pattern.flags |= str_ends(r->rest, STR("$$")) ? TO_MESSAGE | TO_SENTENCE : TO_CLAUSE;
    while (r->rest.n > 0 && r->rest.p[0] == '^')
        r->rest = (struct str){r->rest.p + 1, r->rest.n - 1};
    while (r->rest.n > 0 && r->rest.p[r->rest.n - 1] == '$')
        r->rest.n--;
    r->rest = str_trim(r->rest);
}

int builder_pattern(struct builder *b, const struct yaml *at, struct str text, uint32_t entry, unsigned flags,
                    struct err *e)
{
    struct reader r = {.b = b, .at = at, .rest = str_trim(text)};
    r.language = builder_at(&b->entry, struct entry, entry)->language;
    r.pattern = (struct pattern){.entry = entry, .flags = (uint8_t)flags};
    r.pattern.elements = (uint32_t)builder_count(&b->element, struct element);
    read_anchors(&r);
    int rc = r.rest.n == 0 ? yaml_error(at, e, "a pattern without words") : 0;
    while (rc == 0 && r.rest.n > 0) {
        switch (r.rest.p[0]) {
        case ' ':
            r.rest = str_trim(r.rest);
            break;
        case '<':
            rc = read_class(&r, e);
            break;
        case '(':
            rc = read_choice(&r, e);
            break;
        case '~':
            rc = read_gap(&r, e);
            break;
        case ')':
        case '>':
        case '?':
        case '|':
            rc = yaml_error(at, e, "\"%c\" stands alone", r.rest.p[0]);
            break;
        default:
            rc = read_words(&r, e);
        }
    }
    r.pattern.text = (struct str){arena_strndup(b->packs->arena, text.p, text.n), text.n};
    if (rc == 0 && r.pattern.text.p == NULL)
        rc = err_set(e, WL_ETOOBIG, "the packs are too large");
    if (rc == 0)
        buf_put(&b->pattern, &r.pattern, sizeof r.pattern);
    return rc;
}

/* ---- the end ---- */

static int by_word(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b; /* struct use: word, class; struct start: word, pattern */
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return x[1] < y[1] ? -1 : x[1] > y[1];
}

static void index_uses(struct optout_packs *k)
{
    qsort(k->use, k->n_uses, sizeof *k->use, by_word);
    for (size_t i = k->n_uses; i-- > 0;) {
        k->word[k->use[i].word].uses = (uint32_t)i;
        k->word[k->use[i].word].n_uses++;
    }
}

/* The patterns that begin with a class are a list each: first[class], next[pattern], both + 1. */
static void list_patterns(const struct optout_packs *k, uint32_t *first, uint32_t *next, struct buf *out)
{
    for (uint32_t p = 0; p < k->n_patterns; p++) {
        const struct element *el = &k->element[k->pattern[p].elements];
        struct start s = {.word = el->arg, .pattern = p};
        if (k->entry[k->pattern[p].entry].gone)
            continue;
        if (el->kind == ELEMENT_WORD) {
            buf_put(out, &s, sizeof s);
        } else {
            next[p] = first[el->arg];
            first[el->arg] = p + 1;
        }
    }
}

static void put_starts(const struct optout_packs *k, const uint32_t *first, const uint32_t *next, struct buf *out)
{
    for (size_t i = 0; i < k->n_uses; i++) {
        const struct use *u = &k->use[i];
        if (i > 0 && u[-1].word == u->word && u[-1].klass == u->klass)
            continue;
        for (uint32_t p = first[u->klass]; p != 0; p = next[p - 1]) {
            struct start s = {.word = u->word, .pattern = p - 1};
            buf_put(out, &s, sizeof s);
        }
    }
}

static int index_starts(struct optout_packs *k, struct err *e)
{
    struct buf starts;
    uint32_t *first = arena_new_array(k->arena, uint32_t, k->n_classes + 1);
    uint32_t *next = arena_new_array(k->arena, uint32_t, k->n_patterns + 1);
    if (first == NULL || next == NULL)
        return err_set(e, WL_ETOOBIG, "the packs are too large");
    buf_init(&starts, TABLE_BYTES_MAX);
    list_patterns(k, first, next, &starts);
    put_starts(k, first, next, &starts);
    k->n_starts = builder_count(&starts, struct start);
    k->start = starts.failed ? NULL : arena_memdup(k->arena, starts.data ? starts.data : "", starts.len);
    buf_done(&starts);
    if (k->start == NULL)
        return err_set(e, WL_ETOOBIG, "the packs are too large");
    qsort(k->start, k->n_starts, sizeof *k->start, by_word);
    for (size_t i = k->n_starts; i-- > 0;) {
        k->word[k->start[i].word].starts = (uint32_t)i;
        k->word[k->start[i].word].n_starts++;
    }
    return 0;
}

static void put_typo(struct optout_packs *k, const uint32_t *p, size_t n, uint32_t word)
{
    size_t s = word_hash(p, n) % SLOTS;
    while (k->typo_slot[s] != 0)
        s = (s + 1) % SLOTS;
    k->typo_slot[s] = word;
}

static void index_typos(struct optout_packs *k, const struct buf *typos)
{
    for (size_t t = 0; t < builder_count(typos, uint32_t); t++) {
        uint32_t less[WORD_CHARS], number = *builder_at(typos, uint32_t, t);
        const struct word *w = &k->word[number];
        put_typo(k, k->chars + w->chars, w->n, number);
        for (size_t i = 0; i < w->n; i++) {
            memcpy(less, k->chars + w->chars, i * sizeof *less);
            memcpy(less + i, k->chars + w->chars + i + 1, (w->n - i - 1) * sizeof *less);
            put_typo(k, less, w->n - 1, number);
        }
    }
}

static void name_scopes(struct optout_packs *k)
{
    for (size_t c = 0; c < k->n_classes; c++) {
        struct str name = str_of(k->klass[c].name), word;
        if (k->klass[c].language == ANY_LANGUAGE || !str_starts(name, STR("scope:")))
            continue;
        word = (struct str){name.p + 6, name.n - 6};
        enum category of = str_eq(word, STR("all")) ? CATEGORY_COUNT : category_parse(word);
        k->language[k->klass[c].language].scope[of] = (uint32_t)c + 1;
    }
}

#define KEEP(field, buffer, count, type)                                                                               \
    do {                                                                                                               \
        k->count = builder_count(&b->buffer, type);                                                                    \
        k->field = arena_memdup(k->arena, b->buffer.data ? b->buffer.data : "", b->buffer.len);                        \
        whole = whole && k->field != NULL;                                                                             \
    } while (0)

int builder_finish(struct builder *b, struct optout_packs **ret, struct err *e)
{
    struct optout_packs *k = b->packs;
    bool whole = !builder_failed(b);
    KEEP(chars, chars, n_chars, uint32_t);
    KEEP(word, word, n_words, struct word);
    KEEP(use, use, n_uses, struct use);
    KEEP(seq, seq, n_seqs, struct seq);
    KEEP(klass, klass, n_classes, struct klass);
    KEEP(element, element, n_elements, struct element);
    KEEP(pattern, pattern, n_patterns, struct pattern);
    KEEP(entry, entry, n_entries, struct entry);
    KEEP(language, language, n_languages, struct language);
    KEEP(saying, saying, n_sayings, struct saying);
    if (!whole)
        return err_set(e, WL_ETOOBIG, "the packs are too large");
    index_uses(k);
    index_typos(k, &b->typo);
    name_scopes(k);
    int rc = index_starts(k, e);
    if (rc != 0)
        return rc;
    *ret = k;
    b->packs = NULL;
    return 0;
}
