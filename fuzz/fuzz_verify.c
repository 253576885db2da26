/* SPDX-License-Identifier: Apache-2.0
 * fuzz_verify.c - what consent-verify reads, against what the gateway's own code makes of the same bytes.
 *
 * They were written apart from each other, so they must agree: a proof that one reads is read by the other, as the same hashes; a text
 * behind a log's name that is a checkpoint to one is one to the other, and has the same root; a note the verifier takes is never one whose
 * signature the gateway finds wrong; a member of a record is found exactly where the JSON reader has it. */
#include "base/json.h"
#include "core/note.h"

#define checkpoint verify_checkpoint
#define json       verify_json
#define sha256     verify_sha256
#define main       consent_verify_main
int consent_verify_main(int argc, char **argv);
#include "verify/consent_verify.c"
#undef checkpoint
#undef json
#undef sha256
#undef main
#undef NOTE_MAX
#define NOTE_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (1u << 18)

static const uint8_t secret[SIGN_SECRET_BYTES] = {1, 2, 3};
static struct note_key ours;
static struct json_parser *parser;

static void hold(bool ok)
{
    if (!ok)
        abort();
}

static void begin(void)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct buf b;
    sign_public(secret, public_key);
    hold(note_key_make(STR("wayleave.example/log"), NOTE_ED25519, public_key, &ours, NULL) == 0);
    buf_init(&b, 4096);
    note_key_text(&ours, &b);
    hold(key_read((struct span){b.data, b.len}, &log_key));
    buf_done(&b);
    parser = json_parser_create();
}

static void proofs(struct str text)
{
    static struct tlog_proof a;
    static struct proof b;
    bool mine = tlog_proof_parse(text, &a, NULL) == 0, theirs = proof_read((struct span){text.p, text.n}, &b);
    if (!mine || a.n > HASHES_MAX)
        return;
    hold(theirs && a.index == b.index && a.n == (size_t)b.n && memcmp(a.hash, b.hash, a.n * sizeof a.hash[0]) == 0);
    hold(a.note.p == b.note.p && a.note.n == b.note.n);
}

static void keys(struct str text)
{
    struct note_key a;
    struct key b;
    if (note_key_parse(text, &a, NULL) != 0)
        return;
    hold(key_read((struct span){text.p, text.n}, &b) && b.kind == a.kind && memcmp(b.bytes, a.public_key, 32) == 0);
}

static void notes(struct str note)
{
    struct verify_checkpoint c;
    struct note_seen seen;
    struct str text;
    size_t n;
    if (checkpoint_read((struct span){note.p, note.n}, &c))
        hold(note_verify(note, &ours, 1, &text, &seen, &n, NULL) != WL_EDENIED);
}

/* The text behind the log's name, signed as the gateway would. */
static void checkpoints(struct str rest)
{
    struct verify_checkpoint theirs;
    struct checkpoint mine;
    struct buf text, note;
    buf_init(&text, MOST + 64);
    buf_init(&note, MOST + NOTE_MAX);
    buf_putstr(&text, ours.name);
    buf_putc(&text, '\n');
    buf_putstr(&text, rest);
    if (note_sign(buf_str(&text), &ours, secret, &note, NULL) == 0) {
        bool is = checkpoint_read((struct span){note.data, note.len}, &theirs);
        if (checkpoint_parse(buf_str(&text), &mine, NULL) == 0)
            hold(is && mine.size == theirs.size && memcmp(mine.root.b, theirs.root, HASH) == 0);
    }
    buf_done(&text);
    buf_done(&note);
}

static void records(struct str text)
{
    struct span found;
    struct json v, inner;
    struct str s;
    int64_t hour;
    bool has = word((struct span){text.p, text.n}, "event", "event_type", &found);
    if (hour_of((struct span){text.p, text.n}, &hour))
        hold(hour > -20000000 && hour < 80000000);
    if (json_parse(parser, text, false, &v, NULL) != 0 || memchr(text.p, '\\', text.n) != NULL ||
        json_type(v) != JSON_OBJECT || json_duplicate_key(v).p != NULL)
        return;
    inner = json_get(v, "event");
    if (json_type(inner) != JSON_OBJECT || json_duplicate_key(inner).p != NULL) {
        hold(!has || json_type(inner) == JSON_OBJECT);
        return;
    }
    bool is_text = json_str(json_get(inner, "event_type"), &s);
    hold(has == is_text && (!has || (s.n == found.n && memcmp(s.p, found.p, s.n) == 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    if (size == 0 || size > MOST)
        return 0;
    if (parser == NULL)
        begin();
    proofs(text);
    keys(text);
    notes(text);
    checkpoints(text);
    records(text);
    return 0;
}
