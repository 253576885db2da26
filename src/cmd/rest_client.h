/* SPDX-License-Identifier: Apache-2.0
 * rest_client.h - the command line's one way to a running gateway.
 *
 * Every subcommand that reads or changes something is a client of the REST API under /wayleave/v1 and has no other
 * way in. This file finds the gateway and its key, makes the call, and turns whatever goes wrong into a sentence
 * with a next step and an exit status. It never repeats a call by itself, except one the gateway said it did not
 * take (503). */
#ifndef WL_CMD_REST_CLIENT_H
#define WL_CMD_REST_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmd/command.h"

/* How a field of the API is called at the command line. */
struct rest_word {
    const char *field, *option; /* "not_before", "--at"; NULL ends a list */
};

struct rest {
    char url[512];      /* origin, no trailing slash */
    char key[512];      /* the admin key; wiped by rest_close() */
    char key_from[512]; /* the file or variable it came from, for messages */
    char ca_file[512];
    struct json_parser *parser;
    int64_t timeout_ms;
    bool still; /* that nobody answers is not said: it was */
    bool once;  /* the next calls must not happen twice: a lost answer is a failure, not "try again" */
    /* The command's own words: a mistake in one of these fields is one of its options (CMD_USAGE), and is told so. */
    const struct rest_word *words;
    const char
        *names; /* the next step when something of that name is not known (404): what lists the names; NULL: none */
    bool waits; /* who does not answer is asked again by the command itself */
    const char *about; /* stands before what goes wrong: which of several it is; NULL: nothing */
    int status;        /* of the last call; 0: no answer */
};

/* Finds URL and key by the options, the environment and the configuration, in that order. CMD_OK, or an exit status
 * after having said why. rest_close() it in either case. */
int rest_open(struct rest *r, const struct args *a);
void rest_close(struct rest *r);

/* One call; `path` begins after /wayleave/v1, body {NULL,0} for GET. CMD_OK when an answer in JSON came, whatever its
 * status (r->status, *ret valid until the next call); else an exit status after having said why. */
int rest_call(struct rest *r, const char *method, const char *path, struct str body, struct json *ret);
/* What an answer's status means for the person: CMD_OK below 300, else says the error's sentence with a next step and
 * returns the exit status. */
int rest_check(const struct rest *r, struct json answer);

/* Appends the bytes percent-encoded as one path segment. */
void rest_segment(struct buf *out, struct str s);
/* GET prefix + encoded `who` + rest_check(): what the show commands do. */
int rest_get(struct rest *r, const char *prefix, const char *who, struct json *ret);
/* Prints the answer as --json does: compact, one line. */
int rest_print(struct json answer);
/* Each element of the list as a line of JSON. */
int rest_print_rows(struct json list);

#endif
