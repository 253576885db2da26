/* SPDX-License-Identifier: Apache-2.0
 * ledger_public.c - the published log for monitors and witnesses: GET /ledger/checkpoint and /ledger/tile/...
 *
 * Off unless the configuration says otherwise; then the path is the Graph API's like any other. Needs no key: nothing in the
 * log is personal. A path is read into a tile and written anew, so that only names of tiles are ever opened, and one spelling
 * of each. */
#include <stdio.h>

#include "gateway/checkpoints_impl.h"
#include "net/http_server.h"

#define PREFIX  "/ledger/"
#define PATH_IS TLOG_PATH_MAX

/* "x001/x234/067" or "067.p/17" behind the level. */
static bool read_place(struct str s, struct tlog_tile *t)
{
    struct str width = {NULL, 0}, rest = s;
    for (size_t i = 0; i + 3 <= s.n && width.p == NULL; i++)
        if (memcmp(s.p + i, ".p/", 3) == 0) {
            width = (struct str){s.p + i + 3, s.n - i - 3};
            rest = (struct str){s.p, i};
        }
    int64_t v = TLOG_TILE;
    if (width.p != NULL && (!str_i64(width, &v) || v < 1 || v >= TLOG_TILE))
        return false;
    t->width = (int)v;
    t->n = 0;
    while (rest.p != NULL) {
        struct str part = str_cut(rest, '/', &rest);
        if (part.n == 4 && part.p[0] == 'x' && rest.p != NULL)
            part = (struct str){part.p + 1, 3};
        if (part.n != 3 || !str_i64(part, &v) || v < 0 || t->n > INT64_MAX / 1000 - 1)
            return false;
        t->n = t->n * 1000 + v;
    }
    return true;
}

/* Whether it is the path of a tile, in the one spelling it has. */
static bool read_tile(struct str path, struct tlog_tile *t, bool *ret_entries)
{
    char same[TLOG_PATH_MAX];
    struct str rest, level;
    int64_t v = 0;
    if (!str_eq(str_cut(path, '/', &rest), STR("tile")) || path.n >= PATH_IS)
        return false;
    level = str_cut(rest, '/', &rest);
    *ret_entries = str_eq(level, STR("entries"));
    if ((!*ret_entries && (!str_i64(level, &v) || v < 0 || v >= LEDGER_LEVELS)) || rest.p == NULL ||
        !read_place(rest, t))
        return false;
    t->level = (int)v;
    tlog_tile_path(t, *ret_entries, same);
    return str_eq(path, str_of(same));
}

static void not_there(struct http_req *rq)
{
    const struct http_header h[] = {{STR("Content-Type"), STR("text/plain; charset=utf-8")}};
    http_reply(rq, 404, h, 1, STR("not there\n"));
}

static void reply_tile(struct gateway *g, struct http_req *rq, const struct tlog_tile *t, bool entries)
{
    static const struct http_header h[] = {{STR_INIT("Content-Type"), STR_INIT("application/octet-stream")},
                                           {STR_INIT("Cache-Control"),
                                            STR_INIT("public, max-age=31536000, immutable")}};
    uint8_t *bytes = arena_alloc(http_arena(rq), LEDGER_FILE_MAX);
    size_t n = 0;
    if (bytes == NULL || ledger_dir_exact(&g->checkpoints->dir, t, entries, bytes, &n, NULL) != 0)
        not_there(rq);
    else
        http_reply(rq, 200, h, 2, (struct str){(const char *)bytes, n});
}

static void reply_checkpoint(struct gateway *g, struct http_req *rq)
{
    static const struct http_header h[] = {{STR_INIT("Content-Type"), STR_INIT("text/plain; charset=utf-8")},
                                           {STR_INIT("Cache-Control"), STR_INIT("no-cache")}};
    struct str note;
    if (checkpoints_note(g->checkpoints, http_arena(rq), &note, NULL) != 0)
        not_there(rq);
    else
        http_reply(rq, 200, h, 2, note);
}

void ledger_public_begin(struct gateway *g, struct http_req *rq)
{
    struct str path = http_path(rq);
    struct tlog_tile t;
    bool entries = false, reads = str_eq(http_method(rq), STR("GET")) || str_eq(http_method(rq), STR("HEAD"));
    if (!g->o.ledger_public || !reads) {
        graph_api_begin(g, rq);
        return;
    }
    path = (struct str){path.p + sizeof PREFIX - 1, path.n - (sizeof PREFIX - 1)};
    if (str_eq(path, STR("checkpoint")))
        reply_checkpoint(g, rq);
    else if (read_tile(path, &t, &entries))
        reply_tile(g, rq, &t, entries);
    else
        not_there(rq);
}
