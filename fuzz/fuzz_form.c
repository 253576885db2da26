/* SPDX-License-Identifier: Apache-2.0
 * fuzz_form.c - any first line as a content type, the rest as a body: multipart, urlencoded and escapes.
 *
 * What must hold: a refusal leaves no form behind; every field lies in memory of its own, ends in a NUL and is within
 * the limits; a multipart value is exactly the bytes of the body it claims to be, and parts do not overlap; what is
 * percent-encoded decodes to itself. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_text(struct str s)
{
    must(s.p == NULL ? s.n == 0 : s.p[s.n] == '\0');
}

static void check_multipart(struct arena *a, struct str type, struct str body)
{
    struct form f = {NULL, 0};
    size_t end = 0;
    if (form_multipart(a, type, body, &f, NULL) != 0) {
        must(f.fields == NULL && f.n == 0);
        return;
    }
    must(f.n <= FORM_MAX_FIELDS && media_type_is(type, "multipart/form-data"));
    for (size_t i = 0; i < f.n; i++) {
        const struct form_field *field = &f.fields[i];
        check_text(field->name);
        check_text(field->value);
        check_text(field->filename);
        check_text(field->content_type);
        must(field->value_at >= end && field->value_at + field->value.n <= body.n);
        must(memcmp(body.p + field->value_at, field->value.p, field->value.n) == 0);
        end = field->value_at + field->value.n;
    }
}

static void check_urlencoded(struct arena *a, struct str text)
{
    struct form f = {NULL, 0};
    if (form_urlencoded(a, text, &f, NULL) != 0) {
        must(f.fields == NULL && f.n == 0);
        return;
    }
    for (size_t i = 0; i < f.n; i++) {
        check_text(f.fields[i].name);
        check_text(f.fields[i].value);
        must(f.fields[i].name.n + f.fields[i].value.n <= text.n);
    }
}

static void check_escapes(struct arena *a, struct str text)
{
    struct buf b;
    struct str back;
    buf_init(&b, text.n * 3 + 1);
    percent_encode(&b, text);
    must(!b.failed && percent_decode(a, buf_str(&b), &back) && str_eq(back, text));
    if (percent_decode(a, text, &back))
        must(back.n <= text.n);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_create(64 << 20);
    struct str body, all = {(const char *)data, size};
    if (a == NULL || size == 0 || size > 1 << 20) {
        arena_free(a);
        return 0;
    }
    struct str type = str_cut(all, '\n', &body);
    if (body.p != NULL)
        check_multipart(a, type, body);
    check_urlencoded(a, all);
    check_escapes(a, all);
    arena_free(a);
    return 0;
}
