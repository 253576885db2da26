/* SPDX-License-Identifier: Apache-2.0
 * note.h - signed notes, checkpoints and offline proofs: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof.
 *
 * A note is text, an empty line, and lines of signatures, each with the name of its key and four bytes that tell keys of one
 * name apart. A checkpoint is a note that names a log, its size and its root. Keys are Ed25519 (base/sign.h). Verifying asks
 * for keys one trusts: signatures of others are skipped, a wrong one of a trusted key is an error. */
#ifndef WL_CORE_NOTE_H
#define WL_CORE_NOTE_H

#include "base/arena.h"
#include "base/sign.h"
#include "core/tlog.h"

#define NOTE_NAME_MAX       255 /* of a key; no space, no '+' */
#define NOTE_SIGNATURES_MAX 100
#define NOTE_MAX            65536 /* bytes */

enum note_kind {
    NOTE_ED25519 = 1,    /* over the text */
    NOTE_COSIGNATURE = 4 /* cosignature/v1: over the text and the time it was seen */
};

/* "<name>+<8 hex digits>+<base64 of kind and public key>": a verifier key as Go's note package writes it. */
struct note_key {
    struct str name;
    enum note_kind kind;
    uint32_t id;
    uint8_t public_key[SIGN_PUBLIC_BYTES];
};
/* The key's id is worked out; the name is borrowed. WL_EINVAL for a name that no note may have. */
int note_key_make(struct str name, enum note_kind kind, const uint8_t public_key[SIGN_PUBLIC_BYTES],
                  struct note_key *ret, struct err *e);
int note_key_parse(struct str text, struct note_key *ret, struct err *e); /* WL_EINVAL; checks the id */
void note_key_text(const struct note_key *k, struct buf *out);

/* Appends text, empty line and our signature. text ends with a newline. */
int note_sign(struct str text, const struct note_key *k, const uint8_t secret[SIGN_SECRET_BYTES], struct buf *out,
              struct err *e);
/* Appends a witness's line: it saw the note's text at `at` (seconds since the epoch). For tests and witnesses. */
int note_cosign(struct str text, const struct note_key *k, const uint8_t secret[SIGN_SECRET_BYTES], int64_t at,
                struct buf *out, struct err *e);
struct note_seen {
    const struct note_key *key; /* of those given */
    int64_t at;                 /* COSIGNATURE: seconds since the epoch; else 0 */
};
/* The note's text (borrowed from it) and which of the keys signed it, at most n_keys. WL_EINVAL: malformed; WL_EDENIED: a
 * signature of one of the keys is wrong, or none of the keys signed. */
int note_verify(struct str note, const struct note_key *keys, size_t n_keys, struct str *ret_text,
                struct note_seen *ret_seen, size_t *ret_n, struct err *e);
/* The lines of signatures of `more` that `note` has not yet, appended to it in out. Both have the same text, or WL_EINVAL. */
int note_merge(struct str note, struct str more, struct buf *out, struct err *e);

struct checkpoint {
    struct str origin; /* first line; names the log */
    int64_t size;
    struct tlog_hash root;
};
void checkpoint_text(const struct checkpoint *c, struct buf *out);
int checkpoint_parse(struct str text, struct checkpoint *ret, struct err *e); /* WL_EINVAL; further lines are allowed */

/* A .tlog-proof: the leaf's place, its proof, and the signed checkpoint it leads to. */
void tlog_proof_text(int64_t index, const struct tlog_hash *proof, size_t n, struct str note, struct buf *out);
struct tlog_proof {
    int64_t index;
    struct tlog_hash hash[TLOG_PROOF_MAX];
    size_t n;
    struct str note; /* borrowed */
};
int tlog_proof_parse(struct str text, struct tlog_proof *ret, struct err *e);

#endif
