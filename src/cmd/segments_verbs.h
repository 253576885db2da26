/* SPDX-License-Identifier: Apache-2.0
 * segments_verbs.h - wayleave segments: its verbs, their options, and what they share.
 *
 * Which segment is meant is said by words and options in one place (segments_query.c); what is done with it is each verb's. Only for
 * src/cmd/segments*.c and the table of commands. */
#ifndef WL_CMD_SEGMENTS_VERBS_H
#define WL_CMD_SEGMENTS_VERBS_H

#include "cmd/command.h"
#include "cmd/rest_client.h"

int segments_list_run(const struct args *a); /* segments.c */
int segments_show_run(const struct args *a);
int segments_save_run(const struct args *a);
int segments_drop_run(const struct args *a);
int segments_count_run(const struct args *a); /* segments_ask.c */
int segments_explain_run(const struct args *a);
int segments_sql_run(const struct args *a);
int segments_sample_run(const struct args *a);
int segments_fields_run(const struct args *a);
int segments_values_run(const struct args *a);
int segments_model_run(const struct args *a);
int segments_export_run(const struct args *a); /* segments_export.c */

extern const struct option segments_list_options[], segments_show_options[], segments_save_options[],
    segments_query_options[], segments_sample_options[], segments_values_options[], segments_export_options[];

/* --- shared --- */
extern const struct rest_word segments_words[];
extern const char segments_names[]; /* the next step when a name is not known */

/* Tables are for people at a terminal; what a program reads is JSON, asked for or not. */
bool segments_as_json(const struct args *a);
/* The members `query`, or `segment` and `version`, as the words and options say them, into the open object. needed: false where a name
 * alone says something else (save NAME). An exit status, after having said why. */
int segments_put_question(const struct args *a, struct json_out *o);
int segments_put_query(const struct args *a, struct json_out *o);
/* Whether --query or --where was given. */
bool segments_has_query(const struct args *a);
/* `option` as a number into the open object under this key, where it is given. */
int segments_put_number(const struct args *a, struct json_out *o, const char *option, const char *key, int64_t most);
/* POST /segments/<verb>, and rest_check(). */
int segments_post(struct rest *r, const char *verb, const struct buf *body, struct json *ret);

#define SEGMENTS_WAIT_MS  600000 /* the first question after a while waits until everybody was read */
#define SEGMENTS_BODY_MAX (256u << 10)

#endif
