/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit_people.c - what people's rows say of their consent, against the events in the ledger.
 *
 * A row may be stricter than the events alone: a refusal under one name stands against a grant under another that was given
 * before the two were known to be one person. It may never be laxer, and never say something nobody said. So a consent that is
 * granted must be granted by the events, too, with an event of that moment and that end; one that is withdrawn needs an event that
 * refuses; and what the events refuse is refused. Refusals under names that went to somebody else by now count there. How
 * far the log has to be sealed for a person is that of their last leaf at least. People who are being erased are left alone. */
#include <string.h>

#include "gateway/ledger_audit_impl.h"
#include "store/ledger.h"
#include "store/ledger_audit.h"
#include "store/people.h"

#define PAGE   64
#define EVENTS 10000
#define NAMES  256

struct one {
    struct person p;
    const struct consent_row *row;
    size_t n;
    struct identity name[NAMES];
    size_t n_names;
    struct consent_state fold; /* of all grants, and of refusals under names they have */
};

static bool is_theirs(const struct one *o, struct str subject)
{
    if (subject.n == 0)
        return true;
    for (size_t i = 0; i < o->n_names; i++) {
        char text[IDENTITY_TEXT_MAX];
        identity_text(&o->name[i], text);
        if (str_eq(subject, str_of(text)))
            return true;
    }
    return false;
}

static bool grants(const struct consent_row *r)
{
    return r->event.act == CONSENT_GRANT || r->event.act == CONSENT_RESUME;
}

static void fold(struct one *o)
{
    memset(&o->fold, 0, sizeof o->fold);
    for (size_t i = 0; i < o->n; i++)
        if (grants(&o->row[i]) || is_theirs(o, o->row[i].subject))
            consent_apply(&o->fold, &o->row[i].event);
}

/* Whether there is a row of this act for the category, at that moment and with that end if it is a grant. */
static bool said(const struct one *o, enum consent_act act, int category, const struct consent_word *w)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct consent_event *ev = &o->row[i].event;
        if (ev->act != act || !(ev->scope & CONSENT_SCOPE(category)))
            continue;
        if (act != CONSENT_GRANT || (ev->at == w->at && ev->until == w->until))
            return true;
    }
    return false;
}

static bool any(const struct one *o, enum consent_act act)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->row[i].event.act == act)
            return true;
    return false;
}

static const char *mismatch(const struct one *o, int category)
{
    const struct consent_word *w = &o->p.consent.of[category], *f = &o->fold.of[category];
    if (w->status == CONSENT_GRANTED && f->status != CONSENT_GRANTED)
        return f->status == CONSENT_WITHDRAWN ? "is granted, and the events refuse it"
                                              : "is granted, and no event grants it";
    if (w->status == CONSENT_GRANTED && !said(o, CONSENT_GRANT, category, w))
        return "is granted from or until a time that no event says";
    if (w->status == CONSENT_WITHDRAWN && !said(o, CONSENT_WITHDRAW, category, w))
        return "is withdrawn, and no event refuses it";
    if (w->status == CONSENT_NONE && f->status == CONSENT_WITHDRAWN)
        return "is unknown, and the events refuse it";
    return NULL;
}

static int64_t last_leaf(const struct one *o)
{
    int64_t last = -1;
    for (size_t i = 0; i < o->n; i++)
        last = o->row[i].leaf > last ? o->row[i].leaf : last;
    return last;
}

static void compare(struct ledger_audit *au, const struct one *o)
{
    const struct person *p = &o->p;
    long long id = (long long)p->id;
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        const char *why = CONSENT_SCOPE(c) & CONSENT_ALL ? mismatch(o, c) : NULL;
        if (why != NULL)
            ledger_audit_say(au, "contact c%lld-%d (leaf %lld): consent for %s %s", id, p->bucket,
                             (long long)last_leaf(o), category_name((enum category)c), why);
    }
    if (p->consent.platform_stop && !any(o, CONSENT_STOP))
        ledger_audit_say(au, "contact c%lld-%d: marketing is stopped in WhatsApp, and no event says so", id, p->bucket);
    if (!p->consent.platform_stop && o->fold.platform_stop)
        ledger_audit_say(au,
                         "contact c%lld-%d: the events say that marketing is stopped in WhatsApp, the contact does not",
                         id, p->bucket);
    if (p->leaf < last_leaf(o))
        ledger_audit_say(au, "contact c%lld-%d counts as proven from leaf %lld on, and leaf %lld is theirs", id,
                         p->bucket, (long long)p->leaf, (long long)last_leaf(o));
}

static int audit_person(struct ledger_audit *au, int64_t id, struct err *e)
{
    struct consent_row *rows = NULL;
    struct err why = {0};
    struct one *o = arena_new(au->a, struct one);
    if (o == NULL)
        return err_set(e, WL_ENOMEM, "a person does not fit the audit's memory");
    int rc = people_get(au->s, LEDGER_BUCKET, id, &o->p, &why);
    if (rc == WL_EIO || rc == WL_ECORRUPT) {
        ledger_audit_say(au, "contact c%lld-%d cannot be read: %s", (long long)id, LEDGER_BUCKET, why.text);
        return 0;
    }
    if (rc != 0 || o->p.restricted_until != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    rc = people_identities(au->s, LEDGER_BUCKET, id, o->name, NAMES, &o->n_names, e);
    if (rc == 0)
        rc = ledger_list(au->s, LEDGER_BUCKET, id, au->a, EVENTS, &rows, &o->n, e);
    if (rc != 0)
        return rc;
    o->row = rows;
    au->people++;
    if (o->n == EVENTS) /* what they said last may not be among these */
        return 0;
    fold(o);
    compare(au, o);
    return 0;
}

int ledger_audit_people(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e)
{
    int64_t id[PAGE];
    size_t n = 0, i = 0;
    int rc = people_after(au->s, LEDGER_BUCKET, from, PAGE, id, &n, e);
    for (; i < n && rc == 0; i++) {
        rc = audit_person(au, id[i], e);
        if (rc == WL_ENOMEM && i > 0) /* the page's memory is full: the next one begins here */
            break;
    }
    if (rc == WL_ENOMEM && i > 0)
        rc = 0;
    if (rc == 0)
        *ret_next = i < n || n == PAGE ? id[i - 1] : -1;
    return rc;
}
