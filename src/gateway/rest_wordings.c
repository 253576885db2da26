/* SPDX-License-Identifier: Apache-2.0
 * rest_wordings.c - the wordings people were shown: all of them with how many rest on each, and one by its hash.
 *
 * A wording is named by the SHA-256 of its text, which is how the records in the ledger name it. */
#include "gateway/rest_person.h"
#include "store/wordings.h"

#define WORDINGS_SHOWN 1000

static void put_wording(struct json_out *o, const struct wording *w, bool counted)
{
    char hex[SHA256_HEX];
    hex_encode(w->hash, SHA256_BYTES, hex);
    jo_object(o);
    jo_kcstr(o, "sha256", hex);
    jo_kstr(o, "language", w->language);
    rest_time(o, "first_at", w->first_at);
    if (counted) {
        jo_kint(o, "events", w->events);
        jo_kint(o, "people", w->people);
    }
    jo_kstr(o, "text", w->text);
    jo_end(o);
}

int rest_wordings_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct wording *w;
    size_t n = 0;
    (void)now;
    int rc = wordings_list(s, WORDINGS_SHOWN, a, &w, &n, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    jo_key(&c->out, "wordings");
    jo_array(&c->out);
    for (size_t i = 0; i < n; i++)
        put_wording(&c->out, &w[i], true);
    jo_end(&c->out);
    jo_end(&c->out);
    return 0;
}

int rest_wording(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    uint8_t hash[SHA256_BYTES];
    struct err why = {0};
    struct wording w;
    (void)now;
    if (!rest_read_hash(c->param, hash))
        return rest_wrong(c, WL_EINVAL, "sha256", "a wording is named by the 64 hex digits of its SHA-256");
    int rc = wording_get(s, hash, a, &w, &why);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "no wording with this SHA-256 is known");
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    put_wording(&c->out, &w, false);
    return 0;
}
