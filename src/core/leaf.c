/* SPDX-License-Identifier: Apache-2.0
 * leaf.c - entries of the log as bytes, and the tags and commitments in them.
 *
 * Of the time only the hour is written: enough to say in which order and about when, too little to find a person by what else
 * happened at that moment. What must be zero is checked, so that one entry has one spelling. */
#include "core/leaf.h"

#include <string.h>

#define HOUR_MS ((int64_t)3600000)

static const char record_domain[] = "wayleave record v1\n";

static void put_be(uint8_t *out, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        out[i] = (uint8_t)v;
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

const char *leaf_kind_name(enum leaf_kind k)
{
    switch (k) {
    case LEAF_GRANT:
        return "grant";
    case LEAF_WITHDRAW:
        return "withdraw";
    case LEAF_STOP:
        return "stop";
    case LEAF_RESUME:
        return "resume";
    case LEAF_ERASURE:
        return "erasure";
    case LEAF_RULES:
        return "rules";
    case LEAF_CAMPAIGN:
        return "campaign";
    }
    return "unknown";
}

static bool is_kind(int v)
{
    return (v >= LEAF_GRANT && v <= LEAF_ERASURE) || v == LEAF_RULES || v == LEAF_CAMPAIGN;
}

/* Hours since the epoch in four bytes: a time before it is the first hour, one after the year 491,000 the last. */
static uint64_t hours_of(int64_t ms)
{
    int64_t hours = ms > 0 ? ms / HOUR_MS : 0;
    return hours < UINT32_MAX ? (uint64_t)hours : UINT32_MAX;
}

void leaf_write(const struct leaf *l, uint8_t ret[LEAF_BYTES])
{
    memset(ret, 0, LEAF_BYTES);
    ret[0] = LEAF_VERSION;
    ret[1] = (uint8_t)l->kind;
    put_be(ret + 4, hours_of(l->at), 4);
    put_be(ret + 8, l->count, 8);
    memcpy(ret + 16, l->tag, SHA256_BYTES);
    memcpy(ret + 16 + SHA256_BYTES, l->commit, SHA256_BYTES);
}

int leaf_read(const void *p, size_t n, struct leaf *ret, struct err *e)
{
    static const uint8_t zero[SHA256_BYTES];
    const uint8_t *b = p;
    struct leaf l;
    if (n != LEAF_BYTES)
        return err_set(e, WL_EINVAL, "an entry has %zu bytes instead of %d", n, LEAF_BYTES);
    if (b[0] != LEAF_VERSION)
        return err_set(e, WL_EINVAL, "an entry of version %d is not known", b[0]);
    if (!is_kind(b[1]))
        return err_set(e, WL_EINVAL, "an entry of kind %d is not known", b[1]);
    if (b[2] != 0 || b[3] != 0 || memcmp(b + LEAF_BYTES - sizeof zero, zero, sizeof zero) != 0)
        return err_set(e, WL_EINVAL, "an entry is not zero where it must be");
    memset(&l, 0, sizeof l);
    l.kind = (enum leaf_kind)b[1];
    l.at = (int64_t)get_be(b + 4, 4) * HOUR_MS;
    l.count = get_be(b + 8, 8);
    memcpy(l.tag, b + 16, SHA256_BYTES);
    memcpy(l.commit, b + 16 + SHA256_BYTES, SHA256_BYTES);
    if (l.count != 0 && l.kind != LEAF_ERASURE)
        return err_set(e, WL_EINVAL, "an entry that is no erasure counts something");
    *ret = l;
    return 0;
}

static void derive(const uint8_t key[LEAF_KEY_BYTES], struct str what, uint64_t n, uint8_t ret[SHA256_BYTES])
{
    char text[16];
    memcpy(text, what.p, what.n);
    put_be((uint8_t *)text + what.n, n, 8);
    hmac_sha256((struct str){(const char *)key, LEAF_KEY_BYTES}, (struct str){text, what.n + 8}, ret);
}

void leaf_tag(const uint8_t key[LEAF_KEY_BYTES], uint64_t n, uint8_t ret[SHA256_BYTES])
{
    derive(key, STR("tag"), n, ret);
}

void leaf_salt(const uint8_t key[LEAF_KEY_BYTES], uint64_t n, uint8_t ret[SHA256_BYTES])
{
    derive(key, STR("salt"), n, ret);
}

void leaf_commit(const uint8_t salt[SHA256_BYTES], struct str record, uint8_t ret[SHA256_BYTES])
{
    struct sha256_state *s = sha256_begin();
    sha256_add(s, record_domain, sizeof record_domain - 1);
    sha256_add(s, salt, SHA256_BYTES);
    sha256_add(s, record.p != NULL ? record.p : "", record.n);
    sha256_end(s, ret);
}
