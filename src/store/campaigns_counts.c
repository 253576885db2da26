/* SPDX-License-Identifier: Apache-2.0
 * campaigns_counts.c - what became of a campaign's messages, counted by where its people came from and the minute they were sent to.
 *
 * Changes are added, never set: whoever counts says what is new (gateway/lives.c), in the transaction in which it became so. */
#include "store/campaigns.h"

#include "store/db.h"

STATEMENT(
    cohort_add,
    "INSERT INTO campaign_cohort (bucket, campaign, stratum, minute, sent, delivered, read_any, read_15, read_60, "
    "read_240, read_1440, undeliverable, held_back, failed, opted_out, complained, replied) VALUES ($1, $2, $3, "
    "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (bucket, campaign, stratum, "
    "minute) DO UPDATE SET sent = campaign_cohort.sent + excluded.sent, delivered = campaign_cohort.delivered + "
    "excluded.delivered, read_any = campaign_cohort.read_any + excluded.read_any, read_15 = "
    "campaign_cohort.read_15 + excluded.read_15, read_60 = campaign_cohort.read_60 + excluded.read_60, read_240 = "
    "campaign_cohort.read_240 + excluded.read_240, read_1440 = campaign_cohort.read_1440 + excluded.read_1440, "
    "undeliverable = campaign_cohort.undeliverable + excluded.undeliverable, held_back = "
    "campaign_cohort.held_back + excluded.held_back, failed = campaign_cohort.failed + excluded.failed, opted_out "
    "= campaign_cohort.opted_out + excluded.opted_out, complained = campaign_cohort.complained + "
    "excluded.complained, replied = campaign_cohort.replied + excluded.replied");
STATEMENT(cohorts_of,
          "SELECT stratum, minute, sent, delivered, read_any, read_15, read_60, read_240, read_1440, undeliverable, "
          "held_back, failed, opted_out, complained, replied FROM campaign_cohort WHERE bucket = $1 AND campaign = $2 "
          "ORDER BY stratum, minute LIMIT $3");

#define COUNTS       13
#define COHORTS_MOST 1000000 /* a campaign of weeks with hundreds of sources; the arena ends sooner */

/* In the order of the columns. */
static void counts_of(const struct cohort_change *c, int64_t ret[COUNTS])
{
    const int64_t v[COUNTS] = {c->sent,      c->delivered,  c->read_any,      c->read_15,   c->read_60,
                               c->read_240,  c->read_1440,  c->undeliverable, c->held_back, c->failed,
                               c->opted_out, c->complained, c->replied};
    for (size_t i = 0; i < COUNTS; i++)
        ret[i] = v[i];
}

static int add(struct store *s, const struct cohort_change *c, struct err *e)
{
    int64_t v[COUNTS];
    struct db_stmt *q;
    int rc = db_prepare(s, &cohort_add, &q, e);
    if (rc != 0)
        return rc;
    counts_of(c, v);
    db_i64(q, c->bucket);
    db_i64(q, c->campaign);
    db_i64(q, c->stratum);
    db_i64(q, c->minute);
    for (size_t i = 0; i < COUNTS; i++)
        db_i64(q, v[i]);
    return db_exec(q, NULL, e);
}

int campaign_cohort_add(struct store *s, const struct cohort_change *c, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add(s, &c[i], e);
    return write_end(s, rc);
}

static int read_cohort(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct cohort_change *c = row;
    (void)a, (void)e;
    *c = (struct cohort_change){.stratum = col_int(q)};
    c->minute = col_i64(q);
    c->sent = col_int(q);
    c->delivered = col_int(q);
    c->read_any = col_int(q);
    c->read_15 = col_int(q);
    c->read_60 = col_int(q);
    c->read_240 = col_int(q);
    c->read_1440 = col_int(q);
    c->undeliverable = col_int(q);
    c->held_back = col_int(q);
    c->failed = col_int(q);
    c->opted_out = col_int(q);
    c->complained = col_int(q);
    c->replied = col_int(q);
    return 0;
}

int campaign_cohorts(struct store *s, int bucket, int64_t campaign, struct arena *a, struct cohort_change **ret,
                     size_t *ret_n, struct err *e)
{
    struct cohort_change *rows = NULL;
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &cohorts_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, campaign);
    db_i64(q, COHORTS_MOST);
    rc = db_rows(q, a, COHORTS_MOST, sizeof *rows, read_cohort, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        rows[i].bucket = bucket;
        rows[i].campaign = campaign;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}
