/* SPDX-License-Identifier: Apache-2.0
 * sandbox_transfer.c - one thread that moves media between sockets and files.
 *
 * A transfer is queued whenever its pipe has something to read or room to write, and does what it can without
 * waiting. An upload owns its request until it answers; the answer may also come from the server's refusal (body
 * too large), so the two settle by a flag who speaks. It holds a few kilobytes per transfer whatever the file. */
#include "sandbox/sandbox_media.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/thread.h"

#define PIPE_BYTES  (256u << 10)
#define CHUNK       (64u << 10)
#define SKELETON    (1u << 20) /* a multipart body without its long values */
#define LONG_VALUE  4096
#define MULTI_PARTS 100

static void wake(void *transfer)
{
    struct sbx_transfer *t = transfer;
    struct sandbox *sb = t->sb;
    pthread_mutex_lock(&sb->transfer_lock);
    if (t->running) {
        t->again = true;
    } else if (!t->queued) {
        t->queued = true;
        t->next = NULL;
        *sb->transfers_tail = t;
        sb->transfers_tail = &t->next;
        pthread_cond_signal(&sb->transfer_wake);
    }
    pthread_mutex_unlock(&sb->transfer_lock);
}

/* --- in ----------------------------------------------------------------------------------------------- */

static int temporary_file(void)
{
    const char *dir = getenv("TMPDIR");
    int fd = open(dir != NULL && dir[0] == '/' ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[] = "/tmp/wayleave-sandbox-XXXXXX";
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static void drop_upload(void *transfer)
{
    struct sbx_transfer *t = transfer;
    http_pipe_unref(t->pipe); /* refused before it began */
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

bool sbx_transfer_claim(struct http_req *rq)
{
    struct sbx_transfer *t = http_user(rq);
    return t == NULL || !atomic_exchange(&t->claimed, true);
}

static void nothing(void *ctx, struct http_req *rq)
{
    (void)ctx;
    (void)rq;
}

void sbx_transfer_receive(struct sandbox *sb, struct http_req *rq)
{
    struct sbx_transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->sb = sb;
    t->upload = true;
    t->rq = rq;
    atomic_init(&t->claimed, false);
    t->fd = temporary_file();
    t->failed = t->fd < 0;
    t->pipe = http_pipe_create(PIPE_BYTES);
    http_set_user(rq, t, drop_upload);
    /* The multipart framing comes on top of the file. */
    http_stream(rq, t->pipe, sb->o.media_limit + SKELETON, nothing, sb);
    if (atomic_load(&t->claimed))
        return; /* refused; from here on nobody knows t but its request */
    http_pipe_on_readable(t->pipe, wake, t);
    wake(t); /* the pipe calls back only after a first read that found nothing */
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static void hash_file(struct sbx_transfer *t)
{
    uint8_t sum[SHA256_BYTES];
    sha256(t->map + t->file_at, t->file_size, sum);
    hex_encode(sum, sizeof sum, t->sha256);
}

/* The body is in: reads it and runs the call. Nothing of t may be touched after the call is handled. */
static void handle_upload(struct sbx_transfer *t)
{
    struct http_req *rq = t->rq;
    struct sandbox *sb = t->sb;
    void *map = t->size > 0 && !t->failed ? mmap(NULL, t->size, PROT_READ, MAP_PRIVATE, t->fd, 0) : MAP_FAILED;
    size_t size = t->size;
    struct str type = http_header(rq, "Content-Type");
    if (map != MAP_FAILED) {
        t->map = map;
        if (media_type_is(type, "multipart/form-data") && sbx_multipart_read(t, http_arena(rq), type, NULL) == 0 &&
            t->file != NULL)
            hash_file(t);
    }
    sbx_handle(sb, rq, t);
    if (map != MAP_FAILED)
        munmap(map, size);
}

/* True when the transfer is at its end and must not be touched again. */
static bool step_in(struct sbx_transfer *t)
{
    static __thread char chunk[CHUNK];
    ssize_t n;
    while ((n = http_pipe_read(t->pipe, chunk, sizeof chunk)) > 0) {
        if (!t->failed && !write_all(t->fd, chunk, (size_t)n))
            t->failed = true;
        t->size += (size_t)n;
    }
    if (n == 0)
        return false;
    http_pipe_on_readable(t->pipe, NULL, NULL);
    http_pipe_unref(t->pipe);
    t->pipe = NULL;
    if (!sbx_transfer_claim(t->rq))
        return true;
    if (n == HTTP_PIPE_END)
        handle_upload(t);
    else
        sbx_refuse(t->rq, 413, "The uploaded file is too large or did not arrive");
    return true;
}

/* --- multipart without the long values ------------------------------------------------------------------ */

static struct str boundary_of(struct arena *a, struct str type)
{
    struct str rest = type, value;
    while (rest.p != NULL) {
        struct str name = str_trim(str_cut(str_cut(rest, ';', &rest), '=', &value));
        if (!str_ieq(name, STR("boundary")) || value.p == NULL)
            continue;
        value = str_trim(value);
        if (value.n >= 2 && value.p[0] == '"')
            value = (struct str){value.p + 1, value.n - 2};
        char *text = arena_printf(a, "\r\n--%.*s", (int)(value.n < 70 ? value.n : 70), value.p);
        return str_of(text);
    }
    return (struct str){NULL, 0};
}

struct span {
    size_t at, n;
};

/* Finds the values; the skeleton is the body with the long ones taken out, for the strict reader. */
static int find_values(const char *map, size_t size, struct str delimiter, struct buf *skeleton, struct span *spans,
                       size_t *n_spans)
{
    size_t at = 0, copied = 0;
    while (at < size) {
        const char *head_end = memmem(map + at, size - at, "\r\n\r\n", 4);
        if (head_end == NULL)
            break;
        size_t start = (size_t)(head_end - map) + 4;
        const char *end = memmem(map + start - 2, size - start + 2, delimiter.p, delimiter.n);
        if (end == NULL || *n_spans == MULTI_PARTS)
            return WL_EINVAL;
        size_t stop = (size_t)(end - map) < start ? start : (size_t)(end - map);
        spans[(*n_spans)++] = (struct span){start, stop - start};
        if (stop - start > LONG_VALUE) {
            buf_put(skeleton, map + copied, start - copied);
            copied = stop;
        }
        at = (size_t)(end - map) + delimiter.n;
        if (at + 2 <= size && memcmp(map + at, "--", 2) == 0)
            break;
    }
    buf_put(skeleton, map + copied, size - copied);
    return skeleton->failed ? WL_ETOOBIG : 0;
}

int sbx_multipart_read(struct sbx_transfer *t, struct arena *a, struct str content_type, struct err *e)
{
    struct span spans[MULTI_PARTS];
    size_t n = 0;
    struct buf skeleton;
    struct str delimiter = boundary_of(a, content_type);
    if (delimiter.p == NULL)
        return err_set(e, WL_EINVAL, "the multipart boundary is missing");
    buf_init(&skeleton, SKELETON);
    int rc = find_values(t->map, t->size, delimiter, &skeleton, spans, &n);
    struct form f;
    if (rc == 0)
        rc = form_multipart(a, content_type, buf_str(&skeleton), &f, e);
    buf_done(&skeleton);
    if (rc != 0 || f.n != n)
        return err_set(e, WL_EINVAL, "the multipart body is malformed");
    t->form = f;
    for (size_t i = 0; i < n; i++) {
        if (f.fields[i].filename.p == NULL && !str_eq(f.fields[i].name, STR("file")))
            continue;
        t->file = &f.fields[i];
        t->file_at = spans[i].at;
        t->file_size = spans[i].n;
        break;
    }
    return 0;
}

/* --- out ---------------------------------------------------------------------------------------------- */

struct http_pipe *sbx_transfer_send(struct sandbox *sb, struct sbx_media *m)
{
    struct sbx_transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->sb = sb;
    t->fd = -1;
    t->media = m;
    m->refs++;
    t->pipe = http_pipe_create(PIPE_BYTES);
    struct http_pipe *mine = http_pipe_ref(t->pipe);
    http_pipe_on_writable(t->pipe, wake, t);
    wake(t);
    return mine;
}

static bool step_out(struct sbx_transfer *t)
{
    static __thread char chunk[CHUNK];
    struct sbx_media *m = t->media;
    while (t->sent < m->size) {
        size_t want = m->size - t->sent < sizeof chunk ? m->size - t->sent : sizeof chunk;
        ssize_t got = pread(m->fd, chunk, want, m->file_at + (off_t)t->sent);
        if (got <= 0) {
            http_pipe_abort(t->pipe);
            break;
        }
        ssize_t put = http_pipe_write(t->pipe, chunk, (size_t)got);
        if (put == 0)
            return false;
        if (put < 0)
            break;
        t->sent += (size_t)put;
    }
    if (t->sent == m->size)
        http_pipe_finish(t->pipe);
    http_pipe_on_writable(t->pipe, NULL, NULL);
    http_pipe_unref(t->pipe);
    pthread_mutex_lock(&t->sb->lock);
    sbx_media_unref(t->sb, m);
    pthread_mutex_unlock(&t->sb->lock);
    free(t);
    return true;
}

/* --- the thread --------------------------------------------------------------------------------------- */

static struct sbx_transfer *take(struct sandbox *sb)
{
    while (sb->transfers == NULL && !sb->transfer_stop)
        pthread_cond_wait(&sb->transfer_wake, &sb->transfer_lock);
    struct sbx_transfer *t = sb->transfers;
    if (t == NULL)
        return NULL;
    sb->transfers = t->next;
    if (sb->transfers == NULL)
        sb->transfers_tail = &sb->transfers;
    t->queued = false;
    t->running = true;
    t->again = false;
    return t;
}

static void *run(void *sandbox)
{
    struct sandbox *sb = sandbox;
    struct sbx_transfer *t;
    pthread_mutex_lock(&sb->transfer_lock);
    while ((t = take(sb)) != NULL) {
        pthread_mutex_unlock(&sb->transfer_lock);
        bool ended = t->upload ? step_in(t) : step_out(t);
        pthread_mutex_lock(&sb->transfer_lock);
        if (ended)
            continue;
        t->running = false;
        if (t->again && !t->queued) { /* woken while it ran */
            t->queued = true;
            t->next = NULL;
            *sb->transfers_tail = t;
            sb->transfers_tail = &t->next;
        }
    }
    pthread_mutex_unlock(&sb->transfer_lock);
    return NULL;
}

int sbx_transfers_start(struct sandbox *sb, struct err *e)
{
    sb->transfers_tail = &sb->transfers;
    if (thread_start(&sb->transfer_thread, "sandbox-media", run, sb) != 0)
        return err_set(e, WL_EIO, "the media thread could not be started");
    sb->transfer_running = true;
    return 0;
}

void sbx_transfers_stop(struct sandbox *sb)
{
    pthread_mutex_lock(&sb->transfer_lock);
    sb->transfer_stop = true;
    pthread_cond_signal(&sb->transfer_wake);
    pthread_mutex_unlock(&sb->transfer_lock);
    if (sb->transfer_running)
        pthread_join(sb->transfer_thread, NULL);
}
