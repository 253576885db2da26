/* SPDX-License-Identifier: Apache-2.0
 * fuzz_leaf.c - any bytes as an entry of the log.
 *
 * What must hold: what is read is written as the same bytes, of a kind that has a name, at a whole hour; nothing of another length is read. */
#include <stdlib.h>

#include "core/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[LEAF_BYTES];
    struct leaf l;
    struct err e = {0};
    int rc = leaf_read(data, size, &l, &e);
    must(rc == e.code);
    if (rc != 0)
        return 0;
    must(size == LEAF_BYTES && l.at >= 0 && l.at % 3600000 == 0 && strcmp(leaf_kind_name(l.kind), "unknown") != 0);
    leaf_write(&l, again);
    must(memcmp(again, data, size) == 0);
    return 0;
}
