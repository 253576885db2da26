/* SPDX-License-Identifier: Apache-2.0
 * number_sample.c - selection sampling (Knuth, volume 2, 3.4.2, algorithm S), with whole numbers only.
 *
 * Each number is taken with the chance wanted / left, as they stand when it is reached. A random number below
 * `left` is drawn without bias: the high half of a product, drawn again in the few cases that would make some
 * values likelier (Lemire 2019). The random numbers are SplitMix64: its outputs are part of what --seed promises.
 * */
#include "core/number_sample.h"

static uint64_t next_random(struct number_sample *s)
{
    uint64_t z = (s->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* The 128-bit product's high half; *ret_low the other. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *ret_low)
{
    uint64_t al = a & UINT32_MAX, ah = a >> 32, bl = b & UINT32_MAX, bh = b >> 32;
    uint64_t low = al * bl, mid = ah * bl + (low >> 32), mid2 = al * bh + (mid & UINT32_MAX);
    *ret_low = (mid2 << 32) | (low & UINT32_MAX);
    return ah * bh + (mid >> 32) + (mid2 >> 32);
}

static uint64_t below(struct number_sample *s, uint64_t n)
{
    uint64_t low, high = multiply(next_random(s), n, &low);
    if (low < n)
        for (uint64_t odd = -n % n; low < odd;)
            high = multiply(next_random(s), n, &low);
    return high;
}

void number_sample_begin(struct number_sample *s, uint64_t seed, uint64_t total, uint64_t wanted)
{
    *s = (struct number_sample){.state = seed, .left = total, .wanted = wanted < total ? wanted : total};
}

size_t number_sample_take(struct number_sample *s, const uint64_t *number, size_t n, uint64_t *ret)
{
    size_t taken = 0;
    for (size_t i = 0; i < n && s->wanted > 0; i++, s->left--)
        if (below(s, s->left) < s->wanted) {
            ret[taken++] = number[i];
            s->wanted--;
        }
    return taken;
}
