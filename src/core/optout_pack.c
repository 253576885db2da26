/* SPDX-License-Identifier: Apache-2.0
 * optout_pack.c - reads pack files: which words of a language ask for what.
 *
 * A file names its language and has some of: spelled, words (classes patterns may use), fill, typos, stop, start, help, yes, no, unless,
 * scopes, says, without; docs/opt-out.md explains them. A later file of the same language adds to it. What is wrong is said
 * with file, line and key, and no packs are made then. */
#include <string.h>

#include "core/optout_build.h"
#include "core/saying.h"

#define FILE_TREE_MAX (64u << 20)
#define SAYS_MAX      1024 /* the longest text a template-less message should be */

struct pack {
    struct builder *b;
    const struct yaml *root;
    uint32_t language;
};

static int each_text(const struct pack *p, const struct yaml *list, uint32_t into, struct err *e,
                     int (*take)(const struct pack *p, const struct yaml *n, struct str text, uint32_t into,
                                 struct err *e))
{
    struct str text;
    if (list->kind == YAML_SCALAR) {
        int rc = yaml_str(list, &text, e);
        return rc ? rc : take(p, list, text, into, e);
    }
    if (list->kind != YAML_SEQUENCE)
        return yaml_error(list, e, "must be a list of texts");
    for (const struct yaml *n = list->child; n != NULL; n = n->next) {
        int rc = yaml_str(n, &text, e);
        if (rc == 0)
            rc = take(p, n, text, into, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- words ---- */

static int take_member(const struct pack *p, const struct yaml *n, struct str text, uint32_t klass, struct err *e)
{
    struct seq s;
    int rc = builder_words(p->b, n, text, &s, e);
    if (rc == 0)
        builder_member(p->b, klass, &s);
    return rc;
}

static int take_typo(const struct pack *p, const struct yaml *n, struct str text, uint32_t none, struct err *e)
{
    struct seq s;
    (void)none;
    int rc = builder_words(p->b, n, text, &s, e);
    if (rc == 0 && s.n != 1)
        rc = yaml_error(n, e, "must be one word");
    if (rc == 0)
        builder_typo(p->b, s.word[0]);
    return rc;
}

static int take_spelling(const struct pack *p, const struct yaml *n, struct str text, uint32_t word, struct err *e)
{
    return builder_spelling(p->b, n, text, word, e);
}

/* spelled: {unsubscribe: [unsuscribe, unsubcribe]} */
static int read_spellings(const struct pack *p, struct err *e)
{
    const struct yaml *spelled = yaml_get(p->root, "spelled");
    int rc = 0;
    if (spelled != NULL && spelled->kind != YAML_MAPPING)
        return yaml_error(spelled, e, "must be a mapping of words to lists of spellings");
    for (const struct yaml *n = spelled ? spelled->child : NULL; n != NULL && rc == 0; n = n->next) {
        struct seq s;
        rc = builder_words(p->b, n, n->key, &s, e);
        if (rc == 0 && s.n != 1)
            rc = yaml_error(n, e, "must be one word");
        if (rc == 0)
            rc = each_text(p, n, s.word[0], e, take_spelling);
    }
    return rc;
}

static bool class_name(struct str s)
{
    bool good = s.n > 0 && s.n < 20;
    for (size_t i = 0; i < s.n; i++)
        good = good && ((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_');
    return good;
}

static int read_classes(const struct pack *p, struct err *e)
{
    const struct yaml *words = yaml_get(p->root, "words"), *fill = yaml_get(p->root, "fill"),
                      *typos = yaml_get(p->root, "typos");
    int rc = fill ? each_text(p, fill, CLASS_FILL, e, take_member) : 0;
    if (words != NULL && words->kind != YAML_MAPPING)
        return yaml_error(words, e, "must be a mapping of names to lists of words");
    for (const struct yaml *n = words ? words->child : NULL; n != NULL && rc == 0; n = n->next) {
        if (!class_name(n->key))
            return yaml_error(n, e, "a class is named with small letters and _");
        rc = each_text(p, n, builder_class(p->b, p->language, n->key), e, take_member);
    }
    return rc == 0 && typos != NULL ? each_text(p, typos, 0, e, take_typo) : rc;
}

static int read_scopes(const struct pack *p, struct err *e)
{
    static const char *const known[] = {"marketing", "utility", "authentication", "calls", "all", NULL};
    const struct yaml *scopes = yaml_get(p->root, "scopes");
    int rc = scopes ? yaml_known_keys(scopes, known, "scope", e) : 0;
    for (const struct yaml *n = scopes ? scopes->child : NULL; n != NULL && rc == 0; n = n->next) {
        char name[24] = "scope:";
        memcpy(name + 6, n->key.p, n->key.n);
        rc = each_text(p, n, builder_class(p->b, p->language, str_of(name)), e, take_member);
    }
    return rc;
}

/* ---- entries ---- */

static const struct heading {
    const char *key;
    uint8_t does;
} headings[] = {
    {"stop", OPTOUT_STOP}, {"start", OPTOUT_START}, {"help", OPTOUT_HELP}, {"no", ENTRY_NO}, {"yes", ENTRY_YES},
};
#define HEADINGS (sizeof headings / sizeof headings[0])

static int take_pattern(const struct pack *p, const struct yaml *n, struct str text, uint32_t entry, struct err *e)
{
    return builder_pattern(p->b, n, text, entry, 0, e);
}

/* A keyword is its own name. Without signs of patterns: it is taken word by word. */
static int read_keywords(const struct pack *p, const struct yaml *list, const struct heading *h, unsigned flags,
                         struct err *e)
{
    int rc = 0;
    if (list != NULL && list->kind != YAML_SEQUENCE)
        return yaml_error(list, e, "must be a list of words");
    for (const struct yaml *n = list ? list->child : NULL; n != NULL && rc == 0; n = n->next) {
        struct str text;
        uint32_t entry = 0;
        rc = yaml_str(n, &text, e);
        if (rc == 0)
            rc = builder_entry(p->b, n, p->language, h->does, "keyword", text, 0, &entry, e);
        if (rc == 0)
            rc = builder_pattern(p->b, n, text, entry, flags, e);
    }
    return rc;
}

static int read_scope(const struct yaml *n, consent_scope *ret, struct err *e)
{
    struct str text;
    int rc = yaml_str(n, &text, e);
    if (rc == 0 && (rc = consent_scope_parse(text, ret, e)) != 0)
        rc = yaml_error(n, e, "must be categories, as in \"marketing,calls\", or all");
    return rc;
}

/* id: [patterns], or id: {say: [patterns], scope: all, firm: true} */
static int read_phrase(const struct pack *p, const struct yaml *n, uint8_t does, const char *kind, struct err *e)
{
    static const char *const known[] = {"say", "scope", "firm", NULL};
    const struct yaml *say = n, *scope = NULL, *firm = NULL;
    bool is_firm = false;
    consent_scope of = 0;
    uint32_t entry = 0;
    int rc = 0;
    if (n->kind == YAML_MAPPING) {
        rc = yaml_known_keys(n, known, "phrase", e);
        say = yaml_get(n, "say");
        scope = yaml_get(n, "scope");
        firm = yaml_get(n, "firm");
        if (rc == 0 && say == NULL)
            rc = yaml_error(n, e, "needs `say`");
    }
    if (rc == 0 && scope != NULL)
        rc = read_scope(scope, &of, e);
    if (rc == 0 && firm != NULL)
        rc = yaml_bool(firm, &is_firm, e);
    if (rc == 0)
        rc = builder_entry(p->b, n, p->language, does, kind, n->key, of, &entry, e);
    if (rc == 0 && is_firm)
        builder_at(&p->b->entry, struct entry, entry)->firm = true;
    return rc ? rc : each_text(p, say, entry, e, take_pattern);
}

static int read_phrases(const struct pack *p, const struct yaml *list, uint8_t does, const char *kind, struct err *e)
{
    int rc = 0;
    if (list != NULL && list->kind != YAML_MAPPING)
        return yaml_error(list, e, "must be a mapping of names to lists of patterns");
    for (const struct yaml *n = list ? list->child : NULL; n != NULL && rc == 0; n = n->next)
        rc = read_phrase(p, n, does, kind, e);
    return rc;
}

static int read_heading(const struct pack *p, const struct heading *h, struct err *e)
{
    static const char *const known[] = {"keywords", "exact", "phrases", NULL};
    const struct yaml *n = yaml_get(p->root, h->key);
    if (n == NULL)
        return 0;
    int rc = yaml_known_keys(n, known, h->key, e);
    if (rc == 0)
        rc = read_keywords(p, yaml_get(n, "keywords"), h, AT_SENTENCE | TO_SENTENCE | AT_ENDS, e);
    if (rc == 0)
        rc = read_keywords(p, yaml_get(n, "exact"), h, AT_MESSAGE | TO_MESSAGE, e);
    return rc ? rc : read_phrases(p, yaml_get(n, "phrases"), h->does, "phrase", e);
}

static int take_without(const struct pack *p, const struct yaml *n, struct str text, uint32_t none, struct err *e)
{
    (void)none;
    return builder_without(p->b, n, text, e);
}

/* ---- what we say ---- */

static int read_says(const struct pack *p, struct err *e)
{
    static const char *const known[] = {"stopped", "started", "help", "welcome", "reminder", "yes", "no", NULL};
    const struct yaml *says = yaml_get(p->root, "says");
    int rc = says ? yaml_known_keys(says, known, "text", e) : 0;
    struct err why = {0};
    for (const struct yaml *n = says ? says->child : NULL; n != NULL && rc == 0; n = n->next) {
        struct saying s = {.language = p->language};
        struct arena *a = p->b->packs->arena;
        rc = yaml_str(n, &s.text, e);
        if (rc == 0 && (s.text.n == 0 || s.text.n > SAYS_MAX))
            rc = yaml_error(n, e, "must have 1 to %d bytes", SAYS_MAX);
        if (rc == 0 && saying_check(s.text, &why) != 0)
            rc = yaml_error(n, e, "%s", why.text);
        if (rc != 0)
            return rc;
        s.key.p = arena_strndup(a, n->key.p, s.key.n = n->key.n);
        s.text.p = arena_strndup(a, s.text.p, s.text.n);
        if (s.key.p == NULL || s.text.p == NULL)
            return err_set(e, WL_ETOOBIG, "the packs are too large");
        buf_put(&p->b->saying, &s, sizeof s);
    }
    return rc;
}

/* ---- a file ---- */

static bool language_name(struct str s)
{
    bool good = s.n >= 2 && s.n < LANG_MAX;
    for (size_t i = 0; i < s.n; i++)
        good = good &&
               ((s.p[i] >= 'a' && s.p[i] <= 'z') || (i > 1 && ((s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_')));
    return good;
}

static int read_language(struct pack *p, struct err *e)
{
    static const char *const known[] = {"language", "title", "spelled", "words",  "fill",   "typos", "stop",    "start",
                                        "help",     "yes",   "no",      "unless", "scopes", "says",  "without", NULL};
    const struct yaml *n = yaml_get(p->root, "language");
    struct str name;
    int rc = yaml_known_keys(p->root, known, "pack", e);
    if (rc == 0 && n == NULL)
        rc = yaml_error(p->root, e, "a pack needs `language`");
    if (rc == 0)
        rc = yaml_str(n, &name, e);
    if (rc == 0 && !language_name(name))
        rc = yaml_error(n, e, "must be a language like en or pt_BR");
    if (rc == 0)
        p->language = builder_language(p->b, name);
    return rc;
}

static int read_pack(struct pack *p, struct err *e)
{
    const struct yaml *without = yaml_get(p->root, "without");
    int rc = read_language(p, e);
    if (rc == 0 && without != NULL)
        rc = each_text(p, without, 0, e, take_without);
    if (rc == 0)
        rc = read_spellings(p, e);
    if (rc == 0)
        rc = read_classes(p, e);
    if (rc == 0)
        rc = read_scopes(p, e);
    for (size_t i = 0; i < HEADINGS && rc == 0; i++)
        rc = read_heading(p, &headings[i], e);
    if (rc == 0)
        rc = read_phrases(p, yaml_get(p->root, "unless"), ENTRY_UNLESS, "unless", e);
    if (rc == 0)
        rc = read_says(p, e);
    if (rc == 0 && builder_failed(p->b))
        rc = yaml_error(p->root, e, "the packs up to this one are too large");
    return rc;
}

int optout_packs_compile(struct optout_packs **ret, const char *const *names, const char *const *texts, size_t n,
                         struct err *e)
{
    struct builder b;
    struct arena *mem = arena_create(FILE_TREE_MAX);
    int rc = builder_open(&b, e);
    if (mem == NULL)
        rc = err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0 && n > OPTOUT_PACKS_MAX)
        rc = err_set(e, WL_EINVAL, "more than %d packs", OPTOUT_PACKS_MAX);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct pack p = {.b = &b};
        struct yaml *root = NULL;
        rc = yaml_parse(mem, names[i], str_of(texts[i]), &root, e);
        p.root = root;
        if (rc == 0)
            rc = read_pack(&p, e);
        arena_reset(mem);
    }
    if (rc == 0)
        rc = builder_finish(&b, ret, e);
    builder_close(&b);
    arena_free(mem);
    return rc;
}
