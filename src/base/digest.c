/* SPDX-License-Identifier: Apache-2.0
 * digest.c - SHA-256, HMAC, SipHash, random bytes and their spellings.
 *
 * OpenSSL 3 looks algorithms up by name at every use unless told otherwise, which costs more than hashing a
 * webhook: the algorithms are fetched once a process and every thread keeps its own contexts. A thread's HMAC
 * context also remembers its last key, because a gateway verifies nearly everything with one app secret.
 * Failure of these primitives means a broken installation or no memory: the program aborts rather than
 * answer a wrong digest; only sha256() cannot fail. Random bytes come from the kernel alone. */
#include "base/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#define KEY_KEPT 128

struct contexts {
    EVP_MAC_CTX *mac;
    size_t key_len;
    bool key_known;
    uint8_t key[KEY_KEPT];
};

static EVP_MD *md_sha256;
static EVP_MAC *mac_hmac;
static pthread_key_t at_exit;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static _Thread_local struct contexts *mine;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void contexts_free(void *p)
{
    struct contexts *c = p;
    EVP_MAC_CTX_free(c->mac);
    OPENSSL_cleanse(c->key, sizeof c->key);
    free(c);
    mine = NULL;
}

static void fetch(void)
{
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    mac_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(md_sha256 != NULL && mac_hmac != NULL && pthread_key_create(&at_exit, contexts_free) == 0);
}

static struct contexts *contexts(void)
{
    if (mine != NULL)
        return mine;
    pthread_once(&fetched, fetch);
    struct contexts *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->mac = EVP_MAC_CTX_new(mac_hmac);
    must(c->mac != NULL);
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    must(EVP_MAC_CTX_set_params(c->mac, params) == 1 && pthread_setspecific(at_exit, c) == 0);
    mine = c;
    return c;
}

/* libsodium's, which needs no memory and keeps no state: rule sets are hashed in the library too, and a library
 * neither aborts nor leaves something behind in its caller's threads. */
void sha256(const void *p, size_t n, uint8_t ret[SHA256_BYTES])
{
    (void)crypto_hash_sha256(ret, p, n);
}

struct sha256_state {
    EVP_MD_CTX *ctx;
};

struct sha256_state *sha256_begin(void)
{
    pthread_once(&fetched, fetch);
    struct sha256_state *s = malloc(sizeof *s);
    must(s != NULL);
    s->ctx = EVP_MD_CTX_new();
    must(s->ctx != NULL && EVP_DigestInit_ex2(s->ctx, md_sha256, NULL) == 1);
    return s;
}

void sha256_add(struct sha256_state *s, const void *p, size_t n)
{
    must(EVP_DigestUpdate(s->ctx, p, n) == 1);
}

void sha256_end(struct sha256_state *s, uint8_t ret[SHA256_BYTES])
{
    must(EVP_DigestFinal_ex(s->ctx, ret, NULL) == 1);
    EVP_MD_CTX_free(s->ctx);
    free(s);
}

static void mac_begin(struct contexts *c, struct str key)
{
    if (c->key_known && c->key_len == key.n && digest_equal(c->key, key.p, key.n)) {
        must(EVP_MAC_init(c->mac, NULL, 0, NULL) == 1);
        return;
    }
    const char *p = key.n > 0 ? key.p : "";
    must(EVP_MAC_init(c->mac, (const unsigned char *)p, key.n, NULL) == 1);
    c->key_known = key.n <= sizeof c->key;
    if (c->key_known) {
        memcpy(c->key, p, key.n);
        c->key_len = key.n;
    }
}

void hmac_sha256(struct str key, struct str data, uint8_t ret[SHA256_BYTES])
{
    struct contexts *c = contexts();
    size_t n;
    mac_begin(c, key);
    must(EVP_MAC_update(c->mac, (const unsigned char *)data.p, data.n) == 1 &&
         EVP_MAC_final(c->mac, ret, &n, SHA256_BYTES) == 1 && n == SHA256_BYTES);
}

void hex_encode(const uint8_t *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(struct str hex, uint8_t *out, size_t max, size_t *ret_n)
{
    if (hex.n % 2 != 0 || hex.n / 2 > max)
        return false;
    for (size_t i = 0; i < hex.n; i++)
        if (hex_value(hex.p[i]) < 0)
            return false;
    for (size_t i = 0; i < hex.n / 2; i++)
        out[i] = (uint8_t)(hex_value(hex.p[2 * i]) << 4 | hex_value(hex.p[2 * i + 1]));
    *ret_n = hex.n / 2;
    return true;
}

static bool base64_put(struct buf *b, const void *p, size_t n, int variant)
{
    size_t need = n > b->max ? b->max : sodium_base64_encoded_len(n, variant) - 1;
    if (n > b->max || !buf_reserve(b, need)) {
        b->failed = true;
        return false;
    }
    sodium_bin2base64(b->data + b->len, need + 1, p, n, variant);
    b->len += need;
    return true;
}

bool base64url_encode(struct buf *b, const void *p, size_t n)
{
    return base64_put(b, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool base64_encode(struct buf *b, const void *p, size_t n)
{
    return base64_put(b, p, n, sodium_base64_VARIANT_ORIGINAL);
}

/* libsodium 1.0.18 takes some bytes beyond ASCII for digits, because it reads them as negative numbers. */
static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] > 0x7f)
            return false;
    return true;
}

bool base64_decode(struct str s, void *out, size_t max, size_t *ret_n)
{
    size_t n;
    /* libsodium refuses bits that stand for nothing and asks for the padding, so no bytes have two spellings. */
    if (!is_ascii(s) ||
        sodium_base642bin(out, max, s.n > 0 ? s.p : "", s.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    *ret_n = n;
    return true;
}

bool base64url_decode(struct str s, struct buf *out)
{
    size_t most = s.n / 4 * 3 + 3, n;
    struct buf whole;
    buf_init(&whole, most);
    /* Decoded aside, so that bad text leaves the buffer as it was. */
    bool ok = is_ascii(s) && buf_reserve(&whole, most) &&
              sodium_base642bin((unsigned char *)whole.data, most, s.n > 0 ? s.p : "", s.n, NULL, &n, NULL,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
              buf_put(out, whole.data, n);
    buf_done(&whole);
    return ok;
}

bool digest_equal(const void *a, const void *b, size_t n)
{
    return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

uint64_t hash64(const void *p, size_t n)
{
    /* Stored buckets depend on this key: it never changes. */
    static const uint8_t key[crypto_shorthash_KEYBYTES] = {'w', 'a', 'y', 'l', 'e', 'a', 'v', 'e',
                                                           ' ', 'b', 'u', 'c', 'k', 'e', 't', 's'};
    uint8_t h[crypto_shorthash_BYTES];
    uint64_t v = 0;
    crypto_shorthash(h, p, n, key);
    for (size_t i = 0; i < sizeof h; i++)
        v |= (uint64_t)h[i] << (8 * i);
    return v;
}

void random_bytes(void *out, size_t n)
{
    uint8_t *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        must(got > 0);
        p += got;
        n -= (size_t)got;
    }
}
