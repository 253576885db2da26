/* SPDX-License-Identifier: Apache-2.0
 * config_print.c - the configuration shown: merged with origins, as a commented sample, as a reference.
 *
 * A secret's value is never written, only whether it is set: what this file prints ends up in tickets. The sample
 * states every key once, commented out, with its default, so that uncommenting a line changes nothing by itself. */
#include "cmd/config.h"

#include <string.h>

#include "base/json.h"
#include "cmd/term.h"

static const char *const type_names[] = {
    [CONFIG_TEXT] = "text",
    [CONFIG_SAYING] = "text",
    [CONFIG_METHODS] = "text",
    [CONFIG_PATH] = "path",
    [CONFIG_SECRET_FILE] = "path",
    [CONFIG_PATHS] = "paths",
    [CONFIG_LAWS] = "names or paths",
    [CONFIG_STORE] = "path",
    [CONFIG_ADDRESS] = "address:port",
    [CONFIG_ORIGIN] = "URL",
    [CONFIG_URL] = "URL",
    [CONFIG_URL_PATH] = "URL path",
    [CONFIG_BOOL] = "true or false",
    [CONFIG_COUNT] = "number",
    [CONFIG_ITEMS] = "number",
    [CONFIG_SIZE] = "size",
    [CONFIG_MILLIS] = "duration",
    [CONFIG_SECONDS] = "duration",
    [CONFIG_ID] = "id",
    [CONFIG_WORD] = "word",
};

static const char *leaf_of(const struct config_key *key)
{
    return strrchr(key->path, '.') + 1;
}

/* What tells this entry from the others of its list: its id, or its name. */
static const char *entry_name(const struct config *c, const struct config_value *of, const struct config_list *l)
{
    for (const struct config_value *v = c->values; v; v = v->next)
        if (v->entry == of->entry && config_list_of(v->key) == l && strcmp(leaf_of(v->key), l->key) == 0 && v->text)
            return v->text;
    return "?";
}

/* "webhook.path", or "senders.111.waba" for a value of a list's entry: the way --set spells it. */
static const char *value_name(const struct config *c, const struct config_value *v, char *out, size_t n)
{
    const struct config_list *l = config_list_of(v->key);
    if (l == NULL)
        return v->key->path;
    snprintf(out, n, "%s.%s.%s", l->path, entry_name(c, v, l), leaf_of(v->key));
    return out;
}

void config_print(const struct config *c, FILE *out)
{
    char name[128], origin[64];
    for (const struct config_value *v = c->values; v; v = v->next) {
        const char *text = v->text ? v->text : v->key->derived;
        enum tone tone = v->explicit ? TONE_BOLD : TONE_PLAIN;
        if (v->key->secret)
            text = v->text ? "(set)" : v->key->derived;
        term_cell(out, tone, str_of(value_name(c, v, name, sizeof name)), 30);
        fputc(' ', out);
        if (v->text == NULL) {
            snprintf(origin, sizeof origin, "(not set%s%s)", text ? ": " : "", text ? text : "");
            term_cell(out, TONE_DIM, str_of(origin), 38);
        } else {
            term_cell(out, tone, str_of(text), 38);
        }
        fputc(' ', out);
        term_text(out, TONE_DIM, str_of(v->origin));
        fputc('\n', out);
    }
}

static void json_lines(struct json_out *out, const char *key, const struct buf *lines)
{
    struct str rest = buf_str(lines);
    jo_key(out, key);
    jo_array(out);
    while (rest.n > 0)
        jo_str(out, str_cut(rest, '\n', &rest));
    jo_end(out);
}

void config_json(const struct config *c, struct json_out *out)
{
    char name[128];
    jo_object(out);
    jo_kbool(out, "ok", c->problems.len == 0);
    jo_kcstr(out, "file", c->file);
    jo_key(out, "values");
    jo_object(out);
    for (const struct config_value *v = c->values; v; v = v->next) {
        jo_key(out, value_name(c, v, name, sizeof name));
        jo_object(out);
        if (v->key->secret)
            jo_kbool(out, "set", v->text != NULL);
        else
            jo_kcstr(out, "value", v->text);
        jo_kcstr(out, "origin", v->origin);
        jo_end(out);
    }
    jo_end(out);
    json_lines(out, "problems", &c->problems);
    json_lines(out, "warnings", &c->warnings);
    jo_end(out);
}

/* ---------------------------------------------------------------- the commented sample */

static void comment(FILE *out, int indent, const char *text)
{
    struct str rest = str_of(text);
    size_t column = 200;
    bool first = true;
    while (rest.n > 0) {
        struct str word = str_cut(rest, ' ', &rest);
        if (column + 1 + term_width(word) > 100) {
            fprintf(out, "%s%*s#", first ? "" : "\n", indent, "");
            column = (size_t)indent + 1;
            first = false;
        }
        fprintf(out, " %.*s", (int)word.n, word.p);
        column += 1 + term_width(word);
    }
    fputc('\n', out);
}

static void sample_key(FILE *out, const struct config_key *k, const char *leaf, int indent, const char *lead)
{
    char text[400];
    if (k->derived && k->fallback == NULL)
        snprintf(text, sizeof text, "%s. Default: %s.", k->help, k->derived);
    else
        snprintf(text, sizeof text, "%s.", k->help);
    comment(out, indent, text);
    const char *shown = k->fallback ? k->fallback : k->sample ? k->sample : "...";
    fprintf(out, "%*s#%s%s: %s\n", indent, "", lead, leaf, shown);
}

static void sample_entry(FILE *out, const struct config_key *k, const struct config_list *l)
{
    const char *dot = strchr(l->path, '.'), *leaf = strrchr(k->path, '.') + 1;
    bool first = strcmp(leaf, l->key) == 0;
    int indent = dot ? 2 : 0;
    if (first)
        fprintf(out, "\n%*s#%s:\n", indent, "", dot ? dot + 1 : l->path);
    sample_key(out, k, leaf, indent + 2, first ? "- " : "  ");
}

void config_sample(FILE *out)
{
    struct str section = {"", 0};
    fputs("# wayleave.yaml: every setting with its default or, where there is none, an example. Lines beginning with "
          "'#' do\n"
          "# nothing; take the '#' off to change a value, and off the section's name above it too. Relative paths are\n"
          "# relative to this file.\n"
          "# wayleave check-config shows what is in force and where it came from; see also wayleave.conf(5).\n\n",
          out);
    for (const struct config_key *k = config_keys; k->path; k++) {
        const struct config_list *l = config_list_of(k);
        struct str leaf, name = str_cut(str_of(k->path), '.', &leaf);
        if (leaf.n > 0 && !str_eq(name, section) && !(l && strchr(l->path, '.') == NULL))
            fprintf(out, "\n#%.*s:\n", (int)name.n, name.p);
        section = name;
        if (l != NULL)
            sample_entry(out, k, l);
        else
            sample_key(out, k, leaf.n > 0 ? leaf.p : k->path, leaf.n > 0 ? 2 : 0, "");
    }
}

/* ---------------------------------------------------------------- the reference */

static const char *default_text(const struct config_key *k)
{
    return k->fallback ? k->fallback : k->derived ? k->derived : "not set";
}

/* "10s to 24h"; "" where a range says nothing. */
static void range_text(const struct config_key *k, char *out, size_t n)
{
    char least[DURATION_TEXT], most[DURATION_TEXT];
    *out = '\0';
    switch (k->type) {
    case CONFIG_COUNT:
    case CONFIG_ITEMS:
        snprintf(out, n, "%lld to %lld", (long long)k->min, (long long)k->max);
        break;
    case CONFIG_SIZE:
        snprintf(out, n, "%lldKiB to %lldMiB", (long long)(k->min >> 10), (long long)(k->max >> 20));
        break;
    case CONFIG_SECONDS:
    case CONFIG_MILLIS: {
        const int64_t scale = k->type == CONFIG_SECONDS ? 1000 : 1;
        snprintf(out, n, "%s to %s", config_duration_text(k->min * scale, least),
                 config_duration_text(k->max * scale, most));
        break;
    }
    default:
        break;
    }
}

/* roff: '-' as a minus, backslashes and leading dots made harmless. */
static void roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

void config_man(FILE *out)
{
    char range[64];
    fputs(".SH KEYS\n", out);
    for (const struct config_key *k = config_keys; k->path; k++) {
        range_text(k, range, sizeof range);
        fputs(".TP\n\\fB", out);
        roff(out, k->path);
        fprintf(out, "\\fR (%s", type_names[k->type]);
        fprintf(out, "%s%s", *range ? ", " : "", range);
        fputs("; default: ", out);
        roff(out, default_text(k));
        fputs(")\n", out);
        roff(out, k->help);
        fputs(".\n", out);
    }
}

void config_markdown(FILE *out)
{
    char range[64];
    fputs("| Key | Type | Default | Meaning |\n|---|---|---|---|\n", out);
    for (const struct config_key *k = config_keys; k->path; k++) {
        range_text(k, range, sizeof range);
        const char *mark = k->fallback ? "`" : "";
        fprintf(out, "| `%s` | %s%s%s | %s%s%s | %s |\n", k->path, type_names[k->type], *range ? ", " : "", range, mark,
                default_text(k), mark, k->help);
    }
}
