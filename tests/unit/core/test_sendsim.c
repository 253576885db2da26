/* SPDX-License-Identifier: Apache-2.0
 * test_sendsim.c - a thousand messages at a time through core/sendlife and core/lane, over a Meta that lies and a process
 * that dies: what was promised holds in the history as Meta saw it.
 *
 * The process here is a model: lives as they are in memory and as they are on the disk, lanes, and one batch of changes
 * at a time that becomes durable a few milliseconds after it was made; only then bytes leave, callers are told and
 * webhooks are thanked for. A crash forgets memory and, at even odds, the batch. The code that decides is the real one.
 *
 * Checked as Meta knows it: no attempt is accepted twice; a message of a category that may not be repeated, or whose
 * caller waited, is accepted at most once, ever; another one twice only when a webhook was lost or late; nothing is
 * claimed that is not so; whatever was accepted from a caller ends within a bound once faults stop; what we say was sent
 * is what Meta has, less what we report as unknown; no number ever sends faster than it may.
 *
 * WL_SIM_SENDS: how many messages (200,000); WL_SIM_SEED: another history. A failure prints the seed of its world, which
 * alone repeats it: WL_SIM_SENDS=1000 WL_SIM_SEED=that. tools/soak runs more. */
#include "sendsim_world.h"

static int64_t now_ms(void)
{
    return w.now_us / US;
}

/* --- what is written ------------------------------------------------------------------------------------------------ */

static void write_down(struct written what)
{
    w.written = grown(w.written, w.n_written, &w.cap_written, sizeof *w.written);
    w.written[w.n_written++] = what;
    if (!w.flush_planned)
        plan_own(w.now_us + between(500, 5 * US), FLUSH, 0);
    w.flush_planned = true;
}

/* When the pace allows the next one; an earlier look does as well, because it asks again. */
static void wake(size_t number, int64_t at)
{
    if (w.wake_us[number] <= at)
        return;
    w.wake_us[number] = at;
    plan_own(at, TURN, number);
}

/* Steps the life and writes what came of it. */
static void step(struct message *m, const struct life_event *ev, bool tell)
{
    struct life_effects fx;
    bool ended = life_ended(&m->mem);
    life_step(&m->mem, ev, now_ms(), &fx);
    assert_true(!ended || life_ended(&m->mem));
    struct written what = {.m = (uint16_t)(m - w.m), .tell = tell};
    if (fx.send)
        what.attempt = m->mem.attempts;
    write_down(what);
    if (m->mem.state == LIFE_AMBIGUOUS)
        plan_own(m->mem.at * US, TIMER, what.m);
    if (m->mem.state == LIFE_WAITING)
        plan_own(m->mem.at * US, DUE, (size_t)(m - w.m));
}

/* --- the dispatcher ------------------------------------------------------------------------------------------------- */

static enum lane_class class_of(const struct message *m)
{
    return lane_class(m->category);
}

/* The first of a flow by the time it was due. */
static struct message *first_of(size_t number, enum lane_class c, int64_t campaign)
{
    struct message *first = NULL;
    for (size_t i = number; i < MESSAGES; i += NUMBERS) {
        struct message *m = &w.m[i];
        bool mine = campaign == LANE_CALLERS ? m->once : !m->once && m->campaign == campaign;
        if (!m->joined || !mine || class_of(m) != c)
            continue;
        if (first == NULL || (campaign != LANE_CALLERS && m->mem.at < first->mem.at))
            first = m;
    }
    assert_non_null(first);
    return first;
}

/* No two turns closer than the pace allows, whatever happened between them. */
static void check_pace(size_t number)
{
    const struct pace *p = &w.lane[number].permitted;
    int64_t at = w.now_us - w.turns[number]++ * p->interval_us;
    if (at + p->tolerance_us < w.least_room[number])
        fail_msg("number %zu sends faster than it may, by %lld us", number,
                 (long long)(w.least_room[number] - at - p->tolerance_us));
    if (at > w.least_room[number])
        w.least_room[number] = at;
}

static void begin(struct message *m)
{
    check_pace(m->number);
    m->turn_us = w.now_us;
    w.t.attempts++;
    step(m, &(struct life_event){.kind = STEP_BEGIN}, false);
    assert_int_equal(m->mem.state, LIFE_SENDING);
}

/* The door, asked again when a message of the outbox has its turn. True: it leaves. */
static bool judged(struct message *m)
{
    if (m->mem.expires != 0 && now_ms() >= m->mem.expires) {
        step(m, &(struct life_event){.kind = STEP_TIMER}, false);
    } else if (fault(50)) {
        w.t.put_off++;
        step(m, &(struct life_event){.kind = STEP_PUT_OFF, .at = now_ms() + below(20 * 60000)}, false);
    } else if (fault(10)) {
        step(m, &(struct life_event){.kind = STEP_REFUSED, .code = 1}, false);
    } else {
        return true;
    }
    return false;
}

static void have_turn(struct message *m)
{
    m->joined = false;
    if (m->once) {
        life_init(&m->mem, m->category, now_ms(), 0);
        m->mem.once = m->in_mem = true;
    } else if (m->mem.state != LIFE_WAITING || !judged(m)) {
        lane_give_back(&w.lane[m->number], w.now_us, w.now_us);
        return;
    }
    begin(m);
}

static void turns(size_t number)
{
    w.wake_us[number] = INT64_MAX;
    enum lane_class c;
    int64_t campaign, when;
    for (;;) {
        enum lane_says says = lane_next(&w.lane[number], w.now_us, &c, &campaign, &when);
        if (says == LANE_IDLE)
            return;
        if (says == LANE_LATER) {
            assert_true(when > w.now_us);
            wake(number, when);
            return;
        }
        have_turn(first_of(number, c, campaign));
    }
}

/* Its time has come: it stands in line. */
static void fall_due(struct message *m)
{
    if (m->joined || m->mem.state != LIFE_WAITING || m->mem.at > now_ms())
        return;
    m->joined = lane_join(&w.lane[m->number], class_of(m), m->campaign, 1 + m->campaign);
    assert_true(m->joined);
    turns(m->number);
}

static void leave_line(struct message *m)
{
    if (m->joined)
        lane_leave(&w.lane[m->number], class_of(m), m->once ? LANE_CALLERS : m->campaign);
    m->joined = false;
}

/* --- what reaches the process --------------------------------------------------------------------------------------- */

static void accept_call(struct message *m)
{
    int64_t expires = m->may_expire ? now_ms() + between(1000, 3600000) : 0;
    life_init(&m->mem, m->category, now_ms() + (chance(100) ? below(600000) : 0), expires);
    m->in_mem = true;
    write_down((struct written){.m = (uint16_t)(m - w.m), .tell = true});
    plan_own(m->mem.at * US, DUE, (size_t)(m - w.m));
}

static void call(const struct event *ev)
{
    struct message *m = &w.m[ev->m];
    if (!w.up) {
        plan((struct event){.at = w.now_us + between(SECOND_US, 5 * SECOND_US), .what = CALL, .m = ev->m});
    } else if (m->once) {
        plan_own(w.now_us + 10 * SECOND_US, PATIENCE, ev->m);
        m->joined = lane_join(&w.lane[m->number], class_of(m), LANE_CALLERS, 1);
        wake(m->number, w.now_us);
    } else if (m->in_mem) { /* its key is known: the answer that was lost */
        write_down((struct written){.m = ev->m, .tell = true});
    } else {
        accept_call(m);
    }
}

static void cancel(const struct event *ev)
{
    struct message *m = &w.m[ev->m];
    if (!w.up || !m->told || m->once || m->mem.state != LIFE_WAITING)
        return;
    step(m, &(struct life_event){.kind = STEP_CANCEL}, false);
    w.written[w.n_written - 1].cancelled = m->mem.state == LIFE_CANCELLED;
    leave_line(m);
}

static void answer(const struct event *ev)
{
    static const enum life_step_kind kinds[] = {[LIFE_ACCEPTED] = STEP_ACCEPTED,
                                                [LIFE_REJECTED] = STEP_REJECTED,
                                                [LIFE_UNSENT] = STEP_UNSENT,
                                                [LIFE_AMBIGUOUS] = STEP_SILENT};
    struct message *m = &w.m[ev->m];
    struct life_event told = {.kind = kinds[ev->state], .attempt = ev->attempt, .code = ev->code, .held = ev->held};
    told.at = now_ms() + 1000;
    lane_heard(&w.lane[m->number], m->turn_us, (enum life_state)ev->state, ev->code, w.now_us);
    step(m, &told, m->once);
    wake(m->number, w.now_us);
}

/* Stored first, thanked for when that is durable; Meta tries again until it is thanked. */
static void hook(const struct event *ev)
{
    if (!w.up) {
        struct event again = *ev;
        again.at = w.now_us + between(SECOND_US, 2 * MINUTE_US);
        plan(again);
        return;
    }
    w.t.webhooks++;
    w.inbox = grown(w.inbox, w.n_inbox, &w.cap_inbox, sizeof *w.inbox);
    w.inbox[w.n_inbox++] = *ev;
    write_down((struct written){.m = ev->m, .thank = true, .hook = *ev});
}

static void apply_one(const struct event *ev)
{
    struct message *m = &w.m[ev->m];
    int64_t *mark = &w.watermark[m->number];
    assert_true(m->in_mem); /* an attempt was durable before its bytes left */
    m->heard |= (uint8_t)(1u << (ev->attempt - 1));
    if (m->mem.begun_at > *mark)
        *mark = m->mem.begun_at;
    struct life_event told = {.kind = STEP_STATUS,
                              .attempt = ev->attempt,
                              .failed = ev->code != 0,
                              .code = ev->code,
                              .delivered = ev->delivered};
    step(m, &told, false);
    assert_true(m->mem.accepted != 0);
    leave_line(m); /* a resend is not needed any more */
}

static void apply(const struct event *ev)
{
    (void)ev;
    w.apply_planned = false;
    while (w.applied < w.inbox_disk)
        apply_one(&w.inbox[w.applied++]);
}

static void doubt_due(const struct event *ev)
{
    struct message *m = &w.m[ev->m];
    if (m->mem.state != LIFE_AMBIGUOUS || now_ms() < m->mem.at)
        return;
    step(m,
         &(struct life_event){.kind = STEP_TIMER, .watermark = w.watermark[m->number], .listening = w.started_us / US},
         false);
    w.t.resent += m->mem.state == LIFE_WAITING;
}

/* --- the disk, and the end of a process ----------------------------------------------------------------------------- */

static void keep(const struct written *what)
{
    w.m[what->m].disk = w.m[what->m].mem;
    w.m[what->m].on_disk = w.m[what->m].in_mem;
}

static void durable(void)
{
    for (size_t i = 0; i < w.n_written; i++)
        keep(&w.written[i]);
    w.inbox_disk = w.n_inbox;
    w.applied_disk = w.applied;
    memcpy(w.watermark_disk, w.watermark, sizeof w.watermark);
}

static void flush(const struct event *ev)
{
    (void)ev;
    durable();
    for (size_t i = 0; i < w.n_written; i++) {
        const struct written *what = &w.written[i];
        struct message *m = &w.m[what->m];
        m->told |= what->tell;
        m->cancelled |= what->cancelled;
        if (what->attempt != 0)
            plan((struct event){.at = w.now_us + below(50 * US),
                                .what = ARRIVE,
                                .m = what->m,
                                .attempt = what->attempt,
                                .life = w.life});
    }
    w.n_written = 0;
    w.flush_planned = false;
    if (!w.apply_planned && w.applied < w.inbox_disk) {
        w.apply_planned = true;
        plan_own(w.now_us + between(US, 50 * US), APPLY, 0);
    }
}

static void crash(const struct event *ev)
{
    (void)ev;
    if (!w.up)
        return;
    if (chance(500))
        durable();
    w.up = false;
    w.t.crashes++;
    for (size_t i = 0; i < w.n_written; i++) /* not thanked for: they come again */
        if (w.written[i].thank) {
            struct event again = w.written[i].hook;
            again.at = w.now_us + between(SECOND_US, 2 * MINUTE_US);
            plan(again);
        }
    w.n_written = 0;
    w.n_inbox = w.inbox_disk;
    w.applied = w.applied_disk;
    memcpy(w.watermark, w.watermark_disk, sizeof w.watermark);
    for (size_t i = 0; i < MESSAGES; i++) {
        struct message *m = &w.m[i];
        m->mem = m->disk;
        m->in_mem = m->on_disk;
        m->joined = false;
    }
    plan((struct event){.at = w.now_us + between(100 * US, chance(100) ? 20 * MINUTE_US : 5 * SECOND_US),
                        .what = START});
}

static void settle(struct message *m)
{
    if (m->mem.state == LIFE_SENDING)
        step(m, &(struct life_event){.kind = STEP_RESTART}, false);
    else if (m->mem.state == LIFE_AMBIGUOUS)
        plan_own(m->mem.at * US > w.now_us ? m->mem.at * US : w.now_us, TIMER, (size_t)(m - w.m));
    else if (m->mem.state == LIFE_WAITING)
        plan_own(m->mem.at * US > w.now_us ? m->mem.at * US : w.now_us, DUE, (size_t)(m - w.m));
}

static void start(const struct event *ev)
{
    (void)ev;
    w.up = true;
    w.started_us = w.now_us;
    w.life++;
    w.apply_planned = w.flush_planned = false;
    for (size_t i = 0; i < NUMBERS; i++) {
        static const int rates[] = {80, 20, 5};
        lane_init(&w.lane[i], pace_of(rates[i], 1000), w.now_us);
        w.wake_us[i] = INT64_MAX;
    }
    for (size_t i = 0; i < MESSAGES; i++) {
        struct message *m = &w.m[i];
        if (m->in_mem)
            settle(m);
        else if (m->keyed && !m->told && w.life > 1) /* its caller asks again under the same key */
            plan((struct event){.at = w.now_us + below(5 * SECOND_US), .what = CALL, .m = (uint16_t)i});
    }
    w.apply_planned = true;
    plan_own(w.now_us + US, APPLY, 0);
}

/* --- a world -------------------------------------------------------------------------------------------------------- */

static void make_message(struct message *m)
{
    static const enum category categories[] = {CATEGORY_MARKETING, CATEGORY_MARKETING,      CATEGORY_UTILITY,
                                               CATEGORY_UTILITY,   CATEGORY_AUTHENTICATION, CATEGORY_SERVICE,
                                               CATEGORY_UNKNOWN};
    *m = (struct message){.number = (uint8_t)((m - w.m) % NUMBERS), .once = chance(200)};
    m->category = categories[below(sizeof categories / sizeof categories[0])];
    m->campaign = m->once ? 0 : (uint8_t)below(CAMPAIGNS);
    m->keyed = !m->once && chance(700);
    m->may_expire = !m->once && chance(200);
    int64_t at = BEGIN_US + below(10 * MINUTE_US);
    plan((struct event){.at = at, .what = CALL, .m = (uint16_t)(m - w.m)});
    if (!m->once && chance(50))
        plan((struct event){.at = at + below(10 * MINUTE_US), .what = CANCEL, .m = (uint16_t)(m - w.m)});
}

static void make_world(uint64_t seed)
{
    struct world fresh = {.seed = seed, .first_seed = seed, .heap = w.heap, .cap_heap = w.cap_heap, .t = w.t};
    fresh.written = w.written;
    fresh.cap_written = w.cap_written;
    fresh.inbox = w.inbox;
    fresh.cap_inbox = w.cap_inbox;
    w = fresh;
    w.now_us = BEGIN_US;
    w.sound = chance(300);
    int worse = (int)between(0, 4);
    for (int f = 0; f < FAULTS; f++)
        w.odds[f] = fault_odds[f] * worse;
    for (int f = 0; f < HOOK_FAULTS; f++)
        w.hook_odds[f] = w.sound && f <= H_LATE ? 0 : hook_odds[f] * worse;
    for (size_t i = 0; i < NUMBERS; i++) {
        w.least_room[i] = INT64_MIN / 2;
        if (chance(300)) {
            w.still_from[i] = BEGIN_US + below(20 * MINUTE_US);
            w.still_to[i] = w.still_from[i] + below(15 * MINUTE_US);
        }
        if (chance(300)) {
            w.outage_from[i] = BEGIN_US + below(20 * MINUTE_US);
            w.outage_to[i] = w.outage_from[i] + below(10 * MINUTE_US);
        }
    }
    for (size_t i = 0; i < MESSAGES; i++)
        make_message(&w.m[i]);
    plan((struct event){.at = w.now_us, .what = START});
    for (int64_t n = below(8); n > 0; n--)
        plan((struct event){.at = BEGIN_US + below(15 * MINUTE_US), .what = CRASH});
}

static void on_due(const struct event *ev)
{
    fall_due(&w.m[ev->m]);
}

static void on_patience(const struct event *ev)
{
    leave_line(&w.m[ev->m]);
}

static void on_turn(const struct event *ev)
{
    turns(ev->m);
}

/* What is meant for a process that is gone happens to nobody. */
static void happen(const struct event *ev)
{
    static void (*const handlers[])(const struct event *) = {
        [CALL] = call,   [CANCEL] = cancel,   [DUE] = on_due,    [PATIENCE] = on_patience, [TURN] = on_turn,
        [FLUSH] = flush, [TIMER] = doubt_due, [ARRIVE] = arrive, [ANSWER] = answer,        [HOOK] = hook,
        [APPLY] = apply, [CRASH] = crash,     [START] = start};
    bool ours = ev->what != ARRIVE && ev->life != 0; /* bytes that left arrive, whoever sent them */
    if (!ours || (ev->life == w.life && w.up))
        handlers[ev->what](ev);
}

/* What is said of a message against what is so. */
static void check_message(const struct message *m)
{
    const struct life *l = &m->disk;
    if (!m->on_disk) {
        assert_false(m->told);
        assert_int_equal(m->truth, 0);
        return;
    }
    if (!life_ended(l))
        fail_msg("message %d is still %s", (int)(m - w.m), life_state_name((enum life_state)l->state));
    bool claims = l->state == LIFE_ACCEPTED || l->state == LIFE_FAILED;
    assert_int_equal(l->accepted & ~m->truth, 0);
    assert_true(!claims || m->truth != 0);
    assert_true(claims || l->state == LIFE_UNDETERMINED || m->truth == 0);
    if (l->state == LIFE_UNDETERMINED)
        assert_int_equal(m->truth & m->heard, 0);
    assert_true(!m->cancelled || m->truth == 0);
    assert_true(!m->once || l->attempts <= 1);
    assert_int_equal(m->heard & ~l->accepted, 0);
}

static void count(const struct message *m)
{
    enum life_state s = (enum life_state)m->disk.state;
    w.t.messages++;
    if (!m->on_disk)
        return;
    w.t.unknown += s == LIFE_UNDETERMINED;
    w.t.refused += s == LIFE_REFUSED || s == LIFE_REJECTED;
    w.t.expired += s == LIFE_EXPIRED;
    w.t.cancelled += s == LIFE_CANCELLED;
}

static void check_world(void)
{
    int64_t said = 0, is = 0, unknown = 0;
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct message *m = &w.m[i];
        check_message(m);
        count(m);
        said += m->on_disk && (m->disk.state == LIFE_ACCEPTED || m->disk.state == LIFE_FAILED);
        unknown += m->on_disk && m->disk.state == LIFE_UNDETERMINED && m->truth != 0;
        is += m->truth != 0;
    }
    assert_int_equal(said, is - unknown);
}

static bool all_ended(void)
{
    for (size_t i = 0; i < MESSAGES; i++)
        if (w.m[i].on_disk && !life_ended(&w.m[i].disk))
            return false;
    return true;
}

static void run_world(uint64_t seed)
{
    struct event ev;
    bool ended = false;
    make_world(seed);
    while (next_event(&ev) && ev.at <= END_US) {
        w.now_us = ev.at;
        happen(&ev);
        if (!ended && w.now_us > CALM_US && w.n_written == 0 && all_ended()) {
            ended = true;
            if (w.now_us - CALM_US > w.t.ended_us)
                w.t.ended_us = w.now_us - CALM_US;
        }
    }
    check_world();
}

static int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t v;
    return text != NULL && str_i64(str_of(text), &v) && v > 0 ? v : otherwise;
}

static volatile uint64_t running;

TEST(what_is_promised_holds_in_the_history_of_many_messages)
{
    uint64_t seed = (uint64_t)setting("WL_SIM_SEED", 20261122);
    int64_t worlds = (setting("WL_SIM_SENDS", 200000) + MESSAGES - 1) / MESSAGES;
    for (int64_t i = 0; i < worlds; i++) {
        running = seed + (uint64_t)i;
        run_world(running);
    }
    running = 0;
    const struct totals *t = &w.t;
    print_message("%lld messages, %lld attempts, %lld accepted, %lld twice, %lld unknown, %lld refused, %lld expired, "
                  "%lld cancelled\n%lld put off, %lld resent, %lld webhooks, %lld crashes; the last end came %lld "
                  "minutes after the last fault\n",
                  (long long)t->messages, (long long)t->attempts, (long long)t->accepted, (long long)t->doubled,
                  (long long)t->unknown, (long long)t->refused, (long long)t->expired, (long long)t->cancelled,
                  (long long)t->put_off, (long long)t->resent, (long long)t->webhooks, (long long)t->crashes,
                  (long long)(t->ended_us / MINUTE_US));
    if (worlds >= 100) /* everything there is to see was seen */
        assert_true(t->doubled > 0 && t->unknown > 0 && t->refused > 0 && t->expired > 0 && t->cancelled > 0 &&
                    t->resent > 0 && t->crashes > 0);
}

static int say_seed(void **state)
{
    (void)state;
    if (running != 0)
        print_error("repeat it with: WL_SIM_SENDS=%d WL_SIM_SEED=%llu\n", MESSAGES, (unsigned long long)running);
    free(w.heap);
    free(w.written);
    free(w.inbox);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_promised_holds_in_the_history_of_many_messages, say_seed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
