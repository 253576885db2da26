/* SPDX-License-Identifier: Apache-2.0
 * optout.h - does this message ask us to stop, to start again, or for help?
 *
 * Packs of words and sentences, one a language, are data (data/optout, docs/opt-out.md) and can be extended by the customer. A
 * text is normalised (Unicode form, case, accents, look-alikes, repeated letters, emoji) and cut into sentences; a keyword counts when it
 * is all the message says, a phrase when a sentence says it and nothing in that sentence takes it back ("don't stop",
 * "I'll stop by the shop"). Every answer names the entry and the words that made it. All languages are tried: people do not
 * write in the language one expects. */
#ifndef WL_CORE_OPTOUT_H
#define WL_CORE_OPTOUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/consent.h"

#define OPTOUT_TEXT_MAX  4096 /* bytes; of a longer text the first and the last so many are read */
#define OPTOUT_RULE_MAX  64
#define OPTOUT_PACKS_MAX 64

enum optout_verdict { OPTOUT_NOTHING = 0, OPTOUT_STOP = 1, OPTOUT_START = 2, OPTOUT_HELP = 3 };
const char *optout_verdict_name(enum optout_verdict v); /* "nothing", "stop", "start", "help" */

struct optout_finding {
    enum optout_verdict verdict;
    consent_scope scope; /* STOP, START: what is meant. Marketing unless the words name something else or everything */
    char language[12];   /* of the pack that found it */
    char rule
        [OPTOUT_RULE_MAX]; /* the pack's entry: "en.keyword.stop", "en.phrase.stop-sending"; NOTHING: what was taken back */
    struct str matched;               /* the part of the text, as it was written; borrowed */
    char taken_back[OPTOUT_RULE_MAX]; /* NOTHING: the entry by which something that looked like it does not count; "" */
};

struct optout_packs;
/* Compiles pack files (YAML) from memory; names are used in messages. Later ones may add to a language, or take an entry of
 * an earlier one out (`without`). WL_EINVAL names file, line and key. */
int optout_packs_compile(struct optout_packs **ret, const char *const *names, const char *const *texts, size_t n,
                         struct err *e);
void optout_packs_free(struct optout_packs *p); /* accepts NULL */

/* hint: the person's language, "" not known; of several findings the stricter counts (STOP before START before HELP), then
 * the one in that language. What the person tapped (a button's payload) is judged like a keyword. Any thread. */
void optout_judge(const struct optout_packs *p, struct str text, struct str hint, struct optout_finding *ret);

/* What the packs look for, pattern by pattern, in the order of the files; false after the last. Borrowed. */
struct optout_pattern {
    const char *id, *language;
    const char *does;    /* "stop", "start", "help", "no", "yes", "unless" */
    consent_scope scope; /* that the entry names by itself; 0: the words near it say */
    bool whole;          /* it must be all the message or a sentence says */
    bool gone;           /* a later pack took it out */
    struct str text;     /* as the pack has it */
};
bool optout_pattern_at(const struct optout_packs *p, size_t i, struct optout_pattern *ret);

/* What a text answers to a question of ours ("Do you want to hear from us?"). A bare "yes", "no thanks" or "not interested" means
 * something only there: optout_judge says NOTHING to them. Who asks to stop says no, who writes START says yes. */
enum optout_answer { OPTOUT_NEITHER, OPTOUT_YES, OPTOUT_NO };
enum optout_answer optout_answer(const struct optout_packs *p, struct str text, struct str hint);

/* What we say to a person: "stopped", "started", "help", "welcome", ... in their language, else its base, else English; the
 * text has {business} and the like in it. {NULL,0}: no pack has it. Borrowed from the packs. */
struct str optout_says(const struct optout_packs *p, struct str language, const char *key, struct str *ret_language);

#endif
