/* SPDX-License-Identifier: Apache-2.0
 * mark.c - the client's own value, ours around it, and the body that carries both.
 *
 * What the client gave is read where the door read it (intent.opaque, which a query may hold as well), so that what the
 * door kept aside is what is missing here. Meta takes numbers for text; so do we. A value that Meta refuses (an object, more
 * than 512 characters) stays as it is: the refusal is Meta's to say. A form gets our field in front of the others, where
 * no missing line end at its end can be in the way; fields that are there keep their place and, of a multipart body,
 * their headers. It refuses to put a value into a multipart body that holds the body's own boundary. */
#include "gateway/mark.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/gateway_impl.h"
#include "net/form.h"
#include "store/outbox.h"

#define MEMBER    "biz_opaque_callback_data"
#define VALUE_MAX (8u << 10)
#define BODY_MAX  (9u << 20)
#define ASIDE_MAX (64u << 10) /* bytes of memory for one value that was kept aside */

static struct callback_key key_of(const struct gateway *g)
{
    struct callback_key k;
    memcpy(k.bytes, g->mark_key, sizeof k.bytes);
    return k;
}

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The value to send for this attempt, given the client's own ({NULL,0}: none). `kept`: the door knew it, so what does not
 * fit is aside. False: a value of this kind stays as it is. */
static bool value_to_send(const struct send *s, struct str own, bool kept, struct buf *out)
{
    struct callback_key k = key_of(s->g);
    struct callback c = {.bucket = s->message.bucket,
                         .message = s->message.id,
                         .attempt = s->message.life.attempts,
                         .flags = s->our_id && s->mode == SEND_QUEUED ? CALLBACK_OUR_ID : 0};
    if (characters(own) > CALLBACK_MAX || (!kept && !callback_fits(own)))
        return false;
    callback_write(&k, &c, own, out);
    return true;
}

/* The client's own value in a JSON body, and whether the door knew it. False: it is no text and no number. */
static bool own_of_json(const struct send *s, struct str body, struct str *ret, bool *ret_kept)
{
    struct str written = callback_member(body);
    char first = written.n > 0 ? written.p[0] : '"';
    *ret_kept = first == '"';
    *ret = first == '"' ? s->intent->opaque : first == 'n' ? (struct str){NULL, 0} : written;
    return first != '{' && first != '[';
}

static int keep(struct arena *a, const struct buf *b, struct str *ret, struct err *e)
{
    char *text = b->failed ? NULL : arena_strndup(a, buf_cstr(b), b->len);
    if (text == NULL)
        return err_set(e, WL_ETOOBIG, "the body is too large");
    *ret = (struct str){text, b->len};
    return 0;
}

int mark_body(const struct send *s, struct str body, struct arena *a, struct str *ret, struct err *e)
{
    struct str own;
    struct buf value, out;
    bool kept;
    int rc = 0;
    buf_init(&value, VALUE_MAX);
    buf_init(&out, BODY_MAX);
    if (!own_of_json(s, body, &own, &kept) || !value_to_send(s, own, kept, &value)) {
        *ret = body;
    } else {
        rc = callback_put(body, buf_str(&value), &out, e);
        if (rc == 0)
            rc = keep(a, &out, ret, e);
    }
    buf_done(&value);
    buf_done(&out);
    return rc;
}

/* --- forms ------------------------------------------------------------------------------------------------------------ */

/* body[0..from), text, body[to..). */
static int splice(struct arena *a, struct str body, size_t from, size_t to, const struct buf *text, struct str *ret,
                  struct err *e)
{
    struct buf out;
    buf_init(&out, BODY_MAX);
    buf_put(&out, body.p, from);
    buf_putstr(&out, buf_str(text));
    buf_put(&out, body.p + to, body.n - to);
    out.failed |= text->failed;
    int rc = keep(a, &out, ret, e);
    buf_done(&out);
    return rc;
}

/* The place of a pair of this name in an urlencoded text; {NULL,0} when there is none. */
static struct str find_pair(struct arena *a, struct str text, struct str *ret_value)
{
    for (struct str rest = text; rest.n > 0;) {
        struct str pair = str_cut(rest, '&', &rest);
        struct form f = {0};
        if (form_urlencoded(a, pair, &f, NULL) != 0 || f.n == 0 || !str_eq(f.fields[0].name, STR(MEMBER)))
            continue;
        *ret_value = f.fields[0].value;
        return pair;
    }
    return (struct str){NULL, 0};
}

static int mark_urlencoded(const struct send *s, struct str body, struct arena *a, struct str *ret, struct err *e)
{
    struct buf value, text;
    struct str trimmed = str_trim(body), own = s->intent->opaque, pair = find_pair(a, trimmed, &own);
    size_t from = (size_t)((pair.p != NULL ? pair.p : trimmed.p) - body.p);
    bool kept = str_eq(own, s->intent->opaque);
    int rc = 0;
    buf_init(&value, VALUE_MAX);
    buf_init(&text, 4 * VALUE_MAX);
    if (trimmed.n == 0 || !value_to_send(s, own, kept, &value)) {
        *ret = body;
    } else {
        buf_puts(&text, MEMBER "=");
        percent_encode(&text, buf_str(&value));
        if (pair.p == NULL)
            buf_putc(&text, '&');
        rc = splice(a, body, from, from + pair.n, &text, ret, e);
    }
    buf_done(&value);
    buf_done(&text);
    return rc;
}

/* The first line of the body, "--boundary", behind an empty one that some clients begin with. */
static struct str delimiter_of(struct str body)
{
    size_t lead = str_starts(body, STR("\r\n")) ? 2 : 0;
    const char *from = body.p + lead, *end = memmem(from, body.n - lead, "\r\n", 2);
    return end != NULL ? (struct str){from, (size_t)(end - from)} : (struct str){NULL, 0};
}

static int put_part(struct str body, const struct form_field *f, struct str delimiter, struct str value,
                    struct arena *a, struct str *ret, struct err *e)
{
    struct buf text;
    size_t from = f != NULL ? f->value_at : (size_t)(delimiter.p - body.p);
    buf_init(&text, 2 * VALUE_MAX);
    if (f == NULL) {
        buf_putstr(&text, delimiter);
        buf_puts(&text, "\r\nContent-Disposition: form-data; name=\"" MEMBER "\"\r\n\r\n");
    }
    buf_putstr(&text, value);
    if (f == NULL)
        buf_puts(&text, "\r\n");
    int rc = splice(a, body, from, from + (f != NULL ? f->value.n : 0), &text, ret, e);
    buf_done(&text);
    return rc;
}

static int mark_multipart(const struct send *s, struct str type, struct str body, struct arena *a, struct str *ret,
                          struct err *e)
{
    struct form form = {0};
    struct buf value;
    int rc = form_multipart(a, type, body, &form, e);
    if (rc != 0)
        return rc;
    const struct form_field *f = form_get(&form, MEMBER);
    struct str delimiter = delimiter_of(body), own = f != NULL ? f->value : s->intent->opaque;
    bool kept = str_eq(own, s->intent->opaque), a_file = f != NULL && f->filename.p != NULL;
    buf_init(&value, VALUE_MAX);
    *ret = body;
    if (delimiter.n > 0 && !a_file && value_to_send(s, own, kept, &value) &&
        memmem(buf_cstr(&value), value.len, delimiter.p, delimiter.n) == NULL)
        rc = put_part(body, f, delimiter, buf_str(&value), a, ret, e);
    buf_done(&value);
    return rc;
}

int mark_form(const struct send *s, struct str content_type, struct str body, struct arena *a, struct str *ret,
              struct err *e)
{
    if (media_type_is(content_type, "multipart/form-data"))
        return mark_multipart(s, content_type, body, a, ret, e);
    if (media_type_is(content_type, "application/x-www-form-urlencoded") || str_trim(body).n == 0)
        return mark_urlencoded(s, body, a, ret, e);
    return mark_body(s, body, a, ret, e); /* whatever else it is called, it was read as JSON */
}

/* --- what comes back -------------------------------------------------------------------------------------------------- */

bool mark_read(const struct gateway *g, struct str value, struct callback *ret)
{
    struct callback_key k = key_of(g);
    return callback_read(&k, value, ret);
}

static bool from_store(void *ctx, int bucket, int64_t message, struct buf *out)
{
    struct arena *a = arena_create(ASIDE_MAX);
    struct str value = {NULL, 0};
    struct err e = {0};
    if (a == NULL)
        abort();
    if (callback_data_get(ctx, bucket, message, a, &value, &e) != 0)
        log_warn("mark", "a client's callback data cannot be read, and are missing in a webhook: %s", e.text);
    bool found = value.p != NULL && buf_putstr(out, value);
    arena_free(a);
    return found;
}

static void our_id(void *ctx, int bucket, int64_t message, struct buf *out)
{
    char text[STORE_ID_TEXT];
    (void)ctx;
    buf_puts(out, store_id_text(bucket, message, text));
}

bool mark_restore(const struct gateway *g, struct store *s, struct str body, struct buf *out)
{
    struct callback_key k = key_of(g);
    const struct callback_restore r = {.key = &k, .aside = from_store, .our_id = our_id, .ctx = s};
    return callback_restore(&r, body, out);
}
