/* SPDX-License-Identifier: Apache-2.0
 * heard.h - when webhooks last spoke of each of our numbers.
 *
 * In memory: of a number that is silent for longer than the newest stored bodies reach nothing is known after a start. At
 * most HEARD_MAX numbers; of more nothing is said. Any thread. */
#ifndef WL_GATEWAY_HEARD_H
#define WL_GATEWAY_HEARD_H

#include <stdint.h>

#define HEARD_MAX 1024

struct heard;

struct heard *heard_create(void);
void heard_free(struct heard *h); /* accepts NULL */
void heard_note(struct heard *h, int64_t sender, int64_t at);
int64_t heard_at(struct heard *h, int64_t sender); /* the newest, 0: none */

#endif
