/* SPDX-License-Identifier: Apache-2.0
 * campaign_def_impl.h - between the files that read a definition: where in the JSON they are, and how a mistake is said.
 *
 * A place is a path as people write it, "templates[0].parameters.body[1]", made when something is gone into. */
#ifndef WL_CORE_CAMPAIGN_DEF_IMPL_H
#define WL_CORE_CAMPAIGN_DEF_IMPL_H

#include "core/campaign.h"

struct def_reader {
    struct arena *a;
    struct campaign_def *d;
    const char *field; /* of the mistake */
    struct err *e;
    struct err what; /* the sentence without its place */
};

/* A value and where it stands. */
struct def_at {
    struct json v;
    const char *path; /* "" at the root */
};

/* Says "<path> <what>", keeps the path, gives WL_EINVAL. */
#define def_wrong(r, at, ...) (err_set(&(r)->what, WL_EINVAL, __VA_ARGS__), def_wrong_at((r), (at)))
int def_wrong_at(struct def_reader *r, struct def_at at);
int def_no_memory(struct def_reader *r);
struct def_at def_in(struct def_reader *r, struct def_at at, const char *key);
struct def_at def_nth(struct def_reader *r, struct def_at at, size_t i);
static inline bool def_given(struct def_at at)
{
    return json_type(at.v) > JSON_NULL;
}
/* It is an object, no key of it is there twice, and each is one of these. */
int def_object(struct def_reader *r, struct def_at at, const char *const *known);

/* Values; what is absent leaves *ret as it is, except where it is said otherwise. */
int def_text(struct def_reader *r, struct def_at at, size_t max, struct str *ret); /* 1 to max bytes; copied */
int def_int(struct def_reader *r, struct def_at at, int64_t least, int64_t most, int64_t *ret);
int def_time(struct def_reader *r, struct def_at at, int64_t *ret);     /* RFC 3339 with its offset */
int def_duration(struct def_reader *r, struct def_at at, int64_t *ret); /* "24h"; ms */
int def_share(struct def_reader *r, struct def_at at, int64_t least, int64_t most, int64_t *ret_ppm); /* "0.5%" */
int def_number(struct def_reader *r, struct def_at at, int64_t *ret); /* an id, required */
/* One of the words; *ret its position. */
int def_word(struct def_reader *r, struct def_at at, const char *const *words, size_t *ret);
/* Texts of an array of 1 to max, or one alone; the same one twice is wrong. */
int def_texts(struct def_reader *r, struct def_at at, size_t max, size_t max_bytes, struct str *ret, size_t *ret_n);
/* Languages as Meta writes them: "pt-BR" is read as "pt_BR". */
int def_languages(struct def_reader *r, struct def_at at, size_t max, struct str *ret, size_t *ret_n);

/* The parts of a definition (campaign_def_template.c, campaign_def_when.c). */
int def_templates(struct def_reader *r, struct def_at at);
int def_when(struct def_reader *r, struct def_at root);

#endif
