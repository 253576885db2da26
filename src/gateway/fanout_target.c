/* SPDX-License-Identifier: Apache-2.0
 * fanout_target.c - subscribers as the store has them, and what a change means for what is under way.
 *
 * Whatever is on its way ends as it was begun. Address, secret, number of places and pause count from the next POST on. Another
 * filter or form has what is in the windows read again, once nothing is on its way. A row that cannot be used
 * (a secret sealed with another key, a filter of another program) keeps its place and says why; nobody else notices. */
#include "gateway/fanout_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/seal.h"

#define FILTER_ROOM (1u << 20)
#define THINGS_ROOM (256u << 10)

static char *copy(struct str s)
{
    char *text = strndup(s.n > 0 ? s.p : "", s.n);
    if (text == NULL)
        abort();
    return text;
}

static void forget_secret(struct target *t)
{
    if (t->secret.p != NULL)
        explicit_bzero((char *)(uintptr_t)t->secret.p, t->secret.n);
    t->secret = (struct str){NULL, 0};
}

void target_free(struct target *t)
{
    for (int k = 0; k < STREAMS; k++)
        stream_close(&t->stream[k]);
    forget_secret(t);
    buf_done(&t->pending);
    arena_free(t->arena);
    free(t->losses);
    free(t->url);
    free(t->filter_text);
    free(t);
}

static int read_secret(const struct gateway *g, struct target *t, struct str sealed, struct err *e)
{
    struct str secret;
    if (sealed.n == 0)
        return 0;
    int rc = unseal(g->seal_key, sealed, t->arena, &secret, e);
    if (rc == 0)
        t->secret = secret;
    t->view.secret_lost = rc != 0;
    return rc == 0
               ? 0
               : err_set(e, rc, "its secret cannot be read: wayleave webhooks subscribers set %s --secret-file FILE",
                         t->name);
}

static int read_filter(struct target *t, struct err *e)
{
    struct json v;
    t->filter = NULL;
    if (t->filter_text[0] == '\0')
        return 0;
    int rc = json_parse(thread_json(), str_of(t->filter_text), false, &v, e);
    if (rc == 0)
        rc = webhook_filter_read(v, t->arena, &t->filter, e);
    return rc != 0 ? err_prefix(e, "its filter cannot be read") : 0;
}

/* Signed with somebody else's secret it would be refused, and nobody would know why. */
static void look_at_app(const struct gateway *g, struct target *t)
{
    bool known;
    (void)fanout_app_secret(&g->o, t->app, &known);
    t->view.app_unknown = !known && t->secret.n == 0 && !(t->by_configuration && g->o.forward_secret != NULL);
    if (t->view.app_unknown)
        log_warn("fanout",
                 "subscriber '%s' belongs to app %lld, which is not configured: what it gets is signed with the secret "
                 "of the first app",
                 t->name, (long long)t->app);
}

/* What the row says, but for the ways it is on. */
static void read_row(const struct gateway *g, struct target *t, const struct subscriber *row)
{
    struct err e = {0};
    forget_secret(t);
    arena_reset(t->arena);
    free(t->url);
    free(t->filter_text);
    t->ver = row->ver;
    memcpy(t->name, row->name, sizeof t->name);
    memcpy(t->view.name, row->name, sizeof t->view.name);
    t->url = copy(row->url);
    t->filter_text = copy(row->filter);
    t->form = row->form;
    t->app = row->app;
    t->parallel = row->parallel < 1 ? 1 : (unsigned)row->parallel;
    t->by_configuration = row->origin == SUBSCRIBER_BY_CONFIGURATION;
    t->paused = t->view.paused = row->paused;
    t->view.secret_lost = false;
    t->broken = t->view.broken = read_secret(g, t, row->secret, &e) != 0 || read_filter(t, &e) != 0;
    look_at_app(g, t);
    if (t->broken) {
        snprintf(t->view.last_error, sizeof t->view.last_error, "%.199s", e.text);
        log_error("fanout", "nothing is handed to subscriber '%s': %s", t->name, e.text);
    }
}

static void begin_again(struct target *t, const struct subscriber *row)
{
    struct stream *st = &t->stream[STREAM_AGAIN];
    t->again_saved = row->again_next;
    t->again_until = st->until = row->again_until;
    stream_begin(st, row->again_next);
}

/* What was taken up in another life. */
static void take_up(struct target *t, const struct subscriber *row)
{
    struct subscriber_pending p;
    struct err e = {0};
    struct arena *a = arena_create(THINGS_ROOM);
    if (a == NULL)
        abort();
    if (subscriber_pending_read(row->pending, a, &p, &e) == 0)
        stream_take_up(&t->stream[STREAM_LIVE], &p);
    else
        log_error("fanout", "what subscriber '%s' had not taken yet is not known any more: %s", t->name, e.text);
    arena_free(a);
    buf_init(&t->pending, row->pending.n + 1);
    buf_put(&t->pending, row->pending.p, row->pending.n);
}

static struct target *target_new(const struct gateway *g, const struct subscriber *row)
{
    struct target *t = calloc(1, sizeof *t);
    if (t == NULL || (t->arena = arena_create(FILTER_ROOM)) == NULL)
        abort();
    t->id = t->view.id = row->id;
    read_row(g, t, row);
    t->saved = row->position;
    for (int k = 0; k < STREAMS; k++)
        stream_open(&t->stream[k], t, (enum stream_kind)k, k == STREAM_LIVE ? row->position : 0);
    take_up(t, row);
    begin_again(t, row);
    return t;
}

static void target_change(const struct gateway *g, struct target *t, const struct subscriber *row)
{
    bool other = row->form != t->form || !str_eq(row->filter, str_of(t->filter_text));
    if (row->ver != t->ver) {
        read_row(g, t, row);
        for (int k = 0; k < STREAMS; k++)
            stream_set(&t->stream[k]);
    }
    for (int k = 0; other && k < STREAMS; k++)
        if (k != STREAM_DEAD)
            stream_reread(&t->stream[k]);
    if (row->again_next != t->again_saved || row->again_until != t->again_until)
        begin_again(t, row);
}

static struct target *find(struct fanout *f, int64_t id)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->target[i]->id == id && !f->target[i]->gone)
            return f->target[i];
    return NULL;
}

static void take(struct fanout *f, const struct subscriber *row)
{
    struct target *t = find(f, row->id);
    if (t != NULL) {
        target_change(f->g, t, row);
    } else if (f->n < sizeof f->target / sizeof f->target[0]) {
        t = f->target[f->n++] = target_new(f->g, row);
    } else {
        f->retry_ms = fanout_mono_ms() + 1000; /* those that were dropped have calls open still */
        f->reload = true;
        return;
    }
    t->seen = t->touched = true;
    t->stream[STREAM_DEAD].more = true;
}

void targets_reload(struct fanout *f)
{
    struct subscriber *rows;
    size_t n = 0;
    struct err e = {0};
    arena_reset(f->rows);
    f->reload = false;
    if (subscribers_list(f->reader, f->rows, &rows, &n, &e) != 0) {
        log_error("fanout", "the subscribers cannot be read: %s", e.text);
        f->reload = true;
        f->retry_ms = fanout_mono_ms() + 1000;
        return;
    }
    for (size_t i = 0; i < f->n; i++)
        f->target[i]->seen = false;
    for (size_t i = 0; i < n; i++)
        take(f, &rows[i]);
    for (size_t i = 0; i < f->n; i++)
        f->target[i]->gone |= !f->target[i]->seen;
}
