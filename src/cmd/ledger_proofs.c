/* SPDX-License-Identifier: Apache-2.0
 * ledger_proofs.c - pages of GET /ledger/proofs/{who}, all to one checkpoint.
 *
 * The first page brings key and checkpoint, the later ones are asked for proofs of the same size. What is kept is copied: an
 * answer is gone with the next call. */
#include "cmd/ledger_proofs.h"

#include <stdio.h>

#include "cmd/show.h"

#define PATH_MOST 4096

int ledger_read_note(struct str note, struct str key, struct buf *text, struct checkpoint *ret, struct err *e)
{
    struct note_key k;
    struct note_seen seen;
    struct str said;
    size_t n = 0;
    int rc = note_key_parse(str_trim(key), &k, e);
    if (rc == 0)
        rc = note_verify(note, &k, 1, &said, &seen, &n, e);
    if (rc != 0)
        return rc;
    buf_clear(text);
    if (!buf_putstr(text, said))
        return err_set(e, WL_ETOOBIG, "the checkpoint is too large");
    return checkpoint_parse(buf_str(text), ret, e);
}

static int strange(const char *what)
{
    return cmd_fail(CMD_FAILED, "are the gateway and this program of the same version?",
                    "the gateway's answer has no %s that can be read", what);
}

static bool read_proof(struct json list, struct ledger_event *ev)
{
    ev->n_proof = 0;
    ev->sealed = json_type(list) == JSON_ARRAY;
    for (struct json_iter it = json_iter(list); ev->sealed && json_next(&it);) {
        struct str text;
        size_t n;
        if (ev->n_proof == TLOG_PROOF_MAX || !json_str(it.value, &text) ||
            !base64_decode(text, ev->proof[ev->n_proof].b, SHA256_BYTES, &n) || n != SHA256_BYTES)
            return false;
        ev->n_proof++;
    }
    return true;
}

static int read_event(struct json v, struct ledger_event *ev)
{
    struct str text;
    size_t n = 0;
    ev->answer = v;
    ev->leaf = show_number(v, "leaf");
    if (!json_str(json_get(v, "entry"), &text) || !base64_decode(text, ev->bytes, LEAF_BYTES, &n) ||
        leaf_read(ev->bytes, n, &ev->entry, NULL) != 0)
        return strange("entry");
    if (!json_str(json_get(v, "salt"), &text) || text.n != SHA256_HEX - 1)
        return strange("salt");
    memcpy(ev->salt, text.p, text.n);
    ev->salt[text.n] = '\0';
    if (!json_str(json_get(v, "record"), &ev->record))
        return strange("record");
    if (!json_str(json_get(v, "notice"), &ev->notice))
        ev->notice = (struct str){NULL, 0};
    return read_proof(json_get(v, "proof"), ev) ? CMD_OK : strange("proof");
}

/* That the wording is the one whose SHA-256 the record names, and none is there where it names none. */
static int check_wording(const struct ledger_event *ev)
{
    struct json_parser *p = json_parser_create();
    struct json record;
    struct str named = {NULL, 0};
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    bool good = json_parse(p, ev->record, false, &record, NULL) == 0;
    bool names = good && json_str(json_at(record, "privacy_notice", "sha256"), &named);
    if (good && ev->notice.p != NULL) {
        sha256(ev->notice.p, ev->notice.n, digest);
        hex_encode(digest, sizeof digest, hex);
    }
    bool fits = good && names == (ev->notice.p != NULL) && (!names || str_eq(named, str_of(hex)));
    json_parser_free(p);
    if (!good)
        return strange("record");
    return fits ? CMD_OK
                : cmd_fail(CMD_FAILED, "wayleave ledger verify lists what does not fit",
                           "the wording behind leaf %lld is not the one the record names", (long long)ev->leaf);
}

/* What a stranger would check. */
static int check_event(const struct ledger_pack *p, const struct ledger_event *ev)
{
    uint8_t salt[SHA256_BYTES], commit[SHA256_BYTES];
    struct tlog_hash leaf;
    size_t n = 0;
    if (!hex_decode(str_of(ev->salt), salt, sizeof salt, &n) || n != sizeof salt)
        return strange("salt");
    leaf_commit(salt, ev->record, commit);
    if (memcmp(commit, ev->entry.commit, sizeof commit) != 0)
        return cmd_fail(CMD_FAILED, "wayleave ledger verify lists what does not fit",
                        "the record behind leaf %lld is not the one the leaf commits to", (long long)ev->leaf);
    tlog_leaf_hash(ev->bytes, LEAF_BYTES, &leaf);
    if (ev->sealed &&
        !tlog_check_inclusion(ev->leaf, p->checkpoint.size, &leaf, ev->proof, ev->n_proof, &p->checkpoint.root))
        return cmd_fail(CMD_FAILED, "wayleave ledger verify lists what does not fit",
                        "the proof of leaf %lld does not lead to the signed checkpoint", (long long)ev->leaf);
    return check_wording(ev);
}

/* The first page's; each other has the same size. */
static int begin_pack(struct json answer, struct ledger_pack *p)
{
    struct str contact = show_text(answer, "contact"), key = show_text(answer, "key"), note = {NULL, 0};
    struct err e = {0};
    snprintf(p->contact, sizeof p->contact, "%.*s", (int)contact.n, contact.p);
    buf_putstr(&p->key, key);
    if (!json_str(json_get(answer, "checkpoint"), &note))
        return CMD_OK;
    buf_putstr(&p->note, note);
    if (ledger_read_note(note, key, &p->text, &p->checkpoint, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "the gateway's checkpoint: %s", e.text);
    if (p->checkpoint.size != show_number(answer, "size"))
        return strange("size");
    return CMD_OK;
}

static int page(struct rest *r, const char *who, int64_t from, struct ledger_pack *p, ledger_each *each, void *ctx,
                int64_t *ret_next)
{
    struct json answer;
    struct buf path;
    buf_init(&path, PATH_MOST);
    buf_puts(&path, "/ledger/proofs/");
    rest_segment(&path, str_of(who));
    if (from > 0)
        buf_printf(&path, "?from=%lld&size=%lld", (long long)from, (long long)p->checkpoint.size);
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "that is no name of a person")
                         : rest_call(r, "GET", buf_cstr(&path), (struct str){NULL, 0}, &answer);
    buf_done(&path);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc == CMD_OK && from == 0)
        rc = begin_pack(answer, p);
    if (rc != CMD_OK)
        return rc;
    for (struct json_iter it = json_iter(json_get(answer, "events")); rc == CMD_OK && json_next(&it);) {
        struct ledger_event ev;
        rc = read_event(it.value, &ev);
        if (rc == CMD_OK)
            rc = check_event(p, &ev);
        if (rc == CMD_OK)
            rc = each(ctx, p, &ev);
    }
    *ret_next = show_number(answer, "next");
    return rc;
}

int ledger_proofs(struct rest *r, const char *who, ledger_each *each, void *ctx)
{
    struct ledger_pack p = {.contact = ""};
    int64_t next = 0;
    int rc;
    buf_init(&p.key, 1024);
    buf_init(&p.note, NOTE_MAX);
    buf_init(&p.text, NOTE_MAX);
    do
        rc = page(r, who, next, &p, each, ctx, &next);
    while (rc == CMD_OK && next > 0);
    buf_done(&p.key);
    buf_done(&p.note);
    buf_done(&p.text);
    return rc;
}
