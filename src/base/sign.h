/* SPDX-License-Identifier: Apache-2.0
 * sign.h - Ed25519 signatures over libsodium.
 *
 * The secret is the 32-byte seed; the same seed gives the same key and, of the same text, the same signature. */
#ifndef WL_BASE_SIGN_H
#define WL_BASE_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define SIGN_SECRET_BYTES 32
#define SIGN_PUBLIC_BYTES 32
#define SIGN_BYTES        64

void sign_public(const uint8_t secret[SIGN_SECRET_BYTES], uint8_t ret[SIGN_PUBLIC_BYTES]);
void sign_text(const uint8_t secret[SIGN_SECRET_BYTES], struct str text, uint8_t ret[SIGN_BYTES]);
bool sign_check(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct str text, const uint8_t signature[SIGN_BYTES]);

#endif
