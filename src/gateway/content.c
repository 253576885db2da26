/* SPDX-License-Identifier: Apache-2.0
 * content.c - from a template's listing and a send's parameters to numbers that can be compared.
 *
 * Length is counted in characters (code points) of the rendered body: the fixed ones, and those of the values a send puts
 * into the body. Everything else a send fills in (header, buttons, cards) counts for telling values apart, not for the
 * share: it is no part of the text. Which text is compared is decided here and nowhere else; how is core/similar.h's. */
#include "gateway/content.h"

#include "gateway/snapshot.h"
#include "store/senders.h"

#define VALUE_DEPTH 8 /* components, cards, components, parameters, parameter, currency, value */

/* --- the fixed text ---------------------------------------------------------------------------------------------- */

static bool is_part(struct json component, const char *type)
{
    return str_ieq(json_str_or(json_get(component, "type"), STR("")), str_of(type));
}

static void add_text(struct buf *out, struct json component)
{
    struct str text;
    if (!json_str(json_get(component, "text"), &text) || text.n == 0)
        return;
    if (out->len > 0)
        buf_putc(out, '\n');
    buf_putstr(out, text);
}

static void add_bodies(struct buf *out, struct json components)
{
    for (struct json_iter it = json_iter(components); json_next(&it);)
        if (is_part(it.value, "body"))
            add_text(out, it.value);
    for (struct json_iter it = json_iter(components); json_next(&it);)
        if (is_part(it.value, "footer"))
            add_text(out, it.value);
}

static void add_cards(struct buf *out, struct json components)
{
    for (struct json_iter it = json_iter(components); json_next(&it);)
        for (struct json_iter card = json_iter(json_get(it.value, "cards")); json_next(&card);)
            add_bodies(out, json_get(card.value, "components"));
}

static uint32_t characters(struct str s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* Bytes of the "{{...}}" the text begins with; 0: it begins with none. */
static size_t placeholder(struct str s)
{
    if (s.n < 5 || s.p[0] != '{' || s.p[1] != '{')
        return 0;
    for (size_t i = 2; i + 1 < s.n && s.p[i] != '\n'; i++)
        if (s.p[i] == '}' && s.p[i + 1] == '}')
            return i + 2;
    return 0;
}

static uint32_t fixed_characters(struct str s)
{
    uint32_t n = 0;
    for (size_t i = 0, k; i<s.n; i += k> 0 ? k : 1) {
        k = placeholder((struct str){s.p + i, s.n - i});
        n += k == 0 && ((unsigned char)s.p[i] & 0xc0) != 0x80;
    }
    return n;
}

static uint32_t folded(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

int content_skeleton(struct arena *a, struct json listing, struct skeleton_text *ret, struct err *e)
{
    struct skeleton_text t = {0};
    struct json components = json_get(listing, "components");
    struct buf text;
    buf_init(&text, SIMILAR_TEXT_MAX);
    add_bodies(&text, components);
    add_cards(&text, components);
    char *copy = arena_strndup(a, buf_str(&text).p, text.len);
    t.text = (struct str){copy, text.len};
    buf_done(&text);
    if (copy == NULL)
        return err_set(e, WL_ENOMEM, "the templates do not fit their memory");
    t.fixed = fixed_characters(t.text);
    if (t.text.n > 0) {
        t.number = folded(similar_fixed_hash(t.text));
        t.number += t.number == 0;
    }
    *ret = t;
    return 0;
}

/* --- a send's values --------------------------------------------------------------------------------------------- */

struct values {
    struct buf text;
    uint32_t in_body; /* characters of those that go into the body */
};

/* Words that describe a value and are none. */
static bool describes(struct str key)
{
    static const char *const words[] = {"type", "sub_type", "parameter_name", "format", "index"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(key, str_of(words[i])))
            return true;
    return false;
}

/* Every text below v that is a value, whatever kind of parameter holds it. */
static void collect(struct values *all, struct json v, bool in_body, int depth)
{
    struct str s;
    if (json_str(v, &s)) {
        buf_putstr(&all->text, s);
        buf_putc(&all->text, '\n');
        all->in_body += in_body ? characters(s) : 0;
        return;
    }
    for (struct json_iter it = json_iter(v); depth > 0 && json_next(&it);)
        if (!it.object || !describes(it.key))
            collect(all, it.value, in_body, depth - 1);
}

struct content_sent content_of(uint32_t skeleton, uint32_t fixed, struct json components)
{
    struct values all = {.in_body = 0};
    buf_init(&all.text, SIMILAR_TEXT_MAX);
    for (struct json_iter it = json_iter(components); json_next(&it);)
        collect(&all, it.value, is_part(it.value, "body"), VALUE_DEPTH);
    uint64_t whole = (uint64_t)fixed + all.in_body;
    struct content_sent c = {.skeleton = skeleton,
                             .values = folded(similar_hash(buf_str(&all.text))),
                             .share = (uint16_t)(whole > 0 ? (uint64_t)fixed * 1000 / whole : 1000)};
    buf_done(&all.text);
    return c;
}

/* --- how alike --------------------------------------------------------------------------------------------------- */

static int likeness(const struct content_sent *a, const struct content_sent *b, const struct snapshot *snap, int same)
{
    if (a->skeleton == b->skeleton)
        return a->values == b->values ? 1000 : similar_at_least(1000, a->share, b->share);
    const struct signature *sa = snapshot_signature(snap, a->skeleton), *sb = snapshot_signature(snap, b->skeleton);
    if (sa == NULL || sb == NULL)
        return 0; /* older than the texts kept in memory */
    return similar_at_least(similar_fixed(sa, sb, same), a->share, b->share);
}

void content_facts(const struct content_sent *now, const struct caps *got, const struct snapshot *snap, int same,
                   int near, struct facts *f)
{
    int64_t same_at = 0, near_at = 0;
    int most = 0;
    uint32_t of = 0;
    for (size_t i = 0; i < got->n_contents; i++) {
        const struct content_sent *c = &got->content[i];
        int like = likeness(now, c, snap, same);
        if (like >= same && c->at > same_at)
            same_at = c->at;
        if (like >= near && c->at > near_at)
            near_at = c->at;
        if (like > most) {
            most = like;
            of = c->skeleton;
        }
    }
    fact_set(f, FACT_DUPLICATE_SAME_AT, same_at);
    fact_set(f, FACT_DUPLICATE_NEAR_AT, near_at);
    fact_set(f, FACT_DUPLICATE_SIMILARITY, most);
    if (of != 0)
        fact_set(f, FACT_DUPLICATE_OF, of);
}

/* --- keeping the texts ------------------------------------------------------------------------------------------- */

int content_skeletons(struct arena *a, const struct template_row *rows, size_t n, int64_t now, struct skeleton **ret,
                      size_t *ret_n, struct err *e)
{
    struct skeleton *v = arena_new_array(a, struct skeleton, n + 1);
    struct json_parser *parser = json_parser_create();
    size_t found = 0;
    int rc = v != NULL ? 0 : err_set(e, WL_ENOMEM, "the templates do not fit their memory");
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct skeleton_text t;
        struct json listing;
        if (rows[i].category != CATEGORY_MARKETING || json_parse(parser, rows[i].listing, false, &listing, NULL) != 0)
            continue;
        rc = content_skeleton(a, listing, &t, e);
        if (rc == 0 && t.number != 0)
            v[found++] = (struct skeleton){.number = t.number, .text = t.text, .first_seen = now};
    }
    json_parser_free(parser);
    if (rc != 0)
        return rc;
    *ret = v;
    *ret_n = found;
    return 0;
}
