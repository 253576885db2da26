/* SPDX-License-Identifier: Apache-2.0
 * buf.h - growable bytes, born with a maximum; and `struct str`, bytes borrowed from elsewhere.
 *
 * Growing past the maximum sets a sticky failure instead of reallocating: a writer may put many pieces and
 * look at buf_failed() once at the end. The data is always NUL-terminated and followed by BUF_PADDING
 * readable bytes, so it can be handed to C string functions and to the JSON parser without a copy. */
#ifndef WL_BASE_BUF_H
#define WL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BUF_PADDING 64 /* readable bytes kept after the data; simdjson asks for 32 */

/* Borrowed bytes; not NUL-terminated unless the giver says so. {NULL, 0} means absent. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_INIT(literal)                                                                                              \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    } /* the same, for tables with static storage */
static inline struct str str_of(const char *z)
{
    return z ? (struct str){z, strlen(z)} : (struct str){NULL, 0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
bool str_ieq(struct str a, struct str b); /* ASCII case ignored */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);             /* ASCII white space off both ends */
struct str str_clip(struct str s, size_t max); /* its first max bytes at most, never cut inside a character of UTF-8 */
/* The part before the first `sep`; *rest becomes what follows ({NULL,0} when there was no sep). */
struct str str_cut(struct str s, char sep, struct str *rest);
/* Decimal with optional '-', whole string, no spaces; false when it is not a 64-bit integer. */
bool str_i64(struct str s, int64_t *ret);

struct buf {
    char *data; /* owned; NULL while nothing was put */
    size_t len, cap, max;
    bool failed; /* sticky: the maximum or memory was exceeded, later puts do nothing */
};

/* An empty buffer that will never hold more than max bytes. buf_done() it. */
void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* len = 0, failure forgotten, memory kept */

/* Each returns false (and sets failed) when the maximum would be passed; the content is then unchanged. */
bool buf_put(struct buf *b, const void *p, size_t n);
bool buf_puts(struct buf *b, const char *z);
bool buf_putstr(struct buf *b, struct str s);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_reserve(struct buf *b, size_t more);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->data ? b->data : "", b->len};
}
const char *buf_cstr(const struct buf *b); /* NUL-terminated, "" when empty; borrowed */
char *buf_take(struct buf *b); /* hands over the memory (free() it), NULL when it had failed; b becomes empty */

#endif
