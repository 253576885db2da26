/* SPDX-License-Identifier: Apache-2.0
 * campaigns_merge.c - two persons turn out to be one, and may both be recipients of a campaign.
 *
 * Then the earlier place is theirs, because it is sent to first, and the later one is nobody's, with whatever was sent to it: so nobody is
 * met twice by a campaign because we took them for two. Places stay where they are. */
#include "store/campaigns.h"
#include "store/db.h"

#define MERGED_AT_ONCE 256

STATEMENT(contact_campaigns_some, "SELECT campaign, place FROM contact_campaign WHERE bucket = $1 AND contact = $2 "
                                  "ORDER BY campaign LIMIT $3");
STATEMENT(contact_campaign_one, "SELECT place FROM contact_campaign WHERE bucket = $1 AND contact = $2 AND "
                                "campaign = $3");
STATEMENT(contact_campaign_at, "UPDATE contact_campaign SET place = $1 WHERE bucket = $2 AND contact = $3 AND "
                               "campaign = $4");
STATEMENT(recipient_is,
          "UPDATE campaign_recipient SET contact = $1 WHERE bucket = $2 AND campaign = $3 AND place = $4");
STATEMENT(recipient_blank, "UPDATE campaign_recipient SET contact = 0, params = '' WHERE bucket = $1 AND campaign = $2 "
                           "AND place = $3");
STATEMENT(contact_campaign_join,
          "INSERT INTO contact_campaign (bucket, contact, campaign, place) VALUES ($1, $2, $3, $4)");
STATEMENT(contact_campaign_leave, "DELETE FROM contact_campaign WHERE bucket = $1 AND contact = $2 AND campaign = $3");

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

/* 0: they are not in it. */
static int place_in(struct store *s, int bucket, int64_t contact, int64_t campaign, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &contact_campaign_one, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_i64(q, campaign);
    rc = db_step(q, e);
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return rc < 0 ? rc : 0;
}

/* Where both are in a campaign the earlier place is theirs, which is sent to first; the later is nobody's. */
static int merge_one(struct store *s, const struct campaign_recipient *gone, int64_t kept, int64_t old, struct err *e)
{
    int64_t bucket = gone->bucket, campaign = gone->campaign, has = 0;
    int rc = place_in(s, gone->bucket, kept, campaign, &has, e);
    if (rc != 0)
        return rc;
    int64_t first = has == 0 || gone->place < has ? gone->place : has;
    if (has == 0)
        rc = RUN(&contact_campaign_join, bucket, kept, campaign, first);
    else if (first != has)
        rc = RUN(&contact_campaign_at, first, bucket, kept, campaign);
    if (rc == 0)
        rc = RUN(&recipient_is, kept, bucket, campaign, first);
    if (rc == 0 && has != 0)
        rc = RUN(&recipient_blank, bucket, campaign, first == has ? gone->place : has);
    return rc == 0 ? RUN(&contact_campaign_leave, bucket, old, campaign) : rc;
}

static int merge_some(struct store *s, int bucket, int64_t kept, int64_t gone, size_t *ret_n, struct err *e)
{
    struct campaign_recipient in[MERGED_AT_ONCE];
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &contact_campaigns_some, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, gone);
    db_i64(q, MERGED_AT_ONCE);
    while (n < MERGED_AT_ONCE && (rc = db_step(q, e)) == 1) {
        in[n] = (struct campaign_recipient){.bucket = bucket, .campaign = col_i64(q)};
        in[n++].place = col_i64(q);
    }
    db_reset(q);
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = merge_one(s, &in[i], kept, gone, e);
    *ret_n = n;
    return rc < 0 ? rc : 0;
}

int recipients_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e)
{
    size_t n = MERGED_AT_ONCE;
    int rc = 0;
    while (rc == 0 && n == MERGED_AT_ONCE)
        rc = merge_some(s, bucket, kept, gone, &n, e);
    return rc;
}
