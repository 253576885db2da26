/* SPDX-License-Identifier: Apache-2.0
 * ruleset_canon.c - the one text that stands for a rule set; and single values and conditions in the same notation.
 *
 * The canonical form is the rule file without its tests, as JSON written from the compiled set and not from the file:
 * keys in alphabetical order, durations in their largest unit, words in the order of their fact. Two files with the same
 * canonical form decide alike and explain alike, byte for byte; and because JSON is YAML, the loader reads it like any
 * other rule file. The order of rules is part of it, because it says which rule speaks first; tests are not, because they
 * prove the set and do not change it. */
#include "core/ruleset_build.h"

#include "base/clock.h"
#include "base/json.h"

#define DAY_MS        86400000LL
#define CONDITION_MAX (1u << 20)

/* ---- single values ---- */

/* "250ms", "90s", "24h", "7d": the largest unit that gives a whole number, and a single day is 24h. */
static void duration_text(int64_t ms, struct buf *out)
{
    static const struct {
        const char *name;
        int64_t ms, least;
    } units[] = {{"d", DAY_MS, 2 * DAY_MS}, {"h", 3600000, 0}, {"m", 60000, 0}, {"s", 1000, 0}, {"ms", 1, 0}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms == 0 ? units[i].ms == 1000 : ms % units[i].ms == 0 && ms >= units[i].least) {
            buf_printf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
            return;
        }
    }
}

static void value_text(const struct ruleset *rs, uint8_t kind, int64_t v, struct buf *out)
{
    if (kind == VALUE_HOURS)
        hours_text(&rs->hours[v], out);
    else if (kind == VALUE_DURATION)
        duration_text(v, out);
    else
        buf_printf(out, "%lld", (long long)v);
}

void rule_value_text(const struct ruleset *rs, const struct rule *r, size_t date, size_t value, struct buf *out)
{
    if (rule_ends(r, date))
        buf_puts(out, "off");
    else if (date < r->values.n_rows && value < r->values.n_names)
        value_text(rs, r->values.kind[value], r->values.row[date].v[value], out);
}

static void write_date(struct json_out *o, int64_t ms)
{
    char text[TIME_TEXT];
    jo_str(o, (struct str){time_text(ms, text), 10});
}

static void write_value(struct json_out *o, const struct ruleset *rs, uint8_t kind, int64_t v)
{
    struct buf text;
    if (kind == VALUE_INT || kind == VALUE_ANY) {
        jo_int(o, v);
        return;
    }
    buf_init(&text, 1024);
    value_text(rs, kind, v, &text);
    jo_str(o, buf_str(&text));
    buf_done(&text);
}

/* ---- conditions ---- */

static void write_word(struct json_out *o, uint8_t fact, int64_t v)
{
    struct facts f = {0};
    struct buf text;
    if (fact_info[fact].type == FACT_TYPE_BOOL) {
        jo_bool(o, v != 0);
        return;
    }
    if (fact_info[fact].type == FACT_TYPE_INT) {
        jo_int(o, v);
        return;
    }
    buf_init(&text, 64);
    fact_set(&f, (enum fact_id)fact, v);
    fact_text(&f, (enum fact_id)fact, &text);
    jo_str(o, buf_str(&text));
    buf_done(&text);
}

static void write_set(struct json_out *o, const struct ruleset *rs, const struct node *n)
{
    static const char *const keys[2][2] = {{"in", "not_in"}, {"is", "is_not"}};
    bool one = n->op == OP_WORDS ? __builtin_popcountll(n->words) == 1 : n->n_list == 1;
    jo_key(o, keys[one][n->negate]);
    if (!one)
        jo_array(o);
    for (int64_t v = 0; n->op == OP_WORDS && v < 64; v++)
        if (n->words >> v & 1)
            write_word(o, n->fact, v);
    for (uint32_t i = 0; n->op == OP_LIST && i < n->n_list; i++)
        write_word(o, n->fact, rs->list[n->list + i]);
    if (!one)
        jo_end(o);
}

static void term_text(const struct operand *a, int i, uint8_t kind, const struct values *values, struct buf *out)
{
    if (a->value[i] >= 0)
        buf_printf(out, "$%s", values->name[a->value[i]]);
    else if (kind == VALUE_DURATION)
        duration_text(a->constant[i], out);
    else
        buf_printf(out, "%lld", (long long)a->constant[i]);
}

/* 5, "24h", "$x", "$x - 5" */
static void write_operand(struct json_out *o, const struct operand *a, uint8_t kind, const struct values *values)
{
    struct buf text;
    if (a->sign == 0 && a->value[0] < 0) {
        write_value(o, NULL, kind, a->constant[0]);
        return;
    }
    buf_init(&text, 256);
    term_text(a, 0, kind, values, &text);
    if (a->sign != 0) {
        buf_puts(&text, a->sign > 0 ? " + " : " - ");
        term_text(a, 1, kind, values, &text);
    }
    jo_str(o, buf_str(&text));
    buf_done(&text);
}

static void write_calendar(struct json_out *o, const struct ruleset *rs, const struct node *n,
                           const struct values *values)
{
    if (n->op == OP_HOLIDAY) {
        jo_kcstr(o, "holiday", rs->holidays[n->list].area);
        return;
    }
    jo_key(o, "outside");
    write_operand(o, &n->arg, VALUE_HOURS, values);
}

static void write_leaf(struct json_out *o, const struct ruleset *rs, const struct node *n, const struct values *values)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } ops[] = {[OP_LT] = {"lt", VALUE_INT},
               [OP_LE] = {"le", VALUE_INT},
               [OP_GT] = {"gt", VALUE_INT},
               [OP_GE] = {"ge", VALUE_INT},
               [OP_OLDER] = {"older_than", VALUE_DURATION},
               [OP_NEWER] = {"newer_than", VALUE_DURATION},
               [OP_AHEAD] = {"ahead_by", VALUE_DURATION}};
    jo_object(o);
    if (n->op >= OP_OUTSIDE) {
        write_calendar(o, rs, n, values);
        jo_end(o);
        return;
    }
    jo_kcstr(o, "fact", fact_info[n->fact].name);
    if (n->op == OP_WORDS || n->op == OP_LIST) {
        write_set(o, rs, n);
    } else if (n->op == OP_KNOWN) {
        jo_kbool(o, "known", !n->negate);
    } else if (n->op == OP_BEFORE) {
        jo_kcstr(o, "before", fact_info[n->other].name);
    } else {
        jo_key(o, ops[n->op].name);
        write_operand(o, &n->arg, ops[n->op].kind, values);
    }
    jo_end(o);
}

static void write_predicate(struct json_out *o, const struct ruleset *rs, uint32_t root, const struct values *values)
{
    static const char *const groups[] = {[OP_ALL] = "all", [OP_ANY] = "any", [OP_NOT] = "not"};
    const struct node *n = &rs->node[root];
    if (n->op > OP_NOT) {
        write_leaf(o, rs, n, values);
        return;
    }
    jo_object(o);
    jo_key(o, groups[n->op]);
    if (n->op != OP_NOT)
        jo_array(o);
    for (uint32_t i = root + 1; i < n->end; i = rs->node[i].end)
        write_predicate(o, rs, i, values);
    if (n->op != OP_NOT)
        jo_end(o);
    jo_end(o);
}

/* ---- rules ---- */

static void write_citations(struct json_out *o, const struct cite *c, size_t n)
{
    jo_key(o, "cite");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, "read", c[i].face.read);
        if (c[i].source != NULL)
            jo_kcstr(o, "source", c[i].source);
        jo_kcstr(o, "title", c[i].face.title);
        jo_kcstr(o, "url", c[i].face.url);
        jo_end(o);
    }
    jo_end(o);
}

/* Position in alphabetical order -> index of the name. */
static void sort_names(const struct values *v, uint16_t *order)
{
    for (uint16_t i = 0; i < v->n_names; i++) {
        uint16_t at = i;
        for (; at > 0 && strcmp(v->name[order[at - 1]], v->name[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void write_values(struct json_out *o, const struct ruleset *rs, const struct values *v)
{
    uint16_t order[NAMES_MAX];
    char date[TIME_TEXT];
    if (v->n_rows == 0)
        return;
    sort_names(v, order);
    jo_key(o, "values");
    jo_object(o);
    for (uint16_t r = 0; r < v->n_rows; r++) {
        jo_key_str(o, (struct str){time_text(v->row[r].since, date), 10});
        if (v->row[r].v == NULL) {
            jo_cstr(o, "off");
            continue;
        }
        jo_object(o);
        for (uint16_t i = 0; i < v->n_names; i++) {
            jo_key(o, v->name[order[i]]);
            write_value(o, rs, v->kind[order[i]], v->row[r].v[order[i]]);
        }
        jo_end(o);
    }
    jo_end(o);
}

static void write_until(struct json_out *o, const struct ruleset *rs, const struct rule *r)
{
    static const char *const signs[] = {"minus", "", "plus"};
    const char *list = r->until.list != NO_LIST ? rs->holidays[r->until.list].area : NULL;
    jo_object(o);
    if (r->until.kind == UNTIL_NOW_PLUS) {
        jo_key(o, "now_plus");
        write_operand(o, &r->until.arg, VALUE_DURATION, &r->values);
    } else if (r->until.kind == UNTIL_AFTER_HOLIDAY) {
        jo_kcstr(o, "after_holiday", list);
    } else if (r->until.kind == UNTIL_OPEN) {
        if (list != NULL)
            jo_kcstr(o, "holidays", list);
        jo_key(o, "open");
        write_operand(o, &r->until.arg, VALUE_HOURS, &r->values);
    } else {
        jo_kcstr(o, "fact", fact_info[r->until.fact].name);
        if (r->until.sign != 0) {
            jo_key(o, signs[r->until.sign + 1]);
            write_operand(o, &r->until.arg, VALUE_DURATION, &r->values);
        }
    }
    jo_end(o);
}

static void unknown_text(const struct rule *r, struct buf *out)
{
    static const char *const words[] = {"deny", "hold ", "ignore"};
    buf_puts(out, words[r->on_unknown]);
    if (r->on_unknown == UNKNOWN_HOLD)
        duration_text(r->unknown_hold, out);
}

static void write_unknown(struct json_out *o, const struct rule *r)
{
    struct buf text;
    buf_init(&text, 64);
    unknown_text(r, &text);
    jo_kstr(o, "on_unknown", buf_str(&text));
    buf_done(&text);
}

static void write_rule(struct json_out *o, const struct ruleset *rs, const struct rule *r)
{
    bool own = r->builtin == BUILTIN_NONE;
    jo_object(o);
    if (r->applies != NO_NODE) {
        jo_key(o, "applies");
        write_predicate(o, rs, r->applies, &r->values);
    }
    if (!own)
        jo_kbool(o, "builtin", true);
    jo_kcstr(o, "change", r->change);
    write_citations(o, r->cite, r->n_cite);
    jo_kint(o, "code", r->code);
    if (r->confidence[0] != '\0')
        jo_kcstr(o, "confidence", r->confidence);
    jo_kcstr(o, "id", r->id);
    if (own) {
        jo_kcstr(o, "mode", rule_mode_name((enum rule_mode)r->mode));
        write_unknown(o, r);
    }
    jo_kcstr(o, "reason", r->reason);
    jo_kcstr(o, "title", r->title);
    if (r->until.kind != UNTIL_NONE) {
        jo_key(o, "until");
        write_until(o, rs, r);
    }
    write_values(o, rs, &r->values);
    if (own)
        jo_kcstr(o, "verdict", verdict_name((enum verdict)r->verdict));
    if (r->when != NO_NODE) {
        jo_key(o, "when");
        write_predicate(o, rs, r->when, &r->values);
    }
    jo_end(o);
}

/* ---- parts of a rule, for people ---- */

/* Nothing in a condition holds a quote, a comma or a colon, so JSON becomes the notation of files by taking quotes out
 * and putting blanks in. */
void rule_part_text(const struct ruleset *rs, const struct rule *r, enum rule_part part, struct buf *out)
{
    struct buf text;
    struct json_out o;
    buf_init(&text, CONDITION_MAX);
    json_out_init(&o, &text);
    if (part == RULE_APPLIES && r->applies != NO_NODE)
        write_predicate(&o, rs, r->applies, &r->values);
    else if (part == RULE_WHEN && r->when != NO_NODE)
        write_predicate(&o, rs, r->when, &r->values);
    else if (part == RULE_UNTIL && r->until.kind != UNTIL_NONE)
        write_until(&o, rs, r);
    else if (part == RULE_ON_UNKNOWN && r->builtin == BUILTIN_NONE)
        unknown_text(r, out);
    for (size_t i = 0; i < text.len && !text.failed; i++) {
        if (text.data[i] != '"')
            buf_putc(out, text.data[i]);
        if (text.data[i] == ':' || text.data[i] == ',')
            buf_putc(out, ' ');
    }
    buf_done(&text);
}

/* A list once, with the days it speaks for. */
static void add_list(const struct ruleset *rs, uint32_t list, bool *seen, struct buf *out)
{
    const struct holiday_list *l = &rs->holidays[list];
    char first[TIME_TEXT], last[TIME_TEXT];
    if (seen[list])
        return;
    seen[list] = true;
    buf_printf(out, "%s%s %.10s to %.10s", out->len > 0 ? ", " : "", l->area, time_text(l->days.first * DAY_MS, first),
               time_text(l->days.last * DAY_MS, last));
}

void rule_holidays_text(const struct ruleset *rs, const struct rule *r, struct buf *out)
{
    const uint32_t root[] = {r->applies, r->when};
    bool seen[HOLIDAYS_MAX] = {false};
    for (size_t k = 0; k < sizeof root / sizeof root[0]; k++)
        for (uint32_t i = root[k]; root[k] != NO_NODE && i < rs->node[root[k]].end; i++)
            if (rs->node[i].op == OP_HOLIDAY)
                add_list(rs, rs->node[i].list, seen, out);
    if (r->until.kind != UNTIL_NONE && r->until.list != NO_LIST)
        add_list(rs, r->until.list, seen, out);
}

/* ---- sets ---- */

/* In the order of the file: it decides which facts an explanation names first. */
static void write_bases(struct json_out *o, const struct ruleset *rs)
{
    jo_key(o, "basis");
    jo_array(o);
    for (size_t i = 0; i < rs->n_basis; i++) {
        const struct basis *b = &rs->basis[i];
        jo_object(o);
        write_citations(o, b->cite, b->n_cite);
        jo_kcstr(o, "id", b->id);
        write_values(o, rs, &b->values);
        jo_key(o, "when");
        write_predicate(o, rs, b->when, &b->values);
        jo_end(o);
    }
    jo_end(o);
}

static void write_list(struct json_out *o, const struct holiday_list *l)
{
    jo_key(o, l->area);
    jo_object(o);
    write_citations(o, l->cite, l->n_cite);
    jo_key(o, "days");
    jo_array(o);
    for (size_t i = 0; i < l->days.n; i++)
        write_date(o, l->days.day[i] * DAY_MS);
    jo_end(o);
    jo_key(o, "from");
    write_date(o, l->days.first * DAY_MS);
    jo_key(o, "to");
    write_date(o, l->days.last * DAY_MS);
    jo_end(o);
}

/* By area: their order in the file means nothing. */
static void write_holidays(struct json_out *o, const struct ruleset *rs, const struct set *set)
{
    uint32_t order[HOLIDAYS_MAX];
    if (set->n_lists == 0)
        return;
    for (uint32_t i = 0; i < set->n_lists; i++) {
        uint32_t at = i, list = set->first_list + i;
        for (; at > 0 && strcmp(rs->holidays[order[at - 1]].area, rs->holidays[list].area) > 0; at--)
            order[at] = order[at - 1];
        order[at] = list;
    }
    jo_key(o, "holidays");
    jo_object(o);
    for (uint32_t i = 0; i < set->n_lists; i++)
        write_list(o, &rs->holidays[order[i]]);
    jo_end(o);
}

void ruleset_canonicalise(const struct ruleset *rs, const struct set *set, struct buf *out)
{
    const struct ruleset_source *face = &set->face;
    struct json_out o;
    json_out_init(&o, out);
    jo_object(&o);
    if (face->area[0] != '\0')
        jo_kcstr(&o, "area", face->area);
    if (face->kind == RULESET_PLATFORM)
        write_bases(&o, rs);
    write_holidays(&o, rs, set);
    jo_kcstr(&o, "kind", ruleset_kind_name(face->kind));
    jo_key(&o, "rules");
    jo_array(&o);
    for (size_t i = face->first; i < face->first + face->n; i++)
        write_rule(&o, rs, &rs->rule[i]);
    jo_end(&o);
    jo_kcstr(&o, "ruleset", face->id);
    jo_kint(&o, "schema", 1);
    jo_kcstr(&o, "title", face->title);
    jo_end(&o);
}
