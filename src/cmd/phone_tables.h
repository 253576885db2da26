/* SPDX-License-Identifier: Apache-2.0
 * phone_tables.h - the numbering plans a command reads numbers with.
 *
 * In this order: --phone-data FILE; phone.data of the configuration; phone.pnd of the program's data directory, when it is newer
 * than those built in; those built in. A file is read whole, once: replacing it changes nothing for a command that runs. */
#ifndef WL_CMD_PHONE_TABLES_H
#define WL_CMD_PHONE_TABLES_H

#include "cmd/command.h"
#include "core/phone_data.h"

struct phone_tables {
    struct phone_data data;
    char *from;  /* the file; NULL: built in */
    void *bytes; /* of the file, owned */
};

/* CMD_OK, or an exit status after having said why. phone_tables_close() it. Says on standard error when they are old. */
int phone_tables_open(const struct args *a, struct phone_tables *ret);
/* This file, or those built in where path is NULL. */
int phone_tables_read(const char *path, struct phone_tables *ret, struct err *e);
/* This file, or where path is NULL those a program without wishes reads: the newer of phone.pnd of the data directory and those built in. */
int phone_tables_choose(const char *path, struct phone_tables *ret, struct err *e);
void phone_tables_close(struct phone_tables *t);

/* Of the rows in commands_phone.def. */
extern const struct option phone_show_options[], phone_compile_options[], phone_diff_options[];

/* --region of a command: the row a number without country code belongs to, 0 when not given. An exit status as above. */
int phone_tables_region(const struct args *a, const struct phone_tables *t, int *ret);

#endif
