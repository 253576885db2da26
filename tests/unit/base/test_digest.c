/* SPDX-License-Identifier: Apache-2.0
 * test_digest.c - published vectors for every algorithm, the remembered HMAC key, strict decoding of hex and
 * base64url, and the bucket hash, whose values must never change because stored rows depend on them. */
#include "base/digest.h"

#include <pthread.h>

#include "t.h"

static const char *hex_of(const uint8_t d[SHA256_BYTES])
{
    static char out[SHA256_HEX];
    hex_encode(d, SHA256_BYTES, out);
    return out;
}

TEST(sha256_vectors)
{
    uint8_t d[SHA256_BYTES];
    sha256("abc", 3, d);
    assert_string_equal(hex_of(d), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256(NULL, 0, d);
    assert_string_equal(hex_of(d), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    char piece[1000];
    memset(piece, 'a', sizeof piece);
    struct sha256_state *s = sha256_begin();
    for (int i = 0; i < 1000; i++)
        sha256_add(s, piece, sizeof piece);
    sha256("in between", 10, d); /* a one-shot hash meanwhile must not disturb it */
    sha256_end(s, d);
    assert_string_equal(hex_of(d), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(hmac_vectors)
{
    static char key131[132];
    memset(key131, 0xaa, 131);
    static const struct {
        const char *key, *data, *want;
    } rows[] = {
        {"test_app_secret", "{\"object\":\"whatsapp_business_account\",\"entry\":[]}",
         "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"},
        {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"jefE", "what do ya want for nothing?", "d1f18e0fa8753d81d83be54ce4a35587785bf006173619d186dde1d0da7ac878"},
        {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
        {key131, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    enum { N = sizeof rows / sizeof *rows };
    /* Every key after every other and twice in a row: a remembered key must never answer for another. */
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++)
            for (int twice = 0; twice < 2; twice++) {
                uint8_t d[SHA256_BYTES];
                hmac_sha256(str_of(rows[i].key), str_of(rows[i].data), d);
                hmac_sha256(str_of(rows[k].key), str_of(rows[k].data), d);
                assert_string_equal(hex_of(d), rows[k].want);
            }
}

static void *hash_much(void *failed)
{
    uint8_t d[SHA256_BYTES], want[SHA256_BYTES];
    size_t n;
    hex_decode(STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), want, sizeof want, &n);
    for (int i = 0; i < 2000; i++) {
        hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), d);
        if (!digest_equal(d, want, sizeof d))
            *(int *)failed = 1;
    }
    return NULL;
}

TEST(threads_do_not_share_contexts)
{
    pthread_t threads[4];
    int failed[4] = {0};
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, hash_much, &failed[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failed[i], 0);
    }
}

TEST(hex)
{
    uint8_t out[4] = {9, 9, 9, 9};
    size_t n = 77;
    assert_true(hex_decode(STR("00fFA1"), out, sizeof out, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "\x00\xff\xa1", 3);
    assert_true(hex_decode(STR(""), out, 0, &n));
    assert_int_equal(n, 0);
    static const char *const bad[] = {"0", "0g", "g0", "0x", "00 ", " 0", "0011223344", "::"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (hex_decode(str_of(bad[i]), out, sizeof out, &n))
            fail_msg("\"%s\" was accepted", bad[i]);
    assert_int_equal(n, 0);
}

TEST(base64url)
{
    static const struct {
        const char *bytes, *text;
        size_t n;
    } rows[] = {{"", "", 0},
                {"f", "Zg", 1},
                {"fo", "Zm8", 2},
                {"foo", "Zm9v", 3},
                {"foobar", "Zm9vYmFy", 6},
                {"\xff\xfe\xfd", "__79", 3},
                {"\xfb\xf0", "-_A", 2},
                {"\0\0\0\0", "AAAAAA", 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 100);
        buf_puts(&b, "=");
        assert_true(base64url_encode(&b, rows[i].bytes, rows[i].n));
        assert_string_equal(buf_cstr(&b) + 1, rows[i].text);
        buf_clear(&b);
        buf_puts(&b, "=");
        assert_true(base64url_decode(str_of(rows[i].text), &b));
        assert_int_equal(b.len, rows[i].n + 1);
        assert_memory_equal(b.data + 1, rows[i].bytes, rows[i].n);
        buf_done(&b);
    }
    static const char *const bad[] = {"Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm 9v", "Zg\n", "Zm9vY"};
    struct buf b;
    buf_init(&b, 100);
    buf_puts(&b, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (base64url_decode(str_of(bad[i]), &b))
            fail_msg("\"%s\" was accepted", bad[i]);
    assert_str(buf_str(&b), "kept");
    buf_done(&b);
    buf_init(&b, 7);
    assert_false(base64url_encode(&b, "foobar", 6));
    buf_done(&b);
    buf_init(&b, 8);
    assert_true(base64url_encode(&b, "foobar", 6));
    buf_done(&b);
}

TEST(equality_and_buckets)
{
    assert_true(digest_equal("abc", "abc", 3));
    assert_false(digest_equal("abc", "abd", 3));
    assert_true(digest_equal(NULL, NULL, 0));
    /* Written once, kept for ever. */
    assert_true(hash64("", 0) == UINT64_C(0xdc3546df678815b8));
    assert_true(hash64("5511987654321", 13) == UINT64_C(0xf470f501e82182be));
    /* 64 buckets of 6,400 keys: none may be off by more than half, or the buckets are not spread. */
    int bucket[64] = {0};
    for (int i = 0; i < 6400; i++)
        bucket[hash64(&i, sizeof i) % 64]++;
    for (int i = 0; i < 64; i++)
        assert_in_range(bucket[i], 50, 150);
}

TEST(random_is_not_constant)
{
    uint8_t a[300] = {0}, b[300] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    int zeros = 0;
    for (size_t i = 0; i < sizeof a; i++)
        zeros += a[i] == 0;
    assert_true(zeros < 30); /* expected 1.2 */
    random_bytes(a, 0);
}

TEST(base64)
{
    static const struct {
        const char *plain, *text;
    } rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xfb\xff", "+/8="}};
    static const char *bad[] = {"Zg",    "Zg=",  "Zh==", "Zm9=",     "Zm9v\n",    " Zm9v",
                                "Zm 9v", "-_8=", "=",    "Zg==Zg==", "Zm9vZm9v=", "Zm9vZm9vZm9v"};
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[8];
        size_t n = 99;
        buf_clear(&b);
        assert_true(base64_encode(&b, rows[i].plain, strlen(rows[i].plain)));
        assert_string_equal(buf_cstr(&b), rows[i].text);
        assert_true(base64_decode(str_of(rows[i].text), out, sizeof out, &n));
        assert_int_equal(n, strlen(rows[i].plain));
        assert_memory_equal(out, rows[i].plain, n);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char out[8];
        size_t n = 99;
        if (base64_decode(str_of(bad[i]), out, sizeof out, &n))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(n, 99);
    }
    buf_done(&b);
}

/* Every byte that is no digit of the alphabet, at each place of a group: libsodium alone takes some of them. */
TEST(base64_of_other_bytes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int c = 0; c < 256; c++)
        for (int at = 0; at < 4; at++) {
            char text[] = "AAAA", out[8];
            struct buf b;
            size_t n;
            text[at] = (char)c;
            buf_init(&b, 64);
            bool known = c != 0 && strchr(plain, c) != NULL, known_url = c != 0 && strchr(url, c) != NULL;
            bool padding = c == '=' && at == 3; /* "AAA=" is two bytes */
            assert_int_equal(base64_decode((struct str){text, 4}, out, sizeof out, &n), known || padding);
            assert_int_equal(base64url_decode((struct str){text, 4}, &b), known_url);
            buf_done(&b);
        }
}

TESTS(T(base64_of_other_bytes), T(sha256_vectors), T(hmac_vectors), T(threads_do_not_share_contexts), T(hex),
      T(base64url), T(base64), T(equality_and_buckets), T(random_is_not_constant))
