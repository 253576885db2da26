/* SPDX-License-Identifier: Apache-2.0
 * apply_account.c - one word of Meta's about an account, written where it belongs.
 *
 * Each thing that is said is a register with a time: the later word counts, and of one moment the stricter, so that the
 * order in which words come in does not count. A limit is the portfolio's: it counts for every account with the same owner, and a word whose id is no account of ours
 * may name the portfolio itself. Whom an account reached while its owner was not known counts for the owner as soon as it
 * is (and for a new one, should it change hands; the former keeps its count, too). Restrictions and bans are the account's alone. A number is found among those of its
 * account by the digits of its display form, because these webhooks carry no other name. */
#include "gateway/apply_account.h"

#include <stdio.h>
#include <string.h>

#include "core/phone.h"
#include "store/accounts.h"
#include "store/reach.h"
#include "store/senders.h"

/* Whether what was said at `at` takes the place of what was said at `than`; `wins`: it does when both are of one moment. */
static bool newer(int64_t at, int64_t than, bool wins)
{
    return at > than || (at == than && wins);
}

static void take(int64_t *value, int64_t now, int64_t *said_at, int64_t at, bool wins)
{
    if (!newer(at, *said_at, wins))
        return;
    *value = now;
    *said_at = at;
}

static void take_until(int64_t *until, int64_t now, int64_t *said_at, int64_t at)
{
    take(until, now, said_at, at, now > *until);
}

/* A text; of one moment the greater one counts, which of decisions is the worse: REJECTED, PENDING, DEFERRED, APPROVED. */
static void take_text(char *text, size_t size, int64_t *told_at, const char *said, int64_t at)
{
    if (!newer(at, *told_at, strcmp(said, text) > 0))
        return;
    snprintf(text, size, "%s", said);
    *told_at = at;
}

static bool tighter(int64_t limit, int64_t than)
{
    return than < 0 || (limit > 0 && (than == 0 || limit < than));
}

static void take_limit(struct account *v, int64_t limit, int64_t at)
{
    take(&v->limit, limit, &v->said_at.limit, at, tighter(limit, v->limit));
}

static void take_restrictions(struct account *v, const struct account_word *w, int64_t at)
{
    if (w->said & SAID_TEMPLATES)
        take_until(&v->no_templates_until, w->no_templates_until, &v->said_at.templates, at);
    if (w->said & SAID_MESSAGES)
        take_until(&v->no_messages_until, w->no_messages_until, &v->said_at.messages, at);
    if (w->said & SAID_UTILITY)
        take_until(&v->no_utility_until, w->no_utility_until, &v->said_at.utility, at);
    if (w->said & SAID_DIRECT)
        take_until(&v->no_direct_until, w->no_direct_until, &v->said_at.direct, at);
}

static void take_standing(struct account *v, const struct account_word *w, int64_t at)
{
    int64_t state = v->state;
    if (w->said & SAID_STATE)
        take_until(&state, w->state, &v->said_at.state, at);
    v->state = (enum account_state)state;
    if (w->said & SAID_REVIEW)
        take_text(v->review, sizeof v->review, &v->told_at.review, w->review, at);
    if (w->said & SAID_VIOLATION)
        take_text(v->violation, sizeof v->violation, &v->told_at.violation, w->violation, at);
    if (w->said & SAID_DISABLE_ON)
        take_text(v->disable_on, sizeof v->disable_on, &v->told_at.disable, w->disable_on, at);
}

static void take_all(struct account *v, const struct account_word *w, int64_t at)
{
    take_standing(v, w, at);
    take_restrictions(v, w, at);
    if (w->said & SAID_LIMIT)
        take_limit(v, w->limit, at);
    if (w->said & SAID_NUMBERS_MAX)
        take(&v->numbers_max, w->numbers_max, &v->told_at.numbers_max, at, tighter(w->numbers_max, v->numbers_max));
    if (w->said & SAID_PORTFOLIO)
        take_until(&v->portfolio, w->portfolio, &v->said_at.portfolio, at);
    v->updated_at = v->updated_at > at ? v->updated_at : at;
}

static bool has_limit(const struct account *v, int64_t portfolio)
{
    return account_portfolio(v) == portfolio && v->said_at.limit != 0;
}

/* One limit for all accounts of a portfolio: what was said last, of whichever of them. */
static int share_limit(struct store *s, struct arena *a, int64_t portfolio, struct err *e)
{
    const struct account *last = NULL;
    struct account *all;
    size_t n;
    int rc = accounts_list(s, a, &all, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (has_limit(&all[i], portfolio) &&
            (last == NULL || newer(all[i].said_at.limit, last->said_at.limit, tighter(all[i].limit, last->limit))))
            last = &all[i];
    for (size_t i = 0; i < n && rc == 0 && last != NULL; i++) {
        struct account *v = &all[i];
        if (account_portfolio(v) != portfolio || (v->limit == last->limit && v->said_at.limit == last->said_at.limit))
            continue;
        take_limit(v, last->limit, last->said_at.limit);
        rc = accounts_put(s, v, 1, e);
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
    return rc == 0 && (w->said & (SAID_LIMIT | SAID_PORTFOLIO)) ? share_limit(s, a, account_portfolio(&v), e) : rc;
}

static void touch(struct sender *v, int64_t at)
{
    v->updated_at = v->updated_at > at ? v->updated_at : at;
}

static void take_pace(struct sender *v, int per_second, int64_t at)
{
    int64_t value = v->per_second;
    take(&value, per_second, &v->said_at.per_second, at, value == 0 || per_second < value);
    v->per_second = (int)value;
    touch(v, at);
}

static int quality_rank(const char *quality)
{
    static const char *const words[] = {"GREEN", "YELLOW", "RED"};
    for (int i = 2; i >= 0; i--)
        if (strcmp(quality, words[i]) == 0)
            return i + 1;
    return 0;
}

static void take_quality(struct sender *v, const char *quality, int64_t at)
{
    if (!newer(at, v->said_at.quality, quality_rank(quality) > quality_rank(v->quality)))
        return;
    snprintf(v->quality, sizeof v->quality, "%s", quality);
    v->said_at.quality = at;
    touch(v, at);
}

static void take_number(struct sender *v, const struct sender *read, int64_t at)
{
    if (!newer(at, v->said_at.number, true))
        return; /* only readings say it: of one second, the one that is read last */
    v->waba = read->waba != 0 ? read->waba : v->waba;
    v->status = read->status;
    memcpy(v->display_phone, read->display_phone, sizeof v->display_phone);
    memcpy(v->verified_name, read->verified_name, sizeof v->verified_name);
    v->said_at.number = at;
    touch(v, at);
}

static void take_health(enum health *health, struct str *detail, int64_t *told_at, enum health said, struct str why,
                        int64_t at)
{
    if (said == HEALTH_UNKNOWN || !newer(at, *told_at, true))
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
    if (read->name_status[0] != '\0')
        take_text(v.name_status, sizeof v.name_status, &v.told_at.name_status, read->name_status, at);
    if (read->username[0] != '\0')
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

int apply_number_shown(struct store *s, struct arena *a, struct str display_phone, int64_t *ret, struct err *e)
{
    struct sender *all;
    size_t n;
    int rc = senders_list(s, a, &all, &n, e);
    *ret = 0;
    for (size_t i = 0; i < n && rc == 0 && *ret == 0; i++)
        if (phone_same_digits(str_of(all[i].display_phone), display_phone))
            *ret = all[i].id;
    return rc;
}

static int number_said(struct store *s, struct arena *a, int64_t waba, struct str display, const struct account_word *w,
                       int64_t at, struct err *e)
{
    struct sender *all;
    size_t n;
    int rc = senders_list(s, a, &all, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct sender *v = &all[i];
        if ((v->waba != waba && v->waba != 0) || !phone_same_digits(str_of(v->display_phone), display))
            continue;
        if (w->said & SAID_THROUGHPUT)
            take_pace(v, w->per_second, at);
        if (w->said & SAID_QUALITY)
            take_quality(v, w->quality, at);
        if (w->said & SAID_NAME_STATUS)
            take_text(v->name_status, sizeof v->name_status, &v->told_at.name_status, w->name_status, at);
        if (w->said & SAID_USERNAME)
            take_text(v->username, sizeof v->username, &v->told_at.username, w->username, at);
        touch(v, at);
        rc = senders_put(s, v, 1, e);
    }
    return rc;
}

int apply_account_word(struct store *s, struct arena *a, int64_t waba, struct str display_phone,
                       const struct account_word *w, int64_t at, struct err *e)
{
    int64_t of = w->waba ? w->waba : waba;
    int rc = 0;
    if (of == 0)
        return 0; /* stays in the inbox */
    if (w->said & ~SAID_OF_NUMBER)
        rc = account_said(s, a, of, w, at, e);
    if (rc == 0 && (w->said & SAID_OF_NUMBER) && display_phone.n > 0)
        rc = number_said(s, a, of, display_phone, w, at, e);
    return rc;
}
