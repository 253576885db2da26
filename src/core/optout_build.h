/* SPDX-License-Identifier: Apache-2.0
 * optout_build.h - packs while they are compiled: growing tables, and adding to them.
 *
 * optout_pack.c reads YAML and calls these; optout_build.c keeps the tables and at the end makes the packs that
 * optout.c judges with. Every table has a maximum, so a pack file cannot make the program large. */
#ifndef WL_CORE_OPTOUT_BUILD_H
#define WL_CORE_OPTOUT_BUILD_H

#include "base/yaml.h"
#include "core/optout_impl.h"

struct builder {
    struct optout_packs *packs; /* slots, fold table and arena are made; the tables come at the end */
    struct tokens *scratch;
    struct buf chars, word, use, seq, klass, element, pattern, entry, language, saying,
        typo; /* arrays of their structs */
};

int builder_open(struct builder *b, struct err *e); /* builder_close() it also when it failed */
void builder_close(struct builder *b);              /* frees the packs unless builder_finish() handed them over */
int builder_finish(struct builder *b, struct optout_packs **ret, struct err *e);

#define builder_count(buf, type) ((buf)->len / sizeof(type))
#define builder_at(buf, type, i) (&((type *)(void *)(buf)->data)[i])

/* The words of a text, those that are new put into the vocabulary. WL_EINVAL names the node: none, or too many. */
int builder_words(struct builder *b, const struct yaml *at, struct str text, struct seq *ret, struct err *e);
uint32_t builder_language(struct builder *b, struct str name);
/* Class of that name, UINT32_MAX when there is none. */
uint32_t builder_find_class(const struct builder *b, uint32_t language, struct str name);
uint32_t builder_class(struct builder *b, uint32_t language, struct str name); /* made when there is none */
void builder_member(struct builder *b, uint32_t klass, const struct seq *s);
/* Entry of that id (language.kind.name), made when there is none. WL_EINVAL when it does something else or is too long. */
int builder_entry(struct builder *b, const struct yaml *at, uint32_t language, uint8_t does, const char *kind,
                  struct str name, consent_scope scope, uint32_t *ret, struct err *e);
/* Compiles "stop <send> ~3 (a|b c)? $". */
int builder_pattern(struct builder *b, const struct yaml *at, struct str text, uint32_t entry, unsigned flags,
                    struct err *e);
int builder_without(struct builder *b, const struct yaml *at, struct str id, struct err *e);
/* Makes a word another spelling of one there is, unless packs use it already. */
int builder_spelling(struct builder *b, const struct yaml *at, struct str text, uint32_t word, struct err *e);
void builder_typo(struct builder *b, uint32_t word);
bool builder_failed(const struct builder *b);

#endif
