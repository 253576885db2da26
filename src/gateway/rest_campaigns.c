/* SPDX-License-Identifier: Apache-2.0
 * rest_campaigns.c - /campaigns: made, changed, shown, and everything that is done to one.
 *
 * Who acts is named in the call, and is "admin" where nobody is; an approver is who their key says, and nobody else may use an approver's
 * name, nor the runner's. Whether an act may be done is campaign_do()'s matter, and what it refuses is a conflict that says what
 * may be done instead. After the commit the runner is rung, before the caller is answered: a pause that was answered holds. */
#include <stdio.h>

#include "base/yaml.h"
#include "gateway/approvers.h"
#include "gateway/campaign_id.h"
#include "gateway/readers.h"
#include "gateway/rest_campaign.h"
#include "gateway/rest_subscriber.h"

#define ACTOR_MAX    64
#define DETAIL_MAX   500
#define LIST_DEFAULT 50
#define LIST_MOST    500

/* --- shown ----------------------------------------------------------------------------------------------------------------- */

static void id_member(struct json_out *o, const char *key, int64_t id)
{
    char text[STORE_ID_TEXT];
    jo_kcstr(o, key, id != 0 ? campaign_id_text(id, text) : NULL);
}

static void text_or_null(struct json_out *o, const char *key, struct str s)
{
    jo_key(o, key);
    if (s.n > 0)
        jo_str(o, s);
    else
        jo_null(o);
}

int rest_campaign_handed(struct store *s, const struct campaign_row *v, int64_t *ret, struct err *e)
{
    struct campaign_cursor at = {.bucket = CAMPAIGN_BUCKET, .campaign = v->id};
    int rc = campaign_cursor_get(s, &at, e);
    int64_t handed = at.cur > 0 ? at.cur - 1 : 0;
    if (rc == 0)
        *ret = handed < v->people ? handed : v->people;
    return rc;
}

static void show_times(struct json_out *o, const struct campaign_row *v)
{
    rest_time(o, "created_at", v->created_at);
    jo_kstr(o, "created_by", v->created_by);
    rest_time(o, "checked_at", v->checked_at);
    rest_time(o, "approved_at", v->approved_at);
    text_or_null(o, "approved_by", v->approved_by);
    rest_time(o, "started_at", v->started_at);
    rest_time(o, "resume_at", v->resume_at);
    rest_time(o, "ended_at", v->ended_at);
}

int rest_campaign_members(struct rest_call *c, struct store *s, const struct campaign_row *v, struct err *e)
{
    struct json_out *o = &c->out;
    char plan[SHA256_HEX];
    int64_t handed = 0;
    int rc = rest_campaign_handed(s, v, &handed, e);
    if (rc != 0)
        return rc;
    hex_encode(v->plan, SHA256_BYTES, plan);
    id_member(o, "id", v->id);
    jo_kstr(o, "name", v->name);
    jo_kcstr(o, "state", campaign_state_name((enum campaign_state)v->state));
    jo_kcstr(o, "cause", v->cause != CAUSE_NONE ? campaign_cause_name((enum campaign_cause)v->cause) : NULL);
    text_or_null(o, "why", v->why);
    jo_kbool(o, "busy", v->busy);
    jo_kint(o, "audience", v->audience);
    jo_kint(o, "people", v->people);
    jo_kint(o, "handed", handed);
    jo_kbool(o, "second_person", v->people > (int64_t)c->g->o.second_person_above);
    jo_kcstr(o, "plan", v->planned ? plan : NULL);
    show_times(o, v);
    id_member(o, "series", v->series);
    jo_kint(o, "version", v->ver);
    return 0;
}

static int show_sources(struct rest_call *c, struct store *s, struct arena *a, const struct campaign_row *v,
                        struct err *e)
{
    struct campaign_source *w = NULL;
    struct json_out *o = &c->out;
    size_t n = 0;
    int rc = campaign_sources_get(s, v->id, a, &w, &n, e);
    jo_key(o, "sources");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        jo_object(o);
        jo_kint(o, "source", w[i].stratum);
        text_or_null(o, "name", w[i].name);
        jo_kint(o, "people", w[i].people);
        jo_kcstr(o, "state", w[i].state == CAMPAIGN_SOURCE_QUARANTINED ? "quarantined" : "goes_on");
        rest_time(o, "since", w[i].state_at);
        text_or_null(o, "why", w[i].why);
        jo_end(o);
    }
    jo_end(o);
    return rc;
}

static int show_campaign(struct rest_call *c, struct store *s, struct arena *a, const struct campaign_row *v,
                         struct err *e)
{
    struct json_out *o = &c->out;
    jo_object(o);
    int rc = rest_campaign_members(c, s, v, e);
    jo_kint(o, "stage", v->target);
    rest_time(o, "stage_since", v->target_at);
    rest_time(o, "looked_at", v->beat_at);
    rest_time(o, "due_at", v->due);
    if (rc == 0)
        rc = show_sources(c, s, a, v, e);
    jo_key(o, "definition");
    jo_raw(o, v->definition.n > 0 ? v->definition : STR("null"));
    jo_end(o);
    return rc;
}

int rest_find_campaign(struct rest_call *c, struct store *s, struct arena *a, struct campaign_row *ret, struct err *e)
{
    struct str id = str_clip(c->param, CAMPAIGN_NAME_MAX);
    struct err why = {0};
    int64_t number = 0;
    int rc = campaign_id_parse(c->param, &number) ? campaign_get(s, number, a, ret, &why) : WL_ENOTFOUND;
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "there is no campaign '%.*s'", (int)id.n, id.p);
    if (rc != 0)
        *e = why;
    return rc;
}

int rest_campaign(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_row v;
    int rc = rest_find_campaign(c, s, a, &v, e);
    (void)now;
    return rc != 0 || c->problem.code != 0 ? rc : show_campaign(c, s, a, &v, e);
}

/* --- the list ------------------------------------------------------------------------------------------------------------ */

struct list_query {
    size_t limit;
    int64_t before;
    unsigned states;
};

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, LIST_MOST, &((struct list_query *)to)->limit);
}

static bool read_before(void *to, struct str v, int64_t now)
{
    (void)now;
    return campaign_id_parse(v, &((struct list_query *)to)->before);
}

static bool read_states(void *to, struct str v, int64_t now)
{
    struct list_query *q = to;
    (void)now;
    while (v.n > 0) {
        enum campaign_state state = campaign_state_parse(str_trim(str_cut(v, ',', &v)));
        if ((int)state <= 0)
            return false;
        q->states |= 1u << state;
    }
    return q->states != 0;
}

static const struct rest_parameter list_parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 500", false},
    {"before", read_before, "before is what `next` of the page before says", false},
    {"state", read_states,
     "state is draft, checked, approved, running, held, finished, stopped or cancelled, or several with commas", true},
    {NULL, NULL, NULL, false},
};

int rest_campaigns_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct list_query q = {.limit = LIST_DEFAULT};
    struct campaign_row *v = NULL;
    size_t n = 0;
    if (!rest_query(c, a, list_parameters, &q, now))
        return 0;
    int rc = campaigns_list(s, q.before, q.states, a, q.limit + 1, &v, &n, e);
    jo_object(&c->out);
    jo_key(&c->out, "campaigns");
    jo_array(&c->out);
    for (size_t i = 0; i < n && i < q.limit && rc == 0; i++) {
        jo_object(&c->out);
        rc = rest_campaign_members(c, s, &v[i], e);
        jo_end(&c->out);
    }
    jo_end(&c->out);
    id_member(&c->out, "next", n > q.limit ? v[q.limit - 1].id : 0);
    jo_end(&c->out);
    return rc;
}

/* --- what a caller says ----------------------------------------------------------------------------------------------------- */

static bool printable(struct str s, size_t most)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return s.n <= most;
}

/* A text that may be left out. */
static bool read_text(struct rest_call *c, struct json root, const char *key, size_t most, struct str *ret)
{
    struct json v = json_get(root, key);
    *ret = (struct str){"", 0};
    if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
        return true;
    if (json_str(v, ret) && printable(*ret, most))
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s is a text of at most %zu bytes without control characters", key, most);
    return false;
}

static bool read_actor(struct rest_call *c, struct json root, struct str *ret)
{
    struct str said;
    if (!read_text(c, root, "actor", ACTOR_MAX, &said))
        return false;
    said = str_trim(said);
    *ret = c->approver != NULL ? str_of(c->approver) : said.n > 0 ? said : STR("admin");
    if (c->approver != NULL && said.n > 0 && !str_ieq(said, *ret))
        rest_wrong(c, WL_EINVAL, "actor", "actor: this key is %s's, so it is %s who acts: leave it out", c->approver,
                   c->approver);
    else if (str_ieq(*ret, STR("runner")))
        rest_wrong(c, WL_EINVAL, "actor",
                   "actor: 'runner' is what the gateway itself is called in a campaign's history");
    else if (c->approver == NULL && approver_is(c->g, *ret))
        rest_wrong(c, WL_EINVAL, "actor",
                   "actor: '%.*s' is an approver, whose acts are proven by their key: call with that key", (int)ret->n,
                   ret->p);
    return c->problem.code == 0;
}

int rest_campaign_definition(struct arena *a, const struct campaign_row *v, struct campaign_def **ret, struct err *e)
{
    struct campaign_def *d = arena_new(a, struct campaign_def);
    struct json root;
    int rc = d == NULL ? err_set(e, WL_ENOMEM, "the definition does not fit its memory")
                       : json_parse(thread_json(), v->definition, false, &root, e);
    if (rc == 0)
        rc = campaign_def_read(root, a, d, NULL, e);
    if (rc == 0)
        *ret = d;
    return rc;
}

/* The definition as it is kept, checked. */
static bool read_definition(struct rest_call *c, struct arena *a, struct json root, struct campaign_row *to)
{
    struct json v = json_get(root, "definition");
    const char *field = NULL;
    struct campaign_def *def = arena_new(a, struct campaign_def);
    struct err why = {0};
    struct buf text;
    if (def == NULL) {
        rest_wrong(c, WL_ETOOBIG, "definition", "definition: it does not fit its memory");
        return false;
    }
    if (json_type(v) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, "definition", "definition is missing: an object as docs/campaigns.md has it");
        return false;
    }
    if (campaign_def_read(v, a, def, &field, &why) != 0) {
        rest_wrong(c, WL_EINVAL, field != NULL ? field : "definition", "%s", why.text);
        return false;
    }
    buf_init(&text, CAMPAIGN_DEFINITION_MAX);
    bool fits = json_write_value(&text, v) && !text.failed;
    const char *kept = fits ? arena_strndup(a, text.data, text.len) : NULL;
    to->definition = (struct str){kept, text.len};
    to->name = def->name;
    buf_done(&text);
    if (kept == NULL)
        rest_wrong(c, WL_ETOOBIG, "definition", "definition: more than %u KiB", CAMPAIGN_DEFINITION_MAX >> 10);
    return kept != NULL;
}

/* On a thread of the readers, and not within what it read. */
static void rang(void *ctx, struct job *job)
{
    struct rest_call *c = container_of(job, struct rest_call, job);
    (void)ctx;
    campaigns_ring(c->g->campaigns);
    rest_reply(c);
}

static int read_nothing(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                        struct err *e)
{
    (void)ctx, (void)s, (void)a, (void)jobs, (void)n, (void)now, (void)e;
    return 0;
}

/* The writer's threads ring nobody: what the runner does then may need them. */
static void ring(struct rest_call *c)
{
    static const struct job_type type = {.name = "campaigns", .rank = 2, .run = read_nothing, .done = rang};
    struct err e = {0};
    c->job.type = &type;
    if (readers_submit(c->g->readers, &c->job, &e) == 0)
        return;
    err_set(&e, WL_EBUSY, "it was done, and the gateway is too busy to say what it is now: GET campaigns/{id}");
    rest_problem(c->rq, &e, NULL);
}

/* Does it, and shows what it is then. What is refused is an answer and no failure of the transaction. */
static int act(struct rest_call *c, struct store *s, struct arena *a, struct campaign_row *v,
               const struct campaign_order *o, int64_t now, struct err *e)
{
    struct err why = {0};
    int rc = campaign_do(c->g, s, v, o, now, &why);
    if (rc == WL_EDENIED)
        return rest_wrong(c, WL_ECONFLICT, NULL, "%s", why.text);
    if (rc == WL_EINVAL || rc == WL_ECONFLICT)
        return rest_wrong(c, rc, NULL, "%s", why.text);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_EINVAL, "source", "%s", why.text);
    if (rc != 0) {
        *e = why;
        return rc;
    }
    c->later = ring;
    return show_campaign(c, s, a, v, e);
}

int rest_campaign_create(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"definition", "actor", NULL};
    struct campaign_order o = {.act = CAMPAIGN_ACT_CREATE};
    struct campaign_row v = {.name = {"", 0}};
    struct json root;
    if (!rest_read_object(c, keys, &root) || !read_actor(c, root, &o.actor) || !read_definition(c, a, root, &v))
        return 0;
    c->status = 201;
    return act(c, s, a, &v, &o, now, e);
}

int rest_campaign_change(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"definition", "actor", "version", NULL};
    struct campaign_order o = {.act = CAMPAIGN_ACT_CHANGE};
    struct campaign_row v;
    struct json root;
    int64_t version = 0;
    if (!rest_read_object(c, keys, &root) || !read_actor(c, root, &o.actor))
        return 0;
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (json_type(json_get(root, "version")) != JSON_ABSENT && !json_i64(json_get(root, "version"), &version))
        return rest_wrong(c, WL_EINVAL, "version", "version is the number a campaign was shown with");
    if (version != 0 && version != v.ver)
        return rest_wrong(c, WL_ECONFLICT, "version", "it was changed since: look at it again, it is version %lld",
                          (long long)v.ver);
    if (!read_definition(c, a, root, &v))
        return 0;
    return act(c, s, a, &v, &o, now, e);
}

/* --- acts ---------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum campaign_act act;
    const char *keys[5]; /* of the body */
} verbs[] = {
    {"check", CAMPAIGN_ACT_CHECK, {"actor", NULL}},
    {"approve", CAMPAIGN_ACT_APPROVE, {"actor", "plan", "reason", NULL}},
    {"start", CAMPAIGN_ACT_START, {"actor", "reason", NULL}},
    {"pause", CAMPAIGN_ACT_PAUSE, {"actor", "reason", NULL}},
    {"resume", CAMPAIGN_ACT_RESUME, {"actor", "reason", "after_gap", NULL}},
    {"stop", CAMPAIGN_ACT_STOP, {"actor", "reason", NULL}},
    {"cancel", CAMPAIGN_ACT_CANCEL, {"actor", "reason", NULL}},
    {"quarantine", CAMPAIGN_ACT_QUARANTINE, {"actor", "reason", "source", NULL}},
    {"release", CAMPAIGN_ACT_RELEASE, {"actor", "reason", "source", NULL}},
};

static size_t verb_of(const struct rest_call *c)
{
    size_t i = 0;
    while (i + 1 < sizeof verbs / sizeof verbs[0] && !str_ends(http_path(c->rq), str_of(verbs[i].word)))
        i++;
    return i;
}

static bool read_order(struct rest_call *c, struct json root, struct campaign_order *o)
{
    struct json gap = json_get(root, "after_gap"), source = json_get(root, "source");
    int64_t stratum = 0;
    if (!read_actor(c, root, &o->actor) || !read_text(c, root, "reason", DETAIL_MAX, &o->detail) ||
        !read_text(c, root, "plan", SHA256_HEX, &o->plan))
        return false;
    if (json_type(gap) != JSON_ABSENT && !json_bool(gap, &o->after_gap))
        rest_wrong(c, WL_EINVAL, "after_gap", "after_gap is true or false");
    bool wants_source = o->act == CAMPAIGN_ACT_QUARANTINE || o->act == CAMPAIGN_ACT_RELEASE;
    if (wants_source && (!json_i64(source, &stratum) || stratum < 0 || stratum >= CAMPAIGN_STRATA_MAX))
        rest_wrong(c, WL_EINVAL, "source", "source is the number of one, as GET campaigns/{id} shows them");
    o->stratum = (int)stratum;
    return c->problem.code == 0;
}

int rest_campaign_act(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    size_t verb = verb_of(c);
    struct campaign_order o = {.act = verbs[verb].act, .cause = CAUSE_PERSON};
    struct campaign_row v;
    struct json root = {NULL, 0};
    if ((c->body.n > 0 && !rest_read_object(c, verbs[verb].keys, &root)) || !read_order(c, root, &o))
        return 0;
    int rc = rest_find_campaign(c, s, a, &v, e);
    return rc != 0 || c->problem.code != 0 ? rc : act(c, s, a, &v, &o, now, e);
}
