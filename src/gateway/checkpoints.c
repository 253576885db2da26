/* SPDX-License-Identifier: Apache-2.0
 * checkpoints.c - the thread that seals what was appended to the ledger's log.
 *
 * The bell rings after every batch the writer has put on the disk; the thread then asks how long the log is. Sealing takes
 * these steps, and each may be the last one before the power goes: new leaves are read and their tiles written beside their
 * places; the head row (size and root) is written through the writer, and when that is on the disk so are all leaves before it;
 * tiles go to their places; the checkpoint is signed and put into its place; from then on decisions rely on it, and the row gets the
 * signed text. So nothing is signed that could be gone after a crash, and no tile says what the database may forget.
 *
 * A lone opt-in is sealed some milliseconds after it is durable. Under load checkpoints are made so often as keeps the
 * thread busy a fifth of its time, four a second at least. A step that fails is told and tried again: until it succeeds nothing
 * new is sealed, and the rules hold the marketing that would rely on it. */
#include "gateway/checkpoints_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/chore.h"

#define RANK        2     /* of its jobs: with those of our own API */
#define PAGE        4096  /* leaves read at once */
#define STEP        65536 /* leaves sealed at once */
#define GATHER_US   INT64_C(4000)
#define GAP_US      INT64_C(20000)
#define GAP_MAX_US  INT64_C(250000)
#define AGAIN_US    INT64_C(500000)
#define TELL_US     INT64_C(60000000)
#define THIN_US     INT64_C(60000000)
#define KEEP_ALL_MS INT64_C(600000) /* younger checkpoints all stay */
#define MEMORY      (4u << 20)

static int64_t mono_us(void)
{
    return clock_mono_ns() / 1000;
}

/* --- a checkpoint ---------------------------------------------------------------------------------------------------- */

static int begin_tile(void *ctx, const struct tlog_tile *tile, const struct tlog_hash *hash, const uint8_t *bundle,
                      struct err *e)
{
    struct checkpoints *c = ctx;
    size_t width = (size_t)tile->width;
    if (c->n_files + 2 > LEDGER_FILES_MAX)
        return err_set(e, WL_EBUG, "a checkpoint has more tiles than it may");
    struct ledger_file *f = &c->files[c->n_files++];
    *f = (struct ledger_file){*tile, false};
    int rc = ledger_dir_begin(&c->dir, f, hash, width * sizeof *hash, e);
    if (rc != 0 || bundle == NULL)
        return rc;
    f = &c->files[c->n_files++];
    *f = (struct ledger_file){*tile, true};
    return ledger_dir_begin(&c->dir, f, bundle, width * LEDGER_BUNDLE_ENTRY, e);
}

/* Reads leaves up to `size` into c->next, with their tiles beside their places. */
static int grow(struct checkpoints *c, int64_t size, struct err *e)
{
    int64_t news = size - c->next.tree.size;
    struct log_entry *page = arena_new_array(c->arena, struct log_entry, news < PAGE ? (size_t)news + 1 : PAGE);
    int rc = page != NULL ? 0 : err_set(e, WL_ENOMEM, "leaves do not fit their memory");
    while (rc == 0 && c->next.tree.size < size) {
        int64_t left = size - c->next.tree.size;
        size_t n = 0;
        rc = log_read(c->reader, c->next.tree.size, left < PAGE ? (size_t)left : PAGE, page, &n, e);
        if (rc == 0 && n == 0)
            rc = err_set(e, WL_ECORRUPT, "leaf %lld of the ledger is gone", (long long)c->next.tree.size);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = ledger_tiles_add(&c->next, page[i].bytes, begin_tile, c, e);
    }
    return rc == 0 ? ledger_tiles_edge(&c->next, begin_tile, c, e) : rc;
}

static int write_head(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a;
    struct checkpoints *c = ctx;
    c->head.at = now;
    return log_head_put(s, &c->head, e);
}

static int sign_head(struct checkpoints *c, struct buf *out, struct err *e)
{
    struct checkpoint told = {.origin = str_of(c->origin), .size = c->head.size};
    memcpy(told.root.b, c->head.root, sizeof told.root.b);
    struct buf text;
    buf_init(&text, NOTE_MAX);
    checkpoint_text(&told, &text);
    int rc = note_sign(buf_str(&text), &c->key, c->g->ledger_key, out, e);
    if (rc == 0 && (text.failed || out->failed))
        rc = err_set(e, WL_ENOMEM, "a checkpoint does not fit its memory");
    buf_done(&text);
    return rc;
}

/* The note into its place, and from then on it counts. */
static int put_note(struct checkpoints *c, struct buf *note, int64_t size, struct err *e)
{
    pthread_mutex_lock(&c->publishing);
    int rc = ledger_dir_put_checkpoint(&c->dir, buf_str(note), e);
    if (rc == 0) {
        pthread_mutex_lock(&c->lock);
        struct buf old = c->note;
        c->note = *note;
        *note = old;
        pthread_mutex_unlock(&c->lock);
        atomic_store_explicit(&c->sealed_at, clock_now_ms(), memory_order_relaxed);
        atomic_store_explicit(&c->sealed, size, memory_order_release);
    }
    pthread_mutex_unlock(&c->publishing);
    return rc;
}

/* A row without its note is no harm: the same one can be signed again. */
static void note_to_row(struct checkpoints *c)
{
    struct err e = {0};
    struct arena *a = c->arena;
    if (checkpoints_note(c, a, &c->head.note, &e) != 0 || writer_call(c->g->writer, RANK, write_head, c, &e) != 0)
        log_warn("ledger", "the checkpoint of %lld leaves is published, its row has no signature yet: %s",
                 (long long)c->head.size, e.text);
    c->head.note = (struct str){NULL, 0};
}

/* From the leaves that are there up to `size` to the checkpoint in its place. */
static int seal_to(struct checkpoints *c, int64_t size, struct err *e)
{
    struct tlog_hash root;
    struct buf note;
    c->next = c->tiles;
    c->n_files = 0;
    int rc = grow(c, size, e);
    if (rc != 0)
        return rc;
    tlog_root(&c->next.tree, &root);
    c->head = (struct log_head){.generation = c->generation, .size = size};
    memcpy(c->head.root, root.b, sizeof c->head.root);
    failpoint(ledger_read);
    rc = writer_call(c->g->writer, RANK, write_head, c, e);
    failpoint(ledger_head);
    if (rc == 0)
        rc = ledger_dir_finish(&c->dir, c->files, c->n_files, e);
    failpoint(ledger_tiles);
    buf_init(&note, NOTE_MAX);
    if (rc == 0)
        rc = sign_head(c, &note, e);
    if (rc == 0)
        rc = put_note(c, &note, size, e);
    buf_done(&note);
    if (rc == 0)
        c->tiles = c->next;
    return rc;
}

int checkpoints_publish(struct checkpoints *c, bool *ret_more, struct err *e)
{
    int64_t size = 0, have = c->tiles.tree.size;
    *ret_more = false;
    arena_reset(c->arena);
    int rc = log_size(c->reader, &size, e);
    if (rc != 0)
        return rc;
    if (size < have)
        return err_set(e, WL_ECORRUPT, "the ledger has %lld leaves, and %lld were sealed", (long long)size,
                       (long long)have);
    if (size == have && (size == 0 || checkpoints_sealed(c) == size))
        return 0;
    *ret_more = size - have > STEP;
    rc = seal_to(c, *ret_more ? have + STEP : size, e);
    failpoint(ledger_sealed);
    if (rc == 0)
        note_to_row(c);
    return rc;
}

/* --- the thread ------------------------------------------------------------------------------------------------------ */

static int thin(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)ctx;
    (void)a;
    return log_heads_thin(s, now - KEEP_ALL_MS, e);
}

static void thin_sometimes(struct checkpoints *c, int64_t now_us)
{
    struct err e = {0};
    if (now_us - c->thinned_us < THIN_US)
        return;
    c->thinned_us = now_us;
    if (writer_call(c->g->writer, CHORE_RANK, thin, NULL, &e) != 0)
        log_warn("ledger", "old checkpoints stay for now: %s", e.text);
}

static void tell(struct checkpoints *c, int rc, const struct err *e, int64_t now_us)
{
    if (rc == 0 && c->in_trouble)
        log_info("ledger", "sealing goes on, up to leaf %lld", (long long)checkpoints_sealed(c));
    else if (rc != 0 && (!c->in_trouble || now_us - c->told_us >= TELL_US)) {
        log_error("ledger", "nothing new is sealed, marketing that relies on it waits: %s", e->text);
        c->told_us = now_us;
    }
    c->in_trouble = rc != 0;
}

/* Seals what there is, in as many steps as it takes; until when to rest. */
static int64_t seal(struct checkpoints *c, int64_t rung_us)
{
    struct err e = {0};
    int64_t begun_us = mono_us(), before = checkpoints_sealed(c);
    bool more = true;
    int rc = 0;
    while (rc == 0 && more)
        rc = checkpoints_publish(c, &more, &e);
    int64_t now_us = mono_us();
    tell(c, rc, &e, now_us);
    if (rc != 0)
        return now_us + AGAIN_US;
    if (checkpoints_sealed(c) == before)
        return now_us + GAP_US;
    lag_note(&c->lag, (now_us - rung_us) / 1000);
    thin_sometimes(c, now_us);
    int64_t gap_us = 4 * (now_us - begun_us);
    return now_us + (gap_us < GAP_US ? GAP_US : gap_us > GAP_MAX_US ? GAP_MAX_US : gap_us);
}

/* Waits for the bell, and then for the moment; 0: it is time to stop. */
static int64_t wait_for_news(struct checkpoints *c, int64_t rested_us)
{
    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        int64_t until_us = c->rung_us + GATHER_US > rested_us ? c->rung_us + GATHER_US : rested_us;
        if (c->rung_us == 0) {
            pthread_cond_wait(&c->wake, &c->lock);
            continue;
        }
        if (mono_us() >= until_us)
            break;
        struct timespec t = {.tv_sec = (time_t)(until_us / 1000000), .tv_nsec = (long)(until_us % 1000000) * 1000};
        pthread_cond_timedwait(&c->wake, &c->lock, &t);
    }
    int64_t rung_us = c->stop ? 0 : c->rung_us;
    if (!c->in_trouble)
        c->rung_us = 0;
    atomic_store_explicit(&c->rung, false, memory_order_relaxed);
    pthread_mutex_unlock(&c->lock);
    return rung_us;
}

static void ring(struct checkpoints *c, bool stop)
{
    pthread_mutex_lock(&c->lock);
    if (c->rung_us == 0)
        c->rung_us = mono_us();
    c->stop = c->stop || stop;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

void checkpoints_bell(struct checkpoints *c)
{
    if (c != NULL && !atomic_exchange_explicit(&c->rung, true, memory_order_relaxed))
        ring(c, false);
}

static void *thread_run(void *arg)
{
    struct checkpoints *c = arg;
    int64_t rested_us = 0;
    for (int64_t rung_us; (rung_us = wait_for_news(c, rested_us)) != 0;) {
        rested_us = seal(c, rung_us);
        if (c->in_trouble)
            ring(c, false); /* it is tried again, whatever comes */
    }
    seal(c, mono_us());
    return NULL;
}

/* --- what others ask ------------------------------------------------------------------------------------------------- */

int64_t checkpoints_sealed(const struct checkpoints *c)
{
    return c != NULL ? atomic_load_explicit(&c->sealed, memory_order_acquire) : 0;
}

int64_t checkpoints_sealed_at(const struct checkpoints *c)
{
    return c != NULL ? atomic_load_explicit(&c->sealed_at, memory_order_relaxed) : 0;
}

int checkpoints_note(struct checkpoints *c, struct arena *a, struct str *ret, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    size_t n = c->note.len;
    char *copy = n > 0 ? arena_strndup(a, c->note.data, n) : NULL;
    pthread_mutex_unlock(&c->lock);
    if (n == 0)
        return err_set(e, WL_ENOTFOUND, "the ledger has no checkpoint yet: nothing was recorded in it");
    if (copy == NULL)
        return err_set(e, WL_ENOMEM, "the checkpoint does not fit the answer's memory");
    *ret = (struct str){copy, n};
    return 0;
}

const struct note_key *checkpoints_key(const struct checkpoints *c)
{
    return &c->key;
}

const char *checkpoints_dir(const struct checkpoints *c)
{
    return c->dir.path;
}

void checkpoints_lag(struct checkpoints *c, struct buf *out, const char *name, const char *help)
{
    lag_write(&c->lag, out, name, help);
}

int checkpoints_prove(struct checkpoints *c, int64_t index, int64_t size, struct tlog_hash ret[TLOG_PROOF_MAX],
                      size_t *ret_n, struct err *e)
{
    if (size > checkpoints_sealed(c))
        return err_set(e, WL_ENOTFOUND, "the ledger is not sealed up to %lld leaves yet", (long long)size);
    return tlog_prove_inclusion(index, size, ledger_dir_tile, &c->dir, ret, ret_n, e);
}

int checkpoints_prove_consistency(struct checkpoints *c, int64_t old, int64_t size,
                                  struct tlog_hash ret[TLOG_PROOF_MAX], size_t *ret_n, struct err *e)
{
    if (size > checkpoints_sealed(c))
        return err_set(e, WL_ENOTFOUND, "the ledger is not sealed up to %lld leaves yet", (long long)size);
    return tlog_prove_consistency(old, size, ledger_dir_tile, &c->dir, ret, ret_n, e);
}

/* --- cosignatures ---------------------------------------------------------------------------------------------------- */

/* What a note with our signature speaks of. */
static int read_note(const struct checkpoints *c, struct str note, struct checkpoint *ret, struct err *e)
{
    struct note_seen seen;
    struct str text;
    size_t n;
    int rc = note_verify(note, &c->key, 1, &text, &seen, &n, e);
    if (rc == 0)
        rc = checkpoint_parse(text, ret, e);
    if (rc == 0 && !str_eq(ret->origin, str_of(c->origin)))
        rc = err_set(e, WL_EINVAL, "the checkpoint is of another log");
    return rc;
}

static int write_cosigned(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a;
    struct log_head *h = ctx;
    h->at = now;
    return log_head_put(s, h, e);
}

/* Under `publishing`: the published note with the new lines, if it is the one they are for. */
static int merge_published(struct checkpoints *c, struct str note, const struct checkpoint *of, struct arena *a,
                           struct log_head *h, struct err *e)
{
    struct checkpoint last;
    struct str published = {NULL, 0};
    struct buf merged;
    int rc = checkpoints_note(c, a, &published, e);
    if (rc == 0)
        rc = read_note(c, published, &last, e);
    if (rc != 0 || last.size != of->size)
        return rc;
    buf_init(&merged, NOTE_MAX);
    rc = note_merge(published, note, &merged, e);
    if (rc == 0)
        rc = ledger_dir_put_checkpoint(&c->dir, buf_str(&merged), e);
    char *copy = rc == 0 ? arena_strndup(a, merged.data, merged.len) : NULL;
    if (copy != NULL) {
        h->note = (struct str){copy, merged.len};
        pthread_mutex_lock(&c->lock);
        struct buf old = c->note;
        c->note = merged;
        merged = old;
        pthread_mutex_unlock(&c->lock);
    }
    buf_done(&merged);
    return rc;
}

int checkpoints_cosigned(struct checkpoints *c, struct str note, struct err *e)
{
    struct checkpoint of;
    int rc = read_note(c, note, &of, e);
    if (rc != 0)
        return rc;
    struct arena *a = arena_create(MEMORY);
    if (a == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    struct log_head h = {.generation = c->generation, .size = of.size, .note = note};
    memcpy(h.root, of.root.b, sizeof h.root);
    pthread_mutex_lock(&c->publishing);
    rc = merge_published(c, note, &of, a, &h, e);
    pthread_mutex_unlock(&c->publishing);
    if (rc == 0)
        rc = writer_call(c->g->writer, RANK, write_cosigned, &h, e);
    arena_free(a);
    return rc;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static void ring_durable(void *ctx)
{
    checkpoints_bell(ctx);
}

static struct checkpoints *create(struct gateway *g)
{
    struct checkpoints *c = calloc(1, sizeof *c);
    pthread_condattr_t monotonic;
    if (c == NULL || (c->arena = arena_create(MEMORY)) == NULL)
        abort();
    c->g = g;
    c->dir.fd = -1;
    buf_init(&c->note, NOTE_MAX);
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->publishing, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return c;
}

int checkpoints_start(struct checkpoints **ret, struct gateway *g, struct err *e)
{
    struct checkpoints *c = create(g);
    int rc = store_open(&c->reader, g->o.store_url, &(struct store_options){.read_only = true}, e);
    if (rc == 0)
        rc = checkpoints_open(c, e);
    if (rc == 0 && thread_start(&c->thread, "ledger", thread_run, c) != 0)
        rc = err_set(e, WL_EIO, "cannot start the ledger's thread");
    if (rc != 0) {
        checkpoints_free(c);
        return rc;
    }
    c->runs = true;
    writer_on_durable(g->writer, ring_durable, c);
    checkpoints_bell(c);
    *ret = c;
    return 0;
}

void checkpoints_stop(struct checkpoints *c)
{
    if (c == NULL || !c->runs)
        return;
    writer_on_durable(c->g->writer, NULL, NULL);
    ring(c, true);
    pthread_join(c->thread, NULL);
    c->runs = false;
    store_free(c->reader); /* before the writer's, which then tidies up the log as the last one */
    c->reader = NULL;
}

void checkpoints_free(struct checkpoints *c)
{
    if (c == NULL)
        return;
    checkpoints_stop(c);
    store_free(c->reader);
    ledger_dir_done(&c->dir);
    buf_done(&c->note);
    arena_free(c->arena);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->publishing);
    free(c);
}
