/* SPDX-License-Identifier: Apache-2.0
 * phone_build.c - the program the build runs to compile the numbering plans it embeds: phone-compile NUMBERS [ZONES CARRIERS] -o FILE
 *
 * Not installed; `wayleave phone compile` is the one for people. It links the compiler alone, because the rest of the core waits for what it
 * makes. The file appears whole or not at all: it is written beside its place and renamed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/phone_compile.h"

#define TEXT_MAX (16u << 20)

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "phone-compile: %s: %s\n", what, why);
    exit(1);
}

static void read_file(const char *path, struct buf *ret)
{
    char part[65536];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        give_up(path, "cannot be opened");
    buf_init(ret, TEXT_MAX);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_put(ret, part, n);
    if (ferror(f) || ret->failed)
        give_up(path, "cannot be read");
    fclose(f);
}

static void write_file(const char *path, const struct buf *b)
{
    char beside[4096];
    if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside)
        give_up(path, "too long a name");
    FILE *f = fopen(beside, "wb");
    if (f == NULL || fwrite(b->data, 1, b->len, f) != b->len || fclose(f) != 0 || rename(beside, path) != 0)
        give_up(path, "cannot be written");
}

int main(int argc, char **argv)
{
    struct phone_text text[3];
    struct buf in[3], out;
    struct err e = {0};
    int n = argc - 3;
    if ((n != 1 && n != 3) || strcmp(argv[argc - 2], "-o") != 0) {
        fprintf(stderr, "usage: phone-compile NUMBERS [ZONES CARRIERS] -o FILE\n");
        return 2;
    }
    for (int i = 0; i < n; i++) {
        read_file(argv[1 + i], &in[i]);
        text[i] = (struct phone_text){argv[1 + i], buf_str(&in[i])};
    }
    buf_init(&out, PHONE_FILE_MAX);
    if (phone_compile(&text[0], n == 3 ? &text[1] : NULL, n == 3 ? &text[2] : NULL, &out, &e) != 0)
        give_up("the plans", e.text);
    write_file(argv[argc - 1], &out);
    for (int i = 0; i < n; i++)
        buf_done(&in[i]);
    buf_done(&out);
    return 0;
}
