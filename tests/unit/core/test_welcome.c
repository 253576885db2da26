/* SPDX-License-Identifier: Apache-2.0
 * test_welcome.c - every state with every event, and the ways through.
 *
 * What would hurt: a consent nobody gave, a no that is lost, a person reminded who answered, a question asked twice. */
#include "t.h"

#include "core/welcome.h"

#define T0      INT64_C(1700000000000)
#define DAY     INT64_C(86400000)
#define EXPIRES (T0 + 14 * DAY)

/* As it is when it has got into this state the usual way; asked at T0. */
static struct welcome in_state(enum welcome_state s)
{
    struct welcome w = {
        .state = s, .asks = true, .reminders = 1, .remind_after = 3 * DAY, .expires = EXPIRES, .due = T0};
    if (s == WELCOME_NEW)
        return w;
    w.taken = 1;
    if (s == WELCOME_REFUSED || s == WELCOME_FAILED)
        return w;
    w.asked_at = w.sent_at = s == WELCOME_SENDING ? 0 : T0;
    if (s == WELCOME_DONE || s == WELCOME_DECLINED)
        w.answered_at = T0 + DAY;
    return w;
}

/* "state [send] [look] [no] [whatsapp] [confirmed]" */
static const char *after(struct welcome *w, struct welcome_event ev, int64_t now, char out[80])
{
    struct welcome_effects f;
    enum welcome_state before = w->state;
    welcome_step(w, &ev, now, &f);
    snprintf(out, 80, "%s%s%s%s%s", welcome_state_name(w->state), f.send ? " send" : "", f.look ? " look" : "",
             f.withdraw ? " no" : "",
             f.grant == WELCOME_GRANTS_CONFIRMED  ? " confirmed"
             : f.grant == WELCOME_GRANTS_WHATSAPP ? " whatsapp"
                                                  : "");
    if (w->state != before)
        assert_true(f.changed);
    return out;
}

/* now for those that only look at the clock; the others happen at `at`. step: of the message on its way, or the next. */
static const struct event_row {
    const char *name;
    struct welcome_event ev;
    int64_t now;
} events[] = {
    {"tick", {WELCOME_TICK, 0, 0, WELCOME_LOOSE}, T0 + DAY},
    {"tick when to remind", {WELCOME_TICK, 0, 0, WELCOME_LOOSE}, T0 + 3 * DAY},
    {"tick at the end", {WELCOME_TICK, 0, 0, WELCOME_LOOSE}, EXPIRES},
    {"taken", {WELCOME_TAKEN, 0, 0, WELCOME_LOOSE}, T0},
    {"reminder taken", {WELCOME_TAKEN, 1, 0, WELCOME_LOOSE}, T0},
    {"put off", {WELCOME_PUT_OFF, 0, T0 + 5, WELCOME_LOOSE}, T0},
    {"sent", {WELCOME_SENT, 0, T0 + 7, WELCOME_LOOSE}, T0},
    {"denied", {WELCOME_DENIED, 0, 0, WELCOME_LOOSE}, T0},
    {"lost", {WELCOME_LOST, 0, 0, WELCOME_LOOSE}, T0},
    {"late", {WELCOME_LATE, 0, 0, WELCOME_LOOSE}, T0},
    {"reminder denied", {WELCOME_DENIED, 1, 0, WELCOME_LOOSE}, T0},
    {"yes", {WELCOME_YES, 0, T0 + 2 * DAY, WELCOME_REPLIED}, T0 + 2 * DAY},
    {"yes, too late", {WELCOME_YES, 0, EXPIRES, WELCOME_REPLIED}, EXPIRES},
    {"yes, before it was asked", {WELCOME_YES, 0, T0 - DAY, WELCOME_REPLIED}, T0},
    {"yes among others", {WELCOME_YES, 0, T0 + 1000, WELCOME_LOOSE}, T0 + 1000},
    {"yes, nothing else was sent", {WELCOME_YES, 0, T0 + DAY, WELCOME_NEXT}, T0 + DAY},
    {"yes, nothing else was sent for long", {WELCOME_YES, 0, T0 + DAY + 1, WELCOME_NEXT}, T0 + 2 * DAY},
    {"yes tapped", {WELCOME_YES, 0, T0 + 2 * DAY, WELCOME_TAPPED}, T0 + 2 * DAY},
    {"yes tapped, too late", {WELCOME_YES, 0, EXPIRES, WELCOME_TAPPED}, EXPIRES},
    {"no", {WELCOME_NO, 0, T0 + 2 * DAY, WELCOME_LOOSE}, T0 + 2 * DAY},
    {"no tapped", {WELCOME_NO, 0, T0 + 2 * DAY, WELCOME_TAPPED}, T0 + 2 * DAY},
    {"no tapped, too late", {WELCOME_NO, 0, EXPIRES, WELCOME_TAPPED}, EXPIRES},
    {"cancel", {WELCOME_CANCEL, 0, 0, WELCOME_LOOSE}, T0},
};
#define EVENTS (sizeof events / sizeof events[0])

/* Columns: new, sending, waiting, done, declined, expired, refused, failed, cancelled. NULL: nothing happens. */
static const char *const table[EVENTS][WELCOME_STATES] = {
    /* tick */ {"new send", "sending look", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* to remind */ {"new send", "sending look", "waiting send", NULL, NULL, NULL, NULL, NULL, NULL},
    /* the end */ {"expired", "sending look", "expired", NULL, NULL, NULL, NULL, NULL, NULL},
    /* taken */ {"sending", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* reminder taken */ {NULL, NULL, "sending", NULL, NULL, NULL, NULL, NULL, NULL},
    /* put off */ {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* sent */ {NULL, "waiting", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* denied */ {"refused", "refused", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* lost */ {"failed", "failed", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* late */ {"expired", "expired", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* reminder denied */ {NULL, NULL, "waiting", NULL, NULL, NULL, NULL, NULL, NULL},
    /* yes */ {NULL, NULL, "done confirmed", NULL, NULL, "done confirmed", NULL, NULL, NULL},
    /* too late */ {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* before */ {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* among others */ {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* nothing else */ {NULL, NULL, "done confirmed", NULL, NULL, "done confirmed", NULL, NULL, NULL},
    /* for long */ {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    /* tapped */
    {NULL, "done confirmed", "done confirmed", NULL, "done confirmed", "done confirmed", "refused whatsapp",
     "failed whatsapp", "cancelled whatsapp"},
    /* tapped late */
    {NULL, "sending whatsapp", "waiting whatsapp", NULL, "declined whatsapp", "expired whatsapp", "refused whatsapp",
     "failed whatsapp", "cancelled whatsapp"},
    /* no */ {NULL, NULL, "declined no", NULL, NULL, "declined no", NULL, NULL, NULL},
    /* no tapped */
    {NULL, "declined no", "declined no", "declined no", "declined no", "declined no", "refused no", "failed no",
     "cancelled no"},
    /* no tapped late */
    {NULL, "sending no", "waiting no", "done no", "declined no", "expired no", "refused no", "failed no",
     "cancelled no"},
    /* cancel */ {"cancelled", "cancelled", "cancelled", NULL, NULL, NULL, NULL, NULL, NULL},
};

TEST(every_state_takes_every_event)
{
    char got[80];
    for (size_t i = 0; i < EVENTS; i++) {
        for (int s = 1; s <= WELCOME_STATES; s++) {
            struct welcome w = in_state((enum welcome_state)s);
            const char *want = table[i][s - 1] != NULL ? table[i][s - 1] : welcome_state_name(w.state);
            if (strcmp(after(&w, events[i].ev, events[i].now, got), want) != 0)
                fail_msg("%s in %s: %s, not %s", events[i].name, welcome_state_name((enum welcome_state)s), got, want);
        }
    }
}

/* The same news again: the state it made does not change, and nothing is granted, withdrawn or sent once more. */
TEST(news_that_comes_twice_changes_nothing)
{
    char first[80], again[80];
    for (size_t i = 0; i < EVENTS; i++) {
        for (int s = 1; s <= WELCOME_STATES; s++) {
            struct welcome w = in_state((enum welcome_state)s);
            after(&w, events[i].ev, events[i].now, first);
            if (events[i].ev.kind == WELCOME_TICK)
                continue; /* it sends until somebody says that the message was taken */
            enum welcome_state then = w.state;
            after(&w, events[i].ev, events[i].now, again);
            bool stateless_no = events[i].ev.kind == WELCOME_NO && w.state != WELCOME_DECLINED;
            if (!stateless_no && strcmp(again, welcome_state_name(then)) != 0)
                fail_msg("%s twice in %d: %s, then %s", events[i].name, s, first, again);
            assert_int_equal(w.state, then);
        }
    }
}

TEST(it_asks_reminds_and_expires)
{
    char got[80];
    struct welcome w = in_state(WELCOME_NEW);
    w.reminders = 2;
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, T0, got), "new send");
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TAKEN, 0, 0, WELCOME_LOOSE}, T0 + 1, got), "sending");
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_PUT_OFF, 0, T0 + 9, WELCOME_LOOSE}, T0 + 2, got),
                        "sending");
    assert_true(w.due == T0 + 9);
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_SENT, 0, T0 + 5, WELCOME_LOOSE}, T0 + 9, got),
                        "waiting");
    assert_true(w.due == T0 + 5 + 3 * DAY && w.asked_at == T0 + 5);
    for (int n = 1; n <= 2; n++) {
        int64_t at = w.due;
        assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, at, got),
                            "waiting send");
        assert_string_equal(after(&w, (struct welcome_event){WELCOME_TAKEN, n, 0, WELCOME_LOOSE}, at, got), "sending");
        assert_string_equal(after(&w, (struct welcome_event){WELCOME_SENT, n, at, WELCOME_LOOSE}, at, got), "waiting");
        assert_true(w.asked_at == T0 + 5 && w.sent_at == at);
    }
    assert_true(w.due == EXPIRES); /* reminded often enough */
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, EXPIRES - 1, got),
                        "waiting");
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, EXPIRES, got), "expired");
}

TEST(a_reminder_that_would_come_after_the_end_is_not_sent)
{
    char got[80];
    struct welcome w = in_state(WELCOME_SENDING);
    w.remind_after = 14 * DAY;
    after(&w, (struct welcome_event){WELCOME_SENT, 0, T0, WELCOME_LOOSE}, T0, got);
    assert_true(w.due == EXPIRES);
    w.remind_after = 0;
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, EXPIRES - 1, got),
                        "waiting");
}

/* The reminder was refused, the question was not: an answer still counts, and nobody is reminded again. */
TEST(a_refused_reminder_ends_nothing)
{
    char got[80];
    const enum welcome_event_kind kinds[] = {WELCOME_DENIED, WELCOME_LOST, WELCOME_LATE};
    for (size_t i = 0; i < 3; i++) {
        struct welcome w = in_state(WELCOME_WAITING);
        after(&w, (struct welcome_event){WELCOME_TAKEN, 1, 0, WELCOME_LOOSE}, T0 + 3 * DAY, got);
        assert_string_equal(after(&w, (struct welcome_event){kinds[i], 1, 0, WELCOME_LOOSE}, T0 + 3 * DAY, got),
                            "waiting");
        assert_true(w.due == EXPIRES);
        assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, T0 + 9 * DAY, got),
                            "waiting");
        assert_string_equal(after(&w, (struct welcome_event){WELCOME_YES, 0, T0 + 9 * DAY, WELCOME_REPLIED},
                                  T0 + 9 * DAY, got),
                            "done confirmed");
    }
}

TEST(silence_withdraws_only_where_it_was_asked_for_and_only_who_was_asked)
{
    char got[80];
    struct welcome w = in_state(WELCOME_WAITING), unasked = in_state(WELCOME_NEW);
    w.silence_withdraws = unasked.silence_withdraws = true;
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, EXPIRES, got),
                        "expired no");
    assert_string_equal(after(&unasked, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, EXPIRES, got),
                        "expired");
}

/* While the question waits for the morning a word is about something else; on the way of a reminder it is an answer. */
TEST(a_word_counts_once_the_question_was_sent)
{
    char got[80];
    struct welcome w = in_state(WELCOME_SENDING);
    const struct welcome_event said = {WELCOME_YES, 0, T0 + 20, WELCOME_REPLIED};
    assert_string_equal(after(&w, said, T0 + 20, got), "sending");
    after(&w, (struct welcome_event){WELCOME_SENT, 0, T0 + 10, WELCOME_LOOSE}, T0 + 20, got);
    after(&w, (struct welcome_event){WELCOME_TAKEN, 1, 0, WELCOME_LOOSE}, T0 + 20, got);
    assert_string_equal(after(&w, said, T0 + 20, got), "done confirmed");
}

/* Which yes in words is one; the question was sent at T0, a reminder three days later. A no is one in each of these cases. */
TEST(a_yes_to_something_else_is_none)
{
    static const struct {
        enum welcome_link link;
        int64_t at;
        bool counts;
    } rows[] = {
        {WELCOME_NEXT, T0 + 3 * DAY + 1000, true},   {WELCOME_NEXT, T0 + 4 * DAY, true},
        {WELCOME_NEXT, T0 + 4 * DAY + 1, false},     {WELCOME_NEXT, T0 + 3 * DAY - 1000, true}, /* clocks differ */
        {WELCOME_NEXT, T0 + 2 * DAY, false}, /* nothing else since the reminder: before it, who knows */
        {WELCOME_LOOSE, T0 + 3 * DAY + 1000, false}, {WELCOME_LOOSE, T0 + 1000, false},
        {WELCOME_REPLIED, T0 + 1000, true},          {WELCOME_REPLIED, T0 + 13 * DAY, true},
        {WELCOME_REPLIED, EXPIRES, false},
    };
    char got[80];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct welcome w = in_state(WELCOME_WAITING), refused;
        after(&w, (struct welcome_event){WELCOME_TAKEN, 1, 0, WELCOME_LOOSE}, T0 + 3 * DAY, got);
        after(&w, (struct welcome_event){WELCOME_SENT, 1, T0 + 3 * DAY, WELCOME_LOOSE}, T0 + 3 * DAY, got);
        refused = w;
        after(&w, (struct welcome_event){WELCOME_YES, 0, rows[i].at, rows[i].link}, rows[i].at, got);
        if (strcmp(got, rows[i].counts ? "done confirmed" : "waiting") != 0 || (w.answered_at != 0) != rows[i].counts)
            fail_msg("row %zu: %s", i, got);
        after(&refused, (struct welcome_event){WELCOME_NO, 0, rows[i].at, rows[i].link}, rows[i].at, got);
        assert_string_equal(got, rows[i].at < EXPIRES ? "declined no" : "waiting");
    }
}

/* The machine of what only tells something. */
TEST(what_asks_nothing_is_done_when_it_is_sent)
{
    char got[80];
    struct welcome w = {.state = WELCOME_NEW, .expires = T0 + 300000};
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, T0, got), "new send");
    after(&w, (struct welcome_event){WELCOME_TAKEN, 0, 0, WELCOME_LOOSE}, T0, got);
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_YES, 0, T0 + 5, WELCOME_TAPPED}, T0, got), "sending");
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_NO, 0, T0 + 5, WELCOME_TAPPED}, T0, got), "sending");
    assert_string_equal(after(&w, (struct welcome_event){WELCOME_SENT, 0, T0 + 6, WELCOME_LOOSE}, T0 + 6, got), "done");
    struct welcome late = {.state = WELCOME_NEW, .expires = T0 + 300000};
    assert_string_equal(after(&late, (struct welcome_event){WELCOME_TICK, 0, 0, WELCOME_LOOSE}, T0 + 300000, got),
                        "expired");
}

/* Two answers: the first word counts, of taps the last; of one moment the no. */
TEST(which_of_two_answers_counts)
{
    static const struct {
        struct welcome_event one, two;
        enum welcome_state want;
    } rows[] = {
        {{WELCOME_YES, 0, T0 + 10, WELCOME_REPLIED}, {WELCOME_NO, 0, T0 + 20, WELCOME_LOOSE}, WELCOME_DONE},
        {{WELCOME_NO, 0, T0 + 10, WELCOME_LOOSE}, {WELCOME_YES, 0, T0 + 20, WELCOME_REPLIED}, WELCOME_DECLINED},
        {{WELCOME_YES, 0, T0 + 10, WELCOME_TAPPED}, {WELCOME_NO, 0, T0 + 20, WELCOME_TAPPED}, WELCOME_DECLINED},
        {{WELCOME_NO, 0, T0 + 20, WELCOME_TAPPED}, {WELCOME_YES, 0, T0 + 10, WELCOME_TAPPED}, WELCOME_DECLINED},
        {{WELCOME_NO, 0, T0 + 10, WELCOME_TAPPED}, {WELCOME_YES, 0, T0 + 20, WELCOME_TAPPED}, WELCOME_DONE},
        {{WELCOME_YES, 0, T0 + 20, WELCOME_TAPPED}, {WELCOME_NO, 0, T0 + 10, WELCOME_TAPPED}, WELCOME_DONE},
        {{WELCOME_YES, 0, T0 + 10, WELCOME_TAPPED}, {WELCOME_NO, 0, T0 + 10, WELCOME_TAPPED}, WELCOME_DECLINED},
        {{WELCOME_NO, 0, T0 + 10, WELCOME_TAPPED}, {WELCOME_YES, 0, T0 + 10, WELCOME_TAPPED}, WELCOME_DECLINED},
    };
    char got[80];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct welcome w = in_state(WELCOME_WAITING);
        after(&w, rows[i].one, T0 + 30, got);
        after(&w, rows[i].two, T0 + 30, got);
        if (w.state != rows[i].want)
            fail_msg("row %zu: %s", i, got);
    }
}

TEST(odd_events_change_nothing)
{
    char got[80];
    struct welcome w = in_state(WELCOME_WAITING);
    assert_string_equal(after(&w, (struct welcome_event){(enum welcome_event_kind)99, 0, 0, WELCOME_LOOSE}, T0, got),
                        "waiting");
    assert_string_equal(welcome_state_name((enum welcome_state)77), "unknown");
}

TESTS(T(every_state_takes_every_event), T(news_that_comes_twice_changes_nothing), T(it_asks_reminds_and_expires),
      T(a_reminder_that_would_come_after_the_end_is_not_sent), T(a_refused_reminder_ends_nothing),
      T(silence_withdraws_only_where_it_was_asked_for_and_only_who_was_asked),
      T(a_word_counts_once_the_question_was_sent), T(a_yes_to_something_else_is_none),
      T(what_asks_nothing_is_done_when_it_is_sent), T(which_of_two_answers_counts), T(odd_events_change_nothing))
