/* SPDX-License-Identifier: Apache-2.0
 * sandbox_call.h - one Graph call: what was asked, and the answer being written.
 *
 * However the client sent its fields (JSON, urlencoded, multipart, query string), a handler finds them as one JSON
 * object in `params`. A handler writes its answer through `jo`, or calls one of the error functions, which throw
 * away what was written. A call lives in its request's arena; a part of a batch shares its parent's. */
#ifndef WL_SANDBOX_CALL_H
#define WL_SANDBOX_CALL_H

#include "net/form.h"
#include "sandbox/sandbox_state.h"

enum sbx_cut { SBX_CUT_NONE, SBX_CUT_LOST, SBX_CUT_DROP, SBX_CUT_HANG };

/* What a fault does to one call. All zero: nothing. */
struct sbx_fault {
    int code;   /* answer with this Graph error */
    int status; /* answer with this HTTP status */
    int fail;   /* accept, then fail by webhook with this code */
    int64_t delay_ms;
    enum sbx_cut cut;
};

enum sbx_object { SBX_ROOT, SBX_NUMBER, SBX_WABA, SBX_APP, SBX_MEDIA, SBX_TEMPLATE, SBX_WORD, SBX_UNKNOWN };

#define SBX_TRACE 24

struct call {
    struct sandbox *sb;
    struct http_req *rq; /* also set in parts: their headers are the parent's */
    struct arena *a;
    struct json_parser *jp;
    bool part;
    struct str method, path, query_text; /* path as sent */
    struct str version, rest;            /* "v23.0" or {NULL,0}; the path after it */
    int version_major;                   /* the one that answers */
    struct str seg[3];
    size_t n_seg;
    struct form query;
    struct str content_type, body;
    struct json params;
    bool body_is_text;
    struct str token;
    bool token_in_query;
    int64_t now_ms;
    struct sbx_transfer *upload; /* POST …/media that came as a stream */
    struct sbx_fault fault;
    enum sbx_object object;
    struct sbx_app *app; /* whose token it is */
    struct sbx_number *number;
    void *target; /* the media, template or app */

    struct sbx_handshake *handshake; /* to be made before the answer; set by sbx_handshake() */
    int status;
    bool is_error; /* the answer is an error: WWW-Authenticate is added */
    struct buf out;
    struct json_out jo;
    struct http_pipe *pipe; /* instead of out: bytes of pipe_length */
    int64_t pipe_length;
    const char *answer_type; /* NULL: JSON */
    char trace[SBX_TRACE];
    char error_text[240];
    struct call *next; /* hung calls */
};

/* sandbox_call.c */
/* Prepares a part of a batch: relative_url and an urlencoded or JSON body. On failure the part holds the error
 * answer and false is returned. sbx_call_done() either way. */
bool sbx_call_init_part(struct call *c, struct call *whole, struct str method, struct str url, struct str body);
void sbx_call_done(struct call *c);
/* Whole life of one request whose body is in; upload may be NULL. Any thread. */
void sbx_handle(struct sandbox *sb, struct http_req *rq, struct sbx_transfer *upload);
void sbx_finish(struct call *c); /* applies delay and cuts, then answers */
void sbx_reply(struct call *c);  /* answers now */
/* Answers a request that never became a call. */
void sbx_refuse(struct http_req *rq, int status, const char *why);
void sbx_release_hung(struct sandbox *sb); /* ends the hanging calls; without the lock */

/* A field of the params, else of the query, as text; {NULL,0} when absent. Numbers and booleans are given as text. */
struct str sbx_param(struct call *c, const char *name);
/* Whether `fields` asks for the name; everything is asked for when there is no `fields`. */
bool sbx_wants(struct call *c, const char *name);
bool sbx_wants_exactly(struct call *c, const char *name); /* only when named in `fields` */
struct str sbx_digits(struct call *c, struct str s);      /* only the digits; {NULL,0} when there are none */
const char *sbx_origin(struct call *c);                   /* "http://host:port" as the client sees us */
void sbx_success(struct call *c);                         /* {"success":true} */

/* sandbox_errors.c */
struct sbx_error {
    int http;
    const char *type;
    int code, subcode;
    const char *message, *details, *user_title, *user_msg;
    bool transient;
};
void sbx_error(struct call *c, const struct sbx_error *e);
/* A messaging error of the published list by its code, with details of its own or (NULL) the published ones. */
void sbx_fail(struct call *c, int code, const char *details, ...) __attribute__((format(printf, 3, 4)));
/* (#100) with this text as the message, as Graph's own parameter checks answer. */
void sbx_fail_param(struct call *c, const char *message, ...) __attribute__((format(printf, 2, 3)));
void sbx_fail_unsupported(struct call *c); /* no such object */
void sbx_fail_field(struct call *c);       /* the object has no such edge */
void sbx_fail_path(struct call *c, struct str rest);
void sbx_fail_status(struct call *c, int status); /* a scripted HTTP status */
const char *sbx_error_title(int code);
const char *sbx_error_details(int code);

/* sandbox_answers.c */
struct sbx_usage {
    char app[120], account[240];
};
/* The usage headers, one or two; their texts live in `to`. Any thread. */
size_t sbx_usage_headers(const struct sandbox *sb, struct sbx_usage *to, struct http_header h[2]);
bool sbx_readable(struct call *c);      /* [lock] false: a field was set unreadable, and the call is answered */
void sbx_token_answers(struct call *c); /* [lock] expires_at and scopes of a token */

/* sandbox_routes.c */
void sbx_dispatch(struct call *c);

/* sandbox_faults.c */
/* "code=131056, delay=200" into ret; WL_EINVAL naming the word. */
int sbx_fault_parse(struct str text, struct sbx_fault *ret, struct err *e);
int sbx_fault_pick(struct call *c, struct err *e);     /* header first, then the queue; WL_EINVAL: bad header */
int sbx_fault_add(struct call *c, struct err *e);      /* [lock] from an admin call's params */
void sbx_faults_write(struct call *c);                 /* [lock] */
void sbx_faults_clear(struct sandbox *sb);             /* [lock] */
const char *sbx_fault_name(const struct sbx_fault *f); /* static text for the ledger */

/* sandbox_handshake.c: asks the URL for hub.challenge once the handler has returned; then(c) is told whether the
 * answer was right, and writes the call's answer. */
void sbx_handshake(struct call *c, struct str url, struct str verify_token, void (*then)(struct call *c, bool ok));
void sbx_handshake_go(struct call *c);

#endif
