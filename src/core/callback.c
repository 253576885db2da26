/* SPDX-License-Identifier: Apache-2.0
 * callback.c - the mark as text, and the two changes of JSON texts it takes.
 *
 * A mark has one spelling only: it is read by taking its numbers out, writing them again and comparing. The tag, 80 bits
 * of an HMAC over what stands before it, is compared in constant time. It says that we wrote the mark, not who sent the
 * message that carries it: every app that is subscribed at Meta sees our marks and could send one again. Such apps
 * belong to the same business; what they can do is to have a message of ours counted as sent twice.
 *
 * JSON texts are walked, not parsed and written again: a cursor skips over strings, numbers and brackets and remembers up
 * to where the text was copied. Names are compared with their escapes undone, because whoever reads the text for real
 * does so too; of a value only the mark is decoded, and the client's own part of it is copied as it was written. A text
 * that is no JSON is left alone. It refuses to look into strings: JSON inside a string is somebody's content. */
#include "core/callback.h"

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

/* --- walking a JSON text --------------------------------------------------------------------------------------------- */

struct walk {
    struct str text;
    size_t at;
    int depth;
    size_t copied; /* up to here the text stands in `out`, changed */
    struct buf *out;
    bool changed;
    const struct callback_restore *restore;
};

/* One member of an object. */
struct member {
    size_t lead;     /* behind the '{' or ',' before it */
    size_t from;     /* its name's quote */
    struct str name; /* between the quotes, as written */
    size_t value, end;
};

static char now_at(const struct walk *w)
{
    return w->at < w->text.n ? w->text.p[w->at] : '\0';
}

static void skip_space(struct walk *w)
{
    for (char c = now_at(w); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = now_at(w))
        w->at++;
}

static bool take_char(struct walk *w, char c)
{
    if (now_at(w) != c)
        return false;
    w->at++;
    return true;
}

static bool skip_string(struct walk *w, struct str *ret)
{
    size_t from = w->at + 1;
    if (!take_char(w, '"'))
        return false;
    for (; w->at < w->text.n && w->text.p[w->at] != '"'; w->at++)
        w->at += w->text.p[w->at] == '\\';
    if (w->at >= w->text.n)
        return false;
    *ret = (struct str){w->text.p + from, w->at++ - from};
    return true;
}

/* From an opening bracket over its closing one. Brackets are only counted: whoever has to do with what is between them
 * looks at it himself. */
static bool skip_brackets(struct walk *w)
{
    struct str string;
    size_t open = 0;
    do {
        char c = now_at(w);
        if (c == '"') {
            if (!skip_string(w, &string))
                return false;
            continue;
        }
        open += c == '{' || c == '[';
        open -= c == '}' || c == ']';
        w->at++;
    } while (open > 0 && w->at < w->text.n);
    return open == 0;
}

static bool skip_value(struct walk *w)
{
    struct str string;
    size_t from = w->at;
    char c = now_at(w);
    if (c == '"')
        return skip_string(w, &string);
    if (c == '{' || c == '[')
        return skip_brackets(w);
    while (w->at < w->text.n && memchr(",:]}\" \t\r\n", w->text.p[w->at], 9) == NULL)
        w->at++;
    return w->at > from;
}

/* The head of the next member, `at` then being at its value. */
static bool take_name(struct walk *w, struct member *ret)
{
    ret->lead = w->at;
    skip_space(w);
    ret->from = w->at;
    if (!skip_string(w, &ret->name))
        return false;
    skip_space(w);
    if (!take_char(w, ':'))
        return false;
    skip_space(w);
    ret->value = w->at;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character at the front of what stands between quotes, when it is one of ASCII; *s moves over it. -1: another. */
static int take_ascii(struct str *s)
{
    if (s->n == 0 || (unsigned char)s->p[0] >= 0x80)
        return -1;
    int c = s->p[0];
    size_t n = 1;
    if (c == '\\') {
        if (s->n < 6 || s->p[1] != 'u')
            return -1; /* the short escapes stand for nothing that a name or a mark is made of */
        c = 0;
        for (n = 2; n < 6; n++) {
            int digit = hex_value(s->p[n]);
            c = digit < 0 || c < 0 ? -1 : c * 16 + digit;
        }
        if (c < 0 || c >= 0x80)
            return -1;
    }
    *s = (struct str){s->p + n, s->n - n};
    return c;
}

static bool is_name(struct str written, const char *name)
{
    for (; *name != '\0'; name++)
        if (take_ascii(&written) != *name)
            return false;
    return written.n == 0;
}

/* Puts `text` where [from, to) was. */
static void change(struct walk *w, size_t from, size_t to, struct str text)
{
    buf_put(w->out, w->text.p + w->copied, from - w->copied);
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
    buf_put(w->out, w->text.p + w->copied, w->text.n - w->copied);
    w->copied = w->text.n;
}

/* Behind the last value: nothing but space. */
static bool at_end(struct walk *w)
{
    skip_space(w);
    return w->at == w->text.n;
}

static struct walk walk_begin(struct str text, struct buf *out)
{
    struct walk w = {.text = text, .out = out};
    if (str_starts(text, STR("\xef\xbb\xbf")))
        w.at = 3;
    skip_space(&w);
    return w;
}

/* --- putting it in --------------------------------------------------------------------------------------------------- */

/* Calls each() for the members of the object at `at`, which ends behind it. False: no object. */
static bool each_member(struct walk *w, void (*each)(struct walk *w, const struct member *m, void *ctx), void *ctx)
{
    struct member m;
    if (!take_char(w, '{'))
        return false;
    skip_space(w);
    if (take_char(w, '}'))
        return true;
    do {
        if (!take_name(w, &m) || !skip_value(w))
            return false;
        m.end = w->at;
        each(w, &m, ctx);
        skip_space(w);
    } while (take_char(w, ','));
    return take_char(w, '}');
}

static void replace_value(struct walk *w, const struct member *m, void *ctx)
{
    const struct str *value = ctx;
    if (is_name(m->name, MEMBER))
        change_string(w, m->value, m->end, *value);
}

static void note_value(struct walk *w, const struct member *m, void *ctx)
{
    struct str *ret = ctx;
    if (is_name(m->name, MEMBER))
        *ret = (struct str){w->text.p + m->value, m->end - m->value};
}

struct str callback_member(struct str body)
{
    struct walk w = walk_begin(body, NULL);
    struct str found = {NULL, 0};
    return each_member(&w, note_value, &found) && at_end(&w) ? found : (struct str){NULL, 0};
}

static void add_member(struct walk *w, size_t brace, struct str value)
{
    struct walk look = {.text = w->text, .at = brace + 1};
    skip_space(&look);
    change(w, brace + 1, brace + 1, STR("\"" MEMBER "\":"));
    change_string(w, brace + 1, brace + 1, value);
    if (now_at(&look) != '}')
        buf_putc(w->out, ',');
}

int callback_put(struct str body, struct str value, struct buf *out, struct err *e)
{
    struct walk w = walk_begin(body, out);
    size_t brace = w.at, before = out->len;
    if (!each_member(&w, replace_value, &value) || !at_end(&w)) {
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
    while (n < sizeof text && c != '|' && (c = take_ascii(&written)) >= 0)
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
static bool find_our_id(struct walk w, struct object *o)
{
    struct member m;
    struct str value, own;
    if (o->searched)
        return o->by_our_id;
    o->searched = true;
    w.at = o->open + 1;
    do {
        if (!take_name(&w, &m))
            break;
        bool maybe = now_at(&w) == '"' && is_name(m.name, MEMBER);
        if (maybe ? !skip_string(&w, &value) : !skip_value(&w))
            break;
        o->by_our_id = maybe && is_ours(w.restore->key, value, &o->c, &own) && (o->c.flags & CALLBACK_OUR_ID) != 0;
        skip_space(&w);
    } while (!o->by_our_id && take_char(&w, ','));
    return o->by_our_id;
}

static bool walk_value(struct walk *w);

/* Takes the member out, and the comma that it makes one too many. */
static void drop(struct walk *w, const struct member *m, bool first)
{
    struct walk behind = *w;
    skip_space(&behind);
    if (!first)
        change(w, m->lead - 1, behind.at, STR(""));
    else if (now_at(&behind) == ',')
        change(w, m->lead, behind.at + 1, STR(""));
    else
        change(w, m->from, m->end, STR(""));
}

/* Our mark becomes what the client gave. False: the member is gone. */
static bool give_own(struct walk *w, const struct member *m, const struct callback *c, struct str own, bool first)
{
    const struct callback_restore *r = w->restore;
    struct buf aside;
    bool kept = (c->flags & CALLBACK_OWN) != 0;
    buf_init(&aside, 1u << 20);
    if (kept && (c->flags & CALLBACK_ASIDE) == 0) {
        change(w, m->value + 1, m->end - 1, own);
    } else if (kept && r->aside != NULL && r->aside(r->ctx, c->bucket, c->message, &aside)) {
        change_string(w, m->value, m->end, buf_str(&aside));
    } else {
        drop(w, m, first);
        kept = false;
    }
    buf_done(&aside);
    return kept;
}

static void give_our_id(struct walk *w, const struct member *m, const struct callback *c)
{
    struct buf id;
    buf_init(&id, 256);
    w->restore->our_id(w->restore->ctx, c->bucket, c->message, &id);
    change_string(w, m->value, m->end, buf_str(&id));
    buf_done(&id);
}

static bool walk_string(struct walk *w, struct member *m, struct object *o, bool *ret_kept)
{
    struct str value, own;
    struct callback c;
    if (!skip_string(w, &value))
        return false;
    m->end = w->at;
    if (is_name(m->name, MEMBER) && is_ours(w->restore->key, value, &c, &own))
        *ret_kept = give_own(w, m, &c, own, !o->any_left);
    else if (is_name(m->name, "id") && find_our_id(*w, o))
        give_our_id(w, m, &o->c);
    return true;
}

static bool walk_object(struct walk *w)
{
    struct object o = {.open = w->at++};
    struct member m;
    skip_space(w);
    if (take_char(w, '}'))
        return true;
    w->at = o.open + 1;
    do {
        bool kept = true;
        if (!take_name(w, &m) || !(now_at(w) == '"' ? walk_string(w, &m, &o, &kept) : walk_value(w)))
            return false;
        o.any_left |= kept;
        skip_space(w);
    } while (take_char(w, ','));
    return take_char(w, '}');
}

static bool walk_array(struct walk *w)
{
    w->at++;
    skip_space(w);
    if (take_char(w, ']'))
        return true;
    do {
        skip_space(w);
        if (!walk_value(w))
            return false;
        skip_space(w);
    } while (take_char(w, ','));
    return take_char(w, ']');
}

static bool walk_value(struct walk *w)
{
    char c = now_at(w);
    if (c != '{' && c != '[')
        return skip_value(w);
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
    struct walk w = walk_begin(body, out);
    w.restore = r;
    if (!walk_value(&w) || !at_end(&w)) {
        out->len = before;
        return false;
    }
    if (w.changed)
        copy_rest(&w);
    return w.changed;
}
