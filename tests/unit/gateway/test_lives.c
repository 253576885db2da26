/* SPDX-License-Identifier: Apache-2.0
 * test_lives.c - what Meta's words mean for the row of a message, in any order, late, doubled and against a rival.
 *
 * What would hurt: a delivery forgotten because statuses came out of order, a doubt that a webhook had settled kept as
 * one (or sent again), Meta's id of a message lost, the loser of a race overwriting what the winner knew, a message that
 * waits without a row and so for ever, or a row that outlives its message. */
#include "../../store/store_fixture.h"

#include "core/event.h"
#include "core/lane.h"
#include "gateway/lives.h"

#define FAILURE 131026

static struct message get(struct fx *f, int64_t id)
{
    struct message m;
    OK(f, messages_get(f->s, 0, id, &m, &f->e));
    return m;
}

/* A message with one attempt, open unless `st` says how it stands. */
static struct message add(struct fx *f, enum life_state st)
{
    struct message m = fx_message(f, 4096);
    m.life.state = (uint8_t)st;
    m.life.attempts = st != LIFE_REFUSED && st != LIFE_WAITING;
    BEGIN(f);
    OK(f, messages_insert(f->s, &m, NULL, 1, &f->e));
    COMMIT(f);
    return m;
}

static struct life_news status(uint32_t seen)
{
    return (struct life_news){.event = {.kind = STEP_STATUS,
                                        .attempt = 1,
                                        .failed = (seen & SEEN_FAILED) != 0,
                                        .code = seen & SEEN_FAILED ? FAILURE : 0,
                                        .delivered = (seen & (SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED)) != 0},
                              .seen = seen,
                              .wamid = STR("wamid.E")};
}

/* Tells the message as the row stands now. */
static struct life_after tell(struct fx *f, int64_t id, const struct life_news *news)
{
    struct life_after fx = {.n_bells = 0};
    struct message m = get(f, id);
    BEGIN(f);
    OK(f, life_hear(f->s, &m, news, NOW + 60, &fx, &f->e));
    COMMIT(f);
    struct message kept = get(f, id);
    assert_true(kept.ver == m.ver && kept.life.state == m.life.state && kept.seen == m.seen);
    assert_string_equal(kept.wamid, m.wamid);
    return fx;
}

/* Every order of arrival of four statuses ends in the same view, and no step of the way loses a bit. */
TEST(statuses_in_any_order_give_one_view)
{
    static const uint32_t told[4] = {SEEN_SENT, SEEN_DELIVERED, SEEN_READ, SEEN_FAILED};
    struct fx f;
    int orders = 0;
    fx_start(&f);
    for (int order = 0; order < 256; order++) {
        int at[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3}, used = 0;
        for (int i = 0; i < 4; i++)
            used |= 1 << at[i];
        if (used != 15)
            continue;
        struct message m = add(&f, LIFE_SENDING), got;
        uint32_t before = 0;
        for (int i = 0; i < 4; i++) {
            struct life_news news = status(told[at[i]]);
            tell(&f, m.id, &news);
            tell(&f, m.id, &news); /* and again */
            got = get(&f, m.id);
            assert_int_equal(got.seen, before | told[at[i]]);
            before = got.seen;
            assert_true(life_ended(&got.life) && got.life.accepted == 1);
        }
        got = get(&f, m.id);
        assert_int_equal(got.life.state, LIFE_ACCEPTED); /* the person has it, whatever else is said */
        assert_int_equal(got.life.code, FAILURE);
        assert_true(got.life.delivered && got.life.failed == 1);
        assert_string_equal(got.wamid, "wamid.E");
        orders++;
    }
    assert_int_equal(orders, 24);
    fx_end(&f);
}

TEST(a_failure_counts_until_something_arrived)
{
    static const struct {
        uint32_t told[3];
        enum life_state after;
    } rows[] = {
        {{SEEN_FAILED}, LIFE_FAILED},
        {{SEEN_SENT, SEEN_FAILED}, LIFE_FAILED},
        {{SEEN_FAILED, SEEN_SENT}, LIFE_FAILED},
        {{SEEN_FAILED, SEEN_DELIVERED}, LIFE_ACCEPTED},
        {{SEEN_DELIVERED, SEEN_FAILED}, LIFE_ACCEPTED},
        {{SEEN_FAILED, SEEN_SENT, SEEN_READ}, LIFE_ACCEPTED},
        {{SEEN_READ, SEEN_SENT, SEEN_FAILED}, LIFE_ACCEPTED},
    };
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = add(&f, LIFE_SENDING);
        for (int k = 0; k < 3 && rows[i].told[k] != 0; k++) {
            struct life_news news = status(rows[i].told[k]);
            tell(&f, m.id, &news);
        }
        struct message got = get(&f, m.id);
        assert_int_equal(got.life.state, rows[i].after);
        assert_int_equal(got.life.code, FAILURE);
    }
    fx_end(&f);
}

/* A status of an attempt that was begun says for certain what became of it, in whatever state it is met. */
TEST(a_late_status_teaches_what_the_answer_did_not)
{
    static const struct {
        enum life_state before;
        uint32_t told;
        enum life_state after;
        const char *wamid;
    } rows[] = {
        {LIFE_SENDING, SEEN_SENT, LIFE_ACCEPTED, "wamid.E"},
        {LIFE_AMBIGUOUS, SEEN_SENT, LIFE_ACCEPTED, "wamid.E"},
        {LIFE_AMBIGUOUS, SEEN_READ, LIFE_ACCEPTED, "wamid.E"},
        {LIFE_AMBIGUOUS, SEEN_FAILED, LIFE_FAILED, "wamid.E"},
        {LIFE_UNDETERMINED, SEEN_DELIVERED, LIFE_ACCEPTED, "wamid.E"},
        {LIFE_UNSENT, SEEN_SENT, LIFE_ACCEPTED, "wamid.E"},
        {LIFE_ACCEPTED, SEEN_SENT, LIFE_ACCEPTED, "wamid.E"},
        {LIFE_REFUSED, SEEN_SENT, LIFE_REFUSED, "wamid.E"}, /* no attempt was ever begun: kept, and believed nothing */
    };
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = add(&f, rows[i].before), got;
        struct life_news news = status(rows[i].told);
        struct life_after fx = tell(&f, m.id, &news);
        got = get(&f, m.id);
        assert_int_equal(got.life.state, rows[i].after);
        assert_int_equal(got.seen, rows[i].told);
        assert_string_equal(got.wamid, rows[i].wamid);
        assert_true(got.changed_at == (rows[i].after == rows[i].before ? 0 : NOW + 60));
        assert_int_equal(fx.became[rows[i].after], rows[i].after != rows[i].before);
    }
    fx_end(&f);
}

TEST(a_late_answer_finds_it_settled)
{
    static const struct life_event late[] = {{.kind = STEP_SILENT, .attempt = 1},
                                             {.kind = STEP_UNSENT, .attempt = 1},
                                             {.kind = STEP_REJECTED, .attempt = 1, .code = 100},
                                             {.kind = STEP_RESTART}};
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        struct message m = add(&f, LIFE_SENDING), before;
        struct life_news news = status(SEEN_SENT), answer = {.event = late[i]};
        tell(&f, m.id, &news);
        before = get(&f, m.id);
        struct life_after fx = tell(&f, m.id, &answer);
        assert_true(get(&f, m.id).ver == before.ver &&
                    fx.became[LIFE_ACCEPTED] == 0); /* what says nothing new writes nothing */
        assert_int_equal(get(&f, m.id).life.state, LIFE_ACCEPTED);
    }
    fx_end(&f);
}

/* Each outcome moves the open attempt it is about, once; an answer to another attempt moves nothing. */
TEST(an_outcome_moves_its_own_attempt_only)
{
    static const struct {
        struct life_event event;
        enum life_state after;
    } rows[] = {
        {{.kind = STEP_ACCEPTED, .attempt = 1}, LIFE_ACCEPTED},
        {{.kind = STEP_REJECTED, .attempt = 1, .code = 131026}, LIFE_REJECTED},
        {{.kind = STEP_SILENT, .attempt = 1}, LIFE_AMBIGUOUS},
        {{.kind = STEP_UNSENT, .attempt = 1}, LIFE_UNSENT},
        {{.kind = STEP_RESTART}, LIFE_AMBIGUOUS},
        {{.kind = STEP_ACCEPTED, .attempt = 2}, LIFE_SENDING},
        {{.kind = STEP_ACCEPTED, .attempt = 0}, LIFE_SENDING},
    };
    static const enum life_state settled[] = {LIFE_ACCEPTED, LIFE_REJECTED, LIFE_UNSENT, LIFE_REFUSED};
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = add(&f, LIFE_SENDING), got;
        struct life_news news = {.event = rows[i].event};
        tell(&f, m.id, &news);
        got = get(&f, m.id);
        assert_int_equal(got.life.state, rows[i].after);
        assert_int_equal(got.life.code, rows[i].event.code);
        assert_true(got.changed_at == (rows[i].after == LIFE_SENDING ? 0 : NOW + 60));
    }
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++) {
        struct message m = add(&f, settled[i]);
        struct life_news news = {.event = {.kind = STEP_REJECTED, .attempt = 1, .code = 100}};
        tell(&f, m.id, &news);
        assert_int_equal(get(&f, m.id).life.state, settled[i]);
        assert_int_equal(get(&f, m.id).ver, 0);
    }
    fx_end(&f);
}

TEST(the_id_is_that_of_the_attempt_accepted_last)
{
    struct fx f;
    fx_start(&f);
    struct message m = fx_message(&f, 4096), got;
    char longest[WAMID_MAX + 1];
    memset(longest, 'A', sizeof longest);
    m.life.attempts = 2;
    m.life.resent = true;
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
    COMMIT(&f);
    struct life_news news = {.event = {.kind = STEP_STATUS, .attempt = 1}, .wamid = {longest, WAMID_MAX}};
    tell(&f, m.id, &news); /* too long to be one of Meta's: none is better than half of one */
    assert_string_equal(get(&f, m.id).wamid, "");
    news.wamid = STR("wamid.1");
    tell(&f, m.id, &news);
    assert_string_equal(get(&f, m.id).wamid, "wamid.1");
    struct life_news answer = {.event = {.kind = STEP_ACCEPTED, .attempt = 2}, .wamid = STR("wamid.2")};
    assert_int_equal(tell(&f, m.id, &answer).duplicates, 1);
    tell(&f, m.id, &news); /* of the first attempt, again */
    got = get(&f, m.id);
    assert_string_equal(got.wamid, "wamid.2");
    assert_int_equal(got.life.accepted, 3);
    fx_end(&f);
}

/* Somebody saved the row between our reading and our saving: nothing of theirs is lost, and ours is added. */
TEST(the_loser_of_a_race_reads_again)
{
    struct fx f;
    fx_start(&f);
    struct message m = add(&f, LIFE_SENDING), mine = get(&f, m.id);
    struct life_news theirs = status(SEEN_DELIVERED), ours = {.event = {.kind = STEP_SILENT, .attempt = 1}};
    tell(&f, m.id, &theirs);
    BEGIN(&f);
    OK(&f, life_hear(f.s, &mine, &ours, NOW + 70, NULL, &f.e));
    COMMIT(&f);
    struct message got = get(&f, m.id);
    assert_true(got.life.state == LIFE_ACCEPTED && got.life.delivered && got.seen == SEEN_DELIVERED);
    assert_true(mine.ver == got.ver && mine.life.state == LIFE_ACCEPTED); /* what the caller goes on with is the row */
    mine = m;
    ours = status(SEEN_READ);
    BEGIN(&f);
    OK(&f, life_hear(f.s, &mine, &ours, NOW + 80, NULL, &f.e));
    COMMIT(&f);
    assert_int_equal(get(&f, m.id).seen, SEEN_DELIVERED | SEEN_READ);
    mine = m;
    mine.id++;
    struct life_after fx = {.duplicates = 7};
    BEGIN(&f);
    assert_int_equal(life_hear(f.s, &mine, &ours, NOW, &fx, &f.e), WL_ENOTFOUND);
    COMMIT(&f);
    assert_int_equal(fx.duplicates, 7); /* untouched */
    fx_end(&f);
}

/* --- messages we answer for -------------------------------------------------------------------------------------- */

/* One that waits, with its outbox row. */
static struct message add_ours(struct fx *f, enum category category, int64_t expires)
{
    struct message m = fx_message(f, 4096);
    struct outbox_row row = {.path = PATH_MESSAGES, .body = STR("{}"), .ruleset = 3, .until = NOW, .facts = STR("f")};
    life_init(&m.life, category, NOW, expires);
    assert_true(life_row(&m, &row.key));
    BEGIN(f);
    OK(f, messages_insert(f->s, &m, NULL, 1, &f->e));
    OK(f, outbox_put(f->s, &row, 1, &f->e));
    COMMIT(f);
    return m;
}

static struct life_after hear(struct fx *f, int64_t id, struct life_event event, int64_t now)
{
    struct life_after after = {.n_bells = 0};
    struct life_news news = {.event = event};
    struct message m = get(f, id);
    BEGIN(f);
    OK(f, life_hear(f->s, &m, &news, now, &after, &f->e));
    COMMIT(f);
    return after;
}

/* The number's rows, whatever they say, are those its messages have now. */
static size_t rows_due(struct fx *f, enum category category, int64_t *ret_due, int64_t *ret_ruleset)
{
    struct outbox_key from = {.sender = SENDER, .class = lane_class(category)};
    struct outbox_key *keys;
    struct outbox_row row = {.ruleset = 0};
    size_t n;
    OK(f, outbox_read(f->s, &from, OUTBOX_PARKED, f->a, 10, &keys, &n, &f->e));
    if (n > 0)
        OK(f, outbox_get(f->s, &keys[0], f->a, &row, &f->e));
    *ret_due = n > 0 ? keys[0].due : 0;
    *ret_ruleset = row.ruleset;
    return n;
}

/* A row exists exactly while the message has not ended, due when its life says, along every way a life can take. */
TEST(a_row_follows_its_message)
{
    enum { GONE = -1 };
    static const struct life_event begin = {.kind = STEP_BEGIN}, silent = {.kind = STEP_SILENT, .attempt = 1},
                                   restart = {.kind = STEP_RESTART}, timer = {.kind = STEP_TIMER, .watermark = NOW * 2},
                                   deaf = {.kind = STEP_TIMER}, unsent = {.kind = STEP_UNSENT, .attempt = 1},
                                   busy = {.kind = STEP_REJECTED, .attempt = 1, .code = 130429},
                                   never = {.kind = STEP_REJECTED, .attempt = 1, .code = 131026},
                                   taken = {.kind = STEP_ACCEPTED, .attempt = 1},
                                   sent = {.kind = STEP_STATUS, .attempt = 1},
                                   put_off = {.kind = STEP_PUT_OFF, .at = NOW + 5000}, refused = {.kind = STEP_REFUSED},
                                   cancel = {.kind = STEP_CANCEL};
    static const struct {
        enum category category;
        struct {
            const struct life_event *event;
            int64_t after, due; /* ms after NOW; a due of GONE: no row, PARKED: parked */
            bool bell;
        } step[6];
    } ways[] = {
        {CATEGORY_UTILITY, {{&begin, 10, 0, false}, {&taken, 20, GONE, false}}},
        {CATEGORY_UTILITY, {{&begin, 10, 0, false}, {&never, 20, GONE, false}}},
        {CATEGORY_UTILITY, {{&begin, 10, 0, false}, {&busy, 20, 1020, true}, {&begin, 1020, 1020, false}}},
        {CATEGORY_MARKETING, {{&begin, 10, 0, false}, {&unsent, 20, 20, true}, {&begin, 30, 20, false}}},
        {CATEGORY_MARKETING, {{&begin, 10, 0, false}, {&silent, 20, OUTBOX_PARKED, false}, {&sent, 30, GONE, false}}},
        {CATEGORY_MARKETING,
         {{&begin, 10, 0, false}, {&restart, 20, OUTBOX_PARKED, false}, {&timer, 9000000, GONE, false}}},
        {CATEGORY_UTILITY,
         {{&begin, 10, 0, false},
          {&silent, 20, OUTBOX_PARKED, false},
          {&deaf, 300020, OUTBOX_PARKED, false},
          {&timer, 600000, 600000, true},
          {&begin, 600010, 600000, false},
          {&sent, 600020, 600000, false}}},
        {CATEGORY_UTILITY, {{&put_off, 10, 5000, false}, {&begin, 4000, 5000, false}, {&begin, 5000, 5000, false}}},
        {CATEGORY_SERVICE, {{&refused, 10, GONE, false}}},
        {CATEGORY_SERVICE, {{&cancel, 10, GONE, false}}},
        {CATEGORY_SERVICE, {{&put_off, 10, 5000, false}, {&timer, 86400000, GONE, false}}},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct fx f;
        fx_start(&f);
        struct message m = add_ours(&f, ways[i].category, NOW + 86400000);
        for (size_t k = 0; k < 6 && ways[i].step[k].event != NULL; k++) {
            int64_t want = ways[i].step[k].due, due, ruleset;
            struct life_after after = hear(&f, m.id, *ways[i].step[k].event, NOW + ways[i].step[k].after);
            m = get(&f, m.id);
            assert_int_equal(rows_due(&f, ways[i].category, &due, &ruleset), want != GONE);
            if (want != GONE)
                assert_int_equal(due, want == OUTBOX_PARKED ? want : NOW + want);
            assert_int_equal(after.n_bells, ways[i].step[k].bell);
            if (m.life.attempts > 0 && due != NOW && ways[i].step[0].event != &put_off)
                assert_int_equal(ruleset, 0); /* an attempt came to nothing: no rule holds it any more */
            assert_int_equal(life_ended(&m.life), want == GONE);
        }
        fx_end(&f);
    }
}

/* Its template became marketing while it waited: the row goes along, the message says so for good, and a doubt ends it. */
TEST(a_row_goes_where_its_category_is)
{
    struct fx f;
    int64_t due, ruleset;
    fx_start(&f);
    struct message m = add_ours(&f, CATEGORY_UTILITY, 0);
    hear(&f, m.id, (struct life_event){.kind = STEP_BEGIN, .category = CATEGORY_MARKETING}, NOW + 1);
    fx_reopen(&f);
    assert_int_equal(get(&f, m.id).life.category, CATEGORY_MARKETING);
    assert_int_equal(rows_due(&f, CATEGORY_UTILITY, &due, &ruleset), 0);
    assert_int_equal(rows_due(&f, CATEGORY_MARKETING, &due, &ruleset), 1);
    assert_true(due == NOW && ruleset == 0);
    hear(&f, m.id, (struct life_event){.kind = STEP_SILENT, .attempt = 1}, NOW + 2);
    hear(&f, m.id, (struct life_event){.kind = STEP_TIMER, .watermark = INT64_MAX}, get(&f, m.id).life.at);
    assert_int_equal(get(&f, m.id).life.state, LIFE_UNDETERMINED);
    assert_int_equal(rows_due(&f, CATEGORY_MARKETING, &due, &ruleset), 0);
    fx_end(&f);
}

/* Somebody deleted it: what is known of the message is written, and it ends as soon as it would have to be sent. */
TEST(a_message_without_its_row_comes_to_an_end)
{
    static const struct {
        struct life_event then;
        enum life_state after, last;
    } rows[] = {
        {{.kind = STEP_ACCEPTED, .attempt = 1}, LIFE_ACCEPTED, LIFE_ACCEPTED},
        {{.kind = STEP_UNSENT, .attempt = 1}, LIFE_REFUSED, LIFE_REFUSED},
        {{.kind = STEP_REJECTED, .attempt = 1, .code = 130429}, LIFE_REFUSED, LIFE_REFUSED},
        {{.kind = STEP_RESTART}, LIFE_AMBIGUOUS, LIFE_UNDETERMINED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fx f;
        struct outbox_key k;
        fx_start(&f);
        struct message m = add_ours(&f, CATEGORY_UTILITY, 0);
        assert_true(life_row(&m, &k));
        hear(&f, m.id, (struct life_event){.kind = STEP_BEGIN}, NOW + 1);
        BEGIN(&f);
        OK(&f, outbox_delete(f.s, &k, &f.e));
        COMMIT(&f);
        struct life_after after = hear(&f, m.id, rows[i].then, NOW + 2);
        assert_int_equal(get(&f, m.id).life.state, rows[i].after);
        assert_int_equal(after.became[rows[i].after], 1);
        assert_int_equal(after.n_bells, 0);
        hear(&f, m.id, (struct life_event){.kind = STEP_TIMER, .watermark = INT64_MAX}, NOW + 9000000);
        assert_int_equal(get(&f, m.id).life.state, rows[i].last);
        fx_end(&f);
    }
}

TEST(who_waits_for_the_outcome_has_no_row)
{
    struct fx f;
    int64_t due, ruleset;
    struct outbox_key k;
    fx_start(&f);
    struct message m = add(&f, LIFE_SENDING);
    assert_false(life_row(&m, &k));
    struct life_after after = hear(&f, m.id, (struct life_event){.kind = STEP_UNSENT, .attempt = 1}, NOW + 5);
    assert_true(after.became[LIFE_UNSENT] == 1 && after.n_bells == 0);
    assert_int_equal(rows_due(&f, CATEGORY_MARKETING, &due, &ruleset), 0);
    fx_end(&f);
}

TEST(a_decision_is_the_messages_only_if_its_step_was_taken)
{
    struct fx f;
    fx_start(&f);
    struct message m = add_ours(&f, CATEGORY_UTILITY, 0);
    const struct life_news begin = {.event = {.kind = STEP_BEGIN},
                                    .epoch = 9,
                                    .decision = 77,
                                    .valid_until = NOW + 3600000};
    m = get(&f, m.id);
    BEGIN(&f);
    OK(&f, life_hear(f.s, &m, &begin, NOW + 1, NULL, &f.e));
    COMMIT(&f);
    m = get(&f, m.id);
    assert_true(m.epoch == 9 && m.decision == 77 && m.valid_until == NOW + 3600000);
    const struct life_news twice = {.event = {.kind = STEP_BEGIN}, .epoch = 10, .decision = 78, .valid_until = 1};
    BEGIN(&f);
    OK(&f, life_hear(f.s, &m, &twice, NOW + 2, NULL, &f.e));
    COMMIT(&f);
    struct message got = get(&f, m.id);
    assert_true(got.epoch == 9 && got.decision == 77 && got.ver == m.ver);
    hear(&f, m.id, (struct life_event){.kind = STEP_ACCEPTED, .attempt = 1}, NOW + 501);
    assert_int_equal(get(&f, m.id).valid_until, NOW + 500 + 3600000); /* Meta's clock began then */
    fx_end(&f);
}

TESTS(T(statuses_in_any_order_give_one_view), T(a_failure_counts_until_something_arrived),
      T(a_late_status_teaches_what_the_answer_did_not), T(a_late_answer_finds_it_settled),
      T(an_outcome_moves_its_own_attempt_only), T(the_id_is_that_of_the_attempt_accepted_last),
      T(the_loser_of_a_race_reads_again), T(a_row_follows_its_message), T(a_row_goes_where_its_category_is),
      T(a_message_without_its_row_comes_to_an_end), T(who_waits_for_the_outcome_has_no_row),
      T(a_decision_is_the_messages_only_if_its_step_was_taken))
