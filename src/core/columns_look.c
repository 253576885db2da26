/* SPDX-License-Identifier: Apache-2.0
 * columns_look.c - what columns hold, and rows whose cells stand in the wrong column.
 *
 * A cell counts as a number when it looks like one (digits and what people put between them, seven at least) and the
 * plans of the world have it. A column of account numbers can hold some by chance: where names say nothing a column
 * must hold three numbers in five filled cells, and clearly more than any other.
 *
 * A first row is people, too, when what stands in it only tries to be a number: a wrong number at the top of a list
 * must be counted and told as one, not taken for the name of a column. */
#include "core/columns_impl.h"

#define LOOKED  1000 /* rows of the sample */
#define LONGEST 40   /* bytes of a number as people write it */

/* "70.61.11.201" */
static bool is_address_of_machine(struct str s)
{
    size_t dots = 0, run = 0;
    for (size_t i = 0; i < s.n; i++) {
        run = s.p[i] == '.' ? 0 : run + 1;
        dots += s.p[i] == '.';
        if (run > 3 || (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9')))
            return false;
    }
    return dots == 3;
}

static bool looks_like_number(struct str s)
{
    size_t digits = 0;
    if (s.n < 7 || s.n > LONGEST)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9')
            digits++;
        else if (s.p[i] == '\0' || (strchr("+ ()-./'", s.p[i]) == NULL && (unsigned char)s.p[i] < 0x80))
            return false;
    }
    return digits >= 7 && !is_address_of_machine(s);
}

bool column_number(const struct phone_data *d, int region, struct str text)
{
    struct phone_number n;
    if (!looks_like_number(text))
        return false;
    phone_number_read(d, text, region, &n);
    if (phone_number_valid(&n))
        return true;
    uint64_t digits = 0; /* with its country code, and without the plus */
    if (n.status == PHONE_OK && region != 0)
        return false;
    for (size_t i = 0; i < text.n && digits < UINT64_MAX / 100; i++)
        if (text.p[i] >= '0' && text.p[i] <= '9')
            digits = digits * 10 + (uint64_t)(text.p[i] - '0');
    return text.p[0] != '0' && phone_number_of_e164(d, digits, &n) && phone_number_valid(&n);
}

static bool looks_like_email(struct str s)
{
    const char *at = s.n > 4 && s.n < 255 ? memchr(s.p, '@', s.n) : NULL;
    if (at == NULL || at == s.p || memchr(s.p, ' ', s.n) != NULL)
        return false;
    return memchr(at, '.', s.n - (size_t)(at - s.p)) != NULL;
}

/* "+49 10": meant as a number with its country code, right or not. */
static bool is_international(struct str s)
{
    size_t i = 1;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '('))
        i++;
    return s.n > 1 && s.p[0] == '+' && i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* What no column is called, though it is neither number nor address: "+49 10", "0151 1234", "2026-11-01". */
static bool is_attempt(struct str s, size_t digits_least)
{
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < s.n; i++) {
        digits += s.p[i] >= '0' && s.p[i] <= '9';
        letters += ((unsigned char)s.p[i] | 32) >= 'a' && ((unsigned char)s.p[i] | 32) <= 'z';
    }
    return is_international(s) || (digits >= digits_least && digits > letters && digits * 2 >= s.n);
}

static bool names_a_role(struct str s)
{
    struct header_words h;
    struct column c = {.name = s};
    if (!header_fold(s, &h))
        return false;
    column_by_name(&h, &c);
    return c.role != COLUMN_NONE;
}

bool columns_is_data(const struct phone_data *d, int region, const struct table_row *row,
                     const struct table_cell *cells)
{
    bool attempt = false, named = false;
    for (size_t i = 0; i < row->cells; i++) {
        struct str s = column_text(row, cells, i);
        if (looks_like_email(s) || column_number(d, region, s))
            return true;
        attempt = attempt || is_attempt(s, row->cells == 1 ? 1 : 5); /* among others, "2026" may be a column's name */
        named = named || names_a_role(s);
    }
    return attempt && !named;
}

static void count_row(struct columns *c, const struct phone_data *d, int region, const struct table_row *row,
                      const struct table_cell *cells)
{
    int of_row = columns_region(c, d, row, cells, region);
    for (size_t i = 0; i < c->n && i < row->cells; i++) {
        struct str s = column_text(row, cells, i);
        struct column *w = &c->column[i];
        if (s.n == 0)
            continue;
        w->filled++;
        w->international += is_international(s);
        w->phones += column_number(d, of_row > 0 ? of_row : region, s);
        w->emails += looks_like_email(s);
        w->countries += country_named(c->names, d, s) > 0;
    }
}

/* Names that are about something else, whatever it looks like. */
static bool named_otherwise(const struct column *w)
{
    static const char *const not_numbers[] = {"id",     "zip",    "postal",   "code",       "ip",
                                              "date",   "price",  "account",  "total",      "sum",
                                              "amount", "number", "document", "identifier", "plz",
                                              "cep",    "cp",     "tax",      "vat",        "iban"};
    struct header_words h;
    if (w->role != COLUMN_NONE || w->reason == COLUMN_BY_ORDER)
        return true;
    if (!header_fold(w->name, &h))
        return false;
    for (size_t i = 0; i < sizeof not_numbers / sizeof not_numbers[0]; i++)
        if (header_has(&h, not_numbers[i]))
            return true;
    return false;
}

/* The one column that is full of numbers written with +, though hardly one of them is right; or, where there is one
 * column alone, a right one in it. -1: none, or several. */
static int only_international(const struct columns *c)
{
    int found = -1;
    for (size_t i = 0; i < c->n; i++) {
        const struct column *w = &c->column[i];
        bool full = w->international > 0 && w->international * 5 >= w->filled * 3;
        if (!full && (c->n > 1 || w->phones == 0))
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

static void find_numbers(struct columns *c)
{
    int best = -1;
    bool clear = true;
    for (size_t i = 0; i < c->n; i++) {
        const struct column *w = &c->column[i];
        if (w->phones == 0 || w->phones * 5 < w->filled * 3 || (!c->headless && named_otherwise(w)))
            continue;
        if (best < 0 || w->phones > 2 * c->column[best].phones)
            clear = true, best = (int)i;
        else if (w->phones * 2 > c->column[best].phones)
            clear = false;
    }
    if (best < 0 && c->headless)
        best = only_international(c);
    if (best < 0 || !clear)
        return;
    c->column[best].role = COLUMN_PHONE;
    c->column[best].reason = COLUMN_BY_CONTENT;
}

/* "SMS" may be a number (Brevo) or a yes (others), "Number" a house: a name that short is believed when its cells agree. */
static void doubt_short_names(struct columns *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct column *w = &c->column[i];
        bool weak = w->rank <= 30 || str_ieq(w->name, STR("sms")) || str_ieq(w->name, STR("whatsapp"));
        if (w->role != COLUMN_PHONE || w->reason == COLUMN_BY_ORDER || !weak || w->filled == 0 || w->phones > 0)
            continue;
        w->role = str_ieq(w->name, STR("sms"))        ? COLUMN_SMS_CONSENT
                  : str_ieq(w->name, STR("whatsapp")) ? COLUMN_WHATSAPP_CONSENT
                                                      : COLUMN_NONE;
    }
    columns_arrange(c);
}

static bool any_ordered(const struct columns *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->column[i].role == COLUMN_PHONE && c->column[i].reason == COLUMN_BY_ORDER)
            return true;
    return false;
}

void columns_look(struct columns *c, const struct phone_data *d, int region, const struct table_batch *sample)
{
    if (c->names == NULL && c->at[COLUMN_COUNTRY] >= 0)
        c->names = country_names_new(c->arena, d);
    for (size_t i = 0; i < sample->rows && i < LOOKED; i++)
        if (sample->row[i].problem < TABLE_BROKEN)
            count_row(c, d, region, &sample->row[i], sample->cell);
    if (c->said || any_ordered(c))
        return;
    doubt_short_names(c);
    if (c->phones == 0) {
        find_numbers(c);
        columns_arrange(c);
    }
}

/* --- rows with too few or too many cells
 * ------------------------------------------------------------------------------------- */

static bool blank_behind(const struct table_row *row, const struct table_cell *cells, size_t from)
{
    for (size_t i = from; i < row->cells; i++)
        if (column_text(row, cells, i).n > 0)
            return false;
    return true;
}

/* The one cell that holds a number though its column is none of numbers; -1: none, or several. */
static int stray_number(const struct columns *c, const struct phone_data *d, const struct table_row *row,
                        const struct table_cell *cells, int region)
{
    int found = -1;
    for (size_t i = 0; i < row->cells; i++) {
        if (i < c->n && c->column[i].role == COLUMN_PHONE)
            continue;
        if (!column_number(d, region, column_text(row, cells, i)))
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

static void say_shift(const struct columns *c, const struct table_row *row, int stray, struct buf *why)
{
    int by = c->phone[0] - stray;
    struct str right = str_clip(c->column[c->phone[0]].name, 60);
    buf_printf(why, "the row has %u cells and the header %zu; ", row->cells, c->n);
    if ((size_t)stray < c->n) {
        struct str under = str_clip(c->column[stray].name, 60);
        buf_printf(why, "its number seems to stand under \"%.*s\"", (int)under.n, under.p);
    } else {
        buf_puts(why, "its number seems to stand behind the last column");
    }
    buf_printf(why, ", %d to the %s of \"%.*s\": %s before it %s", by > 0 ? by : -by, by > 0 ? "left" : "right",
               (int)right.n, right.p, by == 1 || by == -1 ? "a cell" : "cells",
               by == 1    ? "is missing"
               : by == -1 ? "is too many"
               : by > 0   ? "are missing"
                          : "are too many");
}

bool columns_ragged(const struct columns *c, const struct phone_data *d, const struct table_row *row,
                    const struct table_cell *cells, int region, struct buf *why)
{
    if (row->cells == c->n || c->phones == 0)
        return false;
    bool longer = row->cells > c->n && !blank_behind(row, cells, c->n);
    bool number = false;
    int of_row = columns_region(c, d, row, cells, region);
    region = of_row > 0 ? of_row : region;
    for (size_t i = 0; i < c->phones; i++)
        number = number || column_number(d, region, column_text(row, cells, (size_t)c->phone[i]));
    int stray = number ? -1 : stray_number(c, d, row, cells, region);
    if (!longer && stray < 0)
        return false;
    if (why == NULL)
        return true;
    if (stray >= 0)
        say_shift(c, row, stray, why);
    else
        buf_printf(why, "the row has %u cells, the header %zu: a delimiter inside a cell must be quoted", row->cells,
                   c->n);
    return true;
}
