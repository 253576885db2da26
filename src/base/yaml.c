/* SPDX-License-Identifier: Apache-2.0
 * yaml.c - libyaml's events turned into a tree, and the typed readings of its scalars.
 *
 * Owns the stack of open collections while parsing; the tree itself lives in the caller's arena and holds
 * copies of every text. A mapping's keys are sorted once when it closes, so that finding duplicates costs
 * n log n. It refuses everything in YAML that makes one text mean another: anchors, aliases, tags, directives
 * for tags, second documents, keys that are not scalars, NUL characters. It never guesses a type; the
 * readings at the end of the file are asked for by name. */
#include "base/yaml.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/clock.h"

struct level {
    struct yaml *node;
    struct yaml **tail; /* where the next child is hung */
    struct str key;     /* a mapping's key that waits for its value */
    int key_line;
};

struct builder {
    struct arena *arena;
    const char *file;
    struct err *e;
    struct yaml *root;
    struct level levels[YAML_MAX_DEPTH];
    int depth, nodes, documents;
};

static int line_of(const yaml_mark_t *mark)
{
    return mark->line < INT_MAX ? (int)mark->line + 1 : INT_MAX;
}

static int refuse(struct builder *b, int line, const char *why)
{
    return err_set(b->e, WL_EINVAL, "%s:%d: %s", b->file, line, why);
}

static int no_memory(struct builder *b)
{
    return err_set(b->e, WL_ENOMEM, "%s: out of memory", b->file);
}

/* Hangs a new node under the open collection. */
static int add_node(struct builder *b, enum yaml_kind kind, int line, struct yaml **ret)
{
    if (++b->nodes > YAML_MAX_NODES)
        return err_set(b->e, WL_ETOOBIG, "%s:%d: more than %d values", b->file, line, YAML_MAX_NODES);
    struct yaml *n = arena_new(b->arena, struct yaml);
    if (n == NULL)
        return no_memory(b);
    n->kind = kind;
    n->line = line;
    n->file = b->file;
    if (b->depth == 0) {
        b->root = n;
    } else {
        struct level *l = &b->levels[b->depth - 1];
        n->key = l->key;
        n->key_line = l->key_line;
        l->key = (struct str){NULL, 0};
        *l->tail = n;
        l->tail = &n->next;
        l->node->children++;
    }
    *ret = n;
    return WL_OK;
}

static bool key_expected(const struct builder *b)
{
    return b->depth > 0 && b->levels[b->depth - 1].node->kind == YAML_MAPPING && b->levels[b->depth - 1].key.p == NULL;
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
    const char *p = (const char *)ev->data.scalar.value;
    size_t n = ev->data.scalar.length;
    int line = line_of(&ev->start_mark);
    if (ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL)
        return refuse(b, line, "anchors and tags are not allowed");
    if (memchr(p, 0, n) != NULL)
        return refuse(b, line, "a NUL character is not allowed");
    char *copy = arena_strndup(b->arena, p, n);
    if (copy == NULL)
        return no_memory(b);
    if (key_expected(b)) {
        b->levels[b->depth - 1].key = (struct str){copy, n};
        b->levels[b->depth - 1].key_line = line;
        return WL_OK;
    }
    struct yaml *node;
    int rc = add_node(b, YAML_SCALAR, line, &node);
    if (rc != WL_OK)
        return rc;
    node->text = (struct str){copy, n};
    node->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return WL_OK;
}

static int on_open(struct builder *b, const yaml_event_t *ev)
{
    bool mapping = ev->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor = mapping ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
    const yaml_char_t *tag = mapping ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
    int line = line_of(&ev->start_mark);
    if (anchor != NULL || tag != NULL)
        return refuse(b, line, "anchors and tags are not allowed");
    if (key_expected(b))
        return refuse(b, line, "a key must be plain text");
    if (b->depth == YAML_MAX_DEPTH)
        return refuse(b, line, "nested too deeply");
    struct yaml *node;
    int rc = add_node(b, mapping ? YAML_MAPPING : YAML_SEQUENCE, line, &node);
    if (rc == WL_OK)
        b->levels[b->depth++] = (struct level){.node = node, .tail = &node->child};
    return rc;
}

static int by_key(const void *a, const void *b)
{
    const struct yaml *x = *(const struct yaml *const *)a, *y = *(const struct yaml *const *)b;
    int order = strcmp(x->key.p, y->key.p);
    return order != 0 ? order : (x->key_line > y->key_line) - (x->key_line < y->key_line);
}

static int on_close(struct builder *b)
{
    struct yaml *m = b->levels[--b->depth].node;
    if (m->kind != YAML_MAPPING || m->children < 2)
        return WL_OK;
    size_t n = 0;
    struct yaml **all = malloc((size_t)m->children * sizeof(struct yaml *));
    if (all == NULL)
        return no_memory(b);
    for (struct yaml *c = m->child; c != NULL; c = c->next)
        all[n++] = c;
    qsort(all, n, sizeof(struct yaml *), by_key);
    int rc = WL_OK;
    for (size_t i = 1; i < n && rc == WL_OK; i++)
        if (str_eq(all[i - 1]->key, all[i]->key))
            rc = err_set(b->e, WL_EINVAL, "%s:%d: the key \"%.60s\" is already on line %d", b->file, all[i]->key_line,
                         all[i]->key.p, all[i - 1]->key_line);
    free(all);
    return rc;
}

static int on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (ev->data.document_start.tag_directives.start != ev->data.document_start.tag_directives.end)
            return refuse(b, line_of(&ev->start_mark), "tag directives are not allowed");
        return ++b->documents > 1 ? refuse(b, line_of(&ev->start_mark), "only one document a file is allowed") : WL_OK;
    case YAML_ALIAS_EVENT:
        return refuse(b, line_of(&ev->start_mark), "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        return on_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return on_open(b, ev);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(b);
    default:
        return WL_OK;
    }
}

static struct str line_at(struct str text, int line)
{
    struct str rest = text, one = {NULL, 0};
    for (int i = 0; i < line && rest.p != NULL; i++)
        one = str_cut(rest, '\n', &rest);
    return one;
}

/* What people mostly did when libyaml says this, and what helps. */
static const char *advice(const char *problem, struct str line)
{
    size_t i = 0;
    while (i < line.n && line.p[i] == ' ')
        i++;
    if (i < line.n && line.p[i] == '\t')
        return ": the line is indented with a tab; use spaces";
    if (strstr(problem, "mapping values are not allowed") != NULL)
        return ": is there a colon in a text? put the text in quotes; else look at the indentation";
    if (strstr(problem, "cannot start any token") != NULL)
        return ": put the text in quotes";
    if (strstr(problem, "could not find expected ':'") != NULL)
        return ": a key without its colon, here or in the line before, or a text that wants quotes";
    return "";
}

/* libyaml's complaint in our form. Complaints about bytes carry an offset instead of a line. */
static int syntax_error(struct builder *b, const yaml_parser_t *p, struct str text)
{
    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(b);
    int line = line_of(&p->problem_mark);
    if (p->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < p->problem_offset && i < text.n; i++)
            line += text.p[i] == '\n';
    }
    char why[256];
    const char *problem = p->problem != NULL ? p->problem : "not valid YAML";
    snprintf(why, sizeof why, "%s%s", problem, advice(problem, line_at(text, line)));
    return refuse(b, line, why);
}

static int build(struct builder *b, struct str text)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return no_memory(b);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n > 0 ? text.p : ""), text.n);
    int rc = WL_OK;
    for (bool over = false; !over && rc == WL_OK;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&parser, &ev)) {
            rc = syntax_error(b, &parser, text);
            break;
        }
        over = ev.type == YAML_STREAM_END_EVENT;
        rc = on_event(b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    return rc;
}

int yaml_parse(struct arena *a, const char *name, struct str text, struct yaml **ret, struct err *e)
{
    if (text.n > YAML_MAX_BYTES)
        return err_set(e, WL_ETOOBIG, "%s: larger than %u bytes", name, YAML_MAX_BYTES);
    struct builder b = {.arena = a, .file = name, .e = e};
    int rc = build(&b, text);
    if (rc != WL_OK)
        return rc;
    /* Nothing at all, or a document of nothing ("---"): a file with all its keys left out. */
    bool nothing = b.root == NULL || (b.root->kind == YAML_SCALAR && b.root->text.n == 0 && !b.root->quoted);
    if (nothing) {
        rc = add_node(&b, YAML_MAPPING, 1, &b.root);
        if (rc != WL_OK)
            return rc;
    }
    *ret = b.root;
    return WL_OK;
}

int yaml_parse_file(struct arena *a, const char *path, struct yaml **ret, struct err *e)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return errno == ENOENT ? err_set(e, WL_ENOTFOUND, "%s: no such file", path)
                               : err_set(e, WL_EIO, "%s: %s", path, strerror(errno));
    struct buf text;
    buf_init(&text, YAML_MAX_BYTES + 1);
    char piece[16384];
    size_t n;
    while (!text.failed && (n = fread(piece, 1, sizeof piece, f)) > 0)
        if (!buf_put(&text, piece, text.max - text.len < n ? text.max - text.len : n) || text.len == text.max)
            break;
    int rc, broken = ferror(f) ? errno : 0;
    fclose(f);
    char *name = arena_strdup(a, path);
    if (broken != 0)
        rc = err_set(e, WL_EIO, "%s: %s", path, strerror(broken));
    else if (name == NULL || text.failed)
        rc = err_set(e, WL_ENOMEM, "%s: out of memory", path);
    else
        rc = yaml_parse(a, name, buf_str(&text), ret, e);
    buf_done(&text);
    return rc;
}

const struct yaml *yaml_get(const struct yaml *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != YAML_MAPPING)
        return NULL;
    struct str want = str_of(key);
    for (const struct yaml *c = mapping->child; c != NULL; c = c->next)
        if (str_eq(c->key, want))
            return c;
    return NULL;
}

int yaml_error(const struct yaml *n, struct err *e, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n == NULL)
        return err_set(e, WL_EINVAL, "a value is missing: %s", text);
    if (n->key.p != NULL)
        return err_set(e, WL_EINVAL, "%s:%d: %.60s: %s", n->file, n->key_line, n->key.p, text);
    return err_set(e, WL_EINVAL, "%s:%d: %s", n->file, n->line, text);
}

#define WORD_MAX 64

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edits (a letter added, dropped, changed, or two swapped) from a to b; case is free. Both <= WORD_MAX. */
static int edits(struct str a, struct str b)
{
    int row[3][WORD_MAX + 1];
    int *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n];
}

const char *nearest_word(struct str word, const char *const *list)
{
    const char *best = NULL;
    int fewest = INT_MAX;
    if (word.n > WORD_MAX)
        return NULL;
    for (; *list != NULL; list++) {
        struct str w = str_of(*list);
        if (w.n > WORD_MAX)
            continue;
        int d = edits(word, w);
        size_t longer = w.n > word.n ? w.n : word.n;
        if (d < fewest && (size_t)d * 2 <= longer) {
            fewest = d;
            best = *list;
        }
    }
    return best;
}

static int unknown_key(const struct yaml *n, const char *const *known, const char *what, struct err *e)
{
    const char *near = nearest_word(n->key, known);
    if (near != NULL)
        return err_set(e, WL_EINVAL, "%s:%d: unknown key \"%.60s\" in %s; did you mean \"%s\"?", n->file, n->key_line,
                       n->key.p, what, near);
    char all[ERR_TEXT_MAX] = "";
    size_t len = 0;
    for (; *known != NULL && len + strlen(*known) + 3 < sizeof all; known++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", len > 0 ? ", " : "", *known);
    return err_set(e, WL_EINVAL, "%s:%d: unknown key \"%.60s\" in %s; its keys are: %s", n->file, n->key_line, n->key.p,
                   what, all);
}

int yaml_known_keys(const struct yaml *mapping, const char *const *known, const char *what, struct err *e)
{
    if (mapping == NULL || mapping->kind != YAML_MAPPING)
        return yaml_error(mapping, e, "a %s must be written as keys and values", what);
    for (const struct yaml *c = mapping->child; c != NULL; c = c->next) {
        const char *const *k = known;
        while (*k != NULL && !str_eq(c->key, str_of(*k)))
            k++;
        if (*k == NULL)
            return unknown_key(c, known, what, e);
    }
    return WL_OK;
}

int yaml_str(const struct yaml *n, struct str *ret, struct err *e)
{
    if (n == NULL || n->kind != YAML_SCALAR)
        return yaml_error(n, e, "must be a single value, not a list or keys and values");
    *ret = n->text;
    return WL_OK;
}

int yaml_i64(const struct yaml *n, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
    struct str s = {NULL, 0};
    int64_t v;
    int rc = yaml_str(n, &s, e);
    if (rc != WL_OK)
        return rc;
    if (min == max && (!str_i64(s, &v) || v != min))
        return yaml_error(n, e, "must be %lld", (long long)min);
    if (!str_i64(s, &v) || v < min || v > max)
        return yaml_error(n, e, "must be a whole number from %lld to %lld", (long long)min, (long long)max);
    *ret = v;
    return WL_OK;
}

int yaml_bool(const struct yaml *n, bool *ret, struct err *e)
{
    struct str s = {NULL, 0};
    int rc = yaml_str(n, &s, e);
    if (rc != WL_OK)
        return rc;
    bool yes = str_eq(s, STR("true"));
    if (!yes && !str_eq(s, STR("false")))
        return yaml_error(n, e, "must be true or false");
    *ret = yes;
    return WL_OK;
}

int yaml_duration(const struct yaml *n, int64_t *ret_ms, struct err *e)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    struct str s = {NULL, 0};
    int rc = yaml_str(n, &s, e);
    if (rc != WL_OK)
        return rc;
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    struct str unit = {s.p + digits, s.n - digits};
    int64_t v;
    if (str_i64((struct str){s.p, digits}, &v)) {
        if (v == 0 && unit.n == 0) {
            *ret_ms = 0;
            return WL_OK;
        }
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (str_eq(unit, str_of(units[i].name)) && !__builtin_mul_overflow(v, units[i].ms, &v)) {
                *ret_ms = v;
                return WL_OK;
            }
    }
    return yaml_error(n, e, "must be a duration such as 250ms, 30s, 5m, 24h or 7d");
}

int yaml_date(const struct yaml *n, int64_t *ret_ms, struct err *e)
{
    struct str s = {NULL, 0};
    int64_t ms;
    int rc = yaml_str(n, &s, e);
    if (rc != WL_OK)
        return rc;
    if (s.n != 10 || !time_parse(s.p, s.n, &ms))
        return yaml_error(n, e, "must be a date such as 2026-08-11");
    *ret_ms = ms;
    return WL_OK;
}
