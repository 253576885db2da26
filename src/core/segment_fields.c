/* SPDX-License-Identifier: Apache-2.0
 * segment_fields.c - what a segment may ask for, the operators, and what they mean of a text, a number or a time.
 *
 * Texts are compared without regard to the capitals A to Z: to people who fill in forms Berlin and berlin are one city. Other letters
 * are compared as they are. */
#include <stdlib.h>

#include "core/audience_impl.h"
#include "core/country_group.h"
#include "core/segment_impl.h"

#define TEXT_OPS                                                                                                       \
    "= != in notIn contains doesNotContain beginsWith doesNotBeginWith endsWith doesNotEndWith null notNull"
#define WORD_OPS "= != in notIn null notNull"
#define DATE_OPS "= != < <= > >= between notBetween null notNull"
#define ONE_OF   "= != in notIn"
#define CONSENTS "granted withdrawn none"
#define LINES                                                                                                          \
    "mobile fixed_line fixed_line_or_mobile toll_free premium_rate shared_cost voip personal_number pager uan "        \
    "voicemail unknown"

const struct segment_field segment_fields[] = {
    {"country", "Country", "word", WORD_OPS, NULL, "two letters, DE: of the phone number, else of the user id"},
    {"country_group", "Part of the world", "word", ONE_OF, NULL, "EU, LATIN_AMERICA: countries as above"},
    {"line", "Kind of line", "word", WORD_OPS, LINES, "of the phone number"},
    {"network", "Network", "word", TEXT_OPS, NULL, "whom the number's range was given to; the number may have moved"},
    {"language", "Language", "word", TEXT_OPS, NULL,
     "as the contact's, pt-BR, which is pt_BR too; beginsWith pt for all of Portuguese"},
    {"zone", "Time zone", "word", TEXT_OPS, NULL,
     "Europe/Berlin: the contact's, else the number's where it has but one"},
    {"name", "Name", "text", TEXT_OPS, NULL, "the contact's"},
    {"tag", "Tag", "set", TEXT_OPS, NULL, "somebody may have many: = has it, != does not"},
    {"list", "Imported list", "set", TEXT_OPS, NULL, "the name of an imported file"},
    {"import", "Import", "set", WORD_OPS, NULL, "the id of an import"},
    {"attribute.", "Attribute", "text",
     "= != < <= > >= in notIn between notBetween contains doesNotContain beginsWith doesNotBeginWith endsWith "
     "doesNotEndWith null "
     "notNull",
     NULL, "attribute.city: compared as a number or a time where the value asked for is one"},
    {"consent.marketing", "Consent to marketing", "word", ONE_OF, CONSENTS, "an opt-in that has ended is none"},
    {"consent.utility", "Consent to utility messages", "word", ONE_OF, CONSENTS, "an opt-in that has ended is none"},
    {"consent.authentication", "Consent to authentication", "word", ONE_OF, CONSENTS,
     "an opt-in that has ended is none"},
    {"consent.calls", "Consent to calls", "word", ONE_OF, CONSENTS, "an opt-in that has ended is none"},
    {"platform_stop", "Stopped in WhatsApp", "flag", "= !=", "true false",
     "stopped marketing messages in WhatsApp itself"},
    {"undeliverable", "Undeliverable", "flag", "= !=", "true false", "Meta said that messages cannot be delivered"},
    {"activity", "Activity", "word", ONE_OF, "new interactive active dormant undeliverable",
     "what they did with messages lately"},
    {"score", "Score", "number", "= != < <= > >= between notBetween in notIn", NULL,
     "of activity, to the thousandth; 1: one message read a moment ago"},
    {"last_sent", "Last sent", "date", DATE_OPS, NULL, "a day, a time, or now-30d"},
    {"last_delivered", "Last delivered", "date", DATE_OPS, NULL, "a day, a time, or now-30d"},
    {"last_read", "Last read", "date", DATE_OPS, NULL, "a day, a time, or now-30d"},
    {"last_replied", "Last replied", "date", DATE_OPS, NULL, "a day, a time, or now-30d"},
    {"last_clicked", "Last tapped", "date", DATE_OPS, NULL, "a button or a list's row: a day, a time, or now-30d"},
    {"created", "Known since", "date", DATE_OPS, NULL, "a day, a time, or now-30d"},
    {"campaign", "Campaign", "set", WORD_OPS, NULL,
     "k0dwt9b3c5e0g00:read; after the campaign's id one of in sent delivered read replied failed opted_out"},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct segment_about segment_abouts[] = {
    {PLACE_SET, AUDIENCE_COUNTRY, KIND_COUNTRY, false},
    {PLACE_COUNTRIES, AUDIENCE_COUNTRY, KIND_GROUP, false},
    {PLACE_SET, AUDIENCE_LINE, KIND_CHOICE, false},
    {PLACE_SET, AUDIENCE_NETWORK, KIND_TEXT, false},
    {PLACE_SET, AUDIENCE_LANGUAGE, KIND_TEXT, false},
    {PLACE_SET, AUDIENCE_ZONE, KIND_TEXT, false},
    {PLACE_SET, AUDIENCE_NAME, KIND_TEXT, false},
    {PLACE_SET, AUDIENCE_TAG, KIND_TEXT, true},
    {PLACE_SET, AUDIENCE_LIST, KIND_TEXT, true},
    {PLACE_SET, AUDIENCE_IMPORT, KIND_ID, true},
    {PLACE_ATTRIBUTE, 0, KIND_TEXT, false},
    {PLACE_SET, AUDIENCE_MARKETING, KIND_CHOICE, false},
    {PLACE_SET, AUDIENCE_UTILITY, KIND_CHOICE, false},
    {PLACE_SET, AUDIENCE_AUTHENTICATION, KIND_CHOICE, false},
    {PLACE_SET, AUDIENCE_CALLS, KIND_CHOICE, false},
    {PLACE_SET, AUDIENCE_STOP, KIND_FLAG, false},
    {PLACE_SET, AUDIENCE_UNDELIVERABLE, KIND_FLAG, false},
    {PLACE_SET, AUDIENCE_ACTIVITY, KIND_CHOICE, false},
    {PLACE_NUMBER, AUDIENCE_SCORE, KIND_NUMBER, false},
    {PLACE_NUMBER, AUDIENCE_LAST_SENT, KIND_DATE, false},
    {PLACE_NUMBER, AUDIENCE_LAST_DELIVERED, KIND_DATE, false},
    {PLACE_NUMBER, AUDIENCE_LAST_READ, KIND_DATE, false},
    {PLACE_NUMBER, AUDIENCE_LAST_REPLIED, KIND_DATE, false},
    {PLACE_NUMBER, AUDIENCE_LAST_CLICKED, KIND_DATE, false},
    {PLACE_NUMBER, AUDIENCE_CREATED, KIND_DATE, false},
    {PLACE_SET, AUDIENCE_CAMPAIGN, KIND_CAMPAIGN, true},
};
_Static_assert(sizeof segment_abouts / sizeof *segment_abouts + 1 == sizeof segment_fields / sizeof *segment_fields,
               "one row a field");

const struct segment_operator segment_operators[] = {
    {"=", OP_EQUAL, false, false},
    {"!=", OP_EQUAL, true, false},
    {"<", OP_LESS, false, false},
    {"<=", OP_AT_MOST, false, false},
    {">", OP_MORE, false, false},
    {">=", OP_AT_LEAST, false, false},
    {"in", OP_EQUAL, false, true},
    {"notIn", OP_EQUAL, true, true},
    {"between", OP_BETWEEN, false, true},
    {"notBetween", OP_BETWEEN, true, true},
    {"contains", OP_CONTAINS, false, false},
    {"doesNotContain", OP_CONTAINS, true, false},
    {"beginsWith", OP_BEGINS, false, false},
    {"doesNotBeginWith", OP_BEGINS, true, false},
    {"endsWith", OP_ENDS, false, false},
    {"doesNotEndWith", OP_ENDS, true, false},
    {"null", OP_KNOWN, true, false},
    {"notNull", OP_KNOWN, false, false},
    {NULL, OP_EQUAL, false, false},
};

/* --- meaning ---------------------------------------------------------------------------------------------------------- */

static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.n <= text.n; i++)
        if (str_ieq((struct str){text.p + i, part.n}, part))
            return true;
    return false;
}

static bool one_fits(enum segment_op op, struct str text, struct str word)
{
    if (op == OP_CONTAINS)
        return contains(text, word);
    if (op == OP_EQUAL || text.n < word.n)
        return str_ieq(text, word);
    return str_ieq((struct str){op == OP_ENDS ? text.p + (text.n - word.n) : text.p, word.n}, word);
}

bool segment_text_fits(const struct segment_rule *r, struct str text)
{
    if (r->op == OP_KNOWN)
        return true;
    for (size_t i = 0; i < r->n; i++)
        if (one_fits(r->op, text, r->text[i]))
            return true;
    return false;
}

/* The first and last value of each thing asked for. */
static struct segment_range value_of(const struct segment_rule *r, size_t i, int64_t now)
{
    if (r->as == AS_NUMBER)
        return (struct segment_range){r->number[i], r->number[i]};
    int64_t base = r->time[i].relative ? now / 1000 : 0;
    return (struct segment_range){base + r->time[i].from, base + r->time[i].until};
}

static int by_low(const void *a, const void *b)
{
    const struct segment_range *x = a, *y = b;
    return (x->low > y->low) - (x->low < y->low);
}

/* Those that touch become one. */
static size_t in_order(struct segment_range *range, size_t n)
{
    size_t kept = 0;
    qsort(range, n, sizeof *range, by_low);
    for (size_t i = 1; i < n; i++) {
        if (range[i].low > range[kept].high)
            range[++kept] = range[i];
        else if (range[i].high > range[kept].high)
            range[kept].high = range[i].high;
    }
    return kept + 1;
}

size_t segment_ranges(const struct segment_rule *r, int64_t now, struct segment_range *ret)
{
    ret[0] = (struct segment_range){INT64_MIN, INT64_MAX};
    if (r->op == OP_KNOWN)
        return 1;
    struct segment_range v = value_of(r, 0, now), w = value_of(r, r->n - 1, now);
    switch (r->op) {
    case OP_LESS:
        ret[0].high = v.low - 1;
        return 1;
    case OP_AT_MOST:
        ret[0].high = v.high;
        return 1;
    case OP_MORE:
        ret[0].low = v.high + 1;
        return 1;
    case OP_AT_LEAST:
        ret[0].low = v.low;
        return 1;
    case OP_BETWEEN:
        ret[0] = (struct segment_range){v.low < w.low ? v.low : w.low, v.high > w.high ? v.high : w.high};
        return 1;
    default:
        for (size_t i = 0; i < r->n; i++)
            ret[i] = value_of(r, i, now);
        return in_order(ret, r->n);
    }
}

bool segment_in_ranges(const struct segment_range *range, size_t n, int64_t v)
{
    size_t from = 0;
    while (n > 1) { /* the last that begins at or before v lies in the n from `from` on */
        size_t half = n / 2;
        from += v >= range[from + half].low ? half : 0;
        n -= half;
    }
    return n == 1 && v >= range[from].low && v <= range[from].high;
}

size_t segment_column_ranges(const struct segment_rule *r, int64_t now, struct segment_range *range)
{
    size_t n = segment_ranges(r, now, range), kept = 0;
    bool time = r->about->kind == KIND_DATE;
    int64_t unit = time ? 1 : SEGMENT_ONE / 1000;
    for (size_t i = 0; i < n; i++) {
        int64_t low = range[i].low / unit + (range[i].low > 0 && range[i].low % unit != 0);
        int64_t high = range[i].high < 0 ? -1 : range[i].high / unit;
        low = low < time ? time : low;
        high = high > UINT32_MAX ? UINT32_MAX : high;
        if (low <= high)
            range[kept++] = (struct segment_range){low, high};
    }
    return kept;
}

bool segment_next_country(const struct segment_rule *r, size_t *i, struct str *rest, struct str *ret)
{
    while (rest->n == 0) {
        if (*i == r->n)
            return false;
        const struct country_group *g = country_group(r->text[(*i)++]);
        *rest = g != NULL ? str_of(g->countries) : (struct str){NULL, 0};
    }
    *ret = str_cut(*rest, ' ', rest);
    return true;
}
