/* SPDX-License-Identifier: Apache-2.0
 * contacts_export.c - `wayleave contacts export`: everything that is held on one person, as one JSON object.
 *
 * The gateway gives it out in pages; here they are put together: lists of the same name one after the other, the rest as the
 * first page says. It is written when all of it is there, so half an export is never taken for a whole one. The file is for
 * the person and its owner alone may read it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/rest_client.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define EXPORT_BYTES (1u << 30)
#define CURSOR_MAX   96

/* The lists that go on from page to page. */
static const char *const lists[] = {"messages", "webhooks", "statuses"};
#define LISTS (sizeof lists / sizeof lists[0])

struct export
{
    struct rest rest;
    struct buf head;        /* the first page's members */
    struct buf list[LISTS]; /* elements, comma-separated */
    char cursor[CURSOR_MAX];
    int64_t pages;
};

static void take_list(struct buf *to, struct json list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        if (to->len > 0)
            buf_putc(to, ',');
        json_write_value(to, it.value);
    }
}

/* A page's members; false: they do not fit any more. */
static bool take_page(struct export *x, struct json page)
{
    bool room = true;
    for (struct json_iter it = json_iter(page); json_next(&it);) {
        size_t i = 0;
        while (i < LISTS && !str_eq(it.key, str_of(lists[i])))
            i++;
        if (i < LISTS) {
            take_list(&x->list[i], it.value);
            room = room && !x->list[i].failed;
        } else if (x->pages == 0 && !str_eq(it.key, STR("next"))) {
            struct json_out out;
            if (x->head.len > 0)
                buf_putc(&x->head, ',');
            json_out_init(&out, &x->head);
            jo_str(&out, it.key);
            buf_putc(&x->head, ':');
            json_write_value(&x->head, it.value);
            room = room && !x->head.failed;
        }
    }
    x->pages++;
    return room;
}

static int read_pages(struct export *x, const char *who)
{
    struct json page;
    int rc = CMD_OK;
    do {
        struct buf path;
        struct str next = {NULL, 0};
        buf_init(&path, 4096);
        buf_puts(&path, "/contacts/");
        rest_segment(&path, str_of(who));
        buf_puts(&path, "/export");
        if (x->cursor[0] != '\0')
            buf_printf(&path, "?cursor=%s", x->cursor);
        rc = rest_call(&x->rest, "GET", buf_cstr(&path), (struct str){NULL, 0}, &page);
        buf_done(&path);
        if (rc == CMD_OK)
            rc = rest_check(&x->rest, page);
        if (rc != CMD_OK)
            return rc;
        if (!take_page(x, page))
            return cmd_fail(CMD_FAILED, NULL, "more is held on this person than fits %u bytes", EXPORT_BYTES);
        if (!json_str(json_get(page, "next"), &next) || next.n >= sizeof x->cursor)
            next = STR("");
        memcpy(x->cursor, next.p, next.n);
        x->cursor[next.n] = '\0';
    } while (x->cursor[0] != '\0');
    return CMD_OK;
}

static void write_all(const struct export *x, FILE *out)
{
    fputc('{', out);
    fwrite(buf_str(&x->head).p, 1, x->head.len, out);
    for (size_t i = 0; i < LISTS; i++) {
        fprintf(out, "%s\"%s\":[", x->head.len > 0 || i > 0 ? "," : "", lists[i]);
        if (x->list[i].len > 0)
            fwrite(buf_str(&x->list[i]).p, 1, x->list[i].len, out);
        fputc(']', out);
    }
    fputs("}\n", out);
}

static int write_file(const struct export *x, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    write_all(x, out);
    if (fclose(out) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    return CMD_OK;
}

int contacts_export(const struct args *a)
{
    struct export x = {.cursor = ""};
    const char *path = args_get(a, "output");
    buf_init(&x.head, EXPORT_BYTES);
    for (size_t i = 0; i < LISTS; i++)
        buf_init(&x.list[i], EXPORT_BYTES);
    int rc = rest_open(&x.rest, a);
    if (rc == CMD_OK)
        rc = read_pages(&x, a->word[0]);
    if (rc == CMD_OK && path != NULL && strcmp(path, "-") != 0)
        rc = write_file(&x, path);
    else if (rc == CMD_OK)
        write_all(&x, stdout);
    rest_close(&x.rest);
    buf_done(&x.head);
    for (size_t i = 0; i < LISTS; i++)
        buf_done(&x.list[i]);
    return rc;
}
