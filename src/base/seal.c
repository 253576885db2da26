/* SPDX-License-Identifier: Apache-2.0
 * seal.c - libsodium's secretbox, a random nonce in front of each sealed text.
 *
 * What is sealed is short (a webhook secret), so texts are bounded. The nonce is random: 24 bytes never meet again. The
 * primitive needs no memory and keeps no state. */
#include "base/seal.h"

#include <sodium.h>

#include "base/digest.h"

#define SEAL_TEXT_MAX (64u << 10)

_Static_assert(SEAL_KEY_BYTES == crypto_secretbox_KEYBYTES, "the key is secretbox's");
_Static_assert(SEAL_MORE == crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES, "nonce and tag stand in front");

int seal(const uint8_t key[SEAL_KEY_BYTES], struct str text, struct buf *out, struct err *e)
{
    uint8_t nonce[crypto_secretbox_NONCEBYTES];
    if (text.n > SEAL_TEXT_MAX)
        return err_set(e, WL_ETOOBIG, "a secret has at most %u bytes", SEAL_TEXT_MAX);
    if (!buf_reserve(out, text.n + SEAL_MORE))
        return err_set(e, WL_ENOMEM, "out of memory");
    random_bytes(nonce, sizeof nonce);
    uint8_t *at = (uint8_t *)out->data + out->len + sizeof nonce;
    if (crypto_secretbox_easy(at, (const uint8_t *)(text.n > 0 ? text.p : ""), text.n, nonce, key) != 0)
        return err_set(e, WL_EBUG, "a secret could not be sealed");
    memcpy(out->data + out->len, nonce, sizeof nonce);
    out->len += text.n + SEAL_MORE;
    out->data[out->len] = '\0';
    return 0;
}

int unseal(const uint8_t key[SEAL_KEY_BYTES], struct str sealed, struct arena *a, struct str *ret, struct err *e)
{
    if (sealed.n < SEAL_MORE || sealed.n > SEAL_TEXT_MAX + SEAL_MORE)
        return err_set(e, WL_EDENIED, "this is no sealed secret");
    size_t n = sealed.n - SEAL_MORE;
    char *text = arena_alloc(a, n + 1);
    if (text == NULL)
        return err_set(e, WL_ENOMEM, "the secret does not fit its memory");
    const uint8_t *nonce = (const uint8_t *)sealed.p;
    if (crypto_secretbox_open_easy((uint8_t *)text, nonce + crypto_secretbox_NONCEBYTES,
                                   sealed.n - crypto_secretbox_NONCEBYTES, nonce, key) != 0)
        return err_set(e, WL_EDENIED, "the secret was sealed with another key, or changed since");
    *ret = (struct str){text, n};
    return 0;
}
