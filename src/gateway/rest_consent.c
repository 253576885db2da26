/* SPDX-License-Identifier: Apache-2.0
 * rest_consent.c - consent given and withdrawn through our own API, and its history.
 *
 * Callers grant and withdraw; stop and resume belong to the platform and arrive by webhook only. Evidence is kept as
 * stated: how, where, with which wording, in which language. A time in the future is refused. */
#include <stdio.h>

#include "base/clock.h"
#include "gateway/rest_impl.h"
#include "store/ledger.h"

#define EVENTS_SHOWN    1000
#define FUTURE_SLACK_MS (5 * 60 * 1000) /* a caller's clock may run a little ahead */
#define METHOD_MAX      40
#define LANG_TEXT_MAX   32
#define TEXT_MAX        4096

static bool text_field(struct rest_call *c, struct json v, const char *key, size_t max, struct str *ret)
{
    struct json field = json_get(v, key);
    *ret = STR("");
    if (json_type(field) == JSON_ABSENT || json_type(field) == JSON_NULL)
        return true;
    if (json_str(field, ret) && ret->n <= max)
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s must be a text of at most %zu bytes", key, max);
    return false;
}

static bool read_act(struct rest_call *c, struct json v, enum consent_act *ret)
{
    struct str act = json_str_or(json_get(v, "act"), STR("grant"));
    if (str_eq(act, STR("grant")))
        *ret = CONSENT_GRANT;
    else if (str_eq(act, STR("withdraw")))
        *ret = CONSENT_WITHDRAW;
    else {
        rest_wrong(c, WL_EINVAL, "act", "act must be grant or withdraw");
        return false;
    }
    return true;
}

static bool read_time(struct rest_call *c, struct json v, int64_t now, int64_t *ret)
{
    struct str at;
    *ret = now;
    if (!text_field(c, v, "at", 64, &at))
        return false;
    if (at.n == 0)
        return true;
    if (!time_parse(at.p, at.n, ret)) {
        rest_wrong(c, WL_EINVAL, "at", "at must be a date or an RFC 3339 time");
        return false;
    }
    if (*ret > now + FUTURE_SLACK_MS) {
        rest_wrong(c, WL_EINVAL, "at", "at lies in the future");
        return false;
    }
    return true;
}

/* `who` stands beside the rest in POST /consent and is refused in an import's row by the row's own list. */
static const char *const consent_keys[] = {"who",    "act",     "scope",    "at",       "method",
                                           "source", "wording", "language", "evidence", NULL};

bool rest_consent_row(struct rest_call *c, struct json v, const char *default_method, int64_t now,
                      struct consent_row *ret)
{
    struct err why = {0};
    struct consent_row row = {.recorded_at = now, .actor = STR("api")};
    if (json_type(v) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, "consent", "consent must be an object");
        return false;
    }
    if (!rest_known_keys(c, v, consent_keys))
        return false;
    if (!read_act(c, v, &row.event.act) || !read_time(c, v, now, &row.event.at))
        return false;
    if (consent_scope_parse(json_str_or(json_get(v, "scope"), STR("")), &row.event.scope, &why) != 0) {
        rest_wrong(c, WL_EINVAL, "scope", "%s", why.text);
        return false;
    }
    if (!text_field(c, v, "method", METHOD_MAX, &row.method) || !text_field(c, v, "source", TEXT_MAX, &row.source) ||
        !text_field(c, v, "wording", TEXT_MAX, &row.wording) ||
        !text_field(c, v, "language", LANG_TEXT_MAX, &row.language) ||
        !text_field(c, v, "evidence", TEXT_MAX, &row.evidence))
        return false;
    if (row.method.n == 0)
        row.method = str_of(default_method);
    row.event.rank = consent_rank_of(row.method, row.wording.n > 0);
    *ret = row;
    return true;
}

/* What the last check left in the call, told as a note. */
static void note_problem(struct rest_call *c, struct rest_notes notes, const char *field, const char *then)
{
    char why[2 * ERR_TEXT_MAX];
    snprintf(why, sizeof why, "%s; %s", c->problem.text, then);
    notes.note(notes.ctx, field, why);
    c->problem.code = 0;
}

void rest_withdrawal_row(struct rest_call *c, struct json v, const char *default_method, int64_t now,
                         struct rest_notes notes, struct consent_row *ret, bool *ret_dated)
{
    struct err why = {0};
    struct consent_row row = {.event = {.act = CONSENT_WITHDRAW, .scope = CONSENT_ALL},
                              .recorded_at = now,
                              .actor = STR("api")};
    const struct {
        const char *key;
        size_t max;
        struct str *ret;
    } texts[] = {{"method", METHOD_MAX, &row.method},
                 {"source", TEXT_MAX, &row.source},
                 {"wording", TEXT_MAX, &row.wording},
                 {"language", LANG_TEXT_MAX, &row.language},
                 {"evidence", TEXT_MAX, &row.evidence}};
    struct str scope = json_str_or(json_get(v, "scope"), STR("")), at = json_str_or(json_get(v, "at"), STR(""));
    if (!rest_known_keys(c, v, consent_keys))
        note_problem(c, notes, NULL, "left out");
    bool read = read_time(c, v, now, &row.event.at);
    *ret_dated = read && at.n > 0;
    if (!read) {
        row.event.at = now;
        note_problem(c, notes, "at", "the withdrawal counts from now");
    }
    if (scope.n > 0 && consent_scope_parse(scope, &row.event.scope, &why) != 0) {
        row.event.scope = CONSENT_ALL;
        rest_wrong(c, WL_EINVAL, "scope", "%s", why.text);
        note_problem(c, notes, "scope", "the withdrawal is taken for all");
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (text_field(c, v, texts[i].key, texts[i].max, texts[i].ret))
            continue;
        *texts[i].ret = STR("");
        note_problem(c, notes, texts[i].key, "left out");
    }
    if (row.method.n == 0)
        row.method = str_of(default_method);
    *ret = row;
}

int rest_record_consent(struct store *s, struct person *p, struct consent_row *row, size_t *ret_new, struct err *e)
{
    row->bucket = p->bucket;
    row->contact = p->id;
    row->id = store_id(s, row->recorded_at);
    int rc = ledger_append(s, row, 1, ret_new, e);
    if (rc != 0)
        return rc;
    if (*ret_new > 0) /* one the ledger has already counts with the wording it has there */
        return people_say(s, p, NULL, &row->event, row->recorded_at, e);
    return people_save(s, p, 1, e);
}

/* Whether the event decides now for every category it names: a later word of the person may stand against it. */
static bool in_force(const struct consent_state *s, const struct consent_event *ev)
{
    int status = ev->act == CONSENT_GRANT ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
    for (int category = 0; category < CATEGORY_COUNT; category++)
        if ((ev->scope & CONSENT_SCOPE(category)) && s->of[category].status != status)
            return false;
    return true;
}

int rest_consent_add(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a;
    struct json root;
    struct err why = {0};
    struct consent_row row;
    struct identity key;
    struct person p;
    if (json_parse(thread_json(), c->body, true, &root, &why) != 0)
        return rest_wrong(c, WL_EINVAL, NULL, "the body: %s", why.text);
    struct str twice = json_duplicate_key(root);
    if (twice.p != NULL)
        return rest_wrong(c, WL_EINVAL, NULL, "the key '%.*s' is given twice", (int)(twice.n < 64 ? twice.n : 64),
                          twice.p);
    if (identity_parse(json_str_or(json_get(root, "who"), STR("")), &key, &why) != 0)
        return rest_wrong(c, WL_EINVAL, "who", "%s", why.text);
    if (json_type(json_get(root, "act")) == JSON_ABSENT)
        return rest_wrong(c, WL_EINVAL, "act", "act must be grant or withdraw");
    if (!rest_consent_row(c, root, "api", now, &row))
        return 0;
    size_t fresh = 0;
    int rc = people_ensure(s, &key, 1, now, &p, e);
    if (rc == 0)
        rc = rest_record_consent(s, &p, &row, &fresh, e);
    if (rc != 0)
        return rc;
    char id[48];
    rest_contact_id(&p, id);
    jo_object(&c->out);
    jo_kcstr(&c->out, "contact", id);
    jo_kbool(&c->out, "new", fresh > 0);
    jo_kbool(&c->out, "in_force", in_force(&p.consent, &row.event));
    rest_consent_members(&c->out, &p);
    jo_end(&c->out);
    return 0;
}

static void show_event(struct json_out *o, const struct consent_row *row)
{
    struct buf scope;
    buf_init(&scope, 256);
    consent_scope_text(row->event.scope, &scope);
    jo_object(o);
    jo_kcstr(o, "act", consent_act_name(row->event.act));
    jo_kstr(o, "scope", buf_str(&scope));
    rest_time(o, "at", row->event.at);
    rest_time(o, "recorded_at", row->recorded_at);
    jo_kstr(o, "method", row->method);
    jo_kstr(o, "source", row->source);
    jo_kstr(o, "wording", row->wording);
    jo_kstr(o, "language", row->language);
    jo_kstr(o, "evidence", row->evidence);
    jo_kstr(o, "actor", row->actor);
    jo_end(o);
    buf_done(&scope);
}

int rest_consent_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)now;
    struct person p;
    struct consent_row *rows;
    size_t n = 0;
    int rc = rest_find_person(c, s, c->param, &p, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if ((rc = ledger_list(s, p.bucket, p.id, a, EVENTS_SHOWN, &rows, &n, e)) != 0)
        return rc;
    char id[48];
    rest_contact_id(&p, id);
    jo_object(&c->out);
    jo_kcstr(&c->out, "contact", id);
    rest_consent_members(&c->out, &p);
    jo_key(&c->out, "events");
    jo_array(&c->out);
    for (size_t i = 0; i < n; i++)
        show_event(&c->out, &rows[i]);
    jo_end(&c->out);
    jo_end(&c->out);
    return 0;
}
