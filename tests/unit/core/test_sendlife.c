/* SPDX-License-Identifier: Apache-2.0
 * test_sendlife.c - every interleaving of one message with crashes and with lost, late and doubled words of Meta.
 *
 * The world is the durable life, an imitation of Meta that knows the truth, and what is under way between them. From
 * each reachable world every possible next thing happens: an answer arrives or is lost, a webhook arrives, twice or late,
 * the process dies before or after its attempt left and may come back as one that was only frozen, the request reaches
 * Meta long after it was given up, a rule puts it off or refuses it, its caller takes it back, time passes. Worlds that
 * nothing can tell apart are visited once. In each the promises are checked against the truth; the number of worlds is
 * printed. */
#include "core/sendlife.h"

#include "t.h"

#define TRIES     3 /* attempts explored: the first, a repeated one, the resend */
#define CRASHES   2
#define HOUR      INT64_C(3600000)
#define EXPIRES   (12 * HOUR)
#define SEEN_BITS 18
#define SEEN_SIZE (1u << SEEN_BITS)
#define REFUSED   100    /* a code that is never repeated */
#define BUSY      131000 /* one that is */
#define TOO_FAST  130429 /* one that is not about the message */

enum answer { NO_ANSWER, OK_UNDER_WAY, REFUSAL_UNDER_WAY, BUSY_UNDER_WAY, TOO_FAST_UNDER_WAY };

struct world {
    struct life life;
    int64_t now;
    uint8_t answer[TRIES]; /* enum answer */
    uint8_t truth;         /* attempts Meta accepted */
    uint8_t unheard;       /* accepted attempts no webhook has spoken of yet */
    uint8_t lost;          /* and those none ever will */
    uint8_t wandering;     /* attempts whose bytes are somewhere: Meta may still accept them */
    uint8_t crashes, doubled;
    bool failure_told;
};

struct rules {
    enum category category;
    bool webhooks_may_be_lost; /* Meta never tells, against its word */
    bool watermark_may_lie;    /* a later message's webhook overtakes this one's */
    bool expires;
    bool once;
    bool thaws;   /* a process taken for dead comes back with the answers */
    bool wanders; /* a request reaches Meta after nobody waits for its answer any more */
};

static struct explorer {
    struct rules rules;
    uint64_t *seen;
    size_t states, doubles;
} x;
static size_t all_states;

static int bits(unsigned v)
{
    return __builtin_popcount(v);
}

/* What the future depends on, in 64 bits: times only as what they allow. */
static uint64_t key_of(const struct world *w)
{
    const struct life *l = &w->life;
    uint64_t k = l->state;
    int64_t give_up = l->begun_at + life_doubt_wait(l->category) + life_doubt_most(l->category);
    const unsigned parts[][2] = {{l->attempts, 3},     {l->accepted, 3},       {l->failed, 3},
                                 {l->resent, 1},       {l->held, 1},           {l->delivered, 1},
                                 {w->now >= l->at, 1}, {w->now >= give_up, 1}, {l->expires && w->now >= l->expires, 1},
                                 {w->answer[0], 3},    {w->answer[1], 3},      {w->answer[2], 3},
                                 {w->truth, 3},        {w->unheard, 3},        {w->lost, 3},
                                 {w->crashes, 2},      {w->doubled, 2},        {w->failure_told, 1},
                                 {l->code != 0, 1},    {w->wandering, 3},      {l->anew, 1}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        k = k << parts[i][1] | parts[i][0];
    return k + 1;
}

static bool first_visit(uint64_t key)
{
    size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> (64 - SEEN_BITS));
    for (; x.seen[i] != 0; i = (i + 1) % SEEN_SIZE)
        if (x.seen[i] == key)
            return false;
    x.seen[i] = key;
    assert_true(++x.states < SEEN_SIZE / 2);
    return true;
}

static bool never_twice(void)
{
    return x.rules.once || (x.rules.category != CATEGORY_UTILITY && x.rules.category != CATEGORY_AUTHENTICATION);
}

static bool says_not_sent(const struct life *l)
{
    return life_ended(l) && l->state != LIFE_ACCEPTED && l->state != LIFE_FAILED && l->state != LIFE_UNDETERMINED;
}

static void states_fit(const struct life *l)
{
    if (l->state == LIFE_ACCEPTED)
        assert_true(l->accepted != 0 && (l->delivered || l->failed != l->accepted));
    if (l->state == LIFE_FAILED)
        assert_true(l->accepted != 0 && !l->delivered && l->failed == l->accepted);
    assert_true(!l->once || l->attempts <= 1);
    assert_true(l->once || l->state != LIFE_UNSENT);
    assert_true(l->state != LIFE_WAITING || l->expires == 0 || l->at <= l->expires);
}

static void promises(const struct world *w)
{
    const struct life *l = &w->life;
    states_fit(l);
    assert_true(bits(w->truth) <= (never_twice() ? 1 : 2));
    if (!x.rules.watermark_may_lie && !x.rules.webhooks_may_be_lost)
        assert_true(bits(w->truth) <= 1);
    assert_int_equal(l->accepted & ~w->truth, 0); /* nothing is claimed that is not so */
    if (says_not_sent(l))
        assert_int_equal(w->truth | w->wandering, 0);
    if (l->state == LIFE_UNDETERMINED) /* who was heard of is not undetermined */
        assert_int_equal(w->truth & ~(w->unheard | w->lost), 0);
}

static void explore(const struct world *w, size_t depth);

static struct world after(const struct world *w, const struct life_event *ev)
{
    struct world next = *w;
    struct life_effects fx;
    life_step(&next.life, ev, next.now, &fx);
    if (fx.duplicate)
        assert_true(bits(next.truth) > 1);
    assert_true(!life_ended(&w->life) || life_ended(&next.life)); /* a queue may have dropped it */
    assert_int_equal(fx.ended, !life_ended(&w->life) && life_ended(&next.life));
    assert_int_equal(fx.send, ev->kind == STEP_BEGIN && next.life.state != w->life.state);
    return next;
}

static void go(const struct world *w, const struct life_event *ev, size_t depth)
{
    struct world next = after(w, ev);
    explore(&next, depth + 1);
}

/* The attempt just opened meets one of the fates there are. */
static void send_off(const struct world *w, size_t depth)
{
    int n = w->life.attempts;
    uint8_t bit = (uint8_t)(1u << (n - 1));
    const struct life_event silent = {.kind = STEP_SILENT, .attempt = n};
    for (enum answer a = OK_UNDER_WAY; a <= TOO_FAST_UNDER_WAY; a++) {
        struct world next = *w;
        next.answer[n - 1] = (uint8_t)a;
        next.truth |= a == OK_UNDER_WAY ? bit : 0;
        next.unheard |= a == OK_UNDER_WAY ? bit : 0;
        explore(&next, depth + 1);
        next.answer[n - 1] = NO_ANSWER; /* and the answer is lost */
        go(&next, &silent, depth);
    }
    if (x.rules.wanders) {
        struct world next = *w;
        next.wandering |= bit;
        go(&next, &silent, depth);
    }
    go(w, &(struct life_event){.kind = STEP_UNSENT, .attempt = n}, depth);
    go(w, &(struct life_event){.kind = STEP_UNSENT, .attempt = n, .at = w->now + HOUR}, depth);
}

static void begin(const struct world *w, size_t depth)
{
    if (w->life.state != LIFE_WAITING || w->life.attempts + !w->life.anew > TRIES)
        return;
    const struct life_event ev = {.kind = STEP_BEGIN};
    struct world next = after(w, &ev);
    if (next.life.state != LIFE_SENDING)
        return;
    send_off(&next, depth);
    if (next.crashes < CRASHES) { /* durable, and dead before a byte left */
        next.crashes++;
        go(&next, &(struct life_event){.kind = STEP_RESTART}, depth);
    }
}

/* A rule or its caller speaks, at any moment; it counts only while nothing is under way. */
static void others_speak(const struct world *w, size_t depth)
{
    const struct life_event words[] = {{.kind = STEP_PUT_OFF, .at = w->now + HOUR},
                                       {.kind = STEP_PUT_OFF, .at = w->now + 2 * EXPIRES},
                                       {.kind = STEP_REFUSED, .code = 1},
                                       {.kind = STEP_CANCEL}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (w->life.state == LIFE_WAITING) {
            go(w, &words[i], depth);
            continue;
        }
        struct world next = after(w, &words[i]);
        assert_memory_equal(&next.life, &w->life, sizeof next.life);
    }
}

/* Somebody is erased, at any moment. */
static void is_forgotten(const struct world *w, size_t depth)
{
    const struct life_event ev = {.kind = STEP_FORGET};
    struct world next = after(w, &ev);
    if (w->life.state == LIFE_WAITING || w->life.state == LIFE_AMBIGUOUS) {
        assert_true(life_ended(&next.life));
        explore(&next, depth + 1);
        return;
    }
    assert_memory_equal(&next.life, &w->life, sizeof next.life);
}

static void crash(const struct world *w, size_t depth)
{
    struct world next = *w;
    if (w->crashes >= CRASHES)
        return;
    next.crashes++;
    if (x.rules.thaws)
        go(&next, &(struct life_event){.kind = STEP_RESTART}, depth);
    memset(next.answer, NO_ANSWER, sizeof next.answer); /* nobody is there any more to hear them */
    go(&next, &(struct life_event){.kind = STEP_RESTART}, depth);
}

static void answers_arrive(const struct world *w, size_t depth)
{
    for (int n = 1; n <= TRIES; n++) {
        struct world next = *w;
        enum answer a = w->answer[n - 1];
        if (a == NO_ANSWER)
            continue;
        next.answer[n - 1] = NO_ANSWER;
        static const int codes[] = {
            [REFUSAL_UNDER_WAY] = REFUSED, [BUSY_UNDER_WAY] = BUSY, [TOO_FAST_UNDER_WAY] = TOO_FAST};
        struct life_event ev = {.kind = a == OK_UNDER_WAY ? STEP_ACCEPTED : STEP_REJECTED,
                                .attempt = n,
                                .code = codes[a]};
        go(&next, &ev, depth);
        ev.held = a == OK_UNDER_WAY;
        if (ev.held)
            go(&next, &ev, depth);
    }
    for (int n = 1; n <= TRIES; n++) {
        uint8_t bit = (uint8_t)(1u << (n - 1));
        struct world next = *w;
        if (!(w->wandering & bit))
            continue;
        next.wandering &= (uint8_t)~bit;
        explore(&next, depth + 1); /* it was lost after all */
        next.truth |= bit;
        next.unheard |= bit;
        explore(&next, depth + 1);
    }
}

static void webhooks_arrive(const struct world *w, size_t depth)
{
    for (int n = 1; n <= TRIES; n++) {
        uint8_t bit = (uint8_t)(1u << (n - 1));
        struct world next = *w, told;
        bool again = (w->truth & bit) && !(w->unheard & bit) && !(w->lost & bit) && w->doubled < 2;
        if (!(w->unheard & bit) && !again)
            continue;
        next.unheard &= (uint8_t)~bit;
        next.doubled += again;
        told = after(&next, &(struct life_event){.kind = STEP_STATUS, .attempt = n});
        assert_true(told.life.state == LIFE_ACCEPTED || told.life.state == LIFE_FAILED ||
                    told.life.state == LIFE_SENDING); /* whatever was believed, it is corrected */
        explore(&told, depth + 1);
        go(&next, &(struct life_event){.kind = STEP_STATUS, .attempt = n, .delivered = true}, depth);
        next.failure_told = true;
        go(&next, &(struct life_event){.kind = STEP_STATUS, .attempt = n, .failed = true, .code = 131026}, depth);
        go(&next, &(struct life_event){.kind = STEP_STATUS, .attempt = n, .failed = true}, depth); /* without a code */
        if ((w->unheard & bit) && x.rules.webhooks_may_be_lost) {
            next = *w;
            next.unheard &= (uint8_t)~bit;
            next.lost |= bit;
            explore(&next, depth + 1);
        }
    }
}

static void time_passes(const struct world *w, size_t depth)
{
    const struct life *l = &w->life;
    const int64_t to[] = {w->now, l->at, l->begun_at + life_doubt_wait(l->category) + life_doubt_most(l->category) + 1,
                          l->expires};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        struct world next = *w;
        if (to[i] < w->now)
            continue;
        next.now = to[i];
        go(&next, &(struct life_event){.kind = STEP_TIMER}, depth);
        if ((w->unheard | w->wandering) == 0 || x.rules.watermark_may_lie)
            go(&next, &(struct life_event){.kind = STEP_TIMER, .watermark = next.now}, depth);
    }
}

/* With no more faults and every word arriving it must come to an end soon. */
static void ends(struct world w)
{
    struct life_effects fx;
    for (int step = 0; step < 400 && !life_ended(&w.life); step++) {
        w.now = w.life.at > w.now ? w.life.at : w.now + 60000;
        life_step(&w.life, &(struct life_event){.kind = STEP_BEGIN}, w.now, &fx);
        if (w.life.state == LIFE_SENDING)
            life_step(&w.life, &(struct life_event){.kind = STEP_ACCEPTED, .attempt = w.life.attempts}, w.now, &fx);
        else
            life_step(&w.life, &(struct life_event){.kind = STEP_TIMER}, w.now, &fx);
    }
    assert_true(life_ended(&w.life));
}

static void explore(const struct world *w, size_t depth)
{
    promises(w);
    if (!first_visit(key_of(w)))
        return;
    x.doubles += bits(w->truth) > 1;
    ends(*w);
    begin(w, depth);
    others_speak(w, depth);
    is_forgotten(w, depth);
    answers_arrive(w, depth);
    crash(w, depth);
    webhooks_arrive(w, depth);
    time_passes(w, depth);
}

static size_t run(const struct rules *rules, const char *what)
{
    struct world w = {.now = 1000000};
    x = (struct explorer){.rules = *rules, .seen = calloc(SEEN_SIZE, sizeof *x.seen)};
    assert_non_null(x.seen);
    life_init(&w.life, rules->category, w.now, rules->expires ? w.now + EXPIRES : 0);
    w.life.once = rules->once;
    explore(&w, 0);
    print_message("%-14s %-34s %7zu states, %zu with a double send\n", category_name(rules->category), what, x.states,
                  x.doubles);
    all_states += x.states;
    free(x.seen);
    assert_true(x.states > 100);
    return x.doubles;
}

static const struct rules worst = {
    .webhooks_may_be_lost = true, .watermark_may_lie = true, .expires = true, .thaws = true, .wanders = true};

static size_t run_worst(enum category c, bool once)
{
    struct rules r = worst;
    r.category = c;
    r.once = once;
    return run(&r, once ? "once, whatever happens" : "whatever happens");
}

TEST(marketing_is_never_sent_twice)
{
    for (int i = 0; i < 4; i++)
        assert_int_equal(run(&(struct rules){.category = CATEGORY_MARKETING, .thaws = i & 1, .expires = i >> 1 & 1},
                             i ? "frozen processes, expiring" : "webhooks late and doubled"),
                         0);
    assert_int_equal(run_worst(CATEGORY_MARKETING, false), 0);
}

TEST(service_calls_and_what_is_unknown_are_never_sent_twice)
{
    assert_int_equal(run_worst(CATEGORY_SERVICE, false), 0);
    assert_int_equal(run_worst(CATEGORY_CALLS, false), 0);
    assert_int_equal(run_worst(CATEGORY_UNKNOWN, false), 0);
}

TEST(what_its_caller_waits_for_is_attempted_once)
{
    for (enum category c = CATEGORY_UNKNOWN; c < CATEGORY_COUNT; c++)
        assert_int_equal(run_worst(c, true), 0);
}

TEST(a_resend_is_no_double_while_the_watermark_tells_the_truth)
{
    for (enum category c = CATEGORY_UTILITY; c <= CATEGORY_AUTHENTICATION; c++) {
        assert_int_equal(run(&(struct rules){.category = c}, "webhooks late and doubled"), 0);
        assert_int_equal(run(&(struct rules){.category = c, .expires = true, .thaws = true, .wanders = true},
                             "the same, frozen, expiring"),
                         0);
    }
}

/* The test can see a double send: where Meta breaks its word one is possible, and never more than one. */
TEST(a_resend_can_double_only_when_meta_withholds_a_status)
{
    for (enum category c = CATEGORY_UTILITY; c <= CATEGORY_AUTHENTICATION; c++) {
        assert_true(run(&(struct rules){.category = c, .webhooks_may_be_lost = true}, "a webhook is lost for ever") >
                    0);
        assert_true(run(&(struct rules){.category = c, .watermark_may_lie = true}, "a webhook is overtaken") > 0);
        assert_true(run_worst(c, false) > 0);
    }
    print_message("%zu states in all\n", all_states);
}

TEST(what_error_codes_ask_for)
{
    static const struct {
        int code, attempts;
        enum reaction reaction;
        int64_t wait;
    } rows[] = {
        {131000, 1, REACT_RETRY, 2000},  {131000, 3, REACT_RETRY, 8000},  {130429, 4, REACT_RATE, 8000},
        {131056, 1, REACT_PAIR, 1000},   {131056, 4, REACT_PAIR, 64000},  {131056, 15, REACT_PAIR, 1020000},
        {130429, 15, REACT_RATE, 60000}, {134101, 2, REACT_WAIT, 600000}, {368, 1, REACT_CIRCUIT, 3600000},
        {190, 1, REACT_CIRCUIT, 300000}, {200, 1, REACT_CIRCUIT, 300000}, {131049, 1, REACT_REJECT, 0},
        {131050, 1, REACT_REJECT, 0},    {132015, 1, REACT_REJECT, 0},    {131026, 1, REACT_REJECT, 0},
        {100, 1, REACT_REJECT, 0},       {987654, 1, REACT_REJECT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reaction_to r = reaction_to(rows[i].code);
        assert_int_equal(r.reaction, rows[i].reaction);
        assert_int_equal(reaction_wait(&r, rows[i].attempts), rows[i].wait);
    }
}

/* Events of attempts nobody began, and answers of attempts that are over, change nothing. */
TEST(words_that_do_not_fit_change_nothing)
{
    struct life l;
    struct life_effects fx;
    life_init(&l, CATEGORY_UTILITY, 1000, 0);
    struct life fresh = l;
    for (enum life_step_kind k = STEP_ACCEPTED; k <= STEP_STATUS; k++)
        for (int attempt = -1; attempt <= LIFE_ATTEMPTS_MAX + 1; attempt++) {
            life_step(&l, &(struct life_event){.kind = k, .attempt = attempt, .code = 1}, 2000, &fx);
            assert_memory_equal(&l, &fresh, sizeof l);
        }
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 2000, &fx);
    assert_true(fx.send);
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 2000, &fx);
    assert_false(fx.send);
    life_step(&l, &(struct life_event){.kind = STEP_ACCEPTED, .attempt = 1}, 2001, &fx);
    assert_true(fx.ended);
    struct life sent = l;
    life_step(&l, &(struct life_event){.kind = STEP_REJECTED, .attempt = 1, .code = 100}, 2002, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_SILENT, .attempt = 1}, 2002, &fx);
    assert_memory_equal(&l, &sent, sizeof l);
    assert_false(fx.ended);
}

TEST(every_state_has_a_name)
{
    for (int i = LIFE_REFUSED; i <= LIFE_CANCELLED; i++) {
        const char *name = life_state_name((enum life_state)i);
        assert_string_not_equal(name, "unknown");
        assert_int_equal(life_state_parse(str_of(name)), i);
    }
    assert_string_equal(life_state_name(LIFE_AMBIGUOUS), "ambiguous");
    assert_string_equal(life_state_name((enum life_state)0), "unknown");
    assert_string_equal(life_state_name((enum life_state)99), "unknown");
    assert_int_equal(life_state_parse(STR("unknown")), 0);
    assert_int_equal(life_state_parse(STR("")), 0);
}

TEST(a_life_comes_back_from_its_number)
{
    for (int64_t bits = 0; bits < 1 << 26; bits += 1237) {
        struct life l = {.state = LIFE_ACCEPTED};
        life_set_bits(&l, bits);
        assert_true(life_bits(&l) == bits);
    }
    const struct life l = {.accepted = 2, .failed = 1, .held = true, .doubled = true};
    assert_true(life_bits(&l) == (2 | 1 << 8 | 1 << 18 | 1 << 20)); /* stored: never moved */
    const struct life once = {.once = true};
    assert_true(life_bits(&once) == 65536); /* schema.sql's default says so, too */
}

TEST(a_failure_after_delivered_does_not_undo_it)
{
    struct life l;
    struct life_effects fx;
    life_init(&l, CATEGORY_MARKETING, 1000, 0);
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 1000, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .failed = true, .code = 131026}, 2000, &fx);
    assert_int_equal(l.state, LIFE_FAILED);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .delivered = true}, 3000, &fx);
    assert_int_equal(l.state, LIFE_ACCEPTED);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .failed = true, .code = 131026}, 4000, &fx);
    assert_int_equal(l.state, LIFE_ACCEPTED);
}

TEST(a_failure_without_a_code_is_one_too)
{
    struct life l;
    struct life_effects fx;
    life_init(&l, CATEGORY_MARKETING, 1000, 0);
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 1000, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .failed = true}, 2000, &fx);
    assert_int_equal(l.state, LIFE_FAILED);
    assert_true(l.code == 0 && l.failed == 1 && fx.ended);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .failed = true, .code = 131026}, 3000, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .failed = true}, 4000, &fx);
    assert_int_equal(l.code, 131026); /* one that says more stands */
}

/* Whatever becomes of its own attempts. */
TEST(a_copy_nobody_asked_for_is_told_once)
{
    for (int taken = 0; taken < 2; taken++) {
        struct life l, before;
        struct life_effects fx;
        life_init(&l, CATEGORY_UTILITY, 1000, 0);
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 1000, &fx);
        if (taken > 0)
            life_step(&l, &(struct life_event){.kind = STEP_ACCEPTED, .attempt = 1}, 2000, &fx);
        before = l;
        for (int i = 0; i < 2; i++) {
            life_step(&l, &(struct life_event){.kind = STEP_DOUBLED}, 3000, &fx);
            assert_int_equal(fx.duplicate, i == 0);
            assert_int_equal(life_duplicates(&l), 1);
        }
        assert_true(!fx.ended && !fx.send);
        l.doubled = false;
        assert_memory_equal(&l, &before, sizeof l);
    }
}

/* What came while nobody listened is repeated late: the word of later messages counts again when that is over. */
TEST(after_a_break_nobody_is_sent_anything_again_too_early)
{
    struct life l, early;
    struct life_effects fx;
    const int64_t start = 5000;
    struct life_event timer = {.kind = STEP_TIMER, .watermark = INT64_MAX, .listening = start};
    life_init(&l, CATEGORY_AUTHENTICATION, 1000, 0);
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 1000, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_RESTART}, start, &fx);
    for (int64_t now = l.at; now < start + LIFE_REPEATED_MS; now = l.at) {
        life_step(&l, &timer, now, &fx);
        assert_int_equal(l.state, LIFE_AMBIGUOUS);
        assert_true(l.at > now);
        early = l;
    }
    life_step(&l, &timer, l.at, &fx);
    assert_int_equal(l.state, LIFE_WAITING);
    timer.listening = 1000; /* it was begun after the break */
    life_step(&early, &timer, early.at, &fx);
    assert_int_equal(early.state, LIFE_WAITING);
}

/* However long Meta cannot be reached: that costs no attempt, and the back-off is kept. */
TEST(what_never_left_was_no_attempt)
{
    struct life l;
    struct life_effects fx;
    int64_t now = 1000;
    life_init(&l, CATEGORY_MARKETING, now, 0);
    for (int i = 0; i < 3 * LIFE_ATTEMPTS_MAX; i++, now += 500) {
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, now, &fx);
        assert_true(fx.send);
        assert_int_equal(l.attempts, 1);
        life_step(&l, &(struct life_event){.kind = STEP_UNSENT, .attempt = 1, .at = now + 500}, now, &fx);
        assert_int_equal(l.state, LIFE_WAITING);
        assert_int_equal(l.at, now + 500);
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, now + 499, &fx);
        assert_false(fx.send);
    }
}

/* A message that Meta refuses for a while is tried so often and no more. */
TEST(refusals_that_may_be_repeated_come_to_an_end)
{
    struct life l;
    struct life_effects fx;
    int n = 0;
    life_init(&l, CATEGORY_MARKETING, 1000, 0);
    for (; l.state == LIFE_WAITING && n < 100; n++) {
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, l.at, &fx);
        life_step(&l, &(struct life_event){.kind = STEP_REJECTED, .attempt = l.attempts, .code = BUSY}, l.at, &fx);
    }
    assert_int_equal(n, LIFE_ATTEMPTS_MAX);
    assert_int_equal(l.state, LIFE_REJECTED);
    assert_int_equal(l.code, BUSY);
}

/* What Meta says of the number or the pair costs no attempt, however often it says so; only its own time ends the message. */
TEST(refusals_that_are_not_its_own_do_not_end_a_message)
{
    static const int codes[] = {130429, 131056, 131048, 190, 4, 134101};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct life l;
        struct life_effects fx;
        int64_t waited = 0;
        life_init(&l, CATEGORY_MARKETING, 1000, 400 * HOUR);
        for (int n = 0; n < 5 * LIFE_ATTEMPTS_MAX; n++) {
            int64_t now = l.at;
            life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, now, &fx);
            assert_true(fx.send && l.attempts == 1);
            life_step(&l, &(struct life_event){.kind = STEP_REJECTED, .attempt = 1, .code = codes[i]}, now, &fx);
            assert_int_equal(l.state, LIFE_WAITING);
            assert_true(l.at - now >= waited && l.at - now <= HOUR);
            waited = l.at - now;
        }
        struct life own = l, late = l;
        life_step(&late, &(struct life_event){.kind = STEP_STATUS, .attempt = 1}, l.at, &fx);
        assert_int_equal(late.state, LIFE_ACCEPTED); /* Meta contradicts itself: what it has is not sent again */
        for (int n = 1; own.state == LIFE_WAITING; n++) {
            life_step(&own, &(struct life_event){.kind = STEP_BEGIN}, own.at, &fx);
            assert_int_equal(own.attempts, n);
            life_step(&own, &(struct life_event){.kind = STEP_REJECTED, .attempt = n, .code = BUSY}, own.at, &fx);
        }
        assert_true(own.state == LIFE_REJECTED && own.attempts == LIFE_ATTEMPTS_MAX);
        life_step(&l, &(struct life_event){.kind = STEP_TIMER}, 400 * HOUR, &fx);
        assert_int_equal(l.state, LIFE_EXPIRED);
    }
}

/* What a doubt is worth is known when the attempt is made, not when the message was accepted. */
TEST(an_attempt_is_made_under_the_category_of_its_time)
{
    static const struct {
        enum category accepted, first, then, made, kept;
    } rows[] = {
        {CATEGORY_UTILITY, CATEGORY_MARKETING, CATEGORY_UTILITY, CATEGORY_MARKETING, CATEGORY_MARKETING},
        {CATEGORY_UTILITY, CATEGORY_UTILITY, CATEGORY_MARKETING, CATEGORY_UTILITY, CATEGORY_MARKETING},
        {CATEGORY_MARKETING, CATEGORY_UTILITY, CATEGORY_UTILITY, CATEGORY_UTILITY, CATEGORY_UTILITY},
        {CATEGORY_AUTHENTICATION, CATEGORY_UNKNOWN, CATEGORY_UTILITY, CATEGORY_AUTHENTICATION, CATEGORY_UTILITY},
        {CATEGORY_UTILITY, CATEGORY_SERVICE, CATEGORY_AUTHENTICATION, CATEGORY_SERVICE, CATEGORY_SERVICE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct life l, silent;
        struct life_effects fx;
        life_init(&l, rows[i].accepted, 1000, 0);
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN, .category = rows[i].first}, l.at, &fx);
        assert_int_equal(l.category, rows[i].made);
        silent = l;
        life_step(&silent, &(struct life_event){.kind = STEP_SILENT, .attempt = 1}, 1000, &fx);
        life_step(&silent, &(struct life_event){.kind = STEP_TIMER, .watermark = INT64_MAX}, silent.at, &fx);
        bool repeated = rows[i].made == CATEGORY_UTILITY || rows[i].made == CATEGORY_AUTHENTICATION;
        assert_int_equal(silent.state, repeated ? LIFE_WAITING : LIFE_UNDETERMINED);
        life_step(&l, &(struct life_event){.kind = STEP_REJECTED, .attempt = 1, .code = BUSY}, l.at, &fx);
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN, .category = rows[i].then}, l.at, &fx);
        assert_int_equal(l.category, rows[i].kept);
        life_step(&l, &(struct life_event){.kind = STEP_BEGIN, .category = CATEGORY_MARKETING}, l.at, &fx);
        assert_int_equal(l.category, rows[i].kept); /* no step was taken */
    }
}

/* The status of a resend's first attempt, and what its own answer then says, count together. */
TEST(a_resend_that_fails_after_the_first_attempt_failed_is_failed)
{
    struct life l;
    struct life_effects fx;
    life_init(&l, CATEGORY_UTILITY, 1000, 0);
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, 1000, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_RESTART}, 1000, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_TIMER, .watermark = l.at}, l.at, &fx);
    assert_int_equal(l.state, LIFE_WAITING);
    life_step(&l, &(struct life_event){.kind = STEP_BEGIN}, l.at, &fx);
    life_step(&l, &(struct life_event){.kind = STEP_STATUS, .attempt = 1, .failed = true, .code = 131026}, l.at, &fx);
    assert_int_equal(l.state, LIFE_SENDING);
    struct life silent = l;
    life_step(&l, &(struct life_event){.kind = STEP_REJECTED, .attempt = 2, .code = REFUSED}, l.at, &fx);
    assert_int_equal(l.state, LIFE_FAILED);
    life_step(&silent, &(struct life_event){.kind = STEP_SILENT, .attempt = 2}, l.at, &fx);
    assert_int_equal(silent.state, LIFE_FAILED);
}

TESTS(T(marketing_is_never_sent_twice), T(service_calls_and_what_is_unknown_are_never_sent_twice),
      T(what_its_caller_waits_for_is_attempted_once), T(after_a_break_nobody_is_sent_anything_again_too_early),
      T(what_never_left_was_no_attempt), T(refusals_that_may_be_repeated_come_to_an_end),
      T(refusals_that_are_not_its_own_do_not_end_a_message), T(an_attempt_is_made_under_the_category_of_its_time),
      T(a_resend_that_fails_after_the_first_attempt_failed_is_failed),
      T(a_resend_is_no_double_while_the_watermark_tells_the_truth),
      T(a_resend_can_double_only_when_meta_withholds_a_status), T(what_error_codes_ask_for),
      T(words_that_do_not_fit_change_nothing), T(a_failure_after_delivered_does_not_undo_it),
      T(a_failure_without_a_code_is_one_too), T(a_copy_nobody_asked_for_is_told_once), T(every_state_has_a_name),
      T(a_life_comes_back_from_its_number))
