/* SPDX-License-Identifier: Apache-2.0
 * fuzz_phone_data.c - a hostile file of numbering plans.
 *
 * Bytes that begin with the magic are the file. Others are changes to the tables of the program: four bytes of place, one of value each.
 * The digest is put right in both, because people who mean harm can do that too. What is refused leaves the output alone; what is
 * opened is asked about numbers of every code and region, in every way there is, and must stay inside its bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/phone_format.h"
#include "core/phone_match.h"
#include "core/phone_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANGES 64

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void put_digest(uint8_t *file, size_t n)
{
    struct phone_file_header *h = (void *)file;
    uint8_t digest[SHA256_BYTES];
    if (n < sizeof *h)
        return;
    memset(h->digest, 0, sizeof h->digest);
    sha256(file, n, digest);
    memcpy(h->digest, digest, sizeof h->digest);
}

/* The file of the input, in bytes of its very size. */
static uint8_t *file_of(const uint8_t *data, size_t size, size_t *ret_n)
{
    struct phone_data d;
    if (size >= 4 && memcmp(data, PHONE_FILE_MAGIC, 4) == 0) {
        uint8_t *file = malloc(size);
        must(file != NULL);
        memcpy(file, data, size);
        *ret_n = size;
        return file;
    }
    phone_data_builtin(&d);
    uint8_t *file = malloc(d.head->size);
    must(file != NULL);
    memcpy(file, d.head, d.head->size);
    *ret_n = d.head->size;
    for (size_t i = 0; i + 5 <= size && i < 5 * CHANGES; i += 5) {
        uint32_t at;
        memcpy(&at, data + i, 4);
        file[at % *ret_n] = data[i + 4];
    }
    return file;
}

static void ask(const struct phone_data *d, const struct phone_number *n)
{
    char out[PHONE_FORMAT_MAX];
    bool portable;
    if (n->status != PHONE_OK)
        return;
    for (int f = PHONE_E164; f <= PHONE_RFC3966; f++)
        must(phone_format(d, n, STR("12"), (enum phone_format)f, out) < PHONE_FORMAT_MAX);
    must(strlen(phone_zones(d, n)) < d->head->size && strlen(phone_network(d, n, &portable)) < d->head->size);
    for (int t = 0; t <= PHONE_UNKNOWN_TYPE; t++)
        phone_number_possible_for(d, n, (enum phone_type)t);
    phone_number_valid_for(d, n, n->region);
}

static void ask_all(const struct phone_data *d)
{
    static const char digits[] = "0123456789876543210111900800";
    struct phone_number n;
    struct phone_raw raw;
    for (unsigned code = 0; code < PHONE_CODES; code += d->code[code] ? 1 : 7)
        for (size_t len = 0; len <= PHONE_NSN_MAX; len++) {
            phone_number_of(d, code, (struct str){digits + (code + len) % 10, len}, &n);
            ask(d, &n);
        }
    for (uint32_t region = 0; region < d->count[PHONE_SECTION_REGION]; region++)
        for (size_t at = 0; at < 10; at++) {
            phone_number_read_raw(d, (struct str){digits + at, 8 + region % 5}, (int)region, &n, &raw);
            ask(d, &n);
            must(strlen(phone_region_id(d, (int)region)) <= 3);
            phone_is_example(d, phone_example(d, (int)region, (enum phone_type)at));
        }
    phone_match(d, STR("+49 30 123456"), STR("030 123456"));
    must(strlen(phone_data_name(d)) < d->head->size && phone_data_age_days(d, INT64_MAX) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct phone_data d = {.head = NULL};
    struct err e = {0};
    size_t n = 0;
    uint8_t *file = file_of(data, size, &n);
    put_digest(file, n);
    int rc = phone_data_open(&d, file, n, &e);
    must(rc == e.code && (rc == 0 || rc == WL_EINVAL));
    if (rc == 0)
        ask_all(&d);
    else
        must(d.head == NULL && e.text[0] != '\0');
    free(file);
    return 0;
}
