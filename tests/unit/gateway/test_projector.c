/* SPDX-License-Identifier: Apache-2.0
 * test_projector.c - the projector on a real store and writer, with one verb of the store made to fail.
 *
 * What would hurt: an event left out because another one of its transaction failed, a body that blocks all that follow, a
 * transaction for every body when thousands wait. */
#include "../../store/store_fixture.h"

#include "base/clock.h"
#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "gateway/projector.h"
#include "store/inbox.h"

#define BAD_NUMBER "15550000290"
#define BODIES     300

int __real_people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                         struct err *e);
int __wrap_people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                         struct err *e);
int __wrap_people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret,
                         struct err *e)
{
    if (strcmp(who->value, BAD_NUMBER) == 0)
        return err_set(e, WL_EINVAL, "a person nobody can keep");
    return __real_people_ensure(s, who, n, now, ret, e);
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
    snprintf(out, 16, "15550000%03d", i);
}

TEST(many_bodies_share_a_transaction_and_a_bad_one_hurts_only_itself)
{
    struct fx f;
    struct gateway *g = calloc(1, sizeof *g);
    struct store *s = NULL;
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
    g->o.store_url = f.url;
    OK(&f, store_open(&s, f.url, NULL, &f.e));
    OK(&f, apply_create(&g->apply, s, &f.e));
    OK(&f, writer_start(&g->writer, s, 16, &f.e));
    OK(&f, projector_start(&g->projector, g, &f.e));
    int64_t at = 0, rows = 0, problems = 0, until = clock_now_ms() + 60000;
    while (g->metric[METRIC_EVENTS] < BODIES - 2 && clock_now_ms() < until)
        usleep(1000);
    projector_stop(g->projector);
    struct writer_stats stats;
    writer_stats(g->writer, &stats);
    assert_int_equal(g->metric[METRIC_EVENTS], BODIES - 2);
    assert_true(stats.commits < 60); /* 256 at once; the other 44, one of which is bad, alone */
    projector_free(g->projector);
    writer_stop(g->writer);
    apply_free(g->apply);
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
    OK(&f, cursor_get(f.s, "projector", &at, &f.e));
    assert_true(at > 0);
    fx_end(&f);
}

TESTS(T(many_bodies_share_a_transaction_and_a_bad_one_hurts_only_itself))
