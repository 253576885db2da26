/* SPDX-License-Identifier: Apache-2.0
 * segment_select.c - the people a segment means: sets first, the smallest first, and numbers last, of those who are left.
 *
 * A group of `and` begins with everybody. Its rules of words are bitmaps; those that leave fewest are taken first, negative ones are
 * taken off. Groups in it are asked about those who are left, and rules of numbers and times at last: of few people one by one, of
 * many as a scan of the column. A group of `or` is the union of its parts, each asked within the same people.
 *
 * Every answer of a part lies within the people it was asked about, so that `not` is those people without it. The audience and
 * the segment are only read: any number of threads may ask. */
#include <string.h>

#include "core/audience_impl.h"
#include "core/segment_impl.h"

/* People: a bitmap, ours to change or somebody else's. */
struct people {
    const roaring_bitmap_t *is;
    roaring_bitmap_t *own; /* is, or NULL */
};

struct asking {
    const struct audience *a;
    int64_t now;
    struct err *e;
};

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory for a segment's people");
}

static void drop(struct people *p)
{
    people_free(p->own);
    *p = (struct people){NULL, NULL};
}

static int own(struct people *p, roaring_bitmap_t *made, struct err *e)
{
    drop(p);
    p->is = p->own = made;
    return made != NULL ? 0 : no_memory(e);
}

/* *p becomes those who are in it and, as `in` says, in `with` or not. */
static int narrow(struct people *p, const roaring_bitmap_t *with, bool in, struct err *e)
{
    if (p->own == NULL) {
        roaring_bitmap_t *made = in ? roaring_bitmap_and(p->is, with) : roaring_bitmap_andnot(p->is, with);
        return own(p, made, e);
    }
    if (in)
        roaring_bitmap_and_inplace(p->own, with);
    else
        roaring_bitmap_andnot_inplace(p->own, with);
    return 0;
}

/* --- rules of words --------------------------------------------------------------------------------------------------- */

/* What a rule of words is answered from: the codes of a set that it wants. */
struct wanted {
    const struct audience_set *set; /* NULL: nobody has such a thing */
    struct buf codes;               /* uint32_t */
    uint64_t people;                /* who has any of them, counted once for each */
};

static bool want(struct wanted *w, uint32_t code)
{
    w->people += audience_set_people(w->set, code);
    return buf_put(&w->codes, &code, sizeof code);
}

static bool want_found(struct wanted *w, struct str text)
{
    uint32_t at = 0, code;
    while ((code = audience_set_find(w->set, text, &at)) != UINT32_MAX)
        if (!want(w, code))
            return false;
    return true;
}

/* An attribute read as numbers or times: every word it has is read and tried. */
static bool want_measured(struct wanted *w, const struct segment_rule *r, int64_t now)
{
    struct buf ranges;
    buf_init(&ranges, (SEGMENT_VALUES_MAX + 1) * sizeof(struct segment_range));
    bool ok = buf_reserve(&ranges, (r->n + 1) * sizeof(struct segment_range));
    struct segment_range *range = (struct segment_range *)(void *)ranges.data;
    size_t n = ok ? segment_ranges(r, now, range) : 0;
    for (uint32_t c = 0; ok && c < audience_set_count(w->set); c++) {
        struct str text = audience_set_text(w->set, c);
        struct segment_time t = {0};
        int64_t v = 0;
        bool is = r->as == AS_NUMBER ? segment_number(text, &v) : segment_day_or_second(text, &t);
        if (is && segment_in_ranges(range, n, r->as == AS_NUMBER ? v : t.from))
            ok = want(w, c);
    }
    buf_done(&ranges);
    return ok;
}

static bool want_texts(struct wanted *w, const struct segment_rule *r)
{
    bool ok = true;
    for (uint32_t c = 0; ok && c < audience_set_count(w->set); c++)
        if (segment_text_fits(r, audience_set_text(w->set, c)))
            ok = want(w, c);
    return ok;
}

static bool want_countries(struct wanted *w, const struct segment_rule *r)
{
    struct str rest = {NULL, 0}, country;
    size_t i = 0;
    bool ok = true;
    while (ok && segment_next_country(r, &i, &rest, &country))
        ok = want_found(w, country);
    return ok;
}

static int want_all(const struct asking *q, const struct segment_rule *r, struct wanted *w)
{
    bool ok = true;
    buf_init(&w->codes, (size_t)UINT32_MAX * sizeof(uint32_t));
    w->people = 0;
    w->set = r->about->place == PLACE_ATTRIBUTE ? audience_set_of(q->a, r->name) : &q->a->set[r->about->index];
    if (w->set == NULL)
        return 0;
    if (r->as != AS_TEXT)
        ok = want_measured(w, r, q->now);
    else if (r->about->place == PLACE_COUNTRIES)
        ok = want_countries(w, r);
    else if (r->op == OP_EQUAL)
        for (size_t i = 0; ok && i < r->n; i++)
            ok = want_found(w, r->text[i]);
    else
        ok = want_texts(w, r);
    return ok ? 0 : no_memory(q->e);
}

#define UNION_MAX 1024 /* bitmaps joined at once; of more words the union is made in bits */

/* Who has any of the words wanted. */
static int holders(const struct asking *q, const struct wanted *w, struct people *ret)
{
    const uint32_t *code = (const uint32_t *)(const void *)w->codes.data;
    size_t n = w->codes.len / sizeof *code, rows = 0, few;
    const roaring_bitmap_t *row[UNION_MAX];
    bool lists = false;
    for (size_t i = 0; i < n && rows < UNION_MAX; i++) {
        row[rows] = audience_set_rows(w->set, code[i]);
        rows += row[rows] != NULL;
        lists |= audience_set_list(w->set, code[i], &few) != NULL;
    }
    if (!lists && rows == 1) {
        ret->is = row[0];
        return 0;
    }
    if (!lists && rows < UNION_MAX)
        return own(ret, rows == 0 ? roaring_bitmap_create() : roaring_bitmap_or_many(rows, row), q->e);
    struct audience_bits bits;
    roaring_bitmap_t *all = NULL;
    int rc = audience_bits_init(&bits, q->a, q->e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        audience_bits_add(&bits, w->set, code[i]);
    if (rc == 0)
        rc = audience_bits_take(&bits, &all, q->e);
    audience_bits_done(&bits);
    return rc == 0 ? own(ret, all, q->e) : rc;
}

/* --- rules of numbers ------------------------------------------------------------------------------------------------- */

#define RANGES_TRIED 4 /* one after the other; more are searched */

static uint64_t scan_many(const uint32_t *column, const struct segment_range *range, size_t n)
{
    uint64_t bits = 0;
    for (unsigned b = 0; b < 64; b++)
        bits |= (uint64_t)segment_in_ranges(range, n, column[b]) << b;
    return bits;
}

static void scan_block(const uint32_t *column, const struct segment_range *range, size_t n, bool wanted, uint64_t *word)
{
    for (size_t i = 0; i < AUDIENCE_BLOCK / 64; i++) {
        uint64_t bits = n > RANGES_TRIED ? scan_many(column + i * 64, range, n) : 0;
        for (size_t k = 0; k < n && n <= RANGES_TRIED; k++) {
            uint32_t low = (uint32_t)range[k].low, span = (uint32_t)range[k].high - low;
            for (unsigned b = 0; b < 64; b++)
                bits |= (uint64_t)(column[i * 64 + b] - low <= span) << b;
        }
        word[i] = wanted ? bits : ~bits;
    }
}

/* The whole column, whoever is asked about. */
static int scan(const struct asking *q, const struct segment_rule *r, const struct segment_range *range, size_t n,
                roaring_bitmap_t **ret)
{
    static const uint32_t never[AUDIENCE_BLOCK];
    struct audience_bits bits;
    int rc = audience_bits_init(&bits, q->a, q->e);
    for (size_t k = 0; rc == 0 && k < bits.blocks; k++) {
        const uint32_t *column = q->a->block[k]->number[r->about->index];
        scan_block(column != NULL ? column : never, range, n, !r->negated, bits.word + k * (AUDIENCE_BLOCK / 64));
    }
    if (rc == 0)
        rc = audience_bits_take(&bits, ret, q->e);
    audience_bits_done(&bits);
    return rc;
}

#define PIECE 1024

/* Of k ordinals in their order those the rule holds for are left, in their order. */
static size_t keep(const struct asking *q, const struct segment_rule *r, const struct segment_range *range, size_t n,
                   uint32_t *some, size_t k)
{
    static const uint32_t never[AUDIENCE_BLOCK];
    const uint32_t *column = never;
    size_t kept = 0, block = SIZE_MAX;
    uint32_t low = n > 0 ? (uint32_t)range[0].low : 1, span = n > 0 ? (uint32_t)range[0].high - low : 0;
    for (size_t i = 0; i < k; i++) {
        uint32_t ordinal = some[i];
        if (ordinal / AUDIENCE_BLOCK != block) {
            block = ordinal / AUDIENCE_BLOCK;
            column = q->a->block[block]->number[r->about->index];
            column = column != NULL ? column : never;
        }
        uint32_t v = column[ordinal % AUDIENCE_BLOCK];
        bool is = n == 1 ? v - low <= span : segment_in_ranges(range, n, v);
        some[kept] = ordinal;
        kept += is != r->negated;
    }
    return kept;
}

#define FEW_SHARE 256 /* fewer than this part of everybody are put into a bitmap one by one, more by way of bits */

/* Of these people one by one. */
static int pick(const struct asking *q, const struct segment_rule *r, const struct segment_range *range, size_t n,
                const roaring_bitmap_t *among, roaring_bitmap_t **ret)
{
    bool few = roaring_bitmap_get_cardinality(among) < q->a->n / FEW_SHARE;
    roaring_bitmap_t *out = few ? roaring_bitmap_create() : NULL;
    struct audience_bits bits = {0};
    uint32_t some[PIECE];
    roaring_uint32_iterator_t it;
    int rc = few ? (out != NULL ? 0 : no_memory(q->e)) : audience_bits_init(&bits, q->a, q->e);
    roaring_init_iterator(among, &it);
    for (uint32_t k; rc == 0 && (k = roaring_read_uint32_iterator(&it, some, PIECE)) > 0;) {
        size_t kept = keep(q, r, range, n, some, k);
        if (few)
            roaring_bitmap_add_many(out, kept, some);
        else
            audience_bits_set(&bits, some, kept);
    }
    if (rc == 0 && !few)
        rc = audience_bits_take(&bits, &out, q->e);
    audience_bits_done(&bits);
    if (rc == 0)
        *ret = out;
    return rc;
}

#define SCAN_SHARE 6 /* more than a sixth of everybody: the column is scanned */

/* *p becomes those of them the rule holds for. */
static int narrow_by_number(const struct asking *q, const struct segment_rule *r, struct people *p)
{
    struct buf ranges;
    roaring_bitmap_t *is = NULL;
    buf_init(&ranges, (SEGMENT_VALUES_MAX + 1) * sizeof(struct segment_range));
    if (!buf_reserve(&ranges, (r->n + 1) * sizeof(struct segment_range)))
        return no_memory(q->e);
    struct segment_range *range = (struct segment_range *)(void *)ranges.data;
    size_t n = segment_column_ranges(r, q->now, range);
    bool many = roaring_bitmap_get_cardinality(p->is) > q->a->n / SCAN_SHARE;
    int rc = many ? scan(q, r, range, n, &is) : pick(q, r, range, n, p->is, &is);
    buf_done(&ranges);
    if (rc != 0)
        return rc;
    if (!many)
        return own(p, is, q->e);
    rc = narrow(p, is, true, q->e);
    people_free(is);
    return rc;
}

/* --- groups ----------------------------------------------------------------------------------------------------------- */

static int answer(const struct asking *q, const struct segment_node *n, const roaring_bitmap_t *among,
                  struct people *ret);

/* A child of a group of `and`, and what is known of it before it is asked. */
struct part {
    const struct segment_node *node;
    struct wanted wanted; /* of a rule of words */
    uint64_t left;        /* about so many are left by it; UINT64_MAX: not known, asked last */
};

static bool is_words(const struct segment_node *n)
{
    return n->is_rule && n->rule->about->place != PLACE_NUMBER;
}

static int narrow_by_words(const struct asking *q, const struct part *part, struct people *p)
{
    struct people has = {NULL, NULL};
    int rc = holders(q, &part->wanted, &has);
    if (rc == 0)
        rc = narrow(p, has.is, !part->node->rule->negated, q->e);
    drop(&has);
    return rc;
}

static int narrow_by(const struct asking *q, const struct part *part, struct people *p)
{
    struct people is = {NULL, NULL};
    if (is_words(part->node))
        return narrow_by_words(q, part, p);
    if (part->node->is_rule)
        return narrow_by_number(q, part->node->rule, p);
    int rc = answer(q, part->node, p->is, &is);
    if (rc != 0)
        return rc;
    drop(p);
    *p = is;
    return 0;
}

/* The fewest first; of others groups before numbers. */
static void sort_parts(struct part *part, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct part p = part[i];
        size_t k = i;
        for (; k > 0 && part[k - 1].left > p.left; k--)
            part[k] = part[k - 1];
        part[k] = p;
    }
}

static int all_of(const struct asking *q, const struct segment_node *group, struct people *p)
{
    struct buf parts;
    size_t n = 0;
    int rc = 0;
    buf_init(&parts, (SEGMENT_RULES_MAX + 1) * SEGMENT_DEPTH_MAX * sizeof(struct part));
    for (const struct segment_node *c = group->child; rc == 0 && c != NULL; c = c->next) {
        struct part part = {.node = c, .left = c->is_rule ? UINT64_MAX : UINT64_MAX - 1};
        if (is_words(c)) {
            rc = want_all(q, c->rule, &part.wanted);
            uint64_t has = part.wanted.people < q->a->n ? part.wanted.people : q->a->n;
            part.left = c->rule->negated ? q->a->n - has : has;
        }
        if (!buf_put(&parts, &part, sizeof part)) {
            buf_done(&part.wanted.codes);
            rc = no_memory(q->e);
        }
    }
    struct part *part = (struct part *)(void *)parts.data;
    n = parts.len / sizeof *part;
    sort_parts(part, n);
    for (size_t i = 0; i < n; i++) {
        if (rc == 0 && !roaring_bitmap_is_empty(p->is))
            rc = narrow_by(q, &part[i], p);
        if (is_words(part[i].node))
            buf_done(&part[i].wanted.codes);
    }
    buf_done(&parts);
    return rc;
}

static int any_of(const struct asking *q, const struct segment_node *group, const roaring_bitmap_t *among,
                  struct people *ret)
{
    roaring_bitmap_t *all = NULL;
    int rc = 0;
    for (const struct segment_node *c = group->child; rc == 0 && c != NULL; c = c->next) {
        struct people one = {NULL, NULL};
        rc = answer(q, c, among, &one);
        if (rc == 0 && all == NULL)
            all = one.own != NULL ? one.own : roaring_bitmap_copy(one.is);
        else if (rc == 0)
            roaring_bitmap_or_inplace(all, one.is);
        if (rc == 0 && all == one.own)
            one.own = NULL;
        drop(&one);
        rc = rc == 0 && all == NULL ? no_memory(q->e) : rc;
    }
    if (rc == 0)
        return own(ret, all, q->e);
    people_free(all);
    return rc;
}

/* Those of `among` who are meant. ret->is may be `among` itself. */
static int answer(const struct asking *q, const struct segment_node *n, const roaring_bitmap_t *among,
                  struct people *ret)
{
    struct people p = {among, NULL};
    struct segment_node alone = {.child = (struct segment_node *)n};
    int rc = 0;
    if (n->is_rule) { /* a group of one */
        struct segment_node copy = *n;
        copy.next = NULL;
        alone.child = &copy;
        rc = all_of(q, &alone, &p);
    } else if (n->any && n->child != NULL)
        rc = any_of(q, n, among, &p);
    else
        rc = all_of(q, n, &p);
    if (rc == 0 && n->negated && !n->is_rule) {
        struct people not = {among, NULL};
        rc = narrow(&not, p.is, false, q->e);
        drop(&p);
        p = not ;
    }
    if (rc == 0)
        *ret = p;
    else
        drop(&p);
    return rc;
}

int segment_select(const struct segment *g, const struct audience *a, int64_t now, roaring_bitmap_t **ret,
                   struct err *e)
{
    struct asking q = {a, now, e};
    struct people p = {NULL, NULL};
    int rc = answer(&q, g->root, a->everybody, &p);
    if (rc != 0)
        return rc;
    *ret = p.own != NULL ? p.own : roaring_bitmap_copy(p.is);
    return *ret != NULL ? 0 : no_memory(e);
}

/* --- about the audience ----------------------------------------------------------------------------------------------- */

/* Who has a word of a set, or another of it (NULL: there is no other), is in; or out. */
struct term {
    enum audience_words_field set;
    const char *word, *also;
    bool in;
};

static int narrow_by_term(const struct asking *q, const struct term *t, struct people *p)
{
    struct people has = {NULL, NULL};
    struct wanted w = {.set = &q->a->set[t->set]};
    buf_init(&w.codes, 64);
    bool ok = want_found(&w, str_of(t->word)) && (t->also == NULL || want_found(&w, str_of(t->also)));
    int rc = ok ? holders(q, &w, &has) : no_memory(q->e);
    if (rc == 0)
        rc = narrow(p, has.is, t->in, q->e);
    drop(&has);
    buf_done(&w.codes);
    return rc;
}

int segment_reachable(const roaring_bitmap_t *people, const struct audience *a, enum category c, int64_t now,
                      roaring_bitmap_t **ret, struct err *e)
{
    const struct audience_until *until = (const struct audience_until *)(const void *)a->until.data;
    struct people p = {people, NULL};
    struct asking q = {a, now, e};
    if (c < CATEGORY_MARKETING || c > CATEGORY_CALLS)
        return err_set(e, WL_EINVAL, "nobody consents to messages of the category %s", category_name(c));
    const struct term terms[] = {{(enum audience_words_field)(AUDIENCE_MARKETING + (c - CATEGORY_MARKETING)), "granted",
                                  NULL, true},
                                 {AUDIENCE_NAMED, "phone", c != CATEGORY_AUTHENTICATION ? "user_id" : NULL,
                                  true}, /* one-time codes */
                                 {AUDIENCE_STOP, "true", NULL, false}};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < (c == CATEGORY_MARKETING ? 3 : 2); i++)
        rc = narrow_by_term(&q, &terms[i], &p);
    for (size_t i = 0; rc == 0 && i < a->until.len / sizeof *until; i++)
        if (until[i].category == c && until[i].at <= now) /* has ended since the audience was made */
            roaring_bitmap_remove(p.own, until[i].ordinal);
    if (rc == 0)
        *ret = p.own;
    else
        drop(&p);
    return rc;
}

/* What is asked of imports, tags and campaigns by name, and of attributes. */
static size_t unheard_of(const struct audience *a, const struct segment_rule *r, struct str *ret, size_t max)
{
    size_t n = 0;
    if (r->about->place == PLACE_ATTRIBUTE && audience_set_of(a, r->name) == NULL && n < max)
        ret[n++] = r->name;
    for (size_t i = 0; r->label != NULL && i < r->n && n < max; i++) {
        uint32_t at = 0;
        if (audience_set_find(&a->set[r->about->index], r->text[i], &at) == UINT32_MAX)
            ret[n++] = r->label[i];
    }
    return n;
}

static size_t unheard_in(const struct audience *a, const struct segment_node *n, struct str *ret, size_t max)
{
    size_t found = 0;
    if (n->is_rule)
        return unheard_of(a, n->rule, ret, max);
    for (const struct segment_node *c = n->child; c != NULL; c = c->next)
        found += unheard_in(a, c, ret + found, max - found);
    return found;
}

size_t segment_unheard(const struct segment *g, const struct audience *a, struct str *ret, size_t max)
{
    return unheard_in(a, g->root, ret, max);
}
