/* SPDX-License-Identifier: Apache-2.0
 * decide.c - what a decision costs, beside two other ways of asking the same rules.
 *
 * The book is the shipped files and as many laws made up here as it takes to have 120 rules. Messages are a mixture as a
 * business sends them: marketing and utility templates and answers to people in many countries, at all hours; some are
 * refused or held, and some facts are unknown. Three ways decide the same messages in turns, and the best turn of each
 * counts: decide(), which lists every finding; the same without the index, rule after rule; and an interpreter that walks
 * the files' trees for every message and compares strings, as a program would that had no compiler. The interpreter
 * must find the same rules true as decide(), else the run fails.
 *
 *     decide FOLDER_OF_RULES [FILE]
 *
 * Into FILE goes, as JSON, what bench/decide-engine asks a public policy engine: the rules in its language (all but those
 * of local time), the messages of which everything is known, and how many rules are true of each. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/yaml.h"
#include "core/decide.h"
#include "core/intent.h"
#include "core/ruleset_impl.h"

#define RULES_WANTED 120
#define MESSAGES     4096
#define TURNS        7
#define FILES_MAX    64
#define NOW          1795600000000 /* 2026-11-25 */
#define HOUR         3600000LL

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "decide: %s%s%s\n", what, e ? ": " : "", e ? e->text : "");
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t seed = 1;
static uint64_t pick(uint64_t n)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % n;
}

/* ---- the book ---- */

static const char *const countries[] = {"BR", "MX", "CO", "IN", "US", "DE", "FR", "GB", "ID", "AR", "CL", "ES"};

static struct ruleset_file files[FILES_MAX];
static size_t n_files;

static char *read_file(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    char *text = malloc(1 << 20);
    if (f == NULL || text == NULL)
        die(path, NULL);
    *ret_n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return text;
}

static void read_shipped(const char *folder)
{
    char pattern[1024];
    glob_t g = {0};
    snprintf(pattern, sizeof pattern, "%s/*.yaml", folder);
    glob(pattern, 0, NULL, &g);
    snprintf(pattern, sizeof pattern, "%s/*/*.yaml", folder);
    glob(pattern, GLOB_APPEND, NULL, &g);
    for (size_t i = 0; i < g.gl_pathc && n_files < FILES_MAX - 1; i++) {
        size_t n;
        char *text = read_file(g.gl_pathv[i], &n);
        files[n_files++] = (struct ruleset_file){strdup(g.gl_pathv[i]), {text, n}};
    }
}

#define CITE   "    cite: [{title: T, url: 'https://example.org/law', read: 2026-11-21}]\n"
#define ABOUT  "    applies: {all: [{fact: message.category, is: marketing}, {fact: recipient.country, is: %s}]}\n"
#define OTHERS "      - {given: {message.category: service}, expect: none}\n"

/* Hours, a country's evidence and a pause between messages: what packs are made of. */
static void made_up_rule(struct buf *b, size_t i)
{
    const char *area = countries[i % 12];
    static const char *const tops[] = {"hold", "deny", "hold"};
    buf_printf(
        b,
        "  - id: made.up.%zu\n    title: T\n    confidence: high\n    verdict: %s\n    code: 131049\n    reason: R.\n"
        "    change: c\n" CITE "    on_unknown: ignore\n",
        i, tops[i % 3]);
    buf_printf(b, ABOUT, area);
    if (i % 3 == 0)
        buf_printf(
            b,
            "    values: {2020-01-01: {h: \"mon-sat 0%zu:00-20:00\"}}\n    until: {open: $h}\n    when: {outside: $h}\n"
            "    tests:\n" OTHERS "      - {given: {message.category: marketing, recipient.country: %s, "
            "recipient.utc_min: 0, recipient.utc_max: 0}, now: 2026-11-22, expect: hold}\n",
            6 + i % 4, area);
    else if (i % 3 == 1)
        buf_printf(
            b,
            "    values: {2020-01-01: {}}\n    when: {fact: consent.rank, in: [none, listed]}\n    tests:\n" OTHERS
            "      - {given: {message.category: marketing, recipient.country: %s, consent.rank: listed}, expect: "
            "deny}\n",
            area);
    else
        buf_printf(
            b,
            "    values: {2020-01-01: {t: %zuh}}\n    until: {fact: marketing.sent.2, plus: $t}\n    when: {fact: "
            "marketing.sent.2, newer_than: $t}\n    tests:\n" OTHERS "      - {given: {message.category: marketing, "
            "recipient.country: %s, marketing.sent.2: now}, expect: hold}\n",
            24 + i, area);
}

static struct ruleset *load_book(const char *folder)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    static struct buf made;
    read_shipped(folder);
    if (ruleset_compile_all(&rs, files, n_files, &e) != 0)
        die("rules", &e);
    size_t shipped = ruleset_count(rs);
    printf("%zu rules in %zu shipped files", shipped, n_files);
    if (shipped < RULES_WANTED) {
        buf_init(&made, 1 << 20);
        buf_puts(&made, "ruleset: made-up\nkind: law\nschema: 1\ntitle: T\nrules:\n");
        for (size_t i = 0; i < RULES_WANTED - shipped; i++)
            made_up_rule(&made, i);
        files[n_files++] = (struct ruleset_file){"made-up.yaml", buf_str(&made)};
        ruleset_free(rs);
        if (ruleset_compile_all(&rs, files, n_files, &e) != 0)
            die("made-up rules", &e);
        printf(", %zu made up", ruleset_count(rs) - shipped);
    }
    printf(": %zu\n", ruleset_count(rs));
    return rs;
}

/* ---- messages ---- */

static struct facts message[MESSAGES];
static int64_t sent_at[MESSAGES];

static void usual_facts(struct facts *f, int64_t now)
{
    static const enum fact_id zero[] = {FACT_RECIPIENT_UNDELIVERABLE_AT,
                                        FACT_CONSENT_PLATFORM_AT,
                                        FACT_WINDOW_LAST_INBOUND,
                                        FACT_PAIR_TAT,
                                        FACT_SENDER_FREE_AT,
                                        FACT_ACCOUNT_TEMPLATES_UNTIL,
                                        FACT_ACCOUNT_MESSAGES_UNTIL,
                                        FACT_ACCOUNT_UTILITY_UNTIL,
                                        FACT_ACCOUNT_PAYMENT_AT,
                                        FACT_PORTFOLIO_FREE_AT,
                                        FACT_PORTFOLIO_RESERVE_AT,
                                        FACT_RECIPIENT_ENGAGEMENT_AT,
                                        FACT_RECIPIENT_EXPERIMENT_AT,
                                        FACT_RECIPIENT_UTC_CHANGE_AT,
                                        FACT_DUPLICATE_SAME_AT,
                                        FACT_DUPLICATE_NEAR_AT};
    static const enum fact_id no[] = {FACT_MESSAGE_TYPE_REACTION, FACT_RECIPIENT_IS_SENDER, FACT_CONSENT_PLATFORM_STOP};
    static const enum fact_id one[] = {FACT_RECIPIENT_VALID,  FACT_TEMPLATE_KNOWN, FACT_TEMPLATE_STATUS,
                                       FACT_CONSENT_STATUS,   FACT_SENDER_STATUS,  FACT_SENDER_QUALITY,
                                       FACT_TEMPLATE_QUALITY, FACT_RECIPIENT_FORM};
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++)
        fact_set(f, zero[i], 0);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        fact_set(f, no[i], 0);
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++)
        fact_set(f, one[i], 1);
    fact_set(f, FACT_MESSAGE_PATH, 0);
    fact_set(f, FACT_TEMPLATE_FIT, 0);
    fact_set(f, FACT_ACCOUNT_STATE, 0);
    fact_set(f, FACT_CONSENT_AT, now - (int64_t)pick(400 * 24) * HOUR);
    fact_set(f, FACT_CONSENT_RANK, (int64_t)(2 + pick(4)));
    fact_set(f, FACT_TEMPLATE_STATUS_AT, now - 90 * 24 * HOUR);
    fact_set(f, FACT_PORTFOLIO_LIMIT, 100000);
    fact_set(f, FACT_PORTFOLIO_USED, (int64_t)pick(900));
    fact_set(f, FACT_PORTFOLIO_COUNTED, 0);
    fact_set(f, FACT_MESSAGE_SKELETON, (int64_t)pick(50));
    fact_set(f, FACT_DUPLICATE_SIMILARITY, (int64_t)pick(600));
    fact_set_code(f, FACT_RECIPIENT_REGION, pick(2) ? "US-TX" : "US-CA");
}

/* One thing of several that stop a message, or nothing. */
static void one_problem(struct facts *f, int64_t now)
{
    switch (pick(24)) {
    case 0:
        fact_set(f, FACT_CONSENT_STATUS, (int64_t)pick(2) * 2);
        break;
    case 1:
        fact_set(f, FACT_CONSENT_PLATFORM_STOP, 1);
        break;
    case 2:
        fact_set(f, FACT_TEMPLATE_STATUS, (int64_t)pick(13));
        break;
    case 3:
        fact_set(f, FACT_RECIPIENT_UNDELIVERABLE_AT, now - 24 * HOUR);
        break;
    case 4:
        fact_set(f, FACT_PAIR_TAT, now + 300000);
        break;
    case 5:
        fact_set(f, FACT_TEMPLATE_FIT, (int64_t)pick(5));
        break;
    case 6:
        fact_set(f, FACT_RECIPIENT_ENGAGEMENT_AT, now - HOUR);
        break;
    case 7:
        f->known[pick(FACT_COUNT)] = false;
        break;
    default:
        break;
    }
}

static void make_messages(void)
{
    static const int64_t offsets[] = {-180, -360, -300, 330, -300, 60, 60, 0, 420, -180, -180, 60};
    for (size_t i = 0; i < MESSAGES; i++) {
        struct facts *f = &message[i];
        size_t at = (size_t)pick(12);
        int64_t now = sent_at[i] = NOW + (int64_t)pick(7 * 24 * 60) * 60000;
        uint64_t kind = pick(10); /* five of marketing, three of utility, two answers */
        usual_facts(f, now);
        fact_set_code(f, FACT_RECIPIENT_COUNTRY, countries[at]);
        fact_set_code(f, FACT_SENDER_COUNTRY, countries[pick(12)]);
        fact_set(f, FACT_RECIPIENT_UTC_MIN, offsets[at]);
        fact_set(f, FACT_RECIPIENT_UTC_MAX, offsets[at] + (at < 5 ? 60 : 0));
        fact_set(f, FACT_MESSAGE_KIND, kind < 8 ? INTENT_TEMPLATE : INTENT_FREEFORM);
        fact_set(f, FACT_MESSAGE_CATEGORY,
                 kind < 5   ? CATEGORY_MARKETING
                 : kind < 8 ? CATEGORY_UTILITY
                            : CATEGORY_SERVICE);
        fact_set(f, FACT_MESSAGE_EXPECTED, f->value[FACT_MESSAGE_CATEGORY]);
        if (kind >= 8)
            fact_set(f, FACT_WINDOW_LAST_INBOUND, now - (int64_t)pick(26) * HOUR);
        for (int k = 0; k < 16; k++) /* some people got some messages, most got few */
            fact_set(f, (enum fact_id)(FACT_MARKETING_SENT_1 + k),
                     pick(4) < (uint64_t)(4 - k) ? now - (k + 1) * 30 * HOUR : 0);
        one_problem(f, now);
    }
}

/* ---- the interpreter ---- */

struct said {
    char text[FACT_COUNT][40]; /* "" is unknown */
    int64_t now;
};

static struct said said[MESSAGES];
static int by_name[FACT_COUNT]; /* facts sorted by name */

static int compare_names(const void *a, const void *b)
{
    return strcmp(fact_info[*(const int *)a].name, fact_info[*(const int *)b].name);
}

static void say_messages(void)
{
    for (int i = 0; i < FACT_COUNT; i++)
        by_name[i] = i;
    qsort(by_name, FACT_COUNT, sizeof by_name[0], compare_names);
    for (size_t i = 0; i < MESSAGES; i++) {
        said[i].now = sent_at[i];
        for (int k = 0; k < FACT_COUNT; k++) {
            struct buf b;
            buf_init(&b, 64);
            if (message[i].known[k] && fact_info[k].type == FACT_TYPE_TIME)
                buf_printf(&b, "%lld", (long long)message[i].value[k]);
            else if (message[i].known[k])
                fact_text(&message[i], (enum fact_id)k, &b);
            snprintf(said[i].text[k], sizeof said[i].text[k], "%s", buf_cstr(&b));
            buf_done(&b);
        }
    }
}

static const char *fact_said(const struct said *m, struct str name)
{
    int low = 0, high = FACT_COUNT;
    while (low < high) {
        int mid = (low + high) / 2, d = strcmp(fact_info[by_name[mid]].name, name.p);
        if (d == 0)
            return m->text[by_name[mid]];
        if (d < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return "";
}

/* The row of values in force. */
static const struct yaml *row_at(const struct yaml *rule, int64_t now)
{
    const struct yaml *values = yaml_get(rule, "values"), *row = NULL;
    int64_t since;
    for (const struct yaml *c = values ? values->child : NULL; c != NULL; c = c->next)
        if (time_parse(c->key.p, c->key.n, &since) && since <= now)
            row = c;
    return row != NULL && row->kind == YAML_MAPPING ? row : NULL; /* `off` ends a rule */
}

static int64_t amount(const struct yaml *row, struct str text);

static int64_t term_amount(const struct yaml *row, struct str text)
{
    struct yaml scalar = {.kind = YAML_SCALAR, .text = text};
    int64_t v = 0;
    text = str_trim(text);
    if (text.n > 0 && text.p[0] == '$') {
        for (const struct yaml *c = row->child; c != NULL; c = c->next)
            if (str_eq(c->key, (struct str){text.p + 1, text.n - 1}))
                return amount(row, c->text);
        return 0;
    }
    scalar.text = text;
    if (!str_i64(text, &v))
        yaml_duration(&scalar, &v, NULL);
    return v;
}

static int64_t amount(const struct yaml *row, struct str text)
{
    const char *plus = memmem(text.p, text.n, " + ", 3), *minus = memmem(text.p, text.n, " - ", 3);
    const char *sign = plus ? plus : minus;
    if (sign == NULL)
        return term_amount(row, text);
    int64_t a = term_amount(row, (struct str){text.p, (size_t)(sign - text.p)});
    int64_t b = term_amount(row, (struct str){sign + 3, text.n - (size_t)(sign + 3 - text.p)});
    return plus ? a + b : a - b;
}

static bool listed(const struct yaml *arg, const char *text)
{
    if (arg->kind == YAML_SCALAR)
        return strcmp(arg->text.p, text) == 0;
    for (const struct yaml *c = arg->child; c != NULL; c = c->next)
        if (strcmp(c->text.p, text) == 0)
            return true;
    return false;
}

static enum tri yes(bool b)
{
    return b ? TRI_TRUE : TRI_FALSE;
}

static enum tri compare_amount(const struct said *m, const char *op, int64_t v, int64_t arg)
{
    if (strcmp(op, "older_than") == 0)
        return yes(v == 0 || v <= m->now - arg);
    if (strcmp(op, "newer_than") == 0)
        return yes(v != 0 && v > m->now - arg);
    if (strcmp(op, "ahead_by") == 0)
        return yes(v != 0 && v > m->now + arg);
    if (strcmp(op, "lt") == 0)
        return yes(v < arg);
    if (strcmp(op, "le") == 0)
        return yes(v <= arg);
    return yes(strcmp(op, "gt") == 0 ? v > arg : v >= arg);
}

static enum tri compare_said(const struct said *m, const struct yaml *row, const struct yaml *op, const char *text)
{
    int64_t v = 0, w = 0;
    if (strcmp(op->key.p, "is") == 0 || strcmp(op->key.p, "in") == 0)
        return yes(listed(op, text));
    if (strcmp(op->key.p, "is_not") == 0 || strcmp(op->key.p, "not_in") == 0)
        return yes(!listed(op, text));
    str_i64(str_of(text), &v);
    if (strcmp(op->key.p, "before") != 0)
        return compare_amount(m, op->key.p, v, amount(row, op->text));
    const char *other = fact_said(m, op->text);
    return str_i64(str_of(other), &w) ? yes(v < w) : TRI_UNKNOWN;
}

/* Local time is asked of the calendar by both ways; the interpreter finds the hours among the book's, and the list by name. */
static enum tri calendar_said(const struct ruleset *rs, const struct rule *r, const struct yaml *c, size_t i)
{
    struct whereabouts w;
    const int64_t *row;
    if (!whereabouts_of(&message[i], &w) || !values_at(&r->values, sent_at[i], &row))
        return TRI_UNKNOWN;
    if (strcmp(c->key.p, "outside") == 0) {
        for (uint16_t k = 0; k < r->values.n_names; k++)
            if (strcmp(r->values.name[k], c->text.p + 1) == 0)
                return yes(!hours_open(&rs->hours[row[k]], &w, sent_at[i]));
        return TRI_UNKNOWN;
    }
    const struct set *set = &rs->set[r->source];
    for (uint32_t k = set->first_list; k < set->first_list + set->n_lists; k++)
        if (strcmp(rs->holidays[k].area, c->text.p) == 0) {
            int holiday = holiday_at(&rs->holidays[k].days, &w, sent_at[i]);
            return holiday < 0 ? TRI_UNKNOWN : yes(holiday > 0);
        }
    return TRI_UNKNOWN;
}

static enum tri truth_said(const struct ruleset *rs, const struct rule *r, const struct yaml *row, const struct yaml *n,
                           size_t i)
{
    const struct yaml *c = n->child;
    bool all = strcmp(c->key.p, "all") == 0;
    if (strcmp(c->key.p, "not") == 0)
        return (enum tri)(TRI_TRUE - truth_said(rs, r, row, c, i));
    if (strcmp(c->key.p, "outside") == 0 || strcmp(c->key.p, "holiday") == 0)
        return calendar_said(rs, r, c, i);
    if (all || strcmp(c->key.p, "any") == 0) {
        enum tri whole = all ? TRI_TRUE : TRI_FALSE;
        for (const struct yaml *p = c->child; p != NULL; p = p->next) {
            enum tri part = truth_said(rs, r, row, p, i);
            whole = (all ? part < whole : part > whole) ? part : whole;
        }
        return whole;
    }
    const struct yaml *fact = yaml_get(n, "fact"), *op = c == fact ? c->next : c;
    const char *text = fact_said(&said[i], fact->text);
    if (strcmp(op->key.p, "known") == 0)
        return yes((text[0] != '\0') == (strcmp(op->text.p, "true") == 0));
    return text[0] == '\0' ? TRI_UNKNOWN : compare_said(&said[i], row, op, text);
}

struct tree {
    const struct yaml *rule;
    const struct rule *compiled;
};

static struct tree tree[RULES_MAX];
static size_t n_trees;

static void read_trees(const struct ruleset *rs)
{
    struct arena *a = arena_create(256u << 20);
    for (size_t k = 0; k < n_files; k++) {
        struct yaml *root;
        struct err e = {0};
        char id[64];
        if (yaml_parse(a, files[k].name, files[k].text, &root, &e) != 0)
            die("trees", &e);
        for (const struct yaml *c = yaml_get(root, "rules")->child; c != NULL; c = c->next) {
            struct str name = yaml_get(c, "id")->text;
            snprintf(id, sizeof id, "%.*s", (int)name.n, name.p);
            const struct rule *r = ruleset_find(rs, id);
            if (r->builtin == BUILTIN_NONE && r->mode != MODE_OFF)
                tree[n_trees++] = (struct tree){c, r};
        }
    }
}

/* How many rules are true or unknown. */
static size_t interpret(const struct ruleset *rs, size_t i, bool check)
{
    size_t n = 0;
    for (size_t k = 0; k < n_trees; k++) {
        const struct yaml *rule = tree[k].rule, *row = row_at(rule, said[i].now), *applies = yaml_get(rule, "applies");
        enum tri truth = row ? TRI_TRUE : TRI_FALSE;
        if (row && applies)
            truth = truth_said(rs, tree[k].compiled, row, applies, i);
        if (truth != TRI_FALSE) {
            enum tri when = truth_said(rs, tree[k].compiled, row, yaml_get(rule, "when"), i);
            truth = when < truth ? when : truth;
        }
        if (check && truth != rule_truth(rs, tree[k].compiled, &message[i], sent_at[i]))
            die(rule_id(tree[k].compiled), NULL);
        n += truth != TRI_FALSE;
    }
    return n;
}

/* ---- the same rules in the language of Cedar ---- */

/* "a", or ["a","b"] with its method. */
static void cedar_set(struct buf *b, const struct ruleset *rs, const struct node *n)
{
    const char *before = "";
    buf_puts(b, n->negate ? "!([" : "([");
    for (uint32_t i = 0; i < (n->op == OP_WORDS ? 64 : n->n_list); i++) {
        struct facts f = {0};
        if (n->op == OP_WORDS && !(n->words >> i & 1))
            continue;
        bool quoted = fact_info[n->fact].type == FACT_TYPE_WORD || fact_info[n->fact].type == FACT_TYPE_CODE;
        fact_set(&f, (enum fact_id)n->fact, n->op == OP_WORDS ? i : rs->list[n->list + i]);
        buf_printf(b, "%s%s", before, quoted ? "\"" : "");
        fact_text(&f, (enum fact_id)n->fact, b);
        buf_puts(b, quoted ? "\"" : "");
        before = ",";
    }
    buf_printf(b, "].contains(context[\"%s\"]))", fact_info[n->fact].name);
}

static void cedar_leaf(struct buf *b, const struct ruleset *rs, const struct node *n, const int64_t *row)
{
    static const char *const signs[] = {[OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">="};
    const char *name = fact_info[n->fact].name;
    long long arg = n->op >= OP_LT && n->op <= OP_AHEAD ? (long long)operand_at(&n->arg, row) : 0;
    if (n->op == OP_WORDS || n->op == OP_LIST)
        cedar_set(b, rs, n);
    else if (n->op == OP_KNOWN)
        buf_printf(b, "%s(context has \"%s\")", n->negate ? "!" : "", name);
    else if (n->op == OP_BEFORE)
        buf_printf(b, "(context[\"%s\"] < context[\"%s\"])", name, fact_info[n->other].name);
    else if (n->op == OP_OLDER)
        buf_printf(b, "(context[\"%s\"] == 0 || context[\"%s\"] <= context.now - %lld)", name, name, arg);
    else if (n->op == OP_NEWER || n->op == OP_AHEAD)
        buf_printf(b, "(context[\"%s\"] != 0 && context[\"%s\"] > context.now %c %lld)", name, name,
                   n->op == OP_NEWER ? '-' : '+', arg);
    else
        buf_printf(b, "(context[\"%s\"] %s %lld)", name, signs[n->op], arg);
}

static void cedar_tree(struct buf *b, const struct ruleset *rs, uint32_t root, const int64_t *row)
{
    const struct node *n = &rs->node[root];
    if (n->op > OP_NOT) {
        cedar_leaf(b, rs, n, row);
        return;
    }
    buf_puts(b, n->op == OP_NOT ? "!(" : "(");
    for (uint32_t i = root + 1; i < n->end; i = rs->node[i].end) {
        if (i > root + 1)
            buf_puts(b, n->op == OP_ALL ? " && " : " || ");
        cedar_tree(b, rs, i, row);
    }
    buf_putc(b, ')');
}

static bool has_calendar(const struct ruleset *rs, uint32_t root)
{
    for (uint32_t i = root; root != NO_NODE && i < rs->node[root].end; i++)
        if (rs->node[i].op >= OP_OUTSIDE)
            return true;
    return false;
}

/* In force today, and nothing of local time in it. */
static bool exported(const struct ruleset *rs, const struct rule *r, const int64_t **ret_row)
{
    return r->builtin == BUILTIN_NONE && r->mode != MODE_OFF && !has_calendar(rs, r->when) &&
           !has_calendar(rs, r->applies) && values_at(&r->values, NOW, ret_row);
}

static size_t export_rules(struct json_out *o, const struct ruleset *rs)
{
    size_t n = 0;
    for (size_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rule[i];
        const int64_t *row;
        struct buf b;
        if (!exported(rs, r, &row))
            continue;
        buf_init(&b, 65536);
        buf_puts(&b, "forbid(principal, action, resource) when { ");
        if (r->applies != NO_NODE) {
            cedar_tree(&b, rs, r->applies, row);
            buf_puts(&b, " && ");
        }
        cedar_tree(&b, rs, r->when, row);
        buf_puts(&b, " };");
        jo_kstr(o, r->id, buf_str(&b));
        buf_done(&b);
        n++;
    }
    return n;
}

static void export_message(struct json_out *o, const struct ruleset *rs, size_t i)
{
    int64_t n = 0;
    const int64_t *row;
    for (size_t k = 0; k < rs->n_rules; k++)
        n += exported(rs, &rs->rule[k], &row) && rule_truth(rs, &rs->rule[k], &message[i], sent_at[i]) == TRI_TRUE;
    jo_object(o);
    jo_kint(o, "true", n);
    jo_key(o, "context");
    jo_object(o);
    jo_kint(o, "now", sent_at[i]);
    for (int k = 0; k < FACT_COUNT; k++) {
        if (!message[i].known[k])
            continue;
        if (fact_info[k].type == FACT_TYPE_BOOL)
            jo_kbool(o, fact_info[k].name, message[i].value[k] != 0);
        else if (fact_info[k].type == FACT_TYPE_WORD || fact_info[k].type == FACT_TYPE_CODE)
            jo_kcstr(o, fact_info[k].name, said[i].text[k]);
        else
            jo_kint(o, fact_info[k].name, message[i].value[k]);
    }
    jo_end(o);
    jo_end(o);
}

/* Cedar stops at a fact that is missing; such messages are left out. */
static bool all_known(const struct ruleset *rs, const struct facts *f)
{
    const int64_t *row;
    for (size_t k = 0; k < rs->n_rules; k++)
        for (uint8_t s = 0; exported(rs, &rs->rule[k], &row) && s < rs->rule[k].facts.n; s++)
            if (!f->known[rs->rule[k].facts.fact[s]])
                return false;
    return true;
}

static void export(const struct ruleset *rs, const char *path, double rate)
{
    struct buf b;
    struct json_out o;
    size_t n = 0;
    FILE *f = fopen(path, "w");
    buf_init(&b, 256u << 20);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kint(&o, "decide", (int64_t)rate);
    jo_key(&o, "policies");
    jo_object(&o);
    size_t rules = export_rules(&o, rs);
    jo_end(&o);
    jo_key(&o, "messages");
    jo_array(&o);
    for (size_t i = 0; i < MESSAGES; i++) {
        if (!all_known(rs, &message[i]))
            continue;
        export_message(&o, rs, i);
        n++;
    }
    jo_end(&o);
    jo_end(&o);
    if (b.failed || f == NULL || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0)
        die(path, NULL);
    printf("%zu rules and %zu messages written to %s\n", rules, n, path);
    buf_done(&b);
}

/* ---- measuring ---- */

static struct decision d;
static volatile uint64_t sink;

static void by_index(const struct ruleset *rs, size_t i)
{
    decide(rs, &message[i], sent_at[i], 0, &d);
    sink += d.n;
}

static void by_row(const struct ruleset *rs, size_t i)
{
    decide_in_order(rs, &message[i], sent_at[i], 0, rs->by_rank, rs->n_rules, NULL, &d);
    sink += d.n;
}

static void by_tree(const struct ruleset *rs, size_t i)
{
    sink += interpret(rs, i, false);
}

typedef void way(const struct ruleset *rs, size_t i);

static double rate(way *w, const struct ruleset *rs, int rounds)
{
    double best = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        double start = now_s();
        for (int r = 0; r < rounds; r++)
            for (size_t i = 0; i < MESSAGES; i++)
                w(rs, i);
        double got = (double)rounds * MESSAGES / (now_s() - start);
        best = got > best ? got : best;
    }
    return best;
}

static void describe(const struct ruleset *rs)
{
    size_t verdicts[3] = {0}, findings = 0, judged = 0;
    uint16_t order[RULES_MAX];
    for (size_t i = 0; i < MESSAGES; i++) {
        decide(rs, &message[i], sent_at[i], 0, &d);
        verdicts[d.verdict]++;
        findings += d.n;
        judged += ruleset_candidates(rs, &message[i], order);
        interpret(rs, i, true);
    }
    printf("%d messages: %zu%% allowed, %zu%% held, %zu%% denied; %.1f findings and %.1f rules judged each\n", MESSAGES,
           verdicts[0] * 100 / MESSAGES, verdicts[1] * 100 / MESSAGES, verdicts[2] * 100 / MESSAGES,
           (double)findings / MESSAGES, (double)judged / MESSAGES);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: decide FOLDER_OF_RULES [FILE]\n");
        return 2;
    }
    struct ruleset *rs = load_book(argv[1]);
    make_messages();
    say_messages();
    read_trees(rs);
    describe(rs);
    double index = rate(by_index, rs, 40), row = rate(by_row, rs, 10), walk = rate(by_tree, rs, 1);
    printf("decide()                        %9.0f decisions/s   1.0\n", index);
    printf("the same without the index      %9.0f decisions/s   %.1f times slower\n", row, index / row);
    printf("an interpreter of the files     %9.0f decisions/s   %.1f times slower\n", walk, index / walk);
    if (argc == 3)
        export(rs, argv[2], index);
    ruleset_free(rs);
    return 0;
}
