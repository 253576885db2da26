/* SPDX-License-Identifier: Apache-2.0
 * fuzz_terms.c - keys and times as strangers write them.
 *
 * The first line is a key, what follows a body. Promised: a key that was taken has 1 to 255 visible characters, and reads
 * the same again when it is put into quotes; times that were taken lie in order, and not farther ahead than allowed. */
#include <stdlib.h>

#include "gateway/send_terms.h"
#include "store/idempotency.h"

#define NOW INT64_C(1795312800000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void key(struct str text, struct arena *a)
{
    struct str once, twice;
    char quoted[2 * IDEMPOTENCY_TEXT_MAX + 2];
    size_t n = 0;
    if (terms_key(text, "key", a, &once, NULL) != 0)
        return;
    must(once.n >= 1 && once.n <= IDEMPOTENCY_TEXT_MAX);
    quoted[n++] = '"';
    for (size_t i = 0; i < once.n; i++) {
        must(once.p[i] > ' ' && once.p[i] < 0x7f);
        if (once.p[i] == '"' || once.p[i] == '\\')
            quoted[n++] = '\\';
        quoted[n++] = once.p[i];
    }
    quoted[n++] = '"';
    must(terms_key((struct str){quoted, n}, "key", a, &twice, NULL) == 0 && str_eq(once, twice));
}

static void times(struct json v)
{
    int64_t from = -1, until = -1;
    const char *field = NULL;
    if (terms_times(json_get(v, "not_before"), json_get(v, "expires"), NOW, &from, &until, &field, NULL) != 0) {
        must(from == -1 && until == -1 && field != NULL);
        return;
    }
    must(from >= 0 && from <= NOW + TERMS_NOT_BEFORE_MAX);
    must(until > NOW && until > from && until <= NOW + TERMS_EXPIRES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest, line = str_cut((struct str){(const char *)data, size}, '\n', &rest);
    struct arena *a = arena_create(1u << 20);
    struct json_parser *p = json_parser_create();
    struct json v;
    key(line, a);
    if (rest.p != NULL && json_parse(p, rest, false, &v, NULL) == 0) {
        times(v);
        must(terms_fingerprint(1, PATH_MESSAGES, v) == terms_fingerprint(1, PATH_MESSAGES, v));
    }
    json_parser_free(p);
    arena_free(a);
    return 0;
}
