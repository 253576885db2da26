/* SPDX-License-Identifier: Apache-2.0
 * similar.c - signatures of texts, their comparison, and what is certain of texts with values in them.
 *
 * A gram (four code points, or two where the script has no spaces) becomes 16 bits; a lane's order of the 65,536 grams is
 * x -> (x * factor) ^ mask, a permutation. 16 bits let eight lanes run in one register of any machine's; the price is
 * that two different texts now and then agree by chance, the more the longer they are, and similar_permille() takes
 * the expected share of chance off. */
#include "core/similar.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/similar_impl.h"

#define GRAMS     65536u /* as many as 16 bits tell apart */
#define PENDING   512
#define HASH_SEED 0x5157494Du

/* Lane i, from 1: with z = splitmix64 seeded i - 1, factor is z | 1 and mask z >> 16, 16 bits of each. */
static const uint16_t factor[SIMILAR_SIZE] = {
    0xCDAF, 0x65F5, 0x454F, 0x81ED, 0x749B, 0xA2EB, 0x32E1, 0xAB3D, 0x8AC3, 0xB0A7, 0x3D09, 0xDEF7, 0xDB7B,
    0xA92F, 0x4D19, 0x80AB, 0x1255, 0x7F87, 0x4F65, 0x85AD, 0x9ED7, 0xF10D, 0x2F6B, 0x634D, 0x7269, 0x4F7B,
    0x3301, 0xD511, 0x6317, 0x3873, 0x454F, 0x0225, 0xBAB1, 0xC529, 0xC6F7, 0x08C3, 0xA383, 0x43A1, 0x31DF,
    0x1729, 0x922B, 0x75CF, 0x78A9, 0xE937, 0xF439, 0x1E37, 0x79AD, 0xAE49, 0xF2E1, 0x52DB, 0x5EB1, 0x3357,
    0x7D77, 0x3C71, 0xC715, 0x1705, 0x0EC1, 0x9699, 0x7657, 0x3C8F, 0x5D7B, 0xF171, 0x8F1D, 0x18FB, 0xD50F,
    0xF143, 0xFC73, 0xB259, 0xBDFD, 0x53C1, 0x64C1, 0xA66F, 0x67A9, 0x1787, 0x4551, 0xC6DF, 0x3C09, 0x1137,
    0x54E1, 0xBCD3, 0x16E9, 0x0049, 0x15B5, 0xEEA1, 0xA0FD, 0x35A7, 0x1CCB, 0x424F, 0x4C6D, 0xB569, 0x2C65,
    0x3C6F, 0x0235, 0x9373, 0xAEE7, 0xCC67, 0x2307, 0xE5C3, 0x2305, 0xA507, 0x5F51, 0xCDBD, 0x01DB, 0x66AD,
    0xC749, 0xCD8D, 0xD183, 0x519B, 0xAC95, 0xB177, 0x9371, 0x5015, 0x4461, 0x82F3, 0x6809, 0x3C37, 0xA9C1,
    0x5729, 0x52D9, 0x791F, 0xADAF, 0x61D7, 0x52D9, 0x641D, 0x85D1, 0xF3A3, 0x1FC3, 0x9C19,
};
static const uint16_t mask[SIMILAR_SIZE] = {
    0x7B1D, 0xA1B9, 0x8009, 0x724C, 0x51A8, 0x747E, 0x1F45, 0xC916, 0x41C9, 0x368C, 0x3CB1, 0x055B, 0xE0BB,
    0x983A, 0x00CC, 0x971D, 0x7552, 0x2B7F, 0x8391, 0x5A44, 0x100B, 0x1825, 0x0DCA, 0x7BD2, 0xF540, 0xDB4C,
    0x9223, 0x7DE1, 0xB45C, 0x0F4D, 0x72F3, 0xA8E4, 0x4963, 0x111A, 0x599D, 0x93D1, 0x81DA, 0xB433, 0xCBE5,
    0x2485, 0xA792, 0x9181, 0x3022, 0x7019, 0x52EB, 0x0A69, 0x763E, 0x743A, 0xB1A1, 0x4F4F, 0xA71A, 0xB651,
    0xD436, 0x23CE, 0x0043, 0x844F, 0xDD9E, 0x82BB, 0xCBC8, 0xA17B, 0x1D5C, 0x1CBB, 0x29A8, 0xB8BB, 0x6C6A,
    0x3E46, 0x99A4, 0x8A8B, 0xAED5, 0x8D85, 0x8C40, 0x1D86, 0x03C3, 0x1EC1, 0xEE95, 0x0555, 0x7240, 0x1BFA,
    0xB5C5, 0x7441, 0xB482, 0x40BF, 0xA0EE, 0x96A7, 0x98F8, 0x0E33, 0xEBCB, 0x7453, 0x0523, 0xA6F2, 0x39AC,
    0x14D2, 0x57E0, 0xC658, 0x6DD3, 0xC376, 0x897B, 0x6343, 0x9EBA, 0x6BD1, 0x00A0, 0x0385, 0xD781, 0x6CA2,
    0xBB2D, 0x8493, 0x336B, 0x3741, 0xB109, 0x813C, 0x0F7C, 0xCDE9, 0xFB35, 0x64ED, 0x41CE, 0xC964, 0xA70F,
    0xA400, 0x927B, 0x42F6, 0xCAB4, 0xC5AB, 0x79D4, 0x0085, 0x157C, 0x4E08, 0x06C4, 0x45A3,
};

struct sketch {
    uint64_t window; /* the last four code points, 16 bits of each */
    size_t seen, n_pending;
    bool plain; /* something but masks was seen */
    uint32_t grams;
    int16_t min[SIMILAR_SIZE]; /* shifted by 32,768: signed ones are compared faster */
    uint16_t pending[PENDING]; /* new grams the lanes have not seen */
    uint64_t known[GRAMS / 64];
};

/* Eight lanes as one value: every compiler here has a register of that size, and needs no hint to use it. */
typedef int16_t lanes __attribute__((vector_size(16)));
typedef uint16_t unsigned_lanes __attribute__((vector_size(16)));

static lanes order(unsigned_lanes x, const unsigned_lanes *by, const unsigned_lanes *mix)
{
    return (lanes)((x * *by) ^ *mix);
}

static lanes smaller(lanes a, lanes b)
{
#ifdef __SSE2__ /* gcc does not see that the other form is this instruction */
    return (lanes)_mm_min_epi16((__m128i)a, (__m128i)b);
#else
    lanes less = a < b;
    return (a & less) | (b & ~less);
#endif
}

static void lanes_take(struct sketch *k)
{
    for (size_t b = 0; b < SIMILAR_SIZE / 8; b += 4) {
        unsigned_lanes by[4], mix[4];
        lanes least[4];
        memcpy(by, factor + b * 8, sizeof by);
        memcpy(mix, mask + b * 8, sizeof mix);
        memcpy(least, k->min + b * 8, sizeof least);
        for (size_t g = 0; g < k->n_pending; g++) {
            uint16_t c = k->pending[g];
            unsigned_lanes x = {c, c, c, c, c, c, c, c};
            least[0] = smaller(order(x, &by[0], &mix[0]), least[0]);
            least[1] = smaller(order(x, &by[1], &mix[1]), least[1]);
            least[2] = smaller(order(x, &by[2], &mix[2]), least[2]);
            least[3] = smaller(order(x, &by[3], &mix[3]), least[3]);
        }
        memcpy(k->min + b * 8, least, sizeof least);
    }
    k->n_pending = 0;
}

static void gram(struct sketch *k, uint64_t chars)
{
    chars ^= chars >> 32;
    chars *= 0xD6E8FEB86659FD93u;
    chars ^= chars >> 32;
    chars *= 0xD6E8FEB86659FD93u;
    uint16_t x = (uint16_t)(chars >> 48);
    uint64_t bit = (uint64_t)1 << (x & 63);
    if (k->known[x >> 6] & bit)
        return;
    k->known[x >> 6] |= bit;
    k->grams++;
    k->pending[k->n_pending++] = x;
    if (k->n_pending == PENDING)
        lanes_take(k);
}

static void take_chars(void *to, const uint32_t *p, size_t n)
{
    struct sketch *k = to;
    k->plain = k->plain || fold_plain(p, n);
    for (size_t i = 0; i < n; i++) {
        k->window = k->window << 16 | (uint16_t)(p[i] ^ p[i] >> 16 << 11);
        k->seen++;
        if (fold_spaceless(p[i]))
            gram(k, k->window & 0xFFFFFFFFu);
        else if (k->seen >= 4)
            gram(k, k->window);
    }
}

static void sketch_init(struct sketch *k)
{
    k->n_pending = 0;
    k->grams = 0;
    k->plain = false;
    k->window = ' ';
    k->seen = 1; /* as if after a space: a word's beginning and end are grams too */
    memset(k->known, 0, sizeof k->known);
    memset(k->min, 0x7F, sizeof k->min);
}

static uint64_t sketch(struct sketch *k, struct str text, unsigned flags)
{
    static const uint32_t space = ' ';
    sketch_init(k);
    uint64_t masked = fold_text(text, flags, take_chars, k);
    if (k->seen > 1)
        take_chars(k, &space, 1);
    if (k->seen == 3 && k->grams == 0) /* one letter */
        gram(k, k->window);
    return masked;
}

void similar_signature(struct str text, struct signature *ret)
{
    struct sketch k;
    ret->masked = sketch(&k, text, FOLD_MASK);
    if (!k.plain && ret->masked == 0)
        sketch(&k, text, FOLD_SYMBOLS);
    else if (!k.plain)
        sketch_init(&k); /* masks alone are alike, whatever they hide */
    lanes_take(&k);
    for (size_t i = 0; i < SIMILAR_SIZE; i++)
        ret->min[i] = (uint8_t)k.min[i];
    ret->grams = k.grams;
}

/* m of 128 lanes agree. Lanes of two texts with nothing in common agree by chance: their 16-bit smallest values are the
 * same one with a * b / (a + b - a * b), where a and b are the shares of all grams that each text has; else their low 8 bits
 * with 1/256. Of the lanes where the texts differ that share agrees all the same: m = 128 * (j + (1 - j) * chance). */
int similar_permille(const struct signature *a, const struct signature *b)
{
    if (a->grams == 0 || b->grams == 0)
        return 0;
    int64_t m = 0;
    for (size_t i = 0; i < SIMILAR_SIZE; i++)
        m += a->min[i] == b->min[i];
    int64_t na = a->grams < GRAMS ? a->grams : GRAMS - 1, nb = b->grams < GRAMS ? b->grams : GRAMS - 1;
    int64_t same = na * nb * 1000000 / ((na + nb) * GRAMS - na * nb);
    int64_t chance = same + (1000000 - same) / 256; /* millionths */
    int64_t j = (m * 1000000 / SIMILAR_SIZE - chance) * 1000 / (1000000 - chance);
    return m == SIMILAR_SIZE ? 1000 : j < 0 ? 0 : (int)j;
}

int similar_fixed(const struct signature *a, const struct signature *b, int same)
{
    int alike = similar_permille(a, b);
    return a->masked != b->masked && alike >= same ? same - 1 : alike;
}

/* The text and its hash */

struct hasher {
    uint64_t h;
    bool plain;
};

static void hash_chars(void *to, const uint32_t *p, size_t n)
{
    struct hasher *k = to;
    for (size_t i = 0; i < n; i++)
        k->h = fold_mix(k->h, p[i]);
    k->plain = k->plain || fold_plain(p, n);
}

/* A text without a letter is hashed as it stands, with signs and with nothing masked. */
static uint64_t hash_text(struct str text, uint64_t *ret_masked)
{
    struct hasher k = {.h = HASH_SEED};
    *ret_masked = fold_text(text, FOLD_MASK, hash_chars, &k);
    if (!k.plain) {
        k.h = HASH_SEED;
        fold_text(text, FOLD_SYMBOLS, hash_chars, &k);
    }
    k.h *= 0xD6E8FEB86659FD93u;
    return k.h ^ k.h >> 32;
}

uint64_t similar_hash(struct str text)
{
    uint64_t masked;
    return hash_text(text, &masked);
}

uint64_t similar_fixed_hash(struct str text)
{
    uint64_t masked, h = hash_text(text, &masked);
    return masked == 0 ? h : (h ^ masked) * FOLD_HASH;
}

static void put_chars(void *to, const uint32_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char u[4];
        size_t len = 0;
        uint32_t c = p[i];
        if (c < 0x80)
            u[len++] = (char)c;
        else if (c < 0x800)
            u[len++] = (char)(0xC0 | c >> 6);
        else if (c < 0x10000)
            u[len++] = (char)(0xE0 | c >> 12);
        else
            u[len++] = (char)(0xF0 | c >> 18);
        if (c >= 0x10000)
            u[len++] = (char)(0x80 | (c >> 12 & 0x3F));
        if (c >= 0x800)
            u[len++] = (char)(0x80 | (c >> 6 & 0x3F));
        if (c >= 0x80)
            u[len++] = (char)(0x80 | (c & 0x3F));
        buf_put(to, u, len);
    }
}

struct putter {
    struct buf *out;
    bool plain;
};

static void put_plain(void *to, const uint32_t *p, size_t n)
{
    struct putter *k = to;
    k->plain = k->plain || fold_plain(p, n);
    put_chars(k->out, p, n);
}

void similar_normalise(struct str text, struct buf *out)
{
    struct putter k = {.out = out};
    size_t before = out->len;
    fold_text(text, FOLD_MASK, put_plain, &k);
    if (k.plain)
        return;
    out->len = before;
    fold_text(text, FOLD_SYMBOLS, put_plain, &k);
}

/* What is certain.
 *
 * Let the texts be sets of grams: a whole message a holds its fixed text A and values, |A| = p|a|; so b, B, q; and
 * f = |A n B| / |A u B|. Values only add to what is common, and |a n b| / (|a| + |b| - |a n b|) grows with |a n b|, so with
 * c = |A n B| at least
 *     j = c / (|A|/p + |B|/q - c).
 * Of |A| and |B| only their ratio matters. From |A u B| = |A| + |B| - c follows c = f(|A| + |B|) / (1 + f), and j is a
 * quotient of two linear functions of them, hence monotone in the ratio and smallest at an end of its range. The ends
 * are B inside A (c = |B| = f|A|) and A inside B. Divided by the larger set they are
 *     f / (1/p + f/q - f)   and   f / (f/p + 1/q - f),
 * and the smaller is the one whose undivided term has the smaller share s, the other being t:
 *     j >= f / (1/s + f/t - f) = f s t / (t + f s - f s t).
 * With f = F/1000, s = S/1000, t = T/1000 and j in permille
 *     1000 F S T / (1000000 T + 1000 F S - F S T),
 * exact until the division rounds down. It grows in F, S and T, so permilles rounded down promise too little, never too
 * much. F S T <= 10^9. One fixed text (F = 1000): st / (s + t - st), the sets being s/(a + b - s) of the header. */
int similar_at_least(int fixed, int share_a, int share_b)
{
    int64_t f = fixed, s = share_a < share_b ? share_a : share_b, t = share_a < share_b ? share_b : share_a;
    if (f <= 0 || s <= 0)
        return 0;
    f = f > 1000 ? 1000 : f;
    s = s > 1000 ? 1000 : s;
    t = t > 1000 ? 1000 : t;
    return (int)(1000 * f * s * t / (1000000 * t + 1000 * f * s - f * s * t));
}
