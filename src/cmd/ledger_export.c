/* SPDX-License-Identifier: Apache-2.0
 * ledger_export.c - `wayleave ledger export`: everything a stranger needs to verify what one person said, as a ZIP or a folder.
 *
 * One folder an event, with record, salt, entry, wording and proof; key and checkpoint beside them, and a page that says how to
 * check all of it with programs that are not ours (docs/ledger.md). What lies there names the person: the archive is readable by
 * its owner only. An event that is in no checkpoint yet ends the export, because half a proof is none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/ledger_proofs.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "cmd/zip.h"

#define NAME_MOST 512

static const char readme[] =
    "What is in here\n"
    "\n"
    "Each folder in events/ is one thing a person said, or had said for them, about messages from a business: consent "
    "given or\n"
    "withdrawn. The folders are numbered in the order in which they stand in the business's ledger.\n"
    "\n"
    "    record.json        what was recorded: who, when, how, to what, in which words\n"
    "    notice.txt         the wording the person was shown, where there was one\n"
    "    salt.txt           32 random bytes that blind the commitment, in hex\n"
    "    entry.bin          the entry of the ledger, 112 bytes; it has no personal data\n"
    "    proof.tlog-proof   that the entry is in the ledger: its place, an inclusion proof, a signed checkpoint\n"
    "\n"
    "checkpoint.txt is the signed checkpoint all proofs lead to: name of the log, number of entries, root of the tree, "
    "signatures.\n"
    "key.txt is the key it is signed with. Do not take the key from here when it matters: ask the business, or whoever "
    "keeps its\n"
    "checkpoints, and compare.\n"
    "\n"
    "What it proves\n"
    "\n"
    "That these records were in the ledger when the checkpoint was signed, and that they have not been changed since. "
    "Who has kept\n"
    "an earlier checkpoint of the same log can tell whether they were there by then. It does not prove that what a "
    "record\n"
    "says is true; how the consent was obtained is in the record, under event.\n"
    "\n"
    "It does not prove that these are all: a proof is of what is there. A later withdrawal that was left out, or "
    "deleted "
    "before\n"
    "the pack was made, leaves no trace in it. In the business's own database `wayleave ledger verify` finds what was "
    "deleted;\n"
    "ask for its output, for a checkpoint of the same size. A number missing in events/ is pointed out by "
    "consent-verify.\n"
    "\n"
    "How to check it\n"
    "\n"
    "With consent-verify, one C file over OpenSSL that comes with wayleave:\n"
    "\n"
    "    consent-verify --key \"$(cat key.txt)\" .\n"
    "\n"
    "By hand, for one event:\n"
    "\n"
    "    1. (printf 'wayleave record v1\\n'; xxd -r -p salt.txt; cat record.json) | sha256sum\n"
    "       is what stands in entry.bin from byte 48 on, 32 bytes: xxd -s 48 -l 32 -p -c 32 entry.bin\n"
    "    2. sha256sum notice.txt is privacy_notice.sha256 in record.json.\n"
    "    3. The leaf is SHA-256 of a zero byte followed by entry.bin. proof.tlog-proof has the hashes that lead from "
    "it to the\n"
    "       root in the checkpoint, as RFC 6962 describes.\n"
    "    4. The checkpoint is a signed note (c2sp.org/signed-note, Ed25519). Go's golang.org/x/mod/sumdb/note opens it "
    "with\n"
    "       key.txt, and golang.org/x/mod/sumdb/tlog checks the proof.\n"
    "\n"
    "Formats: c2sp.org/tlog-checkpoint, c2sp.org/tlog-tiles, c2sp.org/tlog-proof, RFC 6962.\n";

/* A ZIP or a folder. */
struct sink {
    const char *path;
    struct zip *zip; /* NULL: a folder */
    char top[128];   /* folder inside the ZIP, with its '/' */
    int64_t n;
    int rc; /* of the last thing written */
};

static int failed(const struct err *e)
{
    return cmd_fail(CMD_FAILED, e->code == WL_ECONFLICT ? "choose another name with -o" : NULL, "%s", e->text);
}

/* Makes the folders a name needs below the path, and the file; nothing is written over. */
static int write_file(const char *path, const char *name, struct str bytes, struct err *e)
{
    char whole[4096 + NAME_MOST];
    size_t n_path = strlen(path);
    while (n_path > 1 && path[n_path - 1] == '/')
        n_path--;
    snprintf(whole, sizeof whole, "%.*s/%s", (int)n_path, path, name);
    for (char *slash = whole + n_path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(whole, 0700) != 0 && errno != EEXIST)
            return err_set(e, WL_EIO, "%s: %s", whole, strerror(errno));
        *slash = '/';
    }
    int fd = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, errno == EEXIST ? WL_ECONFLICT : WL_EIO, "%s: %s", whole, strerror(errno));
    bool good = true;
    for (size_t at = 0; good && at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        good = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? (size_t)n : 0;
    }
    int rc = good ? 0 : err_set(e, WL_EIO, "%s: %s", whole, strerror(errno));
    close(fd);
    return rc;
}

static int put(struct sink *s, const char *folder, const char *file, struct str bytes)
{
    char name[NAME_MOST];
    struct err e = {0};
    snprintf(name, sizeof name, "%s%s%s", s->zip != NULL ? s->top : "", folder, file);
    int rc = s->zip != NULL ? zip_put(s->zip, name, bytes, &e) : write_file(s->path, name, bytes, &e);
    return rc == 0 ? CMD_OK : failed(&e);
}

static int begin(struct sink *s, const struct ledger_pack *p)
{
    struct buf key;
    buf_init(&key, 1024);
    buf_printf(&key, "%s\n", buf_cstr(&p->key));
    int rc = put(s, "", "README.txt", STR(readme));
    if (rc == CMD_OK)
        rc = put(s, "", "key.txt", buf_str(&key));
    if (rc == CMD_OK)
        rc = put(s, "", "checkpoint.txt", buf_str(&p->note));
    buf_done(&key);
    return rc;
}

static int put_event(struct sink *s, const struct ledger_pack *p, const struct ledger_event *ev)
{
    char folder[64], salt[SHA256_HEX + 1];
    struct buf proof;
    snprintf(folder, sizeof folder, "events/%04lld-%s/", (long long)s->n, leaf_kind_name(ev->entry.kind));
    snprintf(salt, sizeof salt, "%s\n", ev->salt);
    buf_init(&proof, 2 * NOTE_MAX);
    tlog_proof_text(ev->leaf, ev->proof, ev->n_proof, buf_str(&p->note), &proof);
    int rc = put(s, folder, "record.json", ev->record);
    if (rc == CMD_OK)
        rc = put(s, folder, "salt.txt", str_of(salt));
    if (rc == CMD_OK)
        rc = put(s, folder, "entry.bin", (struct str){(const char *)ev->bytes, LEAF_BYTES});
    if (rc == CMD_OK && ev->notice.p != NULL)
        rc = put(s, folder, "notice.txt", ev->notice);
    if (rc == CMD_OK)
        rc = put(s, folder, "proof.tlog-proof", buf_str(&proof));
    buf_done(&proof);
    return rc;
}

static int export_event(void *ctx, const struct ledger_pack *p, const struct ledger_event *ev)
{
    struct sink *s = ctx;
    if (!ev->sealed)
        return cmd_fail(CMD_TEMPORARY, "give the same command again in a second",
                        "leaf %lld is not inside a signed checkpoint yet", (long long)ev->leaf);
    int rc = s->n++ == 0 ? begin(s, p) : CMD_OK;
    return rc == CMD_OK ? put_event(s, p, ev) : rc;
}

/* "pack/" of "some/where/pack.zip". */
static void name_top(struct sink *s)
{
    const char *base = strrchr(s->path, '/');
    struct str name = str_of(base != NULL ? base + 1 : s->path);
    if (str_ends(name, STR(".zip")))
        name.n -= 4;
    snprintf(s->top, sizeof s->top, "%.*s/", (int)(name.n > 0 && name.n < 100 ? name.n : 4),
             name.n > 0 && name.n < 100 ? name.p : "pack");
}

/* A name that ends in '/', or a folder that is there, is a folder; anything else is a ZIP. */
static int open_sink(struct sink *s)
{
    struct err e = {0};
    struct stat st;
    size_t n = strlen(s->path);
    bool there = stat(s->path, &st) == 0;
    if ((there && S_ISDIR(st.st_mode)) || (n > 0 && s->path[n - 1] == '/')) {
        if (mkdir(s->path, 0700) != 0 && errno != EEXIST)
            return cmd_fail(CMD_FAILED, NULL, "%s: %s", s->path, strerror(errno));
        return CMD_OK;
    }
    name_top(s);
    return zip_open(&s->zip, s->path, clock_now_ms(), &e) == 0 ? CMD_OK : failed(&e);
}

int ledger_export_run(const struct args *a)
{
    struct sink s = {.path = args_get(a, "output")};
    struct rest r;
    struct err e = {0};
    if (s.path == NULL)
        return cmd_fail(CMD_USAGE, "a ZIP, as in -o pack.zip, or a folder, as in -o pack/", "say where to with -o");
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = open_sink(&s);
    if (rc == CMD_OK)
        rc = ledger_proofs(&r, a->word[0], export_event, &s);
    if (rc == CMD_OK && s.n == 0)
        rc = cmd_fail(CMD_FAILED, NULL, "the ledger has no event of this person");
    if (rc == CMD_OK && s.zip != NULL && zip_close(s.zip, &e) != 0)
        rc = failed(&e);
    else if (rc != CMD_OK)
        zip_drop(s.zip);
    if (rc == CMD_OK && !args_has(a, "quiet"))
        printf("%lld events and their proofs are in %s\n", (long long)s.n, s.path);
    rest_close(&r);
    return rc;
}
