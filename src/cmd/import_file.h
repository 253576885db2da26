/* SPDX-License-Identifier: Apache-2.0
 * import_file.h - a file that is imported: read once for its digest, which goes into the evidence, and once for its rows; and
 * the file that what failed is written to. */
#ifndef WL_CMD_IMPORT_FILE_H
#define WL_CMD_IMPORT_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "base/digest.h"

struct import_file {
    const char *name; /* as shown and recorded: without its folder */
    FILE *in;         /* at its beginning */
    int64_t bytes;
    char sha256[SHA256_HEX];
};

/* "-" is standard input. An exit status, after having said why. */
int import_file_open(const char *path, struct import_file *ret);
void import_file_close(struct import_file *f);
/* Opened without truncating first, so that naming the file that is read destroys nothing. */
int import_errors_open(const struct import_file *f, const char *path, FILE **ret);

#endif
