/* SPDX-License-Identifier: Apache-2.0
 * rest_welcomes.c - questions to people, started, shown and taken back through our own API.
 *
 * Whoever starts one may say in `first` what the person did before, a consent like any other: it is recorded first, and is what
 * the question stands on. The list also has what the gateway said by itself, with `kind`: what became of a confirmation is found
 * at the same place. What is shown names people by their contact ids. */
#include "gateway/rest_welcomes.h"

#include <stdio.h>

#include "gateway/rest_person.h"
#include "gateway/welcome_row.h"
#include "gateway/welcomes.h"

#define TEXT_MOST    4096
#define LIMIT_USUAL  100
#define LIMIT_MOST   1000
#define SCANNED_MOST 5000
#define PAGE         200

/* --- shown ------------------------------------------------------------------------------------------------------------ */

static void show_ask(struct json_out *o, const struct welcome_row *row)
{
    jo_kcstr(o, "template", row->template_name.n > 0 ? row->template_name.p : NULL);
    jo_kstr(o, "language", row->language);
    jo_kstr(o, "text", row->text);
    jo_kstr(o, "wording", row->wording);
    jo_kcstr(o, "first", row->first.n > 0 ? row->first.p : NULL);
    jo_kbool(o, "reconfirm", row->reconfirm);
    jo_kcstr(o, "on_silence", row->w.silence_withdraws ? "withdraw" : "nothing");
    jo_kint(o, "reminders", row->w.reminders);
    rest_time(o, "asked_at", row->w.asked_at);
    rest_time(o, "answered_at", row->w.answered_at);
    jo_kcstr(o, "reply", row->reply.n > 0 ? row->reply.p : NULL);
}

static int show_errand(struct json_out *o, struct arena *a, const struct errand *v, struct err *e)
{
    char id[STORE_ID_TEXT];
    struct welcome_row row;
    struct buf scope;
    int rc = welcome_row_read(v, a, &row, e);
    if (rc != 0)
        return rc;
    bool asks = v->kind == ERRAND_WELCOME;
    jo_object(o);
    jo_kcstr(o, "id", welcome_id_text(v->bucket, v->id, id));
    jo_kcstr(o, "kind", errand_kind_name(v->kind));
    jo_kcstr(o, "state", errand_state_name(v->state));
    jo_kcstr(o, "phase", v->state == ERRAND_OPEN ? welcome_state_name(row.w.state) : NULL);
    jo_kstr(o, "why", v->why);
    char contact[48], from[24];
    rest_contact_id(&(struct person){.bucket = v->bucket, .id = v->contact}, contact);
    jo_kcstr(o, "contact", contact);
    snprintf(from, sizeof from, "%lld", (long long)v->sender);
    jo_kcstr(o, "from", from);
    buf_init(&scope, 256);
    consent_scope_text(v->scope, &scope);
    jo_kstr(o, "scope", asks ? buf_str(&scope) : STR(""));
    buf_done(&scope);
    rest_time(o, "begun_at", v->begun_at);
    rest_time(o, "expires_at", v->expires);
    rest_time(o, "due_at", v->state == ERRAND_OPEN ? v->due : 0);
    jo_kint(o, "sent", row.w.taken);
    jo_key(o, "messages");
    jo_raw(o, row.messages.n > 0 ? row.messages : STR("[]"));
    if (asks)
        show_ask(o, &row);
    jo_end(o);
    return 0;
}

/* The errand of the path. */
static int find(struct rest_call *c, struct store *s, struct arena *a, struct errand *ret, struct err *e)
{
    int bucket;
    int64_t id;
    if (welcome_id_parse(c->param, &bucket, &id) != 0)
        return rest_wrong(c, WL_EINVAL, NULL, "a welcome is named by its id, which begins with w");
    int rc = errand_get(s, bucket, id, a, ret, e);
    return rc == WL_ENOTFOUND ? rest_wrong(c, WL_ENOTFOUND, NULL, "there is no such welcome") : rc;
}

int rest_welcome(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct errand v;
    (void)now;
    int rc = find(c, s, a, &v, e);
    return rc != 0 || c->problem.code != 0 ? rc : show_errand(&c->out, a, &v, e);
}

/* --- the list --------------------------------------------------------------------------------------------------------- */

struct question {
    enum errand_state state;
    int kind; /* -1: all */
    struct str who;
    int64_t before;
    size_t limit;
};

static bool read_state(void *to, struct str v, int64_t now)
{
    struct question *q = to;
    (void)now;
    return errand_state_parse(v, &q->state, NULL) == 0;
}

static bool read_kind(void *to, struct str v, int64_t now)
{
    struct question *q = to;
    (void)now;
    if (str_eq(v, STR("all"))) {
        q->kind = -1;
        return true;
    }
    for (int k = ERRAND_STOPPED; k <= ERRAND_WELCOME; k++)
        if (str_eq(v, str_of(errand_kind_name((enum errand_kind)k)))) {
            q->kind = k;
            return true;
        }
    return false;
}

static bool read_who(void *to, struct str v, int64_t now)
{
    struct question *q = to;
    (void)now;
    q->who = v;
    return v.n > 0;
}

static bool read_before(void *to, struct str v, int64_t now)
{
    struct question *q = to;
    int bucket;
    (void)now;
    return welcome_id_parse(v, &bucket, &q->before) == 0;
}

static bool read_limit(void *to, struct str v, int64_t now)
{
    struct question *q = to;
    (void)now;
    return rest_read_size(v, LIMIT_MOST, &q->limit);
}

static const struct rest_parameter parameters[] = {
    {"state", read_state, "state is open, done, declined, expired, refused, failed or cancelled", false},
    {"kind", read_kind, "kind is welcome, stopped, started, help or all", false},
    {"contact", read_who, "contact is a phone number, a user id or a contact id", false},
    {"before", read_before, "before is the id of a welcome", false},
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {NULL, NULL, NULL, false},
};

/* Shows those of one page that are asked for; the last id looked at goes into q->before. */
static int show_page(struct rest_call *c, struct arena *a, struct question *q, const struct errand *v, size_t n,
                     size_t *shown, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n && *shown < q->limit; i++) {
        q->before = v[i].id;
        if (q->kind >= 0 && (int)v[i].kind != q->kind)
            continue;
        rc = show_errand(&c->out, a, &v[i], e);
        (*shown)++;
    }
    return rc;
}

int rest_welcomes_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct question q = {.kind = ERRAND_WELCOME, .limit = LIMIT_USUAL};
    struct person p = {.id = 0};
    struct errand *v = NULL;
    size_t n = PAGE, shown = 0, scanned = 0;
    char id[STORE_ID_TEXT];
    if (!rest_query(c, a, parameters, &q, now))
        return 0;
    int rc = q.who.n > 0 ? rest_find_person(c, s, q.who, &p, e) : 0;
    if (rc != 0 || c->problem.code != 0)
        return rc;
    jo_object(&c->out);
    jo_key(&c->out, "welcomes");
    jo_array(&c->out);
    while (rc == 0 && n == PAGE && shown < q.limit && scanned < SCANNED_MOST) {
        rc = errands_list(s, p.bucket, p.id, q.state, q.before, PAGE, a, &v, &n, e);
        if (rc == 0)
            rc = show_page(c, a, &q, v, n, &shown, e);
        scanned += n;
    }
    jo_end(&c->out);
    bool more = n == PAGE || (n > 0 && v[n - 1].id != q.before);
    jo_kcstr(&c->out, "next", more ? welcome_id_text(p.bucket, q.before, id) : NULL);
    jo_end(&c->out);
    return rc;
}

/* --- started ---------------------------------------------------------------------------------------------------------- */

static const char *const keys[] = {"who",       "from",         "scope",         "language", "template",  "components",
                                   "buttons",   "text",         "wording",       "first",    "reconfirm", "on_silence",
                                   "reminders", "remind_after", "expires_after", NULL};

static bool text_of(struct rest_call *c, struct json root, const char *key, size_t most, struct str *ret)
{
    struct json v = json_get(root, key);
    *ret = STR("");
    if (json_type(v) <= JSON_NULL || (json_str(v, ret) && ret->n <= most))
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s must be a text of at most %zu bytes", key, most);
    return false;
}

static bool flag_of(struct rest_call *c, struct json root, const char *key, bool *ret)
{
    struct json v = json_get(root, key);
    if (json_type(v) <= JSON_NULL || json_bool(v, ret))
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s must be true or false", key);
    return false;
}

/* "3d", "90m" */
static bool span_of(struct rest_call *c, struct arena *a, struct json root, const char *key, int64_t *ret)
{
    struct str text;
    int64_t at;
    if (!text_of(c, root, key, 32, &text))
        return false;
    if (text.n == 0)
        return true;
    char *from_now = arena_printf(a, "now+%.*s", (int)text.n, text.p);
    if (from_now != NULL && rest_read_time(str_of(from_now), 1, &at) && at > 1) {
        *ret = at - 1;
        return true;
    }
    rest_wrong(c, WL_EINVAL, key, "%s must be a span such as 90m, 12h or 3d", key);
    return false;
}

static bool read_texts(struct rest_call *c, struct json root, struct welcome_wish *w)
{
    return text_of(c, root, "language", 16, &w->language) && text_of(c, root, "template", 512, &w->template_name) &&
           text_of(c, root, "text", WELCOME_TEXT_MAX, &w->text) && text_of(c, root, "wording", TEXT_MOST, &w->wording);
}

static bool read_options(struct rest_call *c, struct arena *a, struct json root, struct welcome_wish *w)
{
    struct str silence;
    int64_t n = -1;
    if (!flag_of(c, root, "buttons", &w->buttons) || !flag_of(c, root, "reconfirm", &w->reconfirm) ||
        !text_of(c, root, "on_silence", 16, &silence) || !span_of(c, a, root, "remind_after", &w->remind_after) ||
        !span_of(c, a, root, "expires_after", &w->expires_after))
        return false;
    w->silence_withdraws = str_eq(silence, STR("withdraw"));
    if (silence.n > 0 && !w->silence_withdraws && !str_eq(silence, STR("nothing"))) {
        rest_wrong(c, WL_EINVAL, "on_silence", "on_silence must be nothing or withdraw");
        return false;
    }
    if (json_type(json_get(root, "reminders")) > JSON_NULL &&
        (!json_i64(json_get(root, "reminders"), &n) || n < 0 || n > WELCOME_REMINDERS_MAX)) {
        rest_wrong(c, WL_EINVAL, "reminders", "reminders must be a number from 0 to %d", WELCOME_REMINDERS_MAX);
        return false;
    }
    w->reminders = (int)n;
    return true;
}

static bool read_components(struct rest_call *c, struct arena *a, struct json v, struct welcome_wish *w)
{
    struct buf b;
    if (json_type(v) <= JSON_NULL)
        return true;
    if (json_type(v) != JSON_ARRAY) {
        rest_wrong(c, WL_EINVAL, "components", "components must be a list, as the Graph API has it");
        return false;
    }
    buf_init(&b, ERRAND_DETAIL_MAX);
    json_write_value(&b, v);
    char *p = b.failed ? NULL : arena_strndup(a, buf_cstr(&b), b.len);
    w->components = (struct str){p, b.len};
    buf_done(&b);
    if (p == NULL)
        rest_wrong(c, WL_EINVAL, "components", "components are larger than %d bytes", ERRAND_DETAIL_MAX);
    return p != NULL;
}

static bool read_wish(struct rest_call *c, struct arena *a, struct json root, struct welcome_wish *w)
{
    struct err why = {0};
    struct str scope;
    *w = (struct welcome_wish){.actor = STR("api")};
    if (!rest_known_keys(c, root, keys) || !text_of(c, root, "scope", 80, &scope))
        return false;
    if (scope.n > 0 && consent_scope_parse(scope, &w->scope, &why) != 0) {
        rest_wrong(c, WL_EINVAL, "scope", "%s", why.text);
        return false;
    }
    if (json_type(json_get(root, "from")) > JSON_NULL && !json_id(json_get(root, "from"), &w->sender)) {
        rest_wrong(c, WL_EINVAL, "from", "from must be the id of one of your phone numbers");
        return false;
    }
    return read_texts(c, root, w) && read_options(c, a, root, w) &&
           read_components(c, a, json_get(root, "components"), w);
}

/* There must be something to confirm again. */
static bool has_consent(const struct person *p, consent_scope scope)
{
    consent_scope asked = scope != 0 ? scope : CONSENT_SCOPE(CATEGORY_MARKETING);
    for (int k = 0; k < CATEGORY_COUNT; k++)
        if ((asked & CONSENT_SCOPE(k)) && p->consent.of[k].status == CONSENT_GRANTED)
            return true;
    return false;
}

/* What may be wrong about the person: nothing was written yet. */
static int check_person(struct rest_call *c, const struct rest_ground *g, const struct identity *who,
                        const struct welcome_wish *w, struct err *e)
{
    struct person p;
    struct errand open;
    char id[STORE_ID_TEXT];
    int rc = people_find(g->s, who, 1, &p, e);
    if (rc != 0)
        return rc;
    if (w->reconfirm && (p.id == 0 || !has_consent(&p, w->scope)))
        return rest_wrong(c, WL_ECONFLICT, "reconfirm", "this person has no consent that could be confirmed again");
    rc = p.id != 0 ? welcome_open(g->s, g->a, &p, w->sender, &open, e) : WL_ENOTFOUND;
    if (rc == 0)
        rest_wrong(c, WL_ECONFLICT, NULL, "this person is being asked by that number already: %s",
                   welcome_id_text(open.bucket, open.id, id));
    return rc == WL_ENOTFOUND ? 0 : rc;
}

/* What the person did before, as the caller states it. */
static int read_first(struct rest_call *c, const struct rest_ground *g, struct json v, struct consent_row *ret,
                      struct err *e)
{
    *ret = (struct consent_row){.recorded_at = 0};
    if (json_type(v) <= JSON_NULL)
        return 0;
    int rc = rest_consent_row(c, g, v, ret, e);
    if (rc == 0 && c->problem.code == 0 && ret->event.act != CONSENT_GRANT)
        rest_wrong(c, WL_EINVAL, "first", "first must be a grant");
    return rc;
}

static int write(struct rest_call *c, const struct rest_ground *g, const struct identity *who,
                 struct consent_row *first, struct welcome_wish *w, struct err *e)
{
    struct person p;
    struct errand made;
    size_t fresh = 0;
    char id[STORE_ID_TEXT];
    int rc = people_ensure(g->s, who, 1, g->now, &p, e);
    if (rc == 0 && first->recorded_at != 0) {
        rc = rest_record_consent(c, g->s, &p, first, &fresh, e);
        w->first = str_of(store_id_text(p.bucket, first->id, id));
    }
    if (rc == 0)
        rc = welcome_add(g->s, g->a, &p, w, g->now, &made, e);
    c->status = 201;
    return rc == 0 ? show_errand(&c->out, g->a, &made, e) : rc;
}

static int start(struct rest_call *c, const struct rest_ground *g, struct json root, struct welcome_wish *w,
                 struct err *e)
{
    struct identity key;
    struct consent_row first;
    struct err why = {0};
    const char *field = NULL;
    if (identity_written(&c->g->phones, json_str_or(json_get(root, "who"), STR("")), &key, &why) != 0)
        return rest_wrong(c, WL_EINVAL, "who", "%s", why.text);
    if (welcome_check(c->g, w, g->a, &field, &why) != 0)
        return rest_wrong(c, why.code, field, "%s", why.text);
    int rc = check_person(c, g, &key, w, e);
    if (rc == 0 && c->problem.code == 0)
        rc = read_first(c, g, json_get(root, "first"), &first, e);
    return rc != 0 || c->problem.code != 0 ? rc : write(c, g, &key, &first, w, e);
}

int rest_welcome_start(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rest_ground g = {s, a, now, "api"};
    struct json root;
    struct welcome_wish w;
    if (!rest_read_body(c, &root) || !read_wish(c, a, root, &w))
        return 0;
    return start(c, &g, root, &w, e);
}

/* --- taken back ------------------------------------------------------------------------------------------------------- */

/* A message of it that still waits is taken back with it. */
static int take_back(struct rest_call *c, struct store *s, const struct errand *v, int64_t now, struct err *e)
{
    struct message m;
    const struct life_news news = {.event = {.kind = STEP_CANCEL}};
    int rc = v->msg != 0 ? messages_get(s, v->bucket, v->msg, &m, e) : WL_ENOTFOUND;
    if (rc == WL_ENOTFOUND || (rc == 0 && m.life.state != LIFE_WAITING))
        return 0;
    return rc == 0 ? life_hear(s, &m, &news, now, &c->after, e) : rc;
}

int rest_welcome_cancel(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct errand v;
    int rc = find(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (v.state != ERRAND_OPEN)
        return rest_wrong(c, WL_ECONFLICT, NULL, "it is too late: it is %s", errand_state_name(v.state));
    rc = take_back(c, s, &v, now, e);
    if (rc == 0)
        rc = welcome_cancel(s, a, &v, STR("taken back"), now, e);
    return rc == 0 ? show_errand(&c->out, a, &v, e) : rc;
}
