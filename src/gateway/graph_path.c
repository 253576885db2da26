/* SPDX-License-Identifier: Apache-2.0
 * graph_path.c - recognising sends however their path is written.
 *
 * A pure function over the request line. Segments are decoded once and normalised; then the last one decides: three
 * names are send edges, an empty path may carry a batch, everything else is none of our business. Where a server
 * behind us might read the line differently from us (a slash or backslash inside a segment, a fragment, a suffix, a
 * second escape, field names that PHP folds), the line is refused if it could be a send under any reading, and passed
 * on untouched if it could not. */
#include "gateway/graph_path.h"

#include <ctype.h>
#include <strings.h>

static const struct {
    const char *name;
    enum intent_path path;
} send_edges[] = {
    {"messages", PATH_MESSAGES},
    {"marketing_messages", PATH_MARKETING_MESSAGES},
    {"messages_encrypted", PATH_ENCRYPTED},
};

static const char *const deciding_fields[] = {"to",
                                              "recipient",
                                              "recipient_type",
                                              "type",
                                              "template",
                                              "text",
                                              "status",
                                              "batch",
                                              "method",
                                              "category",
                                              "context",
                                              "access_token",
                                              "image",
                                              "video",
                                              "audio",
                                              "document",
                                              "interactive",
                                              "sticker",
                                              "contacts",
                                              "location",
                                              "reaction",
                                              "typing_indicator",
                                              "message_id",
                                              "messaging_product",
                                              NULL};

/* --- field names ---------------------------------------------------------------------------------------------------- */

bool graph_deciding_field(struct str name)
{
    for (size_t i = 0; deciding_fields[i] != NULL; i++)
        if (str_eq(name, str_of(deciding_fields[i])))
            return true;
    return false;
}

/* The name as PHP-like servers see it: no leading spaces, '.' and ' ' as '_', cut at '[' or NUL. */
static struct str fold_name(struct str name, char *out, size_t max)
{
    size_t n = 0;
    while (name.n > 0 && isspace((unsigned char)name.p[0])) {
        name.p++;
        name.n--;
    }
    for (; n < name.n && n < max && name.p[n] != '[' && name.p[n] != '\0'; n++)
        out[n] = name.p[n] == '.' || name.p[n] == ' ' ? '_' : name.p[n];
    return (struct str){out, n};
}

bool graph_plain_name(struct str name)
{
    char folded[32];
    struct str f = fold_name(name, folded, sizeof folded);
    return str_eq(f, name) || !graph_deciding_field(f);
}

/* --- segments ------------------------------------------------------------------------------------------------------- */

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

/* Bytes that end or split a segment for some reader. */
static bool is_odd(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == '#' || c == ';' || c == '?' || c == '%')
            return true;
    }
    return false;
}

/* False: the segment cannot be read, or reads in more than one way. */
static bool add_segment(struct arena *a, struct str raw, struct graph_path *g)
{
    struct str s;
    if (!percent_decode(a, raw, &s))
        return false;
    bool plain = !is_odd(s);
    s = str_trim(s);
    if (s.n == 0 || str_eq(s, STR(".")))
        return plain;
    if (str_eq(s, STR(".."))) {
        g->n -= g->n > 0;
        return plain;
    }
    if (g->n == 0 && g->version.p == NULL && is_version(s)) {
        g->version = s;
        return plain;
    }
    if (g->n == GRAPH_SEGMENTS_MAX)
        return false;
    g->segment[g->n++] = s;
    return plain;
}

/* The send edge this segment names, or -1; `*exact` false when something follows the name ("messages.json"). */
static int send_edge(struct str segment, bool *exact)
{
    size_t n = 0;
    while (n < segment.n && (isalpha((unsigned char)segment.p[n]) || segment.p[n] == '_'))
        n++;
    *exact = n == segment.n;
    for (size_t i = 0; i < sizeof send_edges / sizeof send_edges[0]; i++)
        if (str_ieq((struct str){segment.p, n}, str_of(send_edges[i].name)))
            return (int)i;
    return -1;
}

/* Does the text, after as many decodings as anybody might apply, speak of messages at all? */
static bool speaks_of_messages(struct arena *a, struct str text)
{
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i + 8 <= text.n; i++)
            if (strncasecmp(text.p + i, "messages", 8) == 0)
                return true;
        struct str decoded;
        if (!percent_decode(a, text, &decoded))
            return memchr(text.p, '%', text.n) != NULL; /* a broken escape may hide anything */
        text = decoded;
    }
    return false;
}

/* --- method and kind ------------------------------------------------------------------------------------------------ */

static bool is_write(struct str method)
{
    return !str_ieq(method, STR("GET")) && !str_ieq(method, STR("HEAD")) && !str_ieq(method, STR("DELETE"));
}

static bool folds_to(const struct form_field *f, const char *name)
{
    char folded[32];
    return str_eq(fold_name(f->name, folded, sizeof folded), str_of(name));
}

/* Whether anything on the line makes this a write; `*ambiguous` when it says so twice or in a folded spelling. */
static bool line_writes(struct str method, const struct form *query, bool *ambiguous)
{
    bool writes = is_write(method), overridden = false;
    for (size_t i = 0; i < query->n; i++) {
        const struct form_field *f = &query->fields[i];
        if (!folds_to(f, "method"))
            continue;
        *ambiguous |= overridden || !str_eq(f->name, STR("method"));
        overridden = true;
        writes |= is_write(str_trim(f->value));
    }
    return writes;
}

static bool has_batch(const struct form *query)
{
    for (size_t i = 0; i < query->n; i++)
        if (folds_to(&query->fields[i], "batch"))
            return true;
    return false;
}

static void classify(struct graph_path *g, bool *ambiguous)
{
    g->kind = GRAPH_OTHER;
    if (g->n == 2 && (!str_i64(g->segment[0], &g->node) || g->node < 0))
        g->node = 0;
    if (g->n == 0) {
        if (g->writes || has_batch(&g->query))
            g->kind = GRAPH_ROOT;
        return;
    }
    /* Whatever stands before it: a send edge without a number in front is refused, never passed through. */
    bool exact;
    int edge = send_edge(g->segment[g->n - 1], &exact);
    if (edge < 0)
        return;
    *ambiguous |= !exact;
    g->kind = g->writes ? GRAPH_SEND : GRAPH_EDGE;
    g->send_path = send_edges[edge].path;
}

int graph_path_parse(struct arena *a, struct str method, struct str path, struct str query, struct graph_path *ret,
                     struct err *e)
{
    struct graph_path g = {.version = {NULL, 0}};
    bool plain = true, ambiguous = false;
    if (form_urlencoded(a, query, &g.query, NULL) != 0) {
        g.query = (struct form){NULL, 0};
        plain = false;
    }
    struct str rest = path;
    while (rest.p != NULL && rest.n > 0) {
        struct str raw = str_cut(rest, '/', &rest);
        plain &= add_segment(a, raw, &g);
    }
    g.writes = line_writes(method, &g.query, &ambiguous);
    classify(&g, &ambiguous);
    if (!plain && (g.kind != GRAPH_OTHER || g.n == 0 || speaks_of_messages(a, path)))
        return err_set(e, WL_EINVAL, "the address can be read in more than one way; write it without unusual escapes");
    if (ambiguous && g.kind != GRAPH_OTHER)
        return err_set(e, WL_EINVAL,
                       "the address can be read in more than one way: a method given twice, or an ending "
                       "after the name of the edge");
    *ret = g;
    return 0;
}
