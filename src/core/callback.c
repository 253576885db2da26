/* SPDX-License-Identifier: Apache-2.0
 * callback.c - the mark as text, and the two changes of JSON texts it takes.
 *
 * A mark has one spelling only: it is read by taking its numbers out, writing them again and comparing. The tag, 80 bits
 * of an HMAC over what stands before it, is compared in constant time. It says that we wrote the mark, not who sent the
 * message that carries it: every app that is subscribed at Meta sees our marks and could send one again. Such apps
 * belong to the same business; what they can do is to have a message of ours counted as sent twice.
 *
 * JSON texts are walked, not parsed and written again (base/json_walk.h), and it is remembered up to where the text was
 * copied. Names are compared with their escapes undone, because whoever reads the text for real does so too; of a value
 * only the mark is decoded, and the client's own part of it is copied as it was written. A text that is no JSON is left alone. It refuses to look into strings: JSON inside a string is somebody's content. */
#include "core/callback.h"

#include "base/json_walk.h"

#define MEMBER      "biz_opaque_callback_data"
#define HEAD        "wl1."
#define BUCKET_MAX  0xfff
#define ATTEMPT_MAX 31
#define FLAGS_MAX   (CALLBACK_ASIDE | CALLBACK_OWN | CALLBACK_OUR_ID)
#define TAG_DIGITS  16 /* of 5 bits */
#define TAG_BYTES   (TAG_DIGITS * 5 / 8)
#define MARK_MAX    (4 + 3 + 1 + 13 + 1 + 1 + 1 + 1 + 1 + TAG_DIGITS + 1) /* with the '|' */

/* --- the mark -------------------------------------------------------------------------------------------------------- */

/* Crockford: no i, l, o, u. */
static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct mark {
    char text[MARK_MAX + 1];
    size_t n;
};

static void put_char(struct mark *m, char c)
{
    m->text[m->n++] = c;
}

static void put_number(struct mark *m, uint64_t v)
{
    char digits[13];
    size_t n = 0;
    do
        digits[n++] = crockford[v & 31];
    while ((v >>= 5) != 0);
    while (n > 0)
        put_char(m, digits[--n]);
}

static void put_tag(struct mark *m, const struct callback_key *k)
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256((struct str){(const char *)k->bytes, sizeof k->bytes}, (struct str){m->text, m->n}, mac);
    for (size_t i = 0; i < TAG_BYTES; i += 5) {
        uint64_t five = 0;
        for (size_t j = 0; j < 5; j++)
            five = five << 8 | mac[i + j];
        for (int shift = 35; shift >= 0; shift -= 5)
            put_char(m, crockford[five >> shift & 31]);
    }
}

/* Everything but the '|' and the client's value. */
static struct mark mark_text(const struct callback_key *k, const struct callback *c)
{
    struct mark m = {.n = 0};
    const uint64_t number[] = {(uint64_t)c->bucket, (uint64_t)c->message, (uint64_t)c->attempt, c->flags};
    memcpy(m.text, HEAD, sizeof HEAD - 1);
    m.n = sizeof HEAD - 1;
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        put_number(&m, number[i]);
        put_char(&m, '.');
    }
    m.n--; /* the tag is over what stands before its '.' */
    put_tag(&m, k);
    memmove(m.text + m.n - TAG_DIGITS + 1, m.text + m.n - TAG_DIGITS, TAG_DIGITS);
    m.text[m.n++ - TAG_DIGITS] = '.';
    return m;
}

/* UTF-16 units; what is no UTF-8 counts by its bytes. */
static size_t units(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += (c & 0xc0) != 0x80;
        n += c >= 0xf0;
    }
    return n;
}

bool callback_fits(struct str own)
{
    return units(own) <= CALLBACK_MAX - MARK_MAX;
}

void callback_write(const struct callback_key *k, const struct callback *c, struct str own, struct buf *out)
{
    struct callback mine = *c;
    bool fits = callback_fits(own);
    mine.flags = (c->flags & CALLBACK_OUR_ID) | (own.p != NULL ? CALLBACK_OWN : 0) | (fits ? 0 : CALLBACK_ASIDE);
    struct mark m = mark_text(k, &mine);
    buf_put(out, m.text, m.n);
    if (own.p != NULL && fits) {
        buf_putc(out, '|');
        buf_putstr(out, own);
    }
}

/* A number up to `most` at the front of *s, and what follows its '.'; false when there is none. */
static bool take_number(struct str *s, uint64_t most, uint64_t *ret)
{
    uint64_t v = 0;
    size_t n = 0;
    for (; n < s->n && n < 13 && s->p[n] != '.'; n++) {
        const char *digit = s->p[n] != '\0' ? strchr(crockford, s->p[n]) : NULL;
        if (digit == NULL)
            return false;
        v = v << 5 | (uint64_t)(digit - crockford);
    }
    if (n == 0 || n == s->n || s->p[n] != '.' || v > most)
        return false;
    *s = (struct str){s->p + n + 1, s->n - n - 1};
    *ret = v;
    return true;
}

static bool take_mark(struct str *s, struct callback *ret)
{
    uint64_t bucket, message, attempt, flags;
    if (!str_starts(*s, STR(HEAD)))
        return false;
    *s = (struct str){s->p + sizeof HEAD - 1, s->n - (sizeof HEAD - 1)};
    if (!take_number(s, BUCKET_MAX, &bucket) || !take_number(s, INT64_MAX, &message) ||
        !take_number(s, ATTEMPT_MAX, &attempt) || !take_number(s, FLAGS_MAX, &flags) || s->n < TAG_DIGITS)
        return false;
    *s = (struct str){s->p + TAG_DIGITS, s->n - TAG_DIGITS};
    *ret = (struct callback){.bucket = (int)bucket,
                             .message = (int64_t)message,
                             .attempt = (int)attempt,
                             .flags = (unsigned)flags};
    return true;
}

bool callback_read(const struct callback_key *k, struct str value, struct callback *ret)
{
    struct callback c;
    struct str rest = value;
    if (!take_mark(&rest, &c))
        return false;
    struct mark m = mark_text(k, &c);
    if (m.n != value.n - rest.n || !digest_equal(m.text, value.p, m.n))
        return false;
    bool follows = (c.flags & CALLBACK_OWN) != 0 && (c.flags & CALLBACK_ASIDE) == 0;
    if (follows != (rest.n > 0) || (follows && rest.p[0] != '|'))
        return false;
    if (follows)
        c.own = (struct str){rest.p + 1, rest.n - 1};
    *ret = c;
    return true;
}

/* --- changing a JSON text -------------------------------------------------------------------------------------------- */

struct walk {
    struct json_walk in;
    int depth;
    size_t copied; /* up to here the text stands in `out`, changed */
    struct buf *out;
    bool changed;
    const struct callback_restore *restore;
};

/* Puts `text` where [from, to) was. */
static void change(struct walk *w, size_t from, size_t to, struct str text)
{
    buf_put(w->out, w->in.text.p + w->copied, from - w->copied);
    buf_putstr(w->out, text);
    w->copied = to;
    w->changed = true;
}

static void change_string(struct walk *w, size_t from, size_t to, struct str text)
{
    struct json_out o;
    change(w, from, to, STR(""));
    json_out_init(&o, w->out);
    jo_str(&o, text);
}

static void copy_rest(struct walk *w)
{
    buf_put(w->out, w->in.text.p + w->copied, w->in.text.n - w->copied);
    w->copied = w->in.text.n;
}

/* --- putting it in --------------------------------------------------------------------------------------------------- */

/* Calls each() for the members of the object at `at`, which ends behind it, and must end the text. False: no object. */
static bool each_member(struct walk *w, void (*each)(struct walk *w, const struct json_item *m, void *ctx), void *ctx)
{
    struct json_items in;
    struct json_item m;
    if (!json_walk_open(&w->in, '{', &in))
        return false;
    while (json_walk_next(&w->in, &in, &m)) {
        if (!json_walk_skip(&w->in))
            return false;
        if (json_walk_is(m.name, MEMBER))
            each(w, &m, ctx);
    }
    return in.ok && json_walk_end(&w->in);
}

static void replace_value(struct walk *w, const struct json_item *m, void *ctx)
{
    const struct str *value = ctx;
    change_string(w, m->value, w->in.at, *value);
}

static void note_value(struct walk *w, const struct json_item *m, void *ctx)
{
    struct str *ret = ctx;
    *ret = (struct str){w->in.text.p + m->value, w->in.at - m->value};
}

struct str callback_member(struct str body)
{
    struct walk w = {.in = json_walk(body)};
    struct str found = {NULL, 0};
    return each_member(&w, note_value, &found) ? found : (struct str){NULL, 0};
}

static void add_member(struct walk *w, size_t brace, struct str value)
{
    struct json_walk look = {.text = w->in.text, .at = brace + 1};
    json_walk_space(&look);
    change(w, brace + 1, brace + 1, STR("\"" MEMBER "\":"));
    change_string(w, brace + 1, brace + 1, value);
    if (json_walk_now(&look) != '}')
        buf_putc(w->out, ',');
}

int callback_put(struct str body, struct str value, struct buf *out, struct err *e)
{
    struct walk w = {.in = json_walk(body), .out = out};
    size_t brace = w.in.at, before = out->len;
    if (!each_member(&w, replace_value, &value)) {
        if (!out->failed)
            out->len = before;
        return err_set(e, WL_EINVAL, "the body must be a JSON object");
    }
    if (!w.changed)
        add_member(&w, brace, value);
    copy_rest(&w);
    return out->failed ? err_set(e, WL_ETOOBIG, "the body is too large") : 0;
}

/* --- taking it out --------------------------------------------------------------------------------------------------- */

/* Whether what stands between these quotes is our mark; *ret_own is then the client's part of it, as written. */
static bool is_ours(const struct callback_key *k, struct str written, struct callback *ret, struct str *ret_own)
{
    char text[MARK_MAX];
    size_t n = 0;
    int c = 0;
    while (n < sizeof text && c != '|' && (c = json_walk_ascii(&written)) >= 0)
        text[n++] = (char)c;
    if (!callback_read(k, (struct str){text, n}, ret) || (ret->own.p == NULL && written.n > 0))
        return false;
    ret->own = (struct str){NULL, 0};
    *ret_own = written;
    return true;
}

/* An object on the way. */
struct object {
    size_t open;   /* its brace */
    bool any_left; /* a member before this one stays */
    bool searched, by_our_id;
    struct callback c; /* of the mark in it, when by_our_id */
};

/* Whether there is our mark in it, and the client knows the message by our id. Looked for once: the names may be many. */
static bool find_our_id(const struct walk *w, struct object *o)
{
    struct json_walk look = {.text = w->in.text, .at = o->open};
    struct json_items in;
    struct json_item m;
    if (o->searched)
        return o->by_our_id;
    o->searched = true;
    (void)json_walk_open(&look, '{', &in);
    while (!o->by_our_id && json_walk_next(&look, &in, &m)) {
        struct str value, own;
        bool maybe = json_walk_now(&look) == '"' && json_walk_is(m.name, MEMBER);
        if (maybe ? !json_walk_string(&look, &value) : !json_walk_skip(&look))
            break;
        o->by_our_id = maybe && is_ours(w->restore->key, value, &o->c, &own) && (o->c.flags & CALLBACK_OUR_ID) != 0;
    }
    return o->by_our_id;
}

static bool walk_value(struct walk *w);

/* Takes the member out, and the comma that it makes one too many. */
static void drop(struct walk *w, const struct json_item *m, bool first)
{
    struct json_walk behind = w->in;
    json_walk_space(&behind);
    if (!first)
        change(w, m->lead - 1, behind.at, STR(""));
    else if (json_walk_now(&behind) == ',')
        change(w, m->lead, behind.at + 1, STR(""));
    else
        change(w, m->from, w->in.at, STR(""));
}

/* Our mark becomes what the client gave. False: the member is gone. */
static bool give_own(struct walk *w, const struct json_item *m, const struct callback *c, struct str own, bool first)
{
    const struct callback_restore *r = w->restore;
    struct buf aside;
    bool kept = (c->flags & CALLBACK_OWN) != 0;
    buf_init(&aside, 1u << 20);
    if (kept && (c->flags & CALLBACK_ASIDE) == 0) {
        change(w, m->value + 1, w->in.at - 1, own);
    } else if (kept && r->aside != NULL && r->aside(r->ctx, c->bucket, c->message, &aside)) {
        change_string(w, m->value, w->in.at, buf_str(&aside));
    } else {
        drop(w, m, first);
        kept = false;
    }
    buf_done(&aside);
    return kept;
}

static void give_our_id(struct walk *w, const struct json_item *m, const struct callback *c)
{
    struct buf id;
    buf_init(&id, 256);
    w->restore->our_id(w->restore->ctx, c->bucket, c->message, &id);
    change_string(w, m->value, w->in.at, buf_str(&id));
    buf_done(&id);
}

static bool walk_string(struct walk *w, const struct json_item *m, struct object *o, bool *ret_kept)
{
    struct str value, own;
    struct callback c;
    if (!json_walk_string(&w->in, &value))
        return false;
    if (json_walk_is(m->name, MEMBER) && is_ours(w->restore->key, value, &c, &own))
        *ret_kept = give_own(w, m, &c, own, !o->any_left);
    else if (json_walk_is(m->name, "id") && find_our_id(w, o))
        give_our_id(w, m, &o->c);
    return true;
}

static bool walk_object(struct walk *w)
{
    struct object o = {.open = w->in.at};
    struct json_items in;
    struct json_item m;
    (void)json_walk_open(&w->in, '{', &in);
    while (json_walk_next(&w->in, &in, &m)) {
        bool kept = true;
        if (!(json_walk_now(&w->in) == '"' ? walk_string(w, &m, &o, &kept) : walk_value(w)))
            return false;
        o.any_left |= kept;
    }
    return in.ok;
}

static bool walk_array(struct walk *w)
{
    struct json_items in;
    struct json_item element;
    (void)json_walk_open(&w->in, '[', &in);
    while (json_walk_next(&w->in, &in, &element))
        if (!walk_value(w))
            return false;
    return in.ok;
}

static bool walk_value(struct walk *w)
{
    char c = json_walk_now(&w->in);
    if (c != '{' && c != '[')
        return json_walk_skip(&w->in);
    if (w->depth == JSON_MAX_DEPTH)
        return false;
    w->depth++;
    bool ok = c == '{' ? walk_object(w) : walk_array(w);
    w->depth--;
    return ok;
}

bool callback_restore(const struct callback_restore *r, struct str body, struct buf *out)
{
    size_t before = out->len;
    struct walk w = {.in = json_walk(body), .out = out, .restore = r};
    if (!walk_value(&w) || !json_walk_end(&w.in)) {
        out->len = before;
        return false;
    }
    if (w.changed)
        copy_rest(&w);
    return w.changed;
}
