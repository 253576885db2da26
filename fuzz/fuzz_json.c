/* SPDX-License-Identifier: Apache-2.0
 * fuzz_json.c - any bytes through the JSON reader and back out of the writer.
 *
 * Whatever is accepted is walked whole, asked every question json.h knows, written out, and parsed again: the
 * second reading must succeed and write the same bytes. Bytes that are not JSON are also put through jo_str(),
 * whose result must always be readable. A parser is kept from run to run, as a server's thread keeps it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void ask(struct json v)
{
    struct str s;
    int64_t i;
    bool b;
    enum json_type t = json_type(v);
    must(t != JSON_ABSENT);
    must(json_str(v, &s) == (t == JSON_STRING));
    must(json_i64(v, &i) == (t == JSON_INT));
    must(json_bool(v, &b) == (t == JSON_BOOL));
    if (json_id(v, &i))
        must(i >= 0 && (t == JSON_INT || t == JSON_STRING));
}

/* Every value of the document, depth first; returns how many members and elements were met. */
static size_t walk(struct json v, int depth)
{
    size_t met = 0, here = 0;
    bool object = json_type(v) == JSON_OBJECT;
    must(depth <= JSON_MAX_DEPTH);
    ask(v);
    for (struct json_iter it = json_iter(v); json_next(&it); here++) {
        must(it.object == object);
        if (object && memchr(it.key.p, 0, it.key.n) == NULL && here < 100)
            must(json_type(json_get(v, it.key.p)) != JSON_ABSENT);
        met += walk(it.value, depth + 1);
    }
    must(here == json_count(v));
    (void)json_duplicate_key(v);
    return met + here;
}

static void round_trip(struct json_parser *other, struct json v, size_t met)
{
    struct buf first, second;
    struct json again;
    buf_init(&first, 64 << 20);
    buf_init(&second, 64 << 20);
    must(json_write_value(&first, v));
    must(json_parse(other, buf_str(&first), true, &again, NULL) == WL_OK);
    must(walk(again, 0) == met && json_write_value(&second, again) && str_eq(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

static void write_as_string(struct json_parser *other, struct str bytes)
{
    struct buf out;
    struct json_out o;
    struct json v;
    buf_init(&out, 64 << 20);
    json_out_init(&o, &out);
    jo_object(&o);
    jo_key_str(&o, bytes);
    jo_str(&o, bytes);
    jo_end(&o);
    must(!out.failed && json_parse(other, buf_str(&out), true, &v, NULL) == WL_OK && json_count(v) == 1);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser, *other;
    if (parser == NULL) {
        parser = json_parser_create();
        other = json_parser_create();
    }
    if (size > 1 << 20)
        return 0;
    struct str text = {(const char *)data, size};
    struct json v;
    struct err e = {0};
    int rc = json_parse(parser, text, false, &v, &e);
    must(rc == e.code);
    if (rc == WL_OK)
        round_trip(other, v, walk(v, 0));
    else
        must(e.text[0] != '\0');
    write_as_string(other, text);
    return 0;
}
