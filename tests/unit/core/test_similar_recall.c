/* SPDX-License-Identifier: Apache-2.0
 * test_similar_recall.c - how many altered texts are known again, and how many different ones are taken for one.
 *
 * Each text is altered in nine ways and must come out near itself (SIMILAR_NEAR); no two different ones may. The texts of
 * similar_texts.h were written for this test; where the case sets are, the same is measured on public spam, and the
 * altered twins of evasion.jsonl are counted. The tables are printed. Chance has a fixed seed: a run repeats. */
#include "core/similar.h"

#include "base/json.h"
#include "similar_texts.h"
#include "t.h"

#define TEXTS_MAX 300
#define TEXT_MAX  4096
#define UNITS_MAX 1024

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    seed += 0x9E3779B97F4A7C15u;
    uint64_t z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) >> 33) % below;
}

/* Texts and their units: words, or a few letters where the script has no spaces */

struct texts {
    const char *language;
    bool spaceless, latin, cyrillic;
    size_t n;
    char *text[TEXTS_MAX];
};

struct units {
    size_t n;
    struct str u[UNITS_MAX];
};

static size_t char_size(const char *p)
{
    unsigned char c = (unsigned char)*p;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Thai vowels and tones that stand on the letter before. */
static bool thai_mark(const char *p)
{
    unsigned char a = (unsigned char)p[0], b = (unsigned char)p[1], c = a == 0xE0 ? (unsigned char)p[2] : 0;
    return a == 0xE0 &&
           ((b == 0xB8 && (c == 0xB1 || (c >= 0xB4 && c <= 0xBA))) || (b == 0xB9 && c >= 0x87 && c <= 0x8E));
}

static void cut(const struct texts *t, const char *text, struct units *ret)
{
    static const char ascii[] = "0123456789:/.,%!?-_+abcdefghijklmnopqrstuvwxyz";
    ret->n = 0;
    for (const char *p = text; *p && ret->n < UNITS_MAX;) {
        const char *from = p;
        if (t->spaceless) {
            if ((unsigned char)*p < 0x80)
                p += strspn(p, ascii);
            else
                for (int i = 0; *p && (i < 3 || thai_mark(p)) && (unsigned char)*p >= 0x80; i++)
                    p += char_size(p);
        } else {
            while (*p && *p != ' ')
                p++;
        }
        if (p > from)
            ret->u[ret->n++] = (struct str){from, (size_t)(p - from)};
        p += strspn(p, " ");
    }
}

static void put_unit(const struct texts *t, struct buf *out, struct str u)
{
    if (out->len > 0 && !t->spaceless)
        buf_putc(out, ' ');
    buf_putstr(out, u);
}

/* The nine ways */

static void personal(const struct texts *t, const char *text, struct buf *out)
{
    static const char *const names[] = {"Anna", "Mehmet", "Jo\u00E3o", "Priya", "\u0418\u0432\u0430\u043D", "Li"};
    buf_puts(out, names[chance(6)]);
    buf_puts(out, t->spaceless ? "" : ", ");
    for (const char *p = text; *p; p++)
        buf_putc(out, *p >= '0' && *p <= '9' ? (char)('0' + chance(10)) : *p);
}

static void dropped(const struct texts *t, const char *text, struct buf *out)
{
    struct units u;
    cut(t, text, &u);
    size_t left = (u.n * 8 + 99) / 100;
    for (size_t i = 0; i < u.n; i++)
        if (left > 0 && chance((uint32_t)(u.n - i)) < left)
            left--;
        else
            put_unit(t, out, u.u[i]);
}

static void typos(const struct texts *t, const char *text, struct buf *out)
{
    (void)t;
    size_t at[TEXT_MAX], n = 0;
    for (const char *p = text; *p; p += char_size(p))
        at[n++] = (size_t)(p - text);
    at[n] = strlen(text);
    size_t bad[3] = {chance((uint32_t)n - 1), chance((uint32_t)n - 1), chance((uint32_t)n - 1)};
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < 3 && bad[k] != i)
            k++;
        if (k == 0) /* two letters swapped */
            buf_put(out, text + at[i + 1], at[i + 2 <= n ? i + 2 : n] - at[i + 1]);
        if (k != 1) /* one left out */
            buf_put(out, text + at[i], at[i + 1] - at[i]);
        if (k == 2) /* one twice */
            buf_put(out, text + at[i], at[i + 1] - at[i]);
        i += k == 0 && i + 1 < n;
    }
}

static void homoglyphs(const struct texts *t, const char *text, struct buf *out)
{
    static const char latin[] = "acepoxyiHKMTBACEOPX";
    static const char *const cyrillic[] = {"\u0430", "\u0441", "\u0435", "\u0440", "\u043E", "\u0445", "\u0443",
                                           "\u0456", "\u041D", "\u041A", "\u041C", "\u0422", "\u0412", "\u0410",
                                           "\u0421", "\u0415", "\u041E", "\u0420", "\u0425"};
    for (const char *p = text; *p; p += char_size(p)) {
        size_t n = char_size(p);
        struct str as = {p, n};
        for (size_t i = 0; i < 19 && chance(10) < 3; i++)
            if (t->latin && *p == latin[i])
                as = str_of(cyrillic[i]);
            else if (t->cyrillic && str_eq(as, str_of(cyrillic[i])))
                as = (struct str){latin + i, 1};
        /* digits and letters in full width: for every script */
        if (*p >= '!' && *p <= '~' && chance(10) == 0 && as.n == 1 && as.p == p) {
            char wide[3] = {(char)0xEF, (char)(*p < '`' ? 0xBC : 0xBD),
                            (char)(*p < '`' ? 0x80 + *p - 0x20 : 0x80 + *p - 0x60)};
            buf_put(out, wide, 3);
        } else {
            buf_putstr(out, as);
        }
    }
}

static void invisible(const struct texts *t, const char *text, struct buf *out)
{
    (void)t;
    static const char *const none[] = {"\u200B", "\u200C", "\u200D", "\u2060", "\uFEFF", "\u00AD"};
    for (const char *p = text; *p; p += char_size(p)) {
        buf_put(out, p, char_size(p));
        if (chance(6) == 0)
            buf_puts(out, none[chance(6)]);
    }
}

static void punctuation(const struct texts *t, const char *text, struct buf *out)
{
    struct units u;
    cut(t, text, &u);
    for (size_t i = 0; i < u.n; i++) {
        size_t from = out->len;
        put_unit(t, out, u.u[i]);
        bool upper = chance(2) == 0;
        for (size_t k = from; k < out->len; k++)
            if (upper && out->data[k] >= 'a' && out->data[k] <= 'z')
                out->data[k] = (char)(out->data[k] - 0x20);
        if (!t->spaceless && chance(4) == 0)
            buf_puts(out, chance(2) ? "!!!" : " -");
    }
}

static void footer(const struct texts *t, const char *text, struct buf *out)
{
    buf_puts(out, text);
    buf_puts(out, t->spaceless ? "\u3002\u56DE\u590DN" : ". Stop? Reply STOP");
}

static void reordered(const struct texts *t, const char *text, struct buf *out)
{
    struct units u;
    cut(t, text, &u);
    size_t a = u.n / 3, b = a + u.n / 3;
    for (size_t i = 0; i < u.n; i++)
        put_unit(t, out, u.u[i < u.n - b ? b + i : i < u.n - a ? a + i - (u.n - b) : i - (u.n - a)]);
}

static void replaced(const struct texts *t, const char *text, struct buf *out)
{
    struct units u, other;
    cut(t, text, &u);
    size_t left = u.n / 5;
    for (size_t i = 0; i < u.n; i++) {
        bool now = left > 0 && chance((uint32_t)(u.n - i)) < left;
        left -= now;
        if (now)
            cut(t, t->text[chance((uint32_t)t->n)], &other);
        put_unit(t, out, now && other.n > 0 ? other.u[chance((uint32_t)other.n)] : u.u[i]);
    }
}

static const struct way {
    const char *name;
    void (*alter)(const struct texts *t, const char *text, struct buf *out);
} ways[] = {
    {"values", personal},   {"dropped", dropped}, {"typos", typos},     {"alike", homoglyphs},  {"unseen", invisible},
    {"signs", punctuation}, {"footer", footer},   {"order", reordered}, {"replaced", replaced},
};
#define WAYS (sizeof ways / sizeof ways[0])

/* Texts are different when of their words (pairs of letters without spaces) less than a third is common. */
static int words_common(const struct texts *t, const char *a, const char *b)
{
    struct units x, y;
    cut(t, a, &x);
    cut(t, b, &y);
    int common = 0;
    for (size_t i = 0; i < x.n; i++)
        for (size_t k = 0; k < y.n; k++)
            if (x.u[i].n > 0 && str_eq(x.u[i], y.u[k])) {
                common++;
                y.u[k].n = 0;
                break;
            }
    int all = (int)(x.n + y.n) - common;
    return all ? common * 1000 / all : 0;
}

struct result {
    size_t rounds, found[WAYS], pairs, false_pairs;
    int most; /* the most alike of the different ones */
};

static void measure(const struct texts *t, size_t rounds, struct result *ret)
{
    static struct signature s[TEXTS_MAX];
    struct buf b;
    buf_init(&b, 1 << 16);
    memset(ret, 0, sizeof *ret);
    ret->rounds = rounds;
    for (size_t i = 0; i < t->n; i++) {
        similar_signature(str_of(t->text[i]), &s[i]);
        for (size_t k = 0; k < WAYS * rounds; k++) {
            struct signature now;
            size_t w = k % WAYS;
            buf_clear(&b);
            ways[w].alter(t, t->text[i], &b);
            assert_false(b.failed);
            similar_signature(buf_str(&b), &now);
            ret->found[w] += similar_permille(&s[i], &now) >= SIMILAR_NEAR;
        }
        for (size_t k = 0; k < i; k++) {
            int alike = similar_permille(&s[i], &s[k]);
            ret->pairs++;
            ret->false_pairs += alike >= SIMILAR_NEAR;
            ret->most = alike > ret->most ? alike : ret->most;
        }
    }
    buf_done(&b);
}

static void print_head(void)
{
    printf("%-5s %5s", "", "texts");
    for (size_t w = 0; w < WAYS; w++)
        printf(" %8s", ways[w].name);
    printf(" %8s %6s %5s\n", "pairs", "false", "most");
}

static void print_row(const struct texts *t, const struct result *r)
{
    printf("%-5s %5zu", t->language, t->n);
    for (size_t w = 0; w < WAYS; w++)
        printf(" %7.1f%%", 100.0 * (double)r->found[w] / (double)(t->n * r->rounds));
    printf(" %8zu %6zu %5d\n", r->pairs, r->false_pairs, r->most);
}

static void add(struct texts *t, struct str s)
{
    if (t->n == TEXTS_MAX || s.n >= TEXT_MAX)
        return;
    char *copy = malloc(s.n + 1);
    assert_non_null(copy);
    memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    for (size_t i = 0; i < s.n; i++)
        if (copy[i] == '\n' || copy[i] == '\t' || copy[i] == '\r' || copy[i] == '\0')
            copy[i] = ' ';
    t->text[t->n++] = copy;
}

static void free_texts(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->text[i]);
    t->n = 0;
}

static void hold_to(const struct texts *t, const struct result *r)
{
    for (size_t w = 0; w < WAYS; w++)
        if (r->found[w] * 100 < t->n * r->rounds * 95)
            fail_msg("%s, %s: %zu of %zu found", t->language, ways[w].name, r->found[w], t->n * r->rounds);
    if (r->false_pairs * 2000 > r->pairs)
        fail_msg("%s: %zu of %zu pairs of different texts are near", t->language, r->false_pairs, r->pairs);
}

TEST(written_texts_are_known_again)
{
    print_head();
    for (size_t l = 0; l < sizeof written / sizeof written[0]; l++) {
        struct texts t = {.language = written[l].language,
                          .spaceless = written[l].spaceless,
                          .latin = written[l].latin,
                          .cyrillic = written[l].cyrillic};
        for (const char *const *p = written[l].texts; *p; p++)
            add(&t, str_of(*p));
        struct result r;
        measure(&t, 20, &r);
        print_row(&t, &r);
        hold_to(&t, &r);
        free_texts(&t);
    }
}

/* The spam of the case sets, as long as the measurement in which the threshold was chosen had it. */
static void read_spam(const char *path, const char *language, struct texts *t)
{
    char line[1 << 16];
    struct json_parser *parser = json_parser_create();
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (t->n < TEXTS_MAX && fgets(line, sizeof line, f)) {
        struct json v;
        assert_int_equal(json_parse(parser, str_of(line), false, &v, NULL), 0);
        struct str text = json_str_or(json_get(v, "text"), STR(""));
        if (!str_eq(json_str_or(json_get(v, "lang"), STR("")), str_of(language)) ||
            str_eq(json_str_or(json_get(v, "label"), STR("")), STR("ham")) || text.n < 60)
            continue;
        add(t, text);
        for (size_t i = 0; i + 1 < t->n; i++)
            if (words_common(t, t->text[i], t->text[t->n - 1]) >= 333) {
                free(t->text[--t->n]);
                break;
            }
    }
    fclose(f);
    json_parser_free(parser);
}

TEST(public_spam_is_known_again)
{
    static const struct {
        const char *language;
        bool latin, cyrillic;
    } sets[] = {{"en", true, false}, {"de", true, false}, {"fr", true, false}, {"hi", false, false},
                {"tr", true, false}, {"id", true, false}, {"ru", false, true}, {"pt", true, false}};
    const char *path = case_file("spam/messages.jsonl");
    if (path == NULL)
        skip_loudly("no ../shared/cases/spam");
    print_head();
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct texts t = {.language = sets[i].language, .latin = sets[i].latin, .cyrillic = sets[i].cyrillic};
        struct result r;
        read_spam(path, t.language, &t);
        measure(&t, 1, &r);
        print_row(&t, &r);
        hold_to(&t, &r);
        free_texts(&t);
    }
}

TEST(evasion_twins)
{
    static const char *const tactics[] = {"spacing", "charswap", "lookalike", "hybrid", "paraphrasing"};
    size_t n[5] = {0}, near[5] = {0};
    char line[1 << 14];
    const char *path = case_file("spam/evasion.jsonl");
    if (path == NULL)
        skip_loudly("no ../shared/cases/spam");
    struct json_parser *parser = json_parser_create();
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        struct json v;
        struct signature a, b;
        assert_int_equal(json_parse(parser, str_of(line), false, &v, NULL), 0);
        similar_signature(json_str_or(json_get(v, "original"), STR("")), &a);
        similar_signature(json_str_or(json_get(v, "modified"), STR("")), &b);
        for (size_t i = 0; i < 5; i++)
            if (str_eq(json_str_or(json_get(v, "tactic"), STR("")), str_of(tactics[i]))) {
                n[i]++;
                near[i] += similar_permille(&a, &b) >= SIMILAR_NEAR;
            }
    }
    fclose(f);
    json_parser_free(parser);
    for (size_t i = 0; i < 5; i++)
        printf("%-12s %zu of %zu\n", tactics[i], near[i], n[i]);
}

TESTS(T(written_texts_are_known_again), T(public_spam_is_known_again), T(evasion_twins))
