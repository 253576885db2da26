/* SPDX-License-Identifier: Apache-2.0
 * people_claims.c - a name is heard: whose is it, and are two persons one?
 *
 * The rules stand in people.h. A phone number or a parent id is claimed by the user id it is heard with; the row of the name
 * has the first time of its claim, and only names that were heard with more than one user id have rows of claims
 * (identity_claim), from which the owner is worked out anew whenever one is added or made older. Nothing else decides whose a
 * name is, so neither does the order in which news arrives. A person changes number or user id only by the platform's word
 * (people_rename()); the user id of before is `replaced`, the number of before is `left`: both stay the person's until somebody
 * else is heard with the number. Someone who changed and whose new user id was not told is whoever is heard with the new number
 * next.
 *
 * Somebody who is to be erased is merged with nobody: who is heard with their number takes it, as between two who each have a user
 * id, and they learn no names but those the platform says they changed to. */
#include <stdio.h>

#include "store/people_rows.h"
#include "store/suppressed.h"

STATEMENT(name_owner, "SELECT contact, replaced_at, claimed_at, claimed_by FROM person_identity "
                      "WHERE bucket = $1 AND tenant = $2 AND kind = $3 AND value = $4 LIMIT 1");
STATEMENT(name_give, "UPDATE person_identity SET contact = $1, claimed_at = $2, claimed_by = $3 "
                     "WHERE bucket = $4 AND tenant = $5 AND kind = $6 AND value = $7");
STATEMENT(name_since, "UPDATE person_identity SET since = $1 WHERE bucket = $2 AND tenant = $3 AND kind = $4 AND "
                      "value = $5 AND (since = 0 OR since > $1)");
STATEMENT(name_replaced, "UPDATE person_identity SET replaced_at = $1 WHERE bucket = $2 AND tenant = $3 AND kind = $4 "
                         "AND value = $5 AND replaced_at < $1");
/* added_at >= 0 is always so: it makes the planner take the index by person instead of walking the bucket. */
STATEMENT(names_together, "UPDATE person_identity SET since = $1 WHERE bucket = $2 AND contact = $3 AND added_at >= 0 "
                          "AND since = 0");
STATEMENT(name_of,
          "SELECT value FROM person_identity WHERE bucket = $1 AND contact = $2 AND added_at >= 0 AND kind = $3 "
          "AND replaced_at = 0 ORDER BY value LIMIT 1");
STATEMENT(phones_claim,
          "UPDATE person_identity SET claimed_at = $1, claimed_by = $2 WHERE bucket = $3 AND contact = $4 "
          "AND added_at >= 0 AND kind = $5 AND claimed_at = 0 AND replaced_at = 0");
STATEMENT(user_ids_before,
          "UPDATE person_identity SET replaced_at = $1 WHERE bucket = $2 AND contact = $3 AND added_at "
          ">= 0 AND kind = $4 AND replaced_at = 0 AND since < $1 AND value <> $5");
STATEMENT(claim_put,
          "INSERT INTO identity_claim (bucket, kind, value, user_id, since, contact) VALUES ($1, $2, $3, $4, "
          "$5, $6) ON CONFLICT (bucket, kind, value, user_id) DO UPDATE SET since = CASE WHEN excluded.since < "
          "identity_claim.since THEN excluded.since ELSE identity_claim.since END");
STATEMENT(claim_best,
          "SELECT contact, since, user_id FROM identity_claim WHERE bucket = $1 AND kind = $2 AND value = $3 "
          "ORDER BY since DESC, user_id LIMIT 1");

#define NO_USER_ID "-" /* a claim of somebody without one beside another's; contact 0: of somebody who was erased */

/* Who has a name, and why. contact 0: nobody. */
struct owner {
    int64_t contact, replaced_at, claimed_at;
    char claimed_by[IDENTITY_MAX];
};

/* --- rows ---------------------------------------------------------------------------------------------------------- */

static void bind_name(struct db_stmt *q, int bucket, const struct identity *name)
{
    db_i64(q, bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
}

static int owner_of(struct store *s, int bucket, const struct identity *name, struct owner *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &name_owner, &q, e);
    if (rc != 0)
        return rc;
    bind_name(q, bucket, name);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = (struct owner){.contact = 0};
    if (rc == 1) {
        ret->contact = col_i64(q);
        ret->replaced_at = col_i64(q);
        ret->claimed_at = col_i64(q);
        col_chars(q, ret->claimed_by, sizeof ret->claimed_by);
    }
    db_reset(q);
    return 0;
}

/* One current name of a person; kind NONE: none. */
static int current_name(struct store *s, int bucket, int64_t contact, enum identity_kind kind, struct identity *ret,
                        struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &name_of, &q, e);
    if (rc != 0)
        return rc;
    memset(ret, 0, sizeof *ret);
    db_i64(q, bucket);
    db_i64(q, contact);
    db_i64(q, kind);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    if (rc == 1) {
        ret->kind = kind;
        col_chars(q, ret->value, sizeof ret->value);
    }
    db_reset(q);
    return 0;
}

/* Runs a statement on the row of a name: one number, and the name. */
static int set_time(struct store *s, const struct statement *st, int bucket, const struct identity *name, int64_t at,
                    struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at);
    bind_name(q, bucket, name);
    return db_exec(q, NULL, e);
}

int identities_together(struct store *s, int bucket, int64_t contact, int64_t at, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &names_together, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at);
    db_i64(q, bucket);
    db_i64(q, contact);
    return db_exec(q, NULL, e);
}

static int give(struct store *s, int bucket, const struct identity *name, int64_t contact, int64_t at, const char *by,
                struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &name_give, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, contact);
    db_i64(q, at);
    db_text(q, str_of(by));
    bind_name(q, bucket, name);
    return db_exec(q, NULL, e);
}

/* A new name of a person's, which nobody had. */
static int insert(struct store *s, struct person *p, const struct identity *name, int64_t at, const char *by,
                  struct err *e)
{
    int rc = identity_insert(s, p->bucket, name, p->id, at, e);
    if (rc == 0 && by != NULL)
        rc = give(s, p->bucket, name, p->id, at, by, e);
    return rc == 0 ? suppressed_meet(s, p, name, at, e) : rc;
}

static int put_claim(struct store *s, int bucket, const struct identity *name, const char *by, int64_t at,
                     int64_t contact, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &claim_put, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    db_text(q, str_of(by));
    db_i64(q, at);
    db_i64(q, contact);
    return db_exec(q, NULL, e);
}

/* The owner by the claims there are; contact 0: there are none. */
static int best_claim(struct store *s, int bucket, const struct identity *name, struct owner *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &claim_best, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = (struct owner){.contact = 0};
    if (rc == 1) {
        ret->contact = col_i64(q);
        ret->claimed_at = col_i64(q);
        col_chars(q, ret->claimed_by, sizeof ret->claimed_by);
    }
    db_reset(q);
    return ret->contact != 0 ? person_root(s, bucket, ret->contact, &ret->contact, e) : 0;
}

/* --- claims -------------------------------------------------------------------------------------------------------- */

/* The person's consent, now that their names or when they were heard together changed. */
static int fold_again(struct store *s, int bucket, int64_t contact, int64_t at, struct person *ret, struct err *e)
{
    struct person p;
    int rc = people_get(s, bucket, contact, &p, e);
    if (rc != 0)
        return rc;
    struct consent_state before = p.consent;
    rc = words_fold(s, &p, "merge", at, e);
    if (rc == 0 && memcmp(&before, &p.consent, sizeof before) != 0)
        rc = people_save(s, &p, 1, e);
    if (rc == 0 && ret != NULL)
        *ret = p;
    return rc;
}

/* A number that was given to somebody new leads to them from now on, with what was refused under it, so that an old list cannot
 * be imported over it. */
static int move(struct store *s, int bucket, const struct identity *name, const struct owner *had,
                const struct owner *best, int64_t at, struct err *e)
{
    struct person former, to;
    int rc = people_get(s, bucket, had->contact, &former, e);
    if (rc == 0)
        rc = words_seed(s, &former, e);
    if (rc == 0)
        rc = people_get(s, bucket, best->contact, &to, e);
    if (rc == 0)
        rc = words_seed(s, &to, e);
    if (rc == 0)
        rc = give(s, bucket, name, best->contact, best->claimed_at, best->claimed_by, e);
    struct consent_state before = to.consent;
    if (rc == 0)
        rc = fold_again(s, bucket, had->contact, at, NULL, e);
    if (rc == 0)
        rc = fold_again(s, bucket, best->contact, at, &to, e);
    for (int c = 0; rc == 0 && c < CATEGORY_COUNT; c++)
        if (to.consent.of[c].status == CONSENT_WITHDRAWN && before.of[c].status != CONSENT_WITHDRAWN)
            rc = words_refuse(s, &to, CONSENT_WITHDRAW, c, to.consent.of[c].at, "number_moved", at, e);
    if (rc == 0 && to.consent.platform_stop && !before.platform_stop)
        rc = words_refuse(s, &to, CONSENT_STOP, CATEGORY_MARKETING, to.consent.platform_at, "number_moved", at, e);
    return rc;
}

/* Gives the name to whoever has the best of the claims there are. */
static int settle(struct store *s, int bucket, const struct identity *name, int64_t at, struct err *e)
{
    struct owner had, best;
    int rc = owner_of(s, bucket, name, &had, e);
    if (rc == 0)
        rc = best_claim(s, bucket, name, &best, e);
    if (rc != 0)
        return rc;
    if (best.contact != had.contact)
        return move(s, bucket, name, &had, &best, at, e);
    rc = give(s, bucket, name, best.contact, best.claimed_at, best.claimed_by, e);
    return rc == 0 ? fold_again(s, bucket, best.contact, at, NULL, e)
                   : rc; /* what is granted under it counts no more */
}

/* The person left the name, and nobody claimed it since. */
static bool is_left(const struct owner *o)
{
    return o->replaced_at != 0 && o->claimed_at <= o->replaced_at;
}

/* Whether the owner of a name, who is not known to go by any user id with it, is whoever is heard with it at `at`. */
static int may_be_the_same(struct store *s, int bucket, const struct identity *name, const struct owner *o, int64_t at,
                           bool *ret, struct err *e)
{
    struct identity has;
    *ret = false;
    if (o->contact == 0 || o->claimed_by[0] != '\0')
        return 0;
    if (is_left(o)) {
        *ret = at <= o->replaced_at;
        return 0;
    }
    int rc = current_name(s, bucket, o->contact, IDENTITY_USER_ID, &has, e);
    *ret = rc == 0 && has.kind == IDENTITY_NONE && at >= o->claimed_at;
    if (rc != 0 || !*ret || name->kind != IDENTITY_PARENT_ID)
        return rc;
    /* a parent id says who somebody is only when nothing else is known of them */
    rc = current_name(s, bucket, o->contact, IDENTITY_PHONE, &has, e);
    *ret = has.kind == IDENTITY_NONE;
    return rc;
}

/* The same of somebody who is known already. */
static int is_the_same(struct store *s, const struct person *p, const struct identity *name, const struct owner *o,
                       int64_t at, bool *ret, struct err *e)
{
    int rc = may_be_the_same(s, p->bucket, name, o, at, ret, e);
    return rc == 0 && *ret ? people_may_merge(s, p->bucket, p->id, o->contact, ret, e) : rc;
}

/* The name goes with this user id (`by`, "": not told) of p since `at` or before. */
static int confirm(struct store *s, struct person *p, const struct identity *name, const struct owner *o,
                   const char *by, int64_t at, struct err *e)
{
    struct owner best;
    int64_t first = o->claimed_at != 0 && o->claimed_at < at ? o->claimed_at : at;
    struct identity user_id = {.kind = IDENTITY_USER_ID};
    snprintf(user_id.value, sizeof user_id.value, "%s", by);
    int rc = best_claim(s, p->bucket, name, &best, e);
    if (rc == 0)
        rc = set_time(s, &name_since, p->bucket, &user_id, first, e);
    if (rc != 0)
        return rc;
    if (best.contact == 0) {
        rc = give(s, p->bucket, name, p->id, first, by, e);
        return rc == 0 ? fold_again(s, p->bucket, p->id, at, p, e) : rc;
    }
    rc = put_claim(s, p->bucket, name, by, first, p->id, e);
    if (rc == 0)
        rc = settle(s, p->bucket, name, at, e);
    return rc == 0 ? people_get(s, p->bucket, p->id, p, e) : rc;
}

/* Two claim it. */
static int contend(struct store *s, struct person *p, const struct identity *name, const struct owner *o,
                   const char *by, int64_t at, struct err *e)
{
    int rc = put_claim(s, p->bucket, name, o->claimed_by, o->claimed_at, o->contact, e);
    if (rc == 0)
        rc = put_claim(s, p->bucket, name, by, at, p->id, e);
    if (rc == 0)
        rc = settle(s, p->bucket, name, at, e);
    return rc == 0 ? people_get(s, p->bucket, p->id, p, e) : rc;
}

/* The owner of a name turns out to be who is heard with it now. */
static int be_the_same(struct store *s, struct person *p, const struct owner *o, const struct identity *by, int64_t at,
                       struct err *e)
{
    int rc = o->contact != p->id ? people_merge(s, p->bucket, p->id, o->contact, at, p, e) : 0;
    if (rc == 0 && is_left(o)) /* they changed, and this is who they were before */
        rc = set_time(s, &name_replaced, p->bucket, by, o->replaced_at, e);
    return rc;
}

/* Somebody has the name already, or we knew less of it. */
static int claim_taken(struct store *s, struct person *p, const struct identity *name, const struct owner *o,
                       const struct identity *by, int64_t at, struct err *e)
{
    bool same, ours = o->contact == p->id && o->claimed_by[0] == '\0';
    int rc = is_the_same(s, p, name, o, at, &same, e);
    if (rc == 0 && same)
        rc = be_the_same(s, p, o, by, at, e);
    if (rc != 0)
        return rc;
    if (same || ours || strcmp(o->claimed_by, by->value) == 0)
        return confirm(s, p, name, o, by->value, at, e);
    return contend(s, p, name, o, by->value, at, e);
}

/* `name` was heard with the user id `by` of p. */
static int claim(struct store *s, struct person *p, const struct identity *name, const struct identity *by, int64_t at,
                 struct err *e)
{
    struct owner o;
    int b = p->bucket, rc = owner_of(s, b, name, &o, e);
    if (rc != 0)
        return rc;
    if (o.contact == p->id && at >= o.claimed_at && strcmp(o.claimed_by, by->value) == 0)
        return 0; /* as ever */
    if (o.contact == 0)
        rc = insert(s, p, name, at, by->value, e);
    if (rc == 0)
        rc = set_time(s, &name_since, b, name, at, e);
    if (rc == 0)
        rc = set_time(s, &name_since, b, by, at, e);
    return rc == 0 && o.contact != 0 ? claim_taken(s, p, name, &o, by, at, e) : rc;
}

/* --- hearing names together ---------------------------------------------------------------------------------------- */

static bool is_named(const struct identity *name)
{
    return name != NULL && name->kind != IDENTITY_NONE && name->value[0] != '\0';
}

static int find(struct store *s, int bucket, const struct identity *name, struct person *ret, struct err *e)
{
    if (!is_named(name)) {
        *ret = (struct person){.bucket = bucket};
        return 0;
    }
    return identity_lookup(s, bucket, name, ret, e);
}

/* Whose user id this may be, which nobody is known by: whoever has a name it was heard with and no user id yet. */
static int adopt(struct store *s, int bucket, const struct identity *user_id, const struct identity *with, int64_t at,
                 struct person *ret, struct err *e)
{
    struct owner o;
    bool same = false;
    if (ret->id != 0 || !is_named(with))
        return 0;
    int rc = owner_of(s, bucket, with, &o, e);
    if (rc == 0)
        rc = may_be_the_same(s, bucket, with, &o, at, &same, e);
    if (rc != 0 || !same)
        return rc;
    struct person had;
    rc = people_get(s, bucket, o.contact, &had, e);
    if (rc != 0 || had.restricted_until != 0)
        return rc;
    *ret = had;
    rc = words_seed(s, ret, e);
    if (rc == 0)
        rc = insert(s, ret, user_id, at, NULL, e);
    return rc == 0 && is_left(&o) ? set_time(s, &name_replaced, bucket, user_id, o.replaced_at, e) : rc;
}

/* By a user id: who they are, and what other names are theirs. */
static int hear_user_id(struct store *s, int bucket, const struct heard *h, int64_t at, int64_t now, struct person *p,
                        struct err *e)
{
    int rc = find(s, bucket, h->user_id, p, e);
    if (rc == 0)
        rc = adopt(s, bucket, h->user_id, h->phone, at, p, e);
    if (rc == 0)
        rc = adopt(s, bucket, h->user_id, h->parent_id, at, p, e);
    if (rc == 0 && p->id == 0)
        rc = people_ensure(s, h->user_id, 1, now, p, e);
    if (rc == 0 && is_named(h->phone))
        rc = claim(s, p, h->phone, h->user_id, at, e);
    return rc == 0 && is_named(h->parent_id) ? claim(s, p, h->parent_id, h->user_id, at, e) : rc;
}

static int hear(struct store *s, int bucket, const struct heard *h, int64_t at, int64_t now, struct person *ret,
                struct err *e)
{
    if (is_named(h->user_id))
        return hear_user_id(s, bucket, h, at, now, ret, e);
    const struct identity *first = is_named(h->phone) ? h->phone : h->parent_id;
    struct owner o = {.contact = 1};
    int rc = find(s, bucket, first, ret, e);
    if (rc == 0 && ret->id == 0)
        rc = people_ensure(s, first, 1, now, ret, e);
    if (rc == 0 && first == h->phone && is_named(h->parent_id))
        rc = owner_of(s, bucket, h->parent_id, &o, e);
    if (rc != 0 || o.contact != 0)
        return rc;
    rc = insert(s, ret, h->parent_id, at, NULL, e);
    return rc == 0 ? identities_together(s, bucket, ret->id, at, e) : rc;
}

/* The bucket all names fall into; WL_EINVAL when they do not, -1 in *ret when there is none. */
static int bucket_of(const struct store *s, const struct heard *h, int *ret, struct err *e)
{
    const struct identity *const all[] = {h->user_id, h->phone, h->parent_id};
    for (size_t i = 0; i < 3; i++) {
        if (!is_named(all[i]))
            continue;
        int bucket = store_bucket(s, (int)all[i]->kind, str_of(all[i]->value));
        if (*ret >= 0 && *ret != bucket)
            return err_set(e, WL_EINVAL, "one transaction touches one bucket");
        *ret = bucket;
    }
    return 0;
}

int people_hear(struct store *s, const struct heard *names, int64_t at, int64_t now, struct person *ret, struct err *e)
{
    struct person p = {.id = 0};
    int bucket = -1, rc = bucket_of(s, names, &bucket, e);
    if (rc == 0 && bucket >= 0) {
        rc = write_start(s, e);
        rc = rc != 0 ? rc : write_end(s, hear(s, bucket, names, at, now, &p, e));
    }
    if (rc == 0)
        *ret = p;
    return rc;
}

/* --- adding one name ----------------------------------------------------------------------------------------------- */

/* Numbers that no user id was heard with yet go with this one. */
static int claim_phones(struct store *s, const struct person *p, const struct identity *by, int64_t at, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &phones_claim, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at);
    db_text(q, str_of(by->value));
    db_i64(q, p->bucket);
    db_i64(q, p->id);
    db_i64(q, IDENTITY_PHONE);
    return db_exec(q, NULL, e);
}

static int add_unclaimed(struct store *s, struct person *p, const struct identity *also, int64_t at, struct err *e)
{
    struct owner o;
    int rc = words_seed(s, p, e);
    if (rc == 0)
        rc = owner_of(s, p->bucket, also, &o, e);
    if (rc != 0 || (o.contact != 0 && also->kind == IDENTITY_PARENT_ID))
        return rc;
    bool may = true;
    if (o.contact != 0)
        rc = people_may_merge(s, p->bucket, p->id, o.contact, &may, e);
    if (rc != 0 || !may)
        return rc;
    if (o.contact == 0)
        rc = insert(s, p, also, at, NULL, e);
    else if (o.contact != p->id)
        rc = people_merge(s, p->bucket, p->id, o.contact, at, p, e);
    if (rc == 0 && also->kind == IDENTITY_USER_ID)
        rc = claim_phones(s, p, also, at, e);
    if (rc == 0)
        rc = identities_together(s, p->bucket, p->id, at, e);
    return rc == 0 ? fold_again(s, p->bucket, p->id, at, p, e) : rc;
}

static int add(struct store *s, struct person *p, const struct identity *also, int64_t at, struct err *e)
{
    struct identity mine;
    struct person now;
    if (!is_named(also))
        return err_set(e, WL_EINVAL, "an empty name belongs to nobody");
    if (store_bucket(s, (int)also->kind, str_of(also->value)) != p->bucket)
        return err_set(e, WL_EINVAL, "one transaction touches one bucket");
    int rc = people_get(s, p->bucket, p->id, &now, e);
    if (rc == 0 && now.restricted_until != 0) {
        *p = now;
        return 0;
    }
    if (rc == 0)
        rc = current_name(s, now.bucket, now.id, IDENTITY_USER_ID, &mine, e);
    if (rc == 0 && mine.kind == IDENTITY_NONE)
        rc = add_unclaimed(s, &now, also, at, e);
    else if (rc == 0 && also->kind != IDENTITY_USER_ID)
        rc = claim(s, &now, also, &mine, at, e);
    if (rc == 0)
        rc = people_get(s, now.bucket, now.id, p, e);
    return rc;
}

int people_add_identity(struct store *s, struct person *p, const struct identity *also, int64_t at, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, add(s, p, also, at, e));
}

/* --- changing names ------------------------------------------------------------------------------------------------ */

/* Nobody is known by these names who may have changed: old news that comes later must find them, by one that is free. */
static int make_who_changed(struct store *s, int bucket, const struct heard *before, const struct heard *after,
                            int64_t now, struct person *p, struct err *e)
{
    const struct identity *const names[] = {before->user_id, after->user_id, before->phone, before->parent_id,
                                            after->phone};
    struct owner o;
    int rc = 0;
    for (size_t i = 0; i < 5 && rc == 0 && p->id == 0; i++) {
        if (!is_named(names[i]))
            continue;
        rc = owner_of(s, bucket, names[i], &o, e);
        if (rc == 0 && (o.contact == 0 || i == 4))
            rc = people_ensure(s, names[i], 1, now, p, e);
    }
    return rc;
}

/* Who changed: by their user ids, else by the number they had until then. */
static int who_changed(struct store *s, int bucket, const struct heard *before, const struct heard *after, int64_t at,
                       int64_t now, struct person *p, struct err *e)
{
    struct owner o = {.contact = 0};
    int rc = find(s, bucket, before->user_id, p, e);
    if (rc == 0 && p->id == 0)
        rc = find(s, bucket, after->user_id, p, e);
    if (rc != 0 || p->id != 0)
        return rc;
    if (is_named(before->phone))
        rc = owner_of(s, bucket, before->phone, &o, e);
    if (rc == 0 && o.contact != 0 && o.claimed_at <= at)
        return people_get(s, bucket, o.contact, p, e);
    return rc == 0 ? make_who_changed(s, bucket, before, after, now, p, e) : rc;
}

/* A user id that is said to be theirs. */
static int be(struct store *s, struct person *p, const struct identity *user_id, int64_t at, struct err *e)
{
    struct owner o;
    if (!is_named(user_id))
        return 0;
    int rc = owner_of(s, p->bucket, user_id, &o, e);
    if (rc == 0 && o.contact == 0)
        rc = insert(s, p, user_id, at, NULL, e);
    else if (rc == 0 && o.contact != p->id)
        rc = people_merge(s, p->bucket, p->id, o.contact, at, p, e);
    return rc == 0 ? set_time(s, &name_since, p->bucket, user_id, at, e) : rc;
}

/* The user ids of before are replaced: the one that was told, or all there were. */
static int retire(struct store *s, const struct person *p, const struct heard *before, const struct heard *after,
                  int64_t at, struct err *e)
{
    struct db_stmt *q;
    if (is_named(before->user_id))
        return set_time(s, &name_replaced, p->bucket, before->user_id, at, e);
    int rc = db_prepare(s, &user_ids_before, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at);
    db_i64(q, p->bucket);
    db_i64(q, p->id);
    db_i64(q, IDENTITY_USER_ID);
    db_text(q, str_of(is_named(after->user_id) ? after->user_id->value : ""));
    return db_exec(q, NULL, e);
}

/* Neither of two is known by a user id, and they are not one: the number goes from o to p. */
static int take(struct store *s, struct person *p, const struct identity *name, const struct owner *o, int64_t at,
                struct err *e)
{
    const struct owner mine = {.contact = p->id, .claimed_at = at};
    int rc = put_claim(s, p->bucket, name, NO_USER_ID, 0, o->contact, e);
    if (rc == 0)
        rc = put_claim(s, p->bucket, name, "", at, p->id, e);
    if (rc == 0)
        rc = move(s, p->bucket, name, o, &mine, at, e);
    return rc == 0 ? people_get(s, p->bucket, p->id, p, e) : rc;
}

static int stay_two(struct store *s, struct person *p, const struct identity *name, const struct owner *o,
                    bool theirs_now, int64_t at, struct err *e)
{
    return theirs_now && o->claimed_by[0] == '\0' ? take(s, p, name, o, at, e) : contend(s, p, name, o, "", at, e);
}

static int be_one(struct store *s, struct person *p, const struct identity *name, const struct owner *o,
                  bool theirs_now, int64_t at, struct err *e)
{
    int rc = people_merge(s, p->bucket, p->id, o->contact, at, p, e);
    return rc == 0 && theirs_now && o->claimed_at != 0 ? confirm(s, p, name, o, o->claimed_by, at, e) : rc;
}

/* A number they have, or had, by the platform's word, but with which user id was not told. */
static int claim_untold(struct store *s, struct person *p, const struct identity *name, bool theirs_now, int64_t at,
                        struct err *e)
{
    struct identity has;
    struct owner o;
    int rc = owner_of(s, p->bucket, name, &o, e);
    if (rc != 0)
        return rc;
    if (o.contact == 0)
        return insert(s, p, name, at, "", e);
    if (o.contact == p->id)
        return 0;
    rc = current_name(s, p->bucket, o.contact, IDENTITY_USER_ID, &has, e);
    /* nobody else but them, or whoever came with it since */
    bool same = rc == 0 && (has.kind == IDENTITY_NONE || (theirs_now && o.claimed_at >= at)), may = true;
    if (same)
        rc = people_may_merge(s, p->bucket, p->id, o.contact, &may, e);
    if (!may)
        return stay_two(s, p, name, &o, theirs_now, at, e);
    if (rc != 0 || !same)
        return rc != 0 ? rc : contend(s, p, name, &o, "", at, e);
    return be_one(s, p, name, &o, theirs_now, at, e);
}

static int change_number(struct store *s, struct person *p, const struct identity *name, const struct identity *by,
                         bool theirs_now, int64_t at, struct err *e)
{
    if (!is_named(name))
        return 0;
    int rc = is_named(by) ? claim(s, p, name, by, at, e) : claim_untold(s, p, name, theirs_now, at, e);
    if (rc == 0)
        rc = set_time(s, &name_since, p->bucket, name, at, e);
    return rc == 0 && !theirs_now ? set_time(s, &name_replaced, p->bucket, name, at, e) : rc;
}

static int change_parent(struct store *s, struct person *p, const struct identity *name, const struct identity *by,
                         int64_t at, struct err *e)
{
    struct owner o;
    if (!is_named(name))
        return 0;
    if (is_named(by))
        return claim(s, p, name, by, at, e);
    int rc = owner_of(s, p->bucket, name, &o, e);
    return rc == 0 && o.contact == 0 ? insert(s, p, name, at, NULL, e) : rc;
}

/* The new user id is somebody else's, and one of the two is to be erased: what they have by now is said of the other one. */
static int rename_apart(struct store *s, struct person *p, const struct heard *before, const struct heard *after,
                        int64_t at, int64_t now, bool *ret, struct err *e)
{
    struct owner o;
    bool may = true;
    *ret = false;
    int rc = is_named(after->user_id) ? owner_of(s, p->bucket, after->user_id, &o, e) : 0;
    if (rc == 0 && is_named(after->user_id) && o.contact != 0)
        rc = people_may_merge(s, p->bucket, p->id, o.contact, &may, e);
    if (rc != 0 || may)
        return rc;
    *ret = true;
    rc = retire(s, p, before, after, at, e);
    if (rc == 0)
        rc = change_number(s, p, before->phone, before->user_id, false, at, e);
    return rc == 0 ? hear(s, p->bucket, after, at, now, p, e) : rc;
}

static int rename_person(struct store *s, int bucket, const struct heard *before, const struct heard *after, int64_t at,
                         int64_t now, struct person *p, struct err *e)
{
    const struct identity *user_id = is_named(after->user_id) ? after->user_id : NULL;
    int rc = who_changed(s, bucket, before, after, at, now, p, e);
    if (rc != 0 || p->id == 0)
        return rc;
    bool apart = false;
    rc = rename_apart(s, p, before, after, at, now, &apart, e);
    if (rc != 0 || apart)
        return rc;
    rc = words_seed(s, p, e);
    if (rc == 0)
        rc = be(s, p, before->user_id, at, e);
    if (rc == 0)
        rc = be(s, p, after->user_id, at, e);
    if (rc == 0)
        rc = retire(s, p, before, after, at, e);
    if (rc == 0)
        rc = change_number(s, p, before->phone, before->user_id, false, at, e);
    if (rc == 0)
        rc = change_number(s, p, after->phone, user_id, true, at, e);
    if (rc == 0)
        rc = change_parent(s, p, before->parent_id, before->user_id, at, e);
    if (rc == 0)
        rc = change_parent(s, p, after->parent_id, user_id, at, e);
    if (rc == 0)
        rc = identities_together(s, bucket, p->id, at, e);
    return rc == 0 ? fold_again(s, bucket, p->id, at, p, e) : rc;
}

int people_rename(struct store *s, const struct heard *before, const struct heard *after, int64_t at, int64_t now,
                  struct person *ret, struct err *e)
{
    struct person p = {.id = 0};
    int bucket = -1, rc = bucket_of(s, before, &bucket, e);
    if (rc == 0)
        rc = bucket_of(s, after, &bucket, e);
    if (rc == 0 && bucket >= 0) {
        rc = write_start(s, e);
        rc = rc != 0 ? rc : write_end(s, rename_person(s, bucket, before, after, at, now, &p, e));
    }
    if (rc == 0)
        *ret = p;
    return rc;
}
