/* SPDX-License-Identifier: Apache-2.0
 * rules_load.h - the words of a `rules` command to a book of rules, and what a book does not keep of its files.
 *
 * A book is named by its files, or by one word with commas between files; without any it is the platform's set that
 * came with the program. Tests are proven while loading and not kept: who wants to count them reads the file again. */
#ifndef WL_CMD_RULES_LOAD_H
#define WL_CMD_RULES_LOAD_H

#include "base/arena.h"
#include "cmd/command.h"
#include "core/ruleset.h"

struct rule_paths {
    const char *path[RULESET_FILES_MAX];
    size_t n;
};

/* Words from `first` on; none: the shipped set. CMD_OK, or an exit status after having said why. */
int rules_paths(const struct args *a, size_t first, struct arena *mem, struct rule_paths *ret);
/* "a.yaml,b.yaml" */
int rules_split(const char *word, struct arena *mem, struct rule_paths *ret);
/* The file of a shipped law: "co" -> ".../rules/law/co.yaml"; says so when there is none. */
int rules_law(const char *name, struct arena *mem, const char **ret);
/* Loads them as one book or part, or says why not. ruleset_free() it. */
int rules_book(const struct rule_paths *p, struct ruleset **ret);
/* What one word of `rules diff` names: files with commas between them; "running", "shadow" or a hash, which a running
 * gateway is asked for. */
int rules_named(const struct args *a, const char *word, struct ruleset **ret);

/* The tests written in a file for this rule (NULL: for all); -1 when the file cannot be read. */
int rules_tests(const char *path, const char *id);
/* --at, or now. */
int rules_at(const struct args *a, int64_t *ret);
/* "2026-11-21" */
#define DAY_TEXT 11
const char *rules_day(int64_t ms, char out[DAY_TEXT]);

#endif
