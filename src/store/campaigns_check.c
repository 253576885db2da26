/* SPDX-License-Identifier: Apache-2.0
 * campaigns_check.c - what a check found, and the sources a campaign's people came from.
 *
 * A check that is made again takes the place of the one before, its sources as well. Afterwards nothing of a source changes but whether
 * the campaign goes on with it. The audience, megabytes of a large campaign, is read apart: few ask for it, and some ask each second for
 * the rest. */
#include "store/campaigns.h"

#include <string.h>

#include "store/db.h"

STATEMENT(campaign_check_set,
          "INSERT INTO campaign_check (campaign, at, report, terms, audience, audience_hash) VALUES ($1, $2, $3, $4, "
          "$5, $6) ON CONFLICT (campaign) DO UPDATE SET at = excluded.at, report = excluded.report, "
          "terms = excluded.terms, audience = excluded.audience, audience_hash = excluded.audience_hash");
STATEMENT(campaign_check_one,
          "SELECT campaign, at, report, terms, audience_hash FROM campaign_check WHERE campaign = $1");
STATEMENT(campaign_audience_one, "SELECT audience FROM campaign_check WHERE campaign = $1");
STATEMENT(campaign_sources_drop, "DELETE FROM campaign_source WHERE campaign = $1");
STATEMENT(campaign_source_add,
          "INSERT INTO campaign_source (campaign, stratum, source, name, people, state, state_at, why) VALUES ($1, $2, "
          "$3, $4, $5, $6, $7, $8)");
STATEMENT(campaign_sources_of, "SELECT campaign, stratum, source, name, people, state, state_at, why FROM "
                               "campaign_source WHERE campaign = $1 ORDER BY stratum LIMIT $2");
STATEMENT(campaign_source_turn, "UPDATE campaign_source SET state = $1, state_at = $2, why = $3 WHERE campaign = $4 "
                                "AND stratum = $5");

int campaign_check_put(struct store *s, const struct campaign_check_row *c, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_check_set, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, c->campaign);
    db_i64(q, c->at);
    db_text(q, c->report);
    db_text(q, c->terms);
    db_blob(q, c->audience.p, c->audience.n);
    db_blob(q, c->audience_hash, sizeof c->audience_hash);
    return write_end(s, db_exec(q, NULL, e));
}

static int read_check(struct db_stmt *q, struct arena *a, struct campaign_check_row *ret, struct err *e)
{
    struct campaign_check_row c = {.campaign = col_i64(q)};
    c.at = col_i64(q);
    int rc = col_copy(q, a, &c.report, e);
    if (rc == 0)
        rc = col_copy(q, a, &c.terms, e);
    if (rc != 0)
        return rc;
    struct str hash = col_blob(q);
    if (hash.n != sizeof c.audience_hash)
        return err_set(e, WL_ECORRUPT, "database: the hash of a campaign's audience has %zu bytes instead of %zu",
                       hash.n, sizeof c.audience_hash);
    memcpy(c.audience_hash, hash.p, sizeof c.audience_hash);
    *ret = c;
    return 0;
}

/* On the row of the check; db_reset() it in any case once there is a statement. */
static int find_check(struct store *s, const struct statement *st, int64_t campaign, struct db_stmt **ret,
                      struct err *e)
{
    int rc = db_prepare(s, st, ret, e);
    if (rc != 0) {
        *ret = NULL;
        return rc;
    }
    db_i64(*ret, campaign);
    rc = db_step(*ret, e);
    return rc == 0 ? err_set(e, WL_ENOTFOUND, "the campaign was not checked yet") : rc < 0 ? rc : 0;
}

int campaign_check_get(struct store *s, int64_t campaign, struct arena *a, struct campaign_check_row *ret,
                       struct err *e)
{
    struct db_stmt *q;
    int rc = find_check(s, &campaign_check_one, campaign, &q, e);
    if (rc == 0)
        rc = read_check(q, a, ret, e);
    if (q != NULL)
        db_reset(q);
    return rc;
}

int campaign_audience_get(struct store *s, int64_t campaign, struct arena *a, struct str *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = find_check(s, &campaign_audience_one, campaign, &q, e);
    if (rc == 0)
        rc = col_copy_blob(q, a, ret, e);
    if (q != NULL)
        db_reset(q);
    return rc;
}

/* --- sources -------------------------------------------------------------------------------------------------------- */

static int drop_sources(struct store *s, int64_t campaign, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_sources_drop, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, campaign);
    return db_exec(q, NULL, e);
}

static int add_source(struct store *s, const struct campaign_source *v, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_source_add, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->campaign);
    db_i64(q, v->stratum);
    db_i64(q, v->source);
    db_text(q, v->name);
    db_i64(q, v->people);
    db_i64(q, v->state);
    db_i64(q, v->state_at);
    db_text(q, v->why);
    return db_exec(q, NULL, e);
}

int campaign_sources_put(struct store *s, const struct campaign_source *v, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc == 0 && n > 0)
        rc = drop_sources(s, v[0].campaign, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_source(s, &v[i], e);
    return write_end(s, rc);
}

static int read_source(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct campaign_source *v = row;
    *v = (struct campaign_source){.campaign = col_i64(q)};
    v->stratum = col_int(q);
    v->source = col_i64(q);
    int rc = col_copy(q, a, &v->name, e);
    if (rc != 0)
        return rc;
    v->people = col_i64(q);
    v->state = col_int(q);
    v->state_at = col_i64(q);
    return col_copy(q, a, &v->why, e);
}

int campaign_sources_get(struct store *s, int64_t campaign, struct arena *a, struct campaign_source **ret,
                         size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &campaign_sources_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, campaign);
    db_i64(q, CAMPAIGN_STRATA_MAX);
    return db_rows(q, a, CAMPAIGN_STRATA_MAX, sizeof **ret, read_source, ret, ret_n, e);
}

int campaign_source_set(struct store *s, const struct campaign_source *v, struct err *e)
{
    int64_t changed = 0;
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &campaign_source_turn, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, v->state);
    db_i64(q, v->state_at);
    db_text(q, v->why);
    db_i64(q, v->campaign);
    db_i64(q, v->stratum);
    rc = write_end(s, db_exec(q, &changed, e));
    return rc == 0 && changed == 0 ? err_set(e, WL_ENOTFOUND, "the campaign has no such source") : rc;
}
