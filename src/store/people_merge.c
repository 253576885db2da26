/* SPDX-License-Identifier: Apache-2.0
 * people_merge.c - two persons turn out to be one.
 *
 * The older row stays. Names, pair state, activity, attributes, places in campaigns and what either got lately move to it; what they consented to is folded from what was
 * said under each of their names (people_words.c). The newer person's row stays as a pointer, and person_merge remembers who
 * went where, so that histories written under either id (ledger, messages) are found from both. Nothing of a history is
 * rewritten. Which of two names of a person, languages or time zones stays does not depend on which row is the older one.
 *
 * Somebody who is to be erased is one with nobody any more: an erasure is of who was known when it was asked for, and takes
 * nothing of whoever has the number by now. */
#include "store/campaigns.h"
#include "store/people_rows.h"

/* added_at >= 0 is always so: it makes the planner take the index by person instead of walking the bucket. */
STATEMENT(identities_move,
          "UPDATE person_identity SET contact = $1 WHERE bucket = $2 AND contact = $3 AND added_at >= 0");
STATEMENT(person_leave, "UPDATE person SET merged_into = $1, ver = ver + 1 WHERE bucket = $2 AND id = $3");
STATEMENT(person_repoint, "UPDATE person SET merged_into = $1, ver = ver + 1 WHERE bucket = $2 AND id IN "
                          "(SELECT gone FROM person_merge WHERE bucket = $2 AND kept = $3)");
STATEMENT(merge_inherit, "INSERT INTO person_merge (bucket, kept, gone, merged_at) "
                         "SELECT m.bucket, CAST($1 AS BIGINT), m.gone, m.merged_at FROM person_merge m "
                         "WHERE m.bucket = $2 AND m.kept = $3 ON CONFLICT (bucket, kept, gone) DO NOTHING");
STATEMENT(merge_record, "INSERT INTO person_merge (bucket, kept, gone, merged_at) VALUES ($1, $2, $3, $4)");
STATEMENT(person_inherit, "UPDATE person SET leaf = $1 WHERE bucket = $2 AND id = $3");
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

/* When the name a person shows was last heard; what the business gave has no time, and is never older. */
static int name_heard(struct store *s, struct person *p, struct err *e)
{
    int64_t last = 0;
    if (p->name_at == 0)
        return 0;
    int rc = pairs_last_named(s, p->bucket, p->id, &last, e);
    p->name_at = last > p->name_at ? last : p->name_at;
    return rc;
}

static bool is_better_name(const struct person *a, const struct person *b)
{
    bool given_a = a->name[0] != '\0' && a->name_at == 0, given_b = b->name[0] != '\0' && b->name_at == 0;
    if (given_a != given_b)
        return given_a;
    return a->name_at != b->name_at ? a->name_at > b->name_at : strcmp(a->name, b->name) > 0;
}

static void keep_greater(char *text, const char *other, size_t size)
{
    if (strcmp(other, text) > 0)
        memcpy(text, other, size);
}

/* What the older person's row says after the merge. */
static void join(struct person *kept, const struct person *gone)
{
    if (gone->undeliverable_at > kept->undeliverable_at)
        kept->undeliverable_at = gone->undeliverable_at;
    if (is_better_name(gone, kept)) {
        memcpy(kept->name, gone->name, sizeof kept->name);
        kept->name_at = gone->name_at;
    }
    keep_greater(kept->lang, gone->lang, sizeof kept->lang);
    keep_greater(kept->zone, gone->zone, sizeof kept->zone);
    if (gone->leaf > kept->leaf)
        kept->leaf = gone->leaf;
    caps_merge(&kept->caps, &gone->caps);
}

static int move_rows(struct store *s, const struct person *kept, const struct person *gone, int64_t at, struct err *e)
{
    int64_t b = kept->bucket;
    int rc = RUN(&identities_move, kept->id, b, gone->id);
    if (rc == 0)
        rc = pairs_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = reach_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = activities_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = attributes_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = recipients_merge(s, kept->bucket, kept->id, gone->id, e);
    if (rc == 0)
        rc = RUN(&person_repoint, kept->id, b, gone->id);
    if (rc == 0)
        rc = RUN(&merge_inherit, kept->id, b, gone->id);
    if (rc == 0)
        rc = RUN(&person_leave, kept->id, b, gone->id);
    if (rc == 0)
        rc = RUN(&merge_record, b, kept->id, gone->id, at);
    return rc == 0 ? RUN(&head_one_less, b) : rc;
}

/* What has to be known of each of the two before names move. */
static int prepare(struct store *s, struct person *p, struct err *e)
{
    int rc = words_seed(s, p, e);
    return rc == 0 ? name_heard(s, p, e) : rc;
}

static bool may_merge(const struct person *a, const struct person *b)
{
    return a->restricted_until == 0 && b->restricted_until == 0;
}

int people_may_merge(struct store *s, int bucket, int64_t one, int64_t other, bool *ret, struct err *e)
{
    struct person a, b;
    int rc = people_get(s, bucket, one, &a, e);
    if (rc == 0)
        rc = people_get(s, bucket, other, &b, e);
    if (rc == 0)
        *ret = a.id == b.id || may_merge(&a, &b);
    return rc;
}

int people_merge(struct store *s, int bucket, int64_t one, int64_t other, int64_t at, struct person *ret, struct err *e)
{
    struct person kept, gone;
    int rc = people_get(s, bucket, one, &kept, e);
    if (rc == 0)
        rc = people_get(s, bucket, other, &gone, e);
    if (rc == 0 && (kept.id == gone.id || !may_merge(&kept, &gone))) {
        *ret = kept;
        return 0;
    }
    if (rc == 0 && gone.id < kept.id) {
        struct person newer = kept;
        kept = gone;
        gone = newer;
    }
    if (rc == 0)
        rc = prepare(s, &kept, e);
    if (rc == 0)
        rc = prepare(s, &gone, e);
    if (rc == 0)
        rc = move_rows(s, &kept, &gone, at, e);
    if (rc != 0)
        return rc;
    join(&kept, &gone);
    rc = RUN(&person_inherit, kept.leaf, bucket, kept.id);
    if (rc == 0)
        rc = identities_together(s, bucket, kept.id, at, e);
    if (rc == 0)
        rc = words_fold(s, &kept, "merge", at, e);
    if (rc == 0)
        rc = people_save(s, &kept, 1, e);
    if (rc == 0)
        *ret = kept;
    return rc;
}
