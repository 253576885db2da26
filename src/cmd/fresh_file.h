/* SPDX-License-Identifier: Apache-2.0
 * fresh_file.h - a file that is there when it is complete, or not at all.
 *
 * It is written without a name, readable by its owner only, and takes its name when fresh_file_publish() succeeds;
 * whoever reads the old one goes on reading it. Two commands that write the same name do not meet: the last one to
 * end has it. Whatever ends the command before, nothing stays behind. Where the file system knows no files without
 * name it is NAME.XXXXXX.part until then, which a killed command leaves. */
#ifndef WL_CMD_FRESH_FILE_H
#define WL_CMD_FRESH_FILE_H

#include "base/err.h"

struct fresh_file {
    int fd; /* -1: none */
    char *path, *part;
};

/* WL_EIO, WL_ENOMEM. */
int fresh_file_open(const char *path, struct fresh_file *ret, struct err *e);
/* On the disk, and under its name. fresh_file_drop() is still called. WL_EIO. */
int fresh_file_publish(struct fresh_file *f, struct err *e);
void fresh_file_drop(struct fresh_file *f);

#endif
