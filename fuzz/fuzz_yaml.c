/* SPDX-License-Identifier: Apache-2.0
 * fuzz_yaml.c - any bytes through the YAML reader and every typed reading.
 *
 * The tree that comes out must keep what yaml.h promises: lines from 1, depth and count within the limits,
 * texts that end in NUL and hold none, keys only under mappings and never twice. Errors must say something. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void read_scalar(const struct yaml *n)
{
    struct err e = {0};
    struct str s = {NULL, 0};
    int64_t v;
    bool b;
    must(yaml_str(n, &s, &e) == WL_OK && s.p[s.n] == '\0' && strlen(s.p) == s.n);
    if (yaml_i64(n, -5, 1000, &v, &e) == WL_OK)
        must(v >= -5 && v <= 1000);
    if (yaml_duration(n, &v, &e) == WL_OK)
        must(v >= 0);
    (void)yaml_bool(n, &b, &e);
    (void)yaml_date(n, &v, &e);
}

static int walk(const struct yaml *n, int depth)
{
    static const char *const known[] = {"name", "limit", "window", "rules", NULL};
    struct err e = {0};
    int count = 0, total = 1;
    must(depth <= YAML_MAX_DEPTH && n->line >= 1);
    if (n->kind == YAML_SCALAR) {
        must(n->child == NULL);
        read_scalar(n);
        return 1;
    }
    if (n->kind == YAML_MAPPING && yaml_known_keys(n, known, "thing", &e) != WL_OK)
        must(e.code == WL_EINVAL && e.text[0] != '\0');
    for (const struct yaml *c = n->child; c != NULL; c = c->next, count++) {
        must((c->key.p != NULL) == (n->kind == YAML_MAPPING));
        if (c->key.p != NULL && count < 100)
            must(yaml_get(n, c->key.p) == c); /* the first is the only one */
        total += walk(c, depth + 1);
    }
    must(count == n->children);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 18)
        return 0;
    struct arena *a = arena_create(64 << 20);
    struct yaml *root = NULL;
    struct err e = {0};
    must(a != NULL);
    int rc = yaml_parse(a, "input", (struct str){(const char *)data, size}, &root, &e);
    if (rc == WL_OK)
        must(walk(root, 0) <= YAML_MAX_NODES);
    else
        must(root == NULL && rc == e.code && e.text[0] != '\0');
    arena_free(a);
    return 0;
}
