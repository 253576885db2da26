/* SPDX-License-Identifier: Apache-2.0
 * audience_file.h - an audience as a SQLite file: what segments are answered over, for other tools to look at.
 *
 * A copy, made when somebody asks for it, and never read by the gateway. segment_sql() (core/segment.h) gives a SELECT for it that names
 * the same people as the segment itself; tests hold both against each other.
 *
 *     audience(id, created, country, line, network, language, zone, name, activity, consent_marketing, consent_utility,
 *              consent_authentication, consent_calls, platform_stop, undeliverable, named, score, last_sent, last_delivered, last_read,
 *              last_replied, last_clicked)    times in seconds, NULL never; score in thousandths; flags 0 and 1; words NULL where there is none
 *     audience_tag(id, tag)    audience_import(id, import)    audience_list(id, name)    audience_campaign(id, mark), "k0d...:read"
 *     audience_attribute(id, name, value, number, time)    number in millionths and time in seconds, NULL where the value is none */
#ifndef WL_STORE_AUDIENCE_FILE_H
#define WL_STORE_AUDIENCE_FILE_H

#include "core/audience.h"

/* WL_ECONFLICT: there is such a file already. What could not be finished is taken away. It has people's names in it: the file can
 * be read by its owner only. */
int audience_file_write(const char *path, const struct audience *a, struct err *e);

/* Runs a SELECT whose first column is an id, such as segment_sql()'s, on a file as above. */
struct audience_file;
int audience_file_open(struct audience_file **ret, const char *path, struct err *e);
void audience_file_free(struct audience_file *f); /* accepts NULL */
int audience_file_ids(struct audience_file *f, const char *sql, int (*each)(void *ctx, int64_t id, struct err *e),
                      void *ctx, struct err *e);

#endif
