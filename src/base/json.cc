/* SPDX-License-Identifier: Apache-2.0
 * json.cc - simdjson's DOM behind the C face of json.h.
 *
 * The one C++ file. A struct json is a place on simdjson's tape: the document and an index, exactly what
 * simdjson's own tape_ref holds, so handles are made and read without allocation. Nothing is thrown across
 * the border: the file is compiled without exceptions and uses simdjson's error codes. Reading a member is a
 * walk along the tape that skips whole values; iterating is one pass. A parser keeps its memory from call to
 * call, grows by doubling, and gives a large text's memory back when a small one follows. It refuses what
 * simdjson refuses: bad UTF-8, lone surrogates, numbers beyond 64 bits or beyond double, trailing bytes. */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <simdjson.h>

extern "C" {
#include "base/json.h"
}

using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

/* Texts up to KEPT bytes never make the parser release memory (about twelve times as much). */
static constexpr size_t FIRST = 4096;
static constexpr size_t KEPT = 256u << 10;

static_assert(BUF_PADDING >= simdjson::SIMDJSON_PADDING, "padded buffers must satisfy the parser");

struct json_parser {
    simdjson::dom::parser parser;
    simdjson::dom::document doc;
    size_t capacity = 0;
};

static tape_ref tape(struct json v)
{
    return tape_ref(static_cast<const simdjson::dom::document *>(v.doc), v.at);
}

static struct str tape_str(const tape_ref &t)
{
    return {t.get_c_str(), t.get_string_length()};
}

static bool prepare(struct json_parser *p, size_t len)
{
    size_t want = FIRST;
    while (want < len)
        want *= 2;
    if (p->capacity > KEPT && want <= KEPT) {
        p->parser = simdjson::dom::parser();
        p->doc = simdjson::dom::document();
        p->capacity = 0;
    }
    if (p->capacity >= want)
        return true;
    p->capacity = 0;
    if (p->parser.allocate(want, JSON_MAX_DEPTH) != simdjson::SUCCESS || p->doc.allocate(want) != simdjson::SUCCESS)
        return false;
    p->capacity = want;
    return true;
}

static size_t after(struct json v)
{
    return tape(v).after_element();
}

static void write_double(struct json_out *o, double v)
{
    char text[64];
    char *end = simdjson::internal::to_chars(text, nullptr, v);
    jo_raw(o, {text, static_cast<size_t>(end - text)});
}

static void write_value(struct json_out *o, struct json v);

/* Recursion ends at JSON_MAX_DEPTH, which the parser has enforced. */
static void write_members(struct json_out *o, struct json v)
{
    struct json_iter it = json_iter(v);
    if (it.object)
        jo_object(o);
    else
        jo_array(o);
    while (json_next(&it)) {
        if (it.object)
            jo_key_str(o, it.key);
        write_value(o, it.value);
    }
    jo_end(o);
}

static void write_value(struct json_out *o, struct json v)
{
    if (v.doc == nullptr)
        return jo_null(o);
    tape_ref t = tape(v);
    switch (t.tape_ref_type()) {
    case tape_type::START_ARRAY:
    case tape_type::START_OBJECT:
        return write_members(o, v);
    case tape_type::STRING:
        return jo_str(o, tape_str(t));
    case tape_type::INT64:
        return jo_int(o, t.next_tape_value<int64_t>());
    case tape_type::UINT64: {
        char text[24];
        int n = snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(t.next_tape_value<uint64_t>()));
        return jo_raw(o, {text, static_cast<size_t>(n)});
    }
    case tape_type::DOUBLE:
        return write_double(o, t.next_tape_value<double>());
    case tape_type::TRUE_VALUE:
        return jo_bool(o, true);
    case tape_type::FALSE_VALUE:
        return jo_bool(o, false);
    default:
        return jo_null(o);
    }
}

static bool less(const struct str &a, const struct str &b)
{
    size_t n = std::min(a.n, b.n);
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order < 0 : a.n < b.n;
}

extern "C" {

struct json_parser *json_parser_try(void)
{
    auto *p = new (std::nothrow) json_parser;
    if (p == nullptr || prepare(p, 0))
        return p;
    delete p;
    return nullptr;
}

struct json_parser *json_parser_create(void)
{
    struct json_parser *p = json_parser_try();
    if (p == nullptr)
        abort();
    return p;
}

void json_parser_free(struct json_parser *p)
{
    delete p;
}

int json_parse(struct json_parser *p, struct str text, bool padded, struct json *ret, struct err *e)
{
    if (text.n == 0)
        return err_set(e, WL_EINVAL, "not valid JSON: the text is empty");
    if (text.n > JSON_MAX_BYTES)
        return err_set(e, WL_ETOOBIG, "the JSON text is larger than %u bytes", JSON_MAX_BYTES);
    if (!prepare(p, text.n))
        return err_set(e, WL_ENOMEM, "out of memory for JSON");
    simdjson::error_code rc = p->parser.parse_into_document(p->doc, text.p, text.n, !padded).error();
    if (rc == simdjson::MEMALLOC)
        return err_set(e, WL_ENOMEM, "out of memory for JSON");
    if (rc != simdjson::SUCCESS)
        return err_set(e, WL_EINVAL, "not valid JSON: %s", simdjson::error_message(rc));
    *ret = {&p->doc, 1}; /* the first word of a tape is about the tape itself */
    return WL_OK;
}

enum json_type json_type(struct json v)
{
    if (v.doc == nullptr)
        return JSON_ABSENT;
    switch (tape(v).tape_ref_type()) {
    case tape_type::NULL_VALUE:
        return JSON_NULL;
    case tape_type::TRUE_VALUE:
    case tape_type::FALSE_VALUE:
        return JSON_BOOL;
    case tape_type::INT64:
        return JSON_INT;
    case tape_type::UINT64:
        return JSON_UINT;
    case tape_type::DOUBLE:
        return JSON_DOUBLE;
    case tape_type::STRING:
        return JSON_STRING;
    case tape_type::START_ARRAY:
        return JSON_ARRAY;
    case tape_type::START_OBJECT:
        return JSON_OBJECT;
    default:
        return JSON_ABSENT;
    }
}

struct json_iter json_iter(struct json v)
{
    struct json_iter it = {};
    enum json_type type = json_type(v);
    it.owner = v;
    if (type != JSON_ARRAY && type != JSON_OBJECT)
        return it;
    it.object = type == JSON_OBJECT;
    it.pos = v.at + 1;
    it.end = after(v) - 1; /* the closing bracket */
    return it;
}

bool json_next(struct json_iter *it)
{
    if (it->pos >= it->end)
        return false;
    if (it->object) {
        it->key = tape_str(tape({it->owner.doc, it->pos}));
        it->pos++;
    }
    it->value = {it->owner.doc, it->pos};
    it->pos = after(it->value);
    return true;
}

struct json json_get(struct json object, const char *key)
{
    if (json_type(object) != JSON_OBJECT)
        return {nullptr, 0};
    size_t n = strlen(key);
    struct json_iter it = json_iter(object);
    while (json_next(&it))
        if (it.key.n == n && memcmp(it.key.p, key, n) == 0)
            return it.value;
    return {nullptr, 0};
}

struct json json_at(struct json v, const char *k1, const char *k2)
{
    return json_get(json_get(v, k1), k2);
}

bool json_str(struct json v, struct str *ret)
{
    if (json_type(v) != JSON_STRING)
        return false;
    *ret = tape_str(tape(v));
    return true;
}

struct str json_str_or(struct json v, struct str fallback)
{
    struct str s = fallback;
    json_str(v, &s);
    return s;
}

bool json_i64(struct json v, int64_t *ret)
{
    /* simdjson calls an integer unsigned only when it is past INT64_MAX. */
    if (json_type(v) != JSON_INT)
        return false;
    *ret = tape(v).next_tape_value<int64_t>();
    return true;
}

bool json_bool(struct json v, bool *ret)
{
    if (json_type(v) != JSON_BOOL)
        return false;
    *ret = tape(v).is_true();
    return true;
}

bool json_id(struct json v, int64_t *ret)
{
    int64_t id;
    struct str s;
    if (json_str(v, &s)) {
        if (s.n == 0 || s.p[0] == '-' || !str_i64(s, &id))
            return false;
    } else if (!json_i64(v, &id) || id < 0) {
        return false;
    }
    *ret = id;
    return true;
}

size_t json_count(struct json v)
{
    enum json_type type = json_type(v);
    /* The count on the tape saturates at 2^24, more than JSON_MAX_BYTES can hold. */
    return type == JSON_ARRAY || type == JSON_OBJECT ? tape(v).scope_count() : 0;
}

struct str json_duplicate_key(struct json object)
{
    static_assert(JSON_MAX_BYTES < (1u << 24), "scope_count would saturate");
    struct str few[32] = {}, *keys = few, found = {nullptr, 0};
    size_t n = 0, count = json_count(object);
    if (json_type(object) != JSON_OBJECT || count < 2)
        return found;
    if (count > sizeof few / sizeof *few) {
        keys = static_cast<struct str *>(calloc(count, sizeof *keys));
        if (keys == nullptr)
            abort();
    }
    struct json_iter it = json_iter(object);
    while (n < count && json_next(&it))
        keys[n++] = it.key;
    std::sort(keys, keys + n, less);
    for (size_t i = 1; i < n && found.p == nullptr; i++)
        if (str_eq(keys[i - 1], keys[i]))
            found = keys[i];
    if (keys != few)
        free(keys);
    return found;
}

bool json_write_value(struct buf *out, struct json v)
{
    struct json_out o;
    json_out_init(&o, out);
    write_value(&o, v);
    return !out->failed;
}

} /* extern "C" */
