/* SPDX-License-Identifier: Apache-2.0
 * admit_key.c - the same key is the same message.
 *
 * A key is looked for and kept in the transaction that writes its message, so of two requests under one key that arrive
 * together the second finds the first, in the same batch or in the database. Who finds its message gets it as it is by now:
 * nothing is judged, counted or written. A message that was refused, surely never left or was taken back stands in
 * nobody's way: its key is free, also for another message, because the caller was told to change something and come again.
 *
 * Keys are stored hashed: callers put order numbers and names into them. */
#include "base/digest.h"
#include "gateway/admit_impl.h"

#define DOMAIN "wayleave idempotency key 1"

void key_hash(struct str text, uint8_t ret[IDEMPOTENCY_KEY_BYTES])
{
    uint8_t whole[SHA256_BYTES];
    struct sha256_state *h = sha256_begin();
    sha256_add(h, DOMAIN, sizeof DOMAIN); /* with its NUL */
    sha256_add(h, text.p, text.n);
    sha256_end(h, whole);
    memcpy(ret, whole, IDEMPOTENCY_KEY_BYTES);
}

static bool frees_its_key(const struct message *m)
{
    return m->life.state == LIFE_REFUSED || m->life.state == LIFE_UNSENT || m->life.state == LIFE_CANCELLED;
}

/* WL_ENOTFOUND: it is gone. */
static int message_under(const struct batch *b, struct store *s, const struct idempotency *k, struct message *ret,
                         struct err *e)
{
    for (size_t i = b->n_rows; i > 0; i--)
        if (b->message[i - 1].id == k->msg && b->message[i - 1].bucket == k->bucket) {
            *ret = b->message[i - 1];
            return 0;
        }
    return messages_get(s, k->bucket, k->msg, ret, e);
}

static void misused(struct send *s, const struct message *has)
{
    struct err why = {0};
    int shown = s->key.text.n < 80 ? (int)s->key.text.n : 80;
    err_set(&why, WL_ECONFLICT,
            "Idempotency-Key '%.*s' was used for another message; take a new key for a new message, and the same body "
            "for the same",
            shown, s->key.text.p);
    s->message = *has;
    writer_refuse(&s->job, &why);
}

int key_find(struct batch *b, struct store *s, size_t i, bool *ret_settled, struct err *e)
{
    struct send *send = b->send[i];
    struct idempotency known;
    struct message m;
    uint8_t key[IDEMPOTENCY_KEY_BYTES];
    *ret_settled = false;
    if (send->key.text.n == 0)
        return 0;
    key_hash(send->key.text, key);
    int rc = idempotency_get(s, bucket_of(b, s, i), key, b->now, &known, e);
    if (rc != 0 || known.msg == 0)
        return rc;
    rc = message_under(b, s, &known, &m, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    if (frees_its_key(&m))
        return 0;
    *ret_settled = true;
    if (known.fingerprint != send->key.fingerprint) {
        misused(send, &m);
        return 0;
    }
    send->replayed = true;
    send->message = m;
    return 0;
}

int key_keep(const struct batch *b, struct store *s, const struct send *send, struct err *e)
{
    struct idempotency k = {.bucket = send->message.bucket,
                            .msg = send->message.id,
                            .fingerprint = send->key.fingerprint};
    if (send->key.text.n == 0)
        return 0;
    key_hash(send->key.text, k.key);
    return idempotency_put(s, &k, b->now, e);
}
