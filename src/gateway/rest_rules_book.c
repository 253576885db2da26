/* SPDX-License-Identifier: Apache-2.0
 * rest_rules_book.c - the whole text of a book of rules: the one in force, the one in the shadow, or an earlier one.
 *
 * What is handed out is the canonical form the store keeps, so that whoever asks can build the book again, check its hash
 * and compare it with files. Earlier books are found by their hash, or the beginning of it, however long ago they were. */
#include <string.h>

#include "base/digest.h"
#include "gateway/rest_impl.h"
#include "store/messages.h"

#define PREFIX_MIN 6 /* hex digits: explanations show twelve */

static int show_text(struct rest_call *c, const uint8_t *hash, struct str id, struct str canonical)
{
    char text[SHA256_HEX];
    hex_encode(hash, SHA256_BYTES, text);
    jo_object(&c->out);
    jo_kstr(&c->out, "id", id);
    jo_kcstr(&c->out, "hash", text);
    jo_kstr(&c->out, "canonical", canonical);
    jo_end(&c->out);
    return 0;
}

static int show_ruleset(struct rest_call *c, const struct ruleset *rs)
{
    return show_text(c, ruleset_hash(rs), str_of(ruleset_id(rs)), ruleset_canonical(rs));
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The first and the last hash that begin with these digits; false: they are no digits, too few or too many. */
static bool hash_range(struct str prefix, uint8_t from[SHA256_BYTES], uint8_t to[SHA256_BYTES])
{
    if (prefix.n < PREFIX_MIN || prefix.n >= SHA256_HEX)
        return false;
    memset(from, 0, SHA256_BYTES);
    memset(to, 0xff, SHA256_BYTES);
    for (size_t i = 0; i < prefix.n; i++) {
        int v = digit(prefix.p[i]), shift = i % 2 == 0 ? 4 : 0;
        if (v < 0)
            return false;
        from[i / 2] = (uint8_t)(from[i / 2] | v << shift);
        to[i / 2] = (uint8_t)(to[i / 2] & ~((15 - v) << shift));
    }
    return true;
}

int rest_rules_book(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rules_book *book = rules_current(c->g);
    struct ruleset_name found[2];
    size_t n = 0;
    uint8_t from[SHA256_BYTES], to[SHA256_BYTES], hash[SHA256_BYTES];
    struct str text;
    (void)now;
    if (str_eq(c->param, STR("running")))
        return show_ruleset(c, book->ruleset);
    if (str_eq(c->param, STR("shadow")) && book->shadow != NULL)
        return show_ruleset(c, book->shadow);
    if (!hash_range(c->param, from, to))
        return rest_wrong(c, WL_ENOTFOUND, "book", "a book is named running, shadow, or by %d to 64 digits of its hash",
                          PREFIX_MIN);
    int rc = rulesets_between(s, from, to, a, 2, found, &n, e);
    if (rc == 0 && n == 0)
        return rest_wrong(c, WL_ENOTFOUND, "book", "no book with this hash was in force here (wayleave rules history)");
    if (rc == 0 && n == 2)
        return rest_wrong(c, WL_EINVAL, "book", "more than one book has a hash that begins so: give more of it");
    if (rc == 0)
        rc = rulesets_get(s, found[0].number, a, hash, &text, e);
    return rc != 0 ? rc : show_text(c, hash, found[0].id, text);
}
