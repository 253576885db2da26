/* SPDX-License-Identifier: Apache-2.0
 * arena.h - memory with the life of one request, one file or one batch.
 *
 * Everything a handler needs comes from its arena and is freed with it; nothing in a handler is freed by
 * hand. An arena is born with a maximum: allocating past it (or past the machine) returns NULL, and the
 * caller answers WL_ENOMEM or WL_ETOOBIG. Not thread-safe: one arena belongs to one thread at a time. */
#ifndef WL_BASE_ARENA_H
#define WL_BASE_ARENA_H

#include <stddef.h>
#include <stdarg.h>

struct arena;

/* A new arena that will hand out at most max_bytes. NULL when memory runs out. arena_free() it. */
struct arena *arena_create(size_t max_bytes);
void arena_free(struct arena *a); /* accepts NULL */

/* Forgets everything handed out but keeps the first block for reuse. */
void arena_reset(struct arena *a);

/* Zeroed memory aligned for any type; NULL past the maximum. */
void *arena_alloc(struct arena *a, size_t bytes);
void *arena_array(struct arena *a, size_t count, size_t each); /* NULL on multiplication overflow too */

/* Copies with a NUL added; NULL past the maximum. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
void *arena_memdup(struct arena *a, const void *p, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

size_t arena_used(const struct arena *a);

#define arena_new(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_array(a, type, n) ((type *)arena_array((a), (n), sizeof(type)))

#endif
