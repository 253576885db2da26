/* SPDX-License-Identifier: Apache-2.0
 * rest_contact_said.c - attributes and tags of contacts, and the files they came from: read, written, shown.
 *
 * They are the business's words and change by its word alone. A PUT replaces all of a kind; an import changes what it names. Of somebody
 * who is to be erased nothing is written any more. */
#include <stdio.h>
#include <string.h>

#include "gateway/rest_contact.h"
#include "gateway/rest_person.h"

#define HEX_MAX (2 * SHA256_BYTES)

/* --- showing ---------------------------------------------------------------------------------------------------------- */

static int put_attributes(struct json_out *o, struct store *s, struct arena *a, const struct person *p, struct err *e)
{
    struct attribute *v;
    size_t n = 0;
    int rc = attributes_get(s, p->bucket, p->id, a, &v, &n, e);
    jo_key(o, "attributes");
    jo_object(o);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        jo_key_str(o, v[i].name);
        jo_object(o);
        jo_kstr(o, "value", v[i].value);
        rest_time(o, "at", v[i].at);
        if (v[i].source != 0)
            jo_kint(o, "import", v[i].source);
        jo_end(o);
    }
    jo_end(o);
    return rc;
}

static int put_tags(struct json_out *o, struct store *s, struct arena *a, const struct person *p, struct err *e)
{
    struct tag *v;
    size_t n = 0;
    int rc = tags_get(s, p->bucket, p->id, a, &v, &n, e);
    jo_key(o, "tags");
    jo_array(o);
    for (size_t i = 0; rc == 0 && i < n; i++)
        jo_str(o, v[i].tag);
    jo_end(o);
    return rc;
}

static int put_imports(struct json_out *o, struct store *s, struct arena *a, const struct person *p, bool *ret_cut,
                       struct err *e)
{
    struct import_source *v;
    size_t n = 0;
    *ret_cut = false;
    int rc = contact_sources(s, p->bucket, p->id, a, &v, &n, ret_cut, e);
    jo_key(o, "imports");
    jo_array(o);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char hex[HEX_MAX + 1];
        for (size_t k = 0; k < SHA256_BYTES; k++)
            snprintf(hex + 2 * k, 3, "%02x", v[i].sha256[k]);
        jo_object(o);
        jo_kint(o, "id", v[i].id);
        jo_kstr(o, "name", v[i].name);
        jo_kcstr(o, "sha256", hex);
        rest_time(o, "at", v[i].first_at);
        jo_end(o);
    }
    jo_end(o);
    jo_kbool(o, "imports_cut", *ret_cut);
    return rc;
}

int rest_said_show(struct json_out *o, struct store *s, struct arena *a, const struct person *p, bool *ret_cut,
                   struct err *e)
{
    int rc = put_attributes(o, s, a, p, e);
    if (rc == 0)
        rc = put_tags(o, s, a, p, e);
    return rc == 0 ? put_imports(o, s, a, p, ret_cut, e) : rc;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static bool is_name(struct str s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
    for (size_t i = 0; i < s.n; i++)
        if (memchr(allowed, s.p[i], sizeof allowed - 1) == NULL)
            return false;
    return s.n > 0 && s.n <= ATTRIBUTE_NAME_MAX;
}

/* One line of 1 to max bytes. */
static bool is_line(struct str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return s.n > 0 && s.n <= max;
}

static bool is_tag(struct str s)
{
    return is_line(s, TAG_MAX) && memchr(s.p, ',', s.n) == NULL;
}

static bool is_absent(struct json v)
{
    return json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL;
}

static bool attributes_readable(struct rest_call *c, struct json v)
{
    if (json_type(v) != JSON_OBJECT) {
        rest_wrong(c, WL_EINVAL, "attributes", "attributes must be an object of texts");
        return false;
    }
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        struct str value = str_trim(json_str_or(it.value, STR("")));
        if (!is_name(it.key)) {
            rest_wrong(
                c, WL_EINVAL, "attributes",
                "the name of an attribute has 1 to %d of a-z, 0-9, '_', '.' and '-', as in first_name; not '%.*s'",
                ATTRIBUTE_NAME_MAX, (int)(it.key.n < 64 ? it.key.n : 64), it.key.p);
            return false;
        }
        if (json_type(it.value) != JSON_NULL && !is_line(value, ATTRIBUTE_VALUE_MAX)) {
            rest_wrong(c, WL_EINVAL, "attributes",
                       "attribute %.*s must be a text of 1 to %d bytes without control characters, or null",
                       (int)it.key.n, it.key.p, ATTRIBUTE_VALUE_MAX);
            return false;
        }
    }
    return true;
}

static struct str tag_of(struct json v, bool *ret_away)
{
    struct str tag = str_trim(json_str_or(v, STR("")));
    *ret_away = tag.n > 1 && tag.p[0] == '-';
    return *ret_away ? (struct str){tag.p + 1, tag.n - 1} : tag;
}

static bool tags_readable(struct rest_call *c, struct json v)
{
    bool away;
    if (json_type(v) != JSON_ARRAY) {
        rest_wrong(c, WL_EINVAL, "tags", "tags must be an array of texts");
        return false;
    }
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (is_tag(tag_of(it.value, &away)))
            continue;
        rest_wrong(c, WL_EINVAL, "tags",
                   "a tag is a text of 1 to %d bytes without a comma or control characters; one with '-' before it is "
                   "taken away",
                   TAG_MAX);
        return false;
    }
    return true;
}

bool rest_said_read(struct rest_call *c, struct json v, struct rest_said *ret)
{
    *ret = (struct rest_said){json_get(v, "attributes"), json_get(v, "tags")};
    return (is_absent(ret->attributes) || attributes_readable(c, ret->attributes)) &&
           (is_absent(ret->tags) || tags_readable(c, ret->tags));
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

struct writing {
    struct store *s;
    const struct person *p;
    int64_t source, now;
    size_t n; /* they have so many */
    bool changed, full;
};

static bool has_name(const struct attribute *v, size_t n, struct str name)
{
    size_t i = 0;
    while (i < n && !str_eq(v[i].name, name))
        i++;
    return i < n;
}

static bool has_tag(const struct tag *v, size_t n, struct str tag)
{
    size_t i = 0;
    while (i < n && !str_eq(v[i].tag, tag))
        i++;
    return i < n;
}

static int write_attributes(struct writing *w, struct arena *a, struct json given, struct err *e)
{
    struct attribute *v;
    size_t n = 0, total;
    int rc = attributes_get(w->s, w->p->bucket, w->p->id, a, &v, &n, e);
    total = n;
    for (struct json_iter it = json_iter(given); rc == 0 && json_next(&it);) {
        bool changed = false, known = has_name(v, n, it.key);
        const struct attribute one = {it.key, str_trim(json_str_or(it.value, STR(""))), w->source, w->now};
        if (json_type(it.value) == JSON_NULL) {
            rc = attribute_drop(w->s, w->p->bucket, w->p->id, it.key, &changed, e);
        } else if (known || total < ATTRIBUTES_MAX) {
            rc = attribute_put(w->s, w->p->bucket, w->p->id, &one, &changed, e);
            total += !known;
        } else {
            w->full = true;
        }
        w->changed |= changed;
    }
    return rc;
}

static int write_tags(struct writing *w, struct arena *a, struct json given, struct err *e)
{
    struct tag *v;
    size_t n = 0, total;
    int rc = tags_get(w->s, w->p->bucket, w->p->id, a, &v, &n, e);
    total = n;
    for (struct json_iter it = json_iter(given); rc == 0 && json_next(&it);) {
        bool changed = false, away;
        const struct tag one = {tag_of(it.value, &away), w->source, w->now};
        bool known = has_tag(v, n, one.tag);
        if (away) {
            rc = tag_drop(w->s, w->p->bucket, w->p->id, one.tag, &changed, e);
        } else if (known || total < TAGS_MAX) {
            rc = tag_put(w->s, w->p->bucket, w->p->id, &one, &changed, e);
            total += !known;
        } else {
            w->full = true;
        }
        w->changed |= changed;
    }
    return rc;
}

int rest_said_write(struct store *s, struct arena *a, const struct person *p, const struct rest_said *said,
                    int64_t source, int64_t now, bool *ret_changed, bool *ret_full, struct err *e)
{
    struct writing w = {.s = s, .p = p, .source = source, .now = now};
    int rc = 0;
    if (p->restricted_until == 0 && !is_absent(said->attributes))
        rc = write_attributes(&w, a, said->attributes, e);
    if (rc == 0 && p->restricted_until == 0 && !is_absent(said->tags))
        rc = write_tags(&w, a, said->tags, e);
    *ret_changed = w.changed;
    *ret_full = w.full;
    return rc;
}

int rest_import_source(struct rest_call *c, struct store *s, struct json v, int64_t now, int64_t *ret_id, struct err *e)
{
    static const char *const keys[] = {"name", "sha256", NULL};
    uint8_t hash[SHA256_BYTES];
    struct str name = str_trim(json_str_or(json_get(v, "name"), STR("")));
    *ret_id = 0;
    if (is_absent(v) || !rest_known_keys(c, v, keys))
        return 0;
    if (!is_line(name, SOURCE_NAME_MAX))
        return rest_wrong(c, WL_EINVAL, "import.name",
                          "import.name is a text of 1 to %d bytes without control characters", SOURCE_NAME_MAX);
    if (!rest_read_hash(json_str_or(json_get(v, "sha256"), STR("")), hash))
        return rest_wrong(c, WL_EINVAL, "import.sha256", "import.sha256 is 64 hex digits");
    return import_source_put(s, name, hash, now, ret_id, e);
}

/* --- replacing -------------------------------------------------------------------------------------------------------- */

/* The person, and what is said of them now. False: c->problem or *ret_rc says why not. */
static bool begin(struct rest_call *c, struct store *s, const char *const *keys, struct person *p,
                  struct rest_said *ret, int *ret_rc, struct err *e)
{
    struct json root;
    if (!rest_read_body(c, &root) || !rest_known_keys(c, root, keys) || !rest_said_read(c, root, ret))
        return false;
    *ret_rc = rest_find_person(c, s, c->param, p, e);
    if (*ret_rc == 0 && c->problem.code == 0 && p->restricted_until != 0)
        rest_wrong(c, WL_ECONFLICT, NULL, "they asked to be erased: nothing new is written of them");
    return *ret_rc == 0 && c->problem.code == 0;
}

static int answer(struct rest_call *c, struct store *s, struct arena *a, const struct person *p, struct err *e)
{
    char id[48];
    bool cut;
    rest_contact_id(p, id);
    jo_object(&c->out);
    jo_kcstr(&c->out, "id", id);
    int rc = rest_said_show(&c->out, s, a, p, &cut, e);
    jo_end(&c->out);
    return rc;
}

/* Whether the array holds the tag. */
static bool names_tag(struct json tags, struct str tag)
{
    bool away;
    for (struct json_iter it = json_iter(tags); json_next(&it);)
        if (str_eq(tag_of(it.value, &away), tag) && !away)
            return true;
    return false;
}

int rest_contact_attributes(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"attributes", NULL};
    struct rest_said said;
    struct attribute *v;
    struct person p;
    size_t n = 0;
    bool changed, full;
    int rc = 0;
    if (!begin(c, s, keys, &p, &said, &rc, e))
        return rc;
    if (is_absent(said.attributes) || json_count(said.attributes) > ATTRIBUTES_MAX)
        return rest_wrong(c, WL_EINVAL, "attributes", "attributes is an object of at most %d texts", ATTRIBUTES_MAX);
    rc = attributes_get(s, p.bucket, p.id, a, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (json_type(json_get(said.attributes, arena_strndup(a, v[i].name.p, v[i].name.n))) == JSON_ABSENT)
            rc = attribute_drop(s, p.bucket, p.id, v[i].name, NULL, e);
    if (rc == 0)
        rc = rest_said_write(s, a, &p, &said, 0, now, &changed, &full, e);
    return rc == 0 ? answer(c, s, a, &p, e) : rc;
}

int rest_contact_tags(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    static const char *const keys[] = {"tags", NULL};
    struct rest_said said;
    struct tag *v;
    struct person p;
    size_t n = 0;
    bool changed, full;
    int rc = 0;
    if (!begin(c, s, keys, &p, &said, &rc, e))
        return rc;
    if (is_absent(said.tags) || json_count(said.tags) > TAGS_MAX)
        return rest_wrong(c, WL_EINVAL, "tags", "tags is an array of at most %d texts", TAGS_MAX);
    rc = tags_get(s, p.bucket, p.id, a, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!names_tag(said.tags, v[i].tag))
            rc = tag_drop(s, p.bucket, p.id, v[i].tag, NULL, e);
    if (rc == 0)
        rc = rest_said_write(s, a, &p, &said, 0, now, &changed, &full, e);
    return rc == 0 ? answer(c, s, a, &p, e) : rc;
}
