/* SPDX-License-Identifier: Apache-2.0
 * send_terms.c - the words a caller puts beside a message, read strictly.
 *
 * A key that is misread would let a second message through, and a time that is misread would send one at night: so
 * whatever cannot be read in one way only is refused, with the name of the word that is wrong. */
#include "gateway/send_terms.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/yaml.h"
#include "core/facts_read.h"
#include "gateway/graph_body.h"
#include "store/idempotency.h"

#define FINGERPRINT_MAX (4u << 20)

int terms_header(const struct http_header *h, size_t n, const char *name, struct str *ret, struct err *e)
{
    struct str said = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        if (!str_ieq(h[i].name, str_of(name)))
            continue;
        if (said.p != NULL && !str_eq(str_trim(said), str_trim(h[i].value)))
            return err_set(e, WL_EINVAL, "%s is given twice and says two things", name);
        said = h[i].value;
    }
    *ret = said;
    return 0;
}

int terms_hold(struct str word, enum hold_word *ret, struct err *e)
{
    word = str_trim(word);
    if (word.n == 0)
        *ret = HOLD_AS_SET;
    else if (str_ieq(word, STR("refuse")))
        *ret = HOLD_REFUSE;
    else if (str_ieq(word, STR("queue")))
        *ret = HOLD_QUEUE;
    else
        return err_set(e, WL_EINVAL, HOLD_HEADER " is refuse or queue, not '%.*s'", (int)(word.n < 40 ? word.n : 40),
                       word.p);
    return 0;
}

/* --- the key ------------------------------------------------------------------------------------------------------ */

static bool visible(char c)
{
    return c > ' ' && c < 0x7f;
}

/* What stands between the quotes; a backslash stands before a quote or another one only. False: no quoted string. */
static bool unquote(struct str text, char *out, size_t *ret_n)
{
    size_t n = 0;
    if (text.n < 2 || text.p[text.n - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < text.n; i++) {
        bool escape = text.p[i] == '\\';
        if (!escape && text.p[i] == '"')
            return false;
        if (escape && (++i + 1 >= text.n || (text.p[i] != '"' && text.p[i] != '\\')))
            return false;
        out[n++] = text.p[i];
    }
    *ret_n = n;
    return true;
}

int terms_key(struct str text, const char *name, struct arena *a, struct str *ret, struct err *e)
{
    text = str_trim(text);
    bool quoted = text.n > 0 && text.p[0] == '"';
    size_t n = text.n;
    if (text.n > 2 * IDEMPOTENCY_TEXT_MAX + 2)
        return err_set(e, WL_EINVAL, "%s has more than %d characters", name, IDEMPOTENCY_TEXT_MAX);
    char *key = arena_strndup(a, text.n > 0 ? text.p : "", text.n);
    if (key == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    if (quoted && !unquote(text, key, &n))
        return err_set(e, WL_EINVAL, "%s begins like a quoted string and does not end like one", name);
    if (n == 0 || n > IDEMPOTENCY_TEXT_MAX)
        return err_set(e, WL_EINVAL, "%s must have 1 to %d characters", name, IDEMPOTENCY_TEXT_MAX);
    for (size_t i = 0; i < n; i++)
        if (!visible(key[i]))
            return err_set(e, WL_EINVAL, "%s may hold visible ASCII characters only: a UUID is a good key", name);
    *ret = (struct str){key, n};
    return 0;
}

struct member {
    struct str key;
    struct json value;
    size_t place; /* of two with the same key the first comes first */
};

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int order = n > 0 ? memcmp(x->key.p, y->key.p, n) : 0;
    if (order != 0)
        return order;
    if (x->key.n != y->key.n)
        return x->key.n < y->key.n ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static void put_value(struct buf *b, struct json v);

/* Members by their keys; each key with its length, so that none runs into its value. */
static void put_object(struct buf *b, struct json v, bool whole)
{
    size_t n = 0, count = json_count(v);
    struct member *m = calloc(count + 1, sizeof *m);
    if (m == NULL)
        abort();
    for (struct json_iter it = json_iter(v); n < count && json_next(&it);)
        if (whole || (!str_eq(it.key, STR("access_token")) && !str_eq(it.key, STR("idempotency_key")))) {
            m[n] = (struct member){it.key, it.value, n};
            n++;
        }
    qsort(m, n, sizeof *m, by_key);
    buf_putc(b, '{');
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%zu ", m[i].key.n);
        buf_putstr(b, m[i].key);
        buf_putc(b, ' ');
        put_value(b, m[i].value);
    }
    buf_putc(b, '}');
    free(m);
}

static void put_value(struct buf *b, struct json v)
{
    if (json_type(v) == JSON_OBJECT) {
        put_object(b, v, true);
        return;
    }
    if (json_type(v) != JSON_ARRAY) {
        json_write_value(b, v);
        return;
    }
    buf_putc(b, '[');
    for (struct json_iter it = json_iter(v); json_next(&it); buf_putc(b, ','))
        put_value(b, it.value);
    buf_putc(b, ']');
}

int64_t terms_fingerprint(int64_t sender, enum intent_path path, struct json message)
{
    struct buf b;
    buf_init(&b, FINGERPRINT_MAX);
    buf_printf(&b, "%lld %d ", (long long)sender, (int)path);
    put_object(&b, message, false);
    int64_t h = (int64_t)hash64(b.data, b.len);
    buf_done(&b);
    return h;
}

/* --- whose a key is ----------------------------------------------------------------------------------------------- */

/* `from` must be there, so a misspelt one is missed anyway; it is the last, and not looked for among those misspelt. */
static const char *const ours[] = {
    "override", "expected_category", "idempotency_key", "queue", "not_before", "expires", NULL, "from"};

bool terms_ours(struct str key)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i] != NULL && str_eq(key, str_of(ours[i])))
            return true;
    return false;
}

/* Of a message in the Graph API. The content stands under the name of its type, also of types that are new. */
static bool metas(struct json body, struct str key)
{
    static const char *const known[] = {"messaging_product",
                                        "recipient_type",
                                        "to",
                                        "recipient",
                                        "type",
                                        "context",
                                        "biz_opaque_callback_data",
                                        "category",
                                        "status",
                                        "message_id",
                                        "typing_indicator",
                                        "message_activity_sharing",
                                        "product_policy",
                                        "text",
                                        "template",
                                        "image",
                                        "video",
                                        "audio",
                                        "document",
                                        "sticker",
                                        "location",
                                        "contacts",
                                        "interactive",
                                        "reaction",
                                        "pin"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq(key, str_of(known[i])))
            return true;
    return graph_call_parameter(key) || str_eq(key, json_str_or(json_get(body, "type"), (struct str){NULL, 0}));
}

int terms_keys(struct json body, bool queue, struct err *e)
{
    for (struct json_iter it = json_iter(body); json_next(&it);) {
        if (terms_ours(it.key) || metas(body, it.key))
            continue;
        const char *near = nearest_word(it.key, ours);
        int shown = (int)(it.key.n < 64 ? it.key.n : 64);
        if (near != NULL)
            return err_set(e, WL_EINVAL, "the key '%.*s' is not known here; did you mean '%s'?", shown, it.key.p, near);
        if (queue)
            return err_set(e, WL_EINVAL,
                           "the key '%.*s' is neither ours nor known of the Graph API, and a message that is kept for "
                           "later is not taken with what may be misspelt",
                           shown, it.key.p);
    }
    return 0;
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static int read_time(struct json v, const char *name, int64_t now, int64_t *ret, struct err *e)
{
    struct str text;
    int64_t number, ms = 0;
    int rc = WL_EINVAL;
    if (json_type(v) <= JSON_NULL)
        return 0;
    if (json_str(v, &text))
        rc = facts_read_time(str_trim(text), now, &ms, NULL);
    else if (json_i64(v, &number))
        rc = facts_read_ms(number, &ms, NULL);
    if (rc != 0 || ms <= 0)
        return err_set(e, WL_EINVAL, "%s is a time such as " TERMS_TIMES ", or milliseconds since 1970", name);
    *ret = ms;
    return 0;
}

int terms_times(struct json not_before, struct json expires, int64_t now, int64_t *ret_not_before, int64_t *ret_expires,
                const char **ret_field, struct err *e)
{
    int64_t from = 0, until = 0;
    *ret_field = "not_before";
    int rc = read_time(not_before, "not_before", now, &from, e);
    if (rc == 0 && from > now + TERMS_NOT_BEFORE_MAX)
        rc = err_set(e, WL_EINVAL, "not_before lies more than a year ahead");
    if (rc != 0)
        return rc;
    *ret_field = "expires";
    int64_t first = from > now ? from : now;
    rc = read_time(expires, "expires", now, &until, e);
    if (rc != 0)
        return rc;
    int64_t most = now + TERMS_EXPIRES_MAX;
    if (until == 0)
        until = first + TERMS_EXPIRES_MS < most ? first + TERMS_EXPIRES_MS : most;
    if (until <= first)
        return err_set(e, WL_EINVAL, "expires must lie after now and after not_before");
    if (until > most)
        return err_set(e, WL_EINVAL, "expires lies more than 373 days ahead");
    *ret_field = NULL;
    *ret_not_before = from;
    *ret_expires = until;
    return 0;
}
