/* SPDX-License-Identifier: Apache-2.0
 * similar.c - what a signature and a comparison cost, beside the plain way of doing the same.
 *
 * The plain way is the textbook's: every gram hashed 128 times to 64 bits, one after the other, and two lists of 128 hashes
 * compared one by one; it folds case of ASCII only and masks nothing. Both run on the same texts in turns, and the
 * best of five turns counts, so that a busy machine hurts neither. */
#include <stdio.h>
#include <time.h>

#include "core/similar.h"

#define ROUNDS 20000
#define TURNS  5

static const char *const names[] = {"141 ASCII letters", "accents and a sign", "letters put for others", "Cyrillic",
                                    "Chinese"};
static const char *const texts[] = {
    "Hello Maria, your parcel from Shop & Co is waiting at the pick-up point. Show code 48213 until Friday 6 pm. "
    "Questions? https://shop.example/h",
    "Hallo Jürgen, Ihr Päckchen für die Küche liegt in der Bäckerei bereit \U0001F381. Bitte zeigen Sie den Code 48213 "
    "bis Freitag um 18 Uhr vor.",
    "Hello M\u0430ria, your p\u0430rcel from Sh\u043Ep & Co is w\u0430iting at the pick-up p\u043Eint. Show code 48213 "
    "until Frid\u0430y 6 pm. Qu\u0435stions?",
    "Мария, ваша посылка из магазина ждёт вас в пункте выдачи. Назовите код 48213 до пятницы, до шести часов вечера.",
    "您在绿园家居购买的包裹已经到达自提点,请在周五下午六点之前凭取件码48213领取,如有问题请联系客服,祝您生活愉快。",
};

static volatile uint64_t sink;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void plain_signature(struct str s, uint64_t min[SIMILAR_SIZE])
{
    for (size_t k = 0; k < SIMILAR_SIZE; k++)
        min[k] = UINT64_MAX;
    for (size_t i = 0; i + 4 <= s.n; i++)
        for (size_t k = 0; k < SIMILAR_SIZE; k++) {
            uint64_t h = 0xCBF29CE484222325u ^ (k + 1) * 0x9E3779B97F4A7C15u;
            for (size_t j = 0; j < 4; j++) {
                char c = s.p[i + j];
                h = (h ^ (uint64_t)(unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c)) * 0x100000001B3u;
            }
            min[k] = h < min[k] ? h : min[k];
        }
}

static double time_plain(struct str s)
{
    uint64_t min[SIMILAR_SIZE];
    double from = now_us();
    for (int i = 0; i < ROUNDS / 50; i++) {
        plain_signature(s, min);
        sink += min[7];
    }
    return (now_us() - from) / (ROUNDS / 50);
}

static double time_ours(struct str s)
{
    struct signature g;
    double from = now_us();
    for (int i = 0; i < ROUNDS; i++) {
        similar_signature(s, &g);
        sink += g.min[7];
    }
    return (now_us() - from) / ROUNDS;
}

static double time_hash(struct str s)
{
    double from = now_us();
    for (int i = 0; i < ROUNDS; i++)
        sink += similar_hash(s);
    return (now_us() - from) / ROUNDS;
}

static double time_compare(const struct signature *a, const struct signature *b)
{
    double from = now_us();
    for (int i = 0; i < ROUNDS * 20; i++)
        sink += (uint64_t)similar_permille(a, b);
    return (now_us() - from) / (ROUNDS * 20);
}

static double time_plain_compare(const uint64_t *volatile a, const uint64_t *volatile b)
{
    double from = now_us();
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t *x = a, *y = b;
        size_t same = 0;
        for (size_t k = 0; k < SIMILAR_SIZE; k++)
            same += x[k] == y[k];
        sink += same * 1000 / SIMILAR_SIZE;
    }
    return (now_us() - from) / ROUNDS;
}

static double best(double a, double b)
{
    return b < a ? b : a;
}

int main(void)
{
    printf("%-24s %6s %9s %9s %9s %6s\n", "text", "bytes", "us", "plain us", "hash us", "ratio");
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct str s = str_of(texts[t]);
        double ours = 1e9, plain = 1e9, hash = 1e9;
        for (int turn = 0; turn < TURNS; turn++) {
            ours = best(ours, time_ours(s));
            plain = best(plain, time_plain(s));
            hash = best(hash, time_hash(s));
        }
        printf("%-24s %6zu %9.3f %9.3f %9.3f %5.1fx\n", names[t], s.n, ours, plain, hash, plain / ours);
    }
    struct signature a, b;
    uint64_t x[SIMILAR_SIZE], y[SIMILAR_SIZE];
    double ours = 1e9, plain = 1e9;
    similar_signature(str_of(texts[0]), &a);
    similar_signature(str_of(texts[2]), &b);
    plain_signature(str_of(texts[0]), x);
    plain_signature(str_of(texts[2]), y);
    for (int turn = 0; turn < TURNS; turn++) {
        ours = best(ours, time_compare(&a, &b));
        plain = best(plain, time_plain_compare(x, y));
    }
    printf("%-24s %6d %9.4f %9.4f %9s %5.1fx\n", "comparison", SIMILAR_SIZE, ours, plain, "", plain / ours);
    return 0;
}
