/* SPDX-License-Identifier: Apache-2.0
 * rest_erasures.c - /contacts/{who}/erase and /erasures: asking for an erasure, what it would do, and what became of it.
 *
 * To ask is to write one row and to restrict the person, in one transaction; the chore does the rest (erasures.h). What is no proof
 * goes at once. Proof of consent stays until the last of the regimes that apply to the person has passed, counted from the last
 * message or the last word about consent; with `now`, for a reason that is kept, or where there is no consent to prove, it goes
 * at once as well. The same asked again is the same erasure, and may be hurried. The reason is kept for years: one that names
 * the person is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "core/phone_country.h"
#include "core/regime.h"
#include "core/webhook_redact.h"
#include "gateway/erasures.h"
#include "gateway/rest_erasures.h"
#include "gateway/rest_person.h"
#include "gateway/rest_subscriber.h"
#include "gateway/scrub.h"
#include "store/erasures.h"
#include "store/errands.h"

#define PLACES_MOST   64
#define EVENTS_MOST   10000
#define MESSAGES_MOST 1000
#define ERRANDS_MOST  1000
#define LIST_MOST     200
#define BUCKET        0 /* one holds everything while the spread is 1 */

struct plan {
    struct rest_call *c;
    struct person p; /* id 0: nobody knows the name */
    struct lives lives;
    struct identity name[SCRUB_NAMES];
    size_t n_names;
    bool now; /* the proof is not to be kept */
    struct str reason;

    const char *place[PLACES_MOST];
    char country[SCRUB_NAMES][3];
    size_t n_places, consents;
    int64_t last_use, until;
    const struct regime *regime; /* NULL: nothing is to be proven, or nobody says how long */
};

/* --- whom, and until when ---------------------------------------------------------------------------------------------- */

static int find_whom(struct plan *x, struct store *s, struct err *e)
{
    struct rest_call *c = x->c;
    int rc = rest_find_person(c, s, c->param, &x->p, e);
    if (rc == 0 && c->problem.code == WL_ENOTFOUND &&
        identity_written(&c->g->phones, c->param, &x->name[0], NULL) == 0) {
        c->problem.code = 0; /* webhooks may speak of somebody nobody knows */
        c->field = NULL;
        x->n_names = 1;
        x->p = (struct person){.bucket = store_bucket(s, (int)x->name[0].kind, str_of(x->name[0].value))};
        return 0;
    }
    if (rc != 0 || c->problem.code != 0)
        return rc;
    rc = lives_of(s, x->p.bucket, x->p.id, &x->lives, e);
    if (rc == 0)
        rc = people_identities(s, x->p.bucket, x->p.id, x->name, SCRUB_NAMES, &x->n_names, e);
    return rc == 0 && x->n_names == SCRUB_NAMES ? err_set(e, WL_EBUG, "a person with %d names", SCRUB_NAMES) : rc;
}

static void add_place(struct plan *x, const char *place)
{
    if (place[0] != '\0' && x->n_places < PLACES_MOST)
        x->place[x->n_places++] = place;
}

/* Where numbers and user ids say they are. */
static void add_countries(struct plan *x)
{
    const char *all[PHONE_COUNTRIES_MAX];
    for (size_t i = 0; i < x->n_names; i++) {
        const struct identity *name = &x->name[i];
        size_t n = name->kind == IDENTITY_PHONE
                       ? phone_countries(&x->c->g->phones, strtoull(name->value, NULL, 10), all, PHONE_COUNTRIES_MAX)
                       : 0;
        for (size_t k = 0; k < n; k++)
            add_place(x, all[k]);
        if (name->kind != IDENTITY_USER_ID && name->kind != IDENTITY_PARENT_ID)
            continue;
        snprintf(x->country[i], sizeof x->country[i], "%.2s", name->value);
        add_place(x, x->country[i]);
    }
}

static void use_at(struct plan *x, int64_t at)
{
    x->last_use = at > x->last_use ? at : x->last_use;
}

/* What is there to be proven, and for how long. */
static int read_proof(struct plan *x, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct consent_row *row = NULL;
    int64_t last_out = 0;
    x->until = now;
    if (x->p.id == 0)
        return 0;
    int rc = ledger_list(s, x->p.bucket, x->p.id, a, EVENTS_MOST, &row, &x->consents, e);
    if (rc == 0)
        rc = person_last_out(s, &x->lives, &last_out, e);
    if (rc != 0 || x->consents == 0)
        return rc;
    use_at(x, last_out);
    for (size_t i = 0; i < x->consents; i++) {
        char *place = arena_strndup(a, row[i].jurisdiction.p, row[i].jurisdiction.n);
        if (place == NULL)
            return err_set(e, WL_ENOMEM, "the request is too large");
        use_at(x, row[i].event.at < now ? row[i].event.at : now);
        use_at(x, row[i].recorded_at);
        if (i == 0 || !str_eq(row[i].jurisdiction, row[i - 1].jurisdiction))
            add_place(x, place);
    }
    add_countries(x);
    if (x->c->g->regimes != NULL)
        x->regime = regimes_longest(x->c->g->regimes, x->place, x->n_places, x->last_use, &x->until);
    return 0;
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

static void regime_member(struct json_out *o, const struct gateway *g, const char *id)
{
    const struct regime *r = g->regimes != NULL && id[0] != '\0' ? regimes_find(g->regimes, id) : NULL;
    jo_key(o, "regime");
    if (id[0] == '\0') {
        jo_null(o);
        return;
    }
    jo_object(o);
    jo_kcstr(o, "id", id);
    if (r != NULL) { /* else it is in the file no more */
        jo_kint(o, "years", r->years);
        jo_kcstr(o, "from", r->from_year_end ? "year_end" : "last_use");
        jo_kcstr(o, "duty", r->must ? "must" : "may");
        jo_kcstr(o, "confidence", regime_confidence_name(r->confidence));
        jo_kcstr(o, "why", r->why);
        jo_kcstr(o, "title", r->title);
        jo_kcstr(o, "url", r->url);
        jo_kcstr(o, "read", r->read);
    }
    jo_end(o);
}

static void progress_member(struct json_out *o, const struct gateway *g, const struct erasure *v)
{
    struct erasure_view now;
    jo_key(o, "progress");
    if (v->done_at != 0 || !erasures_look(g->erasures, v->id, &now)) {
        jo_null(o);
        return;
    }
    jo_object(o);
    jo_kcstr(o, "doing", now.doing);
    jo_kint(o, "messages", now.messages);
    jo_kint(o, "webhooks", now.webhooks);
    jo_kint(o, "changed", now.changed);
    jo_kbool(o, "waits", now.waits);
    jo_end(o);
}

static void put_erasure(struct json_out *o, const struct gateway *g, const struct erasure *v, int64_t now)
{
    char id[24], contact[48];
    snprintf(id, sizeof id, "e%lld", (long long)v->id);
    snprintf(contact, sizeof contact, "c%lld-%d", (long long)v->contact, v->bucket);
    jo_object(o);
    jo_kcstr(o, "id", id);
    jo_kcstr(o, "state", v->done_at != 0 ? "done" : v->cleaned_at != 0 && v->until > now ? "restricted" : "open");
    jo_kcstr(o, "contact", v->contact != 0 ? contact : NULL);
    rest_time(o, "asked_at", v->asked_at);
    rest_time(o, "cleaned_at", v->cleaned_at);
    rest_time(o, "until", v->until);
    rest_time(o, "done_at", v->done_at);
    jo_kint(o, "leaves", v->leaves);
    if (v->leaf >= 0)
        jo_kint(o, "leaf", v->leaf);
    regime_member(o, g, v->regime);
    jo_kcstr(o, "reason", v->reason);
    jo_kcstr(o, "by", v->actor);
    progress_member(o, g, v);
    jo_end(o);
}

/* --- GET /contacts/{who}/erase: what it would do ------------------------------------------------------------------------ */

static int count_rows(const struct plan *x, struct store *s, struct arena *a, size_t *ret_messages, size_t *ret_errands,
                      struct err *e)
{
    struct message *m = NULL;
    struct errand *errand = NULL;
    *ret_messages = *ret_errands = 0;
    if (x->p.id == 0)
        return 0;
    int rc = messages_of(s, x->p.bucket, x->p.id, a, MESSAGES_MOST, &m, ret_messages, e);
    return rc == 0 ? errands_list(s, x->p.bucket, x->p.id, 0, 0, ERRANDS_MOST, a, &errand, ret_errands, e) : rc;
}

int rest_erasure_preview(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    size_t messages = 0, errands = 0;
    struct plan *x = arena_new(a, struct plan);
    if (x == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    x->c = c;
    int rc = find_whom(x, s, e);
    if (rc == 0 && c->problem.code == 0)
        rc = read_proof(x, s, a, now, e);
    if (rc == 0 && c->problem.code == 0)
        rc = count_rows(x, s, a, &messages, &errands, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    char contact[48];
    rest_contact_id(&x->p, contact);
    jo_object(o);
    jo_kbool(o, "known", x->p.id != 0);
    jo_kcstr(o, "contact", x->p.id != 0 ? contact : NULL);
    jo_kint(o, "names", (int64_t)x->n_names);
    jo_kint(o, "messages", (int64_t)messages);
    jo_kbool(o, "messages_complete", messages < MESSAGES_MOST);
    jo_kint(o, "errands", (int64_t)errands);
    jo_kint(o, "consents", (int64_t)x->consents);
    jo_kbool(o, "at_once", x->until <= now);
    rest_time(o, "until", x->until);
    rest_time(o, "last_use", x->last_use);
    regime_member(o, c->g, x->regime != NULL ? x->regime->id : "");
    jo_end(o);
    return 0;
}

/* --- POST /contacts/{who}/erase ------------------------------------------------------------------------------------------ */

static int read_wishes(struct plan *x)
{
    static const char *const keys[] = {"now", "reason", NULL};
    struct rest_call *c = x->c;
    struct json root;
    if (!rest_read_object(c, keys, &root))
        return 0;
    struct json at_once = json_get(root, "now"), reason = json_get(root, "reason");
    if (json_type(at_once) > JSON_NULL && !json_bool(at_once, &x->now))
        return rest_wrong(c, WL_EINVAL, "now", "now is true or false");
    if (json_type(reason) > JSON_NULL && !json_str(reason, &x->reason))
        return rest_wrong(c, WL_EINVAL, "reason", "reason is a text");
    x->reason = str_trim(x->reason);
    if (x->reason.n >= sizeof((struct erasure *)NULL)->reason)
        return rest_wrong(c, WL_EINVAL, "reason", "reason has more than %zu bytes",
                          sizeof((struct erasure *)NULL)->reason - 1);
    if (x->now && x->reason.n == 0)
        return rest_wrong(c, WL_EINVAL, "reason", "proof that is destroyed before its time needs a reason");
    return 0;
}

static bool reason_names_them(const struct plan *x)
{
    return x->reason.n > 0 && webhook_names(x->reason, x->name, x->n_names);
}

/* The one that is open already; id 0: none is. */
static int find_open(const struct plan *x, struct store *s, struct erasure *ret, struct err *e)
{
    char name[IDENTITY_TEXT_MAX] = "";
    struct err none = {0};
    if (x->p.id == 0)
        (void)identity_text(&x->name[0], name);
    int rc = erasure_of(s, x->p.bucket, x->p.id, name, ret, &none);
    for (size_t i = 0; rc == WL_ENOTFOUND && i < x->lives.n; i++) /* asked for before the person was merged */
        rc = erasure_of(s, x->p.bucket, x->lives.id[i], name, ret, &none);
    if (rc == WL_ENOTFOUND) {
        *ret = (struct erasure){.id = 0, .leaf = -1};
        memcpy(ret->name, name, sizeof name);
        return 0;
    }
    if (rc != 0)
        *e = none;
    return rc;
}

static void put_text(char *out, size_t size, struct str s)
{
    snprintf(out, size, "%.*s", (int)s.n, s.n > 0 ? s.p : "");
}

static int write_new(struct plan *x, struct store *s, struct erasure *v, int64_t now, struct err *e)
{
    v->id = store_id(s, now);
    v->bucket = x->p.bucket;
    v->contact = x->p.id;
    v->asked_at = v->due = now;
    v->until = x->now || x->until < now ? now : x->until;
    put_text(v->regime, sizeof v->regime, x->regime != NULL && !x->now ? str_of(x->regime->id) : STR(""));
    put_text(v->reason, sizeof v->reason, x->reason);
    put_text(v->actor, sizeof v->actor, STR("api"));
    int rc = erasure_add(s, v, e);
    return rc == 0 && x->p.id != 0 ? person_restrict(s, x->p.bucket, x->p.id, v->until, e) : rc;
}

/* What is kept until some day goes now. */
static int hurry(const struct plan *x, struct store *s, struct erasure *v, int64_t now, struct err *e)
{
    if (!x->now || v->until <= now)
        return 0;
    v->until = v->due = now;
    v->regime[0] = '\0';
    put_text(v->reason, sizeof v->reason, x->reason);
    return erasure_save(s, v, e);
}

static void ring(struct rest_call *c)
{
    erasures_ring(c->g->erasures);
    rest_reply(c);
}

/* The request, the person, and the erasure that is open already, if one is. */
static int read_request(struct plan *x, struct store *s, struct erasure *v, struct err *e)
{
    struct rest_call *c = x->c;
    int rc = read_wishes(x);
    if (rc == 0 && c->problem.code == 0)
        rc = find_whom(x, s, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (reason_names_them(x))
        return rest_wrong(c, WL_EINVAL, "reason", "the reason is kept, and it names the person: say it without");
    return find_open(x, s, v, e);
}

int rest_contact_erase(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasure v = {.id = 0};
    struct plan *x = arena_new(a, struct plan);
    if (x == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    x->c = c;
    int rc = read_request(x, s, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (v.id != 0)
        rc = hurry(x, s, &v, now, e);
    else if ((rc = read_proof(x, s, a, now, e)) == 0)
        rc = write_new(x, s, &v, now, e);
    if (rc != 0)
        return rc;
    put_erasure(&c->out, c->g, &v, now);
    c->status = 202;
    c->later = ring;
    return 0;
}

/* --- /erasures ------------------------------------------------------------------------------------------------------------- */

static bool read_id(struct str text, int64_t *ret)
{
    return text.n > 1 && text.p[0] == 'e' && str_i64((struct str){text.p + 1, text.n - 1}, ret) && *ret > 0;
}

int rest_erasure(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erasure v;
    struct err why = {0};
    int64_t id = 0;
    (void)a;
    if (!read_id(c->param, &id))
        return rest_wrong(c, WL_EINVAL, "id", "this is no id of an erasure: they look like e123");
    int rc = erasure_get(s, id, &v, &why);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_ENOTFOUND, "id", "no erasure has this id");
    if (rc != 0) {
        *e = why;
        return rc;
    }
    put_erasure(&c->out, c->g, &v, now);
    return 0;
}

struct listing {
    size_t size;
    int64_t before;
};

static bool read_size(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, LIST_MOST, &((struct listing *)to)->size);
}

static bool read_before(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_id(v, &((struct listing *)to)->before);
}

int rest_erasures_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const struct rest_parameter parameters[] = {{"size", read_size, "size is 1 to 200", false},
                                                       {"before", read_before, "before is the id of an erasure", false},
                                                       {NULL, NULL, NULL, false}};
    struct listing w = {.size = 50};
    struct erasure *v = NULL;
    char next[24];
    size_t n = 0;
    if (!rest_query(c, a, parameters, &w, now))
        return 0;
    int rc = erasures_list(s, w.before, w.size, a, &v, &n, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    jo_key(&c->out, "erasures");
    jo_array(&c->out);
    for (size_t i = 0; i < n; i++)
        put_erasure(&c->out, c->g, &v[i], now);
    jo_end(&c->out);
    snprintf(next, sizeof next, "e%lld", n > 0 ? (long long)v[n - 1].id : 0);
    jo_kcstr(&c->out, "next", n == w.size ? next : NULL);
    jo_end(&c->out);
    return 0;
}
