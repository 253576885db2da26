/* SPDX-License-Identifier: Apache-2.0
 * apply.c - what it costs to apply webhook events: statuses of our messages, statuses of nobody's, messages of people we know.
 *
 * Each kind alone and all mixed, in transactions of some hundred events, as the projector makes them. The processor's time is
 * what counts, for one writer applies everything; beside it the time on the clock, which has the disk's in it. People and
 * messages are in no order, as they are in life. Bodies are not parsed here. Usage: apply DIRECTORY [SECONDS [STEP]]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/callback.h"
#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "store/people.h"

#define PEOPLE   50000
#define MESSAGES 100000
#define SENDER   106540352242922
#define WABA     100200300
#define STEP_MAX 4096
#define MARK_MAX 96

struct bench {
    struct store *s;
    struct gateway *g;
    struct apply *apply;
    struct arena *a;
    int64_t now, message[MESSAGES];
    char mark[MESSAGES][MARK_MAX];
    size_t step;
    uint64_t turn; /* events made so far */
};

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "apply: %d: %s\n", rc, e->text);
        exit(1);
    }
}

static struct identity name(enum identity_kind kind, const char *prefix, size_t i)
{
    struct identity id = {.kind = kind};
    snprintf(id.value, sizeof id.value, "%s%07zu", prefix, i);
    return id;
}

static struct identity phone(size_t i)
{
    return name(IDENTITY_PHONE, "1555", i);
}

static struct identity user(size_t i)
{
    return name(IDENTITY_USER_ID, "US.1349120865530", i);
}

/* No two neighbours one after the other. */
static size_t scatter(uint64_t i, size_t n)
{
    return (size_t)(i * UINT64_C(2654435761) % n);
}

static struct str kept(struct bench *b, const char *prefix, size_t i)
{
    return str_of(arena_printf(b->a, "%s%zu", prefix, i));
}

/* --- events -------------------------------------------------------------------------------------------------------- */

static struct event ours(struct bench *b, uint64_t i)
{
    static const struct {
        const char *word;
        uint32_t seen;
    } words[] = {{"sent", SEEN_SENT}, {"delivered", SEEN_DELIVERED}, {"read", SEEN_READ}};
    size_t k = scatter(i / 3, MESSAGES);
    return (struct event){.kind = EVENT_STATUS,
                          .field = STR("messages"),
                          .waba = WABA,
                          .phone_number_id = SENDER,
                          .at = b->now - 1000,
                          .phone = phone(scatter(k, PEOPLE)),
                          .user_id = user(scatter(k, PEOPLE)),
                          .wamid = kept(b, "wamid.HBgLMTU1NTAwMDAwMDAVAgARGBI", k),
                          .type = str_of(words[i % 3].word),
                          .seen = words[i % 3].seen,
                          .opaque = str_of(b->mark[k])};
}

static struct event strange(struct bench *b, uint64_t i)
{
    struct event ev = ours(b, i);
    ev.wamid = kept(b, "wamid.HBgLMTU1NTAwMDAwMDAVAgARGBJzdHJhbmdl", i / 3);
    ev.opaque = (struct str){NULL, 0};
    return ev;
}

static struct event inbound(struct bench *b, uint64_t i)
{
    size_t k = scatter(i, PEOPLE);
    return (struct event){.kind = EVENT_INBOUND,
                          .field = STR("messages"),
                          .waba = WABA,
                          .phone_number_id = SENDER,
                          .at = b->now - 100000 + (int64_t)(i / PEOPLE) * 1000,
                          .phone = phone(k),
                          .user_id = user(k),
                          .profile_name = STR("Ana"),
                          .wamid = kept(b, "wamid.IN", i),
                          .type = STR("text"),
                          .opens = true};
}

/* As 360dialog counts: three statuses a send and a reply now and then; and what another app of the account sends. */
static struct event mixed(struct bench *b, uint64_t i)
{
    return i % 10 < 6 ? ours(b, i / 10 * 6 + i % 10) : i % 10 < 8 ? inbound(b, i) : strange(b, i);
}

/* --- running ------------------------------------------------------------------------------------------------------- */

static void step(struct bench *b, struct event (*make)(struct bench *, uint64_t), double *ret_cpu)
{
    static struct event ev[STEP_MAX];
    struct apply_result r = {.events = 0};
    struct timespec from, to;
    struct err e = {0};
    arena_reset(b->a);
    for (size_t i = 0; i < b->step; i++)
        ev[i] = make(b, b->turn++);
    b->now += 10;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    must(store_begin(b->s, &e), &e);
    must(apply_events(b->apply, b->s, b->a, ev, b->step, b->now, b->now, &r, &e), &e);
    must(apply_end(b->s, &r, &e), &e);
    must(store_commit(b->s, &e), &e);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    *ret_cpu += (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void measure(struct bench *b, const char *what, struct event (*make)(struct bench *, uint64_t), int64_t seconds)
{
    double cpu = 0;
    size_t n = 0;
    int64_t until, from = clock_mono_ns();
    for (until = from + seconds * 1000000000; clock_mono_ns() < until; n += b->step)
        step(b, make, &cpu);
    double wall = (double)(clock_mono_ns() - from) / 1e9;
    printf("%-34s %9.2f us/event of processor, %8.0f a second on one core; %8.0f with the disk\n", what,
           cpu * 1e6 / (double)n, (double)n / cpu, (double)n / wall);
}

static void fill_people(struct bench *b)
{
    struct err e = {0};
    must(store_begin(b->s, &e), &e);
    for (size_t i = 0; i < PEOPLE; i++) {
        struct identity p = phone(i), u = user(i);
        const struct heard h = {&p, &u, NULL};
        struct person ret;
        must(people_hear(b->s, &h, b->now - 1000000, b->now, &ret, &e), &e);
    }
    must(store_commit(b->s, &e), &e);
}

static void fill_messages(struct bench *b)
{
    struct err e = {0};
    struct callback_key key;
    memcpy(key.bytes, b->g->mark_key, sizeof key.bytes);
    must(store_begin(b->s, &e), &e);
    for (size_t i = 0; i < MESSAGES; i++) {
        struct identity who = phone(scatter(i, PEOPLE));
        struct person p;
        struct buf mark;
        must(people_find(b->s, &who, 1, &p, &e), &e);
        struct message m = {
            .id = store_id(b->s, b->now),
            .contact = p.id,
            .sender = SENDER,
            .life = {.state = LIFE_ACCEPTED, .category = CATEGORY_UTILITY, .attempts = 1, .accepted = 1},
            .ts = b->now,
            .kind = 2,
            .type = "template"};
        snprintf(m.wamid, sizeof m.wamid, "wamid.HBgLMTU1NTAwMDAwMDAVAgARGBI%zu", i);
        must(messages_insert(b->s, &m, NULL, 1, &e), &e);
        b->message[i] = m.id;
        buf_init(&mark, CALLBACK_MAX);
        callback_write(&key, &(struct callback){.message = m.id, .attempt = 1}, (struct str){NULL, 0}, &mark);
        snprintf(b->mark[i], sizeof b->mark[i], "%s", buf_cstr(&mark));
        buf_done(&mark);
    }
    must(store_commit(b->s, &e), &e);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct err e = {0};
    char path[512];
    int64_t seconds = 3, step = 300;
    bool readable =
        argc > 1 && (argc < 3 || str_i64(str_of(argv[2]), &seconds)) && (argc < 4 || str_i64(str_of(argv[3]), &step));
    if (!readable || seconds < 1 || step < 1 || step > STEP_MAX) {
        fprintf(stderr, "usage: apply DIRECTORY [SECONDS [STEP]]\n");
        return 2;
    }
    b.step = (size_t)step;
    snprintf(path, sizeof path, "%s/apply.db", argv[1]);
    unlink(path);
    must(store_open(&b.s, path, NULL, &e), &e);
    b.g = calloc(1, sizeof *b.g);
    b.a = arena_create(64u << 20);
    if (b.g == NULL || b.a == NULL)
        return 1;
    memset(b.g->mark_key, 3, sizeof b.g->mark_key);
    b.now = clock_now_ms();
    fill_people(&b);
    fill_messages(&b);
    must(apply_create(&b.apply, b.s, &e), &e);
    apply_marks(b.apply, b.g);
    printf("%d people, %d messages, %zu events a transaction\n", PEOPLE, MESSAGES, b.step);
    measure(&b, "statuses of ours, by their mark", ours, seconds);
    measure(&b, "statuses of nobody's", strange, seconds);
    measure(&b, "messages of people we know", inbound, seconds);
    measure(&b, "mixed: 6 ours, 2 messages, 2 none's", mixed, seconds);
    apply_free(b.apply);
    store_free(b.s);
    arena_free(b.a);
    free(b.g);
    return 0;
}
