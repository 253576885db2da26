/* SPDX-License-Identifier: Apache-2.0
 * table_split.c - rows and cells found with masks of 64 bytes at a time.
 *
 * For every 64 bytes there is one bit for each quote, and one for each delimiter and line feed. The scanner walks
 * from bit to bit, so its work is by the cell and not by the byte; inside quotes it looks at the quotes only. Whether
 * a row is right never depends on where a block ended: a row that is not decided yet is begun again with more bytes
 * behind it.
 *
 * The work grows with the bytes and with nothing else. A row that goes over lines inside quotes and is given up was in
 * quotes at each line end up to where it failed. A later line of those that goes over such a line end stands in the
 * same quotes from there on, and fails as well: it is given up at that line end (`doomed`), and nothing behind it is
 * looked at again. */
#include "core/table_split.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64

static const struct {
    const char *word, *sentence;
} problems[TABLE_PROBLEMS] = {
    [TABLE_RIGHT] = {"", ""},
    [TABLE_LONG_CELL] = {"long_cell", "a cell has more than 1 MiB"},
    [TABLE_NUL] = {"nul_byte", "the row holds NUL bytes"},
    [TABLE_ENCODING] = {"not_utf8", "the row is not UTF-8 text, though the rest of the file is"},
    [TABLE_UNCLOSED] = {"unclosed_quote", "a quote is opened and never closed"},
    [TABLE_BEHIND_QUOTE] = {"text_behind_quote", "there is text behind a closing quote"},
    [TABLE_LONG_ROW] = {"long_row", "the row has more than 16 MiB"},
    [TABLE_CUT] = {"cut_off", "the file ends in the middle: it is damaged"},
    [TABLE_DAMAGED] = {"damaged_row", "the workbook is damaged here: cells are out of order, or a text is missing"},
    [TABLE_MANY_CELLS] = {"many_cells", "the row has more than 16384 cells"},
};

const char *table_problem_word(int problem)
{
    return problem > 0 && problem < TABLE_PROBLEMS ? problems[problem].word : "";
}

const char *table_problem_sentence(int problem)
{
    return problem > 0 && problem < TABLE_PROBLEMS ? problems[problem].sentence : "";
}

/* --- masks ------------------------------------------------------------------------------------------------------- */

#ifdef __SSE2__
static inline uint64_t mask_of(const __m128i v[4], char b)
{
    const __m128i all = _mm_set1_epi8(b);
    uint64_t m = 0;
    for (int i = 0; i < 4; i++)
        m |= (uint64_t)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], all)) << (16 * i);
    return m;
}

static inline void masks(const char *p, char delimiter, uint64_t *ret_quote, uint64_t *ret_end)
{
    __m128i v[4];
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    *ret_quote = mask_of(v, '"');
    *ret_end = mask_of(v, delimiter) | mask_of(v, '\n');
}
#else
/* Bit i is set where byte i of x is b. */
static inline uint64_t bytes_equal(uint64_t x, char b)
{
    const uint64_t low = 0x7F7F7F7F7F7F7F7Full;
    x ^= 0x0101010101010101ull * (unsigned char)b;
    uint64_t zero = ~(((x & low) + low) | x | low);
    return (zero >> 7) * 0x0102040810204080ull >> 56;
}

static inline void masks(const char *p, char delimiter, uint64_t *ret_quote, uint64_t *ret_end)
{
    *ret_quote = *ret_end = 0;
    for (int i = 0; i < BLOCK / 8; i++) {
        uint64_t x;
        memcpy(&x, p + 8 * i, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        x = __builtin_bswap64(x);
#endif
        *ret_quote |= bytes_equal(x, '"') << (8 * i);
        *ret_end |= (bytes_equal(x, delimiter) | bytes_equal(x, '\n')) << (8 * i);
    }
}
#endif

/* Where the scanner is: bits are the marks of this block it has not come to. */
struct cut {
    const char *p;
    size_t n, base;
    uint64_t quote, bits;
    char delimiter;
    bool last;
    size_t failed; /* where a row that is given up turned out to be wrong */
    size_t wall;   /* the line end that no quoted cell of this row may go over; SIZE_MAX: none */
    int doom;      /* what a row is that does */
};

static inline void cut_load(struct cut *c, size_t at)
{
    uint64_t end;
    c->base = at;
    if (at >= c->n) {
        c->quote = c->bits = 0;
        return;
    }
    masks(c->p + at, c->delimiter, &c->quote, &end);
    size_t left = c->n - at;
    uint64_t inside = left >= BLOCK ? UINT64_MAX : ((uint64_t)1 << left) - 1;
    c->quote &= inside;
    c->bits = c->quote | (end & inside);
}

/* The next quote, delimiter or line feed; n when there is none. */
static inline size_t cut_next(struct cut *c)
{
    while (c->bits == 0) {
        if (c->base + BLOCK >= c->n)
            return c->n;
        cut_load(c, c->base + BLOCK);
    }
    size_t pos = c->base + (size_t)__builtin_ctzll(c->bits);
    c->bits &= c->bits - 1;
    return pos;
}

/* The next quote, whatever stands before it. */
static inline size_t cut_next_quote(struct cut *c)
{
    uint64_t q = c->quote & c->bits;
    while (q == 0) {
        if (c->base + BLOCK >= c->n) {
            c->bits = 0;
            return c->n;
        }
        cut_load(c, c->base + BLOCK);
        q = c->quote;
    }
    unsigned bit = (unsigned)__builtin_ctzll(q);
    c->bits &= ~(((uint64_t)2 << bit) - 1);
    return c->base + bit;
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

enum { MORE = -1, FULL = -2 }; /* it needs more bytes; this batch has no room for it */

/* What can be said about a row whose bytes end inside it. */
static int undecided(const struct cut *c, size_t start, int problem)
{
    return !c->last && c->n - start <= TABLE_ROW_MAX ? MORE : problem;
}

/* What may stand behind the quote that closed at k: a delimiter, a line end, the end. */
static int behind_quote(const struct cut *c, size_t k)
{
    size_t at = k + 1;
    if (at < c->n && c->p[at] == '\r')
        at++;
    if (at >= c->n)
        return c->last ? TABLE_RIGHT : MORE;
    bool right = c->p[at] == '\n' || (at == k + 1 && c->p[at] == c->delimiter);
    return right ? TABLE_RIGHT : TABLE_BEHIND_QUOTE;
}

/* The cell whose opening quote is at `open`. */
static int quoted_cell(struct cut *c, size_t start, size_t open, struct table_cell *ret)
{
    size_t k;
    ret->flags = CELL_QUOTED;
    for (;;) {
        k = cut_next_quote(c);
        if (k + 1 >= c->n || c->p[k + 1] != '"')
            break;
        ret->flags |= CELL_ESCAPED;
        cut_next_quote(c);
    }
    c->failed = k;
    if (k > c->wall)
        return c->doom;
    if (k >= c->n || (k + 1 == c->n && !c->last))
        return undecided(c, start, TABLE_UNCLOSED);
    if (k - start >= TABLE_ROW_MAX)
        return TABLE_UNCLOSED;
    ret->p = c->p + open + 1;
    ret->n = (uint32_t)(k - open - 1);
    return behind_quote(c, k);
}

struct row_cut {
    size_t end; /* of its line feed, or of the bytes */
    size_t cells;
    bool quoted; /* somewhere in it */
};

static inline int end_row(const struct cut *c, size_t start, size_t pos, struct table_cell *last_cell,
                          struct row_cut *ret)
{
    if (pos - start > TABLE_ROW_MAX)
        return TABLE_LONG_ROW;
    if ((last_cell->flags & CELL_QUOTED) == 0 && last_cell->n > 0 && c->p[pos - 1] == '\r')
        last_cell->n--;
    ret->end = pos;
    return TABLE_RIGHT;
}

/* The row that begins at start, where the scanner is. Its cells go to `out`, which has room for so many. */
static inline int cut_row(struct cut *c, size_t start, struct table_cell *out, size_t room, struct row_cut *ret)
{
    struct table_cell *const first = out, *const end = out + room;
    size_t at = start;
    ret->quoted = false;
    for (;;) {
        size_t pos = cut_next(c);
        c->failed = pos;
        if (__builtin_expect(out == end, 0))
            return room < TABLE_CELLS_MAX ? FULL : TABLE_MANY_CELLS;
        if (pos < c->n && c->p[pos] == '"') {
            if (pos != at)
                continue;
            int rc = quoted_cell(c, start, pos, out);
            if (rc != TABLE_RIGHT)
                return rc;
            ret->quoted = true;
            pos = cut_next(c);
        } else {
            *out = (struct table_cell){c->p + at, (uint32_t)(pos - at), 0};
        }
        out++;
        if (pos == c->n && !c->last)
            return undecided(c, start, TABLE_LONG_ROW);
        if (pos == c->n || c->p[pos] == '\n') {
            ret->cells = (size_t)(out - first);
            return end_row(c, start, pos, out - 1, ret);
        }
        at = pos + 1;
    }
}

/* --- many rows ----------------------------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *p, size_t n)
{
    uint64_t lines = 0;
    for (const char *at = p; (at = memchr(at, '\n', n - (size_t)(at - p))) != NULL; at++)
        lines++;
    return lines;
}

static int cell_problem(const struct table_cell *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].n > TABLE_CELL_MAX)
            return TABLE_LONG_CELL;
    return TABLE_RIGHT;
}

/* Gives up the row at start, for its line. Where to go on; 0: that line's end is not there yet. */
static size_t give_up(struct table_split *s, const struct cut *c, size_t start, struct table_row *row)
{
    size_t left = c->n - start, window = left < TABLE_ROW_MAX + 1 ? left : TABLE_ROW_MAX + 1;
    const char *lf = memchr(c->p + start, '\n', window);
    row->cells = 0;
    if (lf != NULL) {
        size_t n = (size_t)(lf - (c->p + start));
        row->n = (uint32_t)(n > 0 && lf[-1] == '\r' ? n - 1 : n);
        s->lines++;
        return start + n + 1;
    }
    if (!c->last && left <= TABLE_ROW_MAX)
        return 0;
    if (left > TABLE_ROW_MAX)
        row->problem = TABLE_LONG_ROW;
    row->n = (uint32_t)(left < TABLE_ROW_MAX ? left : TABLE_ROW_MAX);
    s->skipping = true;
    return start + row->n;
}

/* Inside the lines of a row that was given up. */
static inline void set_wall(const struct table_split *s, struct cut *c, size_t at)
{
    c->wall = SIZE_MAX;
    if (s->at + at >= s->doomed)
        return;
    size_t left = c->n - at, zone = (size_t)(s->doomed - s->at) - at;
    const char *lf = memchr(c->p + at, '\n', left < zone ? left : zone);
    c->wall = lf != NULL ? (size_t)(lf - c->p) : SIZE_MAX;
    c->doom = s->doom;
}

static void set_doom(struct table_split *s, const struct cut *c, int problem)
{
    if (s->at + c->failed <= s->doomed)
        return;
    s->doomed = s->at + c->failed;
    s->doom = problem;
}

/* The rest of a line that was given up. */
static size_t skip_rest(struct table_split *s, const char *p, size_t n)
{
    const char *lf = n > 0 ? memchr(p, '\n', n) : NULL;
    if (lf == NULL)
        return n;
    s->skipping = false;
    s->lines++;
    return (size_t)(lf - p) + 1;
}

/* A row that could be cut. */
static size_t take(struct table_split *s, const struct cut *c, struct table_row *row, struct row_cut *w,
                   const struct table_cell *cells, bool dirty)
{
    size_t start = (size_t)(row->p - c->p), n = w->end - start;
    if (w->quoted && !s->whole_rows)
        s->lines += count_lines(row->p, n);
    s->lines += w->end < c->n;
    row->n = (uint32_t)(n > 0 && row->p[n - 1] == '\r' ? n - 1 : n);
    row->cells = (uint32_t)w->cells;
    if (n > TABLE_CELL_MAX)
        row->problem = cell_problem(cells, w->cells);
    if (dirty && row->problem == TABLE_RIGHT)
        row->problem = table_text_problem(row->p, row->n);
    return w->end < c->n ? w->end + 1 : c->n;
}

size_t table_split(struct table_split *s, const char *p, size_t n, bool last, bool dirty, struct table_rows *ret)
{
    struct cut c = {.p = p, .n = n, .delimiter = s->delimiter, .last = last, .wall = SIZE_MAX};
    size_t at = s->skipping ? skip_rest(s, p, n) : 0;
    ret->rows = ret->cells = 0;
    cut_load(&c, at);
    while (at < n && !s->skipping && ret->rows < ret->rows_max) {
        struct row_cut w = {0};
        struct table_row *row = &ret->row[ret->rows];
        size_t room = ret->cells_max - ret->cells, next;
        set_wall(s, &c, at);
        int rc = cut_row(&c, at, ret->cell + ret->cells, room < TABLE_CELLS_MAX ? room : TABLE_CELLS_MAX, &w);
        if (rc == MORE || rc == FULL)
            break;
        *row = (struct table_row){.line = s->lines + 1, .at = s->at + at, .p = p + at, .problem = rc};
        row->cell = (uint32_t)ret->cells;
        if (rc == TABLE_RIGHT) {
            next = take(s, &c, row, &w, ret->cell + ret->cells, dirty);
            if (row->n > 0) {
                ret->cells += row->cells;
                ret->rows++;
            }
        } else {
            if ((next = give_up(s, &c, at, row)) == 0)
                break;
            set_doom(s, &c, rc);
            ret->rows++;
            cut_load(&c, next);
        }
        at = next;
    }
    s->at += at;
    return at;
}

/* --- what the bytes are ---------------------------------------------------------------------------------------------- */

bool table_dirty(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i least = _mm_set1_epi8(1);
    __m128i seen = _mm_setzero_si128(), smallest = _mm_set1_epi8(1);
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        seen = _mm_or_si128(seen, v);
        smallest = _mm_min_epu8(smallest, v);
    }
    if (_mm_movemask_epi8(seen) != 0 || _mm_movemask_epi8(_mm_cmpeq_epi8(smallest, least)) != 0xFFFF)
        return true;
#endif
    for (; i < n; i++)
        if ((unsigned char)(p[i] - 1) >= 0x7F)
            return true;
    return false;
}

static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    return first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

/* Bytes of the UTF-8 sequence at p, 0 when it is none: `least` is the smallest code point written with that many bytes,
 * smaller ones are disguises. */
static size_t sequence(const unsigned char *p, size_t left)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = sequence_length(p[0]);
    if (n == 0 || n > left)
        return 0;
    unsigned code = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    return code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : n;
}

int table_text_problem(const char *p, size_t n)
{
    if (!table_dirty(p, n))
        return TABLE_RIGHT;
    for (size_t i = 0, k; i < n; i += k) {
        if (p[i] == '\0')
            return TABLE_NUL;
        if ((k = sequence((const unsigned char *)p + i, n - i)) == 0)
            return TABLE_ENCODING;
    }
    return TABLE_RIGHT;
}

#define SNIFF_LINES 16
static const char candidates[] = ",;\t|";

/* Candidates outside quotes on the line at p; where the next one begins. */
static size_t count_candidates(const char *p, size_t n, unsigned count[4])
{
    bool quoted = false;
    size_t i = 0;
    memset(count, 0, 4 * sizeof count[0]);
    for (; i < n && (p[i] != '\n' || quoted); i++) {
        quoted ^= p[i] == '"';
        const char *found = p[i] != '\0' && !quoted ? strchr(candidates, p[i]) : NULL;
        if (found != NULL)
            count[found - candidates]++;
    }
    return i + 1;
}

char table_sniff(const char *p, size_t n)
{
    unsigned first[4], more[4], agree[4] = {0};
    size_t best = 0, at = count_candidates(p, n, first);
    for (int line = 0; line < SNIFF_LINES && at < n; line++) {
        at += count_candidates(p + at, n - at, more);
        for (size_t k = 0; k < 4; k++)
            agree[k] += first[k] > 0 && more[k] == first[k];
    }
    for (size_t k = 1; k < 4; k++)
        if (agree[k] > agree[best] || (agree[k] == agree[best] && first[k] > first[best]))
            best = k;
    return candidates[best];
}

/* --- text ------------------------------------------------------------------------------------------------------------- */

/* Bytes of the sign a formula begins with at p: = @ + - and their full-width forms, TAB and line ends. 0: none. */
static size_t formula_sign(struct str s)
{
    static const char wide[][4] = {"\xEF\xBC\x9D", "\xEF\xBC\xA0", "\xEF\xBC\x8B", "\xEF\xBC\x8D"};
    if (s.n > 0 && s.p[0] != '\0' && strchr("=@+-\t\r\n", s.p[0]) != NULL)
        return 1;
    for (size_t i = 0; s.n >= 3 && i < 4; i++)
        if (memcmp(s.p, wide[i], 3) == 0)
            return 3;
    return 0;
}

bool table_live(struct str s)
{
    for (size_t skip = 1; skip > 0; s = (struct str){s.p + skip, s.n - skip})
        skip = s.n > 0 && s.p[0] == ' ' ? 1 : str_starts(s, STR("\xEF\xBB\xBF")) ? 3 : 0;
    size_t sign = formula_sign(s);
    if (sign == 0)
        return false;
    bool number = s.p[0] == '+' || s.p[0] == '-';
    for (size_t i = sign; number && i < s.n; i++)
        number = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] != '\0' && strchr(" .()", s.p[i]) != NULL);
    return !number;
}

struct str table_cell_text(const struct table_cell *c, char *room)
{
    struct str s = {c->p, c->n};
    if ((c->flags & CELL_ESCAPED) != 0) {
        size_t n = 0;
        for (size_t i = 0; i < c->n; i++) {
            room[n++] = c->p[i];
            i += c->p[i] == '"';
        }
        s = (struct str){room, n};
    }
    s = str_trim(s);
    struct str rest = {s.p + 1, s.n - 1};
    return s.n > 1 && s.p[0] == '\'' && table_live(rest) ? rest : s;
}
