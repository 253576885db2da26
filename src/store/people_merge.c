/* SPDX-License-Identifier: Apache-2.0
 * people_merge.c - two names, two persons, and the news that they are one.
 *
 * The older person stays. Names and pair state move to it; consent is folded as if every event had always been
 * that one person's: for each category the later word counts, and at the same instant the stricter one. The newer
 * person's row stays as a pointer, and person_merge remembers who went where, so that histories written under
 * either id (ledger, messages) are found from both. Nothing of a history is rewritten. */
#include "store/people_rows.h"

STATEMENT(identities_move, "UPDATE person_identity SET contact = $1 WHERE bucket = $2 AND contact = $3");
STATEMENT(person_leave, "UPDATE person SET merged_into = $1, ver = ver + 1 WHERE bucket = $2 AND id = $3");
STATEMENT(person_repoint, "UPDATE person SET merged_into = $1, ver = ver + 1 WHERE bucket = $2 AND id IN "
                          "(SELECT gone FROM person_merge WHERE bucket = $2 AND kept = $3)");
STATEMENT(merge_inherit, "INSERT INTO person_merge (bucket, kept, gone, merged_at) "
                         "SELECT m.bucket, CAST($1 AS BIGINT), m.gone, m.merged_at FROM person_merge m "
                         "WHERE m.bucket = $2 AND m.kept = $3 ON CONFLICT (bucket, kept, gone) DO NOTHING");
STATEMENT(merge_record, "INSERT INTO person_merge (bucket, kept, gone, merged_at) VALUES ($1, $2, $3, $4)");
STATEMENT(head_one_less, "UPDATE bucket_head SET people = people - 1 WHERE bucket = $1");

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

/* Replays what one state remembers into another, by the core's own rule. */
static void fold(struct consent_state *into, const struct consent_state *from)
{
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (from->of[c].status == CONSENT_NONE)
            continue;
        struct consent_event ev = {from->of[c].status == CONSENT_GRANTED ? CONSENT_GRANT : CONSENT_WITHDRAW,
                                   CONSENT_SCOPE(c), from->of[c].at};
        consent_apply(into, &ev);
    }
    if (from->platform_stop || from->platform_at != 0) {
        struct consent_event ev = {from->platform_stop ? CONSENT_STOP : CONSENT_RESUME,
                                   CONSENT_SCOPE(CATEGORY_MARKETING), from->platform_at};
        consent_apply(into, &ev);
    }
}

/* What the older person's row says after the merge. */
static void join(struct person *kept, const struct person *gone)
{
    fold(&kept->consent, &gone->consent);
    if (gone->undeliverable_at > kept->undeliverable_at)
        kept->undeliverable_at = gone->undeliverable_at;
    if (kept->name[0] == '\0')
        memcpy(kept->name, gone->name, sizeof kept->name);
    if (kept->lang[0] == '\0')
        memcpy(kept->lang, gone->lang, sizeof kept->lang);
}

static int merge(struct store *s, struct person *kept, const struct person *gone, int64_t now, struct err *e)
{
    int64_t b = kept->bucket;
    int rc = RUN(&identities_move, kept->id, b, gone->id);
    if (rc == 0)
        rc = pairs_merge(s, kept->bucket, kept->id, gone->id, e);
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
    if (rc != 0)
        return rc;
    join(kept, gone);
    return people_save(s, kept, 1, e);
}

int people_add_identity(struct store *s, struct person *p, const struct identity *also, int64_t now, struct err *e)
{
    struct person mine, other;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    if (also->kind == IDENTITY_NONE || also->value[0] == '\0')
        return write_end(s, err_set(e, WL_EINVAL, "an empty name belongs to nobody"));
    if (store_bucket(s, (int)also->kind, str_of(also->value)) != p->bucket)
        return write_end(s, err_set(e, WL_EINVAL, "one transaction touches one bucket"));
    rc = people_get(s, p->bucket, p->id, &mine, e);
    if (rc == 0)
        rc = identity_lookup(s, p->bucket, also, &other, e);
    if (rc == 0 && other.id == 0)
        rc = identity_insert(s, p->bucket, also, mine.id, now, e);
    else if (rc == 0 && other.id != mine.id)
        rc = mine.id < other.id ? merge(s, &mine, &other, now, e) : merge(s, &other, &mine, now, e);
    if (rc == 0)
        rc = people_get(s, mine.bucket, mine.id, &mine, e);
    if (rc == 0)
        *p = mine;
    return write_end(s, rc);
}
