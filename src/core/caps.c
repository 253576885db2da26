/* SPDX-License-Identifier: Apache-2.0
 * caps.c - the newest marketing messages of a person, kept in order of their times.
 *
 * The rule "hold when marketing.sent.n is newer than W" lets a message through only when fewer than n kept times lie in
 * the last W. Whatever the clock did, the last one accepted of any n+1 messages saw the other n in the ring, so of the
 * clock's own readings no stretch of length W ever holds more than n messages: with steps back and forward, and in any
 * order of calls. The same is true of real time as long as the clock does not gain on it; where it jumps ahead by D,
 * W - D is what remains. Nothing here can do better: a clock is all there is. (A clock that jumps back gives nothing
 * away: what it wrote before lies in its future and counts as new.)
 *
 * A message that reached nobody is taken out again by its second; of several in one second one goes, and their contents
 * only with the last of them. A full ring may have pushed out a time that is missed then, but none later than the oldest
 * kept: that one is kept twice in its place. So every place is at least as late as it would be had the message never
 * been, and a cap is never exceeded by giving back; until as many more were sent, the last places may be too late,
 * which holds a cap of about CAPS_RING a little longer. A content that was got before goes back to that time. One that
 * had to make room does not come back.
 *
 * Times are kept in whole seconds, rounded up, so a stretch is never too short. A content given again takes the place
 * of its earlier self. Packed: version, number of times, number of contents with two flags, the times from the newest
 * backwards, the two errors of Meta's, the contents. Contents of a form that would be too long (only after decades
 * between messages) are left out from the oldest; a time never is. */
#include "core/caps.h"

#include <string.h>

#include "core/varint.h"

#define PACK_VERSION   1
#define SECOND_MS      1000
#define LAST_SECOND    253402300799 /* year 9999: a clock beyond is not believed */
#define CONTENT_BYTES  17           /* one packed content at most: 5 + 4 + 2 + 6 */
#define HAS_ENGAGEMENT 0x10
#define HAS_EXPERIMENT 0x20
#define COUNT_MASK     0x0f

_Static_assert(FACT_MARKETING_SENT_16 - FACT_MARKETING_SENT_1 == CAPS_RING - 1, "one fact for each place of the ring");
_Static_assert(CAPS_CONTENTS <= COUNT_MASK, "the number of contents shares its byte with two flags");

/* Seconds, rounded up; never 0, which is "never". */
static int64_t whole_second(int64_t ms)
{
    if (ms <= 0)
        return 1;
    int64_t s = ms / SECOND_MS + (ms % SECOND_MS != 0);
    return s > LAST_SECOND ? LAST_SECOND : s;
}

static void add_time(struct caps *c, int64_t at)
{
    size_t place = 0;
    while (place < c->n && c->sent[place] > at)
        place++;
    if (place == CAPS_RING)
        return; /* older than all that is kept */
    if (c->n < CAPS_RING)
        c->n++;
    memmove(&c->sent[place + 1], &c->sent[place], (c->n - 1 - place) * sizeof c->sent[0]);
    c->sent[place] = at;
}

static void add_content(struct caps *c, struct content_sent now)
{
    size_t place = 0, old = 0;
    while (old < c->n_contents && (c->content[old].skeleton != now.skeleton || c->content[old].values != now.values))
        old++;
    if (old < c->n_contents && c->content[old].at >= now.at)
        return;
    while (place < c->n_contents && c->content[place].at > now.at)
        place++;
    if (place == CAPS_CONTENTS)
        return;
    if (old == CAPS_CONTENTS)
        old--; /* the oldest makes room */
    else if (old == c->n_contents)
        c->n_contents++;
    memmove(&c->content[place + 1], &c->content[place], (old - place) * sizeof c->content[0]);
    c->content[place] = now;
}

void caps_sent(struct caps *c, int64_t at, const struct content_sent *content)
{
    int64_t second = whole_second(at) * SECOND_MS;
    add_time(c, second);
    if (content == NULL)
        return;
    struct content_sent now = *content;
    now.at = second;
    add_content(c, now);
}

/* What was said in this second was not heard; what the person had got before it, 0 never, they still have. */
static void drop_contents(struct caps *c, int64_t second, int64_t before)
{
    for (size_t i = 0; i < c->n_contents;) {
        struct content_sent s = c->content[i];
        if (s.at != second) {
            i++;
            continue;
        }
        c->n_contents--;
        memmove(&c->content[i], &c->content[i + 1], (c->n_contents - i) * sizeof s);
        memset(&c->content[c->n_contents], 0, sizeof s);
        s.at = before;
        if (before > 0)
            add_content(c, s); /* it is earlier: behind what is left of this second */
    }
}

bool caps_unsent(struct caps *c, int64_t at, int64_t same_at)
{
    int64_t second = whole_second(at) * SECOND_MS, before = same_at > 0 ? whole_second(same_at) * SECOND_MS : 0;
    size_t place = 0, last = c->n - 1u;
    while (place < c->n && c->sent[place] != second)
        place++;
    if (place == c->n)
        return false;
    memmove(&c->sent[place], &c->sent[place + 1], (last - place) * sizeof c->sent[0]);
    if (c->n < CAPS_RING) { /* in a full ring the oldest still stands there, for whoever was pushed out */
        c->sent[last] = 0;
        c->n--;
    }
    bool another = place < c->n && c->sent[place] == second;
    if (!another && before < second)
        drop_contents(c, second, before);
    return true;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void caps_merge(struct caps *c, const struct caps *other)
{
    for (size_t i = 0; i < other->n; i++)
        add_time(c, other->sent[i]);
    for (size_t i = 0; i < other->n_contents; i++)
        add_content(c, other->content[i]);
    c->engagement_at = later(c->engagement_at, other->engagement_at);
    c->experiment_at = later(c->experiment_at, other->experiment_at);
}

void caps_facts(const struct caps *c, struct facts *f)
{
    for (size_t i = 0; i < CAPS_RING; i++)
        fact_set(f, (enum fact_id)(FACT_MARKETING_SENT_1 + i), i < c->n ? c->sent[i] : 0);
    fact_set(f, FACT_RECIPIENT_ENGAGEMENT_AT, c->engagement_at);
    fact_set(f, FACT_RECIPIENT_EXPERIMENT_AT, c->experiment_at);
}

/* ---- packed ---- */

static size_t put_u32(uint8_t *out, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
    return 4;
}

/* The first time of a row for itself, the others as the distance from the one before, which is later or the same. */
static size_t put_time(uint8_t *out, bool first, int64_t *before, int64_t at)
{
    int64_t second = whole_second(at);
    if (!first && second > *before)
        second = *before;
    size_t n = varint_put(out, (uint64_t)(first ? second : *before - second));
    *before = second;
    return n;
}

size_t caps_pack(const struct caps *c, uint8_t out[CAPS_PACKED_MAX])
{
    size_t n = 3, contents = 0;
    int64_t before = 0;
    uint8_t flags =
        (uint8_t)((c->engagement_at > 0 ? HAS_ENGAGEMENT : 0) | (c->experiment_at > 0 ? HAS_EXPERIMENT : 0));
    if (c->n == 0 && c->n_contents == 0 && flags == 0)
        return 0;
    for (size_t i = 0; i < c->n; i++)
        n += put_time(out + n, i == 0, &before, c->sent[i]);
    if (flags & HAS_ENGAGEMENT)
        n += put_time(out + n, true, &before, c->engagement_at);
    if (flags & HAS_EXPERIMENT)
        n += put_time(out + n, true, &before, c->experiment_at);
    for (; contents < c->n_contents && n + CONTENT_BYTES <= CAPS_PACKED_MAX; contents++) {
        const struct content_sent *s = &c->content[contents];
        n += put_time(out + n, contents == 0, &before, s->at);
        n += varint_put(out + n, s->skeleton);
        n += put_u32(out + n, s->values);
        n += varint_put(out + n, s->share);
    }
    out[0] = PACK_VERSION;
    out[1] = c->n;
    out[2] = (uint8_t)(contents | flags);
    return n;
}

/* ---- reading it back ---- */

struct reader {
    const uint8_t *at, *end;
    bool damaged;
};

static uint64_t get(struct reader *r, uint64_t max)
{
    uint64_t v = 0;
    if (r->damaged || !varint_get(&r->at, r->end, &v) || v > max)
        r->damaged = true;
    return r->damaged ? 0 : v;
}

static uint32_t get_u32(struct reader *r)
{
    uint32_t v = 0;
    if (r->damaged || r->end - r->at < 4) {
        r->damaged = true;
        return 0;
    }
    for (size_t i = 0; i < 4; i++)
        v |= (uint32_t)*r->at++ << (8 * i);
    return v;
}

/* The first time of a row stands for itself, the others for their distance from the one before. In ms. */
static int64_t get_time(struct reader *r, bool first, int64_t before)
{
    int64_t v = (int64_t)get(r, LAST_SECOND);
    int64_t second = first ? v : before / SECOND_MS - v;
    if (second <= 0)
        r->damaged = true;
    return r->damaged ? 0 : second * SECOND_MS;
}

/* The three bytes before the rest. */
static bool sound_head(const uint8_t *bytes, size_t n)
{
    return n >= 3 && n <= CAPS_PACKED_MAX && bytes[0] == PACK_VERSION && bytes[1] <= CAPS_RING &&
           (bytes[2] & COUNT_MASK) <= CAPS_CONTENTS && bytes[2] <= (HAS_ENGAGEMENT | HAS_EXPERIMENT | COUNT_MASK) &&
           (bytes[1] > 0 || bytes[2] > 0);
}

int caps_unpack(const void *p, size_t n, struct caps *ret)
{
    struct caps c;
    const uint8_t *bytes = p;
    memset(&c, 0, sizeof c);
    if (n == 0) {
        *ret = c;
        return 0;
    }
    if (!sound_head(bytes, n))
        return WL_EINVAL;
    struct reader r = {bytes + 3, bytes + n, false};
    c.n = bytes[1];
    c.n_contents = bytes[2] & COUNT_MASK;
    for (size_t i = 0; i < c.n; i++)
        c.sent[i] = get_time(&r, i == 0, i > 0 ? c.sent[i - 1] : 0);
    if (bytes[2] & HAS_ENGAGEMENT)
        c.engagement_at = get_time(&r, true, 0);
    if (bytes[2] & HAS_EXPERIMENT)
        c.experiment_at = get_time(&r, true, 0);
    for (size_t i = 0; i < c.n_contents; i++) {
        c.content[i].at = get_time(&r, i == 0, i > 0 ? c.content[i - 1].at : 0);
        c.content[i].skeleton = (uint32_t)get(&r, UINT32_MAX);
        c.content[i].values = get_u32(&r);
        c.content[i].share = (uint16_t)get(&r, UINT16_MAX);
    }
    if (r.damaged || r.at != r.end)
        return WL_EINVAL;
    *ret = c;
    return 0;
}
