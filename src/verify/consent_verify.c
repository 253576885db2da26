/* SPDX-License-Identifier: Apache-2.0
 * consent_verify.c - the program `consent-verify`: whether a pack that `wayleave ledger export` wrote proves what it says.
 *
 * It is for somebody who does not trust us: one file, OpenSSL's libcrypto and nothing of ours, written from the formats' texts
 * (docs/ledger.md names them) and not from our library, so that a mistake there is not repeated here. Of each event it asks:
 *
 *     record.json and salt.txt  -- SHA-256 -->  the commitment in entry.bin
 *     entry.bin                 -- its kind and time fit the record
 *     entry.bin                 -- leaf hash, inclusion proof -->  the root in the checkpoint
 *     checkpoint                -- Ed25519 -->  the log's key, and each witness's key that was named
 *     notice.txt                -- SHA-256 -->  the notice's digest in record.json
 *
 * It proves what is there. What was left out it cannot know, but where the numbers of the events have a gap it says so.
 *
 * One line an event on standard output, the first thing that does not fit named. It reads, and opens no connection. What it prints
 * of a pack is plain ASCII: a name with control characters cannot play with the terminal. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define HASH        32
#define ENTRY       112
#define RECORD_MAX  65536
#define NOTICE_MAX  (4u << 20)
#define NOTE_MAX    65536
#define PROOF_MAX   (2 * NOTE_MAX)
#define HASHES_MAX  62 /* of a tree of fewer than 2^62 leaves */
#define SIGS_MAX    100
#define WITNESS_MAX 32
#define EVENTS_MAX  100000
#define TEXT_MAX    512
#define TIME_TEXT   64

/* Bytes borrowed from elsewhere. */
struct span {
    const char *p;
    size_t n;
};

struct key {
    char text[TEXT_MAX]; /* as it was given */
    struct span name;
    uint8_t kind; /* 1: signs the text; 4: a witness */
    uint8_t id[4], bytes[32];
};

struct checkpoint {
    struct span text, origin;
    int64_t size;
    uint8_t root[HASH];
    int witnesses;
    int64_t seen; /* the earliest time a witness says, seconds since the epoch */
};

static struct key log_key, witness[WITNESS_MAX];
static int n_witnesses;

/* --- what is said -------------------------------------------------------------------------------------------------- */

static char why[TEXT_MAX];

/* Keeps the sentence for the event's line; always false. */
__attribute__((format(printf, 1, 2))) static bool wrong(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return false;
}

static void plain(char *s)
{
    for (; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
    char line[2 * TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    plain(line);
    printf("%s\n", line);
}

/* --- bytes and their spellings ------------------------------------------------------------------------------------- */

static bool span_is(struct span s, const char *z)
{
    return s.n == strlen(z) && memcmp(s.p, z, s.n) == 0;
}

static bool same(struct span a, struct span b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Takes a line that ends with a newline off the text. */
static bool line_of(struct span *text, struct span *ret)
{
    const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    if (end == NULL)
        return false;
    *ret = (struct span){text->p, (size_t)(end - text->p)};
    *text = (struct span){end + 1, text->n - ret->n - 1};
    return true;
}

/* What stands before `c`, which must be there; the text goes on behind it. */
static bool cut(struct span *text, char c, struct span *ret)
{
    const char *at = text->n > 0 ? memchr(text->p, c, text->n) : NULL;
    if (at == NULL)
        return false;
    *ret = (struct span){text->p, (size_t)(at - text->p)};
    *text = (struct span){at + 1, text->n - ret->n - 1};
    return true;
}

static bool number(struct span s, int64_t *ret)
{
    int64_t v = 0;
    if (s.n == 0 || s.n > 19 || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, s.p[i] - '0', &v))
            return false;
    *ret = v;
    return true;
}

static int sextet(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Base64 of RFC 4648, section 4: padded, and with no bit that stands for nothing. At most max bytes; -1: it is not. */
static int base64(struct span s, uint8_t *out, size_t max)
{
    size_t n = 0, body = s.n;
    if (s.n % 4 != 0)
        return -1;
    while (body > 0 && s.n - body < 2 && s.p[body - 1] == '=')
        body--;
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < body; i++) {
        int v = sextet(s.p[i]);
        if (v < 0)
            return -1;
        bits = (bits << 6 | (uint32_t)v) & 0xfff;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (n == max)
            return -1;
        out[n++] = (uint8_t)(bits >> held);
    }
    return (bits & ((1u << held) - 1)) == 0 ? (int)n : -1;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex(struct span s, uint8_t *out, size_t n)
{
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* --- time: hours and seconds of the proleptic Gregorian calendar, UTC ---------------------------------------------- */

static int64_t days_from(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, year = y - era * 400;
    int64_t day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

/* "2026-11-22 14:05 UTC"; beyond the year 9999 its last minute. */
static void time_text(int64_t seconds, char ret[TIME_TEXT])
{
    seconds = seconds < INT64_C(253402300799) ? seconds : INT64_C(253402300799);
    int64_t z = seconds / 86400 + 719468, era = z / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), part = (5 * of_year + 2) / 153;
    int64_t month = part < 10 ? part + 3 : part - 9;
    (void)snprintf(ret, TIME_TEXT, "%lld-%02d-%02d %02d:%02d UTC", (long long)(year + era * 400 + (month <= 2)),
                   (int)month, (int)(of_year - (153 * part + 2) / 5 + 1), (int)(seconds / 3600 % 24),
                   (int)(seconds / 60 % 60));
}

/* The hour since the epoch of "2026-11-22T14:05:00.000Z". */
static bool hour_of(struct span s, int64_t *ret)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    int v[24];
    if (s.n != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (shape[i] == 'd' ? !digit : s.p[i] != shape[i])
            return false;
        v[i] = s.p[i] - '0';
    }
    int64_t y = v[0] * 1000 + v[1] * 100 + v[2] * 10 + v[3];
    *ret = days_from(y, v[5] * 10 + v[6], v[8] * 10 + v[9]) * 24 + v[11] * 10 + v[12];
    return true;
}

/* --- hashes and signatures ----------------------------------------------------------------------------------------- */

static void give_up(const char *what)
{
    fprintf(stderr, "consent-verify: %s\n", what);
    exit(1);
}

/* SHA-256 of up to three pieces, one behind the other. */
static void sha256(struct span a, struct span b, struct span c, uint8_t ret[HASH])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 || EVP_DigestUpdate(ctx, a.p, a.n) != 1 ||
        EVP_DigestUpdate(ctx, b.p, b.n) != 1 || EVP_DigestUpdate(ctx, c.p, c.n) != 1 ||
        EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        give_up("SHA-256 is not to be had");
    EVP_MD_CTX_free(ctx);
}

static struct span bytes_of(const void *p, size_t n)
{
    return (struct span){p, n};
}

static struct span text_of(const char *z)
{
    return (struct span){z, strlen(z)};
}

static void leaf_hash(const uint8_t *entry, size_t n, uint8_t ret[HASH])
{
    sha256(bytes_of("\0", 1), bytes_of(entry, n), bytes_of("", 0), ret);
}

static void node_hash(const uint8_t left[HASH], const uint8_t right[HASH], uint8_t ret[HASH])
{
    sha256(bytes_of("\1", 1), bytes_of(left, HASH), bytes_of(right, HASH), ret);
}

static bool ed25519(const uint8_t key[32], const uint8_t signature[64], struct span text)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = pkey != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, signature, 64, (const uint8_t *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

/* RFC 6962, 2.1.1, from the other end: the root that a leaf's hash and its proof lead to. Going up, the node is the right
 * one of its pair or the left one; where it is the last of its level and a left one it has no pair there. */
static bool root_of(int64_t index, int64_t size, const uint8_t leaf[HASH], uint8_t proof[][HASH], int n,
                    uint8_t ret[HASH])
{
    int used = 0;
    memcpy(ret, leaf, HASH);
    for (int64_t last = size - 1; last > 0; index /= 2, last /= 2) {
        if (index == last && index % 2 == 0)
            continue;
        if (used == n)
            return false;
        if (index % 2 == 1)
            node_hash(proof[used], ret, ret);
        else
            node_hash(ret, proof[used], ret);
        used++;
    }
    return used == n;
}

/* --- keys, notes, checkpoints --------------------------------------------------------------------------------------- */

/* "<name>+<8 hex digits>+<base64 of kind and key>" */
static bool key_read(struct span text, struct key *k)
{
    uint8_t id[4], code[33], hash[HASH];
    struct span rest, part;
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n >= sizeof k->text)
        return wrong("a verifier key is shorter than that");
    memcpy(k->text, text.p, text.n);
    k->text[text.n] = '\0';
    rest = (struct span){k->text, text.n};
    if (!cut(&rest, '+', &k->name) || k->name.n == 0 || !cut(&rest, '+', &part) || !hex(part, id, 4) ||
        base64(rest, code, sizeof code) != sizeof code || (code[0] != 1 && code[0] != 4))
        return wrong("this is no verifier key (name+id+base64 of Ed25519)");
    sha256(k->name, bytes_of("\n", 1), bytes_of(code, sizeof code), hash);
    if (memcmp(hash, id, 4) != 0)
        return wrong("the verifier key's id does not fit its name and key");
    k->kind = code[0];
    memcpy(k->id, id, 4);
    memcpy(k->bytes, code + 1, 32);
    return true;
}

/* The text before the last empty line, the signatures behind it. */
static bool note_cut(struct span note, struct span *text, struct span *lines)
{
    if (note.n == 0 || note.n > NOTE_MAX || note.p[note.n - 1] != '\n')
        return wrong("the checkpoint is no signed note");
    for (size_t i = 0; i < note.n; i++)
        if ((uint8_t)note.p[i] < ' ' && note.p[i] != '\n')
            return wrong("the checkpoint has a control character");
    size_t at = note.n - 1;
    while (at > 0 && !(note.p[at] == '\n' && note.p[at - 1] == '\n'))
        at--;
    if (at == 0 || at == note.n - 1)
        return wrong("the checkpoint has no signatures");
    *text = (struct span){note.p, at};
    *lines = (struct span){note.p + at + 1, note.n - at - 1};
    return true;
}

/* Whether the raw signature (behind the id) is the key's; *ret_seen of a witness: when. */
static bool signature_fits(const struct key *k, struct span text, const uint8_t *raw, int n, int64_t *ret_seen)
{
    if (k->kind == 1)
        return n == 64 && ed25519(k->bytes, raw, text);
    uint64_t at = n == 72 ? big_endian(raw, 8) : UINT64_MAX;
    if (at > INT64_MAX)
        return false;
    char head[64];
    size_t head_n = (size_t)snprintf(head, sizeof head, "cosignature/v1\ntime %lld\n", (long long)at);
    char *message = malloc(head_n + text.n);
    if (message == NULL)
        give_up("out of memory");
    memcpy(message, head, head_n);
    memcpy(message + head_n, text.p, text.n);
    bool ok = ed25519(k->bytes, raw + 8, (struct span){message, head_n + text.n});
    free(message);
    *ret_seen = (int64_t)at;
    return ok;
}

/* Whether a line's name and the id its base64 begins with are the key's: if so the rest must be right, whatever it is. */
static bool is_of(const struct key *k, struct span name, struct span code)
{
    uint8_t start[6];
    if (code.n > 8)
        code.n = 8;
    return same(name, k->name) && base64(code, start, sizeof start) >= 4 && memcmp(start, k->id, 4) == 0;
}

/* All signatures of the key in the lines must be right, and there must be one. */
static bool signed_by(const struct key *k, struct span text, struct span lines, int64_t *ret_seen)
{
    struct span line, name;
    bool found = false;
    for (int n = 0; line_of(&lines, &line); n++) {
        uint8_t raw[4 + 72];
        if (n == SIGS_MAX || line.n < 4 || memcmp(line.p, "\xe2\x80\x94 ", 4) != 0)
            return wrong("the checkpoint has a line of signatures that is none");
        line = (struct span){line.p + 4, line.n - 4};
        if (!cut(&line, ' ', &name))
            return wrong("the checkpoint has a line of signatures that is none");
        if (!is_of(k, name, line))
            continue;
        int got = base64(line, raw, sizeof raw);
        if (got < 4 || !signature_fits(k, text, raw + 4, got - 4, ret_seen))
            return wrong("the signature of %.*s on the checkpoint is wrong", (int)k->name.n, k->name.p);
        found = true;
    }
    return found || wrong("%.*s has not signed the checkpoint", (int)k->name.n, k->name.p);
}

static bool checkpoint_read(struct span note, struct checkpoint *c)
{
    struct span lines, text, size, root;
    int64_t seen = 0;
    *c = (struct checkpoint){.seen = INT64_MAX};
    if (!note_cut(note, &c->text, &lines))
        return false;
    text = c->text;
    if (!line_of(&text, &c->origin) || !line_of(&text, &size) || !line_of(&text, &root) || !number(size, &c->size) ||
        c->size >> HASHES_MAX != 0 || base64(root, c->root, HASH) != HASH)
        return wrong("the checkpoint is not a log's name, a size and a root");
    if (!same(c->origin, log_key.name))
        return wrong("the checkpoint is of the log %.*s, the key is %.*s's", (int)c->origin.n, c->origin.p,
                     (int)log_key.name.n, log_key.name.p);
    if (!signed_by(&log_key, c->text, lines, &seen))
        return false;
    for (int i = 0; i < n_witnesses; i++) {
        if (!signed_by(&witness[i], c->text, lines, &seen))
            return false;
        if (witness[i].kind == 4 && seen < c->seen)
            c->seen = seen;
        c->witnesses++;
    }
    return true;
}

/* --- proofs ---------------------------------------------------------------------------------------------------------- */

struct proof {
    int64_t index;
    int n;
    uint8_t hash[HASHES_MAX][HASH];
    struct span note;
};

static bool starts(struct span s, const char *z)
{
    return s.n >= strlen(z) && memcmp(s.p, z, strlen(z)) == 0;
}

static bool proof_read(struct span text, struct proof *p)
{
    struct span line;
    p->n = 0;
    if (!line_of(&text, &line) || !span_is(line, "c2sp.org/tlog-proof@v1"))
        return wrong("the proof does not begin as a c2sp.org/tlog-proof@v1");
    bool there = line_of(&text, &line);
    if (there && starts(line, "extra "))
        there = line_of(&text, &line);
    if (!there || !starts(line, "index ") || !number((struct span){line.p + 6, line.n - 6}, &p->index))
        return wrong("the proof does not say which leaf it is of");
    while ((there = line_of(&text, &line)) && line.n > 0) {
        if (p->n == HASHES_MAX || base64(line, p->hash[p->n], HASH) != HASH)
            return wrong("the proof has a line that is no hash, or too many");
        p->n++;
    }
    if (!there)
        return wrong("the proof ends before its checkpoint");
    p->note = text;
    return true;
}

/* --- records: as much of JSON as it takes to find a member ------------------------------------------------------------ */

struct json {
    const char *p, *end;
};

static void blank(struct json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
        j->p++;
}

static bool expect(struct json *j, char c)
{
    blank(j);
    if (j->p == j->end || *j->p != c)
        return false;
    j->p++;
    return true;
}

/* The raw text between the quotes. */
static bool string(struct json *j, struct span *ret)
{
    if (!expect(j, '"'))
        return false;
    ret->p = j->p;
    for (; j->p < j->end && *j->p != '"'; j->p++)
        if (*j->p == '\\' && ++j->p == j->end)
            return false;
    if (j->p == j->end)
        return false;
    ret->n = (size_t)(j->p++ - ret->p);
    return true;
}

static bool skip(struct json *j)
{
    struct span s;
    int depth = 0;
    do {
        blank(j);
        if (j->p == j->end)
            return false;
        if (*j->p == '"') {
            if (!string(j, &s))
                return false;
            continue;
        }
        if (*j->p == '{' || *j->p == '[')
            depth++;
        else if (*j->p == '}' || *j->p == ']')
            depth--;
        j->p++;
        /* numbers, true, false, null */
        while (depth == 0 && j->p < j->end && strchr(",]} \t\r\n", *j->p) == NULL)
            j->p++;
    } while (depth > 0);
    return depth == 0;
}

/* The value of a member that an object has exactly once; *ret is the value's text. */
static bool member(struct span object, const char *name, struct span *ret)
{
    struct json j = {object.p, object.p + object.n};
    struct span key;
    int found = 0;
    if (!expect(&j, '{'))
        return false;
    do {
        if (!string(&j, &key) || !expect(&j, ':'))
            return false;
        blank(&j);
        const char *from = j.p;
        if (!skip(&j))
            return false;
        if (span_is(key, name)) {
            *ret = (struct span){from, (size_t)(j.p - from)};
            found++;
        }
    } while (expect(&j, ','));
    return found == 1;
}

/* A member of a member that is a string; in quotes no more. */
static bool word(struct span record, const char *outer, const char *inner, struct span *ret)
{
    struct span object, value;
    if (!member(record, outer, &object) || !member(object, inner, &value) || value.n < 2 || value.p[0] != '"')
        return false;
    *ret = (struct span){value.p + 1, value.n - 2};
    return true;
}

/* --- an event -------------------------------------------------------------------------------------------------------- */

struct event {
    char dir[4096];
    struct span record, salt, entry, notice, proof; /* owned; p NULL: no such file */
    const char *kind;
    int64_t hour, index, size;
    struct checkpoint at;
};

static bool slurp(const char *path, size_t max, bool must, struct span *ret)
{
    FILE *f = fopen(path, "rb");
    *ret = (struct span){NULL, 0};
    if (f == NULL)
        return must || errno != ENOENT ? wrong("%s: %s", path, strerror(errno)) : true;
    char *p = malloc(max + 2);
    if (p == NULL)
        give_up("out of memory");
    size_t n = fread(p, 1, max + 1, f);
    bool ok = ferror(f) == 0 && n <= max;
    if (!ok)
        (void)wrong("%s: %s", path, n > max ? "too large" : strerror(errno));
    (void)fclose(f);
    if (!ok) {
        free(p);
        return false;
    }
    p[n] = '\0';
    *ret = (struct span){p, n};
    return true;
}

static bool file_in(const char *dir, const char *name, size_t max, bool must, struct span *ret)
{
    char path[4096 + 64];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return slurp(path, max, must, ret);
}

static const char *kind_of(uint8_t k)
{
    static const char *const names[] = {NULL, "grant", "withdraw", "stop", "resume", "erasure"};
    if (k == 16 || k == 17)
        return k == 16 ? "rules" : "campaign";
    return k < sizeof names / sizeof names[0] ? names[k] : NULL;
}

/* version 1, kind 1, zero 2, hours 4, count 8, tag 32, commitment 32, zero 32 */
static bool entry_fits(struct event *v)
{
    static const uint8_t zero[HASH];
    const uint8_t *b = (const uint8_t *)v->entry.p;
    if (v->entry.n != ENTRY || b[0] != 1 || b[2] != 0 || b[3] != 0 || memcmp(b + 80, zero, HASH) != 0 ||
        (v->kind = kind_of(b[1])) == NULL)
        return wrong("entry.bin is no entry that is known");
    v->hour = (int64_t)big_endian(b + 4, 4);
    return true;
}

static bool commitment_fits(const struct event *v)
{
    static const char domain[] = "wayleave record v1\n";
    uint8_t salt[HASH], hash[HASH];
    struct span s = v->salt;
    if (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    if (!hex(s, salt, HASH))
        return wrong("salt.txt is not 64 hex digits");
    sha256(bytes_of(domain, sizeof domain - 1), bytes_of(salt, HASH), v->record, hash);
    if (memcmp(hash, v->entry.p + 48, HASH) != 0)
        return wrong("record.json is not the record that entry.bin commits to");
    return true;
}

/* Of consent events: that the entry says openly what the record says. Others have records of other kinds. */
static bool record_fits(const struct event *v)
{
    struct span type, recorded;
    int64_t hour;
    if ((uint8_t)v->entry.p[1] > 4)
        return true;
    if (!word(v->record, "event", "event_type", &type) || !span_is(type, v->kind))
        return wrong("the entry says %s and the record does not", v->kind);
    if (!word(v->record, "event", "recorded_time", &recorded) || !hour_of(recorded, &hour))
        return wrong("the record does not say when it was made");
    return v->hour >= hour || wrong("the record says that it was made after the entry that commits to it");
}

static bool notice_fits(const struct event *v)
{
    struct span digest;
    uint8_t want[HASH], hash[HASH];
    bool named = word(v->record, "privacy_notice", "sha256", &digest);
    if (!named)
        return v->notice.p == NULL || wrong("notice.txt is there, and the record names no notice");
    if (v->notice.p == NULL)
        return wrong("notice.txt is missing, and the record names a notice");
    sha256(v->notice, bytes_of("", 0), bytes_of("", 0), hash);
    if (!hex(digest, want, HASH) || memcmp(hash, want, HASH) != 0)
        return wrong("notice.txt is not the notice that the record names");
    return true;
}

static bool proof_fits(struct event *v)
{
    struct proof p;
    uint8_t leaf[HASH], root[HASH];
    if (!proof_read(v->proof, &p) || !checkpoint_read(p.note, &v->at))
        return false;
    v->index = p.index;
    v->size = v->at.size;
    leaf_hash((const uint8_t *)v->entry.p, v->entry.n, leaf);
    if (p.index >= v->size || !root_of(p.index, v->size, leaf, p.hash, p.n, root) ||
        memcmp(root, v->at.root, HASH) != 0)
        return wrong("the proof does not lead from the entry to the checkpoint's root");
    return true;
}

static bool event_read(struct event *v, const char *proof_path)
{
    return slurp(proof_path, PROOF_MAX, true, &v->proof) && file_in(v->dir, "entry.bin", ENTRY, true, &v->entry) &&
           file_in(v->dir, "record.json", RECORD_MAX, true, &v->record) &&
           file_in(v->dir, "salt.txt", 2 * HASH + 1, true, &v->salt) &&
           file_in(v->dir, "notice.txt", NOTICE_MAX, false, &v->notice);
}

static void event_done(struct event *v)
{
    const struct span owned[] = {v->record, v->salt, v->entry, v->notice, v->proof};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free((void *)(uintptr_t)owned[i].p);
}

static void say_event(const char *label, const struct event *v)
{
    char at[TIME_TEXT];
    time_text(v->hour * 3600, at);
    say("ok     %s: %s, leaf %lld of %lld, recorded in the hour of %s, %s", label, v->kind, (long long)v->index,
        (long long)v->size, at, v->notice.p != NULL ? "notice fits" : "no notice");
}

/* The event of a proof file and of what lies beside it. `pack`: the checkpoint all proofs must lead to; NULL: any. */
static bool check_event(const char *label, const char *proof_path, const struct checkpoint *pack, int64_t *last)
{
    struct event v = {.hour = 0};
    const char *slash = strrchr(proof_path, '/');
    int n = slash != NULL ? (int)(slash - proof_path) : 1;
    (void)snprintf(v.dir, sizeof v.dir, "%.*s", n > 0 ? n : 1, slash != NULL ? proof_path : ".");
    bool ok = event_read(&v, proof_path) && entry_fits(&v) && commitment_fits(&v) && record_fits(&v) &&
              notice_fits(&v) && proof_fits(&v);
    if (ok && pack != NULL && !same(v.at.text, pack->text))
        ok = wrong("the proof leads to another checkpoint than the pack's");
    if (ok && v.index <= *last)
        ok = wrong("the same leaf, or one of before, was shown already");
    if (ok) {
        *last = v.index;
        say_event(label, &v);
    } else {
        say("WRONG  %s: %s", label, why);
    }
    event_done(&v);
    return ok;
}

/* --- packs ------------------------------------------------------------------------------------------------------------ */

/* "9999-grant" before "10000-stop". */
static int by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    unsigned long m = strtoul(x, NULL, 10), n = strtoul(y, NULL, 10);
    return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

/* Names in DIR/events, sorted; owned. */
static int events_in(const char *pack, char **names)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/events", pack);
    DIR *d = opendir(path);
    int n = 0;
    if (d == NULL) {
        (void)wrong("%s: %s", path, strerror(errno));
        return -1;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL && n < EVENTS_MAX;)
        if (e->d_name[0] != '.' && (names[n++] = strdup(e->d_name)) == NULL)
            give_up("out of memory");
    (void)closedir(d);
    qsort(names, (size_t)n, sizeof names[0], by_number);
    return n;
}

/* Packs number their events from 1 on: a number that is not there may be an event that was taken out. */
static void say_gaps(char *const *names, int n)
{
    unsigned long next = 1;
    for (int i = 0; i < n; i++) {
        unsigned long at = strtoul(names[i], NULL, 10);
        if (at == next + 1)
            say("warn   event %04lu is not in the pack: ask what became of it", next);
        else if (at > next)
            say("warn   events %04lu to %04lu are not in the pack: ask what became of them", next, at - 1);
        next = at + 1;
    }
}

static bool check_events(const char *pack, const struct checkpoint *c)
{
    static char *names[EVENTS_MAX];
    int64_t last = -1;
    int bad = 0, n = events_in(pack, names);
    if (n <= 0) {
        say("WRONG  %s: %s", pack, n < 0 ? why : "there is no event in it");
        return false;
    }
    say_gaps(names, n);
    for (int i = 0; i < n; i++) {
        char path[4096 + 300];
        (void)snprintf(path, sizeof path, "%s/events/%s/proof.tlog-proof", pack, names[i]);
        bad += !check_event(names[i], path, c, &last);
        free(names[i]);
    }
    say("%s %d of %d events are proven", bad == 0 ? "ok    " : "WRONG ", n - bad, n);
    return bad == 0;
}

static void say_checkpoint(const struct checkpoint *c)
{
    char seen[12 + TIME_TEXT] = "";
    if (c->seen != INT64_MAX) {
        memcpy(seen, ", first at ", 12);
        time_text(c->seen, seen + 11);
    }
    say("ok     checkpoint: %.*s, %lld leaves, signed by its key and %d witness%s%s", (int)c->origin.n, c->origin.p,
        (long long)c->size, c->witnesses, c->witnesses == 1 ? "" : "es", seen);
}

static bool check_pack(const char *pack, bool key_given)
{
    struct span key, note;
    struct checkpoint c;
    if (!key_given) {
        bool ok = file_in(pack, "key.txt", TEXT_MAX, true, &key) && key_read(key, &log_key);
        free((void *)(uintptr_t)key.p);
        if (!ok) {
            say("WRONG  %s: key.txt: %s", pack, why);
            return false;
        }
        fprintf(stderr, "consent-verify: the key is the pack's own; compare it with what the business made public, "
                        "or name it with --key\n");
    }
    bool ok = file_in(pack, "checkpoint.txt", NOTE_MAX, true, &note) && checkpoint_read(note, &c);
    if (ok)
        say_checkpoint(&c);
    else
        say("WRONG  checkpoint: %s", why);
    ok = ok && check_events(pack, &c);
    free((void *)(uintptr_t)note.p);
    return ok;
}

/* --- the command line -------------------------------------------------------------------------------------------------- */

static int usage(FILE *to, int code)
{
    fprintf(
        to,
        "usage: consent-verify [--key KEY] [--witness KEY]... PACK|PROOF...\n"
        "Checks packs of `wayleave ledger export` (folders), or single .tlog-proof files with record.json, salt.txt "
        "and\n"
        "entry.bin beside them. KEY is a verifier key (name+id+base64) or a file with one. Without --key a pack's own\n"
        "key.txt is taken. Every witness that is named must have cosigned.\n"
        "Exit status: 0 everything is proven, 1 something is not, 2 the command line is wrong.\n");
    return code;
}

static bool key_argument(const char *arg, struct key *k)
{
    struct span text;
    struct stat st;
    if (stat(arg, &st) != 0)
        return key_read(text_of(arg), k);
    bool ok = slurp(arg, TEXT_MAX, true, &text) && key_read(text, k);
    free((void *)(uintptr_t)text.p);
    return ok;
}

/* Whether it is the archive itself. */
static bool is_zip(const char *path)
{
    char head[4] = "";
    FILE *f = fopen(path, "rb");
    bool yes = f != NULL && fread(head, 1, 4, f) == 4 && memcmp(head, "PK\3\4", 4) == 0;
    if (f != NULL)
        (void)fclose(f);
    return yes;
}

static bool check_one(const char *arg, bool key_given)
{
    struct stat st;
    int64_t last = -1;
    if (stat(arg, &st) != 0) {
        say("WRONG  %s: %s", arg, strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode))
        return check_pack(arg, key_given);
    if (is_zip(arg)) {
        say("WRONG  %s: a ZIP is not read; unzip it and name the folder that comes out", arg);
        return false;
    }
    if (!key_given) {
        say("WRONG  %s: a single proof needs --key", arg);
        return false;
    }
    return check_event(arg, arg, NULL, &last);
}

/* One "--key KEY" or "--witness KEY"; false: the command line is wrong. */
static bool take_option(const char *name, const char *value, bool *key_given, bool *ret_bad)
{
    bool is_key = strcmp(name, "--key") == 0;
    if ((!is_key && strcmp(name, "--witness") != 0) || value == NULL || (is_key && *key_given) ||
        (!is_key && n_witnesses == WITNESS_MAX))
        return false;
    *ret_bad = !key_argument(value, is_key ? &log_key : &witness[n_witnesses]);
    if (is_key)
        *key_given = true;
    else
        n_witnesses++;
    return true;
}

int main(int argc, char **argv)
{
    bool key_given = false, all = true;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        bool bad;
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        if (!take_option(argv[i], argv[i + 1], &key_given, &bad))
            return usage(stderr, 2);
        if (bad) {
            fprintf(stderr, "consent-verify: %s: %s\n", argv[i], why);
            return 2;
        }
    }
    if (i >= argc)
        return usage(stderr, 2);
    for (; i < argc; i++)
        all = check_one(argv[i], key_given) && all;
    return all ? 0 : 1;
}
