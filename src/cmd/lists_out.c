/* SPDX-License-Identifier: Apache-2.0
 * lists_out.c - numbers written as a list, a table or text.
 *
 * Tables and text are table_out.h's, which guards cells and renames complete files; lists are list_writer's. */
#include "cmd/lists_out.h"

#include <stdlib.h>

#include "cmd/list_file.h"
#include "cmd/progress.h"
#include "cmd/table_out.h"

struct lists_out {
    struct list_writer *list;
    struct table_out *table;
    uint64_t count;
};

/* In capitals, too. */
static bool ends(struct str path, struct str end)
{
    return path.n >= end.n && str_ieq((struct str){path.p + path.n - end.n, end.n}, end);
}

/* Whether the name ends so, compressed or not. */
static bool is_named(struct str path, struct str end)
{
    if (ends(path, STR(".gz")))
        path.n -= 3;
    else if (ends(path, STR(".zst")))
        path.n -= 4;
    return ends(path, end);
}

static int open_table(struct lists_out *o, const char *path, struct err *e)
{
    int rc = table_out_open(&(struct table_out_options){.path = path}, NULL, &o->table, e);
    if (rc != 0 || !(is_named(str_of(path), STR(".csv")) || is_named(str_of(path), STR(".tsv"))))
        return rc;
    table_out_cell(o->table, STR("phone"));
    table_out_end(o->table);
    return 0;
}

int lists_out_open(const char *path, struct lists_out **ret, struct err *e)
{
    struct lists_out *o = calloc(1, sizeof *o);
    path = path != NULL ? path : "-";
    *ret = NULL;
    if (o == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for writing numbers");
    bool list = ends(str_of(path), STR(".wll"));
    int rc = list ? list_writer_open(path, &o->list, e) : 0;
    if (!list && is_named(str_of(path), STR(".wll")))
        rc = err_set(e, WL_EINVAL, "%s: a list is packed already; call it .wll, without .gz or .zst", path);
    else if (!list)
        rc = open_table(o, path, e);
    if (rc != 0)
        lists_out_drop(o);
    else
        *ret = o;
    return rc;
}

int lists_out_put(struct lists_out *o, struct number_span s, struct err *e)
{
    o->count += s.n;
    if (o->list != NULL)
        return list_writer_put(o->list, s, e);
    for (size_t i = 0; i < s.n; i++) {
        table_out_phone(o->table, s.p[i]);
        table_out_end(o->table);
    }
    return 0;
}

int lists_out_close(struct lists_out *o, struct err *e)
{
    int rc = o->list != NULL ? list_writer_close(o->list, NULL, e) : table_out_close(o->table, e);
    free(o);
    return rc;
}

void lists_out_drop(struct lists_out *o)
{
    if (o == NULL)
        return;
    list_writer_drop(o->list);
    table_out_drop(o->table, false);
    free(o);
}

uint64_t lists_out_count(const struct lists_out *o)
{
    return o->count;
}

int lists_out_all(struct lists_out *o, struct number_source from, struct progress *progress, uint64_t total,
                  struct err *e)
{
    struct number_span s;
    int rc;
    while ((rc = from.next(from.ctx, 0, &s, e)) == 0 && s.n > 0) {
        rc = lists_out_put(o, s, e);
        if (rc != 0)
            return rc;
        if (progress != NULL)
            progress_tell(progress, o->count, total, o->count);
    }
    return rc;
}
