/* SPDX-License-Identifier: Apache-2.0
 * test_ledger_dir.c - tiles filled leaf by leaf, in files, and read back.
 *
 * What would hurt: a published log that does not prove what is in it. So logs of sizes around the edges of tiles are written in
 * several steps, as checkpoints are, and then opened from their files alone: the root must be that of the tree, every leaf must
 * be provable, and bundles must hold the entries. What should be gone must be, and what cannot be read must be told. */
#include "../../t.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/ledger_dir.h"
#include "gateway/ledger_tiles.h"

struct log {
    struct ledger_dir dir;
    struct ledger_tiles *tiles;
    struct ledger_file file[2048];
    size_t n_files;
    char path[64];
};

static void entry_of(int64_t i, uint8_t ret[LEAF_BYTES])
{
    struct leaf l = {.kind = LEAF_GRANT, .at = i * 3600000};
    memset(l.tag, (int)(i % 251), sizeof l.tag);
    memset(l.commit, (int)(i % 241), sizeof l.commit);
    leaf_write(&l, ret);
}

static void start(struct log *g)
{
    struct err e = {0};
    memset(g, 0, sizeof *g);
    snprintf(g->path, sizeof g->path, "/tmp/wl-ledger-XXXXXX");
    assert_non_null(mkdtemp(g->path));
    assert_ok(ledger_dir_open(&g->dir, g->path, true, &e), e);
    g->tiles = calloc(1, sizeof *g->tiles);
    assert_non_null(g->tiles);
}

static void end(struct log *g)
{
    char command[128];
    ledger_dir_done(&g->dir);
    free(g->tiles);
    snprintf(command, sizeof command, "rm -r %s", g->path);
    assert_int_equal(system(command), 0);
}

static int keep(void *ctx, const struct tlog_tile *tile, const struct tlog_hash *hash, const uint8_t *bundle,
                struct err *e)
{
    struct log *g = ctx;
    assert_true(g->n_files + 2 <= sizeof g->file / sizeof g->file[0]);
    struct ledger_file *f = &g->file[g->n_files++];
    *f = (struct ledger_file){*tile, false};
    int rc = ledger_dir_begin(&g->dir, f, hash, (size_t)tile->width * sizeof *hash, e);
    if (rc != 0 || bundle == NULL)
        return rc;
    f = &g->file[g->n_files++];
    *f = (struct ledger_file){*tile, true};
    return ledger_dir_begin(&g->dir, f, bundle, (size_t)tile->width * LEDGER_BUNDLE_ENTRY, e);
}

/* One checkpoint's worth: up to this size. */
static void grow(struct log *g, int64_t size)
{
    struct err e = {0};
    g->n_files = 0;
    while (g->tiles->tree.size < size) {
        uint8_t entry[LEAF_BYTES];
        entry_of(g->tiles->tree.size, entry);
        assert_ok(ledger_tiles_add(g->tiles, entry, keep, g, &e), e);
    }
    assert_ok(ledger_tiles_edge(g->tiles, keep, g, &e), e);
    assert_ok(ledger_dir_finish(&g->dir, g->file, g->n_files, &e), e);
}

/* The log from its files alone. */
static void check(struct log *g, int64_t size, int64_t step)
{
    struct tlog_tree tree;
    struct tlog_hash root, want, proof[TLOG_PROOF_MAX];
    struct err e = {0};
    assert_ok(tlog_open(size, ledger_dir_tile, &g->dir, &tree, &e), e);
    tlog_root(&tree, &root);
    if (size == g->tiles->tree.size) {
        tlog_root(&g->tiles->tree, &want);
        assert_memory_equal(&root, &want, sizeof root);
    }
    for (int64_t i = 0; i < size; i += step) {
        uint8_t entry[LEAF_BYTES], bundle[LEDGER_FILE_MAX];
        struct tlog_hash leaf;
        size_t n = 0;
        entry_of(i, entry);
        tlog_leaf_hash(entry, sizeof entry, &leaf);
        assert_ok(tlog_prove_inclusion(i, size, ledger_dir_tile, &g->dir, proof, &n, &e), e);
        assert_true(tlog_check_inclusion(i, size, &leaf, proof, n, &root));
        struct tlog_tile t = {0, i / TLOG_TILE, TLOG_TILE};
        if (ledger_dir_exact(&g->dir, &t, true, bundle, &n, NULL) == 0)
            assert_memory_equal(bundle + (size_t)(i % TLOG_TILE) * LEDGER_BUNDLE_ENTRY + 2, entry, sizeof entry);
    }
}

static bool is_there(const struct log *g, const char *name)
{
    return faccessat(g->dir.fd, name, F_OK, 0) == 0;
}

TEST(logs_of_all_sizes_are_proven_from_their_files)
{
    static const int64_t sizes[] = {1, 2, 17, 255, 256, 257, 300, 512, 1000, 65535, 65536, 65537, 66000};
    struct log g;
    start(&g);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        grow(&g, sizes[i]);
        check(&g, sizes[i], sizes[i] < 1000 ? 1 : 4999);
        for (size_t k = 0; k < i; k++) /* and as it was then */
            check(&g, sizes[k], sizes[k] < 300 ? 7 : 4999);
    }
    end(&g);
}

TEST(narrow_tiles_go_when_theirs_is_full)
{
    struct log g;
    start(&g);
    grow(&g, 3);
    grow(&g, 200);
    assert_true(is_there(&g, "tile/0/000.p/3") && is_there(&g, "tile/entries/000.p/200"));
    grow(&g, 260);
    assert_true(is_there(&g, "tile/0/000") && is_there(&g, "tile/entries/000"));
    assert_false(is_there(&g, "tile/0/000.p") || is_there(&g, "tile/entries/000.p"));
    assert_true(is_there(&g, "tile/0/001.p/4") && is_there(&g, "tile/1/000.p/1"));
    assert_false(is_there(&g, "tile/0/001.p/4.new"));
    end(&g);
}

TEST(a_narrow_tile_is_read_from_a_wider_one)
{
    struct tlog_hash hash[TLOG_TILE];
    struct err e = {0};
    struct log g;
    start(&g);
    grow(&g, 100);
    struct tlog_tile t = {0, 0, 40};
    assert_ok(ledger_dir_tile(&g.dir, &t, hash, &e), e);
    t.width = 101;
    assert_int_equal(ledger_dir_tile(&g.dir, &t, hash, &e), WL_ENOTFOUND);
    assert_non_null(strstr(e.text, "tile/0/000.p/101"));
    t = (struct tlog_tile){1, 0, 1};
    assert_int_equal(ledger_dir_tile(&g.dir, &t, hash, &e), WL_ENOTFOUND);
    end(&g);
}

TEST(files_of_a_wrong_length_are_told)
{
    struct tlog_hash hash[TLOG_TILE];
    struct err e = {0};
    struct log g;
    start(&g);
    grow(&g, 5);
    static const int64_t lengths[] = {0, 159, 161, 320};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int fd = openat(g.dir.fd, "tile/0/000.p/5", O_WRONLY);
        assert_int_equal(ftruncate(fd, lengths[i]), 0);
        close(fd);
        assert_int_equal(ledger_dir_tile(&g.dir, &(struct tlog_tile){0, 0, 5}, hash, &e), WL_ECORRUPT);
        assert_non_null(strstr(e.text, "tile/0/000.p/5"));
    }
    end(&g);
}

TEST(a_checkpoint_is_there_as_a_whole_or_not)
{
    struct arena *a = arena_create(1 << 20);
    struct str note = {NULL, 0};
    struct err e = {0};
    struct log g;
    start(&g);
    assert_int_equal(ledger_dir_checkpoint(&g.dir, a, &note, &e), WL_ENOTFOUND);
    assert_ok(ledger_dir_put_checkpoint(&g.dir, STR("one\n"), &e), e);
    assert_ok(ledger_dir_put_checkpoint(&g.dir, STR("another\n"), &e), e);
    assert_ok(ledger_dir_checkpoint(&g.dir, a, &note, &e), e);
    assert_str(note, "another\n");
    assert_int_equal(mkdirat(g.dir.fd, "checkpoint.new", 0700), 0);
    assert_int_equal(ledger_dir_put_checkpoint(&g.dir, STR("a third\n"), &e), WL_EIO);
    assert_ok(ledger_dir_checkpoint(&g.dir, a, &note, &e), e);
    assert_str(note, "another\n");
    arena_free(a);
    end(&g);
}

TEST(a_path_has_one_spelling)
{
    static const struct {
        const char *path;
        int level;
        int64_t n;
        int width;
        bool entries;
    } good[] = {{"tile/0/000", 0, 0, 256, false},
                {"tile/0/x001/x234/067.p/17", 0, 1234067, 17, false},
                {"tile/7/999.p/255", 7, 999, 255, false},
                {"tile/entries/x001/000.p/1", 0, 1000, 1, true}};
    static const char *const bad[] = {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "tile/0/0",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/8/000",
                                      "tile/-1/000",
                                      "tile/00/000",
                                      "tile/0/x000/000",
                                      "tile/0/x001",
                                      "tile/0/001/000",
                                      "tile/0/000.p/0",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/1/2",
                                      "tile/0/000/",
                                      "tile/0/../000",
                                      "tile/entries/",
                                      "tile/entries/x1/000",
                                      "TILE/0/000",
                                      "tile/0/x009/x223/x372/x036/x854/x775/808"};
    struct tlog_tile t;
    bool entries;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(ledger_path_parse(str_of(good[i].path), &t, &entries));
        assert_true(t.level == good[i].level && t.n == good[i].n && t.width == good[i].width &&
                    entries == good[i].entries);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ledger_path_parse(str_of(bad[i]), &t, &entries))
            fail_msg("%s is taken", bad[i]);
}

TESTS(T(logs_of_all_sizes_are_proven_from_their_files), T(narrow_tiles_go_when_theirs_is_full),
      T(a_narrow_tile_is_read_from_a_wider_one), T(files_of_a_wrong_length_are_told),
      T(a_checkpoint_is_there_as_a_whole_or_not), T(a_path_has_one_spelling))
