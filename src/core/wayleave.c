/* SPDX-License-Identifier: Apache-2.0
 * wayleave.c - the face of libwayleave: include/wayleave.h over the core.
 *
 * Opaque objects, each in an arena of its own, and nothing else: no state outlives them. Inside, failures are WL_E* of
 * err.h; here they become the few WL_ERR_* a caller can act upon. A decision's texts are made together with it, so
 * that reading them cannot fail and needs no lock. Running out of memory is WL_ERR_NOMEM everywhere. */
#include <wayleave.h>

#include "core/facts_read.h"
#include "core/phone_country.h"
#include "core/phone_format.h"
#include "core/ruleset_impl.h"

#define OBJECT_MAX   (64u << 10)
#define TEXT_MAX     1024
#define DECISION_MAX (2u << 20)
#define HASH_SHOWN   12 /* hex digits in a sentence */

struct wl_rules {
    struct arena *arena;
    struct ruleset *rs;
    char hash[SHA256_HEX];
};

struct wl_facts {
    struct arena *arena;
    struct facts f;
};

struct wl_decision {
    struct arena *arena;
    struct decision d;
    struct buf text, json;
};

_Static_assert(sizeof(struct wl_decision) < OBJECT_MAX / 2, "a decision lies in its arena");

static int code_of(int rc)
{
    switch (rc) {
    case WL_OK:
        return 0;
    case WL_ENOMEM:
        return WL_ERR_NOMEM;
    case WL_ENOTFOUND:
        return WL_ERR_NOTFOUND;
    case WL_EIO:
        return WL_ERR_IO;
    default:
        return WL_ERR_INVALID;
    }
}

/* Hands a failure over to the caller; returns its code. */
static int give(int rc, const struct err *from, wl_error *to)
{
    _Static_assert(ERR_TEXT_MAX <= WL_ERROR_TEXT_MAX, "a sentence fits");
    int code = code_of(rc);
    if (code == 0 || to == NULL)
        return code;
    const char *text = from->text[0] != '\0' ? from->text : err_name(rc);
    to->code = code;
    memcpy(to->text, text, strlen(text) + 1);
    return code;
}

static int refuse(wl_error *to, int rc, const char *sentence)
{
    struct err e = {0};
    return give(err_set(&e, rc, "%s", sentence), &e, to);
}

static int nowhere(wl_error *to)
{
    return refuse(to, WL_EINVAL, "there is no place for what is asked for: it is NULL");
}

const char *wl_version(void)
{
    return WAYLEAVE_VERSION;
}

/* ---- rules ---- */

static int rules_wrap(wl_rules **ret, struct ruleset *rs, wl_error *err)
{
    struct arena *a = arena_create(OBJECT_MAX);
    wl_rules *rules = a != NULL ? arena_new(a, wl_rules) : NULL;
    if (rules == NULL) {
        arena_free(a);
        ruleset_free(rs);
        return refuse(err, WL_ENOMEM, "out of memory");
    }
    rules->arena = a;
    rules->rs = rs;
    hex_encode(ruleset_hash(rs), SHA256_BYTES, rules->hash);
    *ret = rules;
    return 0;
}

/* The paths or texts. */
static int check_files(wl_rules **ret, const char *const *list, size_t n, wl_error *err)
{
    if (ret == NULL)
        return nowhere(err);
    if (list == NULL || n == 0)
        return refuse(err, WL_EINVAL, "no rule file is named");
    if (n > RULESET_FILES_MAX)
        return refuse(err, WL_EINVAL, "there are more rule files than one book may have");
    for (size_t i = 0; i < n; i++)
        if (list[i] == NULL)
            return refuse(err, WL_EINVAL, "a rule file is NULL");
    return 0;
}

int wl_rules_load(wl_rules **ret, const char *const *paths, size_t n, wl_error *err)
{
    struct ruleset *rs = NULL;
    struct err e = {0};
    int rc = check_files(ret, paths, n, err);
    if (rc != 0)
        return rc;
    if ((rc = ruleset_load_all(&rs, paths, n, &e)) != 0)
        return give(rc, &e, err);
    return rules_wrap(ret, rs, err);
}

int wl_rules_compile(wl_rules **ret, const char *const *names, const char *const *texts, size_t n, wl_error *err)
{
    struct ruleset_file files[RULESET_FILES_MAX];
    struct ruleset *rs = NULL;
    struct err e = {0};
    int rc = check_files(ret, texts, n, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        files[i] = (struct ruleset_file){names != NULL && names[i] != NULL ? names[i] : "rules", str_of(texts[i])};
    if ((rc = ruleset_compile_all(&rs, files, n, &e)) != 0)
        return give(rc, &e, err);
    return rules_wrap(ret, rs, err);
}

void wl_rules_free(wl_rules *rules)
{
    if (rules == NULL)
        return;
    ruleset_free(rules->rs);
    arena_free(rules->arena);
}

const char *wl_rules_hash(const wl_rules *rules)
{
    return rules != NULL ? rules->hash : NULL;
}

size_t wl_rules_count(const wl_rules *rules)
{
    return rules != NULL ? ruleset_count(rules->rs) : 0;
}

const char *wl_rules_id(const wl_rules *rules, size_t i)
{
    const struct rule *r = rules != NULL ? ruleset_rule(rules->rs, i) : NULL;
    return r != NULL ? rule_id(r) : NULL;
}

/* ---- facts ---- */

int wl_facts_create(wl_facts **ret)
{
    if (ret == NULL)
        return WL_ERR_INVALID;
    struct arena *a = arena_create(OBJECT_MAX);
    wl_facts *facts = a != NULL ? arena_new(a, wl_facts) : NULL;
    if (facts == NULL) {
        arena_free(a);
        return WL_ERR_NOMEM;
    }
    facts->arena = a;
    *ret = facts;
    return 0;
}

void wl_facts_free(wl_facts *facts)
{
    if (facts != NULL)
        arena_free(facts->arena);
}

int wl_facts_set(wl_facts *facts, const char *name, const char *value, int64_t now, wl_error *err)
{
    struct err e = {0};
    if (facts == NULL)
        return nowhere(err);
    if (name == NULL || value == NULL)
        return refuse(err, WL_EINVAL, "a fact has a name and a value");
    return give(facts_read(&facts->f, str_of(name), str_of(value), now, &e), &e, err);
}

int wl_facts_set_json(wl_facts *facts, const char *json, size_t n, int64_t now, wl_error *err)
{
    struct err e = {0};
    struct json root;
    if (facts == NULL)
        return nowhere(err);
    struct json_parser *p = json_parser_try();
    if (p == NULL)
        return refuse(err, WL_ENOMEM, "out of memory for JSON");
    int rc = json_parse(p, (struct str){json, json != NULL ? n : 0}, false, &root, &e);
    if (rc == 0)
        rc = facts_read_json(&facts->f, root, now, &e);
    json_parser_free(p);
    return give(rc, &e, err);
}

const char *wl_fact_name(size_t i)
{
    return i < FACT_COUNT ? fact_info[i].name : NULL;
}

/* ---- decisions ---- */

static void write_texts(wl_decision *d, const wl_rules *rules, const struct facts *f)
{
    struct json_out out;
    buf_init(&d->text, TEXT_MAX);
    buf_init(&d->json, DECISION_MAX);
    json_out_init(&out, &d->json);
    decision_json(&d->d, rules->rs, f, &out);
    decision_details(&d->d, rules->rs, f, &d->text);
    if (d->text.len == 0 && d->d.verdict == VERDICT_ALLOW)
        buf_printf(&d->text, "allowed. Rules: %s %.*s.", ruleset_id(rules->rs), HASH_SHOWN, rules->hash);
}

int wl_decide(wl_decision **ret, const wl_rules *rules, const wl_facts *facts, int64_t now, int64_t expires,
              wl_error *err)
{
    if (ret == NULL)
        return nowhere(err);
    if (rules == NULL || facts == NULL)
        return refuse(err, WL_EINVAL,
                      rules == NULL ? "there are no rules: they are NULL" : "there are no facts: they are NULL");
    if (!ruleset_decides(rules->rs))
        return refuse(err, WL_EINVAL, "these rules decide nothing: the platform's set is not among them");
    struct arena *a = arena_create(OBJECT_MAX);
    wl_decision *d = a != NULL ? arena_new(a, wl_decision) : NULL;
    if (d == NULL) {
        arena_free(a);
        return refuse(err, WL_ENOMEM, "out of memory");
    }
    d->arena = a;
    decide(rules->rs, &facts->f, now, expires, &d->d);
    write_texts(d, rules, &facts->f);
    if (d->text.failed || d->json.failed || d->text.len == 0) {
        wl_decision_free(d);
        return refuse(err, WL_ENOMEM, "out of memory for the explanation");
    }
    *ret = d;
    return 0;
}

void wl_decision_free(wl_decision *decision)
{
    if (decision == NULL)
        return;
    buf_done(&decision->text);
    buf_done(&decision->json);
    arena_free(decision->arena);
}

wl_verdict wl_decision_verdict(const wl_decision *decision)
{
    return decision != NULL ? (wl_verdict)decision->d.verdict : WL_DENY;
}

int64_t wl_decision_until(const wl_decision *decision)
{
    return decision != NULL && decision->d.verdict == VERDICT_HOLD ? decision->d.until : 0;
}

/* NULL when allowed, or there is no decision: a shadow rule that fired does not speak. */
static const struct rule *speaker(const wl_decision *decision)
{
    const struct finding *fi = decision != NULL ? decision_main(&decision->d) : NULL;
    return fi != NULL && decision->d.verdict != VERDICT_ALLOW ? fi->rule : NULL;
}

int wl_decision_code(const wl_decision *decision)
{
    const struct rule *r = speaker(decision);
    return r != NULL ? rule_code(r) : 0;
}

const char *wl_decision_rule(const wl_decision *decision)
{
    const struct rule *r = speaker(decision);
    return r != NULL ? rule_id(r) : NULL;
}

const char *wl_decision_text(const wl_decision *decision)
{
    return decision != NULL ? buf_cstr(&decision->text) : NULL;
}

const char *wl_decision_json(const wl_decision *decision)
{
    return decision != NULL ? buf_cstr(&decision->json) : NULL;
}

/* ---- phone numbers ---- */

struct wl_plans {
    struct arena *arena;
    struct phone_data data;
};

int wl_plans_create(wl_plans **ret, const void *bytes, size_t n, wl_error *err)
{
    struct err e = {0};
    if (ret == NULL)
        return nowhere(err);
    struct arena *a = arena_create(OBJECT_MAX + PHONE_FILE_MAX);
    struct wl_plans *p = a != NULL ? arena_alloc(a, sizeof *p) : NULL;
    void *copy = p != NULL && bytes != NULL && n <= PHONE_FILE_MAX ? arena_alloc(a, n + 1) : NULL;
    int rc = p == NULL ? err_set(&e, WL_ENOMEM, "out of memory") : 0;
    if (rc == 0 && bytes != NULL && copy == NULL)
        rc = err_set(&e, n > PHONE_FILE_MAX ? WL_ETOOBIG : WL_ENOMEM, "%zu bytes are too many for plans", n);
    if (rc == 0 && bytes == NULL)
        phone_data_builtin(&p->data);
    else if (rc == 0)
        rc = phone_data_open(&p->data, memcpy(copy, bytes, n), n, &e);
    if (rc != 0) {
        arena_free(a);
        return give(rc, &e, err);
    }
    p->arena = a;
    *ret = p;
    return 0;
}

void wl_plans_free(wl_plans *plans)
{
    if (plans != NULL)
        arena_free(plans->arena);
}

const char *wl_plans_name(const wl_plans *plans)
{
    return plans != NULL ? phone_data_name(&plans->data) : NULL;
}

static void say_phone(const struct phone_data *d, const struct phone_number *n, wl_phone *ret)
{
    char e164[PHONE_FORMAT_MAX] = "";
    *ret = (wl_phone){.status = phone_status_word(n->status), .type = phone_type_word(n->type)};
    if (n->status == PHONE_OK)
        phone_format(d, n, STR(""), PHONE_E164, e164);
    memcpy(ret->e164, e164, strnlen(e164, sizeof ret->e164 - 1));
    memcpy(ret->region, phone_region_id(d, n->region), 4);
    ret->valid = phone_number_valid(n);
}

int wl_phone_read(const wl_plans *plans, const char *text, const char *region, wl_phone *ret, wl_error *err)
{
    struct phone_number n;
    if (plans == NULL || text == NULL)
        return refuse(err, WL_EINVAL,
                      plans == NULL ? "there are no plans: they are NULL" : "there is no number: it is NULL");
    if (ret == NULL)
        return nowhere(err);
    int row = region != NULL ? phone_region(&plans->data, str_of(region)) : 0;
    if (region != NULL && row == 0)
        return refuse(err, WL_EINVAL, "no region is named so: two capitals of ISO 3166, as in BR");
    phone_number_read(&plans->data, str_of(text), row, &n);
    say_phone(&plans->data, &n, ret);
    return 0;
}

int wl_phone_country(const wl_plans *plans, const char *digits, char *ret)
{
    int64_t value = 0;
    if (plans == NULL || digits == NULL || ret == NULL || digits[0] < '1' || digits[0] > '9' ||
        !str_i64(str_of(digits), &value))
        return WL_ERR_INVALID;
    phone_country(&plans->data, (uint64_t)value, ret);
    return 0;
}
