/* SPDX-License-Identifier: Apache-2.0
 * ledger_public.c - the published log for monitors and witnesses: GET /ledger/checkpoint and /ledger/tile/...
 *
 * Off unless the configuration says otherwise; then the path is the Graph API's like any other. Needs no key: nothing in the
 * log is personal. A path is read into a tile and written anew, so that only names of tiles are ever opened, and one spelling
 * of each. */
#include "gateway/checkpoints_impl.h"
#include "net/http_server.h"

#define PREFIX "/ledger/"

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
    else if (ledger_path_parse(path, &t, &entries))
        reply_tile(g, rq, &t, entries);
    else
        not_there(rq);
}
