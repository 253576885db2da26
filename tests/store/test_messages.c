/* SPDX-License-Identifier: Apache-2.0
 * test_messages.c - messages and the version they are saved under, Meta's events, decisions and rule sets.
 *
 * What would hurt: a message sent twice because the loser of a race overwrote what the winner knew, an attempt that
 * nobody finds again after a crash, an event kept twice, a decision that can't be explained. What the words of Meta mean
 * for a message is tested in tests/unit/gateway/test_lives.c. */
#include "store_fixture.h"

#include "core/event.h"

static struct message add(struct fx *f, enum life_state state, int64_t epoch)
{
    struct message m = fx_message(f, 4096);
    struct decision_row d = {.id = m.id, .ts = NOW, .ruleset = 3, .verdict = 1};
    m.life.state = (uint8_t)state;
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

/* Every field that can change, with a value of its own. */
static void fill(struct message *m, int k)
{
    m->life = (struct life){.state = LIFE_REFUSED,
                            .category = m->life.category,
                            .attempts = (uint8_t)(2 + k),
                            .accepted = (uint8_t)(1 + k),
                            .failed = (uint8_t)(32 + k),
                            .once = k % 2 == 0,
                            .resent = k % 2 == 1,
                            .held = k % 2 == 0,
                            .delivered = k % 2 == 1,
                            .code = 131047 + k,
                            .at = NOW + 11 + k,
                            .begun_at = NOW + 22 + k,
                            .expires = m->life.expires};
    m->epoch = 7 + k;
    m->changed_at = NOW + 1 + k;
    m->decision = 99 + k;
    m->valid_until = NOW + 33 + k;
    m->seen = 64u << k;
    snprintf(m->wamid, sizeof m->wamid, "wamid.HBgL%d", k);
}

static void check_same_life(const struct life *got, const struct life *want)
{
    assert_true(got->state == want->state && got->category == want->category && got->attempts == want->attempts);
    assert_true(life_bits(got) == life_bits(want) && got->code == want->code);
    assert_true(got->at == want->at && got->begun_at == want->begun_at && got->expires == want->expires);
}

static void check_same(const struct message *got, const struct message *want)
{
    assert_true(got->bucket == want->bucket && got->id == want->id && got->ver == want->ver);
    assert_true(got->contact == want->contact && got->sender == want->sender && got->campaign == want->campaign);
    assert_true(got->epoch == want->epoch && got->ts == want->ts && got->changed_at == want->changed_at);
    assert_true(got->decision == want->decision && got->valid_until == want->valid_until);
    assert_true(got->kind == want->kind && got->seen == want->seen);
    assert_string_equal(got->type, want->type);
    assert_string_equal(got->wamid, want->wamid);
    check_same_life(&got->life, &want->life);
}

TEST(keeps_every_field_of_a_message)
{
    struct fx f;
    fx_start(&f);
    struct message m = {.id = store_id(f.s, NOW),
                        .ver = 3,
                        .contact = 4096,
                        .sender = SENDER,
                        .campaign = 5,
                        .life = {.category = 3, .expires = NOW + 44},
                        .ts = NOW,
                        .kind = 2,
                        .type = "interactive:list"},
                   got;
    fill(&m, 0);
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    got = get(&f, m.id);
    check_same(&got, &m);
    assert_true(message_decision(&got) == 99);
    fill(&m, 1);
    BEGIN(&f);
    OK(&f, message_save(f.s, &m, &f.e));
    COMMIT(&f);
    assert_int_equal(m.ver, 4);
    fx_reopen(&f);
    got = get(&f, m.id);
    check_same(&got, &m);
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

/* Two who read the same row: the second to save is told, has written nothing, and its transaction may go on. */
TEST(a_save_under_an_old_version_changes_nothing)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, LIFE_SENDING, 3), first = get(&f, m.id), second = first;
    first.life.state = LIFE_ACCEPTED;
    second.life.state = LIFE_AMBIGUOUS;
    snprintf(second.wamid, sizeof second.wamid, "wamid.late");
    BEGIN(&f);
    OK(&f, message_save(f.s, &first, &f.e));
    assert_int_equal(message_save(f.s, &second, &f.e), WL_ECONFLICT);
    assert_true(first.ver == m.ver + 1 && second.ver == m.ver);
    OK(&f, cursor_set(f.s, "x", 1, &f.e));
    COMMIT(&f);
    struct message got = get(&f, m.id);
    check_same(&got, &first);
    BEGIN(&f);
    OK(&f, message_save(f.s, &first, &f.e)); /* the version moved on in what was saved, too */
    struct message none = first, elsewhere = first;
    none.id++;
    elsewhere.bucket = 1;
    assert_int_equal(message_save(f.s, &none, &f.e), WL_ECONFLICT);
    assert_int_equal(message_save(f.s, &elsewhere, &f.e), WL_ECONFLICT);
    COMMIT(&f);
    assert_int_equal(get(&f, m.id).ver, m.ver + 2);
    assert_int_equal(message_save(f.s, &first, &f.e), WL_EBUG); /* outside a transaction */
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

TEST(an_event_counts_once)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, LIFE_ACCEPTED, 1);
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

TEST(an_event_says_nothing_to_the_row_of_its_message)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, LIFE_SENDING, 1), got;
    struct message_event ev[2] = {event(m.id, SEEN_READ, "read", 10), event(m.id, SEEN_FAILED, "failed", 11)};
    BEGIN(&f);
    OK(&f, message_events_append(f.s, ev, 2, NULL, &f.e));
    COMMIT(&f);
    got = get(&f, m.id);
    check_same(&got, &m);
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

TEST(what_an_earlier_life_left_on_its_way_is_found)
{
    struct fx f;
    fx_start(&f);
    struct message old = add(&f, LIFE_SENDING, 1), older = add(&f, LIFE_SENDING, 0), mine = add(&f, LIFE_SENDING, 2),
                   *got = NULL;
    size_t n = 9;
    for (int i = LIFE_REFUSED; i <= LIFE_CANCELLED; i++)
        if (i != LIFE_SENDING)
            add(&f, (enum life_state)i, 1);
    OK(&f, messages_left_sending(f.s, 0, 2, f.a, 10, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == older.id && got[1].id == old.id);
    check_same(&got[1], &old);
    OK(&f, messages_left_sending(f.s, 0, 2, f.a, 1, &got, &n, &f.e));
    assert_true(n == 1 && got[0].id == older.id);
    OK(&f, messages_left_sending(f.s, 1, 2, f.a, 10, &got, &n, &f.e)); /* another bucket */
    assert_int_equal(n, 0);
    old.life.state = LIFE_AMBIGUOUS;
    BEGIN(&f);
    OK(&f, message_save(f.s, &old, &f.e));
    COMMIT(&f);
    OK(&f, messages_left_sending(f.s, 0, INT64_MAX, f.a, 10, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == older.id && got[1].id == mine.id);
    fx_end(&f);
}

TEST(doubts_come_when_they_are_due_the_longest_due_first)
{
    struct fx f;
    struct message m[5], *got = NULL;
    static const int64_t due[] = {NOW + 50, NOW + 10, NOW + 30, NOW + 31, NOW + 20};
    size_t n = 9;
    fx_start(&f);
    for (int i = 0; i < 5; i++) {
        m[i] = fx_message(&f, 4096);
        m[i].life.state = i == 4 ? LIFE_WAITING : LIFE_AMBIGUOUS;
        m[i].life.at = due[i];
    }
    BEGIN(&f);
    OK(&f, messages_insert(f.s, m, NULL, 5, &f.e));
    COMMIT(&f);
    OK(&f, messages_in_doubt(f.s, 0, NOW + 9, f.a, 10, &got, &n, &f.e));
    assert_int_equal(n, 0);
    OK(&f, messages_in_doubt(f.s, 0, NOW + 30, f.a, 10, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == m[1].id && got[1].id == m[2].id);
    OK(&f, messages_in_doubt(f.s, 0, NOW + 99, f.a, 3, &got, &n, &f.e));
    assert_true(n == 3 && got[2].id == m[3].id);
    OK(&f, messages_in_doubt(f.s, 1, NOW + 99, f.a, 3, &got, &n, &f.e));
    assert_int_equal(n, 0);
    fx_end(&f);
}

TEST(a_later_decision_finds_its_message)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, LIFE_WAITING, 1), got;
    add(&f, LIFE_WAITING, 1);
    struct decision_row first, later = {.id = store_id(f.s, NOW + 5), .ts = NOW + 5, .ruleset = 4, .verdict = 2};
    assert_true(message_decision(&m) == m.id);
    m.decision = later.id;
    BEGIN(&f);
    OK(&f, decisions_insert(f.s, &later, 1, &f.e));
    OK(&f, message_save(f.s, &m, &f.e));
    COMMIT(&f);
    OK(&f, messages_decided(f.s, 0, later.id, &got, &f.e));
    check_same(&got, &m);
    assert_true(message_decision(&got) == later.id);
    OK(&f, decisions_get(f.s, 0, later.id, f.a, &later, &f.e));
    assert_int_equal(later.ruleset, 4);
    OK(&f, decisions_get(f.s, 0, m.id, f.a, &first, &f.e)); /* what was decided first stays */
    assert_int_equal(first.ruleset, 3);
    assert_int_equal(messages_decided(f.s, 0, 0, &got, &f.e), WL_ENOTFOUND);
    assert_int_equal(messages_decided(f.s, 0, later.id + 1, &got, &f.e), WL_ENOTFOUND);
    assert_int_equal(messages_decided(f.s, 1, later.id, &got, &f.e), WL_ENOTFOUND);
    BEGIN(&f);
    assert_int_equal(decisions_insert(f.s, &later, 1, &f.e), WL_ECONFLICT); /* never changed */
    store_rollback(f.s);
    fx_end(&f);
}

TEST(a_message_may_wait_without_a_decision)
{
    struct fx f;
    fx_start(&f);
    struct message m[2] = {fx_message(&f, 4096), fx_message(&f, 4096)};
    struct decision_row d[2] = {{.id = m[0].id, .ts = NOW}, {.id = 0}}, got;
    BEGIN(&f);
    OK(&f, messages_insert(f.s, m, d, 2, &f.e));
    COMMIT(&f);
    OK(&f, decisions_get(f.s, 0, m[0].id, f.a, &got, &f.e));
    assert_int_equal(decisions_get(f.s, 0, m[1].id, f.a, &got, &f.e), WL_ENOTFOUND);
    assert_int_equal(decisions_get(f.s, 0, 0, f.a, &got, &f.e), WL_ENOTFOUND);
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

/* One event of a message nobody knows, at a moment. */
static struct message_event orphan(int64_t at, const char *wamid, const char *who)
{
    return (struct message_event){.at = at,
                                  .recorded_at = NOW,
                                  .seen = 2,
                                  .status = STR("delivered"),
                                  .wamid = str_of(wamid),
                                  .participant = str_of(who)};
}

TEST(events_of_unknown_messages_are_paged_by_moments_and_dropped)
{
    struct fx f;
    struct message_event v[7] = {orphan(10, "wamid.a", "1"), orphan(20, "wamid.b", "1"), orphan(20, "wamid.c", "2"),
                                 orphan(20, "wamid.d", "1"), orphan(30, "wamid.e", "1"), orphan(40, "wamid.f", "2"),
                                 orphan(20, "wamid.g", "1")},
                         *got = NULL;
    size_t n = 0, seen = 0;
    int64_t from = 0;
    fx_start(&f);
    v[6].msg = 77; /* this one is known */
    BEGIN(&f);
    OK(&f, message_events_append(f.s, v, 7, &n, &f.e));
    COMMIT(&f);
    assert_int_equal(n, 7);
    OK(&f, message_orphans(f.s, 0, 0, 1, f.a, &got, &n, &from, &f.e));
    assert_true(n == 4 && from == 21); /* the whole moment, however full */
    for (seen = n; from != 0; seen += n)
        OK(&f, message_orphans(f.s, 0, from, 1, f.a, &got, &n, &from, &f.e));
    assert_int_equal(seen, 6);
    BEGIN(&f);
    OK(&f, message_orphan_drop(f.s, &v[1], &f.e));
    OK(&f, message_orphan_drop(f.s, &v[1], &f.e)); /* gone */
    OK(&f, message_orphan_drop(f.s, &v[6], &f.e)); /* not one of these */
    COMMIT(&f);
    OK(&f, message_orphans(f.s, 0, 0, 100, f.a, &got, &n, &from, &f.e));
    assert_true(n == 5 && from == 0 && got[4].at == 40);
    assert_str(got[4].wamid, "wamid.f");
    assert_str(got[4].participant, "2");
    OK(&f, message_events_list(f.s, 0, 77, f.a, 9, &got, &n, &f.e));
    assert_int_equal(n, 1);
    OK(&f, message_orphans(f.s, 0, 41, 100, f.a, &got, &n, &from, &f.e));
    assert_true(n == 0 && from == 0);
    fx_end(&f);
}

TESTS(T(keeps_every_field_of_a_message), T(keeps_the_decision_as_it_was_packed),
      T(a_save_under_an_old_version_changes_nothing), T(an_event_counts_once),
      T(an_event_says_nothing_to_the_row_of_its_message), T(events_of_unknown_messages_are_kept_apart),
      T(what_an_earlier_life_left_on_its_way_is_found), T(doubts_come_when_they_are_due_the_longest_due_first),
      T(a_later_decision_finds_its_message), T(a_message_may_wait_without_a_decision), T(lists_the_newest_first),
      T(a_rule_set_has_one_number), T(events_of_unknown_messages_are_paged_by_moments_and_dropped))
