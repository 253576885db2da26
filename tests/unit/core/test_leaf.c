/* SPDX-License-Identifier: Apache-2.0
 * test_leaf.c - entries byte by byte, what is refused of them, and tags and commitments against values of another program (Python's
 * hmac and hashlib). The format can never change: entries of old logs stay as they are. */
#include "core/leaf.h"

#include "t.h"

static const int64_t hour = 3600000;

static struct leaf example(enum leaf_kind kind)
{
    struct leaf l = {.kind = kind,
                     .at = 488888 * hour + 1234567,
                     .count = kind == LEAF_ERASURE ? 0x0102030405060708 : 0};
    for (int i = 0; i < SHA256_BYTES; i++) {
        l.tag[i] = (uint8_t)(0x40 + i);
        l.commit[i] = (uint8_t)(0x80 + i);
    }
    return l;
}

TEST(bytes)
{
    static const char want[] = "01050000"
                               "000775b8"
                               "0102030405060708"
                               "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
                               "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
                               "0000000000000000000000000000000000000000000000000000000000000000";
    uint8_t b[LEAF_BYTES];
    char hex[2 * LEAF_BYTES + 1];
    struct leaf l = example(LEAF_ERASURE);
    leaf_write(&l, b);
    hex_encode(b, sizeof b, hex);
    assert_string_equal(hex, want);
}

TEST(every_kind_there_and_back)
{
    int n = 0;
    for (int kind = 0; kind < 256; kind++) {
        uint8_t b[LEAF_BYTES], again[LEAF_BYTES];
        struct leaf l = example((enum leaf_kind)kind), got;
        struct err e;
        leaf_write(&l, b);
        bool known = strcmp(leaf_kind_name((enum leaf_kind)kind), "unknown") != 0;
        if (!known) {
            assert_int_equal(leaf_read(b, sizeof b, &got, &e), WL_EINVAL);
            continue;
        }
        n++;
        assert_ok(leaf_read(b, sizeof b, &got, &e), e);
        assert_int_equal(got.kind, kind);
        assert_int_equal(got.at, 488888 * hour);
        assert_int_equal(got.count, l.count);
        assert_memory_equal(got.tag, l.tag, SHA256_BYTES);
        assert_memory_equal(got.commit, l.commit, SHA256_BYTES);
        leaf_write(&got, again);
        assert_memory_equal(again, b, sizeof b);
    }
    assert_int_equal(n, 7);
}

TEST(names)
{
    assert_string_equal(leaf_kind_name(LEAF_GRANT), "grant");
    assert_string_equal(leaf_kind_name(LEAF_WITHDRAW), "withdraw");
    assert_string_equal(leaf_kind_name(LEAF_STOP), "stop");
    assert_string_equal(leaf_kind_name(LEAF_RESUME), "resume");
    assert_string_equal(leaf_kind_name(LEAF_ERASURE), "erasure");
    assert_string_equal(leaf_kind_name(LEAF_RULES), "rules");
    assert_string_equal(leaf_kind_name(LEAF_CAMPAIGN), "campaign");
}

/* Of every byte: what a change of it does. */
TEST(one_spelling)
{
    uint8_t b[LEAF_BYTES];
    struct leaf l = example(LEAF_GRANT), got;
    struct err e;
    leaf_write(&l, b);
    for (int i = 0; i < LEAF_BYTES; i++) {
        b[i] ^= 0x20;
        int rc = leaf_read(b, sizeof b, &got, &e);
        bool free_bytes = (i >= 4 && i < 8) || (i >= 16 && i < 80);
        assert_int_equal(rc, free_bytes ? 0 : WL_EINVAL);
        b[i] ^= 0x20;
    }
    assert_int_equal(leaf_read(b, LEAF_BYTES - 1, &got, &e), WL_EINVAL);
    assert_int_equal(leaf_read(b, 0, &got, &e), WL_EINVAL);
    uint8_t longer[LEAF_BYTES + 1] = {0};
    memcpy(longer, b, sizeof b);
    assert_int_equal(leaf_read(longer, sizeof longer, &got, &e), WL_EINVAL);
}

TEST(times_at_the_ends)
{
    static const struct {
        int64_t at, want;
    } rows[] = {{0, 0},
                {-1, 0},
                {INT64_MIN, 0},
                {3600000 - 1, 0},
                {3600000, 3600000},
                {INT64_MAX, INT64_C(4294967295) * 3600000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t b[LEAF_BYTES];
        struct leaf l = {.kind = LEAF_STOP, .at = rows[i].at}, got;
        struct err e;
        leaf_write(&l, b);
        assert_ok(leaf_read(b, sizeof b, &got, &e), e);
        assert_int_equal(got.at, rows[i].want);
    }
}

static void assert_hex(const uint8_t got[SHA256_BYTES], const char *want)
{
    char hex[SHA256_HEX];
    hex_encode(got, SHA256_BYTES, hex);
    assert_string_equal(hex, want);
}

TEST(tags_and_salts)
{
    static const struct {
        uint64_t n;
        const char *tag, *salt;
    } rows[] = {
        {UINT64_C(0), "18304f168b18f26db7f9724e12f3f3221c38a40f7e691b86b6720ea9f42c56c9",
         "212d2fdec2115cae27a42bee7fdea1c31c2d5cd1378f3b40424524c9c8614628"},
        {UINT64_C(1), "a7e210c4bc74d82d4c86822f29dbfa80e08d946a14310a9e77e6232fc7f384bb",
         "d10ae5e5bba199733b7fc33bb7240ff0b5e69318cc668333e6c557dbb1820a0c"},
        {UINT64_C(1099511627781), "492abdbca7548668b461e978ab2a784f3bed8cdc10b58cf83c517b039c93360e",
         "eec69abf23e1d6659f5e2b598362f4e9305e0f77f5cf3bc3cbe9daf6360f7020"},
    };
    uint8_t key[LEAF_KEY_BYTES], got[SHA256_BYTES];
    for (int i = 0; i < LEAF_KEY_BYTES; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        leaf_tag(key, rows[i].n, got);
        assert_hex(got, rows[i].tag);
        leaf_salt(key, rows[i].n, got);
        assert_hex(got, rows[i].salt);
    }
}

TEST(commitments)
{
    uint8_t salt[SHA256_BYTES], got[SHA256_BYTES];
    for (int i = 0; i < SHA256_BYTES; i++)
        salt[i] = (uint8_t)(100 + i);
    leaf_commit(salt, STR("{\"a\":1}"), got);
    assert_hex(got, "3f81aa7655e4b5098fe9a397576554df791cecb02b1ba1e2c15d9276984f50b6");
    leaf_commit(salt, (struct str){NULL, 0}, got);
    assert_hex(got, "5905e67537986b3bb3ad3979bc0417c43691cc2be502feca4a5be6843554dc03");
}

TESTS(T(bytes), T(every_kind_there_and_back), T(names), T(one_spelling), T(times_at_the_ends), T(tags_and_salts),
      T(commitments))
