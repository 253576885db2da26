/* SPDX-License-Identifier: Apache-2.0
 * fuzz_phone.c - any bytes as a phone number, a user id or a group id.
 *
 * What is accepted must be canonical: reading the stored form again gives the same bytes, a phone number has
 * only digits and none of the input's letters, and its value and text agree. What is refused leaves the
 * output alone and says why, without a digit run of the input in the message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/identity.h"
#include "core/phone.h"
#include "core/phone_country.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct phone_data plans;

static int phone_written(struct str text, struct identity *ret, struct err *e)
{
    return identity_phone_written(&plans, text, ret, e);
}

static int written_by_people(struct str text, struct identity *ret, struct err *e)
{
    return identity_written(&plans, text, ret, e);
}

static void phone(struct str text)
{
    struct err e = {0};
    uint64_t e164 = 7, again;
    char country[3];
    int rc = phone_parse(text, &e164, &e);
    must(rc == e.code && (rc == 0 || rc == WL_EINVAL));
    if (rc != 0) {
        must(e164 == 7 && e.text[0] != '\0');
        return;
    }
    must(e164 >= 1000000 && e164 < 1000000000000000);
    for (size_t i = 0; i < text.n; i++)
        must(!((text.p[i] | 32) >= 'a' && (text.p[i] | 32) <= 'z'));
    phone_country(&plans, e164, country);
    must(country[0] == '\0' || (country[1] >= 'A' && country[1] <= 'Z' && country[2] == '\0'));
    struct identity id;
    must(identity_phone(text, &id, NULL) == 0);
    must(phone_parse(str_of(id.value), &again, NULL) == 0 && again == phone_canonical(e164));
}

/* Read as people write it, a number is the same or has one zero less. */
static void written(struct str text)
{
    uint64_t digits = 0, fewer = 0;
    bool meta = phone_parse(text, &digits, NULL) == 0;
    if (phone_parse_written(&plans, text, &fewer, NULL) == 0)
        must(fewer >= 1000000 && fewer < 1000000000000000 && (!meta || fewer <= digits));
}

static void canonical(int (*read)(struct str, struct identity *, struct err *), struct str text)
{
    struct err e = {0};
    struct identity id, again;
    memset(&id, 0x5a, sizeof id);
    memset(&again, 0xa5, sizeof again);
    int rc = read(text, &id, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0'));
    if (rc != 0) {
        must((unsigned char)id.value[0] == 0x5a);
        return;
    }
    must(id.kind != IDENTITY_NONE && memchr(id.value, 0, sizeof id.value) != NULL && id.value[0] != '\0');
    must(read(str_of(id.value), &again, NULL) == 0 && memcmp(&id, &again, sizeof id) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    if (plans.head == NULL)
        phone_data_builtin(&plans);
    phone(text);
    written(text);
    canonical(identity_phone, text);
    canonical(phone_written, text);
    canonical(written_by_people, text);
    canonical(identity_user_id, text);
    canonical(identity_group, text);
    canonical(identity_parse, text);
    return 0;
}
