/* SPDX-License-Identifier: Apache-2.0
 * fuzz_number_list.c - any bytes as a list of numbers, and as words of a filter.
 *
 * The checksums are made to fit first, or nothing behind them would ever be reached. What must hold: the list is
 * refused with a sentence, or its blocks give rising numbers within the header's bounds, which packed again and
 * read again are the same. The first byte chooses; other inputs are a line "key=value" of a filter each: refused
 * with a sentence, or a filter that can be asked and explained. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/number_filter.h"
#include "core/number_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 8

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void put64(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static void again(const uint64_t *number, uint32_t n, uint64_t next)
{
    static uint8_t bytes[NUMBER_LIST_BLOCK_BYTES + NUMBER_LIST_PADDING];
    static uint64_t back[NUMBER_LIST_BLOCK];
    struct number_list_entry b = {0};
    must(number_list_pack(number, n, bytes, &b) == b.bytes && b.bytes <= NUMBER_LIST_BLOCK_BYTES);
    must(number_list_unpack(&b, bytes, next, back, NULL) == 0 && memcmp(back, number, n * sizeof *number) == 0);
}

static void read_block(const struct number_list_entry *b, const uint8_t *file, uint64_t next)
{
    static uint64_t number[NUMBER_LIST_BLOCK];
    struct number_list_entry forged = *b;
    struct err e = {0};
    uint8_t *bytes = calloc(1, b->bytes + NUMBER_LIST_PADDING);
    must(bytes != NULL);
    memcpy(bytes, file + b->at, b->bytes);
    forged.check = hash64(bytes, b->bytes);
    if (number_list_unpack(&forged, bytes, next, number, &e) == 0) {
        must(number[0] == b->first && number[b->count - 1] < next);
        for (uint32_t i = 1; i < b->count; i++)
            must(number[i] > number[i - 1]);
        again(number, b->count, next);
    } else {
        must(e.code == WL_ECORRUPT && e.text[0] != '\0');
    }
    free(bytes);
}

static void read_list(uint8_t *file, size_t size)
{
    struct number_list_head h;
    struct number_list_entry index[BLOCKS];
    struct err e = {0};
    uint64_t at = 0;
    if (size < NUMBER_LIST_HEAD)
        return;
    for (int i = 0; i < 8; i++)
        at |= (uint64_t)file[40 + i] << (8 * i);
    if (at >= NUMBER_LIST_HEAD && at <= size)
        put64(file + 48, hash64(file + at, size - at));
    put64(file + 56, hash64(file, 56));
    if (number_list_head_read(file, size, &h, &e) != 0) {
        must(e.text[0] != '\0');
        return;
    }
    if (h.blocks > BLOCKS || number_list_index_read(&h, file + h.index_at, index, &e) != 0)
        return;
    for (uint32_t i = 0; i < h.blocks; i++) {
        must(number_list_find(index, h.blocks, index[i].first) == i);
        read_block(&index[i], file, i + 1 < h.blocks ? index[i + 1].first : h.last + 1);
    }
}

static void ask(const struct number_filter *f, const struct phone_data *d)
{
    static const uint64_t numbers[] = {1, 491701234567, 12025550123, 4930123456, UINT64_MAX};
    struct str value[NUMBER_FILTER_COLUMNS_MAX];
    struct buf say;
    for (size_t i = 0; i < NUMBER_FILTER_COLUMNS_MAX; i++)
        value[i] = STR("2026-11-22");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct phone_number n = {.type = PHONE_UNKNOWN_TYPE};
        phone_number_of_e164(d, numbers[i], &n);
        n.e164 = numbers[i];
        bool wanted = number_filter_check(f, &n, value) == NUMBER_WANTED;
        must(!wanted || number_filter_may(f, numbers[i], numbers[i]));
    }
    buf_init(&say, 1u << 20);
    number_filter_explain(f, &say);
    must(say.len > 0);
    buf_done(&say);
}

static void read_filter(struct str text)
{
    static struct phone_data d;
    struct err e = {0};
    if (d.head == NULL)
        phone_data_builtin(&d);
    struct arena *a = arena_create(16u << 20);
    struct number_filter *f = a != NULL ? number_filter_new(a, &d) : NULL;
    must(f != NULL);
    int rc = 0;
    for (struct str rest = text; rc == 0 && rest.n > 0;) {
        struct str value, key = str_cut(str_cut(rest, '\n', &rest), '=', &value);
        char name[16] = "";
        memcpy(name, key.n > 0 ? key.p : "", key.n < 15 ? key.n : 15);
        rc = number_filter_add(f, name, value, &e);
    }
    if (rc == 0)
        rc = number_filter_seal(f, &e);
    if (rc == 0)
        ask(f, &d);
    else
        must(e.text[0] != '\0');
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16)
        return 0;
    if (data[0] != 'W') {
        read_filter((struct str){(const char *)data, size});
        return 0;
    }
    uint8_t *file = malloc(size);
    must(file != NULL);
    memcpy(file, data, size);
    read_list(file, size);
    free(file);
    return 0;
}
