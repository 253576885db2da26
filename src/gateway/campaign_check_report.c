/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_report.c - what a check found, as JSON: the funnel from everybody to those who get a message, and everything on the way.
 *
 * Nobody is named but by the id of their contact, and no value of anybody is told. docs/campaigns.md explains each member. Counts of people are of
 * those who get a message, where the name does not say otherwise. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "gateway/campaign_check_impl.h"
#include "gateway/campaign_listings.h"
#include "gateway/rest_impl.h"

static void put_sample(struct json_out *o, const struct check_sample *s)
{
    char id[48];
    jo_key(o, "sample");
    jo_array(o);
    for (size_t i = 0; i < s->n; i++) {
        snprintf(id, sizeof id, "c%lld-%d", (long long)s->contact[i], CHECK_BUCKET);
        jo_cstr(o, id);
    }
    jo_end(o);
}

static void put_id(struct json_out *o, const char *key, int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    jo_kcstr(o, key, text);
}

static void put_problems(struct json_out *o, const struct check *c)
{
    jo_kint(o, "errors", (int64_t)c->n_errors);
    jo_kint(o, "warnings", (int64_t)(c->n_problems - c->n_errors));
    jo_key(o, "problems");
    jo_array(o);
    for (int error = 1; error >= 0; error--)
        for (size_t i = 0; i < c->n_problems; i++) {
            const struct check_problem *p = &c->problem[i];
            if (p->error != error)
                continue;
            jo_object(o);
            jo_kcstr(o, "level", p->error ? "error" : "warning");
            jo_kcstr(o, "what", p->what);
            jo_kcstr(o, "field", p->field);
            jo_kcstr(o, "text", p->text);
            jo_kint(o, "people", p->people);
            put_sample(o, &p->sample);
            jo_end(o);
        }
    jo_end(o);
}

static void put_tallies(struct json_out *o, const struct check *c, bool held)
{
    jo_key(o, held ? "held" : "skipped");
    jo_array(o);
    for (size_t i = 0; i < c->n_tallies; i++) {
        const struct check_tally *t = &c->tally[i];
        if ((t->skip == SKIP_NONE) != held || t->people == 0)
            continue;
        jo_object(o);
        if (!held)
            jo_kcstr(o, "reason", campaign_skip_name(t->skip));
        jo_kstr(o, "rule", t->rule);
        jo_kint(o, "people", t->people);
        if (held) {
            rest_time(o, "first_until", t->first_until);
            rest_time(o, "last_until", t->last_until);
        }
        put_sample(o, &t->sample);
        jo_end(o);
    }
    jo_end(o);
}

static void put_funnel(struct json_out *o, const struct check *c)
{
    jo_key(o, "funnel");
    jo_object(o);
    jo_kint(o, "known", c->au != NULL ? (int64_t)audience_people(c->au) : 0);
    jo_kint(o, "segment", c->n_segment);
    jo_kint(o, "reachable", c->n_reachable);
    put_tallies(o, c, false);
    put_tallies(o, c, true);
    jo_kint(o, "people", (int64_t)c->n_order);
    jo_end(o);
}

static void put_segment(struct json_out *o, const struct check *c)
{
    struct buf says;
    jo_key(o, "segment");
    if (c->segment == NULL) {
        jo_null(o);
        return;
    }
    buf_init(&says, 16u << 10);
    segment_say(c->segment, &says);
    jo_object(o);
    jo_key(o, "name");
    if (c->def->segment.n > 0)
        jo_str(o, c->def->segment);
    else
        jo_null(o);
    jo_kint(o, "version", c->segment_version);
    jo_kstr(o, "says", buf_str(&says));
    jo_end(o);
    buf_done(&says);
}

static void put_numbers(struct json_out *o, const struct check *c)
{
    static const char *const ways[] = {"sticky", "route", "country", "share"};
    jo_key(o, "numbers");
    jo_array(o);
    for (size_t i = 0; i < c->def->n_numbers; i++) {
        const struct check_number *n = &c->number[i];
        jo_object(o);
        put_id(o, "number", c->def->number[i]);
        jo_kcstr(o, "shown", n->sender != NULL ? n->sender->display_phone : NULL);
        jo_kint(o, "people", n->people);
        jo_kint(o, "per_second", n->per_second);
        for (size_t k = 0; k < CHECK_WAYS; k++)
            jo_kint(o, ways[k], n->by[k]);
        jo_end(o);
    }
    jo_end(o);
}

static void put_variants(struct json_out *o, const struct check *c)
{
    jo_key(o, "variants");
    jo_array(o);
    for (size_t v = 0; v < c->def->n_variants; v++) {
        jo_object(o);
        jo_kstr(o, "template", c->def->variant[v].name);
        jo_kint(o, "weight", c->def->variant[v].weight);
        jo_kint(o, "people", c->by_variant[v]);
        jo_end(o);
    }
    jo_end(o);
    jo_key(o, "languages");
    jo_array(o);
    for (size_t v = 0; v < c->def->n_variants; v++)
        for (size_t l = 0; l < c->n_languages; l++) {
            if (c->by_language[v][l] == 0)
                continue;
            jo_object(o);
            jo_kstr(o, "template", c->def->variant[v].name);
            jo_kstr(o, "language", c->language[l]);
            jo_kint(o, "people", c->by_language[v][l]);
            jo_end(o);
        }
    jo_end(o);
}

/* Those with the most people first is for who shows it; here by their letters. */
static void put_countries(struct json_out *o, const struct check *c, const char *key, const char *category)
{
    char country[3] = "";
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < CHECK_COUNTRIES; i++) {
        if (c->by_country[i] == 0)
            continue;
        country[0] = (char)('A' + i / 26);
        country[1] = (char)('A' + i % 26);
        jo_object(o);
        if (category != NULL)
            jo_kcstr(o, "category", category);
        jo_kcstr(o, "country", i < CHECK_COUNTRIES - 1 ? country : "");
        jo_kint(o, "people", c->by_country[i]);
        jo_end(o);
    }
    jo_end(o);
}

static void put_sources(struct json_out *o, const struct check *c)
{
    jo_key(o, "sources");
    jo_array(o);
    for (size_t i = 0; i < c->n_sources; i++) {
        if (c->source[i].people == 0)
            continue;
        jo_object(o);
        jo_kint(o, "stratum", (int64_t)i);
        put_id(o, "source", c->source[i].id);
        jo_kstr(o, "name", c->source[i].name);
        jo_kint(o, "people", c->source[i].people);
        jo_end(o);
    }
    jo_end(o);
}

static void put_parameters(struct json_out *o, const struct check *c)
{
    char where[64];
    jo_key(o, "parameters");
    jo_array(o);
    for (size_t v = 0; v < c->def->n_variants; v++)
        for (size_t i = 0; i < c->def->variant[v].n_slots; i++) {
            const struct campaign_slot *slot = &c->def->variant[v].slot[i];
            const struct check_slot *s = &c->slot[v][i];
            if (slot->attribute.n == 0)
                continue;
            jo_object(o);
            jo_kstr(o, "template", c->def->variant[v].name);
            jo_kcstr(o, "parameter", check_slot_name(&c->def->variant[v], i, where));
            jo_kstr(o, "attribute", slot->attribute);
            jo_kint(o, "missing", s->missing);
            jo_kint(o, "refused", s->refused);
            jo_kint(o, "defaulted", s->defaulted);
            put_sample(o, &s->sample);
            jo_end(o);
        }
    jo_end(o);
}

static void put_templates(struct json_out *o, const struct check *c)
{
    uint8_t hash[SHA256_BYTES];
    char text[SHA256_HEX];
    struct json_parser *parser = json_parser_create();
    jo_key(o, "templates");
    jo_array(o);
    for (size_t i = 0; i < c->n_listings; i++) {
        const struct template_row *t = c->listing[i].row;
        memset(hash, 0, sizeof hash); /* of what cannot be read, and is not sent */
        (void)campaign_listing_hash(parser, t->listing, hash, NULL);
        hex_encode(hash, SHA256_BYTES, text);
        jo_object(o);
        jo_kstr(o, "template", t->name);
        jo_kstr(o, "language", t->language);
        put_id(o, "account", t->waba);
        jo_kcstr(o, "status", template_status_name(t->status));
        jo_kstr(o, "quality", t->quality);
        jo_kcstr(o, "category", category_name(t->category));
        jo_kcstr(o, "listing", text);
        jo_kbool(o, "usable", c->listing[i].usable);
        jo_end(o);
    }
    jo_end(o);
    json_parser_free(parser);
    jo_key(o, "duplicates");
    jo_array(o);
    for (size_t i = 0; i < c->n_duplicates; i++) {
        const struct check_duplicate *d = &c->duplicate[i];
        jo_object(o);
        jo_kstr(o, "template", d->of->row->name);
        jo_kstr(o, "language", d->of->row->language);
        jo_key(o, "like");
        jo_object(o);
        jo_kstr(o, "template", d->like->name);
        jo_kstr(o, "language", d->like->language);
        jo_kcstr(o, "status", template_status_name(d->like->status));
        jo_kstr(o, "quality", d->like->quality);
        jo_end(o);
        jo_kint(o, "permille", d->permille);
        jo_end(o);
    }
    jo_end(o);
}

/* By days of UTC; hours without anybody are left out. */
static void put_days(struct json_out *o, const struct check *c)
{
    int64_t start = (c->def->start_at > c->now ? c->def->start_at : c->now) / 3600000;
    int64_t day = -1, people = 0;
    char text[TIME_TEXT];
    jo_key(o, "days");
    jo_array(o);
    for (int64_t h = 0; h <= 24 * FORECAST_DAYS; h++) {
        int64_t n = h < 24 * FORECAST_DAYS ? c->forecast.each_hour[h] : 0, d = (start + h) / 24;
        if ((d != day || h == 24 * FORECAST_DAYS) && people > 0) {
            time_text(day * 86400000, text);
            text[10] = '\0';
            jo_object(o);
            jo_kcstr(o, "day", text);
            jo_kint(o, "people", people);
            jo_end(o);
            people = 0;
        }
        day = d;
        people += n;
    }
    jo_end(o);
}

/* As hours_parse() reads them; null: at all hours. */
static void put_hours(struct json_out *o, const char *key, const struct hours *h)
{
    struct buf text;
    buf_init(&text, 1024);
    jo_key(o, key);
    if (h != NULL) {
        hours_text(h, &text);
        jo_str(o, buf_str(&text));
    } else {
        jo_null(o);
    }
    buf_done(&text);
}

static void put_forecast(struct json_out *o, const struct check *c)
{
    static const char *const ramps[] = {"standard", "careful", "fast"};
    jo_key(o, "ramp");
    jo_object(o);
    jo_kcstr(o, "kind", ramps[c->ramp]);
    jo_kbool(o, "given", c->def->ramp_given);
    jo_kcstr(o, "why", c->ramp_why);
    jo_end(o);
    jo_key(o, "forecast");
    jo_object(o);
    rest_time(o, "first_at", c->forecast.first_at);
    rest_time(o, "done_at", c->forecast.done_at);
    jo_kint(o, "by_deadline", c->forecast.by_deadline);
    put_hours(o, "hours", c->def->has_hours ? &c->def->hours : NULL);
    put_hours(o, "rules_hours", c->has_quiet ? &c->quiet : NULL);
    jo_key(o, "why");
    jo_array(o);
    for (size_t i = 0; i < 3 && c->forecast.why[i][0] != '\0'; i++)
        jo_cstr(o, c->forecast.why[i]);
    jo_end(o);
    put_days(o, c);
    jo_end(o);
}

static void put_monitors(struct json_out *o, const struct check *c)
{
    static const int64_t people[] = {200, 600, 2000};
    jo_key(o, "monitors");
    jo_object(o);
    jo_key(o, "terms");
    jo_raw(o, buf_str(&c->terms_text));
    jo_kint(o, "learned_from", c->terms.learned_from);
    jo_key(o, "stop_lines");
    jo_array(o);
    for (int s = 0; s < MONITOR_SIGNALS; s++)
        for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
            int64_t line = monitor_stop_line(&c->terms, (enum monitor_signal)s, people[i]);
            if (line < 0)
                continue;
            jo_object(o);
            jo_kcstr(o, "signal", monitor_signal_name((enum monitor_signal)s));
            jo_kint(o, "tolerated_ppm", c->terms.ppm[s]);
            jo_kint(o, "people", people[i]);
            jo_kint(o, "stops_at", line);
            jo_end(o);
        }
    jo_end(o);
    jo_end(o);
}

int check_report(struct check *c, struct err *e)
{
    struct json_out o;
    json_out_init(&o, &c->report);
    jo_object(&o);
    rest_time(&o, "checked_at", c->now);
    rest_time(&o, "as_of", c->au != NULL ? audience_at(c->au) : 0);
    put_problems(&o, c);
    if (c->def != NULL) {
        jo_kcstr(&o, "category", category_name(c->def->category));
        put_funnel(&o, c);
        put_segment(&o, c);
        put_numbers(&o, c);
        put_variants(&o, c);
        put_countries(&o, c, "countries", NULL);
        put_sources(&o, c);
        put_parameters(&o, c);
        put_templates(&o, c);
    }
    if (c->terms_text.len > 0) {
        put_forecast(&o, c);
        put_countries(&o, c, "cost", category_name(c->def->category));
        put_monitors(&o, c);
    }
    jo_end(&o);
    return c->report.failed ? err_set(e, WL_ETOOBIG, "the report of the check is too large") : 0;
}
