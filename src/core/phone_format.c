/* SPDX-License-Identifier: Apache-2.0
 * phone_format.c - national digits through a layout of the plans.
 *
 * The decision graph is walked as for a type, but from a root whose answers are layouts: which group of digits goes where, and what
 * stands between, at home and abroad. A tel: link is the international
 * layout with every run of separators made one dash.
 *
 * What does not fit into PHONE_FORMAT_MAX is cut off; no plan of libphonenumber comes near it. */
#include "core/phone_format.h"

#include <string.h>

#define USUAL_EXTENSION   " ext. "
#define RFC3966_EXTENSION ";ext="
#define GROUP_BITS        4
#define GROUPS            8

struct out {
    char *p;
    size_t n;
};

static void put(struct out *o, const char *p, size_t n)
{
    size_t room = PHONE_FORMAT_MAX - 1 - o->n;
    size_t fits = n < room ? n : room;
    memcpy(o->p + o->n, p, fits);
    o->n += fits;
}

static void put_text(struct out *o, const char *z)
{
    put(o, z, strlen(z));
}

static void put_code(struct out *o, unsigned code)
{
    char digits[8];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + code % 10);
    while ((code /= 10) != 0);
    put(o, digits + at, sizeof digits - at);
}

static const struct phone_layout *layout_of(const struct phone_data *d, const struct phone_plan *plan,
                                            const struct phone_number *n)
{
    uint32_t at = d->root[plan->layout][n->nsn_len];
    for (const char *c = n->nsn; at >= d->head->leaves; c++)
        at = d->node[at - d->head->leaves].next[*c - '0'];
    return &d->layout[at];
}

/* The digits of $1, $2, ...: they follow each other in the number. */
static void put_group(struct out *o, const struct phone_number *n, uint32_t groups, unsigned group)
{
    size_t from = 0, len = 0;
    for (unsigned g = 0; g < group && g < GROUPS; g++) {
        from += len;
        len = groups >> (g * GROUP_BITS) & ((1u << GROUP_BITS) - 1);
        if (len == PHONE_LAYOUT_REST)
            len = from < n->nsn_len ? n->nsn_len - from : 0;
    }
    if (group <= GROUPS && from + len <= n->nsn_len)
        put(o, n->nsn + from, len);
}

static void put_layout(struct out *o, const struct phone_number *n, uint32_t groups, const char *text)
{
    for (const char *dollar; (dollar = strchr(text, '$')) != NULL && dollar[1] != '\0'; text = dollar + 2) {
        put(o, text, (size_t)(dollar - text));
        if (dollar[1] >= '1' && dollar[1] <= '9')
            put_group(o, n, groups, (unsigned)(dollar[1] - '0'));
    }
    put_text(o, text);
}

/* libphonenumber's valid punctuation, as far as a layout of the plans is ASCII, which all are. */
static bool separator(char c)
{
    return c != '\0' && strchr("-x ()[].~/", c) != NULL;
}

static void dashes_only(struct out *o, size_t from)
{
    size_t to = from;
    for (size_t i = from; i < o->n; i++) {
        if (!separator(o->p[i]))
            o->p[to++] = o->p[i];
        else if (to > from && o->p[to - 1] != '-')
            o->p[to++] = '-';
    }
    o->n = to;
}

static void put_national_digits(struct out *o, const struct phone_data *d, const struct phone_plan *plan,
                                const struct phone_number *n, enum phone_format f)
{
    const struct phone_layout *layout = layout_of(d, plan, n);
    uint32_t text = f == PHONE_NATIONAL ? layout->national : layout->international;
    size_t from = o->n;
    if (text == 0)
        put(o, n->nsn, n->nsn_len);
    else
        put_layout(o, n, layout->groups, d->text + text);
    if (f == PHONE_RFC3966)
        dashes_only(o, from);
}

static void put_extension(struct out *o, const struct phone_data *d, const struct phone_plan *plan, struct str ext,
                          enum phone_format f)
{
    uint32_t own = d->region[plan->main].extension_text;
    if (ext.n == 0)
        return;
    put_text(o, f == PHONE_RFC3966 ? RFC3966_EXTENSION : own != 0 ? d->text + own : USUAL_EXTENSION);
    put(o, ext.p, ext.n);
}

/* Most numbers that are written are written like this, by the million: without a question that the digits cannot answer. */
static size_t write_e164(const struct phone_number *n, char *ret)
{
    char digits[16] = "";
    unsigned code = n->code;
    size_t at = 8;
    do
        digits[--at] = (char)('0' + code % 10);
    while ((code /= 10) != 0);
    ret[0] = '+';
    memcpy(ret + 1, digits + at, 8);
    memcpy(ret + 1 + (8 - at), n->nsn, sizeof n->nsn);
    return 1 + (8 - at) + n->nsn_len;
}

size_t phone_format(const struct phone_data *d, const struct phone_number *n, struct str ext, enum phone_format f,
                    char ret[PHONE_FORMAT_MAX])
{
    static const char *const before[] = {"+", "+", "", "tel:+"}, *const behind[] = {"", " ", "", "-"};
    struct out o = {.p = ret};
    unsigned plan = n->code < PHONE_CODES ? d->code[n->code] : 0;
    if (f == PHONE_E164)
        return write_e164(n, ret);
    if (f != PHONE_NATIONAL && plan != 0) {
        put_text(&o, before[f]);
        put_code(&o, n->code);
        put_text(&o, behind[f]);
    }
    if (plan == 0)
        put(&o, n->nsn, n->nsn_len);
    else {
        put_national_digits(&o, d, &d->plan[plan], n, f);
        put_extension(&o, d, &d->plan[plan], ext, f);
    }
    ret[o.n] = '\0';
    return o.n;
}
