/* SPDX-License-Identifier: Apache-2.0
 * test_note.c - signed notes against published ones of other programs, what is malformed and what is only not trusted, checkpoints,
 * cosignatures and offline proofs.
 *
 * That Go's note package takes what is written here is asked of it in tests/go. */
#include "core/note.h"

#include "t.h"

static const uint8_t secret[SIGN_SECRET_BYTES] = {7, 1, 2, 3};
static const uint8_t witness_secret[SIGN_SECRET_BYTES] = {9, 9, 9};

static struct note_key key_of(const char *name, enum note_kind kind, const uint8_t seed[SIGN_SECRET_BYTES])
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct note_key k;
    struct err e;
    sign_public(seed, public_key);
    assert_ok(note_key_make(str_of(name), kind, public_key, &k, &e), e);
    return k;
}

static struct note_key parsed(const char *text)
{
    struct note_key k;
    struct err e;
    assert_ok(note_key_parse(str_of(text), &k, &e), e);
    return k;
}

/* --- published notes -------------------------------------------------------------------------------------------------- */

static const char foo_key[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char foo_note[] =
    "This is an example message.\n"
    "\n"
    "\xe2\x80\x94 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
static const char peter_key[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char peter_note[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    "\xe2\x80\x94 EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

TEST(published)
{
    struct note_key keys[2] = {parsed(foo_key), parsed(peter_key)};
    struct note_seen seen[2];
    struct str text;
    struct err e;
    size_t n;
    assert_ok(note_verify(str_of(foo_note), keys, 2, &text, seen, &n, &e), e);
    assert_str(text, "This is an example message.\n");
    assert_int_equal(n, 1);
    assert_ptr_equal(seen[0].key, &keys[0]);
    assert_int_equal(seen[0].at, 0);
    assert_ok(note_verify(str_of(peter_note), keys, 2, &text, seen, &n, &e), e);
    assert_int_equal(n, 1);
    assert_ptr_equal(seen[0].key, &keys[1]);
    assert_int_equal(note_verify(str_of(peter_note), keys, 1, &text, seen, &n, &e), WL_EDENIED);
    assert_string_equal(e.text, "none of the keys that are trusted has signed the note");
}

/* Every changed bit: malformed, wrong, or of nobody; never taken. */
TEST(every_bit_of_a_note_counts)
{
    struct note_key k = parsed(foo_key);
    char note[sizeof foo_note];
    memcpy(note, foo_note, sizeof note);
    for (size_t i = 0; i < (sizeof note - 1) * 8; i++) {
        struct note_seen seen[1];
        struct str text;
        struct err e;
        size_t n;
        note[i / 8] ^= (char)(1 << i % 8);
        int rc = note_verify((struct str){note, sizeof note - 1}, &k, 1, &text, seen, &n, &e);
        if (rc != WL_EINVAL && rc != WL_EDENIED)
            fail_msg("bit %zu: %d", i, rc);
        note[i / 8] ^= (char)(1 << i % 8);
    }
}

/* --- keys --------------------------------------------------------------------------------------------------------------- */

TEST(keys_there_and_back)
{
    static const char *texts[] = {foo_key, peter_key};
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < 2; i++) {
        struct note_key k = parsed(texts[i]);
        assert_int_equal(k.kind, NOTE_ED25519);
        buf_clear(&b);
        note_key_text(&k, &b);
        assert_string_equal(buf_cstr(&b), texts[i]);
    }
    struct note_key w = key_of("witness.example/w1", NOTE_COSIGNATURE, witness_secret), again;
    buf_clear(&b);
    note_key_text(&w, &b);
    again = parsed(buf_cstr(&b));
    assert_int_equal(again.kind, NOTE_COSIGNATURE);
    assert_int_equal(again.id, w.id);
    assert_true(key_of("witness.example/w1", NOTE_ED25519, witness_secret).id != w.id);
    buf_done(&b);
}

TEST(bad_keys)
{
    static const char *rows[] = {
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903a+",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+30d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k=",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k ",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv",
        "example.com /foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct note_key k;
        struct err e;
        if (note_key_parse(str_of(rows[i]), &k, &e) != WL_EINVAL)
            fail_msg("%s was taken", rows[i]);
    }
}

TEST(names)
{
    static const struct {
        const char *name;
        int want;
    } rows[] = {
        {"x", 0},
        {"example.com/log42", 0},
        {"\xc3\xa9", 0}, /* é */
        {"", WL_EINVAL},
        {"a b", WL_EINVAL},
        {"a+b", WL_EINVAL},
        {"a\nb", WL_EINVAL},
        {"a\x01", WL_EINVAL},
        {"a\xc2\xa0z", WL_EINVAL},     /* no-break space */
        {"a\xc2\x85z", WL_EINVAL},     /* next line */
        {"a\xe2\x80\x83z", WL_EINVAL}, /* em space */
        {"a\xe3\x80\x80z", WL_EINVAL}, /* ideographic space */
        {"a\xe2\x80\x8bz", 0},         /* zero width space is none */
        {"\xff", WL_EINVAL},
        {"\xc3", WL_EINVAL},
        {"\xc0\xaf", WL_EINVAL},         /* overlong */
        {"\xed\xa0\x80", WL_EINVAL},     /* half a surrogate pair */
        {"\xf4\x90\x80\x80", WL_EINVAL}, /* beyond Unicode */
        {"\xf0\x9f\x8c\xb3", 0},
    };
    static const uint8_t public_key[SIGN_PUBLIC_BYTES];
    char longest[NOTE_NAME_MAX + 2];
    struct note_key k;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (note_key_make(str_of(rows[i].name), NOTE_ED25519, public_key, &k, NULL) != rows[i].want)
            fail_msg("row %zu", i);
    memset(longest, 'n', sizeof longest);
    assert_int_equal(note_key_make((struct str){longest, NOTE_NAME_MAX}, NOTE_ED25519, public_key, &k, NULL), 0);
    assert_int_equal(note_key_make((struct str){longest, NOTE_NAME_MAX + 1}, NOTE_ED25519, public_key, &k, NULL),
                     WL_EINVAL);
}

/* --- notes -------------------------------------------------------------------------------------------------------------- */

static void sign_into(struct buf *b, const char *text, const struct note_key *k)
{
    struct err e;
    assert_ok(note_sign(str_of(text), k, secret, b, &e), e);
}

TEST(sign_and_verify)
{
    struct note_key k = key_of("wayleave.example/log", NOTE_ED25519, secret);
    static const char *texts[] = {
        "a\n", "\n", "a\n\nb\n", "a\n\n", "\xe2\x80\x94 x y\n", "a\n\n\xe2\x80\x94 x AAAAAAA=\n"};
    struct buf b;
    buf_init(&b, NOTE_MAX);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct note_seen seen[1];
        struct str text;
        struct err e;
        size_t n;
        buf_clear(&b);
        sign_into(&b, texts[i], &k);
        assert_ok(note_verify(buf_str(&b), &k, 1, &text, seen, &n, &e), e);
        assert_str(text, texts[i]);
        assert_int_equal(n, 1);
    }
    struct err e;
    buf_clear(&b);
    assert_int_equal(note_sign(STR("a"), &k, secret, &b, &e), WL_EINVAL);
    assert_int_equal(note_sign(STR(""), &k, secret, &b, &e), WL_EINVAL);
    assert_int_equal(note_sign(STR("a\tb\n"), &k, secret, &b, &e), WL_EINVAL);
    assert_int_equal(note_sign(STR("a\n\xff\n"), &k, secret, &b, &e), WL_EINVAL);
    assert_string_equal(e.text, "line 2 of the note is not UTF-8");
    assert_int_equal(b.len, 0);
    buf_done(&b);
    buf_init(&b, 20);
    assert_int_equal(note_sign(STR("text\n"), &k, secret, &b, &e), WL_ETOOBIG);
    buf_done(&b);
}

#define LINE                                                                                                           \
    "\xe2\x80\x94 example.com/foo "                                                                                    \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
#define TEXT "This is an example message.\n"

TEST(malformed_notes)
{
    static const struct {
        const char *note;
        int want;
    } rows[] = {
        {TEXT "\n" LINE "\n", 0},
        {TEXT "\n" LINE "\n" LINE "\n", 0},
        {TEXT "\n" LINE "\n\xe2\x80\x94 other AAAAAAA=\n", 0},
        {TEXT "\n\xe2\x80\x94 other AAAAAAA=\n" LINE "\n", 0},
        {TEXT "\n\xe2\x80\x94 example.com/foo AAAAAAA=\n" LINE "\n", 0}, /* the name with another id */
        {"", WL_EINVAL},
        {"\n", WL_EINVAL},
        {"\n\n", WL_EINVAL},
        {TEXT, WL_EINVAL},
        {TEXT "\n", WL_EINVAL},
        {TEXT LINE "\n", WL_EINVAL},
        {TEXT "\n" LINE, WL_EINVAL},
        {TEXT "\n" LINE "\n\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\n" LINE "\n", WL_EDENIED}, /* the text is another one */
        {TEXT "\n" LINE "\r\n", WL_EINVAL},
        {TEXT "\n " LINE "\n", WL_EINVAL},
        {TEXT "\n" LINE " \n", WL_EINVAL},
        {TEXT "\n" LINE "=\n", WL_EINVAL},
        {TEXT "\n" LINE "\nx\n", WL_EINVAL},
        {TEXT "\n- example.com/foo AAAAAAA=\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 other\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 other \n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94  AAAAAAA=\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 o+r AAAAAAA=\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 other AAAAAAA\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 other AAAAAAB=\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 other AAAA\n", WL_EINVAL},
        {TEXT "\n" LINE "\n\xe2\x80\x94 example.com/foo Uw2QOgA=\n", WL_EDENIED}, /* ours and wrong */
        {TEXT "\x01\n\n" LINE "\n", WL_EINVAL},
        {"x" TEXT "\n" LINE "\n", WL_EDENIED},
    };
    struct note_key k = parsed(foo_key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct note_seen seen[1];
        struct str text;
        struct err e = {.text = ""};
        size_t n;
        int rc = note_verify(str_of(rows[i].note), &k, 1, &text, seen, &n, &e);
        if (rc != rows[i].want || note_verify(str_of(rows[i].note), &k, 1, &text, seen, &n, NULL) != rc)
            fail_msg("row %zu: %d: %s", i, rc, e.text);
    }
}

TEST(how_many_signatures)
{
    struct note_key k = parsed(foo_key);
    struct note_seen seen[1];
    struct str text;
    struct err e;
    struct buf b;
    size_t n;
    buf_init(&b, 2 * NOTE_MAX);
    buf_puts(&b, TEXT "\n" LINE "\n");
    for (int i = 1; i < NOTE_SIGNATURES_MAX; i++)
        buf_puts(&b, "\xe2\x80\x94 other AAAAAAA=\n");
    assert_ok(note_verify(buf_str(&b), &k, 1, &text, seen, &n, &e), e);
    buf_puts(&b, "\xe2\x80\x94 other AAAAAAA=\n");
    assert_int_equal(note_verify(buf_str(&b), &k, 1, &text, seen, &n, &e), WL_ETOOBIG);

    /* One of another algorithm may be long: 5,000 bytes. */
    buf_clear(&b);
    buf_puts(&b, TEXT "\n" LINE "\n\xe2\x80\x94 other ");
    for (int i = 0; i < 1667; i++)
        buf_puts(&b, "AAAA");
    buf_puts(&b, "\n");
    assert_ok(note_verify(buf_str(&b), &k, 1, &text, seen, &n, &e), e);
    b.data[b.len - 1000] = '=';
    assert_int_equal(note_verify(buf_str(&b), &k, 1, &text, seen, &n, &e), WL_EINVAL);

    buf_clear(&b);
    while (b.len < NOTE_MAX)
        buf_puts(&b, "long\n");
    buf_puts(&b, "\n" LINE "\n");
    assert_int_equal(note_verify(buf_str(&b), &k, 1, &text, seen, &n, &e), WL_ETOOBIG);
    buf_done(&b);
}

/* --- cosignatures -------------------------------------------------------------------------------------------------------- */

static const char point[] = "wayleave.example/log\n"
                            "70000\n"
                            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

TEST(cosignatures)
{
    struct note_key keys[3] = {key_of("wayleave.example/log", NOTE_ED25519, secret),
                               key_of("witness.example/w1", NOTE_COSIGNATURE, witness_secret),
                               key_of("witness.example/w1", NOTE_ED25519, witness_secret)};
    struct note_seen seen[3];
    struct str text;
    struct err e;
    struct buf b;
    size_t n;
    buf_init(&b, NOTE_MAX);
    sign_into(&b, point, &keys[0]);
    assert_ok(note_cosign(str_of(point), &keys[1], witness_secret, 1679315147, &b, &e), e);
    assert_ok(note_verify(buf_str(&b), keys, 3, &text, seen, &n, &e), e);
    assert_str(text, point);
    assert_int_equal(n, 2);
    assert_ptr_equal(seen[0].key, &keys[0]);
    assert_ptr_equal(seen[1].key, &keys[1]);
    assert_int_equal(seen[1].at, 1679315147);
    /* What it signs is said by the format; the bytes were put together by hand. */
    uint8_t raw[76], want[SIGN_BYTES];
    struct str all = buf_str(&b), line = {all.p + all.n - 105, 104};
    assert_true(base64_decode(line, raw, sizeof raw, &n));
    assert_int_equal(n, 76);
    sign_text(witness_secret,
              STR("cosignature/v1\ntime 1679315147\nwayleave.example/log\n70000\n"
                  "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"),
              want);
    assert_memory_equal(raw + 12, want, SIGN_BYTES);
    assert_memory_equal(raw + 4, "\0\0\0\0\x64\x18\x50\xcb", 8);
    /* The time is signed too. */
    raw[11] ^= 1;
    b.len -= 105;
    base64_encode(&b, raw, sizeof raw);
    buf_putc(&b, '\n');
    assert_int_equal(note_verify(buf_str(&b), keys, 3, &text, seen, &n, &e), WL_EDENIED);
    assert_string_equal(e.text, "the signature of witness.example/w1 is wrong");
    assert_ok(note_verify(buf_str(&b), keys, 1, &text, seen, &n, &e), e);

    assert_int_equal(note_cosign(str_of(point), &keys[0], secret, 1, &b, &e), WL_EINVAL);
    assert_int_equal(note_cosign(str_of(point), &keys[1], secret, -1, &b, &e), WL_EINVAL);
    assert_int_equal(note_sign(str_of(point), &keys[1], secret, &b, &e), WL_EINVAL);
    buf_done(&b);
}

TEST(merging)
{
    struct note_key log = key_of("wayleave.example/log", NOTE_ED25519, secret);
    struct note_key w1 = key_of("witness.example/w1", NOTE_COSIGNATURE, witness_secret);
    struct note_key w2 = key_of("witness.example/w2", NOTE_COSIGNATURE, secret);
    struct note_key keys[3] = {log, w1, w2};
    struct note_seen seen[3];
    struct str text;
    struct err e;
    struct buf a, b, both;
    size_t n;
    buf_init(&a, NOTE_MAX);
    buf_init(&b, NOTE_MAX);
    buf_init(&both, NOTE_MAX);
    sign_into(&a, point, &log);
    buf_putstr(&b, buf_str(&a));
    assert_ok(note_cosign(str_of(point), &w1, witness_secret, 1000, &a, &e), e);
    assert_ok(note_cosign(str_of(point), &w1, witness_secret, 2000, &b, &e), e);
    assert_ok(note_cosign(str_of(point), &w2, secret, 3000, &b, &e), e);
    assert_ok(note_cosign(str_of(point), &w2, secret, 3000, &b, &e), e);
    assert_ok(note_merge(buf_str(&a), buf_str(&b), &both, &e), e);
    assert_ok(note_verify(buf_str(&both), keys, 3, &text, seen, &n, &e), e);
    assert_int_equal(n, 3);
    assert_int_equal(seen[1].at, 1000); /* one key signs once: the first stays */
    assert_int_equal(seen[2].at, 3000);
    int lines = 0;
    for (size_t i = 0; i < both.len; i++)
        lines += both.data[i] == '\n';
    assert_int_equal(lines, 3 + 1 + 3);

    buf_clear(&b);
    sign_into(&b, "another text\n", &log);
    assert_int_equal(note_merge(buf_str(&a), buf_str(&b), &both, &e), WL_EINVAL);
    assert_int_equal(note_merge(buf_str(&a), STR("no note\n"), &both, &e), WL_EINVAL);
    buf_done(&a);
    buf_done(&b);
    buf_done(&both);
}

TEST(merging_has_an_end)
{
    struct note_key log = key_of("wayleave.example/log", NOTE_ED25519, secret);
    struct err e;
    struct buf a, b, both;
    buf_init(&a, NOTE_MAX);
    buf_init(&b, NOTE_MAX);
    buf_init(&both, NOTE_MAX);
    sign_into(&a, point, &log);
    buf_puts(&b, point);
    buf_puts(&b, "\n");
    for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
        buf_printf(&b, "\xe2\x80\x94 w%d AAAAAAA=\n", i);
    assert_int_equal(note_merge(buf_str(&a), buf_str(&b), &both, &e), WL_ETOOBIG);
    buf_done(&a);
    buf_done(&b);
    buf_done(&both);
}

/* --- checkpoints ---------------------------------------------------------------------------------------------------------- */

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

TEST(checkpoints)
{
    static const struct {
        const char *text;
        int64_t size; /* -1: refused */
    } rows[] = {
        {"o\n0\n" ROOT "\n", 0},
        {"example.com/behind-the-sofa\n20852163\n" ROOT "\n", 20852163},
        {"o\n4611686018427387903\n" ROOT "\n", INT64_C(4611686018427387903)},
        {"o\n1\n" ROOT "\nextension\n", 1},
        {"o\n4611686018427387904\n" ROOT "\n", -1},
        {"o\n9223372036854775808\n" ROOT "\n", -1},
        {"o\n18446744073709551617\n" ROOT "\n", -1},
        {"o\n01\n" ROOT "\n", -1},
        {"o\n00\n" ROOT "\n", -1},
        {"o\n+1\n" ROOT "\n", -1},
        {"o\n-1\n" ROOT "\n", -1},
        {"o\n-0\n" ROOT "\n", -1},
        {"o\n 1\n" ROOT "\n", -1},
        {"o\n1 \n" ROOT "\n", -1},
        {"o\n1e3\n" ROOT "\n", -1},
        {"o\n\n" ROOT "\n", -1},
        {"\n1\n" ROOT "\n", -1},
        {"o\n1\n" ROOT, -1},
        {"o\n1\n" ROOT "\n\n", -1},
        {"o\n1\n" ROOT "\n\nextension\n", -1},
        {"o\n1\n" ROOT "=\n", -1},
        {"o\n1\n CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2=\n", -1},
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", -1}, /* bits that stand for nothing */
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n", -1},
        {"o\n1\n\n", -1},
        {"o\n1\n", -1},
        {"o\n", -1},
        {"", -1},
        {"o\x7f\n1\n" ROOT "\n", 1},
        {"o\x1f\n1\n" ROOT "\n", -1},
    };
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct checkpoint c = {.size = -7};
        struct err e;
        int rc = checkpoint_parse(str_of(rows[i].text), &c, &e);
        if (rc != (rows[i].size < 0 ? WL_EINVAL : 0))
            fail_msg("row %zu: %d", i, rc);
        assert_int_equal(c.size, rc == 0 ? rows[i].size : -7);
        if (rc != 0 || strstr(rows[i].text, "extension") != NULL)
            continue;
        buf_clear(&b);
        checkpoint_text(&c, &b);
        assert_string_equal(buf_cstr(&b), rows[i].text);
    }
    buf_done(&b);
}

/* --- offline proofs --------------------------------------------------------------------------------------------------------- */

#define HEAD "c2sp.org/tlog-proof@v1\n"
#define HASH "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"

TEST(proofs)
{
    static const struct {
        const char *text;
        int n; /* hashes; -1: refused */
    } rows[] = {
        {HEAD "index 0\n\nnote\n", 0},
        {HEAD "index 73894\n" HASH HASH "\nnote\n", 2},
        {HEAD "extra Zm9v\nindex 5\n" HASH "\nnote\n\nsignature\n", 1},
        {HEAD "index 4611686018427387903\n\nnote\n", 0},
        {HEAD "index 4611686018427387904\n\nnote\n", -1},
        {"c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n", -1},
        {" " HEAD "index 0\n\nnote\n", -1},
        {HEAD "\nindex 0\n\nnote\n", -1},
        {HEAD "index 00\n\nnote\n", -1},
        {HEAD "index 01\n\nnote\n", -1},
        {HEAD "index -1\n\nnote\n", -1},
        {HEAD "index \n\nnote\n", -1},
        {HEAD "index\n\nnote\n", -1},
        {HEAD "index  1\n\nnote\n", -1},
        {HEAD "Index 1\n\nnote\n", -1},
        {HEAD "index 1\r\n\nnote\n", -1},
        {HEAD "extra \nindex 1\n\nnote\n", -1},
        {HEAD "extra Zm9\nindex 1\n\nnote\n", -1},
        {HEAD "extra Zm9v\nextra Zm9v\nindex 1\n\nnote\n", -1},
        {HEAD "extra Zm9v\n\nindex 1\n\nnote\n", -1},
        {HEAD "index 1\nextra Zm9v\n\nnote\n", -1},
        {HEAD "index 1\n" HASH, -1},
        {HEAD "index 1\n" HASH "\n", -1},
        {HEAD "index 1\n" HASH "x" HASH "\nnote\n", -1},
        {HEAD "index 1\nZm9v\n\nnote\n", -1},
        {HEAD "index 1\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlR=\n\nnote\n", -1},
        {HEAD "index 1", -1},
        {HEAD, -1},
        {"", -1},
    };
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tlog_proof p = {.index = -7};
        struct err e = {.text = ""};
        int rc = tlog_proof_parse(str_of(rows[i].text), &p, &e);
        if (rc != (rows[i].n < 0 ? WL_EINVAL : 0))
            fail_msg("row %zu: %d: %s", i, rc, e.text);
        if (rc != 0)
            continue;
        assert_int_equal(p.n, rows[i].n);
        if (strstr(rows[i].text, "extra") != NULL)
            continue;
        buf_clear(&b);
        tlog_proof_text(p.index, p.hash, p.n, p.note, &b);
        assert_string_equal(buf_cstr(&b), rows[i].text);
    }
    buf_done(&b);
}

TEST(proofs_of_many_hashes)
{
    struct tlog_proof p;
    struct err e;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int n = TLOG_PROOF_MAX; n <= TLOG_PROOF_MAX + 1; n++) {
        buf_clear(&b);
        buf_puts(&b, HEAD "index 1\n");
        for (int i = 0; i < n; i++)
            buf_puts(&b, HASH);
        buf_puts(&b, "\nnote\n");
        assert_int_equal(tlog_proof_parse(buf_str(&b), &p, &e), n > TLOG_PROOF_MAX ? WL_EINVAL : 0);
    }
    while (b.len <= 2 * NOTE_MAX)
        buf_puts(&b, HASH);
    assert_int_equal(tlog_proof_parse(buf_str(&b), &p, &e), WL_ETOOBIG);
    buf_done(&b);
}

TESTS(T(published), T(every_bit_of_a_note_counts), T(keys_there_and_back), T(bad_keys), T(names), T(sign_and_verify),
      T(malformed_notes), T(how_many_signatures), T(cosignatures), T(merging), T(merging_has_an_end), T(checkpoints),
      T(proofs), T(proofs_of_many_hashes))
