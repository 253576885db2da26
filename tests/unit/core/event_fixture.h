/* SPDX-License-Identifier: Apache-2.0
 * event_fixture.h - a webhook body, or one change of one, as the events it holds.
 *
 * read_body() or read_change() first, done() last; the events live in between. */
#ifndef WL_TESTS_EVENT_FIXTURE_H
#define WL_TESTS_EVENT_FIXTURE_H

#include "core/event.h"

#include "t.h"

#define META "\"metadata\":{\"display_phone_number\":\"15550009999\",\"phone_number_id\":\"700800900\"}"
#define ANA                                                                                                            \
    "\"contacts\":[{\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"15550001111\",\"user_id\":\"US.9\",\"parent_user_id\":" \
    "\"US.ENT.7\"}]"

struct fixture {
    struct json_parser *p;
    struct arena *a;
    struct event *ev;
    size_t n;
};

static inline void read_body(struct fixture *f, const char *body)
{
    struct err e = {0};
    struct json v;
    f->p = json_parser_create();
    f->a = arena_create(16 << 20);
    assert_ok(json_parse(f->p, str_of(body), false, &v, &e), e);
    assert_ok(events_parse(v, f->a, &f->ev, &f->n, &e), e);
}

static inline struct event *read_change(struct fixture *f, const char *field, const char *value)
{
    static char body[8000];
    snprintf(body, sizeof body,
             "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"100200300\",\"time\":1790000000,"
             "\"changes\":[{\"field\":\"%s\",\"value\":{%s}}]}]}",
             field, value);
    read_body(f, body);
    return f->ev;
}

static inline void done(struct fixture *f)
{
    arena_free(f->a);
    json_parser_free(f->p);
}

static inline void assert_text(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", (int)got.n, got.p ? got.p : "", want);
}

static inline void assert_id(const struct identity *got, const char *want)
{
    if (strcmp(got->value, want) != 0 || (want[0] == '\0') != (got->kind == IDENTITY_NONE))
        fail_msg("got \"%s\" (%s), want \"%s\"", got->value, identity_kind_name(got->kind), want);
}

#endif
