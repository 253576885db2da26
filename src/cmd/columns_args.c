/* SPDX-License-Identifier: Apache-2.0
 * columns_args.c - reads and writes mappings of columns.
 *
 * What --map says is said behind the file of --mapping, so that one column of it can be put right on the command line. */
#include "cmd/columns_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml.h"
#include "cmd/term.h"

#define MAPPING_BYTES (4u << 20)

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
        return rc != 0 ? rc : columns_order(c, (enum column_role)of, name, e);
    }
    for (const struct yaml *v = role->child; v != NULL; v = v->next) {
        int rc = yaml_str(v, &name, e);
        if (rc == 0)
            rc = columns_order(c, (enum column_role)of, name, e);
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
    for (size_t i = 0; rc == 0 && i < c->n; i++)
        c->column[i].role = COLUMN_NONE;
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
    return columns_order(c, (enum column_role)of, column, e);
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
        put_quoted(f, c->column[at].name);
        first = false;
    }
    if (!first)
        fputs("]\n", f);
}

int columns_args_save(const struct args *a, const struct columns *c)
{
    const char *path = args_get(a, "save-mapping");
    if (path == NULL)
        return CMD_OK;
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    fputs("# What the columns of a file are, for --mapping.\ncolumns:\n", f);
    for (int role = COLUMN_NONE; role < COLUMN_ERROR; role++)
        put_role(f, c, (enum column_role)role);
    bool bad = ferror(f) != 0;
    if (fclose(f) != 0 || bad)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    return CMD_OK;
}
