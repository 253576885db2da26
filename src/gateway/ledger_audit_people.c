/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit_people.c - what people's rows say of their consent, against the events in the ledger.
 *
 * A row may be stricter than the events alone: a refusal under one name stands against a grant under another that was given
 * before the two were known to be one person. It may never be laxer, and never say something nobody said. So a consent that is
 * granted must be granted by the events, too, with an event of that moment and that end; one that is withdrawn needs an event that
 * refuses; and what the events refuse is refused. What was refused under a name that went to somebody else counts there: who
 * has the name refuses, too, or was told so by an event, or granted again since they have it. How far the log has to be sealed for a person is that of their last leaf at least. People who are being erased are left alone. */
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

/* What was said under each of their names stands with the name; their row may not allow what follows from that to be refused. */
static int audit_voices(struct ledger_audit *au, const struct one *o, struct err *e)
{
    struct consent_state is;
    struct err why = {0};
    const struct person *p = &o->p;
    int rc = people_fold(au->s, p, &is, &why);
    if (rc == WL_EIO || rc == WL_ECORRUPT) {
        ledger_audit_say(au, "contact c%lld-%d: %s", (long long)p->id, p->bucket, why.text);
        return 0;
    }
    for (int c = 0; rc == 0 && c < CATEGORY_COUNT; c++)
        if (is.of[c].status == CONSENT_WITHDRAWN && p->consent.of[c].status != CONSENT_WITHDRAWN)
            ledger_audit_say(au,
                             "contact c%lld-%d: consent for %s is refused under one of their names, and not by them",
                             (long long)p->id, p->bucket, category_name((enum category)c));
    if (rc == 0 && is.platform_stop && !p->consent.platform_stop)
        ledger_audit_say(au,
                         "contact c%lld-%d: marketing is stopped in WhatsApp under one of their names, and not by them",
                         (long long)p->id, p->bucket);
    return rc != 0 && e != NULL ? (*e = why, rc) : rc;
}

/* --- names that went to somebody else --------------------------------------------------------------------------------- */

/* It repeats what was said elsewhere, because of what was learned about names. */
static bool repeats(const struct consent_row *r)
{
    return str_eq(r->method, STR("number_moved")) || str_eq(r->method, STR("merge"));
}

/* A row of before the log got the name its person was known by then, which may not be the one it was said under. */
static int was_adopted(struct ledger_audit *au, const struct consent_row *r, bool *ret, struct err *e)
{
    struct log_entry entry;
    struct leaf l;
    size_t n = 0;
    *ret = true;
    int rc = r->leaf >= 0 ? log_read(au->s, r->leaf, 1, &entry, &n, e) : 0;
    if (rc == 0 && n == 1 && leaf_read(entry.bytes, LEAF_BYTES, &l, NULL) == 0)
        *ret = l.at > r->recorded_at;
    return rc == WL_ECORRUPT ? 0 : rc;
}

/* Whether the rows of who has the name now show what was refused under it at `at`, or that it was granted since. */
static bool shows(const struct consent_row *row, size_t n, int category, int64_t at, int64_t since)
{
    for (size_t i = 0; i < n; i++) {
        const struct consent_event *ev = &row[i].event;
        if (!(ev->scope & CONSENT_SCOPE(category)))
            continue;
        if (ev->act == CONSENT_WITHDRAW && repeats(&row[i]) && ev->at >= at)
            return true;
        if (ev->act == CONSENT_GRANT && since > 0 && ev->at >= since && ev->at > at)
            return true;
    }
    return false;
}

/* `f`: what was refused under the name `r` has, which is not theirs any more. */
static int audit_moved(struct ledger_audit *au, const struct one *o, const struct consent_row *r,
                       const struct consent_state *f, struct err *e)
{
    struct name_owner has;
    struct person p = {.id = 0};
    struct consent_row *rows = NULL;
    size_t n = 0;
    int rc = name_owner_get(au->s, LEDGER_BUCKET, r->subject, &has, e);
    if (rc != 0 || has.contact == 0 || has.contact == o->p.id) /* nobody has it: who had it was erased */
        return rc;
    rc = people_get(au->s, LEDGER_BUCKET, has.contact, &p, NULL);
    if (rc != 0 || p.restricted_until != 0)
        return rc == WL_ENOMEM ? rc : 0; /* told when it is their turn */
    rc = ledger_list(au->s, LEDGER_BUCKET, p.id, au->a, EVENTS, &rows, &n, e);
    for (int c = 0; rc == 0 && c < CATEGORY_COUNT; c++) {
        if (f->of[c].status != CONSENT_WITHDRAWN || p.consent.of[c].status == CONSENT_WITHDRAWN ||
            shows(rows, n, c, f->of[c].at, has.claimed_at))
            continue;
        ledger_audit_say(
            au,
            "contact c%lld-%d refused %s (leaf %lld) under a name that is contact c%lld-%d's by now, of whom "
            "no event says so",
            (long long)o->p.id, LEDGER_BUCKET, category_name((enum category)c), (long long)r->leaf, (long long)p.id,
            LEDGER_BUCKET);
    }
    return rc;
}

static bool is_lost(const struct one *o, const struct consent_row *r)
{
    return !grants(r) && !repeats(r) && !is_theirs(o, r->subject);
}

/* What they refused under names that are not theirs any more, each name once. */
static int audit_lost(struct ledger_audit *au, const struct one *o, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < o->n && rc == 0; i++) {
        struct consent_state f;
        bool before = false, adopted = true;
        if (!is_lost(o, &o->row[i]))
            continue;
        for (size_t k = 0; k < i && !before; k++)
            before = str_eq(o->row[k].subject, o->row[i].subject) && is_lost(o, &o->row[k]);
        if (before)
            continue;
        memset(&f, 0, sizeof f);
        for (size_t k = 0; k < o->n; k++)
            if (grants(&o->row[k]) || (is_lost(o, &o->row[k]) && str_eq(o->row[k].subject, o->row[i].subject)))
                consent_apply(&f, &o->row[k].event);
        rc = was_adopted(au, &o->row[i], &adopted, e);
        if (rc == 0 && !adopted)
            rc = audit_moved(au, o, &o->row[i], &f, e);
    }
    return rc;
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
    if (rc == 0 && o->p.restricted_until != 0)
        return ledger_audit_restricted(au, &o->p, e);
    if (rc != 0)
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
    rc = audit_voices(au, o, e);
    return rc == 0 ? audit_lost(au, o, e) : rc;
}

int ledger_audit_people(struct ledger_audit *au, int64_t from, int64_t *ret_next, struct err *e)
{
    int64_t id[PAGE];
    size_t n = 0, i = 0;
    int rc = from == 0 ? ledger_audit_open_erasures(au, e) : 0;
    if (rc == 0)
        rc = people_after(au->s, LEDGER_BUCKET, from, PAGE, id, &n, e);
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
