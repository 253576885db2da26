/* SPDX-License-Identifier: Apache-2.0
 * admit_facts.c - what the rules may ask about a send, from the two places that know it.
 *
 * A face knows the message, the number, the account and the template: send_facts(), on the face's thread, from the
 * snapshot, and again on the writer's when a send was held: a template may have been paused meanwhile. The door knows the
 * person, where they may be, what they got, how fast the number goes and how full the portfolio is: person_facts(), on
 * the writer's thread, each time a send is judged. What nobody knows
 * is left unset and never guessed; rules say what follows. Marketing messages of a person count for messages that are
 * marketing; duplicates are looked for among marketing templates only, so that two order updates never are any. */
#include <stdio.h>
#include <stdlib.h>

#include "core/phone_country.h"
#include "core/test_number.h"
#include "gateway/admit_impl.h"
#include "gateway/campaigns.h"
#include "gateway/checkpoints.h"
#include "gateway/content.h"
#include "store/senders.h"

#define WINDOW_MS   INT64_C(86400000)
#define TTL_MS      (30 * WINDOW_MS)
#define CODE_TTL_MS INT64_C(600000) /* an authentication template that asks for nothing else */

/* --- what a face can gather -------------------------------------------------------------------------------------- */

/* How the template stands; NULL: there is none, or nobody knows. */
static const struct known_template *template_facts(struct send *s, const struct snapshot *snap)
{
    const struct intent *in = s->intent;
    struct facts *f = &s->facts;
    const struct sender *number = snapshot_sender(snap, s->sender);
    if (in->kind != INTENT_TEMPLATE || number == NULL || number->waba == 0)
        return NULL; /* unknown: the rules say what follows */
    const struct known_template *t = snapshot_template(snap, number->waba, in->template_name, str_of(in->language));
    fact_set(f, FACT_TEMPLATE_KNOWN, t != NULL);
    if (t == NULL)
        return NULL;
    fact_set(f, FACT_TEMPLATE_STATUS, t->status);
    if (t->status_at != 0)
        fact_set(f, FACT_TEMPLATE_STATUS_AT, t->status_at);
    if (t->quality >= 0)
        fact_set(f, FACT_TEMPLATE_QUALITY, t->quality);
    if (t->category != CATEGORY_UNKNOWN)
        fact_set(f, FACT_MESSAGE_CATEGORY, t->category);
    return t;
}

/* What the message's words make of the template. */
static void words_facts(struct send *s, const struct known_template *t)
{
    const struct intent *in = s->intent;
    struct facts *f = &s->facts;
    fact_set(f, FACT_TEMPLATE_FIT, t->spec ? template_check(t->spec, in->components, NULL) : FIT_OK);
    if (t->skeleton == 0)
        return;
    s->content = content_of(t->skeleton, t->fixed, in->components);
    fact_set(f, FACT_MESSAGE_SKELETON, t->skeleton);
}

/* The country of a user id, or the main one of a number. */
static void country_fact(const struct gateway *g, struct facts *f, enum fact_id id, const struct identity *who)
{
    char text[3] = "";
    if (who->kind == IDENTITY_PHONE)
        phone_country(&g->phones, strtoull(who->value, NULL, 10), text);
    else if (who->kind == IDENTITY_USER_ID || who->kind == IDENTITY_PARENT_ID)
        snprintf(text, sizeof text, "%.2s", who->value);
    fact_set_code(f, id, text);
}

/* What the numbering plans say of a number. */
static void line_facts(const struct gateway *g, struct facts *f, const struct identity *who)
{
    struct phone_number n;
    if (who->kind != IDENTITY_PHONE)
        return;
    uint64_t e164 = strtoull(who->value, NULL, 10);
    fact_set(f, FACT_RECIPIENT_LINE, phone_number_of_e164(&g->phones, e164, &n) ? n.type : PHONE_UNKNOWN_TYPE);
    if (g->test_refused)
        fact_set(f, FACT_RECIPIENT_TEST, test_number(&g->phones, e164, NULL) != TEST_NUMBER_NOT);
}

static int quality_word(const char *said)
{
    char word[16];
    size_t n = 0;
    for (; said[n] != '\0' && n < sizeof word - 1; n++)
        word[n] = said[n] >= 'A' && said[n] <= 'Z' ? (char)(said[n] - 'A' + 'a') : said[n];
    return fact_word(FACT_SENDER_QUALITY, (struct str){word, n});
}

static void sender_facts(struct send *s, const struct sender *number)
{
    struct facts *f = &s->facts;
    struct identity own;
    bool has_phone = identity_phone(str_of(number->display_phone), &own, NULL) == 0;
    int quality = quality_word(number->quality);
    s->per_second = number->per_second;
    fact_set(f, FACT_SENDER_STATUS, number->status);
    fact_set(f, FACT_SENDER_SPAM_AT, number->spam_at);
    if (quality >= 0)
        fact_set(f, FACT_SENDER_QUALITY, quality);
    if (!has_phone)
        return;
    country_fact(s->g, f, FACT_SENDER_COUNTRY, &own);
    const struct identity *to = &s->intent->to;
    if (to->kind == IDENTITY_PHONE && strcmp(own.value, to->value) == 0)
        fact_set(f, FACT_RECIPIENT_IS_SENDER, true);
}

/* What Meta said about the account; nothing said means nothing in the way, but tells no limit. */
static void account_facts(struct send *s, const struct snapshot *snap, int64_t waba)
{
    static const struct account unheard = {.limit = -1};
    struct facts *f = &s->facts;
    if (waba == 0)
        return;
    const struct account *a = snapshot_account(snap, waba);
    if (a == NULL)
        a = &unheard;
    s->waba = waba;
    s->portfolio = a->portfolio != 0 ? a->portfolio : waba;
    s->limit = a->limit;
    fact_set(f, FACT_ACCOUNT_STATE, account_standing(a));
    fact_set(f, FACT_ACCOUNT_TEMPLATES_UNTIL, a->no_templates_until);
    fact_set(f, FACT_ACCOUNT_MESSAGES_UNTIL, a->no_messages_until);
    fact_set(f, FACT_ACCOUNT_UTILITY_UNTIL, a->no_utility_until);
    fact_set(f, FACT_ACCOUNT_DIRECT_UNTIL, a->no_direct_until);
    fact_set(f, FACT_ACCOUNT_PAYMENT_AT, a->payment_failed_at);
    fact_set(f, FACT_ACCOUNT_MISUSE_AT, a->misuse_at);
}

enum category send_category(const struct send *s)
{
    const struct facts *f = &s->facts;
    return f->known[FACT_MESSAGE_CATEGORY] ? (enum category)f->value[FACT_MESSAGE_CATEGORY] : CATEGORY_UNKNOWN;
}

/* For how long Meta tries to deliver it (docs/platform.md §1.1, §5.1). The time a marketing template asks for is kept by
 * the Marketing Messages API only; too long a time here says "expired" late, too short a one says it of what may arrive. */
static int64_t delivery_time(const struct send *s, const struct known_template *t)
{
    enum category c = send_category(s);
    int64_t told = t != NULL && t->spec != NULL ? template_ttl(t->spec) : 0;
    if (c == CATEGORY_MARKETING && s->intent->path != PATH_MARKETING_MESSAGES)
        told = 0;
    if (told > 0)
        return told * 1000;
    return c == CATEGORY_AUTHENTICATION && told == 0 ? CODE_TTL_MS : TTL_MS;
}

/* Everything but the message's words; anew, whatever was there. */
static const struct known_template *standing_facts(struct send *s, const struct snapshot *snap)
{
    const struct intent *in = s->intent;
    const struct sender *number = snapshot_sender(snap, s->sender);
    struct facts *f = &s->facts;
    s->facts = (struct facts){0};
    s->waba = s->portfolio = s->per_second = 0;
    s->limit = -1;
    fact_set(f, FACT_MESSAGE_KIND, in->kind);
    fact_set(f, FACT_MESSAGE_PATH, in->path);
    fact_set(f, FACT_MESSAGE_TYPE_REACTION, strcmp(in->type, "reaction") == 0);
    fact_set(f, FACT_MESSAGE_EXPECTED, s->expected);
    if (in->kind == INTENT_FREEFORM)
        fact_set(f, FACT_MESSAGE_CATEGORY, CATEGORY_SERVICE);
    else if (in->category != CATEGORY_UNKNOWN)
        fact_set(f, FACT_MESSAGE_CATEGORY, in->category);
    fact_set(f, FACT_RECIPIENT_FORM, in->to.kind);
    fact_set(f, FACT_RECIPIENT_VALID, in->to.kind != IDENTITY_NONE);
    fact_set(f, FACT_RECIPIENT_IS_SENDER, false);
    country_fact(s->g, f, FACT_RECIPIENT_COUNTRY, &in->to);
    line_facts(s->g, f, &in->to);
    if (number != NULL) {
        sender_facts(s, number);
        account_facts(s, snap, number->waba);
    }
    const struct known_template *t = template_facts(s, snap);
    s->ttl = delivery_time(s, t);
    return t;
}

void send_facts(struct send *s, const struct snapshot *snap)
{
    const struct known_template *t = standing_facts(s, snap);
    s->content = (struct content_sent){0};
    if (t != NULL)
        words_facts(s, t);
}

void send_facts_again(struct send *s, const struct snapshot *snap)
{
    static const enum fact_id words[] = {FACT_TEMPLATE_FIT, FACT_MESSAGE_SKELETON};
    struct facts before = s->facts;
    standing_facts(s, snap);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (before.known[words[i]])
            fact_set(&s->facts, words[i], before.value[words[i]]);
}

int send_expects(struct send *s, struct str word, const char *field, struct err *e)
{
    word = str_trim(word);
    if (word.n == 0)
        return 0;
    enum category c = category_parse(word);
    if (c == CATEGORY_UNKNOWN)
        return err_set(e, WL_EINVAL, "%s: '%.*s' is no category; say marketing, utility, authentication or service",
                       field, word.n > 40 ? 40 : (int)word.n, word.p);
    s->expected = c;
    return 0;
}

/* --- values of the rules ----------------------------------------------------------------------------------------- */

static int64_t value(const struct rules_book *book, const char *rule, const char *name, int64_t now, int64_t otherwise)
{
    int64_t v;
    return ruleset_value(book->ruleset, rule, name, now, &v) == 0 ? v : otherwise;
}

void rule_values_read(struct rule_values *v, const struct rules_book *book, int64_t now)
{
    if (v->book == book && v->second == now / 1000)
        return;
    v->book = book;
    v->second = now / 1000;
    v->pair_interval = value(book, "pair.rate", "interval", now, 0);
    v->window = value(book, "window.closed", "window", now, WINDOW_MS) - value(book, "window.closed", "margin", now, 0);
    v->standard = value(book, "sender.rate", "standard", now, 80);
    v->high = value(book, "sender.rate", "high", now, 1000);
    v->coexistence = value(book, "sender.rate", "coexistence", now, 20);
    v->burst = value(book, "sender.rate", "burst", now, 0);
    v->reserve = value(book, "portfolio.unique.marketing", "reserve", now, 0);
    v->same = (int)value(book, "duplicate.same", "similarity", now, SIMILAR_SAME);
    v->near = (int)value(book, "duplicate.near", "similarity", now, SIMILAR_NEAR);
    v->proof_soon = value(book, "consent.unproven", "soon", now, 0);
}

/* Meta's three speeds have their numbers in the rules; any other was told by Meta itself. */
struct pace speed_pace(const struct rule_values *v, int64_t per_second)
{
    switch (per_second) {
    case 0:
    case 80:
        per_second = v->standard;
        break;
    case 1000:
        per_second = v->high;
        break;
    case 20:
        per_second = v->coexistence;
        break;
    default:
        break;
    }
    return pace_of(per_second, v->burst);
}

struct pace send_pace(const struct batch *b, const struct send *s)
{
    return speed_pace(b->values, s->per_second);
}

/* --- what the door knows ----------------------------------------------------------------------------------------- */

/* Set below only where they are known: forgotten first, because a held send is judged more than once. */
static void forget(struct facts *f)
{
    static const uint8_t mine[] = {FACT_RECIPIENT_UTC_MIN,       FACT_RECIPIENT_UTC_MAX,
                                   FACT_RECIPIENT_UTC_CHANGE_AT, FACT_RECIPIENT_UTC_MIN_AFTER,
                                   FACT_RECIPIENT_UTC_MAX_AFTER, FACT_DUPLICATE_OF,
                                   FACT_SENDER_FREE_AT,          FACT_CONSENT_PROOF,
                                   FACT_CAMPAIGN_STATE,          FACT_CAMPAIGN_SOURCE,
                                   FACT_CAMPAIGN_LATEST,         FACT_CAMPAIGN_OPEN_AT};
    for (size_t i = 0; i < sizeof mine; i++)
        f->known[mine[i]] = false;
}

/* Without a ledger that is signed there is nothing to prove by, and the fact stays unknown. */
static void proof_fact(struct facts *f, const struct person *p, const struct checkpoints *ledger)
{
    if (ledger == NULL)
        return;
    bool said = p->id != 0 && p->leaf >= 0;
    fact_set(f, FACT_CONSENT_PROOF,
             !said                                  ? PROOF_NONE
             : p->leaf < checkpoints_sealed(ledger) ? PROOF_SEALED
                                                    : PROOF_PENDING);
}

static void consent_facts(struct facts *f, const struct person *p, int64_t category)
{
    static const struct consent_state nothing;
    const struct consent_state *c = &p->consent;
    bool consented = category >= CATEGORY_MARKETING && category < CATEGORY_COUNT;
    const struct consent_word *word = consented ? &c->of[category] : &nothing.of[CATEGORY_UNKNOWN];
    fact_set(f, FACT_CONSENT_STATUS, word->status);
    fact_set(f, FACT_CONSENT_AT, word->at);
    fact_set(f, FACT_CONSENT_RANK, word->rank);
    fact_set(f, FACT_CONSENT_UNTIL, word->until);
    fact_set(f, FACT_CONSENT_PLATFORM_STOP, c->platform_stop);
    fact_set(f, FACT_CONSENT_PLATFORM_AT, c->platform_at);
}

static void place_facts(struct facts *f, const struct whereabouts *w)
{
    fact_set(f, FACT_RECIPIENT_UTC_MIN, w->min);
    fact_set(f, FACT_RECIPIENT_UTC_MAX, w->max);
    fact_set(f, FACT_RECIPIENT_UTC_CHANGE_AT, w->change_at);
    fact_set(f, FACT_RECIPIENT_UTC_MIN_AFTER, w->min_after);
    fact_set(f, FACT_RECIPIENT_UTC_MAX_AFTER, w->max_after);
}

enum { STANDS_RUNNING, STANDS_HELD, STANDS_STOPPED }; /* the words of campaign.state in their order */
enum { SOURCE_GOING, SOURCE_QUARANTINED };

static int64_t standing(const struct campaign_now *c)
{
    return c->state == CAMPAIGN_RUNNING ? STANDS_RUNNING : c->state == CAMPAIGN_HELD ? STANDS_HELD : STANDS_STOPPED;
}

/* When the campaign's hours begin where the person may be; one that does not begin as far as is looked is looked for again then. */
static int64_t opens_at(const struct campaign_now *c, const struct whereabouts *w, int64_t now)
{
    if (hours_open(&c->hours, w, now))
        return 0;
    int64_t at = next_opening(&c->hours, NULL, w, now);
    return at != 0 ? at : now + CALENDAR_HORIZON_DAYS * WINDOW_MS;
}

/* How its campaign stands. Of one that nobody knows nothing leaves; while one is checked it is asked as if it ran. w NULL: nobody knows where
 * the person is. */
static void campaign_facts(const struct batch *b, struct send *s, const struct whereabouts *w)
{
    struct campaign_now c = {.state = CAMPAIGN_STOPPED};
    struct facts *f = &s->facts;
    if (s->campaign == 0)
        return;
    if (!campaigns_now(b->ad->g->campaigns, s->campaign, s->stratum, &c))
        c = (struct campaign_now){.state = CAMPAIGN_STOPPED};
    if (s->mode == SEND_JUDGE) {
        c.state = CAMPAIGN_RUNNING;
        c.quarantined = false;
    }
    fact_set(f, FACT_CAMPAIGN_STATE, standing(&c));
    fact_set(f, FACT_CAMPAIGN_SOURCE, c.quarantined ? SOURCE_QUARANTINED : SOURCE_GOING);
    if (c.latest != 0)
        fact_set(f, FACT_CAMPAIGN_LATEST, c.latest);
    if (!c.has_hours || w != NULL)
        fact_set(f, FACT_CAMPAIGN_OPEN_AT, c.has_hours ? opens_at(&c, w, b->now) : 0);
}

static void received_facts(const struct batch *b, struct send *s, const struct person *p, int64_t category)
{
    struct facts *f = &s->facts;
    if (category == CATEGORY_MARKETING) {
        caps_facts(&p->caps, f);
    } else {
        fact_set(f, FACT_RECIPIENT_ENGAGEMENT_AT, p->caps.engagement_at);
        fact_set(f, FACT_RECIPIENT_EXPERIMENT_AT, p->caps.experiment_at);
    }
    if (s->content.skeleton == 0)
        return;
    content_facts(&s->content, &p->caps, b->snap, b->values->same, b->values->near, f);
}

/* The wait is measured by the monotonic clock and told in the time the rules decide by. */
static void pace_fact(const struct batch *b, struct send *s)
{
    int64_t when = pace_free_at(b, s);
    if (when < 0)
        return;
    int64_t wait_us = when > b->mono_us ? when - b->mono_us : 0;
    fact_set(&s->facts, FACT_SENDER_FREE_AT, b->now + (wait_us + 999) / 1000);
}

static void portfolio_facts(const struct batch *b, struct send *s, const struct about *about)
{
    static const struct budget empty;
    if (s->waba == 0)
        return;
    const struct budget *budget = about->portfolio != NULL ? &about->portfolio->p.budget : &empty;
    int64_t opened_at = about->reach != NULL ? about->reach->r.opened_at : 0;
    bool counted =
        about->in_window || s->intent->to.kind == IDENTITY_GROUP || budget_counted(budget, opened_at, b->now);
    budget_facts(budget, s->limit, (int)b->values->reserve, counted, b->now, &s->facts);
}

void person_facts(const struct batch *b, struct send *s, const struct about *about)
{
    static const struct person nobody;
    static const struct pair no_pair;
    struct facts *f = &s->facts;
    struct whereabouts w;
    int64_t category = send_category(s);
    forget(f);
    pace_fact(b, s);
    if (s->intent->to.kind == IDENTITY_NONE)
        return; /* nobody is named: what one would know of a person stays unknown */
    const struct person *p = about->person != NULL ? &about->person->p : &nobody;
    const struct pair *pair = about->pair != NULL ? &about->pair->p : &no_pair;
    consent_facts(f, p, category);
    proof_fact(f, p, b->ad->g->checkpoints);
    fact_set(f, FACT_RECIPIENT_RESTRICTED, p->restricted_until != 0);
    fact_set(f, FACT_RECIPIENT_UNDELIVERABLE_AT, p->undeliverable_at);
    fact_set(f, FACT_WINDOW_LAST_INBOUND, pair->last_inbound);
    fact_set(f, FACT_PAIR_TAT, pair->tat);
    bool placed = places_find(b->ad->places, p->zone, &s->intent->to, b->now, &w);
    if (placed)
        place_facts(f, &w);
    campaign_facts(b, s, placed ? &w : NULL);
    received_facts(b, s, p, category);
    portfolio_facts(b, s, about);
}
