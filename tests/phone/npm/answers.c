/* SPDX-License-Identifier: Apache-2.0
 * answers.c - what the number engine says of made-up texts, one line each, for somebody else to compare.
 *
 *     answers TABLES.pnd COUNT [SEED]
 *
 * COUNT texts of the kinds of tests/phone/inputs.h, those with a byte that is not printable ASCII left out: libphonenumber's JavaScript
 * knows few scripts and reads broken UTF-8, which the C++ we follow does not. First line: what the tables were made of. Then, between
 * tabs: default region, text, and either error, or code, region, type, validity, possibility, extension, and the number as E.164, for
 * people at home and abroad. Errors, types and possibilities are libphonenumber's numbers of its C++. */
#include <stdio.h>
#include <stdlib.h>

#include "core/phone_format.h"
#include "tests/phone/inputs.h"

static bool printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] > '~')
            return false;
    return true;
}

static void answer(const struct phone_data *d, const struct input *in)
{
    static const enum phone_format formats[] = {PHONE_E164, PHONE_NATIONAL, PHONE_INTERNATIONAL};
    struct phone_number n;
    char written[PHONE_FORMAT_MAX];
    phone_number_read(d, (struct str){in->text, in->n}, in->region, &n);
    printf("%s\t%.*s\t", phone_region_id(d, in->region), (int)in->n, in->text);
    if (n.status != PHONE_OK) {
        printf("error %u\n", n.status);
        return;
    }
    struct str ext = {in->text + n.ext_at, n.ext_len};
    printf("+%u\t%s\ttype %u\t%s\tpossible %u\text \"%.*s\"", n.code, phone_region_id(d, n.region), n.type,
           phone_number_valid(&n) ? "valid" : "not valid", n.possible, (int)ext.n, ext.p);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        phone_format(d, &n, ext, formats[i], written);
        printf("\t%s", written);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    static uint64_t file[PHONE_FILE_MAX / 8];
    static struct phone_data d;
    struct err e = {0};
    FILE *f = argc > 2 ? fopen(argv[1], "rb") : NULL;
    size_t n = f ? fread(file, 1, sizeof file, f) : 0;
    if (!f || phone_data_open(&d, file, n, &e) != 0) {
        fprintf(stderr, "usage: answers TABLES.pnd COUNT [SEED]: %s\n", e.text);
        return 2;
    }
    fclose(f);
    struct inputs g = {&d, (argc > 3 ? strtoull(argv[3], NULL, 10) : 20261122) * 0x9e3779b97f4a7c15 + 1};
    uint64_t left = strtoull(argv[2], NULL, 10);
    printf("%s\n", phone_data_name(&d));
    for (uint64_t i = 0; left > 0; i++) {
        struct input in;
        inputs_next(&g, (enum input_kind)(i % INPUT_KINDS), &in);
        if (!printable((struct str){in.text, in.n}))
            continue;
        answer(&d, &in);
        left--;
    }
    return 0;
}
