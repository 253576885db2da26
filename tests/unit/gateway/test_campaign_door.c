/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_door.c - a campaign's people at the one door: each once, in order, by whoever runs it, and judged again in their turn.
 *
 * What would hurt: a message without its recipient or a recipient without their message; somebody skipped because one before them was refused;
 * an earlier life of the runner that still hands people on; a campaign that was paused, stopped or is over and still sends; a check that
 * writes or counts something. */
#include "door_fixture.h"

#include "gateway/campaigns.h"

#define CAMPAIGN 7
#define EPOCH    5

static char BOB[] = "447700900002";

/* --- the campaign, as the runner would publish it --------------------------------------------------------------------- */

bool __wrap_campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret);

static struct {
    struct campaign_now now;
    int bad_stratum; /* 0: none */
    bool unknown;
} table;

bool __wrap_campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret)
{
    (void)c;
    if (campaign != CAMPAIGN || table.unknown)
        return false;
    *ret = table.now;
    ret->quarantined = table.bad_stratum != 0 && stratum == table.bad_stratum;
    return true;
}

static int put_campaign(struct store *s, void *n, struct err *e)
{
    int rc = campaign_cursor_take(s, 0, CAMPAIGN, EPOCH, e);
    for (int64_t i = 1; i <= *(int *)n && rc == 0; i++) {
        const struct campaign_recipient r = {.campaign = CAMPAIGN, .place = i, .contact = i << 12, .sender = SENDER};
        rc = recipients_put(s, &r, 1, e);
    }
    return rc;
}

static void begin(struct door *d, int people)
{
    memset(&table, 0, sizeof table);
    table.now = (struct campaign_now){.id = CAMPAIGN, .state = CAMPAIGN_RUNNING, .weight = 1};
    start(d);
    write_it(d, put_campaign, &people);
    write_it(d, grant, ANA);
    write_it(d, grant, BOB);
}

static void prepare_place(struct door *d, struct one *o, int64_t place, const char *to)
{
    prepare(d, o, SEND_ACCEPT, "sale", to);
    o->s.campaign = CAMPAIGN;
    o->s.campaign_epoch = EPOCH;
    o->s.place = place;
    o->s.stratum = (int)place;
}

static void hand(struct door *d, struct one *o, int64_t place, const char *to)
{
    prepare_place(d, o, place, to);
    pass(d, o);
}

static int64_t cursor(struct door *d)
{
    struct campaign_cursor c = {.campaign = CAMPAIGN};
    OK(&d->f, campaign_cursor_get(d->f.s, &c, &d->f.e));
    return c.cur;
}

static int64_t message_at(struct door *d, int64_t place)
{
    struct campaign_recipient r;
    OK(&d->f, recipient_get(d->f.s, 0, CAMPAIGN, place, d->f.a, &r, &d->f.e));
    return r.msg;
}

static size_t messages(struct door *d)
{
    struct message *rows;
    size_t n;
    int64_t next;
    const struct message_filter all = {.campaign = CAMPAIGN};
    OK(&d->f, messages_list(d->f.s, 0, &all, 0, d->f.a, 100, &rows, &n, &next, &d->f.e));
    return n;
}

/* --- handed on ---------------------------------------------------------------------------------------------------------- */

TEST(message_row_and_cursor_are_one)
{
    struct door d;
    struct one o;
    struct outbox_row row;
    begin(&d, 3);
    hand(&d, &o, 1, ANA);
    struct message m = stored(&d, &o);
    assert_true(m.campaign == CAMPAIGN && m.place == 1 && m.stratum == 1 && m.life.state == LIFE_WAITING);
    assert_true(row_of(&d, &o, &row));
    assert_true(row.key.campaign == CAMPAIGN && row.flags == 0);
    assert_int_equal(message_at(&d, 1), m.id);
    assert_int_equal(cursor(&d), 2);
    hand(&d, &o, 2, "447700900077"); /* nobody who agreed: refused, and the next is next */
    m = stored(&d, &o);
    assert_true(m.campaign == CAMPAIGN && m.place == 2 && m.life.state == LIFE_REFUSED);
    assert_int_equal(message_at(&d, 2), m.id);
    assert_int_equal(cursor(&d), 3);
    table.now.state = CAMPAIGN_HELD;
    hand(&d, &o, 3, BOB); /* held: waits and says why */
    assert_true(row_of(&d, &o, &row));
    assert_true(row.until == NOW + 5000 && row.findings.n > 0);
    assert_int_equal(cursor(&d), 4);
    finish(&d);
}

TEST(out_of_turn_or_from_an_earlier_life_nothing_is_written_and_others_go_on)
{
    static const struct {
        int64_t place, epoch;
        int rc;
    } rows[] = {{1, EPOCH, 0},
                {3, EPOCH, WL_ECONFLICT}, /* one before it is missing */
                {2, EPOCH - 1, WL_ECONFLICT},
                {2, EPOCH, 0},
                {2, EPOCH, WL_ECONFLICT}, /* again */
                {3, EPOCH, 0}};
    struct one o[6], *all[6];
    struct door d;
    begin(&d, 3);
    for (int i = 0; i < 6; i++) {
        prepare_place(&d, &o[i], rows[i].place, i % 2 ? BOB : ANA);
        o[i].s.campaign_epoch = rows[i].epoch;
        all[i] = &o[i];
    }
    pass_together(&d, all, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(o[i].s.job.rc, rows[i].rc);
    assert_int_equal(messages(&d), 3);
    assert_int_equal(cursor(&d), 4);
    assert_int_equal(message_at(&d, 3), o[5].s.message.id);
    assert_true(d.g.metric[METRIC_QUEUED] == 3);
    finish(&d);
}

TEST(a_campaigns_message_is_known_by_its_place_alone)
{
    struct door d;
    struct one o;
    begin(&d, 1);
    for (int i = 0; i < 4; i++) {
        prepare_place(&d, &o, 1, ANA);
        o.s.mode = i == 0 ? SEND_NOW : SEND_ACCEPT;
        o.s.our_id = i == 1;
        o.s.key.text = i == 2 ? STR("order-1") : (struct str){NULL, 0};
        o.s.place = i == 3 ? 0 : 1;
        assert_int_equal(admit_submit(&o.s, &d.f.e), WL_EINVAL);
    }
    assert_int_equal(cursor(&d), 1);
    finish(&d);
}

/* --- in its turn --------------------------------------------------------------------------------------------------------- */

TEST(in_its_turn_it_is_judged_by_how_the_campaign_stands_then)
{
    static const struct {
        enum campaign_state state;
        int64_t latest;
        bool bad_source, unknown, withdrawn;
        enum life_state after;
        int64_t held; /* ms */
    } rows[] = {
        {CAMPAIGN_RUNNING, 0, false, false, false, LIFE_SENDING, 0},
        {CAMPAIGN_RUNNING, NOW + 1, false, false, false, LIFE_SENDING, 0},
        {CAMPAIGN_RUNNING, NOW, false, false, false, LIFE_REFUSED, 0}, /* late */
        {CAMPAIGN_RUNNING, 0, false, false, true, LIFE_REFUSED, 0},    /* they said no a moment ago */
        {CAMPAIGN_RUNNING, 0, true, false, false, LIFE_WAITING, 10 * MINUTE},
        {CAMPAIGN_HELD, 0, false, false, false, LIFE_WAITING, 5000},
        {CAMPAIGN_HELD, NOW - 1, false, false, false, LIFE_REFUSED, 0}, /* held until it was late */
        {CAMPAIGN_STOPPED, 0, false, false, false, LIFE_REFUSED, 0},
        {CAMPAIGN_CANCELLED, 0, false, false, false, LIFE_REFUSED, 0},
        {CAMPAIGN_RUNNING, 0, false, true, false, LIFE_REFUSED, 0}, /* nobody knows it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct door d;
        struct one first, o;
        begin(&d, 1);
        hand(&d, &first, 1, ANA);
        assert_int_equal(stored(&d, &first).life.state, LIFE_WAITING);
        table.now.state = rows[i].state;
        table.now.latest = rows[i].latest;
        table.bad_stratum = rows[i].bad_source;
        table.unknown = rows[i].unknown;
        if (rows[i].withdrawn)
            write_it(&d, withdraw, ANA);
        queue(&d, &o, &first, "sale", ANA);
        pass(&d, &o);
        struct message m = stored(&d, &first);
        assert_int_equal(m.life.state, rows[i].after);
        assert_true(m.campaign == CAMPAIGN && m.place == 1);
        if (rows[i].held != 0)
            assert_int_equal(m.life.at, NOW + rows[i].held);
        assert_int_equal(send_leaves(&o.s), rows[i].after == LIFE_SENDING);
        if (send_leaves(&o.s))
            answer(&d, &o, LIFE_ACCEPTED, 0);
        finish(&d);
    }
}

/* Looked at before its time, without a turn (recheck.c). */
static void look_again(struct door *d, struct one *o, const struct one *accepted, bool sooner)
{
    queue(d, o, accepted, "sale", ANA);
    pace_give_back(d->g.admit, &o->s);
    o->s.only_refuse = true;
    o->s.sooner = sooner;
    pass(d, o);
    assert_false(send_leaves(&o->s));
}

TEST(what_a_rule_held_is_due_sooner_when_less_holds_it_and_never_later)
{
    struct door d;
    struct one first, o;
    struct outbox_row row;
    begin(&d, 1);
    table.bad_stratum = 1;
    hand(&d, &first, 1, ANA);
    assert_int_equal(stored(&d, &first).life.at, NOW + 10 * MINUTE);
    table.bad_stratum = 0;
    look_again(&d, &o, &first, false); /* as when somebody refused something */
    assert_int_equal(stored(&d, &first).life.at, NOW + 10 * MINUTE);
    table.now.state = CAMPAIGN_HELD;
    look_again(&d, &o, &first, true);
    assert_int_equal(stored(&d, &first).life.at, NOW + 5000);
    table.bad_stratum = 1;
    look_again(&d, &o, &first, true); /* more holds it now: that is said in its turn */
    assert_int_equal(stored(&d, &first).life.at, NOW + 5000);
    table.bad_stratum = 0;
    table.now.state = CAMPAIGN_RUNNING;
    lane.bells = 0;
    look_again(&d, &o, &first, true);
    assert_true(row_of(&d, &first, &row));
    assert_true(stored(&d, &first).life.at == NOW && row.ruleset == 0);
    table.now.state = CAMPAIGN_STOPPED;
    look_again(&d, &o, &first, true);
    assert_int_equal(stored(&d, &first).life.state, LIFE_REFUSED);
    finish(&d);
}

struct lives_in {
    char to[16];
    const char *zone;
};

static int move_to(struct store *s, void *arg, struct err *e)
{
    struct lives_in *l = arg;
    struct identity who = fx_name(IDENTITY_PHONE, l->to);
    struct person p;
    int rc = grant(s, l->to, e);
    if (rc == 0)
        rc = people_find(s, &who, 1, &p, e);
    snprintf(p.zone, sizeof p.zone, "%s", l->zone);
    return rc == 0 ? people_save(s, &p, 1, e) : rc;
}

TEST(the_campaigns_hours_are_those_where_the_person_is)
{
    static const struct {
        const char *zone;
        int64_t open_at; /* 0: at once */
    } rows[] = {
        {"Europe/London", 1700038800000}, /* 22:13 on a Tuesday; 09:00 tomorrow */
        {"America/Santiago", 0},          /* 19:13 */
        {"Asia/Tokyo", 1700006400000},    /* 07:13; 09:00 today */
        {"", NOW + 60 * MINUTE},          /* nobody knows: it is not tried in what may be the night */
    };
    struct door d;
    begin(&d, 4);
    OK(&d.f, hours_parse(STR("mon-fri 09:00-20:00"), &table.now.hours, &d.f.e));
    table.now.has_hours = true;
    if (!admit_places_known(d.g.admit)) {
        finish(&d);
        skip_loudly("there is no time zone database");
    }
    for (int i = 0; i < 4; i++) {
        struct one o;
        struct outbox_row row;
        struct lives_in l = {.zone = rows[i].zone};
        snprintf(l.to, sizeof l.to, "44770090030%d", i);
        write_it(&d, move_to, &l);
        hand(&d, &o, i + 1, l.to);
        assert_true(row_of(&d, &o, &row));
        assert_int_equal(row.until, rows[i].open_at);
        assert_int_equal(stored(&d, &o).life.at, rows[i].open_at != 0 ? rows[i].open_at : NOW);
    }
    finish(&d);
}

/* --- asked for the check ------------------------------------------------------------------------------------------------- */

TEST(a_check_is_told_what_would_be_decided_and_leaves_no_trace)
{
    static const char *const people[] = {ANA, "447700900088", "1", BOB};
    struct door d;
    begin(&d, 1);
    table.now.state = CAMPAIGN_DRAFT; /* while it is checked it runs not yet */
    write_it(&d, withdraw, BOB);
    for (int i = 0; i < 4; i++) {
        struct one o, real;
        prepare(&d, &o, SEND_JUDGE, "sale", people[i]);
        o.s.campaign = CAMPAIGN;
        o.s.stratum = 3;
        pass(&d, &o);
        assert_int_equal(o.s.job.rc, 0);
        assert_true(o.s.message.id == 0 && !send_leaves(&o.s));
        assert_int_equal(messages(&d), 0);
        assert_true(d.g.metric[METRIC_DENIED] == (uint64_t)(i > 0 ? i - 1 : 0) && lane.taken == 0);
        prepare(&d, &real, SEND_ACCEPT, "sale", people[i]);
        pass(&d, &real);
        assert_int_equal(o.s.decision.verdict, real.s.decision.verdict);
        assert_int_equal(o.s.decision.n, real.s.decision.n);
        for (size_t k = 0; k < o.s.decision.n; k++)
            assert_string_equal(rule_id(o.s.decision.finding[k].rule), rule_id(real.s.decision.finding[k].rule));
    }
    assert_int_equal(cursor(&d), 1);
    finish(&d);
}

TESTS(T(message_row_and_cursor_are_one), T(out_of_turn_or_from_an_earlier_life_nothing_is_written_and_others_go_on),
      T(a_campaigns_message_is_known_by_its_place_alone), T(in_its_turn_it_is_judged_by_how_the_campaign_stands_then),
      T(what_a_rule_held_is_due_sooner_when_less_holds_it_and_never_later),
      T(the_campaigns_hours_are_those_where_the_person_is),
      T(a_check_is_told_what_would_be_decided_and_leaves_no_trace))
