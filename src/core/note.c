/* SPDX-License-Identifier: Apache-2.0
 * note.c - writes and reads signed notes, checkpoints, cosignatures and offline proofs.
 *
 * A note is cut in one place: its last empty line. What stands before it, the newline at its end included, is the text; every
 * line behind it is a signature. All of a note is looked at before any key is: bytes that are no UTF-8, control
 * characters, a line that is no signature, more lines than NOTE_SIGNATURES_MAX make it malformed, whoever signed it. A signature
 * belongs to a key when name and id are the key's; then it must be right, also when it is there twice.
 *
 * Everything has one spelling: numbers without leading zeros, base64 as base64_encode() writes it, hex in lower case. What is read
 * is borrowed from the text. */
#include "core/note.h"

#define TIME_BYTES     8
#define HASH_TEXT      44 /* base64 of a hash */
#define PROOF_TEXT_MAX (2 * NOTE_MAX)
#define PIECE          128 /* of base64: 96 bytes */

static const struct str dash = STR_INIT("\xe2\x80\x94 ");
static const struct str proof_head = STR_INIT("c2sp.org/tlog-proof@v1");

/* --- text ---------------------------------------------------------------------------------------------------------- */

/* The next code point of strict UTF-8, or -1. */
static int32_t next_char(struct str *s)
{
    static const int32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)s->p;
    int n = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;
    if (n == 0 || s->n < (size_t)n)
        return -1;
    int32_t c = n == 1 ? p[0] : p[0] & (0x7f >> n);
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return -1;
    *s = (struct str){s->p + n, s->n - (size_t)n};
    return c;
}

/* What Unicode calls white space. */
static bool is_space(int32_t c)
{
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > NOTE_NAME_MAX)
        return false;
    while (s.n > 0) {
        int32_t c = next_char(&s);
        if (c < ' ' || c == '+' || is_space(c))
            return false;
    }
    return true;
}

/* UTF-8 without control characters other than newline, ending in one. */
static int check_text(struct str s, struct err *e)
{
    if (s.n == 0 || s.p[s.n - 1] != '\n')
        return err_set(e, WL_EINVAL, "a note's text must end with a newline");
    for (int line = 1; s.n > 0;) {
        int32_t c = next_char(&s);
        if (c < 0)
            return err_set(e, WL_EINVAL, "line %d of the note is not UTF-8", line);
        if (c == '\n')
            line++;
        else if (c < ' ')
            return err_set(e, WL_EINVAL, "line %d of the note has a control character", line);
    }
    return 0;
}

/* Takes the next line, which must end with a newline, off the text. */
static bool next_line(struct str *text, struct str *ret)
{
    const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    if (end == NULL)
        return false;
    *ret = (struct str){text->p, (size_t)(end - text->p)};
    *text = (struct str){end + 1, text->n - ret->n - 1};
    return true;
}

/* 0 to the largest integer, digits alone, no zero in front. */
static bool parse_number(struct str s, int64_t *ret)
{
    return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' && (s.n == 1 || s.p[0] != '0') && str_i64(s, ret);
}

static bool parse_hash(struct str s, struct tlog_hash *ret)
{
    struct tlog_hash h;
    size_t n;
    if (s.n != HASH_TEXT || !base64_decode(s, h.b, sizeof h.b, &n) || n != sizeof h.b)
        return false;
    *ret = h;
    return true;
}

static void put_be(uint8_t *out, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        out[i] = (uint8_t)v;
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* --- keys ---------------------------------------------------------------------------------------------------------- */

int note_key_make(struct str name, enum note_kind kind, const uint8_t public_key[SIGN_PUBLIC_BYTES],
                  struct note_key *ret, struct err *e)
{
    uint8_t text[NOTE_NAME_MAX + 2 + SIGN_PUBLIC_BYTES], hash[SHA256_BYTES];
    if (!is_name(name))
        return err_set(e, WL_EINVAL, "a key's name has 1 to %d bytes, no space and no '+'", NOTE_NAME_MAX);
    memcpy(text, name.p, name.n);
    text[name.n] = '\n';
    text[name.n + 1] = (uint8_t)kind;
    memcpy(text + name.n + 2, public_key, SIGN_PUBLIC_BYTES);
    sha256(text, name.n + 2 + SIGN_PUBLIC_BYTES, hash);
    *ret = (struct note_key){.name = name, .kind = kind, .id = (uint32_t)get_be(hash, 4)};
    memcpy(ret->public_key, public_key, SIGN_PUBLIC_BYTES);
    return 0;
}

static void id_text(uint32_t id, char ret[9])
{
    uint8_t b[4];
    put_be(b, id, 4);
    hex_encode(b, 4, ret);
}

int note_key_parse(struct str text, struct note_key *ret, struct err *e)
{
    struct str rest, code;
    struct str name = str_cut(text, '+', &rest), id = str_cut(rest, '+', &code);
    uint8_t b[1 + SIGN_PUBLIC_BYTES];
    char want[9];
    size_t n;
    struct note_key k;
    if (id.p == NULL || code.p == NULL)
        return err_set(e, WL_EINVAL, "a verifier key is a name, '+', eight hex digits, '+' and base64");
    if (!base64_decode(code, b, sizeof b, &n) || n != sizeof b)
        return err_set(e, WL_EINVAL, "the last part of a verifier key is base64 of %zu bytes", sizeof b);
    if (b[0] != NOTE_ED25519 && b[0] != NOTE_COSIGNATURE)
        return err_set(e, WL_EINVAL, "verifier keys of kind %d are not known", b[0]);
    int rc = note_key_make(name, (enum note_kind)b[0], b + 1, &k, e);
    if (rc != 0)
        return rc;
    id_text(k.id, want);
    if (!str_eq(id, str_of(want)))
        return err_set(e, WL_EINVAL, "the verifier key's id is not that of its name and key: it was changed or cut");
    *ret = k;
    return 0;
}

void note_key_text(const struct note_key *k, struct buf *out)
{
    uint8_t b[1 + SIGN_PUBLIC_BYTES];
    char id[9];
    b[0] = (uint8_t)k->kind;
    memcpy(b + 1, k->public_key, SIGN_PUBLIC_BYTES);
    id_text(k->id, id);
    buf_putstr(out, k->name);
    buf_putc(out, '+');
    buf_puts(out, id);
    buf_putc(out, '+');
    base64_encode(out, b, sizeof b);
}

/* --- signing ------------------------------------------------------------------------------------------------------- */

static void put_signature(const struct note_key *k, const uint8_t *signature, size_t n, struct buf *out)
{
    uint8_t b[4 + TIME_BYTES + SIGN_BYTES];
    put_be(b, k->id, 4);
    memcpy(b + 4, signature, n);
    buf_putstr(out, dash);
    buf_putstr(out, k->name);
    buf_putc(out, ' ');
    base64_encode(out, b, 4 + n);
    buf_putc(out, '\n');
}

static int written(const struct buf *out, struct err *e)
{
    return out->failed ? err_set(e, WL_ETOOBIG, "the note is larger than its %zu bytes", out->max) : 0;
}

int note_sign(struct str text, const struct note_key *k, const uint8_t secret[SIGN_SECRET_BYTES], struct buf *out,
              struct err *e)
{
    uint8_t signature[SIGN_BYTES];
    int rc = check_text(text, e);
    if (rc != 0)
        return rc;
    if (k->kind != NOTE_ED25519)
        return err_set(e, WL_EINVAL, "a witness's key signs what it saw, not a note");
    if (text.n > NOTE_MAX / 2)
        return err_set(e, WL_ETOOBIG, "a note's text has at most %d bytes", NOTE_MAX / 2);
    sign_text(secret, text, signature);
    buf_putstr(out, text);
    buf_putc(out, '\n');
    put_signature(k, signature, sizeof signature, out);
    return written(out, e);
}

/* What a witness signs. */
static void cosigned_text(struct str text, int64_t at, struct buf *out)
{
    buf_printf(out, "cosignature/v1\ntime %lld\n", (long long)at);
    buf_putstr(out, text);
}

int note_cosign(struct str text, const struct note_key *k, const uint8_t secret[SIGN_SECRET_BYTES], int64_t at,
                struct buf *out, struct err *e)
{
    uint8_t seen[TIME_BYTES + SIGN_BYTES];
    struct buf message;
    int rc = check_text(text, e);
    if (rc != 0)
        return rc;
    if (k->kind != NOTE_COSIGNATURE || at < 0)
        return err_set(e, WL_EINVAL, "a cosignature needs a witness's key and a time");
    buf_init(&message, NOTE_MAX + 64);
    cosigned_text(text, at, &message);
    rc = written(&message, e);
    if (rc == 0) {
        put_be(seen, (uint64_t)at, TIME_BYTES);
        sign_text(secret, buf_str(&message), seen + TIME_BYTES);
        put_signature(k, seen, sizeof seen, out);
        rc = written(out, e);
    }
    buf_done(&message);
    return rc;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* One line behind the text. */
struct signature {
    struct str line, name;
    uint32_t id;
    size_t n;                 /* bytes behind the id */
    uint8_t b[PIECE / 4 * 3]; /* id and the first of them */
};

/* Where the last empty line is: *ret_text before it, *ret_lines behind. */
static int cut_note(struct str note, struct str *ret_text, struct str *ret_lines, struct err *e)
{
    if (note.n > NOTE_MAX)
        return err_set(e, WL_ETOOBIG, "a note has at most %d bytes", NOTE_MAX);
    int rc = check_text(note, e);
    if (rc != 0)
        return rc;
    size_t at = note.n - 1;
    while (at > 0 && !(note.p[at] == '\n' && note.p[at - 1] == '\n'))
        at--;
    if (at == 0 || at == note.n - 1)
        return err_set(e, WL_EINVAL, "a note ends with an empty line and lines of signatures");
    *ret_text = (struct str){note.p, at};
    *ret_lines = (struct str){note.p + at + 1, note.n - at - 1};
    return 0;
}

/* Base64 of any length, of which the first piece is kept: signatures of other algorithms are passed over, and may be long. */
static bool decode_start(struct str code, uint8_t ret[PIECE / 4 * 3], size_t *ret_n)
{
    uint8_t other[PIECE / 4 * 3];
    size_t total = 0, n = sizeof other;
    for (size_t at = 0; at < code.n; at += PIECE) {
        struct str piece = {code.p + at, code.n - at < PIECE ? code.n - at : PIECE};
        if (n != sizeof other || !base64_decode(piece, at == 0 ? ret : other, sizeof other, &n))
            return false;
        total += n;
    }
    *ret_n = total;
    return true;
}

static int signature_read(struct str line, struct signature *ret, struct err *e)
{
    struct str code;
    size_t n;
    if (!str_starts(line, dash))
        return err_set(e, WL_EINVAL, "a line of signatures begins with a long dash");
    ret->line = line;
    ret->name = str_cut((struct str){line.p + dash.n, line.n - dash.n}, ' ', &code);
    if (!is_name(ret->name) || !decode_start(code, ret->b, &n) || n < 5)
        return err_set(e, WL_EINVAL, "a line of signatures is a dash, a key's name and base64 of its id and more");
    ret->id = (uint32_t)get_be(ret->b, 4);
    ret->n = n - 4;
    return 0;
}

static int check_lines(struct str lines, struct err *e)
{
    struct signature s;
    struct str line;
    for (int n = 1; next_line(&lines, &line); n++) {
        if (n > NOTE_SIGNATURES_MAX)
            return err_set(e, WL_ETOOBIG, "a note has at most %d signatures", NOTE_SIGNATURES_MAX);
        int rc = signature_read(line, &s, e);
        if (rc != 0) {
            (void)err_prefix(e, "signature %d", n);
            return rc;
        }
    }
    return 0;
}

static bool check_cosignature(const struct note_key *k, struct str text, const struct signature *s, int64_t *ret_at)
{
    struct buf message;
    uint64_t at = get_be(s->b + 4, TIME_BYTES);
    if (s->n != TIME_BYTES + SIGN_BYTES || at > INT64_MAX)
        return false;
    buf_init(&message, NOTE_MAX + 64);
    cosigned_text(text, (int64_t)at, &message);
    bool ok = !message.failed && sign_check(k->public_key, buf_str(&message), s->b + 4 + TIME_BYTES);
    buf_done(&message);
    *ret_at = (int64_t)at;
    return ok;
}

static bool check_signature(const struct note_key *k, struct str text, const struct signature *s, int64_t *ret_at)
{
    *ret_at = 0;
    if (k->kind == NOTE_COSIGNATURE)
        return check_cosignature(k, text, s, ret_at);
    return s->n == SIGN_BYTES && sign_check(k->public_key, text, s->b + 4);
}

static bool is_seen(const struct note_seen *seen, size_t n, const struct note_key *k)
{
    for (size_t i = 0; i < n; i++)
        if (seen[i].key == k)
            return true;
    return false;
}

int note_verify(struct str note, const struct note_key *keys, size_t n_keys, struct str *ret_text,
                struct note_seen *ret_seen, size_t *ret_n, struct err *e)
{
    struct str text, lines, line;
    struct signature s;
    size_t n = 0;
    int rc = cut_note(note, &text, &lines, e);
    if (rc != 0 || (rc = check_lines(lines, e)) != 0)
        return rc;
    while (next_line(&lines, &line)) {
        (void)signature_read(line, &s, e);
        for (const struct note_key *k = keys; k < keys + n_keys; k++) {
            int64_t at;
            if (k->id != s.id || !str_eq(k->name, s.name))
                continue;
            if (!check_signature(k, text, &s, &at))
                return err_set(e, WL_EDENIED, "the signature of %.*s is wrong", (int)k->name.n, k->name.p);
            if (!is_seen(ret_seen, n, k))
                ret_seen[n++] = (struct note_seen){.key = k, .at = at};
        }
    }
    if (n == 0)
        return err_set(e, WL_EDENIED, "none of the keys that are trusted has signed the note");
    *ret_text = text;
    *ret_n = n;
    return 0;
}

/* Whether a key of that name and id has signed in one of the lines. */
static bool has_signature(struct str lines, const struct signature *wanted)
{
    struct signature s;
    struct str line;
    while (next_line(&lines, &line))
        if (signature_read(line, &s, NULL) == 0 && s.id == wanted->id && str_eq(s.name, wanted->name))
            return true;
    return false;
}

int note_merge(struct str note, struct str more, struct buf *out, struct err *e)
{
    struct str text, lines, more_text, more_lines, line;
    struct signature s;
    int rc = cut_note(note, &text, &lines, e);
    if (rc != 0 || (rc = check_lines(lines, e)) != 0)
        return rc;
    if ((rc = cut_note(more, &more_text, &more_lines, e)) != 0 || (rc = check_lines(more_lines, e)) != 0)
        return rc;
    if (!str_eq(text, more_text))
        return err_set(e, WL_EINVAL, "the signatures are of another text");
    size_t start = out->len + text.n + 1;
    buf_putstr(out, note);
    while (next_line(&more_lines, &line)) {
        (void)signature_read(line, &s, e);
        if (out->failed || has_signature((struct str){out->data + start, out->len - start}, &s))
            continue;
        buf_putstr(out, line);
        buf_putc(out, '\n');
    }
    rc = written(out, e);
    return rc != 0 ? rc : check_lines((struct str){out->data + start, out->len - start}, e);
}

/* --- checkpoints --------------------------------------------------------------------------------------------------- */

void checkpoint_text(const struct checkpoint *c, struct buf *out)
{
    buf_putstr(out, c->origin);
    buf_printf(out, "\n%lld\n", (long long)c->size);
    base64_encode(out, c->root.b, sizeof c->root.b);
    buf_putc(out, '\n');
}

int checkpoint_parse(struct str text, struct checkpoint *ret, struct err *e)
{
    struct str size, root, line;
    struct checkpoint c;
    int rc = check_text(text, e);
    if (rc != 0)
        return rc;
    if (!next_line(&text, &c.origin) || c.origin.n == 0)
        return err_set(e, WL_EINVAL, "a checkpoint's first line names its log");
    if (!next_line(&text, &size) || !parse_number(size, &c.size) || c.size >> TLOG_EDGE_MAX != 0)
        return err_set(e, WL_EINVAL, "a checkpoint's second line is the size of its tree");
    if (!next_line(&text, &root) || !parse_hash(root, &c.root))
        return err_set(e, WL_EINVAL, "a checkpoint's third line is the root in base64");
    while (next_line(&text, &line))
        if (line.n == 0)
            return err_set(e, WL_EINVAL, "a checkpoint has no empty lines");
    *ret = c;
    return 0;
}

/* --- offline proofs ------------------------------------------------------------------------------------------------ */

void tlog_proof_text(int64_t index, const struct tlog_hash *proof, size_t n, struct str note, struct buf *out)
{
    buf_putstr(out, proof_head);
    buf_printf(out, "\nindex %lld\n", (long long)index);
    for (size_t i = 0; i < n; i++) {
        base64_encode(out, proof[i].b, sizeof proof[i].b);
        buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
    buf_putstr(out, note);
}

/* Further data for other programs: base64, and not signed by anybody. */
static bool is_extra(struct str line)
{
    uint8_t start[PIECE / 4 * 3];
    size_t n;
    return decode_start((struct str){line.p + 6, line.n - 6}, start, &n) && n > 0;
}

/* The lines before the hashes. */
static int proof_start(struct str *text, int64_t *ret_index, struct err *e)
{
    struct str line;
    if (!next_line(text, &line) || !str_eq(line, proof_head))
        return err_set(e, WL_EINVAL, "a proof's first line is %s", proof_head.p);
    bool there = next_line(text, &line);
    if (there && str_starts(line, STR("extra "))) {
        if (!is_extra(line))
            return err_set(e, WL_EINVAL, "a proof's extra line is base64");
        there = next_line(text, &line);
    }
    if (!there || !str_starts(line, STR("index ")) || !parse_number((struct str){line.p + 6, line.n - 6}, ret_index) ||
        *ret_index >> TLOG_EDGE_MAX != 0)
        return err_set(e, WL_EINVAL, "a proof names the index of its leaf in its second line");
    return 0;
}

int tlog_proof_parse(struct str text, struct tlog_proof *ret, struct err *e)
{
    struct tlog_proof p = {.n = 0};
    struct str line;
    bool there;
    if (text.n > PROOF_TEXT_MAX)
        return err_set(e, WL_ETOOBIG, "a proof has at most %d bytes", PROOF_TEXT_MAX);
    int rc = proof_start(&text, &p.index, e);
    if (rc != 0)
        return rc;
    while ((there = next_line(&text, &line)) && line.n > 0) {
        if (p.n == TLOG_PROOF_MAX)
            return err_set(e, WL_EINVAL, "a proof has at most %d hashes", TLOG_PROOF_MAX);
        if (!parse_hash(line, &p.hash[p.n++]))
            return err_set(e, WL_EINVAL, "hash %zu of the proof is not base64 of %d bytes", p.n, SHA256_BYTES);
    }
    if (!there || text.n == 0)
        return err_set(e, WL_EINVAL, "a proof ends with an empty line and a checkpoint");
    p.note = text;
    *ret = p;
    return 0;
}
