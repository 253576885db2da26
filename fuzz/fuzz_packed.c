/* SPDX-License-Identifier: Apache-2.0
 * fuzz_packed.c - any bytes as what lies packed in the rows of persons and portfolios.
 *
 * The first byte says which form the rest is read as. What is refused leaves the output alone; what is accepted gives
 * the same bytes when it is packed again (a consent of an older version gives the present one, which is read as the
 * same), and what is computed from it stays within its bounds. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/activity.h"
#include "core/budget.h"
#include "core/caps.h"
#include "core/consent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795600000123)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void fuzz_caps(const uint8_t *data, size_t size)
{
    struct caps c = {.n = 77}, twice;
    uint8_t again[CAPS_PACKED_MAX];
    if (caps_unpack(data, size, &c) != 0) {
        must(c.n == 77);
        return;
    }
    size_t n = caps_pack(&c, again);
    must(n <= sizeof again && (n != size || memcmp(again, data, n) == 0));
    must(caps_unpack(again, n, &twice) == 0 && twice.n == c.n && memcmp(twice.sent, c.sent, sizeof c.sent) == 0);
    for (size_t i = 1; i < c.n; i++)
        must(c.sent[i] <= c.sent[i - 1] && c.sent[i] > 0);
    caps_merge(&twice, &c);
    caps_sent(&twice, NOW, &c.content[0]);
    must(twice.n <= CAPS_RING && twice.n_contents <= CAPS_CONTENTS && caps_pack(&twice, again) <= sizeof again);
    size_t left = twice.n;
    bool gone = caps_unsent(&twice, NOW, c.sent[0] - 1); /* false: sixteen later ones are kept */
    must(twice.n + (size_t)gone >= left && twice.n_contents <= CAPS_CONTENTS);
    must(caps_pack(&twice, again) <= sizeof again);
}

static void fuzz_budget(const uint8_t *data, size_t size)
{
    struct budget b = {.newest = 77};
    uint8_t again[BUDGET_PACKED_MAX];
    if (budget_unpack(data, size, &b) != 0) {
        must(b.newest == 77);
        return;
    }
    must(budget_pack(&b, again) == size && memcmp(again, data, size) == 0);
    uint32_t used = budget_used(&b, NOW);
    int64_t at = budget_when(&b, 1, NOW), opened = budget_take(&b, 0, NOW);
    must(at <= NOW ? used == 0 : used > 0);
    must(budget_counted(&b, opened, NOW));
    struct budget both = b;
    budget_merge(&both, &b);
    used = budget_used(&b, NOW);
    must(budget_used(&both, NOW) >= used);
    must(!budget_give_back(&b, opened) || budget_used(&b, NOW) == used - 1 || used == UINT32_MAX);
}

static void fuzz_consent(const uint8_t *data, size_t size)
{
    struct consent_state s = {.platform_at = 77}, twice;
    uint8_t again[CONSENT_PACKED_MAX];
    if (consent_unpack(data, size, &s) != 0) {
        must(s.platform_at == 77);
        return;
    }
    size_t n = consent_pack(&s, again);
    must(n <= sizeof again && consent_unpack(again, n, &twice) == 0);
    must(size == 0 || data[0] < 3 || (n == size && memcmp(again, data, n) == 0));
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        must(s.of[c].status == twice.of[c].status && s.of[c].at == twice.of[c].at && s.of[c].rank == twice.of[c].rank);
        must((s.of[c].status == CONSENT_GRANTED) == (s.of[c].rank != CONSENT_RANK_NONE));
        must((s.of[c].status == CONSENT_WITHDRAWN) == (consent_needs(&s.of[c]) != CONSENT_RANK_NONE));
    }
}

static void fuzz_activity(const uint8_t *data, size_t size)
{
    struct activity a = {.n_newest = 77}, twice;
    uint8_t again[ACTIVITY_PACKED_MAX];
    if (activity_unpack(data, size, &a) != 0) {
        must(a.n_newest == 77);
        return;
    }
    must(activity_pack(&a, again) == size && memcmp(again, data, size) == 0);
    must(activity_score(&a, NOW) >= 0 && activity_unreachable(&a) <= ACTIVITY_NEWEST);
    must(activity_typical_delay(&a) >= -1 && activity_class_of(&a, &activity_usual, NOW) < ACTIVITY_CLASSES);
    twice = a;
    activity_merge(&twice, &a);
    activity_add(&twice, &(struct activity_event){ACTIVITY_READ, NOW, NOW, true});
    size_t n = activity_pack(&twice, again);
    must(n <= sizeof again && activity_unpack(again, n, &a) == 0 && a.read >= NOW / 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const forms[])(const uint8_t *, size_t) = {fuzz_caps, fuzz_budget, fuzz_consent, fuzz_activity};
    if (size > 0)
        forms[data[0] % 4](data + 1, size - 1);
    return 0;
}
