/* SPDX-License-Identifier: Apache-2.0
 * test_shipped.c - every shipped rule judged in the whole book: the platform's set, all laws and the example policy.
 *
 * The rules' own tests judge each rule alone. Here a message that the whole book allows is changed in one way, and the
 * rule in question must be what then speaks, or be among the findings, or be reported only (shadow), or stay silent
 * because it is off. No rule may be missing from the table. Rows with a date say what the rule was on that day. Holidays
 * are computed a second time, from the laws that set them. */
#include "shipped_fixture.h"
#include "rules_fixture.h"

#include "base/clock.h"
#include "core/facts_read.h"
#include "core/ruleset_impl.h"

#define NOON "2026-11-25T17:00:00Z" /* a Wednesday; midday in Lima */

/* A marketing template to somebody in Peru, which has no law here: every fact known, nothing to say against it. */
static const char allowed[] =
    "message.kind template, message.category marketing, message.path messages, message.reaction false, "
    "message.expected_category marketing, message.skeleton 1, recipient.form phone, recipient.valid true, "
    "recipient.is_sender false, recipient.country PE, recipient.undeliverable_at never, recipient.engagement_at never, "
    "recipient.experiment_at never, recipient.utc_min -300, recipient.utc_max -300, recipient.utc_change_at never, "
    "consent.status granted, consent.at now-100d, consent.rank confirmed, consent.platform_stop false, "
    "consent.until never, consent.proof sealed, recipient.restricted false, "
    "consent.platform_at never, window.last_inbound never, template.known true, template.status approved, "
    "template.status_at now-100d, template.fit ok, template.quality green, pair.tat never, sender.status connected, "
    "sender.country PE, sender.quality green, sender.free_at never, account.state ok, account.no_templates_until "
    "never, "
    "account.no_messages_until never, account.no_utility_until never, account.no_direct_until never, "
    "account.payment_failed_at "
    "never, account.misuse_at never, sender.spam_at never, "
    "portfolio.limit 10000, portfolio.used 100, portfolio.counted false, portfolio.free_at never, "
    "portfolio.reserve_at never, duplicate.same_at never, duplicate.near_at never, duplicate.similarity 0, "
    "duplicate.of 0, marketing.sent.1 never, marketing.sent.2 never, marketing.sent.3 never, marketing.sent.8 never";

static int64_t moment(const char *text)
{
    int64_t ms = 0;
    assert_true(time_parse(text, strlen(text), &ms));
    return ms;
}

/* "name value, name value" */
static void set_facts(struct facts *f, const char *text, int64_t now)
{
    struct str rest = str_of(text);
    while (rest.n > 0) {
        struct err e = {0};
        struct str pair = str_trim(str_cut(rest, ',', &rest)), value = {NULL, 0};
        struct str name = str_cut(pair, ' ', &value);
        assert_ok(facts_read(f, name, str_trim(value), now, &e), e);
    }
}

static const struct finding *found(const struct decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(rule_id(d->finding[i].rule), rule) == 0)
            return &d->finding[i];
    return NULL;
}

enum outcome {
    SPEAKS,  /* its finding speaks for the decision */
    AMONG,   /* joined, beside others that may speak */
    WATCHES, /* reported, not joined */
    SILENT   /* off, though its condition is true */
};

struct row {
    const char *rule;
    enum outcome outcome;
    const char *given, *now; /* now NULL: NOON */
};

#define PLACE(code, utc) "recipient.country " code ", recipient.utc_min " utc ", recipient.utc_max " utc
#define STATE(code, utc) PLACE("US", utc) ", recipient.region " code ", consent.rank confirmed"

static const struct row rows[] = {
    /* the number, the account */
    {"sender.locked", SPEAKS, "sender.status banned", NULL},
    {"sender.state", SPEAKS, "sender.status disconnected", NULL},
    {"sender.flagged", SPEAKS, "sender.status flagged", NULL},
    {"sender.spam", SPEAKS, "sender.spam_at now", NULL},
    {"sender.country", SPEAKS, "sender.country IR", NULL},
    {"sender.country.tr", AMONG, "sender.country TR", "2024-05-14T17:00:00Z"},
    {"account.state", SPEAKS, "account.state locked", NULL},
    {"account.restricted.lasting", SPEAKS, "account.no_messages_until 9999-12-31T00:00:00Z", NULL},
    {"account.restricted.messages", SPEAKS, "account.no_messages_until now+7d", NULL},
    {"account.restricted.templates", SPEAKS, "account.no_templates_until now+3d", NULL},
    {"account.restricted.utility", SPEAKS, "account.no_utility_until now+7d, message.category utility", NULL},
    {"account.restricted.direct", SPEAKS,
     "account.no_direct_until now+7d, message.kind direct, message.category utility", NULL},
    {"account.misuse", SPEAKS, "account.misuse_at now", NULL},
    {"account.payment", SPEAKS, "account.payment_failed_at now", NULL},
    /* what is sent, and to whom */
    {"message.encrypted", SPEAKS, "message.kind encrypted", NULL},
    {"message.transactional", SPEAKS, "", "2019-06-01T17:00:00Z"},
    {"direct.not_yet", SPEAKS, "message.kind direct, message.category utility", "2026-06-14T17:00:00Z"},
    {"direct.category", SPEAKS, "message.kind direct", NULL},
    {"recipient.group.not_yet", SPEAKS, "recipient.form group", "2025-10-05T17:00:00Z"},
    {"recipient.user_id.not_yet", SPEAKS, "recipient.form user_id", "2026-06-28T17:00:00Z"},
    {"recipient.invalid", SPEAKS, "recipient.valid false", NULL},
    {"recipient.self", SPEAKS, "recipient.is_sender true", NULL},
    {"recipient.test", SPEAKS, "recipient.test true", NULL},
    {"recipient.authentication", SPEAKS, "recipient.form user_id, message.category authentication", NULL},
    {"recipient.group.authentication", SPEAKS, "recipient.form group, message.category authentication", NULL},
    {"recipient.embargo", SPEAKS, "recipient.country CU", NULL},
    {"recipient.cross_border", SILENT, "sender.country BR", NULL},
    {"recipient.undeliverable", SPEAKS, "recipient.undeliverable_at now-1d", NULL},
    {"recipient.country", SPEAKS, "recipient.country US", NULL},
    /* consent and windows */
    {"recipient.restricted", SPEAKS, "recipient.restricted true", NULL},
    {"consent.withdrawn", SPEAKS, "consent.status withdrawn", NULL},
    {"consent.platform_stop", SPEAKS, "consent.platform_stop true", NULL},
    {"consent.missing", SPEAKS, "consent.status none", NULL},
    {"consent.ended", SPEAKS, "consent.until now-1s", NULL},
    {"consent.unproven", SPEAKS, "consent.proof pending", NULL},
    {"window.closed", SPEAKS, "message.kind freeform, message.category service", NULL},
    /* templates */
    {"template.unknown", SPEAKS, "template.known false", NULL},
    {"template.disabled", SPEAKS, "template.status disabled", NULL},
    {"template.stopped", SPEAKS, "template.status paused", "2022-06-01T17:00:00Z"},
    {"template.not_approved", SPEAKS, "template.status rejected", NULL},
    {"template.flagged", SPEAKS, "template.status flagged", NULL},
    {"template.paused.first", SPEAKS, "template.status paused, template.status_at now-1h", NULL},
    {"template.paused.second", SPEAKS, "template.status paused, template.status_at now-4h", NULL},
    {"template.paused", SPEAKS, "template.status paused, template.status_at unknown", NULL},
    {"template.category_changed", SPEAKS, "message.expected_category utility", NULL},
    {"template.quality", SPEAKS, "template.quality red", NULL},
    {"template.category_path", SPEAKS, "message.path marketing_messages, message.category utility", NULL},
    {"template.params.count", SPEAKS, "template.fit count", NULL},
    {"template.params.type", SPEAKS, "template.fit format", NULL},
    {"template.params.text", SPEAKS, "template.fit text", NULL},
    /* rates and limits */
    {"pair.rate", SPEAKS, "pair.tat now+270s", NULL},
    {"sender.rate", SPEAKS, "sender.free_at now+12ms", NULL},
    {"portfolio.unique", SPEAKS, "portfolio.free_at now+1h", NULL},
    {"portfolio.unique.marketing", SPEAKS, "portfolio.reserve_at now+1h", NULL},
    {"campaign.stopped", SPEAKS, "campaign.state stopped, campaign.open_at never", NULL},
    {"campaign.late", SPEAKS, "campaign.state running, campaign.latest now, campaign.open_at never", NULL},
    {"campaign.monitor", SPEAKS, "campaign.state held, campaign.open_at never", NULL},
    {"campaign.source", SPEAKS, "campaign.state running, campaign.source quarantined, campaign.open_at never", NULL},
    {"campaign.window", SPEAKS, "campaign.state running, campaign.open_at now+9h", NULL},
    {"sender.quality", SPEAKS, "sender.quality red", NULL},
    {"cooldown.engagement", SPEAKS, "recipient.engagement_at now-1h", NULL},
    {"recipient.experiment", SPEAKS, "recipient.experiment_at now-1d", NULL},
    {"duplicate.same", WATCHES, "duplicate.same_at now-1h", NULL},
    {"duplicate.near", WATCHES, "duplicate.near_at now-1h", NULL},
    /* laws: late in the evening there, or a weak consent */
    {"quiet.hours.ae", AMONG, PLACE("AE", "240"), "2026-11-25T17:00:00Z"},
    {"quiet.hours.au", SILENT, PLACE("AU", "480"), "2026-11-25T23:59:59Z"},
    {"consent.weak.br", AMONG, PLACE("BR", "-180") ", consent.rank listed", NULL},
    {"quiet.hours.br", SILENT, PLACE("BR", "-180"), "2026-11-25T10:59:59Z"},
    {"consent.expired.ca", AMONG, PLACE("CA", "-300") ", consent.rank asserted, consent.at now-730d", NULL},
    {"quiet.hours.ca", SILENT, PLACE("CA", "-300"), "2026-11-25T12:59:59Z"},
    {"quiet.hours.co", AMONG, PLACE("CO", "-300"), "2026-11-26T00:00:00Z"},
    {"quiet.holiday.co", SPEAKS, PLACE("CO", "-300"), "2026-12-08T17:00:00Z"},
    {"cap.contact.co", AMONG, PLACE("CO", "-300") ", marketing.sent.1 now-1h", NULL},
    {"consent.weak.de", SILENT, PLACE("DE", "60") ", consent.rank written", NULL},
    {"quiet.hours.de", SILENT, PLACE("DE", "60"), "2026-11-25T06:59:59Z"},
    {"consent.weak.eu", AMONG, PLACE("IT", "60") ", consent.rank listed", NULL},
    {"consent.expired.eu", SILENT, PLACE("IT", "60") ", consent.at now-730d", NULL},
    {"quiet.hours.fr", SILENT, PLACE("FR", "60"), "2026-11-29T11:00:00Z"},
    {"quiet.holiday.fr", SILENT, PLACE("FR", "60"), "2026-12-25T11:00:00Z"},
    {"quiet.calls.fr", SILENT, PLACE("FR", "60"), "2026-11-28T11:00:00Z"},
    {"consent.expired.fr", SILENT, PLACE("FR", "60") ", consent.at now-1095d", NULL},
    {"consent.weak.gb", AMONG, PLACE("GB", "0") ", consent.rank listed", NULL},
    {"quiet.hours.gb", SILENT, PLACE("GB", "0"), "2026-11-25T07:59:59Z"},
    {"quiet.hours.ie", SILENT, PLACE("IE", "0"), "2026-11-25T07:59:59Z"},
    {"quiet.hours.in", SILENT, PLACE("IN", "330"), "2026-11-25T03:30:00Z"},
    {"consent.weak.in", AMONG, PLACE("IN", "330") ", consent.rank listed", "2027-05-14T07:00:00Z"},
    {"quiet.hours.kw", SILENT, PLACE("KW", "180"), "2026-11-25T05:30:00Z"},
    {"quiet.hours.kz", SILENT, PLACE("KZ", "300"), "2026-11-25T03:30:00Z"},
    {"quiet.hours.mx", SILENT, PLACE("MX", "-360"), "2026-11-25T13:59:59Z"},
    {"quiet.hours.nl", SILENT, PLACE("NL", "60"), "2026-11-25T06:59:59Z"},
    {"consent.weak.nz", AMONG, PLACE("NZ", "780") ", consent.rank listed", "2026-11-25T22:00:00Z"},
    {"quiet.hours.nz", SILENT, PLACE("NZ", "780"), "2026-11-25T18:59:59Z"},
    {"recipient.country.ru", SPEAKS, PLACE("RU", "180"), "2026-11-25T12:00:00Z"},
    {"consent.weak.ru", AMONG, PLACE("RU", "180") ", consent.rank listed", "2026-11-25T12:00:00Z"},
    {"consent.weak.tr", AMONG, PLACE("TR", "180") ", consent.rank listed", "2026-11-25T12:00:00Z"},
    {"quiet.hours.us", SILENT, PLACE("US", "-300"), "2026-11-25T12:59:59Z"},
    {"consent.weak.us", AMONG, PLACE("US", "-300") ", consent.rank asserted", NULL},
    {"quiet.hours.us-20", SILENT, STATE("US-FL", "-300"), "2026-11-26T01:30:00Z"},
    {"quiet.hours.us-ct", SILENT, STATE("US-CT", "-300"), "2026-11-25T13:30:00Z"},
    {"quiet.hours.us-ri", SILENT, STATE("US-RI", "-300"), "2026-11-25T23:30:00Z"},
    {"quiet.hours.us-tx", SILENT, STATE("US-TX", "-360"), "2026-11-25T14:30:00Z"},
    {"quiet.hours.za", SPEAKS, PLACE("ZA", "120"), "2026-11-28T12:00:00Z"},
    {"quiet.holiday.za", AMONG, PLACE("ZA", "120"), "2026-12-16T12:00:00Z"},
    /* the example of a policy */
    {"cap.marketing.day", SPEAKS, "marketing.sent.1 now-1h", NULL},
    {"cap.marketing.week", SPEAKS, "marketing.sent.1 now-2d, marketing.sent.3 now-6d", NULL},
    {"cap.marketing.month", SPEAKS, "marketing.sent.1 now-2d, marketing.sent.3 now-8d, marketing.sent.8 now-29d", NULL},
    {"quiet.hours", SPEAKS, "", "2026-11-26T01:00:00Z"},
    {"consent.weak", SPEAKS, "consent.rank asserted", NULL},
    {"consent.expired", SPEAKS, "consent.at now-730d", NULL},
    {"template.quality.yellow", SPEAKS, "template.quality yellow", NULL},
    {"sender.quality.yellow", SPEAKS, "sender.quality yellow", NULL},
    {"policy.duplicate.same", SPEAKS, "duplicate.same_at now-1h", NULL},
    {"policy.duplicate.near", SPEAKS, "duplicate.near_at now-1h", NULL},
};
#define ROWS (sizeof rows / sizeof rows[0])

static void describe(const struct decision *d, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s:", verdict_name(d->verdict));
    for (size_t i = 0; i < d->n && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, " %s%s", rule_id(d->finding[i].rule), d->finding[i].shadow ? "*" : "");
}

static bool as_expected(const struct ruleset *rs, const struct row *row, const struct facts *f, int64_t now,
                        const struct decision *d)
{
    const struct finding *fi = found(d, row->rule), *main_one = decision_main(d);
    struct finding alone;
    switch (row->outcome) {
    case SPEAKS:
        return fi != NULL && fi == main_one && !fi->unknown;
    case AMONG:
        return fi != NULL && !fi->unknown && !fi->shadow;
    case WATCHES:
        return fi != NULL && !fi->unknown && fi->shadow;
    case SILENT:
        return fi == NULL && rule_mode_of(ruleset_find(rs, row->rule)) == MODE_OFF &&
               rule_judge(rs, ruleset_find(rs, row->rule), f, now, &alone) && !alone.unknown;
    }
    return false;
}

TEST(each_rule_where_all_rules_are)
{
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < ROWS; i++) {
        int64_t now = moment(rows[i].now ? rows[i].now : NOON);
        struct facts f = {0};
        struct decision d;
        char got[2048];
        set_facts(&f, allowed, now);
        set_facts(&f, rows[i].given, now);
        decide(rs, &f, now, 0, &d);
        describe(&d, got, sizeof got);
        if (ruleset_find(rs, rows[i].rule) == NULL || !as_expected(rs, &rows[i], &f, now, &d))
            fail_msg("%s with \"%s\" at %s: got %s", rows[i].rule, rows[i].given, rows[i].now ? rows[i].now : NOON,
                     got);
    }
    ruleset_free(rs);
}

TEST(no_rule_is_left_out_of_the_table)
{
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        const struct rule *r = ruleset_rule(rs, i);
        bool there = r->builtin != BUILTIN_NONE;
        for (size_t k = 0; k < ROWS; k++)
            there = there || strcmp(rows[k].rule, rule_id(r)) == 0;
        if (!there)
            fail_msg("no row for %s", rule_id(r));
    }
    ruleset_free(rs);
}

TEST(a_message_nothing_is_wrong_with_is_allowed)
{
    struct ruleset *rs = shipped_book();
    static const char *const places[] = {"",
                                         PLACE("CO", "-300"),
                                         PLACE("BR", "-180"),
                                         PLACE("MX", "-360"),
                                         PLACE("CA", "-300"),
                                         PLACE("FR", "60"),
                                         PLACE("DE", "60"),
                                         PLACE("GB", "0"),
                                         PLACE("ZA", "120"),
                                         "message.category utility",
                                         "message.category authentication"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct facts f = {0};
        struct decision d;
        char got[2048];
        int64_t now = moment(NOON);
        set_facts(&f, allowed, now);
        set_facts(&f, places[i], now);
        fact_set(&f, FACT_MESSAGE_EXPECTED, 0);
        decide(rs, &f, now, 0, &d);
        describe(&d, got, sizeof got);
        if (d.verdict != VERDICT_ALLOW || d.n != 0)
            fail_msg("\"%s\": got %s", places[i], got);
    }
    ruleset_free(rs);
}

/* ---- what was the rule on that day ---- */

static const struct {
    const char *rule, *given, *last_without, *first_with, *last_with, *first_after;
} periods[] = {
    {"message.transactional", "", NULL, "2019-06-01", "2021-09-14", "2021-09-15"},
    {"template.stopped", "template.status disabled", NULL, "2022-06-01", "2023-05-22", "2023-05-23"},
    {"template.disabled", "template.status disabled", "2023-05-22", "2023-05-23", "2026-11-25", NULL},
    {"template.paused.first", "template.status paused, template.status_at now", "2023-05-22", "2023-05-23",
     "2026-11-25", NULL},
    {"recipient.experiment", "recipient.experiment_at now", "2023-06-13", "2023-06-14", "2026-11-25", NULL},
    {"sender.country.tr", "sender.country TR", "2022-05-18", "2022-05-19", "2024-05-14", "2024-05-15"},
    {"consent.platform_stop", "consent.platform_stop true", "2024-11-17", "2024-11-18", "2026-11-25", NULL},
    {"recipient.country", "recipient.country US", "2025-03-31", "2025-04-01", "2026-11-25", NULL},
    {"account.restricted.utility", "message.category utility, account.no_utility_until now+7d", "2025-04-15",
     "2025-04-16", "2026-11-25", NULL},
    {"account.misuse", "account.misuse_at now", "2026-04-16", "2026-04-17", "2026-11-25", NULL},
    {"account.restricted.direct", "account.no_direct_until now+7d, message.kind direct, message.category utility",
     "2026-06-14", "2026-06-15", "2026-11-25", NULL},
    {"sender.flagged", "sender.status flagged", "2025-10-06", "2025-10-07", "2026-11-25", NULL},
    {"template.flagged", "template.status flagged", "2025-10-06", "2025-10-07", "2026-11-25", NULL},
    {"recipient.group.not_yet", "recipient.form group", NULL, "2022-06-01", "2025-10-05", "2025-10-06"},
    {"portfolio.unique", "portfolio.free_at now+1h", "2025-10-06", "2025-10-07", "2026-11-25", NULL},
    {"portfolio.unique.marketing", "portfolio.reserve_at now+1h", "2025-10-06", "2025-10-07", "2026-11-25", NULL},
    {"cooldown.engagement", "recipient.engagement_at now", "2026-04-29", "2026-04-30", "2026-11-25", NULL},
    {"direct.not_yet", "message.kind direct, message.category utility", NULL, "2022-06-01", "2026-06-14", "2026-06-15"},
    {"direct.category", "message.kind direct", "2026-06-14", "2026-06-15", "2026-11-25", NULL},
    {"recipient.user_id.not_yet", "recipient.form user_id", NULL, "2022-06-01", "2026-06-28", "2026-06-29"},
    {"recipient.authentication", "recipient.form user_id, message.category authentication", "2026-06-28", "2026-06-29",
     "2026-11-25", NULL},
    {"quiet.hours.co", PLACE("CO", "0"), "2023-10-09", "2023-10-10", "2026-11-25", NULL},
    {"consent.weak.eu", "recipient.country IT, consent.rank listed", "2018-05-24", "2018-05-25", "2026-11-25", NULL},
    {"consent.weak.in", "recipient.country IN, consent.rank listed", "2027-05-13", "2027-05-14", "2030-01-01", NULL},
};

TEST(rules_begin_and_end_on_their_days)
{
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        const char *at[4] = {periods[i].last_without, periods[i].first_with, periods[i].last_with,
                             periods[i].first_after};
        for (size_t k = 0; k < 4; k++) {
            struct facts f = {0};
            struct decision d;
            if (at[k] == NULL)
                continue;
            int64_t now = moment(at[k]);
            set_facts(&f, allowed, now);
            set_facts(&f, periods[i].given, now);
            decide(rs, &f, now, 0, &d);
            if ((found(&d, periods[i].rule) != NULL) != (k == 1 || k == 2))
                fail_msg("%s on %s: %s", periods[i].rule, at[k], k == 1 || k == 2 ? "silent" : "speaks");
        }
    }
    ruleset_free(rs);
}

static const struct {
    const char *day, *rule, *value;
    int64_t want; /* -1: not in force */
} values[] = {
    {"2022-01-31", "sender.rate", "high", -1},
    {"2022-02-01", "sender.rate", "high", 80},
    {"2022-07-20", "sender.rate", "high", 80},
    {"2022-07-21", "sender.rate", "high", 250},
    {"2022-09-07", "sender.rate", "high", 350},
    {"2022-11-03", "sender.rate", "high", 500},
    {"2023-05-08", "sender.rate", "high", 500},
    {"2023-05-09", "sender.rate", "high", 1000},
    {"2026-11-25", "sender.rate", "standard", 80},
    {"2026-11-25", "sender.rate", "coexistence", 20},
    {"2026-11-25", "sender.rate", "burst", 100},
    {"2026-11-25", "pair.rate", "interval", 6000},
    {"2026-11-25", "pair.rate", "tolerance", 264000},
    {"2025-10-06", "portfolio.unique.marketing", "reserve", -1},
    {"2025-10-07", "portfolio.unique.marketing", "reserve", 100},
    {"2026-11-25", "duplicate.same", "similarity", 800},
    {"2026-11-25", "duplicate.near", "similarity", 470},
    {"2026-11-25", "cooldown.engagement", "wait", 24 * HOUR},
};

TEST(values_are_those_of_the_day)
{
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int64_t got = -1;
        int rc = ruleset_value(rs, values[i].rule, values[i].value, moment(values[i].day), &got);
        if ((rc != 0) != (values[i].want == -1) || got != values[i].want)
            fail_msg("%s %s on %s: %lld", values[i].rule, values[i].value, values[i].day, (long long)got);
    }
    ruleset_free(rs);
}

/* The same for hours, which have no number to compare: at the edge that moved. Judged alone, whatever the mode. */
static const struct {
    const char *rule, *given, *now;
    bool fires;
} edges[] = {
    {"quiet.hours.in", PLACE("IN", "330"), "2025-02-11T03:29:59Z", true},
    {"quiet.hours.in", PLACE("IN", "330"), "2025-02-11T03:30:00Z", false},
    {"quiet.hours.in", PLACE("IN", "330"), "2025-02-12T03:30:00Z", true},
    {"quiet.hours.in", PLACE("IN", "330"), "2025-02-12T04:30:00Z", false},
};

TEST(hours_are_those_of_the_day)
{
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        struct facts f = {0};
        struct finding fi;
        int64_t now = moment(edges[i].now);
        set_facts(&f, allowed, now);
        set_facts(&f, edges[i].given, now);
        if (rule_judge(rs, ruleset_find(rs, edges[i].rule), &f, now, &fi) != edges[i].fires)
            fail_msg("%s at %s: %s", edges[i].rule, edges[i].now, edges[i].fires ? "silent" : "speaks");
    }
    ruleset_free(rs);
}

static bool within(const char *day, int64_t from, int64_t to)
{
    return day != NULL && moment(day) >= from && moment(day) < to;
}

/* Whether the tables above look, in [from, to), at the rule's end, at its hours, at this value. */
static bool end_looked_at(const char *rule, int64_t from, int64_t to)
{
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++)
        if (strcmp(periods[i].rule, rule) == 0 && within(periods[i].first_after, from, to))
            return true;
    return false;
}

static bool hours_looked_at(const char *rule, int64_t from, int64_t to)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        if (strcmp(edges[i].rule, rule) == 0 && within(edges[i].now, from, to))
            return true;
    return false;
}

static bool value_looked_at(const char *rule, const char *value, int64_t from, int64_t to)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i].rule, rule) == 0 && strcmp(values[i].value, value) == 0 && within(values[i].day, from, to))
            return true;
    return false;
}

/* The n-th value of row k: whether it changed, and then whether both sides of the change are looked at. */
static size_t look(const struct ruleset *rs, const struct rule *r, uint16_t k, uint16_t n)
{
    const struct values *v = &r->values;
    const struct value_row *was = &v->row[k - 1], *is = &v->row[k];
    int64_t end = k + 1 < v->n_rows ? is[1].since : INT64_MAX;
    bool hours = v->kind[n] == VALUE_HOURS, seen;
    if (hours ? memcmp(&rs->hours[is->v[n]], &rs->hours[was->v[n]], sizeof rs->hours[0]) == 0 : is->v[n] == was->v[n])
        return 0;
    seen = hours ? hours_looked_at(r->id, was->since, is->since) && hours_looked_at(r->id, is->since, end)
                 : value_looked_at(r->id, v->name[n], was->since, is->since) &&
                       value_looked_at(r->id, v->name[n], is->since, end);
    if (!seen)
        fail_msg("%s: nothing looks at both sides of its change %u of %s", r->id, k, v->name[n]);
    return 1;
}

/* Whoever dates a value anew says in one of the tables what it was until then and what it is since. */
TEST(every_change_of_a_value_is_looked_at_on_both_sides)
{
    struct ruleset *rs = shipped_book();
    size_t changes = 0;
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        const struct rule *r = ruleset_rule(rs, i);
        const struct values *v = &r->values;
        for (uint16_t k = 1; k < v->n_rows; k++) {
            int64_t end = k + 1 < v->n_rows ? v->row[k + 1].since : INT64_MAX;
            bool ends = v->row[k].v == NULL;
            if (ends && !end_looked_at(r->id, v->row[k].since, end))
                fail_msg("%s: nothing looks at its end", r->id);
            changes += ends;
            for (uint16_t n = 0; !ends && v->row[k - 1].v != NULL && n < v->n_names; n++)
                changes += look(rs, r, k, n);
        }
    }
    assert_true(changes >= 11);
    ruleset_free(rs);
}

/* Paused: answered as unknown until Graph v17, then held; the ladder is 3 hours, then 6, then nobody knows. */
TEST(a_pause_is_answered_as_on_its_day)
{
    struct ruleset *rs = shipped_book();
    static const struct {
        const char *at, *since;
        int code;
        int64_t hours; /* of the hold; 0: denied */
    } rows_of[] = {
        {"2022-06-01", "now-1h", 132001, 0},
        {"2023-06-01", "now-1h", 132015, 2},
        {"2026-11-25T17:00:00Z", "now-3h", 132015, 3},
        {"2026-11-25T17:00:00Z", "now-6h", 132015, 3},
        {"2026-11-25T17:00:00Z", "unknown", 132015, 3},
    };
    for (size_t i = 0; i < sizeof rows_of / sizeof rows_of[0]; i++) {
        struct facts f = {0};
        struct decision d;
        char given[128];
        int64_t now = moment(rows_of[i].at);
        snprintf(given, sizeof given, "message.category utility, template.status paused, template.status_at %s",
                 rows_of[i].since);
        set_facts(&f, allowed, now);
        set_facts(&f, given, now);
        fact_set(&f, FACT_MESSAGE_EXPECTED, 0);
        decide(rs, &f, now, 0, &d);
        assert_non_null(decision_main(&d));
        assert_int_equal(rule_code(decision_main(&d)->rule), rows_of[i].code);
        assert_int_equal(d.verdict, rows_of[i].hours ? VERDICT_HOLD : VERDICT_DENY);
        assert_true(rows_of[i].hours == 0 || d.until == now + rows_of[i].hours * HOUR);
    }
    ruleset_free(rs);
}

/* ---- laws and policies in general ---- */

/* What a person needs or asked for is no matter of the laws and policies shipped: they speak of marketing only. */
TEST(laws_and_policies_spare_what_is_not_marketing)
{
    static const int spared[] = {CATEGORY_SERVICE, CATEGORY_UTILITY, CATEGORY_AUTHENTICATION};
    struct ruleset *rs = shipped_book();
    uint64_t seed = 17;
    for (int i = 0; i < 6000; i++) {
        struct facts f = random_facts(&seed);
        fact_set(&f, FACT_MESSAGE_CATEGORY, spared[i % 3]);
        for (size_t k = 0; k < ruleset_count(rs); k++) {
            const struct rule *r = ruleset_rule(rs, k);
            struct finding fi;
            if (rule_source(rs, r)->kind != RULESET_PLATFORM && rule_judge(rs, r, &f, NOW, &fi))
                fail_msg("%s speaks of category %d", rule_id(r), spared[i % 3]);
        }
    }
    ruleset_free(rs);
}

TEST(a_law_is_enforced_only_as_far_as_it_is_known)
{
    struct ruleset *rs = shipped_book();
    size_t high = 0, off = 0;
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        const struct rule *r = ruleset_rule(rs, i);
        if (rule_source(rs, r)->kind != RULESET_LAW)
            continue;
        if (strcmp(rule_confidence(r), "high") == 0) {
            assert_int_equal(rule_mode_of(r), MODE_ENFORCE);
            high++;
        }
        if (strcmp(rule_confidence(r), "low") == 0)
            assert_int_equal(rule_mode_of(r), MODE_OFF);
        off += rule_mode_of(r) == MODE_OFF;
    }
    assert_true(high >= 5 && off >= 10);
    ruleset_free(rs);
}

/* Facts that nobody could say (an account read for the first time) stop no ordinary message by themselves. */
TEST(the_platform_set_needs_no_more_than_the_first_facts)
{
    struct ruleset *rs = shipped_set();
    struct facts f = fixture_facts();
    struct decision d;
    decide(rs, &f, NOW, 0, &d);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    f = fixture_answer();
    decide(rs, &f, NOW, 0, &d);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    ruleset_free(rs);
}

/* Of duplicates the platform set only takes note; the policy refuses. */
TEST(duplicates_are_watched_without_a_policy)
{
    struct ruleset *rs = shipped_set();
    static const char *const rules[] = {"duplicate.same", "duplicate.near"};
    static const enum fact_id facts[] = {FACT_DUPLICATE_SAME_AT, FACT_DUPLICATE_NEAR_AT};
    for (size_t i = 0; i < 2; i++) {
        struct facts f = fixture_facts();
        struct decision d;
        fact_set(&f, facts[i], NOW - HOUR);
        decide(rs, &f, NOW, 0, &d);
        assert_int_equal(d.verdict, VERDICT_ALLOW);
        assert_non_null(found(&d, rules[i]));
        assert_true(found(&d, rules[i])->shadow);
    }
    ruleset_free(rs);
}

/* ---- holidays, computed again ---- */

#define DAY_MS 86400000LL

static int64_t date_of(int year, int month, int day)
{
    char text[16];
    snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
    return moment(text) / DAY_MS;
}

static int weekday(int64_t day)
{
    return (int)((day + 3) % 7); /* 1970-01-01 was a Thursday; Monday is 0 */
}

/* Butcher's rule for the Gregorian Easter. */
static int64_t easter(int y)
{
    int a = y % 19, b = y / 100, c = y % 100, d = b / 4, e = b % 4, g = (8 * b + 13) / 25;
    int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
    int m = (a + 11 * h + 19 * l) / 433, n = (h + l - 7 * m + 90) / 25;
    return date_of(y, n, (h + l - 7 * m + 33 * n + 19) % 32);
}

static int64_t next_monday(int64_t day)
{
    return day + (7 - weekday(day)) % 7;
}

static int year_of(int64_t day)
{
    char text[TIME_TEXT];
    return atoi(time_text(day * DAY_MS, text));
}

/* Ley 51 of 1983: eight days stay, ten move to the Monday after. */
static bool colombian(int64_t day)
{
    static const int stay[][2] = {{1, 1}, {5, 1}, {7, 20}, {8, 7}, {12, 8}, {12, 25}};
    static const int move[][2] = {{1, 6}, {3, 19}, {6, 29}, {8, 15}, {10, 12}, {11, 1}, {11, 11}};
    static const int after_easter[] = {39, 60, 68};
    int y = year_of(day);
    bool is = day == easter(y) - 3 || day == easter(y) - 2;
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        is = is || day == date_of(y, stay[i][0], stay[i][1]);
    for (size_t i = 0; i < sizeof move / sizeof move[0]; i++)
        is = is || day == next_monday(date_of(y, move[i][0], move[i][1]));
    for (size_t i = 0; i < 3; i++)
        is = is || day == next_monday(easter(y) + after_easter[i]);
    return is;
}

static bool french(int64_t day)
{
    static const int fixed[][2] = {{1, 1}, {5, 1}, {5, 8}, {7, 14}, {8, 15}, {11, 1}, {11, 11}, {12, 25}};
    int y = year_of(day);
    bool is = day == easter(y) + 1 || day == easter(y) + 39 || day == easter(y) + 50;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        is = is || day == date_of(y, fixed[i][0], fixed[i][1]);
    return is;
}

static bool south_african_date(int64_t day)
{
    static const int fixed[][2] = {{1, 1}, {3, 21}, {4, 27},  {5, 1},   {6, 16},
                                   {8, 9}, {9, 24}, {12, 16}, {12, 25}, {12, 26}};
    int y = year_of(day);
    bool is = day == easter(y) - 2 || day == easter(y) + 1;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        is = is || day == date_of(y, fixed[i][0], fixed[i][1]);
    return is;
}

/* What presidents proclaimed for one year: elections, Christmas on a Sunday, a cup that was won. */
static bool south_african_once(int64_t day)
{
    static const int once[][3] = {{2011, 5, 18}, {2011, 12, 27}, {2014, 5, 7},   {2016, 8, 3},   {2016, 12, 27},
                                  {2019, 5, 8},  {2021, 11, 1},  {2022, 12, 27}, {2023, 12, 15}, {2024, 5, 29}};
    bool is = false;
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
        is = is || day == date_of(once[i][0], once[i][1], once[i][2]);
    return is;
}

static bool south_african(int64_t day)
{
    return south_african_date(day) || (weekday(day) == 0 && south_african_date(day - 1)) || south_african_once(day);
}

TEST(holidays_are_those_of_the_laws)
{
    static const struct {
        const char *rule, *place, *from, *to;
        int64_t utc; /* minutes */
        bool (*holiday)(int64_t);
        int years, each;
    } lists[] = {
        {"quiet.holiday.co", PLACE("CO", "-300"), "2023-10-10", "2027-12-31", -300, colombian, 5, 18},
        {"quiet.holiday.fr", PLACE("FR", "60"), "2021-01-05", "2027-12-31", 60, french, 7, 11},
        {"quiet.holiday.za", PLACE("ZA", "120"), "2011-04-01", "2027-12-31", 120, south_african, 17, 12},
    };
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct rule *r = ruleset_find(rs, lists[i].rule);
        for (int64_t day = moment(lists[i].from) / DAY_MS; day <= moment(lists[i].to) / DAY_MS; day++) {
            int64_t noon = day * DAY_MS + 12 * HOUR - lists[i].utc * 60000;
            struct facts f = {0};
            char text[TIME_TEXT];
            set_facts(&f, allowed, noon);
            set_facts(&f, lists[i].place, noon);
            if ((rule_truth(rs, r, &f, noon) == TRI_TRUE) != lists[i].holiday(day))
                fail_msg("%s on %.10s: the law says %s", lists[i].rule, time_text(day * DAY_MS, text),
                         lists[i].holiday(day) ? "holiday" : "no holiday");
        }
    }
    ruleset_free(rs);
}

TESTS(T(each_rule_where_all_rules_are), T(no_rule_is_left_out_of_the_table),
      T(a_message_nothing_is_wrong_with_is_allowed), T(rules_begin_and_end_on_their_days),
      T(values_are_those_of_the_day), T(hours_are_those_of_the_day),
      T(every_change_of_a_value_is_looked_at_on_both_sides), T(a_pause_is_answered_as_on_its_day),
      T(laws_and_policies_spare_what_is_not_marketing), T(a_law_is_enforced_only_as_far_as_it_is_known),
      T(the_platform_set_needs_no_more_than_the_first_facts), T(duplicates_are_watched_without_a_policy),
      T(holidays_are_those_of_the_laws))
