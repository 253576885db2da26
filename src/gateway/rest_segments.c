/* SPDX-License-Identifier: Apache-2.0
 * rest_segments.c - saved segments: listed, shown, saved, taken away, and every version of one.
 *
 * A query is read before it is saved, so that what is saved can be answered; it is kept as it was given, without the blanks. Saving what is
 * there already makes no version. Two people who change the same segment do not overwrite each other when each says which version they
 * know. A saved query that a newer program cannot read any more is shown with what is wrong with it. */
#include <stdio.h>

#include "base/yaml.h"
#include "gateway/rest_segment.h"
#include "gateway/rest_subscriber.h"

#define LIST_DEFAULT  100
#define LIST_MOST     500
#define NAMES_NEAR    500
#define SENTENCE_MAX  2000
#define ANSWER_ROOM   (6u << 20)
#define SENTENCE_ROOM 65536

/* --- queries ---------------------------------------------------------------------------------------------------------- */

bool rest_segment_read(struct rest_call *c, struct json query, struct arena *a, struct segment **ret)
{
    struct err why = {0};
    const char *path = NULL;
    if (segment_read(query, a, ret, &path, &why) == 0)
        return true;
    bool somewhere = path != NULL && *path != '\0';
    const char *field = somewhere ? arena_printf(http_arena(c->rq), "query.%s", path) : "query";
    bool told = !somewhere || str_starts(str_of(why.text), str_of(path));
    rest_wrong(c, WL_EINVAL, field != NULL ? field : "query", "%s%s%s", told ? "" : path, told ? "" : ": ", why.text);
    return false;
}

void rest_segment_sentence(struct json_out *o, const struct segment *g)
{
    struct buf b;
    buf_init(&b, SENTENCE_ROOM);
    segment_say(g, &b);
    jo_kstr(o, "sentence", buf_str(&b));
    buf_done(&b);
}

/* Of what was saved: its sentence, or why it has none. */
static void saved_sentence(struct json_out *o, struct str query, struct arena *a, size_t most)
{
    struct segment *g = NULL;
    struct json root;
    struct err why = {0};
    struct buf b;
    int rc = json_parse(thread_json(), query, false, &root, &why);
    if (rc == 0)
        rc = segment_read(root, a, &g, NULL, &why);
    if (rc != 0) {
        jo_kcstr(o, "sentence", NULL);
        jo_kcstr(o, "problem", why.text);
        return;
    }
    buf_init(&b, SENTENCE_ROOM);
    segment_say(g, &b);
    jo_kstr(o, "sentence", str_clip(buf_str(&b), most));
    buf_done(&b);
}

/* --- shown ------------------------------------------------------------------------------------------------------------ */

static void show_row(struct json_out *o, const struct segment_row *r, struct arena *a, bool query)
{
    jo_object(o);
    jo_kstr(o, "name", r->name);
    jo_kint(o, "version", r->version);
    rest_time(o, "saved_at", r->at);
    jo_kstr(o, "actor", r->actor);
    jo_kstr(o, "note", r->note);
    saved_sentence(o, r->query, a, query ? SENTENCE_ROOM : SENTENCE_MAX);
    if (query) {
        jo_key(o, "query");
        jo_raw(o, r->query);
    }
    jo_end(o);
}

static int not_found(struct rest_call *c, struct store *s, struct arena *a, struct str name, int64_t version,
                     struct err *e)
{
    const char *names[NAMES_NEAR + 1] = {NULL};
    struct segment_row *v = NULL;
    size_t n = 0, k = 0;
    int rc = segments_list(s, STR(""), a, NAMES_NEAR, &v, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (version != 0 && str_eq(v[i].name, name))
            return rest_wrong(c, WL_ENOTFOUND, "version", "the segment '%.*s' has no version %lld; the last is %lld",
                              (int)name.n, name.p, (long long)version, (long long)v[i].version);
        if ((names[k] = arena_strndup(a, v[i].name.p, v[i].name.n)) != NULL)
            k++;
    }
    const char *near = nearest_word(name, names);
    struct str shown = str_clip(name, SEGMENT_NAME_MAX);
    return rest_wrong(c, WL_ENOTFOUND, "segment", "there is no segment '%.*s'%s%s%s", (int)shown.n, shown.p,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int rest_segment_find(struct rest_call *c, struct store *s, struct arena *a, struct str name, int64_t version,
                      struct segment_row *ret, struct err *e)
{
    struct err why = {0};
    int rc = segment_get(s, name, version, a, ret, &why);
    if (rc == WL_ENOTFOUND)
        return not_found(c, s, a, name, version, e);
    if (rc != 0)
        *e = why;
    return rc;
}

struct list_query {
    size_t limit;
    int64_t number; /* version, or before which */
    struct str after;
};

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, LIST_MOST, &((struct list_query *)to)->limit);
}

static bool read_after(void *to, struct str v, int64_t now)
{
    (void)now;
    ((struct list_query *)to)->after = v;
    return v.n > 0 && v.n <= SEGMENT_NAME_MAX;
}

static bool read_number(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct list_query *)to)->number);
}

static const struct rest_parameter list_parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 500", false},
    {"after", read_after, "after is the `next` of the page before", false},
    {0},
};

/* Each is as large as its sentence: as many as fit. The last that is shown is *ret_last; empty: that was all. */
static void show_page(struct rest_call *c, const struct segment_row *v, size_t n, size_t limit, struct arena *a,
                      size_t *ret_shown)
{
    size_t i = 0;
    jo_array(&c->out);
    for (; i < n && i < limit && c->answer.len < ANSWER_ROOM; i++)
        show_row(&c->out, &v[i], a, false);
    jo_end(&c->out);
    *ret_shown = i;
}

int rest_segments_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct list_query q = {.limit = LIST_DEFAULT, .after = STR("")};
    struct segment_row *v = NULL;
    size_t n = 0, shown = 0;
    if (!rest_query(c, a, list_parameters, &q, now))
        return 0;
    int rc = segments_list(s, q.after, a, q.limit + 1, &v, &n, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    jo_key(&c->out, "segments");
    show_page(c, v, n, q.limit, a, &shown);
    jo_key(&c->out, "next");
    if (shown < n)
        jo_str(&c->out, v[shown - 1].name);
    else
        jo_null(&c->out);
    jo_end(&c->out);
    return 0;
}

static const struct rest_parameter show_parameters[] = {
    {"version", read_number, "version is a number, 1 or more", false},
    {0},
};

int rest_segment_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct list_query q = {.number = 0};
    struct segment_row r;
    if (!rest_query(c, a, show_parameters, &q, now))
        return 0;
    int rc = rest_segment_find(c, s, a, c->param, q.number, &r, e);
    if (rc == 0 && c->problem.code == 0)
        show_row(&c->out, &r, a, true);
    return rc;
}

static const struct rest_parameter version_parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 500", false},
    {"before", read_number, "before is the `next` of the page before", false},
    {0},
};

int rest_segment_versions(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct list_query q = {.limit = LIST_DEFAULT};
    struct segment_row *v = NULL;
    struct err why = {0};
    size_t n = 0, shown = 0;
    if (!rest_query(c, a, version_parameters, &q, now))
        return 0;
    int rc = segment_versions(s, c->param, q.number, a, q.limit + 1, &v, &n, &why);
    if (rc == WL_ENOTFOUND)
        return not_found(c, s, a, c->param, 0, e);
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    jo_object(&c->out);
    jo_kstr(&c->out, "name", c->param);
    jo_key(&c->out, "versions");
    show_page(c, v, n, q.limit, a, &shown);
    jo_key(&c->out, "next");
    if (shown < n)
        jo_int(&c->out, v[shown - 1].version);
    else
        jo_null(&c->out);
    jo_end(&c->out);
    return 0;
}

/* --- saved ------------------------------------------------------------------------------------------------------------ */

/* Words that are paths of their own below /segments. */
static bool good_name(struct rest_call *c)
{
    static const char *const taken[] = {"fields", "model"};
    bool good = c->param.n > 0 && c->param.n <= SEGMENT_NAME_MAX;
    for (size_t i = 0; good && i < c->param.n; i++)
        good = (unsigned char)c->param.p[i] >= ' ' && c->param.p[i] != 0x7f;
    if (!good)
        rest_wrong(c, WL_EINVAL, "name", "a segment's name is 1 to %d bytes without control characters",
                   SEGMENT_NAME_MAX);
    for (size_t i = 0; good && i < sizeof taken / sizeof *taken; i++)
        if (str_eq(c->param, str_of(taken[i]))) {
            rest_wrong(c, WL_EINVAL, "name", "'%s' cannot be a segment's name: it is a path of the API", taken[i]);
            good = false;
        }
    return good;
}

static bool read_text(struct rest_call *c, struct json v, const char *key, struct str *ret)
{
    *ret = STR("");
    if (json_type(v) <= JSON_NULL || (json_str(v, ret) && ret->n <= SEGMENT_NOTE_MAX))
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s is a text of at most %d bytes", key, SEGMENT_NOTE_MAX);
    return false;
}

/* Which version the caller changes; 0: any; SEGMENT_IS_NEW: there is to be none. */
static bool read_version(struct rest_call *c, struct json v, int64_t *ret)
{
    *ret = 0;
    if (json_type(v) <= JSON_NULL)
        return true;
    if (!json_i64(v, ret) || *ret < 0) {
        rest_wrong(c, WL_EINVAL, "version",
                   "version is the number of the version you know, or 0 where there must be none");
        return false;
    }
    *ret = *ret == 0 ? SEGMENT_IS_NEW : *ret;
    return true;
}

static bool keep_query(struct rest_call *c, struct json query, struct arena *a, struct str *ret)
{
    struct buf b;
    buf_init(&b, SEGMENT_TEXT_MAX);
    bool good = json_write_value(&b, query) && !b.failed;
    const char *p = good ? arena_strndup(a, b.data, b.len) : NULL;
    *ret = (struct str){p, p != NULL ? b.len : 0};
    buf_done(&b);
    if (!good)
        rest_wrong(c, WL_ETOOBIG, "query", "the query is larger than %u bytes", SEGMENT_TEXT_MAX);
    return good && p != NULL;
}

static bool read_put(struct rest_call *c, struct arena *a, struct segment_row *r, int64_t *ret_was,
                     struct segment **ret_segment)
{
    static const char *const keys[] = {"query", "actor", "note", "version", NULL};
    struct json root;
    if (!good_name(c) || !rest_read_object(c, keys, &root))
        return false;
    r->name = c->param;
    struct json query = json_get(root, "query");
    if (json_type(query) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, "query", "query must be an object, as react-querybuilder writes it");
        return false;
    }
    if (!read_text(c, json_get(root, "actor"), "actor", &r->actor))
        return false;
    if (r->actor.n == 0) /* whoever has the key and does not say who they are, as with campaigns */
        r->actor = STR("admin");
    return read_text(c, json_get(root, "note"), "note", &r->note) &&
           read_version(c, json_get(root, "version"), ret_was) && rest_segment_read(c, query, a, ret_segment) &&
           keep_query(c, query, a, &r->query);
}

int rest_segment_put(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct segment_row r = {.id = 0};
    struct segment *g = NULL;
    struct err why = {0};
    int64_t was = 0;
    if (!read_put(c, a, &r, &was, &g))
        return 0;
    int rc = segment_put(s, &r, was, now, &r, &why);
    if (rc == WL_ECONFLICT || rc == WL_ETOOBIG)
        return rest_wrong(c, rc, rc == WL_ECONFLICT ? "version" : "name", "%s", why.text);
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    c->status = r.version == 1 && r.at == now ? 201 : 200;
    jo_object(&c->out);
    jo_kstr(&c->out, "name", r.name);
    jo_kint(&c->out, "version", r.version);
    jo_kbool(&c->out, "saved", r.at == now);
    rest_time(&c->out, "saved_at", r.at);
    rest_segment_sentence(&c->out, g);
    jo_end(&c->out);
    return 0;
}

int rest_segment_drop(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct err why = {0};
    int rc = segment_drop(s, c->param, now, &why);
    if (rc == WL_ENOTFOUND)
        return not_found(c, s, a, c->param, 0, e);
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    jo_object(&c->out);
    jo_kstr(&c->out, "removed", c->param);
    jo_end(&c->out);
    return 0;
}
