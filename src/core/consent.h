/* SPDX-License-Identifier: Apache-2.0
 * consent.h - how consent events add up to "may I".
 *
 * Events are appended and never changed; the state is their fold and can be rebuilt at any time, in any order of
 * arrival: events count by their own time (`at`), at the same instant the stricter one wins, and a platform
 * stop is lifted by `resume` only (docs/platform.md §4.3). Each has a rank, how good its evidence is (consent_rank.c), and a
 * grant lifts a withdrawal only when it is later and not the weaker of the two. The state is packed into the contact's row. */
#ifndef WL_CORE_CONSENT_H
#define WL_CORE_CONSENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/intent.h"

enum consent_act {
    CONSENT_GRANT = 1,
    CONSENT_WITHDRAW = 2,
    CONSENT_STOP = 3 /* platform */,
    CONSENT_RESUME = 4 /* platform */
};
enum consent_status { CONSENT_NONE = 0, CONSENT_GRANTED = 1, CONSENT_WITHDRAWN = 2 };

/* How good the evidence of an event is; of a grant the words of the fact consent.rank in their order. */
enum consent_rank {
    CONSENT_RANK_NONE = 0,
    CONSENT_RANK_LISTED = 1,   /* a line in a list */
    CONSENT_RANK_ASSERTED = 2, /* a program or an operator says so */
    CONSENT_RANK_CAPTURED = 3, /* an act of the person, with the wording they saw */
    CONSENT_RANK_WRITTEN = 4,  /* the person's own words, or done in WhatsApp itself */
    CONSENT_RANK_CONFIRMED = 5 /* asked again and confirmed */
};
const char *consent_rank_name(enum consent_rank r); /* "none", "listed", ... "confirmed" */

/* A set of categories as bits (1 << enum category); CONSENT_ALL covers every category people consent to. */
typedef uint32_t consent_scope;
#define CONSENT_SCOPE(cat) ((consent_scope)1u << (cat))
#define CONSENT_ALL                                                                                                    \
    (CONSENT_SCOPE(CATEGORY_MARKETING) | CONSENT_SCOPE(CATEGORY_UTILITY) | CONSENT_SCOPE(CATEGORY_AUTHENTICATION) |    \
     CONSENT_SCOPE(CATEGORY_CALLS))

const char *consent_act_name(enum consent_act a);       /* "grant", "withdraw", "stop", "resume" */
const char *consent_status_name(enum consent_status s); /* "none", "granted", "withdrawn" */
/* "marketing", "all", or a comma-separated list. WL_EINVAL names the word. */
int consent_scope_parse(struct str s, consent_scope *ret, struct err *e);
void consent_scope_text(consent_scope s, struct buf *out); /* "all" or "marketing,utility" */

struct consent_event {
    enum consent_act act;
    consent_scope scope;
    int64_t at;    /* when the person said so, ms */
    int rank;      /* enum consent_rank. Without one a grant counts as LISTED, a withdrawal as the person's own words */
    int64_t until; /* GRANT: when it ends by itself, ms; 0: it does not */
};

/* How an event was recorded: what its rank follows from. */
struct consent_ground {
    enum consent_act act;
    struct str method, source, evidence, actor; /* as in struct consent_row */
    bool has_wording;
};
#define CONSENT_ACTOR_GATEWAY "gateway"         /* who records what the gateway asked for and heard itself */
#define CONSENT_ACTOR_WEBHOOK "webhook"         /* what WhatsApp told the gateway */
#define CONSENT_ACTOR_PAGE    "preference page" /* what the person did on the page we showed them */
/* Methods that only these write: a caller cannot grant with them. */
bool consent_method_is_ours(struct str method);
/* The rank of a grant or withdrawal; NONE of anything else. A method nobody knows is an assertion, and so is one without the
 * evidence it wants: *ret_lacks (may be NULL) says what that is, NULL when nothing is missing. Of a withdrawal nothing is
 * wanted: LISTED, ASSERTED, or CAPTURED for the person's own act or words. */
enum consent_rank consent_rank(const struct consent_ground *g, const char **ret_lacks);

/* Words are as strong as a list (0), as somebody's assertion (1), as the person's own act (2, CAPTURED and better). */
#define CONSENT_STRENGTHS 3

struct consent_state {
    struct consent_word {
        uint8_t status; /* enum consent_status */
        uint8_t rank;   /* enum consent_rank of the grant that stands, else NONE */
        int64_t at;     /* of the grant that stands, or of the last withdrawal that was not lifted */
        int64_t until;  /* of the grant that stands; 0: it does not end by itself */
        /* What the above is worked out from: the last word of each strength, where no stronger one is as late. */
        struct consent_said {
            uint8_t act;  /* CONSENT_GRANT or CONSENT_WITHDRAW; 0: there is none */
            uint8_t rank; /* of a withdrawal: strength + 1 */
            int64_t at, until;
        } said[CONSENT_STRENGTHS];
    } of[CATEGORY_COUNT];
    bool platform_stop; /* marketing only */
    int64_t platform_at;
};

/* Folds one event in. Commutative and idempotent: any order of the same events gives the same state. */
void consent_apply(struct consent_state *s, const struct consent_event *ev);
/* Of a category that is withdrawn: the rank a later grant needs at least to lift that; else NONE. */
enum consent_rank consent_needs(const struct consent_word *w);

/* What was said under one of a person's names. A person is one, but which names are theirs is learned, sometimes wrongly
 * and often late: so words are kept with the name they were said under, and the person's state is worked out from all of them. */
struct consent_voice {
    struct consent_state said;
    int64_t since;      /* when the name was first heard together with another of the person's; 0 never */
    bool refusals_only; /* the name was somebody else's, too: nobody knows who granted under it */
};

/* The state of a person with these names, whatever the order they are in or were learned in. For each category the later word
 * counts, except that what was refused under one name is lifted by what is granted under another only when the two were
 * known to be one person's by then: a refusal stands, with the time of the last word, until it is granted again later than
 * that. The same for stop and resume. */
void consent_of_voices(const struct consent_voice *v, size_t n, struct consent_state *ret);

/* The packed form in the contact's row; at most CONSENT_PACKED_MAX bytes, empty for the initial state. */
#define CONSENT_PACKED_MAX 400
size_t consent_pack(const struct consent_state *s, uint8_t out[CONSENT_PACKED_MAX]);
int consent_unpack(const void *p, size_t n, struct consent_state *ret); /* 0 or WL_EINVAL */

#endif
