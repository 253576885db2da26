/* SPDX-License-Identifier: Apache-2.0
 * err.h - how every function below the faces reports failure.
 *
 * A function returns 0, or one of the negative WL_E* codes, and leaves one sentence for a person in the
 * `struct err` passed as its last parameter (NULL when the caller does not care). Codes say what a program
 * can do about it; the sentence says what a person can. HTTP statuses and Graph codes do not appear here:
 * they exist only in the *_api.c faces. */
#ifndef WL_BASE_ERR_H
#define WL_BASE_ERR_H

#include <stddef.h>

enum wl_result {
    WL_OK = 0,
    WL_ENOMEM = -1,    /* memory or an arena's maximum ran out */
    WL_EINVAL = -2,    /* the input is wrong; the sentence names the field or line */
    WL_ETOOBIG = -3,   /* the input is larger than its stated limit */
    WL_ENOTFOUND = -4, /* the thing asked for does not exist */
    WL_ECONFLICT = -5, /* somebody else changed it first, or it exists already */
    WL_EIO = -6,       /* disk, database or network failed */
    WL_EBUSY = -7,     /* a bounded queue is full: try again later */
    WL_EDENIED = -8,   /* credentials or signature do not match */
    WL_EBUG = -9,      /* a belief of ours was wrong; counted and logged by the caller */
    WL_ECORRUPT = -10  /* what is stored is not what was stored */
};

#define ERR_TEXT_MAX 400

struct err {
    int code;                /* the WL_E* last set, 0 when none */
    char text[ERR_TEXT_MAX]; /* one sentence, NUL-terminated, truncated to fit; never a secret or a number */
};

/* Records `code` and the formatted sentence in e (when e is not NULL) and returns `code`, so that a failure
 * is one statement: return err_set(e, WL_EINVAL, "line %d: ...", n); */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the sentence already in e; returns e's code. For adding the file or field. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The code's name in words ("invalid input"), never NULL. */
const char *err_name(int code);

#endif
