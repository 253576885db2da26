/* SPDX-License-Identifier: Apache-2.0
 * doctor.c - the rounds: which there are, on which threads, and their lines put together.
 *
 * Two waves, because accounts and apps are known only after the numbers were asked. When a message left and a webhook came is
 * looked up before anything is posted. */
#include "gateway/doctor_impl.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

#define THREADS   6
#define WHOLE_MS  60000
#define ARENA_MAX (32u << 20)

const char *doctor_result_name(enum doctor_result r)
{
    static const char *const names[] = {"ok", "warn", "fail", "skip"};
    return names[r];
}

/* ok < skip < warn < fail: what a line that sums others up is. */
static enum doctor_result worse(enum doctor_result a, enum doctor_result b)
{
    static const int weight[] = {[DOCTOR_OK] = 0, [DOCTOR_SKIP] = 1, [DOCTOR_WARN] = 2, [DOCTOR_FAIL] = 3};
    return weight[a] > weight[b] ? a : b;
}

static struct doctor_line *place(struct round *r)
{
    if (r->n == DOCTOR_LINES) {
        r->worst = worse(r->worst, r->over.result);
        r->more++;
        return &r->over;
    }
    if (r->n == r->room) {
        r->room = r->room == 0 ? 8 : r->room * 2;
        r->line = realloc(r->line, r->room * sizeof *r->line);
        if (r->line == NULL)
            abort();
    }
    return &r->line[r->n++];
}

struct doctor_line *doctor_say(struct round *r, const char *name, enum doctor_result result, const char *advice,
                               const char *found, ...)
{
    struct doctor_line *l = place(r);
    va_list ap;
    va_start(ap, found);
    l->name = name;
    l->id = r->id;
    l->result = result;
    vsnprintf(l->found, sizeof l->found, found, ap);
    snprintf(l->advice, sizeof l->advice, "%s", advice != NULL ? advice : "");
    va_end(ap);
    return l;
}

void doctor_advise(struct doctor_line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->advice, sizeof l->advice, fmt, ap);
    va_end(ap);
}

const char *doctor_url(struct str url, char out[DOCTOR_URL])
{
    struct str rest, shown = str_cut(url, '?', &rest);
    snprintf(out, DOCTOR_URL, "%.*s", (int)shown.n, shown.p ? shown.p : "");
    return out;
}

bool doctor_public_address(const struct doctor *d, struct buf *out)
{
    if (d->o->public_url == NULL)
        return false;
    buf_printf(out, "%s%s", d->o->public_url, d->o->webhook_path);
    return true;
}

size_t doctor_apps(const struct gateway_options *o)
{
    return 1 + o->n_webhook_apps;
}

struct webhook_app doctor_app(const struct gateway_options *o, size_t i)
{
    if (i > 0)
        return o->webhook_apps[i - 1];
    return (struct webhook_app){o->webhook_app_id, o->webhook_app_secret, o->webhook_verify_token};
}

/* --- rounds -------------------------------------------------------------------------------------------------------- */

struct wave {
    struct round *round;
    size_t n, max;
    atomic_size_t next;
};

static void add(struct wave *w, struct doctor *d, void (*run)(struct round *r), int64_t id, size_t index)
{
    if (w->n == w->max)
        abort(); /* counted by its caller */
    w->round[w->n++] = (struct round){.d = d, .id = id, .index = index, .run = run};
}

static void wave_begin(struct wave *w, size_t max)
{
    *w = (struct wave){.max = max};
    w->round = calloc(max, sizeof *w->round);
    if (w->round == NULL)
        abort();
}

static void *run_rounds(void *arg)
{
    struct wave *w = arg;
    struct json_parser *parser = json_parser_create();
    struct arena *arena = arena_create(ARENA_MAX);
    if (arena == NULL)
        abort();
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n;) {
        struct round *r = &w->round[i];
        r->parser = parser;
        r->arena = arena;
        if (clock_now_ms() < r->d->deadline)
            r->run(r);
        else
            doctor_say(r, "time", DOCTOR_SKIP, "ask again for fewer numbers, or when the others answer in time",
                       "there was no time left to look at this");
        arena_reset(arena);
    }
    arena_free(arena);
    json_parser_free(parser);
    return NULL;
}

static void wave_run(struct wave *w)
{
    pthread_t thread[THREADS];
    size_t n = 0;
    while (n < THREADS && n < w->n && thread_start(&thread[n], "doctor", run_rounds, w) == 0)
        n++;
    if (n == 0)
        run_rounds(w);
    for (size_t i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
}

/* What found no place is one line, as bad as the worst of it. */
static void add_more(struct round *r, struct doctor_line *to)
{
    *to = (struct doctor_line){.name = r->over.name, .id = r->id, .result = worse(r->worst, r->over.result)};
    snprintf(to->found, sizeof to->found, "and %zu more", r->more);
    if (to->result != DOCTOR_OK)
        snprintf(to->advice, sizeof to->advice, "mend the ones above, and look again");
}

static void collect(struct wave *w, struct doctor_report *ret)
{
    size_t more = 0;
    for (size_t i = 0; i < w->n; i++)
        more += w->round[i].n + (w->round[i].more > 0);
    struct doctor_line *all = realloc(ret->line, (ret->n + more + 1) * sizeof *all);
    if (all == NULL)
        abort();
    ret->line = all;
    for (size_t i = 0; i < w->n; i++) {
        struct round *r = &w->round[i];
        if (r->n > 0)
            memcpy(all + ret->n, r->line, r->n * sizeof *all);
        ret->n += r->n;
        if (r->more > 0)
            add_more(r, &all[ret->n++]);
        free(r->line);
    }
    free(w->round);
}

/* What was there before we do anything; then what hangs on nothing else. */
static void first_waves(struct doctor *d, struct doctor_report *ret)
{
    struct wave w;
    wave_begin(&w, 3);
    add(&w, d, doctor_state, 0, 0);
    add(&w, d, doctor_machine, 0, 0);
    add(&w, d, doctor_silence, 0, 0);
    wave_run(&w);
    collect(&w, ret);
    wave_begin(&w, 4 + d->o->n_senders);
    add(&w, d, doctor_gateway, 0, 0);
    add(&w, d, doctor_upstream, 0, 0);
    for (size_t i = 0; i < d->o->n_senders; i++)
        add(&w, d, doctor_number, d->o->senders[i].id, i);
    wave_run(&w);
    collect(&w, ret);
}

static void last_wave(struct doctor *d, struct doctor_report *ret)
{
    struct wave w;
    wave_begin(&w, 2 + d->n_accounts + doctor_apps(d->o));
    add(&w, d, doctor_door, 0, 0);
    add(&w, d, doctor_public, 0, 0);
    for (size_t i = 0; i < d->n_accounts; i++)
        add(&w, d, doctor_account, d->account[i].waba, i);
    for (size_t i = 0; i < doctor_apps(d->o); i++) {
        struct webhook_app app = doctor_app(d->o, i);
        if (app.secret != NULL)
            add(&w, d, doctor_app_round, app.id != 0 ? app.id : d->app, i);
    }
    wave_run(&w);
    collect(&w, ret);
}

void doctor_run(const struct gateway_options *o, const char *version, struct doctor_report *ret)
{
    struct doctor d = {.o = o, .version = version, .deadline = clock_now_ms() + WHOLE_MS};
    *ret = (struct doctor_report){NULL, 0};
    pthread_mutex_init(&d.lock, NULL);
    d.account = calloc(o->n_senders + 1, sizeof *d.account);
    if (d.account == NULL)
        abort();
    first_waves(&d, ret);
    last_wave(&d, ret);
    free(d.account);
    pthread_mutex_destroy(&d.lock);
}

void doctor_report_done(struct doctor_report *r)
{
    free(r->line);
    *r = (struct doctor_report){NULL, 0};
}
