/* SPDX-License-Identifier: Apache-2.0
 * send_terms.c - the words a caller puts beside a message, read strictly.
 *
 * A key that is misread would let a second message through, and a time that is misread would send one at night: so
 * whatever cannot be read in one way only is refused, with the name of the word that is wrong. */
#include "gateway/send_terms.h"

#include "base/digest.h"
#include "core/facts_read.h"
#include "store/idempotency.h"

#define FINGERPRINT_MAX (4u << 20)

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

int64_t terms_fingerprint(int64_t sender, enum intent_path path, struct json message)
{
    struct buf b;
    buf_init(&b, FINGERPRINT_MAX);
    buf_printf(&b, "%lld %d", (long long)sender, (int)path);
    for (struct json_iter it = json_iter(message); json_next(&it);) {
        if (str_eq(it.key, STR("access_token")) || str_eq(it.key, STR("idempotency_key")))
            continue;
        buf_printf(&b, "\n%zu ", it.key.n);
        buf_putstr(&b, it.key);
        buf_putc(&b, ' ');
        json_write_value(&b, it.value);
    }
    int64_t h = (int64_t)hash64(b.data, b.len);
    buf_done(&b);
    return h;
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static int read_time(struct json v, const char *name, int64_t now, int64_t *ret, struct err *e)
{
    struct str text;
    int64_t number, ms = 0;
    int rc;
    if (json_type(v) <= JSON_NULL)
        return 0;
    if (json_str(v, &text))
        rc = facts_read_time(str_trim(text), now, &ms, e);
    else if (json_i64(v, &number))
        rc = facts_read_ms(number, &ms, e);
    else
        rc = err_set(e, WL_EINVAL, "a time is written 2026-12-24T18:00:00Z, 2026-12-24 or now+2h");
    if (rc == 0 && ms <= 0)
        rc = err_set(e, WL_EINVAL, "a time after 1970 is wanted");
    if (rc != 0)
        return err_prefix(e, "%s", name);
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
        return err_set(e, WL_EINVAL, "expires lies more than 366 days ahead");
    *ret_field = NULL;
    *ret_not_before = from;
    *ret_expires = until;
    return 0;
}
