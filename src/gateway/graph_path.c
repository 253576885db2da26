/* SPDX-License-Identifier: Apache-2.0
 * graph_path.c - recognising sends however their path is written.
 *
 * A pure function over the request line. Segments are decoded once and normalised; then the last one decides:
 * three names under a number's node are sends, an empty path may carry a batch, everything else is none of our
 * business. Percent escapes inside a segment are decoded before comparing, because the server behind us does the
 * same; a decoded slash stays inside its segment. */
#include "gateway/graph_path.h"

#include <ctype.h>

static const struct {
    const char *name;
    enum intent_path path;
} send_edges[] = {
    {"messages", PATH_MESSAGES},
    {"marketing_messages", PATH_MARKETING_MESSAGES},
    {"messages_encrypted", PATH_ENCRYPTED},
};

/* "v23.0": the letter, digits, one dot, digits. */
static bool is_version(struct str s)
{
    if (s.n < 2 || (s.p[0] != 'v' && s.p[0] != 'V'))
        return false;
    int dots = 0;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '.')
            dots++;
        else if (!isdigit((unsigned char)s.p[i]))
            return false;
    }
    return dots <= 1 && isdigit((unsigned char)s.p[1]);
}

static int add_segment(struct arena *a, struct str raw, struct graph_path *g, struct err *e)
{
    struct str s;
    if (!percent_decode(a, raw, &s))
        return err_set(e, WL_EINVAL, "the path has a broken percent escape");
    s = str_trim(s);
    if (s.n == 0 || str_eq(s, STR(".")))
        return 0;
    if (str_eq(s, STR(".."))) {
        g->n -= g->n > 0;
        return 0;
    }
    if (g->n == 0 && g->version.p == NULL && is_version(s)) {
        g->version = s;
        return 0;
    }
    if (g->n == GRAPH_SEGMENTS_MAX)
        return err_set(e, WL_EINVAL, "the path has more than %d parts", GRAPH_SEGMENTS_MAX);
    g->segment[g->n++] = s;
    return 0;
}

static void classify(struct graph_path *g)
{
    g->kind = GRAPH_OTHER;
    if (g->n == 2 && (!str_i64(g->segment[0], &g->node) || g->node < 0))
        g->node = 0;
    if (g->n == 0) {
        if (!str_ieq(g->method, STR("GET")) || form_get(&g->query, "batch") != NULL)
            g->kind = GRAPH_ROOT;
        return;
    }
    if (str_ieq(g->method, STR("GET")) || str_ieq(g->method, STR("HEAD")) || str_ieq(g->method, STR("DELETE")))
        return;
    /* Whatever stands before it: a send edge without a number in front is refused, never passed through. */
    for (size_t i = 0; i < sizeof send_edges / sizeof send_edges[0]; i++) {
        if (str_ieq(g->segment[g->n - 1], str_of(send_edges[i].name))) {
            g->kind = GRAPH_SEND;
            g->send_path = send_edges[i].path;
        }
    }
}

int graph_path_parse(struct arena *a, struct str method, struct str path, struct str query, struct graph_path *ret,
                     struct err *e)
{
    struct graph_path g = {.method = method};
    int rc = form_urlencoded(a, query, &g.query, e);
    if (rc != 0)
        return rc;
    struct str rest = path;
    while (rest.p != NULL && rest.n > 0) {
        struct str raw = str_cut(rest, '/', &rest);
        if ((rc = add_segment(a, raw, &g, e)) != 0)
            return rc;
    }
    const struct form_field *override = form_get(&g.query, "method");
    if (override != NULL && override->value.n > 0) {
        char *upper = arena_strndup(a, override->value.p, override->value.n);
        if (upper == NULL)
            return err_set(e, WL_ETOOBIG, "the request line is too long");
        for (char *c = upper; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        g.method = str_of(upper);
    }
    classify(&g);
    *ret = g;
    return 0;
}
