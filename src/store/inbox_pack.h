/* SPDX-License-Identifier: Apache-2.0
 * inbox_pack.h - how webhook bodies lie in the inbox: packed, or as they came.
 *
 * Private to src/store. One packer belongs to one store handle, and so to one thread at a time. */
#ifndef WL_STORE_INBOX_PACK_H
#define WL_STORE_INBOX_PACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* The column `form`. Numbers are never given another meaning. */
enum body_form {
    BODY_AS_IT_CAME = 0,
    BODY_PACKED = 1 /* zstd with inbox.zdict */
};

struct body_packer;
void body_packer_free(struct body_packer *p); /* accepts NULL */

/* *p is made when it is needed. *ret is valid until the next call; a body that does not become smaller is left as it is.
 * WL_ETOOBIG above INBOX_BODY_MAX. */
int body_pack(struct body_packer **p, struct str body, struct str *ret, enum body_form *ret_form, struct err *e);
/* The body, in the arena. WL_EIO when it is damaged, in another form, or would have more than INBOX_BODY_MAX bytes. */
int body_unpack(struct body_packer **p, int form, struct str kept, struct arena *a, struct str *ret, struct err *e);

#endif
