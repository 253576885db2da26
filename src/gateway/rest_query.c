/* SPDX-License-Identifier: Apache-2.0
 * rest_query.c - the query of a list, read by a table of its parameters.
 *
 * What a parameter means is the list's own; what is the same for all stands here: one that nobody knows is refused with the
 * nearest that is, one that is given twice is refused unless there may be several, and a value that cannot be read is told
 * with what was wanted. */
#include "base/yaml.h"
#include "core/facts_read.h"
#include "gateway/rest_impl.h"
#include "net/form.h"

#define PARAMETERS_MAX 24

/* "attribute." stands for attribute.city and all the others. */
static bool is_family(const struct rest_parameter *p, struct str name)
{
    size_t n = strlen(p->name);
    return p->name[n - 1] == '.' && name.n > n && str_starts(name, str_of(p->name));
}

/* What read() is given: the value; of a family with the rest of the name before it, "city=Berlin". */
static struct str value_of(struct arena *a, const struct rest_parameter *p, const struct form_field *f)
{
    struct str value = str_trim(f->value);
    size_t n = strlen(p->name);
    if (!is_family(p, f->name))
        return value;
    char *both = arena_printf(a, "%.*s=%.*s", (int)(f->name.n - n), f->name.p + n, (int)value.n, value.p);
    return both != NULL ? str_of(both) : (struct str){"", 0};
}

static const struct rest_parameter *find(const struct rest_parameter *p, struct str name)
{
    while (p->name != NULL && !str_eq(name, str_of(p->name)) && !is_family(p, name))
        p++;
    return p->name != NULL ? p : NULL;
}

static void unknown(struct rest_call *c, const struct rest_parameter *p, struct str name)
{
    const char *names[PARAMETERS_MAX + 1] = {NULL};
    for (size_t i = 0; i < PARAMETERS_MAX && p[i].name != NULL; i++)
        names[i] = p[i].name;
    const char *near = nearest_word(name, names);
    rest_wrong(c, WL_EINVAL, NULL, "the query knows no '%.*s'%s%s%s", (int)(name.n < 64 ? name.n : 64), name.p,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Of two values one would be lost. */
static bool once(struct rest_call *c, const struct rest_parameter *p, const struct form *f, size_t i)
{
    for (size_t before = 0; before < i && !p->several; before++) {
        if (!str_eq(f->fields[before].name, f->fields[i].name))
            continue;
        rest_wrong(c, WL_EINVAL, p->name, "%s is given twice", p->name);
        return false;
    }
    return true;
}

bool rest_query(struct rest_call *c, struct arena *a, const struct rest_parameter *parameters, void *to, int64_t now)
{
    struct form f = {.n = 0};
    struct err why = {0};
    if (form_urlencoded(a, http_query(c->rq), &f, &why) != 0) {
        rest_wrong(c, WL_EINVAL, NULL, "the query: %s", why.text);
        return false;
    }
    for (size_t i = 0; i < f.n; i++) {
        const struct rest_parameter *p = find(parameters, f.fields[i].name);
        if (p == NULL) {
            unknown(c, parameters, f.fields[i].name);
            return false;
        }
        if (!p->read(to, value_of(a, p, &f.fields[i]), now)) {
            rest_wrong(c, WL_EINVAL, p->name, "%s", p->wants);
            return false;
        }
        if (!once(c, p, &f, i))
            return false;
    }
    return true;
}

bool rest_read_size(struct str v, size_t most, size_t *ret)
{
    int64_t n;
    if (!str_i64(v, &n) || n < 1 || (uint64_t)n > most)
        return false;
    *ret = (size_t)n;
    return true;
}

bool rest_read_flag(struct str v, bool *ret)
{
    *ret = str_eq(v, STR("true"));
    return *ret || str_eq(v, STR("false"));
}

bool rest_read_id(struct str v, int64_t *ret)
{
    return str_i64(v, ret) && *ret > 0;
}

/* A time that was given is never 0, which means that none was: nothing is older than the first millisecond. */
bool rest_read_time(struct str v, int64_t now, int64_t *ret)
{
    if (str_eq(v, STR("never")) || facts_read_time(v, now, ret, NULL) != 0)
        return false;
    *ret = *ret > 0 ? *ret : 1;
    return true;
}

bool rest_read_span(struct rest_call *c, int64_t from, int64_t to, int64_t now)
{
    if (from > now)
        rest_wrong(c, WL_EINVAL, "from", "from lies in the future");
    else if (from != 0 && to != 0 && to <= from)
        rest_wrong(c, WL_EINVAL, "to", "to must lie after `from`");
    return c->problem.code == 0;
}
