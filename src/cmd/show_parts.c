/* SPDX-License-Identifier: Apache-2.0
 * show_parts.c - what every answer is laid out with: a word and its value on a line, and tables.
 *
 * A table's last column is as wide as it needs to be; the others keep their width, and what is longer pushes the rest of its
 * line on, because a cut id is no id. */
#include <stdio.h>
#include <string.h>

#include "cmd/show.h"
#include "cmd/term.h"

struct str show_text(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), STR(""));
}

int64_t show_number(struct json object, const char *key)
{
    int64_t n = 0;
    json_i64(json_get(object, key), &n);
    return n;
}

bool show_flag(struct json object, const char *key)
{
    bool b = false;
    json_bool(json_get(object, key), &b);
    return b;
}

void show_label(int indent, const char *word)
{
    printf("%*s", indent, "");
    term_cell(stdout, TONE_DIM, str_of(word), SHOW_LABEL - indent);
    putchar(' ');
}

void show_line(int indent, const char *word, struct str value)
{
    if (value.n == 0)
        return;
    show_label(indent, word);
    if (value.p[0] != '{') {
        term_wrap(stdout, SHOW_LABEL + 1, value);
        return;
    }
    term_text(stdout, TONE_PLAIN, value); /* JSON, to be copied in one piece */
    putchar('\n');
}

void show_time_line(int indent, const char *word, struct json v)
{
    char out[SHOW_TIME];
    show_line(indent, word, show_time(v, out));
}

static struct str cell(struct json v, char out[SHOW_TIME])
{
    struct str s;
    int64_t n;
    bool yes;
    if (json_str(v, &s))
        return show_time(v, out);
    if (json_i64(v, &n))
        snprintf(out, SHOW_TIME, "%lld", (long long)n);
    else if (json_bool(v, &yes))
        snprintf(out, SHOW_TIME, "%s", yes ? "yes" : "no");
    else
        return STR("-");
    return str_of(out);
}

/* "lag.bodies" is the member of a member. */
static struct json member(struct json row, const char *key)
{
    char name[64];
    const char *dot = strchr(key, '.');
    if (dot == NULL)
        return json_get(row, key);
    snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
    return json_at(row, name, dot + 1);
}

void show_table(struct json rows, const struct show_column *columns, const char *empty)
{
    char out[SHOW_TIME];
    if (json_count(rows) == 0) {
        puts(empty);
        return;
    }
    for (const struct show_column *c = columns; c->title != NULL; c++)
        term_cell(stdout, TONE_DIM, str_of(c->title), c[1].title != NULL ? c->width : 0);
    putchar('\n');
    for (struct json_iter it = json_iter(rows); json_next(&it);) {
        for (const struct show_column *c = columns; c->title != NULL; c++) {
            struct str text = cell(member(it.value, c->key), out);
            bool last = c[1].title == NULL;
            term_cell(stdout, c->tone != NULL ? c->tone(text) : TONE_PLAIN, text, last ? 0 : c->width);
            if (!last && term_width(text) >= (size_t)c->width)
                putchar(' ');
        }
        putchar('\n');
    }
}
