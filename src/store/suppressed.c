/* SPDX-License-Identifier: Apache-2.0
 * suppressed.c - the rows of hashed names, and what follows when one is met.
 *
 * A row outlives the meeting: the person may be erased once more. Of two refusals under one name the later one counts, of their
 * scopes both. */
#include "store/suppressed.h"

#include <string.h>

#include "store/ledger.h"
#include "store/people_rows.h"

#define METHOD  "suppression"
#define CHECKED STR("wayleave: the key names are hashed under") /* begins like no name does */

STATEMENT(suppressed_upsert,
          "INSERT INTO suppressed (bucket, hash, scope, at, platform_at) VALUES ($1, $2, $3, $4, $5) "
          "ON CONFLICT (bucket, hash) DO UPDATE SET scope = suppressed.scope | excluded.scope, "
          "at = CASE WHEN excluded.at > suppressed.at THEN excluded.at ELSE suppressed.at END, "
          "platform_at = CASE WHEN excluded.platform_at > suppressed.platform_at THEN excluded.platform_at ELSE "
          "suppressed.platform_at END");
STATEMENT(key_check_get, "SELECT value FROM meta WHERE name = 'suppress_key'");
STATEMENT(key_check_set, "INSERT INTO meta (name, value) VALUES ('suppress_key', $1) ON CONFLICT (name) DO NOTHING");
STATEMENT(suppressed_by_hash, "SELECT hash, scope, at, platform_at FROM suppressed WHERE bucket = $1 AND hash = $2");
STATEMENT(suppressed_page, "SELECT hash, scope, at, platform_at FROM suppressed WHERE bucket = $1 AND hash > $2 "
                           "ORDER BY hash LIMIT $3");

void store_pepper(struct store *s, const uint8_t key[SUPPRESS_KEY_BYTES])
{
    memcpy(s->pepper, key, sizeof s->pepper);
    s->peppered = true;
}

void suppress_hash(const uint8_t key[SUPPRESS_KEY_BYTES], const struct identity *name, uint8_t ret[SHA256_BYTES])
{
    char text[IDENTITY_TEXT_MAX];
    hmac_sha256((struct str){(const char *)key, SUPPRESS_KEY_BYTES}, identity_text(name, text), ret);
}

static int64_t key_check(const struct store *s)
{
    uint8_t mac[SHA256_BYTES];
    uint64_t v = 0;
    hmac_sha256((struct str){(const char *)s->pepper, SUPPRESS_KEY_BYTES}, CHECKED, mac);
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | mac[i];
    return (int64_t)(v >> 1);
}

int suppress_key_fits(struct store *s, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &key_check_get, &q, e);
    if (rc == 0)
        rc = db_step(q, e);
    if (rc < 0)
        return rc;
    bool fits = rc == 0 || col_i64(q) == key_check(s); /* none: nobody was erased yet */
    db_reset(q);
    return fits ? 0
                : err_set(e, WL_ECONFLICT,
                          "suppress.key is not the key under which the names of people who were erased were hashed");
}

static int keep_check(struct store *s, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &key_check_set, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, key_check(s));
    return db_exec(q, NULL, e);
}

static int put(struct store *s, int bucket, const struct suppressed *v, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &suppressed_upsert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_blob(q, v->hash, sizeof v->hash);
    db_i64(q, (int64_t)v->scope);
    db_i64(q, v->at);
    db_i64(q, v->platform_at);
    return db_exec(q, NULL, e);
}

int suppressed_put(struct store *s, int bucket, const struct suppressed *v, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put(s, bucket, &v[i], e);
    return write_end(s, rc);
}

int suppress_names(struct store *s, int bucket, const struct identity *name, size_t n, const struct suppressed *v,
                   struct err *e)
{
    struct suppressed row = *v;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    if (!s->peppered)
        rc = err_set(e, WL_EBUG, "names are to be hashed, and this handle has no key for it");
    for (size_t i = 0; i < n && rc == 0; i++) {
        suppress_hash(s->pepper, &name[i], row.hash);
        rc = put(s, bucket, &row, e);
    }
    if (rc == 0)
        rc = keep_check(s, e);
    return write_end(s, rc);
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct suppressed *v = row;
    struct str hash = col_blob(q);
    (void)a;
    if (hash.n != SHA256_BYTES)
        return err_set(e, WL_ECORRUPT, "database: a hashed name has another length");
    memcpy(v->hash, hash.p, SHA256_BYTES);
    v->scope = (consent_scope)col_i64(q);
    v->at = col_i64(q);
    v->platform_at = col_i64(q);
    return 0;
}

int suppressed_list(struct store *s, int bucket, const uint8_t *after, size_t max, struct arena *a,
                    struct suppressed **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &suppressed_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_blob(q, after, after != NULL ? SHA256_BYTES : 0);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_row, ret, ret_n, e);
}

static int find(struct store *s, const struct person *p, const struct identity *name, struct suppressed *ret,
                bool *found, struct err *e)
{
    uint8_t hash[SHA256_BYTES];
    struct db_stmt *q;
    suppress_hash(s->pepper, name, hash);
    int rc = db_prepare(s, &suppressed_by_hash, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, p->bucket);
    db_blob(q, hash, sizeof hash);
    rc = db_step(q, e);
    *found = rc == 1;
    if (rc == 1)
        rc = read_row(q, NULL, ret, e);
    db_reset(q);
    return rc < 0 ? rc : 0;
}

static int say(struct store *s, struct person *p, const struct identity *name, struct consent_event event, int64_t now,
               struct err *e)
{
    char subject[IDENTITY_TEXT_MAX];
    const struct consent_ground ground = {.act = event.act, .method = STR(METHOD), .actor = STR(CONSENT_ACTOR_GATEWAY)};
    event.rank = (int)consent_rank(&ground, NULL);
    const struct consent_row row = {.bucket = p->bucket,
                                    .id = store_id(s, now),
                                    .contact = p->id,
                                    .event = event,
                                    .recorded_at = now,
                                    .method = ground.method,
                                    .actor = ground.actor,
                                    .subject = identity_text(name, subject)};
    int rc = ledger_append(s, &row, 1, NULL, e);
    if (rc == 0)
        rc = people_get(s, p->bucket, p->id, p, e);
    return rc == 0 ? people_say(s, p, name, &event, now, e) : rc;
}

int suppressed_meet(struct store *s, struct person *p, const struct identity *name, int64_t now, struct err *e)
{
    struct suppressed v;
    bool found = false;
    if (!s->peppered)
        return 0;
    int rc = find(s, p, name, &v, &found, e);
    if (rc != 0 || !found)
        return rc;
    if (v.scope != 0)
        rc = say(s, p, name, (struct consent_event){.act = CONSENT_WITHDRAW, .scope = v.scope, .at = v.at}, now, e);
    if (rc == 0 && v.platform_at != 0)
        rc = say(s, p, name,
                 (struct consent_event){.act = CONSENT_STOP,
                                        .scope = CONSENT_SCOPE(CATEGORY_MARKETING),
                                        .at = v.platform_at},
                 now, e);
    return rc == 0 ? people_get(s, p->bucket, p->id, p, e) : rc;
}
