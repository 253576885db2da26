/* SPDX-License-Identifier: Apache-2.0
 * test_sign.c - the vectors of RFC 8032, section 7.1, and that nothing else than the signature of the text passes. */
#include "base/sign.h"

#include "base/digest.h"
#include "t.h"

static const struct {
    const char *secret, *public_key, *text, *signature;
} rows[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027beceea1ec40a"},
};

static struct str bytes(const char *hex, uint8_t *out)
{
    size_t n;
    assert_true(hex_decode(str_of(hex), out, 64, &n));
    return (struct str){(const char *)out, n};
}

TEST(vectors)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t secret[64], want_public[64], want[64], text[64], got[64];
        bytes(rows[i].secret, secret);
        bytes(rows[i].public_key, want_public);
        bytes(rows[i].signature, want);
        struct str t = bytes(rows[i].text, text);
        sign_public(secret, got);
        assert_memory_equal(got, want_public, SIGN_PUBLIC_BYTES);
        sign_text(secret, t, got);
        assert_memory_equal(got, want, SIGN_BYTES);
        assert_true(sign_check(want_public, t, want));
    }
}

TEST(every_changed_bit_is_seen)
{
    uint8_t secret[64], public_key[64], signature[64], text[64];
    bytes(rows[2].secret, secret);
    bytes(rows[2].public_key, public_key);
    bytes(rows[2].signature, signature);
    struct str t = bytes(rows[2].text, text);
    for (int i = 0; i < SIGN_BYTES * 8; i++) {
        signature[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(sign_check(public_key, t, signature));
        signature[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (int i = 0; i < 16; i++) {
        text[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(sign_check(public_key, t, signature));
        text[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_false(sign_check(public_key, (struct str){t.p, 1}, signature));
    assert_false(sign_check(public_key, (struct str){NULL, 0}, signature));
    assert_true(sign_check(public_key, t, signature));
}

/* A public key of small order (here the neutral point) would pass one signature for every text. */
TEST(weak_key_is_refused)
{
    uint8_t weak[SIGN_PUBLIC_BYTES] = {1}, signature[SIGN_BYTES] = {1};
    assert_false(sign_check(weak, STR("anything"), signature));
}

TESTS(T(vectors), T(every_changed_bit_is_seen), T(weak_key_is_refused))
