/* SPDX-License-Identifier: Apache-2.0
 * apply_code.c - what an error code of Meta's says of a person, a number or an account.
 *
 * Each has a place with the time it was last said, and an older word undoes no newer one. What stands against an account or a
 * number stands until something that is billed is taken again. */
#include "gateway/apply_impl.h"
#include "store/accounts.h"
#include "store/senders.h"

/* Where a person's row keeps the last time Meta answered with this code; NULL for codes that say nothing of the person. */
static int64_t *said_of_person(struct person *p, int code)
{
    switch (code) {
    case 131026: /* undeliverable */
    case 130403: /* the person is blocked by the business */
    case 137000: /* their identity key changed */
        return &p->undeliverable_at;
    case 131049: /* held back: too much marketing for this person */
        return &p->caps.engagement_at;
    case 130472: /* in an experiment of Meta's */
        return &p->caps.experiment_at;
    default:
        return NULL;
    }
}

/* The account could not be billed (131042), or its templates were held to be in wrong categories too often (131064). */
static int account_code_said(struct store *s, const struct error_word *w, bool *ret_changed, struct err *e)
{
    struct account a;
    int rc = accounts_get(s, w->waba, &a, e);
    int64_t *when = w->code == 131042 ? &a.payment_failed_at : &a.misuse_at;
    if (rc != 0 || *when >= w->at)
        return rc;
    *when = w->at;
    *ret_changed = true;
    return accounts_put(s, &a, 1, e);
}

/* 131048: too much of what the number sent was blocked or reported. */
static int sender_code_said(struct store *s, const struct error_word *w, bool *ret_changed, struct err *e)
{
    int64_t before = 0;
    int rc = senders_spam_at(s, w->sender, &before, e);
    if (rc != 0 || before >= w->at)
        return rc;
    *ret_changed = true;
    return senders_spam(s, w->sender, w->at, e);
}

int apply_taken(struct store *s, int64_t waba, int64_t sender, bool *ret_control_changed, struct err *e)
{
    struct account a = {0};
    int64_t spam_at = 0;
    int rc = waba != 0 ? accounts_get(s, waba, &a, e) : 0;
    if (rc == 0 && (a.payment_failed_at != 0 || a.misuse_at != 0)) {
        a.payment_failed_at = a.misuse_at = 0;
        *ret_control_changed = true;
        rc = accounts_put(s, &a, 1, e);
    }
    if (rc == 0)
        rc = senders_spam_at(s, sender, &spam_at, e);
    if (rc != 0 || spam_at == 0)
        return rc;
    *ret_control_changed = true;
    return senders_spam(s, sender, 0, e);
}

static int person_said(struct store *s, const struct error_word *w, int64_t now, struct err *e)
{
    const struct said stop = {.act = CONSENT_STOP, .at = w->at, .sender = w->sender, .source = STR("error 131050")};
    struct person p = {0};
    int64_t *when = said_of_person(&p, w->code);
    bool stopped = w->code == 131050;
    if (w->contact == 0 || (!stopped && when == NULL))
        return 0;
    int rc = people_get(s, w->bucket, w->contact, &p, e);
    if (rc != 0)
        return rc;
    if (stopped) /* a resume that is later than this stands */
        return apply_consent(s, &p, &stop, now, NULL, e);
    if (*when >= w->at)
        return 0;
    *when = w->at;
    return people_save(s, &p, 1, e);
}

/* An older word undoes no newer one: a person may have resumed since. */
int apply_error_code(struct store *s, const struct error_word *w, int64_t now, bool *ret_control_changed, struct err *e)
{
    if ((w->code == 131042 || w->code == 131064) && w->waba != 0)
        return account_code_said(s, w, ret_control_changed, e);
    if (w->code == 131048)
        return sender_code_said(s, w, ret_control_changed, e);
    return person_said(s, w, now, e);
}
