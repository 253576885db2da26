/* SPDX-License-Identifier: Apache-2.0
 * form.c - query strings, urlencoded and multipart bodies into fields.
 *
 * One pass each, no recursion, every length taken from the text and every byte copied into the caller's arena.
 * The multipart reader accepts exactly what browsers and HTTP libraries write (RFC 7578): whatever two readers
 * could understand differently - text before the first boundary, a boundary that is only the start of a longer
 * word, two Content-Disposition lines, a transfer encoding - is refused, because we decide on what we read and
 * forward what we received. It refuses to guess character sets. */
#include "net/form.h"

#include <stdlib.h>
#include <string.h>

#define PART_HEADERS_MAX 16
#define BOUNDARY_MAX     70 /* RFC 2046 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct arena *a, struct str s, bool plus, struct str *ret)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    if (out == NULL)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        out[n++] = c;
    }
    *ret = (struct str){out, n};
    return true;
}

bool percent_decode(struct arena *a, struct str s, struct str *ret)
{
    return decode(a, s, false, ret);
}

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void percent_encode(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved((char)c)) {
            buf_putc(b, (char)c);
        } else {
            char three[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_put(b, three, sizeof three);
        }
    }
}

bool media_type_is(struct str content_type, const char *type)
{
    struct str rest;
    return str_ieq(str_trim(str_cut(content_type, ';', &rest)), str_of(type));
}

const struct form_field *form_get(const struct form *f, const char *name)
{
    struct str want = str_of(name);
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->fields[i].name, want))
            return &f->fields[i];
    return NULL;
}

int form_urlencoded(struct arena *a, struct str text, struct form *ret, struct err *e)
{
    size_t count = 1, n = 0;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == '&';
    if (count > FORM_MAX_FIELDS)
        return err_set(e, WL_ETOOBIG, "more than %d form fields", FORM_MAX_FIELDS);
    struct form_field *fields = arena_new_array(a, struct form_field, count);
    if (fields == NULL)
        return err_set(e, WL_ENOMEM, "no memory for the form's fields");
    for (struct str rest = text; rest.n > 0;) {
        struct str pair = str_cut(rest, '&', &rest), value;
        if (pair.n == 0)
            continue;
        struct str name = str_cut(pair, '=', &value);
        if (value.p == NULL)
            value = STR("");
        if (!decode(a, name, true, &fields[n].name) || !decode(a, value, true, &fields[n].value))
            return err_set(e, WL_EINVAL, "form field %zu: a broken %%-escape, or too large", n + 1);
        n++;
    }
    *ret = (struct form){fields, n};
    return 0;
}

/* --- multipart ---------------------------------------------------------------------------------------- */

/* A parameter's value at the front of s: a quoted one without its quotes and backslashes, or a plain word. Returns
 * the bytes it took, 0 when the quote does not end; out has room for all of s. */
static size_t param_value(struct str s, char *out, size_t *ret_n)
{
    size_t i = 0, n = 0;
    if (s.n == 0 || s.p[0] != '"') {
        while (i < s.n && s.p[i] != ';' && s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '"')
            out[n++] = s.p[i++];
        *ret_n = n;
        return i;
    }
    for (i = 1; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
            i++;
        out[n++] = s.p[i];
    }
    *ret_n = n;
    return i < s.n ? i + 1 : 0;
}

/* The next ";name=value" of a header value; false at the end, *bad when what follows is no parameter. */
static bool next_param(struct arena *a, struct str *rest, struct str *name, struct str *value, bool *bad)
{
    struct str text = {NULL, 0};
    size_t n = 0, took = 0;
    *rest = str_trim(*rest);
    if (rest->n == 0)
        return false;
    *bad = true;
    if (rest->p[0] != ';')
        return false;
    *name = str_trim(str_cut((struct str){rest->p + 1, rest->n - 1}, '=', &text));
    char *out = arena_alloc(a, text.n + 1);
    if (out == NULL || text.p == NULL || name->n == 0)
        return false;
    took = param_value(text, out, &n);
    if (took == 0 && text.n > 0 && text.p[0] == '"')
        return false;
    *value = (struct str){out, n};
    *rest = (struct str){text.p + took, text.n - took};
    *bad = false;
    return true;
}

static int boundary_of(struct arena *a, struct str content_type, struct str *ret, struct err *e)
{
    struct str rest, name, value, found = {NULL, 0};
    bool bad = false;
    struct str type = str_cut(content_type, ';', &rest);
    if (!str_ieq(str_trim(type), STR("multipart/form-data")))
        return err_set(e, WL_EINVAL, "the content type is not multipart/form-data");
    if (rest.p != NULL)
        rest = (struct str){rest.p - 1, rest.n + 1}; /* back to the ';' */
    while (next_param(a, &rest, &name, &value, &bad)) {
        if (!str_ieq(name, STR("boundary")))
            continue;
        if (found.p != NULL)
            return err_set(e, WL_EINVAL, "the content type names two boundaries");
        found = value;
    }
    if (bad || found.n == 0 || found.n > BOUNDARY_MAX)
        return err_set(e, WL_EINVAL, "the multipart boundary is missing or malformed");
    for (size_t i = 0; i < found.n; i++)
        if (found.p[i] < 0x20 || found.p[i] == 0x7f)
            return err_set(e, WL_EINVAL, "the multipart boundary is missing or malformed");
    *ret = found;
    return 0;
}

/* filename*=utf-8''na%C3%AFve.txt */
static bool extended_filename(struct arena *a, struct str value, struct str *ret)
{
    struct str language, text;
    (void)str_cut(value, '\'', &language);
    (void)str_cut(language, '\'', &text);
    return text.p != NULL && percent_decode(a, text, ret);
}

static int disposition(struct arena *a, struct str value, struct form_field *f, struct err *e)
{
    struct str rest, name, text, extended = {NULL, 0};
    bool bad = false, named = false;
    struct str kind = str_cut(value, ';', &rest);
    if (!str_ieq(str_trim(kind), STR("form-data")) || rest.p == NULL)
        return err_set(e, WL_EINVAL, "a part's Content-Disposition is not form-data");
    rest = (struct str){rest.p - 1, rest.n + 1};
    while (next_param(a, &rest, &name, &text, &bad)) {
        if (str_ieq(name, STR("name"))) {
            if (named)
                return err_set(e, WL_EINVAL, "a part has two names");
            f->name = text;
            named = true;
        } else if (str_ieq(name, STR("filename"))) {
            if (f->filename.p != NULL)
                return err_set(e, WL_EINVAL, "a part has two file names");
            f->filename = text;
        } else if (str_ieq(name, STR("filename*")) && !extended_filename(a, text, &extended)) {
            return err_set(e, WL_EINVAL, "a part's file name is malformed");
        }
    }
    if (bad || !named)
        return err_set(e, WL_EINVAL, "a part's Content-Disposition is malformed or has no name");
    if (f->filename.p == NULL)
        f->filename = extended;
    return 0;
}

static int part_header(struct arena *a, struct str line, struct form_field *f, bool *disposed, struct err *e)
{
    struct str value;
    struct str name = str_cut(line, ':', &value);
    if (value.p == NULL || name.n == 0 || line.p[0] == ' ' || line.p[0] == '\t')
        return err_set(e, WL_EINVAL, "a part's header line is malformed");
    value = str_trim(value);
    if (str_ieq(name, STR("content-disposition"))) {
        if (*disposed)
            return err_set(e, WL_EINVAL, "a part has two Content-Disposition lines");
        *disposed = true;
        return disposition(a, value, f, e);
    }
    if (str_ieq(name, STR("content-type"))) {
        char *copy = arena_strndup(a, value.p, value.n);
        if (copy == NULL)
            return err_set(e, WL_ENOMEM, "no memory for the form's fields");
        if (f->content_type.p != NULL)
            return err_set(e, WL_EINVAL, "a part has two Content-Type lines");
        f->content_type = (struct str){copy, value.n};
    } else if (str_ieq(name, STR("content-transfer-encoding")) && !str_ieq(value, STR("binary")) &&
               !str_ieq(value, STR("8bit")) && !str_ieq(value, STR("7bit"))) {
        return err_set(e, WL_EINVAL, "a part has a transfer encoding, which forms do not use");
    }
    return 0;
}

/* The header lines from *at up to and over the empty line. */
static int part_head(struct arena *a, struct str body, size_t *at, struct form_field *f, struct err *e)
{
    bool disposed = false;
    for (int lines = 0; lines <= PART_HEADERS_MAX; lines++) {
        const char *from = body.p + *at;
        const char *end = memmem(from, body.n - *at, "\r\n", 2);
        if (end == NULL)
            break;
        *at = (size_t)(end - body.p) + 2;
        if (end == from) {
            if (!disposed)
                return err_set(e, WL_EINVAL, "a part has no Content-Disposition");
            return 0;
        }
        int rc = part_header(a, (struct str){from, (size_t)(end - from)}, f, &disposed, e);
        if (rc != 0)
            return rc;
    }
    return err_set(e, WL_EINVAL, "a part's headers do not end");
}

/* After a delimiter: 1 a part follows, 0 the form ended properly, -1 malformed. */
static int after_delimiter(struct str body, size_t *at)
{
    struct str rest = {body.p + *at, body.n - *at};
    if (str_starts(rest, STR("\r\n"))) {
        *at += 2;
        return 1;
    }
    if (str_eq(rest, STR("--")) || str_eq(rest, STR("--\r\n")))
        return 0;
    return -1;
}

static int multipart_parts(struct arena *a, struct str delimiter, struct str body, struct form_field *fields, size_t *n,
                           struct err *e)
{
    size_t at = delimiter.n - 2; /* the first delimiter stands without its CRLF */
    int more = after_delimiter(body, &at);
    while (more == 1) {
        if (*n == FORM_MAX_FIELDS)
            return err_set(e, WL_ETOOBIG, "more than %d form fields", FORM_MAX_FIELDS);
        struct form_field *f = &fields[*n];
        int rc = part_head(a, body, &at, f, e);
        if (rc != 0)
            return rc;
        /* An empty value: its delimiter's CRLF is the one that ended the head. */
        const char *end = memmem(body.p + at - 2, body.n - at + 2, delimiter.p, delimiter.n);
        if (end == NULL)
            return err_set(e, WL_EINVAL, "the multipart body is truncated");
        size_t end_at = (size_t)(end - body.p);
        if (end_at < at)
            return err_set(e, WL_EINVAL, "a part has no empty line before its end");
        char *copy = arena_strndup(a, body.p + at, end_at - at);
        if (copy == NULL)
            return err_set(e, WL_ENOMEM, "no memory for the form's fields");
        f->value = (struct str){copy, end_at - at};
        f->value_at = at;
        (*n)++;
        at = end_at + delimiter.n;
        more = after_delimiter(body, &at);
    }
    return more == 0 ? 0 : err_set(e, WL_EINVAL, "a multipart boundary is followed by something else");
}

int form_multipart(struct arena *a, struct str content_type, struct str body, struct form *ret, struct err *e)
{
    struct str boundary = {NULL, 0};
    int rc = boundary_of(a, content_type, &boundary, e);
    if (rc != 0)
        return rc;
    char text[BOUNDARY_MAX + 4] = "\r\n--";
    memcpy(text + 4, boundary.p, boundary.n);
    struct str delimiter = {text, boundary.n + 4};
    size_t lead = 0;
    if (str_starts(body, STR("\r\n"))) /* some old clients begin with an empty line */
        lead = 2;
    body = (struct str){body.p + lead, body.n - lead};
    if (!str_starts(body, (struct str){text + 2, boundary.n + 2}))
        return err_set(e, WL_EINVAL, "the multipart body does not begin with its boundary");

    size_t count = 0, n = 0;
    for (const char *p = body.p; (p = memmem(p, body.n - (size_t)(p - body.p), text + 2, boundary.n + 2)); p++)
        count++;
    if (count > FORM_MAX_FIELDS + 1)
        return err_set(e, WL_ETOOBIG, "more than %d form fields", FORM_MAX_FIELDS);
    struct form_field *fields = arena_new_array(a, struct form_field, count);
    if (fields == NULL)
        return err_set(e, WL_ENOMEM, "no memory for the form's fields");
    rc = multipart_parts(a, delimiter, body, fields, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        fields[i].value_at += lead;
    *ret = (struct form){fields, n};
    return 0;
}
