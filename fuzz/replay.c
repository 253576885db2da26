/* SPDX-License-Identifier: Apache-2.0
 * replay.c - runs a fuzz target over files, without a fuzzer.
 *
 * Linked with one target, it feeds every regular file named on the command line, or found under the
 * directories named there, to LLVMFuzzerTestOneInput() and prints how many there were. So the corpus is part
 * of every test run with any compiler, and what a fuzzer once found stays fixed. Each input is copied to
 * exactly its size, for the sanitizer to see a read past the end. It fails when it found nothing to run: an
 * empty corpus must not look like a pass. */
#include <ftw.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

static int run_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F)
        return 0;
    FILE *f = fopen(path, "rb");
    size_t size = (size_t)st->st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (f == NULL || data == NULL || fread(data, 1, size, f) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    if (getenv("REPLAY_VERBOSE") != NULL)
        fprintf(stderr, "%s\n", path);
    /* Twice: a target that keeps state from run to run must survive the same input again. */
    LLVMFuzzerTestOneInput(data, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], run_file, 16, FTW_PHYS) != 0) {
            perror(argv[i]);
            return 1;
        }
    printf("%zu inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
