/* SPDX-License-Identifier: Apache-2.0
 * readers.h - a few threads that answer what only reads, so that no question stands in the way of a message.
 *
 * They take the same jobs as the writer, one at a time, each with a read-only handle and a reading transaction of its own.
 * A commit precedes its acknowledgement, and a transaction begins after its job was handed over: so a job sees whatever
 * was acknowledged before it was asked. It may see a little more, what is committed and on its way to the disk. */
#ifndef WL_GATEWAY_READERS_H
#define WL_GATEWAY_READERS_H

#include "gateway/writer.h"

struct readers;

int readers_start(struct readers **ret, struct writer *w, const char *store_url, struct err *e);
void readers_stop(struct readers *r); /* runs what is queued, then stops and frees; accepts NULL */
/* Any thread. type->run() gets n = 1 and must not write; then type->done(), on the same thread. WL_EBUSY when the line is
 * full, WL_EIO after the disk has failed: what is committed then is perhaps not kept. */
int readers_submit(struct readers *r, struct job *job, struct err *e);

#endif
