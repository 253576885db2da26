/* SPDX-License-Identifier: Apache-2.0
 * webhook_own.c - the two words of webhook_own.h: each an HMAC of a text that is no JSON, so that neither key ever signs a body
 * by it. */
#include "gateway/webhook_own.h"

void webhook_probe_proof(struct str secret, char out[SHA256_HEX])
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(secret, STR("wayleave probe"), mac);
    hex_encode(mac, sizeof mac, out);
}

void webhook_via(const uint8_t key[32], char out[WEBHOOK_VIA])
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256((struct str){(const char *)key, 32}, STR("wayleave via"), mac);
    hex_encode(mac, (WEBHOOK_VIA - 1) / 2, out);
}
