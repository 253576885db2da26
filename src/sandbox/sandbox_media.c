/* SPDX-License-Identifier: Apache-2.0
 * sandbox_media.c - the store of uploaded files and the calls about them.
 *
 * Bounded by bytes in all and by open files; the oldest goes first. The download address carries its own expiry and a
 * proof that it was made here, as the real one does, and still needs the token. It checks type and size as the
 * upload call does, and never looks inside a file. */
#include "sandbox/sandbox_media.h"
#include "sandbox/sandbox_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_MEMORY  (1u << 20)
#define FILES_MAX  256
#define URL_LIFE_S 300

static const struct kind {
    const char *mime;
    size_t max;
} kinds[] = {
    {"audio/aac", 16u << 20},
    {"audio/mp4", 16u << 20},
    {"audio/mpeg", 16u << 20},
    {"audio/amr", 16u << 20},
    {"audio/ogg", 16u << 20},
    {"audio/opus", 16u << 20},
    {"application/vnd.ms-powerpoint", 100u << 20},
    {"application/msword", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100u << 20},
    {"application/pdf", 100u << 20},
    {"text/plain", 100u << 20},
    {"application/vnd.ms-excel", 100u << 20},
    {"image/jpeg", 5u << 20},
    {"image/png", 5u << 20},
    {"image/webp", 500u << 10},
    {"video/mp4", 16u << 20},
    {"video/3gpp", 16u << 20},
};

static struct str media_key(const void *m)
{
    return str_of(((const struct sbx_media *)m)->id);
}

void sbx_media_init(struct sandbox *sb)
{
    sbx_table_init(&sb->media, media_key);
    sb->media_tail = &sb->media_first;
}

bool sbx_media_known(const struct sandbox *sb, struct str id)
{
    return sbx_table_get(&sb->media, id) != NULL;
}

void sbx_media_unref(struct sandbox *sb, struct sbx_media *m)
{
    if (--m->refs > 0)
        return;
    if (m->fd >= 0) {
        close(m->fd);
        sb->media_files--;
    }
    free(m->bytes);
    free(m);
}

static void forget(struct sandbox *sb, struct sbx_media *m)
{
    struct sbx_media **at = &sb->media_first;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    if (sb->media_tail == &m->next)
        sb->media_tail = at;
    sbx_table_del(&sb->media, str_of(m->id));
    sb->media_bytes -= m->size;
    sbx_media_unref(sb, m);
}

void sbx_media_clear(struct sandbox *sb)
{
    while (sb->media_first != NULL)
        forget(sb, sb->media_first);
    sbx_table_done(&sb->media);
}

/* [lock] Takes the content over from the upload: copied when small, else with its file. */
static struct sbx_media *keep(struct call *c, struct sbx_transfer *t, struct str mime)
{
    struct sandbox *sb = c->sb;
    struct sbx_media *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->refs = 1;
    m->fd = -1;
    m->at_ms = c->now_ms;
    m->size = t->file_size;
    sbx_new_id(sb, m->id);
    snprintf(m->number_id, sizeof m->number_id, "%s", c->number->id);
    snprintf(m->mime, sizeof m->mime, "%.*s", (int)mime.n, mime.p);
    memcpy(m->sha256, t->sha256, sizeof m->sha256);
    if (m->size <= IN_MEMORY) {
        m->bytes = malloc(m->size + 1);
        if (m->bytes == NULL)
            abort();
        memcpy(m->bytes, t->map + t->file_at, m->size);
    } else {
        m->fd = t->fd;
        m->file_at = (off_t)t->file_at;
        t->fd = -1;
        sb->media_files++;
    }
    *sb->media_tail = m;
    sb->media_tail = &m->next;
    sb->media_bytes += m->size;
    sbx_table_put(&sb->media, m);
    while (sb->media_first != m && (sb->media_bytes > sb->o.media_total || sb->media_files > FILES_MAX))
        forget(sb, sb->media_first);
    return m;
}

static const struct kind *find_kind(struct str mime)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (media_type_is(mime, kinds[i].mime))
            return &kinds[i];
    return NULL;
}

/* `type` when it is a media type (some clients send "image", or nothing), else what the part says. */
static struct str media_type(struct call *c, const struct form_field *file)
{
    struct str type = sbx_param(c, "type");
    if (type.n > 0 && memchr(type.p, '/', type.n) != NULL)
        return type;
    return file->content_type.n > 0 ? file->content_type : STR("application/octet-stream");
}

void sbx_media_post(struct call *c)
{
    struct sbx_transfer *t = c->upload;
    if (sbx_param(c, "messaging_product").n == 0) {
        sbx_fail_param(c, "The parameter messaging_product is required.");
        return;
    }
    if (t != NULL && t->failed) {
        sbx_fail_status(c, 503);
        return;
    }
    if (t == NULL || t->file == NULL) {
        sbx_fail_param(c, "The parameter file is required.");
        return;
    }
    struct str mime = media_type(c, t->file);
    const struct kind *k = find_kind(mime);
    if (k == NULL || mime.n >= sizeof((struct sbx_media *)0)->mime) {
        sbx_fail_param(c,
                       "Param file must be a file with one of the following types: audio/aac, audio/mp4, audio/mpeg, "
                       "audio/amr, audio/ogg, audio/opus, application/pdf, text/plain, image/jpeg, image/png, "
                       "image/webp, video/mp4, video/3gpp and office documents. Received file of type '%.*s'.",
                       (int)(mime.n < 60 ? mime.n : 60), mime.p);
        return;
    }
    if (t->file_size > k->max || t->file_size > c->sb->o.media_limit) {
        sbx_fail(c, 131053, "The file is larger than the %zu bytes allowed for %s", k->max, k->mime);
        return;
    }
    struct sbx_media *m = keep(c, t, mime);
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "id", m->id);
    jo_end(&c->jo);
}

/* --- addresses ---------------------------------------------------------------------------------------- */

static void sign_url(const struct sandbox *sb, struct str mid, int64_t expires, char hex[SHA256_HEX])
{
    char text[80];
    uint8_t mac[SHA256_BYTES];
    int n = snprintf(text, sizeof text, "%.*s|%lld", (int)(mid.n < 40 ? mid.n : 40), mid.p, (long long)expires);
    hmac_sha256((struct str){(const char *)&sb->seed, sizeof sb->seed}, (struct str){text, (size_t)n}, mac);
    hex_encode(mac, sizeof mac, hex);
}

void sbx_media_get(struct call *c)
{
    struct sbx_media *m = c->target;
    struct str number_id = sbx_param(c, "phone_number_id");
    if (number_id.n > 0 && !str_eq(number_id, str_of(m->number_id))) {
        sbx_fail_unsupported(c);
        return;
    }
    char hex[SHA256_HEX];
    int64_t expires = c->now_ms / 1000 + URL_LIFE_S;
    sign_url(c->sb, str_of(m->id), expires, hex);
    char *url = arena_printf(c->a, "%s/whatsapp_business/attachments/?mid=%s&ext=%lld&hash=%.32s", sbx_origin(c), m->id,
                             (long long)expires, hex);
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "url", url ? url : "");
    jo_kcstr(&c->jo, "mime_type", m->mime);
    jo_kcstr(&c->jo, "sha256", m->sha256);
    jo_kint(&c->jo, "file_size", (int64_t)m->size);
    jo_kcstr(&c->jo, "id", m->id);
    jo_kcstr(&c->jo, "messaging_product", "whatsapp");
    jo_end(&c->jo);
}

void sbx_media_delete(struct call *c)
{
    forget(c->sb, c->target);
    sbx_success(c);
}

void sbx_media_download(struct call *c)
{
    struct str mid = sbx_param(c, "mid"), hash = sbx_param(c, "hash");
    struct sbx_media *m = mid.n > 0 ? sbx_table_get(&c->sb->media, mid) : NULL;
    int64_t expires = 0;
    char hex[SHA256_HEX] = "";
    if (str_i64(sbx_param(c, "ext"), &expires))
        sign_url(c->sb, mid, expires, hex);
    if (m == NULL || expires < c->now_ms / 1000 || hash.n != 32 || !digest_equal(hash.p, hex, 32)) {
        sbx_error(c, &(struct sbx_error){.http = 404,
                                         .type = "GraphMethodException",
                                         .code = 100,
                                         .message = "The media address is unknown or has expired"});
        return;
    }
    char *mime = arena_strdup(c->a, m->mime);
    c->answer_type = mime ? mime : "application/octet-stream";
    if (m->bytes != NULL) {
        buf_put(&c->out, m->bytes, m->size);
    } else {
        c->pipe = sbx_transfer_send(c->sb, m);
        c->pipe_length = (int64_t)m->size;
    }
}
