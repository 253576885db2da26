/* SPDX-License-Identifier: Apache-2.0
 * zip.h - writes a ZIP archive of small files, as they are: nothing is compressed.
 *
 * What is in one is hashes and text that people keep for years; any program opens it. */
#ifndef WL_CMD_ZIP_H
#define WL_CMD_ZIP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct zip;

/* A new file, readable by its owner only. WL_ECONFLICT: there is one. */
int zip_open(struct zip **ret, const char *path, int64_t at, struct err *e);
/* `name` with '/' between folders. WL_ETOOBIG past 65,535 files or 2 GiB. */
int zip_put(struct zip *z, const char *name, struct str bytes, struct err *e);
/* Writes the directory and closes the file; it is on the disk then. z is gone in any case. */
int zip_close(struct zip *z, struct err *e);
/* Closes and removes it. Accepts NULL. */
void zip_drop(struct zip *z);

#endif
