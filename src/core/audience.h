/* SPDX-License-Identifier: Apache-2.0
 * audience.h - everybody the business knows, as columns: the read model segments are answered over.
 *
 * One dense 32-bit ordinal a person, in the order of their ids. A Roaring bitmap for each value of what is one of few (country, tag, consent,
 * import, campaign), an array for what is a number or a time. Built once from the store, then immutable and shared; how fresh it is is its
 * owner's matter (gateway/audiences.h). It is never asked whether somebody may be written to: the door is. */
#ifndef WL_CORE_AUDIENCE_H
#define WL_CORE_AUDIENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "core/activity.h"
#include "core/consent.h"
#include "core/identity.h"

#define AUDIENCE_PEOPLE_MAX   100000000u
#define AUDIENCE_CAMPAIGN_MAX 32
struct phone_data;
struct audience;

/* One person as they are added; everything is copied. Ids must rise. */
struct audience_person {
    int64_t id; /* contact */
    int64_t created_at;
    struct str lang, zone, name; /* may be empty */
    struct identity
        phone; /* their current number; of who has none their user id, which tells the country; NONE: neither */
    const struct consent_state *consent;
    const struct activity *activity; /* NULL: none */
    int64_t undeliverable_at;
    bool restricted; /* is to be erased: is left out, so never in any segment */
    bool named;      /* has a number or user id to send to */
    const struct audience_pair *attribute;
    size_t n_attributes;
    const struct str *tag;
    size_t n_tags;
    const int64_t *source; /* imports, the earliest first */
    size_t n_sources;
};
struct audience_pair {
    struct str name, value;
};

/* Bits of what a campaign did with somebody. */
enum audience_mark {
    AUDIENCE_IN_CAMPAIGN = 1, /* was in its audience */
    AUDIENCE_SENT = 2,
    AUDIENCE_DELIVERED = 4,
    AUDIENCE_READ = 8,
    AUDIENCE_REPLIED = 16,
    AUDIENCE_FAILED = 32, /* got none: failed, rejected, expired, refused */
    AUDIENCE_OPTED_OUT = 64
};

/* phones: for country, kind of line and network; kept by the caller while it lasts. now: as of when it is. */
struct audience *audience_create(const struct phone_data *phones, int64_t now);
int audience_add(struct audience *a, const struct audience_person *p, struct err *e);
/* After the last person, in any order: an import's name; and what a campaign (its id as people see it, letters a to z and digits,
 * at most AUDIENCE_CAMPAIGN_MAX) did with somebody. Who was not added is passed over. */
int audience_add_source(struct audience *a, int64_t id, struct str name, struct err *e);
int audience_add_mark(struct audience *a, struct str campaign, int64_t contact, unsigned marks, struct err *e);
int audience_end(struct audience *a, struct err *e); /* nothing may be added any more; nothing may be asked before */
void audience_free(struct audience *a);              /* accepts NULL */

size_t audience_people(const struct audience *a);
int64_t audience_at(const struct audience *a); /* ms: as of when */
size_t audience_bytes(const struct audience *a);
int64_t audience_contact(const struct audience *a, uint32_t ordinal);
bool audience_ordinal(const struct audience *a, int64_t contact, uint32_t *ret);
/* The import with the earliest time of this person; 0: the API. */
int64_t audience_source(const struct audience *a, uint32_t ordinal);
const char *audience_country(const struct audience *a, uint32_t ordinal); /* "BR"; "" not known */

/* What is a number of everybody: seconds since 1970, 0 never; the score in thousandths. */
enum audience_number {
    AUDIENCE_CREATED,
    AUDIENCE_LAST_SENT,
    AUDIENCE_LAST_DELIVERED,
    AUDIENCE_LAST_READ,
    AUDIENCE_LAST_REPLIED,
    AUDIENCE_LAST_CLICKED,
    AUDIENCE_SCORE,
    AUDIENCE_NUMBERS
};
uint32_t audience_number(const struct audience *a, uint32_t ordinal, enum audience_number which);

/* What a field has, for the console's menus and for `segments values`: each value and how many have it, the most first. Fields of words
 * (of segment.h), "attribute.NAME", and "attribute" for the names of attributes. WL_EINVAL: a number, a date, or no field. */
struct audience_value {
    struct str value;
    uint64_t people;
};
int audience_values(const struct audience *a, struct str field, size_t max, struct arena *arena,
                    struct audience_value **ret, size_t *ret_n, struct err *e);
/* Calls each() for every value of such a field with the ordinals of who has it, some thousand at a time and sorted within a call; its
 * failure ends it. For copies of the audience in other forms (store/audience_file.h). */
typedef int audience_holders(void *ctx, struct str value, const uint32_t *ordinal, size_t n, struct err *e);
int audience_each(const struct audience *a, struct str field, audience_holders *each, void *ctx, struct err *e);

/* The ids of these people as 64-bit Roaring, portable format (of CRoaring's Roaring64Map, Go's and Java's), appended: what is kept of who
 * was meant, together with its SHA-256. The same people give the same bytes, whatever the audience. */
typedef struct roaring_bitmap_s roaring_bitmap_t;
int audience_snapshot(const struct audience *a, const roaring_bitmap_t *people, struct buf *out, struct err *e);

#endif
