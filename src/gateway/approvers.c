/* SPDX-License-Identifier: Apache-2.0
 * approvers.c - finds an approver by a key, or by a name.
 *
 * A key is compared with every approver's whether one has fitted or not: the time it takes tells nothing of whose it nearly was. */
#include "gateway/approvers.h"

#include "base/digest.h"

const struct approver_option *approver_by_key(const struct gateway *g, struct str key)
{
    const struct approver_option *found = NULL;
    for (size_t i = 0; i < g->o.n_approvers; i++) {
        struct str want = str_of(g->o.approvers[i].key);
        if (want.n > 0 && want.n == key.n && digest_equal(want.p, key.p, key.n))
            found = &g->o.approvers[i];
    }
    return found;
}

bool approver_is(const struct gateway *g, struct str name)
{
    for (size_t i = 0; i < g->o.n_approvers; i++)
        if (str_ieq(str_of(g->o.approvers[i].name), name))
            return true;
    return false;
}
