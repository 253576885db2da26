/* SPDX-License-Identifier: Apache-2.0
 * rest_subscribers.c - who behind us hears of webhooks: shown, made, changed, paused, removed.
 *
 * A subscriber's secret comes in and never goes out: it is sealed before it reaches the database, and what is shown says only
 * whether there is one. The one the configuration made can be paused, resumed and asked to take things again; what it is
 * stands in the configuration and is changed there. A change says only what it changes. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/seal.h"
#include "base/yaml.h"
#include "core/webhook_filter.h"
#include "gateway/fanout.h"
#include "gateway/rest_subscriber.h"
#include "store/inbox.h"

#define URL_MAX      1024
#define SECRET_MIN   8
#define SECRET_MAX   255
#define PARALLEL     8
#define LAG_COUNTED  10000 /* more bodies than this are "at least" so many */
#define DEAD_DEFAULT 100
#define DEAD_MOST    1000
#define OLDEST_BYTES 1
#define ID_BITS      22 /* of a store_id() below its milliseconds */

/* --- shown ------------------------------------------------------------------------------------------------------------ */

static void seq_member(struct json_out *o, const char *key, int64_t seq)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)seq);
    jo_kcstr(o, key, seq != 0 ? text : NULL);
}

/* "lag": bodies that are not over for it, and when the first of them came. */
static int show_lag(struct rest_call *c, struct store *s, struct arena *a, const struct subscriber *v,
                    const struct fanout_view *live, struct err *e)
{
    struct inbox_row *row;
    size_t n = 0;
    int64_t bodies = 0, applied = 0, oldest = live->oldest_seq >> ID_BITS;
    int rc = cursor_get(s, "projector", &applied, e);
    if (rc == 0)
        rc = subscriber_waiting(s, v, applied, LAG_COUNTED, &bodies, e);
    if (rc == 0 && oldest == 0 && bodies > 0)
        rc = inbox_read(s, v->position, 1, OLDEST_BYTES, a, &row, &n, e);
    if (rc != 0)
        return rc;
    jo_key(&c->out, "lag");
    jo_object(&c->out);
    jo_kint(&c->out, "bodies", bodies);
    if (bodies >= LAG_COUNTED)
        jo_kbool(&c->out, "at_least", true);
    rest_time(&c->out, "oldest_at", bodies == 0 ? 0 : n > 0 ? row[0].at : oldest);
    jo_end(&c->out);
    return 0;
}

/* "stuck": the oldest of what is refused again and again while others are taken. */
static void show_stuck(struct json_out *o, const struct fanout_view *v)
{
    if (v->stuck == 0) {
        jo_kcstr(o, "stuck", NULL);
        return;
    }
    jo_key(o, "stuck");
    jo_object(o);
    jo_kint(o, "count", v->stuck);
    seq_member(o, "id", v->stuck_seq);
    if (v->stuck_event >= 0)
        jo_kint(o, "event", v->stuck_event);
    jo_kint(o, "attempts", v->stuck_attempts);
    jo_kint(o, "status", v->stuck_status);
    jo_end(o);
}

static void show_live(struct json_out *o, const struct fanout_view *v)
{
    jo_kint(o, "on_their_way", v->on_their_way);
    jo_kint(o, "pending", v->pending);
    jo_kbool(o, "broken", v->broken);
    jo_kbool(o, "app_unknown", v->app_unknown);
    show_stuck(o, v);
    rest_time(o, "down_since", v->down_since);
    rest_time(o, "next_try_at", v->next_at);
    jo_kint(o, "last_status", v->last_status);
    rest_time(o, "last_at", v->last_at);
    jo_kcstr(o, "last_error", v->last_error[0] != '\0' ? v->last_error : NULL);
    jo_kint(o, "delivered", (int64_t)v->delivered);
    jo_kint(o, "failed", (int64_t)v->failed);
    jo_kint(o, "given_up", (int64_t)v->dead);
}

static void show_again(struct json_out *o, const struct subscriber *v)
{
    if (v->again_until == 0) {
        jo_kcstr(o, "again", NULL);
        return;
    }
    jo_key(o, "again");
    jo_object(o);
    seq_member(o, "after", v->again_next);
    seq_member(o, "to", v->again_until);
    jo_end(o);
}

static void show_settings(struct rest_call *c, const struct subscriber *v)
{
    struct json_out *o = &c->out;
    bool ours = v->origin == SUBSCRIBER_BY_CONFIGURATION;
    bool secret = v->secret.n > 0 || (ours && c->g->o.forward_secret != NULL);
    jo_kcstr(o, "name", v->name);
    jo_kstr(o, "url", v->url);
    jo_kcstr(o, "secret", secret ? "own" : "app");
    seq_member(o, "app", v->app);
    jo_kcstr(o, "form", v->form == SUBSCRIBER_BODIES ? "bodies" : "events");
    jo_kint(o, "parallel", v->parallel);
    jo_key(o, "filter");
    jo_raw(o, v->filter.n > 0 ? v->filter : STR("{}"));
    jo_kbool(o, "paused", v->paused);
    jo_kcstr(o, "origin", ours ? "configuration" : "api");
    rest_time(o, "created_at", v->created_at);
    rest_time(o, "changed_at", v->changed_at);
}

static int show_subscriber(struct rest_call *c, struct store *s, struct arena *a, const struct subscriber *v,
                           struct err *e)
{
    struct json_out *o = &c->out;
    struct fanout_view live = {.id = 0};
    bool known = fanout_look(c->g->fanout, v->id, &live);
    int64_t position = known && live.position > v->position ? live.position : v->position, dead = 0;
    int rc = dead_letters_count(s, v->id, &dead, e);
    if (rc != 0)
        return rc;
    jo_object(o);
    show_settings(c, v);
    seq_member(o, "position", position);
    rc = show_lag(c, s, a, v, &live, e);
    jo_kint(o, "dead", dead);
    show_again(o, v);
    if (known)
        show_live(o, &live);
    jo_end(o);
    return rc;
}

int rest_subscribers_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct subscriber *v;
    size_t n = 0;
    int rc = subscribers_list(s, a, &v, &n, e);
    (void)now;
    jo_object(&c->out);
    jo_key(&c->out, "subscribers");
    jo_array(&c->out);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = show_subscriber(c, s, a, &v[i], e);
    jo_end(&c->out);
    jo_end(&c->out);
    return rc;
}

/* --- by name ---------------------------------------------------------------------------------------------------------- */

static int unknown_name(struct rest_call *c, struct store *s, struct arena *a, struct str name, const char *field,
                        struct err *e)
{
    const char *names[SUBSCRIBERS_MAX + 1] = {NULL};
    struct subscriber *v;
    size_t n = 0;
    int rc = subscribers_list(s, a, &v, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n && i < SUBSCRIBERS_MAX; i++)
        names[i] = v[i].name;
    const char *near = nearest_word(name, names);
    return rest_wrong(c, WL_ENOTFOUND, field, "there is no subscriber '%.*s'%s%s%s",
                      (int)(name.n < SUBSCRIBER_NAME_MAX ? name.n : SUBSCRIBER_NAME_MAX), name.p,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int rest_find_subscriber(struct rest_call *c, struct store *s, struct arena *a, struct str name, const char *field,
                         struct subscriber *ret, struct err *e)
{
    struct err why = {0};
    int rc = subscriber_get(s, name, a, ret, &why);
    if (rc == WL_ENOTFOUND)
        return unknown_name(c, s, a, name, field, e);
    if (rc != 0)
        *e = why;
    return rc;
}

int rest_subscriber(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct subscriber v;
    int rc = rest_find_subscriber(c, s, a, c->param, NULL, &v, e);
    (void)now;
    return rc != 0 || c->problem.code != 0 ? rc : show_subscriber(c, s, a, &v, e);
}

/* --- what a caller says of one ---------------------------------------------------------------------------------------- */

static bool wrong(struct rest_call *c, const char *field, const char *sentence)
{
    rest_wrong(c, WL_EINVAL, field, "%s", sentence);
    return false;
}

static bool taken_name(struct rest_call *c)
{
    rest_wrong(c, WL_ECONFLICT, "name",
               "name 'forward' is kept for the subscriber that webhook.forward_url of the configuration makes: take "
               "another name, or set that");
    return false;
}

static bool read_name(struct rest_call *c, struct json v, struct subscriber *to)
{
    struct str name;
    bool good = json_str(v, &name) && name.n > 0 && name.n < SUBSCRIBER_NAME_MAX && name.p[0] != '.';
    for (size_t i = 0; good && i < name.n; i++) {
        char ch = name.p[i];
        good = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
               (ch != '\0' && strchr("._-", ch) != NULL);
    }
    if (!good)
        return wrong(c, "name", "name is 1 to 63 letters, digits, '.', '_' or '-', and begins with no '.'");
    if (str_eq(name, STR("forward")))
        return taken_name(c);
    memcpy(to->name, name.p, name.n);
    to->name[name.n] = '\0';
    return true;
}

static const char *why_unreachable(struct str url)
{
    return http_url_check(url, HTTP_NOT_LINK_LOCAL, NULL) != 0
               ? "url is a link-local address, which nothing is ever posted to"
               : "url is an address on this machine or in a private network: set `webhook.private_subscribers: true` "
                 "in "
                 "the configuration and start the gateway again";
}

/* "http://127.0.0.1:8080": with nothing, a path or a query behind it. */
static bool begins_with(struct str url, const char *origin)
{
    size_t n = strlen(origin);
    while (n > 0 && origin[n - 1] == '/')
        n--;
    return url.n >= n && strncasecmp(url.p, origin, n) == 0 && (url.n == n || url.p[n] == '/' || url.p[n] == '?');
}

static bool is_listener(struct str url, const char *scheme, const char *listen, unsigned port)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]"};
    char origin[300];
    const char *colon = listen != NULL ? strrchr(listen, ':') : NULL;
    if (colon == NULL)
        return false;
    snprintf(origin, sizeof origin, "%s://%.*s:%u", scheme, (int)(colon - listen), listen, port);
    bool ours = begins_with(url, origin), local = false;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        local = local || str_starts(str_of(listen), str_of(here[i]));
    for (size_t i = 0; i < sizeof here / sizeof here[0] && local && !ours; i++) {
        snprintf(origin, sizeof origin, "%s://%s:%u", scheme, here[i], port);
        ours = begins_with(url, origin);
    }
    return ours;
}

/* Where we listen, or where Meta reaches us: a webhook handed there would come in again, without an end. */
static bool is_ours(const struct gateway *g, struct str url)
{
    char meta[1200];
    const char *at = g->o.public_url != NULL ? g->o.public_url : "";
    size_t n = strlen(at);
    while (n > 0 && at[n - 1] == '/')
        n--;
    snprintf(meta, sizeof meta, "%.*s%s", (int)n, at, g->o.webhook_path);
    return (n > 0 && begins_with(url, meta)) || is_listener(url, "http", g->o.listen, gateway_port(g)) ||
           is_listener(url, "https", g->o.listen_tls, gateway_tls_port(g));
}

static bool read_url(struct rest_call *c, struct arena *a, struct json v, struct subscriber *to)
{
    struct str url;
    struct err why = {0};
    if (!json_str(v, &url) || url.n == 0 || url.n > URL_MAX)
        return wrong(c, "url", "url is an address such as https://app.example.com/hook, of at most 1024 bytes");
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f)
            return wrong(c, "url",
                         "url has a space, or a letter beyond ASCII: write %20 and its like, and a host as xn--");
    if (fanout_check_url(c->g, url, &why) != 0)
        return wrong(c, "url", http_url_check(url, HTTP_ANYWHERE, NULL) == 0 ? why_unreachable(url) : why.text);
    if (is_ours(c->g, url))
        return wrong(c, "url",
                     "url is this gateway's own address, which is where Meta posts to: say where the application "
                     "listens");
    const char *kept = arena_strndup(a, url.p, url.n);
    to->url = (struct str){kept, kept != NULL ? url.n : 0};
    return kept != NULL || wrong(c, "url", "url does not fit its memory");
}

static bool read_secret(struct rest_call *c, struct arena *a, struct json v, struct subscriber *to)
{
    struct str secret;
    struct buf sealed;
    struct err why = {0};
    to->secret = (struct str){NULL, 0};
    if (json_type(v) == JSON_NULL)
        return true;
    if (!json_str(v, &secret) || secret.n < SECRET_MIN || secret.n > SECRET_MAX)
        return wrong(c, "secret",
                     "secret is a text of 8 to 255 bytes; without one the secret of the app at Meta signs");
    for (size_t i = 0; i < secret.n; i++)
        if ((unsigned char)secret.p[i] < ' ' || secret.p[i] == 0x7f)
            return wrong(c, "secret",
                         "secret must have no line break, NUL or other control character: few could hold it");
    buf_init(&sealed, SECRET_MAX + SEAL_MORE);
    int rc = seal(c->g->seal_key, secret, &sealed, &why);
    const char *kept = rc == 0 ? arena_memdup(a, sealed.data, sealed.len) : NULL;
    to->secret = (struct str){kept, kept != NULL ? sealed.len : 0};
    buf_done(&sealed);
    return kept != NULL || wrong(c, "secret", "the secret could not be sealed");
}

/* "1000, 1001, and one without an id" */
static void name_apps(const struct gateway_options *o, char *to, size_t size)
{
    int64_t first = o->webhook_app_secret != NULL ? o->webhook_app_id : 0;
    size_t at = 0;
    to[0] = '\0';
    if (first != 0)
        at = (size_t)snprintf(to, size, "%lld", (long long)first);
    for (size_t i = 0; i < o->n_webhook_apps && at + 24 < size; i++)
        at += (size_t)snprintf(to + at, size - at, "%s%lld", at > 0 ? ", " : "", (long long)o->webhook_apps[i].id);
}

static bool app_configured(const struct gateway_options *o, int64_t app)
{
    if (o->webhook_app_secret != NULL && o->webhook_app_id == app)
        return true;
    for (size_t i = 0; i < o->n_webhook_apps; i++)
        if (o->webhook_apps[i].id == app)
            return true;
    return false;
}

/* Whose secret signs; null: the first that is configured. */
static bool read_app(struct rest_call *c, struct json v, struct subscriber *to)
{
    char apps[300];
    int64_t app = 0;
    if (json_type(v) != JSON_NULL && (!json_id(v, &app) || app < 0))
        return wrong(c, "app", "app is the id of one of your apps at Meta, in digits");
    to->app = app;
    if (app == 0 || app_configured(&c->g->o, app))
        return true;
    name_apps(&c->g->o, apps, sizeof apps);
    rest_wrong(c, WL_EINVAL, "app", "app %lld is not configured here (webhook.app_id, webhook.apps)%s%s",
               (long long)app, apps[0] != '\0' ? "; there are " : "; no app has an id here", apps);
    return false;
}

static bool read_form(struct rest_call *c, struct json v, struct subscriber *to)
{
    struct str form = json_str_or(v, STR(""));
    if (str_eq(form, STR("events")))
        to->form = SUBSCRIBER_EVENTS;
    else if (str_eq(form, STR("bodies")))
        to->form = SUBSCRIBER_BODIES;
    else
        return wrong(c, "form", "form is events (one event a POST) or bodies (as they came)");
    return true;
}

static bool read_parallel(struct rest_call *c, struct json v, struct subscriber *to)
{
    int64_t n;
    if (!json_i64(v, &n) || n < 1 || n > SUBSCRIBER_PARALLEL_MAX)
        return wrong(c, "parallel", "parallel is a number from 1 to 64");
    to->parallel = (int)n;
    return true;
}

static bool read_filter(struct rest_call *c, struct arena *a, struct json v, struct subscriber *to)
{
    struct webhook_filter *f;
    struct buf text;
    struct err why = {0};
    to->filter = (struct str){NULL, 0};
    if (json_type(v) == JSON_NULL)
        return true;
    if (webhook_filter_read(v, a, &f, &why) != 0)
        return wrong(c, "filter", why.text);
    buf_init(&text, FILTER_TEXT_MAX);
    webhook_filter_write(f, &text);
    const char *kept = text.failed ? NULL : arena_strndup(a, buf_cstr(&text), text.len);
    to->filter = (struct str){kept, kept != NULL ? text.len : 0};
    buf_done(&text);
    return kept != NULL || wrong(c, "filter", "the filter is larger than 4096 bytes");
}

static bool read_paused(struct rest_call *c, struct json v, struct subscriber *to)
{
    return json_bool(v, &to->paused) || wrong(c, "paused", "paused is true or false");
}

/* Members that are there, into *to. */
static bool read_members(struct rest_call *c, struct arena *a, struct json root, struct subscriber *to)
{
    struct json url = json_get(root, "url"), secret = json_get(root, "secret"), form = json_get(root, "form");
    struct json parallel = json_get(root, "parallel"), filter = json_get(root, "filter");
    struct json paused = json_get(root, "paused"), app = json_get(root, "app");
    return (json_type(url) == JSON_ABSENT || read_url(c, a, url, to)) &&
           (json_type(secret) == JSON_ABSENT || read_secret(c, a, secret, to)) &&
           (json_type(app) == JSON_ABSENT || read_app(c, app, to)) &&
           (json_type(form) == JSON_ABSENT || read_form(c, form, to)) &&
           (json_type(parallel) == JSON_ABSENT || read_parallel(c, parallel, to)) &&
           (json_type(filter) == JSON_ABSENT || read_filter(c, a, filter, to)) &&
           (json_type(paused) == JSON_ABSENT || read_paused(c, paused, to));
}

bool rest_read_object(struct rest_call *c, const char *const *keys, struct json *ret)
{
    struct err why = {0};
    if (json_parse(thread_json(), c->body, false, ret, &why) != 0 || json_type(*ret) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, NULL, "the body is not a JSON object");
        return false;
    }
    struct str twice = json_duplicate_key(*ret);
    if (twice.p != NULL) {
        rest_wrong(c, WL_EINVAL, NULL, "the key '%.*s' is there twice", (int)(twice.n < 64 ? twice.n : 64), twice.p);
        return false;
    }
    return rest_known_keys(c, *ret, keys);
}

/* --- made and changed ------------------------------------------------------------------------------------------------- */

/* "from": where a new one begins. Not said: with what comes next. */
static int read_from(struct rest_call *c, struct store *s, struct json v, int64_t now, int64_t *ret, struct err *e)
{
    struct str text;
    int64_t oldest = 0;
    *ret = 0;
    if (json_type(v) <= JSON_NULL)
        return 0;
    if (!json_str(v, &text))
        return rest_wrong(c, WL_EINVAL, "from",
                          "from is start, the id of a webhook, or a time such as " REST_TIME_FORMS);
    if (str_eq(text, STR("start"))) {
        int rc = inbox_oldest(s, &oldest, e);
        *ret = oldest > 1 ? oldest - 1 : 1;
        return rc;
    }
    if (!rest_webhook_place(text, now, ret))
        return rest_wrong(c, WL_EINVAL, "from",
                          "from is start, the id of a webhook, or a time such as " REST_TIME_FORMS);
    rest_webhook_past(c, "from", text, now);
    *ret -= *ret > 1; /* that one too */
    return 0;
}

/* Whether there is room for one of this name: asked before anything is written, because a write that fails takes the other
 * calls of its transaction with it. */
static int room_for(struct rest_call *c, struct store *s, struct arena *a, const char *name, struct err *e)
{
    struct subscriber *v;
    size_t n = 0;
    int rc = subscribers_list(s, a, &v, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (strcmp(v[i].name, name) == 0)
            return rest_wrong(c, WL_ECONFLICT, "name", "there is a subscriber '%s' already", name);
    if (rc == 0 && n >= SUBSCRIBERS_MAX)
        rest_wrong(c, WL_ECONFLICT, NULL, "%d subscribers are the most; remove one first", SUBSCRIBERS_MAX);
    return rc;
}

/* Writes it and answers with what it is now; how far it is is not counted here, in the writer's transaction. */
static int keep(struct rest_call *c, struct store *s, struct subscriber *v, int64_t now, struct err *e)
{
    v->changed_at = now;
    int rc = subscriber_put(s, v, e);
    c->follow = fanout_changed;
    jo_object(&c->out);
    show_settings(c, v);
    jo_end(&c->out);
    return rc;
}

int rest_subscriber_add(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"name",     "url",    "secret", "app",  "form",
                                       "parallel", "filter", "paused", "from", NULL};
    struct subscriber v = {.id = store_id(s, now), .created_at = now, .parallel = PARALLEL};
    struct json root;
    if (!rest_read_object(c, keys, &root) || !read_name(c, json_get(root, "name"), &v))
        return 0;
    if (json_type(json_get(root, "url")) == JSON_ABSENT)
        return rest_wrong(c, WL_EINVAL, "url", "url is missing: where events are to be posted to");
    if (!read_members(c, a, root, &v))
        return 0;
    int rc = read_from(c, s, json_get(root, "from"), now, &v.position, e);
    if (rc == 0 && c->problem.code == 0)
        rc = room_for(c, s, a, v.name, e);
    return rc != 0 || c->problem.code != 0 ? rc : keep(c, s, &v, now, e);
}

/* What is the configuration's is changed there. */
static bool changeable(struct rest_call *c, const struct subscriber *v, const char *what)
{
    if (v->origin != SUBSCRIBER_BY_CONFIGURATION)
        return true;
    rest_wrong(
        c, WL_ECONFLICT, NULL,
        "subscriber '%s' is made by the configuration: %s webhook.forward_url there; here it can be paused, resumed, "
        "tested and asked to take things again",
        v->name, what);
    return false;
}

int rest_subscriber_change(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"url", "secret", "app", "form", "parallel", "filter", "paused", NULL};
    struct subscriber v;
    struct json root;
    if (!rest_read_object(c, keys, &root))
        return 0;
    int rc = rest_find_subscriber(c, s, a, c->param, NULL, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    bool pause_only = json_count(root) == 1 && json_type(json_get(root, "paused")) != JSON_ABSENT;
    if ((!pause_only && !changeable(c, &v, "change")) || !read_members(c, a, root, &v))
        return 0;
    return keep(c, s, &v, now, e);
}

int rest_subscriber_remove(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct subscriber v;
    (void)now;
    int rc = rest_find_subscriber(c, s, a, c->param, NULL, &v, e);
    if (rc != 0 || c->problem.code != 0 || !changeable(c, &v, "take away"))
        return rc;
    rc = subscriber_drop(s, v.id, e);
    c->follow = fanout_changed;
    jo_object(&c->out);
    jo_kcstr(&c->out, "removed", v.name);
    jo_end(&c->out);
    return rc;
}

static int set_paused(struct rest_call *c, struct store *s, struct arena *a, bool paused, int64_t now, struct err *e)
{
    struct subscriber v;
    int rc = rest_find_subscriber(c, s, a, c->param, NULL, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    v.paused = paused;
    return keep(c, s, &v, now, e);
}

int rest_subscriber_pause(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    return set_paused(c, s, a, true, now, e);
}

int rest_subscriber_resume(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    return set_paused(c, s, a, false, now, e);
}

/* --- what it did not take --------------------------------------------------------------------------------------------- */

struct dead_query {
    size_t limit;
    int64_t seq;
    int event;
};

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, DEAD_MOST, &((struct dead_query *)to)->limit);
}

/* "<body>.<event>", as `next` says it; the whole body is event -1. */
static bool read_after(void *to, struct str v, int64_t now)
{
    struct dead_query *q = to;
    struct str event;
    int64_t n;
    (void)now;
    if (!str_i64(str_cut(v, '.', &event), &q->seq) || q->seq <= 0 || !str_i64(event, &n) || n < -1 || n > INT32_MAX)
        return false;
    q->event = (int)n;
    return true;
}

static const struct rest_parameter dead_parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {"after", read_after, "after is what `next` of the page before says", false},
    {NULL, NULL, NULL, false},
};

static void show_dead(struct json_out *o, const struct dead_letter *d)
{
    jo_object(o);
    seq_member(o, "id", d->seq);
    if (d->event >= 0)
        jo_kint(o, "event", d->event);
    rest_time(o, "at", d->died_at);
    jo_kint(o, "attempts", d->attempts);
    jo_kint(o, "status", d->status);
    jo_kstr(o, "why", d->why);
    jo_kbool(o, "again", d->again);
    jo_end(o);
}

int rest_subscriber_dead(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct dead_query q = {.limit = DEAD_DEFAULT, .event = INT32_MAX};
    struct dead_letter *d;
    struct subscriber v;
    char next[48] = "";
    size_t n = 0;
    if (!rest_query(c, a, dead_parameters, &q, now))
        return 0;
    int rc = rest_find_subscriber(c, s, a, c->param, NULL, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    rc = dead_letters_list(s, v.id, q.seq, q.event, false, q.limit + 1, a, &d, &n, e);
    jo_object(&c->out);
    jo_key(&c->out, "dead");
    jo_array(&c->out);
    for (size_t i = 0; i < n && i < q.limit && rc == 0; i++)
        show_dead(&c->out, &d[i]);
    jo_end(&c->out);
    if (n > q.limit)
        snprintf(next, sizeof next, "%lld.%d", (long long)d[q.limit - 1].seq, d[q.limit - 1].event);
    jo_kcstr(&c->out, "next", *next != '\0' ? next : NULL);
    jo_end(&c->out);
    return rc;
}
