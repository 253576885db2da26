/* SPDX-License-Identifier: Apache-2.0
 * test_rules.c - the book of rules in force: exchanged whole or not at all, kept while anybody speaks of it.
 *
 * What would hurt: a mistake in a file that changes what decides, a book freed under somebody, a rule of the platform's
 * set aside, counts of one shadow under another's name. How it is told over REST is in tests/scenarios. */
#include "t.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/admit.h"
#include "gateway/gateway_impl.h"
#include "store/rules_log.h"

#define NOW_MS INT64_C(1790000000000)
#define CITE   "cite: [{title: T, url: 'https://e.org', read: 2026-01-01}]"

static const char platform[] =
    "ruleset: small\nschema: 1\nkind: platform\ntitle: S\nbasis:\n"
    "  - {id: b, when: {not: {fact: message.kind, is: encrypted}}, " CITE "}\nrules:\n"
    "  - {id: p.one, title: T, verdict: deny, code: 1, reason: R, change: c, values: {2020-01-01: {}}, on_unknown: "
    "ignore, "
    "when: {fact: message.kind, is: direct}, " CITE ", tests: [{given: {message.kind: direct}, expect: deny}, {given: "
    "{message.kind: template}, expect: none}]}\n"
    "  - {id: basis.none, builtin: true, title: T, code: 1, reason: R, change: c, " CITE "}\n"
    "  - {id: hold.past_expiry, builtin: true, title: T, code: 1, reason: R, change: c, " CITE "}\n";
static const char policy[] = "ruleset: ours\nschema: 1\nkind: policy\ntitle: P\nrules:\n"
                             "  - {id: policy.n%d, title: T, verdict: deny, code: 1, reason: R, change: c, values: "
                             "{2020-01-01: {}}, on_unknown: "
                             "ignore, when: {fact: message.kind, is: freeform}, " CITE
                             ", tests: [{given: {message.kind: freeform}, expect: deny}, "
                             "{given: {message.kind: template}, expect: none}]}\n";

struct place {
    char dir[64], file[4][128]; /* platform, policy, shadow, database */
    char *policies[1], *shadows[1];
    struct gateway g;
    struct err e;
};

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_policy(const char *path, int number)
{
    char text[2000];
    snprintf(text, sizeof text, policy, number);
    put(path, text);
}

static void start(struct place *p, bool shadow)
{
    static const char *const names[] = {"platform.yaml", "policy.yaml", "shadow.yaml", "db"};
    struct store *s = NULL;
    memset(p, 0, sizeof *p);
    memcpy(p->dir, "/tmp/wl_rules_XXXXXX", 21);
    assert_non_null(mkdtemp(p->dir));
    for (size_t i = 0; i < 4; i++)
        snprintf(p->file[i], sizeof p->file[i], "%s/%s", p->dir, names[i]);
    put(p->file[0], platform);
    put_policy(p->file[1], 0);
    put_policy(p->file[2], 1000);
    p->policies[0] = p->file[1];
    p->shadows[0] = p->file[2];
    p->g.o.rules_file = p->file[0];
    p->g.o.rules_policy = (struct path_list){p->policies, 1};
    p->g.o.rules_shadow = (struct path_list){p->shadows, shadow};
    assert_ok(store_open(&s, p->file[3], NULL, &p->e), p->e);
    assert_ok(rules_open(&p->g.rules, &p->g, &p->e), p->e);
    assert_ok(store_begin(s, &p->e), p->e);
    assert_ok(rules_register(p->g.rules, s, clock_now_ms(), &p->e), p->e);
    assert_ok(store_commit(s, &p->e), p->e);
    assert_ok(writer_start(&p->g.writer, s, 64, &p->e), p->e);
    assert_ok(rules_start(p->g.rules, &p->e), p->e);
}

static void finish(struct place *p)
{
    char path[140];
    rules_stop(p->g.rules);
    writer_stop(p->g.writer);
    rules_free(p->g.rules);
    for (size_t i = 0; i < 4; i++)
        unlink(p->file[i]);
    snprintf(path, sizeof path, "%s-wal", p->file[3]);
    unlink(path);
    snprintf(path, sizeof path, "%s-shm", p->file[3]);
    unlink(path);
    rmdir(p->dir);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static void told(struct rules_activation *v)
{
    pthread_mutex_lock(&lock);
    *(bool *)v->user = true;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

static int activate(struct place *p, struct rules_activation *ret)
{
    bool done = false;
    *ret = (struct rules_activation){.actor = "api", .done = told, .user = &done};
    assert_ok(rules_activate(p->g.rules, ret, &p->e), p->e);
    pthread_mutex_lock(&lock);
    while (!done)
        pthread_cond_wait(&wake, &lock);
    pthread_mutex_unlock(&lock);
    return ret->rc;
}

TEST(a_mistake_changes_nothing)
{
    struct place p;
    struct rules_activation v;
    start(&p, false);
    const struct rules_book *first = rules_current(&p.g);
    assert_true(first->number == 1 && first->shadow == NULL && first->activated_at > 0);
    assert_int_equal(activate(&p, &v), 0);
    assert_true(!v.changed && v.book == first && rules_current(&p.g) == first);
    put(p.file[1], "ruleset: ours\nschema: 1\nkind: policy\ntitle: P\nruels: []\n");
    assert_int_equal(activate(&p, &v), WL_EINVAL);
    assert_non_null(strstr(v.err.text, "policy.yaml:5"));
    assert_true(rules_current(&p.g) == first);
    unlink(p.file[1]);
    assert_int_equal(activate(&p, &v), WL_EINVAL);
    put(p.file[1], platform); /* two platform sets */
    assert_int_equal(activate(&p, &v), WL_EINVAL);
    put_policy(p.file[1], 0);
    put_policy(p.file[0], 7); /* none */
    assert_int_equal(activate(&p, &v), WL_EINVAL);
    assert_true(rules_current(&p.g) == first);
    finish(&p);
}

/* Whoever took a book may read it as long as the gateway lives. */
TEST(books_are_kept_and_a_life_has_a_hundred)
{
    struct place p;
    struct rules_activation v;
    const struct rules_book *book[RULES_ACTIVATIONS_MAX];
    char id[40];
    start(&p, false);
    book[0] = rules_current(&p.g);
    for (int i = 1; i < RULES_ACTIVATIONS_MAX; i++) {
        put_policy(p.file[1], i);
        assert_int_equal(activate(&p, &v), 0);
        book[i] = rules_current(&p.g);
        assert_true(v.changed && v.book == book[i]);
    }
    put_policy(p.file[1], 5000);
    assert_int_equal(activate(&p, &v), WL_ECONFLICT);
    assert_true(rules_current(&p.g) == book[RULES_ACTIVATIONS_MAX - 1]);
    for (int i = 0; i < RULES_ACTIVATIONS_MAX; i++) {
        snprintf(id, sizeof id, "policy.n%d", i);
        assert_true(book[i]->number == i + 1 && ruleset_find(book[i]->ruleset, id) != NULL);
        assert_true(rules_published(&p.g, i + 1) == book[i]->ruleset);
    }
    assert_null(rules_published(&p.g, RULES_ACTIVATIONS_MAX + 1));
    put_policy(p.file[1], RULES_ACTIVATIONS_MAX - 1); /* what runs: no change, no refusal */
    assert_int_equal(activate(&p, &v), 0);
    finish(&p);
}

TEST(a_shadow_takes_the_place_of_its_set)
{
    struct place p;
    struct rules_activation v;
    start(&p, true);
    const struct rules_book *first = rules_current(&p.g);
    assert_non_null(first->shadow);
    assert_int_equal(ruleset_sources(first->shadow), 2);
    assert_non_null(ruleset_find(first->shadow, "policy.n1000"));
    assert_null(ruleset_find(first->shadow, "policy.n0"));
    assert_true(rules_published(&p.g, first->shadow_number) == first->shadow);
    put_policy(p.file[2], 0); /* the same as what decides */
    assert_int_equal(activate(&p, &v), 0);
    const struct rules_book *second = rules_current(&p.g);
    assert_true(second != first && second->number == first->number && second->shadow_number == second->number);
    assert_true(second->activated_at == first->activated_at);
    put(p.file[2], "[");
    assert_int_equal(activate(&p, &v), WL_EINVAL);
    finish(&p);
}

TEST(the_shadow_is_counted_for_its_pair_of_books)
{
    struct place p;
    struct rules_activation v;
    struct shadow_tally t;
    uint64_t total[3][3];
    start(&p, true);
    const struct rules_book *first = rules_current(&p.g);
    for (int i = 0; i < SHADOW_EXAMPLES + 5; i++) {
        rules_shadow_count(&p.g, first, 0, i, VERDICT_ALLOW, VERDICT_DENY);
        rules_shadow_count(&p.g, first, 0, 1000 + i, VERDICT_HOLD, VERDICT_HOLD);
    }
    rules_shadow_tally(first, &t);
    assert_true(t.count[VERDICT_ALLOW][VERDICT_DENY] == SHADOW_EXAMPLES + 5 && t.n == SHADOW_EXAMPLES);
    for (int i = 0; i < SHADOW_EXAMPLES; i++) /* newest first, and only those that differ */
        assert_true(t.example[i].message == SHADOW_EXAMPLES + 4 - i && t.example[i].shadow == VERDICT_DENY);
    put_policy(p.file[2], 2000);
    assert_int_equal(activate(&p, &v), 0);
    rules_shadow_count(&p.g, first, 0, 7, VERDICT_ALLOW, VERDICT_DENY); /* decided before the change */
    rules_shadow_tally(rules_current(&p.g), &t);
    assert_true(t.count[VERDICT_ALLOW][VERDICT_DENY] == 0 && t.n == 0);
    rules_shadow_totals(&p.g, total);
    assert_true(total[VERDICT_ALLOW][VERDICT_DENY] == SHADOW_EXAMPLES + 6 && total[VERDICT_HOLD][VERDICT_HOLD] > 0);
    finish(&p);
}

TEST(only_a_policy_is_set_aside)
{
    struct place p;
    struct rules_activation v;
    struct override bits;
    struct decision d;
    struct facts f = {0};
    start(&p, false);
    const struct ruleset *rs = rules_current(&p.g)->ruleset;
    struct rules_override mine = {.n = 1, .rule = {STR("policy.n0")}}, theirs = {.n = 1, .rule = {STR("p.one")}},
                          nobodys = {.n = 2, .rule = {STR("policy.n0"), STR("policy.n1")}};
    assert_ok(rules_override_check(&mine, rs, &p.e), p.e);
    assert_int_equal(rules_override_check(&theirs, rs, &p.e), WL_EINVAL);
    assert_int_equal(rules_override_check(&nobodys, rs, &p.e), WL_ENOTFOUND);
    assert_null(rules_override_bits(NULL, rs, &bits));
    fact_set(&f, FACT_MESSAGE_KIND, fact_word(FACT_MESSAGE_KIND, STR("freeform")));
    decide_overridden(rs, &f, NOW_MS, 0, rules_override_bits(&mine, rs, &bits), &d);
    assert_true(d.verdict == VERDICT_ALLOW && d.n == 1 && d.finding[0].overridden);
    put_policy(p.file[1], 1); /* another book by the time it is decided: the rule has another place, or is gone */
    assert_int_equal(activate(&p, &v), 0);
    decide_overridden(v.book->ruleset, &f, NOW_MS, 0, rules_override_bits(&mine, v.book->ruleset, &bits), &d);
    assert_int_equal(d.verdict, VERDICT_DENY);
    finish(&p);
}

/* What was set aside is logged, with who did it; an override that changed nothing is not. */
static int log_task(void *ctx, struct store *st, struct arena *a, int64_t now, struct err *e)
{
    struct place *p = ctx;
    const struct rules_book *book = rules_current(&p->g);
    struct rules_override o = {1, {STR("policy.n0")}, STR("a recall"), STR("Ada, night shift")};
    struct send s = {.override = &o, .message = {.id = store_id(st, now)}};
    struct override bits;
    struct rules_event *v;
    size_t n = 0;
    static const struct {
        const char *kind;
        bool refused_anyway, logged;
    } rows[] = {{"template", false, false}, {"freeform", true, false}, {"freeform", false, true}};
    for (size_t i = 0; i < 3; i++) {
        fact_set(&s.facts, FACT_MESSAGE_KIND, fact_word(FACT_MESSAGE_KIND, str_of(rows[i].kind)));
        decide_overridden(book->ruleset, &s.facts, now, 0, rules_override_bits(&o, book->ruleset, &bits), &s.decision);
        s.decision.verdict = rows[i].refused_anyway ? VERDICT_DENY : s.decision.verdict;
        int rc = rules_override_log(st, book, &s, now, e);
        if (rc == 0)
            rc = rules_log_list(st, a, 0, 0, 10, &v, &n, e);
        if (rc != 0)
            return rc;
        assert_int_equal(n, 1 + rows[i].logged); /* the activation at the start, and then the override */
    }
    assert_true(v[0].act == RULES_OVERRIDDEN && v[0].ruleset == book->number);
    assert_str(v[0].reason, "a recall");
    assert_str(v[0].actor, "Ada, night shift");
    assert_true(str_starts(v[0].detail, STR("policy.n0 m")));
    return 0;
}

TEST(what_is_set_aside_is_logged)
{
    struct place p;
    start(&p, false);
    assert_ok(writer_call(p.g.writer, 2, log_task, &p, &p.e), p.e);
    finish(&p);
}

TESTS(T(a_mistake_changes_nothing), T(books_are_kept_and_a_life_has_a_hundred), T(a_shadow_takes_the_place_of_its_set),
      T(the_shadow_is_counted_for_its_pair_of_books), T(only_a_policy_is_set_aside), T(what_is_set_aside_is_logged))
