/* SPDX-License-Identifier: Apache-2.0
 * test_form.c - fields as clients really write them, and what must be refused because two readers could
 * understand it differently. */
#include "net/form.h"

#include "t.h"

static struct arena *a;

static void fresh(void)
{
    arena_free(a);
    a = arena_create(1 << 20);
}

TEST(urlencoded_bodies)
{
    static const struct {
        const char *text;
        size_t n; /* fields */
        const char *name, *value;
    } rows[] = {
        {"", 0, NULL, NULL},
        {"a=1", 1, "a", "1"},
        {"a=1&b=2", 2, "b", "2"},
        {"a=1&a=2", 2, "a", "1"}, /* the first */
        {"a", 1, "a", ""},
        {"a=", 1, "a", ""},
        {"=x", 1, "", "x"},
        {"&&a=1&", 1, "a", "1"},
        {"to=%2B1+555%20000", 1, "to", "+1 555 000"},
        {"a=b=c", 1, "a", "b=c"},
        {"%61%62=%C3%A9", 1, "ab", "\xc3\xa9"},
        {"a=%252B", 1, "a", "%2B"}, /* decoded once, not twice */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct form f;
        struct err e = {0};
        fresh();
        assert_ok(form_urlencoded(a, str_of(rows[i].text), &f, &e), e);
        assert_int_equal(f.n, rows[i].n);
        if (rows[i].name == NULL)
            continue;
        const struct form_field *field = form_get(&f, rows[i].name);
        assert_non_null(field);
        assert_str(field->value, rows[i].value);
        assert_int_equal(field->value.p[field->value.n], '\0');
    }
}

TEST(urlencoded_refusals)
{
    static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "%G0=1", "a=1&b=%2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct form f = {NULL, 99};
        fresh();
        assert_int_equal(form_urlencoded(a, str_of(bad[i]), &f, NULL), WL_EINVAL);
        assert_int_equal(f.n, 99);
    }
    char many[2 * FORM_MAX_FIELDS + 2];
    memset(many, '&', sizeof many);
    struct form f;
    assert_int_equal(form_urlencoded(a, (struct str){many, sizeof many}, &f, NULL), WL_ETOOBIG);
}

TEST(escapes)
{
    struct str s;
    struct buf b;
    fresh();
    assert_true(percent_decode(a, STR("a+b%20c"), &s));
    assert_string_equal(s.p, "a+b c");
    assert_false(percent_decode(a, STR("%"), &s));
    assert_false(percent_decode(a, STR("a%2"), &s));
    buf_init(&b, 100);
    percent_encode(&b, STR("a b+c/\xc3\xa9~-._"));
    assert_str(buf_str(&b), "a%20b%2Bc%2F%C3%A9~-._");
    buf_done(&b);
}

TEST(media_types)
{
    assert_true(media_type_is(STR("application/json"), "application/json"));
    assert_true(media_type_is(STR("Application/JSON; charset=utf-8"), "application/json"));
    assert_true(media_type_is(STR("application/json ;x"), "application/json"));
    assert_false(media_type_is(STR("application/jsonp"), "application/json"));
    assert_false(media_type_is((struct str){NULL, 0}, "application/json"));
}

#define BOUND             "multipart/form-data; boundary=XyZ"
#define PART(name, value) "--XyZ\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

TEST(multipart_as_clients_write_it)
{
    static const struct {
        const char *type, *body;
        size_t n;
        const char *name, *value, *filename, *content_type;
    } rows[] = {
        {BOUND, PART("messaging_product", "whatsapp") "--XyZ--\r\n", 1, "messaging_product", "whatsapp", NULL, NULL},
        {BOUND, PART("a", "1") PART("b", "2") "--XyZ--", 2, "b", "2", NULL, NULL},
        {BOUND, PART("empty", "") "--XyZ--\r\n", 1, "empty", "", NULL, NULL},
        {BOUND, "\r\n" PART("a", "1") "--XyZ--\r\n", 1, "a", "1", NULL, NULL},
        {"Multipart/Form-Data; charset=utf-8; boundary=\"XyZ\"", PART("a", "1") "--XyZ--\r\n", 1, "a", "1", NULL, NULL},
        {BOUND, PART("a", "line\r\nline\r\n--Xy\r\n") "--XyZ--\r\n", 1, "a", "line\r\nline\r\n--Xy\r\n", NULL, NULL},
        {BOUND,
         "--XyZ\r\ncontent-disposition: form-data; name=file; filename=\"a \\\"b\\\".png\"\r\nContent-Type: "
         "image/png\r\n"
         "Content-Transfer-Encoding: binary\r\nX-Odd: 1\r\n\r\n\x89PNG\r\n--XyZ--\r\n",
         1, "file", "\x89PNG", "a \"b\".png", "image/png"},
        {BOUND,
         "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''na%C3%AFve.txt\r\n\r\nx\r\n--XyZ--",
         1, "file", "x", "na\xc3\xafve.txt", NULL},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
         "------WebKitFormBoundary7MA4YWxkTrZu0gW\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n"
         "image/png\r\n------WebKitFormBoundary7MA4YWxkTrZu0gW--\r\n",
         1, "type", "image/png", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct form f;
        struct err e = {0};
        fresh();
        assert_ok(form_multipart(a, str_of(rows[i].type), str_of(rows[i].body), &f, &e), e);
        assert_int_equal(f.n, rows[i].n);
        const struct form_field *field = form_get(&f, rows[i].name);
        assert_non_null(field);
        assert_str(field->value, rows[i].value);
        assert_memory_equal(rows[i].body + field->value_at, field->value.p, field->value.n);
        assert_true((rows[i].filename == NULL) == (field->filename.p == NULL));
        if (rows[i].filename != NULL)
            assert_str(field->filename, rows[i].filename);
        assert_true((rows[i].content_type == NULL) == (field->content_type.p == NULL));
        if (rows[i].content_type != NULL)
            assert_str(field->content_type, rows[i].content_type);
    }
}

TEST(multipart_refusals)
{
    static const struct {
        const char *type, *body;
    } rows[] = {
        {"application/json", PART("a", "1") "--XyZ--"},
        {"multipart/form-data", PART("a", "1") "--XyZ--"},
        {"multipart/form-data; boundary=", "--\r\n"},
        {"multipart/form-data; boundary=XyZ; boundary=abc", PART("a", "1") "--XyZ--"},
        {"multipart/form-data; boundary=\"XyZ", PART("a", "1") "--XyZ--"},
        {BOUND, ""},
        {BOUND, "--XyZ"},
        {BOUND, PART("a", "1")},         /* truncated between parts */
        {BOUND, PART("a", "1") "--XyZ"}, /* truncated in the last boundary */
        {BOUND, "preamble\r\n" PART("a", "1") "--XyZ--"},
        {BOUND, PART("a", "1") "--XyZ--\r\nepilogue"},
        {BOUND, PART("a", "1") "--XyZabc\r\n--XyZ--"}, /* a boundary that goes on */
        {BOUND, "--XyZ\r\n\r\nno disposition\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n1\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; "
                "name=\"b\"\r\n\r\n1\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: "
                "base64\r\n\r\nMQ==\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition form-data\r\n\r\n1\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n--XyZ--"},
        {BOUND, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--XyZ--"},
        {BOUND, "--XyZ\nContent-Disposition: form-data; name=\"a\"\n\n1\n--XyZ--"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct form f = {NULL, 99};
        fresh();
        if (form_multipart(a, str_of(rows[i].type), str_of(rows[i].body), &f, NULL) != WL_EINVAL)
            fail_msg("row %zu was accepted", i);
        assert_int_equal(f.n, 99);
    }
}

/* However a good body is cut short, it is refused, and nothing outside it is read (the sanitizer watches). */
TEST(multipart_cut_anywhere)
{
    static const char body[] = PART("a", "1") PART("b", "two\r\n") "--XyZ--";
    for (size_t n = 0; n < sizeof body - 1; n++) {
        char *cut = malloc(n ? n : 1);
        struct form f;
        memcpy(cut, body, n);
        fresh();
        assert_int_equal(form_multipart(a, STR(BOUND), (struct str){cut, n}, &f, NULL), WL_EINVAL);
        free(cut);
    }
    arena_free(a);
    a = NULL;
}

TESTS(T(urlencoded_bodies), T(urlencoded_refusals), T(escapes), T(media_types), T(multipart_as_clients_write_it),
      T(multipart_refusals), T(multipart_cut_anywhere))
