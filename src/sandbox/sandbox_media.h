/* SPDX-License-Identifier: Apache-2.0
 * sandbox_media.h - uploaded files, and their way in and out without ever being held whole in memory.
 *
 * An upload is spooled to an unlinked temporary file while it arrives. Small ones are then kept in memory, large ones
 * stay in their file. Either disappears with the process. */
#ifndef WL_SANDBOX_MEDIA_H
#define WL_SANDBOX_MEDIA_H

#include <stdatomic.h>

#include "base/digest.h"
#include "sandbox/sandbox_call.h"

struct sbx_media {
    struct sbx_media *next;
    char id[24];
    int refs; /* the store's, and one for each download under way */
    bool listed;
    char number_id[24], mime[128], sha256[SHA256_HEX];
    int64_t at_ms;
    size_t size;
    char *bytes;   /* small: the content; else NULL and */
    int fd;        /* the file, */
    off_t file_at; /* where the content begins in it */
};

/* A body on its way in, or a file on its way out. */
struct sbx_transfer {
    struct sbx_transfer *next;
    struct sandbox *sb;
    struct http_pipe *pipe;
    bool queued, running, again, upload;
    /* in */
    struct http_req *rq;
    atomic_bool claimed; /* whoever sets it answers the request */
    int fd;
    size_t size;
    bool failed;      /* the temporary file could not be written */
    const char *map;  /* the file, while the call is handled */
    struct form form; /* fields in order, long values left out */
    const struct form_field *file;
    size_t file_at, file_size;
    char sha256[SHA256_HEX];
    /* out */
    struct sbx_media *media;
    size_t sent;
};

void sbx_media_unref(struct sandbox *sb, struct sbx_media *m); /* [lock] */
/* [lock] Sends the file through a new pipe, which the caller owns a reference of. */
struct http_pipe *sbx_transfer_send(struct sandbox *sb, struct sbx_media *m);
/* Reads the multipart body at t->map; leaves form, file, file_at and file_size. */
int sbx_multipart_read(struct sbx_transfer *t, struct arena *a, struct str content_type, struct err *e);

#endif
