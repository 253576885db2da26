/* SPDX-License-Identifier: Apache-2.0
 * accounts.c - our accounts' limits and restrictions as Meta last told them.
 *
 * A handful of rows, replaced whole and read whole into the gateway's snapshot. Which word of Meta's means which
 * restriction, and until when, is decided above; here it is only kept. */
#include "store/accounts.h"
#include "store/db.h"

#define ACCOUNTS_MAX 100000

STATEMENT(account_put,
          "INSERT INTO account (waba, portfolio, people_a_day, state, no_templates_until, no_messages_until, "
          "no_utility_until, payment_failed_at, updated_at, state_at, templates_at, messages_at, utility_at, limit_at, "
          "no_direct_until, misuse_at, direct_at, name, health, health_detail, health_at, violation, violation_at, "
          "review, review_at, disable_on, disable_at, numbers_max, numbers_max_at, portfolio_at) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
          "COALESCE(CAST($20 AS TEXT), ''), $21, $22, $23, $24, $25, $26, $27, $28, $29, $30) "
          "ON CONFLICT (waba) DO UPDATE SET portfolio = excluded.portfolio, people_a_day = excluded.people_a_day, "
          "state = excluded.state, no_templates_until = excluded.no_templates_until, no_messages_until = "
          "excluded.no_messages_until, no_utility_until = excluded.no_utility_until, payment_failed_at = "
          "excluded.payment_failed_at, updated_at = excluded.updated_at, state_at = excluded.state_at, "
          "templates_at = excluded.templates_at, messages_at = excluded.messages_at, utility_at = "
          "excluded.utility_at, limit_at = excluded.limit_at, no_direct_until = excluded.no_direct_until, misuse_at = "
          "excluded.misuse_at, direct_at = excluded.direct_at, name = excluded.name, health = excluded.health, "
          "health_detail = COALESCE(CAST($20 AS TEXT), account.health_detail), health_at = excluded.health_at, "
          "violation = excluded.violation, violation_at = excluded.violation_at, review = excluded.review, review_at = "
          "excluded.review_at, disable_on = excluded.disable_on, disable_at = excluded.disable_at, numbers_max = "
          "excluded.numbers_max, numbers_max_at = excluded.numbers_max_at, portfolio_at = excluded.portfolio_at");
STATEMENT(
    account_get,
    "SELECT waba, portfolio, people_a_day, state, no_templates_until, no_messages_until, "
    "no_utility_until, payment_failed_at, updated_at, state_at, templates_at, messages_at, "
    "utility_at, limit_at, no_direct_until, misuse_at, direct_at, name, health, health_detail, health_at, "
    "violation, violation_at, review, review_at, disable_on, disable_at, numbers_max, numbers_max_at, portfolio_at "
    "FROM account WHERE waba = $1");
STATEMENT(
    accounts_all,
    "SELECT waba, portfolio, people_a_day, state, no_templates_until, no_messages_until, "
    "no_utility_until, payment_failed_at, updated_at, state_at, templates_at, messages_at, "
    "utility_at, limit_at, no_direct_until, misuse_at, direct_at, name, health, health_detail, health_at, "
    "violation, violation_at, review, review_at, disable_on, disable_at, numbers_max, numbers_max_at, portfolio_at "
    "FROM account ORDER BY waba LIMIT $1");

/* What Meta said without restricting anything, and when. */
static void bind_words(struct db_stmt *q, const struct account *v)
{
    db_text(q, str_of(v->name));
    db_i64(q, v->health);
    db_text_or_null(q, v->health_detail);
    db_i64(q, v->told_at.health);
    db_text(q, str_of(v->violation));
    db_i64(q, v->told_at.violation);
    db_text(q, str_of(v->review));
    db_i64(q, v->told_at.review);
    db_text(q, str_of(v->disable_on));
    db_i64(q, v->told_at.disable);
    db_i64(q, v->numbers_max);
    db_i64(q, v->told_at.numbers_max);
    db_i64(q, v->said_at.portfolio);
}

int accounts_put(struct store *s, const struct account *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &account_put, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        db_i64(q, v[i].waba);
        db_i64(q, v[i].portfolio);
        db_i64(q, v[i].limit);
        db_i64(q, v[i].state);
        db_i64(q, v[i].no_templates_until);
        db_i64(q, v[i].no_messages_until);
        db_i64(q, v[i].no_utility_until);
        db_i64(q, v[i].payment_failed_at);
        db_i64(q, v[i].updated_at);
        db_i64(q, v[i].said_at.state);
        db_i64(q, v[i].said_at.templates);
        db_i64(q, v[i].said_at.messages);
        db_i64(q, v[i].said_at.utility);
        db_i64(q, v[i].said_at.limit);
        db_i64(q, v[i].no_direct_until);
        db_i64(q, v[i].misuse_at);
        db_i64(q, v[i].said_at.direct);
        bind_words(q, &v[i]);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

/* Without an arena the detail is not copied: absent, it is kept when the row is written. */
static int read_words(struct db_stmt *q, struct arena *a, struct account *v, struct err *e)
{
    int rc = 0;
    col_chars(q, v->name, sizeof v->name);
    v->health = (enum health)col_i64(q);
    if (a != NULL)
        rc = col_copy(q, a, &v->health_detail, e);
    else
        (void)col_text(q);
    v->told_at.health = col_i64(q);
    col_chars(q, v->violation, sizeof v->violation);
    v->told_at.violation = col_i64(q);
    col_chars(q, v->review, sizeof v->review);
    v->told_at.review = col_i64(q);
    col_chars(q, v->disable_on, sizeof v->disable_on);
    v->told_at.disable = col_i64(q);
    v->numbers_max = col_i64(q);
    v->told_at.numbers_max = col_i64(q);
    v->said_at.portfolio = col_i64(q);
    return rc;
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct account *v = row;
    v->waba = col_i64(q);
    v->portfolio = col_i64(q);
    v->limit = col_i64(q);
    v->state = (enum account_state)col_i64(q);
    v->no_templates_until = col_i64(q);
    v->no_messages_until = col_i64(q);
    v->no_utility_until = col_i64(q);
    v->payment_failed_at = col_i64(q);
    v->updated_at = col_i64(q);
    v->said_at.state = col_i64(q);
    v->said_at.templates = col_i64(q);
    v->said_at.messages = col_i64(q);
    v->said_at.utility = col_i64(q);
    v->said_at.limit = col_i64(q);
    v->no_direct_until = col_i64(q);
    v->misuse_at = col_i64(q);
    v->said_at.direct = col_i64(q);
    return read_words(q, a, v, e);
}

int accounts_get(struct store *s, int64_t waba, struct account *ret, struct err *e)
{
    struct account v = {.waba = waba, .limit = -1};
    struct db_stmt *q;
    int rc = db_prepare(s, &account_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, waba);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1)
        (void)read_row(q, NULL, &v, NULL);
    db_reset(q);
    *ret = v;
    return 0;
}

int accounts_list(struct store *s, struct arena *a, struct account **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &accounts_all, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, ACCOUNTS_MAX);
    return db_rows(q, a, ACCOUNTS_MAX, sizeof **ret, read_row, ret, ret_n, e);
}
