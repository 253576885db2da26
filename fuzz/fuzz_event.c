/* SPDX-License-Identifier: Apache-2.0
 * fuzz_event.c - any JSON as a webhook body.
 *
 * What must hold: the reading is refused with a sentence or gives at most EVENTS_MAX events; ids are canonical
 * (reading them again gives the same), strings survive the document, an event that opens a window or changes
 * consent comes only from a field that may do so, what is kept word for word is valid JSON of a field that speaks of
 * nobody, read twice an event has the same key, and no event has a time before 1970. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/digest.h"
#include "core/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_id(const struct identity *id, enum identity_kind kind)
{
    struct identity again;
    must(memchr(id->value, 0, sizeof id->value) != NULL && (id->kind == IDENTITY_NONE || id->kind == kind));
    if (id->kind == IDENTITY_NONE)
        must(id->value[0] == '\0');
    else
        must(identity_parse(str_of(id->value), &again, NULL) == 0 && strcmp(again.value, id->value) == 0);
}

/* Every byte is read, so that the sanitizer sees one that is no longer ours. */
static void touch(struct str s)
{
    must(s.n == 0 || s.p != NULL);
    if (s.n > 0)
        (void)hash64(s.p, s.n);
}

static bool is_one_of(struct str field, const char *a, const char *b)
{
    return field.n == 0 || str_ieq(field, str_of(a)) || str_ieq(field, str_of(b));
}

static bool a_time(int64_t at)
{
    return at >= 0 && at <= ACCOUNT_FOREVER;
}

static void check_account(const struct event *ev)
{
    const struct account_word *w = ev->account;
    if (w == NULL)
        return;
    must(ev->kind == EVENT_ACCOUNT && w->said != 0 && w->waba >= 0);
    must(a_time(w->no_templates_until) && a_time(w->no_messages_until) && a_time(w->no_utility_until));
    must(w->limit >= 0 && w->portfolio >= 0 && w->per_second >= 0);
    must((w->quality != NULL) == ((w->said & SAID_QUALITY) != 0));
}

static void check_kind(const struct event *ev)
{
    /* which kind under which field: anything else goes through the same arrays, so a mix-up would show here */
    static const char *const talk[] = {"messages", "standby", "calls", "user_preferences"};
    bool conversation = is_one_of(ev->field, talk[0], talk[1]) || is_one_of(ev->field, talk[2], talk[3]);
    if (ev->kind == EVENT_INBOUND || ev->kind == EVENT_CALL || ev->kind == EVENT_STATUS || ev->kind == EVENT_PREFERENCE)
        must(conversation);
    if (ev->opens)
        must((ev->kind == EVENT_INBOUND && ev->group_id.n == 0) || (ev->kind == EVENT_CALL && ev->user_initiated));
    must(ev->notice.n == 0 || (event_is_notice(ev->field) && ev->notice.n <= EVENT_NOTICE_MAX));
    if (ev->kind == EVENT_PREFERENCE)
        must(ev->act == CONSENT_STOP || ev->act == CONSENT_RESUME || ev->act == CONSENT_GRANT);
}

static void check_errors(const struct event *ev)
{
    must(ev->n_further < EVENT_ERRORS_MAX);
    for (size_t i = 0; i < ev->n_further; i++)
        must(ev->further[i].code > 0 && ev->further[i].code != ev->code);
}

static void check_event(const struct event *ev)
{
    const struct str strings[] = {ev->field,
                                  ev->display_phone,
                                  ev->group_id,
                                  ev->profile_name,
                                  ev->wamid,
                                  ev->type,
                                  ev->text,
                                  ev->error_title,
                                  ev->opaque,
                                  ev->template_name,
                                  ev->template_language,
                                  ev->quality,
                                  ev->template_detail,
                                  ev->flow_id,
                                  ev->notice};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        touch(strings[i]);
    check_account(ev);
    check_id(&ev->phone, IDENTITY_PHONE);
    check_id(&ev->user_id, IDENTITY_USER_ID);
    check_id(&ev->parent_id, IDENTITY_PARENT_ID);
    check_id(&ev->previous_user_id, IDENTITY_USER_ID);
    check_id(&ev->previous_parent_id, IDENTITY_PARENT_ID);
    check_id(&ev->previous, ev->previous.kind == IDENTITY_PHONE ? IDENTITY_PHONE : IDENTITY_USER_ID);
    must(ev->at >= 0 && ev->code >= 0 && ev->waba >= 0 && ev->phone_number_id >= 0);
    must(memchr(ev->template_language.p ? ev->template_language.p : "", '-', ev->template_language.n) == NULL);
    check_kind(ev);
    check_errors(ev);
}

static void check_keys(struct json body, struct arena *a, const struct event *ev, size_t n)
{
    struct event *again = NULL;
    size_t m = 0;
    if (ev == NULL || events_parse(body, a, &again, &m, NULL) != 0)
        return;
    must(m == n);
    for (size_t i = 0; i < n; i++)
        must(again[i].key == ev[i].key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    static struct arena *arena;
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(64 << 20);
    }
    struct json v;
    struct event *ev = NULL;
    size_t n = 0;
    struct err e = {0};
    if (size > 1 << 18 || json_parse(parser, (struct str){(const char *)data, size}, false, &v, NULL) != 0)
        return 0;
    int rc = events_parse(v, arena, &ev, &n, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0'));
    must(rc == 0 ? n <= EVENTS_MAX : n == 0 && ev == NULL);
    check_keys(v, arena, ev, n);
    must(json_parse(parser, STR("[]"), false, &v, NULL) == 0); /* the document is gone, the events are not */
    for (size_t i = 0; i < n; i++)
        check_event(&ev[i]);
    for (size_t i = 0; i < n; i++)
        must(ev[i].notice.n == 0 || json_parse(parser, ev[i].notice, false, &v, NULL) == 0);
    arena_reset(arena);
    return 0;
}
