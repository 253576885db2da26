/* SPDX-License-Identifier: Apache-2.0
 * fuzz_tile_path.c - any bytes as the path of a tile, as a stranger may ask for one.
 *
 * What is refused leaves the output alone. What is taken is a tile there can be, whose path, written anew, is the same bytes: so
 * nothing but a tile's own name is ever opened. Paths of tiles made from the same bytes are all taken. */
#include <stdlib.h>

#include "gateway/ledger_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void and_back(const uint8_t *data, size_t size)
{
    struct tlog_tile made = {0, 0, TLOG_TILE}, read;
    char path[TLOG_PATH_MAX];
    bool entries = size > 0 && (data[0] & 1), read_entries = !entries;
    for (size_t i = 1; i < size && i < 8; i++)
        made.n = made.n << 8 | data[i];
    made.level = size > 8 && !entries ? data[8] % 8 : 0;
    made.width = size > 9 ? 1 + data[9] : TLOG_TILE;
    tlog_tile_path(&made, entries, path);
    must(ledger_path_parse(str_of(path), &read, &read_entries));
    must(read_entries == entries && read.level == made.level && read.n == made.n && read.width == made.width);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str path = {(const char *)data, size};
    struct tlog_tile tile = {-1, -1, -1};
    char same[TLOG_PATH_MAX];
    bool entries = false;
    and_back(data, size);
    if (!ledger_path_parse(path, &tile, &entries)) {
        must(tile.level == -1 && tile.n == -1 && tile.width == -1);
        return 0;
    }
    must(tile.level >= 0 && tile.level < 8 && tile.n >= 0 && tile.width >= 1 && tile.width <= TLOG_TILE);
    tlog_tile_path(&tile, entries, same);
    must(str_eq(path, str_of(same)));
    return 0;
}
