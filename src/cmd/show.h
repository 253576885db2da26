/* SPDX-License-Identifier: Apache-2.0
 * show.h - the gateway's answers laid out for a person.
 *
 * Each takes one answer of the REST API and writes it to standard output; with --json the answer itself is printed
 * and nothing here is used. A field that is absent is left out, never invented. */
#ifndef WL_CMD_SHOW_H
#define WL_CMD_SHOW_H

#include "base/json.h"
#include "cmd/term.h"

/* --- parts (show_parts.c) */
#define SHOW_LABEL 14
struct str show_text(struct json object, const char *key); /* "" when it is no text */
int64_t show_number(struct json object, const char *key);  /* 0 when it is none */
bool show_flag(struct json object, const char *key);
void show_label(int indent, const char *word);
void show_line(int indent, const char *word, struct str value); /* nothing of an empty value */
void show_time_line(int indent, const char *word, struct json v);

struct show_column {
    const char *title; /* NULL ends a table */
    const char *key;   /* "lag.bodies": of a member's member */
    int width;
    enum tone (*tone)(struct str cell); /* NULL: plain */
};
void show_table(struct json rows, const struct show_column *columns, const char *empty);

/* "2026-11-22T01:43:07.123Z" without what nobody reads: "2026-11-22 01:43:07Z"; one with an offset is told in UTC; other texts as they are. */
#define SHOW_TIME 40
struct str show_time(struct json v, char out[SHOW_TIME]);

void show_contact(struct json contact); /* GET /contacts/{who} */
/* Parts of it (show_activity.c): "activity"; attributes, tags, imports. */
void show_activity(struct json activity);
void show_said(struct json contact);
/* --- consent (show_consent.c) */
void show_consent(struct json answer);    /* GET /consent/{who}, POST /consent */
void show_wordings(struct json answer);   /* GET /wordings, GET /wordings/{sha256} */
void show_scopes(struct json consent);    /* "consent" */
void show_stop(struct json stop);         /* "platform_stop" */
void show_decision(struct json decision); /* decision_json of core/decide.h */
/* The same, and why rules were set aside: "decision" and "override" of GET /decisions/{id}. */
void show_decided(struct json decision, struct json override);
/* In the place of a decision that is null. */
void show_undecided(struct json message);
void show_message(struct json message);       /* "message" of GET /decisions/{id} */
void show_status(struct json status);         /* GET /status */
void show_message_list(struct json messages); /* "messages" of GET /messages */
void show_message_story(struct json message); /* GET /messages/{id} */
/* Parts of it: "state" with what it means and its code, "waiting". */
void show_message_state(struct json message);
void show_message_waiting(struct json message);

#endif
