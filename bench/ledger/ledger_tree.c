/* SPDX-License-Identifier: Apache-2.0
 * ledger_tree.c - what the log's tree costs apart from its rows: appending, proofs, verifying, and reading a log through again.
 *
 *     ledger_tree [LEAVES]      of the audit; ten million unless told otherwise
 *
 * The baseline is SHA-256 itself over as many bytes as a tree of that many leaves hashes (113 of a leaf, 65 of the node above it): by
 * OpenSSL in one stretch, and by the product's sha256() piece by piece. What the tree costs beyond the second is its own. CPU time of
 * one thread; tiles are in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/leaf.h"
#include "core/note.h"

#define PROVED  1000000 /* leaves of the tree that proofs are of */
#define PROOFS  20000
#define CHECKS  2000
#define LEVELS  4
#define AUDITED 10000000

static const uint8_t secret[SIGN_SECRET_BYTES] = {1}, witness_secret[SIGN_SECRET_BYTES] = {2};
static struct tlog_hash *level[LEVELS];
static int64_t tiles_read;
static volatile uint8_t sink;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "ledger_tree: %s\n", what);
    exit(1);
}

/* Entry i: as many different bytes as a real one, and cheap to make. */
static void entry_of(int64_t i, uint8_t ret[LEAF_BYTES])
{
    struct leaf l = {.kind = LEAF_GRANT, .at = INT64_C(1790000000000) + i * 100};
    for (size_t k = 0; k < SHA256_BYTES / 8; k++) {
        uint64_t v = ((uint64_t)i + k) * 0x9E3779B97F4A7C15u;
        memcpy(l.tag + 8 * k, &v, 8);
        memcpy(l.commit + 8 * k, &i, 8);
    }
    leaf_write(&l, ret);
}

/* --- the baseline ------------------------------------------------------------------------------------------------------- */

static double one_stretch(int64_t leaves)
{
    static uint8_t block[1 << 16];
    uint8_t h[SHA256_BYTES];
    int64_t bytes = leaves * (1 + LEAF_BYTES) + (leaves - 1) * (1 + 2 * SHA256_BYTES);
    double from = now_s();
    struct sha256_state *s = sha256_begin();
    for (; bytes > 0; bytes -= (int64_t)sizeof block)
        sha256_add(s, block, bytes < (int64_t)sizeof block ? (size_t)bytes : sizeof block);
    sha256_end(s, h);
    sink = h[0];
    return now_s() - from;
}

static double piece_by_piece(int64_t leaves)
{
    uint8_t leaf[1 + LEAF_BYTES] = {0}, node[1 + 2 * SHA256_BYTES] = {1};
    double from = now_s();
    for (int64_t i = 0; i < leaves; i++) {
        sha256(leaf, sizeof leaf, node + 1);
        sha256(node, sizeof node, leaf + 1);
    }
    sink = leaf[1];
    return now_s() - from;
}

/* --- the tree ------------------------------------------------------------------------------------------------------------- */

static double audit(int64_t leaves, struct tlog_hash *root)
{
    struct tlog_tree t = {.size = 0};
    double from = now_s();
    for (int64_t i = 0; i < leaves; i++) {
        uint8_t entry[LEAF_BYTES];
        struct tlog_hash h;
        entry_of(i, entry);
        tlog_leaf_hash(entry, sizeof entry, &h);
        tlog_append(&t, &h);
    }
    tlog_root(&t, root);
    return now_s() - from;
}

static double append_alone(int64_t leaves)
{
    struct tlog_tree t = {.size = 0};
    struct tlog_hash h = {{1}};
    double from = now_s();
    for (int64_t i = 0; i < leaves; i++) {
        memcpy(h.b, &i, sizeof i);
        tlog_append(&t, &h);
    }
    tlog_root(&t, &h);
    sink = h.b[0];
    return now_s() - from;
}

static void make_tiles(void)
{
    int64_t n = PROVED;
    for (int l = 0; l < LEVELS; l++, n /= TLOG_TILE) {
        must((level[l] = calloc((size_t)n + TLOG_TILE, sizeof *level[l])) != NULL, "memory");
        for (int64_t i = 0; i < n; i++) {
            struct tlog_tree t = {.size = 0};
            if (l == 0) {
                uint8_t entry[LEAF_BYTES];
                entry_of(i, entry);
                tlog_leaf_hash(entry, sizeof entry, &level[0][i]);
                continue;
            }
            for (int k = 0; k < TLOG_TILE; k++)
                tlog_append(&t, &level[l - 1][i * TLOG_TILE + k]);
            tlog_root(&t, &level[l][i]);
        }
    }
}

static int read_tile(void *ctx, const struct tlog_tile *t, struct tlog_hash ret[TLOG_TILE], struct err *e)
{
    (void)ctx;
    (void)e;
    tiles_read++;
    memcpy(ret, level[t->level] + t->n * TLOG_TILE, sizeof ret[0] * TLOG_TILE);
    return 0;
}

static void make_note(int witnesses, struct note_key keys[4], struct buf *out)
{
    static const char *const names[] = {"witness.example/w1", "witness.example/w2", "witness.example/w3"};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct tlog_tree t;
    struct checkpoint c = {.origin = STR("wayleave/01234567"), .size = PROVED};
    struct buf text;
    buf_init(&text, 4096);
    sign_public(secret, public_key);
    must(note_key_make(c.origin, NOTE_ED25519, public_key, &keys[0], NULL) == 0, "key");
    must(tlog_open(PROVED, read_tile, NULL, &t, NULL) == 0, "tree");
    tlog_root(&t, &c.root);
    checkpoint_text(&c, &text);
    must(note_sign(buf_str(&text), &keys[0], secret, out, NULL) == 0, "note");
    sign_public(witness_secret, public_key);
    for (int i = 0; i < witnesses; i++) {
        must(note_key_make(str_of(names[i]), NOTE_COSIGNATURE, public_key, &keys[i + 1], NULL) == 0, "key");
        must(note_cosign(buf_str(&text), &keys[i + 1], witness_secret, 1790000000, out, NULL) == 0, "cosignature");
    }
    buf_done(&text);
}

/* Everything a stranger does with a .tlog-proof, from its text on. */
static void check_text(struct str text, const struct note_key *keys, size_t n_keys, const struct tlog_hash *leaf)
{
    struct tlog_proof p;
    struct note_seen seen[4];
    struct checkpoint c;
    struct str signed_text;
    size_t n;
    must(tlog_proof_parse(text, &p, NULL) == 0, "proof");
    must(note_verify(p.note, keys, n_keys, &signed_text, seen, &n, NULL) == 0 && n == n_keys, "signature");
    must(checkpoint_parse(signed_text, &c, NULL) == 0, "checkpoint");
    must(tlog_check_inclusion(p.index, c.size, leaf, p.hash, p.n, &c.root), "inclusion");
}

static void proofs(int witnesses)
{
    struct note_key keys[4];
    struct tlog_hash proof[TLOG_PROOF_MAX];
    struct buf note, text;
    size_t n = 0, hashes = 0, largest = 0, lines = 0;
    buf_init(&note, NOTE_MAX);
    buf_init(&text, NOTE_MAX);
    make_note(witnesses, keys, &note);
    tiles_read = 0;
    double from = now_s();
    for (int64_t i = 0; i < PROOFS; i++) {
        must(tlog_prove_inclusion(i * 7919 % PROVED, PROVED, read_tile, NULL, proof, &n, NULL) == 0, "proof");
        hashes += n;
    }
    double made = (now_s() - from) / PROOFS, tiles = (double)tiles_read / PROOFS;
    for (int64_t i = 0; i < 200; i++) {
        int64_t index = PROVED - 1 - i * 4999;
        must(tlog_prove_inclusion(index, PROVED, read_tile, NULL, proof, &n, NULL) == 0, "proof");
        buf_clear(&text);
        tlog_proof_text(index, proof, n, buf_str(&note), &text);
        largest = text.len > largest ? text.len : largest;
        lines = largest - note.len;
    }
    from = now_s();
    for (int i = 0; i < CHECKS; i++)
        check_text(buf_str(&text), keys, (size_t)witnesses + 1, &level[0][PROVED - 1 - 199 * 4999]);
    double checked = (now_s() - from) / CHECKS;
    printf("%d witnesses, 1e6 leaves: %.1f hashes = %.0f bytes raw, %zu as lines, %zu the whole .tlog-proof with its "
           "checkpoint; made "
           "in %.1f us from %.1f tiles, verified from its text on in %.3f ms\n",
           witnesses, (double)hashes / PROOFS, (double)hashes / PROOFS * SHA256_BYTES, lines, largest, made * 1e6,
           tiles, checked * 1e3);
    buf_done(&note);
    buf_done(&text);
}

int main(int argc, char **argv)
{
    int64_t leaves = AUDITED;
    struct tlog_hash root;
    if (argc > 2 || (argc == 2 && (!str_i64(str_of(argv[1]), &leaves) || leaves < 1))) {
        fprintf(stderr, "usage: ledger_tree [LEAVES]\n");
        return 2;
    }
    double bulk = one_stretch(leaves), pieces = piece_by_piece(leaves), alone = append_alone(leaves);
    double all = audit(leaves, &root);
    printf("%lld leaves of %d bytes, one core\n", (long long)leaves, LEAF_BYTES);
    printf("SHA-256 of as many bytes, OpenSSL in one stretch   %6.2f s\n", bulk);
    printf("SHA-256 of as many pieces, sha256() of the product %6.2f s   %.2f M leaves/s\n", pieces,
           (double)leaves / pieces / 1e6);
    printf("append alone (hashes of leaves given)              %6.2f s   %.2f M leaves/s\n", alone,
           (double)leaves / alone / 1e6);
    printf(
        "re-audit: entries hashed, appended, root           %6.2f s   %.2f M leaves/s, %.2f times the pieces alone\n",
        all, (double)leaves / all / 1e6, all / pieces);
    make_tiles();
    for (int witnesses = 0; witnesses <= 3; witnesses += 3)
        proofs(witnesses);
    for (int l = 0; l < LEVELS; l++)
        free(level[l]);
    return 0;
}
