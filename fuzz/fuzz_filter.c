/* SPDX-License-Identifier: Apache-2.0
 * fuzz_filter.c - any JSON as the filter of a subscriber.
 *
 * What must hold: it is refused with a sentence, or its text is JSON within its limit, reads as a filter again and is then
 * written as it was; both let the same events through; the empty text lets everything through. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/webhook_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_text(const struct webhook_filter *f, struct buf *out)
{
    buf_init(out, FILTER_TEXT_MAX);
    webhook_filter_write(f, out);
    must(!out->failed);
}

static void same_answers(const struct webhook_filter *a, const struct webhook_filter *b, bool all)
{
    static const struct str fields[] = {STR_INIT("messages"), STR_INIT("calls"), STR_INIT("A_New_Field"), STR_INIT("")};
    static const struct str types[] = {STR_INIT("failed"), STR_INIT("READ"), STR_INIT("")};
    for (int i = 0; i < (EVENT_HANDOVER + 1) * 4 * 3 * 2; i++) {
        const struct event ev = {.kind = (enum event_kind)(i % (EVENT_HANDOVER + 1)),
                                 .field = fields[i % 4],
                                 .type = types[i % 3],
                                 .waba = i % 5 == 0 ? 5 : 100200300,
                                 .phone_number_id = i % 7 == 0 ? 0 : 700800900,
                                 .display_phone = STR("+1 555-000-9999")};
        bool wanted = webhook_wanted(a, &ev);
        must(wanted == webhook_wanted(b, &ev) && (wanted || !all));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    static struct arena *arena;
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(16 << 20);
    }
    struct webhook_filter *f = NULL, *again = NULL;
    struct json v;
    struct buf text, same;
    struct err e = {0};
    arena_reset(arena);
    if (size > 1 << 16 || json_parse(parser, (struct str){(const char *)data, size}, false, &v, NULL) != 0)
        return 0;
    int rc = webhook_filter_read(v, arena, &f, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0') && (rc == 0) == (f != NULL));
    if (rc != 0)
        return 0;
    write_text(f, &text);
    if (text.len > 0)
        must(json_parse(parser, buf_str(&text), false, &v, NULL) == 0);
    must(webhook_filter_read(text.len > 0 ? v : (struct json){0}, arena, &again, NULL) == 0);
    write_text(again, &same);
    must(str_eq(buf_str(&text), buf_str(&same)));
    same_answers(f, again, text.len == 0);
    buf_done(&text);
    buf_done(&same);
    return 0;
}
