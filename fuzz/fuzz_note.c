/* SPDX-License-Identifier: Apache-2.0
 * fuzz_note.c - any bytes as a verifier key, a signed note, a checkpoint, a proof, and as a text that is signed.
 *
 * What must hold: everything that is read has one spelling, so writing it gives the same bytes; a note with its own signatures merged
 * into it is itself; a text that can be signed verifies, and is cut where it was joined. */
#include <stdlib.h>

#include "core/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (1u << 18)

static const uint8_t secret[SIGN_SECRET_BYTES] = {1, 2, 3};
static struct note_key keys[2];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void make_keys(void)
{
    static const uint8_t witness_secret[SIGN_SECRET_BYTES] = {4, 5, 6};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    sign_public(secret, public_key);
    must(note_key_make(STR("wayleave.example/log"), NOTE_ED25519, public_key, &keys[0], NULL) == 0);
    sign_public(witness_secret, public_key);
    must(note_key_make(STR("witness.example/w1"), NOTE_COSIGNATURE, public_key, &keys[1], NULL) == 0);
}

static void as_key(struct str text, struct buf *b)
{
    struct note_key k;
    struct err e = {0};
    int rc = note_key_parse(text, &k, &e);
    must(rc == e.code);
    if (rc != 0)
        return;
    note_key_text(&k, b);
    must(str_eq(buf_str(b), text));
}

static void as_checkpoint(struct str text, struct buf *b)
{
    struct checkpoint c;
    struct err e = {0};
    int rc = checkpoint_parse(text, &c, &e);
    must(rc == e.code);
    if (rc != 0)
        return;
    must(c.size >= 0 && c.size >> 62 == 0 && c.origin.n > 0);
    checkpoint_text(&c, b);
    must(str_starts(text, buf_str(b)));
}

static void as_note(struct str note, struct buf *b)
{
    struct note_seen seen[2];
    struct str text;
    struct err e = {0};
    size_t n = 0;
    int rc = note_verify(note, keys, 2, &text, seen, &n, &e);
    must(rc == e.code);
    if (rc == 0) {
        must(n >= 1 && n <= 2 && text.p == note.p && text.n < note.n && note.p[text.n] == '\n');
        must(text.n > 0 && text.p[text.n - 1] == '\n');
    }
    if (rc != 0 && rc != WL_EDENIED)
        return;
    must(note_merge(note, note, b, NULL) == 0 && str_eq(buf_str(b), note));
}

static void as_text(struct str text, struct buf *b)
{
    struct note_seen seen[2];
    struct str again;
    size_t n;
    if (note_sign(text, &keys[0], secret, b, NULL) != 0)
        return;
    must(note_verify(buf_str(b), keys, 2, &again, seen, &n, NULL) == 0 && n == 1 && seen[0].key == &keys[0]);
    must(str_eq(again, text));
}

static void as_proof(struct str text, struct buf *b)
{
    struct tlog_proof p;
    struct err e = {0};
    int rc = tlog_proof_parse(text, &p, &e);
    must(rc == e.code);
    if (rc != 0)
        return;
    must(p.n <= TLOG_PROOF_MAX && p.index >= 0 && str_ends(text, p.note) && p.note.n > 0);
    tlog_proof_text(p.index, p.hash, p.n, p.note, b);
    struct str mine = buf_str(b);
    /* An extra line is read over. */
    must(str_eq(mine, text) || (mine.n < text.n && str_starts(text, STR("c2sp.org/tlog-proof@v1\nextra "))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const as[])(struct str, struct buf *) = {as_key, as_checkpoint, as_note, as_text, as_proof};
    struct str text = {(const char *)data, size};
    if (size > MOST)
        return 0;
    if (keys[0].id == 0)
        make_keys();
    for (size_t i = 0; i < sizeof as / sizeof as[0]; i++) {
        struct buf b;
        buf_init(&b, MOST + NOTE_MAX);
        as[i](text, &b);
        buf_done(&b);
    }
    return 0;
}
