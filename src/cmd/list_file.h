/* SPDX-License-Identifier: Apache-2.0
 * list_file.h - sorted lists of numbers (core/number_list.h) read from files and written to them.
 *
 * Reading is a window of blocks at a time, and leaves out blocks that nobody wants. Writing goes to a file
 * that takes its name when all is there (fresh_file.h); or into the middle of a file of the caller's, as the runs of
 * a sort. */
#ifndef WL_CMD_LIST_FILE_H
#define WL_CMD_LIST_FILE_H

#include <stdbool.h>

#include "core/number_algebra.h"
#include "core/number_list.h"

struct list_file;

/* Whether the open file begins as a list does; nothing is taken from it. False too for what is no file: a pipe. */
bool list_file_is(int fd);
/* Takes the open file over, whatever comes of it; path is what it is called. WL_EIO, WL_ECORRUPT, WL_EINVAL (a version
 * unknown). */
int list_file_open(const char *path, int fd, struct list_file **ret, struct err *e);
/* A list that lies in an open file from byte `base` on. The file stays the caller's. */
int list_file_within(int fd, uint64_t base, uint64_t size, struct list_file **ret, struct err *e);
void list_file_close(struct list_file *f); /* accepts NULL */

const struct number_list_head *list_file_head(const struct list_file *f);
uint64_t list_file_bytes(const struct list_file *f);
/* Its numbers, from the beginning. One source at a time. */
struct number_source list_file_source(struct list_file *f);
/* Blocks for which this says no are left out: number_filter_may(). */
void list_file_only(struct list_file *f, bool (*may)(const void *ctx, uint64_t first, uint64_t last), const void *ctx);
/* Numbers gone past, skipped ones included. */
uint64_t list_file_done(const struct list_file *f);

struct list_writer;

int list_writer_open(const char *path, struct list_writer **ret, struct err *e);
int list_writer_within(int fd, uint64_t base, struct list_writer **ret, struct err *e);
/* Numbers that rise, from span to span too. WL_EINVAL: one that does not, or is none; WL_EIO. */
int list_writer_put(struct list_writer *w, struct number_span s, struct err *e);
/* Complete. *ret_size (may be NULL): bytes of the list. w is gone in any case; on an error so is what was written. */
int list_writer_close(struct list_writer *w, uint64_t *ret_size, struct err *e);
void list_writer_drop(struct list_writer *w); /* accepts NULL */

#endif
