/* SPDX-License-Identifier: Apache-2.0
 * sandbox_events.h - the catalogue of what the platform tells by webhook, and the call that makes it happen here.
 *
 * A row is a field of docs/platform.md §6.3 with the names of its events and the value they come with. The catalogue knows
 * nothing of state; sandbox_events.c does to the imitation what an event says, so that whoever asks is told the same. */
#ifndef WL_SANDBOX_EVENTS_H
#define WL_SANDBOX_EVENTS_H

#include "sandbox/sandbox_call.h"

struct sbx_event {
    const char *field, *names; /* rows of a field stand together; names are separated by blanks */
    const char *value;         /* JSON with ' for ", and $words that are filled in */
    const char *beside;        /* members of the change next to `value`; NULL: none */
};
extern const struct sbx_event sbx_events[];
extern const size_t sbx_n_events;

/* sandbox_events.c; [lock] */
void sbx_event_post(struct call *c);
void sbx_event_get(struct call *c); /* the catalogue */

/* sandbox_effects.c: does to the state what the change says. [lock] */
void sbx_event_effect(struct sandbox *sb, struct str field, struct json value, int64_t at_ms);
/* The template, its language written with '_' or '-'; or NULL. */
struct sbx_template *sbx_event_template(const struct sandbox *sb, struct str name, struct str language);
/* The number an event's value names, or NULL. */
struct sbx_number *sbx_event_number(struct sandbox *sb, struct json value);

#endif
