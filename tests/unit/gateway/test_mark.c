/* SPDX-License-Identifier: Apache-2.0
 * test_mark.c - bodies of every kind marked, and webhooks given back with what the store kept.
 *
 * What would hurt: a client whose own value changes or is lost, a body that Meta reads otherwise than the client wrote it, a
 * refusal of Meta's that our mark hides. */
#include "../../store/store_fixture.h"

#include "gateway/gateway_impl.h"
#include "gateway/graph_body.h"
#include "gateway/mark.h"
#include "net/form.h"
#include "store/outbox.h"

#define MEMBER    "biz_opaque_callback_data"
#define MULTIPART "multipart/form-data; boundary=xx"
#define FORM      "application/x-www-form-urlencoded"

struct mx {
    struct fx f;
    struct gateway *g;
    struct intent intent;
    struct send send;
};

static void start(struct mx *x)
{
    fx_start(&x->f);
    x->g = calloc(1, sizeof *x->g);
    assert_non_null(x->g);
    memset(x->g->mark_key, 7, sizeof x->g->mark_key);
    x->intent = (struct intent){.kind = INTENT_FREEFORM};
    x->send = (struct send){.g = x->g, .intent = &x->intent, .mode = SEND_NOW, .message = fx_message(&x->f, 0)};
    x->send.message.life.attempts = 2;
}

static void end(struct mx *x)
{
    free(x->g);
    fx_end(&x->f);
}

/* The body as it leaves; type "" is JSON. The intent is read from it, as a face would. */
static struct str marked(struct mx *x, const char *type, const char *body)
{
    struct json_parser *parser = json_parser_create();
    struct form query = {0};
    struct graph_body b;
    struct str out = {NULL, 0};
    OK(&x->f, graph_body_parse(x->f.a, parser, str_of(type), str_of(body), false, &query, &b, &x->f.e));
    OK(&x->f, intent_parse(b.root, 0, x->f.a, &x->intent, &x->f.e));
    if (*type == '\0')
        OK(&x->f, mark_body(&x->send, str_of(body), x->f.a, &out, &x->f.e));
    else
        OK(&x->f, mark_form(&x->send, str_of(type), str_of(body), x->f.a, &out, &x->f.e));
    json_parser_free(parser);
    return out;
}

/* The mark in a value, and that it is of our attempt. */
static struct callback read_mark(const struct mx *x, struct str value)
{
    struct callback c;
    assert_true(mark_read(x->g, value, &c));
    assert_int_equal(c.message, x->send.message.id);
    assert_int_equal(c.bucket, x->send.message.bucket);
    assert_int_equal(c.attempt, 2);
    return c;
}

/* "before<mark>after": what stands around the mark, which is returned. */
static struct callback around(const struct mx *x, struct str body, const char *before, const char *after)
{
    size_t n = strlen(before), m = strlen(after);
    if (body.n < n + m || memcmp(body.p, before, n) != 0 || memcmp(body.p + body.n - m, after, m) != 0)
        fail_msg("got %.*s", (int)body.n, body.p);
    return read_mark(x, (struct str){body.p + n, body.n - n - m});
}

TEST(a_json_body_is_marked_whatever_stood_there)
{
    static const struct {
        const char *member, *own; /* NULL: none */
    } rows[] = {{"", NULL},
                {"\"" MEMBER "\":null,", NULL},
                {"\"" MEMBER "\":\"o-1\",", "o-1"},
                {"\"" MEMBER "\":\"\",", ""},
                {"\"" MEMBER "\":17,", "17"},
                {"\"" MEMBER "\":true,", "true"},
                {"\"biz\\u005fopaque_callback_data\":\"caf\\u00e9\",", "caf\xc3\xa9"}};
    struct mx x;
    start(&x);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[512], name[64] = "{\"" MEMBER "\":\"";
        snprintf(body, sizeof body, "{%s\"to\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}",
                 rows[i].member);
        if (strstr(body, "u005f") != NULL)
            strcpy(name, "{\"biz\\u005fopaque_callback_data\":\"");
        struct callback c = around(&x, marked(&x, "", body), name,
                                   "\",\"to\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}");
        assert_int_equal((c.flags & CALLBACK_OWN) != 0, rows[i].own != NULL);
        assert_str(c.own, rows[i].own != NULL ? rows[i].own : "");
    }
    end(&x);
}

#define VALUE "{\"" MEMBER "\":%c%.*s%c,\"to\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}"

/* Refused by Meta as it is; with our mark around it, or aside, it would be sent. */
TEST(what_meta_refuses_stays_as_it_is)
{
    char body[2048], own[600];
    struct mx x;
    start(&x);
    memset(own, 'x', sizeof own);
    snprintf(body, sizeof body, VALUE, '"', 513, own, '"');
    assert_str(marked(&x, "", body), body);
    snprintf(body, sizeof body, VALUE, '{', 0, own, '}');
    assert_str(marked(&x, "", body), body);
    snprintf(body, sizeof body, VALUE, '[', 0, own, ']');
    assert_str(marked(&x, "", body), body);
    snprintf(body, sizeof body, VALUE, '"', 512, own, '"');
    struct callback c = around(&x, marked(&x, "", body), "{\"" MEMBER "\":\"",
                               "\",\"to\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}");
    assert_int_equal(c.flags, CALLBACK_OWN | CALLBACK_ASIDE);
    end(&x);
}

TEST(only_who_was_given_our_id_is_told_of_it)
{
    static const enum send_mode modes[] = {SEND_NOW, SEND_ACCEPT, SEND_QUEUED};
    struct mx x;
    start(&x);
    for (int i = 0; i < 6; i++) {
        x.send.mode = modes[i % 3];
        x.send.our_id = i / 3 == 1;
        struct callback c = around(&x, marked(&x, "", "{\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}"),
                                   "{\"" MEMBER "\":\"", "\",\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}");
        assert_int_equal(c.flags, x.send.mode == SEND_QUEUED && x.send.our_id ? CALLBACK_OUR_ID : 0);
    }
    end(&x);
}

/* Every field of a form, the member's taken out: "name=value&...", and the mark. */
static struct callback form_of(struct mx *x, const char *type, struct str body, char *others)
{
    struct form f;
    struct callback c = {.message = 0};
    others[0] = '\0';
    if (media_type_is(str_of(type), "multipart/form-data"))
        OK(&x->f, form_multipart(x->f.a, str_of(type), body, &f, &x->f.e));
    else
        OK(&x->f, form_urlencoded(x->f.a, str_trim(body), &f, &x->f.e));
    for (size_t i = 0; i < f.n; i++) {
        if (str_eq(f.fields[i].name, STR(MEMBER))) {
            assert_int_equal(c.message, 0);
            c = read_mark(x, f.fields[i].value);
        } else {
            sprintf(others + strlen(others), "%s=%s&", f.fields[i].name.p, f.fields[i].value.p);
        }
    }
    return c;
}

TEST(a_form_is_marked_and_its_other_fields_are_untouched)
{
    static const struct {
        const char *body, *own;
    } rows[] = {
        {"to=15550001111&text=%7B%22body%22%3A%22a+b%22%7D&type=text", NULL},
        {" to=15550001111&text=%7B%22body%22%3A%22a+b%22%7D&type=text\r\n", NULL},
        {"to=15550001111&" MEMBER "=o+1%26&text=%7B%22body%22%3A%22a+b%22%7D&type=text", "o 1&"},
        {"to=15550001111&text=%7B%22body%22%3A%22a+b%22%7D&type=text&biz%5Fopaque_callback_data=", ""},
        {MEMBER "=%7B%22a%22%3A1%7D&to=15550001111&text=%7B%22body%22%3A%22a+b%22%7D&type=text&", "{\"a\":1}"},
    };
    struct mx x;
    char others[512];
    start(&x);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct callback c = form_of(&x, FORM, marked(&x, FORM, rows[i].body), others);
        assert_string_equal(others, "to=15550001111&text={\"body\":\"a b\"}&type=text&");
        assert_int_equal((c.flags & CALLBACK_OWN) != 0, rows[i].own != NULL);
        assert_str(c.own, rows[i].own != NULL ? rows[i].own : "");
    }
    end(&x);
}

/* An object's text is no text to the door, which therefore keeps nothing aside: it must not be lost. */
TEST(a_form_value_that_the_door_did_not_see_and_that_does_not_fit_stays)
{
    char body[1024] = "to=15550001111&text=%7B%22body%22%3A%22a%22%7D&" MEMBER "={\"a\":\"";
    struct mx x;
    start(&x);
    memset(body + strlen(body), 'x', 490);
    strcat(body, "\"}");
    assert_str(marked(&x, FORM, body), body);
    assert_str(marked(&x, "text/plain", "{\"to\":\"15550001111\",\"text\":{\"body\":\"x\"},\"" MEMBER "\":[]}"),
               "{\"to\":\"15550001111\",\"text\":{\"body\":\"x\"},\"" MEMBER "\":[]}");
    end(&x);
}

#define PART(name, value) "--xx\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define REST              PART("to", "15550001111") PART("text", "{\"body\":\"a b\"}") PART("type", "text") "--xx--\r\n"

TEST(a_multipart_body_is_marked_and_its_other_parts_are_untouched)
{
    static const struct {
        const char *body, *own;
    } rows[] = {{REST, NULL},
                {"\r\n" REST, NULL},
                {PART(MEMBER, "o-1") REST, "o-1"},
                {PART(MEMBER, "") REST, ""},
                {PART(MEMBER, "a\r\nb\r\n--x") REST, "a\r\nb\r\n--x"}};
    struct mx x;
    char others[512];
    start(&x);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str out = marked(&x, MULTIPART, rows[i].body);
        struct callback c = form_of(&x, MULTIPART, out, others);
        assert_string_equal(others, "to=15550001111&text={\"body\":\"a b\"}&type=text&");
        assert_true(str_ends(out, STR(REST)));
        assert_int_equal((c.flags & CALLBACK_OWN) != 0, rows[i].own != NULL);
        assert_str(c.own, rows[i].own != NULL ? rows[i].own : "");
    }
    end(&x);
}

TEST(a_mark_of_another_gateway_is_nobodys)
{
    struct mx x;
    struct callback c;
    start(&x);
    struct str body = marked(&x, "", "{\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}");
    struct str value = {body.p + strlen("{\"" MEMBER "\":\""), 0};
    value.n = (size_t)((const char *)memchr(value.p, '"', body.n - 40) - value.p);
    assert_true(mark_read(x.g, value, &c));
    x.g->mark_key[31] ^= 1;
    assert_false(mark_read(x.g, value, &c));
    end(&x);
}

static struct str restored(struct mx *x, struct str body)
{
    struct buf out;
    struct str s = {NULL, 0};
    buf_init(&out, 1u << 20);
    if (mark_restore(x->g, x->f.s, body, &out))
        s = (struct str){arena_strndup(x->f.a, buf_cstr(&out), out.len), out.len};
    buf_done(&out);
    return s;
}

TEST(a_webhook_is_given_back_with_what_the_store_kept)
{
    char body[1024], own[512 + 1];
    struct mx x;
    start(&x);
    memset(own, 'x', 512);
    own[512] = '\0';
    snprintf(body, sizeof body, "{\"" MEMBER "\":\"%s\",\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}", own);
    struct str hook = marked(&x, "", body); /* as good a webhook as any: the member is what counts */
    assert_str(restored(&x, hook), "{\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}"); /* nobody kept it */
    BEGIN(&x.f);
    OK(&x.f, callback_data_put(x.f.s, 0, x.send.message.id, str_of(own), &x.f.e));
    COMMIT(&x.f);
    assert_str(restored(&x, hook), body);
    assert_null(restored(&x, str_of(body)).p);
    end(&x);
}

TEST(a_webhook_carries_our_id_for_whom_it_was_given)
{
    char want[256], id[STORE_ID_TEXT];
    struct mx x;
    start(&x);
    x.send.mode = SEND_QUEUED;
    x.send.our_id = true;
    struct str hook = marked(&x, "", "{\"id\":\"wamid.1\",\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}");
    snprintf(want, sizeof want, "{\"id\":\"%s\",\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}",
             store_id_text(0, x.send.message.id, id));
    assert_str(restored(&x, hook), want);
    end(&x);
}

TESTS(T(a_json_body_is_marked_whatever_stood_there), T(what_meta_refuses_stays_as_it_is),
      T(only_who_was_given_our_id_is_told_of_it), T(a_form_is_marked_and_its_other_fields_are_untouched),
      T(a_form_value_that_the_door_did_not_see_and_that_does_not_fit_stays),
      T(a_multipart_body_is_marked_and_its_other_parts_are_untouched), T(a_mark_of_another_gateway_is_nobodys),
      T(a_webhook_is_given_back_with_what_the_store_kept), T(a_webhook_carries_our_id_for_whom_it_was_given))
