/* SPDX-License-Identifier: Apache-2.0
 * test_webhook_redact.c - one person taken out of bodies: byte for byte in a table, and out of all bodies from the tests of
 * five SDKs, where nothing of the person may be left and nothing of others be missing. */
#include "core/webhook_redact.h"

#include "base/json.h"
#include "core/event.h"

#include "t.h"

static struct identity ana[3], group;

static void know_ana(void)
{
    assert_int_equal(identity_parse(STR("15550001111"), &ana[0], NULL), 0);
    assert_int_equal(identity_parse(STR("US.9Ab"), &ana[1], NULL), 0);
    assert_int_equal(identity_parse(STR("US.ENT.7"), &ana[2], NULL), 0);
    assert_int_equal(identity_group(STR("g/1"), &group, NULL), 0);
}

#define CHANGE(value)                                                                                                  \
    "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"value\":{" value "},\"field\":\"messages\"}]}],\"x\":0}"
#define ENTRY(entry) "{\"entry\":[" entry "]}"

/* NULL: nothing of hers is in it. */
static const struct {
    const char *body, *left;
} rows[] = {
    {CHANGE("\"messages\":[{\"from\":\"15550002222\"}]"), NULL},
    {CHANGE("\"messages\":[{\"from\":\"15550001111\"},{\"from\":\"15550002222\"}]"),
     CHANGE("\"messages\":[{\"from\":\"15550002222\"}]")},
    {CHANGE("\"messages\":[ {\"from\":\"15550002222\"} , {\"from\":\"15550001111\"} ] , \"metadata\" : {} "),
     CHANGE("\"messages\":[ {\"from\":\"15550002222\"} ] , \"metadata\" : {} ")},
    {CHANGE("\"messages\":[{\"from\":\"15550001111\"}]"), CHANGE("\"messages\":[]")},
    {CHANGE("\"messages\":[1,{\"from\":\"15550001111\"},2,{\"from\":\"15550001111\"}]"), CHANGE("\"messages\":[1,2]")},
    /* in every spelling */
    {CHANGE("\"messages\":[{\"from\":\"+1 (555) 000-1111\"}]"), CHANGE("\"messages\":[]")},
    {CHANGE("\"messages\":[{\"from\":\"\\u002b1555\\u0030001111\"}]"), CHANGE("\"messages\":[]")},
    {CHANGE("\"messages\":[{\"from\":15550001111}]"), CHANGE("\"messages\":[]")},
    {CHANGE("\"messages\":[{\"15550001111\":1}]"), CHANGE("\"messages\":[]")},
    {CHANGE("\"statuses\":[{\"recipient_user_id\":\"us.9Ab\"},{\"recipient_user_id\":\"US.9AB\"}]"),
     CHANGE("\"statuses\":[{\"recipient_user_id\":\"US.9AB\"}]")},
    {CHANGE("\"messages\":[{\"from_parent_user_id\":\"US.ENT.7\"}]"), CHANGE("\"messages\":[]")},
    {CHANGE("\"groups\":[{\"group_id\":\"g\\/1\"},{\"group_id\":\"g/2\"}]"),
     CHANGE("\"groups\":[{\"group_id\":\"g/2\"}]")},
    /* deep in an element; contacts; what follows is kept; standby */
    {CHANGE("\"contacts\":[{\"wa_id\":\"15550001111\"},{\"wa_id\":\"1\"}],\"messages\":[{\"a\":[{\"b\":\"15550001111\"}"
            "]},2],\"y\":3"),
     CHANGE("\"contacts\":[{\"wa_id\":\"1\"}],\"messages\":[2],\"y\":3")},
    {CHANGE("\"standby\":{\"message_echoes\":[{\"to\":\"15550001111\"},{\"to\":\"5\"}],\"z\":1}"),
     CHANGE("\"standby\":{\"message_echoes\":[{\"to\":\"5\"}],\"z\":1}")},
    /* not the whole string, or not hers */
    {CHANGE("\"messages\":[{\"text\":\"call 15550001111\",\"id\":\"wamid.15550001111\",\"n\":155500011110}]"), NULL},
    /* elsewhere in a value */
    {CHANGE("\"history\":[{\"threads\":[{\"id\":\"15550001111\"}]}],\"y\":3"), CHANGE("")},
    {CHANGE("\"messages\":[1],\"sender\":\"15550001111\""), CHANGE("")},
    {CHANGE("\"standby\":{\"x\":\"15550001111\"}"), CHANGE("")},
    {CHANGE("\"standby\":[\"15550001111\"],\"15550001111\":0"), CHANGE("")},
    {ENTRY("{\"changes\":[{\"value\":[\"15550001111\"],\"field\":\"x\"}]}"),
     ENTRY("{\"changes\":[{\"value\":{},\"field\":\"x\"}]}")},
    /* beside a value, beside changes, beside entries */
    {ENTRY("{\"changes\":[{\"value\":{},\"x\":\"15550001111\"},{\"value\":1}]}"),
     ENTRY("{\"changes\":[{\"value\":1}]}")},
    {ENTRY("{\"changes\":[{\"value\":1}],\"x\":\"15550001111\"},{\"id\":2}"), ENTRY("{\"id\":2}")},
    {ENTRY("\"15550001111\",[{\"a\":\"15550001111\"}],3"), ENTRY("3")},
    {"{\"entry\":[{\"id\":1}],\"x\":[\"15550001111\"]}", "{\"entry\":[]}"},
    {"{\"15550001111\":0}", "{\"entry\":[]}"},
    {"[\"15550001111\"]", "{\"entry\":[]}"},
    /* one name twice: each is looked at */
    {CHANGE("\"messages\":[{\"from\":\"15550001111\"}],\"messages\":[{\"from\":\"15550001111\"},5]"),
     CHANGE("\"messages\":[],\"messages\":[5]")},
    /* no JSON */
    {"{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[{\"from\":\"15550001111\"", "{\"entry\":[]}"},
    {"{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[{\"from\":\"15550002222\"", NULL},
    {"15550001111", "{\"entry\":[]}"},
    {"\"15550001111", "{\"entry\":[]}"},
    {"", NULL},
};

TEST(takes_out)
{
    know_ana();
    struct identity names[4] = {ana[0], ana[1], ana[2], group};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 10000);
        buf_puts(&b, "before");
        bool any = webhook_redact(str_of(rows[i].body), names, 4, &b);
        if (any != (rows[i].left != NULL) || strcmp(buf_cstr(&b) + 6, any ? rows[i].left : "") != 0)
            fail_msg("row %zu: %s\ngot  %s\nwant %s", i, rows[i].body, buf_cstr(&b) + 6, rows[i].left);
        buf_done(&b);
    }
}

TEST(too_small_a_buffer_says_so)
{
    struct buf b;
    know_ana();
    for (size_t max = 0; max < strlen(rows[1].left); max++) {
        buf_init(&b, max);
        assert_true(webhook_redact(str_of(rows[1].body), ana, 3, &b));
        assert_true(b.failed);
        buf_done(&b);
    }
}

/* --- all bodies ------------------------------------------------------------------------------------------------------ */

struct cases {
    struct json_parser *p;
    struct arena *a;
    size_t persons, left;
};

static size_t events_of(struct cases *c, struct str body, struct event **ret)
{
    struct err e = {0};
    struct json v;
    size_t n = 0;
    assert_ok(json_parse(c->p, body, false, &v, &e), e);
    assert_ok(events_parse(v, c->a, ret, &n, &e), e);
    return n;
}

static bool is_of(const struct event *ev, const struct identity *who)
{
    const struct identity *const ids[] = {&ev->phone, &ev->user_id, &ev->parent_id, &ev->previous,
                                          &ev->previous_user_id};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i]->kind == who->kind && strcmp(ids[i]->value, who->value) == 0)
            return true;
    return false;
}

/* Takes this person out of the body: no event is hers any more, and a second time there is nothing to take. */
static void take_out(struct cases *c, const char *id, struct str body, const struct identity *who)
{
    struct buf b, again;
    struct event *ev;
    buf_init(&b, body.n + 16);
    buf_init(&again, body.n + 16);
    if (!webhook_redact(body, who, 1, &b))
        fail_msg("%s: %s is not found", id, who->value);
    assert_false(b.failed);
    if (webhook_redact(buf_str(&b), who, 1, &again))
        fail_msg("%s: %s is still there: %s", id, who->value, buf_cstr(&b));
    size_t n = events_of(c, buf_str(&b), &ev);
    for (size_t i = 0; i < n; i++)
        if (is_of(&ev[i], who))
            fail_msg("%s: an event of %s is left", id, who->value);
    c->left += n;
    c->persons++;
    buf_done(&b);
    buf_done(&again);
}

static void check_case(struct cases *c, const char *id, struct str body)
{
    struct event *ev;
    size_t n = events_of(c, body, &ev);
    for (size_t i = 0; i < n; i++) {
        struct identity phone = ev[i].phone, user = ev[i].user_id;
        if (phone.kind != IDENTITY_NONE)
            take_out(c, id, body, &phone);
        if (user.kind != IDENTITY_NONE)
            take_out(c, id, body, &user);
    }
}

TEST(out_of_all_cases)
{
    const char *path = case_file("webhooks/webhooks.jsonl");
    struct cases c = {.p = json_parser_create(), .a = arena_create(64 << 20)};
    char *line = NULL, id[40];
    size_t cap = 0;
    if (path == NULL) {
        arena_free(c.a);
        json_parser_free(c.p);
        skip_loudly("webhooks/webhooks.jsonl is not there");
    }
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct err e = {0};
        struct json row;
        struct buf body;
        assert_ok(json_parse(c.p, str_of(line), false, &row, &e), e);
        struct str name = json_str_or(json_get(row, "id"), STR("?"));
        snprintf(id, sizeof id, "%.*s", (int)name.n, name.p);
        if (json_type(json_get(row, "payload")) != JSON_OBJECT)
            continue;
        buf_init(&body, 1 << 20);
        assert_true(json_write_value(&body, json_get(row, "payload")));
        check_case(&c, id, buf_str(&body));
        buf_done(&body);
    }
    print_message("%zu persons taken out, %zu events of others left\n", c.persons, c.left);
    assert_true(c.persons > 150);
    fclose(f);
    free(line);
    arena_free(c.a);
    json_parser_free(c.p);
}

TESTS(T(takes_out), T(too_small_a_buffer_says_so), T(out_of_all_cases))
