/* SPDX-License-Identifier: Apache-2.0
 * lists.c - how fast lists of numbers are made and compared: `lists N DIR`, N numbers in each of two lists, files in DIR.
 *
 * The numbers are drawn with doubles (N * 1.28 draws for N in the end, about) from the mobile ranges of ten
 * countries as they are used: not evenly. Figures are CPU seconds of this process, so that a busy machine changes
 * them little. What is measured is what the commands do: sort, pack, write; read, check, unpack, compare. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cmd/list_file.h"
#include "core/number_sort.h"

static const struct {
    uint64_t prefix, span; /* numbers from prefix * span on */
    unsigned weight;
} ranges[] = {
    {9198, 100000000, 14}, {9170, 100000000, 8}, {9199, 100000000, 8},  {5511, 1000000000, 9}, {1212, 10000000, 4},
    {1310, 10000000, 4},   {1646, 10000000, 3},  {4915, 1000000000, 9}, {4917, 1000000000, 9}, {447, 1000000000, 9},
    {62812, 100000000, 8}, {5255, 100000000, 5}, {3933, 100000000, 4},  {234803, 10000000, 3}, {336, 100000000, 3},
};

static uint64_t state;
static uint64_t next_random(void)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t draw(void)
{
    unsigned w = (unsigned)(next_random() % 100);
    size_t i = 0;
    while (w >= ranges[i].weight)
        w -= ranges[i++].weight;
    uint64_t r = next_random() % ranges[i].span;
    /* Blocks of ten thousand are filled to very different degrees. */
    return ranges[i].prefix * ranges[i].span + (next_random() % 3 > 0 ? r / 20000 * 20000 + r % 10000 : r);
}

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *what, double seconds, uint64_t n)
{
    printf("%-36s %7.3f s CPU %8.1f M numbers/s\n", what, seconds, (double)n / seconds / 1e6);
    fflush(stdout);
}

static void must(int rc, const struct err *e)
{
    if (rc == 0)
        return;
    fprintf(stderr, "%s\n", e->text);
    exit(1);
}

static uint64_t make(size_t n, const char *path, uint64_t seed)
{
    struct err e = {0};
    struct list_writer *w;
    uint64_t size;
    uint64_t *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    if (a == NULL || b == NULL)
        exit(1);
    state = seed;
    for (size_t i = 0; i < n; i++)
        a[i] = draw();
    memset(b, 0, n * sizeof *b);
    double t = cpu();
    uint64_t *sorted = number_sort(a, b, n);
    size_t left = number_unique(sorted, n);
    say("sort, each once (16 bytes a number)", cpu() - t, n);
    t = cpu();
    must(list_writer_open(path, &w, &e), &e);
    must(list_writer_put(w, (struct number_span){sorted, left}, &e), &e);
    must(list_writer_close(w, &size, &e), &e);
    say("pack and write", cpu() - t, left);
    printf("  %zu of %zu numbers, %.3f bytes each\n", left, n, (double)size / (double)left);
    free(a);
    free(b);
    return left;
}

static void operate(enum number_op op, struct list_file *f[2], uint64_t total)
{
    struct err e = {0};
    struct number_span s;
    struct number_source all, in[2] = {list_file_source(f[0]), list_file_source(f[1])};
    struct arena *mem = arena_create(1u << 20);
    uint64_t n = 0;
    double t = cpu();
    must(number_merge(op, in, 2, mem, &all, &e), &e);
    do {
        must(all.next(all.ctx, 0, &s, &e), &e);
        n += s.n;
    } while (s.n > 0);
    static const char *const words[NUMBER_OPS] = {"union", "intersect", "subtract"};
    say(words[op], cpu() - t, total);
    printf("  %llu numbers\n", (unsigned long long)n);
    arena_free(mem);
}

static void scan(struct list_file *f, uint64_t n)
{
    struct err e = {0};
    struct number_source s = list_file_source(f);
    struct number_span span;
    double t = cpu();
    do
        must(s.next(s.ctx, 0, &span, &e), &e);
    while (span.n > 0);
    say("read, check and unpack", cpu() - t, n);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: lists N DIR\n");
        return 2;
    }
    size_t n = (size_t)(strtod(argv[1], NULL) * 1.28);
    char path[2][4096];
    struct list_file *f[2];
    struct err e = {0};
    struct number_diff d;
    struct rusage u;
    uint64_t total = 0;
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/bench-%c.wll", argv[2], 'a' + i);
        total += make(n, path[i], (uint64_t)i);
    }
    for (int i = 0; i < 2; i++)
        must(list_file_open(path[i], open(path[i], O_RDONLY), &f[i], &e), &e);
    scan(f[0], list_file_head(f[0])->count);
    struct arena *mem = arena_create(1u << 20);
    double t = cpu();
    must(number_diff(list_file_source(f[0]), list_file_source(f[1]), NULL, NULL, NULL, mem, &d, &e), &e);
    say("difference, three counts", cpu() - t, total);
    printf("  only a %llu, only b %llu, both %llu\n", (unsigned long long)d.only_a, (unsigned long long)d.only_b,
           (unsigned long long)d.both);
    for (int op = 0; op < NUMBER_OPS; op++)
        operate((enum number_op)op, f, total);
    getrusage(RUSAGE_SELF, &u);
    printf("most memory %ld MiB\n", u.ru_maxrss / 1024);
    for (int i = 0; i < 2; i++)
        list_file_close(f[i]);
    arena_free(mem);
    return 0;
}
