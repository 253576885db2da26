/* SPDX-License-Identifier: Apache-2.0
 * ruleset_rule.c - one rule, or one basis, from a file's tree to its compiled form.
 *
 * One table lists the keys of a rule in the order in which they must be understood (values before the conditions
 * that use them), and who must, may and must not have them. A rule of a law says how sure its reading is, and one that is
 * not sure does not stop messages. The two rules of the engine are the platform set's and have neither condition nor
 * tests. What a rule must prove is in ruleset_check.c. */
#include "core/ruleset_build.h"

#define REASON_MAX 170
#define CHANGE_MAX 120

typedef int read_key(struct builder *b, const struct yaml *n, struct rule *r, struct err *e);

static int key_id(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return text_id(b, n, &r->id, e);
}
static int key_title(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return text_line(b, n, TITLE_MAX, &r->title, e);
}
static int key_reason(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return text_line(b, n, REASON_MAX, &r->reason, e);
}
static int key_change(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return text_line(b, n, CHANGE_MAX, &r->change, e);
}
static int key_mode(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const words[] = {"enforce", "shadow", "off", NULL};
    (void)b;
    return text_word(n, words, &r->mode, e);
}
static int key_confidence(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const words[] = {"high", "medium", "low", NULL};
    uint8_t word = 0;
    (void)b;
    int rc = text_word(n, words, &word, e);
    if (rc == 0)
        r->confidence = words[word];
    return rc;
}
static int key_verdict(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const words[] = {"hold", "deny", NULL};
    uint8_t word = 0;
    (void)b;
    int rc = text_word(n, words, &word, e);
    r->verdict = word == 0 ? VERDICT_HOLD : VERDICT_DENY;
    return rc;
}
static int key_code(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    int64_t code;
    (void)b;
    int rc = yaml_i64(n, 1, 99999999, &code, e);
    if (rc == 0)
        r->code = (int)code;
    return rc;
}
static int key_cite(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return text_citations(b, n, &r->cite, &r->n_cite, e);
}
static int key_values(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    return dated_values(b, n, &r->values, e);
}
static int key_when(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    return expr_compile(b, &s, n, &r->when, e);
}
static int key_applies(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    return expr_compile(b, &s, n, &r->applies, e);
}

static int key_unknown(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct str text, rest = {NULL, 0};
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    if (str_eq(text, STR("deny")) || str_eq(text, STR("ignore"))) {
        r->on_unknown = text.p[0] == 'd' ? UNKNOWN_DENY : UNKNOWN_IGNORE;
        return 0;
    }
    if (!str_eq(str_cut(text, ' ', &rest), STR("hold")) || rest.n == 0)
        return yaml_error(n, e, "must be deny, ignore, or hold and a duration (\"hold 15m\")");
    struct scope none = {&(const struct values){0}, NULL};
    struct operand o;
    struct yaml duration = *n;
    duration.text = rest;
    if ((rc = expr_operand(b, &none, &duration, VALUE_DURATION, &o, e)) != 0)
        return rc;
    if (o.sign != 0 || o.constant[0] <= 0)
        return yaml_error(n, e, "must hold for more than nothing");
    r->on_unknown = UNKNOWN_HOLD;
    r->unknown_hold = o.constant[0];
    return 0;
}

static int until_fact(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    const struct yaml *fact = yaml_get(n, "fact"), *plus = yaml_get(n, "plus"), *minus = yaml_get(n, "minus");
    int rc;
    if (fact == NULL || n->children != 1 + (plus != NULL || minus != NULL))
        return yaml_error(n, e,
                          "must be {now_plus: ..}, {fact: .., minus or plus: ..}, {open: ..} or {after_holiday: ..}");
    if ((rc = expr_fact(b, fact, &r->until.fact, e)) != 0 ||
        (rc = expr_slot(&s, fact, r->until.fact, &r->until.slot, e)) != 0)
        return rc;
    if (fact_info[r->until.fact].type != FACT_TYPE_TIME)
        return yaml_error(fact, e, "%s is not a time", fact_info[r->until.fact].name);
    r->until.kind = UNTIL_FACT;
    r->until.arg = (struct operand){.value = {-1, -1}};
    r->until.sign = plus != NULL ? 1 : minus != NULL ? -1 : 0;
    if (r->until.sign == 0)
        return 0;
    return expr_operand(b, &s, plus != NULL ? plus : minus, VALUE_DURATION, &r->until.arg, e);
}

static int until_now_plus(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    if (n->children != 1)
        return yaml_error(n, e, "`now_plus` stands alone");
    r->until.kind = UNTIL_NOW_PLUS;
    return expr_operand(b, &s, yaml_get(n, "now_plus"), VALUE_DURATION, &r->until.arg, e);
}

/* {open: $hours}, {open: $hours, holidays: CO}, {after_holiday: CO} */
static int until_calendar(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    struct scope s = {&r->values, &r->facts};
    const struct yaml *open = yaml_get(n, "open"), *after = yaml_get(n, "after_holiday");
    const struct yaml *list = open != NULL ? yaml_get(n, "holidays") : after;
    uint8_t max_slot;
    int rc = 0;
    if (n->children != 1 + (open != NULL && list != NULL))
        return yaml_error(n, e, "must be {open: ..}, {open: .., holidays: ..} or {after_holiday: ..}");
    r->until.kind = open != NULL ? UNTIL_OPEN : UNTIL_AFTER_HOLIDAY;
    if ((open != NULL && (rc = expr_hours(&s, open, &r->until.arg, e)) != 0) ||
        (list != NULL && (rc = dated_list(b, list, &r->until.list, e)) != 0))
        return rc;
    return expr_whereabouts(&s, n, &r->until.slot, &max_slot, e);
}

static int key_until(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const keys[] = {"now_plus", "fact", "plus", "minus", "open", "holidays", "after_holiday", NULL};
    int rc = yaml_known_keys(n, keys, "until", e);
    if (rc != 0)
        return rc;
    if (yaml_get(n, "now_plus") != NULL)
        return until_now_plus(b, n, r, e);
    if (yaml_get(n, "open") != NULL || yaml_get(n, "after_holiday") != NULL)
        return until_calendar(b, n, r, e);
    return until_fact(b, n, r, e);
}

enum need { NO, MAY, MUST };

static const struct rule_key {
    const char *key;
    read_key *read; /* NULL: read elsewhere */
    uint8_t in_rule, in_builtin;
} rule_keys[] = {
    {"id", key_id, MUST, MUST},        {"title", key_title, MUST, MUST},        {"builtin", NULL, NO, MUST},
    {"mode", key_mode, MAY, NO},       {"confidence", key_confidence, MAY, NO}, {"verdict", key_verdict, MUST, NO},
    {"code", key_code, MUST, MUST},    {"reason", key_reason, MUST, MUST},      {"change", key_change, MUST, MUST},
    {"cite", key_cite, MUST, MUST},    {"values", key_values, MUST, NO},        {"when", key_when, MUST, NO},
    {"applies", key_applies, MAY, NO}, {"until", key_until, MAY, NO},           {"on_unknown", key_unknown, MUST, NO},
    {"tests", NULL, MUST, NO},
};
#define RULE_KEYS (sizeof rule_keys / sizeof rule_keys[0])

static int read_builtin(const struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    static const char *const ids[] = {"", "basis.none", "hold.past_expiry"};
    struct str id = {NULL, 0};
    bool builtin = false;
    const struct yaml *flag = yaml_get(n, "builtin"), *name = yaml_get(n, "id");
    int rc = flag ? yaml_bool(flag, &builtin, e) : 0;
    if (rc != 0)
        return rc;
    if (name == NULL)
        return yaml_error(n, e, "a rule needs `id`");
    if ((rc = yaml_str(name, &id, e)) != 0)
        return rc;
    for (uint8_t i = BUILTIN_BASIS; i <= BUILTIN_EXPIRY; i++)
        if (str_eq(id, str_of(ids[i])))
            r->builtin = i;
    if (builtin != (r->builtin != BUILTIN_NONE))
        return yaml_error(name, e, "`builtin: true` belongs to basis.none and hold.past_expiry, and only to them");
    if (builtin && b->set->face.kind != RULESET_PLATFORM)
        return yaml_error(name, e, "the engine's own rules stand in the platform set only");
    return 0;
}

/* Reads one key when it is there; says so when it must not be, or is missing and must not be missing. */
static int read_rule_key(struct builder *b, const struct yaml *n, const struct rule_key *key, struct rule *r,
                         struct err *e)
{
    const struct yaml *v = yaml_get(n, key->key);
    uint8_t need = r->builtin ? key->in_builtin : key->in_rule;
    if (b->proven && strcmp(key->key, "tests") == 0)
        return v == NULL ? 0 : yaml_error(v, e, "a stored rule has no tests");
    if (v == NULL)
        return need == MUST ? yaml_error(n, e, "rule %s needs `%s`", r->id ? r->id : "", key->key) : 0;
    if (key->read == NULL)
        return 0;
    if (need == NO)
        return yaml_error(v, e, "rule %s is the engine's own: it has no `%s`", r->id, key->key);
    return key->read(b, v, r, e);
}

/* A law's rule says how sure its reading of the law is, and one that is not sure does not stop messages by itself. */
static int check_confidence(const struct builder *b, const struct yaml *n, const struct rule *r, struct err *e)
{
    if (b->set->face.kind != RULESET_LAW)
        return 0;
    if (r->confidence[0] == '\0')
        return yaml_error(n, e, "rule %s needs `confidence`: high, medium or low", r->id);
    if (strcmp(r->confidence, "low") == 0 && r->mode == MODE_ENFORCE)
        return yaml_error(yaml_get(n, "confidence"), e, "rule %s is of low confidence: give it mode: off or shadow",
                          r->id);
    return 0;
}

int rule_read(struct builder *b, const struct yaml *n, struct rule *r, struct err *e)
{
    const char *keys[RULE_KEYS + 1] = {NULL};
    for (size_t i = 0; i < RULE_KEYS; i++)
        keys[i] = rule_keys[i].key;
    r->when = r->applies = NO_NODE;
    r->until.arg = (struct operand){.value = {-1, -1}};
    r->until.list = NO_LIST;
    r->confidence = "";
    r->verdict = VERDICT_DENY;
    int rc = yaml_known_keys(n, keys, "rule", e);
    if (rc == 0)
        rc = read_builtin(b, n, r, e);
    for (size_t i = 0; i < RULE_KEYS && rc == 0; i++)
        rc = read_rule_key(b, n, &rule_keys[i], r, e);
    if (rc != 0 || r->builtin != BUILTIN_NONE)
        return rc;
    if ((r->verdict == VERDICT_HOLD) != (r->until.kind != UNTIL_NONE))
        return yaml_error(n, e, "rule %s: a hold needs `until`, and only a hold has one", r->id);
    if ((rc = check_confidence(b, n, r, e)) != 0)
        return rc;
    return b->proven ? 0 : rule_check(b, r, n, e);
}

/* ---- a basis ---- */

int rule_read_basis(struct builder *b, const struct yaml *n, struct basis *basis, struct fact_list *facts,
                    struct err *e)
{
    static const char *const keys[] = {"id", "when", "values", "cite", NULL};
    const struct yaml *id = yaml_get(n, "id"), *when = yaml_get(n, "when"), *cite = yaml_get(n, "cite");
    const struct yaml *values = yaml_get(n, "values");
    struct scope s = {&basis->values, facts};
    int rc = yaml_known_keys(n, keys, "basis", e);
    if (rc != 0)
        return rc;
    if (id == NULL || when == NULL || cite == NULL)
        return yaml_error(n, e, "a basis needs `id`, `when` and `cite`");
    if ((rc = text_id(b, id, &basis->id, e)) != 0 ||
        (values != NULL && (rc = dated_values(b, values, &basis->values, e)) != 0) ||
        (rc = text_citations(b, cite, &basis->cite, &basis->n_cite, e)) != 0)
        return rc;
    return expr_compile(b, &s, when, &basis->when, e);
}
