/* SPDX-License-Identifier: Apache-2.0
 * facts.h - the closed record of typed facts, and its packed form in the decision log.
 *
 * Facts are gathered by the gateway, judged by rules and kept with the decision, so that it can be decided
 * again. A fact that was not set is unknown, and every rule says what it does then. */
#ifndef WL_CORE_FACTS_H
#define WL_CORE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum fact_type { FACT_TYPE_BOOL, FACT_TYPE_INT, FACT_TYPE_TIME, FACT_TYPE_WORD, FACT_TYPE_CODE };

enum fact_id {
#define FACT(id, name, type, words, doc) FACT_##id,
#include "core/facts.def"
#undef FACT
    FACT_COUNT
};

struct facts {
    int64_t value[FACT_COUNT];
    bool known[FACT_COUNT];
};

struct fact_info {
    const char *name;
    enum fact_type type;
    const char *words; /* space-separated, position = value */
    const char *doc;
};
extern const struct fact_info fact_info[FACT_COUNT];

static inline void fact_set(struct facts *f, enum fact_id id, int64_t v)
{
    f->value[id] = v;
    f->known[id] = true;
}
/* A code of at most 8 ASCII bytes packed into the value ("BR"); "" is not set (stays unknown). */
void fact_set_code(struct facts *f, enum fact_id id, const char *code);

int fact_by_name(struct str name); /* enum fact_id or -1 */
/* Position of the word in the fact's list, or -1. */
int fact_word(enum fact_id id, struct str word);
/* The value as a person reads it: "granted", "true", "2026-11-22T01:43:07.123Z", "never", "unknown". */
void fact_text(const struct facts *f, enum fact_id id, struct buf *out);

/* Packed: which are known, then their values as variable-length integers; equal facts give equal bytes. At most
 * FACTS_PACKED_MAX bytes. */
#define FACTS_PACKED_MAX (FACT_COUNT * 11 + 8)
size_t facts_pack(const struct facts *f, uint8_t *out);
int facts_unpack(const void *p, size_t n, struct facts *ret); /* WL_EINVAL when damaged; newer facts: unknown */

#endif
