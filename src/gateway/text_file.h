/* SPDX-License-Identifier: Apache-2.0
 * text_file.h - reads a small file of the configuration whole.
 *
 * For files that people write; a database or a log is read otherwise. */
#ifndef WL_GATEWAY_TEXT_FILE_H
#define WL_GATEWAY_TEXT_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the file's bytes; out has the maximum. WL_ENOTFOUND, WL_EIO, WL_ETOOBIG name the path. */
int text_file_read(const char *path, struct buf *out, struct err *e);

#endif
