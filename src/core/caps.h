/* SPDX-License-Identifier: Apache-2.0
 * caps.h - what a person got from us lately: exact ring logs for caps, last contents, last words of Meta.
 *
 * "No more than n in a time" is exact only with the times of the last n themselves (a rate limiter lets up to 2n-1
 * through). The newest CAPS_RING marketing messages are kept, whatever the numbers and campaigns they came from; the
 * n-th newest is the fact marketing.sent.n, and a cap is a rule about it. Stored to the second, rounded up, so that a cap
 * is never short. A clock that steps back finds times in its future: those count as newest. Packed into the
 * person's row, varints from the newest time backwards: at most CAPS_PACKED_MAX bytes, empty when nothing happened. */
#ifndef WL_CORE_CAPS_H
#define WL_CORE_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/facts.h"

#define CAPS_RING     16
#define CAPS_CONTENTS 5

/* One marketing content a person got: number of its fixed text, hash of the values put in, when. */
struct content_sent {
    uint32_t skeleton, values;
    uint16_t share; /* permille of the text that is fixed; similar.h */
    int64_t at;     /* ms, whole seconds */
};

struct caps {
    uint8_t n, n_contents;
    int64_t sent[CAPS_RING];                    /* ms, whole seconds, newest first */
    struct content_sent content[CAPS_CONTENTS]; /* newest first */
    int64_t engagement_at, experiment_at;       /* last 131049, 130472; 0 never */
};

#define CAPS_PACKED_MAX 160
void caps_sent(struct caps *c, int64_t at, const struct content_sent *content /* NULL: none */);
/* The message sent at `at` reached nobody: it counts no more. same_at: when they had got the same content before it, 0
 * never. False: it was not among those kept. */
bool caps_unsent(struct caps *c, int64_t at, int64_t same_at);
/* Two persons turned out to be one: nothing either got is forgotten while there is room. */
void caps_merge(struct caps *c, const struct caps *other);
/* marketing.sent.*, recipient.engagement_at, recipient.experiment_at */
void caps_facts(const struct caps *c, struct facts *f);
size_t caps_pack(const struct caps *c, uint8_t out[CAPS_PACKED_MAX]);
int caps_unpack(const void *p, size_t n, struct caps *ret); /* 0 or WL_EINVAL */

#endif
