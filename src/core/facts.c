/* SPDX-License-Identifier: Apache-2.0
 * facts.c - names, words and packed form of the facts in facts.def.
 *
 * The table is the only list of facts: names for rule files, words for comparisons and texts for people all come
 * from it. The packed form is one byte with the number of facts it covers (up to the last known one), a bitmap of the
 * known ones and their values as zigzag varints. A log written by a newer release may cover more facts than we know:
 * those are skipped; what it does not cover is unknown. It never judges a fact: rules do. */
#include "core/facts.h"

#include "base/clock.h"
#include "core/varint.h"

#include <string.h>

const struct fact_info fact_info[FACT_COUNT] = {
#define FACT(id, name, type, words, doc) [FACT_##id] = {name, FACT_TYPE_##type, words, doc},
#include "core/facts.def"
#undef FACT
};

_Static_assert(FACT_COUNT < 256, "fact ids are kept in one byte");

#define CODE_BYTES     8
#define TIME_TEXT_LAST 253402300799999 /* 9999-12-31: later times are shown as numbers */

static bool code_byte(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void fact_set_code(struct facts *f, enum fact_id id, const char *code)
{
    int64_t v = 0;
    size_t n = code ? strlen(code) : 0;
    if (n == 0 || n > CODE_BYTES)
        return; /* what does not fit stays unknown: half a code would be another code */
    for (size_t i = 0; i < n; i++) {
        if (!code_byte((unsigned char)code[i]))
            return;
        v |= (int64_t)(unsigned char)code[i] << (8 * i);
    }
    fact_set(f, id, v);
}

int fact_by_name(struct str name)
{
    for (int i = 0; i < FACT_COUNT; i++)
        if (str_eq(name, str_of(fact_info[i].name)))
            return i;
    return -1;
}

/* The i-th word of a space-separated list, {NULL,0} past its end. */
static struct str word_at(const char *words, int64_t at)
{
    struct str rest = str_of(words), word = {NULL, 0};
    for (int64_t i = 0; rest.n > 0; i++) {
        word = str_cut(rest, ' ', &rest);
        if (i == at)
            return word;
    }
    return (struct str){NULL, 0};
}

int fact_word(enum fact_id id, struct str word)
{
    if (fact_info[id].type != FACT_TYPE_WORD || word.n == 0)
        return -1;
    struct str rest = str_of(fact_info[id].words);
    for (int i = 0; rest.n > 0; i++)
        if (str_eq(str_cut(rest, ' ', &rest), word))
            return i;
    return -1;
}

static void time_value_text(int64_t ms, struct buf *out)
{
    char text[TIME_TEXT];
    if (ms == 0)
        buf_puts(out, "never");
    else if (ms < 0 || ms > TIME_TEXT_LAST)
        buf_printf(out, "%lld", (long long)ms);
    else
        buf_puts(out, time_text(ms, text));
}

static void code_value_text(int64_t v, struct buf *out)
{
    for (uint64_t left = (uint64_t)v; left != 0; left >>= 8)
        buf_putc(out, code_byte((unsigned char)(left & 0xff)) ? (char)(left & 0xff) : '?');
}

void fact_text(const struct facts *f, enum fact_id id, struct buf *out)
{
    int64_t v = f->value[id];
    struct str word;
    if (!f->known[id]) {
        buf_puts(out, "unknown");
        return;
    }
    switch (fact_info[id].type) {
    case FACT_TYPE_BOOL:
        buf_puts(out, v ? "true" : "false");
        break;
    case FACT_TYPE_TIME:
        time_value_text(v, out);
        break;
    case FACT_TYPE_CODE:
        code_value_text(v, out);
        break;
    case FACT_TYPE_WORD:
        word = word_at(fact_info[id].words, v);
        if (word.n > 0) {
            buf_putstr(out, word);
            break;
        }
        __attribute__((fallthrough)); /* a word we do not know yet is shown by its number */
    case FACT_TYPE_INT:
        buf_printf(out, "%lld", (long long)v);
        break;
    }
}

size_t facts_pack(const struct facts *f, uint8_t *out)
{
    size_t count = FACT_COUNT;
    while (count > 0 && !f->known[count - 1])
        count--;
    size_t n = 1 + (count + 7) / 8;
    out[0] = (uint8_t)count;
    memset(out + 1, 0, n - 1);
    for (size_t i = 0; i < count; i++) {
        if (!f->known[i])
            continue;
        out[1 + i / 8] |= (uint8_t)(1u << (i % 8));
        n += varint_put(out + n, zigzag(f->value[i]));
    }
    return n;
}

int facts_unpack(const void *p, size_t n, struct facts *ret)
{
    const uint8_t *bytes = p, *at, *end = bytes + n;
    struct facts f = {0};
    if (n == 0)
        return WL_EINVAL;
    size_t count = bytes[0], map = (count + 7) / 8;
    if (n < 1 + map || (count % 8 != 0 && bytes[map] >> (count % 8) != 0))
        return WL_EINVAL;
    at = bytes + 1 + map;
    for (size_t i = 0; i < count; i++) {
        uint64_t v;
        if (!(bytes[1 + i / 8] >> (i % 8) & 1))
            continue;
        if (!varint_get(&at, end, &v))
            return WL_EINVAL;
        if (i < FACT_COUNT)
            fact_set(&f, (enum fact_id)i, unzigzag(v));
    }
    if (at != end)
        return WL_EINVAL;
    *ret = f;
    return 0;
}
