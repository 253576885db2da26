/* SPDX-License-Identifier: Apache-2.0
 * people_words.c - what people said, kept with the name they said it under.
 *
 * Whose a name is is learned, late and sometimes anew. So what was said stays with the name, and the state in the person's
 * row, the only one decisions read, is the fold over the names the person has (consent_of_voices()). It is worked out anew
 * when something is said and when names come or go; then any order of the same news gives the same state. States of before
 * words had names are given to all names of the person. */
#include "store/ledger.h"
#include "store/ledger_audit.h"
#include "store/people_rows.h"

#define VOICES_MAX 256 /* the names learned last; nobody has as many */

/* added_at >= 0 is always so: it makes the planner take the index by person instead of walking the bucket. */
STATEMENT(voices_of, "SELECT kind, value, since, said FROM person_identity WHERE bucket = $1 AND contact = $2 AND "
                     "added_at >= 0 ORDER BY added_at DESC, kind, value LIMIT $3");
STATEMENT(voice_say,
          "UPDATE person_identity SET said = $1 WHERE bucket = $2 AND tenant = $3 AND kind = $4 AND value = $5");
STATEMENT(claimants, "SELECT contact FROM identity_claim WHERE bucket = $1 AND kind = $2 AND value = $3 ORDER BY since "
                     "LIMIT 64");

struct voices {
    size_t n;
    struct identity name[VOICES_MAX];
    struct consent_voice voice[VOICES_MAX];
};

static bool says_anything(const struct consent_state *s)
{
    bool any = s->platform_stop || s->platform_at != 0;
    for (int c = 0; c < CATEGORY_COUNT; c++)
        any = any || s->of[c].status != CONSENT_NONE;
    return any;
}

static int read_voices(struct store *s, const struct person *p, struct voices *ret, struct err *e)
{
    struct db_stmt *q;
    ret->n = 0;
    int rc = db_prepare(s, &voices_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, p->bucket);
    db_i64(q, p->id);
    db_i64(q, VOICES_MAX);
    while (ret->n < VOICES_MAX && (rc = db_step(q, e)) == 1) {
        struct identity *name = &ret->name[ret->n];
        struct consent_voice *v = &ret->voice[ret->n++];
        *v = (struct consent_voice){.since = 0};
        memset(name, 0, sizeof *name);
        name->kind = (enum identity_kind)col_i64(q);
        col_chars(q, name->value, sizeof name->value);
        v->since = col_i64(q);
        struct str packed = col_blob(q);
        if (consent_unpack(packed.p, packed.n, &v->said) != 0)
            rc = err_set(e, WL_EIO, "database: what was said under a name cannot be read");
        if (rc < 0)
            break;
    }
    db_reset(q);
    return rc < 0 ? rc : 0;
}

static int write_voice(struct store *s, int bucket, const struct identity *name, const struct consent_state *said,
                       struct err *e)
{
    uint8_t packed[CONSENT_PACKED_MAX];
    struct db_stmt *q;
    int rc = db_prepare(s, &voice_say, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, packed, consent_pack(said, packed));
    db_i64(q, bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    return db_exec(q, NULL, e);
}

/* Whether two people were heard with the name. */
static int was_shared(struct store *s, int bucket, const struct identity *name, bool *ret, struct err *e)
{
    int64_t id[64], first = 0;
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &claimants, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    while (n < 64 && (rc = db_step(q, e)) == 1)
        id[n++] = col_i64(q);
    db_reset(q);
    *ret = false;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        int64_t root = -1; /* of somebody who was erased */
        rc = id[i] != 0 ? person_root(s, bucket, id[i], &root, e) : 0;
        first = first != 0 ? first : root;
        *ret = *ret || root != first;
    }
    return rc < 0 ? rc : 0;
}

static int seed(struct store *s, const struct person *p, struct voices *v, struct err *e)
{
    int rc = 0;
    if (!says_anything(&p->consent))
        return 0;
    for (size_t i = 0; i < v->n; i++)
        if (says_anything(&v->voice[i].said))
            return 0;
    for (size_t i = 0; i < v->n && rc == 0; i++) {
        v->voice[i].said = p->consent;
        rc = write_voice(s, p->bucket, &v->name[i], &p->consent, e);
    }
    return rc;
}

int words_seed(struct store *s, const struct person *p, struct err *e)
{
    struct voices v;
    int rc = says_anything(&p->consent) ? read_voices(s, p, &v, e) : 0;
    return rc == 0 && says_anything(&p->consent) ? seed(s, p, &v, e) : rc;
}

int words_refuse(struct store *s, const struct person *p, enum consent_act act, int category, int64_t said,
                 const char *why, int64_t now, struct err *e)
{
    static const char *const how[] = {"", "{\"refusal\":\"listed\"}", "{\"refusal\":\"asserted\"}",
                                      "{\"refusal\":\"own_words\"}"};
    enum consent_rank needs = act == CONSENT_WITHDRAW ? consent_needs(&p->consent.of[category]) : CONSENT_RANK_NONE;
    struct consent_row row = {.bucket = p->bucket,
                              .id = store_id(s, now),
                              .contact = p->id,
                              .event = {act, CONSENT_SCOPE(category), said, needs, 0},
                              .recorded_at = now,
                              .method = str_of(why),
                              .evidence = str_of(how[needs]), /* as strong as what it repeats */
                              .actor = STR(CONSENT_ACTOR_GATEWAY)};
    return ledger_append(s, &row, 1, NULL, e);
}

/* Where the fold refuses and would not, had the names been known to be one person's from the beginning: said in the ledger.
 * *v is used up. */
static int explain(struct store *s, const struct person *p, struct voices *v, const char *why, int64_t now,
                   struct err *e)
{
    struct consent_state plain;
    int rc = 0;
    for (size_t i = 0; i < v->n; i++) {
        v->voice[i].since = 0;
        v->voice[i].refusals_only = false;
    }
    consent_of_voices(v->voice, v->n, &plain);
    for (int c = 0; c < CATEGORY_COUNT && rc == 0; c++)
        if (plain.of[c].status == CONSENT_GRANTED && p->consent.of[c].status == CONSENT_WITHDRAWN)
            rc = words_refuse(s, p, CONSENT_WITHDRAW, c, p->consent.of[c].at, why, now, e);
    if (rc == 0 && !plain.platform_stop && p->consent.platform_stop)
        rc = words_refuse(s, p, CONSENT_STOP, CATEGORY_MARKETING, p->consent.platform_at, why, now, e);
    return rc;
}

static int fold(struct store *s, struct person *p, struct voices *v, const char *why, int64_t now, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < v->n && rc == 0; i++)
        if (v->name[i].kind != IDENTITY_USER_ID && says_anything(&v->voice[i].said))
            rc = was_shared(s, p->bucket, &v->name[i], &v->voice[i].refusals_only, e);
    if (rc != 0)
        return rc;
    consent_of_voices(v->voice, v->n, &p->consent);
    return why != NULL && v->n > 1 ? explain(s, p, v, why, now, e) : 0;
}

int words_fold(struct store *s, struct person *p, const char *why, int64_t now, struct err *e)
{
    struct voices v;
    int rc = read_voices(s, p, &v, e);
    if (rc == 0)
        rc = seed(s, p, &v, e);
    return rc == 0 ? fold(s, p, &v, why, now, e) : rc;
}

int people_fold(struct store *s, const struct person *p, struct consent_state *ret, struct err *e)
{
    struct voices v;
    struct person copy = *p;
    bool any = false;
    int rc = read_voices(s, p, &v, e);
    for (size_t i = 0; rc == 0 && i < v.n; i++)
        any = any || says_anything(&v.voice[i].said);
    if (rc == 0 && any)
        rc = fold(s, &copy, &v, NULL, 0, e);
    if (rc == 0)
        *ret = copy.consent;
    return rc;
}

static bool is_theirs(const struct voices *v, const struct identity *name, size_t *ret)
{
    for (size_t i = 0; name != NULL && i < v->n; i++)
        if (v->name[i].kind == name->kind && strcmp(v->name[i].value, name->value) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

static int say(struct store *s, struct person *p, const struct identity *under, const struct consent_event *ev,
               int64_t now, struct err *e)
{
    struct voices v;
    size_t one = 0;
    int rc = read_voices(s, p, &v, e);
    if (rc == 0)
        rc = seed(s, p, &v, e);
    bool alone = rc == 0 && is_theirs(&v, under, &one);
    for (size_t i = 0; i < v.n && rc == 0; i++) {
        struct consent_state before = v.voice[i].said;
        if (alone && i != one)
            continue;
        consent_apply(&v.voice[i].said, ev);
        if (memcmp(&before, &v.voice[i].said, sizeof before) != 0)
            rc = write_voice(s, p->bucket, &v.name[i], &v.voice[i].said, e);
    }
    if (rc == 0)
        rc = fold(s, p, &v, "merge", now, e);
    return rc == 0 ? people_save(s, p, 1, e) : rc;
}

int people_say(struct store *s, struct person *p, const struct identity *under, const struct consent_event *ev,
               int64_t now, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, say(s, p, under, ev, now, e));
}
