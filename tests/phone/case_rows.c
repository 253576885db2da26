/* SPDX-License-Identifier: Apache-2.0
 * case_rows.c - reads lines of the shared cases, and hands each to the call it is of. */
#include "tests/phone/case_rows.h"

#include <string.h>

bool case_row_next(FILE *f, struct case_row *ret)
{
    do {
        if (fgets(ret->said, sizeof ret->said, f) == NULL)
            return false;
    } while (ret->said[0] == '#');
    ret->said[strcspn(ret->said, "\r\n")] = '\0';
    memcpy(ret->line, ret->said, sizeof ret->line);
    char *rest = ret->line;
    for (ret->fields = 0; ret->fields < CASE_FIELDS && rest != NULL; ret->fields++)
        ret->f[ret->fields] = strsep(&rest, "\t");
    for (unsigned i = ret->fields; i < CASE_FIELDS; i++)
        ret->f[i] = ret->line + strlen(ret->said);
    return true;
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

struct str case_bytes(char *field)
{
    const char *from = field;
    char *to = field;
    while (*from != '\0') {
        if (from[0] == '\\' && from[1] == 'x') {
            *to++ = (char)(hex(from[2]) << 4 | hex(from[3]));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    return (struct str){field, (size_t)(to - field)};
}

static const struct case_call *call_of(const char *name, const struct case_call *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

struct case_count case_run(const char *path, const char *metadata, const struct case_call *calls, size_t n,
                           void *context)
{
    static struct case_row r;
    struct case_count count = {0};
    FILE *f = fopen(path, "r");
    while (f != NULL && case_row_next(f, &r)) {
        if (strncmp(r.f[2], metadata, strlen(metadata)) != 0)
            continue;
        const struct case_call *c = call_of(r.f[3], calls, n);
        count.rows++;
        if (c != NULL && c->run == NULL)
            continue;
        count.ran += c != NULL;
        if (c != NULL && c->run(context, r.f + 4))
            continue;
        count.wrong++;
        fprintf(stderr, "%s: %s\n", c != NULL ? "wrong" : "nobody runs this call", r.said);
    }
    if (f != NULL)
        fclose(f);
    fprintf(stderr, "%u of %u calls on %s\n", count.ran, count.rows, metadata);
    return count;
}
