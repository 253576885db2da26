/* SPDX-License-Identifier: Apache-2.0
 * fuzz_similar.c - any bytes, parted at the first NUL into two texts, folded, compared and aligned.
 *
 * What must hold: a text is wholly similar to itself or has nothing to compare; similarity is the same both ways round and
 * 0 to 1000; texts that fold to the same have one hash and one signature; what is folded is UTF-8; spans are slices of
 * the two texts, in order, of words common, gone or new. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/similar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_spans(struct str before, struct str now, struct arena *a)
{
    struct span *s;
    size_t n;
    const char *at_before = before.p, *at_now = now.p;
    must(similar_spans(before, now, a, &s, &n, NULL) == 0);
    must(n <= SPANS_MAX);
    for (size_t i = 0; i < n; i++) {
        const char **at = s[i].kind == SPAN_BEFORE ? &at_before : &at_now;
        must(s[i].text.n > 0 && s[i].text.p >= *at);
        must(i == 0 || s[i].kind != s[i - 1].kind);
        *at = s[i].text.p + s[i].text.n;
    }
    must(at_before <= before.p + before.n && at_now <= now.p + now.n);
}

/* Fixed texts are never more alike than texts, and less only when what differs is masked. */
static void check_fixed(const struct signature *x, const struct signature *y)
{
    int alike = similar_permille(x, y), fixed = similar_fixed(x, y, SIMILAR_SAME);
    must(alike >= 0 && alike <= 1000 && alike == similar_permille(y, x));
    must(fixed <= alike && (fixed == alike || (fixed == SIMILAR_SAME - 1 && x->masked != y->masked)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (arena == NULL)
        arena = arena_create(1 << 20);
    const char *p = (const char *)data, *cut = size > 0 ? memchr(p, 0, size) : NULL;
    struct str a = {p, cut ? (size_t)(cut - p) : size / 2};
    struct str b = {p + a.n, size - a.n};
    struct signature x, y;
    similar_signature(a, &x);
    similar_signature(b, &y);
    must(similar_permille(&x, &x) == (x.grams > 0 ? 1000 : 0));
    check_fixed(&x, &y);
    struct buf fa, fb;
    buf_init(&fa, SIMILAR_TEXT_MAX * 64);
    buf_init(&fb, SIMILAR_TEXT_MAX * 64);
    similar_normalise(a, &fa);
    similar_normalise(b, &fb);
    must(!fa.failed && !fb.failed && (fa.len > 0 || x.grams == 0));
    must(x.grams > 0 || fa.len == 0 || x.masked != 0);
    bool same = str_eq(buf_str(&fa), buf_str(&fb));
    must(same == (similar_hash(a) == similar_hash(b)));
    must(!same || memcmp(x.min, y.min, sizeof x.min) == 0);
    check_spans(a, b, arena);
    arena_reset(arena);
    buf_done(&fa);
    buf_done(&fb);
    return 0;
}
