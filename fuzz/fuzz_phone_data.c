/* SPDX-License-Identifier: Apache-2.0
 * fuzz_phone_data.c - a hostile file of numbering plans.
 *
 * Bytes that begin with the magic are the file. Others are changes to the small file of the corpus: four bytes of place, one of value each.
 * The digest is put right in both, because people who mean harm can do that too. What is refused leaves the output alone. What is opened is asked
 * about numbers of every code and region, in every way there is, with each section in memory of its own, so that a step out of one is seen. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/phone_format.h"
#include "core/phone_match.h"
#include "core/phone_place.h"
#include "phone_data_tiny.h"

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
    bool whole = size >= 4 && memcmp(data, PHONE_FILE_MAGIC, 4) == 0;
    *ret_n = whole ? size : sizeof phone_data_tiny - 1; /* behind it stands a zero */
    uint8_t *file = malloc(*ret_n);
    must(file != NULL);
    memcpy(file, whole ? data : (const uint8_t *)phone_data_tiny, *ret_n);
    for (size_t i = 0; !whole && i + 5 <= size && i < 5 * CHANGES; i += 5) {
        uint32_t at;
        memcpy(&at, data + i, 4);
        file[at % *ret_n] = data[i + 4];
    }
    return file;
}

/* A section's bytes alone; NULL where it is missing. */
static void *alone(const struct phone_data *d, enum phone_section id, const void *at, size_t size)
{
    size_t n = d->count[id] * size;
    void *copy = n > 0 ? malloc(n) : NULL;
    must(n == 0 || copy != NULL);
    if (n > 0)
        memcpy(copy, at, n);
    return copy;
}

/* Every section has a row, and a place among the pointers. */
/* clang-format off */
#define EACH_SECTION(X) \
    X(NODE, node) X(ROOT, root) X(PAYLOAD, payload) X(CODE, code) X(PLAN, plan) X(REGION, region) \
    X(LENGTH, lengths) X(MASK, mask) X(PROGRAM, program) X(LAYOUT, layout) X(TEXT, text) \
    X(EXAMPLE, example) X(ZONE_NODE, zone) X(ZONE_NAME, zone_name) X(CARRIER_NODE, carrier) \
    X(CARRIER_NAME, carrier_name) X(SOURCE, source)
/* clang-format on */

static struct phone_data apart(const struct phone_data *d)
{
    struct phone_data a = *d;
#define X(id, name) a.name = alone(d, PHONE_SECTION_##id, d->name, sizeof *d->name);
    EACH_SECTION(X)
#undef X
    return a;
}

static void release(struct phone_data *a)
{
#define X(id, name) free((void *)(uintptr_t)a->name);
    EACH_SECTION(X)
#undef X
}

static void ask(const struct phone_data *d, const struct phone_number *n)
{
    char out[PHONE_FORMAT_MAX];
    bool portable;
    if (n->status != PHONE_OK)
        return;
    for (int f = PHONE_E164; f <= PHONE_RFC3966; f++)
        must(phone_format(d, n, STR("12"), (enum phone_format)f, out) < PHONE_FORMAT_MAX);
    struct phone_number mobile = *n; /* whatever the plans say of it, so that the prefix tables are asked */
    mobile.type = PHONE_MOBILE;
    must(strlen(phone_zones(d, n)) < d->head->size && strlen(phone_network(d, n, &portable)) < d->head->size);
    if (d->code[n->code] != 0)
        must(strlen(phone_zones(d, &mobile)) < d->head->size &&
             strlen(phone_network(d, &mobile, NULL)) < d->head->size);
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
        for (size_t i = 0; i < (d->code[code] ? 10 : 1) * (PHONE_NSN_MAX + 1); i++) {
            phone_number_of(d, code, (struct str){digits + i % 10, i % (PHONE_NSN_MAX + 1)}, &n);
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
    if (rc == 0) {
        struct phone_data a = apart(&d);
        ask_all(&a);
        release(&a);
    } else {
        must(d.head == NULL && e.text[0] != '\0');
    }
    free(file);
    return 0;
}
