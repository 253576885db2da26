/* SPDX-License-Identifier: Apache-2.0
 * test_webhook_split.c - bodies cut into one event each: byte for byte in tables, and as properties of bodies from the
 * tests of five SDKs, alone, merged into one another and repeated a thousand times. */
#include "core/webhook_split.h"

#include "base/json.h"
#include "core/event.h"

#include "t.h"

#define META "\"metadata\":{\"phone_number_id\":\"700800900\"}"
#define ANA  "{\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"15550001111\",\"user_id\":\"US.9\"}"
#define BEN  "{\"profile\":{\"name\":\"Ben\"},\"wa_id\":\"15550002222\"}"

static struct json_parser *parser;
static struct arena *arena;

static void begin(void)
{
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create((size_t)256 << 20);
    }
    arena_reset(arena);
}

static struct webhook_piece *split(struct str body, size_t *ret_n)
{
    struct err e = {0};
    struct webhook_piece *piece = NULL;
    assert_ok(webhook_split(body, arena, &piece, ret_n, &e), e);
    assert_true(*ret_n > 0);
    return piece;
}

/* --- byte for byte --------------------------------------------------------------------------------------------------- */

#define HEAD "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":["
#define TAIL "]}]}"

/* A body is cut into pieces, separated here by a line feed. */
static void assert_pieces(size_t row, const char *body, const char *want)
{
    size_t n;
    begin();
    struct webhook_piece *piece = split(str_of(body), &n);
    struct buf got;
    buf_init(&got, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&got, '\n');
        buf_putstr(&got, piece[i].body);
    }
    if (strcmp(buf_cstr(&got), want) != 0)
        fail_msg("row %zu:\n%s\nwant\n%s", row, buf_cstr(&got), want);
    buf_done(&got);
}

#define TALK(field, value) HEAD "{\"value\":{" value "},\"field\":\"" field "\"}" TAIL

static const struct {
    const char *body, *want;
} cuts[] = {
    /* one event: as it was, white space included */
    {" {\"entry\" : [ {\"changes\":[ {\"field\":\"messages\", \"value\" : { \"messages\": [ {\"id\":\"a\"} ] } "
     "} ] } ] } ",
     " {\"entry\" : [ {\"changes\":[ {\"field\":\"messages\", \"value\" : { \"messages\": [ {\"id\":\"a\"} ] } "
     "} ] } ] } "},
    {TALK("messages", "\"messages\":[{\"id\":\"a\"},{\"id\":\"b\"}]," META),
     TALK("messages", "\"messages\":[{\"id\":\"a\"}]," META) "\n" TALK("messages",
                                                                       "\"messages\":[{\"id\":\"b\"}]," META)},
    /* two lists; unknown members and large numbers are kept everywhere */
    {TALK("messages", "\"x\":12345678901234567890.10,\"messages\":[1],\"y\":\"\\u00e9\\/\",\"statuses\":[2],\"z\":{}"),
     TALK("messages", "\"x\":12345678901234567890.10,\"messages\":[1],\"y\":\"\\u00e9\\/\",\"z\":{}") "\n" TALK(
         "messages", "\"x\":12345678901234567890.10,\"y\":\"\\u00e9\\/\",\"statuses\":[2],\"z\":{}")},
    /* contacts: those of the event, by any of its names */
    {TALK("messages",
          "\"contacts\":[" ANA "," BEN "],\"messages\":[{\"from\":\"15550002222\"},{\"from_user_id\":\"US.9\"}"
          ",{\"from\":\"15550003333\"},{\"id\":\"nobody\"}]"),
     TALK("messages", "\"contacts\":[" BEN "],\"messages\":[{\"from\":\"15550002222\"}]") "\n" TALK(
         "messages",
         "\"contacts\":[" ANA
         "],\"messages\":[{\"from_user_id\":\"US.9\"}]") "\n" TALK("messages",
                                                                   "\"messages\":[{\"from\":\"15550003333\"}"
                                                                   "]") "\n" TALK("messages", "\"messages\":[{\"id\":"
                                                                                              "\"nobody\"}]")},
    /* the only contact stays, whoever it is */
    {TALK("messages", "\"contacts\":[" ANA "],\"statuses\":[{\"recipient_id\":\"15550002222\"},{\"id\":\"b\"}]"),
     TALK("messages", "\"contacts\":[" ANA "],\"statuses\":[{\"recipient_id\":\"15550002222\"}]") "\n" TALK(
         "messages", "\"contacts\":[" ANA "],\"statuses\":[{\"id\":\"b\"}]")},
    /* written differently it is the same number, and the same contact twice is one */
    {TALK("messages",
          "\"contacts\":[" BEN "," BEN "," ANA "],\"messages\":[{\"from\":\"\\u002b1 555 000-2222\"},{\"from\":"
          "15550001111}]"),
     TALK("messages", "\"contacts\":[" BEN "],\"messages\":[{\"from\":\"\\u002b1 555 000-2222\"}]") "\n" TALK(
         "messages", "\"contacts\":[" ANA "],\"messages\":[{\"from\":15550001111}]")},
    /* a status of a group is about the participant; a call about the other side */
    {TALK("messages", "\"contacts\":[" ANA "," BEN "],\"statuses\":[{\"recipient_type\":\"group\",\"recipient_id\":"
                      "\"15550001111\",\"recipient_participant_id\":\"15550002222\"}]"),
     TALK("messages", "\"contacts\":[" BEN "],\"statuses\":[{\"recipient_type\":\"group\",\"recipient_id\":"
                      "\"15550001111\",\"recipient_participant_id\":\"15550002222\"}]")},
    {TALK("calls", "\"calls\":[{\"direction\":\"USER_INITIATED\",\"from\":\"15550002222\",\"to\":"
                   "\"15550001111\"},{\"from\":"
                   "\"15550002222\",\"to\":\"15550001111\"}],\"contacts\":[" ANA "," BEN "]"),
     TALK("calls", "\"calls\":[{\"direction\":\"USER_INITIATED\",\"from\":\"15550002222\",\"to\":\"15550001111\"}],"
                   "\"contacts\":[" BEN "]") "\n" TALK("calls", "\"calls\":[{\"from\":\"15550002222\",\"to\":"
                                                                "\"15550001111\"}],\"contacts\":[" ANA "]")},
    /* errors beside events are a piece of their own; alone they are the change */
    {TALK("messages", "\"errors\":[{\"code\":1},{\"code\":2}],\"messages\":[{\"id\":\"a\"}]," META),
     TALK("messages", "\"errors\":[{\"code\":1},{\"code\":2}]," META) "\n" TALK("messages",
                                                                                "\"messages\":[{\"id\":\"a\"}]," META)},
    {TALK("messages", "\"errors\":[{\"code\":1},{\"code\":2}]," META),
     TALK("messages", "\"errors\":[{\"code\":1},{\"code\":2}]," META)},
    {TALK("messages", "\"errors\":[],\"statuses\":[],\"messages\":[1,2]"),
     TALK("messages", "\"errors\":[],\"statuses\":[],\"messages\":[1]") "\n" TALK("messages",
                                                                                  "\"errors\":[],\"statuses\":[],"
                                                                                  "\"messages\":[2]")},
    /* in standby, and beside it */
    {TALK("standby", META ",\"standby\":{\"message_echoes\":[{\"id\":\"a\"},{\"id\":\"b\"}]}"),
     TALK("standby", META ",\"standby\":{\"message_echoes\":[{\"id\":\"a\"}]}") "\n" TALK(
         "standby", META ",\"standby\":{\"message_echoes\":[{\"id\":\"b\"}]}")},
    {TALK("standby", "\"standby\":{\"messages\":[1]},\"messages\":[2]"),
     TALK("standby", "\"standby\":{\"messages\":[1]}") "\n" TALK("standby", "\"messages\":[2]")},
    {TALK("standby", "\"standby\":{\"messages\":[1],\"x\":0},\"messages\":[2]"),
     TALK("standby", "\"standby\":{\"messages\":[1],\"x\":0}") "\n" TALK("standby",
                                                                         "\"standby\":{\"x\":0},\"messages\":[2]")},
    {TALK("message_echoes", "\"message_echoes\":[1,2]"),
     TALK("message_echoes", "\"message_echoes\":[1]") "\n" TALK("message_echoes", "\"message_echoes\":[2]")},
    {TALK("group_status_update", "\"groups\":[1,2]"),
     TALK("group_status_update", "\"groups\":[1]") "\n" TALK("group_status_update", "\"groups\":[2]")},
    /* fields that hold no events, or that nobody knows */
    {TALK("history", "\"messages\":[1,2]"), TALK("history", "\"messages\":[1,2]")},
    {TALK("smb_app_state_sync", "\"state_sync\":[1,2]"), TALK("smb_app_state_sync", "\"state_sync\":[1,2]")},
    {TALK("a_new_field", "\"messages\":[1,2],\"errors\":[3]"),
     TALK("a_new_field", "\"messages\":[1,2],\"errors\":[3]")},
    /* several entries and changes, with what stands beside them */
    {"{\"entry\":[{\"id\":1,\"changes\":[{\"value\":1},{\"value\":2,\"rejection_info\":3}],\"time\":7},{\"id\":"
     "2},"
     "{\"id\":3,\"changes\":[]}, 4],\"x\":0}",
     "{\"entry\":[{\"id\":1,\"changes\":[{\"value\":1}],\"time\":7}],\"x\":0}\n"
     "{\"entry\":[{\"id\":1,\"changes\":[{\"value\":2,\"rejection_info\":3}],\"time\":7}],\"x\":0}\n"
     "{\"entry\":[{\"id\":2}],\"x\":0}\n"
     "{\"entry\":[{\"id\":3,\"changes\":[]}],\"x\":0}\n"
     "{\"entry\":[ 4],\"x\":0}"},
    {"{\"entry\":[]}", "{\"entry\":[]}"},
    /* what is no list is no list */
    {TALK("messages", "\"messages\":{\"id\":\"a\"},\"statuses\":\"x\""),
     TALK("messages", "\"messages\":{\"id\":\"a\"},\"statuses\":\"x\"")},
    /* names with escapes, fields in capitals and without a field */
    {HEAD "{\"value\":{\"\\u006dessages\":[1,2]},\"\\u0066ield\":\"MESSAGES\"}" TAIL,
     HEAD "{\"value\":{\"\\u006dessages\":[1]},\"\\u0066ield\":\"MESSAGES\"}" TAIL "\n" HEAD
          "{\"value\":{\"\\u006dessages\":[2]},\"\\u0066ield\":\"MESSAGES\"}" TAIL},
    {HEAD "{\"value\":{\"calls\":[1,2]}}" TAIL,
     HEAD "{\"value\":{\"calls\":[1]}}" TAIL "\n" HEAD "{\"value\":{\"calls\":[2]}}" TAIL},
    /* one name twice in an object: readers differ in which one counts, so it stays whole */
    {TALK("messages", "\"messages\":[1,2],\"messages\":[3]"), TALK("messages", "\"messages\":[1,2],\"messages\":[3]")},
    {HEAD "{\"value\":{\"messages\":[1,2]},\"value\":{\"messages\":[3]}}" TAIL,
     HEAD "{\"value\":{\"messages\":[1,2]},\"value\":{\"messages\":[3]}}" TAIL},
    {HEAD "{\"field\":\"history\",\"field\":\"messages\",\"value\":{\"messages\":[1,2]}}" TAIL,
     HEAD "{\"field\":\"history\",\"field\":\"messages\",\"value\":{\"messages\":[1,2]}}" TAIL},
    /* preferences are none in standby */
    {TALK("standby", "\"standby\":{\"user_preferences\":[1,2]}"),
     TALK("standby", "\"standby\":{\"user_preferences\":[1,2]}")},
    {"{\"entry\":[{\"changes\":[{},{}]}],\"entry\":[]}", "{\"entry\":[{\"changes\":[{},{}]}],\"entry\":[]}"},
};

TEST(each_event_has_an_envelope_of_its_own)
{
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        assert_pieces(i, cuts[i].body, cuts[i].want);
}

TEST(what_is_no_webhook_is_refused)
{
    static const char *const rows[] = {"",
                                       "[]",
                                       "{}",
                                       "{\"entry\":{}}",
                                       "{\"entry\":[}",
                                       "{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[1",
                                       "{\"entry\":[]} x",
                                       "{\"entry\":[\"",
                                       "null"};
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct webhook_piece *piece;
        size_t n;
        if (webhook_split(str_of(rows[i]), arena, &piece, &n, &e) != WL_EINVAL)
            fail_msg("row %zu: %s", i, e.text);
    }
}

/* --- the same events ------------------------------------------------------------------------------------------------- */

struct lines {
    char **line;
    size_t n, max;
};

static const char *id_of(const struct identity *id)
{
    return id->value;
}

/* Everything of an event that must not change. */
static void add_line(struct lines *l, const struct event *ev)
{
    struct buf b;
    const struct str strings[] = {ev->field, ev->display_phone, ev->group_id, ev->profile_name,  ev->wamid,
                                  ev->type,  ev->text,          ev->opaque,   ev->template_name, ev->error_title};
    buf_init(&b, 1 << 20);
    buf_printf(&b, "%s %lld %lld %lld %s %s %s %s %x %d %d %llx", event_kind_name(ev->kind), (long long)ev->waba,
               (long long)ev->phone_number_id, (long long)ev->at, id_of(&ev->phone), id_of(&ev->user_id),
               id_of(&ev->parent_id), id_of(&ev->previous), ev->seen, ev->code, (int)ev->act,
               (unsigned long long)ev->key);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        buf_putc(&b, '|');
        buf_putstr(&b, strings[i]);
    }
    if (l->n == l->max) {
        l->max = 2 * l->max + 64;
        l->line = realloc(l->line, l->max * sizeof *l->line);
        assert_non_null(l->line);
    }
    l->line[l->n++] = buf_take(&b);
}

static size_t add_events(struct lines *l, struct str body)
{
    struct err e = {0};
    struct json v;
    struct event *ev = NULL;
    size_t n = 0;
    assert_ok(json_parse(parser, body, false, &v, &e), e);
    assert_ok(events_parse(v, arena, &ev, &n, &e), e);
    for (size_t i = 0; i < n; i++)
        add_line(l, &ev[i]);
    return n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void assert_same(const char *of, struct lines *a, struct lines *b)
{
    qsort(a->line, a->n, sizeof *a->line, by_text);
    qsort(b->line, b->n, sizeof *b->line, by_text);
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (strcmp(a->line[i], b->line[i]) != 0)
            fail_msg("%s: the body says\n%s\nthe pieces say\n%s", of, a->line[i], b->line[i]);
    if (a->n != b->n)
        fail_msg("%s: %zu events, in pieces %zu", of, a->n, b->n);
}

static void done(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->line[i]);
    free(l->line);
    *l = (struct lines){0};
}

/* Whether the piece is the body with something left out. */
static bool is_cut_of(struct str piece, struct str body)
{
    size_t at = 0;
    for (size_t i = 0; i < piece.n; i++, at++) {
        const char *found = at < body.n ? memchr(body.p + at, piece.p[i], body.n - at) : NULL;
        if (found == NULL)
            return false;
        at = (size_t)(found - body.p);
    }
    return true;
}

static void check_body(const char *of, struct str body)
{
    struct lines whole = {0}, pieces = {0};
    size_t n, again;
    (void)add_events(&whole, body);
    struct webhook_piece *piece = split(body, &n);
    for (size_t i = 0; i < n; i++) {
        if (add_events(&pieces, piece[i].body) > 1)
            fail_msg("%s: more than one event in %.*s", of, (int)piece[i].body.n, piece[i].body.p);
        if (!is_cut_of(piece[i].body, body))
            fail_msg("%s: bytes that are not of the body: %.*s", of, (int)piece[i].body.n, piece[i].body.p);
        struct webhook_piece *same = split(piece[i].body, &again);
        if (again != 1 || !str_eq(same[0].body, piece[i].body))
            fail_msg("%s: split again, another body: %.*s", of, (int)piece[i].body.n, piece[i].body.p);
    }
    assert_same(of, &whole, &pieces);
    done(&whole);
    done(&pieces);
}

/* Calls each() for the payloads of the case file, as compact JSON; false when it is not there. */
static bool each_case(void (*each)(const char *id, struct str body, void *ctx), void *ctx)
{
    const char *path = case_file("webhooks/webhooks.jsonl");
    char *line = NULL, id[40];
    size_t cap = 0, rows = 0;
    if (path == NULL)
        return false;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct err e = {0};
        struct json row;
        struct buf body;
        begin();
        assert_ok(json_parse(parser, str_of(line), false, &row, &e), e);
        struct str name = json_str_or(json_get(row, "id"), STR("?"));
        snprintf(id, sizeof id, "%.*s", (int)name.n, name.p);
        if (json_type(json_get(row, "payload")) != JSON_OBJECT)
            continue; /* the source's file is no JSON */
        buf_init(&body, 1 << 20);
        assert_true(json_write_value(&body, json_get(row, "payload")));
        each(id, buf_str(&body), ctx);
        buf_done(&body);
        rows++;
    }
    fclose(f);
    free(line);
    assert_true(rows > 150);
    return true;
}

static void check_case(const char *id, struct str body, void *ctx)
{
    (void)ctx;
    check_body(id, body);
}

TEST(cases_say_the_same_in_pieces)
{
    if (!each_case(check_case, NULL))
        skip_loudly("webhooks/webhooks.jsonl is not there");
}

/* All values of one field, their lists put together: what a body would be if Meta had sent them as one. */
struct merged {
    struct buf list[8];
    struct buf entries;
};

static const char *const lists[] = {"contacts", "messages", "statuses", "calls", "user_preferences", "errors"};

static void merge_value(struct merged *m, struct json value)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (struct json_iter it = json_iter(json_get(value, lists[i])); json_next(&it);) {
            if (m->list[i].len > 0)
                buf_putc(&m->list[i], ',');
            json_write_value(&m->list[i], it.value);
        }
    }
}

static void merge_case(const char *id, struct str body, void *ctx)
{
    struct merged *m = ctx;
    struct json v;
    (void)id;
    assert_int_equal(json_parse(parser, body, false, &v, NULL), 0);
    for (struct json_iter e = json_iter(json_get(v, "entry")); json_next(&e);) {
        if (m->entries.len > 0)
            buf_putc(&m->entries, ',');
        json_write_value(&m->entries, e.value);
        for (struct json_iter c = json_iter(json_get(e.value, "changes")); json_next(&c);)
            merge_value(m, json_get(c.value, "value"));
    }
}

TEST(cases_merged_say_the_same_in_pieces)
{
    struct merged m;
    struct buf body;
    for (size_t i = 0; i < 8; i++)
        buf_init(&m.list[i], 4 << 20);
    buf_init(&m.entries, 4 << 20);
    buf_init(&body, 16 << 20);
    bool there = each_case(merge_case, &m);
    buf_printf(&body, "{\"entry\":[{\"id\":\"5\",\"changes\":[{\"value\":{" META);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        buf_printf(&body, ",\"%s\":[%s]", lists[i], buf_cstr(&m.list[i]));
    buf_printf(&body, "},\"field\":\"messages\"}]},%s]}", buf_cstr(&m.entries));
    begin();
    if (there)
        check_body("all in one", buf_str(&body));
    for (size_t i = 0; i < 8; i++)
        buf_done(&m.list[i]);
    buf_done(&m.entries);
    buf_done(&body);
    if (!there)
        skip_loudly("webhooks/webhooks.jsonl is not there");
}

/* --- large ----------------------------------------------------------------------------------------------------------- */

/* One change with so many messages of so many contacts, `more` bytes of text in each message. */
static void large_body(struct buf *b, size_t messages, size_t contacts, size_t more, const char *beside)
{
    buf_init(b, 64 << 20);
    buf_printf(b, HEAD "{\"value\":{%s,\"contacts\":[", beside);
    for (size_t i = 0; i < contacts; i++)
        buf_printf(b, "%s{\"profile\":{\"name\":\"N %zu\"},\"wa_id\":\"1555%07zu\",\"user_id\":\"US.%zu\"}",
                   i > 0 ? "," : "", i, i, i);
    buf_puts(b, "],\"messages\":[");
    for (size_t i = 0; i < messages; i++) {
        buf_printf(
            b,
            "%s{\"id\":\"wamid.%zu\",\"from\":\"1555%07zu\",\"timestamp\":\"1790000000\",\"type\":\"text\",\"text\":"
            "{\"body\":\"",
            i > 0 ? "," : "", i, contacts > 0 ? i % contacts : 0);
        for (size_t k = 0; k < more; k++)
            buf_putc(b, 'x');
        buf_puts(b, "\"}}");
    }
    buf_puts(b, "]},\"field\":\"messages\"}" TAIL);
    assert_false(b->failed);
}

TEST(a_thousand_events_cost_little_more_than_their_bytes)
{
    struct buf b;
    size_t n, total = 0;
    large_body(&b, 1000, 1000, 2700, META);
    begin();
    struct webhook_piece *piece = split(buf_str(&b), &n);
    assert_int_equal(n, 1000);
    for (size_t i = 0; i < n; i++)
        total += piece[i].body.n;
    assert_true(b.len > 2800000 && total < b.len + n * 400);
    assert_true(arena_used(arena) < total + n * 800);
    buf_done(&b);
    large_body(&b, 300, 200, 10, META);
    check_body("300 of 200", buf_str(&b));
    buf_done(&b);
}

/* The same contact again and again, as when bodies were merged. */
TEST(a_contact_repeated_is_kept_once)
{
    struct buf b;
    size_t n;
    buf_init(&b, 4 << 20);
    buf_puts(&b, HEAD "{\"value\":{\"contacts\":[" ANA);
    for (int i = 1; i < 1000; i++)
        buf_puts(&b, "," ANA);
    buf_puts(&b, "],\"messages\":[{\"from\":\"15550001111\"}");
    for (int i = 1; i < 1000; i++)
        buf_puts(&b, ",{\"from\":\"15550001111\"}");
    buf_puts(&b, "]},\"field\":\"messages\"}" TAIL);
    begin();
    struct webhook_piece *piece = split(buf_str(&b), &n);
    assert_int_equal(n, 1000);
    for (size_t i = 0; i < n; i++)
        assert_str(piece[i].body, HEAD "{\"value\":{\"contacts\":[" ANA "],\"messages\":[{\"from\":\"15550001111\"}]},"
                                       "\"field\":\"messages\"}" TAIL);
    buf_done(&b);
}

static void assert_refused(struct str body, struct arena *a, int code)
{
    struct err e = {0};
    struct webhook_piece *piece = NULL;
    size_t n;
    assert_int_equal(webhook_split(body, a, &piece, &n, &e), code);
    assert_null(piece);
}

TEST(limits)
{
    struct buf b, beside;
    size_t n;
    begin();
    large_body(&b, SPLIT_MAX, 1, 0, META);
    split(buf_str(&b), &n);
    assert_int_equal(n, SPLIT_MAX);
    struct arena *small = arena_create(100000);
    assert_refused(buf_str(&b), small, WL_ENOMEM);
    arena_free(small);
    buf_done(&b);
    large_body(&b, SPLIT_MAX + 1, 1, 0, META);
    assert_refused(buf_str(&b), arena, WL_ETOOBIG);
    buf_done(&b);
    large_body(&b, 2, SPLIT_MAX + 1, 0, META);
    assert_refused(buf_str(&b), arena, WL_ETOOBIG);
    buf_done(&b);
    /* what all events share is in each of them: 40 KB a thousand times */
    buf_init(&beside, 1 << 20);
    buf_puts(&beside, "\"x\":\"");
    for (int i = 0; i < 40000; i++)
        buf_putc(&beside, 'x');
    buf_puts(&beside, "\"");
    large_body(&b, 1000, 1, 0, buf_cstr(&beside));
    begin();
    assert_refused(buf_str(&b), arena, WL_ETOOBIG);
    assert_true(arena_used(arena) < SPLIT_BYTES_MAX + (4 << 20));
    buf_done(&b);
    buf_done(&beside);
    /* entries and changes without number */
    buf_init(&b, 1 << 20);
    buf_puts(&b, "{\"entry\":[{\"changes\":[0");
    for (int i = 0; i < SPLIT_MAX; i++)
        buf_puts(&b, ",0");
    buf_puts(&b, "]}]}");
    assert_refused(buf_str(&b), arena, WL_ETOOBIG);
    buf_clear(&b);
    buf_puts(&b, "{\"entry\":[0");
    for (int i = 0; i < SPLIT_MAX; i++)
        buf_puts(&b, ",0");
    buf_puts(&b, "]}");
    assert_refused(buf_str(&b), arena, WL_ETOOBIG);
    buf_done(&b);
    arena_free(arena);
    json_parser_free(parser);
    parser = NULL;
}

TESTS(T(each_event_has_an_envelope_of_its_own), T(what_is_no_webhook_is_refused), T(cases_say_the_same_in_pieces),
      T(cases_merged_say_the_same_in_pieces), T(a_thousand_events_cost_little_more_than_their_bytes),
      T(a_contact_repeated_is_kept_once), T(limits))
