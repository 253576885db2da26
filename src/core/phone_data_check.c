/* SPDX-License-Identifier: Apache-2.0
 * phone_data_check.c - whether every reference of a file of numbering plans leads somewhere.
 *
 * One look at each element, in the order in which they are built from one another: the decision graph (a node stands on lower ones only,
 * so one pass knows of each how many digits it may ask for and whether it may answer what only one of the two answer tables has), the
 * roots, the programs (backwards, because they go forward only), and then the rows that name them. */
#include "core/phone_data_impl.h"
#include "core/phone_program.h"

#define DEEP          0x7f /* of a node: most digits asked for, stopping there */
#define TALL          0x80 /* an answer may lie beyond the shorter of payloads and layouts */
#define TRANSFORM_MAX 32

struct check {
    const struct phone_data *d;
    struct err *e;
    uint32_t shorter; /* of payloads and layouts */
    uint8_t node[UINT16_MAX + 1];
};

static int broken(struct err *e, const char *what, uint32_t at)
{
    return err_set(e, WL_EINVAL, "phone data: %s %u leads nowhere", what, at);
}

/* ---- the decision graph ---- */

/* What is known of a reference, or -1 if it is none below `nodes`. */
static int known(const struct check *c, uint32_t ref, uint32_t nodes)
{
    if (ref < c->d->head->leaves)
        return ref < c->shorter ? 0 : TALL;
    ref -= c->d->head->leaves;
    return ref < nodes ? c->node[ref] : -1;
}

static int check_nodes(struct check *c)
{
    for (uint32_t i = 0; i < c->d->count[PHONE_SECTION_NODE]; i++) {
        unsigned deep = 0, tall = 0;
        for (unsigned k = 0; k < 10; k++) {
            int is = known(c, c->d->node[i].next[k], i);
            if (is < 0)
                return broken(c->e, "node", i);
            deep = deep > (unsigned)(is & DEEP) ? deep : (unsigned)(is & DEEP);
            tall |= is & TALL;
        }
        c->node[i] = (uint8_t)((deep < DEEP ? deep + 1 : DEEP) | tall);
    }
    return 0;
}

static int check_graph(struct check *c)
{
    const struct phone_data *d = c->d;
    uint32_t payloads = d->count[PHONE_SECTION_PAYLOAD], layouts = d->count[PHONE_SECTION_LAYOUT];
    c->shorter = payloads < layouts ? payloads : layouts;
    if (d->head->leaves > (payloads > layouts ? payloads : layouts) ||
        d->head->leaves + d->count[PHONE_SECTION_NODE] > UINT16_MAX + 1u)
        return err_set(c->e, WL_EINVAL, "phone data: %u answers are too many", d->head->leaves);
    int rc = check_nodes(c);
    for (uint32_t i = 0; rc == 0 && i < d->count[PHONE_SECTION_ROOT]; i++)
        for (int n = 0; n < PHONE_ROOTS; n++) {
            int is = known(c, d->root[i][n], d->count[PHONE_SECTION_NODE]);
            if (is < 0 || (is & DEEP) > n)
                return broken(c->e, "root", i);
        }
    return rc;
}

/* Whether a row of ROOT may stand for a table of that many answers. */
static bool root_fits(const struct check *c, uint32_t row, uint32_t answers)
{
    if (row >= c->d->count[PHONE_SECTION_ROOT])
        return false;
    for (int n = 0; n < PHONE_ROOTS && answers < c->d->head->leaves; n++)
        if (known(c, c->d->root[row][n], c->d->count[PHONE_SECTION_NODE]) & TALL)
            return false;
    return true;
}

/* ---- programs ---- */

struct bounds {
    uint16_t work[PHONE_STEPS_MAX];   /* steps that are carried out from a step on, every way gone to its end */
    uint8_t pending[PHONE_STEPS_MAX]; /* most choices and marks open on one of them */
};

static bool check_step(const struct phone_data *d, uint32_t i, struct bounds *b)
{
    uint32_t count = d->count[PHONE_SECTION_PROGRAM];
    struct phone_step s = d->program[i];
    uint32_t next = s.op == PHONE_JUMP ? i + s.arg : i + 1, other = i + s.arg;
    b->work[i] = 1;
    b->pending[i] = 0;
    if (s.op == PHONE_FAIL || s.op == PHONE_MATCH)
        return true;
    if (s.op > PHONE_END || next <= i || next >= count)
        return false;
    uint32_t work = 1u + b->work[next], pending = b->pending[next];
    if (s.op == PHONE_SAVE) {
        pending++;
        if (s.arg < 2 || s.arg >= 2 * (PHONE_GROUPS_MAX + 1))
            return false;
    }
    if (s.op == PHONE_SPLIT) {
        if (other <= i || other >= count)
            return false;
        work += b->work[other];
        pending = pending + 1 > b->pending[other] ? pending + 1 : b->pending[other];
    }
    b->work[i] = (uint16_t)work;
    b->pending[i] = (uint8_t)pending;
    return work <= PHONE_WORK_MAX && pending <= PHONE_PENDING_MAX;
}

static int check_programs(const struct phone_data *d, struct err *e)
{
    struct bounds b;
    uint32_t count = d->count[PHONE_SECTION_PROGRAM];
    if (count > PHONE_STEPS_MAX)
        return err_set(e, WL_EINVAL, "phone data: %u steps of programs, %d are possible", count, PHONE_STEPS_MAX);
    for (uint32_t i = count; i-- > 0;)
        if (!check_step(d, i, &b))
            return broken(e, "step", i);
    return 0;
}

/* ---- rows ---- */

static bool text_fits(const struct phone_data *d, uint32_t at)
{
    return at < d->count[PHONE_SECTION_TEXT];
}

static bool check_plan(const struct check *c, const struct phone_plan *p)
{
    const struct phone_data *d = c->d;
    uint32_t payloads = d->count[PHONE_SECTION_PAYLOAD], layouts = d->count[PHONE_SECTION_LAYOUT];
    return p->code < PHONE_CODES && (p->code != 0) == (p != d->plan) && p->main < d->count[PHONE_SECTION_REGION] &&
           root_fits(c, p->root, payloads) && root_fits(c, p->layout, layouts);
}

static int check_plans(const struct check *c)
{
    const struct phone_data *d = c->d;
    uint32_t plans = d->count[PHONE_SECTION_PLAN];
    for (uint32_t i = 0; i < plans; i++)
        if (!check_plan(c, &d->plan[i]) || (i > 0 && d->code[d->plan[i].code] != i) ||
            (i > 0 && d->region[d->plan[i].main].code != d->plan[i].code))
            return broken(c->e, "plan", i);
    for (uint32_t i = 0; i < PHONE_CODES; i++)
        if (d->code[i] >= plans || (d->code[i] && d->plan[d->code[i]].code != i))
            return broken(c->e, "calling code", i);
    return 0;
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* "DE"; "001" of a calling code; "ZZ" is nobody's and the first row's alone. */
static bool check_id(const struct phone_region_row *r, bool first)
{
    if (first)
        return memcmp(r->id, "ZZ", 3) == 0;
    if (r->flags & PHONE_REGION_NOBODYS)
        return memcmp(r->id, "001", 4) == 0;
    return upper(r->id[0]) && upper(r->id[1]) && r->id[2] == '\0' && memcmp(r->id, "ZZ", 2) != 0;
}

/* Short, and naming no group that the rule does not have. */
static bool check_transform(const struct phone_data *d, const struct phone_region_row *r)
{
    if (!text_fits(d, r->transform) || r->prefix_groups > PHONE_GROUPS_MAX)
        return false;
    const char *t = d->text + r->transform;
    if (strlen(t) > TRANSFORM_MAX)
        return false;
    for (; *t; t++) {
        if (*t == '$') {
            t++;
            if (*t < '1' || *t > '0' + r->prefix_groups)
                return false;
        } else if (*t < '0' || *t > '9') {
            return false;
        }
    }
    return true;
}

static bool check_region(const struct check *c, const struct phone_region_row *r, bool first)
{
    const struct phone_data *d = c->d;
    uint32_t steps = d->count[PHONE_SECTION_PROGRAM];
    return check_id(r, first) && r->code < PHONE_CODES && (r->code != 0) == !first &&
           r->plan < d->count[PHONE_SECTION_PLAN] && d->plan[r->plan].code == r->code &&
           root_fits(c, r->root, d->count[PHONE_SECTION_PAYLOAD]) && r->lengths < d->count[PHONE_SECTION_LENGTH] &&
           r->prefix_program < steps && r->idd_program < steps && text_fits(d, r->prefix_text) &&
           text_fits(d, r->idd_text) && text_fits(d, r->extension_text) && check_transform(d, r);
}

static int check_regions(const struct check *c)
{
    const struct phone_data *d = c->d;
    uint8_t seen[26 * 26 / 8 + 1] = {0};
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_REGION]; i++) {
        const struct phone_region_row *r = &d->region[i];
        if (!check_region(c, r, i == 0))
            return broken(c->e, "region", i);
        if (!upper(r->id[0]))
            continue;
        unsigned at = (unsigned)((r->id[0] - 'A') * 26 + r->id[1] - 'A');
        if (seen[at / 8] >> at % 8 & 1)
            return err_set(c->e, WL_EINVAL, "phone data: region %s is there twice", r->id);
        seen[at / 8] |= (uint8_t)(1u << at % 8);
    }
    return 0;
}

static bool masks_fit(const struct phone_data *d, const uint8_t row[PHONE_LENGTH_KINDS])
{
    bool fit = true;
    for (int kind = 0; kind < PHONE_LENGTH_KINDS; kind++)
        fit = fit && row[kind] < d->count[PHONE_SECTION_MASK] && d->mask[row[kind]] < 1u << PHONE_ROOTS;
    return fit;
}

static int check_lengths(const struct phone_data *d, struct err *e)
{
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_LENGTH]; i++)
        if (!masks_fit(d, d->lengths[i].possible) || !masks_fit(d, d->lengths[i].local_only))
            return broken(e, "row of lengths", i);
    return 0;
}

static int check_answers(const struct phone_data *d, struct err *e)
{
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_PAYLOAD]; i++)
        if (d->payload[i].region >= d->count[PHONE_SECTION_REGION] || d->payload[i].type >= PHONE_TYPES)
            return broken(e, "payload", i);
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_LAYOUT]; i++) {
        const struct phone_layout *l = &d->layout[i];
        unsigned digits = 0;
        for (uint32_t g = l->groups; g; g >>= 4)
            digits += g == PHONE_LAYOUT_REST ? 0 : g & 15;
        if (digits > PHONE_NSN_MAX || !text_fits(d, l->national) || !text_fits(d, l->international))
            return broken(e, "layout", i);
    }
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_EXAMPLE]; i++)
        if (d->example[i].region >= d->count[PHONE_SECTION_REGION] || d->example[i].type >= PHONE_TYPES ||
            !text_fits(d, d->example[i].text))
            return broken(e, "example", i);
    return 0;
}

/* ---- texts and prefix tables ---- */

static int check_names(const struct phone_data *d, const uint32_t *name, uint32_t count, struct err *e)
{
    for (uint32_t i = 0; i < count; i++)
        if (!text_fits(d, name[i]))
            return broken(e, "name", i);
    return 0;
}

/* Of a node, a digit's reference is a string or a lower node, that of the end a string. A table has strings or nothing at all. */
static bool check_prefix(const struct phone_prefix_node *n, uint32_t at, uint32_t leaves)
{
    bool fits = n->next[PHONE_PREFIX_ENDS] < leaves;
    for (unsigned k = 0; k < PHONE_PREFIX_ENDS; k++)
        fits = fits && (n->next[k] == 0 || n->next[k] < leaves + at);
    return fits;
}

static int check_prefixes(const struct phone_prefix_node *node, uint32_t nodes, uint32_t root, uint32_t leaves,
                          uint32_t names, struct err *e)
{
    if (leaves > names || leaves + nodes > UINT16_MAX + 1u || (root != 0 && root >= leaves + nodes) ||
        (leaves == 0 && (names > 0 || nodes > 0)))
        return broken(e, "prefix table of", leaves);
    for (uint32_t i = 0; i < nodes; i++)
        if (!check_prefix(&node[i], i, leaves))
            return broken(e, "prefix", i);
    return 0;
}

static int check_places(const struct phone_data *d, struct err *e)
{
    const struct phone_file_header *h = d->head;
    const uint32_t *n = d->count;
    int rc = check_names(d, d->zone_name, n[PHONE_SECTION_ZONE_NAME], e);
    if (rc == 0)
        rc = check_names(d, d->carrier_name, n[PHONE_SECTION_CARRIER_NAME], e);
    if (rc == 0)
        rc = check_names(d, d->source, n[PHONE_SECTION_SOURCE], e);
    if (rc == 0)
        rc = check_prefixes(d->zone, n[PHONE_SECTION_ZONE_NODE], h->zone_root, h->zone_leaves,
                            n[PHONE_SECTION_ZONE_NAME], e);
    if (rc == 0)
        rc = check_prefixes(d->carrier, n[PHONE_SECTION_CARRIER_NODE], h->carrier_root, h->carrier_leaves,
                            n[PHONE_SECTION_CARRIER_NAME], e);
    return rc;
}

int phone_data_check(const struct phone_data *d, struct err *e)
{
    struct check c;
    c.d = d;
    c.e = e;
    if (!text_fits(d, d->head->name) || d->text[0] != '\0' || d->text[d->count[PHONE_SECTION_TEXT] - 1] != '\0')
        return err_set(e, WL_EINVAL, "phone data: its texts do not end");
    int rc = check_graph(&c);
    if (rc == 0)
        rc = check_programs(d, e);
    if (rc == 0)
        rc = check_answers(d, e);
    if (rc == 0)
        rc = check_lengths(d, e);
    if (rc == 0)
        rc = check_plans(&c);
    if (rc == 0)
        rc = check_regions(&c);
    return rc != 0 ? rc : check_places(d, e);
}
