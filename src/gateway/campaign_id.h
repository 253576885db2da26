/* SPDX-License-Identifier: Apache-2.0
 * campaign_id.h - how a campaign's id is written: "k" and what store_id_text() makes of it, "k0dwt9b3c5e0g00".
 *
 * A letter of its own, so that nobody takes it for a message's ("m"). Everything that is shown or asked for over our API uses it. */
#ifndef WL_GATEWAY_CAMPAIGN_ID_H
#define WL_GATEWAY_CAMPAIGN_ID_H

#include <string.h>

#include "store/store.h"

/* out holds STORE_ID_TEXT bytes; returns out. */
static inline char *campaign_id_text(int64_t id, char *out)
{
    store_id_text(0, id, out);
    out[0] = 'k';
    return out;
}

static inline bool campaign_id_parse(struct str text, int64_t *ret)
{
    char as_stored[STORE_ID_TEXT];
    int bucket;
    int64_t id;
    if (text.n < 2 || text.n >= sizeof as_stored || text.p[0] != 'k')
        return false;
    memcpy(as_stored, text.p, text.n);
    as_stored[0] = 'm';
    if (store_id_parse((struct str){as_stored, text.n}, &bucket, &id) != 0 || bucket != 0)
        return false;
    *ret = id;
    return true;
}

#endif
