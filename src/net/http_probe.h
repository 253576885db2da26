/* SPDX-License-Identifier: Apache-2.0
 * http_probe.h - how far one gets towards an address, step by step: name, connection, certificate, answer.
 *
 * For people who look for what is wrong: http_fetch() says that a call failed, this says where, and what was measured on the
 * way. Nothing is sent but a GET without credentials. */
#ifndef WL_NET_HTTP_PROBE_H
#define WL_NET_HTTP_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum http_step { HTTP_STEP_NAME, HTTP_STEP_CONNECT, HTTP_STEP_TLS, HTTP_STEP_ANSWER, HTTP_STEP_DONE };

struct http_probe {
    enum http_step failed_at;                       /* DONE: an answer came, whatever it says */
    char host[256];                                 /* of the URL, "[::1]" in brackets; "" none */
    int port;                                       /* of the URL, or of its scheme */
    char address[64];                               /* what the name stands for, "" not known */
    int64_t name_ms, connect_ms, tls_ms, answer_ms; /* since the beginning; 0: not reached */
    int status;
    int version; /* 10, 11, 20 */
    bool tls;
    int64_t cert_until;   /* ms; 0: no certificate, or one whose end cannot be read */
    char date[40];        /* the Date header as it came; "" none */
    int64_t began, ended; /* wall clock, ms */
};

/* 0 when an answer came; WL_EIO with `ret` filled as far as it got. */
int http_probe(const char *url, const char *ca_file, int64_t timeout_ms, struct http_probe *ret, struct err *e);

/* Until when the first certificate of a PEM file is valid, ms. */
int http_certificate_until(const char *pem_file, int64_t *ret, struct err *e);

#endif
