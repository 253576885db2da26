/* SPDX-License-Identifier: Apache-2.0
 * shipped_fixture.h - where the shipped rule files are: the platform's set, the laws', and the example of a policy. */
#ifndef WL_TESTS_SHIPPED_FIXTURE_H
#define WL_TESTS_SHIPPED_FIXTURE_H

#include "core/ruleset.h"
#include "t.h"

#include <dirent.h>

struct shipped {
    size_t n;
    const char *path[RULESET_FILES_MAX];
    char text[RULESET_FILES_MAX][512];
};

static inline int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void shipped_add(struct shipped *s, const char *name)
{
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    assert_true(s->n < RULESET_FILES_MAX);
    int n = snprintf(s->text[s->n], sizeof s->text[0], "%s/data/rules/%s", root ? root : ".", name);
    assert_true(n > 0 && (size_t)n < sizeof s->text[0]);
    s->path[s->n] = s->text[s->n];
    s->n++;
}

/* Every rule file there is, the platform's first, then the laws in order of their names, then the policy. */
static inline void shipped_files(struct shipped *ret)
{
    char folder[1024];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    struct dirent *entry;
    ret->n = 0;
    shipped_add(ret, "whatsapp-platform.yaml");
    snprintf(folder, sizeof folder, "%s/data/rules/law", root ? root : ".");
    DIR *d = opendir(folder);
    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        char name[300];
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".yaml") != 0)
            continue;
        snprintf(name, sizeof name, "law/%s", entry->d_name);
        shipped_add(ret, name);
    }
    closedir(d);
    qsort(ret->path + 1, ret->n - 1, sizeof ret->path[0], by_name);
    shipped_add(ret, "policy-example.yaml");
}

static inline struct ruleset *shipped_book(void)
{
    struct shipped s;
    struct err e = {0};
    struct ruleset *rs = NULL;
    shipped_files(&s);
    assert_ok(ruleset_load_all(&rs, s.path, s.n, &e), e);
    return rs;
}

#endif
