/* SPDX-License-Identifier: Apache-2.0
 * witness.c - the chore that takes each new checkpoint to witnesses and, once a day, to a time-stamping authority.
 *
 * A witness gets the size it confirmed last, the proof that our log continues from there, and the checkpoint; its signature is
 * verified with the key in the configuration before it is kept. One that remembers another size says so (409) and is asked again
 * from there. What fails is tried again after a while, longer each time; the log says it once, and once when it is over. */
#include "gateway/witness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "gateway/checkpoints.h"
#include "gateway/chore.h"
#include "gateway/gateway_impl.h"
#include "gateway/ledger_dir.h"
#include "gateway/text_file.h"

#define FILE_MAX      65536
#define MEMORY        (1u << 20)
#define REST_MS       1000
#define EVERY_MS      5000 /* a log that grows all the time is taken there so often */
#define PATIENCE_MS   20000
#define AGAIN_MS      10000 /* after the first failure; doubled each time, */
#define AGAIN_MOST_MS (3600 * 1000)
#define DAY_MS        (24 * 3600 * 1000)
#define ANSWER_MAX    65536
#define URL_MAX       1024
#define TRIES         3 /* of one visit: it may say from where to go on */

struct witness {
    char url[URL_MAX]; /* of the authority: NULL key */
    char *line;        /* what key points into */
    struct note_key key;
    bool authority;
    int64_t size;              /* it confirmed; 0: not known */
    int64_t confirmed_at;      /* ms */
    int64_t next_ns, again_ms; /* again_ms 0: it did not fail lately */
};

struct witnesses {
    struct gateway *g;
    struct chore *chore;
    pthread_mutex_t lock; /* of size, confirmed_at and calling */
    pthread_cond_t told;
    bool calling;
    struct witness witness[WITNESSES_MAX + 1];
    size_t n;
};

/* A checkpoint on its way to somebody. */
struct visit {
    struct witnesses *all;
    struct witness *w;
    struct arena *a;
    struct str note, text; /* text: what is signed */
    struct checkpoint checkpoint;
};

/* --- the file of witnesses ------------------------------------------------------------------------------------------ */

/* "KEY URL" */
static int read_line(struct witnesses *all, struct str line, int number, const char *path, struct err *e)
{
    struct str rest, key = str_cut(line, ' ', &rest), url = str_trim(rest);
    if (all->n == WITNESSES_MAX)
        return err_set(e, WL_EINVAL, "%s:%d: more than %d witnesses", path, number, WITNESSES_MAX);
    struct witness *w = &all->witness[all->n];
    struct err why = {0};
    if (url.n == 0 || url.n >= URL_MAX || http_url_check(url, HTTP_NOT_LINK_LOCAL, &why) != 0)
        return err_set(e, WL_EINVAL, "%s:%d: a line is a verifier key and an address: %s", path, number,
                       why.text[0] ? why.text : "the address is missing");
    w->line = strndup(key.p, key.n);
    if (w->line == NULL)
        abort();
    int rc = note_key_parse(str_of(w->line), &w->key, &why);
    if (rc == 0 && w->key.kind != NOTE_COSIGNATURE)
        rc = err_set(&why, WL_EINVAL, "the key is no witness's");
    if (rc != 0) {
        free(w->line);
        return err_set(e, WL_EINVAL, "%s:%d: %s", path, number, why.text);
    }
    snprintf(w->url, sizeof w->url, "%.*s%sadd-checkpoint", (int)(url.n < URL_MAX - 16 ? url.n : URL_MAX - 16), url.p,
             str_ends(url, STR("/")) ? "" : "/");
    all->n++;
    return 0;
}

static int read_witnesses(struct witnesses *all, const char *path, struct err *e)
{
    struct buf text;
    int number = 1;
    buf_init(&text, FILE_MAX);
    int rc = text_file_read(path, &text, e);
    for (struct str rest = buf_str(&text); rc == 0 && rest.n > 0; number++) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        if (line.n > 0 && line.p[0] != '#')
            rc = read_line(all, line, number, path, e);
    }
    buf_done(&text);
    return rc;
}

/* --- one call ------------------------------------------------------------------------------------------------------- */

static void answered(struct http_call *call)
{
    struct witnesses *all = call->user;
    pthread_mutex_lock(&all->lock);
    all->calling = false;
    pthread_cond_signal(&all->told);
    pthread_mutex_unlock(&all->lock);
}

/* By the gateway's own client, which gives up what is open when it ends: nobody outside can keep us from stopping. */
static int post(struct visit *v, const char *type, struct str body, struct http_call *ret, struct err *e)
{
    struct witnesses *all = v->all;
    const struct http_header h[] = {{STR("Content-Type"), str_of(type)}};
    *ret = (struct http_call){.method = STR("POST"),
                              .url = str_of(v->w->url),
                              .headers = h,
                              .n_headers = 1,
                              .body = body,
                              .body_length = (int64_t)body.n,
                              .reach = HTTP_NOT_LINK_LOCAL,
                              .timeout_ms = PATIENCE_MS,
                              .max_answer = ANSWER_MAX,
                              .done = answered,
                              .user = all};
    all->calling = true;
    if (http_client_submit(all->g->client, ret) != 0)
        return err_set(e, WL_EBUSY, "too many calls are open");
    pthread_mutex_lock(&all->lock);
    while (all->calling)
        pthread_cond_wait(&all->told, &all->lock);
    pthread_mutex_unlock(&all->lock);
    if (ret->fate == HTTP_ANSWERED)
        return 0;
    int rc = err_set(e, WL_EIO, "%s", ret->err.text);
    http_call_done(ret);
    return rc;
}

/* --- a witness ------------------------------------------------------------------------------------------------------ */

static int write_request(struct visit *v, int64_t old, struct buf *out, struct err *e)
{
    struct tlog_hash *proof = arena_new_array(v->a, struct tlog_hash, TLOG_PROOF_MAX);
    size_t n = 0;
    if (proof == NULL)
        return err_set(e, WL_ENOMEM, "no memory for a proof");
    int rc = checkpoints_prove_consistency(v->all->g->checkpoints, old, v->checkpoint.size, proof, &n, e);
    if (rc != 0)
        return rc;
    buf_printf(out, "old %lld\n", (long long)old);
    for (size_t i = 0; i < n; i++) {
        base64_encode(out, proof[i].b, sizeof proof[i].b);
        buf_puts(out, "\n");
    }
    buf_puts(out, "\n");
    buf_putstr(out, v->note);
    return out->failed ? err_set(e, WL_ENOMEM, "no memory for a checkpoint") : 0;
}

/* The lines are put under the text they have to be signatures of. */
static int keep_cosignature(struct visit *v, struct str lines, struct err *e)
{
    struct buf note, merged;
    struct str text;
    struct note_seen seen;
    size_t n = 0;
    buf_init(&note, NOTE_MAX);
    buf_init(&merged, NOTE_MAX);
    buf_putstr(&note, v->text);
    buf_puts(&note, "\n");
    buf_putstr(&note, lines);
    int rc = note_verify(buf_str(&note), &v->w->key, 1, &text, &seen, &n, e);
    if (rc == 0)
        rc = note_merge(v->note, buf_str(&note), &merged, e);
    if (rc == 0)
        rc = checkpoints_cosigned(v->all->g->checkpoints, buf_str(&merged), e);
    buf_done(&note);
    buf_done(&merged);
    return rc;
}

/* *ret_old: from where it wants to be asked; untouched: it is content. */
static int ask_once(struct visit *v, int64_t old, int64_t *ret_old, struct err *e)
{
    struct http_call call;
    struct buf body;
    int64_t size;
    buf_init(&body, NOTE_MAX + 16384);
    int rc = write_request(v, old, &body, e);
    if (rc == 0)
        rc = post(v, "text/plain", buf_str(&body), &call, e);
    buf_done(&body);
    if (rc != 0)
        return rc;
    if (call.status == 409 && str_i64(str_trim(buf_str(&call.answer)), &size) && size >= 0 &&
        size <= v->checkpoint.size)
        *ret_old = size;
    else if (call.status != 200)
        rc = err_set(e, WL_EDENIED, "it answered %d", call.status);
    else
        rc = keep_cosignature(v, buf_str(&call.answer), e);
    http_call_done(&call);
    return rc;
}

static int ask_witness(struct visit *v, struct err *e)
{
    int64_t old = v->w->size;
    for (int i = 0; i < TRIES; i++) {
        int64_t from = -1;
        int rc = ask_once(v, old, &from, e);
        if (rc != 0 || from < 0)
            return rc;
        old = from;
    }
    return err_set(e, WL_EDENIED, "it does not know what it confirmed");
}

/* --- the authority -------------------------------------------------------------------------------------------------- */

/* The checkpoint and the answer lie beside each other, under the checkpoint's size. */
static int keep_timestamp(struct visit *v, struct str reply, struct err *e)
{
    struct ledger_dir d;
    char name[TLOG_PATH_MAX];
    int rc = ledger_dir_open(&d, checkpoints_dir(v->all->g->checkpoints), false, e);
    if (rc != 0)
        return rc;
    snprintf(name, sizeof name, "timestamps/%lld.checkpoint", (long long)v->checkpoint.size);
    rc = ledger_dir_put(&d, name, v->note, e);
    snprintf(name, sizeof name, "timestamps/%lld.tsr", (long long)v->checkpoint.size);
    if (rc == 0)
        rc = ledger_dir_put(&d, name, reply, e);
    ledger_dir_done(&d);
    return rc;
}

static int ask_authority(struct visit *v, struct err *e)
{
    uint8_t digest[SHA256_BYTES];
    struct http_call call;
    struct buf query;
    int64_t at, nonce;
    random_bytes(&nonce, sizeof nonce);
    sha256(v->note.p, v->note.n, digest);
    buf_init(&query, 4096);
    int rc = timestamp_query(digest, nonce & INT64_MAX, &query, e);
    if (rc == 0)
        rc = post(v, "application/timestamp-query", buf_str(&query), &call, e);
    if (rc == 0) {
        rc = call.status != 200
                 ? err_set(e, WL_EDENIED, "it answered %d", call.status)
                 : timestamp_check(buf_str(&call.answer), buf_str(&query), v->all->g->o.ledger_timestamp_ca, &at, e);
        if (rc == 0)
            rc = keep_timestamp(v, buf_str(&call.answer), e);
        http_call_done(&call);
    }
    buf_done(&query);
    return rc;
}

/* --- the chore ------------------------------------------------------------------------------------------------------ */

static const char *name_of(const struct witness *w)
{
    return w->authority ? "the time-stamping authority" : w->line;
}

static void went_well(struct visit *v)
{
    struct witness *w = v->w;
    if (w->again_ms != 0)
        log_info("witness", "%s confirms checkpoints again", name_of(w));
    pthread_mutex_lock(&v->all->lock);
    w->size = v->checkpoint.size;
    w->confirmed_at = clock_now_ms();
    pthread_mutex_unlock(&v->all->lock);
    w->again_ms = 0;
    w->next_ns = clock_mono_ns() + (w->authority ? INT64_C(1000000) * DAY_MS : INT64_C(1000000) * EVERY_MS);
}

static void failed(struct visit *v, const struct err *why)
{
    struct witness *w = v->w;
    if (w->again_ms == 0)
        log_warn("witness", "%s did not confirm a checkpoint: %s", name_of(w), why->text);
    w->again_ms = w->again_ms == 0 ? AGAIN_MS : 2 * w->again_ms;
    w->again_ms = w->again_ms < AGAIN_MOST_MS ? w->again_ms : AGAIN_MOST_MS;
    w->next_ns = clock_mono_ns() + w->again_ms * INT64_C(1000000);
}

static void visit_one(struct visit *v)
{
    struct err why = {0};
    if (v->w->size == v->checkpoint.size || clock_mono_ns() < v->w->next_ns)
        return;
    int rc = v->w->authority ? ask_authority(v, &why) : ask_witness(v, &why);
    if (rc == 0)
        went_well(v);
    else
        failed(v, &why);
}

static int go_round(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct witnesses *all = ctx;
    struct visit v = {.all = all, .a = a};
    struct note_seen seen;
    size_t n = 0;
    (void)reader, (void)ret_more;
    int rc = checkpoints_note(all->g->checkpoints, a, &v.note, e);
    if (rc == WL_ENOTFOUND)
        return 0;
    if (rc == 0)
        rc = note_verify(v.note, checkpoints_key(all->g->checkpoints), 1, &v.text, &seen, &n, e);
    if (rc == 0)
        rc = checkpoint_parse(v.text, &v.checkpoint, e);
    for (size_t i = 0; rc == 0 && v.checkpoint.size > 0 && i < all->n; i++) {
        v.w = &all->witness[i];
        visit_one(&v);
    }
    return rc;
}

size_t witnesses_look(struct witnesses *w, struct witness_view ret[WITNESSES_MAX + 1])
{
    if (w == NULL)
        return 0;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        const struct witness *one = &w->witness[i];
        ret[i] = (struct witness_view){one->authority ? one->url : one->line, one->size, one->confirmed_at};
    }
    pthread_mutex_unlock(&w->lock);
    return w->n;
}

/* --- start and stop ------------------------------------------------------------------------------------------------- */

/* What the authority stamped last, by the files that are kept: a start within a day of that does not ask again. */
static void recall_stamp(struct witness *w, const char *ledger)
{
    char path[4200];
    struct str rest;
    struct stat st;
    int64_t size, now = clock_now_ms();
    snprintf(path, sizeof path, "%s/timestamps", ledger);
    DIR *all = opendir(path);
    for (const struct dirent *f; all != NULL && (f = readdir(all)) != NULL;) {
        if (!str_ends(str_of(f->d_name), STR(".tsr")) || !str_i64(str_cut(str_of(f->d_name), '.', &rest), &size) ||
            fstatat(dirfd(all), f->d_name, &st, 0) != 0)
            continue;
        int64_t at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        if (at > w->confirmed_at && at <= now) {
            w->confirmed_at = at;
            w->size = size;
        }
    }
    if (all != NULL)
        closedir(all);
    if (w->confirmed_at != 0)
        w->next_ns = clock_mono_ns() + (w->confirmed_at + DAY_MS - now) * INT64_C(1000000);
}

static int configure(struct witnesses *w, const struct gateway_options *o, struct err *e)
{
    int rc = o->ledger_witnesses != NULL ? read_witnesses(w, o->ledger_witnesses, e) : 0;
    if (rc == 0 && o->ledger_timestamp_url != NULL) {
        struct witness *authority = &w->witness[w->n++];
        authority->authority = true;
        snprintf(authority->url, sizeof authority->url, "%s", o->ledger_timestamp_url);
        recall_stamp(authority, checkpoints_dir(w->g->checkpoints));
    }
    return rc;
}

int witnesses_start(struct witnesses **ret, struct gateway *g, struct err *e)
{
    struct witnesses *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->g = g;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->told, NULL);
    int rc = configure(w, &g->o, e);
    if (rc == 0 && w->n > 0)
        rc = chore_start(&w->chore, g->o.store_url,
                         &(struct chore_options){.name = "witness",
                                                 .failed = "checkpoints were not taken to witnesses",
                                                 .memory = MEMORY,
                                                 .rest_ms = REST_MS,
                                                 .backlog_ms = REST_MS,
                                                 .step = go_round,
                                                 .ctx = w},
                         e);
    if (rc != 0 || w->n == 0) {
        witnesses_free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

void witnesses_stop(struct witnesses *w)
{
    if (w != NULL)
        chore_stop(w->chore);
}

void witnesses_free(struct witnesses *w)
{
    if (w == NULL)
        return;
    chore_free(w->chore);
    for (size_t i = 0; i < w->n; i++)
        free(w->witness[i].line);
    pthread_cond_destroy(&w->told);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
