/* SPDX-License-Identifier: Apache-2.0
 * test_apply.c - events on a real store: whose they are, in which order they count, statuses that come too early, and of
 * which attempt they speak.
 *
 * What would hurt: an opt-out lifted by a stranger's grant, by an old message delivered again or by a status that beat our
 * answer; a person sent to two rows; a message sent again although Meta said that it has it; one sent twice unnoticed. */
#include "../../store/store_fixture.h"

#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "gateway/lives.h"
#include "gateway/mark.h"
#include "store/accounts.h"
#include "store/ledger.h"
#include "store/senders.h"

#define WABA 2000

struct ax {
    struct fx f;
    struct gateway *g;
    struct apply *apply;
    int64_t now;
    bool control_changed;
    struct apply_result result; /* of the last event */
    struct life_after adopted;  /* of the last answer */
};

static void start(struct ax *x)
{
    fx_start(&x->f);
    x->now = NOW;
    x->control_changed = false;
    x->g = calloc(1, sizeof *x->g);
    assert_non_null(x->g);
    memset(x->g->mark_key, 3, sizeof x->g->mark_key);
    OK(&x->f, apply_create(&x->apply, x->f.s, &x->f.e));
    apply_marks(x->apply, x->g);
}

static void end(struct ax *x)
{
    apply_free(x->apply);
    free(x->g);
    fx_end(&x->f);
}

static void hear(struct ax *x, struct event ev)
{
    x->result = (struct apply_result){.events = 0};
    BEGIN(&x->f);
    OK(&x->f, apply_events(x->apply, x->f.s, x->f.a, &ev, 1, x->now, x->now, &x->result, &x->f.e));
    COMMIT(&x->f);
    assert_int_equal(x->result.events, 1);
}

static struct identity phone(const char *value)
{
    return fx_name(IDENTITY_PHONE, value);
}

static struct identity user(const char *value)
{
    return fx_name(IDENTITY_USER_ID, value);
}

static struct person by(struct ax *x, struct identity name)
{
    struct person p;
    OK(&x->f, people_find(x->f.s, &name, 1, &p, &x->f.e));
    return p;
}

static void writes(struct ax *x, const char *from, const char *id, const char *parent, int64_t at)
{
    struct event ev = {.kind = EVENT_INBOUND, .phone_number_id = SENDER, .at = at};
    if (from != NULL)
        ev.phone = phone(from);
    if (id != NULL)
        ev.user_id = user(id);
    if (parent != NULL)
        ev.parent_id = fx_name(IDENTITY_PARENT_ID, parent);
    hear(x, ev);
}

static void says(struct ax *x, struct identity who, enum consent_act act, int64_t at)
{
    hear(x, (struct event){.kind = EVENT_PREFERENCE,
                           .at = at,
                           .phone = who.kind == IDENTITY_PHONE ? who : (struct identity){0},
                           .user_id = who.kind == IDENTITY_USER_ID ? who : (struct identity){0},
                           .act = act});
}

static enum consent_status marketing(struct ax *x, struct identity who)
{
    return (enum consent_status)by(x, who).consent.of[CATEGORY_MARKETING].status;
}

TEST(a_recycled_number_hands_over_neither_grants_nor_people)
{
    struct ax x;
    start(&x);
    writes(&x, "15550000001", "US.1", NULL, NOW - 90000);
    writes(&x, "15550000002", "US.2", NULL, NOW - 80000);
    says(&x, phone("15550000001"), CONSENT_GRANT, NOW - 70000);
    writes(&x, "15550000001", "US.2", NULL, NOW - 60000); /* to somebody we know */
    assert_true(by(&x, user("US.1")).id != by(&x, user("US.2")).id);
    assert_true(by(&x, phone("15550000001")).id == by(&x, user("US.2")).id);
    assert_int_equal(marketing(&x, phone("15550000001")), CONSENT_NONE);
    writes(&x, "15550000001", "US.3", NULL, NOW - 50000); /* to somebody new */
    assert_true(by(&x, phone("15550000001")).id == by(&x, user("US.3")).id);
    assert_int_equal(marketing(&x, user("US.3")), CONSENT_NONE);
    assert_int_equal(marketing(&x, user("US.1")), CONSENT_GRANTED);
    writes(&x, "15550000001", "US.1", NULL, NOW - 90000); /* the first message, delivered again */
    assert_true(by(&x, phone("15550000001")).id == by(&x, user("US.3")).id);
    end(&x);
}

TEST(a_parent_id_joins_nobody_and_finds_who_has_no_other_name)
{
    struct ax x;
    start(&x);
    writes(&x, "15550000003", "US.3", "US.ENT.9", NOW);
    writes(&x, "15550000004", "US.4", "US.ENT.9", NOW);
    writes(&x, "15550000005", NULL, "US.ENT.9", NOW);
    int64_t three = by(&x, phone("15550000003")).id, four = by(&x, phone("15550000004")).id;
    assert_true(three != four && by(&x, phone("15550000005")).id != three && by(&x, phone("15550000005")).id != four);
    assert_true(by(&x, user("US.4")).id == four);
    assert_true(by(&x, fx_name(IDENTITY_PARENT_ID, "US.ENT.9")).id == three);
    writes(&x, NULL, NULL, "US.ENT.9", NOW);
    writes(&x, NULL, NULL, "US.ENT.8", NOW);
    assert_true(by(&x, fx_name(IDENTITY_PARENT_ID, "US.ENT.8")).id != 0);
    end(&x);
}

/* The news of a new number, and the first message from it, in either order. */
static void moves_house(bool news_first)
{
    struct ax x;
    start(&x);
    writes(&x, "15550000001", "US.1", NULL, NOW - 90000);
    says(&x, phone("15550000001"), CONSENT_GRANT, NOW - 80000);
    says(&x, user("US.1"), CONSENT_STOP, NOW - 70000);
    struct event news = {.kind = EVENT_NUMBER_CHANGED,
                         .at = NOW - 60000,
                         .phone = phone("15550000009"),
                         .previous = phone("15550000001"),
                         .previous_user_id = user("US.1")};
    if (news_first)
        hear(&x, news);
    writes(&x, "15550000009", "US.9", NULL, NOW - 59000);
    if (!news_first)
        hear(&x, news);
    hear(&x, news); /* told again */
    struct person p = by(&x, phone("15550000009"));
    assert_true(p.id == by(&x, user("US.9")).id && p.id == by(&x, user("US.1")).id &&
                p.id == by(&x, phone("15550000001")).id);
    assert_true(p.consent.platform_stop);
    assert_int_equal(p.consent.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    writes(&x, "15550000001", "US.7", NULL, NOW - 1000); /* the old number's next owner */
    assert_true(by(&x, user("US.7")).id != p.id && by(&x, phone("15550000001")).id == by(&x, user("US.7")).id);
    assert_int_equal(marketing(&x, user("US.7")), CONSENT_NONE);
    end(&x);
}

TEST(a_change_of_number_takes_consent_along_in_any_order)
{
    moves_house(true);
    moves_house(false);
}

TEST(a_change_told_by_a_parent_id_alone_joins_nobody)
{
    struct ax x;
    start(&x);
    writes(&x, "15550000003", "US.3", "US.ENT.9", NOW - 9000);
    writes(&x, "15550000004", NULL, NULL, NOW - 9000);
    hear(&x, (struct event){.kind = EVENT_NUMBER_CHANGED,
                            .at = NOW,
                            .phone = phone("15550000004"),
                            .previous_parent_id = fx_name(IDENTITY_PARENT_ID, "US.ENT.9")});
    assert_true(by(&x, phone("15550000003")).id != by(&x, phone("15550000004")).id);
    hear(&x, (struct event){.kind = EVENT_NUMBER_CHANGED,
                            .at = NOW,
                            .user_id = user("US.33"),
                            .previous = user("US.3"),
                            .previous_user_id = user("US.3")});
    assert_true(by(&x, user("US.33")).id == by(&x, user("US.3")).id);
    end(&x);
}

/* Meta's answer to the open attempt, as the door hears it. */
static void answered(struct ax *x, struct message *m, const char *wamid)
{
    struct life_news news = {.event = {.kind = STEP_ACCEPTED, .attempt = 1}, .wamid = str_of(wamid)};
    OK(&x->f, life_hear(x->f.s, m, &news, x->now, NULL, &x->f.e));
    x->adopted = (struct life_after){.n_bells = 0};
    OK(&x->f,
       apply_adopt(x->apply, x->f.s, x->f.a, 0, m->id, news.wamid, x->now, &x->control_changed, &x->adopted, &x->f.e));
}

static struct message accepted(struct ax *x, int64_t contact, const char *wamid)
{
    struct message m = fx_message(&x->f, contact);
    BEGIN(&x->f);
    OK(&x->f, messages_insert(x->f.s, &m, NULL, 1, &x->f.e));
    answered(x, &m, wamid);
    COMMIT(&x->f);
    return m;
}

static void fails_with(struct ax *x, const char *wamid, const int codes[2], int64_t at)
{
    const struct event_error other = {codes[1], STR("the other one")};
    hear(x, (struct event){.kind = EVENT_STATUS,
                           .at = at,
                           .waba = WABA,
                           .wamid = str_of(wamid),
                           .type = STR("failed"),
                           .seen = SEEN_FAILED,
                           .code = codes[0],
                           .further = &other,
                           .n_further = codes[1] != 0});
}

static void fails(struct ax *x, const char *wamid, int code, int64_t at)
{
    fails_with(x, wamid, (const int[2]){code, 0}, at);
}

TEST(a_failure_that_beats_our_answer_still_speaks_of_the_person)
{
    struct ax x;
    struct message got;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001"),
                  bela = fx_person(&x.f, IDENTITY_PHONE, "15550000002");
    fails(&x, "wamid.other", 131050, NOW - 5000);
    fails(&x, "wamid.ana", 131050, NOW - 5000);
    fails(&x, "wamid.bela", 131026, NOW - 5000);
    struct message m = accepted(&x, ana.id, "wamid.ana");
    accepted(&x, bela.id, "wamid.bela");
    ana = by(&x, phone("15550000001"));
    bela = by(&x, phone("15550000002"));
    assert_true(ana.consent.platform_stop && ana.consent.platform_at == NOW - 5000 && ana.undeliverable_at == 0);
    assert_true(bela.undeliverable_at == NOW - 5000 && !bela.consent.platform_stop);
    OK(&x.f, messages_get(x.f.s, 0, m.id, &got, &x.f.e));
    assert_true(got.life.state == LIFE_FAILED && got.life.code == 131050 && (got.seen & SEEN_FAILED));
    assert_int_equal(x.adopted.became[LIFE_FAILED], 1); /* Bela's, the last: it counts like one that came in time */
    end(&x);
}

TEST(an_adopted_status_is_there_when_its_transaction_runs_again)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    fails(&x, "wamid.ana", 131050, NOW - 5000);
    struct message m = fx_message(&x.f, ana.id);
    for (int i = 0; i < 2; i++) {
        BEGIN(&x.f);
        OK(&x.f, messages_insert(x.f.s, &m, NULL, 1, &x.f.e));
        OK(&x.f,
           apply_adopt(x.apply, x.f.s, x.f.a, 0, m.id, STR("wamid.ana"), NOW, &x.control_changed, &x.adopted, &x.f.e));
        if (i == 0)
            store_rollback(x.f.s);
    }
    COMMIT(&x.f);
    assert_true(by(&x, phone("15550000001")).consent.platform_stop);
    x.now += 120000; /* long after, the place is free again and nothing breaks */
    accepted(&x, ana.id, "wamid.next");
    fails(&x, "wamid.late", 131026, NOW);
    accepted(&x, ana.id, "wamid.late");
    assert_true(by(&x, phone("15550000001")).undeliverable_at == NOW);
    end(&x);
}

TEST(many_early_statuses_push_out_the_oldest_only)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001"),
                  bela = fx_person(&x.f, IDENTITY_PHONE, "15550000002");
    static struct event ev[4097];
    static char wamid[4097][16];
    struct apply_result result = {0};
    for (int i = 0; i < 4097; i++) {
        snprintf(wamid[i], sizeof wamid[i], "wamid.%d", i);
        ev[i] = (struct event){.kind = EVENT_STATUS,
                               .at = NOW - 5000,
                               .wamid = str_of(wamid[i]),
                               .type = STR("failed"),
                               .seen = SEEN_FAILED,
                               .code = 131026};
    }
    BEGIN(&x.f);
    OK(&x.f, apply_events(x.apply, x.f.s, x.f.a, ev, 4097, NOW, NOW, &result, &x.f.e));
    COMMIT(&x.f);
    assert_int_equal(result.orphaned, 4097);
    accepted(&x, ana.id, "wamid.0");
    accepted(&x, bela.id, "wamid.1");
    assert_true(by(&x, phone("15550000001")).undeliverable_at == 0);
    assert_true(by(&x, phone("15550000002")).undeliverable_at == NOW - 5000);
    end(&x);
}

TEST(error_codes_count_by_their_own_time)
{
    static const struct {
        int64_t failed, resumed;
        bool resume_first, stopped;
    } rows[] = {
        {NOW - 3600000, NOW - 10000, true, false}, {NOW - 3600000, NOW - 10000, false, false},
        {NOW - 10000, NOW - 3600000, true, true},  {NOW - 10000, NOW - 3600000, false, true},
        {NOW + 3600000, NOW, true, true}, /* a clock ahead of ours counts as now, and of one instant the stop wins */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ax x;
        start(&x);
        struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
        accepted(&x, ana.id, "wamid.ana");
        accepted(&x, ana.id, "wamid.gone");
        for (int step = 0; step < 2; step++)
            if (rows[i].resume_first == (step == 0))
                says(&x, phone("15550000001"), CONSENT_RESUME, rows[i].resumed);
            else
                fails(&x, "wamid.ana", 131050, rows[i].failed);
        if (by(&x, phone("15550000001")).consent.platform_stop != rows[i].stopped)
            fail_msg("row %zu", i);
        fails(&x, "wamid.gone", 131026, NOW - 3600000);
        assert_true(by(&x, phone("15550000001")).undeliverable_at == NOW - 3600000);
        end(&x);
    }
}

TEST(what_meta_held_back_is_remembered_with_the_person)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    accepted(&x, ana.id, "wamid.one");
    accepted(&x, ana.id, "wamid.two");
    fails(&x, "wamid.early", 131049, NOW - 3000); /* before our answer */
    fails(&x, "wamid.one", 130472, NOW - 5000);
    assert_int_equal(by(&x, phone("15550000001")).caps.experiment_at / 1000, (NOW - 5000) / 1000);
    assert_int_equal(by(&x, phone("15550000001")).caps.engagement_at, 0);
    accepted(&x, ana.id, "wamid.early");
    int64_t held = by(&x, phone("15550000001")).caps.engagement_at;
    assert_in_range(held, NOW - 3000, NOW - 2000);
    fails(&x, "wamid.two", 131049, NOW - 60000); /* older news */
    assert_int_equal(by(&x, phone("15550000001")).caps.engagement_at, held);
    assert_int_equal(by(&x, phone("15550000001")).undeliverable_at, 0);
    assert_false(x.control_changed);
    end(&x);
}

/* What stands against account (131042, 131064) or number (131048). */
/* --- what reached nobody ------------------------------------------------------------------------------------------- */

#define SECOND 1000

/* A message as the door writes it: counted with the person when it is marketing, the decision with what was known. */
static void sold(struct ax *x, int64_t contact, const char *wamid, int64_t at, enum category category,
                 enum identity_kind form)
{
    struct message m = fx_message(&x->f, contact);
    struct content_sent content = {.skeleton = (uint32_t)(at / SECOND), .values = 1, .share = 700};
    struct facts f = {0};
    uint8_t facts[FACTS_PACKED_MAX];
    struct person p;
    m.ts = m.life.begun_at = at;
    m.life.category = (uint8_t)category;
    fact_set(&f, FACT_RECIPIENT_FORM, form);
    fact_set(&f, FACT_DUPLICATE_SAME_AT, 0);
    struct decision_row d = {
        .id = m.id, .ts = at, .ruleset = 1, .verdict = 1, .facts = {(char *)facts, facts_pack(&f, facts)}};
    BEGIN(&x->f);
    OK(&x->f, messages_insert(x->f.s, &m, &d, 1, &x->f.e));
    OK(&x->f, people_get(x->f.s, 0, contact, &p, &x->f.e));
    if (category == CATEGORY_MARKETING)
        caps_sent(&p.caps, at, &content);
    OK(&x->f, people_save(x->f.s, &p, 1, &x->f.e));
    answered(x, &m, wamid);
    COMMIT(&x->f);
}

static void arrives(struct ax *x, const char *wamid, int64_t at)
{
    hear(x,
         (struct event){
             .kind = EVENT_STATUS, .at = at, .wamid = str_of(wamid), .type = STR("delivered"), .seen = SEEN_DELIVERED});
}

/* Whether the person's ring holds a message of this moment. */
static bool counts(struct ax *x, const char *number, int64_t at)
{
    struct caps c = by(x, phone(number)).caps;
    bool found = false;
    for (size_t i = 0; i < c.n; i++)
        found = found || c.sent[i] == at;
    return found;
}

TEST(what_was_not_delivered_counts_no_more)
{
    struct ax x;
    start(&x);
    int64_t ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001").id, first = NOW - 90 * SECOND,
            second = NOW - 80 * SECOND;
    sold(&x, ana, "wamid.1", first, CATEGORY_MARKETING, IDENTITY_PHONE);
    sold(&x, ana, "wamid.2", second, CATEGORY_MARKETING, IDENTITY_PHONE);
    sold(&x, ana, "wamid.order", second, CATEGORY_UTILITY, IDENTITY_PHONE);
    fails(&x, "wamid.order", 131053, NOW - 5000);
    assert_true(counts(&x, "15550000001", first) && counts(&x, "15550000001", second));
    fails(&x, "wamid.1", 131053, NOW - 5000);
    fails(&x, "wamid.1", 131053, NOW - 5000); /* told again */
    fails(&x, "wamid.1", 131042, NOW - 4000); /* and of another reason */
    struct caps c = by(&x, phone("15550000001")).caps;
    assert_true(c.n == 1 && c.sent[0] == second && c.n_contents == 1 && c.content[0].at == second);
    fails(&x, "wamid.early", 131053, NOW - 3000); /* before our answer */
    sold(&x, ana, "wamid.early", first, CATEGORY_MARKETING, IDENTITY_PHONE);
    assert_false(counts(&x, "15550000001", first));
    int64_t group = fx_person(&x.f, IDENTITY_PHONE, "15550000002").id;
    sold(&x, group, "wamid.group", first, CATEGORY_MARKETING, IDENTITY_GROUP);
    fails(&x, "wamid.group", 131026, NOW - 5000); /* one of many */
    assert_true(counts(&x, "15550000002", first));
    end(&x);
}

/* Failures and deliveries in every order, some told twice: what was seen delivered counts, once. */
TEST(a_failure_and_a_delivery_in_any_order)
{
    for (unsigned order = 0; order < 16; order++) {
        struct ax x;
        bool failed = false, delivered = false;
        start(&x);
        int64_t ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001").id, at = NOW - 90 * SECOND;
        sold(&x, ana, "wamid.1", at, CATEGORY_MARKETING, IDENTITY_PHONE);
        sold(&x, ana, "wamid.2", at, CATEGORY_MARKETING, IDENTITY_PHONE); /* in the same second */
        for (int i = 0; i < 4; i++) {
            int64_t when = NOW - i / 2 * SECOND;
            if (order >> i & 1) {
                fails(&x, "wamid.1", 131053, when);
                failed = true;
            } else {
                arrives(&x, "wamid.1", when);
                delivered = true;
            }
            assert_int_equal(by(&x, phone("15550000001")).caps.n, failed && !delivered ? 1 : 2);
        }
        end(&x);
    }
}

static int64_t standing(struct ax *x, int code)
{
    struct account a;
    int64_t spam_at;
    OK(&x->f, accounts_get(x->f.s, WABA, &a, &x->f.e));
    OK(&x->f, senders_spam_at(x->f.s, SENDER, &spam_at, &x->f.e));
    return code == 131042 ? a.payment_failed_at : code == 131064 ? a.misuse_at : spam_at;
}

TEST(what_stands_against_account_or_number_stands_until_a_template_is_taken)
{
    static const int codes[] = {131042, 131064, 131048};
    struct sender number = {.id = SENDER, .waba = WABA, .updated_at = NOW};
    for (size_t c = 0; c < sizeof codes / sizeof codes[0]; c++) {
        struct ax x;
        start(&x);
        BEGIN(&x.f);
        OK(&x.f, senders_put(x.f.s, &number, 1, &x.f.e));
        COMMIT(&x.f);
        struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
        accepted(&x, ana.id, "wamid.ana");
        accepted(&x, ana.id, "wamid.again");
        fails(&x, "wamid.ana", codes[c], NOW - 5000);
        assert_int_equal(standing(&x, codes[c]), NOW - 5000);
        fails(&x, "wamid.again", codes[c], NOW - 9000); /* older news */
        assert_int_equal(standing(&x, codes[c]), NOW - 5000);
        struct error_word w = {.contact = ana.id, .sender = SENDER, .waba = WABA, .code = codes[c], .at = NOW};
        bool changed = false;
        BEGIN(&x.f);
        OK(&x.f, apply_error_code(x.f.s, &w, NOW, &changed, &x.f.e));
        COMMIT(&x.f);
        assert_true(changed && standing(&x, codes[c]) == NOW);
        for (size_t other = 0; other < sizeof codes / sizeof codes[0]; other++)
            assert_int_equal(standing(&x, codes[other]), other == c ? NOW : 0);
        for (int i = 0; i < 2; i++) {
            changed = false;
            BEGIN(&x.f);
            OK(&x.f, apply_taken(x.f.s, WABA, SENDER, &changed, &x.f.e));
            COMMIT(&x.f);
            assert_true(changed == (i == 0) && standing(&x, codes[c]) == 0);
        }
        assert_int_equal(by(&x, phone("15550000001")).undeliverable_at, 0);
        end(&x);
    }
}

/* --- of which attempt ---------------------------------------------------------------------------------------------- */

static struct message row_of(struct ax *x, const struct message *m)
{
    struct message got;
    OK(&x->f, messages_get(x->f.s, 0, m->id, &got, &x->f.e));
    return got;
}

/* A status that carries the mark of this attempt, told at `at`. */
static void told(struct ax *x, const struct message *m, int attempt, const char *wamid, uint32_t seen, int code,
                 int64_t at)
{
    struct callback_key k;
    const struct callback c = {.bucket = m->bucket, .message = m->id, .attempt = attempt};
    struct buf value;
    memcpy(k.bytes, x->g->mark_key, sizeof k.bytes);
    buf_init(&value, CALLBACK_MAX);
    callback_write(&k, &c, STR("order-17"), &value);
    hear(x, (struct event){.kind = EVENT_STATUS,
                           .at = at,
                           .waba = WABA,
                           .wamid = str_of(wamid),
                           .opaque = buf_str(&value),
                           .type = seen == SEEN_FAILED      ? STR("failed")
                                   : seen == SEEN_DELIVERED ? STR("delivered")
                                                            : STR("sent"),
                           .seen = seen,
                           .code = code});
    buf_done(&value);
}

/* A message we answer for, in its outbox row, with these steps taken. */
static struct message queued(struct ax *x, int64_t contact, const struct life_event *steps, size_t n)
{
    struct message m = fx_message(&x->f, contact);
    struct outbox_row row = {.path = 1, .body = STR("{}")};
    life_init(&m.life, CATEGORY_UTILITY, NOW, 0);
    assert_true(life_row(&m, &row.key));
    BEGIN(&x->f);
    OK(&x->f, messages_insert(x->f.s, &m, NULL, 1, &x->f.e));
    OK(&x->f, outbox_put(x->f.s, &row, 1, &x->f.e));
    for (size_t i = 0; i < n; i++) {
        const struct life_news news = {.event = steps[i]};
        OK(&x->f, life_hear(x->f.s, &m, &news, m.life.at > NOW ? m.life.at : NOW, NULL, &x->f.e));
    }
    COMMIT(&x->f);
    return m;
}

static const struct life_event in_doubt[] = {{.kind = STEP_BEGIN}, {.kind = STEP_SILENT, .attempt = 1}};
static const struct life_event resent[] = {{.kind = STEP_BEGIN},
                                           {.kind = STEP_SILENT, .attempt = 1},
                                           {.kind = STEP_TIMER, .watermark = NOW + 3600000},
                                           {.kind = STEP_BEGIN}};

TEST(a_lost_answer_is_settled_by_the_mark)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    struct message m = queued(&x, ana.id, in_doubt, 2), got;
    int bucket;
    int64_t id;
    assert_int_equal(m.life.state, LIFE_AMBIGUOUS);
    told(&x, &m, 1, "wamid.ana", SEEN_SENT, 0, NOW);
    got = row_of(&x, &m);
    assert_true(got.life.state == LIFE_ACCEPTED && (got.seen & SEEN_SENT));
    assert_string_equal(got.wamid, "wamid.ana");
    assert_int_equal(x.result.after.became[LIFE_ACCEPTED], 1);
    assert_int_equal(x.result.orphaned + x.result.after.duplicates, 0);
    assert_true(x.result.n_applied == 1 && x.result.applied[0].sender == SENDER &&
                x.result.applied[0].begun_at == m.life.begun_at);
    assert_true(apply_find(x.apply, STR("wamid.ana"), &bucket, &id) && id == m.id);
    end(&x);
}

TEST(a_status_of_an_earlier_attempt_is_that_attempts)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    struct message m = queued(&x, ana.id, resent, 4), got;
    assert_true(m.life.state == LIFE_SENDING && m.life.attempts == 2);
    told(&x, &m, 1, "wamid.first", SEEN_SENT, 0, NOW);
    got = row_of(&x, &m);
    assert_true(got.life.state == LIFE_SENDING && got.life.accepted == 1); /* the resend has its own answer to come */
    assert_int_equal(x.result.n_applied, 0); /* and says nothing about what was sent when the resend was */
    assert_int_equal(x.result.after.duplicates, 0);
    told(&x, &m, 2, "wamid.second", SEEN_SENT, 0, NOW + 1000);
    got = row_of(&x, &m);
    assert_true(got.life.state == LIFE_ACCEPTED && got.life.accepted == 3);
    assert_int_equal(x.result.after.duplicates, 1);
    told(&x, &m, 1, "wamid.first", SEEN_DELIVERED, 0, NOW + 2000); /* known by now */
    told(&x, &m, 2, "wamid.second", SEEN_DELIVERED, 0, NOW + 3000);
    assert_int_equal(x.result.after.duplicates, 0);
    assert_string_equal(row_of(&x, &m).wamid, "wamid.second");
    end(&x);
}

TEST(a_second_message_of_one_attempt_is_noticed_once)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    struct message m = accepted(&x, ana.id, "wamid.ana"), got;
    uint32_t duplicates = 0;
    told(&x, &m, 1, "wamid.ana", SEEN_SENT, 0, NOW - 9000);
    assert_int_equal(x.result.after.duplicates, 0);
    for (int again = 0; again < 2; again++) {
        told(&x, &m, 1, "wamid.twice", SEEN_SENT, 0, NOW - 8000);
        duplicates += x.result.after.duplicates;
        told(&x, &m, 1, "wamid.twice", SEEN_DELIVERED, 0, NOW - 7000);
        duplicates += x.result.after.duplicates;
        told(&x, &m, 1, "wamid.ana", SEEN_DELIVERED, 0, NOW - 6000);
        duplicates += x.result.after.duplicates;
    }
    assert_int_equal(duplicates, 1);
    got = row_of(&x, &m);
    assert_int_equal(life_duplicates(&got.life), 1); /* and the message says so */
    assert_string_equal(got.wamid, "wamid.ana");
    assert_true(got.life.state == LIFE_ACCEPTED && got.life.delivered);
    end(&x);
}

TEST(an_attempt_that_was_never_begun_changes_nothing_but_is_noticed)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    struct message m = queued(&x, ana.id, in_doubt, 2), nobody = m, got;
    told(&x, &m, 2, "wamid.x", SEEN_SENT, 0, NOW);
    assert_int_equal(x.result.after.duplicates, 1);
    told(&x, &m, 2, "wamid.x", SEEN_FAILED, 131049, NOW + 1000);
    assert_int_equal(x.result.after.duplicates, 0);
    got = row_of(&x, &m);
    assert_true(got.life.state == LIFE_AMBIGUOUS && got.seen == 0 && got.wamid[0] == '\0');
    assert_int_equal(life_duplicates(&got.life), 1);
    assert_int_equal(by(&x, phone("15550000001")).caps.engagement_at, 0);
    nobody.id++; /* a message that is gone, or not ours in this database */
    told(&x, &nobody, 1, "wamid.y", SEEN_SENT, 0, NOW);
    assert_int_equal(x.result.after.duplicates + x.result.orphaned, 0);
    end(&x);
}

TEST(a_mark_we_did_not_make_is_not_believed)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    struct message m = queued(&x, ana.id, in_doubt, 2);
    struct gateway *ours = x.g, other = {.mark_key = {1}};
    x.g = &other;
    told(&x, &m, 1, "wamid.ana", SEEN_SENT, 0, NOW);
    x.g = ours;
    assert_int_equal(x.result.orphaned, 1);
    hear(&x, (struct event){.kind = EVENT_STATUS,
                            .at = NOW,
                            .wamid = STR("wamid.b"),
                            .opaque = STR("wl1.0.1.1.0.0000000000000000"),
                            .type = STR("sent"),
                            .seen = SEEN_SENT});
    assert_int_equal(x.result.orphaned, 1);
    assert_int_equal(row_of(&x, &m).life.state, LIFE_AMBIGUOUS);
    end(&x);
}

/* What a failure says of person and account counts once, however often and in whatever order it is told. */
TEST(what_a_failure_says_counts_once)
{
    static const struct {
        int code;
        bool delivered_first, held;
        enum life_state after;
    } rows[] = {
        {131049, false, false, LIFE_FAILED}, {131049, true, false, LIFE_ACCEPTED}, {132015, false, true, LIFE_FAILED},
        {131042, false, false, LIFE_FAILED}, {131042, true, false, LIFE_ACCEPTED}, {131026, true, false, LIFE_ACCEPTED},
        {131026, false, false, LIFE_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ax x;
        int64_t sold_at = NOW - 90 * SECOND;
        size_t changes = 0;
        start(&x);
        struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
        sold(&x, ana.id, "wamid.1", sold_at, CATEGORY_MARKETING, IDENTITY_PHONE);
        int bucket;
        struct message m = {.bucket = 0};
        assert_true(apply_find(x.apply, STR("wamid.1"), &bucket, &m.id));
        if (rows[i].held) {
            m = row_of(&x, &m);
            m.life.held = true;
            BEGIN(&x.f);
            OK(&x.f, message_save(x.f.s, &m, &x.f.e));
            COMMIT(&x.f);
        }
        if (rows[i].delivered_first)
            told(&x, &m, 1, "wamid.1", SEEN_DELIVERED, 0, NOW - 9000);
        for (int again = 0; again < 3; again++) {
            told(&x, &m, 1, "wamid.1", SEEN_FAILED, rows[i].code, NOW - 5000);
            changes += x.result.control_changed;
            assert_int_equal(x.result.n_applied, again == 0);
            assert_int_equal(x.result.after.became[LIFE_FAILED], again == 0 && rows[i].after == LIFE_FAILED);
        }
        struct person p = by(&x, phone("15550000001"));
        struct account a;
        OK(&x.f, accounts_get(x.f.s, WABA, &a, &x.f.e));
        assert_int_equal(row_of(&x, &m).life.state, rows[i].after);
        assert_int_equal(row_of(&x, &m).life.code, rows[i].code);
        assert_int_equal(counts(&x, "15550000001", sold_at), rows[i].delivered_first);
        assert_int_equal(p.caps.engagement_at, rows[i].code == 131049 ? NOW - 5000 : 0);
        assert_int_equal(p.undeliverable_at, rows[i].code == 131026 ? NOW - 5000 : 0);
        assert_int_equal(a.payment_failed_at, rows[i].code == 131042 ? NOW - 5000 : 0);
        assert_int_equal(changes, rows[i].code == 131042);
        end(&x);
    }
}

/* Two failures of one second, in either order, in one status or in two, before our answer or after it: both count. */
TEST(each_code_of_one_second_counts)
{
    for (int way = 0; way < 8; way++) {
        const int codes[2] = {way & 1 ? 131026 : 131050, way & 1 ? 131050 : 131026};
        struct ax x;
        start(&x);
        struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
        struct message m = way & 4 ? accepted(&x, ana.id, "wamid.1") : (struct message){0};
        for (int i = 0; i < 4; i++)
            fails_with(&x, "wamid.1", (const int[2]){codes[i & 1], way & 2 ? codes[~i & 1] : 0}, NOW - 5000);
        if (!(way & 4))
            m = accepted(&x, ana.id, "wamid.1");
        ana = by(&x, phone("15550000001"));
        assert_true(ana.undeliverable_at == NOW - 5000 && ana.consent.platform_stop);
        assert_int_equal(row_of(&x, &m).life.code, 131026);
        end(&x);
    }
}

TEST(a_failure_that_names_no_code_is_one)
{
    struct ax x;
    start(&x);
    struct person ana = fx_person(&x.f, IDENTITY_PHONE, "15550000001");
    struct message m = accepted(&x, ana.id, "wamid.ana");
    fails(&x, "wamid.ana", 0, NOW - 5000);
    assert_int_equal(row_of(&x, &m).life.state, LIFE_FAILED);
    assert_int_equal(x.result.after.became[LIFE_FAILED], 1);
    end(&x);
}

/* Each of a group's people has a status of their own, early or in time. */
TEST(who_did_not_get_it_in_a_group_fails_it_for_nobody_else)
{
    const struct event failed = {.kind = EVENT_STATUS,
                                 .at = NOW - 5000,
                                 .waba = WABA,
                                 .wamid = STR("wamid.group"),
                                 .group_id = STR("Y2FwaV9ncm91cDo"),
                                 .phone = phone("15550000009"),
                                 .type = STR("failed"),
                                 .seen = SEEN_FAILED,
                                 .code = 131026};
    for (int early = 0; early < 2; early++) {
        struct ax x;
        struct message got;
        struct person group;
        start(&x);
        group = fx_person(&x.f, IDENTITY_PHONE, "15550000002");
        if (early)
            hear(&x, failed);
        struct message m = accepted(&x, group.id, "wamid.group");
        if (!early)
            hear(&x, failed);
        got = row_of(&x, &m);
        assert_true(got.life.state == LIFE_ACCEPTED && got.life.failed == 0 && got.life.code == 0);
        assert_true((got.seen & SEEN_FAILED) != 0);
        assert_int_equal(by(&x, phone("15550000002")).undeliverable_at, 0);
        struct event whole = failed; /* of nobody in it: of all */
        whole.phone = (struct identity){.kind = IDENTITY_NONE};
        whole.at = NOW - 4000;
        hear(&x, whole);
        assert_int_equal(row_of(&x, &m).life.state, LIFE_FAILED);
        end(&x);
    }
}

TESTS(T(each_code_of_one_second_counts), T(a_recycled_number_hands_over_neither_grants_nor_people),
      T(a_parent_id_joins_nobody_and_finds_who_has_no_other_name),
      T(a_change_of_number_takes_consent_along_in_any_order), T(a_change_told_by_a_parent_id_alone_joins_nobody),
      T(a_failure_that_beats_our_answer_still_speaks_of_the_person),
      T(an_adopted_status_is_there_when_its_transaction_runs_again), T(many_early_statuses_push_out_the_oldest_only),
      T(error_codes_count_by_their_own_time), T(what_meta_held_back_is_remembered_with_the_person),
      T(what_was_not_delivered_counts_no_more), T(a_failure_and_a_delivery_in_any_order),
      T(what_stands_against_account_or_number_stands_until_a_template_is_taken),
      T(a_lost_answer_is_settled_by_the_mark), T(a_status_of_an_earlier_attempt_is_that_attempts),
      T(a_second_message_of_one_attempt_is_noticed_once),
      T(an_attempt_that_was_never_begun_changes_nothing_but_is_noticed), T(a_mark_we_did_not_make_is_not_believed),
      T(what_a_failure_says_counts_once), T(a_failure_that_names_no_code_is_one),
      T(who_did_not_get_it_in_a_group_fails_it_for_nobody_else))
