/* SPDX-License-Identifier: Apache-2.0
 * people_merge.c - a name is heard: whose is it, and are two persons one?
 *
 * Numbers are given to new owners, and linked businesses share parent ids, so two names in one webhook do not make two
 * persons one. Who has a user id of their own is told apart by it; the rest is written at people_add_identity().
 *
 * In a merge the older person stays. Names, pair state and what either got lately move to it; for each category the later word counts, but a
 * grant of one never lifts a refusal of the other. The newer person's row stays as a pointer, and person_merge
 * remembers who went where, so that histories written under either id (ledger, messages) are found from both. Nothing
 * of a history is rewritten. */
#include "store/ledger.h"
#include "store/people_rows.h"

#define SECOND_MS 1000 /* webhooks tell whole seconds */

/* added_at >= 0 is always so, here and below: it makes the planner take the index by person instead of walking the bucket. */
STATEMENT(identities_move,
          "UPDATE person_identity SET contact = $1 WHERE bucket = $2 AND contact = $3 AND added_at >= 0");
STATEMENT(person_leave, "UPDATE person SET merged_into = $1, ver = ver + 1 WHERE bucket = $2 AND id = $3");
STATEMENT(person_repoint, "UPDATE person SET merged_into = $1, ver = ver + 1 WHERE bucket = $2 AND id IN "
                          "(SELECT gone FROM person_merge WHERE bucket = $2 AND kept = $3)");
STATEMENT(merge_inherit, "INSERT INTO person_merge (bucket, kept, gone, merged_at) "
                         "SELECT m.bucket, CAST($1 AS BIGINT), m.gone, m.merged_at FROM person_merge m "
                         "WHERE m.bucket = $2 AND m.kept = $3 ON CONFLICT (bucket, kept, gone) DO NOTHING");
STATEMENT(merge_record, "INSERT INTO person_merge (bucket, kept, gone, merged_at) VALUES ($1, $2, $3, $4)");
STATEMENT(head_one_less, "UPDATE bucket_head SET people = people - 1 WHERE bucket = $1");
STATEMENT(identity_owner, "SELECT contact, added_at FROM person_identity WHERE bucket = $1 AND tenant = $2 AND kind = "
                          "$3 AND value = $4 LIMIT 1");
STATEMENT(identity_give,
          "UPDATE person_identity SET contact = $1, added_at = $2, replaced_at = 0 WHERE bucket = $3 AND "
          "tenant = $4 AND kind = $5 AND value = $6");
STATEMENT(user_id_of, "SELECT 1 FROM person_identity WHERE bucket = $1 AND contact = $2 AND kind = $3 AND "
                      "replaced_at = 0 ORDER BY added_at LIMIT 1");
STATEMENT(
    user_ids_retire,
    "UPDATE person_identity SET replaced_at = $1 WHERE bucket = $2 AND contact = $3 AND added_at >= 0 AND kind = $4 "
    "AND replaced_at = 0 AND (added_at < $5 OR value = $6) AND value <> $7");

/* Runs a statement whose parameters are all numbers. */
static int run(struct store *s, const struct statement *st, const int64_t *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        db_i64(q, v[i]);
    return db_exec(q, NULL, e);
}
#define RUN(st, ...)                                                                                                   \
    run(s, st, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), e)

/* --- two become one ------------------------------------------------------------------------------------------------ */

/* A refusal that follows from what we learned about names: in the ledger like any other, so that the state stays the
 * fold of the ledger and a reader finds the reason. */
static int refuse(struct store *s, struct person *p, enum consent_act act, int category, int64_t said, const char *why,
                  int64_t at, struct err *e)
{
    struct consent_row row = {.bucket = p->bucket,
                              .id = store_id(s, at),
                              .contact = p->id,
                              .event = {act, CONSENT_SCOPE(category), said, CONSENT_RANK_NONE},
                              .recorded_at = at,
                              .method = str_of(why),
                              .actor = STR("gateway")};
    int rc = ledger_append(s, &row, 1, NULL, e);
    if (rc == 0)
        consent_apply(&p->consent, &row.event);
    return rc;
}

/* Replays what one state remembers into another, by the core's own rule. */
static void replay(struct consent_state *into, const struct consent_state *from)
{
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (from->of[c].status == CONSENT_NONE)
            continue;
        struct consent_event ev = {from->of[c].status == CONSENT_GRANTED ? CONSENT_GRANT : CONSENT_WITHDRAW,
                                   CONSENT_SCOPE(c), from->of[c].at, from->of[c].rank};
        consent_apply(into, &ev);
    }
    if (from->platform_stop || from->platform_at != 0) {
        struct consent_event ev = {from->platform_stop ? CONSENT_STOP : CONSENT_RESUME,
                                   CONSENT_SCOPE(CATEGORY_MARKETING), from->platform_at, CONSENT_RANK_NONE};
        consent_apply(into, &ev);
    }
}

/* The later word counts, except that what one of the two granted does not lift what the other refused: the refusal is
 * said again, at the moment of that grant. Only a grant later than both lifts it. */
static int fold(struct store *s, struct person *kept, const struct person *gone, int64_t at, struct err *e)
{
    const struct consent_state before = kept->consent;
    struct consent_state *now = &kept->consent;
    int rc = 0;
    replay(now, &gone->consent);
    for (int c = 0; rc == 0 && c < CATEGORY_COUNT; c++)
        if (now->of[c].status == CONSENT_GRANTED &&
            (before.of[c].status == CONSENT_WITHDRAWN || gone->consent.of[c].status == CONSENT_WITHDRAWN))
            rc = refuse(s, kept, CONSENT_WITHDRAW, c, now->of[c].at, "merge", at, e);
    if (rc == 0 && !now->platform_stop && (before.platform_stop || gone->consent.platform_stop))
        rc = refuse(s, kept, CONSENT_STOP, CATEGORY_MARKETING, now->platform_at, "merge", at, e);
    return rc;
}

/* What the older person's row says after the merge. */
static int join(struct store *s, struct person *kept, const struct person *gone, int64_t at, struct err *e)
{
    if (gone->undeliverable_at > kept->undeliverable_at)
        kept->undeliverable_at = gone->undeliverable_at;
    if (kept->name[0] == '\0')
        memcpy(kept->name, gone->name, sizeof kept->name);
    if (kept->lang[0] == '\0')
        memcpy(kept->lang, gone->lang, sizeof kept->lang);
    if (kept->zone[0] == '\0')
        memcpy(kept->zone, gone->zone, sizeof kept->zone);
    caps_merge(&kept->caps, &gone->caps);
    return fold(s, kept, gone, at, e);
}

static int merge(struct store *s, struct person *kept, const struct person *gone, int64_t now, struct err *e)
{
    int64_t b = kept->bucket;
    int rc = RUN(&identities_move, kept->id, b, gone->id);
    if (rc == 0)
        rc = pairs_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = reach_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = RUN(&person_repoint, kept->id, b, gone->id);
    if (rc == 0)
        rc = RUN(&merge_inherit, kept->id, b, gone->id);
    if (rc == 0)
        rc = RUN(&person_leave, kept->id, b, gone->id);
    if (rc == 0)
        rc = RUN(&merge_record, b, kept->id, gone->id, now);
    if (rc == 0)
        rc = RUN(&head_one_less, b);
    if (rc == 0)
        rc = join(s, kept, gone, now, e);
    return rc != 0 ? rc : people_save(s, kept, 1, e);
}

/* --- whose name is it ---------------------------------------------------------------------------------------------- */

/* Who goes by the name and since when; contact 0: nobody. */
struct owner {
    int64_t contact, since;
};

static int owner_of(struct store *s, int bucket, const struct identity *name, struct owner *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &identity_owner, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? (struct owner){col_i64(q), col_i64(q)} : (struct owner){0, 0};
    db_reset(q);
    return 0;
}

static int has_user_id(struct store *s, int bucket, int64_t contact, bool *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &user_id_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_i64(q, IDENTITY_USER_ID);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1;
    db_reset(q);
    return 0;
}

/* A number that was given to somebody new: it leads to them from now on. What its former owner refused stands for the
 * number until the new one says otherwise, so that an old list cannot be imported over it; what was granted does not. */
static int move(struct store *s, struct person *to, int64_t from, const struct identity *name, int64_t at,
                struct err *e)
{
    struct person former;
    struct db_stmt *q;
    int rc = people_get(s, to->bucket, from, &former, e);
    for (int c = 0; rc == 0 && c < CATEGORY_COUNT; c++)
        if (to->consent.of[c].status == CONSENT_NONE && former.consent.of[c].status == CONSENT_WITHDRAWN)
            rc = refuse(s, to, CONSENT_WITHDRAW, c, former.consent.of[c].at, "number_moved", at, e);
    if (rc == 0)
        rc = db_prepare(s, &identity_give, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, to->id);
    db_i64(q, at);
    db_i64(q, to->bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, name->kind);
    db_text(q, str_of(name->value));
    if ((rc = db_exec(q, NULL, e)) != 0)
        return rc;
    return people_save(s, to, 1, e);
}

enum step { KEEP, INSERT, MOVE, MERGE };

/* What hearing a name that somebody else has means. */
static enum step judge_taken(enum identity_kind kind, bool mine_has, bool other_has, int64_t since, int64_t at,
                             bool certain)
{
    if (kind == IDENTITY_PARENT_ID)
        return KEEP;
    if (certain)
        return kind == IDENTITY_PHONE && other_has && since < at ? MOVE : MERGE;
    if (!mine_has || !other_has)
        return MERGE;
    return kind == IDENTITY_PHONE && since / SECOND_MS <= at / SECOND_MS ? MOVE : KEEP; /* two people */
}

/* What hearing `name` for `mine` at `at` means. `certain`: the platform said in so many words that it is theirs now. */
static int judge(struct store *s, const struct person *mine, const struct identity *name, const struct owner *owner,
                 bool certain, int64_t at, enum step *ret, struct err *e)
{
    bool mine_has = false, other_has = false;
    if (owner->contact == mine->id) {
        *ret = KEEP;
        return 0;
    }
    int rc = has_user_id(s, mine->bucket, mine->id, &mine_has, e);
    if (rc == 0)
        rc = has_user_id(s, mine->bucket, owner->contact, &other_has, e);
    if (rc != 0)
        return rc;
    if (owner->contact == 0)
        *ret = name->kind == IDENTITY_USER_ID && mine_has && !certain ? KEEP : INSERT;
    else
        *ret = judge_taken(name->kind, mine_has, other_has, owner->since, at, certain);
    return 0;
}

static int carry_out(struct store *s, enum step step, struct person *mine, int64_t owner, const struct identity *name,
                     int64_t at, struct err *e)
{
    struct person other;
    if (step == KEEP)
        return 0;
    if (step == INSERT)
        return identity_insert(s, mine->bucket, name, mine->id, at, e);
    if (step == MOVE)
        return move(s, mine, owner, name, at, e);
    int rc = people_get(s, mine->bucket, owner, &other, e);
    if (rc != 0)
        return rc;
    return mine->id < other.id ? merge(s, mine, &other, at, e) : merge(s, &other, mine, at, e);
}

static int add(struct store *s, struct person *p, const struct identity *also, bool certain, int64_t at, struct err *e)
{
    struct person mine;
    struct owner owner;
    enum step step = KEEP;
    if (also->kind == IDENTITY_NONE || also->value[0] == '\0')
        return err_set(e, WL_EINVAL, "an empty name belongs to nobody");
    if (store_bucket(s, (int)also->kind, str_of(also->value)) != p->bucket)
        return err_set(e, WL_EINVAL, "one transaction touches one bucket");
    int rc = people_get(s, p->bucket, p->id, &mine, e);
    if (rc == 0)
        rc = owner_of(s, mine.bucket, also, &owner, e);
    if (rc == 0)
        rc = judge(s, &mine, also, &owner, certain, at, &step, e);
    if (rc == 0)
        rc = carry_out(s, step, &mine, owner.contact, also, at, e);
    if (rc == 0)
        rc = people_get(s, mine.bucket, mine.id, &mine, e);
    if (rc == 0)
        *p = mine;
    return rc;
}

int people_add_identity(struct store *s, struct person *p, const struct identity *also, int64_t at, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, add(s, p, also, false, at, e));
}

static struct str user_id_in(const struct identity *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].kind == IDENTITY_USER_ID)
            return str_of(names[i].value);
    return STR("");
}

static int retire_user_ids(struct store *s, const struct person *p, const struct identity *before, struct str current,
                           int64_t at, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &user_ids_retire, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at);
    db_i64(q, p->bucket);
    db_i64(q, p->id);
    db_i64(q, IDENTITY_USER_ID);
    db_i64(q, at);
    db_text(q, user_id_in(before, 1));
    db_text(q, current);
    return db_exec(q, NULL, e);
}

int people_rename(struct store *s, struct person *p, const struct identity *before, const struct identity *names,
                  size_t n, int64_t at, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    if (before->kind != IDENTITY_NONE)
        rc = add(s, p, before, true, at, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (names[i].kind != IDENTITY_NONE)
            rc = add(s, p, &names[i], true, at, e);
    if (rc == 0)
        rc = retire_user_ids(s, p, before, user_id_in(names, n), at, e);
    return write_end(s, rc);
}
