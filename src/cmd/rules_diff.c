/* SPDX-License-Identifier: Apache-2.0
 * rules_diff.c - `wayleave rules diff BEFORE AFTER`: what a change of rules does to messages, proven or shown.
 *
 * The first line is the answer, then every rule that differs, then a message for each direction in which the books differ,
 * written so that `wayleave decide --facts -` takes it. The exit status says whether the question could be answered; a
 * script that wants the answer reads --json. */
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "cmd/rules_load.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/decide.h"
#include "core/ruleset_diff.h"

#define DIFF_MAX       (16u << 20)
#define JSON_MAX       (1u << 20)
#define LINE_MAX_BYTES 110

static const char *const answers[] = {
    [DIFF_SAME] = "same: every message gets the same verdict",
    [DIFF_STRICTER] = "stricter: no message gets a weaker verdict, and some get a stronger one",
    [DIFF_LOOSER] = "looser: no message gets a stronger verdict, and some get a weaker one",
    [DIFF_INCOMPARABLE] = "incomparable: some messages get a stronger verdict, and some a weaker one",
};

/* What is not proven is said exactly: which direction is open. */
static const char *answer_of(const struct ruleset_diff *d)
{
    if (d->relation != DIFF_UNPROVEN)
        return answers[d->relation];
    if (d->looser.found)
        return "not proven: looser for some messages; whether also stricter for others is not known";
    if (d->stricter.found)
        return "not proven: stricter for some messages; whether also looser for others is not known";
    if (d->never_looser)
        return "not proven: never looser; whether stricter for any message is not known";
    if (d->never_stricter)
        return "not proven: never stricter; whether looser for any message is not known";
    return "not proven: no message was found for which they differ";
}

static void verdict_text(int verdict, int64_t until, const char *rule, struct buf *out)
{
    char text[TIME_TEXT];
    buf_puts(out, verdict_name((enum verdict)verdict));
    if (verdict == VERDICT_HOLD)
        buf_printf(out, " until %s", time_text(until, text));
    if (rule != NULL)
        buf_printf(out, " (%s)", rule);
}

static void json_facts(struct json_out *o, const struct facts *f)
{
    struct buf text;
    buf_init(&text, 64);
    jo_object(o);
    for (int id = 0; id < FACT_COUNT; id++) {
        if (!f->known[id])
            continue;
        buf_clear(&text);
        fact_text(f, (enum fact_id)id, &text);
        jo_kstr(o, fact_info[id].name, buf_str(&text));
    }
    jo_end(o);
    buf_done(&text);
}

/* {"at":..,"facts":{..}}: what `wayleave decide` reads. */
static void json_message(struct json_out *o, const struct diff_example *x)
{
    char at[TIME_TEXT];
    jo_object(o);
    jo_kcstr(o, "at", time_text(x->at, at));
    jo_key(o, "facts");
    json_facts(o, &x->facts);
    jo_end(o);
}

/* The message as JSON too, laid out for a terminal. */
static void show_message(const struct diff_example *x)
{
    char at[TIME_TEXT];
    struct buf pair, text;
    buf_init(&pair, 256);
    buf_init(&text, 64);
    printf("  {\"at\": \"%s\", \"facts\": {", time_text(x->at, at));
    size_t column = LINE_MAX_BYTES;
    const char *gap = "";
    for (int id = 0; id < FACT_COUNT; id++) {
        if (!x->facts.known[id])
            continue;
        buf_clear(&text);
        buf_clear(&pair);
        fact_text(&x->facts, (enum fact_id)id, &text);
        buf_printf(&pair, "\"%s\": \"%s\"", fact_info[id].name, buf_cstr(&text));
        bool fold = column + pair.len + 2 > LINE_MAX_BYTES;
        printf("%s%s", gap, fold ? "\n     " : " ");
        column = (fold ? 5 : column + 2) + pair.len;
        term_text(stdout, TONE_PLAIN, buf_str(&pair));
        gap = ",";
    }
    puts("}}");
    buf_done(&pair);
    buf_done(&text);
}

static void show_example(const char *head, const struct diff_example *x)
{
    struct buf b;
    if (!x->found)
        return;
    buf_init(&b, JSON_MAX);
    putchar('\n');
    term_text(stdout, TONE_BOLD, str_of(head));
    printf(" because of %s:\n  before: ", x->rule);
    verdict_text(x->before, x->before_until, x->before_rule, &b);
    buf_puts(&b, "\n  after:  ");
    verdict_text(x->after, x->after_until, x->after_rule, &b);
    term_text(stdout, TONE_PLAIN, buf_str(&b));
    putchar('\n');
    show_message(x);
    buf_done(&b);
}

static void show_rules(const struct ruleset_diff *d)
{
    char day[DAY_TEXT];
    for (size_t i = 0; i < d->n_rules; i++) {
        const struct diff_rule *r = &d->rule[i];
        fputs("  ", stdout);
        term_cell(stdout, TONE_BOLD, str_of(r->id), 28);
        term_cell(stdout, TONE_PLAIN, str_of(diff_change_name(r->change)), 10);
        if (r->change != DIFF_TEXT)
            term_cell(stdout, TONE_PLAIN, str_of(diff_relation_name(r->relation)), 14);
        if (r->since != 0)
            printf("from %s", rules_day(r->since, day));
        putchar('\n');
    }
}

static void show_diff(const struct ruleset_diff *d, const struct ruleset *before, const struct ruleset *after,
                      int64_t at)
{
    static const enum tone tones[] = {TONE_GOOD, TONE_GOOD, TONE_WARN, TONE_WARN, TONE_BAD};
    char day[DAY_TEXT];
    if (memcmp(ruleset_hash(before), ruleset_hash(after), SHA256_BYTES) == 0) {
        term_text(stdout, TONE_GOOD, STR("the same: both have one hash, so there is nothing to compare"));
        putchar('\n');
        return;
    }
    term_text(stdout, tones[d->relation], str_of(answer_of(d)));
    putchar('\n');
    show_rules(d);
    show_example("looser", &d->looser);
    show_example("stricter", &d->stricter);
    printf("\n%llu cells of facts judged, from %s on, at %zu date%s%s\n", (unsigned long long)d->points,
           rules_day(at, day), d->n_dates, d->n_dates == 1 ? "" : "s",
           d->sampled ? "; some rules have too many and were sampled" : "");
}

/* ---- JSON ---- */

static void json_side(struct json_out *o, const char *key, int verdict, int64_t until, const char *rule)
{
    char text[TIME_TEXT];
    jo_key(o, key);
    jo_object(o);
    jo_kcstr(o, "verdict", verdict_name((enum verdict)verdict));
    jo_kcstr(o, "until", verdict == VERDICT_HOLD ? time_text(until, text) : NULL);
    jo_kcstr(o, "rule", rule);
    jo_end(o);
}

static void json_example(struct json_out *o, const char *key, const struct diff_example *x)
{
    jo_key(o, key);
    if (!x->found) {
        jo_null(o);
        return;
    }
    jo_object(o);
    jo_kcstr(o, "because", x->rule);
    json_side(o, "before", x->before, x->before_until, x->before_rule);
    json_side(o, "after", x->after, x->after_until, x->after_rule);
    jo_key(o, "message");
    json_message(o, x);
    jo_end(o);
}

static void json_book(struct json_out *o, const char *key, const struct ruleset *rs)
{
    char hash[SHA256_HEX];
    hex_encode(ruleset_hash(rs), SHA256_BYTES, hash);
    jo_key(o, key);
    jo_object(o);
    jo_kcstr(o, "id", ruleset_id(rs));
    jo_kcstr(o, "hash", hash);
    jo_end(o);
}

static void json_rules(struct json_out *o, const struct ruleset_diff *d)
{
    char day[DAY_TEXT];
    jo_key(o, "rules");
    jo_array(o);
    for (size_t i = 0; i < d->n_rules; i++) {
        const struct diff_rule *r = &d->rule[i];
        jo_object(o);
        jo_kcstr(o, "id", r->id);
        jo_kcstr(o, "change", diff_change_name(r->change));
        jo_kcstr(o, "relation",
                 r->change == DIFF_TEXT ? diff_relation_name(DIFF_SAME) : diff_relation_name(r->relation));
        jo_kcstr(o, "from", r->since != 0 ? rules_day(r->since, day) : NULL);
        jo_end(o);
    }
    jo_end(o);
}

static int print_json(const struct ruleset_diff *d, const struct ruleset *before, const struct ruleset *after,
                      int64_t at)
{
    struct buf b;
    struct json_out o;
    char day[DAY_TEXT];
    buf_init(&b, JSON_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "relation", diff_relation_name(d->relation));
    jo_kbool(&o, "never_looser", d->never_looser);
    jo_kbool(&o, "never_stricter", d->never_stricter);
    jo_kcstr(&o, "at", rules_day(at, day));
    json_book(&o, "before", before);
    json_book(&o, "after", after);
    json_rules(&o, d);
    json_example(&o, "looser", &d->looser);
    json_example(&o, "stricter", &d->stricter);
    jo_kint(&o, "cells", (int64_t)d->points);
    jo_kint(&o, "dates", (int64_t)d->n_dates);
    jo_kbool(&o, "sampled", d->sampled);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

int rules_diff(const struct args *a)
{
    struct ruleset *before = NULL, *after = NULL;
    struct ruleset_diff d;
    struct err e = {0};
    int64_t at = 0;
    struct arena *mem = arena_create(DIFF_MAX);
    int rc = mem == NULL ? CMD_FAILED : rules_at(a, &at);
    if (rc == CMD_OK)
        rc = rules_named(a, a->word[0], &before);
    if (rc == CMD_OK)
        rc = rules_named(a, a->word[1], &after);
    if (rc == CMD_OK && ruleset_diff(before, after, at, mem, &d, &e) != 0)
        rc = cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = print_json(&d, before, after, at);
    else if (rc == CMD_OK && args_has(a, "quiet"))
        puts(diff_relation_name(d.relation));
    else if (rc == CMD_OK)
        show_diff(&d, before, after, at);
    ruleset_free(before);
    ruleset_free(after);
    arena_free(mem);
    return rc;
}
