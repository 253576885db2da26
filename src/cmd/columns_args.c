/* SPDX-License-Identifier: Apache-2.0
 * columns_args.c - reads and writes mappings of columns.
 *
 * A mapping replaces its file when it is complete. What --map says is said behind the file of --mapping, so that one column of it can be put right on the command line. */
#include "cmd/columns_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cmd/fresh_file.h"
#include "cmd/term.h"

#define MAPPING_BYTES (4u << 20)
#define LISTED_BYTES  160 /* of the names of columns in a message */

/* columns_order(), and which columns there are when it was none of them. */
static int order(struct columns *c, enum column_role role, struct str name, struct err *e)
{
    struct buf all;
    int rc = columns_order(c, role, name, e);
    const char **names = rc != 0 ? arena_new_array(c->arena, const char *, c->n + 1) : NULL;
    if (names == NULL)
        return rc;
    buf_init(&all, LISTED_BYTES + 256);
    for (size_t i = 0; i < c->n; i++) {
        struct str is = str_clip(c->column[i].name, 60);
        names[i] = arena_strndup(c->arena, is.p, is.n);
        if (all.len < LISTED_BYTES)
            buf_printf(&all, "%s%.*s", i > 0 ? ", " : "", (int)is.n, is.p);
        else if (i + 1 == c->n)
            buf_puts(&all, ", ...");
    }
    names[c->n] = NULL;
    const char *near = nearest_word(name, names);
    rc = err_set(e, rc, "there is no column \"%.*s\" for %s%s%s%s; the columns are %s", (int)str_clip(name, 60).n,
                 name.p, column_role_word(role), near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
                 near != NULL ? "\"?" : "", buf_cstr(&all));
    buf_done(&all);
    return rc;
}

static int one_role(struct columns *c, const struct yaml *role, struct err *e)
{
    int of = column_role_of_word(role->key);
    struct str name;
    if (of < 0) {
        const char *words[COLUMN_ROLES + 1] = {0};
        for (int i = 0; i < COLUMN_ROLES; i++)
            words[i] = column_role_word((enum column_role)i);
        const char *near = nearest_word(role->key, words);
        return yaml_error(role, e, "there is no role \"%.*s\"%s%s", (int)role->key.n, role->key.p,
                          near != NULL ? "; did you mean " : "", near != NULL ? near : "");
    }
    if (role->kind == YAML_SCALAR) {
        int rc = yaml_str(role, &name, e);
        return rc != 0 ? rc : order(c, (enum column_role)of, name, e);
    }
    for (const struct yaml *v = role->child; v != NULL; v = v->next) {
        int rc = yaml_str(v, &name, e);
        if (rc == 0)
            rc = order(c, (enum column_role)of, name, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_mapping(const char *path, struct columns *c, struct err *e)
{
    static const char *const known[] = {"columns", NULL};
    struct arena *a = arena_create(MAPPING_BYTES);
    struct yaml *root;
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "no memory") : yaml_parse_file(a, path, &root, e);
    if (rc == 0)
        rc = yaml_known_keys(root, known, "mapping", e);
    const struct yaml *columns = rc == 0 ? yaml_get(root, "columns") : NULL;
    if (rc == 0 && (columns == NULL || columns->kind != YAML_MAPPING))
        rc = err_set(e, WL_EINVAL, "%s: it has no columns", path);
    if (rc == 0)
        columns_forget(c);
    for (const struct yaml *role = columns != NULL ? columns->child : NULL; rc == 0 && role != NULL; role = role->next)
        rc = one_role(c, role, e);
    arena_free(a);
    return rc;
}

static int read_word(struct columns *c, const char *word, struct err *e)
{
    struct str column, role = str_cut(str_of(word), '=', &column);
    int of = column_role_of_word(role);
    if (column.n == 0 || of < 0)
        return err_set(e, WL_EINVAL, "--map wants ROLE=COLUMN, as in phone=Mobile%s%.*s%s", of < 0 ? ", and \"" : "",
                       of < 0 ? (int)role.n : 0, role.p, of < 0 ? "\" is no role" : "");
    return order(c, (enum column_role)of, column, e);
}

int columns_args_apply(const struct args *a, struct columns *c)
{
    struct err e = {0};
    const char *path = args_get(a, "mapping"), *word;
    if (path != NULL && read_mapping(path, c, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    for (size_t i = 0; (word = args_nth(a, "map", i)) != NULL; i++)
        if (read_word(c, word, &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "%s", e.text);
    return CMD_OK;
}

static void put_quoted(FILE *f, struct str s)
{
    fputc('"', f);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (b == '"' || b == '\\')
            fprintf(f, "\\%c", b);
        else if (b < 0x20)
            fprintf(f, "\\x%02x", b);
        else
            fputc(b, f);
    }
    fputc('"', f);
}

/* The name a column is found by: "Phone", "Phone#2" when it is the second one, "#3" when it has none. */
static void put_name(FILE *f, const struct columns *c, size_t at)
{
    char number[32] = "";
    struct str name = c->column[at].name;
    size_t same = 1;
    for (size_t i = 0; i < at; i++)
        same += str_eq(c->column[i].name, name);
    struct buf text;
    buf_init(&text, name.n + sizeof number);
    if (name.n > 0)
        buf_putstr(&text, name);
    if (name.n == 0 || same > 1)
        snprintf(number, sizeof number, "#%zu", name.n == 0 ? at + 1 : same);
    buf_puts(&text, number);
    for (size_t i = 0; same > 1 && i < c->n; i++) /* another column is called just that */
        if (str_eq(c->column[i].name, buf_str(&text))) {
            buf_clear(&text);
            snprintf(number, sizeof number, "#%zu", at + 1);
            buf_puts(&text, number);
            break;
        }
    put_quoted(f, buf_str(&text));
    buf_done(&text);
}

static void put_role(FILE *f, const struct columns *c, enum column_role role)
{
    bool first = true;
    for (size_t i = 0; i < c->n; i++) { /* numbers in the order they are asked in */
        size_t at = role == COLUMN_PHONE ? (i < c->phones ? (size_t)c->phone[i] : c->n) : i;
        if (at >= c->n || c->column[at].role != role)
            continue;
        if (role == COLUMN_NONE && c->column[at].reason != COLUMN_BY_ORDER)
            continue;
        if (first)
            fprintf(f, "  %s: [", column_role_word(role));
        else
            fputs(", ", f);
        put_name(f, c, at);
        first = false;
    }
    if (!first)
        fputs("]\n", f);
}

static bool same_file(const char *path, const char *other)
{
    struct stat a, b;
    if (other == NULL)
        return false;
    if (stat(path, &a) == 0 && stat(other, &b) == 0)
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino && S_ISREG(a.st_mode);
    return strcmp(path, other) == 0;
}

static int write_mapping(int fd, const struct columns *c, struct err *e)
{
    FILE *f = fdopen(dup(fd), "w");
    if (f == NULL)
        return err_set(e, WL_EIO, "%s", strerror(errno));
    fputs("# What the columns of a file are, for --mapping.\ncolumns:\n", f);
    for (int role = COLUMN_NONE; role < COLUMN_ERROR; role++)
        put_role(f, c, (enum column_role)role);
    bool bad = ferror(f) != 0;
    return fclose(f) != 0 || bad ? err_set(e, WL_EIO, "%s", strerror(errno)) : 0;
}

int columns_args_save(const struct args *a, const struct columns *c)
{
    const char *path = args_get(a, "save-mapping");
    struct fresh_file f;
    struct err e = {0};
    if (path == NULL)
        return CMD_OK;
    for (size_t i = 0; i < a->n_words; i++)
        if (same_file(path, a->word[i]))
            return cmd_fail(CMD_USAGE, "name another one", "--save-mapping %s: that is the file that is read", path);
    if (same_file(path, args_get(a, "errors")))
        return cmd_fail(CMD_USAGE, "name another one", "--save-mapping %s: --errors goes there", path);
    int rc = fresh_file_open(path, &f, &e);
    if (rc == 0)
        rc = write_mapping(f.fd, c, &e);
    if (rc == 0)
        rc = fresh_file_publish(&f, &e);
    fresh_file_drop(&f);
    return rc == 0 ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, e.text);
}

int columns_args_delimiter(const struct args *a, char *ret)
{
    static const struct {
        const char *word;
        char delimiter;
    } words[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}};
    const char *word = args_get(a, "delimiter");
    *ret = '\0';
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].word) == 0)
            *ret = words[i].delimiter;
    if (word == NULL || *ret != '\0')
        return CMD_OK;
    if (strlen(word) != 1 || strchr("\"\n\r", *word) != NULL)
        return cmd_fail(CMD_USAGE, NULL, "--delimiter must be one character, or comma, semicolon, tab or pipe, not %s",
                        word);
    *ret = *word;
    return CMD_OK;
}
