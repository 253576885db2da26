/* SPDX-License-Identifier: Apache-2.0
 * timestamp.c - RFC 3161 queries and answers, by OpenSSL's TS module.
 *
 * Version, status, imprint and nonce are always checked; the signature and its chain where a certificate is given to check
 * them against. The answer is kept as it came, so anybody can check it again with `openssl ts -verify`. */
#include "base/timestamp.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

static int openssl_said(struct err *e, int code, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return err_set(e, code, "%s: %s", what, why != NULL ? why : "no reason given");
}

static TS_MSG_IMPRINT *imprint_of(const uint8_t digest[SHA256_BYTES])
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    bool good = imprint != NULL && algorithm != NULL &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
                TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
                TS_MSG_IMPRINT_set_msg(imprint, (unsigned char *)digest, SHA256_BYTES) == 1;
    X509_ALGOR_free(algorithm);
    if (good)
        return imprint;
    TS_MSG_IMPRINT_free(imprint);
    return NULL;
}

int timestamp_query(const uint8_t digest[SHA256_BYTES], int64_t nonce, struct buf *out, struct err *e)
{
    TS_REQ *query = TS_REQ_new();
    TS_MSG_IMPRINT *imprint = imprint_of(digest);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    unsigned char *bytes = NULL;
    int n = -1;
    if (query != NULL && imprint != NULL && number != NULL && ASN1_INTEGER_set_int64(number, nonce) == 1 &&
        TS_REQ_set_version(query, 1) == 1 && TS_REQ_set_msg_imprint(query, imprint) == 1 &&
        TS_REQ_set_nonce(query, number) == 1 && TS_REQ_set_cert_req(query, 1) == 1)
        n = i2d_TS_REQ(query, &bytes);
    if (n > 0)
        buf_put(out, bytes, (size_t)n);
    OPENSSL_free(bytes);
    ASN1_INTEGER_free(number);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(query);
    return n > 0 && !out->failed ? 0 : openssl_said(e, WL_ENOMEM, "a time-stamp query could not be made");
}

/* What the answer has to be. NULL: it cannot be worked out. */
static TS_VERIFY_CTX *wanted(struct str query, const char *ca_file)
{
    const unsigned char *at = (const unsigned char *)query.p;
    TS_REQ *asked = d2i_TS_REQ(NULL, &at, (long)query.n);
    TS_VERIFY_CTX *ctx = asked != NULL ? TS_REQ_to_TS_VERIFY_CTX(asked, NULL) : NULL;
    TS_REQ_free(asked);
    if (ctx == NULL || ca_file == NULL)
        return ctx;
    X509_STORE *trusted = X509_STORE_new();
    if (trusted == NULL || X509_STORE_load_file(trusted, ca_file) != 1) {
        X509_STORE_free(trusted);
        TS_VERIFY_CTX_free(ctx);
        return NULL;
    }
    TS_VERIFY_CTX_set_store(ctx, trusted);
    TS_VERIFY_CTX_add_flags(ctx, TS_VFY_SIGNATURE);
    return ctx;
}

static bool time_of(TS_RESP *reply, int64_t *ret_at)
{
    int days, seconds;
    TS_TST_INFO *info = TS_RESP_get_tst_info(reply);
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool good =
        info != NULL && epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, TS_TST_INFO_get_time(info)) == 1;
    if (good)
        *ret_at = ((int64_t)days * 86400 + seconds) * 1000;
    ASN1_TIME_free(epoch);
    return good;
}

int timestamp_check(struct str reply, struct str query, const char *ca_file, int64_t *ret_at, struct err *e)
{
    const unsigned char *at = (const unsigned char *)reply.p;
    TS_VERIFY_CTX *ctx = wanted(query, ca_file);
    TS_RESP *answer = ctx != NULL ? d2i_TS_RESP(NULL, &at, (long)reply.n) : NULL;
    int rc = 0;
    if (ctx == NULL)
        rc = openssl_said(e, WL_EINVAL, ca_file != NULL ? ca_file : "the query for a time-stamp cannot be read");
    else if (answer == NULL || at != (const unsigned char *)reply.p + reply.n)
        rc = openssl_said(e, WL_EDENIED, "the answer is no time-stamp");
    else if (TS_RESP_verify_response(ctx, answer) != 1)
        rc = openssl_said(e, WL_EDENIED, "the time-stamp is not what was asked for");
    else if (!time_of(answer, ret_at))
        rc = err_set(e, WL_EDENIED, "the time-stamp has no time");
    TS_RESP_free(answer);
    TS_VERIFY_CTX_free(ctx);
    return rc;
}
