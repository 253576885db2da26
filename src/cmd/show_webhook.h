/* SPDX-License-Identifier: Apache-2.0
 * show_webhook.h - webhooks and who hears of them, laid out for a person.
 *
 * Each takes one answer of the REST API, or a part of one, as in show.h. */
#ifndef WL_CMD_SHOW_WEBHOOK_H
#define WL_CMD_SHOW_WEBHOOK_H

#include "base/json.h"

void show_webhook_row(struct json body, bool first);          /* one of GET /webhooks, with a head before the first */
void show_webhook(struct json body);                          /* GET /webhooks/{id} */
void show_webhook_event(struct json body, struct json event); /* one line */
void show_webhook_fields(struct json fields);                 /* "fields" of GET /webhooks/fields */
void show_subscriber_list(struct json subscribers);           /* "subscribers" of GET /subscribers */
void show_subscriber(struct json subscriber);                 /* GET /subscribers/{name} */
void show_subscriber_tried(struct json subscriber);           /* what is tried still, if anything is */
void show_subscriber_dead(struct json dead);                  /* "dead" of GET /subscribers/{name}/dead */

#endif
