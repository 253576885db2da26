/* SPDX-License-Identifier: Apache-2.0
 * http_url.c - where a URL points: its scheme, host and port, and whether a request can be sent there at all.
 *
 * Strict, because what passes here stands in a request line: no user, no fragment, nothing but visible ASCII. Names are
 * not looked up; that is done, and what they resolve to judged, when a connection is made (http_client_conn.c). */
#include <string.h>

#include "net/http_client_impl.h"

static bool port_ok(struct str s)
{
    int64_t n;
    return s.n > 0 && s.n <= 5 && s.p[0] != '-' && str_i64(s, &n) && n > 0 && n < 65536;
}

/* Nothing a request line could be broken with, and no fragment. */
static bool url_clean(struct str url)
{
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f || url.p[i] == '#')
            return false;
    return true;
}

/* "host", "host:port" or "[v6]:port" */
static bool split_authority(struct str authority, struct str *host, struct str *port)
{
    struct str rest;
    if (authority.p[0] != '[') {
        *host = str_cut(authority, ':', &rest);
        if (rest.p != NULL)
            *port = rest;
        return host->n > 0;
    }
    *host = str_cut((struct str){authority.p + 1, authority.n - 1}, ']', &rest);
    if (rest.n > 0)
        *port = (struct str){rest.p + 1, rest.n - 1};
    return host->n > 0 && rest.p != NULL && (rest.n == 0 || rest.p[0] == ':');
}

bool url_place(struct str url, struct place *ret)
{
    struct place p = {.tls = str_starts(url, STR("https://"))};
    size_t at = p.tls ? 8 : 7;
    if ((!p.tls && !str_starts(url, STR("http://"))) || !url_clean(url))
        return false;
    size_t end = at;
    while (end < url.n && url.p[end] != '/' && url.p[end] != '?')
        end++;
    p.authority = (struct str){url.p + at, end - at};
    if (p.authority.n == 0 || p.authority.n > 300 || memchr(p.authority.p, '@', p.authority.n) != NULL)
        return false;
    p.port = p.tls ? STR("443") : STR("80");
    if (!split_authority(p.authority, &p.host, &p.port) || !port_ok(p.port))
        return false;
    *ret = p;
    return true;
}

int http_url_check(struct str url, enum http_reach reach, struct err *e)
{
    struct place p;
    char host[300] = "";
    if (!url_place(url, &p))
        return err_set(e, WL_EINVAL, "a URL is http:// or https://, a host, and no user or fragment");
    if (p.host.n < sizeof host)
        memcpy(host, p.host.p, p.host.n);
    if (!address_text_within(host, reach))
        return err_set(e, WL_EINVAL, "%s", address_refused);
    return 0;
}
