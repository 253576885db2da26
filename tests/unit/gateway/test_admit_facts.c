/* SPDX-License-Identifier: Apache-2.0
 * test_admit_facts.c - do the rules that are shipped get what they ask?
 *
 * What would hurt: a rule that is right in every test of its own and silent for everybody, because the gateway never says
 * the fact it rests on. So the facts are gathered here by the gateway's own functions: once for messages of all kinds, to
 * see which facts there are and that no rule in force asks another; and once for phone numbers of each country that has
 * rules, which must then speak. */
#include "../../store/store_fixture.h"
#include "../core/shipped_fixture.h"

#include "base/clock.h"
#include "core/facts_read.h"
#include "core/ruleset_impl.h"
#include "gateway/admit_impl.h"
#include "gateway/campaigns.h"
#include "gateway/checkpoints_impl.h"
#include "gateway/content.h"
#include "store/accounts.h"
#include "store/senders.h"
#include "store/skeletons.h"

#define WABA 2000
#define SALE "Hello {{1}}, our spring sale starts today with half the price on every coat."

struct ax {
    struct fx f;
    struct json_parser *parser;
    struct snapshots *all;
    struct snapshot *snap;
    struct gateway g;
    struct checkpoints ledger; /* that seven leaves are sealed is all that is asked of it */
    struct admit ad;
    struct rule_values values;
};

/* Everything Meta says about number, account and template. */
static void start(struct ax *x)
{
    struct sender number = {
        .id = SENDER, .waba = WABA, .status = 1, .display_phone = "+51 1 5550000", .quality = "GREEN"};
    struct account account = {.waba = WABA, .portfolio = 77, .limit = 1000, .updated_at = NOW};
    struct template_row sale = {.waba = WABA,
                                .name = STR("sale"),
                                .language = STR("en_US"),
                                .id = 1,
                                .status = TEMPLATE_APPROVED,
                                .category = CATEGORY_MARKETING,
                                .quality = STR("GREEN"),
                                .listing = STR("{\"components\":[{\"type\":\"BODY\",\"text\":\"" SALE "\"}]}"),
                                .updated_at = NOW,
                                .status_at = NOW};
    struct skeleton *texts;
    size_t n_texts;
    struct err none = {0};
    memset(x, 0, sizeof *x);
    fx_start(&x->f);
    OK(&x->f, content_skeletons(x->f.a, &sale, 1, NOW, &texts, &n_texts, &x->f.e));
    BEGIN(&x->f);
    OK(&x->f, senders_put(x->f.s, &number, 1, &x->f.e));
    OK(&x->f, accounts_put(x->f.s, &account, 1, &x->f.e));
    OK(&x->f, templates_put(x->f.s, &sale, 1, &x->f.e));
    OK(&x->f, skeletons_put(x->f.s, texts, n_texts, &x->f.e));
    COMMIT(&x->f);
    x->parser = json_parser_create();
    x->all = snapshots_create();
    OK(&x->f, snapshots_rebuild(x->all, x->f.s, &x->f.e));
    x->snap = snapshot_borrow(x->all);
    phone_data_builtin(&x->g.phones);
    x->g.test_refused = true;
    places_load(&x->ad.places, NULL, &x->g.phones, &none);
    atomic_store(&x->ledger.sealed, 7);
    x->g.checkpoints = &x->ledger;
    x->ad.g = &x->g;
    x->values = (struct rule_values){
        .window = 86400000, .standard = 80, .high = 1000, .coexistence = 20, .same = 800, .near = 470};
}

static void end(struct ax *x)
{
    places_free(x->ad.places);
    snapshot_return(x->snap);
    snapshots_free(x->all);
    json_parser_free(x->parser);
    fx_end(&x->f);
}

/* What a client posts, as the face reads it. */
static void gather(struct ax *x, const char *body, struct intent *in, struct send *s)
{
    struct json v;
    OK(&x->f, json_parse(x->parser, str_of(body), false, &v, &x->f.e));
    OK(&x->f, intent_parse(v, PATH_MESSAGES, x->f.a, in, &x->f.e));
    *s = (struct send){.g = &x->g, .sender = SENDER, .intent = in, .expected = CATEGORY_MARKETING, .turn = true};
    send_facts(s, x->snap);
}

#define TO(to) "\"messaging_product\":\"whatsapp\"," to ","
#define TEMPLATE(to)                                                                                                   \
    "{" TO(to) "\"type\":\"template\",\"template\":{\"name\":\"sale\",\"language\":{\"code\":\"en_US\"},"              \
               "\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Ana\"}]}]}}"
#define TEXT(to) "{" TO(to) "\"type\":\"text\",\"text\":{\"body\":\"x\"}}"

bool __wrap_campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret);

/* As the runner says of a campaign with a deadline. */
bool __wrap_campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret)
{
    (void)c, (void)stratum;
    *ret = (struct campaign_now){.id = campaign, .state = CAMPAIGN_RUNNING, .latest = NOW + 1};
    return true;
}

/* The person, as the door knows them; they got the same not long ago. */
static void door_of(struct ax *x, struct send *s, struct known_person *person)
{
    struct known_pair pair = {.p = {.contact = 1, .sender = SENDER}};
    struct known_reach reach = {.r = {.contact = 1}};
    struct known_portfolio portfolio = {.p = {.id = 77}};
    const struct about about = {.person = person, .pair = &pair, .reach = &reach, .portfolio = &portfolio};
    const struct batch b = {.ad = &x->ad, .values = &x->values, .snap = x->snap, .now = NOW, .mono_us = 1000};
    if (s->content.skeleton != 0)
        caps_sent(&person->p.caps, NOW - 3600000, &s->content);
    person_facts(&b, s, &about);
}

static void door(struct ax *x, struct send *s)
{
    struct known_person person = {.p = {.id = 1}};
    door_of(x, s, &person);
}

/* What the gateway never says: nobody tells it in which part of a country a person is. */
static const uint8_t never_told[] = {FACT_RECIPIENT_REGION};

static bool is_never_told(size_t fact)
{
    bool is = false;
    for (size_t i = 0; i < sizeof never_told / sizeof never_told[0]; i++)
        is = is || never_told[i] == fact;
    return is;
}

static void union_of_facts(struct ax *x, bool told[FACT_COUNT])
{
    static const char *const bodies[] = {TEMPLATE("\"to\":\"573001234567\""), TEXT("\"to\":\"573001234567\""),
                                         TEXT("\"recipient\":\"CO.13491208655302\""),
                                         TEXT("\"recipient_type\":\"group\",\"to\":\"120363\"")};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct intent in;
        struct send s;
        gather(x, bodies[i], &in, &s);
        s.campaign = (int64_t)i; /* of the first none */
        door(x, &s);
        assert_int_equal(s.facts.known[FACT_CAMPAIGN_STATE], i != 0);
        for (size_t k = 0; k < FACT_COUNT; k++)
            told[k] = told[k] || s.facts.known[k];
    }
}

TEST(an_opt_in_is_proven_by_a_checkpoint_over_it)
{
    static const struct {
        int64_t id, leaf;
        const char *word;
    } rows[] = {{1, -1, "none"},   {1, 0, "sealed"},     {1, 6, "sealed"},
                {1, 7, "pending"}, {1, 1000, "pending"}, {0, 0, "none"}};
    struct ax x;
    struct intent in;
    struct send s;
    start(&x);
    gather(&x, TEMPLATE("\"to\":\"573001234567\""), &in, &s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct known_person person = {.p = {.id = rows[i].id, .leaf = rows[i].leaf}};
        door_of(&x, &s, &person);
        assert_true(s.facts.known[FACT_CONSENT_PROOF]);
        assert_int_equal(s.facts.value[FACT_CONSENT_PROOF], fact_word(FACT_CONSENT_PROOF, str_of(rows[i].word)));
    }
    x.g.checkpoints = NULL; /* nothing signs: nobody knows, and the rule is silent */
    door(&x, &s);
    assert_false(s.facts.known[FACT_CONSENT_PROOF]);
    end(&x);
}

TEST(every_fact_is_said_of_some_message)
{
    struct ax x;
    bool told[FACT_COUNT] = {false};
    start(&x);
    union_of_facts(&x, told);
    for (size_t k = 0; k < FACT_COUNT; k++) {
        bool of_place = k >= FACT_RECIPIENT_UTC_MIN && k <= FACT_RECIPIENT_UTC_MAX_AFTER;
        if (of_place && !places_known(x.ad.places))
            continue;
        if (told[k] == is_never_told(k))
            fail_msg("%s is %s", fact_info[k].name,
                     told[k] ? "said, and stands on the list of those that are not" : "never said");
    }
    end(&x);
}

/* A rule that is off may ask what it likes. */
TEST(no_rule_in_force_asks_what_nobody_says)
{
    struct ruleset *rs = shipped_book();
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        const struct rule *r = ruleset_rule(rs, i);
        for (uint8_t k = 0; k < r->facts.n && rule_mode_of(r) != MODE_OFF; k++)
            if (is_never_told(r->facts.fact[k]))
                fail_msg("%s asks for %s, which nobody says: mode: off", rule_id(r), fact_info[r->facts.fact[k]].name);
    }
    ruleset_free(rs);
}

/* ---- numbers and the rules of their countries ---- */

#define WEAK       "consent.status granted, consent.rank listed"
#define CLOCK(utc) "recipient.utc_min " utc ", recipient.utc_max " utc
#define NIGHT      "2026-11-29T03:00:00Z" /* of a Sunday, by the clock of CLOCK("0") */
#define NOON       "2026-11-25T12:00:00Z"

static const struct {
    const char *number, *country, *rule, *given, *now;
} numbers[] = {
    {"5355512345", "CU", "recipient.embargo", "", NOON},
    {"982112345678", "IR", "recipient.embargo", "", NOON},
    {"850212345678", "KP", "recipient.embargo", "", NOON},
    {"963111234567", "SY", "recipient.embargo", "", NOON},
    {"5511912345678", "BR", "recipient.cross_border", "", NOON},
    {"12125550100", "US", "recipient.country", "", NOON},
    {"18005550100", "US", "recipient.country", "", NOON},
    {"12125550100", "US", "consent.weak.us", WEAK, NOON},
    {"12125550100", "US", "quiet.hours.us", CLOCK("0"), NIGHT},
    {"14165550100", "CA", "consent.expired.ca", "consent.status granted, consent.rank asserted, consent.at now-730d",
     NOON},
    {"14165550100", "CA", "quiet.hours.ca", CLOCK("0"), NIGHT},
    {"971501234567", "AE", "quiet.hours.ae", CLOCK("0"), NIGHT},
    {"61412345678", "AU", "quiet.hours.au", CLOCK("0"), NIGHT},
    {"5511912345678", "BR", "consent.weak.br", WEAK, NOON},
    {"5511912345678", "BR", "quiet.hours.br", CLOCK("0"), NIGHT},
    {"573001234567", "CO", "quiet.hours.co", CLOCK("0"), NIGHT},
    {"573001234567", "CO", "quiet.holiday.co", CLOCK("-300"), "2026-12-08T17:00:00Z"},
    {"573001234567", "CO", "cap.contact.co", "marketing.sent.1 now-1h", NOON},
    {"4915112345678", "DE", "consent.weak.de", "consent.status granted, consent.rank written", NOON},
    {"4915112345678", "DE", "quiet.hours.de", CLOCK("0"), NIGHT},
    {"393123456789", "IT", "consent.weak.eu", WEAK, NOON},
    {"4740612345", "NO", "consent.weak.eu", WEAK, NOON},
    {"358412345678", "FI", "consent.weak.eu", WEAK, NOON},
    {"35818123456", "AX", "consent.weak.eu", WEAK, NOON},
    {"590690001234", "GP", "consent.weak.eu", WEAK, NOON},
    {"594694123456", "GF", "consent.weak.eu", WEAK, NOON},
    {"596696123456", "MQ", "consent.weak.eu", WEAK, NOON},
    {"262692123456", "RE", "consent.weak.eu", WEAK, NOON},
    {"262639012345", "YT", "consent.weak.eu", WEAK, NOON},
    {"393123456789", "IT", "consent.expired.eu", "consent.status granted, consent.at now-730d", NOON},
    {"33612345678", "FR", "quiet.hours.fr", CLOCK("0"), NIGHT},
    {"33612345678", "FR", "quiet.holiday.fr", CLOCK("60"), "2026-12-25T11:00:00Z"},
    {"33612345678", "FR", "quiet.calls.fr", CLOCK("0"), NIGHT},
    {"33612345678", "FR", "consent.expired.fr",
     "consent.status granted, consent.at now-1095d, window.last_inbound never", NOON},
    {"447700900123", "GB", "consent.weak.gb", WEAK, NOON},
    {"447700900123", "GB", "quiet.hours.gb", CLOCK("0"), NIGHT},
    {"353851234567", "IE", "quiet.hours.ie", CLOCK("0"), NIGHT},
    {"919876543210", "IN", "quiet.hours.in", CLOCK("0"), NIGHT},
    {"919876543210", "IN", "consent.weak.in", WEAK, "2027-05-14T07:00:00Z"},
    {"96550012345", "KW", "quiet.hours.kw", CLOCK("0"), NIGHT},
    {"77710009998", "KZ", "quiet.hours.kz", CLOCK("0"), NIGHT},
    {"5215512345678", "MX", "quiet.hours.mx", CLOCK("0"), NIGHT},
    {"31612345678", "NL", "quiet.hours.nl", CLOCK("0"), NIGHT},
    {"64211234567", "NZ", "consent.weak.nz", WEAK, NOON},
    {"64211234567", "NZ", "quiet.hours.nz", CLOCK("0"), NIGHT},
    {"79123456789", "RU", "recipient.country.ru", "", NOON},
    {"79123456789", "RU", "consent.weak.ru", WEAK, NOON},
    {"905321234567", "TR", "consent.weak.tr", WEAK, NOON},
    {"27821234567", "ZA", "quiet.hours.za", CLOCK("0"), NIGHT},
    {"27821234567", "ZA", "quiet.holiday.za", CLOCK("120"), "2026-12-16T12:00:00Z"},
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static void add_facts(struct facts *f, const char *text, int64_t now)
{
    struct str rest = str_of(text);
    while (rest.n > 0) {
        struct err e = {0};
        struct str pair = str_trim(str_cut(rest, ',', &rest)), value = {NULL, 0};
        struct str name = str_cut(pair, ' ', &value);
        assert_ok(facts_read(f, name, str_trim(value), now, &e), e);
    }
}

/* Whether the rule fires, and knows why, for a marketing template to this number. */
static bool speaks(struct ax *x, const struct ruleset *rs, size_t i, const char *number,
                   char country[9] /* NUL at its end */)
{
    char body[512];
    struct intent in;
    struct send s;
    struct finding fi;
    int64_t now = 0;
    snprintf(body, sizeof body, TEMPLATE("\"to\":\"%s\""), number);
    gather(x, body, &in, &s);
    for (int k = 0; k < 8; k++)
        country[k] = (char)(s.facts.value[FACT_RECIPIENT_COUNTRY] >> (8 * k) & 0xff);
    assert_true(time_parse(numbers[i].now, strlen(numbers[i].now), &now));
    add_facts(&s.facts, numbers[i].given, now);
    const struct rule *r = ruleset_find(rs, numbers[i].rule);
    assert_non_null(r);
    return rule_judge(rs, r, &s.facts, now, &fi) && !fi.unknown;
}

TEST(a_number_is_judged_by_the_rules_of_its_country)
{
    struct ruleset *rs = shipped_book();
    struct ax x;
    start(&x);
    for (size_t i = 0; i < NUMBERS; i++) {
        char country[9] = "";
        if (!speaks(&x, rs, i, numbers[i].number, country) || strcmp(country, numbers[i].country) != 0)
            fail_msg("%s: country %s, %s is silent or is not sure", numbers[i].number, country, numbers[i].rule);
        if (speaks(&x, rs, i, "51912345678", country))
            fail_msg("%s speaks of a number of Peru", numbers[i].rule);
    }
    for (size_t k = 0; k < ruleset_count(rs); k++) {
        const struct rule *r = ruleset_rule(rs, k);
        bool asks = false, there = false;
        for (uint8_t n = 0; n < r->facts.n; n++)
            asks = asks || r->facts.fact[n] == FACT_RECIPIENT_COUNTRY;
        for (size_t i = 0; i < NUMBERS; i++)
            there = there || strcmp(numbers[i].rule, rule_id(r)) == 0;
        if (asks && !there)
            fail_msg("no number for %s", rule_id(r));
    }
    end(&x);
    ruleset_free(rs);
}

TESTS(T(an_opt_in_is_proven_by_a_checkpoint_over_it), T(every_fact_is_said_of_some_message),
      T(no_rule_in_force_asks_what_nobody_says), T(a_number_is_judged_by_the_rules_of_its_country))
