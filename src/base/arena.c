/* SPDX-License-Identifier: Apache-2.0
 * arena.c - blocks of memory handed out from front to back and freed together.
 *
 * A chain of blocks, the newest first; the first block ever made stays for reuse after a reset. Blocks double
 * from 4 KiB to 256 KiB; a request larger than a quarter of that gets a block of its own, so that the open
 * block is not wasted. Every piece is rounded to 16 bytes and counted rounded, so that even endless empty
 * requests meet the maximum. Memory is zeroed when handed out, not when freed. Under AddressSanitizer unused
 * bytes are poisoned and a gap follows each piece, so running over its end is caught as with malloc. It
 * refuses to free one piece alone and to serve two threads. */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>

#define GAP 16
#else
#define GAP                               0
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN       ((size_t)16)
#define FIRST_BLOCK ((size_t)4096)
#define LARGE_BLOCK ((size_t)256 << 10)

struct block {
    struct block *next;
    size_t size, used; /* bytes behind this header */
    max_align_t bytes[];
};

struct arena {
    struct block *open;  /* where pieces come from; the rest of the chain hangs behind it */
    struct block *first; /* survives a reset; NULL before the first piece */
    size_t max, used, grow;
};

_Static_assert(_Alignof(max_align_t) <= ALIGN && sizeof(struct block) % ALIGN == 0, "pieces must come out aligned");

struct arena *arena_create(size_t max_bytes)
{
    struct arena *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->max = max_bytes > SIZE_MAX / 2 ? SIZE_MAX / 2 : (max_bytes + ALIGN - 1) & ~(ALIGN - 1);
    a->grow = FIRST_BLOCK;
    return a;
}

static void block_free(struct block *b)
{
    ASAN_UNPOISON_MEMORY_REGION(b->bytes, b->size);
    free(b);
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    for (struct block *b = a->open, *next; b != NULL; b = next) {
        next = b->next;
        block_free(b);
    }
    free(a);
}

void arena_reset(struct arena *a)
{
    for (struct block *b = a->open, *next; b != NULL; b = next) {
        next = b->next;
        if (b != a->first)
            block_free(b);
    }
    a->open = a->first;
    a->used = 0;
    a->grow = FIRST_BLOCK;
    if (a->first != NULL) {
        a->first->next = NULL;
        a->first->used = 0;
        ASAN_POISON_MEMORY_REGION(a->first->bytes, a->first->size);
    }
}

static struct block *block_create(size_t size)
{
    struct block *b = malloc(sizeof *b + size);
    if (b == NULL)
        return NULL;
    b->next = NULL;
    b->size = size;
    b->used = 0;
    ASAN_POISON_MEMORY_REGION(b->bytes, b->size);
    return b;
}

/* A block with room for need bytes: the open one, or a new one put into the chain. */
static struct block *block_for(struct arena *a, size_t need)
{
    if (a->open != NULL && a->open->size - a->open->used >= need)
        return a->open;
    bool own = a->open != NULL && need > a->grow / 4;
    size_t size = own || need > a->grow ? need : a->grow;
    struct block *b = block_create(size);
    if (b == NULL)
        return NULL;
    if (own) {
        b->next = a->open->next;
        a->open->next = b;
        return b;
    }
    if (a->grow < LARGE_BLOCK)
        a->grow *= 2;
    b->next = a->open;
    a->open = b;
    if (a->first == NULL)
        a->first = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    if (bytes > a->max || failpoint_fails(arena_full))
        return NULL;
    size_t need = (bytes + (bytes == 0) + ALIGN - 1) & ~(ALIGN - 1);
    if (need > a->max - a->used)
        return NULL;
    struct block *b = block_for(a, need + GAP);
    if (b == NULL)
        return NULL;
    void *p = (char *)b->bytes + b->used;
    b->used += need + GAP;
    a->used += need;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    memset(p, 0, bytes);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes))
        return NULL;
    return arena_alloc(a, bytes);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    if (len >= a->max)
        return NULL;
    char *p = arena_alloc(a, len + 1);
    if (p != NULL && len > 0)
        memcpy(p, s, len);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

void *arena_memdup(struct arena *a, const void *p, size_t len)
{
    void *q = arena_alloc(a, len);
    if (q != NULL && len > 0)
        memcpy(q, p, len);
    return q;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
