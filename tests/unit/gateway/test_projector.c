/* SPDX-License-Identifier: Apache-2.0
 * test_projector.c - the projector on a real store and writer, with one verb of the store made to fail.
 *
 * What would hurt: an event left out because another one of its transaction failed, or because there was no memory for a
 * moment; a body that blocks all that follow; a transaction for every body when thousands wait, and one for thousands of
 * events while sends wait; a repeat that is handed on, and worse, an event that is taken for one. The clock is the machine's, and goes on by a millisecond
 * whenever somebody looks at it, so that time is up early. */
#include "../../store/store_fixture.h"

#include "base/clock.h"
#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "gateway/projector.h"
#include "store/inbox.h"

#define BAD_NUMBER   "15550000290"
#define SHORT_NUMBER "15550000200" /* there is no memory for this one at first */
#define BODIES       300

static _Atomic int no_memory; /* so many times more */
static _Atomic int64_t looked;

int __real_people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                         struct err *e);
int __wrap_people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                         struct err *e);
int __wrap_people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                         struct err *e)
{
    if (strcmp(who->value, BAD_NUMBER) == 0)
        return err_set(e, WL_EINVAL, "a person nobody can keep");
    if (strcmp(who->value, SHORT_NUMBER) == 0 && no_memory-- > 0)
        return err_set(e, WL_ENOMEM, "out of memory");
    return __real_people_ensure(s, who, n, now, ret, e);
}

int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void)
{
    return __real_clock_mono_ns() + 1000000 * ++looked;
}

int __real_events_parse(struct json body, struct arena *a, struct event **ret, size_t *ret_n, struct err *e);
int __wrap_events_parse(struct json body, struct arena *a, struct event **ret, size_t *ret_n, struct err *e);
int __wrap_events_parse(struct json body, struct arena *a, struct event **ret, size_t *ret_n, struct err *e)
{
    if (json_type(json_get(body, "short")) == JSON_BOOL && no_memory-- > 0)
        return err_set(e, WL_ENOMEM, "out of memory");
    return __real_events_parse(body, a, ret, ret_n, e);
}

static void append(struct fx *f, const char *body)
{
    struct inbox_row row = {.seq = store_id(f->s, NOW), .at = NOW, .body = str_of(body)};
    BEGIN(f);
    OK(f, inbox_append(f->s, &row, 1, &f->e));
    COMMIT(f);
}

static void number(char out[16], int i)
{
    snprintf(out, 16, "15550000%03u", (unsigned)i % 1000);
}

/* A gateway of store, writer and projector alone. */
static struct gateway *gateway_up(struct fx *f)
{
    struct gateway *g = calloc(1, sizeof *g);
    struct store *s = NULL;
    g->o.store_url = f->url;
    OK(f, store_open(&s, f->url, NULL, &f->e));
    OK(f, apply_create(&g->apply, s, &f->e));
    OK(f, writer_start(&g->writer, s, 16, &f->e));
    OK(f, projector_start(&g->projector, g, &f->e));
    return g;
}

/* Waits until everything stored is applied. */
static void wait_applied(struct fx *f)
{
    int64_t at = 0, newest = 0, until = clock_now_ms() + 60000;
    OK(f, inbox_newest(f->s, &newest, &f->e));
    while (at < newest && clock_now_ms() < until) {
        usleep(1000);
        OK(f, cursor_get(f->s, "projector", &at, &f->e));
    }
    assert_true(at >= newest);
}

static struct writer_stats gateway_down(struct gateway *g)
{
    struct writer_stats stats;
    projector_stop(g->projector);
    writer_stats(g->writer, &stats);
    projector_free(g->projector);
    writer_stop(g->writer);
    apply_free(g->apply);
    return stats;
}

static bool is_known(struct fx *f, int i)
{
    struct identity who = fx_name(IDENTITY_PHONE, "");
    struct person p;
    number(who.value, i);
    OK(f, people_find(f->s, &who, 1, &p, &f->e));
    return p.id != 0;
}

/* A body of texts from these numbers, one each. */
static void text_body(char *out, size_t size, int first, int n, const char *before)
{
    struct buf b;
    buf_init(&b, size);
    buf_printf(&b,
               "{%s\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{"
               "\"phone_number_id\":\"7\"},\"messages\":[",
               before);
    for (int i = 0; i < n; i++) {
        char who[16];
        number(who, first + i);
        buf_printf(&b, "%s{\"from\":\"%s\",\"id\":\"wamid.%d\",\"timestamp\":\"1700000000\",\"type\":\"text\"}",
                   i ? "," : "", who, first + i);
    }
    buf_puts(&b, "]}}]}]}");
    assert_false(b.failed);
    memcpy(out, buf_cstr(&b), b.len + 1);
    buf_done(&b);
}

TEST(many_bodies_share_a_transaction_and_a_bad_one_hurts_only_itself)
{
    struct fx f;
    fx_start(&f);
    for (int i = 0; i < BODIES; i++) {
        char body[400], n[16];
        number(n, i);
        snprintf(
            body, sizeof body,
            "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{"
            "\"phone_number_id\":\"7\"},\"contacts\":[{\"wa_id\":\"%s\",\"profile\":{\"name\":\"No %d\"}}],"
            "\"messages\":[{\"from\":\"%s\",\"id\":\"wamid.%d\",\"timestamp\":\"1700000000\",\"type\":\"text\"}]}}]}]}",
            n, i, n, i);
        append(&f, i == 10 ? "{\"entry\": not JSON" : body);
    }
    struct gateway *g = gateway_up(&f);
    int64_t rows = 0, problems = 0;
    wait_applied(&f);
    struct writer_stats stats = gateway_down(g);
    assert_int_equal(g->metric[METRIC_EVENTS], BODIES - 2);
    assert_true(stats.commits <
                80); /* in eight steps and a few more, none of them for one body alone but at the bad ones */
    free(g);
    for (int i = 0; i < BODIES; i++) {
        struct identity who = fx_name(IDENTITY_PHONE, "");
        struct person p;
        char name[16];
        number(who.value, i);
        snprintf(name, sizeof name, "No %d", i);
        OK(&f, people_find(f.s, &who, 1, &p, &f.e));
        assert_int_equal(p.id != 0, i != 10 && i != 290);
        assert_string_equal(p.name, p.id != 0 ? name : ""); /* each event kept its own words */
    }
    OK(&f, inbox_counts(f.s, &rows, &problems, &f.e));
    assert_true(rows == BODIES && problems == 2);
    fx_end(&f);
}

TEST(a_large_body_is_applied_in_several_transactions_and_a_bad_event_hurts_only_itself)
{
    static char body[200000];
    struct fx f;
    int64_t rows = 0, problems = 0;
    fx_start(&f);
    text_body(body, sizeof body, 0, 990, "");
    append(&f, body);
    text_body(body, sizeof body, 990, 1, "");
    append(&f, body);
    struct gateway *g = gateway_up(&f);
    wait_applied(&f);
    struct writer_stats stats = gateway_down(g);
    assert_true(stats.commits >= 5 && stats.commits < 40);
    assert_int_equal(g->metric[METRIC_EVENTS], 990);
    free(g);
    OK(&f, inbox_counts(f.s, &rows, &problems, &f.e));
    assert_true(rows == 2 && problems == 1); /* number 290 is in it, and is all that was left out */
    for (int i = 0; i < 991; i++)
        assert_int_equal(is_known(&f, i), i != 290);
    fx_end(&f);
}

TEST(want_of_memory_passes_nothing_over)
{
    static char body[20000];
    struct fx f;
    int64_t rows = 0, problems = 0;
    fx_start(&f);
    text_body(body, sizeof body, 190, 20, "");
    append(&f, body);
    text_body(body, sizeof body, 300, 1, "\"short\":true,");
    append(&f, body);
    text_body(body, sizeof body, 400, 1, "");
    append(&f, body);
    no_memory = 2;
    struct gateway *g = gateway_up(&f);
    wait_applied(&f);
    gateway_down(g);
    assert_true(no_memory <= 0);
    free(g);
    OK(&f, inbox_counts(f.s, &rows, &problems, &f.e));
    assert_true(rows == 3 && problems == 0);
    assert_true(is_known(&f, 200) && is_known(&f, 209) && is_known(&f, 300) && is_known(&f, 400));
    fx_end(&f);
}

/* A body that never finds memory holds nothing up for good: it is marked, and what follows is applied. Time goes on by a second
 * at each look here. */
TEST(want_of_memory_that_never_ends_costs_that_body_alone)
{
    static char body[20000];
    struct fx f;
    int64_t at = 0, newest = 0, rows = 0, problems = 0;
    fx_start(&f);
    text_body(body, sizeof body, 190, 20, "");
    append(&f, body);
    text_body(body, sizeof body, 300, 1, "\"short\":true,");
    append(&f, body);
    text_body(body, sizeof body, 400, 1, "");
    append(&f, body);
    no_memory = INT32_MAX;
    struct gateway *g = gateway_up(&f);
    OK(&f, inbox_newest(f.s, &newest, &f.e));
    for (int i = 0; i < 5; i++) {
        looked += 1000;
        projector_bell(g->projector);
        usleep(20000);
    }
    OK(&f, inbox_counts(f.s, &rows, &problems, &f.e));
    assert_true(problems == 0 && !is_known(&f, 400)); /* not at once, though it was woken often */
    for (int64_t until = clock_now_ms() + 60000; at < newest && clock_now_ms() < until;) {
        looked += 1000;
        projector_bell(g->projector);
        usleep(2000);
        OK(&f, cursor_get(f.s, "projector", &at, &f.e));
    }
    gateway_down(g);
    free(g);
    no_memory = 0;
    OK(&f, inbox_counts(f.s, &rows, &problems, &f.e));
    assert_true(at >= newest && rows == 3 && problems == 2);
    assert_true(is_known(&f, 199) && !is_known(&f, 200) && is_known(&f, 201) && !is_known(&f, 300) &&
                is_known(&f, 400));
    fx_end(&f);
}

/* How many repeats are marked at each stored body, newest first. */
static size_t repeats(struct fx *f, size_t *ret, size_t max)
{
    struct inbox_row *rows;
    size_t n = 0;
    OK(f, inbox_read_back(f->s, 0, max, 1 << 20, f->a, &rows, &n, &f->e));
    for (size_t i = 0; i < n; i++)
        ret[i] = rows[i].repeats.n / 8;
    return n;
}

TEST(what_came_before_is_marked_also_after_a_start)
{
    static char body[20000];
    struct fx f;
    size_t n[8];
    fx_start(&f);
    text_body(body, sizeof body, 0, 3, "");
    append(&f, body);
    text_body(body, sizeof body, 2, 3, "");
    append(&f, body);
    struct gateway *g = gateway_up(&f);
    wait_applied(&f);
    gateway_down(g);
    assert_int_equal(g->metric[METRIC_EVENTS_REPEATED], 1);
    assert_int_equal(g->metric[METRIC_EVENTS], 6);
    free(g);
    text_body(body, sizeof body, 0, 6, "");
    append(&f, body);
    append(&f, "{\"entry\": not JSON");
    append(&f, body);
    g = gateway_up(&f);
    wait_applied(&f);
    assert_true(projector_heard(g->projector, 7) == NOW && projector_heard(g->projector, 8) == 0);
    gateway_down(g);
    assert_int_equal(g->metric[METRIC_EVENTS_REPEATED], 5 + 6);
    free(g);
    assert_int_equal(repeats(&f, n, 8), 5);
    assert_int_equal(n[0], 6);
    assert_int_equal(n[1], 0);
    assert_int_equal(n[2], 5);
    assert_int_equal(n[3], 1);
    assert_int_equal(n[4], 0);
    fx_end(&f);
}

/* A start reads the newest bodies at once and the rest by and by. */
TEST(repeats_of_old_bodies_are_known_some_time_after_a_start)
{
    static char body[2000];
    struct fx f;
    fx_start(&f);
    for (int i = 0; i < 990; i++) {
        text_body(body, sizeof body, i, 1, "");
        append(&f, body);
    }
    struct gateway *g = gateway_up(&f);
    wait_applied(&f);
    gateway_down(g);
    free(g);
    looked = 0;
    g = gateway_up(&f);
    int tries = 0;
    while (g->metric[METRIC_EVENTS_REPEATED] == 0 && tries < 100) { /* the oldest ones, each of them once */
        text_body(body, sizeof body, tries++, 1, "");
        append(&f, body);
        projector_bell(g->projector);
        wait_applied(&f);
        usleep(20000);
    }
    gateway_down(g);
    assert_true(g->metric[METRIC_EVENTS_REPEATED] > 0);
    free(g);
    fx_end(&f);
}

TESTS(T(want_of_memory_that_never_ends_costs_that_body_alone),
      T(repeats_of_old_bodies_are_known_some_time_after_a_start),
      T(many_bodies_share_a_transaction_and_a_bad_one_hurts_only_itself),
      T(a_large_body_is_applied_in_several_transactions_and_a_bad_event_hurts_only_itself),
      T(want_of_memory_passes_nothing_over), T(what_came_before_is_marked_also_after_a_start))
