/* SPDX-License-Identifier: Apache-2.0
 * segment_say.c - a segment as one plain sentence, for whoever approves what is sent to it.
 *
 * "People in Germany or Austria who have the tag vip and last read something in the last 30 days." Every rule is a phrase about people;
 * a rule that is true also of people without a value says so. Phrases of `and` stand one after the other; a group inside another stands in
 * brackets, so that the sentence has one reading. Of long lists the first few are said and how many more there are. */
#include <string.h>

#include "core/audience_impl.h"
#include "core/country_group.h"
#include "core/country_say.h"
#include "core/segment_impl.h"

#define VALUES_SHOWN 8

static void put_value(const struct segment_rule *r, size_t i, struct buf *out)
{
    const struct country_group *g;
    if (r->about->kind == KIND_COUNTRY) {
        country_say(r->text[i], out);
        return;
    }
    if (r->about->kind == KIND_GROUP && (g = country_group(r->text[i])) != NULL) {
        buf_puts(out, g->name);
        return;
    }
    bool quoted = memchr(r->text[i].p, ' ', r->text[i].n) != NULL || memchr(r->text[i].p, ',', r->text[i].n) != NULL;
    buf_puts(out, quoted ? "\"" : "");
    buf_putstr(out, r->text[i]);
    buf_puts(out, quoted ? "\"" : "");
}

/* "a, b or c", "a, b or one of 90 more" */
static void put_values(const struct segment_rule *r, struct buf *out)
{
    size_t shown = r->n <= VALUES_SHOWN ? r->n : VALUES_SHOWN - 1;
    for (size_t i = 0; i < shown; i++) {
        buf_puts(out, i == 0 ? "" : i + 1 == r->n ? " or " : ", ");
        put_value(r, i, out);
    }
    if (shown < r->n)
        buf_printf(out, " or one of %zu more", r->n - shown);
}

/* --- times ------------------------------------------------------------------------------------------------------------ */

/* "30 days", "1 hour" */
static void put_span(int64_t seconds, struct buf *out)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{604800, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    seconds = seconds < 0 ? -seconds : seconds;
    while (i < 4 && (seconds % units[i].seconds != 0 || (i == 0 && seconds / units[i].seconds > 3)))
        i++;
    int64_t n = seconds / units[i].seconds;
    buf_printf(out, "%lld %s%s", (long long)n, units[i].unit, n == 1 ? "" : "s");
}

static void put_time(const struct segment_time *t, struct buf *out)
{
    if (!t->relative) {
        segment_time_say(t, out);
    } else if (t->from == 0) {
        buf_puts(out, "now");
    } else {
        put_span(t->from, out);
        buf_puts(out, t->from < 0 ? " ago" : " from now");
    }
}

/* "in the last ..." */
static bool is_recent(const struct segment_rule *r)
{
    bool past = r->about->kind == KIND_DATE; /* an attribute may be a day to come */
    return past && r->time[0].relative && r->time[0].from < 0 && (r->op == OP_MORE || r->op == OP_AT_LEAST);
}

/* Behind "read something": "in the last 30 days", "before 3 May 2026", "on 3 May 2026 or later". */
static void put_when(const struct segment_rule *r, struct buf *out)
{
    const struct segment_time *t = r->time;
    if (is_recent(r)) {
        buf_puts(out, "in the last ");
        put_span(t[0].from, out);
        return;
    }
    if (t[0].relative && t[0].from < 0 && (r->op == OP_LESS || r->op == OP_AT_MOST)) {
        buf_puts(out, "more than ");
        put_time(&t[0], out);
        return;
    }
    static const char *const before[] = {[OP_LESS] = "before ",
                                         [OP_AT_MOST] = "not later than ",
                                         [OP_MORE] = "after ",
                                         [OP_AT_LEAST] = "not earlier than ",
                                         [OP_BETWEEN] = "between "};
    buf_puts(out, r->op == OP_EQUAL ? (t[0].day ? "on " : "at ") : before[r->op]);
    for (size_t i = 0; i < r->n; i++) {
        buf_puts(out, i == 0 ? "" : r->op == OP_BETWEEN ? " and " : " or ");
        put_time(&t[i], out);
    }
}

/* --- phrases: each follows "People who " ------------------------------------------------------------------------------ */

static void say_word(const struct segment_rule *r, struct buf *out)
{
    static const struct {
        const char *field, *is, *is_not, *known, *unknown, *beside;
    } phrases[] = {
        {"country", "are in ", "are not in ", "are in a known country", "are in no known country",
         ", or in no known country"},
        {"country_group", "are in ", "are not in ", "", "", ", or in no known country"},
        {"line", "have a number of the kind ", "have no number of the kind ", "have a phone number",
         "have no phone number", NULL},
        {"activity", "are ", "are not ", "", "", NULL},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (!str_eq(str_of(r->field->name), str_of(phrases[i].field)))
            continue;
        if (r->op == OP_KNOWN) {
            buf_puts(out, r->negated ? phrases[i].unknown : phrases[i].known);
            return;
        }
        buf_puts(out, r->negated ? phrases[i].is_not : phrases[i].is);
        put_values(r, out);
        buf_puts(out, r->negated && phrases[i].beside != NULL ? phrases[i].beside : "");
        return;
    }
}

static void say_consent(const struct segment_rule *r, struct buf *out)
{
    static const struct {
        const char *word, *is, *is_not;
    } said[] = {{"granted", "consent to ", "have no valid consent to "},
                {"withdrawn", "have withdrawn consent to ", "have not withdrawn consent to "},
                {"none", "have no word on record about ", "have a word on record about "}};
    const char *dot = strchr(r->field->name, '.');
    for (size_t i = 0; i < r->n; i++) {
        buf_puts(out, i > 0 ? (r->negated ? " and " : " or ") : "");
        for (size_t k = 0; k < sizeof said / sizeof *said; k++)
            if (str_eq(r->text[i], str_of(said[k].word)))
                buf_puts(out, r->negated ? said[k].is_not : said[k].is);
        buf_printf(out, "%s%s", dot + 1, dot[1] == 'm' || dot[1] == 'u' ? " messages" : "");
    }
}

static void say_flag(const struct segment_rule *r, struct buf *out)
{
    bool stop = str_eq(str_of(r->field->name), STR("platform_stop"));
    if (stop)
        buf_puts(out, r->negated ? "have not stopped marketing in WhatsApp" : "have stopped marketing in WhatsApp");
    else
        buf_puts(out, r->negated ? "are not known to be undeliverable" : "are known to be undeliverable");
}

/* Of things somebody may have several of: "have the tag vip". */
static void say_set(const struct segment_rule *r, struct buf *out)
{
    static const struct {
        const char *field, *are, *one;
    } things[] = {{"tag", "have", "tag"}, {"list", "were", "imported list"}, {"import", "were", "import"}};
    const char *one = things[0].one;
    bool in = !str_eq(str_of(r->field->name), STR("tag"));
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        if (str_eq(str_of(r->field->name), str_of(things[i].field)))
            one = things[i].one;
    if (r->op == OP_KNOWN) {
        buf_printf(out, in ? "are in %s %s" : "have %s %s", r->negated ? "no" : "some", one);
        return;
    }
    if (r->negated)
        buf_puts(out, in ? "are not in " : "do not have ");
    else
        buf_puts(out, in ? "are in " : "have ");
    if (r->op == OP_EQUAL)
        buf_printf(out, r->n == 1 ? "the %s " : "any of the %ss ", one);
    else
        buf_printf(out, "%s %s whose name %s ", r->negated ? "any" : (one[0] == 'i' ? "an" : "a"), one,
                   r->op == OP_CONTAINS ? "contains"
                   : r->op == OP_BEGINS ? "begins with"
                                        : "ends with");
    put_values(r, out);
}

static void say_campaign(const struct segment_rule *r, struct buf *out)
{
    static const struct {
        const char *word, *did, *did_not;
    } said[] = {{"in", "were in the audience of campaign ", "were not in the audience of campaign "},
                {"sent", "were sent campaign ", "were not sent campaign "},
                {"delivered", "got campaign ", "did not get campaign "},
                {"read", "read campaign ", "did not read campaign "},
                {"replied", "replied to campaign ", "did not reply to campaign "},
                {"failed", "could not be sent campaign ", "were not failed by campaign "},
                {"opted_out", "opted out after campaign ", "did not opt out after campaign "}};
    if (r->op == OP_KNOWN)
        buf_puts(out, r->negated ? "were in no campaign" : "were in a campaign");
    for (size_t i = 0; i < r->n && r->op != OP_KNOWN; i++) {
        struct str word, id = str_cut(r->text[i], ':', &word);
        buf_puts(out, i > 0 ? (r->negated ? " and " : " or ") : "");
        for (size_t k = 0; k < sizeof said / sizeof *said; k++)
            if (str_eq(word, str_of(said[k].word)))
                buf_puts(out, r->negated ? said[k].did_not : said[k].did);
        buf_putstr(out, id);
    }
}

/* As many as there are; of "between" two. */
static void put_numbers(const struct segment_rule *r, struct buf *out)
{
    if (r->op != OP_BETWEEN) {
        put_values(r, out);
        return;
    }
    put_value(r, 0, out);
    buf_puts(out, " and ");
    put_value(r, 1, out);
}

static void say_date(const struct segment_rule *r, struct buf *out)
{
    static const struct {
        const char *field, *did, *lately, *ever, *never;
    } said[] = {
        {"last_sent", "were last sent something ", "were sent something ", "were sent something",
         "were never sent anything"},
        {"last_delivered", "last got something ", "got something ", "got something", "never got anything"},
        {"last_read", "last read something ", "read something ", "read something", "never read anything"},
        {"last_replied", "last replied ", "replied ", "replied", "never replied"},
        {"last_clicked", "last tapped something ", "tapped something ", "tapped something", "never tapped anything"},
        {"created", "were added ", "were added ", "were added at a known time", "were added nobody knows when"},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        if (!str_eq(str_of(r->field->name), str_of(said[i].field)))
            continue;
        if (r->op == OP_KNOWN) {
            buf_puts(out, r->negated ? said[i].never : said[i].ever);
            return;
        }
        if (!r->negated) {
            buf_puts(out, is_recent(r) ? said[i].lately : said[i].did);
            put_when(r, out);
            return;
        }
        buf_puts(out, said[i].never);
        buf_puts(out, ", or not ");
        put_when(r, out);
    }
}

static const char *article(const char *noun)
{
    return *noun != '\0' && strchr("aeioAEIO", *noun) != NULL ? "an" : "a";
}

/* "have a city that is Berlin", of an attribute, a name, a network: words there is one of. */
static void say_text(const struct segment_rule *r, const char *what, struct buf *out)
{
    const char *how = r->op == OP_CONTAINS ? "contains "
                      : r->op == OP_BEGINS ? "begins with "
                      : r->op == OP_ENDS   ? "ends with "
                                           : "is ";
    if (r->op == OP_KNOWN) {
        buf_printf(out, "have %s %s", r->negated ? "no" : article(what), what);
        return;
    }
    buf_printf(out, "have %s %s that ", r->negated ? "no" : article(what), what);
    if (r->as == AS_TIME) {
        buf_puts(out, "is ");
        put_when(r, out);
    } else if (r->as == AS_NUMBER) {
        static const char *const words[] = {
            [OP_EQUAL] = "is ",      [OP_LESS] = "is below ",        [OP_AT_MOST] = "is at most ",
            [OP_MORE] = "is above ", [OP_AT_LEAST] = "is at least ", [OP_BETWEEN] = "is between "};
        buf_puts(out, words[r->op]);
        put_numbers(r, out);
    } else {
        buf_puts(out, how);
        put_values(r, out);
    }
}

/* The field in small letters, an attribute by its own name. */
static void name_of(const struct segment_rule *r, char *out, size_t size)
{
    bool attribute = r->about->place == PLACE_ATTRIBUTE;
    struct str name = str_clip(attribute ? r->attribute : str_of(r->field->label), size - 1);
    for (size_t i = 0; i < name.n; i++)
        out[i] = !attribute && name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + ('a' - 'A')) : name.p[i];
    out[name.n] = '\0';
}

static void say_texts(const struct segment_rule *r, struct buf *out)
{
    char what[80];
    name_of(r, what, sizeof what);
    if (r->about->many)
        say_set(r, out);
    else
        say_text(r, what, out);
}

static void say_choice(const struct segment_rule *r, struct buf *out)
{
    if (str_starts(r->name, STR("consent.")))
        say_consent(r, out);
    else
        say_word(r, out);
}

static void say_score(const struct segment_rule *r, struct buf *out)
{
    static const char *const of_numbers[] = {
        [OP_EQUAL] = "of ",   [OP_LESS] = "below ",           [OP_AT_MOST] = "of at most ",
        [OP_MORE] = "above ", [OP_AT_LEAST] = "of at least ", [OP_BETWEEN] = "between "};
    buf_puts(out, r->negated ? "do not have a score " : "have a score ");
    buf_puts(out, of_numbers[r->op]);
    put_numbers(r, out);
}

static void say_rule(const struct segment_rule *r, struct buf *out)
{
    static void (*const say[])(const struct segment_rule *r, struct buf *out) = {
        [KIND_TEXT] = say_texts,        [KIND_COUNTRY] = say_word, [KIND_GROUP] = say_word,
        [KIND_CHOICE] = say_choice,     [KIND_FLAG] = say_flag,    [KIND_ID] = say_texts,
        [KIND_CAMPAIGN] = say_campaign, [KIND_NUMBER] = say_score, [KIND_DATE] = say_date,
    };
    say[r->about->kind](r, out);
}

/* --- the sentence ----------------------------------------------------------------------------------------------------- */

static void say_group(const struct segment_node *g, const struct segment_node *but, struct buf *out);

static void say_node(const struct segment_node *n, struct buf *out)
{
    if (n->is_rule) {
        say_rule(n->rule, out);
        return;
    }
    if (n->child->next == NULL && !n->negated) { /* a group of one */
        say_node(n->child, out);
        return;
    }
    buf_puts(out, n->negated ? "are not people who (" : "(");
    say_group(n, NULL, out);
    buf_putc(out, ')');
}

/* Whether a rule is said with an "or" or "and" of its own between verbs, which beside others wants brackets. */
static bool is_several(const struct segment_node *n)
{
    const struct segment_rule *r = n->rule;
    if (!n->is_rule || r->op == OP_KNOWN)
        return false;
    switch ((enum segment_kind)r->about->kind) {
    case KIND_COUNTRY:
    case KIND_GROUP:
    case KIND_DATE:
        return r->negated;
    case KIND_CHOICE:
        return r->n > 1 && str_starts(r->name, STR("consent."));
    case KIND_CAMPAIGN:
        return r->n > 1;
    default:
        return false;
    }
}

static void say_group(const struct segment_node *g, const struct segment_node *but, struct buf *out)
{
    bool alone = g->child->next == NULL || (but != NULL && g->child->next->next == NULL), first = true;
    for (const struct segment_node *c = g->child; c != NULL; c = c->next) {
        if (c == but)
            continue;
        bool last = c->next == NULL || (c->next == but && c->next->next == NULL);
        buf_puts(out, first ? "" : !last ? ", " : g->any ? " or " : " and ");
        bool brackets = !alone && is_several(c);
        buf_puts(out, brackets ? "(" : "");
        say_node(c, out);
        buf_puts(out, brackets ? ")" : "");
        first = false;
    }
}

/* The rule that can be said in front, "People in Germany": of a group of `and`. */
static const struct segment_node *place_of(const struct segment_node *g)
{
    for (const struct segment_node *c = g->child; !g->any && !g->negated && c != NULL; c = c->next)
        if (c->is_rule && !c->rule->negated && c->rule->op == OP_EQUAL &&
            (c->rule->about->kind == KIND_COUNTRY || c->rule->about->kind == KIND_GROUP))
            return c;
    return NULL;
}

void segment_say(const struct segment *g, struct buf *out)
{
    const struct segment_node *root = g->root;
    while (root->child != NULL && root->child->next == NULL && !root->child->is_rule && !root->negated)
        root = root->child; /* groups of one group */
    const struct segment_node *place = place_of(root);
    if (root->child == NULL) {
        buf_puts(out, "Everybody.");
        return;
    }
    buf_puts(out, "People");
    if (place != NULL) {
        buf_puts(out, " in ");
        put_values(place->rule, out);
    }
    if (place == NULL || root->child->next != NULL) {
        buf_puts(out, root->negated ? " of whom it is not true that they " : " who ");
        say_group(root, place, out);
    }
    buf_putc(out, '.');
}
