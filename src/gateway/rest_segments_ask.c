/* SPDX-License-Identifier: Apache-2.0
 * rest_segments_ask.c - what a segment means today: counted, explained, as SQL, a few of its people, all of them in pages.
 *
 * A question names a query, or a saved segment and perhaps a version of it. The readers only find the query; what it means is asked of the
 * read model by the threads that own it, and every answer says as of when. A count says who is meant, and how many of them may be sent
 * to in each category as far as consent, opt-outs, suppression and erasure go: that is never part of the query and nothing in a query
 * can lift it. It is asked again of every message.
 *
 * An export goes by the ids of contacts, a page at a time, and a page says where the next begins and with which version of the segment: who
 * is saved or erased between two pages is in it or not, and nobody is in it twice. */
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/rest_segment.h"
#include "gateway/rest_subscriber.h"

#define UNHEARD_MAX    20
#define SAMPLE_DEFAULT 10
#define SAMPLE_MOST    100
#define PAGE_DEFAULT   500
#define PAGE_MOST      1000
#define RULES_SHOWN    100
#define RULE_TEXT_MAX  (SEGMENT_QUERY_MAX + 256)
#define SQL_MAX        (1u << 20)
#define SENTENCE_ROOM  65536

const enum category segment_category[SEGMENT_CATEGORIES] = {CATEGORY_MARKETING, CATEGORY_UTILITY,
                                                            CATEGORY_AUTHENTICATION};

void rest_segment_free(roaring_bitmap_t *people)
{
    if (people != NULL)
        roaring_bitmap_free(people);
}

/* --- the question --------------------------------------------------------------------------------------------------- */

static bool read_fresh(struct rest_call *c, struct json v, bool *ret)
{
    if (json_type(v) <= JSON_NULL || json_bool(v, ret))
        return true;
    rest_wrong(c, WL_EINVAL, "fresh", "fresh is true or false");
    return false;
}

static bool read_size(struct rest_call *c, struct json v, const char *key, size_t most, size_t *ret)
{
    int64_t n;
    if (json_type(v) <= JSON_NULL)
        return true;
    if (json_i64(v, &n) && n >= 1 && (uint64_t)n <= most) {
        *ret = (size_t)n;
        return true;
    }
    rest_wrong(c, WL_EINVAL, key, "%s is a number from 1 to %zu", key, most);
    return false;
}

static bool read_count(struct rest_call *c, struct json v, const char *key, int64_t *ret)
{
    if (json_type(v) <= JSON_NULL || (json_i64(v, ret) && *ret >= 0))
        return true;
    rest_wrong(c, WL_EINVAL, key, "%s is a number, 0 or more", key);
    return false;
}

static int no_room(struct rest_call *c)
{
    return rest_wrong(c, WL_ETOOBIG, "query", "the query is larger than %u bytes", SEGMENT_QUERY_MAX);
}

/* The query as text in the request's memory: the thread that answers has a parser of its own. */
static int keep_query(struct segment_ask *q, struct json query)
{
    struct buf b;
    buf_init(&b, SEGMENT_QUERY_MAX);
    bool good = json_write_value(&b, query) && !b.failed;
    const char *p = good ? arena_strndup(http_arena(q->c->rq), b.data, b.len) : NULL;
    q->query = (struct str){p, p != NULL ? b.len : 0};
    buf_done(&b);
    return p != NULL ? 0 : no_room(q->c);
}

static int keep_saved(struct segment_ask *q, struct store *s, struct arena *a, struct str name, int64_t version,
                      struct err *e)
{
    struct arena *own = http_arena(q->c->rq);
    struct segment_row r;
    int rc = rest_segment_find(q->c, s, a, name, version, &r, e);
    if (rc != 0 || q->c->problem.code != 0)
        return rc;
    q->query = (struct str){arena_strndup(own, r.query.p, r.query.n), r.query.n};
    q->name = (struct str){arena_strndup(own, r.name.p, r.name.n), r.name.n};
    q->version = r.version;
    return q->query.p != NULL && q->name.p != NULL ? 0 : no_room(q->c);
}

/* `query`, or `segment` and perhaps `version`. */
static int read_question(struct segment_ask *q, struct store *s, struct arena *a, struct json root, struct err *e)
{
    struct rest_call *c = q->c;
    struct json query = json_get(root, "query"), segment = json_get(root, "segment");
    struct str name;
    int64_t version = 0;
    bool saved = json_type(segment) > JSON_NULL;
    if (!read_fresh(c, json_get(root, "fresh"), &q->job.fresh) ||
        !read_count(c, json_get(root, "version"), "version", &version))
        return 0;
    if (saved && json_type(query) > JSON_NULL)
        return rest_wrong(c, WL_EINVAL, "segment", "give either query or segment, not both");
    if (saved && !json_str(segment, &name))
        return rest_wrong(c, WL_EINVAL, "segment", "segment is the name of a saved one");
    if (saved)
        return keep_saved(q, s, a, name, q->version != 0 ? q->version : version, e);
    if (json_type(query) != JSON_OBJECT)
        return rest_wrong(
            c, WL_EINVAL, "query",
            "query must be an object, as react-querybuilder writes it; or segment the name of a saved one");
    return keep_query(q, query);
}

/* --- on the answering thread ---------------------------------------------------------------------------------------- */

static int select_people(struct segment_ask *q, struct err *e)
{
    struct err why = {0};
    if (json_parse(thread_json(), q->query, false, &q->rules, &why) != 0)
        return rest_wrong(q->c, WL_EINVAL, "query", "%s", why.text);
    if (!rest_segment_read(q->c, q->rules, q->a, &q->g))
        return 0;
    return segment_select(q->g, q->au, q->now, &q->people, e);
}

static void run(struct audience_job *job, const struct audience *au, struct store *s, struct arena *a,
                const struct err *why)
{
    struct segment_ask *q = container_of(job, struct segment_ask, job);
    struct rest_call *c = q->c;
    struct err e = {0};
    int rc = 0;
    q->au = au;
    q->s = s;
    q->a = a;
    q->now = clock_now_ms();
    q->begun_ns = clock_mono_ns();
    if (au == NULL)
        e = *why;
    rc = e.code;
    if (rc == 0 && q->query.p != NULL)
        rc = select_people(q, &e);
    if (rc == 0 && c->problem.code == 0)
        rc = q->answer(q, &e);
    rest_segment_free(q->people);
    c->job.rc = rc;
    c->job.err = e;
    rest_reply(c);
}

/* After the reader's transaction: over to those who have the model. */
static void hand_over(struct rest_call *c)
{
    struct segment_ask *q = c->work;
    struct err e = {0};
    q->job.run = run;
    if (audience_ask(c->g->audiences, &q->job, &e) == 0)
        return;
    c->job.rc = e.code;
    c->job.err = e;
    rest_reply(c);
}

struct segment_ask *rest_segment_ask(struct rest_call *c, int (*answer)(struct segment_ask *q, struct err *e))
{
    struct segment_ask *q = arena_new(http_arena(c->rq), struct segment_ask);
    if (q == NULL) {
        rest_wrong(c, WL_ETOOBIG, NULL, "the request is too large");
        return NULL;
    }
    *q = (struct segment_ask){.c = c, .answer = answer};
    c->work = q;
    return q;
}

void rest_segment_send(struct segment_ask *q)
{
    q->c->later = hand_over;
}

static int send_off(struct segment_ask *q, int rc)
{
    if (rc == 0 && q->c->problem.code == 0)
        rest_segment_send(q);
    return rc;
}

static size_t people_of(const struct segment_ask *q)
{
    return (size_t)roaring_bitmap_get_cardinality(q->people);
}

void rest_segment_head(struct segment_ask *q)
{
    struct json_out *o = &q->c->out;
    rest_time(o, "as_of", audience_as_of(q->c->g->audiences, q->au));
    jo_kint(o, "people", (int64_t)audience_people(q->au));
    if (q->name.p == NULL)
        return;
    jo_kstr(o, "segment", q->name);
    jo_kint(o, "version", q->version);
}

static void put_unheard(struct segment_ask *q)
{
    struct str names[UNHEARD_MAX];
    size_t n = segment_unheard(q->g, q->au, names, UNHEARD_MAX);
    jo_key(&q->c->out, "unheard");
    jo_array(&q->c->out);
    for (size_t i = 0; i < n && i < UNHEARD_MAX; i++)
        jo_str(&q->c->out, names[i]);
    jo_end(&q->c->out);
}

/* --- count ------------------------------------------------------------------------------------------------------------ */

static int put_reachable(struct segment_ask *q, struct err *e)
{
    int rc = 0;
    jo_key(&q->c->out, "reachable");
    jo_object(&q->c->out);
    for (size_t i = 0; i < SEGMENT_CATEGORIES && rc == 0; i++) {
        roaring_bitmap_t *may = NULL;
        rc = segment_reachable(q->people, q->au, segment_category[i], q->now, &may, e);
        if (rc == 0)
            jo_kint(&q->c->out, category_name(segment_category[i]), (int64_t)roaring_bitmap_get_cardinality(may));
        rest_segment_free(may);
    }
    jo_end(&q->c->out);
    return rc;
}

static int answer_count(struct segment_ask *q, struct err *e)
{
    struct json_out *o = &q->c->out;
    jo_object(o);
    rest_segment_head(q);
    jo_kint(o, "matching", (int64_t)people_of(q));
    int rc = put_reachable(q, e);
    rest_segment_sentence(o, q->g);
    put_unheard(q);
    jo_kint(o, "took_us", (clock_mono_ns() - q->begun_ns) / 1000);
    jo_end(o);
    return rc;
}

int rest_segments_count(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"query", "segment", "version", "fresh", NULL};
    struct segment_ask *q = rest_segment_ask(c, answer_count);
    struct json root;
    (void)now;
    if (q == NULL || !rest_read_object(c, keys, &root))
        return 0;
    return send_off(q, read_question(q, s, a, root, e));
}

/* --- explain ---------------------------------------------------------------------------------------------------------- */

struct explaining {
    struct segment_ask *q;
    struct buf text;
    size_t shown, rules;
    const char *path[RULES_SHOWN];
    struct str query[RULES_SHOWN]; /* each rule alone, as a query of its own */
};

static bool is_muted(struct json v)
{
    bool is = false;
    return json_bool(json_get(v, "muted"), &is) && is;
}

/* Rules and groups in the order they stand, but those that are muted; combinators between them are texts. */
static int collect_rules(struct explaining *x, struct json group, const char *path)
{
    size_t i = 0;
    for (struct json_iter it = json_iter(json_get(group, "rules")); json_next(&it); i++) {
        if (json_type(it.value) != JSON_OBJECT || is_muted(it.value))
            continue;
        const char *at = arena_printf(x->q->a, "%s%srules[%zu]", path, *path != '\0' ? "." : "", i);
        if (at == NULL)
            return WL_ENOMEM;
        if (json_type(json_get(it.value, "rules")) == JSON_ARRAY) {
            if (collect_rules(x, it.value, at) != 0)
                return WL_ENOMEM;
            continue;
        }
        if (x->rules++ >= RULES_SHOWN)
            continue;
        buf_clear(&x->text);
        buf_puts(&x->text, "{\"combinator\":\"and\",\"rules\":[");
        json_write_value(&x->text, it.value);
        buf_puts(&x->text, "]}");
        const char *kept = arena_strndup(x->q->a, buf_cstr(&x->text), x->text.len);
        if (kept == NULL || x->text.failed)
            return WL_ENOMEM;
        x->path[x->shown] = at;
        x->query[x->shown++] = (struct str){kept, x->text.len};
    }
    return 0;
}

static int explain_rule(struct explaining *x, size_t i, struct err *e)
{
    struct segment_ask *q = x->q;
    struct json_out *o = &q->c->out;
    struct segment *g = NULL;
    struct json rule;
    roaring_bitmap_t *people = NULL;
    int rc = json_parse(thread_json(), x->query[i], false, &rule, e);
    if (rc == 0)
        rc = segment_read(rule, q->a, &g, NULL, e);
    if (rc == 0)
        rc = segment_select(g, q->au, q->now, &people, e);
    if (rc != 0)
        return rc;
    jo_object(o);
    jo_kcstr(o, "path", x->path[i]);
    rest_segment_sentence(o, g);
    jo_kint(o, "people", (int64_t)roaring_bitmap_get_cardinality(people));
    jo_end(o);
    rest_segment_free(people);
    return 0;
}

/* A rule that reads as part of the query reads alone, too: what fails here is memory. */
static int answer_explain(struct segment_ask *q, struct err *e)
{
    struct json_out *o = &q->c->out;
    struct explaining *x = arena_new(q->a, struct explaining);
    if (x == NULL)
        return err_set(e, WL_ENOMEM, "the query is too large to be explained");
    x->q = q;
    buf_init(&x->text, RULE_TEXT_MAX);
    int rc = collect_rules(x, q->rules, "") == 0 ? 0 : err_set(e, WL_ENOMEM, "the query is too large to be explained");
    jo_object(o);
    rest_segment_head(q);
    jo_kint(o, "matching", (int64_t)people_of(q));
    rest_segment_sentence(o, q->g);
    put_unheard(q);
    jo_key(o, "rules");
    jo_array(o);
    for (size_t i = 0; i < x->shown && rc == 0; i++)
        rc = explain_rule(x, i, e);
    jo_end(o);
    jo_kbool(o, "more", x->rules > x->shown);
    jo_end(o);
    buf_done(&x->text);
    return rc;
}

int rest_segments_explain(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"query", "segment", "version", "fresh", NULL};
    struct segment_ask *q = rest_segment_ask(c, answer_explain);
    struct json root;
    (void)now;
    if (q == NULL || !rest_read_object(c, keys, &root))
        return 0;
    return send_off(q, read_question(q, s, a, root, e));
}

/* --- sql -------------------------------------------------------------------------------------------------------------- */

/* Needs nobody: it is answered where it is read. */
int rest_segments_sql(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"query", "segment", "version", NULL};
    struct segment_ask *q = rest_segment_ask(c, NULL);
    struct segment *g = NULL;
    struct err why = {0};
    struct json root;
    struct buf sql;
    if (q == NULL || !rest_read_object(c, keys, &root))
        return 0;
    int rc = read_question(q, s, a, root, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (json_parse(thread_json(), q->query, false, &root, &why) != 0)
        return rest_wrong(c, WL_EINVAL, "query", "%s", why.text);
    if (!rest_segment_read(c, root, a, &g))
        return 0;
    buf_init(&sql, SQL_MAX);
    if (segment_sql(g, now, &sql, &why) != 0 || sql.failed) {
        rest_wrong(c, WL_ETOOBIG, "query", "%s", why.code != 0 ? why.text : "its SQL is larger than 1 MiB");
    } else {
        jo_object(&c->out);
        rest_segment_sentence(&c->out, g);
        jo_kstr(&c->out, "sql", buf_str(&sql));
        jo_end(&c->out);
    }
    buf_done(&sql);
    return 0;
}

/* --- sample ----------------------------------------------------------------------------------------------------------- */

/* Somewhere in the i-th of n equal parts, by the seed. */
static uint64_t spot(uint64_t seed, size_t i, size_t n, uint64_t people)
{
    uint64_t from = people * i / n, until = people * (i + 1) / n, x = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return from + (x ^ x >> 31) % (until - from);
}

static int answer_sample(struct segment_ask *q, struct err *e)
{
    struct json_out *o = &q->c->out;
    uint32_t ordinal[SAMPLE_MOST];
    size_t people = people_of(q), n = people < q->limit ? people : q->limit;
    for (size_t i = 0; i < n; i++)
        roaring_bitmap_select(q->people, (uint32_t)spot((uint64_t)q->seed, i, n, people), &ordinal[i]);
    jo_object(o);
    rest_segment_head(q);
    jo_kint(o, "matching", (int64_t)people);
    jo_kint(o, "seed", q->seed);
    jo_key(o, "contacts");
    jo_array(o);
    int rc = rest_segment_rows(q, ordinal, n, true, e);
    jo_end(o);
    jo_end(o);
    return rc;
}

int rest_segments_sample(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"query", "segment", "version", "fresh", "limit", "seed", NULL};
    struct segment_ask *q = rest_segment_ask(c, answer_sample);
    struct json root;
    if (q == NULL || !rest_read_object(c, keys, &root))
        return 0;
    q->limit = SAMPLE_DEFAULT;
    q->seed = now % 1000000;
    if (!read_size(c, json_get(root, "limit"), "limit", SAMPLE_MOST, &q->limit) ||
        !read_count(c, json_get(root, "seed"), "seed", &q->seed))
        return 0;
    return send_off(q, read_question(q, s, a, root, e));
}

/* --- export ----------------------------------------------------------------------------------------------------------- */

/* The first ordinal of an id above this one: ids rise with ordinals. */
static uint32_t ordinal_after(const struct audience *au, int64_t contact)
{
    size_t low = 0, high = audience_people(au);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (audience_contact(au, (uint32_t)mid) > contact)
            high = mid;
        else
            low = mid + 1;
    }
    return (uint32_t)low;
}

static int answer_export(struct segment_ask *q, struct err *e)
{
    struct json_out *o = &q->c->out;
    uint32_t *ordinal = arena_new_array(q->a, uint32_t, q->limit);
    roaring_uint32_iterator_t it;
    char next[48] = "";
    if (ordinal == NULL)
        return err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
    roaring_init_iterator(q->people, &it);
    bool more = roaring_move_uint32_iterator_equalorlarger(&it, ordinal_after(q->au, q->after));
    size_t n = more ? roaring_read_uint32_iterator(&it, ordinal, (uint32_t)q->limit) : 0;
    if (n == q->limit && it.has_value)
        snprintf(next, sizeof next, "%lld.%lld", (long long)q->version,
                 (long long)audience_contact(q->au, ordinal[n - 1]));
    jo_object(o);
    rest_segment_head(q);
    jo_kint(o, "matching", (int64_t)people_of(q));
    jo_key(o, "contacts");
    jo_array(o);
    int rc = rest_segment_rows(q, ordinal, n, false, e);
    jo_end(o);
    jo_kcstr(o, "next", *next != '\0' ? next : NULL);
    jo_end(o);
    return rc;
}

/* "3.40960": the version of the segment, 0 of a query that is not saved; and the last contact there was. */
static bool read_cursor(struct segment_ask *q, struct json v)
{
    struct str text, contact;
    if (json_type(v) <= JSON_NULL)
        return true;
    if (json_str(v, &text) && str_i64(str_cut(text, '.', &contact), &q->version) && str_i64(contact, &q->after) &&
        q->version >= 0 && q->after > 0)
        return true;
    rest_wrong(q->c, WL_EINVAL, "cursor", "cursor is what `next` of the page before says");
    return false;
}

int rest_segments_export(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"query", "segment", "version", "fresh", "limit", "cursor", NULL};
    struct segment_ask *q = rest_segment_ask(c, answer_export);
    struct json root;
    (void)now;
    if (q == NULL || !rest_read_object(c, keys, &root))
        return 0;
    q->limit = PAGE_DEFAULT;
    if (!read_size(c, json_get(root, "limit"), "limit", PAGE_MOST, &q->limit) ||
        !read_cursor(q, json_get(root, "cursor")))
        return 0;
    return send_off(q, read_question(q, s, a, root, e));
}
