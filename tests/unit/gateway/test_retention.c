/* SPDX-License-Identifier: Apache-2.0
 * test_retention.c - old webhook bodies go by themselves, while others come.
 *
 * What would hurt: one that goes before it was applied, one that stays for ever, a subscriber that loses some without
 * anybody hearing of it. */
#include "../../store/store_fixture.h"

#include "base/clock.h"
#include "gateway/gateway_impl.h"
#include "gateway/projector.h"
#include "gateway/retention.h"
#include "store/inbox.h"
#include "store/messages.h"
#include "store/notices.h"
#include "store/subscribers.h"

#define HOUR_MS INT64_C(3600000)
#define KEEP_MS (24 * HOUR_MS)
#define OLD     950
#define WAIT_MS 20000

struct bed {
    struct fx f; /* f.s reads */
    struct gateway g;
    struct retention *r;
    int64_t seq[OLD + 50]; /* the last fifty are young */
};

static int fill(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct bed *b = ctx;
    int rc = 0;
    (void)a;
    for (int i = 0; rc == 0 && i < OLD + 50; i++) {
        struct inbox_row row = {.at = i < OLD ? now - KEEP_MS - HOUR_MS + i : now, .body = STR("{}")};
        row.seq = b->seq[i] = store_id(s, row.at);
        rc = inbox_append(s, &row, 1, e);
    }
    return rc;
}

static void open_bed(struct bed *b)
{
    struct store *s = NULL;
    memset(b, 0, sizeof *b);
    fx_place(&b->f);
    OK(&b->f, store_open(&s, b->f.url, NULL, &b->f.e));
    OK(&b->f, writer_start(&b->g.writer, s, 100, &b->f.e));
    OK(&b->f, store_open(&b->f.s, b->f.url, &(struct store_options){.read_only = true}, &b->f.e));
    b->g.o.store_url = b->f.url;
    OK(&b->f, writer_call(b->g.writer, 1, fill, b, &b->f.e));
}

static void start(struct bed *b)
{
    const struct retention_options o = {.keep_ms = KEEP_MS, .rest_ms = 5, .rows = 100};
    OK(&b->f, retention_start(&b->r, &b->g, &o, &b->f.e));
}

static void end(struct bed *b)
{
    retention_stop(b->r);
    writer_stop(b->g.writer);
    retention_free(b->r);
    fx_end(&b->f);
}

static int64_t counter(struct bed *b, enum metric m)
{
    return (int64_t)atomic_load(&b->g.metric[m]);
}

static int64_t bodies(struct bed *b)
{
    int64_t n = 0, bad = 0;
    OK(&b->f, inbox_counts(b->f.s, &n, &bad, &b->f.e));
    return n;
}

#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        int64_t end_ = clock_mono_ns() + WAIT_MS * 1000000LL;                                                          \
        while (!(condition)) {                                                                                         \
            if (clock_mono_ns() > end_)                                                                                \
                fail_msg("never: %s", #condition);                                                                     \
            usleep(2000);                                                                                              \
        }                                                                                                              \
    } while (0)

static int applied(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a, (void)now;
    return cursor_set(s, PROJECTOR_CURSOR, *(const int64_t *)ctx, e);
}

static void apply_up_to(struct bed *b, int64_t seq)
{
    OK(&b->f, writer_call(b->g.writer, 1, applied, &seq, &b->f.e));
}

TEST(what_is_old_and_applied_goes_and_nothing_else)
{
    struct bed b;
    int64_t oldest = 0;
    open_bed(&b);
    start(&b);
    usleep(100000);
    assert_int_equal(bodies(&b), OLD + 50); /* the projector read none yet */
    apply_up_to(&b, b.seq[449]);
    UNTIL(bodies(&b) == OLD + 50 - 450);
    usleep(50000);
    OK(&b.f, inbox_oldest(b.f.s, &oldest, &b.f.e));
    assert_true(oldest == b.seq[450]);
    apply_up_to(&b, b.seq[OLD + 49]);
    UNTIL(bodies(&b) == 50);
    usleep(50000);
    OK(&b.f, inbox_oldest(b.f.s, &oldest, &b.f.e));
    assert_true(oldest == b.seq[OLD]); /* what is young stays */
    UNTIL(counter(&b, METRIC_WEBHOOKS_DROPPED) == OLD);
    assert_int_equal(counter(&b, METRIC_WEBHOOKS_MISSED), 0); /* nobody subscribed */
    end(&b);
}

static int subscribe(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct bed *b = ctx;
    static const char *const names[3] = {"fast", "slow", "never"};
    const int64_t at[3] = {b->seq[OLD + 49], b->seq[699], 1};
    int rc = 0;
    (void)a, (void)now;
    for (int i = 0; rc == 0 && i < 3; i++) {
        struct subscriber v = {.id = i + 1, .url = STR("http://127.0.0.1/"), .parallel = 1, .position = at[i]};
        struct dead_letter dead[2] = {{.subscriber = i + 1, .seq = b->seq[10], .event = -1},
                                      {.subscriber = i + 1, .seq = b->seq[OLD + 9], .event = 2}};
        snprintf(v.name, sizeof v.name, "%s", names[i]);
        rc = subscriber_put(s, &v, e);
        if (rc == 0)
            rc = dead_letters_put(s, dead, 2, e);
    }
    return rc;
}

static int64_t dead(struct bed *b, int64_t id)
{
    int64_t n = 0;
    OK(&b->f, dead_letters_count(b->f.s, id, &n, &b->f.e));
    return n;
}

TEST(who_is_too_far_behind_is_counted_and_dead_letters_go_with_their_bodies)
{
    struct bed b;
    open_bed(&b);
    OK(&b.f, writer_call(b.g.writer, 1, subscribe, &b, &b.f.e));
    apply_up_to(&b, b.seq[OLD + 49]);
    start(&b);
    UNTIL(bodies(&b) == 50);
    UNTIL(dead(&b, 1) == 1 && dead(&b, 2) == 1 && dead(&b, 3) == 1);
    UNTIL(counter(&b, METRIC_WEBHOOKS_DROPPED) == OLD);
    assert_int_equal(counter(&b, METRIC_WEBHOOKS_MISSED), OLD - 700 + OLD);
    end(&b);
}

#define LEFT 250

/* Statuses of strangers' messages and notices, most of them too old; all the old ones of one moment. */
static int leave_words(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct {
        int64_t at;
        int n;
    } orphans[] = {{now - KEEP_MS - HOUR_MS, LEFT}, {now - HOUR_MS, 7}};
    int rc = 0;
    (void)ctx, (void)a;
    for (size_t k = 0; k < 2; k++)
        for (int i = 0; rc == 0 && i < orphans[k].n; i++) {
            char wamid[24], who[24];
            snprintf(wamid, sizeof wamid, "wamid.%d", i / 2);
            snprintf(who, sizeof who, "155500%05d", i);
            struct message_event ev = {.at = orphans[k].at,
                                       .status = STR("failed"),
                                       .wamid = str_of(wamid),
                                       .participant = str_of(who),
                                       .code = i % 3};
            rc = message_events_append(s, &ev, 1, NULL, e);
        }
    for (int i = 0; rc == 0 && i < LEFT; i++) {
        struct notice v = {.at = now - (i < LEFT - 5 ? 401 : 399) * 24 * HOUR_MS,
                           .key = (uint64_t)i,
                           .field = STR("flows")};
        rc = notices_put(s, &v, 1, NULL, e);
    }
    return rc;
}

static size_t orphans(struct bed *b)
{
    struct message_event *ev = NULL;
    size_t n = 0;
    int64_t next = 0;
    arena_reset(b->f.a);
    OK(&b->f, message_orphans(b->f.s, 0, 0, 10000, b->f.a, &ev, &n, &next, &b->f.e));
    return n;
}

static size_t notices(struct bed *b)
{
    struct notice *v = NULL;
    size_t n = 0;
    arena_reset(b->f.a);
    OK(&b->f, notices_list(b->f.s, &(struct notice_filter){0}, 10000, b->f.a, &v, &n, &b->f.e));
    return n;
}

TEST(statuses_of_strangers_go_with_the_bodies_and_notices_after_a_year)
{
    struct bed b;
    open_bed(&b);
    OK(&b.f, writer_call(b.g.writer, 1, leave_words, &b, &b.f.e));
    assert_true(orphans(&b) == LEFT + 7 && notices(&b) == LEFT);
    start(&b);
    UNTIL(orphans(&b) == 7 && notices(&b) == 5);
    usleep(50000);
    assert_true(orphans(&b) == 7 && notices(&b) == 5);
    end(&b);
}

TESTS(T(statuses_of_strangers_go_with_the_bodies_and_notices_after_a_year),
      T(what_is_old_and_applied_goes_and_nothing_else),
      T(who_is_too_far_behind_is_counted_and_dead_letters_go_with_their_bodies))
