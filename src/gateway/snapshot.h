/* SPDX-License-Identifier: Apache-2.0
 * snapshot.h - the numbers, accounts and templates as last known: immutable, shared, swapped by pointer.
 *
 * With them the signatures of fixed texts of marketing templates, also of those that are gone, so that a message can be
 * compared with what a person got earlier.
 *
 * Built from the store by the poller thread after anything changed, read by every HTTP thread. A reader borrows the
 * current one and gives it back; the old one goes when its last reader has gone. */
#ifndef WL_GATEWAY_SNAPSHOT_H
#define WL_GATEWAY_SNAPSHOT_H

#include "core/event.h"
#include "core/similar.h"
#include "store/accounts.h"
#include "store/senders.h"

struct snapshot;
struct snapshots; /* the place that holds the current one */

struct known_template {
    int64_t waba;
    struct str name, language;
    enum template_status status;
    enum category category;
    int quality;                      /* position in facts.def's template.quality words; -1: Meta said nothing */
    int64_t status_at;                /* when it got its status; 0 not known */
    uint32_t skeleton;                /* number of its fixed text; 0: not marketing, or no text */
    uint32_t fixed;                   /* characters of it that are no placeholder */
    const struct template_spec *spec; /* NULL: never listed, so its parameters cannot be checked */
};

struct snapshots *snapshots_create(void);
void snapshots_free(struct snapshots *all); /* accepts NULL */

/* Reads the store and puts the result in place. */
int snapshots_rebuild(struct snapshots *all, struct store *s, struct err *e);

struct snapshot *snapshot_borrow(struct snapshots *all);
void snapshot_return(struct snapshot *s);

/* NULL when unknown. Valid while the snapshot is borrowed. */
const struct sender *snapshot_sender(const struct snapshot *s, int64_t id);
const struct known_template *snapshot_template(const struct snapshot *s, int64_t waba, struct str name,
                                               struct str language);
/* Gives events that name a number of ours only as Meta shows it its id, so that one who asks for the number gets them. */
void snapshot_number_events(struct snapshots *all, struct event *ev, size_t n); /* all NULL: leaves them */
size_t snapshot_senders(const struct snapshot *s, const struct sender **ret);
const struct account *snapshot_account(const struct snapshot *s, int64_t waba);
const struct signature *snapshot_signature(const struct snapshot *s, uint32_t skeleton);

#endif
