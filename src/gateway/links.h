/* SPDX-License-Identifier: Apache-2.0
 * links.h - addresses inside Meta's answers, rewritten so that clients come back through us.
 *
 * Two kinds: paging.next/previous, which some clients follow as given, become our origin with path and query kept; media
 * `url`s, which some clients fetch only from the origin they were told, become /wayleave/media/<address>.<signature>.
 * Only the bytes inside the string change; the rest of the answer stays as Meta wrote it (docs/platform.md §7.3). */
#ifndef WL_GATEWAY_LINKS_H
#define WL_GATEWAY_LINKS_H

#include "base/buf.h"
#include "base/json.h"

#define MEDIA_LINK_PREFIX "/wayleave/media/"

struct link_rewrite {
    struct str upstream;     /* "https://graph.facebook.com" */
    struct str ours;         /* "http://127.0.0.1:8080" */
    const uint8_t *link_key; /* 32 bytes: signs media addresses */
};

/* Copies the JSON text to out with its links rewritten; true when something changed. `root` is the text, parsed. */
bool links_rewrite(const struct link_rewrite *r, struct json root, struct str text, struct buf *out);

/* The signed address behind a media path ("<base64url>.<hex>"), or false when it was not signed by us. */
bool links_open(const uint8_t link_key[32], struct str token, struct buf *ret_url);

/* Hosts that media may be fetched from: Meta's, and the upstream itself. */
bool links_media_host(struct str url, struct str upstream);

#endif
