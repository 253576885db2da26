/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_counts.c - what a campaign's monitors see: each person once, whatever Meta says twice, late, in the wrong order or takes
 * back.
 *
 * What would hurt: a person who opted out and is counted twice, which stops a good campaign, or not at all, which lets a bad one go on; a
 * reading counted as quick because we heard of it late, or as late because another word overtook it; what somebody did about one
 * campaign counted for another. */
#include "../../store/store_fixture.h"

#include "gateway/apply.h"
#include "gateway/campaign_counts.h"
#include "gateway/gateway_impl.h"

#define CAMPAIGN 77
#define MINUTE   INT64_C(60000)
#define HOUR     (60 * MINUTE)
#define BEGUN    (NOW - 100 * HOUR)

struct world {
    struct fx f;
    struct gateway *g;
    struct apply *apply;
    struct person who[4];
    struct message sent[4]; /* the i-th person's, as it was inserted */
};

static void add_message(struct world *w, int i, int64_t campaign, int64_t begun)
{
    struct message m = fx_message(&w->f, w->who[i].id);
    struct campaign_recipient r = {
        .campaign = campaign, .place = i + 1, .contact = w->who[i].id, .stratum = i % 2, .msg = m.id};
    const int64_t index[1][2] = {{w->who[i].id, i + 1}};
    m.campaign = campaign;
    m.place = i + 1;
    m.stratum = i % 2;
    m.life.begun_at = begun;
    m.life.category = CATEGORY_MARKETING;
    snprintf(m.wamid, sizeof m.wamid, "wamid.%lld.%d", (long long)campaign, i);
    BEGIN(&w->f);
    OK(&w->f, messages_insert(w->f.s, &m, NULL, 1, &w->f.e));
    OK(&w->f, recipients_put(w->f.s, &r, 1, &w->f.e));
    OK(&w->f, recipients_index(w->f.s, 0, campaign, index, 1, &w->f.e));
    COMMIT(&w->f);
    w->sent[i] = m;
}

static void know_ids(struct world *w)
{
    apply_free(w->apply);
    OK(&w->f, apply_create(&w->apply, w->f.s, &w->f.e));
    apply_marks(w->apply, w->g);
}

static void start(struct world *w)
{
    char value[32];
    memset(w, 0, sizeof *w);
    fx_start(&w->f);
    w->g = calloc(1, sizeof *w->g);
    assert_non_null(w->g);
    for (int i = 0; i < 4; i++) {
        snprintf(value, sizeof value, "1555000400%d", i);
        w->who[i] = fx_person(&w->f, IDENTITY_PHONE, value);
        add_message(w, i, CAMPAIGN, BEGUN);
    }
    know_ids(w);
}

static void end(struct world *w)
{
    apply_free(w->apply);
    free(w->g);
    fx_end(&w->f);
}

static void hear(struct world *w, struct event ev)
{
    struct apply_result r = {.events = 0};
    BEGIN(&w->f);
    OK(&w->f, apply_events(w->apply, w->f.s, w->f.a, &ev, 1, NOW, NOW, &r, &w->f.e));
    OK(&w->f, apply_end(w->f.s, &r, &w->f.e));
    COMMIT(&w->f);
}

struct said {
    uint32_t seen;
    int64_t after; /* the attempt began; ms */
    int code;
};

static const char *word_of(uint32_t seen)
{
    return seen == SEEN_SENT        ? "sent"
           : seen == SEEN_DELIVERED ? "delivered"
           : seen == SEEN_READ      ? "read"
           : seen == SEEN_PLAYED    ? "played"
                                    : "failed";
}

static void status(struct world *w, int i, struct said s)
{
    hear(w, (struct event){.kind = EVENT_STATUS,
                           .field = STR("messages"),
                           .phone_number_id = SENDER,
                           .at = BEGUN + s.after,
                           .wamid = str_of(w->sent[i].wamid),
                           .type = str_of(word_of(s.seen)),
                           .seen = s.seen,
                           .code = s.code});
}

/* Of all strata and minutes. */
static struct cohort_change counted(struct world *w, int64_t campaign)
{
    struct cohort_change *rows, all = {.campaign = campaign};
    size_t n;
    OK(&w->f, campaign_cohorts(w->f.s, 0, campaign, w->f.a, &rows, &n, &w->f.e));
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].minute == BEGUN / MINUTE || rows[i].minute > BEGUN / MINUTE);
        all.sent += rows[i].sent;
        all.delivered += rows[i].delivered;
        all.read_any += rows[i].read_any;
        all.read_15 += rows[i].read_15;
        all.read_60 += rows[i].read_60;
        all.read_240 += rows[i].read_240;
        all.read_1440 += rows[i].read_1440;
        all.undeliverable += rows[i].undeliverable;
        all.held_back += rows[i].held_back;
        all.failed += rows[i].failed;
        all.opted_out += rows[i].opted_out;
        all.complained += rows[i].complained;
        all.replied += rows[i].replied;
    }
    return all;
}

static void text_of(const struct cohort_change *c, char *out, size_t size)
{
    snprintf(out, size, "s%d d%d r%d %d/%d/%d/%d u%d h%d f%d o%d c%d a%d", c->sent, c->delivered, c->read_any,
             c->read_15, c->read_60, c->read_240, c->read_1440, c->undeliverable, c->held_back, c->failed, c->opted_out,
             c->complained, c->replied);
}

static void assert_counts(struct world *w, int64_t campaign, const char *expected)
{
    struct cohort_change c = counted(w, campaign);
    char text[200];
    text_of(&c, text, sizeof text);
    assert_string_equal(text, expected);
}

/* ---- statuses ---- */

static const struct {
    struct said told[4];
    const char *counts;
} lives[] = {
    {{{SEEN_SENT, 1000, 0}}, "s1 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_SENT, 1000, 0}, {SEEN_DELIVERED, 2000, 0}}, "s1 d1 r0 0/0/0/0 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_SENT, 1000, 0}, {SEEN_DELIVERED, 2000, 0}, {SEEN_READ, 15 * MINUTE, 0}},
     "s1 d1 r1 1/1/1/1 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_DELIVERED, 2000, 0}, {SEEN_READ, 15 * MINUTE + 1000, 0}}, "s1 d1 r1 0/1/1/1 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_READ, 61 * MINUTE, 0}}, "s1 d1 r1 0/0/1/1 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_READ, 25 * HOUR, 0}}, "s1 d1 r1 0/0/0/0 u0 h0 f0 o0 c0 a0"},
    /* two readings: the earlier counts */
    {{{SEEN_READ, 2 * HOUR, 0}, {SEEN_PLAYED, 10 * MINUTE, 0}, {SEEN_READ, 50 * MINUTE, 0}},
     "s1 d1 r1 1/1/1/1 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_READ, 2 * HOUR, 0}, {SEEN_PLAYED, 30 * HOUR, 0}}, "s1 d1 r1 0/0/1/1 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_FAILED, 1000, 131026}}, "s1 d0 r0 0/0/0/0 u1 h0 f0 o0 c0 a0"},
    {{{SEEN_FAILED, 1000, 131049}}, "s1 d0 r0 0/0/0/0 u0 h1 f0 o0 c0 a0"},
    {{{SEEN_SENT, 900, 0}, {SEEN_FAILED, 1000, 131000}}, "s1 d0 r0 0/0/0/0 u0 h0 f1 o0 c0 a0"},
    {{{SEEN_FAILED, 1000, 131050}}, "s1 d0 r0 0/0/0/0 u0 h0 f0 o1 c0 a0"},
    /* it arrived after all: what was said before is taken back */
    {{{SEEN_FAILED, 1000, 131026}, {SEEN_DELIVERED, 9 * MINUTE, 0}}, "s1 d1 r0 0/0/0/0 u0 h0 f0 o0 c0 a0"},
    {{{SEEN_FAILED, 1000, 131049}, {SEEN_READ, 9 * MINUTE, 0}}, "s1 d1 r1 1/1/1/1 u0 h0 f0 o0 c0 a0"},
};

/* The k-th order of n, and each said twice on the way. */
static void tell_in_order(struct world *w, int i, const struct said *told, int n, int k)
{
    int left[4] = {0, 1, 2, 3};
    for (int at = 0; at < n; at++) {
        int pick = k % (n - at);
        k /= n - at;
        status(w, i, told[left[pick]]);
        if (at > 0)
            status(w, i, told[left[pick]]);
        memmove(&left[pick], &left[pick + 1], (size_t)(n - at - pick - 1) * sizeof left[0]);
    }
    status(w, i, told[0]);
}

TEST(whatever_the_order_and_however_often_each_person_counts_once)
{
    static const int orders[] = {1, 1, 2, 6, 24};
    for (size_t l = 0; l < sizeof lives / sizeof *lives; l++) {
        int n = 0;
        while (n < 4 && lives[l].told[n].seen != 0)
            n++;
        for (int k = 0; k < orders[n]; k++) {
            struct world w;
            start(&w);
            tell_in_order(&w, 1, lives[l].told, n, k);
            assert_counts(&w, CAMPAIGN, lives[l].counts);
            struct cohort_change *rows;
            size_t cohorts;
            OK(&w.f, campaign_cohorts(w.f.s, 0, CAMPAIGN, w.f.a, &rows, &cohorts, &w.f.e));
            assert_int_equal(cohorts, 1);
            assert_true(rows[0].stratum == 1 && rows[0].minute == BEGUN / MINUTE);
            end(&w);
        }
    }
}

static void step(struct world *w, int i, struct life_event ev, int64_t now)
{
    const struct life_news news = {.event = ev};
    struct message m;
    OK(&w->f, messages_get(w->f.s, 0, w->sent[i].id, &m, &w->f.e));
    BEGIN(&w->f);
    OK(&w->f, life_hear(w->f.s, &m, &news, now, NULL, &w->f.e));
    COMMIT(&w->f);
}

TEST(a_retry_counts_in_the_minute_of_the_attempt_that_was_taken)
{
    struct world w;
    struct cohort_change *rows;
    size_t n;
    start(&w);
    struct message m = w.sent[0];
    BEGIN(&w.f);
    m.life.once = false;
    m.id = store_id(w.f.s, NOW);
    OK(&w.f, messages_insert(w.f.s, &m, NULL, 1, &w.f.e));
    COMMIT(&w.f);
    w.sent[0] = m;
    const struct outbox_row row = {.key = {.sender = SENDER, .class = 3, .campaign = CAMPAIGN, .id = m.id}};
    BEGIN(&w.f);
    OK(&w.f, outbox_put(w.f.s, &row, 1, &w.f.e));
    COMMIT(&w.f);
    step(&w, 0, (struct life_event){.kind = STEP_REJECTED, .attempt = 1, .code = 131000}, BEGUN);
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a0"); /* not over */
    step(&w, 0, (struct life_event){.kind = STEP_BEGIN}, BEGUN + HOUR);
    step(&w, 0, (struct life_event){.kind = STEP_ACCEPTED, .attempt = 2}, BEGUN + HOUR + 1);
    OK(&w.f, campaign_cohorts(w.f.s, 0, CAMPAIGN, w.f.a, &rows, &n, &w.f.e));
    assert_int_equal(n, 1);
    assert_true(rows[0].sent == 1 && rows[0].minute == (BEGUN + HOUR) / MINUTE);
    end(&w);
}

TEST(who_cannot_be_reached_was_tried_and_a_doubt_is_nothing_yet)
{
    struct world w;
    start(&w);
    step(&w, 0, (struct life_event){.kind = STEP_REJECTED, .attempt = 1, .code = 131026}, BEGUN + 1);
    assert_counts(&w, CAMPAIGN, "s1 d0 r0 0/0/0/0 u1 h0 f0 o0 c0 a0");
    step(&w, 1, (struct life_event){.kind = STEP_REJECTED, .attempt = 1, .code = 100}, BEGUN + 1);
    assert_counts(&w, CAMPAIGN, "s1 d0 r0 0/0/0/0 u1 h0 f0 o0 c0 a0"); /* sent to nobody */
    step(&w, 2, (struct life_event){.kind = STEP_SILENT, .attempt = 1}, BEGUN + 1);
    assert_counts(&w, CAMPAIGN, "s1 d0 r0 0/0/0/0 u1 h0 f0 o0 c0 a0");
    status(&w, 2, (struct said){SEEN_READ, 30 * MINUTE, 0}); /* it was taken */
    status(&w, 0, (struct said){SEEN_DELIVERED, HOUR, 0});   /* Meta was wrong, or we were */
    assert_counts(&w, CAMPAIGN, "s2 d2 r1 0/1/1/1 u0 h0 f0 o0 c0 a0");
    end(&w);
}

TEST(messages_of_no_campaign_are_counted_nowhere)
{
    struct world w;
    start(&w);
    add_message(&w, 0, 0, BEGUN);
    know_ids(&w);
    status(&w, 0, (struct said){SEEN_READ, MINUTE, 0});
    assert_counts(&w, 0, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a0");
    end(&w);
}

/* ---- what people do ---- */

static void stops(struct world *w, int i, int64_t at)
{
    hear(w, (struct event){.kind = EVENT_PREFERENCE,
                           .field = STR("user_preferences"),
                           .at = at,
                           .phone_number_id = SENDER,
                           .phone = fx_name(IDENTITY_PHONE, i == 0 ? "15550004000" : "15550004001"),
                           .act = CONSENT_STOP});
}

static void writes(struct world *w, const char *from, int64_t at, const char *about, const char *payload)
{
    hear(w, (struct event){.kind = EVENT_INBOUND,
                           .field = STR("messages"),
                           .at = at,
                           .opens = true,
                           .phone_number_id = SENDER,
                           .phone = fx_name(IDENTITY_PHONE, from),
                           .reply_to = about != NULL ? str_of(about) : (struct str){NULL, 0},
                           .payload = payload != NULL ? str_of(payload) : (struct str){NULL, 0}});
}

TEST(an_opt_out_counts_once_for_the_newest_campaign_of_the_last_three_days)
{
    struct world w;
    start(&w);
    stops(&w, 0, BEGUN + 73 * HOUR); /* too long ago to be about it */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a0");
    stops(&w, 1, BEGUN - HOUR); /* before it */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a0");
    add_message(&w, 1, CAMPAIGN + 1, BEGUN + 5 * HOUR);
    know_ids(&w);
    stops(&w, 1, BEGUN + 4 * HOUR); /* it had the first only */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o1 c0 a0");
    stops(&w, 1, BEGUN + 6 * HOUR);
    stops(&w, 1, BEGUN + 6 * HOUR); /* heard again */
    stops(&w, 1, BEGUN + 7 * HOUR); /* said again */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o1 c0 a0");
    assert_counts(&w, CAMPAIGN + 1, "s0 d0 r0 0/0/0/0 u0 h0 f0 o1 c0 a0");
    status(&w, 1, (struct said){SEEN_FAILED, 5 * HOUR, 131050}); /* Meta says the same of the second */
    assert_counts(&w, CAMPAIGN + 1, "s1 d0 r0 0/0/0/0 u0 h0 f0 o1 c0 a0");
    end(&w);
}

TEST(an_answer_is_about_what_it_answers)
{
    struct campaign_recipient r;
    struct world w;
    start(&w);
    add_message(&w, 2, CAMPAIGN + 1, BEGUN + HOUR);
    know_ids(&w);
    writes(&w, "15550004002", BEGUN + 2 * HOUR, "wamid.77.2", "yes"); /* the older one is quoted, a button tapped */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a1");
    assert_counts(&w, CAMPAIGN + 1, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a0");
    OK(&w.f, recipient_get(w.f.s, 0, CAMPAIGN, 3, w.f.a, &r, &w.f.e));
    assert_int_equal(r.told, TOLD_REPLIED | TOLD_CLICKED);
    writes(&w, "15550004002", BEGUN + 3 * HOUR, NULL, NULL);
    writes(&w, "15550004002", BEGUN + 4 * HOUR, NULL, NULL);
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a1");
    assert_counts(&w, CAMPAIGN + 1, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a1");
    writes(&w, "15550004003", BEGUN + 99 * HOUR, "wamid.77.3", NULL); /* however late */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a2");
    writes(&w, "15550009999", BEGUN + HOUR, NULL, NULL); /* a stranger */
    assert_counts(&w, CAMPAIGN, "s0 d0 r0 0/0/0/0 u0 h0 f0 o0 c0 a2");
    end(&w);
}

TEST(words_that_complain_and_words_that_do_not)
{
    static const char *const complain[] = {
        "Stop, this is SPAM",    "I will report you",          "stop or I'll REPORT this number",
        "Blocked and reported.", "this is harassment, stop",   "parem ou vou denunciar",
        "los reporto si siguen", "je vais signaler ce numéro", "das ist Belästigung, stopp",
        "als Spam melden",       "şikayet edeceğim",           "стоп, это спам",
        "жалоба на спам"};
    static const char *const innocent[] = {"STOP",
                                           "",
                                           "stop sending me reports",
                                           "can you report the price",
                                           "report",
                                           "Bitte keine Preise mehr anzeigen",
                                           "keine Werbung mehr",
                                           "stop, spamalot is not for me",
                                           "antispam",
                                           "no more signals please",
                                           "basta de reportes",
                                           "el reportaje, basta",
                                           "arrêtez, signalez-moi le prix",
                                           "пожалуйста, не пишите",
                                           "стоп"};
    for (size_t i = 0; i < sizeof complain / sizeof *complain; i++)
        if (!campaign_complaint(str_of(complain[i])))
            fail_msg("'%s' is no complaint", complain[i]);
    for (size_t i = 0; i < sizeof innocent / sizeof *innocent; i++)
        if (campaign_complaint(str_of(innocent[i])))
            fail_msg("'%s' is a complaint", innocent[i]);
}

TESTS(T(whatever_the_order_and_however_often_each_person_counts_once),
      T(a_retry_counts_in_the_minute_of_the_attempt_that_was_taken),
      T(who_cannot_be_reached_was_tried_and_a_doubt_is_nothing_yet), T(messages_of_no_campaign_are_counted_nowhere),
      T(an_opt_out_counts_once_for_the_newest_campaign_of_the_last_three_days), T(an_answer_is_about_what_it_answers),
      T(words_that_complain_and_words_that_do_not))
