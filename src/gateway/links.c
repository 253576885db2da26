/* SPDX-License-Identifier: Apache-2.0
 * links.c - finds the strings to rewrite by walking the JSON text once.
 *
 * The walk knows just enough JSON to tell keys from values and to remember the key of the object it stands in; the text
 * has been validated before. A media address is signed only where an answer describes a media file, and only for Meta's
 * hosts; the media route checks signature and host again, so it is no open proxy. */
#include "gateway/links.h"

#include <stdio.h>

#include "base/digest.h"
#include "net/form.h"

#define URL_MAX         4096
#define SIGNATURE_BYTES 16

static const char *const media_hosts[] = {".fbsbx.com",    ".fbcdn.net",    ".whatsapp.net",
                                          ".facebook.com", ".whatsapp.com", NULL};

static struct str host_of(struct str url)
{
    for (size_t i = 0; i + 2 < url.n; i++) {
        if (memcmp(url.p + i, "://", 3) == 0) {
            struct str host = {url.p + i + 3, 0};
            while (host.p + host.n < url.p + url.n && strchr("/?#", host.p[host.n]) == NULL)
                host.n++;
            return host;
        }
    }
    return (struct str){NULL, 0};
}

bool links_media_host(struct str url, struct str upstream)
{
    struct str host = host_of(url);
    if (host.n == 0 || memchr(host.p, '@', host.n) != NULL || memchr(host.p, '\\', host.n) != NULL)
        return false;
    if (str_eq(host, host_of(upstream)))
        return str_starts(url, (struct str){upstream.p, upstream.n - host.n});
    if (!str_starts(url, STR("https://")))
        return false;
    for (size_t i = 0; media_hosts[i] != NULL; i++)
        if (str_ends(host, str_of(media_hosts[i])))
            return true;
    return false;
}

static void sign(const uint8_t link_key[32], struct str url, char ret[2 * SIGNATURE_BYTES + 1])
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256((struct str){(const char *)link_key, 32}, url, mac);
    hex_encode(mac, SIGNATURE_BYTES, ret);
}

bool links_open(const uint8_t link_key[32], struct str token, struct buf *ret_url)
{
    struct str signature, encoded = str_cut(token, '.', &signature);
    char want[2 * SIGNATURE_BYTES + 1];
    buf_init(ret_url, URL_MAX);
    if (base64url_decode(encoded, ret_url) && signature.n == 2 * SIGNATURE_BYTES) {
        sign(link_key, buf_str(ret_url), want);
        if (digest_equal(want, signature.p, signature.n))
            return true;
    }
    buf_done(ret_url);
    return false;
}

/* Unescapes a JSON string's inside; only what addresses contain: \/ and \uXXXX below 0x80. False: leave it alone. */
static bool unescape(struct str raw, struct buf *out)
{
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] != '\\') {
            buf_putc(out, raw.p[i]);
        } else if (i + 1 < raw.n && (raw.p[i + 1] == '/' || raw.p[i + 1] == '\\' || raw.p[i + 1] == '"')) {
            buf_putc(out, raw.p[++i]);
        } else if (i + 5 < raw.n && raw.p[i + 1] == 'u') {
            uint8_t code[2];
            size_t n;
            if (!hex_decode((struct str){raw.p + i + 2, 4}, code, 2, &n) || code[0] != 0 || code[1] > 0x7f)
                return false;
            buf_putc(out, (char)code[1]);
            i += 5;
        } else {
            return false;
        }
    }
    return !out->failed;
}

struct walk {
    const struct link_rewrite *r;
    struct str text;
    bool media;                            /* the answer describes one media file */
    struct str key;                        /* of the value that comes next, {NULL,0} in arrays */
    struct str parent[JSON_MAX_DEPTH + 1]; /* key of the object at each depth */
    int depth;
};

/* Which of the two kinds of link the next string may be: by its key and by where it stands. */
static bool is_paging(const struct walk *w)
{
    return (str_eq(w->key, STR("next")) || str_eq(w->key, STR("previous"))) && w->depth > 0 &&
           str_eq(w->parent[w->depth], STR("paging"));
}

static bool is_media(const struct walk *w)
{
    return w->media && w->depth == 1 && str_eq(w->key, STR("url"));
}

/* The rewritten inside of the string, or false when it is no link of ours. */
static bool rewrite_one(const struct walk *w, struct str raw, struct buf *out)
{
    const struct link_rewrite *r = w->r;
    struct buf url;
    buf_init(&url, URL_MAX);
    bool paging = is_paging(w), media = is_media(w), done = false;
    if ((paging || media) && unescape(raw, &url)) {
        struct str u = buf_str(&url);
        if (paging && str_starts(u, r->upstream) && u.n > r->upstream.n && u.p[r->upstream.n] == '/') {
            buf_putstr(out, r->ours);
            for (size_t i = r->upstream.n; i < u.n; i++) {
                if (u.p[i] == '"' || u.p[i] == '\\')
                    buf_putc(out, '\\');
                buf_putc(out, u.p[i]);
            }
            done = true;
        } else if (media && links_media_host(u, r->upstream)) {
            char signature[2 * SIGNATURE_BYTES + 1];
            sign(r->link_key, u, signature);
            buf_putstr(out, r->ours);
            buf_puts(out, MEDIA_LINK_PREFIX);
            base64url_encode(out, u.p, u.n);
            buf_printf(out, ".%s", signature);
            done = true;
        }
    }
    buf_done(&url);
    return done;
}

/* Position just behind the string that starts at text[i] == '"'. */
static size_t string_end(struct str text, size_t i)
{
    for (i++; i < text.n && text.p[i] != '"'; i++)
        i += text.p[i] == '\\';
    return i + 1;
}

/* The string that starts at `at` is a key when a colon follows it. */
static bool is_key(struct str text, size_t end)
{
    while (end < text.n && (text.p[end] == ' ' || text.p[end] == '\n' || text.p[end] == '\r' || text.p[end] == '\t'))
        end++;
    return end < text.n && text.p[end] == ':';
}

/* Copies what came before the string's inside and the rewritten inside; `*copied` moves behind it. */
static bool replace(const struct walk *w, struct str inside, struct buf *out, size_t *copied)
{
    struct buf fresh;
    buf_init(&fresh, 2 * URL_MAX);
    bool done = w->key.p != NULL && rewrite_one(w, inside, &fresh) && !fresh.failed;
    if (done) {
        size_t at = (size_t)(inside.p - w->text.p);
        buf_put(out, w->text.p + *copied, at - *copied);
        buf_putstr(out, buf_str(&fresh));
        *copied = at + inside.n;
    }
    buf_done(&fresh);
    return done;
}

/* Brackets and commas: which object we are in, and that a key has had its value. */
static void step(struct walk *w, char c)
{
    if ((c == '{' || c == '[') && w->depth < JSON_MAX_DEPTH) {
        w->parent[++w->depth] = c == '{' ? w->key : (struct str){NULL, 0};
        w->key = (struct str){NULL, 0};
    } else if ((c == '}' || c == ']') && w->depth > 0) {
        w->depth--;
        w->key = (struct str){NULL, 0};
    } else if (c == ',') {
        w->key = (struct str){NULL, 0};
    }
}

/* Media files are described by one object with an address, a type, a hash and a size; nothing else is signed. */
static bool describes_media(struct json root)
{
    return json_type(json_get(root, "url")) == JSON_STRING && json_type(json_get(root, "mime_type")) == JSON_STRING &&
           (json_type(json_get(root, "sha256")) != JSON_ABSENT ||
            json_type(json_get(root, "file_size")) != JSON_ABSENT);
}

bool links_rewrite(const struct link_rewrite *r, struct json root, struct str text, struct buf *out)
{
    bool changed = false;
    struct walk w = {.r = r, .text = text, .media = describes_media(root)};
    size_t copied = 0, i = 0;
    while (i < text.n) {
        if (text.p[i] != '"') {
            step(&w, text.p[i++]);
            continue;
        }
        size_t end = string_end(text, i);
        if (end > text.n)
            break; /* not valid JSON after all: leave the rest alone */
        struct str inside = {text.p + i + 1, end - i - 2};
        if (is_key(text, end))
            w.key = inside;
        else
            changed |= replace(&w, inside, out, &copied);
        i = end;
    }
    buf_put(out, text.p + copied, text.n - copied);
    return changed && !out->failed;
}
