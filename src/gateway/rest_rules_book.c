/* SPDX-License-Identifier: Apache-2.0
 * rest_rules_book.c - the whole text of a book of rules: the one in force, the one in the shadow, or an earlier one.
 *
 * What is handed out is the canonical form the store keeps, so that whoever asks can build the book again, check its hash
 * and compare it with files. Earlier books are found by their hash, or the beginning of it, among the rules' history. */
#include <string.h>

#include "base/digest.h"
#include "gateway/rest_impl.h"
#include "store/messages.h"
#include "store/rules_log.h"

#define HISTORY_MAX 200
#define PREFIX_MIN  6 /* hex digits: explanations show twelve */

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

static bool begins(const uint8_t *hash, struct str prefix)
{
    char text[SHA256_HEX];
    hex_encode(hash, SHA256_BYTES, text);
    return str_starts(str_of(text), prefix);
}

static bool is_prefix(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr("0123456789abcdef", s.p[i]) == NULL || s.p[i] == '\0')
            return false;
    return s.n >= PREFIX_MIN && s.n < SHA256_HEX;
}

/* The newest event with such a hash; WL_ECONFLICT when two different books have it. */
static int find_event(struct store *s, struct arena *a, struct str prefix, struct rules_event *ret, struct err *e)
{
    struct rules_event *v;
    size_t n = 0;
    const struct rules_event *found = NULL;
    int rc = rules_log_list(s, a, HISTORY_MAX, &v, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (v[i].hash.n != SHA256_BYTES || !begins((const uint8_t *)v[i].hash.p, prefix))
            continue;
        if (found != NULL && !str_eq(found->hash, v[i].hash))
            return WL_ECONFLICT;
        found = found != NULL ? found : &v[i];
    }
    if (rc == 0 && found == NULL)
        return WL_ENOTFOUND;
    if (rc == 0)
        *ret = *found;
    return rc;
}

int rest_rules_book(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rules_book *book = rules_current(c->g);
    struct rules_event event;
    uint8_t hash[SHA256_BYTES];
    struct str text;
    (void)now;
    if (str_eq(c->param, STR("running")))
        return show_ruleset(c, book->ruleset);
    if (str_eq(c->param, STR("shadow")) && book->shadow != NULL)
        return show_ruleset(c, book->shadow);
    if (!is_prefix(c->param))
        return rest_wrong(c, WL_ENOTFOUND, "book", "a book is named running, shadow, or by %d to 64 digits of its hash",
                          PREFIX_MIN);
    if (begins(ruleset_hash(book->ruleset), c->param))
        return show_ruleset(c, book->ruleset);
    int rc = find_event(s, a, c->param, &event, e);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, rc, "book", "no book with this hash was in force here lately (wayleave rules history)");
    if (rc == WL_ECONFLICT)
        return rest_wrong(c, WL_EINVAL, "book", "more than one book has a hash that begins so: give more of it");
    if (rc == 0)
        rc = rulesets_get(s, event.ruleset, a, hash, &text, e);
    return rc != 0 ? rc : show_text(c, hash, event.book, text);
}
