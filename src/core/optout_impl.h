/* SPDX-License-Identifier: Apache-2.0
 * optout_impl.h - what the files behind optout.h share: folded words, compiled packs, and how a pattern is matched.
 *
 * A text becomes words of folded code points (optout_fold.c), a word a number when any pack knows it
 * (optout_words.c), and sentences of numbers are compared with patterns (optout_match.c). Packs are compiled in two files:
 * optout_pack.c reads the YAML, optout_build.c makes the tables. Everything is built once and only read afterwards. */
#ifndef WL_CORE_OPTOUT_IMPL_H
#define WL_CORE_OPTOUT_IMPL_H

#include "base/arena.h"
#include "core/optout.h"

#define WORD_CHARS   40   /* of a longer word the rest is not looked at */
#define TOKENS_MAX   1400 /* words of a text; more are not looked at */
#define SEQ_MAX      16   /* words of one member of a class; of a script without spaces: letters */
#define ELEMENTS_MAX 24   /* of a pattern */
#define STEPS_MAX    30000
#define LANG_MAX     12

/* ---- folding ---- */

enum char_kind {
    CHAR_GAP,
    CHAR_NOTHING,
    CHAR_LETTER,
    CHAR_ALONE /* a word by itself: Han, kana, Hangul, Thai */,
    CHAR_APOSTROPHE,
    CHAR_STAR,
    CHAR_COMMA,
    CHAR_END,
    CHAR_SYMBOL
};

#define EXPAND_MAX 4
struct char_table {
    uint8_t *styled;              /* U+1D400.. to the ASCII they are drawings of */
    uint16_t *to;                 /* of each code point below 65536 what it folds to; or EXPANDED + index */
    uint8_t *kind;                /* enum char_kind of what it folds to */
    uint32_t (*more)[EXPAND_MAX]; /* those that fold to several, ended by 0 */
    size_t n_more;
};
int chars_build(struct char_table *t, struct arena *a, struct err *e);

struct token {
    uint32_t chars;    /* where its folded code points begin */
    uint16_t from, to; /* bytes of the text */
    uint8_t n;         /* code points */
    bool alone;        /* CHAR_ALONE */
    bool starts;       /* a sentence */
    bool symbol;       /* an emoji */
    bool comma;        /* a comma or the like stands before it */
    uint32_t word;     /* number in the vocabulary, 0: no pack knows it */
};
struct sentence {
    uint16_t first, end; /* tokens */
};
struct tokens {
    size_t n, n_chars, n_sentences;
    struct token token[TOKENS_MAX];
    struct sentence sentence[TOKENS_MAX];
    bool fill[TOKENS_MAX]; /* says nothing: please, thank you */
    uint32_t chars[OPTOUT_TEXT_MAX + WORD_CHARS];
};
void tokens_cut(const struct char_table *t, struct str text, struct tokens *ret);

/* ---- vocabulary ---- */

struct word {
    uint32_t means;            /* a spelling of this word; 0: of itself */
    uint32_t chars, n;         /* in packs->chars */
    uint32_t uses, n_uses;     /* in packs->use: the members of classes that begin with it */
    uint32_t starts, n_starts; /* in packs->start: the patterns that may begin with it */
};
struct use {
    uint32_t word, klass, seq;
};
struct seq {
    uint8_t n;
    uint32_t word[SEQ_MAX];
};

enum element_kind { ELEMENT_WORD, ELEMENT_CLASS, ELEMENT_GAP };
struct element {
    uint8_t kind;
    bool optional;
    uint32_t arg; /* word, class, or the most words of a gap */
};
enum {
    AT_CLAUSE = 1,
    AT_SENTENCE = 2,
    AT_MESSAGE = 4,
    TO_CLAUSE = 8,
    TO_SENTENCE = 16,
    TO_MESSAGE = 32,
    AT_ENDS = 64 /* first or last sentence */
};
struct pattern {
    uint32_t entry, elements;
    uint8_t n, flags;
    struct str text;
};
enum { ENTRY_NO = 10, ENTRY_YES, ENTRY_UNLESS }; /* after enum optout_verdict */
struct entry {
    char id[OPTOUT_RULE_MAX];
    uint32_t language;
    uint8_t does; /* enum optout_verdict or ENTRY_UNLESS */
    bool gone;
    bool firm; /* no `unless` takes it back */
    consent_scope scope;
};
struct start {
    uint32_t word, pattern;
};
struct klass {
    char name[24];
    uint32_t language;
};
struct language {
    char name[LANG_MAX];
    uint32_t scope[CATEGORY_COUNT + 1]; /* class + 1 of the words that name a category, the last: everything */
};
struct saying {
    uint32_t language;
    struct str key, text;
};

#define SLOTS 65536
struct optout_packs {
    struct arena *arena;
    struct char_table fold;
    uint32_t *slot, *typo_slot; /* SLOTS; hash -> word, hash of a word less one letter -> word */
    uint32_t *chars;
    struct word *word;
    struct use *use;
    struct seq *seq;
    struct klass *klass;
    struct element *element;
    struct pattern *pattern;
    struct entry *entry;
    struct start *start;
    struct language *language;
    struct saying *saying;
    size_t n_chars, n_words, n_uses, n_seqs, n_classes, n_elements, n_patterns, n_entries, n_starts, n_languages,
        n_sayings;
};
#define CLASS_FILL 0 /* of every language together */

uint64_t word_hash(const uint32_t *p, size_t n);
uint32_t word_exact(const struct optout_packs *k, const uint32_t *p, size_t n); /* 0: unknown */
/* As exact; else as it would be without letters repeated, put for others, or one mistake in a long word. */
uint32_t word_find(const struct optout_packs *k, const uint32_t *p, size_t n);
bool typo_apart(const uint32_t *a, size_t n, const uint32_t *b, size_t m); /* one mistake at most */

/* ---- matching ---- */

struct match {
    const struct optout_packs *packs;
    const struct tokens *t;
    size_t sentence, first_real, last_real; /* sentences that say something */
    unsigned steps;
};
/* Where the pattern ends that begins at token i; 0: it does not match there. */
size_t pattern_match(struct match *m, const struct pattern *p, size_t i);
/* Where a member of the class that begins at token i ends, the longest; 0: none does. */
size_t class_match(struct match *m, uint32_t klass, size_t i, size_t end);

#endif
