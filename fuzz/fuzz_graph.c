/* SPDX-License-Identifier: Apache-2.0
 * fuzz_graph.c - request lines and bodies as the drop-in face reads them, and links in answers.
 *
 * Input: path, query, content type, body, separated by newlines. What must hold: reading a path twice gives the same;
 * a path whose last part is a send edge is never passed through for a POST; a body that is read is an object; rewriting
 * links in valid JSON leaves valid JSON, and what is rewritten once is not rewritten again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "gateway/graph_body.h"
#include "gateway/graph_path.h"
#include "gateway/links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_path(struct arena *a, struct str path, struct str query, struct graph_path *ret)
{
    struct graph_path again;
    *ret = (struct graph_path){0};
    if (graph_path_parse(a, STR("POST"), path, query, ret, NULL) != 0)
        return;
    must(graph_path_parse(a, STR("POST"), path, query, &again, NULL) == 0 && again.kind == ret->kind &&
         again.node == ret->node);
    must(ret->writes); /* a POST stays one, whatever the query says */
    if (ret->n > 0 && str_ieq(ret->segment[ret->n - 1], STR("messages")))
        must(ret->kind == GRAPH_SEND);
    must(ret->node >= 0);
}

static void check_links(struct json_parser *parser, struct str text)
{
    static const uint8_t key[32];
    struct link_rewrite r = {.upstream = STR("https://graph.facebook.com"), .ours = STR("http://gw"), .link_key = key};
    struct json root;
    struct buf out, twice;
    if (json_parse(parser, text, false, &root, NULL) != 0)
        return;
    buf_init(&out, 16u << 20);
    buf_init(&twice, 16u << 20);
    links_rewrite(&r, root, text, &out);
    must(out.failed || json_parse(parser, buf_str(&out), false, &root, NULL) == 0);
    must(out.failed || !links_rewrite(&r, root, buf_str(&out), &twice));
    buf_done(&out);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_create(16u << 20);
    struct json_parser *parser = json_parser_create();
    struct str rest = {(const char *)data, size}, query, type;
    struct str path = str_cut(rest, '\n', &rest);
    query = str_cut(rest, '\n', &rest);
    type = str_cut(rest, '\n', &rest);
    struct graph_path g;
    check_path(a, path, query, &g);
    struct graph_body b;
    struct err e = {0};
    if (rest.p == NULL)
        rest = STR("");
    int rc = graph_body_parse(a, parser, type, rest, false, &g.query, &b, &e);
    must(rc != 0 ? e.text[0] != '\0' : json_type(b.root) == JSON_OBJECT);
    check_links(parser, rest);
    struct buf url;
    static const uint8_t key[32];
    must(!links_open(key, path, &url)); /* nobody guesses a signature */
    json_parser_free(parser);
    arena_free(a);
    return 0;
}
