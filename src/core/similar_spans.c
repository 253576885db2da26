/* SPDX-License-Identifier: Apache-2.0
 * similar_spans.c - which words two texts have in common, for people to see.
 *
 * A word is what stands between white space; where the script has no spaces, a letter with its marks. Words are equal
 * when they fold to the same (similar_impl.h), numbers and links not masked: the differing values are what somebody
 * wants to see. The shortest way from one list of words to the other is Myers' (An O(ND) difference algorithm, 1986) in its
 * form for linear space: find a middle run of common words, then do the same before and after it. */
#include "core/similar.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "core/similar_impl.h"

#define WORDS_MAX 2000
#define REACH     (WORDS_MAX + 2) /* the two searches meet at the latest after this many steps each */

struct word {
    uint64_t hash;
    struct str text;
};

struct diff {
    const struct word *a, *b;
    bool *gone, *come; /* of a, of b: not common */
    int *down, *up;    /* furthest x on each diagonal, from either end; the middle is diagonal 0 */
};

/* Words */

static void hash_chars(void *to, const uint32_t *p, size_t n)
{
    uint64_t *h = to;
    for (size_t i = 0; i < n; i++)
        *h = fold_mix(*h, p[i]);
}

static uint64_t word_hash(struct str s)
{
    uint64_t h = 1;
    fold_text(s, 0, hash_chars, &h);
    if (h == 1)
        fold_text(s, FOLD_SYMBOLS, hash_chars, &h);
    return h;
}

/* Where the word that begins at p[i] ends. */
static size_t word_end(struct str s, size_t i)
{
    bool first = true, spaceless = false;
    while (i < s.n && (unsigned char)s.p[i] > ' ') {
        int32_t next = (int32_t)i;
        UChar32 c;
        U8_NEXT_OR_FFFD((const uint8_t *)s.p, next, (int32_t)s.n, c);
        bool alone = fold_spaceless((uint32_t)c);
        bool mark = (U_MASK(u_charType(c)) & U_GC_M_MASK) != 0;
        if (!first && !mark && (spaceless || alone))
            break;
        spaceless = alone || (mark && spaceless);
        first = false;
        i = (size_t)next;
    }
    return i;
}

static size_t split(struct str s, struct word *ret)
{
    size_t n = 0;
    s.n = s.n < SIMILAR_TEXT_MAX ? s.n : SIMILAR_TEXT_MAX;
    for (size_t i = 0; i < s.n && n < WORDS_MAX;) {
        if ((unsigned char)s.p[i] <= ' ') {
            i++;
            continue;
        }
        size_t end = word_end(s, i);
        ret[n].text = (struct str){s.p + i, end - i};
        ret[n].hash = word_hash(ret[n].text);
        n++;
        i = end;
    }
    return n;
}

/* Myers */

struct snake {
    int x, y, u, v; /* common from (x, y) to (u, v) */
};

/* One step of the search from the beginning. True: it met the search from the end. */
static bool forward(const struct diff *d, int a0, int n, int b0, int m, int step, struct snake *ret)
{
    int delta = n - m;
    for (int k = -step; k <= step; k += 2) {
        int x = k == -step || (k != step && d->down[k - 1] < d->down[k + 1]) ? d->down[k + 1] : d->down[k - 1] + 1;
        int y = x - k, x0 = x, y0 = y;
        while (x < n && y < m && y >= 0 && d->a[a0 + x].hash == d->b[b0 + y].hash)
            x++, y++;
        d->down[k] = x;
        if (delta % 2 != 0 && k >= delta - (step - 1) && k <= delta + step - 1 && x >= n - d->up[delta - k]) {
            *ret = (struct snake){x0, y0, x, y};
            return true;
        }
    }
    return false;
}

/* The same from the end, where x and y count backwards. */
static bool backward(const struct diff *d, int a0, int n, int b0, int m, int step, struct snake *ret)
{
    int delta = n - m;
    for (int k = -step; k <= step; k += 2) {
        int x = k == -step || (k != step && d->up[k - 1] < d->up[k + 1]) ? d->up[k + 1] : d->up[k - 1] + 1;
        int y = x - k, x0 = x, y0 = y;
        while (x < n && y < m && y >= 0 && d->a[a0 + n - 1 - x].hash == d->b[b0 + m - 1 - y].hash)
            x++, y++;
        d->up[k] = x;
        if (delta % 2 == 0 && delta - k >= -step && delta - k <= step && x >= n - d->down[delta - k]) {
            *ret = (struct snake){n - x, m - y, n - x0, m - y0};
            return true;
        }
    }
    return false;
}

/* Marks what is not common of a[a0..a0+n) and b[b0..b0+m). Each level halves the differences: at most 12 deep. */
static void compare(const struct diff *d, int a0, int n, int b0, int m)
{
    while (n > 0 && m > 0 && d->a[a0].hash == d->b[b0].hash)
        a0++, b0++, n--, m--;
    while (n > 0 && m > 0 && d->a[a0 + n - 1].hash == d->b[b0 + m - 1].hash)
        n--, m--;
    if (n == 0 || m == 0) {
        for (int i = 0; i < n; i++)
            d->gone[a0 + i] = true;
        for (int i = 0; i < m; i++)
            d->come[b0 + i] = true;
        return;
    }
    struct snake s = {0};
    d->down[1] = d->up[1] = 0;
    for (int step = 0;; step++)
        if (forward(d, a0, n, b0, m, step, &s) || backward(d, a0, n, b0, m, step, &s))
            break;
    compare(d, a0, s.x, b0, s.y);
    compare(d, a0 + s.u, n - s.u, b0 + s.v, m - s.v);
}

/* Spans */

static struct str from_to(const struct word *w, size_t from, size_t to)
{
    const char *p = w[from].text.p;
    return (struct str){p, (size_t)(w[to - 1].text.p + w[to - 1].text.n - p)};
}

static size_t run(const bool *marked, size_t n, size_t i, bool is)
{
    while (i < n && marked[i] == is)
        i++;
    return i;
}

/* At most SPANS_MAX: when they run out, what is left is one change. */
static size_t build(const struct diff *d, size_t n, size_t m, struct span *ret)
{
    size_t i = 0, j = 0, got = 0;
    while (i < n || j < m) {
        bool last = got + 5 > SPANS_MAX;
        size_t to_i = last ? n : run(d->gone, n, i, true), to_j = last ? m : run(d->come, m, j, true);
        if (to_i > i)
            ret[got++] = (struct span){SPAN_BEFORE, from_to(d->a, i, to_i)};
        if (to_j > j)
            ret[got++] = (struct span){SPAN_NOW, from_to(d->b, j, to_j)};
        i = to_i;
        size_t from = j = to_j;
        while (i < n && j < m && !d->gone[i] && !d->come[j])
            i++, j++;
        if (j > from)
            ret[got++] = (struct span){SPAN_COMMON, from_to(d->b, from, j)};
    }
    return got;
}

int similar_spans(struct str before, struct str now, struct arena *a, struct span **ret, size_t *ret_n, struct err *e)
{
    struct word *wa = arena_new_array(a, struct word, WORDS_MAX), *wb = arena_new_array(a, struct word, WORDS_MAX);
    bool *marks = arena_new_array(a, bool, (size_t)2 * WORDS_MAX);
    int *reach = arena_new_array(a, int, (size_t)2 * (2 * REACH + 1));
    struct span *spans = arena_new_array(a, struct span, SPANS_MAX);
    if (wa == NULL || wb == NULL || marks == NULL || reach == NULL || spans == NULL)
        return err_set(e, WL_ENOMEM, "no room to compare two texts");
    size_t n = split(before, wa), m = split(now, wb);
    struct diff d = {
        .a = wa, .b = wb, .gone = marks, .come = marks + WORDS_MAX, .down = reach + REACH, .up = reach + 3 * REACH + 1};
    compare(&d, 0, (int)n, 0, (int)m);
    *ret_n = build(&d, n, m, spans);
    *ret = spans;
    return 0;
}
