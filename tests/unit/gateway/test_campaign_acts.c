/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_acts.c - what may be done to a campaign, by whom, and what stands in the database and the ledger afterwards.
 *
 * What would hurt: an approval of another plan than the one that was looked at, or by whoever wrote it; a refusal that leaves half a
 * change behind; an approval without its entry in the ledger; a copy that was put back going on by itself. */
#include "../../store/store_fixture.h"

#include "gateway/approvers.h"
#include "gateway/campaign_fate.h"
#include "gateway/campaign_id.h"
#include "gateway/campaigns.h"
#include "gateway/checkpoints_impl.h"
#include "store/campaigns_leaves.h"

static struct approver_option approvers[] = {{1, (char[]){"Ada"}, (char[]){"adas-own-key-0123456789"}},
                                             {2, (char[]){"bo"}, (char[]){"bos-own-key-01234567890"}}};
static struct checkpoints ledger;
static struct gateway gw;

static void world(struct fx *f)
{
    fx_start(f);
    ledger.generation = 7;
    gw.checkpoints = &ledger;
    gw.o.second_person_above = 100;
    gw.o.approvers = approvers;
    gw.o.n_approvers = 2;
}

static int try(struct fx *f, struct campaign_row *c, const struct campaign_order *o)
{
    f->e = (struct err){0};
    BEGIN(f);
    int rc = campaign_do(&gw, f->s, c, o, NOW + 5, &f->e);
    COMMIT(f);
    return rc;
}

static struct campaign_order order(enum campaign_act act, const char *actor)
{
    return (struct campaign_order){.act = act, .actor = str_of(actor), .detail = STR("d")};
}

static void does(struct fx *f, struct campaign_row *c, enum campaign_act act, const char *actor)
{
    struct campaign_order o = order(act, actor);
    OK(f, try(f, c, &o));
}

static struct campaign_row get(struct fx *f, int64_t id)
{
    struct campaign_row c;
    OK(f, campaign_get(f->s, id, f->a, &c, &f->e));
    return c;
}

/* A campaign for so many people, checked by this person; its plan begins with this byte. */
static struct campaign_row checked(struct fx *f, int64_t people, const char *by, uint8_t plan)
{
    struct campaign_row c = {.name = STR("Sale"), .definition = STR("{}")};
    struct campaign_check_row k = {.report = STR("{}"), .terms = STR("{}"), .audience = STR("roaring"), .at = NOW};
    does(f, &c, CAMPAIGN_ACT_CREATE, "ana");
    does(f, &c, CAMPAIGN_ACT_CHECK, by);
    c.people = c.audience = people;
    c.planned = true;
    c.plan[0] = plan;
    does(f, &c, CAMPAIGN_ACT_CHECKED, "runner");
    k.campaign = c.id;
    BEGIN(f);
    OK(f, campaign_check_put(f->s, &k, &f->e));
    COMMIT(f);
    return c;
}

static char *hex_of(const struct campaign_row *c)
{
    static char text[SHA256_HEX];
    hex_encode(c->plan, SHA256_BYTES, text);
    return text;
}

static int approve(struct fx *f, struct campaign_row *c, const char *actor, const char *plan)
{
    struct campaign_order o = order(CAMPAIGN_ACT_APPROVE, actor);
    o.plan = str_of(plan);
    return try(f, c, &o);
}

TEST(an_approval_names_its_plan_and_is_in_the_ledger)
{
    struct fx f;
    struct campaign_event_row *ev;
    struct log_entry entry;
    struct leaf leaf;
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    size_t n = 0;
    int64_t leaves = 0;
    world(&f);
    struct campaign_row c = checked(&f, 5, "ana", 0xab), other = checked(&f, 5, "ana", 0xcd);
    assert_int_equal(approve(&f, &c, "ana", ""), WL_EINVAL);
    assert_int_equal(approve(&f, &c, "ana", hex_of(&other)), WL_EDENIED);
    OK(&f, log_size(f.s, &leaves, &f.e));
    assert_int_equal(leaves, 0); /* what was refused wrote nothing */
    assert_int_equal(get(&f, c.id).state, CAMPAIGN_CHECKED);
    OK(&f, approve(&f, &c, "ana", hex_of(&c)));
    struct campaign_row kept = get(&f, c.id);
    assert_true(kept.state == CAMPAIGN_APPROVED && kept.generation == 7 && kept.approved_at == NOW + 5);
    assert_str(kept.approved_by, "ana");
    OK(&f, campaign_events(f.s, c.id, f.a, 100, &ev, &n, &f.e));
    assert_int_equal(ev[n - 1].act, CAMPAIGN_ACT_APPROVE);
    assert_non_null(strstr(ev[n - 1].record.p, hex_of(&c)));
    OK(&f, log_read(f.s, ev[n - 1].leaf, 1, &entry, &n, &f.e));
    assert_int_equal(n, 1);
    OK(&f, leaf_read(entry.bytes, LEAF_BYTES, &leaf, &f.e));
    assert_int_equal(leaf.kind, LEAF_CAMPAIGN);
    OK(&f, campaign_events(f.s, c.id, f.a, 100, &ev, &n, &f.e));
    OK(&f, subject_key_get(f.s, 0, 0, key, &f.e));
    leaf_salt(key, (uint64_t)ev[n - 1].n, salt);
    leaf_commit(salt, ev[n - 1].record, commit);
    assert_memory_equal(commit, leaf.commit, sizeof commit);
    fx_end(&f);
}

/* A log that begins anew: the approval gets an entry in it that commits to the same words. */
TEST(an_approval_has_its_place_in_a_new_log)
{
    struct fx f;
    struct campaign_event_row *ev;
    struct leaf leaf;
    struct log_entry entry;
    size_t n = 0;
    int64_t left = 0;
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    world(&f);
    struct campaign_row c = checked(&f, 5, "ana", 0xab);
    OK(&f, approve(&f, &c, "ana", hex_of(&c)));
    BEGIN(&f);
    OK(&f, log_restart(f.s, NOW + 9, &f.e));
    OK(&f, campaign_events_left(f.s, 10, &left, &f.e));
    assert_int_equal(left, 1);
    OK(&f, ledger_adopt(f.s, 0, 100, NOW + 10, &left, &f.e));
    COMMIT(&f);
    assert_int_equal(left, 0);
    OK(&f, campaign_events_by_leaf(f.s, 0, 10, f.a, &ev, &n, &f.e));
    assert_int_equal(n, 1);
    OK(&f, log_read(f.s, ev[0].leaf, 1, &entry, &n, &f.e));
    OK(&f, leaf_read(entry.bytes, LEAF_BYTES, &leaf, &f.e));
    OK(&f, subject_key_get(f.s, 0, 0, key, &f.e));
    leaf_salt(key, (uint64_t)ev[0].n, salt);
    leaf_commit(salt, ev[0].record, commit);
    assert_memory_equal(commit, leaf.commit, sizeof commit);
    fx_end(&f);
}

TEST(above_a_size_a_second_person_with_a_key)
{
    static const struct {
        const char *checked_by, *by;
        int64_t people;
        int rc;
    } rows[] = {
        {"ana", "ana", 100, 0},          /* up to the size anybody */
        {"ana", "ana", 101, WL_EDENIED}, /* no approver */
        {"ana", "zoe", 101, WL_EDENIED}, {"ana", "Ada", 101, 0},
        {"ana", "bo", 101, 0},           {"Ada", "Ada", 101, WL_EDENIED}, /* checked it */
        {"ada", "Ada", 101, WL_EDENIED}, {"Ada", "bo", 101, 0},
    };
    struct fx f;
    world(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct campaign_row c = checked(&f, rows[i].people, rows[i].checked_by, 1);
        int rc = approve(&f, &c, rows[i].by, hex_of(&c));
        if (rc != rows[i].rc)
            fail_msg("row %zu: %d %s", i, rc, f.e.text);
    }
    struct campaign_row c = checked(&f, 101, "ana", 1);
    gw.o.n_approvers = 0;
    assert_int_equal(approve(&f, &c, "Ada", hex_of(&c)), WL_EDENIED);
    assert_non_null(strstr(f.e.text, "names none under approvers"));
    fx_end(&f);
}

TEST(a_check_voids_what_was_approved_and_is_waited_for)
{
    struct fx f;
    world(&f);
    struct campaign_row c = checked(&f, 5, "ana", 1);
    OK(&f, approve(&f, &c, "ana", hex_of(&c)));
    does(&f, &c, CAMPAIGN_ACT_CHECK, "ana");
    struct campaign_row kept = get(&f, c.id);
    assert_true(kept.state == CAMPAIGN_DRAFT && kept.busy && !kept.planned && kept.approved_at == 0 && kept.due != 0);
    struct campaign_order again = order(CAMPAIGN_ACT_CHECK, "ana"), change = order(CAMPAIGN_ACT_CHANGE, "ana");
    assert_int_equal(try(&f, &c, &again), WL_EDENIED);
    assert_int_equal(try(&f, &c, &change), WL_EDENIED);
    struct campaign_order undone = order(CAMPAIGN_ACT_UNCHECKED, "runner");
    undone.detail = STR("no such segment");
    OK(&f, try(&f, &c, &undone));
    kept = get(&f, c.id);
    assert_true(kept.state == CAMPAIGN_DRAFT && !kept.busy && kept.due == 0);
    assert_str(kept.why, "no such segment");
    assert_int_equal(try(&f, &c, &undone), WL_ECONFLICT); /* nobody asked */
    fx_end(&f);
}

TEST(holding_and_going_on)
{
    struct fx f;
    world(&f);
    struct campaign_row c = checked(&f, 5, "ana", 1);
    OK(&f, approve(&f, &c, "ana", hex_of(&c)));
    does(&f, &c, CAMPAIGN_ACT_START, "ana");
    assert_true(c.state == CAMPAIGN_RUNNING && c.started_at == NOW + 5 && c.due != 0);
    struct campaign_order hold = order(CAMPAIGN_ACT_HOLD, "runner"), resume = order(CAMPAIGN_ACT_RESUME, "ana");
    hold.cause = CAUSE_GAP;
    hold.resume_at = NOW + 100;
    OK(&f, try(&f, &c, &hold));
    assert_true(c.state == CAMPAIGN_HELD && c.cause == CAUSE_GAP && c.resume_at == NOW + 100);
    does(&f, &c, CAMPAIGN_ACT_PAUSE, "ana");
    assert_true(c.cause == CAUSE_GAP && c.resume_at == 0); /* somebody still has to look */
    assert_int_equal(try(&f, &c, &resume), WL_EDENIED);
    resume.after_gap = true;
    OK(&f, try(&f, &c, &resume));
    assert_true(c.state == CAMPAIGN_RUNNING && c.cause == CAUSE_NONE && c.beat_at == NOW + 5);
    does(&f, &c, CAMPAIGN_ACT_STOP, "ana");
    assert_true(c.state == CAMPAIGN_STOPPED && c.cause == CAUSE_PERSON && c.ended_at != 0 && c.due != 0);
    fx_end(&f);
}

TEST(a_copy_that_was_put_back_does_not_go_on_by_itself)
{
    struct fx f;
    world(&f);
    struct campaign_row c = checked(&f, 5, "ana", 1), begun = checked(&f, 5, "ana", 1);
    OK(&f, approve(&f, &c, "ana", hex_of(&c)));
    OK(&f, approve(&f, &begun, "ana", hex_of(&begun)));
    does(&f, &begun, CAMPAIGN_ACT_START, "ana");
    does(&f, &begun, CAMPAIGN_ACT_PAUSE, "ana");
    ledger.generation = 8;
    struct campaign_order start = order(CAMPAIGN_ACT_START, "ana"), resume = order(CAMPAIGN_ACT_RESUME, "ana");
    assert_int_equal(try(&f, &c, &start), WL_EDENIED);
    assert_int_equal(try(&f, &begun, &resume), WL_EDENIED);
    resume.after_gap = true;
    OK(&f, try(&f, &begun, &resume));
    assert_int_equal(get(&f, begun.id).generation, 8);
    fx_end(&f);
}

TEST(a_source_is_held_and_released)
{
    struct fx f;
    struct campaign_source *v;
    size_t n = 0;
    world(&f);
    struct campaign_row c = checked(&f, 5, "ana", 1);
    struct campaign_source sources[] = {
        {.campaign = c.id, .stratum = 0, .name = STR(""), .people = 2, .state = CAMPAIGN_SOURCE_GOES_ON},
        {.campaign = c.id, .stratum = 1, .name = STR("fair.csv"), .people = 3, .state = CAMPAIGN_SOURCE_GOES_ON}};
    BEGIN(&f);
    OK(&f, campaign_sources_put(f.s, sources, 2, &f.e));
    COMMIT(&f);
    OK(&f, approve(&f, &c, "ana", hex_of(&c)));
    does(&f, &c, CAMPAIGN_ACT_START, "ana");
    struct campaign_order hold = order(CAMPAIGN_ACT_QUARANTINE, "runner"), go = order(CAMPAIGN_ACT_RELEASE, "ana");
    hold.stratum = go.stratum = 1;
    assert_int_equal(try(&f, &c, &go), WL_EDENIED); /* it goes on already */
    OK(&f, try(&f, &c, &hold));
    OK(&f, campaign_sources_get(f.s, c.id, f.a, &v, &n, &f.e));
    assert_true(v[0].state == CAMPAIGN_SOURCE_GOES_ON && v[1].state == CAMPAIGN_SOURCE_QUARANTINED);
    assert_str(v[1].name, "fair.csv");
    OK(&f, try(&f, &c, &go));
    go.stratum = 9;
    assert_int_equal(try(&f, &c, &go), WL_ENOTFOUND);
    fx_end(&f);
}

TEST(keys_and_names_of_approvers)
{
    struct fx f;
    world(&f);
    assert_ptr_equal(approver_by_key(&gw, STR("adas-own-key-0123456789")), &approvers[0]);
    assert_null(approver_by_key(&gw, STR("adas-own-key-012345678")));
    assert_null(approver_by_key(&gw, STR("")));
    assert_true(approver_is(&gw, STR("ADA")) && !approver_is(&gw, STR("ad")));
    fx_end(&f);
}

TEST(an_id_is_read_back)
{
    char text[STORE_ID_TEXT];
    int64_t id = 0;
    assert_true(campaign_id_parse(str_of(campaign_id_text(1234567890123456789, text)), &id));
    assert_int_equal(id, 1234567890123456789);
    assert_false(campaign_id_parse(str_of(store_id_text(0, 5, text)), &id)); /* a message's */
    text[0] = 'k';
    text[15] = '1'; /* of another bucket */
    assert_false(campaign_id_parse(str_of(text), &id));
    assert_false(campaign_id_parse(STR("k"), &id));
}

/* Each person has one outcome, and counts where they should. */
TEST(one_fate_one_outcome)
{
#define BIT(f) (1u << (f))
    static const struct {
        enum life_state state;
        uint32_t seen;
        int skip, accepted;
        int64_t place, valid_until;
        enum campaign_figure outcome;
        uint32_t has, has_not;
    } rows[] = {
        {0, 0, SKIP_RULE, 0, 1, 0, FIGURE_SKIPPED, BIT(FIGURE_AUDIENCE), BIT(FIGURE_CHOSEN)},
        {0, 0, 0, 0, 5, 0, FIGURE_PENDING, BIT(FIGURE_CHOSEN), BIT(FIGURE_HANDED)},
        {0, 0, 0, 0, 4, 0, FIGURE_GONE, BIT(FIGURE_CHOSEN), BIT(FIGURE_HANDED)},
        {LIFE_REFUSED, 0, 0, 0, 1, 0, FIGURE_REFUSED, BIT(FIGURE_HANDED), BIT(FIGURE_SUBMITTED)},
        {LIFE_WAITING, 0, 0, 0, 1, 0, FIGURE_WAITING, BIT(FIGURE_HANDED), BIT(FIGURE_SUBMITTED)},
        {LIFE_ACCEPTED, 0, 0, 1, 1, 0, FIGURE_AWAITING, BIT(FIGURE_SUBMITTED), BIT(FIGURE_DELIVERED)},
        {LIFE_ACCEPTED, SEEN_SENT, 0, 1, 1, NOW - 1, FIGURE_EXPIRED, BIT(FIGURE_SUBMITTED), BIT(FIGURE_AWAITING)},
        {LIFE_ACCEPTED, SEEN_DELIVERED, 0, 1, 1, NOW - 1, FIGURE_DELIVERED, BIT(FIGURE_SUBMITTED), BIT(FIGURE_READ)},
        {LIFE_ACCEPTED, SEEN_READ, 0, 1, 1, 0, FIGURE_READ, BIT(FIGURE_DELIVERED) | BIT(FIGURE_SUBMITTED), 0},
        {LIFE_FAILED, SEEN_FAILED, 0, 1, 1, 0, FIGURE_FAILED, BIT(FIGURE_SUBMITTED), BIT(FIGURE_DELIVERED)},
        {LIFE_REJECTED, 0, 0, 0, 1, 0, FIGURE_FAILED, BIT(FIGURE_HANDED), BIT(FIGURE_SUBMITTED)},
        {LIFE_AMBIGUOUS, 0, 0, 0, 1, 0, FIGURE_IN_DOUBT, BIT(FIGURE_HANDED), BIT(FIGURE_SUBMITTED)},
        {LIFE_EXPIRED, 0, 0, 0, 1, 0, FIGURE_EXPIRED, BIT(FIGURE_HANDED), BIT(FIGURE_SUBMITTED)},
        {LIFE_CANCELLED, 0, 0, 0, 1, 0, FIGURE_CANCELLED, BIT(FIGURE_HANDED), BIT(FIGURE_SUBMITTED)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipient_fate f = {.r = {.place = rows[i].place, .skip = rows[i].skip, .told = TOLD_OPTED_OUT},
                                   .m = {.id = rows[i].state != 0,
                                         .seen = rows[i].seen,
                                         .valid_until = rows[i].valid_until}};
        f.m.life.state = (uint8_t)rows[i].state;
        f.m.life.accepted = (uint8_t)rows[i].accepted;
        uint32_t got = campaign_figures(&f, 5, NOW);
        if (campaign_outcome_of(got) != rows[i].outcome || (got & rows[i].has) != rows[i].has ||
            (got & rows[i].has_not) != 0)
            fail_msg("row %zu: %s, %x", i, campaign_figure_word(campaign_outcome_of(got)), got);
        assert_true((got & BIT(FIGURE_OPTED_OUT)) != 0);
    }
}

TESTS(T(an_approval_names_its_plan_and_is_in_the_ledger), T(an_approval_has_its_place_in_a_new_log),
      T(above_a_size_a_second_person_with_a_key), T(a_check_voids_what_was_approved_and_is_waited_for),
      T(holding_and_going_on), T(a_copy_that_was_put_back_does_not_go_on_by_itself), T(a_source_is_held_and_released),
      T(keys_and_names_of_approvers), T(an_id_is_read_back), T(one_fate_one_outcome))
