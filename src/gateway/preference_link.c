/* SPDX-License-Identifier: Apache-2.0
 * preference_link.c - bucket, person and end of the link, and a signature over them, as base64url.
 *
 * The signature is an HMAC cut to 16 bytes, compared in constant time. */
#include "gateway/preference_link.h"

#include <string.h>

#define MINUTE_MS       60000
#define FIELDS          14 /* bucket 2, contact 8, minutes 4; big end first */
#define SIGNATURE_BYTES 16
#define PURPOSE         "preferences"

static void put(uint8_t *to, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, v >>= 8)
        to[i] = (uint8_t)v;
}

static uint64_t get(const uint8_t *from, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | from[i];
    return v;
}

/* The purpose is signed, too: no other signature made with the key is one of these. */
static void sign(const uint8_t key[SHA256_BYTES], const uint8_t fields[FIELDS], uint8_t ret[SHA256_BYTES])
{
    char text[sizeof PURPOSE + FIELDS] = PURPOSE;
    memcpy(text + sizeof PURPOSE, fields, FIELDS);
    hmac_sha256((struct str){(const char *)key, SHA256_BYTES}, (struct str){text, sizeof text}, ret);
}

char *preference_link_write(const uint8_t key[SHA256_BYTES], const struct preference_link *l,
                            char out[PREFERENCE_TOKEN])
{
    uint8_t bytes[FIELDS + SHA256_BYTES];
    struct buf text;
    put(bytes, (uint64_t)l->bucket, 2);
    put(bytes + 2, (uint64_t)l->contact, 8);
    put(bytes + 10, (uint64_t)(l->until / MINUTE_MS), 4);
    sign(key, bytes, bytes + FIELDS);
    buf_init(&text, PREFERENCE_TOKEN);
    base64url_encode(&text, bytes, FIELDS + SIGNATURE_BYTES);
    memcpy(out, buf_cstr(&text), text.len + 1);
    buf_done(&text);
    return out;
}

bool preference_link_read(const uint8_t key[SHA256_BYTES], struct str token, int64_t now, struct preference_link *ret)
{
    uint8_t want[SHA256_BYTES];
    struct buf bytes;
    bool good = false;
    buf_init(&bytes, PREFERENCE_TOKEN);
    if (token.n < PREFERENCE_TOKEN && base64url_decode(token, &bytes) && bytes.len == FIELDS + SIGNATURE_BYTES) {
        const uint8_t *p = (const uint8_t *)buf_cstr(&bytes);
        struct preference_link l = {.bucket = (int)get(p, 2),
                                    .contact = (int64_t)get(p + 2, 8),
                                    .until = (int64_t)get(p + 10, 4) * MINUTE_MS};
        sign(key, p, want);
        good = digest_equal(want, p + FIELDS, SIGNATURE_BYTES) && now < l.until;
        if (good)
            *ret = l;
    }
    buf_done(&bytes);
    return good;
}
