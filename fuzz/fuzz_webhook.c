/* SPDX-License-Identifier: Apache-2.0
 * fuzz_webhook.c - raw bytes through everything that reads a stored webhook: parsed, flattened to events, cut into pieces of one
 * event, and those read again.
 *
 * What must hold: bytes that are no webhook are refused with a sentence at the first step that can tell; what is taken is
 * taken by all of them. The pieces say what the body says: the same events with the same keys, so
 * that neither splitting nor joining hides a repeat or makes one. Reading twice gives the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/event.h"
#include "core/webhook_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX (1u << 18)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct json_parser *parser;

/* The events of these bytes; *ret_rc says whether they were taken. Of values nothing is kept. */
static size_t read_events(struct str body, struct arena *a, struct event **ret, int *ret_rc)
{
    struct json v;
    struct err e = {0};
    size_t n = 0;
    *ret = NULL;
    *ret_rc = json_parse(parser, body, false, &v, &e);
    if (*ret_rc == 0)
        *ret_rc = events_parse(v, a, ret, &n, &e);
    must(*ret_rc == e.code && (*ret_rc == 0) == (e.text[0] == '\0'));
    return n;
}

static bool same(const struct event *a, const struct event *b)
{
    return a->kind == b->kind && a->key == b->key && a->at == b->at && a->waba == b->waba &&
           a->phone_number_id == b->phone_number_id && str_eq(a->field, b->field) && str_eq(a->wamid, b->wamid);
}

/* Takes this event out of those that were not found in a piece yet. */
static bool take(struct event **left, size_t *n, const struct event *ev)
{
    for (size_t i = 0; i < *n; i++) {
        if (same(left[i], ev)) {
            left[i] = left[--*n];
            return true;
        }
    }
    return false;
}

static void check_pieces(struct str body, struct event *ev, size_t n, struct arena *a)
{
    struct webhook_piece *pieces = NULL;
    struct event **left = arena_new_array(a, struct event *, n);
    struct err e = {0};
    size_t n_pieces = 0;
    int rc = webhook_split(body, a, &pieces, &n_pieces, &e);
    must(rc == e.code && left != NULL);
    for (size_t i = 0; i < n; i++)
        left[i] = &ev[i];
    for (size_t i = 0; i < n_pieces; i++) {
        struct event *one;
        size_t k = read_events(pieces[i].body, a, &one, &rc);
        must(rc == 0);
        for (size_t j = 0; j < k; j++)
            must(take(left, &n, &one[j]));
    }
    must(n_pieces == 0 || n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(256 << 20);
    }
    if (size > BODY_MAX)
        return 0;
    struct str body = {(const char *)data, size};
    struct event *ev, *again;
    int rc;
    size_t n = read_events(body, arena, &ev, &rc);
    if (rc == 0) {
        must(read_events(body, arena, &again, &rc) == n && rc == 0);
        for (size_t i = 0; i < n; i++)
            must(same(&ev[i], &again[i]));
        check_pieces(body, ev, n, arena);
    }
    arena_reset(arena);
    return 0;
}
