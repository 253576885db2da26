/* SPDX-License-Identifier: Apache-2.0
 * make_log.c - writes a small log, and a pack of proofs from it, for the verifiers that know nothing of the gateway:
 *
 *     make_log DIR OLD SIZE
 *
 *     DIR/log          the log of SIZE entries as C2SP tlog-tiles has it: checkpoint, tile/...
 *     DIR/old.txt      its checkpoint when it had OLD of them
 *     DIR/key.txt, DIR/witness.txt   verifier keys of the log and of a witness that cosigned both checkpoints
 *     DIR/pack         four events as `wayleave ledger export` writes them
 *
 * Tiles and proofs come from the product's own code (core/tlog, note, leaf, consent_record); only the files are written here. Everything
 * follows from SIZE, so a run can be repeated. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/consent_record.h"
#include "core/leaf.h"
#include "core/note.h"

#define LEVELS 4
#define EVENTS 4

static const uint8_t log_secret[SIGN_SECRET_BYTES] = {1, 2, 3}, witness_secret[SIGN_SECRET_BYTES] = {4, 5, 6};
static const uint8_t person[LEAF_KEY_BYTES] = {7, 8, 9};
static const char wording[] = "Yes, send me offers of Example Ltd on WhatsApp. I can stop at any time.";
static const enum consent_act acts[EVENTS] = {CONSENT_GRANT, CONSENT_WITHDRAW, CONSENT_STOP, CONSENT_RESUME};
static const int64_t first_at = INT64_C(1790000000000);

static const char *root_dir;
static int64_t size;
static uint8_t (*entry)[LEAF_BYTES];
static struct tlog_hash *level[LEVELS];
static struct note_key log_key, witness_key;

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "make_log: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* DIR/<name>, its folders made. */
static FILE *create(const char *name)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", root_dir, name);
    must(n > 0 && (size_t)n < sizeof path, name);
    for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
        *at = '/';
    }
    FILE *f = fopen(path, "wb");
    must(f != NULL, path);
    return f;
}

static void write_file(const char *name, const void *p, size_t n)
{
    FILE *f = create(name);
    must(fwrite(p, 1, n, f) == n, name);
    must(fclose(f) == 0, name);
}

static void write_buf(const char *name, struct buf *b)
{
    must(!b->failed, name);
    write_file(name, buf_cstr(b), b->len);
    buf_done(b);
}

/* --- the log ------------------------------------------------------------------------------------------------------------ */

/* Events of one person are spread over the log, the others are of nobody. */
static int64_t place_of(int event)
{
    return event * (size - 1) / (EVENTS - 1);
}

static void write_record(int i, struct buf *out)
{
    uint8_t notice[SHA256_BYTES];
    struct consent_record r = {.id = STR("01J000000000E"),
                               .subject = STR("phone:15550001111"),
                               .method = STR("web_form"),
                               .source = STR("https://example.com/signup"),
                               .language = STR("en"),
                               .business = STR("Example Ltd"),
                               .actor = STR("test")};
    sha256(wording, sizeof wording - 1, notice);
    r.event = (struct consent_event){.act = acts[i], .scope = CONSENT_SCOPE(CATEGORY_MARKETING)};
    r.event.at = r.recorded_at = first_at + i * INT64_C(86400000);
    r.notice = acts[i] == CONSENT_GRANT ? notice : NULL;
    must(consent_record_write(&r, out, NULL) == 0, "record");
}

static void make_entries(void)
{
    entry = calloc((size_t)size, LEAF_BYTES);
    must(entry != NULL, "memory");
    for (int64_t i = 0; i < size; i++) {
        struct leaf l = {.kind = LEAF_GRANT, .at = first_at + i * 1000};
        sha256(&i, sizeof i, l.tag);
        sha256(l.tag, sizeof l.tag, l.commit);
        leaf_write(&l, entry[i]);
    }
    for (int i = 0; i < EVENTS; i++) {
        uint8_t salt[SHA256_BYTES];
        struct leaf l = {.kind = (enum leaf_kind)acts[i], .at = first_at + i * INT64_C(86400000)};
        struct buf record;
        buf_init(&record, CONSENT_RECORD_MAX);
        write_record(i, &record);
        leaf_tag(person, (uint64_t)i, l.tag);
        leaf_salt(person, (uint64_t)i, salt);
        leaf_commit(salt, buf_str(&record), l.commit);
        leaf_write(&l, entry[place_of(i)]);
        buf_done(&record);
    }
}

static void make_levels(void)
{
    int64_t n = size;
    for (int l = 0; l < LEVELS; l++, n /= TLOG_TILE) {
        level[l] = calloc((size_t)n + 1, sizeof *level[l]);
        must(level[l] != NULL, "memory");
        for (int64_t i = 0; i < n; i++) {
            struct tlog_tree t = {.size = 0};
            if (l == 0) {
                tlog_leaf_hash(entry[i], LEAF_BYTES, &level[0][i]);
                continue;
            }
            for (int k = 0; k < TLOG_TILE; k++)
                tlog_append(&t, &level[l - 1][i * TLOG_TILE + k]);
            tlog_root(&t, &level[l][i]);
        }
    }
}

static void write_entries(const struct tlog_tile *t, const char *name)
{
    FILE *f = create(name);
    for (int i = 0; i < t->width; i++) {
        must(fwrite("\0\x70", 1, 2, f) == 2, name);
        must(fwrite(entry[t->n * TLOG_TILE + i], 1, LEAF_BYTES, f) == LEAF_BYTES, name);
    }
    must(fclose(f) == 0, name);
}

static void write_tiles(void)
{
    int64_t n = size;
    for (int l = 0; l < LEVELS; l++, n /= TLOG_TILE)
        for (int64_t i = 0; i * TLOG_TILE < n; i++) {
            struct tlog_tile t = {.level = l,
                                  .n = i,
                                  .width = (int)(n - i * TLOG_TILE < TLOG_TILE ? n - i * TLOG_TILE : TLOG_TILE)};
            char path[TLOG_PATH_MAX], name[TLOG_PATH_MAX + 8];
            tlog_tile_path(&t, false, path);
            snprintf(name, sizeof name, "log/%s", path);
            write_file(name, level[l][i * TLOG_TILE].b, (size_t)t.width * SHA256_BYTES);
            if (l > 0)
                continue;
            tlog_tile_path(&t, true, path);
            snprintf(name, sizeof name, "log/%s", path);
            write_entries(&t, name);
        }
}

static int read_tile(void *ctx, const struct tlog_tile *t, struct tlog_hash ret[TLOG_TILE], struct err *e)
{
    (void)ctx;
    (void)e;
    memcpy(ret, level[t->level] + t->n * TLOG_TILE, (size_t)t->width * sizeof ret[0]);
    return 0;
}

static void make_checkpoint(int64_t n, struct buf *out)
{
    struct tlog_tree t;
    struct checkpoint c = {.origin = log_key.name, .size = n};
    struct buf text;
    buf_init(&text, 4096);
    must(tlog_open(n, read_tile, NULL, &t, NULL) == 0, "tree");
    tlog_root(&t, &c.root);
    checkpoint_text(&c, &text);
    must(note_sign(buf_str(&text), &log_key, log_secret, out, NULL) == 0, "note");
    must(note_cosign(buf_str(&text), &witness_key, witness_secret, first_at / 1000 + n, out, NULL) == 0, "cosignature");
    buf_done(&text);
}

/* --- the pack ----------------------------------------------------------------------------------------------------------- */

static void write_proof(const char *name, int64_t index, const struct buf *checkpoint)
{
    struct tlog_hash proof[TLOG_PROOF_MAX];
    struct buf b;
    size_t n;
    buf_init(&b, NOTE_MAX);
    must(tlog_prove_inclusion(index, size, read_tile, NULL, proof, &n, NULL) == 0, "proof");
    tlog_proof_text(index, proof, n, buf_str(checkpoint), &b);
    write_buf(name, &b);
}

static void write_event(int i, const struct buf *checkpoint)
{
    char folder[64], name[128], hex[SHA256_HEX + 1];
    uint8_t salt[SHA256_BYTES];
    struct buf record;
    snprintf(folder, sizeof folder, "pack/events/%04d-%s", i + 1, leaf_kind_name((enum leaf_kind)acts[i]));
    snprintf(name, sizeof name, "%s/record.json", folder);
    buf_init(&record, CONSENT_RECORD_MAX);
    write_record(i, &record);
    write_buf(name, &record);
    snprintf(name, sizeof name, "%s/salt.txt", folder);
    leaf_salt(person, (uint64_t)i, salt);
    hex_encode(salt, sizeof salt, hex);
    hex[SHA256_HEX - 1] = '\n';
    write_file(name, hex, SHA256_HEX);
    snprintf(name, sizeof name, "%s/entry.bin", folder);
    write_file(name, entry[place_of(i)], LEAF_BYTES);
    snprintf(name, sizeof name, "%s/notice.txt", folder);
    if (acts[i] == CONSENT_GRANT)
        write_file(name, wording, sizeof wording - 1);
    snprintf(name, sizeof name, "%s/proof.tlog-proof", folder);
    write_proof(name, place_of(i), checkpoint);
}

static void write_key(const char *name, const struct note_key *k)
{
    struct buf b;
    buf_init(&b, 1024);
    note_key_text(k, &b);
    buf_putc(&b, '\n');
    write_buf(name, &b);
}

static void make_keys(void)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    sign_public(log_secret, public_key);
    must(note_key_make(STR("wayleave.example/log"), NOTE_ED25519, public_key, &log_key, NULL) == 0, "key");
    sign_public(witness_secret, public_key);
    must(note_key_make(STR("witness.example/w1"), NOTE_COSIGNATURE, public_key, &witness_key, NULL) == 0, "key");
    write_key("key.txt", &log_key);
    write_key("witness.txt", &witness_key);
}

int main(int argc, char **argv)
{
    int64_t old;
    struct buf checkpoint;
    if (argc != 4 || !str_i64(str_of(argv[2]), &old) || !str_i64(str_of(argv[3]), &size) || old < 0 || old > size ||
        size < EVENTS || size > 10000000) {
        fprintf(stderr, "usage: make_log DIR OLD SIZE\n");
        return 2;
    }
    root_dir = argv[1];
    make_keys();
    make_entries();
    make_levels();
    write_tiles();
    buf_init(&checkpoint, NOTE_MAX);
    make_checkpoint(old, &checkpoint);
    write_buf("old.txt", &checkpoint);
    buf_init(&checkpoint, NOTE_MAX);
    make_checkpoint(size, &checkpoint);
    write_file("log/checkpoint", checkpoint.data, checkpoint.len);
    write_file("pack/checkpoint.txt", checkpoint.data, checkpoint.len);
    write_key("pack/key.txt", &log_key);
    for (int i = 0; i < EVENTS; i++)
        write_event(i, &checkpoint);
    buf_done(&checkpoint);
    for (int l = 0; l < LEVELS; l++)
        free(level[l]);
    free(entry);
    return 0;
}
