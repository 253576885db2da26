/* SPDX-License-Identifier: Apache-2.0
 * audience_snapshot.c - who was meant, in the portable form of 64-bit Roaring.
 *
 * Ordinals belong to one audience and die with it, so what is kept are ids. The format is RoaringFormatSpec's of 64 bits: how many upper
 * halves there are (8 bytes), and for each the half itself (4 bytes) and a 32-bit Roaring bitmap of the lower ones, with arrays
 * up to 4,096 values and bitsets beyond, never runs: so one set of people has one form, and one SHA-256. Written straight from
 * ids in their order; little-endian, as every machine we run on. */
#include "core/audience_impl.h"

#define ARRAY_MAX 4096
#define COOKIE    12346 /* a bitmap without runs */

static size_t same_until(const int64_t *id, size_t n, int shift)
{
    size_t i = 1;
    while (i < n && id[i] >> shift == id[0] >> shift)
        i++;
    return i;
}

static void put_container(struct buf *out, const int64_t *id, size_t n)
{
    uint64_t bits[AUDIENCE_BLOCK / 64] = {0};
    if (n <= ARRAY_MAX) {
        for (size_t i = 0; i < n; i++) {
            uint16_t low = (uint16_t)id[i];
            buf_put(out, &low, sizeof low);
        }
        return;
    }
    for (size_t i = 0; i < n; i++)
        bits[(id[i] & 0xffff) / 64] |= (uint64_t)1 << (id[i] & 63);
    buf_put(out, bits, sizeof bits);
}

/* All ids of one upper half. */
static void put_half(struct buf *out, const int64_t *id, size_t n)
{
    uint32_t head[3] = {(uint32_t)(id[0] >> 32), COOKIE, 0}, at;
    for (size_t i = 0; i < n; i += same_until(id + i, n - i, 16))
        head[2]++;
    buf_put(out, head, sizeof head);
    for (size_t i = 0, k; i < n; i += k) {
        k = same_until(id + i, n - i, 16);
        uint16_t key[2] = {(uint16_t)(id[i] >> 16), (uint16_t)(k - 1)};
        buf_put(out, key, sizeof key);
    }
    at = 8 + head[2] * 8;
    for (size_t i = 0, k; i < n; i += k) {
        k = same_until(id + i, n - i, 16);
        buf_put(out, &at, sizeof at);
        at += (uint32_t)(k <= ARRAY_MAX ? k * 2 : AUDIENCE_BLOCK / 8);
    }
    for (size_t i = 0, k; i < n; i += k) {
        k = same_until(id + i, n - i, 16);
        put_container(out, id + i, k);
    }
}

static bool put_ids(const struct audience *a, const roaring_bitmap_t *people, struct buf *ids)
{
    uint32_t some[1024];
    int64_t id[1024];
    roaring_uint32_iterator_t it;
    roaring_init_iterator(people, &it);
    bool ok = buf_reserve(ids, roaring_bitmap_get_cardinality(people) * sizeof *id);
    for (uint32_t k; ok && (k = roaring_read_uint32_iterator(&it, some, 1024)) > 0;) {
        for (uint32_t i = 0; i < k; i++)
            id[i] = audience_contact(a, some[i]);
        ok = buf_put(ids, id, k * sizeof *id);
    }
    return ok;
}

int audience_snapshot(const struct audience *a, const roaring_bitmap_t *people, struct buf *out, struct err *e)
{
    struct buf ids;
    uint64_t halves = 0;
    buf_init(&ids, (size_t)AUDIENCE_PEOPLE_MAX * sizeof(int64_t));
    bool ok = put_ids(a, people, &ids);
    const int64_t *id = (const int64_t *)(const void *)ids.data;
    size_t n = ids.len / sizeof *id;
    for (size_t i = 0; ok && i < n; i += same_until(id + i, n - i, 32))
        halves++;
    buf_put(out, &halves, sizeof halves);
    for (size_t i = 0, k; ok && i < n && !out->failed; i += k) {
        k = same_until(id + i, n - i, 32);
        put_half(out, id + i, k);
    }
    buf_done(&ids);
    return ok && !out->failed ? 0 : err_set(e, WL_ENOMEM, "out of memory, or of room, for a snapshot of people");
}
