/* SPDX-License-Identifier: Apache-2.0
 * fuzz_callback.c - any text as a body that is marked, as a webhook that is given back, and as a mark.
 *
 * What must hold: whatever the JSON parser takes for an object can be marked, and the marked body is the same document
 * but for that member; giving a marked body back makes it what it was, byte for byte when the member was not there;
 * what is given back of a document is a document again; a value that is read as a mark is written as it was read. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/callback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBER "biz_opaque_callback_data"
#define MOST   (4u << 20)

static const struct callback_key key = {{'f', 'u', 'z', 'z'}};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool aside(void *ctx, int bucket, int64_t message, struct buf *out)
{
    (void)ctx, (void)bucket;
    return message % 2 == 0 && buf_puts(out, "kept \"aside\"");
}

static void our_id(void *ctx, int bucket, int64_t message, struct buf *out)
{
    (void)ctx, (void)bucket, (void)message;
    buf_puts(out, "m1");
}

static bool restore(struct str body, struct buf *out)
{
    const struct callback_restore r = {.key = &key, .aside = aside, .our_id = our_id};
    buf_init(out, MOST);
    bool any = callback_restore(&r, body, out);
    must(!out->failed && (any || out->len == 0));
    return any;
}

/* The document without the member, compact. */
static void others(struct json root, struct buf *out)
{
    buf_init(out, MOST);
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        if (str_eq(it.key, STR(MEMBER)))
            continue;
        buf_putstr(out, it.key);
        buf_putc(out, ':');
        json_write_value(out, it.value);
    }
    must(!out->failed);
}

static void same_but_for_the_member(struct json_parser *p, struct str body, struct str marked, struct str value)
{
    struct json root;
    struct str got;
    struct buf a, b;
    must(json_parse(p, body, false, &root, NULL) == 0);
    others(root, &a);
    must(json_parse(p, marked, false, &root, NULL) == 0);
    others(root, &b);
    must(str_eq(buf_str(&a), buf_str(&b)));
    must(json_str(json_get(root, MEMBER), &got) && str_eq(got, value));
    buf_done(&a);
    buf_done(&b);
}

/* Marked with what the client gave, and given back. */
static void check_put(struct json_parser *p, struct str body)
{
    const struct callback c = {.message = 7423948230123456789, .attempt = 1};
    struct json root;
    struct str own = {NULL, 0};
    struct buf copy, value, marked, back, untouched;
    if (json_parse(p, body, false, &root, NULL) != 0 || json_type(root) != JSON_OBJECT)
        return;
    bool there = json_type(json_get(root, MEMBER)) != JSON_ABSENT;
    buf_init(&copy, MOST);
    if (json_str(json_get(root, MEMBER), &own)) {
        buf_putstr(&copy, own);
        own = buf_str(&copy);
    }
    buf_init(&value, MOST);
    buf_init(&marked, MOST);
    callback_write(&key, &c, own, &value);
    must(callback_put(body, buf_str(&value), &marked, NULL) == 0);
    same_but_for_the_member(p, body, buf_str(&marked), buf_str(&value));
    bool other_marks = restore(body, &untouched);
    must(restore(buf_str(&marked), &back));
    if (!there && !other_marks)
        must(str_eq(buf_str(&back), body));
    else if (own.p != NULL && callback_fits(own) && !other_marks)
        same_but_for_the_member(p, body, buf_str(&back), own);
    buf_done(&copy);
    buf_done(&value);
    buf_done(&marked);
    buf_done(&back);
    buf_done(&untouched);
}

static void check_restore(struct json_parser *p, struct str body)
{
    struct json root;
    struct buf out;
    bool any = restore(body, &out);
    if (any && json_parse(p, body, false, &root, NULL) == 0)
        must(json_parse(p, buf_str(&out), false, &root, NULL) == 0);
    buf_done(&out);
}

static void check_read(struct str value)
{
    struct callback c;
    struct buf again;
    if (!callback_read(&key, value, &c))
        return;
    must(c.message >= 0 && c.bucket >= 0 && c.attempt >= 0);
    buf_init(&again, MOST);
    callback_write(&key, &c, c.own, &again);
    if ((c.flags & CALLBACK_ASIDE) == 0 && callback_fits(c.own))
        must(str_eq(buf_str(&again), value));
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    if (size > 1 << 18)
        return 0;
    struct json_parser *p = json_parser_create();
    check_put(p, text);
    check_restore(p, text);
    check_read(text);
    json_parser_free(p);
    return 0;
}
