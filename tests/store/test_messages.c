/* SPDX-License-Identifier: Apache-2.0
 * test_messages.c - messages, their outcomes, Meta's events in any order, decisions and rule sets.
 *
 * What would hurt: a message sent twice because a late answer moved it back, a delivery forgotten because events
 * came out of order, a decision that can't be explained. */
#include "store_fixture.h"

#include "core/event.h"

static struct message add(struct fx *f, enum message_state state, int64_t epoch)
{
    struct message m = fx_message(f, 4096);
    struct decision_row d = {.id = m.id, .ts = NOW, .ruleset = 3, .verdict = 1};
    m.state = state;
    m.epoch = epoch;
    BEGIN(f);
    OK(f, messages_insert(f->s, &m, &d, 1, &f->e));
    COMMIT(f);
    return m;
}

static struct message get(struct fx *f, int64_t id)
{
    struct message m;
    memset(&m, 0xee, sizeof m);
    OK(f, messages_get(f->s, 0, id, &m, &f->e));
    return m;
}

TEST(keeps_every_field_of_a_message)
{
    struct fx f;
    fx_start(&f);
    struct message m = {.id = store_id(f.s, NOW),
                        .contact = 4096,
                        .sender = SENDER,
                        .campaign = 5,
                        .state = MESSAGE_REFUSED,
                        .attempt = 2,
                        .epoch = 7,
                        .ts = NOW,
                        .kind = 2,
                        .category = 3,
                        .seen = 64,
                        .code = 131047,
                        .ts_outcome = NOW + 1,
                        .type = "interactive:list",
                        .wamid = "wamid.HBgL"},
                   got;
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    got = get(&f, m.id);
    assert_true(got.id == m.id && got.bucket == 0);
    assert_true(got.contact == 4096);
    assert_true(got.sender == SENDER);
    assert_int_equal(got.campaign, 5);
    assert_int_equal(got.state, MESSAGE_REFUSED);
    assert_int_equal(got.attempt, 2);
    assert_int_equal(got.epoch, 7);
    assert_true(got.ts == NOW && got.ts_outcome == NOW + 1);
    assert_int_equal(got.kind, 2);
    assert_int_equal(got.category, 3);
    assert_int_equal(got.seen, 64);
    assert_int_equal(got.code, 131047);
    assert_string_equal(got.type, "interactive:list");
    assert_string_equal(got.wamid, "wamid.HBgL");
    assert_int_equal(messages_get(f.s, 0, m.id + 1, &got, &f.e), WL_ENOTFOUND);
    assert_int_equal(messages_get(f.s, 1, m.id, &got, &f.e), WL_ENOTFOUND); /* another bucket is another place */
    BEGIN(&f);
    assert_int_equal(messages_insert(f.s, &m, NULL, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    fx_end(&f);
}

TEST(keeps_the_decision_as_it_was_packed)
{
    struct fx f;
    fx_start(&f);
    struct message m = fx_message(&f, 4096);
    static const char facts[] = {1, 0, 2, (char)0xff};
    struct decision_row d = {.id = m.id,
                             .ts = NOW,
                             .ruleset = 9,
                             .verdict = 2,
                             .until = NOW + 99,
                             .facts = {facts, sizeof facts}},
                        got;
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &m, &d, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, decisions_get(f.s, 0, m.id, f.a, &got, &f.e));
    assert_true(got.id == m.id && got.ts == NOW && got.until == NOW + 99);
    assert_int_equal(got.ruleset, 9);
    assert_int_equal(got.verdict, 2);
    assert_int_equal(got.facts.n, sizeof facts);
    assert_memory_equal(got.facts.p, facts, sizeof facts);
    assert_int_equal(got.findings.n, 0);
    assert_int_equal(decisions_get(f.s, 0, m.id + 1, f.a, &got, &f.e), WL_ENOTFOUND);
    fx_end(&f);
}

TEST(every_state_has_a_name)
{
    for (int i = MESSAGE_REFUSED; i <= MESSAGE_UNSENT; i++)
        assert_string_not_equal(message_state_name((enum message_state)i), "unknown");
    assert_string_equal(message_state_name(MESSAGE_AMBIGUOUS), "ambiguous");
    assert_string_equal(message_state_name((enum message_state)0), "unknown");
    assert_string_equal(message_state_name((enum message_state)99), "unknown");
}

TEST(outcome_moves_only_its_own_sending_message)
{
    static const struct {
        enum message_state before;
        int64_t epoch, asked;
        bool moves;
    } rows[] = {
        {MESSAGE_SENDING, 3, 3, true},   {MESSAGE_SENDING, 3, 2, false},   {MESSAGE_SENDING, 3, 4, false},
        {MESSAGE_ACCEPTED, 3, 3, false}, {MESSAGE_AMBIGUOUS, 3, 3, false}, {MESSAGE_REJECTED, 3, 3, false},
        {MESSAGE_REFUSED, 3, 3, false},  {MESSAGE_UNSENT, 3, 3, false},
    };
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = add(&f, rows[i].before, rows[i].epoch);
        struct outcome o = {.id = m.id,
                            .epoch = rows[i].asked,
                            .state = MESSAGE_REJECTED,
                            .code = 131026,
                            .at = NOW + 60,
                            .wamid = STR("wamid.X")};
        size_t moved = 9;
        BEGIN(&f);
        OK(&f, messages_outcome(f.s, &o, 1, &moved, &f.e));
        COMMIT(&f);
        assert_int_equal(moved, rows[i].moves);
        struct message got = get(&f, m.id);
        assert_int_equal(got.state, rows[i].moves ? MESSAGE_REJECTED : rows[i].before);
        assert_int_equal(got.code, rows[i].moves ? 131026 : 0);
        assert_string_equal(got.wamid, rows[i].moves ? "wamid.X" : "");
        assert_true(got.ts_outcome == (rows[i].moves ? NOW + 60 : 0));
    }
    char longest[WAMID_MAX + 1];
    memset(longest, 'A', sizeof longest);
    struct outcome o = {.id = 1, .epoch = 1, .state = MESSAGE_ACCEPTED, .wamid = {longest, WAMID_MAX}};
    BEGIN(&f);
    assert_int_equal(messages_outcome(f.s, &o, 1, NULL, &f.e), WL_ETOOBIG);
    store_rollback(f.s);
    fx_end(&f);
}

static struct message_event event(int64_t msg, uint32_t seen, const char *status, int64_t at)
{
    return (struct message_event){.msg = msg,
                                  .at = at,
                                  .recorded_at = at + 1,
                                  .seen = seen,
                                  .status = str_of(status),
                                  .wamid = STR("wamid.E"),
                                  .code = seen == SEEN_FAILED ? 131026 : 0};
}

/* Every order of arrival of four events ends in the same view, and no step of the way loses a bit. */
TEST(events_in_any_order_give_one_view)
{
    struct fx f;
    fx_start(&f);
    for (int order = 0; order < 256; order++) {
        int at[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3}, used = 0;
        for (int i = 0; i < 4; i++)
            used |= 1 << at[i];
        if (used != 15)
            continue;
        struct message m = add(&f, MESSAGE_SENDING, 1);
        struct message_event ev[4] = {event(m.id, SEEN_SENT, "sent", 100),
                                      event(m.id, SEEN_DELIVERED, "delivered", 200),
                                      event(m.id, SEEN_READ, "read", 300), event(m.id, SEEN_FAILED, "failed", 150)};
        uint32_t before = 0;
        for (int i = 0; i < 4; i++) {
            BEGIN(&f);
            OK(&f, message_events_append(f.s, &ev[at[i]], 1, NULL, &f.e));
            COMMIT(&f);
            struct message got = get(&f, m.id);
            assert_int_equal(got.seen & before, before);
            assert_int_equal(got.seen, before | ev[at[i]].seen);
            before = got.seen;
        }
        struct message got = get(&f, m.id);
        assert_int_equal(got.seen, SEEN_SENT | SEEN_DELIVERED | SEEN_READ | SEEN_FAILED);
        assert_int_equal(got.state, MESSAGE_ACCEPTED);
        assert_int_equal(got.code, 131026);
        assert_string_equal(got.wamid, "wamid.E");
    }
    fx_end(&f);
}

TEST(an_event_counts_once)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, MESSAGE_ACCEPTED, 1);
    struct message_event ev[5] = {event(m.id, SEEN_DELIVERED, "delivered", 200),
                                  event(m.id, SEEN_DELIVERED, "delivered", 200),
                                  event(m.id, SEEN_DELIVERED, "delivered", 201),
                                  event(m.id, SEEN_DELIVERED, "delivered", 200), event(m.id, SEEN_READ, "read", 200)},
                         *got = NULL;
    size_t fresh = 0, n = 0;
    ev[3].participant = STR("15550000003"); /* of a group: each member reports */
    BEGIN(&f);
    OK(&f, message_events_append(f.s, ev, 5, &fresh, &f.e));
    assert_int_equal(fresh, 4);
    OK(&f, message_events_append(f.s, ev, 5, &fresh, &f.e));
    assert_int_equal(fresh, 0);
    COMMIT(&f);
    OK(&f, message_events_list(f.s, 0, m.id, f.a, 100, &got, &n, &f.e));
    assert_int_equal(n, 4);
    assert_true(got[0].at == 200 && got[3].at == 201 && got[0].msg == m.id && got[0].recorded_at == 201);
    assert_str(got[3].status, "delivered");
    OK(&f, message_events_list(f.s, 0, m.id, f.a, 2, &got, &n, &f.e));
    assert_int_equal(n, 2);
    fx_end(&f);
}

TEST(the_first_failure_code_stays)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, MESSAGE_ACCEPTED, 1);
    struct message_event ev[3] = {event(m.id, SEEN_DELIVERED, "delivered", 1), event(m.id, SEEN_FAILED, "failed", 2),
                                  event(m.id, SEEN_FAILED, "failed", 3)};
    ev[0].code = 5; /* not a failure: no code of the message's */
    ev[2].code = 131049;
    BEGIN(&f);
    OK(&f, message_events_append(f.s, ev, 3, NULL, &f.e));
    COMMIT(&f);
    struct message got = get(&f, m.id);
    assert_int_equal(got.code, 131026);
    assert_int_equal(got.state, MESSAGE_ACCEPTED);
    fx_end(&f);
}

TEST(events_teach_what_the_answer_did_not)
{
    static const struct {
        enum message_state before;
        uint32_t seen;
        enum message_state after;
        const char *wamid;
    } rows[] = {
        {MESSAGE_SENDING, SEEN_SENT, MESSAGE_ACCEPTED, "wamid.E"},
        {MESSAGE_AMBIGUOUS, SEEN_DELIVERED, MESSAGE_ACCEPTED, "wamid.E"},
        {MESSAGE_AMBIGUOUS, SEEN_READ, MESSAGE_ACCEPTED, "wamid.E"},
        {MESSAGE_AMBIGUOUS, SEEN_FAILED, MESSAGE_AMBIGUOUS, ""},
        {MESSAGE_AMBIGUOUS, SEEN_DELETED, MESSAGE_AMBIGUOUS, ""},
        {MESSAGE_REFUSED, SEEN_SENT, MESSAGE_REFUSED, ""},
        {MESSAGE_REJECTED, SEEN_SENT, MESSAGE_REJECTED, ""},
        {MESSAGE_UNSENT, SEEN_SENT, MESSAGE_UNSENT, ""},
        {MESSAGE_ACCEPTED, SEEN_SENT, MESSAGE_ACCEPTED, "wamid.E"},
    };
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = add(&f, rows[i].before, 1);
        struct message_event ev = event(m.id, rows[i].seen, "x", 10);
        BEGIN(&f);
        OK(&f, message_events_append(f.s, &ev, 1, NULL, &f.e));
        COMMIT(&f);
        struct message got = get(&f, m.id);
        assert_int_equal(got.state, rows[i].after);
        assert_int_equal(got.seen, rows[i].seen);
        assert_string_equal(got.wamid, rows[i].wamid);
    }
    /* the late answer finds it settled */
    struct message m = add(&f, MESSAGE_SENDING, 1);
    struct message_event ev = event(m.id, SEEN_SENT, "sent", 10);
    struct outcome late = {.id = m.id, .epoch = 1, .state = MESSAGE_AMBIGUOUS, .at = NOW};
    size_t moved = 9;
    BEGIN(&f);
    OK(&f, message_events_append(f.s, &ev, 1, NULL, &f.e));
    OK(&f, messages_outcome(f.s, &late, 1, &moved, &f.e));
    COMMIT(&f);
    assert_int_equal(moved, 0);
    assert_int_equal(get(&f, m.id).state, MESSAGE_ACCEPTED);
    fx_end(&f);
}

TEST(events_of_unknown_messages_are_kept_apart)
{
    struct fx f;
    fx_start(&f);
    struct message_event ev[3] = {event(0, SEEN_SENT, "sent", 5), event(0, SEEN_SENT, "sent", 5),
                                  event(0, SEEN_SENT, "sent", 5)},
                         *got = NULL;
    size_t fresh = 0, n = 0;
    ev[0].wamid = STR("wamid.A");
    ev[1].wamid = STR("wamid.B");
    ev[2].wamid = STR("wamid.A");
    BEGIN(&f);
    OK(&f, message_events_append(f.s, ev, 3, &fresh, &f.e));
    COMMIT(&f);
    assert_int_equal(fresh, 2);
    OK(&f, message_events_list(f.s, 0, 0, f.a, 10, &got, &n, &f.e));
    assert_int_equal(n, 2);
    assert_false(str_eq(got[0].wamid, got[1].wamid));
    assert_true(str_starts(got[0].wamid, STR("wamid.")));
    fx_end(&f);
}

TEST(a_restart_settles_what_was_on_its_way)
{
    struct fx f;
    fx_start(&f);
    struct message old = add(&f, MESSAGE_SENDING, 1), older = add(&f, MESSAGE_SENDING, 0),
                   mine = add(&f, MESSAGE_SENDING, 2), done = add(&f, MESSAGE_ACCEPTED, 1);
    size_t n = 9;
    BEGIN(&f);
    OK(&f, messages_settle(f.s, 0, 2, NOW + 500, &n, &f.e));
    COMMIT(&f);
    assert_int_equal(n, 2);
    assert_int_equal(get(&f, old.id).state, MESSAGE_AMBIGUOUS);
    assert_true(get(&f, old.id).ts_outcome == NOW + 500);
    assert_int_equal(get(&f, older.id).state, MESSAGE_AMBIGUOUS);
    assert_int_equal(get(&f, mine.id).state, MESSAGE_SENDING);
    assert_int_equal(get(&f, done.id).state, MESSAGE_ACCEPTED);
    BEGIN(&f);
    OK(&f, messages_settle(f.s, 0, 2, NOW + 900, &n, &f.e));
    COMMIT(&f);
    assert_int_equal(n, 0);
    fx_end(&f);
}

static void collect(void *ctx, const struct message *m)
{
    int64_t **at = ctx;
    *(*at)++ = m->id;
}

TEST(lists_the_newest_first)
{
    struct fx f;
    fx_start(&f);
    struct identity user = fx_name(IDENTITY_USER_ID, "US.1");
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), q = fx_person(&f, user.kind, user.value);
    struct message m[60], *got = NULL;
    int64_t ids[60], *end = ids;
    size_t n = 0;
    for (int i = 0; i < 60; i++)
        m[i] = fx_message(&f, i % 3 == 0 ? p.id : i % 3 == 1 ? q.id : 0);
    BEGIN(&f);
    OK(&f, messages_insert(f.s, m, NULL, 60, &f.e));
    COMMIT(&f);
    OK(&f, messages_recent(f.s, 10, collect, &end, &f.e));
    assert_int_equal(end - ids, 10);
    for (int i = 0; i < 10; i++)
        assert_true(ids[i] == m[59 - i].id);
    OK(&f, messages_of(f.s, 0, p.id, f.a, 100, &got, &n, &f.e));
    assert_int_equal(n, 20);
    for (size_t i = 0; i < n; i++)
        assert_true(got[i].id == m[57 - 3 * i].id && got[i].contact == p.id);
    OK(&f, messages_of(f.s, 0, p.id, f.a, 4, &got, &n, &f.e));
    assert_int_equal(n, 4);
    int64_t gone = q.id;
    BEGIN(&f);
    OK(&f, people_add_identity(f.s, &p, &user, NOW, &f.e));
    COMMIT(&f);
    OK(&f, messages_of(f.s, 0, gone, f.a, 100, &got, &n, &f.e)); /* both lives */
    assert_int_equal(n, 40);
    for (size_t i = 1; i < n; i++)
        assert_true(got[i].id < got[i - 1].id);
    fx_end(&f);
}

TEST(a_rule_set_has_one_number)
{
    struct fx f;
    uint8_t one[32] = {1}, two[32] = {2}, got[32];
    int64_t n1 = 0, n2 = 0, again = 0;
    struct str source;
    fx_start(&f);
    BEGIN(&f);
    OK(&f, rulesets_put(f.s, one, "default", STR("rules: one"), NOW, &n1, &f.e));
    OK(&f, rulesets_put(f.s, two, "default", STR("rules: two"), NOW, &n2, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    BEGIN(&f);
    OK(&f, rulesets_put(f.s, one, "renamed", STR("rules: one"), NOW + 5, &again, &f.e));
    COMMIT(&f);
    assert_true(n1 > 0 && n2 > 0 && n1 != n2 && again == n1);
    OK(&f, rulesets_get(f.s, n2, f.a, got, &source, &f.e));
    assert_memory_equal(got, two, 32);
    assert_str(source, "rules: two");
    assert_int_equal(rulesets_get(f.s, 99, f.a, got, &source, &f.e), WL_ENOTFOUND);
    struct ruleset_name found[2];
    size_t n = 9;
    uint8_t from[32] = {2}, to[32] = {2, 0xff};
    OK(&f, rulesets_between(f.s, from, to, f.a, 2, found, &n, &f.e));
    assert_true(n == 1 && found[0].number == n2 && found[0].hash.n == 32 && memcmp(found[0].hash.p, two, 32) == 0);
    assert_str(found[0].id, "default");
    from[0] = 1;
    OK(&f, rulesets_between(f.s, from, to, f.a, 2, found, &n, &f.e));
    assert_true(n == 2 && found[0].number == n1);
    OK(&f, rulesets_between(f.s, from, to, f.a, 1, found, &n, &f.e));
    assert_int_equal(n, 1);
    from[0] = to[0] = 3;
    OK(&f, rulesets_between(f.s, from, to, f.a, 2, found, &n, &f.e));
    assert_int_equal(n, 0);
    fx_end(&f);
}

TESTS(T(keeps_every_field_of_a_message), T(keeps_the_decision_as_it_was_packed), T(every_state_has_a_name),
      T(outcome_moves_only_its_own_sending_message), T(events_in_any_order_give_one_view), T(an_event_counts_once),
      T(the_first_failure_code_stays), T(events_teach_what_the_answer_did_not),
      T(events_of_unknown_messages_are_kept_apart), T(a_restart_settles_what_was_on_its_way), T(lists_the_newest_first),
      T(a_rule_set_has_one_number))
