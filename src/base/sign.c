/* SPDX-License-Identifier: Apache-2.0
 * sign.c - Ed25519 of RFC 8032.
 *
 * libsodium works with seed and public key side by side; the pair is made from the seed at each use, which costs less than a
 * second signature, and wiped. Checking refuses what has a second spelling: a scalar that is not reduced, a point of small order. */
#include "base/sign.h"

#include <sodium.h>

_Static_assert(SIGN_SECRET_BYTES == crypto_sign_SEEDBYTES && SIGN_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES &&
                   SIGN_BYTES == crypto_sign_BYTES,
               "the sizes are Ed25519's");

void sign_public(const uint8_t secret[SIGN_SECRET_BYTES], uint8_t ret[SIGN_PUBLIC_BYTES])
{
    uint8_t pair[crypto_sign_SECRETKEYBYTES];
    (void)crypto_sign_seed_keypair(ret, pair, secret);
    sodium_memzero(pair, sizeof pair);
}

void sign_text(const uint8_t secret[SIGN_SECRET_BYTES], struct str text, uint8_t ret[SIGN_BYTES])
{
    uint8_t pair[crypto_sign_SECRETKEYBYTES], public_key[SIGN_PUBLIC_BYTES];
    (void)crypto_sign_seed_keypair(public_key, pair, secret);
    (void)crypto_sign_detached(ret, NULL, (const uint8_t *)(text.n > 0 ? text.p : ""), text.n, pair);
    sodium_memzero(pair, sizeof pair);
}

bool sign_check(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct str text, const uint8_t signature[SIGN_BYTES])
{
    return crypto_sign_verify_detached(signature, (const uint8_t *)(text.n > 0 ? text.p : ""), text.n, public_key) == 0;
}
