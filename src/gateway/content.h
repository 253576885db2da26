/* SPDX-License-Identifier: Apache-2.0
 * content.h - what a marketing message says, in numbers: its fixed text, the values put in, and how much each is.
 *
 * The fixed text (skeleton) of a template is the text of its body, its footer and its cards' bodies with the
 * placeholders in them. Values are compared by a hash over their masked text (core/similar.h): nothing of them is kept
 * anywhere. Two contents are alike as far as their fixed texts and shares prove it, whatever the values were. */
#ifndef WL_GATEWAY_CONTENT_H
#define WL_GATEWAY_CONTENT_H

#include "base/json.h"
#include "core/caps.h"
#include "core/similar.h"
#include "store/skeletons.h"

struct snapshot;
struct template_row;

struct skeleton_text {
    uint32_t number; /* 0: the template has no text to compare */
    uint32_t fixed;  /* characters that are no placeholder */
    struct str text;
};
int content_skeleton(struct arena *a, struct json listing, struct skeleton_text *ret, struct err *e);

/* What a send of this template with these components says; `at` stays 0. */
struct content_sent content_of(uint32_t skeleton, uint32_t fixed, struct json components);

/* duplicate.*: how like `now` the last marketing contents of a person are. same, near: permille from which they count so. */
void content_facts(const struct content_sent *now, const struct caps *got, const struct snapshot *snap, int same,
                   int near, struct facts *f);

/* The fixed texts of the marketing templates among these, to be kept: decisions about them are explained later. */
int content_skeletons(struct arena *a, const struct template_row *rows, size_t n, int64_t now, struct skeleton **ret,
                      size_t *ret_n, struct err *e);

#endif
