/* SPDX-License-Identifier: Apache-2.0
 * yaml.h - configuration and rule files: libyaml's events turned into a small tree with line numbers.
 *
 * YAML's guesses are switched off: every scalar is text until our own table of keys says what it is, so
 * "no" is never false and "1_000" never a number by accident. Anchors, aliases, tags, duplicate keys,
 * non-scalar keys and several documents in one file are refused. Errors name file, line and key; an unknown
 * key is answered with the nearest known one. */
#ifndef WL_BASE_YAML_H
#define WL_BASE_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define YAML_MAX_BYTES (4u << 20)
#define YAML_MAX_NODES 200000
#define YAML_MAX_DEPTH 32

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml {
    enum yaml_kind kind;
    int line;        /* 1-based */
    bool quoted;     /* scalar written in quotes or as a block: never null */
    struct str text; /* scalar text, NUL-terminated */
    struct str key;  /* when this node is a mapping's value: its key */
    int key_line;
    struct yaml *child, *next; /* first child; next sibling */
    int children;
    const char *file; /* the name given to yaml_parse, for messages */
};

/* Parses one document. `name` is used in messages and is kept (not copied). An empty document is an empty
 * mapping. Everything lives in the arena. */
int yaml_parse(struct arena *a, const char *name, struct str text, struct yaml **ret, struct err *e);
/* Reads the file (at most YAML_MAX_BYTES) and parses it. WL_ENOTFOUND when it does not exist. */
int yaml_parse_file(struct arena *a, const char *path, struct yaml **ret, struct err *e);

const struct yaml *yaml_get(const struct yaml *mapping, const char *key); /* NULL when absent or no mapping */

/* Every key of the mapping must be in the NULL-terminated list; else WL_EINVAL naming file, line, the key and
 * the nearest known key. `what` names the thing in the message ("rule", "sender"). */
int yaml_known_keys(const struct yaml *mapping, const char *const *known, const char *what, struct err *e);
/* The nearest word of a NULL-terminated list by edit distance, or NULL when none is near (> 1/2 differs). */
const char *nearest_word(struct str word, const char *const *list);

/* Typed readings of a scalar; WL_EINVAL with file, line and key. */
int yaml_i64(const struct yaml *n, int64_t min, int64_t max, int64_t *ret, struct err *e);
int yaml_bool(const struct yaml *n, bool *ret, struct err *e);      /* true/false only */
int yaml_str(const struct yaml *n, struct str *ret, struct err *e); /* must be a scalar */
/* "250ms", "30s", "5m", "24h", "7d" or a bare 0; result in milliseconds. */
int yaml_duration(const struct yaml *n, int64_t *ret_ms, struct err *e);
/* "2026-08-11" -> milliseconds since the epoch at 00:00 UTC. */
int yaml_date(const struct yaml *n, int64_t *ret_ms, struct err *e);
int yaml_error(const struct yaml *n, struct err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
