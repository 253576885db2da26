/* SPDX-License-Identifier: Apache-2.0
 * apply_account.c - one word of Meta's about an account, written where it belongs.
 *
 * A limit is the portfolio's: it counts for every account with the same owner, and a word whose id is no account of ours
 * may name the portfolio itself. Whom an account reached while its owner was not known counts for the owner as soon as it
 * is (and for a new one, should it change hands; the former keeps its count, too). Restrictions and bans are the account's alone. A number is found among those of its
 * account by the digits of its display form, because these webhooks carry no other name. */
#include "gateway/apply_account.h"

#include <stdio.h>
#include <string.h>

#include "store/accounts.h"
#include "store/reach.h"
#include "store/senders.h"

static bool newer(int64_t at, int64_t than)
{
    return at / 1000 >= than / 1000;
}

static void take(int64_t *value, int64_t now, int64_t *said_at, int64_t at)
{
    if (!newer(at, *said_at))
        return;
    *value = now;
    *said_at = at;
}

static void take_all(struct account *v, const struct account_word *w, int64_t at)
{
    int64_t state = v->state;
    if (w->said & SAID_STATE)
        take(&state, w->state, &v->said_at.state, at);
    v->state = (enum account_state)state;
    if (w->said & SAID_TEMPLATES)
        take(&v->no_templates_until, w->no_templates_until, &v->said_at.templates, at);
    if (w->said & SAID_MESSAGES)
        take(&v->no_messages_until, w->no_messages_until, &v->said_at.messages, at);
    if (w->said & SAID_UTILITY)
        take(&v->no_utility_until, w->no_utility_until, &v->said_at.utility, at);
    if (w->said & SAID_DIRECT)
        take(&v->no_direct_until, w->no_direct_until, &v->said_at.direct, at);
    if (w->said & SAID_LIMIT)
        take(&v->limit, w->limit, &v->said_at.limit, at);
    if (w->said & SAID_PORTFOLIO)
        v->portfolio = w->portfolio; /* an account keeps its owner */
    v->updated_at = v->updated_at > at ? v->updated_at : at;
}

/* The limit, for the other accounts of the portfolio. */
static int share_limit(struct store *s, struct arena *a, const struct account *from, const struct account_word *w,
                       int64_t at, struct err *e)
{
    int64_t portfolio = account_portfolio(from);
    struct account_word limit = {.said = SAID_LIMIT, .limit = w->limit};
    struct account *all;
    size_t n;
    int rc = accounts_list(s, a, &all, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (all[i].waba == from->waba || all[i].portfolio != portfolio)
            continue;
        take_all(&all[i], &limit, at);
        rc = accounts_put(s, &all[i], 1, e);
    }
    return rc;
}

static int account_said(struct store *s, struct arena *a, int64_t waba, const struct account_word *w, int64_t at,
                        struct err *e)
{
    struct account v;
    int rc = accounts_get(s, waba, &v, e);
    if (rc != 0)
        return rc;
    int64_t owner = account_portfolio(&v);
    take_all(&v, w, at);
    rc = accounts_put(s, &v, 1, e);
    if (rc == 0 && account_portfolio(&v) != owner)
        rc = portfolio_add(s, account_portfolio(&v), owner, e);
    return rc == 0 && (w->said & SAID_LIMIT) ? share_limit(s, a, &v, w, at, e) : rc;
}

static void touch(struct sender *v, int64_t at)
{
    v->updated_at = v->updated_at > at ? v->updated_at : at;
}

static void take_pace(struct sender *v, int per_second, int64_t at)
{
    int64_t value = v->per_second;
    take(&value, per_second, &v->said_at.per_second, at);
    v->per_second = (int)value;
    touch(v, at);
}

static void take_quality(struct sender *v, const char *quality, int64_t at)
{
    if (!newer(at, v->said_at.quality))
        return;
    snprintf(v->quality, sizeof v->quality, "%s", quality);
    v->said_at.quality = at;
    touch(v, at);
}

static void take_number(struct sender *v, const struct sender *read, int64_t at)
{
    if (!newer(at, v->said_at.number))
        return;
    v->waba = read->waba != 0 ? read->waba : v->waba;
    v->status = read->status;
    memcpy(v->display_phone, read->display_phone, sizeof v->display_phone);
    memcpy(v->verified_name, read->verified_name, sizeof v->verified_name);
    v->said_at.number = at;
    touch(v, at);
}

static void take_text(char *text, size_t size, int64_t *told_at, const char *said, int64_t at)
{
    if (said[0] == '\0' || !newer(at, *told_at))
        return;
    snprintf(text, size, "%s", said);
    *told_at = at;
}

static void take_health(enum health *health, struct str *detail, int64_t *told_at, enum health said, struct str why,
                        int64_t at)
{
    if (said == HEALTH_UNKNOWN || !newer(at, *told_at))
        return;
    *health = said;
    *detail = why;
    *told_at = at;
}

int apply_number_read(struct store *s, struct arena *a, const struct sender *read, struct err *e)
{
    struct sender *all, v = {.id = read->id};
    int64_t at = reading_at(read->updated_at);
    size_t n;
    int rc = senders_list(s, a, &all, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (all[i].id == read->id)
            v = all[i];
    if (rc != 0)
        return rc;
    take_number(&v, read, at);
    if (read->per_second != 0)
        take_pace(&v, read->per_second, at);
    if (read->quality[0] != '\0')
        take_quality(&v, read->quality, at);
    take_text(v.name_status, sizeof v.name_status, &v.told_at.name_status, read->name_status, at);
    take_text(v.username, sizeof v.username, &v.told_at.username, read->username, at);
    take_health(&v.health, &v.health_detail, &v.told_at.health, read->health, read->health_detail, at);
    return senders_put(s, &v, 1, e);
}

int apply_account_read(struct store *s, struct arena *a, const struct account *read, struct err *e)
{
    struct account v;
    int64_t at = reading_at(read->updated_at);
    struct account_word w = {.limit = read->limit, .portfolio = read->portfolio};
    w.said = (w.limit >= 0 ? SAID_LIMIT : 0) | (w.portfolio > 0 ? SAID_PORTFOLIO : 0);
    int rc = w.said != 0 ? account_said(s, a, read->waba, &w, at, e) : 0;
    if (rc == 0)
        rc = accounts_get(s, read->waba, &v, e);
    if (rc != 0)
        return rc;
    if (read->name[0] != '\0')
        memcpy(v.name, read->name, sizeof v.name);
    take_health(&v.health, &v.health_detail, &v.told_at.health, read->health, read->health_detail, at);
    v.updated_at = v.updated_at > at ? v.updated_at : at;
    return accounts_put(s, &v, 1, e);
}

static bool same_digits(const char *a, struct str b)
{
    size_t i = 0;
    for (;;) {
        while (*a != '\0' && (*a < '0' || *a > '9'))
            a++;
        while (i < b.n && (b.p[i] < '0' || b.p[i] > '9'))
            i++;
        if (*a == '\0' || i == b.n)
            return *a == '\0' && i == b.n;
        if (*a++ != b.p[i++])
            return false;
    }
}

static int number_said(struct store *s, struct arena *a, int64_t waba, struct str display, const struct account_word *w,
                       int64_t at, struct err *e)
{
    struct sender *all;
    size_t n;
    int rc = senders_list(s, a, &all, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct sender *v = &all[i];
        if (v->waba != waba || !same_digits(v->display_phone, display))
            continue;
        if (w->said & SAID_THROUGHPUT)
            take_pace(v, w->per_second, at);
        if (w->said & SAID_QUALITY)
            take_quality(v, w->quality, at);
        rc = senders_put(s, v, 1, e);
    }
    return rc;
}

int apply_account_word(struct store *s, struct arena *a, int64_t waba, struct str display_phone,
                       const struct account_word *w, int64_t at, struct err *e)
{
    const unsigned of_number = SAID_THROUGHPUT | SAID_QUALITY;
    int64_t of = w->waba ? w->waba : waba;
    int rc = 0;
    if (of == 0)
        return 0; /* stays in the inbox */
    if (w->said & ~of_number)
        rc = account_said(s, a, of, w, at, e);
    if (rc == 0 && (w->said & of_number) && display_phone.n > 0)
        rc = number_said(s, a, of, display_phone, w, at, e);
    return rc;
}
