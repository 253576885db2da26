/* SPDX-License-Identifier: Apache-2.0
 * mark.c - the client's own value, ours around it, and the body that carries both.
 *
 * What the client gave is read where the door read it (intent.opaque, which a query may hold as well), so that what the
 * door kept aside is what is missing here. Meta takes numbers for text; so do we. A value that Meta refuses (an object, more
 * than 512 characters) stays as it is: the refusal is Meta's to say. */
#include "gateway/mark.h"

#include "gateway/gateway_impl.h"

#define BODY_MAX (9u << 20)

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
    buf_init(&value, 8u << 10);
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

bool mark_read(const struct gateway *g, struct str value, struct callback *ret)
{
    struct callback_key k = key_of(g);
    return callback_read(&k, value, ret);
}
