/* SPDX-License-Identifier: Apache-2.0
 * fuzz_split.c - any bytes as a webhook body that is cut into events, and from which a person is taken out.
 *
 * What must hold of a body that is read as JSON and as webhooks: it can be cut unless it is too large; the pieces are JSON,
 * hold one event at most, say together what the body says, and are themselves when cut again; without the person it is
 * JSON of as many pieces, in which the person is not found again. Of other bytes: cut or refused, nothing happens beside it; the walker gets
 * to an end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json_walk.h"
#include "core/event.h"
#include "core/webhook_redact.h"
#include "core/webhook_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST  (1u << 16)
#define DEPTH 200

static struct json_parser *parser;
static struct arena *arena;

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* --- the walker ------------------------------------------------------------------------------------------------------ */

/* Walks over everything, level by level. What is on a level is in the text, and in order. */
static bool walk(struct json_walk *w, int depth)
{
    struct json_items in;
    struct json_item item;
    char c = json_walk_now(w), text[64];
    size_t from = w->at, n;
    if (depth == DEPTH || (c != '{' && c != '['))
        return json_walk_skip(w);
    must(json_walk_open(w, c, &in));
    while (json_walk_next(w, &in, &item)) {
        must(from < item.lead && item.lead <= item.from && item.from <= item.value && item.value < w->text.n);
        must(in.object == (item.name.p != NULL) && w->at == item.value);
        if (in.object && json_walk_text(item.name, text, sizeof text - 1, &n)) {
            text[n] = '\0';
            must(n != strlen(text) || !json_walk_is(item.name, text) || n <= item.name.n);
        }
        if (!walk(w, depth + 1))
            return false;
        must(w->at > item.value && w->at <= w->text.n);
        from = item.value;
    }
    must(w->at <= w->text.n);
    return in.ok;
}

/* --- the same events ------------------------------------------------------------------------------------------------- */

/* A hash of what an event says; they are added up, so that order does not matter. */
static uint64_t hash_of(const struct event *ev)
{
    const struct str strings[] = {ev->field, ev->group_id, ev->profile_name,  ev->wamid,       ev->type,
                                  ev->text,  ev->opaque,   ev->template_name, ev->error_title, ev->display_phone};
    const struct identity *const ids[] = {&ev->phone, &ev->user_id, &ev->parent_id, &ev->previous,
                                          &ev->previous_user_id};
    struct buf b;
    buf_init(&b, 4 << 20);
    buf_printf(&b, "%d %lld %lld %lld %x %d %d %llx", (int)ev->kind, (long long)ev->waba,
               (long long)ev->phone_number_id, (long long)ev->at, ev->seen, ev->code, (int)ev->act,
               (unsigned long long)ev->key);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        buf_printf(&b, " %s", ids[i]->value);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        buf_printf(&b, " %zu:", strings[i].n);
        buf_putstr(&b, strings[i]);
    }
    must(!b.failed);
    uint64_t h = hash64(b.data, b.len);
    buf_done(&b);
    return h;
}

/* False: it is JSON, but no webhook body, or too large. */
static bool add_events(struct str body, uint64_t *sum, size_t *ret_n)
{
    struct json v;
    struct event *ev = NULL;
    must(json_parse(parser, body, false, &v, NULL) == 0);
    *ret_n = 0;
    if (events_parse(v, arena, &ev, ret_n, NULL) != 0)
        return false;
    for (size_t i = 0; i < *ret_n; i++)
        *sum += hash_of(&ev[i]);
    return true;
}

/* A name twice in an object is read by one as the first and by another as the last. */
static bool names_twice(struct json v)
{
    if (json_duplicate_key(v).p != NULL)
        return true;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (names_twice(it.value))
            return true;
    return false;
}

static void check_pieces(struct str body, const struct webhook_piece *piece, size_t n)
{
    uint64_t whole = 0, pieces = 0;
    size_t events, one, again;
    struct webhook_piece *same;
    if (!add_events(body, &whole, &events))
        return;
    for (size_t i = 0; i < n; i++) {
        must(piece[i].body.n <= body.n);
        must(add_events(piece[i].body, &pieces, &one) && one <= 1);
        must(webhook_split(piece[i].body, arena, &same, &again, NULL) == 0 && again == 1);
        must(str_eq(same[0].body, piece[i].body));
        events -= one;
    }
    must(events == 0 && whole == pieces);
}

/* As many pieces as before, unless they did not fit; closing the gaps is done once and for all. */
static void check_places(struct str before, struct str after)
{
    struct webhook_piece *piece;
    struct buf less, again;
    struct json v;
    size_t n = 0, m = 0;
    if (!str_eq(after, STR(WEBHOOK_OF_NOTHING)) && webhook_split(before, arena, &piece, &n, NULL) == 0)
        must(webhook_split(after, arena, &piece, &m, NULL) == 0 && n == m);
    buf_init(&less, after.n);
    buf_init(&again, after.n);
    if (webhook_without_gaps(after, &less) == WEBHOOK_LESS) {
        must(!less.failed && less.len < after.n && json_parse(parser, buf_str(&less), false, &v, NULL) == 0);
        must(webhook_without_gaps(buf_str(&less), &again) == WEBHOOK_AS_IT_WAS);
    } else {
        must(less.len == 0);
    }
    buf_done(&less);
    buf_done(&again);
}

static void check_redacted(struct str body, bool is_json, bool twice)
{
    static struct identity names[3];
    struct buf b, again;
    struct json v;
    if (names[0].kind == IDENTITY_NONE) {
        must(identity_parse(STR("15550001111"), &names[0], NULL) == 0);
        must(identity_parse(STR("US.9"), &names[1], NULL) == 0);
        must(identity_group(STR("g/1"), &names[2], NULL) == 0);
    }
    buf_init(&b, body.n + 16);
    buf_init(&again, body.n + 16);
    if (webhook_redact(body, names, 3, &b)) {
        must(!b.failed && b.len <= body.n + 16);
        must(!is_json || json_parse(parser, buf_str(&b), false, &v, NULL) == 0);
        must(!is_json || !webhook_redact(buf_str(&b), names, 3, &again));
        if (is_json && !twice)
            check_places(body, buf_str(&b));
    }
    must(b.failed || again.len == 0);
    buf_done(&b);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct webhook_piece *piece = NULL;
    struct json v;
    size_t n = 0;
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(256u << 20);
    }
    if (size > MOST)
        return 0;
    struct json_walk w = json_walk(body);
    bool is_json = json_parse(parser, body, false, &v, NULL) == 0;
    bool twice = is_json && names_twice(v);
    bool walked = walk(&w, 0) && json_walk_end(&w);
    must(!is_json || walked);
    struct err e = {0};
    int rc = webhook_split(body, arena, &piece, &n, &e);
    must(rc == e.code && (rc == 0) == (n > 0));
    must(!is_json || rc != WL_EINVAL || json_type(json_get(v, "entry")) != JSON_ARRAY || twice);
    check_redacted(body, is_json, twice);
    if (rc == 0 && is_json && !twice)
        check_pieces(body, piece, n);
    arena_reset(arena);
    return 0;
}
