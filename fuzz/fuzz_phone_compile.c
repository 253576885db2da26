/* SPDX-License-Identifier: Apache-2.0
 * fuzz_phone_compile.c - any bytes as numbering plans; behind a line "zones" or "networks" as prefixes beside small plans.
 *
 * What must hold: a text is compiled or refused with a sentence that names it; what was compiled, the reader of tables opens, and the
 * same text gives the same bytes; a number read from the tables has a region with its calling code, and every format holds its digits. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/phone_compile.h"
#include "core/phone_format.h"
#include "core/phone_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plans[] = "meta\tname\tT\nmeta\treleased\t2026-09-02\nmeta\tunicode\t15\n"
                            "AA\t1\ttype.general\t\\d{4}\t4\t\t\nAA\t1\ttype.mobile\t[5-9]\\d{3}\t4\t\t5000\n";

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void look(const struct phone_data *d, const char *nsn)
{
    char text[PHONE_FORMAT_MAX];
    for (unsigned i = 1; i < d->count[PHONE_SECTION_PLAN]; i++) {
        struct phone_number n;
        phone_number_of(d, d->plan[i].code, str_of(nsn), &n);
        must(n.region < d->count[PHONE_SECTION_REGION] && n.type <= PHONE_UNKNOWN_TYPE);
        must(n.region == 0 || d->region[n.region].code == d->plan[i].code);
        for (int f = PHONE_E164; f <= PHONE_RFC3966; f++)
            must(phone_format(d, &n, STR(""), (enum phone_format)f, text) == strlen(text));
        must(phone_zones(d, &n) != NULL && phone_network(d, &n, NULL) != NULL);
    }
}

static void check(const struct phone_text *n, const struct phone_text *z, const struct phone_text *c, const char *name)
{
    static const char *const numbers[] = {"", "1", "5000", "99999", "2015550123", "12345678901234567"};
    struct buf out, again;
    struct err e = {0};
    struct phone_data d;
    buf_init(&out, PHONE_FILE_MAX);
    buf_init(&again, PHONE_FILE_MAX);
    int rc = phone_compile(n, z, c, &out, &e);
    must(rc == 0 || strncmp(e.text, name, strlen(name)) == 0);
    if (rc == 0) {
        must(phone_data_open(&d, out.data, out.len, &e) == 0);
        must(phone_compile(n, z, c, &again, &e) == 0);
        must(out.len == again.len && memcmp(out.data, again.data, out.len) == 0);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            look(&d, numbers[i]);
    }
    buf_done(&out);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct phone_text own = {"numbers.tsv", STR_INIT(plans)};
    if (str_starts(text, STR("zones\n"))) {
        struct phone_text z = {"zones.tsv", {text.p + 6, text.n - 6}};
        check(&own, &z, NULL, z.name);
    } else if (str_starts(text, STR("networks\n"))) {
        struct phone_text c = {"carriers.tsv", {text.p + 9, text.n - 9}};
        check(&own, NULL, &c, c.name);
    } else {
        own.text = text;
        check(&own, NULL, NULL, own.name);
    }
    return 0;
}
