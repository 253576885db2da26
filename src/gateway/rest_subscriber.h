/* SPDX-License-Identifier: Apache-2.0
 * rest_subscriber.h - what the calls about webhooks and their subscribers share, for the rest_*.c files only.
 *
 * A place among the stored bodies, a subscriber by its name, a body of JSON with keys that are known. */
#ifndef WL_GATEWAY_REST_SUBSCRIBER_H
#define WL_GATEWAY_REST_SUBSCRIBER_H

#include "gateway/rest_impl.h"
#include "store/subscribers.h"

/* A place among the bodies: the id of one, or a time: then that of the first that came at that moment or later. */
bool rest_webhook_place(struct str v, int64_t now, int64_t *ret);
/* False, and c->problem says so: the place is a time of the future, so that what comes until then would be passed over. */
bool rest_webhook_past(struct rest_call *c, const char *field, struct str v, int64_t now);
bool rest_webhook_id(struct rest_call *c, struct str text, const char *field, int64_t *ret);

/* The subscriber of that name; else c->problem has the nearest there is. field: the body's member that named it, or NULL. */
int rest_find_subscriber(struct rest_call *c, struct store *s, struct arena *a, struct str name, const char *field,
                         struct subscriber *ret, struct err *e);
/* The body as an object of these keys, none twice. False: c->problem says what is wrong. */
bool rest_read_object(struct rest_call *c, const char *const *keys, struct json *ret);

int rest_webhooks_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_webhook(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_webhook_fields(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_webhooks_replay(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscribers_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_add(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_change(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_remove(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_pause(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_resume(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_dead(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_subscriber_test(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
