/* SPDX-License-Identifier: Apache-2.0
 * business.c - who we are: the configuration's word, else Meta's.
 *
 * Meta's is a legal name at times; people may know the business by another. Therefore the key. */
#include "gateway/business.h"

#include "gateway/gateway_impl.h"

struct str business_name(const struct gateway *g, int64_t sender, struct arena *a)
{
    const char *found = "";
    const struct sender *all;
    if (g->o.business != NULL)
        return str_of(g->o.business);
    struct snapshot *snap = snapshot_borrow(g->snapshots);
    size_t n = snapshot_senders(snap, &all);
    for (size_t i = 0; i < n && found[0] == '\0'; i++)
        if (sender == 0 || all[i].id == sender)
            found = all[i].verified_name;
    struct str name = str_of(arena_strdup(a, found));
    snapshot_return(snap);
    return name.p != NULL ? name : STR("");
}
