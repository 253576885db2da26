/* SPDX-License-Identifier: Apache-2.0
 * number_filter_explain.c - a filter as a sentence that can be read to somebody.
 *
 * "valid mobile numbers of DE or AT whose original network is Vodafone*, that begin with +4917 ...": words as they
 * were written, joined by "or" where one is enough, with "not" where they are excluded. Says nothing the filter
 * does not do, and all that it does. */
#include <string.h>

#include "core/country_group.h"
#include "core/number_filter_impl.h"

#define WORDS_SHOWN 8 /* of a kind; then it says how many more there are */

struct saying {
    struct buf *out;
    bool comma; /* something stands behind "numbers" already */
};

static void put_words(struct buf *out, const struct filter_words *w, size_t *said, size_t all)
{
    for (const struct filter_word *x = w->first; x != NULL && *said < WORDS_SHOWN; x = x->next, ++*said) {
        if (*said > 0)
            buf_puts(out, *said + 1 == all ? " or " : ", ");
        for (size_t i = 0; i < x->text.n; i++)
            buf_putc(out, x->text.p[i] == '_' ? ' ' : x->text.p[i]);
    }
}

/* Two kinds that are asked as one, country and region, range and pattern: their words in a row. */
static void put_kind(struct buf *out, const struct filter_side *s, enum filter_key a, enum filter_key b)
{
    size_t said = 0, all = s->words[a].n + (b != a ? s->words[b].n : 0);
    put_words(out, &s->words[a], &said, all);
    if (b != a)
        put_words(out, &s->words[b], &said, all);
    if (all > said)
        buf_printf(out, " or one of %zu more", all - said);
}

static void clause(struct saying *s)
{
    buf_puts(s->out, s->comma ? ", " : " ");
    s->comma = true;
}

static const struct {
    enum filter_key a, b;
    const char *wanted, *unwanted; /* before the words */
} clauses[] = {
    {KEY_COUNTRY, KEY_REGION, "of ", "not of "},
    {KEY_NETWORK, KEY_NETWORK, "whose original network is ", "whose original network is not "},
    {KEY_ZONE, KEY_ZONE, "that may be in the time zone ", "that cannot be in the time zone "},
    {KEY_RANGE, KEY_PATTERN, "among ", "not among "},
};

static void put_where(struct saying *s, const struct number_filter *f)
{
    for (const struct filter_where *w = f->where; w != NULL; w = w->next) {
        static const char *const words[FILTER_RELATIONS] = {[IS] = "is",
                                                            [IS_NOT] = "is not",
                                                            [HAS] = "contains",
                                                            [BELOW] = "is below",
                                                            [AT_MOST] = "is at most",
                                                            [ABOVE] = "is above",
                                                            [AT_LEAST] = "is at least"};
        struct str rest = w->value;
        clause(s);
        buf_printf(s->out, "whose column \"%.*s\" %s ", (int)f->column[w->column].n, f->column[w->column].p,
                   words[w->relation]);
        if (w->value.n == 0)
            buf_puts(s->out, "empty");
        for (bool first = true; rest.n > 0; first = false) {
            struct str one = str_trim(str_cut(rest, '|', &rest));
            buf_printf(s->out, "%s\"%.*s\"", first ? "" : " or ", (int)one.n, one.n > 0 ? one.p : "");
        }
    }
}

void number_filter_explain(const struct number_filter *f, struct buf *out)
{
    struct saying s = {out, false};
    const struct filter_side *w = &f->side[WANTED], *u = &f->side[UNWANTED];
    if (number_filter_any(f))
        buf_puts(out, "all ");
    if (f->valid >= 0)
        buf_puts(out, f->valid ? "valid " : "invalid ");
    if (w->words[KEY_TYPE].n > 0) {
        put_kind(out, w, KEY_TYPE, KEY_TYPE);
        buf_putc(out, ' ');
    }
    buf_puts(out, "numbers");
    if (u->words[KEY_TYPE].n > 0) {
        clause(&s);
        buf_puts(out, "that are not ");
        put_kind(out, u, KEY_TYPE, KEY_TYPE);
    }
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
        for (int side = 0; side < FILTER_SIDES; side++) {
            const struct filter_side *x = &f->side[side];
            if (x->words[clauses[i].a].n + x->words[clauses[i].b].n == 0)
                continue;
            clause(&s);
            buf_puts(out, side == WANTED ? clauses[i].wanted : clauses[i].unwanted);
            put_kind(out, x, clauses[i].a, clauses[i].b);
        }
    put_where(&s, f);
}
