/* SPDX-License-Identifier: Apache-2.0
 * fuzz_phone_text.c - any bytes read as a phone number in some region.
 *
 * The first two bytes are the region ("DE"; anything else is none). What is read must hold together: digits only and their number
 * right, the extension inside the text, and code and digits by themselves must be the same number. The short way of reading and the long
 * one that also keeps what was there must agree, and a space before a text changes nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/phone_number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONTEXT ";phone-context="

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void same(const struct phone_number *a, const struct phone_number *b)
{
    must(a->status == b->status && a->e164 == b->e164 && a->code == b->code && a->region == b->region &&
         a->type == b->type && a->possible == b->possible && a->nsn_len == b->nsn_len && strcmp(a->nsn, b->nsn) == 0);
}

static void holds_together(const struct phone_data *d, struct str text, const struct phone_number *n)
{
    struct phone_number of;
    uint64_t value = n->code;
    must(n->nsn_len >= 2 && n->nsn_len <= PHONE_NSN_MAX && strlen(n->nsn) == n->nsn_len);
    must(n->ext_at + n->ext_len <= text.n && n->ext_len <= 80);
    must(n->region < d->count[PHONE_SECTION_REGION] && n->type <= PHONE_UNKNOWN_TYPE && n->code > 0);
    for (const char *p = n->nsn; *p; p++) {
        must(*p >= '0' && *p <= '9');
        value = value * 10 + (uint64_t)(*p - '0');
    }
    must(n->e164 == value || n->nsn_len > 15);
    phone_number_of(d, n->code, str_of(n->nsn), &of);
    same(&of, n);
    if (phone_number_valid(n) && n->region)
        must(phone_number_valid_for(d, n, n->region));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct phone_data d;
    struct phone_number n, kept, spaced, bare;
    struct phone_raw raw;
    if (!d.head)
        phone_data_builtin(&d);
    if (size < 2)
        return 0;
    int region = phone_region(&d, (struct str){(const char *)data, 2});
    struct str text = {(const char *)data + 2, size - 2};
    phone_number_read(&d, text, region, &n);
    must(n.status <= PHONE_INPUT_TOO_BIG && (n.status == PHONE_INPUT_TOO_BIG) == (text.n > PHONE_TEXT_MAX));
    phone_number_read_raw(&d, text, region, &kept, &raw);
    same(&n, &kept);
    must(strlen(raw.carrier) <= PHONE_NSN_MAX && (n.status != PHONE_OK || raw.source != PHONE_CODE_UNSPECIFIED));
    phone_number_read_bare(&d, text, &bare);
    must(n.status == PHONE_OK || n.status == PHONE_INPUT_TOO_BIG || n.e164 == 0);
    if (n.status == PHONE_OK)
        holds_together(&d, text, &n);
    if (text.n >= PHONE_TEXT_MAX || memmem(text.p, text.n, CONTEXT, strlen(CONTEXT)))
        return 0;
    char room[PHONE_TEXT_MAX] = " ";
    if (text.n)
        memcpy(room + 1, text.p, text.n);
    phone_number_read(&d, (struct str){room, text.n + 1}, region, &spaced);
    same(&n, &spaced);
    must(n.ext_len == spaced.ext_len && (n.ext_len == 0 || n.ext_at + 1 == spaced.ext_at));
    return 0;
}
