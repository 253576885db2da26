/* SPDX-License-Identifier: Apache-2.0
 * number_range.c - ranges and patterns read, joined and asked.
 *
 * "4917*" is one interval for each length a number may have: 4917, 49170 to 49179, 491700 to 491799, ... What is
 * left as masks is rare; the cover of a mask is the intervals of the digits before its first ?. Refused: letters,
 * national spellings, ends of a range that differ in length (whatever that would mean, it is not what was wanted).
 * */
#include "core/number_range.h"

#include <stdlib.h>

#define ITEMS_MAX 65536 /* of a kind: a list of words is limited before */

static int shown(struct str s)
{
    return s.n > 40 ? 40 : (int)s.n;
}

/* The array with room for one more; grows by doubling in the arena. NULL: memory. */
static void *room(void *array, size_t n, size_t each, struct arena *a)
{
    if (n > 0 && (n & (n - 1)) != 0)
        return array;
    if (n >= ITEMS_MAX)
        return NULL;
    void *more = arena_array(a, n == 0 ? 1 : 2 * n, each);
    if (more != NULL && n > 0)
        memcpy(more, array, n * each);
    return more;
}

static int add(struct number_interval **array, size_t *n, struct number_interval i, struct arena *a, struct err *e)
{
    struct number_interval *more = room(*array, *n, sizeof i, a);
    if (more == NULL)
        return err_set(e, WL_ENOMEM, "too many ranges of numbers");
    *array = more;
    more[(*n)++] = i;
    return 0;
}

int number_ranges_interval(struct number_ranges *to, struct number_interval i, struct arena *a, struct err *e)
{
    return add(&to->interval, &to->intervals, i, a, e);
}

/* Numbers of `low` to `high` digits that begin with the `n` digits of prefix. */
static int add_prefix(struct number_interval **array, size_t *count, uint64_t prefix, size_t n, size_t low, size_t high,
                      struct arena *a, struct err *e)
{
    uint64_t first = prefix, last = prefix;
    int rc = 0;
    for (size_t len = n; len <= high && rc == 0; len++) {
        if (len >= low)
            rc = add(array, count, (struct number_interval){first, last}, a, e);
        if (len < NUMBER_DIGITS_MAX) {
            first *= 10;
            last = last * 10 + 9;
        }
    }
    return rc;
}

static size_t digits_of(uint64_t v)
{
    size_t n = 1;
    while (v >= 10) {
        v /= 10;
        n++;
    }
    return n;
}

int number_ranges_prefix(struct number_ranges *to, uint64_t prefix, struct arena *a, struct err *e)
{
    size_t n = digits_of(prefix);
    return add_prefix(&to->interval, &to->intervals, prefix, n, n, NUMBER_DIGITS_MAX, a, e);
}

/* ---- reading */

static bool is_filler(char c)
{
    return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
}

/* The word without what means nothing. WL_EINVAL names what is wrong. */
static int read_mask(struct str word, struct number_mask *ret, size_t *ret_n, struct err *e)
{
    struct str s = str_trim(word);
    size_t n = 0;
    ret->open = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool counts = (c >= '0' && c <= '9') || c == '?';
        if (is_filler(c) || (c == '+' && i == 0))
            continue;
        if (c == '*' && i + 1 == s.n) {
            ret->open = true;
            break;
        }
        if (c == '*')
            return err_set(e, WL_EINVAL, "\"%.*s\": * stands at the end only; ? is one digit", shown(word), word.p);
        if (!counts)
            return err_set(e, WL_EINVAL,
                           "\"%.*s\": digits, ? and a * at the end are wanted, as in +4917* or 49170???????",
                           shown(word), word.p);
        if (n == NUMBER_DIGITS_MAX)
            return err_set(e, WL_EINVAL, "\"%.*s\": more than %d digits", shown(word), word.p, NUMBER_DIGITS_MAX);
        ret->digit[n++] = c;
    }
    ret->digit[n] = '\0';
    *ret_n = n;
    if (n == 0)
        return err_set(e, WL_EINVAL, "\"%.*s\" has no digits", shown(word), word.n > 0 ? word.p : "");
    if (ret->digit[0] == '0')
        return err_set(e, WL_EINVAL, "\"%.*s\": numbers begin with their country code, as in +4917*, not with 0",
                       shown(word), word.p);
    return 0;
}

int number_ranges_pattern(struct number_ranges *to, struct str word, struct arena *a, struct err *e)
{
    struct number_mask m;
    size_t n, fixed = 0;
    uint64_t prefix = 0;
    int rc = read_mask(word, &m, &n, e);
    if (rc != 0)
        return rc;
    for (; m.digit[fixed] >= '0' && m.digit[fixed] <= '9'; fixed++)
        prefix = prefix * 10 + (uint64_t)(m.digit[fixed] - '0');
    if (strspn(m.digit + fixed, "?") == n - fixed && fixed > 0)
        return add_prefix(&to->interval, &to->intervals, prefix, fixed, n, m.open ? NUMBER_DIGITS_MAX : n, a, e);
    struct number_mask *more = room(to->mask, to->masks, sizeof m, a);
    if (more == NULL)
        return err_set(e, WL_ENOMEM, "too many patterns of numbers");
    to->mask = more;
    more[to->masks++] = m;
    if (fixed == 0)
        return add(&to->cover, &to->covers, (struct number_interval){1, UINT64_MAX}, a, e);
    return add_prefix(&to->cover, &to->covers, prefix, fixed, n, m.open ? NUMBER_DIGITS_MAX : n, a, e);
}

/* One end of a range: its digits. */
static int read_end(struct str word, struct str end, uint64_t *ret, size_t *ret_n, struct err *e)
{
    struct number_mask m;
    int rc = read_mask(end, &m, ret_n, e);
    if (rc == 0 && (m.open || strchr(m.digit, '?') != NULL))
        rc = err_set(e, WL_EINVAL, "\"%.*s\": a range has two whole numbers; ? and * make a pattern", shown(word),
                     word.p);
    *ret = 0;
    for (size_t i = 0; rc == 0 && i < *ret_n; i++)
        *ret = *ret * 10 + (uint64_t)(m.digit[i] - '0');
    return rc;
}

/* Where the first end ends: at "..", or at the only minus; *ret_n bytes. word.n: nowhere. */
static size_t middle(struct str word, size_t *ret_n)
{
    size_t minus = word.n, count = 0;
    *ret_n = 2;
    for (size_t i = 0; i + 1 < word.n; i++) {
        if (word.p[i] == '.' && word.p[i + 1] == '.')
            return i;
        if (word.p[i] == '-') {
            minus = i;
            count++;
        }
    }
    *ret_n = 1;
    return count == 1 ? minus : word.n;
}

int number_ranges_range(struct number_ranges *to, struct str word, struct arena *a, struct err *e)
{
    struct number_interval i;
    size_t gap, n_first, n_last;
    size_t at = middle(word, &gap);
    if (at == word.n)
        return err_set(e, WL_EINVAL,
                       "\"%.*s\": two numbers with .. between them are wanted, as in +491700000000..+491709999999",
                       shown(word), word.n > 0 ? word.p : "");
    struct str first = {word.p, at}, last = {word.p + at + gap, word.n - at - gap};
    int rc = read_end(word, first, &i.first, &n_first, e);
    if (rc == 0)
        rc = read_end(word, last, &i.last, &n_last, e);
    if (rc != 0)
        return rc;
    if (n_first != n_last)
        return err_set(e, WL_EINVAL, "\"%.*s\": both numbers must have as many digits", shown(word), word.p);
    if (i.first > i.last)
        return err_set(e, WL_EINVAL, "\"%.*s\": it ends before it begins", shown(word), word.p);
    return add(&to->interval, &to->intervals, i, a, e);
}

/* ---- sealing and asking */

static int by_first(const void *a, const void *b)
{
    const struct number_interval *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorted, and what touches joined. */
static size_t join(struct number_interval *i, size_t n)
{
    if (n == 0)
        return 0;
    qsort(i, n, sizeof *i, by_first);
    size_t kept = 0;
    for (size_t k = 1; k < n; k++) {
        if (i[kept].last == UINT64_MAX || i[k].first <= i[kept].last + 1)
            i[kept].last = i[k].last > i[kept].last ? i[k].last : i[kept].last;
        else
            i[++kept] = i[k];
    }
    return kept + 1;
}

int number_ranges_seal(struct number_ranges *r, struct arena *a, struct err *e)
{
    r->intervals = join(r->interval, r->intervals);
    for (size_t i = 0; i < r->intervals; i++)
        if (add(&r->cover, &r->covers, r->interval[i], a, e) != 0)
            return WL_ENOMEM;
    r->covers = join(r->cover, r->covers);
    return 0;
}

/* The first interval that ends at or behind `number`; n: none. */
static size_t find(const struct number_interval *i, size_t n, uint64_t number)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (i[mid].last < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool mask_has(const struct number_mask *m, const char *digits)
{
    size_t i = 0;
    for (; m->digit[i] != '\0'; i++)
        if (digits[i] == '\0' || (m->digit[i] != '?' && m->digit[i] != digits[i]))
            return false;
    return m->open || digits[i] == '\0';
}

bool number_ranges_has(const struct number_ranges *r, uint64_t number)
{
    size_t at = find(r->interval, r->intervals, number);
    if (at < r->intervals && r->interval[at].first <= number)
        return true;
    if (r->masks == 0)
        return false;
    char digits[24];
    size_t k = sizeof digits;
    digits[--k] = '\0';
    for (uint64_t v = number; v > 0; v /= 10)
        digits[--k] = (char)('0' + v % 10);
    for (size_t i = 0; i < r->masks; i++)
        if (mask_has(&r->mask[i], digits + k))
            return true;
    return false;
}

bool number_ranges_may(const struct number_ranges *r, uint64_t first, uint64_t last)
{
    size_t at = find(r->cover, r->covers, first);
    return at < r->covers && r->cover[at].first <= last;
}
