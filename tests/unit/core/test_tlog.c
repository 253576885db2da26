/* SPDX-License-Identifier: Apache-2.0
 * test_tlog.c - the tree against the published example of Certificate Transparency, against RFC 6962 written down naively for every
 * tree of up to 300 leaves, and at places where numbers get large.
 *
 * Tiles are read by a function that counts: none twice for one proof, none that a tree of that size does not have, and never
 * a hash beyond the width it has there. */
#include "core/tlog.h"

#include <stdlib.h>

#include "t.h"

#define SMALL 300

static struct tlog_hash of_hex(const char *hex)
{
    struct tlog_hash h;
    size_t n;
    assert_true(hex_decode(str_of(hex), h.b, sizeof h.b, &n));
    assert_int_equal(n, sizeof h.b);
    return h;
}

static void assert_hash(const struct tlog_hash *got, const char *want)
{
    char hex[SHA256_HEX];
    hex_encode(got->b, sizeof got->b, hex);
    assert_string_equal(hex, want);
}

/* --- the published example ------------------------------------------------------------------------------------------ */

static const char *const ct_leaves[8] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
static const char *const ct_roots[9] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

static struct tlog_hash ct_leaf(int i)
{
    uint8_t bytes[16];
    size_t n;
    struct tlog_hash h;
    assert_true(hex_decode(str_of(ct_leaves[i]), bytes, sizeof bytes, &n));
    tlog_leaf_hash(n > 0 ? bytes : NULL, n, &h);
    return h;
}

TEST(published_roots)
{
    struct tlog_tree t = {.size = 0};
    struct tlog_hash root;
    for (int i = 0;; i++) {
        tlog_root(&t, &root);
        assert_hash(&root, ct_roots[i]);
        if (i == 8)
            break;
        struct tlog_hash leaf = ct_leaf(i);
        tlog_append(&t, &leaf);
    }
    assert_int_equal(t.n_edge, 1);
}

TEST(published_proofs)
{
    static const struct {
        int index, size, n;
        const char *hash[4];
    } in[] = {
        {0, 1, 0, {NULL}},
        {0,
         8,
         3,
         {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
          "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
          "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
        {5,
         8,
         3,
         {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
          "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
        {2, 3, 1, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    };
    static const struct {
        int old, size, n;
        const char *hash[4];
    } grow[] = {
        {1, 1, 0, {NULL}},
        {1,
         8,
         3,
         {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
          "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
          "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
        {6,
         8,
         3,
         {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
          "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
        {2,
         5,
         2,
         {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
          "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
    };
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        struct tlog_hash proof[4], leaf = ct_leaf(in[i].index), root = of_hex(ct_roots[in[i].size]);
        for (int k = 0; k < in[i].n; k++)
            proof[k] = of_hex(in[i].hash[k]);
        if (!tlog_check_inclusion(in[i].index, in[i].size, &leaf, proof, (size_t)in[i].n, &root))
            fail_msg("leaf %d of %d", in[i].index, in[i].size);
    }
    for (size_t i = 0; i < sizeof grow / sizeof *grow; i++) {
        struct tlog_hash proof[4], old = of_hex(ct_roots[grow[i].old]), root = of_hex(ct_roots[grow[i].size]);
        for (int k = 0; k < grow[i].n; k++)
            proof[k] = of_hex(grow[i].hash[k]);
        if (!tlog_check_consistency(grow[i].old, grow[i].size, &old, &root, proof, (size_t)grow[i].n))
            fail_msg("from %d to %d", grow[i].old, grow[i].size);
    }
}

TEST(long_entries_hash_as_short_ones)
{
    static char text[5001];
    for (size_t n = 1000; n <= 5000; n += 8) {
        struct tlog_hash h;
        uint8_t want[SHA256_BYTES];
        memset(text + 1, (int)(n & 255), n);
        tlog_leaf_hash(text + 1, n, &h);
        sha256(text, n + 1, want); /* text[0] is 0 */
        assert_memory_equal(h.b, want, sizeof want);
    }
}

/* --- RFC 6962, section 2.1, as it is written ------------------------------------------------------------------------- */

static struct tlog_hash leaves[SMALL];
static struct tlog_hash known[SMALL + 1][SMALL + 1];
static bool is_known[SMALL + 1][SMALL + 1];

static int rfc_split(int n)
{
    int k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static struct tlog_hash mth(int lo, int hi)
{
    struct tlog_hash *h = &known[lo][hi];
    if (is_known[lo][hi])
        return *h;
    if (hi == lo) {
        sha256("", 0, h->b);
    } else if (hi - lo == 1) {
        *h = leaves[lo];
    } else {
        int k = rfc_split(hi - lo);
        struct tlog_hash left = mth(lo, lo + k), right = mth(lo + k, hi);
        tlog_node_hash(&left, &right, h);
    }
    is_known[lo][hi] = true;
    return *h;
}

static int path(int m, int lo, int hi, struct tlog_hash *out)
{
    if (hi - lo == 1)
        return 0;
    int k = rfc_split(hi - lo), n;
    if (m < k) {
        n = path(m, lo, lo + k, out);
        out[n] = mth(lo + k, hi);
    } else {
        n = path(m - k, lo + k, hi, out);
        out[n] = mth(lo, lo + k);
    }
    return n + 1;
}

static int subproof(int m, int lo, int hi, int whole, struct tlog_hash *out)
{
    if (m == hi - lo) {
        if (whole)
            return 0;
        out[0] = mth(lo, hi);
        return 1;
    }
    int k = rfc_split(hi - lo), n;
    if (m <= k) {
        n = subproof(m, lo, lo + k, whole, out);
        out[n] = mth(lo + k, hi);
    } else {
        n = subproof(m - k, lo + k, hi, 0, out);
        out[n] = mth(lo, lo + k);
    }
    return n + 1;
}

/* Tiles of the first `size` leaves. */
struct shelf {
    int64_t size;
    int n_read;
    struct tlog_tile seen[64];
};

static int read_tile(void *ctx, const struct tlog_tile *tile, struct tlog_hash ret[TLOG_TILE], struct err *e)
{
    struct shelf *s = ctx;
    (void)e;
    for (int i = 0; i < s->n_read; i++)
        if (s->seen[i].level == tile->level && s->seen[i].n == tile->n)
            fail_msg("tile %d/%lld was read twice", tile->level, (long long)tile->n);
    s->seen[s->n_read++] = *tile;
    int64_t there = (s->size >> (8 * tile->level)) - tile->n * TLOG_TILE;
    assert_int_equal(tile->width, there < TLOG_TILE ? there : TLOG_TILE);
    assert_true(tile->width >= 1 && tile->n >= 0);
    int each = 1 << (8 * tile->level);
    memset(ret, 0xee, sizeof ret[0] * TLOG_TILE);
    for (int i = 0; i < tile->width; i++)
        ret[i] = mth(((int)tile->n * TLOG_TILE + i) * each, ((int)tile->n * TLOG_TILE + i + 1) * each);
    return 0;
}

static void make_leaves(void)
{
    for (int i = 0; i < SMALL; i++) {
        char entry[16];
        int n = snprintf(entry, sizeof entry, "entry %d", i);
        tlog_leaf_hash(entry, (size_t)n, &leaves[i]);
    }
}

/* A proof must not pass for another leaf, place, size or root, nor longer, shorter or changed. */
static void wrong_inclusions(int index, int size, struct tlog_hash *proof, size_t n, const struct tlog_hash *root)
{
    struct tlog_hash other = leaves[index], more[TLOG_PROOF_MAX];
    other.b[size % 32] ^= 0x10;
    assert_false(tlog_check_inclusion(index, size, &other, proof, n, root));
    assert_false(tlog_check_inclusion(index, size, &leaves[index], proof, n, &other));
    assert_false(tlog_check_inclusion(index - 1, size, &leaves[index], proof, n, root));
    assert_false(tlog_check_inclusion(index + 1, size, &leaves[index], proof, n, root));
    assert_false(tlog_check_inclusion(size, size, &leaves[index], proof, n, root));
    assert_false(tlog_check_inclusion(index, 0, &leaves[index], proof, n, root));
    for (size_t i = 0; i < n; i++) {
        proof[i].b[index % 32] ^= 1;
        assert_false(tlog_check_inclusion(index, size, &leaves[index], proof, n, root));
        proof[i].b[index % 32] ^= 1;
    }
    if (n > 0)
        assert_false(tlog_check_inclusion(index, size, &leaves[index], proof, n - 1, root));
    memcpy(more, proof, n * sizeof *proof);
    more[n] = *root;
    assert_false(tlog_check_inclusion(index, size, &leaves[index], more, n + 1, root));
}

/* All places of trees of up to 70 and around 256 leaves; of others every fourth, shifting from size to size. */
static bool chosen(int place, int size)
{
    return size <= 70 || (size >= 254 && size <= 258) || (place + size) % 4 == 0;
}

TEST(every_leaf_of_every_small_tree)
{
    make_leaves();
    for (int size = 1; size <= SMALL; size++) {
        struct tlog_hash root = mth(0, size);
        for (int index = 0; index < size; index++) {
            if (!chosen(index, size))
                continue;
            struct tlog_hash want[16], got[TLOG_PROOF_MAX];
            struct shelf s = {.size = size};
            struct err e;
            size_t n;
            assert_ok(tlog_prove_inclusion(index, size, read_tile, &s, got, &n, &e), e);
            assert_int_equal(n, path(index, 0, size, want));
            assert_memory_equal(got, want, n * sizeof *got);
            assert_true(tlog_check_inclusion(index, size, &leaves[index], got, n, &root));
            if (size % 16 == 1 || size <= 33)
                wrong_inclusions(index, size, got, n, &root);
        }
    }
}

static void wrong_growths(int old, int size, struct tlog_hash *proof, size_t n, const struct tlog_hash *was,
                          const struct tlog_hash *is)
{
    struct tlog_hash other = *is, more[TLOG_PROOF_MAX];
    other.b[old % 32] ^= 4;
    assert_false(tlog_check_consistency(old, size, &other, is, proof, n));
    assert_false(tlog_check_consistency(old, size, was, &other, proof, n));
    assert_false(tlog_check_consistency(size, old, is, was, proof, n));
    for (size_t i = 0; i < n; i++) {
        proof[i].b[size % 32] ^= 1;
        assert_false(tlog_check_consistency(old, size, was, is, proof, n));
        proof[i].b[size % 32] ^= 1;
    }
    if (n > 0)
        assert_false(tlog_check_consistency(old, size, was, is, proof, n - 1));
    memcpy(more, proof, n * sizeof *proof);
    more[n] = *is;
    assert_false(tlog_check_consistency(old, size, was, is, more, n + 1));
}

TEST(every_growth_of_every_small_tree)
{
    make_leaves();
    for (int size = 0; size <= SMALL; size++)
        for (int old = 0; old <= size; old++) {
            if (!chosen(old, size))
                continue;
            struct tlog_hash want[16], got[TLOG_PROOF_MAX], was = mth(0, old), is = mth(0, size);
            struct shelf s = {.size = size};
            struct err e;
            size_t n;
            assert_ok(tlog_prove_consistency(old, size, read_tile, &s, got, &n, &e), e);
            assert_int_equal(n, old == 0 ? 0 : subproof(old, 0, size, 1, want));
            assert_memory_equal(got, want, n * sizeof *got);
            assert_true(tlog_check_consistency(old, size, &was, &is, got, n));
            if (old < size && old > 0 && (size % 11 == 0 || size <= 40))
                wrong_growths(old, size, got, n, &was, &is);
        }
}

TEST(opened_tree_goes_on)
{
    make_leaves();
    struct tlog_tree grown = {.size = 0};
    for (int size = 0; size <= SMALL; size++) {
        struct shelf s = {.size = size};
        struct tlog_tree opened;
        struct tlog_hash root, want = mth(0, size);
        struct err e;
        assert_ok(tlog_open(size, read_tile, &s, &opened, &e), e);
        assert_memory_equal(&opened.size, &grown.size, sizeof grown.size);
        assert_int_equal(opened.n_edge, grown.n_edge);
        assert_memory_equal(opened.edge, grown.edge, sizeof grown.edge[0] * (size_t)grown.n_edge);
        tlog_root(&opened, &root);
        assert_memory_equal(root.b, want.b, sizeof root.b);
        if (size < SMALL)
            tlog_append(&grown, &leaves[size]);
    }
}

TEST(an_empty_tree_begins_every_tree)
{
    struct tlog_hash none = mth(0, 0), is = of_hex(ct_roots[5]);
    assert_true(tlog_check_consistency(0, 5, &none, &is, NULL, 0));
    assert_false(tlog_check_consistency(0, 5, &is, &is, NULL, 0));
    assert_true(tlog_check_consistency(0, 0, &none, &none, NULL, 0));
    assert_false(tlog_check_consistency(0, 0, &none, &is, NULL, 0));
    assert_false(tlog_check_consistency(0, 5, &none, &is, &is, 1));
    assert_false(tlog_check_consistency(-1, 5, &none, &is, NULL, 0));
    assert_false(tlog_check_consistency(5, 5, &none, &is, NULL, 0));
}

/* --- large trees ------------------------------------------------------------------------------------------------------ */

/* All leaves are the same, so a tile of a level holds one hash 256 times, and trees of any size can be had. */
struct uniform {
    int64_t size;
    int n_read;
    struct tlog_hash at[64];
};

static int read_uniform(void *ctx, const struct tlog_tile *tile, struct tlog_hash ret[TLOG_TILE], struct err *e)
{
    struct uniform *u = ctx;
    (void)e;
    u->n_read++;
    assert_true(tile->level >= 0 && tile->level <= 7 && tile->n >= 0);
    int64_t there = (u->size >> (8 * tile->level)) - tile->n * TLOG_TILE;
    assert_true(there >= 1);
    assert_int_equal(tile->width, there < TLOG_TILE ? there : TLOG_TILE);
    for (int i = 0; i < TLOG_TILE; i++)
        ret[i] = u->at[8 * tile->level];
    return 0;
}

TEST(large_trees)
{
    static const int64_t top = (INT64_C(1) << 62) - 1;
    const int64_t sizes[] = {1000000, 70000,   65536,           65537, INT64_C(1) << 32, (INT64_C(1) << 40) + 12345,
                             top,     top - 1, INT64_C(1) << 61};
    struct uniform u = {.size = 0};
    tlog_leaf_hash("x", 1, &u.at[0]);
    for (int i = 1; i < 64; i++)
        tlog_node_hash(&u.at[i - 1], &u.at[i - 1], &u.at[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t size = sizes[i];
        struct tlog_tree t;
        struct tlog_hash root, proof[TLOG_PROOF_MAX];
        struct err e;
        size_t n;
        u.size = size;
        assert_ok(tlog_open(size, read_uniform, &u, &t, &e), e);
        tlog_root(&t, &root);
        const int64_t places[] = {0, 1, 255, 256, 65535, size / 3, size / 2, size - 257, size - 2, size - 1};
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            u.n_read = 0;
            assert_ok(tlog_prove_inclusion(places[k], size, read_uniform, &u, proof, &n, &e), e);
            assert_true(u.n_read <= 16 && n <= 62);
            assert_true(tlog_check_inclusion(places[k], size, &u.at[0], proof, n, &root));
            assert_false(tlog_check_inclusion(places[k], size, &u.at[1], proof, n, &root));
            if (places[k] == 0)
                continue;
            struct tlog_tree old;
            struct tlog_hash was;
            u.size = places[k];
            assert_ok(tlog_open(places[k], read_uniform, &u, &old, &e), e);
            tlog_root(&old, &was);
            u.size = size;
            u.n_read = 0;
            assert_ok(tlog_prove_consistency(places[k], size, read_uniform, &u, proof, &n, &e), e);
            assert_true(u.n_read <= 16 && n <= 63);
            assert_true(tlog_check_consistency(places[k], size, &was, &root, proof, n));
        }
    }
}

TEST(what_is_no_tree_is_refused)
{
    struct uniform u = {.size = 0};
    struct tlog_hash proof[TLOG_PROOF_MAX];
    struct tlog_tree t;
    struct err e;
    size_t n;
    static const int64_t much = INT64_C(1) << 62;
    assert_int_equal(tlog_prove_inclusion(-1, 5, read_uniform, &u, proof, &n, &e), WL_EINVAL);
    assert_int_equal(tlog_prove_inclusion(5, 5, read_uniform, &u, proof, &n, &e), WL_EINVAL);
    assert_int_equal(tlog_prove_inclusion(0, much, read_uniform, &u, proof, &n, &e), WL_EINVAL);
    assert_int_equal(tlog_prove_consistency(-1, 5, read_uniform, &u, proof, &n, &e), WL_EINVAL);
    assert_int_equal(tlog_prove_consistency(6, 5, read_uniform, &u, proof, &n, &e), WL_EINVAL);
    assert_int_equal(tlog_prove_consistency(5, much, read_uniform, &u, proof, &n, &e), WL_EINVAL);
    assert_int_equal(tlog_open(-1, read_uniform, &u, &t, &e), WL_EINVAL);
    assert_int_equal(tlog_open(much, read_uniform, &u, &t, &e), WL_EINVAL);
    assert_int_equal(u.n_read, 0);
    assert_false(tlog_check_inclusion(INT64_MIN, INT64_MAX, &u.at[0], proof, 0, &u.at[0]));
    assert_false(tlog_check_inclusion(0, INT64_MAX, &u.at[0], proof, 0, &u.at[0]));
}

static int read_nothing(void *ctx, const struct tlog_tile *tile, struct tlog_hash ret[TLOG_TILE], struct err *e)
{
    (void)ctx;
    (void)ret;
    return err_set(e, WL_EIO, "tile %d/%lld is gone", tile->level, (long long)tile->n);
}

TEST(a_reader_that_fails_is_told_of)
{
    struct tlog_hash proof[TLOG_PROOF_MAX];
    struct tlog_tree t;
    struct err e;
    size_t n = 99;
    assert_int_equal(tlog_prove_inclusion(3, 70000, read_nothing, NULL, proof, &n, &e), WL_EIO);
    assert_string_equal(e.text, "tile 0/0 is gone");
    assert_int_equal(tlog_prove_consistency(3, 70000, read_nothing, NULL, proof, &n, &e), WL_EIO);
    assert_int_equal(tlog_open(70000, read_nothing, NULL, &t, &e), WL_EIO);
    assert_int_equal(n, 99);
}

TEST(paths)
{
    static const struct {
        struct tlog_tile tile;
        bool entries;
        const char *want;
    } rows[] = {
        {{0, 0, 256}, false, "tile/0/000"},
        {{0, 0, 1}, false, "tile/0/000.p/1"},
        {{1, 5, 255}, false, "tile/1/005.p/255"},
        {{0, 999, 256}, true, "tile/entries/999"},
        {{0, 1000, 256}, true, "tile/entries/x001/000"},
        {{0, 1234067, 256}, false, "tile/0/x001/x234/067"},
        {{0, 1234067, 17}, true, "tile/entries/x001/x234/067.p/17"},
        {{2, 1000000, 112}, false, "tile/2/x001/x000/000.p/112"},
        {{63, 0, 256}, false, "tile/63/000"},
        {{0, (INT64_C(1) << 54) - 1, 255}, true, "tile/entries/x018/x014/x398/x509/x481/983.p/255"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[TLOG_PATH_MAX];
        tlog_tile_path(&rows[i].tile, rows[i].entries, got);
        assert_string_equal(got, rows[i].want);
    }
}

TESTS(T(published_roots), T(published_proofs), T(long_entries_hash_as_short_ones), T(every_leaf_of_every_small_tree),
      T(every_growth_of_every_small_tree), T(opened_tree_goes_on), T(an_empty_tree_begins_every_tree), T(large_trees),
      T(what_is_no_tree_is_refused), T(a_reader_that_fails_is_told_of), T(paths))
