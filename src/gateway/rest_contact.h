/* SPDX-License-Identifier: Apache-2.0
 * rest_contact.h - what the files about contacts share: rest_contacts*.c, rest_contact_said.c, rest_person_export.c.
 *
 * What a contact did with messages, and what the business says of them: attributes, tags, the files they came from. */
#ifndef WL_GATEWAY_REST_CONTACT_H
#define WL_GATEWAY_REST_CONTACT_H

#include "core/activity.h"
#include "gateway/rest_impl.h"
#include "store/attributes.h"

/* --- rest_contacts_activity.c --- */

/* Whoever refused marketing has no score. */
bool rest_is_stopped(const struct consent_state *c);
/* "class", "score", last times, "undeliverable", delays into the open object. */
void rest_activity_members(struct json_out *o, const struct activity *a, bool stopped,
                           const struct activity_horizons *h, int64_t now);
/* "horizons": {...} */
void rest_horizons(struct json_out *o, const struct activity_horizons *h);
/* "activity": {...} with the usual horizons. */
int rest_activity_show(struct json_out *o, struct store *s, const struct person *p, int64_t now, struct err *e);
int rest_contacts_activity(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

/* --- rest_contacts_list.c --- */
int rest_contacts_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

/* --- rest_contact_said.c --- */

/* "attributes": {...}, "tags": [...], "imports": [...], "imports_cut": *ret_cut, they came with more files than are kept. */
int rest_said_show(struct json_out *o, struct store *s, struct arena *a, const struct person *p, bool *ret_cut,
                   struct err *e);
/* The members `attributes` and `tags` of an object. False: why, and the field, in c->problem. */
struct rest_said {
    struct json attributes, tags;
};
bool rest_said_read(struct rest_call *c, struct json v, struct rest_said *ret);
/* Writes what is named: null and "-tag" take away. *ret_changed: something is otherwise now. *ret_full: not all of it, somebody has
 * no more than ATTRIBUTES_MAX and TAGS_MAX. */
int rest_said_write(struct store *s, struct arena *a, const struct person *p, const struct rest_said *said,
                    int64_t source, int64_t now, bool *ret_changed, bool *ret_full, struct err *e);
/* The member `import` of a call: the file its contacts come from. *ret_id 0: none was named. */
int rest_import_source(struct rest_call *c, struct store *s, struct json v, int64_t now, int64_t *ret_id,
                       struct err *e);
int rest_contact_attributes(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_contact_tags(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
