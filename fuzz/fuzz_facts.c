/* SPDX-License-Identifier: Apache-2.0
 * fuzz_facts.c - any bytes as a stream of facts: documents end, lines rise, and facts read are the facts written.
 *
 * Each document found is parsed and read as facts. What was taken is written as text, fact by fact, and read again: the
 * same values must come back, unless they are ones only a program can set (times before 1970 or after 9999). */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/json_stream.h"
#include "core/facts_read.h"

#define NOW 1795600000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_text(const struct facts *f, int id)
{
    int64_t v = f->value[id];
    return f->known[id] && (fact_info[id].type != FACT_TYPE_TIME || (v >= 0 && v <= 253402300799999));
}

static void read_again(const struct facts *f)
{
    struct facts again = {0};
    struct buf text;
    buf_init(&text, 64);
    for (int id = 0; id < FACT_COUNT; id++) {
        if (!has_text(f, id))
            continue;
        buf_clear(&text);
        fact_text(f, (enum fact_id)id, &text);
        if (facts_read(&again, str_of(fact_info[id].name), buf_str(&text), NOW, NULL) != 0 || !again.known[id] ||
            again.value[id] != f->value[id])
            abort();
    }
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_stream s;
    struct json_parser *p = json_parser_create();
    FILE *in = size > 0 ? fmemopen((void *)data, size, "r") : fopen("/dev/null", "r");
    if (in == NULL)
        abort();
    json_stream_init(&s, in);
    for (size_t line = 1;;) {
        struct err e = {0};
        struct str text = {NULL, 0};
        struct json root;
        struct facts f = {0};
        int rc = json_stream_next(&s, &text, &e);
        if ((rc == 0 && text.p == NULL) || rc == WL_EIO)
            break;
        if (s.line < line || (rc != 0 && e.text[0] == '\0'))
            abort();
        line = s.line;
        if (rc == 0 && json_parse(p, text, false, &root, &e) != 0)
            json_stream_broken(&s);
        else if (rc == 0 && facts_read_json(&f, root, NOW, &e) == 0)
            read_again(&f);
    }
    json_stream_done(&s);
    json_parser_free(p);
    fclose(in);
    return 0;
}
