/* SPDX-License-Identifier: Apache-2.0
 * test_webhook_redact.c - one person taken out of bodies: byte for byte in a table, and out of all bodies from the tests of
 * five SDKs, where nothing of the person may be left and nothing of others be missing. */
#include "core/webhook_redact.h"

#include "base/json.h"
#include "core/event.h"
#include "core/webhook_split.h"

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
     CHANGE("\"messages\":[null,{\"from\":\"15550002222\"}]")},
    {CHANGE("\"messages\":[ {\"from\":\"15550002222\"} , {\"from\":\"15550001111\"} ] , \"metadata\" : {} "),
     CHANGE("\"messages\":[ {\"from\":\"15550002222\"} , null ] , \"metadata\" : {} ")},
    {CHANGE("\"messages\":[{\"from\":\"15550001111\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[1,{\"from\":\"15550001111\"},2,{\"from\":\"15550001111\"}]"),
     CHANGE("\"messages\":[1,null,2,null]")},
    /* in every spelling */
    {CHANGE("\"messages\":[{\"from\":\"+1 (555) 000-1111\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"from\":\"\\u002b1555\\u0030001111\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"from\":15550001111}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"15550001111\":1}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"statuses\":[{\"recipient_user_id\":\"us.9Ab\"},{\"recipient_user_id\":\"US.9AB\"}]"),
     CHANGE("\"statuses\":[null,{\"recipient_user_id\":\"US.9AB\"}]")},
    {CHANGE("\"messages\":[{\"from_parent_user_id\":\"US.ENT.7\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"groups\":[{\"group_id\":\"g\\/1\"},{\"group_id\":\"g/2\"}]"),
     CHANGE("\"groups\":[null,{\"group_id\":\"g/2\"}]")},
    /* deep in an element; contacts; errors; what follows is kept; standby */
    {CHANGE("\"contacts\":[{\"wa_id\":\"15550001111\"},{\"wa_id\":\"1\"}],\"messages\":[{\"a\":[{\"b\":\"15550001111\"}"
            "]},2],\"y\":3"),
     CHANGE("\"contacts\":[null,{\"wa_id\":\"1\"}],\"messages\":[null,2],\"y\":3")},
    {CHANGE("\"errors\":[{\"details\":\"15550001111\"}],\"messages\":[5]"),
     CHANGE("\"errors\":[null],\"messages\":[5]")},
    {CHANGE("\"standby\":{\"message_echoes\":[{\"to\":\"15550001111\"},{\"to\":\"5\"}],\"z\":1}"),
     CHANGE("\"standby\":{\"message_echoes\":[null,{\"to\":\"5\"}],\"z\":1}")},
    /* inside of a text */
    {CHANGE("\"messages\":[{\"body\":\"call 15550001111!\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"body\":\"+1 (555) 000-1111 said\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"body\":\"https:\\/\\/wa.me\\/15550001111?text=x\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"body\":\"TEL;waid=15550001111:+x\\nEND\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"body\":\"\\u00e91\\u00a0555\xc2\xa0"
            "000\\u202f1111\\u00e9\"}]"),
     CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"body\":\"5 15550001111 5\"}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"a 15550001111 b\":1}]"), CHANGE("\"messages\":[null]")},
    {CHANGE("\"messages\":[{\"id\":\"wamid.15550001111\"}]"), CHANGE("\"messages\":[null]")},
    /* part of a longer run, too far apart, or not hers */
    {CHANGE("\"messages\":[{\"n\":155500011110,\"a\":\"x 155500011110\",\"b\":\"x015550001111\"}]"), NULL},
    {CHANGE("\"messages\":[{\"a\":\"1555000111 x1\",\"b\":\"x 1555    0001111\",\"c\":\"1555,0001111 \"}]"), NULL},
    {CHANGE("\"messages\":[{\"a\":\"x 1555000111\",\"b\":\"\\u0031x\",\"c\":\"x \\u003015550001111\"}]"), NULL},
    {CHANGE("\"messages\":[{\"a\":\"she is US.9Ab\"}]"), NULL},
    /* elsewhere in a value: places stay */
    {CHANGE("\"history\":[{\"threads\":[{\"id\":\"15550001111\"}]}],\"y\":3"),
     "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"value\":null,\"field\":\"messages\"}]}],\"x\":0}"},
    {CHANGE("\"messages\":[1,2],\"contacts\":[4],\"calls\":[],\"errors\":{\"a\":1},\"sender\":\"15550001111\""),
     CHANGE("\"messages\":[null,null],\"contacts\":null,\"calls\":null,\"errors\":[null]")},
    {CHANGE("\"errors\":[{},{}],\"messages\":5,\"sender\":\"15550001111\""),
     CHANGE("\"errors\":[null,null],\"messages\":null")},
    {CHANGE("\"errors\":{},\"sender\":\"15550001111\""), CHANGE("\"errors\":null")},
    {CHANGE("\"standby\":{\"x\":\"15550001111\",\"messages\":[ 7 , 8 ]}"),
     CHANGE("\"standby\":{\"messages\":[null,null]}")},
    {CHANGE("\"standby\":[\"15550001111\"],\"15550001111\":0"), CHANGE("\"standby\":null")},
    {CHANGE("\"standby\":{\"standby\":{\"messages\":[{\"from\":\"15550001111\"}]}}"), CHANGE("\"standby\":null")},
    {ENTRY("{\"changes\":[{\"value\":[\"15550001111\"],\"field\":\"x\"}]}"),
     ENTRY("{\"changes\":[{\"value\":null,\"field\":\"x\"}]}")},
    /* beside a value, beside changes, beside entries */
    {ENTRY("{\"changes\":[{\"value\":{},\"x\":\"15550001111\"},{\"value\":1}]}"),
     ENTRY("{\"changes\":[{\"value\":null},{\"value\":1}]}")},
    {ENTRY("{\"changes\":[{\"value\":{\"calls\":[1,2]},\"field\":\"x 15550001111\"},{\"value\":1}]}"),
     ENTRY("{\"changes\":[{\"value\":{\"calls\":[null,null]},\"field\":\"erased\"},{\"value\":1}]}")},
    {ENTRY("{\"changes\":[{\"value\":1},3],\"x\":\"15550001111\"},{\"id\":2}"),
     ENTRY("{\"changes\":[{\"value\":null},null]},{\"id\":2}")},
    {ENTRY("\"15550001111\",[{\"a\":\"15550001111\"}],{\"x\":\"15550001111\"},3"), ENTRY("null,null,null,3")},
    {"{\"entry\":[{\"id\":1},{\"changes\":[{\"value\":{\"messages\":[1]}}]}],\"x\":[\"15550001111\"]}",
     "{\"entry\":[null,{\"changes\":[{\"value\":{\"messages\":[null]}}]}]}"},
    {"{\"15550001111\":0}", "{\"entry\":[]}"},
    {"[\"15550001111\"]", "{\"entry\":[]}"},
    /* one name twice: each is looked at */
    {CHANGE("\"messages\":[{\"from\":\"15550001111\"}],\"messages\":[{\"from\":\"15550001111\"},5]"),
     CHANGE("\"messages\":[null],\"messages\":[null,5]")},
    /* places that need more room than the body had */
    {CHANGE("\"messages\":[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9],\"a\":\"15550001111\""),
     "{\"entry\":[]}"},
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

/* --- what is handed on ------------------------------------------------------------------------------------------------ */

/* NULL: nothing of it is left; as it was where `left` is the body. */
static const struct {
    const char *body, *left;
} gaps[] = {
    {CHANGE("\"messages\":[{\"a\":null}]"), CHANGE("\"messages\":[{\"a\":null}]")},
    {CHANGE("\"messages\":[null,1, null ,2,null],\"b\":null"), CHANGE("\"messages\":[1,2],\"b\":null")},
    {CHANGE("\"messages\":[null],\"statuses\":[1],\"contacts\":[null,2]"),
     CHANGE("\"messages\":[],\"statuses\":[1],\"contacts\":[2]")},
    {CHANGE("\"messages\":[null],\"contacts\":[2],\"metadata\":{}"), NULL},
    {CHANGE("\"contacts\":[null],\"metadata\":{}"), NULL},
    {CHANGE("\"contacts\":[null],\"other\":{}"), CHANGE("\"contacts\":[],\"other\":{}")},
    {CHANGE("\"contacts\":null,\"errors\":[null],\"x\":1"), NULL},
    {CHANGE("\"standby\":{\"messages\":[null,null]}"), NULL},
    {CHANGE("\"standby\":{\"messages\":[null,1]}"), CHANGE("\"standby\":{\"messages\":[1]}")},
    {ENTRY("{\"changes\":[{\"value\":null,\"field\":\"x\"},{\"value\":1}]},null,{\"changes\":[null]},{\"id\":2}"),
     ENTRY("{\"changes\":[{\"value\":1}]},{\"id\":2}")},
    {ENTRY("{\"changes\":[{\"value\":null},null]},null"), NULL},
    {ENTRY("{\"id\":null}"), ENTRY("{\"id\":null}")},
    {ENTRY(""), ENTRY("")},
    {"{\"entry\":null}", "{\"entry\":null}"},
    {"{\"entry\":[null", "{\"entry\":[null"},
    {"null", "null"},
    {"", ""},
};

TEST(without_gaps)
{
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        struct buf b;
        buf_init(&b, 10000);
        const char *body = gaps[i].body, *left = gaps[i].left;
        enum webhook_left want = left == NULL              ? WEBHOOK_NOTHING
                                 : strcmp(left, body) == 0 ? WEBHOOK_AS_IT_WAS
                                                           : WEBHOOK_LESS;
        enum webhook_left got = webhook_without_gaps(str_of(body), &b);
        if (got != want || !str_eq(buf_str(&b), str_of(got == WEBHOOK_LESS ? left : "")))
            fail_msg("row %zu: %s\ngot  %d %s\nwant %d %s", i, body, (int)got, buf_cstr(&b), (int)want,
                     left != NULL ? left : "nothing");
        buf_done(&b);
    }
}

/* Without recursion: a body of standby in standby, and so on, is only deep. */
TEST(a_deep_body)
{
    struct buf in, out;
    know_ana();
    buf_init(&in, 4 << 20);
    buf_init(&out, 4 << 20);
    buf_puts(&in, "{\"entry\":[{\"changes\":[{\"value\":{");
    for (int i = 0; i < 200000; i++)
        buf_puts(&in, "\"standby\":{");
    buf_puts(&in, "\"a\":\"15550001111\"");
    assert_true(webhook_redact(buf_str(&in), ana, 3, &out));
    assert_str(buf_str(&out), "{\"entry\":[]}");
    buf_done(&in);
    buf_done(&out);
}

TEST(names_in_a_text)
{
    static const struct {
        const char *text;
        bool theirs;
    } rows_of_text[] = {{"call 1 555 000 1111", true},
                        {"{\"from\":\"US.9Ab\"}", true},
                        {"15550001111", true},
                        {"{\"from\":155500011110}", false},
                        {"", false},
                        {"promo_may/en_US", false}};
    know_ana();
    for (size_t i = 0; i < sizeof rows_of_text / sizeof rows_of_text[0]; i++)
        if (webhook_names(str_of(rows_of_text[i].text), ana, 3) != rows_of_text[i].theirs)
            fail_msg("%s", rows_of_text[i].text);
}

/* --- all bodies ------------------------------------------------------------------------------------------------------ */

struct cases {
    struct json_parser *p;
    struct arena *a;
    size_t persons, left, gone;
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

/* Piece for piece: as it was, or nobody's. Contacts and errors may be fewer. */
static void check_places(struct cases *c, const char *id, struct str body, struct str left, const struct identity *who)
{
    struct err e = {0};
    struct webhook_piece *before, *after;
    size_t n, m;
    struct buf one;
    assert_ok(webhook_split(body, c->a, &before, &n, &e), e);
    assert_ok(webhook_split(left, c->a, &after, &m, &e), e);
    if (n != m)
        fail_msg("%s: %zu places, and %zu without %s: %.*s", id, n, m, who->value, (int)left.n, left.p);
    buf_init(&one, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&one);
        bool hers = webhook_names(before[i].body, who, 1);
        enum webhook_left what = webhook_without_gaps(after[i].body, &one);
        if (!hers && (what != WEBHOOK_AS_IT_WAS || !str_eq(before[i].body, after[i].body)))
            fail_msg("%s: place %zu became %.*s", id, i, (int)after[i].body.n, after[i].body.p);
        if (webhook_names(what == WEBHOOK_LESS ? buf_str(&one) : after[i].body, who, 1))
            fail_msg("%s: place %zu is hers still: %.*s", id, i, (int)after[i].body.n, after[i].body.p);
        c->gone += what == WEBHOOK_NOTHING;
    }
    buf_done(&one);
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
    check_places(c, id, body, buf_str(&b), who);
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
    assert_true(c.persons > 150 && c.gone > 150);
    fclose(f);
    free(line);
    arena_free(c.a);
    json_parser_free(c.p);
}

TESTS(T(takes_out), T(too_small_a_buffer_says_so), T(without_gaps), T(a_deep_body), T(names_in_a_text),
      T(out_of_all_cases))
